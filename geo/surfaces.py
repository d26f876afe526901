"""Minutes per cell of a metric grid → isochrones: nested, valid polygons drawn from the same numbers.

A cell is linked to its street once per network; every service then costs one gather and one contour
a band. A polygon is the contour `minutes = limit`, and misplaces nobody by more than a cell.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import contourpy
import numpy as np
import shapely

from geo import units
from geo.grid import Grid, Surface

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from geo.network import Network

CELL_M = 25.0
FINEST_M = 6.25
MISPLACED_WISHED = 0.005
DRAWN_TOLERANCE_M = 2.0
_BLOCK = 16
_CLIP_CELLS = 1.5
_PAD = 1


class Cells(NamedTuple):
    """Cells near streets: their flat numbers in the grid and their centres."""

    grid: Grid
    number: NDArray[np.intp]
    xy: NDArray[np.float64]


def near_streets(network: Network, cell_m: float, *, cap_m: float, within_m: tuple[float, float, float, float] | None = None) -> Cells:
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
        bounds = (max(bounds[0], within_m[0]), max(bounds[1], within_m[1]), min(bounds[2], within_m[2]), min(bounds[3], within_m[3]))
    grid = Grid.over(bounds, cell_m)
    block_rows, block_columns = -(-grid.rows // _BLOCK), -(-grid.columns // _BLOCK)
    side = _BLOCK * cell_m
    left = grid.west + np.arange(block_columns) * side
    top = grid.north - np.arange(block_rows) * side
    boxes = shapely.box(*np.broadcast_arrays(left[None, :], top[:, None] - side, left[None, :] + side, top[:, None])).ravel()
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


def cell_minutes(grid: Grid, access_kmh: float) -> float:
    """Return the minutes that the slowest way across a cell takes: where contours interpolate."""
    return _CLIP_CELLS * float(units.minutes_of(grid.cell_m, access_kmh))


def isochrone(found: Surface, limit: float, *, access_kmh: float) -> shapely.MultiPolygon:
    """Return the polygon of `minutes <= limit`.

    The field `minutes - limit` is clipped to what one cell can hold before it is contoured: on a
    slope the crossing is interpolated, at a jump (between two streets, at the cap, at a wall) it is
    put half way. Clipped fields of rising limits lie below one another everywhere, and cells are cut
    into triangles, so that bands nest exactly and none depends on which others were asked.

    Parameters
    ----------
    found
        Travel-time surface.
    limit
        Minutes.
    access_kmh
        Speed off the street, for the width of the clip.

    Returns
    -------
    A valid MultiPolygon, empty where nothing is within the limit.
    """
    minutes = found.minutes
    inside = units.within(minutes, limit)
    if not inside.any():
        return shapely.MultiPolygon()
    rows, columns = np.flatnonzero(inside.any(axis=1)), np.flatnonzero(inside.any(axis=0))
    first_row, last_row = max(rows[0] - _PAD, 0), rows[-1] + _PAD + 1
    first_column, last_column = max(columns[0] - _PAD, 0), columns[-1] + _PAD + 1
    window = minutes[first_row:last_row, first_column:last_column]
    width = cell_minutes(found.grid, access_kmh)
    field = np.clip(np.nan_to_num(window - limit, nan=width, posinf=width), -width, width)
    field = np.pad(field, _PAD, constant_values=width)
    cell = found.grid.cell_m
    x = found.grid.x[first_column] + (np.arange(field.shape[1]) - _PAD) * cell
    y = found.grid.y[first_row] - (np.arange(field.shape[0]) - _PAD) * cell
    return _filled(x, y, field, -2.0 * width)


def _filled(x: NDArray[np.float64], y: NDArray[np.float64], field: NDArray[np.float64], lowest: float) -> shapely.MultiPolygon:
    """Return where the field is at most zero; contourpy gives each shell with its own holes."""
    generator = contourpy.contour_generator(
        x, y, field, name="serial", fill_type=contourpy.FillType.OuterOffset, quad_as_tri=True
    )
    points, offsets = generator.filled(lowest, 0.0)
    polygons = []
    for xy, rings in zip(points, offsets, strict=True):
        shells = [xy[start:end] for start, end in zip(rings[:-1], rings[1:], strict=True)]
        polygons.append(shapely.Polygon(shells[0], shells[1:]))
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
    return Surface(found.grid, np.where(nearest == facility, found.minutes, np.where(np.isnan(found.minutes), np.nan, np.inf)))


def drawn(shapes: NDArray[np.object_], *, tolerance_m: float = DRAWN_TOLERANCE_M) -> NDArray[np.object_]:
    """Return polygons with fewer vertices, as the map draws them; valid, off by the tolerance at most."""
    plain = shapely.simplify(shapes, tolerance_m, preserve_topology=False)
    return np.array([_valid(shape) for shape in plain], dtype=object)


def misplaced_people(
    polygon: shapely.Geometry, points: NDArray[np.object_], minutes: NDArray[np.float64], people: NDArray[np.float64], limit: float
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
