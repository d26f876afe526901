"""One street file of a province → one extract a polygon, read once, in bounded memory."""

from __future__ import annotations

import json
import re
import tempfile
import zlib
from array import array
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import shapely

from geo import areas, crs as crs_room, layers, osm, osm_files, placing, streets
from geo.errors import Fault, InputFaultsError
from geo.messages import Message
from geo.study_file import LayerSource

if TYPE_CHECKING:
    from collections.abc import Iterator

    import geopandas as gpd
    from numpy.typing import NDArray

# Ten kilometres: who walks or rides an e-bike for fifteen minutes, or drives for five, meets no cut street.
MARGIN_M = 10_000.0
ENDING = ".osm.pbf"
_AT_ONCE = 1 << 14  # ways that are held in memory before they are shared out
_NODE = np.dtype([("id", "<i8"), ("lon", "<f8"), ("lat", "<f8")])
_DIGITS = 7  # of degrees, as OpenStreetMap has them
_FILE_NAME = re.compile(r"\w[\w.-]{0,99}")


class Extract(NamedTuple):
    """What one polygon got.

    Attributes
    ----------
    id, name
        Of the polygon.
    file
        What was written; None where no street comes near the polygon.
    ways, nodes, barriers, restrictions
        How many are in the file; `barriers` are nodes among `nodes`.
    """

    id: str
    name: str
    file: Path | None
    ways: int
    nodes: int
    barriers: int
    restrictions: int


class _Spool:
    """Ways and nodes of one polygon, kept on disk until the whole file has been read."""

    def __init__(self, folder: Path, number: int) -> None:
        self.ways_file = folder / f"{number}.ways"
        self.nodes_file = folder / f"{number}.nodes"
        self.ways = array("q")

    def add(self, ways: list[osm_files.Way], nodes: NDArray[np.void]) -> None:
        with self.ways_file.open("a", encoding="utf-8") as file:
            file.writelines(json.dumps(way, ensure_ascii=False) + "\n" for way in ways)
        with self.nodes_file.open("ab") as file:
            file.write(nodes.tobytes())
        self.ways.extend([way.id for way in ways])

    def read_nodes(self) -> NDArray[np.void]:
        """Return the nodes, each once, by rising id."""
        found = np.fromfile(self.nodes_file, dtype=_NODE)
        return np.asarray(found[np.unique(found["id"], return_index=True)[1]])

    def read_ways(self) -> Iterator[osm_files.Way]:
        with self.ways_file.open(encoding="utf-8") as file:
            for line in file:
                yield osm_files.Way(*json.loads(line))


class _Block(NamedTuple):
    """Some ways: what they are, and the known places of their nodes as flat arrays with the row of the way of each."""

    ways: list[osm_files.Way]
    refs: array[int]
    lonlat: bytearray
    counts: array[int]


class _Rest(NamedTuple):
    """What is not shared out on the way: it is little, and its ways are known at the end only."""

    barriers: dict[int, dict[str, str]]
    restrictions: list[osm_files.Relation]


def split_streets(
    file: str | Path,
    polygons: str | Path,
    out: str | Path,
    *,
    margin_m: float = MARGIN_M,
    crs: str | None = None,
    layer: str | None = None,
    replace: bool = False,
) -> list[Extract]:
    """Cut an OpenStreetMap file of a wide area into one file of streets a polygon.

    Parameters
    ----------
    file
        `.osm.pbf`, `.osm`, `.osm.gz` or `.osm.bz2`; nodes stand before ways, as programs write them.
    polygons
        Any layer of polygons that `geo` reads; `id` names the files, each row gets `<id>.osm.pbf`.
    out
        Folder of the extracts; made where needed.
    margin_m
        Streets that come within this many metres of a polygon are in its extract, each of them whole: a study reaches
        past its border.
    crs
        CRS of the polygons, where their file states none or a wrong one; `gcj02` and `bd09` too.
    layer
        Layer of the polygon file, where it holds several.
    replace
        Whether extracts of the same names may be replaced.

    Returns
    -------
    One extract a polygon, in the order of the layer. It holds ways with `highway`, their nodes, the tags of barriers
    among these, and the turn restrictions that name one of the ways; nothing else, since `geo` reads nothing else.

    Raises
    ------
    InputFaultsError
        With every fault of the polygons; when the file is no OpenStreetMap or holds no street near any polygon; when
        `out` cannot be written. Nothing is written then.

    Examples
    --------
    >>> found = geo.split_streets(county / "streets.osm", county / "communities.geojson", folder, margin_m=100)
    >>> [(extract.id, extract.file.name, extract.ways) for extract in found]
    [('west', 'west.osm.pbf', 14), ('east', 'east.osm.pbf', 11)]
    """
    source, place = Path(file), Path(out)
    faults = _source_faults(source, margin_m)
    try:
        shapes = _polygons(polygons, crs=crs, layer=layer)
    except InputFaultsError as error:
        raise InputFaultsError([*faults, *error.faults]) from error
    if faults:
        raise InputFaultsError(faults)
    names = [f"{unit_id}{ENDING}" for unit_id in shapes["id"]]
    if not replace:
        placing.refuse_to_overwrite(place, names)
    around = _around(shapes, margin_m)
    with placing.placed(place) as folder, tempfile.TemporaryDirectory(dir=folder.parent, prefix=".geo-") as scratch:
        spools = [_Spool(Path(scratch), number) for number in range(len(around))]
        rest = _read(source, around, spools, Path(scratch))
        if not any(len(spool.ways) for spool in spools):
            raise InputFaultsError([Fault(str(file), Message("split.nothing", {"polygons": polygons}))])
        rows = zip(shapes["id"], shapes["name"].fillna(""), names, spools, strict=True)
        return [_written(str(key), str(name), folder / ends, place, spool, rest) for key, name, ends, spool in rows]


def _source_faults(source: Path, margin_m: float) -> list[Fault]:
    faults = []
    if not source.is_file():
        faults.append(Fault(str(source), Message("split.no_file")))
    elif not source.name.lower().endswith(streets.OSM_ENDINGS):
        accepted = ", ".join(streets.OSM_ENDINGS)
        faults.append(Fault(str(source), Message("split.not_osm", {"accepted": accepted})))
    if not (np.isfinite(margin_m) and margin_m >= 0):
        faults.append(Fault("margin", Message("split.margin", {"given": f"{margin_m:g}"})))
    return faults


def _polygons(path: str | Path, *, crs: str | None, layer: str | None) -> gpd.GeoDataFrame:
    """Return the polygons of a layer with `id` and `name`, in a metric CRS; ids can be names of files."""
    source = LayerSource(path=str(path), crs=crs, layer=layer)
    table = layers.read_table(source, kind="district").table
    shapes = table.geometry.to_numpy()
    rows = np.arange(1, len(table) + 1)
    faults = []
    flat = ~areas.is_areal(shapes)
    if flat.any():
        faults.append(Fault(str(path), Message("split.no_polygon"), rows=tuple(rows[flat].tolist())))
    ids = table["id"].astype(str)
    bad = ~ids.map(lambda text: _FILE_NAME.fullmatch(text) is not None and ".." not in text).to_numpy(dtype=bool)
    if bad.any():
        values = {"given": ", ".join(ids[bad].head(placing.NAMES_SHOWN))}
        faults.append(Fault(str(path), Message("split.bad_id", values), rows=tuple(rows[bad].tolist())))
    twice = ids.str.casefold().duplicated(keep=False).to_numpy(dtype=bool)
    if twice.any():  # some systems take A and a for one name
        values = {"given": ", ".join(ids[twice].head(placing.NAMES_SHOWN))}
        faults.append(Fault(str(path), Message("split.same_id", values), rows=tuple(rows[twice].tolist())))
    if faults:
        raise InputFaultsError(faults)
    return table


def _around(polygons: gpd.GeoDataFrame, margin_m: float) -> NDArray[np.object_]:
    """Return the polygons with their margin, in degrees, prepared for many questions.

    Each is widened in the metric system of its own place: those of one layer may lie far apart.
    """
    degrees = polygons.geometry.to_crs(crs_room.WGS84)
    wide = np.array([_widened(degrees.iloc[[row]], margin_m) for row in range(len(degrees))], dtype=object)
    shapely.prepare(wide)
    return wide


def _widened(polygon: gpd.GeoSeries, margin_m: float) -> shapely.Geometry:
    west, south, east, north = polygon.total_bounds
    metric = crs_room.choose_metric((west + east) / 2, (south + north) / 2)
    return polygon.to_crs(metric).buffer(margin_m).to_crs(crs_room.WGS84).iloc[0]


def _read(source: Path, around: NDArray[np.object_], spools: list[_Spool], scratch: Path) -> _Rest:
    """Read a file once: ways go to the spools of the polygons that they come near, the little rest is returned."""
    import osmium  # noqa: PLC0415 - only who reads needs it

    rest = _Rest({}, [])
    placed = osm.reader_of_places()
    block = _Block([], array("q"), bytearray(), array("q"))
    try:
        osm.refuse_bomb(source)
        for entity in _entities(source, scratch):
            if entity.is_node():
                rest.barriers[entity.id] = dict(entity.tags)
            elif entity.is_relation():
                members = [(member.type, member.ref, member.role) for member in entity.members]
                rest.restrictions.append(osm_files.Relation(entity.id, members, dict(entity.tags)))
            else:
                _add(block, entity, placed)
                if len(block.ways) >= _AT_ONCE:
                    _share_out(block, around, spools)
                    block = _Block([], array("q"), bytearray(), array("q"))
    except (RuntimeError, ValueError, EOFError, zlib.error, osmium.InvalidLocationError) as error:
        raise InputFaultsError([Fault(str(source), Message("streets.unreadable", {"why": str(error)}))]) from error
    _share_out(block, around, spools)
    return rest


def _entities(source: Path, scratch: Path) -> Iterator[Any]:
    """Yield the barriers, the highways, with places, and the turn restrictions; places are kept on disk."""
    import osmium  # noqa: PLC0415 - see _read

    kept = {
        osmium.osm.NODE: osmium.filter.KeyFilter("barrier"),
        osmium.osm.WAY: osmium.filter.KeyFilter("highway"),
        osmium.osm.RELATION: osmium.filter.TagFilter(("type", "restriction")),
    }
    found = osmium.FileProcessor(osm.opened(source)).with_locations(f"sparse_file_array,{scratch / 'places'}")
    for kind, only in kept.items():
        only.enable_for(kind)
        found = found.with_filter(only)
    yield from found


def _add(block: _Block, entity: Any, placed: Any) -> None:  # noqa: ANN401 - pyosmium states no types
    """Append a way to a block; one of which fewer than two places are known is no line."""
    nodes = entity.nodes
    known, places = placed(nodes)
    if len(known) < 2:  # noqa: PLR2004 - a line has two ends
        return
    refs = [node.ref for node in nodes]
    block.ways.append(osm_files.Way(entity.id, refs, dict(entity.tags)))
    block.refs.extend([refs[at] for at in known])
    block.lonlat.extend(places)
    block.counts.append(len(known))


def _share_out(block: _Block, around: NDArray[np.object_], spools: list[_Spool]) -> None:
    """Give each way of a block, whole, to every polygon that it comes near."""
    if not block.ways:
        return
    counts = np.frombuffer(block.counts, dtype=np.int64)
    offsets = np.concatenate([[0], np.cumsum(counts)])
    lonlat = np.frombuffer(block.lonlat, dtype=np.float64).reshape(-1, 2)
    nodes = np.empty(len(lonlat), dtype=_NODE)
    nodes["id"] = np.frombuffer(block.refs, dtype=np.int64)
    nodes["lon"], nodes["lat"] = lonlat[:, 0], lonlat[:, 1]
    lines = shapely.from_ragged_array(shapely.GeometryType.LINESTRING, lonlat, (offsets,))
    polygon, way = shapely.STRtree(lines).query(around, predicate="intersects")
    of_node = np.repeat(np.arange(len(counts)), counts)
    for number in np.unique(polygon).tolist():
        near = np.zeros(len(lines), dtype=bool)
        near[way[polygon == number]] = True
        spools[number].add([block.ways[at] for at in np.flatnonzero(near).tolist()], nodes[near[of_node]])


def _written(key: str, name: str, file: Path, place: Path, spool: _Spool, rest: _Rest) -> Extract:
    """Write what one polygon got and say what it was."""
    if not len(spool.ways):
        return Extract(key, name, None, 0, 0, 0, 0)
    nodes = spool.read_nodes()
    here = set(nodes["id"].tolist()) & rest.barriers.keys()
    ways = set(spool.ways)
    turns = [turn for turn in rest.restrictions if any(of == "w" and ref in ways for of, ref, _ in turn.members)]
    nothing: dict[str, str] = {}
    rows = zip(
        nodes["id"].tolist(),
        nodes["lon"].round(_DIGITS).tolist(),
        nodes["lat"].round(_DIGITS).tolist(),
        strict=True,
    )
    osm_files.write(
        file,
        (osm_files.Node(ref, lon, lat, rest.barriers.get(ref, nothing)) for ref, lon, lat in rows),
        spool.read_ways(),
        turns,
    )
    return Extract(key, name, place / file.name, len(spool.ways), len(nodes), len(here), len(turns))
