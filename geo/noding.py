"""Where do drawn lines meet? Ends that nearly meet, ends near another line, crossings, gaps; bridges stay apart.

Everything is arrays of vertices in metres. Vertices with the same `place` are one junction. Lines that are not `drawn`
(from a source that knows its own junctions) are joined to drawn lines, never to each other, and never moved.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import shapely
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from geo.point_tree import point_tree

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Ints = NDArray[np.int64]
    Floats = NDArray[np.float64]
    Flags = NDArray[np.bool_]

SAME_M = 1e-3  # what is nearer is one spot
_STRAIGHT = 0.77  # length of the sum of two unit directions: below, one line goes on as the other (45° at most)
_BACK = 4.0  # an end is joined to its own line only where that comes back from farther than so many tolerances
_FIXED, _INNER, _PUT, _END = range(4)  # whose position a junction takes


class Strings(NamedTuple):
    """Lines as flat arrays: line `i` has the vertices `offsets[i]:offsets[i + 1]`.

    Attributes
    ----------
    xy
        (n, 2) metres.
    offsets
        (lines + 1,) into the vertices.
    place
        (n,) number of the junction at each vertex; the same number is the same junction.
    level
        (lines,) 0 on the ground, above it bridges, below it tunnels.
    drawn
        (lines,) whether a line's junctions are to be found.
    source
        (lines,) row of the line given; -1 for a piece that bridges a gap.
    rank
        (n,) how binding the position of a vertex is.
    """

    xy: Floats
    offsets: Ints
    place: Ints
    level: Ints
    drawn: Flags
    source: Ints
    rank: Ints

    @property
    def line(self) -> Ints:
        """(n,) line of each vertex."""
        return np.repeat(np.arange(len(self.level)), np.diff(self.offsets))

    @property
    def segment(self) -> Ints:
        """(segments,) first vertex of each segment."""
        inner = np.ones(len(self.xy), dtype=bool)
        inner[self.offsets[1:] - 1] = False
        return np.flatnonzero(inner)

    @property
    def ends(self) -> Ints:
        """(2 · lines,) first vertices of all lines, then last ones."""
        return np.concatenate([self.offsets[:-1], self.offsets[1:] - 1])


class Noded(NamedTuple):
    """Lines with a vertex wherever they meet, and what was done to them.

    Attributes
    ----------
    strings
        The lines; `source` tells which line given each is. Lines shorter than the tolerance may be gone.
    counts
        ends (nearly meeting ends that were joined), tees (ends joined to the line beside), crossings, gaps (bridged),
        overlaps (places where a line ends on top of another), vanished (lines shorter than the tolerance).
    gaps
        (gaps, 2, 2) the ends of the connecting pieces.
    open_ends
        (n, 2) ends that stop short of another line by less than the distance asked about.
    """

    strings: Strings
    counts: dict[str, int]
    gaps: Floats
    open_ends: Floats


class _Puts(NamedTuple):
    """Vertices to put into segments: the first vertex of the segment, position along it 0–1, place."""

    segment: Ints
    along: Floats
    place: Ints


def strings(
    xy: Floats, offsets: Ints, *, level: Ints, drawn: Flags | None = None, place: Ints | None = None
) -> Strings:
    """Return lines whose vertices at the same spot and level are one place; `place` holds for lines not drawn."""
    mine = np.ones(len(level), dtype=bool) if drawn is None else drawn
    line = np.repeat(np.arange(len(level)), np.diff(offsets))
    spot = np.unique(np.round(xy / SAME_M).astype(np.int64), axis=0, return_inverse=True)[1].ravel()
    known = np.zeros(len(xy), dtype=np.int64) if place is None else place
    key = np.column_stack([mine[line], np.where(mine[line], spot, known), np.where(mine[line], level[line], 0)])
    number = np.unique(key, axis=0, return_inverse=True)[1].ravel().astype(np.int64)
    rank = np.where(mine[line], _INNER, _FIXED)
    ends = np.concatenate([offsets[:-1], offsets[1:] - 1])
    rank[ends[np.tile(mine, 2)]] = _END
    return Strings(xy, offsets, number, level, mine, np.arange(len(level)), rank.astype(np.int64))


def node(given: Strings, *, join_m: float, bridge_m: float, ask_m: float = 0.0) -> Noded:
    """Join lines where they meet.

    Parameters
    ----------
    given
        From :func:`strings`.
    join_m
        Ends nearer to each other, or to another line, than this are joined; 0 joins only what touches.
    bridge_m
        Ends that are open after that get a straight piece to a line no farther than this; 0 for none.
    ask_m
        Tell the open ends which are no farther than this from another line.

    Returns
    -------
    See :class:`Noded`. Lines of different levels are joined only where a line ends that nothing at its own level
    continues: a bridge's landing, not a bridge cut in two above a street.
    """
    near_m = max(join_m, SAME_M)
    found, ends = _join_ends(given, near_m)
    found, tees = _join_sides(found, near_m)
    found, vanished = _settled(found)
    found, crossings, overlaps = _join_crossings(found)
    found, _ = _settled(found)
    found, gaps = _bridge(found, join_m=near_m, reach_m=bridge_m)
    found, _ = _settled(found)
    left = _gaps(found, join_m=near_m, reach_m=ask_m)[0] if ask_m > 0 else np.empty(0, dtype=np.int64)
    counts = {"ends": ends, "tees": tees, "crossings": crossings, "gaps": len(gaps)}
    counts |= {"overlaps": overlaps, "vanished": vanished}
    return Noded(found, counts, gaps, found.xy[left])


def _merged(given: Strings, one: Ints, other: Ints) -> Strings:
    """Return the lines with pairs of places made one."""
    if not len(one):
        return given
    count = int(given.place.max()) + 1
    graph = coo_array((np.ones(len(one), dtype=np.int8), (one, other)), shape=(count, count))
    return given._replace(place=connected_components(graph, directed=False)[1].astype(np.int64)[given.place])


def _arms(given: Strings) -> tuple[Ints, Flags]:
    """Return per place how many lines leave it, and whether one passes: at its own level it needs no other line."""
    count = int(given.place.max()) + 1
    ends = given.ends
    inner = np.ones(len(given.xy), dtype=bool)
    inner[ends] = False
    arms = np.bincount(given.place[ends], minlength=count) + 2 * np.bincount(given.place[inner], minlength=count)
    lines = len(given.level)
    ways = given.xy[np.concatenate([ends[:lines] + 1, ends[lines:] - 1])] - given.xy[ends]
    unit = ways / np.maximum(np.hypot(ways[:, 0], ways[:, 1]), 1e-12)[:, None]
    total = np.column_stack([np.bincount(given.place[ends], weights=unit[:, k], minlength=count) for k in (0, 1)])
    bent = np.hypot(total[:, 0], total[:, 1]) > _STRAIGHT
    through = np.bincount(given.place[inner], minlength=count) > 0
    return arms, (arms > 1) & (through | (arms > 2) | ~bent)  # noqa: PLR2004 - three lines are a junction


def _join_ends(given: Strings, near_m: float) -> tuple[Strings, int]:
    """Join ends that nearly meet: at one level where one of them is open; across levels where one does not pass."""
    ends = given.ends
    vertex = ends[np.unique(given.place[ends], return_index=True)[1]]
    pairs = point_tree(given.xy[vertex]).query_pairs(near_m, output_type="ndarray")
    one, other = vertex[pairs[:, 0]], vertex[pairs[:, 1]]
    line = given.line
    some = given.drawn[line[one]] | given.drawn[line[other]]
    one, other = one[some], other[some]
    arms, _ = _arms(given)
    open_end = (arms[given.place[one]] == 1) | (arms[given.place[other]] == 1)
    level = given.level[line]
    same = open_end & (level[one] == level[other])
    joined = _merged(given, given.place[one[same]], given.place[other[same]])
    moved = int(same.sum())
    _, passes = _arms(joined)
    spot_one, spot_other = _same_spots(joined)
    one, other = np.concatenate([one[~same], spot_one]), np.concatenate([other[~same], spot_other])
    across = (level[one] != level[other]) & ~(passes[joined.place[one]] & passes[joined.place[other]])
    apart = np.hypot(*(given.xy[one] - given.xy[other]).T) > SAME_M
    moved += int((across & apart).sum())
    return _merged(joined, joined.place[one[across]], joined.place[other[across]]), moved


def _same_spots(given: Strings) -> tuple[Ints, Ints]:
    """Return pairs of vertices of drawn lines at one spot and different levels."""
    vertex = np.flatnonzero(given.drawn[given.line])
    key = np.round(given.xy[vertex] / SAME_M).astype(np.int64)
    order = np.lexsort((given.level[given.line[vertex]], key[:, 1], key[:, 0]))
    near = (key[order[1:]] == key[order[:-1]]).all(axis=1)
    one, other = vertex[order[:-1]][near], vertex[order[1:]][near]
    apart = given.level[given.line[one]] != given.level[given.line[other]]
    return one[apart], other[apart]


def _segments(given: Strings) -> tuple[Ints, NDArray[np.object_]]:
    first = given.segment
    return first, shapely.linestrings(np.stack([given.xy[first], given.xy[first + 1]], axis=1))


def _beside(given: Strings, vertex: Ints, reach_m: float) -> tuple[Ints, Ints, Floats, Floats]:
    """Return segments near vertices: vertex, first vertex of the segment, position along it 0–1, metres."""
    first, lines = _segments(given)
    at, found = shapely.STRtree(lines).query(shapely.points(given.xy[vertex]), predicate="dwithin", distance=reach_m)
    point, start = vertex[at], first[found]
    along = _project(given.xy[point], given.xy[start], given.xy[start + 1])
    foot = given.xy[start] + along[:, None] * (given.xy[start + 1] - given.xy[start])
    return point, start, along, np.hypot(*(given.xy[point] - foot).T)


def _project(point: Floats, start: Floats, end: Floats) -> Floats:
    step = end - start
    square = np.maximum((step * step).sum(axis=1), 1e-18)
    return np.asarray(np.clip(((point - start) * step).sum(axis=1) / square, 0.0, 1.0), dtype=np.float64)


def _along_m(given: Strings) -> Floats:
    """Return the metres from the start of its line to each vertex."""
    step = np.append(np.hypot(*np.diff(given.xy, axis=0).T), 0.0)
    step[given.offsets[1:] - 1] = 0.0
    total = np.concatenate([[0.0], np.cumsum(step)])[:-1]
    return np.asarray(total - total[given.offsets[:-1]][given.line], dtype=np.float64)


def _foreign(given: Strings, point: Ints, start: Ints, along: Floats, back_m: float) -> Flags:
    """Say which segments are on a line that does not meet the vertex already, or comes back to it from afar."""
    line, lines = given.line, len(given.level)
    keys = np.unique(given.place * lines + line)
    meets = np.isin(given.place[point] * lines + line[start], keys)
    at = _along_m(given)
    position = at[start] + along * (at[start + 1] - at[start])
    first, last = given.offsets[:-1][line[start]], given.offsets[1:][line[start]] - 1
    begins, finishes = given.place[first] == given.place[point], given.place[last] == given.place[point]
    afar = (begins | finishes) & (~begins | (position > back_m)) & (~finishes | (at[last] - position > back_m))
    return np.asarray(~meets | afar, dtype=bool)


def _nearest(group: Ints, distance: Floats, *ties: Ints) -> Ints:
    """Return the row of the smallest distance in each group."""
    order = np.lexsort((*ties, distance, group))
    return order[np.unique(group[order], return_index=True)[1]]


def _join_sides(given: Strings, near_m: float) -> tuple[Strings, int]:
    """Join ends to lines that they nearly touch."""
    # Every end is asked, not one of each junction: they are not in one position yet.
    point, start, along, metres = _beside(given, np.unique(given.ends), near_m)
    line = given.line
    _, passes = _arms(given)
    usable = given.drawn[line[point]] | given.drawn[line[start]]
    usable &= (given.level[line[point]] == given.level[line[start]]) | ~passes[given.place[point]]
    usable &= _foreign(given, point, start, along, _BACK * near_m)
    point, start, along, metres = point[usable], start[usable], along[usable], metres[usable]
    best = _nearest(given.place[point] * len(given.level) + line[start], metres, start)
    point, start, along = point[best], start[best], along[best]
    low, high = (np.hypot(*(given.xy[point] - given.xy[start + k]).T) for k in (0, 1))
    whole = np.minimum(low, high) <= near_m
    corner = np.where(low <= high, start, start + 1)
    puts = _Puts(start[~whole], along[~whole], given.place[point[~whole]])
    one, other = given.place[point[whole]], given.place[corner[whole]]
    fresh = int((one != other).sum())
    return _merged(_put(given, puts), one, other), fresh + int((~whole).sum())


def _put(given: Strings, puts: _Puts) -> Strings:
    """Return the lines with vertices put into their segments."""
    if not len(puts.segment):
        return given
    order = np.lexsort((puts.place, puts.along, puts.segment))
    segment, along, place = puts.segment[order], puts.along[order], puts.place[order]
    new = given.xy[segment] + along[:, None] * (given.xy[segment + 1] - given.xy[segment])
    before = np.searchsorted(segment, given.offsets)  # what is put into a line comes behind its first vertex
    rank = np.where(given.drawn[given.line[segment]], _PUT, _FIXED)
    return given._replace(
        xy=np.insert(given.xy, segment + 1, new, axis=0),
        offsets=given.offsets + before,
        place=np.insert(given.place, segment + 1, place),
        rank=np.insert(given.rank, segment + 1, rank),
    )


def _settled(given: Strings) -> tuple[Strings, int]:
    """Put the vertices of a place on one position, and drop what has become a point; say how many lines have."""
    order = np.lexsort((given.xy[:, 1], given.xy[:, 0], given.rank, given.place))
    place, rank, xy = given.place[order], given.rank[order], given.xy[order]
    begins = np.flatnonzero(np.concatenate([[True], place[1:] != place[:-1]]))
    where = xy[begins].copy()
    sizes = np.diff(np.append(begins, len(order)))
    means = np.add.reduceat(xy, begins, axis=0) / sizes[:, None]
    spread = (np.maximum.reduceat(xy, begins, axis=0) != np.minimum.reduceat(xy, begins, axis=0)).any(axis=1)
    loose = (rank[begins] == _END) & spread
    where[loose] = means[loose]
    number = np.empty(len(order), dtype=np.int64)
    number[order] = np.repeat(np.arange(len(begins)), sizes)
    moved = np.where((given.rank == _FIXED)[:, None], given.xy, where[number])
    line = given.line
    keep = np.ones(len(moved), dtype=bool)
    keep[1:] = (number[1:] != number[:-1]) | (line[1:] != line[:-1])
    left = np.bincount(line[keep], minlength=len(given.level))
    stays = left > 1
    keep &= stays[line]
    return Strings(
        moved[keep],
        np.concatenate([[0], np.cumsum(left[stays])]).astype(np.int64),
        number[keep],
        given.level[stays],
        given.drawn[stays],
        given.source[stays],
        given.rank[keep],
    ), int((~stays).sum())


def _join_crossings(given: Strings) -> tuple[Strings, int, int]:
    """Join lines of one level that cross or touch; return how many crossings and how many touches there were."""
    first, shapes = _segments(given)
    line = given.line
    mine = np.flatnonzero(given.drawn[line[first]])
    row, col = shapely.STRtree(shapes).query(shapes[mine], predicate="intersects")
    one, other = first[mine[row]], first[col]
    both = given.drawn[line[other]]
    some = (given.level[line[one]] == given.level[line[other]]) & ((one < other) | ~both)
    one, other = one[some], other[some]
    puts, touches, pairs = _touching(given, one, other)
    meet = touches.copy()
    for a in (one, one + 1):
        for b in (other, other + 1):
            meet |= given.place[a] == given.place[b]
    one, other = one[~meet], other[~meet]
    t, u, crossed = _cut_at(given.xy, one, other)
    one, other, t, u = one[crossed], other[crossed], t[crossed], u[crossed]
    spot = np.round((given.xy[one] + t[:, None] * (given.xy[one + 1] - given.xy[one])) / SAME_M).astype(np.int64)
    key = np.column_stack([spot, given.level[line[one]]])
    number = int(given.place.max()) + 1 + np.unique(key, axis=0, return_inverse=True)[1].ravel()
    every = _Puts(
        np.concatenate([puts.segment, one, other]),
        np.concatenate([puts.along, t, u]),
        np.concatenate([puts.place, number, number]),
    )
    return _merged(_put(given, every), *pairs), len(np.unique(number)), int(touches.sum())


def _touching(given: Strings, one: Ints, other: Ints) -> tuple[_Puts, Flags, tuple[Ints, Ints]]:
    """Return vertices to put on another's segment, the pairs of segments that have them, and corners to merge."""
    touches = np.zeros(len(one), dtype=bool)
    puts: list[tuple[Ints, Floats, Ints]] = []
    merge: list[tuple[Ints, Ints]] = []
    for vertex, segment in ((one, other), (one + 1, other), (other, one), (other + 1, one)):
        start, end, point = given.xy[segment], given.xy[segment + 1], given.xy[vertex]
        along = _project(point, start, end)
        near = np.hypot(*(point - (start + along[:, None] * (end - start))).T) <= SAME_M
        known = (given.place[vertex] == given.place[segment]) | (given.place[vertex] == given.place[segment + 1])
        low, high = np.hypot(*(point - start).T) <= SAME_M, np.hypot(*(point - end).T) <= SAME_M
        fresh = near & ~known
        inside = fresh & ~low & ~high
        puts.append((segment[inside], along[inside], given.place[vertex[inside]]))
        corner = fresh & (low | high)
        merge.append((given.place[vertex[corner]], given.place[np.where(low, segment, segment + 1)[corner]]))
        touches |= fresh
    segment, along, place = (np.concatenate(parts) for parts in zip(*puts, strict=True))
    _, once = np.unique(np.column_stack([segment, place]), axis=0, return_index=True)
    pair = (np.concatenate([a for a, _ in merge]), np.concatenate([b for _, b in merge]))
    return _Puts(segment[once], along[once], place[once]), touches, pair


def _cut_at(xy: Floats, one: Ints, other: Ints) -> tuple[Floats, Floats, Flags]:
    """Return where pairs of segments cross, as positions along either, and whether they do."""
    r, s, q = xy[one + 1] - xy[one], xy[other + 1] - xy[other], xy[other] - xy[one]
    cross = r[:, 0] * s[:, 1] - r[:, 1] * s[:, 0]
    with np.errstate(divide="ignore", invalid="ignore"):
        t = (q[:, 0] * s[:, 1] - q[:, 1] * s[:, 0]) / cross
        u = (q[:, 0] * r[:, 1] - q[:, 1] * r[:, 0]) / cross
    with np.errstate(invalid="ignore"):
        inside = (t > 0) & (t < 1) & (u > 0) & (u < 1)
    return t, u, inside


def _gaps(given: Strings, *, join_m: float, reach_m: float) -> tuple[Ints, Ints, Floats]:
    """Return open ends of drawn lines near another line: vertex, first vertex of the segment, position along it."""
    arms, _ = _arms(given)
    ends = given.ends
    vertex = ends[np.tile(given.drawn, 2) & (arms[given.place[ends]] == 1)]
    point, start, along, metres = _beside(given, vertex, reach_m)
    line = given.line
    apart = (given.level[line[point]] == given.level[line[start]]) & (line[point] != line[start])
    point, start, along, metres = point[apart], start[apart], along[apart], metres[apart]
    lines, places = len(given.level), int(given.place.max()) + 1
    on = coo_array((np.ones(len(line), dtype=np.int32), (line, given.place)), shape=(lines, places)).tocsr()
    shared = np.asarray((on[line[point]] * on[line[start]]).sum(axis=1)).ravel() > 0
    far = ~shared & (metres > join_m / 2)
    point, start, along, metres = point[far], start[far], along[far], metres[far]
    best = _nearest(point, metres, start)
    return point[best], start[best], along[best]


def _bridge(given: Strings, *, join_m: float, reach_m: float) -> tuple[Strings, Floats]:
    """Add straight pieces from open ends to the nearest line within reach."""
    none = np.empty((0, 2, 2))
    if reach_m <= 0:
        return given, none
    point, start, along = _gaps(given, join_m=join_m, reach_m=reach_m)
    if not len(point):
        return given, none
    low, high = (np.hypot(*(given.xy[point] - given.xy[start + k]).T) for k in (0, 1))
    foot = given.xy[start] + along[:, None] * (given.xy[start + 1] - given.xy[start])
    metres = np.hypot(*(given.xy[point] - foot).T)
    whole = np.minimum(low, high) <= metres + join_m
    corner = np.where(low <= high, start, start + 1)
    target = np.where(whole, given.place[corner], int(given.place.max()) + 1 + np.arange(len(point)))
    end = np.where(whole[:, None], given.xy[corner], foot)
    own = given.place[point]
    once = np.unique(np.sort(np.column_stack([own, target]), axis=1), axis=0, return_index=True)[1]
    once.sort()
    begin = given.xy[point[once]]
    pieces = np.stack([begin, end[once]], axis=1)
    found = _put(given, _Puts(start[~whole], along[~whole], target[~whole]))
    return _with_pieces(found, pieces, own[once], target[once], given.level[given.line[point[once]]]), pieces


def _with_pieces(given: Strings, pieces: Floats, own: Ints, target: Ints, level: Ints) -> Strings:
    count = len(pieces)
    return Strings(
        np.concatenate([given.xy, pieces.reshape(-1, 2)]),
        np.concatenate([given.offsets, given.offsets[-1] + 2 * np.arange(1, count + 1)]),
        np.concatenate([given.place, np.column_stack([own, target]).ravel()]),
        np.concatenate([given.level, level]),
        np.concatenate([given.drawn, np.ones(count, dtype=bool)]),
        np.concatenate([given.source, np.full(count, -1)]),
        np.concatenate([given.rank, np.full(2 * count, _END)]),
    )
