"""The engine's minutes equal the slow twin's to 1e-6: on random small networks and on real cities."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import geopandas as gpd
import numpy as np
import pyproj
import pytest
import shapely
import slow_twin
from hypothesis import assume, given, settings, strategies as st
from random_networks import worlds
from worlds import BIKE, CAR, FOOT, HIKER, METRIC

from geo import kernels, modes, network, pairs, snapping, streets, terrain, travel_times, windows
from geo.errors import GeoValueError
from geo.modes import Mode
from geo.tiles import Tiling

if TYPE_CHECKING:
    from pathlib import Path

    import pandas as pd
    from random_networks import World

    from geo.catalogue import Direction
    from geo.network import Network

DIRECTIONS: tuple[Direction, Direction] = ("to_service", "from_service")
RIDER = Mode("ebike", "bicycle", 30.0, 6.0, slope=True)
DRIVER = Mode("drive", "car", None, 6.0)
MODES = {
    "foot": FOOT,
    "foot, slope": HIKER,
    "bicycle": BIKE,
    "bicycle, slope": RIDER,
    "car": CAR,
    "car by class": DRIVER,
}


def built(world: World, mode: Mode) -> Network | None:
    """The network of a mode; None where it may use no street."""
    try:
        return network.build(world.pieces, mode, gradient=world.gradient, island_m=world.island_m)
    except GeoValueError:
        return None


def hold(world: World, mode: Mode) -> None:
    """Both directions, a long limit and a short one, all people and facilities of a world."""
    net, facts = built(world, mode), slow_twin.streets_of(world.pieces, mode, world.gradient)
    if net is None:
        assert not np.isfinite([facts.along, facts.against]).any()
        return
    people, facilities = snapping.snap(net, world.people), snapping.snap(net, world.facilities)
    facilities["delay_minutes"] = world.delay_minutes
    for direction in DIRECTIONS:
        slow_twin.hold(net, people, facilities, direction=direction, limits=(60.0, 4.3), streets=facts)


@pytest.mark.parametrize("name", MODES)
@settings(max_examples=40)
@given(world=worlds())
def test_random_networks(name: str, world: World) -> None:
    hold(world, MODES[name])


@pytest.mark.slow
@pytest.mark.parametrize("name", MODES)
@settings(max_examples=1000)
@given(world=worlds())
def test_a_thousand_random_networks(name: str, world: World) -> None:
    hold(world, MODES[name])


@given(worlds(), st.sampled_from(list(MODES.values())))
def test_places_are_linked_as_by_measuring_every_street(world: World, mode: Mode) -> None:
    net = built(world, mode)
    assume(net is not None)
    places = np.concatenate([world.people, world.facilities])
    for cap_m in (300.0, 45.0):
        found, slow = snapping.snap(net, places, cap_m=cap_m), slow_twin.links(net, places, cap_m=cap_m)
        assert found["snap_status"].tolist() == slow["snap_status"].tolist()
        for metres in ("snap_m", "snap_m2"):
            # Of streets equally near, one of which is one-way, either may be first.
            known = (found["edge"] == slow["edge"]).to_numpy() | (metres == "snap_m")
            assert found.loc[known, metres].tolist() == pytest.approx(slow.loc[known, metres].tolist(), nan_ok=True)
        for number in ("", "2"):
            there = np.flatnonzero(found[f"edge{number}"] >= 0)
            lines = net.lines[found[f"edge{number}"].to_numpy()[there]]
            feet = shapely.line_interpolate_point(lines, found[f"fraction{number}"].to_numpy()[there], normalized=True)
            metres = shapely.distance(feet, places[there])
            assert metres == pytest.approx(found[f"snap_m{number}"].to_numpy()[there], abs=1e-5)


# -- the same by any inner way ------------------------------------------------------------------------


def in_small_tiles(box: tuple[float, float, float, float], *, things: int) -> Tiling:
    return Tiling.over(box, things=things, side_m=60.0)


@pytest.mark.parametrize("name", MODES)
@settings(max_examples=15)
@given(world=worlds(), few=st.sampled_from([0, 5000]), loops=st.sampled_from([kernels.compiled, None]))
def test_random_networks_in_small_tiles(name: str, world: World, few: int, loops: object) -> None:
    """Worlds are smaller than a tile: with small ones, searches run in windows and links look at near streets only."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(network, "_tiling", lambda xy: in_small_tiles((*xy.min(axis=0), *xy.max(axis=0)), things=len(xy)))
        patch.setattr(snapping, "_SMALL", 0)
        patch.setattr(snapping, "_FEW", few)
        patch.setattr(windows, "_WORTH", 1.0)
        patch.setattr(windows, "_CELLS", 1)
        patch.setattr(travel_times, "_DENSE_CELLS", 1)
        patch.setattr(pairs, "_DENSE_CELLS", 1)
        patch.setattr(kernels, "compiled", loops)
        net, facts = built(world, MODES[name]), slow_twin.streets_of(world.pieces, MODES[name], world.gradient)
        assume(net is not None)
        people, facilities = snapping.snap(net, world.people), snapping.snap(net, world.facilities)
        for direction in DIRECTIONS:
            limits = (60.0, 4.3, 0.9, 0.2)
            slow_twin.hold(net, people, facilities, direction=direction, limits=limits, streets=facts)
    whole = built(world, MODES[name])
    assert snapping.snap(whole, world.people).equals(people)


# -- cities -------------------------------------------------------------------------------------------


class City(NamedTuple):
    pieces: gpd.GeoDataFrame
    gradient: np.ndarray | None


@pytest.fixture(scope="module")
def porto_alegre(shared: Path) -> City:
    folder = shared / "data" / "portoalegre"
    pieces = terrain.cut(streets.read_osm(folder / "poa_osm.pbf", crs=pyproj.CRS.from_epsg(32722)))
    return City(pieces, terrain.gradients(pieces, folder / "poa_elevation.tif").rise_over_run)


@pytest.fixture(scope="module")
def futian(shared: Path) -> City:
    file = shared / "data" / "futian" / "futian_osmnx.graphml"
    return City(streets.read_graphml(file, crs=pyproj.CRS.from_epsg(4547)), None)


@pytest.fixture(scope="module")
def monaco(shared: Path) -> City:
    """Steep in fact; here every street rises at random, since no model of its heights is at hand."""
    pieces = streets.read_osm(shared / "data" / "monaco" / "monaco.osm.gz", crs=pyproj.CRS.from_epsg(32632))
    return City(pieces, np.random.default_rng(3).normal(0.0, 0.1, len(pieces)))


def about(net: Network, *, people: int, facilities: int) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Places spread along the streets and up to some 400 m off them, the same every time."""
    rng = np.random.default_rng(20_261_231)
    count = people + facilities
    lines = net.lines[rng.integers(0, len(net.lines), count)]
    xy = shapely.get_coordinates(shapely.line_interpolate_point(lines, rng.random(count), normalized=True))
    off = rng.normal(0.0, 60.0, (count, 2))
    off[: count // 50] *= 6
    # Every tenth stands on a junction.
    xy[::10], off[::10] = shapely.get_coordinates(shapely.get_point(lines[::10], -1)), 0.0
    linked = snapping.snap(net, shapely.points(xy + off))
    return linked.iloc[:people].reset_index(drop=True), linked.iloc[people:].reset_index(drop=True)


def hold_city(city: City, name: str, direction: Direction, *, people: int) -> float:
    """Hold the engine to the twin in a city; return the share of people who reach something within half an hour."""
    mode = modes.BUILTIN[name]
    net = network.build(city.pieces, mode, gradient=city.gradient)
    facts = slow_twin.streets_of(city.pieces, mode, city.gradient)
    start, ends = about(net, people=people, facilities=20)
    ends["delay_minutes"] = np.tile([0.0, 3.5], 10)
    slow = slow_twin.hold(net, start, ends, direction=direction, limits=(30.0, 10.0), streets=facts)
    return float(np.isfinite(slow.min(axis=1)).mean())


@pytest.mark.slow
@pytest.mark.parametrize("direction", DIRECTIONS)
@pytest.mark.parametrize("name", modes.BUILTIN)
def test_porto_alegre(porto_alegre: City, name: str, direction: Direction) -> None:
    assert hold_city(porto_alegre, name, direction, people=500) > 0.2


@pytest.mark.parametrize("name", modes.BUILTIN)
def test_futian(futian: City, name: str) -> None:
    assert hold_city(futian, name, "to_service", people=300) > 0.8


@pytest.mark.parametrize("direction", DIRECTIONS)
@pytest.mark.parametrize("name", modes.BUILTIN)
def test_monaco(monaco: City, name: str, direction: Direction) -> None:
    assert hold_city(monaco, name, direction, people=200) > 0.8


@pytest.mark.slow
@pytest.mark.parametrize("county", ["yongchun", "nanan", "quangang"])
@pytest.mark.parametrize("name", ["walk", "drive"])
def test_samples(sample_layers: Path, county: str, name: str) -> None:
    file = sample_layers / county / "streets.osm.pbf"
    if not file.is_file():
        pytest.skip(f"no sample study {county}: write it with geo sample {county}")
    assert hold_city(City(streets.read_osm(file, crs=METRIC), None), name, "to_service", people=300) > 0.2


def test_in_monaco_a_one_way_pair_and_two_places_on_one_edge(shared: Path) -> None:
    """As GraphHopper publishes them, by car and to the metre, from foot to foot on its sphere; both ways of asking."""
    file = shared / "data" / "monaco" / "monaco.osm.gz"
    pieces = streets.read_osm(file, crs=pyproj.CRS.from_epsg(32632), sphere_m=6_371_000.0)
    car = Mode("drive", "car", 60.0, 4.5)  # 1 km a minute
    net, facts = network.build(pieces, car), slow_twin.streets_of(pieces, car)
    upper, lower = (43.729445, 7.415063), (43.728856, 7.41472)
    north, south = (43.727712, 7.419333), (43.727592, 7.419333)
    for start, end, metres in ((upper, lower, 103), (lower, upper, 320), (south, north, 0)):
        lonlat = gpd.GeoSeries(gpd.points_from_xy(*zip(start[::-1], end[::-1], strict=True)), crs=4326)
        both = snapping.snap(net, lonlat.to_crs(net.crs).to_numpy()).assign(snap_m=0.0, edge2=-1)
        one, other = both.iloc[[0]], both.iloc[[1]].reset_index(drop=True)
        slow = slow_twin.hold(net, one, other, streets=facts)
        assert slow[0, 0] * 1000 == pytest.approx(metres, abs=1.0)
        back = slow_twin.hold(net, other, one, direction="from_service", streets=facts)
        assert back[0, 0] == pytest.approx(slow[0, 0], abs=1e-9)
