"""The list: what is read for it, searches, filters, sorting; against the tables."""

import collections
import contextlib
import json
import shutil

import pytest

from pipelines.view.job import main as view
from tests import build_helpers as helpers
from tests.browser.conftest import a_viewer, serving, static
from tests.browser.pages import line_of

pytestmark = pytest.mark.browser


def lines(rows):
    return [line_of(row) for row in rows]


def summaries(tables):
    """By narrative id: classes that are mentioned, share of points inside closest boxes or None."""
    names, sums = collections.defaultdict(set), collections.Counter()
    for mention in tables["mentions"]:
        names[mention["narrative_id"]].add(mention["name"])
        if mention["box_index"] is not None:
            sums[mention["narrative_id"], "points"] += mention["points"]
            sums[mention["narrative_id"], "inside"] += mention["points_inside"]
    ids = [row["narrative_id"] for row in tables["narratives"]]
    shares = {id_: sums[id_, "inside"] / sums[id_, "points"] if sums[id_, "points"] else None
              for id_ in ids}  # fmt: skip
    return names, shares


def test_all_rows_are_listed_with_their_values(viewer, tables):
    viewer.go()
    rows = tables["narratives"]
    assert viewer.text("#found") == f"{len(rows)} narratives"
    assert viewer.links == lines(rows)
    assert viewer.texts("#list .id") == [row["image_id"] for row in rows]
    assert viewer.texts("#list .beginning") == [
        row["caption"][:200] or "(no caption)" for row in rows
    ]
    for shown, row in zip(viewer.texts("#list .facts"), rows, strict=True):
        seconds = row["narration_seconds"]
        flags = len(row["flags"])
        assert shown.split(" · ") == [
            f"{row['dataset']} {row['split']}",
            "–" if seconds is None else f"{seconds:.1f} s",
            "no D" if row["distance"] is None else f"D {row['distance']}",
            *([f"{flags} flag{'s' * (flags != 1)}"] if flags else []),
        ]


def test_the_list_reads_no_byte_of_a_trace(chromium, address, trace_ranges, output):
    with a_viewer(chromium, address, height=900) as viewer:
        viewer.go()
        read = [one for one in viewer.requests if one[0].startswith("narratives-")]
        # The footer is asked for by its usual size, which in files as small as these reaches into
        # the columns before it.
        columns = [one for one in read if one[1] < 1000]
        assert columns
        for name, first, last in columns:
            hit = [one for one in trace_ranges if one[0] == name and one[1] <= last < one[2]]
            assert hit == [] and last - first < 30_000
        assert {name for name, *_ in read} == {"narratives-00000.parquet"}, "files in sight alone"
        viewer.requests.clear()
        viewer.page.click("#list li a")
        viewer.page.wait_for_selector(".narrative")
        late = viewer.requests
        assert any(name == one[0] and first < one[2] and last > one[1]
                   for name, first, last in late for one in trace_ranges)  # fmt: skip


def words_of(row):
    return [word["normalized"] for word in row["words"]]


@pytest.mark.parametrize("word", ["person", "background", "In", "dog.", "the", "zyzzyva"])
def test_search_by_word(viewer, tables, word):
    wanted = word.strip(".").lower()
    expected = [row for row in tables["narratives"] if wanted in words_of(row)]
    viewer.go().fill(text=word)
    assert viewer.links == lines(expected)
    assert viewer.page.locator("#empty").is_visible() == (not expected)


def test_search_by_words_that_follow_each_other(viewer, tables):
    wanted = ["in", "the", "background"]
    viewer.go().fill(text=" ".join(wanted))
    expected = []
    for row in tables["narratives"]:
        own = words_of(row)
        if any(own[at : at + 3] == wanted for at in range(len(own))):
            expected.append(line_of(row))
    assert expected and viewer.links == expected


@pytest.mark.parametrize("field", ["image_id", "narrative_id"])
def test_search_by_id_and_its_beginning(viewer, tables, field):
    for row in (tables["narratives"][5], tables["narratives"][-1]):
        for part in (row[field], row[field][:-3]):
            viewer.go().fill(field=field, text=part)
            expected = [one for one in tables["narratives"] if one[field].startswith(part)]
            assert viewer.links == lines(expected) and expected


def test_search_by_class(viewer, tables):
    names, _ = summaries(tables)
    offered = viewer.go().page.evaluate(
        "[...document.querySelectorAll('#classes option')].map((one) => one.value)"
    )
    assert offered == sorted({mention["name"] for mention in tables["mentions"]})
    for name in ("Person", "car"):
        viewer.fill(field="class", text=name)
        expected = [row for row in tables["narratives"]
                    if name.capitalize() in names[row["narrative_id"]]]  # fmt: skip
        assert expected and viewer.links == lines(expected)


SEARCHES = {
    "word": ("background", lambda row: "background" in words_of(row)),
    "class": ("person", None),
    "image_id": ("00000", lambda row: row["image_id"].startswith("00000")),
}


@pytest.mark.parametrize("field", SEARCHES)
@pytest.mark.parametrize("filters", [{}, {"dataset": "generated", "minShare": 10}], ids=str)
def test_searches_give_the_same_with_indexes_and_without(
    chromium, address, tables, output, tmp_path, field, filters
):
    """Versions of older programs have none; with them no file is opened to find rows."""
    text, keep = SEARCHES[field]
    names, shares = summaries(tables)
    keep = keep or (lambda row: "Person" in names[row["narrative_id"]])
    expected = [row for row in tables["narratives"] if keep(row)]
    if filters:
        expected = [row for row in expected if row["dataset"] == "generated"]
        expected = [row for row in expected if (shares[row["narrative_id"]] or 0) >= 0.1]
    with older(output, tmp_path) as before:
        for page, has_indexes in ((address, True), (before, False)):
            with a_viewer(chromium, page) as viewer:
                viewer.go().requests.clear()
                viewer.fill(field=field, text=text, **filters)
                assert expected and viewer.links == lines(expected)
                read = {name.rpartition("-")[0] or name for name, *_ in viewer.requests}
                assert has_indexes == any("_index" in name for name in read)
                assert filters or not has_indexes or "mentions" not in read
                assert viewer.errors == []


@contextlib.contextmanager
def older(output, folder):
    """The address of a page whose version has neither indexes nor places of mentions."""
    shutil.copytree(helpers.version_of(output), folder / "version")
    manifest = folder / "version" / "manifest.json"
    values = json.loads(manifest.read_text())
    values["files"] = [file for file in values["files"] if "_index" not in file["table"]]
    del values["columns"]["mentions"]["byte_offset"]
    assert view([str(folder / "version"), "--write", str(folder / "view")]) == 0
    manifest.write_text(json.dumps(values))
    with serving(static(folder)) as base:
        yield f"{base}/view/"


@pytest.mark.parametrize(
    ("form", "keep"),
    [
        ({"dataset": "oops"}, lambda row, share: row["dataset"] == "oops"),
        ({"split": "validation"}, lambda row, share: row["split"] == "validation"),
        ({"dataset": "coco", "split": "train"}, lambda row, share: False),
        ({"flag": "outside_image"}, lambda row, share: "outside_image" in row["flags"]),
        ({"minDistance": 1}, lambda row, share: (row["distance"] or 0) >= 1),
        ({"maxDistance": 0}, lambda row, share: row["distance"] == 0),
        ({"minShare": 90}, lambda row, share: share is not None and share >= 0.9),
        ({"maxShare": 50}, lambda row, share: share is not None and share <= 0.5),
        (
            {"minShare": 50, "maxShare": 90, "flag": "outside_image"},
            lambda row, share: (
                share is not None and 0.5 <= share <= 0.9 and "outside_image" in row["flags"]
            ),
        ),
    ],
    ids=str,
)
def test_filters(viewer, tables, form, keep):
    _, shares = summaries(tables)
    viewer.go().fill(**form)
    expected = [row for row in tables["narratives"] if keep(row, shares[row["narrative_id"]])]
    assert viewer.links == lines(expected)
    total = len(tables["narratives"])
    assert viewer.text("#found").endswith("" if len(expected) == total else f"of {total}")
    viewer.go(viewer.page.evaluate("location.search"))  # an address keeps its search
    assert viewer.links == lines(expected)
    viewer.page.evaluate("document.querySelector('#filters details').open = true")
    viewer.page.click("#filters [type=reset]")
    viewer.until(f"document.querySelectorAll('#list a').length === {total}")


@pytest.mark.parametrize("descending", [False, True])
@pytest.mark.parametrize("sort", ["image_id", "distance", "words", "seconds", "share"])
def test_sorting(viewer, tables, sort, descending):
    _, shares = summaries(tables)
    keys = {
        "image_id": lambda row: row["image_id"],
        "distance": lambda row: row["distance"],
        "words": lambda row: len(row["words"]),
        "seconds": lambda row: row["narration_seconds"],
        "share": lambda row: shares[row["narrative_id"]],
    }
    key, rows = keys[sort], tables["narratives"]
    known = sorted((row for row in rows if key(row) is not None), key=key, reverse=descending)
    viewer.go().fill(sort=sort, descending=descending)
    assert viewer.links == lines([*known, *(row for row in rows if key(row) is None)])


def test_discarded_rows(viewer, tables):
    viewer.go().fill(table="discarded")
    assert viewer.links == lines(tables["discarded"])
    viewer.fill(flag="few_words", text="person")
    expected = [row for row in tables["discarded"] if "person" in words_of(row)]
    assert viewer.links == lines(expected)


def test_rejected_rows(viewer, tables):
    viewer.go().fill(table="rejected")
    assert viewer.links == lines(tables["rejected"])
    assert viewer.texts("#list .beginning") == [row["message"] for row in tables["rejected"]]
    viewer.fill(flag="missing_key")
    expected = [row for row in tables["rejected"] if row["code"] == "missing_key"]
    assert expected and viewer.links == lines(expected)


def test_a_list_of_many_rows_draws_few(chromium, address, tables):
    with a_viewer(chromium, address, height=700) as viewer:
        viewer.go()
        assert viewer.page.locator("#list li").count() < 20
        viewer.page.evaluate("document.querySelector('#list').scrollTop = 1e9")
        last = line_of(tables["narratives"][-1])
        viewer.page.wait_for_selector(f"#list li[aria-posinset='{len(tables['narratives'])}']")
        assert viewer.links[-1] == last
