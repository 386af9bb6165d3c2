"""Images of a local folder, by the ids of narratives."""

import os
import pathlib
from collections.abc import Mapping

from transforms.core.base.errors import UsageError, shown
from transforms.core.stages.fetch.samples import names_of_picture, picture_names

_ENDINGS = (".jpg", ".jpeg", ".png", ".gif", ".webp")


class LocalImages:
    """The images below a folder, as they were when it was looked through."""

    def __init__(self, folder: str) -> None:
        """Looks for images.

        Args:
          folder: Searched with all below it; links to folders are not followed.

        Raises:
          UsageError: It is no folder, or has no image.
        """
        if not pathlib.Path(folder).is_dir():
            raise UsageError(f"{shown(folder)!r} is no folder of images on this machine")
        self._paths = _images_below(folder)
        if not self._paths:
            raise UsageError(f"{shown(folder)!r} has no image ({', '.join(_ENDINGS)}) below it")

    def __len__(self) -> int:
        return len(self._paths)

    def find(self, dataset: str, image_id: str) -> pathlib.Path | None:
        """The file of an image; None where there is none.

        A name with the dataset, as the job of images makes it, goes before the id alone.
        """
        names = picture_names(dataset, image_id)
        return next((self._paths[name] for name in names if name in self._paths), None)


def _images_below(folder: str) -> Mapping[str, pathlib.Path]:
    found: dict[str, pathlib.Path] = {}
    for parent, folders, files in os.walk(folder):
        folders.sort()
        for name in sorted(files):
            path = pathlib.Path(parent, name)
            if path.suffix.lower() in _ENDINGS:
                for name in names_of_picture(path.stem):
                    found.setdefault(name, path)
    return found
