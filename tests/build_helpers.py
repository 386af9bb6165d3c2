"""Running the main job in tests, and looking at what it leaves behind."""

import collections
import contextlib
import json
import os
import pathlib
import signal
import time

import fastavro
import google_crc32c
import pyarrow.parquet as pq

from pipelines.build.job import main
from transforms.core.output.jobs import narratives as job

ROOT = pathlib.Path(__file__).parents[1]
NARRATIVES = ROOT / "samples" / "narratives"
REAL = NARRATIVES / "vidln_as_localized_narratives.jsonl"
ODD_AND_BAD = NARRATIVES / "odd_and_bad.jsonl"
GENERATED = sorted(NARRATIVES.glob("generated_train_localized_narratives-*.jsonl"))
SHARDS = [*GENERATED, ODD_AND_BAD, REAL]
STATISTICS_TABLES = {name: table.schema for name, table in job.NARRATIVES.statistics_tables.items()}
TIMEOUT_SECONDS = 120
"""Seconds after which a test gives up waiting."""


def arguments(output, shards, *more):
    """Command line of a run without tagger and guard over shards that may hold bad lines."""
    command = ["--output", output, "--tagger", "none", "--max-bad-share", "0.5", "--no-guard"]
    command.append("--input")
    return [*map(str, [*command, *shards]), *map(str, more)]


def build(output, shards, *more):
    """Runs the job in this process; returns the exit code."""
    return main(arguments(output, shards, *more))


def version_of(output):
    """The folder of the current version."""
    return output / "versions" / (output / "CURRENT").read_text().strip()


def manifest_of(output):
    return json.loads((version_of(output) / "manifest.json").read_text())


def read_file(path):
    """Rows of a Parquet or Avro file."""
    if path.suffix == ".avro":
        with path.open("rb") as file:
            return list(fastavro.reader(file))
    return pq.read_table(path).to_pylist()


def rows_of(output, table):
    """All rows of a table; those of units in order of shard and byte, whatever the units were."""
    found = [row for path in sorted((version_of(output) / table).iterdir())
             for row in read_file(path)]  # fmt: skip
    if found and "byte_offset" in found[0]:
        return sorted(found, key=lambda row: (row["shard"], row["byte_offset"]))
    return sorted(found, key=lambda row: json.dumps(row, sort_keys=True))


def without(rows, *columns):
    """Rows without some columns."""
    return [{name: row[name] for name in row if name not in columns} for row in rows]


def statistics_of(output):
    """The bytes of the statistics tables."""
    folder = version_of(output)
    return {name: (folder / name / f"{name}.parquet").read_bytes() for name in STATISTICS_TABLES}


def assert_same_results(output, other):
    """Same rows and byte-identical statistics, however the two were made."""
    assert statistics_of(output) == statistics_of(other)
    for table in ("narratives", "mentions", "words", "discarded"):
        assert rows_of(output, table) == rows_of(other, table), table
    positions = ("unit", "line_in_unit")
    assert without(rows_of(output, "rejected"), *positions) == without(
        rows_of(other, "rejected"), *positions
    )


def files_below(folder):
    """Inode and time of every file below a folder: changes when anything is written again."""
    return {
        str(path.relative_to(folder)): (path.stat().st_ino, path.stat().st_mtime_ns)
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def records_of(output):
    """The commit records: inode and time by unit key."""
    return {
        path.parts[0]: status
        for path, status in ((pathlib.PurePath(p), s) for p, s in
                             files_below(output / "units").items())
        if path.name == "record"
    }  # fmt: skip


PAGES = {
    *("report.html", "README.md", "croissant.json", "datapackage.json", "schema.json"),
    "views.sql",
}
"""Files of every version beside its tables, its manifest and what is for BigQuery."""


def assert_whole(folder):
    """A version of narratives is complete, and its numbers are those of its rows."""
    manifest, rows = assert_complete(folder)
    counts = manifest["counts"]
    assert rows["narratives"] == counts["narratives"] == sum_of(manifest, "narratives")
    assert rows["discarded"] == counts["discarded_narratives"] == sum_of(manifest, "discarded")
    assert rows["rejected"] == sum(counts["rejected"].values()) == sum_of(manifest, "rejected")
    assert rows["mentions"] == counts["mentions"]
    return manifest


def assert_complete(folder):
    """A version is what its manifest says: every file listed is there and true, and no other."""
    manifest = json.loads((folder / "manifest.json").read_text())
    listed = {file["path"] for file in manifest["files"]}
    found = {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()}
    pages = {file["path"] for file in manifest["pages"]}
    assert {path for path in pages if not path.startswith("bigquery/")} == PAGES
    assert found == listed | pages | {"manifest.json"}
    for file in manifest["pages"]:
        data = (folder / file["path"]).read_bytes()
        assert (len(data), google_crc32c.value(data)) == (file["bytes"], file["crc32c"])
    rows = collections.Counter()
    for file in manifest["files"]:
        data = (folder / file["path"]).read_bytes()
        assert file["path"].startswith(f"{file['table']}/")
        assert (len(data), google_crc32c.value(data)) == (file["bytes"], file["crc32c"])
        assert len(read_file(folder / file["path"])) == file["rows"]
        rows[file["table"]] += file["rows"]
    return manifest, rows


def sum_of(manifest, column):
    return sum(shard[column] for shard in manifest["shards"])


def assert_nothing_abandoned(output):
    """Below an output there is only what a finished run keeps."""
    assert not [path for path in output.rglob("*") if ".tmp" in path.name]
    for unit in (output / "units").iterdir():
        names = [path.name for path in unit.iterdir()]
        assert "record" in names and len(names) <= 2, names
    empty = [path for path in output.rglob("*") if path.is_dir() and not any(path.iterdir())]
    assert not empty


def write_lines(path, lines):
    """Writes a shard of these lines."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(b"".join(lines))
    return path


def lines_of(path, *numbers):
    """Lines of a shard with their ends, all or those of these numbers (from 0)."""
    lines = path.read_bytes().splitlines(keepends=True)
    return [lines[number] for number in numbers] if numbers else lines


def flip_bit(path, number):
    """Flips a bit of a file in its place; its time of modification stays."""
    status, data = path.stat(), bytearray(path.read_bytes())
    data[number // 8 % len(data)] ^= 1 << number % 8
    with path.open("r+b") as file:
        file.write(data)
    os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns))


def wait_for(condition):
    """Waits until a condition holds; fails after a while."""
    end = time.monotonic() + TIMEOUT_SECONDS
    while not condition():
        assert time.monotonic() < end, "waited too long"
        time.sleep(0.01)


def is_running(pid):
    """Whether a process exists and has not ended."""
    try:
        state = pathlib.Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except FileNotFoundError:
        return False
    return state not in "ZX"


def heed_interrupts():
    """For a new process: what a shell starts in the background, or `nohup`, ignores some."""
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_DFL)


def descendants(pid):
    """Processes that a process has started, and those that these have started."""
    parents = collections.defaultdict(list)
    for folder in pathlib.Path("/proc").iterdir():
        if folder.name.isdigit():
            try:
                fields = (folder / "stat").read_text().rpartition(")")[2].split()
            except OSError:
                continue
            parents[int(fields[1])].append(int(folder.name))
    found = []
    waiting = [pid]
    while waiting:
        waiting += (children := parents[waiting.pop()])
        found += children
    return found


def touch_later(path, seconds=5):
    """Moves a file's modification time, as a later change does on any file system."""
    status = path.stat()
    os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns + seconds * 10**9))


def listening(pids):
    """Addresses on which processes listen, as /proc has them: hexadecimal, with the port."""
    inodes = {}
    for table in ("tcp", "tcp6"):
        for line in pathlib.Path(f"/proc/net/{table}").read_text().splitlines()[1:]:
            fields = line.split()
            if fields[3] == "0A":  # LISTEN
                inodes[f"socket:[{fields[9]}]"] = fields[1]
    found = set()
    for pid in pids:
        for descriptor in pathlib.Path(f"/proc/{pid}/fd").glob("*"):
            with contextlib.suppress(OSError):
                found.add(inodes.get(os.readlink(descriptor)))
    return found - {None}
