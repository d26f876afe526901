"""GeoPackages, GeoJSON, KML, GPX and drawings as they arrive."""

from __future__ import annotations

import sqlite3
from typing import TYPE_CHECKING

from .case import Case, dropped
from .files import (
    LAT,
    LON,
    dxf,
    entity,
    feature,
    geojson,
    kml,
    placemark,
    points,
    raw,
    square,
    vector,
    zipped,
)

if TYPE_CHECKING:
    from pathlib import Path

    import geopandas as gpd

NAMES = ["零工驿站", "共享食堂"]
CHINESE = {"name": NAMES}
GUESSED = (None, "told", "encoding")
IDS = (None, "told", "ids_given")
UNPACKED = (None, "told", "unpacked")
METRES = {"crs": "EPSG:4548"}
CGCS = (None, "told", "cgcs_as_wgs")


def table() -> gpd.GeoDataFrame:
    return points(NAMES, id=["a", "b"])


def view(path: Path) -> None:
    base = sqlite3.connect(path)
    base.execute(
        "CREATE VIEW v AS WITH RECURSIVE c(fid, geom) AS (SELECT 1, NULL UNION ALL SELECT fid + 1, NULL FROM c) SELECT * FROM c"
    )
    base.execute("UPDATE gpkg_contents SET table_name = 'v', identifier = 'v'")
    base.execute("UPDATE gpkg_geometry_columns SET table_name = 'v'")
    base.execute("DROP TABLE layer")
    base.commit()
    base.close()


def second_layer(path: Path) -> None:
    table().to_file(path, layer="二", mode="a")


ROAD = entity("LINE", (10, 500000), (20, 2800000), (11, 500100), (21, 2800000))
BEND = entity(
    "LWPOLYLINE",
    (90, 3),
    (70, 0),
    (10, 500000),
    (20, 2800000),
    (42, 1),
    (10, 500100),
    (20, 2800000),
    (10, 500200),
    (20, 2800000),
)
NOTE = entity("TEXT", (10, 500000), (20, 2800000), (40, 2.5), (1, "人民路"), layer="注记")
BLOCK = entity("INSERT", (2, "路灯"), (10, 500000), (20, 2800000), (70, 32000), (71, 32000), layer="路灯")
CODES = '<ExtendedData><Data name="编号"><value>0012</value></Data><SchemaData><SimpleData name="类型">零工驿站</SimpleData></SchemaData></ExtendedData>'
TYPED = "<ExtendedData><Data name='类型'><value>零工驿站</value></Data></ExtendedData>"
GPX_HEAD = '<?xml version="1.0"?><gpx version="1.1" creator="x" xmlns="http://www.topografix.com/GPX/1/1">'
TRACK = '<trk><name>巡路</name><trkseg><trkpt lon="118.2" lat="25.3"/><trkpt lon="118.201" lat="25.3"/></trkseg><trkseg><trkpt lon="118.3" lat="25.3"/></trkseg></trk>'
WAYPOINT = '<wpt lon="118.2" lat="25.3"><name>站1</name><type>零工驿站</type><time>2026-03-01T08:00:00Z</time></wpt>'

NAMELESS = (None, "told", "no_names")
CASES = [
    Case(
        "geopackage with several layers and none named",
        vector(table(), "a.gpkg", layer="一", spoil=second_layer),
        kind="venue",
        faults=(("which_layer", ()),),
        says=("一, 二",),
    ),
    Case(
        "geopackage with several layers and one named",
        vector(table(), "a.gpkg", layer="一", spoil=second_layer),
        kind="venue",
        options={"layer": "二"},
        read=2,
        kept=2,
        cells=CHINESE,
    ),
    Case(
        "geopackage whose layer is a view without end",
        vector(table(), "a.gpkg", layer="layer", spoil=view),
        kind="venue",
        faults=(("computed_layer", ()),),
    ),
    Case(
        "geojson in GBK",
        geojson([feature((LON, LAT), id="a", 名称="站1")], encoding="gbk"),
        kind="venue",
        read=1,
        kept=1,
        report=(GUESSED,),
        cells={"name": ["站1"]},
    ),
    Case(
        "geojson with a byte-order mark",
        geojson([feature((LON, LAT), id="a", 名称="站1")], encoding="utf-8-sig"),
        kind="venue",
        read=1,
        kept=1,
        cells={"name": ["站1"]},
    ),
    Case(
        "geojson with bare geometries and gaps among its features",
        geojson(
            [
                feature((LON, LAT), id="a"),
                None,
                {"type": "Point", "coordinates": [LON, LAT]},
                feature((LON, LAT), id="d"),
            ]
        ),
        kind="venue",
        read=4,
        kept=2,
        report=(*dropped(r2="no_feature", r3="no_feature"), NAMELESS),
        cells={"id": ["a", "d"]},
    ),
    Case(
        "geojson that its server has cut at a thousand",
        geojson([feature((LON, LAT), id="a")], exceededTransferLimit=True),
        kind="venue",
        faults=(("export_cut", ()),),
    ),
    Case(
        "geojson with a feature that was never drawn",
        geojson(
            [
                *(feature((LON, LAT), id=f"{n}", type="零工驿站") for n in range(11)),
                feature(None, id="x", type="零工驿站"),
            ]
        ),
        read=12,
        kept=12,
        report=((12, "kept", "no_geometry"), NAMELESS),
    ),
    Case(
        "geojson that runs a program",
        raw(
            "a.geojson",
            b'{"type": "gdal_streamed_alg", "command_line": "gdal vector pipeline read /etc/hostname ! write --of stream streamed_dataset"}',
        ),
        kind="venue",
        faults=(("not_a", ()),),
    ),
    Case(
        "web page under the name of a geojson",
        raw("a.geojson", b"<html>404</html>"),
        kind="venue",
        faults=(("not_a", ()),),
    ),
    Case(
        "geoparquet",
        lambda folder: (table().to_parquet(folder / "a.parquet"), folder / "a.parquet")[1],
        kind="venue",
        read=2,
        kept=2,
        cells=CHINESE,
        needs=("pyarrow",),
    ),
    Case(
        "kml of a phone map, with folders and extended data",
        kml(
            "<Folder><name>东片区</name>"
            + placemark("站1", "118.2, 25.3, 0", CODES)
            + "</Folder><NetworkLink><Link><href>http://x/y.kml</href></Link></NetworkLink>"
        ),
        read=1,
        kept=1,
        report=((None, "doubtful", "kml_not_read"),),
        cells={"id": ["0012"], "name": ["站1"], "folder": ["东片区"]},
    ),
    Case(
        "kml that says UTF-8 and is GBK",
        kml(placemark("站1", "118.2,25.3", TYPED), encoding="gbk", declared="UTF-8"),
        read=1,
        kept=1,
        report=(GUESSED, IDS),
        cells={"name": ["站1"]},
    ),
    Case(
        "kml that says GB2312",
        kml(placemark("站1", "118.2,25.3", TYPED), encoding="gbk", declared="GB2312"),
        read=1,
        kept=1,
        report=(GUESSED, IDS),
        cells={"name": ["站1"]},
    ),
    Case(
        "kml with control characters in its names",
        kml(placemark("站\x0b1", "118.2,25.3", TYPED)),
        read=1,
        kept=1,
        report=(IDS, (None, "told", "dirt_removed")),
        cells={"name": ["站1"]},
    ),
    Case(
        "kml with a placemark of no place and one of nonsense",
        kml(
            "".join(placemark(f"站{n}", "118.2,25.3", TYPED) for n in range(18))
            + placemark("无", "", TYPED)
            + placemark("乱", "118.2;25.3", TYPED)
        ),
        read=20,
        kept=20,
        report=(IDS, (19, "kept", "no_geometry"), (20, "kept", "broken_geometry"), (20, "kept", "no_geometry")),
    ),
    Case(
        "kmz",
        zipped(
            {
                "doc.kml": b'<kml xmlns="http://www.opengis.net/kml/2.2">'
                + placemark("A", "118.2,25.3", TYPED).encode()
                + b"</kml>",
                "files/a.png": b"x",
            },
            name="标注.kmz",
        ),
        read=1,
        kept=1,
        report=(UNPACKED, IDS),
        cells={"name": ["A"]},
    ),
    Case(
        "kml of only one folder wanted",
        kml(
            "<Folder><name>东</name>"
            + placemark("甲", "118.2,25.3", TYPED)
            + "</Folder><Folder><name>西</name>"
            + placemark("乙", "118.2,25.3", TYPED)
            + "</Folder>"
        ),
        options={"layer": "西"},
        read=1,
        kept=1,
        report=(IDS, (None, "told", "other_folders")),
        cells={"name": ["乙"]},
    ),
    Case(
        "gpx of a walk, waypoints wanted",
        raw("巡查.gpx", f"{GPX_HEAD}{WAYPOINT}{TRACK}</gpx>".encode()),
        read=2,
        kept=1,
        report=(IDS, (None, "told", "short_segments"), *dropped(r2="other_feature")),
        cells={"name": ["站1"]},
    ),
    Case(
        "gpx of a walk, its track as a street",
        raw("巡查.gpx", f"{GPX_HEAD}{WAYPOINT}{TRACK}</gpx>".encode()),
        kind="street",
        read=2,
        kept=1,
        report=((None, "told", "short_segments"), *dropped(r1="other_feature")),
        cells={"name": ["巡路"]},
    ),
    Case(
        "gpx with entities",
        raw("a.gpx", b'<!DOCTYPE gpx [<!ENTITY a "aaaa">]><gpx><wpt lon="1" lat="1"><name>&a;</name></wpt></gpx>'),
        faults=(("xml_entities", ()),),
    ),
    Case(
        "drawing with road centre lines, a bend, street names and lamps as a block array",
        dxf(ROAD + BEND + NOTE + BLOCK),
        kind="street",
        options=METRES,
        read=4,
        kept=2,
        report=(GUESSED, CGCS, *dropped(r3="not_a_line", r4="block_not_read")),
        cells={"layer": ["道路中心线", "道路中心线"]},
    ),
    Case(
        "drawing of a new release, in UTF-8",
        dxf(ROAD, version="AC1027", encoding="utf-8"),
        kind="street",
        options=METRES,
        read=1,
        kept=1,
        report=(GUESSED, CGCS),
        cells={"layer": ["道路中心线"]},
        says=("utf-8",),
    ),
    Case(
        "drawing of which one layer is wanted",
        dxf(ROAD + entity("LINE", (10, 0), (20, 0), (11, 1), (21, 1), layer="等高线")),
        kind="street",
        options={**METRES, "where": {"Layer": ["道路中心线"]}},
        read=2,
        kept=1,
        report=(GUESSED, CGCS, (None, "told", "filtered")),
    ),
    Case(
        "drawing in the binary form",
        raw("a.dxf", b"AutoCAD Binary DXF\r\n\x1a\x00" + bytes(50)),
        kind="street",
        options=METRES,
        faults=(("binary_dxf", ()),),
    ),
    Case(
        "drawing cut off while it was copied",
        raw("a.dxf", ("0\nSECTION\n2\nENTITIES\n" + ROAD).encode("gbk")),
        kind="street",
        options=METRES,
        faults=(("cut_off", ()),),
    ),
    Case(
        "dwg under its own name",
        raw("道路.dwg", b"AC1027"),
        kind="street",
        options=METRES,
        faults=(("cad_or_archive", ()),),
        says=("DXF",),
    ),
    Case(
        "park drawn as a bow tie, and one drawn twice round",
        geojson(
            [
                *(feature(square(LON + 0.01 * n, LAT), id=f"P{n}", workers=10) for n in range(19)),
                feature(
                    {
                        "type": "Polygon",
                        "coordinates": [
                            [[118.1, 25.3], [118.101, 25.301], [118.101, 25.3], [118.1, 25.301], [118.1, 25.3]]
                        ],
                    },
                    id="B",
                    workers=10,
                ),
            ]
        ),
        kind="park",
        read=20,
        kept=20,
        report=((20, "doubtful", "made_valid_otherwise"), NAMELESS),
    ),
]
