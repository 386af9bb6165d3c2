"""Narratives as samples of FiftyOne, a sample an image, in the JSON of `FiftyOneDataset`.

Boxes are [x, y, width, height] and points [x, y], from the top left, in widths and heights of the
image; times are seconds. See docs.voxel51.com, "Importing data", FiftyOneDataset.

A narrative becomes a piece, its labels as JSON; pieces of an image are joined without parsing these
again.
"""

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from itertools import pairwise
from typing import Any

import msgspec

from transforms.core.output.exports.decimals import shortest

Row = Mapping[str, Any]

COLUMNS = ("narrative_id", "dataset", "split", "image_id", "annotator_id", "caption", "shard",
           "byte_offset", "distance", "flags", "words", "trace", "segment_starts", "image",
           "boxes")  # fmt: skip
"""Which columns of `narratives` a piece is made of."""

BOX_FLAGS = ("is_occluded", "is_truncated", "is_group_of", "is_depiction", "is_inside")


class Media(msgspec.Struct, frozen=True):
    """The picture of a sample.

    Attributes:
      path: Below the folder of pictures.
      format: `jpg`, `png` or `gif`; null where no picture was found.
      width: In pixels.
      height: In pixels.
      bytes: Its size.
    """

    path: str
    format: str | None = None
    width: int | None = None
    height: int | None = None
    bytes: int | None = None


class Piece(msgspec.Struct, frozen=True, kw_only=True):
    """A narrative as a part of its image's sample.

    Attributes:
      dataset: The image's dataset, null if unknown.
      split: Its split, null if unknown.
      image_id: The image.
      url: The image's address, null if unknown.
      licence: Address of its licence, null if unknown.
      narrative_id: The narrative.
      flags: What is flagged of it.
      media: The image's picture.
      boxes: The image's boxes, a JSON list of labels as all that follow.
      captions: The caption.
      words: Words that have a box.
      trace: Runs of the trace.
      mentions: Mentions that have a closest box.
    """

    dataset: str | None
    split: str | None
    image_id: str
    url: str | None
    licence: str | None
    narrative_id: str
    flags: list[str]
    media: Media
    boxes: msgspec.Raw
    captions: msgspec.Raw
    words: msgspec.Raw
    trace: msgspec.Raw
    mentions: msgspec.Raw


def narrative_piece(row: Row, mentions: Sequence[Row], media: Media) -> Piece:
    """A narrative's piece: the same narrative gives the same piece.

    Args:
      row: The narrative, with `COLUMNS`; `trace` holds float32.
      mentions: Its mentions.
      media: The picture of its image.
    """
    known, boxes = row["image"] or {}, row["boxes"] or ()
    return Piece(
        **{name: row[name] for name in ("dataset", "split", "image_id", "narrative_id")},
        url=known.get("url"),
        licence=known.get("licence"),
        flags=list(row["flags"] or ()),
        media=media,
        boxes=_raw(_box(row, index, box) for index, box in enumerate(boxes)),
        captions=_raw([_caption(row)]),
        words=_raw(_words(row)),
        trace=_raw(_lines(row)),
        mentions=_raw(_mentions(row, boxes, mentions)),
    )


def join_sample(pieces: Sequence[Piece]) -> bytes:
    """An image with all its narratives, as JSON.

    Args:
      pieces: The narratives of one image, one at least. Its boxes are those of the first.
    """
    first = pieces[0]
    place = (first.dataset, first.split, first.image_id)
    tags = [name for name in place[:2] if name]
    tags += sorted({flag for piece in pieces for flag in piece.flags} - set(tags))
    return msgspec.json.encode({
        "_id": _oid("sample", *place),
        # The database takes samples as they are: without a type they would be of no medium.
        "_media_type": "image",
        "_rand": int(_digest("rand", *place)[:8], 16) / 2**32,
        "filepath": first.media.path,
        "metadata": _metadata(first.media),
        "tags": tags,
        "dataset": first.dataset,
        "split": first.split,
        "image_id": first.image_id,
        "url": first.url,
        "licence": first.licence,
        "narrative_ids": [piece.narrative_id for piece in pieces],
        "captions": _labels("Classifications", [piece.captions for piece in pieces]),
        "boxes": _labels("Detections", [first.boxes]),
        "words": _labels("Detections", [piece.words for piece in pieces]),
        "trace": _labels("Polylines", [piece.trace for piece in pieces]),
        "mentions": _labels("Detections", [piece.mentions for piece in pieces]),
    })  # fmt: skip


def extent(box: Row) -> list[float]:
    """Corners as FiftyOne has boxes.

    >>> extent({"x_min": 0.25, "y_min": 0.5, "x_max": 0.75, "y_max": 1.0})
    [0.25, 0.5, 0.5, 0.5]
    """
    x, y = box["x_min"], box["y_min"]
    return [x, y, box["x_max"] - x, box["y_max"] - y]


def _metadata(media: Media) -> dict[str, Any] | None:
    if media.format is None:
        return None
    kind = "jpeg" if media.format == "jpg" else media.format
    return {"_cls": "ImageMetadata", "size_bytes": media.bytes, "mime_type": f"image/{kind}",
            "width": media.width, "height": media.height, "num_channels": None}  # fmt: skip


def _caption(row: Row) -> dict[str, Any]:
    return _label("Classification", row["caption"] or "", row, "caption", distance=row["distance"])


def _box(row: Row, index: int, box: Row) -> dict[str, Any]:
    told = {name: box.get(name) for name in ("class_id", "source", *BOX_FLAGS)}
    made = {"_id": _oid("box", row["dataset"], row["split"], row["image_id"], index)}
    return {**made, "_cls": "Detection", "tags": [], "label": box["name"],
            "bounding_box": extent(box), **told}  # fmt: skip


def _words(row: Row) -> Iterable[dict[str, Any]]:
    """Words with a box, which those without a trace have not."""
    for index, word in enumerate(row["words"] or ()):
        if word["x_min"] is not None:
            told = {name: word[name] for name in ("start_time", "end_time", "crosses_gap")}
            yield _label("Detection", word["text"], row, f"word-{index}", index=index,
                         bounding_box=extent(word), **told)  # fmt: skip


def _lines(row: Row) -> Iterable[dict[str, Any]]:
    """A polyline for each run of the trace in which the pointer did not leave the image."""
    x, y, t = (shortest(row["trace"][axis]) for axis in "xyt")
    points = [list(point) for point in zip(x, y, strict=True)]
    starts = [*(row["segment_starts"] or ()), len(t)]
    for index, (start, end) in enumerate(pairwise(starts)):
        if start < end:
            yield _label("Polyline", "trace", row, f"trace-{index}", points=[points[start:end]],
                         closed=False, filled=False, times=t[start:end],
                         start_time=t[start], end_time=t[end - 1])  # fmt: skip


def _mentions(row: Row, boxes: Sequence[Row], mentions: Sequence[Row]) -> Iterable[dict[str, Any]]:
    """Mentions that have a closest box, at that box."""
    for index, mention in enumerate(mentions):
        if mention["box_index"] is not None:
            names = ("class_id", "text", "start_time", "end_time", "box_index", "mean_distance")
            yield _label("Detection", mention["name"], row, f"mention-{index}",
                         bounding_box=extent(boxes[mention["box_index"]]),
                         **{name: mention[name] for name in names})  # fmt: skip


def _label(kind: str, label: str, row: Row, part: str, **told: Any) -> dict[str, Any]:
    """A label of a narrative, by whose id and annotator it can be filtered."""
    line = (row["shard"], row["byte_offset"])
    return {"_id": _oid(row["narrative_id"], *line, part), "_cls": kind, "tags": [], "label": label,
            "narrative_id": row["narrative_id"], "annotator": str(row["annotator_id"]),
            **told}  # fmt: skip


def _raw(labels: Iterable[Row]) -> msgspec.Raw:
    return msgspec.Raw(msgspec.json.encode(list(labels)))


def _labels(kind: str, lists: Sequence[msgspec.Raw]) -> dict[str, Any]:
    """JSON lists as one, in what FiftyOne calls a list of labels."""
    contents = (bytes(labels)[1:-1] for labels in lists)
    joined = b",".join(content for content in contents if content)
    return {"_cls": kind, kind.lower(): msgspec.Raw(b"[" + joined + b"]")}


def _oid(*names: Any) -> dict[str, str]:
    """An id of the 12 bytes that the database's have, the same in every run."""
    return {"$oid": _digest(*names)[:24]}


def _digest(*names: Any) -> str:
    return hashlib.sha256("\0".join(map(str, names)).encode()).hexdigest()
