"""Where does a facility or a venue stand: its unit, districts, town, longitude and latitude, as people read them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
import shapely

from geo import areas, crs as crs_room
from geo.reports import cells

if TYPE_CHECKING:
    import geopandas as gpd
    from numpy.typing import NDArray

    from geo.reports.edition import Edition

KINDS = ("community", "park")


@dataclass(frozen=True)
class Place:
    """A place in words; "" and NaN where it is not known. `districts` are ids, joined by ";"."""

    unit: str
    town: str
    districts: str
    lon: float
    lat: float


def of_units(edition: Edition) -> dict[str, dict[str, str]]:
    """Return unit id → name, town and district ids, of communities and parks."""
    return edition.once("places_of_units", lambda: _of_units(edition))


def _of_units(edition: Edition) -> dict[str, dict[str, str]]:
    units, lang = edition.results.units, edition.lang
    columns = [units[name].tolist() for name in ("unit_kind", "unit_id", "unit_name", "town", "districts")]
    return {
        code: {
            "name": cells.text_of(name, lang),
            "town": cells.text_of(town, lang),
            "districts": cells.text_of(part, lang),
        }
        for kind, code, name, town, part in zip(*columns, strict=True)
        if kind in KINDS
    }


def lon_lat(points: gpd.GeoDataFrame) -> tuple[list[float], list[float]]:
    """Return longitudes and latitudes (WGS 84), NaN without a place."""
    places = crs_room.convert(points[[points.geometry.name]], crs_room.WGS84).geometry.to_numpy()
    return shapely.get_x(places).tolist(), shapely.get_y(places).tolist()


def of_venues(edition: Edition, venues: gpd.GeoDataFrame) -> list[Place]:
    """Return the place of every venue: the unit that its layer names, else the one that it stands in."""
    lang, units = edition.lang, of_units(edition)
    shapes = venues.geometry.to_numpy()
    inside = [areas.locate(shapes, edition.results.units, kind).tolist() for kind in KINDS]
    named = venues["unit_id"].tolist() if "unit_id" in venues.columns else [""] * len(venues)
    texts = [
        [
            cells.text_of(value, lang)
            for value in (venues[name].tolist() if name in venues.columns else [""] * len(venues))
        ]
        for name in ("town", "district")
    ]
    found = []
    for at, (lon, lat) in enumerate(zip(*lon_lat(venues), strict=True)):
        codes = (named[at], *(column[at] for column in inside))
        unit = next((units[code] for code in codes if code in units), {})
        town, district = texts[0][at], texts[1][at]
        found.append(
            Place(unit.get("name", ""), town or unit.get("town", ""), district or unit.get("districts", ""), lon, lat)
        )
    return found


def nearest_to_most(nearest: NDArray[np.object_], people: NDArray[np.float64]) -> str:
    """Return the id that most people are nearest to, "" where nothing is near to any.

    Examples
    --------
    >>> nearest_to_most(np.array(["b", "a", ""], dtype=object), np.array([2.0, 2.0, 9.0]))
    'a'
    """
    near = nearest != ""
    numbers, ids = pd.factorize(nearest[near], sort=True)
    return str(ids[np.bincount(numbers, weights=people[near]).argmax()]) if len(ids) else ""


def district_names(edition: Edition, joined: str) -> str:
    """Return the names of districts for their ids, joined by ";"; an id that no unit bears stays as it is."""
    return edition.listed(edition.districts.get(part, part) for part in joined.split(cells.LIST_MARK) if part)
