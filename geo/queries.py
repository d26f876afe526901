"""What can be asked of streets and points without a study: minutes, pairs, isochrones."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable, Mapping
from numbers import Real
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, get_args

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

from geo import catchments, crs as crs_room, drawn, modes, network, prepared, schema, snapping, streets, surfaces
from geo.catalogue import Direction
from geo.cells import CellLinks
from geo.errors import Fault, GeoCrsError, GeoValueError, InputFaultsError
from geo.messages import Message
from geo.modes import Mode
from geo.pairs import matrix
from geo.study_file import LayerSource
from geo.travel_times import minutes_at, reach

if TYPE_CHECKING:
    import pyproj

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
        When `path` is no path, the mode is not known or may use none of the streets, or `crs` is
        not metric (GeoCrsError when it is not known).

    Examples
    --------
    >>> geo.read_streets(county / "streets.osm", mode="ebike")
    <Network ebike: 144 edges, 30.5 km, EPSG:4548>
    """
    _refuse(_path_faults(path), _mode_faults(mode), _metric_faults(crs))
    file = Path(path)
    if not file.is_file():
        raise InputFaultsError([Fault(str(path), Message("streets.no_such_file"))])
    mode = modes.BUILTIN[mode] if isinstance(mode, str) else mode
    key = prepared.key_of("streets", (prepared.hash_of(file), file.name, repr(mode), "" if crs is None else str(crs)))
    # Of other formats one file may be a part only (.shp), so that its hash does not tell.
    kept = prepared.load(key) if streets.is_street_file(file.name) else None
    if kept is not None:
        return network.of_arrays(mode, kept)
    found = _built(path, file, mode, crs)
    if streets.is_street_file(file.name):
        prepared.save(key, network.to_arrays(found))
    return found


def _built(path: str | Path, file: Path, mode: Mode, crs: str | pyproj.CRS | None) -> Network:
    stated = crs_room.WGS84 if crs is None else crs_room.normalise(crs)
    metric = stated if crs_room.is_metric(stated) else None
    source = LayerSource(path=str(path), file=file)
    return network.build(_pieces(source, file, metric), mode)


def _pieces(source: LayerSource, file: Path, crs: pyproj.CRS | None) -> gpd.GeoDataFrame:
    """Return the street pieces of a file in a CRS, or in the metric one of the place."""
    if file.name.lower().endswith(streets.GRAPHML_ENDINGS):
        return streets.read_graphml(file, crs=crs, where=source.label)
    if streets.is_street_file(file.name):
        return streets.read_osm(file, crs=crs, where=source.label)
    from geo import layers  # noqa: PLC0415 - GDAL and a reader of workbooks, which an OpenStreetMap file does not need

    lines = layers.read_table(source, kind="street", crs=crs or crs_room.WGS84).table
    return drawn.from_lines(lines, crs=crs, where=source.label)


def _points(table: gpd.GeoDataFrame | gpd.GeoSeries, net: Network) -> gpd.GeoSeries:
    """Return the points of a table in the network's CRS; polygons stand for a point inside them."""
    moved = crs_room.convert(gpd.GeoDataFrame(geometry=table.geometry), net.crs).geometry.to_numpy()
    # Coordinates that are no place on earth become infinite, of which point_on_surface would make (0, 0).
    finite = np.isfinite(shapely.bounds(moved)).all(axis=1)
    inside = shapely.point_on_surface(np.where(finite, moved, None))
    return gpd.GeoSeries(inside, index=table.index, crs=net.crs)


def _refuse(*faults: list[GeoValueError]) -> None:
    """Raise all faults of a call as one error, a line each; a GeoCrsError where they are all of CRS."""
    met = [fault for some in faults for fault in some]
    if met:
        kind = GeoCrsError if all(isinstance(fault, GeoCrsError) for fault in met) else GeoValueError
        raise kind("\n".join(str(fault) for fault in met))


def _given(value: object) -> str:
    """Say what was given: small values as written, else what they are."""
    plain = value is None or isinstance(value, str | Real | os.PathLike)
    return repr(value) if plain else f"of type {type(value).__name__}"


def _path_faults(path: object) -> list[GeoValueError]:
    if isinstance(path, str | Path):
        return []
    return [GeoValueError(f"path is {_given(path)}; accepted is the path of a street file, a str or a pathlib.Path")]


def _mode_faults(mode: object) -> list[GeoValueError]:
    if isinstance(mode, Mode) or (isinstance(mode, str) and mode in modes.BUILTIN):
        return []
    return [GeoValueError(f"mode is {_given(mode)}; accepted are {', '.join(modes.BUILTIN)} or a geo.modes.Mode")]


def _metric_faults(crs: object) -> list[GeoValueError]:
    if crs is None:
        return []
    try:
        metric = crs_room.is_metric(crs_room.normalise(crs))
    except GeoCrsError as error:
        return [error]
    msg = f"crs {crs!r} is not a metric CRS; use a projected one such as EPSG:4548, or leave it out"
    return [] if metric else [GeoValueError(msg)]


def _network_faults(streets: object) -> list[GeoValueError]:
    if isinstance(streets, network.Network):
        return []
    msg = f"streets is {_given(streets)}; accepted is a Network: give what geo.read_streets(path, mode=...) returns"
    return [GeoValueError(msg)]


def _table_faults(name: str, table: object) -> list[GeoValueError]:
    """Return what keeps a table from standing for points; a table without rows may be asked about."""
    if not isinstance(table, gpd.GeoDataFrame | gpd.GeoSeries):
        how = "; give it geometry, e.g. geopandas.points_from_xy" if isinstance(table, pd.DataFrame) else ""
        msg = f"{name} is {_given(table)}; accepted is a GeoDataFrame or GeoSeries of points or polygons{how}"
        return [GeoValueError(msg)]
    try:
        shapes = table.geometry
    except AttributeError:  # no active geometry column, or it was renamed or dropped
        shapes = None
    if not isinstance(shapes, gpd.GeoSeries):
        msg = f"{name} is a GeoDataFrame without one active geometry column; name it with {name}.set_geometry(column)"
        return [GeoValueError(msg)]
    faults: list[GeoValueError] = []
    if shapes.crs is None:
        msg = f"{name} states no coordinate system; state the one it is in, e.g. {name}.set_crs(4326)"
        faults.append(GeoCrsError(msg))
    elif shapes.crs.is_engineering:
        msg = f"{name} is in a local coordinate system not tied to the earth; state a known one, e.g. EPSG:4548"
        faults.append(GeoCrsError(msg))
    if len(shapes) and bool((shapes.isna() | shapes.is_empty).all()):
        msg = f"{name} has no geometry in any of its rows ({len(shapes)}); give at least one row a point or polygon"
        faults.append(GeoValueError(msg))
    return faults


def _number_faults(name: str, value: object, *, unit: str) -> list[GeoValueError]:
    number = isinstance(value, Real) and not isinstance(value, bool)
    if number and 0 < value <= sys.float_info.max:  # type: ignore[operator]  # NaN fails both
        return []
    example = {"minutes": "15", "metres": "50"}[unit]
    return [GeoValueError(f"{name} is {_given(value)}; accepted is a finite number of {unit} above 0, e.g. {example}")]


def _choice_faults(name: str, value: object, accepted: tuple[str, ...]) -> list[GeoValueError]:
    if isinstance(value, str) and value in accepted:
        return []
    return [GeoValueError(f"{name} is {_given(value)}; accepted are {', '.join(accepted)}")]


def _bands(minutes: object) -> list[Any]:
    """Return bands as a list; what is no collection is one band."""
    if isinstance(minutes, np.ndarray):
        return list(np.atleast_1d(minutes))
    if isinstance(minutes, Iterable) and not isinstance(minutes, str | bytes | Mapping):
        return list(minutes)
    return [minutes]


def _band_faults(bands: list[Any]) -> list[GeoValueError]:
    if not bands:
        return [GeoValueError("minutes holds no band; give at least one, e.g. minutes=[15]")]
    return [fault for band in bands for fault in _number_faults("a band of minutes", band, unit="minutes")]


def nearest_minutes(
    streets: Network,
    demand: gpd.GeoDataFrame | gpd.GeoSeries,
    facilities: gpd.GeoDataFrame | gpd.GeoSeries,
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
        Points in any CRS that they state; a polygon stands for a point inside it
        (`point_on_surface`). Some geometry may be missing, not all of it. Without any facility all
        minutes are `inf`.
    limit
        Minutes above 0; beyond it the answer is `inf`.
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
    GeoValueError
        When `streets` is no network, a table has no geometry or that of all its rows is missing, a
        number is not above 0 and finite, or `direction` is not known; all faults in one error.

    Examples
    --------
    >>> import geopandas as gpd
    >>> streets = geo.read_streets(county / "streets.osm")
    >>> homes = gpd.GeoSeries(gpd.points_from_xy([118.201, 118.215, 118.3], [25.302, 25.31, 25.3]), crs=4326)
    >>> clinics = gpd.GeoSeries(gpd.points_from_xy([118.204], [25.304]), index=["north"], crs=4326)
    >>> nearest = geo.nearest_minutes(streets, homes, clinics, limit=60)
    >>> nearest[["minutes", "snap_m", "snap_status"]].round(1)
       minutes  snap_m snap_status
    0      7.0     0.0          ok
    1     23.6     0.0          ok
    2      inf  8460.8         far
    >>> nearest["nearest"][0]
    'north'
    """
    _refuse(
        _network_faults(streets),
        _table_faults("demand", demand),
        _table_faults("facilities", facilities),
        _number_faults("limit", limit, unit="minutes"),
        _choice_faults("direction", direction, get_args(Direction)),
        _number_faults("cap_m", cap_m, unit="metres"),
    )
    start = snapping.snap(streets, _points(demand, streets).to_numpy(), cap_m=cap_m)
    ends = snapping.snap(streets, _points(facilities, streets).to_numpy(), cap_m=cap_m)
    minutes, nearest = minutes_at(reach(streets, ends, limit=limit, direction=direction), start)
    labels = np.append(facilities.index.to_numpy(dtype=object), [None])
    found = {"minutes": minutes, "nearest": labels[nearest], "snap_m": start["snap_m"].to_numpy()}
    return pd.DataFrame({**found, "snap_status": start["snap_status"].to_numpy()}, index=demand.index)


def minutes_matrix(
    streets: Network,
    origins: gpd.GeoDataFrame | gpd.GeoSeries,
    destinations: gpd.GeoDataFrame | gpd.GeoSeries,
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
        Points or polygons, as in :func:`nearest_minutes`; either may have no rows.
    limit
        Minutes above 0; pairs beyond it are left out.
    cap_m
        Longest access leg.

    Returns
    -------
    Long table `origin`, `destination` (their index labels) and `minutes`.

    Raises
    ------
    GeoCrsError, GeoValueError
        As :func:`nearest_minutes`.

    Examples
    --------
    >>> import geopandas as gpd
    >>> streets = geo.read_streets(county / "streets.osm")
    >>> homes = gpd.GeoSeries(gpd.points_from_xy([118.201, 118.215, 118.3], [25.302, 25.31, 25.3]), crs=4326)
    >>> geo.minutes_matrix(streets, homes, homes, limit=60).round(1)
       origin  destination  minutes
    0       0            0      0.0
    1       0            1     30.6
    2       1            0     30.6
    3       1            1      0.0
    """
    _refuse(
        _network_faults(streets),
        _table_faults("origins", origins),
        _table_faults("destinations", destinations),
        _number_faults("limit", limit, unit="minutes"),
        _number_faults("cap_m", cap_m, unit="metres"),
    )
    start = snapping.snap(streets, _points(origins, streets).to_numpy(), cap_m=cap_m)
    ends = snapping.snap(streets, _points(destinations, streets).to_numpy(), cap_m=cap_m)
    pairs = matrix(streets, start, ends, limit=limit)
    return pairs.assign(
        origin=origins.index.to_numpy()[pairs["origin"].to_numpy()],
        destination=destinations.index.to_numpy()[pairs["destination"].to_numpy()],
    )


def isochrones(
    streets: Network,
    facilities: gpd.GeoDataFrame | gpd.GeoSeries,
    *,
    minutes: Iterable[float] | float = (5.0, 10.0, 15.0),
    combine: Combine = "each",
    cell_m: float = surfaces.CELL_M,
    direction: Direction = "to_service",
    cap_m: float = snapping.CAP_M,
) -> gpd.GeoDataFrame:
    """Return what is within some minutes of facilities, as nested valid polygons.

    Parameters
    ----------
    streets
        From :func:`read_streets`.
    facilities
        Points or polygons, as in :func:`nearest_minutes`.
    minutes
        Bands, or one band: minutes above 0; a band does not depend on the others.
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
    where dissolved), `combine`, `geometry` (empty where nothing is reached). Without any facility
    it has these columns and no rows, however combined.

    Raises
    ------
    GeoCrsError
        When `facilities` states no CRS.
    GeoValueError
        As :func:`nearest_minutes`; and when `combine` is not one of the three, or `minutes` is empty.

    Examples
    --------
    >>> import geopandas as gpd
    >>> streets = geo.read_streets(county / "streets.osm")
    >>> clinics = gpd.GeoSeries(gpd.points_from_xy([118.204], [25.304]), index=["north"], crs=4326)
    >>> rings = geo.isochrones(streets, clinics, minutes=[5, 10])
    >>> rings.assign(km2=rings.area / 1e6).round(2)[["limit_minutes", "facility_id", "km2"]]
       limit_minutes facility_id   km2
    0            5.0       north  0.25
    1           10.0       north  1.04
    """
    bands = _bands(minutes)
    _refuse(
        _network_faults(streets),
        _table_faults("facilities", facilities),
        _band_faults(bands),
        _choice_faults("combine", combine, get_args(Combine)),
        _number_faults("cell_m", cell_m, unit="metres"),
        _choice_faults("direction", direction, get_args(Direction)),
        _number_faults("cap_m", cap_m, unit="metres"),
    )
    limits = sorted(float(band) for band in bands)
    ends = snapping.snap(streets, _points(facilities, streets).to_numpy(), cap_m=cap_m)
    links = streets.known.setdefault(("cells", float(cell_m), cap_m), CellLinks(streets, float(cell_m), cap_m=cap_m))
    labels = facilities.index.to_numpy(dtype=object)
    if combine == "dissolve":
        # All are one, but none is none.
        labels = np.full(min(len(labels), 1), None, dtype=object)
    shapes = catchments.shapes(links, ends, limits, combine=combine, direction=direction)[: len(labels)]
    rows = {
        "mode": streets.mode.name,
        "limit_minutes": np.tile(limits, len(shapes)),
        "facility_id": np.repeat(labels, len(limits)),
        "combine": combine,
    }
    return gpd.GeoDataFrame(rows, geometry=shapes.ravel(), crs=streets.crs)[list(schema.ISOCHRONES[1:])]
