"""Where an image is: the address to ask, of what its list says."""

import re
from collections.abc import Mapping
from typing import Any, NamedTuple
from urllib.parse import urlsplit

SIZES = ("thumbnail", "original")

_COCO = "http://images.cocodataset.org/{split}2017/{number:012d}.jpg"
_COCO_SPLITS = {"train": "train", "validation": "val"}


class Address(NamedTuple):
    """Where a picture is.

    Attributes:
      url: Its address.
      fetched_as: `thumbnail` or `original`.
    """

    url: str
    fetched_as: str


def address_of(row: Mapping[str, Any], size: str, fallback: bool = True) -> Address | None:
    """The address of an image, None where nothing says it: it is never guessed.

    A thumbnail that the list does not have (204,380 training images of Open Images have none) is
    replaced by the original. COCO's pictures, for which there is no list, are at the addresses
    that COCO documents.

    Args:
      row: A row of `schemas.WANTED`.
      size: `thumbnail` or `original`.
      fallback: Whether the original does where there is no thumbnail.

    >>> address_of({"dataset": "coco", "split": "validation", "image_id": "137576"}, "original").url
    'http://images.cocodataset.org/val2017/000000137576.jpg'
    >>> row = {"image": {"url": "https://a/b.jpg", "thumbnail_url": ""}}
    >>> address_of(row, "thumbnail")
    Address(url='https://a/b.jpg', fetched_as='original')
    >>> address_of(row, "thumbnail", fallback=False) is None
    True
    """
    image = row.get("image") or {}
    thumbnail, original = image.get("thumbnail_url"), image.get("url")
    if size == "thumbnail" and thumbnail:
        return Address(thumbnail, "thumbnail")
    if original and (fallback or size == "original"):
        return Address(original, "original")
    return _address_in_coco(row)


def _address_in_coco(row: Mapping[str, Any]) -> Address | None:
    split, number = _COCO_SPLITS.get(row.get("split") or ""), row.get("image_id") or ""
    if row.get("dataset") != "coco" or split is None or not re.fullmatch(r"[0-9]{1,12}", number):
        return None
    return Address(_COCO.format(split=split, number=int(number)), "original")


def host_of(url: str) -> str | None:
    """The host of an http or https address, None for any other.

    >>> host_of("https://Farm1.staticflickr.com/a.jpg"), host_of("ftp://a/b"), host_of("https://[")
    ('farm1.staticflickr.com', None, None)
    """
    try:
        parts = urlsplit(url)
        return parts.hostname if parts.scheme in ("http", "https") else None
    except ValueError:
        return None


def are_of_one_site(host: str, other: str) -> bool:
    """Whether two hosts end in the same two labels, or are the same.

    >>> are_of_one_site("farm1.staticflickr.com", "live.staticflickr.com")
    True
    >>> are_of_one_site("127.0.0.1", "10.0.0.1"), are_of_one_site("a.com", "b.com")
    (False, False)
    """
    if host == other:
        return True
    ends = [name.rsplit(".", 2)[-2:] for name in (host, other)]
    is_number = ends[0][-1].isdigit() or ":" in host
    return not is_number and len(ends[0]) == 2 and ends[0] == ends[1]
