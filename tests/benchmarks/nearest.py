"""Minutes from every node of the streets to the nearest of some services."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from scipy.sparse import csgraph

from geo import snapping
from geo.travel_times import reach

from . import graphs
from .cache import UnavailableError
from .graphs import METRES_A_MINUTE
from .setting import LIMIT
from .table import Row, Target
from .timing import alternate, clock

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping, Sequence

    from numpy.typing import NDArray

    from .setting import City, Services, Setting

TARGETS = {("pandana", 100): 8.0, ("pandana", 1000): 8.0, ("networkx", 100): 4.0, ("networkx", 1000): 15.0}
_SAME_MINUTES = 1e-3


def ours(services: Services) -> NDArray[np.float64]:
    """Link the services to the streets and search once; minutes of the peers' nodes."""
    net = services.city.net
    linked = snapping.snap(net, services.table.geometry.to_numpy())
    return reach(net, linked, limit=LIMIT).node_minutes[services.city.arcs.number]


def _pandana(city: City) -> Callable[[Services], NDArray[np.float64]]:
    network, limit_m = graphs.pandana_network(city.arcs), LIMIT * METRES_A_MINUTE

    def search(services: Services) -> NDArray[np.float64]:
        network.set_pois("services", limit_m, 1, services.xy[:, 0], services.xy[:, 1])
        metres = network.nearest_pois(limit_m, "services", num_pois=1)[1].to_numpy()
        return np.where(metres >= limit_m, np.inf, metres / METRES_A_MINUTE)

    return search


def _networkx(city: City) -> Callable[[Services], dict[Any, float]]:
    nx, graph = graphs.networkx(), graphs.networkx_graph(city.arcs).reverse()
    return lambda services: nx.multi_source_dijkstra_path_length(
        graph, services.here.tolist(), cutoff=LIMIT, weight="minutes"
    )


def _scipy(city: City) -> Callable[[Services], NDArray[np.float64]]:
    turned = graphs.scipy_matrix(city.arcs).T.tocsr()
    return lambda services: csgraph.dijkstra(turned, indices=services.here, min_only=True, limit=LIMIT)


PEERS: dict[str, Callable[[City], Callable[[Services], Any]]] = {
    "pandana": _pandana,
    "networkx": _networkx,
    "scipy plain": _scipy,
}


def rows(setting: Setting) -> list[Row]:
    """Return the lines of all peers."""
    found = beside(setting, setting.city, PEERS, (100, 1000))
    wanted = {name: Target("faster", least) for name, least in TARGETS.items()}
    return [row.wants(wanted.get((row.peer, count))) for count, some in found.items() for row in some]


def beside(
    setting: Setting, city: City, peers: Collection[str], counts: Sequence[int]
) -> dict[int, list[Row]]:
    """Return the lines of each number of services: ours and the peers in one run."""
    built: dict[str, Callable[[Services], Any]] = {}
    build_s = {}
    for peer in peers:
        try:
            build_s[peer] = clock(lambda peer=peer: built.update({peer: PEERS[peer](city)}))  # type: ignore[misc]
        except UnavailableError as error:
            setting.skip(f"{peer}, nearest, {city.name}", error)
    return {count: _rows(setting, city, count, built, build_s) for count in counts}


def _rows(
    setting: Setting,
    city: City,
    count: int,
    built: Mapping[str, Callable[[Services], Any]],
    build_s: Mapping[str, float],
) -> list[Row]:
    services = city.services(count)
    mine = ours(services)
    apart = {peer: difference(mine, search(services)) for peer, search in built.items()}
    sides: dict[str, Callable[[], object]] = {"ours": lambda: ours(services)}
    sides |= {peer: lambda search=search: search(services) for peer, search in built.items()}  # type: ignore[misc]
    timed = alternate(sides, repeats=setting.repeats)
    common = (
        "nearest: ours links the services to the streets in the time told; pandana links them too, networkx and "
        "scipy are given their nodes"
    )
    return [
        Row(
            f"nearest of {count:,} services for every node, 15 minutes, {city.size}",
            peer,
            timed["ours"].median,
            timed[peer].median,
            notes=(f"nearest beside {peer}, {city.size}: its graph is built before, in {build_s[peer]:.1f} s", common)
            + ((f"nearest of {count:,} beside {peer}, {city.size}: {apart[peer]}",) if apart[peer] else ()),
        )
        for peer in built
    ]


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
    return f"{apart:,} nodes reached by one only, {int(both.sum()):,} by both, whose minutes differ by {off:.2g} at most"
