"""The Arrow schemas of chunks and of the tables of narratives, defined once.

Tables of merged statistics have theirs in `output/statistics`, a file each.

Types never depend on the data: trace coordinates and times are float32 (four and three
published decimals survive it), every other coordinate and time is float64 (normalised image
coordinates, seconds), class ids and names are dictionary-encoded strings, and an unknown value
is null. Column meanings are in the README ("The tables").
"""

import pyarrow as pa

from transforms.core.model import bad_lines
from transforms.core.model.columns import TERM, list_of

WORD = pa.struct(
    [
        ("text", pa.string()),
        ("normalized", pa.string()),
        ("char_start", pa.int32()),
        ("char_end", pa.int32()),
        ("start_time", pa.float64()),
        ("end_time", pa.float64()),
        ("first_point", pa.int32()),
        ("end_point", pa.int32()),
        ("crosses_gap", pa.bool_()),
        ("x_min", pa.float64()),
        ("y_min", pa.float64()),
        ("x_max", pa.float64()),
        ("y_max", pa.float64()),
    ]
)

IMAGE = pa.struct(
    [
        ("subset", TERM),
        ("url", pa.string()),
        ("landing_url", pa.string()),
        ("licence", TERM),
        ("author_profile_url", pa.string()),
        ("author", pa.string()),
        ("title", pa.string()),
        ("original_size", pa.int64()),
        ("original_md5", pa.string()),
        ("thumbnail_url", pa.string()),
        ("rotation", pa.float64()),
    ]
)

LABEL = pa.struct(
    [("class_id", TERM), ("name", TERM), ("source", TERM), ("confidence", pa.float64())]
)

BOX_FLAGS = ("is_occluded", "is_truncated", "is_group_of", "is_depiction", "is_inside")

BOX = pa.struct(
    [
        ("class_id", TERM),
        ("name", TERM),
        ("source", TERM),
        ("x_min", pa.float64()),
        ("x_max", pa.float64()),
        ("y_min", pa.float64()),
        ("y_max", pa.float64()),
        *((flag, pa.bool_()) for flag in BOX_FLAGS),
    ]
)

TAG_COLUMNS = {
    "nouns": "NOUN",
    "pronouns": "PRON",
    "adjectives": "ADJ",
    "adpositions": "ADP",
    "verbs": "VERB",
    "proper_nouns": "PROPN",
    "auxiliaries": "AUX",
}
"""Part-of-speech columns and the universal tag that each counts."""

RICHNESS_OF_CAPTION = pa.struct(
    [("words", pa.int32()), *((column, pa.int32()) for column in TAG_COLUMNS)]
)

_NARRATIVE_HEAD = [
    ("narrative_id", pa.string()),
    ("dataset", TERM),
    ("split", TERM),
    ("dataset_id", TERM),
    ("image_id", pa.string()),
    ("annotator_id", pa.int64()),
    ("caption", pa.string()),
    ("voice_recording", pa.string()),
    ("shard", TERM),
    ("byte_offset", pa.int64()),
    ("transcript_source", TERM),
    ("distance", pa.int32()),
    ("flags", list_of(TERM)),
    ("words", list_of(WORD)),
    (
        "trace",
        pa.struct([(axis, list_of(pa.float32())) for axis in ("x", "y", "t")]),
    ),
    ("segment_starts", list_of(pa.int32())),
    ("narration_seconds", pa.float64()),
    ("image", IMAGE),
]

NARRATIVES = pa.schema(
    [
        *_NARRATIVE_HEAD,
        ("labels", list_of(LABEL)),
        ("boxes_status", TERM),
        ("boxes", list_of(BOX)),
        ("richness", RICHNESS_OF_CAPTION),
    ]
)

DISCARDED = pa.schema([*_NARRATIVE_HEAD, ("reasons", list_of(TERM))])

MENTIONS = pa.schema(
    [
        ("narrative_id", pa.string()),
        ("dataset", TERM),
        ("split", TERM),
        ("image_id", pa.string()),
        ("annotator_id", pa.int64()),
        ("class_id", TERM),
        ("name", TERM),
        ("text", pa.string()),
        ("char_start", pa.int32()),
        ("char_end", pa.int32()),
        ("first_word", pa.int32()),
        ("end_word", pa.int32()),
        ("start_time", pa.float64()),
        ("end_time", pa.float64()),
        ("first_point", pa.int32()),
        ("end_point", pa.int32()),
        ("box_index", pa.int32()),
        ("mean_distance", pa.float64()),
        ("points", pa.int32()),
        ("points_inside", pa.int32()),
    ]
)

LOCALIZATION_COUNTS = (
    "mentions",
    "boxed",
    "without_trace",
    "without_box_of_class",
    "points",
    "points_inside",
    "overflow",
)

CLASS_KEY = ("dataset", "split", "class_id", "name")
"""Columns by which localization is counted."""

LOCALIZATION = pa.schema(
    [*((name, TERM) for name in CLASS_KEY), *((count, pa.int64()) for count in LOCALIZATION_COUNTS)]
)
"""A chunk's counts by class, and the table made of all of them."""

HISTOGRAM = pa.schema(
    [("group", pa.int64()), ("bin_x", pa.int64()), ("bin_y", pa.int64()), ("points", pa.int64())]
)
"""A chunk's part of the histogram; `group` is the row of the chunk's `localization`."""

MEASURES = {
    "words": 1,
    **dict.fromkeys(TAG_COLUMNS, 1),
    "narration_seconds": 1_000,
    "words_per_second": 1_000_000,
    "trace_points": 1,
    "trace_length": 1_000_000,
    "narratives_per_image": 1,
}
"""Columns of the table `richness` and the integer scale in which each is summed.

Sums are kept as integers (milliseconds, millionths), so that merging them in any order and with
any unit size gives the same bytes.
"""

UNIT_TABLES = {
    "narratives": NARRATIVES,
    "mentions": MENTIONS,
    "discarded": DISCARDED,
    bad_lines.TABLE: bad_lines.SCHEMA,
}
"""Tables that each unit writes a file of: Parquet, and Avro for `rejected`."""

FLAGS = (
    "no_transcript",
    "no_caption",
    "no_trace",
    "zero_length_utterance",
    "times_out_of_order",
    "outside_image",
    "dataset_id_differs",
    "inverted_word",
    "inverted_mention",
    "alignment_too_large",
    "caption_too_long",
    "narration_too_short",
    "annotations_of_other_dataset",
)
"""Names of a narrative's flags; bit i of a chunk's `flags` stands for `FLAGS[i]`."""

TRACE = pa.struct([(axis, list_of(pa.float64())) for axis in ("x", "y", "t")])
"""A trace inside a chunk: float64, exactly the published decimals."""

TRACE_DECIMALS = {"x": 4, "y": 4, "t": 3}
"""Published decimals of a trace's numbers, which the tables' float32 tell exactly."""

UTTERANCE = pa.struct(
    [("text", pa.string()), ("start_time", pa.float64()), ("end_time", pa.float64())]
)

LINES = pa.schema(
    [
        ("dataset_id", pa.string()),
        ("image_id", pa.string()),
        ("annotator_id", pa.int64()),
        ("caption", pa.string()),
        ("voice_recording", pa.string()),
        ("utterances", list_of(UTTERANCE)),
        ("trace", TRACE),
        ("segment_starts", list_of(pa.int32())),
    ]
)
"""Narratives as they stand in their lines."""

READ_NARRATIVES = pa.schema(
    [
        ("dataset", TERM),
        ("split", TERM),
        ("byte_offset", pa.int64()),
        ("flags", pa.uint32()),
        *LINES,
    ]
)
"""A chunk's narratives as they are read; stages append columns of the types above."""
