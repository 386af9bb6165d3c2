"""The main job under a file of checks: held back, warned of, not compared, and what is said."""

import json
import random

import msgspec
import pytest

from pipelines.build.inputs.rules_file import SHIPPED, read_rules
from pipelines.build.job import main
from pipelines.versions.commands import main as versions
from tests import build_helpers as helpers
from transforms.core.base.errors import UsageError
from transforms.core.model.manifest import encode_manifest
from transforms.core.model.narratives.manifest import BuildManifest

SHARDS = helpers.GENERATED[:2]


def rule(**values):
    """A check of all splits together, however few narratives they have."""
    return {"kind": "drift", "at_most": 0, "across": "all", "min_narratives": 0} | values


@pytest.fixture
def build(tmp_path):
    """Runs the job under checks, by name; gives the exit code."""

    def run(shards, *more, **checks):
        path = tmp_path / "my_checks.yaml"
        path.write_text(json.dumps({"checks": checks}))
        command = [tmp_path / "out", shards, "--guard", "--max-shrink-share", 1]
        return main(helpers.arguments(*command, "--checks", path, *more))

    return run


def told(capsys):
    """What standard error says, as one line."""
    return " ".join(capsys.readouterr().err.split())


def test_the_sample_passes_the_shipped_checks(tmp_path, capsys):
    assert main(helpers.arguments(tmp_path, helpers.SHARDS, "--guard")) == 0
    made = helpers.manifest_of(tmp_path)
    assert {row["name"] for row in made["not_compared"]} == read_rules(None).keys()
    assert main(helpers.arguments(tmp_path, helpers.SHARDS[1:], "--guard",
                                  "--max-shrink-share", 1)) == 0  # fmt: skip
    made = helpers.manifest_of(tmp_path)
    compared = {row["name"] for row in made["checks"] if row["kind"] != "share"}
    assert compared == {"columns"} and all(row["passed"] for row in made["checks"])
    assert "warning" not in told(capsys)


def test_the_shipped_file_is_that_of_the_repository():
    assert SHIPPED.read_bytes() == (helpers.ROOT / "configs" / "checks.yaml").read_bytes()


def test_a_check_that_holds_and_one_that_warns(build, tmp_path, capsys):
    checks = {
        "fewer": rule(measure="narratives", at_most=0.1, severity="hold"),
        "other_words": rule(measure="trace_points", severity="warn"),
    }
    assert build(SHARDS, **checks) == 0
    first = helpers.version_of(tmp_path / "out")
    assert {row["reason"] for row in helpers.manifest_of(tmp_path / "out")["not_compared"]} == {
        "there is no earlier version"
    }
    capsys.readouterr()
    # --max-shrink-share is given, so the fall is judged by it alone
    assert build(SHARDS[:1], **checks) == 0
    assert helpers.version_of(tmp_path / "out") != first
    assert "warning: trace points is " in told(capsys)
    assert build(SHARDS, "--summary", "json", **checks) == 3  # twice as many
    out, error = capsys.readouterr()
    made = json.loads(out)
    assert (made["status"], made["exit_code"]) == ("held_back", 3)
    assert "narratives is " in made["message"] and "(check `fewer` of --checks)" in made["message"]
    failed = {row["name"]: row for row in made["checks"] if not row["passed"]}
    assert failed["fewer"]["severity"] == "hold" and failed["other_words"]["severity"] == "warn"
    assert failed["fewer"]["now"] > failed["fewer"]["before"] > 0
    assert "is complete but held back, not current" in error
    assert "warning: trace points is " in " ".join(error.split())
    assert build(SHARDS, "--no-guard", **checks) == 0
    out, error = capsys.readouterr()
    assert "(check `fewer` of --checks)" in " ".join(error.split())
    assert "BEYOND the limit (hold): narratives is" in " ".join(out.split())


def test_a_warning_is_in_the_summary_for_programs(build, tmp_path, capsys):
    checks = {"seconds": rule(kind="range", measure="narration_seconds", severity="warn")}
    assert build(SHARDS[:1], "--summary", "json", **checks) == 0
    out, error = capsys.readouterr()
    assert "warning: narration seconds is " in " ".join(error.split())
    (row,) = [row for row in json.loads(out)["checks"] if row["kind"] == "range"]
    assert not row["passed"] and row["severity"] == "warn" and row["at_most"] == 0
    page = (helpers.version_of(tmp_path / "out") / "report.html").read_text()
    assert "✗ broken" in page and "Checks of this version" in page


def test_a_range_is_judged_of_what_is_current_too(build, tmp_path, capsys):
    assert build(SHARDS[:1]) == 0
    capsys.readouterr()
    tight = {"seconds": rule(kind="range", measure="narration_seconds", severity="hold")}
    assert build(SHARDS[:1], **tight) == 3
    error = told(capsys)
    assert "narration seconds is " in error and "stays current" in error
    assert build(SHARDS[:1], "--no-guard", **tight) == 0
    assert build(SHARDS[:1]) == 0


def many(path, seed, utterances=None):
    """A shard of 1,000 narratives, drawn from those of the sample, cut to so many utterances."""
    chance = random.Random(seed)
    drawn = chance.choices([line for shard in helpers.GENERATED
                            for line in helpers.lines_of(shard)], k=1_000)  # fmt: skip
    lines = []
    for annotator, line in enumerate(drawn):
        narrative = json.loads(line)
        timed = narrative["timed_caption"][:utterances]
        caption = " ".join(part["utterance"].strip() for part in timed)
        changed = {"annotator_id": annotator, "timed_caption": timed, "caption": caption}
        lines.append(json.dumps(narrative | changed).encode() + b"\n")
    return helpers.write_lines(path, lines)


@pytest.mark.long
def test_the_shipped_checks_tell_another_draw_from_captions_that_were_cut(tmp_path, capsys):
    shards = [
        many(tmp_path / "a.jsonl", 1),
        many(tmp_path / "b.jsonl", 2),
        many(tmp_path / "c.jsonl", 3, utterances=1),
    ]
    boxes = helpers.ROOT / "samples" / "open_images" / "train" / "annotations-human-bbox.csv"
    more = ["--guard", "--boxes", boxes]
    assert main(helpers.arguments(tmp_path / "out", shards[:1], *more)) == 0
    assert main(helpers.arguments(tmp_path / "out", shards[1:2], *more)) == 0
    made = helpers.manifest_of(tmp_path / "out")
    compared = {row["name"] for row in made["checks"] if row["kind"] != "share"}
    assert {"narratives", "mentions", "narration", "trace_points", "distance", "inside_box",
            "boxes_joined", "boxed", "rejected", "flagged", "distances", "columns",
            "new_flags", "classes"} <= compared  # fmt: skip
    assert all(row["passed"] for row in made["checks"]) and "warning" not in told(capsys)
    assert main(helpers.arguments(tmp_path / "out", shards[2:], *more)) == 0
    error = told(capsys)
    for name in ("mentions", "narration"):
        assert f"(check `{name}` of --checks)" in error


def test_an_option_that_is_given_wins_over_the_file(build, tmp_path):
    checks = {"bad": rule(kind="range", measure="rejected", severity="hold")}
    assert build([helpers.ODD_AND_BAD], **checks) == 0  # with --max-bad-share
    (why,) = helpers.manifest_of(tmp_path / "out")["not_compared"]
    assert why == {"name": "bad", "reason": "option `max_bad_share` is given in its place"}


def test_a_wrong_file_ends_the_run_before_any_work(tmp_path):
    path = tmp_path / "checks.yaml"
    path.write_text("checks: {words: {kind: range}}")
    with pytest.raises(UsageError, match="checks.yaml: .* at `checks.words.severity`: must be"):
        main(helpers.arguments(tmp_path / "out", SHARDS, "--checks", path))
    assert not (tmp_path / "out" / "units").exists()


@pytest.mark.long
def test_a_version_is_compared_with_a_tagged_one(build, tmp_path, capsys):
    checks = {"fewer": rule(measure="mentions", against="paper", severity="hold")}
    assert build(SHARDS[:1], **checks) == 0
    (why,) = helpers.manifest_of(tmp_path / "out")["not_compared"]
    assert why["reason"] == "no version has the tag 'paper': `tag ID paper` gives it to one"
    tagged = helpers.version_of(tmp_path / "out").name
    assert versions(["tag", tagged, "paper", "--output", str(tmp_path / "out")]) == 0
    assert build(SHARDS) == 0  # and this is the version before
    capsys.readouterr()
    assert build([*SHARDS, helpers.REAL], **checks) == 3
    assert f"in version {tagged}" in told(capsys)


def test_a_version_of_an_older_program_is_not_compared(build, tmp_path, capsys):
    assert build(SHARDS[:1]) == 0
    folder = helpers.version_of(tmp_path / "out")
    path = folder / "manifest.json"
    made = msgspec.json.decode(path.read_bytes())
    made["files"] = [row for row in made["files"] if row["table"] != "distances"]
    for name in ("columns", "not_compared"):
        del made[name]
    made["checks"] = [
        {name: row[name] for name in ("name", "dataset", "split", "count", "total", "option",
                                      "value", "limit", "passed")}
        for row in made["checks"]
    ]  # fmt: skip
    path.write_bytes(encode_manifest(msgspec.convert(made, BuildManifest)))
    checks = {
        "of_d": {"kind": "jensen_shannon", "of": "distances", "at_most": 0, "across": "all",
                 "min_narratives": 0, "severity": "hold"},
        "mean_d": rule(measure="distance", severity="hold"),
        "columns": {"kind": "changes", "of": "columns", "min_narratives": 0, "severity": "hold"},
    }  # fmt: skip
    capsys.readouterr()
    assert build(SHARDS, **checks) == 0
    now = helpers.version_of(tmp_path / "out").name
    why = {row["name"]: row["reason"] for row in helpers.manifest_of(tmp_path / "out")[
        "not_compared"]}  # fmt: skip
    assert why == {
        "of_d": f"distances is not known of {now} or {folder.name}",
        "mean_d": f"distance is not known of {now} or {folder.name}",
        "columns": f"columns is not known of {now} or {folder.name}",
    }
    assert "3 not compared" in " ".join(capsys.readouterr().out.split())


def test_a_corrupt_table_of_the_version_before_is_no_hindrance(build, tmp_path):
    assert build(SHARDS[:1]) == 0
    folder = helpers.version_of(tmp_path / "out")
    (folder / "noun_counts" / "noun_counts.parquet").write_bytes(b"PAR1 nothing PAR1")
    assert build(SHARDS, words=rule(measure="mentions", severity="hold")) == 0
    (why,) = helpers.manifest_of(tmp_path / "out")["not_compared"]
    assert why["reason"].endswith("is missing, corrupt, or of another format")
