"""Whether catalogued shards are the published files, by their MD5.

Where the store has the checksum of an object (Google Cloud Storage, unless it was composed of
parts), that is asked for. Otherwise the file is read once, at the speed of its disk or at some
0.7 GB a second and core, whichever is slower: about 45 µs a narrative, several files at a time. It
is then kept below the output under the file's fingerprint, so that an unchanged file is not read
for this again.
"""

import concurrent.futures
import dataclasses
import hashlib
import json
import os
import threading
from collections.abc import Callable, Mapping, Sequence

from pipelines.runs.failure import Refused
from transforms import storage
from transforms.core.base.errors import shown
from transforms.core.base.versions import digest
from transforms.core.model import layout
from transforms.core.output.version import ShardPlan

_BLOCK = 8 << 20
_THREADS = 8
"""Files that are read at a time, at most."""


class _Stopped(Exception):
    """Reading was given up, since another file failed or the command is to end."""


def verify_checksums(
    shards: Sequence[ShardPlan], output: str, say: Callable[[str], None]
) -> tuple[ShardPlan, ...]:
    """Compares the MD5 of shards of which the catalog has one.

    Args:
      shards: All shards of a run.
      output: The output folder, where checksums of files that were read are kept.
      say: Called with a sentence where files must be read.

    Returns:
      The shards; those that were compared say so.

    Raises:
      Refused: A shard has another checksum.
      UsageError: It was changed in the meantime, or cannot be read.
    """
    listed = [shard for shard in shards if shard.md5]
    found: dict[str, str | None] = {shard.path: _known(shard, output) for shard in listed}
    unread = [shard for shard in listed if found[shard.path] is None]
    if unread:
        size = sum(shard.size for shard in unread)
        say(f"Verifying the MD5 of {_files(len(unread))}, {size:,} bytes.")
        found |= _read_all(unread, output)
    if wrong := [shard for shard in listed if found[shard.path] != shard.md5]:
        raise Refused("not_as_published", _explain(wrong, found))
    return tuple(dataclasses.replace(shard, md5_verified=bool(shard.md5)) for shard in shards)


def _files(number: int) -> str:
    return "1 file" if number == 1 else f"{number} files"


def _explain(wrong: Sequence[ShardPlan], found: Mapping[str, str | None]) -> str:
    listed = "; ".join(
        f"{shown(shard.path)} has the MD5 {found[shard.path]}, the published file {shard.md5}"
        for shard in wrong
    )
    return (
        f"the input is not what was published: {listed}; download it again, rename it if it is "
        "another file, or do not compare checksums: --no-verify-checksums: nothing was published"
    )


def _known(shard: ShardPlan, output: str) -> str | None:
    """The checksum that the store has, or that an earlier run has found."""
    if stored := storage.stored_md5(shard.path, shard.fingerprint):
        return stored
    return (storage.read_json(_record_path(shard, output)) or {}).get("md5")


def _record_path(shard: ShardPlan, output: str) -> str:
    found = {name: getattr(shard, name) for name in ("path", "size", "fingerprint", "identity")}
    return storage.join(output, layout.checksum_path(digest(found)[:24]))


def _read_all(shards: Sequence[ShardPlan], output: str) -> dict[str, str]:
    """Reads files, several at a time; hashing lets other threads run."""
    stop = threading.Event()
    workers = min(len(shards), os.cpu_count() or 1, _THREADS)
    with concurrent.futures.ThreadPoolExecutor(workers) as pool:
        try:
            read = [pool.submit(_read, shard, output, stop) for shard in shards]
            return {shard.path: future.result() for shard, future in zip(shards, read, strict=True)}
        finally:
            stop.set()


def _read(shard: ShardPlan, output: str, stop: threading.Event) -> str:
    hashed = hashlib.md5(usedforsecurity=False)
    with storage.open_binary(shard.path, shard.fingerprint) as file:
        while block := file.read(_BLOCK):
            if stop.is_set():
                raise _Stopped
            hashed.update(block)
    storage.check_unchanged(shard.path, shard.fingerprint, shard.identity)
    record = {"shard": shard.shard, "fingerprint": shard.fingerprint, "md5": hashed.hexdigest()}
    storage.write_bytes(_record_path(shard, output), json.dumps(record).encode())
    return hashed.hexdigest()
