"""Runs, `prune`, `rollback` and a reader on one output at the same time."""

import subprocess
import sys

import pytest

from tests import build_helpers as helpers
from tests.pipelines.versions.helpers import build, versions
from tests.soak.reader import reading
from transforms.core.base.errors import ChangedError

ROUNDS = 1


def started(output, shards):
    command = helpers.arguments(output, shards, "--unit-bytes", 20_000)
    return subprocess.Popen([sys.executable, "-m", "pipelines.build", *command], cwd=helpers.ROOT,
                            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)  # fmt: skip


@pytest.mark.soak
def test_nobody_loses_what_is_needed(tmp_path):
    """Nothing has a grace period, so that only what is said of what is needed protects it."""
    output = tmp_path / "out"
    assert build(output, [helpers.REAL]) == 0
    pruned = 0
    with reading(output) as reader:
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
    assert reader.read > 5 and pruned > 5
    assert versions(output, "prune", "--keep-last", 0, "--grace", 0) == 0
    assert len(list((output / "versions").iterdir())) == 1
    assert versions(output, "verify") == 0
