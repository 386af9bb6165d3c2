"""What invalidates what: the modules that make results, found by their imports."""

import ast
import pathlib
import shutil
import subprocess
import sys

import pytest

from pipelines.build.planning import MAKERS
from transforms.core.base import versions
from transforms.index import MAKERS as INDEX_MAKERS

ROOT = pathlib.Path(versions.__file__).parents[3]


def test_the_version_of_a_folder_is_that_of_its_code(tmp_path):
    def version(*names):
        root = tmp_path / str(len(list(tmp_path.iterdir())))
        for name in names:
            (root / name).parent.mkdir(parents=True, exist_ok=True)
            (root / name).write_text("content")
        return versions.folder_version(root)

    plain = version("a.py", "data/words")
    copied = ("__pycache__/a.pyc", "b.nbi", ".a.py.swp", "a.py~", ".ipynb_checkpoints/a.py")
    assert version("a.py", "data/words", *copied) == plain
    assert version("a.py", "data/word") != plain != version("a.py", "data/words", "b.py")


def test_a_closure_by_hand(tmp_path):
    files = {
        "p/__init__.py": "",
        "p/a.py": "from p.b import value\nimport os\n",
        "p/b.py": "def f():\n    from p import c, sub\n",
        "p/c.py": "import p.a\n",
        "p/sub/__init__.py": "import p.d\n",
        "p/sub/e.py": "",
        "p/d.py": "from q import e\n",
        "p/other.py": "from p import a\n",
    }
    for name, text in files.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
    found = versions.closure(["p.a"], tmp_path / "p")
    assert list(found) == ["p", "p.a", "p.b", "p.c", "p.d", "p.sub"]
    assert found["p.sub"] == tmp_path / "p/sub/__init__.py"
    assert list(versions.closure(["p.sub.e"], tmp_path / "p")) == ["p", "p.d", "p.sub", "p.sub.e"]


def names_by_parsing(path):
    """Names that may be modules of transforms, by Python's own parser."""
    for node in ast.walk(ast.parse(path.read_bytes())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and (node.module or "").startswith("transforms"):
            yield node.module
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


@pytest.mark.parametrize("folder", ["transforms", "tests/transforms"])
def test_imports_are_those_that_python_finds(folder):
    paths = sorted((ROOT / folder).rglob("*.py"))
    for path in paths:
        found = set(versions._imported(path, "transforms"))
        assert set(names_by_parsing(path)) <= found, path
    assert len(paths) > 50


@pytest.mark.parametrize("makers", [MAKERS, INDEX_MAKERS])
def test_the_closure_is_that_of_the_parsed_modules(makers, monkeypatch):
    found = versions.closure(makers)
    monkeypatch.setattr(versions, "_imported", lambda path, _: names_by_parsing(path))
    assert versions.closure(makers) == found


@pytest.mark.long
@pytest.mark.parametrize("makers", [MAKERS, INDEX_MAKERS])
def test_the_closure_holds_all_that_is_loaded(makers):
    """By the interpreter itself: every module of ours that importing the makers loads."""
    program = f"import {', '.join(makers)}, sys\nprint(*sys.modules)"
    run = subprocess.run(
        [sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=True
    )
    loaded = {name for name in run.stdout.split() if name.split(".")[0] == "transforms"}
    assert len(loaded) > 20 and loaded <= versions.closure(makers).keys()


@pytest.fixture
def copy(tmp_path):
    """A copy of the transforms, whose files a test may change."""
    ignored = shutil.ignore_patterns("__pycache__")
    return pathlib.Path(shutil.copytree(ROOT / "transforms", tmp_path / "transforms",
                                        ignore=ignored))  # fmt: skip


@pytest.mark.parametrize(
    "name",
    [
        "core/report/page/templates/assets/page.css",
        "core/report/page/render.py",
        "core/report/narratives/views.py",
        "core/report/drawings/heat_map.py",
        "core/model/manifest.py",
        "core/model/manifest_entries.py",
        "core/model/narratives/manifest.py",
        "core/output/checks/guard.py",
        "core/output/version.py",
        "core/synthesis/traces.py",
        "synthesis.py",
        "units/publishing/publish.py",
        "units/publishing/read_version.py",
        "units/publishing/write_version.py",
        "units/publishing/publication.py",
        "collections/narratives/publication.py",
    ],
)
def test_what_makes_no_unit_leaves_their_version(copy, name):
    before = versions.code_version(MAKERS, copy)
    assert (copy / name).is_file()
    with (copy / name).open("a") as file:
        file.write("\n# changed\n")
    versions.code_version.cache_clear()
    assert versions.code_version(MAKERS, copy) == before
    assert versions.folder_version(copy) != versions.folder_version(ROOT / "transforms")


@pytest.mark.parametrize(
    "name",
    [
        "core/stages/align/assignment.py",
        "core/sources/narratives/block_scanner.py",
        "core/output/statistics/moments.py",
        "core/output/tables.py",
        "core/data/coco-classes.csv",
        "core/data/en_ud_pos/tok2vec/model",
        "core/output/jobs/narratives.py",
        "units/reading/read.py",
        "collections/narratives/stages.py",
    ],
)
def test_what_makes_units_changes_their_version(copy, name):
    before = versions.code_version(MAKERS, copy)
    assert (copy / name).is_file()
    with (copy / name).open("ab") as file:
        file.write(b"\n")
    versions.code_version.cache_clear()
    assert versions.code_version(MAKERS, copy) != before


@pytest.mark.parametrize("name", ["core/sources/annotations/coco.py", "index.py"])
def test_what_builds_an_index_changes_its_address(copy, name):
    before = [versions.code_version(makers, copy) for makers in (INDEX_MAKERS, MAKERS)]
    with (copy / name).open("a") as file:
        file.write("\n")
    versions.code_version.cache_clear()
    after = [versions.code_version(makers, copy) for makers in (INDEX_MAKERS, MAKERS)]
    assert after[0] != before[0] and after[1] == before[1]


def test_versions_of_packages_and_digests():
    found = versions.package_versions()
    assert found.keys() == {*versions.PACKAGES_THAT_MATTER, "python", "unicode"}
    assert all(found.values())
    assert versions.digest({"a": 1, "b": 2}) == versions.digest({"b": 2, "a": 1})
    assert versions.digest({"a": 1}) != versions.digest({"a": 2})
