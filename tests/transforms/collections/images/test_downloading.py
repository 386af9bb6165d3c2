"""Every way in which a server of pictures fails, each as a value with its reason."""

import socket
import threading

import pytest

from tests.pipelines.images.servers import (
    answer,
    cut,
    in_turn,
    picture,
    serving,
    silent,
    trickle,
    unannounced,
)
from transforms.collections.images.downloading import Downloader, Manners
from transforms.core.stages.fetch.judging import Expected, Rules, judge_answer, md5_of
from transforms.core.stages.fetch.reasons import REASONS
from transforms.transfer.pacing.gates import Gate, TooLong

PICTURE = picture()
NOTHING, PLAIN = Expected(), Rules()
PLACEHOLDER = picture(9, kind="PNG") + bytes(2051)
PLACEHOLDER = PLACEHOLDER[:2051]
GONE = "/pw/images/en-us/photo_unavailable.png"


class Clock:
    """Time that passes by sleeping only."""

    def __init__(self):
        self.now, self.slept, self._lock = 0.0, [], threading.Lock()

    def monotonic(self):
        return self.now

    def sleep(self, seconds):
        with self._lock:
            self.now += seconds
            self.slept.append(seconds)


@pytest.fixture(scope="module")
def server():
    with serving() as running:
        yield running


def closed_port():
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return taken.getsockname()[1]


def fetch(server, behaviour, expected=NOTHING, rules=PLAIN, clock=None, **manners):
    """What comes of a path of its own that behaves so: the answer, and what it is."""
    path = f"/{len(server.behaviours)}/picture.jpg"
    server.behaviours[path] = behaviour
    return fetch_url(server.url(path), expected, rules, clock, **manners)


def fetch_url(url, expected=NOTHING, rules=PLAIN, clock=None, **manners):
    given = {"rate": 1000.0, "timeout": 5.0, "attempts": 2, **manners}
    downloader = Downloader(Manners(**given), clock or Clock())
    return downloader.fetch(url, lambda got: judge_answer(got, expected, rules))


def location(to):
    return answer(status=302, Location=to)


def cut_off(handler, _):
    handler.close_connection = True


FAILURES = {
    "not found": (answer(b"no", 404), "not_found", 404, 1),
    "gone": (answer(b"no", 410), "gone", 410, 1),
    "forbidden": (answer(b"no", 403), "forbidden", 403, 1),
    "teapot": (answer(b"no", 418), "refused", 418, 1),
    "server error": (answer(b"no", 500), "server_error", 500, 2),
    "unavailable": (answer(b"no", 503), "server_error", 503, 2),
    "too many requests": (answer(b"no", 429), "rate_limited", 429, 2),
    "html with 200": (
        answer(b"<!DOCTYPE html><title>x</title>", Content_Type="text/html; charset=utf-8"),
        "not_an_image", 200, 1),
    "html called a picture": (answer(b"<html>Not here</html>"), "not_an_image", 200, 1),
    "no bytes": (answer(b""), "empty", 200, 2),
    "truncated": (answer(PICTURE[:-40]), "truncated", 200, 2),
    "cut": (cut(PICTURE, 100), "cut", None, 2),
    "cut before the head": (cut_off, "cut", None, 2),
    "too large, announced": (answer(bytes(2_000_001)), "too_large", 200, 1),
    "too large, unannounced": (unannounced(bytes(2_000_001)), "too_large", 200, 1),
    "placeholder by redirect": (location(GONE), "placeholder", 302, 1),
    "placeholder elsewhere": (
        location(f"https://s.yimg.com{GONE.replace('.png', '_m.png')}"), "placeholder", 302, 1),
    "placeholder by its bytes": (
        answer(PLACEHOLDER, Content_Type="image/png"), "placeholder", 200, 1),
    "placeholder with 404": (
        answer(PLACEHOLDER, 404, Content_Type="image/png"), "not_found", 404, 1),
    "other host": (location("http://localhost:1/a.jpg"), "other_host", 302, 1),
    "other scheme": (location("file:///etc/passwd"), "other_host", 302, 1),
    "silent": (silent(0.5), "timeout", None, 2),
}  # fmt: skip


@pytest.mark.parametrize("name", FAILURES)
def test_a_failure_has_its_reason(name, server):
    behaviour, reason, status, attempts = FAILURES[name]
    timeout = 0.15 if name == "silent" else 5.0
    got, judged = fetch(server, behaviour, max_bytes=2_000_000, timeout=timeout)
    assert (judged.reason, got.status, got.attempts) == (reason, status, attempts)
    assert REASONS[reason].retryable == (attempts > 1)
    assert judged.message


def test_bytes_that_only_trickle_end_at_the_deadline(server):
    class Ticking(Clock):
        def monotonic(self):
            self.now += 1.0
            return self.now

    got, judged = fetch(
        server, trickle(PICTURE, 0.01), clock=Ticking(), deadline=9.0, attempts=1, rate=1e9
    )
    assert (judged.reason, got.status) == ("timeout", 200)
    assert "within 9 s" in judged.message


def test_a_dead_name_a_closed_port_and_no_address_have_theirs():
    assert fetch_url("http://no-such-host.invalid/a.jpg")[1].reason == "unknown_host"
    assert fetch_url(f"http://127.0.0.1:{closed_port()}/a.jpg")[1].reason == "unreachable"
    for url in ("ftp://127.0.0.1/a.jpg", "a.jpg", "http://", "http://[/a.jpg"):
        got, judged = fetch_url(url)
        assert (judged.reason, got.attempts) == ("bad_address", 1), url


def test_a_host_without_a_valid_certificate_is_not_believed(server):
    server.behaviours["/t.jpg"] = answer(PICTURE)
    got, judged = fetch_url(server.url("/t.jpg").replace("http:", "https:"))
    assert (judged.reason, got.attempts) == ("tls", 1)


def test_redirects_are_followed_within_a_site_and_where_it_is_allowed(server):
    server.behaviours["/there.jpg"] = answer(PICTURE)
    got, judged = fetch(server, location("/there.jpg"))
    assert judged.reason is None and got.data == PICTURE
    assert got.redirects == (server.url("/there.jpg"),)
    elsewhere = server.url("/there.jpg").replace("127.0.0.1", "localhost")
    got, judged = fetch(server, location(elsewhere), follow=("localhost",))
    assert judged.reason is None and got.redirects == (elsewhere,)
    server.behaviours["/loop.jpg"] = location("/loop.jpg")
    before = len(server.requests)
    got, judged = fetch(server, location("/loop.jpg"))
    assert judged.reason == "too_many_redirects" and len(server.requests) - before == 6


def test_a_failure_that_passes_is_attempted_again(server):
    clock = Clock()
    turns = in_turn(answer(b"", 500), cut(PICTURE, 9), answer(PICTURE))
    got, judged = fetch(server, turns, clock=clock, attempts=4)
    assert judged.reason is None and (got.data, got.attempts) == (PICTURE, 3)
    assert [pause for pause in clock.slept if pause >= 1] == [1.0, 2.0]


def test_retry_after_lets_the_complete_host_rest(server):
    clock = Clock()
    turns = in_turn(answer(b"", 429, Retry_After="60"), answer(PICTURE))
    got, judged = fetch(server, turns, clock=clock)
    assert judged.reason is None and got.attempts == 2
    assert clock.now >= 60
    got, judged = fetch(server, answer(b"", 503, Retry_After="3600"), attempts=3, max_wait=100)
    assert (judged.reason, got.attempts) == ("rate_limited", 1)
    assert "asks for a rest of 3,59" in judged.message


def test_size_and_md5_verify_an_original(server):
    known = Expected(len(PICTURE), md5_of(PICTURE))
    assert fetch(server, answer(PICTURE), known)[1].verified == "md5"
    assert fetch(server, answer(PICTURE), Expected(len(PICTURE)))[1].verified == "size"
    assert fetch(server, answer(PICTURE))[1].verified == "none"
    other = picture(1)
    assert fetch(server, answer(other + b"\0"), known)[1].reason == "wrong_size"
    same_size = Expected(len(other), md5_of(PICTURE))
    got, judged = fetch(server, answer(other), same_size)
    assert (judged.reason, got.attempts) == ("wrong_md5", 1)
    kept = fetch(server, answer(other), same_size, Rules(keep_unverified=True))[1]
    assert (kept.reason, kept.verified) == (None, "failed")
    given = Rules(placeholders=(md5_of(other),))
    assert fetch(server, answer(other), rules=given)[1].reason == "placeholder"


def test_the_user_agent_says_who_asks(server):
    fetch(server, answer(PICTURE), user_agent="us/1 (+me@example.org)")
    assert server.requests[-1][2]["User-Agent"] == "us/1 (+me@example.org)"


def test_a_gate_keeps_requests_apart_and_rests():
    clock = Clock()
    gate, times = Gate(rate=4, connections=2, max_wait=50, clock=clock), []
    for number in range(5):
        with gate.passing():
            times.append(clock.now)
        if number == 2:
            gate.rest(10)
    assert times == [0, 0.25, 0.5, 10.5, 10.75]
    gate.rest(51)
    with pytest.raises(TooLong, match="a rest of 51 s"), gate.passing():
        pass


def test_a_gate_lets_so_many_requests_at_a_time(server):
    barrier, lock, active, most = threading.Barrier(3, timeout=5), threading.Lock(), [], []

    def meet(handler, _):
        with lock:
            active.append(1)
            most.append(len(active))
        barrier.wait()  # three at a time, or it breaks
        with lock:
            active.pop()
        handler.reply(200, PICTURE, {})

    for number in range(6):
        server.behaviours[f"/m{number}.jpg"] = meet
    downloader = Downloader(Manners(rate=1000, connections=3, attempts=1))

    def fetch_one(number):
        url = server.url(f"/m{number}.jpg")
        downloader.fetch(url, lambda got: judge_answer(got, Expected(), Rules()))

    threads = [threading.Thread(target=fetch_one, args=(number,)) for number in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert max(most) == 3 and not barrier.broken
