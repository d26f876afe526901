"""A raster of heights → the height of places."""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import pyproj
from scipy import sparse
from scipy.sparse import csgraph, linalg

from geo import crs as crs_room
from geo.errors import Fault, InputFaultsError
from geo.messages import Message

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

BASELINE_M = 60.0
FILL_CELLS = 3
LOWEST_M, HIGHEST_M = -500.0, 9000.0

_CELL_M = BASELINE_M / 2
_NO_DATA = -9999
_FEET = ("ft", "foot", "feet", "us-ft", "us survey foot")
_FOOT_M = 0.3048
_LARGE_CELLS = 1.5 * FILL_CELLS  # from the deep of a large void to its corners
_TILE_CELLS, _TILE_LEAST = 1024, 64
_MARGIN_CELLS = 6 * FILL_CELLS + 1
_CACHE_MB = 64


class Heights(NamedTuple):
    """Heights of places.

    Attributes
    ----------
    metres
        (places,) NaN where not known.
    filled
        (places,) whether the height comes from a small void that was filled from around.
    outside
        (places,) whether the model does not reach there.
    cell_m
        Side of the cells that heights were taken from, after averaging; NaN where it cannot be said.
    """

    metres: NDArray[np.float64]
    filled: NDArray[np.bool_]
    outside: NDArray[np.bool_]
    cell_m: float


class _Model(NamedTuple):
    """An open raster and how it is read: `block` fine cells make one cell, `weight` smooths, both by row and column."""

    source: Any
    block: tuple[int, int]
    weight: tuple[float, float]


def read_heights(
    file: Path, xy: NDArray[np.float64], *, crs: pyproj.CRS, where: str = "", given: str | None = None
) -> Heights:
    """Return the height of places.

    Heights are interpolated between cell centres, in the outermost half cell carried on. Only the parts of the raster
    with places in them are read, in tiles, so that the memory does not grow with the raster. Heights stand for about
    `BASELINE_M` (60 m) of ground: finer cells are averaged onto cells of up to half that, cells below it smoothed
    with their neighbours (by 1/4, 1/2, 1/4 at 30 m, by nothing from 60 m on), since over less the noise of a model
    (a whole metre of rounding, radar speckle, a wall) is steeper than the street. A tilted plane stays as it is.

    Void are cells that the file's nodata value or mask says so, NaN, -9999, the ends of the number range of 16 and
    more bits, and what is below -500 or above 9000 m. 0 is sea level, and 255 in a byte a hill. Void cells with a known
    one within `FILL_CELLS`, in voids nowhere deeper, are filled as a skin stretched over the gap (Laplace).

    Parameters
    ----------
    file
        Any raster that GDAL reads; the first band holds heights: metres, or feet where the band says so; the band's
        scale and offset are heeded.
    xy
        (places, 2) metres in `crs`.
    crs
        Metric CRS of the places.
    where, given
        How the user wrote the file, and the CRS that the study file states for it; it overrules the file's.

    Returns
    -------
    See :class:`Heights`.

    Raises
    ------
    InputFaultsError
        When the file is no raster, is damaged, has no CRS or a shifted one.
    """
    import rasterio  # noqa: PLC0415 - loads its own GDAL

    name = where or str(file)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", rasterio.errors.NotGeoreferencedWarning)
            source = rasterio.open(file)
        # Blocks are met again in the next row of tiles at the latest; GDAL's default is a share of the machine.
        with source, rasterio.Env(GDAL_CACHEMAX=_CACHE_MB):
            to_raster = crs_room.transformer(crs, _base(source, given, name))
            column_m, row_m = _cell_m(source, to_raster, xy)
            model = _Model(
                source,
                (_block(row_m, source.height), _block(column_m, source.width)),
                (_weight(row_m, source.height), _weight(column_m, source.width)),
            )
            cell_m = max(row_m * model.block[0], column_m * model.block[1])
            return Heights(*_interpolated(model, *_cells(source, to_raster, xy)), cell_m)
    except rasterio.errors.RasterioError as error:
        raise InputFaultsError([Fault(name, Message("terrain.unreadable", {"why": str(error)}))]) from error


def _base(source: Any, given: str | None, name: str) -> pyproj.CRS:  # noqa: ANN401 - rasterio has no types
    """Return the CRS of a raster."""
    if source.crs is None and given is None:
        raise InputFaultsError([Fault(name, Message("terrain.no_crs"))])
    base = crs_room.normalise(given) if given is not None else pyproj.CRS.from_wkt(source.crs.to_wkt())
    if crs_room.is_shifted(base):
        raise InputFaultsError([Fault(name, Message("terrain.shifted"))])
    return pyproj.CRS.from_user_input(base)


def _cell_m(source: Any, to_raster: crs_room.Way, xy: Floats) -> tuple[float, float]:  # noqa: ANN401
    """Return how many metres one column and one row are, in the middle of the places."""
    if not len(xy):
        return float("nan"), float("nan")
    middle = (xy.min(axis=0) + xy.max(axis=0)) / 2.0
    x, y = to_raster.transform(*middle)
    to = source.transform
    back = to_raster.back([x, x + to.a, x + to.b], [y, y + to.d, y + to.e])
    side = np.hypot(*(np.asarray(place[1:]) - place[0] for place in back))
    return (float(side[0]), float(side[1])) if np.isfinite(side).all() else (float("nan"), float("nan"))


def _block(side_m: float, count: int) -> int:
    """Return how many fine cells are averaged to one."""
    return max(1, min(count, int(_CELL_M / side_m))) if side_m > 0 else 1


def _weight(side_m: float, count: int) -> float:
    """Return the weight of either neighbour in the smoothing of cells."""
    side = side_m * _block(side_m, count)
    return float(np.clip((BASELINE_M / side - 1.0) / 4.0, 0.0, 0.25)) if side > 0 else 0.0


def _cells(source: Any, to_raster: crs_room.Way, xy: Floats) -> tuple[Floats, Floats]:  # noqa: ANN401
    """Return row and column of places in fine cells, counted from the raster's corner."""
    inverse = ~source.transform
    x, y = (np.asarray(part) for part in to_raster.transform(xy[:, 0], xy[:, 1]))
    with np.errstate(invalid="ignore"):  # a place that the raster's CRS does not know is inf
        row, column = inverse.d * x + inverse.e * y + inverse.f, inverse.a * x + inverse.b * y + inverse.c
    return row, column


def _interpolated(model: _Model, row: Floats, column: Floats) -> tuple[Floats, NDArray[np.bool_], NDArray[np.bool_]]:
    """Return height, filled and outside of places, tile by tile."""
    shape = model.source.shape
    with np.errstate(invalid="ignore"):
        inside = (row >= 0) & (row <= shape[0]) & (column >= 0) & (column <= shape[1])
    metres, filled = np.full(len(row), np.nan), np.zeros(len(row), dtype=bool)
    here = np.flatnonzero(inside)
    count = [size // block for size, block in zip(shape, model.block, strict=True)]
    centred = [part[here] / block - 0.5 for part, block in zip((row, column), model.block, strict=True)]
    first = [np.clip(np.floor(part), 0, max(n - 2, 0)).astype(np.int64) for part, n in zip(centred, count, strict=True)]
    tile = max(_TILE_LEAST, _TILE_CELLS // max(model.block))
    key = (first[0] // tile) * (count[1] // tile + 1) + first[1] // tile
    order = np.argsort(key, kind="stable")
    for mine in np.split(order, np.flatnonzero(np.diff(key[order])) + 1) if len(here) else ():
        low = [max(int(part[mine[0]]) // tile * tile - _MARGIN_CELLS, 0) for part in first]
        high = [
            min(int(part[mine[0]]) // tile * tile + tile + 1 + _MARGIN_CELLS, n)
            for part, n in zip(first, count, strict=True)
        ]
        heights, patched = _tile(model, low, high)
        at = [part[mine] - start for part, start in zip(first, low, strict=True)]
        share = [whole[mine] - part[mine] for whole, part in zip(centred, first, strict=True)]
        metres[here[mine]], filled[here[mine]] = _bilinear(heights, patched, at, share)
    return metres, filled & np.isfinite(metres), ~inside


def _bilinear(
    heights: Floats, patched: NDArray[np.bool_], at: list[NDArray[np.int64]], share: list[Floats]
) -> tuple[Floats, NDArray[np.bool_]]:
    """Interpolate between four cell centres; a cell of no weight need not be known."""
    (top, left), (down, right) = at, share
    below, beside = (np.minimum(part + 1, size - 1) for part, size in zip(at, heights.shape, strict=True))
    upper = _between(heights[top, left], heights[top, beside], right)
    lower = _between(heights[below, left], heights[below, beside], right)
    filled = patched[top, left] & (down != 1.0) & (right != 1.0)
    filled |= patched[top, beside] & (down != 1.0) & (right != 0.0)
    filled |= patched[below, left] & (down != 0.0) & (right != 1.0)
    filled |= patched[below, beside] & (down != 0.0) & (right != 0.0)
    return _between(upper, lower, down), filled


def _between(one: Floats, other: Floats, share: Floats) -> Floats:
    """Mix so that equals stay equal to the bit, and what has no part in it need not be known."""
    return np.where(share == 0.0, one, np.where(share == 1.0, other, one + share * (other - one)))


def _tile(model: _Model, low: list[int], high: list[int]) -> tuple[Floats, NDArray[np.bool_]]:
    """Read a part of the raster: averaged, small voids filled, smoothed; and which cells were filled."""
    from rasterio.windows import Window  # noqa: PLC0415 - loads its own GDAL

    rows, columns = ((stop - start) * block for start, stop, block in zip(low, high, model.block, strict=True))
    window = Window(low[1] * model.block[1], low[0] * model.block[0], columns, rows)
    fine = _known(model.source, model.source.read(1, window=window, masked=True))
    heights = _averaged(fine, model.block)
    patched = _small_voids(np.isnan(heights))
    if patched.any():
        heights, patched = _filled(heights, patched)
    return _smoothed(heights, model.weight), patched


def _known(source: Any, values: np.ma.MaskedArray[Any, Any]) -> Floats:  # noqa: ANN401
    """Return heights in metres, NaN where void."""
    raw = values.data
    void = np.ma.getmaskarray(values) | (raw == _NO_DATA)
    if np.issubdtype(raw.dtype, np.integer) and raw.dtype.itemsize > 1:
        limits = np.iinfo(raw.dtype)
        void |= (raw == limits.max) | ((raw == limits.min) & (limits.min < 0))
    unit = _FOOT_M if (source.units[0] or "").strip().lower() in _FEET else 1.0
    with np.errstate(invalid="ignore", over="ignore"):
        metres = (raw.astype(np.float64) * source.scales[0] + source.offsets[0]) * unit
        void |= ~((metres >= LOWEST_M) & (metres <= HIGHEST_M))
    metres[void] = np.nan
    return np.asarray(metres, dtype=np.float64)


def _averaged(fine: Floats, block: tuple[int, int]) -> Floats:
    """Return the means of blocks of cells, of those that are known if they are at least half."""
    if block == (1, 1):
        return fine
    rows, columns = fine.shape[0] // block[0], fine.shape[1] // block[1]
    cells = fine.reshape(rows, block[0], columns, block[1])
    known = np.isfinite(cells)
    count = known.sum(axis=(1, 3))
    total = np.where(known, cells, 0.0).sum(axis=(1, 3))
    return np.where(2 * count >= block[0] * block[1], total / np.maximum(count, 1), np.nan)


def _small_voids(void: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Return the void cells that lie in no void deeper than `FILL_CELLS`."""
    deep = _alone_within(void, FILL_CELLS)
    return void & _alone_within(~deep, _LARGE_CELLS) if deep.any() else void


def _alone_within(mask: NDArray[np.bool_], cells: float) -> NDArray[np.bool_]:
    """Return the cells around which all others within a distance are of a mask too; so are those beyond the edge."""
    most = int(cells)
    steps = np.arange(-most, most + 1)
    near = np.argwhere(np.hypot(steps[:, None], steps) <= cells)
    padded = np.pad(mask, most, constant_values=True)
    found = np.ones_like(mask)
    for down, right in near:
        found &= padded[down : down + mask.shape[0], right : right + mask.shape[1]]
    return found


def _filled(heights: Floats, small: NDArray[np.bool_]) -> tuple[Floats, NDArray[np.bool_]]:
    """Fill void cells so that each is the mean of its four neighbours; what touches nothing known stays void."""
    number = np.full(heights.shape, -1, dtype=np.int64)
    cells = np.flatnonzero(small)
    number.ravel()[cells] = np.arange(len(cells))
    padded = np.pad(heights, 1, constant_values=np.nan).ravel()
    beside = np.pad(number, 1, constant_values=-1).ravel()
    width = heights.shape[1] + 2
    middle = (cells // heights.shape[1] + 1) * width + cells % heights.shape[1] + 1
    around = middle[:, None] + np.array([-width, -1, 1, width])
    known, other = np.isfinite(padded[around]), beside[around]
    row, side = np.nonzero(other >= 0)
    links = sparse.coo_array((np.ones(len(row)), (row, other[row, side])), shape=(len(cells), len(cells)))
    label = csgraph.connected_components(links, directed=False)[1]
    held = (np.bincount(label, weights=known.sum(axis=1)) > 0)[label]
    degree = known.sum(axis=1) + (other >= 0).sum(axis=1) + ~held
    given = np.where(known, padded[around], 0.0).sum(axis=1)
    found = linalg.spsolve((sparse.diags_array(degree.astype(np.float64)) - links).tocsc(), given)
    heights, patched = heights.copy(), np.zeros_like(small)
    heights.ravel()[cells[held]] = np.atleast_1d(found)[held]
    patched.ravel()[cells[held]] = True
    return heights, patched


def _smoothed(heights: Floats, weight: tuple[float, float]) -> Floats:
    """Mix each cell with its neighbours, up and down, then left and right, where both are known."""
    for axis in (0, 1):
        if weight[axis] > 0.0 and heights.shape[axis] > 2:  # noqa: PLR2004 - a cell and its two neighbours
            turned = np.moveaxis(heights, axis, 0)
            mixed = turned.copy()
            bend = turned[:-2] - 2.0 * turned[1:-1] + turned[2:]
            mixed[1:-1] += weight[axis] * np.where(np.isnan(bend), 0.0, bend)
            heights = np.moveaxis(mixed, 0, axis)
    return heights
