"""How an industrial park lies behind its wall: inner streets, and gates where a street passes the wall."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np
import shapely

from geo.sample.ways import Street

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from geo.sample.land import Land
    from geo.sample.recipe import Park, Recipe
    from geo.sample.shapes import Array

INSET_M = 32.0
TWO_ACROSS_M = 480.0
ONE_ALONG_M = 300.0
WALL_GAP_M = 12.0


@dataclass(frozen=True)
class Enclosure:
    """A park with its wall.

    Attributes
    ----------
    park
        As planned.
    outline
        Its wall; every gate is a vertex.
    gates
        Points on the wall (n, 2).
    streets
        Inner streets and those through the gates.
    """

    park: Park
    outline: shapely.Polygon
    gates: Array
    streets: tuple[Street, ...]


def _candidates(outline: shapely.Polygon, *, step_m: float = 12.0, corner_m: float = 45.0) -> Array:
    """Return points of the wall away from its corners."""
    corners = shapely.get_coordinates(outline)
    found = []
    for start, end in pairwise(corners):
        length = float(np.hypot(*(end - start)))
        along = np.arange(corner_m, length - corner_m, step_m)[:, None] / length
        found.append(start + along * (end - start))
    return np.round(np.vstack(found), 2)


def _ways_out(
    points: Array, outline: shapely.Polygon, network: shapely.Geometry, closed: shapely.Geometry
) -> tuple[Array, Array]:
    """Return the street point to which each wall point may lead, and the metres; inf where nothing is free."""
    lines = shapely.shortest_line(shapely.points(points), network)
    length = shapely.length(lines)
    inner = shapely.buffer(outline, -0.5)
    barred = shapely.intersects(lines, inner) | shapely.intersects(lines, closed) | (length < WALL_GAP_M * 0.8)
    ends = shapely.get_coordinates(shapely.get_point(lines, -1))
    return ends, np.where(barred, np.inf, length)


def _choose(points: Array, cost: Array, *, count: int, apart_m: float) -> list[int]:
    """Return the cheapest points that keep their distance from each other."""
    chosen: list[int] = []
    for index in np.argsort(cost, kind="stable").tolist():
        far = all(np.hypot(*(points[index] - points[other])) > apart_m for other in chosen)
        if np.isfinite(cost[index]) and far:
            chosen.append(index)
        if len(chosen) == count:
            break
    return chosen


def _with_gates(outline: shapely.Polygon, gates: Array) -> shapely.Polygon:
    ring = shapely.get_exterior_ring(outline)
    corners = np.round(shapely.get_coordinates(outline)[:-1], 2)
    order = np.argsort(shapely.line_locate_point(ring, shapely.points(np.vstack([corners, gates]))), kind="stable")
    return shapely.Polygon(np.vstack([corners, gates])[order])


def _inner_streets(park: Park, loop: shapely.LineString) -> list[Street]:
    """Return the loop behind the wall and one or two streets across."""
    corners = shapely.get_coordinates(loop)[:4]
    across, along = corners[1] - corners[0], corners[3] - corners[0]
    streets = [Street(loop, "service", f"{park.name}环路")]
    for share in (0.35, 0.68) if np.hypot(*across) > TWO_ACROSS_M else (0.5,):
        line = shapely.LineString([corners[0] + share * across, corners[0] + share * across + along])
        streets.append(Street(line, "service", f"{park.name}内路"))
    if np.hypot(*along) > ONE_ALONG_M:
        line = shapely.LineString([corners[0] + 0.5 * along, corners[1] + 0.5 * along])
        streets.append(Street(line, "service"))
    return streets


def _enclose(park: Park, outline: shapely.Polygon, network: shapely.Geometry, closed: shapely.Geometry) -> Enclosure:
    points = _candidates(outline)
    ends, cost = _ways_out(points, outline, network, closed)
    chosen = _choose(points, cost, count=park.gates, apart_m=0.42 * outline.length / (park.gates + 1))
    gates = points[chosen]
    walled = _with_gates(outline, gates)
    loop = shapely.get_exterior_ring(shapely.buffer(outline, -INSET_M, join_style="mitre"))
    streets = _inner_streets(park, loop)
    for gate, end in zip(gates, ends[chosen], strict=True):
        inside = shapely.get_coordinates(shapely.shortest_line(shapely.Point(gate), loop))[1]
        streets.append(Street(shapely.LineString([inside, gate]), "service", f"{park.name}大门"))
        streets.append(Street(shapely.LineString([gate, end]), "unclassified", f"{park.name}路"))
    return Enclosure(park, walled, gates, tuple(streets))


def enclose_parks(recipe: Recipe, land: Land, streets: Iterable[Street]) -> list[Enclosure]:
    """Return the parks with walls, gates and inner streets, tied to the streets around."""
    lines: list[shapely.LineString] = [
        street.line for street in streets if street.level == 0 and street.highway not in {"footway", "path", "steps"}
    ]
    wet = shapely.union(shapely.buffer(land.water, 10.0), shapely.buffer(land.rail, 8.0))
    found: list[Enclosure] = []
    for number, park in enumerate(recipe.parks):
        others = [shapely.buffer(area, 8.0) for index, area in enumerate(land.parks) if index != number]
        made = _enclose(park, land.parks[number], shapely.union_all(lines), shapely.union_all([wet, *others]))
        found.append(made)
        lines.extend(street.line for street in made.streets if street.highway != "service")
    return found


def walls(enclosures: Sequence[Enclosure]) -> list[shapely.LineString]:
    """Return the walls as closed lines."""
    return [shapely.LineString(shapely.get_coordinates(one.outline)) for one in enclosures]
