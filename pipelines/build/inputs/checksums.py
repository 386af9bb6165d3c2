"""Whether catalogued shards are the published files, by their MD5.

Where the store has the checksum of an object (Google Cloud Storage, unless it was composed of
parts), that is asked for. Otherwise the file is read once, at the speed of its disk or at some
0.7 GB a second and core, whichever is slower: about 45 µs a narrative, several files at a time.
What was found is kept with what else is known of its content (`contents`), so that an unchanged
file is not read for this again.
"""

import dataclasses
from collections.abc import Mapping, Sequence

from pipelines.runs.contents import Contents, tell_reading
from pipelines.runs.failure import Refused
from transforms import storage
from transforms.core.base.errors import shown
from transforms.core.output.version import ShardPlan


def verify_checksums(shards: Sequence[ShardPlan], contents: Contents) -> tuple[ShardPlan, ...]:
    """Compares the MD5 of shards of which the catalog has one.

    Args:
      shards: All shards of a run.
      contents: What is known of files.

    Returns:
      The shards; those that were compared say so.

    Raises:
      Refused: A shard has another checksum.
      UsageError: It was changed in the meantime, or cannot be read.
    """
    listed = [shard for shard in shards if shard.md5]
    found: dict[str, str | None] = {shard.path: _known(shard, contents) for shard in listed}
    unread = [shard for shard in listed if found[shard.path] is None]
    if unread:
        tell_reading("Verifying the MD5 of {}.", unread)
        read = contents.read(unread, with_md5=True)
        found |= {path: file.md5 for path, file in read.items()}
    if wrong := [shard for shard in listed if found[shard.path] != shard.md5]:
        raise Refused("not_as_published", _explain(wrong, found))
    return tuple(dataclasses.replace(shard, md5_verified=bool(shard.md5)) for shard in shards)


def _explain(wrong: Sequence[ShardPlan], found: Mapping[str, str | None]) -> str:
    listed = "; ".join(
        f"{shown(shard.path)} has the MD5 {found[shard.path]}, the published file {shard.md5}"
        for shard in wrong
    )
    return (
        f"the input is not what was published: {listed}; download it again, rename it if it is "
        "another file, or do not compare checksums: --no-verify-checksums: nothing was published"
    )


def _known(shard: ShardPlan, contents: Contents) -> str | None:
    """The checksum that the store has, or that an earlier run has found."""
    if stored := storage.stored_md5(shard.path, shard.fingerprint):
        return stored
    found = contents.known(shard, with_md5=True)
    return found.md5 if found else None
