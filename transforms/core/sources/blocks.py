"""Reading the sources of an index piece by piece: what each file gives to which table."""

import dataclasses
from collections.abc import Callable, Iterator, Sequence
from typing import BinaryIO, NamedTuple

import pyarrow as pa

from transforms.core.base.errors import UsageError
from transforms.core.base.lines import read_pieces, read_range
from transforms.core.sources import foreign, transcripts
from transforms.core.sources.annotations import classes, coco, contents, open_images
from transforms.core.sources.annotations.problems import line_at
from transforms.core.sources.foreign import MOST_FILES
from transforms.core.sources.index.manifest import Source
from transforms.core.sources.transcripts import BadTranscription, unreadable

BLOCK_BYTES = 16 << 20

OpenSource = Callable[[Source], BinaryIO]
"""Opens a source at its first byte, decompressed; can seek where nothing is compressed."""

TABLES = {**contents.TABLES, **transcripts.TABLES}

FEEDS = {
    "boxes": ("boxes",),
    "labels": ("labels",),
    "images": ("images",),
    "coco_instances": ("images", "boxes", "classes"),
    "classes": ("classes",),
    "hierarchy": ("hierarchy",),
    "asr": ("asr",),
    "words": ("words",),
}
"""Of each role of a source, the tables that its rows go to."""

_LINES = {"asr": transcripts.parse_asr_lines, "words": transcripts.parse_words_lines}
_COMPRESSED = (".gz", ".zst")
_USUAL_RATIO = 4
_CLASSES_PER_FILE = 1 << 32


@dataclasses.dataclass(frozen=True)
class SourceBlock:
    """What is read at once.

    Attributes:
      files: Sources, each with its place among all sources; more than one only where they are
        small files of a recording each.
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


def role_of_boxes(path: str) -> str:
    """The role of a file given as boxes: `.json` (or compressed so) is COCO's, else CSV."""
    return "coco_instances" if _is_json(path) else "boxes"


def _is_json(path: str) -> bool:
    return path.removesuffix(".gz").removesuffix(".zst").endswith(".json")


def plan_blocks(sources: Sequence[Source], block_bytes: int = BLOCK_BYTES) -> list[SourceBlock]:
    """Cuts the sources into blocks of about `block_bytes`; some files must be read whole."""
    blocks, small = [], []
    for file in enumerate(sources):
        _, source = file
        if source.role == "words" and _is_json(source.path):
            small.append(file)
        elif source.role in ("boxes", "labels", *_LINES) and not _is_compressed(source):
            starts = range(0, source.size, block_bytes)
            blocks += [
                SourceBlock((file,), start, min(start + block_bytes, source.size))
                for start in starts
            ]
        else:
            blocks.append(SourceBlock((file,)))
    return blocks + _group(small, block_bytes)


def _group(files: Sequence[tuple[int, Source]], block_bytes: int) -> list[SourceBlock]:
    blocks: list[SourceBlock] = []
    group: list[tuple[int, Source]] = []
    for file in files:
        group.append(file)
        if sum(source.size for _, source in group) >= block_bytes or len(group) == 1000:
            blocks.append(SourceBlock(tuple(group)))
            group = []
    return blocks + ([SourceBlock(tuple(group))] if group else [])


def _is_compressed(source: Source) -> bool:
    return source.path.endswith(_COMPRESSED)


def plain_size(source: Source) -> int:
    """About how many bytes a source has when decompressed."""
    return source.size * (_USUAL_RATIO if _is_compressed(source) else 1)


def check_headers(sources: Sequence[Source], open_source: OpenSource) -> None:
    """Looks how files begin, before any work is begun: of the first of many, and of every CSV.

    Raises:
      UsageError: A file is plainly of another kind, or its header does not fit its role.
    """
    for source in sources[:MOST_FILES]:
        _refuse_other_kinds(source, open_source)
    for source in sources:
        if source.role in open_images.KINDS:
            _csv_file(source, open_source)


_KINDS = {
    "boxes": foreign.BOXES,
    "labels": foreign.LABELS,
    "images": foreign.IMAGES,
    "coco_instances": foreign.COCO,
    "classes": foreign.CLASSES,
    "hierarchy": foreign.HIERARCHY,
    "asr": foreign.ASR,
    "words": foreign.WORDS,
}
"""What a file is, by its role."""


def _refuse_other_kinds(source: Source, open_source: OpenSource) -> None:
    with open_source(source) as file:
        kind = foreign.recognise(file.read(foreign.HEAD_BYTES))
    wanted = _KINDS[source.role]
    if kind not in (None, foreign.TABLE, wanted):
        raise UsageError(f"{source.path}: this is {kind.title}, not {wanted.title}: {kind.remedy}")


def _csv_file(source: Source, open_source: OpenSource) -> open_images.CsvFile:
    kind = open_images.KINDS[source.role]
    return open_images.read_header(source.path, kind, lambda: open_source(source))


def parse_block(block: SourceBlock, open_source: OpenSource) -> Iterator[Part]:
    """Reads a block.

    Yields:
      Parts with rows of the tables' plain schemas.

    Raises:
      UsageError: Something in it that cannot be read, with its place.
    """
    index, source = block.files[0]
    if source.role in open_images.KINDS:
        parts = _parse_csv(block, open_source)
    elif len(block.files) > 1 or (source.role == "words" and _is_json(source.path)):
        parts = _parse_recordings(block, open_source)
    elif source.role in _LINES:
        parts = _parse_lines(block, open_source)
    else:
        parts = _parse_whole(index, source, open_source)
    yield from (part for part in parts if len(part.rows))


def _parse_csv(block: SourceBlock, open_source: OpenSource) -> Iterator[Part]:
    index, source = block.files[0]
    file = _csv_file(source, open_source)
    if block.end is not None:
        rows = open_images.read_block(file, block.start, block.end)
        yield Part(source.role, (index, block.start), rows)
        return
    for number, rows in enumerate(open_images.read_stream(file)):
        yield Part(source.role, (index, number), rows)


def _parse_lines(block: SourceBlock, open_source: OpenSource) -> Iterator[Part]:
    index, source = block.files[0]
    for start, lines in _read_lines(block, open_source):
        try:
            rows = _LINES[source.role](lines)
        except BadTranscription as error:
            line = line_at(lambda: open_source(source), start) + error.line
            raise unreadable(f"{source.path}, line {line}", error) from error
        yield Part(source.role, (index, start), rows)


def _read_lines(block: SourceBlock, open_source: OpenSource) -> Iterator[tuple[int, bytes]]:
    _, source = block.files[0]
    with open_source(source) as file:
        if block.end is not None:
            yield read_range(file, block.start, block.end)
        else:
            for start, lines, _ in read_pieces(file, BLOCK_BYTES):
                yield start, lines.data.tobytes()


def _parse_recordings(block: SourceBlock, open_source: OpenSource) -> Iterator[Part]:
    files = ((source.path, _read_whole(source, open_source)) for _, source in block.files)
    yield Part("words", (block.files[0][0], 0), transcripts.parse_words_files(files))


def _parse_whole(index: int, source: Source, open_source: OpenSource) -> Iterator[Part]:
    data = _read_whole(source, open_source)
    first_class = index * _CLASSES_PER_FILE
    if source.role == "classes":
        found = classes.parse_classes(source.path, data)
        yield Part("classes", (index, 0), classes.classes_to_rows(found, first_class))
    elif source.role == "hierarchy":
        pairs = classes.parse_hierarchy(source.path, data)
        yield Part("hierarchy", (index, 0), classes.hierarchy_to_rows(pairs))
    else:
        for table, rows in coco.parse_instances(source.path, data, first_class).items():
            yield Part(table, (index, 0), rows)


def _read_whole(source: Source, open_source: OpenSource) -> bytes:
    with open_source(source) as file:
        return file.read()
