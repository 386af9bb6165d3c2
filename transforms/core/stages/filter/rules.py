"""Quality: rules that keep a narrative or give named reasons to discard it.

No rule is on by default: the published set is what was left after the paper's own discarding.
"""

import dataclasses
from fractions import Fraction

import numpy as np

REASONS = (
    "distance",
    "no_distance",
    "no_trace",
    "trace_shorter_than_speech",
    "few_words",
)
"""Names of the reasons; bit i of a mask stands for `REASONS[i]`."""


@dataclasses.dataclass(frozen=True)
class QualityRules:
    """Which rules are on.

    Attributes:
      max_distance: Keep D ≤ this many characters.
      max_distance_per_char: Keep D ≤ this × characters of the caption; exact, as a fraction.
      require_trace: Discard narratives without a trace point.
      min_trace_share: Discard where the trace spans less than this share of the speech's time.
      min_words: Discard captions of fewer words.
    """

    max_distance: int | None = None
    max_distance_per_char: Fraction | None = None
    require_trace: bool = False
    min_trace_share: float | None = None
    min_words: int | None = None

    def __post_init__(self):
        if self.max_distance is not None and self.max_distance_per_char is not None:
            raise ValueError("give max_distance or max_distance_per_char, not both")

    @property
    def any(self) -> bool:
        """Whether any rule is on."""
        return self != QualityRules()

    @property
    def judges_distance(self) -> bool:
        """Whether D matters."""
        return self.max_distance is not None or self.max_distance_per_char is not None


def exact_text(number: int | Fraction) -> str:
    """A number that is not negative as text from which it can be read exactly: a decimal where
    30 digits behind the point suffice, a fraction otherwise."""
    number = Fraction(number)
    scaled = number * 10**30
    if scaled.denominator > 1:
        return str(number)
    whole, rest = divmod(int(scaled), 10**30)
    return f"{whole}.{rest:030}".rstrip("0").rstrip(".")


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
    """

    distances: np.ndarray
    characters: np.ndarray
    words: np.ndarray
    trace_points: np.ndarray
    trace_seconds: np.ndarray
    speech_seconds: np.ndarray


def judge(evidence: Evidence, rules: QualityRules) -> np.ndarray:
    """Reasons to discard each narrative as a bit mask, shape `(n,)` uint32; 0 keeps it."""
    no_distance = evidence.distances < 0
    found = {
        "distance": ~no_distance & _too_far(evidence, rules),
        "no_distance": no_distance & rules.judges_distance,
        "no_trace": (evidence.trace_points == 0) & rules.require_trace,
        "trace_shorter_than_speech": evidence.trace_seconds
        < (rules.min_trace_share or 0) * evidence.speech_seconds,
        "few_words": evidence.words < (rules.min_words or 0),
    }
    masks = [found[reason].astype(np.uint32) << bit for bit, reason in enumerate(REASONS)]
    return np.bitwise_or.reduce(masks)


def _too_far(evidence: Evidence, rules: QualityRules) -> np.ndarray:
    if rules.max_distance is not None:
        return evidence.distances > rules.max_distance
    if rules.max_distance_per_char is not None:
        return evidence.distances > _limits(evidence.characters, rules.max_distance_per_char)
    return np.zeros(len(evidence.distances), bool)


_LARGEST = 2**63 - 1


def _limits(characters: np.ndarray, share: Fraction) -> np.ndarray:
    """The largest D that captions of these lengths may have, shape `(n,)` int64.

    D > c · share just where D > ⌊c · share⌋, since D is an integer; in Python's integers, once a
    distinct length, it is exact for any share.
    """
    lengths, which = np.unique(characters, return_inverse=True)
    limits = [
        min(length * share.numerator // share.denominator, _LARGEST) for length in lengths.tolist()
    ]
    return np.array(limits, np.int64)[which]
