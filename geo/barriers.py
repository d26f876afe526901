"""What an access leg must not cross: walls, water, rail, and the outlines of units that have gates."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
import shapely

from geo import kernels
from geo.line_index import LineIndex
from geo.tiles import Shelf, Tiling

if TYPE_CHECKING:
    from numpy.typing import NDArray

GATE_OPENING_M = 3.0
_CLOSE_M = 100.0
_TOUCH_M = 1e-6
_CLEAR_M = 1e-3


def lines(
    barriers: NDArray[np.object_], outlines: NDArray[np.object_], gates: NDArray[np.object_]
) -> NDArray[np.object_]:
    """Return the lines that an access leg must not cross.

    Parameters
    ----------
    barriers
        Walls, water, rail: lines or polygons (of which the outline counts), metric CRS.
    outlines
        Polygons of units that have gates.
    gates
        Points; within 3 m of one the lines are open.

    Returns
    -------
    Two-point segments: legs are short, and an index of short barriers rejects nearly all at once.
    """
    shapes = np.concatenate([barriers, outlines])
    shapes = shapes[~(shapely.is_missing(shapes) | shapely.is_empty(shapes))]
    areal = np.isin(shapely.get_type_id(shapes), [shapely.GeometryType.POLYGON, shapely.GeometryType.MULTIPOLYGON])
    walls = np.where(areal, shapely.boundary(shapes), shapes)
    if len(gates):
        walls = shapely.difference(walls, shapely.union_all(shapely.buffer(gates, GATE_OPENING_M)))
    xy, wall = shapely.get_coordinates(shapely.get_parts(walls), return_index=True)
    same = np.flatnonzero(wall[:-1] == wall[1:])
    return np.asarray(shapely.linestrings(np.stack([xy[same], xy[same + 1]], axis=1)), dtype=object)


class Fence:
    """Barriers ready to be asked; made by :func:`fence`."""

    def __init__(self, segments: NDArray[np.object_], areas: NDArray[np.object_]) -> None:
        self.segments = segments
        self.tree = shapely.STRtree(segments)
        self.area = shapely.union_all(areas) if len(areas) else shapely.Polygon()
        shapely.prepare(self.area)
        self.arrays = (shapely.get_coordinates(segments), shapely.get_coordinates(self.area))

    def holds(self, xy: NDArray[np.float64]) -> NDArray[np.bool_]:
        """Say which places lie inside a barrier (in the water): nobody walks from there."""
        return np.asarray(shapely.contains_xy(self.area, xy[:, 0], xy[:, 1]), dtype=bool)

    def near(self, xy: NDArray[np.float64], *, within_m: NDArray[np.float64]) -> NDArray[np.bool_]:
        """Say which places may have a barrier within some metres; some that have none are among them."""
        if kernels.compiled is None:
            return self._index.may_be_within(xy, metres=within_m)
        found = np.zeros(len(xy), dtype=bool)
        kernels.compiled.any_within(self._tiles, np.ascontiguousarray(xy), within_m, found.view(np.uint8))
        return found

    @cached_property
    def _index(self) -> LineIndex:
        return LineIndex.of(self.segments)

    @cached_property
    def _tiles(self) -> Any:  # noqa: ANN401 - what the compiled loops take
        """The segments by small tiles that they touch."""
        xy, boxes = self.arrays[0], shapely.bounds(self.segments)
        tiling = Tiling.over((*xy.min(axis=0).tolist(), *xy.max(axis=0).tolist()), things=len(boxes), side_m=_CLOSE_M)
        wall, tile = tiling.touching(boxes)
        return kernels.lines(Shelf.of(tiling, tile, wall), boxes, xy, 2 * np.arange(len(boxes) + 1))

    def parts(self, xy: NDArray[np.float64], way: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return at what share of a way (n, 2) from each place the first barrier stands, NaN where none does."""
        share = np.full(len(xy), np.inf)
        near = np.flatnonzero(self.near(xy, within_m=np.hypot(way[:, 0], way[:, 1])))
        lines = shapely.linestrings(np.stack([xy[near], xy[near] + way[near]], axis=1))
        rows, walls = self.tree.query(lines)
        start, along = self._walls(walls)
        offset, mine = start - xy[near[rows]], way[near[rows]]
        cross = mine[:, 0] * along[:, 1] - mine[:, 1] * along[:, 0]
        with np.errstate(divide="ignore", invalid="ignore"):
            at = (offset[:, 0] * along[:, 1] - offset[:, 1] * along[:, 0]) / cross
            on = (offset[:, 0] * mine[:, 1] - offset[:, 1] * mine[:, 0]) / cross
        meets = (at >= 0) & (at <= 1) & (on >= 0) & (on <= 1)
        np.minimum.at(share, near[rows[meets]], at[meets])
        return np.where(np.isfinite(share), share, np.nan)

    def _walls(self, walls: NDArray[np.int64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Return where segments begin, and the way to their other end."""
        xy, vertex = self.arrays[0], 2 * walls
        return xy[vertex], xy[vertex + 1] - xy[vertex]

    def blocks(self, xy: NDArray[np.float64], feet: NDArray[np.float64]) -> NDArray[np.bool_]:
        """Say whose leg crosses a barrier; a street that lies on the barrier may be reached."""
        return self.blockers(xy, feet) >= 0

    def blockers(self, xy: NDArray[np.float64], feet: NDArray[np.float64]) -> NDArray[np.int64]:
        """Return a segment that each leg crosses, -1 where it crosses none."""
        way = feet - xy
        length = np.hypot(way[:, 0], way[:, 1])
        blocker = np.full(len(xy), -1, dtype=np.int64)
        near = np.flatnonzero(length > _TOUCH_M)
        near = near[self.near(xy[near], within_m=length[near])]
        # Stop a hair before the street: a wall may run along it, or end at it.
        shorter = (length[near] - _TOUCH_M) / length[near]
        legs = shapely.linestrings(np.stack([xy[near], xy[near] + way[near] * shorter[:, None]], axis=1))
        rows, walls = self.tree.query(legs, predicate="intersects")
        blocker[near[rows]] = walls
        return blocker

    def surely_blocks(
        self, xy: NDArray[np.float64], feet: NDArray[np.float64], walls: NDArray[np.int64]
    ) -> NDArray[np.bool_]:
        """Say which legs cross one given segment each, and clearly: both ends of either lie off the other by a hair."""
        start, along = self._walls(walls)
        way = feet - xy
        off_wall = [_cross(along, place - start) for place in (xy, feet)]
        off_leg = [_cross(way, place - xy) for place in (start, start + along)]
        hair = _CLEAR_M * np.hypot(along[:, 0], along[:, 1]), _CLEAR_M * np.hypot(way[:, 0], way[:, 1])
        clear = [
            (np.abs(one) > least) & (np.abs(other) > least) & ((one > 0) != (other > 0))
            for (one, other), least in zip((off_wall, off_leg), hair, strict=True)
        ]
        return np.asarray(clear[0] & clear[1], dtype=bool)


def _cross(one: NDArray[np.float64], other: NDArray[np.float64]) -> NDArray[np.float64]:
    return one[:, 0] * other[:, 1] - one[:, 1] * other[:, 0]


def fence(segments: NDArray[np.object_] | None, areas: NDArray[np.object_] | None = None) -> Fence | None:
    """Return barriers ready to be asked; `None` where there are none.

    Parameters
    ----------
    segments
        From :func:`lines`.
    areas
        Polygons among the barriers (water): a place inside has no way to any street.
    """
    if segments is None or not len(segments):
        return None
    return Fence(segments, np.array([], dtype=object) if areas is None else areas)
