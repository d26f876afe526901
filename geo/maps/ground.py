"""What lies under the results: streets by class, water, boundary, barriers, gates, venues."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from geo.maps import cells, shapes

if TYPE_CHECKING:
    from collections.abc import Mapping

    import geopandas as gpd
    from numpy.typing import NDArray

    from geo.maps.shapes import Frame
    from geo.messages import Lang

# From the widest line to the thinnest; what is not named here is drawn as a lane.
STREET_CLASSES = ("trunk", "primary", "secondary", "tertiary", "local", "path")
_LOCAL = STREET_CLASSES.index("local")
_CLASS_OF = {
    "motorway": 0,
    "trunk": 0,
    "primary": 1,
    "secondary": 2,
    "tertiary": 3,
    "footway": 5,
    "path": 5,
    "steps": 5,
    "track": 5,
    "cycleway": 5,
    "bridleway": 5,
    "corridor": 5,
    "service": 5,
}
CONTEXT_LAYERS = ("boundary", "water", "barriers", "gates", "venues")


def street_classes(highway: list[str]) -> NDArray[np.int64]:
    """Return the place in STREET_CLASSES of each OSM class.

    Examples
    --------
    >>> street_classes(["primary_link", "residential", ""]).tolist()
    [1, 4, 4]
    """
    return np.array([_CLASS_OF.get(value.removesuffix("_link"), _LOCAL) for value in highway], dtype=np.int64)


def grouped(table: gpd.GeoDataFrame, lang: Lang) -> tuple[NDArray[np.int64], NDArray[np.int64], list[str]]:
    """Return the group (class and name) of each street piece, and the class and name of each group.

    Groups rise by class, wide ones first.
    """
    classes = street_classes(cells.texts(table, "highway", lang))
    names = np.array(cells.texts(table, "name", lang), dtype=object)
    known, first_seen = np.unique(classes, return_inverse=True)
    name_place, name_list = pd.factorize(names)
    keys = first_seen * (len(name_list) + 1) + name_place
    groups, of = np.unique(keys, return_inverse=True)
    class_place, group_name = np.divmod(groups, len(name_list) + 1)
    return np.asarray(of), known[class_place], [str(name_list[place]) for place in group_name]


def drawn_order(of: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return the rows of the street pieces in the order in which the page holds them."""
    return np.argsort(of, kind="stable")


def streets(table: gpd.GeoDataFrame, frame: Frame, lang: Lang) -> dict[str, Any]:
    """Return the streets grouped by class and name.

    Returns
    -------
    `classes` and `names` of the groups, rising by class (wide ones first), and their `shapes`.
    """
    of, classes, names = grouped(table, lang)
    order = drawn_order(of)
    packed = shapes.pack(shapes.simple(shapes.lonlat(table)[order]), frame)["lines"]
    packed["of"] = of[order][np.array(packed["of"], dtype=np.int64)].tolist()
    return {"classes": classes.tolist(), "names": names, "shapes": {"lines": packed}}


def context(layers: Mapping[str, gpd.GeoDataFrame], frame: Frame, lang: Lang) -> dict[str, Any]:
    """Return the further layers for the drawing, those that are there: names and shapes."""
    return {
        name: {
            "names": cells.texts(layers[name], "name", lang),
            "shapes": shapes.pack(shapes.lonlat(layers[name]), frame),
        }
        for name in CONTEXT_LAYERS
        if layers.get(name) is not None and len(layers[name])
    }
