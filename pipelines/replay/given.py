"""Repaired lines as users give them: edited rows of `rejected`, JSON Lines, or by a program."""

import shlex
import subprocess
from collections.abc import Iterable, Iterator, Sequence
from typing import BinaryIO, NamedTuple, cast

import msgspec

from transforms import storage
from transforms.core.base.errors import UNREADABLE, UsageError, shown

SECONDS = 60
"""After so many a program that repairs one line is stopped, and the line stays rejected."""

_FORM = (
    "give rows of the table `rejected` (Avro), or JSON Lines such as "
    '{"shard": "a.jsonl", "byte_offset": 0, "raw": "…"}'
)


class Given(NamedTuple):
    """A repaired line.

    Attributes:
      where: The file and row, or the program, that it is from: for messages.
      shard: The file's name.
      byte_offset: Where the line that it replaces begins in the (decompressed) shard.
      raw: Its bytes, without a line end.
    """

    where: str
    shard: str
    byte_offset: int
    raw: bytes


class Rejected(NamedTuple):
    """A rejected line, as the table has it."""

    shard: str
    byte_offset: int
    code: str
    raw: bytes


class _Row(msgspec.Struct):
    """A line of the JSON form; what else it has is not read."""

    shard: str
    byte_offset: int
    raw: str


def read_given(paths: Sequence[str]) -> Iterator[Given]:
    """Repaired lines of files.

    Raises:
      UsageError: A file is of another form.
    """
    for file in storage.match(paths):
        with storage.open_decompressed(file.path) as stream:
            read = _read_avro if file.path.endswith(".avro") else _read_json
            yield from read(file.path, stream)


def read_avro(path: str, stream: BinaryIO) -> Iterator[dict]:
    """Rows of an Avro file.

    Raises:
      UsageError: It is none, or incomplete.
    """
    import fastavro

    try:
        yield from cast(Iterator[dict], fastavro.reader(stream))
    except (
        EOFError, IndexError, KeyError, TypeError, ValueError, fastavro.schema.SchemaParseException
    ) as error:  # fmt: skip
        raise UsageError(f"{path}: is no complete Avro file ({shown(error)}): {_FORM}") from error


def _read_avro(path: str, stream: BinaryIO) -> Iterator[Given]:
    for number, row in enumerate(read_avro(path, stream), 1):
        where = f"{path}, row {number}"
        kinds = {"shard": str, "byte_offset": int, "raw": bytes}
        for name, kind in kinds.items():
            if not isinstance(row, dict) or not isinstance(row.get(name), kind):
                raise UsageError(f"{where}: has no `{name}` of the table `rejected`: {_FORM}")
        yield _given(where, row["shard"], row["byte_offset"], row["raw"])


def _read_json(path: str, stream: BinaryIO) -> Iterator[Given]:
    for number, line in enumerate(stream, 1):
        if not line.strip():
            continue
        where = f"{path}:{number}"
        try:
            row = msgspec.json.decode(line, type=_Row)
        except UNREADABLE as error:
            raise UsageError(f"{where}: is no repaired line ({shown(error)}): {_FORM}") from error
        yield _given(where, row.shard, row.byte_offset, row.raw.encode())


def _given(where: str, shard: str, byte_offset: int, raw: bytes) -> Given:
    """A repaired line, which is one and holds something.

    Raises:
      UsageError: It does not.
    """
    line = raw.removesuffix(b"\n")
    if b"\n" in line:
        raise UsageError(
            f"{where}: `raw` holds several lines, and stands in the place of one: give one"
        )
    if not line.strip():
        raise UsageError(
            f"{where}: `raw` is blank, so that the line would be lost: leave the row out, and the "
            "line stays rejected"
        )
    return Given(where, shard, byte_offset, line)


class _Failed(Exception):
    """The program repairs a line not, and fails in saying so."""


class CommandLines:
    """What a program makes of rejected lines.

    Args:
      command: The program with its arguments, as a shell would take them apart.

    Attributes:
      failures: Sentences on lines for which it failed.

    Raises:
      UsageError: There is none.
    """

    def __init__(self, command: str) -> None:
        try:
            self._arguments = shlex.split(command)
        except ValueError as error:
            raise UsageError(f"--command: {error}: write it as in a shell") from error
        if not self._arguments:
            raise UsageError("--command: names no program: give one, with its arguments")
        self.failures: list[str] = []

    def repair(self, rejected: Iterable[Rejected]) -> Iterator[Given]:
        """The lines that it repairs; of those that were too long only the beginning is known.

        Raises:
          UsageError: It cannot be started.
        """
        for row in rejected:
            try:
                line = self._repair(row)
            except _Failed as failure:
                place = f"{shown(row.shard)}, byte {row.byte_offset}"
                self.failures.append(f"{place}: {failure}")
                continue
            if line.strip():
                where = f"--command, of {row.shard}, byte {row.byte_offset}"
                yield Given(where, row.shard, row.byte_offset, line)

    def _repair(self, row: Rejected) -> bytes:
        if row.code == "line_too_long":
            raise _Failed("the line was too long and is not kept completely; give it by --repaired")
        try:
            ended = subprocess.run(  # the user's own program
                self._arguments, input=row.raw + b"\n", capture_output=True, timeout=SECONDS,
                check=False,
            )  # fmt: skip
        except subprocess.TimeoutExpired as error:
            raise _Failed(f"the program took longer than {SECONDS} s") from error
        except OSError as error:
            name = shown(self._arguments[0])
            raise UsageError(
                f"--command: {name!r} cannot be started ({error.strerror}): check the path"
            ) from error
        line = ended.stdout.removesuffix(b"\n")
        if ended.returncode:
            last = (ended.stderr.decode(errors="replace").strip().splitlines() or [""])[-1]
            raise _Failed(f"the program ended with code {ended.returncode}: {shown(last)}")
        if b"\n" in line:
            raise _Failed("the program printed several lines in place of one")
        return line
