"""A speech recogniser's text: the caption's words with errors of known kinds planted."""

import dataclasses
import functools
import unicodedata

import numpy as np

from transforms.core.synthesis.dice import Dice
from transforms.core.synthesis.speaking.speech import Speech

KINDS = ("substituted", "dropped", "inserted", "split", "merged")

ERROR_SHARES = {
    "substituted": 0.03,
    "dropped": 0.015,
    "inserted": 0.01,
    "split": 0.01,
    "merged": 0.01,
}
"""Probability of each kind at a word: 7.5 % together, as good recognisers of today."""

ALTERNATIVES = 10
"""Most alternatives of a chunk, as in the published transcriptions."""

_BEST_FIRST_SHARE = 0.7

_CONFUSIONS = {
    "there": "their", "see": "sea", "tree": "three", "person": "parson", "man": "men",
    "woman": "women", "in": "and", "and": "an", "are": "our", "two": "to", "can": "can't",
    "side": "site", "sky": "ski", "is": "his", "the": "a", "a": "the", "few": "view",
    "wheel": "will", "house": "how's", "plant": "planned", "road": "rode", "wall": "ball",
    "this": "these", "we": "he", "image": "imaged", "background": "playground",
}  # fmt: skip
_SOUNDS = str.maketrans("bdgkptvfszmnaeiou", "ptkgbdfvzsnmeiaua")
_INTERJECTIONS = ("um", "uh", "so", "the", "and", "like", "a")


@dataclasses.dataclass(frozen=True, slots=True)
class Edit:
    """An error: the caption's words `[word, end_word)` were heard as other words.

    Attributes:
      kind: One of `KINDS`.
      word, end_word: The caption's words; none for an insertion, which stands before `word`.
      heard_word, end_heard_word: The recogniser's words; none for a drop.
      said, heard: Those words as spoken, as heard.
    """

    kind: str
    word: int
    end_word: int
    heard_word: int
    end_heard_word: int
    said: list[str]
    heard: list[str]


@dataclasses.dataclass(frozen=True, slots=True)
class Transcript:
    """What was recognised.

    Attributes:
      words: In lower case, without punctuation.
      starts, ends: Tenths of a second of each word.
      edits: Every planted error, in order.
      chunks: First word of each chunk, and the number of words at the end.
    """

    words: list[str]
    starts: list[int]
    ends: list[int]
    edits: list[Edit]
    chunks: list[int]


@functools.lru_cache(65536)
def spoken_form(word: str) -> str:
    """A caption's word as a recogniser writes it: lower case, outer punctuation stripped."""
    lower = word.lower()
    marks = "".join(c for c in lower if unicodedata.category(c)[0] in "PS")
    return lower.strip(marks) if marks else lower


def recognize(words: list[str], speech: Speech, generator: np.random.Generator) -> Transcript:
    """Hears a caption with errors at random places."""
    said = [spoken_form(word) for word in words]
    kinds = _draw_kinds(len(said), generator)
    heard = _Heard(said, speech, Dice(generator))
    at = 0
    while at < len(said):
        at += heard.hear(at, kinds[at])
    chunks = _chunk(heard.starts, heard.ends)
    return Transcript(heard.words, heard.starts, heard.ends, heard.edits, chunks)


def _draw_kinds(n_words: int, generator: np.random.Generator) -> list[str | None]:
    levels = np.cumsum(list(ERROR_SHARES.values()))
    kinds = [*ERROR_SHARES, None]
    rolls = generator.random(n_words)
    return [kinds[i] for i in np.searchsorted(levels, rolls, "right").tolist()]


class _Heard:
    """Collects what is heard, word by word."""

    def __init__(self, said: list[str], speech: Speech, dice: Dice) -> None:
        self.words: list[str] = []
        self.starts: list[int] = []
        self.ends: list[int] = []
        self.edits: list[Edit] = []
        self._said = said
        self._begin = speech.starts.tolist()
        self._finish = speech.ends.tolist()
        self._dice = dice

    def hear(self, at: int, kind: str | None) -> int:
        """Hears the word at `at`, with this kind of error; returns how many words it took."""
        said = self._said[at]
        begin, finish = self._begin[at], self._finish[at]
        if kind == "substituted":
            self._edit(kind, at, at + 1, [confuse(said)], [begin, finish])
        elif kind == "dropped" and len(self._said) > 1:
            self._edit(kind, at, at + 1, [], [begin])
        elif kind == "inserted":
            self._edit(kind, at, at, [self._dice.pick(_INTERJECTIONS)], [begin, begin])
            self._append(said, begin, finish)
        elif kind == "split" and len(said) > 3:
            middle = len(said) // 2
            parts = [said[:middle], said[middle:]]
            self._edit(kind, at, at + 1, parts, [begin, (begin + finish) // 2, finish])
        elif kind == "merged" and at + 1 < len(self._said):
            merged = [said + self._said[at + 1]]
            self._edit(kind, at, at + 2, merged, [begin, self._finish[at + 1]])
            return 2
        else:
            self._append(said, begin, finish)
        return 1

    def _append(self, word: str, begin: int, finish: int) -> None:
        self.words.append(word)
        self.starts.append(begin)
        self.ends.append(finish)

    def _edit(self, kind: str, word: int, end: int, heard: list[str], times: list[int]) -> None:
        place = len(self.words)
        for i, text in enumerate(heard):
            self._append(text, times[i], times[i + 1])
        said = self._said[word:end]
        self.edits.append(Edit(kind, word, end, place, len(self.words), said, heard))


def confuse(word: str) -> str:
    """Another word that sounds alike; never the same."""
    found = _CONFUSIONS.get(word) or word.translate(_SOUNDS)
    return found if found != word else word + "s"


def _chunk(starts: list[int], ends: list[int]) -> list[int]:
    """Cuts at pauses of a second, at least six words a chunk."""
    cuts = [0]
    for i in range(1, len(starts)):
        if i - cuts[-1] >= 6 and starts[i] - ends[i - 1] >= 10:
            cuts.append(i)
    return [*cuts, len(starts)] if starts else [0]


@dataclasses.dataclass(frozen=True, slots=True)
class Alternatives:
    """A chunk's alternatives, best confidence first.

    Attributes:
      transcripts: Texts.
      confidences: Falling.
      rank: Which of them is the planted transcript.
    """

    transcripts: list[str]
    confidences: list[float]
    rank: int


def list_alternatives(transcript: Transcript, generator: np.random.Generator) -> list[Alternatives]:
    """Each chunk's planted text among others that have further errors."""
    dice = Dice(generator)
    edited = {
        heard for edit in transcript.edits
        for heard in range(edit.heard_word, edit.end_heard_word)
    }  # fmt: skip
    bounds = zip(transcript.chunks, transcript.chunks[1:], strict=False)
    return [_alternatives(transcript.words, *bound, edited, dice) for bound in bounds]


def _alternatives(
    words: list[str], first: int, end: int, edited: set[int], dice: Dice
) -> Alternatives:
    planted = words[first:end]
    correct = [i - first for i in range(first, end) if i not in edited]
    count = dice.below(ALTERNATIVES) if correct else 0
    others = dict.fromkeys(_hear_worse(planted, correct, dice) for _ in range(count))
    text = " ".join(planted)
    others.pop(text, None)  # two errors at one word can undo each other
    rank = 0 if dice.chance(_BEST_FIRST_SHARE) else dice.below(len(others) + 1)
    texts = list(others)
    texts.insert(rank, text)
    top = 0.85 + 0.13 * dice.roll()
    return Alternatives(texts, [round(top * 0.97**i, 4) for i in range(len(texts))], rank)


def _hear_worse(words: list[str], correct: list[int], dice: Dice) -> str:
    worse = words.copy()
    for _ in range(1 + dice.below(2)):
        at = dice.pick(correct)
        worse[at] = confuse(worse[at])
    return " ".join(worse)
