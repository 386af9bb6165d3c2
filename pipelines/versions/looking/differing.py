"""`diff`: what differs between two versions, as text, JSON or a page."""

import functools
from typing import Any

import msgspec

from pipelines.cli.progress.counting import Tally
from pipelines.cli.progress.showing import show_bytes
from pipelines.versions.options import DiffOptions
from pipelines.versions.printing import print_columns, print_json
from transforms.core.base.errors import UsageError, shown
from transforms.core.model.manifest import Manifest
from transforms.core.report.page.formats import integer
from transforms.versions.difference.diff import (
    TableDiff,
    Value,
    VersionDiff,
    bytes_to_read,
    diff_versions,
)
from transforms.versions.survey import VersionInfo, read_survey

HEADS = ("table", "rows A", "rows B", "added", "removed", "changed", "moved", "columns that differ")
_SHOWN_COLUMNS = 6


def diff(options: DiffOptions) -> int:
    """Compares two versions and prints what differs."""
    survey = read_survey(options.output)
    old, new = (survey.find(text) for text in (options.old, options.new))
    manifests = _manifest(old), _manifest(new)
    with show_bytes("Comparing", tally := Tally(bytes_to_read(*manifests))):
        made = diff_versions(options.output, *manifests, tally.add)
    if options.format == "json":
        print_json(made)
    elif options.format == "html":
        print(render_page(made, *manifests))
    else:
        _print(made)
    return 0


def _manifest(version: VersionInfo) -> Manifest:
    if version.manifest is None:
        raise UsageError(f"version {version.name} cannot be compared: {version.why}")
    return version.manifest


def _print(made: VersionDiff) -> None:
    print(f"A {made.old}\nB {made.new}\n")
    if made.made:
        rows = [(row.name, text(row.old), text(row.new)) for row in made.made]
        print_columns(("made by", "A", "B"), rows)
        print()
    numbers = " ".join(HEADS[1:-1])
    print_columns(HEADS, map(_row, made.tables), right=numbers)
    for table in made.tables:
        for what, keys in table.first.items():
            if keys:
                print(f"\n{what} in {table.table}, the first:")
                for key in keys:
                    print(f"  {shown(words(key))}")
    if made.values:
        print("\nnumbers that moved most:")
        heads = ("table", "of", "column", "A", "B")
        print_columns(heads, map(_value, made.values), right="A B")
        if made.more_values:
            print(f"… and {made.more_values:,} more")
    if all(table.is_same for table in made.tables):
        print("\nboth versions have the same rows")


def _row(table: TableDiff) -> tuple:
    numbers = (table.old_rows, table.new_rows, table.added, table.removed, table.changed)
    return table.table, *map(integer, (*numbers, table.moved)), columns(table)


def columns(table: TableDiff) -> str:
    """Columns that differ, those of most rows first, and those that one version does not have."""
    listed = [f"{name} {number:,}" for name, number in table.columns.items()]
    more = [f"{len(listed) - _SHOWN_COLUMNS} more"] if len(listed) > _SHOWN_COLUMNS else []
    only = [f"{name} only in A" for name in table.only_old]
    only += [f"{name} only in B" for name in table.only_new]
    return ", ".join([*listed[:_SHOWN_COLUMNS], *more, *only]) or "–"


def _value(value: Value) -> tuple:
    return value.table, words(value.key), value.column, text(value.old), text(value.new)


def words(key: list[Any]) -> str:
    """A row's key as one reads it."""
    return " · ".join("–" if part is None else str(part) for part in key)


def text(value: Any) -> str:
    """A value as one reads it."""
    if value is None:
        return "–"
    if isinstance(value, float):
        return f"{value:,.4f}"
    return integer(value) if isinstance(value, int) and value is not True else str(value)


def render_page(made: VersionDiff, old: Manifest, new: Manifest) -> str:
    """The comparison as an HTML document without any external resource."""
    return _template().render(
        made=msgspec.structs.asdict(made), old=old, new=new, columns=columns, words=words, text=text
    )


@functools.cache
def _template() -> Any:
    import jinja2

    loaders = [
        jinja2.PackageLoader("pipelines.versions.looking", "."),
        jinja2.PackageLoader("transforms.core.report.page", "templates"),
    ]
    environment = jinja2.Environment(
        loader=jinja2.ChoiceLoader(loaders),
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
        undefined=jinja2.StrictUndefined,
    )
    environment.filters["integer"] = integer
    return environment.get_template("diff.html.j2")
