"""Tiny worlds whose answers are plain arithmetic: 100 m on foot are one minute, 1000 m by car are one."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import geopandas as gpd
import numpy as np
import pyproj
import shapely

from geo import network, schema, snapping
from geo.modes import Mode

if TYPE_CHECKING:
    from collections.abc import Iterable

    import pandas as pd

    from geo.network import Network

METRIC = pyproj.CRS.from_epsg(4548)
EAST, NORTH = 500_000.0, 2_800_000.0
FOOT = Mode("walk", "foot", 6.0, 6.0)
HIKER = Mode("walk", "foot", 6.0, 6.0, slope=True)
CAR = Mode("drive", "car", 60.0, 6.0)
BIKE = Mode("ebike", "bicycle", 30.0, 6.0)
XY = tuple[float, float]


def line(*xy: XY) -> shapely.LineString:
    return shapely.LineString(np.add(xy, (EAST, NORTH)))


def spots(*xy: XY | None) -> np.ndarray:
    """Points at local metres; None is a missing one."""
    return np.array([None if at is None else shapely.Point(at[0] + EAST, at[1] + NORTH) for at in xy], dtype=object)


def box(west: float, south: float, east: float, north: float) -> shapely.Polygon:
    return shapely.box(west + EAST, south + NORTH, east + EAST, north + NORTH)


def street(*xy: XY, **tags: Any) -> dict[str, Any]:
    return {"highway": "residential", **tags, "geometry": line(*xy)}


def street_table(streets: Iterable[dict[str, Any]]) -> gpd.GeoDataFrame:
    """Street pieces joined where their ends meet; as long as they are drawn.

    `levels` keeps ends at one place apart (a bridge over a street); `way` is else the number of the row, from 1.
    """
    rows = list(streets)
    number: dict[tuple[tuple[float, ...], int], int] = {}
    ends = [
        [
            number.setdefault((shapely.get_point(row["geometry"], place).coords[0], level), len(number))
            for place, level in zip((0, -1), row.get("levels", (0, 0)), strict=True)
        ]
        for row in rows
    ]
    columns = (*schema.STREET_TAGS, *schema.STREET_TURNS, *schema.STREET_SHUT)
    table = gpd.GeoDataFrame(
        {name: [row.get(name, "") for row in rows] for name in columns},
        geometry=[row["geometry"] for row in rows],
        crs=METRIC,
    )
    table["way"] = [row.get("way", place) for place, row in enumerate(rows, start=1)]
    table["start_node"], table["end_node"] = np.array(ends).T
    table["length_m"] = shapely.length(table.geometry.to_numpy())
    return table[[*schema.STREETS]]


def build(*streets: dict[str, Any], mode: Mode = FOOT, island_m: float = 0.0, **options: Any) -> Network:
    return network.build(street_table(streets), mode, island_m=island_m, **options)


def link(net: Network, *xy: XY | None, **options: Any) -> pd.DataFrame:
    return snapping.snap(net, spots(*xy), **options)


def points_table(*xy: XY | None, **columns: Any) -> gpd.GeoDataFrame:
    return gpd.GeoDataFrame(columns, geometry=spots(*xy), crs=METRIC)


def town(seed: int, *, mode: Mode = FOOT, side: int = 5) -> Network:
    """A crooked grid of streets, some of them one-way, some missing, some doubled."""
    rng = np.random.default_rng(seed)
    corner = np.stack(np.meshgrid(np.arange(side), np.arange(side)), axis=-1) * 150.0 + rng.uniform(
        -40, 40, (side, side, 2)
    )
    pairs = [((r, c), (r, c + 1)) for r in range(side) for c in range(side - 1)]
    pairs += [((r, c), (r + 1, c)) for r in range(side - 1) for c in range(side)]
    rows = []
    for one, other in pairs:
        if rng.random() < 0.12:
            continue
        a, b = tuple(corner[one]), tuple(corner[other])
        oneway = str(rng.choice(["", "", "", "yes", "-1"]))
        rows.append(street(a, b, oneway=oneway))
        if rng.random() < 0.1:
            bend = (a[0] + b[0]) / 2 + 20.0, (a[1] + b[1]) / 2 + 20.0
            rows.append(street(b, bend, a))
    return build(*rows, mode=mode)


def scattered(seed: int, count: int, *, side: int = 5) -> np.ndarray:
    """Random places in and around :func:`town`."""
    rng = np.random.default_rng(seed)
    return spots(*map(tuple, rng.uniform(-200.0, side * 150.0 + 50.0, (count, 2))))
