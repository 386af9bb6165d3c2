"""Exports as files: the same bytes however they are made, and nothing twice."""

import pytest

from tests import build_helpers as helpers

TARGETS = ("coco", "hf", "webdataset")


@pytest.fixture(scope="module")
def first(version, tmp_path_factory):
    folder = tmp_path_factory.mktemp("first")
    return {to: export(version, to, folder / to) for to in TARGETS}


def export(version, to, folder, *more):
    pictures = () if to == "hf" else ("--images", version.pictures)
    return version.export(to, folder, *pictures, *more)


@pytest.mark.parametrize("to", TARGETS)
def test_again_does_nothing(version, first, to, capsys):
    before = helpers.files_below(first[to])
    export(version, to, first[to].parent)
    assert "is already in" in capsys.readouterr().out
    assert helpers.files_below(first[to]) == before


MORE = [
    pytest.param(["--direct_runner_bundle_repeat", "1"], id="each bundle twice"),
    pytest.param(["--workers", "2"], id="two workers", marks=pytest.mark.long),
]


@pytest.mark.parametrize("more", MORE)
@pytest.mark.parametrize("to", TARGETS)
def test_workers_and_attempts_change_no_byte(version, first, to, more, tmp_path):
    again = export(version, to, tmp_path, *more)
    names = helpers.files_below(first[to]).keys()
    assert helpers.files_below(again).keys() == names and len(names) > 3
    for name in names:
        assert (again / name).read_bytes() == (first[to] / name).read_bytes(), name
