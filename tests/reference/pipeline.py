"""Puts the parts together: files in, rows of every table out."""

import collections
import os

from . import (
    alignment,
    annotations,
    grounding,
    localization,
    mentions,
    naming,
    quality,
    reading,
    richness,
    words,
)


def build(
    shards,
    *,
    known=None,
    names=None,
    dataset=None,
    split=None,
    source="timed_caption",
    transcripts=None,
    nlp=None,
    max_distance=None,
    max_distance_per_char=None,
    excluded_flags=(),
    coco_classes=None,
):
    """Builds every table from narrative files.

    Args:
        shards: paths of narrative files.
        known: `annotations.Annotations`, from `read_open_images` or `read_coco`.
        names: {file name: (dataset, split)} of catalogued files; before `dataset`, `split`.
        dataset, split: of files that are not catalogued; None: from `dataset_id`.
        source: `timed_caption`, `asr` or `words`.
        transcripts: by (image id, annotator id) or by resolved recording: for `asr` a list of
            chunks, each a list of texts; for `words` a list of (text, start, end).
        nlp: a spaCy pipeline; without one, `richness` is None.
        max_distance, max_distance_per_char: thresholds on D.
        excluded_flags: box flags that make a box unusable.
        coco_classes: (class id, name) to look for in narratives of COCO; None: those of `known`.

    Returns:
        {table: rows}, plus `shards`: counts of each shard.
    """
    known = known or annotations.Annotations([], {}, {}, {})
    matchers = collections.defaultdict(lambda: mentions.Matcher(known.classes))
    if coco_classes is not None:
        matchers["coco"] = mentions.Matcher(coco_classes)
    tables = {name: [] for name in ("narratives", "mentions", "words", "discarded", "rejected")}
    tables["shards"], measured, located = [], [], []
    for path in shards:
        shard = os.path.basename(path)
        given = (names or {}).get(shard, (dataset, split))
        records, rejected, counts = reading.read_shard(path, shard)
        tables["rejected"] += rejected
        tables["shards"].append(counts | {"narratives": 0, "discarded": 0})
        for record in records:
            row = ground(record, shard, given, source, transcripts)
            own = known.of_dataset(row["dataset"])
            if known.knows(record["image_id"]) and not own.knows(record["image_id"]):
                row["flags"].append("annotations_of_other_dataset")
            row["image"] = own.images.get(record["image_id"])
            reasons = quality.reasons(
                row["distance"], len(row["caption"]), max_distance, max_distance_per_char
            )
            if reasons:
                tables["shards"][-1]["discarded"] += 1
                tables["discarded"].append(row | {"reasons": reasons})
                continue
            matcher = matchers[row["dataset"]]
            row, found = annotate(row, record, own, matcher, nlp, excluded_flags)
            tables["shards"][-1]["narratives"] += 1
            tables["narratives"].append(row)
            tables["mentions"] += [mention for mention, _, _ in found]
            tables["words"] += words_of(row)
            located += found
            measured.append(measure(row, record))
    return tables | statistics_of(located, measured, tables["narratives"])


def annotate(row, record, known, matcher, nlp, excluded_flags):
    """Completes a kept narrative's row from what is known of its dataset's images; its mentions
    come with points and boxes."""
    image_id = record["image_id"]
    points, _ = grounding.flatten(record["traces"])
    boxes = known.boxes.get(image_id, [])
    found = mentions.mentions_of(row, matcher, points, boxes, excluded_flags)
    inverted = any(mention["inverted"] for mention in found)
    status = known.status_of(image_id)
    row = row | {
        "flags": [
            flag
            for flag in grounding.FLAGS
            if flag in row["flags"]
            or (flag == "inverted_mention" and inverted)
            or (flag == "caption_too_long" and richness.is_too_long(row["caption"]))
        ],
        "labels": known.labels.get(image_id, []) if known.labels else None,
        "boxes_status": status,
        "boxes": None if status == "unknown" else boxes,
        "richness": richness.richness_of(row["caption"], nlp),
    }
    return row, [(mention, points, boxes) for mention in found]


def words_of(row):
    """Rows of table `words` for a kept narrative's row."""
    heads = ("narrative_id", "dataset", "split", "image_id", "annotator_id", "shard", "byte_offset")
    parts = ("text", "normalized", "start_time", "end_time", "x_min", "y_min", "x_max", "y_max")
    own = {name: row[name] for name in heads}
    own["image_url"] = row["image"]["url"] if row["image"] else None
    return [
        {**own, "word": number, **{name: word[name] for name in parts}}
        for number, word in enumerate(row["words"])
    ]


def measure(row, record):
    """(dataset, split, image id, measures) of a kept narrative."""
    measures = richness.measures_of(row["richness"], record["utterances"], record["traces"])
    return row["dataset"], row["split"], row["image_id"], measures


def statistics_of(located, measured, narratives):
    """Rows of the five statistics tables."""
    counts, histogram = localization.tables(located)
    return {
        "localization": counts,
        "localization_histogram": histogram,
        "richness": richness.table(measured),
        "noun_counts": richness.noun_counts(measured),
        "distances": distances(narratives),
    }


def distances(narratives):
    """Rows of table `distances`, from rows of `narratives`."""
    known = [row for row in narratives if row["distance"] is not None]
    keys = [(row["dataset"], row["split"], row["distance"]) for row in known]
    heads = ("dataset", "split", "distance")
    return [
        dict(zip(heads, key, strict=True)) | {"narratives": keys.count(key)} for key in set(keys)
    ]


def ground(record, shard, given=(None, None), source="timed_caption", transcripts=None):
    """A record's row of `narratives` up to its trace: everything that needs no annotations."""
    derived = naming.dataset_of(record["dataset_id"]), naming.split_of(record["dataset_id"])
    dataset, split = given[0] or derived[0], given[1] or derived[1]
    flags = grounding.reading_flags(record["utterances"], record["traces"])
    if any(own and own != said for own, said in zip(derived, (dataset, split), strict=True)):
        flags.add("dataset_id_differs")
    recording = naming.resolve_recording(
        record["dataset_id"], record["voice_recording"], record["annotator_id"]
    )
    spoken = None
    if transcripts is not None:
        key = record["image_id"], record["annotator_id"]
        spoken = transcripts.get(key) or transcripts.get(recording)
    caption_words = words.split_words(record["caption"])
    distance, times, heard_from = align_source(record, caption_words, source, spoken, flags)
    if richness.is_too_short(record["utterances"]):
        flags.add("narration_too_short")
    if not caption_words:
        flags.add("no_caption")
    if not has_words(record, source, spoken):
        flags.add("no_transcript")
    grounded = ground_words(caption_words, times, record["traces"], flags)
    points, _ = grounding.flatten(record["traces"])
    return {
        "narrative_id": naming.narrative_id(
            dataset, split, record["image_id"], record["annotator_id"]
        ),
        "dataset": dataset,
        "split": split,
        "dataset_id": record["dataset_id"],
        "image_id": record["image_id"],
        "annotator_id": record["annotator_id"],
        "caption": record["caption"],
        "voice_recording": recording,
        "shard": shard,
        "byte_offset": record["byte_offset"],
        "transcript_source": heard_from,
        "distance": distance,
        "flags": [flag for flag in grounding.FLAGS if flag in flags],
        "words": grounded,
        "trace": {axis: [point[n] for point in points] for n, axis in enumerate("xyt")},
        "narration_seconds": richness.narration(record["utterances"]),
        "segment_starts": grounding.segment_starts(record["traces"]),
    }


def timed_words(texts):
    """Normalised words of (text, start, end) and their intervals, shared within a text."""
    spoken, intervals = [], []
    for text, start, end in texts:
        for word in words.normalised_words(text):
            spoken.append(word)
            intervals.append((start, end))
    return spoken, intervals


def alternatives_of(chunks):
    return [[words.normalised_words(text) for text in chunk] for chunk in chunks or ()]


def has_words(record, source, spoken):
    """Whether there is any word to take D from."""
    if source == "asr":
        return any(any(chunk) for chunk in alternatives_of(spoken))
    texts = record["utterances"] if source == "timed_caption" else spoken or []
    return bool(timed_words(texts)[0])


def align_source(record, caption_words, source, spoken, flags):
    """(D, word times, source) of a record; None for what cannot be had.

    Adds `alignment_too_large` to the flags where either is left out for its size.

    `asr` has no times: D comes from the best choice of alternatives, whose ranks are named with
    the source, times from `timed_caption`.
    """
    m = [words.normalise(text) for text, _, _ in caption_words]
    texts = (spoken or []) if source == "words" else record["utterances"]
    a, intervals = timed_words(texts)
    distance = times = aligned = None
    if alignment.is_too_large(a, m):
        flags.add("alignment_too_large")
    else:
        aligned = alignment.align(a, m)
    if aligned is not None:
        mu, distance = aligned
        points, _ = grounding.flatten(record["traces"])
        bare = [(start, end) for _, start, end in record["utterances"] or texts]
        t0, t1 = grounding.extent(points, bare)
        times = grounding.word_times(mu, intervals, len(m), t0, t1)
    if source == "asr":
        distance = None
        chunks = alternatives_of(spoken)
        heard = [word for chunk in chunks for words in chunk for word in words]
        if alignment.is_too_large(heard, m, 1 + len(chunks) + sum(map(len, chunks))):
            flags.add("alignment_too_large")
        elif m and heard:
            ranks, distance = alignment.choose_alternatives(chunks, m)
            source += ":" + ",".join(map(str, ranks))
    return distance, times, source


def ground_words(caption_words, times, traces, flags):
    """Rows of `words`; adds `inverted_word` to the flags."""
    points, segment_of = grounding.flatten(traces)
    rows = []
    for j, (text, char_start, char_end) in enumerate(caption_words):
        interval = None
        if times is not None:
            interval, inverted = grounding.collapse(times[j])
            if inverted:
                flags.add("inverted_word")
        row = {
            "text": text,
            "normalized": words.normalise(text),
            "char_start": char_start,
            "char_end": char_end,
        }
        rows.append(row | grounding.ground_word(points, segment_of, interval))
    return rows
