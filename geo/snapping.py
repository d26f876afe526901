"""Points → the nearest street they can walk to: edge, position along it, metres, status.

People, services and the cells of a surface are all linked by :func:`snap`, so that a polygon and a
number can never disagree about who stands where.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
import shapely

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from geo.network import Network

CAP_M = 300.0
GATE_OPENING_M = 3.0
_TOUCH_M = 1e-6
_CHUNK = 200_000


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
    Lines, none empty.
    """
    shapes = np.concatenate([barriers, outlines])
    shapes = shapes[~(shapely.is_missing(shapes) | shapely.is_empty(shapes))]
    areal = np.isin(shapely.get_type_id(shapes), [shapely.GeometryType.POLYGON, shapely.GeometryType.MULTIPOLYGON])
    lines = np.where(areal, shapely.boundary(shapes), shapes)
    if len(gates):
        lines = shapely.difference(lines, shapely.union_all(shapely.buffer(gates, GATE_OPENING_M)))
    parts = shapely.get_parts(lines)
    return np.asarray(parts[~shapely.is_empty(parts)], dtype=object)


def snap(
    network: Network,
    points: NDArray[np.object_],
    *,
    cap_m: float = CAP_M,
    barriers: NDArray[np.object_] | None = None,
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
        Lines that a leg must not cross (:func:`barrier_lines`).

    Returns
    -------
    (n,) rows of `schema.SNAPPED`: `edge` (-1 where none), `fraction` of the edge's length from its
    start, `snap_m`, and `snap_status`: `ok`; `island` (the nearest street lies on a component too
    small to matter and the main one is not within the cap); `far` (no street within the cap; `snap_m`
    still tells the distance); `no_geometry`.
    """
    parts = [
        _snap(network, points[at : at + _CHUNK], cap_m=cap_m, barriers=barriers)
        for at in range(0, max(len(points), 1), _CHUNK)
    ]
    return parts[0] if len(parts) == 1 else pd.concat(parts, ignore_index=True)


def _snap(
    network: Network, points: NDArray[np.object_], *, cap_m: float, barriers: NDArray[np.object_] | None
) -> pd.DataFrame:
    count = len(points)
    edge = np.full(count, -1, dtype=np.int64)
    status = np.full(count, "far", dtype=object)
    there = ~(shapely.is_missing(points) | shapely.is_empty(points))
    status[~there] = "no_geometry"
    for tree, name in ((network.main_tree, "ok"), (network.island_tree, "island")):
        open_rows = np.flatnonzero(there & (edge < 0))
        found = _reachable(tree, network, points[open_rows], cap_m=cap_m, barriers=barriers)
        hit = open_rows[found >= 0]
        edge[hit], status[hit] = found[found >= 0], name
    fraction, snap_m = np.full(count, np.nan), np.full(count, np.nan)
    linked = np.flatnonzero(edge >= 0)
    fraction[linked], snap_m[linked] = _foot(network, points[linked], edge[linked])
    far = np.flatnonzero(there & (edge < 0))
    snap_m[far] = _distance_m(network, points[far])
    return pd.DataFrame({"edge": edge, "fraction": fraction, "snap_m": snap_m, "snap_status": status})


def _foot(
    network: Network, points: NDArray[np.object_], edge: NDArray[np.int64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return where on its edge each point stands (share of the length) and how far away, metres."""
    lines = network.lines[edge]
    along = shapely.line_locate_point(lines, points)
    return np.clip(along / shapely.length(lines), 0.0, 1.0), shapely.distance(lines, points)


def _distance_m(network: Network, points: NDArray[np.object_]) -> NDArray[np.float64]:
    """Return the metres to the nearest street, however far."""
    found = np.full(len(points), np.inf)
    for tree, _ in (network.main_tree, network.island_tree):
        (rows, _), metres = tree.query_nearest(points, all_matches=False, return_distance=True)
        found[rows] = np.minimum(found[rows], metres)
    return found


def _reachable(
    tree: tuple[shapely.STRtree, NDArray[np.intp]],
    network: Network,
    points: NDArray[np.object_],
    *,
    cap_m: float,
    barriers: NDArray[np.object_] | None,
) -> NDArray[np.int64]:
    """Return the nearest edge of one tree within the cap that a leg reaches; -1 where there is none."""
    index, numbers = tree
    edge = np.full(len(points), -1, dtype=np.int64)
    if not len(numbers) or not len(points):
        return edge
    # Ties (a point that faces a junction) go to the lowest edge, so that the order of rows is free.
    (rows, near), _ = index.query_nearest(points, max_distance=cap_m, return_distance=True)
    order = np.lexsort((numbers[near], rows))
    first = order[np.unique(rows[order], return_index=True)[1]]
    edge[rows[first]] = numbers[near[first]]
    if barriers is None or not len(barriers):
        return edge
    fence = shapely.STRtree(barriers)
    linked = np.flatnonzero(edge >= 0)
    blocked = linked[_blocked(fence, points[linked], network.lines[edge[linked]])]
    edge[blocked] = _way_round(index, numbers, fence, network, points[blocked], cap_m=cap_m)
    return edge


def _blocked(
    fence: shapely.STRtree, points: NDArray[np.object_], lines: NDArray[np.object_]
) -> NDArray[np.bool_]:
    """Say whose leg to a line crosses a barrier; a street that lies on the barrier may be reached."""
    feet = shapely.line_interpolate_point(lines, shapely.line_locate_point(lines, points))
    ends = np.stack([shapely.get_coordinates(points), shapely.get_coordinates(feet)], axis=1)
    length = np.linalg.norm(ends[:, 1] - ends[:, 0], axis=1)
    # Stop a hair before the street: a wall may run along it, or end at it.
    shorter = np.where(length > _TOUCH_M, (length - _TOUCH_M) / np.maximum(length, _TOUCH_M), 0.0)
    ends[:, 1] = ends[:, 0] + (ends[:, 1] - ends[:, 0]) * shorter[:, None]
    crossing = np.zeros(len(points), dtype=bool)
    crossing[fence.query(shapely.linestrings(ends), predicate="intersects")[0]] = True
    return crossing & (length > _TOUCH_M)


def _way_round(
    index: shapely.STRtree,
    numbers: NDArray[np.intp],
    fence: shapely.STRtree,
    network: Network,
    points: NDArray[np.object_],
    *,
    cap_m: float,
) -> NDArray[np.int64]:
    """Return the nearest edge within the cap whose leg crosses no barrier; -1 where there is none."""
    edge = np.full(len(points), -1, dtype=np.int64)
    if not len(points):
        return edge
    rows, near = index.query(points, predicate="dwithin", distance=cap_m)
    edges = numbers[near]
    free = ~_blocked(fence, points[rows], network.lines[edges])
    rows, edges = rows[free], edges[free]
    metres = shapely.distance(points[rows], network.lines[edges])
    order = np.lexsort((edges, metres, rows))
    first = order[np.unique(rows[order], return_index=True)[1]]
    edge[rows[first]] = edges[first]
    return edge
