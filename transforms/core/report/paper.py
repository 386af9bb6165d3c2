"""Figures of the paper that reports set beside ours.

Pont-Tuset, Uijlings, Changpinyo, Soricut, Ferrari: "Connecting Vision and Language with Localized
Narratives", ECCV 2020 (arXiv 1912.03098). Each figure names the table or section it stands in.
"""

import dataclasses
from collections.abc import Mapping

TITLE = "Connecting Vision and Language with Localized Narratives, ECCV 2020"


@dataclasses.dataclass(frozen=True)
class Collection:
    """A row of Table 2: a collection of captions.

    Attributes:
      name: Of the collection.
      grounding: What of the language is tied to what of the image.
      captions: Captions in it.
      images: Images in it.
      words: Mean words per caption.
    """

    name: str
    grounding: str
    captions: int
    images: int
    words: float


_WHOLE, _PHRASE = "whole caption to whole image", "short phrase to region"

COLLECTIONS = {
    row.name: row
    for row in (
        Collection("COCO Captions", _WHOLE, 616_767, 123_287, 10.5),
        Collection("Conceptual Captions", _WHOLE, 3_334_173, 3_334_173, 10.3),
        Collection("Stanford Visual Paragraphs", _WHOLE, 19_561, 19_561, 67.5),
        Collection("ReferIt", _PHRASE, 130_525, 19_894, 3.6),
        Collection("Google Refexp", _PHRASE, 104_560, 26_711, 8.4),
        Collection("Visual Genome", _PHRASE, 5_408_689, 108_077, 5.1),
        Collection("Flickr30k Entities", "nouns to region", 158_915, 31_783, 12.4),
        Collection("Localized Narratives", "each word to region", 873_107, 848_749, 36.5),
    )
}
"""Table 2, by name."""


@dataclasses.dataclass(frozen=True)
class Richness:
    """A row of Table 3: means per caption.

    Attributes:
      name: The collection as Table 3 calls it.
      collection: Its row of Table 2.
    """

    name: str
    collection: Collection
    words: float
    nouns: float
    pronouns: float
    adjectives: float
    adpositions: float
    verbs: float

    @property
    def means(self) -> Mapping[str, float]:
        """Means by column of the richness table, in the order of Table 3."""
        return {column: getattr(self, column) for column in MEAN_COLUMNS}


MEAN_COLUMNS = ("words", "nouns", "pronouns", "adjectives", "adpositions", "verbs")
"""Columns of Table 3, in its order."""


def _richness(name: str, *means: float, collection: str | None = None) -> Richness:
    return Richness(name, COLLECTIONS[collection or name], *means)


LOCALIZED_NARRATIVES = _richness("Localized Narratives", 36.5, 10.8, 3.6, 1.6, 4.7, 4.2)
"""All four datasets together."""

RICHNESS = (
    LOCALIZED_NARRATIVES,
    _richness("Visual Genome", 5.1, 1.9, 0.0, 0.6, 0.7, 0.3),
    _richness("COCO Captions", 10.5, 3.6, 0.2, 0.8, 1.7, 0.9),
    _richness("Flickr30k", 12.4, 3.9, 0.3, 1.1, 1.8, 1.4, collection="Flickr30k Entities"),
    _richness("Stanford Visual Paragraphs", 61.9, 17.0, 2.7, 6.6, 8.0, 4.1),
)
"""Table 3: the paper's own captions, and what it compares with."""


TABLE_2 = {
    "coco": "COCO Captions",
    "conceptual_captions": "Conceptual Captions",
    "stanford_paragraphs": "Stanford Visual Paragraphs",
    "visual_genome": "Visual Genome",
    "flickr30k": "Flickr30k Entities",
    "localized_narratives": "Localized Narratives",
}
"""Rows of Table 2 by what the job of captions calls the collections."""

TABLE_3 = {
    name: row
    for name, title in TABLE_2.items()
    for row in RICHNESS
    if row.collection is COLLECTIONS[title]
}
"""Rows of Table 3 by the same names; there is none for Conceptual Captions.

Of Stanford Visual Paragraphs, Table 2 has 67.5 words a caption, and Table 3 has 61.9.
"""


@dataclasses.dataclass(frozen=True)
class Captioning:
    """A row of Table 4: captioning on COCO validation with a single reference.

    Attributes:
      method: As the table calls it.
      features: `i` proposals, `ii` their places, `iii` the trace's duration, `iv` the trace.
    """

    method: str
    features: str
    rouge_l: float
    rouge_1_f1: float
    bleu_1: float
    bleu_4: float
    cider_d: float
    spice: float


CAPTIONING = (
    Captioning("Standard captioning", "i", 0.317, 0.479, 0.322, 0.081, 0.293, 0.257),
    Captioning("+ proposal locations", "i+ii", 0.318, 0.482, 0.323, 0.082, 0.295, 0.257),
    Captioning("+ mouse trace duration", "i+ii+iii", 0.334, 0.493, 0.372, 0.097, 0.373, 0.265),
    Captioning("Controlled captioning", "i+ii+iii+iv", 0.483, 0.607, 0.522, 0.246, 1.065, 0.365),
)
"""Table 4."""


@dataclasses.dataclass(frozen=True)
class AnnotationCost:
    """Section 4.1, "Annotation Cost": seconds an image.

    Attributes:
      narration_seconds: Speaking while pointing.
      transcription_seconds: Typing the caption.
      seconds: Both.
      narration_share: Of both.
      transcription_share: Of both.
      flickr30k_words_seconds: Flickr30k Entities: identifying the words that are entities.
      flickr30k_boxes_seconds: Flickr30k Entities: drawing their boxes.
      flickr30k_seconds: Both of these.
      flickr30k_entities: Entities an image there.
      times_slower: Flickr30k Entities against Localized Narratives.
    """

    narration_seconds: float = 40.4
    transcription_seconds: float = 104.3
    seconds: float = 144.7
    narration_share: float = 0.28
    transcription_share: float = 0.72
    flickr30k_words_seconds: int = 235
    flickr30k_boxes_seconds: int = 408
    flickr30k_seconds: int = 643
    flickr30k_entities: float = 8.7
    times_slower: float = 4.4


@dataclasses.dataclass(frozen=True)
class Quality:
    """Section 4.2, "Dataset Quality".

    Attributes:
      annotators: Professional annotators.
      discarded_share: Annotations that the automatic quality control discarded.
      checked_captions: COCO captions that the authors checked word by word.
      checked_nouns_and_verbs: Nouns and verbs in them.
      right_share: Of these, in the image.
      checked_words: Words in them.
      missing_share: Of these words, missing in the transcription.
      extra_share: Of these words, extra in the transcription.
      typographical_share: Of these words, with typographical errors.
    """

    annotators: int = 156
    discarded_share: float = 0.235
    checked_captions: int = 100
    checked_nouns_and_verbs: int = 1_582
    right_share: float = 0.980
    checked_words: int = 4_059
    missing_share: float = 0.033
    extra_share: float = 0.022
    typographical_share: float = 0.011


@dataclasses.dataclass(frozen=True)
class Mentions:
    """Section 4.2, "Localization Accuracy": class mentions; nearest to our mentions with a box.

    Attributes:
      where: The narratives that were searched.
      classes: Classes that were searched for.
      mentions: How many were found.
    """

    where: str
    classes: int
    mentions: int


@dataclasses.dataclass(frozen=True)
class Replication:
    """Section 4.1, "Image Sources and Scale": images with several narratives.

    Attributes:
      images: COCO images, chosen at random.
      narratives: Narratives of each, by different annotators; all other images have one.
    """

    images: int = 5_000
    narratives: int = 5


COST = AnnotationCost()
QUALITY = Quality()
MENTIONS = (Mentions("Open Images train", 600, 374_357), Mentions("COCO", 80, 146_723))
REPLICATION = Replication()

MEDIAN_WORD_SECONDS = 0.4
"""Median duration of a word over the whole training set (Section 5)."""
