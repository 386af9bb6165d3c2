"""What there is to fetch: names as files, where each belongs, and which are there already."""

import dataclasses
import re
from collections.abc import Iterator, Sequence
from typing import Literal

from pipelines.catalog.published import PublishedFile, load_published
from pipelines.fetch.options import ADDRESS, FetchOptions
from transforms.core.base.errors import UsageError, option, shown
from transforms.transfer.destinations import Destination, Wanted
from transforms.transfer.outcomes import Head, Request

State = Literal["there", "pending", "by_hand"]


@dataclasses.dataclass(frozen=True)
class Planned:
    """A file that is asked for.

    Attributes:
      file: What is published.
      wanted: What is wanted of it, and where.
      state: Whether it is on record as complete, is to be fetched, or to be got by hand.
      begun: Bytes that an earlier run has brought, of one that is not complete.
    """

    file: PublishedFile
    wanted: Wanted
    state: State
    begun: int = 0


@dataclasses.dataclass(frozen=True)
class Plan:
    """What a run has to do.

    Attributes:
      files: All that are asked for, each once.
      destination: Where they go.
    """

    files: tuple[Planned, ...]
    destination: Destination

    def in_state(self, state: State) -> list[Planned]:
        """The files in a state."""
        return [planned for planned in self.files if planned.state == state]

    @property
    def pending_bytes(self) -> int:
        """Bytes of the files to be fetched whose size is known, without what has come."""
        return sum(
            max(0, planned.file.bytes - planned.begun)
            for planned in self.in_state("pending")
            if planned.file.bytes is not None
        )

    @property
    def of_unknown_size(self) -> int:
        """How many files are to be fetched whose size is not known."""
        return sum(planned.file.bytes is None for planned in self.in_state("pending"))


def make_plan(options: FetchOptions) -> Plan:
    """Looks what the options ask for, and what of it is there.

    Raises:
      UsageError: A name is in no catalog, or a mirror is no address.
    """
    destination = Destination(options.to, options.spool or "", options.verify)
    mirrors = [_mirror(text) for text in options.mirror]
    files = load_published(options.catalog).find(options.names)
    planned = (_plan(file, wanted_of(file, mirrors), destination) for file in files)
    return Plan(tuple(planned), destination)


def _plan(file: PublishedFile, wanted: Wanted, destination: Destination) -> Planned:
    if destination.is_known(wanted):
        return Planned(file, wanted, "there")
    if file.by_hand:
        return Planned(file, wanted, "by_hand")
    return Planned(file, wanted, "pending", destination.begun(wanted))


def _mirror(text: str) -> tuple[str, str]:
    original, _, mirror = text.partition("=")
    if not re.match(ADDRESS, mirror):
        raise UsageError(
            f"{option('mirror')}: {shown(text)!r} must be ADDRESS=ADDRESS, the beginning of "
            "addresses of the catalog and that of a mirror (https://, gs:// or file:)"
        )
    return original, mirror


def wanted_of(file: PublishedFile, mirrors: Sequence[tuple[str, str]] = ()) -> Wanted:
    """What is wanted of a published file: from mirrors first, in their order."""
    addresses = dict.fromkeys([*_mirrored(file.addresses, mirrors), *file.addresses])
    request = Request(tuple(addresses), file.bytes, file.md5, refuse_page)
    return Wanted(file.path, request, file.by_hand or "")


def _mirrored(addresses: Sequence[str], mirrors: Sequence[tuple[str, str]]) -> Iterator[str]:
    for original, mirror in mirrors:
        for address in addresses:
            if address.startswith(original):
                yield mirror + address.removeprefix(original)


def refuse_page(head: Head) -> str:
    """Why an answer is not the file: it is a page for people, as of a login or a portal.

    >>> refuse_page(Head("https://a/b.csv", "text/html", None))[:36]
    'a page for people came in place of t'
    """
    if head.content_type in ("text/html", "application/xhtml+xml"):
        return (
            "a page for people came in place of the file (of a login, or of a network that asks "
            "for one); open the address in a browser to see it"
        )
    return ""
