"""Running a plan: the pipeline from its units to a version, and what is said of it."""

import collections
import json
import time
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import msgspec

from pipelines.cli import log, stopping
from pipelines.cli.engines.local_advice import advise
from pipelines.cli.engines.runners import (
    create_pipeline,
    fails_jobs,
    is_detached,
    is_local,
    job_id,
)
from pipelines.runs.dry_run import foretell
from pipelines.runs.failure import end_refused, note_rejected, say, warn
from pipelines.runs.options import RunOptions
from pipelines.runs.plan import RunPlan, describe_restored
from transforms import storage
from transforms.core.base.errors import WORKER_ENDED, EngineError, WorkerEndedError, shown
from transforms.core.base.versions import deployment_version
from transforms.core.model import layout
from transforms.core.model.manifest import Manifest
from transforms.core.model.manifest_entries import CheckRow, NotCompared
from transforms.core.report.page.formats import plural
from transforms.units.deaths import DEATHS, count_deaths
from transforms.units.publishing.pin import current_version
from transforms.units.publishing.publication import Publication
from transforms.units.publishing.read_version import read_manifest

if TYPE_CHECKING:  # both take seconds, which a run that has nothing to do need not wait
    import apache_beam as beam

    from transforms.core.output.jobs.job import Job
    from transforms.units.publishing.publish import PublishPlan
    from transforms.units.reading.deadly.trial import Trial

Stages = Mapping[str, Any]
"""A job's transforms by their labels, in order: its `ReadUnits`, then its `ChunkTransform`s."""

_UNITS_SHOWN = 3
_DETAILS_SHOWN = 30


def run_plan(
    options: RunOptions,
    beam_args: Sequence[str],
    plan: RunPlan,
    stages: Callable[[], Stages],
    publication: Publication,
    show: Callable[[Any], int],
    run_id: str,
) -> int:
    """Runs a plan, and says what came of it; a dry run only says what it would do.

    Args:
      options: The job's options.
      beam_args: Beam's own flags.
      plan: The run.
      stages: Makes the job's stages.
      publication: How its versions are described and judged.
      show: Prints the summary of the version that a manifest describes; returns the exit code.
      run_id: The run's name, by which its outcome is found.

    Returns:
      The exit code.
    """
    if options.dry_run:
        return foretell(options, plan, publication)
    # Up to the last line: who is stopped while it prints has published.
    with stopping.noting(lambda: _published_after(plan.base, options.output)):
        begin = time.perf_counter()
        say(options, _announcement(plan), "run_planned", **_figures(plan))
        _detail_plan(plan)
        if is_local(options):
            advise(options.workers, len(plan.units))
        outcome = run(options, beam_args, plan, stages, publication, run_id)
        if outcome is None:
            return 0
        if outcome["status"] != "published":
            found = outcome["found"]
            return end_refused(options, outcome["status"], outcome["message"], found)
        seconds, version = time.perf_counter() - begin, outcome["version"]
        text = f"Done in {seconds:.1f} s: {outcome['message']}."
        say(options, text, "published", version=version, seconds=round(seconds, 3))
        log.ending("published", outcome["message"], version=version)
        folder = storage.join(options.output, layout.version_folder(outcome["version"]))
        manifest = read_manifest(folder, publication.manifest)
        note_rejected(manifest.counts.rejected)
        return show(_as_judged(manifest, outcome["found"]))


def _as_judged(manifest: Manifest, found: Mapping[str, Any]) -> Manifest:
    """The manifest, of a version that was there already, with what this run was judged by."""
    judged = msgspec.convert(found, _Judged)
    given = {name: value for name, value in msgspec.structs.asdict(judged).items() if name in found}
    return msgspec.structs.replace(manifest, **given)


class _Judged(msgspec.Struct):
    checks: list[CheckRow] = []
    not_compared: list[NotCompared] = []


def run(
    options: RunOptions,
    beam_args: Sequence[str],
    plan: RunPlan,
    stages: Callable[[], Stages],
    publication: Publication,
    run_id: str,
) -> dict | None:
    """Runs the pipeline and returns its outcome, None where it is only submitted.

    On this machine it is run again when a worker process has died: the units that it was doing are
    marked, and a unit with too many marks has its lines tried (`BeginAttempts`).
    """
    deaths: dict[str, int] = {}
    while True:
        try:
            return _run_once(options, beam_args, plan, stages, publication, run_id)
        except WorkerEndedError as error:
            before, deaths = deaths, _deaths(options.output, plan)
            died = [key for key, number in deaths.items() if number > before.get(key, 0)]
            if not any(deaths[key] <= DEATHS for key in died):
                raise
            again = _describe_deaths(died, deaths)
            warn([f"{WORKER_ENDED}. Running again: {again}. {error.where}"])


def _deaths(output: str, plan: RunPlan) -> dict[str, int]:
    found = {unit.key: count_deaths(output, unit) for unit in plan.units}
    return {key: number for key, number in found.items() if number}


def _describe_deaths(died: Sequence[str], deaths: Mapping[str, int]) -> str:
    """What becomes of the first units whose workers have died."""
    told = [
        f"the lines of unit {key!r} are tried one by one"
        if deaths[key] >= DEATHS
        else f"unit {key!r} is attempted once more"
        for key in died[:_UNITS_SHOWN]
    ]
    more = len(died) - len(told)
    return ", ".join([*told, *([f"and {more} more"] if more > 0 else [])])


def _run_once(
    options: RunOptions,
    beam_args: Sequence[str],
    plan: RunPlan,
    stages: Callable[[], Stages],
    publication: Publication,
    run_id: str,
) -> dict | None:
    from pipelines.cli.progress.showing import show_progress
    from transforms.units.publishing.publish import PublishPlan

    publish = PublishPlan(
        output=options.output,
        run_id=run_id,
        base=plan.base,
        shards=plan.shards,
        publication=publication,
        fails_job=fails_jobs(options, beam_args),
    )
    path = storage.join(options.output, layout.run_path(run_id))
    begin = time.perf_counter()
    try:
        with (
            show_progress(plan.units, options.output),
            create_pipeline(options, beam_args) as pipeline,
        ):
            made = stages()
            log.detail(f"Stages: {', '.join(made)}.", stages=list(made))
            build_pipeline(pipeline, plan, made, publish)
    except EngineError:
        if outcome := storage.read_json(path):  # the job failed since nothing was published
            return outcome
        raise
    if is_detached(options, beam_args):
        job = job_id(pipeline)
        name = f" as job {job}" if job else ""
        text = f"Submitted to the engine{name}; this command does not wait for its end."
        say(options, text, "submitted", job=job)
        log.ending("submitted", text)
        return None
    if options.profile or log.is_verbose():
        from pipelines.cli.engines.profile import print_profile

        print_profile(pipeline.result.metrics(), time.perf_counter() - begin)
    return json.loads(storage.read_bytes(path))


def build_pipeline(
    pipeline: "beam.Pipeline", plan: RunPlan, stages: Stages, publish: "PublishPlan"
) -> None:
    """Wires a job: its units through its stages to their records, and these to a version."""
    import apache_beam as beam

    from transforms.units.publishing.publish import PublishVersion
    from transforms.units.reading.attempts import BeginAttempts
    from transforms.units.resume import CreateUnits, SkipFinished
    from transforms.units.write import WriteUnit

    job, output = publish.publication.job, publish.output
    units = (
        pipeline | "PlanUnits" >> CreateUnits(plan.units) | "SkipFinished" >> SkipFinished(output)
    )
    chunks = units.todo | "BeginAttempts" >> BeginAttempts(output, _trial(job, stages))
    for label, stage in stages.items():
        chunks |= label >> stage
    written = chunks | "Write" >> WriteUnit(job, output, deployment_version())
    finished = pipeline | "FinishedUnits" >> beam.Create(
        plan.finished, reshuffle=False
    ).with_output_types(str)
    (
        (written, units.finished, finished)
        | "AllUnits" >> beam.Flatten()
        | "Publish" >> PublishVersion(publish)
    )


def _trial(job: "Job", stages: Stages) -> "Trial":
    """What is done with the lines of a unit whose workers die."""
    from transforms.units.reading.deadly.trial import Trial

    reader, *others = stages.values()
    return Trial(
        job=job,
        unit_bytes=reader.unit_bytes,
        reader=type(reader).__name__,
        read=reader.reader(),
        blocks=reader.blocks(),
        stages={type(stage).__name__: stage.rehearse() for stage in others},
    )


def _figures(plan: RunPlan) -> dict[str, int]:
    """What the announcement says, for programs."""
    return {
        "shards": len(plan.shards),
        "bytes": sum(shard.size for shard in plan.shards),
        "units": len(plan.units),
        "units_reused": len(plan.finished),
    }


def _announcement(plan: RunPlan) -> str:
    size = sum(shard.size for shard in plan.shards)
    shards = "1 shard" if len(plan.shards) == 1 else f"{len(plan.shards)} shards"
    units = "1 unit" if len(plan.units) == 1 else f"{len(plan.units)} units"
    more = len(plan.finished)
    finished = f"; {more} more {'is' if more == 1 else 'are'} finished already" if more else ""
    return (
        f"Reading {shards}, {size / 1e6:,.1f} MB: {units} pending{describe_restored(plan.units)}"
        f"{finished}."
    )


def _detail_plan(plan: RunPlan) -> None:
    """Which shards the units are of, pending ones and those that are reused."""
    if not log.is_verbose():
        return
    pending = collections.Counter(unit.shard for unit in plan.units)
    keys = [layout.unit_of(path)[1] for path in plan.finished]
    for shard in plan.shards[:_DETAILS_SHOWN]:
        named = shown(shard.shard)
        log.detail(f"  {named}: {plural(pending[shard.shard], 'unit')} pending", shard=shard.shard)
    _detail_more(len(plan.shards), "shard", "more")
    for key in keys[:_DETAILS_SHOWN]:
        log.detail(f"  Reused: unit {key}", unit=key)
    _detail_more(len(keys), "unit", "more are reused")


def _detail_more(number: int, what: str, ending: str) -> None:
    if number > _DETAILS_SHOWN:
        log.detail(f"  … and {plural(number - _DETAILS_SHOWN, what)} {ending}")


def _published_after(base: str | None, output: str) -> str:
    """What to say of a run that is stopped when its version is current already."""
    if "://" in output:
        return ""  # a process that stops does not wait for a store
    version = current_version(output)
    return "" if version == base else f"Before that, version {version} became current."
