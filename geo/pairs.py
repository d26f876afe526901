"""Which pairs of places lie within some minutes of each other, out of all pairs.

Origins are taken square by square; those of one group share a window, and only destinations that it may reach
are looked at.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from geo import kernels, searches, units, windows
from geo.tiles import Shelf
from geo.travel_times import partial, seeds, stands, straight, taken, ways

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from geo.network import Network
    from geo.travel_times import Stands
    from geo.windows import Window

    Found = tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.float64]]

_DENSE_CELLS = 8_000_000


def matrix(network: Network, origins: pd.DataFrame, destinations: pd.DataFrame, *, limit: float) -> pd.DataFrame:
    """Return the minutes of every pair within a limit.

    Parameters
    ----------
    network
        Streets of one mode.
    origins, destinations
        `schema.SNAPPED`, maybe with second candidates (:func:`geo.travel_times.stands`).
    limit
        Pairs beyond it are left out.

    Returns
    -------
    Columns `origin`, `destination` (row numbers) and `minutes`, sorted by origin and destination.
    """
    kmh = network.mode.access_kmh
    first, second = stands(origins, access_kmh=kmh), stands(destinations, access_kmh=kmh)
    # The compiled searches leave no trace in a window, so that it may be as large as can be.
    group = windows.shared(network, first.edge, minutes=limit, cheap=kernels.compiled is not None)
    # A point with two candidates is searched from once: where its first one lies.
    group, shelf = group[np.searchsorted(first.row, first.row, "left")], _shelf(network, second)
    parts = [
        _pairs_of(network, taken(first, np.flatnonzero(group == each)), second, shelf, limit=limit)
        for each in np.unique(group)
    ]
    if not parts:
        none = np.empty(0, dtype=np.int64)
        return pd.DataFrame({"origin": none, "destination": none, "minutes": np.empty(0)})
    origin, destination, minutes = (np.concatenate(column) for column in zip(*parts, strict=True))
    order = np.lexsort((destination, origin))
    return pd.DataFrame({"origin": origin[order], "destination": destination[order], "minutes": minutes[order]})


def _shelf(network: Network, standing: Stands) -> Shelf:
    """Return places by the tiles that their edges touch."""
    place, tile = network.tiling.touching(network.boxes[standing.edge])
    return Shelf.of(network.tiling, tile, place)


def _pairs_of(network: Network, origins: Stands, destinations: Stands, shelf: Shelf, *, limit: float) -> Found:
    """Return the pairs of origins that lie near each other: one window, one bounded search each."""
    window = windows.around(network, origins.edge, minutes=limit)
    tiles = np.arange(len(network.tiling)) if window.tiles is None else window.tiles
    near = taken(destinations, np.unique(shelf.within(tiles)[1]))
    rows, number = np.unique(origins.row, return_inverse=True)
    columns, column = np.unique(near.row, return_inverse=True)
    by = _in_one_table if kernels.compiled is None else _one_by_one
    origin, destination, minutes = by(window, origins, number, near, column, limit=limit)
    return rows[origin], columns[destination], minutes


def _one_by_one(
    window: Window,
    origins: Stands,
    number: NDArray[np.int64],
    destinations: Stands,
    column: NDArray[np.int64],
    *,
    limit: float,
) -> Found:
    """Return the pairs within the limit, by numbers of origins and columns of destinations."""
    count = int(number.max(initial=-1)) + 1
    seen = ways(window.network, "from_service")
    edge, at = destinations.edge, destinations.at
    place = np.concatenate([window.local(nodes) for nodes in seen.ends(window.network, destinations)])
    minutes = np.concatenate([partial(seen.along[edge], at), partial(seen.against[edge], 1.0 - at)])
    order = np.argsort(place, kind="stable")
    order = order[np.searchsorted(place[order], 0) :]
    end = order % max(len(edge), 1)
    theirs, whose, along = straight(seen, destinations, origins)
    own = np.argsort(number[whose], kind="stable")
    begun = seeds(window, origins, number, "from_service", searches=count)
    found: Found = kernels.compiled.pairs(
        searches.streets(window, "from_service"),
        begun.first,
        begun.place,
        begun.minutes,
        np.searchsorted(place[order], np.arange(window.node_count + 1)),
        column[end],
        minutes[order],
        destinations.leg[end],
        np.searchsorted(number[whose][own], np.arange(count + 1)),
        column[theirs[own]],
        (along + destinations.leg[theirs])[own],
        limit,
        int(column.max(initial=-1)) + 1,
    )
    return found


def _in_one_table(
    window: Window,
    origins: Stands,
    number: NDArray[np.int64],
    destinations: Stands,
    column: NDArray[np.int64],
    *,
    limit: float,
) -> Found:
    """Return what :func:`_one_by_one` does, from tables of all minutes of some origins at once."""
    count = int(number.max(initial=-1)) + 1
    found = [np.empty((0, 3))]
    at_once = max(1, _DENSE_CELLS // max(window.node_count, len(destinations.row), 1))
    first = np.flatnonzero(np.concatenate([[True], column[1:] != column[:-1]]))
    for begin in range(0, count, at_once) if len(destinations.row) else ():
        mine = np.flatnonzero((number >= begin) & (number < begin + at_once))
        table = _dense(window, taken(origins, mine), number[mine] - begin, destinations, limit=limit)
        table = np.minimum.reduceat(table, first, axis=1)
        origin, destination = np.nonzero(units.within(table, limit) & np.isfinite(table))
        found.append(np.column_stack([begin + origin, destination, table[origin, destination]]))
    pairs = np.concatenate(found)
    return pairs[:, 0].astype(np.int64), pairs[:, 1].astype(np.int64), pairs[:, 2]


def _dense(
    window: Window, origins: Stands, number: NDArray[np.int64], destinations: Stands, *, limit: float
) -> NDArray[np.float64]:
    """Return minutes of origins (rows, by `number`) to places on edges (columns)."""
    begun = seeds(window, origins, number, "from_service", searches=int(number.max()) + 1)
    reached = searches.each(window, "from_service", begun, limit=limit)
    seen = ways(window.network, "from_service")
    edge, at = destinations.edge, destinations.at
    start, end = (window.local(nodes) for nodes in seen.ends(window.network, destinations))
    by_start = np.where(start >= 0, reached[:, np.maximum(start, 0)], np.inf) + partial(seen.along[edge], at)
    by_end = np.where(end >= 0, reached[:, np.maximum(end, 0)], np.inf) + partial(seen.against[edge], 1.0 - at)
    minutes = np.minimum(by_start, by_end)
    place, origin, along = straight(seen, destinations, origins)
    np.minimum.at(minutes, (number[origin], place), along)
    return np.asarray(minutes + destinations.leg, dtype=np.float64)
