"""Which street each cell of a grid is linked to: found once per network, tile by tile, where somebody asks.

Cells lie on one grid over the whole plane, so that a tile is the same whoever asks for it. They are kept by
street: a search looks at the streets that it reached and at nobody else's cells, and costs one gather:
`min(minutes at the start + P, minutes at the end + Q)` with `P` and `Q` fixed per cell.
"""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from functools import cached_property
from itertools import pairwise
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from geo import snapping, travel_times, units

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from numpy.typing import NDArray

    from geo.barriers import Fence
    from geo.catalogue import Direction
    from geo.network import Network
    from geo.tiles import Box


TILE = 64
_BLOCK = 16
_AT_ONCE = 100_000


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


_DTYPES: dict[str, Any] = {
    **dict.fromkeys(("row", "column", "edge", "vertex", "more", "more_edge"), np.int32),
    **dict.fromkeys(("at", "leg_m", "more_at", "more_leg_m"), np.float64),
    **dict.fromkeys(("walled", "choice"), np.bool_),
    "side": np.int8,
}


class Tile(NamedTuple):
    """One tile: its linked cells, and those within the cap of an island alone."""

    linked: Linked
    island: NDArray[np.int32]


class Sides(NamedTuple):
    """What a search needs to know of each link, in one direction.

    Attributes
    ----------
    by_start, by_end
        (links,) minutes from the start, and from the end, of the edge to the cell, access leg included.
    leg
        (links,) minutes of the access leg.
    """

    by_start: NDArray[np.float64]
    by_end: NDArray[np.float64]
    leg: NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Table:
    """All cells linked so far, and their links sorted by street.

    Attributes
    ----------
    keys
        (tiles, 2) row and column of each tile.
    parts
        (tiles,) the tiles.
    """

    keys: NDArray[np.int64]
    parts: list[Tile]

    def cells(self, name: str) -> NDArray[Any]:
        """Return one column of :class:`Linked` of all cells; rows and columns are those of the tile."""
        if name not in self._columns:
            columns = [getattr(part.linked, name) for part in self.parts]
            self._columns[name] = np.concatenate(columns) if columns else np.empty(0, dtype=_DTYPES[name])
        return self._columns[name]

    @cached_property
    def _columns(self) -> dict[str, NDArray[Any]]:
        return {}

    @cached_property
    def _links(self) -> dict[str, NDArray[Any]]:
        return {}

    @cached_property
    def _sides(self) -> dict[tuple[str, str], Sides]:
        return {}

    @cached_property
    def _tile(self) -> NDArray[np.int64]:
        """(cells,) tile of each."""
        return np.repeat(np.arange(len(self.parts)), [len(part.linked.row) for part in self.parts])

    @cached_property
    def row(self) -> NDArray[np.int64]:
        """(cells,) row over the whole plane, southwards."""
        return np.asarray(self.keys[self._tile, 0] * TILE + self.cells("row"), dtype=np.int64)

    @cached_property
    def column(self) -> NDArray[np.int64]:
        """(cells,) column over the whole plane, eastwards."""
        return np.asarray(self.keys[self._tile, 1] * TILE + self.cells("column"), dtype=np.int64)

    @cached_property
    def island(self) -> NDArray[np.int64]:
        """(k, 2) column and row of the cells that only an island is near to."""
        tile = np.repeat(np.arange(len(self.parts)), [len(part.island) for part in self.parts])
        inside = np.concatenate([np.empty(0, dtype=np.int64), *(part.island for part in self.parts)])
        return np.column_stack([self.keys[tile, 1] * TILE + inside % TILE, self.keys[tile, 0] * TILE + inside // TILE])

    @cached_property
    def _second(self) -> NDArray[np.int64]:
        """(second links,) cell of each."""
        counts = [len(part.linked.more) for part in self.parts]
        sizes = np.array([len(part.linked.row) for part in self.parts], dtype=np.int64)
        return self.cells("more").astype(np.int64) + np.repeat(np.cumsum(sizes) - sizes, counts)

    @cached_property
    def _order(self) -> NDArray[np.int64]:
        """Links, first and second ones, by edge."""
        return np.argsort(np.concatenate([self.cells("edge"), self.cells("more_edge")]), kind="stable")

    def links(self, name: str) -> NDArray[Any]:
        """Return `edge`, `at` or `leg_m` of all links, sorted by edge."""
        if name not in self._links:
            self._links[name] = np.concatenate([self.cells(name), self.cells(f"more_{name}")])[self._order]
        return self._links[name]

    @cached_property
    def cell(self) -> NDArray[np.int64]:
        """(links,) cell of each link."""
        return np.concatenate([np.arange(len(self.cells("row"))), self._second])[self._order]

    @cached_property
    def edges(self) -> NDArray[np.int64]:
        """Edges that have cells, rising."""
        return np.unique(self.links("edge")).astype(np.int64)

    @cached_property
    def linked(self) -> NDArray[np.bool_]:
        """(edges up to the last that has cells, and one more,) whether each has cells."""
        found = np.zeros(int(self.edges.max(initial=-1)) + 2, dtype=bool)
        found[self.edges] = True
        return found

    @cached_property
    def first(self) -> NDArray[np.int64]:
        """(edges + 1,) where the links of each edge begin."""
        return np.append(np.searchsorted(self.links("edge"), self.edges), len(self.cell)).astype(np.int64)

    def sides(self, network: Network, direction: Direction) -> Sides:
        """Return what a search on a network needs to know; worked out once a mode and direction."""
        key = network.mode.name, direction
        if key not in self._sides:
            seen, edge, at = travel_times.ways(network, direction), self.links("edge"), self.links("at")
            leg = units.minutes_of(self.links("leg_m"), network.mode.access_kmh)
            along, against = seen.along[edge], seen.against[edge]
            self._sides[key] = Sides(
                travel_times.partial(along, at) + leg, travel_times.partial(against, 1.0 - at) + leg, leg
            )
        return self._sides[key]

    def at(self, row: NDArray[np.int64], column: NDArray[np.int64]) -> NDArray[np.int64]:
        """Return the linked cell at rows and columns of the whole plane, -1 where none is."""
        corner, tiles = self._tiles
        tile_row, tile_column = row // TILE - corner[0], column // TILE - corner[1]
        inside = (tile_row >= 0) & (tile_row < tiles.shape[0]) & (tile_column >= 0) & (tile_column < tiles.shape[1])
        tile = np.where(inside, tiles[np.where(inside, tile_row, 0), np.where(inside, tile_column, 0)], -1)
        return np.where(tile >= 0, self._place[tile, row % TILE, column % TILE], -1).astype(np.int64)

    @cached_property
    def _tiles(self) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Corner of the box around the tiles, and the number of the tile at each place in it, -1 where none is."""
        if not len(self.keys):
            return np.zeros(2, dtype=np.int64), np.full((1, 1), -1)
        corner = self.keys.min(axis=0)
        numbers = np.full(self.keys.max(axis=0) - corner + 1, -1)
        numbers[tuple((self.keys - corner).T)] = np.arange(len(self.keys))
        return corner, numbers

    @cached_property
    def _place(self) -> NDArray[np.int32]:
        """(tiles, TILE, TILE) linked cell at each place, -1 where none is."""
        found = np.full((max(len(self.parts), 1), TILE, TILE), -1, dtype=np.int32)
        found[self._tile, self.cells("row"), self.cells("column")] = np.arange(len(self._tile), dtype=np.int32)
        return found


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
    tiles
        Those linked so far, by row and column.
    tables
        The one table of them, if it stands.
    """

    network: Network
    cell_m: float
    cap_m: float = snapping.CAP_M
    barriers: Fence | None = None
    tiles: dict[tuple[int, int], Tile] = field(default_factory=dict)
    tables: list[Table] = field(default_factory=list)

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
        for (row, column), own, linked in zip(
            arrays["keys"].tolist(), islands, zip(*columns, strict=True), strict=True
        ):
            self.tiles[row, column] = Tile(Linked(*linked), own)
        self.tables.clear()

    def link(self, boxes: Iterable[Box]) -> Table:
        """Link the cells of all tiles that boxes (west, south, east, north) touch, and return all cells linked."""
        side = TILE * self.cell_m
        keys: dict[tuple[int, int], None] = {}
        least_x, least_y, most_x, most_y = self.network.bounds
        for box in boxes:
            # Beyond the cap around all streets there is nothing to link.
            west, south = max(box[0], least_x - self.cap_m), max(box[1], least_y - self.cap_m)
            east, north = min(box[2], most_x + self.cap_m), min(box[3], most_y + self.cap_m)
            if west > east or south > north:
                continue
            rows = range(int(np.floor(-north / side)), int(np.floor(-south / side)) + 1)
            columns = range(int(np.floor(west / side)), int(np.floor(east / side)) + 1)
            keys.update(((row, column), None) for row in rows for column in columns)
        missing = [key for key in keys if key not in self.tiles]
        self._link(missing)
        table = self.tables[0] if self.tables else None
        if table is None or len(table.parts) < len(self.tiles):
            known = list(self.tiles.items())  # at once: other threads may be linking too
            table = Table(
                np.array([key for key, _ in known], dtype=np.int64).reshape(-1, 2), [part for _, part in known]
            )
            self.tables[:] = [table]
        return table

    def _link(self, keys: Iterable[tuple[int, int]]) -> None:
        """Link the cells of some tiles, as many at once as memory bears."""
        missing = sorted(keys)
        at_once = max(1, _AT_ONCE // TILE**2)
        blocks = [missing[begin : begin + at_once] for begin in range(0, len(missing), at_once)]

        def linked(some: list[tuple[int, int]]) -> list[Tile]:
            which = np.array(some, dtype=np.int64)
            return self._tiles(which, *self._near(which))

        # Blocks do not depend on one another, and the work is in libraries that let other threads run.
        with ThreadPoolExecutor(max_workers=os.cpu_count()) as pool:
            for some, tiles in zip(blocks, pool.map(linked, blocks), strict=True):
                self.tiles.update(zip(some, tiles, strict=True))

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
        for each, (begin, stop) in enumerate(pairwise(bounds)):
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
