"""Files from servers that cut, refuse, lie, move and change: what comes, is said and is left."""

import contextlib
import email.utils
import hashlib
import os
import random
import time

import pytest

from tests.transforms.transfer.servers import (
    MODIFIED,
    Clock,
    File,
    close,
    in_turn,
    make_certificate,
    serving,
    silent,
    status,
)
from transforms.transfer import partial as partials
from transforms.transfer.downloading import (
    RESTARTS,
    Downloader,
    Persistence,
    Surroundings,
    usual_sources,
)
from transforms.transfer.outcomes import Reason, Request
from transforms.transfer.sources.http import Manners

DATA = random.Random(1).randbytes(300_000)
MD5 = hashlib.md5(DATA).hexdigest()


@pytest.fixture(scope="module")
def web():
    with serving() as server:
        yield server


@pytest.fixture(autouse=True)
def no_proxies(monkeypatch):
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "REQUESTS_CA_BUNDLE"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.lower(), raising=False)
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def fetch(web, tmp_path, clock):
    """Fetches the file `/a` of the server; returns the outcome."""
    web.requests.clear()
    web.files.clear()

    def fetch(behaviour=None, size=None, md5=None, addresses=None, attempts=4, timeout=5.0, **more):
        if behaviour is not None:
            web.files["/a"] = behaviour
        persistence = Persistence(attempts=attempts, max_wait=100)
        manners = Manners(timeout=timeout, max_wait=100)
        downloader = Downloader(
            persistence, Surroundings(clock, **more), usual_sources(manners, clock)
        )
        request = Request(tuple(addresses or [web.url("/a")]), size, md5)
        return downloader.fetch(request, str(tmp_path / "a"))

    return fetch


@pytest.fixture
def left(tmp_path):
    """What is in the folder."""
    return lambda: sorted(path.name for path in tmp_path.iterdir())


def checked(outcome, tmp_path):
    """That all bytes have come, and nothing else is left."""
    assert outcome.reason is None, outcome.message
    assert (tmp_path / "a").read_bytes() == DATA
    assert [path.name for path in tmp_path.iterdir()] == ["a"]
    assert (outcome.size, outcome.md5) == (len(DATA), MD5)


def refused(outcome, tmp_path, reason, *texts):
    assert outcome.reason is reason, (outcome.reason, outcome.message)
    assert not (tmp_path / "a").exists()
    for text in texts:
        assert text in outcome.message


def test_a_file_comes_under_its_name(fetch, web, tmp_path):
    outcome = fetch(File(DATA), len(DATA), MD5)
    checked(outcome, tmp_path)
    assert (outcome.attempts, outcome.received) == (1, len(DATA))
    assert web.requests[0][1]["Accept-Encoding"] == "identity"


@pytest.mark.parametrize("cut", [0, 1, 65_535, 65_536, 150_000, len(DATA) - 1])
def test_a_cut_answer_is_resumed_where_it_ended(fetch, web, tmp_path, cut):
    outcome = fetch(in_turn(File(DATA, cut=cut), File(DATA)), len(DATA), MD5)
    checked(outcome, tmp_path)
    assert outcome.received == len(DATA)
    assert web.ranges("/a") == [None, f"bytes={cut}-" if cut else None]
    if cut:
        assert web.requests[1][1]["If-Range"] == '"1"'


def test_answers_that_are_cut_everywhere_come_to_an_end_all_the_same(fetch, tmp_path):
    outcome = fetch(File(DATA, cut=7_001, headers={}), len(DATA), MD5, attempts=60)
    checked(outcome, tmp_path)
    assert outcome.attempts == -(-len(DATA) // 7_001) and outcome.received == len(DATA)


def test_what_is_always_cut_at_its_beginning_is_given_up(fetch, web, tmp_path, left):
    outcome = fetch(File(DATA, cut=5, ranges=False), len(DATA), MD5)
    refused(outcome, tmp_path, Reason.TRUNCATED, "cut short", "run the same command again")
    assert outcome.attempts == 4 and outcome.is_resumable and left() == ["a.part", "a.part.json"]


def test_pauses_double_up_to_chance(fetch, clock):
    fetch(status(503), attempts=5)
    assert len(clock.slept) == 4
    assert all(low / 2 <= s <= low for low, s in zip((1, 2, 4, 8), clock.slept, strict=True))


@pytest.mark.parametrize(
    ("code", "reason", "text", "attempts"),
    [
        (401, Reason.FORBIDDEN, "login", 1),
        (403, Reason.FORBIDDEN, "terms", 1),
        (404, Reason.NOT_FOUND, "no such file", 1),
        (410, Reason.GONE, "removed", 1),
        (418, Reason.REFUSED, "check the address", 1),
        (408, Reason.TIMEOUT, "too long", 4),
        (429, Reason.RATE_LIMITED, "fewer requests", 4),
        (500, Reason.UNAVAILABLE, "not available", 4),
        (503, Reason.UNAVAILABLE, "not available", 4),
        (204, Reason.BAD_ANSWER, "does not answer with the file", 4),
    ],
)
def test_refusals_have_their_reasons(fetch, web, tmp_path, left, code, reason, text, attempts):
    outcome = fetch(status(code, b""))
    refused(outcome, tmp_path, reason, text, f"status {code}", web.url("/a"))
    assert outcome.attempts == attempts and left() == []


@pytest.mark.parametrize("code", [408, 429, 500, 502, 503, 504])
def test_what_may_pass_is_tried_again(fetch, tmp_path, code):
    outcome = fetch(in_turn(status(code), status(code), File(DATA)), md5=MD5)
    checked(outcome, tmp_path)
    assert outcome.attempts == 3


@pytest.mark.parametrize("code", [429, 503])
def test_retry_after_in_seconds_is_waited(fetch, tmp_path, clock, code):
    outcome = fetch(in_turn(status(code, Retry_After="42"), File(DATA)))
    checked(outcome, tmp_path)
    assert sum(clock.slept) == pytest.approx(42)


def test_retry_after_as_a_date_is_waited(fetch, tmp_path, clock):
    date = email.utils.formatdate(time.time() + 50, usegmt=True)
    checked(fetch(in_turn(status(429, Retry_After=date), File(DATA))), tmp_path)
    assert 40 < sum(clock.slept) <= 51


def test_a_rest_that_is_too_long_is_not_waited_for(fetch, tmp_path, clock):
    outcome = fetch(in_turn(status(429, Retry_After="3600"), File(DATA)))
    refused(outcome, tmp_path, Reason.RATE_LIMITED, "later")
    assert outcome.attempts == 1 and clock.slept == []


def test_a_wrong_md5_leaves_nothing(fetch, web, tmp_path, left):
    outcome = fetch(File(DATA), len(DATA), "0" * 32)
    refused(outcome, tmp_path, Reason.WRONG_MD5, MD5, "0" * 32)
    assert outcome.attempts == 1 and left() == []  # in one piece: the server has no other


def test_bytes_joined_of_two_answers_that_are_wrong_are_fetched_once_more(fetch, web, tmp_path):
    wrong = File(b"x" * len(DATA), cut=1000)
    checked(fetch(in_turn(wrong, File(DATA)), len(DATA), MD5), tmp_path)
    assert web.ranges("/a") == [None, "bytes=1000-", None]


def test_the_servers_own_md5_is_compared_where_no_other_is_known(fetch, tmp_path):
    other = "md5=" + "AAAAAAAAAAAAAAAAAAAAAA=="
    outcome = fetch(File(DATA, headers={"x-goog-hash": other}))
    refused(outcome, tmp_path, Reason.WRONG_MD5, "0" * 32)


def test_another_file_is_refused_before_its_bytes_come(fetch, web, tmp_path, left):
    outcome = fetch(File(DATA), size=7)
    refused(outcome, tmp_path, Reason.WRONG_SIZE, "300,000", "should have 7")
    assert outcome.received == 0 and left() == []
    header = {"x-goog-hash": "md5=AAAAAAAAAAAAAAAAAAAAAA=="}
    outcome = fetch(File(DATA, headers=header), md5=MD5)
    refused(outcome, tmp_path, Reason.WRONG_MD5, MD5)
    assert outcome.received == 0


def test_a_content_length_that_is_too_large_is_a_cut_answer(fetch, tmp_path):
    longer = {"Content-Length": len(DATA) + 10, "Connection": "close"}
    outcome = fetch(File(DATA, headers=longer, ranges=False, before=close))
    refused(outcome, tmp_path, Reason.TRUNCATED, "cut short")


def test_a_content_length_that_is_too_small_is_another_size(fetch, tmp_path):
    outcome = fetch(File(DATA, headers={"Content-Length": 1000}, before=close), len(DATA))
    refused(outcome, tmp_path, Reason.WRONG_SIZE, "1,000")


def test_without_a_length_the_known_size_tells_that_an_answer_was_cut(fetch, tmp_path):
    file = File(DATA[:-1], headers={"Content-Length": None}, before=close, ranges=False)
    outcome = fetch(file, len(DATA))
    refused(outcome, tmp_path, Reason.TRUNCATED, "299,999 of 300,000")
    outcome = fetch(File(DATA + b"x", headers=file.headers, before=close), len(DATA))
    refused(outcome, tmp_path, Reason.WRONG_SIZE, "300,000")


def test_a_file_that_changes_while_it_comes_is_begun_again(fetch, web, tmp_path):
    old = File(b"x" * len(DATA), etag='"0"', cut=1000)
    checked(fetch(in_turn(old, File(DATA))), tmp_path)
    assert web.ranges("/a") == [None, "bytes=1000-"]  # and all of the new one came


def test_a_change_is_seen_where_the_server_heeds_no_condition(fetch, web, tmp_path):
    old = File(b"x" * len(DATA), etag='"0"', cut=1000)
    checked(fetch(in_turn(old, File(DATA, heeds=False))), tmp_path)
    assert web.ranges("/a") == [None, "bytes=1000-", None]


@pytest.mark.parametrize("heeds", [True, False])
def test_a_file_that_changes_all_the_time_is_given_up(fetch, tmp_path, heeds):
    def change(handler, count):
        File(DATA, etag=f'"{count}"', cut=1000, heeds=heeds)(handler, count)

    outcome = fetch(change, attempts=1000)
    refused(outcome, tmp_path, Reason.CHANGED, "was changed while it came")
    assert outcome.attempts <= 3 * (RESTARTS + 1)


def test_without_a_validator_nothing_is_resumed(fetch, web, tmp_path):
    first = File(b"x" * len(DATA), etag="", cut=1000)
    checked(fetch(in_turn(first, File(DATA, etag=""))), tmp_path)
    assert web.ranges("/a") == [None, None]


def test_weak_tags_are_none(fetch, web, tmp_path):
    checked(fetch(in_turn(File(DATA, 'W/"1"', cut=9), File(DATA, 'W/"1"'))), tmp_path)
    assert web.ranges("/a") == [None, None]


def test_an_old_date_is_a_validator(fetch, web, tmp_path):
    dated = {"Last-Modified": MODIFIED}
    first, second = File(DATA, "", cut=9, headers=dated), File(DATA, "", headers=dated, heeds=False)
    checked(fetch(in_turn(first, second)), tmp_path)
    assert web.requests[1][1]["If-Range"] == MODIFIED


def test_a_generation_is_a_validator(fetch, web, tmp_path):
    def file(generation, **more):
        return File(DATA, "", headers={"x-goog-generation": generation}, heeds=False, **more)

    checked(fetch(in_turn(file(7, cut=9), file(7))), tmp_path)
    assert web.ranges("/a") == [None, "bytes=9-"]
    (tmp_path / "a").unlink()
    web.requests.clear()
    checked(fetch(in_turn(file(7, cut=9), file(8))), tmp_path)
    assert web.ranges("/a") == [None, "bytes=9-", None]


def test_a_server_without_ranges_is_asked_for_all_of_it(fetch, web, tmp_path):
    outcome = fetch(in_turn(File(DATA, cut=1000, ranges=False), File(DATA, ranges=False)), md5=MD5)
    checked(outcome, tmp_path)
    assert outcome.received == len(DATA) + 1000


def test_other_bytes_than_were_asked_for_are_not_taken(fetch, web, tmp_path):
    wrong = status(206, DATA[500:], Content_Range=f"bytes 500-{len(DATA) - 1}/{len(DATA)}")
    outcome = fetch(in_turn(File(DATA, cut=1000), wrong, File(DATA)), md5=MD5)
    checked(outcome, tmp_path)
    assert web.ranges("/a") == [None, "bytes=1000-", None]
    placeless = status(206, DATA[1000:])
    web.files["/a"] = in_turn(placeless, File(DATA))
    web.requests.clear()
    checked(fetch(), tmp_path)


def test_a_file_that_is_shorter_by_now_is_begun_again(fetch, web, tmp_path):
    old = File(DATA + b"x" * 10, cut=len(DATA) + 5)
    checked(fetch(in_turn(old, File(DATA, heeds=False))), tmp_path)
    assert web.ranges("/a") == [None, f"bytes={len(DATA) + 5}-", None]


def test_bytes_that_were_compressed_on_the_way_are_not_the_file(fetch, web, tmp_path):
    outcome = fetch(File(DATA, headers={"Content-Encoding": "gzip"}))
    refused(outcome, tmp_path, Reason.REFUSED, "came compressed (gzip)")
    web.files["/b.tar.gz"] = File(DATA, headers={"Content-Encoding": "x-gzip"})
    checked(fetch(addresses=[web.url("/b.tar.gz")]), tmp_path)


def test_redirects_are_followed_with_the_range(fetch, web, tmp_path):
    web.files["/b"] = in_turn(File(DATA, cut=1000), File(DATA))
    checked(fetch(status(302, Location="/b"), md5=MD5), tmp_path)
    assert web.ranges("/b") == [None, "bytes=1000-"]


@pytest.mark.parametrize("target", ["/a", "nowhere://", "http://127.0.0.1:1/"])
def test_redirects_to_nowhere_end(fetch, tmp_path, left, target):
    outcome = fetch(status(302, Location=target))
    loop, scheme = target == "/a", target.startswith("nowhere")
    expected = Reason.REDIRECTS if loop else Reason.BAD_ADDRESS if scheme else Reason.UNREACHABLE
    refused(outcome, tmp_path, expected)
    assert left() == []


def test_a_silent_server_is_given_up(fetch, tmp_path):
    outcome = fetch(silent(0.4), timeout=0.1, attempts=2)
    refused(outcome, tmp_path, Reason.TIMEOUT, "nothing came")


def test_a_slow_server_is_not(fetch, tmp_path):
    checked(fetch(File(DATA, pause=0.02, block=30_000), timeout=0.15, md5=MD5), tmp_path)


def test_a_server_that_is_silent_in_the_middle_is_resumed(fetch, web, tmp_path):
    stalls = File(DATA, pause=0.4, block=100_000)
    checked(fetch(in_turn(stalls, File(DATA)), timeout=0.1, md5=MD5), tmp_path)
    assert web.ranges("/a") == [None, "bytes=100000-"]


def test_a_connection_that_ends_without_an_answer(fetch, tmp_path):
    checked(fetch(in_turn(close, File(DATA))), tmp_path)


@pytest.mark.parametrize("address", ["ftp://a/b", "https:", "http://[", "a/b", "file://other/a"])
def test_addresses_that_are_none(fetch, tmp_path, left, address):
    refused(fetch(addresses=[address]), tmp_path, Reason.BAD_ADDRESS)
    assert left() == []


def test_mirrors_are_asked_in_their_order(fetch, web, tmp_path):
    web.files["/b"] = File(DATA)
    outcome = fetch(status(404), addresses=[web.url("/a"), web.url("/b"), web.url("/c")])
    checked(outcome, tmp_path)
    assert outcome.address == web.url("/b") and len(web.requests) == 2


def test_what_no_mirror_has_is_said_of_each(fetch, web, tmp_path):
    web.files["/b"] = status(403)
    outcome = fetch(addresses=[web.url("/a"), web.url("/b")])
    refused(outcome, tmp_path, Reason.NOT_FOUND, "404", "; then ", "403")


def test_a_part_of_one_mirror_is_not_joined_with_another_one(fetch, web, tmp_path):
    web.files["/b"] = File(DATA)
    first = in_turn(File(b"x" * len(DATA), cut=1000), status(404))
    checked(fetch(first, addresses=[web.url("/a"), web.url("/b")]), tmp_path)
    assert web.ranges("/b") == [None]


def test_a_proxy_of_the_usual_variables_is_asked(fetch, web, tmp_path, monkeypatch):
    monkeypatch.delenv("NO_PROXY")
    monkeypatch.setenv("http_proxy", web.url(""))
    web.files["http://example.invalid/a"] = File(DATA)
    checked(fetch(addresses=["http://example.invalid/a"]), tmp_path)


def test_a_proxy_that_refuses_is_named(fetch, web, tmp_path, monkeypatch):
    monkeypatch.delenv("NO_PROXY")
    monkeypatch.setenv("https_proxy", web.url(""))
    outcome = fetch(addresses=["https://example.invalid/a"], attempts=2)
    refused(outcome, tmp_path, Reason.PROXY, "HTTPS_PROXY", "403")


def test_tls(fetch, tmp_path, monkeypatch):
    certificate = make_certificate(tmp_path.parent / f"{tmp_path.name}.pem")
    with serving(certificate) as secure, serving() as plain:
        secure.files["/a"], plain.files["/a"] = File(DATA), File(DATA)
        outcome = fetch(addresses=[secure.url("/a")])
        refused(outcome, tmp_path, Reason.TLS, "not trusted", "self-signed", "REQUESTS_CA_BUNDLE")
        assert outcome.attempts == 1
        monkeypatch.setenv("REQUESTS_CA_BUNDLE", certificate)
        checked(fetch(addresses=[secure.url("/a")]), tmp_path)
        (tmp_path / "a").unlink()
        secure.files["/b"] = status(302, Location=plain.url("/a"))
        refused(fetch(addresses=[secure.url("/b")]), tmp_path, Reason.TLS, "from https to")
        no_tls = f"https://127.0.0.1:{plain.server_port}/a"
        refused(fetch(addresses=[no_tls], attempts=2), tmp_path, Reason.UNREACHABLE, "encrypted")


def test_files_of_disks(fetch, tmp_path, tmp_path_factory):
    source = tmp_path_factory.mktemp("source") / "with space"
    source.write_bytes(DATA)
    checked(fetch(addresses=[source.as_uri()], md5=MD5), tmp_path)
    (tmp_path / "a").unlink()
    outcome = fetch(addresses=[f"file://{source}.not"])
    refused(outcome, tmp_path, Reason.NOT_FOUND, "no such file")


def test_a_rate_holds_for_all_bytes(fetch, tmp_path, clock):
    from transforms.transfer.pacing.rates import TokenBucket

    checked(fetch(File(DATA), limit=TokenBucket(10_000, clock)), tmp_path)
    assert sum(clock.slept) == pytest.approx(len(DATA) / 10_000, abs=0.3)


def test_a_disk_that_refuses_is_said(fetch, tmp_path):
    (tmp_path / "a.part").mkdir()
    outcome = fetch(File(DATA))
    assert outcome.reason is Reason.NOT_WRITTEN and "a.part" in outcome.message


def test_a_file_of_the_name_is_replaced_at_once(fetch, tmp_path):
    (tmp_path / "a").write_bytes(b"old")
    outcome = fetch(status(404))
    assert outcome.reason is Reason.NOT_FOUND and (tmp_path / "a").read_bytes() == b"old"
    checked(fetch(File(DATA)), tmp_path)


def test_what_a_killed_process_left_is_resumed_from_what_is_certain(fetch, web, tmp_path):
    web.files["/a"] = File(DATA, cut=5000)
    outcome = fetch(attempts=1)
    assert outcome.is_resumable
    with (tmp_path / "a.part").open("ab") as part:
        part.write(b"not certain to be on the disk")
    web.requests.clear()
    checked(fetch(File(DATA), md5=MD5), tmp_path)
    assert web.ranges("/a") == ["bytes=5000-"]


@pytest.mark.parametrize("state", [b"", b"{", b"[]", b'{"synced": 99999999}', b'{"synced": -5}'])
def test_a_part_whose_state_is_lost_is_begun_again(fetch, web, tmp_path, state):
    (tmp_path / "a.part").write_bytes(b"x" * 100)
    (tmp_path / "a.part.json").write_bytes(state)
    checked(fetch(File(DATA), md5=MD5), tmp_path)
    assert web.ranges("/a") == [None]


def test_a_part_that_is_all_of_the_file_asks_for_nothing(fetch, web, tmp_path, monkeypatch):
    def killed(self):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch, contextlib.suppress(KeyboardInterrupt):
        patch.setattr(partials.Partial, "finish", killed)
        fetch(File(DATA))
    web.requests.clear()
    checked(fetch(File(DATA), md5=MD5), tmp_path)
    assert web.requests == []


def test_two_at_one_file_do_it_one_after_the_other(fetch, web, tmp_path):
    import threading

    web.files["/a"] = File(DATA, pause=0.01, block=20_000)
    ends = []
    threads = [threading.Thread(target=lambda: ends.append(fetch(md5=MD5))) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [end.reason for end in ends] == [None] * 4
    assert (tmp_path / "a").read_bytes() == DATA and os.listdir(tmp_path) == ["a"]


def test_progress_is_observed(fetch, tmp_path):
    seen = []
    fetch(File(DATA), observe=lambda path, have: seen.append((path, have)))
    assert seen[-1] == (str(tmp_path / "a"), len(DATA))
    assert seen == sorted(seen)
