"""Versions of rows that are made for a test, by the machinery: a job whose lines are rows."""

import pathlib

import pyarrow as pa
import pyarrow.parquet as pq

from tests import build_helpers as helpers
from tests.pipelines.runs import token_captions
from transforms.core.model.manifest import Manifest, decode_manifest, encode_manifest

import google_crc32c  # isort: skip
import msgspec  # isort: skip


def captions(folder, lines):
    """An output with a version of captions, one a line."""
    path = folder / "results.token"
    path.write_text("".join(f"10000927{n:04d}.jpg#0\t{line}\n" for n, line in enumerate(lines)))
    assert token_captions.main(["--input", str(path), "--output", str(folder / "out"),
                                "--unit-bytes", "4096"]) == 0  # fmt: skip
    return folder / "out"


def with_table(output, table, rows: pa.Table):
    """Gives the current version one more table, and its manifest a line for it."""
    folder = helpers.version_of(output)
    path = folder / table / f"{table}.parquet"
    path.parent.mkdir()
    pq.write_table(rows, path)
    data = path.read_bytes()
    manifest = decode_manifest((folder / "manifest.json").read_bytes(), "", Manifest)
    entry = {"table": table, "path": f"{table}/{table}.parquet", "rows": len(rows),
             "bytes": len(data), "crc32c": google_crc32c.value(data)}  # fmt: skip
    files = [*manifest.files, msgspec.convert(entry, type(manifest.files[0]))]
    changed = msgspec.structs.replace(manifest, files=files)
    pathlib.Path(folder / "manifest.json").write_bytes(encode_manifest(changed))
