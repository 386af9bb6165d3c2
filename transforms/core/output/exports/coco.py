"""Narratives as annotations of COCO's JSON: https://cocodataset.org/#format-data.

What is not known before all files are read (the numbers of annotations, categories and licences)
is put before a piece at the end: a piece is a JSON object without its `{` and these keys.
"""

import hashlib
from collections.abc import Collection, Mapping, Sequence
from typing import Any, NamedTuple

import msgspec
import numpy as np

POINTS = 16
"""Keypoints of a mention: so many of its trace points, as evenly spread as they can be."""

KINDS = ("captions", "instances", "keypoints")
"""Kinds of annotations, each a file of a split."""

_FIRST, _LAST = 1 << 32, 1 << 53
"""Where numbers made of hashes are: beyond COCO's, and up to what every reader of JSON keeps."""


class Size(NamedTuple):
    """A picture's size in pixels, as stored."""

    width: int
    height: int


def image_number(dataset: str | None, image_id: str) -> int:
    """The number of an image: COCO's own, and of others a part of a SHA-256 in [2^32, 2^53).

    It depends on nothing else, so that files of other versions and splits agree. 0 is none.

    >>> image_number("coco", "000000000139"), image_number("open_images", "139") >= 1 << 32
    (139, True)
    """
    if dataset == "coco" and _is_number(image_id) and 0 < int(image_id) < _FIRST:
        return int(image_id)
    return _FIRST + hash_of(dataset, image_id) % (_LAST - _FIRST)


def hash_of(dataset: str | None, image_id: str) -> int:
    """64 bits of a SHA-256 of an image's dataset and id."""
    text = f"{dataset or ''}\0{image_id}".encode()
    return int.from_bytes(hashlib.sha256(text).digest()[:8], "big")


def image_file_name(dataset: str | None, image_id: str) -> str:
    """What the file of an image is called where no folder of pictures says it.

    >>> image_file_name("coco", "139"), image_file_name("open_images", "0a1b")
    ('000000000139.jpg', '0a1b.jpg')
    """
    is_coco = dataset == "coco" and _is_number(image_id)
    return f"{image_id.zfill(12) if is_coco else image_id}.jpg"


def _is_number(text: str) -> bool:
    return text.isascii() and text.isdigit()


def category_numbers(class_ids: Collection[str]) -> dict[str, int]:
    """Numbers of classes, the same in all splits.

    A class whose id is a number, as of COCO, keeps it; all others follow the largest of these, from
    1 where there is none, in order of their ids.

    Args:
      class_ids: Ids of the classes of all splits.

    >>> category_numbers(["/m/0b", "/m/0a"])
    {'/m/0a': 1, '/m/0b': 2}
    >>> category_numbers(["/m/0a", "18"])
    {'18': 18, '/m/0a': 19}
    """
    found = sorted(set(class_ids))
    own = {class_id: int(class_id) for class_id in found if _keeps_number(class_id)}
    others = [class_id for class_id in found if class_id not in own]
    first = 1 + max(own.values(), default=0)
    return own | {class_id: number for number, class_id in enumerate(others, first)}


def _keeps_number(class_id: str) -> bool:
    return _is_number(class_id) and str(int(class_id)) == class_id and 0 < int(class_id) < _FIRST


def category(number: int, class_id: str, name: str | None, has_points: bool) -> dict[str, Any]:
    """A category; of mentions with the names of their points and the lines between them."""
    made = {"id": number, "name": name or class_id, "supercategory": "", "class_id": class_id}
    if has_points:
        made["keypoints"] = [f"point_{index}" for index in range(1, POINTS + 1)]
        made["skeleton"] = [[index, index + 1] for index in range(1, POINTS)]
    return made


def image_piece(
    row: Mapping[str, Any], number: int, file_name: str | None, size: Size | None
) -> bytes:
    """An image, without its licence.

    Args:
      row: A narrative of it.
      number: Its number.
      file_name: What its picture is called; null where that is not known.
      size: The picture's size, if known.
    """
    known = row["image"] or {}
    dataset, image_id = row["dataset"], row["image_id"]
    made = {
        "id": number,
        "file_name": file_name or image_file_name(dataset, image_id),
        **({"width": size.width, "height": size.height} if size else {}),
        **({"coco_url": known["url"]} if known.get("url") else {}),
        "dataset": dataset,
        "image_id": image_id,
    }
    return _piece(made)


def caption_piece(row: Mapping[str, Any], number: int) -> bytes:
    """A narrative as a caption of its image."""
    return _piece({
        "image_id": number,
        "caption": row["caption"] or "",
        "narrative_id": row["narrative_id"],
        "annotator_id": row["annotator_id"],
    })  # fmt: skip


def box_piece(box: Mapping[str, Any], number: int, size: Size) -> bytes:
    """A box as an instance; its polygon is the box, since there is no mask."""
    left, top, width, height = pixel_box(box, size)
    right, bottom = round(left + width, 2), round(top + height, 2)
    return _piece({
        "image_id": number,
        "bbox": [left, top, width, height],
        "area": round(width * height, 4),
        "iscrowd": int(bool(box["is_group_of"])),
        "segmentation": [[left, top, left, bottom, right, bottom, right, top]],
        "source": box["source"],
    })  # fmt: skip


def pixel_box(box: Mapping[str, Any], size: Size) -> list[float]:
    """Left, top, width and height in pixels, to a hundredth, as COCO has it."""
    left, right = (round(box[edge] * size.width, 2) for edge in ("x_min", "x_max"))
    top, bottom = (round(box[edge] * size.height, 2) for edge in ("y_min", "y_max"))
    return [left, top, round(right - left, 2), round(bottom - top, 2)]


def chosen_points(count: int) -> np.ndarray:
    """Which of so many points are keypoints, shape `(min(count, POINTS),)`.

    >>> chosen_points(3).tolist(), chosen_points(31).tolist()[:4]
    ([0, 1, 2], [0, 2, 4, 6])
    """
    if count <= POINTS:
        return np.arange(count)
    return np.rint(np.linspace(0, count - 1, POINTS)).astype(np.int64)


def keypoints(x: np.ndarray, y: np.ndarray, size: Size) -> tuple[list[float], int]:
    """Points of a trace as `x, y, v` of each keypoint, and how many are labelled.

    What is outside of the image, and what a short trace does not have, is `0, 0, 0`: not labelled.

    Args:
      x: Of the mention's points, shape `(n_points,)`, normalised.
      y: The same.
      size: The picture's size.
    """
    made: list[float] = []
    chosen = chosen_points(len(x))
    for across, down in zip(x[chosen].tolist(), y[chosen].tolist(), strict=True):
        if 0 <= across <= 1 and 0 <= down <= 1:
            made += [round(across * size.width, 2), round(down * size.height, 2), 2]
        else:
            made += [0, 0, 0]
    made += [0] * (3 * POINTS - len(made))
    return made, sum(1 for seen in made[2::3] if seen)


def mention_piece(
    mention: Mapping[str, Any], row: Mapping[str, Any], number: int, size: Size
) -> bytes:
    """A mention of a class: points of its trace, and the box around all of them in the image.

    Args:
      mention: The mention.
      row: Its narrative; `trace` holds `x` and `y` as arrays.
      number: Its image.
      size: The picture's size.
    """
    span = slice(mention["first_point"] or 0, mention["end_point"] or 0)
    x, y = (np.asarray(row["trace"][axis][span], np.float64) for axis in "xy")
    points, labelled = keypoints(x, y, size)
    around = _box_around(np.clip(x, 0, 1), np.clip(y, 0, 1), size)
    closest = mention["box_index"]
    return _piece({
        "image_id": number,
        "keypoints": points,
        "num_keypoints": labelled,
        "bbox": around,
        "area": round(around[2] * around[3], 4),
        "iscrowd": 0,
        "narrative_id": row["narrative_id"],
        "text": mention["text"],
        "char_start": mention["char_start"],
        "char_end": mention["char_end"],
        "closest_bbox": None if closest is None else pixel_box(row["boxes"][closest], size),
    })  # fmt: skip


def _box_around(x: np.ndarray, y: np.ndarray, size: Size) -> list[float]:
    if not len(x):
        return [0, 0, 0, 0]
    edges = {"x_min": x.min(), "x_max": x.max(), "y_min": y.min(), "y_max": y.max()}
    return pixel_box({edge: float(value) for edge, value in edges.items()}, size)


def _piece(made: Mapping[str, Any]) -> bytes:
    return msgspec.json.encode(made)[1:]


def join_piece(first: Sequence[tuple[str, int]], piece: bytes) -> bytes:
    """A piece with the numbers that come before it.

    >>> join_piece([("id", 7)], b'"caption":"a"}')
    b'{"id":7,"caption":"a"}'
    """
    return b"{" + b"".join(b'"%b":%d,' % (key.encode(), n) for key, n in first) + piece
