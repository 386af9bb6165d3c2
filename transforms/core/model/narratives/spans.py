"""Columns that words and mentions share: where they are in caption, time and trace."""

import pyarrow as pa

from transforms.core.model.columns import column


def span_columns(what: str, source: str = "") -> list[pa.Field]:
    """Where something stands in its caption: `caption[char_start:char_end]`."""
    return [
        column("char_start", pa.int32(), f"where {what} begins in `caption`", "characters", source),
        column("char_end", pa.int32(), f"where {what} ends in `caption`", "characters", source),
    ]


def time_columns(what: str, how: str, source: str = "") -> list[pa.Field]:
    """When it was spoken, since the recording's start."""
    return [
        column("start_time", pa.float64(), f"when {what} begins ({how})", "seconds", source),
        column("end_time", pa.float64(), f"when {what} ends ({how})", "seconds", source),
    ]


def point_columns(what: str, source: str = "") -> list[pa.Field]:
    """Its half-open range of points in the trace."""
    return [
        column("first_point", pa.int32(), f"first point of {what} in `trace`", "points", source),
        column("end_point", pa.int32(), f"the point after the last of {what}", "points", source),
    ]
