"""Perceptually uniform colour maps: viridis for counts, plasma for time.

Both by Stéfan van der Walt and Nathaniel Smith (CC0), here as 33 samples each between which
colours are interpolated.
"""

from collections.abc import Sequence

Colour = tuple[int, int, int]

_VIRIDIS = """
440154 470d60 48186a 482374 472d7b 453781 424086 3e4989 3b528b 375b8d 33638d 2f6b8e 2c728e
297a8e 26828e 23898e 21918c 1f988b 1fa088 22a785 28ae80 32b67a 3fbc73 4ec36b 5ec962 70cf57
84d44b 98d83e addc30 c2df23 d8e219 ece51b fde725
"""

_PLASMA = """
0d0887 220690 310597 3f049c 4c02a1 5901a5 6600a7 7201a8 7e03a8 8a09a5 9511a1 a01a9c aa2395
b32c8e bc3587 c43e7f cc4778 d35171 da5a6a e06363 e66c5c eb7655 f0804e f58b47 f89540 fba139
fdac33 feb82c fdc527 fcd225 f8df25 f4ed27 f0f921
"""


def _samples(text: str) -> tuple[Colour, ...]:
    parts = (bytes.fromhex(sample) for sample in text.split())
    return tuple((red, green, blue) for red, green, blue in parts)


VIRIDIS = _samples(_VIRIDIS)
PLASMA = _samples(_PLASMA)

TIME_CLASSES = 28
"""Steps in which time is coloured."""

ON_LIGHT = (0.0, 0.72)
"""The part of the plasma map that stands out from white."""

ON_DARK = (0.30, 1.0)
"""The part that stands out from black."""


def colour_at(samples: Sequence[Colour], position: float) -> Colour:
    """The colour at a position in [0, 1] of a map."""
    at = min(max(position, 0.0), 1.0) * (len(samples) - 1)
    low = min(int(at), len(samples) - 2)
    red, green, blue = (
        round(a + (b - a) * (at - low)) for a, b in zip(samples[low], samples[low + 1], strict=True)
    )
    return red, green, blue


def hexadecimal(colour: Colour) -> str:
    """A colour as `#rrggbb`.

    >>> hexadecimal((0, 128, 255))
    '#0080ff'
    """
    return "#" + bytes(colour).hex()


def time_class(position: float) -> int:
    """The colour step of a position in [0, 1] between a narrative's first and last moment."""
    return min(max(int(position * TIME_CLASSES), 0), TIME_CLASSES - 1)


def time_palette(part: tuple[float, float]) -> list[str]:
    """The colours of the time steps, from a part of the plasma map."""
    first, last = part
    step = (last - first) / (TIME_CLASSES - 1)
    return [hexadecimal(colour_at(PLASMA, first + step * k)) for k in range(TIME_CLASSES)]
