"""The wheel, in an environment that has only what it declares, from an empty folder."""

import shutil
import subprocess
import sys

import pytest

from tests import build_helpers as helpers
from tests.engines.dataflow_fixtures import bare_python, install

pytestmark = pytest.mark.engines


@pytest.fixture(scope="module")
def narratives(tmp_path_factory):
    """The console script that installing the wheel gives."""
    folder = tmp_path_factory.mktemp("wheel")
    source = shutil.copytree(helpers.ROOT, folder / "source", symlinks=True, ignore=_left_out)
    command = [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--wheel-dir", folder]
    subprocess.run([*command, source], check=True)
    (wheel,) = folder.glob("*.whl")
    python = bare_python()
    install(python, "--no-deps", "--force-reinstall", wheel)
    return python.with_name("narratives")


def _left_out(folder, names):
    """What is not copied: what setuptools leaves in a tree gets into the next wheel.

    At the top alone, `build` is what it left; further down it is the main job.
    """
    left = shutil.ignore_patterns(".*", "*.egg-info", "__pycache__")(folder, names)
    at_top = helpers.ROOT.samefile(folder)
    return left | ({"build", "out"} & set(names) if at_top else set())


def run(narratives, folder, *arguments):
    command = [narratives, *map(str, arguments)]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True)


def test_the_wheel_holds_what_its_command_needs(narratives, tmp_path):
    version = run(narratives, tmp_path, "--version")
    assert (version.returncode, version.stderr) == (0, "")
    assert version.stdout.startswith("localized-narratives-beam ")
    assert run(narratives, tmp_path, "sample", "try").returncode == 0
    built = run(narratives, tmp_path / "try", "build", "--config", "configs/local.yaml")
    assert built.returncode == 0, built.stderr
    helpers.assert_whole(helpers.version_of(tmp_path / "try" / "out"))
    indexed = run(
        narratives, tmp_path, "index", "--output", "indexes",
        "--boxes", "try/samples/open_images/*/annotations-human-bbox.csv",
    )  # fmt: skip
    assert indexed.returncode == 0 and "built indexes/annotations-" in indexed.stdout
    made = run(narratives, tmp_path, "generate", "--output", "made", "--narratives", 3)
    assert made.returncode == 0, made.stderr
    assert "3 generated narratives" in made.stdout


def test_the_wheel_holds_engines_and_catalog(narratives, tmp_path):
    program = (
        "from engines.flink.cluster import settings\n"
        "from engines.flink.parts import job_server\n"
        "from pipelines import catalog\n"
        "assert settings.FILE.is_file() and job_server.POM.is_file()\n"
        "print(len(catalog.load_catalogs([]).groups))"
    )
    python = narratives.with_name("python")
    ended = subprocess.run(
        [python, "-P", "-c", program], cwd=tmp_path, capture_output=True, text=True
    )
    assert ended.returncode == 0, ended.stderr
    assert int(ended.stdout) > 5


def test_wrong_use_is_a_sentence(narratives, tmp_path):
    ended = run(narratives, tmp_path, "biuld")
    assert (ended.returncode, ended.stdout) == (2, "")
    assert (
        ended.stderr.startswith("error: there is no job 'biuld'") and ended.stderr.count("\n") == 1
    )
