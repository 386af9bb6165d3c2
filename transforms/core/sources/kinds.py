"""What a kind of source of an index says of itself, and what its reader is given and gives.

A kind is a `SourceKind` in the module that reads its files, and a line of a registry
(`annotations.kinds.KINDS`, `transcripts.KINDS`).
"""

import dataclasses
from collections.abc import Callable, Iterator, Mapping
from typing import BinaryIO, NamedTuple

import pyarrow as pa

from transforms.core.base.lines import COMPRESSED, read_pieces, read_range
from transforms.core.sources import foreign
from transforms.core.sources.index.manifest import Source

BLOCK_BYTES = 16 << 20

OpenSource = Callable[[Source], BinaryIO]
"""Opens a source at its first byte, decompressed; can seek where nothing is compressed."""


@dataclasses.dataclass(frozen=True)
class SourceBlock:
    """What is read at once.

    Attributes:
      files: Sources of one role, each with its place among all sources; more than one only where
        they are small (`SourceKind.is_small`).
      start: First byte of the lines to read.
      end: Where they end; None reads files whole.
    """

    files: tuple[tuple[int, Source], ...]
    start: int = 0
    end: int | None = None


class Part(NamedTuple):
    """Rows of a table, and their place among the table's rows in the order of the sources."""

    table: str
    place: tuple[int, int]
    rows: pa.RecordBatch


def _never(_: Source) -> bool:
    return False


@dataclasses.dataclass(frozen=True)
class SourceKind:
    """A kind of source.

    Attributes:
      file: What its files are called, and what tells that a file is of another kind.
      tables: The tables that its rows go to, with their columns beside the key.
      parse: Reads a block: parts with rows of the tables' plain schemas (`buckets.plain_schema`),
        or `UsageError` with the place of what cannot be read.
      by_lines: Whether a file that is not compressed can be read by ranges of lines.
      is_small: Whether a source is one of many small files, which are parsed many at once.
      check: Looks at a file's header and raises `UsageError`, before any work is begun.
      given_as: The role as which its files are given, where that is another one's.
      suffix: The end, but for `.gz` and `.zst`, of the names of files that are given so.
    """

    file: foreign.Kind
    tables: Mapping[str, pa.Schema]
    parse: Callable[[SourceBlock, OpenSource], Iterator[Part]]
    by_lines: bool = False
    is_small: Callable[[Source], bool] = _never
    check: Callable[[Source, OpenSource], object] | None = None
    given_as: str | None = None
    suffix: str = ""


def is_compressed(source: Source) -> bool:
    """Whether a source can only be read from front to back."""
    return source.path.endswith((*COMPRESSED, ".tar"))


def plain_name(path: str) -> str:
    """A file's name as it is when decompressed."""
    return path.removesuffix(".gz").removesuffix(".zst")


def read_whole(source: Source, open_source: OpenSource) -> bytes:
    """All bytes of a source."""
    with open_source(source) as file:
        return file.read()


def read_lines(block: SourceBlock, open_source: OpenSource) -> Iterator[tuple[int, bytes]]:
    """The complete lines of a block of one file, in pieces, each with its first byte's offset."""
    ((_, source),) = block.files
    with open_source(source) as file:
        if block.end is not None:
            yield read_range(file, block.start, block.end)
        else:
            for start, lines, _ in read_pieces(file, BLOCK_BYTES):
                yield start, lines.data.tobytes()
