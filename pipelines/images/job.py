"""Downloads the images of a version of narratives or of Open Images, once each.

Pictures are verified by the size and the MD5 that Open Images publishes, placeholders for pictures
that are gone are recognised, and what failed is a table with its reasons. Writes WebDataset shards
or a file a picture as a new version below the output folder. An interrupted run
resumes; pictures that are there are not downloaded again.
"""

import contextlib
import functools
from collections.abc import Sequence
from typing import TYPE_CHECKING, cast

from pipelines.cli.options import parse_command_line
from pipelines.images.options import ImagesOptions
from pipelines.images.planning import ImagesPlan, plan_images
from pipelines.images.summary import show
from pipelines.runs.failure import warn
from pipelines.runs.record import (
    RunRecord,
    end_unchanged,
    is_only_looking,
    plan_and_begin,
    recorded,
)
from pipelines.runs.run import run_plan
from transforms.collections.images.publication import LAYOUTS, ImagesManifest
from transforms.core.output.jobs.images import IMAGES

if TYPE_CHECKING:  # Beam takes seconds, which a run that has nothing to do need not wait
    from pipelines.runs.run import Stages

PROG = "python -m pipelines.images"
OPTIONS = ImagesOptions


def main(argv: Sequence[str] | None = None, prog: str = PROG) -> int:
    """Runs the job, called by the name `prog`; returns the exit code."""
    options, beam_args = parse_command_line(OPTIONS, argv, prog, __doc__)
    with contextlib.ExitStack() as scratch:
        work = functools.partial(_run, options, beam_args, scratch)
        return recorded(options, IMAGES.name, work)


def _run(
    options: ImagesOptions,
    beam_args: Sequence[str],
    scratch: contextlib.ExitStack,
    record: RunRecord,
) -> int:
    begin = functools.partial(record.take_lease, options, beam_args)
    make = functools.partial(plan_images, options, scratch, begin)
    plan = plan_and_begin(options, beam_args, record, make)
    warn(filter(None, [plan.damage]), "version_damaged")
    summary = functools.partial(show, options)
    if plan.is_current and not is_only_looking(options, beam_args):
        manifest = cast(ImagesManifest, plan.manifest)
        code = end_unchanged(options, record, manifest.version)
        return summary(manifest, "unchanged", code)
    stages = functools.partial(stages_of, options, plan)
    return run_plan(options, beam_args, plan, stages, plan.publication, summary, record.run)


def stages_of(options: ImagesOptions, plan: ImagesPlan) -> "Stages":
    """The stages in order."""
    from transforms.collections.images.stages import (
        FetchImages,
        PackSamples,
        ReadImageList,
        StorePictures,
    )

    is_packed = options.layout == LAYOUTS[0]
    last = {"Pack": PackSamples()} if is_packed else {"Store": StorePictures(options.output)}
    return {
        "ReadImageList": ReadImageList(options.unit_bytes),
        "Fetch": FetchImages(plan.fetch),
        **last,
    }
