"""ReadReleases: units of published files to chunks of a release's tables."""

import dataclasses
from collections.abc import Iterator

import google_crc32c
import msgspec

from transforms import storage
from transforms.core.base.lines import Block, Skipped
from transforms.core.model.chunk import Chunk
from transforms.core.model.units import Unit
from transforms.core.sources.annotations.releases.files.archive import (
    Member,
    PlainStream,
    TarStream,
)
from transforms.core.sources.annotations.releases.files.pieces import Piece, cut_stream
from transforms.core.sources.annotations.releases.forms import Context, Form, form_of, is_archive
from transforms.core.sources.annotations.releases.reading import Origin, read_chunk
from transforms.units.reading.blocks import BlocksOf, UnitBlock, blocks_of
from transforms.units.reading.mended import BlockReader
from transforms.units.reading.read import ReadUnits


def read_releases(block: Block, unit: Unit, start: int, last: bool) -> Chunk:
    """Reads complete records of a unit (`ReadUnits`)."""
    context = msgspec.json.decode(unit.context, type=Context)
    return read_chunk(
        block, Origin(unit.shard, unit.index, start, context.form, context.line), last
    )


def release_blocks(unit: Unit, unit_bytes: int) -> Iterator[UnitBlock]:
    """The records of a unit; of a file that is read in turn those of its pieces.

    Args:
      unit: The unit.
      unit_bytes: Bytes of records that are a piece.

    Raises:
      ChangedError: The file is no longer the one that was planned.
      UsageError: It is corrupt.
    """
    if not unit.compressed:
        yield from blocks_of(unit, unit_bytes)
        return
    known = msgspec.json.decode(unit.context, type=Context).form
    name = unit.shard

    def form(member: Member, head: bytes) -> Form:
        return form_of(member.name or name, head, known.release, known.split, member.name)

    with storage.open_decompressed(unit.path, unit.fingerprint) as file:
        stream = TarStream(file, unit.path) if is_archive(name) else PlainStream(file)
        for index, piece in enumerate(cut_stream(stream, unit_bytes, form, unit.path)):
            storage.check_unchanged(unit.path, unit.fingerprint, unit.identity)
            context = Context(piece.form, piece.line).encode()
            of_piece = dataclasses.replace(
                unit.piece(index, piece.start, piece.end), context=context
            )
            yield UnitBlock(of_piece, _to_block(piece), piece.records_start, piece.last)


def _to_block(piece: Piece) -> Block:
    """A piece's records; what is round them in an archive counts as skipped."""
    block = Block.of(piece.records.tobytes())
    around = len(piece.before) + len(piece.behind)
    if not around:
        return block
    crc32c = google_crc32c.value(piece.before)
    for data in (piece.records.tobytes(), piece.behind):
        crc32c = google_crc32c.extend(crc32c, data)
    return dataclasses.replace(block, skipped=Skipped(around, False, crc32c))


class ReadReleases(ReadUnits):
    """Reads every unit of published files into a chunk."""

    def reader(self) -> BlockReader:
        return read_releases

    def blocks(self) -> BlocksOf:
        return release_blocks
