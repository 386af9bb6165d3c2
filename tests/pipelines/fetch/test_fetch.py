"""The job as its users call it: what comes, what stays, what is said, and how it ends."""

import json
import os
import threading

import pytest

from pipelines.fetch import running
from pipelines.fetch.job import main
from tests.pipelines.fetch.conftest import DATA, MD5, files_of
from tests.transforms.transfer.servers import File, status
from transforms.core.base.errors import UsageError

ALL = {"things/one/a": DATA["a"], "things/one/b": DATA["b"], "things/c": DATA["c"]}


def test_a_bundle_comes_in_its_layout_and_is_not_fetched_again(fetch, web, data):
    out, err = fetch("both")
    assert files_of(data) == ALL
    assert "3 fetched" in out and "0 failed" in out
    assert f"Fetched {data}/things/one/a ({len(DATA['a']):,} bytes)." in err
    web.requests.clear()
    out, _ = fetch("both")
    assert "0 fetched" in out and "3 there before" in out and web.requests == []


def test_a_file_goes_by_its_name(fetch, data):
    fetch("c", "a")
    assert files_of(data).keys() == {"things/c", "things/one/a"}


def test_a_failure_is_told_while_the_others_go_on(fetch, web, data):
    web.files["/data/a"] = status(404)
    out, err = fetch("both", code=3)
    assert files_of(data).keys() == {"things/one/b", "things/c"}
    assert "1 failed" in out and "failed: 1 not_found" in out
    assert f"error: {data}/things/one/a: {web.url('/data/a')}: the server has no such file" in err


@pytest.mark.parametrize(
    ("codes", "expected"), [((503, 503), 4), ((503, 404), 3), ((429, 408), 4), ((410, 403), 3)]
)
def test_the_exit_code_says_whether_to_come_again(fetch, web, codes, expected):
    web.files["/data/a"], web.files["/data/b"] = map(status, codes)
    fetch("both", code=expected)


def test_what_was_cut_is_resumed_by_the_next_run(fetch, web, data):
    web.files["/data/a"] = File(DATA["a"], cut=20_000)
    out, err = fetch("known", code=4)
    assert "was cut short" in err and "a part is kept" in out
    dry, _ = fetch("known", "--dry-run", "--summary", "json")
    assert dry["bytes_pending"] == len(DATA["a"]) - 20_000
    web.files["/data/a"] = File(DATA["a"])
    fetch("known")
    assert web.ranges("/data/a") == [None, "bytes=20000-"]
    assert files_of(data).keys() == {"things/one/a", "things/one/b"}


def test_what_a_kill_leaves_beside_a_complete_file_goes(fetch, web, data):
    fetch("known")
    for end in (".part", ".part.json", ".part.json.tmp"):
        (data / "things" / "one" / f"a{end}").write_bytes(b"left")
    fetch("known")
    assert files_of(data).keys() == {"things/one/a", "things/one/b"}


def test_a_file_that_was_changed_is_fetched_again(fetch, web, data):
    fetch("both")
    path = data / "things" / "one" / "a"
    path.write_bytes(DATA["a"][:-1])
    (data / "things" / "c").write_bytes(b"x" * len(DATA["c"]))  # only its dates tell
    os.utime(data / "things" / "c", (1, 1))
    web.requests.clear()
    fetch("known")
    assert path.read_bytes() == DATA["a"] and web.ranges("/data/a") == [None]


def test_verify_reads_what_is_there(fetch, web, data):
    fetch("both")
    path = data / "things" / "c"
    before = path.stat()
    path.write_bytes(b"x" + DATA["c"][1:])
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))
    web.requests.clear()
    fetch("both")
    assert web.requests == []  # sizes and dates are those on record
    out, _ = fetch("both", "--verify")
    assert "1 fetched" in out and files_of(data) == ALL and len(web.requests) == 1


def test_a_file_of_another_program_is_recognised(fetch, web, data):
    folder = data / "things" / "one"
    folder.mkdir(parents=True)
    (folder / "a").write_bytes(DATA["a"])
    (folder / "b").write_bytes(DATA["b"][:100])  # a download that failed
    (data / "things" / "c").write_bytes(DATA["c"])
    out, _ = fetch("both")
    assert "1 fetched" in out and "2 there before" in out and files_of(data) == ALL
    assert web.ranges("/data/a") == [] and len(web.ranges("/data/c")) == 1  # its size was asked for
    web.requests.clear()
    fetch("both")
    assert web.requests == []


def test_a_stale_file_of_unknown_md5_is_replaced(fetch, web, data):
    (data / "things").mkdir(parents=True)
    (data / "things" / "c").write_bytes(b"old")
    fetch("unknown")
    assert files_of(data) == {"things/c": DATA["c"]}


def test_what_a_person_has_to_get(fetch, web, data):
    out, err = fetch("person", code=3)
    place = data / "things" / "p"
    assert f"Open https://example.invalid/p in a browser and save the file as {place}" in err
    assert "1 by_hand" in out and web.requests == []
    place.parent.mkdir(parents=True, exist_ok=True)
    place.write_bytes(b"a page for people")
    _, err = fetch("person", code=3)
    assert "is not the file: its MD5 is" in err and MD5["a"] in err
    place.write_bytes(DATA["a"])
    out, _ = fetch("person")
    assert "1 there before" in out


def test_a_page_for_people_is_not_taken_for_the_file(fetch, web, data):
    web.files["/data/c"] = status(200, b"<html>Log in</html>", Content_Type="text/html; charset=x")
    _, err = fetch("unknown", code=3)
    assert "a page for people came" in err and files_of(data) == {}


def test_a_dry_run_asks_and_changes_nothing(fetch, web, data):
    out, _ = fetch("both", "person", "--dry-run")
    known = len(DATA["a"]) + len(DATA["b"])
    assert f"{known:,} bytes to fetch and 1 file of unknown size" in out
    assert "4 files asked for: 0 there, 3 to fetch, 1 to get by hand" in out
    found, _ = fetch("both", "person", "--dry-run", "--summary", "json")
    assert (found["bytes_pending"], found["files_of_unknown_size"]) == (known, 1)
    assert [file["licence"] for file in found["files"]] == ["CC0"] * 4
    assert web.requests == [] and not data.exists()


def test_the_summary_for_programs(fetch, web):
    web.files["/data/b"] = status(410)
    found, _ = fetch("both", "--summary", "json", code=3)
    assert (found["files_fetched"], found["files_failed"], found["exit_code"]) == (2, 1, 3)
    rows = {row["path"]: row for row in found["files"]}
    assert rows["things/one/a"]["md5"] == MD5["a"]
    assert rows["things/c"]["bytes"] == len(DATA["c"]) and rows["things/c"]["md5"] == MD5["c"]
    failed = rows["things/one/b"]
    assert (failed["status"], failed["reason"]) == ("failed", "gone") and failed["message"]


def test_events(fetch, web):
    web.files["/data/b"] = status(410)
    _, err = fetch("both", "person", "--log-format", "json", "--connections", 1, code=3)
    events = [json.loads(line) for line in err.splitlines()]
    assert [event["event"] for event in events] == [
        "file_fetched", "file_failed", "file_fetched", "file_by_hand",
    ]  # fmt: skip
    assert events[1]["reason"] == "gone" and events[0]["bytes"] == len(DATA["a"])


def test_mirrors_are_asked_first(fetch, web, data):
    web.files["/near/a"] = File(DATA["a"])
    fetch("known", "--mirror", f"{web.url('/data')}={web.url('/near')}")
    assert files_of(data).keys() == {"things/one/a", "things/one/b"}
    assert web.ranges("/data/a") == [] and web.ranges("/data/b") == [None]
    with pytest.raises(UsageError, match="must be ADDRESS=ADDRESS"):
        fetch("known", "--mirror", "https://a=b")


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("knwn", "did you mean `known`"),
        ("Both", "did you mean `both`"),
        ("nothing-like-it-at-all", "`all` stands for everything"),
        ("validation-annotations-bbox.csv", "in several groups: name one of open_images_v4_vali"),
    ],
)
def test_names_that_there_are_not(fetch, name, message):
    with pytest.raises(UsageError, match=message):
        fetch(name)


def test_two_commands_at_one_folder_fetch_each_file_once(catalog, web, data):
    for name in "ab":
        web.files[f"/data/{name}"] = File(DATA[name], pause=0.02, block=10_000)
    codes = []
    arguments = ["known", "--catalog", str(catalog), "--to", str(data)]
    threads = [threading.Thread(target=lambda: codes.append(main(arguments))) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert codes == [0, 0, 0] and len(web.requests) == 2
    assert files_of(data) == {path: data for path, data in ALL.items() if "one" in path}


def test_a_rate_is_held_by_all_connections_together(fetch, monkeypatch):
    seen = []
    monkeypatch.setattr(running, "settings_of", lambda o: seen.append(o) or _settings(o))
    fetch("both", "--limit-rate", "1MB")
    assert seen[0].limit_rate == 1_000_000


def _settings(options):
    from transforms.transfer.settings import Settings

    return Settings(limit_rate=options.limit_rate, attempts=1)


def test_an_engine_brings_the_same(fetch, web, data, monkeypatch):
    monkeypatch.setattr("pipelines.fetch.job.is_engines", lambda options: True)
    web.files["/data/b"] = status(404)
    found, err = fetch("both", "person", "--summary", "json", code=3)
    assert [row["status"] for row in found["files"]] == ["fetched", "failed", "fetched", "failed"]
    assert files_of(data).keys() == {"things/one/a", "things/c"} and "no such file" in err
    assert list((data / ".fetched").iterdir()) == []  # what workers say to the command is gone


def test_dataflow_cannot_fill_a_folder_of_this_machine(fetch):
    with pytest.raises(UsageError, match="name a bucket with"):
        fetch("known", "--runner", "dataflow", "--temp_location", "gs://b/t")
