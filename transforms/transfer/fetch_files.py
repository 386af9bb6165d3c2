"""Files brought to a folder by the workers of an engine: an element a file."""

import dataclasses
from collections.abc import Iterator

import apache_beam as beam
import msgspec

from transforms import storage
from transforms.transfer.destinations import Destination, Wanted
from transforms.transfer.downloading import Downloader
from transforms.transfer.outcomes import Outcome
from transforms.transfer.settings import Settings


@dataclasses.dataclass
class FetchFiles(beam.PTransform):
    """Brings files; from numbers and files to numbers and outcomes.

    A bundle that is repeated finds the file complete.

    Attributes:
      destination: Where to.
      settings: How; of each worker on its own.
      outcomes: A folder for what has become of each, by its number.
    """

    destination: Destination
    settings: Settings
    outcomes: str

    def expand(self, files: beam.PCollection[tuple[int, Wanted]]) -> beam.PCollection:
        return (
            files
            | "ShareOut" >> beam.Reshuffle()
            | "FetchFile" >> beam.ParDo(_FetchFile(self.destination, self.settings, self.outcomes))
        )


class _FetchFile(beam.DoFn):
    def __init__(self, destination: Destination, settings: Settings, outcomes: str) -> None:
        self._destination, self._settings, self._outcomes = destination, settings, outcomes

    def setup(self) -> None:
        self._downloader: Downloader = self._settings.downloader()

    def process(self, element: tuple[int, Wanted]) -> Iterator[tuple[int, Outcome]]:
        number, wanted = element
        outcome = self._destination.bring(wanted, self._downloader)
        storage.write_bytes(outcome_path(self._outcomes, number), msgspec.json.encode(outcome))
        yield number, outcome


def outcome_path(folder: str, number: int) -> str:
    """Where the outcome of a file is kept."""
    return storage.join(folder, f"{number:06}.json")


def read_outcomes(folder: str) -> dict[int, Outcome]:
    """The outcomes that workers have left, by the numbers of their files."""
    names = [name for name in storage.list_dir(folder) if name.endswith(".json")]
    found = storage.read_many(folder, names)
    return {
        int(name.removesuffix(".json")): msgspec.json.decode(data, type=Outcome)
        for name, data in found.items()
    }
