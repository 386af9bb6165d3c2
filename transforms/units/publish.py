"""MergeUnits and PublishVersion: the last steps of the pipeline."""

import dataclasses
import datetime
import itertools
import json
from collections.abc import Iterable, Iterator

import apache_beam as beam
import msgspec
import pyarrow as pa
import pyarrow.parquet as pq

from transforms import storage
from transforms.core.base.errors import ChangedError, EngineError, UsageError
from transforms.core.base.secrets import mask_secrets
from transforms.core.model import layout
from transforms.core.model.schemas import MENTIONS, UNIT_TABLES
from transforms.core.output.commit_records import DamagedRecord, UnitRecord, decode_record
from transforms.core.output.expected import Expected, compare
from transforms.core.output.guard import Limits, is_comparable, run_checks
from transforms.core.output.tables import write_table
from transforms.core.output.verdict import Verdict, describe_failure, judge
from transforms.core.output.version import (
    SHOWN_BAD_LINES,
    ShardPlan,
    Summary,
    decode_summary,
    describe_page,
    describe_repeats,
    describe_splits,
    describe_units,
    encode_summary,
    reconcile,
    sealed,
    total_counts,
    version_files,
    version_id,
)
from transforms.stage import MessagePackCoder, Stopwatch

FORMAT = 1
"""Version of the manifest's form."""

EXAMPLES = 500
"""Narratives among which the report's example is chosen."""


@dataclasses.dataclass(frozen=True)
class PublishPlan:
    """What publishing needs to know of the run.

    Attributes:
      output: The output folder.
      run_id: Names the file in which the run's outcome is left.
      base: The version that was current when the run was planned, None for none.
      shards: All shards of the run.
      expected: The splits of a catalog to which shards belong.
      limits: What the run must keep to be published.
      attributes: Further entries of the manifest: configuration, code, packages, indexes.
      fails_job: Whether a run that publishes nothing is to fail as a job, for engines on which
        nobody may be waiting to read its outcome.
    """

    output: str
    run_id: str
    base: str | None
    shards: tuple[ShardPlan, ...]
    expected: tuple[Expected, ...]
    limits: Limits
    attributes: dict
    fails_job: bool = False


@dataclasses.dataclass(frozen=True)
class Outcome:
    """How a run ended.

    Attributes:
      status: `published`; `not_conserved`, `too_many_bad_lines`, `not_as_published` or `damaged`,
        with nothing published; `held_back`, when the version is complete but not current; or
        `overtaken`, when another run published in the meantime.
      version: The version's name.
      message: One sentence.
      found: What the run found, where it is not published: entries of its manifest, and
        `rejected_files`, where all of its rejected lines are.
    """

    status: str
    version: str
    message: str
    found: dict = dataclasses.field(default_factory=dict)


class SummaryCoder(MessagePackCoder):
    """A summary as MessagePack, compressed."""

    def encode(self, value: Summary) -> bytes:
        return encode_summary(value)

    def decode(self, encoded: bytes) -> Summary:
        return decode_summary(encoded)


beam.coders.registry.register_coder(UnitRecord, MessagePackCoder)
beam.coders.registry.register_coder(Summary, SummaryCoder)
beam.coders.registry.register_coder(Outcome, MessagePackCoder)


@beam.typehints.with_input_types(UnitRecord)
@beam.typehints.with_output_types(Summary)
class MergeUnits(beam.CombineFn):
    """Merges unit records to one `Summary`, in any order."""

    def get_accumulator_coder(self) -> beam.coders.Coder:
        return SummaryCoder(Summary)

    def create_accumulator(self) -> Summary:
        return Summary()

    def add_input(self, accumulator: Summary, record: UnitRecord) -> Summary:
        accumulator.update(record)
        return accumulator

    def merge_accumulators(self, accumulators: Iterable[Summary]) -> Summary:
        merged = Summary()
        for accumulator in accumulators:
            merged.merge(accumulator)
        return merged

    def compact(self, accumulator: Summary) -> Summary:
        accumulator.compact()
        return accumulator

    def extract_output(self, accumulator: Summary) -> Summary:
        return accumulator


def read_record(path: str) -> UnitRecord:
    """Reads a commit record.

    Raises:
      UsageError: It is damaged; its unit is then removed, so that the next run does it anew. Or it
        is gone, as after the try before, or when another run has found it damaged.
    """
    try:
        return decode_record(storage.read_bytes(path))
    except UsageError as error:
        raise ChangedError(
            f"{error}; a finished unit is gone: run the same command again"
        ) from error
    except DamagedRecord as error:
        unit_folder = path.rpartition("/")[0]
        units, _, key = unit_folder.rpartition("/")
        storage.remove_others(units, {key: ()}, layout.is_of_unit)
        raise ChangedError(
            f"{path!r} was damaged and has been removed: run the same command again"
        ) from error


def publish_version(summary: Summary, plan: PublishPlan) -> Outcome:
    """Checks the merged units and makes them the current version.

    Readers see the old version or the new one, whole: the folder is filled under another name,
    and the pointer is swapped last. The outcome is left in the output's `runs` folder too.

    Raises:
      UsageError: A shard was changed since the run was planned.
    """
    for shard in plan.shards:
        storage.check_unchanged(shard.path, shard.fingerprint, shard.identity)
    manifest = make_manifest(summary, plan)
    verdict = judge(manifest, plan.limits)
    if verdict is None or verdict.status == "held_back":
        outcome = _publish(manifest, summary, plan, verdict)
    else:
        outcome = Outcome(verdict.status, manifest["version"], verdict.message)
    if outcome.status != "published":
        folder = storage.join(plan.output, layout.version_folder(outcome.version))
        found = describe_failure(manifest, plan.output, folder)
        outcome = dataclasses.replace(outcome, found=found)
    path = storage.join(plan.output, layout.RUNS, f"{plan.run_id}.json")
    storage.write_bytes(path, json.dumps(dataclasses.asdict(outcome)).encode())
    return outcome


def make_manifest(summary: Summary, plan: PublishPlan) -> dict:
    """The version's manifest; entries of the statistics' files and the report come later."""
    records = summary.in_order()
    units, bad_lines = describe_units(records)
    shards = reconcile(plan.shards, records)
    manifest = {
        "format": FORMAT,
        "version": version_id(summary.records),
        "created": datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
        "previous": plan.base if layout.is_version(plan.base or "") else None,
        **plan.attributes,
        "inputs": [_describe_input(shard) for shard in plan.shards],
        "shards": shards,
        "expected": compare(plan.expected, shards),
        "splits": describe_splits(summary.statistics),
        "counts": msgspec.to_builtins(total_counts(records)),
        "units": units,
        "bad_lines": bad_lines[:SHOWN_BAD_LINES],
        "repeated_keys": describe_repeats(summary.statistics),
        "files": version_files(records),
    }
    return manifest | {"checks": run_checks(manifest, _previous(plan), plan.limits)}


def _describe_input(shard: ShardPlan) -> dict:
    entry = dataclasses.asdict(shard) | {"shard": shard.shard}
    del entry["identity"]  # of this run and this machine only
    return mask_secrets(entry)


def _previous(plan: PublishPlan) -> dict | None:
    """The manifest of the version that was current when the run was planned.

    None where there is none, or it is damaged or of another form: nothing can be said against it.
    """
    if plan.base is None or not layout.is_version(plan.base):
        return None
    manifest = storage.read_manifest(storage.join(plan.output, layout.version_folder(plan.base)))
    return manifest if manifest and is_comparable(manifest) else None


def _publish(
    manifest: dict, summary: Summary, plan: PublishPlan, held: Verdict | None = None
) -> Outcome:
    """Makes the version and, unless it is held back, the current one of it."""
    version = manifest["version"]
    target = storage.join(plan.output, layout.version_folder(version))
    if damaged := _remove_damaged(summary, plan.output):
        return Outcome(
            "damaged",
            version,
            f"files of {len(damaged)} finished unit(s) were damaged and removed, the first "
            f"{damaged[0]!r}: nothing was published; run the same command again",
        )
    if not _is_complete(target):
        _fill_version(target, manifest, summary, plan)
    _remove_abandoned(version, summary, plan.output)
    storage.sync_folders([storage.join(plan.output, layout.VERSIONS)])
    if held:
        return Outcome(
            held.status,
            version,
            f"{held.message}: version {version} is complete but held back, not current; see "
            f"{storage.join(target, layout.REPORT)}, and publish it by the same command with "
            "--no-guard or another limit",
        )
    pointer = storage.join(plan.output, layout.CURRENT)
    base = None if plan.base is None else f"{plan.base}\n".encode("latin-1")
    wanted = f"{version}\n".encode()
    if storage.swap_pointer(pointer, base, wanted) or storage.read_bytes(pointer) == wanted:
        return Outcome("published", version, f"version {version} is current")
    return Outcome(
        "overtaken",
        version,
        f"another run published in the meantime: version {version} is whole but not current; "
        "run again to make it so",
    )


def _remove_damaged(summary: Summary, output: str) -> list[str]:
    """Removes finished units with a file that is not what its record says; gives their keys."""
    expected = {
        file.path: (key, file.crc32c)
        for key, record in summary.records.items()
        for file in record.files
    }
    found = storage.checksums(output, expected)
    damaged = sorted({key for path, (key, crc) in expected.items() if found.get(path) != crc})
    units = storage.join(output, layout.UNITS)
    storage.remove_others(units, dict.fromkeys(damaged, ()), layout.is_of_unit)
    return damaged


def _is_complete(folder: str) -> bool:
    """Whether a version's folder is what its manifest says, by all checksums."""
    return storage.read_whole_manifest(folder, thorough=True) is not None


def _fill_version(target: str, manifest: dict, summary: Summary, plan: PublishPlan) -> None:
    """Makes the version's folder, complete in itself; its manifest says that it is.

    One that another run has completed in the meantime stays as it is.
    """
    try:
        with storage.new_folder(target, _is_complete) as folder:
            _write_version(folder, manifest, summary, plan)
    except (OSError, UsageError):
        if not _is_complete(target):  # unless another run has removed this one when it published
            raise


def _write_version(folder: str, manifest: dict, summary: Summary, plan: PublishPlan) -> None:
    from transforms.core.report import render_report
    from transforms.core.report.card import render_card
    from transforms.core.report.views import generated_splits

    storage.copy_files(
        (storage.join(plan.output, file.pop("source")), storage.join(folder, file["path"]))
        for file in manifest["files"]
    )
    tables = summary.statistics.to_tables()
    for name, table in (_empty_tables(manifest) | tables).items():
        path = f"{name}/{layout.file_name(name, name)}"
        with storage.new_file(storage.join(folder, path)) as local:
            entry = write_table(name, table, local, path)
        manifest["files"].append(msgspec.to_builtins(entry))
    pages = {
        layout.CARD: render_card(
            manifest["version"], manifest["files"], tables["richness"], generated_splits(manifest)
        ),
        layout.REPORT: render_report(manifest, tables, *_example(manifest, folder)),
    }
    manifest["pages"] = [describe_page(name, text.encode()) for name, text in pages.items()]
    pages[layout.MANIFEST] = json.dumps(sealed(manifest), indent=1, ensure_ascii=False)
    for name, text in pages.items():
        storage.write_bytes(storage.join(folder, name), text.encode())


def _empty_tables(manifest: dict) -> dict[str, pa.Table]:
    """Tables that no unit has rows of: each is one empty file."""
    filled = {file["table"] for file in manifest["files"]}
    return {
        name: schema.empty_table() for name, schema in UNIT_TABLES.items() if name not in filled
    }


def _example(manifest: dict, folder: str) -> tuple[dict | None, list[dict]]:
    """A narrative for the report to draw, with its mentions.

    It is one of the first of the unit with the most mentions.
    """
    from transforms.core.report import choose_example

    files = {file["path"]: file["rows"] for file in manifest["files"]}
    units = [path for path in files if path.startswith("narratives/")]
    narratives = max(units, key=lambda path: files.get(_mentions_of(path), 0))
    mentions = _mentions_of(narratives)
    return choose_example(
        _read_rows(narratives, folder, EXAMPLES),
        _read_rows(mentions, folder, files[mentions])
        if files.get(mentions)
        else MENTIONS.empty_table(),
    )


def _mentions_of(path: str) -> str:
    return path.replace("narratives", "mentions")


def _read_rows(path: str, folder: str, rows: int) -> pa.Table:
    """The first rows of a Parquet file."""
    data = pa.BufferReader(storage.read_bytes(storage.join(folder, path)))
    file = pq.ParquetFile(data)
    batches = itertools.islice(file.iter_batches(batch_size=rows, use_threads=False), 1)
    return pa.Table.from_batches(batches, file.schema_arrow)


def _remove_abandoned(version: str, summary: Summary, output: str) -> None:
    """Removes what tries that did not end have left of the version and of its units."""
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

    def process(self, summary: Summary) -> Iterator[Outcome]:
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
            | "TakeEachOnce" >> beam.Distinct()
            | "ReadRecords" >> beam.Map(read_record).with_output_types(UnitRecord)
            | "MergeUnits" >> beam.CombineGlobally(MergeUnits())
            | "PublishVersion" >> beam.ParDo(_Publish(self.plan)).with_output_types(Outcome)
        )
