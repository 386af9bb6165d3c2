"""Finished units whose files are not what their commit records say."""

from collections.abc import Mapping

from transforms import storage
from transforms.core.model import layout
from transforms.core.output.commit_records import UnitRecord


def remove_corrupt_units(records: Mapping[str, UnitRecord], output: str) -> list[str]:
    """Removes finished units with a file that is not what its record says; returns their keys.

    On a disk a version's files are links to those of its units, so that it has the same faults:
    its next reader compares them in whole, whatever their modification times were.

    Args:
      records: The units' records, by key.
      output: The output folder.
    """
    expected = {
        file.path: (key, file.crc32c) for key, record in records.items() for file in record.files
    }
    found = storage.checksums(output, expected)
    paths = [path for path, (_, crc) in expected.items() if found.get(path) != crc]
    storage.mark_modified(output, paths)
    corrupt = sorted({expected[path][0] for path in paths})
    units = storage.join(output, layout.UNITS)
    storage.remove_others(units, dict.fromkeys(corrupt, ()), layout.is_of_unit)
    return corrupt
