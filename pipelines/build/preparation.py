"""What must be there before a run can be planned: its input, indexes, and a calibrated threshold.

Beam jobs of their own make what is missing. They are the first of a run, and an interrupted run
finds what they have finished.
"""

import dataclasses
import sys
from collections.abc import Sequence
from fractions import Fraction

import msgspec

from pipelines.build.inputs.checks import check_heads
from pipelines.build.inputs.shards import find_input, shard_units
from pipelines.build.options import BuildOptions
from pipelines.runs.contents import Contents
from transforms import storage
from transforms.core.base.errors import UsageError, shown
from transforms.core.base.versions import code_version, digest
from transforms.core.model import layout
from transforms.core.model.narratives.manifest import IndexDescription, IndexedFile
from transforms.core.model.units import Unit
from transforms.core.output.checks.expected import Expected
from transforms.core.output.version import ShardPlan
from transforms.core.stages.align.transcript_sources import SOURCES
from transforms.core.stages.filter.threshold import calibrate, decode_counts
from transforms.core.stages.measure.taggers import check_tagger

CALIBRATIONS = "calibrations"
"""The folder below the output in which counts of D are kept."""

MAKERS = ("transforms.narratives.stages", "transforms.narratives.calibrate")
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
    """

    shards: tuple[ShardPlan, ...]
    expected: tuple[Expected, ...]
    annotations: Index | None
    transcripts: Index | None
    threshold: int | Fraction | None


def prepare(options: BuildOptions, beam_args: Sequence[str], contents: Contents) -> Prepared:
    """Finds the input, builds the indexes that are not there, and calibrates the threshold.

    Raises:
      UsageError: Input is missing or unusable.
      Refused: It is not what the catalog says of it.
    """
    _check_tagger(options.tagger)
    shards, expected = find_input(options, contents)
    annotations = _annotation_index(options, beam_args, contents)
    transcripts = _transcript_index(options, beam_args, contents)
    threshold = _calibrate(options, beam_args, shards, transcripts)
    return Prepared(shards, expected, annotations, transcripts, threshold)


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
    path = options.annotations
    if options.sources():
        from pipelines.index_annotations import AnnotationSources, ensure_annotation_index

        folder = storage.join(options.output, layout.INDEXES)
        sources = AnnotationSources(**options.sources())
        path = ensure_annotation_index(sources, folder, options, beam_args, thorough, contents)
    if not path:
        return None
    description = _describe_index(path, ("annotations",))
    if options.annotations and not storage.is_intact_index(path, ("annotations",), thorough):
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
    from pipelines.index_annotations import ensure_transcript_index

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
    return Index(path, _describe_index(path, ("asr", "words")))


def _describe_index(path: str, kinds: tuple[str, ...]) -> IndexDescription:
    manifest = storage.read_index_manifest(path, kinds)
    return IndexDescription(
        path=path,
        fingerprint=manifest.fingerprint,
        sources=[IndexedFile(**msgspec.structs.asdict(source)) for source in manifest.sources],
        rows={name: table.rows for name, table in manifest.tables.items()},
        warnings=manifest.warnings,
    )


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
    fingerprint = transcripts and transcripts.description.fingerprint
    salt = digest({"index": fingerprint, "code": code_version(MAKERS)})
    units = [unit for shard in shards for unit in shard_units(shard, options.unit_bytes, salt)]
    check_heads(units, options.max_bad_share)  # before a pass over all of them
    counts = _count_distances(units, options, beam_args, transcripts.path if transcripts else None)
    try:
        return calibrate(counts, options.discard_share, options.discard_per_char)
    except ValueError as error:
        raise UsageError(f"--discard-share: {error}; raise the share") from error


def _count_distances(
    units: Sequence[Unit],
    options: BuildOptions,
    beam_args: Sequence[str],
    transcript_index: str | None,
) -> dict[tuple[int, int], int]:
    """Narratives by (D, caption characters), from an earlier pass over the same units if any."""
    key = digest({"units": sorted(unit.key for unit in units), "source": options.transcripts})
    path = storage.join(options.output, CALIBRATIONS, f"{key[:16]}.json")
    counts = _read_counts(path)
    if counts is None:
        where = "1 unit" if len(units) == 1 else f"{len(units)} units"
        print(
            f"Measuring D of all narratives in {where}, to calibrate the threshold.",
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


def _measure(
    units: Sequence[Unit],
    options: BuildOptions,
    beam_args: Sequence[str],
    transcript_index: str | None,
    path: str,
) -> None:
    import apache_beam as beam

    from pipelines.cli.engines.runners import create_pipeline, is_detached
    from transforms.narratives.calibrate import CountDistances, write_counts
    from transforms.narratives.stages import AlignTranscripts, ReadNarratives, transcripts_from
    from transforms.units.resume import CreateUnits

    if is_detached(options, beam_args):
        raise UsageError(
            "--discard-share needs a pass over the input first, which a detached job "
            "cannot have: give the threshold itself, --max-distance or --max-distance-per-char"
        )
    transcripts = transcripts_from(options.transcripts, transcript_index)
    with create_pipeline(options, beam_args) as pipeline:
        _ = (
            pipeline
            | "PlanUnits" >> CreateUnits(units)
            | "ReadNarratives" >> ReadNarratives(options.unit_bytes)
            | "Align" >> AlignTranscripts(transcripts)
            | "CountDistances" >> CountDistances()
            | "WriteCounts" >> beam.Map(write_counts, path)
        )
