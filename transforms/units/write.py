"""WriteUnit: a finished unit's tables and its commit record."""

import dataclasses
import uuid
from collections.abc import Iterator

import apache_beam as beam
import pyarrow as pa

from transforms import storage
from transforms.core.base import unfinished
from transforms.core.base.errors import EngineError, UsageError, telling_room
from transforms.core.base.versions import deployment_version
from transforms.core.model import layout
from transforms.core.model.chunk import Chunk
from transforms.core.model.units import Unit
from transforms.core.output.commit_records import (
    CorruptRecord,
    FileEntry,
    decode_record,
    encode_record,
    make_record,
)
from transforms.core.output.jobs.job import Job
from transforms.core.output.row_indexes.row_index import pack_places
from transforms.core.output.tables import declare, ending_of, write_table
from transforms.stage import Stopwatch


def write_unit(job: Job, unit: Unit, chunk: Chunk, output: str) -> str:
    """Writes all tables of a unit, then commits it.

    The tables are written and closed in a folder that only this attempt knows; then the record is
    created if absent. An attempt that fails, or comes second, removes its own files.

    Returns:
      The path of the unit's commit record.
    """
    record = storage.join(output, layout.record_path(unit.key))
    if storage.exists(record):
        return record
    attempt = uuid.uuid4().hex[:12]
    folder = layout.attempt_folder(unit.key, attempt)
    with unfinished.removed_at_stop(storage.join(output, folder), unless=record):
        _write_attempt(job, unit, chunk, output, attempt)
    return record


def _write_attempt(job: Job, unit: Unit, chunk: Chunk, output: str, attempt: str) -> None:
    folder = layout.attempt_folder(unit.key, attempt)
    record = storage.join(output, layout.record_path(unit.key))
    committed = False
    try:
        rows = job.rows(chunk, unit)
        files = [
            _write_file(table, declare(rows[table], job.declared(table)), output, folder)
            for table in job.tables
            if table in rows and len(rows[table])
        ]
        aside = [
            _write_file(table, own, output, folder)
            for table, own in job.rows_aside(chunk).items()
            if len(own)
        ]
        places = pack_places(job.indexes, rows)
        data = encode_record(make_record(job, unit, chunk, attempt, files, aside, places))
        folders = (folder, layout.unit_folder(unit.key)) if files or aside else ()
        storage.sync_folders(storage.join(output, name) for name in folders)
        committed = storage.create_exclusively(record, data)
    except OSError:
        # Another run may have finished the unit, and removed these files when it published.
        if not storage.exists(record):
            raise
    finally:
        if not (committed or _may_name(record, attempt)):
            storage.remove_folder(storage.join(output, folder))


def _may_name(record: str, attempt: str) -> bool:
    """Whether the record is this attempt's after all, or cannot be read to rule that out.

    A store may fail after it has done what it was asked. Files that nobody needs are removed when
    a version is published.
    """
    try:
        return (
            storage.exists(record) and decode_record(storage.read_bytes(record)).attempt == attempt
        )
    except (CorruptRecord, EngineError, UsageError, OSError):
        return True


def _write_file(table: str, rows: pa.RecordBatch, output: str, folder: str) -> FileEntry:
    path = f"{folder}/{table}.{ending_of(rows.schema)}"
    place = storage.join(output, path)
    with storage.new_file(place) as local, telling_room(place, rows.nbytes):
        return write_table(table, rows, local, path)


class _WriteUnit(beam.DoFn):
    def __init__(self, job: Job, output: str, deployment: str) -> None:
        self._job, self._output, self._deployment = job, output, deployment
        self._units = beam.metrics.Metrics.counter("WriteUnit", "units")
        self._bytes = beam.metrics.Metrics.counter("WriteUnit", "bytes")
        self._stopwatch = Stopwatch("WriteUnit")

    def setup(self) -> None:
        if deployment_version() != self._deployment:
            raise UsageError(
                "a worker has other code than the command that planned the run: install the same "
                "version of the project on both, and restart the workers"
            )

    def process(self, element: tuple[Unit, Chunk]) -> Iterator[str]:
        unit, chunk = element
        with self._stopwatch.running(unit):
            record = write_unit(self._job, unit, chunk, self._output)
        self._units.inc()
        self._bytes.inc(chunk.bytes)
        yield record


@dataclasses.dataclass
class WriteUnit(beam.PTransform):
    """Finishes units: from (unit, chunk) to the paths of commit records.

    A unit's key stands for the code that did it, so a worker with other code raises UsageError:
    not only where it differs in what makes results, but in any part of the transforms.

    Attributes:
      job: Whose units they are.
      output: The output folder.
      deployment: `versions.deployment_version()` of the command that planned the units.
    """

    job: Job
    output: str
    deployment: str

    def __post_init__(self) -> None:
        super().__init__()

    def expand(self, chunks: beam.PCollection[tuple[Unit, Chunk]]) -> beam.PCollection[str]:
        write = beam.ParDo(_WriteUnit(self.job, self.output, self.deployment))
        return chunks | "WriteUnit" >> write.with_output_types(str)
