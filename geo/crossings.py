"""Where between two cells the minutes pass a limit: exact to half a metre, without linking a place anew.

A place between two neighbouring cells is nearest to the street of the one or of the other (or, rarely, of a
third, which then is hardly nearer). Along one straight segment minutes rise evenly and the crossing is
plain arithmetic; between two segments it is found by bisection, each place being served by the nearer one.
A barrier between two cells parts them where it stands. Where a second street may be quicker, places are
linked as people are.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from geo import snapping, units
from geo.line_index import share_of
from geo.travel_times import Stands, minutes_at, minutes_of, partial, ways

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray

    from geo.cells import CellLinks, Cells
    from geo.travel_times import Reach

    Within = Callable[[NDArray[np.float64], NDArray[np.float64]], NDArray[np.bool_]]

EXACT_M = 0.5
ANY = -2
_CLIP_CELLS = 1.5


class Crossings(NamedTuple):
    """Pairs of neighbouring cells of which the first is within a limit and the second is not.

    Attributes
    ----------
    inner, outer
        (n, 2) column and row in the window.
    limit
        (n,) minutes.
    """

    inner: NDArray[np.int64]
    outer: NDArray[np.int64]
    limit: NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Field:
    """Minutes of the cells of a window, after one search.

    Attributes
    ----------
    links
        What the cells were linked by.
    cells
        The window.
    found
        The search.
    minutes, over_start
        (linked cells,) `inf` where nothing is reached; whether the way leads over the start of the edge.
    owner
        Only what is nearest to this facility counts; `None` where all do.
    """

    links: CellLinks
    cells: Cells
    found: Reach
    minutes: NDArray[np.float64]
    over_start: NDArray[np.bool_]
    owner: int | None = None

    @property
    def width(self) -> float:
        """How many minutes around a limit a contour heeds."""
        return cell_minutes(self.links.cell_m, self.found.network.mode.access_kmh)

    def of(self, owner: int) -> Field:
        """Return the part of the field that is nearest to a facility; elsewhere `inf`."""
        mine = np.where(self.nearest == owner, self.minutes, np.inf)
        return Field(self.links, self.cells, self.found, mine, self.over_start, owner)

    @cached_property
    def nearest(self) -> NDArray[np.int64]:
        """(linked cells,) row of the nearest facility, -1 where none is reached."""
        return self.cells.nearest(self.found)


def cell_minutes(cell_m: float, access_kmh: float) -> float:
    """Return how many minutes around a limit a contour heeds; a search for it must reach so much further."""
    return _CLIP_CELLS * float(units.minutes_of(cell_m, access_kmh))


def where_passed(fields: Sequence[Field], crossings: Sequence[Crossings]) -> list[NDArray[np.float64]]:
    """Return at what share of the way from the inner to the outer cell the minutes pass the limit.

    Parameters
    ----------
    fields, crossings
        As many of the one as of the other; all are worked out together.
    """
    told = [_told(field, some) for field, some in zip(fields, crossings, strict=True)]
    waiting = [(share, rows, between) for share, rows, between in told if len(rows)]
    if waiting:
        # What lies between two streets is bisected at once, for all fields.
        whole = _joined([between for *_, between in waiting])
        found = _bisected(whole.start, whole.way, whole.within, fields[0].links.cell_m)
        ends = np.cumsum([len(rows) for _, rows, _ in waiting])
        for (share, rows, _), part in zip(waiting, np.split(found, ends[:-1]), strict=True):
            share[rows] = part
    return [share for share, *_ in told]


def _told(field: Field, crossings: Crossings) -> tuple[NDArray[np.float64], NDArray[np.intp], _Between]:
    """Return the shares as far as they are told here, the rows that wait, and the streets these lie between."""
    inner, outer, linked = _cells_of(field, crossings)
    vertex, edge, side, choice, walled = (
        field.cells.column_of(name) for name in ("vertex", "edge", "side", "choice", "walled")
    )
    asked = choice[inner] | choice[outer]
    own = field.found.facilities.edge
    straight = (np.isin(edge[inner], own) | np.isin(edge[outer], own)) & ~asked
    # Beside one straight street, on one side of it, and by one way, the minutes rise evenly from cell to cell.
    before, after = field.minutes[inner], field.minutes[outer]
    even = linked & (vertex[inner] == vertex[outer]) & (side[inner] == side[outer]) & (side[inner] != 0)
    even &= (field.over_start[inner] == field.over_start[outer]) & (after - before <= field.width) & ~asked & ~straight
    share = np.empty(len(even))
    # Where a cell lies on the limit itself, it is both the inner and the outer one.
    rise = after[even] - before[even]
    share[even] = np.divide(crossings.limit[even] - before[even], rise, out=np.zeros(len(rise)), where=rise > 0.0)
    grid = field.cells.grid
    start = grid.places(crossings.inner)
    way = grid.places(crossings.outer) - start
    rows = np.flatnonzero(asked)
    if len(rows):
        share[rows] = _bisected(start[rows], way[rows], _linked_anew(field, crossings.limit[rows]), grid.cell_m)
    rows = np.flatnonzero(straight)
    if len(rows):
        within = _beside_facility(field, inner[rows], outer[rows], crossings.limit[rows])
        share[rows] = _bisected(start[rows], way[rows], within, grid.cell_m)
    rows = np.flatnonzero(~even & ~asked & ~straight)
    limit, cap_m = crossings.limit[rows], np.full(len(rows), field.links.cap_m)
    owner = np.full(len(rows), ANY if field.owner is None else field.owner)
    one, two = _segments(field, inner[rows]), _segments(field, outer[rows])
    parted = np.full(len(rows), np.nan)
    near = np.flatnonzero(walled[inner[rows]] | walled[outer[rows]])
    if len(near) and field.links.barriers is not None:
        parted[near] = field.links.barriers.parts(start[rows[near]], way[rows[near]])
    return share, rows, _Between(start[rows], way[rows], limit, cap_m, owner, parted, one, two)


def _cells_of(
    field: Field, crossings: Crossings
) -> tuple[NDArray[np.int32], NDArray[np.int32], NDArray[np.bool_]]:
    """Return the linked cells of each pair, and whether the outer is one (else it is the inner again)."""
    grid, place = field.cells.grid, field.cells.place
    inner = place[crossings.inner[:, 1] * grid.columns + crossings.inner[:, 0]]
    beyond = (crossings.outer < 0).any(axis=1) | (crossings.outer >= (grid.columns, grid.rows)).any(axis=1)
    outer = place[np.where(beyond, 0, crossings.outer[:, 1] * grid.columns + crossings.outer[:, 0])]
    linked = ~beyond & (outer >= 0)
    return inner, np.where(linked, outer, inner), np.asarray(linked, dtype=bool)


def _bisected(
    start: NDArray[np.float64], way: NDArray[np.float64], within: Within, cell_m: float
) -> NDArray[np.float64]:
    low, high = np.zeros(len(start)), np.ones(len(start))
    for _ in range(max(int(np.ceil(np.log2(cell_m / EXACT_M))), 0)):
        middle = (low + high) / 2.0
        served = within(start + way * middle[:, None], middle)
        low, high = np.where(served, middle, low), np.where(served, high, middle)
    return (low + high) / 2.0


def _linked_anew(field: Field, limit: NDArray[np.float64]) -> Within:
    """Return the test of places by the same rule as people, one by one."""
    links = field.links

    def within(xy: NDArray[np.float64], share: NDArray[np.float64]) -> NDArray[np.bool_]:
        del share
        snapped = snapping.snap_xy(field.found.network, xy, cap_m=links.cap_m, barriers=links.barriers)
        minutes, nearest = minutes_at(field.found, snapped)
        return (minutes <= limit) & _is_of(nearest, ANY if field.owner is None else field.owner)

    return within


def _is_of(nearest: NDArray[np.int64], owner: NDArray[np.int64] | int) -> NDArray[np.bool_]:
    return np.asarray((nearest == owner) | (np.asarray(owner) == ANY), dtype=bool)


def _beside_facility(field: Field, first: NDArray[np.int32], second: NDArray[np.int32], limit: NDArray[np.float64]) -> Within:
    """Return the test of places between two streets of which one holds a facility: one may go straight along it."""
    one, two = _segments(field, first), _segments(field, second)
    edge = field.cells.column_of("edge")
    edges = edge[first].astype(np.int64), edge[second].astype(np.int64)

    def within(xy: NDArray[np.float64], share: NDArray[np.float64]) -> NDArray[np.bool_]:
        del share
        (near_m, near_at), (far_m, far_at) = one.foot(xy), two.foot(xy)
        swap = far_m < near_m
        metres, at, mine = (
            np.where(swap, other, own) for own, other in ((near_m, far_m), (near_at, far_at), edges)
        )
        leg = metres * np.where(swap, two.leg, one.leg)
        minutes, nearest = minutes_of(field.found, Stands(np.arange(len(xy)), mine, at, leg))
        owned = _is_of(nearest, ANY if field.owner is None else field.owner)
        return (minutes <= limit) & (metres <= field.links.cap_m) & owned

    return within


class _Segments(NamedTuple):
    """Straight segments of streets after a search: minutes at any place beside them.

    Attributes
    ----------
    start, vector
        (n, 2) first end, and the way to the other.
    before_m, whole_m
        (n,) metres of the edge before the segment, and of all of it.
    along, against
        (n,) minutes of the whole edge, as the search sees it.
    by_start, by_end
        (n,) minutes at the ends of the edge.
    who_start, who_end
        (n,) nearest facility there.
    leg
        (n,) minutes of a metre of access leg.
    """

    start: NDArray[np.float64]
    vector: NDArray[np.float64]
    before_m: NDArray[np.float64]
    whole_m: NDArray[np.float64]
    along: NDArray[np.float64]
    against: NDArray[np.float64]
    by_start: NDArray[np.float64]
    by_end: NDArray[np.float64]
    who_start: NDArray[np.int64]
    who_end: NDArray[np.int64]
    leg: NDArray[np.float64]

    def foot(self, xy: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Return the metres from places to the segments, and the share of the edge at which each foot stands."""
        offset = xy - self.start
        square = (self.vector**2).sum(axis=1)
        share = np.divide((offset * self.vector).sum(axis=1), square, out=np.zeros(len(xy)), where=square > 0)
        share = np.clip(share, 0.0, 1.0)
        across = offset - self.vector * share[:, None]
        return np.hypot(across[:, 0], across[:, 1]), share_of(self.before_m + share * np.sqrt(square), self.whole_m)

    def minutes(
        self, metres: NDArray[np.float64], at: NDArray[np.float64]
    ) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
        """Return the minutes of places so far from the segments, and their nearest facility."""
        by_start, by_end = self.by_start + partial(self.along, at), self.by_end + partial(self.against, 1.0 - at)
        nearest = np.where(by_start <= by_end, self.who_start, self.who_end)
        return np.minimum(by_start, by_end) + metres * self.leg, nearest


class _Between(NamedTuple):
    """Pairs of cells and the streets that they are linked to; what is between is served by the nearer one.

    `parted` is the share of the way at which a barrier parts the two, NaN where none does.
    """

    start: NDArray[np.float64]
    way: NDArray[np.float64]
    limit: NDArray[np.float64]
    cap_m: NDArray[np.float64]
    owner: NDArray[np.int64]
    parted: NDArray[np.float64]
    one: _Segments
    two: _Segments

    def within(self, xy: NDArray[np.float64], share: NDArray[np.float64]) -> NDArray[np.bool_]:
        """Say who is served, of one place between each pair."""
        (near_m, near_at), (far_m, far_at) = self.one.foot(xy), self.two.foot(xy)
        near, far = self.one.minutes(near_m, near_at), self.two.minutes(far_m, far_at)
        swap = np.where(np.isnan(self.parted), far_m < near_m, share > self.parted)
        metres, minutes, nearest = (
            np.where(swap, other, own) for own, other in ((near_m, far_m), *zip(near, far, strict=True))
        )
        return np.asarray((metres <= self.cap_m) & (minutes <= self.limit) & _is_of(nearest, self.owner), dtype=bool)


def _joined(parts: Sequence[_Between]) -> _Between:
    plain = [np.concatenate(column) for column in zip(*(part[:6] for part in parts), strict=True)]
    one, two = (_Segments(*(np.concatenate(column) for column in zip(*side, strict=True))) for side in ([part.one for part in parts], [part.two for part in parts]))
    return _Between(*plain, one, two)


def _segments(field: Field, cell: NDArray[np.int32]) -> _Segments:
    """Return the segments that cells are linked to, with what the search found at the ends of their edges."""
    network = field.found.network
    edge, vertex = (field.cells.column_of(name)[cell].astype(np.int64) for name in ("edge", "vertex"))
    seen = ways(network, field.found.direction)
    by_start, who_start = field.found.at(seen.at_start[edge])
    by_end, who_end = field.found.at(seen.at_end[edge])
    return _Segments(
        start=network.xy[vertex],
        vector=network.xy[vertex + 1] - network.xy[vertex],
        before_m=network.along_m[vertex],
        whole_m=network.along_m[network.offset[edge + 1] - 1],
        along=seen.along[edge],
        against=seen.against[edge],
        by_start=by_start,
        by_end=by_end,
        who_start=who_start,
        who_end=who_end,
        leg=units.minutes_of(network.ground_scale[edge], network.mode.access_kmh),
    )
