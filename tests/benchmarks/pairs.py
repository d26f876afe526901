"""Minutes of all pairs of 1,000 and 1,000 places that lie within 15 minutes."""

from __future__ import annotations

from contextlib import ExitStack
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from scipy.sparse import csgraph

import geo

from . import graphs, places, valhalla
from .cache import UnavailableError
from .graphs import METRES_A_MINUTE
from .setting import LIMIT, SPEED_KMH, Services
from .table import Row, Target
from .timing import alternate

if TYPE_CHECKING:
    from collections.abc import Callable, Collection

    import pandas as pd

    from .graphs import Arcs
    from .setting import City, Setting

TARGETS = {"pandana": 200.0, "networkx": 4.0}
_VALHALLA_TARGET = Target("faster", 5000.0)
_ALGORITHMS = ("costmatrix", "timedistancematrix")
_FEW = 50
_SLOW = ("pandana", "scipy plain")
_COMMON = (
    "pairs: ours links both ends to the streets in the time told and gives a table; pandana, networkx and scipy are "
    "given nodes and only count"
)


class Peer(NamedTuple):
    """How a peer makes its graph, and how it counts the pairs within the limit."""

    graph: Callable[[Arcs], Any]
    search: Callable[[Any, Services, Services], int]


def ends(city: City, count: int, *, seed: int = 7) -> tuple[Services, Services]:
    """Return origins and destinations at random nodes."""
    both = places.random_nodes(city.net, 2 * count, seed=seed)
    return Services(city, both[:count]), Services(city, both[count:])


def ours(origins: Services, destinations: Services) -> pd.DataFrame:
    """Return the pairs by the public call, which links both ends to the streets."""
    return geo.minutes_matrix(origins.city.net, origins.table, destinations.table, limit=LIMIT)


def _pandana(network: Any, origins: Services, destinations: Services) -> int:
    one = np.repeat(origins.here, len(destinations.here))
    other = np.tile(destinations.here, len(origins.here))
    metres = np.asarray(network.shortest_path_lengths(one, other))
    return int((metres <= LIMIT * METRES_A_MINUTE).sum())


def _pandana_range(network: Any, origins: Services, destinations: Services) -> int:
    found = network.nodes_in_range(origins.here, LIMIT * METRES_A_MINUTE)
    return int(found["destination"].isin(destinations.here).sum())


def _networkx(graph: Any, origins: Services, destinations: Services) -> int:
    search, wanted = graphs.networkx().single_source_dijkstra_path_length, set(destinations.here.tolist())
    reached = (search(graph, node, cutoff=LIMIT, weight="minutes") for node in origins.here.tolist())
    return sum(len(wanted.intersection(some)) for some in reached)


def _scipy(matrix: Any, origins: Services, destinations: Services) -> int:
    minutes = csgraph.dijkstra(matrix, indices=origins.here, limit=LIMIT)[:, destinations.here]
    return int((minutes <= LIMIT).sum())


PEERS = {
    "pandana": Peer(graphs.pandana_network, _pandana),
    "pandana, nodes_in_range": Peer(graphs.pandana_network, _pandana_range),
    "networkx": Peer(graphs.networkx_graph, _networkx),
    "scipy plain": Peer(graphs.scipy_matrix, _scipy),
}


def rows(setting: Setting) -> list[Row]:
    """Return the lines of all peers."""
    count = setting.some(1000, 200)
    found = beside(setting, setting.city, PEERS, count=count)
    found = [row.wants(Target("faster", TARGETS[row.peer]) if row.peer in TARGETS else None) for row in found]
    try:
        found += _beside_valhalla(setting, setting.city, count)
    except UnavailableError as error:
        setting.skip("Valhalla, pairs", error)
    return found


def beside(setting: Setting, city: City, peers: Collection[str], *, count: int) -> list[Row]:
    """Return the lines of some peers: ours and theirs in one run."""
    origins, destinations = ends(city, count)
    mine = len(ours(origins, destinations))
    numbers: dict[str, int] = {}
    sides: dict[str, Callable[[], object]] = {"ours": lambda: ours(origins, destinations)}

    def counting(name: str, graph: Any) -> Callable[[], object]:
        return lambda: numbers.update({name: PEERS[name].search(graph, origins, destinations)})

    for name in peers:
        try:
            sides[name] = counting(name, city.graph(PEERS[name].graph))
        except UnavailableError as error:
            setting.skip(f"{name}, pairs, {city.name}", error)
    timed = alternate(sides, repeats=setting.repeats, slow=_SLOW, slow_repeats=setting.some(3, 1))
    work = f"pairs within 15 minutes, {count:,} × {count:,}, {city.size}"
    apart = {
        name: [f"pairs beside {name}, {city.size}: {number:,} found, {mine:,} by ours"] if number != mine else []
        for name, number in numbers.items()
    }
    notes = {name: (*city.built_note(name.split(",")[0], PEERS[name].graph), _COMMON, *apart[name]) for name in numbers}
    here = [name for name in peers if name in numbers]
    return [Row(work, name, timed["ours"].median, timed[name].median, notes=notes[name]) for name in here]


def _beside_valhalla(setting: Setting, city: City, count: int) -> list[Row]:
    """Ours a pair against Valhalla a pair, by both of its algorithms, few and many pairs asked at once."""
    if city.pbf is None:
        msg = "its tiles need a PBF"
        raise UnavailableError(msg)
    origins, destinations = ends(city, count)
    sides: dict[str, Callable[[], object]] = {"ours": lambda: ours(origins, destinations)}
    many = {"ours": count**2}
    with ExitStack() as stack:
        services = {name: stack.enter_context(valhalla.Service(city.pbf, algorithm=name)) for name in _ALGORITHMS}
        for side in (_FEW,) if setting.quick else (_FEW, count):
            asked = valhalla.matrix(origins.lonlat[:side], destinations.lonlat[:side], SPEED_KMH)
            for name, service in services.items():
                peer = f"Valhalla {valhalla.VERSION}, {name}, {side:,} × {side:,} asked"
                sides[peer], many[peer] = _asking(service, asked), side**2
        slow = [name for name in sides if name != "ours"]
        found = alternate(sides, repeats=setting.repeats, slow=slow, slow_repeats=1)
    timed = {name: timing.per(many[name]) for name, timing in found.items()}
    note = "Valhalla's matrix has no limit of minutes: it finds the far pairs too; each of its figures is one call"
    work = f"pairs within 15 minutes, a pair of {count:,} × {count:,}, {city.size}"
    return [Row(work, peer, timed["ours"].median, timed[peer].median, _VALHALLA_TARGET, notes=(note,)) for peer in slow]


def _asking(service: valhalla.Service, asked: bytes) -> Callable[[], Any]:
    return lambda: service.ask("sources_to_targets", asked)
