"""Narratives as samples of WebDataset shards: a picture, its caption, and all else as JSON.

See github.com/webdataset/webdataset, "The WebDataset format".
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import msgspec

from transforms.core.output.exports.coco import Size
from transforms.core.output.exports.decimals import shortest
from transforms.core.stages.fetch.samples import sample_key

COLUMNS = ("narrative_id", "dataset", "split", "image_id", "annotator_id", "caption",
           "voice_recording", "shard", "byte_offset", "flags", "words", "trace", "segment_starts",
           "image", "boxes_status", "boxes", "labels")  # fmt: skip
"""What the JSON of a sample has of the columns of `narratives`."""


def narrative_key(row: Mapping[str, Any], is_repeated: bool) -> str:
    """The key of a sample: of the narrative's id, or where that is there already of its line too.

    >>> row = {"dataset": "coco", "split": "train", "image_id": "139", "annotator_id": 7}
    >>> narrative_key(row, False)
    'coco-train-139-7'
    """
    name = f"{row['split'] or 'unknown'}-{row['image_id']}-{row['annotator_id']}"
    place = f"-{row['shard']}-{row['byte_offset']}" if is_repeated else ""
    return sample_key(row["dataset"], name + place)


def describe_narrative(
    row: Mapping[str, Any], mentions: Iterable[Mapping[str, Any]], size: Size | None
) -> bytes:
    """The JSON of a sample: the same narrative gives the same bytes.

    Args:
      row: The narrative; `trace` holds arrays.
      mentions: Its mentions.
      size: The picture's size, null without one.
    """
    trace = {axis: shortest(points) for axis, points in row["trace"].items()}
    told = {
        **{name: row[name] for name in COLUMNS},
        "trace": trace,
        "mentions": [
            {name: value for name, value in mention.items() if name not in row}
            for mention in mentions
        ],
        "width": size.width if size else None,
        "height": size.height if size else None,
    }
    return msgspec.json.encode(told)


def shard_list(shards: Mapping[str, Sequence[tuple[str, int, int]]]) -> bytes:
    """What `shards.json` holds: the shards of each split, with samples and bytes.

    Args:
      shards: Path, samples and bytes of each, by split.
    """
    names = ("path", "samples", "bytes")
    listed = {split: [dict(zip(names, shard, strict=True)) for shard in own]
              for split, own in shards.items()}  # fmt: skip
    return json.dumps(listed, indent=1, ensure_ascii=False).encode() + b"\n"
