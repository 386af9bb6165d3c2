"""`verify`: bit flips and missing files are found, and what the units still have is rebuilt."""

import os
import random
import shutil

import pytest

from tests import build_helpers as helpers
from tests.pipelines.versions.helpers import as_json, build, versions

BOXES = helpers.ROOT / "samples" / "open_images" / "train" / "annotations-human-bbox.csv"


def problems(capsys, output, *more):
    """Exit code, and by version what is wrong: names of files below the output, and how."""
    code, found = as_json(capsys, output, "verify", *more)
    return code, {
        version["version"]: {
            os.path.relpath(problem["path"], output): problem["what"]
            for problem in version["problems"]
        }
        for version in found["versions"]
    }


def test_what_runs_have_made_is_intact(output, names, capsys):
    assert problems(capsys, output) == (0, {name: {} for name in names})
    assert problems(capsys, output, names[0]) == (0, {names[0]: {}})
    assert versions(output, "verify") == 0
    assert capsys.readouterr().out.count(": intact (") == 2


def test_every_flipped_bit_is_found(output, names, capsys):
    """In any file of a version, at any place, without another time of modification."""
    chance = random.Random(5)
    folder = output / "versions" / names[0]
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    for path in files:
        kept = path.read_bytes()
        helpers.flip_bit(path, chance.randrange(8 * len(kept)))
        what = "unreadable" if path.name == "manifest.json" else "other checksum"
        code, found = problems(capsys, output, names[0])
        assert (code, found) == (3, {names[0]: {str(path.relative_to(output)): what}})
        path.write_bytes(kept)
    assert len(files) > 15 and problems(capsys, output)[0] == 0


def test_missing_cut_and_foreign_files_are_told(output, names, capsys):
    folder = output / "versions" / names[1]
    first, second, *_ = sorted((folder / "narratives").iterdir())
    first.unlink()
    data = second.read_bytes()
    second.unlink()
    second.write_bytes(data[:-1])
    (folder / "narratives" / "own.parquet").write_bytes(b"mine")
    code, found = as_json(capsys, output, "verify", "current")
    (version,) = found["versions"]
    assert code == 3 and not found["intact"] and version["unlisted"] == ["narratives/own.parquet"]
    assert [problem["what"] for problem in version["problems"]] == ["missing", "other size"]
    assert versions(output, "verify", "current") == 3
    text = capsys.readouterr().out
    assert "2 files of" in text and "missing" in text and "--repair rebuilds" in text


def test_files_of_units_are_restored_from_their_units(output, names, capsys):
    folder = output / "versions" / names[1]
    gone = sorted((folder / "narratives").iterdir())[:3]
    for path in gone:
        path.unlink()
    assert versions(output, "verify", "--repair") == 0
    assert "3 files restored from another copy" in capsys.readouterr().out
    helpers.assert_whole(folder)
    assert all(path.stat().st_nlink > 1 for path in gone)
    assert problems(capsys, output)[0] == 0


def test_files_of_units_are_restored_from_another_version(output, names, capsys):
    """The units are removed; the older version holds the same files."""
    folder = output / "versions" / names[0]
    for path in (output / "units").glob("vidln*"):
        shutil.rmtree(path)
    gone = sorted((folder / "narratives").iterdir())
    for path in gone:
        path.unlink()
    assert versions(output, "verify", names[0], "--repair") == 0
    helpers.assert_whole(folder)


@pytest.mark.parametrize("name", ["report.html", "README.md", "richness/richness.parquet"])
def test_tables_of_all_units_and_pages_are_made_again(output, names, name, capsys):
    folder = output / "versions" / names[0]
    before = (folder / name).read_bytes()
    helpers.flip_bit(folder / name, 99)
    assert versions(output, "verify", "--repair") == 0
    assert "made again of its units" in capsys.readouterr().out
    helpers.assert_whole(folder)
    assert (folder / name).read_bytes() == before
    assert helpers.version_of(output).name == names[1]
    assert problems(capsys, output)[0] == 0


def test_a_fault_that_a_version_shares_with_its_unit_goes_with_the_next_run(output, names, capsys):
    folder = output / "versions" / names[1]
    path = sorted((folder / "narratives").iterdir())[0]
    helpers.flip_bit(path, 999)
    assert versions(output, "verify", "current", "--repair") == 3
    text = capsys.readouterr().out
    assert "1 unit had the same faults and are removed" in text and "could not be repaired" in text
    assert build(output, [helpers.REAL, *helpers.GENERATED]) == 0
    assert "1 unit pending" in capsys.readouterr().out
    assert helpers.version_of(output) == folder
    assert problems(capsys, output, "current")[0] == 0


def test_what_nobody_has_any_more_stays_broken_and_says_so(output, names, capsys):
    (output / "versions" / names[1] / "manifest.json").write_bytes(b"{")
    shutil.rmtree(output / "units")
    assert versions(output, "verify", "--repair") == 3
    assert "the command that made the version makes it again" in capsys.readouterr().out
    assert versions(output, "list") == 0
    assert f"corrupt {names[1]}: " in capsys.readouterr().out


def test_the_index_is_verified_where_it_is(tmp_path, capsys):
    output = tmp_path / "out"
    assert build(output, [helpers.REAL], "--boxes", BOXES) == 0
    assert problems(capsys, output)[0] == 0
    (index,) = (output / "indexes").iterdir()
    path = max(index.rglob("*"), key=lambda path: path.stat().st_size)
    helpers.flip_bit(path, 77)
    code, found = problems(capsys, output)
    assert (code, *found.values()) == (3, {str(path.relative_to(output)): "other checksum"})
    shutil.rmtree(index)
    assert versions(output, "verify") == 0
    assert "is not there any more; no reader of the version needs it" in capsys.readouterr().out
