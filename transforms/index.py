"""IndexAnnotations and IndexTranscripts: sources to a content-addressed, bucketed index.

Rows travel as columnar batches by bucket, never one by one. The manifest is written last, so
an interrupted build is never taken for a complete one. What cannot be read in the sources is a
value too: the first problems are written down in the manifest's stead.
"""

import dataclasses
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import BinaryIO, ClassVar

import apache_beam as beam
import msgspec

from transforms import storage
from transforms.core.base.errors import UsageError
from transforms.core.base.secrets import mask_secrets
from transforms.core.base.versions import code_version
from transforms.core.sources import blocks
from transforms.core.sources.annotations.lookup import KIND as ANNOTATIONS
from transforms.core.sources.annotations.releases.said import KIND as RELEASE_LABELS
from transforms.core.sources.blocks import KINDS, table_schemas
from transforms.core.sources.index import manifest as index_manifest
from transforms.core.sources.index.buckets import (
    bucket_count,
    describe_file,
    distinct_terms,
    term_columns,
)
from transforms.core.sources.index.manifest import BucketFile, IndexManifest, Source, TableManifest
from transforms.core.sources.index.waiting import InShuffle, Piece, Waiting
from transforms.core.sources.kinds import BLOCK_BYTES, Part, SourceBlock
from transforms.core.sources.transcripts import ASR, WORDS
from transforms.core.stages.match import oddities
from transforms.storage.files import FileInfo

MAKERS = (__name__,)
"""The modules that make an index, with what they import."""

PROBLEMS = "problems.json"
_SMALL_TABLES = ("classes", "hierarchy")
_SIDE_OUTPUTS = ("terms", "problems", "findings")

Terms = Mapping[tuple[str, str], list[str]]
"""Of each (table, column), the sorted distinct values."""


def to_source(role: str, file: FileInfo) -> Source:
    """A file in its role."""
    return Source(role, file.path, file.size, file.fingerprint, file.content)


def open_source(source: Source) -> BinaryIO:
    """The source's bytes, decompressed; refused if it is another file by now."""
    return storage.open_decompressed(source.path, source.fingerprint)


def index_folder(directory: str, kind: str, sources: Sequence[Source]) -> str:
    """Where the index of these sources is, or will be, when this code builds it."""
    address = index_manifest.address_of(kind, list(sources), code_version(MAKERS))
    return storage.join(directory, address)


def is_built(folder: str, kind: str, thorough: bool = False) -> bool:
    """Whether the folder holds a complete index (`storage.is_intact_index`)."""
    return storage.is_intact_index(folder, (kind,), thorough)


def read_problems(folder: str) -> list[str]:
    """What the last build could not read, for the user; empty where there was nothing."""
    path = storage.join(folder, PROBLEMS)
    return msgspec.json.decode(storage.read_bytes(path)) if storage.exists(path) else []


@dataclasses.dataclass
class BuildIndex(beam.PTransform):
    """Builds an index of the kind that a subclass says, and gives its folder.

    Attributes:
      sources: The input files; their order is that of the rows of a key.
      directory: Where indexes are kept; the index gets a folder named by its sources in it.
      block_bytes: How much of a file is parsed at once; no influence on the result.
      kind: `annotations`, `asr` or `words`.
      waiting: Where rows are between parsing and writing; no influence on the result.
    """

    kinds: ClassVar[tuple[str, ...]] = ()
    sources: Sequence[Source]
    directory: str
    block_bytes: int = BLOCK_BYTES
    kind: str = ""
    waiting: Waiting = InShuffle()

    def __post_init__(self) -> None:
        super().__init__()
        if self.kind not in self.kinds:
            raise ValueError(f"kind is {self.kind!r}: must be one of {', '.join(self.kinds)}")
        if self.block_bytes < 1:
            raise ValueError(f"block_bytes is {self.block_bytes}: must be above 0")

    def expand(self, pipeline: beam.Pipeline) -> beam.PCollection[str]:
        folder = index_folder(self.directory, self.kind, self.sources)
        planned = blocks.plan_blocks(self.sources, self.block_bytes)
        encoded = [msgspec.msgpack.encode(block) for block in planned]  # Beam would pickle them
        buckets = count_buckets(self.sources)
        parsed = (
            pipeline
            | "PlanBlocks" >> beam.Create(encoded)
            | "ParseBlocks"
            >> beam.ParDo(ParseBlock(buckets, self.waiting)).with_outputs(
                *_SIDE_OUTPUTS, main="rows"
            )
        )
        terms = parsed.terms | "GatherTerms" >> beam.CombinePerKey(DistinctTerms())
        files = (
            parsed.rows
            | "GroupByBucket" >> beam.GroupByKey()
            | "WriteBuckets"
            >> beam.Map(write_bucket, folder, self.waiting, beam.pvalue.AsDict(terms))
        )
        return (
            pipeline
            | "StartManifest" >> beam.Create([folder])
            | "WriteManifest"
            >> beam.Map(
                write_manifest,
                self.kind,
                list(self.sources),
                buckets,
                beam.pvalue.AsDict(terms),
                beam.pvalue.AsList(files),
                beam.pvalue.AsList(parsed.problems),
                beam.pvalue.AsList(parsed.findings),
            )
        )


@dataclasses.dataclass
class IndexAnnotations(BuildIndex):
    """Builds the annotation index."""

    kinds = (ANNOTATIONS,)
    kind: str = ANNOTATIONS


@dataclasses.dataclass
class IndexTranscripts(BuildIndex):
    """Builds an index of transcriptions: `kind` says of which."""

    kinds = (ASR, WORDS)


@dataclasses.dataclass
class IndexReleaseLabels(BuildIndex):
    """Builds the index of what was said of labels, in all releases."""

    kinds = (RELEASE_LABELS,)
    kind: str = RELEASE_LABELS


def count_buckets(sources: Sequence[Source]) -> dict[str, int]:
    """Buckets of each table that has a source, by the bytes of its sources."""
    sizes: dict[str, int] = {}
    for source in sources:
        for table in KINDS[source.role].tables:
            sizes[table] = sizes.get(table, 0) + blocks.plain_size(source)
    return {
        table: 1 if table in _SMALL_TABLES else bucket_count(size) for table, size in sizes.items()
    }


def _bucket_file(table: str, bucket: int) -> str:
    return f"{table}-{bucket:05d}.arrow"


def index_files(folder: str, sources: Sequence[Source]) -> list[str]:
    """Paths of all bucket files that an index of these sources may have."""
    return [
        storage.join(folder, _bucket_file(table, bucket))
        for table, buckets in count_buckets(sources).items()
        for bucket in range(buckets)
    ]


class ParseBlock(beam.DoFn):
    """Parses a block, which comes as MessagePack, and deals its rows out to buckets.

    Main output: ((table, bucket), piece), as `Waiting` keeps it; `terms`: ((table, column),
    distinct values); `problems`: (source, place, message); `findings`: `oddities.Finding`.
    """

    def __init__(self, buckets: Mapping[str, int], waiting: Waiting) -> None:
        self._buckets = buckets
        self._waiting = waiting

    def process(self, encoded: bytes) -> Iterator:
        block = msgspec.msgpack.decode(encoded, type=SourceBlock)
        try:
            for part in blocks.parse_block(block, open_source):
                yield from self._deal_out(part)
        except UsageError as error:
            problem = (block.files[0][0], block.start, str(error))
            yield beam.pvalue.TaggedOutput("problems", problem)

    def _deal_out(self, part: Part) -> Iterator:
        schema = table_schemas()[part.table]
        for column, values in distinct_terms(part.rows, schema).items():
            yield beam.pvalue.TaggedOutput("terms", ((part.table, column), values))
        if (found := oddities.find(part.table, part.rows)) is not None:
            yield beam.pvalue.TaggedOutput("findings", (part.table, part.place, found))
        buckets = self._buckets[part.table]
        for bucket, piece in self._waiting.keep(part.rows, part.place, schema, buckets):
            yield (part.table, bucket), piece


class DistinctTerms(beam.CombineFn):
    """Merges lists of values to the sorted list of distinct ones."""

    def create_accumulator(self) -> set[str]:
        return set()

    def add_input(self, accumulator: set[str], values: Iterable[str]) -> set[str]:
        accumulator.update(values)
        return accumulator

    def merge_accumulators(self, accumulators: Iterable[set[str]]) -> set[str]:
        return set().union(*accumulators)

    def extract_output(self, accumulator: set[str]) -> list[str]:
        return sorted(accumulator)


def _terms_of(table: str, terms: Terms) -> dict[str, list[str]]:
    return {name: terms.get((table, name), []) for name in term_columns(table_schemas()[table])}


def write_bucket(
    bucket_with_pieces: tuple[tuple[str, int], Iterable[Piece]],
    folder: str,
    waiting: Waiting,
    terms: Terms,
) -> tuple[str, bytes]:
    """Writes a bucket's file, the same bytes every time; returns its table and `BucketFile`."""
    (table, bucket), pieces = bucket_with_pieces
    data, rows, keys = waiting.build(pieces, table_schemas()[table], _terms_of(table, terms))
    name = _bucket_file(table, bucket)
    storage.write_bytes(storage.join(folder, name), data)
    return table, msgspec.msgpack.encode(describe_file(name, bucket, data, rows, keys))


def _files_of(table: str, files: Sequence[tuple[str, bytes]]) -> Iterator[BucketFile]:
    return (
        msgspec.msgpack.decode(encoded, type=BucketFile)
        for owner, encoded in files
        if owner == table
    )


def write_manifest(  # noqa: PLR0913  # what Beam has gathered, side by side
    folder: str,
    kind: str,
    sources: list[Source],
    buckets: Mapping[str, int],
    terms: Terms,
    files: Sequence[tuple[str, bytes]],
    problems: Sequence[tuple[int, int, str]],
    findings: Sequence[oddities.Finding],
) -> str:
    """Completes the index, or writes down why it cannot be; returns its folder."""
    if problems:
        messages = [message for *_, message in sorted(problems)]
        storage.write_bytes(storage.join(folder, PROBLEMS), msgspec.json.encode(messages[:10]))
        return folder
    tables = {
        table: TableManifest(
            number,
            _terms_of(table, terms),
            sorted(_files_of(table, files), key=lambda file: file.bucket),
        )
        for table, number in sorted(buckets.items())
    }
    address = folder.rpartition("/")[2]
    warnings = oddities.describe([source.name for source in sources], findings)
    read = [msgspec.structs.replace(s, path=mask_secrets(s.path)) for s in sources]
    fields = (index_manifest.FORMAT, kind, address, read, tables, warnings)
    data = index_manifest.encode_manifest(IndexManifest(*fields))
    storage.sync_folders([folder] if files else [])
    storage.write_bytes(storage.join(folder, index_manifest.NAME), data)
    return folder
