"""`prune` on a disk: what goes, what stays, what is free, beside runs, and killed at any moment."""

import contextlib
import json
import os
import random
import shutil
import time

import msgspec
import pytest

from tests import build_helpers as helpers
from tests.pipelines.versions.helpers import (
    UNIT_BYTES,
    as_json,
    build,
    copy_output,
    make_two,
    states,
    versions,
)
from transforms import storage
from transforms.core.base.errors import ChangedError, UsageError
from transforms.units import runs
from transforms.versions.pruning import prune as pruning
from transforms.versions.survey import read_survey

BOXES = helpers.ROOT / "samples" / "open_images" / "train" / "annotations-human-bbox.csv"
BOTH = [helpers.REAL, *helpers.GENERATED]
PRUNE = ["prune", "--keep-last", 1, "--grace", 0]


@pytest.fixture(scope="module")
def original(tmp_path_factory):
    """Three versions: of one shard, of all, and of all with boxes, which is current."""
    output = tmp_path_factory.mktemp("original") / "out"
    names = make_two(output)
    assert build(output, BOTH, "--boxes", BOXES) == 0
    return output, [*names, helpers.version_of(output).name]


def used(folder):
    """Bytes that files below a folder take, each content once."""
    found = {path.stat().st_ino: path.stat().st_size
             for path in folder.rglob("*") if path.is_file()}  # fmt: skip
    return sum(found.values())


def versions_in(output):
    return sorted(path.name for path in (output / "versions").iterdir())


def units_in(output):
    return {path.name for path in (output / "units").iterdir()}


def needed_units(output, *names):
    manifests = [json.loads((output / "versions" / name / "manifest.json").read_text())
                 for name in names]  # fmt: skip
    return {unit["key"] for manifest in manifests for unit in manifest["units"]}


def test_old_versions_go_with_what_only_they_need(output, names, capsys):
    keys, before = needed_units(output, names[2]), used(output)
    code, planned = as_json(capsys, output, *PRUNE, "--dry-run")
    assert code == 0 and planned["dry_run"] and used(output) == before
    assert sorted(planned["removed_versions"]) == sorted(names[:2])
    code, done = as_json(capsys, output, *PRUNE)
    assert {name: done[name] for name in done if name != "dry_run"} == {
        name: planned[name] for name in planned if name != "dry_run"
    }
    assert versions_in(output) == [names[2]] and units_in(output) == keys
    (record,) = [p for p in (output / "runs").iterdir() if b'"pruned"' in p.read_bytes()]
    assert done["freed_bytes"] == before - used(output) + record.stat().st_size
    assert done["freed_bytes"] > 1_000_000 and not (output / "PRUNING").exists()
    helpers.assert_whole(helpers.version_of(output))
    helpers.assert_nothing_abandoned(output)
    assert versions(output, "verify") == 0
    assert build(output, BOTH, "--boxes", BOXES) == 0
    assert "Nothing to do" in capsys.readouterr().out


def test_bytes_that_are_linked_elsewhere_are_not_called_free(output, names, capsys):
    """The first version's units are those of the second too."""
    before = used(output)
    code, done = as_json(capsys, output, "prune", "--keep-last", 2, "--grace", 0)
    assert code == 0 and done["removed_versions"] == [names[0]] and not done["removed_units"]
    assert done["shared_bytes"] > done["freed_bytes"] > 0
    assert before - used(output) <= done["freed_bytes"] < before - used(output) + 1000


@pytest.mark.parametrize("kept", ["tag", "pin", "days", "grace", "untagged"])
def test_what_is_kept_says_why(output, names, capsys, kept):
    options = {"days": ["--keep-days", 1], "grace": ["--grace", "1h"],
               "untagged": ["--no-keep-tagged"]}.get(kept, [])  # fmt: skip
    if kept in ("tag", "untagged"):
        assert versions(output, "tag", names[0], "paper") == 0
    if kept == "pin":
        assert versions(output, "rollback", names[0]) == 0
    code, done = as_json(capsys, output, *PRUNE, *options)
    stay = {"tag": "tagged", "pin": "pinned", "days": "days", "grace": "grace"}.get(kept)
    assert code == 0 and done["kept"].keys() >= {names[2]}
    assert (stay in done["kept"].get(names[0], [])) == (stay is not None)
    assert (names[1] in done["kept"]) == (kept in ("days", "grace"))
    for name in done["kept"]:
        helpers.assert_whole(output / "versions" / name)


def test_indexes_go_with_their_last_version(output, names, capsys):
    (index,) = (output / "indexes").iterdir()
    assert versions(output, *PRUNE) == 0 and index.exists()
    assert build(output, BOTH, "--plurals") == 0
    capsys.readouterr()
    code, done = as_json(capsys, output, *PRUNE)
    assert code == 0 and done["removed_indexes"] == [index.name] and not index.exists()


def test_a_held_version_is_pruned_like_any_other(output, names, capsys):
    assert versions(output, "rollback", names[2]) == 0
    assert build(output, [helpers.REAL], "--plurals") == 3
    ((held, _),) = [pair for pair in states(capsys, output) if pair[1] == "held"]
    assert versions(output, "prune", "--keep-last", 0, "--grace", 0) == 0
    assert held not in versions_in(output) and versions_in(output) == [names[2]]


@contextlib.contextmanager
def running(output, **more):
    """A run that is at work in this process, say."""
    begun = runs.new_run("build", run="f" * 16, **more)
    runs.write_begin(str(output), begun)
    yield begun
    (output / "runs" / f"{begun.run}.begin.json").unlink(missing_ok=True)


def test_what_a_run_at_work_needs_stays(output, names, capsys):
    keys = needed_units(output, names[0])
    with running(output, version=names[1], base=names[2], reused=sorted(keys)[:2]):
        code, done = as_json(capsys, output, *PRUNE)
    assert done["kept"].keys() == {*names[1:]} and done["running"] == 1
    assert keys <= units_in(output)
    with running(output, version="0" * 16, base=names[2], reused=sorted(keys)[:2]):
        as_json(capsys, output, *PRUNE)
    assert versions_in(output) == [names[2]] and sorted(keys)[:2] == sorted(keys & units_in(output))
    with running(output, version=None):
        assert as_json(capsys, output, *PRUNE)[1]["kept"][names[2]]


def test_units_that_a_long_run_has_done_stay(output, names, capsys):
    """They are in no version yet, and older than any grace."""
    for path in (output / "versions").glob(f"{names[1]}/manifest.json"):
        path.unlink()
    with (
        running(output, version="0" * 16, begun_is="long ago")
        if False
        else running(output, version="0" * 16) as begun
    ):
        long_ago = msgspec.structs.replace(begun, begun="2020-01-01T00:00:00+00:00")
        runs.write_begin(str(output), long_ago)
        _, done = as_json(capsys, output, *PRUNE)
    assert done["removed_units"] == []


def test_a_run_that_was_killed_holds_nothing(output, names, capsys):
    with running(output, version=None) as begun:
        dead = msgspec.structs.replace(begun, process=begun.process.replace(":", ":1", 1))
        runs.write_begin(str(output), dead)
        _, done = as_json(capsys, output, *PRUNE)
    assert done["running"] == 0 and versions_in(output) == [names[2]]
    assert not list((output / "runs").glob("*.begin.json"))


def test_a_run_elsewhere_holds_what_it_needs_as_long_as_something_is_heard(output, names, capsys):
    with running(output, version=None) as begun:
        elsewhere = msgspec.structs.replace(begun, process="", begun="2020-01-01T00:00:00+00:00")
        runs.write_begin(str(output), elsewhere)
        _, done = as_json(capsys, output, "prune", "--keep-last", 1, "--grace", "1h")
        assert done["running"] == 1  # units were written within the hour
        _, done = as_json(capsys, output, *PRUNE)
        assert done["running"] == 0


def test_what_begins_to_be_needed_meanwhile_stays(output, names, monkeypatch):
    """Between the first look and the second somebody tags one version, rolls back to another."""
    real = pruning.read_contents
    calls = []

    def look(*given):
        calls.append(given)
        found = real(*given)
        if len(calls) == 1:
            storage.write_bytes(str(output / "tags" / "paper"), names[1].encode())
            with running(output, version=names[0]) as begun:
                pass
            runs.write_begin(str(output), begun)
        return found

    monkeypatch.setattr(pruning, "read_contents", look)
    assert versions(output, *PRUNE) == 0
    assert len(calls) == 2 and versions_in(output) == sorted(names)


def test_a_run_waits_while_something_is_removed_that_it_needs(output, names, capsys, monkeypatch):
    keys = sorted(needed_units(output, names[0]))
    removed = runs.Pruning(until=time.time() + 600, versions=[], units=keys, indexes=[])
    path = output / "PRUNING"
    path.write_bytes(msgspec.json.encode(removed))

    def pause(seconds):
        for key in keys:
            shutil.rmtree(output / "units" / key, ignore_errors=True)
        path.unlink()

    monkeypatch.setattr(time, "sleep", pause)
    assert build(output, [helpers.REAL]) == 0
    text = capsys.readouterr().out
    assert "Waiting: `versions prune` is removing" in text
    assert f"{len(keys)} units pending" in text
    assert helpers.version_of(output).name == names[0]


def test_of_two_at_once_one_removes(output, names):
    removed = runs.Pruning(until=time.time() + 600, versions=[], units=[], indexes=[])
    storage.write_bytes(str(output / "PRUNING"), msgspec.json.encode(removed))
    with pytest.raises(ChangedError, match="somebody else is removing"):
        versions(output, *PRUNE)
    assert versions_in(output) == sorted(names)
    late = msgspec.structs.replace(removed, until=time.time() - 61)  # it was killed
    storage.write_bytes(str(output / "PRUNING"), msgspec.json.encode(late))
    assert versions(output, *PRUNE) == 0 and versions_in(output) == [names[2]]


def test_one_that_was_killed_on_this_machine_stops_nobody(output, names):
    """Who removes is named, as with the lease: the same command goes on at once."""
    dead = runs.new_run("prune")
    dead = msgspec.structs.replace(dead, process=dead.process.replace(":", ":1", 1))
    removed = runs.Pruning(until=time.time() + 600, versions=[], units=[], indexes=[], holder=dead)
    storage.write_bytes(str(output / "PRUNING"), msgspec.json.encode(removed))
    assert runs.read_pruning(str(output)) is None
    assert versions(output, *PRUNE) == 0 and versions_in(output) == [names[2]]


def test_a_version_of_a_newer_program_stops_it(output, names):
    path = output / "versions" / names[0] / "manifest.json"
    newer = json.loads(path.read_text()) | {"format": 99}
    from transforms.core.model import manifest as model

    newer["seal"] = model._seal_of(newer)
    path.write_text(json.dumps(newer))
    with pytest.raises(UsageError, match=r"upgrade it; nothing is removed before that"):
        versions(output, *PRUNE)
    assert versions_in(output) == sorted(names)


@pytest.mark.parametrize("path", ["CURRENT", "PINNED", "tags/paper"])
def test_nothing_goes_while_it_is_not_known_what_is_to_stay(output, names, capsys, path):
    """A bit of a name has changed: what was current, pinned or tagged is no longer known to be."""
    (output / "tags").mkdir()
    (output / path).write_text(f"{names[0][:-1]}\n")
    keep = ["prune", "--keep-last", 0, "--grace", 0]
    for more in ([], ["--dry-run"]):
        with pytest.raises(UsageError, match=f"{path}: names .* nothing is removed before"):
            versions(output, *keep, *more)
    code, found = as_json(capsys, output, "verify")
    assert code == 3 and not found["intact"] and list(found["pointers"]) == [path]
    assert versions(output, "verify") == 3
    assert f"{path} names '{names[0][:-1]}', and there is no such" in capsys.readouterr().out
    assert versions_in(output) == sorted(names)
    if path.startswith("tags/"):
        assert versions(output, *keep, "--no-keep-tagged") == 0


def test_files_of_others_stay(output, names):
    own = [
        output / "notes.txt",
        output / "versions" / "README",
        output / "versions" / "mine" / "a.parquet",
        output / "units" / "mine" / "a",
        output / "indexes" / "mine" / "a",
    ]
    for path in own:
        path.parent.mkdir(exist_ok=True)
        path.write_text("mine")
    link = output / "units" / "elsewhere"
    link.symlink_to(output / "versions" / "mine")
    assert versions(output, *PRUNE) == 0
    assert all(path.read_text() == "mine" for path in own) and link.is_symlink()


def test_what_killed_processes_have_not_finished_goes(output, names, capsys):
    left = [f"CURRENT.{'a' * 32}.tmp", f"runs/x.json.{'b' * 32}.tmp", f"tags/t.{'c' * 32}.tmp",
            f"versions/{names[0]}.{'d' * 12}.tmp/narratives/a.parquet"]  # fmt: skip
    for name in left:
        (output / name).parent.mkdir(parents=True, exist_ok=True)
        (output / name).write_bytes(b"unfinished")
    with running(output, version="0" * 16):
        assert as_json(capsys, output, *PRUNE)[1]["removed_unfinished"] == []
    assert versions(output, "prune", "--keep-last", 1) == 0  # within the grace period
    assert all((output / name).exists() for name in left)
    assert len(as_json(capsys, output, *PRUNE)[1]["removed_unfinished"]) == 4
    assert not [path for path in output.rglob("*") if ".tmp" in path.name]


def test_no_policy_is_refused(output):
    with pytest.raises(UsageError, match="say which versions to keep: --keep-last NUMBER"):
        versions(output, "prune")
    for value, words in (("1x", "such as 86400, 90min, 24h or 7d"), ("-1", "greater than")):
        with pytest.raises(UsageError, match=words):
            versions(output, "prune", "--keep-last", 1, f"--grace={value}")


NAMES = ["link", "remove", "unlink", "replace", "rename", "rmdir", "mkdir", "fsync"]
"""What changes a disk; a process can be killed before each call."""


def killed_at(number, command):
    """Calls a command in a process that is killed before its n-th change; gives its exit code."""
    pid = os.fork()
    if not pid:
        count = [0]

        def counted(real):
            def call(*given, **more):
                count[0] += 1
                if count[0] == number:
                    os._exit(99)
                return real(*given, **more)

            return call

        for name in NAMES:
            setattr(os, name, counted(getattr(os, name)))
        with contextlib.suppress(BaseException):
            os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
            os._exit(command() or 0)
        os._exit(98)
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])


@pytest.mark.soak
@pytest.mark.parametrize("command", ["prune", "rollback", "release", "tag", "unpin", "repair"])
def test_a_kill_at_any_moment_leaves_a_version_that_can_be_read(
    tmp_path, original, names, capsys, command
):
    """And the same command ends what was begun."""
    arguments = {"prune": PRUNE, "repair": ["verify", "--repair"], "unpin": ["unpin"],
                 "tag": ["tag", names[0], "paper"]}.get(command, [command, names[0]])  # fmt: skip
    step = {"prune": 29, "rollback": 7, "release": 7, "repair": 5}.get(command, 1)
    number, code = random.randint(1 - step, 0), 99
    while code == 99:
        number += step
        output = copy_output(original[0], tmp_path / str(number))
        if command == "repair":
            next((output / "versions" / names[2] / "mentions").iterdir()).unlink()
            helpers.flip_bit(output / "versions" / names[1] / "report.html", 9)
        if command == "unpin":
            (output / "PINNED").write_text(f"{names[1]}\n")
        code = killed_at(number, lambda output=output: versions(output, *arguments))
        assert code in (0, 99)
        survey = read_survey(str(output))
        assert survey.current in (names[2], names[0])
        if command != "repair":
            helpers.assert_whole(helpers.version_of(output))
        for version in survey.versions if command != "repair" else ():
            if version.manifest:
                helpers.assert_whole(output / "versions" / version.name)
        # Nothing that the killed process held stays held.
        if not (command == "unpin" and not (output / "PINNED").exists()):
            assert versions(output, *arguments) == 0
        capsys.readouterr()
        helpers.assert_whole(helpers.version_of(output))
        if command == "prune":
            assert versions_in(output) == [names[2]]
            assert units_in(output) == needed_units(output, names[2])
        if command in ("rollback", "release"):
            assert helpers.version_of(output).name == names[0]
            assert (output / "PINNED").exists() == (command == "rollback")
        assert as_json(capsys, output, "verify")[0] == 0
        shutil.rmtree(output)
    assert number > {"prune": 60, "rollback": 10, "repair": 5}.get(command, 3)


def test_a_killed_run_that_is_pruned_is_done_again(tmp_path, original, names):
    output = copy_output(original[0], tmp_path / "out")
    more = ["--unit-bytes", UNIT_BYTES]
    assert killed_at(60, lambda: helpers.build(output, [helpers.ODD_AND_BAD, helpers.REAL],
                                               *more)) == 99  # fmt: skip
    assert versions(output, *PRUNE) == 0
    assert units_in(output) == needed_units(output, names[2])
    helpers.assert_nothing_abandoned(output)
    assert helpers.build(output, [helpers.ODD_AND_BAD, helpers.REAL], *more) == 0
    helpers.assert_whole(helpers.version_of(output))
