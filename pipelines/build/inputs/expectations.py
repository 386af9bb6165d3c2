"""What a catalog says of the shards of a run, checked before any narrative is read."""

import dataclasses
from collections.abc import Sequence

from pipelines.catalog import KINDS, Catalog
from pipelines.runs.failure import Refused
from transforms.core.base.errors import shown
from transforms.core.output.checks.expected import Expected, explain_absence
from transforms.core.output.version import ShardPlan


def expectations(shards: Sequence[ShardPlan], catalog: Catalog) -> tuple[Expected, ...]:
    """The catalogued splits to which shards belong, in the order of their first shards.

    Narratives and captions of a split are published in files of their own, each with all of the
    split. A compressed copy stands for the file itself.
    """
    given: dict[tuple[str, str], list[str]] = {}
    for shard in shards:
        if shard.group and catalog.groups[shard.group].narratives is not None:
            captions = catalog.plain_name(shard.shard).endswith(KINDS["captions"])
            kind = "captions" if captions else "narratives"
            given.setdefault((shard.group, kind), []).append(shard.shard)
    return tuple(_expected(catalog, *key, names) for key, names in given.items())


def _expected(catalog: Catalog, name: str, kind: str, given: Sequence[str]) -> Expected:
    group = catalog.groups[name]
    absent: list[str] = []
    if kind == "narratives":
        plain = {catalog.plain_name(file) for file in given}
        absent = [file.file for file in group.files if file.file not in plain]
    return Expected(
        group=name,
        kind=kind,
        dataset=group.dataset,
        split=group.split,
        narratives=group.narratives or 0,
        shards=tuple(given),
        absent=tuple(absent),
    )


def refuse_absence(expected: Sequence[Expected]) -> None:
    """Refuses input that holds some of a split's files.

    Raises:
      Refused: Files are missing.
    """
    if problem := explain_absence(expected):
        raise Refused("not_as_published", f"{problem}: nothing was published")


def refuse_sizes(shards: Sequence[ShardPlan], catalog: Catalog) -> None:
    """Refuses shards that have not as many bytes as the published files.

    Raises:
      Refused: A file is longer or shorter.
    """
    for shard in shards:
        size = catalog.size_of(shard.shard)
        if size not in (None, shard.size):
            raise Refused(
                "not_as_published",
                f"{shown(shard.path)} has {shard.size:,} bytes, the published file {size:,}: "
                "download it again, rename it if it is another file, or accept it with "
                "--allow-partial: nothing was published",
            )


def limited(expected: Sequence[Expected], shards: Sequence[ShardPlan]) -> tuple[Expected, ...]:
    """The splits of which shards are left where a limit keeps lines from being read.

    Args:
      expected: Those of all shards.
      shards: What the limit leaves of them (`first_lines`).
    """
    stops = {shard.shard: shard.stop for shard in shards}
    found = []
    for group in expected:
        read = tuple(name for name in group.shards if name in stops)
        is_whole = read == group.shards and all(stops[name] is None for name in read)
        if read:
            made = dataclasses.replace(group, shards=read, limited=not is_whole)
            found.append(made)
    return tuple(found)
