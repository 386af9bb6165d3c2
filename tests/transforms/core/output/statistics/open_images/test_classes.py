"""Every class that a list or a row names is there once, with the names that lists give."""

import pyarrow as pa

from transforms.core.model.chunk import Chunk
from transforms.core.output.statistics.open_images.classes import Classes
from transforms.core.sources.annotations.releases.schemas import TABLES


def chunk(**tables):
    batches = {
        name: pa.RecordBatch.from_pylist(rows, schema=TABLES[name]) for name, rows in tables.items()
    }
    return Chunk(batches, 0, 0, 0, 0)


def entries(which, release="v3", **names):
    return [{"release": release, "list": which, "class_id": key, "name": name or None}
            for key, name in names.items()]  # fmt: skip


CHUNKS = [
    chunk(class_entries=entries("descriptions", a="Apple", b="Bat (Animal)")),
    chunk(class_entries=entries("boxable_descriptions", a="apple", c="Car")),
    chunk(class_entries=entries("trainable", a="", d="")),
    chunk(class_entries=entries("attributes", "v6", t="Transparent")),
    chunk(class_entries=entries("relationships", "v6", at="at")),
    chunk(labels=[{"release": "v3", "class_id": "a"}, {"release": "v3", "class_id": "unnamed"}]),
    chunk(relationships=[{"release": "v6", "class_id_1": "x", "class_id_2": "t"}]),
]
EXPECTED = [
    ("v3", "a", "Apple", True, True, None, 1),
    ("v3", "b", "Bat (Animal)", False, False, None, 0),
    ("v3", "c", "Car", False, True, None, 0),
    ("v3", "d", None, True, False, None, 0),
    ("v3", "unnamed", None, False, False, None, 1),
    ("v6", "t", "Transparent", None, None, True, 1),
    ("v6", "x", None, None, None, False, 1),
]


def rows_of(classes):
    return [tuple(row.values()) for row in classes.to_tables()["classes"].to_pylist()]


def test_classes_are_complete_in_any_order_of_merging():
    added, merged = Classes(), Classes()
    for part in CHUNKS:
        added.add(part)
    for part in reversed(CHUNKS):
        one = Classes()
        one.add(part)
        merged.merge(Classes.unpack(one.pack()))
    assert rows_of(added) == rows_of(merged) == EXPECTED
