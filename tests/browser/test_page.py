"""The page as a whole: accessibility, widths, keys, servers of other kinds, what goes wrong."""

import shutil

import pytest

from pipelines.view.job import main
from tests import build_helpers as helpers
from tests.browser.conftest import a_viewer, serving, static
from tests.browser.pages import line_of

pytestmark = pytest.mark.browser


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [390, 1400])
def test_no_violation_of_accessibility_and_no_sideways_scroll(
    chromium, address, tables, width, scheme
):
    from axe_core_python.sync_playwright import Axe

    mentioned = {mention["narrative_id"] for mention in tables["mentions"]}
    rich = next(row for row in tables["narratives"] if row["narrative_id"] in mentioned)
    with a_viewer(chromium, address, width, 900, color_scheme=scheme) as viewer:
        for prepare in (
            viewer.go,
            lambda: viewer.fill(text="zyzzyva"),
            lambda: viewer.go("?table=rejected"),
            lambda: viewer.open(rich),
            lambda: viewer.page.locator("[data-mention]").first.click(),
            lambda: viewer.open(tables["discarded"][0]),
        ):
            prepare()
            found = Axe().run(viewer.page)["violations"]
            assert [(one["id"], [node["html"] for node in one["nodes"]]) for one in found] == []
            page_width = viewer.page.evaluate("document.documentElement.scrollWidth")
            assert page_width <= width
            main_width = viewer.page.evaluate(
                "['main', 'side'].map((id) => document.getElementById(id))"
                ".every((one) => one.scrollWidth <= one.clientWidth)"
            )
            assert main_width
        assert viewer.errors == []


def test_list_and_narrative_take_turns_on_a_narrow_screen(chromium, address):
    with a_viewer(chromium, address, 390, 844) as viewer:
        page = viewer.go().page
        assert not page.locator("#main").is_visible()
        page.click("#list li a")
        page.wait_for_selector(".narrative")
        assert not page.locator("#side").is_visible()
        page.click("#back")
        page.wait_for_selector("#side", state="visible")
        assert not page.locator("#main").is_visible()


def test_keys(viewer, tables):
    page = viewer.open(tables["narratives"][3]).page
    page.keyboard.press("/")
    assert page.evaluate("document.activeElement.id") == "text"
    page.keyboard.type("person r p j")
    viewer.wait()
    assert viewer.place() == line_of(tables["narratives"][3]), "letters are typed, not obeyed"
    page.fill("#text", "")
    page.keyboard.press("Escape")
    page.wait_for_selector("#welcome", state="visible")
    page.goto(f"{viewer.address}")
    viewer.open(tables["narratives"][3])
    page.keyboard.press("j")
    viewer.until("document.querySelector('#position').textContent.startsWith('5 of')")
    page.keyboard.press(" ")
    assert viewer.text(".play") == "Pause"
    page.go_back()
    viewer.until("document.querySelector('#position').textContent.startsWith('4 of')")


def test_a_written_page_works_from_a_plain_web_server(chromium, output, tables, tmp_path, capsys):
    copy = tmp_path / "site" / "out"
    shutil.copytree(output, copy)
    assert main([str(copy), "--write", str(copy / "view")]) == 0
    assert f"the current version of {copy}" in capsys.readouterr().out
    version = helpers.version_of(copy)
    assert main([str(version), "--write", str(copy / "pages" / "one")]) == 0
    with serving(static(copy.parent)) as base:
        for page in ("view", "pages/one"):
            with a_viewer(chromium, f"{base}/out/{page}/") as viewer:
                viewer.go()
                assert viewer.links == [line_of(row) for row in tables["narratives"]]
                viewer.open(tables["narratives"][40])
                assert viewer.text(".caption") == tables["narratives"][40]["caption"]
                assert viewer.errors == []
        (copy / "CURRENT").write_text("0" * 16)
        with a_viewer(chromium, f"{base}/out/view/") as viewer:
            viewer.page.goto(viewer.address)
            viewer.page.wait_for_selector("#problem:not([hidden])")
            said = f"versions/{'0' * 16}/manifest.json: the server says 404"
            assert said in viewer.text("#problem")


def test_a_file_that_is_not_what_the_manifest_says_is_reported(chromium, output, tmp_path):
    shutil.copytree(helpers.version_of(output), tmp_path / "version")
    assert main([str(tmp_path / "version"), "--write", str(tmp_path / "view")]) == 0
    path = tmp_path / "version" / "narratives" / "narratives-00000.parquet"
    path.write_bytes(path.read_bytes()[:-1000])
    with serving(static(tmp_path)) as base, a_viewer(chromium, f"{base}/view/") as viewer:
        viewer.page.goto(viewer.address)
        viewer.page.wait_for_selector("#problem:not([hidden])")
        assert "narratives versions verify" in viewer.text("#problem")
