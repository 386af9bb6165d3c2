"""`--to hf`."""

from typing import TYPE_CHECKING

from pipelines.export.targets.options import FilesOptions, TablesOptions

if TYPE_CHECKING:
    from transforms.versions.exports.export import Target
    from transforms.versions.exports.version import ExportedVersion


class HuggingFaceOptions(TablesOptions, FilesOptions):
    """Options of `--to hf`."""

    about = "a folder that Hugging Face's datasets loads, with typed features"

    def make_target(self, version: "ExportedVersion") -> "Target":
        from transforms.versions.exports.files.hf import HuggingFaceFiles
        from transforms.versions.exports.files.target import FolderTarget
        from transforms.versions.exports.version import mentioned_classes

        writer = HuggingFaceFiles(version, mentioned_classes(version))
        return FolderTarget(version, self.output, writer)
