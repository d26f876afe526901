"""Points → the nearest street they can walk to: edge, position along it, metres, status.

People, services and the cells of a surface are all linked by :func:`snap`, so that a polygon and a
number can never disagree about who stands where.
"""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import pandas as pd
import shapely

from geo import kernels
from geo.line_index import Candidates, Nearest, choose, placed

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from geo.barriers import Fence
    from geo.network import Network

CAP_M = 300.0
_TRIES = (0, 3, 12, 48, 1_000_000_000)
# So few edges are indexed whole; so large a share of them too; so many pairs are not looked at one by one.
_SMALL = 30_000
_MOST = 0.5
_MOST_PAIRS = 2_000_000
_FIRST_LOOK = 0.2
_FEW = 5_000
_AROUND_M = (25.0, 100.0)
_WIDER = 4.0


def snap(
    network: Network,
    points: NDArray[np.object_],
    *,
    cap_m: float = CAP_M,
    barriers: Fence | None = None,
) -> pd.DataFrame:
    """Link points to the nearest usable street, perpendicular onto the edge.

    Parameters
    ----------
    network
        Streets of one mode.
    points
        (n,) Points in the network's CRS; missing and empty ones are `no_geometry`.
    cap_m
        Longest access leg.
    barriers
        What a leg must not cross (:func:`geo.barriers.fence`).

    Returns
    -------
    (n,) rows of `schema.SNAPPED`: `edge` (-1 where none), `fraction` of the edge's length from its
    start, `snap_m`, and `snap_status`: `ok`; `island` (the nearest street lies on a component too
    small to matter and the main one is not within the cap); `far` (no street within the cap; `snap_m`
    still tells the distance); `no_geometry`. Where the nearest street may be used one way only,
    `edge2`, `fraction2` and `snap_m2` tell the nearest one that may be used both ways, if there is one
    within the cap (else -1 and NaN): whoever stands beside a one-way walks to whichever is quicker.
    """
    xy = np.full((len(points), 2), np.nan)
    there = ~(shapely.is_missing(points) | shapely.is_empty(points))
    xy[there] = shapely.get_coordinates(points[there])
    found = snap_xy(network, xy, cap_m=cap_m, barriers=barriers)
    far = np.flatnonzero((found["snap_status"] == "far").to_numpy())
    if len(far):
        found.loc[far, "snap_m"] = _distance_m(network, xy[far], cap_m=cap_m)
    return found


def snap_xy(
    network: Network, xy: NDArray[np.float64], *, cap_m: float = CAP_M, barriers: Fence | None = None
) -> pd.DataFrame:
    """Link places (n, 2) as :func:`snap` does, but leave `snap_m` of the `far` ones NaN; NaN is `no_geometry`."""
    status, first, second = link(network, xy, cap_m=cap_m, barriers=barriers)
    return pd.DataFrame(
        {
            "edge": first.line,
            "fraction": first.fraction,
            "snap_m": ground_m(network, first),
            "snap_status": status,
            "edge2": second.line,
            "fraction2": second.fraction,
            "snap_m2": ground_m(network, second),
        }
    )


def link(
    network: Network, xy: NDArray[np.float64], *, cap_m: float = CAP_M, barriers: Fence | None = None
) -> tuple[NDArray[np.object_], Nearest, Nearest]:
    """Return status, nearest street and second candidate of places (n, 2); distances are of the plane."""
    count = len(xy)
    status = np.full(count, "far", dtype=object)
    there = np.asarray(np.isfinite(xy).all(axis=1), dtype=bool)
    status[~there] = "no_geometry"
    first, second = Nearest.none(count), Nearest.none(count)
    for kind, named in (("main", "ok"), ("island", "island")):
        rows = np.flatnonzero(there & (first.line < 0))
        if kind == "island" and not _kinds(network).any_island:
            continue
        _put(first, rows, _reachable(network, xy[rows], kind, cap_m=cap_m, barriers=barriers))
        status[rows[first.line[rows] >= 0]] = named
    if _kinds(network).any_one_way:
        rows = np.flatnonzero(status == "ok")
        rows = rows[~network.both_ways[first.line[rows]]]
        _put(second, rows, _reachable(network, xy[rows], "both_ways", cap_m=cap_m, barriers=barriers))
    return status, first, second


def ground_m(network: Network, found: Nearest) -> NDArray[np.float64]:
    """Return the metres of legs on the ground; NaN where there is none."""
    there = found.line >= 0
    metres = np.full(len(there), np.nan)
    metres[there] = found.metres[there] * network.ground_scale[found.line[there]]
    return metres


def _put(whole: Nearest, rows: NDArray[np.intp], part: Nearest) -> None:
    for to, values in zip(whole, part, strict=True):
        to[rows] = values


class _Kinds(NamedTuple):
    """Which edges are meant, (edges,) each: those that matter, those on islands, those that matter and go both ways."""

    main: NDArray[np.bool_]
    island: NDArray[np.bool_]
    both_ways: NDArray[np.bool_]
    any_island: bool
    any_one_way: bool


def _kinds(network: Network) -> _Kinds:
    """Return the kinds of edges; found once, so that linking one place does not look at all streets of a province."""
    if "kinds" not in network.known:
        main, both = ~network.island, network.both_ways
        network.known["kinds"] = _Kinds(main, network.island, main & both, not main.all(), not both.all())
    found: _Kinds = network.known["kinds"]
    return found


def _kind(network: Network, kind: str) -> NDArray[np.bool_]:
    found: NDArray[np.bool_] = getattr(_kinds(network), kind)
    return found


def _nearest(network: Network, xy: NDArray[np.float64], kind: str, *, within_m: float) -> Nearest:
    """Return the nearest edge of a kind within some metres; only streets near the places are looked at."""
    mine = _kind(network, kind)
    if kernels.compiled is not None:
        return _nearest_one_by_one(network, xy, mine, within_m=within_m)
    if len(xy) <= _FEW:
        return _nearest_of_few(network, xy, mine, within_m=within_m)
    if len(network.start) <= _SMALL or network.indexed(kind):
        return network.index_of(kind, mine).nearest(xy, within_m=within_m)
    found = Nearest.none(len(xy))
    for radius in (within_m * _FIRST_LOOK, within_m):
        rows = np.flatnonzero(found.line < 0)
        edges = _edges_near(network, xy[rows], radius)
        edges = edges[mine[edges]]
        if len(edges) > _MOST * len(mine):
            return network.index_of(kind, mine).nearest(xy, within_m=within_m)
        _put(found, rows, network.part_index(edges).nearest(xy[rows], within_m=radius))
    return found


def _nearest_one_by_one(
    network: Network, xy: NDArray[np.float64], mine: NDArray[np.bool_], *, within_m: float
) -> Nearest:
    """Return the nearest of the edges allowed, each place going over the small tiles around it."""
    if "lines" not in network.known:
        network.known["lines"] = kernels.lines(network.close, network.boxes, network.xy, network.offset)
    line, vertex = np.full((2, len(xy)), -1, dtype=np.int64)
    share, metres = np.full(len(xy), np.nan), np.full(len(xy), np.inf)
    places = np.ascontiguousarray(xy)
    kernels.compiled.nearest(network.known["lines"], mine.view(np.uint8), places, within_m, line, vertex, share, metres)
    found = Nearest.none(len(xy))
    there = np.flatnonzero(line >= 0)
    placed(found, there, network.flat, line[there], vertex[there], share[there], metres[there])
    return found


def _nearest_of_few(network: Network, xy: NDArray[np.float64], mine: NDArray[np.bool_], *, within_m: float) -> Nearest:
    """Return the nearest of the edges allowed, by looking at all that lie around each place."""
    found = Nearest.none(len(xy))
    boxes, close = network.boxes, network.close
    for radius in (*(near for near in _AROUND_M if near < within_m), within_m):
        rows = np.flatnonzero(found.line < 0)
        around = np.column_stack([xy[rows] - radius, xy[rows] + radius])
        place, tile = close.tiling.touching(around)
        which, edge = close.within(tile)
        place = place[which]
        box, asked = boxes[edge], around[place]
        near = mine[edge] & (box[:, 0] <= asked[:, 2]) & (box[:, 2] >= asked[:, 0])
        near &= (box[:, 1] <= asked[:, 3]) & (box[:, 3] >= asked[:, 1])
        place, edge = place[near], edge[near]
        count, vertex = network.flat.segments(edge)
        first = np.searchsorted(np.repeat(place, count), np.arange(len(rows) + 1))
        some = Candidates(first, np.repeat(edge, count), vertex)
        choose(found, rows, xy[rows], some, network.flat, within_m=radius)
    return found


def _edges_near(network: Network, xy: NDArray[np.float64], within_m: float) -> NDArray[np.int64]:
    """Return edges among which are all that come within some metres of any of the places."""
    if not len(xy):
        return np.empty(0, dtype=np.int64)
    around = np.column_stack([xy - within_m, xy + within_m])
    place, tile = network.tiling.touching(around)
    shelf = network.shelf
    if (shelf.first[tile + 1] - shelf.first[tile]).sum() > _MOST_PAIRS:
        return np.unique(shelf.within(np.unique(tile))[1])
    which, edge = shelf.within(tile)
    box, asked = network.boxes[edge], around[place[which]]
    near = (box[:, 0] <= asked[:, 2]) & (box[:, 2] >= asked[:, 0])
    near &= (box[:, 1] <= asked[:, 3]) & (box[:, 3] >= asked[:, 1])
    return np.unique(edge[near])


def _distance_m(network: Network, xy: NDArray[np.float64], *, cap_m: float) -> NDArray[np.float64]:
    """Return the metres to the nearest street of any kind, however far."""
    if len(network.start) <= _SMALL:
        if kernels.compiled is not None:
            every = np.ones(len(network.start), dtype=bool)
            return _nearest_one_by_one(network, xy, every, within_m=np.inf).metres
        return network.all_lines.nearest(xy).metres
    metres = np.full(len(xy), np.inf)
    radius, spread = cap_m, max(network.tiling.rows, network.tiling.columns) * network.tiling.side_m
    while (rows := np.flatnonzero(~np.isfinite(metres))).size:
        radius *= _WIDER
        if radius > spread:
            metres[rows] = network.all_lines.nearest(xy[rows]).metres
            break
        index = network.part_index(_edges_near(network, xy[rows], radius))
        metres[rows] = index.nearest(xy[rows], within_m=radius).metres
    return metres


def _reachable(
    network: Network, xy: NDArray[np.float64], kind: str, *, cap_m: float, barriers: Fence | None
) -> Nearest:
    """Return the nearest edge of a kind within the cap that a leg reaches; -1 where none."""
    found = _nearest(network, xy, kind, within_m=cap_m)
    rows = np.flatnonzero(found.line >= 0)
    if barriers is None or not len(rows):
        return found
    inside = barriers.holds(xy[rows])
    _put(found, rows[inside], Nearest.none(int(inside.sum())))
    rows = rows[~inside]
    walls = barriers.blockers(xy[rows], found.foot[rows])
    blocked, walls = rows[walls >= 0], walls[walls >= 0]
    _put(found, blocked, _way_round(network, _kind(network, kind), barriers, xy[blocked], walls, cap_m=cap_m))
    return found


def _way_round(
    network: Network,
    mine: NDArray[np.bool_],
    barriers: Fence,
    xy: NDArray[np.float64],
    walls: NDArray[np.int64],
    *,
    cap_m: float,
) -> Nearest:
    """Return the nearest edge within the cap whose leg crosses no barrier; -1 where there is none.

    `walls` names a barrier that stands between each place and its nearest street.
    """
    found = Nearest.none(len(xy))
    points = shapely.points(xy)
    rows, edges = network.tree.query(points, predicate="dwithin", distance=cap_m)
    rows, edges = rows[mine[edges]], edges[mine[edges]]
    metres = shapely.distance(points[rows], network.lines[edges])
    order = np.lexsort((edges, metres, rows))
    rows, edges = rows[order], edges[order]
    rank = np.arange(len(rows)) - np.searchsorted(rows, rows)
    # Most find a way among the first few; only those that do not are tried further.
    for first, last in pairwise(_TRIES):
        some = np.flatnonzero((rank >= first) & (rank < last) & (found.line[rows] < 0))
        _try_legs(network, barriers, found, xy, rows[some], edges[some], walls)
    return found


def _try_legs(
    network: Network,
    barriers: Fence,
    found: Nearest,
    xy: NDArray[np.float64],
    rows: NDArray[np.intp],
    edges: NDArray[np.intp],
    walls: NDArray[np.int64],
) -> None:
    """Give each point the first of its candidate edges, in the order given, that a free leg reaches.

    The wall that barred one leg of a point bars most of the others: it is tried first, by arithmetic alone.
    """
    legs = _feet_on(network, xy[rows], edges)
    open_ = np.flatnonzero(~barriers.surely_blocks(xy[rows], legs.foot, walls[rows]))
    blocker = barriers.blockers(xy[rows[open_]], legs.foot[open_])
    free, barred = open_[blocker < 0], open_[blocker >= 0]
    walls[rows[barred]] = blocker[blocker >= 0]
    to, first = np.unique(rows[free], return_index=True)
    for column, values in zip(found, legs, strict=True):
        column[to] = values[free[first]]


def _feet_on(network: Network, xy: NDArray[np.float64], edges: NDArray[np.intp]) -> Nearest:
    """Return the foot of each place on an edge of its own."""
    found = Nearest.none(len(xy))
    count, vertex = network.flat.segments(edges)
    first = np.concatenate([[0], np.cumsum(count)])
    choose(found, np.arange(len(xy)), xy, Candidates(first, np.repeat(edges, count), vertex), network.flat)
    return found
