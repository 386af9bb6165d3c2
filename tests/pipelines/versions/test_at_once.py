"""Runs, `prune`, `rollback` and a reader on one output at the same time."""

import json
import subprocess
import sys
import threading

import google_crc32c
import pytest

from tests import build_helpers as helpers
from tests.pipelines.versions.helpers import build, versions
from transforms.core.base.errors import ChangedError

ROUNDS = 1


class Reader(threading.Thread):
    """Reads the current version again and again, and keeps what was not as its manifest says.

    One that stops being current while it is read is read no further: without a grace period it
    may be removed at once.
    """

    def __init__(self, output):
        super().__init__()
        self.output, self.stopped = output, threading.Event()
        self.wrong, self.read = [], 0

    def run(self):
        while not self.stopped.is_set():
            version = (self.output / "CURRENT").read_text().strip()
            try:
                self._check(self.output / "versions" / version)
                self.read += 1
            except (OSError, AssertionError) as error:
                if (self.output / "CURRENT").read_text().strip() == version:
                    self.wrong.append(repr(error))

    def _check(self, folder):
        manifest = json.loads((folder / "manifest.json").read_text())
        for file in [*manifest["files"], *manifest["pages"]]:
            data = (folder / file["path"]).read_bytes()
            assert google_crc32c.value(data) == file["crc32c"], file["path"]


def started(output, shards):
    command = helpers.arguments(output, shards, "--unit-bytes", 20_000)
    return subprocess.Popen([sys.executable, "-m", "pipelines.build", *command], cwd=helpers.ROOT,
                            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)  # fmt: skip


@pytest.mark.soak
def test_nobody_loses_what_is_needed(tmp_path):
    """Nothing has a grace period, so that only what is said of what is needed protects it."""
    output = tmp_path / "out"
    assert build(output, [helpers.REAL]) == 0
    reader, pruned = Reader(output), 0
    reader.start()
    try:
        for _ in range(ROUNDS):
            for shards in (helpers.GENERATED, [helpers.REAL, *helpers.GENERATED], [helpers.REAL]):
                run = started(output, shards)
                while run.poll() is None:
                    try:
                        assert versions(output, "prune", "--keep-last", 0, "--grace", 0) == 0
                        pruned += 1
                    except ChangedError:  # the version was published between two looks
                        continue
                said, error = run.communicate()
                assert run.returncode == 0, error
                helpers.assert_whole(helpers.version_of(output))
    finally:
        reader.stopped.set()
        reader.join()
    assert reader.wrong == [] and reader.read > 5 and pruned > 5
    assert versions(output, "prune", "--keep-last", 0, "--grace", 0) == 0
    assert len(list((output / "versions").iterdir())) == 1
    assert versions(output, "verify") == 0
