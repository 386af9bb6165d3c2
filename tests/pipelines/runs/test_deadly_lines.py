"""Lines that end the process that does them: rejected, on the local engine, and all else is done.

The stage that aborts at a word is one of a job from the outside.
"""

import gzip
import subprocess
import sys

import fastavro
import pyarrow.parquet as pq
import pytest

from tests import build_helpers as helpers
from tests.pipelines.runs import token_captions
from transforms.units.deaths import DEATHS

pytestmark = pytest.mark.soak

LINES = [f"10000927{image:02d}.jpg#0\tTwo young guys, number {image} ." for image in range(60)]
DEADLY = {
    17: "1.jpg#0	a DEADLY caption",
    18: "2.jpg#0	its DEADLY neighbour",
    50: "3.jpg#0	DEADLY",
}


@pytest.fixture(params=["results.token", "results.token.gz"])
def tokens(tmp_path, request):
    lines = list(LINES)
    for number, line in DEADLY.items():
        lines.insert(number, line)
    path = tmp_path / request.param
    data = "".join(f"{line}\n" for line in lines).encode()
    path.write_bytes(gzip.compress(data, mtime=0) if path.suffix == ".gz" else data)
    return path


def arguments(output, path, *more):
    return [*("--input", path, "--output", output, "--unit-bytes", 1024),
            *("--max-bad-share", 0.1, "--deadly", "DEADLY"), *more]  # fmt: skip


def run(*given):
    """The job as a process of its own, which may die."""
    command = [sys.executable, "-m", "tests.pipelines.runs.tokens", *map(str, arguments(*given))]
    return subprocess.run(command, cwd=helpers.ROOT, capture_output=True, text=True)


def assert_just_the_deadly_lines_are_rejected(output, path):
    folder, manifest = helpers.version_of(output), helpers.manifest_of(output)
    found = []
    for name in sorted(folder.glob("rejected/*.avro")):
        with name.open("rb") as file:
            found += fastavro.reader(file)
    data = path.read_bytes()
    data = gzip.decompress(data) if path.suffix == ".gz" else data
    assert [row["raw"].decode() for row in found] == list(DEADLY.values())
    assert [row["byte_offset"] for row in found] == [data.index(row["raw"]) for row in found]
    assert {(row["code"], row["stage"]) for row in found} == {("worker_died", "AbortAt")}
    assert {row["message"] for row in found} == {
        "a process that does this line alone ends by SIGABRT"
    }
    captions = pq.read_table(folder / "captions")
    assert [
        data[offset:].split(b"\n")[0].decode() for offset in captions["byte_offset"].to_pylist()
    ] == LINES
    (shard,) = manifest["shards"]
    assert (shard["lines"], shard["blank"], shard["conserved"]) == (63, 0, True)
    assert [row["line"] for row in manifest["bad_lines"]] == [18, 19, 51]
    assert manifest["counts"].get("repaired", 0) == 0
    helpers.assert_complete(folder)
    assert not list((output / "units").glob("*/*.begun"))


def test_a_run_whose_workers_die_ends_well(tokens, tmp_path):
    output = tmp_path / "out"
    ended = run(output, tokens, "--workers", 2)
    assert ended.returncode == 0, ended.stderr
    assert_just_the_deadly_lines_are_rejected(output, tokens)
    warned = [line for line in ended.stderr.splitlines() if "Running again" in line]
    assert 2 <= len(warned) <= 4, ended.stderr
    assert "is attempted once more" in warned[0]
    assert "the lines of unit 'results" in warned[-1] and "are tried one by one" in warned[-1]


def test_a_run_without_workers_dies_and_the_third_one_rejects_the_line(tmp_path):
    path, output = tmp_path / "results.token", tmp_path / "out"
    path.write_text("".join(f"{line}\n" for line in [*LINES, DEADLY[17]]))
    for _ in range(DEATHS):
        assert run(output, path).returncode == -6  # SIGABRT
    assert run(output, path).returncode == 0
    assert helpers.manifest_of(output)["counts"]["rejected"] == {"worker_died": 1}
    assert token_captions.main([*map(str, arguments(output, path))]) == 0  # nothing to do
