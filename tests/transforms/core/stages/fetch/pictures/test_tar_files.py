"""Tar files, beside Python's own reader and GNU tar."""

import shutil
import subprocess
import tarfile

import pyarrow as pa
import pytest

from transforms.core.output.tables import write_table
from transforms.core.stages.fetch.pictures.schemas import SAMPLES
from transforms.core.stages.fetch.pictures.tar_files import data_offsets, read_tar, write_tar

MEMBERS = {"a.jpg": b"x" * 511, "a.json": b"{}", "b.jpg": b"y" * 512, "b.json": b"", "c.png": b"z"}


def table(members):
    return pa.table({"member": list(members), "data": list(members.values())}, schema=SAMPLES)


def test_members_and_offsets_are_those_that_tarfile_finds(tmp_path):
    path = tmp_path / "a.tar"
    write_tar(table(MEMBERS), path)
    with tarfile.open(path) as opened:
        found = {member.name: opened.extractfile(member).read() for member in opened}
        offsets = [member.offset_data for member in opened]
        assert {member.mtime for member in opened} == {0}
    assert read_tar(path.read_bytes()).equals(pa.table(table(MEMBERS).columns, ["member", "data"]))
    assert found == MEMBERS and list(found) == list(MEMBERS)
    assert offsets == data_offsets([len(data) for data in MEMBERS.values()]).tolist()
    if tar := shutil.which("tar"):
        run = subprocess.run([tar, "-tf", path], capture_output=True, text=True, check=True)
        assert run.stdout.split() == list(MEMBERS)


@pytest.mark.parametrize("rows", [table(MEMBERS), table(MEMBERS).to_batches()[0], table({})])
def test_the_same_rows_give_the_same_bytes(tmp_path, rows):
    entries = [
        write_table("samples", rows, str(tmp_path / name), "samples.tar") for name in ("a", "b")
    ]
    assert entries[0] == entries[1] and entries[0].rows == len(rows)
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()
    with tarfile.open(tmp_path / "a") as opened:
        assert len(opened.getmembers()) == len(rows)
