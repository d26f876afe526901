from __future__ import annotations

import itertools
from typing import TYPE_CHECKING

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely
from hypothesis import given, settings, strategies as st
from worlds import CAR, METRIC, build, points_table, scattered, street, town

from geo import queries, schema
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


@pytest.mark.parametrize("combine", ["each", "dissolve", "split"])
def test_no_facility_has_no_zone(combine: queries.Combine) -> None:
    rings = queries.isochrones(build(STREET), points_table(), minutes=[5], combine=combine)
    assert (len(rings), rings.crs, list(rings.columns)) == (0, METRIC, list(schema.ISOCHRONES[1:]))


HERE, GONE = points_table((0, 0)), points_table(None, None)
NOT_POINTS = {
    "plain": (pd.DataFrame({"x": [1.0]}), "of type DataFrame; accepted is a GeoDataFrame or GeoSeries.*points_from_xy"),
    "none": (None, "is None; accepted is a GeoDataFrame or GeoSeries"),
    "path": ("points.gpkg", "is 'points.gpkg'; accepted is a GeoDataFrame or GeoSeries"),
    "shapes": (HERE.geometry.tolist(), "of type list; accepted is a GeoDataFrame or GeoSeries"),
    "no column": (gpd.GeoDataFrame({"x": [1.0]}), "without one active geometry column; .*set_geometry"),
    "renamed": (HERE.rename(columns={"geometry": "at"}), "without one active geometry column; .*set_geometry"),
    "all missing": (GONE, r"has no geometry in any of its rows \(2\); give"),
    "all empty": (table_of(np.array([shapely.Point()])), r"has no geometry in any of its rows \(1\); give"),
}
ASKED = {
    "demand": lambda table, net: queries.nearest_minutes(net, table, HERE),
    "facilities": lambda table, net: queries.nearest_minutes(net, HERE, table),
    "origins": lambda table, net: queries.minutes_matrix(net, table, HERE),
    "destinations": lambda table, net: queries.minutes_matrix(net, HERE, table),
    "facilities of isochrones": lambda table, net: queries.isochrones(net, table, minutes=5),
}


@pytest.mark.parametrize("name", ASKED)
@pytest.mark.parametrize("kind", NOT_POINTS)
def test_what_does_not_stand_for_points(name: str, kind: str) -> None:
    table, said = NOT_POINTS[kind]
    with pytest.raises(GeoValueError, match=f"^{name.split(maxsplit=1)[0]} .*{said}") as caught:
        ASKED[name](table, build(STREET))
    assert not isinstance(caught.value, GeoCrsError)


@pytest.mark.parametrize("name", ASKED)
def test_a_table_without_crs_is_named(name: str) -> None:
    table = HERE.set_crs(None, allow_override=True)
    with pytest.raises(GeoCrsError, match=f"^{name.split(maxsplit=1)[0]} states no coordinate system; state .*set_crs"):
        ASKED[name](table, build(STREET))


def test_a_local_crs_is_refused_and_wild_coordinates_are_no_place() -> None:
    local = gpd.GeoDataFrame(geometry=[shapely.Point(0, 0)], crs='LOCAL_CS["site",UNIT["metre",1]]')
    with pytest.raises(GeoCrsError, match=r"^demand is in a local coordinate system"):
        queries.nearest_minutes(build(STREET), local, HERE)
    wild = gpd.GeoDataFrame(geometry=[shapely.Point(500_000, 2_800_000), shapely.Point(np.inf, 0)], crs=4326)
    assert queries.nearest_minutes(build(STREET), wild, HERE)["snap_status"].tolist() == ["no_geometry"] * 2


@pytest.mark.parametrize("net", ["town.osm.pbf", None, HERE], ids=["path", "none", "table"])
def test_streets_that_are_no_network(net: object) -> None:
    said = r"^streets is .*geo\.read_streets\(path, mode=\.\.\.\)"
    for ask in ASKED.values():
        with pytest.raises(GeoValueError, match=said):
            ask(HERE, net)


@pytest.mark.parametrize("value", [-1, 0, "15", None, np.nan, np.inf, True, [15], 10**400])
def test_numbers_are_above_zero_and_finite(value: object) -> None:
    net = build(STREET)
    calls = [
        (queries.nearest_minutes, (net, HERE, HERE), "limit", "minutes"),
        (queries.nearest_minutes, (net, HERE, HERE), "cap_m", "metres"),
        (queries.minutes_matrix, (net, HERE, HERE), "limit", "minutes"),
        (queries.minutes_matrix, (net, HERE, HERE), "cap_m", "metres"),
        (queries.isochrones, (net, HERE), "cell_m", "metres"),
        (queries.isochrones, (net, HERE), "cap_m", "metres"),
    ]
    for ask, places, name, unit in calls:
        with pytest.raises(GeoValueError, match=f"^{name} is .*; accepted is a finite number of {unit} above 0"):
            ask(*places, **{name: value})


@pytest.mark.parametrize("minutes", [[-5], [5, 0], -5, 0, "15", ["15"], None, [None], np.nan, [np.inf], {5: "a"}])
def test_bands_are_above_zero_and_finite(minutes: object) -> None:
    with pytest.raises(
        GeoValueError, match=r"^a band of minutes is .*; accepted is a finite number of minutes above 0"
    ):
        queries.isochrones(build(STREET), HERE, minutes=minutes)


@pytest.mark.parametrize("minutes", [[], (), np.array([])], ids=["list", "tuple", "array"])
def test_no_band(minutes: object) -> None:
    with pytest.raises(GeoValueError, match=r"minutes holds no band; give at least one, e.g. minutes=\[15\]"):
        queries.isochrones(build(STREET), HERE, minutes=minutes)


@pytest.mark.parametrize("minutes", [3, 3.0, np.int64(3), np.array(3), np.array([3]), iter([3]), {3}])
def test_one_band_may_be_a_number(minutes: object) -> None:
    net = build(STREET)
    found, listed = queries.isochrones(net, HERE, minutes=minutes), queries.isochrones(net, HERE, minutes=[3])
    assert found["limit_minutes"].tolist() == [3.0]
    assert shapely.equals(found.geometry.iloc[0], listed.geometry.iloc[0])


@pytest.mark.parametrize("value", ["merge", None, ["each"], 1])
def test_choices_are_listed(value: object) -> None:
    net = build(STREET)
    with pytest.raises(GeoValueError, match=r"^combine is .*; accepted are each, dissolve, split$"):
        queries.isochrones(net, HERE, combine=value)
    for ask, places in ((queries.nearest_minutes, (HERE, HERE)), (queries.isochrones, (HERE,))):
        with pytest.raises(GeoValueError, match=r"^direction is .*; accepted are to_service, from_service$"):
            ask(net, *places, direction=value)


def test_all_faults_of_a_call_are_told_together() -> None:
    plain = HERE.set_crs(None, allow_override=True)
    with pytest.raises(GeoValueError) as caught:
        queries.nearest_minutes("a.osm", plain, None, limit="15", direction="up", cap_m=0)
    lines = str(caught.value).splitlines()
    assert [line.split()[0] for line in lines] == ["streets", "demand", "facilities", "limit", "direction", "cap_m"]
    with pytest.raises(GeoCrsError) as caught:
        queries.minutes_matrix(build(STREET), plain, plain)
    assert len(str(caught.value).splitlines()) == 2


def test_a_series_of_points_will_do() -> None:
    net, people = build(STREET), points_table((300, 40), (10, 0), name=["a", "b"]).set_index("name")
    facilities = points_table((500, 0), code=["x"]).set_index("code")
    tables, series = (people, facilities), (people.geometry.rename("at"), facilities.geometry.to_crs(4326))
    for ask in (queries.nearest_minutes, queries.minutes_matrix):
        pd.testing.assert_frame_equal(ask(net, *series), ask(net, *tables), rtol=1e-6)
    rings = queries.isochrones(net, facilities.geometry, minutes=3)
    assert rings["facility_id"].tolist() == ["x"]


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


@pytest.mark.parametrize("path", [None, 5, HERE, b"a.osm"], ids=["none", "number", "table", "bytes"])
def test_streets_are_read_from_a_path(path: object) -> None:
    with pytest.raises(GeoValueError, match=r"^path is .*; accepted is the path of a street file"):
        queries.read_streets(path)


def test_all_faults_of_reading_are_told_together() -> None:
    with pytest.raises(GeoValueError) as caught:
        queries.read_streets(None, mode=5, crs="nowhere")
    assert [
        word in line for word, line in zip(("path", "mode", "nowhere"), str(caught.value).splitlines(), strict=True)
    ] == [True] * 3
    with pytest.raises(GeoCrsError, match="'nowhere' is not known"):
        queries.read_streets("a.osm", crs="nowhere")


def test_streets_that_cannot_be_read(tmp_path: Path) -> None:
    (tmp_path / "a.osm").write_text(OSM.format(lon="118.2", lat="25.3"), encoding="utf-8")
    with pytest.raises(InputFaultsError):
        queries.read_streets(tmp_path / "none.osm")
    with pytest.raises(GeoValueError, match="walk, elder, ebike, drive"):
        queries.read_streets(tmp_path / "a.osm", mode="fly")
    for crs in (4326, "gcj02"):
        with pytest.raises(GeoValueError, match="metric"):
            queries.read_streets(tmp_path / "a.osm", crs=crs)
