"""The compiled loops give what the arrays give, to the last bit: two ways, one answer."""

from __future__ import annotations

import os
import subprocess
import sys
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import pyproj
import pytest
import shapely
from hypothesis import assume, given, settings, strategies as st
from random_networks import worlds
from worlds import BIKE, CAR, FOOT, build, line, link, scattered, spots, street, town

from geo import barriers, catchments, kernels, modes, network, pairs, snapping, streets, tiles, travel_times, windows
from geo.cells import CellLinks
from geo.errors import GeoValueError

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from random_networks import World

    from geo.modes import Mode
    from geo.network import Network

needs_loops = pytest.mark.skipif(
    kernels.compiled is None, reason="no compiled loops: geo was installed without a C compiler"
)


def both(make: Callable[[], Any]) -> tuple[Any, Any]:
    """What the loops make, and what the arrays make."""
    compiled = make()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(kernels, "compiled", None)
        return compiled, make()


def same(one: Any, other: Any) -> bool:
    if isinstance(one, pd.DataFrame):
        return bool(one.equals(other))
    return np.array_equal(np.asarray(one), np.asarray(other), equal_nan=np.asarray(one).dtype.kind == "f")


def linked(net: Network, places: np.ndarray, *, fence: barriers.Fence | None = None) -> pd.DataFrame:
    one, other = both(lambda: snapping.snap(net, places, barriers=fence))
    assert same(one, other)
    return one


def hold_searches(net: Network, people: pd.DataFrame, facilities: pd.DataFrame, limit: float) -> None:
    for direction in ("to_service", "from_service"):

        def together(direction: Any = direction) -> list[np.ndarray]:
            found = travel_times.reach(net, facilities, limit=limit, direction=direction)
            return [found.node_minutes, found.node_nearest, *travel_times.minutes_at(found, people)]

        def apart(direction: Any = direction) -> list[np.ndarray]:
            searches = travel_times.reach_each(net, facilities, limit=limit, direction=direction)
            return [table for found in searches for table in (found.facilities.row, found.minutes, found.node_nearest)]

        for make in (together, apart):
            one, other = both(make)
            assert len(one) == len(other)
            assert all(same(*each) for each in zip(one, other, strict=True))
    one, other = both(lambda: pairs.matrix(net, people, facilities, limit=limit))
    assert same(one, other)


def hold_zones(net: Network, facilities: pd.DataFrame, fence: barriers.Fence | None = None) -> None:
    limits = [1.0, 3.0, 2.0]
    for combine in ("each", "dissolve", "split"):

        def zones(combine: str = combine) -> np.ndarray:
            # Cells anew: they are linked by the loops, or by the arrays, too.
            links = CellLinks(net, 12.5, barriers=fence)
            return shapely.to_wkb(catchments.shapes(links, facilities, limits, combine=combine).ravel())

        one, other = both(zones)
        assert (one == other).all(), combine


@needs_loops
@settings(max_examples=60)
@given(world=worlds(), mode=st.sampled_from([FOOT, BIKE, CAR]), limit=st.sampled_from([1e6, 60.0, 4.3, 0.9, 0.0]))
def test_random_networks(world: World, mode: Mode, limit: float) -> None:
    try:
        net = network.build(world.pieces, mode, gradient=world.gradient, island_m=world.island_m)
    except GeoValueError:
        assume(False)  # noqa: FBT003 - that is how hypothesis takes it
    hold_searches(net, linked(net, world.people), linked(net, world.facilities), limit)


@needs_loops
@settings(max_examples=10)
@given(seed=st.integers(0, 10_000), mode=st.sampled_from([FOOT, CAR]), side_m=st.sampled_from([60.0, 1000.0]))
def test_towns_as_a_whole_and_in_windows(seed: int, mode: Mode, side_m: float) -> None:
    with pytest.MonkeyPatch.context() as patch:
        if side_m == 60.0:
            patch.setattr(windows, "_WORTH", 1.0)
            patch.setattr(
                network,
                "_tiling",
                lambda xy: tiles.Tiling.over((*xy.min(axis=0), *xy.max(axis=0)), things=len(xy), side_m=side_m),
            )
        net = town(seed, mode=mode)
        places = np.concatenate([scattered(seed, 30), shapely.get_point(net.lines[:5], 0), spots((9000, 0), None)])
        people, facilities = linked(net, places), linked(net, scattered(seed + 1, 6))
        hold_searches(net, people, facilities, 2.5)
        hold_zones(net, facilities)


@needs_loops
@settings(max_examples=6)
@given(seed=st.integers(0, 10_000))
def test_zones_behind_walls(seed: int) -> None:
    net, rng = town(seed), np.random.default_rng(seed)
    walls = np.array([line(*(tuple(at) for at in rng.uniform(0, 500, (2, 2)))) for _ in range(3)], dtype=object)
    fence = barriers.fence(walls, np.empty(0, dtype=object))
    hold_zones(net, linked(net, scattered(seed, 5), fence=fence), fence)


@needs_loops
def test_of_equally_near_services_the_first_one_is_the_nearest() -> None:
    """Ten services at one place, and one as far on the other side: whoever is as near to all has the first."""
    net = build(street((0, 0), (500, 0)), street((500, 0), (1000, 0)))
    for order in ([(0, 0)] + [(1000, 0)] * 10, [(1000, 0)] * 10 + [(0, 0)]):
        found, plain = both(lambda order=order: travel_times.reach(net, link(net, *order), limit=60))
        assert same(found.node_nearest, plain.node_nearest)
        middle = np.argsort(net.node_xy[:, 0])[1:2]
        assert found.node_nearest[middle].tolist() == [0]
        assert found.node_minutes[middle].tolist() == [5.0]


@needs_loops
def test_a_hundred_lines_through_one_point_give_it_to_the_first() -> None:
    """More lines at one distance than the loop remembers at once."""
    angles = np.linspace(0, np.pi, 100, endpoint=False)
    spokes = [street((-300 * np.cos(a), -300 * np.sin(a)), (300 * np.cos(a), 300 * np.sin(a))) for a in angles]
    net = build(*spokes)
    found = linked(net, spots((0, 0), (0.3, 0.2), (1e-10, 0), (299, 1)))
    assert found["edge"].iloc[0] == 0
    assert found["snap_m"].iloc[0] == pytest.approx(0.0, abs=1e-9)


@needs_loops
def test_far_from_everything_and_beyond_the_tiles() -> None:
    net = build(street((0, 0), (1000, 0)), street((0, 4000), (1000, 4000)))
    found = linked(net, spots((500, 299.9), (500, 300.1), (-250, 0), (-400, 0), (500, 4250), (500, 2000), (5000, 9000)))
    assert found["snap_status"].tolist() == ["ok", "far", "ok", "far", "ok", "far", "far"]
    assert found["snap_m"].to_numpy() == pytest.approx([299.9, 300.1, 250, 400, 250, 2000, np.hypot(4000, 5000)])


@needs_loops
def test_nothing_to_search_and_nobody_to_find() -> None:
    net = build(street((0, 0), (1000, 0)))
    nobody, somebody = linked(net, spots()), linked(net, spots((500, 5)))
    hold_searches(net, somebody, nobody, 15.0)
    hold_searches(net, nobody, somebody, 15.0)
    hold_zones(net, nobody)


@needs_loops
@pytest.mark.slow
@pytest.mark.parametrize("name", modes.BUILTIN)
def test_a_city(name: str, shared: Path) -> None:
    """Monaco: one-ways, private streets, forbidden turns; streets that rise at random."""
    pieces = streets.read_osm(shared / "data" / "monaco" / "monaco.osm.gz", crs=pyproj.CRS.from_epsg(32632))
    rng = np.random.default_rng(3)
    net = network.build(pieces, modes.BUILTIN[name], gradient=rng.normal(0.0, 0.1, len(pieces)))
    at = shapely.get_coordinates(shapely.line_interpolate_point(rng.choice(net.lines, 340), 0.4, normalized=True))
    found = linked(net, shapely.points(at + rng.normal(0.0, 30.0, at.shape)))
    people, facilities = found.iloc[:300].reset_index(drop=True), found.iloc[300:].reset_index(drop=True)
    hold_searches(net, people, facilities, 15.0)
    hold_zones(net, facilities)


def said(*words: str, wish: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "geo.cli", *words]
    return subprocess.run(
        command, env={**os.environ, "GEO_COMPILED": wish}, capture_output=True, text=True, check=False, encoding="utf-8"
    )


def test_the_switch_is_heeded() -> None:
    assert "no compiled loops" in said("--version", wish="off").stdout
    assert ("no compiled loops" in said("--version", wish="").stdout) == (kernels.compiled is None)


@pytest.mark.parametrize("words", [("--version",), ("run", "no/such/study")])
def test_a_wish_that_nobody_knows_is_a_line_not_a_traceback(words: tuple[str, ...]) -> None:
    found = said(*words, wish="requried")
    assert (found.returncode, found.stdout) == (1, "")
    assert found.stderr == "  ✗ GEO_COMPILED=requried; accepted are off, required, or nothing at all\n"


def test_another_version_is_not_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "_geo_kernels", SimpleNamespace(VERSION=0))
    assert kernels._found("") is None
    with pytest.raises(GeoValueError, match="is of version 0, not 1: install geo again"):
        kernels._found("required")
    monkeypatch.setitem(sys.modules, "_geo_kernels", None)
    assert kernels._found("") is None
    with pytest.raises(GeoValueError, match="is not there: install geo again, where there is a C compiler"):
        kernels._found("required")
