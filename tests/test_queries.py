from __future__ import annotations

import itertools
from typing import TYPE_CHECKING

import geopandas as gpd
import numpy as np
import pytest
import shapely
from hypothesis import given, settings, strategies as st
from worlds import CAR, METRIC, build, points_table, scattered, street, town

from geo import queries
from geo.errors import GeoCrsError, GeoValueError, InputFaultsError
from geo.modes import Mode

if TYPE_CHECKING:
    from pathlib import Path

STREET = street((0, 0), (2000, 0))


def table_of(places: np.ndarray, **columns: object) -> gpd.GeoDataFrame:
    return gpd.GeoDataFrame(columns, geometry=places, crs=METRIC)


def test_minutes_have_the_index_of_the_people() -> None:
    people = points_table((300, 40), None, (1000, 900), (0, 0), name=["a", "b", "c", "d"]).set_index("name")
    facilities = points_table((500, 0), (50, 0), code=["x", "y"]).set_index("code")
    found = queries.nearest_minutes(build(STREET), people, facilities, limit=15)
    assert found.index.tolist() == ["a", "b", "c", "d"]
    assert list(found.columns) == ["minutes", "nearest", "snap_m", "snap_status"]
    assert found["minutes"].tolist() == pytest.approx([240 / 100, np.nan, np.inf, 50 / 100], nan_ok=True)
    assert found["nearest"].fillna("-").tolist() == ["x", "-", "-", "y"]
    assert found["snap_status"].tolist() == ["ok", "no_geometry", "far", "ok"]
    assert found["snap_m"].iloc[2] == pytest.approx(900)


def test_any_stated_crs_will_do() -> None:
    people, facilities = points_table((300, 40), (10, 0)), points_table((500, 0))
    net = build(STREET)
    plain = queries.nearest_minutes(net, people, facilities)
    moved = queries.nearest_minutes(net, people.to_crs(4326), facilities.to_crs(4549))
    assert moved["minutes"].to_numpy() == pytest.approx(plain["minutes"].to_numpy(), abs=1e-6)
    with pytest.raises(GeoCrsError):
        queries.nearest_minutes(net, people.set_crs(None, allow_override=True), facilities)


def test_a_polygon_stands_for_a_point_inside_it() -> None:
    block = gpd.GeoDataFrame(geometry=[points_table((300, 40)).geometry.iloc[0].buffer(10)], crs=METRIC)
    found = queries.nearest_minutes(build(STREET), block, points_table((500, 0)))
    assert found["minutes"].iloc[0] == pytest.approx(2.4, abs=0.11)


def test_direction_and_cap() -> None:
    net = build(street((0, 0), (2000, 0), oneway="yes"), mode=CAR)
    people, facilities = points_table((0, 0), (1500, 50)), points_table((1000, 0))
    assert queries.nearest_minutes(net, people, facilities)["minutes"].tolist() == [1.0, np.inf]
    back = queries.nearest_minutes(net, people, facilities, direction="from_service")
    assert back["minutes"].tolist() == pytest.approx([np.inf, 500 / 1000 + 50 / 100])
    assert queries.nearest_minutes(net, people, facilities, cap_m=40)["snap_status"].tolist() == ["ok", "far"]


def test_the_limit_is_inclusive() -> None:
    people, facilities = points_table((0, 0), (0.1, 0)), points_table((1500, 0))
    below = queries.nearest_minutes(build(STREET), people, facilities, limit=14.9995)["minutes"]
    assert below.tolist() == [np.inf, pytest.approx(14.999)]
    assert queries.nearest_minutes(build(STREET), people, facilities, limit=15)["minutes"].tolist() == [
        15.0,
        pytest.approx(14.999),
    ]


def test_nobody_and_nothing() -> None:
    nobody = points_table()
    found = queries.nearest_minutes(build(STREET), nobody, points_table((0, 0)))
    assert len(found) == 0
    assert queries.nearest_minutes(build(STREET), points_table((0, 0)), nobody)["minutes"].tolist() == [np.inf]
    assert queries.minutes_matrix(build(STREET), nobody, nobody).empty


def test_pairs_are_named_by_their_labels() -> None:
    origins = points_table((0, 0), (2000, 0), name=["a", "b"]).set_index("name")
    destinations = points_table((500, 0), None, (1900, 0), code=[7, 8, 9]).set_index("code")
    found = queries.minutes_matrix(build(STREET), origins, destinations, limit=5)
    assert found[["origin", "destination"]].to_numpy().tolist() == [["a", 7], ["b", 9]]
    assert found["minutes"].tolist() == pytest.approx([500 / 100, 100 / 100])


def test_isochrones_of_each_dissolved_and_split() -> None:
    net = build(STREET)
    facilities = points_table((500, 0), (900, 0), code=["x", "y"]).set_index("code")
    rings = {
        way: queries.isochrones(net, facilities, minutes=[3, 1], combine=way) for way in ("each", "dissolve", "split")
    }
    assert rings["each"][["facility_id", "limit_minutes"]].to_numpy().tolist() == [
        ["x", 1.0],
        ["x", 3.0],
        ["y", 1.0],
        ["y", 3.0],
    ]
    assert rings["dissolve"]["facility_id"].tolist() == [None, None]
    assert rings["split"]["facility_id"].tolist() == ["x", "x", "y", "y"]
    assert rings["each"].crs == net.crs
    assert set(rings["each"]["mode"]) == {"walk"}
    wide = {way: table[table["limit_minutes"] == 3].geometry.area.tolist() for way, table in rings.items()}
    # Two diamonds of 300 m that meet half way: what each loses is a triangle of 100 m by 2 × 100 m.
    assert wide["each"] == pytest.approx([180_000] * 2, rel=0.01)
    assert wide["dissolve"] == pytest.approx([360_000 - 2 * 100 * 100], rel=0.01)
    assert wide["split"] == pytest.approx([170_000] * 2, rel=0.02)


@settings(max_examples=12)
@given(st.integers(0, 10_000), st.sampled_from(["each", "dissolve", "split"]))
def test_a_band_does_not_depend_on_which_others_were_asked(seed: int, combine: queries.Combine) -> None:
    net, facilities = town(seed), table_of(scattered(seed, 2))
    alone = queries.isochrones(net, facilities, minutes=[3], combine=combine, cap_m=100)
    among = queries.isochrones(net, facilities, minutes=[8, 3, 5], combine=combine, cap_m=100)
    among = among[among["limit_minutes"] == 3].reset_index(drop=True)
    assert alone["facility_id"].tolist() == among["facility_id"].tolist()
    for one, other in zip(alone.geometry, among.geometry, strict=True):
        assert shapely.equals(one, other)
        assert shapely.symmetric_difference(one, other).area == 0.0


@settings(max_examples=12)
@given(st.integers(0, 10_000))
def test_each_and_dissolve_of_one_facility_are_the_same(seed: int) -> None:
    net, facilities = town(seed), table_of(scattered(seed, 1))
    each, dissolve, split = (
        queries.isochrones(net, facilities, minutes=[5], combine=way, cap_m=100).geometry.iloc[0]
        for way in ("each", "dissolve", "split")
    )
    assert shapely.equals(each, dissolve)
    assert shapely.equals(each, split)


@settings(max_examples=12)
@given(st.integers(0, 10_000))
def test_bands_nest(seed: int) -> None:
    rings = queries.isochrones(town(seed), table_of(scattered(seed, 3)), minutes=[2, 4, 6, 8], combine="dissolve")
    shapes = rings.geometry.tolist()
    assert shapely.is_valid(shapes).all()
    for inner, outer in itertools.pairwise(shapes):
        assert shapely.covers(outer, inner) or inner.is_empty
        assert shapely.difference(inner, outer).area == 0.0


def test_facilities_that_are_far_have_empty_zones() -> None:
    facilities = points_table((500, 0), (500, 5000), None)
    rings = queries.isochrones(build(STREET), facilities, minutes=[5])
    assert rings.geometry.is_empty.tolist() == [False, True, True]
    assert len(queries.isochrones(build(STREET), points_table(), minutes=[5])) == 0
    assert queries.isochrones(
        build(STREET), points_table(), minutes=[5], combine="dissolve"
    ).geometry.is_empty.tolist() == [True]


def test_what_cannot_be_asked() -> None:
    with pytest.raises(GeoValueError, match="each, dissolve, split"):
        queries.isochrones(build(STREET), points_table((0, 0)), combine="merge")
    with pytest.raises(GeoValueError):
        queries.isochrones(build(STREET), points_table((0, 0)), minutes=[])


OSM = (
    '<osm version="0.6"><node id="1" version="1" lon="{lon}" lat="{lat}"/><node id="2" version="1" lon="{lon}1" lat="{lat}"/>'
    '<way id="9" version="1"><nd ref="1"/><nd ref="2"/><tag k="highway" v="residential"/></way></osm>'
)


@pytest.mark.parametrize(("lon", "lat", "code"), [("118.2", "25.3", 4548), ("-51.2", "-30.1", 32722)])
def test_streets_are_read_in_a_metric_crs_of_their_place(tmp_path: Path, lon: str, lat: str, code: int) -> None:
    (tmp_path / "a.osm").write_text(OSM.format(lon=lon, lat=lat), encoding="utf-8")
    net = queries.read_streets(tmp_path / "a.osm")
    assert (net.crs.to_epsg(), net.mode.name, len(net.start)) == (code, "walk", 1)


def test_streets_may_be_any_line_layer(tmp_path: Path) -> None:
    lines = gpd.GeoDataFrame(geometry=[shapely.LineString([(118.2, 25.3), (118.21, 25.3), (118.21, 25.31)])], crs=4326)
    lines.to_file(tmp_path / "a.geojson")
    net = queries.read_streets(tmp_path / "a.geojson", mode=Mode("run", "foot", 12.0, 12.0), crs="EPSG:4549")
    assert (net.crs.to_epsg(), net.mode.name) == (4549, "run")
    assert net.length_m.sum() == pytest.approx(1007 + 1108, abs=2)


def test_streets_that_cannot_be_read(tmp_path: Path) -> None:
    (tmp_path / "a.osm").write_text(OSM.format(lon="118.2", lat="25.3"), encoding="utf-8")
    with pytest.raises(InputFaultsError):
        queries.read_streets(tmp_path / "none.osm")
    with pytest.raises(GeoValueError, match="walk, elder, ebike, drive"):
        queries.read_streets(tmp_path / "a.osm", mode="fly")
    for crs in (4326, "gcj02"):
        with pytest.raises(GeoValueError, match="metric"):
            queries.read_streets(tmp_path / "a.osm", crs=crs)
