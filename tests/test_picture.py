"""The picture at the head of README: a real narrative, drawn by the code of today."""

import re
import xml.etree.ElementTree as ET

import pytest

from tests import build_helpers as helpers
from website import picture

SVG = "{http://www.w3.org/2000/svg}"


@pytest.mark.long
def test_the_picture_is_what_the_narrative_looks_like_now(tmp_path):
    """`make docs-picture` draws it again."""
    picture.main(tmp_path / "drawn.svg")
    assert (tmp_path / "drawn.svg").read_text() == picture.PICTURE.read_text()


def test_it_shows_every_word_and_point_that_was_recorded():
    lines = picture.SHARD.read_text(encoding="utf-8").splitlines()
    (record,) = (row for row in map(helpers.json.loads, lines) if row["image_id"] == picture.IMAGE)
    drawn = ET.parse(picture.PICTURE).getroot()
    words = [text.text for text in drawn.iter(f"{SVG}text") if text.get("class") == "word"]
    assert " ".join(words) == record["caption"]
    paths = [path.get("d") for path in drawn.iter(f"{SVG}path")]
    ends = sum(len(re.findall("[ML]", path)) for path in paths)
    assert ends >= sum(map(len, record["traces"]))
    assert "docs/narrative.svg" in (helpers.ROOT / "README.md").read_text()
