"""The table and the JSON file of a run."""

import datetime
import json
import math
import os
import pathlib
import platform
import statistics
from collections.abc import Sequence
from importlib import metadata

from benchmarks.figures import Figure, Row
from benchmarks.measuring.measure import Round
from benchmarks.measuring.ratios import Spread, is_met, quotients, ratio, spread

_PACKAGES = ("apache-beam", "msgspec", "numba", "numpy", "pyarrow", "spacy", "pyspark")
_WIDTH = 66
_VERDICTS = {True: "met", False: "MISSED", None: ""}


def ratios_of(row: Row, rounds: Sequence[Round]) -> list[float]:
    """The row's ratio in every round."""
    return [ratio(*row.parts(round_)) for round_ in rounds]


def header(against: str | None) -> str:
    """Titles of the columns."""
    return f"{'':6}{'':{_WIDTH}}{'median':>9}  {'range':<18}{'' if against else 'target'}".rstrip()


def lines_of(
    figure: Figure, rounds: Sequence[Round], others: Sequence[Round] | None = None
) -> list[str]:
    """A figure's rows, and the medians of what was measured.

    Args:
      figure: The figure.
      rounds: What was measured.
      others: What was measured of the other tree, where two are compared.
    """
    lines = [line for row in figure.rows for line in _row_lines(row, rounds, others)]
    lines.append(f"medians of {len(rounds)}: {_medians(figure, rounds)}")
    if others is not None:
        lines.append(f"medians of the other: {_medians(figure, others)}")
    names = [figure.name, *[""] * (len(lines) - 1)]
    return [f"{name:6}{line}" for name, line in zip(names, lines, strict=True)]


def _row_lines(row: Row, rounds: Sequence[Round], others: Sequence[Round] | None) -> list[str]:
    ours = ratios_of(row, rounds)
    if others is None:
        return [f"{row.what:{_WIDTH}}{_shown(spread(ours), row.unit)}{_judgement(row, ours)}"]
    theirs = ratios_of(row, others)
    shown = {
        row.what: _shown(spread(ours), row.unit),
        "  of the other": _shown(spread(theirs), row.unit),
        "  this / other": _shown(spread(quotients(ours, theirs)), ""),
    }
    return [f"{name:{_WIDTH}}{values}".rstrip() for name, values in shown.items()]


def entries_of(
    figure: Figure, rounds: Sequence[Round], others: Sequence[Round] | None = None
) -> list[dict]:
    """A figure's rows for the JSON file; arguments as of `lines_of`."""
    return [
        {
            "figure": figure.name,
            **_entry(row, rounds),
            **({} if others is None else {"other": _entry(row, others)}),
        }
        for row in figure.rows
    ]


def _entry(row: Row, rounds: Sequence[Round]) -> dict:
    ratios = ratios_of(row, rounds)
    found = spread(ratios)
    return {
        "what": row.what,
        "unit": row.unit.strip(),
        **{name: _number(value) for name, value in found._asdict().items()},
        "at_most": row.at_most,
        "at_least": row.at_least,
        "met": is_met(found.median, row.at_most, row.at_least),
        "ratios": list(map(_number, ratios)),
        "rounds": list(rounds),
    }


def describe_run(commit: str, against: str | None, quick: bool) -> dict:
    """What the figures depend on."""
    return {
        "commit": commit,
        "against": against,
        "quick": quick,
        "time": datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
        "cores": os.cpu_count(),
        "system": f"{platform.system()} {platform.machine()}",
        "python": platform.python_version(),
        "packages": {name: version for name in _PACKAGES if (version := _version(name))},
    }


def write_json(path: pathlib.Path, content: dict) -> None:
    """Writes the file, and the folders above it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(content, indent=1, allow_nan=False) + "\n")


def _shown(found: Spread, unit: str) -> str:
    if math.isnan(found.median):
        return f"{'–':>9}  {'too small':<18}"
    median = f"{found.median:.2f}{unit}"
    return f"{median:>9}  {f'{found.low:.2f} to {found.high:.2f}':<18}"


def _judgement(row: Row, ratios: Sequence[float]) -> str:
    if row.at_most is None and row.at_least is None:
        return "reported"
    target = f"≥ {row.at_least:g}" if row.at_most is None else f"≤ {row.at_most:g}"
    met = is_met(spread(ratios).median, row.at_most, row.at_least)
    return f"{target + row.unit:<10}{_VERDICTS[met]}".rstrip()


def _medians(figure: Figure, rounds: Sequence[Round]) -> str:
    medians = {name: statistics.median(r[name] for r in rounds) for name in rounds[0]}
    return ", ".join(f"{name} {_amount(value, figure.amounts)}" for name, value in medians.items())


def _amount(value: float, kind: str) -> str:
    if kind == "bytes":
        return f"{value / 1e6:,.0f} MB"
    return f"{value:.2f} s" if value >= 0.01 else f"{value * 1e6:,.0f} µs"


def _number(value: float) -> float | None:
    """JSON has no NaN."""
    return None if math.isnan(value) else value


def _version(name: str) -> str | None:
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return None
