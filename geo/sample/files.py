"""How a study's files are written: compact, in a fixed order, without clock, so that the same plan gives the same bytes."""

from __future__ import annotations

import csv
import io
import json
from typing import TYPE_CHECKING, Any

import numpy as np
import osmium
import rasterio
import shapely
from osmium.osm import mutable

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from pathlib import Path

    from geo.sample.shapes import Array, Frame
    from geo.sample.ways import Street

DIGITS = 7


def _rounded(coordinates: Any, digits: int) -> Any:  # noqa: ANN401 - GeoJSON coordinates nest
    if isinstance(coordinates, (float, int)):
        return round(coordinates, digits)
    return [_rounded(part, digits) for part in coordinates]


def _geometry(geometry: shapely.Geometry | None, frame: Frame) -> dict[str, Any] | None:
    if geometry is None:
        return None
    turned = shapely.orient_polygons(geometry)
    degrees = shapely.transform(turned, frame.lonlat)
    shape = shapely.geometry.mapping(degrees)
    return {"type": shape["type"], "coordinates": _rounded(shape["coordinates"], DIGITS)}


def write_geojson(
    path: Path, frame: Frame, rows: Iterable[tuple[Mapping[str, object], shapely.Geometry | None]]
) -> None:
    """Write features in WGS 84 degrees, one a line."""
    lines = [
        json.dumps(
            {"type": "Feature", "properties": dict(properties), "geometry": _geometry(geometry, frame)},
            ensure_ascii=False,
            separators=(",", ":"),
        )
        for properties, geometry in rows
    ]
    text = '{"type":"FeatureCollection","features":[\n' + ",\n".join(lines) + "\n]}\n"
    path.write_bytes(text.encode())


def write_csv(
    path: Path, header: Sequence[str], rows: Iterable[Sequence[object]], *, encoding: str = "utf-8-sig"
) -> None:
    """Write a table with lines that end as Excel ends them."""
    text = io.StringIO(newline="")
    writer = csv.writer(text)
    writer.writerow(header)
    writer.writerows(rows)
    path.write_bytes(text.getvalue().encode(encoding))


def write_raster(
    path: Path, values: np.ndarray[Any, Any], *, crs: str, west: float, north: float, cell: float, nodata: float
) -> None:
    """Write rows from north to south as a compressed GeoTIFF."""
    rows, columns = values.shape
    with rasterio.open(
        path,
        "w",
        driver="GTiff",
        height=rows,
        width=columns,
        count=1,
        dtype=values.dtype,
        crs=crs,
        nodata=nodata,
        transform=rasterio.Affine(cell, 0, west, 0, -cell, north),
        compress="deflate",
        predictor=2,
        zlevel=9,
    ) as target:
        target.write(values, 1)


def _node_numbers(streets: Sequence[Street]) -> tuple[dict[tuple[int, float, float], int], Array]:
    """Return the id of every point by level and place, and the points in the order of their ids."""
    number: dict[tuple[int, float, float], int] = {}
    for street in streets:
        for x, y in shapely.get_coordinates(street.line).tolist():
            number.setdefault((street.level, x, y), len(number) + 1)
    return number, np.array([(x, y) for _, x, y in number])


def _tags(street: Street) -> dict[str, str]:
    tags = {"highway": street.highway} if street.highway else {"railway": "rail"}
    if street.name:
        tags["name"] = street.name
    return {**tags, **dict(street.tags)}


def write_streets(path: Path, frame: Frame, streets: Sequence[Street]) -> None:
    """Write streets as OpenStreetMap PBF: nodes, then ways, ids rising from 1; shared points are shared nodes."""
    number, xy = _node_numbers(streets)
    with osmium.SimpleWriter(str(path), overwrite=True) as writer:
        for node, (lon, lat) in enumerate(frame.lonlat(xy).tolist(), start=1):
            writer.add_node(mutable.Node(id=node, version=1, location=(round(lon, DIGITS), round(lat, DIGITS))))
        for way, street in enumerate(streets, start=1):
            points = shapely.get_coordinates(street.line).tolist()
            refs = [number[(street.level, x, y)] for x, y in points]
            writer.add_way(mutable.Way(id=way, version=1, nodes=refs, tags=_tags(street)))
