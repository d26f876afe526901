"""Walls, water and outlines that legs do not cross."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
import shapely
from hypothesis import given, strategies as st
from worlds import EAST, NORTH, XY, box, build, line, link, scattered, spots, street, town

from geo import barriers, snapping

if TYPE_CHECKING:
    from collections.abc import Sequence

STRAIGHT = street((0, 0), (1000, 0))


def rows(table: object) -> list[tuple[int, float, float, str]]:
    return list(table[["edge", "fraction", "snap_m", "snap_status"]].itertuples(index=False, name=None))


def local(*xy: XY) -> np.ndarray:
    return np.add(np.array(xy, dtype=float).reshape(-1, 2), (EAST, NORTH))


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


# -- what a fence is asked ---------------------------------------------------------------------------


def walls_of(seed: int, count: int) -> np.ndarray:
    rng = np.random.default_rng(seed)
    return np.array([line(*map(tuple, rng.uniform(0, 700, (3, 2)))) for _ in range(count)], dtype=object)


def test_water_holds_who_is_in_it() -> None:
    """Not who stands on the shore, nor who is on the island in the lake; but the water lies in the way of the latter."""
    lake = shapely.difference(box(0, 10, 100, 100), box(40, 40, 60, 60))
    water = barriers.fence(segments(lake), np.array([lake], dtype=object))
    assert water.holds(local((50, 20), (50, 50), (50, 10), (200, 20))).tolist() == [True, False, False, False]
    found = link(build(STRAIGHT), (50, 20), (50, 50), (50, 9), (200, 20), barriers=water)
    assert found["snap_status"].tolist() == ["far", "far", "ok", "ok"]
    assert found["snap_m"].tolist() == [20.0, 50.0, 9.0, 20.0]


def test_a_lake_across_the_street_holds_too() -> None:
    """In the water right above a street (a causeway): nobody stands there."""
    lake = box(0, -50, 100, 50)
    water = barriers.fence(segments(lake), np.array([lake], dtype=object))
    found = link(build(STRAIGHT), (50, 5), (150, 5), barriers=water)
    assert found["snap_status"].tolist() == ["far", "ok"]
    assert found["edge"].tolist() == [-1, 0]


def test_legs_that_are_blocked() -> None:
    """Across the wall; along its side; up to it; of no length; past its end."""
    wall = fence(WALL)
    start = local((500, 40), (500, 10), (500, 40), (500, 20), (1001, 40))
    end = local((500, 0), (500, 0), (500, 20), (500, 20), (1001, 0))
    assert wall.blocks(start, end).tolist() == [True, False, False, False, False]


def test_where_a_barrier_parts_two_places() -> None:
    """The first of two walls; none; a wall that the way only reaches; one that is passed at its end."""
    walls = fence(line((0, 20), (100, 20)), line((0, 40), (100, 40)))
    start = local((50, 10), (50, 60), (150, 10), (50, 10), (50, 0), (100, 10))
    way = np.array([[0, 40], [0, -50], [0, 40], [0, 5], [0, 20], [0, 20]], dtype=float)
    shares = walls.parts(start, way).tolist()
    assert shares == pytest.approx([10 / 40, 20 / 50, np.nan, np.nan, 1.0, 10 / 20], nan_ok=True)


def test_a_way_along_a_wall_is_not_parted() -> None:
    found = fence(WALL).parts(local((100, 20), (100, 21)), np.array([[12.5, 0.0]] * 2))
    assert np.isnan(found).all()


def test_nobody_asks() -> None:
    wall, none = fence(WALL), np.empty((0, 2))
    for answer in (
        wall.holds(none),
        wall.near(none, within_m=np.empty(0)),
        wall.blocks(none, none),
        wall.parts(none, none),
    ):
        assert len(answer) == 0


@given(st.integers(0, 10_000))
def test_barriers_part_two_places_where_shapely_finds_them(seed: int) -> None:
    walls, rng = walls_of(seed, 4), np.random.default_rng(seed)
    start, way = local(*rng.uniform(0, 700, (80, 2))), rng.normal(0.0, 60.0, (80, 2))
    found = fence(*walls).parts(start, way)
    whole = shapely.union_all(walls)
    for at, step, share in zip(start, way, found, strict=True):
        met = shapely.intersection(shapely.linestrings([at, at + step]), whole)
        if np.isnan(share):
            assert met.is_empty
        else:
            length = np.hypot(*step)
            assert share * length == pytest.approx(shapely.distance(shapely.Point(at), met), abs=1e-6)


@given(st.integers(0, 10_000), st.floats(0.0, 100.0))
def test_whoever_has_a_barrier_near_is_told_so(seed: int, within_m: float) -> None:
    """Some may be told in vain, but only where one is half a sample (5 m) further."""
    walls, rng = walls_of(seed, 3), np.random.default_rng(seed)
    xy = local(*rng.uniform(-50, 750, (80, 2)))
    found = fence(*walls).near(xy, within_m=np.full(80, within_m))
    metres = shapely.distance(shapely.points(xy), shapely.union_all(walls))
    assert found[metres <= within_m].all()
    assert not found[metres > within_m + 5.0 + 1e-6].any()


@given(st.integers(0, 10_000))
def test_legs_are_blocked_as_by_asking_for_every_wall(seed: int) -> None:
    """The slow twin of the index that rejects most legs at once."""
    walls, rng = walls_of(seed, 4), np.random.default_rng(seed)
    start = local(*rng.uniform(0, 700, (80, 2)))
    feet = start + rng.normal(0.0, 80.0, (80, 2))
    legs = shapely.linestrings(np.stack([start, feet], axis=1))
    assert np.array_equal(fence(*walls).blocks(start, feet), shapely.intersects(legs, shapely.union_all(walls)))
