"""Words, their alignment and times, and traces, for `with_libraries`."""

import dataclasses
import functools
import itertools
import re
import unicodedata
from array import array
from collections.abc import Sequence

import msgspec
import numpy as np
from rapidfuzz.distance import Levenshtein
from rapidfuzz.process import cdist

from benchmarks.baselines import common


class Utterance(msgspec.Struct, gc=False):
    """A piece of the transcription."""

    utterance: str
    start_time: float
    end_time: float


class Record(msgspec.Struct, gc=False):
    """A line; its traces stay JSON."""

    dataset_id: str
    image_id: str
    annotator_id: int
    caption: str
    timed_caption: list[Utterance]
    voice_recording: str
    traces: msgspec.Raw = msgspec.Raw(b"[]")


def offsets_of(counts: Sequence[int]) -> np.ndarray:
    """Where lists of these lengths begin and end if they lie behind each other."""
    return np.concatenate([[0], np.cumsum(counts, dtype=np.int64)])


def ranges(starts: np.ndarray, counts: np.ndarray) -> np.ndarray:
    """The numbers `starts[i]`, `starts[i] + 1`, … (`counts[i]` of them), for all i in turn."""
    before = np.cumsum(counts) - counts
    return np.repeat(starts - before, counts) + np.arange(counts.sum())


# Traces

SEGMENTS = msgspec.json.Decoder(list[list[float]] | None)


@dataclasses.dataclass
class Traces:
    """Traces of n narratives.

    Attributes:
      offsets: Shape `(n + 1,)`: points of each narrative.
      rows: Shape `(n_points,)`: the narrative of each point.
      segments: Shape `(n_points,)`: the segment of each point, counted over all narratives.
      x: Shape `(n_points,)`.
      y: Shape `(n_points,)`.
      t: Shape `(n_points,)`, seconds.
      segment_offsets: Shape `(n + 1,)`.
      segment_starts: Shape `(n_segments,)`: first point within its narrative.
    """

    offsets: np.ndarray
    rows: np.ndarray
    segments: np.ndarray
    x: np.ndarray
    y: np.ndarray
    t: np.ndarray
    segment_offsets: np.ndarray
    segment_starts: np.ndarray

    @functools.cached_property
    def disordered(self) -> np.ndarray:
        """Narratives in which a point is earlier than the one before it."""
        falls = (np.diff(self.t) < 0) & (np.diff(self.rows) == 0)
        return np.unique(self.rows[1:][falls])

    @functools.cached_property
    def keys(self) -> np.ndarray:
        """Row and time as one number; complex numbers are compared by the real part first."""
        return self.rows + 1j * self.t

    def find(self, rows: np.ndarray, starts: np.ndarray, ends: np.ndarray) -> tuple:
        """First and end points, within their narratives, with start ≤ t ≤ end.

        Both are -1 where the times are unknown (NaN).
        """
        unknown = np.isnan(starts) | np.isnan(ends)
        first = np.searchsorted(self.keys, rows + 1j * np.nan_to_num(starts), "left")
        end = np.searchsorted(self.keys, rows + 1j * np.nan_to_num(ends), "right")
        first, end = first - self.offsets[rows], end - self.offsets[rows]
        for k in np.flatnonzero(np.isin(rows, self.disordered)):
            t = self.t[self.offsets[rows[k]] : self.offsets[rows[k] + 1]]
            inside = np.flatnonzero((starts[k] <= t) & (t <= ends[k]))
            if len(inside):
                first[k], end[k] = inside[0], inside[-1] + 1
            else:
                first[k] = end[k] = np.append(np.flatnonzero(t > ends[k]), len(t))[0]
        return np.where(unknown, -1, first), np.where(unknown, -1, end)


def read_traces(records: Sequence[Record]) -> Traces:
    """Traces of records.

    Raises:
      ValueError: Points whose keys are not in the published order.
    """
    xyt, sizes, segments = array("d"), array("q"), array("q")
    for record in records:
        text = bytes(record.traces)
        if not re.match(rb'(\[\s*)+(\{"x":[^"]*"y":[^"]*"t":|\])|null', text):
            raise ValueError("expected points of x, y and t, in this order")
        # Without keys and braces a segment is a list of numbers: faster to decode than objects.
        pieces = SEGMENTS.decode(text.translate(None, b'"xyt: {}')) or []
        segments.append(len(pieces))
        for piece in pieces:
            sizes.append(len(piece) // 3)
            xyt.fromlist(piece)
    x, y, t = np.asarray(xyt).reshape(-1, 3).T.copy()
    segment_offsets, starts = offsets_of(segments), offsets_of(sizes)
    offsets = starts[segment_offsets]
    return Traces(
        offsets=offsets,
        rows=np.repeat(np.arange(len(records)), np.diff(offsets)),
        segments=np.repeat(np.arange(len(sizes)), sizes),
        x=x,
        y=y,
        t=t,
        segment_offsets=segment_offsets,
        segment_starts=starts[:-1] - np.repeat(offsets[:-1], segments),
    )


# Words


@functools.lru_cache(maxsize=1 << 16)
def is_marks(token: str) -> bool:
    """Whether a token is nothing but characters that are no word by themselves."""
    return all(unicodedata.category(character) in common.NO_WORD for character in token)


@functools.lru_cache(maxsize=1 << 16)
def normalise(word: str) -> str:
    """A word as it is compared: folded, without outer marks and white space."""
    folded = unicodedata.normalize("NFKC", word).casefold()
    kept = [k for k, c in enumerate(folded) if not (is_marks(c) or c.isspace())]
    if not kept:
        return ""
    return folded[kept[0] : kept[-1] + 1] + common.accents(folded[kept[-1] + 1 :])


def split_words(text: str) -> tuple[list[str], list[int]]:
    """Words and where they begin; lone marks belong to the word before, else to the one after."""
    tokens = text.split()
    if " ".join(tokens) == text:
        starts = list(itertools.accumulate(map(len, tokens), lambda at, n: at + n + 1, initial=0))
        starts.pop()
    else:
        starts = [match.start() for match in re.finditer(r"\S+", text)]
    if any(map(is_marks, tokens)):
        return join_marks(text, tokens, starts)
    return tokens, starts


def join_marks(text: str, tokens: list[str], starts: list[int]) -> tuple[list[str], list[int]]:
    """Joins tokens of nothing but marks to words."""
    spans, waiting = [], None
    for token, start in zip(tokens, starts, strict=True):
        if not is_marks(token):
            spans.append((start if waiting is None else waiting, start + len(token)))
            waiting = None
        elif spans:
            spans[-1] = (spans[-1][0], start + len(token))
        elif waiting is None:
            waiting = start
    return [text[start:end] for start, end in spans], [start for start, _ in spans]


@functools.lru_cache(maxsize=1 << 16)
def spoken_words(text: str) -> list[str]:
    """The normalised words of an utterance."""
    return list(map(normalise, split_words(text)[0]))


def align(spoken: list[str], caption: list[str]) -> tuple[list[int], int]:
    """The caption word that each spoken word goes to, and D (Eq. 1).

    `best[i, j]` is D of the spoken words from i on if word i goes to j, times `scale`, less the
    caption words used after j: so it orders by D, then by the words left out.
    """
    n, m = len(spoken), len(caption)
    scale = m + 1
    costs = cdist(spoken, caption, scorer=Levenshtein.distance, dtype=np.int64) * scale
    best = costs.copy()
    for i in range(n - 2, -1, -1):
        later = np.minimum.accumulate(best[i + 1][::-1])[::-1]
        best[i, -1] += best[i + 1, -1]
        best[i, :-1] += np.minimum(best[i + 1, :-1], later[1:] - 1)
    path = [int(best[0].argmin())]
    for row, wanted in zip(best[1:].tolist(), (best - costs).tolist(), strict=False):
        j = path[-1]
        path.append(j if row[j] == wanted[j] else row.index(wanted[j] + 1, j + 1))
    return path, int(-(-best[0].min() // scale))


def word_times(path, spoken_starts, spoken_ends, words: int, t0: float, t1: float) -> np.ndarray:
    """Starts and ends of the caption's words (Eq. 2), inverted ones as they come."""
    starts, ends = np.full(words, np.inf), np.full(words, -np.inf)
    np.minimum.at(starts, path, spoken_starts)
    np.maximum.at(ends, path, spoken_ends)
    used = np.zeros(words, bool)
    used[path] = True
    latest = np.maximum.accumulate(ends)
    earliest = np.minimum.accumulate(starts[::-1])[::-1]
    starts = np.where(used, starts, np.where(latest == -np.inf, t0, latest))
    ends = np.where(used, ends, np.where(earliest == np.inf, t1, earliest))
    return np.stack([starts, ends])


@dataclasses.dataclass
class Speech:
    """The transcriptions of n narratives.

    Attributes:
      offsets: Shape `(n + 1,)`: utterances of each narrative.
      rows: Shape `(n_utterances,)`.
      starts: Shape `(n_utterances,)`, seconds.
      ends: Shape `(n_utterances,)`, seconds.
      words: The normalised words of each utterance.
    """

    offsets: np.ndarray
    rows: np.ndarray
    starts: np.ndarray
    ends: np.ndarray
    words: list[list[str]]


def read_speech(records: Sequence[Record]) -> Speech:
    """The transcriptions of records."""
    counts = [len(record.timed_caption) for record in records]
    utterances = [utterance for record in records for utterance in record.timed_caption]
    return Speech(
        offsets=offsets_of(counts),
        rows=np.repeat(np.arange(len(records)), counts),
        starts=np.array([utterance.start_time for utterance in utterances], float),
        ends=np.array([utterance.end_time for utterance in utterances], float),
        words=[spoken_words(utterance.utterance) for utterance in utterances],
    )


@dataclasses.dataclass
class Words:
    """The captions' words of n narratives.

    Attributes:
      rows: Shape `(n_words,)`: the narrative of each word.
      offsets: Shape `(n + 1,)`.
      texts: The words.
      char_start: Shape `(n_words,)`.
      char_end: Shape `(n_words,)`.
      starts: Shape `(n_words,)`, seconds, NaN where unknown.
      ends: Shape `(n_words,)`, seconds, NaN where unknown.
      inverted: Narratives with words whose times were inverted (and are collapsed).
      distances: D of each narrative, None where it has none.
      silent: Narratives without a word in their transcription.
    """

    rows: np.ndarray
    offsets: np.ndarray
    texts: list[str]
    char_start: np.ndarray
    char_end: np.ndarray
    starts: np.ndarray
    ends: np.ndarray
    inverted: np.ndarray
    distances: list[int | None]
    silent: list[int]


def time_words(records: Sequence[Record], speech: Speech, traces: Traces) -> Words:
    """Splits, aligns and times."""
    texts, char_start, counts, distances, silent = [], [], [], [], []
    sizes = list(map(len, speech.words))
    spoken_times = np.repeat([speech.starts, speech.ends], sizes, axis=1)
    spoken_offsets = offsets_of(sizes)[speech.offsets]
    times = []  # of each narrative: shape (2, words)
    for row, record in enumerate(records):
        words, starts = split_words(record.caption)
        heard = speech.words[speech.offsets[row] : speech.offsets[row + 1]]
        spoken = list(itertools.chain.from_iterable(heard))
        caption = list(map(normalise, words))
        own_times = spoken_times[:, spoken_offsets[row] : spoken_offsets[row + 1]]
        if not (spoken and words):
            distance, own_times = None, np.full((2, len(words)), np.nan)
        elif spoken == caption:  # D = 0 with every word used: only the identity has that
            distance = 0
        else:
            path, distance = align(spoken, caption)
            own_times = word_times(path, *own_times, len(words), *extent(speech, traces, row))
        texts += words
        char_start += starts
        counts.append(len(words))
        times.append(own_times)
        distances.append(distance)
        if not spoken:
            silent.append(row)
    rows = np.repeat(np.arange(len(records)), counts)
    start, end = np.concatenate(times, axis=1)
    char_start = np.array(char_start, np.int64)
    return Words(
        rows=rows,
        offsets=offsets_of(counts),
        texts=texts,
        char_start=char_start,
        char_end=char_start + list(map(len, texts)),
        starts=start,
        ends=np.where(start > end, start, end),
        inverted=rows[start > end],
        distances=distances,
        silent=silent,
    )


def extent(speech: Speech, traces: Traces, row: int) -> tuple[float, float]:
    """T0 and T1 of Eq. 2."""
    points = slice(traces.offsets[row], traces.offsets[row + 1])
    if points.stop > points.start:
        return traces.t[points].min(), traces.t[points].max()
    utterances = slice(speech.offsets[row], speech.offsets[row + 1])
    return speech.starts[utterances].min(), speech.ends[utterances].max()
