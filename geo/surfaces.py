"""Minutes per cell of a metric grid → isochrones: nested, valid polygons drawn from the same numbers.

A cell is linked to its street once per network (`cells`); every service then costs one gather and one
contour a band. A polygon is the contour `minutes = limit`, and misplaces nobody by more than a cell.
"""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING, NamedTuple, cast

import contourpy
import numpy as np
import shapely

from geo import kernels, units
from geo.crossings import UNKNOWN, Crossings, where_passed
from geo.grid import Grid, Surface
from geo.tiles import ranges

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from numpy.typing import NDArray

    from geo.fields import Field
    from geo.tiles import Box

CELL_M = 12.5
FINEST_M = 6.25
MISPLACED_WISHED = 0.005
DRAWN_TOLERANCE_M = 0.5
_PAD = 1
_ON_NODE = 1e-9
_ON_NODE_SHARE = 1e-6
_LEAST = 2
FIELDS_AT_ONCE = 24


def surface(field: Field, box: Box) -> Surface:
    """Return the minutes of the cells of a box: NaN beyond the cap, `inf` where nothing is reached."""
    grid = Grid.over(box, field.links.cell_m)
    values = np.full(grid.shape, np.nan, dtype=np.float32)
    table, found = field.table, field.reached
    unreached = np.full(len(table.row), np.inf)
    for column, row, minutes in (
        (table.island[:, 0], table.island[:, 1], np.full(len(table.island), np.inf)),
        (table.column, table.row, unreached),
        (table.column[found.cell], table.row[found.cell], found.minutes),
    ):
        at_column, at_row = column - grid.first[0], row - grid.first[1]
        here = (at_column >= 0) & (at_column < grid.columns) & (at_row >= 0) & (at_row < grid.rows)
        values[at_row[here], at_column[here]] = minutes[here]
    return Surface(grid, values)


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
    while some := list(islice(asked, FIELDS_AT_ONCE)):
        parts.append(_drawn_together(some, limits))
    return np.concatenate(parts)


class _Sheet(NamedTuple):
    """Fields one below the other, each with a margin of what is outside.

    Attributes
    ----------
    minutes
        `inf` where nothing is reached.
    place
        Number of each cell among those reached in all fields, -1 where it is not.
    first_row
        (fields + 1,) row of the sheet at which each field begins.
    corner
        (fields, 2) column and row over the whole plane at which each begins.
    over_start
        (cells reached in all fields,) whether the way leads over the start of the street.
    cell
        (cells reached in all fields,) number in the table.
    """

    minutes: NDArray[np.float64]
    place: NDArray[np.int32]
    first_row: NDArray[np.int64]
    corner: NDArray[np.int64]
    over_start: NDArray[np.bool_]
    cell: NDArray[np.int64]


def _boxes(fields: Sequence[Field], limits: Sequence[float]) -> NDArray[np.int64]:
    """Return first column and row, width and height, of what each field has within each limit, and a margin.

    Returns
    -------
    (limits, fields, 4), all 0 where a field has nothing within a limit.
    """
    ends = np.array([_ends(field, limits) for field in fields], dtype=np.int64).transpose(1, 0, 2)
    low, high = ends[:, :, :2] - _PAD, ends[:, :, 2:] + _PAD + 1
    return np.where(ends[:, :, :1] <= ends[:, :, 2:3], np.concatenate([low, high - low], axis=2), 0)


def _ends(field: Field, limits: Sequence[float]) -> NDArray[np.int64]:
    """Return (limits, 4) first column, first row, last column and last row; the first after the last where is nothing."""
    far = np.iinfo(np.int64).max // 4
    found = np.tile(np.array([far, far, -far, -far], dtype=np.int64), (len(limits), 1))
    table, (cell, minutes, _, _) = field.table, field.reached
    if kernels.compiled is not None:
        kernels.compiled.extents(cell, minutes, table.column, table.row, np.array(limits, dtype=np.float64), found)
        return found
    column, row = table.column[cell], table.row[cell]
    for limit, box in zip(limits, found, strict=True):
        inside = np.flatnonzero(minutes <= limit)
        if len(inside):
            at_column, at_row = column[inside], row[inside]
            box[:] = at_column.min(), at_row.min(), at_column.max(), at_row.max()
    return found


def _sheet(fields: Sequence[Field], boxes: NDArray[np.int64]) -> _Sheet:
    """Lay out fields as far as they lie in boxes, one a field."""
    over_start, cell = (
        np.concatenate([getattr(field.reached, name) for field in fields]) for name in ("over_start", "cell")
    )
    sheet, before = _blank(boxes, over_start, cell), 0
    for field, box, first in zip(fields, boxes, sheet.first_row[:-1].tolist(), strict=True):
        table, (cells, minutes, _, _) = field.table, field.reached
        if kernels.compiled is not None:
            where = cells, minutes, table.column, table.row
            kernels.compiled.lay(*where, box, first, before, sheet.minutes, sheet.place)
        else:
            column, row = table.column[cells] - box[0], table.row[cells] - box[1]
            here = np.flatnonzero((column >= 0) & (column < box[2]) & (row >= 0) & (row < box[3]))
            to = (row[here] + first) * sheet.minutes.shape[1] + column[here]
            sheet.minutes.ravel()[to], sheet.place.ravel()[to] = minutes[here], here + before
        before += len(cells)
    return sheet


def _blank(boxes: NDArray[np.int64], over_start: NDArray[np.bool_], cell: NDArray[np.int64]) -> _Sheet:
    """Return a sheet without a cell, for boxes given by first column and row, width and height."""
    first_row = np.concatenate([[0], np.cumsum(boxes[:, 3])])
    shape = max(int(first_row[-1]), _LEAST), max(int(boxes[:, 2].max()), _LEAST)
    return _Sheet(
        np.full(shape, np.inf), np.full(shape, -1, dtype=np.int32), first_row, boxes[:, :2].copy(), over_start, cell
    )


def _cut(wide: _Sheet, boxes: NDArray[np.int64]) -> _Sheet:
    """Return the sheet of smaller boxes, each within its own of a wider sheet."""
    sheet = _blank(boxes, wide.over_start, wide.cell)
    offset = boxes[:, :2] - wide.corner
    offset[:, 1] += wide.first_row[:-1]
    for (left, top), (width, height), first in zip(offset, boxes[:, 2:], sheet.first_row[:-1], strict=True):
        taken = slice(top, top + height), slice(left, left + width)
        to = slice(first, first + height), slice(0, width)
        sheet.minutes[to], sheet.place[to] = wide.minutes[taken], wide.place[taken]
    return sheet


def _sheets(fields: Sequence[Field], limits: Sequence[float]) -> Iterator[_Sheet]:
    """Lay out fields, a sheet a limit; cells are laid once, as far as they are within the widest one."""
    boxes = _boxes(fields, limits)
    widest = int(np.argmax(limits))
    wide = _sheet(fields, boxes[widest])
    for limit, mine in zip(limits, boxes, strict=True):
        if limit == limits[widest]:
            yield wide
        else:
            # What has no cell lies nowhere.
            mine[mine[:, 2] == 0, :2] = wide.corner[mine[:, 2] == 0]
            yield _cut(wide, mine)


def _drawn_together(fields: Sequence[Field], limits: Sequence[float]) -> NDArray[np.object_]:
    sheets = zip(_sheets(fields, limits), limits, strict=True)
    drafts = [_draft(sheet, limit, fields[0].width) for sheet, limit in sheets]
    pairs = Crossings._make(np.concatenate(column) for column in zip(*(draft.pairs for draft in drafts), strict=True))
    order = np.argsort(pairs.field, kind="stable")
    share = np.empty(len(order))
    share[order] = where_passed(fields, pairs.take(order))
    parts = np.split(share, np.cumsum([len(draft.pairs.field) for draft in drafts])[:-1])
    cell_m = fields[0].links.cell_m
    shapes = [draft.shapes(part, cell_m, len(fields)) for draft, part in zip(drafts, parts, strict=True)]
    return np.column_stack(shapes)


class _Draft(NamedTuple):
    """The rings of one limit before their vertices, each a crossing, are put right."""

    pairs: Crossings
    rings: NDArray[np.int64]
    shells: NDArray[np.int64]

    def shapes(self, share: NDArray[np.float64], cell_m: float, fields: int) -> NDArray[np.object_]:
        """Return the polygons, with every vertex at its share of the way from the inner to the outer cell."""
        # Whole cells and the way beyond are rounded apart, so that the last bit depends on no window.
        whole = (self.pairs.inner + 0.5) * cell_m
        beyond = share[:, None] * (self.pairs.outer - self.pairs.inner) * cell_m
        xy = (whole + beyond) * (1.0, -1.0)
        found = _polygons(xy, self.rings, self.shells, self.pairs.field, fields)
        # Where every vertex lies strictly between its two cells nothing can touch (a test proves it).
        strict = (share > _ON_NODE_SHARE) & (share < 1.0 - _ON_NODE_SHARE)
        strict &= (self.pairs.inner != self.pairs.outer).any(axis=1)
        doubtful = np.unique(self.pairs.field[~strict])
        wrong = doubtful[~shapely.is_valid(found[doubtful])]
        found[wrong] = [valid(shape) for shape in found[wrong]]
        return found


def _draft(sheet: _Sheet, limit: float, width: float) -> _Draft:
    values = np.clip(sheet.minutes - limit, -width, width)
    points, rings, shells = _contour(values)
    beside = _beside_by_arrays if kernels.compiled is None else _beside_one_by_one
    return _Draft(beside(sheet, values, points, limit), rings, shells)


def _beside_by_arrays(
    sheet: _Sheet, values: NDArray[np.float64], points: NDArray[np.float64], limit: float
) -> Crossings:
    """Return the cells between which the vertices of a contour lie."""
    one, two = np.floor(points + _ON_NODE).astype(np.int64), np.ceil(points - _ON_NODE).astype(np.int64)
    columns = values.shape[1]
    at_one, at_two = one[:, 1] * columns + one[:, 0], two[:, 1] * columns + two[:, 0]
    falls = values.ravel()[at_one] > 0
    inner, outer = np.where(falls[:, None], two, one), np.where(falls[:, None], one, two)
    at_inner, at_outer = np.where(falls, at_two, at_one), np.where(falls, at_one, at_two)
    minutes, place = sheet.minutes.ravel(), sheet.place.ravel()
    number = np.searchsorted(sheet.first_row, inner[:, 1], "right") - 1
    shift = sheet.corner[number]
    shift[:, 1] -= sheet.first_row[number]
    known, other = place[at_inner], place[at_outer]
    return Crossings(
        number,
        np.full(len(number), float(limit)),
        inner + shift,
        outer + shift,
        minutes[at_inner],
        minutes[at_outer],
        (other >= 0) & (sheet.over_start[known] == sheet.over_start[other]),
        sheet.cell[known],
        np.where(other >= 0, sheet.cell[other], UNKNOWN),
    )


def _beside_one_by_one(
    sheet: _Sheet, values: NDArray[np.float64], points: NDArray[np.float64], limit: float
) -> Crossings:
    """Return what :func:`_beside_by_arrays` does, by the compiled loop."""
    count = len(points)
    number, inner_cell, outer_cell = np.empty((3, count), dtype=np.int64)
    inner, outer = np.empty((2, count, 2), dtype=np.int64)
    before, after = np.empty((2, count))
    one_way = np.empty(count, dtype=bool)
    kernels.compiled.beside_contour(
        *(points, _ON_NODE, values, sheet.minutes, sheet.place, sheet.first_row, sheet.corner),
        *(sheet.over_start.view(np.uint8), sheet.cell, UNKNOWN),
        *(number, inner, outer, before, after, one_way.view(np.uint8), inner_cell, outer_cell),
    )
    return Crossings(number, np.full(count, float(limit)), inner, outer, before, after, one_way, inner_cell, outer_cell)


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
    column, row = np.empty_like(values), np.empty_like(values)
    column[:], row[:] = np.arange(values.shape[1]), np.arange(values.shape[0])[:, None]
    generator = contourpy.contour_generator(
        column, row, values, name="serial", fill_type=contourpy.FillType.OuterOffset
    )
    # A hair below zero: where served cells touch corner to corner only, they stay apart, also from another's.
    filled = generator.filled(min(2.0 * float(values.min()), 0.0) - 1.0, -np.finfo(np.float64).tiny)
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
    """Return a MultiPolygon a zone; all are made in one call."""
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
    return np.asarray(shapely.from_ragged_array(shapely.GeometryType.MULTIPOLYGON, xy[vertex], offsets))


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
