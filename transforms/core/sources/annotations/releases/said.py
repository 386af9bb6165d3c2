"""Labels indexed by image: who said what of which label, in every release and split.

The index brings labels of one image together however they are spread over files. It holds what
judging asks for and no more: bad lines are left to the job that reads the files for its tables.
"""

from collections.abc import Iterator

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from transforms.core.base.lines import Block, read_block
from transforms.core.model.columns import TERM
from transforms.core.sources import foreign
from transforms.core.sources.annotations.releases.files.archive import (
    Member,
    PlainStream,
    TarStream,
)
from transforms.core.sources.annotations.releases.files.pieces import HEAD_BYTES, cut_stream
from transforms.core.sources.annotations.releases.forms import Form, form_of, is_archive
from transforms.core.sources.annotations.releases.reading import Origin, read_chunk
from transforms.core.sources.annotations.releases.schemas import MACHINE
from transforms.core.sources.index.buckets import KEY, plain_schema
from transforms.core.sources.index.manifest import Source
from transforms.core.sources.kinds import (
    BLOCK_BYTES,
    OpenSource,
    Part,
    SourceBlock,
    SourceKind,
)

KIND = "said"
"""The index, its only table, and the role of its sources."""

BY_MACHINE, DENIED, AFFIRMED = -1, 0, 1

SAID = pa.schema([("release", TERM), ("split", TERM), ("class_id", TERM), ("said", pa.int8())])
"""What was said of a label of an image: `BY_MACHINE` that it has it, by people yes or no."""


def said_of(labels: pa.RecordBatch) -> np.ndarray:
    """What each label says (`SAID`), shape `(n_labels,)` int8.

    >>> labels = pa.record_batch({"source": ["machine", "verification", None],
    ...                           "confidence": [0.5, 0.0, 1.0]})
    >>> said_of(labels).tolist()
    [-1, 0, 1]
    """
    sources = labels["source"].cast(pa.string())
    by_machine = pc.fill_null(pc.equal(sources, MACHINE), False).to_numpy(zero_copy_only=False)
    affirmed = labels["confidence"].to_numpy() > 0
    return np.where(by_machine, BY_MACHINE, np.where(affirmed, AFFIRMED, DENIED)).astype(np.int8)


def to_given(release: str, split: str | None) -> str:
    """Release and split of a source as its entry `given` holds them."""
    return f"{release}/{split or ''}"


def from_given(given: str) -> Form:
    """What `to_given` was given, as a form of which the kind is to be found."""
    release, _, split = given.partition("/")
    return Form("", release, split or None)


def is_of_labels(form: Form) -> bool:
    """Whether a file or member of the form holds labels."""
    return form.kind in ("labels", "wide_labels")


def _parse(block: SourceBlock, open_source: OpenSource) -> Iterator[Part]:
    ((index, source),) = block.files
    if block.end is not None:
        yield from _parse_range(block, index, source, open_source)
        return
    known = from_given(source.given)

    def form(member: Member, head: bytes) -> Form:
        return form_of(member.name or source.name, head, known.release, known.split, member.name)

    with open_source(source) as file:
        stream = TarStream(file, source.path) if is_archive(source.name) else PlainStream(file)
        for number, piece in enumerate(cut_stream(stream, BLOCK_BYTES, form, source.path)):
            if is_of_labels(piece.form):
                lines = Block.of(piece.records.tobytes())
                origin = Origin(source.name, 0, piece.records_start, piece.form)
                yield _part(index, number, lines, origin)


def _parse_range(
    block: SourceBlock, index: int, source: Source, open_source: OpenSource
) -> Iterator[Part]:
    known = from_given(source.given)
    with open_source(source) as file:
        head = file.read(HEAD_BYTES)
        start, lines = read_block(file, block.start, block.end or 0)
    form = form_of(source.name, head, known.release, known.split)
    yield _part(index, block.start, lines, Origin(source.name, 0, start, form))


def _part(index: int, place: int, lines: Block, origin: Origin) -> Part:
    labels = read_chunk(lines, origin).get("labels")
    schema = plain_schema(SAID)
    if labels is None:
        return Part(KIND, (index, place), pa.RecordBatch.from_pylist([], schema=schema))
    columns = {
        KEY: labels["image_id"],
        **{name: labels[name].cast(pa.string()) for name in ("release", "split", "class_id")},
        "said": pa.array(said_of(labels)),
    }
    rows = pa.RecordBatch.from_arrays([columns[name] for name in schema.names], schema=schema)
    return Part(KIND, (index, place), rows)


SAID_KIND = SourceKind(foreign.LABELS, {KIND: SAID}, _parse, by_lines=True)
