from __future__ import annotations

import gzip
from typing import TYPE_CHECKING

import geopandas as gpd
import numpy as np
import pyproj
import pytest
import shapely
from osm_files import CROSSING, PLACES, forbidden, osm, read, restriction
from worlds import METRIC

from geo import drawn, schema, streets
from geo.errors import GeoCrsError, InputFaultsError
from geo.study_file import Noding

if TYPE_CHECKING:
    from pathlib import Path

GEOD = pyproj.Geod(ellps="WGS84")


def joined(pieces: gpd.GeoDataFrame) -> list[tuple[int, int, int]]:
    return list(zip(pieces["way"], pieces["start_node"], pieces["end_node"], strict=True))


def test_ways_are_cut_where_they_meet_and_only_there(tmp_path: Path) -> None:
    ways = {10: ([1, 2, 3, 4], {"highway": "residential"}), 11: ([3, 8], {"highway": "footway"})}
    pieces = read(tmp_path, ways)
    # Nodes of junctions by rising OSM number: 1, 3, 4, 8.
    assert joined(pieces) == [(10, 0, 1), (10, 1, 2), (11, 1, 3)]
    assert shapely.get_num_points(pieces.geometry.to_numpy()).tolist() == [3, 2, 2]
    assert pieces["highway"].tolist() == ["residential", "residential", "footway"]
    assert list(pieces.columns) == list(schema.STREETS)
    assert pieces.crs == METRIC


def test_lengths_are_ellipsoidal(tmp_path: Path) -> None:
    pieces = read(tmp_path, {10: ([1, 2, 7], {"highway": "path"})})
    geodesic = GEOD.inv(*PLACES[1], *PLACES[2])[2] + GEOD.inv(*PLACES[2], *PLACES[7])[2]
    assert pieces["length_m"].tolist() == pytest.approx([geodesic], abs=1e-4)


def test_lengths_on_a_sphere_on_request(tmp_path: Path) -> None:
    radius_m = 6_371_000.0
    pieces = read(tmp_path, {10: ([1, 6], {"highway": "path"})}, sphere_m=radius_m)
    assert pieces["length_m"].tolist() == pytest.approx(
        [radius_m * np.radians(0.005) * np.cos(np.radians(25.3))], rel=1e-9
    )


def test_a_ring_starts_and_ends_at_its_node(tmp_path: Path) -> None:
    ways = {10: ([2, 3, 8, 7, 2], {"highway": "residential"}), 11: ([1, 2], {"highway": "residential"})}
    pieces = read(tmp_path, ways)
    ring, spur = joined(pieces)
    assert ring[1] == ring[2] == spur[2]
    assert pieces["length_m"].iloc[0] > 300


def test_a_way_that_crosses_itself_is_cut_there(tmp_path: Path) -> None:
    pieces = read(tmp_path, {10: ([1, 2, 3, 8, 7, 2], {"highway": "residential"})})
    assert [(start, end) for _, start, end in joined(pieces)] == [(0, 1), (1, 1)]


def test_only_highways_are_streets(tmp_path: Path) -> None:
    ways = {10: ([1, 2], {"highway": "residential"}), 11: ([2, 3], {"railway": "rail"}), 12: ([3, 4], {})}
    assert read(tmp_path, ways)["way"].tolist() == [10]


def test_a_way_that_is_no_street_makes_no_junction(tmp_path: Path) -> None:
    ways = {10: ([1, 2, 3], {"highway": "residential"}), 11: ([2, 7], {"power": "line"})}
    assert len(read(tmp_path, ways)) == 1


def test_tags_that_decide_are_kept_and_silence_is_empty(tmp_path: Path) -> None:
    tags = {"highway": "primary", "oneway": "-1", "oneway:bicycle": "no", "name": "人民路 & {x}", "motorroad": "yes"}
    escaped = {key: value.replace("&", "&amp;") for key, value in tags.items()}
    row = read(tmp_path, {10: ([1, 2], escaped)}).iloc[0]
    assert (row["oneway"], row["oneway_bicycle"], row["motorroad"], row["name"]) == ("-1", "no", "yes", "人民路 & {x}")
    assert (row["foot"], row["access"], row["junction"]) == ("", "", "")


def test_vertices_beyond_the_extract_are_counted(tmp_path: Path) -> None:
    ways = {10: ([1, 2, 3], {"highway": "residential"}), 11: ([4, 5], {"highway": "residential"})}
    pieces = read(tmp_path, ways, without=(3, 5))
    assert pieces["way"].tolist() == [10]
    assert pieces.attrs["vertices_missing"] == 2
    whole = read(tmp_path, {10: ([1, 2], {"highway": "residential"})})
    assert shapely.to_wkb(pieces.geometry.to_numpy()).tolist() == shapely.to_wkb(whole.geometry.to_numpy()).tolist()


def test_the_length_of_a_street_depends_on_no_other(tmp_path: Path) -> None:
    own = {11: ([2, 7, 8], {"highway": "path"})}
    alone = read(tmp_path, own)
    several = read(tmp_path, {10: ([1, 6, 4], {"highway": "path"}), **own, 12: ([6, 5], {"highway": "path"})})
    assert several.loc[several["way"] == 11, "length_m"].tolist() == alone["length_m"].tolist()


def test_the_metric_crs_of_the_place_is_taken_unless_one_is_asked_for(tmp_path: Path) -> None:
    ways = {10: ([1, 6], {"highway": "path"})}
    asked = read(tmp_path, ways)
    own = streets.read_osm(tmp_path / "streets.osm")
    assert own.crs == pyproj.CRS.from_epsg(4548)
    assert own.geometry.to_crs(METRIC).geom_equals_exact(asked.geometry, 1e-6).all()
    degrees = streets.read_osm(tmp_path / "streets.osm", crs=pyproj.CRS.from_epsg(4326))
    assert shapely.get_coordinates(degrees.geometry.to_numpy()).tolist() == [list(PLACES[1]), list(PLACES[6])]


def test_the_same_file_is_read_the_same_each_time(tmp_path: Path) -> None:
    turn = restriction("only_straight_on", 10, 2, 11)
    once, again = read(tmp_path, CROSSING, turn), read(tmp_path, CROSSING, turn)
    assert once.equals(again)
    assert once.attrs == again.attrs


def test_a_vertex_given_twice_does_no_harm(tmp_path: Path) -> None:
    """Node 9 lies on node 8, and way 11 names node 2 twice: pieces of no length."""
    ways = {10: ([1, 2, 3], {"highway": "path"}), 11: ([2, 2, 7, 8, 9, 3], {"highway": "path"})}
    pieces = read(tmp_path, ways)
    assert np.isfinite(pieces["length_m"]).all()
    whole = (
        GEOD.inv(*PLACES[2], *PLACES[7])[2] + GEOD.inv(*PLACES[7], *PLACES[8])[2] + GEOD.inv(*PLACES[8], *PLACES[3])[2]
    )
    assert pieces.loc[pieces["way"] == 11, "length_m"].sum() == pytest.approx(whole, abs=1e-4)


def test_compressed_files_read_the_same(tmp_path: Path) -> None:
    ways = {10: ([1, 2, 3], {"highway": "residential"}), 11: ([2, 7], {"highway": "path"})}
    plain = read(tmp_path, ways)
    file = tmp_path / "streets.osm.gz"
    file.write_bytes(gzip.compress(osm(ways).encode()))
    assert streets.read_osm(file, crs=METRIC).equals(plain)


def test_a_map_without_streets_is_a_fault(tmp_path: Path) -> None:
    with pytest.raises(InputFaultsError):
        read(tmp_path, {10: ([1, 2], {"railway": "rail"})})


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("a.osm.pbf", True),
        ("A.OSM", True),
        ("a.osm.gz", True),
        ("a.graphml", True),
        ("a.shp", False),
        ("osm.csv", False),
    ],
)
def test_street_files_by_name(name: str, expected: bool) -> None:  # noqa: FBT001
    assert streets.is_street_file(name) == expected


def lines(*shapes: shapely.Geometry | None, **columns: list[object]) -> gpd.GeoDataFrame:
    return gpd.GeoDataFrame(columns, geometry=list(shapes), crs=METRIC)


def near(*xy: tuple[float, float]) -> shapely.LineString:
    return shapely.LineString(np.add(xy, (500_000.0, 2_800_000.0)))


def test_lines_join_where_they_share_a_vertex() -> None:
    table = lines(near((0, 0), (100, 0), (200, 0)), near((100.0004, 0), (100, 50)))
    pieces = drawn.from_lines(table, crs=METRIC, where="x")
    assert len(pieces) == 3
    assert pieces["length_m"].tolist() == pytest.approx([100, 100, 50], abs=0.01)
    assert pieces["end_node"].iloc[0] == pieces["start_node"].iloc[1] == pieces["start_node"].iloc[2]


def test_lines_that_cross_are_joined_unless_one_is_a_bridge() -> None:
    crossing = (near((0, 0), (100, 0)), near((50, -50), (50, 50)))
    pieces = drawn.from_lines(lines(*crossing), crs=METRIC, where="x")
    assert len(pieces) == 4
    assert len({*pieces["start_node"], *pieces["end_node"]}) == 5
    pieces = drawn.from_lines(lines(*crossing, bridge=["yes", ""]), crs=METRIC, where="x")
    assert len(pieces) == 2
    assert len({*pieces["start_node"], *pieces["end_node"]}) == 4


def test_ends_within_the_tolerance_are_joined_and_wider_gaps_only_where_asked() -> None:
    table = lines(
        near((0, 0), (100, 0)), near((100.8, 0), (200, 0)), near((50, 0.9), (50, 90)), near((150, 3), (150, 90))
    )
    pieces = drawn.from_lines(table, crs=METRIC, where="x")
    assert len({*pieces["start_node"], *pieces["end_node"]}) == 7
    asked = drawn.from_lines(table, crs=METRIC, where="x", rules=Noding(bridge_m=5))
    assert asked.loc[asked["way"] < 0, "length_m"].tolist() == pytest.approx([3], abs=0.01)
    assert len({*asked["start_node"], *asked["end_node"]}) == 8  # the piece's foot on the line is one more


def test_drawn_lines_are_joined_to_known_streets() -> None:
    known = drawn.from_lines(lines(near((0, 0), (100, 0))), crs=METRIC, where="x")
    both = drawn.from_lines(lines(near((50, 0.7), (50, 90))), crs=METRIC, where="x", onto=known)
    assert len(both) == 3
    assert len({*both["start_node"], *both["end_node"]}) == 4


def test_parts_of_lines_and_columns_of_lines() -> None:
    both = shapely.MultiLineString([near((0, 0), (10, 0)), near((50, 0), (90, 0))])
    table = lines(
        both,
        near((0, 9), (7, 9)),
        None,
        shapely.Point(5, 5),
        highway=["steps", None, "x", "x"],
        oneway=["yes", "", "", ""],
    )
    pieces = drawn.from_lines(table, crs=METRIC, where="x")
    assert pieces["highway"].tolist() == ["steps", "steps", "unclassified"]
    assert pieces["oneway"].tolist() == ["yes", "yes", ""]
    assert pieces["length_m"].tolist() == pytest.approx([10, 40, 7], abs=0.01)


def test_lines_in_degrees_are_joined_to_a_millimetre_too() -> None:
    """Streets 20 m apart do not meet, whatever CRS the layer is in or is asked for."""
    table = lines(near((0, 0), (100, 0)), near((0, 20), (100, 20)), near((100.0004, 0), (100, -9))).to_crs(4326)
    for crs in (None, METRIC, pyproj.CRS.from_epsg(4326)):
        pieces = drawn.from_lines(table, crs=crs, where="x")
        assert len({*pieces["start_node"], *pieces["end_node"]}) == 5
        assert pieces.crs == (crs or pyproj.CRS.from_epsg(4548))
        assert pieces["length_m"].tolist() == pytest.approx([100, 100, 9], abs=0.01)


def test_lines_stay_where_they_are() -> None:
    line = near((0.1, 0.2), (100.3, 0.4))
    assert drawn.from_lines(lines(line), crs=METRIC, where="x").geometry.iloc[0] == line


def test_lines_forbid_no_turn() -> None:
    assert forbidden(drawn.from_lines(lines(near((0, 0), (9, 0))), crs=METRIC, where="x")) == {}


def test_a_layer_without_a_line_is_a_fault() -> None:
    with pytest.raises(InputFaultsError):
        drawn.from_lines(lines(shapely.Point(1, 1), None), crs=METRIC, where="x")


def test_nodes_of_two_sources_stay_apart() -> None:
    one = drawn.from_lines(lines(near((0, 0), (10, 0))), crs=METRIC, where="x")
    both = streets.combine([one, one])
    assert list(zip(both["start_node"], both["end_node"], strict=True)) == [(0, 1), (2, 3)]
    assert both.index.tolist() == [0, 1]
    with pytest.raises(GeoCrsError):
        streets.combine([one, one.to_crs(4549)])


def test_what_sources_counted_is_summed(tmp_path: Path) -> None:
    one = read(tmp_path, CROSSING, restriction("no_left_turn", 10, 2, 12), restriction("no_left_turn", 10, 2, 99))
    other = drawn.from_lines(lines(near((0, 0), (10, 0))), crs=METRIC, where="x")
    both = streets.combine([one, other, one])
    assert both.attrs == {"vertices_missing": 0, "restrictions_read": 2, "restrictions_skipped": 2}
    assert forbidden(both) == {(0, "end"): "12", (len(one) + 1, "end"): "12"}
    assert streets.combine([one]) is one


GRAPHML = """<?xml version="1.0" encoding="utf-8"?>
<graphml xmlns="http://graphml.graphdrawing.org/xmlns">
<key id="d0" for="graph" attr.name="crs" attr.type="string"/><key id="d1" for="node" attr.name="x" attr.type="string"/>
<key id="d2" for="node" attr.name="y" attr.type="string"/><key id="d3" for="edge" attr.name="osmid" attr.type="string"/>
<key id="d4" for="edge" attr.name="highway" attr.type="string"/><key id="d5" for="edge" attr.name="oneway" attr.type="string"/>
<graph edgedefault="directed"><data key="d0">epsg:4326</data>
<node id="1"><data key="d1">118.001</data><data key="d2">25.3</data></node>
<node id="2"><data key="d1">118.002</data><data key="d2">25.3</data></node>
<node id="3"><data key="d1">118.003</data><data key="d2">25.3</data></node>
<edge source="1" target="2" id="0"><data key="d3">7</data><data key="d4">['footway', 'steps']</data><data key="d5">False</data></edge>
<edge source="2" target="1" id="0"><data key="d3">7</data><data key="d4">['footway', 'steps']</data><data key="d5">False</data></edge>
<edge source="3" target="2" id="0"><data key="d3">8</data><data key="d4">primary</data><data key="d5">True</data></edge>
</graph></graphml>"""


def test_a_graph_of_osmnx_whose_values_are_text(tmp_path: Path) -> None:
    (tmp_path / "g.graphml").write_text(GRAPHML, encoding="utf-8")
    pieces = streets.read_graphml(tmp_path / "g.graphml", crs=METRIC)
    assert [(start, end) for _, start, end in joined(pieces)] == [(0, 1), (2, 1)]
    assert pieces["highway"].tolist() == ["footway", "primary"]
    assert pieces["oneway"].tolist() == ["", "yes"]
    assert pieces["length_m"].tolist() == pytest.approx([GEOD.inv(118.001, 25.3, 118.002, 25.3)[2]] * 2, abs=1e-4)
    assert list(pieces.columns) == list(schema.STREETS)
    assert forbidden(pieces) == {}
    assert streets.read_graphml(tmp_path / "g.graphml").crs == pyproj.CRS.from_epsg(4548)


def test_streets_that_osmnx_merged_keep_all_limits_and_are_one_way_where_a_part_is(tmp_path: Path) -> None:
    key = '<key id="d6" for="edge" attr.name="maxspeed" attr.type="string"/><graph '
    speeds = """<data key="d6">['60', '40']</data><data key="d5">[False, True]</data></edge>\n</graph>"""
    merged = GRAPHML.replace("<graph ", key).replace('<data key="d5">True</data></edge>\n</graph>', speeds)
    (tmp_path / "g.graphml").write_text(merged, encoding="utf-8")
    row = streets.read_graphml(tmp_path / "g.graphml", crs=METRIC).iloc[-1]
    assert (row["maxspeed"], row["oneway"]) == ("60;40", "yes")


def test_a_graph_that_osmnx_fetches_keeps_the_tags_that_decide(tmp_path: Path) -> None:
    """Read from a file as from the service: cut where a tag changes at a vertex (3) that is no junction."""
    osmnx = pytest.importorskip("osmnx")
    before = list(osmnx.settings.useful_tags_way)
    ways = {
        10: ([1, 2, 3], {"highway": "path", "oneway:bicycle": "no"}),
        11: ([3, 4, 5], {"highway": "path", "foot": "no"}),
    }
    (tmp_path / "streets.osm").write_text(osm(ways), encoding="utf-8")
    with streets.graph_tags():
        graph = osmnx.graph_from_xml(tmp_path / "streets.osm", simplify=False, retain_all=True)
    pieces = streets.from_graph(streets.simplified(graph), crs=METRIC, where="x").sort_values("way")
    assert pieces[["way", "foot", "oneway_bicycle"]].to_numpy().tolist() == [["10", "", "no"], ["11", "no", ""]]
    assert shapely.get_num_points(pieces.geometry.to_numpy()).tolist() == [3, 3]
    assert osmnx.settings.useful_tags_way == before


@pytest.mark.parametrize("content", ["", "no graph", "<graphml>", GRAPHML.replace("118.001", "east")])
def test_what_is_no_graph_is_a_fault(tmp_path: Path, content: str) -> None:
    (tmp_path / "g.graphml").write_text(content, encoding="utf-8")
    with pytest.raises(InputFaultsError, match=r"g\.graphml"):
        streets.read_graphml(tmp_path / "g.graphml", crs=METRIC, where="g.graphml")


def test_futian_is_read_whole(shared: Path) -> None:
    pieces = streets.read_graphml(shared / "data" / "futian" / "futian_osmnx.graphml", crs=METRIC)
    assert len({*pieces["start_node"], *pieces["end_node"]}) == 1751
    assert 4009 / 2 <= len(pieces) <= 4009
    assert pieces["length_m"].min() > 0


def test_porto_alegre_is_read_whole(shared: Path) -> None:
    pieces = streets.read_osm(shared / "data" / "portoalegre" / "poa_osm.pbf", crs=pyproj.CRS.from_epsg(32722))
    assert pieces["way"].nunique() == 15_886
    planar = shapely.length(pieces.geometry.to_numpy())
    assert np.abs(pieces["length_m"] / planar - 1).max() < 0.001
    assert sorted({*pieces["start_node"], *pieces["end_node"]}) == list(
        range(pieces[["start_node", "end_node"]].max(axis=None) + 1)
    )
