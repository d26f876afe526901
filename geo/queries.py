"""What can be asked of streets and points without a study: minutes, pairs, isochrones."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Literal

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

from geo import crs as crs_room, layers, modes, network, schema, snapping, streets, surfaces, units
from geo.errors import Fault, GeoValueError, InputFaultsError
from geo.messages import Message
from geo.study_file import LayerSource
from geo.travel_times import matrix, minutes_at, reach

if TYPE_CHECKING:
    from collections.abc import Sequence

    import pyproj

    from geo.catalogue import Direction
    from geo.modes import Mode
    from geo.network import Network

Combine = Literal["each", "dissolve", "split"]


def read_streets(path: str | Path, *, mode: str | Mode = "walk", crs: str | pyproj.CRS | None = None) -> Network:
    """Read streets and return the network of one mode.

    Parameters
    ----------
    path
        `.osm.pbf`, `.osm`, `.osm.gz`, `.graphml`, or any line layer.
    mode
        walk, elder, ebike, drive, or a :class:`geo.modes.Mode`.
    crs
        Metric CRS to compute in; by default the CGCS2000 3-degree zone, or UTM outside China.

    Returns
    -------
    Network

    Raises
    ------
    InputFaultsError
        When the file is missing, damaged or holds no street.
    GeoValueError
        When the mode is not known or may use none of the streets.
    """
    file = Path(path)
    if not file.is_file():
        raise InputFaultsError([Fault(str(path), Message("study.no_such"))])
    wanted = modes.BUILTIN.get(mode) if isinstance(mode, str) else mode
    if wanted is None:
        msg = f"there is no mode {mode!r}; accepted are {', '.join(modes.BUILTIN)} or a geo.modes.Mode"
        raise GeoValueError(msg)
    metric = None if crs is None else crs_room.normalise(crs)
    if metric is not None and not crs_room.is_metric(metric):
        msg = f"crs {crs!r} is not a metric CRS; use a projected one such as EPSG:4548, or leave it out"
        raise GeoValueError(msg)
    source = LayerSource(path=str(path), file=file)
    pieces = _pieces(source, file, metric or crs_room.WGS84)
    if metric is None:
        west, south, east, north = pieces.total_bounds
        pieces = pieces.to_crs(crs_room.choose_metric((west + east) / 2, (south + north) / 2))
    return network.build(pieces, wanted)


def _pieces(source: LayerSource, file: Path, crs: pyproj.CRS) -> gpd.GeoDataFrame:
    name = file.name.lower()
    if name.endswith(streets.GRAPHML_ENDINGS):
        return streets.read_graphml(file, crs=crs, where=source.label)
    if layers.is_graph(source):
        return streets.read_osm(file, crs=crs, where=source.label)
    return streets.from_lines(layers.read_table(source, kind="street", crs=crs).table, crs=crs, where=source.label)


def _points(table: gpd.GeoDataFrame, net: Network) -> gpd.GeoSeries:
    """Return the points of a table in the network's CRS; polygons stand for a point inside them."""
    moved = crs_room.convert(table[[table.geometry.name]], net.crs).geometry
    return gpd.GeoSeries(shapely.point_on_surface(moved.to_numpy()), index=table.index, crs=net.crs)


def nearest_minutes(
    streets: Network,
    demand: gpd.GeoDataFrame,
    facilities: gpd.GeoDataFrame,
    *,
    limit: float = 15.0,
    direction: Direction = "to_service",
    cap_m: float = snapping.CAP_M,
) -> pd.DataFrame:
    """Return the minutes of every demand point to its nearest facility.

    Parameters
    ----------
    streets
        From :func:`read_streets`.
    demand, facilities
        Points in any CRS that they state; a polygon stands for a point inside it.
    limit
        Minutes; beyond it the answer is `inf`.
    direction
        `to_service`: the person goes to the facility; `from_service`: the other way.
    cap_m
        Longest access leg; beyond it a point is `far`.

    Returns
    -------
    DataFrame with the index of `demand`: `minutes` (`inf` above the limit or not attached, NaN
    without geometry), `nearest` (index of the facility, missing where `minutes` is not finite),
    `snap_m`, `snap_status`.

    Raises
    ------
    GeoCrsError
        When a table states no CRS.
    """
    start = snapping.snap(streets, _points(demand, streets).to_numpy(), cap_m=cap_m)
    ends = snapping.snap(streets, _points(facilities, streets).to_numpy(), cap_m=cap_m)
    minutes, nearest = minutes_at(reach(streets, ends, limit=limit, direction=direction), start)
    labels = np.append(facilities.index.to_numpy(dtype=object), [None])
    found = {"minutes": minutes, "nearest": labels[nearest], "snap_m": start["snap_m"].to_numpy()}
    return pd.DataFrame({**found, "snap_status": start["snap_status"].to_numpy()}, index=demand.index)


def minutes_matrix(
    streets: Network,
    origins: gpd.GeoDataFrame,
    destinations: gpd.GeoDataFrame,
    *,
    limit: float = 15.0,
    cap_m: float = snapping.CAP_M,
) -> pd.DataFrame:
    """Return the minutes of every pair within a limit.

    Parameters
    ----------
    streets
        From :func:`read_streets`.
    origins, destinations
        Points in any CRS that they state.
    limit
        Minutes; pairs beyond it are left out.
    cap_m
        Longest access leg.

    Returns
    -------
    Long table `origin`, `destination` (their index labels) and `minutes`.
    """
    start = snapping.snap(streets, _points(origins, streets).to_numpy(), cap_m=cap_m)
    ends = snapping.snap(streets, _points(destinations, streets).to_numpy(), cap_m=cap_m)
    pairs = matrix(streets, start, ends, limit=limit)
    return pairs.assign(
        origin=origins.index.to_numpy()[pairs["origin"].to_numpy()],
        destination=destinations.index.to_numpy()[pairs["destination"].to_numpy()],
    )


def isochrones(
    streets: Network,
    facilities: gpd.GeoDataFrame,
    *,
    minutes: Sequence[float] = (5.0, 10.0, 15.0),
    combine: Combine = "each",
    cell_m: float = surfaces.CELL_M / 2.0,
    direction: Direction = "to_service",
    cap_m: float = snapping.CAP_M,
) -> gpd.GeoDataFrame:
    """Return what is within some minutes of facilities, as nested valid polygons.

    Parameters
    ----------
    streets
        From :func:`read_streets`.
    facilities
        Points in any CRS that they state.
    minutes
        Bands; a band does not depend on the others.
    combine
        `each`: one polygon a facility; `dissolve`: one for all; `split`: each facility has what is
        nearest to it.
    cell_m
        Side of the cells of the surface; the border is true to about half of it.
    direction, cap_m
        As in :func:`nearest_minutes`.

    Returns
    -------
    GeoDataFrame in the network's CRS: `mode`, `limit_minutes`, `facility_id` (index label; missing
    where dissolved), `combine`, `geometry`.

    Raises
    ------
    GeoValueError
        When `combine` is not one of the three, or `minutes` is empty.
    """
    if combine not in {"each", "dissolve", "split"}:
        msg = f"combine={combine!r}; accepted are each, dissolve, split"
        raise GeoValueError(msg)
    limits = sorted(float(limit) for limit in minutes)
    if not limits:
        msg = "minutes holds no band; give at least one, e.g. minutes=[15]"
        raise GeoValueError(msg)
    ends = snapping.snap(streets, _points(facilities, streets).to_numpy(), cap_m=cap_m)
    kmh = streets.mode.access_kmh
    # A contour heeds the minutes a little beyond its limit: without them the widest band would end elsewhere.
    further = max(limits) + surfaces.cell_minutes(cell_m, kmh)
    around = _reachable_box(streets, ends, further, cap_m=cap_m)
    cells = surfaces.near_streets(streets, cell_m, cap_m=cap_m, within_m=around)
    linked = snapping.snap_xy(streets, cells.xy, cap_m=cap_m)
    status = linked["snap_status"].to_numpy()
    groups = (
        [(label, ends.iloc[[row]]) for row, label in enumerate(facilities.index)]
        if combine == "each"
        else [(None, ends)]
    )
    rows = []
    for label, some in groups:
        values, nearest = minutes_at(
            reach(streets, some.reset_index(drop=True), limit=further, direction=direction), linked
        )
        field = surfaces.surface(cells, values, status)
        fields = [(label, field)]
        if combine == "split":
            owner = np.full(cells.grid.shape, -1, dtype=np.int64)
            owner.ravel()[cells.number] = nearest
            fields = [(each, surfaces.split(field, owner, row)) for row, each in enumerate(facilities.index)]
        rows += [
            {
                "mode": streets.mode.name,
                "limit_minutes": limit,
                "facility_id": name,
                "combine": combine,
                "geometry": surfaces.isochrone(one, limit, access_kmh=kmh),
            }
            for name, one in fields
            for limit in limits
        ]
    return gpd.GeoDataFrame(
        pd.DataFrame(rows, columns=list(schema.ISOCHRONES[1:])), geometry="geometry", crs=streets.crs
    )


def _reachable_box(
    net: Network, ends: pd.DataFrame, limit: float, *, cap_m: float
) -> tuple[float, float, float, float] | None:
    """Return bounds that nobody within the limit can stand outside of: the nodes reached, and their edges."""
    found = reach(net, ends, limit=limit)
    other = reach(net, ends, limit=limit, direction="from_service")
    reached = np.isfinite(found.node_minutes) | np.isfinite(other.node_minutes)
    touched = reached[net.start] | reached[net.end]
    own = ends.loc[ends["snap_status"] == "ok", "edge"].to_numpy(dtype=np.int64)
    touched[own] = True
    if not touched.any():
        return None
    west, south, east, north = shapely.total_bounds(net.lines[touched])
    margin = cap_m + units.METRES_PER_KM / 10
    return west - margin, south - margin, east + margin, north + margin
