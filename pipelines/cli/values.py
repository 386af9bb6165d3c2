"""Forms in which values of options may be written: `32MB`, `10%`, `auto`."""

import dataclasses
import os
import re
from decimal import Decimal
from typing import Annotated

import pydantic

_BYTES = re.compile(r"([0-9]{1,18}(?:[.][0-9]{1,9})?) ?(?:([kKMGT])(i?))?B")
_PERCENT = re.compile(r"([0-9]{1,9}(?:[.][0-9]{1,18})?) ?%")
_POWERS = {None: 0, "k": 1, "K": 1, "M": 2, "G": 3, "T": 4}


def read_bytes(value: object) -> object:
    """A size with its unit in bytes: `32MB` is 32,000,000, `32MiB` 33,554,432.

    What has no unit is left to the option's own type.

    Raises:
      ValueError: Not a whole number of bytes.

    >>> read_bytes("32MiB"), read_bytes("1.5MB"), read_bytes(7)
    (33554432, 1500000, 7)
    """
    found = _BYTES.fullmatch(value.strip()) if isinstance(value, str) else None
    if not found:
        return value
    number, power, binary = found.groups()
    size = Decimal(number) * (1024 if binary else 1000) ** _POWERS[power]
    if size != int(size):
        raise ValueError("must be a whole number of bytes")
    return int(size)


def read_share(value: object) -> object:
    """A percentage as a share: `10%` is 0.1; all else is left to the option's own type.

    >>> read_share("10%"), read_share("0.2")
    (0.1, '0.2')
    """
    found = _PERCENT.fullmatch(value.strip()) if isinstance(value, str) else None
    return float(Decimal(found[1]) / 100) if found else value


def read_workers(value: object) -> object:
    """`auto` as the number of processors that this process may use."""
    return available_processors() if value == "auto" else value


def available_processors() -> int:
    """Processors that this process may use."""
    if hasattr(os, "sched_getaffinity"):  # not on every system
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


@dataclasses.dataclass(frozen=True)
class Metavar:
    """What the help calls a value of this form, and how a message says what to give."""

    name: str
    examples: str = ""


Files = Annotated[list[str], Metavar("FILE")]
"""Files, patterns or names that stand for files."""

File = Annotated[str, Metavar("FILE")]
"""A file, on this machine or in a bucket."""

Folder = Annotated[str, Metavar("FOLDER")]
"""A folder, on this machine or in a bucket."""

Bytes = Annotated[
    int, pydantic.BeforeValidator(read_bytes), Metavar("BYTES", "such as 33554432, 32MiB or 32MB")
]
"""A number of bytes, `33554432`, `32MB` or `32MiB`."""

Share = Annotated[
    float,
    pydantic.BeforeValidator(read_share),
    pydantic.Field(ge=0, le=1),
    Metavar("SHARE", "such as 0.1 or 10%"),
]
"""A share of a whole, `0.1` or `10%`."""

PositiveShare = Annotated[
    float,
    pydantic.BeforeValidator(read_share),
    pydantic.Field(gt=0, le=1),
    Metavar("SHARE", "such as 0.1 or 10%"),
]
"""A share that is not nothing."""

Workers = Annotated[
    pydantic.PositiveInt,
    pydantic.BeforeValidator(read_workers),
    Metavar("NUMBER|auto", "such as 2, or auto"),
]
"""A number of workers, or `auto`."""
