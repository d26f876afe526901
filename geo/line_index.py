"""Which of many lines is nearest to each point: exact, for hundreds of thousands of points at once.

Lines are sampled every few metres into a k-d tree. The nearest sample bounds the distance from above;
every line that could be nearer has a sample within a radius that the step fixes, so that a handful of
segments is measured per point. On 573,000 cells of the sample yongchun 3.5 times faster, with building
the index, than shapely's `STRtree.query_nearest` and `line_locate_point` in the same run.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import shapely
from scipy.spatial import cKDTree

from geo.tiles import ranges

if TYPE_CHECKING:
    from numpy.typing import NDArray

STEP_M = 10.0
_FIRST_NEIGHBOURS = 6
_CHUNK = 100_000
_TIE_M = 1e-9
_END_M = 1e-6


def along(xy: NDArray[np.float64], offset: NDArray[np.int64]) -> NDArray[np.float64]:
    """Return the metres of each vertex (n, 2) from the start of its line."""
    run = np.concatenate([[0.0], np.cumsum(np.hypot(*np.diff(xy, axis=0).T))])
    first = offset[:-1]
    return np.asarray(run - np.repeat(run[first], np.diff(offset)), dtype=np.float64)


class Nearest(NamedTuple):
    """The nearest line of each point.

    Attributes
    ----------
    line
        Row of the line; -1 where none is within the distance asked.
    fraction
        Where its foot stands, as a share of the line's length from its start; NaN where none.
    metres
        Distance to the line; `inf` where none.
    foot
        (n, 2) the nearest place on the line; NaN where none.
    vertex
        Vertex (of all lines) at which the straight segment of the foot begins; -1 where none.
    """

    line: NDArray[np.int64]
    fraction: NDArray[np.float64]
    metres: NDArray[np.float64]
    foot: NDArray[np.float64]
    vertex: NDArray[np.int64]

    @classmethod
    def none(cls, count: int) -> Nearest:
        """Return the answer for points that have no line."""
        return cls(
            np.full(count, -1, dtype=np.int64),
            np.full(count, np.nan),
            np.full(count, np.inf),
            np.full((count, 2), np.nan),
            np.full(count, -1, dtype=np.int64),
        )


@dataclass(frozen=True, eq=False)
class LineIndex:
    """Lines cut into straight segments, sampled; make one with :meth:`of`.

    Attributes
    ----------
    line, vertex
        (segments,) row of the line that each segment is part of, and the vertex at which it begins.
    start, vector
        (segments, 2) first end, and the way from it to the other.
    before_m, whole_m
        (segments,) metres of the line before the segment, and of the whole line.
    sampled
        (samples,) segment of each sample.
    tree
        k-d tree of the samples.
    """

    line: NDArray[np.int64]
    vertex: NDArray[np.int64]
    start: NDArray[np.float64]
    vector: NDArray[np.float64]
    before_m: NDArray[np.float64]
    whole_m: NDArray[np.float64]
    sampled: NDArray[np.int64]
    tree: cKDTree | None

    @classmethod
    def of(cls, lines: NDArray[np.object_]) -> LineIndex:
        """Index LineStrings in a metric CRS."""
        xy, of_line = shapely.get_coordinates(lines, return_index=True)
        offset = np.searchsorted(of_line, np.arange(len(lines) + 1))
        return cls.of_flat(xy, offset, along(xy, offset), np.arange(len(lines)))

    @classmethod
    def of_flat(
        cls,
        xy: NDArray[np.float64],
        offset: NDArray[np.int64],
        along_m: NDArray[np.float64],
        lines: NDArray[np.int64],
    ) -> LineIndex:
        """Index some of many lines: line `i` is `xy[offset[i]:offset[i + 1]]`; answers give the number `i`.

        Parameters
        ----------
        xy, offset
            All lines.
        along_m
            (vertices,) metres from the start of each line (:func:`along`).
        lines
            Which to index.
        """
        segments = offset[lines + 1] - offset[lines] - 1
        first = ranges(offset[lines], segments)
        place = np.repeat(lines, segments)
        start, vector = xy[first], xy[first + 1] - xy[first]
        length = np.hypot(vector[:, 0], vector[:, 1])
        count = np.maximum(np.ceil(length / STEP_M).astype(np.int64), 1) + 1
        sampled = np.repeat(np.arange(len(first)), count)
        step = np.arange(len(sampled)) - np.repeat(np.cumsum(count) - count, count)
        places = start[sampled] + vector[sampled] * (step / (count[sampled] - 1))[:, None]
        tree = cKDTree(places) if len(places) else None
        return cls(
            place.astype(np.int64), first, start, vector, along_m[first], along_m[offset[place + 1] - 1], sampled, tree
        )

    def nearest(self, xy: NDArray[np.float64], *, within_m: float = np.inf) -> Nearest:
        """Return the nearest line of points (n, 2); of lines equally near the one with the lowest row."""
        count = len(xy)
        found = Nearest.none(count)
        if self.tree is None:
            return found
        for at in range(0, count, _CHUNK):
            rows = np.arange(at, min(at + _CHUNK, count))
            neighbours = min(_FIRST_NEIGHBOURS, len(self.sampled))
            while len(rows):
                rows = self._measure(xy, rows, found, within_m=within_m, neighbours=neighbours)
                neighbours = min(neighbours * 4, len(self.sampled))
        return found

    def not_nearer_than(self, xy: NDArray[np.float64], *, within_m: float) -> NDArray[np.float64]:
        """Return a lower bound of the distance to the nearest line, half a step too low at most.

        `inf` where no line is within the distance asked.
        """
        if self.tree is None or not len(xy):
            return np.full(len(xy), np.inf)
        apart = self.tree.query(xy, distance_upper_bound=within_m + STEP_M, workers=-1)[0]
        return np.asarray(np.maximum(apart - STEP_M / 2.0 - _TIE_M, 0.0), dtype=np.float64)

    def _measure(
        self, xy: NDArray[np.float64], rows: NDArray[np.intp], found: Nearest, *, within_m: float, neighbours: int
    ) -> NDArray[np.intp]:
        """Settle points from some nearest samples; return those for which more samples may matter."""
        tree = self.tree
        if tree is None:
            return rows[:0]
        reach = np.hypot(within_m, STEP_M / 2.0) + _TIE_M
        apart, sample = tree.query(xy[rows], k=np.arange(1, neighbours + 1), distance_upper_bound=reach, workers=-1)
        # A line at distance d has a sample within hypot(d, step / 2); d is at most the nearest sample's.
        enough = apart[:, -1] > np.hypot(apart[:, 0], STEP_M / 2.0) + _TIE_M
        enough |= ~np.isfinite(apart[:, -1]) | (neighbours == len(self.sampled))
        done, sample = rows[enough], sample[enough]
        there = sample < len(self.sampled)
        segment = self.sampled[np.where(there, sample, 0)]
        along, metres = self._feet(xy[done], segment)
        metres = np.where(there, metres, np.inf)
        best = metres.min(axis=1)
        tied = metres <= (best + _TIE_M)[:, None]
        # Vertices are numbered line by line, so that the first is on the first line, and the first place on it.
        vertex = np.where(tied, self.vertex[segment], np.iinfo(np.int64).max)
        pick = (np.arange(len(done)), vertex.argmin(axis=1))
        inside = best <= within_m
        chosen, to = segment[pick][inside], done[inside]
        found.line[to], found.vertex[to] = self.line[chosen], self.vertex[chosen]
        found.fraction[to] = share_of(self.before_m[chosen] + along[pick][inside], self.whole_m[chosen])
        found.metres[to] = best[inside]
        length = np.hypot(self.vector[chosen, 0], self.vector[chosen, 1])
        share = np.divide(along[pick][inside], length, out=np.zeros(len(to)), where=length > 0)
        found.foot[to] = self.start[chosen] + self.vector[chosen] * share[:, None]
        return np.asarray(rows[~enough], dtype=np.intp)

    def _feet(
        self, xy: NDArray[np.float64], segment: NDArray[np.int64]
    ) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Return how far along each segment the foot of a point stands, and the distance to it."""
        vector = self.vector[segment]
        offset = xy[:, None, :] - self.start[segment]
        square = np.einsum("ijk,ijk->ij", vector, vector)
        with np.errstate(divide="ignore", invalid="ignore"):
            share = np.einsum("ijk,ijk->ij", offset, vector) / square
        share = np.clip(np.nan_to_num(share), 0.0, 1.0)
        across = offset - vector * share[:, :, None]
        return share * np.sqrt(square), np.hypot(across[:, :, 0], across[:, :, 1])


def share_of(along_m: NDArray[np.float64], whole_m: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the share of a line's length; at its ends exactly 0 or 1, since who stands at a junction may use all its streets."""
    share = np.divide(along_m, whole_m, out=np.zeros(len(whole_m)), where=whole_m > 0.0)
    return np.where(along_m < _END_M, 0.0, np.where(along_m > whole_m - _END_M, 1.0, share))
