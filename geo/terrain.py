"""A digital elevation model → the gradient of every street piece."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import shapely
from scipy import sparse
from scipy.sparse import csgraph, linalg

from geo import schema, units
from geo.elevation import BASELINE_M, read_heights
from geo.errors import GeoValueError
from geo.messages import Message

if TYPE_CHECKING:
    from pathlib import Path

    import geopandas as gpd
    import pandas as pd
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]
    Ints = NDArray[np.int64]
    Bools = NDArray[np.bool_]

EVERY_M = 100.0
STEEPEST = 0.35

_ON_GROUND = ("", "no", "building_passage")  # a passage through a building is called a tunnel
_SAME_M = 1e-6
_SHORTEST_M = 1e-3


class Gradients(NamedTuple):
    """How steep street pieces are, and how that is known; arrays of (pieces,).

    Attributes
    ----------
    rise_over_run
        From start to end, positive uphill, within ±`STEEPEST`; NaN where not known, which counts as flat.
    aloft
        Bridges and tunnels: their ends, not the ground below, say how steep they are.
    filled
        A height comes from a small void of the model that was filled from around.
    void
        Not known: a large void of the model.
    outside
        Not known: the model does not reach there.
    capped
        Came out steeper than `STEEPEST`.
    cell_m
        Side of the cells that heights were taken from, after averaging.
    """

    rise_over_run: NDArray[np.float64]
    aloft: NDArray[np.bool_]
    filled: NDArray[np.bool_]
    void: NDArray[np.bool_]
    outside: NDArray[np.bool_]
    capped: NDArray[np.bool_]
    cell_m: float


def gradients(streets: gpd.GeoDataFrame, file: Path, *, where: str = "", given: str | None = None) -> Gradients:
    """Return the rise over run of street pieces, from start to end.

    Only the heights of a piece's ends count, so cut long pieces first (:func:`cut`); how heights are read, and over
    how much ground they are taken, says :func:`geo.elevation.read_heights`. Gradients are limited to 35 %, beyond
    which a model is coarser than the street.

    Bridges and tunnels do not follow the ground: between the places where a run of them touches it, heights are
    those of a straight grade by length; where runs branch in the air, of a net that is stretched between all the
    places (harmonic). A run touches the ground where it meets a street that is neither bridge nor tunnel, and at
    loose ends. Steps that meet a run midway lead up or down to it and do not pull it to the ground; a run that only
    steps touch is level, and so are they.

    Parameters
    ----------
    streets
        `schema.STREETS`.
    file
        Any raster that GDAL reads; the first band holds heights.
    where, given
        How the user wrote the file, and the CRS that the study file states for it.

    Returns
    -------
    See :class:`Gradients`. A piece of no length has no gradient (NaN).

    Raises
    ------
    InputFaultsError
        When the file is no raster, is damaged, has no CRS or a shifted one.
    """
    start, end, length_m = _net(streets)
    xy, aloft = _places(streets, start, end), _is_aloft(streets)
    known = read_heights(file, xy, crs=streets.crs, where=where, given=given)
    metres, level = _with_runs(known.metres, streets, aloft)
    rise = metres[end] - metres[start]
    rise[level[start] | level[end]] = 0.0
    with np.errstate(divide="ignore", invalid="ignore"):
        steep = np.where(length_m > 0.0, rise / length_m, np.nan)
        capped = np.abs(steep) > STEEPEST
    lost = np.isnan(rise) & (length_m > 0.0)
    outside = lost & (known.outside[start] | known.outside[end])
    on_ground = ~aloft & ~lost
    return Gradients(
        rise_over_run=np.clip(steep, -STEEPEST, STEEPEST),
        aloft=aloft,
        filled=on_ground & (known.filled[start] | known.filled[end]),
        void=lost & ~outside,
        outside=outside,
        capped=capped,
        cell_m=known.cell_m,
    )


def told(found: Gradients, streets: gpd.GeoDataFrame) -> list[Message]:
    """Return what a planner should know about the gradients: how many pieces, how long, are not as plain as the rest.

    Parameters
    ----------
    found
        What :func:`gradients` returned
    streets
        for these pieces.
    """
    km = streets["length_m"].to_numpy(dtype=np.float64) / units.METRES_PER_KM

    def of(which: Bools) -> dict[str, object]:
        return {"count": int(which.sum()), "km": f"{km[which].sum():.1f}"}

    notes = []
    if found.cell_m > BASELINE_M:
        notes.append(Message("terrain.coarse", {"cell_m": f"{found.cell_m:.0f}"}))
    if found.aloft.any():
        notes.append(Message("terrain.aloft", of(found.aloft)))
    if found.filled.any():
        notes.append(Message("terrain.filled", of(found.filled)))
    if found.void.any():
        notes.append(Message("terrain.void", of(found.void)))
    if found.outside.any():
        notes.append(Message("terrain.outside", of(found.outside)))
    if found.capped.any():
        notes.append(Message("terrain.capped", {**of(found.capped), "percent": f"{100 * STEEPEST:.0f}"}))
    return notes


def _net(streets: pd.DataFrame) -> tuple[Ints, Ints, Floats]:
    start, end = (streets[name].to_numpy(dtype=np.int64) for name in ("start_node", "end_node"))
    return start, end, streets["length_m"].to_numpy(dtype=np.float64)


def _places(streets: gpd.GeoDataFrame, start: Ints, end: Ints) -> Floats:
    """Return where nodes lie; numbers that no piece bears lie nowhere (NaN)."""
    lines = streets.geometry.to_numpy()
    node, first = np.unique(np.concatenate([start, end]), return_index=True)
    ends = np.concatenate([shapely.get_point(lines, 0), shapely.get_point(lines, -1)])
    xy = np.full((int(node.max(initial=-1)) + 1, 2), np.nan)
    xy[node] = shapely.get_coordinates(ends[first])
    return xy


def _is_aloft(streets: pd.DataFrame) -> Bools:
    on_ground = [streets[name].fillna("").isin(_ON_GROUND).to_numpy() for name in ("bridge", "tunnel")]
    return np.asarray(~(on_ground[0] & on_ground[1]), dtype=bool)


def _with_runs(metres: Floats, streets: pd.DataFrame, aloft: Bools) -> tuple[Floats, Bools]:
    """Return node heights, those within runs of bridges or tunnels stretched between where the runs touch the ground.

    Also which nodes are in a run that touches the ground nowhere: it is level, at a height not known.
    """
    metres, level = metres.copy(), np.zeros(len(metres), dtype=bool)
    inner = _inner(streets, aloft, len(metres))
    nodes = np.flatnonzero(inner)
    if not len(nodes):
        return metres, level
    number = np.full(len(metres), -1, dtype=np.int64)
    number[nodes] = np.arange(len(nodes))
    start, end, length_m = (part[aloft] for part in _net(streets))
    start, end, length_m = (part[start != end] for part in (start, end, length_m))
    pull = 1.0 / np.maximum(length_m, _SHORTEST_M)
    one, other = np.concatenate([start, end]), np.concatenate([end, start])
    pull = np.concatenate([pull, pull])[inner[one]]
    one, other = number[one[inner[one]]], other[inner[one]]
    tied = inner[other]
    shape = (len(nodes), len(nodes))
    links = sparse.coo_array((pull[tied], (one[tied], number[other[tied]])), shape=shape).tocsc()
    count, label = csgraph.connected_components(links, directed=False)
    height = metres[other[~tied]]
    touches = np.bincount(label[one[~tied]], minlength=count) > 0
    unknown = np.bincount(label[one[~tied]], weights=np.isnan(height), minlength=count) > 0
    loose = ~touches[label]
    given = np.bincount(one[~tied], weights=pull[~tied] * np.nan_to_num(height), minlength=len(nodes))
    degree = np.bincount(one, weights=pull, minlength=len(nodes)) + loose
    found = np.atleast_1d(linalg.spsolve((sparse.diags_array(degree) - links).tocsc(), given))
    metres[nodes] = np.where(unknown[label], np.nan, found)
    level[nodes] = loose
    return metres, level


def _inner(streets: pd.DataFrame, aloft: Bools, count: int) -> Bools:
    """Say which nodes hang within runs of bridges or tunnels: two of these meet there, and no street but steps."""
    start, end, _ = _net(streets)
    ground = ~aloft & (streets["highway"] != "steps").to_numpy()
    hanging = np.bincount(np.concatenate([start[aloft], end[aloft]]), minlength=count)
    standing = np.bincount(np.concatenate([start[ground], end[ground]]), minlength=count)
    return np.asarray((hanging > 1) & (standing == 0), dtype=bool)


def cut(streets: gpd.GeoDataFrame, *, every_m: float = EVERY_M) -> gpd.GeoDataFrame:
    """Cut long street pieces into equal parts, so that a hill within a street is seen.

    Bridges and tunnels are left whole, since they follow a straight grade. Parts are equal by length as drawn, which
    is by length on the ground too, as the scale of a metric CRS does not change within a street.

    Parameters
    ----------
    streets
        `schema.STREETS` in a metric CRS.
    every_m
        The longest that a part may be, metres on the ground.

    Returns
    -------
    The same columns, a row per part, parts in the order of their street. Where a street was cut there is a new node,
    numbered after the old ones. The lengths of a street's parts add up to its own. What may not be entered at an end
    (`schema.STREET_TURNS`), and who cannot pass it (`schema.STREET_SHUT`), stays with the part at that end.

    Raises
    ------
    GeoValueError
        When `every_m` is not above 0.
    """
    if not every_m > 0.0:
        msg = f"every_m is {every_m}; it must be above 0 metres"
        raise GeoValueError(msg)
    lines = streets.geometry.to_numpy()
    start, end, length_m = _net(streets)
    long = (length_m > every_m) & (shapely.length(lines) > 0.0) & ~_is_aloft(streets)
    count = np.where(long, np.ceil(np.where(long, length_m, 0.0) / every_m - _SAME_M), 1.0).astype(np.int64)
    if not (count > 1).any():
        return streets
    row = np.repeat(np.arange(len(streets)), count)
    before = np.cumsum(count) - count
    part = np.arange(len(row)) - before[row]
    first, last = part == 0, part == count[row] - 1
    table = streets.iloc[row].reset_index(drop=True)
    # Between parts p - 1 and p of a street lies the node of part p, counted over all cuts.
    node = max(int(start.max()), int(end.max())) + 1 + np.arange(len(row)) - row - 1
    table["start_node"] = np.where(first, start[row], node)
    table["end_node"] = np.where(last, end[row], node + 1)
    # Differences of neighbouring marks are exact in floating point, so that the parts' sum is the whole.
    whole, of = length_m[row], count[row]
    table["length_m"] = np.where(last, whole, whole * (part + 1) / of) - whole * part / of
    for names in (schema.STREET_TURNS, schema.STREET_SHUT):
        for name, there in zip(names, (first, last), strict=True):
            if name in table.columns:
                table[name] = np.where(there, table[name].to_numpy(dtype=object), "")
    shapes = lines[row]
    shapes[of > 1] = _cut_lines(lines[count > 1], count[count > 1])
    return table.set_geometry(shapes, crs=streets.crs)


def _cut_lines(lines: NDArray[np.object_], count: Ints) -> NDArray[np.object_]:
    """Return the equal parts of lines, in order; together they have every vertex and the cuts."""
    xy, line = shapely.get_coordinates(lines, return_index=True)
    offset = np.searchsorted(line, np.arange(len(lines) + 1))
    head, tail = offset[:-1], offset[1:] - 1
    step = np.hypot(*np.diff(xy, axis=0).T)
    step[tail[:-1]] = 0.0
    run = np.concatenate([[0.0], np.cumsum(step)])
    row = np.repeat(np.arange(len(lines)), count)
    part = np.arange(len(row)) - (np.cumsum(count) - count)[row]
    first, last = part == 0, part == count[row] - 1
    mark = run[head[row]] + (run[tail] - run[head])[row] * (part / count[row])
    segment = np.clip(np.searchsorted(run, mark, side="right") - 1, head[row], tail[row] - 1)
    into = mark - run[segment]
    share = np.clip(into / np.maximum(step[segment], _SAME_M), 0.0, 1.0)
    share = np.where(into < _SAME_M, 0.0, np.where(step[segment] - into < _SAME_M, 1.0, share))
    begin = np.where(
        share[:, None] == 1.0, xy[segment + 1], xy[segment] + share[:, None] * (xy[segment + 1] - xy[segment])
    )
    # Vertices strictly within a part, then its ends: the first and last vertex of the line, or a cut.
    low = np.where(first, head[row] + 1, np.maximum(np.searchsorted(run, mark + _SAME_M, side="right"), head[row] + 1))
    next_mark = np.append(mark[1:], 0.0)
    high = np.where(last, tail[row], np.minimum(np.searchsorted(run, next_mark - _SAME_M, side="left"), tail[row]))
    size = np.maximum(high - low, 0) + 2
    stop = np.cumsum(size)
    of = np.repeat(np.arange(len(row)), size)
    take = np.arange(stop[-1]) - (stop - size)[of] - 1 + low[of]
    take[stop - size] = np.where(first, head[row], len(xy) + np.arange(len(row)))
    take[stop - 1] = np.where(last, tail[row], len(xy) + np.arange(len(row)) + 1)
    return np.asarray(shapely.linestrings(np.concatenate([xy, begin])[take], indices=of), dtype=object)
