"""A run's temporary folder, which a later run removes where a kill left no time for it."""

import contextlib
import fcntl
import os
import pathlib
import shutil
import uuid
from collections.abc import Iterator

from transforms.core.base import unfinished

PREFIX = "localized-narratives-run-"


@contextlib.contextmanager
def run_folder(made: str) -> Iterator[str]:
    """Gives a temporary folder a name of ours; it goes with the block or when the process stops.

    It is locked for as long as the process lives. The system ends the lock whatever ends the
    process, so that what is not locked belongs to none, of this machine or of a container on it.

    Args:
      made: The folder.
    """
    parent = pathlib.Path(made).parent
    remove_abandoned(parent)
    folder = str(parent / f"{PREFIX}{uuid.uuid4().hex[:12]}")
    with contextlib.ExitStack() as left:
        descriptor = os.open(made, os.O_RDONLY)
        left.callback(os.close, descriptor)
        with contextlib.suppress(OSError):  # of a file system without locks, nothing is removed
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        pathlib.Path(made).rename(folder)  # locked before it has the name
        left.callback(shutil.rmtree, folder, ignore_errors=True)
        with unfinished.removed_at_stop(folder):
            yield folder


def remove_abandoned(parent: pathlib.Path) -> None:
    """Removes the temporary folders of runs that were killed, which are in a folder."""
    with contextlib.suppress(OSError):
        for path in parent.glob(f"{PREFIX}*"):
            _remove_unless_locked(str(path))


def _remove_unless_locked(folder: str) -> None:
    with contextlib.ExitStack() as left, contextlib.suppress(OSError):  # another user's, say
        descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
        left.callback(os.close, descriptor)
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        shutil.rmtree(folder, ignore_errors=True)
