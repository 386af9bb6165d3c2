"""Each function of the object store, with a fault at each of its calls in turn."""

import dataclasses
import itertools
import os

import pytest

from tests.engines.servers.faults import KINDS, SCATTERED, Fault
from transforms import storage
from transforms.core.base.errors import EngineError, UsageError

pytestmark = pytest.mark.engines

BIG = os.urandom(3_000_000)
OBJECTS = {
    "big": BIG,
    "CURRENT": b"old\n",
    "index/manifest.json": b"{}",
    "index/boxes/0.arrow": BIG[:100_000],
    "u/1/record": b"1",
    "u/1/try/a": b"a",
    "u/2/try/b": b"b",
}


def find(root):
    return [file.path for file in storage.match([f"{root}/u/*/record", f"{root}/big"])]


def read_in_pieces(root):
    with storage.open_binary(f"{root}/big") as file:
        file.seek(1_000_000)
        return file.read(10), file.readline(), file.seek(2_000_000), file.read()


def read_decompressed(root):
    with storage.open_decompressed(f"{root}/big") as file:
        return file.read()


def write_file(root):
    with storage.new_file(f"{root}/new/file") as local:
        with open(local, "wb") as file:
            file.write(BIG)


def copy_here(root):
    folder = storage.local_folder(f"{root}/index")
    return {
        name: storage.read_bytes(f"{folder}/{name}") for name in ("manifest.json", "boxes/0.arrow")
    }


ACTS = {
    "match": find,
    "read_bytes": lambda root: storage.read_bytes(f"{root}/big"),
    "open_binary": read_in_pieces,
    "open_decompressed": read_decompressed,
    "exists": lambda root: [storage.exists(f"{root}/{name}") for name in ("big", "small")],
    "existing": lambda root: storage.existing([f"{root}/big", f"{root}/u/1/record", f"{root}/x"]),
    "list_dir": lambda root: storage.list_dir(root),
    "are_whole": lambda root: storage.are_whole(root, {"big": len(BIG)}),
    "checksums": lambda root: storage.checksums(root, ["big", "u/1/record"]),
    "check_writable": lambda root: storage.check_writable(f"{root}/out"),
    "remove_file": lambda root: storage.remove_file(f"{root}/big"),
    "remove_folder": lambda root: storage.remove_folder(f"{root}/u"),
    "remove_others": lambda root: storage.remove_others(f"{root}/u", {"1": ["record"], "2": []}),
    "write_bytes": lambda root: storage.write_bytes(f"{root}/CURRENT", b"newer"),
    "create_exclusively": lambda root: storage.create_exclusively(f"{root}/record", b"mine"),
    "created before": lambda root: storage.create_exclusively(f"{root}/u/1/record", b"mine"),
    "swap_pointer": lambda root: storage.swap_pointer(f"{root}/CURRENT", b"old", b"new"),
    "first pointer": lambda root: storage.swap_pointer(f"{root}/POINTER", None, b"new"),
    "swapped before": lambda root: storage.swap_pointer(f"{root}/CURRENT", b"other", b"new"),
    "new_file": write_file,
    "copy_files": lambda root: storage.copy_files(
        [(f"{root}/u/1/record", f"{root}/to/1"), (f"{root}/big", f"{root}/to/big")]
    ),
    "local_folder": copy_here,
}  # fmt: skip
"""What is done, by name; most of them are one function of `storage`."""


@pytest.fixture(autouse=True)
def no_waiting(monkeypatch):
    """Lets the client try again at once; by itself it waits half a second and more."""
    monkeypatch.setattr(
        "google.api_core.retry.retry_unary.exponential_sleep_generator",
        lambda *arguments, **options: itertools.repeat(0.0),
    )


class Stage:
    """The same objects below a new prefix for each attempt, and what an attempt leaves of them."""

    def __init__(self, bucket):
        self.bucket, self._numbers = bucket, itertools.count()

    def play(self, act, *faults):
        """Returns the answer of an act, what it left, and the faults that were met."""
        prefix = f"try{next(self._numbers)}"
        for name, data in OBJECTS.items():
            self.bucket.put(f"{prefix}/{name}", data)
        root = f"{self.bucket.url}/{prefix}"
        self.bucket.faults.clear()
        self.bucket.faults.add(*faults)
        try:
            answer = ACTS[act](root)
        except (UsageError, EngineError) as error:
            answer = error
        hits = self.bucket.faults.hits()
        self.bucket.faults.clear()
        return self._without(prefix, answer), self.bucket.checksums(f"{prefix}/"), hits

    def _without(self, prefix, answer):
        if isinstance(answer, list | set):
            return sorted(str(part).replace(prefix, "") for part in answer)
        return answer


def at_each_call(fault):
    """The fault at the first call, at the second …"""
    return (dataclasses.replace(fault, skip=skip) for skip in itertools.count())


@pytest.mark.parametrize("act", ACTS)
def test_a_fault_at_any_call_changes_nothing(bucket, act):
    stage = Stage(bucket)
    expected = stage.play(act)[:2]
    assert not isinstance(expected[0], Exception)
    for kind in SCATTERED.values():
        for fault in at_each_call(kind):
            *found, hits = stage.play(act, fault)
            assert found == [*expected], fault
            if not hits:
                assert fault.skip > 0
                break


@pytest.mark.parametrize("act", ACTS)
def test_a_refusal_at_any_call_is_named(bucket, act):
    stage = Stage(bucket)
    for fault in at_each_call(Fault(kind="|".join(KINDS), status=403)):
        answer, _, hits = stage.play(act, fault)
        if not hits:
            assert fault.skip > 0
            break
        assert isinstance(answer, UsageError), fault
        assert str(answer).startswith(f"no permission for '{bucket.url}"), answer


@pytest.mark.parametrize("number", [1, 2, 5])
def test_the_same_call_may_fail_several_times(bucket, number):
    faults = [Fault(kind="read", cut=size, times=number) for size in (1, 70_000)]
    stage = Stage(bucket)
    for act in ("read_bytes", "open_binary", "local_folder"):
        expected = stage.play(act)[0]
        answer, _, hits = stage.play(act, *faults)
        assert answer == expected and len(hits) == 2 * number
