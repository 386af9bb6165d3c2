"""`--to fiftyone`."""

from typing import TYPE_CHECKING

import pydantic

from pipelines.cli.values import Bytes
from pipelines.export.targets.options import FilesOptions, PicturesOptions

if TYPE_CHECKING:
    from transforms.versions.exports.export import Target
    from transforms.versions.exports.version import ExportedVersion


class FiftyOneOptions(PicturesOptions, FilesOptions):
    """Options of `--to fiftyone`."""

    about = "samples with boxes, words, traces and mentions that FiftyOne loads"

    part_bytes: Bytes = pydantic.Field(
        64 << 20,
        gt=0,
        description="Size that a file of samples does not exceed, unless by its only image. "
        "Each is loaded as a data set of its own.",
    )

    def make_target(self, version: "ExportedVersion") -> "Target":
        from transforms.versions.exports.files.fiftyone.writer import FiftyOneFiles
        from transforms.versions.exports.files.target import FolderTarget

        writer = FiftyOneFiles(version, self.find_pictures(), self.part_bytes)
        return FolderTarget(version, self.output, writer)
