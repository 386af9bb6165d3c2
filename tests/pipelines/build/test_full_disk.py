"""The main job on a disk that is full, for what it writes and for what it keeps meanwhile."""

import contextlib
import errno
import os
import re
import tempfile

import numpy as np
import pyarrow as pa
import pytest

from tests import build_helpers as helpers
from tests.engines import jobs
from tests.soak import disks
from transforms import storage
from transforms.core.base.errors import EngineError
from transforms.core.model.columns import set_columns
from transforms.core.output.statistics.captions import richness
from transforms.core.output.statistics.captions.digests import digests_of_captions
from transforms.core.sources.captions.schemas import READ_CAPTIONS
from transforms.units.publishing import write_version

pytestmark = pytest.mark.soak

SHARDS = [helpers.GENERATED[0], helpers.REAL]


@contextlib.contextmanager
def small_disk(folder, size, *more):
    """A folder with room for some bytes; needs the right to mount."""
    try:
        with disks.small_disk(folder, size, *more) as disk:
            yield disk
    except disks.CannotMount as error:
        pytest.skip(str(error))


def said(ended):
    """Sentences on standard error that say why a run failed, or that it crashed."""
    return [line for line in ended.err.splitlines() if re.match("error|Traceback", line)]


def test_a_full_disk_ends_the_run_with_its_path_and_room(tmp_path):
    with small_disk(tmp_path / "disk", "100k") as disk:
        ended = jobs.run(*helpers.arguments(disk / "output", SHARDS, "--unit-bytes", 50_000))
        assert ended.code == 4, ended.err
        (sentence,) = said(ended)
        told = rf"error: '{disk}/output/.*': No space left on device, [\d,]+ bytes are free there"
        assert re.match(told, sentence), ended.err
        assert not (disk / "output" / "CURRENT").exists()


def test_a_full_folder_for_temporary_files_ends_in_order(tmp_path):
    with small_disk(tmp_path / "disk", "4k") as disk:
        with contextlib.suppress(OSError):
            (disk / "filling").write_bytes(bytes(100_000))
        ended = jobs.run(
            *helpers.arguments(tmp_path / "output", SHARDS), environment={"TMPDIR": str(disk)}
        )
        assert ended.code in (0, 4), ended.err
        assert len(said(ended)) <= 1, ended.err


BOXES = helpers.ROOT / "samples/open_images/validation/annotations-human-bbox.csv"


@pytest.mark.parametrize(("name", "workers"), [("versions", 2), ("indexes", 1), ("runs", 1)])
def test_a_disk_that_is_full_for_one_folder_of_an_output_is_named(tmp_path, name, workers):
    """While a version is published, an index is written, the outcome is noted."""
    output = tmp_path / "output"
    with small_disk(output / name, "40k") as disk:
        if name != "versions":  # all else is small
            with contextlib.suppress(OSError):
                (disk / "filling").write_bytes(bytes(100_000))
        ended = jobs.run(*helpers.arguments(output, [helpers.REAL], "--boxes", BOXES,
                                            "--workers", workers))  # fmt: skip
        assert ended.code == 4, ended.err
        (sentence,) = said(ended)
        told = (
            rf"error: '{disk}/.*': No space left on device, [\d,]+ bytes are free there and about "
            r"[\d,]+ are needed; free some space"
        )
        assert re.match(told, sentence), ended.err
        assert name == "runs" or not (output / "CURRENT").exists()
        assert not list(output.rglob("*.tmp"))


def write_file(path):
    with storage.new_file(path) as local, open(local, "wb") as file:
        file.write(bytes(100_000))


def write_folder(path):
    with storage.new_folder(path, lambda _: False) as local:
        write_file(f"{local}/file")


@pytest.mark.parametrize(
    ("write", "needed"),
    [
        (write_file, None),
        (write_folder, None),
        (lambda path: storage.write_bytes(path, bytes(100_000)), "100,000"),
        (lambda path: storage.create_exclusively(path, bytes(100_000)), "100,000"),
        (lambda path: storage.swap_pointer(path, None, bytes(100_000)), "100,000"),
    ],
)
def test_whatever_is_written_to_a_full_disk_is_named(tmp_path, write, needed):
    told = f" and about {needed} are needed; free" if needed else "; free"
    with small_disk(tmp_path / "disk", "12k") as disk:
        with pytest.raises(EngineError, match=f"'{disk}/.*: No space left .* are free there{told}"):
            write(str(disk / "file"))
        assert not list(disk.rglob("*.tmp"))


def test_a_copy_to_a_full_disk_is_named_with_what_it_needs(tmp_path):
    source = helpers.write_lines(tmp_path / "source", [bytes(100_000)])
    with small_disk(tmp_path / "disk", "12k") as disk:
        told = f"'{disk}/file': No space left .* and about 100,000 are needed"
        with pytest.raises(EngineError, match=told):
            storage.copy_files([(str(source), str(disk / "file"))])


def test_a_statistic_on_a_full_disk_is_named_with_what_it_needs(tmp_path):
    numbers = np.random.default_rng(1).integers(0, 1 << 60, (2, 9_000))
    table = pa.table({"nouns": numbers[0], "captions": numbers[1]})
    with small_disk(tmp_path / "disk", "12k") as disk:
        told = f"'{disk}/noun_counts/.*': No space left .* and about {table.nbytes:,} are needed"
        with pytest.raises(EngineError, match=told):
            write_version._write_table(str(disk), "noun_counts", table)


def test_a_full_folder_for_merging_what_units_set_aside_is_named(tmp_path, monkeypatch):
    ids = pa.array([str(number) for number in range(9_000)])
    captions = pa.RecordBatch.from_pylist([{}] * len(ids), schema=READ_CAPTIONS)
    captions = set_columns(captions, image_id=ids, caption_id=ids)
    monkeypatch.setattr(richness, "_IN_MEMORY", 1)
    with small_disk(tmp_path / "disk", "12k") as disk:
        monkeypatch.setattr(tempfile, "tempdir", str(disk))
        with pytest.raises(EngineError, match=f"^'{disk}': No space left .* are free there"):
            richness.CaptionRichness().gather(lambda _: iter([digests_of_captions(captions)]))


def test_a_disk_too_full_to_remove_from_is_named(tmp_path, monkeypatch):
    """As of a file system that writes where it removes (Btrfs, NFS)."""

    def refuse(path):
        raise OSError(errno.ENOSPC, "No space left on device", path)

    monkeypatch.setattr(os, "remove", refuse)
    with pytest.raises(EngineError, match=f"^'{tmp_path}/file': No space .* bytes are free there"):
        storage.remove_file(str(tmp_path / "file"))


def test_a_folder_for_temporary_files_that_is_read_only_is_passed_over(tmp_path):
    with small_disk(tmp_path / "disk", "1m", "ro") as disk:
        ended = jobs.run(
            *helpers.arguments(tmp_path / "output", [helpers.REAL]),
            environment={"TMPDIR": str(disk)},
        )
        assert ended.code == 0 and not said(ended), ended.err
