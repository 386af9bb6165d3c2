"""A job from the outside: captions of a token file, as Flickr30k has them, on the same machinery.

`results_20130124.token` has a caption a line: `IMAGE.jpg#NUMBER<TAB>CAPTION`. All that this job
brings is here: a reader of blocks, its tables, a stage, a statistic, a section of the report and
the command.
"""

import dataclasses
import functools
import html
import os
import re
from collections import Counter

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pydantic

from pipelines.cli.options import parse_command_line
from pipelines.cli.values import Files
from pipelines.runs.contents import Contents
from pipelines.runs.failure import say
from pipelines.runs.options import RunOptions
from pipelines.runs.plan import plan_shard, plan_units, units_of
from pipelines.runs.record import plan_and_begin, recorded
from pipelines.runs.run import run_plan
from transforms import storage
from transforms.core.base.versions import code_version, package_versions
from transforms.core.model import bad_lines
from transforms.core.model.chunk import Chunk
from transforms.core.model.columns import TERM
from transforms.core.model.manifest import Manifest
from transforms.core.model.manifest_entries import Provenance, ShardRow
from transforms.core.model.units import Counts, make_label
from transforms.core.output.jobs.job import Job
from transforms.core.output.statistics.statistic import Statistic, StatisticsTable
from transforms.core.report.page.render import Section
from transforms.stage import ChunkTransform
from transforms.units.publishing.publication import Publication
from transforms.units.reading.read import ReadUnits

CAPTIONS = pa.schema(
    [
        ("image_id", pa.string()),
        ("number", pa.int32()),
        ("caption", pa.string()),
        ("shard", TERM),
        ("byte_offset", pa.int64()),
        ("words", pa.int32()),
    ]
)

MAKERS = (__name__, "transforms.units.write")

_LINE = re.compile(r"([^\t#]+)\.jpg#(\d)\t(.+)")


def read_tokens(block, unit, start, last):
    """Lines of a token file; one of another form is rejected."""
    rows, bad, blank, at, number = [], [], 0, 0, -1
    for number, line in enumerate(block.data.tobytes().splitlines(keepends=True)):
        text = line.decode(errors="replace").strip()
        place = {"shard": unit.shard, "byte_offset": start + at}
        if found := _LINE.fullmatch(text):
            rows.append(
                {"image_id": found[1], "number": int(found[2]), "caption": found[3], **place}
            )
        elif text:
            why = {
                "stage": "ReadTokens",
                "code": "not_a_caption",
                "message": "no image#number<TAB>",
            }
            bad.append({**place, **why, "unit": unit.index, "line_in_unit": number, "raw": line})
        else:
            blank += 1
        at += len(line)
    schema = CAPTIONS.remove(CAPTIONS.get_field_index("words"))
    tables = {
        "captions": pa.RecordBatch.from_pylist(rows, schema=schema),
        bad_lines.TABLE: pa.RecordBatch.from_pylist(bad, schema=bad_lines.SCHEMA),
    }
    return Chunk(tables, number + 1, blank, block.size, block.crc32c, last)


class ReadTokens(ReadUnits):
    def reader(self):
        return read_tokens


def count_words(chunk):
    words = pc.list_value_length(pc.utf8_split_whitespace(chunk["captions"]["caption"]))
    return chunk.with_columns("captions", words=words.cast(pa.int32()))


@dataclasses.dataclass
class CountWords(ChunkTransform):
    def prepare(self):
        return functools.partial(functools.partial, count_words)


def abort_at(word, chunk):
    """As a library that crashes: the process ends where a caption has the word."""
    if any(word in caption.split() for caption in chunk["captions"]["caption"].to_pylist()):
        os.abort()
    return chunk


@dataclasses.dataclass
class AbortAt(ChunkTransform):
    word: str

    def prepare(self):
        return functools.partial(functools.partial, abort_at, self.word)


class CaptionsPerImage(Statistic):
    """How many images have how many captions."""

    name = "captions_per_image"
    tables = {
        name: StatisticsTable(
            pa.schema([("captions", pa.int64()), ("images", pa.int64())]), "a number of captions"
        )
    }

    def __init__(self, images=()):
        self.images = Counter(dict(images))

    def add(self, chunk):
        self.images.update(chunk["captions"]["image_id"].to_pylist())

    def merge(self, other):
        self.images.update(other.images)

    def pack(self):
        return dict(self.images)

    @classmethod
    def unpack(cls, packed):
        return cls(packed)

    def to_tables(self):
        numbers = sorted(Counter(self.images.values()).items())
        columns = np.array(numbers, np.int64).reshape(-1, 2)
        return {
            self.name: pa.Table.from_arrays(
                [pa.array(column) for column in columns.T], schema=self.tables[self.name].schema
            )
        }


TOKENS = Job(
    name="tokens",
    title="Captions of a token file",
    tables={"captions": CAPTIONS, bad_lines.TABLE: bad_lines.SCHEMA},
    meanings={"captions": "a caption", bad_lines.TABLE: "a line that is no caption"},
    accounted=("captions",),
    statistics=(CaptionsPerImage,),
)


class TokensShardRow(ShardRow, frozen=True, kw_only=True):
    """With the captions of a shard."""

    captions: int


class TokensManifest(Manifest, frozen=True, kw_only=True):
    """With counts by table."""

    shards: list[TokensShardRow]
    counts: Counts


@dataclasses.dataclass(frozen=True, kw_only=True)
class TokensPublication(Publication):
    """With a section of the report."""

    manifest = TokensManifest

    job: Job = TOKENS

    def sections(self, tables, read_rows):
        rows = tables["captions_per_image"].to_pylist()
        (first,) = read_rows("captions/captions-00000.parquet", 1).to_pylist()[:1]
        listed = "".join(f"<li>{row['images']} × {row['captions']}</li>" for row in rows)
        text = f"<p>{html.escape(first['caption'])}</p><ul>{listed}</ul>"
        return [Section("images", "Captions per image", f'<section id="images">{text}</section>')]


class TokensOptions(RunOptions):
    """Options of this job."""

    example = "--input results_20130124.token --output out"

    input: Files = pydantic.Field(min_length=1, description="Token files.")
    deadly: str | None = pydantic.Field(None, description="Word at which the process aborts.")


def main(argv=None, prog="python -m tokens"):
    """Runs the job; returns the exit code."""
    options, beam_args = parse_command_line(TokensOptions, argv, prog, __doc__)
    return recorded(options, TOKENS.name, functools.partial(run, options, beam_args))


def plan_run(options):
    """Units of all token files."""
    contents = Contents(options.output, verify=options.verify_inputs)
    shards = [plan_shard(file) for file in contents.described(storage.match(options.input))]
    code = code_version(MAKERS)
    units = [
        unit
        for shard in shards
        for unit in units_of(shard, options.unit_bytes, make_label(shard.shard), code)
    ]
    return plan_units(shards, units, options, TokensManifest)


def run(options, beam_args, record):
    """Plans and runs the job."""
    plan = plan_and_begin(options, beam_args, record, functools.partial(plan_run, options))
    provenance = Provenance(
        configuration=options.model_dump(mode="json"),
        code=code_version(MAKERS),
        packages=package_versions(),
        warnings=[],
    )
    publication = TokensPublication(provenance=provenance, max_bad_share=options.max_bad_share)

    def show(manifest):
        say(options, f"{manifest.counts.rows['captions']} captions")
        return 0

    if plan.is_current:
        record.end("unchanged", "Nothing to do.", plan.version)
        say(options, "Nothing to do.")
        return show(plan.manifest)
    stages = {"ReadTokens": ReadTokens(options.unit_bytes), "CountWords": CountWords()}
    if options.deadly:
        stages["Abort"] = AbortAt(options.deadly)
    return run_plan(options, beam_args, plan, lambda: stages, publication, show, record.run)
