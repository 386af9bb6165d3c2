"""The version's dataset card: what it says of its narratives."""

import pyarrow as pa
import pytest

from transforms.core.model.manifest_entries import TableFile
from transforms.core.report.card import render_card

REAL, MADE = ("coco", "train"), ("generated", "train")


def card(*splits, trace_points=7):
    known = {"captions": 2, "images": 1, "trace_points_sum": trace_points}
    rows = [{"dataset": dataset, "split": split, **known} for dataset, split in splits]
    text = pa.string()
    schema = pa.schema({"dataset": text, "split": text, **dict.fromkeys(known, pa.int64())})
    entry = TableFile(
        table="narratives", path="narratives/a.parquet", rows=2 * len(rows), bytes=1, crc32c=2
    )
    return render_card("abc", [entry], pa.Table.from_pylist(rows, schema), {MADE})


@pytest.mark.parametrize(
    ("splits", "contents"),
    [
        ([REAL], "Spoken image descriptions with synchronised mouse traces, grounded,"),
        ([MADE], "Generated image descriptions with traces, which nobody spoke, grounded,"),
        ([REAL, MADE], "with synchronised mouse traces, beside generated ones, grounded,"),
    ],
)
def test_it_says_whether_the_narratives_were_spoken(splits, contents):
    text = card(*splits)
    assert contents in text
    assert ("not spoken by people" in text) == (MADE in splits)
    assert ("Spoken image" in text) == (REAL in splits)


def test_captions_without_traces_are_not_called_narratives():
    text = card(REAL, trace_points=0)
    assert "Image descriptions without traces, grounded," in text and "Spoken" not in text


def test_a_version_without_narratives_says_so():
    text = card()
    assert "No narrative was kept." in text and "| dataset |" not in text
    assert "Spoken image" in text and "config_name: narratives" not in text
