"""What changed between versions."""

from transforms.core.model.narratives.manifest import ChangeRow
from transforms.core.output.checks.changes import WHOLE, compare_profiles
from transforms.core.output.checks.profile import Measured, Profile

OOPS, OVIS = ("oops", "train"), ("ovis", "train")


def profile(splits, **whole):
    return Profile(
        version="v",
        splits={
            split: {name: Measured(value, 0, 1) for name, value in own.items()}
            for split, own in splits.items()
        },
        whole={name: Measured(value, 0, 1) for name, value in whole.items()},
        narratives={},
        published=frozenset(),
        distributions={},
        terms={},
    )


def test_all_together_then_what_differs_of_splits():
    before = profile({OOPS: {"narratives": 9.0, "words": 2.0}}, words=2.0, narratives=9.0)
    now = profile(
        {OVIS: {"narratives": 1.0}, OOPS: {"narratives": 9.0, "words": 3.0}},
        narratives=10.0,
        rejected=0.25,
        words=2.0,
    )
    assert compare_profiles(before, now) == [
        ChangeRow("narratives", None, None, 9.0, 10.0),
        ChangeRow("rejected", None, None, None, 0.25),
        ChangeRow("words", None, None, 2.0, 2.0),
        ChangeRow("words", *OOPS, 2.0, 3.0),
        ChangeRow("narratives", *OVIS, None, 1.0),
    ]


def test_the_same_version_differs_in_nothing():
    one = profile({OOPS: {"narratives": 9.0}}, **dict.fromkeys(WHOLE, 1.0))
    rows = compare_profiles(one, one)
    assert [row.measure for row in rows] == list(WHOLE)
    assert all(row.before == row.now == 1.0 for row in rows)
