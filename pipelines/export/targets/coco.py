"""`--to coco`."""

from typing import TYPE_CHECKING, Literal

import pydantic

from pipelines.export.targets.options import FilesOptions, PicturesOptions
from transforms.core.base.errors import UsageError, option
from transforms.core.output.exports.coco import KINDS

if TYPE_CHECKING:
    from transforms.versions.exports.export import Target
    from transforms.versions.exports.version import ExportedVersion


class CocoOptions(PicturesOptions, FilesOptions):
    """Options of `--to coco`."""

    about = "captions, boxes and traces of mentions as JSON of COCO"

    annotations: list[Literal[KINDS]] = pydantic.Field(  # type: ignore[valid-type]
        [],
        description=f"Only these of {', '.join(KINDS)}. Default: all with --images, else captions, "
        "since COCO's boxes and points are in pixels.",
    )

    def check(self) -> None:
        wanted = [kind for kind in self.annotations if kind != "captions"]
        if wanted and self.images is None:
            raise UsageError(
                f"{wanted[0]} of COCO are in pixels: give the pictures that have these with "
                f"{option('images')}; captions ({option('annotations')}) need none"
            )

    def make_target(self, version: "ExportedVersion") -> "Target":
        from transforms.versions.exports.files.coco.writer import CocoFiles
        from transforms.versions.exports.files.target import FolderTarget

        usual = KINDS if self.images else ("captions",)
        kinds = tuple(kind for kind in KINDS if kind in (self.annotations or usual))
        writer = CocoFiles(version, kinds, self.find_pictures())
        return FolderTarget(version, self.output, writer)
