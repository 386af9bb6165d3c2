"""Planning a run of any job: its units, and which of them are finished."""

import dataclasses
from collections.abc import Collection, Iterator, Sequence
from typing import Any

from pipelines.runs.options import RunOptions
from pipelines.runs.repairing import NO_REPAIRS, ShardRepairs
from transforms import storage
from transforms.core.model import layout
from transforms.core.model.manifest import Manifest
from transforms.core.model.units import Unit
from transforms.core.output.commit_records import CorruptRecord, decode_record
from transforms.core.output.version import ShardPlan, version_id
from transforms.storage.files import FileInfo
from transforms.units.corrupt_units import read_records, remove_corrupt_units, undo_units
from transforms.units.publishing.pin import current_version
from transforms.units.publishing.read_version import inspect_version


@dataclasses.dataclass(frozen=True)
class RunPlan:
    """A run, before a line is read.

    Attributes:
      shards: All shards.
      units: Units pending.
      finished: Paths of the commit records of units that are finished.
      version: The version that the run makes; None where units of compressed shards are pending.
      base: The version that is current now.
      manifest: Its manifest, None where there is none or a file of it is missing or corrupt.
      damage: A sentence on what is missing or corrupt of it, where something is.
    """

    shards: tuple[ShardPlan, ...]
    units: tuple[Unit, ...]
    finished: tuple[str, ...]
    version: str | None
    base: str | None
    manifest: Manifest | None
    damage: str | None

    @property
    def indexes(self) -> tuple[str, ...]:
        """Paths of the indexes that it reads."""
        return ()

    @property
    def missing(self) -> tuple[str, ...]:
        """What a dry run would have had to make first, a sentence each."""
        return ()

    @property
    def is_current(self) -> bool:
        """Whether the version that the run would make is the current one already."""
        return self.version == self.base and self.manifest is not None


def fields_of(run: RunPlan) -> dict[str, Any]:
    """What a job's own plan takes over of a run: the attributes of `RunPlan`."""
    return {field.name: getattr(run, field.name) for field in dataclasses.fields(RunPlan)}


def plan_units(
    shards: Sequence[ShardPlan],
    units: Sequence[Unit],
    options: RunOptions,
    kind: type[Manifest] = Manifest,
    marks: Collection[str] = (),
) -> RunPlan:
    """Looks which units of a run are finished, and at the version that is current.

    Args:
      shards: All shards.
      units: All units, in any order.
      options: Where the output is, whether it is verified, and whether it is only looked at.
      kind: The job's manifest.
      marks: What its versions show beside what the units hold (`Publication.marks`).

    Raises:
      NewerFormatError: A newer version of this program made the current version.
    """
    output, base = options.output, current_version(options.output)
    manifest, corrupt = _inspect_current(options, base, kind) if base else (None, [])
    mends = not options.dry_run
    todo, finished = _divide(units, output, verify=bool(corrupt) and mends, mends=mends)
    keys = [unit.key for unit in todo] + [key for key, _ in finished]
    return RunPlan(
        shards=tuple(shards),
        units=tuple(todo),
        finished=tuple(path for _, path in finished),
        version=None if any(unit.compressed for unit in todo) else version_id([*keys, *marks]),
        base=base,
        manifest=None if corrupt else manifest,
        damage=_damage(output, base, corrupt) if base and corrupt else None,
    )


def describe_restored(units: Sequence[Unit]) -> str:
    """A clause on pending units that are made of tables of earlier ones."""
    restored = sum(bool(unit.before) for unit in units)
    which = "" if restored == len(units) else f"{restored:,} "
    return f", {which}of tables in place of shards" if restored else ""


def plan_shard(file: FileInfo, dataset: str | None = None, split: str | None = None) -> ShardPlan:
    """A file of which nothing but its dataset and split is known beforehand."""
    return ShardPlan(
        path=file.path,
        size=file.size,
        fingerprint=file.fingerprint,
        dataset=dataset,
        split=split,
        identity=file.identity,
        content=file.content,
    )


def units_of(
    shard: ShardPlan,
    unit_bytes: int,
    label: str,
    salt: str,
    dialect: str = "full",
    repairs: ShardRepairs = NO_REPAIRS,
) -> Iterator[Unit]:
    """The units of a shard.

    Args:
      shard: The shard.
      unit_bytes: Bytes of lines that are one unit.
      label: What they are called after.
      salt: Hash of all else that changes results.
      dialect: The form of its lines.
      repairs: What stands in the place of lines of it.
    """
    return complete_unit(shard, label, salt, dialect, repairs).pieces(unit_bytes)


def complete_unit(
    shard: ShardPlan,
    label: str,
    salt: str,
    dialect: str = "full",
    repairs: ShardRepairs = NO_REPAIRS,
) -> Unit:
    """A shard as one unit; arguments as of `units_of`."""
    return Unit(
        path=shard.path,
        label=label,
        fingerprint=shard.fingerprint,
        size=shard.size,
        dataset=shard.dataset,
        split=shard.split,
        dialect=dialect,
        salt=salt,
        identity=shard.identity,
        content=shard.content,
        called=shard.called,
        stop=shard.stop,
        repairs=repairs.places,
        repair_files=repairs.files,
    )


def _inspect_current(
    options: RunOptions, base: str, kind: type[Manifest]
) -> tuple[Manifest | None, list[str]]:
    """The current version's manifest, if it is one of this format, and its corrupt files.

    These are marked, so that a later run finds them however this one ends.
    """
    if not layout.is_version(base):
        return None, []
    folder = storage.join(options.output, layout.version_folder(base))
    manifest, corrupt = inspect_version(folder, options.verify_output, kind)
    if not options.dry_run:
        storage.mark_modified(folder, corrupt)
    return manifest, corrupt


def _damage(output: str, base: str, corrupt: Sequence[str]) -> str:
    """What to say of the current version's corrupt files."""
    folder = storage.join(output, layout.version_folder(base))
    first, more = storage.join(folder, corrupt[0]), len(corrupt) - 1
    others = f" (and {more} more)" if more else ""
    return (
        f"the current version, {base!r}, is damaged: {first!r}{others} is missing or not what its "
        "manifest says. This run rebuilds the version or, where input, options or code are others, "
        "replaces it; read nothing of it before"
    )


def _divide(
    units: Sequence[Unit], output: str, verify: bool = False, mends: bool = True
) -> tuple[list[Unit], list[tuple[str, str]]]:
    """Units to do, and keys and record paths of those that are finished.

    With `verify`, those with a corrupt file are removed first. Corrupt records are removed if it
    `mends`, else just not counted.
    """
    if verify:
        _, before = _divide(units, output)
        remove_corrupt_units(read_records(output, [key for key, _ in before]), output)
    todo, finished = [], []
    for unit, records in _records_of(units, output, mends):
        finished += records
        if not records:
            todo.append(unit)
    return todo, finished


def finished_records(units: Sequence[Unit], output: str) -> list[tuple[str, ...]]:
    """Of each unit the paths of the commit records of what is finished of it.

    Args:
      units: The units.
      output: The output folder.

    Returns:
      One path; those of its pieces in order for a compressed shard; none where it is not finished.
    """
    found = _records_of(units, output, mends=False)
    return [tuple(path for _, path in records) for _, records in found]


def _records_of(
    units: Sequence[Unit], output: str, mends: bool
) -> Iterator[tuple[Unit, list[tuple[str, str]]]]:
    """Each unit with keys and record paths of its pieces, if all of them are finished."""
    there = storage.existing([_record_path(unit, output) for unit in units])
    for unit in units:
        pieces = list(_finished_pieces(unit, output, there, mends))
        is_finished = bool(pieces) and pieces[-1][2]
        yield unit, [(key, path) for key, path, _ in pieces] if is_finished else []


def _record_path(unit: Unit, output: str) -> str:
    return storage.join(output, layout.record_path(unit.key))


def _finished_pieces(
    unit: Unit, output: str, there: Collection[str], mends: bool
) -> Iterator[tuple[str, str, bool]]:
    """Keys and record paths of what is finished of a unit, and whether that is its end.

    A plain unit has one record, which is looked up in those that are `there`. Where a compressed
    shard's pieces begin is only known from the records before, so they are followed from the
    first to the last.
    """
    if not unit.compressed:
        if (path := _record_path(unit, output)) in there:
            yield unit.key, path, True
        return
    index, start, last = 0, unit.start, False
    while not last:
        piece = unit.piece(index, start, start)
        path = _record_path(piece, output)
        if not storage.exists(path):
            return
        try:
            record = decode_record(storage.read_bytes(path))
        except CorruptRecord:
            if mends:
                undo_units([piece.key], output)
            return
        index, start, last = index + 1, start + record.bytes, record.last
        yield piece.key, path, last
