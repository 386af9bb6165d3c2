"""A version of narratives whose images are on a server on loopback."""

import base64
import csv
import hashlib

import pytest

from tests import build_helpers as helpers
from tests.pipelines.images import servers

LISTS = sorted((helpers.ROOT / "samples" / "open_images").glob("*/images.csv"))
BOXES = sorted((helpers.ROOT / "samples" / "open_images").glob("*/annotations-human-bbox.csv"))
SHARDS = helpers.GENERATED


class Web:
    """A server with the pictures of all images of the sample, and the list that says where.

    Attributes:
      server: The server.
      originals: Bytes by image id; thumbnails by image id.
    """

    def __init__(self, server, folder):
        self.server, self.folder = server, folder
        self.originals, self.thumbnails = {}, {}
        rows = [row for path in LISTS for row in csv.DictReader(path.open(newline=""))]
        for number, row in enumerate(rows):
            self._serve(number, row)
        self.list = folder / "images.csv"
        with self.list.open("w", newline="") as file:
            writer = csv.DictWriter(file, [*rows[0], "Rotation"])
            writer.writeheader()
            writer.writerows(rows)

    def _serve(self, number, row):
        image = row["ImageID"]
        original = servers.picture(number, (40, 30))
        thumbnail = servers.picture(number, (20, 15))
        self.originals[image], self.thumbnails[image] = original, thumbnail
        for kind, data in (("original", original), ("thumbnail", thumbnail)):
            self.server.behaviours[f"/{kind}/{image}.jpg"] = servers.answer(data)
        row["OriginalURL"] = self.server.url(f"/original/{image}.jpg")
        row["Thumbnail300KURL"] = self.server.url(f"/thumbnail/{image}.jpg")
        row["OriginalSize"] = str(len(original))
        row["OriginalMD5"] = base64.b64encode(hashlib.md5(original).digest()).decode()
        row["Rotation"] = ["0.0", "90.0", "180.0", "270.0", ""][number % 5]


@pytest.fixture(scope="module")
def web(tmp_path_factory):
    with servers.serving() as server:
        yield Web(server, tmp_path_factory.mktemp("web"))


@pytest.fixture(scope="module")
def narratives(web, tmp_path_factory):
    """The output of the main job: 60 generated narratives and their images."""
    output = tmp_path_factory.mktemp("narratives") / "out"
    more = ["--images", web.list, "--boxes", *BOXES, "--unit-bytes", 1 << 18]
    assert helpers.build(output, SHARDS, *more) == 0
    return output


@pytest.fixture
def answers(web):
    """The server's behaviours, which are as they were after the test."""
    before = dict(web.server.behaviours)
    web.server.requests.clear()
    yield web.server.behaviours
    web.server.behaviours.clear()
    web.server.behaviours.update(before)
