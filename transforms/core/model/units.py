"""Units: pieces of shards, the keys under which their results are kept, and what is counted."""

import bisect
import dataclasses
import re
from collections.abc import Iterable, Iterator
from typing import Any, NamedTuple

import msgspec

from transforms.core.base.lines import COMPRESSED
from transforms.core.base.versions import digest

SKIPPED = ("_", ".")
"""Beginnings of file names that Spark, Hive and pyarrow skip when they read a folder."""

LABEL_BYTES = 120
"""A longer label is cut: file names, with what is added to them, have at most 255 bytes."""


_OUTSIDE_KEY = (
    "identity",
    "content",
    "repairs",
    "repair_files",
    "piece_bytes",
    "stop",
    "deadly",
    "before",
    "called",
    "in_turn",
    "context",
)
"""Attributes of a unit that do not change its results, or are added to what its key tells of."""


class Deadly(NamedTuple):
    """A line that ends the process that does it.

    Attributes:
      byte_offset: Where it begins in the (decompressed) shard.
      stage: The stage in which the process ended.
      end: How.
    """

    byte_offset: int
    stage: str
    end: str


@dataclasses.dataclass(frozen=True)
class Unit:
    """A piece of one shard.

    Attributes:
      path: The shard.
      label: What it is called after.
      fingerprint: Of the shard's file; part of the key only where the content is not known.
      size: Bytes of the shard as stored.
      index: Position among the shard's units, from 0.
      start: First byte; a line belongs to the unit in which it begins.
      end: One past the last byte. Of a compressed shard: None, until its text has been cut.
      dataset: From catalog or options, None to go by each record.
      split: From catalog or options, None to go by each record.
      dialect: The form of its lines (`decoding.DIALECTS`).
      salt: Hash of all else that changes results (configuration, indexes, code, packages).
      identity: Of the shard's file when it was found (`FileInfo`); no part of the key.
      content: Of the shard (`FileInfo`), whatever its file's dates.
      repairs: Where in the (decompressed) shard the lines of the unit begin that are read in a
        repaired form, and keys of their repairs (`Repair.key`), in order.
      repair_files: Where these are, in the order in which they came; no part of the key.
      piece_bytes: Of a compressed shard with repairs: bytes of its pieces; no part of the key.
      stop: Bytes of the (decompressed) shard that are read, None for all; in the key where the
        shard is compressed, since else `end` tells.
      deadly: Lines that are not read, but rejected; no part of the key.
      before: Paths of commit records of the same lines under other rules, whose tables stand in for
        the shard; of a compressed shard those of its pieces in order. No part of the key.
      called: What the shard is called where its file's name is another shard's too; in the key in
        place of that.
      in_turn: Whether one worker must read the shard though it is not compressed; no part of the
        key.
      context: What a job's reader must know of what stands before the unit; no part of the key.
    """

    path: str
    label: str
    fingerprint: str
    size: int
    index: int = 0
    start: int = 0
    end: int | None = None
    dataset: str | None = None
    split: str | None = None
    dialect: str = "full"
    salt: str = ""
    identity: str = ""
    content: str = ""
    repairs: tuple[tuple[int, str], ...] = ()
    repair_files: tuple[str, ...] = ()
    piece_bytes: int = 0
    stop: int | None = None
    deadly: tuple[Deadly, ...] = ()
    before: tuple[str, ...] = ()
    called: str = ""
    in_turn: bool = False
    context: str = ""

    @property
    def shard(self) -> str:
        """The shard's name, that of its file in general."""
        return self.called or self.path.rsplit("/", 1)[-1]

    @property
    def compressed(self) -> bool:
        """Whether one worker must read the shard from its beginning."""
        return self.in_turn or self.path.endswith(COMPRESSED)

    @property
    def bytes(self) -> int:
        """Bytes of the shard, as stored, that it covers."""
        return (self.end or self.size) - self.start

    @property
    def name(self) -> str:
        """Unique within a version; begins the unit's key."""
        known = [part for part in (self.dataset, self.split) if part]
        return "-".join([*known, self.label, f"{self.index:04d}"])

    @property
    def key(self) -> str:
        """Under which the unit's results are kept: changes with whatever changes them."""
        values = dataclasses.asdict(self) | {"path": self.shard}
        for name in _OUTSIDE_KEY:
            del values[name]
        if self.repairs:
            values["repairs"] = [key for _, key in self.repairs]
        values["fingerprint"] = self.content or self.fingerprint
        if self.compressed:
            values["end"] = None  # a piece of compressed text is known by where it starts
            values |= {} if self.stop is None else {"stop": self.stop}
        return f"{self.name}-{digest(values)[:16]}"

    @property
    def first_key(self) -> str:
        """The key of what is finished first of it: of a compressed shard, of its first piece."""
        return self.piece(self.index, self.start, self.start).key if self.compressed else self.key

    def pieces(self, unit_bytes: int) -> Iterator["Unit"]:
        """The units of a whole shard: byte ranges, or itself where it is compressed."""
        if self.compressed:
            piece_bytes = unit_bytes if self.repairs else 0
            salt = f"{self.salt}-{unit_bytes}"
            yield dataclasses.replace(self, salt=salt, piece_bytes=piece_bytes)
            return
        size = self.size if self.stop is None else self.stop
        for index, start in enumerate(range(0, max(1, size), unit_bytes)):
            end = min(size, start + unit_bytes)
            yield self._part(index, start, end, end)

    def piece(self, index: int, start: int, end: int) -> "Unit":
        """A piece of a compressed shard's text, which holds the lines up to the next boundary."""
        behind = (start // self.piece_bytes + 1) * self.piece_bytes if self.piece_bytes else end
        return self._part(index, start, end, behind)

    def _part(self, index: int, start: int, end: int, behind: int) -> "Unit":
        """The unit from `start` to `end`, with repairs of lines that begin before `behind`."""
        low, high = (bisect.bisect_left(self.repairs, (at, "")) for at in (start, behind))
        repairs = self.repairs[low:high]
        files = self.repair_files if repairs else ()
        return dataclasses.replace(
            self, index=index, start=start, end=end, repairs=repairs, repair_files=files
        )


def make_label(stem: str) -> str:
    """What output files are called after: a file's name without what readers of folders refuse.

    >>> make_label("(1) my shard")
    '1_my_shard'
    """
    label = re.sub(r"[^\w.-]+", "_", stem).lstrip("_.-") or "shard"
    if len(label.encode()) > LABEL_BYTES:
        kept = label.encode()[: LABEL_BYTES - 9].decode(errors="ignore")
        label = f"{kept}-{digest({'stem': stem})[:8]}"
    return label


class LineCounts(msgspec.Struct):
    """What became of the lines read, whatever they hold.

    Attributes:
      lines: Lines read.
      blank: Of these, blank.
      rejected: Bad lines by code.
      repaired: Of the lines read, those that were read in a repaired form, and not rejected.
      left_out: Of the lines read, those that a sample leaves out.
    """

    lines: int = 0
    blank: int = 0
    rejected: dict[str, int] = msgspec.field(default_factory=dict)
    repaired: int = 0
    left_out: int = 0

    @property
    def bad(self) -> int:
        """Lines rejected."""
        return sum(self.rejected.values())


class Counts(LineCounts):
    """How many of what a unit held.

    Attributes:
      rows: Rows by table.
      further: What else a job counts: a number, or numbers by reason.
    """

    rows: dict[str, int] = msgspec.field(default_factory=dict)
    further: dict[str, int | dict[str, int]] = msgspec.field(default_factory=dict)

    def add(self, other: "Counts") -> None:
        """Adds another's numbers."""
        for name in self.__struct_fields__:
            setattr(self, name, _sum_of(getattr(self, name), getattr(other, name)))

    def conserved(self, accounted: Iterable[str]) -> bool:
        """The conservation law: every line read is accounted for.

        Args:
          accounted: Tables in each of whose rows a line ended.
        """
        rows = sum(self.rows.get(table, 0) for table in accounted)
        return self.lines == rows + self.bad + self.blank + self.left_out


def _sum_of(own: Any, other: Any) -> Any:
    """The sum of two numbers, or of the numbers that two dictionaries hold by key."""
    if not isinstance(own, dict):
        return own + other
    both = {key: _sum_of(own[key], other[key]) for key in own.keys() & other.keys()}
    return {**own, **other, **both}
