"""For COCO's tools: captions, instances and keypoints, a file a split each."""

import dataclasses
from collections import defaultdict
from collections.abc import Sequence
from typing import Any, ClassVar

import msgspec

from transforms.core.base.errors import option
from transforms.core.model.manifest_entries import TableFile
from transforms.core.report.page.formats import plural
from transforms.versions.exports.files.coco.joining import JoinedSplit, number_all
from transforms.versions.exports.files.coco.pieces import PieceWriter, SplitPieces
from transforms.versions.exports.files.folder import ExportFolder
from transforms.versions.exports.files.pictures import PictureSource, missing_note
from transforms.versions.exports.files.rows import mentions_of, own_mentions, rows_with_pictures
from transforms.versions.exports.files.target import Completion, Part
from transforms.versions.exports.version import ExportedVersion

_FORMAT = 1
_COLUMNS = ["narrative_id", "dataset", "split", "image_id", "annotator_id", "caption", "image",
            "shard", "byte_offset"]  # fmt: skip


@dataclasses.dataclass(frozen=True)
class CocoFiles:
    """JSON files that pycocotools loads: a `FileWriter`.

    Attributes:
      version: What is exported.
      kinds: Kinds of annotations.
      pictures: Where sizes of images are from; None where only captions are wanted.
    """

    version: ExportedVersion
    kinds: tuple[str, ...]
    pictures: PictureSource | None
    name: ClassVar[str] = "coco"

    @property
    def settings(self) -> dict[str, Any]:
        """As of `FileWriter`."""
        pictures = self.pictures.fingerprint if self.pictures else None
        return {"format": _FORMAT, "kinds": list(self.kinds), "pictures": pictures}

    def check(self) -> None:
        """As of `FileWriter`."""

    def write(self, file: TableFile, folder: ExportFolder) -> Part:
        """As of `FileWriter`: mentions are read with the narratives that they are of."""
        if file.table != "narratives":
            return Part(files=[])
        mentions = mentions_of(self.version, file) if "keypoints" in self.kinds else {}
        with PieceWriter(folder, f"pieces/{file.path}", self.kinds) as pieces:
            rows = rows_with_pictures(self.version, file, self._columns, self.pictures)
            for row, picture in rows:
                pieces.add(row, picture, own_mentions(mentions, row))
        return Part(files=pieces.files, more={"splits": msgspec.to_builtins(pieces.splits)})

    @property
    def _columns(self) -> list[str]:
        columns = [*_COLUMNS]
        columns += ["boxes"] if self.pictures else []
        return columns + (["trace"] if "keypoints" in self.kinds else [])

    def complete(self, parts: Sequence[tuple[TableFile, Part]], folder: ExportFolder) -> Completion:
        """As of `FileWriter`."""
        splits: dict[tuple[str | None, str | None], list[SplitPieces]] = defaultdict(list)
        for _, part in parts:
            for own in msgspec.convert(part.more.get("splits", []), list[SplitPieces]):
                splits[own.dataset, own.split].append(own)
        numbers = number_all([pieces for every in splits.values() for pieces in every])
        info = {"description": "Localized Narratives", "version": self.version.name,
                "url": "https://google.github.io/localized-narratives"}  # fmt: skip
        files, rows, missing = [], {}, 0
        with folder.new_file("missing.jsonl") as listed:
            for pieces in splits.values():
                joined = JoinedSplit(folder, pieces, numbers, info)
                rows[f"images {joined.name}"] = joined.images
                for kind in self.kinds:
                    file, rows[f"{kind} {joined.name}"] = joined.write(kind)
                    files.append(file)
                for line in joined.missing() if self.pictures else ():
                    listed.write(line)
                    missing += 1
        return Completion(
            files=[*files, listed.listed],
            rows=rows,
            notes=self._notes(missing),
            keeps_parts=False,
        )

    def _notes(self, missing: int) -> list[str]:
        if self.pictures is None:
            return [f"Instances and keypoints are in pixels: {option('images')} says where the "
                    "pictures are that have these."]  # fmt: skip
        without = " and ".join(kind for kind in self.kinds if kind != "captions")
        consequence = f"not in {without}" if without else "captions without a size"
        return [missing_note(plural(missing, "image"), consequence)] if missing else []
