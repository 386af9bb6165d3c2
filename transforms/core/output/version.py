"""A version: all units merged, reconciled, and described in a manifest."""

import dataclasses
import unicodedata
from collections import Counter
from collections.abc import Iterable, Sequence

import google_crc32c
import msgspec

from transforms.core.base.errors import option
from transforms.core.base.versions import digest
from transforms.core.model import layout
from transforms.core.model.manifest_entries import (
    BadLineRow,
    PageFile,
    RepeatedKeyRow,
    Repeats,
    ShardRow,
    SplitRow,
    TableFile,
    UnitRow,
)
from transforms.core.model.narratives.schemas import LOCALIZATION_COUNTS
from transforms.core.model.units import SKIPPED, Counts
from transforms.core.output.commit_records import UnitRecord
from transforms.core.output.statistics.collection import Statistics
from transforms.core.output.statistics.localization import Localization
from transforms.core.output.statistics.richness import Richness
from transforms.core.output.statistics.totals import TOTALS, Totals

SHOWN_BAD_LINES = 100
SHOWN_REPEATED_KEYS = 100


@dataclasses.dataclass(slots=True)
class Summary:
    """All units of a version, merged in any order.

    Attributes:
      records: Their records by key, without statistics.
      statistics: Merged.
    """

    records: dict[str, UnitRecord] = dataclasses.field(default_factory=dict)
    statistics: Statistics = dataclasses.field(default_factory=Statistics)

    def update(self, record: UnitRecord) -> None:
        """Adds a unit; one that is there already is not counted again."""
        if record.unit.key in self.records:
            return
        self.statistics.merge_packed(record.statistics)
        self.records[record.unit.key] = msgspec.structs.replace(record, statistics={})

    def merge(self, other: "Summary") -> None:
        """Adds another's units; the two must have none in common."""
        self.statistics.merge(other.statistics)
        self.records.update(other.records)

    def compact(self) -> None:
        """Adds up what merging only gathered."""
        self.statistics.compact()

    def in_order(self) -> list[UnitRecord]:
        """Records by shard and position."""
        return sorted(
            self.records.values(), key=lambda r: (r.unit.label, r.unit.shard, r.unit.index)
        )


def encode_summary(summary: Summary) -> bytes:
    """MessagePack of the records and the packed statistics, for what passes between workers."""
    return msgspec.msgpack.encode((summary.records, summary.statistics.pack()))


def decode_summary(encoded: bytes) -> Summary:
    """What `encode_summary` made."""
    records, statistics = msgspec.msgpack.decode(encoded, type=tuple[dict[str, UnitRecord], dict])
    summary = Summary(records)
    summary.statistics.merge_packed(statistics)
    return summary


@dataclasses.dataclass(frozen=True)
class ShardPlan:
    """A shard of the run: what was found of it and what a catalog knows of it.

    Attributes:
      path: The file.
      size: Its bytes as stored.
      fingerprint: Changes when the file does.
      dataset: From catalog or options, None to go by each record.
      split: Likewise.
      group: Its split's name in the catalog, None for a file that is not catalogued.
      md5: Checksum of the published file, None where it is not known.
      md5_verified: Whether the file was read and has that checksum.
      identity: Tells the file from one that took its place (`FileInfo`).
    """

    path: str
    size: int
    fingerprint: str
    dataset: str | None
    split: str | None
    group: str | None = None
    md5: str | None = None
    md5_verified: bool = False
    identity: str = ""

    @property
    def shard(self) -> str:
        """The file's name."""
        return self.path.rsplit("/", 1)[-1]


def reconcile(shards: Sequence[ShardPlan], records: Iterable[UnitRecord]) -> list[ShardRow]:
    """The conservation law per shard.

    Shards go by their names: a record that is used again may have been made when the shard was in
    another folder.

    Lines read = narratives written + discarded + rejected + blank, and the units cover the
    shard's bytes without a gap (of a compressed shard: its text, up to the last piece).

    Returns:
      A row a shard, with `conserved`.
    """
    by_shard: dict[str, list[UnitRecord]] = {shard.shard: [] for shard in shards}
    for record in records:
        by_shard[record.unit.shard].append(record)
    return [_reconcile_shard(shard, by_shard[shard.shard]) for shard in shards]


def _reconcile_shard(shard: ShardPlan, records: Sequence[UnitRecord]) -> ShardRow:
    counts = Counts()
    for record in records:
        counts.add(record.counts)
    return ShardRow(
        shard=shard.shard,
        dataset=shard.dataset,
        split=shard.split,
        lines=counts.lines,
        narratives=counts.narratives,
        discarded=counts.discarded_narratives,
        rejected=counts.bad,
        blank=counts.blank,
        bytes=sum(record.bytes for record in records),
        size=shard.size,
        conserved=counts.conserved and _covered(shard, records),
    )


def _covered(shard: ShardPlan, records: Sequence[UnitRecord]) -> bool:
    total = sum(record.bytes for record in records)
    if records and records[0].unit.compressed:
        ordered = sorted(records, key=lambda record: record.unit.start)
        ends = [0, *(record.unit.start + record.bytes for record in ordered)]
        contiguous = all(r.unit.start == end for r, end in zip(ordered, ends, strict=False))
        return contiguous and ordered[-1].last and not any(r.last for r in ordered[:-1])
    return total == shard.size


def total_counts(records: Iterable[UnitRecord]) -> Counts:
    """Counts of all units."""
    counts = Counts()
    for record in records:
        counts.add(record.counts)
    return counts


def describe_units(records: Sequence[UnitRecord]) -> tuple[list[UnitRow], list[BadLineRow]]:
    """Manifest entries of the units, and of the first bad lines with their line in the file.

    Lines are counted from 1, over the units of a shard in order.
    """
    units, bad_lines = [], []
    next_line: dict[str, int] = {}
    for record in records:
        first = next_line.get(record.unit.shard, 1)
        next_line[record.unit.shard] = first + record.counts.lines
        units.append(
            UnitRow(
                key=record.unit.key,
                name=record.unit.name,
                shard=record.unit.shard,
                index=record.unit.index,
                start=record.unit.start,
                bytes=record.bytes,
                crc32c=record.crc32c,
                first_line=first,
                lines=record.counts.lines,
            )
        )
        bad_lines += [
            BadLineRow(record.unit.shard, first + bad.line_in_unit, bad.code, bad.message)
            for bad in record.bad_lines
        ]
    return units, bad_lines


def version_files(records: Sequence[UnitRecord]) -> dict[str, TableFile]:
    """Every file of the units: where it is below the output, and its entry in the manifest.

    Args:
      records: In order; all files of a unit have the same number.
    """
    return {
        file.path: TableFile(
            table=file.table,
            path=f"{file.table}/{layout.unit_file_name(file.table, position)}",
            shard=record.unit.shard,
            rows=file.rows,
            bytes=file.bytes,
            crc32c=file.crc32c,
        )
        for position, record in enumerate(records)
        for file in record.files
    }


def describe_page(path: str, data: bytes) -> PageFile:
    """The manifest's entry of a file that is no table."""
    return PageFile(path, len(data), google_crc32c.value(data))


def unusable_names(paths: Iterable[str]) -> list[str]:
    """Paths that readers of folders skip, or that are there twice (in any case of letters)."""
    found: set[str] = set()
    problems = []
    for path in paths:
        same = unicodedata.normalize("NFC", path).casefold()
        if same in found or path.rpartition("/")[2].startswith(SKIPPED):
            problems.append(path)
        found.add(same)
    return problems


def version_id(keys: Iterable[str]) -> str:
    """A version's name: the same for the same units, whose keys hold all that made them."""
    return digest({"units": sorted(keys)})[:16]


def describe_splits(statistics: Statistics) -> list[SplitRow]:
    """Numbers of each dataset and split (`totals.TOTALS`), and of its mentions.

    `with_box` are the mentions for which there is a box of their class in their image.
    """
    mentions: Counter = Counter()
    with_box: Counter = Counter()
    for (dataset, split, *_), values in statistics[Localization].counts.items():
        counts = dict(zip(LOCALIZATION_COUNTS, values, strict=True))
        mentions[dataset, split] += counts["mentions"]
        with_box[dataset, split] += counts["mentions"] - counts["without_box_of_class"]
    made = [
        SplitRow(
            dataset=split[0],
            split=split[1],
            **{name: counter[name] for name in TOTALS},
            mentions=mentions[split],
            with_box=with_box[split],
        )
        for split, counter in statistics[Totals].splits.items()
    ]
    return sorted(made, key=lambda row: (row.dataset or "", row.split or ""))


def describe_repeats(statistics: Statistics) -> Repeats:
    """How many narratives share their key with another one, under how many keys, and the first."""
    repeats = statistics[Richness].repeated_keys()
    return Repeats(
        narratives=sum(row["narratives"] for row in repeats),
        keys=len(repeats),
        first=[RepeatedKeyRow(**row) for row in repeats[:SHOWN_REPEATED_KEYS]],
    )


def too_many_bad_lines(
    counts: Counts, bad_lines: Sequence[BadLineRow], max_bad_share: float
) -> str | None:
    """What is wrong where more than the given share of lines is bad, None where it is not."""
    bad, lines = counts.bad, counts.lines - counts.blank
    if bad <= max_bad_share * lines:
        return None
    first = bad_lines[0]
    return (
        f"{bad:,} of {lines:,} lines {'is' if bad == 1 else 'are'} bad ({bad / lines:.2%}), above "
        f"{option('max_bad_share')} {max_bad_share:g}; the first is {first.shard}, line "
        f"{first.line}: {first.code}: {first.message}"
    )
