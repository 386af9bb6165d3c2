"""The version's `README.md`: a dataset card, for people and for Hugging Face's `datasets`."""

from collections.abc import Collection, Sequence

import pyarrow as pa

from transforms.core.model.manifest_entries import TableFile
from transforms.core.output.jobs.narratives import NARRATIVES

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

## Licence

The annotations are licensed under [CC BY 4.0](https://creativecommons.org/licenses/by/4.0/), as the
Localized Narratives, Open Images and COCO annotations that they are derived from. The images are
not part of this dataset; where the author and licence of an image are known, they are in the column
`image`.

## Citation

```bibtex
@inproceedings{{PontTuset_eccv2020,
  author    = {{Jordi Pont-Tuset and Jasper Uijlings and Soravit Changpinyo and Radu Soricut and
               Vittorio Ferrari}},
  title     = {{Connecting Vision and Language with Localized Narratives}},
  booktitle = {{ECCV}},
  year      = {{2020}}
}}
```
"""


def render_card(
    version: str,
    files: Sequence[TableFile],
    richness: pa.Table,
    generated: Collection[tuple[str | None, str | None]],
) -> str:
    """The text of a version's `README.md`.

    Its head names every Parquet table that has rows as a configuration of Hugging Face's
    `datasets`, which else takes the words of file names for splits.

    Args:
      version: The version's name.
      files: The manifest's entries of the tables' files.
      richness: The table of that name.
      generated: Datasets and splits with generated narratives (`views.generated_splits`).
    """
    rows = dict.fromkeys(NARRATIVES.all_meanings, 0)
    for file in files:
        rows[file.table] += file.rows
    tables = "\n".join(
        f"| `{name}` | {rows[name]:,} | {what} |" for name, what in NARRATIVES.all_meanings.items()
    )
    loadable = [name for name in rows if rows[name] and name != "rejected"]
    text = _TEXT.format(
        version=version,
        tables=tables,
        contents=_contents(richness, generated),
        datasets=_datasets(richness, generated),
    )
    return f"{_front_matter(loadable)}\n{text}"


def _front_matter(tables: Sequence[str]) -> str:
    lines = ["---", "pretty_name: Localized Narratives, grounded", "license: cc-by-4.0",
             "language:", "- en", "configs:"]  # fmt: skip
    for name in tables:
        lines += [f"- config_name: {name}"]
        lines += ["  default: true"] if name == DEFAULT_TABLE else []
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
