"""A source as it stands in its file, before anything is understood."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import shapely

if TYPE_CHECKING:
    from collections.abc import Sequence

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


def shapes_of(wkb: Sequence[bytes | None] | NDArray[np.object_]) -> tuple[NDArray[np.object_], NDArray[np.bool_]]:
    """Return geometries from WKB, None where missing, and which of them are there and cannot be read.

    Examples
    --------
    >>> shapes, broken = shapes_of([shapely.to_wkb(shapely.Point(1, 2)), b"no geometry", None])
    >>> shapes[0].wkt, shapes[1], broken.tolist()
    ('POINT (1 2)', None, [False, True, False])
    """
    given = np.asarray(wkb, dtype=object)
    with np.errstate(invalid="ignore"):  # numbers of damaged bytes may be signalling NaN
        shapes = np.asarray(shapely.from_wkb(given, on_invalid="ignore"), dtype=object)
    return shapes, np.array([item is not None for item in given], dtype=np.bool_) & shapely.is_missing(shapes)
