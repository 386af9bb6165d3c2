"""The main job's rows: narratives kept and discarded, their mentions, and bad lines."""

from collections import Counter

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from transforms.core.model.chunk import Chunk
from transforms.core.model.columns import as_type, dataset_splits, empty_batch, numbers, unpack
from transforms.core.model.narratives import flags, schemas
from transforms.core.model.narratives.naming import is_generated, narrative_ids
from transforms.core.model.narratives.traces import is_rounded
from transforms.core.model.units import Unit
from transforms.core.output.jobs import origins
from transforms.core.output.jobs.job import Further, Job
from transforms.core.output.jobs.words import word_rows
from transforms.core.output.row_indexes.narratives import NARRATIVE_INDEXES
from transforms.core.output.statistics.narratives.distances import Distances
from transforms.core.output.statistics.narratives.localization import Localization
from transforms.core.output.statistics.narratives.noun_counts import NounCounts
from transforms.core.output.statistics.narratives.richness import Richness
from transforms.core.output.statistics.narratives.totals import Totals
from transforms.core.stages.match.localization import box_faults


def narrative_tables(chunk: Chunk, unit: Unit) -> dict[str, pa.RecordBatch]:
    """Rows of each of `schemas.UNIT_TABLES`, of a chunk that has passed all stages."""
    discarded = chunk.get("discarded")
    narratives = _narrative_rows(chunk["narratives"], unit.shard, schemas.NARRATIVES)
    return {
        "narratives": narratives,
        "words": word_rows(narratives),
        "mentions": _with_shard(chunk["mentions"], unit.shard),
        "discarded": empty_batch(schemas.DISCARDED)
        if discarded is None
        else _narrative_rows(discarded, unit.shard, schemas.DISCARDED),
        "rejected": chunk["rejected"],
    }


def _narrative_rows(narratives: pa.RecordBatch, shard: str, schema: pa.Schema) -> pa.RecordBatch:
    made = {
        "narrative_id": narrative_ids(narratives),
        "shard": _shards(shard, len(narratives)),
        "flags": flags.names(numbers(narratives["flags"])),
        "image": narratives["image"]
        if "image" in narratives.schema.names
        else pa.nulls(len(narratives), schemas.IMAGE),
    }
    columns = [
        as_type(made[field.name] if field.name in made else narratives[field.name], field.type)
        for field in schema
    ]
    return pa.RecordBatch.from_arrays(columns, schema=schema)


def _shards(shard: str, rows: int) -> pa.DictionaryArray:
    return pa.DictionaryArray.from_arrays(pa.array(np.zeros(rows, np.int32)), [shard])


def _with_shard(mentions: pa.RecordBatch, shard: str) -> pa.RecordBatch:
    columns = [
        _shards(shard, len(mentions)) if field.name == "shard" else mentions[field.name]
        for field in schemas.MENTIONS
    ]
    return pa.RecordBatch.from_arrays(columns, schema=schemas.MENTIONS)


def count_narratives(chunk: Chunk) -> Further:
    """Reasons, flags and what was left out, of a chunk that has passed all stages."""
    discarded = chunk.get("discarded")
    return {
        "discarded": {} if discarded is None else _counts_by_reason(discarded["reasons"]),
        "flags": flags.count(numbers(chunk["narratives"]["flags"])),
        "generated": _generated(chunk["narratives"]),
        "mentions_without_boxes": _mentions_without_boxes(chunk),
        **_boxes_left_out(chunk),
        "rounded_traces": sum(
            int(np.count_nonzero(is_rounded(chunk[table])))
            for table in ("narratives", "discarded")
            if table in chunk
        ),
    }


def _generated(narratives: pa.RecordBatch) -> dict[str, int]:
    distinct = narratives["dataset_id"].dictionary_encode()
    generated = np.array([*map(is_generated, distinct.dictionary.to_pylist()), False])
    codes = distinct.indices.fill_null(len(generated) - 1).to_numpy(zero_copy_only=False)
    pairs, pair_of_row = dataset_splits(narratives)
    counts = np.bincount(pair_of_row[generated[codes]], minlength=len(pairs)).tolist()
    return {
        f"{dataset or ''}/{split or ''}": number
        for (dataset, split), number in zip(pairs, counts, strict=True)
        if number
    }


def _counts_by_reason(reasons: pa.ListArray) -> dict[str, int]:
    """Narratives by reason, in the order of the rules."""
    _, values = unpack(reasons)
    counted = Counter(values.to_pylist())
    return {name: counted[name] for name in values.dictionary.to_pylist() if name in counted}


def _mentions_without_boxes(chunk: Chunk) -> int:
    if "mentions" not in chunk:
        return 0
    boxed = pc.equal(chunk["narratives"]["boxes_status"], "boxed")
    ids = narrative_ids(chunk["narratives"]).filter(boxed)
    return pc.sum(pc.invert(pc.is_in(chunk["mentions"]["narrative_id"], ids))).as_py() or 0


def _boxes_left_out(chunk: Chunk) -> dict[str, int]:
    column = chunk["narratives"]["boxes"]
    _, boxes = unpack(column.fill_null([]) if column.null_count else column)
    corners = [numbers(boxes.field(edge)) for edge in ("x_min", "y_min", "x_max", "y_max")]
    faults = box_faults(np.stack(corners, axis=1))
    return {f"{fault}_boxes": int(np.count_nonzero(where)) for fault, where in faults.items()}


NARRATIVES = Job(
    name="build",
    title="Localized Narratives",
    tables=schemas.UNIT_TABLES,
    meanings={
        "narratives": "a narrative: caption, timed words, trace, image, labels, boxes",
        "mentions": "a class name in a caption, its piece of the trace and the closest box",
        "words": "a word of a narrative, with its times, the box of its trace, and the image",
        "discarded": "a narrative below the quality bar, with the reasons",
        "rejected": "a line that could not be read, with its bytes (Avro)",
    },
    accounted=("narratives", "discarded"),
    statistics=(Localization, Richness, NounCounts, Distances, Totals),
    rows=narrative_tables,
    count=count_narratives,
    origin=origins.LOCALIZED_NARRATIVES,
    indexes=NARRATIVE_INDEXES,
)
"""The main job. A new statistic is a class in `statistics/` and an entry here; tables are written
in the order of these."""
