"""PublishFiles: the last step of a job that writes shards in place of versions."""

import dataclasses
import json
import pathlib
from collections.abc import Iterable, Iterator, Mapping

import apache_beam as beam

from transforms import storage
from transforms.core.base.errors import ChangedError, EngineError
from transforms.core.model import layout
from transforms.core.output.jobs.job import Job
from transforms.core.output.version import ShardPlan, Summary, decode_summary, reconcile
from transforms.stage import Stopwatch
from transforms.units.corrupt_units import remove_corrupt_units
from transforms.units.merge import MergeRecords


def publish_files(summary: Summary, plan: "FilesPlan") -> None:
    """Writes the files of all shards, each the concatenation of its units'.

    Each file appears complete.

    Raises:
      EngineError: Something that was to be made is missing.
      ChangedError: A unit's file was corrupt; its unit is removed.
    """
    records = summary.in_order()
    rows = reconcile(plan.shards, records, plan.job.accounted)
    if lost := [row["shard"] for row in rows if not row["conserved"]]:
        raise EngineError(f"{lost[0]}: not all of it was made: run the same command again")
    if remove_corrupt_units(summary.records, plan.output):
        raise ChangedError("finished units were corrupt and removed: run the same command again")
    parts: dict[tuple[str, str], list[str]] = {key: [] for key in plan.files}
    for record in records:
        for file in record.files:
            parts[file.table, record.unit.shard].append(storage.join(plan.output, file.path))
    for own, path in plan.files.items():
        with storage.new_file(path) as local, pathlib.Path(local).open("wb") as target:
            target.writelines(storage.read_bytes(part) for part in parts[own])


def remove_units(keys: Iterable[str], output: str) -> None:
    """Removes finished units of which nothing is needed any more."""
    units = storage.join(output, layout.UNITS)
    for key in keys:
        storage.remove_folder(storage.join(units, key))
    if not storage.list_dir(units):
        storage.remove_folder(units)


@dataclasses.dataclass(frozen=True)
class FilesPlan:
    """What writing shards needs to know of the run.

    Attributes:
      job: The job; the files of its tables can be concatenated.
      output: The output folder.
      shards: All shards.
      files: Paths by table and shard.
    """

    job: Job
    output: str
    shards: tuple[ShardPlan, ...]
    files: Mapping[tuple[str, str], str]


class _PublishFiles(beam.DoFn):
    def __init__(self, plan: FilesPlan) -> None:
        self._plan = plan
        self._stopwatch = Stopwatch("PublishFiles")

    def process(self, merged: bytes) -> Iterator[str]:
        with self._stopwatch.running():
            summary = decode_summary(merged, self._plan.job)
            publish_files(summary, self._plan)
        yield json.dumps(list(summary.records))


class _RemoveUnits(beam.DoFn):
    def __init__(self, plan: FilesPlan) -> None:
        self._plan = plan

    def process(self, keys: str) -> Iterator[str]:
        remove_units(json.loads(keys), self._plan.output)
        first = self._plan.job.accounted[0]
        yield from (path for (table, _), path in self._plan.files.items() if table == first)


@dataclasses.dataclass
class PublishFiles(beam.PTransform):
    """From the paths of commit records to the paths of the files of the job's first table.

    Attributes:
      plan: What writing shards needs to know of the run.
    """

    plan: FilesPlan

    def __post_init__(self) -> None:
        super().__init__()

    def expand(self, record_paths: beam.PCollection[str]) -> beam.PCollection[str]:
        publish = beam.ParDo(_PublishFiles(self.plan)).with_output_types(str)
        return (
            record_paths
            | "MergeRecords" >> MergeRecords(self.plan.job)
            | "PublishFiles" >> publish
            | "AfterThat" >> beam.Reshuffle()  # what is tried again finds the units still there
            | "RemoveUnits" >> beam.ParDo(_RemoveUnits(self.plan)).with_output_types(str)
        )
