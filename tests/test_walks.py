"""The walks of docs/walks.md: every name is where the page says, and no walk is too long."""

import ast
import pathlib
import re

import pytest

ROOT = pathlib.Path(__file__).parents[1]
PAGE = (ROOT / "docs" / "walks.md").read_text()
WALKS = {
    name: (int(most), steps)
    for name, most, steps in re.findall(
        r"^`(--[\w-]+)` \(at most (\d)\)[^\n]*:\n\n((?:\d\. .*\n)+)", PAGE, re.MULTILINE
    )
}
LIMITS = {"--max-distance": 5, "--unit-bytes": 5, "--tagger": 5, "--transcripts": 5, "--boxes": 7}


def names_in(path):
    """Functions, classes, methods and fields that a file defines."""
    for node in ast.walk(ast.parse((ROOT / path).read_text())):
        if isinstance(node, ast.FunctionDef | ast.ClassDef):
            yield node.name
        elif isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name):
            yield node.target.id


def test_the_page_has_the_walks_that_are_bounded():
    assert {name: most for name, (most, _) in WALKS.items()} == LIMITS


@pytest.mark.parametrize("option", LIMITS)
def test_a_walk_leads_through_few_files_that_have_the_names(option):
    most, steps = WALKS[option]
    walked = re.findall(r"^\d\. `(\S+)` `(\w+)`: ", steps, re.MULTILINE)
    assert len(walked) == steps.count("\n") <= most
    assert [(path, name) for path, name in walked if name not in set(names_in(path))] == []
