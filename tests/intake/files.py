"""Writes files as offices write them: sheets, old workbooks, web pages, DBF byte by byte, drawings."""

from __future__ import annotations

import io
import json
import struct
import zipfile
from typing import TYPE_CHECKING, Any

import geopandas as gpd
import openpyxl

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

Write = "Callable[[Path], Path]"
Cell = object
LON, LAT = 118.2, 25.3


def raw(name: str, data: bytes) -> Callable[[Path], Path]:
    """Return a writer of bytes."""

    def write(folder: Path) -> Path:
        path = folder / name
        path.write_bytes(data)
        return path

    return write


def text(
    lines: Sequence[str], *, name: str = "stations.csv", encoding: str = "utf-8-sig", end: str = "\r\n"
) -> Callable[[Path], Path]:
    """Return a writer of lines."""
    return raw(name, end.join(lines).encode(encoding))


def xlsx(
    sheets: dict[str, Sequence[Sequence[Cell]]],
    *,
    merged: dict[str, Sequence[str]] | None = None,
    formats: dict[str, str] | None = None,
    hidden: Sequence[str] = (),
    name: str = "台账.xlsx",
) -> Callable[[Path], Path]:
    """Return a writer of a workbook: sheets by title, merged cells by title, number formats by cell of the first."""

    def write(folder: Path) -> Path:
        book = openpyxl.Workbook()
        book.remove(book.worksheets[0])
        for title, rows in sheets.items():
            sheet = book.create_sheet(title)
            for row in rows:
                sheet.append(list(row))
            for cells in (merged or {}).get(title, ()):
                sheet.merge_cells(cells)
            if title in hidden:
                sheet.sheet_state = "hidden"
        for cell, form in (formats or {}).items():
            book.worksheets[0][cell].number_format = form
        path = folder / name
        book.save(path)
        return path

    return write


def xls(
    rows: Sequence[Sequence[Cell]],
    *,
    merged: Sequence[tuple[int, int, int, int]] = (),
    name: str = "台账.xls",
    title: str = "台账",
) -> Callable[[Path], Path]:
    """Return a writer of an old workbook; merged are (first row, last row, first column, last column) from 0."""

    def write(folder: Path) -> Path:
        import xlwt  # noqa: PLC0415 - of the extra tests alone

        book = xlwt.Workbook(encoding="utf-8")
        sheet = book.add_sheet(title)
        date = xlwt.easyxf(num_format_str="YYYY-MM-DD")
        covered = {
            (row, column)
            for top, bottom, left, right in merged
            for row in range(top, bottom + 1)
            for column in range(left, right + 1)
        }
        for top, bottom, left, right in merged:
            sheet.write_merge(top, bottom, left, right, rows[top][left])
        for row, cells in enumerate(rows):
            for column, cell in enumerate(cells):
                if cell is None or (row, column) in covered:
                    continue
                if hasattr(cell, "year"):
                    sheet.write(row, column, cell, date)
                else:
                    sheet.write(row, column, cell)
        path = folder / name
        book.save(str(path))
        return path

    return write


def page(rows: Sequence[str], *, name: str = "导出.xls", charset: str = "gb2312") -> Callable[[Path], Path]:
    """Return a writer of a web page with a table, under the name of a workbook."""
    body = "\n".join(f"<tr>{row}</tr>" for row in rows)
    whole = f'<html><head><meta http-equiv="Content-Type" content="text/html; charset={charset}"></head><body><table border=1>{body}</table></body></html>'
    return raw(name, whole.encode("gb18030" if charset.startswith("gb") else charset))


def points(names: Sequence[str], **columns: Sequence[object]) -> gpd.GeoDataFrame:
    """Return points 0.001 degrees apart, to the east."""
    lon = [LON + 0.001 * number for number in range(len(names))]
    table = {"名称": list(names), **{key: list(column) for key, column in columns.items()}}
    return gpd.GeoDataFrame(table, geometry=gpd.points_from_xy(lon, [LAT] * len(names)), crs=4326)


def vector(
    table: gpd.GeoDataFrame,
    name: str,
    *,
    spoil: Callable[[Path], object] | None = None,
    **options: Any,
) -> Callable[[Path], Path]:
    """Return a writer of a table in any format that GDAL writes; `spoil` does to the file what people do."""

    def write(folder: Path) -> Path:
        path = folder / name
        table.to_file(path, **options)
        if spoil is not None:
            spoil(path)
        return path

    return write


def geojson(
    features: Sequence[object], *, name: str = "layer.geojson", encoding: str = "utf-8", **top: object
) -> Callable[[Path], Path]:
    """Return a writer of a feature collection."""
    whole = json.dumps({"type": "FeatureCollection", **top, "features": list(features)}, ensure_ascii=False)
    return raw(name, whole.encode(encoding))


def feature(geometry: object, **properties: object) -> dict[str, object]:
    """Return a feature; a geometry of two numbers is a point."""
    if isinstance(geometry, tuple):
        geometry = {"type": "Point", "coordinates": list(geometry)}
    return {"type": "Feature", "properties": properties, "geometry": geometry}


def square(lon: float, lat: float, size: float = 0.001) -> dict[str, object]:
    """Return a square polygon, degrees."""
    ring = [[lon, lat], [lon + size, lat], [lon + size, lat + size], [lon, lat + size], [lon, lat]]
    return {"type": "Polygon", "coordinates": [ring]}


def dbf(
    fields: Sequence[tuple[str, str, int]],
    rows: Sequence[Sequence[str]],
    *,
    encoding: str = "gb18030",
    deleted: Sequence[int] = (),
    language: int = 0,
) -> bytes:
    """Return a dBASE table: fields are (name, kind, width), cells text as it stands in the file."""
    width = 1 + sum(size for _, _, size in fields)
    start = 32 + 32 * len(fields) + 1
    head = struct.pack("<BBBBIHH17xB2x", 3, 126, 1, 1, len(rows), start, width, language)
    for name, kind, size in fields:
        head += struct.pack("<11sc4xBB14x", name.encode(encoding)[:10], kind.encode(), size, 0)
    body = b""
    for number, row in enumerate(rows):
        body += b"*" if number in deleted else b" "
        for cell, (_, kind, size) in zip(row, fields, strict=True):
            own = cell.encode(encoding)[:size]
            body += own.rjust(size) if kind in "NF" else own.ljust(size)
    return head + b"\r" + body + b"\x1a"


def zipped(
    parts: dict[str, bytes], *, name: str = "layer.zip", packing: int = zipfile.ZIP_DEFLATED
) -> Callable[[Path], Path]:
    """Return a writer of an archive."""
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", packing) as archive:
        for member, data in parts.items():
            archive.writestr(zipfile.ZipInfo(member), data, packing)
    return raw(name, stream.getvalue())


def shape_parts(table: gpd.GeoDataFrame, folder: Path, *, encoding: str = "utf-8") -> dict[str, bytes]:
    """Return the parts of a shapefile by suffix."""
    path = folder / "part.shp"
    table.to_file(path, encoding=encoding)
    parts = {item.suffix: item.read_bytes() for item in sorted(folder.glob("part.*"))}
    for item in folder.glob("part.*"):
        item.unlink()
    return parts


def dxf(
    entities: str, *, codepage: str = "ANSI_936", version: str = "AC1015", encoding: str = "gb18030", blocks: str = ""
) -> Callable[[Path], Path]:
    """Return a writer of a drawing; entities as group codes and values, one a line."""
    body = (
        f"0\nSECTION\n2\nHEADER\n9\n$ACADVER\n1\n{version}\n9\n$DWGCODEPAGE\n3\n{codepage}\n0\nENDSEC\n"
        f"0\nSECTION\n2\nBLOCKS\n{blocks}0\nENDSEC\n0\nSECTION\n2\nENTITIES\n{entities}0\nENDSEC\n0\nEOF\n"
    )
    return raw("道路.dxf", body.encode(encoding))


def entity(kind: str, *pairs: tuple[int, object], layer: str = "道路中心线") -> str:
    """Return an entity of a drawing."""
    return f"0\n{kind}\n8\n{layer}\n" + "".join(f"{code}\n{value}\n" for code, value in pairs)


def kml(
    body: str, *, encoding: str = "utf-8", declared: str | None = None, name: str = "标注.kml"
) -> Callable[[Path], Path]:
    """Return a writer of a KML document."""
    whole = f'<?xml version="1.0" encoding="{declared or encoding}"?><kml xmlns="http://www.opengis.net/kml/2.2"><Document><name>标注</name>{body}</Document></kml>'
    return raw(name, whole.encode(encoding))


def placemark(name: str, place: str, extra: str = "") -> str:
    """Return a placemark; place is its coordinates or a whole geometry."""
    shape = place if place.startswith("<") or not place else f"<Point><coordinates>{place}</coordinates></Point>"
    return f"<Placemark><name>{name}</name>{extra}{shape}</Placemark>"
