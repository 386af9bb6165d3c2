"""What reading a version takes: material, and the table for docs/queries.md."""

import json

from benchmarks.measuring.reading import __main__ as reading
from benchmarks.measuring.reading import distinct
from benchmarks.measuring.reading.counted import CountedFiles
from benchmarks.measuring.reading.queries import QUERIES
from tests import build_helpers as helpers


def test_queries_give_the_same_with_and_without_what_is_made_for_them(tmp_path, capsys):
    material = tmp_path / "material"
    distinct.main([str(material), *map(str, helpers.GENERATED)])
    shards = sorted((material / "narratives").iterdir())
    lines = [json.loads(line) for path in shards for line in helpers.lines_of(path)]
    assert len({line["image_id"] for line in lines}) == len(lines) == 60
    more = [
        flag
        for kind in ("boxes", "labels", "images")
        for flag in (f"--{kind}", *sorted((material / kind).iterdir()))
    ]
    assert helpers.build(tmp_path / "out", shards, *more) == 0
    boxed = [row for row in helpers.rows_of(tmp_path / "out", "narratives") if row["boxes"]]
    assert len(boxed) > 50
    capsys.readouterr()
    reading.main([str(tmp_path / "out"), "--repeats", "1", "--word", "man", "--name", "Man"])
    table = [line.split("|")[1:-1] for line in capsys.readouterr().out.splitlines()[1:]]
    rows = {(row[0].strip(), row[1].strip()): row[-1] for row in table}
    for query in QUERIES:
        is_sample = query.name.startswith("a sample")  # of which there may be none
        assert is_sample or rows[query.name, "before"].strip() != "0"
        if query.now:
            assert rows[query.name, "now"] == rows[query.name, "before"]


def test_bytes_are_those_that_are_asked_for(tmp_path):
    (tmp_path / "file").write_bytes(bytes(range(100)))
    files = CountedFiles()
    with files.open(str(tmp_path / "file")) as file:
        file.seek(-10, 2)
        assert file.read(4) == bytes([90, 91, 92, 93])
        file.seek(20)
        assert file.read(5) == bytes(range(20, 25))
    assert [(at, number) for _, at, number in files.reads] == [(90, 4), (20, 5)]
    assert files.bytes == 9
