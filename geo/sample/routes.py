"""How roads find their way through the hills: least cost over the terrain, gentle before short."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import shapely
from scipy import ndimage, sparse
from scipy.sparse import csgraph

from geo.sample import shapes
from geo.sample.ways import Street

if TYPE_CHECKING:
    from collections.abc import Iterable

    from numpy.typing import NDArray

    from geo.sample.land import Land
    from geo.sample.recipe import Recipe
    from geo.sample.shapes import Array, Field

CELL_M = 50.0
GENTLE = 0.055
FEW = 5
_MOVES = ((0, 1), (1, 0), (1, 1), (1, -1), (1, 2), (2, 1), (2, -1), (1, -2))


def _grid(land: Land) -> tuple[Field, Array]:
    """Return heights on the routing grid, and the factor by which a cell is dearer to pass."""
    dem = land.height
    factor = dem.cell_m / CELL_M
    rows, columns = (int(size * factor) - 1 for size in dem.values.shape)
    grid = shapes.Field(np.zeros((rows, columns)), dem.x_m, dem.y_m, CELL_M)
    x, y = grid.points
    blocked = shapely.union_all([shapely.buffer(land.water, 45.0), shapely.buffer(land.rail, 25.0)])
    parks = shapely.union_all([shapely.buffer(park, 60.0) for park in land.parks])
    dear = np.ones(x.shape)
    for area in (blocked, parks):
        shapely.prepare(area)
        dear[shapely.contains_xy(area, x, y)] = 400.0
    return shapes.Field(dem.at(x, y), dem.x_m, dem.y_m, CELL_M), dear


def _costs(grid: Field, dear: Array) -> sparse.csr_matrix:
    """Return what a step between neighbouring cells costs: metres, times a rising price of slope."""
    rows, columns = grid.values.shape
    number = np.arange(rows * columns).reshape(rows, columns)
    starts, ends, prices = [], [], []
    for down, right in _MOVES:
        here = (slice(0, rows - down), slice(max(-right, 0), columns - max(right, 0)))
        there = (slice(down, rows), slice(max(right, 0), columns + min(right, 0)))
        length = CELL_M * np.hypot(down, right)
        slope = np.abs(grid.values[there] - grid.values[here]) / length
        price = length * (1 + (slope / GENTLE) ** 2) * (dear[here] + dear[there]) / 2
        starts.append(number[here].ravel())
        ends.append(number[there].ravel())
        prices.append(price.ravel())
    pairs = (np.concatenate(starts), np.concatenate(ends))
    return sparse.csr_matrix((np.concatenate(prices), pairs), shape=(number.size, number.size))


def _cell(grid: Field, at: Array) -> int:
    column, row = np.rint((at - [grid.x_m, grid.y_m]) / grid.cell_m).astype(int)
    return int(row * grid.values.shape[1] + column)


def _place(grid: Field, cells: NDArray[np.intp]) -> Array:
    row, column = np.divmod(cells, grid.values.shape[1])
    return np.column_stack([grid.x_m + column * grid.cell_m, grid.y_m + row * grid.cell_m])


def _soften(points: Array) -> Array:
    """Round the corners of a staircase, keeping both ends."""
    if len(points) < FEW:
        return points
    soft: Array = ndimage.gaussian_filter1d(points, 1.1, axis=0, mode="nearest")
    soft[0], soft[-1] = points[0], points[-1]
    return soft


def _walk_back(before: NDArray[np.int32], end: int) -> NDArray[np.intp]:
    path = [end]
    while before[path[-1]] >= 0:
        path.append(int(before[path[-1]]))
    return np.array(path[::-1], dtype=np.intp)


def _join(points: Array, roads: shapely.Geometry) -> shapely.LineString:
    """Return a path that ends where it first comes close to a road, exactly on it."""
    path = shapely.points(points)
    close = np.flatnonzero(shapely.distance(path, roads) < 0.9 * CELL_M)
    stop = int(close[0]) if len(close) else len(points) - 1
    last = shapely.get_coordinates(shapely.shortest_line(path[stop], roads))[1]
    kept = points[:stop] if stop > 1 else points[:1]
    return shapely.LineString(np.vstack([_soften(np.vstack([kept, last])), last + (last - kept[-1]) * 1e-3]))


def link_places(recipe: Recipe, land: Land, roads: Iterable[Street]) -> list[Street]:
    """Return roads from places to the nearest road, in cost, and between the pairs that the recipe names."""
    grid, dear = _grid(land)
    costs = _costs(grid, dear)
    found: list[Street] = []
    lines = [road.line for road in roads if road.level == 0 and road.highway]
    inside = shapely.box(grid.x_m, grid.y_m, *(_place(grid, np.array([grid.values.size - 1]))[0]))
    for name, start_km, goal_km in _wanted(recipe):
        network = shapely.union_all(lines)
        start = _cell(grid, np.array(start_km) * 1000)
        cost, before = csgraph.dijkstra(costs, directed=False, indices=start, return_predecessors=True)
        if goal_km is None:
            road_points = shapely.get_coordinates(shapely.segmentize(shapely.intersection(network, inside), CELL_M))
            goals = np.unique([_cell(grid, point) for point in road_points])
            end = int(goals[np.argmin(cost[goals])])
            line = _join(_place(grid, _walk_back(before, end)), network)
        else:
            path = _place(grid, _walk_back(before, _cell(grid, np.array(goal_km) * 1000)))
            line = _between(path, network)
        if line.length > CELL_M:
            lines.append(line)
            found.append(Street(line, "unclassified", name, cross=True))
    return found


def _wanted(recipe: Recipe) -> list[tuple[str, tuple[float, float], tuple[float, float] | None]]:
    single = [(f"{town.name}路", town.centre_km, None) for town in recipe.towns if town.linked]
    pairs = [("示例村际路", start, goal) for start, goal in recipe.links_km]
    return [*single, *pairs]


def _between(path: Array, network: shapely.Geometry) -> shapely.LineString:
    """Return the longest stretch of a path that keeps away from roads, tied to the roads at its ends."""
    near = shapely.distance(shapely.points(path), network) < 2.6 * CELL_M
    bounds = np.flatnonzero(np.diff(np.concatenate([[1], near.astype(int), [1]])))
    runs = bounds.reshape(-1, 2)
    if not len(runs):
        return shapely.LineString()
    first, last = runs[np.argmax(runs[:, 1] - runs[:, 0])]
    middle = path[first:last]
    ends = [
        shapely.get_coordinates(shapely.shortest_line(shapely.Point(end), network))[1]
        for end in (middle[0], middle[-1])
    ]
    return shapely.LineString(_soften(np.vstack([ends[0], middle, ends[1]])))


def main_roads(recipe: Recipe) -> list[Street]:
    """Return the roads that the recipe draws by hand, the motorway and the railway."""
    found = [
        Street(
            shapes.curve(road.course_km),
            road.highway,
            road.name,
            (("ref", road.ref),) if road.ref else (),
            cross=road.cross,
            loose=True,
        )
        for road in recipe.roads
    ]
    if recipe.motorway_km:
        middle = shapes.curve(recipe.motorway_km, step_m=60.0)
        tags = (("oneway", "yes"), ("maxspeed", "100"), ("ref", "S示例"), ("bridge", "viaduct"), ("layer", "2"))
        ahead = shapely.offset_curve(middle, -11.0)
        back = shapely.reverse(shapely.offset_curve(middle, 11.0))
        found += [Street(line, "motorway", "示例高速", tags, level=2) for line in (ahead, back)]
    if recipe.rail_km:
        found.append(Street(shapes.curve(recipe.rail_km, step_m=60.0), "", "示例铁路", level=-1))
    return found
