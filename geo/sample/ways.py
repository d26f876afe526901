"""What a street is before it is joined to others, and how water and rail cut it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import shapely

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from geo.sample.land import Land

Tags = tuple[tuple[str, str], ...]
BANK_M = 14.0
RAIL_M = 9.0


@dataclass(frozen=True)
class Street:
    """A street as it is drawn.

    Attributes
    ----------
    line
        Course in the local frame.
    highway
        Class, as OpenStreetMap has it; empty for rail.
    name
        Empty for lanes and paths.
    tags
        Further tags.
    level
        Only streets of one level are joined where they cross.
    cross
        Whether it bridges water and rail; others end there.
    loose
        Whether a short overhang beyond its last junction is cut off.
    broken
        A piece that is left apart from the rest on purpose.
    """

    line: shapely.LineString
    highway: str
    name: str = ""
    tags: Tags = ()
    level: int = 0
    cross: bool = False
    loose: bool = False
    broken: bool = False


def parts(geometry: shapely.Geometry, *, least_m: float = 1.0) -> list[shapely.LineString]:
    """Return the lines of a geometry that are longer than a metre or so."""
    pieces = shapely.get_parts(geometry)
    return [piece for piece in pieces if isinstance(piece, shapely.LineString) and piece.length > least_m]


def _bridged(street: Street, gap: shapely.Geometry) -> Iterator[Street]:
    """Yield a crossing street in pieces: on the ground, and on bridges."""
    ground = shapely.line_merge(shapely.difference(street.line, gap))
    span = shapely.line_merge(shapely.intersection(street.line, gap))
    for line in parts(ground):
        yield replace(street, line=line)
    for line in parts(span):
        title = f"{street.name}大桥" if street.name else ""
        yield replace(street, line=line, name=title, tags=(*street.tags, ("bridge", "yes"), ("layer", "1")))


def _cut(street: Street, gap: shapely.Geometry) -> Iterator[Street]:
    for line in parts(shapely.line_merge(shapely.difference(street.line, gap)), least_m=30.0):
        yield replace(street, line=line)


def cut_by_obstacles(streets: Iterable[Street], land: Land) -> list[Street]:
    """Return streets that end at banks and tracks, unless they cross on a bridge."""
    gap = shapely.union_all([shapely.buffer(land.water, BANK_M), shapely.buffer(land.rail, RAIL_M)])
    shapely.prepare(gap)
    found: list[Street] = []
    for street in streets:
        if street.level != 0 or not shapely.intersects(gap, street.line):
            found.append(street)
        elif street.cross:
            found.extend(_bridged(street, gap))
        else:
            found.extend(_cut(street, gap))
    return found


def cut_by_areas(streets: Iterable[Street], areas: shapely.Geometry, *, least_m: float = 30.0) -> list[Street]:
    """Return the streets outside areas."""
    shapely.prepare(areas)
    found: list[Street] = []
    for street in streets:
        if street.level != 0 or not shapely.intersects(areas, street.line):
            found.append(street)
            continue
        pieces = parts(shapely.line_merge(shapely.difference(street.line, areas)), least_m=least_m)
        found.extend(replace(street, line=line) for line in pieces)
    return found
