"""The first pass of a calibrated run: D alone, over all input."""

import sys
from collections.abc import Sequence

from pipelines.build.options import BuildOptions
from transforms import storage
from transforms.core.base.errors import UsageError
from transforms.core.base.versions import digest
from transforms.core.model.units import Unit
from transforms.core.stages.filter.threshold import decode_counts

FOLDER = "calibrations"


def count_distances(
    units: Sequence[Unit],
    options: BuildOptions,
    beam_args: Sequence[str],
    transcript_index: str | None,
) -> dict[tuple[int, int], int]:
    """Narratives by (D, caption characters), from an earlier pass over the same units if any."""
    key = digest({"units": sorted(unit.key for unit in units), "source": options.transcripts})
    path = storage.join(options.output, FOLDER, f"{key[:16]}.json")
    counts = _read_counts(path)
    if counts is None:
        print(
            f"Measuring D of all narratives in {len(units)} units, to calibrate the threshold.",
            file=sys.stdout if options.summary == "text" else sys.stderr,
        )
        _measure(units, options, beam_args, transcript_index, path)
        counts = _read_counts(path)
    if counts is None:
        raise UsageError(f"{path}: holds no counts of D: remove it and run the same command again")
    return counts


def _read_counts(path: str) -> dict[tuple[int, int], int] | None:
    """The counts of an earlier pass, None where there is none or the file is corrupt."""
    return decode_counts(storage.read_bytes(path)) if storage.exists(path) else None


def _measure(units, options, beam_args, transcript_index, path: str) -> None:
    import apache_beam as beam

    from pipelines.cli.engines.runners import create_pipeline, is_handed_over
    from transforms.calibrate import CountDistances, write_counts
    from transforms.narratives import AlignTranscripts, ReadNarratives
    from transforms.units.resume import CreateUnits

    if is_handed_over(options, beam_args):
        raise UsageError(
            "--discard-share needs a pass over the input first, which a job that nobody waits for "
            "cannot have: give the threshold itself, --max-distance or --max-distance-per-char"
        )
    with create_pipeline(options, beam_args) as pipeline:
        _ = (
            pipeline
            | "PlanUnits" >> CreateUnits(units)
            | "ReadNarratives" >> ReadNarratives(options.unit_bytes)
            | "Align" >> AlignTranscripts(options.transcripts, transcript_index)
            | "CountDistances" >> CountDistances()
            | "WriteCounts" >> beam.Map(write_counts, path)
        )
