"""`history`: every run leaves a record, however it ends."""

import json
import os
import signal
import subprocess
import sys
import time

import pytest

from tests import build_helpers as helpers
from tests.pipelines.versions.helpers import as_json, build, build_guarded, versions
from transforms.core.base.errors import UsageError

BOTH = [helpers.REAL, *helpers.GENERATED]


def test_a_time_that_is_none_is_no_hindrance(tmp_path, capsys):
    """A bit of a record has changed."""
    output = tmp_path / "out"
    assert build(output, [helpers.REAL]) == 0
    (record,) = (output / "runs").iterdir()
    kept = json.loads(record.read_bytes())
    for moment in ("2026)11-28T04:07:18.896+00:00", "2026-11-28T04:07:18", ""):
        record.write_text(json.dumps({**kept, "ended": moment}))
        code, found = as_json(capsys, output, "history")
        assert code == 0 and [run["seconds"] for run in found["runs"]] == [None]
        assert versions(output, "history") == 0
        assert build(output, [helpers.REAL], "--dry-run", "--plurals") == 0
        assert build(output, [helpers.REAL], "--metrics", tmp_path / "metrics.prom") == 0
        for other in set((output / "runs").iterdir()) - {record}:
            other.unlink()


@pytest.mark.long
def test_every_end_is_told(tmp_path, capsys):
    output = tmp_path / "out"
    assert build_guarded(output, BOTH) == 0
    assert build_guarded(output, BOTH) == 0
    assert build_guarded(output, [helpers.REAL]) == 3
    with pytest.raises(UsageError):
        build(output, [tmp_path / "nothing.jsonl"])
    assert build(output, [helpers.ODD_AND_BAD], "--max-bad-share", 0) == 3
    assert versions(output, "rollback", "current") == 0
    assert build(output, [helpers.REAL]) == 3
    assert versions(output, "unpin") == 0
    assert versions(output, "prune", "--keep-last", 9) == 0
    code, found = as_json(capsys, output, "history")
    runs = found["runs"]
    assert code == 0 and [(run["command"], run["status"]) for run in runs] == [
        ("build", "published"),
        ("build", "unchanged"),
        ("build", "held_back"),
        ("build", "wrong_use"),
        ("build", "too_many_bad_lines"),
        ("rollback", "rolled_back"),
        ("build", "pinned"),
        ("unpin", "unpinned"),
        ("prune", "pruned"),
    ]
    first, unchanged, held, wrong, bad, *_ = runs
    assert first["pending"] > 10 and first["reused"] == 0
    assert first["bytes"] == sum(path.stat().st_size for path in BOTH)
    assert held["pending"] == 0 and held["reused"] > 0 and unchanged["version"] == first["version"]
    assert "nothing.jsonl" in wrong["message"] and "--max-bad-share" in bad["message"]
    assert list(found["held"]) == [held["version"]]
    assert "fell by 60" in found["held"][held["version"]]
    for run in runs:
        assert run["begun"] <= run["ended"] and run["seconds"] >= 0 and run["host"]
        assert run["engine"] == ("local" if run["command"] == "build" else "")
    assert [run["begun"] for run in runs] == sorted(run["begun"] for run in runs)
    assert versions(output, "history", "--limit", 4) == 0
    text = capsys.readouterr().out
    assert "5 earlier runs are left out (--limit)" in text and "unchanged" not in text
    assert f"held back: {held['version']}: " in text and "pinned: the output is pinned" in text
    assert not list((output / "runs").glob("*.begin.json"))


def test_records_hold_no_secrets(tmp_path):
    output, secret = tmp_path / "out", "s3cret"
    assert build(output, [helpers.REAL], f"--temp_location=https://user:{secret}@host/x") == 0
    (record,) = (output / "runs").iterdir()
    assert secret not in record.read_text()


def test_a_run_at_work_is_told_and_one_that_was_killed(tmp_path, capsys):
    output = tmp_path / "out"
    assert build(output, [helpers.REAL]) == 0
    shards = [*BOTH, helpers.ODD_AND_BAD]
    command = [*helpers.arguments(output, shards, "--unit-bytes", 5000), "--tagger", "en_ud_pos"]
    run = subprocess.Popen([sys.executable, "-m", "pipelines.build", *command], cwd=helpers.ROOT,
                           stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)  # fmt: skip
    try:
        until = time.monotonic() + 60
        while not list((output / "runs").glob("*.begin.json")) and time.monotonic() < until:
            time.sleep(0.02)
        os.kill(run.pid, signal.SIGSTOP)
        _, found = as_json(capsys, output, "history")
        assert [row["status"] for row in found["runs"]] == ["published", "running"]
        assert found["runs"][1]["pending"] > 50
    finally:
        run.kill()
        run.wait()
    _, found = as_json(capsys, output, "history")
    assert [row["status"] for row in found["runs"]] == ["published", "interrupted"]
    assert versions(output, "history") == 0
    assert "interrupted: its process ended without a word" in capsys.readouterr().out


def test_records_of_older_programs_are_read(tmp_path, capsys):
    output = tmp_path / "out"
    assert build(output, [helpers.REAL]) == 0
    (record,) = (output / "runs").iterdir()
    made = json.loads(record.read_text())
    old = {name: made[name] for name in ("status", "version", "message", "found")}
    record.write_text(json.dumps(old))
    (output / "runs" / "broken.json").write_text("{")
    _, found = as_json(capsys, output, "history")
    (run,) = found["runs"]
    assert (run["status"], run["version"], run["run"]) == (
        "published", made["version"], record.stem
    )  # fmt: skip
    assert versions(output, "history") == 0 and versions(output, "list") == 0
