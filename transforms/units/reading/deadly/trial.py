"""A trial: all that a job does with lines, done in a fork to see whether that ends it."""

import dataclasses
import functools
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path

from transforms.core.output.commit_records import make_record
from transforms.core.output.jobs.job import Job
from transforms.core.output.row_indexes.row_index import pack_places
from transforms.core.output.tables import ending_of, write_table
from transforms.stage import Stage
from transforms.units.reading.blocks import BlocksOf, UnitBlock, blocks_of
from transforms.units.reading.deadly.forks import Death, death_of
from transforms.units.reading.mended import BlockReader, read_mended
from transforms.units.reading.repairs import repairs_of


@dataclasses.dataclass(frozen=True)
class Trial:
    """What a job does with a unit's lines; must pickle.

    Attributes:
      job: The job.
      unit_bytes: Size of the pieces into which a compressed shard's text is cut.
      reader: The reader's name.
      read: Reads blocks.
      stages: What makes each further stage, by name and in order.
      blocks: Cuts units into blocks.
    """

    job: Job
    unit_bytes: int
    reader: str
    read: BlockReader
    stages: Mapping[str, Callable[[], Stage]]
    blocks: BlocksOf = blocks_of


class Rehearsal:
    """Does lines as the job does them; nothing of it is kept.

    Args:
      trial: What is done.
    """

    def __init__(self, trial: Trial) -> None:
        self._trial = trial
        self._stages = {name: prepare() for name, prepare in trial.stages.items()}
        self._temporary = tempfile.TemporaryDirectory()

    def death_by(self, lines: UnitBlock) -> Death | None:
        """How a process ends that does these lines; None where it does not die.

        What is raised is no death: it is raised again when the unit is done.

        Raises:
          ForkError: It takes too long.
        """
        return death_of(functools.partial(self._do, lines))

    def _do(self, lines: UnitBlock, begins: Callable[[str], None]) -> None:
        trial, unit = self._trial, lines.unit
        begins(trial.reader)
        repairs = repairs_of(unit) if unit.repairs else {}
        chunk = read_mended(trial.read, lines.block, unit, lines.start, lines.last, repairs)
        for name, stage in self._stages.items():
            begins(name)
            chunk = stage(chunk)
        begins("WriteUnit")
        own = trial.job.rows(chunk, unit)
        written = {**own, **trial.job.rows_aside(chunk)}
        schemas = {**trial.job.tables, **trial.job.aside}
        for table, rows in written.items():
            place = Path(self._temporary.name, table)
            write_table(table, rows, str(place), f"{table}.{ending_of(schemas[table])}")
        make_record(trial.job, unit, chunk, "", [], places=pack_places(trial.job.indexes, own))
