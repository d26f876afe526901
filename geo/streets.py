"""OpenStreetMap and graphs of streets → street pieces between junctions, with the tags that decide who may use them.

OpenStreetMap is read straight into arrays (`osm`); GraphML through osmnx; drawn lines are read in `drawn`.
What a mode may use is decided later, in `access`.
"""

from __future__ import annotations

from collections import defaultdict
from contextlib import contextmanager
from typing import TYPE_CHECKING, NamedTuple

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

from geo import crs as crs_room, osm, pieces, schema
from geo.errors import Fault, InputFaultsError
from geo.messages import Message

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

    import networkx as nx
    import pyproj
    from numpy.typing import NDArray

    from geo.osm import Highways, Restriction

OSM_ENDINGS = (".osm.pbf", ".pbf", ".osm", ".osm.gz", ".osm.bz2")
GRAPHML_ENDINGS = (".graphml",)
_TRUE = frozenset({"true", "yes", "1"})
_SEVERAL = ("oneway", "maxspeed")
_KEYS = [schema.STREET_TAG_KEYS.get(name, name) for name in schema.STREET_TAGS]


class _End(NamedTuple):
    """Where a piece meets a node."""

    piece: int
    at_end: bool
    way: int


def is_street_file(name: str) -> bool:
    """Say whether a file name is one of OpenStreetMap's or GraphML's (else it is a line layer)."""
    return name.lower().endswith(OSM_ENDINGS + GRAPHML_ENDINGS)


def read_osm(
    file: Path, *, crs: pyproj.CRS | None = None, where: str = "", sphere_m: float | None = None
) -> gpd.GeoDataFrame:
    """Read the highways of an OpenStreetMap file.

    Parameters
    ----------
    file
        `.osm.pbf`, `.osm`, `.osm.gz` or `.osm.bz2`.
    crs
        CRS of the result; by default the metric one of the place (`crs.choose_metric`).
    where
        How the user wrote the file; for messages.
    sphere_m
        Measure lengths on a sphere of this radius instead of WGS 84.

    Returns
    -------
    `schema.STREETS`: every piece between junctions, as the file orders ways and their vertices. Its attrs count
    `vertices_missing`: way vertices whose place the file does not hold (cut off at the extract's border);
    `restrictions_read`: relations that forbid cars a turn and stand in `schema.STREET_TURNS`;
    `restrictions_skipped`: those that do not, since they go by way of other ways, bind at some hours only, miss
    members, or name a way that passes through the node, so that the turn meant is not certain. Ways are cut at barriers
    too, where these stop somebody (`schema.STREET_SHUT`); a barrier drawn at a junction stops nobody, since it is not
    certain on which of the streets it stands.

    Raises
    ------
    InputFaultsError
        When the file is truncated, not OpenStreetMap, or holds no highway.
    """
    found = osm.read(file, where=where or str(file))
    ways = found.ways
    if not len(ways.way):
        raise InputFaultsError([Fault(where or str(file), Message("streets.no_highway"))])
    frame = crs or pieces.metric_of(ways.lonlat)
    cuts = pieces.cut(ways, _numbers(found, [*found.barriers]))
    turns, read = _no_turns(found, cuts)
    turns |= _shut(found, cuts)
    length_m = pieces.lengths_m(ways, cuts, sphere_m=sphere_m)
    lines = pieces.lines_of(_projected(ways.lonlat, frame), cuts)
    table = gpd.GeoDataFrame(pieces.table_of(ways, cuts, length_m, turns), geometry=lines, crs=frame)
    table = table[[*schema.STREETS]]
    skipped = len(found.restrictions) - read + found.restrictions_skipped
    table.attrs.update(zip(pieces.COUNTS, (found.vertices_missing, read, skipped), strict=True))
    return table


def _projected(lonlat: NDArray[np.float64], crs: pyproj.CRS) -> NDArray[np.float64]:
    if crs.is_exact_same(crs_room.WGS84):
        return lonlat
    move = crs_room.transformer(crs_room.WGS84, crs)
    return np.column_stack(move.transform(lonlat[:, 0], lonlat[:, 1]))


def _no_turns(found: Highways, cuts: pieces.Cuts) -> tuple[dict[str, NDArray[np.object_]], int]:
    """Return `schema.STREET_TURNS` of the pieces, and how many restrictions they hold."""
    columns = pieces.silent(schema.STREET_TURNS, len(cuts.way))
    ends = _ends_at(found, cuts, [restriction.via for restriction in found.restrictions])
    forbidden: defaultdict[tuple[bool, int], set[int]] = defaultdict(set)
    read = 0
    for restriction in found.restrictions:
        turns = _turns(restriction, ends.get(restriction.via, []))
        read += bool(turns)
        for end, ways in turns:
            forbidden[end.at_end, end.piece] |= ways
    for (at_end, piece), ways in forbidden.items():
        columns[schema.STREET_TURNS[at_end]][piece] = ";".join(map(str, sorted(ways)))
    return columns, read


def _ends_at(found: Highways, cuts: pieces.Cuts, nodes: list[int]) -> dict[int, list[_End]]:
    """Return the ends of pieces that meet at each of some nodes, given by OpenStreetMap's ids."""
    named = np.zeros(len(found.node), dtype=bool)
    named[_numbers(found, nodes)] = True
    met: defaultdict[int, list[_End]] = defaultdict(list)
    for at_end, vertex in enumerate((cuts.first, cuts.last)):
        place = found.ways.vertex[vertex]
        for piece in np.flatnonzero(named[place]).tolist():
            end = _End(piece, bool(at_end), int(found.ways.way[cuts.way[piece]]))
            met[int(found.node[place[piece]])].append(end)
    return met


def _numbers(found: Highways, nodes: list[int]) -> NDArray[np.int64]:
    """Return the numbers in `ways.vertex` of nodes, given by OpenStreetMap's ids; those of no way are left out."""
    at = np.minimum(np.searchsorted(found.node, nodes), len(found.node) - 1)
    return np.asarray(at[found.node[at] == nodes], dtype=np.int64)


def _shut(found: Highways, cuts: pieces.Cuts) -> dict[str, NDArray[np.object_]]:
    """Return `schema.STREET_SHUT` of the pieces: barriers where one street goes on as another, or as itself."""
    columns = pieces.silent(schema.STREET_SHUT, len(cuts.way))
    for node, ends in _ends_at(found, cuts, [*found.barriers]).items():
        if len(ends) == 2:  # noqa: PLR2004 - a street has two sides of a barrier
            for end in ends:
                columns[schema.STREET_SHUT[end.at_end]][end.piece] = found.barriers[node]
    return columns


def _turns(restriction: Restriction, ends: list[_End]) -> list[tuple[_End, set[int]]]:
    """Return where a restriction forbids to enter which ways; empty where that is not certain.

    Members that do not meet the node, such as the way before the last, say nothing.
    """
    of_way: defaultdict[int, list[_End]] = defaultdict(list)
    for end in ends:
        of_way[end.way].append(end)
    from_ways, to_ways = (
        [way for way in ways if way in of_way] for ways in (restriction.from_ways, restriction.to_ways)
    )
    if not (from_ways and to_ways) or any(len(of_way[way]) > 1 for way in (*from_ways, *to_ways)):
        return []
    ways = {*of_way}.difference(to_ways) if restriction.only else {*to_ways}
    return [(of_way[way][0], ways) for way in from_ways]


def read_graphml(file: Path, *, crs: pyproj.CRS | None = None, where: str = "") -> gpd.GeoDataFrame:
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


def read_place(place: str, *, crs: pyproj.CRS | None = None) -> gpd.GeoDataFrame:
    """Fetch the streets of a named place from OpenStreetMap (needs a network).

    Raises
    ------
    InputFaultsError
        When the place is not found or the service is out of reach.
    """
    import osmnx  # noqa: PLC0415 - see read_graphml

    try:
        with graph_tags():
            graph = osmnx.graph_from_place(place, network_type="all", simplify=False, retain_all=True)
        graph = simplified(graph)
    except (ValueError, OSError, TypeError, osmnx._errors.InsufficientResponseError) as error:  # noqa: SLF001
        raise InputFaultsError([Fault(place, Message("streets.no_place", {"why": str(error)}))]) from error
    return from_graph(graph, crs=crs, where=place)


@contextmanager
def graph_tags() -> Iterator[None]:
    """Let osmnx keep the tags that decide who may use a street; by itself it drops most of them."""
    import osmnx  # noqa: PLC0415 - see read_graphml

    kept = osmnx.settings.useful_tags_way
    osmnx.settings.useful_tags_way = [*dict.fromkeys([*kept, *_KEYS])]
    try:
        yield
    finally:
        osmnx.settings.useful_tags_way = kept


def simplified(graph: nx.MultiDiGraph) -> nx.MultiDiGraph:
    """Return an osmnx graph without the vertices between junctions; a street is cut where one of its tags changes.

    By itself osmnx merges such streets and lists their tags in the order of a set, which differs from run to run.
    """
    import osmnx  # noqa: PLC0415 - see read_graphml

    return osmnx.simplify_graph(graph, edge_attrs_differ=_KEYS)


def from_graph(graph: object, *, crs: pyproj.CRS | None = None, where: str) -> gpd.GeoDataFrame:
    """Return the street pieces of an osmnx graph; it holds no turn restrictions and no barriers.

    Of an attribute with several values (ways that osmnx merged) the first is taken; of `maxspeed` all, ";" between.
    What is one way in part is one way.
    """
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
    one_way = (
        tags["oneway"].str.lower().str.split(";").map(lambda said: not _TRUE.isdisjoint(said)).to_numpy(dtype=bool)
    )
    tags["oneway"] = np.where(one_way, "yes", "")
    table = gpd.GeoDataFrame(tags, geometry=plain.geometry.to_numpy(), crs=crs_room.WGS84)
    none = dict.fromkeys((*schema.STREET_TURNS, *schema.STREET_SHUT), "")
    table = table.assign(**none, way=_graph_tag(plain, "osmid"))
    table["start_node"], table["end_node"] = start, end
    table["length_m"] = _line_lengths_m(table.geometry.to_numpy())
    low, high = np.minimum(start, end), np.maximum(start, end)
    same = pd.DataFrame({"low": low, "high": high, "length": table["length_m"].round(1), "one": one_way})
    same["way"] = np.where(one_way, np.arange(len(table)).astype(str), "")
    table = table[~same.duplicated()]
    frame = crs or pieces.metric_of(shapely.get_coordinates(table.geometry.to_numpy()))
    return table[[*schema.STREETS]].reset_index(drop=True).to_crs(frame)


def _graph_tag(arcs: pd.DataFrame, name: str) -> pd.Series[str]:
    """Return one attribute of arcs as text."""
    key = schema.STREET_TAG_KEYS.get(name, name)
    if key not in arcs.columns:
        return pd.Series("", index=arcs.index)

    def text(value: object) -> object:
        if not isinstance(value, list):
            return value
        return ";".join(map(str, value)) if name in _SEVERAL else value[0]

    values = arcs[key].map(text)
    return values.where(values.notna(), "").astype(str)


def _line_lengths_m(lines: NDArray[np.object_], *, sphere_m: float | None = None) -> NDArray[np.float64]:
    """Return the metres of lines given in degrees."""
    lonlat, line_of = shapely.get_coordinates(lines, return_index=True)
    step = crs_room.segment_lengths_m(lonlat, sphere_m=sphere_m)
    inside = line_of[:-1] == line_of[1:]
    return np.bincount(line_of[:-1][inside], weights=step[inside], minlength=len(lines)).astype(np.float64)


def combine(tables: Iterable[gpd.GeoDataFrame]) -> gpd.GeoDataFrame:
    """Return several street tables as one; nodes of different sources stay apart, what was counted is summed."""
    listed = list(tables)
    crs = crs_room.require_same(*listed)
    if len(listed) == 1:
        return listed[0]
    shifted, base = [], 0
    for table in listed:
        shifted.append(table.assign(start_node=table["start_node"] + base, end_node=table["end_node"] + base))
        base = int(max(shifted[-1]["start_node"].max(), shifted[-1]["end_node"].max())) + 1
    together = gpd.GeoDataFrame(pd.concat(shifted, ignore_index=True), crs=crs)
    together.attrs = {name: sum(table.attrs.get(name, 0) for table in listed) for name in pieces.COUNTS}
    return together
