"""Which features of OpenStreetMap are communities, parks and service points of a study."""

from __future__ import annotations

import csv
from functools import cache
from importlib import resources
from typing import TYPE_CHECKING, NamedTuple

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

from geo import areas, catalogue

if TYPE_CHECKING:
    from numpy.typing import NDArray

_LETTER = {"node": "n", "way": "w", "relation": "r"}
# What travels along: OpenStreetMap's key → our column. Population is told, never counted: a town's includes its suburbs'.
_EXTRA = {
    "communities": {"population": "osm_population", "place": "place"},
    "parks": {"operator": "operator"},
    "service_points": {"capacity": "capacity", "opening_hours": "hours", "operator": "operator"},
}
LAYERS = tuple(_EXTRA)


class Rule(NamedTuple):
    """A tag that makes a feature a row of a layer; where `name_holds` is not empty its name must hold one of these."""

    layer: str
    type: str
    key: str
    value: str
    name_holds: tuple[str, ...]


@cache
def rules() -> tuple[Rule, ...]:
    """Return every rule; of those that fit a feature the first counts.

    Examples
    --------
    >>> rules()[0]
    Rule(layer='communities', type='', key='place', value='suburb', name_holds=())
    """
    table = resources.files("geo.data").joinpath("osm_features.csv").read_text(encoding="utf-8")
    return tuple(
        Rule(row["layer"], row["type"], row["key"], row["value"], tuple(filter(None, row["name_holds"].split(";"))))
        for row in csv.DictReader(table.splitlines())
    )


def tags() -> dict[str, list[str]]:
    """Return what to ask for: OpenStreetMap's keys, and the values of each.

    Examples
    --------
    >>> tags()["landuse"]
    ['industrial']
    """
    found: dict[str, dict[str, None]] = {}
    for rule in rules():
        found.setdefault(rule.key, {})[rule.value] = None
    return {key: list(values) for key, values in found.items()}


def layer_of(features: gpd.GeoDataFrame, layer: str) -> gpd.GeoDataFrame:
    """Return the rows of one layer.

    Parameters
    ----------
    features
        One row a feature, indexed by element and id, a column a tag; degrees.
    layer
        `communities` (points or polygons), `parks` (polygons) or `service_points` (points; of what is drawn as an
        outline a point inside it).

    Returns
    -------
    Columns `id` (n1, w1, r1: node, way, relation), `name`, for service points `type`, then `osm` (the tag that
    decided), what travels along, and the geometry; in the order of element and id.
    """
    wanted = [rule for rule in rules() if rule.layer == layer]
    decided = _decided(features, wanted)
    chosen = decided >= 0
    shapes = features.geometry.to_numpy()
    flat = areas.is_areal(shapes)
    point = shapely.get_type_id(shapes) == shapely.GeometryType.POINT
    chosen &= flat if layer == "parks" else flat | point
    if layer == "service_points":
        shapes = shapely.point_on_surface(shapes)
    of = [wanted[at] for at in decided[chosen].tolist()]
    kept = features[chosen]
    data = {
        "id": [f"{_LETTER[element]}{number}" for element, number in kept.index],
        "name": _text(kept, "name").tolist(),
        **({"type": [rule.type for rule in of]} if layer == "service_points" else {}),
        "osm": [f"{rule.key}={rule.value}" for rule in of],
        **{column: _text(kept, key).tolist() for key, column in _EXTRA[layer].items()},
    }
    table = gpd.GeoDataFrame(data, geometry=shapes[chosen], crs=features.crs)
    return _drawn_once(table) if layer == "communities" else table


def _text(features: pd.DataFrame, key: str) -> pd.Series[str]:
    """Return a tag of each feature, "" where it is silent."""
    if key not in features.columns:
        return pd.Series("", index=features.index, dtype=object)
    return features[key].where(features[key].notna(), "").astype(str)


def _decided(features: gpd.GeoDataFrame, wanted: list[Rule]) -> NDArray[np.int64]:
    """Return which rule each feature fits first; -1 where it fits none."""
    found = np.full(len(features), -1, dtype=np.int64)
    names = _text(features, "name").map(catalogue.fold)
    for number, rule in enumerate(wanted):
        fits = (_text(features, rule.key) == rule.value).to_numpy()
        if rule.name_holds:
            parts = [catalogue.fold(part) for part in rule.name_holds]
            fits = fits & names.map(lambda name, parts=parts: any(part in name for part in parts)).to_numpy(dtype=bool)
        found[fits & (found < 0)] = number
    return found


def _drawn_once(places: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
    """Return places without the points that an outline of the same name holds: OpenStreetMap draws many of them twice."""
    shapes = places.geometry.to_numpy()
    flat = areas.is_areal(shapes)
    point, outline = shapely.STRtree(shapes[flat]).query(shapes[~flat], predicate="intersects")
    names = places["name"].to_numpy()
    same = (names[~flat][point] == names[flat][outline]) & (names[~flat][point] != "")
    twice = np.flatnonzero(~flat)[np.unique(point[same])]
    return places.drop(index=twice).reset_index(drop=True)
