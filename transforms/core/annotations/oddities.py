"""What an index takes in and a run does not use: counted and named in sentences for the user."""

import re
from collections.abc import Iterable, Mapping, Sequence

import numpy as np
import pyarrow as pa

from transforms.core.errors import shown
from transforms.core.localization import box_faults
from transforms.core.mentions import fold, spoken_name

Place = tuple[int, int]
"""A source's number, and the position in it."""

Finding = tuple[str, Place, object]
"""Table, place, and what `find` gives for rows of that table."""

BOX_FAULTS = {
    "inverted": "have a minimum above the maximum",
    "outside": "lie beyond -1 to 2 in normalised image coordinates",
}


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
        f"{shown(names[source])}: {number:,} boxes {BOX_FAULTS[fault]} and are not used; the first "
        f"is of image {shown(image)}"
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
    ignored: Mapping[str, list] = {"second": [], "silent": [], "taken": []}
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
    reasons = {
        "second": "class ids are there again with another name, of which the first is used",
        "silent": "class names have no letter or digit and are never found",
        "taken": "class names are spoken as that of a class before, which gets their mentions",
    }
    return [
        f"{shown(found[0][0])}: {len(found):,} {reasons[kind]}; the first is "
        f"{shown(found[0][1])}, `{shown(found[0][2])}`"
        for kind, found in ignored.items()
        if found
    ]
