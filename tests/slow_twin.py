"""The minutes of the engine once more, slowly and by other means: networkx over streets cut at every place.

Every edge is cut where a place is linked to it; access legs become arcs; Dijkstra does the rest. No
partial edges, no special case for two places on one edge, no sparse matrix.
"""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING

import networkx as nx
import numpy as np

if TYPE_CHECKING:
    from collections.abc import Hashable

    import pandas as pd

    from geo.network import Network


def _arc(graph: nx.DiGraph, tail: Hashable, head: Hashable, minutes: float) -> None:
    if np.isfinite(minutes) and minutes < graph.get_edge_data(tail, head, {"minutes": np.inf})["minutes"]:
        graph.add_edge(tail, head, minutes=minutes)


def _cuts(network: Network, *tables: pd.DataFrame) -> dict[int, set[float]]:
    found: dict[int, set[float]] = {edge: {0.0, 1.0} for edge in range(len(network.start))}
    for table in tables:
        for edge, fraction, status in zip(table["edge"], table["fraction"], table["snap_status"], strict=True):
            if status == "ok":
                found[edge].add(float(fraction))
    return found


def graph_of(network: Network, origins: pd.DataFrame, destinations: pd.DataFrame) -> nx.DiGraph:
    """The streets, cut, with a node ("o", row) an origin and ("d", row) a destination."""
    graph = nx.DiGraph()

    def place(edge: int, fraction: float) -> Hashable:
        if fraction in {0.0, 1.0}:
            return int(network.start[edge] if fraction == 0.0 else network.end[edge])
        return edge, fraction

    for edge, fractions in _cuts(network, origins, destinations).items():
        for low, high in pairwise(sorted(fractions)):
            a, b = place(edge, low), place(edge, high)
            _arc(graph, a, b, float(network.minutes_forward[edge]) * (high - low))
            _arc(graph, b, a, float(network.minutes_backward[edge]) * (high - low))
    metres_a_minute = network.mode.access_kmh * 1000.0 / 60.0
    for kind, table in (("o", origins), ("d", destinations)):
        for row, (edge, fraction, metres, status) in enumerate(
            zip(table["edge"], table["fraction"], table["snap_m"], table["snap_status"], strict=True)
        ):
            if status == "ok":
                there = place(int(edge), float(fraction))
                tail, head = ((kind, row), there) if kind == "o" else (there, (kind, row))
                _arc(graph, tail, head, float(metres) / metres_a_minute)
    return graph


def minutes(network: Network, origins: pd.DataFrame, destinations: pd.DataFrame, *, limit: float) -> np.ndarray:
    """Minutes from every origin to every destination; `inf` beyond the limit, and where a place is not linked."""
    graph = graph_of(network, origins, destinations)
    found = np.full((len(origins), len(destinations)), np.inf)
    # One search a place of the shorter list; from destinations the graph is turned round.
    turn = len(destinations) < len(origins)
    (near, far), table = (("d", "o"), found.T) if turn else (("o", "d"), found)
    searched = graph.reverse(copy=False) if turn else graph
    for row in range(table.shape[0]):
        if (near, row) not in searched:
            continue
        reached = nx.single_source_dijkstra_path_length(searched, (near, row), cutoff=limit, weight="minutes")
        for column in range(table.shape[1]):
            table[row, column] = reached.get((far, column), np.inf)
    return found
