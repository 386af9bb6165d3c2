"""Fuzzes the whole job and prints trials, failures and memory."""

import argparse
import contextlib
import io
import pathlib
import sys
import tempfile
import traceback

from tests.fuzz.trials import LINES_A_TRIAL, compare_ways, peak_memory, run_job, write_shard


def trial(folder: pathlib.Path, count: int, seed: int, tagger: str) -> list[str]:
    """One shard through the job and through both ways of reading; returns failures."""
    shard = write_shard(folder / f"{seed}.jsonl", count, seed)
    try:
        with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
            problems = run_job(shard, folder / "out", tagger)
        return problems + compare_ways(shard.read_bytes())
    except BaseException as error:
        if isinstance(error, KeyboardInterrupt):
            raise
        return ["".join(traceback.format_exception(error)[-6:])]


def main() -> int:
    """Runs trials until all lines are done; returns 1 where one failed."""
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz", description=__doc__)
    parser.add_argument("--lines", type=int, default=1_000_000, help="Mutated lines in all.")
    parser.add_argument("--seed", type=int, default=1, help="The first trial's; others follow.")
    parser.add_argument("--tagger", default="none", help="Tagger of the job.")
    options = parser.parse_args()
    failures = done = 0
    seed = options.seed
    while done < options.lines:
        count = min(LINES_A_TRIAL, options.lines - done)
        with tempfile.TemporaryDirectory() as folder:
            problems = trial(pathlib.Path(folder), count, seed, options.tagger)
        done, failures = done + count, failures + bool(problems)
        for problem in problems[:10]:
            print(f"seed {seed}: {problem}", flush=True)
        print(
            f"{done:,} lines, {failures} trials failed, {peak_memory() >> 20:,} MiB at most",
            flush=True,
        )
        seed += 1
    return bool(failures)


if __name__ == "__main__":
    sys.exit(main())
