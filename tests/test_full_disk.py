"""The main job on a disk that is full, for what it writes and for what it keeps meanwhile."""

import contextlib
import os
import re
import subprocess

import pytest

from tests import build_helpers as helpers
from tests.engines import jobs

SHARDS = [helpers.GENERATED[0], helpers.REAL]


@contextlib.contextmanager
def small_disk(folder, size):
    """A folder with room for some bytes; needs the right to mount."""
    folder.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", f"size={size}", "none", str(folder)]
    if os.getuid() or subprocess.run(command, capture_output=True).returncode:
        pytest.skip("needs the right to mount")
    try:
        yield folder
    finally:
        subprocess.run(["umount", "-l", str(folder)], check=True)


def said(ended):
    """Sentences on standard error that say why a run failed, or that it crashed."""
    return [line for line in ended.err.splitlines() if re.match("error|Traceback", line)]


def test_a_full_disk_ends_the_run_with_its_path_and_room(tmp_path):
    with small_disk(tmp_path / "disk", "100k") as disk:
        ended = jobs.run(*helpers.arguments(disk / "output", SHARDS, "--unit-bytes", 50_000))
        assert ended.code == 4, ended.err
        (sentence,) = said(ended)
        told = rf"error: '{disk}/output/.*': No space left on device, [\d,]+ bytes are free there"
        assert re.match(told, sentence), ended.err
        assert not (disk / "output" / "CURRENT").exists()


def test_a_full_folder_for_temporary_files_ends_in_order(tmp_path):
    with small_disk(tmp_path / "disk", "4k") as disk:
        with contextlib.suppress(OSError):
            (disk / "filling").write_bytes(bytes(100_000))
        ended = jobs.run(
            *helpers.arguments(tmp_path / "output", SHARDS), environment={"TMPDIR": str(disk)}
        )
        assert ended.code in (0, 4), ended.err
        assert len(said(ended)) <= 1, ended.err
