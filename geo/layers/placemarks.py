"""KML and GPX → columns and geometries: every placemark, waypoint, route and track is a row."""

from __future__ import annotations

import io
import re
from typing import TYPE_CHECKING, Any, NamedTuple
from xml.etree import ElementTree as ET

import numpy as np
import pandas as pd
import shapely
import shapely.errors

from geo.layers import bounds
from geo.layers.findings import listed, shown
from geo.layers.raw import Raw, UnreadableError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from numpy.typing import NDArray
    from shapely.geometry.base import BaseGeometry

    from geo.layers.findings import Findings
    from geo.study_file import LayerSource

DEGREES = "EPSG:4326"  # both formats know nothing else; the study file may say gcj02
LINE_KINDS = frozenset({"street", "barrier", "water", "boundary"})
_DECLARED = re.compile(rb"^(?:\xef\xbb\xbf)?\s*<\?xml[^>]{0,200}?encoding\s*=\s*[\"']([\w.-]{1,40})[\"']")
_DECLARATION = re.compile(r"^\s*<\?xml[^>]{0,200}\?>")
_DECLARED_WITHIN = 400
_GB = frozenset({"gb2312", "gbk", "gb18030", "cp936", "hz-gb-2312"})
_FORBIDDEN = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]")  # XML holds none of these
_AROUND_COMMA = re.compile(r"\s*,\s*")
_UTF16 = (b"\xff\xfe", b"\xfe\xff")
_POINTS_OF_LINE, _POINTS_OF_RING = 2, 4
_CONTAINERS = frozenset({"Document", "Folder"})
_NOT_READ = frozenset({"NetworkLink", "GroundOverlay", "PhotoOverlay", "ScreenOverlay"})
_TEXTS = frozenset({"name", "description", "address", "phoneNumber"})
_PIECES = frozenset({"Point", "LineString", "LinearRing", "Polygon", "MultiGeometry", "Track", "MultiTrack"})
_OF_WAYPOINT = ("name", "desc", "cmt", "type", "sym", "ele", "time")


class _Row(NamedTuple):
    """A feature: its columns, its geometry (None where it has none), and whether that cannot be read."""

    columns: dict[str, str]
    shape: BaseGeometry | None
    is_broken: bool


def read_kml(source: LayerSource, findings: Findings, *, data: bytes) -> Raw:
    """Return the placemarks of a KML, of all folders; `folder` says which, extended data are columns.

    Links to other files and pictures are not followed, and named. `layer` chooses one folder by its name.
    """
    rows: list[_Row] = []
    folders: list[str] = []
    others: list[str] = []
    for path, element in _elements(data, findings, source=source, roots=("kml", *sorted(_CONTAINERS))):
        name = _local(element.tag)
        if name == "name" and path and path[-1].kind in _CONTAINERS:
            path[-1].title = " ".join("".join(element.itertext()).split())
        elif name == "Placemark":
            folder = "/".join(level.title for level in path if level.kind == "Folder" and level.title)
            rows.append(_placemark(element, folder))
            folders.append(folder)
        elif name in _NOT_READ:
            others.append(name)
    if others:
        findings.tell("kml_not_read", action="doubtful", n=len(others), given=listed(sorted(set(others))))
    if source.layer is not None:
        rows, folders = _of_folder(rows, folders, source.layer, findings)
    return _raw(rows, np.arange(1, len(rows) + 1), findings)


def _of_folder(rows: list[_Row], folders: list[str], wanted: str, findings: Findings) -> tuple[list[_Row], list[str]]:
    """Return the rows of one folder, named by its path or its own name."""
    keep = [wanted in {folder, *folder.split("/")} for folder in folders]
    if not any(keep):
        findings.fault("no_such_layer", given=shown(wanted), found=listed(dict.fromkeys(filter(None, folders))))
        raise UnreadableError
    left_out = len(keep) - sum(keep)
    if left_out:
        findings.tell("other_folders", n=left_out, of=len(keep))
    chosen = [(row, folder) for row, folder, kept in zip(rows, folders, keep, strict=True) if kept]
    return [row for row, _ in chosen], [folder for _, folder in chosen]


def read_gpx(source: LayerSource, findings: Findings, *, data: bytes, kind: str) -> Raw:
    """Return the waypoints of a GPX, or its routes and tracks where the layer is one of lines; the others are listed."""
    rows: list[_Row] = []
    is_line: list[bool] = []
    short = 0
    for path, element in _elements(data, findings, source=source, roots=("gpx",)):
        if len(path) != 1:
            continue
        name = _local(element.tag)
        if name == "wpt":
            shape, is_broken = _shape_of([_position(element)], "Point")
        elif name in {"rte", "trk"}:
            shape, is_broken, n_short = _track(element)
            short += n_short
        else:
            continue
        rows.append(_Row({"feature": name, **_texts(element)}, shape, is_broken))
        is_line.append(name != "wpt")
    if short:
        findings.tell("short_segments", n=short)
    lines = np.array(is_line, dtype=bool)
    numbers = np.arange(1, len(rows) + 1)
    wanted = lines if kind in LINE_KINDS else ~lines
    if not wanted.any():
        wanted = np.ones(len(rows), dtype=bool)  # the layer's own check says that these are of the wrong kind
    given = [row.columns["feature"] for row, keep in zip(rows, wanted, strict=True) if not keep]
    findings.rows(numbers[~wanted], "dropped", "other_feature", given=given)
    return _raw([row for row, keep in zip(rows, wanted, strict=True) if keep], numbers[wanted], findings)


class _Level:
    """An element that is still open: its local name and, of a folder, its title."""

    __slots__ = ("kind", "title")

    def __init__(self, kind: str) -> None:
        self.kind = kind
        self.title = ""


def _elements(
    data: bytes, findings: Findings, *, source: LayerSource, roots: Sequence[str]
) -> Iterator[tuple[list[_Level], ET.Element]]:
    """Yield each element once it is whole, with the open elements around it; features are forgotten afterwards."""
    clean = _as_utf8(data, findings, encoding=source.encoding)
    bounds.check_xml(clean, findings)
    path: list[_Level] = []
    within = 0  # a feature is taken whole, so that its parts are kept until it ends
    try:
        for event, element in ET.iterparse(io.BytesIO(clean), events=("start", "end")):  # noqa: S314 - checked above
            name = _local(element.tag)
            if event == "start":
                if not path and name not in roots:
                    findings.fault("not_a", format=roots[0])
                    raise UnreadableError
                path.append(_Level(name))
                bounds.check(len(path), bounds.MOST_DEPTH, findings, what="depth")
                within += name in _FEATURES
                continue
            path.pop()
            within -= name in _FEATURES
            if not within:
                yield path, element
                element.clear()
    except (ET.ParseError, ValueError, LookupError) as error:
        findings.fault("broken_file", why=f"{type(error).__name__}: {shown(error)}")
        raise UnreadableError from error


_FEATURES = frozenset({"Placemark", "wpt", "rte", "trk"})


def _local(tag: object) -> str:
    return str(tag).rpartition("}")[2]


def _as_utf8(data: bytes, findings: Findings, *, encoding: str | None) -> bytes:
    """Return an XML text in UTF-8 without its declaration and without characters that XML forbids."""
    declared = _DECLARED.match(data[:_DECLARED_WITHIN])
    stated = declared.group(1).decode("ascii").casefold() if declared else ""
    choices = [encoding] if encoding else ["utf-16"] if data[:2] in _UTF16 else ["utf-8-sig", "gb18030"]
    if not encoding and stated in _GB:
        choices.reverse()
    elif not encoding and stated and stated not in {"utf-8", "utf8", "utf-16"}:
        choices.insert(0, stated)
    for choice in choices:
        try:
            text = data.decode(choice)
        except (LookupError, ValueError):
            continue
        if choice.removesuffix("-sig") not in {stated, encoding, "utf-8"} and not text.isascii():
            findings.tell("encoding", encoding=choice)
        break
    else:
        findings.fault("no_encoding", accepted="utf-8, gb18030")
        raise UnreadableError
    clean, removed = _FORBIDDEN.subn("", text.removeprefix("\ufeff"))
    if removed:
        findings.tell("dirt_removed", n=removed)
    return _DECLARATION.sub("", clean).lstrip().encode("utf-8", "surrogatepass")


def _placemark(element: ET.Element, folder: str) -> _Row:
    """Return a placemark: its texts, its extended data, its geometry."""
    columns: dict[str, str] = {"folder": folder} if folder else {}
    shapes: list[BaseGeometry] = []
    is_broken = False
    for child in element:
        name = _local(child.tag)
        if name in _TEXTS:
            columns[name] = "".join(child.itertext()).strip()
        elif name == "ExtendedData":
            columns.update(_extended(child))
        elif name in _PIECES:
            found, broken = _geometry(child)
            shapes += found
            is_broken |= broken
    shape = None if is_broken or not shapes else shapes[0] if len(shapes) == 1 else _together(shapes)
    return _Row(columns, shape, is_broken)


def _extended(element: ET.Element) -> dict[str, str]:
    """Return extended data by name: `Data` with a value, `SimpleData` of a schema."""
    found: dict[str, str] = {}
    for item in element.iter():
        key = item.get("name", "")
        if not key:
            continue
        if _local(item.tag) == "SimpleData":
            found[key] = (item.text or "").strip()
        elif _local(item.tag) == "Data":
            values = (child for child in item if _local(child.tag) == "value")
            found[key] = next((child.text or "" for child in values), "").strip()
    return found


def _geometry(element: ET.Element) -> tuple[list[BaseGeometry], bool]:
    """Return the simple geometries of an element, and whether one of them cannot be read."""
    name = _local(element.tag)
    if name in {"MultiGeometry", "MultiTrack"}:
        parts = [_geometry(child) for child in element if _local(child.tag) in _PIECES]
        return [shape for shapes, _ in parts for shape in shapes], any(broken for _, broken in parts)
    if name == "Polygon":
        shells, shells_broken = _rings(element, "outerBoundaryIs")
        holes, holes_broken = _rings(element, "innerBoundaryIs")
        if shells_broken or holes_broken or len(shells) != 1:
            return [], True
        return [shapely.Polygon(shells[0], holes)], False
    if name == "Track":
        text = " ".join(",".join((item.text or "").split()) for item in element if _local(item.tag) == "coord")
    else:
        text = next((item.text or "" for item in element if _local(item.tag) == "coordinates"), "")
    positions = _positions(text)
    if positions is None:
        return [], True
    shape, is_broken = _shape_of(positions, "Point" if name == "Point" else "LineString")
    return [shape] if shape is not None else [], is_broken


def _rings(element: ET.Element, side: str) -> tuple[list[list[tuple[float, float]]], bool]:
    """Return the rings of one side of a polygon, closed, and whether one of them is none."""
    rings = []
    for item in element.iter():
        if _local(item.tag) != side:
            continue
        texts = [part.text or "" for part in item.iter() if _local(part.tag) == "coordinates"]
        for text in texts:
            ring = _positions(text)
            if not ring:
                return [], True
            closed = ring if ring[0] == ring[-1] else [*ring, ring[0]]
            if len(closed) < _POINTS_OF_RING:
                return [], True
            rings.append(closed)
    return rings, False


def _positions(text: str) -> list[tuple[float, float]] | None:
    """Return positions as (lon, lat); None where one of them is none. Blanks around commas are forgiven."""
    found = []
    for item in _AROUND_COMMA.sub(",", text.replace("，", ",")).split():
        numbers = item.strip(",").split(",")
        try:
            found.append((float(numbers[0]), float(numbers[1])))
        except (ValueError, IndexError):
            return None
    return found


def _position(element: ET.Element) -> tuple[float, float]:
    """Return a waypoint's position, NaN where it has none."""
    try:
        return float(element.get("lon", "")), float(element.get("lat", ""))
    except ValueError:
        return np.nan, np.nan


def _shape_of(positions: Sequence[tuple[float, float]], name: str) -> tuple[BaseGeometry | None, bool]:
    """Return a point or a line (None where there are no positions), and whether it cannot be read."""
    if not positions:
        return None, False
    if not np.isfinite(positions).all() or (name == "LineString" and len(positions) < _POINTS_OF_LINE):
        return None, True
    return (shapely.Point(positions[0]) if name == "Point" else shapely.LineString(positions)), False


def _together(shapes: Sequence[BaseGeometry]) -> BaseGeometry:
    """Return several geometries as one: of one kind where they are."""
    kinds = {shape.geom_type for shape in shapes}
    if kinds == {"Point"}:
        return shapely.MultiPoint(shapes)
    if kinds == {"LineString"}:
        return shapely.MultiLineString(shapes)
    if kinds == {"Polygon"}:
        return shapely.MultiPolygon(shapes)
    return shapely.GeometryCollection(shapes)


def _track(element: ET.Element) -> tuple[BaseGeometry | None, bool, int]:
    """Return a route or a track with its segments, whether it cannot be read, and how many segments are one point."""
    parts = [item for item in element if _local(item.tag) == "trkseg"] or [element]
    segments = [[_position(point) for point in part if _local(point.tag) in {"trkpt", "rtept"}] for part in parts]
    if any(not np.isfinite(segment).all() for segment in segments if segment):
        return None, True, 0
    lines = [shapely.LineString(segment) for segment in segments if len(segment) >= _POINTS_OF_LINE]
    if not lines:
        return None, any(segments), 0
    n_short = sum(len(segment) == 1 for segment in segments)
    return (lines[0] if len(lines) == 1 else shapely.MultiLineString(lines)), False, n_short


def _texts(element: ET.Element) -> dict[str, str]:
    """Return the texts of a waypoint, a route or a track."""
    found = {_local(item.tag): (item.text or "").strip() for item in element}
    return {name: found[name] for name in _OF_WAYPOINT if name in found}


def _raw(rows: Sequence[_Row], numbers: NDArray[np.int64], findings: Findings) -> Raw:
    """Return rows as a table; missing texts are empty."""
    names = list(dict.fromkeys(name for row in rows for name in row.columns))
    bounds.check(len(names), bounds.MOST_COLUMNS, findings, what="columns")
    bounds.check(len(names) * len(rows), bounds.MOST_CELLS, findings, what="cells")
    columns: dict[int, Any] = {n: [row.columns.get(name, "") for row in rows] for n, name in enumerate(names)}
    table = pd.DataFrame(columns, index=range(len(rows)), dtype="object")
    table.columns = pd.Index(names, dtype="object")
    shapes = np.full(len(rows), None, dtype=object)
    for at, row in enumerate(rows):
        shapes[at] = row.shape
    broken = np.array([row.is_broken for row in rows], dtype=bool)
    own = np.asarray(numbers, dtype=np.int64)
    findings.rows(own[broken], "kept", "broken_geometry", of=len(rows))
    return Raw(table, own, shapes, DEGREES, is_sheet=False)
