"""Bad lines: the table of every job that reads lines, a row a line that could not be read."""

import pyarrow as pa

from transforms.core.model.columns import RUN, column, describe_columns, term

TABLE = "rejected"

SCHEMA = pa.schema(
    [
        term("shard", "file that the line is in", source=RUN, required=True),
        column("byte_offset", pa.int64(), "where the line begins in its shard, as text",
               "bytes", RUN, required=True),
        column("unit", pa.int32(), "the unit's position in its shard, from 0", "", RUN,
               required=True),
        column("line_in_unit", pa.int32(), "the line's position in its unit, from 0", "lines",
               RUN, required=True),
        term("stage", "the step that rejected it", source=RUN, required=True),
        term("code", "why, for programs", source=RUN, required=True),
        term("message", "why, for people", source=RUN, required=True),
        column("raw", pa.binary(), "the line's bytes", "", "the input", required=True),
    ],
    metadata={"ending": "avro"},
)  # fmt: skip
"""`line_in_unit` counts from 0; the file's line number needs the units before it."""

_AVRO_TYPES = {
    "byte_offset": "long",
    "unit": "int",
    "line_in_unit": "int",
    "raw": "bytes",
}

AVRO_SCHEMA = {
    "type": "record",
    "name": "Rejected",
    "namespace": "localized_narratives",
    "fields": [
        {
            "name": found.path,
            "type": _AVRO_TYPES.get(found.path, "string"),
            "doc": found.description,
        }
        for found in describe_columns(SCHEMA)
    ],
}
"""The same fields in Avro, in which they are written."""
