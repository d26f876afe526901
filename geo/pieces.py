"""How do ways become pieces between junctions? With their tags, and their length on the ground."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import shapely

from geo import crs as crs_room, schema

if TYPE_CHECKING:
    from collections.abc import Iterable

    import pyproj
    from numpy.typing import NDArray

    from geo.osm import Ways

# What the reader of a file counts, in `attrs` of its pieces.
COUNTS = ("vertices_missing", "restrictions_read", "restrictions_skipped")
_LINES_AT_ONCE = 1 << 14  # neighbours share their ends: the vertices are copied for a block of lines, not for all


class Cuts(NamedTuple):
    """Pieces of ways, (pieces,) each: the row of the way, and its first and last vertex."""

    way: NDArray[np.int64]
    first: NDArray[np.int64]
    last: NDArray[np.int64]


def metric_of(lonlat: NDArray[np.float64]) -> pyproj.CRS:
    """Return the metric CRS for the middle of what has been read."""
    lon, lat = (lonlat.min(axis=0) + lonlat.max(axis=0)) / 2
    return crs_room.choose_metric(float(lon), float(lat))


def cut(ways: Ways, also: NDArray[np.int64] | None = None) -> Cuts:
    """Cut ways at junctions: vertices met twice (by ways, or by a way itself), the ends of ways, and places given."""
    met = np.bincount(ways.vertex) > 1
    if also is not None:
        met[also] = True
    junction = met[ways.vertex]
    junction[ways.offsets[:-1]] = junction[ways.offsets[1:] - 1] = True
    at = np.flatnonzero(junction)
    way = np.searchsorted(ways.offsets, at, side="right") - 1
    same = way[:-1] == way[1:]
    return Cuts(way[:-1][same], at[:-1][same], at[1:][same])


def lines_of(xy: NDArray[np.float64], cuts: Cuts) -> NDArray[np.object_]:
    """Return the line of each piece; `xy` are the places of the ways' vertices."""
    lines = np.empty(len(cuts.way), dtype=object)
    for begin in range(0, len(lines), _LINES_AT_ONCE):
        some = slice(begin, begin + _LINES_AT_ONCE)
        first = cuts.first[some]
        size = cuts.last[some] - first + 1
        offsets = np.concatenate([[0], np.cumsum(size)])
        take = np.arange(offsets[-1]) + np.repeat(first - offsets[:-1], size)
        lines[some] = shapely.from_ragged_array(shapely.GeometryType.LINESTRING, xy[take], (offsets,))
    return lines


def lengths_m(ways: Ways, cuts: Cuts, *, sphere_m: float | None = None) -> NDArray[np.float64]:
    """Return the metres of each piece on the ellipsoid, or on a sphere of this radius."""
    step = np.append(crs_room.segment_lengths_m(ways.lonlat, sphere_m=sphere_m), 0.0)
    step[ways.offsets[1:] - 1] = 0.0  # from way to way
    return np.add.reduceat(step, cuts.first)


def table_of(
    ways: Ways, cuts: Cuts, length_m: NDArray[np.float64], turns: dict[str, NDArray[np.object_]]
) -> dict[str, NDArray[np.generic]]:
    """Return the columns of the pieces, apart from their lines; the tags of the ways are used up."""
    start, end = ways.vertex[cuts.first], ways.vertex[cuts.last]
    met = np.zeros(int(ways.vertex.max()) + 1, dtype=bool)
    met[start] = met[end] = True
    number = np.cumsum(met) - 1
    return {
        "way": ways.way[cuts.way],
        "start_node": number[start],
        "end_node": number[end],
        "length_m": length_m,
        **{name: ways.tags.pop(name)[cuts.way] for name in schema.STREET_TAGS},
        **turns,
    }


def silent(names: Iterable[str], count: int) -> dict[str, NDArray[np.object_]]:
    """Return columns that say nothing, (count,) each."""
    return {name: np.full(count, "", dtype=object) for name in names}
