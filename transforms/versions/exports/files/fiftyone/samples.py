"""Folders of samples, each a data set of FiftyOne, loaded on its own into what is there."""

from collections.abc import Iterable

from transforms.core.model.manifest_entries import PageFile
from transforms.core.output.exports.fiftyone.fields import metadata_file
from transforms.versions.exports.files.folder import ExportFolder

_HEAD, _END = b'{"samples":[\n', b"\n]}\n"


class SampleFolders:
    """Writes folders of samples.

    Args:
      folder: Where to.
      version: The version's name.
      limit: Bytes that a file of samples does not exceed, unless by its only one.
    """

    def __init__(self, folder: ExportFolder, version: str, limit: int) -> None:
        self._folder, self._limit = folder, limit
        self._metadata = metadata_file(version)
        self.files: list[PageFile] = []
        """What was written."""

    def write(self, name: str, samples: Iterable[bytes]) -> int:
        """Writes the samples of a split; returns how many they are.

        Args:
          name: What the split is called in names of files.
          samples: Its samples, as JSON.
        """
        remaining, count, number = iter(samples), 0, 0
        sample = next(remaining, None)
        while sample is not None:
            path = f"samples/{name}-{number:05d}"
            self.files.append(self._folder.write(f"{path}/metadata.json", self._metadata))
            with self._folder.new_file(f"{path}/samples.json") as file:
                size = file.write(_HEAD + sample) + len(_END)
                count += 1
                while (sample := next(remaining, None)) is not None:
                    size += len(sample) + 2
                    if size > self._limit:
                        break
                    file.write(b",\n" + sample)
                    count += 1
                file.write(_END)
            self.files.append(file.listed)
            number += 1
        return count
