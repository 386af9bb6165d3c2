"""Bad lines: the table of every job that reads lines, a row a line that could not be read."""

import pyarrow as pa

from transforms.core.model.columns import TERM

TABLE = "rejected"

SCHEMA = pa.schema(
    [
        ("shard", TERM),
        ("byte_offset", pa.int64()),
        ("unit", pa.int32()),
        ("line_in_unit", pa.int32()),
        ("stage", TERM),
        ("code", TERM),
        ("message", TERM),
        ("raw", pa.binary()),
    ],
    metadata={"ending": "avro"},
)
"""`line_in_unit` counts from 0; the file's line number needs the units before it."""

AVRO_SCHEMA = {
    "type": "record",
    "name": "Rejected",
    "namespace": "localized_narratives",
    "fields": [
        {"name": "shard", "type": "string"},
        {"name": "byte_offset", "type": "long"},
        {"name": "unit", "type": "int"},
        {"name": "line_in_unit", "type": "int"},
        {"name": "stage", "type": "string"},
        {"name": "code", "type": "string"},
        {"name": "message", "type": "string"},
        {"name": "raw", "type": "bytes"},
    ],
}
"""The same fields in Avro, in which they are written."""
