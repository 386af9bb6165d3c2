"""docs/cookbook.md: what it has readers do works as written, and prints what it shows."""

import re

import pytest

from tests import cookbook

BLOCKS = cookbook.blocks_of(cookbook.PAGE.read_text(encoding="utf-8"))


def test_it_has_ten_recipes_each_with_something_to_run_and_its_output():
    page = cookbook.PAGE.read_text(encoding="utf-8")
    recipes = re.split(r"^## (\d+)\. ", page, flags=re.M)
    assert recipes[1::2] == [str(number) for number in range(1, 11)]
    for recipe in recipes[2::2]:
        assert any(block.printed for block in cookbook.blocks_of(recipe)), recipe


def test_no_fence_is_left_out():
    """Every fence of the page is one that is read: opened with a kind that is run or compared."""
    fences = re.findall(r"^```.*$", cookbook.PAGE.read_text(encoding="utf-8"), re.M)
    shown = sum(block.printed is not None for block in BLOCKS)
    assert len(fences) == 2 * (len(BLOCKS) + shown)
    assert {block.kind for block in BLOCKS} == {"python", "sh"}


@pytest.mark.parametrize(
    ("expected", "printed", "same"),
    [
        ("out/…\n", "out/12ab\n", True),
        ("out/…\n", "out/12ab\nmore\n", False),
        ("5 of 9\n", "5 of 8\n", False),
        ("a.b\n", "a+b\n", False),
        ("", "", True),
        ("", "anything\n", False),
    ],
)
def test_outputs_are_compared_to_the_letter_but_for_ellipses(expected, printed, same):
    assert cookbook.matches(expected, printed) is same


def test_a_block_that_fails_says_so(tmp_path):
    code, _, errors = cookbook.do(cookbook.Block(1, "sh", None, "false | cat\necho on"), tmp_path)
    assert code == 1
    code, _, errors = cookbook.do(cookbook.Block(1, "python", None, "1 / 0"), tmp_path)
    assert code == 1 and "ZeroDivisionError" in errors


@pytest.mark.long
def test_every_block_runs_in_order_and_prints_what_the_page_shows(tmp_path):
    for block in BLOCKS:
        code, printed, errors = cookbook.do(block, tmp_path)
        assert code == 0, f"line {block.line} of the cookbook:\n{errors[-2000:]}"
        assert cookbook.matches(block.printed or "", printed), (
            f"line {block.line} of the cookbook prints:\n{printed}"
        )
