"""How soft shapes are drawn: curves through points, noise, lobed outlines. Metres in a local frame.

The local frame has its origin in the south-west corner of the county's frame; the study's CRS is one shift away.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING

import numpy as np
import pyproj
import shapely
from scipy import interpolate, ndimage

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import ArrayLike, NDArray

    from geo.sample.recipe import Km

FEW = 3
Array = np.ndarray[tuple[int, ...], np.dtype[np.float64]]


@cache
def _transformer(source: str, target: str) -> pyproj.Transformer:
    return pyproj.Transformer.from_crs(source, target, always_xy=True)


@dataclass(frozen=True)
class Frame:
    """Where the local frame lies in the study's CRS.

    Attributes
    ----------
    crs
        Metric CRS of the study.
    east_m, north_m
        Position of the local origin.
    """

    crs: str
    east_m: float
    north_m: float

    @classmethod
    def around(cls, crs: str, *, lon: float, lat: float, width_m: float, height_m: float) -> Frame:
        """Return the frame whose middle lies near a place, with its origin on a full kilometre."""
        east, north = _transformer("EPSG:4326", crs).transform(lon, lat)
        return cls(crs, 1000.0 * round((east - width_m / 2) / 1000), 1000.0 * round((north - height_m / 2) / 1000))

    def lonlat(self, xy: ArrayLike) -> Array:
        """Return degrees (n, 2) of local points (n, 2)."""
        points = np.atleast_2d(np.asarray(xy, dtype=np.float64))
        lon, lat = _transformer(self.crs, "EPSG:4326").transform(
            points[:, 0] + self.east_m, points[:, 1] + self.north_m
        )
        return np.column_stack([lon, lat])

    def local(self, lonlat: Array) -> Array:
        """Return local points (n, 2) of degrees (n, 2)."""
        east, north = _transformer("EPSG:4326", self.crs).transform(lonlat[:, 0], lonlat[:, 1])
        return np.column_stack([np.asarray(east) - self.east_m, np.asarray(north) - self.north_m])


@dataclass(frozen=True)
class Field:
    """Values on a regular grid, read between its points bilinearly.

    Attributes
    ----------
    values
        One row a northing, rising.
    x_m, y_m
        Local position of the first value.
    cell_m
        Distance between values.
    """

    values: Array
    x_m: float
    y_m: float
    cell_m: float

    def at(self, x: ArrayLike, y: ArrayLike) -> Array:
        """Return the values at points; beyond the grid, those of its edge."""
        rows = (np.asarray(y, dtype=np.float64) - self.y_m) / self.cell_m
        columns = (np.asarray(x, dtype=np.float64) - self.x_m) / self.cell_m
        found: Array = ndimage.map_coordinates(self.values, np.stack([rows, columns]), order=1, mode="nearest")
        return found

    @property
    def points(self) -> tuple[Array, Array]:
        """Return x and y of all values, each of the grid's shape."""
        rows, columns = self.values.shape
        x = self.x_m + np.arange(columns) * self.cell_m
        y = self.y_m + np.arange(rows) * self.cell_m
        mesh_x, mesh_y = np.meshgrid(x, y)
        return mesh_x, mesh_y


def empty_field(width_m: float, height_m: float, *, margin_m: float, cell_m: float) -> Field:
    """Return a field of zeros over a frame and its margin."""
    columns, rows = (int(np.ceil((side + 2 * margin_m) / cell_m)) + 1 for side in (width_m, height_m))
    return Field(np.zeros((rows, columns)), -margin_m, -margin_m, cell_m)


def noise_like(field: Field, rng: np.random.Generator, *, scale_m: float) -> Field:
    """Return smooth noise with mean 0 and spread 1 whose waves are about `scale_m` wide."""
    white = rng.standard_normal(field.values.shape)
    soft: Array = ndimage.gaussian_filter(white, scale_m / field.cell_m / 2, mode="reflect")
    return Field((soft - soft.mean()) / soft.std(), field.x_m, field.y_m, field.cell_m)


def curve(points_km: Sequence[Km], *, step_m: float = 25.0) -> shapely.LineString:
    """Return a smooth line through points given in kilometres."""
    points = np.asarray(points_km, dtype=np.float64) * 1000
    if len(points) < FEW:
        return shapely.LineString(points)
    gaps = np.hypot(*np.diff(points, axis=0).T)
    knots = np.concatenate([[0.0], np.cumsum(np.sqrt(gaps))])
    spline = interpolate.CubicSpline(knots, points)
    count = max(int(gaps.sum() / step_m), 8)
    return shapely.LineString(spline(np.linspace(0, knots[-1], count)))


def lobed(
    centre: Array,
    radii_m: tuple[float, float],
    *,
    angle: float,
    rough: float,
    rng: np.random.Generator,
    power: float = 2.0,
) -> shapely.Polygon:
    """Return a rounded outline: an ellipse (power 2) to a soft rectangle (power 4 and more) with lobes."""
    turns = np.linspace(0, 2 * np.pi, 97)[:-1]
    waves = sum(np.cos(k * turns + rng.uniform(0, 2 * np.pi)) * rng.normal(0, 1 / k) for k in range(2, 8))
    stretch = 1 + rough * waves
    across, along = np.cos(turns), np.sin(turns)
    soft = (np.abs(across) ** power + np.abs(along) ** power) ** (-1 / power)
    x, y = radii_m[0] * across * soft * stretch, radii_m[1] * along * soft * stretch
    turned = np.column_stack([x * np.cos(angle) - y * np.sin(angle), x * np.sin(angle) + y * np.cos(angle)])
    return shapely.Polygon(turned + centre)


def box(centre: Array, sides_m: tuple[float, float], *, angle: float) -> shapely.Polygon:
    """Return a turned rectangle."""
    across = np.array([np.cos(angle), np.sin(angle)]) * sides_m[0] / 2
    along = np.array([-np.sin(angle), np.cos(angle)]) * sides_m[1] / 2
    corners = [centre - across - along, centre + across - along, centre + across + along, centre - across + along]
    return shapely.Polygon(corners)


def warp(
    lines: NDArray[np.object_], fields: tuple[Field, Field], still: shapely.Geometry, *, most_m: float, free_m: float
) -> NDArray[np.object_]:
    """Move every vertex by noise, none on the `still` geometry and all fully beyond `free_m` from it.

    Equal vertices stay equal, so shared borders stay shared.
    """

    def move(xy: Array) -> Array:
        away = np.full(len(xy), np.inf) if still.is_empty else shapely.distance(shapely.points(xy), still)
        size = most_m * np.clip(away / free_m, 0, 1)
        shifted: Array = xy + np.column_stack([size * np.tanh(field.at(xy[:, 0], xy[:, 1])) for field in fields])
        return shifted

    moved: NDArray[np.object_] = shapely.transform(lines, move)
    return moved
