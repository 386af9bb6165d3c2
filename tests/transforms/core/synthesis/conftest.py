"""Scenes of the sample and a few hundred narratives of them."""

import pathlib

import pytest

from transforms.core.sources.annotations.classes import default_classes
from transforms.core.synthesis.narrate import Casting, synthesize_narrative
from transforms.core.synthesis.scenes import read_scenes

SAMPLE = pathlib.Path(__file__).parents[4] / "samples" / "open_images"
SEED = 11


def sources(name):
    """The files of a name in both splits, as `read_scenes` takes them."""
    paths = sorted(SAMPLE.glob(f"*/{name}"))
    return [(str(path), lambda path=path: path.open("rb")) for path in paths]


@pytest.fixture(scope="session")
def scenes():
    return read_scenes(
        sources("images.csv"),
        sources("annotations-human.csv") + sources("annotations-machine.csv"),
        sources("annotations-human-bbox.csv"),
        default_classes(),
    )


@pytest.fixture(scope="session")
def narratives(scenes):
    casting = Casting.of(len(scenes), SEED)
    return [synthesize_narrative(scenes, casting, SEED, index) for index in range(400)]
