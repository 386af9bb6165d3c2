"""Calibration: from the counts of D to the threshold that discards a given share."""

import math
from collections.abc import Mapping
from fractions import Fraction

import google_crc32c
import msgspec

from transforms.core.base.errors import UNREADABLE

DistanceCounts = Mapping[tuple[int, int], int]
"""Narratives by (D, caption characters); D is -1 where it is null."""


def calibrate(counts: DistanceCounts, discard_share: float, per_char: bool) -> int | Fraction:
    """The smallest threshold that discards at most the given share.

    Args:
      counts: Narratives by (D, characters).
      discard_share: Between 0 and 1; the paper discarded 0.235.
      per_char: Whether D is judged per caption character.

    Returns:
      The threshold: characters, or an exact fraction of D over characters.

    Raises:
      ValueError: More narratives than the share have no D.

    >>> calibrate({(0, 10): 3, (1, 10): 4, (9, 10): 3}, 0.3, per_char=False)
    1
    """
    by_badness: dict[Fraction, int] = {}
    undefined = 0
    for (distance, characters), number in counts.items():
        if distance < 0 or (per_char and not characters):
            undefined += number
            continue
        badness = Fraction(distance, characters if per_char else 1)
        by_badness[badness] = by_badness.get(badness, 0) + number
    total = undefined + sum(by_badness.values())
    allowed = math.floor(Fraction(str(discard_share)) * total)
    discarded = undefined
    if discarded > allowed:
        raise ValueError(
            f"{undefined} of {total} narratives have no distance, more than the share "
            f"{discard_share} that may be discarded"
        )
    threshold = Fraction(0)
    for badness in sorted(by_badness, reverse=True):
        threshold = badness
        discarded += by_badness[badness]
        if discarded > allowed:
            break
    else:
        threshold = Fraction(0)
    return threshold if per_char else int(threshold)


def exact_text(number: int | Fraction) -> str:
    """A number that is not negative as text from which it can be read exactly.

    It is a decimal where 30 digits behind the point suffice, a fraction otherwise.

    >>> exact_text(Fraction(1, 8)), exact_text(Fraction(1, 7))
    ('0.125', '1/7')
    """
    number = Fraction(number)
    scaled = number * 10**30
    if scaled.denominator > 1:
        return str(number)
    whole, rest = divmod(int(scaled), 10**30)
    return f"{whole}.{rest:030}".rstrip("0").rstrip(".")


class _Kept(msgspec.Struct):
    """Counts as they are kept: rows of D, characters and narratives, with their CRC32C."""

    rows: list[tuple[int, int, int]]
    crc32c: int


def encode_counts(counts: DistanceCounts) -> bytes:
    """Counts as JSON, rows in order, with a checksum; for later runs over the same input."""
    rows = sorted((*key, number) for key, number in counts.items())
    return msgspec.json.encode(_Kept(rows, _checksum(rows)))


def decode_counts(data: bytes) -> dict[tuple[int, int], int] | None:
    """What `encode_counts` made, None where it is corrupt."""
    try:
        kept = msgspec.json.decode(data, type=_Kept)
    except UNREADABLE:
        return None
    if kept.crc32c != _checksum(kept.rows):
        return None
    return {(distance, characters): number for distance, characters, number in kept.rows}


def _checksum(rows: list[tuple[int, int, int]]) -> int:
    return google_crc32c.value(msgspec.json.encode(rows))
