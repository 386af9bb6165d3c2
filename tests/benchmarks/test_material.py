"""The data of the benchmarks: made once, made again when what makes them changes."""

import itertools

import pytest

from benchmarks import material
from benchmarks.material import Amounts, key_of, make_material, repeat_rows


@pytest.fixture
def code(tmp_path):
    folder = tmp_path / "code"
    folder.mkdir()
    for name in ("a.py", "b.py"):
        (folder / name).write_text(name)
    return folder


def key(folder):
    return key_of(folder.iterdir())


def test_the_key_changes_with_contents_and_names_alone(code, tmp_path):
    before = key(code)
    assert key(code.rename(tmp_path / "elsewhere")) == before
    (tmp_path / "elsewhere" / "a.py").write_text("a.py changed")
    changed = key(tmp_path / "elsewhere")
    (tmp_path / "elsewhere" / "a.py").rename(tmp_path / "elsewhere" / "c.py")
    assert len({before, changed, key(tmp_path / "elsewhere")}) == 3


def test_exchanged_contents_change_the_key(code):
    before = key(code)
    (code / "a.py").write_text("b.py")
    (code / "b.py").write_text("a.py")
    assert key(code) != before


def test_repeated_rows_have_new_ids_that_go_up():
    rows = ["0007d6cf88afaa4a,x,1\n", "0001eeaf4aed83f9,y,2\n"]  # in the order of the other digits
    ids = [row.partition(",")[0] for row in itertools.islice(repeat_rows(rows), 7)]
    assert ids == sorted(set(ids))
    assert {len(id_) for id_ in ids} == {16}
    assert [row[16:] for row in itertools.islice(repeat_rows(rows), 3)] == [
        ",x,1\n", ",y,2\n", ",x,1\n"
    ]  # fmt: skip


def test_a_folder_is_made_once_and_replaces_that_of_an_older_key(tmp_path):
    made = []

    def write(folder):
        made.append(folder)
        (folder / "data").write_text("whole")

    for name in ("shards-10-old", "shards-20-old", "shards-10-new", "shards-10-new"):
        material._make_once(tmp_path / name, write)
    assert len(made) == 3
    assert sorted(path.name for path in tmp_path.iterdir()) == ["shards-10-new", "shards-20-old"]


def test_a_folder_that_could_not_be_made_whole_is_not_there(tmp_path):
    def write(folder):
        (folder / "data").write_text("half")
        raise OSError("full")

    with pytest.raises(OSError):
        material._make_once(tmp_path / "shards-10-new", write)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.long
def test_scales_are_beginnings_of_the_same_shards(tmp_path):
    made = make_material(tmp_path, Amounts(narratives=1, part=1, boxes=50), ("narratives", "boxes"))
    shards = [made.shards(times) for times in (1, 4, 16)]
    assert [len(paths) for paths in shards] == [made.count(times) for times in (1, 4, 16)]
    assert shards[2][:8] == shards[1] and shards[1][:2] == shards[0]
    with open(made.part_shard(), "rb") as part, open(shards[0][0], "rb") as first:
        assert part.read() == first.read()
    rows = [open(made.box_file(times)).readlines() for times in (1, 4)]
    assert [len(lines) for lines in rows] == [51, 201]
    assert rows[0] == rows[1][:51]
