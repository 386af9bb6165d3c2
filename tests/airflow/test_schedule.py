"""The DAG in a real Airflow, with the real program."""

import contextlib
import json
import pathlib
import re
import subprocess

import pytest

from pipelines.runs.failure import EXIT_CODES, RETRYABLE
from tests import build_helpers as helpers
from tests.airflow.server import ENDED, PROGRAM, VENV, wait_for
from transforms.units import lease
from transforms.units.runs import new_run

pytestmark = pytest.mark.airflow

DONE = ["success"] * 4
SKIPPED = ["success", "skipped", "skipped", "skipped"]
FAILED = ["success", "failed", "upstream_failed", "upstream_failed"]


@contextlib.contextmanager
def busy(output):
    """A run of this process is at work on an output."""
    begun = new_run("build", run="0123456789abcdef")
    assert isinstance(lease.take_lease(str(output), begun), lease.Lease)
    yield
    lease.let_go(str(output), begun.run)


def attempts(run, task):
    return run.instance(task)["try_number"]


def test_dags_test_builds_the_embedded_sample(idle_airflow, tmp_path):
    subprocess.run([*PROGRAM, "sample", tmp_path / "try"], check=True)
    conf = {"config": "configs/local.yaml", "output": "out", "folder": str(tmp_path / "try")}
    said = idle_airflow.command("dags", "test", "narratives", "2026-01-02", "-c", json.dumps(conf))
    version = helpers.version_of(tmp_path / "try" / "out")
    helpers.assert_whole(version)
    assert f"version {version.name} is current: 95 narratives, 0 discarded, 7 rejected" in said
    assert re.search("all files are as recorded: [0-9]+ of 1 version", said)
    assert re.search("run manual__.* of narratives: success", said)


def test_the_dag_has_no_import_errors_and_its_settings(airflow):
    assert "No data found" in airflow.command("dags", "list-import-errors")
    dag = airflow.ask("/api/v2/dags/narratives/details")
    assert dag["max_active_runs"] == 1 and not dag["catchup"]
    assert dag["timetable_summary"] == "Asset or 30 2 * * *"
    assert dag["params"].keys() >= {"config", "output", "arguments", "keep_last", "keep_days"}
    assert all(param["description"] for param in dag["params"].values())


def test_the_nightly_run_publishes_and_then_finds_nothing_to_do(airflow):
    output = airflow.home / "nightly" / "out"
    (first,) = airflow.runs("scheduled")
    assert first.wait().states == DONE
    version = helpers.version_of(output)
    helpers.assert_whole(version)
    assert first.summary("build")["version"] == version.name
    again = airflow.run()
    assert again.state == "success" and again.states == SKIPPED
    assert again.summary("build")["status"] == "unchanged"
    assert list((output / "versions").iterdir()) == [version]


def test_an_event_of_the_input_starts_a_run_and_a_version_makes_one(airflow):
    (input_, made) = (
        airflow.ask(f"/api/v2/assets?name_pattern={name}")["assets"][0]["id"]
        for name in ("narratives_input", "narratives_version")
    )
    airflow.ask("/api/v2/assets/events", {"asset_id": input_, "extra": {}})
    (run,) = wait_for(lambda: airflow.runs("asset_triggered"))
    assert run.wait().states in (DONE, SKIPPED)
    events = airflow.ask(f"/api/v2/assets/events?asset_id={made}")["asset_events"]
    version = helpers.version_of(airflow.home / "nightly" / "out").name
    assert version in {event["extra"]["version"] for event in events}


def test_a_backfill_does_no_harm(airflow, case):
    case.publish()
    before = helpers.files_below(case.output / "versions")
    with airflow.paused():  # SQLite refuses to write for two at a time
        airflow.command(
            "backfill", "create", "--dag-id", "narratives", "--from-date", "2026-01-02",
            "--to-date", "2026-01-04", "--dag-run-conf", json.dumps(case.params),
        )  # fmt: skip
    runs = wait_for(lambda: airflow.runs("backfill"))
    assert [run.name[:20] for run in runs] == ["backfill__2026-01-02", "backfill__2026-01-03"]
    assert [run.wait().states for run in runs] == [SKIPPED, SKIPPED]
    assert helpers.files_below(case.output / "versions") == before


def test_a_version_that_is_held_back_fails_without_retry_and_is_told(airflow, case):
    case.publish()
    current = case.current
    case.cut(10)
    run = airflow.run(**case.params)
    assert (run.state, run.states) == ("failed", FAILED)
    assert attempts(run, "build") == 1
    summary = run.summary("build")
    assert (summary["status"], summary["exit_code"], summary["retryable"]) == (
        "held_back",
        3,
        False,
    )
    assert case.current == current and len(case.versions) == 2
    told = wait_for(lambda: airflow.told(run))
    assert "task_failure\n  build: held_back (exit code 3): " in told
    assert "--max-shrink-share" in told and told.endswith("prune: did not run")


def test_a_retryable_end_is_retried(airflow, case):
    with busy(case.output):
        run = airflow.start(**case.params, if_running="fail")
        wait_for(lambda: "busy (exit code 4): run 0123456789abcdef" in run.log("build"))
    assert run.wait().states == DONE
    assert attempts(run, "build") > 1 and run.summary("build")["status"] == "published"
    told = wait_for(lambda: airflow.told(run))
    assert f": success\n  build: version {case.current} is current: 22 narratives" in told


def test_a_run_beside_another_one_is_skipped(airflow, case):
    with busy(case.output):
        run = airflow.run(**case.params)
    assert run.states == SKIPPED
    assert run.summary("build")["status"] == "skipped"
    assert "is at work" in run.summary("build")["sentence"]


def test_the_build_waits_for_input(airflow, case):
    later = case.shard.with_name("later.jsonl")
    run = airflow.start(**case.params, folder=str(later.parent), wait_for=["later.*"])
    wait_for(lambda: run.instance("wait_for_input")["state"] == "up_for_reschedule")
    later.touch()
    assert run.wait().states == DONE
    assert "later.* has no file yet" in run.log("wait_for_input")


def test_wrong_use_fails_without_retry(airflow, case):
    run = airflow.run(**case.params, arguments=["--no-such-flag"])
    assert run.states == FAILED and attempts(run, "build") == 1
    assert "unknown flag `--no-such-flag`" in run.summary("build")["sentence"]
    assert not case.output.exists()


def test_a_file_that_differs_fails_the_run_before_anything_is_pruned(airflow, case):
    case.publish()
    path = next((case.output / "versions").glob("*/narratives/*.parquet"))
    helpers.flip_bit(path, 1000)
    case.cut(21)
    more = {"verify": "all", "keep_last": 0, "grace": "0s", "arguments": ["--no-guard"]}
    run = airflow.run(**case.params, **more)
    assert run.states == ["success", "success", "failed", "upstream_failed"]
    assert attempts(run, "verify") == 1
    assert f"narratives/{path.name}" in run.summary("verify")["sentence"]
    assert len(case.versions) == 2


def test_old_versions_go(airflow, case):
    case.publish()
    case.cut(21)
    more = {"keep_last": 1, "grace": "0s", "arguments": ["--no-guard"]}
    run = airflow.run(**case.params, **more)
    assert run.states == DONE and case.versions == {case.current}
    assert run.summary("prune")["sentence"].startswith("1 version(s) removed, ")


def test_a_run_that_is_marked_as_failed_ends_the_program(airflow, case):
    def working():
        lines = [path.read_bytes() for path in pathlib.Path("/proc").glob("[0-9]*/cmdline")]
        return [line for line in lines if str(case.output).encode() in line]

    with busy(case.output):
        run = airflow.start(**case.params, if_running="wait")
        wait_for(lambda: "Waiting: run 0123456789abcdef" in run.log("build"))
        assert working()
        airflow.ask(run.path, {"state": "failed"}, "PATCH")
        wait_for(lambda: not working())
    assert run.state in ENDED and not (case.output / "versions").exists()


PROBE = """
import json, sys, narratives
from airflow.sdk.exceptions import AirflowFailException, AirflowSkipException
kinds = {}
for status, code, retryable in json.load(sys.stdin):
    found = {} if retryable is None else {"status": status, "retryable": retryable}
    end = narratives.End(code, found, "why")
    try:
        narratives.conclude(end, narratives.summarize(end, "done"))
        kinds[status] = "done"
    except AirflowSkipException:
        kinds[status] = "skipped"
    except AirflowFailException:
        kinds[status] = "failed"
    except Exception:
        kinds[status] = "retried"
print(json.dumps(kinds))
"""


def test_every_end_of_a_run_is_treated_as_it_is_meant(airflow):
    ends = [(status, code, status in RETRYABLE) for status, code in EXIT_CODES.items()]
    silent = {"wrong use": 2, "no program": 127, "no memory": -9, "stopped": 143, "crash": 1}
    ends += [(status, code, None) for status, code in silent.items()]
    probe = subprocess.run(
        [VENV / "python", "-c", PROBE], cwd=airflow.home / "dags", env=airflow.environment,
        input=json.dumps(ends), capture_output=True, text=True, check=True,
    )  # fmt: skip
    kinds = json.loads(probe.stdout.splitlines()[-1])
    usual = {0: "done", 5: "skipped", 6: "skipped"}
    assert {status: kinds.pop(status) for status in EXIT_CODES} == {
        status: usual.get(code, "retried" if status in RETRYABLE else "failed")
        for status, code in EXIT_CODES.items()
    }
    assert kinds == {"wrong use": "failed", "no program": "failed", "no memory": "retried",
                     "stopped": "retried", "crash": "retried"}  # fmt: skip
