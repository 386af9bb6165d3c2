"""FilterQuality: rules that keep a narrative, or set it aside with named reasons.

No rule is on by default: the published set is what was left after the paper's own discarding. A
rule is one class and, for the command line, an entry of `RULES` and an option of its name.
"""

import abc
import dataclasses
from collections.abc import Sequence
from fractions import Fraction
from typing import Any, ClassVar

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from transforms.core.model.chunk import Chunk
from transforms.core.model.columns import reduce_rows, set_columns, unpack
from transforms.core.model.narratives import flags
from transforms.core.model.narratives.traces import points
from transforms.core.stages.ground_words import times


@dataclasses.dataclass(frozen=True)
class Evidence:
    """What the rules look at, for n narratives.

    Attributes:
      distances: Shape `(n,)` int64: D, negative where null.
      characters: Shape `(n,)`: length of the caption.
      words: Shape `(n,)`: words of the caption.
      trace_points: Shape `(n,)`.
      trace_seconds: Shape `(n,)`: time from the first to the last trace point, 0 without.
      speech_seconds: Shape `(n,)`: time from the first word's start to the last word's end.
      narratives: The rows themselves, for a rule that needs more.
    """

    distances: np.ndarray
    characters: np.ndarray
    words: np.ndarray
    trace_points: np.ndarray
    trace_seconds: np.ndarray
    speech_seconds: np.ndarray
    narratives: pa.RecordBatch | None = None


class Rule(abc.ABC):
    """A quality rule; subclasses are frozen dataclasses of its limits, which must pickle.

    Attributes:
      name: The rule's name.
      reasons: Names of the reasons for which it discards.
      limit: What it compares with.
    """

    name: ClassVar[str]
    reasons: ClassVar[tuple[str, ...]]
    limit: Any

    @abc.abstractmethod
    def violated(self, evidence: Evidence) -> tuple[np.ndarray, ...]:
        """Whether each narrative is to be discarded: for each of `reasons` shape `(n,)` bool."""


@dataclasses.dataclass(frozen=True)
class MaxDistance(Rule):
    """Keeps D ≤ `limit` characters."""

    name = "max_distance"
    reasons = ("distance", "no_distance")
    limit: int

    def violated(self, evidence: Evidence) -> tuple[np.ndarray, ...]:
        """D is above the limit; D is null."""
        return evidence.distances > self.limit, evidence.distances < 0


@dataclasses.dataclass(frozen=True)
class MaxDistancePerChar(Rule):
    """Keeps D ≤ `limit` × characters of the caption; exact, as a fraction."""

    name = "max_distance_per_char"
    reasons = ("distance", "no_distance")
    limit: Fraction

    def violated(self, evidence: Evidence) -> tuple[np.ndarray, ...]:
        """D is above the caption's limit; D is null."""
        limits = _distance_limits(evidence.characters, self.limit)
        return evidence.distances > limits, evidence.distances < 0


@dataclasses.dataclass(frozen=True)
class RequireTrace(Rule):
    """Discards narratives without a trace point."""

    name = "require_trace"
    reasons = ("no_trace",)
    limit: bool = True

    def violated(self, evidence: Evidence) -> tuple[np.ndarray, ...]:
        """There is no trace point."""
        return ((evidence.trace_points == 0) & self.limit,)


@dataclasses.dataclass(frozen=True)
class MinTraceShare(Rule):
    """Discards where the trace spans less than the share `limit` of the speech's time."""

    name = "min_trace_share"
    reasons = ("trace_shorter_than_speech",)
    limit: float

    def violated(self, evidence: Evidence) -> tuple[np.ndarray, ...]:
        """The trace is shorter."""
        return (evidence.trace_seconds < self.limit * evidence.speech_seconds,)


@dataclasses.dataclass(frozen=True)
class MinWords(Rule):
    """Discards captions of fewer words than `limit`."""

    name = "min_words"
    reasons = ("few_words",)
    limit: int

    def violated(self, evidence: Evidence) -> tuple[np.ndarray, ...]:
        """There are fewer words."""
        return (evidence.words < self.limit,)


RULES = (MaxDistance, MaxDistancePerChar, RequireTrace, MinTraceShare, MinWords)
"""The rules that have an option, in the order of their reasons."""


def filter_quality(chunk: Chunk, rules: Sequence[Rule]) -> Chunk:
    """Splits the narratives into those kept and `discarded`, which gains a column `reasons`."""
    if not rules:
        return chunk
    masks, reasons = judge(_evidence(chunk["narratives"]), rules)
    keep = masks == 0
    discarded = chunk["narratives"].filter(pa.array(~keep))
    return chunk.with_tables(
        narratives=chunk["narratives"]
        if keep.all()
        else chunk["narratives"].filter(pa.array(keep)),
        discarded=set_columns(discarded, reasons=flags.names(masks[~keep], reasons)),
    )


def judge(evidence: Evidence, rules: Sequence[Rule]) -> tuple[np.ndarray, tuple[str, ...]]:
    """Reasons to discard each narrative.

    Returns:
      Shape `(n,)` uint32, a bit mask, 0 where a narrative is kept; and the names of the bits.
    """
    reasons = reasons_of(rules)
    found = [column for rule in rules for column in rule.violated(evidence)]
    masks = np.zeros(len(evidence.distances), np.uint32)
    for bit, column in enumerate(found):
        masks |= column.astype(np.uint32) << bit
    return masks, reasons


def reasons_of(rules: Sequence[Rule]) -> tuple[str, ...]:
    """Names of the reasons for which rules discard.

    Raises:
      ValueError: Two rules have a reason in common.
    """
    reasons = tuple(reason for rule in rules for reason in rule.reasons)
    if len({*reasons}) < len(reasons):
        names = " and ".join(rule.name for rule in rules)
        raise ValueError(f"{names} discard for the same reason: give one of them")
    return reasons


def _evidence(narratives: pa.RecordBatch) -> Evidence:
    word_offsets, words = unpack(narratives["words"])
    point_offsets, _, _, t = points(narratives)
    return Evidence(
        distances=pc.fill_null(narratives["distance"], -1).to_numpy(),
        characters=pc.utf8_length(narratives["caption"]).to_numpy(),
        words=np.diff(word_offsets),
        trace_points=np.diff(point_offsets),
        trace_seconds=_span(t, t, point_offsets),
        speech_seconds=_span(times(words, "start_time"), times(words, "end_time"), word_offsets),
        narratives=narratives,
    )


def _span(starts: np.ndarray, ends: np.ndarray, offsets: np.ndarray) -> np.ndarray:
    """Seconds from the smallest start to the largest end of each row, 0 where unknown."""
    span = reduce_rows(np.maximum, ends, offsets) - reduce_rows(np.minimum, starts, offsets)
    return np.nan_to_num(span)


_LARGEST = 2**63 - 1


def _distance_limits(characters: np.ndarray, share: Fraction) -> np.ndarray:
    """The largest D that captions of these lengths may have, shape `(n,)` int64.

    D > c · share just where D > ⌊c · share⌋, since D is an integer; in Python's integers, once a
    distinct length, it is exact for any share.
    """
    lengths, which = np.unique(characters, return_inverse=True)
    limits = [
        min(length * share.numerator // share.denominator, _LARGEST) for length in lengths.tolist()
    ]
    return np.array(limits, np.int64)[which]
