"""What a manifest lists: shards, splits, units, files, checks."""

from collections.abc import Iterable
from typing import Any

import msgspec


class Provenance(msgspec.Struct, frozen=True, kw_only=True):
    """What a run knows of itself before it reads a line; entries of its manifest, without secrets.

    Attributes:
      configuration: All options by name.
      code: Hash of the code that made the units' results.
      packages: Versions of what can change results, by name.
      warnings: Sentences on what is not used or not compared, as they are printed.
    """

    configuration: dict[str, Any]
    code: str
    packages: dict[str, str]
    warnings: list[str]


class InputRow(msgspec.Struct, frozen=True):
    """A shard as it was found.

    Attributes:
      path: The file, without secrets.
      size: Its bytes as stored.
      fingerprint: Changes when the file does.
      dataset: From catalog or options, null where each record says its own.
      split: From catalog or options, null where each record says its own.
      group: Its split's name in the catalog, null for a file that is not catalogued.
      md5: Checksum of the published file, hexadecimal; null where it is not known.
      md5_verified: Whether the file was read and has that checksum.
      shard: The file's name.
      content: Changes when the content does, whatever the file's dates; empty in older manifests.
      stop: Bytes of the (decompressed) shard up to which it was read, as a limit says; null for all
        of it.
    """

    path: str
    size: int
    fingerprint: str
    dataset: str | None
    split: str | None
    group: str | None
    md5: str | None
    md5_verified: bool
    shard: str
    content: str = ""
    stop: int | None = None


class ShardRow(msgspec.Struct, frozen=True, kw_only=True):
    """The conservation law for a shard.

    Lines = rows of the job's tables + rejected + blank + left out by a sample.

    Attributes:
      shard: The file's name.
      dataset: From catalog or options, null where each record says its own.
      split: From catalog or options, null where each record says its own.
      lines: Lines read.
      rejected: Bad lines.
      blank: Blank lines.
      bytes: Bytes of (decompressed) lines that the units cover.
      size: The shard's bytes as stored.
      conserved: Whether the law holds and the units cover the shard without a gap.
      repaired: Of the lines, those that stand in a repaired form; 0 in older manifests.
      left_out: Of the lines, those that a sample leaves out; 0 in older manifests.
    """

    shard: str
    dataset: str | None
    split: str | None
    lines: int
    rejected: int
    blank: int
    bytes: int
    size: int
    conserved: bool
    repaired: int = 0
    left_out: int = 0


class UnitRow(msgspec.Struct, frozen=True):
    """A unit: a piece of a shard.

    Attributes:
      key: Under which its results are kept.
      name: Unique within the version.
      shard: The shard's file name.
      index: Position among the shard's units, from 0.
      start: First byte in the (decompressed) shard.
      bytes: Bytes of (decompressed) lines that it covers.
      crc32c: Checksum of those bytes.
      first_line: Its first line in the shard, from 1.
      lines: Lines in it.
    """

    key: str
    name: str
    shard: str
    index: int
    start: int
    bytes: int
    crc32c: int
    first_line: int
    lines: int


class BadLineRow(msgspec.Struct, frozen=True):
    """A bad line.

    Attributes:
      shard: The shard's file name.
      line: Its line in the shard, from 1.
      code: Why it was rejected, for programs.
      message: Why it was rejected, for people.
    """

    shard: str
    line: int
    code: str
    message: str


class TableFile(msgspec.Struct, frozen=True, omit_defaults=True, kw_only=True):
    """A file of a table.

    Attributes:
      table: The table's name.
      path: Where it is below the version's folder.
      shard: Of whose rows it is; left out of a table that is made of all units (statistics).
      rows: Rows in it.
      bytes: Its size.
      crc32c: Its checksum.
      sha256: Another one, hexadecimal, by which others verify it; left out in versions of units
        that have none.
    """

    table: str
    path: str
    shard: str | None = None
    rows: int
    bytes: int
    crc32c: int
    sha256: str = ""


def rows_by_table(files: Iterable[TableFile]) -> dict[str, int]:
    """Rows of each table, in the order in which files of it are first there."""
    rows: dict[str, int] = {}
    for file in files:
        rows[file.table] = rows.get(file.table, 0) + file.rows
    return rows


class PageFile(msgspec.Struct, frozen=True):
    """A file that is no table: the report, the dataset card.

    Attributes:
      path: Where it is below the version's folder.
      bytes: Its size.
      crc32c: Its checksum.
    """

    path: str
    bytes: int
    crc32c: int


class MeasuredShare(msgspec.Struct, frozen=True):
    """A share that tells wrong input from right.

    Attributes:
      name: What is counted.
      dataset: Null, with `split`: of all together.
      split: Null, with `dataset`: of all together.
      count: How many.
      total: Of how many.
      option: Whose value is the limit.
    """

    name: str
    dataset: str | None
    split: str | None
    count: int
    total: int
    option: str


class CheckRow(MeasuredShare, frozen=True):
    """What a run was judged by: a share (see `count`, `total`), or a rule of a file of checks.

    Of a rule, `name` is its name and `option` is `checks`; `count` of `total` is what `now` comes
    from: a share, a sum and what it is averaged over, or a number and 1. Of a distribution they are
    how many it is of in this version and in the other one, of a vocabulary its changes and terms.

    Attributes:
      value: What is compared with the limit: the share, from 0 to 1; of a `range` the measure, of
        a drift the change, of `jensen_shannon` bits, of `changes` how many.
      limit: The least share where `option` begins with `min_`, else the greatest; of a `range` the
        bound that is nearer.
      passed: Whether it keeps the limit.
      kind: `share`; of a rule `range`, `relative_drift`, `absolute_drift`, `jensen_shannon` or
        `changes`.
      severity: What a failure does: `hold` a version back, or `warn`.
      measure: What a rule is about, null for a share.
      now: The measure of this version, null where it is not a number.
      before: The measure of the other version, null where there is none.
      baseline: The other version, null where there is none.
      at_least: The least value of a range, null for none.
      at_most: The greatest value of a range, null for none.
      details: Terms that appeared (`+`) and vanished (`-`), the first of them.
    """

    value: float
    limit: float
    passed: bool
    kind: str = "share"
    severity: str = "hold"
    measure: str | None = None
    now: float | None = None
    before: float | None = None
    baseline: str | None = None
    at_least: float | None = None
    at_most: float | None = None
    details: list[str] = []


class MadeBy(msgspec.Struct, frozen=True, kw_only=True):
    """The run that made a version, up to when its manifest was written.

    Attributes:
      run: Its name.
      engine: `local`, `flink`, `dataflow` or a runner's name.
      workers: Worker processes of the local engine.
      begun: When it began, ISO 8601 with the time zone.
      seconds: How long it had taken, null where that is not known.
      pending: Units that were to be done.
      bytes: Bytes of these, as the shards hold them.
      reused: Finished units of earlier runs that it relied on.
    """

    run: str
    engine: str
    workers: int
    begun: str
    seconds: float | None
    pending: int
    bytes: int
    reused: int


class NotCompared(msgspec.Struct, frozen=True):
    """A rule of a file of checks by which a run was not judged.

    Attributes:
      name: The rule's.
      reason: Why not.
    """

    name: str
    reason: str
