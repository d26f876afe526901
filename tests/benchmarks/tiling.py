"""A province out of a city: the same streets side by side, neighbours joined by one street.

Tiles are shifted by the extent of the streets and `GAP_M`. From each tile one straight street leads to
its eastern and one to its northern neighbour, between the two nodes of their borders that are nearest
to each other, so that the whole is one component. The first tile lies where the city does.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from scipy.spatial import cKDTree

from geo import network, units

from .places import main_nodes

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from geo.network import Network

GAP_M = 100.0
_BORDER_SHARE = 0.1


class Links(NamedTuple):
    """Streets between tiles: (links,) node and its tile at the start and at the end."""

    start: NDArray[np.int64]
    start_tile: NDArray[np.int64]
    end: NDArray[np.int64]
    end_tile: NDArray[np.int64]


def tiled(net: Network, times: int) -> Network:
    """Return `times` x `times` copies of a walking network as one."""
    west, south, east, north = net.bounds
    step = np.array([east - west + GAP_M, north - south + GAP_M])
    shift = np.stack(np.meshgrid(np.arange(times), np.arange(times)), axis=-1).reshape(-1, 2) * step
    links = _links(net, times, step)
    ends = np.stack(
        [net.node_xy[links.start] + shift[links.start_tile], net.node_xy[links.end] + shift[links.end_tile]], axis=1
    )
    length_m = np.hypot(*(ends[:, 1] - ends[:, 0]).T)
    minutes = units.minutes_of(length_m, net.mode.access_kmh)
    count, edges, vertices = len(shift), len(net.start), len(net.xy)

    def nodes(values: NDArray[np.int64], more: NDArray[np.int64]) -> NDArray[np.int64]:
        return np.concatenate([(values + np.arange(count)[:, None] * net.node_count).ravel(), more])

    def tiles(values: NDArray[np.float64], more: NDArray[np.float64]) -> NDArray[np.float64]:
        return np.concatenate([np.tile(values, count), more])

    first = (net.offset[:-1] + np.arange(count)[:, None] * vertices).ravel()
    return network.assemble(
        net.mode,
        net.crs,
        start=nodes(net.start, links.start + links.start_tile * net.node_count),
        end=nodes(net.end, links.end + links.end_tile * net.node_count),
        length_m=tiles(net.length_m, length_m),
        minutes_forward=tiles(net.minutes_forward, minutes),
        minutes_backward=tiles(net.minutes_backward, minutes),
        xy=np.concatenate([(net.xy + shift[:, None, :]).reshape(-1, 2), ends.reshape(-1, 2)]),
        offset=np.concatenate([first, count * vertices + 2 * np.arange(len(minutes) + 1)]),
        piece=np.arange(count * edges + len(minutes)),
    )


def _links(net: Network, times: int, step: NDArray[np.float64]) -> Links:
    """Return a street from each tile to its eastern and its northern neighbour."""
    nodes, grid = main_nodes(net), np.arange(times**2).reshape(times, times)
    at, parts = net.node_xy[nodes], []
    for axis, one, other in ((0, grid[:, :-1], grid[:, 1:]), (1, grid[:-1], grid[1:])):
        low, high = net.bounds[axis], net.bounds[axis + 2]
        border = (high - low) * _BORDER_SHARE
        far, near = nodes[at[:, axis] >= high - border], nodes[at[:, axis] <= low + border]
        shift = np.where(np.arange(2) == axis, step, 0.0)
        metres, which = cKDTree(net.node_xy[near] + shift).query(net.node_xy[far])
        nearest = int(np.argmin(metres))
        start, end = far[nearest], near[which[nearest]]
        parts.append([np.full(one.size, start), one.ravel(), np.full(one.size, end), other.ravel()])
    return Links(*np.concatenate(parts, axis=1).astype(np.int64))
