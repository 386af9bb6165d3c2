"""The command line of the Flink cluster: `python -m engines.flink up|run|reach|down`."""

import argparse
import pathlib
from collections.abc import Sequence

from engines.flink import jobs, lifecycle
from engines.flink.parts.store import STORE
from pipelines.cli.process import run_command


def main(argv: Sequence[str] | None = None) -> int:
    """Does what the command line says."""
    arguments = _parser().parse_args(argv)
    folder = arguments.folder.resolve()
    if arguments.task == "up":
        lifecycle.up(folder, _say, arguments.settings, arguments.isolate)
    elif arguments.task == "run":
        jobs.run(folder, arguments.command, arguments.bare)
    elif arguments.task == "reach":
        lifecycle.reach(folder, arguments.ports, _say)
    else:
        lifecycle.down(folder, _say)
    return 0


def _say(message: str) -> None:
    print(message, flush=True)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m engines.flink", description="A Flink cluster on this machine."
    )
    parser.add_argument(
        "--folder",
        type=pathlib.Path,
        default=STORE / "cluster",
        help="Where its state, logs and temporary files are. Default: %(default)s.",
    )
    tasks = parser.add_subparsers(dest="task", required=True)
    up = tasks.add_parser("up", help="Bring the cluster up, or what has ended of it.")
    up.add_argument(
        "-D",
        dest="settings",
        metavar="KEY=VALUE",
        action="append",
        default=[],
        help="A setting of Flink's, in place of that in engines/flink/cluster/flink-conf.yaml.",
    )
    up.add_argument(
        "--no-namespace",
        dest="isolate",
        action="store_false",
        help="Use this machine's network, so that workers reach what it reaches.",
    )
    tasks.add_parser("down", help="End all its processes and remove its folder.")
    run = tasks.add_parser("run", help="Run a Beam job beside the cluster, with flags for it.")
    run.add_argument("--bare", action="store_true", help="Add no flags: a command of another kind.")
    run.add_argument("command", nargs="+", metavar="-- COMMAND")
    reach = tasks.add_parser("reach", help="Let the cluster reach servers on this loopback.")
    reach.add_argument("ports", nargs="+", type=int, metavar="PORT")
    return parser


if __name__ == "__main__":
    run_command(main)
