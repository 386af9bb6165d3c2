"""Manages the versions of an output: `python -m pipelines.versions COMMAND … --output OUT`."""

import difflib
import sys
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from pipelines.cli import log
from pipelines.cli import options as cli
from pipelines.versions import options as own
from pipelines.versions.looking import differing, listing, telling
from pipelines.versions.managing import changing, pruning, verifying
from transforms.core.base.errors import UsageError, shown

PROG = "python -m pipelines.versions"


class VersionsCommand(NamedTuple):
    """A command.

    Attributes:
      options: Its options.
      run: Does it; returns the exit code.
      summary: What it does.
    """

    options: type[cli.Command]
    run: Callable[[Any], int]
    summary: str


COMMANDS = {
    "list": VersionsCommand(
        own.OutputOptions,
        listing.list_versions,
        "List all versions: when each was made, of what, and whether it is current, was, or is "
        "held back.",
    ),
    "show": VersionsCommand(
        own.VersionOptions,
        listing.show_version,
        "Show one version: what made it, and what it holds.",
    ),
    "verify": VersionsCommand(
        own.VerifyOptions,
        verifying.verify,
        "Compare every file of versions, and of the indexes they were made with, with its "
        "checksum; repair what differs.",
    ),
    "rollback": VersionsCommand(
        own.VersionOptions,
        changing.roll_back,
        "Make an older version current, and pin it: runs do not publish until `unpin`.",
    ),
    "unpin": VersionsCommand(own.OutputOptions, changing.unpin, "Let runs publish again."),
    "release": VersionsCommand(
        own.VersionOptions,
        changing.release,
        "Make a version current that was held back, or any other complete one.",
    ),
    "tag": VersionsCommand(
        own.TagOptions, changing.add_tag, "Give a version a name that lasts, such as paper-2026."
    ),
    "untag": VersionsCommand(own.UntagOptions, changing.remove_tag, "Take a tag away."),
    "diff": VersionsCommand(
        own.DiffOptions,
        differing.diff,
        "Compare two versions: rows that were added, removed and changed, columns and statistics "
        "that moved, and what made them.",
    ),
    "history": VersionsCommand(
        own.HistoryOptions,
        telling.show_history,
        "Tell all runs: when, how long, how much, how each ended, and what is held back.",
    ),
    "prune": VersionsCommand(
        own.PruneOptions,
        pruning.prune_output,
        "Remove old versions, and the units, indexes and records that nothing needs any more.",
    ),
}


def main(argv: Sequence[str] | None = None, prog: str = PROG) -> int:
    """Calls the command that the first argument names; returns its exit code.

    Raises:
      UsageError: There is no such command, or it is used wrongly.
    """
    arguments = list(sys.argv[1:] if argv is None else argv)
    log.begin(arguments, prog)
    if not arguments:
        raise UsageError(f"nothing was given to do: `{prog} --help` lists the commands")
    name, *rest = arguments
    if name in ("-h", "--help"):
        print(_help(prog), end="")
        return 0
    if name == "--version":
        print(cli.versions())
        return 0
    command = COMMANDS.get(name)
    if command is None:
        near = difflib.get_close_matches(name, COMMANDS, n=1)
        meant = f"; did you mean `{near[0]}`?" if near else f": give one of {', '.join(COMMANDS)}"
        raise UsageError(f"there is no command {shown(name)!r}{meant}")
    options, _ = cli.parse_command_line(command.options, rest, f"{prog} {name}", command.summary)
    return command.run(options)


def _help(prog: str) -> str:
    width = max(map(len, COMMANDS)) + 2
    commands = "".join(f"  {name:<{width}}{made.summary}\n" for name, made in COMMANDS.items())
    return (
        f"usage: {prog} COMMAND [ARGUMENT ...] --output FOLDER [OPTION ...]\n"
        f"example: {prog} list --output out\n\n"
        f"Manages the versions of an output.\n\ncommands:\n{commands}\n"
        f"`{prog} COMMAND --help` explains a command's options.\n"
    )
