"""Measures the figures of the main job and prints them as ratios, each with its target.

Every figure is a ratio of things measured in this run, in turn, round by round, so that a machine
whose speed drifts moves both; shown are the median and the range of the rounds' ratios. Run it
alone on a machine with two cores, 8 GB of memory and 5 GB of disk. It takes about half an hour, the
first time some minutes more to generate 2 GB of narratives, which are kept in `.benchmarks`.
"""

import argparse
import contextlib
import datetime
import pathlib
import sys
import tempfile
from collections.abc import Iterator, Sequence

from benchmarks import report
from benchmarks.figures import FIGURES, Figure, select
from benchmarks.material import QUICK, ROOT, Amounts, make_material
from benchmarks.measuring import trees
from benchmarks.measuring.session import ProbeFailed, Session

CACHE = ROOT / ".benchmarks"


def main(argv: Sequence[str] | None = None) -> int:
    """Measures, prints, and writes the JSON file; 1 where a figure could not be measured."""
    flags = _parse(argv)
    figures = select(flags.only, comparing=flags.against is not None)
    result = report.describe_run(trees.describe(), flags.against, flags.quick)
    with _session(flags, {kind for figure in figures for kind in figure.needs}) as session:
        if flags.quick:
            print("Small data, to try the benchmarks: these figures say nothing.")
        print(report.header(flags.against), flush=True)
        entries = [entry for figure in figures for entry in _measure(session, figure)]
    path = flags.json or CACHE / "results" / f"{datetime.datetime.now():%Y-%m-%d-%H%M%S}.json"
    report.write_json(path, result | {"figures": entries})
    print(f"\nWritten to {path}")
    return int(any("error" in entry for entry in entries))


def _measure(session: Session, figure: Figure) -> list[dict]:
    """Measures a figure and prints it; returns its entries for the JSON file."""
    if sys.stderr.isatty():
        print(f"{figure.name} …", end="\r", file=sys.stderr, flush=True)
    try:
        measured = session.measure(figure)
    except ProbeFailed as error:
        print(f"{figure.name:6}could not be measured: {error}", flush=True)
        return [{"figure": figure.name, "error": str(error)}]
    print("\n".join(report.lines_of(figure, *measured)), flush=True)
    return report.entries_of(figure, *measured)


@contextlib.contextmanager
def _session(flags: argparse.Namespace, needs: set[str]) -> Iterator[Session]:
    """Makes the data and the other tree; removes what is not to be kept."""
    material = make_material(CACHE, QUICK if flags.quick else Amounts(), needs)
    with contextlib.ExitStack() as stack:
        scratch = stack.enter_context(tempfile.TemporaryDirectory(dir=CACHE))
        folders = [ROOT]
        if flags.against is not None:
            folders.append(stack.enter_context(trees.worktree(flags.against)))
        yield Session(material, pathlib.Path(scratch), flags.repeats, tuple(folders))


def _parse(argv: Sequence[str] | None) -> argparse.Namespace:
    names = [figure.name for figure in FIGURES]
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "--only", nargs="+", metavar="NAME", help=f"Of {' '.join(names)}; B3 means B3a and B3b."
    )
    parser.add_argument("--repeats", type=int, default=5, help="Rounds of each figure. Default: 5.")
    parser.add_argument(
        "--quick", action="store_true", help="Small data, to try the benchmarks themselves."
    )
    parser.add_argument(
        "--against",
        metavar="COMMIT",
        help="Measure that commit too, in turn, and print the quotients (only of figures that "
        "concern this project's code alone).",
    )
    parser.add_argument(
        "--json", type=pathlib.Path, metavar="FILE", help="Default: a file in .benchmarks/results."
    )
    flags = parser.parse_args(argv)
    if flags.repeats < 1:
        parser.error("--repeats must be at least 1")
    try:
        select(flags.only, comparing=flags.against is not None)
        flags.against = flags.against and trees.find_commit(flags.against)
    except ValueError as error:
        parser.error(str(error))
    return flags


if __name__ == "__main__":
    sys.exit(main())
