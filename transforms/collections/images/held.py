"""What an earlier version holds: pictures that need not be fetched, and failures that are final."""

from collections.abc import Sequence

from transforms.collections.images.rows import KEY_COLUMNS, ImageRows, Key, place_of, read_picture
from transforms.core.model.manifest import Manifest
from transforms.core.stages.fetch.judging import Answer, md5_of
from transforms.units.publishing.read_version import read_manifest

_PICTURE = [*KEY_COLUMNS, "url", "offset", "file", "bytes", "md5", "redirected_to", "attempts"]
_FAILURE = [*KEY_COLUMNS, "url", "reason", "status", "message", "attempts", "retryable"]


class Held:
    """What a version of this job holds.

    Args:
      folder: The version's folder.
      output: The output folder, below which pictures in folders are.
      with_final: Whether its final failures count, which they do where the rules are the same.
    """

    def __init__(self, folder: str, output: str, with_final: bool) -> None:
        self._folder, self._output = folder, output
        files = read_manifest(folder, Manifest).files
        self._pictures = ImageRows(folder, files, "images", _PICTURE)
        self._failures = ImageRows(folder, files if with_final else [], "failures", _FAILURE)

    def answers(self, keys: Sequence[Key]) -> dict[tuple[Key, str], Answer]:
        """What is known of images, by key and address.

        A picture is an answer with its bytes, a final failure one with its reason; both with the
        attempts that they took.
        """
        found = {}
        for key, (file, row) in self._pictures.find(keys):
            place = place_of(self._folder, self._output, file, row)
            data = read_picture(*place, row["bytes"])
            if data is not None and md5_of(data) == row["md5"]:
                sent = (row["redirected_to"],) if row["redirected_to"] else ()
                answer = Answer(row["url"], data, 200, redirects=sent, attempts=row["attempts"])
                found[key, row["url"]] = answer
        for key, (_, row) in self._failures.find(keys):
            if row["url"] and not row["retryable"]:
                answer = Answer(row["url"], status=row["status"], reason=row["reason"],
                                message=row["message"], attempts=row["attempts"])  # fmt: skip
                found[key, row["url"]] = answer
        return found
