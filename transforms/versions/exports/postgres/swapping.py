"""One schema in the place of another: what readers see changes at one moment.

Readers that hold a table in a transaction keep the version until they end it. They are never made
to wait for more than `_LOCK`, which is less than the time after which PostgreSQL looks for
deadlocks, so that it is the export that gives way and tries again.
"""

from typing import Any

from transforms.core.base.errors import UsageError, option
from transforms.core.output.exports.postgres import FILES_TABLE, VERSION_TABLE, quote

MARK = "__export_"
"""Between the name of a schema and the key of an export that is not finished."""

TIMEOUT_SECONDS, PAUSE_SECONDS = 300.0, 0.2
"""How long an export waits for readers, and how long between two attempts."""

_LOCK = "500ms"

_TABLES = """
SELECT relname FROM pg_class WHERE relnamespace = to_regnamespace(%s) AND relkind IN ('r', 'p')
ORDER BY relname
"""
_OTHERS = """
SELECT nspname FROM pg_namespace WHERE nspname <> %s AND starts_with(nspname, %s)
AND pg_has_role(nspowner, 'USAGE')
"""
_GRANTS = """
SELECT format('GRANT %%s ON %%s %%I%%s TO %%s%%s', a.privilege_type, o.kind, %s::text, o.below,
              CASE a.grantee WHEN 0 THEN 'PUBLIC' ELSE a.grantee::regrole::text END,
              CASE WHEN a.is_grantable THEN ' WITH GRANT OPTION' ELSE '' END)
FROM (
  SELECT 'SCHEMA' AS kind, '' AS below, nspacl AS acl, nspowner AS owner FROM pg_namespace
  WHERE nspname = %s
  UNION ALL
  SELECT 'TABLE', format('.%%I', old.relname), old.relacl, old.relowner FROM pg_class old
  JOIN pg_class new ON new.relname = old.relname AND new.relnamespace = to_regnamespace(%s)
  WHERE old.relnamespace = to_regnamespace(%s) AND old.relkind = 'r'
) o, aclexplode(o.acl) a WHERE a.grantee <> o.owner
"""


def has_table(connection: Any, schema: str, table: str) -> bool:
    """Whether a schema has a table."""
    names = connection.execute(_TABLES, (quote(schema),)).fetchall()
    return (table,) in names


def exported_key(connection: Any, schema: str) -> str | None:
    """The key of the export that a schema holds, None where it holds none."""
    if not has_table(connection, schema, VERSION_TABLE):
        return None
    select = f"SELECT export_key FROM {quote(schema)}.{VERSION_TABLE}"
    found = connection.execute(select).fetchone()
    return found[0] if found else None


def refuse_foreign(connection: Any, schema: str) -> None:
    """Refuses a schema whose tables no export has made.

    Raises:
      UsageError: It is one.
    """
    tables = [name for (name,) in connection.execute(_TABLES, (quote(schema),)).fetchall()]
    if tables and VERSION_TABLE not in tables:
        raise UsageError(
            f"the schema {schema} holds tables that no export has made, such as {tables[0]!r}: "
            f"name another one with {option('db_schema')}"
        )


def lock_name(connection: Any, schema: str) -> None:
    """Lets one export of a schema finish at a time, until the transaction ends."""
    connection.execute("SELECT pg_advisory_xact_lock(hashtext(%s))", (f"narratives {schema}",))


def swap(connection: Any, staging: str, schema: str) -> None:
    """Removes the tables of a schema and gives its name, and its grants, to another one.

    To be called in a transaction, which raises psycopg's errors: a reader has a table locked, or
    an object that is not of an export depends on one.
    """
    connection.execute(f"SET LOCAL lock_timeout TO '{_LOCK}'")
    tables = [name for (name,) in connection.execute(_TABLES, (quote(schema),)).fetchall()]
    named = ", ".join(f"{quote(schema)}.{quote(table)}" for table in tables)
    if tables:
        connection.execute(f"LOCK TABLE {named} IN ACCESS EXCLUSIVE MODE")
    grants = _grants(connection, staging, schema)
    if tables:
        connection.execute(f"DROP TABLE {named}")
    connection.execute(f"DROP SCHEMA IF EXISTS {quote(schema)}")
    for (grant,) in grants:
        connection.execute(grant)
    connection.execute(f"ALTER SCHEMA {quote(staging)} RENAME TO {quote(schema)}")


def remove_left(connection: Any, schema: str) -> None:
    """Removes what other exports to a schema have loaded and not finished, unless they are at it.

    To be called in a transaction, as `swap`.
    """
    connection.execute(f"SET LOCAL lock_timeout TO '{_LOCK}'")
    for (other,) in connection.execute(_OTHERS, (schema, f"{schema}{MARK}")).fetchall():
        if has_table(connection, other, FILES_TABLE):
            connection.execute(f"DROP SCHEMA {quote(other)} CASCADE")


def _grants(connection: Any, staging: str, schema: str) -> list[tuple[str]]:
    """Statements that grant on a schema what is granted on another one."""
    return connection.execute(_GRANTS, (staging, schema, quote(staging), quote(schema))).fetchall()
