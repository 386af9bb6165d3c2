"""The figures: which probe measures them, what is divided by what, and the targets."""

import dataclasses
from collections.abc import Callable, Sequence

from benchmarks.measuring.measure import Round

_GB = 1e9


@dataclasses.dataclass(frozen=True)
class Row:
    """A row of the table.

    Attributes:
      what: What is divided by what.
      parts: From a round to numerator and denominator.
      at_most: Target.
      at_least: Target.
      unit: Of the quotient, where it is not a mere ratio.
    """

    what: str
    parts: Callable[[Round], tuple[float, float]]
    at_most: float | None = None
    at_least: float | None = None
    unit: str = ""


@dataclasses.dataclass(frozen=True)
class Figure:
    """Rows that one probe measures.

    Attributes:
      name: As in `--only`.
      probe: MODULE:FUNCTION.
      rows: The rows, with and without targets.
      needs: Kinds of material.
      ours: Whether it is about this project's code alone, so that two commits can be compared.
      most_rounds: Rounds that are enough, where one takes long.
      amounts: What the probe's rounds hold: `s` or `bytes`.
      on_request: Whether it is measured only when it is named: it needs more than a package index.
    """

    name: str
    probe: str
    rows: tuple[Row, ...]
    needs: tuple[str, ...] = ("narratives",)
    ours: bool = True
    most_rounds: int | None = None
    amounts: str = "s"
    on_request: bool = False


FIGURES = (
    Figure(
        "C1",
        "benchmarks.probes.captions:stages",
        (
            Row(
                "tagger alone / stages of captions, phrases of five words (processor time)",
                lambda r: (r["tagger"], r["stages"]),
                at_least=0.9,
            ),
            Row(
                "scanning a document: time of the stages / of the scan",
                lambda r: (r["stages"], r["scan"]),
            ),
        ),
        needs=(),
    ),
    Figure(
        "B1",
        "benchmarks.probes.speed:main_job",
        (
            Row(
                "main job, no tagging, less start-up / typed decode (16×)",
                lambda r: (r["job"] - r["start-up"], r["decode"]),
                at_most=1.3,
            ),
            Row("the same with start-up", lambda r: (r["job"], r["decode"])),
        ),
        most_rounds=3,
    ),
    Figure(
        "B2",
        "benchmarks.probes.speed:core",
        (
            Row(
                "core alone, in memory / typed decode (4×)",
                lambda r: (r["core"], r["decode"]),
                at_most=0.6,
            ),
        ),
    ),
    Figure(
        "B3a",
        "benchmarks.probes.baseline_runs:by_hand",
        (
            Row(
                "by hand / main job, time a narrative (of a part / of 4×)",
                lambda r: (r["by hand, a narrative"], r["main job, a narrative"]),
                at_least=50,
            ),
        ),
        ours=False,
    ),
    Figure(
        "B3b",
        "benchmarks.probes.baseline_runs:with_libraries",
        (
            Row(
                "with libraries / main job (4×, one process)",
                lambda r: (r["with libraries"], r["main job"]),
                at_least=4,
            ),
        ),
        ours=False,
    ),
    Figure(
        "B4",
        "benchmarks.probes.baseline_runs:spark",
        (
            Row(
                "PySpark local[2] / main job on two workers, less start-up (4×)",
                lambda r: (r["PySpark"] - r["its start-up"], r["main job"] - r["our start-up"]),
                at_least=3,
            ),
            Row(
                "the same from command to end",
                lambda r: (r["PySpark command"], r["our command"]),
            ),
        ),
        ours=False,
    ),
    Figure(
        "B5",
        "benchmarks.probes.memory:main_job",
        (
            Row(
                "peak memory at 16× / at 1× (PSS in all, two workers, no tagging)",
                lambda r: (r["16×"], r["1×"]),
                at_most=1.1,
            ),
            Row(
                "peak memory at 16× (PSS in all, two workers, tagging)",
                lambda r: (r["16× with tagging"], _GB),
                at_most=1.5,
                unit=" GB",
            ),
        ),
        most_rounds=3,
        amounts="bytes",
    ),
    Figure(
        "B6",
        "benchmarks.probes.speed:scaling_up",
        (
            Row(
                "time at 16× / at 1×, less start-up (one process)",
                lambda r: (r["16×"] - r["start-up"], r["1×"] - r["start-up"]),
                at_most=16.8,
            ),
        ),
    ),
    Figure(
        "B7",
        "benchmarks.probes.speed:two_workers",
        (
            Row(
                "one worker / two workers, less start-up (16×)",
                lambda r: (r["one"] - r["start-up of one"], r["two"] - r["start-up of two"]),
                at_least=1.8,
            ),
            Row("the same with start-up", lambda r: (r["one"], r["two"])),
        ),
    ),
    Figure(
        "B8",
        "benchmarks.probes.speed:tagging",
        (
            Row(
                "rate of main job with tagging, less start-up / of nlp.pipe (1×)",
                lambda r: (r["nlp.pipe"], r["job"] - r["start-up"]),
                at_least=0.9,
            ),
        ),
    ),
    Figure(
        "B9",
        "benchmarks.probes.starting:first_unit",
        (
            Row(
                "command to first read of a unit / import apache_beam",
                lambda r: (r["first read"], r["import apache_beam"]),
                at_most=1.5,
            ),
            Row(
                "the same without tagging",
                lambda r: (r["first read, no tagging"], r["import apache_beam"]),
            ),
        ),
        needs=(),
    ),
    Figure(
        "B10a",
        "benchmarks.probes.index.indexing:annotation_index",
        (
            Row(
                "rate of annotation index, less start-up / of read_csv (4×)",
                lambda r: (r["read_csv"], r["index"] - r["start-up"]),
                at_least=0.5,
            ),
            Row(
                "the same, read_csv with one thread",
                lambda r: (r["read_csv, one thread"], r["index"] - r["start-up"]),
            ),
        ),
        needs=("boxes",),
    ),
    Figure(
        "B10b",
        "benchmarks.probes.memory:annotation_index",
        (
            Row(
                "peak memory of the annotation index at 4× / at 1×",
                lambda r: (r["4×"], r["1×"]),
                at_most=1.1,
            ),
        ),
        needs=("boxes",),
        most_rounds=3,
        amounts="bytes",
    ),
    Figure(
        "B11",
        "benchmarks.probes.starting:make_run",
        (
            Row(
                "unchanged `make run` / import apache_beam",
                lambda r: (r["unchanged rerun"], r["import apache_beam"]),
                at_most=2.0,
            ),
            Row(
                "`make run` to its first read / import apache_beam",
                lambda r: (r["make run, first read"], r["import apache_beam"]),
            ),
            Row(
                "`make run` to its end / import apache_beam",
                lambda r: (r["make run"], r["import apache_beam"]),
            ),
        ),
        needs=(),
        ours=False,
    ),
    Figure(
        "P6",
        "benchmarks.probes.incremental:one_shard",
        (
            Row(
                "one of 22 shards changed / all of them new (commands, tagging)",
                lambda r: (r["one changed"], r["all"]),
                at_most=1 / 22 + 0.1,
            ),
            Row("the same, nothing changed", lambda r: (r["unchanged"], r["all"])),
        ),
        most_rounds=3,
    ),
    Figure(
        "B10c",
        "benchmarks.probes.index.release:annotation_index",
        (
            Row(
                "rate of `index` at V7's size, from command to end / of read_csv, two cores",
                lambda r: (r["read_csv"], r["index"]),
                at_least=0.5,
            ),
            Row(
                "peak memory of it, GB",
                lambda r: (r["peak memory"], _GB),
                at_most=2.0,
            ),
            Row("disk of the index, GB", lambda r: (r["index on disk"], _GB)),
            Row(
                "most disk while it is built, GB",
                lambda r: (r["most disk"], _GB),
            ),
        ),
        needs=("releases",),
        most_rounds=1,
        on_request=True,
    ),
    Figure(
        "B10d",
        "benchmarks.probes.index.release:lookup",
        (
            Row(
                "lookup of 2,000 images, a row found, at V7's size / at 0.1 of it",
                lambda r: (r["largest, a row"], r["middle, a row"]),
            ),
            Row(
                "the same, at V7's size / at 0.01 of it",
                lambda r: (r["largest, a row"], r["smallest, a row"]),
            ),
            Row(
                "the same once more, its pages mapped",
                lambda r: (r["largest, a row, again"], r["smallest, a row, again"]),
            ),
        ),
        needs=("releases",),
        on_request=True,
    ),
    Figure(
        "B10e",
        "benchmarks.probes.index.release:job",
        (
            Row(
                "main job, two workers, with an index of V7's size / of 0.01 of it (4×)",
                lambda r: (r["largest"], r["smallest"]),
            ),
        ),
        needs=("narratives", "releases"),
        on_request=True,
    ),
    Figure(
        "E1",
        "benchmarks.probes.engine_runs:flink",
        (
            Row(
                "Flink, parallelism 2 / two local processes, less start-up (8×)",
                lambda r: (
                    r["Flink"] - r["start-up on Flink"],
                    r["two processes"] - r["start-up of two"],
                ),
            ),
            Row("the same with start-up", lambda r: (r["Flink"], r["two processes"])),
        ),
        ours=False,
        most_rounds=3,
        on_request=True,
    ),
)


def select(names: Sequence[str] | None, comparing: bool) -> list[Figure]:
    """The figures of these names, or all but those on request; when comparing two commits, those
    that allow it.

    Raises:
      ValueError: There is no such figure.
    """
    allowed = [figure for figure in FIGURES if figure.ours or not comparing]
    if names is None:
        return [figure for figure in allowed if not figure.on_request]
    chosen = [f for f in allowed if {f.name, f.name.rstrip("ab")} & set(names)]
    known = {name for f in chosen for name in (f.name, f.name.rstrip("ab"))}
    if unknown := sorted(set(names) - known):
        kind = "to compare commits by" if comparing else ""
        raise ValueError(f"no figure {' '.join(unknown)} {kind}".rstrip())
    return chosen
