"""Minutes from every node of the streets to the nearest of some services."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from scipy.sparse import csgraph

from geo import snapping
from geo.travel_times import reach

from . import graphs
from .cache import UnavailableError
from .graphs import METRES_A_MINUTE
from .setting import LIMIT
from .table import Row, Target
from .timing import alternate

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Sequence

    from numpy.typing import NDArray

    from .graphs import Arcs
    from .setting import City, Services, Setting

TARGETS = {("pandana", 100): 8.0, ("pandana", 1000): 8.0, ("networkx", 100): 4.0, ("networkx", 1000): 15.0}
_SAME_MINUTES = 1e-3
_COMMON = (
    "nearest: ours links the services to the streets in the time told; pandana links them too, networkx and scipy are "
    "given their nodes"
)


class Peer(NamedTuple):
    """How a peer makes its graph, and how it searches it; minutes by node, in whatever form it gives them."""

    graph: Callable[[Arcs], Any]
    search: Callable[[Any, Services], Any]


def ours(services: Services) -> NDArray[np.float64]:
    """Link the services to the streets and search once; minutes of the peers' nodes."""
    net = services.city.net
    linked = snapping.snap(net, services.table.geometry.to_numpy())
    minutes, number = reach(net, linked, limit=LIMIT).node_minutes, services.city.arcs.number
    return minutes if len(minutes) == len(number) else minutes[number]


def _pandana(network: Any, services: Services) -> NDArray[np.float64]:
    limit_m = LIMIT * METRES_A_MINUTE
    network.set_pois("services", limit_m, 1, services.xy[:, 0], services.xy[:, 1])
    metres = network.nearest_pois(limit_m, "services", num_pois=1)[1].to_numpy()
    return np.where(metres >= limit_m, np.inf, metres / METRES_A_MINUTE)


def _networkx(graph: Any, services: Services) -> dict[Any, float]:
    return graphs.networkx().multi_source_dijkstra_path_length(
        graph, services.here.tolist(), cutoff=LIMIT, weight="minutes"
    )


def _scipy(matrix: Any, services: Services) -> NDArray[np.float64]:
    return csgraph.dijkstra(matrix, indices=services.here, min_only=True, limit=LIMIT)


PEERS = {
    "pandana": Peer(graphs.pandana_network, _pandana),
    "networkx": Peer(graphs.networkx_turned, _networkx),
    "scipy plain": Peer(graphs.scipy_turned, _scipy),
}


def rows(setting: Setting) -> list[Row]:
    """Return the lines of all peers."""
    found = beside(setting, setting.city, PEERS, (100, 1000))
    wanted = {name: Target("faster", least) for name, least in TARGETS.items()}
    return [row.wants(wanted.get((row.peer, count))) for count, some in found.items() for row in some]


def beside(setting: Setting, city: City, peers: Collection[str], counts: Sequence[int]) -> dict[int, list[Row]]:
    """Return the lines of each number of services: ours and the peers in one run."""
    here = []
    for name in peers:
        try:
            city.graph(PEERS[name].graph)
        except UnavailableError as error:
            setting.skip(f"{name}, nearest, {city.name}", error)
        else:
            here.append(name)
    return {count: _rows(setting, city, count, here) for count in counts}


def _rows(setting: Setting, city: City, count: int, peers: Sequence[str]) -> list[Row]:
    services = city.services(count)
    sides: dict[str, Callable[[], Any]] = {"ours": lambda: ours(services)}
    sides |= {name: _searching(PEERS[name], services) for name in peers}
    mine = sides["ours"]()
    apart = {name: difference(mine, sides[name]()) for name in peers}
    timed = alternate(sides, repeats=setting.repeats)
    work = f"nearest of {count:,} services for every node, 15 minutes, {city.size}"
    notes = {
        name: (
            *city.built_note(name, PEERS[name].graph),
            _COMMON,
            *([f"nearest of {count:,} beside {name}, {city.size}: {apart[name]}"] if apart[name] else []),
        )
        for name in peers
    }
    return [Row(work, name, timed["ours"].median, timed[name].median, notes=notes[name]) for name in peers]


def _searching(peer: Peer, services: Services) -> Callable[[], Any]:
    graph = services.city.graph(peer.graph)
    return lambda: peer.search(graph, services)


def difference(mine: NDArray[np.float64], theirs: Any) -> str:
    """Say how two answers differ, in who is reached and in minutes; nothing where they agree."""
    if isinstance(theirs, dict):
        table = np.full(len(mine), np.inf)
        table[list(theirs)] = list(theirs.values())
        theirs = table
    both = np.isfinite(mine) & np.isfinite(theirs)
    off = float(np.abs(mine[both] - theirs[both]).max(initial=0.0))
    apart = int((np.isfinite(mine) != np.isfinite(theirs)).sum())
    if apart == 0 and off <= _SAME_MINUTES:
        return ""
    return (
        f"{apart:,} nodes reached by one only, {int(both.sum()):,} by both, whose minutes differ by {off:.2g} at most"
    )
