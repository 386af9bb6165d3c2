"""Exports to FiftyOne, loaded as docs/exports.md says, and compared with the version's rows."""

import collections
import json
import os
import pathlib
import re
import subprocess

import numpy as np
import pytest

from tests import build_helpers as helpers
from tests.fiftyone.database import a_database
from tests.pipelines.export.conftest import version

pytestmark = pytest.mark.fiftyone

__all__ = ["version"]  # a fixture

VENV = helpers.ROOT / ".venv-fiftyone"
LOADING = pathlib.Path(__file__).parent / "loading.py"
DATASET = "generated"


def documented(replaced):
    """The block of docs/exports.md that loads an export, with other names."""
    page = (helpers.ROOT / "docs" / "exports.md").read_text()
    section = page.partition("\n## FiftyOne\n")[2].partition("\n## ")[0]
    [block] = re.findall(r"```python\n(.*?)```", section, re.DOTALL)
    for old, new in replaced.items():
        assert block.count(old) == 1, old
        block = block.replace(old, new)
    return block


@pytest.fixture(scope="module")
def rows(version):
    return version.rows("narratives")


@pytest.fixture(scope="module")
def chosen(version, rows):
    """What the views of the page are of: a word, a class and an annotator that are there."""
    words = collections.Counter(re.sub(r"\W+$", "", word["text"].lower())
                                for row in rows for word in row["words"])  # fmt: skip
    classes = collections.Counter(
        row["name"] for row in version.rows("mentions") if row["box_index"] is not None
    )
    annotators = collections.Counter(
        str(row["annotator_id"]) for row in rows if row["dataset"] == DATASET
    )
    found = (next(word for word, _ in words.most_common() if re.fullmatch("[a-z]{3,}", word)),
             classes.most_common(1)[0][0], annotators.most_common(1)[0][0])  # fmt: skip
    return found


@pytest.fixture(scope="module")
def loaded(version, chosen, tmp_path_factory):
    """What FiftyOne says of an export."""
    folder = tmp_path_factory.mktemp("fiftyone")
    export = version.export(
        "fiftyone", folder / "out", "--images", version.pictures, "--part-bytes", "300kB"
    )
    assert len(list(export.glob("samples/*"))) > 5
    word, class_name, annotator = chosen
    script = folder / "script.py"
    script.write_text(documented({
        "exports/fiftyone/ID": str(export), '"images"': repr(str(version.pictures)),
        "^left": f"^{word}", '"Dog"': repr(class_name), '"open_images"': repr(DATASET),
        '"93"': repr(annotator),
    }))  # fmt: skip
    [program] = VENV.glob("lib/*/site-packages/fiftyone/db/bin/mongod")
    with a_database(program) as address:
        more = {"HOME": str(folder), "FIFTYONE_DATABASE_URI": address,
                "FIFTYONE_DO_NOT_TRACK": "1", "FIFTYONE_SHOW_PROGRESS_BARS": "0"}  # fmt: skip
        done = subprocess.run([VENV / "bin" / "python", LOADING, script], capture_output=True,
                              text=True, env={**os.environ, **more})  # fmt: skip
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout[done.stdout.index("{") :])


def words_of(rows):
    return [(row, index, word) for row in rows
            for index, word in enumerate(row["words"]) if word["x_min"] is not None]  # fmt: skip


def images_of(rows):
    return {(row["dataset"], row["split"], row["image_id"]): row for row in reversed(rows)}


def lines_of(rows):
    return sum(len(row["segment_starts"]) for row in rows)


def boxed(rows):
    return [row for row in rows if row["box_index"] is not None]


def test_all_parts_are_one_dataset_with_all_labels(version, rows, loaded):
    images = images_of(rows)
    assert loaded["counts"] == loaded["clone"] == {
        "samples": len(images),
        "captions": len(rows),
        "boxes": sum(len(row["boxes"] or ()) for row in images.values()),
        "words": len(words_of(rows)),
        "trace": lines_of(rows),
        "mentions": len(boxed(version.rows("mentions"))),
    }  # fmt: skip
    points = sum(len(row["trace"]["t"]) for row in rows)
    assert loaded["points"] == loaded["times"] == points > 5000
    assert {tuple(sample[:3]) for sample in loaded["samples"]} == images.keys()
    ids = collections.Counter(one for sample in loaded["samples"] for one in sample[3])
    assert ids == collections.Counter(row["narrative_id"] for row in rows)


def test_every_field_is_declared_and_of_its_class(loaded):
    assert loaded["undeclared"] == [] and loaded["media_type"] == "image"
    assert set(loaded["flags"].values()) == {"BooleanField"} and len(loaded["flags"]) == 5
    assert loaded["kinds"] == ["Classification", "Detection", "Polyline"]


def test_words_are_those_of_the_table(rows, loaded):
    told = lambda label: (*label[:5], *np.round(label[5], 5))  # noqa: E731
    expected = [
        (row["narrative_id"], index, word["text"], word["start_time"], word["end_time"],
         [word["x_min"], word["y_min"], word["x_max"] - word["x_min"],
          word["y_max"] - word["y_min"]])
        for row, index, word in words_of(rows)
    ]  # fmt: skip
    assert sorted(map(told, loaded["words"])) == sorted(map(told, expected))


def test_mentions_are_those_of_the_table(version, loaded):
    expected = [(row["narrative_id"], row["name"], row["text"], row["box_index"])
                for row in boxed(version.rows("mentions"))]  # fmt: skip
    assert sorted(tuple(one[:4]) for one in loaded["mentions"]) == sorted(expected)


def test_tags_flags_and_pictures_are_those_of_the_table(version, rows, loaded):
    tags = collections.defaultdict(set)
    for row in rows:
        key = row["dataset"], row["split"], row["image_id"]
        tags[key].update({row["dataset"], row["split"], *row["flags"]} - {None})
    assert loaded["tags"] == collections.Counter(tag for own in tags.values() for tag in own)
    groups = [box for row in images_of(rows).values() for box in row["boxes"] or ()
              if box["is_group_of"]]  # fmt: skip
    assert loaded["groups"] == len(groups)
    there = [key for key in images_of(rows) if key[2] in version.sizes]
    assert loaded["there"] == len(there) > 20
    widths = sorted(width for width in loaded["widths"] if width)
    assert widths == sorted(version.sizes[key[2]][0] for key in there)


def test_views_of_the_page_find_what_the_tables_have(version, rows, chosen, loaded):
    word, class_name, annotator = chosen
    views, mentions = loaded["views"], boxed(version.rows("mentions"))
    found = [(row, one) for row, _, one in words_of(rows)
             if re.match(rf"^{word}\W*$", one["text"], re.IGNORECASE)]  # fmt: skip
    assert views["word"]["words"] == len(found) > 5
    assert views["word"]["samples"] == len(images_of([row for row, _ in found]))
    of_class = [row for row in mentions if row["name"] == class_name]
    assert views["dogs"]["mentions"] == len(of_class) > 5
    assert views["dogs"]["samples"] == len(images_of(of_class))
    far = [row for row in of_class if row["mean_distance"] > 0.1]
    assert views["far"]["mentions"] == len(far)
    flagged = [row for row in rows if "no_transcript" in row["flags"]]
    assert views["flagged"]["samples"] == len(images_of(flagged)) > 0
    own = [row for row in rows
           if row["dataset"] == DATASET and str(row["annotator_id"]) == annotator]  # fmt: skip
    assert views["own"]["captions"] == len(own) > 0
    assert views["own"]["samples"] == len(images_of(own))
    assert views["own"]["words"] == len(words_of(own))
    assert views["own"]["trace"] == lines_of(own)
