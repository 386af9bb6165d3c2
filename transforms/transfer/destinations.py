"""A folder or bucket that files are brought to, with what is on record of each that is complete.

What goes into a bucket is brought to this machine first (the spool), where it can be resumed, and
uploaded when it is verified.
"""

import dataclasses
import hashlib
import os
import shutil
import tempfile

import msgspec

from transforms import storage
from transforms.core.base.errors import UNREADABLE, EngineError, UsageError
from transforms.storage.files import FileInfo
from transforms.transfer.downloading import Delivery, Downloader
from transforms.transfer.outcomes import Failure, Outcome, Reason, Request
from transforms.transfer.partial import Partial, resumable_bytes, tidy

RECORDS = ".fetched"
"""Folder beside files, with what is on record of each."""

_BLOCK = 8 << 20


@dataclasses.dataclass(frozen=True)
class Wanted:
    """A file that is wanted in a folder.

    Attributes:
      path: Its place below the folder.
      request: What it must be, and where it is.
      by_hand: The page from which a person has to get it; empty where nobody has to.
    """

    path: str
    request: Request
    by_hand: str = ""


class Record(msgspec.Struct, frozen=True):
    """What is on record of a complete file.

    Attributes:
      bytes: Its size.
      md5: Its checksum (hexadecimal).
      fingerprint: Changes when the file does.
      address: From which it came; empty where it was found.
    """

    bytes: int
    md5: str
    fingerprint: str
    address: str = ""


@dataclasses.dataclass(frozen=True)
class Destination:
    """A folder that files are brought to.

    Attributes:
      folder: On this machine, or `gs://`.
      spool: The folder of this machine for what is on its way into a bucket; empty for one
        below the system's folder for temporary files.
      verify: Whether all files that are there are read, and compared with what is on record.
    """

    folder: str
    spool: str = ""
    verify: bool = False

    def place(self, wanted: Wanted) -> str:
        """Where a file belongs."""
        return storage.join(self.folder, wanted.path)

    def bring(self, wanted: Wanted, downloader: Downloader) -> Outcome:
        """Brings a file, unless a complete one is there."""
        place = self.place(wanted)
        try:
            found = self.find(wanted, downloader)
            if isinstance(found, Outcome):
                tidy(self._local(wanted), downloader.surroundings.clock)
                return found
            if wanted.by_hand:
                return Outcome(place, Reason.BY_HAND, _by_hand(wanted, place, found))
            delivery = _Delivery(self, wanted, downloader)
            outcome = downloader.fetch(wanted.request, self._local(wanted), delivery)
            return dataclasses.replace(outcome, path=place)
        except (UsageError, EngineError, OSError) as error:
            return Outcome(place, Reason.NOT_WRITTEN, str(error))

    def find(self, wanted: Wanted, downloader: Downloader) -> Outcome | str:
        """The complete file that is there, or why what is there is not it; empty for nothing."""
        place = self.place(wanted)
        if not storage.exists(place):
            return ""
        found = self._check(wanted, place, downloader)
        if isinstance(found, str):
            return found
        return Outcome(place, size=found.bytes, md5=found.md5)

    def is_known(self, wanted: Wanted) -> bool:
        """Whether a file is there that is on record as complete, without reading it."""
        place = self.place(wanted)
        info = _described(place)
        record = _read_record(place)
        return bool(
            info
            and record
            and record.fingerprint == info.fingerprint
            and not _difference(wanted.request, record.bytes, record.md5)
        )

    def begun(self, wanted: Wanted) -> int:
        """Bytes of a file that have come, of one that is not complete."""
        return resumable_bytes(self._local(wanted))

    def _check(self, wanted: Wanted, place: str, downloader: Downloader) -> Record | str:
        """What is on record of a file that is there, or why it is not the one that is wanted."""
        info = _described(place)
        record = _read_record(place)
        if info is None:
            return "it was removed meanwhile"
        if record and record.fingerprint == info.fingerprint:
            found = _read_md5(place) if self.verify else record.md5
            if found != record.md5:
                return f"its MD5 is {found} and was {record.md5}: it is corrupt"
            return _difference(wanted.request, info.size, found) or record
        if problem := _difference(wanted.request, info.size, None):
            return problem
        return self._identify(wanted, place, info, downloader)

    def _identify(
        self, wanted: Wanted, place: str, info: FileInfo, downloader: Downloader
    ) -> Record | str:
        """Of a file that nothing is on record of: whether it is the published one."""
        request = wanted.request
        if request.md5 is None and not wanted.by_hand:
            try:
                answer = downloader.ask(request)
            except Failure as failure:
                return f"it cannot be compared with the published one: {failure}"
            if answer.size is None:
                return "its size is not known anywhere"
            request = dataclasses.replace(request, size=answer.size, md5=answer.md5)
        if problem := _difference(request, info.size, None):
            return problem
        stored = None if self.verify else storage.stored_md5(place, info.fingerprint)
        md5 = stored or _read_md5(place)
        record = Record(info.size, md5, info.fingerprint)
        problem = _difference(request, info.size, md5)
        return problem or _write_record(place, record)

    def _local(self, wanted: Wanted) -> str:
        """Where on this machine a file is brought to."""
        place = self.place(wanted)
        if "://" not in self.folder:
            return place
        own = f"localized-narratives-fetch-{os.getuid()}"
        spool = self.spool or os.path.join(tempfile.gettempdir(), own)  # noqa: PTH118
        name = hashlib.sha256(place.encode()).hexdigest()[:16]
        return storage.join(spool, f"{name}-{place.rpartition('/')[2]}")


def _described(place: str) -> FileInfo | None:
    """A file as it is, None where it is not there."""
    try:
        return next(iter(storage.match([place])), None) if storage.exists(place) else None
    except UsageError:
        if storage.exists(place):
            raise
        return None


def _record_path(place: str) -> str:
    folder, _, name = place.rpartition("/")
    return storage.join(folder, RECORDS, f"{name}.json")


def _read_record(place: str) -> Record | None:
    path = _record_path(place)
    try:
        data = storage.read_bytes(path) if storage.exists(path) else b""
        return msgspec.json.decode(data, type=Record)
    except UNREADABLE:  # UsageError too: it was removed meanwhile
        return None


def _write_record(place: str, record: Record) -> Record:
    storage.write_bytes(_record_path(place), msgspec.json.encode(record) + b"\n")
    return record


def _difference(request: Request, size: int, md5: str | None) -> str:
    """Why a file is not the one that is wanted, by what is known; empty where it may be."""
    if request.size is not None and size != request.size:
        return f"it has {size:,} bytes and should have {request.size:,}"
    if request.md5 is not None and md5 is not None and md5 != request.md5:
        return f"its MD5 is {md5} and should be {request.md5}"
    return ""


def _read_md5(place: str) -> str:
    found = hashlib.md5(usedforsecurity=False)
    with storage.open_binary(place) as file:
        while block := file.read(_BLOCK):
            found.update(block)
    return found.hexdigest()


class _Delivery(Delivery):
    """Puts a file into a destination, and on record before it has its name."""

    def __init__(self, destination: Destination, wanted: Wanted, downloader: Downloader) -> None:
        self._destination, self._wanted = destination, wanted
        self._downloader, self._place = downloader, destination.place(wanted)

    def found(self) -> Outcome | None:
        found = self._destination.find(self._wanted, self._downloader)
        return found if isinstance(found, Outcome) else None

    def deliver(self, partial: Partial, address: str) -> None:
        part = str(partial.seal())
        is_local = str(partial.path) == self._place
        if not is_local:
            _upload(part, self._place)
        (info,) = storage.match([part if is_local else self._place])
        record = Record(partial.have, partial.md5, info.fingerprint, address)
        _write_record(self._place, record)
        if is_local:
            partial.finish()
        else:
            partial.discard()


def _upload(local: str, place: str) -> None:
    """Puts a complete file into a bucket, under its name when all of it is there."""
    with storage.new_file(place) as temporary:
        try:
            os.link(local, temporary)
        except OSError:
            shutil.copyfile(local, temporary)


def _by_hand(wanted: Wanted, place: str, problem: str) -> str:
    """What a person is to do."""
    begin = f"{place!r} is not the file: {problem}. " if problem else ""
    return f"{begin}Open {wanted.by_hand} in a browser and save the file as {place}"
