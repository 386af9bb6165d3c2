"""The tables of columns in docs/tables.md; `python -m tests.columns` writes them."""

import pathlib
import re

from transforms.core.model.columns import describe_columns
from transforms.core.output.described.schema_json import type_name
from transforms.core.output.jobs.captions import CAPTIONS_JOB
from transforms.core.output.jobs.images import IMAGES
from transforms.core.output.jobs.narratives import NARRATIVES
from transforms.core.output.jobs.open_images import OPEN_IMAGES
from transforms.core.output.statistics.moments import STATISTICS

PAGE = pathlib.Path(__file__).parents[1] / "docs" / "tables.md"
JOBS = {job.name: job for job in (NARRATIVES, IMAGES, CAPTIONS_JOB, OPEN_IMAGES)}

_PART = re.compile(r"(<!-- columns of (\S+): (\S+) -->\n)(?:.*?)(<!-- end -->)", re.S)
_HEAD = "| column | type | unit | meaning | source |\n| --- | --- | --- | --- | --- |\n"


def tables_of(page):
    """Jobs and tables whose columns a page has."""
    return [(job, table) for _, job, table, _ in _PART.findall(page)]


def render(page):
    """A page with the tables of columns as the schemas have them."""
    shown = set()
    return _PART.sub(
        lambda part: f"{part[1]}{_HEAD}{_rows(part[2], part[3], shown)}{part[4]}", page
    )


def _rows(job, table, shown):
    columns = describe_columns(JOBS[job].all_tables[table])
    known = {column.path for column in columns if _key(column) in shown}
    shown |= {_key(column) for column in columns}
    rows = []
    for column in columns:
        if column.path != column.field.name and _outer(column) in known:
            continue  # parts that stand further up on the page
        if not column.path.endswith(tuple(f"_{name}" for name in list(STATISTICS)[1:])):
            rows.append(_row(column))
    return "".join(f"| {' | '.join(row)} |\n" for row in rows)


def _key(column):
    return column.path, str(column.field.type)


def _outer(column):
    return re.split(r"\[\]\.|\.", column.path)[0]


def _row(column):
    names, meaning = [column.path], column.description
    if column.path.endswith("_sum"):  # the mean and the deviation stand in the same row
        stem = column.path.removesuffix("sum")
        names = [f"{stem}{name}" for name in STATISTICS]
        meaning = f"{', '.join(STATISTICS.values())} {meaning.removeprefix('sum ')}"
    kind = type_name(column.field.type) + ("" if column.field.nullable else ", never null")
    return ", ".join(f"`{name}`" for name in names), kind, column.unit, meaning, column.source


def main():
    """Writes them."""
    PAGE.write_text(render(PAGE.read_text(encoding="utf-8")), encoding="utf-8")


if __name__ == "__main__":
    main()
