"""The first lines of the shards: what a limit leaves of them, known before a run is planned.

So a unit holds the same lines on every engine, and one that the limit does not cut is the unit of a
run without it.
"""

import dataclasses
from collections.abc import Sequence

from transforms import storage
from transforms.core.output.version import ShardPlan

_BLOCK = 1 << 20


def first_lines(shards: Sequence[ShardPlan], limit: int) -> tuple[ShardPlan, ...]:
    """The shards that hold the first lines, each with where it is no more read.

    Args:
      shards: All shards in order.
      limit: How many lines, at least 1.
    """
    kept, left = [], limit
    for shard in shards:
        if not left:
            break
        lines, stop = _read_lines(shard, left)
        kept.append(dataclasses.replace(shard, stop=stop))
        left -= lines
    return tuple(kept)


def _read_lines(shard: ShardPlan, most: int) -> tuple[int, int | None]:
    """Lines of a shard, at most so many, and where they end; None where that is its end."""
    lines = at = 0
    block = b""
    with storage.open_decompressed(shard.path, shard.fingerprint) as file:
        while piece := file.read(_BLOCK):
            if lines == most:
                return lines, at
            block = piece
            found = block.count(b"\n")
            if lines + found >= most:
                end = _behind_line(block, most - lines)
                if end < len(block):
                    return most, at + end
            lines, at = lines + found, at + len(block)
    has_rest = bool(block) and not block.endswith(b"\n")  # the last line may lack its end
    return lines + has_rest, None


def _behind_line(block: bytes, number: int) -> int:
    """Where the line after so many lines begins."""
    end = 0
    for _ in range(number):
        end = block.index(b"\n", end) + 1
    return end
