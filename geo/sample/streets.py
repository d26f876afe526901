"""The whole street network of a synthetic county, joined at its junctions."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import shapely

from geo.sample import details, enclosed, fabric, joints, routes, ways

if TYPE_CHECKING:
    import numpy as np

    from geo.sample.enclosed import Enclosure
    from geo.sample.fabric import Ground
    from geo.sample.land import Land
    from geo.sample.recipe import Recipe
    from geo.sample.ways import Street


@dataclass(frozen=True)
class Network:
    """Streets of a county.

    Attributes
    ----------
    streets
        Joined: streets that meet share a vertex.
    enclosures
        Parks with walls and gates.
    outlines
        Built-up areas, in the order of the recipe's towns.
    """

    streets: tuple[Street, ...]
    enclosures: tuple[Enclosure, ...]
    outlines: tuple[shapely.Polygon, ...]


def _town_streets(
    recipe: Recipe, land: Land, ground: Ground, roads: list[Street], rng: np.random.Generator
) -> tuple[list[Street], list[shapely.Polygon]]:
    names = details.street_names(rng, 300)
    found: list[Street] = []
    outlines: list[shapely.Polygon] = []
    for town in recipe.towns:
        lines, outline = fabric.trace_town(town, land, ground, [*roads, *found], rng)
        found.extend(details.dress(town, lines, names, rng))
        outlines.append(outline)
    return found, outlines


def draw_streets(recipe: Recipe, land: Land, rng: np.random.Generator) -> Network:
    """Return the streets of a recipe on its land."""
    ground = fabric.buildable(land)
    roads = routes.main_roads(recipe)
    ground_roads = [road for road in roads if road.level == 0]
    roads += routes.link_places(recipe, land, ground_roads)
    town, outlines = _town_streets(recipe, land, ground, [road for road in roads if road.level == 0], rng)
    town = details.one_way(town)
    walled = shapely.union_all([shapely.buffer(park, enclosed.WALL_GAP_M) for park in land.parks])
    streets = ways.cut_by_areas([*roads, *town], walled)
    streets = ways.cut_by_obstacles(streets, land)
    streets += details.lanes([street for street in streets if street.loose and not street.cross], ground, land, rng)
    streets = details.roundabout(recipe, details.estate_way(streets))
    enclosures = enclosed.enclose_parks(recipe, land, streets)
    streets += [street for one in enclosures for street in one.streets]
    made = _join_up(streets)
    bits = details.broken_bits(recipe, made, ground, rng)
    whole, _ = joints.join([*made, *bits])
    return Network(tuple(joints.thin(whole)), tuple(enclosures), tuple(outlines))


def _join_up(streets: list[Street]) -> list[Street]:
    """Return joined streets without overhangs and stray pieces."""
    joined, points = joints.join(streets)
    return joints.drop_islands(joints.trim(joined, points))
