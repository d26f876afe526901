"""Any street source → street pieces between junctions, with the tags that decide who may use them.

OpenStreetMap is read straight into arrays (`osm`); GraphML through osmnx; any line layer is noded (`noding`).
What a mode may use is decided later, in `access`.
"""

from __future__ import annotations

from collections import defaultdict
from contextlib import contextmanager
from typing import TYPE_CHECKING, NamedTuple

import geopandas as gpd
import numpy as np
import pandas as pd
import pyproj
import shapely

from geo import crs as crs_room, drawn_tags, noding, osm, schema
from geo.errors import Fault, InputFaultsError
from geo.messages import Message
from geo.osm import Ways
from geo.study_file import Noding

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

    import networkx as nx
    from numpy.typing import NDArray

    from geo.drawn_tags import Said
    from geo.noding import Noded, Strings
    from geo.osm import Highways, Restriction

OSM_ENDINGS = (".osm.pbf", ".pbf", ".osm", ".osm.gz", ".osm.bz2")
GRAPHML_ENDINGS = (".graphml",)
# What the reader of a file counts, in `attrs` of its pieces.
COUNTS = ("vertices_missing", "restrictions_read", "restrictions_skipped")
_PLACES_TOLD = 12
_LINES_AT_ONCE = 1 << 14  # neighbours share their ends: the vertices are copied for a block of lines, not for all
_TRUE = frozenset({"true", "yes", "1"})
_SEVERAL = ("oneway", "maxspeed")
_KEYS = [schema.STREET_TAG_KEYS.get(name, name) for name in schema.STREET_TAGS]


class _Cuts(NamedTuple):
    """Pieces of ways, (pieces,) each: the row of the way, and its first and last vertex."""

    way: NDArray[np.int64]
    first: NDArray[np.int64]
    last: NDArray[np.int64]


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
    frame = crs or _metric_of(ways.lonlat)
    cuts = _cut(ways, _numbers(found, [*found.barriers]))
    turns, read = _no_turns(found, cuts)
    turns |= _shut(found, cuts)
    length_m = _lengths_m(ways, cuts, sphere_m=sphere_m)
    lines = _lines(_projected(ways.lonlat, frame), cuts)
    pieces = gpd.GeoDataFrame(_table(ways, cuts, length_m, turns), geometry=lines, crs=frame)[[*schema.STREETS]]
    skipped = len(found.restrictions) - read + found.restrictions_skipped
    pieces.attrs.update(zip(COUNTS, (found.vertices_missing, read, skipped), strict=True))
    return pieces


def _metric_of(lonlat: NDArray[np.float64]) -> pyproj.CRS:
    """Return the metric CRS for the middle of what has been read."""
    lon, lat = (lonlat.min(axis=0) + lonlat.max(axis=0)) / 2
    return crs_room.choose_metric(float(lon), float(lat))


def _cut(ways: Ways, also: NDArray[np.int64] | None = None) -> _Cuts:
    """Cut ways at junctions: vertices met twice (by ways, or by a way itself), the ends of ways, and places given."""
    met = np.bincount(ways.vertex) > 1
    if also is not None:
        met[also] = True
    junction = met[ways.vertex]
    junction[ways.offsets[:-1]] = junction[ways.offsets[1:] - 1] = True
    at = np.flatnonzero(junction)
    way = np.searchsorted(ways.offsets, at, side="right") - 1
    same = way[:-1] == way[1:]
    return _Cuts(way[:-1][same], at[:-1][same], at[1:][same])


def _projected(lonlat: NDArray[np.float64], crs: pyproj.CRS) -> NDArray[np.float64]:
    if crs.is_exact_same(crs_room.WGS84):
        return lonlat
    move = pyproj.Transformer.from_crs(crs_room.WGS84, crs, always_xy=True)
    return np.column_stack(move.transform(lonlat[:, 0], lonlat[:, 1]))


def _lines(xy: NDArray[np.float64], cuts: _Cuts) -> NDArray[np.object_]:
    """Return the line of each piece; `xy` are the places of the ways' vertices."""
    lines = np.empty(len(cuts.way), dtype=object)
    for begin in range(0, len(lines), _LINES_AT_ONCE):
        some = slice(begin, begin + _LINES_AT_ONCE)
        first = cuts.first[some]
        size = cuts.last[some] - first + 1
        offsets = np.concatenate([[0], np.cumsum(size)])
        take = np.arange(offsets[-1]) + np.repeat(first - offsets[:-1], size)
        lines[some] = shapely.from_ragged_array(shapely.GeometryType.LINESTRING, xy[take], (offsets,))
    return lines


def _lengths_m(ways: Ways, cuts: _Cuts, *, sphere_m: float | None = None) -> NDArray[np.float64]:
    step = np.append(crs_room.segment_lengths_m(ways.lonlat, sphere_m=sphere_m), 0.0)
    step[ways.offsets[1:] - 1] = 0.0  # from way to way
    return np.add.reduceat(step, cuts.first)


def _table(
    ways: Ways, cuts: _Cuts, length_m: NDArray[np.float64], turns: dict[str, NDArray[np.object_]]
) -> dict[str, NDArray[np.generic]]:
    """Return the columns of the pieces, apart from their lines; the tags of the ways are used up."""
    start, end = ways.vertex[cuts.first], ways.vertex[cuts.last]
    met = np.zeros(int(ways.vertex.max()) + 1, dtype=bool)
    met[start] = met[end] = True
    number = np.cumsum(met) - 1
    return {
        "way": ways.way[cuts.way],
        "start_node": number[start],
        "end_node": number[end],
        "length_m": length_m,
        **{name: ways.tags.pop(name)[cuts.way] for name in schema.STREET_TAGS},
        **turns,
    }


def _no_turns(found: Highways, cuts: _Cuts) -> tuple[dict[str, NDArray[np.object_]], int]:
    """Return `schema.STREET_TURNS` of the pieces, and how many restrictions they hold."""
    columns = _silent(schema.STREET_TURNS, len(cuts.way))
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


def _ends_at(found: Highways, cuts: _Cuts, nodes: list[int]) -> dict[int, list[_End]]:
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


def _shut(found: Highways, cuts: _Cuts) -> dict[str, NDArray[np.object_]]:
    """Return `schema.STREET_SHUT` of the pieces: barriers where one street goes on as another, or as itself."""
    columns = _silent(schema.STREET_SHUT, len(cuts.way))
    for node, ends in _ends_at(found, cuts, [*found.barriers]).items():
        if len(ends) == 2:  # noqa: PLR2004 - a street has two sides of a barrier
            for end in ends:
                columns[schema.STREET_SHUT[end.at_end]][end.piece] = found.barriers[node]
    return columns


def _silent(names: Iterable[str], count: int) -> dict[str, NDArray[np.object_]]:
    return {name: np.full(count, "", dtype=object) for name in names}


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
    frame = crs or _metric_of(shapely.get_coordinates(table.geometry.to_numpy()))
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


def from_lines(
    lines: gpd.GeoDataFrame,
    *,
    crs: pyproj.CRS | None = None,
    where: str,
    rules: Noding | None = None,
    onto: gpd.GeoDataFrame | None = None,
) -> gpd.GeoDataFrame:
    """Node a line layer: lines meet where they share a vertex, cross, or nearly touch; the tags are its own columns.

    Parameters
    ----------
    lines
        Any line layer; `bridge`, `tunnel` and `layer` keep apart what crosses at different levels.
    crs
        CRS of the result; by default the metric one of the place.
    where
        How the user wrote the source; for messages.
    rules
        Within which distances lines are joined.
    onto
        `schema.STREETS` in `crs`, which must be metric then: pieces that the lines are joined to. They keep their own
        junctions, are cut where a line meets them, and stand first in the result.

    Returns
    -------
    `schema.STREETS`; a piece that bridges a gap has a negative `way`. Its attrs hold `told`, messages about what was
    joined, and, as those of `onto`, what was counted.

    Raises
    ------
    InputFaultsError
        When the layer holds no line.
    """
    rules = rules or Noding()
    parts, metric = _line_parts(lines, crs=crs, where=where)
    said = drawn_tags.read(parts)
    xy, line_of = shapely.get_coordinates(parts.geometry.to_numpy(), return_index=True)
    offsets = np.searchsorted(line_of, np.arange(len(parts) + 1))
    drawn = _Drawn(xy, offsets, said.level, said.tags)
    given = _with_known(drawn, onto)
    noded = noding.node(given.strings, join_m=rules.join_m, bridge_m=rules.bridge_m, ask_m=rules.ask_m)
    pieces = _pieces_of(noded, given, onto, crs=metric)
    pieces = pieces[[*schema.STREETS]].to_crs(crs or metric)
    pieces.attrs = {name: onto.attrs.get(name, 0) for name in COUNTS} if onto is not None else {}
    pieces.attrs["told"] = [*_told(noded, rules, metric), *_told_lines(parts, said)]
    return pieces


class _Drawn(NamedTuple):
    """A line layer as arrays, in metres."""

    xy: NDArray[np.float64]
    offsets: NDArray[np.int64]
    level: NDArray[np.int64]
    tags: dict[str, NDArray[np.object_]]


class _Given(NamedTuple):
    """Lines to node with the tags and the `way` of each, known pieces first."""

    strings: Strings
    tags: dict[str, NDArray[np.object_]]
    way: NDArray[np.generic]


def _line_parts(lines: gpd.GeoDataFrame, *, crs: pyproj.CRS | None, where: str) -> tuple[gpd.GeoDataFrame, pyproj.CRS]:
    """Return the single lines of a layer in a metric CRS, without repeated vertices and points."""
    kinds = shapely.get_type_id(lines.geometry.to_numpy())
    usable = lines[np.isin(kinds, [shapely.GeometryType.LINESTRING, shapely.GeometryType.MULTILINESTRING])]
    every = usable.explode(index_parts=False).reset_index(drop=True)
    parts = every[shapely.length(every.geometry.to_numpy()) > 0].reset_index(drop=True)
    if parts.empty:
        raise InputFaultsError([Fault(where, Message("streets.no_line"))])
    if crs is not None and crs_room.is_metric(crs):
        metric = crs
    else:
        metric = _metric_of(shapely.get_coordinates(parts.to_crs(crs_room.WGS84).geometry.to_numpy()))
    moved = parts.to_crs(metric)
    shapes = shapely.remove_repeated_points(shapely.force_2d(moved.geometry.to_numpy()), 0.0)
    parts = moved.set_geometry(gpd.GeoSeries(shapes, index=moved.index, crs=metric))
    parts.attrs["zero"] = len(every) - len(parts)
    return parts, metric


def _with_known(drawn: _Drawn, onto: gpd.GeoDataFrame | None) -> _Given:
    """Return drawn lines as what is to be noded, behind the pieces that are known."""
    numbers = np.arange(1, len(drawn.level) + 1)
    if onto is None or not len(onto):
        return _Given(noding.strings(drawn.xy, drawn.offsets, level=drawn.level), drawn.tags, numbers)
    xy, line_of = shapely.get_coordinates(onto.geometry.to_numpy(), return_index=True)
    offsets = np.searchsorted(line_of, np.arange(len(onto) + 1))
    nodes = int(max(onto["start_node"].max(), onto["end_node"].max())) + 1
    place = nodes + np.arange(len(xy))
    place[offsets[:-1]], place[offsets[1:] - 1] = onto["start_node"], onto["end_node"]
    level = drawn_tags.levels(*(onto[name].to_numpy(dtype=object) for name in ("bridge", "tunnel")))
    strings = noding.strings(
        np.concatenate([xy, drawn.xy]),
        np.concatenate([offsets, offsets[-1] + drawn.offsets[1:]]),
        level=np.concatenate([level, drawn.level]),
        drawn=np.repeat([False, True], [len(onto), len(drawn.level)]),
        place=np.concatenate([place, np.zeros(len(drawn.xy), dtype=np.int64)]),
    )
    tags = {name: np.concatenate([onto[name].to_numpy(dtype=object), drawn.tags[name]]) for name in schema.STREET_TAGS}
    way = onto["way"].to_numpy()
    own = numbers + int(way.max()) if np.issubdtype(way.dtype, np.integer) else numbers.astype(str).astype(object)
    return _Given(strings, tags, np.concatenate([way, own]))


def _pieces_of(noded: Noded, given: _Given, onto: gpd.GeoDataFrame | None, *, crs: pyproj.CRS) -> gpd.GeoDataFrame:
    """Return noded lines as pieces; what `onto` says about the ends and the length of its pieces is kept."""
    found, row = noded.strings, noded.strings.source
    lonlat = np.column_stack(pyproj.Transformer.from_crs(crs, crs_room.WGS84, always_xy=True).transform(*found.xy.T))
    tags = {name: np.where(row < 0, "", texts[row]) for name, texts in given.tags.items()}
    tags["highway"] = np.where(row < 0, drawn_tags.UNCLASSED, tags["highway"])
    numbered = np.issubdtype(given.way.dtype, np.integer)
    bridges = np.negative(np.cumsum(row < 0))
    way = np.where(row < 0, bridges if numbered else bridges.astype(str).astype(object), given.way[row])
    ways = Ways(found.place, lonlat, found.offsets, way, tags)
    cuts = _cut(ways)
    length_m = _lengths_m(ways, cuts)
    silent = _silent((*schema.STREET_TURNS, *schema.STREET_SHUT), len(cuts.way))
    known = row[cuts.way]
    if onto is not None and len(onto):
        first, last = cuts.first == found.offsets[:-1][cuts.way], cuts.last == found.offsets[1:][cuts.way] - 1
        mine = (known >= 0) & (known < len(onto))
        for name, at in zip((*schema.STREET_TURNS, *schema.STREET_SHUT), (first, last) * 2, strict=True):
            silent[name][mine & at] = onto[name].to_numpy(dtype=object)[known[mine & at]]
        whole = mine & first & last
        length_m[whole] = onto["length_m"].to_numpy()[known[whole]]
    return gpd.GeoDataFrame(_table(ways, cuts, length_m, silent), geometry=_lines(found.xy, cuts), crs=crs)


def _told(noded: Noded, rules: Noding, crs: pyproj.CRS) -> list[Message]:
    """Return what noding did, as messages."""
    values = {"join_m": f"{rules.join_m:g}", "bridge_m": f"{rules.bridge_m:g}", "ask_m": f"{rules.ask_m:g}"}
    told = [Message("streets.noded", {**values, **noded.counts})]
    if noded.counts["vanished"]:
        told.append(Message("streets.vanished", {**values, "count": noded.counts["vanished"]}))
    for key, where in (("gap", noded.gaps[:, 0]), ("open_ends", noded.open_ends)):
        if len(where):
            lonlat = np.column_stack(
                pyproj.Transformer.from_crs(crs, crs_room.WGS84, always_xy=True).transform(*where[:_PLACES_TOLD].T)
            )
            places = "; ".join(f"{lon:.6f}, {lat:.6f}" for lon, lat in lonlat)
            more = " …" if len(where) > _PLACES_TOLD else ""
            told.append(Message(f"streets.{key}", {**values, "count": len(where), "places": places + more}))
    return told


def _told_lines(parts: gpd.GeoDataFrame, said: Said) -> list[Message]:
    """Return what is odd about the lines themselves, as messages."""
    told = []
    if parts.attrs.get("zero"):
        told.append(Message("streets.zero_length", {"count": parts.attrs["zero"]}))
    twice = int(pd.Series(shapely.to_wkb(shapely.normalize(parts.geometry.to_numpy()))).duplicated().sum())
    if twice:
        told.append(Message("streets.drawn_twice", {"count": twice}))
    if said.unknown:
        names = ", ".join(f"{' '.join(name.split())[:20]} ({n})" for name, n in [*said.unknown.items()][:_PLACES_TOLD])
        told.append(Message("streets.unknown_class", {"count": sum(said.unknown.values()), "names": names}))
    return told


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
    together.attrs = {name: sum(table.attrs.get(name, 0) for table in listed) for name in COUNTS}
    return together
