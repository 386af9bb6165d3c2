"""PublishVersion: the last step of the pipeline."""

import dataclasses
import datetime
from collections.abc import Iterator

import apache_beam as beam
import msgspec

from transforms import storage
from transforms.core.base.errors import EngineError, UsageError, job, option, shown
from transforms.core.base.secrets import mask_secrets
from transforms.core.model import layout
from transforms.core.model.manifest import FORMAT, Manifest
from transforms.core.model.manifest_entries import InputRow
from transforms.core.output.checks.verdict import Found, Verdict
from transforms.core.output.version import (
    SHOWN_BAD_LINES,
    ShardPlan,
    Summary,
    decode_summary,
    describe_units,
    reconcile,
    total_counts,
    version_files,
    version_id,
)
from transforms.stage import MessagePackCoder, Stopwatch
from transforms.units.corrupt_units import remove_corrupt_units
from transforms.units.lease import let_go
from transforms.units.merge import MergeRecords
from transforms.units.publishing.pin import current_version, pin_path, read_pin
from transforms.units.publishing.publication import Publication
from transforms.units.publishing.read_version import is_complete
from transforms.units.publishing.write_version import write_version
from transforms.units.runs import Ended, describe_making, write_end

JUDGED = ("checks", "not_compared")
"""Entries of a manifest that are about a run as much as about its version."""

MADE = ("held_back", "overtaken", "pinned")
"""How a run ends that has made a version which is not current."""


@dataclasses.dataclass(frozen=True)
class PublishPlan:
    """What publishing needs to know of the run.

    Attributes:
      output: The output folder.
      run_id: Names the file in which the run's outcome is left.
      base: The version that was current when the run was planned, None for none.
      shards: All shards of the run.
      publication: How the version is described and judged.
      fails_job: Whether a run that publishes nothing is to fail as a job, for engines on which
        nobody may be waiting to read its outcome.
    """

    output: str
    run_id: str
    base: str | None
    shards: tuple[ShardPlan, ...]
    publication: Publication
    fails_job: bool = False


@dataclasses.dataclass(frozen=True)
class Outcome:
    """How a run ended.

    Attributes:
      status: `published`; `not_conserved`, `too_many_bad_lines`, `not_as_published` or `damaged`,
        with nothing published; or, when the version is complete but not current, `held_back`,
        `pinned` (another version is to stay current) or `overtaken` (another run published in
        the meantime).
      version: The version's name.
      message: One sentence.
      found: What the run found, where it is not published: `verdict.Found`, as JSON has it. Of a
        version that was there already, by what the run was judged: its manifest says by what it
        was judged when it was made.
    """

    status: str
    version: str
    message: str
    found: dict = dataclasses.field(default_factory=dict)


beam.coders.registry.register_coder(Outcome, MessagePackCoder)


def publish_version(summary: Summary, plan: PublishPlan) -> Outcome:
    """Checks the merged units and makes them the current version.

    Readers see the old version or the new one, complete: the folder is filled under another name,
    and the pointer is swapped last. The outcome is left in the output's `runs` folder too.

    Raises:
      UsageError: A shard was changed since the run was planned.
    """
    for shard in plan.shards:
        storage.check_unchanged(shard.path, shard.fingerprint, shard.identity)
    manifest = make_manifest(summary, plan)
    verdict = plan.publication.judge(manifest)
    if verdict is None or verdict.status == "held_back":
        outcome = _publish(manifest, summary, plan, verdict)
    else:
        outcome = Outcome(verdict.status, manifest.version, verdict.message)
    if outcome.status != "published":
        found = msgspec.to_builtins(_describe_found(manifest, outcome.status, summary, plan))
        outcome = dataclasses.replace(outcome, found=found)
    write_end(plan.output, plan.run_id, Ended(**dataclasses.asdict(outcome)))
    if plan.fails_job:  # nobody may be waiting
        let_go(plan.output, plan.run_id)
    return outcome


def _describe_found(manifest: Manifest, status: str, summary: Summary, plan: PublishPlan) -> Found:
    """What a run found that is not published.

    Where no version was made of them, its files are those of its units.
    """
    folder = storage.join(plan.output, layout.version_folder(manifest.version))
    if status in MADE:
        return plan.publication.describe_failure(manifest, folder)
    files = version_files(summary.in_order())
    places = {file.path: f"{plan.output}/{place}" for place, file in files.items()}
    return plan.publication.describe_failure(manifest, folder, places)


def make_manifest(summary: Summary, plan: PublishPlan) -> Manifest:
    """The version's manifest; entries of the statistics' files and the pages come later."""
    publication = plan.publication
    records = summary.in_order()
    units, bad_lines = describe_units(records)
    shards = reconcile(plan.shards, records, publication.job.accounted)
    values = {
        "format": FORMAT,
        "job": publication.job.name,
        "version": version_id([*summary.records, *publication.marks]),
        "created": datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
        "previous": plan.base if layout.is_version(plan.base or "") else None,
        **msgspec.structs.asdict(publication.provenance),
        "inputs": [_describe_input(shard) for shard in plan.shards],
        "shards": shards,
        "counts": total_counts(records),
        "units": units,
        "bad_lines": bad_lines[:SHOWN_BAD_LINES],
        "files": list(version_files(records).values()),
        "checks": [],
        "made_by": describe_making(plan.output, plan.run_id),
        "columns": publication.columns,
        "pages": [],
        "seal": "",
        **publication.describe(summary, shards),
    }
    manifest = msgspec.convert(msgspec.to_builtins(values), publication.manifest)
    return publication.check(manifest, summary, _previous(plan))


def _describe_input(shard: ShardPlan) -> InputRow:
    entry = dataclasses.asdict(shard) | {"shard": shard.shard}
    del entry["identity"]  # of this run and this machine only
    return msgspec.convert(mask_secrets(entry), InputRow)


def _previous(plan: PublishPlan) -> str | None:
    """The folder of the version that was current when the run was planned, None for none."""
    if plan.base is None or not layout.is_version(plan.base):
        return None
    return storage.join(plan.output, layout.version_folder(plan.base))


def _publish(
    manifest: Manifest, summary: Summary, plan: PublishPlan, held: Verdict | None = None
) -> Outcome:
    """Makes the version and, unless it is held back, the current one of it."""
    version = manifest.version
    target = storage.join(plan.output, layout.version_folder(version))
    if corrupt := remove_corrupt_units(summary.records, plan.output):
        return Outcome(
            "damaged",
            version,
            f"files of {len(corrupt)} finished unit(s) were corrupt and removed, the first "
            f"{corrupt[0]!r}: nothing was published; run the same command again",
        )
    judged = {}
    if not is_complete(target):
        _fill_version(target, manifest, summary, plan)
    else:
        judged = {name: msgspec.to_builtins(getattr(manifest, name)) for name in JUDGED}
    _remove_abandoned(version, summary, plan.output)
    storage.sync_folders([storage.join(plan.output, layout.VERSIONS)])
    if held:
        return Outcome(
            held.status,
            version,
            f"{held.message}: version {version} is complete but held back, not current; see "
            f"{storage.join(target, layout.REPORT)}, and publish it by the same command with "
            f"{option('guard', off=True)} or another limit",
        )
    pointer = storage.join(plan.output, layout.CURRENT)
    base = None if plan.base is None else f"{plan.base}\n".encode("latin-1")
    wanted = f"{version}\n".encode()
    if (
        storage.swap_pointer(pointer, base, wanted, unless=pin_path(plan.output))
        or current_version(plan.output) == version
    ):
        return Outcome("published", version, f"version {version} is current", judged)
    if pinned := read_pin(plan.output):
        return Outcome("pinned", version, _describe_pin(pinned, version))
    return Outcome(
        "overtaken",
        version,
        f"another run published in the meantime: version {version} is complete but not current; "
        "run again to make it so",
    )


def _describe_pin(pinned: str, version: str) -> str:
    return (
        f"the output is pinned to version {shown(pinned)}: version {version} is complete but not "
        f"current; {job('versions')} with `unpin` lets runs publish again, and with `release "
        f"{version}` makes this one current after that"
    )


def _fill_version(target: str, manifest: Manifest, summary: Summary, plan: PublishPlan) -> None:
    """Makes the version's folder, complete in itself; its manifest says that it is.

    One that another run has completed in the meantime stays as it is.
    """
    try:
        with storage.new_folder(target, is_complete) as folder:
            write_version(folder, manifest, summary, plan.output, plan.publication)
    except (OSError, UsageError):
        if not is_complete(target):  # unless another run has removed this one when it published
            raise


def _remove_abandoned(version: str, summary: Summary, output: str) -> None:
    """Removes what attempts that did not end have left of the version and of its units."""
    versions = storage.join(output, layout.VERSIONS)
    for name in storage.list_dir(versions):
        if name.startswith(f"{version}.") and layout.is_unfinished_version(name):
            storage.remove_folder(storage.join(versions, name))
    kept = {key: (layout.RECORD, record.attempt) for key, record in summary.records.items()}
    storage.remove_others(storage.join(output, layout.UNITS), kept, layout.is_of_unit)


class _Publish(beam.DoFn):
    def __init__(self, plan: PublishPlan) -> None:
        self._plan = plan
        self._stopwatch = Stopwatch("PublishVersion")

    def process(self, merged: bytes) -> Iterator[Outcome]:
        summary = decode_summary(merged, self._plan.publication.job)
        with self._stopwatch.running():
            outcome = publish_version(summary, self._plan)
        if self._plan.fails_job and outcome.status != "published":
            raise EngineError(outcome.message)
        yield outcome


@dataclasses.dataclass
class PublishVersion(beam.PTransform):
    """From the paths of commit records to a published version.

    Attributes:
      plan: What publishing needs to know of the run.
    """

    plan: PublishPlan

    def __post_init__(self) -> None:
        super().__init__()

    def expand(self, record_paths: beam.PCollection[str]) -> beam.PCollection[Outcome]:
        return (
            record_paths
            | "MergeRecords" >> MergeRecords(self.plan.publication.job)
            | "PublishVersion" >> beam.ParDo(_Publish(self.plan)).with_output_types(Outcome)
        )
