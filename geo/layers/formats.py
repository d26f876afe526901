"""Which reader opens a source: by its suffix, and where that lies by what it holds."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import pandas as pd

from geo.layers import (
    archives,
    bounds,
    cut_headers,
    delimited,
    drawings,
    parquets,
    placemarks,
    postgis,
    stray_rows,
    vectors,
    web_tables,
    workbooks,
)
from geo.layers.different_names import different
from geo.layers.findings import shown
from geo.layers.raw import UnreadableError

if TYPE_CHECKING:
    from geo.layers.findings import Findings
    from geo.layers.raw import Raw
    from geo.study_file import LayerSource

ARCHIVES = (".zip", ".kmz")
TEXTS = (".csv", ".tsv", ".txt")
BOOKS = (".xlsx", ".xlsm", ".xls", ".et")
PARQUETS = (".parquet", ".geoparquet")
FORMATS = (*vectors.MAGIC, ".kml", ".gpx", ".dxf", *PARQUETS, *TEXTS, *BOOKS, *ARCHIVES)
# Of an archive, the surest first: a shapefile's own .dbf is none of its layers.
PACKED = (".shp", ".gpkg", ".geojson", ".json", ".kml", ".gpx", ".dxf", *PARQUETS, *BOOKS, *TEXTS, ".dbf")


class Opened(NamedTuple):
    """A source as it stands.

    Attributes
    ----------
    raw
        Its rows, without those of a sheet that are none.
    rows_read
        How many rows there were, with those that were dropped.
    sha256
        Checksum of what was read, where the source is no file.
    """

    raw: Raw
    rows_read: int
    sha256: str | None


def read(source: LayerSource, findings: Findings, *, kind: str) -> Opened:
    """Return a source as it stands; raise UnreadableError with the fault noted where it cannot be read."""
    if source.postgis is not None:
        fetched = postgis.read_postgis(source, findings)
        raw, sha256 = fetched.raw, fetched.sha256
    else:
        raw, sha256 = _read_file(path_of(source), source, findings, kind=kind), None
    names = different([str(name) for name in raw.columns.columns], findings)
    raw = raw._replace(columns=raw.columns.set_axis(pd.Index(names, dtype="object"), axis=1))
    raw = stray_rows.without(raw, findings)
    dropped = sum(row is not None and action == "dropped" for row, action, _ in findings.repairs)
    return Opened(raw, len(raw.rows) + dropped, sha256)


def path_of(source: LayerSource) -> Path:
    """Return the file of a source."""
    return source.file if source.file is not None else Path(source.path or "")


def _read_file(path: Path, source: LayerSource, findings: Findings, *, kind: str) -> Raw:
    suffix = path.suffix.lower()
    if suffix not in FORMATS:
        key = "cad_or_archive" if suffix in {".dwg", ".rar", ".7z"} else "unknown_format"
        findings.fault(key, suffix=shown(suffix or path.name), accepted=" ".join(FORMATS))
        raise UnreadableError
    bounds.with_size(path, findings, most=bounds.MOST_BYTES)
    if not bounds.head(path, findings).strip():
        findings.fault("empty_file")
        raise UnreadableError
    if suffix not in ARCHIVES:
        return _read_plain(path, source, findings, kind=kind)
    with tempfile.TemporaryDirectory(prefix="geo-") as folder:
        inner = archives.unpack(path, source, findings, folder=Path(folder), suffixes=PACKED)
        return _read_plain(inner.path, inner.source, findings, kind=kind)


def _read_plain(path: Path, source: LayerSource, findings: Findings, *, kind: str) -> Raw:
    """Return a file that is no archive."""
    suffix = path.suffix.lower()
    if suffix in vectors.MAGIC:
        raw = vectors.read_vector(source, findings, path=path)
        return cut_headers.whole(raw, source, findings, suffix=suffix, kind=kind)
    if suffix in PARQUETS:
        return parquets.read_parquet(source, findings, path=path)
    data = bounds.content(path, findings, most=bounds.MOST_TEXT_BYTES)
    if suffix == ".kml":
        return placemarks.read_kml(source, findings, data=data)
    if suffix == ".gpx":
        return placemarks.read_gpx(source, findings, data=data, kind=kind)
    if suffix == ".dxf":
        return drawings.read_dxf(source, findings, data=data, kind=kind)
    return _read_table(data, suffix, source, findings, kind=kind)


def _read_table(data: bytes, suffix: str, source: LayerSource, findings: Findings, *, kind: str) -> Raw:
    """Return a table by what it holds: office systems export web pages and plain text under the name of a workbook."""
    if data.startswith(workbooks.OLE):
        held, reader = ".xls", workbooks.read_xls
    elif data.startswith(workbooks.ZIP):
        held, reader = ".xlsx", workbooks.read_xlsx
    elif web_tables.is_page(data):
        held, reader = ".html", web_tables.read_page
    else:
        held, reader = ".csv", delimited.read_csv
        if suffix in BOOKS and (b"\0" in data[:512] and data[:2] not in {b"\xff\xfe", b"\xfe\xff"}):
            findings.fault("not_a", format=suffix.removeprefix("."))
            raise UnreadableError
    alike = {".xls": (".xls", ".et"), ".xlsx": (".xlsx", ".xlsm"), ".csv": TEXTS}
    if suffix not in alike.get(held, ()):
        findings.tell("read_as", suffix=suffix, found=held)
    return reader(source, findings, data=data, kind=kind)
