"""Plurals of all class names against a list that was reviewed by hand."""

import csv
import pathlib

import pytest

from transforms.core.sources.annotations.classes import default_classes
from transforms.core.stages.match.mentions import spoken_name
from transforms.core.stages.match.plurals import plural_forms

LISTED = pathlib.Path(__file__).parents[4] / "data" / "plurals.tsv"


@pytest.fixture(scope="module")
def listed():
    with LISTED.open(newline="") as file:
        return list(csv.DictReader(file, delimiter="\t"))


def test_every_class_is_listed(listed):
    names = [(row["vocabulary"], row["name"]) for row in listed]
    classes = [item for name in ("open_images", "coco") for item in default_classes(name)]
    assert names == [(item.vocabulary, item.name) for item in classes]
    assert len(names) == 601 + 80


def test_plurals_of_every_class(listed):
    found = {row["name"]: "|".join(plural_forms(spoken_name(row["name"]))) for row in listed}
    assert found == {row["name"]: row["plurals"] for row in listed}


@pytest.mark.parametrize(
    ("name", "plurals"),
    [
        ("Car", ["cars"]),
        ("Bus", ["buses"]),
        ("Box", ["boxes"]),
        ("Couch", ["couches"]),
        ("Dish", ["dishes"]),
        ("Berry", ["berries"]),
        ("Toy", ["toys"]),
        ("Person", ["people", "persons"]),
        ("Man", ["men"]),
        ("Woman", ["women"]),
        ("Fireman", ["firemen"]),
        ("Human", ["humans"]),
        ("Child", ["children"]),
        ("Leaf", ["leaves"]),
        ("Maple leaf", ["maple leaves"]),
        ("Kitchen knife", ["kitchen knives"]),
        ("Giraffe", ["giraffes"]),
        ("Bookshelf", ["bookshelves"]),
        ("Computer mouse", ["computer mice"]),
        ("Mongoose", ["mongooses"]),
        ("Potato", ["potatoes"]),
        ("Piano", ["pianos"]),
        ("Human foot", ["human feet"]),
        ("Fish", ["fishes"]),
        ("Chest of drawers", ["chests of drawers"]),
        ("Bow and arrow", ["bows and arrows"]),
        ("Scissors", []),
        ("Glasses", []),
        ("Jeans", []),
        ("Sheep", []),
        ("Furniture", []),
        ("C++", []),
        ("", []),
    ],
)
def test_plurals_by_hand(name, plurals):
    assert plural_forms(name) == plurals
