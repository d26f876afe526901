"""A drawn line layer → street pieces: its columns read, its lines noded, and what was done to them told."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

from geo import crs as crs_room, drawn_tags, noding, pieces, schema
from geo.errors import Fault, InputFaultsError
from geo.messages import Message
from geo.osm import Ways
from geo.study_file import Noding

if TYPE_CHECKING:
    from collections.abc import Mapping

    import pyproj
    from numpy.typing import NDArray

    from geo.drawn_tags import Said
    from geo.noding import Noded, Strings

_PLACES_TOLD, _PLACES_WARNED = 12, 3
OPEN_SHARE = 0.05  # of all line ends: so many open ones are no dead ends but lines that were not joined
_ABOUT = {"highway": "class", "oneway": "oneway", "layer": "level", "status": "status"}


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
    table = _pieces_of(noded, given, onto, crs=metric)
    table = table[[*schema.STREETS]].to_crs(crs or metric)
    table.attrs = {name: onto.attrs.get(name, 0) for name in pieces.COUNTS} if onto is not None else {}
    table.attrs["told"] = [*_told(noded, rules, metric, lines=len(parts)), *_told_lines(parts, said)]
    return table


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
        metric = pieces.metric_of(shapely.get_coordinates(parts.to_crs(crs_room.WGS84).geometry.to_numpy()))
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
    lonlat = np.column_stack(crs_room.transformer(crs, crs_room.WGS84).transform(*found.xy.T))
    tags = {name: np.where(row < 0, "", texts[row]) for name, texts in given.tags.items()}
    tags["highway"] = np.where(row < 0, drawn_tags.UNCLASSED, tags["highway"])
    numbered = np.issubdtype(given.way.dtype, np.integer)
    bridges = np.negative(np.cumsum(row < 0))
    way = np.where(row < 0, bridges if numbered else bridges.astype(str).astype(object), given.way[row])
    ways = Ways(found.place, lonlat, found.offsets, way, tags)
    cuts = pieces.cut(ways)
    length_m = pieces.lengths_m(ways, cuts)
    silent = pieces.silent((*schema.STREET_TURNS, *schema.STREET_SHUT), len(cuts.way))
    known = row[cuts.way]
    if onto is not None and len(onto):
        first, last = cuts.first == found.offsets[:-1][cuts.way], cuts.last == found.offsets[1:][cuts.way] - 1
        mine = (known >= 0) & (known < len(onto))
        for name, at in zip((*schema.STREET_TURNS, *schema.STREET_SHUT), (first, last) * 2, strict=True):
            silent[name][mine & at] = onto[name].to_numpy(dtype=object)[known[mine & at]]
        whole = mine & first & last
        length_m[whole] = onto["length_m"].to_numpy()[known[whole]]
    table = pieces.table_of(ways, cuts, length_m, silent)
    return gpd.GeoDataFrame(table, geometry=pieces.lines_of(found.xy, cuts), crs=crs)


def _told(noded: Noded, rules: Noding, crs: pyproj.CRS, *, lines: int) -> list[Message]:
    """Return what noding did to so many lines, as messages."""
    values = {"join_m": f"{rules.join_m:g}", "bridge_m": f"{rules.bridge_m:g}", "ask_m": f"{rules.ask_m:g}"}
    told = [Message("streets.noded", {**values, **noded.counts})]
    if noded.counts["vanished"]:
        told.append(Message("streets.vanished", {**values, "count": noded.counts["vanished"]}))
    share = len(noded.open_ends) / (2 * lines)
    values |= {"share": f"{share:.0%}"}
    open_ends = "open_ends_many" if share > OPEN_SHARE else "open_ends"
    for key, where in (("gap", noded.gaps[:, 0]), (open_ends, noded.open_ends)):
        if len(where):
            most = _PLACES_WARNED if key == "open_ends_many" else _PLACES_TOLD
            lonlat = np.column_stack(crs_room.transformer(crs, crs_room.WGS84).transform(*where[:most].T))
            places = "; ".join(f"{lon:.6f}, {lat:.6f}" for lon, lat in lonlat)
            more = " …" if len(where) > most else ""
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
    keys = {name: f"streets.unknown_{of}" for name, of in _ABOUT.items()}
    found = [*((keys[name], words) for name, words in said.unknown.items()), ("streets.shut", said.shut)]
    return [*told, *(_with_words(key, words) for key, words in found if words)]


def _with_words(key: str, words: Mapping[str, int]) -> Message:
    """Return a message about words of a column: how many lines bear one of them, and which they are."""
    shown = [f"{' '.join(word.split())[:20]} ({n})" for word, n in words.items()]
    more = " …" if len(shown) > _PLACES_TOLD else ""
    return Message(key, {"count": sum(words.values()), "names": ", ".join(shown[:_PLACES_TOLD]) + more})
