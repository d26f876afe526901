from __future__ import annotations

import json
from typing import TYPE_CHECKING

import geopandas as gpd
import numpy as np
import pyproj
import pytest
import shapely
import slow_twin
from hypothesis import given, strategies as st
from worlds import BIKE, CAR, FOOT, HIKER, build, link, scattered, street, town

from geo import network, snapping, streets
from geo.modes import Mode
from geo.pairs import matrix
from geo.travel_times import minutes_at, reach

if TYPE_CHECKING:
    from pathlib import Path

    import pandas as pd

    from geo.catalogue import Direction
    from geo.network import Network

DIRECTIONS: tuple[Direction, Direction] = ("to_service", "from_service")
Places = list[tuple[float, float]]


def minutes(
    net: Network, people: Places, facilities: Places, *, limit: float = 60.0, direction: Direction = "to_service"
) -> tuple[list[float], list[int]]:
    found, nearest = minutes_at(
        reach(net, link(net, *facilities), limit=limit, direction=direction), link(net, *people)
    )
    return found.tolist(), nearest.tolist()


def pairs(net: Network, origins: Places, destinations: Places, *, limit: float = 60.0) -> dict[tuple[int, int], float]:
    table = matrix(net, link(net, *origins), link(net, *destinations), limit=limit)
    return {(one, other): value for one, other, value in table.itertuples(index=False, name=None)}


CROSS = street((0, 0), (1000, 0)), street((1000, 0), (1000, 500)), street((1000, 0), (2000, 0))


def test_leg_and_partial_edges_and_leg() -> None:
    """40 m to the street, 700 m to the crossing, 200 m up, 30 m to the door."""
    found, nearest = minutes(build(*CROSS), [(300, 40)], [(1030, 200)])
    assert found == pytest.approx([(40 + 700 + 200 + 30) / 100])
    assert nearest == [0]


def test_the_nearest_of_several() -> None:
    found, nearest = minutes(build(*CROSS), [(300, 0), (1900, 0)], [(1000, 400), (0, 0), (2000, 0)])
    assert found == pytest.approx([300 / 100, 100 / 100])
    assert nearest == [1, 2]


def test_on_one_edge_straight_along_it() -> None:
    found, _ = minutes(build(*CROSS), [(300, 10), (600, 0)], [(500, 20)])
    assert found == pytest.approx([(10 + 200 + 20) / 100, (100 + 20) / 100])


def test_a_detour_may_beat_the_way_along_the_edge() -> None:
    """One long bent edge whose ends are joined by a short one."""
    net = build(street((0, 0), (0, 1000), (100, 1000), (100, 0)), street((0, 0), (100, 0)))
    found, _ = minutes(net, [(0, 50)], [(100, 50)])
    assert found == pytest.approx([(50 + 100 + 50) / 100])


def test_the_limit_is_inclusive() -> None:
    net = build(*CROSS)
    assert minutes(net, [(300, 0)], [(1000, 500)], limit=12.0)[0] == [12.0]
    assert minutes(net, [(300, 0)], [(1000, 500)], limit=np.nextafter(12.0, 0.0)) == ([np.inf], [-1])
    assert pairs(net, [(300, 0)], [(1000, 500)], limit=12.0) == {(0, 0): 12.0}
    assert pairs(net, [(300, 0)], [(1000, 500)], limit=np.nextafter(12.0, 0.0)) == {}


def test_the_leg_counts_for_the_limit() -> None:
    assert minutes(build(*CROSS), [(300, 100)], [(500, 100)], limit=3.999) == ([np.inf], [-1])
    assert minutes(build(*CROSS), [(300, 100)], [(500, 100)], limit=4.0)[0] == pytest.approx([4.0])


@pytest.mark.parametrize("direction", DIRECTIONS)
@pytest.mark.parametrize("node", [(0, 0), (1000, 0), (1000, 500), (2000, 0)])
def test_a_facility_exactly_at_a_node(node: tuple[float, float], direction: Direction) -> None:
    """An arc of zero minutes is an arc: scipy must not take it for nothing."""
    people = [(0, 0), (500, 0), (1000, 0), (1000, 250), (2000, 0)]
    found, nearest = minutes(build(*CROSS), people, [node], direction=direction)
    expected = [
        abs(x - node[0]) + abs(y - node[1])
        if x == node[0] or y == node[1]
        else abs(x - 1000) + y + abs(node[0] - 1000) + node[1]
        for x, y in people
    ]
    assert found == pytest.approx([metres / 100 for metres in expected])
    assert nearest == [0] * 5
    assert pairs(build(*CROSS), [node], people) == pytest.approx(
        {(0, n): metres / 100 for n, metres in enumerate(expected)}
    )


def test_a_facility_at_a_node_is_not_bound_to_its_one_way_street() -> None:
    """Both streets are one-way towards (500, 0), where the facility is; the facility is linked to the first."""
    net = build(street((0, 0), (500, 0), oneway="yes"), street((1000, 0), (500, 0), oneway="yes"), mode=CAR)
    assert link(net, (500, 0))["edge"].tolist() == [0]
    assert minutes(net, [(200, 0), (900, 0)], [(500, 0)])[0] == pytest.approx([300 / 1000, 400 / 1000])
    assert minutes(net, [(200, 0), (900, 0)], [(500, 0)], direction="from_service")[0] == [np.inf, np.inf]


def test_parallel_edges_take_the_quickest() -> None:
    net = build(street((0, 0), (50, 80), (100, 0)), street((0, 0), (100, 0)), street((100, 0), (200, 0)))
    found, _ = minutes(net, [(-10, 0)], [(200, 0)])
    assert found == pytest.approx([(10 + 100 + 100) / 100])


def test_round_a_loop_the_shorter_way() -> None:
    """A square of 100 m sides that starts and ends at (0, 0), and a street that leads to it."""
    net = build(street((0, 0), (100, 0), (100, 100), (0, 100), (0, 0)), street((-100, 0), (0, 0)))
    found, _ = minutes(net, [(50, 0), (0, 50), (100, 100)], [(-100, 0)])
    assert found == pytest.approx([(50 + 100) / 100, (50 + 100) / 100, (200 + 100) / 100])
    found, _ = minutes(net, [(10, 0), (-100, 0), (50, 0)], [(0, 10)])
    assert found == pytest.approx([(10 + 10) / 100, (100 + 10) / 100, (50 + 10) / 100])


def test_round_a_one_way_loop_the_only_way() -> None:
    way_in = street((-100, 0), (0, 0), oneway="yes")
    net = build(street((0, 0), (100, 0), (100, 100), (0, 100), (0, 0), oneway="yes"), way_in, mode=CAR)
    assert minutes(net, [(10, 0), (0, 10)], [(0, 10)])[0] == pytest.approx([380 / 1000, 0.0])
    assert minutes(net, [(0, 10)], [(10, 0)])[0] == pytest.approx([20 / 1000])
    assert minutes(net, [(0, 10)], [(10, 0)], direction="from_service")[0] == pytest.approx([380 / 1000])


RING = (
    street((0, 0), (1000, 0), oneway="yes"),
    street((1000, 0), (1000, 1000), oneway="yes"),
    street((1000, 1000), (0, 0)),
)
ROUND_M = 1000 + np.hypot(1000, 1000)


@pytest.mark.parametrize("against", [False, True], ids=["yes", "-1"])
def test_two_places_on_one_one_way_edge(against: bool) -> None:  # noqa: FBT001
    """With the traffic 400 m, against it all the way round; drawn either way."""
    first = street((1000, 0), (0, 0), oneway="-1") if against else RING[0]
    net = build(first, *RING[1:], mode=CAR)
    ahead, round_about = 400 / 1000, (600 + ROUND_M) / 1000
    assert minutes(net, [(300, 0)], [(700, 0)])[0] == pytest.approx([ahead])
    assert minutes(net, [(700, 0)], [(300, 0)])[0] == pytest.approx([round_about])
    assert minutes(net, [(300, 0)], [(700, 0)], direction="from_service")[0] == pytest.approx([round_about])
    assert minutes(net, [(700, 0)], [(300, 0)], direction="from_service")[0] == pytest.approx([ahead])
    assert pairs(net, [(300, 0), (700, 0)], [(300, 0), (700, 0)]) == pytest.approx(
        {(0, 0): 0.0, (0, 1): ahead, (1, 0): round_about, (1, 1): 0.0}
    )


def test_one_ways_do_not_bind_walkers() -> None:
    assert minutes(build(*RING), [(700, 0)], [(300, 0)])[0] == pytest.approx([400 / 100])


def test_uphill_is_slower_than_downhill() -> None:
    net = build(street((0, 0), (100, 0)), mode=HIKER, gradient=np.array([0.1]))
    assert minutes(net, [(0, 0)], [(100, 0)])[0] == pytest.approx([np.exp(0.35)])
    assert minutes(net, [(0, 0)], [(100, 0)], direction="from_service")[0] == pytest.approx(
        [np.exp(-3.5 * (0.05 - 0.05))]
    )
    assert minutes(net, [(100, 0)], [(0, 0)])[0] == pytest.approx([1.0])


def test_drivers_walk_the_last_metres() -> None:
    net = build(street((0, 0), (1000, 0)), mode=CAR)
    assert minutes(net, [(0, 100)], [(1000, 200)])[0] == pytest.approx([100 / 100 + 1000 / 1000 + 200 / 100])


def test_who_is_not_attached() -> None:
    net = build(*CROSS, street((0, 5000), (100, 5000)), island_m=500.0)
    found, nearest = minutes_at(
        reach(net, link(net, (0, 0)), limit=60), link(net, (0, 400), (50, 5001), None, (100, 0))
    )
    assert found[:2].tolist() == [np.inf, np.inf]
    assert np.isnan(found[2])
    assert found[3] == pytest.approx(100 / 100)
    assert nearest.tolist() == [-1, -1, -1, 0]


@pytest.mark.parametrize("facilities", [[], [(0, 400)], [None], [(50, 5001)]])
def test_no_facility_that_can_be_reached(facilities: Places) -> None:
    net = build(*CROSS, street((0, 5000), (100, 5000)), island_m=500.0)
    found, nearest = minutes_at(reach(net, link(net, *facilities), limit=60), link(net, (0, 0), (50, 5001)))
    assert found.tolist() == [np.inf, np.inf]
    assert nearest.tolist() == [-1, -1]
    assert matrix(net, link(net, *facilities), link(net, (0, 0)), limit=60).empty
    assert matrix(net, link(net, (0, 0)), link(net, *facilities), limit=60).empty


def test_facilities_not_attached_keep_their_row_number() -> None:
    net = build(*CROSS)
    assert minutes(net, [(300, 0), (1900, 0)], [(0, 400), None, (2000, 0), (0, 0)])[1] == [3, 2]


def test_what_no_street_joins_is_not_reached() -> None:
    net = build(street((0, 0), (1000, 0)), street((0, 50), (1000, 50)))
    found, _ = minutes(net, [(500, 10), (500, 40)], [(500, 45)])
    assert found[0] == np.inf
    assert found[1] == pytest.approx((10 + 5) / 100)


def test_a_street_of_no_length_joins_its_ends() -> None:
    net = build(street((0, 0), (100, 0)), street((100, 0), (100, 0)), street((100, 0), (200, 0)))
    found, _ = minutes(net, [(0, 0), (210, 0)], [(100, 30)])
    assert found == pytest.approx([(100 + 30) / 100, (10 + 100 + 30) / 100])


def test_pairs_are_sorted_and_within_the_limit() -> None:
    net = build(*CROSS)
    table = matrix(net, link(net, (0, 0), (1000, 0), (2000, 0)), link(net, (2000, 0), (0, 0)), limit=10)
    assert table.to_dict("list") == {
        "origin": [0, 1, 1, 2],
        "destination": [1, 0, 1, 0],
        "minutes": [0.0, 10.0, 10.0, 0.0],
    }


def test_many_origins_go_in_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    net = town(3)
    people, places = snapping.snap(net, scattered(3, 20)), snapping.snap(net, scattered(4, 10))
    whole = matrix(net, people, places, limit=20)
    monkeypatch.setattr("geo.kernels.compiled", None)
    monkeypatch.setattr("geo.pairs._DENSE_CELLS", net.node_count * 3)
    assert matrix(net, people, places, limit=20).equals(whole)
    assert len(whole) > 50


# -- against the slow twin ---------------------------------------------------------------------------


def check(
    net: Network, people: pd.DataFrame, facilities: pd.DataFrame, direction: Direction, *, limit: float = 60.0
) -> float:
    """Hold both engines to one another; return the share of people who reach something."""
    if direction == "to_service":
        table = slow_twin.minutes(net, people, facilities, limit=limit)
    else:
        table = slow_twin.minutes(net, facilities, people, limit=limit).T
    slow = table.min(axis=1)
    found, nearest = minutes_at(reach(net, facilities, limit=limit, direction=direction), people)
    there = np.isfinite(slow)
    assert (np.isfinite(found) == there).all()
    assert np.abs(found[there] - slow[there]).max(initial=0.0) < 1e-6
    theirs = table[np.flatnonzero(there), nearest[there]]
    assert np.abs(theirs - slow[there]).max(initial=0.0) < 1e-6
    one, other = (people, facilities) if direction == "to_service" else (facilities, people)
    listed = matrix(net, one, other, limit=limit)
    dense = np.full((len(one), len(other)), np.inf)
    dense[listed["origin"], listed["destination"]] = listed["minutes"]
    dense = dense if direction == "to_service" else dense.T
    assert (np.isfinite(dense) == np.isfinite(table)).all()
    assert np.abs(dense[np.isfinite(dense)] - table[np.isfinite(table)]).max(initial=0.0) < 1e-6
    return float(there.mean())


@pytest.mark.parametrize("direction", DIRECTIONS)
@pytest.mark.parametrize("mode", [FOOT, CAR, BIKE], ids=lambda mode: mode.name)
@given(seed=st.integers(0, 10_000))
def test_little_towns_equal_the_slow_twin(mode: Mode, direction: Direction, seed: int) -> None:
    net = town(seed, mode=mode)
    facilities = snapping.snap(net, np.concatenate([scattered(seed + 1, 3), shapely.get_point(net.lines[:1], -1)]))
    people = np.concatenate([scattered(seed, 25), shapely.get_point(net.lines[:5], 0)])
    assert check(net, snapping.snap(net, people), facilities, direction) > 0


# -- against published distances ---------------------------------------------------------------------


def monaco(shared: Path, *, sphere_m: float | None) -> list[tuple[str, float, float]]:
    """Return what, metres published, metres found, for every pair, without the legs to the street."""
    folder = shared / "data" / "monaco"
    pieces = streets.read_osm(folder / "monaco.osm.gz", crs=pyproj.CRS.from_epsg(32632), sphere_m=sphere_m)
    oracle = json.loads((shared / "oracle" / "monaco_distances.json").read_text(encoding="utf-8"))
    rows = []
    for access in ("foot", "car"):
        net = network.build(pieces, Mode(access, access, 60.0, 4.5))
        for pair in oracle[access]:
            ends = []
            for lat, lon in (pair["from"], pair["to"]):
                place = gpd.GeoSeries([shapely.Point(lon, lat)], crs=4326).to_crs(net.crs).to_numpy()
                ends.append(snapping.snap(net, place).assign(snap_m=0.0))
            found = matrix(net, *ends, limit=60)["minutes"].tolist()
            rows.append((f"{access} {pair['from']}", float(pair["metres"]), found[0] * 1000 if found else np.inf))
    return rows


def test_monaco_as_published(shared: Path) -> None:
    found = monaco(shared, sphere_m=None)
    assert len(found) == 12
    assert [row for row in found if abs(row[1] - row[2]) > max(2.0, 0.002 * row[1])] == []


def test_monaco_on_the_sphere_of_the_publisher(shared: Path) -> None:
    found = monaco(shared, sphere_m=6_371_000.0)
    assert len(found) == 12
    assert [row for row in found if abs(row[1] - row[2]) > 1.0] == []


# -- what always holds -------------------------------------------------------------------------------


@given(st.integers(0, 10_000), st.floats(0.5, 8.0), st.floats(0.0, 5.0))
def test_a_longer_limit_never_serves_fewer(seed: int, limit: float, more: float) -> None:
    net = town(seed)
    people, facilities = snapping.snap(net, scattered(seed, 60)), snapping.snap(net, scattered(seed + 1, 3))
    less = minutes_at(reach(net, facilities, limit=limit), people)[0]
    longer = minutes_at(reach(net, facilities, limit=limit + more), people)[0]
    served = np.isfinite(less)
    assert (longer[served] == less[served]).all()
    assert (longer[~served] > limit).all()


@given(st.integers(0, 10_000))
def test_a_new_facility_never_serves_fewer(seed: int) -> None:
    net = town(seed)
    people, facilities = snapping.snap(net, scattered(seed, 60)), snapping.snap(net, scattered(seed + 1, 4))
    before = minutes_at(reach(net, facilities.iloc[:3], limit=60), people)[0]
    after = minutes_at(reach(net, facilities, limit=60), people)[0]
    assert (after <= before).all()


@pytest.mark.parametrize("direction", DIRECTIONS)
@given(seed=st.integers(0, 10_000), people_order=st.permutations(range(40)), order=st.permutations(range(6)))
def test_the_order_of_rows_changes_nothing(
    direction: Direction, seed: int, people_order: list[int], order: list[int]
) -> None:
    net = town(seed, mode=CAR)
    people, facilities = snapping.snap(net, scattered(seed, 40)), snapping.snap(net, scattered(seed + 1, 6))
    found, nearest = minutes_at(reach(net, facilities, limit=30, direction=direction), people)
    turned = reach(net, facilities.iloc[order].reset_index(drop=True), limit=30, direction=direction)
    again, other = minutes_at(turned, people.iloc[people_order].reset_index(drop=True))
    assert (again == found[people_order]).all()
    named = np.append(order, -1)[other]
    assert (named == nearest[people_order]).all()


@given(st.integers(0, 10_000))
def test_walking_there_and_back_takes_as_long(seed: int) -> None:
    net = town(seed)
    people, facilities = snapping.snap(net, scattered(seed, 40)), snapping.snap(net, scattered(seed + 1, 3))
    there, back = (minutes_at(reach(net, facilities, limit=60, direction=way), people)[0] for way in DIRECTIONS)
    finite = np.isfinite(there)
    assert (np.isfinite(back) == finite).all()
    assert back[finite] == pytest.approx(there[finite])
