"""A power cut at any moment of a run: what is named afterwards is there, with its content.

Operations on names and syncs are recorded while a run works, and disks that a cut after each of
them may leave are derived. Of a file's data only what was synced is there; of a folder's names what
was synced, and of the changes since any beginning (each folder for itself). That is less than file
systems promise.
"""

import contextlib
import functools
import json
import os
import random
import shutil
import stat
import threading

import google_crc32c
import pytest

from tests import build_helpers as helpers
from transforms.core.output.commit_records import decode_record

pytestmark = pytest.mark.soak

DISKS_AT_RANDOM = 4
"""Disks derived for each cut, beside those with none and with all of the pending changes."""


class Recorder:
    """Changes of folders by inode, and contents of files when they were synced.

    Attributes:
      log: Of each operation its kind and arguments, in order.
    """

    def __init__(self, root):
        self.log = [("folder", os.stat(root).st_ino)]
        self.root = os.stat(root).st_ino
        self._lock = threading.Lock()

    def _folder(self, path, folder=None):
        """Inode of the folder that a path is in."""
        if folder is not None:
            return os.fstat(folder).st_ino
        return os.stat(os.path.dirname(os.path.abspath(path))).st_ino

    def set(self, path, folder=None):
        """A name leads to what is there now."""
        inode = os.stat(path, dir_fd=folder, follow_symlinks=False).st_ino
        self.log.append(("set", self._folder(path, folder), os.path.basename(path), inode))

    def unset(self, path, folder=None):
        self.log.append(("set", self._folder(path, folder), os.path.basename(path), None))

    def mkdir(self, real, path, *arguments, dir_fd=None, **more):
        real(path, *arguments, dir_fd=dir_fd, **more)
        inode = os.stat(path, dir_fd=dir_fd).st_ino
        self.log.append(("folder", inode))
        self.set(path, dir_fd)

    def link(self, real, source, target, **more):
        real(source, target, **more)
        self.set(target)

    def move(self, real, source, target, **more):
        real(source, target, **more)
        self.set(target)
        self.unset(source)

    def remove(self, real, path, *, dir_fd=None):
        real(path, dir_fd=dir_fd)
        self.unset(path, dir_fd)

    def fsync(self, real, descriptor):
        real(descriptor)
        status = os.fstat(descriptor)
        if stat.S_ISDIR(status.st_mode):
            self.log.append(("sync", status.st_ino))
        else:
            with open(f"/proc/self/fd/{descriptor}", "rb") as file:
                self.log.append(("data", status.st_ino, file.read()))

    @contextlib.contextmanager
    def recording(self, monkeypatch, ignored=()):
        """Records all operations of this process on names; syncs that are ignored are not done."""
        wrappers = {
            "mkdir": self.mkdir,
            "link": self.link,
            "rename": self.move,
            "replace": self.move,
            "remove": self.remove,
            "unlink": self.remove,
            "rmdir": self.remove,
            "fsync": self.fsync,
        }
        with monkeypatch.context() as patch:
            for name, wrapper in wrappers.items():
                patch.setattr(os, name, self._locked(wrapper, getattr(os, name), ignored))
            yield

    def _locked(self, wrapper, real, ignored):
        @functools.wraps(real)
        def call(*arguments, **more):
            if real.__name__ == "fsync":
                is_folder = stat.S_ISDIR(os.fstat(arguments[0]).st_mode)
                if ("folders" if is_folder else "files") in ignored:
                    return
            with self._lock:
                wrapper(real, *arguments, **more)

        return call


class Disk:
    """What is known to be on a disk when power is cut, and what may be."""

    def __init__(self, root):
        self.root, self.folders, self.pending, self.data = root, {root: {}}, {root: []}, {}

    def apply(self, kind, inode, *rest):
        if kind == "folder":
            self.folders[inode], self.pending[inode] = {}, []
        elif kind == "data":
            (self.data[inode],) = rest
        elif inode not in self.folders:
            return  # beside the output
        elif kind == "set":
            self.pending[inode].append(rest)
        else:
            self.folders[inode] = self.names(inode, len(self.pending[inode]))
            self.pending[inode] = []

    def names(self, inode, changes):
        """The names in a folder when so many of its pending changes have reached the disk."""
        found = dict(self.folders[inode])
        for name, target in self.pending[inode][:changes]:
            found.pop(name, None) if target is None else found.update({name: target})
        return found

    def states(self, choice):
        """Functions that give a file's content (None: no such file) on disks that may be left."""
        yield functools.partial(self._read, {})
        counts = {inode: len(pending) for inode, pending in self.pending.items() if pending}
        yield functools.partial(self._read, counts)
        for _ in range(DISKS_AT_RANDOM):
            some = {inode: choice.randint(0, count) for inode, count in counts.items()}
            yield functools.partial(self._read, some)

    def listed(self, reached, path):
        inode = self._find(reached, path)
        return list(self.names(inode, reached.get(inode, 0))) if inode in self.folders else []

    def _find(self, reached, path):
        inode = self.root
        for part in path.split("/"):
            if inode not in self.folders:
                return None
            inode = self.names(inode, reached.get(inode, 0)).get(part)
        return inode

    def _read(self, reached, path, listing=False):
        if listing:
            return self.listed(reached, path)
        inode = self._find(reached, path)
        return None if inode is None else self.data.get(inode, b"")


def lies(read):
    """What is named on a disk without being there as it was written."""
    found = []
    if pointer := read("CURRENT"):
        folder = f"versions/{pointer.decode().strip()}"
        manifest = json.loads(read(f"{folder}/manifest.json") or "{}")
        for file in [*manifest.get("files", [None]), *manifest.get("pages", [None])]:
            data = file and read(f"{folder}/{file['path']}")
            if data is None or google_crc32c.value(data) != file["crc32c"]:
                found.append(f"{folder}: {file}")
    elif pointer is not None:
        found.append("CURRENT is empty")
    for key in read("units", listing=True):
        if (data := read(f"units/{key}/record")) is not None:
            try:
                files = decode_record(data).files
            except ValueError as error:
                found.append(f"{key}: {error}")
                continue
            found += [
                file.path
                for file in files
                if google_crc32c.value(read(file.path) or b"") != file.crc32c
            ]
    return found


def lies_after_cuts(log, root):
    """Lies on disks that a cut after any operation may leave, and pointers that are seen."""
    disk, choice, found, pointers = Disk(root), random.Random(7), [], []
    for operation in log:
        disk.apply(*operation)
        for read in disk.states(choice):
            found += lies(read)
            pointers.append(read("CURRENT"))
    return found, pointers


def run_twice(tmp_path, monkeypatch, ignored=()):
    """Publishes a version, and over it another one; returns lies, pointers, real pointers."""
    output, shard = tmp_path / "out", tmp_path / "a.jsonl"
    output.mkdir()
    recorder, real = Recorder(output), []
    with recorder.recording(monkeypatch, ignored):
        for lines in ((0, 1), (2,)):
            helpers.write_lines(shard, helpers.lines_of(helpers.REAL, *lines))
            helpers.touch_later(shard, 5 * len(lines))
            assert helpers.build(output, [shard], "--unit-bytes", 20_000) == 0
            real.append((output / "CURRENT").read_bytes())
    return (*lies_after_cuts(recorder.log, recorder.root), real)


def test_a_power_cut_leaves_nothing_that_is_named_but_not_there(tmp_path, monkeypatch):
    found, pointers, real = run_twice(tmp_path, monkeypatch)
    assert found == []
    assert pointers[0] is None and pointers[-6:] == [real[1]] * 6  # also with nothing more synced
    assert set(pointers) == {None, *real}


@pytest.mark.parametrize("ignored", ["files", "folders"])
def test_the_model_notices_what_is_not_synced(tmp_path, monkeypatch, ignored):
    found, pointers, real = run_twice(tmp_path, monkeypatch, (ignored,))
    assert found


def test_a_version_that_was_complete_before_a_cut_is_synced_before_it_is_current(
    tmp_path, monkeypatch
):
    """A run that was ended between the folder's rename and the pointer's."""
    output, shard = tmp_path / "out", tmp_path / "a.jsonl"
    helpers.write_lines(shard, helpers.lines_of(helpers.REAL, 0))
    recorder = Recorder(tmp_path)
    with recorder.recording(monkeypatch):
        assert helpers.build(output, [shard]) == 0
        (output / "CURRENT").unlink()
        shutil.rmtree(output / "runs")
        begin = len(recorder.log)
        assert helpers.build(output, [shard]) == 0
    versions, top = os.stat(output / "versions").st_ino, os.stat(output).st_ino
    again = recorder.log[begin:]
    pointer = next(i for i, (kind, *rest) in enumerate(again) if rest[1:2] == ["CURRENT"])
    for folder in (versions, top):
        assert ("sync", folder) in again[:pointer]
    assert ("sync", top) in again[pointer:]
