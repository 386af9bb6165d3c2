"""Repairs of a run: which of those that are kept below the output are of lines of its shards."""

import dataclasses
from collections.abc import Iterator, Mapping, Sequence

from transforms import storage
from transforms.core.base.errors import shown
from transforms.core.base.lines import COMPRESSED
from transforms.core.output.version import ShardPlan
from transforms.core.sources.repairs import Repair, line_at
from transforms.units.reading.repairs import list_repairs, read_repairs


@dataclasses.dataclass(frozen=True)
class ShardRepairs:
    """Repairs of one shard.

    Attributes:
      places: Where the lines begin that they replace, and keys of the repairs, in order.
      files: In which files they are.
    """

    places: tuple[tuple[int, str], ...] = ()
    files: tuple[str, ...] = ()


NO_REPAIRS = ShardRepairs()


@dataclasses.dataclass(frozen=True)
class Repairs:
    """Repairs of a run.

    Attributes:
      by_shard: Those of each shard that has some, by the file's name.
      warnings: Sentences on those that are left out.
    """

    by_shard: Mapping[str, ShardRepairs] = dataclasses.field(default_factory=dict)
    warnings: tuple[str, ...] = ()

    def of(self, shard: ShardPlan) -> ShardRepairs:
        """Those of a shard."""
        return self.by_shard.get(shard.shard, NO_REPAIRS)


def find_repairs(output: str, shards: Sequence[ShardPlan]) -> Repairs:
    """The repairs below an output that are of lines which the shards still hold.

    Where a plain shard is not the one in which a line was rejected, the line at its place is read
    and compared. Of a compressed one that is known when it is read.

    Raises:
      UsageError: A file of repairs is corrupt.
    """
    kept = kept_repairs(output)
    by_shard, warnings = {}, []
    for shard in shards:
        given = kept.get(shard.shard, {})
        found = list(_of_shard(shard, list(given)))
        if found:
            places = sorted((repair.byte_offset, repair.key) for repair in found)
            files = sorted({given[repair] for repair in found})
            by_shard[shard.shard] = ShardRepairs(tuple(places), tuple(files))
        offsets = {repair.byte_offset for repair in found}
        left = sorted({repair.byte_offset for repair in given} - offsets)
        if left:
            warnings.append(_left_out(shard, left))
    return Repairs(by_shard, tuple(warnings))


def kept_repairs(output: str) -> dict[str, dict[Repair, str]]:
    """All repairs below an output with their files, by shard; of several of a line the last one."""
    last: dict[tuple[str, int, str], tuple[Repair, str]] = {}
    for path in list_repairs(output):
        last |= {repair.replaced: (repair, path) for repair in read_repairs(path)}
    found: dict[str, dict[Repair, str]] = {}
    for repair, path in last.values():
        found.setdefault(repair.shard, {})[repair] = path
    return found


def _of_shard(shard: ShardPlan, repairs: Sequence[Repair]) -> Iterator[Repair]:
    """Those of lines that the shard holds, one a place."""
    compressed = shard.path.endswith(COMPRESSED)
    by_place: dict[int, Repair] = {}
    unknown = []
    for repair in repairs:
        if repair.content and repair.content == shard.content:
            by_place[repair.byte_offset] = repair
        else:
            unknown.append(repair)
    unknown = [repair for repair in unknown if repair.byte_offset not in by_place]
    if compressed:
        by_place |= {repair.byte_offset: repair for repair in unknown}
    elif unknown:
        by_place |= {
            repair.byte_offset: repair
            for repair, line in zip(unknown, lines_at(shard, unknown), strict=True)
            if line is not None and repair.is_of(line)
        }
    yield from by_place.values()


def lines_at(shard: ShardPlan, repairs: Sequence[Repair]) -> Iterator[bytes | None]:
    """What a plain shard holds at the places of repairs, None where no line begins there."""
    with storage.open_binary(shard.path, shard.fingerprint) as file:
        for repair in repairs:
            yield line_at(file, repair.byte_offset)


def _left_out(shard: ShardPlan, offsets: Sequence[int]) -> str:
    one = len(offsets) == 1
    lines = "1 repaired line is" if one else f"{len(offsets)} repaired lines are"
    return (
        f"{shown(shard.shard)}: {lines} left out, since the shard now holds "
        f"{'another' if one else 'others'} there (the first at byte {offsets[0]}); where that is "
        "rejected, repair it anew with `replay`"
    )
