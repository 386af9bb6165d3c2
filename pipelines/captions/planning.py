"""Planning a run of the job of captions: its shards, their formats, their units."""

import dataclasses
import re
import unicodedata
from collections.abc import Iterator, Sequence

import msgspec

from pipelines.captions.compared import read_compared
from pipelines.captions.options import CaptionsOptions
from pipelines.runs.contents import Contents, check_output, refuse_below
from pipelines.runs.plan import (
    RunPlan,
    fields_of,
    plan_shard,
    plan_units,
    units_of,
)
from transforms import storage
from transforms.collections.captions.documents import document_starts
from transforms.collections.captions.publication import CaptionsPublication
from transforms.core.base.errors import UsageError
from transforms.core.base.secrets import mask_secrets
from transforms.core.base.versions import code_version, digest, package_versions
from transforms.core.model.units import Unit, make_label
from transforms.core.output.version import ShardPlan
from transforms.core.sources.captions.formats.form import Format
from transforms.core.sources.captions.registry import FORMATS, describe_file, format_of
from transforms.core.sources.captions.schemas import CaptionsManifest, CaptionsProvenance
from transforms.core.stages.measure.taggers import tagger_version
from transforms.storage.files import FileInfo

MAKERS = (
    "transforms.collections.captions.stages",
    "transforms.core.output.jobs.captions",
    "transforms.units.write",
)
"""The modules that make a unit's results, with what they import."""


@dataclasses.dataclass(frozen=True)
class CaptionsPlan(RunPlan):
    """A run of the job of captions, before any record is read.

    Attributes:
      publication: How the version is described and judged.
    """

    manifest: CaptionsManifest | None
    publication: CaptionsPublication


def plan_captions(options: CaptionsOptions) -> CaptionsPlan:
    """Plans a run: finds its shards, and cuts them into units that begin with a record.

    Raises:
      UsageError: Input is missing or unusable.
    """
    publication = _publication(options)
    files = storage.match(options.input)
    refuse_below(files, options.output)
    forms = [_format(file, options) for file in files]
    _refuse_same_names(files)
    if not options.dry_run:
        check_output(options.output)
    contents = Contents(options.output, verify=options.verify_inputs, keep=not options.dry_run)
    shards = [
        _plan_shard(file, form, options)
        for file, form in zip(contents.described(files), forms, strict=True)
    ]
    salt = digest(
        {
            "code": publication.provenance.code,
            "packages": publication.provenance.packages,
            "tagger": [options.tagger, tagger_version(options.tagger)],
        }
    )
    units = [
        unit
        for shard, form in zip(shards, forms, strict=True)
        for unit in cut_shard(shard, form, options.unit_bytes, salt)
    ]
    run = plan_units(shards, units, options, CaptionsManifest, publication.marks)
    return CaptionsPlan(**fields_of(run), publication=publication)


def _publication(options: CaptionsOptions) -> CaptionsPublication:
    made = CaptionsProvenance(
        configuration=options.model_dump(mode="json"),
        code=code_version(MAKERS),
        packages=package_versions(),
        warnings=[],
        narratives=read_compared(options.narratives) if options.narratives else None,
    )
    provenance = msgspec.convert(mask_secrets(msgspec.to_builtins(made)), CaptionsProvenance)
    return CaptionsPublication(provenance=provenance, max_bad_share=options.max_bad_share)


def _format(file: FileInfo, options: CaptionsOptions) -> Format:
    return FORMATS[options.format] if options.format else format_of(file.path)


def _plan_shard(file: FileInfo, form: Format, options: CaptionsOptions) -> ShardPlan:
    collection, split = describe_file(form, file.path)
    return plan_shard(file, options.collection or collection, options.split or split)


def _refuse_same_names(files: Sequence[FileInfo]) -> None:
    seen: dict[str, str] = {}
    for file in files:
        other = seen.setdefault(
            unicodedata.normalize("NFC", _stem(file.name)).casefold(), file.path
        )
        if other != file.path:
            raise UsageError(
                f"{other!r} and {file.path!r} would have the same name in the output: rename one"
            )


def _stem(name: str) -> str:
    return re.sub(r"(\.(jsonl?|token|tsv|txt))?(\.gz|\.zst)?$", "", name)


def cut_shard(shard: ShardPlan, form: Format, unit_bytes: int, salt: str) -> Iterator[Unit]:
    """The units of a shard; those of a plain document begin with a record each.

    Args:
      shard: The shard.
      form: Its format.
      unit_bytes: Bytes of records that are one unit.
      salt: Hash of all else that changes results.

    Raises:
      UsageError: A document is corrupt or cut short, with the byte.
    """
    label = make_label(_stem(shard.shard))
    units = units_of(shard, unit_bytes, label, salt, form.name)
    first = next(units)
    if first.compressed or not form.is_document:
        yield first
        yield from units
        return
    starts = document_starts(shard, unit_bytes, form.key)
    for index, (start, end) in enumerate(zip(starts, [*starts[1:], shard.size], strict=True)):
        yield dataclasses.replace(first, index=index, start=start, end=end)
