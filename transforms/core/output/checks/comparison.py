"""Judging a version by the rules of a file of checks."""

from collections.abc import Iterator, Mapping
from typing import NamedTuple

from transforms.core.base.errors import shown
from transforms.core.model.manifest_entries import CheckRow, NotCompared
from transforms.core.output.checks.divergence import by_magnitude, jensen_shannon
from transforms.core.output.checks.profile import FLAGGED as FLAG_SHARES
from transforms.core.output.checks.profile import Measured, Profile, Split
from transforms.core.output.checks.rules import (
    FLAGGED,
    AnyRule,
    ChangesRule,
    DivergenceRule,
    DriftRule,
    RangeRule,
    Rules,
    is_whole,
)

OPTION = "checks"
"""The option that names the file, as rows of its rules have it."""

SHOWN_TERMS = 20

_ROUNDING = 1e-12


class _NotJudged(Exception):
    """A rule says nothing of a version; says why."""


class _Place(NamedTuple):
    """What is judged: a split, or all of them together (both parts None)."""

    split: Split
    whole: bool

    def measures(self, profile: Profile) -> Mapping[str, Measured]:
        return profile.whole if self.whole else profile.splits.get(self.split, {})

    def narratives(self, profile: Profile) -> int:
        if self.whole:
            return sum(profile.narratives.values())
        return profile.narratives.get(self.split, 0)

    def counts(self, profile: Profile, table: str) -> Mapping[int, int]:
        """A distribution."""
        found = profile.distributions.get(table, {})
        if not self.whole:
            return found.get(self.split, {})
        together: dict[int, int] = {}
        for counts in found.values():
            for value, number in counts.items():
                together[value] = together.get(value, 0) + number
        return together


def check_rules(
    rules: Rules, profile: Profile, baselines: Mapping[str, Profile | str]
) -> tuple[list[CheckRow], list[NotCompared]]:
    """Judges a version.

    Args:
      rules: The rules by name.
      profile: The version.
      baselines: The versions that it is compared with, by what rules call them (`against`); in
        place of one that is not there, why.

    Returns:
      A row for each rule and split that is judged, and the rules that judge none.
    """
    checks: list[CheckRow] = []
    not_compared: list[NotCompared] = []
    for name, rule in rules.items():
        try:
            checks += _judge(name, rule, profile, baselines)
        except _NotJudged as error:
            not_compared.append(NotCompared(name, str(error)))
    return checks, not_compared


def _judge(
    name: str, rule: AnyRule, profile: Profile, baselines: Mapping[str, Profile | str]
) -> list[CheckRow]:
    if isinstance(rule, RangeRule):
        return _found(_ranges(name, rule, profile), rule, profile)
    other = baselines[rule.against]
    if isinstance(other, str):
        raise _NotJudged(other)
    if isinstance(rule, DriftRule):
        rows = _drifts(name, rule, profile, other)
    elif isinstance(rule, DivergenceRule):
        rows = _divergences(name, rule, profile, other)
    else:
        rows = _changes(name, rule, profile, other)
    return _found(rows, rule, profile, other)


def _found(rows: Iterator[CheckRow], rule: AnyRule, *profiles: Profile) -> list[CheckRow]:
    """The rows.

    Raises:
      _NotJudged: There are none.
    """
    made = list(rows)
    if made:
        return made
    if not any(_places(rule, *profiles)):
        what = "no published split was read completely" if rule.published else "there is no split"
        fewest = f" with {rule.min_narratives:,} narratives" if rule.min_narratives else ""
        both = " in both versions" if len(profiles) > 1 else ""
        raise _NotJudged(f"{what}{fewest}{both}")
    about = getattr(rule, "measure", None) or getattr(rule, "of", "")
    raise _NotJudged(f"{about} is not known of {' or '.join(one.version for one in profiles)}")


def _places(rule: AnyRule, *profiles: Profile) -> list[_Place]:
    """What a rule judges: all of it must be there in all versions."""
    first = profiles[0]
    if is_whole(rule):
        published = first.narratives.keys() <= first.published
        places = [_Place((None, None), True)] if published or not rule.published else []
    else:
        places = [
            _Place(split, False)
            for split in first.narratives
            if (not rule.datasets or split[0] in rule.datasets)
            and (split in first.published or not rule.published)
        ]
    fewest = max(rule.min_narratives, 1)
    return [p for p in places if all(p.narratives(one) >= fewest for one in profiles)]


def _measured(rule: RangeRule | DriftRule) -> list[str]:
    return list(FLAG_SHARES) if rule.measure == FLAGGED else [rule.measure]


def _ranges(name: str, rule: RangeRule, profile: Profile) -> Iterator[CheckRow]:
    least = float("-inf") if rule.at_least is None else rule.at_least
    most = float("inf") if rule.at_most is None else rule.at_most
    for place in _places(rule, profile):
        measures = place.measures(profile)
        for measure in _measured(rule):
            if measure in measures:
                now = measures[measure]
                yield CheckRow(
                    name=name, dataset=place.split[0], split=place.split[1],
                    count=now.part, total=now.total, option=OPTION, value=now.value,
                    limit=least if now.value - least < most - now.value else most,
                    passed=least - _ROUNDING <= now.value <= most + _ROUNDING,
                    kind="range", severity=rule.severity, measure=measure, now=now.value,
                    at_least=rule.at_least, at_most=rule.at_most,
                )  # fmt: skip


def _drifts(name: str, rule: DriftRule, profile: Profile, other: Profile) -> Iterator[CheckRow]:
    for place in _places(rule, profile, other):
        now_there, before_there = place.measures(profile), place.measures(other)
        for measure in _measured(rule):
            if measure in now_there and measure in before_there:
                now, before = now_there[measure], before_there[measure].value
                change = drift(now.value, before, rule.by == "relative")
                judged = rule.falls or now.value > before
                yield CheckRow(
                    name=name, dataset=place.split[0], split=place.split[1],
                    count=now.part, total=now.total, option=OPTION, value=change,
                    limit=rule.at_most, passed=change <= rule.at_most + _ROUNDING or not judged,
                    kind=f"{rule.by}_drift", severity=rule.severity, measure=measure,
                    now=now.value, before=before, baseline=other.version,
                )  # fmt: skip


def drift(now: float, before: float, relative: bool) -> float:
    """How far a value is from what it was; from nothing to something is 1, relatively.

    >>> drift(30, 40, relative=True), drift(30, 40, relative=False), drift(3, 0, relative=True)
    (0.25, 10, 1.0)
    """
    change = abs(now - before)
    if not relative or not change:
        return change
    return change / abs(before) if before else 1.0


def _divergences(
    name: str, rule: DivergenceRule, profile: Profile, other: Profile
) -> Iterator[CheckRow]:
    for place in _places(rule, profile, other):
        now, before = place.counts(profile, rule.of), place.counts(other, rule.of)
        if rule.of == "distances":  # of single values there are too many for the captions
            now, before = by_magnitude(now), by_magnitude(before)
        if now and before:
            bits = jensen_shannon(now, before)
            yield CheckRow(
                name=name, dataset=place.split[0], split=place.split[1],
                count=sum(now.values()), total=sum(before.values()), option=OPTION, value=bits,
                limit=rule.at_most, passed=bits <= rule.at_most + _ROUNDING,
                kind="jensen_shannon", severity=rule.severity, measure=rule.of,
                baseline=other.version,
            )  # fmt: skip


def _changes(name: str, rule: ChangesRule, profile: Profile, other: Profile) -> Iterator[CheckRow]:
    now, before = profile.terms.get(rule.of), other.terms.get(rule.of)
    if now is None or before is None or not _places(rule, profile, other):
        return
    appeared = [*_missing(now, before, rule.min_count)] if rule.appear else []
    vanished = [*_missing(before, now, rule.min_count)] if rule.vanish else []
    changes = len(appeared) + len(vanished)
    listed = [*(f"+{term}" for term in appeared), *(f"-{term}" for term in vanished)]
    yield CheckRow(
        name=name, dataset=None, split=None, count=changes, total=len(now.keys() | before.keys()),
        option=OPTION, value=float(changes), limit=float(rule.at_most),
        passed=changes <= rule.at_most,
        kind="changes", severity=rule.severity, measure=rule.of, baseline=other.version,
        details=[shown(term) for term in listed[:SHOWN_TERMS]],
    )  # fmt: skip


def _missing(there: Mapping[str, int], here: Mapping[str, int], fewest: int) -> Iterator[str]:
    """Terms of the one that occur as often as that, and not at all in the other."""
    return (term for term in sorted(there) if there[term] >= fewest and term not in here)
