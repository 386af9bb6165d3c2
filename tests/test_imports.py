"""The contracts of imports, and what the package says of its dependencies and of itself."""

import ast
import collections
import importlib.metadata
import pathlib
import re
import subprocess
import sys

import pytest

from pipelines.__main__ import JOBS

ROOT = pathlib.Path(__file__).parents[1]
SOURCES = sorted(
    path
    for package in ("engines", "pipelines", "transforms")
    for path in (ROOT / package).rglob("*.py")
)
AIRFLOW = ROOT / "engines" / "airflow"
"""What another environment runs, which has Airflow and none of our packages."""
OF_OTHERS = (ROOT / "tests" / "card" / "reading.py", ROOT / "tests" / "fiftyone" / "loading.py")
"""What runs in the environments of `make test-card` and `make test-fiftyone`."""

OURS = ("benchmarks", "pipelines", "transforms", "engines", "tests", "website", "")
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


def test_imports_run_one_way():
    """The contracts of pyproject.toml: layers, no circles, stores behind their seam."""
    run = subprocess.run(
        [pathlib.Path(sys.executable).with_name("lint-imports"), "--no-cache"], cwd=ROOT,
        capture_output=True, text=True,
    )  # fmt: skip
    assert run.returncode == 0, run.stdout
    assert re.search(r"Contracts: [1-9]\d* kept, 0 broken", run.stdout)


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
        if isinstance(node, ast.Assign) and node.targets[0].id in ("CORE", "EXTRAS")
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
    run_time = groups[""] | groups["gcp"] | groups["postgres"]
    used = list(imported_distributions(path for path in SOURCES if path.parent != AIRFLOW))
    assert [names for names in used if not names & run_time] == []
    assert groups[""] - set().union(*used) == set()


def test_the_schedule_for_airflow_needs_nothing_else():
    modules = set(imported(ast.parse((AIRFLOW / "narratives.py").read_text())))
    others = {name for name in modules if name.split(".")[0] not in sys.stdlib_module_names}
    assert others == {"airflow.sdk", "airflow.sdk.exceptions"}


def test_tests_import_what_is_declared():
    allowed = set().union(*declared().values())
    paths = [path for name in ("benchmarks", "tests") for path in (ROOT / name).rglob("*.py")]
    used = imported_distributions(sorted(path for path in paths if path not in OF_OTHERS))
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


KERNELS = re.compile(r"\b(compiled|inlined|intrinsic)\b")
"""Decorators of functions whose parameters numba types."""


def unannotated(tree):
    """Functions, but for kernels, that lack an annotation of a parameter or of their result."""
    for node in ast.walk(tree):
        if not isinstance(node, ast.FunctionDef):
            continue
        if any(KERNELS.search(ast.unparse(decorator)) for decorator in node.decorator_list):
            for inner in ast.walk(node):
                inner.is_kernel = True
        if getattr(node, "is_kernel", False):
            continue
        given = [*node.args.posonlyargs, *node.args.args, *node.args.kwonlyargs]
        given += filter(None, [node.args.vararg, node.args.kwarg])
        if node.returns is None or any(
            arg.annotation is None for arg in given if arg.arg not in ("self", "cls")
        ):
            yield node.name


@pytest.mark.parametrize("path", SOURCES, ids=module_of)
def test_all_but_kernels_is_annotated(path):
    assert list(unannotated(ast.parse(path.read_text()))) == []


@pytest.mark.parametrize("package", ["benchmarks", "engines", "pipelines", "transforms"])
def test_no_folder_of_code_is_too_full_to_be_read(package):
    listed = subprocess.run(
        ["git", "ls-files", package], cwd=ROOT, capture_output=True, text=True, check=True
    )
    entries = collections.defaultdict(set)
    for name in listed.stdout.splitlines():
        parts = pathlib.PurePath(name).parts
        for depth in range(1, len(parts)):
            if not parts[depth].startswith("__"):
                entries["/".join(parts[:depth])].add(parts[depth])
    jobs = {job.module.split(".")[1] for job in JOBS.values()}  # each `python -m pipelines.NAME`
    entries["pipelines"] -= jobs | {f"{job}.py" for job in jobs}
    full = {folder: sorted(names) for folder, names in entries.items() if len(names) > 9}
    assert {folder: names for folder, names in full.items() if "/data/" not in folder} == {}
