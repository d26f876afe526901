from __future__ import annotations

import csv
import itertools
import os
import time
from typing import TYPE_CHECKING

import geopandas as gpd
import numpy as np
import pyproj
import pytest
import shapely
from hypothesis import given, strategies as st

from geo import crs
from geo.errors import GeoCrsError

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

GEOD = pyproj.Geod(ellps="WGS84")
MILLIMETRE = 1e-3
CHINA_LON, CHINA_LAT = st.floats(72.1, 137.7), st.floats(0.9, 55.7)

Pair = tuple[float, float]


def gap_m(a: tuple[np.ndarray, np.ndarray], b: Pair) -> float:
    return float(GEOD.inv(float(np.ravel(a[0])[0]), float(np.ravel(a[1])[0]), *b)[2])


def gcj_to_bd(lon: float, lat: float) -> crs.LonLat:
    return crs.to_bd09(*crs.from_gcj02([lon], [lat]))


def bd_to_gcj(lon: float, lat: float) -> crs.LonLat:
    return crs.to_gcj02(*crs.from_bd09([lon], [lat]))


STEPS: dict[str, tuple[str, str, Callable[..., crs.LonLat]]] = {
    "wgs2gcj": ("wgs", "gcj", crs.to_gcj02),
    "gcj2wgs": ("gcj", "wgs", crs.from_gcj02),
    "wgs2bd": ("wgs", "bd", crs.to_bd09),
    "bd2wgs": ("bd", "wgs", crs.from_bd09),
    "gcj2bd": ("gcj", "bd", gcj_to_bd),
    "bd2gcj": ("bd", "gcj", bd_to_gcj),
}
BACK = {"wgs2gcj": "gcj2wgs", "gcj2bd": "bd2gcj", "wgs2bd": "bd2wgs", "bd2gcj": "gcj2bd", "bd2wgs": "wgs2bd"}


def tolerance_m(row: dict[str, str], step: str) -> float:
    """One tolerance for the row, or one a direction; a definition (0) is held to a micrometre."""
    stated = dict(part.split() for part in row["tol_m"].split(";")) if " " in row["tol_m"] else {}
    return max(float(stated.get(step, row["tol_m"] if not stated else 1.0)), 1e-6)


@pytest.fixture(scope="module")
def oracle(shared: Path) -> list[dict[str, str]]:
    with (shared / "oracle" / "coordinates.csv").open(encoding="utf-8", newline="") as source:
        return [row for row in csv.DictReader(source) if row["use_as_oracle"] == "yes"]


def pair(row: dict[str, str], name: str) -> Pair | None:
    lon, lat = row[f"lon_{name}"], row[f"lat_{name}"]
    return (float(lon), float(lat)) if lon and lat else None


def test_published_points_are_met(oracle: list[dict[str, str]]) -> None:
    tried, wrong = 0, []
    for row in oracle:
        for direction in row["direction"].split(";"):
            step = direction.removesuffix("_onestep")
            if step not in STEPS:
                continue
            source, target, move = STEPS[step]
            start, end = pair(row, source), pair(row, target)
            assert start is not None
            assert end is not None
            tried += 1
            if gap_m(move(*start), end) > tolerance_m(row, step):
                wrong.append((row["kind"], direction, start))
    assert wrong == []
    assert tried > 650


def test_and_their_inverse(oracle: list[dict[str, str]]) -> None:
    tried, wrong = 0, []
    for row in oracle:
        for direction in row["direction"].split(";"):
            if direction not in BACK:
                continue
            source, target, move = STEPS[BACK[direction]]
            start, end = pair(row, source), pair(row, target)
            tried += 1
            # The shift itself stretches lengths by less than one in a thousand.
            allowed = tolerance_m(row, direction) * 1.001
            if gap_m(move(*start), end) > allowed:
                wrong.append((row["kind"], direction, start))
    assert wrong == []
    assert tried > 650


@given(CHINA_LON, CHINA_LAT)
def test_there_and_back_is_less_than_a_millimetre(lon: float, lat: float) -> None:
    for there, back in ((crs.to_gcj02, crs.from_gcj02), (crs.to_bd09, crs.from_bd09)):
        assert gap_m(back(*there([lon], [lat])), (lon, lat)) < MILLIMETRE


@given(CHINA_LON, CHINA_LAT)
def test_the_shift_is_hundreds_of_metres(lon: float, lat: float) -> None:
    assert 10 < gap_m(crs.to_gcj02([lon], [lat]), (lon, lat)) < 2000


@pytest.mark.parametrize(
    "place", [(-51.2, -30.0), (2.35, 48.85), (138.0, 30.0), (72.0, 30.0), (100.0, 0.8), (100.0, 55.9)]
)
@pytest.mark.parametrize("move", [crs.to_gcj02, crs.from_gcj02, crs.to_bd09, crs.from_bd09])
def test_outside_china_nothing_moves(place: Pair, move: Callable[..., crs.LonLat]) -> None:
    lon, lat = move([place[0]], [place[1]])
    assert (float(lon[0]), float(lat[0])) == place


def test_every_direction_of_the_oracle_is_tried(oracle: list[dict[str, str]]) -> None:
    named = {part.removesuffix("_onestep") for row in oracle for part in row["direction"].split(";")}
    assert named - set(STEPS) == {"roundtrip"}
    for row in oracle:
        if "roundtrip" in row["direction"]:
            start = pair(row, "wgs")
            assert start is not None
            for there, back in ((crs.to_gcj02, crs.from_gcj02), (crs.to_bd09, crs.from_bd09)):
                assert gap_m(back(*there([start[0]], [start[1]])), start) < MILLIMETRE


def test_more_points_than_one_block_and_missing_ones() -> None:
    rng = np.random.default_rng(5)
    lon, lat = rng.uniform(60, 140, 40_000), rng.uniform(10, 60, 40_000)
    lon[[3, 39_999]] = np.nan
    inside = (lon >= crs.CHINA[0]) & (lon <= crs.CHINA[2]) & (lat >= crs.CHINA[1]) & (lat <= crs.CHINA[3])
    for there, back in ((crs.to_gcj02, crs.from_gcj02), (crs.to_bd09, crs.from_bd09)):
        x, y = there(lon, lat)
        assert np.array_equal(x != lon, inside | np.isnan(lon))
        assert np.array_equal(x[~inside], lon[~inside], equal_nan=True)
        middle = inside & (np.abs(lon - 105) < 30) & (np.abs(lat - 30) < 20)
        again = back(x, y)
        assert np.abs(again[0] - lon)[middle].max() < 1e-11
        assert np.abs(again[1] - lat)[middle].max() < 1e-11
        assert np.array_equal(there(lon[:100], lat[:100])[0], x[:100], equal_nan=True)


@pytest.mark.slow
def test_a_million_points_cost_a_few_sines_each() -> None:
    """A ratio, for seconds depend on the machine: at most 40 sines a point forward, 200 back."""
    rng = np.random.default_rng(6)
    lon, lat = rng.uniform(73, 135, 1_000_000), rng.uniform(18, 53, 1_000_000)

    def cost(move: Callable[..., object], *args: np.ndarray) -> float:
        spent = []
        for _ in range(3):
            start = time.process_time()
            move(*args)
            spent.append(time.process_time() - start)
        return min(spent)

    sine = cost(np.sin, lon * 10)
    assert max(cost(crs.to_gcj02, lon, lat), cost(crs.to_bd09, lon, lat)) < 40 * sine
    assert max(cost(crs.from_gcj02, lon, lat), cost(crs.from_bd09, lon, lat)) < 200 * sine


def test_many_points_move_as_each_alone() -> None:
    lon, lat = np.array([118.2, 2.35, 116.4]), np.array([25.3, 48.85, 39.9])
    for move in (crs.to_gcj02, crs.from_gcj02, crs.to_bd09, crs.from_bd09):
        together = move(lon, lat)
        for row in range(3):
            alone = move(lon[row : row + 1], lat[row : row + 1])
            assert gap_m(alone, (float(together[0][row]), float(together[1][row]))) < 1e-6


@pytest.mark.parametrize("name", ["gcj02", "GCJ-02", "gcj_02", " GCJ02 ", "ＧＣＪ－02", "高德", "火星坐标系", "腾讯"])
def test_gcj02_has_several_spellings(name: str) -> None:
    assert crs.normalise(name) == "gcj02"


@pytest.mark.parametrize("name", ["bd09", "BD-09", "bd09ll", "BD_09", "百度"])
def test_bd09_has_several_spellings(name: str) -> None:
    assert crs.normalise(name) == "bd09"


@pytest.mark.parametrize(
    ("name", "code"),
    [
        ("EPSG:4548", 4548),
        (4549, 4549),
        ("epsg:4527", 4527),
        ("ＥＰＳＧ：4526", 4526),
        ("4528", 4528),
        ("EPSG:4490", 4490),
        ("wgs84", 4326),
        ("WGS-84", 4326),
        ("CGCS2000", 4326),
        ("天地图", 4326),
    ],
)
def test_other_names_are_crs(name: object, code: int) -> None:
    assert crs.normalise(name).to_epsg() == code


@pytest.mark.parametrize("name", [None, "", "no such system", 999999])
def test_a_name_that_says_nothing_raises(name: object) -> None:
    with pytest.raises(GeoCrsError, match=r"EPSG:4548"):
        crs.normalise(name)


@pytest.mark.parametrize("system", ["gcj02", "bd09"])
def test_a_shifted_layer_comes_back_to_where_it_is(system: str) -> None:
    there = {"gcj02": crs.to_gcj02, "bd09": crs.to_bd09}[system]
    lon, lat = there([118.29, 118.30], [25.32, 25.33])
    line = shapely.LineString(np.column_stack([lon, lat]))
    table = gpd.GeoDataFrame({"name": ["a", "b"]}, geometry=[line, None], crs=4326, index=[7, 3])
    moved = crs.convert(table, pyproj.CRS.from_epsg(4548), source=system)
    plain = gpd.GeoSeries([shapely.LineString([(118.29, 25.32), (118.30, 25.33)])], crs=4326).to_crs(4548)
    assert shapely.hausdorff_distance(moved.geometry.iloc[0], plain.iloc[0]) < MILLIMETRE
    assert moved.geometry.iloc[1] is None
    assert moved.index.tolist() == [7, 3]
    assert moved.crs.to_epsg() == 4548
    assert table.geometry.iloc[0] is line


def test_a_stated_crs_overrules_the_file() -> None:
    table = gpd.GeoDataFrame(geometry=[shapely.Point(629_000, 2_801_000)], crs=4326)
    moved = crs.convert(table, pyproj.CRS.from_epsg(4326), source=pyproj.CRS.from_epsg(4548))
    assert moved.geometry.iloc[0].x == pytest.approx(118.28, abs=0.01)


def test_a_table_without_crs_raises() -> None:
    with pytest.raises(GeoCrsError):
        crs.convert(gpd.GeoDataFrame(geometry=[shapely.Point(0, 0)]), crs.WGS84)


def test_tables_of_two_frames_are_never_joined() -> None:
    one = gpd.GeoDataFrame(geometry=[shapely.Point(0, 0)], crs=4548)
    other = one.to_crs(4549)
    assert crs.require_same(one, one.copy(), one.crs) == one.crs
    with pytest.raises(GeoCrsError, match=r"EPSG:4548 and EPSG:4549"):
        crs.require_same(one, other)
    with pytest.raises(GeoCrsError):
        crs.require_same(one, gpd.GeoDataFrame(geometry=[shapely.Point(0, 0)]))
    with pytest.raises(GeoCrsError):
        crs.require_same()


@pytest.mark.parametrize(
    ("lon", "lat", "code"),
    [
        (118.49, 25.0, 4548),
        (118.51, 25.0, 4549),
        (74.0, 39.0, 4534),
        (134.0, 48.0, 4554),
        (-51.2, -30.0, 32722),
        (7.42, 43.73, 32632),
        (-25.5, 37.8, 32626),
        (179.9, -10.0, 32760),
    ],
)
def test_the_metric_crs_of_a_place(lon: float, lat: float, code: int) -> None:
    found = crs.choose_metric(lon, lat)
    assert found.to_epsg() == code
    area = found.area_of_use
    assert area.west - 0.01 <= lon <= area.east + 0.01


@given(st.floats(-179.0, 179.0), st.floats(-66.0, 66.0), st.floats(-0.01, 0.01), st.floats(-0.01, 0.01))
def test_lengths_are_geodesic(lon: float, lat: float, d_lon: float, d_lat: float) -> None:
    ends = np.array([[lon, lat], [lon + d_lon, lat + d_lat]])
    found = crs.segment_lengths_m(ends)
    geodesic = GEOD.inv(lon, lat, lon + d_lon, lat + d_lat)[2]
    assert found.shape == (1,)
    assert found[0] == pytest.approx(geodesic, rel=1e-6, abs=1e-6)


@given(st.floats(-66.0, 66.0), st.floats(-0.01, 0.01), st.floats(-0.01, 0.01))
def test_lengths_on_a_sphere(lat: float, d_lon: float, d_lat: float) -> None:
    radius_m = 6_371_000.0
    sphere = pyproj.Geod(a=radius_m, b=radius_m)
    found = crs.segment_lengths_m(np.array([[7.4, lat], [7.4 + d_lon, lat + d_lat]]), sphere_m=radius_m)
    assert found[0] == pytest.approx(sphere.inv(7.4, lat, 7.4 + d_lon, lat + d_lat)[2], rel=1e-6, abs=1e-6)


def test_every_step_has_its_length() -> None:
    lonlat = np.array([[118.2, 25.3], [118.21, 25.3], [118.21, 25.31], [118.21, 25.31]])
    found = crs.segment_lengths_m(lonlat)
    assert found.tolist() == pytest.approx([GEOD.inv(*a, *b)[2] for a, b in itertools.pairwise(lonlat)], abs=1e-4)
    assert found[2] == 0.0


def test_inherited_projection_data_are_dropped() -> None:
    assert not {"PROJ_DATA", "PROJ_LIB", "GDAL_DATA"} & set(os.environ)


def test_a_crs_has_the_name_that_a_study_file_gives_it() -> None:
    assert [crs.name_of(crs.normalise(name)) for name in ("EPSG:4548", "GCJ-02", "百度")] == [
        "EPSG:4548",
        "gcj02",
        "bd09",
    ]
    esri = pyproj.CRS.from_wkt(pyproj.CRS.from_epsg(4548).to_wkt("WKT1_ESRI"))
    assert crs.name_of(esri) == "EPSG:4548"
    own = pyproj.CRS.from_proj4("+proj=tmerc +lon_0=118.3 +x_0=5000 +ellps=GRS80 +units=m")
    assert crs.name_of(own) == own.name


def test_how_well_a_datum_is_carried_over() -> None:
    assert crs.accuracy_m(pyproj.CRS.from_epsg(4326)) == 0.0
    assert crs.accuracy_m(pyproj.CRS.from_epsg(2384)) is None
    assert crs.accuracy_m(pyproj.CRS.from_epsg(31982)) == 1.0


def test_a_way_between_two_systems_is_found_once() -> None:
    one = crs.transformer(crs.WGS84, pyproj.CRS.from_epsg(4548))
    assert crs.transformer(crs.WGS84, pyproj.CRS.from_epsg(4548)) is one
    east, north = one.transform(117.0, 25.0)
    assert east == pytest.approx(500_000)
    assert 2_700_000 < north < 2_800_000


@pytest.mark.parametrize("code", [4548, 2384, 2436, 32650, 31982, 27700, 2154, 3857, 26711])
@pytest.mark.parametrize("degrees", [4326, 4490, 4214])
def test_metres_become_degrees_by_the_way_back(code: int, degrees: int) -> None:
    """A place on earth is the same to 0.1 mm by the way that PROJ finds from metres to degrees itself."""
    metric, geographic = pyproj.CRS.from_epsg(code), pyproj.CRS.from_epsg(degrees)
    west, south, east, north = metric.area_of_use.bounds
    rng = np.random.default_rng(code)
    lon, lat = rng.uniform(west, east, 500), rng.uniform(south, min(north, 80.0), 500)
    xy = np.array(pyproj.Transformer.from_crs(crs.WGS84, metric, always_xy=True).transform(lon, lat))
    back = np.array(crs.transformer(metric, geographic).transform(*xy))
    own = np.array(pyproj.Transformer.from_crs(metric, geographic, always_xy=True).transform(*xy))
    assert np.isfinite(own).all()
    assert np.abs(back - own).max() < 1e-9


def test_geometries_are_carried_as_a_table_carries_them() -> None:
    shapes = np.array(
        [
            shapely.Point(118.2, 25.3),
            None,
            shapely.Point(118.3, 25.2, 40.0),
            shapely.LineString(),
            shapely.LineString([(118.1, 25.1), (118.2, 25.15)]),
            shapely.box(118.0, 25.0, 118.1, 25.1),
        ],
        dtype=object,
    )
    before, metric = shapes.copy(), pyproj.CRS.from_epsg(4548)
    there = crs.carried(shapes, crs.WGS84, metric)
    for found, source, shapes_before in (
        (there, crs.WGS84, shapes),
        (crs.carried(there, metric, crs.WGS84), metric, there),
    ):
        target = metric if source is crs.WGS84 else crs.WGS84
        twin = gpd.GeoSeries(shapes_before, crs=source).to_crs(target).to_numpy()
        if source is crs.WGS84:
            assert shapely.to_wkb(found).tolist() == shapely.to_wkb(twin).tolist()
        assert shapely.equals_exact(found, twin, tolerance=1e-9)[shapes_before != None].all()  # noqa: E711
        assert [shape is None for shape in found] == [shape is None for shape in twin]
        assert shapely.get_z(found).tolist() == pytest.approx(shapely.get_z(twin).tolist(), nan_ok=True)
    assert shapes.tolist() == before.tolist()
    assert crs.carried(shapes, metric, metric).tolist() == before.tolist()
