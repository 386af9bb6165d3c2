"""Which version is shown, and which of its files."""

import dataclasses
from collections.abc import Mapping

from transforms import storage
from transforms.core.base.errors import UsageError, shown
from transforms.core.model import layout
from transforms.core.model.manifest import Manifest
from transforms.core.model.manifest_entries import rows_by_table
from transforms.units.publishing.read_version import read_manifest
from transforms.versions.survey import read_survey


@dataclasses.dataclass(frozen=True)
class ShownVersion:
    """A version.

    Attributes:
      folder: Where its files are.
      output: The output folder, where the current version of it is shown; else None.
      name: Its name.
      narratives: Rows of `narratives`.
      sizes: Bytes of each file that the manifest lists, by path below the folder.
    """

    folder: str
    output: str | None
    name: str
    narratives: int
    sizes: Mapping[str, int]


def find_shown(of: str, which: str) -> ShownVersion:
    """The version that a command line names.

    Args:
      of: An output folder, or a version's.
      which: The version of an output: its name, the beginning of that, a tag, `current` or
        `previous`.

    Raises:
      UsageError: There is no such version, its manifest cannot be read, or it has no narratives.
    """
    if storage.exists(storage.join(of, layout.MANIFEST)):
        manifest: Manifest = read_manifest(of)
        folder, output = of, None
    else:
        found = read_survey(of).find(which)
        if found.manifest is None:
            raise UsageError(found.why)
        manifest = found.manifest
        folder = storage.join(of, layout.version_folder(found.name))
        output = of if which == "current" else None
    narratives = rows_by_table(manifest.files).get("narratives")
    if narratives is None:
        raise UsageError(
            f"{shown(folder)!r} has no table `narratives`: give an output of the main job, which "
            f"this one of `{manifest.job}` is not"
        )
    return ShownVersion(folder, output, manifest.version, narratives, _sizes(folder, manifest))


def _sizes(folder: str, manifest: Manifest) -> dict[str, int]:
    """Files by path; a path that leads out of the folder is no file of the version."""
    for file in manifest.listed:
        parts = file.path.replace("\\", "/").split("/")
        if file.path.startswith("/") or ":" in parts[0] or {"..", "", "."} & set(parts):
            raise UsageError(
                f"{storage.join(folder, layout.MANIFEST)!r} lists {shown(file.path)!r}, which is "
                "outside the version's folder: it is not a manifest of this program"
            )
    return {file.path: file.bytes for file in manifest.listed}
