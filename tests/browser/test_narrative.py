"""A narrative: what is drawn, lit and said; against the tables."""

import contextlib
import io
import os
import wave

import duckdb
import PIL.Image
import pytest

from tests import build_helpers as helpers
from tests.browser.conftest import SIZE
from tests.browser.pages import line_of

pytestmark = pytest.mark.browser


def mentions_of(tables, row):
    place = line_of(row)
    return [one for one in tables["mentions"] if line_of(one) == place]


@pytest.fixture(scope="session")
def rich(tables):
    """A narrative with mentions that have closest boxes, and other boxes of the class."""
    for row in tables["narratives"]:
        for mention in mentions_of(tables, row):
            alike = [box for box in row["boxes"] or [] if box["class_id"] == mention["class_id"]]
            others = len(row["boxes"] or []) - len(alike)
            if mention["box_index"] is not None and len(alike) > 1 and others:
                return row
    raise AssertionError("the sample has none")


@pytest.mark.parametrize("dataset", ["altered", "coco", "ovis", "generated"])
def test_narratives_are_shown_as_they_are(viewer, tables, dataset):
    """By the key for the next one, from the first on; `altered` has what is odd."""
    rows = [row for row in tables["narratives"] if row["dataset"] == dataset]
    page = viewer.go(f"?dataset={dataset}").page
    page.click("#list li a")
    for number, row in enumerate(rows[:10], 1):
        viewer.until_text("#position", f"{number} of {len(rows)}")
        assert viewer.place() == line_of(row)
        assert viewer.text(".caption") == row["caption"]
        assert viewer.texts(".word") == [word["text"] for word in row["words"]]
        assert viewer.text("h2") == row["image_id"]
        assert viewer.texts(".flags code") == row["flags"]
        labels = row["labels"] or []
        human = [one for one in labels if one["source"] != "machine"]
        shown = {kind: len(viewer.texts(f".labels.{kind} span"))
                 for kind in ("verified", "negative", "machine")}  # fmt: skip
        assert shown == {
            "verified": sum(one["confidence"] > 0 for one in human),
            "negative": sum(one["confidence"] == 0 for one in human),
            "machine": len(labels) - len(human),
        }
        assert int(page.locator(".drawing").get_attribute("data-points")) == len(row["trace"]["t"])
        page.keyboard.press("ArrowRight")
    if len(rows) > 1:
        viewer.until("!document.querySelector('#previous').disabled")
        before = viewer.text("#position")
        page.keyboard.press("k")
        viewer.until(f"document.querySelector('#position').textContent !== {before!r}")


def test_mentions_are_those_of_the_table(viewer, tables, rich):
    viewer.open(rich)
    own = mentions_of(tables, rich)
    assert viewer.texts(".mentions button") == [
        f"{one['text']} {one['name']}, {one['start_time']:.1f} s" for one in own
    ]


def seek(page, time):
    page.locator(".player input").evaluate(
        "(one, time) => { one.value = time; one.dispatchEvent(new Event('input')) }", str(time)
    )


def test_scrubbing_shows_trace_and_words_of_the_time(viewer, tables, rich):
    page = viewer.open(rich).page
    times = rich["trace"]["t"]
    for share in (0.0, 0.3, 0.62, 0.99):
        time = round(times[0] + share * (times[-1] - times[0]), 2)
        seek(page, time)
        drawn = int(page.locator(".drawing").get_attribute("data-points"))
        assert drawn == sum(one <= time for one in times)
        lit = page.evaluate(
            "[...document.querySelectorAll('.word.is-spoken')].map((one) => +one.dataset.word)"
        )
        assert lit == [at for at, word in enumerate(rich["words"])
                       if word["start_time"] <= time <= word["end_time"]]  # fmt: skip


def test_play_pause_and_speed(viewer, rich):
    page = viewer.open(rich).page
    page.select_option("[aria-label=Speed]", "8")
    page.click(".play")
    assert viewer.text(".play") == "Pause"
    viewer.until("document.querySelector('.drawing').dataset.points > 30")
    first = float(page.input_value(".player input"))
    page.wait_for_timeout(500)
    passed = float(page.input_value(".player input")) - first
    assert 2 < passed < 12, "eight seconds a second"
    page.keyboard.press("p")
    assert viewer.text(".play") == "Play"
    stopped = page.input_value(".player input")
    page.wait_for_timeout(150)
    assert page.input_value(".player input") == stopped
    assert page.locator(".word.is-ahead").count() > 0
    seek(page, float(page.locator(".player input").get_attribute("max")) - 0.5)
    page.click(".play")
    viewer.until_text(".play", "Play")
    assert page.locator(".word.is-spoken, .word.is-ahead").count() == 0


def wav(seconds):
    """Silence of 8,000 samples a second, a byte each."""
    written = io.BytesIO()
    with wave.open(written, "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(1)
        file.setframerate(8000)
        file.writeframes(b"\x80" * int(8000 * seconds))
    return written.getvalue()


@pytest.fixture
def spoken(viewer, tables):
    """A narrative of a person, open, with a recording that can be had."""
    [row, *_] = [row for row in tables["narratives"] if row["dataset"] == "ovis"]
    address = "https://storage.googleapis.com/localized-narratives/voice-recordings/"
    viewer.recordings[address + row["voice_recording"]] = wav(row["narration_seconds"] + 5)
    viewer.open(row)
    assert viewer.elsewhere == [] or not viewer.elsewhere[-1].endswith(".ogg"), "only when played"
    return viewer


HEARD = """(() => {
  const { paused, currentTime, playbackRate, muted, volume } = document.querySelector("audio")
  return { paused, time: currentTime, rate: playbackRate, loud: !muted && volume === 1 }
})()"""


def test_the_recording_follows_the_clock(spoken):
    page = spoken.page
    page.select_option("[aria-label=Speed]", "2")
    seek(page, 4)
    page.click(".play")
    spoken.until(f"!{HEARD}.paused && {HEARD}.time > 4.6")
    for time in (9.0, 2.0):
        seek(page, time)
        spoken.until(f"{HEARD}.time > {time} && {HEARD}.time < {time} + 2")
        page.wait_for_timeout(700)
        heard = page.evaluate(HEARD)
        assert heard["rate"] == 2 and heard["loud"]
        assert heard["time"] == pytest.approx(float(page.input_value(".player input")), abs=0.5)
    page.click(".play")
    assert page.evaluate(HEARD)["paused"]


def test_sound_can_be_turned_off_and_on(spoken):
    page = spoken.page
    page.click(".sound")
    seek(page, 1)
    page.click(".play")
    page.wait_for_timeout(200)
    assert page.evaluate(HEARD)["paused"]
    page.click(".sound")
    spoken.until(f"!{HEARD}.paused")
    assert page.locator(".sound").get_attribute("aria-pressed") == "true"


def test_a_recording_that_cannot_be_had_stops_nothing(viewer, tables, rich):
    [row, *_] = [row for row in tables["narratives"] if row["dataset"] == "ovis"]
    page = viewer.open(row).page
    seek(page, 1)
    page.click(".play")
    viewer.until_text(".sound", "The recording cannot be had")
    assert page.locator(".sound").is_disabled()
    first = float(page.input_value(".player input"))
    viewer.until(f"document.querySelector('.player input').value > {first}")
    assert viewer.open(rich).page.locator("audio").count() == (rich["dataset"] != "generated")


def points_of(page, selector):
    return page.evaluate(
        """(selector) => [...document.querySelectorAll(selector)].flatMap((one) =>
          one.getAttribute("points").split(" ").map((pair) => pair.split(",").map(Number)))""",
        selector,
    )


def test_a_word_has_its_segment_and_its_box(viewer, tables, rich):
    page = viewer.open(rich).page
    words = rich["words"]
    traced = [at for at, word in enumerate(words) if word["end_point"] > word["first_point"]]
    for at in traced[:4]:
        word = rich["words"][at]
        page.hover(f"[data-word='{at}']")
        drawn = points_of(page, ".segment")
        assert len(drawn) == word["end_point"] - word["first_point"]
        width = float(page.locator(".ground").get_attribute("width"))
        x, y = (rich["trace"][axis][word["first_point"]] for axis in "xy")
        assert drawn[0] == pytest.approx([x * width, y * 1000], abs=0.06)
        box = [word[name] for name in ("x_min", "y_min", "x_max", "y_max")]
        assert viewer.rectangle(".box.word") == pytest.approx(box, abs=1e-6)
        said = viewer.text(".said")
        assert f"{word['start_time']:.2f} to {word['end_time']:.2f} s" in said
    page.hover("h2")
    assert page.locator(".segment, .box.word").count() == 0


def test_words_by_keyboard(viewer, rich):
    page = viewer.open(rich).page
    before = viewer.place()
    page.focus("[data-word='0']")
    page.keyboard.press("ArrowRight")
    page.keyboard.press("ArrowRight")
    assert page.evaluate("document.activeElement.dataset.word") == "2"
    assert viewer.text(".said").startswith(rich["words"][2]["text"])
    page.keyboard.press("Enter")
    start = rich["words"][2]["start_time"]
    assert float(page.input_value(".player input")) == pytest.approx(start, abs=0.006)
    assert viewer.place() == before, "arrows in the caption open no other narrative"


def test_a_mention_has_its_closest_box_and_the_others(viewer, tables, rich):
    page = viewer.open(rich).page
    boxes = rich["boxes"]
    for at, mention in enumerate(mentions_of(tables, rich)):
        page.click(f"[data-mention='{at}']")
        assert page.locator(f"[data-mention='{at}']").get_attribute("aria-pressed") == "true"
        assert page.locator(".mentions [aria-pressed=true]").count() == 1
        alike = [box for box in boxes if box["class_id"] == mention["class_id"]]
        has_box = mention["box_index"] is not None
        assert page.locator(".box.class").count() == len(alike) - has_box
        if has_box:
            box = boxes[mention["box_index"]]
            corners = [box[name] for name in ("x_min", "y_min", "x_max", "y_max")]
            assert viewer.rectangle(".box.closest") == pytest.approx(corners, abs=1e-6)
            share = f"{mention['points_inside']} of {mention['points']} trace points"
            assert share in viewer.text(".said")
        page.check("#all-boxes")
        assert page.locator(".box").count() == len(boxes)
        page.uncheck("#all-boxes")
    page.click("[aria-pressed=true]")
    assert page.locator(".box").count() == 0


def test_images_are_local_ones_then_those_of_the_address(viewer, tables):
    rows = tables["narratives"]
    for row in rows[:2]:
        page = viewer.open(row).page
        page.wait_for_selector(".drawing image")
        assert float(page.locator(".drawing").get_attribute("data-aspect")) == SIZE[0] / SIZE[1]
    assert viewer.elsewhere == []
    address = rows[3]["image"]["thumbnail_url"]
    picture = io.BytesIO()
    PIL.Image.new("RGB", (200, 300), "teal").save(picture, "png")
    viewer.pictures[address] = picture.getvalue()
    page = viewer.open(rows[3]).page
    page.wait_for_selector(".drawing image")
    assert page.locator(".drawing image").get_attribute("href") == address
    assert page.locator(".drawing").get_attribute("data-aspect") == f"{2 / 3:.4f}"


def test_without_an_image_there_is_a_frame(viewer, tables):
    local = [row["image_id"] for row in tables["narratives"][:2]]
    row = next(row for row in tables["narratives"] if row["image_id"] not in local)
    assert row["image"]["url"]
    page = viewer.open(row).page
    viewer.until("document.querySelector('.note').textContent")
    assert "cannot be had" in viewer.text(".note")
    assert page.locator(".drawing image").count() == 0
    assert page.locator(".drawing").get_attribute("data-aspect") == "1.3333"


def test_links_open_exactly_one_narrative_where_ids_repeat(viewer, tables):
    ids = [row["narrative_id"] for row in tables["narratives"]]
    again = [row for row in tables["narratives"] if ids.count(row["narrative_id"]) > 1]
    assert len(again) == 2
    for row in again:
        viewer.open(row)
        assert viewer.place() == line_of(row)
        assert viewer.text(".origin").count(f"byte {row['byte_offset']:,}") == 1
        link = viewer.text("[data-code=link]")
        viewer.go(link.removeprefix(viewer.address))
        viewer.page.wait_for_selector(".narrative")
        assert viewer.text(".caption") == row["caption"]
        assert viewer.place() == line_of(row)


def test_a_link_by_the_id_alone(viewer, tables):
    row = tables["narratives"][50]
    viewer.open({"narrative_id": row["narrative_id"]})
    assert viewer.text(".caption") == row["caption"]


def test_a_link_to_nothing_says_so(viewer):
    viewer.go("#narrative_id=none")
    viewer.page.wait_for_selector("#problem:not([hidden])")
    assert "no such row" in viewer.text("#problem")
    viewer.errors.clear()


@contextlib.contextmanager
def inside(folder):
    before = os.getcwd()
    os.chdir(folder)
    try:
        yield
    finally:
        os.chdir(before)


def test_the_code_reads_the_same_row(viewer, tables, output, rich):
    viewer.open(rich)
    with inside(helpers.version_of(output)):
        names = {}
        exec(viewer.text("[data-code=pandas]"), names)
        assert names["narrative"]["caption"] == rich["caption"]
        assert list(names["words"]["text"]) == [word["text"] for word in rich["words"]]
        assert len(names["mentions"]) == len(mentions_of(tables, rich))
        words, mentions = viewer.text("[data-code=duckdb]").strip().rstrip(";").split(";\n")
        found = duckdb.sql(words)
        texts = found.fetchall()
        column = found.columns.index("text")
        assert [row[column] for row in texts] == [word["text"] for word in rich["words"]]
        assert len(duckdb.sql(mentions).fetchall()) == len(mentions_of(tables, rich))


def test_discarded_narratives_have_reasons(viewer, tables):
    row = tables["discarded"][0]
    viewer.open(row)
    assert viewer.text(".caption") == row["caption"]
    assert viewer.texts("section:first-child .flags code") == row["reasons"]
    viewer.go("?table=discarded" + viewer.page.evaluate("location.hash"))
    viewer.until_text("#position", f"1 of {len(tables['discarded'])}")


def test_rejected_lines_have_their_bytes(viewer, tables, output):
    manifest = helpers.manifest_of(output)
    viewer.go().fill(table="rejected")
    for at, row in enumerate(tables["rejected"]):
        viewer.page.click(f"#list li[aria-posinset='{at + 1}'] a")
        viewer.page.wait_for_selector(f"#list li[aria-posinset='{at + 1}'] [aria-current]")
        assert viewer.text(".raw") == row["raw"].decode(errors="replace")
        facts = viewer.texts(".rejected dd")
        first = next(one["first_line"] for one in manifest["units"]
                     if one["shard"] == row["shard"] and one["index"] == row["unit"])  # fmt: skip
        assert facts[:2] == [row["code"], row["message"]]
        assert facts[4] == str(first + row["line_in_unit"])


def test_random_and_steps_stay_in_the_list(viewer, tables):
    viewer.go().fill(dataset="oops")
    expected = viewer.links
    seen = set()
    for _ in range(12):
        viewer.page.keyboard.press("r")
        viewer.page.wait_for_timeout(60)
    viewer.page.wait_for_selector("#list [aria-current]")
    for _ in range(6):
        viewer.page.click("#random")
        viewer.page.wait_for_timeout(60)
        viewer.page.wait_for_selector(".narrative")
        seen.add(tuple(viewer.place()))
    assert len(seen) > 1 and all(list(place) in expected for place in seen)
