"""Writing, creating once, swapping and copying files, on a disk and in a bucket."""

import os
import subprocess
import sys
import time

import pytest

from tests.build_helpers import ROOT
from tests.engines.files import names_below, write
from tests.engines.servers.faults import Fault
from tests.transforms.storage.test_storage import (
    RACERS,
    assert_readers_see_whole_contents,
    content,
    race,
)
from transforms import storage
from transforms.core.base.errors import UsageError

pytestmark = pytest.mark.engines


def test_readers_see_the_old_content_or_the_new_one(root):
    assert_readers_see_whole_contents(storage.join(root, "file"))
    assert storage.list_dir(root) == ["file"]


def test_trying_to_write_leaves_nothing(root):
    storage.check_writable(root)
    assert storage.list_dir(root) == []


def test_a_bucket_that_is_not_there_cannot_be_written_to(bucket):
    with pytest.raises(UsageError, match="'gs://no-such-bucket"):
        storage.check_writable("gs://no-such-bucket/out")


def test_removing_leaves_the_neighbours(root):
    write(root, "a/b/1", "a/b/2/3", "a/bc/4", "a/b.5", "d")
    storage.remove_folder(storage.join(root, "a/b"))
    assert names_below(root) == ["a/b.5", "a/bc/4", "d"]
    storage.remove_file(storage.join(root, "d"))
    for remove in (storage.remove_file, storage.remove_folder):
        remove(storage.join(root, "d"))
        remove(storage.join(root, "nothing"))
    assert names_below(root) == ["a/b.5", "a/bc/4"]


def test_others_are_removed_from_the_subfolders_that_are_named(root):
    write(root, "u/1/record", "u/1/try1/a", "u/1/try12/a", "u/1/record.tmp", "u/12/x", "u/2/try/a")
    kept = {"1": ("record", "try1"), "3": ("record",)}
    storage.remove_others(storage.join(root, "u"), kept)
    assert names_below(root) == ["u/1/record", "u/1/try1/a", "u/12/x", "u/2/try/a"]


def test_of_many_who_create_a_file_one_wins(root):
    for attempt in range(10):
        path = storage.join(root, str(attempt), "record")
        won = race(lambda i, path=path: storage.create_exclusively(path, content(i)))
        assert sum(won) == 1
        assert storage.read_bytes(path) == content(won.index(True))
        assert storage.list_dir(storage.join(root, str(attempt))) == ["record"]


def test_a_file_that_is_there_is_not_created_again(root):
    path = storage.join(root, "record")
    assert storage.create_exclusively(path, b"first")
    assert not storage.create_exclusively(path, b"second")
    assert storage.read_bytes(path) == b"first"


@pytest.mark.parametrize("expected", [None, b"old"])
def test_of_many_who_swap_a_pointer_one_wins(root, expected):
    for attempt in range(10):
        path = storage.join(root, str(attempt), "CURRENT")
        if expected is not None:
            storage.write_bytes(path, expected)
        won = race(lambda i, path=path: storage.swap_pointer(path, expected, content(i)))
        assert sum(won) == 1
        assert storage.read_bytes(path) == content(won.index(True))


def test_of_many_who_swap_again_and_again_none_is_lost(root):
    """Each racer appends its name, and tries again until it did."""
    path = storage.join(root, "CURRENT")
    storage.write_bytes(path, b"start")

    def append(i):
        held = None
        while held is None or not storage.swap_pointer(path, held, held + b" %d" % i):
            held = storage.read_bytes(path)

    race(append)
    assert sorted(storage.read_bytes(path).split()[1:], key=int) == [
        b"%d" % i for i in range(RACERS)
    ]


def test_a_pointer_is_swapped_only_from_what_it_is_expected_to_be(root):
    path = storage.join(root, "CURRENT")
    assert not storage.swap_pointer(path, b"a", b"b") and not storage.exists(path)
    assert storage.swap_pointer(path, None, b"a")
    assert not storage.swap_pointer(path, None, b"b")
    assert storage.swap_pointer(path, b"a", b"b") and storage.read_bytes(path) == b"b"
    storage.write_bytes(path, b"\n")
    assert storage.swap_pointer(path, None, b"c") and storage.read_bytes(path) == b"c"


def test_a_pointer_is_not_swapped_where_a_file_forbids_it(root):
    path, pin = storage.join(root, "CURRENT"), storage.join(root, "PINNED")
    assert storage.swap_pointer(path, None, b"a", unless=pin)
    storage.write_bytes(pin, b"a")
    assert not storage.swap_pointer(path, b"a", b"b", unless=pin)
    assert storage.read_bytes(path) == b"a" and storage.swap_pointer(path, b"a", b"b")


def test_what_was_listed_is_removed(root):
    write(root, "u/1/record", "u/1/try/a", "u/2/record", "u/12")
    listed = {file.path: file for file in storage.walk(storage.join(root, "u"))}
    assert list(listed) == ["1/record", "1/try/a", "12", "2/record"]
    assert [file.size for file in listed.values()] == [10, 9, 4, 10]
    assert all(0 <= time.time() - file.modified < 600 for file in listed.values())
    gone = [listed[name] for name in ("1/record", "1/try/a")]
    for _ in range(2):
        storage.remove_files(storage.join(root, "u"), gone)
        assert names_below(root) == ["u/12", "u/2/record"]
        assert storage.list_dir(storage.join(root, "u")) == ["12", "2"]
    assert storage.walk(storage.join(root, "nothing")) == []


def test_what_was_written_since_it_was_listed_stays_on_a_disk(tmp_path):
    write(str(tmp_path), "a")
    listed = storage.walk(str(tmp_path))
    storage.write_bytes(str(tmp_path / "a"), b"newer")
    storage.remove_files(str(tmp_path), listed)
    assert storage.read_bytes(str(tmp_path / "a")) == b"newer"


def test_an_object_is_removed_in_the_generation_that_was_listed(bucket):
    """The emulator removes any; the service refuses another one than the call names."""
    bucket.put("root/a", b"1")
    (listed,) = storage.walk(f"{bucket.url}/root")
    storage.remove_files(f"{bucket.url}/root", [listed])
    (seen,) = bucket.faults.seen("delete")
    assert f"ifGenerationMatch={listed.identity}" in seen.call.target


def test_many_files_are_read_but_for_those_that_are_gone(root):
    write(root, "a", "b/c")
    assert storage.read_many(root, ["a", "b/c", "d"]) == {"a": b"a", "b/c": b"b/c"}
    assert storage.read_many(root, []) == {}


def test_a_new_file_is_there_when_its_block_has_ended(root):
    path = storage.join(root, "deep", "file.parquet")
    with storage.new_file(path) as local:
        with open(local, "wb") as file:
            file.write(b"data")
        assert not storage.exists(path)
    assert storage.read_bytes(path) == b"data" and names_below(root) == ["deep/file.parquet"]
    assert not os.path.exists(local)


def test_a_block_that_fails_leaves_no_file(root):
    path = storage.join(root, "file")
    storage.write_bytes(path, b"older")
    with pytest.raises(ZeroDivisionError), storage.new_file(path) as local:
        with open(local, "wb") as file:
            file.write(b"cut sho")
        raise ZeroDivisionError
    assert storage.read_bytes(path) == b"older" and storage.list_dir(root) == ["file"]
    assert not os.path.exists(local)


def test_a_new_folder_is_there_when_its_block_has_ended(root):
    target = storage.join(root, "versions", "one")
    with storage.new_folder(target) as folder:
        write(folder, "t/a", "manifest.json")
    assert names_below(storage.join(root, "versions")) == ["one/manifest.json", "one/t/a"]
    with storage.new_folder(target) as folder:
        write(folder, "t/a")
        storage.write_bytes(storage.join(folder, "manifest.json"), b"newer")
    below = names_below(storage.join(root, "versions"))
    assert below == ["one/manifest.json", "one/t/a"]
    assert storage.read_bytes(storage.join(target, "manifest.json")) == b"newer"


def test_files_are_copied_over_what_was_there(root):
    names = [f"from/{i}" for i in range(40)]
    write(root, *names, "to/3")
    targets = [name.replace("from", "to") for name in names]
    storage.copy_files(
        (storage.join(root, name), storage.join(root, target))
        for name, target in zip(names, targets, strict=True)
    )
    assert sorted(names_below(root)) == sorted([*names, *targets])
    for name, target in zip(names, targets, strict=True):
        assert storage.read_bytes(storage.join(root, target)) == name.encode()
    storage.copy_files([])


def test_copying_what_is_not_there_names_it(root):
    pair = storage.join(root, "nothing"), storage.join(root, "to/nothing")
    with pytest.raises((UsageError, OSError), match="nothing"):
        storage.copy_files([pair])
    assert not storage.exists(pair[1])


def test_a_local_folder_is_its_own_copy(tmp_path):
    assert storage.local_folder(str(tmp_path)) == str(tmp_path)


COPYING = """
import sys
from transforms import storage
print(storage.local_folder(sys.argv[1]))
"""


def copied_by_processes(path, number):
    """Asks for the local copy in several processes at once; returns their answers."""
    command = [sys.executable, "-c", COPYING, path]
    processes = [
        subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True)
        for _ in range(number)
    ]
    return [process.communicate()[0].strip() for process in processes]


def test_a_folder_is_copied_here_once_whatever_the_number_of_processes(bucket):
    names = [f"index/{name}" for name in ("manifest.json", "boxes/0.arrow", "boxes/1.arrow")]
    for name in names:
        bucket.put(name, name.encode() * 100_000)
    path = f"{bucket.url}/index"
    first, *others = copied_by_processes(path, 4)
    assert set(others) == {first}
    for name in names:
        with open(os.path.join(first, name.removeprefix("index/")), "rb") as file:
            assert file.read() == name.encode() * 100_000
    fetched = sorted(seen.call.name for seen in bucket.faults.seen(kind="read"))
    assert fetched == sorted(f"{bucket.name}/{name}" for name in names)
    assert storage.local_folder(path) == first
    bucket.put(names[0], b"changed")
    assert storage.local_folder(path) != first


def test_a_copy_that_fails_is_not_taken_for_whole(bucket, tmp_path):
    for name in ("index/a", "index/b"):
        bucket.put(name, name.encode())
    path = f"{bucket.url}/index"
    with bucket.faults.injected(Fault(kind="read", name="index/b$", status=403)):
        with pytest.raises(UsageError, match="no permission"):
            storage.local_folder(path)
    assert storage.list_dir(storage.local_folder(path)) == ["a", "b"]
    (copy, lock) = sorted(os.listdir(tmp_path / "cache"))
    assert lock == f"{copy}.lock"
