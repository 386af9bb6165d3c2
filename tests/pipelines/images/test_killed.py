"""A download that is killed resumes: finished units are not asked for again, nothing is lost."""

import json
import os
import pathlib
import random
import signal
import subprocess
import sys
import time

import pyarrow.parquet as pq
import pytest

from tests import build_helpers as helpers
from tests.pipelines.images import servers
from tests.pipelines.images.test_images import by_id, members_of, rows_of, run, wanted
from tests.transforms.core.stages.fetch.test_rows import chunk_of
from tests.transforms.core.stages.fetch.test_rows import wanted as image
from transforms.collections.images.downloading import Manners
from transforms.collections.images.fetching import FetchPlan
from transforms.collections.images.stages import FetchImages
from transforms.core.output.commit_records import decode_record
from transforms.core.output.jobs.images import IMAGES
from transforms.core.stages.fetch.frames import Frame
from transforms.core.stages.fetch.judging import Rules

KILLS = 4
PAUSE = 0.03
"""Seconds in which the server sends a picture."""


def arguments(narratives, output, workers):
    return [sys.executable, "-m", "pipelines", "images", "--input", str(narratives), "--output",
            str(output), "--size", "original", "--unit-images", "4", "--rate", "60",
            "--connections", "2", "--attempts", "1", "--workers", str(workers)]  # fmt: skip


def finished(output):
    """Addresses of the pictures of finished units."""
    found = set()
    for path in output.glob("units/*/record"):
        record = decode_record(path.read_bytes())
        for file in record.files:
            if file.table == "images":
                found |= set(pq.read_table(output / file.path)["image_id"].to_pylist())
    return found


def kill_somewhere(command, server, after):
    """Starts a run and kills its process group after so many requests; returns whether it lived."""
    process = subprocess.Popen(
        command, cwd=helpers.ROOT, start_new_session=True, stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )  # fmt: skip
    until, begin = time.monotonic() + helpers.TIMEOUT_SECONDS, len(server.requests)
    while process.poll() is None and time.monotonic() < until:
        if len(server.requests) - begin >= after:
            os.killpg(process.pid, signal.SIGKILL)
            break
        time.sleep(0.005)
    return process.wait()


@pytest.mark.soak
@pytest.mark.parametrize("workers", [1, 2])
def test_what_is_finished_is_not_asked_for_again(web, narratives, answers, tmp_path, workers):
    seed = int(time.time() // 86_400)
    chance, output = random.Random(seed), tmp_path / "out"
    for image_id, data in web.originals.items():
        answers[f"/original/{image_id}.jpg"] = _slowly(data)
    command, kills = arguments(narratives, output, workers), 0
    for _ in range(KILLS):
        known = finished(output) if output.exists() else set()
        before = len(web.server.requests)
        code = kill_somewhere(command, web.server, chance.randrange(1, 12))
        asked = {pathlib.PurePath(path).stem for path in web.server.paths()[before:]}
        assert not asked & known, f"seed {seed}"
        kills += code == -signal.SIGKILL
        if code == 0:
            break
    assert kills >= 2
    assert subprocess.run(command, cwd=helpers.ROOT, capture_output=True).returncode == 0
    assert by_id(rows_of(output, "images")).keys() == wanted(narratives).keys()
    assert rows_of(output, "failures") == []
    other = tmp_path / "undisturbed"
    assert run(narratives, other, "--size", "original", "--unit-images", 4) == 0
    assert members_of(output) == members_of(other)
    assert helpers.version_of(output).name == helpers.version_of(other).name
    helpers.assert_nothing_abandoned(output)
    told = [json.loads(data) for name, data in members_of(output).items() if ".json" in name]
    assert len(told) == len(wanted(narratives))


def _slowly(data):
    def behave(handler, _):
        time.sleep(PAUSE)
        handler.reply(200, data, {"Content-Type": "image/jpeg"})

    return behave


@pytest.mark.soak
def test_a_corrupt_shard_is_fetched_again_and_nothing_else(web, narratives, answers, tmp_path):
    output = tmp_path / "out"
    assert run(narratives, output, "--size", "original") == 0
    before = members_of(output)
    shard = sorted((helpers.version_of(output) / "samples").iterdir())[1]
    harmed = bytearray(shard.read_bytes())
    harmed[700] ^= 1
    shard.write_bytes(harmed)
    web.server.requests.clear()
    assert run(narratives, output, "--size", "original", "--verify-output") == 0
    assert 0 < len(web.server.paths()) <= 7
    assert members_of(output) == before


@pytest.mark.long
def test_workers_give_the_same_bytes(narratives, tmp_path):
    for name, workers in (("one", 1), ("two", 2)):
        more = ["--size", "original", "--workers", workers]
        assert run(narratives, tmp_path / name, *more) == 0
    one, two = (helpers.version_of(tmp_path / name) for name in ("one", "two"))
    assert one.name == two.name
    for path in sorted((one / "samples").iterdir()):
        assert (two / "samples" / path.name).read_bytes() == path.read_bytes()


def test_a_trial_of_lines_asks_for_nothing():
    """A unit whose workers died is rehearsed without its servers."""
    plan = FetchPlan("original", True, Rules(), Frame(), Manners(), "out")
    with servers.serving() as server:
        chunk = chunk_of([image("1", url=server.url("/a.jpg"))])
        done = FetchImages(plan).rehearse()()(chunk)
        assert server.requests == []
    assert IMAGES.count_chunk(done.with_tables(samples=done["failures"])).conserved(
        IMAGES.accounted
    )
