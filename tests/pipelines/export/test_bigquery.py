"""Files for BigQuery: what its own parser reads of the schemas, and what the script would do."""

import json
import subprocess
import sys

import google_crc32c
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from google.cloud.bigquery import SchemaField

from pipelines.export.job import main
from pipelines.export.options import ExportOptions
from pipelines.export.targets.registry import TARGETS
from tests import build_helpers as helpers
from transforms.core.base.errors import UsageError
from transforms.core.output.exports.bigquery import schema_of
from transforms.core.output.jobs.narratives import NARRATIVES


@pytest.fixture(scope="module")
def narratives(tmp_path_factory):
    output = tmp_path_factory.mktemp("narratives") / "out"
    assert helpers.build(output, [helpers.ODD_AND_BAD]) == 0
    return output


@pytest.fixture(scope="module")
def exported(narratives):
    folder = narratives.parent / "files"
    assert export(narratives, folder) == 0
    return folder / helpers.version_of(narratives).name


def export(output, folder, *more):
    return main(["--to", "bigquery", "--input", str(output), "--output", str(folder), *more])


def test_the_schemas_are_those_of_the_load_files(exported):
    modes = {"REPEATED": pa.types.is_list}
    for path in sorted(exported.glob("schemas/*.json")):
        described = json.loads(path.read_text())
        fields = [SchemaField.from_api_repr(entry) for entry in described]
        assert [field.to_api_repr() for field in fields] == described
        for file in exported.glob(f"tables/{path.stem}/*.parquet"):
            columns = pq.read_schema(file)
            assert [field.name for field in fields] == columns.names
            for field, column in zip(fields, columns, strict=True):
                assert modes.get(field.mode, lambda _: True)(column.type)
    words = next(entry for entry in json.loads((exported / "schemas/narratives.json").read_text())
                 if entry["name"] == "words")  # fmt: skip
    assert (words["type"], words["mode"]) == ("RECORD", "REPEATED")
    start = next(entry for entry in words["fields"] if entry["name"] == "start_time")
    assert (start["type"], start["mode"]) == ("FLOAT", "NULLABLE") and start["description"]


def test_rows_are_the_versions_and_the_seal_lists_every_file(narratives, exported):
    version = helpers.version_of(narratives)
    for source in version.glob("*/*.parquet"):
        copied = exported / "tables" / source.relative_to(version)
        is_index = source.parent.name in NARRATIVES.indexes
        assert copied.exists() != is_index
        assert is_index or copied.read_bytes() == source.read_bytes()
    rejected = pq.read_table(exported / "tables" / "rejected").to_pylist()
    assert rejected == helpers.rows_of(narratives, "rejected") and rejected
    seal = json.loads((exported / "export.json").read_text())
    found = {str(p.relative_to(exported)) for p in exported.rglob("*") if p.is_file()}
    assert found == {file["path"] for file in seal["files"]} | {"export.json"}
    for file in seal["files"]:
        data = (exported / file["path"]).read_bytes()
        assert (len(data), google_crc32c.value(data)) == (file["bytes"], file["crc32c"])


RECORDER = '#!/bin/sh\nprintf "%s\\n" "$(basename "$0") $*" >> "$CALLS"\n'


def test_the_script_loads_every_table(exported, tmp_path):
    for name in ("bq", "gcloud"):
        (tmp_path / name).write_text(RECORDER)
        (tmp_path / name).chmod(0o755)
    calls = tmp_path / "calls"
    environment = {"PATH": f"{tmp_path}:/usr/bin:/bin", "CALLS": str(calls)}
    subprocess.run(["bash", exported / "load.sh", "p:d", "gs://b/f"], env=environment, check=True)
    copied, *loads = calls.read_text().splitlines()
    assert copied == "gcloud storage cp --recursive tables gs://b/f/"
    assert (
        "bq load --replace --source_format=PARQUET --parquet_enable_list_inference "
        "--clustering_fields=dataset,split,image_id p:d.narratives "
        "gs://b/f/tables/narratives/*.parquet schemas/narratives.json"
    ) in loads
    seal = json.loads((exported / "export.json").read_text())
    for table, rows in seal["rows"].items():
        verb = "load" if rows else "mk"
        assert any(line.startswith(f"bq {verb}") and f"p:d.{table} " in line for line in loads)


def test_again_does_nothing_and_a_lost_file_is_put_there_again(narratives, exported, capsys):
    before = helpers.files_below(exported)
    assert export(narratives, exported.parent, "--summary", "json") == 0
    assert json.loads(capsys.readouterr().out)["status"] == "unchanged"
    assert helpers.files_below(exported) == before
    lost = next(exported.glob("tables/mentions/*.parquet"))
    data = lost.read_bytes()
    lost.unlink()
    assert export(narratives, exported.parent) == 0
    assert "is in" in capsys.readouterr().out and lost.read_bytes() == data


def test_wrong_use_is_a_sentence(narratives, tmp_path):
    with pytest.raises(UsageError, match="option `to` bigquery needs option `output`: folder"):
        main(["--to", "bigquery", "--input", str(narratives)])
    with pytest.raises(UsageError, match="option `dsn` is for option `to` postgres, not"):
        export(narratives, tmp_path, "--dsn", "service=x")
    with pytest.raises(UsageError, match="has no table 'images'"):
        export(narratives, tmp_path, "--tables", "images")
    with pytest.raises(UsageError, match="--id|there is no version"):
        export(narratives, tmp_path, "--id", "nowhere")
    with pytest.raises(UsageError, match=r"unexpected argument `postgresql://\*\*\*@h/d`"):
        export(narratives, tmp_path, "--id", "current", "postgresql://me:s3cret@h/d")
    for columns in ({"_TABLE_x": pa.string()}, {"a": pa.int8(), "A": pa.int8()},
                    {"a b": pa.int8()}, {"n": pa.uint64()},
                    {"l": pa.list_(pa.list_(pa.int8()))}):  # fmt: skip
        with pytest.raises(UsageError, match="table t, column"):
            schema_of("t", pa.schema(columns))


def test_without_psycopg_it_is_said_what_to_install(narratives, monkeypatch):
    monkeypatch.setitem(sys.modules, "psycopg", None)
    with pytest.raises(UsageError, match=r"pip install 'localized-narratives-beam\[postgres\]'"):
        main(["--to", "postgres", "service=mine", "--input", str(narratives)])


def test_targets_are_a_registry():
    assert ExportOptions.model_fields["to"].annotation.__args__ == tuple(TARGETS)
