"""Pieces: what the narratives of one file become, in files of lines sorted by image.

Narratives of an image may be in several files of a version. So each file's pieces are sorted, a
file a split, and the last step merges them: it reads each once, and holds a block of each.
"""

import heapq
from collections import defaultdict
from collections.abc import Iterator, Sequence

import msgspec

from transforms import storage
from transforms.core.model.manifest_entries import PageFile
from transforms.core.output.exports.fiftyone.samples import Piece
from transforms.versions.exports.files.folder import ExportFolder

_BLOCKS = 32 << 20
"""Bytes of the blocks of all files that are merged."""

_BLOCK, _LARGE_BLOCK = 64 << 10, 4 << 20
"""Bytes of a block, at least and at most."""

Split = tuple[str | None, str | None]
"""A dataset and one of its splits, null where unknown."""


class SplitPieces(msgspec.Struct, frozen=True):
    """Pieces of a split.

    Attributes:
      dataset: The dataset, null if unknown.
      split: The split, null if unknown.
      path: The file of lines.
    """

    dataset: str | None
    split: str | None
    path: str


class PieceSorter:
    """The pieces of one file, which are in memory until they are written."""

    def __init__(self) -> None:
        self._splits: dict[Split, list[tuple[str, bytes]]] = defaultdict(list)

    def add(self, piece: Piece) -> None:
        """Adds a narrative's."""
        line = msgspec.json.encode(piece)
        self._splits[piece.dataset, piece.split].append((piece.image_id, line))

    def write(self, folder: ExportFolder, path: str) -> tuple[list[SplitPieces], list[PageFile]]:
        """Writes a file a split; narratives of one image stay in their order.

        Args:
          folder: Where to.
          path: Below which; nobody else writes there.
        """
        written, files = [], []
        for number, ((dataset, split), lines) in enumerate(self._splits.items()):
            with folder.new_file(f"{path}/{number}.jsonl") as file:
                for _, line in sorted(lines, key=lambda own: own[0]):
                    file.write(line + b"\n")
            written.append(SplitPieces(dataset, split, file.listed.path))
            files.append(file.listed)
        return written, files


def merge_pieces(folder: ExportFolder, paths: Sequence[str]) -> Iterator[list[Piece]]:
    """The pieces of each image, by image; of one image they are in the order of the files.

    Args:
      folder: Where they are.
      paths: Files of one split.
    """
    block = min(max(_BLOCKS // max(1, len(paths)), _BLOCK), _LARGE_BLOCK)
    streams = [_pieces_of(folder.place(path), block) for path in paths]
    own: list[Piece] = []
    for piece in heapq.merge(*streams, key=lambda piece: piece.image_id):
        if own and own[0].image_id != piece.image_id:
            yield own
            own = []
        own.append(piece)
    if own:
        yield own


def _pieces_of(place: str, block: int) -> Iterator[Piece]:
    decoder = msgspec.json.Decoder(Piece)
    return map(decoder.decode, _lines(place, block))


def _lines(place: str, block: int) -> Iterator[bytes]:
    """Lines of a file that is open while a block is read, since a split may have many files."""
    offset, rest = 0, b""
    while len(held := rest + _read(place, offset, block)) > len(rest):
        offset += len(held) - len(rest)
        start = 0
        while (end := held.find(b"\n", start)) >= 0:
            yield held[start:end]
            start = end + 1
        rest = held[start:]


def _read(place: str, offset: int, length: int) -> bytes:
    with storage.open_binary(place) as file:
        file.seek(offset)
        return file.read(length)
