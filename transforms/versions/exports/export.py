"""ExportFiles: each file of a version to where it goes, then what ends the export.

A target is a value that pickles: how a file is put there, so that a second attempt changes nothing,
and how all of them become what readers see, in one step.
"""

import dataclasses
from collections.abc import Iterable
from typing import Protocol, runtime_checkable

import apache_beam as beam
import msgspec

from transforms.core.base.errors import name_unit
from transforms.core.model.manifest_entries import TableFile


class Outcome(msgspec.Struct, frozen=True, kw_only=True):
    """What an export came to.

    Attributes:
      place: Where it is.
      rows: Rows of each table, as the target calls the tables.
      notes: Sentences on what is there otherwise than in the version.
    """

    place: str
    rows: dict[str, int]
    notes: list[str] = []


@runtime_checkable  # Beam looks whether what it passes is one
class Target(Protocol):
    """A system that takes versions."""

    def find(self) -> Outcome | None:
        """What is there already of this version, complete; else None."""

    def prepare(self) -> None:
        """Makes room for the files, before the first of them; again changes nothing."""

    def put(self, file: TableFile) -> bool:
        """Puts a file there; returns whether it was missing. Again changes nothing."""

    def finish(self) -> None:
        """Makes all that was put there what readers see, in one step; again changes nothing."""


@dataclasses.dataclass
class ExportFiles(beam.PTransform):
    """Exports files, and gives how many of them were missing before.

    Attributes:
      target: Where they go.
      files: All of them.
    """

    target: Target
    files: tuple[TableFile, ...]

    def __post_init__(self) -> None:
        super().__init__()

    def expand(self, pipeline: beam.Pipeline) -> beam.PCollection[int]:
        # The largest first, so that workers end at about the same time.
        files = sorted(self.files, key=lambda file: -file.bytes)
        encoded = [msgspec.msgpack.encode(file) for file in files]
        put = (
            pipeline | "PlanFiles" >> beam.Create(encoded) | "PutFiles" >> beam.ParDo(PutFile(self))
        )
        return (
            pipeline
            | "BeginFinish" >> beam.Create([b""])
            | "Finish" >> beam.Map(_finish, self.target, beam.pvalue.AsList(put))
        )


class PutFile(beam.DoFn):
    """Puts a file to its place; gives whether it was missing there."""

    def __init__(self, export: ExportFiles) -> None:
        self._target = export.target

    def process(self, encoded: bytes) -> Iterable[bool]:
        file = msgspec.msgpack.decode(encoded, type=TableFile)
        try:
            yield self._target.put(file)
        except Exception as error:
            name_unit(error, file.path)
            raise


def _finish(_: bytes, target: Target, put: list[bool]) -> int:
    target.finish()
    return sum(put)
