"""Annotations, class mentions and their boxes, for `with_libraries`."""

import dataclasses
import functools
import re
from collections.abc import Iterable, Sequence

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv

from benchmarks.baselines import common
from benchmarks.baselines.common import Annotations, Path
from benchmarks.baselines.libraries.with_libraries_words import Words, offsets_of

# Classes


class Classes:
    """Classes of all files, and where their names stand in captions; ids of digits are COCO's."""

    def __init__(self, ids: Sequence[str], names: Sequence[str]):
        self.ids = pa.array(ids, pa.string())
        self.names = pa.array(names, pa.string())
        self._spoken = {True: {}, False: {}}  # for COCO and for others: classes by spoken name
        for k, (class_id, name) in enumerate(zip(ids, names, strict=True)):
            spoken = " ".join(re.sub(r"\([^)]*\)", " ", name).lower().split())
            self._spoken[class_id.isdigit()].setdefault(spoken, k)
        self._begun = {coco: by_first_word(names) for coco, names in self._spoken.items()}
        self._candidates = functools.lru_cache(maxsize=1 << 16)(self._find_candidates)

    @classmethod
    def read(cls, paths: Sequence[Path]) -> "Classes":
        """Reads files of ids and names."""
        options = pa.csv.ReadOptions(column_names=["id", "name"])
        types = pa.csv.ConvertOptions(column_types={"id": pa.string(), "name": pa.string()})
        tables = [pa.csv.read_csv(path, options, convert_options=types) for path in paths]
        return cls(*(column.to_pylist() for column in pa.concat_tables(tables)))

    def find(self, captions: list[str], datasets: list[str], words: Words) -> list[tuple]:
        """Mentions, left to right: narrative, class, first character and one past the last."""
        rows, starts = words.rows.tolist(), words.char_start.tolist()
        coco = [dataset == "coco" for dataset in datasets]
        found, reached = [], (0, 0)
        for k, candidates in enumerate(map(self._candidates, words.texts)):
            for offset, first_word in candidates:
                row, at = rows[k], starts[k] + offset
                names = self._begun[coco[row]].get(first_word)
                if names is None or (row, at) < reached:
                    continue
                if match := pattern_of(names).match(captions[row], at):
                    of_class = self._spoken[coco[row]][names[match.lastindex - 1]]
                    found.append((row, of_class, at, match.end()))
                    reached = (row, match.end())
        return found

    def _find_candidates(self, token: str) -> list[tuple[int, str]]:
        """Where in a token a word stands that begins a name, and that word."""
        words = [(match.start(), match[0].lower()) for match in re.finditer(r"\w+", token)]
        return [(at, word) for at, word in words if any(word in n for n in self._begun.values())]


def by_first_word(names: Iterable[str]) -> dict[str, tuple[str, ...]]:
    """The names that begin with each word, longest first."""
    begun = {}
    for name in sorted(names, key=len, reverse=True):
        begun.setdefault(re.match(r"\w+", name)[0], []).append(name)
    return {word: tuple(own) for word, own in begun.items()}


@functools.cache
def pattern_of(names: tuple[str, ...]) -> re.Pattern:
    """Names in their order of preference, a group each."""
    parts = [r"\s+".join(map(re.escape, name.split())) for name in names]
    body = "|".join(f"({part})" for part in parts)
    return re.compile(rf"(?:{body})(?!\w)", re.IGNORECASE)


# Annotations

BOX_EDGES = {"x_min": "XMin", "x_max": "XMax", "y_min": "YMin", "y_max": "YMax"}


@dataclasses.dataclass
class Images:
    """What is known of n images; all columns have two rows more: for images that are not known,
    and for those that are not of Open Images.

    Attributes:
      rows: Row of each image id.
      columns: Columns `image`, `labels`, `boxes_status` and `boxes` of `narratives`.
      offsets: Shape `(n + 3,)`: boxes of each image.
      classes: Shape `(n_boxes,)`: the class of each box, -1 for one without a name.
      edges: x_min, x_max, y_min and y_max of the boxes, shape `(n_boxes,)` each.
    """

    rows: dict[str, int]
    columns: pa.Table
    offsets: np.ndarray
    classes: np.ndarray
    edges: dict[str, np.ndarray]

    @classmethod
    def read(cls, annotations: Annotations, classes: Classes) -> "Images":
        """Reads all files."""
        numbers = {"OriginalSize": pa.int64(), "Rotation": pa.float64()}
        columns = {name: numbers.get(name, pa.string()) for name in common.IMAGE_COLUMNS.values()}
        images = _read_csv(annotations.images, columns)
        labels = _read_csv(annotations.labels, _OF_CLASS | {"Confidence": pa.float64()})
        columns = _OF_CLASS | dict.fromkeys(BOX_EDGES.values(), pa.float64())
        columns |= dict.fromkeys(common.BOX_FLAGS.values(), pa.int8())
        boxes = _read_csv(annotations.boxes, columns)
        keys = [table["ImageID"] for table in (images, labels, boxes)]
        ids = pa.chunked_array([chunk for key in keys for chunk in key.chunks], pa.string())
        ids = ids.unique()
        box_offsets, boxes = _group_by_image(boxes, ids)
        label_offsets, labels = _group_by_image(labels, ids)
        image = _first_of_image(images, ids)
        listed = image.is_valid().to_numpy(zero_copy_only=False) & bool(annotations.boxes)
        status = np.where(np.diff(box_offsets) > 0, 0, np.where(listed, 1, 2))
        columns = {
            "image": image,
            "labels": pa.ListArray.from_arrays(
                label_offsets,
                _to_struct(labels, common.LABEL, {"confidence": "Confidence"}, classes),
                mask=pa.array(np.full(len(ids) + 1, not annotations.labels)),
            ),
            "boxes_status": pa.array(["boxed", "none", "unknown"]).take(status),
            "boxes": pa.ListArray.from_arrays(
                box_offsets,
                _to_struct(boxes, common.BOX, BOX_EDGES | common.BOX_FLAGS, classes),
                mask=pa.array(status == 2),
            ),
        }
        known = pa.table(columns)
        schema = known.schema
        nothing = dict.fromkeys(schema.names) | {"boxes_status": "unknown"}
        return cls(
            rows={image_id: row for row, image_id in enumerate(ids.to_pylist())},
            columns=pa.concat_tables([known, pa.Table.from_pylist([nothing], schema)]),
            offsets=np.append(box_offsets, box_offsets[-1]),
            classes=pc.index_in(boxes["LabelName"], classes.ids).fill_null(-1).to_numpy(),
            edges={edge: boxes[name].to_numpy() for edge, name in BOX_EDGES.items()},
        )

    def rows_of(self, narratives: pa.Table) -> np.ndarray:
        """The row of each narrative's image."""
        found = self._by_id(narratives)
        return np.where(_of_others(narratives), len(self.rows) + 1, found)

    def left_out(self, narratives: pa.Table) -> np.ndarray:
        """Narratives whose image has the id of one of Open Images and is not one of them."""
        return np.flatnonzero(_of_others(narratives) & (self._by_id(narratives) < len(self.rows)))

    def _by_id(self, narratives: pa.Table) -> np.ndarray:
        image_ids = narratives["image_id"].to_pylist()
        return np.array([self.rows.get(image_id, len(self.rows)) for image_id in image_ids])


def _of_others(narratives: pa.Table) -> np.ndarray:
    datasets = narratives["dataset"].to_pylist()
    return np.array([dataset in common.OTHER_DATASETS for dataset in datasets], bool)


_OF_CLASS = {"LabelName": pa.string(), "Source": pa.string()}


def _read_csv(paths: Sequence[Path], columns: dict[str, pa.DataType]) -> pa.Table:
    """These columns and the image id of CSV files; null where a file does not have a column."""
    schema = pa.schema([("ImageID", pa.string()), *columns.items()])
    options = pa.csv.ConvertOptions(
        include_columns=schema.names,
        include_missing_columns=True,
        column_types=schema,
        null_values=[""],
        strings_can_be_null=True,
    )
    parsing = pa.csv.ParseOptions(newlines_in_values="Title" in columns)
    tables = [
        pa.csv.read_csv(path, parse_options=parsing, convert_options=options) for path in paths
    ]
    return pa.concat_tables([schema.empty_table(), *tables])


def _group_by_image(table: pa.Table, ids: pa.Array) -> tuple[np.ndarray, pa.Table]:
    """Rows in the order of their images, and where those of each image lie."""
    image = pc.index_in(table["ImageID"], ids).to_numpy()
    counts = np.bincount(image, minlength=len(ids) + 1)
    return offsets_of(counts).astype(np.int32), table.take(np.argsort(image, kind="stable"))


def _first_of_image(table: pa.Table, ids: pa.Array) -> pa.StructArray:
    """The first row of each image as `image`."""
    columns = [table[name].combine_chunks() for name in common.IMAGE_COLUMNS.values()]
    rows = pa.StructArray.from_arrays(columns, fields=list(common.IMAGE))
    return rows.take(pc.index_in(pa.array([*ids.to_pylist(), None], pa.string()), table["ImageID"]))


def _to_struct(
    table: pa.Table, struct: pa.StructType, names: dict[str, str], classes: Classes
) -> pa.StructArray:
    """Rows as `struct`, with the names of their classes."""
    names = {"class_id": "LabelName", "source": "Source"} | names
    columns = []
    for field in struct:
        if field.name == "name":
            column = classes.names.take(pc.index_in(table["LabelName"], classes.ids))
        else:
            column = table[names[field.name]]
        if pa.types.is_boolean(field.type):  # 1, 0 and -1, which is unknown
            column = pc.if_else(pc.less(column, 0), None, pc.equal(column, 1))
        columns.append(pa.chunked_array(column).combine_chunks())
    return pa.StructArray.from_arrays(columns, fields=list(struct))
