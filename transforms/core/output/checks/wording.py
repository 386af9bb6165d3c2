"""Rows of the rules of a file of checks, in words."""

from transforms.core.base.errors import option
from transforms.core.model.manifest_entries import CheckRow
from transforms.core.output.checks.guard import SHARE
from transforms.core.output.checks.profile import SHARES, WHOLE_SHARES

_KINDS = {"jensen_shannon": "the distribution of ", "changes": "the vocabulary of "}

_SHARES = {*SHARES, *WHOLE_SHARES}


def is_broken(row: CheckRow) -> bool:
    """Whether it is a rule of a file, and not kept."""
    return row.kind != SHARE and not row.passed


def holds(row: CheckRow) -> bool:
    """Whether it is one that holds a version back."""
    return is_broken(row) and row.severity == "hold"


def describe_rule(row: CheckRow) -> str:
    """A row in one sentence, with the name of its rule."""
    named = " ".join(part for part in (row.dataset, row.split) if part)
    where = f" of {named}" if named else ""
    measure = _KINDS.get(row.kind, "") + (row.measure or "").replace("_", " ")
    return f"{measure}{where} {finding(row)} (check `{row.name}` of {option('checks')})"


def finding(row: CheckRow) -> str:
    """What was found, and the limit.

    >>> row = CheckRow("n", None, None, 1, 4, "checks", 0.25, 0.2, False, "range", at_most=0.2,
    ...     measure="rejected", now=0.25)
    >>> print(finding(row))
    is 25.00 %, expected at most 20.00 %
    """
    limit = f"{'at most' if row.passed else 'above'}"
    match row.kind:
        case "range":
            return f"is {_number(row, row.value)}, expected {_bounds(row)}"
        case "relative_drift":
            by = f"{row.value:.1%} from".replace("%", " %")
            return f"is {_was(row)}: {by} it, {limit} {100 * row.limit:g} %"
        case "absolute_drift":
            by = _number(row, row.value)
            return f"is {_was(row)}: {by} apart, {limit} {_number(row, row.limit)}"
        case "jensen_shannon":
            return (
                f"differs from version {row.baseline} by a Jensen-Shannon divergence of "
                f"{row.value:.4f} bits, {limit} {row.limit:g}"
            )
    listed = ", ".join(row.details)
    return (
        f"has {row.count:,} changes against version {row.baseline}, {limit} {row.limit:g}"
        f"{': ' if listed else ''}{listed}"
    )


def _was(row: CheckRow) -> str:
    now, before = _number(row, row.now), _number(row, row.before)
    return f"{now} and was {before} in version {row.baseline}"


def _bounds(row: CheckRow) -> str:
    if row.at_least is None:
        return f"at most {_number(row, row.at_most)}"
    if row.at_most is None:
        return f"at least {_number(row, row.at_least)}"
    return f"{_number(row, row.at_least)} to {_number(row, row.at_most)}"


def _number(row: CheckRow, value: float | None) -> str:
    if value is None:
        return "unknown"
    if row.measure in _SHARES:
        return f"{100 * value:.2f} %"
    return f"{value:,.10g}" if value == int(value) else f"{value:,.3f}"
