"""Seconds and bytes that a version's queries take, as a table for docs/queries.md.

`python -m benchmarks.measuring.reading OUT`: DuckDB over local files (seconds: median) and over
files that count what is read of them (bytes), without and with the tables made for reading.
"""

import argparse
import pathlib
import re
import statistics
import time
from collections.abc import Iterator, Mapping, Sequence

import duckdb
import pyarrow.dataset as ds
import pyarrow.fs

from benchmarks.measuring.reading.counted import CountedFiles
from benchmarks.measuring.reading.queries import QUERIES, Query

_TABLE = re.compile(r"'(\w+/\*\.parquet)'")
_COLUMNS = {
    "captions of a split": ("narratives", ["caption"], ds.field("split") == "train"),
    "word boxes with image addresses": (
        "words",
        ["image_url", "text", "x_min", "y_min", "x_max", "y_max"],
        None,
    ),
}
"""Queries as pyarrow has them: table, columns, filter."""


def main(argv: Sequence[str] | None = None) -> None:
    """Measures and prints."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("output", type=pathlib.Path, help="folder of the main job's output")
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--word", default="umbrella")
    parser.add_argument("--name", default="Car", help="a class")
    flags = parser.parse_args(argv)
    folder = flags.output / "versions" / (flags.output / "CURRENT").read_text().strip()
    values = {"word": flags.word, "name": flags.name, **_one(folder)}
    sizes = sum(path.stat().st_size for path in folder.glob("*/*"))
    narratives = sum(path.stat().st_size for path in folder.glob("narratives/*"))
    print(f"{folder}: {sizes:,} bytes of tables, {narratives:,} of narratives; {values}")
    for query in QUERIES:
        for form in filter(None, (query.before, query.now)):
            print(_row(query, form, folder, values, flags.repeats), flush=True)
    for name, (table, columns, where) in _COLUMNS.items():
        files = CountedFiles()
        seen = pyarrow.fs.PyFileSystem(pyarrow.fs.FSSpecHandler(files))
        found = ds.dataset(str(folder / table), filesystem=seen, format="parquet")
        rows = len(found.to_table(columns=columns, filter=where))
        print(f"| {name} | pyarrow | | {files.bytes / 1e6:.2f} MB | {rows:,} |")


def _one(folder: pathlib.Path) -> dict[str, str]:
    """An image in the middle, and its narrative."""
    row = duckdb.sql(
        f"SELECT image_id, narrative_id FROM '{folder}/narratives/*.parquet' "
        "ORDER BY image_id OFFSET (SELECT count(*) // 2 FROM "
        f"'{folder}/narratives/*.parquet') LIMIT 1"
    ).fetchall()[0]
    return dict(zip(("image", "narrative"), row, strict=True))


def _row(
    query: Query, form: str, folder: pathlib.Path, values: Mapping[str, str], repeats: int
) -> str:
    look_up = query.look_up if form == query.now else ""
    seconds = []
    for _ in range(repeats):
        start = time.perf_counter()
        rows = _run(duckdb.connect(), form, look_up, str(folder), values)
        seconds.append(time.perf_counter() - start)
    files = CountedFiles()
    counting = duckdb.connect()
    counting.register_filesystem(files)
    assert _run(counting, form, look_up, f"counted://{folder}", values) == rows
    kind = "now" if form == query.now else "before"
    took = statistics.median(seconds)
    requests = len(files.reads)
    return (
        f"| {query.name} | {kind} | {took:.2f} s | {files.bytes / 1e6:.2f} MB | {requests:,} | "
        f"{rows:,} |"
    )


def _run(
    connection: duckdb.DuckDBPyConnection,
    form: str,
    look_up: str,
    root: str,
    values: Mapping[str, str],
) -> int:
    """Runs a query in a version's folder; the number of rows that it gives."""
    connection.execute("SET threads = 2")
    if look_up:
        connection.execute(
            "CREATE TEMP TABLE places AS " + _in_folder(root, look_up.format(**values))
        )
        found = connection.execute("SELECT DISTINCT file FROM places ORDER BY file").fetchall()
        values = {**values, "files": str([f"{root}/{file}" for (file,) in found])}
    connection.execute(_in_folder(root, form.format(**values)))
    return sum(len(rows) for rows in _chunks(connection))


def _in_folder(root: str, text: str) -> str:
    return _TABLE.sub(rf"'{root}/\1'", text)


def _chunks(connection: duckdb.DuckDBPyConnection) -> Iterator[Sequence]:
    while rows := connection.fetchmany(100_000):
        yield rows


if __name__ == "__main__":
    main()
