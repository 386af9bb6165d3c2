"""Figures of the paper that reports set beside ours.

Pont-Tuset, Uijlings, Changpinyo, Soricut, Ferrari: "Connecting Vision and Language with Localized
Narratives", ECCV 2020 (arXiv 1912.03098).

The figures of Tables 2 and 3 were entered by hand without the paper's PDF and could not be
checked against it: check before you cite them. Wherever they are shown, `FOOTNOTE` stands
beside them. The share discarded and the numbers of mentions are from this project's
specification.
"""

import dataclasses

TITLE = "Connecting Vision and Language with Localized Narratives, ECCV 2020"

FOOTNOTE = (
    "The paper's figures were entered by hand and not checked against its PDF: "
    "check before you cite them."
)

NARRATIVES = 873_107
"""Published narratives (Table 2), the sum over the catalog's files."""

DISCARDED_SHARE = 0.235
"""Narratives that the paper's own quality bar discarded."""

MENTIONS = {"Open Images train": 374_357, "COCO": 146_723}
"""Class mentions; nearest to our mentions with a box."""


@dataclasses.dataclass(frozen=True)
class Collection:
    """One row of the paper's tables.

    Attributes:
      name: The collection of captions.
      captions: Captions in it (Table 2), None where the table has none.
      images: Images in it (Table 2), likewise.
      means: Mean per caption by column of the richness table (Table 3).
    """

    name: str
    captions: int | None
    images: int | None
    means: dict[str, float]


MEAN_COLUMNS = ("words", "nouns", "pronouns", "adjectives", "adpositions", "verbs")
"""Columns of Table 3, in its order."""


def _collection(name: str, captions: int | None, images: int | None, *means: float) -> Collection:
    return Collection(name, captions, images, dict(zip(MEAN_COLUMNS, means, strict=True)))


LOCALIZED_NARRATIVES = _collection(
    "Localized Narratives", NARRATIVES, 848_749, 36.5, 9.7, 3.6, 2.0, 4.7, 4.2
)
"""All four datasets together."""

COLLECTIONS = (
    LOCALIZED_NARRATIVES,
    _collection("Visual Genome", 5_408_689, 108_077, 5.1, 1.9, 0.0, 0.6, 0.7, 0.3),
    _collection("COCO Captions", 616_767, 123_287, 10.5, 3.6, 0.2, 0.8, 1.7, 0.9),
    _collection("Flickr30k", 158_915, 31_783, 12.4, 3.9, 0.3, 1.1, 1.8, 1.4),
    _collection("Stanford Visual Paragraphs", None, None, 61.9, 17.0, 2.7, 6.6, 8.0, 4.1),
)
"""All rows: the paper's own, and what it compares with."""
