"""Points → the nearest street they can walk to: edge, position along it, metres, status.

People, services and the cells of a surface are all linked by :func:`snap`, so that a polygon and a
number can never disagree about who stands where.
"""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
import shapely

from geo.line_index import LineIndex, Nearest

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from geo.network import Network

CAP_M = 300.0
GATE_OPENING_M = 3.0
_TOUCH_M = 1e-6
_TRIES = (0, 3, 12, 48, 1_000_000_000)


def barrier_lines(
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
    lines = np.where(areal, shapely.boundary(shapes), shapes)
    if len(gates):
        lines = shapely.difference(lines, shapely.union_all(shapely.buffer(gates, GATE_OPENING_M)))
    xy, line = shapely.get_coordinates(shapely.get_parts(lines), return_index=True)
    same = np.flatnonzero(line[:-1] == line[1:])
    return np.asarray(shapely.linestrings(np.stack([xy[same], xy[same + 1]], axis=1)), dtype=object)


class Fence:
    """Barriers ready to be asked; made by :func:`fence`."""

    def __init__(self, segments: NDArray[np.object_], areas: NDArray[np.object_]) -> None:
        self.tree = shapely.STRtree(segments)
        self.index = LineIndex.of(segments)
        self.area = shapely.union_all(areas) if len(areas) else shapely.Polygon()
        shapely.prepare(self.area)

    def holds(self, xy: NDArray[np.float64]) -> NDArray[np.bool_]:
        """Say which places lie inside a barrier (in the water): nobody walks from there."""
        return np.asarray(shapely.contains_xy(self.area, xy[:, 0], xy[:, 1]), dtype=bool)

    def blocks(self, xy: NDArray[np.float64], feet: NDArray[np.float64]) -> NDArray[np.bool_]:
        """Say whose leg crosses a barrier; a street that lies on the barrier may be reached."""
        way = feet - xy
        length = np.hypot(way[:, 0], way[:, 1])
        blocked = np.zeros(len(xy), dtype=bool)
        near = np.flatnonzero(length > _TOUCH_M)
        longest = float(length.max(initial=0.0))
        near = near[self.index.not_nearer_than(xy[near], within_m=longest) <= length[near]]
        # Stop a hair before the street: a wall may run along it, or end at it.
        shorter = (length[near] - _TOUCH_M) / length[near]
        legs = shapely.linestrings(np.stack([xy[near], xy[near] + way[near] * shorter[:, None]], axis=1))
        blocked[near[self.tree.query(legs, predicate="intersects")[0]]] = True
        return blocked


def fence(segments: NDArray[np.object_] | None, areas: NDArray[np.object_] | None = None) -> Fence | None:
    """Return barriers ready to be asked; `None` where there are none.

    Parameters
    ----------
    segments
        From :func:`barrier_lines`.
    areas
        Polygons among the barriers (water): a place inside has no way to any street.
    """
    if segments is None or not len(segments):
        return None
    return Fence(segments, np.array([], dtype=object) if areas is None else areas)


def snap(
    network: Network,
    points: NDArray[np.object_],
    *,
    cap_m: float = CAP_M,
    barriers: Fence | None = None,
) -> pd.DataFrame:
    """Link points to the nearest usable street, perpendicular onto the edge.

    Parameters
    ----------
    network
        Streets of one mode.
    points
        (n,) Points in the network's CRS; missing and empty ones are `no_geometry`.
    cap_m
        Longest access leg.
    barriers
        What a leg must not cross (:func:`fence`).

    Returns
    -------
    (n,) rows of `schema.SNAPPED`: `edge` (-1 where none), `fraction` of the edge's length from its
    start, `snap_m`, and `snap_status`: `ok`; `island` (the nearest street lies on a component too
    small to matter and the main one is not within the cap); `far` (no street within the cap; `snap_m`
    still tells the distance); `no_geometry`.
    """
    xy = np.full((len(points), 2), np.nan)
    there = ~(shapely.is_missing(points) | shapely.is_empty(points))
    xy[there] = shapely.get_coordinates(points[there])
    found = snap_xy(network, xy, cap_m=cap_m, barriers=barriers)
    far = np.flatnonzero((found["snap_status"] == "far").to_numpy())
    if len(far):
        indexes = (network.main_index[0], network.island_index[0])
        found.loc[far, "snap_m"] = np.min([index.nearest(xy[far]).metres for index in indexes], axis=0)
    return found


def snap_xy(
    network: Network, xy: NDArray[np.float64], *, cap_m: float = CAP_M, barriers: Fence | None = None
) -> pd.DataFrame:
    """Link places (n, 2) as :func:`snap` does, but leave `snap_m` of the `far` ones NaN; NaN is `no_geometry`."""
    count = len(xy)
    edge, status = np.full(count, -1, dtype=np.int64), np.full(count, "far", dtype=object)
    fraction, snap_m = np.full(count, np.nan), np.full(count, np.nan)
    there = np.asarray(np.isfinite(xy).all(axis=1), dtype=bool)
    status[~there] = "no_geometry"
    if barriers is not None:
        there[there] = ~barriers.holds(xy[there])
    for island in (False, True):
        rows = np.flatnonzero(there & (edge < 0))
        found = _reachable(network, xy[rows], island=island, cap_m=cap_m, barriers=barriers)
        hit = found.line >= 0
        edge[rows[hit]], fraction[rows[hit]], snap_m[rows[hit]] = (
            found.line[hit],
            found.fraction[hit],
            found.metres[hit],
        )
        status[rows[hit]] = "island" if island else "ok"
    return pd.DataFrame({"edge": edge, "fraction": fraction, "snap_m": snap_m, "snap_status": status})


def _reachable(
    network: Network, xy: NDArray[np.float64], *, island: bool, cap_m: float, barriers: Fence | None
) -> Nearest:
    """Return the nearest edge, on islands or not, within the cap that a leg reaches; -1 where none."""
    index, numbers = network.island_index if island else network.main_index
    found = index.nearest(xy, within_m=cap_m)
    rows = np.flatnonzero(found.line >= 0)
    found.line[rows] = numbers[found.line[rows]]
    if barriers is None or not len(rows):
        return found
    blocked = rows[barriers.blocks(xy[rows], found.foot[rows])]
    round_it = _way_round(network, numbers, barriers, xy[blocked], cap_m=cap_m)
    for old, new in zip(found, round_it, strict=True):
        old[blocked] = new
    return found


def _way_round(
    network: Network, numbers: NDArray[np.intp], barriers: Fence, xy: NDArray[np.float64], *, cap_m: float
) -> Nearest:
    """Return the nearest edge within the cap whose leg crosses no barrier; -1 where there is none."""
    found = Nearest.none(len(xy))
    points = shapely.points(xy)
    rows, edges = network.tree.query(points, predicate="dwithin", distance=cap_m)
    mine = np.isin(edges, numbers)
    rows, edges = rows[mine], edges[mine]
    metres = shapely.distance(points[rows], network.lines[edges])
    order = np.lexsort((edges, metres, rows))
    rows, edges = rows[order], edges[order]
    rank = np.arange(len(rows)) - np.searchsorted(rows, rows)
    # Most find a way among the first few; only those that do not are tried further.
    for first, last in pairwise(_TRIES):
        some = np.flatnonzero((rank >= first) & (rank < last) & (found.line[rows] < 0))
        _try_legs(network, barriers, found, xy, rows[some], edges[some])
    return found


def _try_legs(
    network: Network,
    barriers: Fence,
    found: Nearest,
    xy: NDArray[np.float64],
    rows: NDArray[np.intp],
    edges: NDArray[np.intp],
) -> None:
    """Give each point the first of its candidate edges, in the order given, that a free leg reaches."""
    lines = network.lines[edges]
    along = shapely.line_locate_point(lines, shapely.points(xy[rows]), normalized=True)
    feet = shapely.get_coordinates(shapely.line_interpolate_point(lines, along, normalized=True))
    free = np.flatnonzero(~barriers.blocks(xy[rows], feet))
    to, first = np.unique(rows[free], return_index=True)
    pick = free[first]
    found.line[to], found.fraction[to], found.foot[to] = edges[pick], along[pick], feet[pick]
    found.metres[to] = np.hypot(*(feet[pick] - xy[to]).T)
