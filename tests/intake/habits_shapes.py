"""Shapefiles and archives as they are passed on."""

from __future__ import annotations

import io
import zipfile
from typing import TYPE_CHECKING

from .case import CRS, Case, dropped
from .files import (
    dbf,
    points,
    raw,
    shape_parts,
    vector,
    zipped,
)

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    import geopandas as gpd

AT = {"crs": CRS}
NAMES = ["零工驿站", "共享食堂"]
CHINESE = {"name": NAMES}
BY_CPG = (None, "told", "encoding_of_cpg")
GUESSED = (None, "told", "encoding")
UNPACKED = (None, "told", "unpacked")


def table() -> gpd.GeoDataFrame:
    return points(NAMES, id=["a", "b"])


def without(*suffixes: str) -> Callable[[Path], None]:
    """Return what happens when parts of a shapefile are not copied."""

    def spoil(path: Path) -> None:
        for suffix in suffixes:
            path.with_suffix(suffix).unlink()

    return spoil


def part(suffix: str, change: Callable[[bytes], bytes]) -> Callable[[Path], None]:
    """Return what happens to the bytes of a part."""

    def spoil(path: Path) -> None:
        own = path.with_suffix(suffix)
        own.write_bytes(change(own.read_bytes()))

    return spoil


def both(*spoils: Callable[[Path], None]) -> Callable[[Path], None]:
    def spoil(path: Path) -> None:
        for one in spoils:
            one(path)

    return spoil


def own_dbf(data: bytes) -> Callable[[Path], None]:
    """Return what happens when an office edits the table of a shapefile on its own."""
    return both(part(".dbf", lambda _: data), without(".cpg"))


def packed_shape(encoding: str, *, folder_name: str = "图层") -> Callable[[Path], Path]:
    def write(folder: Path) -> Path:
        parts = shape_parts(table(), folder, encoding=encoding)
        stream = io.BytesIO()
        with zipfile.ZipFile(stream, "w") as archive:
            for suffix, data in parts.items():
                if suffix != ".cpg":
                    archive.writestr(zipfile.ZipInfo(f"{folder_name}/站点{suffix}"), data)
        return raw("站点.zip", stream.getvalue())(folder)

    return write


TEXTS = [("名称", "C", 20), ("id", "C", 5)]
LONG = "站" * 10

CASES = [
    Case(
        "shapefile in GBK with its cpg",
        vector(table(), "a.shp", encoding="GBK"),
        kind="venue",
        read=2,
        kept=2,
        report=(BY_CPG,),
        cells=CHINESE,
    ),
    Case(
        "shapefile in GBK without a cpg, which GDAL takes for Latin-1",
        vector(table(), "a.shp", encoding="GBK", spoil=without(".cpg")),
        kind="venue",
        read=2,
        kept=2,
        report=(GUESSED,),
        cells=CHINESE,
        says=("gb18030",),
    ),
    Case(
        "shapefile in UTF-8 without a cpg",
        vector(table(), "a.shp", encoding="UTF-8", spoil=without(".cpg")),
        kind="venue",
        read=2,
        kept=2,
        report=(GUESSED,),
        cells=CHINESE,
        says=("utf-8",),
    ),
    Case(
        "shapefile whose cpg says UTF-8 over GBK",
        vector(table(), "a.shp", encoding="GBK", spoil=part(".cpg", lambda _: b"UTF-8")),
        kind="venue",
        read=2,
        kept=2,
        report=(GUESSED,),
        cells=CHINESE,
    ),
    Case(
        "shapefile whose cpg says 936",
        vector(table(), "a.shp", encoding="GBK", spoil=part(".cpg", lambda _: b"936\r\n")),
        kind="venue",
        read=2,
        kept=2,
        report=(BY_CPG,),
        cells=CHINESE,
    ),
    Case(
        "shapefile of which only the shp was sent",
        vector(table(), "a.shp", spoil=without(".dbf", ".shx", ".prj", ".cpg")),
        kind="venue",
        faults=(("missing_part", ()),),
        says=(".dbf .shx",),
    ),
    Case(
        "shapefile without a prj",
        vector(table(), "a.shp", spoil=without(".prj")),
        kind="venue",
        report=(BY_CPG,),
        faults=(("no_crs", ()),),
    ),
    Case(
        "shapefile cut off while it was copied",
        vector(table(), "a.shp", spoil=part(".shp", lambda data: data[:-20])),
        kind="venue",
        faults=(("cut_off", ()),),
    ),
    Case(
        "shapefile whose table was cut off",
        vector(table(), "a.shp", spoil=part(".dbf", lambda data: data[:-60])),
        kind="venue",
        faults=(("cut_off", ()),),
    ),
    Case(
        "shapefile with records marked as deleted",
        vector(table(), "a.shp", spoil=own_dbf(dbf(TEXTS, [["站1", "a"], ["站2", "b"]], deleted=[0]))),
        kind="venue",
        read=2,
        kept=1,
        report=(GUESSED, *dropped(r1="deleted_record")),
        cells={"name": ["站2"]},
    ),
    Case(
        "shapefile whose table lost a record",
        vector(table(), "a.shp", spoil=own_dbf(dbf(TEXTS, [["站1", "a"]]))),
        kind="venue",
        faults=(("parts_differ", ()),),
    ),
    Case(
        "shapefile with a number that overflowed its field",
        vector(
            points([f"社区{n}" for n in range(12)]),
            "a.shp",
            spoil=own_dbf(
                dbf(
                    [*TEXTS, ("常住人口", "N", 4)],
                    [[f"社区{n}", f"c{n}", "****" if n == 3 else "1200"] for n in range(12)],
                )
            ),
        ),
        kind="community",
        read=12,
        kept=12,
        report=(GUESSED, (4, "kept", "not_a_number")),
        cells={"population": [1200.0 if n != 3 else None for n in range(12)]},
    ),
    Case(
        "shapefile with a name that its field has cut in the middle of a character",
        vector(points(["x"]), "a.shp", spoil=own_dbf(dbf([("名称", "C", 19), ("id", "C", 5)], [[LONG, "a"]]))),
        kind="venue",
        read=1,
        kept=1,
        report=(GUESSED,),
        cells={"name": ["站" * 9]},
    ),
    Case(
        "dbf alone, from the county's old books",
        raw(
            "企业.dbf",
            dbf(
                [("编号", "C", 4), ("名称", "C", 20), ("职工人数", "N", 6), ("经度", "N", 10), ("纬度", "N", 10)],
                [["1", "鞋厂", "120", "118.2", "25.3"], ["合计", "", "120", "", ""]],
                language=0x4D,
            ),
        ),
        kind="factory",
        options=AT,
        read=2,
        kept=1,
        report=(BY_CPG, *dropped(r2="sum_row")),
        cells={"name": ["鞋厂"], "workers": [120.0]},
    ),
    Case(
        "shapefile in a zip, in a folder with a Chinese name, in GBK",
        packed_shape("GBK"),
        kind="venue",
        read=2,
        kept=2,
        report=(UNPACKED, GUESSED),
        cells=CHINESE,
        says=("图层/站点.shp",),
    ),
    Case(
        "zip with two layers",
        zipped({"a.geojson": b"{}", "b.geojson": b"{}", "__MACOSX/._a.geojson": b"x"}),
        kind="venue",
        faults=(("which_layer", ()),),
        says=("a.geojson, b.geojson",),
    ),
    Case(
        "zip with a csv inside",
        zipped({"站点.csv": "编号,名称,类型,经度,纬度\n1,站1,零工驿站,118.2,25.3".encode("gbk")}),
        options=AT,
        read=1,
        kept=1,
        report=(UNPACKED, GUESSED),
        cells={"name": ["站1"]},
    ),
    Case("zip with nothing to read", zipped({"说明.docx": b"x"}), kind="venue", faults=(("no_such_layer", ()),)),
    Case(
        "rar under its own name", raw("站点.rar", b"Rar!\x1a\x07\x00"), kind="venue", faults=(("cad_or_archive", ()),)
    ),
]
