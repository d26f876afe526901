"""How geometries travel to the browser: whole numbers on a fine grid of degrees, each the step from the last.

Numbers that differ little from one to the next are few different numbers, and pack well.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import shapely

from geo import crs

if TYPE_CHECKING:
    import geopandas as gpd
    from numpy.typing import NDArray

STEP_DEGREES = 4e-6  # 0.44 m of latitude: no vertex moves by more than 0.32 m
MOST_STEP = 1.2e-5  # 1.33 m of latitude: where the study is wide, no vertex moves by more than 0.95 m
_MAX_NESTING = 4
_LEAST_RING = 3

Packed = dict[str, Any]


@dataclass(frozen=True)
class Frame:
    """Where the whole numbers of the page count from.

    Attributes
    ----------
    lon, lat
        Origin, degrees of WGS 84.
    step
        Degrees per unit.
    gcj02
        Whether what is counted is moved to GCJ-02 first, to lie upon tiles that are drawn so.
    """

    lon: float
    lat: float
    step: float = STEP_DEGREES
    gcj02: bool = False

    def whole(self, lonlat: NDArray[np.float64]) -> NDArray[np.int64]:
        """Return (n, 2) whole numbers of (n, 2) degrees.

        Examples
        --------
        >>> Frame(118.0, 25.0).whole(np.array([[118.0000401, 25.0]])).tolist()
        [[10, 0]]
        """
        if self.gcj02:
            lonlat = np.column_stack(crs.to_gcj02(lonlat[:, 0], lonlat[:, 1])) if len(lonlat) else lonlat
        steps = (lonlat - np.array([self.lon, self.lat])) / self.step
        return np.asarray(np.rint(steps), dtype=np.int64)


def lonlat(table: gpd.GeoDataFrame | gpd.GeoSeries) -> NDArray[np.object_]:
    """Return the geometries of a table in degrees of WGS 84; missing ones stay missing."""
    if len(table) == 0:
        return np.empty(0, dtype=object)
    return crs.carried(table.geometry.to_numpy(), crs.require_same(table), crs.WGS84)


def simple(lines: NDArray[np.object_]) -> NDArray[np.object_]:
    """Return lines in degrees with fewer vertices; ends stay, no line moves by more than two steps of the grid."""
    return np.asarray(shapely.simplify(lines, 2 * STEP_DEGREES, preserve_topology=False), dtype=object)


def neighbours(areas: NDArray[np.object_], step: float) -> NDArray[np.object_]:
    """Return areas in degrees with fewer vertices, borders that two share still shared.

    Areas that overlap have no shared borders to keep, and are left as they are; so is what is no area.

    Examples
    --------
    >>> left, right = shapely.box(0, 0, 8, 8), shapely.box(8, 0, 16, 8)
    >>> plain = neighbours(shapely.segmentize(np.array([left, right]), 1), 4e-6)
    >>> shapely.get_num_coordinates(plain).tolist(), bool(shapely.coverage_is_valid(plain))
    ([5, 5], True)
    """
    found = np.array(areas, dtype=object)
    wanted = np.flatnonzero(np.isin(shapely.get_type_id(found), (3, 6)) & ~shapely.is_empty(found))
    if len(wanted) and shapely.coverage_is_valid(found[wanted]):
        found[wanted] = shapely.coverage_simplify(found[wanted], 2 * step)
    return found


def parts(geometries: NDArray[np.object_]) -> tuple[NDArray[np.object_], NDArray[np.int64]]:
    """Return the single parts of any geometries, and the row that each is of; empty parts are left out."""
    flat = np.asarray(geometries, dtype=object)
    of = np.arange(len(flat))
    for _ in range(_MAX_NESTING):
        if not np.any(shapely.get_num_geometries(flat) > 1) and not np.any(shapely.get_type_id(flat) > _LEAST_RING):
            break
        flat, index = shapely.get_parts(flat, return_index=True)
        of = of[index]
    there = ~(shapely.is_missing(flat) | shapely.is_empty(flat))
    return flat[there], of[there]


def pack(geometries: NDArray[np.object_], frame: Frame) -> Packed:
    """Return geometries in degrees as whole numbers.

    Parameters
    ----------
    geometries
        Any kinds, mixed; missing and empty ones take no place.
    frame
        Origin and step.

    Returns
    -------
    Three lists of parts, each with `of` (the row that a part belongs to) and `xy` (x and y by turns, every
    vertex as the step from the one before it, through the whole list). `lines` and `polygons` say in
    `sizes` how many vertices a line or ring has, `polygons` in `rings` how many rings a part has. Rings
    are not closed.

    Examples
    --------
    >>> square = np.array([shapely.box(118.0, 25.0, 118.000012, 25.000012)])
    >>> pack(square, Frame(118.0, 25.0))["polygons"]
    {'of': [0], 'rings': [1], 'sizes': [4], 'xy': [3, 0, 0, 3, -3, 0, 0, -3]}
    """
    flat, of = parts(geometries)
    dimension = shapely.get_dimensions(flat)
    return {
        "points": _pack_points(flat[dimension == 0], of[dimension == 0], frame),
        "lines": _pack_lines(flat[dimension == 1], of[dimension == 1], frame),
        "polygons": _pack_polygons(flat[dimension >= 2], of[dimension >= 2], frame),  # noqa: PLR2004 - areas
    }


def _steps(xy: NDArray[np.int64]) -> list[int]:
    steps: list[int] = np.diff(xy, axis=0, prepend=np.zeros((1, 2), dtype=np.int64)).ravel().tolist()
    return steps


def _pack_points(points: NDArray[np.object_], of: NDArray[np.int64], frame: Frame) -> Packed:
    return {"of": of.tolist(), "xy": _steps(frame.whole(shapely.get_coordinates(points)))}


def _pack_lines(lines: NDArray[np.object_], of: NDArray[np.int64], frame: Frame) -> Packed:
    xy, sizes = _thinned(lines, frame)
    return {"of": of.tolist(), "sizes": sizes.tolist(), "xy": _steps(xy)}


def _pack_polygons(polygons: NDArray[np.object_], of: NDArray[np.int64], frame: Frame) -> Packed:
    rings, ring_of = shapely.get_rings(polygons, return_index=True)
    xy, sizes = _thinned(rings, frame, closed=True)
    # a ring that the grid flattens to a line or a dot has no inside to show
    kept = sizes >= _LEAST_RING
    xy, sizes, ring_of = xy[np.repeat(kept, sizes)], sizes[kept], ring_of[kept]
    counts = np.bincount(ring_of, minlength=len(polygons))
    shown = counts > 0
    return {
        "of": of[shown].tolist(),
        "rings": counts[shown].tolist(),
        "sizes": sizes.tolist(),
        "xy": _steps(xy),
    }


def _thinned(
    lines: NDArray[np.object_], frame: Frame, *, closed: bool = False
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return the vertices of all lines on the grid without repetitions, and how many each line has."""
    degrees, line_of = shapely.get_coordinates(lines, return_index=True)
    xy = frame.whole(degrees)
    if len(xy) == 0:
        return xy, np.zeros(len(lines), dtype=np.int64)
    if closed:  # the closing vertex repeats the first
        open_end = np.diff(line_of, append=-1) == 0
        xy, line_of = xy[open_end], line_of[open_end]
    begins = np.diff(line_of, prepend=-1) != 0
    moved = np.any(np.diff(xy, axis=0, prepend=xy[:1]) != 0, axis=1)
    kept = begins | moved
    return xy[kept], np.bincount(line_of[kept], minlength=len(lines))
