"""Repairs below an output: kept for all later runs, and given to the units whose lines they mend.

Every replay leaves one file, completely or not at all, and none is ever changed. Of several repairs
of a line the one in the last file counts, by the order of their names.
"""

import collections
import datetime
import re
from collections.abc import Mapping, Sequence

from transforms import storage
from transforms.core.base.errors import ChangedError, UsageError
from transforms.core.model import layout
from transforms.core.model.units import Unit
from transforms.core.sources.repairs import (
    CorruptRepairs,
    Repair,
    decode_repairs,
    digest_of,
    encode_repairs,
)

_NAME = re.compile(r"[0-9]{8}T[0-9]{6}\.[0-9]{6}Z-[0-9a-f]{12}")


def list_repairs(output: str) -> list[str]:
    """Paths of all files of repairs of an output, in the order in which they came."""
    folder = storage.join(output, layout.REPAIRS)
    names = filter(_NAME.fullmatch, sorted(storage.list_dir(folder)))
    return [storage.join(folder, name) for name in names]


def read_repairs(path: str) -> list[Repair]:
    """Repairs of one file.

    Raises:
      UsageError: It is corrupt, or gone.
    """
    try:
        return decode_repairs(storage.read_bytes(path))
    except CorruptRepairs as error:
        raise UsageError(
            f"{path!r}: is no complete file of repairs, {error}: restore it, or remove it, run "
            "the main job (its lines are then rejected again) and give their repairs to `replay` "
            "once more"
        ) from error


def write_repairs(output: str, repairs: Sequence[Repair]) -> str:
    """Keeps repairs for all later runs; returns the path of their file."""
    data = encode_repairs(repairs)
    moment = datetime.datetime.now(datetime.UTC).strftime("%Y%m%dT%H%M%S.%fZ")
    path = storage.join(output, layout.repairs_path(f"{moment}-{digest_of(data)[:12]}"))
    storage.write_bytes(path, data)
    return path


def repairs_of(unit: Unit) -> Mapping[int, Repair]:
    """The repairs of a unit, by where in the shard the line begins that each replaces.

    Raises:
      ChangedError: They are no longer what was planned.
    """
    try:
        held = [_by_place(path) for path in unit.repair_files]
        places = {(unit.shard, *place): place[0] for place in unit.repairs}
        return {offset: collections.ChainMap(*held)[place] for place, offset in places.items()}
    except KeyError as error:
        raise ChangedError(
            f"repairs of {unit.shard!r} were removed during the run: run the same command again"
        ) from error
    except UsageError as error:
        raise ChangedError(f"{error}; run the same command again after that") from error


def _by_place(path: str) -> dict[tuple[str, int, str], Repair]:
    """Repairs of a file by shard, place and key."""
    return {(own.shard, own.byte_offset, own.key): own for own in read_repairs(path)}
