"""Where between two cells the minutes pass a limit: to half a metre, mostly without linking a place anew.

A place between two neighbouring cells is nearest to the street of the one or of the other (or, rarely, of a
third, which then is hardly nearer). Along one straight segment minutes rise evenly and the crossing is
plain arithmetic; between two segments it is found by bisection, each place being served by the nearer one.
A barrier between two cells parts them where it stands; its slanting shadow beside them is not followed, so that
near walls a crossing may be off by a cell. Where a second street may be quicker, places are
linked as people are.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import pairwise
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from geo import snapping, units
from geo.cells import Reached
from geo.line_index import share_of
from geo.travel_times import Stands, minutes_at, minutes_of, partial, ways

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray

    from geo.cells import CellLinks, Table
    from geo.travel_times import Reach

    Within = Callable[[NDArray[np.float64], NDArray[np.float64]], NDArray[np.bool_]]

EXACT_M = 0.5
ANY = -2
UNKNOWN = -2
_CLIP_CELLS = 1.5


@dataclass(frozen=True, eq=False)
class Field:
    """Minutes of cells after one search.

    Attributes
    ----------
    links, table
        What the cells were linked by, and all that are linked.
    found
        The search.
    reached
        The cells that it came to.
    owner
        Only what is nearest to this facility counts; `ANY` where all do.
    """

    links: CellLinks
    table: Table
    found: Reach
    reached: Reached
    owner: int = ANY

    @property
    def width(self) -> float:
        """How many minutes around a limit a contour heeds."""
        return cell_minutes(self.links.cell_m, self.found.network.mode.access_kmh)

    def of(self, owner: int) -> Field:
        """Return the part of the field that is nearest to a facility."""
        mine = self.reached.nearest == owner
        return replace(self, reached=Reached._make(column[mine] for column in self.reached), owner=owner)


class Crossings(NamedTuple):
    """Pairs of neighbouring cells of which the first is within a limit and the second is not.

    Attributes
    ----------
    field
        (n,) which field each is of.
    limit
        (n,) minutes.
    inner, outer
        (n, 2) column and row over the whole plane.
    before, after
        (n,) minutes of the two; `inf` where the outer one was not reached.
    one_way
        (n,) whether the ways to both lead over the same end of the street.
    inner_cell, outer_cell
        (n,) their numbers in the table; `UNKNOWN` where the outer one was not reached.
    """

    field: NDArray[np.int64]
    limit: NDArray[np.float64]
    inner: NDArray[np.int64]
    outer: NDArray[np.int64]
    before: NDArray[np.float64]
    after: NDArray[np.float64]
    one_way: NDArray[np.bool_]
    inner_cell: NDArray[np.int64]
    outer_cell: NDArray[np.int64]

    def take(self, rows: NDArray[np.intp]) -> Crossings:
        """Return some of the pairs."""
        return Crossings._make(column[rows] for column in self)


def cell_minutes(cell_m: float, access_kmh: float) -> float:
    """Return how many minutes around a limit a contour heeds; a search for it must reach so much further."""
    return _CLIP_CELLS * float(units.minutes_of(cell_m, access_kmh))


def where_passed(fields: Sequence[Field], pairs: Crossings) -> NDArray[np.float64]:
    """Return at what share of the way from the inner to the outer cell the minutes pass the limit.

    Parameters
    ----------
    fields
        On the same cells.
    pairs
        Of all of them, ordered by field.
    """
    table, links = fields[0].table, fields[0].links
    inner, beyond = pairs.inner_cell, pairs.outer_cell.copy()
    rest = np.flatnonzero(beyond == UNKNOWN)
    beyond[rest] = table.at(pairs.outer[rest, 1], pairs.outer[rest, 0])
    linked = beyond >= 0
    outer = np.where(linked, beyond, inner)
    vertex, edge, side, choice = (table.cells(name) for name in ("vertex", "edge", "side", "choice"))
    asked = choice[inner] | choice[outer]
    theirs = _Facilities.of(fields)
    beside = np.maximum(theirs.how_many(pairs.field, edge[inner]), theirs.how_many(pairs.field, edge[outer]))
    # Of one facility on a street the way along it is plain; several are looked at one by one.
    straight = (beside > 1) & ~asked
    # Beside one straight street, on one side of it, and by one way, the minutes rise evenly from cell to cell.
    even = linked & (vertex[inner] == vertex[outer]) & (side[inner] == side[outer]) & (side[inner] != 0)
    even &= pairs.one_way & (pairs.after - pairs.before <= fields[0].width) & ~asked & (beside == 0)
    share = np.empty(len(inner))
    # A cell that lies on the limit itself is both the inner and the outer one.
    rise = (pairs.after - pairs.before)[even]
    share[even] = np.divide((pairs.limit - pairs.before)[even], rise, out=np.zeros(len(rise)), where=rise > 0.0)
    start, way = _ways(pairs, links.cell_m)
    for some, by_rule in ((asked, _linked_anew), (straight, _beside_facility)):
        for number in np.unique(pairs.field[some]):
            rows = np.flatnonzero(some & (pairs.field == number))
            within = by_rule(fields[number], inner[rows], outer[rows], pairs.limit[rows])
            share[rows] = _bisected(start[rows], way[rows], within, links.cell_m)
    alike = vertex[inner] == vertex[outer]
    left = ~even & ~asked & ~straight
    for rows, make in ((np.flatnonzero(left & alike), _beside), (np.flatnonzero(left & ~alike), _between)):
        test = make(fields, pairs, rows, (inner[rows], outer[rows]))
        share[rows] = _bisected(start[rows], way[rows], test.within, links.cell_m)
    return share


def _ways(pairs: Crossings, cell_m: float) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return the inner cells (n, 2), metres, and the way to the outer ones."""
    scale = np.array([cell_m, -cell_m])
    return (pairs.inner + 0.5) * scale, (pairs.outer - pairs.inner) * scale


class _Facilities(NamedTuple):
    """Where the facilities of some fields stand, sorted by field and street.

    Attributes
    ----------
    key
        (n,) field and edge as one number.
    at, leg, row
        (n,) share of the edge, minutes of the leg, and row of the facility.
    edges
        How many edges there are.
    """

    key: NDArray[np.int64]
    at: NDArray[np.float64]
    leg: NDArray[np.float64]
    row: NDArray[np.int64]
    edges: int

    @classmethod
    def of(cls, fields: Sequence[Field]) -> _Facilities:
        """Return the facilities of fields."""
        edges = len(fields[0].found.network.start)
        theirs = [field.found.facilities for field in fields]
        key = np.concatenate([number * edges + each.edge for number, each in enumerate(theirs)])
        order = np.argsort(key, kind="stable")
        at, leg, row = (
            np.concatenate([getattr(each, name) for each in theirs])[order] for name in ("at", "leg", "row")
        )
        return cls(key[order], at, leg, row, edges)

    def how_many(self, field: NDArray[np.int64], edge: NDArray[np.int32]) -> NDArray[np.int64]:
        """Return how many facilities of a field stand on each edge."""
        key = field * self.edges + edge
        return np.asarray(np.searchsorted(self.key, key, "right") - np.searchsorted(self.key, key, "left"))

    def only(self, field: NDArray[np.int64], edge: NDArray[np.int64]) -> NDArray[np.int64]:
        """Return the number of the one facility on each edge, -1 where there is none."""
        key = field * self.edges + edge
        place = np.minimum(np.searchsorted(self.key, key), len(self.key) - 1)
        return np.asarray(np.where(self.key[place] == key, place, -1), dtype=np.int64)


def _bisected(
    start: NDArray[np.float64], way: NDArray[np.float64], within: Within, cell_m: float
) -> NDArray[np.float64]:
    low, high = np.zeros(len(start)), np.ones(len(start))
    # Column by column in memory: that is how they are read.
    start, way = np.asfortranarray(start), np.asfortranarray(way)
    for _ in range(max(int(np.ceil(np.log2(cell_m / EXACT_M))), 0)):
        middle = (low + high) / 2.0
        served = within(start + way * middle[:, None], middle)
        low, high = np.where(served, middle, low), np.where(served, high, middle)
    return (low + high) / 2.0


def _linked_anew(
    field: Field, first: NDArray[np.int64], second: NDArray[np.int64], limit: NDArray[np.float64]
) -> Within:
    """Return the test of places by the same rule as people, one by one."""
    del first, second
    links = field.links

    def within(xy: NDArray[np.float64], share: NDArray[np.float64]) -> NDArray[np.bool_]:
        del share
        snapped = snapping.snap_xy(field.found.network, xy, cap_m=links.cap_m, barriers=links.barriers)
        minutes, nearest = minutes_at(field.found, snapped)
        return (minutes <= limit) & _is_of(nearest, field.owner)

    return within


def _is_of(nearest: NDArray[np.int64], owner: NDArray[np.int64] | int) -> NDArray[np.bool_]:
    return np.asarray((nearest == owner) | (np.asarray(owner) == ANY), dtype=bool)


def _beside_facility(
    field: Field, first: NDArray[np.int64], second: NDArray[np.int64], limit: NDArray[np.float64]
) -> Within:
    """Return the test of places between two streets of which one holds a facility: one may go straight along it."""
    one, two = _segments([field], _zeros(first), first), _segments([field], _zeros(second), second)
    edge = field.table.cells("edge")
    edges = edge[first].astype(np.int64), edge[second].astype(np.int64)

    def within(xy: NDArray[np.float64], share: NDArray[np.float64]) -> NDArray[np.bool_]:
        del share
        (near_m, near_at), (far_m, far_at) = one.foot(xy), two.foot(xy)
        swap = far_m < near_m
        metres, at, mine = (np.where(swap, other, own) for own, other in ((near_m, far_m), (near_at, far_at), edges))
        leg = metres * np.where(swap, two.leg, one.leg)
        minutes, nearest = minutes_of(field.found, Stands(np.arange(len(xy)), mine, at, leg))
        return (minutes <= limit) & (metres <= field.links.cap_m) & _is_of(nearest, field.owner)

    return within


def _zeros(like: NDArray[np.int64]) -> NDArray[np.int64]:
    return np.zeros(len(like), dtype=np.int64)


class _Segments(NamedTuple):
    """Straight segments of streets after a search: minutes at any place beside them.

    Attributes
    ----------
    start, vector
        (2, n) first end, and the way to the other.
    length_m, square
        (n,) length of the segment, and its square; `inf` where it has none, so that every foot is its start.
    before_m, whole_m
        (n,) metres of the edge before the segment, and of all of it.
    along, against
        (n,) minutes of the whole edge, as the search sees it.
    by_start, by_end
        (n,) minutes at the ends of the edge.
    who_start, who_end
        (n,) nearest facility there; none where nobody asks whose a place is.
    leg
        (n,) minutes of a metre of access leg.
    own, own_at, own_leg, own_row
        (m,) rows whose edge bears a facility: where among the n, its share of the edge, its leg and its row.
    """

    start: NDArray[np.float64]
    vector: NDArray[np.float64]
    length_m: NDArray[np.float64]
    square: NDArray[np.float64]
    before_m: NDArray[np.float64]
    whole_m: NDArray[np.float64]
    along: NDArray[np.float64]
    against: NDArray[np.float64]
    by_start: NDArray[np.float64]
    by_end: NDArray[np.float64]
    who_start: NDArray[np.int64]
    who_end: NDArray[np.int64]
    leg: NDArray[np.float64]
    own: NDArray[np.int64]
    own_at: NDArray[np.float64]
    own_leg: NDArray[np.float64]
    own_row: NDArray[np.int64]

    def foot(self, xy: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Return the metres from places to the segments, and the share of the edge at which each foot stands."""
        # Component by component: a sum over an axis of two is many times slower.
        (start_x, start_y), (along_x, along_y) = self.start, self.vector
        x, y = xy[:, 0] - start_x, xy[:, 1] - start_y
        share = x * along_x
        share += y * along_y
        share /= self.square
        np.clip(share, 0.0, 1.0, out=share)
        x -= along_x * share
        y -= along_y * share
        share *= self.length_m
        share += self.before_m
        return np.hypot(x, y), share_of(share, self.whole_m)

    def minutes(
        self, metres: NDArray[np.float64], at: NDArray[np.float64]
    ) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
        """Return the minutes of places so far from the segments, and their nearest facility."""
        by_start, by_end = self.by_start + partial(self.along, at), self.by_end + partial(self.against, 1.0 - at)
        minutes = np.minimum(by_start, by_end)
        nearest = np.where(by_start <= by_end, self.who_start, self.who_end) if len(self.who_start) else self.who_start
        own = self.own
        if len(own):
            ahead = at[own] - self.own_at
            along, against = partial(self.along[own], ahead), partial(self.against[own], -ahead)
            straight = np.where(ahead >= 0, along, against) + self.own_leg
            better = straight < minutes[own]
            minutes[own[better]] = straight[better]
            if len(nearest):
                nearest[own[better]] = self.own_row[better]
        return minutes + metres * self.leg, nearest


class _Beside(NamedTuple):
    """Pairs of cells that are linked to one and the same straight segment: what is between is linked to it too."""

    limit: NDArray[np.float64]
    cap_m: float
    owner: NDArray[np.int64]
    one: _Segments

    def within(self, xy: NDArray[np.float64], share: NDArray[np.float64]) -> NDArray[np.bool_]:
        """Say who is served, of one place between each pair."""
        del share
        metres, at = self.one.foot(xy)
        minutes, nearest = self.one.minutes(metres, at)
        served = (metres <= self.cap_m) & (minutes <= self.limit)
        return served & _is_of(nearest, self.owner) if len(nearest) else served


def _beside(
    fields: Sequence[Field],
    pairs: Crossings,
    rows: NDArray[np.intp],
    cells: tuple[NDArray[np.int64], NDArray[np.int64]],
) -> _Beside:
    """Return the segments that some pairs of cells share."""
    number = pairs.field[rows]
    owner = np.array([field.owner for field in fields])[number]
    return _Beside(pairs.limit[rows], fields[0].links.cap_m, owner, _segments(fields, number, cells[0]))


class _Between(NamedTuple):
    """Pairs of cells and the streets that they are linked to; what is between is served by the nearer one.

    `parted` is the share of the way at which a barrier parts the two, NaN where none does.
    """

    limit: NDArray[np.float64]
    cap_m: float
    owner: NDArray[np.int64]
    parted: NDArray[np.float64]
    one: _Segments
    two: _Segments

    def within(self, xy: NDArray[np.float64], share: NDArray[np.float64]) -> NDArray[np.bool_]:
        """Say who is served, of one place between each pair."""
        (near_m, near_at), (far_m, far_at) = self.one.foot(xy), self.two.foot(xy)
        near, far = self.one.minutes(near_m, near_at), self.two.minutes(far_m, far_at)
        swap = np.where(np.isnan(self.parted), far_m < near_m, share > self.parted)
        metres, minutes = np.where(swap, far_m, near_m), np.where(swap, far[0], near[0])
        if (self.owner == ANY).all():
            return np.asarray((metres <= self.cap_m) & (minutes <= self.limit), dtype=bool)
        nearest = np.where(swap, far[1], near[1])
        return np.asarray((metres <= self.cap_m) & (minutes <= self.limit) & _is_of(nearest, self.owner), dtype=bool)


def _between(
    fields: Sequence[Field],
    pairs: Crossings,
    rows: NDArray[np.intp],
    cells: tuple[NDArray[np.int64], NDArray[np.int64]],
) -> _Between:
    """Return the streets that some pairs of cells are linked to, and where barriers part them."""
    links, table, number = fields[0].links, fields[0].table, pairs.field[rows]
    parted = np.full(len(rows), np.nan)
    if links.barriers is not None:
        walled = table.cells("walled")
        near = np.flatnonzero(walled[cells[0]] | walled[cells[1]])
        start, way = _ways(pairs.take(rows[near]), links.cell_m)
        parted[near] = links.barriers.parts(start, way)
    owner = np.array([field.owner for field in fields])[number]
    one, two = (_segments(fields, number, each) for each in cells)
    return _Between(pairs.limit[rows], links.cap_m, owner, parted, one, two)


def _segments(fields: Sequence[Field], number: NDArray[np.int64], cell: NDArray[np.int64]) -> _Segments:
    """Return the segments that cells are linked to, with what the search found at the ends of their edges.

    The rows are ordered by field. Whose a place is is found only where a field heeds it.
    """
    network, table = fields[0].found.network, fields[0].table
    edge, vertex = (table.cells(name)[cell].astype(np.int64) for name in ("edge", "vertex"))
    seen = ways(network, fields[0].found.direction)
    bounds = np.searchsorted(number, np.arange(len(fields) + 1))
    heeded = any(field.owner != ANY for field in fields)
    minutes, who = [], []
    for nodes in (seen.at_start[edge], seen.at_end[edge]):
        parts = [field.found.at(nodes[low:high]) for field, (low, high) in zip(fields, pairwise(bounds), strict=True)]
        minutes.append(np.concatenate([part[0] for part in parts]))
        who.append(np.concatenate([part[1] for part in parts]) if heeded else np.empty(0, dtype=np.int64))
    theirs = _Facilities.of(fields)
    number_of = theirs.only(number, edge)
    own = np.flatnonzero(number_of >= 0)
    one = number_of[own]
    begin = network.xy[vertex]
    vector = np.ascontiguousarray((network.xy[vertex + 1] - begin).T)
    square = vector[0] * vector[0] + vector[1] * vector[1]
    return _Segments(
        start=np.ascontiguousarray(begin.T),
        vector=vector,
        length_m=np.sqrt(square),
        square=np.where(square > 0.0, square, np.inf),
        before_m=network.along_m[vertex],
        whole_m=network.along_m[network.offset[edge + 1] - 1],
        along=seen.along[edge],
        against=seen.against[edge],
        by_start=minutes[0],
        by_end=minutes[1],
        who_start=who[0],
        who_end=who[1],
        leg=units.minutes_of(network.ground_scale[edge], network.mode.access_kmh),
        own=own,
        own_at=theirs.at[one],
        own_leg=theirs.leg[one],
        own_row=theirs.row[one],
    )
