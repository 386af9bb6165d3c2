"""What is said before a run on this machine: of long waits, and of workers that do not help."""

from typing import TextIO

from pipelines.cli import log
from pipelines.cli.values import available_processors

COMPILE_SECONDS = 20
"""About how long kernels take to compile, with two processors."""


def advise(workers: int, units: int, stream: TextIO | None = None) -> None:
    """Says what a user may wonder about in a run of so many workers over so many units."""
    lines = describe_workers(workers, units, available_processors()) if units else []
    if units and not _is_compiled():
        lines.append(
            f"Compiling kernels: about {COMPILE_SECONDS} s, only in the first run on this machine."
        )
    for line in lines:
        log.tell("advice", line, stream=stream)


def _is_compiled() -> bool:
    from transforms.core.base.compiled import is_compiled
    from transforms.core.sources.narratives.block_scanner import KERNEL

    return is_compiled(KERNEL)


def describe_workers(workers: int, units: int, processors: int) -> list[str]:
    """What is to be said of more workers than units or than processors."""
    found = []
    if workers > max(units, 1):
        count, idle = "1 unit" if units == 1 else f"{units} units", workers - units
        found.append(
            f"note: {workers} workers for {count}: {idle} of them {'has' if idle == 1 else 'have'} "
            "nothing to do; a smaller --unit-bytes gives more units"
        )
    if workers > max(processors, 1):
        count = "1 processor" if processors == 1 else f"{processors} processors"
        found.append(
            f"note: {workers} workers share {count}: more workers than processors take memory "
            "and give no speed; --workers auto starts one for each"
        )
    return found
