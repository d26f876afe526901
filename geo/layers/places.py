"""Where rows lie: the coordinate system of a source, geometry from lon and lat, what is swapped, far or invalid."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import pyproj
import pyproj.exceptions
import shapely

from geo import crs as crs_room
from geo.errors import GeoCrsError
from geo.layers import degrees, headers, survey, values
from geo.layers.findings import listed, naming, near_ones, shown, too_many
from geo.messages import Message
from geo.units import METRES_PER_KM

if TYPE_CHECKING:
    import pandas as pd
    from numpy.typing import NDArray

    from geo.crs import Shifted
    from geo.layers.findings import Findings
    from geo.layers.raw import Raw
    from geo.study_file import LayerSource

FAR_M = 200_000.0
_AREA_SURE = 0.5
DATUM_M = 5.0  # a datum carried over with a larger error is told
CGCS_DATUM = "China 2000"
OLD_DATUMS = ("Beijing 1954", "Xian 1980")  # the parameters that PROJ knows for some of their areas are not for ours
ROWS_LOOKED_AT = 200
NEAR_DEGREES = 3.0
MOST_LON, MOST_LAT = 180.0, 90.0
# Kinds whose rows may lie nowhere; dimensions of geometry that make sense for each kind (0 point, 1 line, 2 area).
PLACE_OPTIONAL = frozenset({"venue", "district"})
DIMENSIONS: dict[str, tuple[int, ...]] = {
    "community": (0, 2),
    "park": (0, 2),
    "factory": (0, 2),
    "district": (0, 2),
    "service": (0, 1, 2),
    "venue": (0, 1, 2),
    "gate": (0, 1, 2),
    "barrier": (1, 2),
    "water": (1, 2),
    "boundary": (2,),
    "street": (1,),
}
POINT_KINDS = frozenset({"service", "venue", "gate"})
SPREAD_KINDS = frozenset({"street", "water", "barrier"})


class LonLat(NamedTuple):
    """A place in degrees."""

    lon: float
    lat: float


def stated_crs(source: LayerSource, raw: Raw, findings: Findings, *, has_places: bool) -> pyproj.CRS | Shifted | None:
    """Return the CRS of a source: what the study says, else the file; an override is told, a missing one a fault."""
    try:
        own = crs_room.normalise(source.crs) if source.crs else None
    except GeoCrsError:
        findings.fault("bad_crs", given=shown(source.crs))
        return None
    try:
        filed = crs_room.normalise(raw.crs) if raw.crs else None
    except GeoCrsError:
        filed = None
        findings.tell("file_crs_unknown", given=shown(raw.crs))
    if own is None and filed is None:
        if has_places:
            findings.fault("no_crs", near=_looks_like(source, raw))
        return None
    if own is not None and filed is not None and not _same(own, filed):
        findings.tell("crs_override", stated=crs_name(own), filed=crs_name(filed))
    used = own if own is not None else filed
    if used is not None and not isinstance(used, str) and not _leads_somewhere(used):
        findings.fault("bad_crs", given=shown(crs_name(used)))
        return None
    if has_places and isinstance(used, pyproj.CRS):
        _tell_datum(used, findings)
    return used


def _tell_datum(crs: pyproj.CRS, findings: Findings) -> None:
    """Note that CGCS2000 is taken as WGS 84, and that other datums are carried over roughly where nothing better is known."""
    datum = crs.datum.name if crs.datum is not None else ""
    if datum == CGCS_DATUM:
        findings.tell("cgcs_as_wgs", crs=crs_name(crs))
        return
    accuracy_m = crs_room.accuracy_m(crs)
    if accuracy_m is None or accuracy_m > DATUM_M or datum in OLD_DATUMS:
        findings.tell("datum_rough", action="doubtful", crs=crs_name(crs), given=shown(datum))


def _looks_like(source: LayerSource, raw: Raw) -> Message:
    """Return what the numbers of a source without a CRS look like, by the size of the first of them."""
    if raw.geometry is not None:
        xy = middles(raw.geometry[:ROWS_LOOKED_AT])
    else:
        table = raw.columns.head(ROWS_LOOKED_AT)
        given = [str(header) for header in table.columns]
        named = {name: header for name, header in source.columns.items() if headers.resolve(header, given)}
        meanings = {name: header for header, name in headers.match(given, "", named=named).items()}
        pair = degrees.pair_column(table)
        if {"lon", "lat"} <= set(meanings):
            pair = table[[meanings["lon"], meanings["lat"]]]
        if pair is None:
            return Message("layers.looks_unknown")
        xy = np.column_stack([degrees.of_column(pair.iloc[:, place]).floats for place in (0, 1)])
    return survey.guessed(xy) or Message("layers.looks_unknown")


def _leads_somewhere(crs: pyproj.CRS) -> bool:
    """Say whether places in a CRS can be found on earth: a damaged .prj can be read and still lead nowhere."""
    try:
        crs_room.transformer(crs, crs_room.WGS84)
    except pyproj.exceptions.ProjError:
        return False
    return bool(crs.is_geographic or crs.is_projected)


def _same(one: pyproj.CRS | Shifted, other: pyproj.CRS | Shifted) -> bool:
    if isinstance(one, str) or isinstance(other, str):
        return one == other
    return one.equals(other, ignore_axis_order=True)


def crs_name(crs: pyproj.CRS | Shifted | None) -> str | None:
    """Return a CRS as reports name it: EPSG:4548, gcj02, or its own name.

    Examples
    --------
    >>> crs_name(pyproj.CRS.from_epsg(4548)), crs_name("gcj02"), crs_name(None)
    ('EPSG:4548', 'gcj02', None)
    """
    return None if crs is None else crs_room.name_of(crs)


def from_lonlat(
    table: pd.DataFrame, raw: Raw, findings: Findings, *, rows: NDArray[np.int64], kind: str
) -> NDArray[np.object_] | None:
    """Return points from the columns lon and lat, None where a row has none; None where there are no such columns.

    Cells may be numbers or degrees, minutes and seconds; both coordinates may stand in one column.
    """
    pair = degrees.pair_column(table) if not {"lon", "lat"} & set(table.columns) else None
    if pair is not None:
        table = table.assign(**pair)
    lacking = [name for name in ("lon", "lat") if name not in table.columns]
    if lacking:
        if kind not in PLACE_OPTIONAL or len(lacking) == 1:
            _no_columns(lacking, table, raw, findings, rows=rows, kind=kind)
        return None
    x, y = degrees.of_column(table["lon"]), degrees.of_column(table["lat"])
    texts = [
        f"{values.text_of(lon)} / {values.text_of(lat)}" for lon, lat in zip(table["lon"], table["lat"], strict=True)
    ]
    given = np.array(texts, dtype=object)
    same_axis = (x.axis != "") & (x.axis == y.axis)
    unreadable = x.unreadable | y.unreadable | same_axis
    missing = (np.isnan(x.floats) | np.isnan(y.floats)) & ~unreadable
    good = ~missing & ~unreadable
    turned = good & ((x.axis == "lat") | (y.axis == "lon"))  # the letters say so
    lon, lat = np.where(turned, y.floats, x.floats), np.where(turned, x.floats, y.floats)
    for at in np.flatnonzero((x.mended | y.mended) & good):
        value = f"{lon[at]:.9g} / {lat[at]:.9g}"
        findings.row(rows[at], "repaired", "coordinates_mended", given=shown(given[at]), value=value)
    findings.rows(rows[turned], "repaired", "swapped", given=given[turned])
    findings.rows(rows[unreadable], "kept", "bad_coordinates", given=given[unreadable], of=len(rows))
    if kind not in PLACE_OPTIONAL:
        _tell_missing(table, findings, missing=missing, rows=rows)
    shapes = np.full(len(rows), None, dtype=object)
    shapes[good] = shapely.points(lon[good], lat[good])
    return shapes


def _addresses(table: pd.DataFrame) -> NDArray[np.object_]:
    """Return what each row says in words of where it is; "" where it says nothing."""
    said = np.full(len(table), "", dtype=object)
    for header in (name for name in table.columns if headers.plain(name) in headers.ADDRESSES):
        texts = np.array([values.text_of(value).strip() for value in table[header].tolist()], dtype=object)
        filled = np.array([text.casefold() not in headers.EMPTY_WORDS for text in texts], dtype=bool)
        said = np.where((said == "") & filled, texts, said)
    return said


def _no_columns(
    lacking: list[str], table: pd.DataFrame, raw: Raw, findings: Findings, *, rows: NDArray[np.int64], kind: str
) -> None:
    """Note that a table has no columns of coordinates, and that it has addresses instead."""
    given = [str(header) for header in raw.columns.columns]
    near = near_ones(dict.fromkeys(near for name in lacking for near in headers.near_meaning(name, given, kind)))
    findings.fault("missing_column", column=", ".join(lacking), near=near, found=listed(given), value=naming(lacking))
    said = _addresses(table)
    has = said != ""
    if has.any():
        examples = listed(dict.fromkeys(said[has]))
        findings.fault("address_only_many", rows=rows[has], given=examples, n=int(has.sum()), of=len(rows))


def _tell_missing(
    table: pd.DataFrame, findings: Findings, *, missing: NDArray[np.bool_], rows: NDArray[np.int64]
) -> None:
    """Note rows without coordinates, those with an address as such; many of them are a fault."""
    said = np.where(missing, _addresses(table), "")
    named = said != ""
    if too_many(int(missing.sum()), len(rows)):
        for which, key in ((named, "address_only_many"), (missing & ~named, "no_coordinates_many")):
            if which.any():
                examples = listed(dict.fromkeys(said[which]))
                findings.fault(key, rows=rows[which], given=examples, n=int(which.sum()), of=len(rows))
        return
    findings.rows(rows[named], "kept", "address_only", given=said[named])
    findings.rows(rows[missing & ~named], "kept", "no_coordinates")


def fitting(
    shapes: NDArray[np.object_], findings: Findings, *, rows: NDArray[np.int64], kind: str, is_drawn: bool
) -> NDArray[np.object_]:
    """Return geometries in two dimensions and of a dimension that the kind can use; others are missing and noted.

    Parameters
    ----------
    is_drawn
        The geometries are the file's own, so that missing ones have not been noted yet.
    """
    flat = np.asarray(shapely.force_2d(shapes), dtype=object)
    missing = shapely.is_missing(flat) | shapely.is_empty(flat)
    finite = np.isfinite(shapely.bounds(flat)).all(axis=1) | missing
    wrong = ~missing & ~np.isin(shapely.get_dimensions(flat), DIMENSIONS[kind])
    if is_drawn:
        if kind in PLACE_OPTIONAL:
            findings.rows(rows[missing], "told", "no_own_geometry")
        else:
            findings.rows(rows[missing], "kept", "no_geometry", of=len(rows))
    findings.rows(rows[~finite], "kept", "broken_geometry", of=len(rows))
    names = [item.geom_type for item in flat[wrong]]
    findings.rows(rows[wrong], "kept", "wrong_geometry", given=names, of=len(rows))
    flat[missing | wrong | ~finite] = None
    return flat


def middles(shapes: NDArray[np.object_]) -> NDArray[np.float64]:
    """Return (n, 2) middles of the bounds of geometries, NaN where missing."""
    bounds = shapely.bounds(shapes)
    return np.column_stack([(bounds[:, 0] + bounds[:, 2]) / 2.0, (bounds[:, 1] + bounds[:, 3]) / 2.0])


def _swap(shapes: NDArray[np.object_], which: NDArray[np.bool_]) -> NDArray[np.object_]:
    out = shapes.copy()
    out[which] = shapely.transform(shapes[which], lambda xy: xy[:, ::-1])
    return out


def _degrees(xy: NDArray[np.float64], crs: pyproj.CRS | Shifted) -> NDArray[np.float64]:
    """Return (n, 2) lon and lat, roughly (a datum shift does not matter), NaN where they are impossible."""
    lonlat = xy
    if not (isinstance(crs, str) or crs.is_geographic):
        lonlat = np.column_stack(crs_room.transformer(crs, crs_room.WGS84).transform(xy[:, 0], xy[:, 1]))
    possible = np.isfinite(lonlat).all(axis=1) & np.asarray((np.abs(lonlat) <= (MOST_LON, MOST_LAT)).all(axis=1))
    return np.where(possible[:, None], lonlat, np.nan)


def degrees_of(shapes: NDArray[np.object_], crs: pyproj.CRS | Shifted) -> NDArray[np.float64]:
    """Return (n, 2) lon and lat of the middles of geometries, only of those that lie somewhere on earth."""
    lonlat = _degrees(middles(shapes), crs)
    return lonlat[np.isfinite(lonlat).all(axis=1)]


def centre_of(lonlat: NDArray[np.float64]) -> LonLat | None:
    """Return the middle of places, by medians, which one place in the ocean does not move."""
    if not len(lonlat):
        return None
    lon, lat = np.median(lonlat, axis=0)
    return LonLat(float(lon), float(lat))


def _quoted(xy: NDArray[np.float64], which: NDArray[np.bool_]) -> list[str]:
    """Return the coordinates of some rows as a message quotes them."""
    return [f"{x:.9g} / {y:.9g}" for x, y in xy[which].tolist()]


def in_order(
    shapes: NDArray[np.object_],
    crs: pyproj.CRS | Shifted,
    findings: Findings,
    *,
    rows: NDArray[np.int64],
    centre: LonLat | None,
    cure: Message,
    written: str | None = None,
) -> NDArray[np.object_]:
    """Return geometries with x east and y north; swapped rows are swapped and told, many of them are a fault.

    Parameters
    ----------
    centre
        Where the study lies by its other layers, degrees; else the layer's own middle is taken.
    cure
        What mends a layer whose lon and lat are swapped.
    written
        The CRS as the study file writes it, for messages.
    """
    if isinstance(crs, str) or crs.is_geographic:
        name = shown(written) if written else crs_name(crs)
        return _degrees_in_order(shapes, crs, findings, rows=rows, centre=centre, cure=cure, name=name)
    return _metres_in_order(shapes, crs, findings, rows=rows)


def _degrees_in_order(
    shapes: NDArray[np.object_],
    crs: pyproj.CRS | Shifted,
    findings: Findings,
    *,
    rows: NDArray[np.int64],
    centre: LonLat | None,
    cure: Message,
    name: str | None,
) -> NDArray[np.object_]:
    xy = middles(shapes)
    x, y = xy[:, 0], xy[:, 1]
    impossible = (np.abs(y) > MOST_LAT) | (np.abs(x) > MOST_LON)
    swapped = impossible & (np.abs(y) <= MOST_LON) & (np.abs(x) <= MOST_LAT)
    about = centre or centre_of(degrees_of(shapes, crs))
    if about is not None:
        as_given = np.maximum(np.abs(x - about.lon), np.abs(y - about.lat)) <= NEAR_DEGREES
        turned = np.maximum(np.abs(y - about.lon), np.abs(x - about.lat)) <= NEAR_DEGREES
        swapped |= ~as_given & turned
    outside = impossible & ~swapped
    given = _quoted(xy, outside)
    findings.rows(rows[outside], "kept", "out_of_range", given=given, of=len(rows), crs=name)
    given = _quoted(xy, swapped)
    is_fault = findings.rows(rows[swapped], "repaired", "swapped", given=given, of=len(rows), cure=cure)
    ordered = shapes.copy() if is_fault else _swap(shapes, swapped)
    ordered[outside | (swapped & is_fault)] = None
    return ordered


def _metres_in_order(
    shapes: NDArray[np.object_], crs: pyproj.CRS, findings: Findings, *, rows: NDArray[np.int64]
) -> NDArray[np.object_]:
    """Return projected geometries with x east; survey tables write X = north, known by the size of the numbers."""
    xy, of, name = middles(shapes), len(rows), crs_name(crs)
    degrees = np.asarray((np.abs(xy) <= MOST_LON).all(axis=1), dtype=np.bool_)
    given = _quoted(xy, degrees)
    is_fault = findings.rows(rows[degrees], "kept", "looks_like_degrees", given=given, of=of, crs=name)
    ordered = shapes.copy()
    ordered[degrees] = None
    if is_fault or survey.zone_of(crs) is None:
        return ordered
    northern = survey.northern(xy)
    findings.rows(rows[northern], "repaired", "survey_order", given=_quoted(xy, northern))
    ordered = _swap(ordered, northern)
    quoted = np.array(_quoted(xy, np.ones(of, dtype=bool)), dtype=object)
    eastings = np.where(northern, xy[:, 1], xy[:, 0])
    return survey.in_own_zone(ordered, eastings, crs, findings, rows=rows, given=quoted)


def as_points(shapes: NDArray[np.object_], findings: Findings) -> NDArray[np.object_]:
    """Return one point a row: an area or a line is stood for by a point on it, and that is told."""
    kinds = shapely.get_type_id(shapes)
    several = (kinds > 0) & ~shapely.is_missing(shapes)
    if several.any():
        findings.tell("made_points", n=int(several.sum()))
        shapes = shapes.copy()
        shapes[several] = shapely.point_on_surface(shapes[several])
    return shapes


def far_away(
    shapes: NDArray[np.object_], crs: pyproj.CRS | Shifted, findings: Findings, *, rows: NDArray[np.int64], told: bool
) -> NDArray[np.bool_]:
    """Return which rows lie farther than 200 km from the middle of their layer; they are noted and stay."""
    lonlat = _degrees(middles(shapes), crs)
    known = np.isfinite(lonlat).all(axis=1)
    centre = centre_of(lonlat[known])
    if centre is None:
        return np.zeros(len(rows), dtype=bool)
    lon, lat = np.radians(lonlat).T
    here_lon, here_lat = np.radians(centre)
    chord = np.sin((lat - here_lat) / 2.0) ** 2 + np.cos(lat) * np.cos(here_lat) * np.sin((lon - here_lon) / 2.0) ** 2
    distance_m = 2.0 * crs_room.EARTH_A * np.arcsin(np.sqrt(np.clip(chord, 0.0, 1.0)))
    far: NDArray[np.bool_] = known & (distance_m > FAR_M)
    if told:
        for at in np.flatnonzero(far):
            given = shown(f"{lonlat[at, 0]:.6f}, {lonlat[at, 1]:.6f}")
            km = round(float(distance_m[at]) / METRES_PER_KM)
            findings.row(rows[at], "doubtful", "far_away", given=given, km=km)
    return far


def _other_area(before_m2: float, after_m2: float) -> bool:
    """Say whether a repaired area is another by more than half: a bow tie's halves cancel out before and add after.

    Examples
    --------
    >>> _other_area(38.0, 3_841_666.0), _other_area(100.0, 140.0), _other_area(100.0, 49.0)
    (True, False, True)
    """
    return abs(after_m2 - before_m2) > _AREA_SURE * before_m2


def mended(
    shapes: NDArray[np.object_], findings: Findings, *, rows: NDArray[np.int64], forgiven: NDArray[np.bool_]
) -> NDArray[np.object_]:
    """Return metric geometries that are valid; each repaired one is told with its change in area.

    Parameters
    ----------
    forgiven
        Rows already known to lie where the CRS may not reach; they lose their place without another line.
    """
    finite = np.isfinite(shapely.bounds(shapes)).all(axis=1) | shapely.is_missing(shapes)
    findings.rows(rows[~finite & ~forgiven], "kept", "beyond_crs", of=len(rows))
    whole = shapes.copy()
    whole[~finite] = None
    for at in np.flatnonzero(~shapely.is_valid(whole) & ~shapely.is_missing(whole)):
        old = whole[at]
        new = shapely.make_valid(old, method="structure", keep_collapsed=False)
        whole[at] = None if new.is_empty else new
        if new.is_empty:
            findings.row(rows[at], "kept", "collapsed")
            continue
        why = shown(shapely.is_valid_reason(old).split("[")[0])
        before, after = abs(old.area), new.area
        areas = {"before": f"{before:,.0f}", "after": f"{after:,.0f}"}
        if _other_area(before, after) and shapely.get_dimensions(new) > 1:
            findings.row(rows[at], "doubtful", "made_valid_otherwise", why=why, **areas)
        else:
            findings.row(rows[at], "repaired", "made_valid", why=why, **areas)
    return whole
