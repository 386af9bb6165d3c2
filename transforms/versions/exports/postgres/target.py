"""A version in a schema of PostgreSQL: loaded into one beside it, which then takes its name.

Each file is loaded in one transaction together with its row of `exported_files`, so that it is
there once, however often it is attempted. Two that load the same file at a time wait for each other
at that row. Keys are added when all files are there; then, in the same transaction, the tables of
the version before go and the schema is renamed, so that readers see the old version or the new one.
"""

import contextlib
import dataclasses
import json
import time
from typing import Any

from transforms.core.base.errors import ChangedError, EngineError, UsageError, option
from transforms.core.base.versions import digest
from transforms.core.model.manifest_entries import TableFile
from transforms.core.output.exports.copy_text import copy_text
from transforms.core.output.exports.layouts import TableLayout, layout_of
from transforms.core.output.exports.postgres import (
    BOOKKEEPING,
    FILES_TABLE,
    VERSION_TABLE,
    completions,
    copy_statement,
    create_table,
    further_keys,
    primary_keys,
    quote,
)
from transforms.versions.exports.export import Outcome
from transforms.versions.exports.postgres import swapping
from transforms.versions.exports.postgres.connection import connected, place_of, psycopg
from transforms.versions.exports.version import ExportedVersion, read_rows

FORMAT = 1
"""Raised when the same version becomes other tables than before."""


@dataclasses.dataclass(frozen=True)
class PostgresTarget:
    """A schema of a database.

    Attributes:
      version: What is exported.
      dsn: The connection string, as libpq takes it; empty for what its environment says.
      schema: The schema's name.
    """

    version: ExportedVersion
    dsn: str
    schema: str

    @property
    def key(self) -> str:
        """Changes with whatever changes the tables."""
        files = [[file.path, file.crc32c, file.rows] for file in self.version.files]
        return digest({"format": FORMAT, "version": self.version.name, "files": files})[:16]

    @property
    def staging(self) -> str:
        """The schema that is filled."""
        return f"{self.schema}{swapping.MARK}{self.key}"

    @property
    def layouts(self) -> dict[str, TableLayout]:
        """The tables, by the version's names."""
        return {name: layout_of(self.version.job, name) for name in self.version.schemas}

    @property
    def place(self) -> str:
        """Where it goes, for people."""
        return f"schema {self.schema} of {place_of(self.dsn)}"

    def find(self) -> Outcome | None:
        """As of `Target`."""
        with connected(self.dsn) as connection:
            if swapping.exported_key(connection, self.schema) != self.key:
                return None
            return self._outcome(connection)

    def prepare(self) -> None:
        """As of `Target`.

        Raises:
          UsageError: The schema holds what no export has made.
        """
        with connected(self.dsn) as connection:
            swapping.refuse_foreign(connection, self.schema)
            if swapping.has_table(connection, self.staging, FILES_TABLE):
                return
            connection.execute(f"CREATE SCHEMA {quote(self.staging)}")
            connection.execute(BOOKKEEPING.format(schema=quote(self.staging)))
            for name, columns in self.version.schemas.items():
                layout = self.layouts[name]
                connection.execute(create_table(self.staging, layout, columns))

    def put(self, file: TableFile) -> bool:
        """As of `Target`.

        Raises:
          ChangedError: What was prepared is gone, and this version is not there.
        """
        library = psycopg()
        with connected(self.dsn) as connection:
            try:
                return self._put(connection, file)
            except (library.errors.UndefinedTable, library.errors.InvalidSchemaName):
                connection.rollback()
                if swapping.exported_key(connection, self.schema) == self.key:
                    return False  # another attempt has finished it
                raise ChangedError(
                    f"{self.place}: another export has ended meanwhile and removed what this one "
                    "had loaded: run the same command again"
                ) from None

    def _put(self, connection: Any, file: TableFile) -> bool:
        noted = connection.execute(
            f"INSERT INTO {quote(self.staging)}.{FILES_TABLE} VALUES (%s, %s, %s, %s) "
            "ON CONFLICT DO NOTHING",
            (file.path, file.table, file.rows, file.crc32c),
        )
        if not noted.rowcount:
            return False
        columns = self.version.schemas[file.table]
        statement = copy_statement(self.staging, self.layouts[file.table], columns)
        rows = replaced = 0
        with connection.cursor() as cursor, cursor.copy(statement) as copy:
            for batch in read_rows(self.version.folder, file):
                text, changed = copy_text(batch)
                copy.write(text)
                rows, replaced = rows + len(batch), replaced + changed
        if rows != file.rows:
            raise UsageError(
                f"{file.path} of version {self.version.name} has {rows} rows where its manifest "
                f"says {file.rows}: verify the version"
            )
        if replaced:
            connection.execute(
                f"UPDATE {quote(self.staging)}.{FILES_TABLE} SET replaced_characters = %s "
                "WHERE path = %s",
                (replaced, file.path),
            )
        return True

    def finish(self) -> None:
        """As of `Target`.

        Raises:
          EngineError: Readers have kept the tables locked for `swapping.TIMEOUT_SECONDS`.
          UsageError: A key repeats, or something of the user's depends on the tables before.
        """
        with connected(self.dsn) as connection:
            swapping.lock_name(connection, self.schema)
            if swapping.exported_key(connection, self.schema) == self.key:
                return  # a lost acknowledgement
            self._check_loaded(connection)
            notes = self._add_keys(connection)
            connection.execute(
                f"INSERT INTO {quote(self.staging)}.{VERSION_TABLE} "
                "(export_key, version, job, notes) VALUES (%s, %s, %s, %s)",
                (self.key, self.version.name, self.version.job, json.dumps(notes)),
            )
            self._swap(connection)
            with contextlib.suppress(psycopg().errors.LockNotAvailable), connection.transaction():
                swapping.remove_left(connection, self.schema)

    def _check_loaded(self, connection: Any) -> None:
        if not swapping.has_table(connection, self.staging, FILES_TABLE):
            raise ChangedError(
                f"{self.place}: what was loaded is gone, since another export has ended meanwhile: "
                "run the same command again"
            )
        select = f"SELECT path, crc32c FROM {quote(self.staging)}.{FILES_TABLE}"
        loaded = dict(connection.execute(select).fetchall())
        missing = [f.path for f in self.version.files if loaded.get(f.path) != f.crc32c]
        if missing:
            raise EngineError(
                f"{self.place}: {len(missing)} files are not loaded, the first {missing[0]!r}: run "
                "the same command again"
            )

    def _add_keys(self, connection: Any) -> list[str]:
        """Adds keys and the rows that references need; returns sentences on these."""
        library, notes = psycopg(), []
        for table, statement in primary_keys(self.staging, self.layouts):
            try:
                connection.execute(statement)
            except (library.errors.UniqueViolation, library.errors.NotNullViolation) as error:
                said = error.diag.message_detail or error.diag.message_primary
                raise UsageError(
                    f"table {table} of version {self.version.name} cannot have its primary key "
                    f"({said}): make the version of files that hold each row once, or leave the "
                    f"table out with {option('tables')}"
                ) from None
        for table, statement in completions(self.staging, self.layouts):
            if added := connection.execute(statement).rowcount:
                notes.append(
                    f"{table} has {added:,} more rows, of which only the key is known, since other "
                    "tables name them and no list does"
                )
        for _, statement in further_keys(self.staging, self.layouts):
            connection.execute(statement)
        for layout in self.layouts.values():
            connection.execute(f"ANALYZE {quote(self.staging)}.{quote(layout.name)}")
        return [*notes, *self._replacements(connection)]

    def _replacements(self, connection: Any) -> list[str]:
        select = f"SELECT sum(replaced_characters) FROM {quote(self.staging)}.{FILES_TABLE}"
        (number,) = connection.execute(select).fetchone()
        if not number:
            return []
        return [f"{number:,} characters U+0000, which PostgreSQL has not, are U+FFFD"]

    def _swap(self, connection: Any) -> None:
        """Puts the schema in the place of the one before, when no reader has its tables locked."""
        library = psycopg()
        until = time.monotonic() + swapping.TIMEOUT_SECONDS
        while True:
            try:
                with connection.transaction():  # a savepoint: what is loaded and indexed stays
                    swapping.swap(connection, self.staging, self.schema)
                return
            except (library.errors.LockNotAvailable, library.errors.DeadlockDetected):
                if time.monotonic() > until:
                    raise EngineError(
                        f"{self.place}: readers have kept its tables locked for "
                        f"{swapping.TIMEOUT_SECONDS:.0f} s: end their transactions, and run the "
                        "same command again"
                    ) from None
                time.sleep(swapping.PAUSE_SECONDS)
            except library.errors.DependentObjectsStillExist as error:
                said = " ".join((error.diag.message_detail or str(error)).split())
                raise UsageError(
                    f"{self.place} cannot be replaced, since other objects depend on it ({said}): "
                    f"drop them first, or name another one with {option('db_schema')}"
                ) from None

    def _outcome(self, connection: Any) -> Outcome:
        counts = {}
        for layout in self.layouts.values():
            select = f"SELECT count(*) FROM {quote(self.schema)}.{quote(layout.name)}"
            (counts[layout.name],) = connection.execute(select).fetchone()
        select = f"SELECT notes FROM {quote(self.schema)}.{VERSION_TABLE}"
        (notes,) = connection.execute(select).fetchone()
        return Outcome(place=self.place, rows=counts, notes=notes)
