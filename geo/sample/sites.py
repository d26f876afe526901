"""Where a thing may stand: beside a street, near people, on dry ground, on the right side of a wall."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import shapely

if TYPE_CHECKING:
    from collections.abc import Iterable

    from geo.sample.enclosed import Enclosure
    from geo.sample.land import Land
    from geo.sample.people import People
    from geo.sample.shapes import Array
    from geo.sample.streets import Network
    from geo.sample.ways import Street

PUBLIC = frozenset({"residential", "living_street", "tertiary", "secondary", "unclassified", "primary", "trunk"})


LEAST_M = 15.0
INNER_M = 60.0
OFF_STREET_M = 8.0


@dataclass(frozen=True)
class Ground:
    """What is asked when a thing is put somewhere."""

    people: People
    streets: tuple[shapely.LineString, ...]
    tree: shapely.STRtree
    barred: shapely.Geometry
    county: shapely.Geometry


def survey(land: Land, network: Network, people: People, county: shapely.Geometry) -> Ground:
    """Return the ground of a county, ready to be asked."""
    inner = [shapely.buffer(one.outline, 6.0) for one in network.enclosures]
    barred = shapely.union_all([shapely.buffer(land.water, 10.0), shapely.buffer(land.rail, 12.0), *inner])
    shapely.prepare(barred)
    lines = tuple(street.line for street in network.streets if _is_public(street))
    return Ground(people, lines, shapely.STRtree(lines), barred, county)


def _is_public(street: Street) -> bool:
    tags = dict(street.tags)
    plain = "bridge" not in tags and tags.get("access") != "private" and not street.broken
    return street.highway in PUBLIC and street.level == 0 and plain


def beside(line: shapely.LineString, ground: Ground, rng: np.random.Generator) -> Array | None:
    """Return a point some metres beside a line, or None where neither side is free."""
    at = float(rng.uniform(0.05, 0.95)) * line.length
    here = shapely.get_coordinates(shapely.line_interpolate_point(line, at))[0]
    ahead = shapely.get_coordinates(shapely.line_interpolate_point(line, min(at + 1.0, line.length)))[0] - here
    across = np.array([-ahead[1], ahead[0]]) / (float(np.hypot(*ahead)) or 1.0)
    away = float(rng.uniform(9, 22))
    for side in (away, -away):
        found: Array = here + side * across
        if not shapely.contains_xy(ground.barred, *found) and shapely.contains_xy(ground.county, *found):
            return found
    return None


def near_people(area: shapely.Geometry, ground: Ground, rng: np.random.Generator, *, leaning: float = 1.4) -> Array:
    """Return a point beside a street of an area, likelier where more people live."""
    inside = np.flatnonzero(ground.people.inside(area))
    weight = ground.people.count.ravel()[inside].astype(np.float64) ** leaning
    centres = ground.people.centres
    for _ in range(400):
        cell = centres[int(rng.choice(inside, p=weight / weight.sum()))]
        nearest = int(ground.tree.nearest(shapely.Point(cell + rng.uniform(-50, 50, 2))))
        line = shapely.intersection(ground.streets[nearest], shapely.buffer(shapely.Point(cell), 130.0))
        pieces = [part for part in shapely.get_parts(line) if part.length > LEAST_M]
        found = beside(pieces[0], ground, rng) if pieces else None
        if found is not None and shapely.contains_xy(area, *found):
            return found
    middle: Array = shapely.get_coordinates(shapely.point_on_surface(area))[0]
    return middle


def along_road(
    name: str, area: shapely.Geometry, streets: Iterable[Street], ground: Ground, rng: np.random.Generator
) -> Array:
    """Return a point beside a named road inside an area."""
    lines = [street.line for street in streets if street.name == name and "bridge" not in dict(street.tags)]
    pieces = [
        part for line in lines for part in shapely.get_parts(shapely.intersection(line, area)) if part.length > LEAST_M
    ]
    length = np.array([piece.length for piece in pieces])
    while True:
        found = beside(pieces[int(rng.choice(len(pieces), p=length / length.sum()))], ground, rng)
        if found is not None:
            return found


def in_park(
    enclosure: Enclosure, rng: np.random.Generator, *, taken: Iterable[Array] = (), apart_m: float = 30.0
) -> Array:
    """Return a point behind the wall beside an inner street, away from points that are taken."""
    inner = [
        street.line for street in enclosure.streets if street.highway == "service" and street.line.length > INNER_M
    ]
    room = shapely.buffer(enclosure.outline, -8.0)
    others = list(taken)
    while True:
        line = inner[int(rng.integers(len(inner)))]
        here = shapely.get_coordinates(shapely.line_interpolate_point(line, float(rng.uniform(0, line.length))))[0]
        found: Array = here + rng.uniform(-32, 32, 2)
        apart = all(float(np.hypot(*(found - other))) > apart_m for other in others)
        if apart and shapely.contains_xy(room, *found) and shapely.distance(shapely.Point(found), line) > OFF_STREET_M:
            return found
        apart_m *= 0.985
