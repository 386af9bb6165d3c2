"""MatchMentions: class mentions, their trace segments and closest boxes, and where points lie."""

import dataclasses
import functools
from collections.abc import Iterator, Mapping, Sequence

import numpy as np
import pyarrow as pa

from transforms.core.base.text import slice_texts
from transforms.core.model.chunk import Chunk
from transforms.core.model.columns import (
    TERM,
    dataset_splits,
    empty_batch,
    numbers,
    set_columns,
    term_codes,
    unpack,
)
from transforms.core.model.narratives import flags, schemas
from transforms.core.model.narratives.naming import narrative_ids
from transforms.core.model.narratives.traces import points
from transforms.core.sources.annotations import contents
from transforms.core.sources.annotations.lookup import AnnotationIndex
from transforms.core.stages.ground_words import times, trace_segments
from transforms.core.stages.match.localization import (
    Boxes,
    ClosestBoxes,
    box_faults,
    closest_boxes,
    point_histogram,
)
from transforms.core.stages.match.mentions import (
    Matches,
    Vocabulary,
    compile_vocabulary,
    match_classes,
)

OTHERS = None
"""Key of the vocabulary of datasets that have none of their own."""


@dataclasses.dataclass(frozen=True)
class MentionRules:
    """What counts as a mention and which boxes it may use.

    Attributes:
      plurals: Whether plurals of the names count (`plurals.plural_forms`).
      subclasses: Whether a mention may use the boxes of classes below its own.
      excluded_flags: Box flags (`is_group_of` …) whose boxes are left out.
      others: Further datasets, each with the vocabulary that its images are of.
    """

    plurals: bool = False
    subclasses: bool = False
    excluded_flags: tuple[str, ...] = ()
    others: tuple[tuple[str, str], ...] = ()


@dataclasses.dataclass(frozen=True)
class CompiledRules:
    """Rules made ready for chunks.

    Attributes:
      vocabularies: Vocabulary by dataset; the key None serves all datasets not named.
      narrower: By class id, the other classes whose boxes its mentions may use.
      excluded_flags: Box flags whose boxes are left out.
    """

    vocabularies: Mapping[str | None, Vocabulary]
    narrower: Mapping[str, frozenset[str]]
    excluded_flags: tuple[str, ...]

    def allowed(self, vocabulary: Vocabulary) -> tuple[np.ndarray, np.ndarray]:
        """Offsets and values: for each class the classes whose boxes its mentions may use."""
        index = {class_id: i for i, class_id in enumerate(vocabulary.class_ids)}
        lists = [
            sorted(index[other] for other in {own, *self.narrower.get(own, ())} if other in index)
            for own in vocabulary.class_ids
        ]
        offsets = np.cumsum([0, *map(len, lists)])
        return offsets, np.array([value for values in lists for value in values], np.int64)


@functools.lru_cache(8)
def _vocabulary(class_ids: tuple[str, ...], names: tuple[str, ...], plurals: bool) -> Vocabulary:
    """`compile_vocabulary`, once for all threads and runs of a process that have these classes."""
    return compile_vocabulary(class_ids, names, plurals)


def compile_rules(index: AnnotationIndex, rules: MentionRules) -> CompiledRules:
    """Compiles the index's classes.

    COCO's are for the dataset `coco`, those of Open Images for all others, unless the rules name
    another one's images.
    """
    compiled = {
        name: _vocabulary(
            tuple(item.class_id for item in classes),
            tuple(item.name for item in classes),
            rules.plurals,
        )
        for name in contents.VOCABULARIES
        if (classes := index.classes_of(name))
    }
    wanted: dict[str | None, str] = {
        OTHERS: contents.OPEN_IMAGES,
        "coco": contents.COCO,
        **dict(rules.others),
    }
    vocabularies = {dataset: compiled[name] for dataset, name in wanted.items() if name in compiled}
    narrower = index.hierarchy if rules.subclasses else {}
    return CompiledRules(vocabularies, narrower, rules.excluded_flags)


def match_mentions(chunk: Chunk, rules: CompiledRules) -> Chunk:
    """Adds `mentions`, `localization` and `histogram` to a chunk whose boxes are joined."""
    parts = [
        _match_part(chunk["narratives"], rows, vocabulary, rules)
        for rows, vocabulary in _rows_by_vocabulary(chunk["narratives"], rules)
    ]
    inverted = np.zeros(len(chunk["narratives"]), bool)
    for part in parts:
        inverted[part.inverted_rows] = True
    raised = flags.combine(inverted_mention=inverted)
    counts = _concatenate([part.counts for part in parts], schemas.LOCALIZATION)
    groups_before = np.cumsum([0, *(len(part.counts) for part in parts)])
    histograms = [
        set_columns(part.histogram, group=part.histogram["group"].to_numpy() + before)
        for part, before in zip(parts, groups_before, strict=False)
    ]
    flagged = numbers(chunk["narratives"]["flags"]) | raised
    return chunk.with_columns("narratives", flags=flagged).with_tables(
        mentions=_concatenate([part.mentions for part in parts], schemas.FOUND_MENTIONS),
        localization=counts,
        histogram=_concatenate(histograms, schemas.HISTOGRAM),
    )


@dataclasses.dataclass(frozen=True)
class _Part:
    mentions: pa.RecordBatch
    counts: pa.RecordBatch
    histogram: pa.RecordBatch
    inverted_rows: np.ndarray


def _rows_by_vocabulary(
    narratives: pa.RecordBatch, rules: CompiledRules
) -> Iterator[tuple[np.ndarray, Vocabulary]]:
    codes, datasets = term_codes(narratives["dataset"])
    own = np.array(
        [dataset in rules.vocabularies and dataset is not OTHERS for dataset in datasets]
    )
    for dataset, vocabulary in rules.vocabularies.items():
        chosen = ~own if dataset is OTHERS else np.array([name == dataset for name in datasets])
        rows = np.flatnonzero(chosen[codes])
        if len(rows):
            yield rows, vocabulary


def _match_part(
    narratives: pa.RecordBatch, rows: np.ndarray, vocabulary: Vocabulary, rules: CompiledRules
) -> _Part:
    captions = narratives["caption"]
    if len(rows) < len(narratives):
        found = match_classes(captions.take(pa.array(rows)), vocabulary)
        found = dataclasses.replace(found, rows=rows[found.rows])
    else:
        found = match_classes(captions, vocabulary)
    columns, inverted = _timed_columns(narratives, found)
    point_offsets, x, y, t = points(narratives)
    first, end = trace_segments(
        found.rows, columns["start_time"], columns["end_time"], point_offsets, t
    )
    boxes = _boxes(narratives["boxes"], vocabulary, rules.excluded_flags)
    closest = closest_boxes(
        found.rows,
        rules.allowed(vocabulary),
        found.classes,
        first,
        end,
        point_offsets,
        x,
        y,
        boxes,
    )
    unknown = first < 0
    columns |= {
        "first_point": pa.array(first, mask=unknown),
        "end_point": pa.array(end, mask=unknown),
        "box_index": pa.array(closest.indices, mask=closest.indices < 0),
        "mean_distance": pa.array(closest.mean_distances, from_pandas=True),
        "points": pa.array(end - first, mask=unknown),
        "points_inside": pa.array(closest.inside, mask=closest.indices < 0),
    }
    mentions = _mentions_batch(narratives, found, vocabulary, columns)
    return _Part(
        mentions,
        *_measure_localization(narratives, found, vocabulary, first, end, closest, boxes),
        np.unique(found.rows[inverted]),
    )


def _timed_columns(narratives: pa.RecordBatch, found: Matches) -> tuple[dict, np.ndarray]:
    """Words and times of the mentions; whether a time interval was inverted (and collapsed)."""
    offsets, words = unpack(narratives["words"])
    char_starts, char_ends = (
        numbers(words.field("char_start")),
        numbers(words.field("char_end")),
    )
    # one key orders all words of the chunk: captions never reach 2^32 characters
    keys = np.repeat(np.arange(len(offsets) - 1), np.diff(offsets)) << 32
    first = np.searchsorted(keys + char_ends, (found.rows << 32) + found.starts, "right")
    end = np.searchsorted(keys + char_starts, (found.rows << 32) + found.ends, "left")
    starts, ends = times(words, "start_time")[first], times(words, "end_time")[end - 1]
    inverted = starts > ends
    columns = {
        "char_start": found.starts,
        "char_end": found.ends,
        "first_word": first - offsets[found.rows],
        "end_word": end - offsets[found.rows],
        "start_time": starts,
        "end_time": np.where(inverted, starts, ends),
    }
    return columns, inverted


def _boxes(column: pa.ListArray, vocabulary: Vocabulary, excluded: Sequence[str]) -> Boxes:
    filled = column.fill_null([]) if column.null_count else column
    offsets, boxes = unpack(filled)
    classes = boxes.field("class_id")
    index = {class_id: i for i, class_id in enumerate(vocabulary.class_ids)}
    lookup = np.array([index.get(v, -1) for v in classes.dictionary.to_pylist()] or [-1])
    corners = np.stack(
        [
            boxes.field(edge).to_numpy(zero_copy_only=False)
            for edge in ("x_min", "y_min", "x_max", "y_max")
        ],
        axis=1,
    )
    usable = ~np.logical_or.reduce(list(box_faults(corners).values()))
    for flag in excluded:
        usable &= ~boxes.field(flag).fill_null(False).to_numpy(zero_copy_only=False)
    codes = classes.indices.fill_null(0).to_numpy()
    return Boxes(offsets, lookup[codes], usable, corners)


_OF_NARRATIVE = ["dataset", "split", "image_id", "annotator_id", "byte_offset"]
"""Columns of `narratives` that its mentions have too."""


def _mentions_batch(
    narratives: pa.RecordBatch, found: Matches, vocabulary: Vocabulary, columns: dict
) -> pa.RecordBatch:
    rows = pa.array(found.rows)
    taken = narratives.select(_OF_NARRATIVE).take(rows)
    arrays = {
        "narrative_id": narrative_ids(taken),
        **dict(zip(taken.schema.names, taken.columns, strict=True)),
        **_class_columns(found.classes, vocabulary),
        "text": slice_texts(narratives["caption"], found.rows, found.starts, found.ends),
        **columns,
    }
    return pa.RecordBatch.from_arrays(
        [_cast(arrays[field.name], field.type) for field in schemas.FOUND_MENTIONS],
        schema=schemas.FOUND_MENTIONS,
    )


def _class_columns(classes: np.ndarray, vocabulary: Vocabulary) -> dict[str, pa.Array]:
    return {
        "class_id": _term(classes, vocabulary.class_ids),
        "name": _term(classes, vocabulary.names),
    }


def _term(codes: np.ndarray, values: Sequence[str | None]) -> pa.DictionaryArray:
    return pa.DictionaryArray.from_arrays(codes.astype(np.int32), pa.array(values, pa.string()))


def _cast(column: pa.Array, type_: pa.DataType) -> pa.Array:
    array = column if isinstance(column, pa.Array) else pa.array(column, from_pandas=True)
    return array if array.type == type_ else array.cast(type_)


def _measure_localization(
    narratives: pa.RecordBatch,
    found: Matches,
    vocabulary: Vocabulary,
    first: np.ndarray,
    end: np.ndarray,
    closest: ClosestBoxes,
    boxes: Boxes,
) -> tuple[pa.RecordBatch, pa.RecordBatch]:
    """Counts by dataset, split and class, and the histogram of their points."""
    pairs, pair_of_row = dataset_splits(narratives)
    groups, group = np.unique(
        pair_of_row[found.rows] * len(vocabulary.class_ids) + found.classes, return_inverse=True
    )
    boxed = closest.indices >= 0
    origin = unpack(narratives["trace"].field("x"))[0][found.rows[boxed]]
    box = boxes.offsets[found.rows[boxed]] + closest.indices[boxed]
    _, x, y, _ = points(narratives)
    histogram = point_histogram(
        group[boxed],
        len(groups),
        origin + first[boxed],
        origin + end[boxed],
        x,
        y,
        boxes.corners[box],
    )
    counts = {
        **_group_columns(groups, pairs, vocabulary),
        "mentions": np.bincount(group, minlength=len(groups)),
        "boxed": np.bincount(group[boxed], minlength=len(groups)),
        "without_trace": np.bincount(group[closest.has_box & ~boxed], minlength=len(groups)),
        "without_box_of_class": np.bincount(group[~closest.has_box], minlength=len(groups)),
        "points": _sums(group, np.where(boxed, end - first, 0), len(groups)),
        "points_inside": _sums(group, closest.inside, len(groups)),
        "overflow": histogram.overflow,
    }
    bins = [histogram.groups, histogram.bins_x, histogram.bins_y, histogram.points]
    return (
        pa.RecordBatch.from_pydict(counts, schema=schemas.LOCALIZATION),
        pa.RecordBatch.from_arrays([pa.array(column) for column in bins], schema=schemas.HISTOGRAM),
    )


def _sums(group: np.ndarray, values: np.ndarray, n_groups: int) -> np.ndarray:
    sums = np.zeros(n_groups, np.int64)
    np.add.at(sums, group, values)
    return sums


def _group_columns(
    groups: np.ndarray, pairs: list[tuple], vocabulary: Vocabulary
) -> dict[str, pa.Array]:
    pair, classes = np.divmod(groups, max(1, len(vocabulary.class_ids)))
    return {
        "dataset": pa.array([pairs[i][0] for i in pair], pa.string()).cast(TERM),
        "split": pa.array([pairs[i][1] for i in pair], pa.string()).cast(TERM),
        **_class_columns(classes, vocabulary),
    }


def _concatenate(batches: Sequence[pa.RecordBatch], schema: pa.Schema) -> pa.RecordBatch:
    if not batches:
        return empty_batch(schema)
    if len(batches) == 1:
        return batches[0]
    table = pa.Table.from_batches(batches, schema).unify_dictionaries().combine_chunks()
    return table.to_batches()[0] if table.num_rows else empty_batch(schema)
