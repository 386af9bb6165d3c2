"""Rendering: one HTML file that needs nothing but itself."""

import dataclasses
import functools
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, NamedTuple

import msgspec

from transforms.core.model import layout
from transforms.core.model.manifest import Manifest
from transforms.core.output.checks.wording import finding
from transforms.core.output.jobs.job import Job
from transforms.core.report.card import rows_of_all
from transforms.core.report.page import formats, rows

EXAMPLES = 3
"""Rejected lines of each reason that are shown."""

PAGES = {
    layout.CARD: "what is in this folder",
    layout.MANIFEST: "every file and input",
    "schema.json": "what columns mean",
}
"""Files beside the report to which it leads."""


class Figure(NamedTuple):
    """A number at the head of a report.

    Attributes:
      term: What it is of.
      figure: The number, as HTML.
      note: What it is compared with.
    """

    term: str
    figure: str
    note: str


class Section(NamedTuple):
    """A part of a report.

    Attributes:
      anchor: Its name in links.
      label: What the list of sections calls it.
      html: A `section` element with that `id`.
    """

    anchor: str
    label: str
    html: str


@dataclasses.dataclass(frozen=True)
class Frame:
    """What stands around the sections.

    Attributes:
      title: Heading of the page.
      lead: What the version is, in a sentence.
      figures: Numbers at its head.
      warning: HTML of what a reader must know first, empty for nothing.
      style: Further rules of style.
      footer: Whose the data are.
    """

    title: str
    lead: str
    figures: Sequence[Figure]
    warning: str = ""
    style: str = ""
    footer: str = ""


def render_page(manifest: Manifest, frame: Frame, sections: Iterable[Section]) -> str:
    """Renders a report.

    Args:
      manifest: The version's manifest.
      frame: What stands around the sections.
      sections: Its parts in order.

    Returns:
      An HTML document without any external resource.
    """
    shown = {field.name: getattr(frame, field.name) for field in dataclasses.fields(frame)}
    return render(
        "page/templates/page.html.j2",
        manifest=manifest,
        created=formats.moment(manifest.created),
        sections=list(sections),
        **shown,
    )


def render(template: str, **context: Any) -> str:
    """Renders a template, by its path in the package of reports."""
    return _environment().get_template(template).render(context)


def lines_section(
    manifest: Manifest,
    parts: Mapping[str, str],
    reconciled: tuple[list[dict], dict],
    more: str = "",
    is_generated: Callable[[str | None, str | None], bool] = lambda *_: False,
) -> Section:
    """Every line accounted for, and the checks before publishing.

    Args:
      manifest: The version's manifest.
      parts: What the lines read are made of, by their names in the manifest, in words.
      reconciled: `rows.reconciliation`.
      more: HTML between the two.
      is_generated: Whether rows of a dataset and split are not real.
    """
    shards, total = reconciled
    html = render(
        "page/templates/lines.html.j2",
        manifest=manifest,
        parts=parts,
        shards=shards,
        total=total,
        checks=rows.checks_by_name(manifest),
        more=more,
        is_generated=is_generated,
    )
    return Section("lines", "Is it right?", html)


def checks_sections(
    manifest: Manifest,
    is_generated: Callable[[str | None, str | None], bool] = lambda *_: False,
) -> list[Section]:
    """The rules of a file of checks: those that are broken, kept and not compared.

    Args:
      manifest: The version's manifest.
      is_generated: Whether rows of a dataset and split are not real.

    Returns:
      A section, or none where there is no rule.
    """
    found = rows.rules_found(manifest)
    if not any(found):
        return []
    html = render(
        "page/templates/checks.html.j2",
        finding=finding,
        is_generated=is_generated,
        **found._asdict(),
    )
    return [Section("checks", "Checks", html)]


def render_verdict(found: str) -> str:
    """A verdict of `rows.reconciliation` in words, as HTML."""
    return render("page/templates/verdict.html.j2", found=found).strip()


def bad_lines_section(manifest: Manifest) -> Section:
    """The lines that could not be read, the first of them."""
    html = render(
        "page/templates/rejected.html.j2",
        **bad_lines_context(manifest),
    )
    return Section("quality", "Rejected", html)


def bad_lines_context(manifest: Manifest) -> dict[str, Any]:
    """What `bad_lines.html.j2` shows."""
    return {"rejects": rows.rejects(manifest, EXAMPLES)}


def origin_section(
    manifest: Manifest,
    details: Mapping[str, Any],
    is_generated: Callable[[str | None, str | None], bool] = lambda *_: False,
    browsed: bool = False,
) -> Section:
    """The run, inputs, code and files of a version.

    Args:
      manifest: Its manifest.
      details: Further entries of it, by what they are called.
      is_generated: Whether rows of a dataset and split are not real.
      browsed: Whether the narrative browser shows such versions.
    """
    html = render(
        "page/templates/origin.html.j2",
        manifest=manifest,
        tables=rows.tables(manifest),
        pages=PAGES,
        browsed=browsed,
        rate=lambda made: formats.rate(made.bytes, made.seconds),
        details={name: rows.facts(msgspec.to_builtins(own)) for name, own in details.items()},
        packages=rows.facts(
            {"format": manifest.format, "code": manifest.code, **manifest.packages}
        ),
        is_generated=is_generated,
    )
    return Section("origin", "Run and origin", html)


def render_tables_report(
    manifest: Manifest, job: Job, sections: Iterable[Section] = (), style: str = ""
) -> str:
    """Renders the report of a job that has little to say: its lines, tables and origin.

    Args:
      manifest: The version's manifest.
      job: The job.
      sections: What it adds.
      style: Further rules of style.
    """
    parts = {**{table: table for table in job.accounted}, **rows.LINE_PARTS}
    shards, total = rows.reconciliation(manifest, parts)
    held = rows_of_all(manifest.files, job)
    frame = Frame(
        title=job.title,
        lead="Every line of the input accounted for.",
        figures=[
            *(Figure(table, formats.integer(held[table]), "rows") for table in job.accounted),
            Figure("Rejected", formats.integer(total["rejected"]), "bad lines"),
            Figure(
                "Conservation law",
                render_verdict(total["verdict"]),
                formats.plural(len(shards), "shard"),
            ),
        ],
        style=style,
    )
    return render_page(
        manifest,
        frame,
        [
            lines_section(manifest, parts, (shards, total)),
            *checks_sections(manifest),
            bad_lines_section(manifest),
            *sections,
            origin_section(manifest, {"Configuration": manifest.configuration}),
        ],
    )


_FILTERS = (
    *("integer", "decimal", "percent", "phrase"),
    *("moment", "duration", "limit"),
)


@functools.cache
def _environment() -> Any:
    """The templates: compiling them takes longer than all else in a small run's report."""
    import jinja2

    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("transforms.core.report", "."),
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
        undefined=jinja2.StrictUndefined,
    )
    environment.filters |= {name: getattr(formats, name) for name in _FILTERS}
    environment.globals |= {
        name: getattr(formats, name) for name in ("split_name", "plural", "ratio")
    }
    return environment
