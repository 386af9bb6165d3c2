"""For Hugging Face: a folder that `datasets.load_dataset` loads, with typed features."""

import dataclasses
import itertools
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, ClassVar

import pyarrow as pa
import yaml

from transforms.core.model.manifest_entries import TableFile
from transforms.core.output.exports import hf
from transforms.core.output.tables import encode_parquet
from transforms.versions.exports.files.folder import ExportFolder
from transforms.versions.exports.files.target import Completion, Part
from transforms.versions.exports.version import ExportedVersion, read_rows

_FORMAT = 1
_ALL = "train"
"""The one split of a table that has none."""

_CARD = """\
# {title}, version {version}

```python
import datasets

{example}
```

A configuration is a table, with all data sets, or a table and one data set (`narratives-coco`). Its
splits are the published ones; those of statistics are all `train`. Columns are those of the version
(see docs/tables.md of localized-narratives-beam), but for class labels: {labels}, whose names
`features` has. `datasets` holds no table without rows: {empty}.

| configuration | split | rows |
| --- | --- | ---: |
{rows}

{about}"""


@dataclasses.dataclass(frozen=True)
class HuggingFaceFiles:
    """Parquet files by data set and split, and the card that declares them: a `FileWriter`.

    Attributes:
      version: What is exported.
      classes: Ids of the classes that are mentioned, in order; empty if not known.
    """

    version: ExportedVersion
    classes: tuple[str, ...]
    name: ClassVar[str] = "hf"

    @property
    def settings(self) -> dict[str, Any]:
        """As of `FileWriter`."""
        return {"format": _FORMAT, "classes": list(self.classes)}

    def check(self) -> None:
        """As of `FileWriter`."""

    def labels(self, table: str) -> hf.Labels:
        """The class labels of a table."""
        closed = hf.CLOSED.get(table, {}) if self.version.job == "build" else {}
        if table == "mentions" and self.classes:
            closed = {"class_id": self.classes}
        return {name: names for name, names in closed.items()
                if name in self.version.schemas[table].names}  # fmt: skip

    def write(self, file: TableFile, folder: ExportFolder) -> Part:
        """As of `FileWriter`: a file for each data set and split that it has rows of."""
        if not file.rows:
            return Part(files=[])
        schema = self.version.schemas[file.table]
        batches = read_rows(self.version.folder, file)
        first = next(batches)
        about = _about(first, file)
        cast = [batch.cast(schema) for batch in itertools.chain([first], batches)]
        rows = pa.Table.from_batches(cast, schema).unify_dictionaries()
        files, splits = [], []
        for group, split, own in _partition(rows, file):
            labelled = hf.with_labels(file.table, own, self.labels(file.table))
            labelled = labelled.replace_schema_metadata({**about, **labelled.schema.metadata})
            files.append(folder.write(_path_of(file, group, split), encode_parquet(labelled)))
            splits.append([group, split, len(own)])
        told = {key.decode(): value.decode() for key, value in about.items()}
        return Part(files=files, more={"splits": splits, "about": told})

    def complete(self, parts: Sequence[tuple[TableFile, Part]], folder: ExportFolder) -> Completion:
        """As of `FileWriter`."""
        rows: dict[str, dict[str | None, dict[str, int]]] = {}
        for file, part in parts:
            groups = rows.setdefault(file.table, {})
            for group, split, number in part.more.get("splits", ()):
                splits = groups.setdefault(group, defaultdict(int))
                splits[split] += number
        about: dict[str, str] = next(
            (part.more["about"] for _, part in parts if part.more.get("about")), {}
        )
        card = self._card({table: groups for table, groups in rows.items() if groups}, about)
        empty = sorted(self.version.schemas.keys() - {t for t, groups in rows.items() if groups})
        notes = [f"Tables without rows are not there: {', '.join(empty)}."] if empty else []
        return Completion(files=[folder.write("README.md", card.encode())], notes=notes)

    def _card(
        self, tables: Mapping[str, Mapping[str | None, Mapping[str, int]]], about: Mapping[str, str]
    ) -> str:
        configs = [config for table, groups in tables.items()
                   for config in _configs(table, groups)]  # fmt: skip
        licence = about.get("licence", "")
        head: dict[str, Any] = {
            "pretty_name": self._title,
            "license": licence.partition(":")[0].lower() if "://" in licence else "other",
            **self._head(configs),
        }
        labels = [f"`{table}.{name}`" for table in tables for name in self.labels(table)]
        empty = [f"`{name}`" for name in self.version.schemas if name not in tables]
        text = _CARD.format(
            title=self._title,
            version=self.version.name,
            example=_example(configs),
            labels=", ".join(labels) or "none",
            empty=", ".join(empty) or "none here",
            rows="\n".join(
                f"| `{config.name}` | {split} | {rows:,} |"
                for config in configs
                for split, rows in config.splits.items()
            ),
            about=_about_text(about),
        )
        front = yaml.dump(head, Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=1000)
        return f"---\n{front}---\n\n{text}"

    @property
    def _title(self) -> str:
        return "Localized Narratives, grounded" if self.version.job == "build" else self.version.job

    def _head(self, configs: Sequence["_Config"]) -> dict[str, Any]:
        """What `datasets` reads: files of each configuration, and its features."""
        if not configs:
            return {}
        features = {
            table: hf.yaml_features(hf.features_of(self.version.schemas[table], self.labels(table)))
            for table in {config.table for config in configs}
        }
        default = configs[0].name
        listed, infos = [], []
        for config in configs:
            files = [{"split": split, "path": config.path(split)} for split in config.splits]
            marked = {"default": True} if config.name == default else {}
            listed.append({"config_name": config.name, **marked, "data_files": files})
            infos.append({"config_name": config.name, "features": features[config.table]})
        return {"configs": listed, "dataset_info": infos}


class _Dumper(yaml.SafeDumper):
    """Writes what occurs twice twice: not every reader of cards knows references."""

    def ignore_aliases(self, data: Any) -> bool:  # noqa: ARG002
        return True


@dataclasses.dataclass(frozen=True)
class _Config:
    """A configuration: a table, of all data sets or of one."""

    name: str
    table: str
    group: str
    splits: Mapping[str, int]

    def path(self, split: str) -> str:
        return f"data/{self.table}/{self.group}/{split}-*.parquet"


def _configs(table: str, groups: Mapping[str | None, Mapping[str, int]]) -> Iterator["_Config"]:
    """A table's configurations."""
    in_all: dict[str, int] = defaultdict(int)
    for splits in groups.values():
        for split, rows in splits.items():
            in_all[split] += rows
    yield _Config(table, table, "*", {split: in_all[split] for split in hf.in_order([*in_all])})
    for group, splits in groups.items():
        if group is not None:
            own = {split: splits[split] for split in hf.in_order([*splits])}
            yield _Config(f"{table}-{group}", table, group, own)


def _about(batch: pa.RecordBatch, file: TableFile) -> dict[bytes, bytes]:
    """What a file says of its licence and source, which its rows come with."""
    if not file.path.endswith(".parquet"):
        return {}
    found = batch.schema.metadata or {}
    return {key: value for key, value in found.items() if not key.startswith(b"ARROW")}


def _partition(rows: pa.Table, file: TableFile) -> Iterator[tuple[str | None, str, pa.Table]]:
    """Rows by data set and split, as these are called in names; statistics stay in one piece."""
    column = next((name for name in hf.GROUPS if name in rows.column_names), None)
    if file.shard is None or column is None or "split" not in rows.column_names:
        yield None, _ALL, rows
        return
    places: dict[tuple[str, str], list[int]] = defaultdict(list)
    pairs = zip(rows[column].to_pylist(), rows["split"].to_pylist(), strict=True)
    for place, (group, split) in enumerate(pairs):
        places[hf.plain_name(group), hf.plain_name(split)].append(place)
    for (group, split), own in places.items():
        yield group, split, rows if len(own) == len(rows) else rows.take(pa.array(own))


def _path_of(file: TableFile, group: str | None, split: str) -> str:
    number = file.path.rpartition("/")[2].partition(".")[0].rpartition("-")[2]
    return f"data/{file.table}/{group or 'all'}/{split}-{number}.parquet"


def _example(configs: Sequence[_Config]) -> str:
    one = configs[0] if configs else _Config("narratives", "narratives", "*", {_ALL: 0})
    named = next((config for config in configs if config.group != "*"), one)
    return (
        f'rows = datasets.load_dataset("FOLDER", split="{next(iter(one.splits))}")\n'
        f'some = datasets.load_dataset("FOLDER", "{named.name}")'
    )


def _about_text(about: Mapping[str, str]) -> str:
    parts = [f"## Licence\n\n{about['licence']}\n"] if about.get("licence") else []
    parts += [f"## Source\n\n{about['source']}\n"] if about.get("source") else []
    if about.get("citation"):
        parts.append(f"## Citation\n\n```bibtex\n{about['citation']}\n```\n")
    return "\n".join(parts)
