"""What each reader makes of sound files: every format alike, curves where they were drawn, and no row for another."""

from __future__ import annotations

import importlib.util
import math
import struct
import zipfile
from typing import TYPE_CHECKING, Any

import numpy as np
import openpyxl
import pandas as pd
import pyproj
import pytest
import shapely
from hypothesis import HealthCheck, given, settings, strategies as st

from geo.errors import InputFaultsError
from geo.layers import TableRead, dbase, drawn_curves, read_table, stray_rows
from geo.layers.findings import Findings
from geo.layers.raw import Raw, UnreadableError, shapes_of
from geo.study_file import LayerSource

from . import sound_files
from .files import dbf, dxf, entity, kml, placemark, points, raw, text, xlsx

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from .case import Case

METRIC = pyproj.CRS.from_epsg(4548)
POINTS = [case for case in sound_files.CASES if case.kind == "service"]


def read(write: Callable[[Path], Path], folder: Path, *, kind: str = "venue", **options: Any) -> TableRead:
    path = write(folder)
    return read_table(LayerSource(path=path.name, file=path, **options), kind=kind, crs=METRIC)


def faults_of(write: Callable[[Path], Path], folder: Path, **options: Any) -> str:
    with pytest.raises(InputFaultsError) as caught:
        read(write, folder, **options)
    return caught.value.text("en")


@pytest.mark.parametrize("case", POINTS, ids=lambda case: case.habit)
def test_every_format_gives_the_same_stations(case: Case, tmp_path: Path) -> None:
    for extra in case.needs:
        if importlib.util.find_spec(extra) is None:
            pytest.skip(f"{extra} is not installed: pip install 'geo[test,parquet,xls]'")
    found = read(case.write, tmp_path, kind="service", **case.options).table
    assert found["name"].tolist() == [row[1] for row in sound_files.ROWS]
    assert found["type"].unique().tolist() == ["gig_station"]
    if "gpx" not in case.habit:
        assert found["id"].tolist() == [row[0] for row in sound_files.ROWS]
        assert found["capacity"].tolist() == [row[3] for row in sound_files.ROWS]
        assert found["counted"].all()
    lonlat = np.array([row[5:7] for row in sound_files.ROWS], dtype=float)
    to_metres = pyproj.Transformer.from_crs(4326, METRIC, always_xy=True)
    expected = np.column_stack(to_metres.transform(lonlat[:, 0], lonlat[:, 1]))
    assert np.abs(shapely.get_coordinates(found.geometry.to_numpy()) - expected).max() < 1e-6


def lines_of(folder: Path, *entities: str, kind: str = "street") -> TableRead:
    return read(
        dxf("".join(entities)),
        folder,
        kind=kind,
        crs="EPSG:4548",
        **({} if kind == "street" else {"set": {"workers": 1}}),
    )


def test_a_quarter_circle_of_a_drawing(tmp_path: Path) -> None:
    arc = entity("ARC", (10, 500000), (20, 2800000), (40, 100), (50, 0), (51, 90))
    (line,) = lines_of(tmp_path, arc).table.geometry
    radii = np.hypot(*(shapely.get_coordinates(line) - (500000.0, 2800000.0)).T)
    assert radii == pytest.approx(100.0)
    quarter = 100.0 * math.pi / 2
    assert quarter * 0.9995 < line.length < quarter
    assert shapely.get_coordinates(line)[[0, -1]] == pytest.approx(
        np.array([[500100.0, 2800000.0], [500000.0, 2800100.0]])
    )


def test_an_arc_across_the_east_runs_the_short_way(tmp_path: Path) -> None:
    arc = entity("ARC", (10, 500000), (20, 2800000), (40, 100), (50, 350), (51, 10))
    (line,) = lines_of(tmp_path, arc).table.geometry
    assert line.length == pytest.approx(100.0 * math.radians(20.0), rel=1e-3)


def test_a_bulge_of_one_is_half_a_circle_to_the_right(tmp_path: Path) -> None:
    drawn = entity("LWPOLYLINE", (90, 2), (70, 0), (10, 500000), (20, 2800000), (42, 1), (10, 500200), (20, 2800000))
    (line,) = lines_of(tmp_path, drawn).table.geometry
    assert line.bounds == pytest.approx((500000.0, 2799900.0, 500200.0, 2800000.0), abs=drawn_curves.SAGITTA)
    assert line.length == pytest.approx(math.pi * 100.0, rel=1e-3)


@pytest.mark.parametrize("bulge", [-2.0, -0.5, 0.25, 1.5])
def test_an_arc_is_a_quarter_tangent_bulge_long(tmp_path: Path, bulge: float) -> None:
    drawn = entity(
        "LWPOLYLINE", (90, 2), (70, 0), (10, 500000), (20, 2800000), (42, bulge), (10, 500200), (20, 2800000)
    )
    (line,) = lines_of(tmp_path, drawn).table.geometry
    angle = 4.0 * math.atan(abs(bulge))
    assert line.length == pytest.approx(angle * 100.0 / math.sin(angle / 2.0), rel=1e-3)


def test_old_polylines_with_vertices_closed_ones_and_mirrored_ones(tmp_path: Path) -> None:
    corners = [(500000, 2800000), (500100, 2800000), (500100, 2800100)]
    body = "".join(entity("VERTEX", (10, x), (20, y)) for x, y in corners)
    old = entity("POLYLINE", (66, 1), (70, 1)) + body + "0\nSEQEND\n8\n0\n"
    mirrored = entity(
        "LWPOLYLINE", (90, 2), (70, 0), (230, -1), (10, -500000), (20, 2800000), (10, -500100), (20, 2800000)
    )
    first, second = lines_of(tmp_path, old, mirrored).table.geometry
    assert first.length == pytest.approx(100.0 + 100.0 + math.hypot(100.0, 100.0))
    assert second.length == pytest.approx(100.0)
    assert second.bounds == pytest.approx((500000.0, 2800000.0, 500100.0, 2800000.0))
    (area,) = lines_of(tmp_path, old, kind="park").table.geometry
    assert area.area == pytest.approx(100.0 * 100.0 / 2)


def test_circles_ellipses_and_splines_of_a_drawing(tmp_path: Path) -> None:
    circle = entity("CIRCLE", (10, 500000), (20, 2800000), (40, 100))
    ellipse = entity("ELLIPSE", (10, 500000), (20, 2800000), (11, 0), (21, 200), (40, 0.5))
    knots = [(40, knot) for knot in (0, 0, 0, 1, 1, 1)]
    ends = [(10, 500000), (20, 2800000), (10, 500100), (20, 2800200), (10, 500200), (20, 2800000)]
    spline = entity("SPLINE", (70, 8), (71, 2), *knots, *ends)
    fit = entity("SPLINE", (70, 8), (71, 3), (11, 500000), (21, 2800000), (11, 500100), (21, 2800000))
    shapes = lines_of(tmp_path, circle, ellipse, spline, fit).table.geometry.to_list()
    assert shapes[0].is_closed
    assert shapes[0].length == pytest.approx(2.0 * math.pi * 100.0, rel=1e-3)
    assert shapes[1].bounds == pytest.approx((499900.0, 2799800.0, 500100.0, 2800200.0), abs=0.5)
    # A parabola through the ends whose control point is 200 above them: its top is half as high.
    assert shapes[2].bounds[3] == pytest.approx(2800100.0, abs=1.0)
    assert shapes[3].length == pytest.approx(100.0)


def test_texts_of_a_drawing_are_places_for_a_layer_of_points(tmp_path: Path) -> None:
    note = entity("TEXT", (10, 500000), (20, 2800000), (40, 2.5), (1, "东\\U+6E21\\U+53E3"))
    found = read(dxf(note), tmp_path, crs="EPSG:4548", columns={"name": "Text"})
    assert found.table["name"].tolist() == ["东渡口"]


def test_shapes_of_a_kml(tmp_path: Path) -> None:
    ring = "118.2,25.3 118.21,25.3 118.21,25.31 118.2,25.31"
    hole = "118.202,25.302 118.204,25.302 118.204,25.304 118.202,25.304 118.202,25.302"
    polygon = (
        f"<Polygon><outerBoundaryIs><LinearRing><coordinates>{ring}</coordinates></LinearRing></outerBoundaryIs>"
        f"<innerBoundaryIs><LinearRing><coordinates>{hole}</coordinates></LinearRing></innerBoundaryIs></Polygon>"
    )
    found = read(
        kml(placemark("A", f"<MultiGeometry>{polygon}</MultiGeometry>")), tmp_path, kind="park", set={"workers": 1}
    )
    (shape,) = found.table.geometry
    assert (shape.geom_type, len(shape.interiors)) == ("Polygon", 1)
    assert shape.area == pytest.approx(shapely.Polygon(shape.exterior).area * (1 - 0.04), rel=1e-3)
    track = '<gx:Track xmlns:gx="g"><gx:coord>118.2 25.3 9</gx:coord><gx:coord>118.201 25.3 9</gx:coord></gx:Track>'
    (line,) = read(kml(placemark("B", track)), tmp_path, kind="street").table.geometry
    assert line.length == pytest.approx(100.7, abs=1.0)


def findings() -> Findings:
    return Findings("venues", "x")


def test_every_kind_of_field_of_a_dbase_table() -> None:
    fields = [("文", "C", 6), ("n", "N", 6), ("f", "F", 8), ("d", "D", 8), ("l", "L", 1), ("z", "N", 4)]
    table = dbase.read(
        dbf(fields, [["甲", "12", "1.5", "20260301", "T", ""], ["", "7", "-2e3", "", "?", "****"]]),
        findings(),
        encoding=None,
        stated=None,
    )
    assert table.columns["文"].tolist() == ["甲", ""]
    assert (table.columns["n"].dtype, table.columns["n"].tolist()) == (np.int64, [12, 7])
    assert table.columns["f"].tolist() == [1.5, -2000.0]
    assert table.columns["d"].tolist() == ["2026-03-01", ""]
    assert table.columns["l"].tolist() == ["T", "?"]
    assert table.columns["z"].tolist() == ["", "****"]
    assert table.deleted.tolist() == [False, False]


@settings(max_examples=60)
@given(data=st.binary(max_size=400), damage=st.integers(0, 200))
def test_a_damaged_dbase_table_is_a_fault_or_whole(data: bytes, damage: int) -> None:
    sound = bytearray(dbf([("a", "C", 5), ("b", "N", 5)], [["x", "1"]] * 3))
    for at, byte in enumerate(data):
        sound[(damage + at * 7) % len(sound)] = byte
    own = findings()
    try:
        table = dbase.read(bytes(sound), own, encoding=None, stated=None)
    except UnreadableError:
        assert own.faults
    else:
        assert len(table.columns) == len(table.deleted)


def sheet(rows: list[list[str]], header: list[str]) -> Raw:
    columns = pd.DataFrame(rows, columns=pd.Index(header, dtype="object"), dtype="object")
    return Raw(columns, np.arange(2, len(rows) + 2), None, None, is_sheet=True)


STRAY = [
    (["", " ", ""], "empty_row"),
    (["合 计", "3", ""], "sum_row"),
    (["东片区小计：", "3", ""], "sum_row"),
    (["1", "总计", ""], "sum_row"),
    (["注：坐标取自天地图", "", ""], "note_row"),
    (["备注1、x", "", ""], "note_row"),
    (["填表人：甲", "审核人：乙", "日期：3月"], "note_row"),
    (["第1页，共2页", "", ""], "note_row"),
    (["一、东片区", "", ""], "heading_row"),
    (["（二）在建", "", ""], "heading_row"),
    (["西片区", "西片区", "西片区"], "heading_row"),
    (["编号", "名称", "经度"], "header_again"),
    (["编号", "", "经度"], "header_again"),
]
ROWS = [
    ["1", "甲", "118.2"],
    ["", "小计站", "118.2"],
    ["合计路1号站", "x", "1"],
    ["注册中心", "", ""],
    ["一号站", "", ""],
    ["编号", "乙", "118.2"],
    ["5", "5", "5"],
    ["A", "", ""],
    ["日期", "1", "2"],
    ["甲", "乙", "丙"],
]


@pytest.mark.parametrize(("row", "reason"), STRAY)
def test_rows_that_are_none(row: list[str], reason: str) -> None:
    own = findings()
    kept = stray_rows.without(sheet([["0", "零", "118.2"], row], ["编号", "名称", "经度"]), own)
    assert kept.rows.tolist() == [2]
    assert [(at, action, message.key) for at, action, message in own.repairs] == [(3, "dropped", f"layers.{reason}")]


@pytest.mark.parametrize("row", ROWS)
def test_rows_that_look_odd_and_are_rows(row: list[str]) -> None:
    own = findings()
    assert stray_rows.without(sheet([["0", "零", "118.2"], row], ["编号", "名称", "经度"]), own).rows.tolist() == [2, 3]
    assert own.repairs == []


@pytest.mark.parametrize(
    ("first", "reason"),
    [
        (["", "", "度"], "unit_row"),
        (["（个）", "（人）", "（度）"], "unit_row"),
        (["1", "2", "3"], "number_row"),
        (["甲", "乙", "1"], "number_row"),
    ],
)
def test_rows_right_below_the_header(first: list[str], reason: str) -> None:
    header, last = ["编号", "名称", "经度"], ["9", "九", "118.2"]
    own = findings()
    assert stray_rows.without(sheet([first, last], header), own).rows.tolist() == [3]
    assert [message.key for _, _, message in own.repairs] == [f"layers.{reason}"]
    later = findings()
    assert stray_rows.without(sheet([last, first], header), later).rows.tolist() == [2, 3]


CELL = st.text(st.characters(codec="utf-8", exclude_categories=["C", "Z"]), min_size=1, max_size=8)


@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(names=st.lists(CELL, min_size=1, max_size=8))
def test_a_sheet_reads_alike_as_text_and_as_workbook(tmp_path: Path, names: list[str]) -> None:
    rows = [[f"v{n}", name, "118.2", "25.3"] for n, name in enumerate(names)]
    header = ["编号", "名称", "经度", "纬度"]
    as_csv = text(
        [
            ",".join(header),
            *(
                "\t".join(row).replace("\t", ",")
                if '"' not in row[1] and "," not in row[1]
                else f'{row[0]},"{row[1].replace(chr(34), chr(34) * 2)}",118.2,25.3'
                for row in rows
            ),
        ]
    )
    as_book = xlsx({"s": [header, *rows]})
    found = [read(write, tmp_path, crs="EPSG:4326").table["name"].tolist() for write in (as_csv, as_book)]
    assert found[0] == found[1] == [name.strip() for name in names]


def test_geoparquet_in_native_points_and_without_a_crs(tmp_path: Path) -> None:
    pytest.importorskip("pyarrow", reason="pip install 'geo[parquet]'")
    table = points(["a", "b"])

    def native(folder: Path) -> Path:
        table.to_parquet(folder / "a.parquet", geometry_encoding="geoarrow")
        return folder / "a.parquet"

    def bare(folder: Path) -> Path:
        table.set_crs(None, allow_override=True).to_parquet(folder / "b.parquet")
        return folder / "b.parquet"

    def plain(folder: Path) -> Path:
        pd.DataFrame({"名称": ["a"], "经度": [118.2], "纬度": [25.3]}).to_parquet(folder / "c.parquet")
        return folder / "c.parquet"

    assert read(native, tmp_path).table["name"].tolist() == ["a", "b"]
    assert "states no CRS" in faults_of(bare, tmp_path)
    assert read(plain, tmp_path, crs="EPSG:4326").table["name"].tolist() == ["a"]


def test_extras_that_are_not_there_are_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "pyarrow", None)
    assert 'pip install "geo[parquet]"' in faults_of(raw("a.parquet", b"PAR1"), tmp_path)
    monkeypatch.setitem(__import__("sys").modules, "xlrd", None)
    assert "old .xls" in faults_of(raw("a.xls", b"\xd0\xcf\x11\xe0" + bytes(600)), tmp_path)


def test_files_are_told_by_what_they_are_not(tmp_path: Path) -> None:
    folder = tmp_path / "folder.csv"
    folder.mkdir()
    assert "not a regular file" in faults_of(lambda _: folder, tmp_path)
    assert "cannot be opened" in faults_of(lambda _: tmp_path / "none.csv", tmp_path)


def test_bytes_that_are_no_numbers_warn_nobody() -> None:
    """A signalling NaN among coordinates; warnings are errors here."""
    odd = shapely.to_wkb(shapely.Point(1, 2))[:5] + struct.pack("<QQ", 0x7FF0000000000001, 0x7FF0000000000001)
    shapes, broken = shapes_of([odd, shapely.to_wkb(shapely.Point(1, 2)), b"", None])
    assert broken.tolist()[1:] == [False, True, False]
    assert shapes[1].equals(shapely.Point(1, 2))


@pytest.mark.parametrize("part", ["xl/workbook.xml", "[Content_Types].xml", "xl/worksheets/sheet1.xml"])
def test_a_workbook_whose_xml_is_damaged_is_a_fault_by_every_parser(tmp_path: Path, part: str) -> None:
    """openpyxl takes lxml where another package has brought it, whose errors are no ElementTree.ParseError."""
    book = openpyxl.Workbook()
    book.worksheets[0].append(["名称", "经度", "纬度"])
    book.worksheets[0].append(["甲", 118.2, 25.3])
    book.save(tmp_path / "sound.xlsx")
    with zipfile.ZipFile(tmp_path / "sound.xlsx") as sound, zipfile.ZipFile(tmp_path / "a.xlsx", "w") as damaged:
        for name in sound.namelist():
            data = sound.read(name)
            damaged.writestr(name, data.replace(b"<", b"< ", 1) if name == part else data)
    with pytest.raises(InputFaultsError) as caught:
        read_table(LayerSource(path="a.xlsx", file=tmp_path / "a.xlsx", crs="EPSG:4326"), kind="venue")
    assert [fault.message.key for fault in caught.value.faults] == ["layers.broken_file"]


@pytest.mark.parametrize("fields", [[], [("blob", "G", 10)]])
def test_a_dbf_without_a_column_to_read_lacks_them_all(tmp_path: Path, fields: list[tuple[str, str, int]]) -> None:
    (tmp_path / "a.dbf").write_bytes(dbf(fields, [[""] * len(fields)] * 3))
    with pytest.raises(InputFaultsError) as caught:
        read_table(LayerSource(path="a.dbf", file=tmp_path / "a.dbf", crs="EPSG:4326"), kind="factory")
    assert {fault.message.key for fault in caught.value.faults} & {"layers.missing_column", "layers.not_a"}


def test_notes_are_quoted_without_those_who_signed() -> None:
    assert stray_rows.impersonal("填报单位：某办 联系电话：0595-2388 1234") == "填报单位：某办 联系电话：…"
    assert stray_rows.impersonal("负责人:王五;经办：赵六 350525199001011234") == "负责人:…;经办：…"
    assert stray_rows.impersonal("咨询13800000000，共1234567890123456789户") == "咨询…，共1234567890123456789户"
