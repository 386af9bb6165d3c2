"""Mentions of a batch of narratives, their closest boxes and points, for `with_libraries`."""

import dataclasses

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from benchmarks.baselines import common
from benchmarks.baselines.libraries.with_libraries_boxes import Classes, Images
from benchmarks.baselines.libraries.with_libraries_words import Traces, Words, ranges

EDGES = np.linspace(-1, 2, 151)
BINS = len(EDGES) - 1


@dataclasses.dataclass
class Mentions:
    """What a batch of n narratives has.

    Attributes:
      table: Rows of `mentions`.
      counts: For each mention, what it adds to `localization`.
      bins: What the batch adds to `localization_histogram`.
      inverted: Narratives with a mention whose times are inverted.
    """

    table: pa.Table
    counts: pa.Table
    bins: pa.Table
    inverted: np.ndarray


@dataclasses.dataclass
class Located:
    """m mentions of a batch in caption and trace.

    Attributes:
      rows: Shape `(m,)`: the narrative.
      classes: Shape `(m,)`: index of the class.
      first_point: Shape `(m,)`, -1 where the times are unknown.
      end_point: Shape `(m,)`.
      inverted: Shape `(m,)`: whether the times are inverted (and collapsed).
      columns: Columns of `mentions` from `class_id` to `end_point`.
    """

    rows: np.ndarray
    classes: np.ndarray
    first_point: np.ndarray
    end_point: np.ndarray
    inverted: np.ndarray
    columns: dict[str, pa.Array]


def locate_mentions(
    narratives: pa.Table, words: Words, traces: Traces, classes: Classes
) -> Located:
    """Finds and times the mentions of a batch."""
    captions, datasets = narratives["caption"].to_pylist(), narratives["dataset"].to_pylist()
    found = classes.find(captions, datasets, words)
    rows, of_class, char_start, char_end = np.array(found, np.int64).reshape(-1, 4).T
    word_rows = words.rows << 32  # with a character added: one key for all words
    first_word = np.searchsorted(word_rows + words.char_end, (rows << 32) + char_start, "right")
    end_word = np.searchsorted(word_rows + words.char_start, (rows << 32) + char_end, "left")
    start, end = words.starts[first_word], words.ends[end_word - 1]
    inverted = start > end
    end = np.where(inverted, start, end)
    first_point, end_point = traces.find(rows, start, end)
    unknown = first_point < 0
    columns = {
        "class_id": classes.ids.take(pa.array(of_class)),
        "name": classes.names.take(pa.array(of_class)),
        "text": pa.array([captions[row][begin:stop] for row, _, begin, stop in found]),
        "char_start": pa.array(char_start),
        "char_end": pa.array(char_end),
        "first_word": pa.array(first_word - words.offsets[rows]),
        "end_word": pa.array(end_word - words.offsets[rows]),
        "start_time": pa.array(start, from_pandas=True),
        "end_time": pa.array(end, from_pandas=True),
        "first_point": pa.array(first_point, mask=unknown),
        "end_point": pa.array(end_point, mask=unknown),
    }
    return Located(rows, of_class, first_point, end_point, inverted, columns)


def find_mentions(
    narratives: pa.Table, words: Words, traces: Traces, images: Images, classes: Classes
) -> Mentions:
    """Finds, times and localizes the mentions of a batch."""
    located = locate_mentions(narratives, words, traces, classes)
    rows, sizes = located.rows, located.end_point - located.first_point
    localized = localize(
        images.rows_of(narratives)[rows],
        located.classes,
        traces.offsets[rows] + located.first_point,
        sizes,
        traces,
        images,
    )
    boxless = localized.box < 0
    columns = located.columns | {
        "box_index": pa.array(localized.box, mask=boxless),
        "mean_distance": pa.array(localized.mean_distance, mask=boxless),
        "points": pa.array(sizes, mask=located.first_point < 0),
        "points_inside": pa.array(localized.inside, mask=boxless),
    }
    heads = ("narrative_id", "dataset", "split", "image_id", "annotator_id", "shard", "byte_offset")
    for name in heads:
        columns[name] = narratives[name].take(pa.array(rows))
    schema = common.TABLES["mentions"]
    table = pa.table({name: columns[name] for name in schema.names}).cast(schema)
    group = pc.dictionary_encode(narratives["dataset_id"]).combine_chunks().indices
    group = group.to_numpy()[rows] * len(classes.ids) + located.classes
    inverted = rows[located.inverted]
    return Mentions(table, localized.counts(table), localized.bins(table, group), inverted)


@dataclasses.dataclass
class Localized:
    """Where m mentions are.

    Attributes:
      box: Shape `(m,)`: the closest box, counted within the image; -1 for none.
      has_box: Shape `(m,)`: whether the image has a box of the class.
      mean_distance: Shape `(m,)`, 0 without a box.
      inside: Shape `(m,)`: points in the box.
      points: Shape `(m,)`: points of mentions with a box.
      point_mention: Shape `(n_points,)`: the mention of each of these points.
      bin_x: Shape `(n_points,)`: bin of each point, -1 outside the histogram.
      bin_y: Shape `(n_points,)`.
    """

    box: np.ndarray
    has_box: np.ndarray
    mean_distance: np.ndarray
    inside: np.ndarray
    points: np.ndarray
    point_mention: np.ndarray
    bin_x: np.ndarray
    bin_y: np.ndarray

    def counts(self, mentions: pa.Table) -> pa.Table:
        """Columns of `localization`, a row a mention."""
        boxed, outside = self.box >= 0, (self.bin_x < 0) | (self.bin_y < 0)
        columns = {
            "mentions": np.ones(len(boxed), np.int64),
            "boxed": boxed,
            "without_trace": self.has_box & ~boxed,
            "without_box_of_class": ~self.has_box,
            "points": self.points,
            "points_inside": self.inside,
            "overflow": np.bincount(self.point_mention[outside], minlength=len(boxed)),
        }
        keys = [mentions[name] for name in common.CLASS_KEY]
        columns = [pa.array(column.astype(np.int64)) for column in columns.values()]
        return pa.table([*keys, *columns], schema=common.TABLES["localization"])

    def bins(self, mentions: pa.Table, group: np.ndarray) -> pa.Table:
        """Columns of `localization_histogram`; `group` is a number for each mention's key."""
        inside = np.flatnonzero((self.bin_x >= 0) & (self.bin_y >= 0))
        cell = group[self.point_mention[inside]] * BINS + self.bin_x[inside]
        cell = cell * BINS + self.bin_y[inside]
        _, at, points = np.unique(cell, return_index=True, return_counts=True)
        at = inside[at]
        keys = mentions.select(common.CLASS_KEY).take(pa.array(self.point_mention[at]))
        columns = [pa.array(column) for column in (self.bin_x[at], self.bin_y[at], points)]
        schema = common.TABLES["localization_histogram"]
        return pa.table([*keys.columns, *columns], names=schema.names).cast(schema)


def localize(image, of_class, first, points, traces: Traces, images: Images) -> Localized:
    """The closest box of each mention, and the bins of its points.

    Args:
      image: Shape `(m,)`: row of the image.
      of_class: Shape `(m,)`.
      first: Shape `(m,)`: first point, counted over the batch.
      points: Shape `(m,)`: how many there are.
      traces: The batch's traces.
      images: All images.
    """
    mention, box = usable_boxes(image, of_class, images)
    has_box = np.bincount(mention, minlength=len(image)) > 0
    traced = points[mention] > 0
    mention, box = mention[traced], box[traced]
    # From here on a row is a point of a mention, once for each box that may be its closest.
    size = points[mention]
    pair = np.repeat(np.arange(len(mention)), size)
    point = ranges(first[mention], size)
    x, y = traces.x[point], traces.y[point]
    left, right, top, bottom = (edge[box] for edge in images.edges.values())
    dx = np.maximum(np.maximum(left[pair] - x, 0), x - right[pair])
    dy = np.maximum(np.maximum(top[pair] - y, 0), y - bottom[pair])
    mean = np.bincount(pair, np.sqrt(dx * dx + dy * dy), len(box)) / size
    begin = np.cumsum(size) - size
    across = (middle(x, begin) - (left + right) / 2) / (right - left)
    down = (middle(y, begin) - (top + bottom) / 2) / (bottom - top)
    order = np.lexsort((box, np.hypot(across, down), mean, mention))
    boxed, best = np.unique(mention[order], return_index=True)
    best = order[best]
    # Each mention with a box has one best pair.
    chosen = np.isin(pair, best)
    inside = np.bincount(pair[chosen], (dx[chosen] == 0) & (dy[chosen] == 0), len(box))
    own = pair[chosen]
    result = Localized(
        box=np.full(len(image), -1),
        has_box=has_box,
        mean_distance=np.zeros(len(image)),
        inside=np.zeros(len(image), np.int64),
        points=np.zeros(len(image), np.int64),
        point_mention=mention[own],
        bin_x=find_bins((x[chosen] - left[own]) / (right - left)[own]),
        bin_y=find_bins((y[chosen] - top[own]) / (bottom - top)[own]),
    )
    result.box[boxed] = box[best] - images.offsets[image[boxed]]
    result.mean_distance[boxed] = mean[best]
    result.inside[boxed] = inside[best]
    result.points[boxed] = size[best]
    return result


def usable_boxes(image, of_class, images: Images) -> tuple[np.ndarray, np.ndarray]:
    """Pairs of a mention and a box of its image and class that has a size."""
    origin, counts = images.offsets[image], np.diff(images.offsets)[image]
    mention, box = np.repeat(np.arange(len(image)), counts), ranges(origin, counts)
    left, right, top, bottom = (edge[box] for edge in images.edges.values())
    usable = (images.classes[box] == of_class[mention]) & (right > left) & (bottom > top)
    return mention[usable], box[usable]


def middle(values: np.ndarray, begin: np.ndarray) -> np.ndarray:
    """The middle of each stretch of values' range."""
    return (np.minimum.reduceat(values, begin) + np.maximum.reduceat(values, begin)) / 2


def find_bins(values: np.ndarray) -> np.ndarray:
    """The bins of coordinates, -1 outside; the last edge is closed."""
    bins = np.searchsorted(EDGES, values, "right") - 1
    bins[values == EDGES[-1]] = BINS - 1
    bins[bins >= BINS] = -1
    return bins
