"""Which cells a search came to, in how many minutes, and over which end of their street: one gather a search."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from geo import kernels, travel_times
from geo.tiles import ranges

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from geo.cells import Sides, Table

    _Links = tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.float64], NDArray[np.bool_]]


class Reached(NamedTuple):
    """Cells that a search came to.

    Attributes
    ----------
    cell
        (n,) numbers in the table, each once.
    minutes
        (n,) all within the horizon.
    over_start
        (n,) whether the way leads over the start of the street.
    nearest
        (n,) row of the facility.
    """

    cell: NDArray[np.int64]
    minutes: NDArray[np.float64]
    over_start: NDArray[np.bool_]
    nearest: NDArray[np.int64]


def reached(table: Table, found: travel_times.Reach) -> Reached:
    """Return the cells within the horizon of a search, with the minutes that `travel_times.minutes_at` gives."""
    network = found.network
    edges = found.edges()
    edges = edges[table.linked[np.minimum(edges, len(table.linked) - 1)]]
    place = np.searchsorted(table.edges, edges)
    first, count = table.first[place], table.first[place + 1] - table.first[place]
    seen = travel_times.ways(network, found.direction)
    start, end = (found.minutes_to(nodes[edges]) for nodes in (seen.at_start, seen.at_end))
    if kernels.compiled is not None and network.plain and found.is_of_one:
        link, minutes, over_start = _of_one(table, found, edges, (first, count), (start, end))
        nearest = np.full(len(link), found.facilities.row[0])
    else:
        link, minutes, over_start, nearest = _of_many(table, found, edges, (first, count), (start, end))
    cell = table.cell[link]
    if len(table.cells("more")) and len(cell):
        # Of two links of a cell the quicker one counts.
        order = np.lexsort((minutes, cell))
        order = order[np.concatenate([[True], np.diff(cell[order]) > 0])]
        return Reached(cell[order], minutes[order], over_start[order], nearest[order])
    return Reached(cell, minutes, over_start, nearest)


def _of_one(
    table: Table,
    found: travel_times.Reach,
    edges: NDArray[np.int64],
    runs: tuple[NDArray[np.int64], NDArray[np.int64]],
    ends: tuple[NDArray[np.float64], NDArray[np.float64]],
) -> tuple[NDArray[np.int64], NDArray[np.float64], NDArray[np.bool_]]:
    """Return what :func:`_of_many` does after a search from one facility, where junctions have no copies."""
    network, theirs = found.network, found.facilities
    seen, sides = travel_times.ways(network, found.direction), table.sides(network, found.direction)
    most = int(runs[1].sum())
    link, minutes, over_start = np.empty(most, dtype=np.int64), np.empty(most), np.empty(most, dtype=bool)
    taken = kernels.compiled.gather_of_one(
        *(*runs, edges, *ends, sides.by_start, sides.by_end, table.links("at"), sides.leg, seen.along, seen.against),
        *(theirs.edge, theirs.at, theirs.leg, found.horizon, link, minutes, over_start.view(np.uint8)),
    )
    return link[:taken], minutes[:taken], over_start[:taken]


def _of_many(
    table: Table,
    found: travel_times.Reach,
    edges: NDArray[np.int64],
    runs: tuple[NDArray[np.int64], NDArray[np.int64]],
    ends: tuple[NDArray[np.float64], NDArray[np.float64]],
) -> tuple[NDArray[np.int64], NDArray[np.float64], NDArray[np.bool_], NDArray[np.int64]]:
    """Return the links within the horizon among runs of them, an edge each, from the minutes at its ends."""
    network = found.network
    seen, sides = travel_times.ways(network, found.direction), table.sides(network, found.direction)
    alone = _any_of(edges, found.facilities.edge)
    link, at_edge, minutes, over_start = (_by_arrays if kernels.compiled is None else _one_by_one)(
        *runs, alone | ~np.bool_(network.plain), *ends, sides, found.horizon
    )
    who_start, who_end = (found.at(nodes[edges])[1] for nodes in (seen.at_start, seen.at_end))
    nearest = np.where(over_start, who_start[at_edge], who_end[at_edge])
    # On a facility's own street one goes straight; where junctions have copies, ends of streets differ.
    alone = alone[at_edge]
    if not network.plain:
        at = table.links("at")[link]
        alone |= (at == 0.0) | (at == 1.0)
    rows = np.flatnonzero(alone)
    if len(rows):
        edge, at, leg_m = (table.links(name)[link[rows]] for name in ("edge", "at", "leg_m"))
        standing = travel_times.stands_of(rows, edge, at, leg_m, access_kmh=network.mode.access_kmh)
        minutes[rows], nearest[rows] = travel_times.minutes_of(found, standing)
    near = np.flatnonzero(minutes <= found.horizon)
    if len(near) < len(link):
        return link[near], minutes[near], over_start[near], nearest[near]
    return link, minutes, over_start, nearest


def _by_arrays(
    first: NDArray[np.int64],
    count: NDArray[np.int64],
    wanted: NDArray[np.bool_],
    start: NDArray[np.float64],
    end: NDArray[np.float64],
    sides: Sides,
    horizon: float,
) -> _Links:
    """Return the links of edges that are within the horizon, and all links of those that are wanted whole."""
    link, edge = ranges(first, count), np.repeat(np.arange(len(first)), count)
    by_start, by_end = start[edge] + sides.by_start[link], end[edge] + sides.by_end[link]
    minutes = np.minimum(by_start, by_end)
    near = np.flatnonzero((minutes <= horizon) | wanted[edge])
    return link[near], edge[near], minutes[near], (by_start <= by_end)[near]


def _one_by_one(
    first: NDArray[np.int64],
    count: NDArray[np.int64],
    wanted: NDArray[np.bool_],
    start: NDArray[np.float64],
    end: NDArray[np.float64],
    sides: Sides,
    horizon: float,
) -> _Links:
    """Return what :func:`_by_arrays` does, by the compiled loop."""
    most = int(count.sum())
    link, edge, minutes = np.empty(most, dtype=np.int64), np.empty(most, dtype=np.int64), np.empty(most)
    over_start = np.empty(most, dtype=bool)
    taken = kernels.compiled.gather(
        *(first, count, wanted.view(np.uint8), start, end, sides.by_start, sides.by_end, horizon),
        *(link, edge, minutes, over_start.view(np.uint8)),
    )
    return link[:taken], edge[:taken], minutes[:taken], over_start[:taken]


def _any_of(edges: NDArray[np.int64], some: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Say which of some edges, rising, are among others: looked up the way round that is quicker for a few."""
    found = np.zeros(len(edges) + 1, dtype=bool)
    place = np.searchsorted(edges, some)
    found[place[np.append(edges, -1)[place] == some]] = True
    return found[:-1]
