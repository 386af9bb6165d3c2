"""Probes of the annotation index at the size of Open Images V7: B10c, B10d and B10e."""

import contextlib
import itertools
import os
import pathlib
import re
import statistics
import tempfile
from collections.abc import Callable

import numpy as np
import pyarrow as pa

from benchmarks import job as in_process
from benchmarks.measuring import processes
from benchmarks.measuring.measure import Bench, Round
from benchmarks.probes import commands
from transforms.core.sources.annotations.contents import TABLES
from transforms.core.sources.annotations.lookup import KIND
from transforms.core.sources.index.buckets import KEY, TableIndex
from transforms.core.sources.index.manifest import read_manifest

WORKERS = 2
_LOOKED_UP, _SETS = 2_000, 16
_TIMES = 4
_AS_OPEN_IMAGES = ("--dataset", "open_images", "--split", "train", "--no-guard")
"""Generated narratives have the index's labels; their words and its boxes agree by chance only."""


def annotation_index(bench: Bench) -> Callable[[], Round]:
    """The index of V7's boxes and labels, and `read_csv` of the same files."""
    files = bench.material.release(bench.material.amounts.releases[-1])

    def measure_round() -> Round:
        paths = [path for own in files.values() for path in own]
        read = processes.run(commands.read_csv(paths))
        with tempfile.TemporaryDirectory(dir=bench.scratch) as output:
            looks = {
                "peak memory": processes.memory_of,
                "most disk": lambda _: _bytes_below(output),
            }
            command = commands.index_release(output, files, WORKERS)
            built = processes.watch(command, looks, bench.root, interval=1.0)
            return {
                "read_csv": read,
                "index": built.pop("seconds"),
                **built,
                "index on disk": _bytes_below(output),
            }

    return measure_round


def lookup(bench: Bench) -> Callable[[], Round]:
    """Labels of random images in indexes of three sizes: of each set of images once, and again.

    Again, the pages that are read have been mapped.
    """
    shares = bench.material.amounts.releases
    names = ("smallest", "middle", "largest")[-len(shares) :]
    opened = {name: _labels(bench, share) for name, share in zip(names, shares, strict=True)}
    sets = {name: itertools.cycle(_sets_of_ids(folder)) for name, (folder, _) in opened.items()}

    def measure_round() -> Round:
        found: Round = {}
        for name, (_, table) in opened.items():
            for when in ("", ", again"):
                own = [_timed(table, next(sets[name])) for _ in range(_SETS)]
                seconds, rows = map(statistics.median, zip(*own, strict=True))
                found[f"{name}, a row{when}"] = seconds / rows
                found[f"{name}, 2,000 images{when}"] = seconds
        return found

    return measure_round


def job(bench: Bench) -> Callable[[], Round]:
    """The main job over narratives of random images in indexes of two sizes, two workers."""
    shares = bench.material.amounts.releases
    prepared = {
        name: _narratives_of(bench, share)
        for name, share in (("smallest", shares[0]), ("largest", shares[-1]))
    }

    def measure_round() -> Round:
        found: Round = {}
        for name, (folder, shards) in prepared.items():
            with tempfile.TemporaryDirectory(dir=bench.scratch) as output:
                flags = (*_AS_OPEN_IMAGES, "--tagger", "none", "--workers", str(WORKERS))
                command = commands.build(output, folder, shards, *flags)
                found[name] = processes.run(command, bench.root)
        return found

    return measure_round


def _narratives_of(bench: Bench, share: float) -> tuple[str, list[str]]:
    """An index at a share of V7's rows, and shards of narratives of images that it has."""
    folder, _ = _labels(bench, share)
    shards = bench.material.shards(_TIMES)
    ids = _random_ids(folder, bench.material.count(_TIMES))
    each = -(-len(ids) // len(shards))
    written = []
    for number, shard in enumerate(shards):
        own = iter(ids.slice(number * each, each).to_pylist())
        path = bench.scratch / f"narratives-{share}-{number}.jsonl"
        with open(shard, "rb") as lines, path.open("wb") as file:
            file.writelines(_with_image(line, next(own)) for line in lines)
        written.append(str(path))
    return folder, written


def _with_image(line: bytes, image_id: str) -> bytes:
    return re.sub(rb'("image_id": ?)"[^"]*"', rb'\1"%s"' % image_id.encode(), line, count=1)


def _labels(bench: Bench, share: float) -> tuple[str, TableIndex]:
    """The folder of an index at a share of V7's rows, and its labels."""
    output = str(bench.scratch / f"index-{share}")
    command = commands.index_release(output, bench.material.release(share), WORKERS)
    processes.run(command, bench.root)
    (folder,) = map(str, pathlib.Path(output).glob(f"{KIND}-*"))
    manifest = read_manifest(folder, (KIND,))
    return folder, TableIndex(folder, manifest.tables["labels"], TABLES["labels"])


def _sets_of_ids(folder: str) -> list[pa.StringArray]:
    """Sets of 2,000 random images with labels."""
    ids = _random_ids(folder, _SETS * _LOOKED_UP)
    return [ids.slice(number * _LOOKED_UP, _LOOKED_UP) for number in range(_SETS)]


def _random_ids(folder: str, count: int) -> pa.StringArray:
    """Random images with labels, nearly the same number from each bucket; `(count,)`."""
    rng = np.random.default_rng(1)
    files = sorted(pathlib.Path(folder).glob("labels-*.arrow"))
    drawn = []
    for path in files:
        keys = pa.ipc.open_file(pa.memory_map(str(path))).get_batch(0)[KEY]
        chosen = rng.integers(0, len(keys), -(-count // len(files)))
        drawn.append(keys.take(pa.array(chosen)).cast(pa.binary()).cast(pa.string()))
    ids = pa.concat_arrays(drawn)
    return ids.take(pa.array(rng.permutation(len(ids))[:count]))


def _timed(table: TableIndex, keys: pa.StringArray) -> tuple[float, int]:
    seconds, (offsets, _) = in_process.clock(table.lookup, keys)
    return seconds, int(offsets[-1])


def _bytes_below(folder: str) -> int:
    total = 0
    for place, _, names in os.walk(folder):
        for name in names:
            with contextlib.suppress(FileNotFoundError):
                total += os.stat(os.path.join(place, name)).st_blocks * 512
    return total
