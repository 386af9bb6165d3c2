"""What must be there before a run can be planned: its input, indexes, and a calibrated threshold.

Beam jobs of their own make what is missing. They are the first of a run, and an interrupted run
finds what they have finished.
"""

import dataclasses
from collections.abc import Callable, Sequence
from fractions import Fraction
from typing import cast

from pipelines.build.inputs.checks import check_heads
from pipelines.build.inputs.shards import find_input, shard_units
from pipelines.build.options import BuildOptions
from pipelines.runs.contents import Contents
from pipelines.runs.failure import say
from transforms import storage
from transforms.core.base.errors import UsageError, shown
from transforms.core.base.versions import code_version, digest
from transforms.core.model import layout
from transforms.core.model.narratives.manifest import IndexDescription
from transforms.core.model.units import Unit
from transforms.core.output.checks.expected import Expected
from transforms.core.output.version import ShardPlan
from transforms.core.sources.index.manifest import Source
from transforms.core.stages.align.transcript_sources import SOURCES
from transforms.core.stages.filter.threshold import calibrate, decode_counts
from transforms.core.stages.measure.taggers import check_tagger

CALIBRATIONS = "calibrations"
"""The folder below the output in which counts of D are kept."""

MAKERS = ("transforms.collections.narratives.stages", "transforms.collections.narratives.calibrate")
"""The modules that make the counts of D, with what they import."""


@dataclasses.dataclass(frozen=True)
class Index:
    """An index that is there.

    Attributes:
      path: Its folder.
      description: The manifest's entry on it.
    """

    path: str
    description: IndexDescription


@dataclasses.dataclass(frozen=True)
class Prepared:
    """What a run is planned with.

    Attributes:
      shards: All shards.
      expected: The splits of a catalog to which they belong.
      annotations: The annotation index, None for a run without one.
      transcripts: The transcript index, None for a run without one.
      threshold: The threshold of D that was calibrated, if one was.
      missing: What a dry run would have had to make first, a sentence each.
    """

    shards: tuple[ShardPlan, ...]
    expected: tuple[Expected, ...]
    annotations: Index | None
    transcripts: Index | None
    threshold: int | Fraction | None
    missing: tuple[str, ...] = ()


def prepare(
    options: BuildOptions,
    beam_args: Sequence[str],
    contents: Contents,
    begin: Callable[[], object] = bool,
) -> Prepared:
    """Finds the input, builds the indexes that are not there, and calibrates the threshold.

    Args:
      options: The job's options.
      beam_args: Beam's own flags.
      contents: Tells what files hold.
      begin: Called before anything is written to the output.

    Raises:
      UsageError: Input is missing or unusable.
      Refused: It is not what the catalog says of it.
    """
    _check_tagger(options.tagger)
    if options.dry_run:
        return _look(options, contents)
    shards, expected = find_input(options, contents, begin)
    annotations = _annotation_index(options, beam_args, contents)
    transcripts = _transcript_index(options, beam_args, contents)
    threshold = _calibrate(options, beam_args, shards, transcripts)
    return Prepared(shards, expected, annotations, transcripts, threshold)


def _look(options: BuildOptions, contents: Contents) -> Prepared:
    """As `prepare`, but nothing is made: what is missing is said, and units cannot be known."""
    shards, expected = find_input(options, contents)
    annotations, transcripts = _given_index(options), None
    folder, missing = storage.join(options.output, layout.INDEXES), []
    from pipelines.index_annotations import (
        AnnotationSources,
        find_annotation_index,
        find_transcript_index,
    )

    if options.sources():
        sources = AnnotationSources(**options.sources())
        of = find_annotation_index(sources, folder, contents)
        annotations, built = _found(*of, "annotations")
        missing += [] if built else ["The index of annotations would be built first."]
    if SOURCES[options.transcripts].indexed:
        files, kind = options.transcript_files, options.transcripts
        of = find_transcript_index(files, kind, folder, contents)
        transcripts, built = _found(*of, "asr", "words")
        missing += [] if built else ["The index of transcriptions would be built first."]
    threshold = None
    if options.discard_share is not None:
        units = _units_to_measure(options, shards, transcripts)
        counts = _read_counts(_counts_path(units, options))
        if counts is None or missing:
            missing.append("The threshold of D would be calibrated first, by a pass over all.")
        else:
            threshold = _threshold_of(counts, options)
    return Prepared(shards, expected, annotations, transcripts, threshold, tuple(missing))


def _found(path: str, sources: Sequence[Source], is_built: bool, *kinds: str) -> tuple[Index, bool]:
    """An index as it is, or, where it is not built, what is known of it."""
    from pipelines.index_annotations import describe_index, indexed_files

    if is_built:
        return Index(path, describe_index(path, kinds)), True
    files = indexed_files(sources)
    return Index(path, IndexDescription(path, "", files, {}, [])), False


def _check_tagger(name: str) -> None:
    try:
        check_tagger(name)
    except UsageError as error:
        download = f"`python -m spacy download {shown(name)}` installs one of spaCy's own"
        raise UsageError(f"{error}; {download}") from error


def verify_indexes(options: BuildOptions, beam_args: Sequence[str], contents: Contents) -> None:
    """Compares the indexes that a run is to read with all their checksums; rebuilds corrupt ones.

    Raises:
      UsageError: One that was given is corrupt.
    """
    _annotation_index(options, beam_args, contents, thorough=True)
    _transcript_index(options, beam_args, contents, thorough=True)


def _annotation_index(
    options: BuildOptions, beam_args: Sequence[str], contents: Contents, thorough: bool = False
) -> Index | None:
    """The annotation index, None for a run without one.

    With `thorough`, all its checksums are compared. One that is corrupt is rebuilt, unless it was
    given.
    """
    if options.sources():
        from pipelines.index_annotations import (
            AnnotationSources,
            describe_index,
            ensure_annotation_index,
        )

        folder = storage.join(options.output, layout.INDEXES)
        sources = AnnotationSources(**options.sources())
        path = ensure_annotation_index(sources, folder, options, beam_args, thorough, contents)
        return Index(path, describe_index(path, ("annotations",)))
    return _given_index(options, thorough)


def _given_index(options: BuildOptions, thorough: bool = False) -> Index | None:
    """The annotation index that the options name, if they do.

    Raises:
      UsageError: It is corrupt.
    """
    path = options.annotations
    if not path:
        return None
    from pipelines.index_annotations import describe_index

    description = describe_index(path, ("annotations",))
    if not storage.is_intact_index(path, ("annotations",), thorough):
        raise UsageError(
            f"{path}: the index given with --annotations is corrupt: build it again with `python "
            "-m pipelines.index_annotations`"
        )
    return Index(path, description)


def _transcript_index(
    options: BuildOptions, beam_args: Sequence[str], contents: Contents, thorough: bool = False
) -> Index | None:
    """The transcript index, None for a run without one; `thorough` as for annotations."""
    if not SOURCES[options.transcripts].indexed:
        return None
    from pipelines.index_annotations import describe_index, ensure_transcript_index

    folder = storage.join(options.output, layout.INDEXES)
    path = ensure_transcript_index(
        options.transcript_files,
        options.transcripts,
        folder,
        options,
        beam_args,
        thorough or options.discard_share is not None,
        contents,
    )
    return Index(path, describe_index(path, ("asr", "words")))


def _calibrate(
    options: BuildOptions,
    beam_args: Sequence[str],
    shards: Sequence[ShardPlan],
    transcripts: Index | None,
) -> int | Fraction | None:
    """The threshold that discards at most the share that the options name, if they name one.

    It is kept below the output, so that a later run over the same input need not measure again.
    """
    if options.discard_share is None:
        return None
    units = _units_to_measure(options, shards, transcripts)
    check_heads(units, options.max_bad_share)  # before a pass over all of them
    path = transcripts.path if transcripts else None
    return _threshold_of(_count_distances(units, options, beam_args, path), options)


def _units_to_measure(
    options: BuildOptions, shards: Sequence[ShardPlan], transcripts: Index | None
) -> list[Unit]:
    """The units over which D is counted: all of them."""
    fingerprint = transcripts and transcripts.description.fingerprint
    salt = digest({"index": fingerprint, "code": code_version(MAKERS), **sampled(options)})
    return [unit for shard in shards for unit in shard_units(shard, options.unit_bytes, salt)]


def sampled(options: BuildOptions) -> dict[str, str]:
    """What a sample adds to the keys of units: nothing where there is none."""
    share = options.sampled_share
    return {} if share is None else {"sample": str(share)}


def _threshold_of(counts: dict[tuple[int, int], int], options: BuildOptions) -> int | Fraction:
    share = cast(float, options.discard_share)
    try:
        return calibrate(counts, share, options.discard_per_char)
    except ValueError as error:
        raise UsageError(f"--discard-share: {error}; raise the share") from error


def _counts_path(units: Sequence[Unit], options: BuildOptions) -> str:
    """Where the counts of D of these units are kept."""
    key = digest({"units": sorted(unit.key for unit in units), "source": options.transcripts})
    return storage.join(options.output, CALIBRATIONS, f"{key[:16]}.json")


def _count_distances(
    units: Sequence[Unit],
    options: BuildOptions,
    beam_args: Sequence[str],
    transcript_index: str | None,
) -> dict[tuple[int, int], int]:
    """Narratives by (D, caption characters), from an earlier pass over the same units if any."""
    path = _counts_path(units, options)
    counts = _read_counts(path)
    if counts is None:
        where = "1 unit" if len(units) == 1 else f"{len(units)} units"
        text = f"Measuring D of all narratives in {where}, to calibrate the threshold."
        say(options, text, "calibrating", units=len(units))
        _measure(units, options, beam_args, transcript_index, path)
        counts = _read_counts(path)
    if counts is None:
        raise UsageError(f"{path}: holds no counts of D: remove it and run the same command again")
    return counts


def _read_counts(path: str) -> dict[tuple[int, int], int] | None:
    """The counts of an earlier pass, None where there is none or the file is corrupt."""
    return decode_counts(storage.read_bytes(path)) if storage.exists(path) else None


def _measure(
    units: Sequence[Unit],
    options: BuildOptions,
    beam_args: Sequence[str],
    transcript_index: str | None,
    path: str,
) -> None:
    import apache_beam as beam

    from pipelines.cli.engines.runners import create_pipeline, is_detached
    from pipelines.cli.progress.showing import show_step
    from transforms.collections.narratives.calibrate import CountDistances, write_counts
    from transforms.collections.narratives.stages import (
        AlignTranscripts,
        read_and_sample,
        transcripts_from,
    )
    from transforms.units.resume import CreateUnits

    if is_detached(options, beam_args):
        raise UsageError(
            "--discard-share needs a pass over the input first, which a detached job "
            "cannot have: give the threshold itself, --max-distance or --max-distance-per-char"
        )
    transcripts = transcripts_from(options.transcripts, transcript_index)
    with show_step("Measuring D"), create_pipeline(options, beam_args) as pipeline:
        chunks = pipeline | "PlanUnits" >> CreateUnits(units)
        for label, stage in read_and_sample(options.unit_bytes, options.sampled_share).items():
            chunks |= label >> stage
        _ = (
            chunks
            | "Align" >> AlignTranscripts(transcripts)
            | "CountDistances" >> CountDistances()
            | "WriteCounts" >> beam.Map(write_counts, path)
        )
