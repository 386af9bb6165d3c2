"""The seam to files."""

import dataclasses
import gzip
import inspect
import logging
import os
import re
import shutil
import threading

import pyarrow as pa
import pytest
from google.api_core import exceptions

from tests import build_helpers as helpers
from transforms import storage
from transforms.core.base.errors import EngineError, UsageError
from transforms.storage import google_cloud, local

RACERS = 16


def race(function):
    """Calls `function(i)` in as many threads at once; returns the answers in order of i."""
    barrier = threading.Barrier(RACERS)
    answers = [None] * RACERS

    def run(i):
        barrier.wait()
        answers[i] = function(i)

    threads = [threading.Thread(target=run, args=(i,)) for i in range(RACERS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return answers


def content(i):
    return bytes([65 + i]) * 100_000


def test_of_many_who_create_a_file_one_wins(tmp_path):
    for attempt in range(20):
        path = tmp_path / str(attempt) / "record"
        won = race(lambda i, path=path: storage.create_exclusively(str(path), content(i)))
        assert sum(won) == 1
        assert path.read_bytes() == content(won.index(True))
        assert os.listdir(path.parent) == ["record"]


def test_a_file_that_is_there_is_not_created_again(tmp_path):
    path = tmp_path / "record"
    assert storage.create_exclusively(str(path), b"first")
    assert not storage.create_exclusively(str(path), b"second")
    assert path.read_bytes() == b"first"


@pytest.mark.parametrize("expected", [None, b"old"])
def test_of_many_who_swap_a_pointer_one_wins(tmp_path, expected):
    for attempt in range(20):
        path = tmp_path / str(attempt) / "CURRENT"
        if expected is not None:
            storage.write_bytes(str(path), expected)
        won = race(lambda i, p=path: storage.swap_pointer(str(p), expected, content(i)))
        assert sum(won) == 1
        assert path.read_bytes() == content(won.index(True))


def test_a_pointer_is_swapped_only_from_what_it_is_expected_to_be(tmp_path):
    path = str(tmp_path / "CURRENT")
    assert not storage.swap_pointer(path, b"a", b"b") and not storage.exists(path)
    assert storage.swap_pointer(path, None, b"a")
    assert not storage.swap_pointer(path, None, b"b")
    assert storage.swap_pointer(path, b"a", b"b") and storage.read_bytes(path) == b"b"


def assert_readers_see_whole_contents(path):
    """Reads a file again and again while it is written again."""
    storage.write_bytes(path, content(0))
    seen = set()
    ready, done = threading.Event(), threading.Event()

    def read():
        while not done.is_set():
            seen.add(storage.read_bytes(path))
            ready.set()

    reader = threading.Thread(target=read)
    reader.start()
    ready.wait()
    for i in range(1, 40):
        storage.write_bytes(path, content(i))
    done.set()
    reader.join()
    assert seen <= {content(i) for i in range(40)}


def test_readers_see_the_old_content_or_the_new_one(tmp_path):
    assert_readers_see_whole_contents(str(tmp_path / "deep" / "file"))
    assert os.listdir(tmp_path / "deep") == ["file"]


def test_a_file_that_cannot_be_put_in_place_leaves_nothing(tmp_path):
    (tmp_path / "taken" / "below").mkdir(parents=True)
    with pytest.raises(OSError):
        storage.write_bytes(str(tmp_path / "taken"), b"data")
    assert os.listdir(tmp_path) == ["taken"]


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """A folder with files, which is the current one too."""
    for name in ("b.jsonl", "a.jsonl", "c[1].jsonl", "d.csv", "sub/a.jsonl"):
        storage.write_bytes(str(tmp_path / name), name.encode())
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_patterns_match_files_in_order_each_once(folder):
    found = storage.match([f"{folder}/*.jsonl", "b.jsonl", "./a.jsonl", str(folder / "d.csv")])
    assert [file.name for file in found] == ["a.jsonl", "b.jsonl", "c[1].jsonl", "d.csv"]
    assert [file.size for file in found] == [7, 7, 10, 5]
    assert storage.match(["d.csv"])[0].path == "d.csv"


def test_a_file_whose_name_looks_like_a_pattern_is_found(folder):
    assert [file.path for file in storage.match(["c[1].jsonl"])] == ["c[1].jsonl"]


def test_files_of_one_name_in_two_folders_are_two(folder):
    assert [file.path for file in storage.match(["*/a.jsonl", "a.jsonl"])] == [
        "a.jsonl",
        "sub/a.jsonl",
    ]


def test_a_fingerprint_changes_with_size_and_time(folder):
    before = storage.match(["a.jsonl"])[0].fingerprint
    assert storage.match(["a.jsonl"])[0].fingerprint == before
    status = os.stat("a.jsonl")
    os.utime("a.jsonl", ns=(status.st_atime_ns, status.st_mtime_ns + 1))
    touched = storage.match(["a.jsonl"])[0].fingerprint
    with open("a.jsonl", "ab") as file:
        file.write(b"x")
    os.utime("a.jsonl", ns=(status.st_atime_ns, status.st_mtime_ns + 1))
    assert len({before, touched, storage.match(["a.jsonl"])[0].fingerprint}) == 3


@pytest.mark.parametrize(
    ("pattern", "message"),
    [
        ("nothing.jsonl", "there is no file 'nothing.jsonl': check the path"),
        ("nothing*", r"no file matches 'nothing\*': check the folder"),
        ("su?", "no file matches"),
        ("sub", "'sub' is a folder: name its files, for example sub/"),
        ("s3://bucket/a", "s3:// is not supported, name a local path or gs://"),
    ],
)
def test_what_is_not_there_is_named(folder, pattern, message):
    with pytest.raises(UsageError, match=message):
        storage.match(["a.jsonl", pattern])


def zstd(data):
    sink = pa.BufferOutputStream()
    with pa.CompressedOutputStream(sink, "zstd") as stream:
        stream.write(data)
    return sink.getvalue().to_pybytes()


PACKERS = {".gz": gzip.compress, ".zst": zstd}
TEXT = b"".join(b"%d a line of some text\n" % (i * i) for i in range(50_000))


@pytest.mark.parametrize("suffix", PACKERS)
def test_compressed_files_are_read_whole(tmp_path, suffix):
    path = tmp_path / f"a{suffix}"
    path.write_bytes(PACKERS[suffix](TEXT) + PACKERS[suffix](b"second") + PACKERS[suffix](b""))
    with storage.open_decompressed(str(path)) as file:
        assert file.read(10) == TEXT[:10]
        assert file.readline() == TEXT.splitlines(keepends=True)[0][10:]
        assert file.read() == TEXT[TEXT.index(b"\n") + 1 :] + b"second"


@pytest.mark.parametrize("suffix", PACKERS)
@pytest.mark.parametrize("damage", ["cut", "not compressed", "cut in its head"])
def test_damaged_files_are_not_taken_for_shorter_ones(tmp_path, suffix, damage):
    path = tmp_path / f"a{suffix}"
    packed = PACKERS[suffix](TEXT)
    cuts = {"cut": packed[: len(packed) // 2], "cut in its head": packed[:3]}
    path.write_bytes(cuts.get(damage, TEXT))
    with storage.open_decompressed(str(path)) as file:
        with pytest.raises(UsageError, match=f"a{suffix}' is corrupt, cut short or not what"):
            file.read()


def test_copies_share_the_file_and_replace_what_was_there(tmp_path):
    source, target = tmp_path / "source", tmp_path / "deep" / "target"
    source.write_bytes(b"data")
    storage.write_bytes(str(target), b"older")
    storage.copy_files([(str(source), str(target))])
    assert target.samefile(source)
    storage.copy_files([])


def test_removing_what_is_not_there_is_no_error(tmp_path):
    storage.remove_file(str(tmp_path / "nothing"))
    storage.remove_folder(str(tmp_path / "nothing"))
    storage.write_bytes(str(tmp_path / "folder" / "file"), b"")
    storage.write_bytes(str(tmp_path / "file"), b"")
    storage.remove_file(str(tmp_path / "file"))
    storage.remove_folder(str(tmp_path / "folder"))
    assert storage.list_dir(str(tmp_path)) == storage.list_dir(str(tmp_path / "nothing")) == []


def test_what_is_not_kept_is_removed_and_other_folders_stay(tmp_path):
    for path in ("a/record", "a/try/file", "a/other/file", "a/loose", "b/try/file", "c"):
        storage.write_bytes(str(tmp_path / path), b"")
    (tmp_path / "a" / "empty").mkdir()
    storage.remove_others(str(tmp_path), {"a": ("record", "try"), "missing": ("record",)})
    assert storage.list_dir(str(tmp_path)) == ["a", "b", "c"]
    assert storage.list_dir(str(tmp_path / "a")) == ["record", "try"]
    assert storage.list_dir(str(tmp_path / "b")) == ["try"]


def test_a_new_file_appears_whole_or_not_at_all(tmp_path):
    path = tmp_path / "deep" / "file"
    with storage.new_file(str(path)) as local:
        with open(local, "wb") as file:
            file.write(b"content")
        assert not path.exists()
    assert path.read_bytes() == b"content"
    with pytest.raises(KeyError), storage.new_file(str(path)) as local:
        with open(local, "wb") as file:
            file.write(b"half")
        raise KeyError
    assert path.read_bytes() == b"content" and os.listdir(path.parent) == ["file"]


@pytest.mark.parametrize("damaged", ["folder", "file", "link", "broken link", "nothing"])
def test_a_new_folder_takes_the_place_of_what_is_not_complete(tmp_path, damaged):
    target = tmp_path / "versions" / "v"
    storage.write_bytes(str(tmp_path / "users" / "file"), b"precious")
    storage.write_bytes(str(tmp_path / "versions" / "other" / "file"), b"")
    {
        "folder": lambda: storage.write_bytes(str(target / "older"), b""),
        "file": lambda: target.write_bytes(b"something"),
        "link": lambda: target.symlink_to(tmp_path / "users"),
        "broken link": lambda: target.symlink_to(tmp_path / "missing"),
        "nothing": lambda: None,
    }[damaged]()
    with storage.new_folder(str(target)) as folder:
        storage.write_bytes(f"{folder}/file", b"content")
    assert os.listdir(target) == ["file"] and not target.is_symlink()
    assert sorted(os.listdir(target.parent)) == ["other", "v"]
    assert (tmp_path / "users" / "file").read_bytes() == b"precious"
    with pytest.raises(KeyError), storage.new_folder(str(target)) as folder:
        storage.write_bytes(f"{folder}/third", b"")
        raise KeyError
    assert os.listdir(target) == ["file"] and sorted(os.listdir(target.parent)) == ["other", "v"]


def test_a_folder_that_is_replaced_is_there_at_every_moment(tmp_path, monkeypatch):
    """Whoever is killed between two renames would leave neither the old folder nor the new one."""
    target, real = tmp_path / "v", os.rename
    storage.write_bytes(str(target / "older"), b"")

    def rename(source, goal):
        real(source, goal)
        assert target.exists()

    monkeypatch.setattr(os, "rename", rename)
    with storage.new_folder(str(target)) as folder:
        storage.write_bytes(f"{folder}/file", b"content")
    assert os.listdir(target) == ["file"] and os.listdir(tmp_path) == ["v"]


def test_a_folder_is_replaced_where_names_cannot_be_exchanged(tmp_path, monkeypatch):
    monkeypatch.setattr(local, "_exchange", lambda *_: False)
    storage.write_bytes(str(tmp_path / "v" / "older"), b"")
    with storage.new_folder(str(tmp_path / "v")) as folder:
        storage.write_bytes(f"{folder}/file", b"content")
    assert os.listdir(tmp_path / "v") == ["file"] and os.listdir(tmp_path) == ["v"]


def test_a_new_folder_never_takes_the_place_of_a_complete_one(tmp_path):
    target = tmp_path / "v"

    def is_complete(folder):
        return storage.exists(f"{folder}/complete")

    with storage.new_folder(str(target), is_complete) as slower:
        storage.write_bytes(f"{slower}/complete", b"slower")
        with storage.new_folder(str(target), is_complete) as faster:
            storage.write_bytes(f"{faster}/complete", b"faster")
        before = os.stat(target).st_ino
    assert (target / "complete").read_bytes() == b"faster" and os.stat(target).st_ino == before
    assert os.listdir(tmp_path) == ["v"]


def test_of_many_who_replace_a_damaged_folder_none_takes_away_a_complete_one(tmp_path):
    for attempt in range(10):
        target = tmp_path / str(attempt) / "v"
        storage.write_bytes(str(target / "damaged"), b"")
        gone, seen, done = [], threading.Event(), threading.Event()

        def watch(target=target, gone=gone, seen=seen, done=done):
            while not done.is_set():
                complete = (target / "complete").exists()
                if seen.is_set() and not complete:
                    gone.append(True)
                if complete:
                    seen.set()

        def replace(i, target=target):
            complete = lambda folder: storage.exists(f"{folder}/complete")  # noqa: E731
            with storage.new_folder(str(target), complete) as folder:
                storage.write_bytes(f"{folder}/complete", content(i))

        watcher = threading.Thread(target=watch)
        watcher.start()
        race(replace)
        done.set()
        watcher.join()
        assert os.listdir(target) == ["complete"] and not gone


def test_a_lock_that_is_a_link_creates_nothing(tmp_path):
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "CURRENT.lock").symlink_to(tmp_path / "created")
    with pytest.raises(UsageError, match="CURRENT.lock' is a link"):
        storage.swap_pointer(str(tmp_path / "out" / "CURRENT"), None, b"a")
    assert not (tmp_path / "created").exists()


def test_a_pointer_that_is_a_link_is_replaced_and_not_followed(tmp_path):
    storage.write_bytes(str(tmp_path / "users"), b"precious")
    path = tmp_path / "CURRENT"
    path.symlink_to(tmp_path / "users")
    assert storage.swap_pointer(str(path), None, b"a")
    assert path.read_bytes() == b"a" and (tmp_path / "users").read_bytes() == b"precious"


def test_nothing_behind_a_link_is_removed(tmp_path):
    users, ours = tmp_path / "users", tmp_path / "units"
    for name in ("0123456789ab/file", "record"):
        storage.write_bytes(str(users / name), b"precious")
    storage.write_bytes(str(ours / "b" / "record"), b"")
    for link in (ours / "a", ours / "b" / "0123456789ab"):
        link.symlink_to(users)
    storage.remove_others(str(ours), {"a": (), "b": ()})
    assert storage.list_dir(str(ours)) == ["a"]
    storage.remove_folder(str(ours / "a"))
    assert storage.list_dir(str(ours)) == []
    assert sorted(os.listdir(users)) == ["0123456789ab", "record"]
    assert (users / "0123456789ab" / "file").read_bytes() == b"precious"


def test_files_are_checked_by_size_and_checksum(tmp_path):
    storage.write_bytes(str(tmp_path / "a" / "file"), b"123456789")
    assert storage.are_whole(str(tmp_path), {"a/file": 9})
    assert not storage.are_whole(str(tmp_path), {"a/file": 8})
    assert not storage.are_whole(str(tmp_path), {"a/missing": 9})
    assert not storage.are_whole(str(tmp_path), {"a": 9})
    # The check value of CRC-32C: https://reveng.sourceforge.io/crc-catalogue/17plus.htm
    read = []
    found = storage.checksums(str(tmp_path), ["a/file", "a/missing"], read.append)
    assert found == {"a/file": 0xE3069283} and read == [9]


def test_of_many_files_those_are_found_that_are_there(tmp_path):
    storage.write_bytes(str(tmp_path / "a" / "file"), b"")
    paths = [str(tmp_path / "a" / "file"), str(tmp_path / "b" / "file")]
    assert storage.existing(paths) == {paths[0]} and storage.existing([]) == set()


def test_a_file_that_was_changed_since_it_was_found_is_refused(folder):
    found = storage.match(["a.jsonl"])[0]
    with storage.open_binary("a.jsonl", found.fingerprint) as file:
        assert file.read() == b"a.jsonl"
    storage.write_bytes("a.jsonl", b"b.jsonl")
    for open_file in (storage.open_binary, storage.open_decompressed):
        with pytest.raises(UsageError, match="'a.jsonl' was changed during the run: run the same"):
            open_file("a.jsonl", found.fingerprint)


def test_a_store_that_fails_again_and_again_is_told_now_and_then(capsys):
    teller = google_cloud._TellOfRetries()

    def told(seconds):
        record = logging.makeLogRecord({"msg": f"Retrying at {seconds}", "created": 1e9 + seconds})
        teller.emit(record)
        return capsys.readouterr().err

    assert not any(map(told, (0, 1, 4.9)))
    assert told(5) == "Google Cloud Storage: Retrying at 5\n"
    assert not any(map(told, (6, 20, 34.9)))
    assert told(35) == "Google Cloud Storage: Retrying at 35\n"
    assert not told(66) and not told(70)  # it went well in between
    assert told(71)


def test_the_last_try_is_named_when_all_have_failed():
    with pytest.raises(EngineError, match="failed at 'gs://a/b': Timeout of 120 s: no route$"):
        with google_cloud._explained("gs://a/b"):
            raise exceptions.RetryError("Timeout of 120 s", cause=ConnectionError("no route"))


def test_a_folder_that_cannot_be_written_to_is_named(tmp_path):
    (tmp_path / "file").touch()
    for path in (tmp_path / "file", tmp_path / "file" / "below"):
        with pytest.raises(UsageError, match="name another"):
            storage.check_writable(str(path))
    storage.check_writable(str(tmp_path / "new" / "folder"))
    assert os.listdir(tmp_path / "new" / "folder") == []


class Attic:
    """A store from outside: a folder of this machine, by paths such as `attic://a.jsonl`."""

    def __init__(self, folder):
        self._folder = folder

    def __getattr__(self, name):
        function = getattr(local, name)

        def translated(path, *more):
            return function(path.replace("attic:/", str(self._folder)), *more)

        return translated

    def match(self, pattern):
        found = local.match(pattern.replace("attic:/", str(self._folder)))
        return {same: path.replace(str(self._folder), "attic:/") for same, path in found.items()}

    def describe(self, path):
        found = local.describe(path.replace("attic:/", str(self._folder)))
        return dataclasses.replace(found, path=path)


def test_a_store_from_outside_is_one_module_and_a_line(tmp_path, monkeypatch):
    """The main job reads its shards from it."""
    monkeypatch.setitem(storage.STORES, "attic", lambda: Attic(tmp_path / "attic"))
    (tmp_path / "attic").mkdir()
    shutil.copy(helpers.REAL, tmp_path / "attic" / "shard.jsonl")
    for name, shard in (("here", helpers.REAL), ("there", "attic://*.jsonl")):
        assert helpers.build(tmp_path / name, [shard]) == 0
    assert helpers.statistics_of(tmp_path / "there") == helpers.statistics_of(tmp_path / "here")
    (entry,) = helpers.manifest_of(tmp_path / "there")["inputs"]
    assert entry["path"] == "attic://shard.jsonl"


@pytest.mark.parametrize("store", [google_cloud])
def test_stores_have_the_same_functions(store):
    def public(module):
        return {
            name: list(inspect.signature(value).parameters)
            for name, value in vars(module).items()
            if inspect.isfunction(value) and value.__module__ == module.__name__ and name[0] != "_"
        }

    assert public(store) == {
        name: parameters for name, parameters in public(local).items() if name in public(store)
    }
    used = set(re.findall(r"_store\(.*?\)\.(\w+)\(", inspect.getsource(storage)))
    assert len(used) > 20 and used <= public(store).keys() & public(local).keys()
