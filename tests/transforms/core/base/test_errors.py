"""How messages quote what somebody else wrote."""

import errno

import pytest
from hypothesis import given
from hypothesis import strategies as st

from transforms.core.base.errors import (
    SHOWN_CHARACTERS,
    EngineError,
    describe_os_error,
    shown,
    telling_room,
)


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("a plain name", "a plain name"),
        ("été · 猫", "été · 猫"),
        ("\x1b[31mred\x07", r"\x1b[31mred\x07"),
        ("two\nlines\t", r"two\nlines\t"),
        ("\udcff.jsonl", r"\udcff.jsonl"),
        ("left\u202eright", r"left\u202eright"),
        ("\x00", r"\x00"),
        (7, "7"),
        (ValueError("a reason"), "a reason"),
        (["a", {"b": None}], "['a', {'b': None}]"),
    ],
)
def test_quotes(value, expected):
    assert shown(value) == expected


def test_a_long_value_is_cut():
    assert shown("x" * 131_072) == "x" * (SHOWN_CHARACTERS - 1) + "…"
    assert shown("x" * SHOWN_CHARACTERS) == "x" * SHOWN_CHARACTERS
    assert shown("abcdef", limit=3) == "ab…"


def test_containers_of_any_size_and_depth_are_bounded():
    deep = []
    for _ in range(100_000):
        deep = [deep]
    laughs = ["lol"]
    for _ in range(60):
        laughs = [laughs] * 9  # 9^60 words if it was written out
    for value in (deep, laughs, {"k" * 10**6: ["v" * 10**6] * 1000}):
        assert len(shown(value)) <= SHOWN_CHARACTERS
    while deep:  # Python frees nested lists by recursion
        deep = deep.pop()


@given(st.text(st.characters(), max_size=200))
def test_whatever_is_shown_prints_on_one_line(text):
    result = shown(text)
    result.encode()
    assert result.isprintable()
    assert result.count("\n") == 0


def test_an_error_without_a_path_keeps_its_own_words():
    """As `tempfile` raises it where no folder for temporary files can be written to."""
    told = "No usable temporary directory found in ['/tmp']"
    assert describe_os_error(FileNotFoundError(errno.ENOENT, told)) == told


@pytest.mark.parametrize("code", [errno.ENOSPC, errno.EDQUOT])
def test_a_full_disk_is_told_with_its_path_and_room(tmp_path, code):
    place = str(tmp_path / "missing" / "file")
    told = rf"^'{place}': .*, [\d,]+ bytes are free there and about 7,000 are needed; free some"
    with pytest.raises(EngineError, match=told), telling_room(place, 7_000):
        raise OSError(code, "full")
    with pytest.raises(PermissionError), telling_room(place):
        raise PermissionError(errno.EACCES, "no")
