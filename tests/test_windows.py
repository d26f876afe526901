"""A search in a window is the search in the whole network: nobody is lost, and no minute differs in any bit."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import numpy as np
import pyproj
import pytest
from hypothesis import given, settings, strategies as st
from scipy.sparse import csgraph
from worlds import BIKE, CAR, FOOT, NORTH, build, link, scattered, spots, street, town

from geo import modes, network, snapping, streets, travel_times, windows
from geo.pairs import matrix
from geo.tiles import Tiling
from geo.travel_times import reach
from geo.windows import Window, around

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from geo.catalogue import Direction
    from geo.network import Network
    from geo.travel_times import Reach

DIRECTIONS: tuple[Direction, Direction] = ("to_service", "from_service")
LIMIT = st.sampled_from([0.05, 0.4, 1.3, 3.0, 20.0])


@contextmanager
def small_tiles(side_m: float) -> Iterator[None]:
    """Towns are smaller than a tile: make tiles small, and windows worth while however large."""

    def tiling(xy: np.ndarray) -> Tiling:
        return Tiling.over((*xy.min(axis=0), *xy.max(axis=0)), things=len(xy), side_m=side_m)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(network, "_tiling", tiling)
        patch.setattr(windows, "_WORTH", 1.0)
        yield


@contextmanager
def no_windows() -> Iterator[None]:
    """The slow twin: all searches run in the whole network."""

    def whole(net: Network, edges: np.ndarray, *, minutes: float) -> Window:
        del edges, minutes
        return Window(net, None)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(windows, "around", whole)
        yield


def in_whole(net: Network, facilities: Any, **options: Any) -> Reach:
    with no_windows():
        return reach(net, facilities, **options)


def assert_same(found: Reach, whole: Reach) -> None:
    assert whole.window.tiles is None
    assert np.array_equal(found.node_minutes, whole.node_minutes)
    assert np.array_equal(found.node_nearest, whole.node_nearest)


@pytest.mark.parametrize("mode", [FOOT, CAR, BIKE], ids=lambda mode: mode.name)
@pytest.mark.parametrize("direction", DIRECTIONS)
@given(seed=st.integers(0, 10_000), limit=LIMIT, side_m=st.sampled_from([10.0, 60.0]), count=st.integers(1, 4))
def test_a_window_loses_no_node_and_changes_no_bit(
    mode: modes.Mode, direction: Direction, seed: int, limit: float, side_m: float, count: int
) -> None:
    with small_tiles(side_m):
        net = town(seed, mode=mode)
        facilities = snapping.snap(net, scattered(seed, count))
        found = reach(net, facilities, limit=limit, direction=direction)
        whole = in_whole(net, facilities, limit=limit, direction=direction)
        assert_same(found, whole)
        assert np.isin(np.flatnonzero(np.isfinite(whole.minutes)), found.window.nodes).all()


@given(st.integers(0, 10_000), LIMIT)
def test_pairs_in_windows_are_those_of_the_whole(seed: int, limit: float) -> None:
    with small_tiles(60.0), pytest.MonkeyPatch.context() as patch:
        patch.setattr(windows, "_CELLS", 300)
        net = town(seed, mode=CAR)
        origins, destinations = (snapping.snap(net, scattered(seed + step, 12)) for step in range(2))
        found = matrix(net, origins, destinations, limit=limit)
        with no_windows():
            assert matrix(net, origins, destinations, limit=limit).equals(found)


@given(st.integers(0, 10_000), st.sets(st.integers(0, 80), max_size=30))
def test_the_arcs_of_a_window_are_those_between_its_nodes(seed: int, chosen: set[int]) -> None:
    with small_tiles(90.0):
        net = town(seed, mode=CAR)
    tiles = np.array(sorted(tile for tile in chosen if tile < len(net.tiling)), dtype=np.int64)
    window = Window(net, tiles)
    nodes = np.flatnonzero(np.isin(net.tile_of_node, tiles))
    assert np.array_equal(window.nodes, nodes)
    assert window.node_count == len(nodes)
    for whole in (net.leaving, net.arriving):
        found = window.arcs(whole)
        assert found.shape == (len(nodes), len(nodes))
        assert np.array_equal(found.toarray(), whole.toarray()[np.ix_(nodes, nodes)])
    local = window.local(np.arange(net.node_count))
    assert np.array_equal(local[nodes], np.arange(len(nodes)))
    assert (np.delete(local, nodes) < 0).all()
    assert np.array_equal(window.nodes_at(np.arange(len(nodes))), nodes)


def test_the_whole_network_is_a_window_too() -> None:
    net = town(1)
    window = Window(net, None)
    everyone = np.arange(net.node_count)
    assert np.array_equal(window.nodes, everyone)
    assert np.array_equal(window.local(everyone), everyone)
    assert np.array_equal(window.nodes_at(everyone), everyone)
    assert window.arcs(net.leaving) is net.leaving


ROW = [street((1000 * step, 0), (1000 * step + 1000, 0)) for step in range(40)]


def test_a_window_is_as_wide_as_the_fastest_gets() -> None:
    """Tiles of 1 km along a street of 40 km; 100 m a minute, so that 15 minutes are 1.5 km each way."""
    net = build(*ROW)
    edge = link(net, (20_500, 0))["edge"].to_numpy()
    window = around(net, edge, minutes=15.0)
    # From the ends of the edge at 20 and 21 km: 18.5 to 22.5 km, and the tiles around it.
    assert net.node_xy[window.nodes, 0].tolist() == [500_000.0 + 1000 * step for step in range(18, 23)]
    found = reach(net, link(net, (20_500, 0)), limit=15.0)
    assert np.flatnonzero(np.isfinite(found.node_minutes)).tolist() == [19, 20, 21, 22]
    assert found.node_minutes[[19, 20, 21, 22]].tolist() == [15.0, 5.0, 5.0, 15.0]
    assert found.node_nearest[[18, 19, 22, 23]].tolist() == [-1, 0, 0, -1]


@pytest.mark.parametrize("limit", [10.0, 20.0, 50.0])
def test_who_is_just_reached_is_in_the_window(limit: float, monkeypatch: pytest.MonkeyPatch) -> None:
    """From a junction straight to another, with not a second to spare."""
    monkeypatch.setattr(windows, "_WORTH", 1.0)
    net = build(*ROW)
    found = reach(net, link(net, (20_000, 0)), limit=limit)
    assert found.window.tiles is not None
    furthest = 20 - limit / 10, 20 + limit / 10
    assert found.node_minutes[np.array(furthest, dtype=int)].tolist() == [limit, limit]


def test_one_fast_street_widens_every_window() -> None:
    """Far off, one street takes half the time: somebody could come from there."""
    table = build(*ROW)
    slow = around(table, np.array([20]), minutes=15.0)
    fast = network.assemble(
        FOOT,
        table.crs,
        start=table.start,
        end=table.end,
        length_m=table.length_m,
        minutes_forward=np.where(np.arange(40) == 0, table.minutes_forward / 2, table.minutes_forward),
        minutes_backward=table.minutes_backward,
        xy=table.xy,
        offset=table.offset,
        piece=table.piece,
    )
    assert fast.fastest_m == 2 * table.fastest_m == 200.0
    assert len(around(fast, np.array([20]), minutes=15.0).nodes) > len(slow.nodes)


def test_a_large_window_is_the_whole() -> None:
    net = build(*ROW)
    everyone = np.arange(40)
    assert around(net, everyone, minutes=1.0).tiles is None
    assert around(net, everyone[:1], minutes=1.0).tiles is not None
    assert around(net, everyone[:1], minutes=np.inf).tiles is None
    assert around(net, everyone[:1], minutes=1e9).tiles is None


def test_without_a_facility_nothing_is_searched() -> None:
    net = build(*ROW)
    window = around(net, np.empty(0, dtype=np.int64), minutes=15.0)
    assert window.node_count == 0
    found = reach(net, link(net, (0, 5000), None), limit=15.0)
    assert found.window.node_count == 0
    assert (found.node_minutes == np.inf).all()
    minutes, nearest = found.at(np.arange(3))
    assert minutes.tolist() == [np.inf] * 3
    assert nearest.tolist() == [-1] * 3


def test_what_is_outside_the_window_is_not_reached() -> None:
    net = build(*ROW)
    found = reach(net, link(net, (20_500, 0)), limit=15.0)
    people = link(net, (100, 0), (20_000, 50), (39_900, 0))
    assert travel_times.minutes_at(found, people)[0].tolist() == [np.inf, (500 + 50) / 100, np.inf]


def test_nodes_are_numbered_by_tile() -> None:
    net = town(2)
    assert (np.diff(net.tile_of_node) >= 0).all()
    counts = np.bincount(net.tile_of_node, minlength=len(net.tiling))
    assert np.array_equal(np.diff(net.first_node), counts)
    ends = net.xy[net.offset[:-1]], net.xy[net.offset[1:] - 1]
    assert np.array_equal(net.node_xy[net.start], ends[0])
    assert np.array_equal(net.node_xy[net.end], ends[1])


@settings(max_examples=10)
@given(st.integers(0, 10_000), st.floats(0.1, 20.0))
def test_nobody_outruns_the_fastest(seed: int, limit: float) -> None:
    """What the size of a window rests on: whoever is reached is as near, in a straight line."""
    net = town(seed, mode=CAR)
    minutes = csgraph.dijkstra(net.leaving, limit=limit)
    apart = np.hypot(*(net.node_xy[:, None, :] - net.node_xy[None, :, :]).transpose(2, 0, 1))
    reached = np.isfinite(minutes)
    assert (apart[reached] <= minutes[reached] * net.fastest_m + 1e-6).all()


@pytest.mark.parametrize("name", ["walk", "drive"])
def test_a_city_is_searched_in_windows_to_the_last_bit(
    shared: Path, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(windows, "_WORTH", 1.0)
    pieces = streets.read_osm(shared / "data" / "portoalegre" / "poa_osm.pbf", crs=pyproj.CRS.from_epsg(32722))
    net = network.build(pieces, modes.BUILTIN[name])
    rng = np.random.default_rng(8)
    west, south, east, north = net.bounds
    places = snapping.snap(net, spots(*rng.uniform((west, south), (east, north), (60, 2)) - (500_000.0, NORTH)))
    attached = places[places["snap_status"] == "ok"].reset_index(drop=True)
    narrow = 0
    for direction in DIRECTIONS:
        for row in range(len(attached)):
            one = attached.iloc[[row]].reset_index(drop=True)
            limit = 15.0 if name == "walk" else 2.0
            found = reach(net, one, limit=limit, direction=direction)
            assert_same(found, in_whole(net, one, limit=limit, direction=direction))
            narrow += found.window.tiles is not None
    assert narrow == 2 * len(attached) > 50
