"""The localization heat map (Fig. 4): where trace points lie relative to their box."""

import base64
import functools
import math

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from transforms.core.report.drawings import svg
from transforms.core.report.drawings.colours import VIRIDIS, colour_at
from transforms.core.report.drawings.png import write_png
from transforms.core.report.page.formats import integer
from transforms.core.stages.match.localization import BINS

Split = tuple[str | None, str | None]

SIDE = 480.0
"""Side of the drawn map; it spans [-1, 2] box widths and heights."""

LEFT, TOP = 32.0, 8.0
BAR_X, BAR_WIDTH = LEFT + SIDE + 16, 16.0
LEVELS = 255


def class_grids(histogram: pa.Table, most: int) -> dict[Split, dict[str, np.ndarray]]:
    """Points by bin of the classes that have most of them in each split.

    Args:
      histogram: Rows of the table `localization_histogram`.
      most: Classes of a split.

    Returns:
      By dataset and split, then by class id, the one with most points first: int64 of shape
      `(150, 150)`.
    """
    keys = ["dataset", "split", "class_id"]
    table = histogram.unify_dictionaries()
    summed = table.group_by(keys, use_threads=False).aggregate([("points", "sum")]).to_pylist()
    summed.sort(key=lambda row: (-row["points_sum"], row["class_id"]))
    found: dict[Split, dict[str, np.ndarray]] = {}
    for row in summed:
        own = found.setdefault((row["dataset"], row["split"]), {})
        if len(own) < most:
            own[row["class_id"]] = np.zeros((BINS, BINS), np.int64)
    wanted = [(*split, name) for split, classes in found.items() for name in classes]
    for dataset, split, name in wanted:
        rows = table.filter(_is_of(table, dataset, split, name))
        x, y, points = (rows[column].to_numpy() for column in ("bin_x", "bin_y", "points"))
        found[dataset, split][name][y, x] = points
    return found


def _is_of(table: pa.Table, *key: str | None) -> pa.ChunkedArray:
    """The rows of a dataset, split and class."""
    masks = [
        pc.is_null(table[name]) if value is None else pc.equal(table[name], value)
        for name, value in zip(("dataset", "split", "class_id"), key, strict=True)
    ]
    return functools.reduce(pc.and_kleene, masks)


def grids(histogram: pa.Table) -> dict[Split, np.ndarray]:
    """Points by bin, added up over classes.

    Args:
      histogram: Rows of the table `localization_histogram`.

    Returns:
      By dataset and split, int64 of shape `(150, 150)`: row `bin_y`, column `bin_x`.
    """
    keys = ["dataset", "split", "bin_x", "bin_y"]
    summed = histogram.unify_dictionaries().group_by(keys).aggregate([("points", "sum")])
    columns = ("bin_y", "bin_x", "points_sum")
    gathered = summed.group_by(["dataset", "split"], use_threads=False).aggregate(
        [(name, "list") for name in columns]
    )
    found: dict[Split, np.ndarray] = {}
    for row in range(len(gathered)):
        split = gathered["dataset"][row].as_py(), gathered["split"][row].as_py()
        y, x, points = (gathered[f"{name}_list"][row].values.to_numpy() for name in columns)
        found[split] = np.zeros((BINS, BINS), np.int64)
        found[split][y, x] = points
    return found


def draw_heat_map(grid: np.ndarray, name: str) -> str:
    """The map of one split as SVG: counts on a logarithmic scale, the box outlined."""
    highest = int(grid.max())
    label = f"{name}: trace points relative to the box, at most {highest:,} in a bin"
    return svg.picture(
        BAR_X + BAR_WIDTH + 80,
        TOP + SIDE + 40,
        label,
        _map(grid, highest),
        _box(),
        _axes(),
        _colour_bar(highest),
        class_="heat-map",
    )


def levels(grid: np.ndarray) -> np.ndarray:
    """Colour indexes of counts: 0 for no point, else 1 to 255 by the logarithm."""
    highest = max(int(grid.max()), 2)
    share = np.log(np.maximum(grid, 1)) / math.log(highest)
    return np.where(grid > 0, 1 + np.round(share * (LEVELS - 1)), 0).astype(np.uint8)


def _map(grid: np.ndarray, highest: int) -> str:
    frame = svg.rectangle(LEFT, TOP, SIDE, SIDE, class_="plot")
    if not highest:
        return frame
    return frame + _image(levels(grid), LEFT, SIDE)


def _image(pixels: np.ndarray, x: float, width: float) -> str:
    """Colour indexes as a picture of the map's height."""
    palette = [(0, 0, 0), *(colour_at(VIRIDIS, k / (LEVELS - 1)) for k in range(LEVELS))]
    used = int(pixels.max()) + 1
    data = base64.b64encode(write_png(pixels, palette[:used])).decode()
    return svg.element(
        "image",
        x=x,
        y=TOP,
        width=width,
        height=SIDE,
        preserveAspectRatio="none",
        href=f"data:image/png;base64,{data}",
    )


def _box() -> str:
    third = SIDE / 3
    place = (LEFT + third, TOP + third, third, third)
    halo = svg.rectangle(*place, class_="box-halo")
    return halo + svg.rectangle(*place, class_="box-outline")


def _axes() -> str:
    parts = []
    for value in (-1, 0, 1, 2):
        at = (value + 1) * SIDE / 3
        sign = str(value).replace("-", "−")
        bottom = TOP + SIDE
        parts += [
            svg.line(LEFT + at, bottom, LEFT + at, bottom + 4, "tick"),
            svg.text(sign, LEFT + at, bottom + 17, class_="middle"),
            svg.line(LEFT - 4, TOP + at, LEFT, TOP + at, "tick"),
            svg.text(sign, LEFT - 7, TOP + at + 4, class_="end"),
        ]
    title = svg.text("box widths and heights", LEFT + SIDE / 2, TOP + SIDE + 34, class_="middle")
    return "".join(parts) + title


def _colour_bar(highest: int) -> str:
    if not highest:
        return ""
    ramp = np.arange(LEVELS, 0, -1, dtype=np.uint8)[:, None]
    bar = _image(ramp, BAR_X, BAR_WIDTH)
    labels = [_bar_label(value, highest) for value in _bar_values(highest)]
    title = svg.text("points per bin", BAR_X + BAR_WIDTH + 80, TOP + SIDE + 34, class_="end")
    return bar + "".join(labels) + title


def _bar_values(highest: int) -> list[int]:
    """Of 1, 2, 5, 10 … those that label the bar, and the highest; none touches another."""
    factors = (1, 2, 5) if highest < 1_000 else (1,)
    rounds = [factor * 10**k for k in range(len(str(highest))) for factor in factors]
    return [value for value in rounds if value * 1.25 < highest or value == 1] + (
        [highest] if highest > 1 else []
    )


def _bar_label(value: int, highest: int) -> str:
    share = math.log(value) / math.log(highest) if highest > 1 else 1.0
    y = TOP + SIDE * (1 - share)
    tick = svg.line(BAR_X + BAR_WIDTH, y, BAR_X + BAR_WIDTH + 4, y, "tick")
    return tick + svg.text(integer(value), BAR_X + BAR_WIDTH + 7, y + 4)
