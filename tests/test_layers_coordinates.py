"""Coordinates as they come: degrees and minutes, one column for both, survey tables, zones, addresses, old datums."""

from __future__ import annotations

import csv
import io
from typing import TYPE_CHECKING, Any

import geopandas as gpd
import numpy as np
import pandas as pd
import pyproj
import pytest
import shapely
from hypothesis import given, strategies as st

from geo import crs as crs_room
from geo.errors import InputFaultsError
from geo.layers import TableRead, degrees, read_table, survey
from geo.study_file import LayerSource

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

METRIC = pyproj.CRS.from_epsg(4548)
LON, LAT = 118.21, 25.32
# 118.21 and 25.32 degrees as people write them: 0.21 * 60 = 12.6 minutes, 0.6 * 60 = 36 seconds; 0.32 * 60 = 19.2.
LONGITUDES = [
    "118.21",
    "118°12′36″",
    "118°12'36\"",
    "东经118度12分36秒",
    "118-12-36",
    "118:12:36",
    "118 12 36",
    "E118°12.6′",
]
LATITUDES = ["25.32", "25°19′12″", "25º19’12”N", "北纬25度19分12秒", "25-19-12", "25:19:12", "25 19 12", "N25°19.2′"]


def read(path: Path, *, kind: str = "venue", crs_out: pyproj.CRS | None = METRIC, **options: Any) -> TableRead:
    return read_table(LayerSource(path=path.name, file=path, **options), kind=kind, crs=crs_out)


def table_of(folder: Path, header: str, rows: Sequence[Sequence[object]]) -> Path:
    text = io.StringIO(newline="")
    csv.writer(text).writerows([header.split(","), *rows])
    path = folder / "venues.csv"
    path.write_text(text.getvalue(), encoding="utf-8")
    return path


def faults_of(path: Path, **options: Any) -> str:
    with pytest.raises(InputFaultsError) as caught:
        read(path, **options)
    assert caught.value.text("zh") != caught.value.text("en")
    return caught.value.text("en")


def said(found: TableRead, action: str) -> list[tuple[int | None, str]]:
    rows = found.repairs[found.repairs["action"] == action]
    return [(None if pd.isna(row) else int(row), m.key) for row, m in zip(rows["row"], rows["message"], strict=True)]


def xy_of(found: TableRead) -> np.ndarray[Any, Any]:
    return shapely.get_coordinates(found.table.geometry.to_numpy())


def metric(lon: float = LON, lat: float = LAT, *, code: int = 4548) -> tuple[float, float]:
    east, north = crs_room.transformer(crs_room.WGS84, pyproj.CRS.from_epsg(code)).transform(lon, lat)
    return float(east), float(north)


@pytest.mark.parametrize("pair", list(zip(LONGITUDES, LATITUDES, strict=True)))
def test_degrees_minutes_and_seconds_in_every_writing(tmp_path: Path, pair: tuple[str, str]) -> None:
    found = read(table_of(tmp_path, "id,经度,纬度", [("a", *pair)]), crs="EPSG:4326")
    assert np.abs(xy_of(found) - metric()).max() < 1e-3
    told = [(2, "layers.coordinates_mended")] if pair != ("118.21", "25.32") else []
    assert said(found, "repaired") == told


def test_a_mended_coordinate_says_what_it_was_and_what_it_is(tmp_path: Path) -> None:
    found = read(table_of(tmp_path, "id,经度,纬度", [("a", "118°12′36″", "２５．３２")]), crs="EPSG:4326")
    (message,) = found.repairs.loc[found.repairs["action"] == "repaired", "message"]
    assert "“118°12′36″ / ２５．３２” and were read as 118.21 / 25.32" in message.text("en")
    assert found.inputs[0]["rows_repaired"] == 1


@given(
    st.integers(0, 179), st.integers(0, 59), st.integers(0, 59_999), st.sampled_from("EW"), st.sampled_from("°:- 度")
)
def test_every_angle_comes_back(degree: int, minute: int, milli: int, side: str, mark: str) -> None:
    minutes = {"°": "′", "度": "分"}.get(mark, mark)
    text = f"{degree}{mark}{minute:02d}{minutes}{milli / 1000:06.3f} {side}"
    found = degrees.angle(text)
    wanted = degree + minute / 60 + milli / 3_600_000
    assert found.degrees == pytest.approx(wanted if side == "E" else -wanted, abs=1e-12)
    assert found.axis == "lon"


@pytest.mark.parametrize(
    "text",
    [
        "118°60′",
        "118°12′60″",
        "118.2°12′",
        "118°12.5′30″",
        "桥头",
        "E118N",
        "东经118北",
        "118'",
        "1e999",
        "°",
        "1 2 3 4",
    ],
)
def test_what_is_no_angle(text: str) -> None:
    found = degrees.of_column(pd.Series([text]))
    assert np.isnan(found.floats[0])
    assert found.unreadable[0]


@given(st.text(max_size=120))
def test_any_text_is_an_angle_or_none(text: str) -> None:
    found = degrees.angle(text)
    assert np.isnan(found.degrees) or np.isfinite(found.degrees)
    pair = degrees.split(text)
    assert pair is None or all(np.isfinite(degrees.angle(part).degrees) for part in pair)


@pytest.mark.parametrize("header", ["经纬度", "坐标", "GPS坐标", "location", "经纬度（度）"])
@pytest.mark.parametrize(
    "cell", ["118.21,25.32", "118.21，25.32", "[118.21, 25.32]", "POINT(118.21 25.32)", "N25°19′12″ E118°12′36″"]
)
def test_both_coordinates_in_one_column(tmp_path: Path, header: str, cell: str) -> None:
    found = read(table_of(tmp_path, f"id,{header}", [("a", cell)]), crs="EPSG:4326")
    assert np.abs(xy_of(found) - metric()).max() < 1e-3


def test_one_column_for_both_with_a_cell_that_is_none(tmp_path: Path) -> None:
    rows = [("a", "118.21,25.32")] * 18 + [("b", "桥头村口"), ("c", "")]
    found = read(table_of(tmp_path, "名称,坐标", rows), crs="EPSG:4326", kind="gate", set={"unit_id": "u"})
    assert said(found, "kept") == [(20, "layers.bad_coordinates"), (21, "layers.no_coordinates")]
    (message,) = [m for m in found.repairs["message"] if m.key == "layers.bad_coordinates"]
    assert "桥头村口" in message.text("zh")


def test_letters_that_name_the_other_axis_swap_a_row(tmp_path: Path) -> None:
    """In Porto both orders are possible degrees: here the letters tell."""
    rows = [("a", "41°9′N", "8°36.6′W"), ("b", "8°36.6′W", "41°9′N"), ("c", "41°9′N", "41°9′N")] + [
        ("d", -8.61, 41.15)
    ] * 9
    found = read(
        table_of(tmp_path, "id,lon,lat", [(f"{n}", *row[1:]) for n, row in enumerate(rows)]),
        crs="EPSG:4326",
        crs_out=None,
    )
    lonlat = found.table.geometry.drop(index=2).to_crs(4326)
    assert np.abs(shapely.get_coordinates(lonlat.to_numpy()) - (-8.61, 41.15)).max() < 1e-9
    assert (2, "layers.swapped") in said(found, "repaired")
    assert said(found, "kept") == [(4, "layers.bad_coordinates")]


@pytest.mark.parametrize("code", [4490, 4326, 4547, 4548, 4549, 4526, 4527, 4528, 4498, 4509, 32650, 3857])
def test_every_crs_leads_to_the_same_place(tmp_path: Path, code: int) -> None:
    x, y = metric(code=code)
    found = read(table_of(tmp_path, "id,x,y", [("a", repr(x), repr(y))]), crs=f"EPSG:{code}")
    assert np.abs(xy_of(found) - metric()).max() < 1e-6
    assert found.inputs[0]["crs"] == f"EPSG:{code}"
    assert said(found, "repaired") == []
    told = [key for _, key in said(found, "told")]
    assert ("layers.cgcs_as_wgs" in told) == (code in range(4490, 4550))


def test_the_zones_are_those_of_the_standard() -> None:
    """On its meridian a zone's easting is 500 km behind its number; the northing is the same in every zone."""
    for plain, zoned, central, number in ((4547, 4526, 114, 38), (4548, 4527, 117, 39), (4549, 4528, 120, 40)):
        east, north = metric(central, 25.0, code=plain)
        assert east == pytest.approx(500_000, abs=1e-6)
        assert metric(central, 25.0, code=zoned) == pytest.approx((number * 1_000_000 + 500_000, north), abs=1e-6)
        assert survey.central_of(number) == central
    assert survey.central_of(20) == survey.central_of(39) == 117


def survey_row(code: int, *, north_first: bool = True, lon: float = LON, add: float = 0.0) -> tuple[str, float, float]:
    east, north = metric(lon, code=code)
    return ("a", north, east + add) if north_first else ("a", east + add, north)


@pytest.mark.parametrize("header", ["id,X,Y", "id,X坐标,Y坐标", "id,x（m）,y（m）", "id,经度,纬度"])
@pytest.mark.parametrize("code", [4548, 4527, 32650])
def test_x_north_is_known_by_size_and_swapped(tmp_path: Path, header: str, code: int) -> None:
    found = read(table_of(tmp_path, header, [survey_row(code)]), crs=f"EPSG:{code}")
    assert np.abs(xy_of(found) - metric()).max() < 1e-6
    assert said(found, "repaired") == [(2, "layers.survey_order")]


@pytest.mark.parametrize("header", ["id,北坐标X,东坐标Y", "id,纵坐标,横坐标", "id,Northing,Easting"])
def test_headers_that_name_north_and_east_need_no_swap(tmp_path: Path, header: str) -> None:
    found = read(table_of(tmp_path, header, [survey_row(4548)]), crs="EPSG:4548")
    assert np.abs(xy_of(found) - metric()).max() < 1e-6
    assert said(found, "repaired") == []


@pytest.mark.parametrize("north_first", [True, False])
@pytest.mark.parametrize(
    ("written", "stated", "key"),
    [
        (4527, 4548, "layers.zone_number_taken"),
        (4548, 4527, "layers.zone_number_added"),
        (4498, 4548, "layers.zone_number_taken"),
        (4498, 4527, "layers.zone_number_taken"),
    ],
)
def test_zone_numbers_that_mean_the_crs_s_meridian(
    tmp_path: Path,
    written: int,
    stated: int,
    key: str,
    north_first: bool,  # noqa: FBT001
) -> None:
    """Zone 39 of three degrees and zone 20 of six both have the meridian 117."""
    found = read(table_of(tmp_path, "id,X,Y", [survey_row(written, north_first=north_first)]), crs=f"EPSG:{stated}")
    assert np.abs(xy_of(found) - metric()).max() < 1e-6
    assert key in [key for _, key in said(found, "repaired")]


def test_rows_of_two_zones_in_a_county_that_lies_across(tmp_path: Path) -> None:
    """118.5 degrees east, the edge of zones 39 and 40, cuts two of our counties."""
    rows = [survey_row(4527, lon=118.4), survey_row(4528, lon=118.6), survey_row(4527, lon=118.45)]
    path = table_of(tmp_path, "id,X,Y", [(f"{n}", *row[1:]) for n, row in enumerate(rows)])
    for stated in (4527, 4548):
        found = read(path, crs=f"EPSG:{stated}")
        assert np.abs(xy_of(found) - [metric(118.4), metric(118.6), metric(118.45)]).max() < 1e-3
        assert (3, "layers.zone_number_other") in said(found, "repaired")


def test_a_table_of_another_zone_is_a_fault_that_names_it(tmp_path: Path) -> None:
    path = table_of(tmp_path, "id,X,Y", [survey_row(4528, lon=119.0)])
    for stated in (4527, 4548):
        text = faults_of(path, crs=f"EPSG:{stated}")
        assert f"another meridian than EPSG:{stated}; if they are right, state crs = EPSG:4528" in text


def test_polygons_are_carried_whole(tmp_path: Path) -> None:
    east, north = metric()
    square = shapely.box(north, east + 39e6, north + 100, east + 39e6 + 200)  # X north, with the zone number
    path = tmp_path / "parks.gpkg"
    gpd.GeoDataFrame({"id": ["a"], "workers": [1]}, geometry=[square], crs=4548).to_file(path)
    found = read(path, kind="park")
    assert found.table.total_bounds.tolist() == pytest.approx([east, north, east + 200, north + 100], abs=1e-6)
    assert found.table.geometry.area.iloc[0] == pytest.approx(200 * 100, abs=1e-3)


def test_utm_of_the_south(tmp_path: Path) -> None:
    """Porto Alegre: northings of 6.7 million count from 10 million at the equator."""
    x, y = metric(-51.2, -30.0, code=32722)
    found = read(table_of(tmp_path, "id,x,y", [("a", y, x)]), crs="EPSG:32722", crs_out=None)
    lonlat = shapely.get_coordinates(found.table.geometry.to_crs(4326).to_numpy())
    assert np.abs(lonlat - (-51.2, -30.0)).max() < 1e-9
    assert said(found, "repaired") == [(2, "layers.survey_order")]


@pytest.mark.parametrize(
    ("row", "words"),
    [
        ((LON, LAT), 'look like degrees; write crs = "EPSG:4326"'),
        (("118°12′36″", "25°19′12″"), "look like degrees"),
        (metric(), 'without its number; write by its meridian crs = "EPSG:4547" (114°E), "EPSG:4548" (117°E)'),
        (metric(code=4527), 'metres of zone 39; if they are CGCS2000, write crs = "EPSG:4527"'),
        (metric(code=4528)[::-1], 'metres of zone 40; if they are CGCS2000, write crs = "EPSG:4528"'),
        (metric(code=4498), 'metres of zone 20; if they are CGCS2000, write crs = "EPSG:4498"'),
        ((1, 7e7), 'write crs = "EPSG:4326", "gcj02"'),
    ],
)
def test_a_missing_crs_is_guessed_at_and_never_assumed(tmp_path: Path, row: tuple[object, object], words: str) -> None:
    text = faults_of(table_of(tmp_path, "id,x,y", [("a", *row)] * 1))
    assert f"states no CRS; {'' if words.startswith('write') else 'the numbers'}" in text
    assert words in text


def test_a_missing_crs_of_one_column_and_of_a_drawing(tmp_path: Path) -> None:
    assert "look like degrees" in faults_of(table_of(tmp_path, "id,坐标", [("a", "118.21,25.32")]))
    path = tmp_path / "venues.shp"
    gpd.GeoDataFrame({"id": ["a"]}, geometry=[shapely.Point(metric(code=4527))], crs=4527).to_file(path)
    path.with_suffix(".prj").unlink()
    assert "metres of zone 39" in faults_of(path)


@pytest.mark.parametrize("code", [4610, 2384, 4214, 2436])
def test_old_datums_are_doubtful(tmp_path: Path, code: int) -> None:
    """Xian 1980 and Beijing 1954 lie tens of metres off, and nobody publishes by how much."""
    x, y = crs_room.transformer(pyproj.CRS.from_epsg(4326), pyproj.CRS.from_epsg(code)).transform(LON, LAT)
    found = read(table_of(tmp_path, "id,x,y", [("a", x, y)]), crs=f"EPSG:{code}")
    assert (None, "layers.datum_rough") in said(found, "doubtful")


def test_addresses_without_coordinates_are_listed_as_such(tmp_path: Path) -> None:
    rows = [("a", "118.21", "25.32", "桃城镇桃溪路1号")] * 18 + [("b", "", "", "五里街镇88号"), ("c", "", "", "无")]
    path = table_of(tmp_path, "名称,经度,纬度,地址", rows)
    found = read(path, crs="EPSG:4326", kind="factory", set={"workers": 1})
    assert said(found, "kept") == [(20, "layers.address_only"), (21, "layers.no_coordinates")]
    texts = [message.text("en") for message in found.repairs.loc[found.repairs["action"] == "kept", "message"]]
    assert texts[0].startswith("has an address (五里街镇88号) but no coordinates")
    path = table_of(tmp_path, "名称,经度,纬度,地址", rows[15:])
    text = faults_of(path, crs="EPSG:4326", kind="factory", set={"workers": 1})
    assert "(rows 5): 1 of 5 rows have an address (e.g. 五里街镇88号) but no coordinates" in text
    assert "(rows 6): 1 of 5 rows have no coordinates" in text


def test_a_table_of_addresses_alone(tmp_path: Path) -> None:
    path = table_of(tmp_path, "名称,类型,详细地址", [("a", "零工驿站", "桃城镇1号"), ("b", "零工驿站", "")])
    text = faults_of(path, kind="service", crs="EPSG:4326")
    assert "lacks the column lon, lat" in text
    assert "(rows 2): 1 of 2 rows have an address (e.g. 桃城镇1号)" in text


def test_the_counties_load_are_repaired_and_shifted(shared: Path) -> None:
    """Published area of 南安: 2,014 km². Every outline of the file crosses itself."""
    path = shared / "data" / "quanzhou" / "counties_gcj02.geojson"
    found = read(path, kind="boundary", crs="gcj02", crs_out=None)
    assert len(found.table) == 11
    assert found.table.geometry.is_valid.all()
    assert said(found, "repaired") == [(row, "layers.made_valid") for row in range(1, 12)]
    assert found.table.crs.to_epsg() == 4549
    nanan = found.table[found.table["name"] == "南安市"].geometry.iloc[0]
    assert nanan.area / 1e6 == pytest.approx(2014, rel=0.01)
    as_given = gpd.read_file(path).to_crs(4549)
    given = as_given[as_given["name"] == "南安市"].geometry.make_valid().iloc[0].centroid
    assert 500 < nanan.centroid.distance(given) < 620  # GCJ-02 here
    areas = [message.text("en") for message in found.repairs.loc[found.repairs["action"] == "repaired", "message"]]
    assert all("its area went from" in text for text in areas)
