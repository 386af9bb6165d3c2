"""Marks of attempts at units, by which deaths of their workers are counted.

A mark stands in a unit's folder from the beginning of an attempt until it ends, well or not. Only
the death of the process leaves it there.
"""

import contextlib
import uuid
from collections.abc import Iterator

from transforms import storage
from transforms.core.base import unfinished
from transforms.core.base.errors import EngineError, UsageError
from transforms.core.model import layout
from transforms.core.model.units import Unit

DEATHS = 2
"""So many attempts at a unit may end with the death of their worker before its lines are tried."""


def count_deaths(output: str, unit: Unit) -> int:
    """How many attempts at a unit have begun and not ended.

    Args:
      output: The output folder.
      unit: The unit.
    """
    names = storage.list_dir(storage.join(output, layout.unit_folder(unit.first_key)))
    return sum(map(layout.is_begun_attempt, names))


@contextlib.contextmanager
def begun(output: str, unit: Unit) -> Iterator[None]:
    """An attempt at a unit: it is marked until the block ends, however it ends."""
    attempt = uuid.uuid4().hex[:12]
    path = storage.join(output, layout.begun_attempt_path(unit.first_key, attempt))
    with unfinished.removed_at_stop(path):
        storage.write_bytes(path, b"")
        try:
            yield
        finally:  # a mark that stays costs time, and no result
            with contextlib.suppress(EngineError, UsageError, OSError):
                storage.remove_file(path)
