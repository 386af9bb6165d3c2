"""Open Images CSV files of every release against the csv module."""

import functools
import gzip
import io
import pathlib

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.reference import annotations as reference
from transforms.core.base.errors import UsageError
from transforms.core.sources.annotations import open_images
from transforms.core.sources.annotations.open_images import BOXES, IMAGES, LABELS

ROOT = pathlib.Path(__file__).parents[5]
HERE = ROOT / "tests/data/open_images"
SHARED = ROOT.parent / "shared/data/open_images"
PATTERNS = {
    "boxes": ("v3/*/annotations-human-bbox.csv", "v6/*-annotations-bbox.csv"),
    "labels": (
        "v3/*/annotations-human.csv",
        "v3/*/annotations-machine.csv",
        "v6/*-imagelabels-boxable.csv",
    ),
    "images": ("v3/*/images.csv", "v6/*-images-*.csv"),
}
FILES = [
    pytest.param(table, path, id=str(path.relative_to(ROOT.parent)))
    for table, patterns in PATTERNS.items()
    for folder in (HERE, SHARED)
    for pattern in patterns
    for path in sorted(folder.glob(pattern))
]
ROW_OF = {
    "boxes": lambda row: reference.box_of(row, {}),
    "labels": lambda row: reference.label_of(row, {}),
    "images": reference.image_of,
}


def opened(data, name="file.csv", kind=BOXES):
    return open_images.read_header(name, kind, lambda: io.BytesIO(data))


def expected_rows(table, path):
    rows = list(reference.read_rows(path))
    return [{"key": row["ImageID"], **ROW_OF[table](row)} for row in rows]


def plain(batches):
    rows = [row for batch in batches for row in batch.to_pylist()]
    return [{k: v for k, v in row.items() if k != "vocabulary"} for row in rows]


def without_name(rows):
    return [{k: v for k, v in row.items() if k != "name"} for row in rows]


def test_the_files_in_the_repository_are_tested():
    found = [param.values for param in FILES if HERE in param.values[1].parents]
    assert len(found) == 11


@pytest.mark.parametrize(("table", "path"), FILES)
def test_streams_equal_the_csv_module(table, path):
    kind = getattr(open_images, table.upper())
    source = open_images.read_header(str(path), kind, functools.partial(path.open, "rb"))
    found = plain(open_images.read_stream(source))
    assert found == without_name(expected_rows(table, path))
    assert len(found) > 1


@pytest.mark.parametrize(("table", "path"), [p for p in FILES if p.values[0] != "images"])
@pytest.mark.parametrize("block_bytes", [997, 10_000, 1 << 20])
def test_blocks_equal_the_csv_module(table, path, block_bytes):
    kind = getattr(open_images, table.upper())
    source = open_images.read_header(str(path), kind, functools.partial(path.open, "rb"))
    size = path.stat().st_size
    blocks = [
        open_images.read_block(source, start, min(start + block_bytes, size))
        for start in range(0, size, block_bytes)
    ]
    assert plain(blocks) == without_name(expected_rows(table, path))


BOX_HEADER = b"ImageID,Source,LabelName,Confidence,XMin,XMax,YMin,YMax"
FLAGS = b",IsOccluded,IsTruncated,IsGroupOf,IsDepiction,IsInside"


@settings(max_examples=100)
@given(st.lists(st.integers(0, 10**6), max_size=30), st.integers(1, 80), st.booleans())
def test_every_line_is_in_exactly_one_block(numbers, block_bytes, ends_with_newline):
    lines = [BOX_HEADER, *(f"{n:x},s,/m/{n},1,0,1,0,{n}".encode() for n in numbers)]
    data = b"\n".join(lines) + (b"\n" if ends_with_newline else b"")
    source = opened(data)
    blocks = [
        open_images.read_block(source, start, min(start + block_bytes, len(data)))
        for start in range(0, len(data), block_bytes)
    ]
    assert [row["y_max"] for row in plain(blocks)] == numbers


def test_flags_below_zero_and_missing_are_unknown():
    source = opened(BOX_HEADER + FLAGS + b"\na,s,/m/1,1,0,1,0,1,-1,0,1,-1,\n")
    (row,) = plain([open_images.read_block(source, 0, 1 << 20)])
    assert [row[flag] for flag in reference.FLAG_COLUMNS] == [None, False, True, None, None]


def test_boxes_of_no_area_are_kept():
    source = opened(BOX_HEADER + b"\r\na,s,/m/1,1,0.5,0.5,0,1\r\n")
    assert plain(open_images.read_stream(source))[0]["x_max"] == 0.5


def test_images_of_2016_have_eight_columns_and_labels_fractions():
    header = b"ImageID,Subset,OriginalURL,OriginalLandingURL,License,AuthorProfileURL,Author,Title"
    data = header + b'\na,train,u,l,c,p,"O\'Neil, ""Jo""","two\nlines"\nb,train,u,,,,NA,\n'
    first, second = plain(open_images.read_stream(opened(data, kind=IMAGES)))
    assert (first["author"], first["title"]) == ('O\'Neil, "Jo"', "two\nlines")
    assert (first["original_size"], first["rotation"]) == (None, None)
    assert (second["author"], second["title"], second["licence"]) == ("NA", None, None)
    labels = opened(b"ImageID,Source,LabelName,Confidence\na,machine,/m/1,0.8\n", kind=LABELS)
    assert plain(open_images.read_stream(labels))[0]["confidence"] == 0.8


def test_rotation_is_read_where_it_is():
    path = HERE / "v6/train-images-boxable-with-rotation.csv"
    source = open_images.read_header("v6", IMAGES, functools.partial(path.open, "rb"))
    assert [row["rotation"] for row in plain(open_images.read_stream(source))] == [0.0, 0.0]


def test_byte_order_mark_and_spaces_in_the_header():
    source = opened(b"\xef\xbb\xbfImageID, Source,LabelName,Confidence \na,s,/m/1,1\n", kind=LABELS)
    assert plain(open_images.read_stream(source))[0]["key"] == "a"


def test_a_file_of_a_header_alone_has_no_rows():
    for data in (BOX_HEADER, BOX_HEADER + b"\n"):
        assert list(open_images.read_stream(opened(data))) == []
        assert len(open_images.read_block(opened(data), 0, len(data))) == 0


def test_compressed_files_are_streams():
    data = gzip.compress(BOX_HEADER + b"\na,s,/m/1,1,0,1,0,1\n")
    source = open_images.read_header("x.csv.gz", BOXES, lambda: gzip.open(io.BytesIO(data)))
    assert len(plain(open_images.read_stream(source))) == 1


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (b"ImageID,LabelName\n", "no Source, XMin, XMax, YMin, YMax; expected ImageID,Source"),
        (b"", "its first line '' is not the header of a file of boxes"),
        (b"\x89PNG\r\n\x1a\n", "is not the header of a file of boxes"),
        (b"{" * 70_000, "is not the header of a file of boxes"),
    ],
)
def test_a_header_of_something_else(data, said):
    with pytest.raises(UsageError, match="^here.csv: ") as error:
        opened(data, "here.csv")
    assert said in str(error.value)
    assert len(str(error.value)) < 400


GOOD = b"a,s,/m/1,1,0,1,0,1\n"
BAD_ROWS = [
    (b"a,s,/m/1,1,0,x,0,1\n", "column XMax: 'x' is not a number"),
    (b"a,s,/m/1,1,0,nan,0,1\n", "column XMax: 'nan' is not a number"),
    (b"a,s,/m/1,1,0,,0,1\n", "column XMax: no value"),
    (b",s,/m/1,1,0,1,0,1\n", "column ImageID: no value"),
    (b"a,s,,1,0,1,0,1\n", "column LabelName: no value"),
    (b"a,s,/m/1,1,0,1,0\n", "7 values for 8 columns"),
    (b"a,s,/m/1,1,0,1,0,1,1\n", "9 values for 8 columns"),
    (b"\xff,s,/m/1,1,0,1,0,1\n", "column ImageID: not UTF-8"),
    (b"k" * 256 + b",s,/m/1,1,0,1,0,1\n", "column ImageID: longer than 255 bytes"),
]


@pytest.mark.parametrize(("row", "said"), BAD_ROWS)
def test_a_bad_row_is_named_by_line_and_column(row, said):
    data = BOX_HEADER + b"\n" + 3 * GOOD + row + GOOD
    source = opened(data, "boxes.csv")
    readings = [
        lambda: list(open_images.read_stream(source)),
        lambda: open_images.read_block(source, 0, len(data)),
        lambda: open_images.read_block(source, len(BOX_HEADER) + 30, len(data)),
    ]
    for read in readings:
        with pytest.raises(UsageError, match="^boxes.csv, line 5[,:]") as error:
            read()
        assert said in str(error.value)
        assert str(error.value).endswith("; correct or remove the line")


def test_a_bad_flag_and_a_bad_size():
    with pytest.raises(UsageError, match="line 2, column IsInside: '2' is not -1, 0 or 1"):
        list(
            open_images.read_stream(
                opened(BOX_HEADER + FLAGS + b"\na,s,/m/1,1,0,1,0,1,0,0,0,0,2\n")
            )
        )
    header = b"ImageID,Subset,OriginalURL,License,Title,OriginalSize\n"
    rows = b'a,t,u,l,"two\nlines",1\nb,t,u,l,x,1.5\n'
    with pytest.raises(UsageError, match="line 4, column OriginalSize: '1.5' is not a whole"):
        list(open_images.read_stream(opened(header + rows, kind=IMAGES)))


@pytest.mark.parametrize("line", [b"ImageID,Source\rLabelName\n", b"\0\xff\r\r\n", b""])
def test_a_first_line_that_is_no_csv_is_refused(line):
    with pytest.raises(UsageError, match="not the header of a file of boxes"):
        open_images.read_header("x.csv", open_images.BOXES, lambda: io.BytesIO(line))


def test_boxes_given_as_labels_are_refused():
    line = b"ImageID,Source,LabelName,Confidence,XMin,XMax,YMin,YMax\n"
    with pytest.raises(UsageError, match="XMin, XMax"):
        open_images.read_header("x.csv", open_images.LABELS, lambda: io.BytesIO(line))
