"""`diff`, against an oracle that reads all rows of both versions and compares Python values."""

import collections
import json
from html.parser import HTMLParser

import pytest

from tests import build_helpers as helpers
from tests.pipelines.versions.helpers import as_json, build, copy_output, versions
from transforms.core.base.errors import UsageError
from transforms.versions.difference.diff import bytes_to_read, diff_versions
from transforms.versions.survey import read_survey

KEYS = {
    "narratives": ("narrative_id",),
    "discarded": ("narrative_id",),
    "mentions": ("narrative_id", "char_start", "class_id"),
    "rejected": ("shard", "byte_offset"),
    "localization": ("dataset", "split", "class_id", "name"),
    "richness": ("dataset", "split"),
    "noun_counts": ("dataset", "split", "nouns"),
}
PLACES = ("shard", "byte_offset", "unit", "line_in_unit")


@pytest.fixture(scope="module")
def output(tmp_path_factory):
    """A shard, and the same with lines that are gone, new, changed, bad and twice there."""
    folder = tmp_path_factory.mktemp("diff")
    output, shard = folder / "out", folder / "a_train.jsonl"
    lines = [line for path in helpers.GENERATED for line in helpers.lines_of(path)]
    other = helpers.write_lines(folder / "b.jsonl", helpers.lines_of(helpers.REAL))
    helpers.write_lines(shard, [*lines[:40], lines[5], b"{bad\n"])
    assert build(output, [shard, other], "--unit-bytes", 200_000, "--min-words", 3) == 0
    changed = json.loads(lines[20])
    changed["caption"] += " Really."
    for point in changed["traces"][0][:3]:
        point["x"] += 0.01
    new = [*lines[3:20], json.dumps(changed).encode() + b"\n", *lines[21:38], *lines[50:55]]
    helpers.write_lines(shard, [*new, lines[5], b"{}\n"])
    helpers.touch_later(shard)
    assert build(output, [shard, other], "--unit-bytes", 200_000, "--min-words", 18) == 0
    return output


def rows_by_key(folder, table):
    seen, found = collections.Counter(), {}
    for path in sorted((folder / table).iterdir()):
        for row in helpers.read_file(path):
            key = tuple(row[name] for name in KEYS[table])
            found[*key, seen[key]] = row
            seen[key] += 1
    return found


def expected(output, old, new, table):
    """Numbers of rows, and by column how many differ."""
    before, after = (rows_by_key(output / "versions" / name, table) for name in (old, new))
    columns, changed, moved = collections.Counter(), 0, 0
    for key in before.keys() & after.keys():
        differ = [name for name in before[key] if before[key][name] != after[key][name]]
        columns.update(differ)
        changed += any(name not in PLACES for name in differ)
        moved += bool(differ) and all(name in PLACES for name in differ)
    return {
        "old_rows": len(before),
        "new_rows": len(after),
        "added": len(after.keys() - before.keys()),
        "removed": len(before.keys() - after.keys()),
        "changed": changed,
        "moved": moved,
        "columns": dict(columns),
    }


def test_rows_and_columns_are_those_of_the_oracle(output, capsys):
    code, found = as_json(capsys, output, "diff", "previous", "current")
    tables = {table["table"]: table for table in found["tables"]}
    assert code == 0 and tables.keys() >= KEYS.keys()
    for table in KEYS:
        wanted = expected(output, found["old"], found["new"], table)
        assert {name: tables[table][name] for name in wanted} == wanted, table
    narratives = tables["narratives"]
    assert narratives["added"] and narratives["removed"] and narratives["changed"]
    assert narratives["moved"] and {"caption", "trace", "words"} <= narratives["columns"].keys()
    assert tables["mentions"]["added"] and tables["discarded"]["added"]
    made = {change["name"]: (change["old"], change["new"]) for change in found["made"]}
    assert made["option min_words"] == (3, 18) and "input a_train.jsonl" in made
    assert made.keys() == {"option min_words", "input a_train.jsonl"}


def test_numbers_of_statistics_are_those_of_the_tables(output, capsys):
    _, found = as_json(capsys, output, "diff", "previous", "current")
    assert found["values"]
    for value in found["values"]:
        for side in ("old", "new"):
            if value["table"] in KEYS:
                rows = rows_by_key(output / "versions" / found[side], value["table"])
                assert rows[*value["key"], 0][value["column"]] == value[side]


def test_the_other_way_round_added_is_removed(output, capsys):
    _, there = as_json(capsys, output, "diff", "previous", "current")
    _, back = as_json(capsys, output, "diff", "current", "previous")
    others = {table["table"]: table for table in back["tables"]}
    for one in there["tables"]:
        other = others[one["table"]]
        assert (one["added"], one["removed"], one["changed"], one["moved"], one["columns"]) == (
            other["removed"], other["added"], other["changed"], other["moved"], other["columns"]
        )  # fmt: skip


def test_a_version_does_not_differ_from_itself(output, capsys):
    _, found = as_json(capsys, output, "diff", "current", "current")
    assert found["made"] == found["values"] == []
    for table in found["tables"]:
        assert not any(table[name] for name in ("added", "removed", "changed", "moved", "columns"))
    assert versions(output, "diff", "current", "current") == 0
    assert "both versions have the same rows" in capsys.readouterr().out


@pytest.mark.parametrize("ids", [("previous", "current"), ("current", "current")])
def test_all_bytes_are_counted_while_versions_are_compared(output, ids):
    survey = read_survey(str(output))
    old, new = (survey.find(text).manifest for text in ids)
    read = []
    diff_versions(str(output), old, new, read.append)
    assert sum(read) == bytes_to_read(old, new) and bool(sum(read)) == (ids[0] != ids[1])


def test_text_names_what_differs(output, capsys):
    assert versions(output, "diff", "previous", "current") == 0
    text = capsys.readouterr().out
    assert ["option", "min_words", "3", "18"] in [line.split() for line in text.splitlines()]
    assert "added in narratives, the first:" in text
    assert "numbers that moved most:" in text and "byte_offset" in text


class _Page(HTMLParser):
    """Tags that are open, and what they refer to elsewhere."""

    def __init__(self):
        super().__init__()
        self.open, self.elsewhere, self.text = [], [], []

    def handle_starttag(self, tag, attrs):
        if tag not in ("meta", "br"):
            self.open.append(tag)
        self.elsewhere += [value for name, value in attrs if name in ("src", "href")]

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.text.append(data)


def test_the_page_needs_nothing_but_itself(output, capsys):
    assert versions(output, "diff", "previous", "current", "--format", "html") == 0
    document = capsys.readouterr().out
    page = _Page()
    page.feed(document)
    assert page.open == [] and page.elsewhere == [] and "url(" not in document
    words = " ".join(" ".join(page.text).split())
    assert "option min_words" in words and "narratives: the first that were added" in words
    assert versions(output, "diff", "current", "current", "--format", "html") == 0
    assert "both versions have the same rows" in capsys.readouterr().out


@pytest.mark.parametrize("table", ["narratives", "rejected", "richness"])
def test_a_file_that_is_corrupt_is_named_and_not_compared(output, tmp_path, table):
    """In place of a traceback, or of rows that differ by a flipped bit."""
    copy = copy_output(output, tmp_path / "out")
    path = max((helpers.version_of(copy) / table).iterdir())
    data = path.read_bytes()
    path.unlink()
    for number in (8 * len(data) // 2, 8 * len(data) // 3):
        path.write_bytes(data)
        helpers.flip_bit(path, number)
        message = f"{path}' is not what its manifest says: .* option `repair`"
        with pytest.raises(UsageError, match=message):
            versions(copy, "diff", "previous", "current")
