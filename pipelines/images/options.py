"""Options of `images`."""

from typing import Annotated, Literal

import pydantic

from pipelines import __version__
from pipelines.cli.values import Bytes, Folder, Metavar
from pipelines.runs.options import ENDS, RunOptions
from transforms.collections.images.downloading import Manners
from transforms.collections.images.lists import Cutting
from transforms.core.stages.fetch.frames import Frame
from transforms.core.stages.fetch.judging import Rules

Host = Annotated[str, Metavar("HOST")]
Md5 = Annotated[str, pydantic.Field(pattern="^[0-9a-f]{32}$"), Metavar("MD5")]
Seconds = Annotated[float, pydantic.Field(gt=0, allow_inf_nan=False), Metavar("SECONDS")]


class ImagesOptions(RunOptions):
    """Options of `python -m pipelines.images`."""

    example = "--input out --output images --size thumbnail --contact me@example.org"
    exit_codes = (
        "0 done, also where images failed (they are in the table `failures`), or nothing to "
        "do; 2 wrong use; 3 an image unaccounted for, or a version that waits for an output "
        f"to be unpinned; {ENDS}"
    )
    results = (
        "size",
        "fallback",
        "placeholder_md5",
        "keep_unverified",
        "max_image_bytes",
        "follow_hosts",
        "layout",
        "rotate_boxes",
        "pixel_boxes",
        "unit_images",
        "unit_bytes",
    )
    groups = {
        "input": "input and output",
        "size": "which pictures, and what is taken for one",
        "layout": "how they are written",
        "rate": "how servers are asked",
        "max_bad_share": "the run",
        "runner": "engine",
    }
    after = {"output": "input_version", "unit_bytes": "unit_images", "log_format": "metrics"}

    input: Folder = pydantic.Field(
        min_length=1,
        description="Output folder of the main job, or of releases of Open Images: the images of "
        "its version are downloaded.",
    )
    input_version: Annotated[str, Metavar("VERSION")] | None = pydantic.Field(
        None, description="Its version. Default: the current one."
    )
    size: Literal["thumbnail", "original"] = pydantic.Field(
        "thumbnail",
        description="Which picture of an image: the thumbnail of about 300,000 pixels, which "
        "servers make on demand and nothing verifies, or the original.",
    )
    fallback: bool = pydantic.Field(
        True, description="Download the original of an image whose list has no thumbnail of it."
    )
    placeholder_md5: list[Md5] = pydantic.Field(
        [],
        description="MD5 sums, hexadecimal, of further pictures that stand for missing ones; "
        "Flickr's are known.",
    )
    keep_unverified: bool = pydantic.Field(
        False,
        description="Keep originals whose size or MD5 is not what the list says; the table "
        "`images` says `failed` of them.",
    )
    max_image_bytes: Bytes = pydantic.Field(
        100 << 20, ge=1, description="Bytes above which a picture is not downloaded: 50MiB."
    )
    follow_hosts: list[Host] = pydantic.Field(
        [],
        description="Hosts to which redirects are followed, beside those of the same site (equal "
        "in their last two labels).",
    )
    layout: Literal["webdataset", "folders"] = pydantic.Field(
        "webdataset",
        description="WebDataset shards (tar files of pictures and their JSON), or a file a picture "
        "below OUTPUT/pictures.",
    )
    rotate_boxes: bool = pydantic.Field(
        False,
        description="Give boxes in the frame of the picture after its rotation (Rotation of the "
        "image list); the picture itself stays as it is.",
    )
    pixel_boxes: bool = pydantic.Field(
        False, description="Give boxes in pixels of the picture that was downloaded."
    )
    unit_images: int = pydantic.Field(
        1_000, ge=1, le=100_000, description="Images of a unit of work, and so of a shard, at most."
    )
    unit_bytes: Bytes = pydantic.Field(
        64 << 20,
        ge=1024,
        le=1 << 30,
        description="Bytes of pictures beyond which a unit ends, as far as image lists tell them; "
        "a worker holds them in memory.",
    )
    rate: float = pydantic.Field(
        10.0,
        gt=0,
        allow_inf_nan=False,
        description="Requests a second and host; workers of the local engine share it.",
    )
    connections: int = pydantic.Field(
        4, ge=1, le=256, description="Requests at a time and host, shared as --rate."
    )
    timeout: Seconds = pydantic.Field(
        30.0, description="Seconds without a byte after which a request is given up."
    )
    attempts: int = pydantic.Field(
        4, ge=1, le=100, description="Requests for a picture before it counts as failed."
    )
    max_wait: Seconds = pydantic.Field(
        120.0,
        description="Seconds that are waited for a host that asks for a rest (Retry-After); where "
        "it asks for more, its images fail.",
    )
    contact: Annotated[str, Metavar("ADDRESS")] | None = pydantic.Field(
        None,
        pattern="^[ -~]+$",
        description="Mail or web address at which servers' operators can reach you; part of the "
        "User-Agent of all requests.",
    )
    retry_failed: bool = pydantic.Field(
        False,
        description="Attempt images again that failed for a reason that may pass, such as a "
        "timeout. Final reasons stay, and pictures that are there are not downloaded again.",
    )

    @property
    def frame(self) -> Frame:
        """In which boxes are wanted."""
        return Frame(self.rotate_boxes, self.pixel_boxes)

    @property
    def rules(self) -> Rules:
        """By what answers are judged."""
        return Rules(tuple(sorted(self.placeholder_md5)), self.keep_unverified)

    @property
    def cutting(self) -> Cutting:
        """How lists are cut into units."""
        return Cutting(self.size, self.fallback, self.unit_images, self.unit_bytes)

    def manners(self, workers: int) -> Manners:
        """How each of some workers asks servers."""
        contact = f" (+{self.contact})" if self.contact else ""
        return Manners(
            user_agent=f"localized-narratives-beam/{__version__}{contact}",
            rate=self.rate / workers,
            connections=max(1, self.connections // workers),
            timeout=self.timeout,
            deadline=10 * self.timeout,
            attempts=self.attempts,
            max_wait=self.max_wait,
            max_bytes=self.max_image_bytes,
            follow=tuple(sorted(self.follow_hosts)),
        )
