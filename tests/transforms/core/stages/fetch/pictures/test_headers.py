"""Headers of pictures, beside what Pillow reads of the same bytes."""

import io
import random

import pytest
from PIL import Image

from transforms.core.stages.fetch.pictures.headers import inspect_picture

KINDS = {
    "baseline": {"format": "JPEG"},
    "progressive": {"format": "JPEG", "progressive": True},
    "grey": {"format": "JPEG"},
    "cmyk": {"format": "JPEG"},
    "png": {"format": "PNG"},
    "gif": {"format": "GIF"},
}
MODES = {"grey": "L", "cmyk": "CMYK", "gif": "P"}


def make(name, size=(37, 23), **more):
    image = Image.effect_noise(size, 90).convert(MODES.get(name, "RGB"))
    stream = io.BytesIO()
    image.save(stream, **KINDS[name], **more)
    return stream.getvalue()


@pytest.mark.parametrize("name", KINDS)
def test_sizes_are_those_that_pillow_reads_and_every_cut_is_seen(name):
    data = make(name)
    found = inspect_picture(data)
    assert (found.width, found.height) == Image.open(io.BytesIO(data)).size == (37, 23)
    assert found.format == {"JPEG": "jpg", "PNG": "png", "GIF": "gif"}[KINDS[name]["format"]]
    assert found.is_complete and found.orientation is None
    for end in range(len(data)):
        cut = inspect_picture(data[:end])
        assert cut is None or not cut.is_complete, end


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("order", ["<", ">"])
def test_the_orientation_is_that_of_exif(orientation, order):
    exif = Image.Exif()
    exif[0x010F] = "maker"
    exif[0x0112] = orientation
    exif.endian = order
    data = make("baseline", exif=exif.tobytes())
    assert Image.open(io.BytesIO(data)).getexif()[0x0112] == orientation
    assert inspect_picture(data).orientation == orientation


def test_a_thumbnail_within_is_not_taken_for_the_picture_or_its_end():
    small = make("baseline", (8, 8))
    exif = b"Exif\0\0II*\0\x08\0\0\0\0\0" + small
    segment = b"\xff\xe1" + (len(exif) + 2).to_bytes(2, "big") + exif
    data = make("baseline")
    data = data[:2] + segment + data[2:]
    assert Image.open(io.BytesIO(data)).size == (37, 23)
    found = inspect_picture(data)
    assert (found.width, found.height, found.is_complete) == (37, 23, True)
    assert not inspect_picture(data[:-20]).is_complete
    assert inspect_picture(data + b"\0\0trailing").is_complete


def test_no_bytes_are_too_odd():
    chance = random.Random(3)
    for name in KINDS:
        data = make(name)
        for _ in range(300):
            harmed = bytearray(data)
            for _ in range(chance.randrange(1, 6)):
                harmed[chance.randrange(len(harmed))] = chance.randrange(256)
            inspect_picture(bytes(harmed))  # raises nothing
    for odd in (b"", b"\xff\xd8\xff", b"\x89PNG\r\n\x1a\n", b"GIF89a", b"\xff\xd8\xff\xe0\0\0"):
        assert inspect_picture(odd) is None
