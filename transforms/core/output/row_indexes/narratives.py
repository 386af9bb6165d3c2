"""Where narratives are: by image, by class and by word."""

from collections.abc import Mapping

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from transforms.core.model.columns import (
    COMPUTED,
    RUN,
    column,
    list_array,
    list_of,
    numbers,
    term,
    unpack,
)
from transforms.core.model.narratives.schemas import ANNOTATOR_ID, IMAGE_ID, SPLIT_COLUMNS
from transforms.core.output.row_indexes.row_index import RowIndex

_FILE = term("file", "the file of `narratives`, below the version's folder; that of `mentions` "
             "has the same number", source=RUN, required=True)  # fmt: skip

_ROWS = column("rows", list_of(pa.int32()), "its rows in that file that have it, from 0, ascending",
               source=RUN, required=True)  # fmt: skip

IMAGE_INDEX = pa.schema(
    [
        IMAGE_ID,
        *SPLIT_COLUMNS,
        ANNOTATOR_ID,
        _FILE,
        column("row", pa.int32(), "its row there, from 0", source=RUN, required=True),
        column("first_mention", pa.int32(), "the first row of its mentions in the file of "
               "`mentions`; null where there are none", source=RUN),
        column("mentions", pa.int32(), "how many there are, one behind the other", "mentions", RUN,
               required=True),
    ],
    {"sorted_by": "image_id"},
)  # fmt: skip

CLASS_INDEX = pa.schema(
    [
        term("name", "the class's name", source=COMPUTED),
        term("class_id", "the class that is mentioned", source=COMPUTED, required=True),
        _FILE,
        _ROWS,
    ],
    {"sorted_by": "name,class_id"},
)

WORD_INDEX = pa.schema(
    [
        term("word", "`normalized` of words of captions", source=COMPUTED, required=True),
        _FILE,
        _ROWS,
    ],
    {"sorted_by": "word"},
)


def find_images(rows: Mapping[str, pa.RecordBatch]) -> pa.RecordBatch:
    """`IMAGE_INDEX` of a unit, a row a narrative."""
    narratives = rows["narratives"]
    n = len(narratives)
    owners = _owners(narratives, rows["mentions"])
    first = np.full(n, -1, np.int32)
    first[owners[::-1]] = np.arange(len(owners), dtype=np.int32)[::-1]
    columns = {
        "image_id": narratives["image_id"],
        "dataset": narratives["dataset"].cast(pa.string()),
        "split": narratives["split"].cast(pa.string()),
        "annotator_id": narratives["annotator_id"],
        "row": pa.array(np.arange(n, dtype=np.int32)),
        "first_mention": pa.array(first, mask=first < 0),
        "mentions": pa.array(np.bincount(owners, minlength=n).astype(np.int32)),
    }
    return pa.RecordBatch.from_pydict(columns)


def _owners(narratives: pa.RecordBatch, mentions: pa.RecordBatch) -> np.ndarray:
    """The row of each mention's narrative, shape `(n_mentions,)`."""
    offsets = numbers(narratives["byte_offset"])
    order = np.argsort(offsets)
    return order[np.searchsorted(offsets, numbers(mentions["byte_offset"]), sorter=order)]


def find_classes(rows: Mapping[str, pa.RecordBatch]) -> pa.RecordBatch:
    """`CLASS_INDEX` of a unit, a row a class that it mentions."""
    mentions = rows["mentions"]
    classes = mentions["class_id"]
    codes = numbers(classes.indices)
    found, lists = _lists(codes, _owners(rows["narratives"], mentions))
    _, first = np.unique(codes, return_index=True)
    columns = {
        "name": mentions["name"].take(pa.array(first)).cast(pa.string()),
        "class_id": classes.dictionary.take(pa.array(found)),
        "rows": lists,
    }
    return pa.RecordBatch.from_pydict(columns)


def find_words(rows: Mapping[str, pa.RecordBatch]) -> pa.RecordBatch:
    """`WORD_INDEX` of a unit, a row a word of its captions."""
    words = rows["narratives"]["words"]
    offsets, values = unpack(words.fill_null([]) if words.null_count else words)
    normalized = values.field("normalized")
    owners = np.repeat(np.arange(len(words)), np.diff(offsets))
    is_word = pc.fill_null(pc.not_equal(normalized, ""), False)
    encoded = normalized.filter(is_word).dictionary_encode()
    found, lists = _lists(numbers(encoded.indices), owners[numbers(is_word)])
    columns = {"word": encoded.dictionary.take(pa.array(found)), "rows": lists}
    return pa.RecordBatch.from_pydict(columns)


def _lists(codes: np.ndarray, rows: np.ndarray) -> tuple[np.ndarray, pa.ListArray]:
    """The distinct codes, ascending, and of each the distinct rows that have it, ascending."""
    pairs = np.unique((codes.astype(np.int64) << 32) | rows)
    found, first = np.unique(pairs >> 32, return_index=True)
    values = pa.array((pairs & 0xFFFFFFFF).astype(np.int32))
    return found, list_array(np.append(first, len(pairs)), values)


NARRATIVE_INDEXES = {
    "image_index": RowIndex(
        "narratives", IMAGE_INDEX, "a narrative: its file and row, by image", find_images
    ),
    "class_index": RowIndex(
        "narratives", CLASS_INDEX, "a class in a file: the narratives that mention it", find_classes
    ),
    "word_index": RowIndex(
        "narratives", WORD_INDEX, "a word in a file: the narratives that have it", find_words
    ),
}
"""Narratives that are kept, by image, class and word."""
