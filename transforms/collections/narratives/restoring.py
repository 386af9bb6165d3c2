"""Narratives as they came to the filter, from the tables of a finished unit."""

from collections.abc import Mapping

import pyarrow as pa

from transforms.core.model.narratives import flags, schemas
from transforms.core.model.narratives.traces import exact_traces
from transforms.core.output.commit_records import UnitRecord
from transforms.units.reading.restore import one_batch

LATER_FLAGS = ("annotations_of_other_dataset", "inverted_mention", "caption_too_long")
"""Flags that stages behind the filter raise."""

_COLUMNS = (
    "dataset",
    "split",
    "byte_offset",
    "dataset_id",
    "image_id",
    "annotator_id",
    "caption",
    "voice_recording",
    "trace",
    "segment_starts",
    "words",
    "distance",
    "transcript_source",
    "narration_seconds",
    "flags",
)
_SCHEMA = pa.schema(
    [
        *(schemas.NARRATIVES.field(name) for name in (*_COLUMNS, "richness")),
        ("is_measured", pa.bool_()),
    ]
)


def restore_narratives(
    record: UnitRecord, tables: Mapping[str, pa.Table]
) -> dict[str, pa.RecordBatch] | None:
    """The narratives of a unit, kept and discarded, with what reading and aligning have added.

    What the tables lack of a chunk's columns is not asked for behind the filter. Richness of those
    kept, which depends on their captions alone, is there (`is_measured`).

    Args:
      record: The unit's.
      tables: The unit's.

    Returns:
      The table `narratives`; None where traces were rounded when they were written.
    """
    if record.counts.further.get("rounded_traces"):
        return None
    held = [_as_read(tables[name]) for name in ("narratives", "discarded") if name in tables]
    rows = pa.concat_tables([_SCHEMA.empty_table(), *held]).sort_by("byte_offset")
    batch = one_batch(rows)
    made = {
        "trace": exact_traces(batch["trace"]),
        "dataset_id": batch["dataset_id"].cast(pa.string()),
        "flags": pa.array(flags.masks(batch["flags"], without=LATER_FLAGS)),
    }
    columns = [made.get(name, batch[name]) for name in _SCHEMA.names]
    return {"narratives": pa.RecordBatch.from_arrays(columns, names=_SCHEMA.names)}


def _as_read(table: pa.Table) -> pa.Table:
    """A table's rows with the columns of `_SCHEMA`; those discarded are not measured."""
    is_measured = "richness" in table.schema.names
    nothing = pa.nulls(len(table), schemas.RICHNESS_OF_CAPTION)
    made = {
        "richness": table["richness"] if is_measured else nothing,
        "is_measured": pa.array([is_measured] * len(table), pa.bool_()),
    }
    columns = [made[name] if name in made else table[name] for name in _SCHEMA.names]
    return pa.table(columns, names=_SCHEMA.names).cast(_SCHEMA)
