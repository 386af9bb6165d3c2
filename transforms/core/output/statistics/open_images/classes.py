"""All classes of a release, those that no list names among them."""

import dataclasses
from collections import Counter
from collections.abc import Iterable
from typing import Any, Self

import pyarrow as pa

from transforms.core.model.chunk import Chunk
from transforms.core.output.statistics.statistic import Statistic, StatisticsTable, in_order
from transforms.core.sources.annotations.releases import schemas
from transforms.core.sources.annotations.releases.forms import DESCRIBED

Key = tuple[str | None, str]
"""Release and class id."""

NAMED_BY = tuple(name for name in DESCRIBED if name != "relationships")
"""Lists whose names are those of classes, the first that has one wins."""

_LISTS = {
    "trainable": ("trainable", "boxable_trainable"),
    "boxable": ("boxable", "boxable_descriptions"),
    "attribute": ("attributes",),
}
"""Lists of the classes of which a column is true."""

_USED = {
    "labels": ("class_id",),
    "boxes": ("class_id",),
    "masks": ("class_id",),
    "relationships": ("class_id_1", "class_id_2"),
    "attributes": ("class_id", "attribute_id"),
    "point_labels": ("class_id",),
}


@dataclasses.dataclass(slots=True)
class Classes(Statistic):
    """Classes that lists or rows name.

    Attributes:
      used: Rows by release and class.
      lists: Of each release and list, the smallest name of each class, empty where it has none.
    """

    name = "classes"
    tables = {"classes": StatisticsTable(schemas.CLASSES, "a class that a list or a row names")}

    used: Counter = dataclasses.field(default_factory=Counter)
    lists: dict[tuple[str | None, str], dict[str, str]] = dataclasses.field(default_factory=dict)

    def add(self, chunk: Chunk) -> None:
        """Adds the classes of a chunk."""
        for table, columns in _USED.items():
            if (rows := chunk.get(table)) is not None:
                for column in columns:
                    self.used.update(_count(rows["release"], rows[column]))
        entries = chunk.get("class_entries")
        if entries is not None:
            for row in entries.to_pylist():
                key = (row["release"], row["list"])
                self._name(key, row["class_id"], row["name"] or "")

    def _name(self, key: tuple[str | None, str], class_id: str, name: str) -> None:
        names = self.lists.setdefault(key, {})
        known = names.get(class_id, "")
        names[class_id] = min(filter(None, (known, name)), default="")

    def merge(self, other: Self) -> None:
        """Adds another's classes."""
        self.used.update(other.used)
        for key, names in other.lists.items():
            for class_id, name in names.items():
                self._name(key, class_id, name)

    def pack(self) -> list:
        """Rows of release, class and number; and of release, list, classes and names."""
        return [
            [[*key, number] for key, number in self.used.items()],
            [[*key, list(names), list(names.values())] for key, names in self.lists.items()],
        ]

    @classmethod
    def unpack(cls, packed: list) -> Self:
        """What `pack` made."""
        used, lists = packed
        return cls(
            Counter({tuple(key): number for *key, number in used}),
            {tuple(key): dict(zip(ids, names, strict=True)) for *key, ids, names in lists},
        )

    def to_tables(self) -> dict[str, pa.Table]:
        """A row a class of a release."""
        keys = set(self.used)
        for (release, which), names in self.lists.items():
            if which != "relationships":
                keys |= {(release, class_id) for class_id in names}
        rows = [self._row(release, class_id) for release, class_id in in_order(keys)]
        return {"classes": pa.Table.from_pylist(rows, schema=schemas.CLASSES)}

    def _row(self, release: str | None, class_id: str) -> dict[str, Any]:
        return {
            "release": release,
            "class_id": class_id,
            "name": self._name_of(release, class_id),
            **{column: self._is_in(release, class_id, which) for column, which in _LISTS.items()},
            "rows": self.used[release, class_id],
        }

    def _name_of(self, release: str | None, class_id: str) -> str | None:
        named = (self.lists.get((release, which), {}).get(class_id) for which in NAMED_BY)
        return next(filter(None, named), None)

    def _is_in(self, release: str | None, class_id: str, which: Iterable[str]) -> bool | None:
        read = [names for name in which if (names := self.lists.get((release, name))) is not None]
        return any(class_id in names for names in read) if read else None


def _count(releases: pa.DictionaryArray, classes: pa.DictionaryArray) -> Counter:
    """Rows by release and class."""
    counted: Counter = Counter()
    for release in releases.unique():
        of_release = classes.filter(pa.compute.equal(releases, release))
        found = of_release.value_counts()
        values, numbers = found.field("values").to_pylist(), found.field("counts").to_pylist()
        counted.update({(release.as_py(), v): n for v, n in zip(values, numbers, strict=True)})
    return counted
