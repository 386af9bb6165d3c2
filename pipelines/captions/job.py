"""The job of captions: collections of captions, read strictly, tagged and counted.

Reads files of COCO captions, Flickr30k, Visual Genome, Stanford paragraphs, Conceptual Captions,
Localized Narratives and WikiScenes, in the form in which they are published, and writes a table of
captions, the rows of the paper's Tables 2 and 3, the distribution of nouns (Fig. 5) and a report
that sets each collection beside the paper's figures, as a new version below the output folder.
"""

import functools
import json
from collections.abc import Sequence
from typing import TYPE_CHECKING

from pipelines.captions.options import CaptionsOptions
from pipelines.captions.planning import plan_captions
from pipelines.cli.options import parse_command_line
from pipelines.runs.failure import is_place_said, warn
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
from transforms.core.output.jobs.captions import CAPTIONS_JOB
from transforms.core.sources.captions.schemas import CaptionsManifest
from transforms.units.publishing.read_version import read_table

if TYPE_CHECKING:  # Beam takes seconds, which a run that has nothing to do need not wait
    from pipelines.runs.run import Stages

PROG = "python -m pipelines.captions"
OPTIONS = CaptionsOptions


def main(argv: Sequence[str] | None = None, prog: str = PROG) -> int:
    """Runs the job, called by the name `prog`; returns the exit code."""
    options, beam_args = parse_command_line(
        OPTIONS, argv, prog, __doc__.partition("\n\n")[2].strip()
    )
    return recorded(options, CAPTIONS_JOB.name, functools.partial(_run, options, beam_args))


def _run(options: CaptionsOptions, beam_args: Sequence[str], record: RunRecord) -> int:
    make = functools.partial(plan_captions, options)
    plan = plan_and_begin(options, beam_args, record, make)
    warn(filter(None, [plan.damage]), "version_damaged")
    if plan.is_current and plan.manifest is not None and not is_only_looking(options, beam_args):
        code = end_unchanged(options, record, plan.manifest.version)
        return show(options, plan.manifest, "unchanged", code)
    stages, summary = functools.partial(stages_of, options), functools.partial(show, options)
    return run_plan(options, beam_args, plan, stages, plan.publication, summary, record.run)


def stages_of(options: CaptionsOptions) -> "Stages":
    """The stages in order."""
    from transforms.collections.captions.stages import MeasureCaptions, ReadCaptions
    from transforms.core.stages.measure.taggers import create_tagger

    return {
        "ReadCaptions": ReadCaptions(options.unit_bytes),
        "Measure": MeasureCaptions(functools.partial(create_tagger, options.tagger)),
    }


def show(
    options: CaptionsOptions,
    manifest: CaptionsManifest,
    status: str = "published",
    exit_code: int = 0,
) -> int:
    """Prints the summary of the version that a manifest describes; returns the exit code."""
    from pipelines.captions.summary import print_summary, summary_as_json

    if is_place_said(options, manifest.version):
        return exit_code
    folder = storage.join(options.output, layout.version_folder(manifest.version))
    tables = {
        name: read_table(f"{folder}/{name}/{name}.parquet")
        for name in CAPTIONS_JOB.statistics_tables
    }
    if options.summary == "json":
        print(json.dumps(summary_as_json(manifest, tables, status, exit_code), indent=1))
    else:
        print_summary(manifest, tables, options.output)
    return exit_code
