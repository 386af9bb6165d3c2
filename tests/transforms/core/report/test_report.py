"""The HTML report: its numbers are those given, and nothing given can break it."""

import html.parser
import re

import jinja2
import pytest

from tests.transforms.core.report import material
from transforms.core.report.narratives.report import render_report

VOID = {"meta", "br", "link", "img", "input", "hr"}


class Page(html.parser.HTMLParser):
    """A page read strictly: every element is closed in order. Keeps text, links and cells."""

    def __init__(self, document):
        super().__init__()
        self.open, self.addresses, self.tags, self.rows, self.text = [], [], [], [], []
        self.feed(document)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag, attributes):
        self.tags.append((tag, dict(attributes)))
        self.addresses += [
            (tag, name, value)
            for name, value in attributes
            if name in ("href", "src", "srcset", "action", "data", "poster")
        ]
        if tag not in VOID:
            self.open.append(tag)
        if tag == "tr":
            self.rows.append([])
        if tag in ("td", "th"):
            self.rows[-1].append("")

    def handle_startendtag(self, tag, attributes):
        self.handle_starttag(tag, attributes)
        if tag not in VOID:
            self.open.pop()

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.text.append(data)
        if self.rows and self.rows[-1] and {"td", "th"} & set(self.open[-3:]):
            self.rows[-1][-1] += data

    def row(self, *beginning):
        """The one row whose cells begin like this."""
        found = [row for row in self.rows if tuple(row[: len(beginning)]) == beginning]
        assert len(found) == 1, (beginning, found)
        return found[0]

    def texts_of(self, name):
        return " ".join("".join(self.text).split()).count(name)


def render(manifest=None, tables=None, example=None):
    narrative, mentions = material.example() if example is None else example
    return render_report(
        material.typed(material.manifest() if manifest is None else manifest),
        material.tables() if tables is None else tables,
        narrative,
        mentions,
    )


@pytest.fixture(scope="module")
def document():
    return render()


@pytest.fixture(scope="module")
def page(document):
    return Page(document)


def test_reconciliation_shows_each_shard_and_all(page):
    row = page.row("vidln.jsonl", "oops · train")
    assert row[2:] == ["22", "20", "2", "0", "0", "713,112", "✓ holds"]
    assert page.row("odd_and_bad.jsonl", "as its lines say", "13")[2:7] == [
        "13",
        "7",
        "0",
        "5",
        "1",
    ]
    assert page.row("All shards")[2:] == [
        "12,380", "12,372", "2", "5", "1", "413,098,821", "✓ holds",
    ]  # fmt: skip


@pytest.mark.parametrize("change", [{"conserved": False}, {"narratives": 19}])
def test_a_breach_of_the_conservation_law_is_said(change):
    manifest = material.manifest()
    manifest["shards"][0] |= change
    page = Page(render(manifest))
    assert page.row("vidln.jsonl")[-1] == "✗ does not hold"
    assert page.row("odd_and_bad.jsonl", "as its lines say", "13")[-1] == "✓ holds"
    assert page.row("All shards")[-1] == "✗ does not hold"


def test_a_compressed_shard_shows_both_sizes():
    manifest = material.manifest()
    manifest["shards"][0]["size"] = 99_001
    assert Page(render(manifest)).row("vidln.jsonl")[7] == "713,112file: 99,001"


def test_rejects_discards_and_flags_are_listed_by_number(page):
    reasons = [row for row in page.rows if len(row) == 2]
    assert reasons == [
        ["distance", "2"],
        ["trace shorter than speech", "1"],
        ["outside image", "17"],
        ["no trace", "2"],
    ]
    assert page.row("not json", "3")[2:] == [
        "odd_and_bad.jsonl", "3", "The line ends inside a value at byte 400.",
    ]  # fmt: skip
    assert page.row("missing key", "2")[2:] == ["none among the first bad lines"]
    assert page.row("", "", "odd_and_bad.jsonl", "5")[4:] == [
        "The line ends inside a value at byte 402."
    ]


def test_three_lines_of_a_reason_are_shown(page):
    assert page.texts_of("The line ends inside a value at byte") == 3
    assert page.texts_of("All of them, with their bytes, are in the table rejected") == 1


def test_richness_stands_beside_the_paper(page):
    assert page.row("oops · train", "each word to region")[2:] == ["20", "20", "21.50"]
    theirs = page.row("Localized Narratives, paper", "each word to region")
    assert theirs[2:] == ["873,107", "848,749", "36.5"]
    assert page.row("Conceptual Captions, paper")[2:] == ["3,334,173", "3,334,173", "10.3"]
    assert page.row("oops · train", "21.50± 5.38")[2:4] == ["22.50± 5.63", "23.50± 5.88"]
    theirs = page.row("Localized Narratives, paper", "36.5")
    assert theirs[2:7] == ["10.8", "3.6", "1.6", "4.7", "4.2"]
    assert theirs[7:] == ["–", "–"]
    assert page.row("Stanford Visual Paragraphs, paper", "61.9")[2] == "17.0"
    assert page.row("oops · train", "430", "9 min 50 s")[3:] == [
        "29.50± 7.38", "30.50± 7.63", "31.50± 7.88", "32.50± 8.13", "33.50± 8.38",
    ]  # fmt: skip
    first = [row[0] for row in page.rows if row[1:2] == ["each word to region"]]
    assert first[-1] == "Localized Narratives, paper", "ours stand before the paper's"


def test_one_caption_has_no_deviation():
    tables = material.tables()
    rows = [material.richness_row("oops", "train", 1, 0.25)]
    tables["richness"] = material.table(rows, tables["richness"].schema)
    assert Page(render(tables=tables)).row("oops · train", "0.25")[2] == "1.25"


def test_localization_is_added_up_over_classes(page):
    assert page.row("generated · train not real", "48,000")[2:] == [
        "30,000", "150", "17,850", "200,000", "75.5 %", "1,700",
    ]  # fmt: skip
    assert page.row("oops · train", "211")[2:] == ["0", "3", "0", "0", "–", "0"]
    assert page.row("Person", "/m/01g317")[2:] == [
        "30,211", "21,000", "103", "8,900", "160,000", "75.0 %",
    ]  # fmt: skip
    assert page.texts_of("75.5 % of 200,000 points are inside; 1,700 (0.85 %) lie beyond") == 1


def test_generated_data_is_named_wherever_it_stands(page):
    named = [row for row in page.rows for cell in row if cell.startswith("generated ·")]
    assert named and all("generated · train not real" in row for row in named)
    assert page.texts_of("Contains generated narratives.") == 1


def test_real_data_alone_is_not_called_generated():
    tables = material.tables()
    for name, table in tables.items():
        keep = [row for row in table.to_pylist() if row["dataset"] != "generated"]
        tables[name] = material.table(keep, table.schema)
    manifest = material.manifest()
    del manifest["shards"][2], manifest["inputs"][2]
    manifest["counts"]["generated"] = {}
    assert "generated" not in "".join(Page(render(manifest, tables)).text)


def test_a_generated_narrative_says_so():
    narrative, mentions = material.example()
    for dataset_id, times in (("generated_train", 1), ("Generated_v2", 1), ("oops", 0)):
        example = {**narrative, "dataset": "coco", "dataset_id": dataset_id}, mentions
        page = Page(render(example=example))
        assert page.texts_of("This narrative was generated") == times


def test_generated_data_under_another_name_is_marked():
    manifest = material.manifest()
    manifest["counts"]["generated"] = {"oops/train": 3, "/": 1}
    page = Page(render(manifest))
    assert page.row("oops · train not real", "each word to region")
    assert page.row("unknown not real", "each word to region")
    assert not page.texts_of("generated · train not real")


def test_nothing_is_fetched(page, document):
    links = [item for item in page.addresses if item[0] == "a"]
    others = [item for item in page.addresses if item[0] != "a"]
    assert others and all(value.startswith("data:image/png;base64,") for _, _, value in others)
    beside = {"README.md", "manifest.json", "schema.json", "richness/all.parquet"}
    assert all(
        value.startswith(("#", "https://", "http://")) or value in beside for _, _, value in links
    )
    assert not re.search(r"@import|url\(", document)
    assert not {"link", "iframe", "object", "embed"} & {tag for tag, _ in page.tags}


HOSTILE = (
    """<script>alert("x")</script><img src='https://x.invalid/a.png' onerror=alert(1)>&amp;]]>"""
)


def hostile_example():
    record = material.real_records()[0]
    record["caption"] = f"{HOSTILE} {record['caption']}"
    boxes = [{**material.real_boxes(3)[0], "name": HOSTILE}]
    narrative = material.narrative_row(record, 0, boxes)
    narrative |= {
        "dataset": HOSTILE,
        "image_id": HOSTILE,
        "image": {
            "title": HOSTILE,
            "author": HOSTILE,
            "author_profile_url": "javascript:alert(1)",
            "licence": "javascript:alert(2)",
            "url": f"https://example.org/{HOSTILE}",
        },
    }
    row = material.table([narrative], material.schemas.NARRATIVES).to_pylist()[0]
    return row, [material.mention_row(narrative, 1, 0, HOSTILE, HOSTILE)]


def test_hostile_text_stays_text():
    manifest = material.manifest()
    manifest["version"] = HOSTILE
    manifest["shards"][0] |= {"shard": HOSTILE, "dataset": HOSTILE, "split": HOSTILE}
    manifest["inputs"][0]["path"] = HOSTILE
    manifest["configuration"] = {HOSTILE: HOSTILE}
    manifest["bad_lines"][0] |= {"message": HOSTILE, "code": HOSTILE}
    manifest["counts"]["rejected"] = {HOSTILE: 5}
    tables = material.tables()
    for name in ("noun_counts", "localization", "localization_histogram", "richness"):
        rows = tables[name].to_pylist()
        rows = [row | ({"name": HOSTILE} if "name" in row else {}) for row in rows]
        rows = [row | {"dataset": HOSTILE} for row in rows[:40]]
        tables[name] = material.table(rows, tables[name].schema)
    document = render(manifest, tables, hostile_example())
    page = Page(document)
    assert [tag for tag, _ in page.tags].count("script") == 1  # our own
    assert not [tag for tag, attributes in page.tags if "onerror" in attributes or tag == "img"]
    assert not [value for _, _, value in page.addresses if value.startswith("javascript:")]
    caption = "".join(page.text)
    assert HOSTILE in caption


def test_the_caption_is_whole_and_its_words_have_colours(document):
    narrative, _ = material.example()
    paragraph = re.search(r'<p class="caption">(.*?)</p>', document, re.S)[1]
    assert html.unescape(re.sub(r"<[^>]+>", "", paragraph)) == narrative["caption"]
    assert len(re.findall(r'class="word t\d+', paragraph)) == len(narrative["words"])
    assert re.findall(r'<span class="[^"]*mention[^"]*"[^>]*>(\w+)', paragraph) == ["man", "clown"]


def test_a_mention_is_told_with_its_figures(page):
    row = page.row("man", "Person")
    assert row[2:] == ["1.98–2.52 s", "3", "33 %"]
    assert page.row("clown", "Person")[-1] == "–"


def test_a_version_without_anything():
    manifest = material.manifest(shards=[], inputs=[], bad_lines=[], files=[], previous=None)
    manifest["threshold"] = manifest["annotations"] = None
    manifest["repeated_keys"] = {"narratives": 0, "keys": 0, "first": []}
    manifest["counts"] = {
        key: {} if isinstance(value, dict) else 0 for key, value in manifest["counts"].items()
    }
    page = Page(render(manifest, material.empty_tables(), (None, [])))
    for sentence in ("No narrative was kept.", "No class was mentioned.", "No nouns were counted."):
        assert page.texts_of(sentence)
    assert page.row("All shards")[2:] == ["0"] * 6 + ["✓ holds"]


def test_without_a_tagger():
    tables = material.tables()
    rows = [material.richness_row(dataset, split, 9, None) for dataset, split in material.SPLITS]
    tables["richness"] = material.table(rows, tables["richness"].schema)
    tables["noun_counts"] = tables["noun_counts"].slice(0, 0)
    page = Page(render(tables=tables))
    assert [row for row in page.rows if row[0] == "oops · train" and row[1:] == ["–"] * 8]
    assert page.texts_of("No tagger was used") == 1
    assert page.texts_of("No nouns were counted.") == 1


def test_a_narrative_without_trace_boxes_or_words():
    narrative, _ = material.example()
    narrative |= {
        "trace": {"x": [], "y": [], "t": []},
        "segment_starts": [],
        "words": [],
        "boxes": None,
        "caption": "",
    }
    page = Page(render(example=(narrative, [])))
    assert page.texts_of("No class is mentioned.") == 1


def test_the_same_input_gives_the_same_page(document):
    assert render() == document


def test_warnings_are_shown_as_they_are_printed():
    warnings = ["boxes.csv: 1 box is not used", "classes.csv: <b>2</b> names & more"]
    page = Page(render(material.manifest() | {"warnings": warnings}))
    assert [page.texts_of(warning) for warning in warnings] == [1, 1]


def test_the_template_is_compiled_once_in_a_process(monkeypatch):
    render()
    monkeypatch.setattr(jinja2.Environment, "compile", None)
    assert "<html" in render()


def test_changes_stand_beside_the_version_before():
    manifest = material.manifest(changes=[
        {"measure": "narratives", "dataset": None, "split": None, "before": 12_000, "now": 12_372},
        {"measure": "rejected", "dataset": None, "split": None, "before": 0.25, "now": 0.2},
        {"measure": "words", "dataset": "oops", "split": "train", "before": None, "now": 21.5},
    ])  # fmt: skip
    page = Page(render(manifest))
    assert page.row("narratives", "all")[2:] == ["12,000", "12,372", "+372"]
    assert page.row("rejected", "all")[2:] == ["25.00 %", "20.00 %", "−5.00 points"]
    assert page.row("words", "oops · train")[2:] == ["–", "21.50", "–"]
    assert Page(render(material.manifest(previous=None))).texts_of("No version was current before")
    assert Page(render()).texts_of("is not compared with it")


def test_the_run_is_told():
    run = {"run": "ab", "engine": "local", "workers": 2, "begun": "2026-01-02T03:04:05+00:00",
           "seconds": 125.0, "pending": 3, "bytes": 250_000_000, "reused": 4}  # fmt: skip
    text = " ".join("".join(Page(render(material.manifest(made_by=run))).text).split())
    for said in ("local, 2 workers", "2 January 2026, 03:04 UTC", "2 min 5 s", "2.00 MB/s",
                 "3 done, 4 of earlier runs reused"):  # fmt: skip
        assert said in text


def test_the_configuration_is_no_json(page, document):
    assert "<pre" not in document
    assert page.texts_of("samples/*.jsonl") == 1


def test_reconciliation_is_folded_only_when_all_is_well(document):
    assert re.search(r'<details class="print"><summary>3 shards', document)
    manifest = material.manifest()
    manifest["shards"][0]["conserved"] = False
    assert re.search(r'<details class="print" open><summary>3 shards', render(manifest))


def test_every_table_has_a_caption(page):
    tables = [tag for tag, _ in page.tags].count("table")
    assert tables and tables == [tag for tag, _ in page.tags].count("caption")


def test_units_of_older_programs_have_no_distances():
    tables = material.tables()
    del tables["distances"]
    assert Page(render(tables=tables)).texts_of("D was not counted by the program") == 1
