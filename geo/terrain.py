"""A digital elevation model → the gradient of every street piece."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pyproj
import shapely

from geo import crs as crs_room
from geo.errors import Fault, InputFaultsError
from geo.messages import Message

if TYPE_CHECKING:
    from pathlib import Path

    import geopandas as gpd
    from numpy.typing import NDArray

STEEPEST = 0.35


def gradients(
    streets: gpd.GeoDataFrame, file: Path, *, where: str = "", given: str | None = None
) -> NDArray[np.float64]:
    """Return the rise over run of street pieces, from start to end.

    Heights are interpolated between cell centres. Bridges and tunnels do not follow the ground: they
    count as flat. Gradients are limited to 35 %, beyond which a cell is coarser than the street.

    Parameters
    ----------
    streets
        `schema.STREETS`.
    file
        Any raster that GDAL reads; the first band holds metres.
    where, given
        How the user wrote the file, and the CRS that the study file states for it.

    Returns
    -------
    (pieces,) NaN where the model is void or does not reach.

    Raises
    ------
    InputFaultsError
        When the file is no raster or has no CRS.
    """
    import rasterio  # noqa: PLC0415 - loads its own GDAL

    name = where or str(file)
    try:
        with rasterio.open(file) as source:
            heights = source.read(1, masked=True).astype(np.float64).filled(np.nan)
            inverse, own = ~source.transform, source.crs
    except rasterio.errors.RasterioIOError as error:
        raise InputFaultsError([Fault(name, Message("demand.no_raster", {"why": str(error)}))]) from error
    if own is None and given is None:
        raise InputFaultsError([Fault(name, Message("demand.no_crs"))])
    base = crs_room.normalise(given) if given is not None else pyproj.CRS.from_wkt(own.to_wkt())
    lines = streets.geometry.to_numpy()
    to_raster = pyproj.Transformer.from_crs(streets.crs, base, always_xy=True)
    ends = []
    for place in (0, -1):
        xy = shapely.get_coordinates(shapely.get_point(lines, place))
        x, y = to_raster.transform(xy[:, 0], xy[:, 1])
        column, row = inverse.a * x + inverse.b * y + inverse.c, inverse.d * x + inverse.e * y + inverse.f
        ends.append(_height_m(heights, row - 0.5, column - 0.5))
    with np.errstate(divide="ignore", invalid="ignore"):
        gradient = (ends[1] - ends[0]) / streets["length_m"].to_numpy(dtype=np.float64)
    gradient = np.where(np.isfinite(gradient), np.clip(gradient, -STEEPEST, STEEPEST), np.nan)
    aloft = ~streets["bridge"].isin(["", "no"]).to_numpy() | ~streets["tunnel"].isin(["", "no"]).to_numpy()
    return np.asarray(np.where(aloft, 0.0, gradient), dtype=np.float64)


def _height_m(
    heights: NDArray[np.float64], row: NDArray[np.float64], column: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Interpolate heights between cell centres; NaN where a neighbour is void or outside."""
    top, left = np.floor(row).astype(np.int64), np.floor(column).astype(np.int64)
    down, right = row - top, column - left
    inside = (top >= 0) & (left >= 0) & (top < heights.shape[0] - 1) & (left < heights.shape[1] - 1)
    top, left = np.where(inside, top, 0), np.where(inside, left, 0)
    upper = heights[top, left] * (1 - right) + heights[top, left + 1] * right
    lower = heights[top + 1, left] * (1 - right) + heights[top + 1, left + 1] * right
    return np.where(inside, upper * (1 - down) + lower * down, np.nan)
