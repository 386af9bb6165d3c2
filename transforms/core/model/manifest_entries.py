"""What a manifest lists: shards, splits, units, files, checks."""

from typing import Any

import msgspec


class IndexedFile(msgspec.Struct, frozen=True):
    """A file from which an index was built.

    Attributes:
      role: What it was given as, such as `boxes`.
      path: The file, without secrets.
      size: Its bytes as stored.
      fingerprint: Changed when the file did.
    """

    role: str
    path: str
    size: int
    fingerprint: str


class IndexDescription(msgspec.Struct, frozen=True):
    """An index that a run has read.

    Attributes:
      path: Its folder.
      fingerprint: Hash of what it holds.
      sources: What it was built from.
      rows: Rows by table.
      warnings: Sentences on what of the sources a run does not use.
    """

    path: str
    fingerprint: str
    sources: list[IndexedFile]
    rows: dict[str, int]
    warnings: list[str]


class Threshold(msgspec.Struct, frozen=True):
    """The threshold of the transcription distance D.

    Attributes:
      kind: `max_distance`, or `max_distance_per_char`: D by characters of the caption.
      value: The threshold, exact: a whole number, a decimal or a fraction such as `1/7`.
      calibrated_share: The share of narratives that it was to discard at most, between 0 and 1;
        null where the threshold was given.
    """

    kind: str
    value: str
    calibrated_share: float | None


class Provenance(msgspec.Struct, frozen=True):
    """What a run knows of itself before it reads a line; entries of its manifest, without secrets.

    Attributes:
      configuration: All options by name.
      code: Hash of the code that made the units' results.
      packages: Versions of what can change results, by name.
      annotations: The index of annotations, null for a run without one.
      transcripts: The index of transcripts, null for a run without one.
      threshold: The threshold of D, null where none was set.
      warnings: Sentences on what is not used or not compared, as they are printed.
    """

    configuration: dict[str, Any]
    code: str
    packages: dict[str, str]
    annotations: IndexDescription | None
    transcripts: IndexDescription | None
    threshold: Threshold | None
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


class ShardRow(msgspec.Struct, frozen=True):
    """The conservation law for a shard: lines = narratives + discarded + rejected + blank.

    Attributes:
      shard: The file's name.
      dataset: From catalog or options, null where each record says its own.
      split: From catalog or options, null where each record says its own.
      lines: Lines read.
      narratives: Narratives written.
      discarded: Narratives discarded by quality.
      rejected: Bad lines.
      blank: Blank lines.
      bytes: Bytes of (decompressed) lines that the units cover.
      size: The shard's bytes as stored.
      conserved: Whether the law holds and the units cover the shard without a gap.
    """

    shard: str
    dataset: str | None
    split: str | None
    lines: int
    narratives: int
    discarded: int
    rejected: int
    blank: int
    bytes: int
    size: int
    conserved: bool


class ExpectedRow(msgspec.Struct, frozen=True):
    """What was published of a catalogued split, beside what was read of it.

    Attributes:
      group: The split's name in the catalog.
      kind: `narratives` or `captions`: what its files hold.
      dataset: For example `open_images`.
      split: `train`, `validation` or `test`.
      shards: Names of the files that were read.
      absent: Names of the files that belong to the split too and were not given.
      expected: Narratives published in all files of the split together.
      read: Narratives read, kept or discarded.
      rejected: Bad lines.
      missing: Narratives fewer than were published.
      surplus: Narratives more than were published.
    """

    group: str
    kind: str
    dataset: str
    split: str
    shards: list[str]
    absent: list[str]
    expected: int
    read: int
    rejected: int
    missing: int
    surplus: int


class SplitRow(msgspec.Struct, frozen=True):
    """Numbers of the narratives of a dataset and split.

    Attributes:
      dataset: Null where it is not known.
      split: Null where it is not known.
      narratives: Narratives kept.
      captions: Of these, with a caption.
      dataset_id_differs: Of these, with a `dataset_id` that says another dataset or split.
      with_images: Of these, whose image is in an image list.
      with_labels: Of these, whose image has labels.
      with_boxes: Of these, whose image has boxes.
      discarded: Narratives discarded by quality.
      mentions: Class mentions.
      with_box: Of these, for which there is a box of their class in their image.
    """

    dataset: str | None
    split: str | None
    narratives: int
    captions: int
    dataset_id_differs: int
    with_images: int
    with_labels: int
    with_boxes: int
    discarded: int
    mentions: int
    with_box: int


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


class RepeatedKeyRow(msgspec.Struct, frozen=True):
    """A key that several narratives have.

    Attributes:
      dataset: Null where it is not known.
      split: Null where it is not known.
      key: `image/annotator`.
      narratives: How many have it.
    """

    dataset: str | None
    split: str | None
    key: str
    narratives: int


class Repeats(msgspec.Struct, frozen=True):
    """Narratives that share their key with another one.

    Attributes:
      narratives: How many.
      keys: How many keys they have.
      first: The first of these keys.
    """

    narratives: int
    keys: int
    first: list[RepeatedKeyRow]


class TableFile(msgspec.Struct, frozen=True, omit_defaults=True, kw_only=True):
    """A file of a table.

    Attributes:
      table: The table's name.
      path: Where it is below the version's folder.
      shard: Of whose rows it is; left out of a table that is made of all units (statistics).
      rows: Rows in it.
      bytes: Its size.
      crc32c: Its checksum.
    """

    table: str
    path: str
    shard: str | None = None
    rows: int
    bytes: int
    crc32c: int


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
    """A share (see `count`, `total`) with its limit.

    Attributes:
      value: The share, from 0 to 1.
      limit: The least share where `option` begins with `min_`, else the greatest.
      passed: Whether the share keeps the limit.
    """

    value: float
    limit: float
    passed: bool
