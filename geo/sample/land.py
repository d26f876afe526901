"""Where the ground is high, where the water runs, and where nothing can be built."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import shapely
from scipy import ndimage

from geo.sample import shapes

if TYPE_CHECKING:
    from geo.sample.recipe import Recipe, River
    from geo.sample.shapes import Array, Field

MARGIN_M = 2400.0
DEM_CELL_M = 80.0


@dataclass(frozen=True)
class Land:
    """The ground of a county, in the local frame.

    Attributes
    ----------
    height
        Metres above the sea.
    slope
        Rise over run.
    rivers, sea
        Polygons; either may be empty.
    rail
        Line; may be empty.
    centre_lines
        River courses, where borders run.
    parks
        Outlines in the order of the recipe.
    county
        Outline of the county as drawn, before its border is made crooked.
    """

    height: Field
    slope: Field
    rivers: shapely.Geometry
    sea: shapely.Geometry
    rail: shapely.Geometry
    centre_lines: tuple[shapely.LineString, ...]
    parks: tuple[shapely.Polygon, ...]
    county: shapely.Polygon

    @property
    def water(self) -> shapely.Geometry:
        """River and sea together."""
        return shapely.union(self.rivers, self.sea)


def _river(river: River, noise: Field) -> tuple[shapely.LineString, shapely.Geometry]:
    course = shapely.segmentize(shapes.curve(river.course_km), 25.0)
    xy = shapely.get_coordinates(course)
    radius = river.width_m / 2 * (1 + 0.16 * noise.at(xy[:, 0], xy[:, 1]))
    body = shapely.union_all(shapely.buffer(shapely.points(xy), np.maximum(radius, 8.0), quad_segs=6))
    return course, shapely.simplify(body, 3.0)


def _ramp(distance: Array, start: Array | float, width_m: float) -> Array:
    """Return 0 up to the start and 1 after the width, without corners."""
    share = np.clip((distance - start) / width_m, 0, 1)
    soft: Array = share**2 * (3 - 2 * share)
    return soft


def _flat_places(recipe: Recipe) -> shapely.Geometry:
    towns = [
        shapely.Point(np.array(town.centre_km) * 1000).buffer(max(town.radii_km) * 900)
        for town in recipe.towns
        if town.flat
    ]
    parks = [shapely.Point(np.array(park.centre_km) * 1000).buffer(450) for park in recipe.parks]
    return shapely.union_all([*towns, *parks])


def _heights(
    recipe: Recipe, lines: tuple[shapely.LineString, ...], sea: shapely.Geometry, field: Field, rng: np.random.Generator
) -> Field:
    x, y = field.points
    points = shapely.points(x, y)
    rough, middle, fine = (shapes.noise_like(field, rng, scale_m=scale) for scale in (2600, 1200, 480))
    low = shapely.simplify(shapely.union_all([*lines, sea]), 20.0)
    distance = shapely.distance(points, low) if not low.is_empty else np.full(x.shape, 1e5)
    near = np.minimum(distance, shapely.distance(points, _flat_places(recipe)) + 150.0)
    share = _ramp(near, recipe.valley_m * (1 + 0.25 * rough.values), 2300.0)
    ridge = 0.78 - 0.55 * np.abs(middle.values) + 0.32 * rough.values + 0.09 * fine.values
    hills = recipe.relief_m * share * np.maximum(ridge + 0.25, 0.12)
    floor: Array | float = recipe.river_top_m + 4.0
    if lines:
        along = shapely.line_locate_point(shapely.simplify(lines[0], 40.0), points)
        bed = np.maximum(recipe.river_top_m - recipe.river_fall * along, 3.0)
        floor = ndimage.gaussian_filter(bed, 6.0) + 4.0
    terrace = 10 * _ramp(distance, 60.0, 700.0)
    height = _levelled(recipe, ndimage.gaussian_filter(floor + terrace + hills, 0.8), (x, y))
    if not sea.is_empty:
        shore = shapely.distance(points, sea)
        height = np.minimum(height, 1.0 + 0.012 * shore + hills * _ramp(shore, 400.0, 2500.0))
        height[shapely.intersects(points, sea)] = 0.0
    return shapes.Field(height, field.x_m, field.y_m, field.cell_m)


def _levelled(recipe: Recipe, height: Array, at: tuple[Array, Array]) -> Array:
    """Return heights that are gentler where a village stands on the hill."""
    soft = ndimage.gaussian_filter(height, 6.0)
    for town in recipe.towns:
        away = np.hypot(at[0] - town.centre_km[0] * 1000, at[1] - town.centre_km[1] * 1000)
        share = 0.75 * np.exp(-((away / (1300 * max(town.radii_km))) ** 2)) * (not town.flat)
        height = height * (1 - share) + soft * share
    return height


def _sea(recipe: Recipe) -> shapely.Geometry:
    """Return the sea: right of the drawn coast and out to the frame's margin."""
    if not recipe.sea_km:
        return shapely.Polygon()
    coast = shapely.get_coordinates(shapes.curve(recipe.sea_km, step_m=60.0))
    shown = shapely.box(-MARGIN_M, -MARGIN_M, *(side * 1000 + MARGIN_M for side in recipe.size_km))
    return shapely.intersection(shapely.simplify(shapely.make_valid(shapely.Polygon(coast)), 4.0), shown)


def _county(recipe: Recipe, rng: np.random.Generator) -> shapely.Polygon:
    width, height = (side * 1000 for side in recipe.size_km)
    middle = np.array([width / 2, height / 2])
    return shapes.lobed(middle, (width / 2, height / 2), angle=0.0, rough=0.05, rng=rng, power=4.0)


def _slope(height: Field) -> Field:
    rise_y, rise_x = np.gradient(height.values, height.cell_m)
    return shapes.Field(np.hypot(rise_x, rise_y), height.x_m, height.y_m, height.cell_m)


def shape_land(recipe: Recipe, rng: np.random.Generator) -> Land:
    """Return the ground of a recipe."""
    width, height_m = (side * 1000 for side in recipe.size_km)
    field = shapes.empty_field(width, height_m, margin_m=MARGIN_M, cell_m=DEM_CELL_M)
    width_noise = shapes.noise_like(field, rng, scale_m=900)
    drawn = [_river(river, width_noise) for river in recipe.rivers]
    lines = tuple(line for line, _ in drawn)
    sea = _sea(recipe)
    rivers = shapely.difference(shapely.union_all([body for _, body in drawn]), sea)
    height = _heights(recipe, lines, sea, field, rng)
    parks = tuple(
        shapes.box(
            np.array(park.centre_km) * 1000,
            (park.sides_km[0] * 1000, park.sides_km[1] * 1000),
            angle=np.radians(park.angle_deg),
        )
        for park in recipe.parks
    )
    rail = shapes.curve(recipe.rail_km) if recipe.rail_km else shapely.LineString()
    return Land(height, _slope(height), rivers, sea, rail, lines, parks, _county(recipe, rng))
