"""Planning a run of the main job: shards, indexes, units, and what is finished already."""

import dataclasses
import re
import sys
import unicodedata
from collections.abc import Collection, Iterator, Sequence
from fractions import Fraction

import msgspec

from pipelines.build.inputs.checks import check_heads, check_inputs, input_patterns
from pipelines.build.inputs.checksums import verify_checksums
from pipelines.build.inputs.expectations import expectations, refuse_absence, refuse_sizes
from pipelines.build.options import BuildOptions
from pipelines.catalog import Catalog, Entry, load_catalogs
from transforms import storage
from transforms.core.base.errors import UsageError, shown
from transforms.core.base.secrets import mask_secrets
from transforms.core.base.versions import code_version, digest, package_versions
from transforms.core.model import layout
from transforms.core.model.units import Unit, make_label
from transforms.core.output.commit_records import DamagedRecord, decode_record
from transforms.core.output.expected import Expected
from transforms.core.output.guard import is_comparable
from transforms.core.output.version import ShardPlan, version_id
from transforms.core.stages.filter.filter_quality import MaxDistance, MaxDistancePerChar, Rule
from transforms.core.stages.filter.threshold import calibrate, exact_text
from transforms.core.stages.match.match_mentions import MentionRules
from transforms.core.stages.measure.richness import check_tagger, tagger_version
from transforms.storage.files import FileInfo

MAKERS = ("transforms.narratives", "transforms.units.write")
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
      manifest: Its manifest, None where there is none or a file of it is missing.
      annotation_index: Path of the annotation index.
      transcript_index: Path of the transcript index.
      quality: The quality rules.
      mentions: The rules of mentions.
      attributes: Entries for the manifest.
    """

    shards: tuple[ShardPlan, ...]
    expected: tuple[Expected, ...]
    units: tuple[Unit, ...]
    finished: tuple[str, ...]
    version: str | None
    base: str | None
    manifest: dict | None
    annotation_index: str | None
    transcript_index: str | None
    quality: tuple[Rule, ...]
    mentions: MentionRules
    attributes: dict

    @property
    def is_current(self) -> bool:
        """Whether the version that the run would make is the current one already."""
        return self.version == self.base and self.manifest is not None


def plan_build(options: BuildOptions, beam_args: Sequence[str]) -> BuildPlan:
    """Plans a run: finds its files, builds indexes that are not there, looks for finished units.

    Raises:
      UsageError: Input is missing or unusable.
      Refused: It is not what the catalog says of it.
    """
    check_tagger(options.tagger)
    shards, expected = _find_input(options)
    code, packages = code_version(MAKERS), package_versions()
    annotation_index, annotations = _annotation_index(options, beam_args)
    transcript_index, transcripts = _transcript_index(options, beam_args)
    calibrated = _calibrate(options, beam_args, shards, code, transcript_index, transcripts)
    quality, mentions = options.quality_rules(calibrated), options.mention_rules()
    salt = digest(
        {
            "quality": {rule.name: dataclasses.asdict(rule) for rule in quality},
            "mentions": dataclasses.asdict(mentions),
            "transcripts": options.transcripts,
            "tagger": [options.tagger, tagger_version(options.tagger)],
            "annotation_index": annotations and annotations["fingerprint"],
            "transcript_index": transcripts and transcripts["fingerprint"],
            "code": code,
            "packages": packages,
        }
    )
    units = [unit for shard in shards for unit in shard_units(shard, options.unit_bytes, salt)]
    todo, finished = _divide(units, options.output)
    check_heads(todo, options.max_bad_share)
    if todo:  # only then are the indexes read
        _annotation_index(options, beam_args, thorough=True)
        _transcript_index(options, beam_args, thorough=True)
    base = current_version(options.output)
    keys = [unit.key for unit in todo] + [key for key, _ in finished]
    return BuildPlan(
        shards=shards,
        expected=expected,
        units=tuple(todo),
        finished=tuple(path for _, path in finished),
        version=None if any(unit.compressed for unit in todo) else version_id(keys),
        base=base,
        manifest=base and _current_manifest(options, base),
        annotation_index=annotation_index,
        transcript_index=transcript_index,
        quality=quality,
        mentions=mentions,
        attributes=_attributes(options, base, quality, code, packages, annotations, transcripts),
    )


def _find_input(options: BuildOptions) -> tuple[tuple[ShardPlan, ...], tuple[Expected, ...]]:
    """The shards, which are what the catalog says of them, and its splits to which they belong."""
    catalog = load_catalogs(options.catalog)
    shards = find_shards(options, catalog)
    expected = expectations(shards, catalog)
    transcriptions = _find_transcriptions(options, catalog)
    if not options.allow_partial:
        refuse_absence(expected)
        refuse_sizes([*shards, *transcriptions], catalog)
    check_output(options.output)
    if options.verify_checksums:
        verified = verify_checksums([*shards, *transcriptions], options.output, _say)
        shards = verified[: len(shards)]
    return shards, expected


def _say(message: str) -> None:
    print(message, file=sys.stderr, flush=True)


def check_output(output: str) -> None:
    """Checks that the output folder can be written to, and that no link leads out of it.

    Links in the place of a unit or a version are removed: what they lead to stays.

    Raises:
      UsageError: It cannot be written to, or a link is in the place of one of its folders.
    """
    storage.check_writable(output)
    storage.refuse_links(output, [*layout.FOLDERS, *layout.LOCKS])
    for name in (layout.UNITS, layout.VERSIONS):
        storage.remove_links(storage.join(output, name))


def current_version(output: str) -> str | None:
    """The version that an output folder's pointer names, whatever its bytes are."""
    pointer = storage.join(output, layout.CURRENT)
    if not storage.existing([pointer]):
        return None
    return storage.read_bytes(pointer).strip().decode("latin-1") or None


def _current_manifest(options: BuildOptions, base: str) -> dict | None:
    """The current version's manifest, None where it is damaged."""
    if not layout.is_version(base):
        return None
    folder = storage.join(options.output, layout.version_folder(base))
    return storage.read_whole_manifest(folder, thorough=options.verify_output)


def find_shards(options: BuildOptions, catalog: Catalog) -> tuple[ShardPlan, ...]:
    """The shards that the options name, each once, with dataset and split where known.

    Raises:
      UsageError: Nothing found, a file of another kind, or two files of one name.
    """
    files = storage.match(input_patterns(options.input, catalog))
    _refuse_captions_twice(files)
    shards = [_describe_shard(file, catalog, options) for file in files]
    check_inputs(files, options.output)
    seen: dict[str, str] = {}
    for shard in shards:
        name = "-".join(filter(None, (shard.dataset, shard.split, unit_label(shard))))
        same = unicodedata.normalize("NFC", name).casefold()
        other = seen.setdefault(same, shard.path)
        if other != shard.path:
            raise UsageError(
                f"{other!r} and {shard.path!r} would have the same name in the output: rename one"
            )
    return tuple(shards)


_PUBLISHED = re.compile(
    r"(.+)_(captions|localized_narratives)(?:-\d+-of-\d+)?\.jsonl(?:\.gz|\.zst)?"
)


def _refuse_captions_twice(files: Sequence[FileInfo]) -> None:
    """Refuses the captions of a split beside its narratives, which hold the same captions."""
    found = [(_PUBLISHED.fullmatch(file.name), file) for file in files]
    full = {name[1]: file for name, file in found if name and name[2] == "localized_narratives"}
    for name, file in found:
        if name and name[2] == "captions" and name[1] in full:
            raise UsageError(
                f"{file.path!r} holds the captions of {full[name[1]].path!r} and would be read "
                "as narratives without traces, every caption twice: give one of the two (a pattern "
                "such as '*_localized_narratives*.jsonl')"
            )


_TRANSCRIPTIONS = re.compile(r"_asr(-\d+-of-\d+)?\.jsonl")


def _describe_shard(file: FileInfo, catalog: Catalog, options: BuildOptions) -> ShardPlan:
    entry = catalog.lookup(file.name)
    if (entry and entry.kind == "transcripts") or _TRANSCRIPTIONS.search(file.name):
        raise UsageError(
            f"{file.path!r} holds transcriptions, not narratives: give it with --transcripts asr "
            "--transcript-files"
        )
    return _plan_shard(file, entry, options)


def _find_transcriptions(options: BuildOptions, catalog: Catalog) -> list[ShardPlan]:
    """Files of transcriptions, with what the catalog knows of them."""
    files = storage.match(options.transcript_files) if options.transcript_files else []
    return [_plan_shard(file, catalog.lookup(file.name), options) for file in files]


def _plan_shard(file: FileInfo, entry: Entry | None, options: BuildOptions) -> ShardPlan:
    known = {"dataset": options.dataset, "split": options.split}
    if entry is not None:
        known = {"dataset": entry.dataset, "split": entry.split}
        # A file of another size is another file, whatever its checksum.
        same_size = entry.bytes in (None, file.size)
        known |= {"group": entry.group, "md5": entry.md5 if same_size else None}
    return ShardPlan(file.path, file.size, file.fingerprint, **known, identity=file.identity)


_NUMBERED = re.compile(r"_localized_narratives-(\d+-of-\d+)$")


def unit_label(shard: ShardPlan) -> str:
    """What a shard's units are called after: `00003-of-00010`, or the file's name."""
    stem = re.sub(r"\.jsonl?(\.gz|\.zst)?$", "", shard.shard)
    numbered = _NUMBERED.search(stem)
    if numbered and shard.dataset and shard.split:
        return numbered[1]
    return make_label(stem)


def shard_units(shard: ShardPlan, unit_bytes: int, salt: str) -> Iterator[Unit]:
    """The units of a shard."""
    stem = re.sub(r"(\.gz|\.zst)$", "", shard.shard)
    whole = Unit(
        path=shard.path,
        label=unit_label(shard),
        fingerprint=shard.fingerprint,
        size=shard.size,
        dataset=shard.dataset,
        split=shard.split,
        dialect="captions" if stem.endswith("_captions.jsonl") else "full",
        salt=salt,
        identity=shard.identity,
    )
    return whole.pieces(unit_bytes)


def _divide(units: Sequence[Unit], output: str) -> tuple[list[Unit], list[tuple[str, str]]]:
    """Units to do, and keys and record paths of those that are finished."""
    todo, finished = [], []
    there = storage.existing([_record_path(unit, output) for unit in units])
    for unit in units:
        records = list(_finished_pieces(unit, output, there))
        finished += records
        if not records or records[-1][2] is False:
            todo.append(unit)
            finished = finished[: len(finished) - len(records)]
    return todo, [(key, path) for key, path, _ in finished]


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
        except DamagedRecord:
            units = storage.join(output, layout.UNITS)
            storage.remove_others(units, {piece.key: ()}, layout.is_of_unit)
            return
        index, start, last = index + 1, start + record.bytes, record.last
        yield piece.key, path, last


def _annotation_index(options: BuildOptions, beam_args: Sequence[str], thorough: bool = False):
    """Path and description of the annotation index; None and None for a run without one.

    With `thorough`, all its checksums are compared. One that is corrupt is rebuilt, unless it was
    given.
    """
    path = options.annotations
    if options.sources():
        from pipelines.index_annotations import AnnotationSources, ensure_annotation_index

        folder = storage.join(options.output, layout.INDEXES)
        sources = AnnotationSources(**options.sources())
        path = ensure_annotation_index(sources, folder, options, beam_args, thorough)
    description = path and _describe_index(path, ("annotations",))
    if options.annotations and not storage.is_intact_index(path, ("annotations",), thorough):
        raise UsageError(
            f"{path}: the index given with --annotations is corrupt: build it again with `python "
            "-m pipelines.index_annotations`"
        )
    return path, description


def _transcript_index(options: BuildOptions, beam_args: Sequence[str], thorough: bool = False):
    """Path and description of the transcript index, likewise."""
    if options.transcripts == "timed_caption":
        return None, None
    from pipelines.index_annotations import ensure_transcript_index

    folder = storage.join(options.output, layout.INDEXES)
    path = ensure_transcript_index(
        options.transcript_files,
        options.transcripts,
        folder,
        options,
        beam_args,
        thorough or options.discard_share is not None,
    )
    return path, _describe_index(path, ("asr", "words"))


def _warnings(index: dict | None) -> list[str]:
    return index["warnings"] if index else []


def _not_compared(output: str, base: str | None) -> list[str]:
    """A warning where a version is current and the guard cannot compare the run with it."""
    if base is None:
        return []
    folder = storage.join(output, layout.version_folder(base))
    manifest = storage.read_manifest(folder) if layout.is_version(base) else None
    if manifest and is_comparable(manifest):
        return []
    return [
        f"the manifest of the current version, {shown(base)!r}, is missing or corrupt: the run is "
        "not compared with it (--max-shrink-share)"
    ]


def _describe_index(path: str, kinds: tuple[str, ...]) -> dict:
    manifest = storage.read_index_manifest(path, kinds)
    return {
        "path": path,
        "fingerprint": manifest.fingerprint,
        "sources": [msgspec.to_builtins(source) for source in manifest.sources],
        "rows": {name: table.rows for name, table in manifest.tables.items()},
        "warnings": manifest.warnings,
    }


def _calibrate(
    options, beam_args, shards, code, transcript_index, transcripts
) -> int | Fraction | None:
    """The threshold that discards at most the share that the options name, if they name one.

    It is kept below the output, so that a later run over the same input need not measure again.
    """
    if options.discard_share is None:
        return None
    from pipelines.build.preparation import count_distances

    salt = digest({"index": transcripts and transcripts["fingerprint"], "code": code})
    units = [unit for shard in shards for unit in shard_units(shard, options.unit_bytes, salt)]
    check_heads(units, options.max_bad_share)  # before a pass over all of them
    counts = count_distances(units, options, beam_args, transcript_index)
    try:
        return calibrate(counts, options.discard_share, options.discard_per_char)
    except ValueError as error:
        raise UsageError(f"--discard-share: {error}; raise the share") from error


def _attributes(options, base, quality, code, packages, annotations, transcripts) -> dict:
    """Entries for the manifest, without secrets."""
    return mask_secrets(
        {
            "configuration": options.model_dump(mode="json"),
            "code": code,
            "packages": packages,
            "annotations": annotations,
            "transcripts": transcripts,
            "threshold": _threshold(options, quality),
            "warnings": [
                *_warnings(annotations),
                *_warnings(transcripts),
                *_not_compared(options.output, base),
            ],
        }
    )


def _threshold(options: BuildOptions, rules: Sequence[Rule]) -> dict | None:
    """The manifest's entry on the threshold of D."""
    for rule in rules:
        if isinstance(rule, MaxDistance | MaxDistancePerChar):
            value, share = exact_text(rule.limit), options.discard_share
            return {"kind": rule.name, "value": value, "calibrated_share": share}
    return None
