"""`narratives JOB …`: all jobs under one name, and what is beside them."""

import importlib
import os
import re
import shutil
import subprocess
import sys

import pytest

from pipelines import index_annotations
from pipelines.__main__ import JOBS, main
from pipelines.cli.options import Command, Options
from tests import build_helpers as helpers
from transforms.core.base.errors import UsageError


@pytest.mark.parametrize("name", [name for name in JOBS if name != "versions"])
def test_every_job_is_the_same_as_its_module(name, capsys):
    module = importlib.import_module(JOBS[name].module)
    assert issubclass(module.OPTIONS, Command if name == "view" else Options)
    helps = []
    for call in (lambda: main([name, "--help"]), lambda: module.main(["--help"])):
        with pytest.raises(SystemExit) as end:
            call()
        assert end.value.code == 0
        helps.append(capsys.readouterr().out)
    own, modules = (" ".join(text.split()) for text in helps)
    assert own == modules.replace(module.PROG, f"narratives {name}")
    places = {"fetch": "NAME ... ", "view": "FOLDER "}.get(name, "")
    assert own.startswith(f"usage: narratives {name} {places}[--config FILE] [OPTION ...]")
    example = f"for example `narratives {name} {module.OPTIONS.example}"
    with pytest.raises(UsageError, match=re.escape(example)):
        main([name])


@pytest.mark.parametrize("name", JOBS)
def test_every_job_is_a_module_that_python_runs(name):
    prog = importlib.import_module(JOBS[name].module).PROG
    assert prog.startswith("python -m pipelines.")
    command = [sys.executable, *prog.split()[1:], "--version"]
    run = subprocess.run(command, capture_output=True, text=True, check=True)
    assert run.stdout.startswith("localized-narratives-beam ") and run.stderr == ""


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
        (
            ["biuld"],
            f"there is no job 'biuld': give one of {', '.join(JOBS)}",
        ),
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
    assert all(word in script for word in ("--max-distance", "--hierarchy", "--seed", "generate",
                                       "rollback", "--repair", "--sample"))  # fmt: skip
    if shutil.which(shell):
        (tmp_path / "script").write_text(script)
        subprocess.run([shell, "-n", tmp_path / "script"], check=True)


def run_python(program, **more):
    environment = {**os.environ, "PYTHONPATH": str(helpers.ROOT)}
    return subprocess.run([sys.executable, "-c", program], cwd=helpers.ROOT, capture_output=True,
                          text=True, env=environment, **more)  # fmt: skip


def test_help_versions_and_completion_need_no_beam():
    program = (
        "import sys\nfrom pipelines.__main__ import JOBS, main\n"
        "for job in JOBS:\n"
        "    try:\n        main([job, '--help'])\n    except SystemExit:\n        pass\n"
        "main(['--help'])\nmain(['--version'])\nmain(['completion', 'bash'])\n"
        "print('apache_beam' in sys.modules, file=sys.stderr)"
    )
    ended = run_python(program, check=True)
    assert ended.stderr == "False\n"


@pytest.mark.parametrize(("program", "command"), [
    ("/bin/narratives", "narratives index"),
    ("/src/pipelines/build/__main__.py", "python -m pipelines.index_annotations"),
])  # fmt: skip
def test_a_message_names_the_job_as_its_reader_calls_jobs(program, command, monkeypatch, tmp_path):
    boxes = helpers.ROOT / "samples/open_images/validation/annotations-human-bbox.csv"
    monkeypatch.setattr(sys, "argv", [program])
    options = index_annotations.OPTIONS(
        output=str(tmp_path), boxes=[str(boxes)], runner="dataflow", wait=False
    )
    sources = index_annotations.AnnotationSources(boxes=[str(boxes)])
    with pytest.raises(UsageError, match=f"build it with `{command}` and wait"):
        index_annotations.ensure_annotation_index(sources, options.output, options)


# As the console script does it, with the signal while the job is about to be imported.
INTERRUPTED = """
import os, signal, sys
signal.signal(signal.SIGINT, signal.default_int_handler)  # it may be ignored here
sys.argv = ["/bin/narratives", "build", "--input", "none.jsonl", "--output", "none"]
import pipelines
class Interrupt:
    def find_spec(self, name, *_):
        if name == "AT":
            os.kill(os.getpid(), signal.SIGINT)
sys.meta_path.insert(0, Interrupt())
from pipelines.__main__ import console
console()
"""


@pytest.mark.parametrize("at", ["pydantic", "pipelines.build.job", "numba"])
def test_an_interrupt_during_the_start_ends_with_a_sentence(at):
    ended = run_python(INTERRUPTED.replace("AT", at), check=False)
    assert (ended.returncode, ended.stdout) == (130, "")
    assert ended.stderr.startswith("Stopped; ") and ended.stderr.count("\n") == 1
