"""Entries of the manifest that only versions of Open Images have."""

from transforms.core.model.manifest import Manifest
from transforms.core.model.manifest_entries import Provenance, ShardRow
from transforms.core.model.narratives.manifest import ExpectedRow, IndexDescription
from transforms.core.model.units import Counts


class ReleaseProvenance(Provenance, frozen=True, kw_only=True):
    """What a run knows of itself before it reads a line.

    Attributes:
      labels_index: The index by which labels were judged, null where no file of labels was read.
      narratives: The version of narratives whose images were kept, null where all were.
    """

    labels_index: IndexDescription | None
    narratives: str | None


class ReleaseShardRow(ShardRow, frozen=True, kw_only=True):
    """The conservation law for a file: its lines by the tables in which they ended.

    Attributes:
      images: Images.
      labels: Labels.
      boxes: Boxes.
      masks: Masks.
      relationships: Relationships of two boxes.
      attributes: Attributes of a box.
      point_labels: Labelled points.
      class_entries: Lines of lists of classes.
      triplets: Relationships that two classes can have.
      files: Header lines.
      left_out: Rows whose image has no narrative.
    """

    images: int
    labels: int
    boxes: int
    masks: int
    relationships: int
    attributes: int
    point_labels: int
    class_entries: int
    triplets: int
    files: int
    left_out: int


class OpenImagesManifest(Manifest, frozen=True, kw_only=True):
    """A version of Open Images.

    Attributes:
      shards: The conservation law for each file.
      counts: Numbers of all units together, with rows by table and by split.
      expected: Official numbers of rows beside those that were read.
      labels_index: As of `ReleaseProvenance`.
      narratives: As of `ReleaseProvenance`.
    """

    shards: list[ReleaseShardRow]
    counts: Counts
    expected: list[ExpectedRow]
    labels_index: IndexDescription | None
    narratives: str | None
