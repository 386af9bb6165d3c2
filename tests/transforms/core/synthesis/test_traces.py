"""Traces over boxes."""

import numpy as np
import pytest

from transforms.core.synthesis import measured
from transforms.core.synthesis.dice import narrative_generator
from transforms.core.synthesis.scenes import Box
from transforms.core.synthesis.speaking.captions import Caption, Subject
from transforms.core.synthesis.speaking.speech import speak
from transforms.core.synthesis.traces import STYLES, TRANSIT_SECONDS, draw, plan_drawings


def test_times_never_fall_and_points_are_within_the_band(narratives):
    for trace in (narrative.trace for narrative in narratives):
        assert (np.diff(trace.t) >= 0).all() and trace.t[0] >= 0
        assert (np.diff(trace.drawing) >= 0).all()
        for axis in (trace.x, trace.y):
            assert axis.min() >= -1000 and axis.max() <= 11_000


def test_points_lie_within_their_drawing(narratives):
    for trace, drawings in ((n.trace, n.drawings) for n in narratives):
        seconds = trace.t / 1e3
        assert (seconds >= drawings.starts[trace.drawing] - 1e-3).all()
        assert (seconds <= drawings.ends[trace.drawing] + 1e-3).all()


def test_drawings_do_not_overlap(narratives):
    for drawings in (narrative.drawings for narrative in narratives):
        assert (drawings.ends > drawings.starts).all()
        assert (drawings.starts[1:] >= drawings.ends[:-1]).all()


def steps_of(narrative):
    """Seconds and length of each step within a drawing, and whether it is within the figure.

    The ways from one figure to the next are none, as the measured segments have none.
    """
    trace, drawings = narrative.trace, narrative.drawings
    same = np.diff(trace.drawing) == 0
    which = trace.drawing[1:]
    seconds = trace.t / 1e3
    arrived = seconds[:-1] - drawings.starts[which] >= TRANSIT_SECONDS
    leaving = drawings.leaves[which] & (drawings.ends[which] - seconds[1:] < TRANSIT_SECONDS)
    length = np.hypot(np.diff(trace.x), np.diff(trace.y)) / 1e4
    return np.array([np.diff(seconds), length, arrived & ~leaving])[:, same]


def test_sampling_and_speed_are_the_measured_ones(narratives):
    seconds, length, in_figure = np.concatenate(list(map(steps_of, narratives)), axis=1)
    for level in (0.1, 0.5, 0.9, 0.95):
        expected = measured.SAMPLING_SECONDS[measured.LEVELS.index(level)]
        assert np.quantile(seconds, level) == pytest.approx(expected, abs=0.004)
    speed = length[in_figure > 0].sum() / seconds[in_figure > 0].sum()
    even = np.linspace(0, 1, 1001)
    mean_speed = np.interp(even, measured.LEVELS, measured.SPEED).mean()
    assert speed == pytest.approx(mean_speed, rel=0.2)


def test_the_pointer_draws_for_the_measured_share_of_the_time(narratives):
    drawn = sum((n.drawings.ends - n.drawings.starts).sum() for n in narratives)
    whole = sum(n.speech.ends[-1] - n.speech.starts[0] for n in narratives) / 10
    assert drawn / whole == pytest.approx(measured.DRAWN_SHARE, rel=0.15)


def test_jitter_is_the_measured_one():
    """On a figure so small that it bends less than the pointer trembles."""
    _, trace = draw_over(Box(0, "/m/1", "car", 0.5, 0.50001, 0.5, 0.50001), 1)
    points = np.array([trace.x, trace.y]).T[len(trace.x) // 2 :] / 1e4
    second = np.diff(points, 2, axis=0)
    assert second.std() / np.sqrt(6) == pytest.approx(measured.JITTER, rel=0.25)


def test_lag_is_the_measured_one(narratives):
    """Of first drawings, which no drawing before can delay."""
    lags = []
    for narrative in narratives:
        first = narrative.caption.subjects[0].first_word
        lags.append(narrative.drawings.starts[0] - narrative.speech.run_starts[first] / 10)
    middle = measured.LAG_SECONDS[measured.LEVELS.index(0.5)]
    assert np.median(lags) == pytest.approx(middle, abs=0.15)
    assert np.quantile(lags, 0.9) == pytest.approx(0.9961, abs=0.2)


def test_size_is_as_published(narratives):
    points = [len(narrative.trace.t) for narrative in narratives]
    assert 620 < np.mean(points) < 800


def test_the_pointer_leaves_and_enters_again(narratives):
    segments = [len(narrative.trace.segment_starts) for narrative in narratives]
    assert min(segments) == 1 and 1.5 < np.mean(segments) < 4
    x = np.concatenate([narrative.trace.x for narrative in narratives])
    y = np.concatenate([narrative.trace.y for narrative in narratives])
    outside = (x < 0) | (x > 10_000) | (y < 0) | (y > 10_000)
    assert 0.005 < outside.mean() < 0.06


def test_segments_begin_where_the_pointer_left(narratives):
    for trace, drawings in ((n.trace, n.drawings) for n in narratives):
        left = np.concatenate([[0], np.cumsum(drawings.leaves)])[trace.drawing]
        expected = np.flatnonzero(np.diff(left, prepend=-1))
        assert trace.segment_starts.tolist() == expected.tolist()


def draw_over(box, seed):
    """A minute's drawing of one box."""
    words = ["car"] * 2
    caption = Caption(words, [0, 4], [Subject(0, 1, "/m/1", "car", box)])
    generator = narrative_generator(seed, 0)
    speech = speak(words, np.zeros(2, bool), generator)
    drawings = plan_drawings(caption, speech, generator)
    return STYLES[drawings.styles[0]], draw(drawings, generator)


def share_in_the_middle(traces):
    """Share of points well within the box of `draw_over`, once the way there is over."""
    x, y = np.concatenate([points[:, points.shape[1] // 2 :] for points in traces], axis=1)
    return np.mean(np.hypot((x - 0.5) / 0.2, (y - 0.5) / 0.3) < 0.4)


def test_each_style_draws_its_figure():
    box = Box(0, "/m/1", "car", 0.3, 0.7, 0.2, 0.8)
    seen = {}
    for seed in range(60):
        style, trace = draw_over(box, seed)
        if len(trace.t) >= 50:  # fewer do not show a figure
            seen.setdefault(style, []).append(np.array([trace.x, trace.y]) / 1e4)
    assert set(seen) == set(STYLES)
    assert share_in_the_middle(seen["circle"]) < 0.02 < share_in_the_middle(seen["scribble"])
    for _, y in seen["underline"]:
        assert y.min() > 0.6  # near the lower edge only
        assert np.ptp(y) < 0.1
    for _, y in seen["scribble"]:
        assert np.corrcoef(y, np.arange(len(y)))[0, 1] > 0.8  # it sweeps down
        assert y[-5:].mean() > 0.6


def test_drawings_are_near_their_boxes(narratives):
    distances = []
    for narrative in narratives:
        for i, subject in enumerate(narrative.caption.subjects):
            if box := subject.box:
                own = narrative.trace.drawing == i
                x, y = narrative.trace.x[own] / 1e4, narrative.trace.y[own] / 1e4
                dx = np.maximum(np.maximum(box.x_min - x, x - box.x_max), 0)
                dy = np.maximum(np.maximum(box.y_min - y, y - box.y_max), 0)
                distances.append(np.hypot(dx, dy))
    distances = np.concatenate(distances)
    assert distances.mean() < 0.03
    assert 0.7 < np.mean(distances == 0) < 0.95
