"""The page, as tests drive it."""

import re
import shutil
import time

LAUNCH = [
    "--no-sandbox",  # tests may run as root
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
]
TIMEOUT_SECONDS = 8
"""After which a test gives up waiting."""

NAMES = ("chromium", "chromium-browser", "google-chrome")


def launch(playwright):
    """Starts the system's Chromium."""
    path = next(filter(None, map(shutil.which, NAMES)))
    return playwright.chromium.launch(executable_path=path, args=LAUNCH)


class Viewer:
    """The page in a browser that reaches this machine alone.

    Attributes:
      errors: What the page reported or did not catch.
      requests: Of files of the version: (path, first byte, last byte).
      elsewhere: Addresses on other machines that were asked for.
      pictures: PNG files by address, as if on other machines.
      recordings: WAV files, likewise.
    """

    def __init__(self, page, address):
        self.page, self.address = page, address
        self.errors, self.requests, self.elsewhere = [], [], []
        self.pictures, self.recordings = {}, {}
        page.set_default_timeout(1000 * TIMEOUT_SECONDS)
        page.on("pageerror", lambda error: self.errors.append(str(error)))
        page.on("console", self._note)
        page.on("request", self._count)
        page.route(lambda url: not url.startswith("http://127.0.0.1"), self._answer)

    def _note(self, message):
        if message.type == "error" and "Failed to load resource" not in message.text:
            self.errors.append(message.text)

    def _count(self, request):
        found = re.fullmatch(r"bytes=(\d+)-(\d+)", request.headers.get("range", ""))
        if found:
            self.requests.append((request.url.rpartition("/")[2], int(found[1]), int(found[2])))

    def _answer(self, route):
        url = route.request.url
        self.elsewhere.append(url)
        if url in self.pictures:
            route.fulfill(body=self.pictures[url], content_type="image/png")
        elif url in self.recordings:
            route.fulfill(**_part(self.recordings[url], route.request.headers["range"]))
        else:
            route.abort()

    def go(self, rest=""):
        """Opens the page, with a search or a link."""
        self.page.goto("about:blank")  # a new hash alone loads nothing
        self.page.goto(self.address + rest)
        self.page.wait_for_selector("body[data-ready]", state="attached")
        self.wait()
        return self

    def wait(self):
        """Until the search has ended and the list is drawn."""
        self.page.wait_for_selector("#filters:not([aria-busy])", state="attached")
        self.page.wait_for_selector("#list[aria-busy=false]", state="attached")
        self.until("document.querySelector('#list li') || !document.querySelector('#empty').hidden")

    def until(self, expression):
        """Until it is true; Playwright's own way needs `eval`, which the page's policy forbids."""
        end = time.monotonic() + TIMEOUT_SECONDS
        while not self.page.evaluate(expression):
            assert time.monotonic() < end, expression
            time.sleep(0.02)

    def until_text(self, selector, text):
        """Until an element says just that."""
        self.until(f"document.querySelector({selector!r})?.textContent === {text!r}")

    def open(self, place):
        """Opens a row by a link."""
        names = ("narrative_id", "shard", "byte_offset")
        values = {name: place[name] for name in names if name in place}
        if "reasons" in place:
            values["table"] = "discarded"
        hash_ = self.page.evaluate("values => '#' + new URLSearchParams(values)", values)
        self.go(hash_)
        self.page.wait_for_selector(".narrative")
        return self

    def fill(self, **values):
        """Fills in the form; waits for what is found."""
        self.page.evaluate("document.querySelector('#filters details').open = true")
        for name, value in values.items():
            control = self.page.locator(f"#{name}")
            if isinstance(value, bool):
                control.set_checked(value)
            elif control.evaluate("one => one.tagName") == "SELECT":
                control.select_option(value)
            else:
                control.fill(str(value))
        self.wait()
        return self

    @property
    def links(self):
        """(shard, byte offset) of all rows that are drawn."""
        return self.page.evaluate(
            """() => [...document.querySelectorAll("#list a")].map((one) => {
              const values = new URLSearchParams(one.getAttribute("href").slice(1))
              return [values.get("shard"), Number(values.get("byte_offset"))]
            })"""
        )

    def text(self, selector):
        return self.page.locator(selector).text_content()

    def texts(self, selector):
        return self.page.locator(selector).all_text_contents()

    def place(self):
        """(shard, byte offset) of the row that is open."""
        return self.page.evaluate(
            """() => {
              const values = new URLSearchParams(location.hash.slice(1))
              return [values.get("shard"), Number(values.get("byte_offset"))]
            }"""
        )

    def rectangle(self, selector):
        """x_min, y_min, x_max, y_max of a drawn box, normalised."""
        return self.page.evaluate(
            """(selector) => {
              const ground = document.querySelector(".ground")
              const [width, height] = ["width", "height"].map((one) => ground.getAttribute(one))
              const box = document.querySelector(selector)
              const [x, y, w, h] = ["x", "y", "width", "height"].map((one) =>
                Number(box.getAttribute(one)))
              return [x / width, y / height, (x + w) / width, (y + h) / height]
            }""",
            selector,
        )


def _part(data, range_):
    """An answer to a request for the end of a file from some byte on."""
    first = int(re.fullmatch(r"bytes=(\d+)-", range_)[1])
    headers = {"Content-Range": f"bytes {first}-{len(data) - 1}/{len(data)}"}
    return {"status": 206, "headers": headers, "body": data[first:], "content_type": "audio/wav"}


def line_of(row):
    """What names a row."""
    return [row["shard"], row["byte_offset"]]
