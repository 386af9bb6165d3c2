"""MergeUnits: the commit records of a run as one summary."""

import dataclasses
from collections.abc import Iterable

import apache_beam as beam

from transforms import storage
from transforms.core.base.errors import ChangedError, UsageError
from transforms.core.model import layout
from transforms.core.output.commit_records import CorruptRecord, UnitRecord, decode_record
from transforms.core.output.jobs.job import Job
from transforms.core.output.version import Summary, decode_summary, encode_summary
from transforms.stage import MessagePackCoder
from transforms.units.corrupt_units import undo_units


class SummaryCoder(beam.coders.Coder):
    """A summary as MessagePack of its records and packed statistics.

    Args:
      job: Whose units they are.
    """

    def __init__(self, job: Job) -> None:
        self._job = job

    def encode(self, value: Summary) -> bytes:
        return encode_summary(value)

    def decode(self, encoded: bytes) -> Summary:
        return decode_summary(encoded, self._job)

    def is_deterministic(self) -> bool:
        return False


beam.coders.registry.register_coder(UnitRecord, MessagePackCoder)


@beam.typehints.with_input_types(UnitRecord)
@beam.typehints.with_output_types(bytes)
class MergeUnits(beam.CombineFn):
    """Merges unit records to one `Summary`, in any order.

    It is given out encoded: no coder can be found by its type, since it needs the job.

    Args:
      job: Whose units they are.
    """

    def __init__(self, job: Job) -> None:
        self._job = job

    def get_accumulator_coder(self) -> beam.coders.Coder:
        return SummaryCoder(self._job)

    def create_accumulator(self) -> Summary:
        return Summary.of(self._job)

    def add_input(self, accumulator: Summary, record: UnitRecord) -> Summary:
        accumulator.update(record)
        return accumulator

    def merge_accumulators(self, accumulators: Iterable[Summary]) -> Summary:
        merged = self.create_accumulator()
        for accumulator in accumulators:
            merged.merge(accumulator)
        return merged

    def compact(self, accumulator: Summary) -> Summary:
        accumulator.compact()
        return accumulator

    def extract_output(self, accumulator: Summary) -> bytes:
        return encode_summary(accumulator)


def read_record(path: str) -> UnitRecord:
    """Reads a commit record.

    Raises:
      UsageError: It is corrupt; its unit is then removed, so that the next run does it again. Or it
        is gone, as after the attempt before, or when another run has found it corrupt.
    """
    try:
        return decode_record(storage.read_bytes(path))
    except UsageError as error:
        raise ChangedError(
            f"{error}; a finished unit is gone: run the same command again"
        ) from error
    except CorruptRecord as error:
        output, key = layout.unit_of(path)
        undo_units([key], output)
        raise ChangedError(
            f"{path!r} was corrupt and has been removed: run the same command again"
        ) from error


@dataclasses.dataclass
class MergeRecords(beam.PTransform):
    """From the paths of commit records to all units merged: one encoded `Summary`.

    Attributes:
      job: Whose units they are.
    """

    job: Job

    def __post_init__(self) -> None:
        super().__init__()

    def expand(self, record_paths: beam.PCollection[str]) -> beam.PCollection[bytes]:
        return (
            record_paths
            | "TakeEachOnce" >> beam.Distinct()
            | "ReadRecords" >> beam.Map(read_record).with_output_types(UnitRecord)
            | "MergeUnits" >> beam.CombineGlobally(MergeUnits(self.job))
        )
