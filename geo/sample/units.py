"""Which ground belongs to which community, and which units make a 片区."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import shapely
from shapely import ops

from geo.sample import shapes

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from geo.sample.land import Land
    from geo.sample.recipe import Recipe
    from geo.sample.shapes import Array
    from geo.sample.streets import Network

CROOKED = ((950.0, 140.0), (360.0, 48.0))
STILL_M = 500.0
SLIVER_M2 = 2000.0


def _sides(area: shapely.Geometry, land: Land) -> list[shapely.Geometry]:
    """Return the area cut along its first river, since borders run in rivers."""
    if not land.centre_lines:
        return [area]
    return list(shapely.get_parts(ops.split(area, land.centre_lines[0])))


def _cells(side: shapely.Geometry, seeds: Array) -> list[shapely.Geometry]:
    inside = seeds[shapely.contains_xy(side, seeds[:, 0], seeds[:, 1])]
    if len(inside) <= 1:
        return [side]
    cells = shapely.voronoi_polygons(shapely.multipoints(inside), extend_to=side)
    return [shapely.intersection(cell, side) for cell in shapely.get_parts(cells)]


def divide(
    recipe: Recipe, land: Land, rng: np.random.Generator
) -> tuple[list[shapely.Polygon | None], shapely.Geometry]:
    """Return one polygon a community, or None for those given as points, and the county's outline.

    The polygons share their borders vertex by vertex. Ground around a `wild` seed belongs to no community.
    """
    seeds = np.array([*(community.seed_km for community in recipe.communities), *recipe.wild_km]) * 1000
    area = shapely.difference(land.county, land.sea)
    area = max(shapely.get_parts(area), key=shapely.area)
    cells = [cell for side in _sides(area, land) for cell in _cells(side, seeds)]
    edges = shapely.union_all([shapely.boundary(cell) for cell in cells], grid_size=0.01)
    lines = np.array(shapely.get_parts(shapely.segmentize(edges, 50.0)), dtype=object)
    places = shapely.points(seeds)
    still = shapely.union_all([land.sea, *land.centre_lines[:1]])
    for scale_m, most_m in CROOKED:
        fields = (
            shapes.noise_like(land.height, rng, scale_m=scale_m),
            shapes.noise_like(land.height, rng, scale_m=scale_m),
        )
        lines = shapes.warp(lines, fields, still, most_m=most_m, free_m=STILL_M)
        places = shapes.warp(places, fields, still, most_m=most_m, free_m=STILL_M)
    tiles = [tile for tile in shapely.get_parts(shapely.polygonize(lines)) if tile.area > SLIVER_M2]
    county = shapely.union_all(tiles)
    found: list[shapely.Polygon | None] = []
    for community, seed in zip(recipe.communities, places, strict=False):
        own = None if community.as_point else next(tile for tile in tiles if shapely.contains(tile, seed))
        found.append(own)
    return found, county


def districts(
    recipe: Recipe, county: shapely.Geometry, units: Mapping[str, shapely.Geometry]
) -> list[shapely.Geometry | None]:
    """Return a polygon for each 片区 that is drawn: around its units, a little beyond their borders."""
    found: list[shapely.Geometry | None] = []
    for district in recipe.districts:
        if not district.drawn:
            found.append(None)
            continue
        together = shapely.union_all([units[member] for member in district.members])
        around = shapely.simplify(shapely.buffer(shapely.buffer(together, 160.0), -110.0), 20.0)
        found.append(shapely.intersection(around, county))
    return found


def areas(recipe: Recipe, polygons: Sequence[shapely.Polygon | None], network: Network) -> dict[str, shapely.Geometry]:
    """Return the ground of every community and park by id; around a community that is a point, its near surroundings."""
    found: dict[str, shapely.Geometry] = {
        community.id: polygon
        if polygon is not None
        else shapely.Point(np.array(community.seed_km) * 1000).buffer(350.0)
        for community, polygon in zip(recipe.communities, polygons, strict=True)
    }
    return found | {one.park.id: one.outline for one in network.enclosures}
