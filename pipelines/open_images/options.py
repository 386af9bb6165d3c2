"""Options of the job over releases of Open Images."""

from typing import Literal

import pydantic

from pipelines.cli.values import Files, Folder
from pipelines.runs.options import ENDS, RunOptions
from transforms.core.sources.annotations.releases.forms import RELEASES, SPLITS


class OpenImagesOptions(RunOptions):
    """Options of `python -m pipelines.open_images`."""

    example = "--input 'data/*_2017_11.tar.gz' --output out"
    exit_codes = (
        "0 done or nothing to do; 2 wrong use; 3 too many bad lines, a line unaccounted for, "
        f"or other numbers of rows than the official ones; {ENDS}"
    )
    results = ("release", "split", "narratives", "unit_bytes")
    groups = {
        "input": "input and output",
        "narratives": "what is kept",
        "unit_bytes": "work",
        "max_bad_share": "what must hold for a version to be published",
        "dry_run": "reuse and what is printed",
        "runner": "engine",
    }
    after = {
        "output": "input",
        "unit_bytes": "narratives",
        "max_bad_share": "unit_bytes",
        "log_format": "summary",
    }

    input: Files = pydantic.Field(
        min_length=1,
        description="Files of any release as published: .tar.gz archives of V1 to V3, .csv and "
        ".txt files of all, also as .gz or .zst. Each is known by its first line; lists of classes "
        "by their names.",
    )
    release: Literal[*RELEASES] | None = pydantic.Field(  # type: ignore[valid-type]
        None, description="Release of files whose names and folders do not state it."
    )
    split: Literal[*SPLITS] | None = pydantic.Field(  # type: ignore[valid-type]
        None, description="Split of files whose names and folders do not state it."
    )
    narratives: Folder | None = pydantic.Field(
        None,
        description="Version of narratives (OUT/versions/ID): of masks, relationships, attributes "
        "and point labels those are kept whose image has a narrative in it; the others are "
        "counted in the table `left_out`. Without it all are kept.",
    )
    allow_partial: bool = pydantic.Field(
        False,
        description="Publish other numbers of images, labels or boxes than the official ones of "
        "their release and split. Without it such a run ends with exit code 3 and publishes "
        "nothing.",
    )
