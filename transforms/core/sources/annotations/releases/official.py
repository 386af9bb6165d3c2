"""How many rows of each kind the official pages say that a release has.

Sources: the README of each release in github.com/openimages/dataset (READMEV1.md, READMEV2.md,
READMEV3.md; Apache-2.0). V1 gives its images alone. Of V4 to V7 no number is on record here.
"""

from collections.abc import Iterator, Mapping

from transforms.core.sources.annotations.releases.forms import SPLITS

_TRAIN = 9_011_219
_V2_IMAGES = (_TRAIN, 41_620, 125_436)

_BY_SPLIT: Mapping[tuple[str, str], tuple[int, ...]] = {
    ("v1", "images"): (_TRAIN, 167_057),
    ("v2", "images"): _V2_IMAGES,
    ("v2", "machine_labels"): (78_977_695, 512_093, 1_545_835),
    ("v2", "human_labels"): (9_376_588, 559_873, 1_693_466),
    ("v2", "human_positives"): (4_303_594, 374_778, 1_132_567),
    ("v2", "human_negatives"): (5_072_994, 185_095, 560_899),
    ("v2", "boxes"): (1_240_316, 204_621, 625_282),
    ("v3", "images"): _V2_IMAGES,
    ("v3", "machine_labels"): (78_977_695, 512_093, 1_545_835),
    ("v3", "human_labels"): (20_868_755, 551_390, 1_667_399),
    ("v3", "human_positives"): (9_741_876, 365_772, 1_105_052),
    ("v3", "human_negatives"): (11_126_879, 185_618, 562_347),
    ("v3", "boxes"): (3_709_509, 204_621, 625_282),
}


def _by_key() -> Iterator[tuple[tuple[str, str, str], int]]:
    for (release, kind), numbers in _BY_SPLIT.items():
        for split, number in zip(SPLITS, numbers, strict=False):
            yield (release, split, kind), number


OFFICIAL: Mapping[tuple[str, str, str], int] = dict(_by_key())
"""Rows by release, split and kind (`jobs.open_images.COUNTED`)."""
