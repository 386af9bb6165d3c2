"""Metrics after a run, read by Prometheus' own parser."""

import json
import time

import prometheus_client.parser
import pytest

from tests import build_helpers as helpers
from transforms.core.base.errors import UsageError


def metrics_of(path):
    """Values by metric; by name and label where there are several."""
    found = {}
    for family in prometheus_client.parser.text_string_to_metric_families(path.read_text()):
        assert family.type == "gauge" and family.documentation
        for sample in family.samples:
            own = {key: sample.labels[key] for key in sample.labels if key not in ("job", "output")}
            assert sample.labels["job"] == "build"
            name = sample.name.removeprefix("localized_narratives_")
            assert name != sample.name
            found[name, *own.values()] = sample.value
    return found


@pytest.fixture
def shard(tmp_path):
    return helpers.write_lines(tmp_path / "a.jsonl", helpers.lines_of(helpers.REAL, 0, 3))


def test_a_run_its_version_and_its_end_are_measured(tmp_path, shard):
    output, path = tmp_path / 'o"ut', tmp_path / "m.prom"
    begin = time.time()
    assert helpers.build(output, [shard], "--metrics", path) == 0
    found, manifest = metrics_of(path), helpers.manifest_of(output)
    assert found["run_exit_code",] == 0 and found["run_units_pending",] == 1
    assert begin < found["run_end_timestamp_seconds",] < time.time()
    assert begin < found["run_success_timestamp_seconds",] < time.time()
    assert 0 < found["run_duration_seconds",] < time.time() - begin
    assert found["run_bytes",] == shard.stat().st_size
    assert found["version_lines",] == 2 and found["version_lines_rejected",] == 0
    assert found["version_info", manifest["version"]] == 1
    for table in ("narratives", "richness"):
        rows = sum(file["rows"] for file in manifest["files"] if file["table"] == table)
        assert found["version_rows", table] == rows > 0
    assert found["run_info", "published", "local", _program()] == 1
    assert not list(tmp_path.glob("*.tmp"))


def _program():
    from pipelines import __version__

    return __version__


def test_a_run_that_publishes_nothing_keeps_the_time_of_the_last_success(tmp_path, shard, capsys):
    output, path = tmp_path / "out", tmp_path / "m.prom"
    assert helpers.build(output, [shard], "--metrics", path) == 0
    before = metrics_of(path)
    assert helpers.build(output, [helpers.ODD_AND_BAD], "--metrics", path,
                         "--max-bad-share", 0) == 3  # fmt: skip
    after = metrics_of(path)
    assert after["run_exit_code",] == 3
    assert after["run_info", "too_many_bad_lines", "local", _program()] == 1
    assert after["version_lines",] == before["version_lines",] == 2
    assert abs(after["run_success_timestamp_seconds",] - before["run_end_timestamp_seconds",]) < 5
    with pytest.raises(UsageError):
        helpers.build(output, [tmp_path / "none.jsonl"], "--metrics", path, "--summary", "json")
    assert metrics_of(path)["run_exit_code",] == 2
    assert helpers.build(output, [shard], "--metrics", path) == 0
    assert ("run_info", "unchanged", "local", _program()) in metrics_of(path)
    capsys.readouterr()


def test_a_run_without_the_option_writes_none(tmp_path, shard):
    assert helpers.build(tmp_path / "out", [shard]) == 0
    assert not list(tmp_path.rglob("*.prom"))
    assert json.loads((helpers.version_of(tmp_path / "out") / "manifest.json").read_text())
