"""The engine's minutes equal the slow twin's to 1e-6: on random small networks and on real cities."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pyproj
import pytest
import shapely
import slow_twin
from hypothesis import given, settings
from random_networks import worlds
from worlds import BIKE, CAR, FOOT

from geo import modes, network, snapping, streets, terrain
from geo.errors import GeoValueError
from geo.modes import Mode

if TYPE_CHECKING:
    from pathlib import Path

    import geopandas as gpd
    import pandas as pd
    from random_networks import World

    from geo.catalogue import Direction
    from geo.network import Network

DIRECTIONS: tuple[Direction, Direction] = ("to_service", "from_service")
HIKER = Mode("walk", "foot", 6.0, 6.0, slope=True)
RIDER = Mode("ebike", "bicycle", 30.0, 6.0, slope=True)
DRIVER = Mode("drive", "car", None, 6.0)
MODES = {"foot": FOOT, "foot, slope": HIKER, "bicycle": BIKE, "bicycle, slope": RIDER, "car": CAR, "car by class": DRIVER}


def built(world: World, mode: Mode) -> Network | None:
    """The network of a mode; None where it may use no street."""
    try:
        return network.build(world.pieces, mode, gradient=world.gradient, island_m=world.island_m)
    except GeoValueError:
        return None


def hold(world: World, mode: Mode) -> None:
    """Both directions, all people and facilities of a world."""
    net, facts = built(world, mode), slow_twin.streets_of(world.pieces, mode, world.gradient)
    if net is None:
        assert not np.isfinite([facts.along, facts.against]).any()
        return
    people, facilities = snapping.snap(net, world.people), snapping.snap(net, world.facilities)
    facilities["delay_minutes"] = world.delay_minutes
    for direction in DIRECTIONS:
        for limit in (60.0, 4.3):
            slow_twin.hold(net, people, facilities, direction=direction, limit=limit, streets=facts)


@pytest.mark.parametrize("name", MODES)
@settings(max_examples=150)
@given(world=worlds())
def test_random_networks(name: str, world: World) -> None:
    hold(world, MODES[name])


@pytest.mark.slow
@pytest.mark.parametrize("name", MODES)
@settings(max_examples=1000)
@given(world=worlds())
def test_a_thousand_random_networks(name: str, world: World) -> None:
    hold(world, MODES[name])
