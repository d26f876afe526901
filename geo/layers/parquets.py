"""GeoParquet and Parquet → columns and geometries; needs the extra `parquet`."""

from __future__ import annotations

import datetime as dt
import json
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import shapely

from geo.layers import bounds
from geo.layers.findings import listed, shown
from geo.layers.raw import Raw, UnreadableError, shapes_of

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    from geo.layers.findings import Findings
    from geo.study_file import LayerSource

MAGIC = b"PAR1"
DEFAULT_CRS = "OGC:CRS84"  # what GeoParquet means where it says nothing
_POINT = "point"
_FAULTS = (
    ValueError,
    TypeError,
    LookupError,
    ArithmeticError,
    OSError,
    NotImplementedError,
    MemoryError,
    AttributeError,
)


def read_parquet(source: LayerSource, findings: Findings, *, path: Path) -> Raw:
    """Return a Parquet file as it stands: with the geometry that its `geo` entry names, else as a table."""
    try:
        import pyarrow as pa  # noqa: PLC0415 - an extra
        import pyarrow.parquet as pq  # noqa: PLC0415
    except ImportError as error:
        findings.fault("needs_extra", value="parquet")
        raise UnreadableError from error
    if not bounds.head(path, findings).startswith(MAGIC):
        findings.fault("not_a", format="parquet")
        raise UnreadableError
    bounds.with_size(path, findings, most=bounds.MOST_BYTES)
    try:
        with pq.ParquetFile(path) as file:
            schema, about = file.schema_arrow, file.metadata
            bounds.check(about.num_rows, bounds.MOST_FEATURES, findings, what="features")
            bounds.check(len(schema.names), bounds.MOST_COLUMNS, findings, what="columns")
            bounds.check(about.num_rows * len(schema.names), bounds.MOST_CELLS, findings, what="cells")
            geo = _geo(about.metadata or {})
        texts = [field.name for field in schema if pa.types.is_string(field.type) or pa.types.is_binary(field.type)]
        with pq.ParquetFile(path, read_dictionary=texts) as file:
            table = _bounded(file, findings)
        table.validate(full=True)  # texts that are no UTF-8 would come to light much later
        return _raw(table, geo, findings)
    except (*_FAULTS, pa.ArrowException) as error:
        findings.fault(
            "broken_file", why=f"{type(error).__name__}: {shown(str(error).replace(str(path), source.label))}"
        )
        raise UnreadableError from error


def _geo(metadata: dict[bytes, bytes]) -> dict[str, Any]:
    """Return what a GeoParquet says of its geometry; nothing for a plain Parquet."""
    found = json.loads(metadata.get(b"geo", b"{}"))
    if not isinstance(found, dict) or (found and not isinstance(found.get("columns"), dict)):
        raise TypeError
    return found


def _bounded(file: Any, findings: Findings) -> Any:  # noqa: ANN401 - pyarrow has no types
    """Return the table, texts still as dictionaries: a text repeated a million times takes its place once."""
    import pyarrow as pa  # noqa: PLC0415 - an extra

    batches, total = [], 0
    for batch in file.iter_batches(batch_size=1 << 14):
        total += batch.nbytes + sum(_unfolded(column) for column in batch.columns)
        bounds.check(total, bounds.MOST_BYTES, findings, what="bytes")
        batches.append(batch)
    return pa.Table.from_batches(batches, schema=file.schema_arrow if not batches else batches[0].schema)


def _unfolded(column: Any) -> int:  # noqa: ANN401
    """Return how many bytes the texts of a dictionary column take once written out."""
    import pyarrow as pa  # noqa: PLC0415 - an extra
    import pyarrow.compute as pc  # noqa: PLC0415

    if not pa.types.is_dictionary(column.type):
        return 0
    lengths = pc.binary_length(column.dictionary).to_numpy(zero_copy_only=False)
    at = column.indices.drop_null().to_numpy(zero_copy_only=False)
    return int(lengths[at].sum())


def _raw(table: Any, geo: dict[str, Any], findings: Findings) -> Raw:  # noqa: ANN401
    """Return a table with its geometry decoded."""
    n_rows = table.num_rows
    rows = np.arange(1, n_rows + 1, dtype=np.int64)
    described = {name: about for name, about in geo.get("columns", {}).items() if name in table.column_names}
    name = geo.get("primary_column")
    if geo and name not in described:
        findings.fault("no_such_layer", given=shown(name), found=listed(table.column_names))
        raise UnreadableError
    others = [own for own in table.column_names if own not in described and not (geo and own == "bbox")]
    if len(described) > 1:
        findings.tell("fields_skipped", columns=listed(own for own in described if own != name))
    columns = pd.DataFrame({n: _plain(table.column(own)) for n, own in enumerate(others)}, index=range(n_rows))
    columns.columns = pd.Index(others, dtype="object")
    if not geo:
        return Raw(columns, rows, None, None, is_sheet=False)
    about = described[name]
    shapes, broken = _shapes(table.column(name), str(about.get("encoding", "WKB")), findings)
    findings.rows(rows[broken], "kept", "broken_geometry", of=n_rows)
    return Raw(columns, rows, shapes, _crs(about), is_sheet=False)


def _plain(column: Any) -> NDArray[Any]:  # noqa: ANN401
    """Return a column of numbers as it is (missing is NaN), any other as texts and Nones."""
    import pyarrow as pa  # noqa: PLC0415 - an extra

    if pa.types.is_floating(column.type) or pa.types.is_integer(column.type):
        return np.asarray(column.to_numpy(zero_copy_only=False))
    out = np.empty(len(column), dtype=object)
    out[:] = [value.isoformat(sep=" ") if isinstance(value, dt.datetime) else value for value in column.to_pylist()]
    return out


def _shapes(
    column: Any,  # noqa: ANN401
    encoding: str,
    findings: Findings,
) -> tuple[NDArray[np.object_], NDArray[np.bool_]]:
    """Return geometries, and which of them are none."""
    if encoding.upper() == "WKB":
        return shapes_of(column.to_pylist())
    if encoding != _POINT:
        findings.fault("parquet_encoding", given=shown(encoding))
        raise UnreadableError
    pairs = [(np.nan, np.nan) if item is None else (item["x"], item["y"]) for item in column.to_pylist()]
    xy = np.array(pairs, dtype=np.float64).reshape(-1, 2)
    shapes = np.full(len(xy), None, dtype=object)
    there = np.isfinite(xy).all(axis=1)
    shapes[there] = shapely.points(xy[there])
    return shapes, np.zeros(len(xy), dtype=bool)


def _crs(about: dict[str, Any]) -> str | None:
    """Return the CRS as text: PROJJSON, by its identifier where it has one; missing means degrees, null unknown."""
    stated = about.get("crs", DEFAULT_CRS)
    if not isinstance(stated, dict):
        return None if stated is None else str(stated)
    identifier = stated.get("id")
    if isinstance(identifier, dict) and {"authority", "code"} <= set(identifier):
        return f"{identifier['authority']}:{identifier['code']}"
    return json.dumps(stated)
