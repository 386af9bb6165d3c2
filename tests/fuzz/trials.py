"""One trial: shards of mutated lines through the whole job, and what must hold afterwards."""

import contextlib
import json
import pathlib
import resource

import numpy as np

from pipelines.build.job import main
from tests import build_helpers as helpers
from tests.fuzz.mutations import mutated, short_lines
from tests.reference import reading as reference
from transforms.core.base.lines import Block
from transforms.core.sources.narratives.block_scanner import line_ends, scan_block
from transforms.core.sources.narratives.reading import scanned_batch
from transforms.core.sources.narratives.strict_reader import read_strictly

LINES_A_TRIAL = 100_000


def write_shard(path: pathlib.Path, count: int, seed: int) -> pathlib.Path:
    """A shard of mutated lines of the sample; it may lack its last line end."""
    sources = [line.rstrip(b"\n") for line in helpers.lines_of(helpers.REAL)]
    sources += [line.rstrip(b"\n") for line in helpers.lines_of(helpers.GENERATED[0])]
    end = b"\n" * (seed % 2)
    path.write_bytes(b"\n".join(mutated(short_lines(sources), count, seed)) + end)
    return path


def run_job(shard: pathlib.Path, output: pathlib.Path, tagger: str = "none") -> list[str]:
    """Runs the job over a shard; returns what does not hold."""
    arguments = ["--input", shard, "--output", output, "--tagger", tagger, "--max-bad-share", "1"]
    arguments += ["--unit-bytes", str(4 << 20), "--summary", "json"]
    code = main([*map(str, arguments)])
    if code != 0:
        return [f"{shard}: exit code {code}"]
    return _problems(shard, output)


def _problems(shard: pathlib.Path, output: pathlib.Path) -> list[str]:
    manifest = helpers.assert_whole(helpers.version_of(output))
    (row,) = manifest["shards"]
    data = shard.read_bytes()
    lines = data.count(b"\n") + (not data.endswith(b"\n"))
    problems = []
    if not row["conserved"] or (row["lines"], row["bytes"]) != (lines, len(data)):
        problems.append(f"{shard}: not conserved: {row}")
    accounted = row["narratives"] + row["discarded"] + row["rejected"] + row["blank"]
    if accounted != lines:
        problems.append(f"{shard}: {accounted} of {lines} lines have an outcome")
    for bad in helpers.rows_of(output, "rejected"):
        at = bad["byte_offset"]
        if data[at : at + len(bad["raw"])] != bad["raw"]:
            problems.append(f"{shard}: byte {at}: the raw bytes are others")
    return problems


def compare_ways(data: bytes) -> list[str]:
    """What the scanner takes, the strict way must take as the same; returns differences."""
    block = Block.of(data)
    scan = scan_block(block)
    ends = line_ends(block)
    starts = np.concatenate([[0], ends + 1])[: len(ends)]
    strict = read_strictly(block, starts, ends, scan.lines, "full")
    if strict.lines.tolist() != scan.lines.tolist():
        return [f"lines {set(scan.lines.tolist()) - set(strict.lines.tolist())} are rejected"]
    return [] if scanned_batch(block, scan).equals(strict.batch) else ["the rows differ"]


def compare_with_reference(shard: pathlib.Path, output: pathlib.Path) -> list[str]:
    """Which lines are kept, against the independent reading; values a repeated key replaces may
    be looked at by the job, so lines with a repeated key are left out."""
    records, rejected, _ = reference.read_shard(shard, shard.name)
    kept = {row["byte_offset"] for row in helpers.rows_of(output, "narratives")}
    expected = {record["byte_offset"] for record in records}
    data = shard.read_bytes()
    return [
        f"{shard}: byte {at}: kept by one alone"
        for at in sorted(kept ^ expected)
        if not _repeats_a_key(data[at : (data.find(b"\n", at) + 1 or len(data) + 1) - 1])
    ]


def _repeats_a_key(line: bytes) -> bool:
    found = []

    def look(pairs):
        found.append(len(dict(pairs)) < len(pairs))
        return dict(pairs)

    with contextlib.suppress(ValueError):  # it is for the reference to say what is wrong
        json.loads(line, object_pairs_hook=look, parse_int=reference.read_int)
    return any(found)


def peak_memory() -> int:
    """Most bytes that this process has had in memory."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss << 10
