"""Isochrones of three cities: valid, nested, true to a cell on every street, and to 1 % of a drawing with cells of 1 m.

Facilities stand near random streets; the truth of any place is what a person there would be told: the nearest
street that a leg reaches, and the minutes from there.
"""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING, NamedTuple

import geopandas as gpd
import numpy as np
import pytest
import shapely

from geo import queries, snapping, surfaces
from geo.travel_times import minutes_at, reach

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from geo.network import Network

CITIES = {
    "Porto Alegre": "portoalegre/poa_osm.pbf",
    "Futian": "futian/futian_osmnx.graphml",
    "Monaco": "monaco/monaco.osm.gz",
}
FEW, ALL = 4, 20
BANDS = [5.0, 10.0, 15.0]
ROWS = 200
LIVE_WITHIN_M = 20.0  # standard deviation of where people live, across the street


class City(NamedTuple):
    """Walking streets, facilities and a limit for each, between 5 and 15 minutes."""

    streets: Network
    facilities: gpd.GeoDataFrame
    limits: np.ndarray


@pytest.fixture(scope="module", params=CITIES)
def city(request: pytest.FixtureRequest, shared: Path) -> City:
    net = queries.read_streets(shared / "data" / CITIES[request.param])
    rng = np.random.default_rng(60)
    places = beside(net, rng, ALL, rng.uniform(-30.0, 30.0, (ALL, 2)))
    return City(net, gpd.GeoDataFrame(geometry=places, crs=net.crs), rng.uniform(5.0, 15.0, ALL).round(1))


def beside(net: Network, rng: np.random.Generator, count: int, off: np.ndarray) -> np.ndarray:
    """Random places along the streets that matter, by street length, moved by some metres."""
    lines = net.lines[~net.island]
    length = shapely.length(lines)
    chosen = lines[rng.choice(len(lines), count, p=length / length.sum())]
    xy = shapely.get_coordinates(shapely.line_interpolate_point(chosen, rng.random(count), normalized=True))
    return shapely.points(xy + off)


def truth(city: City, row: int) -> Callable[[np.ndarray], np.ndarray]:
    """Say who is within the limit of a facility, of places (n, 2)."""
    net, limit = city.streets, city.limits[row]
    ends = snapping.snap(net, city.facilities.geometry.to_numpy()[[row]])
    found = reach(net, ends, limit=limit + 1.0)
    return lambda xy: minutes_at(found, snapping.snap_xy(net, xy))[0] <= limit


def zone(city: City, row: int, cell_m: float) -> shapely.MultiPolygon:
    rings = queries.isochrones(city.streets, city.facilities.iloc[[row]], minutes=city.limits[row], cell_m=cell_m)
    shape = rings.geometry.iloc[0]
    shapely.prepare(shape)
    return shape


@pytest.mark.parametrize("combine", ["each", "dissolve", "split"])
def test_valid_and_nested(city: City, combine: queries.Combine) -> None:
    rings = queries.isochrones(city.streets, city.facilities, minutes=BANDS, combine=combine)
    assert len(rings) == (1 if combine == "dissolve" else ALL) * len(BANDS)
    shapes = rings.geometry.to_numpy()
    assert shapely.is_valid(shapes).all()
    assert (shapely.area(shapes[len(BANDS) - 1 :: len(BANDS)]) > 0).all()
    for one in range(0, len(shapes), len(BANDS)):
        for inner, outer in itertools.pairwise(shapes[one : one + len(BANDS)]):
            assert inner.is_empty or shapely.covers(outer, inner)
            assert shapely.difference(inner, outer).area == 0.0


def street_points(net: Network, *, every_m: float) -> np.ndarray:
    count = np.maximum(np.ceil(shapely.length(net.lines) / every_m).astype(int), 1)
    edge = np.repeat(np.arange(len(count)), count)
    step = np.arange(len(edge)) - np.repeat(np.cumsum(count) - count, count)
    return shapely.get_coordinates(
        shapely.line_interpolate_point(net.lines[edge], (step + 0.5) / count[edge], normalized=True)
    )


def check_streets(city: City, rows: range, *, cell_m: float, every_m: float) -> None:
    """Every street point is on its side of the polygon, or within a cell of places that are on the other."""
    points = street_points(city.streets, every_m=every_m)
    around = np.stack(np.meshgrid(*[np.linspace(-cell_m, cell_m, 17)] * 2), axis=-1).reshape(-1, 2)
    around = around[np.hypot(*around.T) <= cell_m]
    for row in rows:
        served, shape = truth(city, row), zone(city, row, cell_m)
        reached, inside = served(points), shapely.contains_xy(shape, *points.T)
        assert reached.any()
        wrong = np.flatnonzero(reached != inside)
        assert len(wrong) < 0.1 * reached.sum()
        near = served((points[wrong, None, :] + around).reshape(-1, 2)).reshape(len(wrong), len(around))
        excused = (near != reached[wrong, None]).any(axis=1)
        assert excused.all(), f"{row}: {points[wrong[~excused]][:3]}"


def test_streets_are_on_the_right_side_to_a_cell(city: City) -> None:
    check_streets(city, range(FEW), cell_m=surfaces.CELL_M, every_m=10.0)


@pytest.mark.slow
def test_streets_are_on_the_right_side_to_a_cell_every_few_metres(city: City) -> None:
    check_streets(city, range(ALL), cell_m=surfaces.CELL_M, every_m=4.0)


def compared(city: City, row: int, *, cell_m: float) -> float:
    """Return the share of common ground of a polygon and of the 1 m cells that are within the limit."""
    served, shape = truth(city, row), zone(city, row, cell_m)
    west, south, east, north = np.round(np.add(shape.bounds, np.array([-1, -1, 1, 1]) * 50.0))
    x = np.arange(west + 0.5, east)
    common = either = 0
    for first in np.arange(south, north, ROWS):
        y = np.arange(first + 0.5, min(first + ROWS, north))
        xy = np.stack(np.meshgrid(x, y), axis=-1).reshape(-1, 2)
        within, inside = served(xy), shapely.contains_xy(shape, *xy.T)
        common, either = common + (within & inside).sum(), either + (within | inside).sum()
    return float(common / either)


@pytest.mark.slow
def test_polygons_share_99_percent_with_cells_of_1_m(city: City) -> None:
    found = np.array([compared(city, row, cell_m=surfaces.FINEST_M) for row in range(ALL)])
    assert (found >= 0.99).all(), found.round(4)


def misplaced(city: City, row: int, *, cell_m: float, people: int) -> tuple[int, int]:
    """Return how many people near the polygon are on its wrong side, and how many are served."""
    served, shape = truth(city, row), zone(city, row, cell_m)
    rng = np.random.default_rng(row)
    places = beside(city.streets, rng, people, rng.normal(0.0, LIVE_WITHIN_M, (people, 2)))
    within = served(shapely.get_coordinates(places))
    return int((within != shapely.contains(shape, places)).sum()), int(within.sum())


@pytest.mark.slow
def test_fewer_people_than_one_in_two_hundred_are_misplaced(city: City) -> None:
    """Of those served, in all twenty zones together; people live along the streets."""
    wrong, served = np.sum(
        [misplaced(city, row, cell_m=surfaces.FINEST_M, people=400_000) for row in range(ALL)], axis=0
    )
    assert wrong < 0.005 * served
