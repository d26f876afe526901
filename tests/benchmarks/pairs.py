"""Minutes of all pairs of 1,000 and 1,000 places that lie within 15 minutes."""

from __future__ import annotations

from contextlib import ExitStack
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy.sparse import csgraph

import geo

from . import graphs, places, valhalla
from .cache import UnavailableError
from .graphs import METRES_A_MINUTE
from .setting import LIMIT, SPEED_KMH, Services
from .table import Row, Target
from .timing import alternate, clock

if TYPE_CHECKING:
    from collections.abc import Callable, Collection

    import pandas as pd

    from .setting import City, Setting

    Search = Callable[[Services, Services], int]

TARGETS = {"pandana": 200.0, "networkx": 4.0}
_VALHALLA_TARGET = Target("faster", 5000.0)
_ALGORITHMS = ("costmatrix", "timedistancematrix")
_SLOW = ("pandana", "scipy plain")


def ends(city: City, count: int, *, seed: int = 7) -> tuple[Services, Services]:
    """Return origins and destinations at random nodes."""
    both = places.random_nodes(city.net, 2 * count, seed=seed)
    return Services(city, both[:count]), Services(city, both[count:])


def ours(origins: Services, destinations: Services) -> pd.DataFrame:
    """Return the pairs by the public call, which links both ends to the streets."""
    return geo.minutes_matrix(origins.city.net, origins.table, destinations.table, limit=LIMIT)


def _pandana(city: City) -> Search:
    network = graphs.pandana_network(city.arcs)

    def search(origins: Services, destinations: Services) -> int:
        one = np.repeat(origins.here, len(destinations.here))
        other = np.tile(destinations.here, len(origins.here))
        metres = np.asarray(network.shortest_path_lengths(one, other))
        return int((metres <= LIMIT * METRES_A_MINUTE).sum())

    return search


def _pandana_range(city: City) -> Search:
    network = graphs.pandana_network(city.arcs)

    def search(origins: Services, destinations: Services) -> int:
        found = network.nodes_in_range(origins.here, LIMIT * METRES_A_MINUTE)
        return int(found["destination"].isin(destinations.here).sum())

    return search


def _networkx(city: City) -> Search:
    nx, graph = graphs.networkx(), graphs.networkx_graph(city.arcs)

    def search(origins: Services, destinations: Services) -> int:
        wanted = set(destinations.here.tolist())
        found = 0
        for node in origins.here.tolist():
            reached = nx.single_source_dijkstra_path_length(graph, node, cutoff=LIMIT, weight="minutes")
            found += len(wanted.intersection(reached))
        return found

    return search


def _scipy(city: City) -> Search:
    matrix = graphs.scipy_matrix(city.arcs)

    def search(origins: Services, destinations: Services) -> int:
        minutes = csgraph.dijkstra(matrix, indices=origins.here, limit=LIMIT)[:, destinations.here]
        return int((minutes <= LIMIT).sum())

    return search


PEERS: dict[str, Callable[[City], Search]] = {
    "pandana": _pandana,
    "pandana, nodes_in_range": _pandana_range,
    "networkx": _networkx,
    "scipy plain": _scipy,
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
    built: dict[str, Search] = {}
    build_s = {}
    for peer in peers:
        try:
            build_s[peer] = clock(lambda peer=peer: built.update({peer: PEERS[peer](city)}))  # type: ignore[misc]
        except UnavailableError as error:
            setting.skip(f"{peer}, pairs, {city.name}", error)
    origins, destinations = ends(city, count)
    mine = len(ours(origins, destinations))
    numbers: dict[str, int] = {}

    def call(peer: str) -> Callable[[], object]:
        return lambda: numbers.update({peer: built[peer](origins, destinations)})

    sides: dict[str, Callable[[], object]] = {"ours": lambda: ours(origins, destinations)}
    sides |= {peer: call(peer) for peer in built}
    timed = alternate(sides, repeats=setting.repeats, slow=_SLOW, slow_repeats=setting.some(3, 1))
    common = (
        "pairs: ours links both ends to the streets in the time told and gives a table; pandana, networkx and scipy "
        "are given nodes"
    )
    return [
        Row(
            f"pairs within 15 minutes, {count:,} × {count:,}, {city.size}",
            peer,
            timed["ours"].median,
            timed[peer].median,
            notes=(
                f"pairs beside {peer}, {city.size}: {numbers[peer]:,} found, {mine:,} by ours; its graph is built "
                f"before, in {build_s[peer]:.1f} s",
                common,
            ),
        )
        for peer in built
    ]


def _beside_valhalla(setting: Setting, city: City, count: int) -> list[Row]:
    """Ours a pair against Valhalla a pair, by both of its algorithms, few and many pairs asked at once."""
    if city.pbf is None:
        msg = "its tiles need a PBF"
        raise UnavailableError(msg)
    origins, destinations = ends(city, count)
    sides: dict[str, Callable[[], object]] = {"ours": lambda: ours(origins, destinations)}
    many = {"ours": count**2}
    slow = []
    with ExitStack() as stack:
        services = {name: stack.enter_context(valhalla.Service(city.pbf, algorithm=name)) for name in _ALGORITHMS}
        for side in (50,) if setting.quick else (50, count):
            asked = valhalla.matrix(origins.lonlat[:side], destinations.lonlat[:side], SPEED_KMH)
            for name, service in services.items():
                peer = f"Valhalla {valhalla.VERSION}, {name}, {side} × {side} asked"
                sides[peer] = _asking(service, asked)
                many[peer] = side**2
                slow.append(peer)
        found = alternate(sides, repeats=setting.repeats, slow=slow, slow_repeats=1)
    timed = {name: timing.per(many[name]) for name, timing in found.items()}
    note = "Valhalla's matrix has no limit of minutes: it finds the far pairs too; both its algorithms are shown, once"
    work = f"pairs within 15 minutes, a pair of {count:,} × {count:,}, {city.size}"
    return [
        Row(work, peer, timed["ours"].median, timed[peer].median, _VALHALLA_TARGET, notes=(note,)) for peer in slow
    ]


def _asking(service: valhalla.Service, asked: bytes) -> Callable[[], Any]:
    return lambda: service.ask("sources_to_targets", asked)
