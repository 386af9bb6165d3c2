"""The records of a unit of a document that is one JSON value, in memory."""

import contextlib
from collections.abc import Iterator, Sequence

from transforms import storage
from transforms.core.base.errors import UsageError
from transforms.core.model.units import Unit
from transforms.core.output.version import ShardPlan
from transforms.core.sources.captions.documents.cutting import (
    cut_document,
    read_piece,
    starts_of_pieces,
)
from transforms.core.sources.captions.documents.scanner import BrokenDocument
from transforms.units.reading.blocks import UnitBlock


def document_blocks(unit: Unit, unit_bytes: int, key: str | None) -> Iterator[UnitBlock]:
    """The records of a unit as lines; of a compressed shard, those of its pieces in turn.

    Args:
      unit: The unit; of a plain shard one whose bounds are those of `document_starts`.
      unit_bytes: Size of the pieces into which a compressed shard's text is cut.
      key: Of the list of records (`Scanner`).

    Raises:
      ChangedError: The shard is no longer the one that was planned.
      UsageError: It is corrupt or cut short, with the byte.
    """
    if not unit.compressed:
        end = unit.size if unit.end is None else unit.end
        with storage.open_binary(unit.path, unit.fingerprint) as file, _naming(unit.path):
            piece = read_piece(file, key, unit.start, end, end == unit.size)
        storage.check_unchanged(unit.path, unit.fingerprint, unit.identity)
        yield UnitBlock(unit, piece.block, piece.records, False)
        return
    with storage.open_decompressed(unit.path, unit.fingerprint) as file, _naming(unit.path):
        for index, piece in enumerate(cut_document(file, key, unit_bytes)):
            storage.check_unchanged(unit.path, unit.fingerprint, unit.identity)
            end = piece.start + piece.block.size
            made = unit.piece(index, piece.start, end)
            yield UnitBlock(made, piece.block, piece.records, piece.last)


def document_starts(shard: ShardPlan, unit_bytes: int, key: str | None) -> Sequence[int]:
    """Where units of a plain shard begin: with a record each, the first at byte 0.

    The shard is read once, a buffer at a time.

    Raises:
      UsageError: It is corrupt or cut short, with the byte.
    """
    with storage.open_binary(shard.path, shard.fingerprint) as file, _naming(shard.path):
        return starts_of_pieces(file, key, unit_bytes)


@contextlib.contextmanager
def _naming(path: str) -> Iterator[None]:
    try:
        yield
    except BrokenDocument as error:
        raise UsageError(f"{path!r} {error}; get the published file again") from error
