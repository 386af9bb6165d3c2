"""The report in Chromium: what it shows is what DuckDB finds in the tables beside it."""

import contextlib
import shutil
from collections import Counter

import duckdb
import pytest

from pipelines.build.job import main as build
from tests import build_helpers as helpers
from transforms.core.report.page.formats import decimal, integer, percent, split_name

pytestmark = pytest.mark.browser

NOTHING = "–"


@pytest.fixture(scope="module")
def version(output, tmp_path_factory):
    """A version that follows another one, with a threshold of D."""
    copy = tmp_path_factory.mktemp("report") / "out"
    shutil.copytree(output, copy)
    with contextlib.chdir(helpers.ROOT):
        assert build(["--config", "configs/local.yaml", "--min-words", "14",
                      "--max-distance", "9", "--output", str(copy)]) == 0  # fmt: skip
    return helpers.version_of(copy)


@pytest.fixture(scope="module")
def page(chromium, version):
    page = chromium.new_page(viewport={"width": 1400, "height": 900})
    errors = []
    page.on("pageerror", lambda error: errors.append(str(error)))
    page.on("request", lambda request: errors.append(request.url)
            if not request.url.startswith(("file:", "data:")) else None)  # fmt: skip
    page.goto((version / "report.html").as_uri())
    yield page
    assert errors == []
    page.close()


@pytest.fixture(scope="module")
def sql(version):
    """Rows that a query finds; `{table}` stands for the files of a table."""

    def ask(query):
        files = {one.name: f"'{one}/*.parquet'" for one in version.iterdir() if one.is_dir()}
        return duckdb.sql(query.format(**files)).fetchall()

    return ask


def cells(page, table):
    """Texts of the body of a table, by its first cells; notes of generated data left out."""
    return page.evaluate(
        """(table) => [...document.querySelectorAll(`${table} tbody tr`)].map((row) =>
          [...row.cells].map((cell) => {
            const copy = cell.cloneNode(true)
            copy.querySelectorAll(".tag").forEach((tag) => tag.remove())
            return copy.textContent.trim()
          }))""",
        table,
    )


def spread(values):
    """A mean of at least two with its deviation."""
    mean, deviation, number = values
    if mean is None:
        return NOTHING
    return decimal(mean, 2) + (f"± {decimal(deviation, 2)}" if number > 1 else "")


def test_the_head_counts_what_is_in_the_tables(page, sql):
    shown = page.locator(".figures dd").all_inner_texts()
    [(kept,)] = sql("select count(*) from {narratives}")
    [(discarded,)] = sql("select count(*) from {discarded}")
    mentions = sql("""select count(*), count(box_index),
        sum(points) filter (box_index is not null), sum(points_inside) from {mentions}""")
    (mentioned, boxed, points, inside), *_ = mentions
    assert [text.split("\n")[0] for text in shown[:5]] == [
        integer(kept), integer(discarded), "7", integer(mentioned), percent(inside / points),
    ]  # fmt: skip
    assert shown[3].split("\n")[1] == f"{boxed} with a box"
    assert shown[4].split("\n")[1] == f"of {integer(points)}"
    assert "holds" in shown[5]


def test_the_order_answers_the_questions(page):
    found = page.locator("main > section").evaluate_all("all => all.map((one) => one.id)")
    assert found == ["lines", "checks", "quality", "example", "richness", "nouns", "distances",
                     "localization", "classes", "changes", "origin"]  # fmt: skip
    assert page.locator("nav a").evaluate_all(
        "all => all.every((one) => document.querySelector(one.getAttribute('href')))"
    )
    assert page.locator("#lines details").get_attribute("open") is None, "all is well"


def test_tables_2_and_3_are_recomputed(page, sql):
    tags = ("words", "nouns", "pronouns", "adjectives", "adpositions", "verbs", "proper_nouns",
            "auxiliaries")  # fmt: skip
    measures = ", ".join(
        f"[avg(richness.{t}), stddev_pop(richness.{t}), count(richness.{t})]" for t in tags
    )
    rows = sql(f"""select dataset, split, count(*), count(distinct image_id), {measures},
        sum(richness.words) from {{narratives}} group by all order by 1, 2""")
    scale, richness, speech = (cells(page, f"#{one}") for one in ("table-2", "table-3", "speech"))
    for at, (dataset, split, captions, images, *found, words) in enumerate(rows):
        name = split_name(dataset, split)
        assert scale[at] == [
            name, "each word to region", integer(captions), integer(images), decimal(found[0][0], 2)
        ]  # fmt: skip
        assert richness[at] == [name, *map(spread, found)]
        assert speech[at][:2] == [name, decimal(words, 0)]
    assert scale[len(rows)][0] == richness[len(rows)][0] == "Localized Narratives, paper"
    assert len(scale) == len(rows) + 8 and len(richness) == len(rows) + 5


def test_traces_are_recomputed(page, sql):
    rows = sql("""select dataset, split, [avg(len(trace.t)), stddev_pop(len(trace.t)), count(*)]
        from {narratives} group by all order by 1, 2""")
    shown = cells(page, "#speech")
    heads = page.locator("#speech thead th").all_inner_texts()
    assert [row[heads.index("trace points")] for row in shown] == [spread(row[2]) for row in rows]


def test_charts_are_recomputed(page, sql):
    nouns = sql("""select dataset, split, nouns, count(*) from
        (select dataset, split, richness.nouns as nouns from {narratives})
        where nouns is not null group by all""")
    totals = Counter()
    for dataset, split, _, count in nouns:
        totals[dataset, split] += count
    shown = page.locator("svg.noun-lines title").all_text_contents()
    assert len(shown) > 20 and set(shown) <= {
        f"{split_name(dataset, split)}, {number} nouns: {percent(count / totals[dataset, split])}"
        for dataset, split, number, count in nouns
    }
    paper = page.locator("svg.noun-lines .paper-mean-label").all_text_contents()
    assert len(paper) == 5 and "Localized Narratives, paper: mean 10.8" in paper
    distances = sql("select distance, count(*) from {narratives} where distance is not null "
                    "group by 1 order by 1")  # fmt: skip
    total = sum(number for _, number in distances)
    assert page.locator("svg.distances title").all_text_contents() == [
        f"D of {distance}: {number} narratives, {percent(number / total)}"
        for distance, number in distances
    ]
    assert page.locator("svg.distances .threshold-label").text_content() == "threshold: D ≤ 9"


OF_CLASS = """select {key}, count(*), count(box_index) filter (end_point > first_point),
    coalesce(sum(points) filter (box_index is not null), 0),
    coalesce(sum(points_inside) filter (box_index is not null), 0)
    from {{mentions}} group by all order by 2 desc, 1"""


def test_classes_are_recomputed_sorted_and_searched(page, sql):
    rows = sql(OF_CLASS.format(key="class_id"))
    table = "#classes"
    shown = {row[1]: row for row in cells(page, table)}
    assert [row[1] for row in cells(page, table)] == [row[0] for row in rows]
    for class_id, mentions, _, points, inside in rows:
        found = shown[class_id]
        share = percent(inside / points) if points else NOTHING
        assert (found[2], found[6], found[7]) == (integer(mentions), integer(points), share)

    def visible():
        return page.locator("#classes tbody tr:visible td:nth-child(2)").all_inner_texts()

    assert visible() == [row[0] for row in rows[:20]]
    assert page.locator("#class-tools output").inner_text() == f"20 of {len(rows)} shown"
    page.get_by_role("button", name="Show all").click()
    assert len(visible()) == len(rows)
    page.get_by_role("button", name="Show the first 20").click()
    page.get_by_label("Search classes").fill("hum")
    [names] = sql("select list(distinct class_id) from {mentions} where name ilike '%hum%'")
    assert sorted(visible()) == sorted(names[0])
    page.get_by_label("Search classes").fill("")
    head = page.locator("#classes thead th").nth(6)
    head.locator("button").focus()
    page.keyboard.press("Enter")
    assert head.get_attribute("aria-sort") == "descending"
    assert shown[visible()[0]][6] == integer(max(row[3] for row in rows))
    page.keyboard.press("Enter")
    assert head.get_attribute("aria-sort") == "ascending"
    assert shown[visible()[0]][6] == integer(min(row[3] for row in rows))


def pixels(page):
    """Bins (x, y) of the map in sight that have a colour."""
    return page.evaluate(
        """async () => {
          const picture = document.querySelector(".map:not([hidden]) image")
          const image = new Image()
          image.src = picture.getAttribute("href")
          await image.decode()
          const canvas = new OffscreenCanvas(150, 150)
          const context = canvas.getContext("2d")
          context.drawImage(image, 0, 0)
          const data = context.getImageData(0, 0, 150, 150).data
          const found = []
          for (let at = 0; at < 150 * 150; at++)
            if (data[4 * at + 3]) found.push([at % 150, Math.floor(at / 150)])
          return found
        }"""
    )


def test_heat_maps_by_dataset_and_class(page, sql):
    assert page.locator(".map:visible").count() == 1
    dataset, split = sql("select dataset, split from {localization_histogram} limit 1")[0]
    select = page.locator(".selector select").nth(1)
    offered = select.locator("option")
    assert offered.first.inner_text() == "all classes" and offered.count() == 13
    values = ["", *offered.evaluate_all("all => all.slice(1, 4).map((one) => one.value)")]
    for class_id in values:
        select.select_option(class_id)
        assert page.locator(".map:visible").count() == 1
        of_class = f"dataset = '{dataset}' and split = '{split}'" + (
            f" and class_id = '{class_id}'" if class_id else ""
        )
        bins = sql(f"select distinct bin_x, bin_y from {{localization_histogram}} where {of_class}")
        assert sorted(map(tuple, pixels(page))) == sorted(bins)
        [(points, inside)] = sql("select sum(points), sum(points_inside) from {mentions} "
                                 f"where {of_class} and box_index is not null")  # fmt: skip
        said = page.locator(".map:visible figcaption").inner_text()
        assert said.startswith(f"{percent(inside / points)} of {integer(points)} points are inside")
        highest = sql(f"""select max(n) from (select sum(points) n from {{localization_histogram}}
            where {of_class} group by bin_x, bin_y)""")[0][0]
        assert integer(highest) in page.locator(".map:visible svg text").all_text_contents()
    box = page.locator(".map:visible svg").bounding_box()
    assert box["width"] > 600, "large"


def test_the_example_is_real_and_losses_have_examples(page, sql):
    assert page.locator("#example .warning").count() == 0
    image = page.locator("#example .meta code").inner_text()
    caption = page.locator("#example .caption").text_content()
    rows = sql(f"select caption from {{narratives}} where image_id = '{image}'")
    assert (caption,) in rows
    reasons = page.locator("#quality tbody th.nowrap").all_inner_texts()
    assert reasons == ["malformed json", "missing key", "wrong type", "invalid utf8"]


def test_what_changed_and_the_run(page, version, sql):
    changes = {(row[0], row[1]): row[2:] for row in cells(page, "#changes")}
    [(kept,)] = sql("select count(*) from {narratives}")
    before = helpers.manifest_of(version.parent.parent)["previous"]
    folder = version.parent / before / "narratives"
    [(then,)] = duckdb.sql(f"select count(*) from '{folder}/*.parquet'").fetchall()
    assert then > kept
    assert changes["narratives", "all"] == [str(then), str(kept), f"−{then - kept}"]
    assert before in page.locator("#changes p").first.inner_text()
    run = page.locator("#run").inner_text()
    assert "local, 1 worker" in run and "MB/s" in run and "4 done" in run


def test_links_lead_to_files_of_the_version(page, version):
    links = page.locator("#origin a").evaluate_all("all => all.map((one) => one.href)")
    assert len(links) >= 11
    for link in links:
        assert (
            link.startswith(version.as_uri())
            and (version / link.removeprefix(version.as_uri() + "/")).is_file()
        )


def test_paper_has_no_controls_no_json_and_no_stranded_headings(page):
    page.emulate_media(media="print")
    try:
        assert page.locator("pre").count() == 0
        assert page.locator("nav:visible, .tools:visible").count() == 0
        assert page.locator(".map:visible").count() == 1, "all classes of each split"
        page.evaluate("dispatchEvent(new Event('beforeprint'))")
        assert page.locator("details.print:not([open])").count() == 0
        breaks = page.locator("h2, h3, summary").evaluate_all(
            "all => all.map((one) => getComputedStyle(one).breakAfter)"
        )
        assert set(breaks) == {"avoid"}
        assert page.evaluate("document.documentElement.scrollWidth") <= 1400
    finally:
        page.evaluate("dispatchEvent(new Event('afterprint'))")
        page.emulate_media(media="screen")
    assert page.locator("details.print[open]").count() == 0


@pytest.mark.parametrize(("width", "scheme"), [(390, "dark"), (390, "light"), (1400, "dark"),
                                               (1400, "light")])  # fmt: skip
def test_no_violation_of_accessibility_and_hints_where_tables_scroll(
    chromium, version, width, scheme
):
    from axe_core_python.sync_playwright import Axe

    page = chromium.new_page(viewport={"width": width, "height": 900}, color_scheme=scheme)
    try:
        page.goto((version / "report.html").as_uri())
        page.evaluate("document.querySelectorAll('details').forEach((one) => { one.open = true })")
        page.wait_for_timeout(100)
        found = Axe().run(page, options={"resultTypes": ["violations"]})["violations"]
        assert [(one["id"], [node["html"] for node in one["nodes"]]) for one in found] == []
        assert page.evaluate("document.documentElement.scrollWidth") <= width
        wide = page.evaluate(
            """() => [...document.querySelectorAll(".scroll")]
              .filter((one) => one.scrollWidth > one.clientWidth + 1)
              .map((one) => [one.tabIndex, one.getAttribute("role"),
                             getComputedStyle(one, "::before").content.includes("sideways")])"""
        )
        assert bool(wide) == (width == 390)
        assert all(one == [0, "region", True] for one in wide)
    finally:
        page.close()
