"""Any street source → street pieces between junctions, with the tags that decide who may use them.

OpenStreetMap is read with pyosmium straight into arrays; GraphML through osmnx; any line layer is
noded where lines share a vertex. What a mode may use is decided later, in `network`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

from geo import crs as crs_room, schema
from geo.errors import Fault, InputFaultsError
from geo.messages import Message

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    import pyproj
    from numpy.typing import NDArray

OSM_ENDINGS = (".osm.pbf", ".pbf", ".osm", ".osm.gz", ".osm.bz2")
GRAPHML_ENDINGS = (".graphml",)
_TAG_KEYS = {"oneway_bicycle": "oneway:bicycle"}
_SHARED_VERTEX_M = 1e-3
_OSM_FORMATS = {".pbf": "pbf", ".osm": "osm", ".gz": "osm.gz", ".bz2": "osm.bz2"}


class Ways(NamedTuple):
    """Lines as flat arrays: way `i` has the vertices `offsets[i]:offsets[i + 1]`.

    Attributes
    ----------
    vertex
        Number of the place of each vertex; the same number is the same place.
    lonlat
        (n, 2) degrees, one a vertex.
    offsets
        (ways + 1,) into the vertices.
    tags
        One row a way, columns `way` and `schema.STREET_TAGS`, "" where the source is silent.
    """

    vertex: NDArray[np.int64]
    lonlat: NDArray[np.float64]
    offsets: NDArray[np.int64]
    tags: pd.DataFrame


def is_street_file(name: str) -> bool:
    """Say whether a file name is one of OpenStreetMap's or GraphML's (else it is a line layer)."""
    return name.lower().endswith(OSM_ENDINGS + GRAPHML_ENDINGS)


def read_osm(file: Path, *, crs: pyproj.CRS, where: str = "", sphere_m: float | None = None) -> gpd.GeoDataFrame:
    """Read the highways of an OpenStreetMap file.

    Parameters
    ----------
    file
        `.osm.pbf`, `.osm`, `.osm.gz` or `.osm.bz2`.
    crs
        Metric CRS of the result.
    where
        How the user wrote the file; for messages.
    sphere_m
        Measure lengths on a sphere of this radius instead of WGS 84.

    Returns
    -------
    `schema.STREETS`: every piece between junctions; its attrs tell `vertices_missing`, the
    number of way vertices whose place the file does not hold (cut off at the extract's border).

    Raises
    ------
    InputFaultsError
        When the file is truncated, not OpenStreetMap, or holds no highway.
    """
    ways, missing = _read_ways(file, where or str(file))
    if not len(ways.tags):
        raise InputFaultsError([Fault(where or str(file), Message("streets.no_highway"))])
    pieces = _pieces(ways, crs=crs, sphere_m=sphere_m)
    pieces.attrs["vertices_missing"] = missing
    return pieces


def _read_ways(file: Path, where: str) -> tuple[Ways, int]:
    """Return the highways of a file as arrays, and how many vertices have no place."""
    import osmium  # noqa: PLC0415 - only this reader needs it

    way: Any
    refs: list[int] = []
    lon: list[float] = []
    lat: list[float] = []
    counts: list[int] = []
    ids: list[int] = []
    tags: dict[str, list[str]] = {name: [] for name in schema.STREET_TAGS}
    missing = 0
    endings = "".join(file.suffixes[-1:]).lower()
    source = osmium.io.File(str(file), _OSM_FORMATS.get(endings, ""))
    try:
        ways = osmium.FileProcessor(source, osmium.osm.NODE | osmium.osm.WAY).with_locations()
        for way in ways.with_filter(osmium.filter.EntityFilter(osmium.osm.WAY)).with_filter(
            osmium.filter.KeyFilter("highway")
        ):
            placed = [(node.ref, node.lon, node.lat) for node in way.nodes if node.location.valid()]
            missing += len(way.nodes) - len(placed)
            if len(placed) < 2:  # noqa: PLR2004 - a line has two ends
                continue
            way_refs, way_lon, way_lat = zip(*placed, strict=True)
            refs += way_refs
            lon += way_lon
            lat += way_lat
            counts.append(len(placed))
            ids.append(way.id)
            for name, values in tags.items():
                values.append(way.tags.get(_TAG_KEYS.get(name, name), "") or "")
    except (RuntimeError, osmium.InvalidLocationError) as error:
        raise InputFaultsError([Fault(where, Message("streets.unreadable", {"why": str(error)}))]) from error
    vertex = np.unique(np.asarray(refs, dtype=np.int64), return_inverse=True)[1].astype(np.int64)
    offsets = np.concatenate([[0], np.cumsum(counts, dtype=np.int64)])
    lonlat = np.column_stack([np.asarray(lon, dtype=np.float64), np.asarray(lat, dtype=np.float64)])
    return Ways(vertex, lonlat, offsets.astype(np.int64), pd.DataFrame({"way": ids, **tags})), missing


def _pieces(ways: Ways, *, crs: pyproj.CRS, sphere_m: float | None) -> gpd.GeoDataFrame:
    """Cut ways at junctions: vertices met twice (by ways, or by a way itself) and the ends of ways."""
    counts = np.bincount(ways.vertex)
    junction = counts[ways.vertex] > 1
    first, last = ways.offsets[:-1], ways.offsets[1:] - 1
    junction[first] = junction[last] = True
    way_of = np.repeat(np.arange(len(first)), np.diff(ways.offsets))
    at = np.flatnonzero(junction)
    same = way_of[at[:-1]] == way_of[at[1:]]
    start, end = at[:-1][same], at[1:][same]
    size = end - start + 1
    offsets = np.concatenate([[0], np.cumsum(size)])
    take = np.arange(offsets[-1]) + np.repeat(start - offsets[:-1], size)
    step = np.concatenate([crs_room.segment_lengths_m(ways.lonlat, sphere_m=sphere_m), [0.0]])
    run = np.concatenate([[0.0], np.cumsum(step)])
    line = shapely.linestrings(ways.lonlat[take], indices=np.repeat(np.arange(len(start)), size))
    table = ways.tags.iloc[way_of[start]].reset_index(drop=True)
    nodes, number = np.unique(np.concatenate([ways.vertex[start], ways.vertex[end]]), return_inverse=True)
    del nodes
    table["start_node"], table["end_node"] = number[: len(start)], number[len(start) :]
    table["length_m"] = run[end] - run[start]
    pieces = gpd.GeoDataFrame(table, geometry=line, crs=crs_room.WGS84).to_crs(crs)
    return pieces[[*schema.STREETS]]


def read_graphml(file: Path, *, crs: pyproj.CRS, where: str = "") -> gpd.GeoDataFrame:
    """Read a street graph that osmnx wrote (any version; every value may be a string).

    Arcs there and back along one street become one piece; an arc whose `oneway` is true keeps its
    direction.

    Raises
    ------
    InputFaultsError
        When the file is no such graph.
    """
    import osmnx  # noqa: PLC0415 - six seconds to import, and only GraphML and places need it

    try:
        graph = osmnx.load_graphml(file)
    except (ValueError, KeyError, SyntaxError, OSError, UnicodeDecodeError) as error:
        raise InputFaultsError(
            [Fault(where or str(file), Message("streets.unreadable", {"why": str(error)}))]
        ) from error
    return from_graph(graph, crs=crs, where=where or str(file))


def read_place(place: str, *, crs: pyproj.CRS) -> gpd.GeoDataFrame:
    """Fetch the streets of a named place from OpenStreetMap (needs a network).

    Raises
    ------
    InputFaultsError
        When the place is not found or the service is out of reach.
    """
    import osmnx  # noqa: PLC0415 - see read_graphml

    try:
        graph = osmnx.graph_from_place(place, network_type="all", simplify=True)
    except (ValueError, OSError, TypeError, osmnx._errors.InsufficientResponseError) as error:  # noqa: SLF001
        raise InputFaultsError([Fault(place, Message("streets.no_place", {"why": str(error)}))]) from error
    return from_graph(graph, crs=crs, where=place)


def from_graph(graph: object, *, crs: pyproj.CRS, where: str) -> gpd.GeoDataFrame:
    """Return the street pieces of an osmnx graph."""
    import osmnx  # noqa: PLC0415 - see read_graphml

    nodes, arcs = osmnx.graph_to_gdfs(graph)
    if arcs.empty:
        raise InputFaultsError([Fault(where, Message("streets.no_highway"))])
    number = pd.Series(np.arange(len(nodes)), index=nodes.index)
    index = arcs.index.to_frame()
    start = number.reindex(index["u"]).to_numpy()
    end = number.reindex(index["v"]).to_numpy()
    plain = crs_room.convert(arcs.reset_index(drop=True), crs_room.WGS84)
    tags = pd.DataFrame({name: _graph_tag(plain, name) for name in schema.STREET_TAGS})
    one_way = np.isin(tags["oneway"].str.lower().to_numpy(), ["true", "yes", "1"])
    tags["oneway"] = np.where(one_way, "yes", "")
    table = gpd.GeoDataFrame(tags, geometry=plain.geometry.to_numpy(), crs=crs_room.WGS84)
    table["way"] = _graph_tag(plain, "osmid")
    table["start_node"], table["end_node"] = start, end
    table["length_m"] = _line_lengths_m(table.geometry.to_numpy())
    low, high = np.minimum(start, end), np.maximum(start, end)
    same = pd.DataFrame({"low": low, "high": high, "length": table["length_m"].round(1), "one": one_way})
    same["way"] = np.where(one_way, np.arange(len(table)).astype(str), "")
    table = table[~same.duplicated()]
    return table[[*schema.STREETS]].reset_index(drop=True).to_crs(crs)


def _graph_tag(arcs: pd.DataFrame, name: str) -> pd.Series[str]:
    """Return one attribute of arcs as text; of a list (ways merged by osmnx) the first."""
    key = _TAG_KEYS.get(name, name)
    if key not in arcs.columns:
        return pd.Series("", index=arcs.index)
    values = arcs[key].map(lambda value: value[0] if isinstance(value, list) else value)
    return values.where(values.notna(), "").astype(str)


def _line_lengths_m(lines: NDArray[np.object_], *, sphere_m: float | None = None) -> NDArray[np.float64]:
    """Return the metres of lines given in degrees."""
    lonlat, line_of = shapely.get_coordinates(lines, return_index=True)
    step = crs_room.segment_lengths_m(lonlat, sphere_m=sphere_m)
    inside = line_of[:-1] == line_of[1:]
    return np.bincount(line_of[:-1][inside], weights=step[inside], minlength=len(lines)).astype(np.float64)


def from_lines(lines: gpd.GeoDataFrame, *, crs: pyproj.CRS, where: str) -> gpd.GeoDataFrame:
    """Node a line layer where lines share a vertex (to a millimetre); the tags are its own columns.

    Lines that cross without a shared vertex are not joined: they may be a bridge.

    Raises
    ------
    InputFaultsError
        When the layer holds no line.
    """
    kinds = shapely.get_type_id(lines.geometry.to_numpy())
    usable = lines[np.isin(kinds, [shapely.GeometryType.LINESTRING, shapely.GeometryType.MULTILINESTRING])]
    parts = usable.to_crs(crs).explode(index_parts=False).reset_index(drop=True)
    parts = parts[shapely.length(parts.geometry.to_numpy()) > 0].reset_index(drop=True)
    if parts.empty:
        raise InputFaultsError([Fault(where, Message("streets.no_line"))])
    xy, line_of = shapely.get_coordinates(parts.geometry.to_numpy(), return_index=True)
    place = np.unique(np.round(xy / _SHARED_VERTEX_M).astype(np.int64), axis=0, return_inverse=True)[1]
    lonlat = shapely.get_coordinates(parts.to_crs(crs_room.WGS84).geometry.to_numpy())
    offsets = np.searchsorted(line_of, np.arange(len(parts) + 1))
    tags = pd.DataFrame({"way": np.arange(1, len(parts) + 1), **_line_tags(parts)})
    return _pieces(Ways(place.astype(np.int64).ravel(), lonlat, offsets, tags), crs=crs, sphere_m=None)


def _line_tags(lines: pd.DataFrame) -> dict[str, NDArray[np.object_]]:
    """Return the tag columns of a line layer; a line without a class is an ordinary road."""
    found = {
        name: lines[name].fillna("").astype(str).to_numpy(dtype=object)
        if name in lines.columns
        else np.full(len(lines), "", dtype=object)
        for name in schema.STREET_TAGS
    }
    found["highway"] = np.where(found["highway"] == "", "unclassified", found["highway"])
    return found


def combine(tables: Iterable[gpd.GeoDataFrame]) -> gpd.GeoDataFrame:
    """Return several street tables as one; nodes of different sources stay apart."""
    listed = list(tables)
    shifted, base = [], 0
    for table in listed:
        shifted.append(table.assign(start_node=table["start_node"] + base, end_node=table["end_node"] + base))
        base = int(max(shifted[-1]["start_node"].max(), shifted[-1]["end_node"].max())) + 1
    crs_room.require_same(*listed)
    return (
        shifted[0] if len(shifted) == 1 else gpd.GeoDataFrame(pd.concat(shifted, ignore_index=True), crs=listed[0].crs)
    )
