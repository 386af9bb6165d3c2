"""The report's section on checks: what is broken, what is kept, what was not compared."""

import pytest

from tests.transforms.core.report import material
from tests.transforms.core.report.test_report import Page, render


@pytest.fixture(scope="module")
def page():
    manifest = material.manifest()
    manifest["checks"] += material.rule_rows()
    manifest["not_compared"] = [{"name": "new_flags", "reason": "there is <i>no</i> split"}]
    return Page(render(manifest))


def test_a_broken_check_says_what_was_found(page):
    assert page.row("inside box", "points inside box")[3:] == [
        "is 50.00 % and was 80.00 % in version 0123456789abcdef: 30.00 % apart, above 20.00 %",
        "hold",
        "✗ broken",
    ]
    row = page.row("classes", "classes", "all")
    assert row[3].endswith("above 0: +<b>Dog</b>, -Car") and row[-2:] == ["warn", "✗ broken"]


def test_a_check_that_is_kept_shows_the_split_nearest_to_its_limit(page):
    row = page.row("words", "words")
    assert row[2].startswith("generated · train") and "5.0 % from it" in row[3]
    assert row[-1] == "✓ kept"


def test_what_holds_a_version_back_comes_first(page):
    names = [row[0] for row in page.rows if row and row[0] in ("inside box", "classes", "words")]
    assert names[:3] == ["inside box", "classes", "words"]


def test_what_was_not_compared_is_said_with_the_reason(page):
    assert page.texts_of("Not compared, there is <i>no</i> split: new flags.") == 1
    assert page.texts_of("2 checks beyond their limit, 1 kept, 1 not compared.") == 1


def test_a_version_without_rules_has_no_such_section():
    document = render(material.manifest())
    assert 'id="checks"' not in document and "Checks before publishing" in document
