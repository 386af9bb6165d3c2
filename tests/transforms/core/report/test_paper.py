"""The paper's figures against its own lines, as they stand in the PDF's text."""

import dataclasses
import pathlib

import pytest

from transforms.core.report import paper

TABLE_2 = """
COCO Captions [11]          Whole capt. → Whole im.     616,767   123,287  10.5
Conceptual Capt. [51]       Whole capt. → Whole im.   3,334,173 3,334,173  10.3
Stanford Vis. Par. [30]     Whole capt. → Whole im.      19,561    19,561  67.5
ReferIt [28]                Short phrase −→ Region      130,525    19,894   3.6
Google Refexp [39]          Short phrase −→ Region      104,560    26,711   8.4
Visual Genome [31]          Short phrase −→ Region    5,408,689   108,077   5.1
Flickr30k Ent. [45]         Nouns −→ Region             158,915    31,783  12.4
Loc. Narr. (Ours)           Each word −→ Region         873,107   848,749  36.5
"""

TABLE_3 = """
Visual Genome [31]               5.1  1.9 0.0 0.6 0.7 0.3
COCO Captions [11]              10.5  3.6 0.2 0.8 1.7 0.9
Flickr30k [66]                  12.4  3.9 0.3 1.1 1.8 1.4
Localized Narratives            36.5 10.8 3.6 1.6 4.7 4.2
Stanford Visual Paragraphs [30] 61.9 17.0 2.7 6.6 8.0 4.1
"""

TABLE_4 = """
Standard captioning [3,9]  i            0.317 0.479 0.322 0.081 0.293 0.257
+ proposal locations       i+ii         0.318 0.482 0.323 0.082 0.295 0.257
+ mouse trace duration     i+ii+iii     0.334 0.493 0.372 0.097 0.373 0.265
Controlled captioning      i+ii+iii+iv  0.483 0.607 0.522 0.246 1.065 0.365
"""

SENTENCES = (
    "little time (40.4 sec. on average). The manual transcription step takes 104.3 sec.,",
    "for a total of 144.7 sec.",
    "the majority of the time (104.3 sec., 72%), while the narration step only takes 40.4 "
    "seconds (28%).",
    "which took 235 seconds per image.",
    "taking 408 seconds (8.7 entities per image on average).",
    "This yields a total of 643 seconds per image,",
    "This is 4.4× slower than the total annotation cost of our method, which includes the "
    "grounding of 10.8 nouns per image",
    "made by 156 professional annotators",
    "resulted in discarding 23.5% of all annotations.",
    "We annotated 5,000 randomly selected COCO images with replication 5",
    "We recover 146,723 instances on COCO and 374,357 on Open Images train.",
    "any of the 80 COCO object classes in our captions (exact string matching, 600 classes",
    "median word duration (0.4 sec over the whole training set).",
    "98.0% of the 1,582 nouns and verbs are accurate.",
    "number of words in the 100 captions (4,059). This results in 3.3% for type (i), 2.2% for "
    "(ii), and 1.1% for (iii)",
)


def numbers(lines, count):
    """The last `count` cells of each line, as numbers."""
    cells = [line.replace(",", "").split()[-count:] for line in lines.strip().splitlines()]
    return [list(map(float, row)) for row in cells]


def test_table_2():
    rows = [[row.captions, row.images, row.words] for row in paper.COLLECTIONS.values()]
    assert rows == numbers(TABLE_2, 3)
    groundings = [row.grounding.split(" to ")[1] for row in paper.COLLECTIONS.values()]
    assert groundings == ["whole image"] * 3 + ["region"] * 5


def test_table_3():
    rows = {row.name: list(row.means.values()) for row in paper.RICHNESS}
    names = [line.partition(" [")[0].partition("  ")[0].strip() for line in
             TABLE_3.strip().splitlines()]  # fmt: skip
    assert rows == dict(zip(names, numbers(TABLE_3, 6), strict=True))
    assert paper.LOCALIZED_NARRATIVES.nouns == 10.8
    assert paper.LOCALIZED_NARRATIVES.adjectives == 1.6


def test_every_row_of_table_3_has_its_row_of_table_2():
    captions = {row.name: row.collection.captions for row in paper.RICHNESS}
    assert captions == {
        "Localized Narratives": 873_107,
        "Visual Genome": 5_408_689,
        "COCO Captions": 616_767,
        "Flickr30k": 158_915,
        "Stanford Visual Paragraphs": 19_561,
    }


def test_table_4():
    rows = [list(dataclasses.astuple(row))[2:] for row in paper.CAPTIONING]
    assert rows == numbers(TABLE_4, 6)
    features = [line.split()[-7] for line in TABLE_4.strip().splitlines()]
    assert [row.features for row in paper.CAPTIONING] == features


def test_figures_of_the_text():
    text = " ".join(SENTENCES).replace(",", "")
    cost, quality = paper.COST, paper.QUALITY
    for seconds in (cost.narration_seconds, cost.transcription_seconds, cost.seconds):
        assert f"{seconds} sec" in text
    for share in (cost.narration_share, cost.transcription_share):
        assert f"({share:.0%})" in text or f" {share:.0%})" in text
    assert f"took {cost.flickr30k_words_seconds} seconds" in text
    assert f"taking {cost.flickr30k_boxes_seconds} seconds ({cost.flickr30k_entities} ent" in text
    assert f"total of {cost.flickr30k_seconds} seconds" in text
    assert f"{cost.times_slower}× slower" in text
    assert f"by {quality.annotators} professional annotators" in text
    assert f"discarding {quality.discarded_share:.1%} of all" in text
    assert f"{quality.right_share:.1%} of the {quality.checked_nouns_and_verbs} nouns" in text
    assert f"the {quality.checked_captions} captions ({quality.checked_words})" in text
    assert f"{quality.missing_share:.1%} for type (i)" in text
    assert f"{quality.extra_share:.1%} for (ii)" in text
    assert f"{quality.typographical_share:.1%} for (iii)" in text
    train, coco = paper.MENTIONS
    assert f"{coco.mentions} instances on {coco.where} and {train.mentions} on {train.where}" in (
        text
    )
    assert f"{coco.classes} COCO object" in text and f"{train.classes} classes" in text
    replication = paper.REPLICATION
    assert f"annotated {replication.images} randomly" in text
    assert f"with replication {replication.narratives}" in text
    assert f"median word duration ({paper.MEDIAN_WORD_SECONDS} sec" in text


def test_sums_of_the_text():
    cost = paper.COST
    assert cost.narration_seconds + cost.transcription_seconds == pytest.approx(cost.seconds)
    assert cost.flickr30k_words_seconds + cost.flickr30k_boxes_seconds == cost.flickr30k_seconds
    assert round(cost.flickr30k_seconds / cost.seconds, 1) == cost.times_slower
    assert round(cost.narration_seconds / cost.seconds, 2) == cost.narration_share


@pytest.fixture(scope="module")
def source(shared_data: pathlib.Path) -> str:
    """The paper's text, white space as single spaces."""
    found = sorted((shared_data.parent / "seeds").glob("001_*.txt"))
    if not found:
        pytest.skip("needs ../shared/seeds")
    return " ".join(found[0].read_text().split())


def test_the_sentences_stand_in_the_paper(source):
    assert [sentence for sentence in SENTENCES if sentence not in source] == []


def test_the_tables_stand_in_the_paper(source):
    """Its text has them column by column."""
    for table, count, groups in ((TABLE_3, 6, [5]), (TABLE_4, 6, [4]), (TABLE_2, 3, [3, 3, 2])):
        rows = [line.split()[-count:] for line in table.strip().splitlines()]
        for size in groups:
            part, rows = rows[:size], rows[size:]
            for column in zip(*part, strict=True):
                assert f" {' '.join(column)} " in source
