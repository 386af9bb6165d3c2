"""Outputs that the soak scripts start from, and what is in an output, to be compared."""

import contextlib
import dataclasses
import pathlib
import tempfile
from collections.abc import Iterator

from tests import build_helpers as helpers
from tests.pipelines.replay.helpers import repaired_lines, write_rows
from tests.pipelines.versions.helpers import copy_output
from tests.soak.calls import assert_explained, call

FEW = [helpers.ODD_AND_BAD, helpers.REAL]
ALL = [*FEW, *helpers.GENERATED]
BOXES = helpers.ROOT / "samples" / "open_images" / "train" / "annotations-human-bbox.csv"
SETTINGS = ("--unit-bytes", 50_000)
JOINED = (*SETTINGS, "--boxes", BOXES)
"""Options of a run that builds an index."""


@dataclasses.dataclass(frozen=True)
class State:
    """What is in an output.

    Attributes:
      current: The current version.
      pinned: What is pinned.
      versions: Of each version its files of tables, with their checksums.
    """

    current: str
    pinned: str
    versions: dict[str, dict[str, int]]


def named_in(path: pathlib.Path) -> str:
    """What a small file names; empty where it is not there."""
    return path.read_text(errors="replace").strip() if path.exists() else ""


def contents_of(folder: pathlib.Path) -> dict[str, int]:
    """The checksums of a version's tables, all of which are read and must be what they should."""
    manifest, _ = helpers.assert_complete(folder)
    return {file["path"]: file["crc32c"] for file in manifest["files"]}


def state_of(output: pathlib.Path) -> State:
    """What is in an output, whose versions must all be complete."""
    folders = sorted((output / "versions").iterdir())
    return State(
        named_in(output / "CURRENT"),
        named_in(output / "PINNED"),
        {folder.name: contents_of(folder) for folder in folders if "." not in folder.name},
    )


def difference(found: State, expected: State) -> str:
    """In what an output is not what it should be."""
    names = found.versions.keys() | expected.versions.keys()
    others = [name for name in sorted(names)
              if found.versions.get(name) != expected.versions.get(name)]  # fmt: skip
    pointers = [f"{state.current} current, {state.pinned or 'none'} pinned"
                for state in (found, expected)]  # fmt: skip
    return f"{pointers[0]}; expected {pointers[1]}; other contents: {', '.join(others) or 'none'}"


def built(output: pathlib.Path, shards, *more) -> pathlib.Path:
    """Makes a version; returns the output."""
    assert_explained(call("build", *helpers.arguments(output, shards, *more)), 0)
    return output


def make_one(output: pathlib.Path) -> pathlib.Path:
    """An output with a version of few shards; returns it."""
    return built(output, FEW, *SETTINGS)


def make_two(output: pathlib.Path) -> pathlib.Path:
    """An output with a version of few shards and one of all, with an index; returns it."""
    return built(make_one(output), ALL, *JOINED)


def write_repaired(output: pathlib.Path, path: pathlib.Path) -> pathlib.Path:
    """Writes repairs of some lines that the current version has rejected; returns the path."""
    return write_rows(path, repaired_lines(output))


@contextlib.contextmanager
def copied(original: pathlib.Path) -> Iterator[pathlib.Path]:
    """A copy of an output for one trial, with its links."""
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        yield copy_output(original, pathlib.Path(folder) / "out")


def harm(original: pathlib.Path, copy: pathlib.Path) -> frozenset[str]:
    """Copies an output with faults that its units do not have.

    Returns:
      The files of the current version that are missing or corrupt.
    """
    output = copy_output(original, copy)
    current = helpers.version_of(output)
    (older,) = set((output / "versions").iterdir()) - {current}
    next((older / "mentions").iterdir()).unlink()
    own = [next((current / "narratives").iterdir()), current / "richness" / "richness.parquet"]
    own[0].unlink()
    for path in (own[1], current / "report.html", older / "report.html"):
        helpers.flip_bit(path, 999)
    return frozenset({*(str(path.relative_to(current)) for path in own), "report.html"})
