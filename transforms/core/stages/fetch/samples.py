"""Samples of WebDataset shards: a picture and what is known of it, under one key.

A sample is the members of a tar file that stand together and have the same name up to the first
dot; the rest of the name is their kind (github.com/webdataset/webdataset, "The WebDataset format").
"""

import json
import re
from collections.abc import Mapping
from typing import Any

from transforms.core.base.versions import digest

_KEY_CHARACTERS = 80
"""Characters of a key; a name in a tar header has at most 100 bytes."""


def sample_key(dataset: str | None, image_id: str) -> str:
    """The key of an image: letters, digits, `_` and `-`, no dot; other ids have other keys.

    >>> sample_key("open_images", "0a1b2c3d4e5f6a7b"), sample_key("coco", "1.2")
    ('open_images-0a1b2c3d4e5f6a7b', 'coco-1_2-743ebfae')
    """
    plain = f"{dataset or 'unknown'}-{image_id}"
    key = re.sub(r"[^A-Za-z0-9_-]", "_", plain)
    if key == plain and len(key) <= _KEY_CHARACTERS:
        return key
    return f"{key[: _KEY_CHARACTERS - 9]}-{digest({'id': plain})[:8]}"


def picture_names(dataset: str | None, image_id: str) -> list[str]:
    """What an image's picture may be called in a folder, without its ending.

    A name with the dataset, as the job of images makes it, goes before the id alone; COCO's files
    are named by the id with zeros before it.

    >>> picture_names("coco", "139")
    ['coco-139', '139', '000000000139']
    """
    return [sample_key(dataset, image_id), image_id, image_id.zfill(_COCO_DIGITS)]


def names_of_picture(stem: str) -> list[str]:
    """By which names a file is found: its own, and without the checksum that the job gives some.

    >>> names_of_picture("coco-139-e3b0c442")
    ['coco-139-e3b0c442', 'coco-139']
    """
    return list(dict.fromkeys([stem, _CHECKSUM.sub("", stem)]))


_CHECKSUM = re.compile("-[0-9a-f]{8}$")
_COCO_DIGITS = 12

_TOLD = ("dataset", "split", "image_id", "url", "fetched_as", "width", "height", "orientation",
         "rotation", "verified", "md5", "captions", "boxes_are", "boxes")  # fmt: skip


def describe_sample(row: Mapping[str, Any]) -> bytes:
    """The JSON of a sample, from its row of the table `images`: the same row gives the same bytes.

    With captions and boxes, and what the picture's licence wants said: licence, author, title.
    """
    image = row["image"] or {}
    credit = {name: image.get(name) for name in ("licence", "author", "title", "landing_url")}
    told = {name: row[name] for name in _TOLD} | credit
    return json.dumps(told, ensure_ascii=False, sort_keys=True, separators=(",", ":")).encode()


def picture_path(row: Mapping[str, Any]) -> str:
    """Where a picture is below the output, in folders.

    The folder is the end of its key, which is spread more evenly than the beginning. A picture that
    nothing published tells the bytes of has a part of their checksum in its name: another attempt
    may bring others, and those that a version names stay as they are.

    >>> row = {"dataset": "open_images", "image_id": "0a1b2c3d4e5f6a7b", "fetched_as": "original",
    ...        "format": "jpg", "verified": "md5", "sha256": "e3b0c442…"}
    >>> picture_path(row)
    'pictures/original/7b/open_images-0a1b2c3d4e5f6a7b.jpg'
    >>> picture_path(row | {"fetched_as": "thumbnail", "verified": "none"})
    'pictures/thumbnail/7b/open_images-0a1b2c3d4e5f6a7b-e3b0c442.jpg'
    """
    key = sample_key(row["dataset"], row["image_id"])
    content = "" if row["verified"] == "md5" else f"-{row['sha256'][:8]}"
    folder = f"pictures/{row['fetched_as']}/{key[-2:].lower()}"
    return f"{folder}/{key}{content}.{row['format']}"
