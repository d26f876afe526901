"""Which lines a CAD drawing (DXF) holds.

Read here and not by GDAL, which unfolds a block array of a few bytes into a thousand million features.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import pandas as pd
import shapely

from geo.layers import drawn_curves
from geo.layers.findings import shown
from geo.layers.raw import Raw, UnreadableError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from numpy.typing import NDArray

    from geo.layers.findings import Findings
    from geo.study_file import LayerSource

BINARY = b"AutoCAD Binary DXF"
_UTF8_FROM = "AC1021"
_CODE = re.compile(r"-?[0-9]{1,4}")
_UNICODE = re.compile(r"\\U\+([0-9a-fA-F]{4})")
_COLUMNS = ("Layer", "Entity", "EntityHandle", "Linetype", "Text")
_TEXT_KINDS = frozenset({"TEXT", "MTEXT", "ATTRIB", "ATTDEF"})
_POINT_KINDS = frozenset({"POINT", "INSERT", *_TEXT_KINDS})
_AREA_FIT = frozenset({"community", "park", "factory", "district", "boundary", "water", "barrier"})
_LINE_FIT = frozenset({"street", "barrier", "water"})
# Group codes: what the value behind each means.
_TEXT, _NAME, _MORE_TEXT, _HANDLE, _LINETYPE, _LAYER = 1, 2, 3, 5, 6, 8
_X, _Y, _X_2, _Y_2 = 10, 20, 11, 21
_SIZE, _FROM, _BULGE = 40, 41, 42  # radius, ratio or knot; start of an ellipse or weight; bulge or end of an ellipse
_FROM_DEGREES, _TO_DEGREES = 50, 51
_FLAGS, _DEGREE, _UPWARDS = 70, 71, 230
_CLOSED, _CONTROL_POINT, _MESH = 1, 16, 64 | 16  # bits of the flags
_TRIANGLE = 4  # vertices of the smallest ring
_FAULTS = (ValueError, IndexError, KeyError, OverflowError, ArithmeticError, shapely.errors.GEOSException)

Pair = tuple[int, str]


class _Entity(NamedTuple):
    """One entity: its kind and its pairs of group code and value; a polyline brings its vertices."""

    kind: str
    pairs: list[Pair]
    vertices: list[list[Pair]]


def read_dxf(source: LayerSource, findings: Findings, *, data: bytes, kind: str) -> Raw:
    """Return the lines of a drawing (and what else the kind can use); every other entity is listed.

    A drawing states no CRS, and its units are taken as the CRS's. Arcs and curves become lines that stray at
    most 0.05 units. Blocks are not taken apart: an insert is listed, and exploding it in the CAD program mends it.
    """
    if data.startswith(BINARY):
        findings.fault("binary_dxf")
        raise UnreadableError
    entities = list(_entities(_text(data, source, findings), findings))
    columns: list[list[str]] = []
    shapes = np.full(len(entities), None, dtype=object)
    kinds = np.array([entity.kind for entity in entities], dtype=object)
    broken = np.zeros(len(entities), dtype=bool)
    for at, entity in enumerate(entities):
        columns.append(_texts(entity))
        try:
            with np.errstate(over="raise", invalid="raise", divide="raise"):
                shapes[at] = _shape(entity, as_area=kind in _AREA_FIT - _LINE_FIT)
        except _FAULTS:
            broken[at] = True
    rows = np.arange(1, len(entities) + 1, dtype=np.int64)
    table = pd.DataFrame(columns, columns=list(_COLUMNS), dtype="object", index=range(len(entities)))
    is_point = np.isin(kinds, list(_POINT_KINDS))
    unused = (is_point & (kind in _LINE_FIT | _AREA_FIT)) | (kinds == "INSERT") | (shapely.is_missing(shapes) & ~broken)
    inserts = kinds == "INSERT"
    findings.rows(rows[inserts], "dropped", "block_not_read", given=table["Layer"][inserts])
    others = unused & ~inserts
    findings.rows(rows[others], "dropped", "not_a_line", given=kinds[others])
    kept = ~unused
    findings.rows(rows[broken], "kept", "broken_geometry", of=int(kept.sum()))
    return Raw(table[kept].reset_index(drop=True), rows[kept], shapes[kept], None, is_sheet=False)


def _text(data: bytes, source: LayerSource, findings: Findings) -> list[str]:
    """Return the lines of a drawing; its header says in which code page they are."""
    if source.encoding:
        choices = [source.encoding]
    else:
        page = re.search(rb"\$DWGCODEPAGE\s+3\s+ANSI_(\d{3,4})", data[: 1 << 16])
        version = re.search(rb"\$ACADVER\s+1\s+(AC\d{4})", data[: 1 << 16])
        is_utf8 = version is not None and version.group(1).decode() >= _UTF8_FROM
        own = "gb18030" if page is None or page.group(1) == b"936" else f"cp{page.group(1).decode()}"
        choices = ["utf-8", own, "gb18030"] if is_utf8 else [own, "utf-8", "gb18030"]
    for choice in dict.fromkeys(choices):
        try:
            text = data.decode(choice)
        except (LookupError, ValueError):
            continue
        if not source.encoding and not text.isascii():
            findings.tell("encoding", encoding=choice)
        return text.removeprefix("\ufeff").splitlines()
    findings.fault(
        "bad_encoding" if source.encoding else "no_encoding",
        encoding=shown(source.encoding or ""),
        accepted="gb18030, utf-8",
    )
    raise UnreadableError


def _pairs(lines: Sequence[str], findings: Findings) -> Iterator[Pair]:
    """Yield pairs of group code and value."""
    for at in range(0, len(lines) - 1, 2):
        code = lines[at].strip()
        if not _CODE.fullmatch(code):
            findings.fault("not_a", format="dxf")
            raise UnreadableError
        yield int(code), lines[at + 1].strip()


def _entities(lines: Sequence[str], findings: Findings) -> Iterator[_Entity]:
    """Yield the entities of the section of that name; a drawing without its end is a fault."""
    section, after_section = "", False
    entity: _Entity | None = None
    has_end = False
    for code, value in _pairs(lines, findings):
        if code == 0:
            if section == "ENTITIES" and value == "VERTEX" and entity is not None and entity.kind == "POLYLINE":
                entity.vertices.append([])
                continue
            if entity is not None and value != "SEQEND":
                yield entity
            if value == "SEQEND":
                continue
            entity = _Entity(value, [], []) if section == "ENTITIES" and value not in {"ENDSEC", "EOF"} else None
            after_section = value == "SECTION"
            section = "" if value == "ENDSEC" else section
            has_end |= value == "EOF"
        elif after_section and code == _NAME:
            section, after_section = value, False
        elif entity is not None:
            (entity.vertices[-1] if entity.vertices else entity.pairs).append((code, value))
    if not has_end:
        findings.fault("cut_off" if section or entity is not None else "not_a", format="dxf")
        raise UnreadableError


def _first(pairs: Sequence[Pair], code: int, default: str = "") -> str:
    return next((value for own, value in pairs if own == code), default)


def _all(pairs: Sequence[Pair], code: int) -> NDArray[np.float64]:
    return np.array([float(value) for own, value in pairs if own == code], dtype=np.float64)


def _number(pairs: Sequence[Pair], code: int, default: float | None = None) -> float:
    text = _first(pairs, code)
    if not text and default is not None:
        return default
    return float(text)


def _flags(pairs: Sequence[Pair]) -> int:
    return int(_number(pairs, _FLAGS, 0.0))


def _texts(entity: _Entity) -> list[str]:
    """Return the columns of an entity."""
    text = (
        "".join(value for code, value in entity.pairs if code in {_MORE_TEXT, _TEXT})
        if entity.kind in _TEXT_KINDS
        else ""
    )
    own = [_first(entity.pairs, code) for code in (_LAYER, _HANDLE, _LINETYPE)]
    given = (own[0], entity.kind, own[1], own[2], text)
    return [_UNICODE.sub(lambda found: chr(int(found[1], 16)), value) for value in given]


def _shape(entity: _Entity, *, as_area: bool) -> Any:  # noqa: ANN401 - shapely has no types
    """Return an entity's geometry, None where it has none that is known here.

    Raises
    ------
    ValueError and others of `_FAULTS`
        Where its numbers are none.
    """
    if entity.kind in _POINT_KINDS:
        return shapely.Point(_finite(np.array([[_number(entity.pairs, _X), _number(entity.pairs, _Y)]]))[0])
    reader = _LINES.get(entity.kind)
    if reader is None:
        return None
    xy, is_closed = reader(entity)
    if not len(xy):
        return None
    if entity.kind not in {"LINE", "SPLINE"} and _number(entity.pairs, _UPWARDS, 1.0) < 0:
        xy = xy * (-1.0, 1.0)  # drawn seen from below
    xy = _finite(xy)
    return shapely.Polygon(xy) if is_closed and as_area and len(xy) >= _TRIANGLE else shapely.LineString(xy)


def _finite(xy: NDArray[np.float64]) -> NDArray[np.float64]:
    if not np.isfinite(xy).all():
        raise ValueError
    return xy


# Each of these returns the (n, 2) vertices of a kind of line, closed ones with the first again, and whether it is closed.


def _line(entity: _Entity) -> tuple[NDArray[np.float64], bool]:
    own = [_number(entity.pairs, code) for code in (_X, _Y, _X_2, _Y_2)]
    return np.array(own).reshape(2, 2), False


def _light_polyline(entity: _Entity) -> tuple[NDArray[np.float64], bool]:
    xy: list[list[float]] = []
    bulges: list[float] = []
    for code, value in entity.pairs:
        if code == _X:
            xy.append([float(value), np.nan])
            bulges.append(0.0)
        elif code == _Y and xy:
            xy[-1][1] = float(value)
        elif code == _BULGE and xy:
            bulges[-1] = float(value)
    is_closed = bool(_flags(entity.pairs) & _CLOSED)
    return drawn_curves.bulged(np.array(xy).reshape(-1, 2), np.array(bulges), is_closed=is_closed), is_closed


def _polyline(entity: _Entity) -> tuple[NDArray[np.float64], bool]:
    flags = _flags(entity.pairs)
    if flags & _MESH:
        return np.empty((0, 2)), False
    own = [part for part in entity.vertices if not _flags(part) & _CONTROL_POINT]
    xy = np.array([[_number(part, _X), _number(part, _Y)] for part in own]).reshape(-1, 2)
    bulges = np.array([_number(part, _BULGE, 0.0) for part in own])
    is_closed = bool(flags & _CLOSED)
    return drawn_curves.bulged(xy, bulges, is_closed=is_closed), is_closed


def _arc(entity: _Entity) -> tuple[NDArray[np.float64], bool]:
    pairs = entity.pairs
    centre, radius = np.array([_number(pairs, _X), _number(pairs, _Y)]), _number(pairs, _SIZE)
    start, end = (
        (_number(pairs, code) for code in (_FROM_DEGREES, _TO_DEGREES)) if entity.kind == "ARC" else (0.0, 360.0)
    )
    major, minor = np.array([radius, 0.0]), np.array([0.0, radius])
    return drawn_curves.turned(centre, major, minor, start=np.radians(start), end=np.radians(end))


def _ellipse(entity: _Entity) -> tuple[NDArray[np.float64], bool]:
    pairs = entity.pairs
    centre = np.array([_number(pairs, _X), _number(pairs, _Y)])
    major = np.array([_number(pairs, _X_2), _number(pairs, _Y_2)])
    minor = np.array([-major[1], major[0]]) * _number(pairs, _SIZE)
    start, end = _number(pairs, _FROM, 0.0), _number(pairs, _BULGE, drawn_curves.FULL_TURN)
    return drawn_curves.turned(centre, major, minor, start=start, end=end)


def _spline(entity: _Entity) -> tuple[NDArray[np.float64], bool]:
    pairs = entity.pairs
    is_closed = bool(_flags(pairs) & _CLOSED)
    control = np.column_stack([_all(pairs, _X), _all(pairs, _Y)])
    if not len(control):  # drawn through fit points alone: joined straight
        return np.column_stack([_all(pairs, _X_2), _all(pairs, _Y_2)]), is_closed
    degree = int(_number(pairs, _DEGREE, 3.0))
    return drawn_curves.spline(control, _all(pairs, _SIZE), _all(pairs, _FROM), degree=degree), is_closed


_LINES: dict[str, Callable[[_Entity], tuple[NDArray[np.float64], bool]]] = {
    "LINE": _line,
    "LWPOLYLINE": _light_polyline,
    "POLYLINE": _polyline,
    "ARC": _arc,
    "CIRCLE": _arc,
    "ELLIPSE": _ellipse,
    "SPLINE": _spline,
}
