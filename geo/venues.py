"""How much room do the venues that exist have left, and which of them may take one more service? By capacity."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
import shapely

from geo.layers.services import state_of

if TYPE_CHECKING:
    import geopandas as gpd


def room(venues: pd.DataFrame, points: pd.DataFrame) -> pd.Series[float]:
    """Return the capacity that the working services of each venue leave free; NaN where the venue states none."""
    working = points[(points["state"] == "working") & (points["venue"] != "")]
    used = working["capacity"].fillna(0.0).groupby(working["venue"]).sum()
    held = np.asarray(venues["capacity"], dtype=np.float64)
    taken = np.asarray(venues["id"].map(used.to_dict()).astype("float64").fillna(0.0), dtype=np.float64)
    return pd.Series(held - taken, index=venues.index)


def usable(venues: gpd.GeoDataFrame, points: pd.DataFrame) -> gpd.GeoDataFrame:
    """Return the venues that work, have a place, and have room, or do not say how much they hold."""
    free = room(venues, points)
    works = np.array([state_of(status) == "working" for status in venues["status"].fillna("")], dtype=bool)
    shapes = venues.geometry.to_numpy()
    placed = ~(shapely.is_missing(shapes) | shapely.is_empty(shapes))
    return venues.assign(room=free)[works & placed & ~(free <= 0).to_numpy()].reset_index(drop=True)
