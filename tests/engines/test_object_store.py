"""Finding and reading files, on a disk and in a bucket: the same answers from both."""

import gzip
import io
import os

import google_crc32c
import msgspec
import pytest

from tests.engines.files import names_below, write
from tests.engines.servers.fault_proxy import PAGE
from tests.transforms.core.manifests import manifest_with
from tests.transforms.storage.test_storage import PACKERS, TEXT
from transforms import storage
from transforms.core.base.errors import UsageError
from transforms.core.model.manifest import encode_manifest
from transforms.core.model.narratives.manifest import BuildManifest
from transforms.core.output.version import describe_page
from transforms.units.publishing.read_version import read_complete

pytestmark = pytest.mark.engines

ODD_NAMES = ["a b+c.txt", "100%25 #1&2=3;4,5.txt", "größe 東京 🙂.txt", "x~!@$^(){}'\"|<>.txt"]


@pytest.mark.parametrize("size", [0, 1, 1_000_000, 9_000_000])
def test_what_is_written_is_read(root, size):
    path, data = storage.join(root, "deep", "file"), os.urandom(size)
    storage.write_bytes(path, b"older")
    storage.write_bytes(path, data)
    assert storage.read_bytes(path) == data
    with storage.open_binary(path) as file:
        assert file.read() == data
    assert names_below(root) == ["deep/file"]


@pytest.mark.parametrize("name", ODD_NAMES)
def test_names_may_be_odd(root, name):
    (path,) = write(root, name)
    assert storage.exists(path) and storage.list_dir(root) == [name]
    assert storage.read_bytes(path) == name.encode()
    assert [file.path for file in storage.match([path])] == [path]
    storage.copy_files([(path, f"{path}.2")])
    storage.remove_file(path)
    assert storage.list_dir(root) == [f"{name}.2"]


def test_a_file_can_be_read_in_pieces(root):
    path, data = storage.join(root, "file"), os.urandom(5_000_000)
    storage.write_bytes(path, data)
    expected = io.BytesIO(data)
    with storage.open_binary(path) as file:
        for step in (
            lambda f: f.read(10),
            lambda f: f.seek(3_000_000),
            lambda f: f.read(1_500_000),
            lambda f: f.tell(),
            lambda f: f.seek(-70, io.SEEK_END),
            lambda f: f.read(100),
            lambda f: f.read(1),
            lambda f: f.seek(5, io.SEEK_SET),
            lambda f: f.seek(1_048_570, io.SEEK_CUR),
            lambda f: f.readline(),
            lambda f: f.readinto(bytearray(2_000_000)),
            lambda f: f.seek(6_000_000),
            lambda f: f.read(),
            lambda f: f.seek(0),
            lambda f: f.readlines(),
        ):
            assert step(file) == step(expected)


def test_only_what_is_needed_is_fetched(bucket):
    path = bucket.put("file", os.urandom(50_000_000))
    with storage.open_binary(path) as file:
        file.seek(20_000_000)
        file.read(3_000_000)
        file.readline()
    ranges = [seen.call.target for seen in bucket.faults.seen(kind="read")]
    assert 1 <= len(ranges) <= 5


def test_a_file_that_was_changed_is_not_taken_for_the_old_one(root):
    (path,) = write(root, "file")
    (found,) = storage.match([path])
    with storage.open_binary(path, found.fingerprint) as file:
        assert file.read() == b"file"
    storage.write_bytes(path, b"other")
    for opened in (storage.open_binary, storage.open_decompressed):
        with pytest.raises(UsageError, match="was changed during the run"):
            opened(path, found.fingerprint)
    assert storage.match([path])[0].fingerprint != found.fingerprint


def test_a_file_that_is_changed_while_it_is_read_is_not_mixed(root):
    path = storage.join(root, "file")
    storage.write_bytes(path, b"a" * 5_000_000)
    with storage.open_binary(path) as file:
        assert file.read(100) == b"a" * 100
        storage.write_bytes(path, b"b" * 5_000_000)
        try:
            rest = file.read()
        except UsageError as error:
            assert "was changed during the run" in str(error)
        else:
            assert rest == b"a" * 4_999_900


def test_an_object_is_removed_while_it_is_read(bucket):
    path = bucket.put("file", b"a" * 5_000_000)
    with storage.open_binary(path) as file:
        file.read(100)
        bucket.remove(["file"])
        with pytest.raises(UsageError, match=path):
            file.read()


@pytest.mark.parametrize("suffix", PACKERS)
def test_compressed_files_are_read_whole(root, suffix):
    path = storage.join(root, f"a{suffix}")
    storage.write_bytes(path, PACKERS[suffix](TEXT) + PACKERS[suffix](b"second"))
    with storage.open_decompressed(path) as file:
        assert file.read(10) == TEXT[:10]
        assert file.readline() == TEXT.splitlines(keepends=True)[0][10:]
        assert file.read() == TEXT[TEXT.index(b"\n") + 1 :] + b"second"


@pytest.mark.parametrize("suffix", PACKERS)
def test_damaged_files_are_not_taken_for_shorter_ones(root, suffix):
    path = storage.join(root, f"a{suffix}")
    packed = PACKERS[suffix](TEXT)
    storage.write_bytes(path, packed[: len(packed) // 2])
    with storage.open_decompressed(path) as file:
        with pytest.raises(UsageError, match=f"a{suffix}' is corrupt, cut short or not what"):
            file.read()


def test_an_object_that_is_stored_compressed_comes_as_it_is(bucket):
    """A store may decompress what it knows to be compressed on its way out; that must not be."""
    blob = bucket._bucket.blob("a.jsonl.gz")
    blob.content_encoding = "gzip"
    blob.upload_from_string(gzip.compress(TEXT, mtime=0))
    path = f"{bucket.url}/a.jsonl.gz"
    assert storage.read_bytes(path) == gzip.compress(TEXT, mtime=0)
    with storage.open_decompressed(path) as file:
        assert file.read() == TEXT


TREE = [
    "a.jsonl",
    "b.jsonl",
    "c[1].jsonl",
    "d.csv",
    "sub/a.jsonl",
    "sub/deep/a.jsonl",
    "sub2/x.csv",
]


@pytest.mark.parametrize(
    "patterns",
    [
        ["*.jsonl"],
        ["b.jsonl", "a.jsonl"],
        ["?.jsonl", "d.csv", "a.jsonl"],
        ["[ab].jsonl"],
        ["[!a].jsonl"],
        ["c[1].jsonl"],
        ["*/a.jsonl"],
        ["*/*/a.jsonl"],
        ["sub*/*"],
        ["s*/d*/*.jsonl", "*.csv"],
        ["nothing.jsonl"],
        ["nothing*"],
        ["a.jsonl/b"],
        ["su?"],
        ["sub"],
        ["sub/deep/"],
        ["A.jsonl"],
        ["a.jsonl", "*.txt"],
    ],
)
def test_patterns_name_the_same_files_in_both_stores(bucket, tmp_path, patterns):
    answers = []
    for root in (str(tmp_path / "root"), f"{bucket.url}/root"):
        write(root, *TREE)
        try:
            found = storage.match([storage.join(root, pattern) for pattern in patterns])
            answers.append([(file.path.replace(root, "ROOT"), file.size) for file in found])
        except UsageError as error:
            answers.append(str(error).replace(root, "ROOT"))
    assert answers[0] == answers[1]


@pytest.mark.parametrize(
    ("path", "message"),
    [
        ("gs://", "names no bucket: write gs://BUCKET/NAME"),
        ("gs:///file", "names no bucket"),
        ("gs://buck*/file", "names no bucket"),
        ("gs://-bucket/file", "no bucket can be called '-bucket'"),
        ("gs://bucket-that-is-not-there/file", "bucket-that-is-not-there/file'"),
        ("gs://bucket-that-is-not-there/*", "bucket-that-is-not-there"),
        ("s3://bucket/file", "s3:// is not supported, name a local path or gs://"),
    ],
)
def test_what_cannot_be_there_is_named(bucket, path, message):
    with pytest.raises(UsageError, match=message.replace("*", r"\*")):
        storage.match([path])


def test_a_file_that_is_not_there_is_named(root):
    path = storage.join(root, "nothing")
    for function in (storage.read_bytes, storage.open_binary, storage.open_decompressed):
        with pytest.raises(UsageError, match=path):
            function(path)
    assert not storage.exists(path) and storage.list_dir(path) == []
    assert storage.read_json(path) is None and read_complete(root, kind=BuildManifest) is None


def test_files_that_are_there_are_found(root):
    paths = write(root, "a", "sub/b", "sub/bc", "other/d")
    missing = [storage.join(root, name) for name in ("b", "sub", "sub/b/c", "sub/c")]
    assert [storage.exists(path) for path in paths] == [True] * 4
    assert not storage.exists(missing[0]) and not storage.exists(missing[2])
    wanted = [*paths, missing[0], *missing[2:]]
    assert storage.existing(wanted) == set(paths)
    assert storage.existing(paths[:1]) == set(paths[:1]) and storage.existing([]) == set()
    assert storage.list_dir(root) == ["a", "other", "sub"]
    assert storage.list_dir(storage.join(root, "sub")) == ["b", "bc"]


def test_long_lists_are_whole(bucket):
    names = [f"{number:03}" for number in range(2 * PAGE + 1)]
    for name in names:
        bucket.put(f"root/{name}", b"")
    root = f"{bucket.url}/root"
    assert storage.list_dir(root) == names
    assert len(bucket.faults.seen("list")) == 3
    assert len(storage.match([f"{root}/*"])) == len(storage.checksums(root, names)) == len(names)
    storage.remove_folder(root)
    assert bucket.names() == []


@pytest.mark.parametrize("damage", ["", "{", "[1]", "null", '{"a": "\xff'])
def test_damaged_json_counts_as_missing(root, damage):
    path = storage.join(root, "a.json")
    storage.write_bytes(path, b'{"a": 1}')
    assert storage.read_json(path) == {"a": 1}
    storage.write_bytes(path, damage.encode("latin-1"))
    assert storage.read_json(path) is None


def test_a_manifest_is_whole_when_its_files_are(root):
    paths = write(root, "t/a", "t/bb", "ttt")
    table, page = (
        msgspec.to_builtins(describe_page(name, name.encode())) for name in ("t/a", "t/bb")
    )
    made = manifest_with(files=[{**table, "table": "t", "shard": "s", "rows": 1}], pages=[page])
    storage.write_bytes(storage.join(root, "manifest.json"), encode_manifest(made))
    assert read_complete(root, kind=BuildManifest).listed == made.listed
    assert read_complete(root, True, BuildManifest) == read_complete(root, kind=BuildManifest)
    assert storage.are_whole(root, {})
    assert storage.checksums(root, ["t/a", "t/bb", "t/c"]) == {
        name: google_crc32c.value(name.encode()) for name in ("t/a", "t/bb")
    }
    storage.write_bytes(paths[0], b"t/b")  # of the same size
    assert read_complete(root, True, BuildManifest) is None
    storage.write_bytes(paths[0], b"longer")
    assert read_complete(root, kind=BuildManifest) is None
    storage.remove_file(paths[0])
    assert read_complete(root, kind=BuildManifest) is None
    assert storage.checksums(root, ["t/a", "t/bb"]) == {"t/bb": google_crc32c.value(b"t/bb")}
