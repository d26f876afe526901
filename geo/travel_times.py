"""Minutes along the streets: to the nearest facility, and between pairs of places.

Minutes of a person = access leg + partial edge + way between nodes + partial edge + access leg of the
facility; two places on one edge go straight along it where the direction allows.

One engine serves both directions. A journey *to* a service is searched from the service against the
direction of travel, which is the journey *from* it with forward and backward minutes swapped.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from scipy import sparse
from scipy.sparse import csgraph

from geo import units

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from geo.catalogue import Direction
    from geo.network import Network

_DENSE_CELLS = 8_000_000


@dataclass(frozen=True, eq=False)
class Reach:
    """What one search found: minutes between every node and its nearest facility.

    Attributes
    ----------
    network, direction, horizon
        As searched.
    facilities
        `schema.SNAPPED` rows of the facilities.
    node_minutes
        (nodes,) `inf` beyond the horizon.
    node_nearest
        (nodes,) row of the nearest facility, -1 where none is reached.
    """

    network: Network
    direction: Direction
    horizon: float
    facilities: pd.DataFrame
    node_minutes: NDArray[np.float64]
    node_nearest: NDArray[np.int64]


def _costs(network: Network, direction: Direction) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return minutes along and against each edge, as seen by a search that starts at the facility."""
    forward, backward = network.minutes_forward, network.minutes_backward
    return (forward, backward) if direction == "from_service" else (backward, forward)


def _leg_minutes(network: Network, snapped: pd.DataFrame) -> NDArray[np.float64]:
    return units.minutes_of(snapped["snap_m"].to_numpy(dtype=np.float64), network.mode.access_kmh)


def _partial(minutes: NDArray[np.float64], share: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return a share of an edge's minutes; nothing of a forbidden edge is still nothing."""
    with np.errstate(invalid="ignore"):
        return np.asarray(np.where(share == 0.0, 0.0, minutes * share), dtype=np.float64)


def reach(network: Network, facilities: pd.DataFrame, *, limit: float, direction: Direction = "to_service") -> Reach:
    """Search once from all facilities at the same time.

    Parameters
    ----------
    network
        Streets of one mode.
    facilities
        `schema.SNAPPED`; only rows with status `ok` are searched from.
    limit
        Minutes up to which results are true (the horizon); beyond they are `inf`.
    direction
        `to_service` or `from_service`.
    """
    used = np.flatnonzero((facilities["snap_status"] == "ok").to_numpy())
    count = network.node_count
    if not len(used):
        return Reach(network, direction, limit, facilities, np.full(count, np.inf), np.full(count, -1, dtype=np.int64))
    arcs = _with_facilities(network, facilities.iloc[used], direction)
    sources = np.arange(count, count + len(used))
    minutes, _, nearest = csgraph.dijkstra(arcs, indices=sources, min_only=True, return_predecessors=True, limit=limit)
    nearest = nearest[:count].astype(np.int64)
    reached = np.isfinite(minutes[:count])
    row = np.full(count, -1, dtype=np.int64)
    row[reached] = used[nearest[reached] - count]
    return Reach(network, direction, limit, facilities, minutes[:count], row)


def _with_facilities(network: Network, facilities: pd.DataFrame, direction: Direction) -> sparse.csr_array:
    """Return the arcs of the search with one more node a facility, joined to the ends of its edge.

    Explicit zeros stay arcs in csgraph as long as the matrix is built as csr and never summed.
    """
    base = network.leaving if direction == "from_service" else network.arriving
    along, against = _costs(network, direction)
    edge = facilities["edge"].to_numpy(dtype=np.int64)
    at = facilities["fraction"].to_numpy(dtype=np.float64)
    leg = _leg_minutes(network, facilities)
    to_end, to_start = _partial(along[edge], 1.0 - at) + leg, _partial(against[edge], at) + leg
    ends = np.column_stack([network.start[edge], network.end[edge]])
    minutes = np.column_stack([to_start, to_end])
    usable = np.isfinite(minutes)
    indptr = np.concatenate([base.indptr, base.indptr[-1] + np.cumsum(usable.sum(axis=1))])
    data = np.concatenate([base.data, minutes[usable]])
    indices = np.concatenate([base.indices, ends[usable]])
    size = network.node_count + len(edge)
    return sparse.csr_array((data, indices.astype(np.int32), indptr.astype(np.int32)), shape=(size, size))


def minutes_at(found: Reach, points: pd.DataFrame) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """Return the minutes between points and their nearest facility.

    Parameters
    ----------
    found
        A search.
    points
        `schema.SNAPPED` on the same network.

    Returns
    -------
    minutes
        (n,) `inf` where nothing is reached within the horizon and for points that are not attached;
        NaN for points without geometry.
    nearest
        (n,) row of the facility, -1 where `minutes` is not finite.
    """
    network = found.network
    minutes = np.full(len(points), np.inf)
    nearest = np.full(len(points), -1, dtype=np.int64)
    status = points["snap_status"].to_numpy()
    minutes[status == "no_geometry"] = np.nan
    rows = np.flatnonzero(status == "ok")
    edge = points["edge"].to_numpy(dtype=np.int64)[rows]
    at = points["fraction"].to_numpy(dtype=np.float64)[rows]
    along, against = _costs(network, found.direction)
    start, end = network.start[edge], network.end[edge]
    by_start = found.node_minutes[start] + _partial(along[edge], at)
    by_end = found.node_minutes[end] + _partial(against[edge], 1.0 - at)
    best = np.minimum(by_start, by_end)
    who = np.where(by_start <= by_end, found.node_nearest[start], found.node_nearest[end])
    _straight(found, edge, at, best, who)
    best += _leg_minutes(network, points.iloc[rows])
    reached = best <= found.horizon
    minutes[rows] = np.where(reached, best, np.inf)
    nearest[rows] = np.where(reached, who, -1)
    return minutes, nearest


def _straight(
    found: Reach,
    edge: NDArray[np.int64],
    at: NDArray[np.float64],
    best: NDArray[np.float64],
    who: NDArray[np.int64],
) -> None:
    """Lower `best` where a facility stands on the point's own edge and may be reached along it."""
    used = np.flatnonzero((found.facilities["snap_status"] == "ok").to_numpy())
    table = found.facilities.iloc[used]
    leg = _leg_minutes(found.network, table)
    theirs = pd.DataFrame(
        {"edge": table["edge"].to_numpy(), "f": table["fraction"].to_numpy(), "leg": leg, "who": used}
    )
    rows = np.flatnonzero(np.isin(edge, theirs["edge"].to_numpy()))
    pairs = pd.DataFrame({"edge": edge[rows], "row": rows, "p": at[rows]}).merge(theirs, on="edge")
    along, against = (minutes[pairs["edge"].to_numpy()] for minutes in _costs(found.network, found.direction))
    ahead = (pairs["p"] - pairs["f"]).to_numpy()
    pairs["minutes"] = np.where(ahead >= 0, _partial(along, ahead), _partial(against, -ahead)) + pairs["leg"]
    pairs = pairs.sort_values(["row", "minutes", "who"], kind="stable").drop_duplicates("row")
    row, minutes = pairs["row"].to_numpy(), pairs["minutes"].to_numpy()
    better = minutes < best[row]
    best[row[better]] = minutes[better]
    who[row[better]] = pairs["who"].to_numpy()[better]


def matrix(network: Network, origins: pd.DataFrame, destinations: pd.DataFrame, *, limit: float) -> pd.DataFrame:
    """Return the minutes of every pair within a limit.

    Parameters
    ----------
    network
        Streets of one mode.
    origins, destinations
        `schema.SNAPPED`.
    limit
        Pairs beyond it are left out.

    Returns
    -------
    Columns `origin`, `destination` (row numbers) and `minutes`, sorted by origin and destination.
    """
    sources = np.flatnonzero((origins["snap_status"] == "ok").to_numpy())
    per_chunk = max(1, _DENSE_CELLS // max(network.node_count, 1))
    parts = [
        _matrix_rows(network, origins, sources[at : at + per_chunk], destinations, limit)
        for at in range(0, len(sources), per_chunk)
    ]
    empty = pd.DataFrame(
        {"origin": np.array([], dtype=np.int64), "destination": np.array([], dtype=np.int64), "minutes": np.array([])}
    )
    return pd.concat(parts, ignore_index=True) if parts else empty


def _matrix_rows(
    network: Network, origins: pd.DataFrame, rows: NDArray[np.intp], destinations: pd.DataFrame, limit: float
) -> pd.DataFrame:
    """Return the pairs of some origins: one bounded search each, one gather for all destinations."""
    count = network.node_count
    from_rows = origins.iloc[rows]
    arcs = _with_facilities(network, from_rows, "from_service")
    node_minutes = csgraph.dijkstra(arcs, indices=np.arange(count, count + len(rows)), limit=limit)[:, :count]
    columns = np.flatnonzero((destinations["snap_status"] == "ok").to_numpy())
    to_rows = destinations.iloc[columns]
    edge, at = to_rows["edge"].to_numpy(dtype=np.int64), to_rows["fraction"].to_numpy(dtype=np.float64)
    along, against = _costs(network, "from_service")
    by_start = node_minutes[:, network.start[edge]] + _partial(along[edge], at)
    by_end = node_minutes[:, network.end[edge]] + _partial(against[edge], 1.0 - at)
    minutes = np.minimum(by_start, by_end)
    here, there = np.nonzero(from_rows["edge"].to_numpy()[:, None] == edge[None, :])
    ahead = at[there] - from_rows["fraction"].to_numpy(dtype=np.float64)[here]
    straight = np.where(ahead >= 0, _partial(along[edge[there]], ahead), _partial(against[edge[there]], -ahead))
    straight += _leg_minutes(network, from_rows)[here]
    minutes[here, there] = np.minimum(minutes[here, there], straight)
    minutes += _leg_minutes(network, to_rows)
    first, second = np.nonzero(units.within(minutes, limit))
    return pd.DataFrame({"origin": rows[first], "destination": columns[second], "minutes": minutes[first, second]})
