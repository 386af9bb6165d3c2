"""Annotation files as large as those of Open Images V7, generated.

Rows an image, classes with a long tail, sources and confidences are spread as in the published
files; ids, classes and boxes are drawn from a fixed seed. Files are sorted by image, as published.
"""

import pathlib
from collections.abc import Iterator

import numpy as np
import pyarrow as pa
import pyarrow.csv

BOXED_IMAGES, IMAGES, CLASSES, BOXABLE = 1_743_042, 9_011_219, 20_931, 601
BOXES, HUMAN, MACHINE = 14_610_229, 57_000_000, 164_000_000

_ROWS_AT_ONCE = 1_000_000
_EDGES = ("XMin", "XMax", "YMin", "YMax")
_FLAGS = ("IsOccluded", "IsTruncated", "IsGroupOf", "IsDepiction", "IsInside")
_CLICKS = tuple(f"XClick{number}{axis}" for axis in "XY" for number in range(1, 5))
_HEX = np.array([f"{number:02x}" for number in range(256)], "S2")


def write_release(folder: pathlib.Path, share: float) -> None:
    """Writes `boxes.csv`, `labels-human.csv` and `labels-machine.csv`, a share of V7's rows."""
    rng = np.random.default_rng(7)
    images = np.sort(rng.integers(0, 2**64, int(IMAGES * share), np.uint64))
    boxed = np.sort(rng.choice(images, int(BOXED_IMAGES * share), replace=False))
    _write(folder / "boxes.csv", _boxes(rng, boxed, int(BOXES * share)))
    _write(folder / "labels-human.csv", _human(rng, images, int(HUMAN * share)))
    _write(folder / "labels-machine.csv", _machine(rng, images, int(MACHINE * share)))


def image_ids(numbers: np.ndarray) -> pa.StringArray:
    """Numbers, shape `(n,)` uint64, as image ids of 16 hexadecimal digits."""
    digits = np.ascontiguousarray(_HEX[numbers.astype(">u8").view(np.uint8)])
    offsets = np.arange(len(numbers) + 1, dtype=np.int32) * 16
    return pa.StringArray.from_buffers(
        len(numbers), pa.py_buffer(offsets), pa.py_buffer(digits.view(np.uint8))
    )


def _write(path: pathlib.Path, batches: Iterator[dict[str, pa.Array]]) -> None:
    options = pyarrow.csv.WriteOptions(quoting_style="none", include_header=False)
    with open(path, "wb") as file:
        for number, columns in enumerate(batches):
            table = pa.table(columns)
            if number == 0:
                file.write((",".join(table.column_names) + "\n").encode())
            pyarrow.csv.write_csv(table, file, options)


def _drawn(rng: np.random.Generator, images: np.ndarray, rows: int) -> Iterator[np.ndarray]:
    """The image of each row, sorted, in pieces."""
    counts = rng.multinomial(rows, np.full(len(images), 1 / len(images)))
    ends = np.cumsum(counts)
    for first in range(0, rows, _ROWS_AT_ONCE):
        row = np.arange(first, min(first + _ROWS_AT_ONCE, rows))
        yield images[np.searchsorted(ends, row, side="right")]


def _classes(rng: np.random.Generator, rows: int, classes: int) -> pa.Array:
    """Ids of classes, the k-th of them about 1 / k times as frequent as the first."""
    names = pa.array([f"/m/{number * 7919 % 1_679_616:05x}" for number in range(1, classes + 1)])
    ranks = np.floor(np.exp(rng.random(rows) * np.log(classes))).astype(np.int64) - 1
    return names.take(pa.array(ranks))


def _chosen(rng: np.random.Generator, rows: int, values: list[str], share: list[float]) -> pa.Array:
    bounds = np.cumsum(share)[:-1]
    return pa.array(values).take(pa.array(np.searchsorted(bounds, rng.random(rows))))


def _human(rng: np.random.Generator, images: np.ndarray, rows: int) -> Iterator[dict]:
    for drawn in _drawn(rng, images, rows):
        n = len(drawn)
        yield {
            "ImageID": image_ids(drawn),
            "Source": _chosen(rng, n, ["verification", "crowdsource-verification"], [0.85, 0.15]),
            "LabelName": _classes(rng, n, CLASSES),
            "Confidence": _chosen(rng, n, ["0", "1"], [0.6, 0.4]),
        }


def _machine(rng: np.random.Generator, images: np.ndarray, rows: int) -> Iterator[dict]:
    values = [f"{tenth / 10:.1f}" for tenth in range(5, 11)]
    for drawn in _drawn(rng, images, rows):
        n = len(drawn)
        yield {
            "ImageID": image_ids(drawn),
            "Source": _chosen(rng, n, ["machine"], [1.0]),
            "LabelName": _classes(rng, n, CLASSES),
            "Confidence": _chosen(rng, n, values, [0.25, 0.2, 0.2, 0.15, 0.15, 0.05]),
        }


def _boxes(rng: np.random.Generator, images: np.ndarray, rows: int) -> Iterator[dict]:
    places = pa.array([f"{place / 1024:.6f}" for place in range(1025)])
    unknown = pa.array(["-1"])
    for drawn in _drawn(rng, images, rows):
        n = len(drawn)
        pairs = [np.sort(rng.integers(0, 1025, (2, n)), axis=0) for _ in range(2)]
        edges = dict(zip(_EDGES, [edge for pair in pairs for edge in pair], strict=True))
        clicked = rng.random(n) < 0.9
        yield {
            "ImageID": image_ids(drawn),
            "Source": _chosen(rng, n, ["xclick", "activemil"], [0.9, 0.1]),
            "LabelName": _classes(rng, n, BOXABLE),
            "Confidence": _chosen(rng, n, ["1"], [1.0]),
            **{name: places.take(pa.array(edge)) for name, edge in edges.items()},
            **{name: _chosen(rng, n, ["0", "1", "-1"], [0.7, 0.28, 0.02]) for name in _FLAGS},
            **{
                name: pa.concat_arrays([places, unknown]).take(
                    pa.array(np.where(clicked, rng.integers(0, 1025, n), 1025))
                )
                for name in _CLICKS
            },
        }
