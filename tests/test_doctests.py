"""The examples in docstrings hold."""

import doctest
import importlib

import pytest

from tests.test_imports import MODULES

EXAMPLES = [
    test
    for module in sorted(MODULES)
    if module.startswith(("transforms.core", "pipelines.cli.values"))
    for test in doctest.DocTestFinder(exclude_empty=True).find(importlib.import_module(module))
    if test.examples
]


def test_pure_functions_have_examples():
    rooms = {test.name.split(".")[2] for test in EXAMPLES if test.name.startswith("transforms.")}
    assert len(EXAMPLES) >= 20
    assert rooms >= {"base", "model", "sources", "stages", "report"}


@pytest.mark.parametrize("test", EXAMPLES, ids=lambda test: test.name)
def test_an_example_holds(test, capsys):
    result = doctest.DocTestRunner().run(test)
    assert result.failed == 0, capsys.readouterr().out
