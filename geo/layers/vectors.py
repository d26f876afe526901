"""GeoJSON, GeoPackage and Shapefile → columns and geometries."""

from __future__ import annotations

import codecs
import re
import warnings
import zipfile
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import pyogrio
import pyogrio.errors
import pyogrio.raw
import shapely

from geo.layers.findings import listed, shown
from geo.layers.headers import plain
from geo.layers.raw import Raw, UnreadableError

if TYPE_CHECKING:
    from pathlib import Path

    from geo.layers.findings import Findings
    from geo.study_file import LayerSource

# What a file of each kind begins with. GDAL itself goes by content, and would open a virtual file that names others.
MAGIC = {
    ".geojson": (b"{", b"\xef\xbb\xbf{"),
    ".json": (b"{", b"\xef\xbb\xbf{"),
    ".gpkg": (b"SQLite format 3\x00",),
    ".shp": (b"\x00\x00\x27\x0a",),
    ".zip": (b"PK\x03\x04",),
}
SHAPE_ENCODINGS = ("utf-8", "gb18030")
_BYTES_AS_TEXT = "ISO-8859-1"  # one character a byte, so that the bytes come back unharmed
_NUL = re.compile(rb"(?<!\\)((?:\\\\)*)\\u0000")
_SHP_LENGTH = slice(24, 28)  # of the header: length of the file in 16-bit words
_MEMORY_FILE = re.compile(r"/vsimem/[^\s'\",;:]+")  # GDAL names bytes at random
_REASON_SHOWN = 200
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


def read_vector(source: LayerSource, findings: Findings, *, path: Path, data: bytes) -> Raw:
    """Return a vector file as it stands; raise UnreadableError with the fault noted where it cannot be read."""
    suffix = path.suffix.lower()
    if not data.lstrip(b" \t\r\n").startswith(MAGIC[suffix]):
        findings.fault("not_a", format=suffix.removeprefix("."))
        raise UnreadableError
    if suffix == ".shp" and len(data) < 2 * int.from_bytes(data[_SHP_LENGTH], "big"):  # GDAL would drop the rest
        findings.fault("cut_off")
        raise UnreadableError
    if suffix in {".geojson", ".json"}:
        return _raw(*_read(_as_utf8(data, findings), findings, source=source, layer=None, encoding=None), findings)
    if suffix == ".gpkg":
        layer = _layer_of(path, source, findings)
        return _raw(*_read(path, findings, source=source, layer=layer, encoding=None), findings)
    what = f"zip://{path}!{_shape_in(path, source, findings)}" if suffix == ".zip" else path
    meta, geometry, fields = _read(what, findings, source=source, layer=None, encoding=_BYTES_AS_TEXT)
    names, fields = _decoded(meta["fields"], fields, findings, encoding=source.encoding, stated=_cpg(path))
    return _raw({**meta, "fields": names}, geometry, fields, findings)


def _read(
    what: Path | str | bytes, findings: Findings, *, source: LayerSource, layer: str | None, encoding: str | None
) -> tuple[dict[str, Any], Any, list[Any]]:
    """Return pyogrio's answer; its warnings are told, its errors are a fault."""
    try:
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            meta, _, geometry, fields = pyogrio.raw.read(what, layer=layer, encoding=encoding, datetime_as_string=True)
    except _GDAL_ERRORS as error:
        findings.fault("broken_file", why=_why(str(error), source))
        raise UnreadableError from error
    for text in dict.fromkeys(str(item.message) for item in caught):
        findings.tell("driver_says", why=_why(text, source))
    return meta, geometry, fields


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


def _shape_in(path: Path, source: LayerSource, findings: Findings) -> str:
    """Return the shapefile in an archive; several and none named, or none at all, is a fault."""
    try:
        with zipfile.ZipFile(path) as archive:
            names = [name for name in sorted(archive.namelist()) if name.lower().endswith(".shp")]
    except (zipfile.BadZipFile, OSError) as error:
        findings.fault("broken_file", why=_why(str(error), source))
        raise UnreadableError from error
    wanted = [name for name in names if source.layer is None or PurePosixPath(name).stem == source.layer]
    if len(wanted) == 1:
        return wanted[0]
    if not names or source.layer is not None:
        findings.fault("no_such_layer", given=shown(source.layer or "*.shp"), found=listed(names))
    else:
        findings.fault("which_layer", found=listed(names))
    raise UnreadableError


def _cpg(path: Path) -> str | None:
    """Return the encoding that a shapefile's .cpg states, by Python's name; None where it states none it knows."""
    text = ""
    if path.suffix.lower() == ".zip":
        with zipfile.ZipFile(path) as archive:
            names = [name for name in sorted(archive.namelist()) if name.lower().endswith(".cpg")]
            text = archive.read(names[0]).decode("ascii", "replace") if names else ""
    else:
        for beside in (path.with_suffix(".cpg"), path.with_suffix(".CPG")):
            if beside.is_file():
                text = beside.read_text(encoding="ascii", errors="replace")
                break
    name = plain(text).replace("ansi", "").strip()
    if name in {"gbk", "gb2312", "936", "cp936", "gb18030", "oem936"}:
        return "gb18030"
    name = {"65001": "utf-8"}.get(name, f"cp{name}" if name.isdigit() and not name.startswith("8859") else name)
    name = name.replace("88591", "iso8859-1")
    try:
        return codecs.lookup(name).name if name else None
    except (LookupError, ValueError):
        return None


def _decoded(
    names: Any,  # noqa: ANN401 - pyogrio has no types
    fields: list[Any],
    findings: Findings,
    *,
    encoding: str | None,
    stated: str | None,
) -> tuple[list[str], list[Any]]:
    """Return headers and texts of a shapefile from its bytes: encoding option, .cpg, else utf-8, else gb18030."""
    texts = [value for column in fields if column.dtype == object for value in column if isinstance(value, str)]
    every = [name.encode(_BYTES_AS_TEXT) for name in names] + [
        text.encode(_BYTES_AS_TEXT) for text in dict.fromkeys(texts)
    ]
    choices = [encoding] if encoding else [*([stated] if stated else []), *SHAPE_ENCODINGS]
    chosen = next((choice for choice in choices if _fits(every, choice)), None)
    if chosen is None:
        key = "bad_encoding" if encoding else "no_encoding"
        findings.fault(key, encoding=shown(encoding or ""), accepted=", ".join(SHAPE_ENCODINGS))
        raise UnreadableError
    if chosen != encoding and any(not text.isascii() for text in every):
        findings.tell("encoding_of_cpg" if chosen == stated else "encoding", encoding=chosen)

    def text_of(value: object) -> object:
        return value.encode(_BYTES_AS_TEXT).decode(chosen, "ignore") if isinstance(value, str) else value

    decoded = [
        np.array([text_of(value) for value in column], dtype=object) if column.dtype == object else column
        for column in fields
    ]
    return [str(text_of(name)) for name in names], decoded


def _fits(texts: list[bytes], encoding: str) -> bool:
    """Say whether an encoding reads all texts; a character cut at the end of a field is forgiven."""
    try:
        for text in texts:
            codecs.getincrementaldecoder(encoding)("strict").decode(text, final=False)
    except (LookupError, ValueError):
        return False
    return True


def _raw(meta: dict[str, Any], geometry: Any, fields: list[Any], findings: Findings) -> Raw:  # noqa: ANN401
    """Return pyogrio's arrays as a table; geometry that is no geometry is missing and noted."""
    n_rows = len(fields[0]) if fields else (0 if geometry is None else len(geometry))
    rows = np.arange(1, n_rows + 1, dtype=np.int64)
    names = [str(name) for name in meta["fields"]]
    columns = pd.DataFrame(dict(enumerate(fields)), index=range(n_rows))
    columns.columns = pd.Index(names, dtype="object")
    shapes = None
    if geometry is not None and meta.get("geometry_type") is not None:
        shapes = shapely.from_wkb(geometry, on_invalid="ignore")
        broken = np.array([item is not None for item in geometry], dtype=bool) & shapely.is_missing(shapes)
        findings.rows(rows[broken], "kept", "broken_geometry", of=n_rows)
    return Raw(columns, rows, shapes, meta.get("crs"), is_sheet=False)
