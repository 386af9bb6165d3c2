"""Generated narratives each of an image of its own, as published ones mostly are.

The generator's narratives are of a hundred real images. Here each gets an id of its own, in no
order, and the images' annotations are repeated under these ids, with addresses of their own.

`python -m benchmarks.measuring.reading.distinct FOLDER SHARD…` writes them.
"""

import argparse
import hashlib
import pathlib
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence

from benchmarks.material import annotation_files

_IMAGE_ID = re.compile(rb'"image_id": ?"([0-9a-f]{16})"')
_HEAD_BYTES = 300
_ADDRESS_END = re.compile(r"(_[oz]\.jpg)")
_STEP = 40_503
"""Odd, so that the numbers below 65,536 are all taken once, in no order."""


def write_distinct(
    folder: pathlib.Path, shards: Iterable[str], annotations: dict[str, list[str]]
) -> None:
    """Writes the shards below `narratives`, and the annotations by kind.

    Args:
      folder: Where.
      shards: Files of narratives.
      annotations: Files of real annotations by kind (`material.annotation_files`).
    """
    repeated: Counter = Counter()
    (folder / "narratives").mkdir(parents=True)
    for shard in map(pathlib.Path, shards):
        with shard.open("rb") as lines, (folder / "narratives" / shard.name).open("wb") as file:
            file.writelines(_renamed(lines, repeated))
    for kind, paths in annotations.items():
        (folder / kind).mkdir()
        for path in map(pathlib.Path, paths):
            name = f"{path.parent.name}-{path.name}"
            _repeat(path, folder / kind / name, repeated, is_list=kind == "images")


def _renamed(lines: Iterable[bytes], repeated: Counter) -> Iterator[bytes]:
    for line in lines:
        found = _IMAGE_ID.search(line, 0, _HEAD_BYTES)
        if found is None:
            raise ValueError("a generated line has no image id at its head")
        image = found[1].decode()
        own = _other_id(image, repeated[image])
        repeated[image] += 1
        yield line[: found.start(1)] + own.encode() + line[found.end(1) :]


def _other_id(image: str, number: int) -> str:
    return f"{number * _STEP % 65_536:04x}{image[4:]}"


def _repeat(path: pathlib.Path, to: pathlib.Path, repeated: Counter, is_list: bool) -> None:
    header, *rows = path.read_text().splitlines(keepends=True)
    with to.open("w") as file:
        file.write(header)
        for number in range(max(repeated.values())):
            chosen = (row for row in rows if number < repeated[row[:16]])
            own = (_other_id(row[:16], number) + row[16:] for row in chosen)
            file.writelines(map(_with_own_address, own) if is_list else own)


def _with_own_address(row: str) -> str:
    digits = hashlib.sha256(row[:16].encode()).hexdigest()[:10]
    return _ADDRESS_END.sub(rf"_{digits}\1", row)


def main(argv: Sequence[str] | None = None) -> None:
    """Writes shards and annotations of the sample's images."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("folder", type=pathlib.Path)
    parser.add_argument("shards", nargs="+", help="generated narratives")
    flags = parser.parse_args(argv)
    write_distinct(flags.folder, flags.shards, annotation_files())


if __name__ == "__main__":
    main()
