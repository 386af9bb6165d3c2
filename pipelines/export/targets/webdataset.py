"""`--to webdataset`."""

from typing import TYPE_CHECKING

import pydantic

from pipelines.cli.values import Bytes
from pipelines.export.targets.options import FilesOptions, PicturesOptions

if TYPE_CHECKING:
    from transforms.versions.exports.export import Target
    from transforms.versions.exports.version import ExportedVersion


class WebDatasetOptions(PicturesOptions, FilesOptions):
    """Options of `--to webdataset`."""

    about = "shards of tar with pictures, captions, words and traces"

    shard_bytes: Bytes = pydantic.Field(
        256 << 20,
        gt=0,
        description="Size that a shard does not exceed, unless by its only narrative. One file of "
        "the version (--unit-bytes of the build) is one shard at least.",
    )

    def make_target(self, version: "ExportedVersion") -> "Target":
        from transforms.versions.exports.files.target import FolderTarget
        from transforms.versions.exports.files.webdataset import WebDatasetFiles

        writer = WebDatasetFiles(version, self.find_pictures(), self.shard_bytes)
        return FolderTarget(version, self.output, writer)
