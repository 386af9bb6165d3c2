"""The manifest: what is sealed comes back, and what is newer, older or corrupt is said."""

import json

import msgspec
import pytest

from tests.transforms.core.manifests import NOTHING, index_of, manifest_with, shard_with
from transforms.core.base.errors import UsageError
from transforms.core.base.versions import digest
from transforms.core.model import manifest as everyones
from transforms.core.model import manifest as model
from transforms.core.model.manifest import FORMAT, NewerFormatError, encode_manifest
from transforms.core.model.narratives.manifest import Baseline, BuildManifest, decode_baseline

COUNTS = {"narratives": 3, "discarded_narratives": 1, "flags": {"no_caption": 1}}
SPLIT = {"dataset": "coco", "split": "train", "narratives": 3, "discarded": 1, "captions": 2}


def decode_manifest(data, place):
    return everyones.decode_manifest(data, place, BuildManifest)


@pytest.fixture
def made():
    files = [
        {"table": "mentions", "path": "mentions/a", "shard": "a", "rows": 1, "bytes": 2,
         "crc32c": 3},
        {"table": "richness", "path": "richness/b", "rows": 1, "bytes": 2, "crc32c": 3},
    ]  # fmt: skip
    pages = [{"path": "README.md", "bytes": 5, "crc32c": 6}]
    return manifest_with(
        annotations=index_of("boxes"),
        configuration={"input": ["a"], "max_bad_share": 0.1, "seed": None},
        shards=[shard_with("\u00e4.jsonl", lines=3, narratives=3)],
        counts=COUNTS,
        files=files,
        pages=pages,
        threshold={"kind": "max_distance", "value": "1/7", "calibrated_share": 0.1},
    )


def sealed(values):
    """JSON with its seal, whatever else it is."""
    rest = {name: value for name, value in values.items() if name != "seal"}
    return json.dumps(rest | {"seal": digest(rest)}).encode()


def test_what_is_encoded_comes_back(made):
    data = encode_manifest(made)
    read = decode_manifest(data, "m")
    assert read == msgspec.structs.replace(made, seal=read.seal) and len(read.seal) == 64
    assert encode_manifest(read) == data
    assert "\u00e4.jsonl" in data.decode()


def test_entries_stand_in_the_order_of_the_fields(made):
    values = json.loads(encode_manifest(made))
    assert tuple(values) == BuildManifest.__struct_fields__
    of_unit, of_all = values["files"]
    assert list(of_unit) == ["table", "path", "shard", "rows", "bytes", "crc32c"]
    assert list(of_all) == ["table", "path", "rows", "bytes", "crc32c"]


@pytest.mark.parametrize(
    "change", [{"version": "w"}, {"configuration": {"a": 0.2}}, {"more": 1}, {"seal": "0"}], ids=str
)
def test_it_is_sealed_over_all_that_it_says(made, change):
    values = json.loads(encode_manifest(made))
    assert decode_manifest(json.dumps(values).encode(), "m").version == made.version
    for decode in (decode_manifest, decode_baseline):
        with pytest.raises(UsageError, match="^a/m: is corrupt, its seal differs: "):
            decode(json.dumps(values | change).encode(), "a/m")
    del values["seal"]
    with pytest.raises(UsageError, match="its seal differs"):
        decode_manifest(json.dumps(values).encode(), "m")


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (b"", "is not JSON"),
        (b"{", "is not JSON"),
        (b"\xff", "is not JSON"),
        (b"[]", "is not a manifest"),
        (b"null", "is not a manifest"),
        (b"[" * 100_000, "is not JSON"),
    ],
    ids=repr,
)
def test_what_is_no_manifest(data, said):
    for decode in (decode_manifest, decode_baseline):
        with pytest.raises(UsageError, match=f"^m: {said}"):
            decode(data, "m")


def test_one_of_a_newer_program_is_refused():
    data = sealed({**NOTHING, "format": FORMAT + 1, "counts": COUNTS})
    for decode in (decode_manifest, decode_baseline):
        with pytest.raises(
            NewerFormatError, match=r"m: was written by a newer version .*: upgrade it$"
        ):
            decode(data, "m")


def test_one_of_an_older_program_is_refused_but_compared_with(monkeypatch, made):
    data = encode_manifest(made)
    monkeypatch.setattr(model, "FORMAT", FORMAT + 1)
    with pytest.raises(UsageError, match=f"m: is of format {FORMAT}, which .* does not read: make"):
        decode_manifest(data, "m")
    assert decode_baseline(data, "m").counts.narratives == 3


def test_one_that_lacks_an_entry_is_refused(made):
    values = json.loads(encode_manifest(made))
    del values["pages"]
    with pytest.raises(UsageError, match="missing required field `pages`"):
        decode_manifest(sealed(values), "m")
    with pytest.raises(UsageError, match=r"Expected `str`, got `int` - at `\$.version`"):
        decode_manifest(sealed({**NOTHING, "version": 7}), "m")


def test_entries_that_a_later_program_adds_are_skipped(made):
    values = json.loads(encode_manifest(made))
    read = decode_manifest(sealed(values | {"more": [1]}), "m")
    assert msgspec.structs.replace(read, seal="") == made


def test_the_baseline_of_this_format_and_of_the_oldest(made):
    row = {**SPLIT, **dict.fromkeys(("dataset_id_differs", "with_images", "with_labels",
                                     "with_boxes", "mentions", "with_box"), 0)}  # fmt: skip
    made = manifest_with(splits=[row], counts=COUNTS, configuration={"min_words": 3})
    baseline = decode_baseline(encode_manifest(made), "m")
    assert msgspec.to_builtins(baseline) == {
        "counts": COUNTS, "splits": [SPLIT], "configuration": {"min_words": 3},
    }  # fmt: skip
    oldest = decode_baseline(json.dumps({"counts": COUNTS}).encode(), "m")  # without a seal
    assert oldest == msgspec.convert({"counts": COUNTS}, Baseline) and oldest.splits == []


@pytest.mark.parametrize(
    "changed",
    [
        {"counts": {}},
        {"counts": None},
        {"counts": COUNTS | {"narratives": "3"}},
        {"splits": [{}]},
        {"splits": 7},
        {"splits": [SPLIT, SPLIT]},
        {"configuration": []},
    ],
    ids=str,
)
def test_what_lacks_what_is_compared_is_not_compared_with(changed):
    assert decode_baseline(json.dumps({"counts": COUNTS}).encode(), "m")
    with pytest.raises(UsageError, match="^m: is not what this version of the program writes"):
        decode_baseline(json.dumps({"counts": COUNTS} | changed).encode(), "m")
