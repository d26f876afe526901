"""The streets that one way of moving may use, as frozen arrays: the thing that is searched.

Who may use what is decided in `access`, how a gradient changes speed in `slope`, which arcs a search runs
over in `arcs`. Search nodes are numbered by tiles of the plane, so that a part of the network is a few
runs of rows; geometry is flat arrays, and lines are made where something asks for them.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
import pyproj
import shapely
from scipy import sparse
from scipy.sparse import csgraph

from geo import access, arcs as arcs_room, slope, units
from geo.errors import GeoValueError
from geo.line_index import Flat, LineIndex, along
from geo.tiles import Shelf, Tiling

if TYPE_CHECKING:
    from collections.abc import Mapping

    import geopandas as gpd
    from numpy.typing import NDArray

    from geo.access import Turns
    from geo.catalogue import Direction
    from geo.modes import Mode

ISLAND_M = 1000.0
_CLOSE_M = 150.0
_NO_SCALE = 1e-9
ARRAYS = (
    "start",
    "end",
    "leave_start",
    "leave_end",
    "arrive_start",
    "arrive_end",
    "begin",
    "finish",
    "length_m",
    "minutes_forward",
    "minutes_backward",
    "xy",
    "offset",
    "piece",
    "island",
    "node_xy",
)


@dataclass(frozen=True, eq=False)
class Network:
    """The edges that a mode may use; build one with :func:`build`.

    Attributes
    ----------
    mode
        Whose network it is.
    crs
        Metric CRS of the geometry.
    start, end
        (edges,) search nodes of the junctions at the ends.
    leave_start, leave_end
        (edges,) search node from which the edge is entered going forward, and going backward.
    arrive_start, arrive_end
        (edges,) search node reached going backward, and going forward. On foot all of these are the
        junctions; elsewhere see :mod:`geo.arcs`.
    begin, finish
        (search nodes,) for junctions: where a journey is that begins, and one that ends, at the junction itself.
    length_m
        (edges,) ellipsoidal length.
    minutes_forward, minutes_backward
        (edges,) minutes from start to end and back; `inf` where that way is not allowed.
    xy, offset
        (vertices, 2) metres, and (edges + 1,): edge `i` is the line `xy[offset[i]:offset[i + 1]]`.
    piece
        (edges,) row of the street piece.
    island
        (edges,) whether the edge lies on a component too small to matter.
    node_xy
        (search nodes, 2) where each stands; sorted by the tiles of `tiling`.
    leaving
        Minutes from search node to search node, in the direction of travel; of parallel arcs the fastest.
    """

    mode: Mode
    crs: pyproj.CRS
    start: NDArray[np.int64]
    end: NDArray[np.int64]
    leave_start: NDArray[np.int64]
    leave_end: NDArray[np.int64]
    arrive_start: NDArray[np.int64]
    arrive_end: NDArray[np.int64]
    begin: NDArray[np.int64]
    finish: NDArray[np.int64]
    length_m: NDArray[np.float64]
    minutes_forward: NDArray[np.float64]
    minutes_backward: NDArray[np.float64]
    xy: NDArray[np.float64]
    offset: NDArray[np.int64]
    piece: NDArray[np.int64]
    island: NDArray[np.bool_]
    node_xy: NDArray[np.float64]
    leaving: sparse.csr_array

    def __post_init__(self) -> None:
        for name in ARRAYS:
            getattr(self, name).flags.writeable = False

    def __repr__(self) -> str:
        km = self.length_m.sum() / units.METRES_PER_KM
        return f"<Network {self.mode.name}: {len(self.start)} edges, {km:.1f} km, {self.crs.to_string()}>"

    @property
    def node_count(self) -> int:
        """How many search nodes there are, numbered from 0."""
        return len(self.node_xy)

    @cached_property
    def plain(self) -> bool:
        """Whether search nodes are the junctions themselves: no forbidden turn, no private street."""
        return self.leave_start is self.start or np.array_equal(self.leave_start, self.start)

    def same_streets(self, other: Network) -> bool:
        """Say whether another mode uses the same edges in the same directions, so that links are the same."""
        pairs = ((getattr(self, name), getattr(other, name)) for name in ("xy", "offset", "island", "both_ways"))
        return self.crs == other.crs and all(np.array_equal(mine, theirs) for mine, theirs in pairs)

    @cached_property
    def arriving(self) -> sparse.csr_array:
        """The arcs turned round: to search from where journeys end."""
        return self.leaving.T.tocsr()

    @cached_property
    def lines(self) -> NDArray[np.object_]:
        """(edges,) LineStrings, from start to end."""
        return np.asarray(shapely.from_ragged_array(shapely.GeometryType.LINESTRING, self.xy, (self.offset,)))

    @cached_property
    def boxes(self) -> NDArray[np.float64]:
        """(edges, 4) west, south, east, north of each edge."""
        first = self.offset[:-1]
        low, high = np.minimum.reduceat(self.xy, first), np.maximum.reduceat(self.xy, first)
        return np.column_stack([low, high])

    @cached_property
    def bounds(self) -> tuple[float, float, float, float]:
        """West, south, east, north of the edges, metres."""
        west, south = self.xy.min(axis=0)
        east, north = self.xy.max(axis=0)
        return float(west), float(south), float(east), float(north)

    @cached_property
    def tiling(self) -> Tiling:
        """Tiles by which the search nodes are numbered."""
        return _tiling(self.node_xy)

    @cached_property
    def tile_of_node(self) -> NDArray[np.int64]:
        """(search nodes,) tile of each; rising."""
        return self.tiling.of(self.node_xy)

    @cached_property
    def first_node(self) -> NDArray[np.int64]:
        """(tiles + 1,) first search node of each tile."""
        return np.searchsorted(self.tile_of_node, np.arange(len(self.tiling) + 1)).astype(np.int64)

    @cached_property
    def shelf(self) -> Shelf:
        """Edges by the tiles that their boxes touch."""
        edge, tile = self.tiling.touching(self.boxes)
        return Shelf.of(self.tiling, tile, edge)

    def entered(self, direction: Direction) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Return the edges that a search enters from each search node: where they begin, and the edges."""
        if ("entered", direction) not in self.known:
            sides = (self.leave_start, self.leave_end, self.finish[self.start], self.finish[self.end])
            if direction == "to_service":
                sides = (self.arrive_start, self.arrive_end, self.begin[self.start], self.begin[self.end])
            node = np.concatenate(sides[:2] if self.plain else sides)
            edge = np.tile(np.arange(len(self.start)), len(node) // len(self.start))
            order = np.argsort(node, kind="stable")
            first = np.searchsorted(node[order], np.arange(self.node_count + 1))
            self.known["entered", direction] = first.astype(np.int64), edge[order]
        found: tuple[NDArray[np.int64], NDArray[np.int64]] = self.known["entered", direction]
        return found

    @cached_property
    def known(self) -> dict[object, Any]:
        """What other rooms work out about this network once, by a key of their own."""
        return {}

    def any_near(self, boxes: NDArray[np.float64]) -> NDArray[np.bool_]:
        """Say which boxes (n, 4) an edge's box touches."""
        box, tile = self.tiling.touching(boxes)
        which, edge = self.shelf.within(tile)
        mine, theirs = boxes[box[which]], self.boxes[edge]
        meet = (mine[:, 0] <= theirs[:, 2]) & (mine[:, 2] >= theirs[:, 0])
        meet &= (mine[:, 1] <= theirs[:, 3]) & (mine[:, 3] >= theirs[:, 1])
        found = np.zeros(len(boxes), dtype=bool)
        found[box[which[meet]]] = True
        return found

    @cached_property
    def along_m(self) -> NDArray[np.float64]:
        """(vertices,) metres of the plane from the start of each edge."""
        return along(self.xy, self.offset)

    @cached_property
    def _run_m(self) -> NDArray[np.float64]:
        """(vertices,) metres from the first vertex of all, jumps between lines included: never falling."""
        return np.concatenate([[0.0], np.cumsum(np.hypot(*np.diff(self.xy, axis=0).T))])

    def segment_at(self, edges: NDArray[np.int64], fraction: NDArray[np.float64]) -> NDArray[np.int64]:
        """Return the vertex that begins the straight segment on which a share of an edge's length falls."""
        first, last, run = self.offset[edges], self.offset[edges + 1] - 1, self._run_m
        at = np.searchsorted(run, run[first] + fraction * (run[last] - run[first]), "right") - 1
        return np.asarray(np.clip(at, first, last - 1), dtype=np.int64)

    def places_on(self, edges: NDArray[np.int64], fraction: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the places (n, 2) at some shares of the lengths of edges."""
        vertex = self.segment_at(edges, fraction)
        ahead = fraction * self.along_m[self.offset[edges + 1] - 1] - self.along_m[vertex]
        vector = self.xy[vertex + 1] - self.xy[vertex]
        length = np.hypot(vector[:, 0], vector[:, 1])
        share = np.divide(ahead, length, out=np.zeros(len(length)), where=length > 0)
        return np.asarray(self.xy[vertex] + vector * share[:, None], dtype=np.float64)

    @cached_property
    def ground_scale(self) -> NDArray[np.float64]:
        """(edges,) metres on the ground per metre of the plane: the same all around, so that it holds for legs too."""
        plane_m = self.along_m[self.offset[1:] - 1]
        scale = np.divide(self.length_m, plane_m, out=np.ones(len(plane_m)), where=plane_m > 0)
        return np.where(np.abs(scale - 1.0) < _NO_SCALE, 1.0, scale)

    @cached_property
    def fastest_m(self) -> float:
        """Metres of the plane that the fastest edge covers in a minute: nothing gets further."""
        plane_m = self.along_m[self.offset[1:] - 1]
        quickest = np.minimum(self.minutes_forward, self.minutes_backward)
        moving = plane_m > 0
        with np.errstate(divide="ignore"):
            return float((plane_m[moving] / quickest[moving]).max(initial=0.0))

    @cached_property
    def both_ways(self) -> NDArray[np.bool_]:
        """(edges,) whether an edge may be used in both directions."""
        return np.isfinite(self.minutes_forward) & np.isfinite(self.minutes_backward)

    @cached_property
    def all_lines(self) -> LineIndex:
        """Nearest-line index of all edges."""
        return self.part_index(np.arange(len(self.start)))

    @cached_property
    def tree(self) -> shapely.STRtree:
        """Spatial index of the lines, for questions that the nearest one does not answer."""
        return shapely.STRtree(self.lines)

    @cached_property
    def _indexes(self) -> dict[str, LineIndex]:
        return {}

    def indexed(self, kind: str) -> bool:
        """Say whether the index of a kind of edges stands."""
        return kind in self._indexes

    def index_of(self, kind: str, chosen: NDArray[np.bool_]) -> LineIndex:
        """Return the nearest-line index of all edges of a kind, made on first use."""
        if kind not in self._indexes:
            self._indexes[kind] = self.part_index(np.flatnonzero(chosen))
        return self._indexes[kind]

    def part_index(self, edges: NDArray[np.int64]) -> LineIndex:
        """Return a nearest-line index of some edges, which it knows by their numbers."""
        return LineIndex.of_flat(self.flat, edges)

    @cached_property
    def flat(self) -> Flat:
        """The edges as plain arrays."""
        return Flat(self.xy, self.offset, self.along_m)

    @cached_property
    def close(self) -> Shelf:
        """Edges by small tiles that their boxes touch: for who looks around a single place."""
        tiling = Tiling.over(self.bounds, things=len(self.start), side_m=_CLOSE_M)
        edge, tile = tiling.touching(self.boxes)
        return Shelf.of(tiling, tile, edge)


def to_arrays(network: Network) -> dict[str, NDArray[Any]]:
    """Return all that a network is but its mode, as plain arrays."""
    found: dict[str, NDArray[Any]] = {name: getattr(network, name) for name in ARRAYS}
    arcs = network.leaving
    return {
        **found,
        "arc_rows": arcs.indptr,
        "arc_heads": arcs.indices,
        "arc_minutes": arcs.data,
        "crs": np.array(network.crs.to_wkt()),
    }


def of_arrays(mode: Mode, arrays: Mapping[str, NDArray[Any]]) -> Network:
    """Return the network that :func:`to_arrays` took apart."""
    count = len(arrays["node_xy"])
    arcs = sparse.csr_array((arrays["arc_minutes"], arrays["arc_heads"], arrays["arc_rows"]), shape=(count, count))
    crs = pyproj.CRS.from_wkt(str(arrays["crs"]))
    return Network(mode=mode, crs=crs, leaving=arcs, **{name: arrays[name] for name in ARRAYS})


def _tiling(xy: NDArray[np.float64]) -> Tiling:
    west, south = xy.min(axis=0)
    east, north = xy.max(axis=0)
    return Tiling.over((float(west), float(south), float(east), float(north)), things=len(xy))


def _matrix(found: arcs_room.Arcs, rank: NDArray[np.int64]) -> sparse.csr_array:
    """Return the arcs as a matrix; of parallel arcs the fastest, since csr would add them up."""
    keep = np.isfinite(found.minutes) & (found.tail != found.head)
    tail, head, minutes = rank[found.tail[keep]], rank[found.head[keep]], found.minutes[keep]
    order = np.lexsort((minutes, head, tail))
    tail, head, minutes = tail[order], head[order], minutes[order]
    first = np.ones(len(tail), dtype=bool)
    first[1:] = (np.diff(tail) != 0) | (np.diff(head) != 0)
    count = len(rank)
    indptr = np.concatenate([[0], np.cumsum(np.bincount(tail[first], minlength=count))])
    return sparse.csr_array(
        (minutes[first], head[first].astype(np.int32), indptr.astype(np.int32)), shape=(count, count)
    )


def build(
    pieces: gpd.GeoDataFrame,
    mode: Mode,
    *,
    gradient: NDArray[np.float64] | None = None,
    island_m: float = ISLAND_M,
) -> Network:
    """Return the network of one mode.

    Parameters
    ----------
    pieces
        `schema.STREETS` in a metric CRS.
    mode
        Way of moving.
    gradient
        (pieces,) rise over run from start to end; used where the mode heeds slopes.
    island_m
        A component with less street than this, and not the largest, is an island.

    Raises
    ------
    GeoValueError
        When the mode may use none of the pieces.
    """
    rules = access.rules(pieces, mode)
    used = np.flatnonzero(rules.forward | rules.backward)
    if not len(used):
        msg = f"mode {mode.name} ({mode.access}) may use none of the {len(pieces)} street pieces"
        raise GeoValueError(msg)
    start, end = _ends(pieces, mode, used)
    length_m = pieces["length_m"].to_numpy(dtype=np.float64)[used]
    flat = units.minutes_of(length_m, rules.speed_kmh[used])
    up = down = np.ones(len(used))
    if gradient is not None and mode.slope:
        up, down = (
            slope.factor(sign * gradient[used], mode.access, flat_kmh=rules.speed_kmh[used]) for sign in (1.0, -1.0)
        )
    xy, line = shapely.get_coordinates(pieces.geometry.to_numpy()[used], return_index=True)
    return assemble(
        mode,
        pieces.crs,
        start=start,
        end=end,
        length_m=length_m,
        minutes_forward=np.where(rules.forward[used], flat / up, np.inf),
        minutes_backward=np.where(rules.backward[used], flat / down, np.inf),
        xy=xy,
        offset=np.searchsorted(line, np.arange(len(used) + 1)),
        piece=used,
        ends_only=rules.ends_only[used],
        turns=_of_edges(access.turns(pieces, mode), used, len(pieces)),
        island_m=island_m,
    )


def _ends(pieces: gpd.GeoDataFrame, mode: Mode, used: NDArray[np.intp]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return the junctions of edges; an end that the mode cannot pass is one of its own, so that nobody goes on."""
    ends = np.column_stack([pieces[name].to_numpy(dtype=np.int64)[used] for name in ("start_node", "end_node")])
    shut = np.column_stack(access.shut(pieces, mode))[used]
    ends[shut] = ends.max() + 1 + np.arange(shut.sum())
    return ends[:, 0], ends[:, 1]


def _of_edges(turns: Turns, used: NDArray[np.intp], count: int) -> Turns:
    """Return turns between pieces as turns between edges; those of streets not used fall away."""
    edge = np.full(count, -1, dtype=np.int64)
    edge[used] = np.arange(len(used))
    left, entered = edge[turns.from_piece], edge[turns.to_piece]
    keep = (left >= 0) & (entered >= 0)
    return access.Turns(left[keep], turns.from_end[keep], entered[keep], turns.to_start[keep])


def assemble(
    mode: Mode,
    crs: pyproj.CRS,
    *,
    start: NDArray[np.int64],
    end: NDArray[np.int64],
    length_m: NDArray[np.float64],
    minutes_forward: NDArray[np.float64],
    minutes_backward: NDArray[np.float64],
    xy: NDArray[np.float64],
    offset: NDArray[np.int64],
    piece: NDArray[np.int64],
    ends_only: NDArray[np.bool_] | None = None,
    turns: Turns | None = None,
    island_m: float = ISLAND_M,
) -> Network:
    """Return the network of edges that are given as arrays; for their meaning see :class:`Network`.

    Junction numbers may have gaps; those that no edge uses are left out.
    """
    ends, number = np.unique(np.concatenate([start, end]), return_inverse=True)
    count = len(ends)
    start, end = number[: len(start)], number[len(start) :]
    found = arcs_room.lay(
        start, end, minutes_forward, minutes_backward, node_count=count, ends_only=ends_only, turns=turns
    )
    junction_xy = np.empty((count, 2))
    junction_xy[start] = xy[offset[:-1]]
    junction_xy[end] = xy[offset[1:] - 1]
    node_xy = junction_xy[found.home]
    order = np.argsort(_tiling(node_xy).of(node_xy), kind="stable")
    rank = np.empty(len(order), dtype=np.int64)
    rank[order] = np.arange(len(order))
    plain = found.leave_start is start
    start, end = rank[start], rank[end]
    sides = (found.leave_start, found.leave_end, found.arrive_start, found.arrive_end)
    leave_start, leave_end, arrive_start, arrive_end = (
        (start, end, start, end) if plain else (rank[side] for side in sides)
    )
    return Network(
        mode=mode,
        crs=crs,
        start=start,
        end=end,
        leave_start=leave_start,
        leave_end=leave_end,
        arrive_start=arrive_start,
        arrive_end=arrive_end,
        begin=_at_junctions(found.begin, rank),
        finish=_at_junctions(found.finish, rank),
        length_m=length_m,
        minutes_forward=minutes_forward,
        minutes_backward=minutes_backward,
        xy=xy,
        offset=offset.astype(np.int64),
        piece=piece.astype(np.int64),
        island=_islands(start, end, length_m, len(order), island_m),
        node_xy=node_xy[order],
        leaving=_matrix(found, rank),
    )


def _at_junctions(found: NDArray[np.int64], rank: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return what is known of junctions by search node; a copy of a junction stands for itself."""
    moved = np.arange(len(rank))
    moved[rank[: len(found)]] = rank[found]
    return moved


def _islands(
    start: NDArray[np.int64],
    end: NDArray[np.int64],
    length_m: NDArray[np.float64],
    node_count: int,
    island_m: float,
) -> NDArray[np.bool_]:
    """Say which edges lie on a component with too little street to matter (never the largest)."""
    links = sparse.coo_array((np.ones(len(start)), (start, end)), shape=(node_count, node_count))
    label = csgraph.connected_components(links, directed=False)[1][start]
    street_m = np.bincount(label, weights=length_m)
    small = street_m < island_m
    small[np.argmax(street_m)] = False
    return np.asarray(small[label], dtype=bool)
