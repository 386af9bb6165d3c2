"""Pictures of images, for exports that need them or their sizes.

They are what the job of images has made, or any folder of files named by the ids of their images.
"""

import dataclasses
import functools
import pathlib
from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple, Protocol, runtime_checkable

from transforms import storage
from transforms.collections.images.rows import KEY_COLUMNS, ImageRows, Key, place_of, read_picture
from transforms.core.base.errors import UsageError, option
from transforms.core.base.versions import digest
from transforms.core.model import layout
from transforms.core.model.manifest import Manifest
from transforms.core.output.exports.coco import Size
from transforms.core.stages.fetch.pictures.headers import inspect_picture
from transforms.core.stages.fetch.samples import names_of_picture, picture_names, sample_key
from transforms.storage.files import StoredFile
from transforms.units.publishing.read_version import read_manifest
from transforms.versions.survey import read_survey

IMAGES_JOB = "images"
_ENDINGS = (".jpg", ".jpeg", ".png", ".gif")
_COLUMNS = [*KEY_COLUMNS, "format", "width", "height", "offset", "file", "bytes"]


class Picture(NamedTuple):
    """A picture.

    Attributes:
      name: The path of its file below the folder of pictures; of shards, its member's name.
      format: `jpg`, `png` or `gif`.
      size: In pixels, as stored.
      path: The file that it is in.
      offset: Where it begins there.
      length: How many bytes it has.
    """

    name: str
    format: str
    size: Size
    path: str
    offset: int
    length: int

    def read(self) -> bytes | None:
        """Its bytes, None where they are gone."""
        return read_picture(self.path, self.offset, self.length)


@runtime_checkable
class PictureSource(Protocol):
    """Where pictures are; a value that pickles."""

    @property
    def fingerprint(self) -> str:
        """Changes when the pictures do."""

    def find(self, keys: Sequence[Key]) -> dict[Key, Picture]:
        """The pictures of those of the images that have one."""


@dataclasses.dataclass(frozen=True)
class VersionPictures:
    """Pictures that the job of images has fetched, as shards or in folders.

    Attributes:
      output: The job's output folder.
      folder: The folder of its version.
      fingerprint: The version's name.
    """

    output: str
    folder: str
    fingerprint: str

    def find(self, keys: Sequence[Key]) -> dict[Key, Picture]:
        """As of `PictureSource`."""
        found = {}
        for key, (file, row) in self._rows.find(keys):
            name = row["file"] or f"{sample_key(*key)}.{row['format']}"
            size = Size(row["width"], row["height"])
            place = place_of(self.folder, self.output, file, row)
            found[key] = Picture(name, row["format"], size, *place, row["bytes"])
        return found

    @functools.cached_property  # each worker looks many up
    def _rows(self) -> ImageRows:
        files = read_manifest(self.folder, Manifest).files
        return ImageRows(self.folder, files, "images", _COLUMNS)

    def __getstate__(self) -> dict[str, str]:
        return dataclasses.asdict(self)  # without what was read


@dataclasses.dataclass(frozen=True)
class FolderPictures:
    """Files below a folder, named `IMAGE_ID.jpg` or as the job of images does.

    Attributes:
      folder: The folder.
      fingerprint: Changes when a file is added, removed or written again.
    """

    folder: str
    fingerprint: str

    def find(self, keys: Sequence[Key]) -> dict[Key, Picture]:
        """As of `PictureSource`; what is no picture, whatever its name, is none."""
        there, found = self._paths, {}
        for key in keys:
            name = next((there[name] for name in picture_names(*key) if name in there), None)
            path = storage.join(self.folder, name or "")
            data = storage.read_bytes(path) if name else b""
            seen = inspect_picture(data)
            if name and seen:
                size = Size(seen.width, seen.height)
                found[key] = Picture(name, seen.format, size, path, 0, len(data))
        return found

    @functools.cached_property
    def _paths(self) -> Mapping[str, str]:
        return _by_name(storage.walk(self.folder))

    def __getstate__(self) -> dict[str, str]:
        return dataclasses.asdict(self)  # without what was listed


def find_pictures(place: str) -> PictureSource:
    """The pictures below a folder.

    Args:
      place: The output folder of the job of images, or a folder of pictures.

    Raises:
      UsageError: It is an output of another job, or has no picture.
    """
    if storage.exists(storage.join(place, layout.CURRENT)):
        return _of_version(place)
    files = list(storage.walk(place))
    if not _by_name(files):
        raise UsageError(
            f"{place!r} has no picture ({', '.join(_ENDINGS)}) below it: {option('images')} takes "
            "the output folder of the job that downloads images, or a folder of IMAGE_ID.jpg"
        )
    listed = [[file.path, file.size, file.modified] for file in files]
    return FolderPictures(place, digest({"files": listed})[:16])


def _by_name(files: Iterable[StoredFile]) -> dict[str, str]:
    """Paths of pictures, by the names that images may have."""
    found: dict[str, str] = {}
    for file in files:
        path = pathlib.PurePosixPath(file.path)
        if path.suffix.lower() in _ENDINGS:
            for name in names_of_picture(path.stem):
                found.setdefault(name, file.path)
    return found


def _of_version(place: str) -> PictureSource:
    found = read_survey(place).find("current")
    if found.manifest is None:
        raise UsageError(found.why)
    if found.manifest.job != IMAGES_JOB:
        raise UsageError(
            f"{place!r} is an output of the job {found.manifest.job!r}: {option('images')} takes "
            f"that of the job {IMAGES_JOB!r}, or a folder of IMAGE_ID.jpg"
        )
    folder = storage.join(place, layout.version_folder(found.name))
    return VersionPictures(place, folder, found.name)


def missing_note(missing: str, consequence: str) -> str:
    """A sentence on what has no picture.

    >>> print(missing_note("1 image", "not among the samples"))
    1 image without a picture below option `images`: not among the samples, listed in missing.jsonl.
    """
    return (
        f"{missing} without a picture below {option('images')}: {consequence}, listed in "
        "missing.jsonl."
    )
