"""JudgeLabels: machines' labels beside what people said of the same image and label."""

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from transforms.core.base.errors import CHANGED, ChangedError
from transforms.core.model.chunk import Chunk
from transforms.core.model.columns import term_codes
from transforms.core.sources.annotations.releases.said import (
    AFFIRMED,
    BY_MACHINE,
    DENIED,
    said_of,
)
from transforms.core.sources.index.buckets import TableIndex

CORRECT, WRONG, DISPUTED = "correct", "wrong", "disputed"
VERDICTS = (CORRECT, WRONG, DISPUTED)

SAME = "same"
"""Column of a chunk's labels: how many rows in all files say the same of the same label."""

_SAYINGS = 3


def judge_labels(chunk: Chunk, index: TableIndex) -> Chunk:
    """Gives labels their `verdict`, and `same`: how many equal ones all files hold.

    A machine's label is `correct` where people of the same release affirmed the label of that
    image, `wrong` where they denied it, `disputed` where they did both, and else null.

    Args:
      chunk: Of a release.
      index: Of all labels, by image (`said.SAID`).

    Raises:
      ChangedError: The index does not hold the chunk's labels.
    """
    if "labels" not in chunk:
        return chunk
    labels = chunk["labels"]
    images = labels["image_id"].dictionary_encode()
    offsets, known = index.lookup(images.dictionary)
    image_of_known = np.repeat(np.arange(len(offsets) - 1), np.diff(offsets))
    image_of_label = images.indices.to_numpy()
    codes = _Codes(known)
    of_known = codes.labels(known, image_of_known)
    of_labels = codes.labels(labels, image_of_label)
    said_before, said = known["said"].to_numpy(), said_of(labels)
    verdicts = _verdicts(of_known, said_before, of_labels, said)
    same = _count_same(
        codes.sayings(known, of_known, said_before), codes.sayings(labels, of_labels, said)
    )
    if not same.all():
        raise ChangedError(CHANGED.format("a file of labels"))
    return chunk.with_columns("labels", verdict=verdicts, same=same)


class _Codes:
    """Numbers for (image, release, class), and for these with split and what is said.

    Args:
      known: Rows of the index, whose terms are numbered.
    """

    def __init__(self, known: pa.RecordBatch) -> None:
        self._terms = {name: known[name].dictionary for name in ("release", "split", "class_id")}

    def labels(self, rows: pa.RecordBatch, images: np.ndarray) -> np.ndarray:
        """Of each row's image, release and class, shape `(n_rows,)` int64."""
        codes = images.astype(np.int64)
        for name in ("release", "class_id"):
            codes = codes * (len(self._terms[name]) + 2) + self._code(rows, name)
        return codes

    def sayings(self, rows: pa.RecordBatch, labels: np.ndarray, said: np.ndarray) -> np.ndarray:
        """Of each row's label, split and what it says, shape `(n_rows,)` int64."""
        codes = labels * (len(self._terms["split"]) + 2) + self._code(rows, "split")
        return codes * _SAYINGS + (said.astype(np.int64) + 1)

    def _code(self, rows: pa.RecordBatch, name: str) -> np.ndarray:
        """Positions among the index's terms; one more for null, and one for what is not there."""
        terms = self._terms[name]
        codes, values = term_codes(rows[name])
        places = pc.index_in(pa.array(values, pa.string()), value_set=terms)
        numbers = pc.fill_null(places, len(terms) + 1).to_numpy().astype(np.int64)
        numbers[-1] = len(terms)
        return numbers[codes]


def _verdicts(
    of_known: np.ndarray, said_before: np.ndarray, of_labels: np.ndarray, said: np.ndarray
) -> pa.DictionaryArray:
    affirmed = np.isin(of_labels, of_known[said_before == AFFIRMED])
    denied = np.isin(of_labels, of_known[said_before == DENIED])
    found = np.where(affirmed & denied, 2, np.where(affirmed, 0, 1)).astype(np.int32)
    missing = (said != BY_MACHINE) | ~(affirmed | denied)
    return pa.DictionaryArray.from_arrays(pa.array(found, mask=missing), pa.array(VERDICTS))


def _count_same(of_known: np.ndarray, of_labels: np.ndarray) -> np.ndarray:
    """How often each code of a label is among the known ones, shape `(n_labels,)` int64."""
    ordered = np.sort(of_known)
    first, end = (np.searchsorted(ordered, of_labels, side) for side in ("left", "right"))
    return end - first
