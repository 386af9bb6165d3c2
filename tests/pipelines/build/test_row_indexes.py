"""The indexes of a version by image, class and word, against loops over its tables."""

import collections
import contextlib
import re

import duckdb
import pyarrow.parquet as pq
import pytest

from tests import build_helpers as helpers
from transforms.core.output.jobs.narratives import NARRATIVES
from transforms.versions.difference.diff import diff_versions
from transforms.versions.exports.version import find_version
from transforms.versions.survey import read_survey


@pytest.fixture(scope="module")
def output(tmp_path_factory):
    """The sample, in units of some narratives, with a shard of repeated keys."""
    folder = tmp_path_factory.mktemp("indexed")
    lines = [*helpers.lines_of(helpers.REAL, 3, 4, 3), *helpers.lines_of(helpers.GENERATED[0], 5)]
    twice = helpers.write_lines(folder / "twice.jsonl", [*lines, *lines])
    shards = [*helpers.SHARDS, twice]
    assert helpers.build(folder / "out", shards, "--unit-bytes", "150000") == 0
    return folder / "out"


@pytest.fixture(scope="module")
def files(output):
    """Rows of narratives, and of the mentions beside them, by file."""
    version = helpers.version_of(output)
    found = {}
    for file in helpers.manifest_of(output)["files"]:
        if file["table"] == "narratives" and file["rows"]:
            mentions = version / file["path"].replace("narratives", "mentions")
            rows = helpers.read_file(mentions) if mentions.exists() else []
            found[file["path"]] = (helpers.read_file(version / file["path"]), rows)
    assert len(found) > 5
    return found


def test_images(output, files):
    expected = [
        {
            **{name: row[name] for name in ("image_id", "dataset", "split", "annotator_id")},
            "file": path,
            "row": at,
            "first_mention": own[0] if own else None,
            "mentions": len(own),
        }
        for path, (narratives, mentions) in files.items()
        for at, row in enumerate(narratives)
        for own in [[k for k, one in enumerate(mentions) if place(one) == place(row)]]
    ]
    expected.sort(key=lambda row: (row["image_id"], row["file"], row["row"]))
    assert index_rows(output, "image_index") == expected
    assert max(row["mentions"] for row in expected) > 1
    assert any(row["first_mention"] is None for row in expected)


def index_rows(output, name):
    """Rows of an index in the order in which they stand there."""
    return helpers.read_file(helpers.version_of(output) / name / f"{name}.parquet")


def place(row):
    return row["shard"], row["byte_offset"]


def test_classes(output, files):
    found = collections.defaultdict(set)
    for path, (narratives, mentions) in files.items():
        row_at = {place(row): at for at, row in enumerate(narratives)}
        for one in mentions:
            found[one["name"], one["class_id"], path].add(row_at[place(one)])
    keys = ("name", "class_id", "file")
    assert index_rows(output, "class_index") == listed(found, keys)


def test_words(output, files):
    found = collections.defaultdict(set)
    for path, (narratives, _) in files.items():
        for at, row in enumerate(narratives):
            for word in row["words"] or []:
                if word["normalized"]:
                    found[word["normalized"], path].add(at)
    assert index_rows(output, "word_index") == listed(found, ("word", "file"))


def listed(found, keys):
    return [
        {**dict(zip(keys, key, strict=True)), "rows": sorted(rows)}
        for key, rows in sorted(found.items(), key=lambda item: [part.encode() for part in item[0]])
    ]


def test_rows_are_found_by_duckdb(output, files):
    """As docs/queries.md says."""
    version = helpers.version_of(output)
    [path, row], *_ = duckdb.sql(
        f"SELECT file, unnest(rows) FROM '{version}/word_index/*.parquet' WHERE word = 'man'"
    ).fetchall()
    found = duckdb.sql(
        f"SELECT caption FROM read_parquet('{version}/{path}', file_row_number = true) "
        f"WHERE file_row_number = {row}"
    ).fetchall()
    assert found == [(files[path][0][row]["caption"],)]
    assert re.search(r"\bman\b", found[0][0])


def test_files_say_that_they_are_sorted(output):
    version = helpers.version_of(output)
    for name, keys in (("image_index", [0]), ("class_index", [0, 1]), ("word_index", [0])):
        group = pq.ParquetFile(version / name / f"{name}.parquet").metadata.row_group(0)
        assert [column.column_index for column in group.sorting_columns] == keys


def test_units_of_another_size_are_no_difference(output, tmp_path):
    """Files are others then, and nothing else."""
    shards = [str(row["path"]) for row in helpers.manifest_of(output)["inputs"]]
    other = tmp_path / "out"
    for unit_bytes in (150_000, 400_000):
        assert helpers.build(other, shards, "--unit-bytes", unit_bytes) == 0
    versions = [read_survey(str(other)).find(which).manifest for which in ("previous", "current")]
    diff = diff_versions(str(other), *versions)
    assert diff.new != diff.old and all(table.is_same for table in diff.tables)
    assert not {table.table for table in diff.tables} & set(NARRATIVES.indexes)


def test_exports_leave_out_what_is_about_files(output):
    exported = find_version(str(output), "current")
    assert exported.schemas.keys() == NARRATIVES.all_tables.keys() - set(NARRATIVES.indexes)


def test_a_version_without_narratives_has_empty_ones(tmp_path):
    shard = helpers.write_lines(tmp_path / "none.jsonl", [b"\n"])
    assert helpers.build(tmp_path / "out", [shard]) == 0
    for name in NARRATIVES.indexes:
        assert index_rows(tmp_path / "out", name) == []


def test_the_queries_of_the_page_run(output, files):
    """All that docs/queries.md has, about an image, a class and a word of the sample."""
    page = (helpers.ROOT / "docs" / "queries.md").read_text()
    rows = [row for narratives, _ in files.values() for row in narratives]
    row = next(row for row in rows if has_word(row, "man"))
    ours = {
        "0001eeaf4aed83f9": row["image_id"],
        "…": row["narrative_id"],
        "'Car'": "'Man'",
        "'umbrella'": "'man'",
        "'train'": f"'{row['split']}'",
    }
    for old, new in ours.items():
        assert old in page
        page = page.replace(old, new)
    sql, python = re.findall(r"```(?:sql|python)\n(.*?)```", page, re.S)
    connection, found = duckdb.connect(), []
    with contextlib.chdir(helpers.version_of(output)):
        for statement in re.sub("^--.*", "", sql, flags=re.M).split(";\n")[:-1]:
            answer = connection.execute(statement)
            if statement.lstrip().startswith("SELECT"):
                found.append(answer.fetchall())
        names = {}
        exec(python, names)
    assert len(found) == 10 and all(found)
    assert {one["image_id"] for one in names["narratives"].to_pylist()} == {row["image_id"]}
    expected = [one["caption"] for one in rows if has_word(one, "man")]
    assert sorted(caption for _, caption in found[-1]) == sorted(expected)


def has_word(row, wanted):
    return any(word["normalized"] == wanted for word in row["words"] or [])
