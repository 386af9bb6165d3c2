"""A version: all units merged, reconciled, and described in a manifest."""

import dataclasses
import unicodedata
from collections.abc import Iterable, Sequence
from typing import Any

import google_crc32c
import msgspec

from transforms.core.base.errors import option
from transforms.core.base.versions import digest
from transforms.core.model import layout
from transforms.core.model.manifest_entries import BadLineRow, PageFile, TableFile, UnitRow
from transforms.core.model.units import SKIPPED, Counts, LineCounts
from transforms.core.output.commit_records import UnitRecord
from transforms.core.output.jobs.job import Job
from transforms.core.output.statistics.collection import Statistics

SHOWN_BAD_LINES = 100


@dataclasses.dataclass(slots=True)
class Summary:
    """All units of a version, merged in any order.

    Attributes:
      statistics: Merged.
      records: Their records by key, without statistics.
    """

    statistics: Statistics
    records: dict[str, UnitRecord] = dataclasses.field(default_factory=dict)

    @classmethod
    def of(cls, job: Job) -> "Summary":
        """No unit yet."""
        return cls(Statistics(job.statistics))

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


def decode_summary(encoded: bytes, job: Job) -> Summary:
    """What `encode_summary` made of units of a job."""
    records, statistics = msgspec.msgpack.decode(encoded, type=tuple[dict[str, UnitRecord], dict])
    summary = Summary(Statistics(job.statistics), records)
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
      split: From catalog or options, None to go by each record.
      group: Its split's name in the catalog, None for a file that is not catalogued.
      md5: Checksum of the published file, None where it is not known.
      md5_verified: Whether the file was read and has that checksum.
      identity: Tells the file from one that took its place (`FileInfo`).
      content: Changes when its content does (`FileInfo`).
      called: What it is called where its file's name is another shard's too.
      stop: Bytes of the (decompressed) shard that the run reads, None for all of it.
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
    content: str = ""
    called: str = ""
    stop: int | None = None

    @property
    def shard(self) -> str:
        """Its name, that of its file in general."""
        return self.called or self.path.rsplit("/", 1)[-1]


def reconcile(
    shards: Sequence[ShardPlan], records: Iterable[UnitRecord], accounted: Sequence[str]
) -> list[dict[str, Any]]:
    """The conservation law per shard.

    Shards go by their names: a record that is used again may have been made when the shard was in
    another folder.

    Lines read = rows of the job's tables + rejected + blank + left out by a sample, and the units
    cover the shard's bytes without a gap (of a compressed shard: its text, up to the last piece),
    or those bytes of it that the run reads.

    Args:
      shards: All shards of the run.
      records: All records.
      accounted: Tables in each of whose rows a line ended (`Job.accounted`).

    Returns:
      A row a shard, as a manifest has it (`ShardRow`), with the rows of each table.
    """
    by_shard: dict[str, list[UnitRecord]] = {shard.shard: [] for shard in shards}
    for record in records:
        by_shard[record.unit.shard].append(record)
    return [_reconcile_shard(shard, by_shard[shard.shard], accounted) for shard in shards]


def _reconcile_shard(
    shard: ShardPlan, records: Sequence[UnitRecord], accounted: Sequence[str]
) -> dict[str, Any]:
    counts = total_counts(records)
    return {
        "shard": shard.shard,
        "dataset": shard.dataset,
        "split": shard.split,
        "lines": counts.lines,
        **{table: counts.rows.get(table, 0) for table in accounted},
        "rejected": counts.bad,
        "blank": counts.blank,
        "bytes": sum(record.bytes for record in records),
        "size": shard.size,
        "conserved": counts.conserved(accounted) and _covered(shard, records),
        "repaired": counts.repaired,
        "left_out": counts.left_out,
    }


def _covered(shard: ShardPlan, records: Sequence[UnitRecord]) -> bool:
    total = sum(record.bytes for record in records)
    if records and records[0].unit.compressed:
        ordered = sorted(records, key=lambda record: record.unit.start)
        ends = [0, *(record.unit.start + record.bytes for record in ordered)]
        contiguous = all(r.unit.start == end for r, end in zip(ordered, ends, strict=False))
        is_end = ordered[-1].last and shard.stop in (None, ends[-1])
        return contiguous and is_end and not any(r.last for r in ordered[:-1])
    return total == (shard.size if shard.stop is None else shard.stop)


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
            path=layout.version_file(file.table, position, file.path),
            shard=record.unit.shard,
            rows=file.rows,
            bytes=file.bytes,
            crc32c=file.crc32c,
            sha256=file.sha256,
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


def too_many_bad_lines(
    counts: LineCounts, bad_lines: Sequence[BadLineRow], max_bad_share: float
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
