"""What a search found: minutes of cells, and of any place beside the streets that these are linked to.

Beside a straight segment of a street the minutes of a place are those at the nearer end of the street, the way along
it, and the leg; on the street of a facility one goes straight.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import pairwise
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from geo import units
from geo.line_index import share_of
from geo.reached import Reached
from geo.travel_times import partial, ways

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from geo.cells import CellLinks, Table
    from geo.travel_times import Reach

ANY = -2
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


def cell_minutes(cell_m: float, access_kmh: float) -> float:
    """Return how many minutes around a limit a contour heeds; a search for it must reach so much further."""
    return _CLIP_CELLS * float(units.minutes_of(cell_m, access_kmh))


class Facilities(NamedTuple):
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
    def of(cls, fields: Sequence[Field]) -> Facilities:
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


class Segments(NamedTuple):
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
        return np.sqrt(x * x + y * y), share_of(share, self.whole_m)

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


def segments(fields: Sequence[Field], number: NDArray[np.int64], cell: NDArray[np.int64]) -> Segments:
    """Return the segments that cells are linked to, with what the search found at the ends of their edges.

    The rows are ordered by field. Whose a place is is found only where a field heeds it.
    """
    network, table = fields[0].found.network, fields[0].table
    edge, vertex = (table.cells(name)[cell].astype(np.int64) for name in ("edge", "vertex"))
    seen = ways(network, fields[0].found.direction)
    minutes, who = at_ends(fields, number, edge)
    theirs = Facilities.of(fields)
    number_of = theirs.only(number, edge)
    own = np.flatnonzero(number_of >= 0)
    one = number_of[own]
    begin = network.xy[vertex]
    vector = np.ascontiguousarray((network.xy[vertex + 1] - begin).T)
    square = vector[0] * vector[0] + vector[1] * vector[1]
    return Segments(
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


def at_ends(
    fields: Sequence[Field], number: NDArray[np.int64], edge: NDArray[np.int64]
) -> tuple[list[NDArray[np.float64]], list[NDArray[np.int64]]]:
    """Return the minutes at both ends of edges, and whose they are where a field heeds it; rows ordered by field."""
    seen = ways(fields[0].found.network, fields[0].found.direction)
    bounds = np.searchsorted(number, np.arange(len(fields) + 1))
    heeded = any(field.owner != ANY for field in fields)
    minutes, who = [], []
    for nodes in (seen.at_start[edge], seen.at_end[edge]):
        parts = [(field.found, nodes[low:high]) for field, (low, high) in zip(fields, pairwise(bounds), strict=True)]
        minutes.append(np.concatenate([found.minutes_to(some) for found, some in parts]))
        none = np.empty(0, dtype=np.int64)
        who.append(np.concatenate([found.at(some)[1] for found, some in parts]) if heeded else none)
    return minutes, who


def is_of(nearest: NDArray[np.int64], owner: NDArray[np.int64] | int) -> NDArray[np.bool_]:
    """Say whether each place counts: it is nearest to its owner, or nobody asks whose it is."""
    return np.asarray((nearest == owner) | (np.asarray(owner) == ANY), dtype=bool)
