"""What long steps count: bytes of units by their commit records, files, bytes that are read."""

import contextlib
import threading
from collections.abc import Sequence
from typing import Protocol

from pipelines.cli import log
from transforms import storage
from transforms.core.base.errors import EngineError, UsageError
from transforms.core.model import layout
from transforms.core.model.units import Unit
from transforms.core.output.commit_records import CorruptRecord, decode_record


class Counted(Protocol):
    """What something has done, of what it has to do: bytes, or files."""

    @property
    def total(self) -> int:
        """Of all that is to do, as far as it is known; 0 where it is not."""

    def count(self) -> int:
        """Those that are done."""


class FinishedBytes:
    """Bytes of the units that are finished, of those that were to do.

    A compressed shard counts when all of it is done: where its pieces are cut is not known before.

    Attributes:
      total: Of all units pending.
    """

    def __init__(self, units: Sequence[Unit], output: str) -> None:
        self._pending = {_record_path(unit, output): unit for unit in units if not unit.compressed}
        self.total = sum(unit.bytes for unit in self._pending.values())
        self._done = 0

    def count(self) -> int:
        """Looks which units have been finished since; returns the bytes of all that are."""
        self.look()
        return self._done

    def look(self) -> list[Unit]:
        """Looks which units have been finished since, and returns them."""
        paths = sorted(storage.existing(self._pending.keys()))
        found = [self._pending.pop(path) for path in paths]
        self._done += sum(unit.bytes for unit in found)
        return found


def _record_path(unit: Unit, output: str) -> str:
    return storage.join(output, layout.record_path(unit.key))


class FinishedPieces:
    """Pieces of a compressed shard that are finished: each says where the next one begins."""

    def __init__(self, unit: Unit, output: str) -> None:
        self._unit, self._output = unit, output
        self._next: tuple[int, int] | None = (0, unit.start)
        with contextlib.suppress(EngineError, UsageError):
            self.look()  # what an earlier run has finished

    def look(self) -> list[Unit]:
        """Looks which pieces have been finished since, and returns them."""
        found = []
        while self._next is not None:
            index, start = self._next
            path = _record_path(self._unit.piece(index, start, start), self._output)
            if not storage.exists(path):
                break
            try:
                record = decode_record(storage.read_bytes(path))
            except CorruptRecord:
                break  # whoever does the unit finds it too
            end = start + record.bytes
            found.append(self._unit.piece(index, start, end))
            self._next = None if record.last else (index + 1, end)
        return found


class FinishedText:
    """Bytes of text of compressed shards that is done; how many there will be is not known.

    Attributes:
      total: 0.
    """

    def __init__(self, units: Sequence[Unit], output: str) -> None:
        self._finished = [FinishedPieces(unit, output) for unit in units if unit.compressed]
        self._done = self.total = 0

    def count(self) -> int:
        """Looks which pieces have been finished since; returns the bytes of all that are."""
        self._done += sum(unit.bytes for found in self._finished for unit in found.look())
        return self._done


class UnitEvents:
    """Says of each unit that it is finished, when it is found to be.

    Attributes:
      total: As of `FinishedBytes`.
    """

    def __init__(self, units: Sequence[Unit], output: str) -> None:
        plain, compressed = FinishedBytes(units, output), [u for u in units if u.compressed]
        pieces = [FinishedPieces(unit, output) for unit in compressed]
        self._finished: list[FinishedBytes | FinishedPieces] = [plain, *pieces]
        self._total_units = None if pieces else len(units)  # how many there are is known at the end
        self._units = self._bytes = 0
        self.total = plain.total

    def count(self) -> int:
        """As of `FinishedBytes`."""
        for finished in self._finished:
            for unit in finished.look():
                self._tell(unit)
        return self._bytes

    def finish(self) -> None:
        """Looks once more at the end: most of what a short run finishes is found by that."""
        with contextlib.suppress(EngineError, UsageError):
            self.count()

    def _tell(self, unit: Unit) -> None:
        self._units += 1
        self._bytes += 0 if unit.compressed else unit.bytes
        say = log.tell if log.is_verbose() else log.note
        say(
            "unit_finished",
            f"Finished unit {unit.key}.",
            unit=unit.key,
            shard=unit.shard,
            bytes=unit.bytes,
            units_done=self._units,
            units_total=self._total_units,
            bytes_done=self._bytes,
            bytes_total=self.total,
        )


class WrittenFiles:
    """Files that are written: those of an index all come after its sources have been read.

    Attributes:
      total: Of all files that there may be.
    """

    def __init__(self, paths: Sequence[str]) -> None:
        self._missing = set(paths)
        self.total = len(paths)

    def count(self) -> int:
        """Looks which files have been written since; returns the number of all that are."""
        self._missing -= storage.existing(self._missing)
        return self.total - len(self._missing)


class Tally:
    """Bytes that threads add up.

    Attributes:
      total: Of all that is to do.
    """

    def __init__(self, total: int) -> None:
        self.total = total
        self._lock, self._done = threading.Lock(), 0

    def add(self, number: int) -> None:
        """So many more are done."""
        with self._lock:
            self._done += number

    def count(self) -> int:
        """Those that are done."""
        with self._lock:
            return self._done
