"""`narratives JOB …`, or `python -m pipelines JOB …`: all jobs under one name.

A job is imported when it is called, so that help takes no time. A new one joins by a line of
`JOBS`.
"""

import argparse
import importlib
import pathlib
import shutil
import sys
from collections.abc import Callable, Sequence
from typing import NamedTuple

from pipelines.cli import log
from pipelines.cli.options import Command, job_parser, versions
from pipelines.cli.process import run_program
from transforms.core.base.errors import UsageError, shown

PROG = "narratives"

EMBEDDED = pathlib.Path(__file__).with_name("embedded")
"""The sample and the configurations that come with the package."""


class Job(NamedTuple):
    """A job of the command.

    Attributes:
      module: Where its `main` and `OPTIONS` are, or `COMMANDS` where it has several.
      summary: What it does.
    """

    module: str
    summary: str


JOBS = {
    "build": Job(
        "pipelines.build.job",
        "The main job: align, ground, filter, join and measure narratives; write a version.",
    ),
    "fetch": Job(
        "pipelines.fetch.job",
        "Bring published files into a folder or bucket, resumed and verified.",
    ),
    "index": Job(
        "pipelines.index_annotations",
        "Build the index of annotations that the main job joins.",
    ),
    "generate": Job(
        "pipelines.synthesize",
        "Generate narratives in the published format, with the truth beside them.",
    ),
    "captions": Job(
        "pipelines.captions.job",
        "Read collections of captions; set them beside the paper's figures and the narratives.",
    ),
    "open-images": Job(
        "pipelines.open_images.job",
        "Read releases of Open Images as published: tables, official numbers, label statistics.",
    ),
    "export": Job(
        "pipelines.export.job",
        "Put a version into another system: PostgreSQL, BigQuery, COCO, FiftyOne, Hugging Face …",
    ),
    "replay": Job(
        "pipelines.replay.job",
        "Put repaired lines in the place of rejected ones; make a version with them.",
    ),
    "images": Job(
        "pipelines.images.job",
        "Download the images of a version, verified; WebDataset shards or files.",
    ),
    "view": Job(
        "pipelines.view.job",
        "Show narratives in a browser: traces in time, words, boxes; search, filter and sort.",
    ),
    "versions": Job(
        "pipelines.versions.commands",
        "List, verify, compare, undo and remove the versions of an output.",
    ),
}


def main(argv: Sequence[str] | None = None) -> int:
    """Calls the job that the first argument names; returns its exit code.

    Raises:
      UsageError: There is no such job.
    """
    arguments = list(sys.argv[1:] if argv is None else argv)
    log.begin(arguments, PROG)
    if not arguments:
        raise UsageError(f"nothing was given to do: `{PROG} --help` lists the jobs")
    name, *rest = arguments
    if name in ("-h", "--help"):
        print(_help(), end="")
        return 0
    if name == "--version":
        print(versions())
        return 0
    if name in JOBS:
        return importlib.import_module(JOBS[name].module).main(rest, f"{PROG} {name}") or 0
    if name in _OTHERS:
        return _OTHERS[name](rest)
    raise UsageError(f"there is no job {shown(name)!r}: give one of {', '.join([*JOBS, *_OTHERS])}")


def _help() -> str:
    jobs = "".join(f"  {name:<12}{job.summary}\n" for name, job in JOBS.items())
    return (
        f"usage: {PROG} JOB [OPTION ...]\n"
        f"example: {PROG} sample try && cd try && {PROG} build --config configs/local.yaml\n\n"
        f"Localized Narratives as grounded, quality-filtered, columnar data.\n\njobs:\n{jobs}\n"
        "other commands:\n"
        "  sample      Copy the embedded sample and configurations into a folder.\n"
        "  completion  Print what completes this command in a shell: bash or zsh.\n\n"
        f"`{PROG} JOB --help` explains a job's options, `{PROG} --version` names versions.\n"
    )


def _copy_sample(arguments: Sequence[str]) -> int:
    """Copies the embedded sample and configurations into a folder."""
    if len(arguments) != 1 or arguments[0].startswith("-"):
        raise UsageError(f"give the folder to make: {PROG} sample FOLDER")
    folder = pathlib.Path(arguments[0])
    if folder.exists() and any(folder.iterdir()):
        raise UsageError(f"{shown(folder)!r} is there and not empty: name another folder")
    for name in ("samples", "configs"):
        shutil.copytree(EMBEDDED / name, folder / name)
    print(f"Copied to {folder}. There, run: {PROG} build --config configs/local.yaml")
    return 0


def _complete(arguments: Sequence[str]) -> int:
    """Prints a script that completes jobs and their options in a shell."""
    import shtab

    if list(arguments) not in (["bash"], ["zsh"]):
        raise UsageError(f"name the shell: {PROG} completion bash, or zsh")
    parser = argparse.ArgumentParser(prog=PROG)
    commands = parser.add_subparsers()
    for name, job in JOBS.items():
        module = importlib.import_module(job.module)
        if not hasattr(module, "COMMANDS"):
            _add_parser(commands, name, module.OPTIONS, job.summary)
            continue
        below = commands.add_parser(name, help=job.summary).add_subparsers()
        for other, command in module.COMMANDS.items():
            _add_parser(below, other, command.options, command.summary)
    for name in _OTHERS:
        commands.add_parser(name)
    print(shtab.complete(parser, shell=arguments[0]))
    return 0


def _add_parser(
    commands: "argparse._SubParsersAction", name: str, model: type[Command], summary: str
) -> None:
    parent = job_parser(model, f"{PROG} {name}", summary)
    commands.add_parser(name, parents=[parent], add_help=False, help=summary)


_OTHERS: dict[str, Callable[[Sequence[str]], int]] = {
    "sample": _copy_sample,
    "completion": _complete,
}


def console() -> None:
    """What the console script `narratives` runs."""
    run_program(main)


if __name__ == "__main__":
    console()
