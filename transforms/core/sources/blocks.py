"""Reading the sources of an index piece by piece: what each file gives to which table."""

from collections import ChainMap
from collections.abc import Iterator, Mapping, Sequence

import pyarrow as pa

from transforms.core.base.errors import UsageError
from transforms.core.sources import foreign, transcripts
from transforms.core.sources.annotations import kinds as annotation_kinds
from transforms.core.sources.annotations.releases import said
from transforms.core.sources.foreign import MOST_FILES
from transforms.core.sources.index.manifest import Source
from transforms.core.sources.kinds import (
    BLOCK_BYTES,
    OpenSource,
    Part,
    SourceBlock,
    SourceKind,
    is_compressed,
    plain_name,
)

KINDS: Mapping[str, SourceKind] = ChainMap(
    annotation_kinds.KINDS, transcripts.KINDS, {said.KIND: said.SAID_KIND}
)
"""All kinds of source, by role."""

_USUAL_RATIO = 4
_MOST_GROUPED = 1000


def table_schemas() -> dict[str, pa.Schema]:
    """The tables of all kinds, with their columns beside the key."""
    return {name: schema for kind in KINDS.values() for name, schema in kind.tables.items()}


def role_of(given_as: str, path: str) -> str:
    """The role of a file by the one as which it is given, and by its name.

    >>> role_of("boxes", "instances_val2017.json.gz")
    'coco_instances'
    """
    name = plain_name(path)
    for role, kind in KINDS.items():
        if kind.given_as == given_as and name.endswith(kind.suffix):
            return role
    return given_as


def plan_blocks(sources: Sequence[Source], block_bytes: int = BLOCK_BYTES) -> list[SourceBlock]:
    """Cuts the sources into blocks of about `block_bytes`; some files must be read whole."""
    blocks: list[SourceBlock] = []
    small: dict[str, list[tuple[int, Source]]] = {}
    for file in enumerate(sources):
        _, source = file
        kind = KINDS[source.role]
        if kind.is_small(source):
            small.setdefault(source.role, []).append(file)
        elif kind.by_lines and not is_compressed(source):
            starts = range(0, source.size, block_bytes)
            blocks += [
                SourceBlock((file,), start, min(start + block_bytes, source.size))
                for start in starts
            ]
        else:
            blocks.append(SourceBlock((file,)))
    return blocks + [group for files in small.values() for group in _group(files, block_bytes)]


def _group(files: Sequence[tuple[int, Source]], block_bytes: int) -> list[SourceBlock]:
    blocks: list[SourceBlock] = []
    group: list[tuple[int, Source]] = []
    for file in files:
        group.append(file)
        size = sum(source.size for _, source in group)
        if size >= block_bytes or len(group) == _MOST_GROUPED:
            blocks.append(SourceBlock(tuple(group)))
            group = []
    return blocks + ([SourceBlock(tuple(group))] if group else [])


def plain_size(source: Source) -> int:
    """About how many bytes a source has when decompressed."""
    return source.size * (_USUAL_RATIO if is_compressed(source) else 1)


def check_headers(sources: Sequence[Source], open_source: OpenSource) -> None:
    """Looks how files begin, before any work is begun: of the first of many, and of every CSV.

    Raises:
      UsageError: A file is plainly of another kind, or its header does not fit its role.
    """
    for source in sources[:MOST_FILES]:
        _refuse_other_kinds(source, open_source)
    for source in sources:
        if (check := KINDS[source.role].check) is not None:
            check(source, open_source)


def _refuse_other_kinds(source: Source, open_source: OpenSource) -> None:
    with open_source(source) as file:
        kind = foreign.recognise(file.read(foreign.HEAD_BYTES))
    wanted = KINDS[source.role].file
    if kind not in (None, foreign.TABLE, wanted):
        raise UsageError(f"{source.path}: this is {kind.title}, not {wanted.title}: {kind.remedy}")


def parse_block(block: SourceBlock, open_source: OpenSource) -> Iterator[Part]:
    """Reads a block.

    Yields:
      Parts with rows of the tables' plain schemas.

    Raises:
      UsageError: Something in it that cannot be read, with its place.
    """
    _, source = block.files[0]
    parts = KINDS[source.role].parse(block, open_source)
    yield from (part for part in parts if len(part.rows))
