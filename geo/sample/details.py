"""The small things on a street map: lanes, steps, a roundabout, one-way streets, pieces that hang in the air."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import shapely

from geo.sample.ways import Street, cut_by_areas

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from geo.sample.fabric import Ground
    from geo.sample.land import Land
    from geo.sample.recipe import Recipe, Town
    from geo.sample.shapes import Array

WORDS = ("兴", "文", "和", "明", "安", "康", "丰", "泰", "永", "德", "仁", "信", "华", "荣", "清", "远", "新", "春")
LANE_EVERY_M = 150.0
VILLAGE_KM = 0.5
LIVING_SHARE = 0.1
STEPS_SLOPE = 0.07
ONE_WAY_M = (350.0, 1100.0)
APART_M = (12.0, 160.0)
BROKEN_NEAR_PEOPLE = 900


def street_names(rng: np.random.Generator, count: int) -> list[str]:
    """Return names in which nobody will look for a real street."""
    pairs = [f"{first}{second}" for first in WORDS for second in WORDS if first != second]
    return [f"示例{pairs[index]}" for index in rng.permutation(len(pairs))[:count].tolist()]


def dress(town: Town, lines: Sequence[shapely.LineString], names: list[str], rng: np.random.Generator) -> list[Street]:
    """Return a town's lines as streets with a class and a name; the longest carry the traffic."""
    village = max(town.radii_km) < VILLAGE_KM
    ranked = sorted(range(len(lines)), key=lambda number: -lines[number].length)
    busy = set(ranked[: max(len(lines) // 5, 1) : 3])
    found = []
    for number, line in enumerate(lines):
        if village:
            found.append(Street(line, "residential" if number % 3 else "unclassified", loose=True))
            continue
        draw = rng.uniform()
        highway = "tertiary" if number in busy else "living_street" if draw < LIVING_SHARE else "residential"
        ending = "路" if number in busy or number % 2 else "街"
        name = f"{names.pop()}{ending}" if names else ""
        tags = (("maxspeed", "40"),) if highway == "tertiary" else ()
        found.append(Street(line, highway, name, tags, loose=True))
    return found


def _beside(line: shapely.LineString, at_m: float, away_m: float) -> tuple[Array, Array]:
    """Return a point of a line and the point square to it, to the left where `away_m` is positive."""
    here = shapely.get_coordinates(shapely.line_interpolate_point(line, at_m))[0]
    ahead = shapely.get_coordinates(shapely.line_interpolate_point(line, min(at_m + 2.0, line.length)))[0]
    along = ahead - here
    size = float(np.hypot(*along)) or 1.0
    return here, here + away_m * np.array([-along[1], along[0]]) / size


def lanes(streets: Iterable[Street], ground: Ground, land: Land, rng: np.random.Generator) -> list[Street]:
    """Return short ways that lead from streets into the blocks; some end there, some come out again."""
    found: list[Street] = []
    for street in streets:
        for _ in range(rng.poisson(street.line.length / LANE_EVERY_M)):
            away = float(rng.uniform(30, 95) * rng.choice([-1.0, 1.0]))
            here, there = _beside(street.line, float(rng.uniform(0, street.line.length)), away)
            kind = str(rng.choice(["service", "service", "footway", "living_street", "path"]))
            if not ground.open_at(float(there[0]), float(there[1])):
                continue
            if float(land.slope.at([there[0]], [there[1]])[0]) > STEPS_SLOPE and kind in {"footway", "path"}:
                kind = "steps"
            found.append(Street(shapely.LineString([here, there]), kind))
    return found


def one_way(streets: Sequence[Street], *, count: int = 4) -> list[Street]:
    """Return the streets with a few long residential ones made one-way, in turn to and fro."""
    usable = [
        index
        for index, street in enumerate(streets)
        if street.highway == "residential" and street.name and ONE_WAY_M[0] < street.line.length < ONE_WAY_M[1]
    ]
    chosen = usable[:: max(len(usable) // count, 1)][:count]
    found = list(streets)
    for turn, index in enumerate(chosen):
        street = found[index]
        line = street.line if turn % 2 else shapely.reverse(street.line)
        found[index] = replace(street, line=line, tags=(*street.tags, ("oneway", "yes")))
    return found


def estate_way(streets: Sequence[Street]) -> list[Street]:
    """Return the streets with the longest lane made private, as the inner way of an estate."""
    service = [index for index, street in enumerate(streets) if street.highway == "service" and not street.name]
    longest = max(service, key=lambda index: streets[index].line.length)
    found = list(streets)
    found[longest] = replace(found[longest], name="示例小区内部路", tags=(("access", "private"),))
    return found


def roundabout(recipe: Recipe, streets: Sequence[Street], *, radius_m: float = 26.0) -> list[Street]:
    """Return the streets with a roundabout where two of the drawn roads cross, near the point of the recipe."""
    if recipe.roundabout_km is None:
        return list(streets)
    named = {road.name for road in recipe.roads}
    lines = [street.line for street in streets if street.name in named and street.level == 0]
    pairs = [
        point
        for i, one in enumerate(lines)
        for other in lines[i + 1 :]
        for point in shapely.get_coordinates(shapely.intersection(one, other))
    ]
    wanted = np.array(recipe.roundabout_km) * 1000
    centre = min(pairs, key=lambda point: float(np.hypot(*(point - wanted))))
    turns = np.linspace(0, 2 * np.pi, 25)
    circle = np.column_stack([np.cos(turns), np.sin(turns)]) * radius_m + centre
    circle[-1] = circle[0]
    ring = shapely.LineString(circle)
    tags = (("junction", "roundabout"), ("oneway", "yes"))
    outside = cut_by_areas(streets, shapely.Polygon(ring), least_m=3.0)
    return [*outside, Street(ring, "secondary", "示例环岛", tags)]


def broken_bits(
    recipe: Recipe, streets: Sequence[Street], ground: Ground, rng: np.random.Generator, *, count: int = 4
) -> list[Street]:
    """Return short pieces that touch no other street, as maps that nobody finished have them."""
    network = shapely.union_all([street.line for street in streets])
    found: list[Street] = []
    towns = [town for town in recipe.towns if town.people > BROKEN_NEAR_PEOPLE]
    for number in range(600):
        town = towns[number % len(towns)]
        at = np.array(town.centre_km) * 1000 + rng.uniform(-1.15, 1.15, 2) * np.array(town.radii_km) * 1000
        turn = rng.uniform(0, np.pi)
        along = np.array([np.cos(turn), np.sin(turn)])
        half = rng.uniform(35, 70)
        main = shapely.LineString([at - along * half, at, at + along * half])
        side = shapely.LineString([at, at + np.array([-along[1], along[0]]) * half * 0.6])
        free = all(ground.open_at(*end) for end in shapely.get_coordinates(shapely.union(main, side)).tolist())
        both = shapely.union(main, side)
        if free and APART_M[0] < shapely.distance(both, network) < APART_M[1]:
            found += [Street(main, "residential", broken=True), Street(side, "residential", broken=True)]
            network = shapely.union(network, both)
        if len(found) == 2 * count:
            break
    return found
