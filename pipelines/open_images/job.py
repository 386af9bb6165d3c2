"""Releases of Open Images as published, V1 to V7.

Reads archives and CSV files of any release and writes images, labels, boxes, masks, relationships,
attributes, point labels and all classes as Parquet tables, with label statistics and the official
numbers beside those read, as a new version below the output folder. An interrupted run resumes; a
run over unchanged input does nothing.
"""

import functools
from collections.abc import Sequence
from typing import TYPE_CHECKING, cast

import msgspec

from pipelines.cli.options import parse_command_line
from pipelines.open_images.options import OpenImagesOptions
from pipelines.open_images.planning import ReleasesPlan, plan_releases
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
from transforms.core.model import layout
from transforms.core.model.open_images.manifest import OpenImagesManifest
from transforms.core.output.checks.verdict import judge_bad_lines
from transforms.core.output.jobs.open_images import OPEN_IMAGES

if TYPE_CHECKING:  # Beam takes seconds, which a run that has nothing to do need not wait
    from pipelines.runs.run import Stages

PROG = "python -m pipelines.open_images"
OPTIONS = OpenImagesOptions


def main(argv: Sequence[str] | None = None, prog: str = PROG) -> int:
    """Runs the job, called by the name `prog`; returns the exit code."""
    description = __doc__.partition("\n\n")[2].strip()
    options, beam_args = parse_command_line(OPTIONS, argv, prog, description)
    work = functools.partial(_read_releases, options, beam_args)
    return recorded(options, OPEN_IMAGES.name, work)


def _read_releases(options: OpenImagesOptions, beam_args: Sequence[str], record: RunRecord) -> int:
    begin = functools.partial(record.take_lease, options, beam_args)
    make = functools.partial(plan_releases, options, beam_args, begin)
    plan = plan_and_begin(options, beam_args, record, make)
    warn(filter(None, [plan.damage]), "version_damaged")
    if plan.is_current and not is_only_looking(options, beam_args):
        return _show_current(options, plan, record)
    stages, summary = functools.partial(stages_of, options, plan), functools.partial(show, options)
    return run_plan(options, beam_args, plan, stages, plan.publication, summary, record.run)


def _show_current(options: OpenImagesOptions, plan: ReleasesPlan, record: RunRecord) -> int:
    """Shows the current version, if it keeps the limits that the options name now."""
    from transforms.collections.open_images.publication import judge_official

    manifest = cast(OpenImagesManifest, plan.manifest)
    verdict = judge_bad_lines(manifest, options.max_bad_share) or judge_official(
        manifest, options.allow_partial
    )
    if verdict:
        folder = storage.join(options.output, layout.version_folder(manifest.version))
        found = plan.publication.describe_failure(manifest, folder)
        message = f"{verdict.message.partition(': nothing was')[0]}: version {manifest.version} "
        message += "stays current"
        record.end(verdict.status, message, manifest.version)
        return end_refused(options, verdict.status, message, msgspec.to_builtins(found))
    code = end_unchanged(options, record, manifest.version)
    return show(options, manifest, "unchanged", code)


def stages_of(options: OpenImagesOptions, plan: ReleasesPlan) -> "Stages":
    """The stages in order."""
    from transforms.collections.open_images.reading import ReadReleases
    from transforms.collections.open_images.stages import JudgeLabels, KeepNarrated

    stages = {"ReadReleases": ReadReleases(options.unit_bytes)}
    if options.narratives:
        stages["Keep"] = KeepNarrated(options.narratives)
    if plan.labels_index:
        stages["Judge"] = JudgeLabels(plan.labels_index)
    return stages


def show(
    options: OpenImagesOptions,
    manifest: OpenImagesManifest,
    status: str = "published",
    exit_code: int = 0,
) -> int:
    """Prints the summary of the version that a manifest describes; returns the exit code."""
    from pipelines.open_images.summary import print_summary

    if not is_place_said(options, manifest.version):
        print_summary(manifest, options, status, exit_code)
    return exit_code
