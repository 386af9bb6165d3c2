"""Options of the narrative browser."""

from typing import Annotated

import pydantic

from pipelines.cli.options import Command
from pipelines.cli.values import Folder, Metavar


class ViewOptions(Command):
    """Options of `python -m pipelines.view`."""

    example = "out"
    places = ("of",)
    groups = {"id": "what is shown", "port": "where"}

    of: Annotated[str, Metavar("FOLDER")] = pydantic.Field(
        min_length=1,
        description="Output folder of the main job, or the folder of one of its versions; on this "
        "machine or in a bucket.",
    )
    id: Annotated[str, Metavar("ID")] = pydantic.Field(
        "current",
        description="The version of an output: its name, four or more of the first characters of "
        "that, a tag, current or previous.",
    )
    images: Annotated[str, Metavar("FOLDER")] | None = pydantic.Field(
        None,
        description="Folder of images on this machine, searched with all below it: IMAGE_ID.jpg "
        "(or png, gif, webp), or what the job of images has made with --layout folders. Without "
        "it, and for others, images come from the addresses in the tables.",
    )
    port: Annotated[int, pydantic.Field(ge=0, le=65535), Metavar("PORT")] = pydantic.Field(
        8000, description="Port on this machine's loopback address; 0 takes any that is free."
    )
    write: Folder | None = pydantic.Field(
        None,
        description="Write the page into this folder in place of serving it, so that any web "
        "server, or a bucket, that has both shows it. OUTPUT/view always shows the current "
        "version.",
    )

    @pydantic.model_validator(mode="after")
    def _check_written(self) -> "ViewOptions":
        if self.write is not None and self.images is not None:
            raise ValueError(
                "--images is for the local server: a page that is written has images by their "
                "addresses alone; leave --images or --write out"
            )
        return self
