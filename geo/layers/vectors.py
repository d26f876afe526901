"""GeoJSON, GeoPackage, Shapefile and DBF → columns and geometries."""

from __future__ import annotations

import json
import re
import sqlite3
import warnings
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import pandas as pd
import pyogrio
import pyogrio.errors
import pyogrio.raw

from geo.layers import bounds, dbase
from geo.layers.findings import listed, shown
from geo.layers.raw import Raw, UnreadableError, shapes_of
from geo.layers.values import text_of

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    from geo.layers.findings import Findings
    from geo.study_file import LayerSource

# What a file of each kind begins with. GDAL itself goes by content, and would open a virtual file that names others.
MAGIC = {
    ".geojson": (b"{", b"\xef\xbb\xbf{"),
    ".json": (b"{", b"\xef\xbb\xbf{"),
    ".gpkg": (b"SQLite format 3\x00",),
    ".shp": (b"\x00\x00\x27\x0a",),
    ".dbf": (b"\x02", b"\x03", b"\x04", b"\x05", b"\x30", b"\x31", b"\x32", b"\x43", b"\x83", b"\x8b", b"\xf5"),
}
# GDAL runs a file of this kind, and it may read any other file.
_PIPELINE = b"gdal_streamed_alg"
_MOST_PARSED = 128 * bounds.MIB
_NUL = re.compile(rb"(?<!\\)((?:\\\\)*)\\u0000")
_SHP_LENGTH = slice(24, 28)  # of the header: length of the file in 16-bit words
_SHX_HEAD, _SHX_ENTRY = 100, 8  # bytes
_MEMORY_FILE = re.compile(r"/vsimem/[^\s'\",;:]+")  # GDAL names bytes at random
_REASON_SHOWN = 200
_HIDDEN_COLUMNS = (2, 3)  # generated ones, as SQLite numbers them
_VIRTUAL = re.compile(
    r"^\s*create\s+virtual\s+table\b(?!.*\busing\s+(?:\"?rtree\"?|fts\d)\b)", re.IGNORECASE | re.DOTALL
)
_GDAL_ERRORS = (
    pyogrio.errors.DataSourceError,
    pyogrio.errors.DataLayerError,
    pyogrio.errors.FeatureError,
    pyogrio.errors.FieldError,
    pyogrio.errors.GeometryError,
    pyogrio.errors.CRSError,
    NameError,  # pyogrio 0.13 trips over a .prj that is no text
    ValueError,
    RuntimeError,
    OSError,
)


class _Read(NamedTuple):
    """What pyogrio answers: what it says of the layer, feature numbers, WKB, one array a field."""

    meta: dict[str, Any]
    numbers: NDArray[np.int64]
    geometry: Any
    fields: list[Any]


def read_vector(source: LayerSource, findings: Findings, *, path: Path) -> Raw:
    """Return a vector file as it stands; raise UnreadableError with the fault noted where it cannot be read."""
    suffix = path.suffix.lower()
    if not bounds.head(path, findings).lstrip(b" \t\r\n").startswith(MAGIC[suffix]):
        findings.fault("not_a", format=suffix.removeprefix("."))
        raise UnreadableError
    if suffix == ".shp":
        return _read_shape(source, findings, path=path)
    if suffix == ".dbf":
        data = bounds.content(path, findings, most=bounds.MOST_TEXT_BYTES)
        table = dbase.read(data, findings, encoding=source.encoding, stated=dbase.stated_encoding(path))
        return _without_deleted(table, None, None, findings)
    if suffix == ".gpkg":
        layer = _layer_of(path, source, findings)
        _check_tables(path, layer, source, findings)
        return _raw(_read(path, findings, source=source, layer=layer), findings)
    data = _as_utf8(bounds.content(path, findings, most=bounds.MOST_TEXT_BYTES), findings)
    if _PIPELINE in data:
        findings.fault("not_a", format=suffix.removeprefix("."))
        raise UnreadableError
    numbers = _features(data, findings)
    raw = _raw(_read(data, findings, source=source, layer=None), findings)
    return raw._replace(rows=numbers) if len(numbers) == len(raw.rows) else raw


def _read(
    what: Path | bytes,
    findings: Findings,
    *,
    source: LayerSource,
    layer: str | None,
    **options: Any,  # noqa: ANN401
) -> _Read:
    """Return pyogrio's answer; its warnings are told, its errors are a fault."""
    try:
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            meta, numbers, geometry, fields = pyogrio.raw.read(
                what, layer=layer, datetime_as_string=True, return_fids=True, **options
            )
    except _GDAL_ERRORS as error:
        findings.fault("broken_file", why=_why(str(error), source))
        raise UnreadableError from error
    for text in dict.fromkeys(str(item.message) for item in caught):
        findings.tell("driver_says", why=_why(text, source))
    return _Read(meta, numbers, geometry, fields)


def _why(text: str, source: LayerSource) -> str:
    """Return what GDAL says without the folders of this machine."""
    if source.file is not None:
        text = text.replace(f"{source.file.parent}/", "").replace(f"{source.file.parent}\\", "")
    return " ".join(_MEMORY_FILE.sub(source.label, text).split())[:_REASON_SHOWN]


def _as_utf8(data: bytes, findings: Findings) -> bytes:
    """Return the bytes of a GeoJSON for GDAL, which cuts texts at NUL and knows no GB 18030."""
    try:
        data.decode("utf-8")
    except UnicodeDecodeError:
        try:
            data = data.decode("gb18030").encode("utf-8")
        except UnicodeError as error:
            findings.fault("no_encoding", accepted="utf-8, gb18030")
            raise UnreadableError from error
        findings.tell("encoding", encoding="gb18030")
    clean, cut = _NUL.subn(rb"\1", data)
    if cut:
        findings.tell("dirt_removed", n=cut)
    return clean


def _features(data: bytes, findings: Findings) -> NDArray[np.int64]:
    """Return the places of the features in a collection, from 1; whatever else stands there is listed.

    GDAL passes over it in silence, and over the rest of an export that its server has cut. A text that is no
    JSON, or one too large to be parsed twice, is left to GDAL: an empty array comes back.
    """
    nothing = np.empty(0, dtype=np.int64)
    if len(data) > _MOST_PARSED:
        return nothing
    try:
        found = json.loads(data)
    except (ValueError, RecursionError):
        return nothing
    features = found.get("features") if isinstance(found, dict) else None
    if not isinstance(features, list):
        return nothing
    if found.get("exceededTransferLimit") is True:
        findings.fault("export_cut", n=len(features))
        raise UnreadableError
    if found.get("type") != "FeatureCollection":
        return nothing
    good = np.array([isinstance(item, dict) and item.get("type") == "Feature" for item in features], dtype=bool)
    numbers = np.arange(1, len(features) + 1, dtype=np.int64)
    findings.rows(
        numbers[~good], "dropped", "no_feature", given=[str(features[at])[:200] for at in np.flatnonzero(~good)]
    )
    kept: NDArray[np.int64] = numbers[good]
    return kept


def _layer_of(path: Path, source: LayerSource, findings: Findings) -> str | None:
    """Return the layer of a GeoPackage to read; several and none named is a fault."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # they come again when the layer is read, and are told then
            names = [str(name) for name in pyogrio.list_layers(path)[:, 0]]
    except _GDAL_ERRORS as error:
        findings.fault("broken_file", why=_why(str(error), source))
        raise UnreadableError from error
    if source.layer is not None and source.layer not in names:
        findings.fault("no_such_layer", given=shown(source.layer), found=listed(names))
        raise UnreadableError
    if source.layer is None and len(names) > 1:
        findings.fault("which_layer", found=listed(names))
        raise UnreadableError
    return source.layer or (names[0] if names else None)


def _check_tables(path: Path, layer: str | None, source: LayerSource, findings: Findings) -> None:
    """Refuse a GeoPackage whose layer is computed while it is read: a view may never end, or read other files."""
    uri = f"{path.absolute().as_uri()}?mode=ro&immutable=1"
    try:
        base = sqlite3.connect(uri, uri=True)
        try:
            kinds = dict(
                base.execute("SELECT name, type FROM sqlite_master WHERE type IN ('table', 'view')").fetchall()
            )
            made = [str(text) for (text,) in base.execute("SELECT sql FROM sqlite_master WHERE sql IS NOT NULL")]
            own = base.execute("SELECT hidden FROM pragma_table_xinfo(?)", (layer,)).fetchall()
        finally:
            base.close()
    except (sqlite3.Error, UnicodeDecodeError) as error:
        findings.fault("broken_file", why=_why(str(error), source))
        raise UnreadableError from error
    computed = any(hidden in _HIDDEN_COLUMNS for (hidden,) in own) or any(_VIRTUAL.match(text) for text in made)
    if computed or (layer is not None and kinds.get(layer) == "view"):
        findings.fault("computed_layer", given=shown(layer or ""))
        raise UnreadableError


def _read_shape(source: LayerSource, findings: Findings, *, path: Path) -> Raw:
    """Return a shapefile: geometry by GDAL, its table by our own reader."""
    size = bounds.with_size(path, findings, most=bounds.MOST_BYTES)
    if size < 2 * int.from_bytes(bounds.head(path, findings)[_SHP_LENGTH], "big"):  # GDAL would drop the rest
        findings.fault("cut_off")
        raise UnreadableError
    beside = {part: own for part in (".dbf", ".shx") if (own := _beside(path, part)) is not None}
    lacking = [part for part in (".dbf", ".shx") if part not in beside]
    if lacking:
        findings.fault("missing_part", given=" ".join(lacking))
        raise UnreadableError
    data = bounds.content(beside[".dbf"], findings, most=bounds.MOST_BYTES)
    table = dbase.read(data, findings, encoding=source.encoding, stated=dbase.stated_encoding(path))
    n_shapes = max(bounds.with_size(beside[".shx"], findings, most=bounds.MOST_BYTES) - _SHX_HEAD, 0) // _SHX_ENTRY
    if n_shapes > len(table.deleted):  # GDAL would drop the last shapes
        findings.fault("parts_differ", n=n_shapes, of=len(table.deleted))
        raise UnreadableError
    read = _read(path, findings, source=source, layer=None, columns=[], encoding="ISO-8859-1")
    if int(read.numbers.max(initial=-1)) >= len(table.deleted):
        findings.fault("parts_differ", n=int(read.numbers.max()) + 1, of=len(table.deleted))
        raise UnreadableError
    shapes = np.full(len(table.deleted), None, dtype=object)
    broken = np.zeros(len(table.deleted), dtype=bool)
    if read.geometry is not None:
        shapes[read.numbers], broken[read.numbers] = shapes_of(read.geometry)
    return _without_deleted(table, (shapes, broken), read.meta.get("crs"), findings)


def _beside(path: Path, part: str) -> Path | None:
    """Return another part of a shapefile, its suffix in small or capital letters."""
    return next((other for case in (part, part.upper()) if (other := path.with_suffix(case)).is_file()), None)


def _without_deleted(
    table: dbase.Table,
    shapes: tuple[NDArray[np.object_], NDArray[np.bool_]] | None,
    crs: str | None,
    findings: Findings,
) -> Raw:
    """Return the rows of a DBF that are not marked as deleted; those are listed, for most programs hide them."""
    kept, rows = ~table.deleted, np.arange(1, len(table.deleted) + 1, dtype=np.int64)
    findings.rows(rows[table.deleted], "dropped", "deleted_record")
    columns = table.columns[kept].reset_index(drop=True)
    if shapes is None:
        texts = pd.DataFrame(
            {n: columns.iloc[:, n].map(text_of) for n in range(columns.shape[1])}, columns.index, dtype="object"
        )
        return Raw(texts.set_axis(columns.columns, axis=1), rows[kept], None, None, is_sheet=True)
    broken = shapes[1] & kept
    findings.rows(rows[broken], "kept", "broken_geometry", of=len(rows))
    return Raw(columns, rows[kept], shapes[0][kept], crs, is_sheet=False)


def _raw(read: _Read, findings: Findings) -> Raw:
    """Return pyogrio's arrays as a table; geometry that is no geometry is missing and noted."""
    n_rows = len(read.numbers)
    rows = np.arange(1, n_rows + 1, dtype=np.int64)
    columns = pd.DataFrame(dict(enumerate(read.fields)), index=range(n_rows))
    columns.columns = pd.Index([str(name) for name in read.meta["fields"]], dtype="object")
    shapes = None
    if read.geometry is not None and read.meta.get("geometry_type") is not None:
        shapes, broken = shapes_of(read.geometry)
        findings.rows(rows[broken], "kept", "broken_geometry", of=n_rows)
    return Raw(columns, rows, shapes, read.meta.get("crs"), is_sheet=False)
