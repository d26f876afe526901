"""What the page carries: coordinates that come back, numbers as computed, nothing that JSON cannot say."""

import json

import geopandas as gpd
import numpy as np
import pytest
import shapely
from hypothesis import given, strategies as st
from shapely.geometry import GeometryCollection, LineString, MultiLineString, Point, Polygon

from geo.maps import findings, ground, payload, shapes
from geo.maps.shapes import Frame

FRAME = Frame(118.0, 25.0)
HALF_METRE = 0.5


def unpacked(steps, frame=FRAME):
    """Return degrees as the browser adds them up."""
    whole = np.cumsum(np.array(steps, dtype=np.int64).reshape(-1, 2), axis=0)
    return np.array([frame.lon, frame.lat]) + whole * frame.step


def objects(*geometries):
    found = np.empty(len(geometries), dtype=object)
    found[:] = geometries
    return found


@given(st.lists(st.tuples(st.floats(118.0, 118.5), st.floats(25.0, 25.5)), min_size=2, max_size=30))
def test_no_vertex_moves_by_half_a_metre(degrees):
    points = objects(*map(Point, degrees))
    back = unpacked(shapes.pack(points, FRAME)["points"]["xy"])
    metres = np.hypot(*((back - np.array(degrees)) * [100_900.0, 110_900.0]).T)
    assert len(back) == len(degrees)
    assert metres.max() <= HALF_METRE


def test_mixed_geometries_keep_the_row_they_are_of():
    square = Polygon(
        [(118, 25), (118.01, 25), (118.01, 25.01), (118, 25.01)],
        [[(118.002, 25.002), (118.004, 25.002), (118.004, 25.004)]],
    )
    nested = GeometryCollection(
        [Point(118.1, 25.1), GeometryCollection([square, LineString([(118, 25), (118.1, 25)])])]
    )
    two = MultiLineString([[(118, 25), (118.1, 25)], [(118, 25.1), (118.1, 25.1)]])
    packed = shapes.pack(objects(None, square, nested, Polygon(), two, Point(118, 25)), FRAME)
    assert packed["polygons"]["of"] == [1, 2]
    assert packed["polygons"]["rings"] == [2, 2]
    assert packed["polygons"]["sizes"] == [4, 3, 4, 3]
    assert packed["lines"]["of"] == [2, 4, 4]
    assert packed["lines"]["sizes"] == [2, 2, 2]
    assert packed["points"]["of"] == [2, 5]


def test_rings_that_the_grid_flattens_are_left_out():
    speck = Polygon([(118, 25), (118 + 1e-7, 25), (118, 25 + 1e-7)])
    thin_hole = Polygon(
        [(118, 25), (118.01, 25), (118.01, 25.01)], [[(118.005, 25.001), (118.0050001, 25.001), (118.005, 25.0010001)]]
    )
    packed = shapes.pack(objects(speck, thin_hole), FRAME)["polygons"]
    assert packed["of"] == [1]
    assert packed["sizes"] == [3]


def test_repeated_vertices_are_sent_once():
    line = LineString([(118, 25), (118 + 1e-7, 25), (118.001, 25), (118.001, 25)])
    assert shapes.pack(objects(line), FRAME)["lines"] == {"of": [0], "sizes": [2], "xy": [0, 0, 250, 0]}


def test_the_drawing_comes_back_as_it_was(results):
    content = payload.build(results, lang="zh")
    frame = Frame(**content["frame"])
    walk = next(ring for ring in content["bands"] if len(ring["limits"]) == 3)
    assert walk["limits"] == [15, 10, 5], "the widest first, so that the narrow ones lie on top"
    polygons = walk["shapes"]["polygons"]
    degrees, sizes = unpacked(polygons["xy"], frame), polygons["sizes"]
    rings = np.split(degrees, np.cumsum(sizes)[:-1])
    assert sum(polygons["rings"]) == len(rings)
    drawn = results.drawing.loc[results.drawing["limit_minutes"] == 15].iloc[[0]]
    first_part = polygons["rings"][0]
    shown = shapely.Polygon(rings[0], rings[1:first_part])
    back = gpd.GeoSeries([shown], crs=4326).to_crs(results.drawing.crs).iloc[0]
    assert shapely.hausdorff_distance(back, drawn.geometry.iloc[0]) <= HALF_METRE


def test_numbers_are_those_of_the_table(results):
    content = payload.build(results, lang="zh")
    rows = content["coverage"]
    study = content["units"]["kind"].index("study")
    found = [
        (rows["limit"][row], rows["people"][row], rows["served"][row], rows["share"][row])
        for row in range(len(rows["unit"]))
        if rows["unit"][row] == study
        and rows["group"][row] == 0
        and content["modes"][rows["mode"][row]]["label"] == "步行"
    ]
    assert found == [
        (5, 10500, 10500 * 0.152, 0.152),
        (10, 10500, 10500 * 0.457, 0.457),
        (15, 10500, 10500 * 0.724, 0.724),
    ]


def test_what_is_not_a_number_is_null(results):
    content = payload.build(results, lang="zh")
    json.dumps(content, allow_nan=False)
    assert content["gaps"]["minutes"] == [21.3, None, 17]
    unjudged = content["coverage"]["status"].index(1)
    assert content["coverage"]["share"][unjudged] is None
    assert content["coverage"]["notes"][content["coverage"]["note"][unjudged]] == "路网太稀"


def test_ids_are_told_by_name_and_places_without_geometry_are_null(results):
    content = payload.build(results, lang="zh")
    assert content["gaps"]["communities"] == [["西安社区"], ["东关社区"], ["东关社区"]]
    assert content["units"]["anchor"][4] is None
    assert content["points"]["anchor"][6] is None
    assert content["points"]["venue"][0] == "礼堂"
    assert content["points"]["units"][2] == ["探花山园区"]


def test_error_of_the_drawing_is_told_per_ring(make_results):
    said = {
        "misplaced_share": 0.001,
        "misplaced_uniform_share": 0.01,
        "also": [{"mode": "ebike", "misplaced_share": 0.003}],
    }
    content = payload.build(make_results(summary={"services": {"gig_station": said}}), lang="zh")
    rings = content["services"][0]["rings"]
    assert [(ring["misplaced"], ring["misplaced_uniform"]) for ring in rings] == [(0.001, 0.01), (0.003, None)]


def test_personal_columns_do_not_travel(results, make_results):
    points = results.service_points.assign(电话="13800000000", 联系人="某某")
    content = json.dumps(payload.build(make_results(service_points=points), lang="zh"), ensure_ascii=False)
    assert "13800000000" not in content
    assert "某某" not in content


def test_streets_are_grouped_by_class_and_name(results):
    streets = ground.streets(results.streets, FRAME, "zh")
    assert streets["classes"] == sorted(streets["classes"])
    assert sorted(set(zip(streets["classes"], streets["names"], strict=True))) == [
        (1, ""), (1, "街1"), (3, ""), (3, "街3"), (4, ""), (4, "街0"), (4, "街2"), (5, ""), (5, "街4"),
    ]  # fmt: skip
    assert len(streets["shapes"]["lines"]["sizes"]) == len(results.streets)


def test_empty_tables_make_a_page(make_results, results):
    empty = {
        name: getattr(results, name).iloc[:0]
        for name in ("units", "coverage", "gaps", "drawing", "service_points", "streets")
    }
    content = payload.build(make_results(**empty, context={}, services={}, summary={}), lang="en")
    assert all(payload.blocks(content).values())
    assert content["context"] == {}
    assert content["bands"] == []


@pytest.mark.parametrize(("labels", "marks"), [(["Canteen", "Care", "C"], ["C", "A", "3"]), (["🏭", "{{"], ["1", "2"])])
def test_every_type_has_a_letter_of_its_own(labels, marks):
    assert payload._marks(labels) == marks


def test_units_that_only_coverage_knows_come_last(results):
    keys = findings.unit_keys(results.units, results.coverage, "zh")
    assert keys[: len(results.units)] == list(zip(results.units["unit_kind"], results.units["unit_id"], strict=True))
    assert set(keys[len(results.units) :]) == {("study", ""), ("outside", "")}
