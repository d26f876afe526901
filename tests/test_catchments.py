"""Zones of facilities: each, all together, divided; and that what is shared between searches changes nothing."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np
import pyproj
import pytest
import shapely
from hypothesis import given, settings, strategies as st
from worlds import CAR, EAST, FOOT, NORTH, build, link, scattered, spots, street, town

from geo import (
    catchments,
    fields,
    modes,
    network,
    reached as reached_room,
    snapping,
    streets,
    surfaces,
    travel_times,
)
from geo.cells import CellLinks
from geo.fields import Field
from geo.tiles import Tiling
from geo.travel_times import reach, reach_each

if TYPE_CHECKING:
    from pathlib import Path

    import pandas as pd

    from geo.catalogue import Direction
    from geo.modes import Mode
    from geo.network import Network
    from geo.travel_times import Reach

STREET = street((0, 0), (2000, 0))
CELL_M = 12.5
DIRECTIONS: tuple[Direction, Direction] = ("to_service", "from_service")


def places_in(net: Network, seed: int, count: int) -> pd.DataFrame:
    """Facilities of which one is far away and one has no place."""
    return snapping.snap(net, np.concatenate([scattered(seed, count), spots((9000, 9000), None)]))


def shapes_of(net: Network, facilities: pd.DataFrame, limits: list[float], **options: object) -> np.ndarray:
    return catchments.shapes(CellLinks(net, CELL_M), facilities, limits, **options)


# -- by hand -----------------------------------------------------------------------------------------


def test_each_dissolved_and_split_by_hand() -> None:
    """Two diamonds of 300 m, 400 m apart: what each loses where they meet is a triangle of 100 m by 2 × 100 m."""
    net = build(STREET)
    facilities = link(net, (500, 0), (900, 0))
    areas = {
        combine: shapely.area(shapes_of(net, facilities, [1.0, 3.0], combine=combine))
        for combine in ("each", "dissolve", "split")
    }
    alone, both = 2 * 300**2, 100 * 100
    assert areas["each"] == pytest.approx(np.array([[20_000, alone]] * 2), rel=0.01)
    assert areas["dissolve"] == pytest.approx(np.array([[40_000, 2 * alone - 2 * both]]), rel=0.01)
    assert areas["split"] == pytest.approx(np.array([[20_000, alone - both]] * 2), rel=0.01)


def test_against_one_ways_it_matters_who_goes_where() -> None:
    """1 km a minute, one-way to the east: whoever goes to the service comes from the west.

    Off the street one walks, so that the zone tapers to a point, which is not drawn where it is thinner than a cell.
    """
    net = build(street((0, 0), (2000, 0), oneway="yes"), mode=CAR)
    facilities = link(net, (1000, 0))
    to, back = (
        shapes_of(net, facilities, [0.5], combine="each", direction=direction)[0, 0] for direction in DIRECTIONS
    )
    tip = 500 - CELL_M / 2 * 1000 / 100
    corner = np.array([EAST, NORTH] * 2)
    assert shapely.bounds(to) - corner == pytest.approx([1000 - tip, -50, 1000, 50], abs=1.0)
    assert shapely.bounds(back) - corner == pytest.approx([1000, -50, 1000 + tip, 50], abs=1.0)


@pytest.mark.parametrize("combine", ["each", "split"])
def test_facilities_that_are_not_attached_have_empty_zones(combine: str) -> None:
    net = build(STREET)
    found = shapes_of(net, link(net, (0, 5000), (500, 0), None, (900, 0)), [1.0, 2.0], combine=combine)
    assert found.shape == (4, 2)
    assert shapely.is_empty(found).tolist() == [[True] * 2, [False] * 2, [True] * 2, [False] * 2]


@pytest.mark.parametrize("combine", ["each", "split", "dissolve"])
def test_no_facility_at_all(combine: str) -> None:
    net = build(STREET)
    found = shapes_of(net, link(net), [1.0, 2.0], combine=combine)
    assert found.shape == ((1, 2) if combine == "dissolve" else (0, 2))
    assert all(shape.is_empty for shape in found.ravel())


def test_a_start_delay_makes_the_zone_smaller() -> None:
    net = build(STREET)
    facilities = link(net, (500, 0), (1500, 0)).assign(delay_minutes=[0.0, 1.0])
    found = shapely.area(shapes_of(net, facilities, [3.0], combine="each"))
    assert found[:, 0] == pytest.approx([2 * 300**2, 2 * 200**2], rel=0.01)
    # Half way is where the one's minutes equal the other's: 50 m nearer to the slower one.
    parts = shapes_of(net, facilities, [9.0], combine="split")[:, 0]
    assert shapely.bounds(parts)[0, 2] - EAST == pytest.approx(1050, abs=CELL_M)
    assert shapely.bounds(parts)[1, 0] - EAST == pytest.approx(1050, abs=CELL_M)


# -- properties --------------------------------------------------------------------------------------


@pytest.mark.parametrize("mode", [FOOT, CAR], ids=lambda mode: mode.name)
@given(seed=st.integers(0, 10_000))
def test_parts_by_the_nearest_are_disjoint_and_unite(mode: Mode, seed: int) -> None:
    net, limit = town(seed, mode=mode), 6.0 if mode is FOOT else 1.5
    facilities = snapping.snap(net, scattered(seed, 3))
    links = CellLinks(net, CELL_M, cap_m=120.0)
    whole = catchments.shapes(links, facilities, [limit], combine="dissolve")[0, 0]
    parts = catchments.shapes(links, facilities, [limit], combine="split")[:, 0]
    for one in range(3):
        for other in range(one):
            assert shapely.intersection(parts[one], parts[other]).area < 1e-6
    together = shapely.union_all(parts)
    assert shapely.difference(together, whole).area < 1e-6
    missing = shapely.difference(whole, together)
    assert shapely.buffer(missing, -CELL_M).is_empty


@settings(max_examples=12)
@given(st.integers(0, 10_000), st.sampled_from(["each", "split", "dissolve"]))
def test_zones_are_valid_and_nest(seed: int, combine: str) -> None:
    net = town(seed)
    found = shapes_of(net, places_in(net, seed, 4), [0.7, 2.0, 2.1, 6.0], combine=combine)
    assert shapely.is_valid(found).all()
    for zones in found:
        for inner, outer in pairwise(zones):
            assert inner.is_empty or shapely.covers(outer, inner)
            assert shapely.difference(inner, outer).area == 0.0


@settings(max_examples=10)
@given(st.integers(0, 10_000), st.sampled_from(["each", "split", "dissolve"]))
def test_a_band_is_the_same_in_every_company(seed: int, combine: str) -> None:
    """To the last bit; also when cells were linked for others before."""
    net = town(seed)
    facilities = places_in(net, seed, 3)
    used = CellLinks(net, CELL_M)
    among = catchments.shapes(used, facilities, [5.0, 1.0, 2.5], combine=combine)
    for links in (CellLinks(net, CELL_M), used):
        alone = catchments.shapes(links, facilities, [2.5], combine=combine)
        for one, other in zip(alone[:, 0], among[:, 2], strict=True):
            assert shapely.equals_exact(shapely.normalize(one), shapely.normalize(other), tolerance=0.0)


@settings(max_examples=10)
@given(st.integers(0, 10_000), st.integers(1, 5))
def test_zones_of_each_are_as_if_it_were_alone(seed: int, together: int) -> None:
    """One search, one set of cells, one sheet for each by itself, as against all at once."""
    net = town(seed)
    facilities = places_in(net, seed, 6)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(catchments, "_SEARCHES_AT_ONCE", together)
        found = shapes_of(net, facilities, [2.0, 4.0], combine="each")
    for row in range(len(facilities)):
        one = facilities.iloc[[row]].reset_index(drop=True)
        for combine in ("each", "dissolve", "split"):
            alone = shapes_of(net, one, [2.0, 4.0], combine=combine)[0]
            for shape, other in zip(found[row], alone, strict=True):
                assert shapely.equals_exact(shapely.normalize(shape), shapely.normalize(other), tolerance=0.0)


# -- slow twins --------------------------------------------------------------------------------------


def held(found: Reach, alone: Reach, row: int) -> None:
    """Two searches from one facility: the same in every bit."""
    assert np.array_equal(found.node_minutes, alone.node_minutes)
    reached = np.isfinite(alone.node_minutes)
    assert (found.node_nearest[reached] == row).all()
    assert (alone.node_nearest[reached] == 0).all()
    assert found.facilities.row.tolist() == [row] * len(alone.facilities.row)
    for mine, other in zip(found.facilities[1:], alone.facilities[1:], strict=True):
        assert np.array_equal(mine, other)
    assert (found.direction, found.horizon) == (alone.direction, alone.horizon)


@pytest.mark.parametrize("direction", DIRECTIONS)
@pytest.mark.parametrize("mode", [FOOT, CAR], ids=lambda mode: mode.name)
@given(
    seed=st.integers(0, 10_000),
    limit=st.sampled_from([0.3, 2.0, 30.0]),
    side_m=st.sampled_from([60.0, 5000.0]),
    at_once=st.sampled_from([1, 60, 10**6]),
)
def test_searches_from_each_are_those_from_each_alone(
    mode: Mode, direction: Direction, seed: int, limit: float, side_m: float, at_once: int
) -> None:
    """Second candidates beside one-ways, delays, some attached to nothing; few or many in one search."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(travel_times, "_DENSE_CELLS", at_once)
        patch.setattr(
            network,
            "_tiling",
            lambda xy: Tiling.over((*xy.min(axis=0), *xy.max(axis=0)), things=len(xy), side_m=side_m),
        )
        net = town(seed, mode=mode)
        facilities = places_in(net, seed, 6).assign(delay_minutes=[0.0, 0.2, 0.0, 1.5, 0.0, 0.0, 0.0, 0.0])
        rows = []
        for found in reach_each(net, facilities, limit=limit, direction=direction):
            rows.append(int(found.facilities.row[0]))
            one = facilities.iloc[rows[-1:]].reset_index(drop=True)
            held(found, reach(net, one, limit=limit, direction=direction), rows[-1])
    assert sorted(rows) == np.flatnonzero(facilities["snap_status"] == "ok").tolist()


@pytest.mark.parametrize("name", ["walk", "drive"])
def test_searches_from_each_in_a_city_are_those_from_each_alone(shared: Path, name: str) -> None:
    pieces = streets.read_osm(shared / "data" / "portoalegre" / "poa_osm.pbf", crs=pyproj.CRS.from_epsg(32722))
    net = network.build(pieces, modes.BUILTIN[name])
    rng, limit = np.random.default_rng(10), 10.0 if name == "walk" else 2.0
    lines = net.lines[rng.integers(0, len(net.lines), 60)]
    facilities = snapping.snap(net, shapely.line_interpolate_point(lines, rng.random(60), normalized=True))
    rows = []
    for direction in DIRECTIONS:
        for found in reach_each(net, facilities, limit=limit, direction=direction):
            rows.append(int(found.facilities.row[0]))
            one = facilities.iloc[rows[-1:]].reset_index(drop=True)
            held(found, reach(net, one, limit=limit, direction=direction), rows[-1])
    assert sorted(rows) == sorted(2 * np.flatnonzero(facilities["snap_status"] == "ok").tolist())


@pytest.mark.parametrize("direction", DIRECTIONS)
@pytest.mark.parametrize("mode", [FOOT, CAR], ids=lambda mode: mode.name)
@given(seed=st.integers(0, 10_000), limit=st.sampled_from([0.2, 1.0, 4.0]), count=st.integers(1, 3))
def test_nobody_within_the_horizon_stands_outside_the_reachable_box(
    mode: Mode, direction: Direction, seed: int, limit: float, count: int
) -> None:
    """A search looks at the cells of this box only; the slow twin looks at all around the town."""
    net = town(seed, mode=mode)
    facilities = snapping.snap(net, scattered(seed, count))
    found = reach(net, facilities, limit=limit, direction=direction)
    everywhere = CellLinks(net, 25.0).link([(EAST - 2000, NORTH - 2000, EAST + 3000, NORTH + 3000)])
    reached = reached_room.reached(everywhere, found).cell
    x, y = (everywhere.column[reached] + 0.5) * 25.0, -(everywhere.row[reached] + 0.5) * 25.0
    west, south, east, north = catchments.reachable(found)
    if len(reached):
        assert west <= x.min()
        assert south <= y.min()
        assert east >= x.max()
        assert north >= y.max()
    here = catchments.field_of(CellLinks(net, 25.0), found)
    assert len(here.reached.cell) == len(reached)
    assert np.array_equal(np.sort(here.reached.minutes), np.sort(reached_room.reached(everywhere, found).minutes))


@given(st.integers(0, 10_000))
def test_a_field_of_a_box_is_the_field_in_that_box(seed: int) -> None:
    net = town(seed)
    found = reach(net, snapping.snap(net, scattered(seed, 2)), limit=6.0)
    box = EAST + 100, NORTH + 100, EAST + 500, NORTH + 400
    whole, part = (
        surfaces.surface(catchments.field_of(CellLinks(net, CELL_M), found, box=at), box)
        for at in (catchments.reachable(found), box)
    )
    reached = np.isfinite(part.minutes)
    assert np.array_equal(np.isfinite(whole.minutes), reached)
    assert np.array_equal(whole.minutes[reached], part.minutes[reached])


def test_what_is_nearest_to_one_is_its_part_of_the_field() -> None:
    net = build(STREET)
    whole = catchments.field_of(CellLinks(net, 25.0), reach(net, link(net, (500, 0), (1500, 0)), limit=60.0))
    parts = [whole.of(row) for row in (0, 1)]
    assert all(isinstance(part, Field) for part in parts)
    assert whole.owner == fields.ANY
    assert [part.owner for part in parts] == [0, 1]
    assert sum(len(part.reached.cell) for part in parts) == len(whole.reached.cell)
    for row, part in enumerate(parts):
        x = (part.table.column[part.reached.cell] + 0.5) * 25.0 - EAST
        assert ((x < 1000) == (row == 0)).all()
