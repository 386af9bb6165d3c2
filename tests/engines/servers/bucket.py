"""A bucket of the emulator, and what tests do with it behind the job's back."""

import os
import pathlib
import uuid
from collections.abc import Iterable

from google.auth.credentials import AnonymousCredentials
from google.cloud import storage

from tests.engines.servers.emulator import Emulator
from tests.engines.servers.faults import Faults

_CREDENTIALS = ("CLOUDSDK_", "GCE_METADATA_", "GOOGLE_", "STORAGE_EMULATOR_HOST")
"""Beginnings of variables through which a machine's own credentials could take part."""


def without_credentials() -> dict[str, str]:
    """This process's environment without what leads to Google credentials."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(_CREDENTIALS)}
    return kept | {"CLOUDSDK_CONFIG": os.devnull}  # where a developer's login would be found


class Bucket:
    """A new bucket. What is done by these functions meets no fault and is not seen.

    Attributes:
      name: The bucket.
      url: `gs://NAME`.
      faults: What happens to the calls of others.
      environment: Variables with which other processes use the emulator.
    """

    def __init__(self, emulator: Emulator):
        self.name = f"bucket-{uuid.uuid4().hex[:12]}"
        self.url = f"gs://{self.name}"
        self.faults: Faults = emulator.faults
        self.environment = {"STORAGE_EMULATOR_HOST": emulator.endpoint}
        client = storage.Client(
            project="test-project",
            credentials=AnonymousCredentials(),
            client_options={"api_endpoint": emulator.direct},
        )
        self._bucket = client.create_bucket(self.name)

    def put(self, name: str, data: bytes) -> str:
        """Writes an object; returns its path."""
        self._bucket.blob(name).upload_from_string(data)
        return f"{self.url}/{name}"

    def put_folder(self, folder: pathlib.Path, prefix: str) -> str:
        """Copies a folder's files to the bucket; returns their common path."""
        for path in sorted(folder.rglob("*")):
            if path.is_file():
                self.put(f"{prefix}/{path.relative_to(folder)}", path.read_bytes())
        return f"{self.url}/{prefix}"

    def get(self, name: str) -> bytes:
        """The bytes of an object."""
        return self._bucket.blob(name).download_as_bytes(raw_download=True)

    def names(self, prefix: str = "") -> list[str]:
        """Names of all objects that begin so, sorted."""
        return sorted(blob.name for blob in self._bucket.list_blobs(prefix=prefix))

    def checksums(self, prefix: str = "") -> dict[str, str]:
        """CRC32C of all objects that begin so, by what follows in their names."""
        blobs = self._bucket.list_blobs(prefix=prefix)
        return {blob.name.removeprefix(prefix): blob.crc32c for blob in blobs}

    def remove(self, names: Iterable[str]) -> None:
        """Removes objects."""
        for name in names:
            self._bucket.blob(name).delete()

    def download(self, prefix: str, folder: pathlib.Path) -> pathlib.Path:
        """Copies all objects below a prefix into a folder; returns the folder."""
        folder.mkdir(parents=True, exist_ok=True)
        for name in self.names(f"{prefix}/"):
            path = folder / name.removeprefix(f"{prefix}/")
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(self.get(name))
        return folder
