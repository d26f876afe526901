"""How far the search nodes of a window are from seeds: from those of each search by itself, or from the nearest one.

A seed is a search node that somebody who stands on a street gets to first, and the minutes until there. Of equally
near seeds the one with the lowest row is the nearest. Compiled where it can be (`geo.kernels`), else by scipy; both
take the same sums, so that no bit of the minutes differs.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from scipy import sparse
from scipy.sparse import csgraph

from geo import kernels
from geo.tiles import ranges

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from geo.catalogue import Direction
    from geo.windows import Window

_NOTHING = np.empty(0, dtype=np.int64)


class Seeds(NamedTuple):
    """Where searches begin, one search after the other.

    Attributes
    ----------
    first
        (searches + 1,) where the seeds of each begin.
    place
        (seeds,) node, numbered in the window.
    minutes
        (seeds,) minutes until there.
    row
        (seeds,) whose they are.
    """

    first: NDArray[np.int64]
    place: NDArray[np.int64]
    minutes: NDArray[np.float64]
    row: NDArray[np.int64]

    @classmethod
    def of(
        cls,
        search: NDArray[np.int64],
        place: NDArray[np.int64],
        minutes: NDArray[np.float64],
        row: NDArray[np.int64],
        *,
        searches: int,
    ) -> Seeds:
        """Return seeds of numbered searches, in any order; those outside the window, or never reached, fall away."""
        usable = np.flatnonzero(np.isfinite(minutes) & (place >= 0))
        usable = usable[np.argsort(search[usable], kind="stable")]
        first = np.searchsorted(search[usable], np.arange(searches + 1))
        return cls(first.astype(np.int64), place[usable], minutes[usable], row[usable])


def streets(window: Window, direction: Direction) -> Any:  # noqa: ANN401 - what the compiled loops take
    """Return the arcs of a window as the compiled loops take them."""
    arcs = _whole(window, direction)
    inside = () if window.tiles is None else (window.nodes, window.network.tile_of_node, window.shift)
    return kernels.compiled.Streets(
        np.asarray(arcs.indptr, dtype=np.int32),
        np.asarray(arcs.indices, dtype=np.int32),
        arcs.data,
        *(inside or (_NOTHING, _NOTHING, _NOTHING)),
    )


def each(window: Window, direction: Direction, seeds: Seeds, *, limit: float) -> NDArray[np.float64]:
    """Return the minutes (searches, nodes of the window) from the seeds of each search; `inf` beyond the limit."""
    if kernels.compiled is None:
        return _each_by_scipy(window, direction, seeds, limit=limit)
    minutes = np.full((len(seeds.first) - 1, window.node_count), np.inf)
    kernels.compiled.search(streets(window, direction), *seeds, limit, minutes, np.empty((0, 0), dtype=np.int64))
    return minutes


def nearest(
    window: Window, direction: Direction, seeds: Seeds, *, limit: float
) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """Return the minutes (nodes of the window,) from the nearest seed of one search, and its row; `inf` and -1 beyond."""
    if kernels.compiled is None:
        return _nearest_by_scipy(window, direction, seeds, limit=limit)
    minutes = np.full((1, window.node_count), np.inf)
    row = np.full((1, window.node_count), -1, dtype=np.int64)
    kernels.compiled.search(streets(window, direction), *seeds, limit, minutes, row)
    return minutes[0], row[0]


def _whole(window: Window, direction: Direction) -> sparse.csr_array:
    network = window.network
    return network.leaving if direction == "from_service" else network.arriving


def _each_by_scipy(window: Window, direction: Direction, seeds: Seeds, *, limit: float) -> NDArray[np.float64]:
    count, searches = window.node_count, len(seeds.first) - 1
    arcs = _with_seeds(window.arcs(_whole(window, direction)), seeds)
    found = csgraph.dijkstra(arcs, indices=np.arange(count, count + searches), limit=limit)
    return np.asarray(found[:, :count], dtype=np.float64)


def _nearest_by_scipy(
    window: Window, direction: Direction, seeds: Seeds, *, limit: float
) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    count, every = window.node_count, len(seeds.place)
    row = np.full(count, -1, dtype=np.int64)
    if not every:
        return np.full(count, np.inf), row
    arcs = _with_seeds(window.arcs(_whole(window, direction)), seeds._replace(first=np.arange(every + 1)))
    minutes, _, source = csgraph.dijkstra(
        arcs, indices=np.arange(count, count + every), min_only=True, return_predecessors=True, limit=limit
    )
    reached = np.isfinite(minutes[:count])
    row[reached] = seeds.row[source[:count][reached] - count]
    return minutes[:count], _lowest(arcs, minutes, np.concatenate([row, seeds.row]))[:count]


def _with_seeds(arcs: sparse.csr_array, seeds: Seeds) -> sparse.csr_array:
    """Return arcs with one more node a search, joined to its seeds.

    Explicit zeros stay arcs in csgraph as long as the matrix is built as csr and never summed.
    """
    size = arcs.shape[0] + len(seeds.first) - 1
    indptr = np.concatenate([arcs.indptr, arcs.indptr[-1] + seeds.first[1:]]).astype(np.int32)
    data = np.concatenate([arcs.data, seeds.minutes])
    indices = np.concatenate([arcs.indices, seeds.place]).astype(np.int32)
    return sparse.csr_array((data, indices, indptr), shape=(size, size))


def _lowest(arcs: sparse.csr_array, minutes: NDArray[np.float64], row: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return the lowest row that reaches each node in its least minutes; scipy names any of those equally near."""
    tails = np.flatnonzero(np.isfinite(minutes))
    count = np.diff(arcs.indptr)[tails]
    tail, arc = np.repeat(tails, count), ranges(arcs.indptr[tails].astype(np.int64), count)
    head = arcs.indices[arc].astype(np.int64)
    tight = minutes[tail] + arcs.data[arc] == minutes[head]
    tail, head = tail[tight], head[tight]
    while len(better := np.flatnonzero(row[tail] < row[head])):
        np.minimum.at(row, head[better], row[tail[better]])
    return row
