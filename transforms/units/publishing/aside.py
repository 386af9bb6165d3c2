"""What units have set aside for statistics: read when they are published, a unit at a time."""

from collections.abc import Iterable, Iterator

import pyarrow as pa

from transforms.core.base.errors import ChangedError
from transforms.core.output.commit_records import CorruptRecord, FileEntry, UnitRecord
from transforms.units.reading.restore import one_batch, read_unit_table


def read_aside(records: Iterable[UnitRecord], output: str, table: str) -> Iterator[pa.RecordBatch]:
    """The rows of a table that units have set aside (`Statistic.aside`), one unit's at a time.

    Args:
      records: Of the units.
      output: The output folder, in which their files are.
      table: The table's name.

    Raises:
      ChangedError: A file was changed since it was compared with its record.
      UsageError: A file is gone.
    """
    for record in records:
        for file in record.aside:
            if file.table == table:
                yield _read(output, file)


def _read(output: str, file: FileEntry) -> pa.RecordBatch:
    try:
        return one_batch(read_unit_table(output, file))
    except CorruptRecord as error:
        raise ChangedError(f"{error}: run the same command again") from error
