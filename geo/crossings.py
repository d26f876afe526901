"""Where between two cells the minutes pass a limit: to half a metre, mostly without linking a place anew.

A place between two neighbouring cells is nearest to the street of the one or of the other (or, rarely, of a
third, which then is hardly nearer). Along one straight segment minutes rise evenly and the crossing is
plain arithmetic; between two segments it is found by bisection, each place being served by the nearer one.
A barrier between two cells parts them where it stands; its slanting shadow beside them is not followed, so that
near walls a crossing may be off by a cell. Where a second street may be quicker, places are
linked as people are.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from geo import kernels, snapping, units
from geo.fields import ANY, Facilities, Segments, at_ends, is_of, segments
from geo.travel_times import Stands, minutes_at, minutes_of, ways

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray

    from geo.fields import Field

    Within = Callable[[NDArray[np.float64], NDArray[np.float64]], NDArray[np.bool_]]

EXACT_M = 0.5
UNKNOWN = -2
# By which rule a pair is crossed; the compiled loop knows them by the same numbers.
_EVEN, _ASKED, _SEVERAL, _BESIDE, _BETWEEN = range(5)


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
    pairs = Crossings._make(np.ascontiguousarray(column) for column in pairs)
    inner, beyond = pairs.inner_cell, pairs.outer_cell.copy()
    rest = np.flatnonzero(beyond == UNKNOWN)
    beyond[rest] = table.at(pairs.outer[rest, 1], pairs.outer[rest, 0])
    theirs = Facilities.of(fields)
    kind, share = (_by_arrays if kernels.compiled is None else _one_by_one)(fields, pairs, beyond, theirs)
    outer = np.where(beyond >= 0, beyond, inner)
    start, way = _ways(pairs, links.cell_m)
    for some, by_rule in ((kind == _ASKED, _linked_anew), (kind == _SEVERAL, _beside_facility)):
        for number in np.unique(pairs.field[some]):
            rows = np.flatnonzero(some & (pairs.field == number))
            within = by_rule(fields[number], inner[rows], outer[rows], pairs.limit[rows])
            share[rows] = _bisected(start[rows], way[rows], within, links.cell_m)
    rows = np.flatnonzero(kind >= _BESIDE)
    if kernels.compiled is not None and all(field.owner == ANY for field in fields):
        share[rows] = _halved(fields, pairs, theirs, rows, (inner[rows], outer[rows]), (start[rows], way[rows]))
        return share
    for rows, make in ((np.flatnonzero(kind == _BESIDE), _beside), (np.flatnonzero(kind == _BETWEEN), _between)):
        test = make(fields, pairs, rows, (inner[rows], outer[rows]))
        share[rows] = _bisected(start[rows], way[rows], test.within, links.cell_m)
    return share


def _by_arrays(
    fields: Sequence[Field], pairs: Crossings, beyond: NDArray[np.int64], theirs: Facilities
) -> tuple[NDArray[np.uint8], NDArray[np.float64]]:
    """Return by which rule each pair is crossed, and the share of those where minutes rise evenly.

    Beside one straight street, on one side of it, and by one way, the minutes rise evenly from cell to cell. Of one
    facility on a street the way along it is plain; several are looked at one by one.
    """
    table, inner = fields[0].table, pairs.inner_cell
    outer = np.where(beyond >= 0, beyond, inner)
    vertex, edge, side, choice = (table.cells(name) for name in ("vertex", "edge", "side", "choice"))
    most = np.maximum(theirs.how_many(pairs.field, edge[inner]), theirs.how_many(pairs.field, edge[outer]))
    alike, rise = vertex[inner] == vertex[outer], pairs.after - pairs.before
    even = (beyond >= 0) & alike & (side[inner] == side[outer]) & (side[inner] != 0)
    even &= pairs.one_way & (rise <= fields[0].width) & (most == 0)
    kind = np.select(
        [choice[inner] | choice[outer], most > 1, even, alike], [_ASKED, _SEVERAL, _EVEN, _BESIDE], _BETWEEN
    ).astype(np.uint8)
    share, even = np.zeros(len(inner)), kind == _EVEN
    # A cell that lies on the limit itself is both the inner and the outer one.
    share[even] = np.divide(
        (pairs.limit - pairs.before)[even], rise[even], out=np.zeros(int(even.sum())), where=rise[even] > 0.0
    )
    return kind, share


def _one_by_one(
    fields: Sequence[Field], pairs: Crossings, beyond: NDArray[np.int64], theirs: Facilities
) -> tuple[NDArray[np.uint8], NDArray[np.float64]]:
    """Return what :func:`_by_arrays` does, by the compiled loop."""
    table, count = fields[0].table, len(beyond)
    kind, share = np.empty(count, dtype=np.uint8), np.zeros(count)
    kernels.compiled.sort_out(
        _sides(fields, theirs),
        *(pairs.field, pairs.inner_cell, beyond, pairs.one_way.view(np.uint8), pairs.before, pairs.after, pairs.limit),
        fields[0].width,
        table.cells("side"),
        table.cells("choice").view(np.uint8),
        kind,
        share,
    )
    return kind, share


def _halved(
    fields: Sequence[Field],
    pairs: Crossings,
    theirs: Facilities,
    rows: NDArray[np.intp],
    cells: tuple[NDArray[np.int64], NDArray[np.int64]],
    ways: tuple[NDArray[np.float64], NDArray[np.float64]],
) -> NDArray[np.float64]:
    """Return what :func:`_bisected` does beside one segment and between two, by the compiled loop."""
    number, edge, share = pairs.field[rows], fields[0].table.cells("edge"), np.empty(len(rows))
    ends = [np.column_stack(at_ends(fields, number, edge[each].astype(np.int64))[0]) for each in cells]
    parted = _parted(fields, pairs, rows, cells)
    # Two cells of one segment are not parted: what is between them is linked to it too.
    kernels.compiled.bisect(
        _sides(fields, theirs),
        number,
        *cells,
        *ends,
        pairs.limit[rows],
        parted,
        *ways,
        _halvings(fields[0].links.cell_m),
        share,
    )
    return share


def _sides(fields: Sequence[Field], theirs: Facilities) -> Any:  # noqa: ANN401 - what the compiled loops take
    """Return streets and facilities as the compiled loops take them."""
    network, table, links = fields[0].found.network, fields[0].table, fields[0].links
    seen = ways(network, fields[0].found.direction)
    return kernels.compiled.Sides(
        *(table.cells("vertex"), table.cells("edge"), network.xy, network.along_m, network.offset),
        *(seen.along, seen.against, network.ground_scale, theirs.key, theirs.at, theirs.leg),
        *(network.mode.access_kmh * units.METRES_PER_KM, links.cap_m),
    )


def _ways(pairs: Crossings, cell_m: float) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return the inner cells (n, 2), metres, and the way to the outer ones."""
    scale = np.array([cell_m, -cell_m])
    return (pairs.inner + 0.5) * scale, (pairs.outer - pairs.inner) * scale


def _bisected(
    start: NDArray[np.float64], way: NDArray[np.float64], within: Within, cell_m: float
) -> NDArray[np.float64]:
    low, high = np.zeros(len(start)), np.ones(len(start))
    # Column by column in memory: that is how they are read.
    start, way = np.asfortranarray(start), np.asfortranarray(way)
    for _ in range(_halvings(cell_m)):
        middle = (low + high) / 2.0
        served = within(start + way * middle[:, None], middle)
        low, high = np.where(served, middle, low), np.where(served, high, middle)
    return (low + high) / 2.0


def _halvings(cell_m: float) -> int:
    """Return how often a cell is halved."""
    return max(int(np.ceil(np.log2(cell_m / EXACT_M))), 0)


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
        return (minutes <= limit) & is_of(nearest, field.owner)

    return within


def _beside_facility(
    field: Field, first: NDArray[np.int64], second: NDArray[np.int64], limit: NDArray[np.float64]
) -> Within:
    """Return the test of places between two streets of which one holds a facility: one may go straight along it."""
    one, two = segments([field], _zeros(first), first), segments([field], _zeros(second), second)
    edge = field.table.cells("edge")
    edges = edge[first].astype(np.int64), edge[second].astype(np.int64)

    def within(xy: NDArray[np.float64], share: NDArray[np.float64]) -> NDArray[np.bool_]:
        del share
        (near_m, near_at), (far_m, far_at) = one.foot(xy), two.foot(xy)
        swap = far_m < near_m
        metres, at, mine = (np.where(swap, other, own) for own, other in ((near_m, far_m), (near_at, far_at), edges))
        leg = metres * np.where(swap, two.leg, one.leg)
        minutes, nearest = minutes_of(field.found, Stands(np.arange(len(xy)), mine, at, leg))
        return (minutes <= limit) & (metres <= field.links.cap_m) & is_of(nearest, field.owner)

    return within


def _zeros(like: NDArray[np.int64]) -> NDArray[np.int64]:
    return np.zeros(len(like), dtype=np.int64)


class _Beside(NamedTuple):
    """Pairs of cells that are linked to one and the same straight segment: what is between is linked to it too."""

    limit: NDArray[np.float64]
    cap_m: float
    owner: NDArray[np.int64]
    one: Segments

    def within(self, xy: NDArray[np.float64], share: NDArray[np.float64]) -> NDArray[np.bool_]:
        """Say who is served, of one place between each pair."""
        del share
        metres, at = self.one.foot(xy)
        minutes, nearest = self.one.minutes(metres, at)
        served = (metres <= self.cap_m) & (minutes <= self.limit)
        return served & is_of(nearest, self.owner) if len(nearest) else served


def _beside(
    fields: Sequence[Field],
    pairs: Crossings,
    rows: NDArray[np.intp],
    cells: tuple[NDArray[np.int64], NDArray[np.int64]],
) -> _Beside:
    """Return the segments that some pairs of cells share."""
    number = pairs.field[rows]
    owner = np.array([field.owner for field in fields])[number]
    return _Beside(pairs.limit[rows], fields[0].links.cap_m, owner, segments(fields, number, cells[0]))


class _Between(NamedTuple):
    """Pairs of cells and the streets that they are linked to; what is between is served by the nearer one.

    `parted` is the share of the way at which a barrier parts the two, NaN where none does.
    """

    limit: NDArray[np.float64]
    cap_m: float
    owner: NDArray[np.int64]
    parted: NDArray[np.float64]
    one: Segments
    two: Segments

    def within(self, xy: NDArray[np.float64], share: NDArray[np.float64]) -> NDArray[np.bool_]:
        """Say who is served, of one place between each pair."""
        (near_m, near_at), (far_m, far_at) = self.one.foot(xy), self.two.foot(xy)
        near, far = self.one.minutes(near_m, near_at), self.two.minutes(far_m, far_at)
        swap = np.where(np.isnan(self.parted), far_m < near_m, share > self.parted)
        metres, minutes = np.where(swap, far_m, near_m), np.where(swap, far[0], near[0])
        if (self.owner == ANY).all():
            return np.asarray((metres <= self.cap_m) & (minutes <= self.limit), dtype=bool)
        nearest = np.where(swap, far[1], near[1])
        return np.asarray((metres <= self.cap_m) & (minutes <= self.limit) & is_of(nearest, self.owner), dtype=bool)


def _between(
    fields: Sequence[Field],
    pairs: Crossings,
    rows: NDArray[np.intp],
    cells: tuple[NDArray[np.int64], NDArray[np.int64]],
) -> _Between:
    """Return the streets that some pairs of cells are linked to, and where barriers part them."""
    number, parted = pairs.field[rows], _parted(fields, pairs, rows, cells)
    owner = np.array([field.owner for field in fields])[number]
    one, two = (segments(fields, number, each) for each in cells)
    return _Between(pairs.limit[rows], fields[0].links.cap_m, owner, parted, one, two)


def _parted(
    fields: Sequence[Field],
    pairs: Crossings,
    rows: NDArray[np.intp],
    cells: tuple[NDArray[np.int64], NDArray[np.int64]],
) -> NDArray[np.float64]:
    """Return at what share of the way a barrier parts the cells of each pair, NaN where none does."""
    links, parted = fields[0].links, np.full(len(rows), np.nan)
    if links.barriers is not None:
        walled = fields[0].table.cells("walled")
        near = np.flatnonzero(walled[cells[0]] | walled[cells[1]])
        start, way = _ways(pairs.take(rows[near]), links.cell_m)
        parted[near] = links.barriers.parts(start, way)
    return parted
