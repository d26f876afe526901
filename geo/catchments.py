"""From where facilities are reached: each by itself, all together, or divided by the nearest one.

The three forms share searches and cells, so that they agree: what is divided adds up to the whole.
"""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor
from itertools import islice
from typing import TYPE_CHECKING

import numpy as np
import shapely

from geo import kernels, surfaces, units
from geo.fields import Field, cell_minutes
from geo.reached import reached
from geo.travel_times import Reach, reach, reach_each

if TYPE_CHECKING:
    from collections.abc import Sequence

    import pandas as pd
    from numpy.typing import NDArray

    from geo.catalogue import Direction
    from geo.cells import CellLinks
    from geo.tiles import Box


_SEARCHES_AT_ONCE = 1000


def shapes(
    links: CellLinks,
    facilities: pd.DataFrame,
    limits: Sequence[float],
    *,
    combine: str,
    direction: Direction = "to_service",
) -> NDArray[np.object_]:
    """Return the zones of facilities.

    Parameters
    ----------
    links
        Cells of the network.
    facilities
        `schema.SNAPPED`; those that are not attached have empty zones.
    limits
        Minutes.
    combine
        `each`, `dissolve` or `split`.
    direction
        `to_service` or `from_service`.

    Returns
    -------
    MultiPolygons (facilities, limits), or (1, limits) where dissolved.
    """
    # A contour heeds the minutes a little beyond its limit: without them the widest band would end elsewhere.
    further = max(limits) + cell_minutes(links.cell_m, links.network.mode.access_kmh)
    if combine == "each":
        return _each(links, facilities, limits, further, direction)
    found = reach(links.network, facilities, limit=further, direction=direction)
    whole = field_of(links, found)
    fields = [whole] if combine == "dissolve" else (whole.of(row) for row in range(len(facilities)))
    return surfaces.isochrones(fields, limits)


def _each(
    links: CellLinks, facilities: pd.DataFrame, limits: Sequence[float], further: float, direction: Direction
) -> NDArray[np.object_]:
    """Return the zones of facilities, each searched by itself; near ones after each other."""
    shapes = np.full((len(facilities), len(limits)), shapely.MultiPolygon(), dtype=object)
    searches = reach_each(links.network, facilities, limit=further, direction=direction)

    def draw(some: Sequence[tuple[Reach, Box]]) -> None:
        rows = [int(found.facilities.row[0]) for found, _ in some]
        shapes[rows] = surfaces.isochrones([field_of(links, found, box=box) for found, box in some], limits)

    # Facilities do not depend on one another, and the work is in libraries that let other threads run.
    with ThreadPoolExecutor(max_workers=os.cpu_count()) as pool:
        while some := [(found, reachable(found)) for found in islice(searches, _SEARCHES_AT_ONCE)]:
            # Linked together first: cells that are found later would make a new table.
            links.link(box for _, box in some)
            batches = [some[at : at + surfaces.FIELDS_AT_ONCE] for at in range(0, len(some), surfaces.FIELDS_AT_ONCE)]
            list(pool.map(draw, batches))
    return shapes


def field_of(links: CellLinks, found: Reach, *, box: Box | None = None) -> Field:
    """Return the minutes of cells after a search: of all that it may reach, and of a box if one is given."""
    table = links.link([reachable(found) if box is None else box])
    return Field(links, table, found, reached(table, found))


def reachable(found: Reach) -> Box:
    """Return a box that nobody within the horizon of a search stands outside of.

    From a node that is reached nobody gets further than the fastest way for the minutes that are left.
    """
    network, standing = found.network, found.facilities
    quickest_m = max(network.fastest_m, units.metres_in(1.0, network.mode.access_kmh))
    starts = network.places_on(standing.edge, standing.at)
    if kernels.compiled is not None:
        box = np.array([np.inf, np.inf, -np.inf, -np.inf])
        nodes = found.window.nodes[:0] if found.window.tiles is None else found.window.nodes
        kernels.compiled.bounds(found.minutes, nodes, network.node_xy, found.horizon, quickest_m, box)
    else:
        box = _bounds(found, quickest_m)
    if not len(starts) and box[0] > box[2]:
        west, south = network.bounds[:2]
        return west, south, west, south
    span = max(found.horizon, 0.0) * quickest_m
    low = np.minimum(box[:2], (starts - span).min(axis=0, initial=np.inf))
    high = np.maximum(box[2:], (starts + span).max(axis=0, initial=-np.inf))
    return float(low[0]), float(low[1]), float(high[0]), float(high[1])


def _bounds(found: Reach, quickest_m: float) -> NDArray[np.float64]:
    """Return the box of where one gets from the nodes that were reached; its west beyond its east where is none."""
    nodes = np.flatnonzero(np.isfinite(found.minutes))
    xy = found.network.node_xy[found.window.nodes_at(nodes)]
    span = np.maximum(found.horizon - found.minutes[nodes], 0.0)[:, None] * quickest_m
    return np.concatenate([(xy - span).min(axis=0, initial=np.inf), (xy + span).max(axis=0, initial=-np.inf)])
