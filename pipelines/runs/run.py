"""Running a plan: the pipeline from its units to a version, and what is said of it."""

import json
import time
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import msgspec

from pipelines.cli import stopping
from pipelines.cli.engines.local_advice import advise
from pipelines.cli.engines.runners import (
    create_pipeline,
    fails_jobs,
    is_detached,
    is_local,
    job_id,
)
from pipelines.runs.dry_run import foretell
from pipelines.runs.failure import end_refused, say
from pipelines.runs.options import RunOptions
from pipelines.runs.plan import RunPlan
from transforms import storage
from transforms.core.base.errors import EngineError
from transforms.core.base.versions import deployment_version
from transforms.core.model import layout
from transforms.core.model.manifest import Manifest
from transforms.core.model.manifest_entries import CheckRow, NotCompared
from transforms.units.publishing.pin import current_version
from transforms.units.publishing.publication import Publication
from transforms.units.publishing.read_version import read_manifest

if TYPE_CHECKING:  # both take seconds, which a run that has nothing to do need not wait
    import apache_beam as beam

    from transforms.units.publishing.publish import PublishPlan

Stages = Mapping[str, "beam.PTransform"]
"""A job's transforms by their labels, in order: first its reader, from units to chunks."""


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
        say(options, _announcement(plan))
        if is_local(options):
            advise(options.workers, len(plan.units))
        outcome = run(options, beam_args, plan, stages, publication, run_id)
        if outcome is None:
            return 0
        if outcome["status"] != "published":
            found = outcome["found"]
            return end_refused(options, outcome["status"], outcome["message"], found)
        say(options, f"Done in {time.perf_counter() - begin:.1f} s: {outcome['message']}.")
        folder = storage.join(options.output, layout.version_folder(outcome["version"]))
        manifest = read_manifest(folder, publication.manifest)
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
    """Runs the pipeline and returns its outcome, None where it is only submitted."""
    from pipelines.cli.progress import show_progress
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
            build_pipeline(pipeline, plan, stages(), publish)
    except EngineError:
        if outcome := storage.read_json(path):  # the job failed since nothing was published
            return outcome
        raise
    if is_detached(options, beam_args):
        job = job_id(pipeline)
        name = f" as job {job}" if job else ""
        say(options, f"Submitted to the engine{name}; this command does not wait for its end.")
        return None
    if options.profile:
        from pipelines.cli.engines.profile import print_profile

        print_profile(pipeline.result.metrics(), time.perf_counter() - begin)
    return json.loads(storage.read_bytes(path))


def build_pipeline(
    pipeline: "beam.Pipeline", plan: RunPlan, stages: Stages, publish: "PublishPlan"
) -> None:
    """Wires a job: its units through its stages to their records, and these to a version."""
    import apache_beam as beam

    from transforms.units.publishing.publish import PublishVersion
    from transforms.units.resume import CreateUnits, SkipFinished
    from transforms.units.write import WriteUnit

    units = (
        pipeline
        | "PlanUnits" >> CreateUnits(plan.units)
        | "SkipFinished" >> SkipFinished(publish.output)
    )
    chunks = units.todo
    for label, stage in stages.items():
        chunks |= label >> stage
    written = chunks | "Write" >> WriteUnit(
        publish.publication.job, publish.output, deployment_version()
    )
    finished = pipeline | "FinishedUnits" >> beam.Create(
        plan.finished, reshuffle=False
    ).with_output_types(str)
    (
        (written, units.finished, finished)
        | "AllUnits" >> beam.Flatten()
        | "Publish" >> PublishVersion(publish)
    )


def _announcement(plan: RunPlan) -> str:
    size = sum(shard.size for shard in plan.shards)
    shards = "1 shard" if len(plan.shards) == 1 else f"{len(plan.shards)} shards"
    units = "1 unit" if len(plan.units) == 1 else f"{len(plan.units)} units"
    more = len(plan.finished)
    finished = f"; {more} more {'is' if more == 1 else 'are'} finished already" if more else ""
    return f"Reading {shards}, {size / 1e6:,.1f} MB: {units} pending{finished}."


def _published_after(base: str | None, output: str) -> str:
    """What to say of a run that is stopped when its version is current already."""
    if "://" in output:
        return ""  # a process that stops does not wait for a store
    version = current_version(output)
    return "" if version == base else f"Before that, version {version} became current."
