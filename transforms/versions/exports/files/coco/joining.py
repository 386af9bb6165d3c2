"""Pieces of all files as one JSON file a split and kind: read and written as streams.

What is held in memory are three numbers an image of a split, and the classes.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from transforms import storage
from transforms.core.base.errors import UsageError
from transforms.core.model.manifest_entries import PageFile
from transforms.core.output.exports import coco
from transforms.versions.exports.files.coco.pieces import IMAGES, KEYS, SplitPieces
from transforms.versions.exports.files.folder import ExportFolder, FileInWriting
from transforms.versions.exports.files.rows import name_of_split


class Numbers(NamedTuple):
    """Numbers of what all files name, the same in all of them.

    Attributes:
      categories: Of classes, by id.
      names: Names of classes, by id.
      licences: Of licences, by address.
    """

    categories: Mapping[str, int]
    names: Mapping[str, str | None]
    licences: Mapping[str, int]


def number_all(parts: Sequence[SplitPieces]) -> Numbers:
    """Numbers classes and licences of all pieces."""
    named = {class_id: name for part in parts for class_id, name in part.classes if name}
    class_ids = {class_id for part in parts for class_id, _ in part.classes}
    licences = sorted({address for part in parts for address in part.licences})
    return Numbers(
        coco.category_numbers(class_ids),
        named,
        {address: number for number, address in enumerate(licences, 1)},
    )


class JoinedSplit:
    """A split, of whose pieces files are made.

    Args:
      folder: Where pieces are, and files go.
      parts: The split's pieces, in order.
      numbers: Of categories and licences.
      info: What the files say of themselves.

    Raises:
      UsageError: Two images have the same number.
    """

    def __init__(
        self,
        folder: ExportFolder,
        parts: Sequence[SplitPieces],
        numbers: Numbers,
        info: Mapping[str, str],
    ) -> None:
        self._folder, self._parts, self._numbers, self._info = folder, parts, numbers, info
        keys = [storage.read_bytes(folder.place(part.files[KEYS])) for part in parts]
        table = np.frombuffer(b"".join(keys), np.uint64).reshape(-1, 3)
        ends = np.cumsum([len(key) // 24 for key in keys])[:-1]
        _, at, group = np.unique(table[:, 0], return_index=True, return_inverse=True)
        if len(others := np.flatnonzero(table[:, 1] != table[at, 1][group])):
            self._refuse(int(at[group[others[0]]]), int(others[0]))
        first = np.zeros(len(table), bool)
        first[at] = True
        self._is_first = np.split(first, ends)
        self._is_sized = np.split(first & (table[:, 2] != 0), ends)

    def _refuse(self, *places: int) -> None:
        lines = [line for part in self._parts for line in self._lines(part.files[IMAGES])]
        one, other = (json.loads(b"{" + lines[place].partition(b":")[2]) for place in places)
        raise UsageError(
            f"images {one['image_id']!r} and {other['image_id']!r} of {one['dataset']} get the "
            f"same number {one['id']}: leave one of them out of the version"
        )

    @property
    def images(self) -> int:
        """Images, each counted once."""
        return sum(int(mask.sum()) for mask in self._is_first)

    @property
    def name(self) -> str:
        """The split in names of files."""
        first = self._parts[0]
        return name_of_split(first.dataset, first.split)

    def missing(self) -> Iterator[bytes]:
        """Lines of JSON on images whose size is not known."""
        for part, is_first, is_sized in zip(
            self._parts, self._is_first, self._is_sized, strict=True
        ):
            wanted = is_first & ~is_sized
            if not wanted.any():
                continue
            for line, is_wanted in zip(self._lines(part.files[IMAGES]), wanted, strict=True):
                if is_wanted:
                    image = json.loads(b"{" + line.partition(b":")[2])
                    told = {"dataset": part.dataset, "split": part.split,
                            "image_id": image["image_id"], "id": image["id"]}  # fmt: skip
                    yield json.dumps(told, ensure_ascii=False).encode() + b"\n"

    def write(self, kind: str) -> tuple[PageFile, int]:
        """Writes the file of a kind; returns it and its annotations."""
        licences = [{"id": number, "name": address, "url": address}
                    for address, number in self._numbers.licences.items()]  # fmt: skip
        head = {"info": self._info, "licenses": licences}
        with self._folder.new_file(f"annotations/{kind}_{self.name}.json") as file:
            file.write(_json(head)[:-1] + b',"images":[')
            _write_list(file, self._images(kind))
            file.write(b'],"annotations":[')
            count = _write_list(file, self._annotations(kind))
            categories = b"" if kind == "captions" else b',"categories":' + _json(
                self._categories(kind)
            )  # fmt: skip
            file.write(b"]" + categories + b"}\n")
        return file.listed, count

    def _categories(self, kind: str) -> list[dict[str, Any]]:
        own = {class_id for part in self._parts for class_id, _ in part.classes}
        numbers = sorted((self._numbers.categories[class_id], class_id) for class_id in own)
        return [coco.category(number, class_id, self._numbers.names.get(class_id),
                              kind == "keypoints")
                for number, class_id in numbers]  # fmt: skip

    def _images(self, kind: str) -> Iterator[bytes]:
        masks = self._is_first if kind == "captions" else self._is_sized
        for part, mask in zip(self._parts, masks, strict=True):
            licences = [self._numbers.licences[address] for address in part.licences]
            for line, is_wanted in zip(self._lines(part.files[IMAGES]), mask, strict=True):
                if is_wanted:
                    local, _, piece = line.partition(b":")
                    first = [("license", licences[int(local)])] if local else []
                    yield coco.join_piece(first, piece)

    def _annotations(self, kind: str) -> Iterator[bytes]:
        number = 0
        for part, is_first in zip(self._parts, self._is_first, strict=True):
            categories = [self._numbers.categories[class_id] for class_id, _ in part.classes]
            for line in self._annotation_lines(part.files[kind], kind, is_first):
                for annotation in line.split(b"\t") if line else ():
                    number += 1
                    local, _, piece = annotation.partition(b":")
                    first = [("id", number)]
                    first += [("category_id", categories[int(local)])] if local else []
                    yield coco.join_piece(first, piece)

    def _annotation_lines(self, path: str, kind: str, is_first: np.ndarray) -> Iterator[bytes]:
        lines = self._lines(path)
        if kind != "instances":
            return lines
        return (line for line, is_wanted in zip(lines, is_first, strict=True) if is_wanted)

    def _lines(self, path: str) -> Iterator[bytes]:
        with storage.open_binary(self._folder.place(path)) as file:
            for line in file:
                yield line.removesuffix(b"\n")


def _json(value: Any) -> bytes:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode()


def _write_list(file: FileInWriting, entries: Iterator[bytes]) -> int:
    """Writes the entries of a JSON list, one a line; returns how many they are."""
    count = 0
    for entry in entries:
        file.write(b",\n" + entry if count else b"\n" + entry)
        count += 1
    return count
