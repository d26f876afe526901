"""Which things lie near a place, without looking at all of them: square tiles over a metric plane."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

SIDE_M = 1000.0
_MOST_A_THING = 4
_FEWEST = 1024

Box = tuple[float, float, float, float]


def ranges(first: NDArray[np.int64], count: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return the numbers `first`, `first + 1`, … of many runs, one run after the other.

    Examples
    --------
    >>> ranges(np.array([5, 0]), np.array([2, 3])).tolist()
    [5, 6, 0, 1, 2]
    """
    ends = np.cumsum(count)
    if not len(ends) or not ends[-1]:
        return np.empty(0, dtype=np.int64)
    return np.asarray(np.arange(ends[-1]) + np.repeat(first - (ends - count), count), dtype=np.int64)


@dataclass(frozen=True)
class Tiling:
    """Square tiles over a box, numbered row by row from the south-west.

    Attributes
    ----------
    west, south
        Corner of the first tile, metres.
    side_m
        Side of a tile.
    rows, columns
        How many there are.
    """

    west: float
    south: float
    side_m: float
    rows: int
    columns: int

    @classmethod
    def over(cls, box: Box, *, things: int, side_m: float = SIDE_M) -> Tiling:
        """Return tiles over a box (west, south, east, north); larger ones where things are few and far between."""
        west, south, east, north = box
        most = max(_FEWEST, _MOST_A_THING * things)
        side = max(side_m, float(np.sqrt((east - west) * (north - south) / most)))
        side = max(side, (east - west) / most, (north - south) / most)
        return cls(west, south, side, int((north - south) // side) + 1, int((east - west) // side) + 1)

    def __len__(self) -> int:
        return self.rows * self.columns

    def of(self, xy: NDArray[np.float64]) -> NDArray[np.int64]:
        """Return the tile of each place (n, 2); the nearest one for places outside."""
        row, column = self._row(xy[:, 1]), self._column(xy[:, 0])
        return row * self.columns + column

    def touching(self, boxes: NDArray[np.float64]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Return which tiles each box (n, 4) touches: box numbers and tile numbers, ordered by box."""
        west, east = self._column(boxes[:, 0]), self._column(boxes[:, 2])
        south, north = self._row(boxes[:, 1]), self._row(boxes[:, 3])
        tall, wide = north - south + 1, east - west + 1
        box = np.repeat(np.arange(len(boxes)), tall * wide)
        inside = ranges(np.zeros(len(boxes), dtype=np.int64), tall * wide)
        row = south[box] + inside // wide[box]
        return box, row * self.columns + west[box] + inside % wide[box]

    def _row(self, y: NDArray[np.float64]) -> NDArray[np.int64]:
        return np.clip((y - self.south) // self.side_m, 0, self.rows - 1).astype(np.int64)

    def _column(self, x: NDArray[np.float64]) -> NDArray[np.int64]:
        return np.clip((x - self.west) // self.side_m, 0, self.columns - 1).astype(np.int64)


@dataclass(frozen=True, eq=False)
class Shelf:
    """Things sorted by the tiles that they touch; a thing may lie in several.

    Attributes
    ----------
    tiling
        The tiles.
    first
        (tiles + 1,) where the things of each tile begin among `thing`.
    thing
        Numbers of things.
    """

    tiling: Tiling
    first: NDArray[np.int64]
    thing: NDArray[np.int64]

    @classmethod
    def of(cls, tiling: Tiling, tile: NDArray[np.int64], thing: NDArray[np.int64]) -> Shelf:
        """Sort things by tile."""
        order = np.argsort(tile, kind="stable")
        first = np.concatenate([[0], np.cumsum(np.bincount(tile, minlength=len(tiling)))])
        return cls(tiling, first.astype(np.int64), thing[order].astype(np.int64))

    def within(self, tiles: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Return the things of some tiles: which of the tiles given, and the thing."""
        first = self.first[tiles]
        count = self.first[tiles + 1] - first
        return np.repeat(np.arange(len(tiles)), count), self.thing[ranges(first, count)]
