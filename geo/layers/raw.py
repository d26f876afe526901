"""A source as it stands in its file, before anything is understood."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd
    from numpy.typing import NDArray


class Raw(NamedTuple):
    """Columns, geometries and row numbers of a file.

    Attributes
    ----------
    columns
        One column a header, headers as the file has them; text stays text, missing is None or NaN.
    rows
        Source rows as the user's program counts them: a sheet's line, a feature's number from 1.
    geometry
        Shapely geometries, None where missing; None for tables without any.
    crs
        The CRS that the file states, as text; None where it states none.
    is_sheet
        True for CSV and xlsx, where people leave empty rows and sums.
    """

    columns: pd.DataFrame
    rows: NDArray[np.int64]
    geometry: NDArray[np.object_] | None
    crs: str | None
    is_sheet: bool


class UnreadableError(Exception):
    """A file that gives no table; its fault is already among the findings."""
