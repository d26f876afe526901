"""Sound files of forty stations in every format: what the fuzz damages, and what must read alike."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .case import CRS, Case
from .files import dxf, entity, feature, geojson, kml, page, placemark, points, raw, text, vector, xls, xlsx

if TYPE_CHECKING:
    from pathlib import Path

    import geopandas as gpd

COUNT = 40
HEAD = ["编号", "名称", "类型", "容量", "状态", "经度", "纬度"]
ROWS = [[f"S{n:03}", f"站{n}", "零工驿站", 10 + n, "在用", 118.2 + n / 1000, 25.3] for n in range(COUNT)]
AT = {"crs": CRS, "unknown": "report"}
ASIS = {"unknown": "report"}


def table() -> gpd.GeoDataFrame:
    own = points([str(row[1]) for row in ROWS], 编号=[row[0] for row in ROWS])
    return own.assign(**{HEAD[at]: [row[at] for row in ROWS] for at in (2, 3, 4)})


def parquet(folder: Path) -> Path:
    path = folder / "layer.parquet"
    table().to_parquet(path)
    return path


def _extended(row: list[object]) -> str:
    pairs = "".join(f'<Data name="{HEAD[at]}"><value>{row[at]}</value></Data>' for at in (0, 2, 3, 4))
    return f"<ExtendedData>{pairs}</ExtendedData>"


LINES = [",".join(map(str, row)) for row in (HEAD, *ROWS)]
FEATURES = [feature((row[5], row[6]), **dict(zip(HEAD[:5], row[:5], strict=True))) for row in ROWS]
MARKS = "".join(placemark(str(row[1]), f"{row[5]},{row[6]}", _extended(row)) for row in ROWS)
WAYPOINTS = "".join(
    f'<wpt lon="{row[5]}" lat="{row[6]}"><name>{row[1]}</name><type>{row[2]}</type></wpt>' for row in ROWS
)
PAGE = ["".join(f"<td>{cell}</td>" for cell in row) for row in (HEAD, *ROWS)]
DRAWN = "".join(
    entity("LINE", (10, 500000 + n), (20, 2800000), (11, 500100), (21, 2800100 + n))
    + entity("LWPOLYLINE", (90, 2), (70, n % 2), (10, n), (20, 2800000), (42, 0.3), (10, 500100), (20, 2800000))
    + entity("ARC", (10, 500000), (20, 2800000), (40, 50), (50, 0), (51, 90 + n))
    for n in range(COUNT // 3)
) + entity("SPLINE", (71, 2), (40, 0), (40, 0), (40, 0), (40, 1), (40, 1), (40, 1), (10, 0), (20, 0), (10, 1), (20, 1), (10, 2), (20, 0))  # fmt: skip

CASES = [
    Case("sound csv", text(LINES), options=AT),
    Case("sound tsv", text([line.replace(",", "\t") for line in LINES], name="a.tsv"), options=AT),
    Case("sound xlsx", xlsx({"台账": [HEAD, *ROWS]}), options=AT),
    Case("sound xls", xls([HEAD, *ROWS]), options=AT, needs=("xlrd", "xlwt")),
    Case("sound et", xls([HEAD, *ROWS], name="a.et"), options=AT, needs=("xlrd", "xlwt")),
    Case("sound page", page(PAGE), options=AT),
    Case("sound geojson", geojson(FEATURES), options=ASIS),
    Case("sound geopackage", vector(table(), "a.gpkg", layer="a"), options=ASIS),
    Case("sound shapefile", vector(table(), "a.shp", encoding="GBK"), options=ASIS),
    Case("sound geoparquet", parquet, options=ASIS, needs=("pyarrow",)),
    Case("sound kml", kml(MARKS), options=ASIS),
    Case("sound gpx", raw("a.gpx", f"<gpx>{WAYPOINTS}</gpx>".encode()), options=ASIS),
    Case("sound drawing", dxf(DRAWN), kind="street", options={"crs": "EPSG:4548"}),
]
