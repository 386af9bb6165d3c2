"""The printed summary: what it says, at 80 columns, without colours when nobody looks."""

import io
import json

import pytest
from rich.console import Console

from pipelines.build.summary import print_summary, summary_as_json
from tests.transforms.core.report import material


def printed(manifest=None, tables=None, width=80, **options):
    file = io.StringIO()
    print_summary(
        material.typed(material.manifest() if manifest is None else manifest),
        material.tables() if tables is None else tables,
        "out",
        Console(file=file, width=width, highlight=False, **options),
    )
    return file.getvalue()


@pytest.fixture(scope="module")
def text():
    return printed()


def words(text):
    return [line.split() for line in text.splitlines()]


def test_it_fits_80_columns_and_has_no_control_codes(text):
    assert max(map(len, text.splitlines())) <= 80
    assert not [character for character in text if ord(character) < 32 and character != "\n"]


def test_colours_appear_on_a_terminal_only(text):
    assert "\x1b[" not in text
    coloured = printed(force_terminal=True, color_system="standard")
    assert "\x1b[" in coloured


def test_the_conservation_law_per_shard_and_in_all(text):
    lines = words(text)
    for name, numbers in (
        ("vidln.jsonl", ["22", "20", "2", "0", "0", "713,112", "holds"]),
        ("odd_and_bad.jsonl", ["13", "7", "0", "5", "1", "40,031", "holds"]),
        ("In", ["12,380", "12,372", "2", "5", "1", "413,098,821", "holds"]),
    ):
        at = next(number for number, line in enumerate(lines) if line[:1] == [name])
        assert lines[at + 1] == numbers
    long_name = "generated_train_localized_narratives-00000-of-00002.jsonl"
    at = lines.index([long_name])
    assert lines[at + 1] == ["(generated", "train", "(not", "real))"]
    assert lines[at + 2][:2] == ["12,345", "12,345"]


def test_a_breach_is_said():
    manifest = material.manifest()
    manifest["shards"][0]["conserved"] = False
    verdicts = [line[-1] for line in words(printed(manifest)) if len(line) == 7]
    assert [own for own in verdicts if own in ("holds", "FAILS")] == [
        "FAILS", "holds", "holds", "FAILS",
    ]  # fmt: skip


def test_of_many_shards_those_that_break_the_law_are_shown():
    manifest = material.manifest()
    manifest["shards"] = [material.shard_row(f"s{k:02}.jsonl", narratives=1) for k in range(50)]
    manifest["shards"][49]["conserved"] = False
    text = printed(manifest)
    assert "s49.jsonl" in text and "s28.jsonl" in text and "s29.jsonl" not in text
    assert "… and 20 shards more, for which it holds" in text


def test_checks_stand_in_columns_with_their_limits():
    manifest = material.manifest()
    (row,) = manifest["checks"]
    joined = row | {"name": "images_joined", "dataset": "generated", "split": "train",
                    "value": 0.125, "total": 12_345, "option": "min_joined_share",
                    "limit": 0.25, "passed": False}  # fmt: skip
    manifest["checks"] = [row | {"limit": 0.01}, joined]
    lines = printed(manifest).splitlines()
    at = lines.index("Checks before publishing")
    assert lines[at + 1 : at + 4] == [
        "  bad lines            0.0 % of 12,379  max   1.0 %  in all",
        "  images joined       12.5 % of 12,345  min  25.0 %  generated train (not real)",
        "    BEYOND the limit: --min-joined-share 0.25",
    ]
    assert max(map(len, lines)) <= 80


def test_checks_of_the_file_are_told_where_they_are_broken():
    manifest = material.manifest()
    manifest["checks"] += material.rule_rows()
    manifest["not_compared"] = [{"name": "a", "reason": "there is no split"},
                                {"name": "b", "reason": "there is no split"}]  # fmt: skip
    text = printed(manifest)
    flat = " ".join(text.split())
    assert (
        "BEYOND the limit (hold): points inside box of generated train is 50.00 % and was 80.00 % "
        "in version 0123456789abcdef: 30.00 % apart, above 20.00 % (check `inside_box` of --checks)"
    ) in flat
    assert (
        "BEYOND the limit (warn): the vocabulary of classes has 2 changes against version" in flat
    )
    assert flat.index("(hold)") < flat.index("(warn)")
    assert "1 check of --checks kept, 2 not compared (2: there is no split)" in flat
    assert max(map(len, text.splitlines())) <= 80
    made = summary_as_json(material.typed(manifest), material.tables())
    assert [row["severity"] for row in made["checks"]] == ["hold", "warn", "warn", "warn", "hold"]
    assert made["not_compared"][0] == {"name": "a", "reason": "there is no split"}


def test_what_was_lost_and_why(text):
    flat = " ".join(text.split())
    assert "kept 12,372" in flat
    assert "flagged outside image 17, no trace 2" in flat
    assert "discarded 2: distance 2, trace shorter than speech 1" in flat
    assert "at most 1/12 per caption character. Calibrated to discard at most 23.5 %" in flat
    assert "rejected 5: not json 3, missing key 2" in flat
    assert "odd_and_bad.jsonl:5 not_json The line ends inside a value at byte 402." in text
    assert "a_0/0 (oops train) 2 times" in text


def test_at_most_20_bad_lines():
    manifest = material.manifest()
    manifest["bad_lines"] *= 10
    manifest["counts"]["rejected"] = {"not_json": 4_000}
    text = printed(manifest)
    assert text.count("odd_and_bad.jsonl:") == 20
    assert "… and 3,980 more in the table `rejected`" in text


def test_repeated_keys_beyond_those_shown_are_counted():
    manifest = material.manifest()
    row = manifest["repeated_keys"]["first"][0]
    manifest["repeated_keys"] = {"narratives": 600, "keys": 300, "first": [row] * 100}
    text = " ".join(printed(manifest).split())
    assert "… and 295 keys more; the manifest lists 100 of 300, under `repeated_keys`" in text


def test_richness_beside_the_paper(text):
    lines = words(text)
    assert ["oops", "train", "20", "21.5", "22.5", "23.5", "24.5", "25.5", "26.5"] in lines
    assert ["the", "paper,", "all", "873,107", "36.5", "10.8", "3.6", "1.6", "4.7", "4.2"] in lines
    assert "not checked" not in text


def test_localization_and_places(text):
    lines = words(text)
    assert [
        "generated",
        "train",
        "(not",
        "real)",
        "48,000",
        "30,000",
        "200,000",
        "75.5",
        "%",
    ] in lines
    assert ["in", "all", "48,211", "30,000", "200,000", "75.5", "%"] in lines
    version = material.manifest()["version"]
    assert ["Report", f"out/versions/{version}/report.html"] in lines
    assert ["Output", f"out/versions/{version}"] in lines


def test_without_a_tagger_and_without_mentions():
    tables = material.empty_tables()
    rows = [material.richness_row("coco", None, 9, None)]
    tables["richness"] = material.table(rows, tables["richness"].schema)
    lines = words(printed(tables=tables))
    assert ["COCO", "unknown", "9", *["–"] * 6] in lines
    assert ["in", "all", "0", "0", "0", "–"] in lines


def test_text_is_not_read_as_markup():
    manifest = material.manifest()
    manifest["bad_lines"][0]["message"] = "expected [bold]x[/bold] :smile:"
    assert "expected [bold]x[/bold] :smile:" in printed(manifest)


def test_an_ascii_terminal_is_no_reason_to_fail():
    file = io.TextIOWrapper(io.BytesIO(), "ascii", errors="replace")
    console = Console(file=file, width=80)
    print_summary(material.typed(material.manifest()), material.tables(), "out", console)
    file.flush()
    assert b"holds" in file.buffer.getvalue()


def test_the_same_for_programs():
    made = json.loads(
        json.dumps(summary_as_json(material.typed(material.manifest()), material.tables()))
    )
    assert made["conservation"]["total"] == {
        "lines": 12_380, "narratives": 12_372, "discarded": 2, "rejected": 5, "blank": 1,
        "repaired": 0, "bytes": 413_098_821, "verdict": "holds", "holds": True,
    }  # fmt: skip
    assert made["localization"]["total"]["share_inside"] == 0.755
    assert made["richness"][0]["nouns_mean"] == 22.5


def test_names_with_terminal_escapes_are_shown_escaped():
    manifest = material.manifest()
    name = "a\x1b[31mred\x07.jsonl"
    shard = manifest["shards"][0]["shard"]
    rows = [*manifest["shards"], *manifest["bad_lines"], *manifest["inputs"]]
    for row in rows:
        if row.get("shard") == shard:
            row["shard"] = name
    manifest["bad_lines"].insert(0, {"shard": name, "line": 3, "code": "x", "message": "m\x1b[2J"})
    text = printed(manifest)
    assert "\x1b" not in text and "\x07" not in text
    assert r"a\x1b[31mred\x07.jsonl" in text and r"m\x1b[2J" in text
