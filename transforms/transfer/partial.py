"""The part of a file that has come: beside its place, with what is known of it, and locked.

`NAME.part` holds bytes, `NAME.part.json` which version of the file they are of and how many of them
are on the disk for certain. A process that is killed leaves both, and the next one goes on from
there; one that finds another at work waits for it. Only a complete, verified file gets the name.
"""

import contextlib
import dataclasses
import fcntl
import hashlib
import json
import os
import pathlib
from collections.abc import Iterator

import msgspec

from transforms import storage
from transforms.core.base.errors import UNREADABLE
from transforms.transfer.pacing.gates import SYSTEM, Clock
from transforms.transfer.sources.answers import NO_VALIDATOR, Validator

PART, STATE = ".part", ".part.json"
"""What the names of both files end in."""

CHECKPOINT_BYTES, CHECKPOINT_SECONDS = 32 << 20, 1.0
"""After how many bytes, or how long, what has come is made certain to be on the disk."""

_LOOK_SECONDS = 0.2
"""How often one looks whether another process has done with the file."""

_BLOCK = 1 << 20


@dataclasses.dataclass(frozen=True)
class State:
    """What is known of a part.

    Attributes:
      address: Where it comes from.
      validator: The version of the file.
      size: Bytes of the complete file, None where the server has not said.
      md5: The server's own checksum of the complete file, None where it has none.
      synced: Bytes that are on the disk for certain.
      pieces: Answers that it is put together from.
    """

    address: str = ""
    validator: Validator = NO_VALIDATOR
    size: int | None = None
    md5: str | None = None
    synced: int = 0
    pieces: int = 0


class Partial:
    """The part of a file that has come, in the hands of this thread alone.

    Args:
      path: The file's place.
      descriptor: Of the part, open and locked.
      clock: The time.

    Attributes:
      path: The file's place.
      have: Bytes that have come.
      state: What is known of them.
    """

    def __init__(self, path: pathlib.Path, descriptor: int, clock: Clock = SYSTEM) -> None:
        self.path, self._descriptor, self._clock = path, descriptor, clock
        self.have, self._hash = 0, hashlib.md5(usedforsecurity=False)
        self._is_done = False
        self.state = self._load()
        self._checked = clock.monotonic()

    def _load(self) -> State:
        """What another process has left, without what may not be on the disk."""
        state = _read_state(self.path, os.fstat(self._descriptor).st_size)
        os.ftruncate(self._descriptor, state.synced)
        while block := os.pread(self._descriptor, _BLOCK, self.have):
            self._hash.update(block)
            self.have += len(block)
        return state

    @property
    def md5(self) -> str:
        """MD5 (hexadecimal) of the bytes that have come."""
        return self._hash.hexdigest()

    def resume_at(self, address: str) -> int:
        """From which byte on the rest is to be asked of an address; 0 for all of it."""
        return self.have if self.state.validator and self.state.address == address else 0

    def restart(self, state: State) -> None:
        """Lets nothing have come, and the next bytes be the first ones."""
        self.have, self._hash = 0, hashlib.md5(usedforsecurity=False)
        self.state = state
        self._write_state()  # before the bytes: they must not be taken for those of another version
        os.ftruncate(self._descriptor, 0)

    def begin_piece(self) -> None:
        """The next bytes are of another answer."""
        self.state = dataclasses.replace(self.state, pieces=self.state.pieces + 1)

    def write(self, data: bytes) -> None:
        """Adds bytes."""
        view = memoryview(data)
        while view:
            written = os.pwrite(self._descriptor, view, self.have)
            self._hash.update(view[:written])
            self.have, view = self.have + written, view[written:]
        due = self._clock.monotonic() - self._checked >= CHECKPOINT_SECONDS
        if due or self.have - self.state.synced >= CHECKPOINT_BYTES:
            self.checkpoint()

    def checkpoint(self) -> None:
        """Makes certain that what has come is on the disk, and writes down how much that is."""
        if self.state.validator and self.have > self.state.synced:
            os.fsync(self._descriptor)
            self.state = dataclasses.replace(self.state, synced=self.have)
            self._write_state()
        self._checked = self._clock.monotonic()

    def _write_state(self) -> None:
        target = _beside(self.path, STATE)
        temporary = target.with_name(target.name + ".tmp")  # nobody else is at it
        temporary.write_text(json.dumps(dataclasses.asdict(self.state)))
        temporary.replace(target)

    def seal(self) -> pathlib.Path:
        """Makes certain that the complete file is on the disk; returns where it is until then."""
        os.fsync(self._descriptor)
        return _beside(self.path, PART)

    def finish(self) -> None:
        """Gives the complete file its name."""
        os.fsync(self._descriptor)
        _beside(self.path, PART).replace(self.path)
        storage.sync_folders([str(self.path.parent)])
        _beside(self.path, STATE).unlink(missing_ok=True)
        self._is_done = True

    def discard(self) -> None:
        """Removes the part and what is known of it."""
        for end in (f"{STATE}.tmp", STATE, PART):
            _beside(self.path, end).unlink(missing_ok=True)
        self._is_done = True

    def leave(self) -> None:
        """Keeps what can be resumed, when this thread has done with it."""
        if self._is_done:
            return
        with contextlib.suppress(OSError):
            self.checkpoint()
        if not self.state.synced:
            self.discard()


def _read_state(path: pathlib.Path, length: int) -> State:
    """What is known of a part of so many bytes; nothing, if it cannot be resumed."""
    try:
        state = msgspec.json.decode(_beside(path, STATE).read_bytes(), type=State)
    except (OSError, *UNREADABLE):
        return State()
    return state if state.validator and 0 < state.synced <= length else State()


def tidy(path: str, clock: Clock = SYSTEM) -> None:
    """Removes what a process that was killed has left beside a complete file."""
    if any(_beside(pathlib.Path(path), end).exists() for end in (PART, STATE)):
        with locked(path, clock) as partial:
            partial.discard()


def resumable_bytes(path: str) -> int:
    """Bytes of a file that have come and need not come again, if it did not change since."""
    place = pathlib.Path(path)
    try:
        return _read_state(place, _beside(place, PART).stat().st_size).synced
    except OSError:
        return 0


def _beside(path: pathlib.Path, end: str) -> pathlib.Path:
    return path.with_name(path.name + end)


@contextlib.contextmanager
def locked(path: str, clock: Clock = SYSTEM) -> Iterator[Partial]:
    """The part of a file, for this thread alone; waits while another one has it.

    What is left when the block ends is resumed by the next one; a part without a byte goes.
    """
    place = pathlib.Path(path)
    place.parent.mkdir(parents=True, exist_ok=True)
    descriptor = _lock(_beside(place, PART), clock)
    try:
        partial = Partial(place, descriptor, clock)
        try:
            yield partial
        finally:
            partial.leave()
    finally:
        os.close(descriptor)


def _lock(part: pathlib.Path, clock: Clock) -> int:
    """Opens a part and locks it; it may get the file's name, or go, while that is waited for."""
    while True:
        descriptor = os.open(part, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o666)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            if _is_still(part, descriptor):
                return descriptor
        except BlockingIOError:
            clock.sleep(_LOOK_SECONDS)
        except BaseException:
            os.close(descriptor)
            raise
        os.close(descriptor)


def _is_still(path: pathlib.Path, descriptor: int) -> bool:
    try:
        return os.path.samestat(path.lstat(), os.fstat(descriptor))
    except FileNotFoundError:
        return False
