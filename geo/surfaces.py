"""Minutes per cell of a metric grid → isochrones: nested, valid polygons drawn from the same numbers.

A cell is linked to its street once per network (`cells`); every service then costs one gather and one
contour a band. A polygon is the contour `minutes = limit`, and misplaces nobody by more than a cell.
"""

from __future__ import annotations

from itertools import islice, pairwise
from typing import TYPE_CHECKING, NamedTuple, cast

import contourpy
import numpy as np
import shapely

from geo import units
from geo.crossings import Crossings, where_passed
from geo.grid import Surface
from geo.tiles import ranges

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from numpy.typing import NDArray

    from geo.crossings import Field

CELL_M = 12.5
FINEST_M = 6.25
MISPLACED_WISHED = 0.005
DRAWN_TOLERANCE_M = 0.5
_PAD = 1
_ON_NODE = 1e-9
_FIELDS_AT_ONCE = 24


def surface(field: Field) -> Surface:
    """Return the minutes of cells as a surface: NaN beyond the cap, `inf` where nothing is reached."""
    values = np.full(field.cells.grid.shape, np.nan, dtype=np.float32)
    values.ravel()[field.cells.number] = field.minutes
    values.ravel()[field.cells.island] = np.inf
    return Surface(field.cells.grid, values)


def isochrones(fields: Iterable[Field], limits: Sequence[float]) -> NDArray[np.object_]:
    """Return the polygons of `minutes <= limit`: valid MultiPolygons, empty where nothing is within.

    The field `minutes - limit` is clipped to what one cell can hold before it is contoured, so that a
    jump (between two streets, at the cap, at a wall) does not bend what is around it. Every crossing is
    then put where the minutes really pass the limit (:mod:`geo.crossings`): of the points on the wrong
    side of a plain 12.5 m contour, 97 % stood in cells that the contour crosses. Both rules keep the order
    of rising limits on every cell edge, so that bands nest exactly and none depends on which others were
    asked. Many zones are contoured in one sheet, one below the other.

    Parameters
    ----------
    fields
        Minutes of cells, a field a row of the result.
    limits
        Minutes, one a column; none depends on which others are asked.

    Returns
    -------
    (fields, limits) MultiPolygons.
    """
    asked = iter(fields)
    parts = [np.empty((0, len(limits)), dtype=object)]
    while some := list(islice(asked, _FIELDS_AT_ONCE)):
        parts.append(_drawn_together(some, limits))
    return np.concatenate(parts)


class _Sheet(NamedTuple):
    """Zones one below the other, each with a margin of what is outside.

    Attributes
    ----------
    values
        `minutes - limit`, clipped.
    first_row
        (zones + 1,) row of the sheet at which each zone begins.
    shift
        (zones, 2) what to add to column and row of the sheet for those of the zone's window.
    """

    values: NDArray[np.float64]
    first_row: NDArray[np.int64]
    shift: NDArray[np.int64]


def _sheet(fields: Sequence[Field], limits: Sequence[float]) -> _Sheet:
    """Lay out the zones of some fields, all limits of the first before those of the second."""
    parts, corners = [], []
    for field in fields:
        whole = np.full(field.cells.grid.shape, np.inf)
        whole.ravel()[field.cells.number] = field.minutes
        corner, found = (0, 0), {}
        for limit in sorted(limits, reverse=True):
            # A narrower zone lies within the wider one.
            inside = whole <= limit
            rows, columns = np.flatnonzero(inside.any(axis=1)), np.flatnonzero(inside.any(axis=0))
            box = (slice(rows[0], rows[-1] + 1), slice(columns[0], columns[-1] + 1)) if len(rows) else (slice(0, 0),) * 2
            whole, corner = _grown(whole, box, corner)
            found[limit] = np.clip(whole - limit, -field.width, field.width), corner
        parts += [found[limit][0] for limit in limits]
        corners += [found[limit][1] for limit in limits]
    first_row = np.concatenate([[0], np.cumsum([len(part) for part in parts])])
    width = max(field.width for field in fields)
    values = np.full((max(int(first_row[-1]), 2), max(2, *(part.shape[1] for part in parts))), width)
    for part, row in zip(parts, first_row, strict=False):
        values[row : row + len(part), : part.shape[1]] = part
    shift = np.array([(column, row) for row, column in corners], dtype=np.int64)
    shift[:, 1] -= first_row[:-1]
    return _Sheet(values, first_row, shift)


def _grown(
    whole: NDArray[np.float64], box: tuple[slice, slice], corner: tuple[int, int]
) -> tuple[NDArray[np.float64], tuple[int, int]]:
    """Return a part of a field with a margin of one cell, and its corner; beyond the field nothing is reached."""
    (top, bottom), (left, right) = ((side.start - _PAD, side.stop + _PAD) for side in box)
    part = whole[max(top, 0) : bottom, max(left, 0) : right]
    beyond = (
        (max(-top, 0), max(bottom - whole.shape[0], 0)),
        (max(-left, 0), max(right - whole.shape[1], 0)),
    )
    grown = np.pad(part, beyond, constant_values=np.inf) if any(map(any, beyond)) else part
    return grown, (corner[0] + top, corner[1] + left)


def _drawn_together(fields: Sequence[Field], limits: Sequence[float]) -> NDArray[np.object_]:
    sheet = _sheet(fields, limits)
    points, rings, shells = _contour(sheet.values)
    zone = np.searchsorted(sheet.first_row, np.floor(points[:, 1]), "right") - 1
    one, two = np.floor(points + _ON_NODE).astype(np.int64), np.ceil(points - _ON_NODE).astype(np.int64)
    falls = (sheet.values[one[:, 1], one[:, 0]] > 0)[:, None]
    shift = sheet.shift[zone]
    inner, outer = np.where(falls, two, one) + shift, np.where(falls, one, two) + shift
    order = np.argsort(zone, kind="stable")
    share = np.empty(len(points))
    bounds = np.searchsorted(zone[order], np.arange(0, len(fields) * len(limits) + 1, len(limits)))
    limit = np.asarray(limits, dtype=np.float64)[zone % len(limits)]
    rows = [order[begin:stop] for begin, stop in pairwise(bounds)]
    found = where_passed(fields, [Crossings(inner[some], outer[some], limit[some]) for some in rows])
    share[order] = np.concatenate(found)
    first = np.array([field.cells.grid.first for field in fields])[zone // len(limits)]
    grid = fields[0].cells.grid
    xy = grid.places(first - grid.first + inner, share[:, None] * (outer - inner))
    return _polygons(xy, rings, shells, zone, len(fields) * len(limits)).reshape(len(fields), len(limits))


def _contour(
    values: NDArray[np.float64],
) -> tuple[NDArray[np.float64], NDArray[np.int64], NDArray[np.int64]]:
    """Return the rings of where a field is at most zero, in columns and rows of the field.

    contourpy gives each shell with its own holes.

    Returns
    -------
    Vertices (n, 2), each on an edge between two neighbouring cells; where rings begin among them; where
    polygons begin among the rings, the shell first.
    """
    generator = contourpy.contour_generator(z=values, name="serial", fill_type=contourpy.FillType.OuterOffset)
    # A hair below zero: where served cells touch corner to corner only, they stay apart, also from another's.
    filled = generator.filled(2.0 * float(values.min()) - 1.0, -np.finfo(np.float64).tiny)
    points, offsets = cast("tuple[list[NDArray[np.float64]], list[NDArray[np.uint32]]]", filled)
    if not points:
        return np.empty((0, 2)), np.zeros(1, dtype=np.int64), np.zeros(1, dtype=np.int64)
    counts = np.array([len(ring) - 1 for ring in offsets])
    sizes = np.diff(np.concatenate(offsets).astype(np.int64))
    # Between two polygons the offsets fall back to zero: that step is no ring.
    sizes = np.delete(sizes, np.cumsum(counts + 1)[:-1] - 1)
    return (
        np.concatenate(points),
        np.concatenate([[0], np.cumsum(sizes)]),
        np.concatenate([[0], np.cumsum(counts)]),
    )


def _polygons(
    xy: NDArray[np.float64],
    rings: NDArray[np.int64],
    shells: NDArray[np.int64],
    zone: NDArray[np.int64],
    zones: int,
) -> NDArray[np.object_]:
    """Return a valid MultiPolygon a zone; all are made in one call."""
    of_polygon = zone[rings[shells[:-1]]]
    order = np.argsort(of_polygon, kind="stable")
    counts = np.diff(shells)[order]
    ring = ranges(shells[:-1][order], counts)
    sizes = np.diff(rings)[ring]
    vertex = ranges(rings[:-1][ring], sizes)
    offsets = (
        np.concatenate([[0], np.cumsum(sizes)]),
        np.concatenate([[0], np.cumsum(counts)]),
        np.searchsorted(of_polygon[order], np.arange(zones + 1)),
    )
    found = np.asarray(shapely.from_ragged_array(shapely.GeometryType.MULTIPOLYGON, xy[vertex], offsets))
    wrong = np.flatnonzero(~shapely.is_valid(found))
    found[wrong] = [valid(shape) for shape in found[wrong]]
    return found


def valid(shape: shapely.Geometry) -> shapely.MultiPolygon:
    """Return a valid MultiPolygon; only what is invalid is repaired, only areas are kept."""
    if not shapely.is_valid(shape):
        shape = shapely.make_valid(shape, method="structure", keep_collapsed=False)
    parts = shapely.get_parts(shape)
    areal = parts[(shapely.get_type_id(parts) == shapely.GeometryType.POLYGON) & (shapely.area(parts) > 0)]
    return shapely.MultiPolygon(list(areal))


def drawn(shapes: NDArray[np.object_], *, tolerance_m: float = DRAWN_TOLERANCE_M) -> NDArray[np.object_]:
    """Return polygons with fewer vertices, as the map draws them; valid, off by the tolerance at most."""
    plain = shapely.simplify(shapes, tolerance_m, preserve_topology=False)
    return np.array([valid(shape) for shape in plain], dtype=object)


def misplaced_people(
    polygon: shapely.Geometry,
    points: NDArray[np.object_],
    minutes: NDArray[np.float64],
    people: NDArray[np.float64],
    limit: float,
) -> float:
    """Return the people whose side of a polygon differs from `within(minutes, limit)`.

    Parameters
    ----------
    polygon
        As drawn.
    points, minutes, people
        (n,) attached demand points; a missing point counts as outside.
    limit
        Minutes of the polygon.
    """
    shapely.prepare(polygon)
    inside = shapely.intersects(polygon, points)
    return float(people[inside != units.within(minutes, limit)].sum())
