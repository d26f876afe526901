"""Which street each cell of a grid is linked to: found once per network, tile by tile, where somebody asks.

Cells lie on one grid over the whole plane, so that a tile is the same whoever asks for it. A search then
costs one gather: `min(minutes at the start + P, minutes at the end + Q)` with `P` and `Q` fixed per cell.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from geo import snapping, travel_times, units
from geo.grid import Grid

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from numpy.typing import NDArray

    from geo.barriers import Fence
    from geo.catalogue import Direction
    from geo.network import Network
    from geo.tiles import Box

TILE = 64
_BLOCK = 16
_AT_ONCE = 400_000


class Linked(NamedTuple):
    """Cells of a tile that are linked to a street.

    Attributes
    ----------
    row, column
        (n,) place in the tile.
    edge, at, leg_m, vertex
        (n,) edge, share of its length, metres of the leg, and the vertex that begins the segment of the foot.
    side
        (n,) on which side of the segment the cell lies, -1 or 1; 0 where the foot is an end of the segment.
    walled
        (n,) whether a barrier may stand between the cell and its street, or its neighbours.
    choice
        (n,) whether a second street may be quicker.
    more, more_edge, more_at, more_leg_m
        (m,) second candidates: number of the cell among the n, and its second street.
    """

    row: NDArray[np.int32]
    column: NDArray[np.int32]
    edge: NDArray[np.int32]
    at: NDArray[np.float64]
    leg_m: NDArray[np.float64]
    vertex: NDArray[np.int32]
    side: NDArray[np.int8]
    walled: NDArray[np.bool_]
    choice: NDArray[np.bool_]
    more: NDArray[np.int32]
    more_edge: NDArray[np.int32]
    more_at: NDArray[np.float64]
    more_leg_m: NDArray[np.float64]


class Sides(NamedTuple):
    """What a search needs to know of linked cells, in one direction.

    Attributes
    ----------
    edges
        (e,) edges that the cells are linked to.
    place
        (n,) which of them each cell is linked to.
    by_start, by_end
        (n,) minutes from the start, and from the end, of the edge to the cell, access leg included.
    """

    edges: NDArray[np.int64]
    place: NDArray[np.int32]
    by_start: NDArray[np.float64]
    by_end: NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Tile:
    """One tile: its linked cells, and those within the cap of an island alone."""

    linked: Linked
    island: NDArray[np.int32]
    known: dict[tuple[str, str], Sides] = field(default_factory=dict)

    def sides(self, network: Network, direction: Direction) -> Sides:
        """Return what a search on a network needs to know; worked out once a mode."""
        key = network.mode.name, direction
        if key not in self.known:
            seen, linked = travel_times.ways(network, direction), self.linked
            edges, place = np.unique(linked.edge, return_inverse=True)
            leg = units.minutes_of(linked.leg_m, network.mode.access_kmh)
            self.known[key] = Sides(
                edges.astype(np.int64),
                place.astype(np.int32),
                travel_times.partial(seen.along[linked.edge], linked.at) + leg,
                travel_times.partial(seen.against[linked.edge], 1.0 - linked.at) + leg,
            )
        return self.known[key]


@dataclass(frozen=True, eq=False)
class Cells:
    """The linked cells of a window of the grid; a column is put together when it is asked for.

    Attributes
    ----------
    grid
        The window.
    tiles
        Its tiles that hold anything.
    down, right
        (tiles,) row and column in the window at which each tile begins.
    """

    grid: Grid
    tiles: list[Tile]
    down: list[int]
    right: list[int]

    def column_of(self, name: str) -> NDArray[Any]:
        """Return one column of :class:`Linked` of all cells."""
        if name not in self._columns:
            parts = [getattr(tile.linked, name) for tile in self.tiles]
            self._columns[name] = np.concatenate(parts) if parts else np.empty(0, dtype=np.int32)
        return self._columns[name]

    @cached_property
    def _columns(self) -> dict[str, NDArray[Any]]:
        return {}

    @cached_property
    def sizes(self) -> NDArray[np.int64]:
        """(tiles,) how many linked cells each holds."""
        return np.array([len(tile.linked.row) for tile in self.tiles], dtype=np.int64)

    @cached_property
    def number(self) -> NDArray[np.int64]:
        """(n,) flat number of each linked cell in the window."""
        first = np.array(self.down, dtype=np.int64) * self.grid.columns + np.array(self.right, dtype=np.int64)
        inside = self.column_of("row").astype(np.int64) * self.grid.columns + self.column_of("column")
        return inside + np.repeat(first, self.sizes)

    @cached_property
    def place(self) -> NDArray[np.int32]:
        """(cells of the window,) number of each among the linked ones, -1 where it is linked to nothing."""
        found = np.full(self.grid.rows * self.grid.columns, -1, dtype=np.int32)
        found[self.number] = np.arange(len(self.number), dtype=np.int32)
        return found

    @cached_property
    def more(self) -> NDArray[np.int64]:
        """(m,) which cells have a second candidate."""
        counts = [len(tile.linked.more) for tile in self.tiles]
        return self.column_of("more").astype(np.int64) + np.repeat(np.cumsum(self.sizes) - self.sizes, counts)

    @cached_property
    def island(self) -> NDArray[np.int64]:
        """(k,) flat numbers of cells that only an island is near to."""
        found = [
            (tile.island // TILE + down) * self.grid.columns + tile.island % TILE + right
            for tile, down, right in zip(self.tiles, self.down, self.right, strict=True)
        ]
        return np.concatenate([np.empty(0, dtype=np.int64), *found]).astype(np.int64)

    def sides(self, network: Network, direction: Direction) -> Sides:
        """Return what a search on a network needs to know of all cells."""
        parts = [tile.sides(network, direction) for tile in self.tiles]
        if not parts:
            none = np.empty(0)
            return Sides(none.astype(np.int64), none.astype(np.int32), none, none)
        counts = np.array([len(part.edges) for part in parts])
        whole = Sides(*(np.concatenate(column) for column in zip(*parts, strict=True)))
        shift = np.repeat((np.cumsum(counts) - counts).astype(np.int32), self.sizes)
        return whole._replace(place=whole.place + shift)

    def minutes(self, found: travel_times.Reach) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
        """Return the minutes of linked cells after a search, and whether the way leads over the start of the edge.

        The minutes are those of :func:`geo.travel_times.minutes_at`.
        """
        network = found.network
        sides, seen = self.sides(network, found.direction), travel_times.ways(network, found.direction)
        start, end = found.at(seen.at_start[sides.edges])[0], found.at(seen.at_end[sides.edges])[0]
        by_start, by_end = start[sides.place] + sides.by_start, end[sides.place] + sides.by_end
        minutes, over_start = np.minimum(by_start, by_end), by_start <= by_end
        minutes[minutes > found.horizon] = np.inf
        own = np.isin(sides.edges, found.facilities.edge)
        # On a facility's own street one goes straight; where junctions have copies, ends of streets differ.
        rows = np.flatnonzero(own[sides.place])
        if not network.plain:
            at = self.column_of("at")
            rows = np.union1d(rows, np.flatnonzero((at == 0.0) | (at == 1.0)))
        if len(rows):
            minutes[rows] = travel_times.minutes_of(found, self._stands(rows, network))[0]
        if len(self.more):
            np.minimum.at(minutes, self.more, travel_times.minutes_of(found, self._second(network))[0])
        return minutes, over_start

    def nearest(self, found: travel_times.Reach) -> NDArray[np.int64]:
        """Return the row of the nearest facility of linked cells, -1 where none is reached."""
        rows = np.arange(int(self.sizes.sum()))
        minutes, nearest = travel_times.minutes_of(found, self._stands(rows, found.network))
        if len(self.more):
            other, who = travel_times.minutes_of(found, self._second(found.network))
            better = other < minutes[self.more]
            nearest[self.more[better]] = who[better]
        return nearest

    def _stands(self, rows: NDArray[np.intp], network: Network) -> travel_times.Stands:
        edge, at, leg_m = (self.column_of(name)[rows] for name in ("edge", "at", "leg_m"))
        return travel_times.stands_of(rows, edge, at, leg_m, access_kmh=network.mode.access_kmh)

    def _second(self, network: Network) -> travel_times.Stands:
        edge, at, leg_m = (self.column_of(name) for name in ("more_edge", "more_at", "more_leg_m"))
        return travel_times.stands_of(self.more, edge, at, leg_m, access_kmh=network.mode.access_kmh)


@dataclass(frozen=True, eq=False)
class CellLinks:
    """The cells of one network at one cell size; tiles are linked when they are first asked for.

    Attributes
    ----------
    network
        Streets of one mode; :meth:`for_mode` shares the tiles with another that uses the same streets.
    cell_m
        Side of a cell.
    cap_m
        Longest access leg.
    barriers
        What a leg must not cross.
    """

    network: Network
    cell_m: float
    cap_m: float = snapping.CAP_M
    barriers: Fence | None = None
    tiles: dict[tuple[int, int], Tile] = field(default_factory=dict)

    def for_mode(self, network: Network) -> CellLinks:
        """Return the same cells for another mode on the same streets."""
        return replace(self, network=network)

    def to_arrays(self) -> dict[str, NDArray[Any]]:
        """Return all tiles as plain arrays."""
        keys = sorted(self.tiles)
        tiles = [self.tiles[key] for key in keys]
        columns = {
            name: np.concatenate([getattr(tile.linked, name) for tile in tiles]) for name in Linked._fields if tiles
        }
        return {
            **columns,
            "keys": np.array(keys, dtype=np.int64).reshape(-1, 2),
            "sizes": np.array([len(tile.linked.row) for tile in tiles], dtype=np.int64),
            "more_sizes": np.array([len(tile.linked.more) for tile in tiles], dtype=np.int64),
            "island_sizes": np.array([len(tile.island) for tile in tiles], dtype=np.int64),
            "island": np.concatenate([np.empty(0, dtype=np.int32), *(tile.island for tile in tiles)]),
        }

    def take(self, arrays: Mapping[str, NDArray[Any]]) -> None:
        """Take over tiles that :meth:`to_arrays` gave."""
        if not len(arrays["keys"]):
            return
        first, more, island = (np.cumsum(arrays[name])[:-1] for name in ("sizes", "more_sizes", "island_sizes"))
        columns = [np.split(arrays[name], more if name.startswith("more") else first) for name in Linked._fields]
        islands = np.split(arrays["island"], island)
        for (row, column), own, linked in zip(arrays["keys"].tolist(), islands, zip(*columns, strict=True), strict=True):
            self.tiles[row, column] = Tile(Linked(*linked), own)

    def within(self, box: Box) -> Cells:
        """Return the cells of a window: all whose tile touches a box (west, south, east, north)."""
        side = TILE * self.cell_m
        west, south, east, north = box
        rows = range(int(np.floor(-north / side)), int(np.floor(-south / side)) + 1)
        columns = range(int(np.floor(west / side)), int(np.floor(east / side)) + 1)
        keys = [(row, column) for row in rows for column in columns]
        self._link(key for key in keys if key not in self.tiles)
        grid = Grid(columns[0] * side, -rows[0] * side, self.cell_m, len(rows) * TILE, len(columns) * TILE)
        some = [key for key in keys if len(self.tiles[key].linked.row) or len(self.tiles[key].island)]
        down = [(row - rows[0]) * TILE for row, _ in some]
        right = [(column - columns[0]) * TILE for _, column in some]
        return Cells(grid, [self.tiles[key] for key in some], down, right)

    def _link(self, keys: Iterable[tuple[int, int]]) -> None:
        """Link the cells of some tiles, as many at once as memory bears."""
        missing = list(keys)
        at_once = max(1, _AT_ONCE // TILE**2)
        for begin in range(0, len(missing), at_once):
            some = missing[begin : begin + at_once]
            tile, cell = self._near(np.array(some, dtype=np.int64))
            self.tiles.update(zip(some, self._tiles(np.array(some, dtype=np.int64), tile, cell), strict=True))

    def _near(self, keys: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Return the cells of tiles that a street may be near to: number of the tile, and of the cell in it."""
        block_m, a_side = _BLOCK * self.cell_m, TILE // _BLOCK
        tile, block = np.divmod(np.arange(len(keys) * a_side**2), a_side**2)
        row, column = keys[tile, 0] * a_side + block // a_side, keys[tile, 1] * a_side + block % a_side
        west, north = column * block_m - self.cap_m, -row * block_m + self.cap_m
        wide = block_m + 2 * self.cap_m
        boxes = np.column_stack([west, north - wide, west + wide, north])
        near = np.flatnonzero(self.network.any_near(boxes))
        inside = np.arange(_BLOCK**2)
        at_row = (block[near] // a_side * _BLOCK)[:, None] + inside // _BLOCK
        at_column = (block[near] % a_side * _BLOCK)[:, None] + inside % _BLOCK
        return np.repeat(tile[near], _BLOCK**2), (at_row * TILE + at_column).ravel()

    def _tiles(self, keys: NDArray[np.int64], tile: NDArray[np.int64], cell: NDArray[np.int64]) -> list[Tile]:
        row, column = keys[tile, 0] * TILE + cell // TILE, keys[tile, 1] * TILE + cell % TILE
        xy = np.column_stack([(column + 0.5) * self.cell_m, -(row + 0.5) * self.cell_m])
        status, first, second = snapping.link(self.network, xy, cap_m=self.cap_m, barriers=self.barriers)
        ok, island = np.flatnonzero(status == "ok"), np.flatnonzero(status == "island")
        ok = ok[np.argsort(tile[ok], kind="stable")]
        choice = second.line[ok] >= 0
        walled = np.zeros(len(ok), dtype=bool)
        if self.barriers is not None:
            walled = self.barriers.near(xy[ok], within_m=first.metres[ok] + 2.0 * self.cell_m)
        leg_m, more_m = snapping.ground_m(self.network, first)[ok], snapping.ground_m(self.network, second)[ok]
        side = _side(self.network, xy[ok], first.vertex[ok])
        bounds = np.searchsorted(tile[ok], np.arange(len(keys) + 1))
        found = []
        for each, (begin, stop) in enumerate(zip(bounds[:-1], bounds[1:], strict=True)):
            mine = ok[begin:stop]
            more = np.flatnonzero(second.line[mine] >= 0)
            linked = Linked(
                row=(cell[mine] // TILE).astype(np.int32),
                column=(cell[mine] % TILE).astype(np.int32),
                edge=first.line[mine].astype(np.int32),
                at=first.fraction[mine],
                leg_m=leg_m[begin:stop],
                vertex=first.vertex[mine].astype(np.int32),
                side=side[begin:stop],
                walled=walled[begin:stop],
                choice=choice[begin:stop],
                more=more.astype(np.int32),
                more_edge=second.line[mine][more].astype(np.int32),
                more_at=second.fraction[mine][more],
                more_leg_m=more_m[begin:stop][more],
            )
            found.append(Tile(linked, cell[island[tile[island] == each]].astype(np.int32)))
        return found


def _side(network: Network, xy: NDArray[np.float64], vertex: NDArray[np.int64]) -> NDArray[np.int8]:
    """Return on which side of its segment each place lies; 0 where the nearest point is an end of the segment."""
    vector, offset = network.xy[vertex + 1] - network.xy[vertex], xy - network.xy[vertex]
    along, square = (offset * vector).sum(axis=1), (vector**2).sum(axis=1)
    left = np.sign(vector[:, 0] * offset[:, 1] - vector[:, 1] * offset[:, 0])
    return np.where((along > 0) & (along < square), left, 0).astype(np.int8)
