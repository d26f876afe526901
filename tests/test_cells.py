"""Cells are linked as people are, and a search gives them the minutes that it gives people."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pyproj
import pytest
import shapely
from hypothesis import assume, given, settings, strategies as st
from random_networks import worlds
from worlds import CAR, EAST, FOOT, NORTH, build, line, scattered, spots, street, town

from geo import barriers, catchments, cells, modes, network, reached as reached_room, snapping, streets
from geo.cells import TILE, CellLinks, Table
from geo.errors import GeoValueError
from geo.modes import Mode
from geo.travel_times import minutes_at, reach

if TYPE_CHECKING:
    from pathlib import Path

    import pandas as pd
    from random_networks import World

    from geo.catalogue import Direction
    from geo.travel_times import Reach

STREET = street((0, 0), (2000, 0))
SLOW = Mode("elder", "foot", 3.0, 3.0)
DIRECTIONS: tuple[Direction, Direction] = ("to_service", "from_service")
BOX = (EAST - 400.0, NORTH - 400.0, EAST + 1100.0, NORTH + 1100.0)


def places(table: Table, cell_m: float) -> np.ndarray:
    """Centres of the linked cells."""
    return np.column_stack([(table.column + 0.5) * cell_m, -(table.row + 0.5) * cell_m])


def dense(table: Table, found: Reach) -> tuple[np.ndarray, np.ndarray]:
    """Minutes and nearest facility of all linked cells."""
    reached = reached_room.reached(table, found)
    assert len(np.unique(reached.cell)) == len(reached.cell)
    minutes, nearest = np.full(len(table.row), np.inf), np.full(len(table.row), -1)
    minutes[reached.cell], nearest[reached.cell] = reached.minutes, reached.nearest
    return minutes, nearest


def hold(links: CellLinks, table: Table, facilities: pd.DataFrame, *, limit: float, direction: Direction) -> float:
    """Hold what a search gives cells to what it gives people at their centres; return the share of cells reached."""
    found = reach(links.network, facilities, limit=limit, direction=direction)
    people = snapping.snap_xy(links.network, places(table, links.cell_m), cap_m=links.cap_m, barriers=links.barriers)
    slow, who = minutes_at(found, people)
    minutes, nearest = dense(table, found)
    # Sums are put together in another order: one may be beyond the horizon by a hair.
    edge = np.abs(np.where(np.isfinite(slow), slow, minutes) - limit) < 1e-9
    assert np.array_equal(np.isfinite(minutes)[~edge], np.isfinite(slow)[~edge])
    both = np.isfinite(minutes) & np.isfinite(slow)
    assert np.abs(minutes[both] - slow[both]).max(initial=0.0) < 1e-9
    told_apart = nearest[both] != who[both]
    if told_apart.any():
        # Only of facilities equally far may either be named.
        rows = np.flatnonzero(both)[told_apart]
        each = [
            minutes_at(reach(links.network, facilities.iloc[[row]], limit=limit, direction=direction), people)[0]
            for row in range(len(facilities))
        ]
        assert np.abs(np.array(each)[nearest[rows], rows] - slow[rows]).max() < 1e-9
    return float(np.isfinite(minutes).mean()) if len(minutes) else 0.0


# -- which cells -------------------------------------------------------------------------------------


@settings(max_examples=10)
@given(st.integers(0, 10_000), st.sampled_from([10.0, 60.0, 300.0]), st.sampled_from([12.5, 50.0, 7.3]))
def test_the_cells_within_the_cap_are_linked_and_no_other(seed: int, cap_m: float, cell_m: float) -> None:
    net = town(seed)
    table = CellLinks(net, cell_m, cap_m=cap_m).link([BOX])
    side = TILE * cell_m
    west, south, east, north = np.add(np.floor(np.array(BOX) / side), (0, 0, 1, 1))
    x = (np.arange(west * TILE, east * TILE) + 0.5) * cell_m
    y = -(np.arange(-north * TILE, -south * TILE) + 0.5) * cell_m
    everywhere = np.stack(np.meshgrid(x, y), axis=-1).reshape(-1, 2)
    near = np.unique(net.tree.query(shapely.points(everywhere), predicate="dwithin", distance=cap_m)[0])
    found = places(table, cell_m)
    order, expected = np.lexsort(found.T), everywhere[near]
    assert found[order] == pytest.approx(expected[np.lexsort(expected.T)], abs=1e-9)


@pytest.mark.parametrize("mode", [FOOT, CAR], ids=lambda mode: mode.name)
@given(seed=st.integers(0, 10_000))
def test_a_cell_is_linked_as_who_stands_at_its_centre(mode: Mode, seed: int) -> None:
    net = town(seed, mode=mode)
    table = CellLinks(net, 25.0, cap_m=120.0).link([BOX])
    people = snapping.snap_xy(net, places(table, 25.0), cap_m=120.0)
    assert (people["snap_status"] == "ok").all()
    for column, name in (("edge", "edge"), ("fraction", "at"), ("snap_m", "leg_m")):
        assert np.array_equal(people[column], table.cells(name))
    second = np.flatnonzero(people["edge2"] >= 0)
    assert np.array_equal(table.cells("choice"), people["edge2"] >= 0)
    for column, name in (("edge2", "more_edge"), ("fraction2", "more_at"), ("snap_m2", "more_leg_m")):
        assert np.array_equal(people[column].to_numpy()[second], table.cells(name))


def test_a_cell_knows_its_segment_and_its_side() -> None:
    """East along y = 0, then north along x = 2000; left of the first is north, left of the second west."""
    net = build(street((0, 0), (2000, 0), (2000, 1000)))
    table = CellLinks(net, 25.0).link([(EAST, NORTH - 400, EAST + 2400, NORTH + 900)])
    at = places(table, 25.0) - (EAST, NORTH)
    vertex, side = table.cells("vertex"), table.cells("side")

    def of(x: float, y: float) -> tuple[int, int]:
        cell = int(np.argmin(np.hypot(*(at - (x, y)).T)))
        return int(vertex[cell]), int(side[cell])

    assert of(1000, 40) == (0, 1)
    assert of(1000, -40) == (0, -1)
    assert of(1900, 500) == (1, 1)
    assert of(2100, 500) == (1, -1)
    assert of(-100, 40)[1] == of(2100, -40)[1] == 0


def test_who_is_near_an_island_only_is_listed_apart() -> None:
    net = build(STREET, street((0, 1000), (100, 1000)), island_m=500.0)
    table = CellLinks(net, 25.0).link([(EAST, NORTH - 400, EAST + 2000, NORTH + 1400)])
    column, row = table.island.T
    xy = np.column_stack([(column + 0.5) * 25.0, -(row + 0.5) * 25.0])
    metres = shapely.distance(net.lines[1], shapely.points(xy))
    assert metres.max() <= 300.0
    assert len(xy) == pytest.approx((np.pi * 300**2 + 600 * 100) / 25**2, rel=0.01)
    linked = set(zip(table.column.tolist(), table.row.tolist(), strict=True))
    assert linked.isdisjoint(map(tuple, table.island.tolist()))


def test_without_a_street_near_there_is_no_cell() -> None:
    links = CellLinks(build(STREET), 25.0)
    table = links.link([(EAST + 50_000, NORTH, EAST + 50_500, NORTH + 500)])
    assert len(table.row) == len(table.island) == 0
    found = reach(links.network, snapping.snap(links.network, spots((500, 0))), limit=15.0)
    assert len(reached_room.reached(table, found).cell) == 0
    assert table.at(np.array([0, -5]), np.array([0, 3])).tolist() == [-1, -1]


# -- tile by tile ------------------------------------------------------------------------------------


def rows_of(table: Table) -> set[tuple[float, ...]]:
    names = ("edge", "at", "leg_m", "vertex", "side", "choice", "walled")
    columns = (table.row, table.column, *(table.cells(name) for name in names))
    return set(zip(*(column.tolist() for column in columns), strict=True))


@given(st.integers(0, 10_000), st.permutations(range(9)))
def test_a_cell_is_the_same_whoever_asks_and_when(seed: int, order: list[int]) -> None:
    net = town(seed, mode=CAR)
    whole = CellLinks(net, 12.5, cap_m=100.0).link([BOX])
    links = CellLinks(net, 12.5, cap_m=100.0)
    west, south, east, north = BOX
    x, y = np.linspace(west, east, 4), np.linspace(south, north, 4)
    parts = [(x[n % 3], y[n // 3], x[n % 3 + 1], y[n // 3 + 1]) for n in range(9)]
    before = np.empty((0, 2), dtype=np.int64)
    for number in order:
        table = links.link([parts[number]])
        now = np.column_stack([table.row, table.column])
        # Cells that are found later come after those found before.
        assert np.array_equal(now[: len(before)], before)
        before = now
    assert rows_of(table) == rows_of(whole)
    assert rows_of(CellLinks(net, 12.5, cap_m=100.0).link(parts)) == rows_of(whole)


def test_what_is_linked_is_not_linked_again() -> None:
    links = CellLinks(town(1), 25.0)
    table = links.link([BOX])
    assert links.link([BOX]) is table
    west, south, _, _ = BOX
    assert links.link([(west, south, west + 10, south + 10)]) is table
    # Where there is no street there is nothing to link.
    assert links.link([(west, south - 5000, west + 10, south - 4990)]) is table
    less = CellLinks(town(1), 25.0)
    part = less.link([(EAST, NORTH, EAST + 10, NORTH + 10)])
    assert len(part.parts) < len(less.link([BOX]).parts)


def test_many_tiles_go_in_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    net = town(1, mode=CAR)
    whole = rows_of(CellLinks(net, 12.5).link([BOX]))
    monkeypatch.setattr(cells, "_AT_ONCE", 1)
    assert rows_of(CellLinks(net, 12.5).link([BOX])) == whole


def test_cells_are_found_by_row_and_column() -> None:
    table = CellLinks(town(3), 12.5, cap_m=100.0).link([BOX])
    assert np.array_equal(table.at(table.row, table.column), np.arange(len(table.row)))
    known = set(zip(table.row.tolist(), table.column.tolist(), strict=True))
    beside = [(row, column + 1) for row, column in known if (row, column + 1) not in known]
    assert beside
    rows, columns = np.array([*beside, (0, 0), (-7, 10**9), (10**9, -7)]).T
    assert (table.at(rows, columns) == -1).all()


def test_cells_may_be_put_away_and_taken_out() -> None:
    net = build(STREET, street((0, 0), (0, 600), oneway="yes"), street((0, 1500), (90, 1500)), mode=CAR, island_m=500.0)
    links, again = CellLinks(net, 25.0), CellLinks(net, 25.0)
    table = links.link([(EAST, NORTH - 400, EAST + 2000, NORTH + 1900)])
    assert len(table.island)
    assert len(table.cells("more"))
    again.take(links.to_arrays())
    taken = again.link([(EAST, NORTH - 400, EAST + 2000, NORTH + 1900)])
    assert rows_of(taken) == rows_of(table)
    assert {tuple(cell) for cell in taken.island.tolist()} == {tuple(cell) for cell in table.island.tolist()}
    facilities = snapping.snap(net, spots((300, 40)))
    assert hold(again, taken, facilities, limit=10.0, direction="to_service") > 0
    nothing = CellLinks(net, 25.0)
    nothing.take(CellLinks(net, 25.0).to_arrays())
    assert nothing.tiles == {}


# -- slow twin: who stands there, linked and asked one by one ------------------------------------------


def test_minutes_of_cells_by_hand() -> None:
    """100 m a minute: along the street, and off it."""
    net = build(STREET)
    links = CellLinks(net, 25.0)
    table = links.link([(EAST, NORTH, EAST + 2000, NORTH)])
    minutes, _ = dense(table, reach(net, snapping.snap(net, spots((1000, 0))), limit=60.0))
    x, y = (places(table, 25.0) - (EAST, NORTH)).T
    aside = np.hypot(np.clip(-x, 0, None) + np.clip(x - 2000, 0, None), y)
    assert minutes == pytest.approx((np.abs(np.clip(x, 0, 2000) - 1000) + aside) / 100)
    assert aside.max() <= 300.0


@pytest.mark.parametrize("direction", DIRECTIONS)
@pytest.mark.parametrize("mode", [FOOT, CAR], ids=lambda mode: mode.name)
@given(seed=st.integers(0, 10_000), limit=st.sampled_from([0.7, 3.0, 60.0]), count=st.integers(1, 4))
def test_cells_of_towns_have_the_minutes_of_people(
    mode: Mode, direction: Direction, seed: int, limit: float, count: int
) -> None:
    net = town(seed, mode=mode)
    links = CellLinks(net, 25.0, cap_m=150.0)
    facilities = snapping.snap(net, scattered(seed, count), cap_m=150.0)
    hold(links, links.link([BOX]), facilities, limit=limit, direction=direction)


@pytest.mark.parametrize("direction", DIRECTIONS)
@settings(max_examples=40)
@given(world=worlds(), mode=st.sampled_from([FOOT, CAR]), limit=st.sampled_from([2.0, 60.0]))
def test_cells_of_random_networks_have_the_minutes_of_people(
    direction: Direction, world: World, mode: Mode, limit: float
) -> None:
    """Turns, private streets, islands, delays, places at junctions and on streets."""
    try:
        net = network.build(world.pieces, mode, gradient=world.gradient, island_m=world.island_m)
    except GeoValueError:
        assume(False)  # noqa: FBT003
    facilities = snapping.snap(net, world.facilities).assign(delay_minutes=world.delay_minutes)
    links = CellLinks(net, 25.0, cap_m=90.0)
    table = links.link([net.bounds])
    hold(links, table, facilities, limit=limit, direction=direction)


@given(st.integers(0, 10_000))
def test_cells_beside_walls_have_the_minutes_of_people(seed: int) -> None:
    net, rng = town(seed), np.random.default_rng(seed)
    walls = np.array([line(*map(tuple, rng.uniform(0, 700, (2, 2)))) for _ in range(4)], dtype=object)
    lake = shapely.buffer(shapely.Point(EAST + 300, NORTH + 300), 60.0)
    none = np.array([], dtype=object)
    fence = barriers.fence(barriers.lines(np.append(walls, lake), none, none), np.array([lake]))
    links = CellLinks(net, 25.0, cap_m=150.0, barriers=fence)
    facilities = snapping.snap(net, scattered(seed, 2), cap_m=150.0, barriers=fence)
    table = links.link([BOX])
    assert not fence.holds(places(table, 25.0)).any()
    hold(links, table, facilities, limit=20.0, direction="to_service")


@given(st.integers(0, 10_000))
def test_modes_on_the_same_streets_share_cells_but_not_minutes(seed: int) -> None:
    net, slow = town(seed), town(seed, mode=SLOW)
    assert net.same_streets(slow)
    links = CellLinks(net, 25.0, cap_m=150.0)
    table, other = links.link([BOX]), links.for_mode(slow)
    assert other.link([BOX]) is table
    facilities = snapping.snap(net, scattered(seed, 2), cap_m=150.0)
    hold(links, table, facilities, limit=60.0, direction="to_service")
    hold(other, table, facilities, limit=60.0, direction="to_service")
    one, two = (dense(table, reach(each, facilities, limit=500.0))[0] for each in (net, slow))
    assert two == pytest.approx(2.0 * one)


@pytest.mark.slow
@pytest.mark.parametrize("direction", DIRECTIONS)
@pytest.mark.parametrize("name", ["walk", "drive"])
def test_cells_of_a_city_have_the_minutes_of_people(shared: Path, name: str, direction: Direction) -> None:
    """One-ways, forbidden turns, private streets and islands of Porto Alegre; all that some facilities may reach."""
    pieces = streets.read_osm(shared / "data" / "portoalegre" / "poa_osm.pbf", crs=pyproj.CRS.from_epsg(32722))
    net = network.build(pieces, modes.BUILTIN[name])
    rng, limit = np.random.default_rng(9), 12.0 if name == "walk" else 4.0
    lines = net.lines[rng.integers(0, len(net.lines), 6)]
    facilities = snapping.snap(net, shapely.line_interpolate_point(lines, rng.random(6), normalized=True))
    links = CellLinks(net, 25.0)
    table = links.link([catchments.reachable(reach(net, facilities, limit=limit, direction=direction))])
    assert hold(links, table, facilities.assign(delay_minutes=rng.random(6)), limit=limit, direction=direction) > 0.02
