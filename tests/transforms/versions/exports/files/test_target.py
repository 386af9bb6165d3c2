"""Exports as files: what is there, what another attempt does, and what is not touched."""

import dataclasses
import json
import pathlib
from typing import ClassVar

import google_crc32c
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tests import build_helpers as helpers
from transforms.core.base.errors import ChangedError, UsageError
from transforms.core.model.manifest_entries import TableFile
from transforms.versions.exports.files.target import Completion, FolderTarget, Part
from transforms.versions.exports.version import ExportedVersion, read_rows


@dataclasses.dataclass(frozen=True)
class SumWriter:
    """A system from outside: a file of numbers becomes a line a row, and all of them their sum."""

    version: ExportedVersion
    unit: str = ""
    keeps: bool = True
    name: ClassVar[str] = "sums"

    @property
    def settings(self):
        return {"unit": self.unit, "keeps": self.keeps}

    def check(self):
        pass

    def write(self, file, folder):
        numbers = [
            n for rows in read_rows(self.version.folder, file) for n in rows["n"].to_pylist()
        ]
        with folder.new_file(f"lines/{file.path}.txt") as lines:
            for number in numbers:
                lines.write(f"{number}{self.unit}\n".encode())
        return Part(files=[lines.listed], more={"sum": sum(numbers), "first": numbers[0]})

    def complete(self, parts, folder):
        found = sum(part.more["sum"] for _, part in parts)
        firsts = [part.more["first"] for _, part in parts]
        page = folder.write("sum.json", json.dumps([found, firsts]).encode())
        return Completion(files=[page], notes=["a note"], keeps_parts=self.keeps)


@pytest.fixture
def version(tmp_path):
    folder = tmp_path / "version"
    files = []
    for name, numbers in {"b": [5, 6], "a": [7]}.items():
        path = folder / "numbers" / f"{name}.parquet"
        path.parent.mkdir(parents=True, exist_ok=True)
        pq.write_table(pa.table({"n": numbers}), path)
        data = path.read_bytes()
        files.append(
            TableFile(table="numbers", path=f"numbers/{name}.parquet", rows=len(numbers),
                      bytes=len(data), crc32c=google_crc32c.value(data))
        )  # fmt: skip
    schemas = {"numbers": pa.schema({"n": pa.int64()})}
    return ExportedVersion(str(folder), "v1", "tokens", tuple(files), schemas)


def export(version, output, **settings):
    target = FolderTarget(version, str(output), SumWriter(version, **settings))
    target.prepare()
    missing = [target.put(file) for file in version.files]
    target.finish()
    return target, missing


def test_the_seal_lists_all_files_with_checksums(version, tmp_path):
    target, missing = export(version, tmp_path / "out")
    folder = tmp_path / "out" / "v1"
    assert missing == [True, True]
    assert json.loads((folder / "sum.json").read_text()) == [18, [5, 7]]
    assert (folder / "lines/numbers/b.parquet.txt").read_text() == "5\n6\n"
    seal = json.loads((folder / "export.json").read_text())
    listed = {file["path"]: (file["bytes"], file["crc32c"]) for file in seal["files"]}
    assert listed == {
        path: (len(data), google_crc32c.value(data))
        for path in helpers.files_below(folder)
        if path != "export.json"
        for data in [(folder / path).read_bytes()]
    }
    assert (seal["target"], seal["rows"], seal["notes"]) == ("sums", {"numbers": 3}, ["a note"])
    outcome = target.find()
    assert (outcome.place, outcome.rows, outcome.notes) == (str(folder), {"numbers": 3}, ["a note"])


def test_parts_that_others_are_made_of_are_removed(version, tmp_path):
    target, _ = export(version, tmp_path / "out", keeps=False)
    assert set(helpers.files_below(tmp_path / "out/v1")) == {"export.json", "sum.json"}
    assert target.find() is not None
    target.finish()  # an engine's second attempt
    assert target.find() is not None


def test_another_attempt_writes_what_is_missing_or_corrupt_alone(version, tmp_path):
    folder = tmp_path / "out" / "v1"
    target, _ = export(version, tmp_path / "out")
    before = helpers.files_below(folder)
    (folder / "lines/numbers/a.parquet.txt").unlink()
    assert target.find() is None
    _, missing = export(version, tmp_path / "out")
    assert missing == [False, True]
    kept = "lines/numbers/b.parquet.txt"
    assert helpers.files_below(folder)[kept] == before[kept]
    (folder / kept).write_text("5\n7\n")
    assert export(version, tmp_path / "out")[1] == [True, False]
    (folder / "parts/numbers/a.parquet.json").write_text("{")
    assert export(version, tmp_path / "out")[1] == [False, True]


def test_other_settings_write_all_again_and_leave_nothing_behind(version, tmp_path):
    folder = tmp_path / "out" / "v1"
    export(version, tmp_path / "out")
    (folder / "stray.txt").write_text("x")
    _, missing = export(version, tmp_path / "out", unit="m")
    assert missing == [True, True] and not (folder / "stray.txt").exists()
    assert (folder / "lines/numbers/a.parquet.txt").read_text() == "7m\n"


def test_what_no_such_export_has_made_is_not_touched(version, tmp_path):
    with pytest.raises(UsageError, match="has files that no export has made, such as numbers: give "
                                         "another folder with option `output`"):  # fmt: skip
        export(dataclasses.replace(version, name="version"), tmp_path)
    assert {path.name for path in tmp_path.iterdir()} == {"version"}
    export(version, tmp_path / "out")
    other = SumWriter(version)
    object.__setattr__(other, "name", "means")
    with pytest.raises(UsageError, match="holds an export for `sums`"):
        FolderTarget(version, str(tmp_path / "out"), other).prepare()
    assert FolderTarget(version, str(tmp_path / "out"), SumWriter(version)).find() is not None


def test_a_part_that_is_gone_at_the_end_fails_and_can_be_tried_again(version, tmp_path):
    target = FolderTarget(version, str(tmp_path / "out"), SumWriter(version))
    target.prepare()
    for file in version.files:
        target.put(file)
    (tmp_path / "out/v1/lines/numbers/a.parquet.txt").unlink()
    with pytest.raises(ChangedError, match="were removed meanwhile: run the same command again"):
        target.finish()
    assert not pathlib.Path(tmp_path / "out/v1/export.json").exists()
    export(version, tmp_path / "out")
