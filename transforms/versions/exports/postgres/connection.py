"""Connections to PostgreSQL, and what is said of what it refuses: never a password."""

import contextlib
import re
import types
from collections.abc import Iterator
from typing import Any

from transforms.core.base.errors import (
    DeniedError,
    EngineError,
    RoomError,
    UsageError,
    option,
    shown,
)
from transforms.core.base.secrets import mask_secrets

_TIMEOUT_SECONDS = 15

_DENIED = re.compile(
    r"authentication failed|no password supplied|no pg_hba\.conf entry"
    r"|(role|database|user) \".*\" does not exist|not permitted to log in|certificate|SSL"
    r"|permission denied for database"
)
"""What a server, or the library that connects to it, says when a second attempt is no use."""

_UNREADABLE = re.compile(r"invalid (integer|port|[a-z_]+ value|connection option)")
_NO_DSN = (
    f"the connection string of {option('dsn')} cannot be read: give it as "
    "postgresql://USER@HOST:PORT/DATABASE or 'host=HOST port=PORT dbname=DATABASE', and the "
    "password in ~/.pgpass or PGPASSWORD"
)

_FULL = ("53100", "53200", "53400", "54000")
_DENIALS = ("42501", "28000", "28P01", "3D000", "25006")
_BUSY = ("57014", "57P01", "57P02", "57P03", "40001", "40P01", "55P03")


def psycopg() -> types.ModuleType:
    """The library.

    Raises:
      UsageError: It is not installed.
    """
    try:
        import psycopg as found
    except ImportError as error:
        raise UsageError(
            "to export to PostgreSQL, psycopg is needed: pip install "
            f"'localized-narratives-beam[postgres]' ({error})"
        ) from error
    return found


def parameters(dsn: str) -> dict[str, Any]:
    """A connection string's parameters.

    Raises:
      UsageError: It is none; what it holds is not quoted.
    """
    library = psycopg()
    try:
        return library.conninfo.conninfo_to_dict(dsn)
    except library.Error:
        raise UsageError(_NO_DSN) from None


def place_of(dsn: str) -> str:
    """Which database that is, for messages: without user and password."""
    known = parameters(dsn)
    parts = [f"{name}={known[name]}" for name in ("service", "host", "port", "dbname")
             if known.get(name)]  # fmt: skip
    return shown(f"PostgreSQL ({', '.join(parts) or 'the default of this machine'})")


@contextlib.contextmanager
def connected(dsn: str) -> Iterator[Any]:
    """A connection whose block is one transaction, closed at its end.

    Raises:
      EngineError: The server cannot be reached, or has ended the connection; retryable.
      DeniedError: It refuses this user, or what is done needs a privilege.
      RoomError: It has no room.
      UsageError: It refuses the data.
    """
    library, place = psycopg(), place_of(dsn)
    given = {"connect_timeout": _TIMEOUT_SECONDS, "application_name": "narratives export"}
    try:
        # What the connection string says wins, and comes last.
        connection = library.connect(**{**given, **parameters(dsn)})
    except library.Error as error:
        raise _of_connecting(error, place, dsn) from None
    try:
        with connection:  # commits, or rolls back and closes
            connection.execute("SET client_encoding TO 'UTF8'")
            yield connection
    except library.Error as error:
        raise _explained(error, place, dsn) from None


def _said(error: Exception, dsn: str) -> str:
    """What a server or the library has said, on one line, without secrets."""
    lines = [line.strip() for line in str(error).splitlines()]
    text = " ".join(line for line in lines if line and not line.startswith("CONTEXT:"))
    password = parameters(dsn).get("password")
    if password:
        text = text.replace(str(password), "***")
    return shown(str(mask_secrets(text)).rstrip("."), 400)


def _of_connecting(error: Exception, place: str, dsn: str) -> Exception:
    said = _said(error, dsn)
    if _UNREADABLE.search(said):
        return UsageError(_NO_DSN)
    if _DENIED.search(said):
        return DeniedError(
            f"{place} refuses the connection ({said}): check user, password and database of "
            f"{option('dsn')}"
        )
    return EngineError(
        f"{place} cannot be reached ({said}): check that the server runs and listens there, then "
        "run the same command again"
    )


def _explained(error: Any, place: str, dsn: str) -> Exception:
    said, state = _said(error, dsn), error.sqlstate or ""
    if state in _FULL:
        return RoomError(
            f"{place} has no room ({said}): free some there and run the same command again; files "
            "that are loaded are kept, and readers still see what was there before"
        )
    if state in _DENIALS:
        return DeniedError(
            f"{place} refuses this ({said}): the user needs the privilege CREATE on the database, "
            "and must own the schema that is replaced"
        )
    if state.startswith("08") or state in _BUSY or not state:
        return EngineError(
            f"{place} has ended the work ({said}): run the same command again; files that are "
            "loaded are kept, and readers still see what was there before"
        )
    if state[:2] in ("22", "23"):
        return UsageError(f"{place} refuses the data ({said}): export another version")
    return EngineError(f"{place} failed ({said}); readers still see what was there before")
