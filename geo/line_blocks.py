"""Which segments may be nearest to points that lie close together: found for a block of them at once.

A block's middle bounds what any of its points may be nearest to: with `d` its own distance to the nearest
segment and `r` its radius, segments further than `d + 2 r` from the middle are nearest to nobody inside. Blocks are
halved a few times; each keeps what of its parent's segments may still matter, so that a point measures three or
four segments instead of asking a tree. On the 1.9 million cells of the sample yongchun 3 to 4 times faster than a
k-d tree query per cell, with the same answer to the last bit.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from geo.tiles import ranges

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

SIDES_M = (200.0, 100.0, 50.0, 25.0)
_FEWEST, _A_BLOCK = 20_000, 4.0
_COUNTED = 4
_RADIUS = float(np.sqrt(0.5))
_SLACK_M = 1e-6


class Pairs(NamedTuple):
    """Points or blocks and the segments that may be nearest to them.

    Attributes
    ----------
    first
        (n + 1,) where the segments of each begin.
    segment
        Segments, one run after the other.
    """

    first: NDArray[np.int64]
    segment: NDArray[np.int64]

    def of(self, parents: NDArray[np.int64]) -> tuple[NDArray[np.int64], Pairs]:
        """Return the segments of each child's parent: whose they are, and the pairs."""
        count = self.first[parents + 1] - self.first[parents]
        whose = np.repeat(np.arange(len(parents)), count)
        first = np.concatenate([[0], np.cumsum(count)])
        return whose, Pairs(first, self.segment[ranges(self.first[parents], count)])

    def only(self, whose: NDArray[np.int64], keep: NDArray[np.bool_]) -> Pairs:
        """Return the pairs that are kept."""
        count = np.bincount(whose[keep], minlength=len(self.first) - 1)
        return Pairs(np.concatenate([[0], np.cumsum(count)]), self.segment[keep])


def sides(xy: NDArray[np.float64]) -> list[float]:
    """Return the sides of blocks, metres, that are worth while for points (n, 2): none where they are few or far apart."""
    if len(xy) < _FEWEST:
        return []
    found = [side for side in SIDES_M if len(xy) >= _A_BLOCK * len(blocks(xy, side)[1])]
    return found if len(found) > 1 else []


def blocks(xy: NDArray[np.float64], side_m: float) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Return the number of the square block of each point (n, 2), and the middles (blocks, 2) of those with points."""
    place = np.floor(xy / side_m).astype(np.int64)
    least = place.min(axis=0)
    wide, tall = (place.max(axis=0) - least + 1).tolist()
    key = (place[:, 1] - least[1]) * wide + place[:, 0] - least[0]
    if wide * tall <= _COUNTED * len(xy):
        number = np.zeros(wide * tall, dtype=np.int64)
        number[key] = 1
        filled = np.flatnonzero(number)
        number[filled] = np.arange(len(filled))
        mine = number[key]
    else:
        filled, mine = np.unique(key, return_inverse=True)
    row, column = np.divmod(filled, wide)
    return mine, (np.column_stack([column, row]) + least + 0.5) * side_m


def candidates(
    xy: NDArray[np.float64],
    sides_m: list[float],
    *,
    within_m: float,
    around: Callable[[NDArray[np.float64], float], Pairs],
    metres_to: Callable[[NDArray[np.float64], NDArray[np.int64]], NDArray[np.float64]],
) -> tuple[NDArray[np.int64], Pairs]:
    """Return the smallest block of each point, and the segments that may be nearest to points inside.

    Parameters
    ----------
    xy
        (n, 2) points.
    sides_m
        From :func:`sides`, not empty.
    within_m
        Nothing further than this from a point matters to it.
    around
        Says which segments may matter around middles (m, 2) of blocks with a radius.
    metres_to
        Says how far places (k, 2) are from a segment each.
    """
    parent, middle = blocks(xy, sides_m[0])
    pairs = around(middle, sides_m[0] * _RADIUS)
    whose = np.repeat(np.arange(len(middle)), np.diff(pairs.first))
    pairs = _kept(middle, whose, pairs, sides_m[0] * _RADIUS, within_m, metres_to)
    for side in sides_m[1:]:
        mine, middle = blocks(xy, side)
        of_parent = np.empty(len(middle), dtype=np.int64)
        of_parent[mine] = parent
        whose, pairs = pairs.of(of_parent)
        parent, pairs = mine, _kept(middle, whose, pairs, side * _RADIUS, within_m, metres_to)
    return parent, pairs


def _kept(
    middle: NDArray[np.float64],
    whose: NDArray[np.int64],
    pairs: Pairs,
    radius: float,
    within_m: float,
    metres_to: Callable[[NDArray[np.float64], NDArray[np.int64]], NDArray[np.float64]],
) -> Pairs:
    """Return the pairs whose segment may be nearest to a point within a radius of the block's middle."""
    metres = metres_to(middle[whose], pairs.segment)
    least = np.full(len(middle), np.inf)
    filled = np.flatnonzero(np.diff(pairs.first))
    if len(filled):
        least[filled] = np.minimum.reduceat(metres, pairs.first[filled])
    bound = np.minimum(least + 2.0 * radius, within_m + radius) + _SLACK_M
    return pairs.only(whose, metres <= bound[whose])
