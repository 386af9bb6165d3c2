"""Trials of the soak scripts: so many of each form, by chance that can be repeated, and counted."""

import argparse
import collections
import contextlib
import dataclasses
import random
import time
import traceback
from collections.abc import Callable, Iterator, Sequence


@dataclasses.dataclass(frozen=True)
class Form:
    """What is attempted again and again.

    Attributes:
      name: What it is called.
      attempt: Makes one trial, of chance and of a share between 0 and 1 that goes evenly over all
        trials of the form; says in a word or two how it ended, and raises what is wrong.
    """

    name: str
    attempt: Callable[[random.Random, float], str]


@dataclasses.dataclass
class Result:
    """What came of the trials of one form.

    Attributes:
      trials: How many there were.
      ends: How often each end was reached.
      failures: What is wrong, by the number of the trial.
      seconds: How long all took.
    """

    trials: int
    ends: collections.Counter
    failures: dict[int, str]
    seconds: float

    def __str__(self) -> str:
        ends = ", ".join(f"{number} {end}" for end, number in self.ends.most_common())
        told = f"{self.trials} trials, {len(self.failures)} failures, {self.seconds:.0f} s"
        return f"{told} ({ends})" if ends else told


def run_form(form: Form, trials: int, seed: int, only: int | None = None) -> Result:
    """Makes so many trials of a form, or of these the one of a number."""
    begin, ends, failures = time.monotonic(), collections.Counter(), {}
    numbers = range(trials) if only is None else [only]
    for number in numbers:
        source = random.Random(f"{seed} {form.name} {number}")
        try:
            ends[form.attempt(source, (number + source.random()) / trials)] += 1
        except Exception as error:
            failures[number] = _described(error)
    return Result(len(numbers), ends, failures, time.monotonic() - begin)


def _described(error: Exception) -> str:
    """An error with the places of the soak script that it came by."""
    frames = traceback.extract_tb(error.__traceback__)
    places = [f"{frame.name}:{frame.lineno}" for frame in frames if "/tests/" in frame.filename]
    return f"{type(error).__name__}: {error} [{' '.join(places[1:])}]"


def shares(trials: int, number: int) -> list[int]:
    """So many trials, shared out among a number of forms: each gets one at least.

    >>> shares(200, 3)
    [67, 67, 66]
    """
    return [max(1, (trials + number - 1 - place) // number) for place in range(number)]


Forms = Callable[[], contextlib.AbstractContextManager[Sequence[Form]]]
"""What makes the forms of a script, with the outputs that they start from."""


def results(forms: Sequence[Form], trials: int, seed: int) -> Iterator[tuple[Form, Result]]:
    """Makes trials, shared out among forms."""
    for form, own in zip(forms, shares(trials, len(forms)), strict=True):
        yield form, run_form(form, own, seed)


def main(document: str, forms: Forms, trials: int) -> int:
    """The command line of a script; returns 1 if anything was wrong.

    Args:
      document: The script's docstring.
      forms: Makes its forms.
      trials: How many there are in all, if nothing else is said.
    """
    parser = argparse.ArgumentParser(description=document.partition("\n")[0])
    parser.add_argument("--trials", type=int, default=trials, help="In all forms together.")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument(
        "--only", nargs="*", default=[""], help="Forms whose name holds one of these."
    )
    given = parser.parse_args()
    total = failed = 0
    with forms() as made:
        wanted = [form for form in made if any(part in form.name for part in given.only)]
        for form, result in results(wanted, given.trials, given.seed):
            print(f"{form.name}: {result}", flush=True)
            for number, wrong in result.failures.items():
                print(f"  trial {number}: {wrong}", flush=True)
            total, failed = total + result.trials, failed + len(result.failures)
    print(f"in all: {total} trials, {failed} failures")
    return int(failed > 0)


def failures(forms: Sequence[Form], trials: int, seed: int) -> list[str]:
    """What is wrong, for a test."""
    return [
        f"{form.name}, trial {number}: {wrong}"
        for form, result in results(forms, trials, seed)
        for number, wrong in result.failures.items()
    ]
