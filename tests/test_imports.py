"""The import rule, and what the package says of its dependencies and of itself."""

import ast
import importlib.metadata
import pathlib
import re
import subprocess
import sys

import pytest

ROOT = pathlib.Path(__file__).parents[1]
SOURCES = sorted(
    path for package in ("pipelines", "transforms") for path in (ROOT / package).rglob("*.py")
)
SHARED = {"transforms.storage", "transforms.stage", "transforms.storage.files"}
STORES = {"transforms.storage.local", "transforms.storage.google_cloud"}
OURS = ("pipelines", "transforms", "engines", "tests", "")
HEAVY = ("apache_beam", "spacy", "matplotlib")


def module_of(path):
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


MODULES = {module_of(path) for path in SOURCES}


def imported(tree):
    """Modules that a syntax tree imports, wherever the import stands."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            module = "." * node.level + (node.module or "")
            names = (f"{module}.{alias.name}" for alias in node.names)
            yield from (name if name in MODULES else module for name in names)


def is_within(module, package):
    return module == package or module.startswith(package + ".")


def may_import(module, target):
    """The rule: pipelines → transforms → transforms.core; transforms share three modules, and
    only the seam to files knows the stores behind it.

    Relative imports are refused, so that the rule can be read off a line.
    """
    if target.startswith("."):
        return False
    if target in STORES:
        return module == "transforms.storage"
    if is_within(module, "pipelines"):
        return True
    if is_within(module, "transforms.core"):
        ours = is_within(target, "transforms") or is_within(target, "pipelines")
        return is_within(target, "transforms.core") or not (
            ours or is_within(target, "apache_beam")
        )
    if is_within(target, "transforms.core") or target in SHARED:
        return True
    return not (is_within(target, "pipelines") or is_within(target, "transforms"))


@pytest.mark.parametrize(
    ("module", "target", "allowed"),
    [
        ("pipelines.build", "transforms.write_unit", True),
        ("transforms.write_unit", "pipelines.cli.options", False),
        ("transforms.write_unit", "transforms.storage", True),
        ("transforms.write_unit", "transforms.read_narratives", False),
        ("transforms.write_unit", "transforms.core.output.commit_records", True),
        ("transforms.write_unit", "apache_beam", True),
        ("transforms.write_unit", "transforms.storage.local", False),
        ("transforms.storage", "transforms.storage.local", True),
        ("pipelines.build", "transforms.storage.local", False),
        ("transforms.core.stages.align.alignment", "transforms.core.base.text", True),
        ("transforms.core.stages.align.alignment", "transforms.storage", False),
        ("transforms.core.stages.align.alignment", "transforms", False),
        ("transforms.core.stages.align.alignment", "apache_beam.io", False),
        ("transforms.core.stages.align.alignment", "pipelines", False),
        ("transforms.core.stages.align.alignment", ".text", False),
        ("pipelines.build", ".options", False),
    ],
)
def test_the_rule_itself(module, target, allowed):
    assert may_import(module, target) is allowed


@pytest.mark.parametrize("path", SOURCES, ids=module_of)
def test_imports_run_one_way(path):
    module = module_of(path)
    targets = set(imported(ast.parse(path.read_text())))
    assert [target for target in sorted(targets) if not may_import(module, target)] == []


def test_every_folder_of_modules_is_a_package():
    """Others would not be installed."""
    folders = {path.parent for path in SOURCES}
    assert [folder for folder in folders if not (folder / "__init__.py").exists()] == []


def test_importing_the_core_pulls_in_nothing_heavy():
    modules = sorted(name for name in MODULES if is_within(name, "transforms.core"))
    program = f"import {', '.join(modules)}, sys\nprint(*sys.modules)"
    run = subprocess.run(
        [sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=True
    )
    loaded = run.stdout.split()
    assert set(modules) <= set(loaded)
    assert [name for name in loaded if name.split(".")[0] in HEAVY] == []


def declared():
    """Requirements of setup.py as {extra or "": distribution names}."""
    values = {
        node.targets[0].id: ast.literal_eval(node.value)
        for node in ast.parse((ROOT / "setup.py").read_text()).body
        if isinstance(node, ast.Assign)
    }
    groups = {"": values["CORE"], **values["EXTRAS"]}
    return {extra: {normal(line) for line in lines} for extra, lines in groups.items()}


def normal(requirement):
    name = re.match(r"[A-Za-z0-9._-]+", requirement)[0]
    return re.sub(r"[-_.]+", "-", name).lower()


def imported_distributions(paths):
    """For each import of others' code, the distributions that hold its top package.

    One that is not installed, as the extra `bench` may be, counts by its own name.
    """
    distributions = importlib.metadata.packages_distributions()
    for path in paths:
        for target in imported(ast.parse(path.read_text())):
            top = target.split(".")[0]
            if top not in sys.stdlib_module_names and top not in OURS:
                yield {normal(name) for name in distributions.get(top, [top])}


def test_what_runs_imports_what_is_declared_and_the_other_way_round():
    groups = declared()
    run_time = groups[""] | groups["gcp"]
    used = list(imported_distributions(SOURCES))
    assert [names for names in used if not names & run_time] == []
    assert groups[""] - set().union(*used) == set()


def test_tests_import_what_is_declared():
    allowed = set().union(*declared().values())
    used = imported_distributions(sorted((ROOT / "tests").rglob("*.py")))
    assert [names for names in used if not names & allowed] == []


def test_every_requirement_is_pinned_in_the_constraints():
    lines = (ROOT / "constraints.txt").read_text().splitlines()
    pinned = {normal(line) for line in lines if line and not line.startswith("#")}
    assert set().union(*declared().values()) - pinned == set()


def undocumented(tree):
    """Public classes and functions of a module without a docstring, and the module itself."""
    kinds = (ast.ClassDef, ast.FunctionDef)
    found = [node for node in tree.body if isinstance(node, kinds)]
    public = [node for node in found if not node.name.startswith("_")]
    if tree.body and not ast.get_docstring(tree):
        yield "the module"
    yield from (node.name for node in public if not ast.get_docstring(node))


@pytest.mark.parametrize("path", SOURCES, ids=module_of)
def test_what_is_public_has_a_docstring(path):
    assert list(undocumented(ast.parse(path.read_text()))) == []
