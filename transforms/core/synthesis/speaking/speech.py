"""When each word of a caption is spoken, and how words are grouped to utterances."""

import dataclasses

import numpy as np

from transforms.core.synthesis import measured

_SHORTEST = 0.06
_OPENER_GROUP_SHARE = 0.6
_GROUP_SHARE = 0.06


@dataclasses.dataclass(frozen=True, slots=True)
class Speech:
    """Times of a caption's words, in tenths of a second as published.

    Attributes:
      starts: Shape `(n_words,)` integers.
      ends: Shape `(n_words,)` integers, not before `starts`.
      run_starts: Shape `(n_words,)` integers: start of the stretch without a pause.
    """

    starts: np.ndarray
    ends: np.ndarray
    run_starts: np.ndarray


def speak(words: list[str], joined: np.ndarray, generator: np.random.Generator) -> Speech:
    """Times of words as measured: durations by length, pauses, and the lead.

    Args:
      words: The caption's words.
      joined: Shape `(n_words,)` booleans: no pause comes after this word.
      generator: Chance.
    """
    lengths = np.array([len(word) for word in words])
    spread = measured.WORD_SECONDS_SPREAD
    noise = np.exp(spread * generator.standard_normal(len(words)) - spread**2 / 2)
    slope, base = measured.WORD_SECONDS_PER_CHARACTER, measured.WORD_SECONDS_BASE
    durations = np.maximum((base + slope * lengths) * noise, _SHORTEST)
    pauses = _pauses(joined, generator)
    before = np.concatenate([[0.0], np.cumsum(durations[:-1] + pauses[:-1])])
    starts = before + np.interp(generator.random(), measured.LEVELS, measured.LEAD_SECONDS)
    tenths = np.rint(starts * 10).astype(np.int64)
    ends = np.rint((starts + durations) * 10).astype(np.int64)
    fresh = np.concatenate([[True], pauses[:-1] > 0])
    return Speech(tenths, ends, np.maximum.accumulate(np.where(fresh, tenths, 0)))


def _pauses(joined: np.ndarray, generator: np.random.Generator) -> np.ndarray:
    """Seconds of silence after each word; where no pause may be, others are likelier."""
    free = ~joined
    share = min(1.0, measured.PAUSE_SHARE * len(joined) / max(1, free.sum()))
    silent = free & (generator.random(len(joined)) < share)
    return silent * np.interp(
        generator.random(len(joined)), measured.LEVELS, measured.PAUSE_SECONDS
    )


def draw_groups(n_words: int, generator: np.random.Generator) -> np.ndarray:
    """Which words are said in one breath with the next: shape `(n_words,)` booleans.

    The first two often are ("In this"), others now and then.
    """
    rolls = generator.random(n_words)
    joined = rolls < _GROUP_SHARE
    joined[0] = rolls[0] < _OPENER_GROUP_SHARE
    joined[-1] = False
    return joined


def group_utterances(joined: np.ndarray) -> np.ndarray:
    """First word of each utterance, and the number of words at the end."""
    firsts = np.flatnonzero(np.concatenate([[True], ~joined[:-1]]))
    return np.append(firsts, len(joined))
