"""Planning a run of `images`: the lists of images, their units, and which of them are finished."""

import contextlib
import dataclasses
import functools
import tempfile
from collections.abc import Callable, Sequence

from pipelines.cli.engines.runners import is_local
from pipelines.images.options import ImagesOptions
from pipelines.runs.contents import check_output
from pipelines.runs.plan import (
    RunPlan,
    complete_unit,
    fields_of,
    finished_records,
    plan_shard,
    plan_units,
)
from transforms import storage
from transforms.collections.images.fetching import FetchPlan
from transforms.collections.images.lists import ImageList, make_lists, read_lists
from transforms.collections.images.publication import (
    ImagesEntries,
    ImagesManifest,
    ImagesPublication,
    publication_for,
)
from transforms.core.base.errors import UsageError, option, shown
from transforms.core.base.secrets import mask_secrets
from transforms.core.base.versions import code_version, digest, package_versions
from transforms.core.model import layout
from transforms.core.model.manifest_entries import Provenance
from transforms.core.model.units import Unit, make_label
from transforms.core.output.version import ShardPlan
from transforms.units.corrupt_units import read_records
from transforms.units.publishing.pin import current_version
from transforms.units.publishing.read_version import read_manifest

MAKERS = (
    "transforms.collections.images.stages",
    "transforms.core.output.jobs.images",
    "transforms.units.write",
)
"""The modules that make a unit's results, with what they import."""

LISTERS = ("transforms.collections.images.lists",)
"""The modules that make lists."""


@dataclasses.dataclass(frozen=True)
class ImagesPlan(RunPlan):
    """A run of `images`, before anything is downloaded.

    Attributes:
      fetch: How images are fetched.
      publication: How the version is described.
    """

    manifest: ImagesManifest | None
    fetch: FetchPlan
    publication: ImagesPublication


def plan_images(
    options: ImagesOptions, scratch: contextlib.ExitStack, begin: Callable[[], object] = bool
) -> ImagesPlan:
    """Plans a run.

    Args:
      options: The job's options.
      scratch: Keeps the lists of a dry run, which leaves none below the output.
      begin: Called before anything is written to the output, which can be written to.

    Raises:
      UsageError: The input is no version of narratives, or the output cannot be written to.
    """
    version = source_version(options)
    if not options.dry_run:
        check_output(options.output)
        begin()
    folder, lists = _lists(options, version, scratch)
    shards = [_shard(storage.join(folder, one.name), one) for one in lists]
    code = code_version(MAKERS)
    policy = _policy(options, code)
    salt = digest({"policy": policy, "layout": options.layout, "frame": options.frame})
    make = functools.partial(_units, shards, lists, salt)
    before = _round_of(options.output)
    units, now = _units_in_rounds(make, before, options)
    run = plan_units(shards, units, options, ImagesManifest)
    entries = ImagesEntries(
        source=version.rpartition("/")[2], policy=policy, round=now, layout=options.layout
    )
    provenance = Provenance(
        configuration=mask_secrets(options.model_dump(mode="json")),
        code=code,
        packages=package_versions(),
        warnings=[],
    )
    return ImagesPlan(
        **fields_of(run),
        fetch=_fetch_plan(options, run, policy),
        publication=publication_for(provenance, entries, options.max_bad_share),
    )


def source_version(options: ImagesOptions) -> str:
    """The folder of the version whose images are wanted.

    Raises:
      UsageError: There is none.
    """
    name = options.input_version or current_version(options.input)
    if not name or not layout.is_version(name):
        raise UsageError(
            f"{options.input!r} has no {f'version {shown(name)!r}' if name else 'version'}: give "
            f"the output folder of the main job with {option('input')}"
        )
    return storage.join(options.input, layout.version_folder(name))


def _lists(
    options: ImagesOptions, version: str, scratch: contextlib.ExitStack
) -> tuple[str, list[ImageList]]:
    """The lists of images and their folder; they are made where they are not there."""
    made_by = {
        "version": version.rpartition("/")[2],
        "cutting": dataclasses.asdict(options.cutting),
        "code": code_version(LISTERS),
    }
    name = digest(made_by)[:16]
    folder = storage.join(options.output, layout.LISTS, name)
    lists = read_lists(folder)
    if lists is not None:
        return folder, lists
    if options.dry_run:
        folder = scratch.enter_context(tempfile.TemporaryDirectory())
    lists = make_lists(version, folder, options.cutting)
    if not options.dry_run:
        storage.remove_others(options.output, {layout.LISTS: [name]})
    return folder, lists


def _shard(path: str, one: ImageList) -> ShardPlan:
    [file] = storage.match([path])
    return dataclasses.replace(plan_shard(file), content=one.content)


def _policy(options: ImagesOptions, code: str) -> str:
    """Hash of what decides whether a picture is taken, and which failures are final."""
    return digest(
        {
            "size": options.size,
            "fallback": options.fallback,
            "placeholders": sorted(options.placeholder_md5),
            "keep_unverified": options.keep_unverified,
            "max_image_bytes": options.max_image_bytes,
            "follow": sorted(options.follow_hosts),
            "code": code,
            "packages": package_versions(),
        }
    )[:16]


def _units(
    shards: Sequence[ShardPlan], lists: Sequence[ImageList], salt: str, number: int
) -> list[Unit]:
    """The units of all lists in a round of attempts."""
    units = []
    for shard, one in zip(shards, lists, strict=True):
        label = make_label(one.name.removesuffix(".jsonl"))
        complete = complete_unit(shard, label, f"{salt}-{number}" if number else salt)
        pairs = zip(one.cuts, one.cuts[1:], strict=False)
        units += [complete.piece(index, *pair) for index, pair in enumerate(pairs)]
    return units


def _round_of(output: str) -> int:
    """How often failures were attempted again up to the current version."""
    base = current_version(output)
    if base is None or not layout.is_version(base):
        return 0
    with contextlib.suppress(UsageError):
        return read_manifest(
            storage.join(output, layout.version_folder(base)), ImagesManifest
        ).round
    return 0


def _units_in_rounds(
    make: Callable[[int], list[Unit]], before: int, options: ImagesOptions
) -> tuple[list[Unit], int]:
    """Of each unit its last round that is finished, the first where none is; and the last of all.

    With `retry_failed`, a unit with failures that may pass is to be done in the round after the
    last one.

    Args:
      make: Makes the units of a round.
      before: The last round of the current version.
      options: The job's options.
    """
    units = make(0)
    is_found = [False] * len(units)
    for number in range(before, -1, -1):
        made = make(number)
        for at, records in enumerate(finished_records(made, options.output)):
            if records and not is_found[at]:
                units[at], is_found[at] = made[at], True
    if not options.retry_failed:
        return units, before
    keys = [unit.key for unit, found in zip(units, is_found, strict=True) if found]
    finished = read_records(options.output, keys)
    failed = {key for key, record in finished.items() if record.counts.further.get("retryable")}
    if not failed:
        return units, before
    again = make(before + 1)
    return [again[at] if unit.key in failed else unit for at, unit in enumerate(units)], before + 1


def _fetch_plan(options: ImagesOptions, run: RunPlan, policy: str) -> FetchPlan:
    manifest = run.manifest if isinstance(run.manifest, ImagesManifest) else None
    folder = None
    if manifest:
        folder = storage.join(options.output, layout.version_folder(manifest.version))
    return FetchPlan(
        size=options.size,
        fallback=options.fallback,
        rules=options.rules,
        frame=options.frame,
        manners=options.manners(options.workers if is_local(options) else 1),
        output=options.output,
        held=folder,
        with_final=bool(manifest and manifest.policy == policy),
    )
