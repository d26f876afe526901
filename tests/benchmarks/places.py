"""Where services stand: nodes of the streets, at random and in the centre, from a seed.

Nodes, since pandana and networkx know no other places: so all sides answer the same question.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import geopandas as gpd
import numpy as np
import shapely
from scipy import sparse
from scipy.sparse import csgraph

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from geo.network import Network

CENTRE_M = 1500.0


def main_nodes(net: Network) -> NDArray[np.int64]:
    """Return the nodes of the largest component, from west to east: the same whoever numbers them.

    Not all: pandana complains at length of pairs that have no way.
    """
    links = sparse.coo_array((np.ones(len(net.start)), (net.start, net.end)), shape=(net.node_count, net.node_count))
    part = csgraph.connected_components(links, directed=False)[1]
    nodes = np.flatnonzero(part == np.bincount(part).argmax())
    return nodes[np.lexsort(net.node_xy[nodes].T[::-1])].astype(np.int64)


def random_nodes(net: Network, count: int, *, seed: int) -> NDArray[np.int64]:
    """Return nodes drawn without replacement."""
    return np.random.default_rng(seed).choice(main_nodes(net), count, replace=False)


def central_nodes(net: Network, centre: tuple[float, float], count: int, *, seed: int) -> NDArray[np.int64]:
    """Return nodes drawn within 1.5 km of a place given in the network's metres."""
    nodes = main_nodes(net)
    near = nodes[np.hypot(*(net.node_xy[nodes] - centre).T) < CENTRE_M]
    return np.random.default_rng(seed).choice(near, count, replace=False)


def table(net: Network, xy: NDArray[np.float64]) -> gpd.GeoDataFrame:
    """Return places (n, 2) as what the public calls take."""
    return gpd.GeoDataFrame(geometry=shapely.points(xy), crs=net.crs)


def degrees(net: Network, xy: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return places (n, 2) as longitude and latitude."""
    return shapely.get_coordinates(table(net, xy).to_crs(4326).geometry.to_numpy())
