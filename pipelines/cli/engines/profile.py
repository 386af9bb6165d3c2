"""What each stage of a run took: the table that `--profile` prints."""

import sys
from collections import defaultdict
from collections.abc import Mapping

from apache_beam.metrics.metric import MetricResults
from rich.console import Console
from rich.table import Table

from pipelines.cli import log
from transforms.stage import CPU_TIME, WALL_TIME

Counters = Mapping[str, Mapping[str, int]]
"""Counters by stage and name."""


def read_counters(metrics: MetricResults) -> Counters:
    """The counters of all stages, added up over workers, stages in alphabetical order."""
    found: dict[str, dict[str, int]] = defaultdict(lambda: defaultdict(int))
    for counter in metrics.query()["counters"]:
        name = counter.key.metric
        found[name.namespace][name.name] += counter.attempted or 0
    return {stage: found[stage] for stage in sorted(found)}


def print_profile(metrics: MetricResults, seconds: float, console: Console | None = None) -> None:
    """Prints time and processor time of each stage, the longest first.

    Times are summed over workers, so that with several of them they exceed the run's own.

    Args:
      metrics: Of the finished pipeline.
      seconds: What the pipeline took as a whole.
      console: Where to print; standard error by default.
    """
    counters = read_counters(metrics)
    if log.is_json():
        _tell_stages(counters)
        return
    lines = max((own.get("lines", 0) for own in counters.values()), default=0)
    timed = {stage: own for stage, own in counters.items() if WALL_TIME in own}
    table = Table(title=f"{lines:,} lines in {seconds:.2f} s", title_justify="left")
    table.add_column("stage")
    for name in ("seconds", "processor", "µs a line", "share"):
        table.add_column(name, justify="right")
    rows = [(stage, own[WALL_TIME] / 1e6, own[CPU_TIME] / 1e6) for stage, own in timed.items()]
    inside = sum(wall for _, wall, _ in rows)
    for stage, wall, cpu in sorted(rows, key=lambda row: -row[1]):
        table.add_row(stage, *_cells(wall, cpu, lines, inside))
    table.add_section()
    table.add_row("all stages", *_cells(inside, sum(cpu for *_, cpu in rows), lines, inside))
    (console or Console(file=sys.stderr, highlight=False)).print(table)


def _tell_stages(counters: Counters) -> None:
    for stage, own in counters.items():
        if WALL_TIME not in own:
            continue
        seconds, cpu, lines = own[WALL_TIME] / 1e6, own[CPU_TIME] / 1e6, own.get("lines")
        log.note(
            "stage_profiled",
            f"Stage {stage} took {seconds:.3f} s.",
            stage=stage,
            seconds=seconds,
            cpu_seconds=cpu,
            lines=lines,
        )


def _cells(wall: float, cpu: float, lines: int, whole: float) -> list[str]:
    each = f"{wall / lines * 1e6:,.1f}" if lines else "–"
    return [f"{wall:.3f}", f"{cpu:.3f}", each, f"{wall / whole:.1%}" if whole else "–"]
