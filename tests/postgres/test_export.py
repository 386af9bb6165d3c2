"""Versions in a real PostgreSQL: rows, keys, and what readers see while one replaces another."""

import json
import threading

import numpy as np
import pyarrow.parquet as pq
import pytest

from pipelines.export.job import main
from tests import build_helpers as helpers
from tests.postgres.versions import in_order, published

psycopg = pytest.importorskip("psycopg")
pytestmark = pytest.mark.postgres

PUBLISHED_IMAGES = (
    "release, split, image_id, original_url, original_landing_url, license, author_profile_url, "
    "author, title, original_size, original_md5, thumbnail_300k_url, rotation"
)


def export(database, output, *more):
    return main(["--to", "postgres", "--dsn", database.dsn, "--input", str(output), *more])


def rows_in(database, table, columns="*", where="true"):
    return database.execute(f"SELECT {columns} FROM {table} WHERE {where}").fetchall()


def test_releases_have_the_tables_rows_and_keys_of_the_page(database, releases, capsys):
    assert export(database, releases) == 0
    printed = capsys.readouterr().out
    known = rows_in(database, "open_images.images", where="originalurl IS NOT NULL")
    assert in_order(known) == in_order(published(releases, "images", PUBLISHED_IMAGES))
    for table, columns in {
        "labels": "release, split, image_id, source, class_id, confidence, verdict",
        "boxes": "* EXCLUDE ()",
        "label_frequencies": "*",
        "machine_accuracy": "*",
        "class_entries": "*",
    }.items():
        columns = columns.replace(" EXCLUDE ()", "")
        found = rows_in(database, f"open_images.{table}")
        assert found and in_order(found) == in_order(published(releases, table, columns)), table
    dictionary = rows_in(database, "open_images.dict")
    assert in_order(dictionary) == in_order(published(releases, "classes"))
    keys = database.execute(
        "SELECT conrelid::regclass::text, pg_get_constraintdef(oid), convalidated "
        "FROM pg_constraint WHERE connamespace = 'open_images'::regnamespace"
    ).fetchall()
    assert all(validated for *_, validated in keys)
    described = {(table, definition) for table, definition, _ in keys}
    assert {
        ("open_images.images", "PRIMARY KEY (release, imageid)"),
        ("open_images.dict", "PRIMARY KEY (release, labelname)"),
        ("open_images.labels", "PRIMARY KEY (release, imageid, source, labelname)"),
        ("open_images.labels", "FOREIGN KEY (release, labelname) REFERENCES "
         "open_images.dict(release, labelname)"),
        ("open_images.boxes", "FOREIGN KEY (release, imageid) REFERENCES "
         "open_images.images(release, imageid)"),
    } <= described  # fmt: skip
    assert "labels" in printed and "rows" in printed
    (kind,) = rows_in(database, "information_schema.columns",
                      "data_type, character_maximum_length",
                      "table_schema = 'open_images' AND table_name = 'images' "
                      "AND column_name = 'imageid'")  # fmt: skip
    assert kind == ("character", 16)


def test_queries_of_the_page_join_images_labels_and_dict(database, releases):
    assert export(database, releases) == 0
    database.execute("SET search_path TO open_images")
    joined = database.execute(
        "SELECT d.Release, i.OriginalURL, d.DisplayLabelName, l.Confidence FROM Labels l "
        "JOIN Images i USING (Release, ImageID) JOIN Dict d USING (Release, LabelName) "
        "WHERE l.Source = 'verification'"
    ).fetchall()
    expected = sum(row[0] == "verification" for row in published(releases, "labels", "source"))
    assert len(joined) == expected > 100
    nameless = rows_in(database, "dict", "labelname", "displaylabelname IS NULL")
    assert ("/m/0no_name",) in nameless and len(nameless) > 1


def test_images_that_only_labels_or_boxes_name_are_added_and_told(database, releases, capsys):
    assert export(database, releases) == 0
    (added,) = rows_in(database, "open_images.images", "count(*)", "originalurl IS NULL")[0]
    named = {row for table in ("labels", "boxes")
             for row in published(releases, table, "release, image_id")}  # fmt: skip
    missing = named - set(published(releases, "images", "release, image_id"))
    assert added == len(missing) > 0
    assert f"images has {added:,} more rows" in capsys.readouterr().out


def test_narratives_have_nested_columns_as_json(database, narratives):
    assert export(database, narratives) == 0
    folder = helpers.version_of(narratives)
    for table in ("narratives", "mentions", "discarded", "richness", "distances"):
        expected = pq.read_table(folder / table).to_pylist()
        names = ", ".join(expected[0]) if expected else "*"
        found = rows_in(database, f"localized_narratives.{table}", names)
        as_json = [json.dumps(list(row.values()), sort_keys=True) for row in expected]
        found = [json.dumps(list(row), sort_keys=True) for row in found]
        if table == "narratives":  # float32 in JSON has the digits that tell it
            as_json, found = map(_rounded, (as_json, found))
        assert sorted(found) == sorted(as_json), table
    bad = rows_in(database, "localized_narratives.rejected", "shard, byte_offset, raw")
    kept = [
        (r["shard"], r["byte_offset"], r["raw"]) for r in helpers.rows_of(narratives, "rejected")
    ]
    assert sorted(bad) == sorted(kept) and bad


def _rounded(lines):
    def number(text):
        return str(np.float32(text))

    return [json.dumps(json.loads(line, parse_float=number, parse_int=number)) for line in lines]


def test_the_same_version_again_does_nothing(database, releases, capsys):
    assert export(database, releases) == 0
    select = "SELECT oid, relname FROM pg_class WHERE relnamespace = 'open_images'::regnamespace"
    before = in_order(database.execute(select).fetchall())
    capsys.readouterr()
    assert export(database, releases, "--summary", "json") == 0
    found = json.loads(capsys.readouterr().out)
    assert found["status"] == "unchanged" and found["rows"]["labels"] > 0 and found["notes"]
    assert in_order(database.execute(select).fetchall()) == before
    schemas = rows_in(database, "pg_namespace", "nspname", "nspname LIKE 'open_images%'")
    assert schemas == [("open_images",)]


def test_another_version_replaces_it_while_readers_see_one_of_both(database, releases, server):
    assert export(database, releases, "--tables", "images", "classes", "labels") == 0
    database.execute("CREATE ROLE reader; GRANT USAGE ON SCHEMA open_images TO reader; "
                     "GRANT SELECT ON open_images.labels TO reader")  # fmt: skip
    seen, failed, stop = set(), [], threading.Event()

    def read():
        with server.connect(database.database) as connection:
            connection.autocommit = False
            while not stop.is_set():
                try:
                    with connection.transaction():
                        tables = connection.execute(
                            "SELECT (SELECT count(*) FROM open_images.labels), (SELECT count(*) "
                            "FROM pg_class WHERE relnamespace = 'open_images'::regnamespace "
                            "AND relkind = 'r'), (SELECT count(*) FROM open_images.images)"
                        ).fetchone()
                    seen.add(tables[0])
                except psycopg.Error as error:
                    failed.append(error)

    reader = threading.Thread(target=read)
    reader.start()
    try:
        assert export(database, releases) == 0
    finally:
        stop.set()
        reader.join()
    assert not failed
    assert seen == {len(published(releases, "labels"))}
    assert rows_in(database, "open_images.boxes")
    with server.connect(database.database) as connection:
        connection.execute("SET ROLE reader")
        assert connection.execute("SELECT count(*) FROM open_images.labels").fetchone()[0]
    database.execute("DROP OWNED BY reader; DROP ROLE reader")


def test_a_reader_that_holds_a_table_keeps_its_version(database, releases, server):
    assert export(database, releases, "--tables", "images") == 0
    number = len(published(releases, "images"))
    reader = server.connect(database.database)
    reader.execute("BEGIN")
    count = "SELECT count(*) FROM open_images.images"
    assert reader.execute(count).fetchone() == (number,)
    exporting = threading.Thread(target=export, args=(database, releases))
    exporting.start()
    exporting.join(4)
    assert exporting.is_alive()  # it waits, and the reader does not
    assert reader.execute(count).fetchone() == (number,)
    reader.execute("COMMIT")
    exporting.join()
    assert reader.execute(count).fetchone() > (number,)
    reader.close()
