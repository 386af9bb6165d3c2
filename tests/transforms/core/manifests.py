"""Manifests for tests: one with nothing in it, and changes as its JSON would have them."""

import msgspec

from transforms.core.model.manifest import FORMAT
from transforms.core.model.narratives.manifest import BuildManifest

NOTHING = {
    "format": FORMAT,
    "job": "build",
    "version": "v",
    "created": "2026-01-02T03:04:05+00:00",
    "previous": None,
    "configuration": {},
    "code": "8d3c",
    "packages": {},
    "annotations": None,
    "transcripts": None,
    "threshold": None,
    "warnings": [],
    "inputs": [],
    "shards": [],
    "expected": [],
    "splits": [],
    "counts": {},
    "units": [],
    "bad_lines": [],
    "repeated_keys": {"narratives": 0, "keys": 0, "first": []},
    "files": [],
    "checks": [],
    "not_compared": [],
    "columns": {},
    "pages": [],
    "seal": "",
}


def manifest_with(**changes):
    """A manifest of nothing but these entries."""
    assert changes.keys() <= NOTHING.keys()
    return msgspec.convert({**NOTHING, **changes}, BuildManifest)


def shard_with(shard, **changes):
    """A shard's entry, as JSON has it, that is conserved and without lines but for these."""
    numbers = ("lines", "narratives", "discarded", "rejected", "blank", "bytes", "size")
    row = {"shard": shard, "dataset": None, "split": None, **dict.fromkeys(numbers, 0)}
    return {**row, "conserved": True, **changes}


def index_of(*roles):
    """The entry, as JSON has it, of an index of files in these roles."""
    sources = [{"role": role, "path": role, "size": 1, "fingerprint": "1"} for role in roles]
    return {"path": "i", "fingerprint": "2", "sources": sources, "rows": {}, "warnings": []}
