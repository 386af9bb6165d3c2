"""A job as a value: what units, commit records and versions need to know of its rows."""

import dataclasses
from collections.abc import Callable, Mapping, Sequence

import pyarrow as pa

from transforms.core.model import bad_lines
from transforms.core.model.chunk import Chunk
from transforms.core.model.columns import SCHEMA_VERSION
from transforms.core.model.units import Counts, Unit
from transforms.core.output.jobs.origins import Origin
from transforms.core.output.row_indexes.row_index import RowIndex
from transforms.core.output.statistics.collection import Statistics
from transforms.core.output.statistics.statistic import Statistic, StatisticsTable

Further = Mapping[str, int | dict[str, int]]
"""What a job counts beside rows: a number, or numbers by reason."""


def rows_of(chunk: Chunk, unit: Unit) -> Mapping[str, pa.RecordBatch]:  # noqa: ARG001
    """A chunk's tables as they are: what is written where a job has nothing to add."""
    return chunk.tables


def count_nothing(chunk: Chunk) -> Further:  # noqa: ARG001
    """No further counts."""
    return {}


@dataclasses.dataclass(frozen=True)
class Job:
    """What the rows of a job are. Its functions are those of modules, so that it pickles.

    Attributes:
      name: The command's name.
      title: What its versions are called for people.
      tables: Schemas of the tables that each unit writes a file of, by name.
      meanings: What a row of each of them is.
      accounted: Tables in each of whose rows a line ended: with those rejected, blank ones and
        those that a sample leaves out these are all lines (the conservation law).
      statistics: Accumulators, each over all chunks.
      rows: The rows of each table, of a chunk that has passed all stages.
      count: What is counted of such a chunk beside the rows of its tables.
      origin: Where its data is from: licence and citation.
      indexes: Tables that say where rows of `tables` are, by name.
    """

    name: str
    title: str
    tables: Mapping[str, pa.Schema]
    meanings: Mapping[str, str]
    accounted: Sequence[str]
    statistics: Sequence[type[Statistic]] = ()
    rows: Callable[[Chunk, Unit], Mapping[str, pa.RecordBatch]] = rows_of
    count: Callable[[Chunk], Further] = count_nothing
    origin: Origin = Origin()
    indexes: Mapping[str, RowIndex] = dataclasses.field(default_factory=dict)

    def __post_init__(self) -> None:
        if missing := set(self.accounted) - self.tables.keys():
            raise ValueError(f"{self.name}: {sorted(missing)} are no tables of it")
        if self.tables.keys() != self.meanings.keys():
            raise ValueError(f"{self.name}: tables and meanings differ")
        if twice := self.aside.keys() & self.tables.keys():
            raise ValueError(f"{self.name}: {sorted(twice)} are tables, and set aside")

    def count_chunk(self, chunk: Chunk) -> Counts:
        """Counts of a chunk that has passed all stages."""
        return Counts(
            lines=chunk.lines,
            blank=chunk.blank,
            rejected=_by_code(chunk.get(bad_lines.TABLE)),
            repaired=chunk.repaired,
            left_out=chunk.left_out,
            rows={name: len(chunk[name]) for name in self.tables if name in chunk},
            further=dict(self.count(chunk)),
        )

    def measure_chunk(self, chunk: Chunk) -> Statistics:
        """Statistics of such a chunk."""
        statistics = Statistics(self.statistics)
        statistics.add(chunk)
        return statistics

    def rows_aside(self, chunk: Chunk) -> dict[str, pa.RecordBatch]:
        """The rows of each of the tables `aside`, of such a chunk."""
        made = (kind.set_aside(chunk) for kind in self.statistics)
        return {name: rows for tables in made for name, rows in tables.items()}

    @property
    def aside(self) -> dict[str, pa.Schema]:
        """Schemas of the tables that units set aside for its statistics, by name."""
        return {name: schema for kind in self.statistics for name, schema in kind.aside.items()}

    @property
    def statistics_tables(self) -> dict[str, StatisticsTable]:
        """The tables that its statistics make, by name."""
        return {name: table for kind in self.statistics for name, table in kind.tables.items()}

    @property
    def all_tables(self) -> dict[str, pa.Schema]:
        """Schemas of all tables of a version."""
        made = {name: table.schema for name, table in self.statistics_tables.items()}
        return {**self.tables, **made, **{name: one.schema for name, one in self.indexes.items()}}

    def declared(self, table: str) -> pa.Schema:
        """A table's schema as its files have it, with what the table is."""
        schema = self.all_tables[table]
        about = {
            "title": self.title,
            "table": table,
            "row": self.all_meanings[table],
            "schema_version": SCHEMA_VERSION,
            **self.origin.metadata,
        }
        return schema.with_metadata({**(schema.metadata or {}), **about})

    @property
    def all_meanings(self) -> dict[str, str]:
        """What a row of each table of a version is."""
        made = {name: table.row for name, table in self.statistics_tables.items()}
        return {**self.meanings, **made, **{name: one.row for name, one in self.indexes.items()}}


def _by_code(rejected: pa.RecordBatch | None) -> dict[str, int]:
    if rejected is None:
        return {}
    counted = rejected["code"].value_counts()
    values, lines = counted.field("values"), counted.field("counts")
    return dict(sorted(zip(values.to_pylist(), lines.to_pylist(), strict=True)))
