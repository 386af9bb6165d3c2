"""Which of the repaired lines that are given take the place of a rejected one."""

import collections
import dataclasses
import io
from collections.abc import Iterable, Iterator, Mapping, Sequence

from pipelines.replay.given import Given, Rejected, read_avro
from pipelines.runs.repairing import kept_repairs
from transforms import storage
from transforms.core.base.errors import UsageError, shown
from transforms.core.base.lines import COMPRESSED
from transforms.core.model import bad_lines
from transforms.core.model.manifest import Manifest
from transforms.core.model.manifest_entries import InputRow
from transforms.core.sources.repairs import Repair, digest_of, line_at
from transforms.units.publishing.read_version import read_listed

Place = tuple[str, int]
"""A shard's name, and where in it a line begins."""


@dataclasses.dataclass(frozen=True)
class Taken:
    """What became of the lines that were given.

    Attributes:
      repairs: New repairs.
      unedited: Lines that are as they were rejected.
      known: Lines that are repaired in this way already.
    """

    repairs: Sequence[Repair]
    unedited: int
    known: int


def read_rejected(folder: str, manifest: Manifest) -> Iterator[Rejected]:
    """The rejected lines of a version, in order.

    Raises:
      UsageError: A file of them is not what the manifest says.
    """
    for file in manifest.files:
        if file.table != bad_lines.TABLE:
            continue
        path = storage.join(folder, file.path)
        for row in read_avro(path, io.BytesIO(read_listed(folder, file))):
            yield Rejected(row["shard"], row["byte_offset"], row["code"], row["raw"])


def take(given: Iterable[Given], folder: str, manifest: Manifest, output: str) -> Taken:
    """Takes repaired lines whose places are those of rejected ones, or of ones repaired before.

    Args:
      given: The repaired lines.
      folder: Of the current version.
      manifest: Of it.
      output: The output folder.

    Raises:
      UsageError: There is no such line, the shard holds another one there, or two repairs of one
        line are given.
    """
    lines = _by_place(given)
    kept = collections.defaultdict(list)
    for repairs in kept_repairs(output).values():
        for repair in repairs:
            kept[repair.shard, repair.byte_offset].append(repair)
    rejected = {
        (row.shard, row.byte_offset): row
        for row in read_rejected(folder, manifest)
        if (row.shard, row.byte_offset) in lines
    }
    inputs = {row.shard: row for row in manifest.inputs}
    found, unedited, known = [], 0, 0
    for place, line in lines.items():
        row = rejected.get(place)
        if row and row.raw == line.raw:
            unedited += 1
            continue
        repair = _repair(line, row, kept[place], inputs)
        if repair in kept[place]:
            known += 1
        else:
            found.append((line, repair))
    _check_lines(found, inputs)
    return Taken([repair for _, repair in found], unedited, known)


def _by_place(given: Iterable[Given]) -> dict[Place, Given]:
    lines: dict[Place, Given] = {}
    for line in given:
        other = lines.setdefault((line.shard, line.byte_offset), line)
        if other.raw != line.raw:
            raise UsageError(
                f"{line.where}: {_described(line)} has another repair in {other.where}: give one"
            )
    return dict(sorted(lines.items()))


def _described(line: Given) -> str:
    return f"the line of shard {shown(line.shard)!r} at byte_offset {line.byte_offset}"


def _repair(
    line: Given, row: Rejected | None, kept: Sequence[Repair], inputs: Mapping[str, InputRow]
) -> Repair:
    """The repair that a line is: of one that was rejected, or of one that was repaired before.

    What was repaired and rejected again is in the table as it was repaired; its repair stands in
    the place of what the shard holds.
    """
    same = [own for own in kept if row is None or digest_of(own.raw) == digest_of(row.raw)]
    if same:
        first = same[-1]
        return Repair(
            line.shard, line.byte_offset, first.size, first.digest, first.content, line.raw
        )
    if row is None or line.shard not in inputs:
        raise UsageError(
            f"{line.where}: {_described(line)} is none that the current version has rejected: take "
            "`shard` and `byte_offset` from its table `rejected`"
        )
    content = inputs[line.shard].content
    return Repair(line.shard, line.byte_offset, len(row.raw), digest_of(row.raw), content, line.raw)


def _check_lines(found: Sequence[tuple[Given, Repair]], inputs: Mapping[str, InputRow]) -> None:
    """Reads the lines, and no others, that plain shards hold in the places of repairs.

    Raises:
      UsageError: One is not what was rejected.
    """
    by_shard = collections.defaultdict(list)
    for line, repair in found:
        by_shard[line.shard].append((line, repair))
    for shard, pairs in by_shard.items():
        path = inputs[shard].path
        if path.endswith(COMPRESSED):
            continue  # read when the run reads the shard
        with storage.open_binary(path) as file:
            for line, repair in pairs:
                held = line_at(file, repair.byte_offset)
                if held is None or not repair.is_of(held):
                    raise UsageError(
                        f"{line.where}: {_described(line)} is no longer the one that was rejected: "
                        f"run the main job over {path!r} as it is now, and repair what that rejects"
                    )
