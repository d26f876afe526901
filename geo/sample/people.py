"""Where people live: many in the middle of towns, few in villages, nobody in rivers and behind factory walls."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import shapely

from geo.sample import shapes

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from numpy.typing import NDArray

    from geo.sample.land import Land
    from geo.sample.recipe import Recipe, Town
    from geo.sample.shapes import Array, Field
    from geo.sample.streets import Network
    from geo.sample.ways import Street

CELL_M = 100.0
HOMES = {
    "residential": 1.0,
    "living_street": 1.1,
    "tertiary": 1.0,
    "unclassified": 0.9,
    "secondary": 0.8,
    "trunk": 0.5,
    "primary": 0.6,
}
ALONG_ROADS = {"secondary": 0.5, "tertiary": 0.45, "unclassified": 0.4}
_EVERY_M = 20.0


@dataclass(frozen=True)
class People:
    """Whole people in cells of 100 m.

    Attributes
    ----------
    count
        One row a northing, rising; -1 outside the county.
    west_m, south_m
        Corner of the first cell in the local frame, on full cells.
    """

    count: NDArray[np.int16]
    west_m: float
    south_m: float

    @property
    def centres(self) -> Array:
        """Return the middle of every cell (rows × columns, 2)."""
        rows, columns = self.count.shape
        x = self.west_m + (np.arange(columns) + 0.5) * CELL_M
        y = self.south_m + (np.arange(rows) + 0.5) * CELL_M
        mesh_x, mesh_y = np.meshgrid(x, y)
        return np.column_stack([mesh_x.ravel(), mesh_y.ravel()])

    def inside(self, area: shapely.Geometry) -> NDArray[np.bool_]:
        """Say for every cell whether its middle lies in an area and people live there."""
        xy = self.centres
        shapely.prepare(area)
        within: NDArray[np.bool_] = shapely.contains_xy(area, xy[:, 0], xy[:, 1]) & (self.count.ravel() > 0)
        return within


def _homes(
    town: Town, outline: shapely.Polygon, streets: Iterable[Street], block: Field, rng: np.random.Generator
) -> tuple[Array, Array]:
    """Return points beside a town's streets, and how many people live there."""
    points, weights = [np.zeros((0, 2))], [np.zeros(0)]
    for street in streets:
        weight = HOMES.get(street.highway, 0.0)
        if street.level == 0 and weight and not street.broken and shapely.intersects(outline, street.line):
            own = shapely.intersection(street.line, outline)
            xy = shapely.get_coordinates(shapely.segmentize(own, _EVERY_M))
            points.append(xy + rng.normal(0, 26.0, xy.shape))
            weights.append(np.full(len(xy), weight))
    xy, weight_all = np.vstack(points), np.concatenate(weights)
    reach = (xy / 1000 - np.array(town.centre_km)) / np.array(town.radii_km)
    middle = np.exp(-0.9 * (reach**2).sum(axis=1))
    people = weight_all * middle * np.exp(0.38 * block.at(xy[:, 0], xy[:, 1]))
    return xy, people * town.people / max(float(people.sum()), 1e-9)


def _scattered(recipe: Recipe, streets: Iterable[Street], rng: np.random.Generator) -> tuple[Array, Array]:
    """Return homes along country roads, and hamlets to which no street leads."""
    points, weights = [np.zeros((0, 2))], [np.zeros(0)]
    for street in streets:
        weight = ALONG_ROADS.get(street.highway, 0.0)
        if street.level == 0 and weight and not street.broken:
            xy = shapely.get_coordinates(shapely.segmentize(street.line, 50.0))
            points.append(xy + rng.normal(0, 35.0, xy.shape))
            weights.append(weight * rng.gamma(0.5, 2.0, len(xy)))
    for hamlet in recipe.hamlets_km:
        xy = np.array(hamlet) * 1000 + rng.normal(0, 110.0, (14, 2))
        points.append(xy)
        weights.append(rng.uniform(2, 9, len(xy)))
    return np.vstack(points), np.concatenate(weights)


def _grid(county: shapely.Geometry) -> tuple[float, float, int, int]:
    west, south, east, north = shapely.bounds(county)
    left, bottom = np.floor(west / CELL_M), np.floor(south / CELL_M)
    rows, columns = int(np.ceil(north / CELL_M) - bottom), int(np.ceil(east / CELL_M) - left)
    return float(left * CELL_M), float(bottom * CELL_M), rows, columns


def settle(recipe: Recipe, land: Land, network: Network, county: shapely.Geometry, rng: np.random.Generator) -> People:
    """Return the people of a county by cell."""
    west, south, rows, columns = _grid(county)
    block = shapes.noise_like(land.height, rng, scale_m=320)
    groups = [
        _homes(town, outline, network.streets, block, rng)
        for town, outline in zip(recipe.towns, network.outlines, strict=True)
    ]
    groups.append(_scattered(recipe, network.streets, rng))
    xy, weight = np.vstack([points for points, _ in groups]), np.concatenate([people for _, people in groups])
    edges = (south + np.arange(rows + 1) * CELL_M, west + np.arange(columns + 1) * CELL_M)
    total, _, _ = np.histogram2d(xy[:, 1], xy[:, 0], bins=edges, weights=weight)
    cells = People(np.floor(total + rng.uniform(0, 1, total.shape)).astype(np.int16), west, south)
    barred = shapely.union_all([land.water.buffer(6.0), *(one.outline for one in network.enclosures)])
    count = cells.count.ravel().copy()
    count[cells.inside(barred)] = 0
    for one in network.enclosures:
        nearest = np.argmin(np.hypot(*(cells.centres - shapely.get_coordinates(one.outline.centroid)).T))
        count[nearest] = rng.integers(30, 90)
    xy = cells.centres
    count[~shapely.contains_xy(county, xy[:, 0], xy[:, 1])] = -1
    return People(count.reshape(rows, columns), west, south)


def residents(people: People, area: shapely.Geometry) -> int:
    """Return the people whose cell has its middle in an area."""
    return int(people.count.ravel()[people.inside(area)].sum())


def census(
    recipe: Recipe, people: People, areas: Mapping[str, shapely.Geometry], rng: np.random.Generator
) -> dict[str, tuple[int, int]]:
    """Return residents and elders of each community as an office counts them: near what the cells say, not equal."""
    found = {}
    for community in recipe.communities:
        counted = round(residents(people, areas[community.id]) * float(rng.uniform(*recipe.factor)))
        share = float(rng.uniform(0.175, 0.235)) + (0.015 if community.area == "elsewhere" else 0.0)
        found[community.id] = (counted, round(counted * min(share, 0.24)))
    return found
