"""A table of a PostGIS database → columns and geometries; needs the extra `postgis`.

Nothing of the study file becomes SQL text: the table's name is a bound parameter of a look-up in the catalogue,
and only the names that the server answers are used, quoted. `where` is applied to the rows that were read, as for
any file. The password never leaves this room: whatever the driver says is shown without it.
"""

from __future__ import annotations

import difflib
import hashlib
from typing import TYPE_CHECKING, Any, NamedTuple, cast
from urllib.parse import quote, quote_plus

import numpy as np
import pandas as pd

from geo.layers import bounds
from geo.layers.findings import listed, near_ones, shown
from geo.layers.raw import Raw, UnreadableError, shapes_of
from geo.study_file import database_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from numpy.typing import NDArray
    from psycopg import Connection
    from psycopg.sql import Composable, Composed

    from geo.layers.findings import Findings
    from geo.study_file import Database, LayerSource

CONNECT_SECONDS = 10
STATEMENT_SECONDS = 300
_AT_ONCE = 5_000
_SPATIAL = frozenset({"geometry", "geography"})
_AS_THEY_ARE = frozenset({"int2", "int4", "int8", "float4", "float8", "bool", "text", "varchar", "bpchar", "name"})
_NOT_READ = frozenset({"bytea", "raster", "tsvector", "oid", "xid"})
_WHY_SHOWN = 200
_EXACT_BELOW = 2**53

_FIND = """
    SELECT c.oid::int8, n.nspname::text, c.relname::text, c.relkind::text
    FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
    WHERE c.relkind IN ('r', 'p', 'v', 'm', 'f')
      AND (n.nspname || '.' || c.relname = %(table)s OR (c.relname = %(table)s AND pg_catalog.pg_table_is_visible(c.oid)))
    ORDER BY 2, 3
"""
_NEAR = """
    SELECT n.nspname || '.' || c.relname
    FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
    WHERE c.relkind IN ('r', 'p', 'v', 'm', 'f') AND n.nspname NOT IN ('pg_catalog', 'information_schema', 'pg_toast')
    ORDER BY 1 LIMIT 2000
"""
_COLUMNS = """
    SELECT a.attname::text, t.typname::text, t.typcategory::text
    FROM pg_catalog.pg_attribute a JOIN pg_catalog.pg_type t ON t.oid = a.atttypid
    WHERE a.attrelid = %(oid)s AND a.attnum > 0 AND NOT a.attisdropped ORDER BY a.attnum
"""
_KEY = """
    SELECT a.attname::text
    FROM pg_catalog.pg_index i, unnest(i.indkey::int2[]) WITH ORDINALITY AS k(attnum, place), pg_catalog.pg_attribute a
    WHERE i.indrelid = %(oid)s AND i.indisprimary AND a.attrelid = i.indrelid AND a.attnum = k.attnum ORDER BY k.place
"""
_EXTENSION = """
    SELECT n.nspname::text FROM pg_catalog.pg_extension e JOIN pg_catalog.pg_namespace n ON n.oid = e.extnamespace
    WHERE e.extname = 'postgis'
"""


class Fetched(NamedTuple):
    """A table as the database has it, and the checksum of what was read."""

    raw: Raw
    sha256: str


class _Table(NamedTuple):
    """A table of the database: its names as the server gives them, its columns (name, type, category), its order."""

    schema: str
    name: str
    columns: list[tuple[str, str, str]]
    order: list[str]
    is_stored: bool
    is_split: bool


def read_postgis(source: LayerSource, findings: Findings) -> Fetched:
    """Return a table or view: its rows by primary key, else as they are stored, else (a view) by what they hold.

    The connection is read-only, of one snapshot, and waits at most 10 s for an answer and 300 s for a statement.
    `layer` names the geometry column where there are several. A password may stand in the study file, but belongs
    into PGPASSWORD or ~/.pgpass, which the driver reads itself.

    Raises
    ------
    UnreadableError
        With the fault noted: no driver, no connection, no such table, more than can be held.
    """
    try:
        import psycopg  # noqa: PLC0415 - an extra
    except ImportError as error:
        findings.fault("needs_extra", value="postgis")
        raise UnreadableError from error
    database = database_of(source.postgis)
    if database is None:
        findings.fault("no_database", why="postgresql://…")
        raise UnreadableError
    try:
        with _connected(database) as connection:
            table = _table_of(connection, source, findings)
            return _fetched(connection, table, source, findings)
    except (psycopg.Error, UnicodeError, OSError) as error:
        findings.fault("no_database", why=without_secrets(str(error), database))
        raise UnreadableError from error


def without_secrets(text: str, database: Database) -> str:
    """Return what a driver says in one line, without the password in any of its spellings.

    Examples
    --------
    >>> from geo.study_file import database_of
    >>> without_secrets('bad "p w" or p%20w', database_of("postgresql://u:p%20w@h/b"))
    'bad "…" or …'
    """
    secret = database.password
    spellings = {secret, quote(secret), quote(secret, safe=""), quote_plus(secret), database.password_as_written}
    for spelling in sorted(filter(None, spellings), key=len, reverse=True):
        text = text.replace(spelling, "…")
    return " ".join(text.split())[:_WHY_SHOWN]


def _connected(database: Database) -> Connection[Any]:
    """Return a read-only connection of one snapshot; what the study leaves out the driver takes from its environment."""
    import psycopg  # noqa: PLC0415 - an extra

    given = {
        "host": database.host,
        "port": database.port,
        "dbname": database.base,
        "user": database.user,
        "password": database.password,
        "connect_timeout": str(CONNECT_SECONDS),
        **database.options,
    }
    options = {name: value for name, value in given.items() if value}
    connection: Connection[Any] = psycopg.connect(
        "", client_encoding="utf8", application_name="geo", **cast("dict[str, Any]", options)
    )
    connection.read_only = True
    connection.isolation_level = psycopg.IsolationLevel.REPEATABLE_READ
    connection.execute("SELECT pg_catalog.set_config('statement_timeout', %s, true)", (f"{STATEMENT_SECONDS}s",))
    connection.execute("SELECT pg_catalog.set_config('DateStyle', 'ISO', true)")
    connection.execute("SELECT pg_catalog.set_config('extra_float_digits', '3', true)")
    return connection


def _table_of(connection: Connection[Any], source: LayerSource, findings: Findings) -> _Table:
    """Return the table that a source names; none or several of the name are a fault."""
    found = connection.execute(_FIND, {"table": source.table}).fetchall()
    names = [f"{schema}.{name}" for _, schema, name, _ in found]
    if len(found) != 1:
        if found:
            findings.fault("which_layer", found=listed(names))
        else:
            every = [str(name) for (name,) in connection.execute(_NEAR)]
            bare = {name.partition(".")[2]: name for name in every}
            wanted = source.table or ""
            near = [bare.get(name, name) for name in difflib.get_close_matches(wanted[:200], [*every, *bare], n=5)]
            findings.fault("no_such_table", given=shown(wanted), near=near_ones(dict.fromkeys(near)))
        raise UnreadableError
    oid, schema, name, kind = found[0]
    columns = [(str(a), str(b), str(c)) for a, b, c in connection.execute(_COLUMNS, {"oid": oid})]
    bounds.check(len(columns), bounds.MOST_COLUMNS, findings, what="columns")
    key = [str(name) for (name,) in connection.execute(_KEY, {"oid": oid})]
    return _Table(str(schema), str(name), columns, key, kind in {"r", "m", "p"}, kind == "p")


def _geometry_column(table: _Table, source: LayerSource, findings: Findings) -> str | None:
    """Return the geometry column to read, None where a table has none."""
    spatial = [name for name, kind, _ in table.columns if kind in _SPATIAL]
    if source.layer is not None and source.layer not in spatial:
        findings.fault("no_such_layer", given=shown(source.layer), found=listed(spatial))
        raise UnreadableError
    if source.layer is None and len(spatial) > 1:
        findings.fault("which_layer", found=listed(spatial))
        raise UnreadableError
    return source.layer or (spatial[0] if spatial else None)


def _expressions(table: _Table, geometry: str | None, extension: str) -> tuple[list[str], list[Composable], list[str]]:
    """Return the columns that are read, how each is asked for, and those that are not read."""
    from psycopg import sql  # noqa: PLC0415 - an extra

    names: list[str] = []
    asked: list[Composable] = []
    skipped: list[str] = []
    for name, kind, category in table.columns:
        column = sql.Identifier(name)
        if name == geometry:
            continue
        if kind in _SPATIAL or kind in _NOT_READ:
            skipped.append(name)
            continue
        names.append(name)
        if kind in _AS_THEY_ARE:
            asked.append(column)
        elif category == "A":
            asked.append(sql.SQL("pg_catalog.array_to_string({}, ';')").format(column))
        else:
            asked.append(sql.SQL("{}::text").format(column))
    if geometry is not None:
        place = sql.SQL("{}::{}.geometry").format(sql.Identifier(geometry), sql.Identifier(extension))
        room = sql.Identifier(extension)
        asked.append(sql.SQL("{0}.ST_AsBinary({0}.ST_Force2D({0}.ST_CurveToLine({1})))").format(room, place))
        asked.append(sql.SQL("{}.ST_SRID({})").format(room, place))
    return names, asked, skipped


def _rows(connection: Connection[Any], query: Composed, findings: Findings, *, width: int) -> Iterator[tuple[Any, ...]]:
    """Yield the rows of a query a few thousand at a time, and stop with a fault where there are too many."""
    n_cells = n_bytes = 0
    with connection.cursor(name="geo_rows") as cursor:
        cursor.itersize = _AT_ONCE
        cursor.execute(query)
        for row in cursor:
            n_cells += width
            n_bytes += sum(len(value) for value in row if isinstance(value, (str, bytes)))
            bounds.check(n_cells, bounds.MOST_CELLS, findings, what="cells")
            bounds.check(n_bytes, bounds.MOST_BYTES, findings, what="bytes")
            yield row


def _fetched(connection: Connection[Any], table: _Table, source: LayerSource, findings: Findings) -> Fetched:
    """Return the rows of a table."""
    from psycopg import sql  # noqa: PLC0415 - an extra

    geometry = _geometry_column(table, source, findings)
    found = connection.execute(_EXTENSION).fetchone()
    extension = str(found[0]) if found else None
    names, asked, skipped = _expressions(table, geometry, extension or "public")
    if skipped:
        findings.tell("fields_skipped", columns=listed(skipped))
    if not asked:
        findings.fault("empty_file")
        raise UnreadableError
    query = sql.SQL("SELECT {} FROM {}").format(sql.SQL(", ").join(asked), sql.Identifier(table.schema, table.name))
    order: list[Composable] = [sql.Identifier(name) for name in table.order]
    if not order and table.is_stored:
        order = [sql.SQL("tableoid"), sql.SQL("ctid")] if table.is_split else [sql.SQL("ctid")]
    if order:
        query = sql.SQL("{} ORDER BY {}").format(query, sql.SQL(", ").join(order))
    rows = list(_rows(connection, query, findings, width=len(asked)))
    if not order:
        rows.sort(key=repr)
    digest = hashlib.sha256(repr((names, geometry)).encode())
    for row in rows:
        digest.update(repr(row).encode())
    crs = _crs(connection, rows, extension, findings) if geometry is not None else None
    return Fetched(_raw(rows, names, findings, crs=crs, has_geometry=geometry is not None), digest.hexdigest())


def _crs(
    connection: Connection[Any], rows: Sequence[tuple[Any, ...]], extension: str | None, findings: Findings
) -> str | None:
    """Return the CRS that the geometries bear; several are a fault."""
    from psycopg import sql  # noqa: PLC0415 - an extra

    numbers = sorted({int(row[-1]) for row in rows if row[-1] is not None})
    if len(numbers) > 1:
        findings.fault("mixed_crs", found=listed(f"SRID {number}" for number in numbers))
        raise UnreadableError
    if not numbers or numbers == [0] or extension is None:
        return None
    ask = sql.SQL("SELECT auth_name, auth_srid, srtext FROM {} WHERE srid = %s")
    known = connection.execute(ask.format(sql.Identifier(extension, "spatial_ref_sys")), numbers).fetchone()
    if known is None:
        return f"SRID:{numbers[0]}"
    authority, code, text = known
    return f"{authority}:{code}" if authority and code else text


def _raw(
    rows: Sequence[tuple[Any, ...]], names: list[str], findings: Findings, *, crs: str | None, has_geometry: bool
) -> Raw:
    """Return rows as a table."""
    numbers = np.arange(1, len(rows) + 1, dtype=np.int64)
    columns = pd.DataFrame({at: _column([row[at] for row in rows]) for at in range(len(names))}, index=range(len(rows)))
    columns.columns = pd.Index(list(names), dtype="object")
    if not has_geometry:
        return Raw(columns, numbers, None, None, is_sheet=False)
    shapes, broken = shapes_of([None if row[-2] is None else bytes(row[-2]) for row in rows])
    findings.rows(numbers[broken], "kept", "broken_geometry", of=len(rows))
    return Raw(columns, numbers, shapes, crs, is_sheet=False)


def _column(values: Sequence[Any]) -> NDArray[Any]:
    """Return a column: whole numbers and floats as such where that is exact, anything else as it came."""
    there = [value for value in values if value is not None]
    is_number = bool(there) and all(isinstance(value, (int, float)) and not isinstance(value, bool) for value in there)
    if is_number and all(abs(value) < _EXACT_BELOW or isinstance(value, float) for value in there):
        if len(there) == len(values) and all(isinstance(value, int) for value in there):
            return np.array(values, dtype=np.int64)
        return np.array([np.nan if value is None else value for value in values], dtype=np.float64)
    out = np.empty(len(values), dtype=object)
    out[:] = values
    return out
