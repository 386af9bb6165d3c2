"""Rules of a file of checks: bounds of what a version measures, alone or against another one."""

import dataclasses
import difflib
import math
from collections.abc import Collection, Mapping
from typing import Any, ClassVar, Literal

from transforms.core.output.checks.profile import KNOWN, WHOLE_SHARES

PREVIOUS = "previous"
"""The version that is current when a run is planned; every other name is a tag."""

FLAGGED = "flagged"
"""Stands for the shares of all flags."""

_LIMITED = {
    "rejected": "max_bad_share",
    "dataset_id_differs": "max_differing_share",
    "images_joined": "min_joined_share",
    "labels_joined": "min_joined_share",
    "boxes_joined": "min_joined_share",
    "mentions_with_box": "min_boxed_share",
}
"""Measures that options limit too."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class Rule:
    """What all rules have.

    Attributes:
      severity: What a failure does: `hold` holds the version back, `warn` is printed.
      across: Whether each split is judged, or all of them together.
      datasets: Those whose splits are judged; empty for all.
      published: Judges only splits of which everything was read that a catalog knows.
      min_narratives: Narratives below which a split, in either version, says nothing.
    """

    __pydantic_config__: ClassVar[Any] = {"extra": "forbid"}

    severity: Literal["warn", "hold"]
    across: Literal["splits", "all"] = "splits"
    datasets: tuple[str, ...] = ()
    published: bool = False
    min_narratives: int = 1_000

    def __post_init__(self) -> None:
        if self.datasets and is_whole(self):
            raise ValueError("`datasets` goes with checks of single splits, not of all together")


@dataclasses.dataclass(frozen=True, kw_only=True)
class RangeRule(Rule):
    """A number, mean or share is within bounds.

    Attributes:
      measure: One of `profile.KNOWN`, or `flagged` for the shares of all flags.
      at_least: The least value, None for no such bound.
      at_most: The greatest value, None for no such bound.
    """

    kind: Literal["range"] = "range"
    measure: str
    at_least: float | None = None
    at_most: float | None = None

    def __post_init__(self) -> None:
        super().__post_init__()
        _check_measure(self.measure)
        bounds = [bound for bound in (self.at_least, self.at_most) if bound is not None]
        if not bounds:
            raise ValueError("give `at_least`, `at_most` or both")
        if not all(map(math.isfinite, bounds)) or bounds != sorted(bounds):
            raise ValueError("`at_least` and `at_most` must be numbers, the first not the greater")


@dataclasses.dataclass(frozen=True, kw_only=True)
class DriftRule(Rule):
    """A number, mean or share is about what it is in another version.

    Attributes:
      measure: One of `profile.KNOWN`, or `flagged` for the shares of all flags.
      by: Whether the change is divided by the other version's value.
      at_most: The greatest change, up or down.
      against: `previous`, or a tag.
      falls: Whether what is smaller than it was is judged.
    """

    kind: Literal["drift"] = "drift"
    measure: str
    by: Literal["relative", "absolute"] = "relative"
    at_most: float
    against: str = PREVIOUS
    falls: bool = True

    def __post_init__(self) -> None:
        super().__post_init__()
        _check_measure(self.measure)
        _check_limit(self.at_most)


@dataclasses.dataclass(frozen=True, kw_only=True)
class DivergenceRule(Rule):
    """A distribution is about what it is in another version, by `divergence.jensen_shannon`.

    Attributes:
      of: The table: `noun_counts` (nouns per caption), or `distances` (D, by its binary digits).
      at_most: The greatest divergence, in bits.
      against: `previous`, or a tag.
    """

    kind: Literal["jensen_shannon"] = "jensen_shannon"
    of: Literal["noun_counts", "distances"]
    at_most: float
    against: str = PREVIOUS

    def __post_init__(self) -> None:
        super().__post_init__()
        _check_limit(self.at_most)


@dataclasses.dataclass(frozen=True, kw_only=True)
class ChangesRule(Rule):
    """A vocabulary is what it is in another version.

    Attributes:
      of: One of `profile.TERMS`.
      appear: Whether a term that only this version has is a change.
      vanish: Whether a term that only the other version has is one.
      min_count: How often a term must occur in the one to be missed in the other.
      at_most: Changes that are let pass.
      against: `previous`, or a tag.
    """

    kind: Literal["changes"] = "changes"
    of: Literal["columns", "splits", "flags", "rejects", "reasons", "classes"]
    appear: bool = True
    vanish: bool = True
    min_count: int = 1
    at_most: int = 0
    against: str = PREVIOUS

    def __post_init__(self) -> None:
        super().__post_init__()
        _check_limit(self.at_most)


AnyRule = RangeRule | DriftRule | DivergenceRule | ChangesRule
Rules = Mapping[str, AnyRule]
"""Rules by name."""


def _check_measure(name: str) -> None:
    known = (*KNOWN, FLAGGED)
    if name not in known:
        close = difflib.get_close_matches(name, known, n=1)
        meant = f"; did you mean `{close[0]}`?" if close else f"; there is {', '.join(known)}"
        raise ValueError(f"no measure is called `{name}`{meant}")


def _check_limit(limit: float) -> None:
    if not 0 <= limit < math.inf:
        raise ValueError("`at_most` must be a number of at least 0")


def is_whole(rule: Rule) -> bool:
    """Whether a rule is about all splits together, whatever it says of it."""
    measure = getattr(rule, "measure", None)  # not all kinds have one
    return (
        isinstance(rule, ChangesRule)
        or rule.across == "all"
        or measure == FLAGGED
        or measure in WHOLE_SHARES
    )


def tags_of(rules: Rules) -> list[str]:
    """The tags against whose versions rules compare."""
    named = [rule.against for rule in rules.values() if not isinstance(rule, RangeRule)]
    return sorted({name for name in named if name != PREVIOUS})


def under_options(rules: Rules, given: Collection[str]) -> tuple[Rules, dict[str, str]]:
    """Rules without the bounds that options draw: what somebody has given wins over the file.

    Args:
      rules: The rules.
      given: Names of the options that were given.

    Returns:
      The rules, and by the names of those that are left out the options in whose favour.
    """
    kept: dict[str, AnyRule] = {}
    left_out: dict[str, str] = {}
    for name, rule in rules.items():
        option = _LIMITED.get(rule.measure, "") if isinstance(rule, RangeRule) else ""
        if isinstance(rule, RangeRule) and option in given:
            is_most = option.startswith("max_")
            if (rule.at_least if is_most else rule.at_most) is None:
                left_out[name] = option
                continue
            if is_most:
                rule = dataclasses.replace(rule, at_most=None)
            else:
                rule = dataclasses.replace(rule, at_least=None)
        elif isinstance(rule, DriftRule) and "max_shrink_share" in given:
            if rule.measure in ("narratives", "captions"):
                rule = dataclasses.replace(rule, falls=False)
        kept[name] = rule
    return kept, left_out
