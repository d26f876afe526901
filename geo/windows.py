"""The part of a network that a search can reach: its search nodes and arcs, without a look at the rest.

Search nodes are numbered by tile, so the nodes of some tiles are a few runs of numbers. Whatever the size
of the network, a search costs what the streets around it cost.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np
from scipy import sparse

from geo.tiles import ranges

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from geo.network import Network

_WORTH = 0.15
_MARGIN_M = 1.0
_SIDES = (32, 16, 8, 4, 2, 1)
_CELLS = 500_000


@dataclass(frozen=True, eq=False)
class Window:
    """Some search nodes of a network, numbered anew from 0.

    Attributes
    ----------
    network
        The whole.
    tiles
        Numbers of the tiles taken, rising; `None` for all.
    """

    network: Network
    tiles: NDArray[np.int64] | None

    @cached_property
    def nodes(self) -> NDArray[np.int64]:
        """Search nodes of the window, rising; the position is the number in the window."""
        if self.tiles is None:
            return np.arange(self.network.node_count)
        first = self.network.first_node[self.tiles]
        return ranges(first, self.network.first_node[self.tiles + 1] - first)

    def nodes_at(self, places: NDArray[np.intp]) -> NDArray[np.int64]:
        """Return the search nodes with some numbers in the window."""
        return np.asarray(places if self.tiles is None else self.nodes[places], dtype=np.int64)

    @property
    def node_count(self) -> int:
        """How many nodes there are."""
        return self.network.node_count if self.tiles is None else len(self.nodes)

    @cached_property
    def shift(self) -> NDArray[np.int64]:
        """(tiles,) what to add to a node's number to get the one in the window; so low that it stays negative where the tile is not taken."""
        net = self.network
        shift = np.full(len(net.tiling), -2 * net.node_count - 1, dtype=np.int64)
        if self.tiles is not None:
            first = net.first_node[self.tiles]
            count = net.first_node[self.tiles + 1] - first
            shift[self.tiles] = np.cumsum(count) - count - first
        return shift

    def local(self, nodes: NDArray[np.int64]) -> NDArray[np.int64]:
        """Return the numbers of search nodes in the window; negative where they are not in it."""
        if self.tiles is None:
            return nodes
        return np.asarray(nodes + self.shift[self.network.tile_of_node[nodes]], dtype=np.int64)

    def arcs(self, whole: sparse.csr_array) -> sparse.csr_array:
        """Return the arcs between nodes of the window."""
        if self.tiles is None:
            return whole
        net, nodes = self.network, self.nodes
        begin, stop = whole.indptr[net.first_node[self.tiles]], whole.indptr[net.first_node[self.tiles + 1]]
        taken = ranges(begin.astype(np.int64), (stop - begin).astype(np.int64))
        head = self.local(whole.indices[taken])
        inside = head >= 0
        kept = np.concatenate([[0], np.cumsum(inside)])
        degree = whole.indptr[nodes + 1] - whole.indptr[nodes]
        indptr = kept[np.concatenate([[0], np.cumsum(degree)])]
        return sparse.csr_array(
            (whole.data[taken][inside], head[inside].astype(np.int32), indptr.astype(np.int32)),
            shape=(len(nodes), len(nodes)),
        )


def around(network: Network, edges: NDArray[np.int64], *, minutes: float) -> Window:
    """Return the window that a search from some edges cannot leave within some minutes.

    No way is shorter than the straight one, and nobody is faster than the fastest edge.
    """
    reach_m = network.fastest_m * minutes + _MARGIN_M
    tiling = network.tiling
    spread = max(tiling.rows, tiling.columns) * tiling.side_m
    if not np.isfinite(reach_m) or reach_m > spread or not len(edges):
        return Window(network, None if len(edges) else np.empty(0, dtype=np.int64))
    boxes = network.boxes[edges] + np.array([-reach_m, -reach_m, reach_m, reach_m])
    taken = np.zeros(len(tiling), dtype=bool)
    taken[tiling.touching(boxes)[1]] = True
    tiles = np.flatnonzero(taken)
    count = int((network.first_node[tiles + 1] - network.first_node[tiles]).sum())
    return Window(network, None if count > _WORTH * network.node_count else tiles)


def shared(network: Network, edges: NDArray[np.int64], *, minutes: float, cheap: bool = False) -> NDArray[np.int64]:
    """Return a number per edge that is the same for edges near each other, whose searches may share a window.

    Squares of tiles, as large as is cheap: setting up a window takes as long as going over `_CELLS` of its nodes,
    once a search. As large as can be where searches do not go over all nodes.
    """
    tiling = network.tiling
    row, column = np.divmod(network.tile_of_node[network.start[edges]], tiling.columns)
    margin = int(min(network.fastest_m * minutes // tiling.side_m + 1, max(tiling.rows, tiling.columns)))
    group = np.full(len(edges), -1, dtype=np.int64)
    for level, side in enumerate(_SIDES):
        rest = np.flatnonzero(group < 0)
        key, block = np.unique(row[rest] // side * tiling.columns + column[rest] // side, return_inverse=True)
        top, left = np.divmod(key, tiling.columns)
        nodes = _nodes_in(network, top * side - margin, left * side - margin, side + 2 * margin)
        bearable = (np.bincount(block, minlength=len(key)) * nodes <= _CELLS) | (side == 1) | cheap
        mine = bearable[block]
        group[rest[mine]] = key[block[mine]] + level * len(tiling)
    return group


def _nodes_in(network: Network, row: NDArray[np.int64], column: NDArray[np.int64], side: int) -> NDArray[np.int64]:
    """Return how many search nodes lie in squares of tiles, given by their first row and column."""
    tiling = network.tiling
    if "nodes before" not in network.known:
        count = np.diff(network.first_node).reshape(tiling.rows, tiling.columns)
        network.known["nodes before"] = np.pad(count.cumsum(axis=0).cumsum(axis=1), ((1, 0), (1, 0)))
    before: NDArray[np.int64] = network.known["nodes before"]
    low, high = np.clip(row, 0, tiling.rows), np.clip(row + side, 0, tiling.rows)
    left, right = np.clip(column, 0, tiling.columns), np.clip(column + side, 0, tiling.columns)
    return np.asarray(before[high, right] - before[low, right] - before[high, left] + before[low, left])
