"""One network as each peer wants it: the same nodes, the same arcs, the same minutes."""

from __future__ import annotations

import os
import sys
import warnings
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy import sparse

from .cache import UnavailableError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from geo.network import Network


METRES_A_MINUTE = 75.0


@dataclass(frozen=True)
class Arcs:
    """The arcs of a network, of parallel ones the fastest.

    Attributes
    ----------
    tail, head
        (arcs,) node numbers, all nodes used.
    minutes
        (arcs,).
    edge
        (arcs,) edge of the network.
    xy
        (nodes, 2) metres.
    number
        (nodes,) what the network calls them.
    """

    tail: NDArray[np.int64]
    head: NDArray[np.int64]
    minutes: NDArray[np.float64]
    edge: NDArray[np.int64]
    xy: NDArray[np.float64]
    number: NDArray[np.int64]

    def here(self, nodes: NDArray[np.int64]) -> NDArray[np.int64]:
        """Return the peers' numbers of nodes of the network."""
        return np.searchsorted(self.number, nodes).astype(np.int64)


def arcs_of(net: Network) -> Arcs:
    """Return the arcs of a network, its nodes numbered without gaps."""
    tail, head = np.concatenate([net.start, net.end]), np.concatenate([net.end, net.start])
    minutes = np.concatenate([net.minutes_forward, net.minutes_backward])
    edge = np.tile(np.arange(len(net.start)), 2)
    keep = np.flatnonzero(np.isfinite(minutes) & (tail != head))
    keep = keep[np.lexsort((minutes[keep], head[keep], tail[keep]))]
    first = np.ones(len(keep), dtype=bool)
    first[1:] = (np.diff(tail[keep]) != 0) | (np.diff(head[keep]) != 0)
    keep = keep[first]
    number = np.unique(np.concatenate([net.start, net.end])).astype(np.int64)
    here = np.full(net.node_count, -1, dtype=np.int64)
    here[number] = np.arange(len(number))
    return Arcs(here[tail[keep]], here[head[keep]], minutes[keep], edge[keep], net.node_xy[number], number)


def scipy_matrix(arcs: Arcs) -> sparse.csr_array:
    """Return what scipy's csgraph searches."""
    size = len(arcs.xy)
    indptr = np.concatenate([[0], np.cumsum(np.bincount(arcs.tail, minlength=size))])
    return sparse.csr_array((arcs.minutes, arcs.head.astype(np.int32), indptr.astype(np.int32)), shape=(size, size))


def networkx_graph(arcs: Arcs) -> Any:
    """Return a DiGraph with `minutes`."""
    nx = networkx()
    graph = nx.DiGraph()
    graph.add_nodes_from(range(len(arcs.xy)))
    graph.add_weighted_edges_from(
        zip(arcs.tail.tolist(), arcs.head.tolist(), arcs.minutes.tolist(), strict=True), weight="minutes"
    )
    return graph


def scipy_turned(arcs: Arcs) -> sparse.csr_array:
    """Return the same with every arc turned round: a search from services then finds the way to them."""
    return scipy_matrix(arcs).T.tocsr()


def networkx_turned(arcs: Arcs) -> Any:
    """Return :func:`networkx_graph` with every arc turned round."""
    return networkx_graph(arcs).reverse()


def osmnx_graph(arcs: Arcs, net: Network) -> Any:
    """Return a projected graph as osmnx makes it: a MultiDiGraph whose edges have `time` and `geometry`."""
    nx = networkx()
    graph = nx.MultiDiGraph(crs=net.crs)
    for node, (x, y) in enumerate(arcs.xy.tolist()):
        graph.add_node(node, x=x, y=y)
    lines = net.lines[arcs.edge]
    for tail, head, minutes, line in zip(
        arcs.tail.tolist(), arcs.head.tolist(), arcs.minutes.tolist(), lines, strict=True
    ):
        graph.add_edge(tail, head, time=minutes, geometry=line)
    return graph


def pandana_network(arcs: Arcs) -> Any:
    """Return pandana's network; building contracts its hierarchies.

    Its weights are metres at walking speed: it rounds each to a thousandth, which of a minute is much.
    """
    try:
        import pandana  # noqa: PLC0415 - AGPL, and only in the extra `bench`
    except ImportError as error:
        msg = f'pandana cannot be imported ({error}): pip install ".[bench]"'
        raise UnavailableError(msg) from error
    import pandas as pd  # noqa: PLC0415 - beside its only use

    with _quiet(), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return pandana.Network(
            pd.Series(arcs.xy[:, 0]),
            pd.Series(arcs.xy[:, 1]),
            pd.Series(arcs.tail),
            pd.Series(arcs.head),
            pd.DataFrame({"metres": arcs.minutes * METRES_A_MINUTE}),
            twoway=False,
        )


@contextmanager
def _quiet() -> Iterator[None]:
    """Let what a compiled library prints be lost: stdout is the table's."""
    sys.stdout.flush()
    kept, nowhere = os.dup(1), os.open(os.devnull, os.O_WRONLY)
    try:
        os.dup2(nowhere, 1)
        yield
    finally:
        os.dup2(kept, 1)
        os.close(kept)
        os.close(nowhere)


def networkx() -> Any:
    """Return networkx."""
    try:
        import networkx as nx  # noqa: PLC0415 - only in the extras
    except ImportError as error:
        msg = f'networkx cannot be imported ({error}): pip install ".[bench]"'
        raise UnavailableError(msg) from error
    return nx
