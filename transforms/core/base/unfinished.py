"""What this process writes and has not finished: gone when the process is told to stop.

A process that is told to stop ends at once, whatever its threads are in the middle of, so no
`finally` can be relied on. What would be left is therefore known beforehand.
"""

import contextlib
import pathlib
import shutil
import threading
import time
from collections.abc import Iterator

_begun: dict[str, str | None] = {}
_stopping = threading.Event()

_PAUSE = 0.05
"""Seconds in which another thread ends what it was about to write when the process stopped."""


@contextlib.contextmanager
def removed_at_stop(path: str, unless: str | None = None) -> Iterator[None]:
    """A file or folder of this machine that is not to outlive a stop within the block.

    Args:
      path: What is about to be written. Of another store: nothing is removed.
      unless: A file that says, if it is there, that `path` is finished after all.

    Raises:
      KeyboardInterrupt: The process has been told to stop.
    """
    refuse_when_stopping()
    _begun[path] = unless
    try:
        yield
    finally:
        _begun.pop(path, None)


def refuse_when_stopping() -> None:
    """To be called before anything is written.

    Raises:
      KeyboardInterrupt: The process has been told to stop.
    """
    if _stopping.is_set():
        raise KeyboardInterrupt("told to stop")


def write_nothing_more() -> None:
    """From now on nothing new is written by this process, in any thread."""
    _stopping.set()


def remove_unfinished() -> None:
    """Removes what the process has not finished, the latest first, after `write_nothing_more`.

    A commit creates its file from a temporary one, which goes before what the file would name: so
    nothing goes that is committed meanwhile.
    """
    for _ in range(2 if _begun else 0):
        for path, unless in reversed(list(_begun.items())):
            if unless is None or not pathlib.Path(unless).exists():
                _remove(path)
        time.sleep(_PAUSE)


def _remove(path: str) -> None:
    with contextlib.suppress(OSError):
        place = pathlib.Path(path)
        if place.is_dir() and not place.is_symlink():
            shutil.rmtree(path, ignore_errors=True)
        else:
            place.unlink()
