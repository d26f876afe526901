"""Where the cells of a travel-time surface lie: a north-up grid of square cells in a metric CRS."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray


@dataclass(frozen=True)
class Grid:
    """A north-up grid of square cells, snapped to whole multiples of its cell.

    Attributes
    ----------
    west, north
        Outer corner of the first cell, metres in the study's CRS.
    cell_m
        Side of a cell, metres.
    rows, columns
        Shape; row 0 is the northernmost.
    """

    west: float
    north: float
    cell_m: float
    rows: int
    columns: int

    @classmethod
    def over(cls, bounds: tuple[float, float, float, float], cell_m: float) -> Grid:
        """Return the smallest grid over bounds (west, south, east, north), aligned to multiples of the cell.

        Examples
        --------
        >>> Grid.over((3.0, 4.0, 21.0, 11.0), 10.0)
        Grid(west=0.0, north=20.0, cell_m=10.0, rows=2, columns=3)
        """
        west, south, east, north = (value / cell_m for value in bounds)
        left, bottom, right, top = np.floor(west), np.floor(south), np.ceil(east), np.ceil(north)
        rows, columns = max(int(top - bottom), 1), max(int(right - left), 1)
        return cls(float(left * cell_m), float(top * cell_m), float(cell_m), rows, columns)

    @property
    def shape(self) -> tuple[int, int]:
        """Rows and columns."""
        return self.rows, self.columns

    @property
    def x(self) -> NDArray[np.float64]:
        """Eastings of the cell centres, one a column."""
        return np.asarray(self.west + (np.arange(self.columns) + 0.5) * self.cell_m, dtype=np.float64)

    @property
    def y(self) -> NDArray[np.float64]:
        """Northings of the cell centres, one a row, falling."""
        return np.asarray(self.north - (np.arange(self.rows) + 0.5) * self.cell_m, dtype=np.float64)

    def centres(self, cells: NDArray[np.intp]) -> NDArray[np.float64]:
        """Return the centres (n, 2) of cells given by their flat row-major number."""
        rows, columns = np.divmod(cells, self.columns)
        return np.column_stack([self.x[columns], self.y[rows]])

    @property
    def first(self) -> NDArray[np.int64]:
        """Column and row of the first cell, counted over the whole plane, southwards."""
        return np.array([round(self.west / self.cell_m), round(-self.north / self.cell_m)])

    def places(self, cells: NDArray[np.int64], beyond: NDArray[np.float64] | float = 0.0) -> NDArray[np.float64]:
        """Return places (n, 2): centres of cells given by column and row, and how many cells beyond these.

        Counted from the grid's origin, not the window's corner, so that all windows agree to the last bit.
        """
        return np.asarray((cells + self.first + 0.5 + beyond) * (self.cell_m, -self.cell_m), dtype=np.float64)


@dataclass(frozen=True)
class Surface:
    """Minutes on a grid: `inf` unreachable, `NaN` beyond the cap of the access leg.

    Attributes
    ----------
    grid
        Where the cells lie.
    minutes
        Array of the grid's shape; single precision is enough to write, never to compare with a limit.
    """

    grid: Grid
    minutes: NDArray[np.floating]
