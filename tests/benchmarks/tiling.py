"""A province out of a city: the same streets side by side, neighbours joined by one street.

Tiles are shifted by the extent of the streets and `GAP_M`. From each tile one straight street leads to
its eastern and one to its northern neighbour, between the two nodes of their borders that are nearest
to each other, so that the whole is one component.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import shapely
from scipy.spatial import cKDTree

from geo import units

from .places import main_nodes, node_xy

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from geo.network import Network

GAP_M = 100.0
_BORDER_SHARE = 0.1


def tiled(net: Network, times: int) -> Network:
    """Return `times` x `times` copies of a network as one."""
    if times == 1:
        return net
    west, south, east, north = net.bounds
    step = np.array([east - west + GAP_M, north - south + GAP_M])
    spots = np.stack(np.meshgrid(np.arange(times), np.arange(times)), axis=-1).reshape(-1, 2)
    tile = np.repeat(np.arange(len(spots)), len(net.start))
    links = np.concatenate([_links(net, times, step, axis) for axis in (0, 1)])
    xy = node_xy(net)
    ends = np.stack([xy[links[:, 0]] + spots[links[:, 2]] * step, xy[links[:, 1]] + spots[links[:, 3]] * step], axis=1)
    length_m = np.hypot(*(ends[:, 1] - ends[:, 0]).T)
    minutes = units.minutes_of(length_m, net.mode.access_kmh)

    def both(values: NDArray[np.float64], more: NDArray[np.float64]) -> NDArray[np.float64]:
        return np.concatenate([np.tile(values, len(spots)), more])

    def nodes(values: NDArray[np.int64], column: int) -> NDArray[np.int64]:
        more = links[:, column] + links[:, column + 2] * net.node_count
        return np.concatenate([np.tile(values, len(spots)) + tile * net.node_count, more]).astype(np.int64)

    return replace(
        net,
        node_count=net.node_count * len(spots),
        start=nodes(net.start, 0),
        end=nodes(net.end, 1),
        length_m=both(net.length_m, length_m),
        minutes_forward=both(net.minutes_forward, minutes),
        minutes_backward=both(net.minutes_backward, minutes),
        lines=_lines(net, spots * step, ends),
        piece=np.arange(len(tile) + len(links), dtype=np.int64),
        island=np.concatenate([np.tile(net.island, len(spots)), np.zeros(len(links), dtype=bool)]),
    )


def _links(net: Network, times: int, step: NDArray[np.float64], axis: int) -> NDArray[np.int64]:
    """Return (links, 4): node and other's node within their tiles, tile and other tile, along one axis."""
    nodes, xy = main_nodes(net), node_xy(net)
    at = xy[nodes]
    low, high = net.bounds[axis], net.bounds[axis + 2]
    border = (high - low) * _BORDER_SHARE
    ours, theirs = nodes[at[:, axis] >= high - border], nodes[at[:, axis] <= low + border]
    shift = np.zeros(2)
    shift[axis] = step[axis]
    metres, which = cKDTree(xy[theirs] + shift).query(xy[ours])
    nearest = int(np.argmin(metres))
    grid = np.arange(times**2).reshape(times, times)
    one, other = (grid[:, :-1], grid[:, 1:]) if axis == 0 else (grid[:-1], grid[1:])
    ends = np.broadcast_to([ours[nearest], theirs[which[nearest]]], (one.size, 2))
    return np.column_stack([ends, one.ravel(), other.ravel()]).astype(np.int64)


def _lines(net: Network, shifts: NDArray[np.float64], links: NDArray[np.float64]) -> NDArray[np.object_]:
    """Return the lines of all tiles, and of the streets between them."""
    xy, line = shapely.get_coordinates(net.lines, return_index=True)
    tiles = [shapely.linestrings(xy + shift, indices=line) for shift in shifts]
    return np.concatenate([*tiles, shapely.linestrings(links)])
