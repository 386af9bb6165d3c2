"""How many images have which label, and how many of a machine's labels are correct.

An image counts once, whichever files and units the rows are in that give it a label. Of n rows that
say the same of the same label (`judge_labels.SAME`), each counts for an n-th of an image: rows are
counted by n, in integers, and divided in the end.
"""

import dataclasses
from collections import Counter
from collections.abc import Iterable, Iterator
from typing import Any, NamedTuple, Self

import numpy as np
import pyarrow as pa

from transforms.core.model.chunk import Chunk
from transforms.core.model.columns import term_codes
from transforms.core.output.statistics.open_images.shares import wilson_interval
from transforms.core.output.statistics.statistic import Statistic, StatisticsTable, in_order
from transforms.core.sources.annotations.releases import schemas
from transforms.core.sources.annotations.releases.said import BY_MACHINE, DENIED, said_of
from transforms.core.stages.judge_labels import CORRECT, DISPUTED, SAME, WRONG

ALL = "all"
HUMAN = "human"

_UNASKED = ""


class Group(NamedTuple):
    """Rows that are counted together.

    Attributes:
      release: Their release.
      split: Their split, None where it is not known.
      source: `machine` or `human`.
      verdict: Of a machine's labels (empty: nobody was asked); of people's `correct` stands for
        labels that they affirmed, `wrong` for those that they denied.
      same: How many rows there are of each of these labels.
    """

    release: str | None
    split: str | None
    source: str
    verdict: str
    same: int


@dataclasses.dataclass(slots=True)
class LabelImages(Statistic):
    """Images by label.

    Attributes:
      rows: Of each group, rows by class.
    """

    name = "label_images"
    tables = {
        "label_frequencies": StatisticsTable(
            schemas.FREQUENCIES, "a label: how many images have it, by release, split and source"
        ),
        "machine_accuracy": StatisticsTable(
            schemas.ACCURACY, "a machine's label: how many of its images people found correct"
        ),
        "machine_accuracy_bins": StatisticsTable(
            schemas.ACCURACY_BINS, "machines' labels of about the same number of images"
        ),
    }

    rows: dict[Group, Counter] = dataclasses.field(default_factory=dict)

    def add(self, chunk: Chunk) -> None:
        """Counts the labels of a chunk that were judged."""
        labels = chunk.get("labels")
        if labels is None or SAME not in labels.schema.names:
            return
        for group, classes in _count(labels):
            self.rows.setdefault(group, Counter()).update(classes)

    def merge(self, other: Self) -> None:
        """Adds another's rows."""
        for group, classes in other.rows.items():
            self.rows.setdefault(group, Counter()).update(classes)

    def pack(self) -> list:
        """Rows of a group, and its classes and their numbers."""
        return [
            [*group, list(classes), list(classes.values())] for group, classes in self.rows.items()
        ]

    @classmethod
    def unpack(cls, packed: list) -> Self:
        """What `pack` made."""
        return cls(
            {
                Group(*group): Counter(dict(zip(classes, numbers, strict=True)))
                for *group, classes, numbers in packed
            }
        )

    def to_tables(self) -> dict[str, pa.Table]:
        """Frequencies, and shares of correct labels by class and by frequency."""
        images = self._images()
        classes = list(_by_class(images))
        made = {
            "label_frequencies": _frequencies(images),
            "machine_accuracy": classes,
            "machine_accuracy_bins": list(_bins(classes)),
        }
        return {
            name: pa.Table.from_pylist(rows, schema=self.tables[name].schema)
            for name, rows in made.items()
        }

    def _images(self) -> dict[Group, Counter]:
        """Images by class, of each group without `same`, which is 1."""
        parts: dict[tuple[Group, str], dict[int, int]] = {}
        for group, classes in self.rows.items():
            for class_id, number in classes.items():
                key = group._replace(same=1), class_id
                parts.setdefault(key, {})[group.same] = number
        images: dict[Group, Counter] = {}
        for (group, class_id), by_same in parts.items():
            number = sum(rows // same for same, rows in by_same.items())
            images.setdefault(group, Counter())[class_id] = number
        return images


def _count(labels: pa.RecordBatch) -> Iterator[tuple[Group, dict[str, int]]]:
    """Rows of each group by class."""
    said, verdicts = said_of(labels), term_codes(labels["verdict"])
    columns = [term_codes(labels[name]) for name in ("release", "split")]
    class_codes, class_ids = term_codes(labels["class_id"])
    same = labels[SAME].to_numpy()
    key = np.stack([*(codes for codes, _ in columns), said, verdicts[0], same])
    groups, group_of_row = np.unique(key, axis=1, return_inverse=True)
    codes = group_of_row.reshape(-1) * len(class_ids) + class_codes
    found, numbers = np.unique(codes, return_counts=True)
    for position in range(groups.shape[1]):
        release, split, sayings, verdict, equal = groups[:, position].tolist()
        names = columns[0][1][release], columns[1][1][split]
        members = found // len(class_ids) == position
        classes = [class_ids[code] for code in (found[members] % len(class_ids)).tolist()]
        group = Group(*names, *_describe(sayings, verdicts[1][verdict]), equal)
        yield group, dict(zip(classes, numbers[members].tolist(), strict=True))


def _describe(said: int, verdict: str | None) -> tuple[str, str]:
    if said == BY_MACHINE:
        return schemas.MACHINE, verdict or _UNASKED
    return HUMAN, WRONG if said == DENIED else CORRECT


def _frequencies(images: dict[Group, Counter]) -> list[dict[str, Any]]:
    found: dict[tuple, Counter] = {}
    for group, classes in images.items():
        denied = group.source == HUMAN and group.verdict == WRONG
        column = "negatives" if denied else "images"
        for split in {ALL, group.split} - {None}:
            for class_id, number in classes.items():
                key = (group.release, split, class_id, group.source)
                found.setdefault(key, Counter())[column] += number
    names = schemas.FREQUENCIES.names[:4]
    return [
        {**dict(zip(names, key, strict=True)), "images": 0, "negatives": 0, **found[key]}
        for key in in_order(found)
    ]


def _by_class(images: dict[Group, Counter]) -> Iterator[dict[str, Any]]:
    found: dict[tuple, Counter] = {}
    for group, classes in images.items():
        if group.source == schemas.MACHINE:
            for class_id, number in classes.items():
                found.setdefault((group.release, class_id), Counter())[group.verdict] += number
    for release, class_id in in_order(found):
        counted = found[release, class_id]
        yield {
            "release": release,
            "class_id": class_id,
            "images": counted.total(),
            **_share(counted[CORRECT], counted[WRONG], counted[DISPUTED]),
        }


def _share(correct: int, wrong: int, disputed: int) -> dict[str, Any]:
    judged = correct + wrong
    low, high = wilson_interval(correct, judged)
    share = correct / judged if judged else None
    counts = {"judged": judged, "correct": correct, "wrong": wrong, "disputed": disputed}
    return {**counts, "share": share, "low": low, "high": high}


def half_decade(images: int) -> int:
    """The k with 10^(k/2) ≤ images < 10^((k+1)/2), for at least one image.

    >>> [half_decade(n) for n in (1, 3, 4, 9, 10, 31, 32, 100)]
    [0, 0, 1, 1, 2, 2, 3, 4]
    """
    return len(str(images * images)) - 1


def first_of(half: int) -> int:
    """The smallest number of images in a half decade.

    >>> [first_of(k) for k in range(5)]
    [1, 4, 10, 32, 100]
    """
    root = int(10 ** (half // 2))
    if half % 2 == 0:
        return root
    return next(n for n in range(3 * root, 4 * root + 1) if n * n >= 10**half)


def _bins(classes: Iterable[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    found: dict[tuple, Counter] = {}
    for row in classes:
        if row["judged"]:
            counter = found.setdefault((row["release"], half_decade(row["images"])), Counter())
            counter.update({name: row[name] for name in (CORRECT, WRONG, DISPUTED)}, classes=1)
    for release, half in sorted(found, key=lambda key: (key[0] or "", key[1])):
        counted = found[release, half]
        yield {
            "release": release,
            "from_images": first_of(half),
            "to_images": first_of(half + 1),
            "classes": counted["classes"],
            **_share(counted[CORRECT], counted[WRONG], counted[DISPUTED]),
        }
