"""`--to bigquery`."""

from typing import TYPE_CHECKING

from pipelines.export.targets.options import FilesOptions, TablesOptions

if TYPE_CHECKING:
    from transforms.versions.exports.export import Target
    from transforms.versions.exports.version import ExportedVersion


class BigQueryOptions(TablesOptions, FilesOptions):
    """Options of `--to bigquery`."""

    about = "load files with schemas and a script that BigQuery loads"

    def make_target(self, version: "ExportedVersion") -> "Target":
        from transforms.versions.exports.files.bigquery import BigQueryFiles
        from transforms.versions.exports.files.target import FolderTarget

        return FolderTarget(version, self.output, BigQueryFiles(version))
