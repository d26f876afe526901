"""Minutes along the streets to the nearest facility.

Minutes of a person = access leg + partial edge + way between nodes + partial edge + access leg of the
facility; two places on one edge go straight along it where the direction allows.

One engine serves both directions. A journey *to* a service is searched from the service against the
direction of travel, which is the journey *from* it with forward and backward minutes swapped. Every
search runs in the window of streets that it can reach.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from geo import searches, units, windows
from geo.searches import Seeds
from geo.tiles import ranges

if TYPE_CHECKING:
    from collections.abc import Iterator

    import pandas as pd
    from numpy.typing import NDArray

    from geo.catalogue import Direction
    from geo.network import Network
    from geo.windows import Window

_DENSE_CELLS = 8_000_000


class Ways(NamedTuple):
    """Edges as a search from the facility sees them.

    Attributes
    ----------
    along, against
        (edges,) minutes from start to end and back.
    from_start, from_end
        (edges,) search node where a search that begins on the edge goes on, at its start and its end.
    at_start, at_end
        (edges,) search node from which the edge is entered.
    from_junction, at_junction
        (search nodes,) where a search that begins at a junction itself goes on, and where one that ends there is.
    """

    along: NDArray[np.float64]
    against: NDArray[np.float64]
    from_start: NDArray[np.int64]
    from_end: NDArray[np.int64]
    at_start: NDArray[np.int64]
    at_end: NDArray[np.int64]
    from_junction: NDArray[np.int64]
    at_junction: NDArray[np.int64]

    def begins(self, network: Network, standing: Stands) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Return the search nodes where searches from places on edges go on, at the start and the end of each."""
        return _sides(network, standing, self.from_start, self.from_end, self.from_junction)

    def ends(self, network: Network, standing: Stands) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Return the search nodes from which places on edges are entered, at the start and the end of each."""
        return _sides(network, standing, self.at_start, self.at_end, self.at_junction)


def _sides(
    network: Network,
    standing: Stands,
    by_start: NDArray[np.int64],
    by_end: NDArray[np.int64],
    junction: NDArray[np.int64],
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return a node at either end of each place's edge; whoever stands at an end has come by no street."""
    edge, at = standing.edge, standing.at
    if network.plain:
        return by_start[edge], by_end[edge]
    return (
        np.where(at == 0.0, junction[network.start[edge]], by_start[edge]),
        np.where(at == 1.0, junction[network.end[edge]], by_end[edge]),
    )


def ways(network: Network, direction: Direction) -> Ways:
    """Return the edges as a search from the facility sees them."""
    leave, arrive = (network.leave_start, network.leave_end), (network.arrive_start, network.arrive_end)
    if direction == "from_service":
        return Ways(network.minutes_forward, network.minutes_backward, *arrive, *leave, network.begin, network.finish)
    return Ways(network.minutes_backward, network.minutes_forward, *leave, *arrive, network.finish, network.begin)


class Stands(NamedTuple):
    """Where attached points stand on edges; a point may have two candidates, one after the other.

    Attributes
    ----------
    row
        Row of the point; rising.
    edge, at
        Edge, and share of its length from its start.
    leg
        Minutes of the access leg, and of a start delay.
    """

    row: NDArray[np.int64]
    edge: NDArray[np.int64]
    at: NDArray[np.float64]
    leg: NDArray[np.float64]


def stands(points: pd.DataFrame, *, access_kmh: float) -> Stands:
    """Return where the attached ones of some points stand.

    Parameters
    ----------
    points
        `schema.SNAPPED`; only rows with status `ok` count. `edge2`, `fraction2` and `snap_m2` may hold a
        second candidate (-1 where none), `delay_minutes` what is added to the leg.
    access_kmh
        Speed of the legs.
    """
    row = np.flatnonzero((points["snap_status"] == "ok").to_numpy())
    edge, at, leg_m = (points[name].to_numpy()[row] for name in ("edge", "fraction", "snap_m"))
    if "edge2" in points.columns and (points["edge2"].to_numpy()[row] >= 0).any():
        second = row[points["edge2"].to_numpy()[row] >= 0]
        both = np.concatenate([row, second])
        order = np.argsort(both, kind="stable")
        edge, at, leg_m = (
            np.concatenate([first, points[name].to_numpy()[second]])[order]
            for first, name in ((edge, "edge2"), (at, "fraction2"), (leg_m, "snap_m2"))
        )
        row = both[order]
    found = stands_of(row, edge, at, leg_m, access_kmh=access_kmh)
    if "delay_minutes" in points.columns:
        return found._replace(leg=found.leg + points["delay_minutes"].to_numpy(dtype=np.float64)[row])
    return found


def stands_of(
    row: NDArray[Any], edge: NDArray[Any], at: NDArray[Any], leg_m: NDArray[Any], *, access_kmh: float
) -> Stands:
    """Return places on edges, with their legs in minutes."""
    leg = units.minutes_of(leg_m.astype(np.float64), access_kmh)
    return Stands(row.astype(np.int64), edge.astype(np.int64), at.astype(np.float64), leg)


def partial(minutes: NDArray[np.float64], share: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return a share of an edge's minutes; nothing of a forbidden edge is still nothing."""
    with np.errstate(invalid="ignore"):
        return np.asarray(np.where(share == 0.0, 0.0, minutes * share), dtype=np.float64)


@dataclass(frozen=True, eq=False)
class Reach:
    """What one search found: minutes between every node and its nearest facility.

    Attributes
    ----------
    network, direction, horizon
        As searched.
    facilities
        Where the facilities stand.
    window
        Part of the network that was searched; nobody outside is reached.
    minutes, nearest
        (nodes of the window,) `inf` beyond the horizon; row of the nearest facility, -1 where none.
    """

    network: Network
    direction: Direction
    horizon: float
    facilities: Stands
    window: Window
    minutes: NDArray[np.float64]
    nearest: NDArray[np.int64]

    @cached_property
    def node_minutes(self) -> NDArray[np.float64]:
        """(search nodes,) minutes of the whole network's nodes; `inf` beyond the horizon."""
        if self.window.tiles is None:
            return self.minutes
        found = np.full(self.network.node_count, np.inf)
        found[self.window.nodes] = self.minutes
        return found

    @cached_property
    def node_nearest(self) -> NDArray[np.int64]:
        """(search nodes,) row of the nearest facility of the whole network's nodes, -1 where none."""
        if self.window.tiles is None:
            return self.nearest
        found = np.full(self.network.node_count, -1, dtype=np.int64)
        found[self.window.nodes] = self.nearest
        return found

    @property
    def is_of_one(self) -> bool:
        """Whether it was searched from one facility alone."""
        row = self.facilities.row
        return len(row) > 0 and bool(row[0] == row[-1])  # rising

    def edges(self) -> NDArray[np.int64]:
        """Return the edges that may be entered from a node that was reached, and those of the facilities, rising."""
        reached = self.window.nodes_at(np.flatnonzero(np.isfinite(self.minutes)))
        first, edge = self.network.entered(self.direction)
        found = edge[ranges(first[reached], first[reached + 1] - first[reached])]
        rising = np.sort(np.concatenate([found, self.facilities.edge]))
        return np.asarray(rising[np.diff(rising, prepend=-1) > 0], dtype=np.int64)

    def at(self, nodes: NDArray[np.int64]) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
        """Return minutes and nearest facility of some search nodes."""
        return self._there(self.minutes, nodes, np.inf), self._there(self.nearest, nodes, -1)

    def minutes_to(self, nodes: NDArray[np.int64]) -> NDArray[np.float64]:
        """Return minutes of some search nodes."""
        return self._there(self.minutes, nodes, np.inf)

    def _there(self, values: NDArray[Any], nodes: NDArray[np.int64], outside: float) -> NDArray[Any]:
        """Return what is known of search nodes; something else outside the window."""
        here = self.window.local(nodes)
        if self.window.tiles is None:
            return values[here]
        if not len(values):
            return np.full(len(here), outside, dtype=values.dtype)
        # A number below zero takes any entry: what stands there is put right.
        found = values[np.maximum(here, 0)]
        found[here < 0] = outside
        return found


def reach(network: Network, facilities: pd.DataFrame, *, limit: float, direction: Direction = "to_service") -> Reach:
    """Search once from all facilities at the same time.

    Parameters
    ----------
    network
        Streets of one mode.
    facilities
        As :func:`stands` takes them; only rows with status `ok` are searched from.
    limit
        Minutes up to which results are true (the horizon); beyond they are `inf`.
    direction
        `to_service` or `from_service`.
    """
    standing = stands(facilities, access_kmh=network.mode.access_kmh)
    window = windows.around(network, standing.edge, minutes=limit)
    begun = seeds(window, standing, np.zeros(len(standing.row), dtype=np.int64), direction, searches=1)
    minutes, nearest = searches.nearest(window, direction, begun, limit=limit)
    return Reach(network, direction, limit, standing, window, minutes, nearest)


def reach_each(
    network: Network, facilities: pd.DataFrame, *, limit: float, direction: Direction = "to_service"
) -> Iterator[Reach]:
    """Search from every facility by itself; those near each other share a window.

    Parameters
    ----------
    network, facilities, limit, direction
        As :func:`reach` takes them.

    Yields
    ------
    A search for each attached facility, near ones after each other; `facilities` of each tells its row.
    """
    standing = stands(facilities, access_kmh=network.mode.access_kmh)
    group = windows.shared(network, standing.edge, minutes=limit)[np.searchsorted(standing.row, standing.row, "left")]
    for each in np.unique(group):
        some = taken(standing, np.flatnonzero(group == each))
        window = windows.around(network, some.edge, minutes=limit)
        rows, number = np.unique(some.row, return_inverse=True)
        at_once = max(1, _DENSE_CELLS // max(window.node_count, 1))
        for begin in range(0, len(rows), at_once):
            mine = np.flatnonzero((number >= begin) & (number < begin + at_once))
            near, count = taken(some, mine), min(at_once, len(rows) - begin)
            begun = seeds(window, near, number[mine] - begin, direction, searches=count)
            table = searches.each(window, direction, begun, limit=limit)
            first = np.searchsorted(near.row, rows[begin : begin + count + 1])
            last = np.append(first, len(near.row))[1 : count + 1]
            for place, row in enumerate(rows[begin : begin + count]):
                own = taken(near, np.arange(first[place], last[place]))
                yield Reach(
                    network, direction, limit, own, window, table[place], np.broadcast_to(row, table[place].shape)
                )


def seeds(window: Window, standing: Stands, number: NDArray[np.int64], direction: Direction, *, searches: int) -> Seeds:
    """Return where numbered searches from places on edges begin: at both ends of each edge, as far as one may go."""
    seen = ways(window.network, direction)
    to_start = partial(seen.against[standing.edge], standing.at) + standing.leg
    to_end = partial(seen.along[standing.edge], 1.0 - standing.at) + standing.leg
    ends = window.local(np.concatenate(seen.begins(window.network, standing)))
    twice = np.concatenate([number, number]), np.concatenate([standing.row, standing.row])
    return Seeds.of(twice[0], ends, np.concatenate([to_start, to_end]), twice[1], searches=searches)


def taken(standing: Stands, places: NDArray[np.intp]) -> Stands:
    """Return some of the places."""
    row, edge, at, leg = standing
    return Stands(row[places], edge[places], at[places], leg[places])


def minutes_at(found: Reach, points: pd.DataFrame) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """Return the minutes between points and their nearest facility.

    Parameters
    ----------
    found
        A search.
    points
        `schema.SNAPPED` on the same network, maybe with second candidates (:func:`stands`).

    Returns
    -------
    minutes
        (n,) `inf` where nothing is reached within the horizon and for points that are not attached;
        NaN for points without geometry.
    nearest
        (n,) row of the facility, -1 where `minutes` is not finite.
    """
    standing = stands(points, access_kmh=found.network.mode.access_kmh)
    value, who = minutes_of(found, standing)
    minutes = np.full(len(points), np.inf)
    nearest = np.full(len(points), -1, dtype=np.int64)
    minutes[(points["snap_status"] == "no_geometry").to_numpy()] = np.nan
    first = np.ones(len(standing.row), dtype=bool)
    first[1:] = standing.row[1:] != standing.row[:-1]
    minutes[standing.row[first]], nearest[standing.row[first]] = value[first], who[first]
    second = np.flatnonzero(~first)
    better = second[value[second] < minutes[standing.row[second]]]
    minutes[standing.row[better]], nearest[standing.row[better]] = value[better], who[better]
    return minutes, nearest


def minutes_of(found: Reach, standing: Stands) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """Return minutes and nearest facility of each place on an edge, `inf` beyond the horizon."""
    seen = ways(found.network, found.direction)
    from_start, from_end = seen.ends(found.network, standing)
    start, who_start = found.at(from_start)
    end, who_end = found.at(from_end)
    by_start = start + partial(seen.along[standing.edge], standing.at)
    by_end = end + partial(seen.against[standing.edge], 1.0 - standing.at)
    best = np.minimum(by_start, by_end)
    who = np.where(by_start <= by_end, who_start, who_end)
    place, facility, minutes = straight(seen, standing, found.facilities)
    # Of several on one edge the nearest, the first of those equally near.
    order = np.lexsort((found.facilities.row[facility], minutes, place))
    place, facility, minutes = place[order], facility[order], minutes[order]
    first = np.ones(len(place), dtype=bool)
    first[1:] = place[1:] != place[:-1]
    better = first & (minutes < best[place])
    best[place[better]], who[place[better]] = minutes[better], found.facilities.row[facility[better]]
    best = best + standing.leg
    reached = best <= found.horizon
    return np.where(reached, best, np.inf), np.where(reached, who, -1)


def straight(
    seen: Ways, points: Stands, facilities: Stands
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.float64]]:
    """Return the pairs that share an edge, and the minutes straight along it with the facility's leg.

    Returns
    -------
    Places among `points`, places among `facilities`, minutes (`inf` where that way is not allowed).
    """
    order = np.argsort(facilities.edge, kind="stable")
    by_edge = facilities.edge[order]
    low, high = np.searchsorted(by_edge, points.edge, "left"), np.searchsorted(by_edge, points.edge, "right")
    point = np.repeat(np.arange(len(points.edge)), high - low)
    facility = order[ranges(low, high - low)]
    edge, ahead = points.edge[point], np.take(points.at, point) - np.take(facilities.at, facility)
    minutes = np.where(ahead >= 0, partial(seen.along[edge], ahead), partial(seen.against[edge], -ahead))
    return point, facility, minutes + facilities.leg[facility]
