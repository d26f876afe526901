"""Synthetic counties to try things on: drawn by hand, filled in from a seed, never surveyed.

Each study is a folder with every kind of layer that the study file knows. The same name gives the same files.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from geo.errors import GeoValueError
from geo.sample import land, people, shapes, sites, streets, tables, units
from geo.sample.layout import County, write_study
from geo.sample.nanan import NANAN
from geo.sample.quangang import QUANGANG
from geo.sample.yongchun import YONGCHUN

if TYPE_CHECKING:
    from pathlib import Path

    from geo.sample.recipe import Recipe

__all__ = ["RECIPES", "write_sample"]

RECIPES = {recipe.id: recipe for recipe in (YONGCHUN, NANAN, QUANGANG)}


def _build(recipe: Recipe) -> County:
    """Return a county: the ground first, then streets, units, people and services."""
    rng = np.random.default_rng(recipe.seed)
    ground = land.shape_land(recipe, rng)
    network = streets.draw_streets(recipe, ground, rng)
    polygons, outline = units.divide(recipe, ground, rng)
    settled = people.settle(recipe, ground, network, outline, rng)
    survey = sites.survey(ground, network, settled, outline)
    areas = units.areas(recipe, polygons, network)
    placer = tables.Placer(recipe, network, survey, areas, rng)
    made = tables.factories(recipe, network, survey, rng)
    venues = tables.venues(recipe, placer, rng)
    width_m, height_m = (side * 1000 for side in recipe.size_km)
    return County(
        recipe=recipe,
        frame=shapes.Frame.around(
            recipe.crs, lon=recipe.lonlat[0], lat=recipe.lonlat[1], width_m=width_m, height_m=height_m
        ),
        land=ground,
        network=network,
        outline=outline,
        areas=areas,
        districts=units.districts(recipe, outline, areas),
        people=settled,
        residents=people.census(recipe, settled, areas, rng),
        factories=made,
        park_workers=tables.park_workers(recipe, made, rng),
        venues=venues,
        service_points=tables.service_points(recipe, placer, venues, rng),
    )


def write_sample(name: str, folder: Path) -> Path:
    """Write a synthetic sample study.

    Parameters
    ----------
    name
        `yongchun`, `nanan` or `quangang`.
    folder
        The study's own folder; made where it does not exist, files of the same name are replaced.

    Returns
    -------
    Path
        The folder.

    Raises
    ------
    GeoValueError
        The name is none of these.
    """
    if name not in RECIPES:
        msg = f"there is no sample study {name!r}; choose one of {', '.join(RECIPES)}"
        raise GeoValueError(msg)
    folder.mkdir(parents=True, exist_ok=True)
    write_study(_build(RECIPES[name]), folder)
    return folder
