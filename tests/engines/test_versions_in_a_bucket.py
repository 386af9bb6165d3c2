"""The commands about versions on a bucket: the same as on a disk, beside runs and after faults."""

import json

import pytest

from pipelines.versions.commands import main
from tests import build_helpers as helpers
from tests.engines.servers.faults import Fault
from transforms import storage
from transforms.core.base.errors import EngineError, UsageError
from transforms.storage import google_cloud
from transforms.units.publishing.pin import current_version, pin_path, read_pin
from transforms.units.runs import new_run, write_begin

pytestmark = pytest.mark.engines

BOTH = [helpers.REAL, *helpers.GENERATED]
PRUNE = ["prune", "--keep-last", "1", "--grace", "0"]


def build(output, shards, *more):
    return helpers.build(output, shards, "--unit-bytes", 150_000, *more)


def versions(output, *arguments):
    return main([*map(str, arguments), "--output", output])


def as_json(capsys, output, *arguments):
    capsys.readouterr()
    code = versions(output, *arguments, "--format", "json")
    return code, json.loads(capsys.readouterr().out)


@pytest.fixture
def output(bucket):
    """Two versions in a bucket."""
    output = f"{bucket.url}/out"
    assert build(output, [helpers.REAL]) == 0 and build(output, BOTH) == 0
    return output


@pytest.fixture
def names(output):
    """The older version and the current one."""
    new = current_version(output)
    (old,) = set(storage.list_dir(f"{output}/versions")) - {new}
    return old, new


def test_versions_are_listed_verified_and_repaired(bucket, output, names, capsys):
    old, new = names
    code, found = as_json(capsys, output, "list")
    assert [(v["version"], v["state"]) for v in found["versions"]] == [
        (new, "current"), (old, "previous")
    ]  # fmt: skip
    assert versions(output, "verify") == 0
    for name in (f"out/versions/{old}/report.html",
                 *bucket.names(f"out/versions/{new}/narratives/")[:2]):  # fmt: skip
        data = bytearray(bucket.get(name))
        data[len(data) // 2] ^= 4
        bucket.put(name, bytes(data))
    code, found = as_json(capsys, output, "verify")
    what = [problem["what"] for version in found["versions"] for problem in version["problems"]]
    assert code == 3 and what == ["other checksum"] * 3
    assert versions(output, "verify", "--repair") == 0
    assert as_json(capsys, output, "verify")[1]["intact"]


def test_a_rollback_holds_against_runs(output, names, capsys):
    old, new = names
    assert versions(output, "rollback", "previous") == 0
    assert (current_version(output), read_pin(output)) == (old, old)
    assert build(output, BOTH) == 3
    assert f"the output is pinned to version {old}" in capsys.readouterr().err
    assert current_version(output) == old
    assert versions(output, "unpin") == 0 and versions(output, "release", new) == 0
    assert current_version(output) == new


def test_a_pin_that_comes_after_the_look_at_the_pointer_wins(bucket, output, names):
    """A run is about to write the pointer when somebody pins what is current."""
    old, new = names
    pointer = f"{output}/CURRENT"
    real = google_cloud.exists

    def pinned_meanwhile(path):
        found = real(path)
        if path == pin_path(output) and not found:
            assert versions(output, "rollback", new) == 0
        return found

    google_cloud.exists = pinned_meanwhile
    try:
        swapped = storage.swap_pointer(pointer, f"{new}\n".encode(), f"{old}\n".encode(),
                                       unless=pin_path(output))  # fmt: skip
    finally:
        google_cloud.exists = real
    assert not swapped and current_version(output) == new == read_pin(output)


def test_pruning_frees_what_it_says(bucket, output, names, capsys):
    old, new = names
    assert versions(output, "tag", old, "paper") == 0
    assert not as_json(capsys, output, *PRUNE)[1]["removed_versions"]
    assert versions(output, "untag", "paper") == 0
    write_begin(output, new_run("build", run="f" * 16, version=old))
    assert old in as_json(capsys, output, *PRUNE, "--dry-run")[1]["kept"]
    storage.remove_file(f"{output}/runs/{'f' * 16}.begin.json")
    before = sum(file.size for file in storage.walk(output))
    code, done = as_json(capsys, output, *PRUNE)
    after = sum(file.size for file in storage.walk(output))
    assert code == 0 and done["removed_versions"] == [old] and done["shared_bytes"] == 0
    assert 0 <= done["freed_bytes"] - (before - after) < 1000  # the record of this
    assert storage.list_dir(f"{output}/versions") == [new]
    assert not storage.exists(f"{output}/PRUNING")
    assert versions(output, "verify") == 0
    assert build(output, BOTH) == 0


@pytest.mark.parametrize("at", [0, 1, 5, 10])
def test_pruning_that_fails_anywhere_leaves_what_is_current(bucket, output, names, capsys, at):
    fault = Fault(kind="delete", status=403, skip=at, times=None)
    with bucket.faults.injected(fault):
        with pytest.raises((UsageError, EngineError)):
            versions(output, *PRUNE)
    assert versions(output, "verify", "current") == 0
    storage.remove_file(f"{output}/PRUNING")
    assert versions(output, *PRUNE) == 0
    assert storage.list_dir(f"{output}/versions") == [names[1]]
    assert versions(output, "verify") == 0


def test_lost_answers_change_nothing(bucket, output, names, capsys):
    faults = [Fault(kind=kind, name=name, carried_out=True, status=503)
              for kind, name in (("upload", "/CURRENT$"), ("upload", "/PINNED$"),
                                 ("delete", "manifest.json$"))]  # fmt: skip
    with bucket.faults.injected(*faults):
        assert versions(output, "rollback", names[0]) == 0
        assert versions(output, "prune", "--keep-last", 0, "--grace", 0) == 0
    assert current_version(output) == names[0]
    assert versions(output, "verify", "current") == 0


def test_this_machines_copies_that_nobody_uses_go(bucket, output, tmp_path):
    bucket.put("index/a", b"a" * 1000)
    path = f"{bucket.url}/index"
    copy = storage.local_folder(path)
    assert storage.remove_stale_copies(path, 0.0) == 0 and storage.local_folder(path) == copy
    assert storage.remove_stale_copies(path, 1e12) == 1000
    assert storage.local_folder(path) == copy  # fetched again
