"""Minutes per cell of a metric grid → isochrones: nested, valid polygons drawn from the same numbers.

A cell is linked to its street once per network; every service then costs one gather and one contour
a band. A polygon is the contour `minutes = limit`, and misplaces nobody by more than a cell.
"""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING, NamedTuple, cast

import contourpy
import numpy as np
import shapely

from geo import units
from geo.grid import Grid, Surface

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from geo.network import Network

CELL_M = 25.0
FINEST_M = 6.25
MISPLACED_WISHED = 0.005
DRAWN_TOLERANCE_M = 0.5
_BLOCK = 16
_CLIP_CELLS = 1.5
_PAD = 1
_GRAINS = 2.0**20  # of a cell
_ON_NODE = 1e-9
_EXACT_M = 0.5


class Cells(NamedTuple):
    """Cells near streets: their flat numbers in the grid and their centres."""

    grid: Grid
    number: NDArray[np.intp]
    xy: NDArray[np.float64]


def near_streets(
    network: Network, cell_m: float, *, cap_m: float, within_m: tuple[float, float, float, float] | None = None
) -> Cells:
    """Return the cells that may lie within the cap of a street, found block by block.

    Parameters
    ----------
    network
        Streets of one mode.
    cell_m
        Side of a cell.
    cap_m
        Longest access leg.
    within_m
        Bounds (west, south, east, north) to keep to; else all streets.
    """
    west, south, east, north = network.bounds
    bounds = (west - cap_m, south - cap_m, east + cap_m, north + cap_m)
    if within_m is not None:
        bounds = (
            max(bounds[0], within_m[0]),
            max(bounds[1], within_m[1]),
            min(bounds[2], within_m[2]),
            min(bounds[3], within_m[3]),
        )
    grid = Grid.over(bounds, cell_m)
    block_rows, block_columns = -(-grid.rows // _BLOCK), -(-grid.columns // _BLOCK)
    side = _BLOCK * cell_m
    left = grid.west + np.arange(block_columns) * side
    top = grid.north - np.arange(block_rows) * side
    boxes = shapely.box(
        *np.broadcast_arrays(left[None, :], top[:, None] - side, left[None, :] + side, top[:, None])
    ).ravel()
    near = np.zeros(len(boxes), dtype=bool)
    near[network.tree.query(boxes, predicate="dwithin", distance=cap_m)[0]] = True
    mask = np.kron(near.reshape(block_rows, block_columns), np.ones((_BLOCK, _BLOCK), dtype=bool))
    number = np.flatnonzero(mask[: grid.rows, : grid.columns].ravel())
    return Cells(grid, number, grid.centres(number))


def surface(cells: Cells, minutes: NDArray[np.float64], snap_status: NDArray[np.object_]) -> Surface:
    """Return the minutes of cells as a surface: NaN beyond the cap, `inf` where nothing is reached."""
    values = np.full(cells.grid.shape, np.nan)
    values.ravel()[cells.number] = np.where(snap_status == "far", np.nan, minutes)
    return Surface(cells.grid, values)


def cell_minutes(cell_m: float, access_kmh: float) -> float:
    """Return how many minutes around a limit a contour heeds; a search for it must reach so much further."""
    return _CLIP_CELLS * float(units.minutes_of(cell_m, access_kmh))


def isochrone(
    found: Surface,
    limit: float,
    *,
    access_kmh: float,
    minutes_at: Callable[[NDArray[np.float64]], NDArray[np.float64]] | None = None,
) -> shapely.MultiPolygon:
    """Return the polygon of `minutes <= limit`.

    The field `minutes - limit` is clipped to what one cell can hold before it is contoured: on a
    slope the crossing is interpolated, at a jump (between two streets, at the cap, at a wall) it is
    put half way. Where the minutes of any place can be asked, every crossing is then moved to where
    the minutes really pass the limit, by bisection of its cell edge: of the points on the wrong side
    of a 12.5 m contour, 97 % stood in cells that the contour crosses. Both rules keep the order of
    rising limits on every cell edge, so that bands nest exactly and none depends on which others were
    asked.

    Parameters
    ----------
    found
        Travel-time surface.
    limit
        Minutes.
    access_kmh
        Speed off the street, for the width of the clip.
    minutes_at
        Places (n, 2) → minutes.

    Returns
    -------
    A valid MultiPolygon, empty where nothing is within the limit.
    """
    inside = units.within(found.minutes, limit)
    if not inside.any():
        return shapely.MultiPolygon()
    rows, columns = np.flatnonzero(inside.any(axis=1)), np.flatnonzero(inside.any(axis=0))
    first_row, last_row = max(rows[0] - _PAD, 0), rows[-1] + _PAD + 1
    first_column, last_column = max(columns[0] - _PAD, 0), columns[-1] + _PAD + 1
    window = found.minutes[first_row:last_row, first_column:last_column]
    width = cell_minutes(found.grid.cell_m, access_kmh)
    field = np.clip(np.nan_to_num(window - limit, nan=width, posinf=width), -width, width)
    field = np.pad(field, _PAD, constant_values=width)
    points, offsets = _contour(field, -2.0 * width)
    cell = found.grid.cell_m
    # Counted from the grid's corner, not the window's, so that all bands agree to the last bit.
    corner, first = np.array([found.grid.west, found.grid.north]), np.array([first_column, first_row]) - _PAD + 0.5
    scale = np.array([cell, -cell])
    if minutes_at is not None:
        points = _exact(points, field, lambda at: units.within(minutes_at(corner + (at + first) * scale), limit), cell)
    return _polygons(corner + (points + first) * scale, offsets)


def _contour(field: NDArray[np.float64], lowest: float) -> tuple[NDArray[np.float64], list[NDArray[np.int64]]]:
    """Return the rings of where a field is at most zero, in columns and rows of the field.

    contourpy gives each shell with its own holes.

    Returns
    -------
    points
        (n, 2) column and row of all vertices; each lies on an edge between two neighbouring cells.
    offsets
        Of each polygon, where its rings begin and end among the points, the shell first.
    """
    generator = contourpy.contour_generator(z=field, name="serial", fill_type=contourpy.FillType.OuterOffset)
    # A hair below zero: where served cells touch corner to corner only, they stay apart, also from another's.
    filled = generator.filled(lowest, -np.finfo(np.float64).tiny)
    points, offsets = cast("tuple[list[NDArray[np.float64]], list[NDArray[np.uint32]]]", filled)
    sizes = np.concatenate([[0], np.cumsum([len(xy) for xy in points])]).astype(np.int64)
    rings = [start + ring.astype(np.int64) for start, ring in zip(sizes[:-1], offsets, strict=True)]
    # Rounded, since the last bits of a crossing depend on the window, and with it on which bands were asked.
    return np.round(np.concatenate(points) * _GRAINS) / _GRAINS, rings


def _exact(
    points: NDArray[np.float64],
    field: NDArray[np.float64],
    within: Callable[[NDArray[np.float64]], NDArray[np.bool_]],
    cell_m: float,
) -> NDArray[np.float64]:
    """Move crossings along their cell edges to where the limit is passed, to half a metre."""
    low, high = np.floor(points + _ON_NODE).astype(np.int64), np.ceil(points - _ON_NODE).astype(np.int64)
    crossing = np.flatnonzero((low != high).sum(axis=1) == 1)
    first, second = low[crossing], high[crossing]
    falls = field[first[:, 1], first[:, 0]] > 0
    inner = np.where(falls[:, None], second, first).astype(np.float64)
    outer = np.where(falls[:, None], first, second).astype(np.float64)
    for _ in range(max(int(np.ceil(np.log2(cell_m / _EXACT_M))), 0)):
        middle = (inner + outer) / 2.0
        served = within(middle)[:, None]
        inner, outer = np.where(served, middle, inner), np.where(served, outer, middle)
    moved = points.copy()
    moved[crossing] = (inner + outer) / 2.0
    return moved


def _polygons(xy: NDArray[np.float64], offsets: list[NDArray[np.int64]]) -> shapely.MultiPolygon:
    polygons = []
    for rings in offsets:
        parts = [xy[start:end] for start, end in pairwise(rings)]
        polygons.append(shapely.Polygon(parts[0], parts[1:]))
    return _valid(shapely.MultiPolygon(polygons))


def _valid(shape: shapely.Geometry) -> shapely.MultiPolygon:
    """Return a valid MultiPolygon; only what is invalid is repaired, only areas are kept."""
    if not shapely.is_valid(shape):
        shape = shapely.make_valid(shape, method="structure", keep_collapsed=False)
    parts = shapely.get_parts(shape)
    areal = parts[(shapely.get_type_id(parts) == shapely.GeometryType.POLYGON) & (shapely.area(parts) > 0)]
    return shapely.MultiPolygon(list(areal))


def split(found: Surface, nearest: NDArray[np.int64], facility: int) -> Surface:
    """Return the part of a surface whose nearest facility is a given one; elsewhere `inf`."""
    return Surface(
        found.grid, np.where(nearest == facility, found.minutes, np.where(np.isnan(found.minutes), np.nan, np.inf))
    )


def drawn(shapes: NDArray[np.object_], *, tolerance_m: float = DRAWN_TOLERANCE_M) -> NDArray[np.object_]:
    """Return polygons with fewer vertices, as the map draws them; valid, off by the tolerance at most."""
    plain = shapely.simplify(shapes, tolerance_m, preserve_topology=False)
    return np.array([_valid(shape) for shape in plain], dtype=object)


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
