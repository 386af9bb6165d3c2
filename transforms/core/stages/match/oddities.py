"""What an index takes in and a run does not use: counted and named in sentences for the user."""

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np
import pyarrow as pa

from transforms.core.base.errors import shown
from transforms.core.stages.match.localization import box_faults
from transforms.core.stages.match.mentions import fold, spoken_name

Place = tuple[int, int]
"""A source's number, and the position in it."""

Finding = tuple[str, Place, Any]
"""Table, place, and what `find` gives for rows of that table."""

BOX_FAULTS = {
    "inverted": (
        "1 box has a minimum above the maximum and is not used; it",
        "{:,} boxes have a minimum above the maximum and are not used; the first",
    ),
    "outside": (
        "1 box lies beyond -1 to 2 in normalised image coordinates and is not used; it",
        "{:,} boxes lie beyond -1 to 2 in normalised image coordinates and are not used; the first",
    ),
}
"""What is wrong with boxes, of one and of more."""

_CLASS_FAULTS = {
    "second": (
        "1 class id is there again with another name, of which the first is used; it",
        "{:,} class ids are there again with another name, of which the first is used; the first",
    ),
    "silent": (
        "1 class name has no letter or digit and is never found; it",
        "{:,} class names have no letter or digit and are never found; the first",
    ),
    "taken": (
        "1 class name is spoken as that of a class before, which gets its mentions; it",
        "{:,} class names are spoken as that of a class before, which gets their mentions; the "
        "first",
    ),
}
"""Why class names are not used, of one and of more."""


def find(table: str, rows: pa.RecordBatch) -> object | None:
    """What is odd in rows of `boxes` or `classes`; None where there can be nothing.

    Returns:
      Of boxes, by fault of `BOX_FAULTS`, how many and the image of the first; of classes their
      ids and names, since what is odd only shows beside those of other files.
    """
    if table == "boxes":
        return _find_boxes(rows) or None
    if table == "classes":
        return list(zip(rows["key"].to_pylist(), rows["name"].to_pylist(), strict=True))
    return None


def _find_boxes(rows: pa.RecordBatch) -> dict[str, tuple[int, str]]:
    edges = ("x_min", "y_min", "x_max", "y_max")
    corners = [rows[edge].to_numpy(zero_copy_only=False) for edge in edges]
    faults = box_faults(np.stack(corners, axis=1))
    odd = {fault: np.flatnonzero(faults[fault]) for fault in BOX_FAULTS}
    return {
        fault: (len(where), rows["key"][int(where[0])].as_py())
        for fault, where in odd.items()
        if len(where)
    }


def describe(names: Sequence[str], findings: Iterable[Finding]) -> list[str]:
    """Sentences on all that was found.

    Args:
      names: The sources' names.
      findings: In any order.
    """
    ordered = sorted(findings, key=lambda finding: finding[:2])
    boxes: dict[tuple[int, str], tuple[int, str]] = {}
    for table, (source, _), found in ordered:
        for fault, (number, image) in found.items() if table == "boxes" else ():
            before, first = boxes.get((source, fault), (0, image))
            boxes[source, fault] = before + number, first
    return [
        f"{shown(names[source])}: {_say(BOX_FAULTS[fault], number)} is of image {shown(image)}"
        for (source, fault), (number, image) in boxes.items()
    ] + _describe_classes(
        (names[place[0]], class_id, name)
        for table, place, found in ordered
        if table == "classes"
        for class_id, name in found
    )


def _describe_classes(rows: Iterable[tuple[str, str, str]]) -> list[str]:
    """Names of classes that no mention can have; rows are file, class id and name, in order."""
    own: dict[str, str] = {}
    owners: dict[tuple[bool, str], str] = {}
    ignored: Mapping[str, list] = {fault: [] for fault in _CLASS_FAULTS}
    for file, class_id, name in rows:
        spoken = fold(spoken_name(name))
        vocabulary = class_id.isdecimal()
        if class_id in own:
            if own[class_id] != name:
                ignored["second"].append((file, class_id, name))
            continue
        own[class_id] = name
        if not re.search(r"\w", spoken):
            ignored["silent"].append((file, class_id, name))
        elif owners.setdefault((vocabulary, spoken), class_id) != class_id:
            ignored["taken"].append((file, class_id, name))
    return [
        f"{shown(found[0][0])}: {_say(_CLASS_FAULTS[fault], len(found))} is {shown(found[0][1])}, "
        f"`{shown(found[0][2])}`"
        for fault, found in ignored.items()
        if found
    ]


def _say(forms: tuple[str, str], number: int) -> str:
    return forms[0] if number == 1 else forms[1].format(number)
