"""The Arrow schemas of chunks and of the tables of narratives, defined once.

Tables of merged statistics have theirs in `output/statistics`, a file each.

Types never depend on the data: trace coordinates and times are float32 (four and three
published decimals survive it), every other coordinate and time is float64 (normalised image
coordinates, seconds), class ids and names are dictionary-encoded strings, and an unknown value
is null. What a column means stands with it: Parquet files and docs/tables.md have it from here.
"""

import pyarrow as pa

from transforms.core.model import bad_lines
from transforms.core.model.columns import (
    ANNOTATIONS,
    COMPUTED,
    CORNERS,
    HEIGHTS,
    OPEN_IMAGES,
    PUBLISHED,
    RUN,
    TERM,
    WIDTHS,
    column,
    corner_columns,
    list_of,
    term,
)
from transforms.core.model.narratives.spans import point_columns, span_columns, time_columns

WORD = pa.struct(
    [
        column("text", pa.string(), "the word as it stands in the caption, with its punctuation"),
        column("normalized", pa.string(), "what alignment compares: NFKC, case-folded, punctuation "
               "and symbols at the outside stripped; take it to look for a word"),
        *span_columns("the word"),
        *time_columns("the word", "Eq. 2"),
        *point_columns("the word"),
        column("crosses_gap", pa.bool_(), "whether its points are of more than one recorded "
               "segment"),
        *corner_columns("{}", "its points, unclipped; null where it has none"),
    ]
)  # fmt: skip

IMAGE = pa.struct(
    [
        term("subset", "the split in which the image was published"),
        column("url", pa.string(), "address of the original"),
        column("landing_url", pa.string(), "address of its page"),
        term("licence", "address of the image's licence"),
        column("author_profile_url", pa.string(), "address of the author's page"),
        column("author", pa.string(), "who made the image"),
        column("title", pa.string(), "the title that the author gave it"),
        column("original_size", pa.int64(), "size of the original", "bytes"),
        column("original_md5", pa.string(), "MD5 of the original, in base64"),
        column("thumbnail_url", pa.string(), "address of a small picture"),
        column("rotation", pa.float64(), "by which it is to be rotated counter-clockwise",
               "degrees"),
    ]
)  # fmt: skip

LABEL = pa.struct(
    [
        term("class_id", "the class: a MID of Open Images"),
        term("name", "the class's name; null where no list has one"),
        term("source", "who gave the label: `machine`, else people"),
        column("confidence", pa.float64(), "from 0 to 1; 0 of people: a verified negative"),
    ]
)

BOX_FLAGS = {
    "is_occluded": "whether another object hides a part; null: unknown",
    "is_truncated": "whether it goes beyond the image; null: unknown",
    "is_group_of": "whether it holds a group of objects; null: unknown",
    "is_depiction": "whether it is a drawing or a model; null: unknown",
    "is_inside": "whether the picture is taken from inside it; null: unknown",
}
"""Flags of a box and what they mean."""

BOX = pa.struct(
    [
        term("class_id", "the class: a MID of Open Images, or COCO's number"),
        term("name", "the class's name; null where no list has one"),
        term("source", "how the box was made, as published"),
        *corner_columns("{}", "the box"),
        *(column(flag, pa.bool_(), told) for flag, told in BOX_FLAGS.items()),
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
    [
        column("words", pa.int32(), "tokens that are more than punctuation and space", "tokens"),
        *(
            column(name, pa.int32(), f"tokens of the universal tag {tag}", "tokens")
            for name, tag in TAG_COLUMNS.items()
        ),
    ]
)

SPLIT_COLUMNS = [
    term("dataset", "the dataset, from the catalog or the options, else from `dataset_id`; null: "
         "unknown", source=RUN),
    term("split", "its split; null: unknown", source=RUN),
]  # fmt: skip
"""Columns by which narratives and what is counted of them are grouped."""

ID_COLUMNS = [
    column("narrative_id", pa.string(), "`dataset-split-image-annotator`, `unknown` for what is "
           "not known; not unique where a key repeats", source=COMPUTED, required=True),
    *SPLIT_COLUMNS,
]  # fmt: skip

IMAGE_ID = column(
    "image_id", pa.string(), "the image, as published", source=PUBLISHED, required=True
)

ANNOTATOR_ID = column(
    "annotator_id", pa.int64(), "the annotator, as published", source=PUBLISHED, required=True
)

PLACE_COLUMNS = [
    term("shard", "file that the line is in", source=RUN, required=True),
    column("byte_offset", pa.int64(), "where the line begins in its shard, as text", "bytes",
           RUN, required=True),
]  # fmt: skip

_AXES = {"x": ("x", WIDTHS), "y": ("y", HEIGHTS), "t": ("time", "seconds")}
"""What a trace has of each point, with units."""

_NARRATIVE_HEAD = [
    *ID_COLUMNS,
    term("dataset_id", "dataset and split as published", source=PUBLISHED),
    IMAGE_ID,
    ANNOTATOR_ID,
    column("caption", pa.string(), "the caption, as published", source=PUBLISHED),
    column("voice_recording", pa.string(), "the recording's object name below `voice-recordings` "
           "of the public bucket, resolved", source=PUBLISHED),
    *PLACE_COLUMNS,
    term("transcript_source", "`timed_caption`, `words`, or `asr:0,2` with the rank of the "
         "alternative chosen in each text chunk", source=COMPUTED),
    column("distance", pa.int32(), "D of Eq. 1: sum of edit distances of caption and "
           "transcription; null where one has no words, or with `alignment_too_large`",
           "characters", COMPUTED),
    column("flags", list_of(TERM), "what is odd", source=COMPUTED),
    column("words", list_of(WORD), "the caption's words with times, trace and box",
           source=COMPUTED),
    column("trace", pa.struct([column(axis, list_of(pa.float32()), f"{told} of each point", unit)
                               for axis, (told, unit) in _AXES.items()]),
           "all points of all segments", source=PUBLISHED),
    column("segment_starts", list_of(pa.int32()), "first point of each recorded segment; the "
           "pointer left the image between segments", "points", PUBLISHED),
    column("narration_seconds", pa.float64(), "from the start of the first utterance to the end "
           "of the last; null without utterances", "seconds", COMPUTED),
    column("image", IMAGE, "what is known of the image", source=ANNOTATIONS),
]  # fmt: skip

NARRATIVES = pa.schema(
    [
        *_NARRATIVE_HEAD,
        column("labels", list_of(LABEL), "the image's labels; null where the image is not one of "
               "Open Images' or no labels were given", source=OPEN_IMAGES),
        term("boxes_status", "`boxed`; `none`: the image is in the image list, without a box; "
             "`unknown`: in neither", source=ANNOTATIONS),
        column("boxes", list_of(BOX), "the image's boxes, in the order of the box files",
               source=ANNOTATIONS),
        column("richness", RICHNESS_OF_CAPTION, "the caption's tokens by part of speech; null "
               "where it was not tagged", source=COMPUTED),
    ]
)  # fmt: skip

DISCARDED = pa.schema(
    [
        *_NARRATIVE_HEAD,
        column("reasons", list_of(TERM), "the quality rules that it breaks", source=COMPUTED),
    ]
)

MENTIONS = pa.schema(
    [
        *ID_COLUMNS,
        IMAGE_ID,
        ANNOTATOR_ID,
        *PLACE_COLUMNS,
        term("class_id", "the class: a MID of Open Images, or COCO's number", source=COMPUTED,
             required=True),
        term("name", "the class's name", source=COMPUTED),
        column("text", pa.string(), "the mention as it stands in the caption", source=COMPUTED),
        *span_columns("the mention", COMPUTED),
        column("first_word", pa.int32(), "its first word in `words`", "words", COMPUTED),
        column("end_word", pa.int32(), "the word after its last one", "words", COMPUTED),
        *time_columns("the mention", "of its words", COMPUTED),
        *point_columns("the mention", COMPUTED),
        column("box_index", pa.int32(), "the closest box of its class, as position in `boxes`; "
               "null: none of its class that can be used, or no trace", "boxes", COMPUTED),
        column("mean_distance", pa.float64(), "mean Euclidean distance of its points to that box "
               "in normalised coordinates, 0 inside", "image sizes", COMPUTED),
        column("points", pa.int32(), "its trace points", "points", COMPUTED),
        column("points_inside", pa.int32(), "of these, inside that box", "points", COMPUTED),
    ]
)  # fmt: skip

FOUND_MENTIONS = pa.schema([field for field in MENTIONS if field.name != "shard"])
"""A chunk's mentions: its shard is the unit's."""

_OF_WORD = ("start_time", "end_time", *CORNERS)

WORDS = pa.schema(
    [
        term("narrative_id", "as in `narratives`", source=COMPUTED, required=True),
        *SPLIT_COLUMNS,
        term("image_id", "the image, as published", source=PUBLISHED, required=True),
        ANNOTATOR_ID,
        *PLACE_COLUMNS,
        term("image_url", "address of the image's original; null where it is not known",
             source=ANNOTATIONS),
        column("word", pa.int32(), "its number in the caption, from 0", "words", COMPUTED,
               required=True),
        *(term(name, WORD.field(name).metadata[b"description"].decode(), source=COMPUTED)
          for name in ("text", "normalized")),
        *(part.with_metadata({**part.metadata, "source": COMPUTED})
          for part in map(WORD.field, _OF_WORD)),
    ],
    {"repeating": ",".join(_OF_WORD)},
)  # fmt: skip
"""Words of narratives that are kept, for whoever wants them without lists; texts that a narrative
has once are terms, as those of words are."""

LOCALIZATION_COUNTS = {
    "mentions": ("mentions of the class", "mentions"),
    "boxed": ("of these, with a closest box", "mentions"),
    "without_trace": ("of these, without a trace point", "mentions"),
    "without_box_of_class": ("of these, without a box of the class in the image", "mentions"),
    "points": ("trace points of the boxed ones", "points"),
    "points_inside": ("of these, inside the closest box", "points"),
    "overflow": ("of these, outside [−1, 2]² in box widths and heights", "points"),
}
"""What is counted of a class, with its description and unit."""

CLASS_KEY = ("dataset", "split", "class_id", "name")
"""Columns by which localization is counted."""

CLASS_COLUMNS = [
    *SPLIT_COLUMNS,
    term("class_id", "the class that is mentioned", source=COMPUTED, required=True),
    term("name", "the class's name", source=COMPUTED),
]
"""The same, declared."""

LOCALIZATION = pa.schema(
    [
        *CLASS_COLUMNS,
        *(
            column(name, pa.int64(), told, unit, COMPUTED)
            for name, (told, unit) in LOCALIZATION_COUNTS.items()
        ),
    ]
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
    "words": WORDS,
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
