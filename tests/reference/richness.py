"""Richness of captions (Tables 2 and 3, Fig. 5), in exact integers and fractions."""

import collections
import math
import unicodedata
from fractions import Fraction

from . import grounding

TAGS = {
    "nouns": "NOUN",
    "pronouns": "PRON",
    "adjectives": "ADJ",
    "adpositions": "ADP",
    "verbs": "VERB",
    "proper_nouns": "PROPN",
    "auxiliaries": "AUX",
}
SCALES = {
    "words": 1,
    **dict.fromkeys(TAGS, 1),
    "narration_seconds": 1_000,
    "words_per_second": 1_000_000,
    "trace_points": 1,
    "trace_length": 1_000_000,
    "narratives_per_image": 1,
}
"""Each narrative's value is rounded to 1/scale before it is summed."""


def is_seen(text):
    """Whether a token has more than punctuation and what is no character by itself.

    That is what has no width, controls, or combines with the character before.
    """
    kinds = {unicodedata.category(character) for character in text.replace(" ", "")}
    unseen = {"Cc", "Cf", "Mn", "Mc", "Me", "Pc", "Pd", "Ps", "Pe", "Pi", "Pf", "Po"}
    return not kinds <= unseen


def count_words(document):
    """Counts of a spaCy document: its words, and those words by universal tag."""
    words = [
        token
        for token in document
        if not token.is_punct and not token.is_space and is_seen(token.text)
    ]
    counts = {"words": len(words)}
    for column, tag in TAGS.items():
        counts[column] = sum(token.pos_ == tag for token in words)
    return counts


def is_too_long(caption):
    """Whether a caption is left untagged: more than a hundred thousand characters."""
    return len(caption) > 100_000


def richness_of(caption, nlp):
    """Counts of a caption; None without a spaCy pipeline, and for a caption that is too long."""
    return None if nlp is None or is_too_long(caption) else count_words(nlp(caption))


def narration(utterances):
    """Seconds from the first start to the last end; None without utterances."""
    if not utterances:
        return None
    return max(end for _, _, end in utterances) - min(start for _, start, _ in utterances)


def is_too_short(utterances):
    """Whether a narration takes less than a twentieth of a second: nobody speaks so shortly."""
    seconds = narration(utterances)
    return seconds is not None and seconds < 0.05


def trace_length(traces):
    """Length of all segments in normalised units; gaps between segments do not count."""
    return math.fsum(
        math.hypot(after[0] - before[0], after[1] - before[1])
        for segment in traces
        for before, after in zip(segment, segment[1:], strict=False)
    )


def measures_of(counts, utterances, traces):
    """A narrative's value of each measure but `narratives_per_image`; None if unknown."""
    counts = counts or dict.fromkeys(("words", *TAGS))
    measures = dict(counts)
    seconds = None if is_too_short(utterances) else narration(utterances)
    known = seconds is not None and counts["words"] is not None
    rate = counts["words"] / seconds if known else None
    points, _ = grounding.flatten(traces)
    return measures | {
        "narration_seconds": seconds,
        "words_per_second": rate,
        "trace_points": len(points),
        "trace_length": trace_length(traces),
    }


def summarise(values, scale):
    """(sum, mean, population deviation) of the values that are known; None without any."""
    known = [round(value * scale) for value in values if value is not None]
    if not known:
        return None, None, None
    mean = Fraction(sum(known), len(known))
    variance = sum((value - mean) ** 2 for value in known) / len(known)
    return sum(known) / scale, float(mean / scale), math.sqrt(variance) / scale


def table(narratives):
    """Rows of table `richness`.

    Args:
        narratives: (dataset, split, image id, measures) of each narrative.
    """
    groups = {}
    for dataset, split, image_id, measures in narratives:
        groups.setdefault((dataset, split), []).append((image_id, measures))
    rows = []
    for (dataset, split), members in groups.items():
        images = [image_id for image_id, _ in members]
        row = {"dataset": dataset, "split": split}
        row |= {"captions": len(members), "images": len(set(images))}
        for measure, scale in SCALES.items():
            if measure == "narratives_per_image":
                values = list(collections.Counter(images).values())
            else:
                values = [measures[measure] for _, measures in members]
            row |= dict(
                zip(
                    (f"{measure}_sum", f"{measure}_mean", f"{measure}_deviation"),
                    summarise(values, scale),
                    strict=True,
                )
            )
        rows.append(row)
    return rows


def noun_counts(narratives):
    """Rows of table `noun_counts` from the same tuples as `table`."""
    counts = {}
    for dataset, split, _, measures in narratives:
        if measures["nouns"] is not None:
            key = dataset, split, measures["nouns"]
            counts[key] = counts.get(key, 0) + 1
    heads = ("dataset", "split", "nouns")
    return [
        dict(zip(heads, key, strict=True)) | {"captions": number} for key, number in counts.items()
    ]
