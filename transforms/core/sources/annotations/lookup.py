"""The annotation index as a run uses it: a chunk's image rows, labels and boxes in one join."""

import dataclasses
import hashlib
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence

import msgspec
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from transforms.core.model.columns import TERM, list_of
from transforms.core.model.narratives import schemas
from transforms.core.sources.annotations import contents
from transforms.core.sources.annotations.classes import (
    ClassName,
    default_classes,
    descendants,
    vocabulary_of,
)
from transforms.core.sources.index.buckets import TableIndex, compact_terms
from transforms.core.sources.index.manifest import Source, read_manifest

KIND = "annotations"
_STATUS = pa.array(["boxed", "none", "unknown"])
_BOXED, _NONE, _UNKNOWN = range(3)
_OPEN_IMAGES = contents.VOCABULARIES.index(contents.OPEN_IMAGES)

_VOCABULARY_COLUMNS: Mapping[str, tuple[str, Callable[[str], str]]] = {
    "images": ("vocabulary", str),
    "labels": ("class_id", vocabulary_of),
    "boxes": ("class_id", vocabulary_of),
}
"""Of each table by image, the column of terms that tells a row's vocabulary, and how."""


@dataclasses.dataclass(frozen=True)
class Joined:
    """What is known about n images.

    Attributes:
      columns: Columns of n rows, typed as in `schemas.NARRATIVES`: `image`, null for an image in
        no image list (the first row counts where it is listed twice); `labels`, null where nobody
        has any (the index has none at all, or the image is not one of Open Images');
        `boxes_status`; `boxes` in the order of their files, null where the status is `unknown`.
      others: Shape `(n,)` bool: whether annotations of another vocabulary's image with this id
        were left out.
    """

    columns: dict[str, pa.Array]
    others: np.ndarray


class AnnotationIndex:
    """What is known about images.

    Attributes:
      classes: The classes whose names are mentioned, in the order of their files; the published
        ones of a vocabulary (`default_classes`) where no file gave any.
      hierarchy: Of each class with subclasses, all classes below it; empty if none was given.
      fingerprint: Hash of the content: equal for equal annotations.
    """

    def __init__(
        self,
        indexes: Mapping[str, TableIndex],
        classes: Sequence[ClassName],
        hierarchy: Mapping[str, frozenset[str]],
        covered: Collection[str],
        fingerprint: str,
    ) -> None:
        self.classes = (*classes, *_missing_defaults(classes))
        self.hierarchy = hierarchy
        self.fingerprint = fingerprint
        self._indexes = indexes
        self._vocabularies = {
            name: _vocabulary_codes(index.manifest.terms[column], vocabulary)
            for name, index in indexes.items()
            for column, vocabulary in [_VOCABULARY_COLUMNS.get(name, ("", str))]
            if column
        }
        self._covered = pa.array(sorted(covered), pa.string())
        names = {item.class_id: item.name for item in reversed(self.classes)}
        self._class_ids = pa.array(list(names), pa.string())
        self._class_names = pa.array(list(names.values()), pa.string())

    @classmethod
    def open(cls, folder: str) -> "AnnotationIndex":
        """Opens an index on this machine; files are mapped when their rows are asked for.

        Raises:
          UsageError: There is no complete index of annotations in the folder.
        """
        manifest = read_manifest(folder, (KIND,))
        indexes = {
            name: TableIndex(folder, table, contents.TABLES[name])
            for name, table in manifest.tables.items()
            if name in contents.TABLES
        }
        return cls(
            indexes,
            _read_classes(indexes),
            _read_hierarchy(indexes),
            _whose_boxes(manifest.sources),
            manifest.fingerprint,
        )

    @classmethod
    def nothing(cls) -> "AnnotationIndex":
        """The index of a run without annotations: the published classes and nothing else."""
        empty = cls({}, [], {}, (), "")
        text = msgspec.json.encode([dataclasses.astuple(item) for item in empty.classes])
        empty.fingerprint = hashlib.sha256(text).hexdigest()
        return empty

    def classes_of(self, vocabulary: str) -> list[ClassName]:
        """The classes of `open_images` or of `coco`."""
        return [item for item in self.classes if item.vocabulary == vocabulary]

    def join(self, image_ids: pa.StringArray, about: np.ndarray) -> Joined:
        """What is known about each image.

        Args:
          image_ids: Shape `(n,)`: 16 hexadecimal digits (Open Images) or a decimal (COCO).
          about: Shape `(n,)`: whose image it is, as its position in `contents.VOCABULARIES`; -1 for
            one of neither. Annotations of another vocabulary are left out: they are about another
            image with the same id.
        """
        image, vocabulary, other_images = self._images(image_ids, about)
        offsets, boxes, other_boxes = self._rows("boxes", image_ids, about)
        label_offsets, labels, other_labels = self._rows("labels", image_ids, about)
        status = self._status(np.diff(offsets), vocabulary)
        no_labels = (about != _OPEN_IMAGES) | ("labels" not in self._indexes)
        columns = {
            "image": image,
            "labels": _list_array(label_offsets, self._named(labels, schemas.LABEL), no_labels),
            "boxes_status": compact_terms(
                pa.DictionaryArray.from_arrays(pa.array(status, pa.int32()), _STATUS)
            ),
            "boxes": _list_array(offsets, self._named(boxes, schemas.BOX), status == _UNKNOWN),
        }
        return Joined(columns, other_images | other_boxes | other_labels)

    def _rows(
        self, table: str, keys: pa.StringArray, about: np.ndarray
    ) -> tuple[np.ndarray, pa.RecordBatch, np.ndarray]:
        """Offsets and rows of each key, and for which keys rows were left out."""
        if table not in self._indexes:
            nothing = pa.RecordBatch.from_pylist([], schema=contents.TABLES[table])
            return np.zeros(len(keys) + 1, np.int64), nothing, np.zeros(len(keys), bool)
        offsets, rows = self._indexes[table].lookup(keys)
        agrees = self._row_vocabularies(table, rows) == np.repeat(about, np.diff(offsets))
        if agrees.all():
            return offsets, rows, np.zeros(len(keys), bool)
        kept = np.concatenate([[0], np.cumsum(agrees)])[offsets]
        return kept, rows.filter(pa.array(agrees)), np.diff(kept) < np.diff(offsets)

    def _images(
        self, keys: pa.StringArray, about: np.ndarray
    ) -> tuple[pa.StructArray, pa.DictionaryArray, np.ndarray]:
        """Image and vocabulary of each key, and which of them were left out."""
        if "images" not in self._indexes:
            nothing = pa.nulls(len(keys), schemas.IMAGE), pa.nulls(len(keys), TERM)
            return *nothing, np.zeros(len(keys), bool)
        rows = self._indexes["images"].first(keys)
        found = self._row_vocabularies("images", rows)
        other = (found >= 0) & (found != about)
        vocabulary = rows["vocabulary"]
        if other.any():
            vocabulary = pc.if_else(pa.array(other), pa.scalar(None, vocabulary.type), vocabulary)
        columns = [_compacted(rows[field.name]) for field in schemas.IMAGE]
        image = pa.StructArray.from_arrays(
            columns, fields=list(schemas.IMAGE), mask=pc.is_null(vocabulary)
        )
        return image, vocabulary, other

    def _row_vocabularies(self, table: str, rows: pa.RecordBatch) -> np.ndarray:
        """Position in `contents.VOCABULARIES` of each row's, -1 for null; shape `(n_rows,)`."""
        column, _ = _VOCABULARY_COLUMNS[table]
        codes = rows[column].indices.fill_null(-1)  # the last one
        return self._vocabularies[table][codes.to_numpy(zero_copy_only=False)]

    def _status(self, counts: np.ndarray, vocabulary: pa.DictionaryArray) -> np.ndarray:
        """Position in `_STATUS` of each image, shape `(n,)`."""
        listed = pc.is_in(vocabulary.cast(pa.string()), value_set=self._covered)
        listed = listed.to_numpy(zero_copy_only=False)
        return np.where(counts > 0, _BOXED, np.where(listed, _NONE, _UNKNOWN))

    def _named(self, rows: pa.RecordBatch, struct: pa.StructType) -> pa.StructArray:
        """Rows as a struct, the name of each class beside its id."""
        class_id = compact_terms(rows["class_id"])
        found = pc.index_in(class_id.dictionary, value_set=self._class_ids)
        names = self._class_names.take(found).dictionary_encode()
        name = pa.DictionaryArray.from_arrays(
            names.indices.take(class_id.indices), names.dictionary
        )
        known = {"class_id": class_id, "name": name}
        columns = [
            known[field.name] if field.name in known else _compacted(rows[field.name])
            for field in struct
        ]
        return pa.StructArray.from_arrays(columns, fields=list(struct))


def _whose_boxes(sources: Iterable[Source]) -> set[str]:
    """Whose images the boxes are about: COCO's say nothing about others' images."""
    covered = (contents.COVERS.get(source.role) for source in sources)
    return {whose for whose, table in filter(None, covered) if table == "boxes"}


def open_index(folder: str | None) -> AnnotationIndex:
    """The index in a folder, or with None that of a run without annotations."""
    return AnnotationIndex.nothing() if folder is None else AnnotationIndex.open(folder)


def _missing_defaults(classes: Sequence[ClassName]) -> list[ClassName]:
    given = {item.vocabulary for item in classes}
    missing = [name for name in contents.VOCABULARIES if name not in given]
    return [item for vocabulary in missing for item in default_classes(vocabulary)]


def _read_classes(indexes: Mapping[str, TableIndex]) -> list[ClassName]:
    """Each class once, by the first of its rows, ordered by its place in the files."""
    if "classes" not in indexes:
        return []
    keys, rows = indexes["classes"].all_rows()
    first: dict[str, tuple[int, ClassName]] = {}
    for key, row in zip(keys, rows.to_pylist(), strict=True):
        item = ClassName(key, row["name"], row["vocabulary"])
        first.setdefault(key, (row["position"], item))
    return [item for _, item in sorted(first.values(), key=lambda found: found[0])]


def _read_hierarchy(indexes: Mapping[str, TableIndex]) -> Mapping[str, frozenset[str]]:
    if "hierarchy" not in indexes:
        return {}
    keys, rows = indexes["hierarchy"].all_rows()
    return descendants(zip(keys, rows["child"].to_pylist(), strict=True))


def _vocabulary_codes(terms: Sequence[str], vocabulary: Callable[[str], str]) -> np.ndarray:
    """Position in `contents.VOCABULARIES` of what each term is of, and -1 after them for null."""
    return np.array([*(contents.VOCABULARIES.index(vocabulary(term)) for term in terms), -1])


def _compacted(column: pa.Array) -> pa.Array:
    return compact_terms(column) if column.type == TERM else column


def _list_array(offsets: np.ndarray, values: pa.StructArray, missing: np.ndarray) -> pa.ListArray:
    return pa.ListArray.from_arrays(
        pa.array(offsets, pa.int32()),
        values,
        type=list_of(values.type),
        mask=pa.array(missing),
    )


def is_verified_negative(labels: pa.StructArray) -> np.ndarray:
    """Which labels a person denied: human ones of confidence 0, shape `(n_labels,)` bool.

    A machine's label of confidence 0 says nothing; an image without the label was not asked
    about.

    Args:
      labels: Flat values of a `labels` column (`schemas.LABEL`).
    """
    human = pc.not_equal(labels.field("source").cast(pa.string()), "machine")
    denied = pc.and_(pc.equal(labels.field("confidence"), 0.0), human)
    return pc.fill_null(denied, False).to_numpy(zero_copy_only=False)
