"""The core names things, not flags or commands: whoever shows a message adds those."""

import ast
import importlib
import re

import pytest

from pipelines.__main__ import JOBS
from pipelines.cli.options import with_flags
from pipelines.versions.options import VerifyOptions
from tests.conftest import ROOT
from transforms.core.base.errors import job, option

FLAG_OR_COMMAND = re.compile(
    r"(?<![\w-])--[a-z]|python -m\b|\bpipelines\.\w|\bnarratives (build|generate|index|sample)\b"
)
FILES = sorted((ROOT / "transforms").rglob("*.py"))
OTHERS_COMMANDS = {"bigquery.py"}
"""Modules that write scripts for other programs, whose flags these are."""

MODULES = [importlib.import_module(job.module) for job in JOBS.values()]
OPTIONS = {
    name
    for options in (VerifyOptions, *(m.OPTIONS for m in MODULES if hasattr(m, "OPTIONS")))
    for name in options.model_fields
}


def texts(path):
    """All literals of a module with their lines, docstrings and pieces of f-strings too."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            yield node.lineno, node.value


def test_no_text_of_the_core_names_a_flag_or_a_command():
    assert len(FILES) > 80
    found = [
        f"{path.relative_to(ROOT)}:{line}: {text}"
        for path in FILES
        if path.name not in OTHERS_COMMANDS
        for line, text in texts(path)
        if FLAG_OR_COMMAND.search(text)
    ]
    assert found == []


def test_the_report_does_not_either():
    pages = sorted((ROOT / "transforms/core/report").rglob("*.j2"))
    assert len(pages) > 10
    for page in pages:
        text = page.read_text()
        assert "<code>--" not in text and "python -m" not in text, page


@pytest.mark.parametrize(
    "text",
    ["give it with --boxes", "(--no-guard)", "`python -m pipelines.build`", "narratives index"],
)
def test_what_is_looked_for_would_be_found(text):
    assert FLAG_OR_COMMAND.search(text)


def named_options():
    """What the modules give to `errors.option`, where it is a literal."""
    for path in FILES:
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "option":
                argument = node.args[0]
                if isinstance(argument, ast.Constant):
                    yield argument.value


def test_options_that_messages_name_are_there():
    named = set(named_options())
    assert len(named) > 10
    assert named <= OPTIONS


def test_the_command_line_names_the_flag():
    text = f"above {option('max_bad_share')} 0.01: {option('guard', off=True)}, {job('synthesize')}"
    assert "--" not in text
    assert with_flags(text) == (
        "above --max-bad-share 0.01: --no-guard, `python -m pipelines.synthesize`"
    )


def test_what_a_user_wrote_stays():
    text = "'an option `A b`' is no option of job `x"
    assert with_flags(text) == text
