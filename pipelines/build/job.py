"""The main job: every narrative, aligned, grounded, filtered, joined and measured.

Reads narrative shards, joins Open Images or COCO annotations, and writes Parquet tables, a report
and a manifest as a new version below the output folder. An interrupted run
resumes; a run over unchanged input does nothing.
"""

import functools
import json
import sys
import time
import uuid
from collections.abc import Sequence
from typing import TYPE_CHECKING

import msgspec

from pipelines import __version__
from pipelines.build.failure import failure_of, report_failure
from pipelines.build.inputs.expectations import Refused
from pipelines.build.options import BuildOptions
from pipelines.build.planning import BuildPlan, plan_build
from pipelines.build.preparation import prepare, verify_indexes
from pipelines.cli import stopping
from pipelines.cli.engines.local_advice import advise
from pipelines.cli.engines.runners import (
    create_pipeline,
    fails_jobs,
    is_detached,
    is_local,
    is_prepared_only,
    job_id,
)
from pipelines.cli.options import parse_command_line
from transforms import storage
from transforms.core.base.errors import (
    MESSAGE_CHARACTERS,
    EngineError,
    UsageError,
    describe_os_error,
    shown,
)
from transforms.core.base.versions import deployment_version
from transforms.core.model import layout
from transforms.core.model.manifest import Manifest
from transforms.core.output.checks.expected import compare
from transforms.core.output.checks.verdict import Found, describe_failure, judge_current
from transforms.units.pin import current_version, read_pin
from transforms.units.read_version import read_manifest
from transforms.units.runs import (
    Ended,
    is_removed,
    new_run,
    note_end,
    read_pruning,
    write_begin,
)

if TYPE_CHECKING:  # both take seconds, which a run that has nothing to do need not wait
    import apache_beam as beam

    from transforms.units.publish import PublishPlan

PROG = "python -m pipelines.build"
OPTIONS = BuildOptions


def main(argv: Sequence[str] | None = None, prog: str = PROG) -> int:
    """Runs the job, called by the name `prog`; returns the exit code."""
    options, beam_args = parse_command_line(
        OPTIONS, argv, prog, __doc__.partition("\n\n")[2].strip()
    )
    record = _Record(options)
    try:
        return _build(options, beam_args, record)
    except Refused as refused:
        record.end(refused.status, str(refused))
        return _fail(options, refused.status, str(refused))
    except (UsageError, EngineError) as error:
        record.end(failure_of(error)["status"], str(error))
        if options.summary == "json":
            print(json.dumps(failure_of(error), indent=1), flush=True)
        raise
    except OSError as error:
        record.end("failed", describe_os_error(error))
        raise


class _Record:
    """What this command leaves of itself in the output's `runs`."""

    def __init__(self, options: BuildOptions) -> None:
        self._output, self._has_begun = options.output, False
        self._begun = new_run(
            uuid.uuid4().hex[:16],
            "build",
            is_local(options),
            engine=options.runner,
            workers=options.workers,
            program=__version__,
        )

    @property
    def run(self) -> str:
        """The run's name."""
        return self._begun.run

    def begin(self, plan: BuildPlan) -> bool:
        """Says what the run needs; returns whether that is being removed at the moment."""
        indexes = [plan.annotation_index, plan.transcript_index]
        self._begun = msgspec.structs.replace(
            self._begun,
            base=plan.base,
            version=plan.version,
            pending=len(plan.units),
            bytes=sum((unit.end or unit.size) - unit.start for unit in plan.units),
            reused=[path.split("/")[-2] for path in plan.finished],
            indexes=[path.rstrip("/").rpartition("/")[2] for path in indexes if path],
        )
        write_begin(self._output, self._begun)
        self._has_begun = True
        return is_removed(self._begun, read_pruning(self._output))

    def end(self, status: str, message: str, version: str = "") -> None:
        """Says how the run has ended, unless it has said so itself."""
        ended = Ended(status=status, version=version, message=shown(message, MESSAGE_CHARACTERS))
        note_end(self._output, self._begun, ended, self._has_begun)


def _build(options: BuildOptions, beam_args: Sequence[str], record: _Record) -> int:
    plan = _plan_and_begin(options, beam_args, record)
    for warning in [*filter(None, [plan.damage]), *plan.provenance.warnings]:
        print(f"warning: {shown(warning, MESSAGE_CHARACTERS)}", file=sys.stderr)
    if plan.manifest and plan.is_current and not is_prepared_only(options, beam_args):
        return _show_current(options, plan, plan.manifest, record)
    # Up to the last line: who is stopped while it prints has published.
    with stopping.noting(lambda: _published_after(plan.base, options.output)):
        return _run_and_show(options, beam_args, plan, record.run)


def _plan_and_begin(options: BuildOptions, beam_args: Sequence[str], record: _Record) -> BuildPlan:
    """Plans a run and says that it begins; waits while something is removed that it needs."""
    while True:
        plan = plan_run(options, beam_args)
        if plan.is_current or is_prepared_only(options, beam_args) or not record.begin(plan):
            return plan
        _say(options, "Waiting: `versions prune` is removing units that this run would use.")
        while read_pruning(options.output):
            time.sleep(_PAUSE)


_PAUSE = 0.5
"""Seconds until it is looked again whether something is still being removed."""


def _run_and_show(
    options: BuildOptions, beam_args: Sequence[str], plan: BuildPlan, run_id: str
) -> int:
    begin = time.perf_counter()
    _say(options, _announcement(plan))
    if is_local(options):
        advise(options.workers, len(plan.units))
    outcome = run(options, beam_args, plan, run_id)
    if outcome is None:
        return 0
    if outcome["status"] != "published":
        found = msgspec.convert(outcome["found"], Found)
        return _fail(options, outcome["status"], outcome["message"], found)
    _say(options, f"Done in {time.perf_counter() - begin:.1f} s: {outcome['message']}.")
    folder = storage.join(options.output, layout.version_folder(outcome["version"]))
    return show(options, read_manifest(folder))


def plan_run(options: BuildOptions, beam_args: Sequence[str]) -> BuildPlan:
    """Prepares a run and plans it; the indexes that it will read are verified.

    Raises:
      UsageError: Input is missing or unusable.
      Refused: It is not what the catalog says of it.
    """
    plan = plan_build(options, prepare(options, beam_args))
    if plan.units:
        verify_indexes(options, beam_args)
    return plan


def _fail(options: BuildOptions, status: str, message: str, found: Found | None = None) -> int:
    return report_failure(options.summary == "json", status, message, found)


def _show_current(
    options: BuildOptions, plan: BuildPlan, manifest: Manifest, record: _Record
) -> int:
    """Shows the current version, if it keeps the limits that the options name now."""
    expected = compare(plan.expected, manifest.shards)
    manifest = msgspec.structs.replace(manifest, expected=expected)
    if verdict := judge_current(manifest, options.limits()):
        folder = storage.join(options.output, layout.version_folder(manifest.version))
        found = describe_failure(manifest, folder)
        message = f"{verdict.message}: version {manifest.version} stays current"
        record.end(verdict.status, message, manifest.version)
        return _fail(options, verdict.status, message, found)
    message = f"Nothing to do: version {plan.version} has the same input, options and code."
    if read_pin(options.output):
        message += " The output is pinned to it."
    record.end("unchanged", message, manifest.version)
    _say(options, message)
    return show(options, manifest)


def _say(options: BuildOptions, message: str) -> None:
    text = shown(message, MESSAGE_CHARACTERS)
    print(text, file=sys.stdout if options.summary == "text" else sys.stderr, flush=True)


def _announcement(plan: BuildPlan) -> str:
    size = sum(shard.size for shard in plan.shards)
    shards = "1 shard" if len(plan.shards) == 1 else f"{len(plan.shards)} shards"
    units = "1 unit" if len(plan.units) == 1 else f"{len(plan.units)} units"
    more = len(plan.finished)
    finished = f"; {more} more {'is' if more == 1 else 'are'} finished already" if more else ""
    return f"Reading {shards}, {size / 1e6:,.1f} MB: {units} pending{finished}."


def run(
    options: BuildOptions, beam_args: Sequence[str], plan: BuildPlan, run_id: str = ""
) -> dict | None:
    """Runs the pipeline and returns its outcome, None where it is only submitted."""
    run_id = run_id or uuid.uuid4().hex[:16]
    from pipelines.cli.progress import show_progress
    from transforms.units.publish import PublishPlan

    publish = PublishPlan(
        output=options.output,
        run_id=run_id,
        base=plan.base,
        shards=plan.shards,
        expected=plan.expected,
        limits=options.limits(),
        provenance=plan.provenance,
        fails_job=fails_jobs(options, beam_args),
    )
    path = storage.join(options.output, layout.run_path(run_id))
    begin = time.perf_counter()
    try:
        with (
            show_progress(plan.units, options.output),
            create_pipeline(options, beam_args) as pipeline,
        ):
            build_pipeline(pipeline, options, plan, publish)
    except EngineError:
        if outcome := storage.read_json(path):  # the job failed since nothing was published
            return outcome
        raise
    if is_detached(options, beam_args):
        job = job_id(pipeline)
        name = f" as job {job}" if job else ""
        _say(options, f"Submitted to the engine{name}; this command does not wait for its end.")
        return None
    if options.profile:
        from pipelines.cli.engines.profile import print_profile

        print_profile(pipeline.result.metrics(), time.perf_counter() - begin)
    return json.loads(storage.read_bytes(path))


def _published_after(base: str | None, output: str) -> str:
    """What to say of a run that is stopped when its version is current already."""
    if "://" in output:
        return ""  # a process that stops does not wait for a store
    version = current_version(output)
    return "" if version == base else f"Before that, version {version} became current."


def build_pipeline(
    pipeline: "beam.Pipeline", options: BuildOptions, plan: BuildPlan, publish: "PublishPlan"
) -> None:
    """Wires the stages: DESIGN's data flow, top to bottom."""
    import apache_beam as beam

    from transforms.core.stages.measure.taggers import create_tagger
    from transforms.narratives.stages import (
        AlignTranscripts,
        FilterQuality,
        GroundWords,
        JoinAnnotations,
        MatchMentions,
        MeasureRichness,
        ReadNarratives,
        annotations_from,
        transcripts_from,
    )
    from transforms.units.publish import PublishVersion
    from transforms.units.resume import CreateUnits, SkipFinished
    from transforms.units.write import WriteUnit

    transcripts = transcripts_from(options.transcripts, plan.transcript_index)
    annotations = annotations_from(plan.annotation_index)
    units = (
        pipeline
        | "PlanUnits" >> CreateUnits(plan.units)
        | "SkipFinished" >> SkipFinished(options.output)
    )
    written = (
        units.todo
        | "ReadNarratives" >> ReadNarratives(options.unit_bytes)
        | "Align" >> AlignTranscripts(transcripts)
        | "Ground" >> GroundWords()
        | "Filter" >> FilterQuality(plan.quality)
        | "Join" >> JoinAnnotations(annotations, options.images_of())
        | "Match" >> MatchMentions(annotations, plan.mentions)
        | "Measure" >> MeasureRichness(functools.partial(create_tagger, options.tagger))
        | "Write" >> WriteUnit(options.output, deployment_version())
    )
    finished = pipeline | "FinishedUnits" >> beam.Create(
        plan.finished, reshuffle=False
    ).with_output_types(str)
    (
        (written, units.finished, finished)
        | "AllUnits" >> beam.Flatten()
        | "Publish" >> PublishVersion(publish)
    )


def show(options: BuildOptions, manifest: Manifest) -> int:
    """Prints the summary of the version that a manifest describes."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    from pipelines.build.summary import print_summary, summary_as_json
    from transforms.core.output.statistics.collection import tables_of

    def read(name: str) -> pa.Table:
        data = storage.read_bytes(f"{folder}/{name}/{name}.parquet")
        # In this thread: one of Arrow's that still holds Python's bytes when the process ends
        # aborts it.
        return pq.read_table(pa.BufferReader(data), use_threads=False, pre_buffer=False)

    folder = storage.join(options.output, layout.version_folder(manifest.version))
    tables = {name: read(name) for name in tables_of()}
    if options.summary == "json":
        print(json.dumps(summary_as_json(manifest, tables), indent=1))
    else:
        print_summary(manifest, tables, options.output)
    return 0
