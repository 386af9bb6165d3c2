"""A version of real, generated and odd narratives with boxes, and pictures of most images."""

import dataclasses
import pathlib

import pyarrow.parquet as pq
import pytest
from PIL import Image

from pipelines.export.job import main
from tests import build_helpers as helpers

OPEN_IMAGES = helpers.ROOT / "samples" / "open_images" / "train"


@dataclasses.dataclass
class Exported:
    """A version, and what an oracle knows of it.

    Attributes:
      output: The output of the main job.
      pictures: A folder of pictures.
      sizes: Width and height of each picture by image id.
      missing: Images without a picture: dataset and image id.
    """

    output: pathlib.Path
    pictures: pathlib.Path
    sizes: dict
    missing: set

    def rows(self, table):
        """All rows of a table, file by file."""
        paths = sorted((helpers.version_of(self.output) / table).glob("*.parquet"))
        return [row for path in paths for row in pq.read_table(path).to_pylist()]

    def export(self, to, folder, *more):
        """Exports; returns the folder of the version."""
        command = ["--to", to, "--input", self.output, "--output", folder, *more]
        assert main([*map(str, command)]) == 0
        return folder / helpers.version_of(self.output).name


@pytest.fixture(scope="session")
def version(tmp_path_factory):
    folder = tmp_path_factory.mktemp("exported")
    more = ["--boxes", OPEN_IMAGES / "annotations-human-bbox.csv", "--images",
            OPEN_IMAGES / "images.csv", "--labels", OPEN_IMAGES / "annotations-human.csv",
            "--unit-bytes", 500_000]  # fmt: skip
    assert helpers.build(folder / "out", helpers.SHARDS, *more) == 0
    made = Exported(folder / "out", folder / "pictures", {}, set())
    images = {(row["dataset"], row["image_id"]): None for row in made.rows("narratives")}
    for number, (dataset, image) in enumerate(images):
        if number % 5 == 0 or image in made.sizes:  # one is in two datasets
            continue
        path = made.pictures / dataset / f"{image.zfill(12) if dataset == 'coco' else image}.jpg"
        path.parent.mkdir(parents=True, exist_ok=True)
        made.sizes[image] = 40 + number, 30 + 2 * number
        Image.new("RGB", made.sizes[image], (number, 0, 0)).save(path)
    made.missing.update(key for key in images if key[1] not in made.sizes)
    return made
