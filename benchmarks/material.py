"""What is measured: generated narratives and box files, made once and kept in a cache.

Narratives come from `pipelines.synthesize`: 32 shards of 2,000 (62 MB each, so that a shard is one
unit of nearly the default size). 1× is the first two shards, 4× the first eight, 16× all of them:
units are of one size at every scale, so that only their number differs.
"""

import dataclasses
import functools
import hashlib
import itertools
import pathlib
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Collection, Iterable, Iterator

from benchmarks.release import write_release

ROOT = pathlib.Path(__file__).parents[1]

_IMAGES = ROOT / "samples" / "open_images"
REAL = ROOT / "samples" / "narratives" / "vidln_as_localized_narratives.jsonl"
_CLASSES = ROOT / "transforms" / "core" / "data"

_SHARDS = 32
_SHARDS_AT_1 = 2
_PART = "part.jsonl"


@dataclasses.dataclass(frozen=True)
class Amounts:
    """How much is made.

    Attributes:
      narratives: In each of the 32 shards.
      part: Narratives in the part that is for slow programs.
      boxes: Rows of the smaller box file; the larger one has four times as many.
      releases: Shares of V7's rows of generated annotation files, ascending.
    """

    narratives: int = 2_000
    part: int = 300
    boxes: int = 300_000
    releases: tuple[float, ...] = (0.01, 0.1, 1.0)


QUICK = Amounts(narratives=25, part=10, boxes=3_000, releases=(0.0001, 0.0002, 0.0004))
"""To try the benchmarks themselves."""


@dataclasses.dataclass(frozen=True)
class Material:
    """The data of a run.

    Attributes:
      amounts: How much there is.
      folders: Where, by kind: `tiny`, `narratives`, `part`, `boxes`, and `release-SHARE`.
    """

    amounts: Amounts
    folders: dict[str, str]

    def shards(self, times: int) -> list[str]:
        """The shards at a scale of 1, 4 or 16."""
        return _files(self.folders["narratives"])[: times * _SHARDS_AT_1]

    def count(self, times: int) -> int:
        """The narratives in them."""
        return times * _SHARDS_AT_1 * self.amounts.narratives

    def part_shard(self) -> str:
        """A shard of the first narratives."""
        return str(pathlib.Path(self.folders["part"], _PART))

    def tiny_shards(self, workers: int = 1) -> list[str]:
        """Shards of 22 real narratives, one for each worker: a run over them is start-up."""
        return _files(self.folders["tiny"])[:workers]

    def box_file(self, times: int) -> str:
        """A file of boxes at a scale of 1 or 4: real rows, repeated under other image ids."""
        return str(pathlib.Path(self.folders["boxes"], f"boxes-{times}.csv"))

    def release(self, share: float) -> dict[str, list[str]]:
        """Generated annotation files by kind (`boxes`, `labels`) at a share of V7's rows."""
        folder = pathlib.Path(self.folders[f"release-{share}"])
        labels = [str(folder / f"labels-{maker}.csv") for maker in ("human", "machine")]
        return {"boxes": [str(folder / "boxes.csv")], "labels": labels}


def make_material(cache: pathlib.Path, amounts: Amounts, kinds: Collection[str]) -> Material:
    """Makes what is not in the cache yet: tiny shards always, `narratives` and `boxes` if asked."""
    folders = {"tiny": _make_once(cache / f"tiny-{key_of([REAL])}", _write_tiny)}
    if "narratives" in kinds:
        name = f"{amounts.narratives}-{key_of(_generator())}"
        write = functools.partial(_write_shards, amounts)
        shards = _make_once(cache / f"narratives-{name}", write)
        write = functools.partial(_write_part, amounts, shards)
        part = _make_once(cache / f"part-{amounts.part}-of-{name}", write)
        folders |= {"narratives": shards, "part": part}
    if "boxes" in kinds:
        name = f"boxes-{amounts.boxes}-{key_of(_IMAGES.rglob('*-bbox.csv'))}"
        folders["boxes"] = _make_once(cache / name, functools.partial(_write_boxes, amounts))
    if "releases" in kinds:
        key = key_of([ROOT / "benchmarks" / "release.py"])
        for share in amounts.releases:
            write = functools.partial(write_release, share=share)
            folders[f"release-{share}"] = _make_once(cache / f"release-{share}-{key}", write)
    return Material(amounts, folders)


def annotation_files() -> dict[str, list[str]]:
    """The sample's annotation files by kind (`boxes`, `labels`, `images`), sorted."""
    patterns = {
        "boxes": ("annotations-human-bbox",),
        "labels": ("annotations-human", "annotations-machine"),
        "images": ("images",),
    }
    return {
        kind: sorted(str(path) for name in names for path in _IMAGES.glob(f"*/{name}.csv"))
        for kind, names in patterns.items()
    }


def class_files() -> list[str]:
    """The files of class names that the main job uses when it is given none."""
    return [str(_CLASSES / name) for name in ("class-descriptions-boxable.csv", "coco-classes.csv")]


def key_of(files: Iterable[pathlib.Path]) -> str:
    """Hash of the files' names and contents, whatever their order."""
    contents = sorted((str(path), hashlib.sha256(path.read_bytes()).hexdigest()) for path in files)
    names = [(pathlib.Path(path).name, content) for path, content in contents]
    return hashlib.sha256(repr(names).encode()).hexdigest()[:12]


def repeat_rows(rows: list[str]) -> Iterator[str]:
    """CSV rows again and again, each time with other first four digits of their image ids.

    The ids go up, as in the published files, and repeat after 65,536 times.
    """
    for number in itertools.count():
        yield from (f"{number % 65_536:04x}{row[4:]}" for row in rows)


def _generator() -> list[pathlib.Path]:
    """The files that decide what is generated."""
    code = [ROOT / "pipelines" / "synthesize.py", ROOT / "transforms" / "synthesis.py"]
    core = ROOT / "transforms" / "core" / "synthesis"
    return [*code, *core.rglob("*.py"), *_IMAGES.rglob("*.csv")]


def _write_tiny(folder: pathlib.Path) -> None:
    for number in range(2):
        shutil.copyfile(REAL, folder / f"tiny-{number}.jsonl")


def _write_shards(amounts: Amounts, folder: pathlib.Path) -> None:
    count = _SHARDS * amounts.narratives
    print(f"Generating {count:,} narratives (once; kept in the cache) …", file=sys.stderr)
    flags = ["--shards", str(_SHARDS), "--narratives", str(count), "--seed", "1"]
    command = [sys.executable, "-m", "pipelines.synthesize", "--output", str(folder), *flags]
    subprocess.run([*command, "--workers", "2"], cwd=ROOT, check=True, stdout=sys.stderr)
    for path in folder.iterdir():
        if "_localized_narratives-" not in path.name:
            path.unlink()


def _write_part(amounts: Amounts, shards: str, folder: pathlib.Path) -> None:
    with open(_files(shards)[0], "rb") as file:
        lines = list(itertools.islice(file, amounts.part))
    (folder / _PART).write_bytes(b"".join(lines))


def _write_boxes(amounts: Amounts, folder: pathlib.Path) -> None:
    header, rows = _real_boxes()
    for times in (1, 4):
        repeated = itertools.islice(repeat_rows(rows), times * amounts.boxes)
        with open(folder / f"boxes-{times}.csv", "w") as file:
            file.writelines([header, *repeated])


def _real_boxes() -> tuple[str, list[str]]:
    """The longest header of the box files, and the rows below it, by image."""
    texts = [
        pathlib.Path(path).read_text().splitlines(keepends=True)
        for path in annotation_files()["boxes"]
    ]
    header = max((text[0] for text in texts), key=len)
    rows = [row for text in texts if text[0] == header for row in text[1:]]
    return header, sorted(rows, key=lambda row: row[4:16])


def _make_once(folder: pathlib.Path, write: Callable[[pathlib.Path], None]) -> str:
    """Makes a folder whole unless it is there; removes the one that an older key names."""
    if not folder.is_dir():
        folder.parent.mkdir(parents=True, exist_ok=True)
        for old in folder.parent.glob(f"{folder.name.rpartition('-')[0]}-*"):
            shutil.rmtree(old)
        with tempfile.TemporaryDirectory(dir=folder.parent) as scratch:
            made = pathlib.Path(scratch, "made")
            made.mkdir()
            write(made)
            made.rename(folder)
    return str(folder)


def _files(folder: str) -> list[str]:
    return sorted(map(str, pathlib.Path(folder).iterdir()))
