"""Where streets meet: one point, shared by all streets that pass there."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np
import shapely
from scipy import sparse
from scipy.sparse import csgraph
from scipy.spatial import cKDTree

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from geo.sample.shapes import Array
    from geo.sample.ways import Street

SAME_M = 2.5
OVERHANG_M = 85.0


def _meeting_points(lines: NDArray[np.object_], levels: NDArray[np.int_]) -> Array:
    """Return where lines of one level cross, and the ends that lie on another line."""
    tree = shapely.STRtree(lines)
    left, right = tree.query(lines, predicate="dwithin", distance=SAME_M)
    keep = (left < right) & (levels[left] == levels[right])
    left, right = left[keep], right[keep]
    crossings = shapely.intersection(lines[left], lines[right])
    found = [shapely.get_coordinates(_as_points(crossing)) for crossing in crossings]
    ends = np.stack([shapely.get_point(lines, 0), shapely.get_point(lines, -1)])
    for one, other in ((left, right), (right, left)):
        for end in ends:
            touching = shapely.distance(end[one], lines[other]) < SAME_M
            found.append(shapely.get_coordinates(end[one[touching]]))
    return np.vstack([part for part in found if len(part)])


def _as_points(crossing: shapely.Geometry) -> shapely.Geometry:
    """Return a crossing as points; a stretch in common counts by its two ends."""
    points = [shapely.boundary(part) if part.length > 0 else part for part in shapely.get_parts(crossing)]
    return shapely.union_all(points)


def _merge_close(points: Array) -> Array:
    """Return one point for each group of points closer than the tolerance."""
    pairs = cKDTree(points).query_pairs(SAME_M, output_type="ndarray")
    links = sparse.coo_matrix((np.ones(len(pairs)), (pairs[:, 0], pairs[:, 1])), shape=(len(points),) * 2)
    count, group = csgraph.connected_components(links, directed=False)
    first = np.full(count, len(points))
    np.minimum.at(first, group, np.arange(len(points)))
    merged: Array = np.round(points[first], 2)
    return merged


def _through(line: shapely.LineString, joints: Array) -> shapely.LineString:
    """Return the line with the joints among its vertices; vertices too close to one give way."""
    if not len(joints):
        return shapely.LineString(np.round(shapely.get_coordinates(line), 2))
    own = shapely.get_coordinates(line)
    at_joint = shapely.line_locate_point(line, shapely.points(joints))
    at_own = np.concatenate([[0.0], np.cumsum(np.hypot(*np.diff(own, axis=0).T))])
    free = np.abs(at_own[:, None] - at_joint[None, :]).min(axis=1) > 2 * SAME_M
    closed = bool(line.is_ring)
    order = np.argsort(np.concatenate([at_own[free], at_joint]), kind="stable")
    xy = np.round(np.vstack([own[free], joints])[order], 2)
    if closed:
        xy = np.vstack([xy, xy[0]]) if (xy[0] != xy[-1]).any() else xy
    return shapely.LineString(xy)


def join(streets: Sequence[Street]) -> tuple[list[Street], Array]:
    """Return streets that share a vertex wherever they meet, and those vertices."""
    lines = np.array([street.line for street in streets], dtype=object)
    levels = np.array([street.level for street in streets])
    joints = _merge_close(_meeting_points(lines, levels))
    places = shapely.points(joints)
    tree = shapely.STRtree(places)
    on_line, joint = tree.query(lines, predicate="dwithin", distance=SAME_M * 1.2)
    chosen: list[list[int]] = [[] for _ in streets]
    for number, point in zip(on_line.tolist(), joint.tolist(), strict=True):
        if levels[number] == 0:
            chosen[number].append(point)
    made = [
        replace(street, line=_through(street.line, joints[sorted(points)]))
        for street, points in zip(streets, chosen, strict=True)
    ]
    return [street for street in made if street.line.length > SAME_M], joints


def trim(streets: Sequence[Street], joints: Array) -> list[Street]:
    """Return streets without their short overhangs beyond the first and the last junction."""
    known = set(map(tuple, joints.tolist()))
    found: list[Street] = []
    for street in streets:
        if not street.loose:
            found.append(street)
            continue
        xy = shapely.get_coordinates(street.line)
        on = [index for index, point in enumerate(map(tuple, xy.tolist())) if point in known]
        if not on:
            continue
        along = np.concatenate([[0.0], np.cumsum(np.hypot(*np.diff(xy, axis=0).T))])
        first = on[0] if along[on[0]] < OVERHANG_M else 0
        last = on[-1] if along[-1] - along[on[-1]] < OVERHANG_M else len(xy) - 1
        if last > first:
            found.append(replace(street, line=shapely.LineString(xy[first : last + 1])))
    return found


def thin(streets: Sequence[Street], *, tolerance_m: float = 1.2) -> list[Street]:
    """Return streets with fewer vertices; those they share stay."""
    vertices = np.vstack([np.unique(shapely.get_coordinates(street.line), axis=0) for street in streets])
    points, times = np.unique(vertices, axis=0, return_counts=True)
    shared = set(map(tuple, points[times > 1].tolist()))
    return [replace(street, line=_thin(street.line, shared, tolerance_m)) for street in streets]


def _thin(line: shapely.LineString, shared: set[tuple[float, ...]], tolerance_m: float) -> shapely.LineString:
    xy = shapely.get_coordinates(line)
    stops = [0, *(index for index in range(1, len(xy) - 1) if tuple(xy[index].tolist()) in shared), len(xy) - 1]
    pieces = [
        shapely.get_coordinates(shapely.simplify(shapely.LineString(xy[start : end + 1]), tolerance_m))[:-1]
        for start, end in pairwise(stops)
    ]
    return shapely.LineString(np.vstack([*pieces, xy[-1:]]))


def drop_islands(streets: Sequence[Street]) -> list[Street]:
    """Return the streets that hang together, and those that are broken off on purpose."""
    number: dict[tuple[float, ...], int] = {}
    starts, ends = [], []
    for index, street in enumerate(streets):
        for point in map(tuple, shapely.get_coordinates(street.line).tolist()):
            starts.append(index)
            ends.append(number.setdefault(point, len(number)))
    table = sparse.csr_matrix((np.ones(len(starts)), (starts, ends)), shape=(len(streets), len(number)))
    _, group = csgraph.connected_components(table @ table.T, directed=False)
    length = np.bincount(group, weights=[street.line.length * (street.level == 0) for street in streets])
    main = int(np.argmax(length))
    return [s for s, own in zip(streets, group, strict=True) if own == main or s.broken or s.level != 0]
