"""Measuring in processes of their own, on trees of code."""

import os
import shutil
import subprocess

import pytest

from benchmarks.figures import FIGURES, Figure
from benchmarks.material import QUICK, ROOT, Material
from benchmarks.measuring import measure, trees
from benchmarks.measuring.session import ProbeFailed, Session


def working(bench):
    """A probe: where it ran, and with what."""
    bench.scratch.joinpath("written").touch()
    rounds = iter(range(100))
    return lambda: {
        "process": os.getpid(),
        "round": next(rounds),
        "part": bench.material.amounts.part,
    }


def failing(bench):
    """A probe that fails."""
    raise ValueError("the data are not there")


def figure_of(probe, **more):
    return Figure("B0", f"tests.benchmarks.measuring.test_session:{probe}", (), **more)


@pytest.fixture
def session(tmp_path):
    return Session(Material(QUICK, {}), tmp_path, 3, (ROOT,))


def test_all_rounds_are_measured_in_one_other_process(session, tmp_path):
    (rounds,) = session.measure(figure_of("working"))
    assert [found["round"] for found in rounds] == [0, 1, 2]
    assert len({found["process"] for found in rounds} | {os.getpid()}) == 2
    assert {found["part"] for found in rounds} == {QUICK.part}
    assert list(tmp_path.iterdir()) == []


def test_a_figure_may_need_fewer_rounds(session):
    (rounds,) = session.measure(figure_of("working", most_rounds=1))
    assert len(rounds) == 1


def test_two_trees_are_measured_in_turn(tmp_path):
    session = Session(Material(QUICK, {}), tmp_path, 2, (ROOT, ROOT))
    ours, others = session.measure(figure_of("working"))
    assert len(ours) == len(others) == 2
    assert len({found["process"] for found in ours + others}) == 4


def test_a_probe_that_fails_says_why(session):
    with pytest.raises(ProbeFailed, match="ValueError: the data are not there"):
        session.measure(figure_of("failing"))


@pytest.mark.parametrize("figure", FIGURES, ids=lambda figure: figure.name)
def test_every_figure_has_its_probe(figure):
    assert callable(measure.find_probe(figure.probe))


def test_code_of_another_tree_is_not_measured_by_mistake(tmp_path):
    measure.check_tree(ROOT)
    with pytest.raises(RuntimeError, match="pipelines is imported from"):
        measure.check_tree(tmp_path)


@pytest.mark.skipif(shutil.which("git") is None, reason="needs git")
def test_another_commit_gets_these_benchmarks_and_leaves_nothing(tmp_path, monkeypatch):
    repository = tmp_path / "repository"
    benchmarks = repository / "benchmarks"
    benchmarks.mkdir(parents=True)
    (benchmarks / "old.py").touch()
    (repository / "code.py").write_text("old")
    monkeypatch.setattr(trees, "ROOT", repository)
    subprocess.run(["git", "init", "--quiet", str(repository)], check=True)
    author = ["-c", "user.name=A", "-c", "user.email=a@example.org"]
    trees.git("add", ".")
    trees.git(*author, "commit", "--quiet", "--message", "old")
    (repository / "code.py").write_text("new")
    assert trees.describe().endswith("-dirty")
    with pytest.raises(ValueError, match="no commit 'main~9'"):
        trees.find_commit("main~9")
    with trees.worktree(trees.find_commit("HEAD")) as tree:
        assert (tree / "code.py").read_text() == "old"
        found = {path.name for path in (tree / "benchmarks").iterdir()}
        assert "measuring" in found and "old.py" not in found
    assert not tree.exists()
    assert len(trees.git("worktree", "list").splitlines()) == 1
