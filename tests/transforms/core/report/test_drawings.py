"""The drawings: heat map, nouns per caption, trace; and which narrative is drawn."""

import base64
import re
import struct
import zlib
from collections import Counter

import numpy as np
import pyarrow as pa
import pytest

from tests.build_helpers import STATISTICS_TABLES
from tests.transforms.core.report import material
from transforms.core.model.narratives import schemas
from transforms.core.report.drawings import colours, svg
from transforms.core.report.drawings.caption import caption_pieces
from transforms.core.report.drawings.distance_chart import draw_distances
from transforms.core.report.drawings.drawing import (
    Clock,
    clock_of,
    draw_narrative,
    frame_of,
    runs,
)
from transforms.core.report.drawings.heat_map import class_grids, draw_heat_map, grids, levels
from transforms.core.report.drawings.noun_lines import draw_noun_lines
from transforms.core.report.drawings.png import write_png
from transforms.core.report.narratives.example import choose_example


def read_png(data):
    """Index rows and palette of a PNG as `write_png` makes them, checksums tested."""
    assert data.startswith(b"\x89PNG\r\n\x1a\n")
    at, pieces = 8, {}
    while at < len(data):
        length, kind = struct.unpack(">I4s", data[at : at + 8])
        body = data[at + 8 : at + 8 + length]
        (checksum,) = struct.unpack(">I", data[at + 8 + length : at + 12 + length])
        assert checksum == zlib.crc32(kind + body)
        pieces[kind] = body
        at += 12 + length
    width, height = struct.unpack(">II", pieces[b"IHDR"][:8])
    rows = np.frombuffer(zlib.decompress(pieces[b"IDAT"]), np.uint8).reshape(height, width + 1)
    assert not rows[:, 0].any()
    return rows[:, 1:], pieces[b"PLTE"], pieces[b"tRNS"]


BEYOND = (1e15, -1e15, 1e308, -1e308, 5e-324, float("inf"), float("-inf"))


@pytest.mark.parametrize("far", BEYOND)
def test_a_drawing_ends_whatever_the_numbers(far):
    """Two boxes of the same corner at 1e15 made the search for a free place endless."""
    narrative, mentions = material.example()
    box = narrative["boxes"][0] | {"x_min": far, "y_min": far, "x_max": far, "y_max": far}
    narrative["boxes"] = [box, box, *narrative["boxes"]]
    for axis in ("x", "y", "t"):
        narrative["trace"][axis] = [far, *narrative["trace"][axis][1:-1], -far]
    drawn = draw_narrative(narrative, mentions)
    found = re.findall(r' (?:x|y|cx|cy|width|height)="([^"]*)"', drawn)
    numbers = [float(number) for number in found]
    assert len(numbers) > 50
    assert all(abs(number) < 2_000 for number in numbers)
    assert "nan" not in drawn


@pytest.mark.parametrize("highest", [*BEYOND, float("nan"), 0.0, -1.0, 1e-310, 1e300])
def test_there_are_few_ticks_whatever_the_scale(highest):
    found = svg.ticks(highest)
    assert 1 <= len(found) <= 12
    assert found[0] == 0


def test_png_round_trip():
    indexes = np.arange(12, dtype=np.uint8).reshape(3, 4)
    pixels, palette, transparent = read_png(write_png(indexes, colours.VIRIDIS[:12]))
    assert (pixels == indexes).all()
    assert palette == bytes(sum(colours.VIRIDIS[:12], ()))
    assert transparent == b"\x00"


def test_grids_hold_every_point_of_every_class():
    tables = material.tables()
    found = grids(tables["localization_histogram"])
    assert set(found) == {("generated", "train")}
    expected = np.zeros((150, 150), int)
    for row in tables["localization_histogram"].to_pylist():
        expected[row["bin_y"], row["bin_x"]] += row["points"]
    assert (found["generated", "train"] == expected).all()


def test_grids_of_unknown_splits_and_of_chunks_with_dictionaries_of_their_own():
    schema = STATISTICS_TABLES["localization_histogram"]
    rows = [
        {"dataset": dataset, "class_id": "/m/1", "bin_x": 3, "bin_y": 149, "points": points}
        for dataset, points in (("coco", 2), (None, 5), ("ade20k", 1), ("coco", 4))
    ]
    table = pa.concat_tables([material.table([row], schema) for row in rows])
    found = grids(table)
    assert {key: grid[149, 3] for key, grid in found.items()} == {
        ("coco", None): 6, (None, None): 5, ("ade20k", None): 1,
    }  # fmt: skip


def test_colours_follow_the_logarithm():
    grid = np.array([[0, 1], [10, 100]])
    assert levels(grid).tolist() == [[0, 1], [128, 255]]
    assert levels(np.array([[0, 1]])).tolist() == [[0, 1]]


def test_the_map_in_the_picture_is_the_grid():
    grid = np.zeros((150, 150), int)
    grid[20, 70], grid[149, 0] = 1, 1_000
    picture = draw_heat_map(grid, "a name")
    data = base64.b64decode(re.search(r"base64,([^\"]+)", picture)[1])
    pixels, _, _ = read_png(data)
    assert np.argwhere(pixels).tolist() == [[20, 70], [149, 0]]
    assert [pixels[20, 70], pixels[149, 0]] == [1, 255]
    assert {"1", "10", "100", "1,000"} <= set(re.findall(r">([\d,]+)</text>", picture))


def test_a_map_without_points_is_drawn_empty():
    picture = draw_heat_map(np.zeros((150, 150), int), "none")
    assert "<image" not in picture and "points per bin" not in picture


def test_maps_of_classes_are_those_with_most_points():
    histogram = material.tables()["localization_histogram"]
    own = class_grids(histogram, 9)["generated", "train"]
    assert list(own) == ["/m/01g317", "/m/0k4j"]
    assert sum(own.values()).tolist() == grids(histogram)["generated", "train"].tolist()
    for class_id, grid in own.items():
        for row in histogram.to_pylist():
            if row["class_id"] == class_id:
                assert grid[row["bin_y"], row["bin_x"]] == row["points"]
    assert list(class_grids(histogram, 1)["generated", "train"]) == ["/m/01g317"]


def test_nouns_are_a_line_a_split_beside_the_means_of_the_paper():
    series = {"a": Counter({0: 1, 3: 3}), "b": Counter({2: 5})}
    picture = draw_noun_lines(series, {"Ours": 10.8, "Theirs": 1.9})
    assert picture.count("<polyline") == 2
    assert "<title>a, 3 nouns: 75.0 %</title>" in picture
    assert "Ours, paper: mean 10.8" in picture and "Theirs, paper: mean 1.9" in picture
    assert picture.count('class="paper-mean"') == 4


def test_distances_are_all_there_and_the_threshold_is_marked():
    counts = {0: 30, 2: 10, 59: 1}
    picture = draw_distances(counts, 7.0)
    found = re.findall(r"<title>D of (\d+): (\d+) narratives?, ([\d.]+) %", picture)
    assert [(int(d), int(n)) for d, n, _ in found] == list(counts.items())
    heights = [float(one) for one in re.findall(r'height="([\d.]+)" class="bar"', picture)]
    assert heights[0] == pytest.approx(3 * heights[1], abs=0.05)
    assert "threshold: D ≤ 7" in picture
    assert "threshold" not in draw_distances(counts)


def test_many_distances_share_bars():
    counts = dict.fromkeys(range(1000), 1)
    found = re.findall(r"<title>D of (\d+) to (\d+): (\d+) narratives", draw_distances(counts))
    assert len(found) == 50 and {int(number) for *_, number in found} == {20}


def test_runs_are_connected_inside_a_segment_only():
    steps = [0, 0, 1, 1, 2, 2, 2]
    assert list(runs(steps, [0])) == [(0, 3), (2, 5), (4, 7)]
    assert list(runs(steps, [0, 3])) == [(0, 3), (2, 3), (3, 5), (4, 7)]
    assert list(runs([], [])) == []


def paths(picture):
    return [
        [tuple(map(float, place.split())) for place in line.split("L")]
        for line in re.findall(r'd="M([^"]+)"', picture)
    ]


def test_every_step_of_the_trace_is_drawn_and_no_gap_is():
    record = next(
        record
        for record in material.real_records()
        if sum(len(segment) > 1 for segment in record["traces"]) > 2
    )
    narrative = material.narrative_row(record, 0)
    frame, drawn = frame_of(narrative), Counter()
    for line in paths(draw_narrative(narrative, [])):
        drawn.update(zip(line, line[1:], strict=False))
    expected = Counter()
    for segment in record["traces"]:
        places = [
            (round(frame.x(point["x"]), 1), round(frame.y(point["y"]), 1)) for point in segment
        ]
        expected.update(zip(places, places[1:], strict=False))
    assert {step for step in expected if step[0] != step[1]} == {
        step for step in drawn if step[0] != step[1]
    }


def test_boxes_are_drawn_in_place_with_names_apart():
    narrative, mentions = material.example()
    picture, frame = draw_narrative(narrative, mentions), frame_of(narrative)
    assert picture.count('class="box') == len(narrative["boxes"])
    mentioned = re.search(
        r'<rect x="([\d.]+)" y="([\d.]+)"[^>]*class="box mentioned t\d+"', picture
    )
    box = narrative["boxes"][0]
    assert float(mentioned[1]) == pytest.approx(frame.x(box["x_min"]), abs=0.01)
    assert float(mentioned[2]) == pytest.approx(frame.y(box["y_min"]), abs=0.01)
    names = re.findall(r'<text x="([\d.]+)" y="([\d.]+)" class="name[^>]*>([^<]+)', picture)
    assert sorted(name for _, _, name in names) == sorted(b["name"] for b in narrative["boxes"])
    assert len({(x, y) for x, y, _ in names}) == len(names)


def test_time_runs_from_the_first_colour_to_the_last():
    clock = Clock(2.0, 30.0)
    assert [clock.step(t) for t in (2.0, 16.0, 30.0)] == [0, 14, colours.TIME_CLASSES - 1]
    assert Clock(1.0, 1.0).step(1.0) == 0


def test_words_without_times_have_no_colour():
    narrative, mentions = material.example()
    narrative["trace"] = {"x": [], "y": [], "t": []}
    for word in narrative["words"]:
        word["start_time"] = word["end_time"] = None
    assert clock_of(narrative) is None
    pieces = caption_pieces(narrative, mentions, None)
    assert "".join(piece["text"] for piece in pieces) == narrative["caption"]
    assert {piece["classes"] for piece in pieces if piece["classes"]} == {
        "word", "word mention", "word mention unboxed",
    }  # fmt: skip


def luminance(colour):
    channels = [int(colour[k : k + 2], 16) / 255 for k in (1, 3, 5)]
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def test_colours_of_time_stand_out_on_both_grounds_and_rise_evenly():
    light = [luminance(colour) for colour in colours.time_palette(colours.ON_LIGHT)]
    dark = [luminance(colour) for colour in colours.time_palette(colours.ON_DARK)]
    assert light == sorted(light) and dark == sorted(dark)
    assert all(1.05 / (value + 0.05) > 2 for value in light)
    assert all((value + 0.05) / (luminance("#141619") + 0.05) > 2 for value in dark)


@pytest.mark.parametrize(
    ("highest", "expected"),
    [(0, [0]), (1, [0, 0.5, 1]), (37.2, [0, 10, 20, 30]), (0.083, [0, 0.05])],
)
def test_ticks_are_round(highest, expected):
    assert svg.ticks(highest) == pytest.approx(expected)


def test_svg_escapes_text_and_attributes():
    assert svg.text("<b>&", 1, 2.5) == '<text x="1" y="2.5">&lt;b&gt;&amp;</text>'
    assert svg.element("g", class_='"><x') == '<g class="&quot;&gt;&lt;x"/>'


def narratives_with(*items):
    """Narratives of given id and number of points, and their boxed mentions."""
    rows, mentions = [], []
    for narrative_id, points, boxed in items:
        times = [float(k) for k in range(points)]
        rows.append({"narrative_id": narrative_id, "trace": dict.fromkeys("xyt", times)})
        mentions += [
            {"narrative_id": narrative_id, "box_index": k, "char_start": k} for k in range(boxed)
        ] + [{"narrative_id": narrative_id, "char_start": 99}]
    return (
        material.table(rows, schemas.NARRATIVES),
        material.table(mentions, schemas.MENTIONS),
    )


@pytest.mark.parametrize(
    ("items", "expected"),
    [
        ([("a", 200, 1), ("b", 300, 3), ("c", 300, 2)], "b"),
        ([("b", 300, 3), ("a", 300, 3)], "a"),
        ([("a", 5_000, 6), ("b", 4, 5), ("c", 300, 1)], "c"),
        ([("a", 300, 40), ("b", 300, 1)], "b"),
        ([("a", 300, 5), ("a", 300, 5), ("b", 300, 1)], "b"),
        ([("a", 0, 0)], "a"),
    ],
)
def test_the_example_is_rich_but_readable(items, expected):
    narrative, mentions = choose_example(*narratives_with(*items))
    assert narrative["narrative_id"] == expected
    assert len(mentions) == next(boxed for name, _, boxed in items if name == expected) + 1
    assert {mention["narrative_id"] for mention in mentions} == {expected}


def test_a_real_narrative_comes_before_generated_ones():
    narratives, mentions = narratives_with(("a", 300, 5), ("b", 300, 0))
    ids = pa.array(["generated_train", "ovis_train"], narratives["dataset_id"].type)
    at = narratives.schema.get_field_index("dataset_id")
    narratives = narratives.set_column(at, narratives.schema.field(at), ids)
    assert choose_example(narratives, mentions)[0]["narrative_id"] == "b"


def test_there_may_be_no_example():
    assert choose_example(schemas.NARRATIVES.empty_table(), schemas.MENTIONS.empty_table()) == (
        None, [],
    )  # fmt: skip
