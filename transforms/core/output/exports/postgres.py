"""Tables of a version as SQL of PostgreSQL: types, tables, keys."""

from collections.abc import Iterator, Mapping

import pyarrow as pa

from transforms.core.base.errors import UsageError, shown
from transforms.core.output.exports.layouts import TableLayout

VERSION_TABLE, FILES_TABLE = "exported_version", "exported_files"
"""Tables that an export has beside those of the version: which one, and of which files."""

_IDENTIFIER_BYTES = 63

_TYPES = {
    pa.bool_(): "boolean",
    pa.int8(): "smallint",
    pa.int16(): "smallint",
    pa.int32(): "integer",
    pa.int64(): "bigint",
    pa.uint8(): "smallint",
    pa.uint16(): "integer",
    pa.uint32(): "bigint",
    pa.uint64(): "numeric(20)",
    pa.float32(): "real",
    pa.float64(): "double precision",
    pa.string(): "text",
    pa.large_string(): "text",
    pa.null(): "text",
    pa.binary(): "bytea",
    pa.large_binary(): "bytea",
    pa.date32(): "date",
}

BOOKKEEPING = f"""
CREATE TABLE {{schema}}.{VERSION_TABLE} (
  export_key text PRIMARY KEY, version text NOT NULL, job text NOT NULL,
  notes jsonb NOT NULL, exported timestamptz NOT NULL DEFAULT now());
CREATE TABLE {{schema}}.{FILES_TABLE} (
  path text PRIMARY KEY, table_name text NOT NULL, row_count bigint NOT NULL,
  crc32c bigint NOT NULL, replaced_characters bigint NOT NULL DEFAULT 0);
"""
"""What makes these tables; takes the quoted name of the schema."""


def quote(name: str) -> str:
    """A name as SQL has it, whatever it holds.

    >>> print(quote('order'), quote('a"b'))
    "order" "a""b"
    """
    return '"' + name.replace('"', '""') + '"'


def _listed(names: tuple[str, ...]) -> str:
    return ", ".join(map(quote, names))


def sql_type(type_: pa.DataType) -> str:
    """The type of a column; lists and structs are `jsonb`.

    Raises:
      TypeError: There is none for it.

    >>> sql_type(pa.dictionary(pa.int32(), pa.string())), sql_type(pa.list_(pa.int32()))
    ('text', 'jsonb')
    """
    if pa.types.is_dictionary(type_):
        return sql_type(type_.value_type)
    if pa.types.is_struct(type_) or pa.types.is_list(type_):
        return "jsonb"
    if pa.types.is_timestamp(type_):
        return "timestamptz" if type_.tz else "timestamp"
    if type_ not in _TYPES:
        raise TypeError(f"there is no SQL type for {type_}")
    return _TYPES[type_]


def create_table(schema: str, layout: TableLayout, columns: pa.Schema) -> str:
    """The statement that makes a table without keys.

    Raises:
      UsageError: PostgreSQL cannot have a column of this name or type.

    >>> layout = TableLayout("dict", renamed={"class_id": "labelname"})
    >>> create_table("s", layout, pa.schema([("class_id", pa.string()), ("rows", pa.int64())]))
    'CREATE TABLE "s"."dict" ("labelname" text, "rows" bigint)'
    """
    listed = []
    for field in columns:
        name = layout.column(field.name)
        if name in _SYSTEM or len(name.encode()) > _IDENTIFIER_BYTES:
            raise UsageError(
                f"table {layout.name}: PostgreSQL cannot have a column named {shown(name)!r}: "
                "rename it in the job that makes the version"
            )
        try:
            type_ = layout.types.get(name) or sql_type(field.type)
        except TypeError as error:
            raise UsageError(f"table {layout.name}, column {shown(name)!r}: {error}") from error
        listed.append(f"{quote(name)} {type_}")
    return f"CREATE TABLE {quote(schema)}.{quote(layout.name)} ({', '.join(listed)})"


_SYSTEM = ("tableoid", "xmin", "cmin", "xmax", "cmax", "ctid")
"""Columns that every table of PostgreSQL has."""


def copy_statement(schema: str, layout: TableLayout, columns: pa.Schema) -> str:
    """The statement that takes rows in the text format.

    >>> copy_statement("s", TableLayout("t"), pa.schema([("n", pa.int64())]))
    'COPY "s"."t" ("n") FROM STDIN'
    """
    names = tuple(layout.column(field.name) for field in columns)
    return f"COPY {quote(schema)}.{quote(layout.name)} ({_listed(names)}) FROM STDIN"


def primary_keys(schema: str, layouts: Mapping[str, TableLayout]) -> Iterator[tuple[str, str]]:
    """Tables with a key, and the statements that add it."""
    for layout in layouts.values():
        if layout.key:
            yield (
                layout.name,
                f"ALTER TABLE {quote(schema)}.{quote(layout.name)} "
                f"ADD PRIMARY KEY ({_listed(layout.key)})",
            )


def completions(schema: str, layouts: Mapping[str, TableLayout]) -> Iterator[tuple[str, str]]:
    """Tables that others refer to, and the statements that add the rows they lack.

    So every reference holds and no row is dropped: an image that no list of images has, a class
    that no list of classes has, are rows of which only the key is known.

    Args:
      schema: The schema.
      layouts: By the version's names of tables.
    """
    for name, target in layouts.items():
        of_others = [
            _referring(schema, other, reference.columns, target)
            for other in layouts.values()
            for reference in other.references
            if reference.table == name
        ]
        if not of_others:
            continue
        columns = (*target.key, *target.known)
        least = "".join(f", min({quote(column)})" for column in target.known)
        yield (
            target.name,
            f"INSERT INTO {quote(schema)}.{quote(target.name)} ({_listed(columns)}) "
            f"SELECT {_listed(target.key)}{least} FROM ({' UNION ALL '.join(of_others)}) AS named "
            f"GROUP BY {_listed(target.key)} ON CONFLICT DO NOTHING",
        )


def _referring(
    schema: str, other: TableLayout, columns: tuple[str, ...], target: TableLayout
) -> str:
    """Selects what a table refers to, named as in the table that it refers to."""
    pairs = [*zip(columns, target.key, strict=True), *((v, k) for k, v in target.known.items())]
    selected = ", ".join(f"{quote(own)} AS {quote(named)}" for own, named in pairs)
    there = " AND ".join(f"{quote(own)} IS NOT NULL" for own in columns)
    return f"SELECT {selected} FROM {quote(schema)}.{quote(other.name)} WHERE {there}"


def further_keys(schema: str, layouts: Mapping[str, TableLayout]) -> Iterator[tuple[str, str]]:
    """Tables and the statements that add their foreign keys and indexes."""
    for layout in layouts.values():
        table = f"{quote(schema)}.{quote(layout.name)}"
        for columns in layout.indexes:
            yield layout.name, f"CREATE INDEX ON {table} ({_listed(columns)})"
        for reference in layout.references:
            if target := layouts.get(reference.table):
                yield (
                    layout.name,
                    f"ALTER TABLE {table} ADD FOREIGN KEY ({_listed(reference.columns)}) "
                    f"REFERENCES {quote(schema)}.{quote(target.name)} ({_listed(target.key)})",
                )
