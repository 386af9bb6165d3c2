"""Shows narratives in a browser: `python -m pipelines.view OUT`."""

import contextlib
import signal
import sys
from collections.abc import Iterator, Sequence

from pipelines.cli import log
from pipelines.cli.options import parse_command_line
from pipelines.view.images import LocalImages
from pipelines.view.options import ViewOptions
from pipelines.view.pages import write_page
from pipelines.view.server import LOOPBACK, make_server
from pipelines.view.versions import ShownVersion, find_shown
from transforms.core.report.page.formats import plural

PROG = "python -m pipelines.view"
OPTIONS = ViewOptions

_DESCRIPTION = (
    "Shows the narratives of a version in a browser: the trace in time, words with their boxes, "
    "mentions, labels; to be searched, filtered and sorted. It serves the version's files to this "
    "machine alone, until it is stopped (Ctrl-C), or writes the page for other servers."
)


def main(argv: Sequence[str] | None = None, prog: str = PROG) -> int:
    """Serves or writes the page; returns the exit code."""
    options, _ = parse_command_line(ViewOptions, argv, prog, _DESCRIPTION)
    version = find_shown(options.of, options.id)
    if options.write is not None:
        write_page(options.write, version)
        return _end(version, f"Wrote the page of {_called(version)} to {options.write}")
    images = LocalImages(options.images) if options.images is not None else None
    return _serve(version, images, options.port)


def _serve(version: ShownVersion, images: LocalImages | None, port: int) -> int:
    with make_server(version, images, port) as server:
        address = f"http://{LOOPBACK}:{server.server_address[1]}/view/"
        number = plural(version.narratives, "narrative")
        held = f" with {plural(len(images), 'local image')}" if images else ""
        said = f"Showing {number} of version {version.name}{held} at {address}"
        log.note("notice", said)
        if not log.is_json():  # what was asked for, also of a quiet command
            print(f"{said} (Ctrl-C ends it)", flush=True)
        with _ended_by_interrupt():
            server.serve_forever()
    return 0


@contextlib.contextmanager
def _ended_by_interrupt() -> Iterator[None]:
    """A block that Ctrl-C ends in the usual way: there is nothing that would have to be resumed."""
    if signal.getsignal(signal.SIGINT) is not signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)
    with contextlib.suppress(KeyboardInterrupt):
        yield


def _called(version: ShownVersion) -> str:
    if version.output is not None:
        return f"the current version of {version.output}"
    return f"version {version.name}"


def _end(version: ShownVersion, said: str) -> int:
    log.tell("notice", said, stream=sys.stdout)
    log.ending("written", said, version=version.name)
    return 0
