"""The shards of a run: files that the options name, as the catalog knows them; their units."""

import dataclasses
import re
import unicodedata
from collections.abc import Callable, Iterator, Sequence

from pipelines.build.inputs.checks import check_inputs, input_patterns
from pipelines.build.inputs.checksums import verify_checksums
from pipelines.build.inputs.expectations import (
    expectations,
    limited,
    refuse_absence,
    refuse_sizes,
)
from pipelines.build.inputs.limit import first_lines
from pipelines.build.options import BuildOptions
from pipelines.catalog import Catalog, Entry, load_catalogs
from pipelines.runs.contents import Contents, check_output
from pipelines.runs.plan import plan_shard, units_of
from pipelines.runs.repairing import NO_REPAIRS, ShardRepairs
from transforms import storage
from transforms.core.base.errors import UsageError
from transforms.core.model.units import Unit, make_label
from transforms.core.output.checks.expected import Expected
from transforms.core.output.version import ShardPlan
from transforms.core.sources.narratives.decoding import dialect_of
from transforms.storage.files import FileInfo


def find_input(
    options: BuildOptions, contents: Contents, begin: Callable[[], object] = bool
) -> tuple[tuple[ShardPlan, ...], tuple[Expected, ...]]:
    """The shards, which are what the catalog says of them, and its splits to which they belong.

    Args:
      options: The job's options.
      contents: Tells what the shards hold.
      begin: Called before anything is written to the output.

    Raises:
      UsageError: Input is missing or unusable.
      Refused: It is not what the catalog says of it.
    """
    catalog = load_catalogs(options.catalog, options.data)
    shards = find_shards(options, catalog)
    expected = expectations(shards, catalog)
    transcriptions = _find_transcriptions(options, catalog)
    if not options.allow_partial:
        refuse_absence(expected)
        refuse_sizes([*shards, *transcriptions], catalog)
    if options.limit is not None:
        shards = first_lines(shards, options.limit)
        expected = limited(expected, shards)
    if not options.dry_run:
        check_output(options.output)
        begin()
    if options.verify_checksums:
        verified = verify_checksums([*shards, *transcriptions], contents)
        shards = verified[: len(shards)]
    return tuple(contents.described(shards)), expected


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
    if entry is None:
        return plan_shard(file, options.dataset, options.split)
    # A file of another size is another file, whatever its checksum.
    md5 = entry.md5 if entry.bytes in (None, file.size) else None
    known = plan_shard(file, entry.dataset, entry.split)
    return dataclasses.replace(known, group=entry.group, md5=md5)


_NUMBERED = re.compile(r"_localized_narratives-(\d+-of-\d+)$")


def unit_label(shard: ShardPlan) -> str:
    """What a shard's units are called after: `00003-of-00010`, or the file's name."""
    stem = re.sub(r"\.jsonl?(\.gz|\.zst)?$", "", shard.shard)
    numbered = _NUMBERED.search(stem)
    if numbered and shard.dataset and shard.split:
        return numbered[1]
    return make_label(stem)


def shard_units(
    shard: ShardPlan, unit_bytes: int, salt: str, repairs: ShardRepairs = NO_REPAIRS
) -> Iterator[Unit]:
    """The units of a shard."""
    stem = re.sub(r"(\.gz|\.zst)$", "", shard.shard)
    return units_of(shard, unit_bytes, unit_label(shard), salt, dialect_of(stem), repairs)
