"""The rules on D that keep or discard a narrative, in exact arithmetic."""

from fractions import Fraction


def exact(number):
    """A number as its decimals say it: 0.1 is one tenth."""
    return Fraction(str(number))


def reasons(distance, characters, max_distance=None, max_distance_per_char=None):
    """Why a narrative is discarded; an empty list if it is kept."""
    if max_distance is None and max_distance_per_char is None:
        return []
    if distance is None:
        return ["no_distance"]
    too_far = max_distance is not None and distance > exact(max_distance)
    if max_distance_per_char is not None:
        too_far = too_far or distance > exact(max_distance_per_char) * characters
    return ["distance"] if too_far else []


def calibrate(distances, share):
    """The smallest threshold that discards at most a share, by trying every value there is.

    Args:
        distances: D, or D per character as a Fraction, of every narrative; None, which every
            threshold discards, where there is none.
        share: in [0, 1].

    Returns:
        None if no threshold discards so few.
    """
    known = [distance for distance in distances if distance is not None]
    for threshold in sorted({0, *known}):
        discarded = sum(distance is None or distance > threshold for distance in distances)
        if discarded <= exact(share) * len(distances):
            return threshold
    return None


def distances_per_character(pairs):
    """D / characters, exact, of (D, characters); None where D is."""
    return [d if d is None else Fraction(d, characters) for d, characters in pairs]
