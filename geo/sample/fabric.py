"""How the streets of a town lie: two families of lines that follow a direction and keep their distance.

Each line is traced along a smooth direction field until it meets something that cannot be built on, the edge of
the town, or a line of its own family (after Jobard and Lefer, evenly spaced streamlines, 1997). A field without
noise gives a grid, one with much noise an old town.
"""

from __future__ import annotations

import math
from collections import deque
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np
import shapely
from rasterio import Affine, features

from geo.sample import shapes

if TYPE_CHECKING:
    from collections.abc import Iterable

    from numpy.typing import NDArray

    from geo.sample.land import Land
    from geo.sample.recipe import Town
    from geo.sample.shapes import Field
    from geo.sample.ways import Street

Point = tuple[float, float]
STEP_M = 12.0
MASK_CELL_M = 20.0
TOO_STEEP = 0.34
PARALLEL = 0.72
LEAST_M = 90.0


@dataclass(frozen=True)
class Ground:
    """Where streets may lie."""

    free: NDArray[np.bool_]
    x_m: float
    y_m: float

    def open_at(self, x: float, y: float) -> bool:
        """Say whether a street may pass here."""
        row, column = int((y - self.y_m) / MASK_CELL_M), int((x - self.x_m) / MASK_CELL_M)
        rows, columns = self.free.shape
        return 0 <= row < rows and 0 <= column < columns and bool(self.free[row, column])


def buildable(land: Land, *, bank_m: float = 32.0, wall_m: float = 26.0) -> Ground:
    """Return the ground without water, rail, parks and steep slopes."""
    field = land.height
    rows, columns = (int(size * field.cell_m / MASK_CELL_M) for size in field.values.shape)
    taken = [
        shapely.buffer(land.water, bank_m),
        shapely.buffer(land.rail, 30.0),
        *(shapely.buffer(park, wall_m) for park in land.parks),
    ]
    at = Affine(MASK_CELL_M, 0, field.x_m, 0, MASK_CELL_M, field.y_m)
    shown = [shape for shape in taken if not shape.is_empty]
    mask = features.rasterize(shown, out_shape=(rows, columns), transform=at, all_touched=True) if shown else None
    x = field.x_m + (np.arange(columns) + 0.5) * MASK_CELL_M
    y = field.y_m + (np.arange(rows) + 0.5) * MASK_CELL_M
    mesh_x, mesh_y = np.meshgrid(x, y)
    free = land.slope.at(mesh_x, mesh_y) < TOO_STEEP
    if mask is not None:
        free &= mask == 0
    return Ground(free, field.x_m, field.y_m)


class Crowd:
    """Points of streets with their direction, found by place; the invariant is the cell of each point."""

    def __init__(self, cell_m: float) -> None:
        self._cell_m = cell_m
        self._cells: dict[tuple[int, int], list[tuple[float, float, float, float]]] = {}

    def add(self, line: Iterable[Point]) -> None:
        """Add the points of a line, each with the direction to the next."""
        points = list(line)
        for (x, y), (to_x, to_y) in pairwise(points):
            length = math.hypot(to_x - x, to_y - y) or 1.0
            key = (int(x // self._cell_m), int(y // self._cell_m))
            self._cells.setdefault(key, []).append((x, y, (to_x - x) / length, (to_y - y) / length))

    def near(self, at: Point, towards: Point, within_m: float) -> bool:
        """Say whether a line of about the same direction passes within a distance."""
        column, row = int(at[0] // self._cell_m), int(at[1] // self._cell_m)
        reach = int(within_m // self._cell_m) + 1
        for i in range(column - reach, column + reach + 1):
            for j in range(row - reach, row + reach + 1):
                for x, y, along_x, along_y in self._cells.get((i, j), ()):
                    if (x - at[0]) ** 2 + (y - at[1]) ** 2 < within_m**2 and (
                        abs(along_x * towards[0] + along_y * towards[1]) > PARALLEL
                    ):
                        return True
        return False


@dataclass(frozen=True)
class Site:
    """A town as its streets see it."""

    town: Town
    outline: shapely.Polygon
    turn: Field
    ground: Ground

    def direction(self, at: Point, family: int) -> Point:
        """Return the unit vector that a family of streets follows here."""
        angle = math.radians(self.town.angle_deg) + float(self.turn.at([at[0]], [at[1]])[0]) + family * math.pi / 2
        return math.cos(angle), math.sin(angle)

    def open_at(self, at: Point) -> bool:
        """Say whether the town may have a street here."""
        return self.ground.open_at(*at) and bool(shapely.contains_xy(self.outline, *at))

    def distance_m(self, at: Point, family: int) -> float:
        """Return the wanted distance between streets: closer in the middle."""
        x, y = (here - 1000 * there for here, there in zip(at, self.town.centre_km, strict=True))
        share = math.hypot(x / self.town.radii_km[0], y / self.town.radii_km[1]) / 1000
        return self.town.blocks_m[family] * (0.85 + 0.45 * min(share, 1.2))


def _half(site: Site, crowd: Crowd, start: Point, family: int, sign: float) -> list[Point]:
    """Trace from a point one way; the start is not among the points returned."""
    line: list[Point] = []
    at = start
    along = tuple(sign * part for part in site.direction(at, family))
    for _ in range(400):
        at = (at[0] + STEP_M * along[0], at[1] + STEP_M * along[1])
        if not site.open_at(at) or crowd.near(at, (along[0], along[1]), 0.55 * site.distance_m(at, family)):
            break
        line.append(at)
        nxt = site.direction(at, family)
        same = 1.0 if nxt[0] * along[0] + nxt[1] * along[1] >= 0 else -1.0
        along = (same * nxt[0], same * nxt[1])
    return line


def _family(site: Site, crowd: Crowd, family: int, rng: np.random.Generator) -> list[shapely.LineString]:
    """Return the lines of one family, grown from the middle outwards."""
    centre = (site.town.centre_km[0] * 1000, site.town.centre_km[1] * 1000)
    around = rng.uniform(-1, 1, (60, 2)) * np.array(site.town.radii_km) * 900 + np.array(centre)
    waiting: deque[Point] = deque([centre, *((float(x), float(y)) for x, y in around)])
    lines: list[shapely.LineString] = []
    while waiting:
        seed = waiting.popleft()
        along = site.direction(seed, family)
        if not site.open_at(seed) or crowd.near(seed, along, 0.82 * site.distance_m(seed, family)):
            continue
        line = [*_half(site, crowd, seed, family, -1.0)[::-1], seed, *_half(site, crowd, seed, family, 1.0)]
        if len(line) * STEP_M < LEAST_M:
            continue
        crowd.add(line)
        lines.append(shapely.LineString(line))
        for x, y in line[:: max(len(line) // 6, 1)]:
            ahead = site.direction((x, y), family)
            gap = site.distance_m((x, y), family) * rng.uniform(0.9, 1.25)
            waiting.extend([(x - ahead[1] * gap, y + ahead[0] * gap), (x + ahead[1] * gap, y - ahead[0] * gap)])
    return lines


def trace_town(
    town: Town, land: Land, ground: Ground, roads: Iterable[Street], rng: np.random.Generator
) -> tuple[list[shapely.LineString], shapely.Polygon]:
    """Return the lines of a town's streets, and its outline; roads that exist keep streets away from their sides."""
    centre = np.array(town.centre_km) * 1000
    radii_m = (town.radii_km[0] * 1000, town.radii_km[1] * 1000)
    angle = math.radians(town.angle_deg)
    outline = shapes.lobed(centre, radii_m, angle=angle, rough=0.09, rng=rng, power=2.6)
    shapely.prepare(outline)
    scale_m = max(700.0, 500.0 * max(town.radii_km))
    noise = shapes.noise_like(land.height, rng, scale_m=scale_m)
    turn = shapes.Field(noise.values * town.wander * 0.5, noise.x_m, noise.y_m, noise.cell_m)
    site = Site(town, outline, turn, ground)
    lines: list[shapely.LineString] = []
    near = shapely.buffer(outline, 300.0)
    for family in (0, 1):
        crowd = Crowd(max(town.blocks_m))
        for road in roads:
            for piece in shapely.get_parts(shapely.intersection(road.line, near)):
                if isinstance(piece, shapely.LineString):
                    crowd.add(map(tuple, shapely.get_coordinates(shapely.segmentize(piece, STEP_M))))
        lines.extend(_family(site, crowd, family, rng))
    return lines, outline
