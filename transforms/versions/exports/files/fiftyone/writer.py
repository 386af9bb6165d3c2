"""For FiftyOne: folders of samples, a sample an image with all its narratives."""

import dataclasses
from collections import defaultdict
from collections.abc import Iterator, Sequence
from typing import Any, ClassVar

import msgspec

from transforms.core.base.errors import option
from transforms.core.model.manifest_entries import TableFile
from transforms.core.output.exports.coco import image_file_name
from transforms.core.output.exports.fiftyone.samples import (
    COLUMNS,
    Media,
    Piece,
    Row,
    join_sample,
    narrative_piece,
)
from transforms.core.report.page.formats import plural
from transforms.versions.exports.files.fiftyone.pieces import (
    PieceSorter,
    Split,
    SplitPieces,
    merge_pieces,
)
from transforms.versions.exports.files.fiftyone.samples import SampleFolders
from transforms.versions.exports.files.folder import ExportFolder, FileInWriting
from transforms.versions.exports.files.pictures import Picture, PictureSource, missing_note
from transforms.versions.exports.files.rows import (
    mentions_of,
    name_of_split,
    own_mentions,
    rows_with_pictures,
)
from transforms.versions.exports.files.target import Completion, Part
from transforms.versions.exports.version import ExportedVersion

_FORMAT = 1


@dataclasses.dataclass(frozen=True)
class FiftyOneFiles:
    """Folders that FiftyOne loads: a `FileWriter`.

    Attributes:
      version: What is exported.
      pictures: Where pictures are; None for names and no sizes.
      part_bytes: Bytes that a file of samples does not exceed, unless by its only one.
    """

    version: ExportedVersion
    pictures: PictureSource | None
    part_bytes: int
    name: ClassVar[str] = "fiftyone"

    @property
    def settings(self) -> dict[str, Any]:
        """As of `FileWriter`."""
        pictures = self.pictures.fingerprint if self.pictures else None
        return {"format": _FORMAT, "pictures": pictures, "part_bytes": self.part_bytes}

    def check(self) -> None:
        """As of `FileWriter`."""

    def write(self, file: TableFile, folder: ExportFolder) -> Part:
        """As of `FileWriter`: mentions are read with the narratives that they are of."""
        if file.table != "narratives":
            return Part(files=[])
        mentions, pieces, packed = mentions_of(self.version, file), PieceSorter(), set()
        for row, picture in rows_with_pictures(self.version, file, COLUMNS, self.pictures):
            pieces.add(narrative_piece(row, own_mentions(mentions, row), _media(row, picture)))
            if picture and not picture.path.endswith(picture.name):
                packed.add(picture.path)
        splits, files = pieces.write(folder, f"pieces/{file.path}")
        more = {"splits": msgspec.to_builtins(splits), "packed": sorted(packed)}
        return Part(files=files, more=more)

    def complete(self, parts: Sequence[tuple[TableFile, Part]], folder: ExportFolder) -> Completion:
        """As of `FileWriter`."""
        splits: dict[Split, list[str]] = defaultdict(list)
        for _, part in parts:
            for own in msgspec.convert(part.more.get("splits", []), list[SplitPieces]):
                splits[own.dataset, own.split].append(own.path)
        folders = SampleFolders(folder, self.version.name, self.part_bytes)
        with folder.new_file("missing.jsonl") as listed:
            joined = _Joined(listed if self.pictures else None)
            rows = {
                f"images {name_of_split(*split)}": folders.write(
                    name_of_split(*split), joined.samples(merge_pieces(folder, paths))
                )
                for split, paths in splits.items()
            }
        packed = {path for _, part in parts for path in part.more.get("packed", ())}
        return Completion(
            files=[*folders.files, listed.listed],
            rows=rows,
            notes=self._notes(joined.missing, len(packed)),
            keeps_parts=False,
        )

    def _notes(self, missing: int, packed: int) -> list[str]:
        if self.pictures is None:
            return [f"Samples name their pictures as published: {option('images')} says where "
                    "these are."]  # fmt: skip
        notes = []
        if missing:
            notes += [missing_note(plural(missing, "image"), "their samples show none")]
        if packed:
            notes += [f"Pictures are in {plural(packed, 'shard')}: FiftyOne shows them when these "
                      "are unpacked into one folder (tar -xf)."]  # fmt: skip
        return notes


class _Joined:
    """Samples of pieces, and what has no picture.

    Args:
      listed: Takes a line of JSON for each image without one; None where none are wanted.
    """

    def __init__(self, listed: FileInWriting | None) -> None:
        self._listed = listed
        self.missing = 0

    def samples(self, groups: Iterator[list[Piece]]) -> Iterator[bytes]:
        for pieces in groups:
            first = pieces[0]
            if self._listed is not None and first.media.format is None:
                told = {name: getattr(first, name) for name in ("dataset", "split", "image_id")}
                self._listed.write(msgspec.json.encode(told) + b"\n")
                self.missing += 1
            yield join_sample(pieces)


def _media(row: Row, picture: Picture | None) -> Media:
    if picture is None:
        return Media(image_file_name(row["dataset"], row["image_id"]))
    return Media(picture.name, picture.format, *picture.size, picture.length)
