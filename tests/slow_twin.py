"""The minutes of the engine once more, slowly and by other means: networkx over streets cut at every place.

A state is a place on a street, the direction in which it is travelled, and how far the journey has come (its
private beginning, its middle, its private end). Every street is cut where a place is linked to it, every pair of
streets at a junction is joined unless that turn is forbidden, access legs are arcs; Dijkstra does the rest. No
partial edges, no special case for two places on one edge, no copies of junctions, no sparse matrix.

Who stands exactly at a junction may leave it by any of its streets, and is reached by any.
"""

from __future__ import annotations

from itertools import pairwise, product
from typing import TYPE_CHECKING, NamedTuple

import networkx as nx
import numpy as np
import pandas as pd
import shapely

from geo import access, slope
from geo.pairs import matrix
from geo.travel_times import minutes_at, reach, reach_each

if TYPE_CHECKING:
    from collections.abc import Hashable, Iterator

    from geo.catalogue import Direction
    from geo.modes import Mode
    from geo.network import Network

BEGINNING, MIDDLE, END = 0, 1, 2
ALONG, AGAINST = 1, 0  # travelled to the end of a street, or to its start
FINE = 1e-6


class Streets(NamedTuple):
    """Plain facts about streets, one an entry: nodes, minutes along and against (`inf`: not allowed), whether only
    the first or last of a journey; and the forbidden turns: (street left, at its end?, street entered, at its start?)."""

    start: np.ndarray
    end: np.ndarray
    along: np.ndarray
    against: np.ndarray
    ends_only: np.ndarray
    turns: frozenset[tuple[int, bool, int, bool]]


def streets_of(pieces: pd.DataFrame, mode: Mode, gradient: np.ndarray | None = None) -> Streets:
    """The street pieces as the rules of a mode see them; a street is a row of `pieces`."""
    rules, banned = access.rules(pieces, mode), access.turns(pieces, mode)
    flat = pieces["length_m"].to_numpy() * 60.0 / (rules.speed_kmh * 1000.0)
    up, down = np.ones(len(pieces)), np.ones(len(pieces))
    if gradient is not None and mode.slope:
        up, down = (slope.factor(sign * gradient, mode.access, flat_kmh=rules.speed_kmh) for sign in (1.0, -1.0))
    # An end that is shut is a junction of its own: nobody goes on there.
    number = np.arange(len(pieces))
    shut_start, shut_end = access.shut(pieces, mode)
    return Streets(
        np.where(shut_start, -2 * number - 1, pieces["start_node"]),
        np.where(shut_end, -2 * number - 2, pieces["end_node"]),
        np.where(rules.forward, flat / up, np.inf),
        np.where(rules.backward, flat / down, np.inf),
        rules.ends_only,
        frozenset(zip(*(array.tolist() for array in banned), strict=True)),
    )


def _streets_of_network(network: Network) -> Streets:
    """A network without forbidden turns or private streets; a street is an edge."""
    none = np.zeros(len(network.start), dtype=bool)
    return Streets(network.start, network.end, network.minutes_forward, network.minutes_backward, none, frozenset())


def _arc(graph: nx.DiGraph, tail: Hashable, head: Hashable, minutes: float) -> None:
    if np.isfinite(minutes) and minutes < graph.get_edge_data(tail, head, {"minutes": np.inf})["minutes"]:
        graph.add_edge(tail, head, minutes=minutes)


def _links(table: pd.DataFrame, street_of: np.ndarray) -> Iterator[tuple[int, int, float, float]]:
    """Row, street, fraction and metres of every link of attached places, the second ones too."""
    for number in ("", "2"):
        if f"edge{number}" not in table.columns:
            continue
        columns = (table[f"{name}{number}"].tolist() for name in ("edge", "fraction", "snap_m"))
        for row, (status, edge, fraction, metres) in enumerate(zip(table["snap_status"], *columns, strict=True)):
            if status == "ok" and edge >= 0:
                yield row, int(street_of[edge]), float(fraction), float(metres)


class _Graph:
    """Streets cut at places, as states and arcs."""

    def __init__(self, streets: Streets, cuts: list[set[float]]) -> None:
        self.streets, self.arcs = streets, nx.DiGraph()
        self.leaving: dict[int, list[tuple[int, int]]] = {}
        self.arriving: dict[int, list[tuple[int, int]]] = {}
        for street, fractions in enumerate(cuts):
            one, other = int(streets.start[street]), int(streets.end[street])
            for way, minutes in ((ALONG, float(streets.along[street])), (AGAINST, float(streets.against[street]))):
                if np.isfinite(minutes):
                    self._lay(street, way, minutes, sorted(fractions, reverse=way == AGAINST))
                    self.leaving.setdefault(one if way == ALONG else other, []).append((street, way))
                    self.arriving.setdefault(other if way == ALONG else one, []).append((street, way))
        for node in self.arriving.keys() & self.leaving.keys():
            for left, entered in product(self.arriving[node], self.leaving[node]):
                self._turn(left, entered)

    def phases(self, street: int) -> tuple[int, ...]:
        return (BEGINNING, END) if self.streets.ends_only[street] else (MIDDLE,)

    def _lay(self, street: int, way: int, minutes: float, fractions: list[float]) -> None:
        for phase in self.phases(street):
            for here, there in pairwise(fractions):
                tail, head = (street, way, here, phase), (street, way, there, phase)
                _arc(self.arcs, tail, head, minutes * abs(there - here))

    def _turn(self, left: tuple[int, int], entered: tuple[int, int]) -> None:
        if (*left, *entered) in self.streets.turns:
            return
        for before, after in product(self.phases(left[0]), self.phases(entered[0])):
            if before <= after:
                tail, head = (*left, float(left[1]), before), (*entered, float(not entered[1]), after)
                _arc(self.arcs, tail, head, 0.0)

    def _node(self, street: int, fraction: float) -> int:
        return int((self.streets.start if fraction == 0.0 else self.streets.end)[street])

    def depart(self, origin: Hashable, street: int, fraction: float, minutes: float) -> None:
        """Begin at a place: in either direction, or at a junction by any street that leaves it."""
        if 0.0 < fraction < 1.0:
            ways = [(street, way, fraction) for way in (ALONG, AGAINST)]
        else:
            node = self._node(street, fraction)
            _arc(self.arcs, origin, ("at", node), minutes)
            ways = [(other, way, float(not way)) for other, way in self.leaving.get(node, [])]
        for state in ways:
            if (*state, self.phases(state[0])[0]) in self.arcs:
                _arc(self.arcs, origin, (*state, self.phases(state[0])[0]), minutes)

    def arrive(self, destination: Hashable, street: int, fraction: float, minutes: float) -> None:
        """End at a place: from either side, or at a junction by any street that comes there."""
        if 0.0 < fraction < 1.0:
            ways = [(street, way, fraction) for way in (ALONG, AGAINST)]
        else:
            node = self._node(street, fraction)
            _arc(self.arcs, ("at", node), destination, minutes)
            ways = [(other, way, float(way)) for other, way in self.arriving.get(node, [])]
        for state in ways:
            for phase in self.phases(state[0]):
                if (*state, phase) in self.arcs:
                    _arc(self.arcs, (*state, phase), destination, minutes)


def _delays(table: pd.DataFrame) -> np.ndarray:
    return table["delay_minutes"].to_numpy() if "delay_minutes" in table.columns else np.zeros(len(table))


def _graph(
    streets: Streets, street_of: np.ndarray, kmh: float, origins: pd.DataFrame, destinations: pd.DataFrame
) -> nx.DiGraph:
    cuts: list[set[float]] = [{0.0, 1.0} for _ in streets.start]
    for table in (origins, destinations):
        for _, street, fraction, _ in _links(table, street_of):
            cuts[street].add(fraction)
    graph = _Graph(streets, cuts)
    for kind, table, join in (("o", origins, graph.depart), ("d", destinations, graph.arrive)):
        delay = _delays(table)
        for row, street, fraction, metres in _links(table, street_of):
            join((kind, row), street, fraction, metres * 60.0 / (kmh * 1000.0) + delay[row])
    return graph.arcs


def minutes(
    network: Network,
    origins: pd.DataFrame,
    destinations: pd.DataFrame,
    *,
    limit: float,
    streets: Streets | None = None,
) -> np.ndarray:
    """Minutes from every origin to every destination; `inf` beyond the limit, and where a place is not linked.

    Without streets, the edges of the network without forbidden turns or private streets.
    """
    street_of = np.arange(len(network.start)) if streets is None else network.piece
    laid = _streets_of_network(network) if streets is None else streets
    graph = _graph(laid, street_of, network.mode.access_kmh, origins, destinations)
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


def links(network: Network, points: np.ndarray, *, cap_m: float) -> pd.DataFrame:
    """What `snapping.snap` returns, by measuring every street for every point; without barriers."""
    return pd.DataFrame([_link(network, point, cap_m) for point in points])


def _link(network: Network, point: shapely.Point | None, cap_m: float) -> dict[str, object]:
    far = {"edge": -1, "fraction": np.nan, "snap_m": np.nan, "edge2": -1, "fraction2": np.nan, "snap_m2": np.nan}
    if point is None or point.is_empty:
        return {**far, "snap_status": "no_geometry"}
    metres = shapely.distance(network.lines, point)
    for status, kind in (("ok", ~network.island), ("island", network.island)):
        near = np.flatnonzero(kind & (metres <= cap_m))
        if not len(near):
            continue
        edge = near[np.argmin(metres[near])]
        found = {**far, "edge": edge, "fraction": _share(network, edge, point), "snap_m": metres[edge]}
        both = np.isfinite(network.minutes_forward) & np.isfinite(network.minutes_backward)
        other = near[both[near]]
        if status == "ok" and not both[edge] and len(other):
            edge = other[np.argmin(metres[other])]
            found |= {"edge2": edge, "fraction2": _share(network, edge, point), "snap_m2": metres[edge]}
        return {**found, "snap_status": status}
    return {**far, "snap_m": metres.min(), "snap_status": "far"}


def _share(network: Network, edge: int, point: shapely.Point) -> float:
    whole = shapely.length(network.lines[edge])
    along = shapely.line_locate_point(network.lines[edge], point)
    if along < FINE:
        return 0.0
    return 1.0 if along > whole - FINE else float(along / whole)


def _same(found: np.ndarray, slow: np.ndarray, limit: float) -> None:
    """Equal to 1e-6 minutes; only within that much of the limit may one be finite and the other not."""
    inside, beyond = slow <= limit - FINE, slow > limit + FINE
    assert np.isinf(found[beyond]).all()
    assert np.abs(found[inside] - slow[inside]).max(initial=0.0) < FINE
    rest = found[~inside & ~beyond]
    assert np.abs(rest[np.isfinite(rest)] - limit).max(initial=0.0) < 2 * FINE


def hold(
    network: Network,
    people: pd.DataFrame,
    facilities: pd.DataFrame,
    *,
    direction: Direction = "to_service",
    limits: tuple[float, ...] = (60.0,),
    streets: Streets | None = None,
) -> np.ndarray:
    """Hold the engine to the twin: minutes, who is nearest, each facility by itself, all pairs.

    Returns the twin's minutes (people, facilities).
    """
    there = direction == "to_service"
    ends = (people, facilities) if there else (facilities, people)
    pairs = minutes(network, *ends, limit=max(limits) + 1.0, streets=streets)
    table = pairs if there else pairs.T
    slow = table.min(axis=1, initial=np.inf)
    placed = (people["snap_status"] != "no_geometry").to_numpy()
    for limit in limits:
        found, nearest = minutes_at(reach(network, facilities, limit=limit, direction=direction), people)
        assert (np.isnan(found) == ~placed).all()
        _same(found[placed], slow[placed], limit)
        reached = np.flatnonzero(np.isfinite(found))
        assert ((nearest >= 0) == np.isfinite(found)).all()
        assert np.abs(table[reached, nearest[reached]] - slow[reached]).max(initial=0.0) < FINE
        for alone in reach_each(network, facilities, limit=limit, direction=direction):
            row = int(alone.facilities.row[0])
            _same(minutes_at(alone, people)[0][placed], table[placed, row], limit)
        listed = matrix(network, *ends, limit=limit)
        dense = np.full(pairs.shape, np.inf)
        dense[listed["origin"], listed["destination"]] = listed["minutes"]
        _same(dense, pairs, limit)
    return table
