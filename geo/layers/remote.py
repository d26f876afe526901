"""Which points lie far from every street: a few of a source are its rows' fault, most of them the source's or the streets'."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
import shapely

from geo import crs as crs_room, schema
from geo.messages import Message
from geo.units import METRES_PER_KM

if TYPE_CHECKING:
    from collections.abc import Iterable

    import geopandas as gpd
    from numpy.typing import NDArray

    from geo.layers.reading import LayerSet

REMOTE_M = 10_000.0
MOST_SHARE = 0.5
LEAST_POINTS = 3
DOUBTS = ("doubtful", "kept")


def judged(read: LayerSet, streets: gpd.GeoDataFrame, *, cap_m: float) -> LayerSet:
    """Return layers with their points that are far from every street among the repairs, as doubtful.

    A source more than half of whose points lie beyond the cap is doubted as a whole, with the median distance; of the
    others each point farther than 10 km. Rows that the reader doubted for their place already are not told again.

    Parameters
    ----------
    read
        The layers as read.
    streets
        Street lines in the study's metric CRS.
    cap_m
        How far from a street a place may lie to be reached.
    """
    lines = streets.geometry.to_numpy()
    lines = lines[~(shapely.is_missing(lines) | shapely.is_empty(lines))]
    if not len(lines):
        return read
    tree = shapely.STRtree(lines)
    told = [line for part in _parts(read) for line in _of_source(*part, tree=tree, read=read, cap_m=cap_m)]
    if not told:
        return read
    found = pd.DataFrame(told, columns=list(schema.REPAIRS), dtype="object")
    types = read.repairs.dtypes.to_dict()
    repairs = pd.concat([read.repairs.astype(object), found], ignore_index=True).astype(types)
    return read._replace(repairs=repairs, inputs=[_counted_anew(entry, repairs) for entry in read.inputs])


def _parts(read: LayerSet) -> Iterable[tuple[str, str, gpd.GeoDataFrame, NDArray[np.int64]]]:
    """Yield layer, source, rows of the table and source rows of every source of points."""
    for layer, table in read.tables.items():
        start = 0
        for entry in read.inputs:
            if entry["layer"] != layer or entry["rows_kept"] is None:
                continue
            own = slice(start, start + entry["rows_kept"])
            start = own.stop
            yield layer, str(entry["path"]), table.iloc[own], read.rows[layer][own]


def _of_source(
    layer: str,
    source: str,
    table: gpd.GeoDataFrame,
    rows: NDArray[np.int64],
    *,
    tree: shapely.STRtree,
    read: LayerSet,
    cap_m: float,
) -> Iterable[tuple[object, ...]]:
    """Yield lines of the repair report about one source."""
    shapes = table.geometry.to_numpy()
    points = np.flatnonzero((shapely.get_type_id(shapes) == shapely.GeometryType.POINT) & ~shapely.is_empty(shapes))
    if not len(points):
        return
    mine = read.repairs[(read.repairs["layer"] == layer) & (read.repairs["source"] == source)]
    if any(message.key == "layers.suspicious_stated" for message in mine["message"]):
        return  # its CRS is doubted already, which is why
    away_m = tree.query_nearest(shapes[points], return_distance=True, all_matches=False)[1]
    beyond = away_m > cap_m
    if len(points) >= LEAST_POINTS and beyond.mean() > MOST_SHARE:
        values = {"n": int(beyond.sum()), "of": len(points), "cap": f"{cap_m:g}", "away": _away(np.median(away_m))}
        yield layer, source, pd.NA, "", "doubtful", Message("layers.mostly_remote", values)
        return
    known = {row for row, message in zip(mine["row"], mine["message"], strict=True) if message.key == "layers.far_away"}
    ids = table["id"].astype(str).to_numpy() if "id" in table.columns else np.full(len(table), "", dtype=object)
    to_degrees = crs_room.transformer(read.crs, crs_room.WGS84)
    for place, metres in zip(points[away_m > REMOTE_M], away_m[away_m > REMOTE_M], strict=True):
        if rows[place] not in known:
            lon, lat = to_degrees.transform(*shapely.get_coordinates(shapes[place])[0])
            values = {"given": f"{lon:.6f}, {lat:.6f}", "away": _away(metres)}
            yield layer, source, int(rows[place]), ids[place], "doubtful", Message("layers.remote", values)


def _away(metres: float) -> str:
    return f"{metres / METRES_PER_KM:,.1f}"


def _counted_anew(entry: dict[str, object], repairs: pd.DataFrame) -> dict[str, object]:
    """Return a source's entry with its doubtful rows counted again."""
    if entry["rows_doubtful"] is None:
        return entry
    mine = repairs[(repairs["layer"] == entry["layer"]) & (repairs["source"] == entry["path"])]
    return entry | {"rows_doubtful": int(mine.loc[mine["action"].isin(DOUBTS), "row"].dropna().nunique())}
