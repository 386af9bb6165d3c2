"""The main job: every narrative, aligned, grounded, filtered, joined and measured.

Reads narrative shards, joins Open Images or COCO annotations, and writes Parquet tables, a report
and a manifest as a new version below the output folder. An interrupted run
resumes; a run over unchanged input does nothing.
"""

import functools
import json
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, cast

import msgspec

from pipelines.build.inputs.rules_file import read_rules
from pipelines.build.options import BuildOptions
from pipelines.build.planning import BuildPlan, plan_build
from pipelines.build.preparation import prepare, verify_indexes
from pipelines.cli.options import parse_command_line, with_flags
from pipelines.runs.contents import Contents
from pipelines.runs.failure import end_refused, is_place_said, warn
from pipelines.runs.record import (
    RunRecord,
    end_unchanged,
    is_only_looking,
    plan_and_begin,
    recorded,
)
from pipelines.runs.run import run_plan
from transforms import storage
from transforms.collections.narratives.rules_in_use import read_profile
from transforms.core.model import layout
from transforms.core.model.narratives.manifest import BuildManifest
from transforms.core.output.checks.expected import compare
from transforms.core.output.checks.verdict import (
    FoundNarratives,
    describe_failure,
    judge_current,
)
from transforms.core.output.checks.wording import describe_rule, is_broken
from transforms.core.output.jobs.narratives import NARRATIVES
from transforms.units.publishing.read_version import read_table

if TYPE_CHECKING:  # Beam takes seconds, which a run that has nothing to do need not wait
    from pipelines.runs.run import Stages

PROG = "python -m pipelines.build"
OPTIONS = BuildOptions


def main(argv: Sequence[str] | None = None, prog: str = PROG) -> int:
    """Runs the job, called by the name `prog`; returns the exit code."""
    options, beam_args = parse_command_line(
        OPTIONS, argv, prog, __doc__.partition("\n\n")[2].strip()
    )
    return build_as(NARRATIVES.name, options, beam_args)


def build_as(
    command: str,
    options: BuildOptions,
    beam_args: Sequence[str],
    prepare: Callable[[], bool] = lambda: True,
) -> int:
    """Runs the job for a command; returns the exit code.

    Args:
      command: What the record of the run calls it.
      options: The job's options.
      beam_args: Beam's own flags.
      prepare: What is done before it is planned; returns whether there is to be a run.
    """

    def work(record: RunRecord) -> int:
        return _build(options, beam_args, record) if prepare() else 0

    return recorded(options, command, work)


def _build(options: BuildOptions, beam_args: Sequence[str], record: RunRecord) -> int:
    begin = functools.partial(record.take_lease, options, beam_args)
    make = functools.partial(plan_run, options, beam_args, begin)
    plan = plan_and_begin(options, beam_args, record, make)
    warn(filter(None, [plan.damage]), "version_damaged")
    warn(plan.publication.provenance.warnings)
    if plan.is_current and not is_only_looking(options, beam_args):
        return _show_current(options, plan, record)
    stages, summary = functools.partial(stages_of, options, plan), functools.partial(show, options)
    return run_plan(options, beam_args, plan, stages, plan.publication, summary, record.run)


def plan_run(
    options: BuildOptions, beam_args: Sequence[str], begin: Callable[[], object] = bool
) -> BuildPlan:
    """Prepares a run and plans it; the indexes that it will read are verified.

    Args:
      options: The job's options.
      beam_args: Beam's own flags.
      begin: Called before anything is written to the output, which can be written to.

    Raises:
      UsageError: Input is missing or unusable.
      Refused: It is not what the catalog says of it.
    """
    rules = read_rules(options.checks)  # before any work
    contents = Contents(options.output, verify=options.verify_inputs, keep=not options.dry_run)
    plan = plan_build(options, prepare(options, beam_args, contents, begin), rules)
    if plan.units and not options.dry_run:
        verify_indexes(options, beam_args, contents)
    return plan


def _show_current(options: BuildOptions, plan: BuildPlan, record: RunRecord) -> int:
    """Shows the current version, if it keeps the limits that the options name now."""
    manifest = cast(BuildManifest, plan.manifest)
    expected = compare(plan.publication.expected, manifest.shards)
    manifest = msgspec.structs.replace(manifest, expected=expected)
    folder = storage.join(options.output, layout.version_folder(manifest.version))
    ranges = plan.publication.rules.judge_ranges(read_profile(folder))
    if verdict := judge_current(manifest, options.limits(), ranges):
        found = describe_failure(manifest, folder, kind=FoundNarratives)
        message = f"{verdict.message}: version {manifest.version} stays current"
        record.end(verdict.status, message, manifest.version)
        return end_refused(options, verdict.status, message, msgspec.to_builtins(found))
    code = end_unchanged(options, record, manifest.version)
    return show(options, manifest, "unchanged", code)


def stages_of(options: BuildOptions, plan: BuildPlan) -> "Stages":
    """The stages in order: DESIGN's data flow, top to bottom."""
    from transforms.collections.narratives.stages import (
        AlignTranscripts,
        FilterQuality,
        GroundWords,
        JoinAnnotations,
        MatchMentions,
        MeasureRichness,
        annotations_from,
        read_and_sample,
        transcripts_from,
    )
    from transforms.core.stages.measure.taggers import create_tagger

    transcripts = transcripts_from(options.transcripts, plan.transcript_index)
    annotations = annotations_from(plan.annotation_index)
    return {
        **read_and_sample(options.unit_bytes, options.sampled_share),
        "Align": AlignTranscripts(transcripts),
        "Ground": GroundWords(),
        "Filter": FilterQuality(plan.quality),
        "Join": JoinAnnotations(annotations, options.images_of()),
        "Match": MatchMentions(annotations, plan.mentions),
        "Measure": MeasureRichness(functools.partial(create_tagger, options.tagger)),
    }


def show(
    options: BuildOptions,
    manifest: BuildManifest,
    status: str = "published",
    exit_code: int = 0,
) -> int:
    """Prints the summary of the version that a manifest describes; returns the exit code."""
    from pipelines.build.summary import print_summary, summary_as_json

    broken = (with_flags(describe_rule(row)) for row in manifest.checks if is_broken(row))
    warn(broken, "check_broken")
    if is_place_said(options, manifest.version):
        return exit_code
    folder = storage.join(options.output, layout.version_folder(manifest.version))
    tables = {
        name: read_table(f"{folder}/{name}/{name}.parquet") for name in NARRATIVES.statistics_tables
    }
    if options.summary == "json":
        print(json.dumps(summary_as_json(manifest, tables, status, exit_code), indent=1))
    else:
        print_summary(manifest, tables, options.output)
    return exit_code
