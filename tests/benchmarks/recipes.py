"""How isochrones are commonly drawn from a street graph; each returns one polygon a band.

`osmnx_buffers` and `osmnx_hull` follow the example notebook "isolines and isochrones" of osmnx, line
for line where it matters; the others are the quicker ways that people come to.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import shapely
from scipy.sparse import csgraph

from .graphs import networkx

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray
    from scipy import sparse

    from .graphs import Arcs

EDGE_BUFFER_M = 25.0
NODE_BUFFER_M = 50.0
CONCAVE_RATIO = 0.5  # misplaced the fewest of 0.02 to 0.5 in Porto Alegre


def osmnx_buffers(graph: Any, centre: int, bands: Sequence[float]) -> list[shapely.Geometry]:
    """An ego graph a band, its nodes and edges buffered and united."""
    import geopandas as gpd  # noqa: PLC0415 - beside its only use

    nx, found = networkx(), []
    for band in bands:
        near = nx.ego_graph(graph, centre, radius=band, distance="time")
        nodes = gpd.GeoDataFrame(
            {"id": list(near.nodes)},
            geometry=[shapely.Point(data["x"], data["y"]) for _, data in near.nodes(data=True)],
        ).set_index("id")
        lines = []
        for tail, head in near.edges():
            ends = nodes.loc[tail].geometry, nodes.loc[head].geometry
            lines.append(graph.get_edge_data(tail, head)[0].get("geometry", shapely.LineString(ends)))
        around = [*nodes.buffer(NODE_BUFFER_M).geometry, *gpd.GeoSeries(lines).buffer(EDGE_BUFFER_M).geometry]
        found.append(gpd.GeoSeries(around).union_all())
    return found


def osmnx_hull(graph: Any, centre: int, bands: Sequence[float]) -> list[shapely.Geometry]:
    """An ego graph a band, and the convex hull of its nodes."""
    import geopandas as gpd  # noqa: PLC0415 - beside its only use

    nx, found = networkx(), []
    for band in bands:
        near = nx.ego_graph(graph, centre, radius=band, distance="time")
        spots = [shapely.Point(data["x"], data["y"]) for _, data in near.nodes(data=True)]
        found.append(gpd.GeoSeries(spots).union_all().convex_hull)
    return found


def node_minutes(matrix: sparse.csr_array, centre: int, limit: float) -> NDArray[np.float64]:
    """One bounded search by scipy, over the whole matrix."""
    return np.asarray(csgraph.dijkstra(matrix, indices=centre, limit=limit), dtype=np.float64)


def shapely_buffers(
    matrix: sparse.csr_array, arcs: Arcs, lines: NDArray[np.object_], centre: int, bands: Sequence[float]
) -> list[shapely.Geometry]:
    """One search by scipy; the reached edges buffered all at once and united, a band after another."""
    minutes = node_minutes(matrix, centre, max(bands))
    found = []
    for band in bands:
        reached = (minutes[arcs.tail] <= band) & (minutes[arcs.head] <= band)
        some = lines[np.unique(arcs.edge[reached])]
        found.append(shapely.union_all(shapely.buffer(some, EDGE_BUFFER_M)))
    return found


def convex_hulls(matrix: sparse.csr_array, arcs: Arcs, centre: int, bands: Sequence[float]) -> list[shapely.Geometry]:
    """One search by scipy, and the convex hull of the nodes of each band."""
    minutes = node_minutes(matrix, centre, max(bands))
    return [shapely.convex_hull(shapely.multipoints(arcs.xy[minutes <= band])) for band in bands]


def concave_hulls(matrix: sparse.csr_array, arcs: Arcs, centre: int, bands: Sequence[float]) -> list[shapely.Geometry]:
    """The same with GEOS's concave hull."""
    minutes = node_minutes(matrix, centre, max(bands))
    spots = [shapely.multipoints(arcs.xy[minutes <= band]) for band in bands]
    return [shapely.concave_hull(some, ratio=CONCAVE_RATIO) for some in spots]


def circles(xy: NDArray[np.float64], bands: Sequence[float], *, speed_kmh: float) -> list[shapely.Geometry]:
    """As the crow flies at walking speed: what a radius on a plan says."""
    return [shapely.Point(xy).buffer(band * speed_kmh * 1000.0 / 60.0) for band in bands]
