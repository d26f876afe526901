"""Which layers does `layers.gpkg` hold: the tables of an analysis with their geometries, in the study's CRS."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import geopandas as gpd
import numpy as np
import pandas as pd
import pyogrio
import shapely

from geo import crs as crs_room
from geo.layers import headers
from geo.reports import cells

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Hashable, Iterator
    from pathlib import Path

    import pyproj

    from geo.messages import Lang
    from geo.results import Results

UNIT_LAYERS = {"communities": "community", "parks": "park", "districts": "district"}
_DATE_OPTION = "OGR_CURRENT_DATE"
# `OFF` does not wait for the disk after every layer: the file only counts once it is whole and in its place.
_WAIT_OPTION = "OGR_SQLITE_SYNCHRONOUS"
_TAKEN = frozenset({"fid", "geom"})  # the columns that the format adds
# Geometry of a layer that has none to show, so that its schema is the same in every study.
_EMPTY_TYPE = {"service_points": "Point", "demand": "Point", "ledger_found": "Point"}
_MULTI = {
    "Point": "Point",
    "MultiPoint": "MultiPoint",
    "LineString": "MultiLineString",
    "MultiLineString": "MultiLineString",
    "Polygon": "MultiPolygon",
    "MultiPolygon": "MultiPolygon",
}


def write_layers(results: Results, path: Path, *, lang: Lang) -> None:
    """Write `layers.gpkg` with all layers of the contract, empty ones too.

    Minutes that are unreachable or not computed are NULL; rows without a geometry stay. Polygons are
    multipolygons in every layer. Columns of personal data are left out whatever the study keeps.
    """
    units = results.units
    crs = crs_room.require_same(units)
    layers = {name: units[units["unit_kind"] == kind] for name, kind in UNIT_LAYERS.items()}
    for name in ("service_points", "demand", "isochrones", "coverage", "gaps"):
        layers[name] = getattr(results, name)
    if results.gaps_past is not None:
        layers["gaps_past"] = results.gaps_past
    if results.ledger_found is not None:
        layers["ledger_found"] = _placed(results.ledger_found, crs)
    with _options(results.study.last_day):
        for name, table in layers.items():
            _write_layer(table, path, name, crs=crs, lang=lang)


def _placed(entries: pd.DataFrame, crs: pyproj.CRS) -> gpd.GeoDataFrame:
    """Return entries of the ledger as points; those without degrees have none."""
    lon, lat = (entries[name].to_numpy(dtype=np.float64) for name in ("lon", "lat"))
    points = shapely.points(*crs_room.transformer(crs_room.WGS84, crs).transform(lon, lat))
    there = np.isfinite(shapely.get_coordinates(points)).all(axis=1) if len(points) else np.zeros(0, dtype=bool)
    return gpd.GeoDataFrame(entries, geometry=np.where(there, points, None), crs=crs)


@contextmanager
def _options(day: dt.date) -> Iterator[None]:
    """Let the format's time stamps say one day, for the same bytes tomorrow, and do not wait for the disk."""
    before = {name: pyogrio.get_gdal_config_option(name) for name in (_DATE_OPTION, _WAIT_OPTION)}
    pyogrio.set_gdal_config_options({_DATE_OPTION: f"{day.isoformat()}T00:00:00.000Z", _WAIT_OPTION: "OFF"})
    try:
        yield
    finally:
        pyogrio.set_gdal_config_options(before)


def _write_layer(table: gpd.GeoDataFrame, path: Path, name: str, *, crs: pyproj.CRS, lang: Lang) -> None:
    if table.crs is not None:
        crs_room.require_same(crs, table)
    geometry_type = _geometry_type(table.geometry, name)
    pyogrio.write_dataframe(
        gpd.GeoDataFrame(_fields(table, lang), geometry=table.geometry.to_numpy(), crs=crs),
        path,
        layer=name,
        driver="GPKG",
        geometry_type=geometry_type,
        promote_to_multi=geometry_type.startswith("Multi"),
    )


def _geometry_type(geometry: gpd.GeoSeries, name: str) -> str:
    """Return the one type that a layer declares; `Unknown` lets different ones stand together."""
    met = {_MULTI.get(kind, "Unknown") for kind in geometry.geom_type.dropna()}
    if met == {"Point", "MultiPoint"}:
        return "MultiPoint"
    if not met:
        return _EMPTY_TYPE.get(name, "MultiPolygon")
    return met.pop() if len(met) == 1 else "Unknown"


def _fields(table: gpd.GeoDataFrame, lang: Lang) -> dict[str, pd.Series[Any]]:
    """Return the attribute columns under names that the format can hold side by side."""
    fields: dict[str, pd.Series[Any]] = {}
    folded = set(_TAKEN)
    for position, column in enumerate(table.columns):
        values = table.iloc[:, position].reset_index(drop=True)
        if column == table.geometry.name or _is_personal(column, values):
            continue
        fields[_free_name(column, folded, lang)] = _field(values, lang)
    return fields


def _free_name(column: Hashable, folded: set[str], lang: Lang) -> str:
    stem = cells.text_of(column, lang) or "column"
    name, again = stem, 1
    while name.casefold() in folded:
        again += 1
        name = f"{stem}_{again}"
    folded.add(name.casefold())
    return name


def _is_personal(column: Hashable, values: pd.Series[Any]) -> bool:
    if headers.is_personal(str(column)):
        return True
    if pd.api.types.is_numeric_dtype(values.dtype):
        return False
    return headers.hold_phones([value for value in values.tolist() if isinstance(value, str)], strictly=True)


def _field(values: pd.Series[Any], lang: Lang) -> pd.Series[Any]:
    """Return a column in a type that the format has: whole, real (what is not finite is NULL), yes/no or text."""
    kind = values.dtype.kind
    if isinstance(values.dtype, np.dtype) and kind in "biu":
        return values
    if kind in "fiu":
        real = values.to_numpy(dtype=np.float64, na_value=np.nan)
        return pd.Series(np.where(np.isfinite(real), real, np.nan))
    texts = np.array(cells.shown_of(values, lambda value: cells.text_of(value, lang)), dtype=object)
    texts[values.isna().to_numpy()] = None
    return pd.Series(texts, dtype=object)
