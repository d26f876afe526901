from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pyproj
import pytest
import shapely
from hypothesis import given, strategies as st
from worlds import CAR, XY, box, build, line, link, scattered, spots, street, town

from geo import barriers, network, schema, snapping, streets
from geo.modes import BUILTIN

if TYPE_CHECKING:
    from collections.abc import Sequence
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


WALL = line((0, 20), (1000, 20))
TWO = STRAIGHT, street((0, 200), (1000, 200))


def segments(
    *shapes: shapely.Geometry | None, outlines: Sequence[shapely.Geometry] = (), gates: Sequence[XY] = ()
) -> np.ndarray:
    opened = spots(*gates) if gates else np.array([], dtype=object)
    return barriers.lines(np.array(shapes, dtype=object), np.array(outlines, dtype=object), opened)


def fence(*shapes: shapely.Geometry | None, **options: Any) -> barriers.Fence | None:
    return barriers.fence(segments(*shapes, **options))


def test_a_wall_blocks_the_leg_and_the_next_street_is_taken() -> None:
    net = build(*TWO)
    assert link(net, (500, 40))["edge"].tolist() == [0]
    found = link(net, (500, 40), (500, 10), barriers=fence(WALL))
    assert rows(found) == [(1, 0.5, 160.0, "ok"), (0, 0.5, 10.0, "ok")]


def test_who_is_walled_in_is_far_and_told_how_far() -> None:
    found = link(build(STRAIGHT), (500, 40), barriers=fence(WALL))
    assert found["snap_status"].tolist() == ["far"]
    assert found["snap_m"].tolist() == [40.0]


def test_a_gate_opens_the_wall() -> None:
    opened = fence(WALL, gates=((500, 20),))
    found = link(build(*TWO), (500, 40), (502.9, 40), (503.1, 40), (510, 40), barriers=opened)
    assert found["edge"].tolist() == [0, 0, 1, 1]


def test_only_the_outline_of_an_area_is_a_barrier() -> None:
    """A park that the street runs through: inside it nothing is crossed."""
    park = box(0, -50, 1000, 50)
    found = link(build(*TWO), (500, 40), (500, 60), barriers=fence(outlines=(park,)))
    assert rows(found) == [(0, 0.5, 40.0, "ok"), (1, 0.5, 140.0, "ok")]


def test_a_park_with_holes_and_parts_has_all_its_rings() -> None:
    ring = shapely.difference(box(400, 10, 600, 100), box(450, 30, 550, 60))
    both = shapely.MultiPolygon([ring, box(0, 10, 100, 100)])
    lines = segments(both)
    assert shapely.length(lines).sum() == shapely.length(both)
    assert (shapely.get_num_points(lines) == 2).all()
    assert link(build(*TWO), (500, 45), barriers=barriers.fence(lines))["snap_status"].tolist() == ["far"]


def test_a_wall_along_the_street_does_not_close_the_street() -> None:
    along = fence(line((0, 0), (1000, 0)))
    assert rows(link(build(STRAIGHT), (500, 40), (300, 0), barriers=along)) == [
        (0, 0.5, 40.0, "ok"),
        (0, 0.3, 0.0, "ok"),
    ]


def test_missing_barriers_are_none() -> None:
    nothing = fence(None, shapely.Polygon(), shapely.LineString())
    assert nothing is None
    assert barriers.fence(None) is None
    assert link(build(STRAIGHT), (500, 40), barriers=nothing)["edge"].tolist() == [0]


def test_round_a_wall_to_the_end_of_a_street() -> None:
    """The nearest street lies behind the wall; the next one begins where it is reached, exactly."""
    net = build(STRAIGHT, street((600, 60), (600, 200)), street((600, 60), (600, 60)))
    found = link(net, (560, 30), barriers=fence(WALL))
    assert rows(found) == [(1, 0.0, 50.0, "ok")]


@given(st.integers(0, 10_000))
def test_a_wall_far_away_changes_nothing(seed: int) -> None:
    net, places = town(seed), scattered(seed, 40)
    aside = fence(line((5000, 5000), (6000, 5000)))
    assert snapping.snap(net, places, barriers=aside).equals(snapping.snap(net, places))


def test_an_island_is_a_way_out_when_the_main_street_is_walled_off() -> None:
    net = build(STRAIGHT, street((450, 100), (550, 100)), island_m=500.0)
    found = link(net, (500, 60), barriers=fence(WALL))
    assert rows(found) == [(1, 0.5, 40.0, "island")]


@given(st.integers(0, 10_000))
def test_legs_cross_no_barrier(seed: int) -> None:
    net, places = town(seed), scattered(seed, 60)
    rng = np.random.default_rng(seed)
    walls = np.array([line(*map(tuple, rng.uniform(0, 700, (2, 2)))) for _ in range(4)], dtype=object)
    found = snapping.snap(net, places, barriers=fence(*walls))
    ok = (found["snap_status"] == "ok").to_numpy()
    streets = net.lines[found["edge"].to_numpy()[ok]]
    feet = shapely.line_interpolate_point(streets, found["fraction"].to_numpy()[ok], normalized=True)
    ends = np.stack([shapely.get_coordinates(places[ok]), shapely.get_coordinates(feet)], axis=1)
    # All but the last millimetre, since a wall may cross the street itself.
    length = np.linalg.norm(ends[:, 1] - ends[:, 0], axis=1)
    ends[:, 1] -= (ends[:, 1] - ends[:, 0]) * np.minimum(1e-3 / np.maximum(length, 1e-3), 1.0)[:, None]
    legs = shapely.linestrings(ends[length > 1e-3])
    assert not shapely.intersects(legs[:, None], walls[None, :]).any()
    free = snapping.snap(net, places)
    assert (free["snap_m"].to_numpy()[ok] <= found["snap_m"].to_numpy()[ok] + 1e-9).all()


def test_real_streets_are_linked_as_an_r_tree_would(shared: Path) -> None:
    pieces = streets.read_osm(shared / "data" / "portoalegre" / "poa_osm.pbf", crs=pyproj.CRS.from_epsg(32722))
    net = network.build(pieces, BUILTIN["walk"], island_m=0.0)
    west, south, east, north = net.bounds
    places = shapely.points(np.random.default_rng(5).uniform((west, south), (east, north), (4000, 2)))
    found = snapping.snap(net, places)
    least = shapely.STRtree(net.lines).query_nearest(places, all_matches=False, return_distance=True)[1]
    assert found["snap_m"].to_numpy() == pytest.approx(least, abs=1e-6)
    ok = (found["snap_status"] == "ok").to_numpy()
    assert (ok == (least <= snapping.CAP_M)).all()
    lines = net.lines[found["edge"].to_numpy()[ok]]
    along = shapely.line_locate_point(lines, places[ok]) / shapely.length(lines)
    feet = [
        shapely.line_interpolate_point(lines, share, normalized=True)
        for share in (along, found["fraction"].to_numpy()[ok])
    ]
    assert shapely.distance(*feet).max() < 1e-5
