"""Streets drawn from a seed, in four regimes; about as many nodes as asked.

dense core      crooked blocks of 80 m, some streets missing: many ways from everywhere to everywhere
sparse valley   one winding road with lanes that end: few ways, long edges, most nodes with two streets
one bridge      two cores of a town and a river between, crossed once: what is near is not what is reached
islands         cores that nothing joins: most services reach little, searches end early
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import geopandas as gpd
import numpy as np
import pyproj
import shapely

from geo import modes, network, schema

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from geo.network import Network

METRIC = pyproj.CRS.from_epsg(4548)
_EAST, _NORTH = 500_000.0, 2_800_000.0
_BLOCK_M = 80.0
_RIVER_M = 400.0
_SEA_M = 1000.0
_MISSING = 0.1


def _core(
    rng: np.random.Generator, columns: int, rows: int, west: float = 0.0, south: float = 0.0
) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """Return nodes (n, 2) and pairs (m, 2) of a crooked grid."""
    number = np.arange(columns * rows).reshape(rows, columns)
    xy = np.stack(np.meshgrid(np.arange(columns), np.arange(rows)), axis=-1).reshape(-1, 2) * _BLOCK_M
    xy = xy + rng.uniform(-0.3, 0.3, xy.shape) * _BLOCK_M + (west, south)
    across = np.column_stack([number[:, :-1].ravel(), number[:, 1:].ravel()])
    along = np.column_stack([number[:-1].ravel(), number[1:].ravel()])
    pairs = np.concatenate([across, along])
    return xy, pairs[rng.random(len(pairs)) >= _MISSING]


def _network(xy: NDArray[np.float64], pairs: NDArray[np.int64], rng: np.random.Generator) -> Network:
    """Return the walking network of streets that bend once, a little, between their nodes."""
    a, b = xy[pairs[:, 0]], xy[pairs[:, 1]]
    bend = (a + b) / 2.0 + rng.uniform(-0.1, 0.1, a.shape) * np.hypot(*(b - a).T)[:, None]
    lines = shapely.linestrings(np.add(np.stack([a, bend, b], axis=1), (_EAST, _NORTH)))
    number = np.unique(pairs, return_inverse=True)[1].reshape(pairs.shape)
    table = gpd.GeoDataFrame(
        dict.fromkeys(schema.STREETS[:-1], ""), index=range(len(pairs)), geometry=lines, crs=METRIC
    )
    table["way"] = np.arange(1, len(pairs) + 1)
    table["highway"] = "residential"
    table["start_node"], table["end_node"] = number[:, 0], number[:, 1]
    table["length_m"] = shapely.length(lines)
    return network.build(table[[*schema.STREETS]], modes.BUILTIN["walk"])


def dense_core(nodes: int, *, seed: int = 1) -> Network:
    """Crooked blocks of 80 m."""
    rng = np.random.default_rng(seed)
    side = max(2, round(nodes**0.5))
    return _network(*_core(rng, side, side), rng)


def sparse_valley(nodes: int, *, seed: int = 2) -> Network:
    """One winding road, and from every third node of it a lane of six nodes."""
    rng = np.random.default_rng(seed)
    main = max(4, nodes // 3)
    xy = np.column_stack([np.arange(main) * 250.0, 600.0 * np.sin(np.arange(main) / 9.0)])
    parts, pairs = [xy], [np.column_stack([np.arange(main - 1), np.arange(1, main)])]
    count = main
    for at in range(0, main, 3):
        lane = xy[at] + np.cumsum(rng.uniform((-60.0, 90.0), (60.0, 260.0), (6, 2)), axis=0) * (1, rng.choice([-1, 1]))
        numbers = np.arange(count, count + 6)
        parts.append(lane)
        pairs.append(np.column_stack([np.concatenate([[at], numbers[:-1]]), numbers]))
        count += 6
    return _network(np.concatenate(parts), np.concatenate(pairs), rng)


def one_bridge(nodes: int, *, seed: int = 3) -> Network:
    """Two cores, four times as long as deep, 400 m of river between them and one bridge in the middle."""
    rng = np.random.default_rng(seed)
    rows = max(2, round((nodes / 8.0) ** 0.5))
    columns = 4 * rows
    south, south_pairs = _core(rng, columns, rows)
    north, north_pairs = _core(rng, columns, rows, south=(rows - 1) * _BLOCK_M + _RIVER_M)
    bridge = [[(rows - 1) * columns + columns // 2, len(south) + columns // 2]]
    return _network(
        np.concatenate([south, north]), np.concatenate([south_pairs, north_pairs + len(south), bridge]), rng
    )


def islands(nodes: int, *, seed: int = 4) -> Network:
    """Cores of 144 nodes, a kilometre of sea between them."""
    rng = np.random.default_rng(seed)
    side, step = 12, 11 * _BLOCK_M + _SEA_M
    across = max(1, round((nodes / side**2) ** 0.5))
    parts, pairs = [], []
    for number in range(across**2):
        xy, some = _core(rng, side, side, (number % across) * step, (number // across) * step)
        parts.append(xy)
        pairs.append(some + number * side**2)
    return _network(np.concatenate(parts), np.concatenate(pairs), rng)


REGIMES: dict[str, Callable[[int], Network]] = {
    "dense core": dense_core,
    "sparse valley": sparse_valley,
    "one bridge": one_bridge,
    "islands": islands,
}
