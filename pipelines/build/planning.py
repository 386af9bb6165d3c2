"""Planning a run of the main job: its units, and what is finished already."""

import contextlib
import dataclasses
from collections.abc import Collection, Iterator, Sequence

import msgspec

from pipelines.build.inputs.checks import check_heads
from pipelines.build.inputs.shards import shard_units
from pipelines.build.options import BuildOptions
from pipelines.build.preparation import Prepared
from transforms import storage
from transforms.core.base.errors import shown
from transforms.core.base.secrets import mask_secrets
from transforms.core.base.versions import code_version, digest, package_versions
from transforms.core.model import layout
from transforms.core.model.manifest import Manifest
from transforms.core.model.manifest_entries import IndexDescription, Provenance, Threshold
from transforms.core.model.units import Unit
from transforms.core.output.checks.expected import Expected
from transforms.core.output.commit_records import CorruptRecord, UnitRecord, decode_record
from transforms.core.output.version import ShardPlan, version_id
from transforms.core.stages.filter.filter_quality import MaxDistance, MaxDistancePerChar, Rule
from transforms.core.stages.filter.threshold import exact_text
from transforms.core.stages.match.match_mentions import MentionRules
from transforms.core.stages.measure.taggers import tagger_version
from transforms.units.corrupt_units import remove_corrupt_units
from transforms.units.pin import current_version
from transforms.units.read_version import inspect_version, read_baseline

_SHOWN_POINTER = 40
"""Characters that are shown of a pointer that names no version."""

MAKERS = ("transforms.narratives.stages", "transforms.units.write")
"""The modules that make a unit's results, with what they import."""


@dataclasses.dataclass(frozen=True)
class BuildPlan:
    """A run, before any narrative is read.

    Attributes:
      shards: All shards.
      expected: The splits of a catalog to which they belong.
      units: Units to do.
      finished: Paths of the commit records of units that are finished.
      version: The version that the run makes; None where units of compressed shards are to do.
      base: The version that is current now.
      manifest: Its manifest, None where there is none or a file of it is missing or corrupt.
      damage: A sentence on what is missing or corrupt of it, where something is.
      annotation_index: Path of the annotation index.
      transcript_index: Path of the transcript index.
      quality: The quality rules.
      mentions: The rules of mentions.
      provenance: Entries of the manifest that are known before a line is read.
    """

    shards: tuple[ShardPlan, ...]
    expected: tuple[Expected, ...]
    units: tuple[Unit, ...]
    finished: tuple[str, ...]
    version: str | None
    base: str | None
    manifest: Manifest | None
    damage: str | None
    annotation_index: str | None
    transcript_index: str | None
    quality: tuple[Rule, ...]
    mentions: MentionRules
    provenance: Provenance

    @property
    def is_current(self) -> bool:
        """Whether the version that the run would make is the current one already."""
        return self.version == self.base and self.manifest is not None


def plan_build(options: BuildOptions, prepared: Prepared) -> BuildPlan:
    """Plans a run: cuts its shards into units and looks for those that are finished.

    Raises:
      UsageError: A shard is none of narratives.
    """
    quality, mentions = options.quality_rules(prepared.threshold), options.mention_rules()
    code, packages = code_version(MAKERS), package_versions()
    annotations, transcripts = prepared.annotations, prepared.transcripts
    salt = digest(
        {
            "quality": {rule.name: rule.limit for rule in quality},
            "mentions": dataclasses.asdict(mentions),
            "transcripts": options.transcripts,
            "tagger": [options.tagger, tagger_version(options.tagger)],
            "annotation_index": annotations and annotations.description.fingerprint,
            "transcript_index": transcripts and transcripts.description.fingerprint,
            "code": code,
            "packages": packages,
        }
    )
    units = [
        unit for shard in prepared.shards for unit in shard_units(shard, options.unit_bytes, salt)
    ]
    base = current_version(options.output)
    manifest, corrupt = _inspect_current(options, base) if base else (None, [])
    todo, finished = _divide(units, options.output, verify=bool(corrupt))
    check_heads(todo, options.max_bad_share)
    keys = [unit.key for unit in todo] + [key for key, _ in finished]
    return BuildPlan(
        shards=prepared.shards,
        expected=prepared.expected,
        units=tuple(todo),
        finished=tuple(path for _, path in finished),
        version=None if any(unit.compressed for unit in todo) else version_id(keys),
        base=base,
        manifest=None if corrupt else manifest,
        damage=_damage(options.output, base, corrupt) if base and corrupt else None,
        annotation_index=annotations.path if annotations else None,
        transcript_index=transcripts.path if transcripts else None,
        quality=quality,
        mentions=mentions,
        provenance=_provenance(options, base, quality, code, packages, prepared),
    )


def _inspect_current(options: BuildOptions, base: str) -> tuple[Manifest | None, list[str]]:
    """The current version's manifest, if it is one of this format, and its corrupt files.

    These are marked, so that a later run finds them however this one ends.
    """
    if not layout.is_version(base):
        return None, []
    folder = storage.join(options.output, layout.version_folder(base))
    manifest, corrupt = inspect_version(folder, thorough=options.verify_output)
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
    units: Sequence[Unit], output: str, verify: bool = False
) -> tuple[list[Unit], list[tuple[str, str]]]:
    """Units to do, and keys and record paths of those that are finished.

    With `verify`, those with a corrupt file are removed first.
    """
    if verify:
        remove_corrupt_units(_records(_divide(units, output)[1]), output)
    todo, finished = [], []
    there = storage.existing([_record_path(unit, output) for unit in units])
    for unit in units:
        records = list(_finished_pieces(unit, output, there))
        finished += records
        if not records or records[-1][2] is False:
            todo.append(unit)
            finished = finished[: len(finished) - len(records)]
    return todo, [(key, path) for key, path, _ in finished]


def _records(finished: Sequence[tuple[str, str]]) -> dict[str, UnitRecord]:
    """The records of units that are finished, by key, but for corrupt ones: publishing says so."""
    records = {}
    for key, path in finished:
        with contextlib.suppress(CorruptRecord):
            records[key] = decode_record(storage.read_bytes(path))
    return records


def _record_path(unit: Unit, output: str) -> str:
    return storage.join(output, layout.record_path(unit.key))


def _finished_pieces(
    unit: Unit, output: str, there: Collection[str]
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
            units = storage.join(output, layout.UNITS)
            storage.remove_others(units, {piece.key: ()}, layout.is_of_unit)
            return
        index, start, last = index + 1, start + record.bytes, record.last
        yield piece.key, path, last


def _warnings(index: IndexDescription | None) -> list[str]:
    return index.warnings if index else []


def _not_compared(output: str, base: str | None) -> list[str]:
    """A warning where a version is current and the guard cannot compare the run with it."""
    if base is None:
        return []
    folder = storage.join(output, layout.version_folder(base))
    if not layout.is_version(base):
        pointer = storage.join(output, layout.CURRENT)
        return [
            f"{pointer!r} names no version; it begins with '{shown(base, _SHOWN_POINTER)}': the "
            "run replaces it, and is not compared with an earlier one (--max-shrink-share)"
        ]
    if read_baseline(folder):
        return []
    return [
        f"the manifest of the current version, {base!r}, is missing or corrupt: the run is "
        "not compared with it (--max-shrink-share)"
    ]


def _provenance(
    options: BuildOptions,
    base: str | None,
    quality: Sequence[Rule],
    code: str,
    packages: dict[str, str],
    prepared: Prepared,
) -> Provenance:
    """Entries of the manifest that are known before a line is read, without secrets."""
    annotations, transcripts = (
        index.description if index else None
        for index in (prepared.annotations, prepared.transcripts)
    )
    made = Provenance(
        configuration=options.model_dump(mode="json"),
        code=code,
        packages=packages,
        annotations=annotations,
        transcripts=transcripts,
        threshold=_threshold(options, quality),
        warnings=[
            *_warnings(annotations),
            *_warnings(transcripts),
            *_not_compared(options.output, base),
        ],
    )
    return msgspec.convert(mask_secrets(msgspec.to_builtins(made)), Provenance)


def _threshold(options: BuildOptions, rules: Sequence[Rule]) -> Threshold | None:
    """The manifest's entry on the threshold of D."""
    for rule in rules:
        if isinstance(rule, MaxDistance | MaxDistancePerChar):
            return Threshold(rule.name, exact_text(rule.limit), options.discard_share)
    return None
