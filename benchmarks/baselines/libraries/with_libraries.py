"""The main job by somebody who knows the libraries: msgspec, rapidfuzz, numpy, Arrow, one process.

Lines are decoded one by one; all else is done for a thousand narratives at once, in columns
that numpy fills and Arrow takes. Takes shards in the published form (plain JSON Lines with
`timed_caption`, keys of points in their published order) and Open Images files. Left out: bad
lines (they raise), quality rules, transcriptions in files of their own, compressed shards,
resuming. Run it with `python -m benchmarks.baselines.libraries.with_libraries --help`.
"""

import functools
import itertools
import pathlib
import re
from collections.abc import Iterator, Sequence

import msgspec
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from benchmarks.baselines import common
from benchmarks.baselines.common import Annotations, Path
from benchmarks.baselines.libraries.with_libraries_boxes import Classes, Images
from benchmarks.baselines.libraries.with_libraries_mentions import find_mentions
from benchmarks.baselines.libraries.with_libraries_words import (
    Record,
    Speech,
    Traces,
    Words,
    normalise,
    offsets_of,
    read_speech,
    read_traces,
    time_words,
)

LINES_AT_A_TIME = 1000
DECODER = msgspec.json.Decoder(Record)


def build(
    narratives: Sequence[Path], annotations: Annotations, classes: Sequence[Path], output: Path
) -> None:
    """Writes the tables of `common.TABLES` into the folder `output`."""
    output = pathlib.Path(output)
    output.mkdir(parents=True, exist_ok=True)
    vocabulary = Classes.read(classes)
    images = Images.read(annotations, vocabulary)
    counts, bins, measures = [], [], []
    with open_table(output, "narratives") as rows, open_table(output, "mentions") as mention_rows:
        for shard, offset, lines in read_lines(narratives):
            records = [DECODER.decode(line) for line in lines]
            traces = read_traces(records)
            speech = read_speech(records)
            words = time_words(records, speech, traces)
            batch = describe(records, shard, offset + offsets_of(list(map(len, lines)))[:-1])
            mentions = find_mentions(batch, words, traces, images, vocabulary)
            flags = flag(speech, words, traces, mentions.inverted, images.left_out(batch))
            seconds = pa.array(narration_seconds(speech, len(batch)), from_pandas=True)
            batch = batch.append_column("narration_seconds", seconds)
            rows.write(complete(batch, flags, words, traces, images))
            mention_rows.write(mentions.table)
            counts.append(mentions.counts)
            bins.append(mentions.bins)
            measures.append(measure(batch, speech, traces))
    write_statistics(output, counts, bins, measures)


def open_table(folder: pathlib.Path, name: str) -> pq.ParquetWriter:
    """A Parquet file to write to."""
    return pq.ParquetWriter(
        folder / f"{name}.parquet", common.TABLES[name], compression="zstd", compression_level=1
    )


def read_lines(paths: Sequence[Path]) -> Iterator[tuple[str, int, list[bytes]]]:
    """A thousand lines at a time with their shard's name and where the first begins."""
    for path in map(pathlib.Path, paths):
        offset = 0
        with path.open("rb", buffering=1 << 20) as file:
            while lines := list(itertools.islice(file, LINES_AT_A_TIME)):
                yield path.name, offset, lines
                offset += sum(map(len, lines))


# Narratives

SPLIT = re.compile(r"(?<![a-z])(train|validation|val|test)(?![a-z])")
RECORDING = re.compile(r"(\w+)/\w+_([0-9]+)_[0-9]+\.")


@functools.lru_cache(maxsize=1 << 12)
def dataset_and_split(dataset_id: str) -> tuple[str | None, str | None]:
    """What a `dataset_id` says: `mscoco_val2017` is `coco`, `validation`."""
    name = dataset_id.lower()
    found = SPLIT.search(name)
    split = {"val": "validation"}.get(found[1], found[1]) if found else None
    if "coco" in name:
        return "coco", split
    if "flic" in name:
        return "flickr30k", split
    if re.search("open_?images", name):
        return "open_images", split
    if name.startswith("ade"):
        return "ade20k", split
    return re.sub("[^a-z0-9]+", "_", SPLIT.sub("", name, count=1)).strip("_") or None, split


def recording_of(record: Record, dataset: str | None) -> str:
    """The recording's name; those of Flickr30k and ADE20k are stored under another one."""
    if dataset in ("flickr30k", "ade20k") and (found := RECORDING.search(record.voice_recording)):
        return f"{found[1]}/{found[1]}_{found[2].zfill(16)}_{record.annotator_id}.ogg"
    return record.voice_recording


def describe(records: Sequence[Record], shard: str, offsets: np.ndarray) -> pa.Table:
    """The columns of `narratives` that need only the record."""
    names = [dataset_and_split(record.dataset_id) for record in records]
    columns = {
        "narrative_id": [
            f"{dataset or 'unknown'}-{split or 'unknown'}-{record.image_id}-{record.annotator_id}"
            for (dataset, split), record in zip(names, records, strict=True)
        ],
        "dataset": [dataset for dataset, _ in names],
        "split": [split for _, split in names],
        "dataset_id": [record.dataset_id for record in records],
        "image_id": [record.image_id for record in records],
        "annotator_id": [record.annotator_id for record in records],
        "caption": [record.caption for record in records],
        "voice_recording": [
            recording_of(record, dataset)
            for (dataset, _), record in zip(names, records, strict=True)
        ],
        "shard": [shard] * len(records),
        "byte_offset": offsets,
        "transcript_source": ["timed_caption"] * len(records),
    }
    schema = common.TABLES["narratives"]
    return pa.table(columns, schema=pa.schema([schema.field(name) for name in columns]))


def flag(
    speech: Speech, words: Words, traces: Traces, inverted_mention, left_out=()
) -> pa.ListArray:
    """The column `flags`."""
    start, end, rows = speech.starts, speech.ends, speech.rows
    falls = np.flatnonzero((np.diff(start) < 0) & (np.diff(rows) == 0))
    x, y = traces.x, traces.y
    flagged = {
        "no_transcript": words.silent,
        "no_caption": np.diff(words.offsets) == 0,
        "no_trace": np.diff(traces.offsets) == 0,
        "zero_length_utterance": rows[start == end],
        "times_out_of_order": np.concatenate([traces.disordered, rows[falls], rows[start > end]]),
        "outside_image": traces.rows[(x < 0) | (x > 1) | (y < 0) | (y > 1)],
        "inverted_word": words.inverted,
        "inverted_mention": inverted_mention,
        common.OTHERS_FLAG: np.asarray(left_out, np.int64),
    }
    raised = np.zeros((len(words.offsets) - 1, len(flagged)), bool)
    for column, which in enumerate(flagged.values()):
        raised[which, column] = True
    names = pa.array(list(flagged)).take(pa.array(np.nonzero(raised)[1]))
    return pa.ListArray.from_arrays(offsets_of(raised.sum(axis=1)).astype(np.int32), names)


def complete(
    batch: pa.Table, flags: pa.ListArray, words: Words, traces: Traces, images: Images
) -> pa.Table:
    """The rows of `narratives`."""
    image_rows = pa.array(images.rows_of(batch))
    points = traces.offsets.astype(np.int32)
    axes = [
        pa.ListArray.from_arrays(points, pa.array(axis.astype(np.float32)))
        for axis in (traces.x, traces.y, traces.t)
    ]
    columns = {name: batch[name] for name in batch.column_names} | {
        "distance": pa.array(words.distances, pa.int32()),
        "flags": flags,
        "words": pa.ListArray.from_arrays(words.offsets.astype(np.int32), ground(words, traces)),
        "trace": pa.StructArray.from_arrays(axes, names=list("xyt")),
        "segment_starts": pa.ListArray.from_arrays(
            traces.segment_offsets.astype(np.int32), pa.array(traces.segment_starts, pa.int32())
        ),
        "richness": pa.nulls(len(batch), common.TABLES["narratives"].field("richness").type),
    }
    known = images.columns.take(image_rows)
    columns |= {name: known[name] for name in known.column_names}
    schema = common.TABLES["narratives"]
    return pa.table({name: columns[name] for name in schema.names}).cast(schema)


def ground(words: Words, traces: Traces) -> pa.StructArray:
    """The words with their pieces of the trace and their boxes."""
    first, end = traces.find(words.rows, words.starts, words.ends)
    unknown, empty = first < 0, first == end
    filled = np.flatnonzero(~empty)
    origin = traces.offsets[words.rows[filled]]
    begin, stop = origin + first[filled], origin + end[filled]
    crosses = np.zeros(len(first), bool)
    crosses[filled] = traces.segments[begin] != traces.segments[stop - 1]
    bounds = np.stack([begin, stop], axis=1).ravel()
    edges = []
    for ufunc, axis in itertools.product((np.minimum, np.maximum), (traces.x, traces.y)):
        edge = np.zeros(len(first))
        # reduceat takes begin to stop, then stop to the next begin, which is dropped.
        edge[filled] = ufunc.reduceat(np.append(axis, 0), bounds)[::2]
        edges.append(pa.array(edge, mask=empty))
    columns = [
        pa.array(words.texts, pa.string()),
        pa.array(map(normalise, words.texts), pa.string()),
        pa.array(words.char_start, pa.int32()),
        pa.array(words.char_end, pa.int32()),
        pa.array(words.starts, from_pandas=True),
        pa.array(words.ends, from_pandas=True),
        pa.array(first, pa.int32(), mask=unknown),
        pa.array(end, pa.int32(), mask=unknown),
        pa.array(crosses, mask=unknown),
        *edges,
    ]
    return pa.StructArray.from_arrays(columns, fields=list(common.WORD))


# Statistics


def narration_seconds(speech: Speech, n: int) -> np.ndarray:
    """Seconds from the first utterance's start to the last one's end, NaN without."""
    first, last = np.full(n, np.inf), np.full(n, -np.inf)
    np.minimum.at(first, speech.rows, speech.starts)
    np.maximum.at(last, speech.rows, speech.ends)
    return np.where(first == np.inf, np.nan, last - first)


def measure(batch: pa.Table, speech: Speech, traces: Traces) -> pa.Table:
    """Each narrative's values of the measures, in whole numbers of their scales."""
    n = len(batch)
    seconds = np.nan_to_num(narration_seconds(speech, n))
    silent = seconds < 0.05  # also where the utterances are reversed
    steps = np.hypot(np.diff(traces.x), np.diff(traces.y))
    steps[np.diff(traces.segments) > 0] = 0
    length = np.bincount(traces.rows[1:], steps, n)
    columns = {
        "narration_seconds": pa.array(np.rint(seconds * 1000).astype(np.int64), mask=silent),
        "trace_points": np.diff(traces.offsets),
        "trace_length": np.rint(length * 1_000_000).astype(np.int64),
    }
    keys = {name: batch[name] for name in ("dataset", "split", "image_id")}
    return pa.table(keys | columns)


def write_statistics(folder: pathlib.Path, counts: list, bins: list, measures: list) -> None:
    """Adds up and writes the tables of statistics."""
    tables = {
        "localization": add_up("localization", counts),
        "localization_histogram": add_up("localization_histogram", bins),
        "richness": summarise(pa.concat_tables(measures)),
    }
    for name, table in tables.items():
        with open_table(folder, name) as file:
            file.write(table)


def add_up(name: str, parts: list[pa.Table]) -> pa.Table:
    """The sum of partial tables by key."""
    schema = common.TABLES[name]
    values = [field.name for field in schema if field.type == pa.int64()]
    keys = [column for column in schema.names if column not in values]
    groups = pa.concat_tables(parts).group_by(keys)
    summed = groups.aggregate([(value, "sum") for value in values])
    return summed.rename_columns({f"{value}_sum": value for value in values}).select(schema.names)


def summarise(narratives: pa.Table) -> pa.Table:
    """The table `richness` from `measure`'s columns."""
    keys = ["dataset", "split"]
    images = narratives.group_by([*keys, "image_id"]).aggregate([("image_id", "count")])
    images = images.rename_columns({"image_id_count": "narratives_per_image"})
    rows = {}
    for table in (narratives, images):
        values = [name for name in table.column_names if name in common.MEASURES]
        wanted = [(value, how) for value in values for how in ("sum", "mean", "stddev")]
        for row in table.group_by(keys).aggregate([*wanted, ([], "count_all")]).to_pylist():
            result = rows.setdefault((row["dataset"], row["split"]), {"captions": row["count_all"]})
            result |= {key: row[key] for key in keys} | {"images": row["count_all"]}
            for value, how in wanted:
                number, scale = row[f"{value}_{how}"], common.MEASURES[value]
                column = f"{value}_{how}".replace("stddev", "deviation")
                result[column] = None if number is None else number / scale
    return pa.Table.from_pylist(list(rows.values()), schema=common.TABLES["richness"])


if __name__ == "__main__":
    common.run(build, __doc__.partition("\n")[0])
