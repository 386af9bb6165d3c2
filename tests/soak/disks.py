"""Disks of any size in memory, for tests of what happens when one is full."""

import contextlib
import os
import pathlib
import subprocess
import threading
from collections.abc import Iterator

MUCH = 256 << 20
"""Bytes that are enough for whatever the tests write."""


class CannotMount(RuntimeError):
    """This user may not mount anything."""


@contextlib.contextmanager
def small_disk(folder: pathlib.Path, size: int | str, *more: str) -> Iterator[pathlib.Path]:
    """A folder with room for some bytes.

    Raises:
      CannotMount: That needs the right to mount.
    """
    folder.mkdir(parents=True)
    options = ",".join([f"size={size}", *more])
    command = ["mount", "-t", "tmpfs", "-o", options, "none", str(folder)]
    if os.getuid() or subprocess.run(command, capture_output=True).returncode:
        raise CannotMount("needs the right to mount")
    try:
        yield folder
    finally:
        subprocess.run(["umount", "-l", str(folder)], check=True)


def resize(folder: pathlib.Path, size: int) -> None:
    """Gives a small disk another size, not below what is used of it."""
    command = ["mount", "-o", f"remount,size={size}", str(folder)]
    subprocess.run(command, check=True, capture_output=True)


def used(folder: pathlib.Path) -> int:
    """Bytes that are used of a disk."""
    found = os.statvfs(folder)
    return (found.f_blocks - found.f_bfree) * found.f_frsize


@contextlib.contextmanager
def filled(folder: pathlib.Path) -> Iterator[None]:
    """No room at all on a disk during the block."""
    filling = folder / "filling"
    with contextlib.suppress(OSError), filling.open("wb", buffering=0) as file:
        while file.write(bytes(os.sysconf("SC_PAGE_SIZE"))):
            pass
    yield
    filling.unlink()


@contextlib.contextmanager
def watched(folder: pathlib.Path) -> Iterator[list[int]]:
    """The most that is used of a disk during the block, when it has ended."""
    most, ends = [used(folder)], threading.Event()

    def watch() -> None:
        while not ends.wait(0.002):
            most[0] = max(most[0], used(folder))

    thread = threading.Thread(target=watch)
    thread.start()
    try:
        yield most
    finally:
        ends.set()
        thread.join()
        most[0] = max(most[0], used(folder))
