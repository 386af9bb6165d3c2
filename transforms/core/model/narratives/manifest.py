"""The manifest of a version of narratives."""

from typing import Any

import msgspec

from transforms.core.model.manifest import Manifest, convert, decode_sealed
from transforms.core.model.manifest_entries import Provenance, ShardRow
from transforms.core.model.units import Counts, LineCounts


class IndexedFile(msgspec.Struct, frozen=True):
    """A file from which an index was built.

    Attributes:
      role: What it was given as, such as `boxes`.
      path: The file, without secrets.
      size: Its bytes as stored.
      fingerprint: Changed when the file did.
      content: Changed when the content did, whatever the file's dates; empty in older manifests.
    """

    role: str
    path: str
    size: int
    fingerprint: str
    content: str = ""


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


class Sample(msgspec.Struct, frozen=True):
    """The narratives of which rows were made.

    Attributes:
      share: Of all keys, between 0 and 1.
      hash: How they were chosen.
    """

    share: float
    hash: str


class BuildProvenance(Provenance, frozen=True, kw_only=True):
    """What a run knows of itself before it reads a line; entries of its manifest, without secrets.

    Attributes:
      annotations: The index of annotations, null for a run without one.
      transcripts: The index of transcripts, null for a run without one.
      threshold: The threshold of D, null where none was set.
      sample: The sample, null for a run over all narratives.
      limit: Lines to be read at most of all shards together, null for all.
    """

    annotations: IndexDescription | None
    transcripts: IndexDescription | None
    threshold: Threshold | None
    sample: Sample | None = None
    limit: int | None = None


class NarrativeCounts(LineCounts):
    """How many of what all units held.

    Attributes:
      narratives: Narratives written.
      discarded: By reason; a narrative may have several.
      discarded_narratives: Narratives discarded.
      flags: Narratives kept, by flag.
      generated: Of the narratives written, those whose `dataset_id` says that they were generated,
        by `dataset/split` (each empty where it is not known).
      mentions: Class mentions.
      mentions_without_boxes: Of these, in images for which no box is known.
      zero_size_boxes: Boxes left out since they have no width or no height.
      inverted_boxes: Boxes left out since a minimum is above the maximum.
      outside_boxes: Boxes left out since they lie far outside the image (`box_faults`).
      rounded_traces: Narratives, discarded ones included, whose trace has more decimals than the
        published ones, which the tables round to float32.
    """

    narratives: int = 0
    discarded: dict[str, int] = msgspec.field(default_factory=dict)
    discarded_narratives: int = 0
    flags: dict[str, int] = msgspec.field(default_factory=dict)
    generated: dict[str, int] = msgspec.field(default_factory=dict)
    mentions: int = 0
    mentions_without_boxes: int = 0
    zero_size_boxes: int = 0
    inverted_boxes: int = 0
    outside_boxes: int = 0
    rounded_traces: int = 0

    @classmethod
    def of(cls, counts: Counts) -> "NarrativeCounts":
        """The same numbers, each under its name."""
        lines = {name: getattr(counts, name) for name in LineCounts.__struct_fields__}
        rows = {
            "narratives": counts.rows.get("narratives", 0),
            "discarded_narratives": counts.rows.get("discarded", 0),
            "mentions": counts.rows.get("mentions", 0),
        }
        return msgspec.convert({**lines, **rows, **counts.further}, cls)


class NarrativeShardRow(ShardRow, frozen=True, kw_only=True):
    """The conservation law for a shard.

    Lines = narratives + discarded + rejected + blank + left out by a sample.

    Attributes:
      narratives: Narratives written.
      discarded: Narratives discarded by quality.
    """

    narratives: int
    discarded: int


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
      read: Narratives read, kept, discarded or left out by a sample.
      rejected: Bad lines.
      missing: Narratives fewer than were published.
      surplus: Narratives more than were published.
      left_out: Of those read, narratives that a sample leaves out.
      limited: Whether a limit kept some of the files' lines from being read.
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
    left_out: int = 0
    limited: bool = False


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


class ChangeRow(msgspec.Struct, frozen=True):
    """A measure beside the same of the version before (`checks.profile`).

    Attributes:
      measure: What is measured.
      dataset: Null, with `split`: of all together.
      split: Null, with `dataset`: of all together.
      before: In the version before, null where it is not known or not there.
      now: In this version, null likewise.
    """

    measure: str
    dataset: str | None
    split: str | None
    before: float | None
    now: float | None


class BuildManifest(Manifest, frozen=True, kw_only=True):
    """A version of narratives: what made it and what it holds.

    Attributes:
      annotations: The index of annotations, null for a run without one.
      transcripts: The index of transcripts, null for a run without one.
      threshold: The threshold of D, null where none was set.
      sample: The sample, null for a version of all narratives.
      limit: Lines that were read at most of all shards together, null for all.
      expected: Catalogued splits, with what was published and read of them.
      splits: Numbers of each dataset and split.
      repeated_keys: Narratives that share their key.
      changes: Measures beside those of `previous`; empty where there is none that can be read.
    """

    shards: list[NarrativeShardRow]
    counts: NarrativeCounts
    annotations: IndexDescription | None
    transcripts: IndexDescription | None
    threshold: Threshold | None
    sample: Sample | None = None
    limit: int | None = None
    expected: list[ExpectedRow]
    splits: list[SplitRow]
    repeated_keys: Repeats
    changes: list[ChangeRow] = []


class BaselineCounts(msgspec.Struct, frozen=True):
    """Counts of a version with which a later run is compared.

    Attributes:
      narratives: Narratives kept.
      discarded_narratives: Narratives discarded.
      flags: Narratives kept, by flag.
    """

    narratives: int
    discarded_narratives: int
    flags: dict[str, int]


class BaselineSplit(msgspec.Struct, frozen=True):
    """Numbers of a dataset and split with which a later run is compared.

    Attributes:
      dataset: None where it is not known.
      split: None where it is not known.
      narratives: Narratives kept.
      captions: Of these, with a caption.
      discarded: Narratives discarded.
    """

    dataset: str | None
    split: str | None
    narratives: int
    captions: int
    discarded: int


class Baseline(msgspec.Struct, frozen=True):
    """What of a version a later run is compared with; every format has had it.

    Attributes:
      counts: Of all units.
      splits: By dataset and split; the oldest manifests have none.
      configuration: All options by name.
    """

    counts: BaselineCounts
    splits: list[BaselineSplit] = []
    configuration: dict[str, Any] = {}

    def __post_init__(self) -> None:
        if len({(row.dataset, row.split) for row in self.splits}) < len(self.splits):
            raise ValueError("a split is there twice")


def decode_baseline(data: bytes, place: str) -> Baseline:
    """What of a manifest, of this format or an older one, a later run is compared with.

    Args:
      data: The file's content.
      place: Its path, for messages.

    Raises:
      NewerFormatError: A newer version of this program wrote it.
      UsageError: It is corrupt, or lacks what is compared.
    """
    return convert(decode_sealed(data, place, unsealed=True), Baseline, place)
