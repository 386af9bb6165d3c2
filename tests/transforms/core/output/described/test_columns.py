"""What is declared of columns: complete, in one order, and the same in docs/tables.md."""

import re

import pyarrow as pa
import pytest

from tests import columns
from transforms.core.model.columns import CORNERS, describe_columns

TABLES = [(job, table) for job in columns.JOBS for table in columns.JOBS[job].all_tables]
IDS = {"narrative_id", "image_id", "annotator_id", "class_id", "class_id_1", "class_id_2",
       "attribute_id"}  # fmt: skip
OPTIONAL = {("open-images", "masks", "box_id"), ("captions", "captions", "caption_id")}
"""Ids that not every row has."""


def columns_of(job, table):
    return describe_columns(columns.JOBS[job].all_tables[table])


@pytest.mark.parametrize(("job", "table"), TABLES)
def test_every_column_has_description_and_source(job, table):
    for column in columns_of(job, table):
        assert column.description and column.source, column.path
        assert not column.description.endswith(".") and "|" not in column.description


@pytest.mark.parametrize(("job", "table"), TABLES)
def test_numbers_that_are_measured_have_a_unit(job, table):
    measured = re.compile(r"(_min|_max|_time|_seconds|bytes|_size|_offset|points|_distance)$")
    for column in columns_of(job, table):
        if measured.search(column.path):
            assert column.unit, column.path


@pytest.mark.parametrize(("job", "table"), TABLES)
def test_ids_are_required(job, table):
    for column in columns_of(job, table):
        if column.path in IDS or (column.path.endswith("_id") and "." not in column.path):
            optional = (job, table, column.path) in OPTIONAL or column.path == "dataset_id"
            assert column.field.nullable == optional, column.path


@pytest.mark.parametrize(("job", "table"), TABLES)
def test_boxes_have_one_order(job, table):
    names = [column.path for column in columns_of(job, table)]
    forms = {name.replace("x_min", "{}") for name in names if "x_min" in name}
    for form in forms:
        first = names.index(form.format("x_min"))
        assert names[first : first + 4] == [form.format(corner) for corner in CORNERS]


def test_the_page_on_tables_has_every_column_of_every_table():
    page = columns.PAGE.read_text(encoding="utf-8")
    assert columns.render(page) == page, "run `python -m tests.columns`"
    shared = {(job, "rejected") for job in columns.JOBS} - {("build", "rejected")}
    assert sorted(columns.tables_of(page)) == sorted(set(TABLES) - shared)
    for table in ("narratives", "mentions"):
        for field in columns.JOBS["build"].tables[table]:
            assert f"| `{field.name}` |" in page


def test_an_outsiders_columns_need_no_description():
    (found,) = describe_columns(pa.schema([("n", pa.int8())]))
    assert (found.description, found.unit, found.source) == ("", "", "")
