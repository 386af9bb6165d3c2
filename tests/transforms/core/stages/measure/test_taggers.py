"""Words and tags of captions against gold tags."""

from collections import Counter

import pyarrow as pa
import pytest
import spacy
from spacy.language import Language
from spacy.tokens import Doc
from thinc.api import get_current_ops

from tests.conftest import ROOT
from tests.reference import richness as reference
from tests.reference import words as reference_words
from transforms.core.base.errors import UsageError
from transforms.core.model.narratives.schemas import RICHNESS_OF_CAPTION, TAG_COLUMNS
from transforms.core.stages.measure import taggers
from transforms.core.stages.measure.taggers import (
    DEFAULT_TAGGER,
    count_tags,
    create_tagger,
    load_pipeline,
    pipeline_path,
)

PART = ROOT / "tests" / "data" / "pos" / "en_ewt-ud-test-part.conllu"


def read_gold(path):
    """Sentences as lists of (word, universal tag); words with hyphenated ids are multi-words."""
    for block in path.read_text(encoding="utf-8").split("\n\n"):
        rows = [line.split("\t") for line in block.splitlines() if line and line[0] != "#"]
        if rows:
            yield [(row[1], row[3]) for row in rows if row[0].isdecimal()]


@pytest.fixture(scope="module")
def gold():
    return list(read_gold(PART))


@pytest.fixture(scope="module")
def whole_gold(shared_data):
    return list(read_gold(shared_data / "pos" / "en_ewt-ud-test.conllu"))


@Language.factory("gold_tags")
def create_gold_tags(nlp, name):
    return set_gold_tags


def set_gold_tags(doc):
    """Sets the gold tags, which the words carry after a tab."""
    pairs = [token.text.rsplit("\t", 1) for token in doc]
    spaces = [True] * len(pairs)
    words, tags = zip(*pairs, strict=True) if pairs else ((), ())
    return Doc(doc.vocab, words=words, spaces=spaces, pos=tags)


class OneTokenALine:
    """A tokenizer of one token a line."""

    def __init__(self, vocab):
        self.vocab = vocab

    def __call__(self, text):
        return Doc(self.vocab, words=text.split("\n") if text else [])


@pytest.fixture(scope="module")
def gold_pipeline():
    """A pipeline that answers with the gold tags, so that only the counting is tested."""
    nlp = spacy.blank("en")
    nlp.tokenizer = OneTokenALine(nlp.vocab)
    nlp.add_pipe("gold_tags")
    return nlp


def with_tags(sentence):
    return "\n".join(f"{word}\t{tag}" for word, tag in sentence)


def check_counts(sentences, nlp):
    """Counts by spaCy against counts of the gold file's own columns."""
    found = count_tags(nlp, pa.array([with_tags(sentence) for sentence in sentences], pa.string()))
    assert found.type == RICHNESS_OF_CAPTION
    for row, sentence in zip(found.to_pylist(), sentences, strict=True):
        words = [tag for word, tag in sentence if not is_punctuation(nlp, word)]
        tags = Counter(words)
        assert row == {
            "words": len(words),
            **{column: tags[tag] for column, tag in TAG_COLUMNS.items()},
        }


def is_punctuation(nlp, word):
    return nlp.vocab[word].is_punct or nlp.vocab[word].is_space


def test_gold_tags_are_counted_exactly(gold, gold_pipeline):
    check_counts([*gold, [], [("  ", "NOUN"), ("dog", "NOUN"), (",", "NOUN")]], gold_pipeline)
    assert sum(map(len, gold)) > 300


def test_all_gold_tags_are_counted_exactly(whole_gold, gold_pipeline):
    check_counts(whole_gold[:600], gold_pipeline)


def test_counting_agrees_with_the_reference():
    nlp = load_pipeline("en_ud_pos")
    captions = [
        "A dog  runs, and two BLACK cats don't !",
        "",
        " ",
        "...",
        "Ünïcode: 木 😀 dog-house",
    ]
    found = create_tagger("en_ud_pos")(pa.array(captions)).to_pylist()
    assert found == [reference.count_words(nlp(caption)) for caption in captions]


UNSEEN = [
    "dog \ufe0f \u200b \u0301cat dogs - !",
    "\u200b\u200b \ufeff",
    "a \u0301 dog -\u200b runs \x00 fast \x07.",
    "a dog\u200b runs \u2764\ufe0f",
    "ne\u0301e caf\u00e9 \U000e0100 \u2060here",
]


@pytest.mark.parametrize(
    ("caption", "words"), list(zip(UNSEEN, [3, 0, 4, 4, 3], strict=True)), ids=range(len(UNSEEN))
)
def test_tokens_of_what_cannot_be_seen_are_no_words(caption, words):
    (row,) = create_tagger("en_ud_pos")(pa.array([caption])).to_pylist()
    assert row == reference.count_words(load_pipeline("en_ud_pos")(caption))
    assert row["words"] == words and sum(row.values()) <= 2 * words
    assert len(reference_words.split_words(caption)) == words - caption.count("\u2764")


@pytest.mark.parametrize("character", [0x200B, 0xFE0F, 0x0301, 0x00, 0xFEFF, 0xE0100, 0x20DD])
def test_a_caption_that_may_hold_such_tokens_is_looked_at(character):
    text = f"a {chr(character)} b"
    assert taggers._may_hold_bare_tokens(text) and taggers.is_bare(chr(character))
    assert not taggers._may_hold_bare_tokens("a caf\u00e9 \u2014 \u201cb\u201d \u2764 3 + 4")


def test_by_hand():
    (row,) = create_tagger("en_ud_pos")(pa.array(["She sees a red ball on the table."])).to_pylist()
    assert row == {
        "words": 8, "nouns": 2, "pronouns": 1, "adjectives": 1, "adpositions": 1, "verbs": 1,
        "proper_nouns": 0, "auxiliaries": 0,
    }  # fmt: skip


def accuracy(sentences):
    """Share of gold words that the shipped tagger tags as the gold file does."""
    nlp = load_pipeline("en_ud_pos")
    docs = nlp.pipe(Doc(nlp.vocab, words=[word for word, _ in own]) for own in sentences)
    hits = [
        token.pos_ == tag
        for doc, sentence in zip(docs, sentences, strict=True)
        for token, (_, tag) in zip(doc, sentence, strict=True)
    ]
    return sum(hits) / len(hits)


def test_the_shipped_tagger_is_accurate(whole_gold):
    assert accuracy(whole_gold[::4]) >= 0.93


def test_the_shipped_tagger_is_accurate_on_the_part_in_the_repository(gold):
    assert accuracy(gold) >= 0.92


def test_without_a_tagger_everything_is_null():
    found = create_tagger("none")(pa.array(["a dog", ""]))
    assert found.type == RICHNESS_OF_CAPTION
    assert found.to_pylist() == [None, None]


def test_no_captions():
    assert create_tagger("en_ud_pos")(pa.array([], pa.string())).type == RICHNESS_OF_CAPTION


def test_an_unknown_pipeline_is_refused_with_the_remedy():
    with pytest.raises(UsageError, match="no spaCy pipeline 'xx_nowhere'.*option `tagger`"):
        load_pipeline("xx_nowhere")


def test_products_by_numpy_give_the_tags_that_spacy_gives(gold):
    before = get_current_ops()
    own, plain = load_pipeline(DEFAULT_TAGGER), spacy.load(pipeline_path(DEFAULT_TAGGER))
    assert get_current_ops() is before
    kinds = {type(nlp.get_pipe("tok2vec").model.ops) for nlp in (own, plain)}
    assert len(kinds) == 2 and type(before) in kinds
    texts = pa.array([" ".join(word for word, _ in sentence) for sentence in gold])
    assert count_tags(own, texts).equals(count_tags(plain, texts))
