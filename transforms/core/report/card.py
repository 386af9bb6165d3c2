"""The version's `README.md`: a dataset card, for people and for Hugging Face's `datasets`."""

from collections.abc import Collection, Mapping, Sequence

import pyarrow as pa

from transforms.core.model.manifest_entries import TableFile, rows_by_table
from transforms.core.output.jobs.job import Job
from transforms.core.output.jobs.narratives import NARRATIVES
from transforms.core.output.jobs.origins import Origin
from transforms.core.output.tables import ending_of

DEFAULT_TABLE = "narratives"
"""What `load_dataset(FOLDER)` takes."""

_TEXT = """\
# Localized Narratives, version {version}

{contents}, grounded, filtered and joined with
annotations: each table is a folder of files, and `manifest.json` lists every file with its rows
and checksum, every input and the configuration. `report.html` shows the figures.

{datasets}

| table | rows | a row is |
| --- | ---: | --- |
{tables}

## Reading

```python
pandas.read_parquet("narratives")
polars.read_parquet("narratives/*.parquet")
duckdb.sql("from 'narratives/*.parquet'")
pyarrow.dataset.dataset("narratives")
spark.read.parquet("narratives")
datasets.load_dataset("FOLDER", "narratives", split="train")  # FOLDER: where this file is
```

`datasets` calls all rows `train`, whatever was published as which split: that is in the column
`split`. It cannot hold a table without rows, so tables without rows are not among its
configurations; nor are Avro files.

{other}

{about}"""

_TABLES_TEXT = """\
# {title}, version {version}

Each table is a folder of files, and `manifest.json` lists every file with its rows and checksum,
every input and the configuration. `report.html` shows the figures.

| table | rows | a row is |
| --- | ---: | --- |
{tables}

{other}

{about}"""

_OTHER = """\
What columns mean, their units and sources are in `schema.json`, and in the Parquet files. For other
tools there are `croissant.json` (Croissant; with the SHA-256 of all files), `datapackage.json`
(Frictionless), `views.sql` (DuckDB) and the folder `bigquery` (schemas, and `load.sh`)."""


def render_card(
    version: str,
    files: Sequence[TableFile],
    richness: pa.Table,
    generated: Collection[tuple[str | None, str | None]],
    selection: str | None = None,
) -> str:
    """The text of a version's `README.md`.

    Its head names every Parquet table that has rows as a configuration of Hugging Face's
    `datasets`, which else takes the words of file names for splits.

    Args:
      version: The version's name.
      files: The manifest's entries of the tables' files.
      richness: The table of that name.
      generated: Datasets and splits with generated narratives (`views.generated_splits`).
      selection: Which narratives it is of, where it is not of all (`views.selection`).
    """
    rows = rows_of_all(files, NARRATIVES)
    text = _TEXT.format(
        version=version,
        tables=_listed(rows, NARRATIVES),
        contents=_contents(richness, generated),
        datasets="\n\n".join(filter(None, [selection, _datasets(richness, generated)])),
        other=_OTHER,
        about=_about(NARRATIVES.origin),
    )
    head = [
        "pretty_name: Localized Narratives, grounded",
        _licence(NARRATIVES.origin),
        "language:",
        "- en",
    ]
    return f"{_front_matter(head, _of_parquet(rows, NARRATIVES), DEFAULT_TABLE)}\n{text}"


def render_tables_card(version: str, files: Sequence[TableFile], job: Job) -> str:
    """The text of the `README.md` of a version of a job that has little to say.

    Args:
      version: The version's name.
      files: The manifest's entries of the tables' files.
      job: The job.
    """
    rows = rows_of_all(files, job)
    head = [f"pretty_name: {job.title}", _licence(job.origin)]
    text = _TABLES_TEXT.format(
        title=job.title,
        version=version,
        tables=_listed(rows, job),
        other=_OTHER,
        about=_about(job.origin),
    )
    return f"{_front_matter(head, _of_parquet(rows, job), job.accounted[0])}\n{text}"


def _licence(origin: Origin) -> str:
    return f"license: {origin.licence.lower() or 'other'}"


def _about(origin: Origin) -> str:
    """The sections on licence and citation, of what is known."""
    licence = f"## Licence\n\n{origin.licence_note}\n" if origin.licence_note else ""
    citation = f"## Citation\n\n```bibtex\n{origin.citation}\n```\n" if origin.citation else ""
    return "\n".join(filter(None, (licence, citation)))


def rows_of_all(files: Sequence[TableFile], job: Job) -> dict[str, int]:
    """Rows of each table of a job's version, also of those that have none."""
    return dict.fromkeys(job.all_meanings, 0) | rows_by_table(files)


def _listed(rows: Mapping[str, int], job: Job) -> str:
    return "\n".join(
        f"| `{name}` | {rows[name]:,} | {what} |" for name, what in job.all_meanings.items()
    )


def _of_parquet(rows: Mapping[str, int], job: Job) -> dict[str, int]:
    """Those of the tables that are Parquet, which others than `datasets` read too."""
    others = {name for name, schema in job.tables.items() if ending_of(schema) != "parquet"}
    return {name: number for name, number in rows.items() if name not in others}


def _front_matter(head: Sequence[str], rows: Mapping[str, int], default: str) -> str:
    """What `datasets` reads: a configuration for each Parquet table that has rows."""
    tables = [name for name, number in rows.items() if number]
    lines = ["---", *head, "configs:"]
    for name in tables:
        lines += [f"- config_name: {name}"]
        lines += ["  default: true"] if name == default else []
        lines += ["  data_files:", "  - split: train", f'    path: "{name}/*.parquet"']
    return "\n".join([*(lines if tables else lines[:-1]), "---", ""])


def _contents(richness: pa.Table, generated: Collection[tuple]) -> str:
    """What the narratives are: spoken ones, generated ones or both."""
    splits = {(row["dataset"], row["split"]) for row in richness.to_pylist()}
    if splits and not any(richness["trace_points_sum"].to_pylist()):
        return "Image descriptions without traces"
    if not splits & set(generated):
        return "Spoken image descriptions with synchronised mouse traces"
    if splits <= set(generated):
        return "Generated image descriptions with traces, which nobody spoke"
    return "Spoken image descriptions with synchronised mouse traces, beside generated ones"


def _datasets(richness: pa.Table, generated: Collection[tuple]) -> str:
    if not richness.num_rows:
        return "No narrative was kept."
    lines = ["| dataset | split | narratives | images |", "| --- | --- | ---: | ---: |"]
    for row in richness.select(["dataset", "split", "captions", "images"]).to_pylist():
        is_generated = (row["dataset"], row["split"]) in generated
        mark = " (generated, not spoken by people)" if is_generated else ""
        name, split = row["dataset"] or "unknown", row["split"] or "unknown"
        lines.append(f"| {name}{mark} | {split} | {row['captions']:,} | {row['images']:,} |")
    return "\n".join(lines)
