from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pyproj
import pytest
import shapely
from hypothesis import given, strategies as st
from worlds import CAR, FOOT, build, link, scattered, spots, street, town

from geo import kernels, network, schema, snapping, streets
from geo.line_index import LineIndex
from geo.modes import BUILTIN, Mode
from geo.tiles import Tiling

if TYPE_CHECKING:
    from pathlib import Path

STRAIGHT = street((0, 0), (1000, 0))


def rows(table: object) -> list[tuple[int, float, float, str]]:
    return list(table[["edge", "fraction", "snap_m", "snap_status"]].itertuples(index=False, name=None))


def test_perpendicular_onto_the_edge_and_never_to_a_node() -> None:
    found = link(build(STRAIGHT), (250, 40), (1000, -30), (-30, 40), (400, 0))
    assert rows(found) == [(0, 0.25, 40.0, "ok"), (0, 1.0, 30.0, "ok"), (0, 0.0, 50.0, "ok"), (0, 0.4, 0.0, "ok")]


def test_the_fraction_is_of_the_length_not_of_the_vertices() -> None:
    net = build(street((0, 0), (300, 0), (300, 100)))
    assert link(net, (300, 50))["fraction"].tolist() == [350 / 400]


def test_the_nearest_street_is_taken() -> None:
    net = build(STRAIGHT, street((0, 100), (1000, 100)), island_m=0.0)
    assert link(net, (500, 49), (500, 51))["edge"].tolist() == [0, 1]


def test_the_cap_is_inclusive() -> None:
    found = link(build(STRAIGHT), (500, 300), (500, 300.001), (500, 5000), cap_m=300.0)
    assert found["snap_status"].tolist() == ["ok", "far", "far"]
    assert found["edge"].tolist() == [0, -1, -1]
    assert found["snap_m"].tolist() == pytest.approx([300, 300.001, 5000])
    assert np.isnan(found["fraction"].to_numpy()[1:]).all()


def test_another_cap() -> None:
    assert link(build(STRAIGHT), (500, 80), cap_m=79.0)["snap_status"].tolist() == ["far"]


def test_without_a_place() -> None:
    net = build(STRAIGHT)
    found = snapping.snap(net, np.array([None, shapely.Point(), *spots((500, 10))], dtype=object))
    assert found["snap_status"].tolist() == ["no_geometry", "no_geometry", "ok"]
    assert found["edge"].tolist() == [-1, -1, 0]
    assert np.isnan(found["snap_m"].to_numpy()[:2]).all()


def test_nobody_at_all() -> None:
    found = snapping.snap(build(STRAIGHT), np.array([], dtype=object))
    assert len(found) == 0
    assert list(found.columns) == [*schema.SNAPPED]


def test_the_main_street_within_the_cap_is_preferred_to_an_island() -> None:
    net = build(STRAIGHT, street((0, 200), (100, 200)), island_m=500.0)
    found = link(net, (50, 190), (50, 310), (50, 501))
    assert rows(found.iloc[:1]) == [(0, 0.05, 190.0, "ok")]
    assert rows(found.iloc[1:2]) == [(1, 0.5, 110.0, "island")]
    assert found["snap_status"].iloc[2] == "far"
    assert found["snap_m"].iloc[2] == pytest.approx(301)


def test_streets_of_the_mode_only() -> None:
    streets = street((0, 0), (1000, 0), highway="footway"), street((0, 100), (1000, 100))
    found = link(build(*streets, mode=CAR), (500, 10))
    assert rows(found) == [(0, 0.5, 90.0, "ok")]


def test_who_faces_a_junction_takes_its_first_street() -> None:
    """Three streets leave from (0, 0); a place beyond the corner is as far from all of them."""
    streets = [street((0, 0), (100, 0)), street((0, 0), (0, 100)), street((100, 100), (0, 0))]
    assert link(build(*streets), (-30, -40))["edge"].tolist() == [0]


@given(st.integers(0, 10_000), st.permutations(range(30)))
def test_the_order_of_rows_changes_nothing(seed: int, order: list[int]) -> None:
    net, places = town(seed), scattered(seed, 30)
    at_nodes = shapely.get_point(net.lines[:10], 0)
    places[:10] = at_nodes
    found = snapping.snap(net, places)
    assert snapping.snap(net, places[order]).equals(found.iloc[order].reset_index(drop=True))


def test_many_rows_go_in_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    net, places = town(1), scattered(1, 25)
    whole = snapping.snap(net, places)
    monkeypatch.setattr("geo.line_index._CHUNK", 7)
    assert snapping.snap(net, places).equals(whole)


@given(st.integers(0, 10_000))
def test_no_street_is_nearer(seed: int) -> None:
    net, places = town(seed), scattered(seed, 40)
    found = snapping.snap(net, places, cap_m=120.0)
    least = np.array([shapely.distance(net.lines, place).min() for place in places])
    assert found["snap_m"].to_numpy() == pytest.approx(least)
    assert ((found["snap_status"] == "ok").to_numpy() == (least <= 120.0)).all()
    ok = (found["snap_status"] == "ok").to_numpy()
    lines = net.lines[found["edge"].to_numpy()[ok]]
    feet = shapely.line_interpolate_point(lines, found["fraction"].to_numpy()[ok], normalized=True)
    assert shapely.distance(feet, places[ok]) == pytest.approx(least[ok], abs=1e-6)


def test_a_street_of_no_length_can_be_reached() -> None:
    net = build(street((0, 0), (0, 0)), street((0, 0), (100, 0)))
    found = link(net, (-10, 0), (50, 10))
    assert rows(found) == [(0, 0.0, 10.0, "ok"), (1, 0.5, 10.0, "ok")]


@given(st.integers(0, 10_000))
def test_who_stands_at_a_junction_stands_at_the_end_of_a_street(seed: int) -> None:
    """Not a hair before it: on a one-way street that would be a way round the block."""
    net = town(seed)
    for place in (0, -1):
        found = snapping.snap(net, shapely.get_point(net.lines, place))
        assert set(found["fraction"]) <= {0.0, 1.0}
        assert found["snap_m"].max() < 1e-6


def test_real_streets_are_linked_as_an_r_tree_would(shared: Path) -> None:
    pieces = streets.read_osm(shared / "data" / "portoalegre" / "poa_osm.pbf", crs=pyproj.CRS.from_epsg(32722))
    net = network.build(pieces, BUILTIN["walk"], island_m=0.0)
    west, south, east, north = net.bounds
    places = shapely.points(np.random.default_rng(5).uniform((west, south), (east, north), (4000, 2)))
    found = snapping.snap(net, places)
    least = shapely.STRtree(net.lines).query_nearest(places, all_matches=False, return_distance=True)[1]
    ok = (found["snap_status"] == "ok").to_numpy()
    assert (ok == (least <= snapping.CAP_M)).all()
    # On the ground a metre of the map's plane is a little more or less.
    scale = net.ground_scale[found["edge"].to_numpy()[ok]]
    assert (np.abs(scale - 1.0) < 1e-3).all()
    assert found["snap_m"].to_numpy()[ok] == pytest.approx(least[ok] * scale, abs=1e-6)
    assert found["snap_m"].to_numpy()[~ok] == pytest.approx(least[~ok], rel=1e-3)
    lines = net.lines[found["edge"].to_numpy()[ok]]
    along = shapely.line_locate_point(lines, places[ok]) / shapely.length(lines)
    feet = [
        shapely.line_interpolate_point(lines, share, normalized=True)
        for share in (along, found["fraction"].to_numpy()[ok])
    ]
    assert shapely.distance(*feet).max() < 1e-5


# -- slow twins: a part of the streets is looked at, or all of them -----------------------------------


def in_parts(patch: pytest.MonkeyPatch, *, side_m: float | None = None) -> None:
    """However few the streets and the places: index only the streets near them."""
    patch.setattr(snapping, "_FEW", 0)
    patch.setattr(kernels, "compiled", None)
    patch.setattr(snapping, "_SMALL", 0)
    patch.setattr(snapping, "_MOST", 1.0)
    if side_m is not None:
        patch.setattr(
            network,
            "_tiling",
            lambda xy: Tiling.over((*xy.min(axis=0), *xy.max(axis=0)), things=len(xy), side_m=side_m),
        )


@pytest.mark.parametrize("mode", [FOOT, CAR], ids=lambda mode: mode.name)
@given(seed=st.integers(0, 10_000), cap_m=st.sampled_from([5.0, 40.0, 300.0]), side_m=st.sampled_from([30.0, 200.0]))
def test_a_part_of_the_streets_links_as_all_of_them_do(mode: Mode, seed: int, cap_m: float, side_m: float) -> None:
    places = np.concatenate([scattered(seed, 25), shapely.get_point(town(seed).lines[:5], 0), spots((9000, 9000))])
    looked_up = snapping.snap(town(seed, mode=mode), places, cap_m=cap_m)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(snapping, "_FEW", 0)
        patch.setattr(kernels, "compiled", None)
        net = town(seed, mode=mode)
        whole = snapping.snap(net, places, cap_m=cap_m)
        assert net.indexed("main")
    assert looked_up.equals(whole)
    with pytest.MonkeyPatch.context() as patch:
        in_parts(patch, side_m=side_m)
        net = town(seed, mode=mode)
        assert snapping.snap(net, places, cap_m=cap_m).equals(whole)
        assert not net.indexed("main"), "the whole index would be no twin"
        for row in range(3):
            alone = snapping.snap(net, places[[row]], cap_m=cap_m)
            assert alone.equals(whole.iloc[[row]].reset_index(drop=True))


@given(st.integers(0, 10_000), st.sets(st.integers(0, 30), min_size=1))
def test_a_part_index_knows_its_lines_as_the_index_of_all(seed: int, chosen: set[int]) -> None:
    net = town(seed)
    edges = np.array(sorted(edge for edge in chosen if edge < len(net.start)), dtype=np.int64)
    xy = shapely.get_coordinates(scattered(seed, 40))
    part, whole = net.part_index(edges).nearest(xy), net.all_lines.nearest(xy)
    mine = np.isin(whole.line, edges)
    for some, every in zip(part, whole, strict=True):
        assert np.array_equal(some[mine], every[mine], equal_nan=True)
    lines = LineIndex.of(net.lines[edges]).nearest(xy) if len(edges) else None
    assert lines is None or np.array_equal(edges[lines.line], part.line)


@pytest.mark.parametrize("name", ["walk", "drive"])
def test_a_part_of_a_city_links_as_all_of_it_does(shared: Path, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    pieces = streets.read_osm(shared / "data" / "portoalegre" / "poa_osm.pbf", crs=pyproj.CRS.from_epsg(32722))
    net, again = (network.build(pieces, BUILTIN[name]) for _ in range(2))
    west, south, east, north = net.bounds
    xy = np.random.default_rng(6).uniform((west, south), (east, north), (2000, 2))
    looked_up = snapping.snap_xy(net, xy)
    monkeypatch.setattr(snapping, "_FEW", 0)
    monkeypatch.setattr(kernels, "compiled", None)
    whole = snapping.snap_xy(net, xy)
    assert net.indexed("main")
    assert looked_up.equals(whole)
    in_parts(monkeypatch)
    for some in np.array_split(np.arange(len(xy)), 40):
        assert snapping.snap_xy(again, xy[some]).equals(whole.iloc[some].reset_index(drop=True))
    assert not again.indexed("main")
