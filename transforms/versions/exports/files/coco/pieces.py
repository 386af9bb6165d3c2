"""Pieces: what the narratives of one file become in COCO's JSON, before all files are known.

Of each split a file is in, there is a file of lines a kind. A line is one piece, or a line an image
the pieces of its boxes, with a tab between; a piece begins with the number of its category or
licence in this file, and a colon. `keys` has three numbers an image: its own, 64 bits of its hash,
and whether its size is known; the lines of `images` and `instances` are in the same order.
"""

import contextlib
import dataclasses
from collections.abc import Iterable, Iterator, Mapping, Sequence
from types import TracebackType
from typing import Any, Self

import msgspec
import numpy as np

from transforms.core.model.manifest_entries import PageFile
from transforms.core.output.exports import coco
from transforms.versions.exports.files.folder import ExportFolder, FileInWriting
from transforms.versions.exports.files.pictures import Picture

IMAGES, KEYS = "images", "keys"


class SplitPieces(msgspec.Struct, frozen=True, kw_only=True):
    """Pieces of a split.

    Attributes:
      dataset: The dataset, null if unknown.
      split: The split, null if unknown.
      classes: Id and name of each class, by its number in this file.
      licences: Addresses of licences, by theirs.
      files: Paths by kind, `images` and `keys`.
    """

    dataset: str | None
    split: str | None
    classes: list[tuple[str, str | None]]
    licences: list[str]
    files: dict[str, str]


class PieceWriter:
    """Writes the pieces of one file.

    Args:
      folder: Where to.
      path: Below which; nobody else writes there.
      kinds: Kinds of annotations that are wanted.
    """

    def __init__(self, folder: ExportFolder, path: str, kinds: Sequence[str]) -> None:
        self._folder, self._path, self._kinds = folder, path, kinds
        self._splits: dict[tuple[str | None, str | None], _Split] = {}
        self._open = contextlib.ExitStack()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._open.__exit__(kind, error, trace)

    def add(
        self,
        row: Mapping[str, Any],
        picture: Picture | None,
        mentions: Iterable[Mapping[str, Any]],
    ) -> None:
        """Adds a narrative with its image, unless that is there, and its mentions."""
        split = self._split(row["dataset"], row["split"])
        number = coco.image_number(row["dataset"], row["image_id"])
        size = picture.size if picture else None
        split.add_image(row, number, picture)
        if "captions" in split.files:
            split.write("captions", [(None, coco.caption_piece(row, number))])
        if size and "keypoints" in split.files:
            for mention in mentions:
                category = split.category(mention["class_id"], mention["name"])
                piece = coco.mention_piece(mention, row, number, size)
                split.write("keypoints", [(category, piece)])

    def _split(self, dataset: str | None, split: str | None) -> "_Split":
        found = self._splits.get((dataset, split))
        if found is None:
            place = f"{self._path}/{len(self._splits)}"
            files = {
                kind: self._open.enter_context(self._folder.new_file(f"{place}/{kind}"))
                for kind in (*self._kinds, IMAGES, KEYS)
            }
            found = self._splits[dataset, split] = _Split(dataset, split, files)
        return found

    @property
    def splits(self) -> list[SplitPieces]:
        """What was written, when the block has ended."""
        return [split.described for split in self._splits.values()]

    @property
    def files(self) -> list[PageFile]:
        """All files, when the block has ended."""
        return [file.listed for split in self._splits.values() for file in split.files.values()]


@dataclasses.dataclass
class _Split:
    dataset: str | None
    split: str | None
    files: dict[str, FileInWriting]
    classes: dict[str, int] = dataclasses.field(default_factory=dict)
    names: list[str | None] = dataclasses.field(default_factory=list)
    licences: dict[str, int] = dataclasses.field(default_factory=dict)
    seen: set[tuple[int, int]] = dataclasses.field(default_factory=set)

    def add_image(self, row: Mapping[str, Any], number: int, picture: Picture | None) -> None:
        """Adds a narrative's image with its boxes, unless it is there."""
        key = number, coco.hash_of(row["dataset"], row["image_id"])
        if key in self.seen:
            return
        self.seen.add(key)
        size = picture.size if picture else None
        self.files[KEYS].write(np.array([*key, size is not None], np.uint64).tobytes())
        licence = (row["image"] or {}).get("licence")
        local = None if not licence else self.licences.setdefault(licence, len(self.licences))
        piece = coco.image_piece(row, number, picture.name if picture else None, size)
        self.write(IMAGES, [(local, piece)])
        if "instances" in self.files:
            self.write("instances", self._boxes(row, number, size))

    def _boxes(
        self, row: Mapping[str, Any], number: int, size: coco.Size | None
    ) -> Iterator[tuple[int, bytes]]:
        for box in (row["boxes"] or ()) if size else ():
            yield (
                self.category(box["class_id"], box["name"]),
                coco.box_piece(box, number, size),  # type: ignore[arg-type]
            )

    def category(self, class_id: str, name: str | None) -> int:
        """The number of a class in this file."""
        local = self.classes.setdefault(class_id, len(self.names))
        if local == len(self.names):
            self.names.append(name)
        return local

    def write(self, kind: str, pieces: Iterable[tuple[int | None, bytes]]) -> None:
        """Writes a line."""
        made = (b"%b:%b" % (b"" if n is None else b"%d" % n, piece) for n, piece in pieces)
        self.files[kind].write(b"\t".join(made) + b"\n")

    @property
    def described(self) -> SplitPieces:
        return SplitPieces(
            dataset=self.dataset,
            split=self.split,
            classes=list(zip(self.classes, self.names, strict=True)),
            licences=list(self.licences),
            files={kind: file.listed.path for kind, file in self.files.items()},
        )
