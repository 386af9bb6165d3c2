"""Archives as sources of the annotation index: the same rows as of the files in them."""

import io

import pytest

from tests.transforms.core.sources.annotations.releases.packing import DATA, pack
from transforms.core.base.errors import UsageError
from transforms.core.sources.annotations.kinds import KINDS
from transforms.core.sources.index.manifest import Source
from transforms.core.sources.kinds import SourceBlock

ROLES = {"images": "images", "labels": "annotations-human", "boxes": "annotations-human-bbox"}
SPLITS = ("train", "validation")


def rows_of(role, name, data):
    """Rows that a role's reader finds in a file."""
    source = Source(role, name, len(data), "")
    parts = KINDS[role].parse(SourceBlock(((0, source),)), lambda _: io.BytesIO(data))
    return [row for part in parts for row in part.rows.to_pylist()]


@pytest.mark.parametrize("role", ROLES)
def test_an_archive_has_the_rows_of_its_files(role):
    files = [(DATA / "v3" / split / f"{ROLES[role]}.csv").read_bytes() for split in SPLITS]
    members = [(f"2017_11/{split}/x.csv", data) for split, data in zip(SPLITS, files, strict=True)]
    others = [("2017_11/README", b"Open Images"), ("2017_11/a.csv", b"a,b\n1,2\n")]
    alone = [row for data in files for row in rows_of(role, "x.csv", data)]
    assert rows_of(role, "x.tar", pack([others[0], *members, others[1]])) == alone
    assert len(alone) == 120


def test_an_archive_of_another_kind_is_refused():
    data = pack([("a/images.csv", (DATA / "v3" / "train" / "images.csv").read_bytes())])
    with pytest.raises(UsageError, match="holds no file of boxes"):
        rows_of("boxes", "images.tar", data)


def test_a_bad_row_of_a_member_has_its_place():
    good = (DATA / "v3" / "validation" / "annotations-human-bbox.csv").read_bytes()
    bad = good.replace(b",1.000000,", b",one,", 1)
    line = good[: good.index(b",1.000000,")].count(b"\n") + 1
    data = pack([("a/train.csv", good), ("a/validation.csv", bad)])
    with pytest.raises(UsageError, match=f"a/validation.csv, line {line}, column .*'one' is not"):
        rows_of("boxes", "boxes.tar", data)
