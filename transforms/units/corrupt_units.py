"""Finished units that are not, or whose files are not, what their commit records say."""

from collections.abc import Collection, Iterable, Mapping

from transforms import storage
from transforms.core.model import layout
from transforms.core.output.commit_records import CorruptRecord, UnitRecord, decode_record


def read_records(output: str, keys: Iterable[str]) -> dict[str, UnitRecord]:
    """The commit records of units that are there and intact, by key.

    Args:
      output: The output folder.
      keys: The units' keys.
    """
    paths = {layout.record_path(key): key for key in keys}
    records = {}
    for path, data in storage.read_many(output, paths).items():
        try:
            records[paths[path]] = decode_record(data)
        except CorruptRecord:
            continue
    return records


def remove_corrupt_units(records: Mapping[str, UnitRecord], output: str) -> list[str]:
    """Removes finished units with a file that is not what its record says; returns their keys.

    On a disk a version's files are links to those of its units, so that it has the same faults:
    its next reader compares them completely, whatever their modification times were.

    Args:
      records: The units' records, by key.
      output: The output folder.
    """
    expected = {
        file.path: (key, file.crc32c)
        for key, record in records.items()
        for file in record.all_files
    }
    found = storage.checksums(output, expected)
    paths = [path for path, (_, crc) in expected.items() if found.get(path) != crc]
    storage.mark_modified(output, paths)
    corrupt = sorted({expected[path][0] for path in paths})
    undo_units(corrupt, output)
    return corrupt


def undo_units(keys: Collection[str], output: str) -> None:
    """Removes what runs have put into units' folders, so that they are done again.

    Args:
      keys: The units' keys.
      output: The output folder.
    """
    units = storage.join(output, layout.UNITS)
    storage.remove_others(units, dict.fromkeys(keys, ()), layout.is_of_unit)
