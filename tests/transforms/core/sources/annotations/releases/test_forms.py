"""Names and first lines of published files say what they are."""

import pytest

from tests.transforms.core.sources.annotations.releases.packing import DATA
from transforms.core.base.errors import UsageError
from transforms.core.sources.annotations.releases.forms import (
    Form,
    form_of,
    is_archive,
    refuse_unknown,
    release_of,
    split_of,
    wanted_release,
)

V6 = "oidv6-train-annotations-bbox.csv"
NAMES = [
    ("2016_08/images_2016_08_v5.tar.gz", "v1", None),
    ("machine_ann_2016_08/validation/labels.csv", "v1", "validation"),
    ("annotations_human_2017_07.tar.gz", "v2", None),
    ("2017_11/test/annotations-human-bbox.csv", "v3", "test"),
    ("2018_04/train/train-annotations-bbox.csv", "v4", "train"),
    ("v5/validation-annotations-object-segmentation.csv", "v5", "validation"),
    (V6, "v6", "train"),
    ("data/V7/train-annotations-point-labels.csv", "v7", "train"),
    ("oidv7-test-annotations-human-imagelabels.csv", "v7", "test"),
    ("v3/classes-trainable.txt", "v3", None),
    ("v7/x/oidv6-class-descriptions.csv", "v6", None),
    ("nothing/test_x/images.csv", None, None),
]


@pytest.mark.parametrize(("path", "release", "split"), NAMES, ids=[name for name, *_ in NAMES])
def test_release_and_split_by_name(path, release, split):
    assert (release_of(path), split_of(path)) == (release, split)


KINDS = {
    "images.csv": "images",
    "annotations-human.csv": "labels",
    "annotations-machine.csv": "labels",
    "annotations-human-bbox.csv": "boxes",
    "class-descriptions.csv": "class_entries",
    "dict.csv": "class_entries",
    "oidv6-class-descriptions-boxable.csv": "class_entries",
    "oidv6-train-annotations-bbox.csv": "boxes",
    "train-annotations-human-imagelabels-boxable.csv": "labels",
    "train-images-boxable-with-rotation.csv": "images",
}


def test_real_files_are_of_their_kinds():
    for path in DATA.glob("v*/**/*.csv"):
        form = form_of(path.name, path.read_bytes(), "v3")
        assert form.kind == KINDS[path.name], path
        assert form.header == (path.name not in ("class-descriptions.csv", "dict.csv"))
        assert len(form.columns) == path.read_text().splitlines()[0].count(",") + 1


HEADERS = {
    "ImageID,OriginalURL,OriginalLandingURL,License,AuthorProfileURL,Author,Title": "images",
    "ImageID,Confidence:Labels...": "wide_labels",
    "ImageID,Source,Label,Confidence": "labels",
    "MaskPath,ImageID,LabelName,BoxID,BoxXMin,BoxXMax,BoxYMin,BoxYMax,PredictedIoU,Clicks": "masks",
    "ImageID,LabelName1,LabelName2,XMin1,XMax1,YMin1,YMax1,XMin2,XMax2,YMin2,YMax2,"
    "RelationshipLabel": "relationships",
    "ImageId,X,Y,Label,EstimatedYesNo,Source,YesVotes,NoVotes,UnsureVotes,"
    "TextLabel": "point_labels",
    "LabelName1,LabelName2,RelationshipLabel": "triplets",
    "name,value": "unknown",
}


@pytest.mark.parametrize(("header", "kind"), HEADERS.items(), ids=HEADERS.values())
def test_headers_of_all_revisions(header, kind):
    form = form_of("a.csv", header.encode() + b"\r\n", "v1")
    assert form.kind == kind
    assert "Label" not in form.columns or kind == "point_labels"


@pytest.mark.parametrize(
    ("name", "which"),
    [("classes.txt", "all"), ("classes-bbox-trainable.txt", "boxable_trainable"),
     ("classes-bbox.txt", "boxable"), ("oidv6-attributes-description.csv", "attributes"),
     ("class-descriptions-boxable.csv", "boxable_descriptions"), ("dict.csv", "descriptions")],
)  # fmt: skip
def test_lists_of_classes_by_name(name, which):
    assert form_of(name, b"/m/01g317\n", "v3").list == which


def test_what_nothing_tells_is_refused_with_the_remedy():
    with pytest.raises(UsageError, match="say --release v3|say .*release.* v3"):
        wanted_release("images.csv", None)
    assert wanted_release("images.csv", "v2") == "v2"
    with pytest.raises(UsageError, match="'?notes.csv'?: its first line is not the header"):
        refuse_unknown("notes.csv", Form("unknown", "v3"))
    assert [is_archive(name) for name in ("a.tar.gz", "a.tar", "a.csv.gz")] == [True, True, False]
