"""A raster of people per cell → one point a cell, at its centre, for the study's area."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import shapely

from geo import crs as crs_room
from geo.errors import Fault, InputFaultsError
from geo.messages import Message

if TYPE_CHECKING:
    from pathlib import Path

    import geopandas as gpd
    import pyproj
    from numpy.typing import NDArray


class Cells(NamedTuple):
    """People of raster cells.

    Attributes
    ----------
    ids
        `r<row>c<column>` of the raster, counted from 0.
    points
        Cell centres in the study's CRS.
    people
        People per cell, above 0.
    left_out
        People of the raster outside the study's area.
    negative
        Cells below zero, read as nobody.
    """

    ids: NDArray[np.object_]
    points: NDArray[np.object_]
    people: NDArray[np.float64]
    left_out: float
    negative: int


def read_cells(
    file: Path, *, crs: pyproj.CRS, area: shapely.Geometry | None, where: str = "", given: str | None = None
) -> Cells:
    """Read the people of a raster.

    A cell belongs where its centre lies; it is never split.

    Parameters
    ----------
    file
        Any raster that GDAL reads; the first band holds people per cell.
    crs
        Metric CRS of the result.
    area
        Only cells whose centre lies inside are kept; `None` keeps all.
    where
        How the user wrote the file; for messages.
    given
        CRS that the study file states for the raster; it overrules the file's.

    Raises
    ------
    InputFaultsError
        When the file is no raster, has no CRS, or nobody lives in the area.
    """
    import pyproj  # noqa: PLC0415
    import rasterio  # noqa: PLC0415 - loads its own GDAL

    name = where or str(file)
    try:
        with rasterio.open(file) as source:
            values = source.read(1, masked=True).astype(np.float64).filled(np.nan)
            transform, own = source.transform, source.crs
    except rasterio.errors.RasterioIOError as error:
        raise InputFaultsError([Fault(name, Message("demand.no_raster", {"why": str(error)}))]) from error
    if own is None and given is None:
        raise InputFaultsError([Fault(name, Message("demand.no_crs"))])
    base = crs_room.normalise(given) if given is not None else pyproj.CRS.from_wkt(own.to_wkt())
    if crs_room.is_shifted(base):
        raise InputFaultsError([Fault(name, Message("demand.shifted_raster"))])
    rows, columns = np.nonzero(values > 0)
    x = transform.a * (columns + 0.5) + transform.b * (rows + 0.5) + transform.c
    y = transform.d * (columns + 0.5) + transform.e * (rows + 0.5) + transform.f
    points = shapely.points(*crs_room.transformer(base, crs).transform(x, y))
    people = values[rows, columns]
    inside = np.ones(len(points), dtype=bool)
    if area is not None:
        shapely.prepare(area)
        inside = shapely.intersects(area, points)
    if not inside.any():
        raise InputFaultsError([Fault(name, Message("demand.nobody"))])
    ids = np.array(
        [f"r{row}c{column}" for row, column in zip(rows[inside], columns[inside], strict=True)], dtype=object
    )
    return Cells(ids, points[inside], people[inside], float(people[~inside].sum()), int((values < 0).sum()))


def owners(cells: Cells, communities: gpd.GeoDataFrame) -> NDArray[np.int64]:
    """Return the row of the community whose polygon holds each cell's centre; -1 outside all.

    Where polygons overlap the first has it.
    """
    owner = np.full(len(cells.points), -1, dtype=np.int64)
    drawn = np.flatnonzero(communities["own_outline"].to_numpy())
    shapes = communities.geometry.to_numpy()[drawn]
    row, unit = shapely.STRtree(shapes).query(cells.points, predicate="intersects")
    order = np.lexsort((unit, row))
    first = order[np.unique(row[order], return_index=True)[1]]
    owner[row[first]] = drawn[unit[first]]
    return owner
