"""`narratives JOB …`: all jobs under one name, and what is beside them."""

import importlib
import os
import shutil
import subprocess
import sys

import pytest

from pipelines.__main__ import JOBS, main
from pipelines.cli.options import Options
from tests import build_helpers as helpers
from transforms.core.base.errors import UsageError


@pytest.mark.parametrize("name", JOBS)
def test_every_job_is_the_same_as_its_module(name, capsys):
    module = importlib.import_module(JOBS[name].module)
    assert issubclass(module.OPTIONS, Options)
    helps = []
    for call in (lambda: main([name, "--help"]), lambda: module.main(["--help"])):
        with pytest.raises(SystemExit) as end:
            call()
        assert end.value.code == 0
        helps.append(capsys.readouterr().out)
    own, modules = (" ".join(text.split()) for text in helps)
    assert own == modules.replace(module.PROG, f"narratives {name}")
    assert own.startswith(f"usage: narratives {name} [--config FILE] [OPTION ...]")
    with pytest.raises(UsageError, match=f"for example `narratives {name} --"):
        main([name])


def test_the_help_lists_jobs_and_commands(capsys):
    assert main(["--help"]) == 0
    text = capsys.readouterr().out
    listed = [line.split()[0] for line in text.splitlines() if line.startswith("  ")]
    assert listed == [*JOBS, "sample", "completion"]
    assert main(["--version"]) == 0
    assert capsys.readouterr().out.startswith("localized-narratives-beam ")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([], "nothing was given to do: `narratives --help` lists the jobs"),
        (["biuld"], "there is no job 'biuld': give one of build, index, generate, sample"),
        (["sample"], "give the folder to make: narratives sample FOLDER"),
        (["sample", "."], "'.' is there and not empty: name another folder"),
        (["completion", "fish"], "name the shell: narratives completion bash, or zsh"),
    ],
)
def test_wrong_use_is_a_sentence(arguments, message, monkeypatch):
    monkeypatch.setattr(sys, "argv", ["narratives", *arguments])
    with pytest.raises(UsageError, match=message):
        main()


def test_the_sample_is_copied_and_can_be_built(tmp_path, monkeypatch, capsys):
    assert main(["sample", str(tmp_path / "try")]) == 0
    assert "narratives build --config configs/local.yaml" in capsys.readouterr().out
    monkeypatch.chdir(tmp_path / "try")
    assert main(["build", "--config", "configs/local.yaml", "--tagger", "none"]) == 0
    helpers.assert_whole(helpers.version_of(tmp_path / "try" / "out"))


@pytest.mark.parametrize("shell", ["bash", "zsh"])
def test_completion_is_a_script_that_knows_jobs_and_flags(shell, capsys, tmp_path):
    assert main(["completion", shell]) == 0
    script = capsys.readouterr().out
    assert all(word in script for word in ("--max-distance", "--hierarchy", "--seed", "generate"))
    if shutil.which(shell):
        (tmp_path / "script").write_text(script)
        subprocess.run([shell, "-n", tmp_path / "script"], check=True)


def test_help_needs_no_beam():
    program = (
        "import sys\nfrom pipelines.__main__ import main\nmain(['--help'])\nmain(['--version'])\n"
        "print('apache_beam' in sys.modules, file=sys.stderr)"
    )
    ended = subprocess.run([sys.executable, "-c", program], cwd=helpers.ROOT, capture_output=True,
                           text=True, env={**os.environ, "PYTHONPATH": str(helpers.ROOT)},
                           check=True)  # fmt: skip
    assert ended.stderr == "False\n"
