"""Generates narratives in the published format, with the truth beside them.

`python -m pipelines.synthesize --output DIR --shards S --narratives N --seed K`
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import pydantic

from pipelines.cli import log
from pipelines.cli.engines.runners import create_pipeline
from pipelines.cli.options import Options, parse_command_line
from pipelines.cli.process import run_program
from pipelines.cli.values import Files, Folder
from transforms import storage
from transforms.core.report.page.formats import plural

if TYPE_CHECKING:  # Beam takes a second, which help and completion need not wait for
    from transforms.synthesis import SceneFiles

DESCRIPTION = """Makes shards of generated narratives in the published Localized Narratives
format, from real Open Images images, labels and boxes: captions that name objects of the image,
word times, and traces over the boxes. Beside each shard it writes the truth, a transcription
with planted errors, and word times. The same seed gives the same narratives, whatever the
number of shards and workers."""

PROG = "python -m pipelines.synthesize"

_SAMPLE = storage.join(__file__.rpartition("/")[0], "embedded", "samples", "open_images")


class SynthesizeOptions(Options):
    """Options of this job."""

    example = "--output generated --shards 2 --narratives 1000"
    groups = {"output": "what is made", "images": "what it is made from", "runner": "engine"}
    after = {"log_format": "seed"}

    output: Folder = pydantic.Field(description="Folder for the shards.")
    shards: int = pydantic.Field(1, ge=1, le=99_999, description="Number of shards.")
    narratives: int = pydantic.Field(100, ge=0, description="Number of narratives in all.")
    seed: int = pydantic.Field(0, ge=0, lt=2**64, description="Start of chance.")
    images: Files = pydantic.Field(
        [], description="Open Images image lists, files or patterns. Default: the sample's."
    )
    labels: Files = pydantic.Field(
        [], description="Human and machine label files. Default: the sample's."
    )
    boxes: Files = pydantic.Field([], description="Box files. Default: the sample's.")
    classes: Files = pydantic.Field(
        [], description="Class descriptions; only these are named. Default: the boxable ones."
    )


def scene_files(options: SynthesizeOptions) -> "SceneFiles":
    """The files that the options name.

    Without images the sample in the repository is used for whatever is not named. With images,
    labels and boxes are only those that are named: the sample's are of other images.
    """
    from transforms.synthesis import SceneFiles

    own = bool(options.images)
    labels = ["annotations-human.csv", "annotations-machine.csv"]
    return SceneFiles(
        options.images or _sample("images.csv"),
        options.labels or ([] if own else _sample(*labels)),
        options.boxes or ([] if own else _sample("annotations-human-bbox.csv")),
        options.classes,
    )


def _sample(*names: str) -> list[str]:
    return [storage.join(_SAMPLE, "*", name) for name in names]


OPTIONS = SynthesizeOptions


def main(argv: Sequence[str] | None = None, prog: str = PROG) -> int:
    """Runs the job, called by the name `prog`; returns its exit code."""
    options, beam_args = parse_command_line(SynthesizeOptions, argv, prog, DESCRIPTION)
    from pipelines.cli.progress.showing import show_files
    from transforms.synthesis import Shards, SynthesizeShards, plan_units, refuse_other_shards

    files = scene_files(options)
    n_scenes = len(files.read())  # also finds unusable files before anything is started
    shards = Shards(options.output, options.shards, options.narratives)
    refuse_other_shards(shards)
    units = plan_units(files, shards, options.seed)
    with (
        show_files("Shards", list(shards.files().values())),
        create_pipeline(options, beam_args) as pipeline,
    ):
        make = SynthesizeShards(files, shards, options.seed, units)
        _ = pipeline | "SynthesizeShards" >> make
    said = (
        f"{plural(options.narratives, 'generated narrative')} of {plural(n_scenes, 'image')} in "
        f"{plural(options.shards, 'shard')}: {shards.path('localized_narratives', 0)}"
        f"{' and beside it' if options.shards > 1 else ''}"
    )
    print(options.output if log.is_quiet() else said)
    number = options.narratives
    log.note("narratives_generated", said, narratives=number, shards=options.shards)
    return 0


if __name__ == "__main__":
    run_program(main)
