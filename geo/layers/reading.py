"""All layers of a study, read once: canonical tables in one metric CRS, what was repaired, what was read."""

from __future__ import annotations

import hashlib
from pathlib import PurePath
from typing import TYPE_CHECKING, Any, NamedTuple, cast

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

from geo import catalogue, crs as crs_room, schema
from geo.errors import InputFaultsError
from geo.layers import columns, duplicates, formats, places, services, towns, values
from geo.layers.findings import OF_CRS, Findings, Unplaced, UnplacedError, listed, shown
from geo.layers.raw import UnreadableError
from geo.messages import Message

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    import pyproj
    from numpy.typing import NDArray

    from geo.catalogue import ServiceType
    from geo.crs import Shifted
    from geo.study import Study
    from geo.study_file import LayerSource

KINDS = {
    "communities": "community",
    "parks": "park",
    "factories": "factory",
    "districts": "district",
    "service_points": "service",
    "venues": "venue",
    "gates": "gate",
    "barriers": "barrier",
    "water": "water",
    "boundary": "boundary",
    "streets": "street",
}
RASTERS = ("population", "terrain")
AREA_KINDS = ("community", "park", "factory", "boundary", "district")
GRAPH_SUFFIXES = (".pbf", ".osm", ".osm.gz", ".osm.bz2", ".graphml")
_FARTHEST = 1e12  # metres or degrees; sums and squares of larger ones overflow
_SHAPEFILE_PARTS = (".dbf", ".prj", ".cpg", ".shx")


class LayerSet(NamedTuple):
    """What a study's layer files hold.

    Attributes
    ----------
    tables
        By layer name: one table for every vector layer of the study, in the study's CRS, with the
        canonical columns of its kind first; a layer that the study lacks is empty.
    repairs
        Columns `schema.REPAIRS`: what was done to rows, in the order of the layers.
    inputs
        One entry a source file: layer, path, sha256, crs, and rows_read, rows_kept, rows_filtered, rows_dropped,
        rows_repaired, rows_doubtful (None where the file is only hashed).
        rows_read = rows_kept + rows_filtered + rows_dropped. Doubtful are also rows that are kept without
        their place or a number of theirs.
    crs
        The study's metric CRS.
    personal
        By layer name: personal columns that `keep_personal` let in; they go to the ledger sheet alone.
    rows
        By layer name: (n,) source row of each row of its table.
    """

    tables: dict[str, gpd.GeoDataFrame]
    repairs: pd.DataFrame
    inputs: list[dict[str, Any]]
    crs: pyproj.CRS
    personal: dict[str, tuple[str, ...]]
    rows: dict[str, NDArray[np.int64]]


class TableRead(NamedTuple):
    """One source: its table, what was done to its rows, what was read (one entry a file)."""

    table: gpd.GeoDataFrame
    repairs: pd.DataFrame
    inputs: list[dict[str, Any]]


class _Part(NamedTuple):
    """A source in canonical columns, still in its own coordinates."""

    table: pd.DataFrame
    rows: NDArray[np.int64]
    shapes: NDArray[np.object_] | None
    crs: pyproj.CRS | Shifted | None
    rows_read: int
    rows_filtered: int
    personal: tuple[str, ...]
    lonlat_headers: tuple[str, ...]
    sha256: str | None


class _Opened(NamedTuple):
    """A source of a layer; `part` is None where it is only hashed or cannot be read."""

    layer: str
    kind: str
    source: LayerSource
    findings: Findings
    part: _Part | None


def read_layers(study: Study) -> LayerSet:
    """Read every layer file of a study.

    Street files that are OSM or GraphML and rasters are only hashed; a line layer of streets is read
    as it stands. No row is lost: each is in a table or listed in the repairs as dropped.

    Raises
    ------
    InputFaultsError
        With every fault of every layer: unreadable files, missing columns or CRS, swapped
        coordinates, unknown service types, duplicate ids, and whatever is wrong in more than a tenth of the rows.
    """
    has_raster = bool(study.layers.population)
    code = None if study.head.synthetic else study.head.code  # the names of a made-up county are made up
    keep_personal = study.head.keep_personal
    opened = [
        _open(source, layer=layer, number=number, keep_personal=keep_personal, has_raster=has_raster, code=code)
        for layer in type(study.layers).model_fields
        for number, source in enumerate(getattr(study.layers, layer), start=1)
    ]
    centre = _centre(opened)
    crs = _metric_crs(study.head.crs, centre)
    frames = [_finished(item, crs, centre=centre, types=study.services) for item in opened]
    opened, frames = _without_repeats(opened, frames)
    for layer in KINDS:
        _note_empty_and_twice([item for item in opened if item.layer == layer], frames=_of_layer(layer, opened, frames))
    located = crs if study.head.crs is not None or centre is not None else None
    _raise_faults(opened, crs=located, lines=_joined(_of_layer("streets", opened, frames), "street", crs))
    personal = {item.layer: item.part.personal for item in opened if item.part and item.part.personal}
    return LayerSet(
        {layer: _joined(_of_layer(layer, opened, frames), kind, crs) for layer, kind in KINDS.items()},
        _repairs(opened, frames),
        [line for item, frame in zip(opened, frames, strict=True) for line in _inputs(item, frame)],
        crs,
        personal,
        {layer: _rows_of(layer, opened, frames) for layer in KINDS},
    )


def read_table(
    source: LayerSource,
    *,
    kind: str,
    layer: str = "",
    crs: pyproj.CRS | None = None,
    types: Mapping[str, ServiceType] | None = None,
    keep_personal: bool = False,
) -> TableRead:
    """Read one source as a table of one kind.

    Parameters
    ----------
    source
        Where it is and how to read it; `file`, else `path`, is opened.
    kind
        community | park | factory | district | service | venue | gate | barrier | water | boundary | street.
    layer
        Name of the layer in messages; by default the kind's.
    crs
        CRS of the table; by default the metric CRS of its own middle.
    types
        Service types by code, for kind `service`; by default the catalogue.
    keep_personal
        Whether personal columns may pass.

    Raises
    ------
    InputFaultsError
        With every fault of the source.

    Examples
    --------
    >>> from geo.study_file import LayerSource
    >>> read_table(LayerSource(path="no/such.csv"), kind="venue")
    Traceback (most recent call last):
    geo.errors.InputFaultsError: no/such.csv (venues):  cannot be opened: No such file or directory
    """
    name = layer or next(name for name, of_kind in KINDS.items() if of_kind == kind)
    opened = _open(source, layer=name, kind=kind, number=1, keep_personal=keep_personal)
    centre = _centre([opened])
    wanted = crs or _metric_crs(None, centre)
    frame = _finished(opened, wanted, centre=None, types=types or catalogue.service_types())
    _note_empty_and_twice([opened], frames=[frame] if frame is not None else [])
    _raise_faults([opened], crs=None, lines=_joined([], "street", wanted))
    return TableRead(_joined([frame], kind, wanted), _repairs([opened], [frame]), _inputs(opened, frame))


def is_graph(source: LayerSource) -> bool:
    """Say whether a source of streets is OSM, GraphML or a place, which the streets room reads itself.

    Examples
    --------
    >>> from geo.study_file import LayerSource
    >>> is_graph(LayerSource(path="a.osm.pbf")), is_graph(LayerSource(path="a.shp"))
    (True, False)
    """
    return source.place is not None or (source.path or "").lower().endswith(GRAPH_SUFFIXES)


def _open(
    source: LayerSource,
    *,
    layer: str,
    number: int,
    keep_personal: bool,
    kind: str | None = None,
    has_raster: bool = False,
    code: str | None = None,
) -> _Opened:
    """Return a source in canonical columns; whatever keeps it from being read is among its findings."""
    kind = kind or KINDS.get(layer, "")
    findings = Findings(layer, source.label)
    opened = _Opened(layer, kind, source, findings, None)
    if layer in RASTERS or (kind == "street" and is_graph(source)):
        return opened
    try:
        raw, rows_read, sha256 = formats.read(source, findings, kind=kind)
    except UnreadableError:
        return opened
    needs_people = not (has_raster and kind == "community")
    found = columns.canonical(raw, source, findings, kind=kind, keep_personal=keep_personal, needs_people=needs_people)
    if "town" in found.table.columns:
        towns.check(found.table["town"], findings, rows=found.rows, code=code)
    shapes = raw.geometry[found.kept] if raw.geometry is not None else None
    if shapes is None:
        shapes = places.from_lonlat(found.table, raw, findings, rows=found.rows, kind=kind)
    if shapes is not None:
        is_drawn = raw.geometry is not None
        shapes = places.fitting(shapes, findings, rows=found.rows, kind=kind, is_drawn=is_drawn)
        shapes = _in_reach(shapes, findings, rows=found.rows)
    crs = places.stated_crs(
        source, raw, findings, has_places=shapes is not None and not shapely.is_missing(shapes).all()
    )
    table = columns.with_ids(found.table, findings, rows=found.rows, kind=kind, number=number)
    if raw.geometry is None:
        table = table.drop(columns=["lon", "lat"], errors="ignore")
    part = _Part(
        table, found.rows, shapes, crs, rows_read, found.filtered, found.personal, found.lonlat_headers, sha256
    )
    return opened._replace(part=part)


def _in_reach(shapes: NDArray[np.object_], findings: Findings, *, rows: NDArray[np.int64]) -> NDArray[np.object_]:
    """Return geometries without those whose numbers are no coordinates in any CRS, which are noted.

    Rings run one way in all of them: each format has its own, and sums over a ring depend on it in the last digit.
    """
    absurd = np.asarray((np.abs(shapely.bounds(shapes)) > _FARTHEST).any(axis=1), dtype=np.bool_)
    findings.rows(rows[absurd], "kept", "broken_geometry", of=len(rows))
    kept = shapes.copy()
    kept[absurd] = None
    return np.asarray(shapely.orient_polygons(kept), dtype=object)


def _centre(opened: Sequence[_Opened]) -> places.LonLat | None:
    """Return the middle of the study: of its units, else of its service points, else of whatever there is."""
    for kinds in (AREA_KINDS, ("service",), tuple(KINDS.values())):
        found = [
            places.degrees_of(item.part.shapes, item.part.crs)
            for item in opened
            if item.part is not None and item.part.shapes is not None and item.part.crs and item.kind in kinds
        ]
        centre = places.centre_of(np.concatenate(found)) if found else None
        if centre is not None:
            return centre
    return None


def _metric_crs(stated: str | None, centre: places.LonLat | None) -> pyproj.CRS:
    """Return the study's CRS: the one stated, else one for its middle (any, where nothing lies anywhere)."""
    if stated is not None:
        return cast("pyproj.CRS", crs_room.normalise(stated))
    lon, lat = centre if centre is not None else (0.0, 0.0)
    return crs_room.choose_metric(lon, lat)


def _finished(
    item: _Opened, crs: pyproj.CRS, *, centre: places.LonLat | None, types: Mapping[str, ServiceType]
) -> gpd.GeoDataFrame | None:
    """Return a source in the study's CRS, its places checked and mended, its services typed."""
    part, findings = item.part, item.findings
    if part is None:
        return None
    table = part.table
    if item.kind == "service":
        table = services.typed(table, item.source, findings, rows=part.rows, types=types)
    shapes, far = _placed(item, part, crs, centre=centre)
    if item.kind == "service":
        counted = table["counted"].to_numpy(dtype=bool) & ~shapely.is_missing(shapes) & ~far
        # Where it stands is in doubt, so it is listed, not counted.
        table = table.assign(counted=counted, state=table["state"].mask(far, "doubtful"))
    return gpd.GeoDataFrame(table, geometry=shapes, crs=crs)


def _placed(
    item: _Opened, part: _Part, crs: pyproj.CRS, *, centre: places.LonLat | None
) -> tuple[NDArray[np.object_], NDArray[np.bool_]]:
    """Return the geometries of a source in the study's CRS, and which rows lie far from all others.

    They are in order, valid, and points where the kind is one of points.
    """
    findings, rows = item.findings, part.rows
    if part.shapes is None or part.crs is None:
        return np.full(len(rows), None, dtype=object), np.zeros(len(rows), dtype=bool)
    cure = Message("layers.swap_file")
    if len(part.lonlat_headers) == len(("lon", "lat")):
        lon, lat = map(shown, part.lonlat_headers)
        cure = Message("layers.swap_columns", {"lon": lon, "lat": lat})
    ordered = places.in_order(
        part.shapes, part.crs, findings, rows=rows, centre=centre, cure=cure, written=item.source.crs
    )
    far = places.far_away(ordered, part.crs, findings, rows=rows, told=item.kind not in places.SPREAD_KINDS)
    own = gpd.GeoDataFrame(geometry=ordered, crs=None if crs_room.is_shifted(part.crs) else part.crs)
    moved = crs_room.convert(own, crs, source=part.crs).geometry.to_numpy()
    shapes = places.mended(moved, findings, rows=rows, forgiven=far)
    return (places.as_points(shapes, findings) if item.kind in places.POINT_KINDS else shapes), far


def _of_layer(
    layer: str, opened: Sequence[_Opened], frames: Sequence[gpd.GeoDataFrame | None]
) -> list[gpd.GeoDataFrame]:
    """Return the tables of one layer's sources."""
    pairs = zip(opened, frames, strict=True)
    return [frame for item, frame in pairs if item.layer == layer and frame is not None]


def _rows_of(layer: str, opened: Sequence[_Opened], frames: Sequence[gpd.GeoDataFrame | None]) -> NDArray[np.int64]:
    """Return the source row of each row of a layer's table."""
    pairs = zip(opened, frames, strict=True)
    rows = [item.part.rows for item, frame in pairs if item.layer == layer and item.part and frame is not None]
    return np.concatenate([np.empty(0, dtype=np.int64), *rows])


def _without_repeats(
    opened: Sequence[_Opened], frames: Sequence[gpd.GeoDataFrame | None]
) -> tuple[list[_Opened], list[gpd.GeoDataFrame | None]]:
    """Note rows that repeat others, and return the sources without those that the study wants left out."""
    sources, tables = list(opened), list(frames)
    for layer, kind in KINDS.items():
        mine = [number for number, item in enumerate(sources) if item.layer == layer and tables[number] is not None]
        parts = [
            duplicates.Part(item.findings, item.part.rows, table, drop=item.source.duplicates == "drop")
            for item, table in ((sources[number], tables[number]) for number in mine)
            if item.part is not None and table is not None
        ]
        for number, stay, part in zip(mine, duplicates.tell(parts, kind=kind), parts, strict=True):
            if not stay.all():
                was = sources[number].part
                sources[number] = sources[number]._replace(part=was and was._replace(rows=part.rows[stay]))
                tables[number] = part.table[stay].reset_index(drop=True)
    return sources, tables


def _note_empty_and_twice(items: Sequence[_Opened], *, frames: Sequence[gpd.GeoDataFrame]) -> None:
    """Note a layer without rows, and ids that several rows of a layer bear."""
    read = [item for item in items if item.part is not None]
    for item, frame in zip(read, frames, strict=True):
        if not len(frame):
            filtered = item.part is not None and item.part.rows_filtered > 0
            item.findings.fault("no_rows_left" if filtered else "no_rows")
    if not read or "id" not in columns.CONTRACT[read[0].kind]:
        return
    ids = pd.concat([frame["id"] for frame in frames], ignore_index=True)
    twice = ids.duplicated(keep=False).to_numpy(dtype=bool)
    ends = np.cumsum([len(frame) for frame in frames])
    for item, frame, end in zip(read, frames, ends, strict=True):
        own = twice[end - len(frame) : end]
        if own.any() and item.part is not None:
            item.findings.fault("same_id", rows=item.part.rows[own], given=listed(dict.fromkeys(frame["id"][own])))


def _raise_faults(opened: Sequence[_Opened], *, crs: pyproj.CRS | None, lines: gpd.GeoDataFrame) -> None:
    """Raise all faults, with the points of those that another CRS would mend."""
    faults = [fault for item in opened for fault in item.findings.faults]
    astray = [
        Unplaced(item.findings.where, shapely.get_coordinates(item.part.shapes))
        for item in opened
        if item.part is not None
        and item.part.shapes is not None
        and any(fault.message.key in OF_CRS for fault in item.findings.faults)
        and np.isin(shapely.get_type_id(item.part.shapes), (-1, shapely.GeometryType.POINT)).all()
    ]
    if astray:
        raise UnplacedError(faults, astray, crs, lines)
    if faults:
        raise InputFaultsError(faults)


def _joined(frames: Sequence[gpd.GeoDataFrame | None], kind: str, crs: pyproj.CRS) -> gpd.GeoDataFrame:
    """Return the tables of a layer's sources as one; without any, an empty one with the columns of its kind."""
    tables = [frame for frame in frames if frame is not None]
    if not tables:
        return gpd.GeoDataFrame(columns.empty(kind), geometry=gpd.GeoSeries([], crs=crs), crs=crs)
    contract = [*columns.CONTRACT[kind], "geometry"]
    extra = list(dict.fromkeys(name for table in tables for name in table.columns if name not in contract))
    if len(tables) == 1:
        joined = tables[0]
    else:
        joined = gpd.GeoDataFrame(pd.concat(tables, ignore_index=True), geometry="geometry", crs=crs)
    return joined[[*columns.CONTRACT[kind], *extra, "geometry"]]


def _repairs(opened: Sequence[_Opened], frames: Sequence[gpd.GeoDataFrame | None]) -> pd.DataFrame:
    """Return what was done to rows: columns `schema.REPAIRS`, row missing where a line is about a whole source."""
    lines: list[tuple[object, ...]] = []
    for item, frame in zip(opened, frames, strict=True):
        ids: dict[int, str] = {}
        if item.part is not None and frame is not None and "id" in frame.columns:
            ids = dict(zip(item.part.rows.tolist(), map(values.text_of, frame["id"]), strict=True))
        for row, action, message in item.findings.repairs:
            own_id = ids.get(row, "") if row is not None else ""
            lines.append((item.layer, item.source.label, row, own_id, action, message))
    table = pd.DataFrame(lines, columns=list(schema.REPAIRS), dtype="object")
    return table.astype({"layer": "str", "source": "str", "row": "Int64", "id": "str", "action": "str"})


def _inputs(item: _Opened, frame: gpd.GeoDataFrame | None) -> list[dict[str, Any]]:
    """Return the entries of a source's files; the parts of a shapefile are files too."""
    path = formats.path_of(item.source)
    part = item.part
    told: dict[str, set[int]] = {}
    for row, action, _ in item.findings.repairs:
        if row is not None:
            told.setdefault(action, set()).add(row)
    n_rows = {
        "rows_dropped": len(told.get("dropped", set())),
        "rows_repaired": len(told.get("repaired", set())),
        "rows_doubtful": len(told.get("doubtful", set()) | told.get("kept", set())),
    }
    first = {
        "layer": item.layer,
        "path": item.source.label,
        "sha256": part.sha256 if part is not None and part.sha256 else _sha256(path),
        "crs": places.crs_name(part.crs) if part is not None else None,
        "rows_read": part.rows_read if part is not None else None,
        "rows_kept": len(frame) if frame is not None else None,
        "rows_filtered": part.rows_filtered if part is not None else None,
        **(n_rows if part is not None else dict.fromkeys(n_rows)),
    }
    beside = [path.with_suffix(suffix) for suffix in _SHAPEFILE_PARTS] if path.suffix.lower() == ".shp" else []
    others = [
        {
            **dict.fromkeys(first),
            "layer": item.layer,
            "path": str(PurePath(item.source.label).with_suffix(other.suffix)),
            "sha256": _sha256(other),
        }
        for other in beside
        if other.is_file()
    ]
    return [first, *others]


def _sha256(path: Path) -> str | None:
    """Return the checksum of a file; None where there is none (the room that reads it says so, or it is no file)."""
    if not path.is_file():
        return None
    with path.open("rb") as source:
        return hashlib.file_digest(source, "sha256").hexdigest()
