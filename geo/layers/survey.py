"""Which way a table of metres is written: X north as surveyors do, with a zone number or without, in which zone."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import pyproj
import shapely

from geo import crs as crs_room
from geo.layers.findings import listed
from geo.messages import Message

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from geo.layers.findings import Findings

# Sizes that do not overlap: northings from 9 degrees of latitude, eastings of a zone, and those that begin with a zone
# number (13 to 46).
NORTHINGS_M = (1e6, 1e7)
EASTINGS_M = (1e5, 9e5)
ZONED_M = (1.3e7, 4.7e7)
ZONE_M = 1e6
THREE_DEGREES_FROM = 24  # zones 13 to 23 are six degrees wide, zones 24 to 46 three
MOST_DEGREES = 180.0
# Web Mercator in China: the eastings of 73° to 136°, the northings of 3° to 54°.
WEB_MERCATOR = 3857
_WEB_EASTINGS_M, _WEB_NORTHINGS_M = (8.1e6, 1.52e7), (3.3e5, 7.2e6)
# EPSG codes of CGCS2000 in zones of three degrees (zone 25 first) and of six (zone 13 first).
_CGCS_THREE, _CGCS_SIX = (4513, 25), (4491, 13)
_NUMBERS = (*range(13, 24), *range(25, 46))


class Zone(NamedTuple):
    """A zone of a transverse Mercator grid: its central meridian in degrees and its false easting in metres."""

    central: float
    false_easting_m: float

    @property
    def number(self) -> int:
        """The zone number that eastings begin with; 0 for eastings without one."""
        return int(self.false_easting_m // ZONE_M) if self.false_easting_m >= ZONED_M[0] else 0


def central_of(number: int) -> float:
    """Return the central meridian of a Chinese zone number.

    Examples
    --------
    >>> central_of(39), central_of(20)
    (117.0, 117.0)
    """
    return 3.0 * number if number >= THREE_DEGREES_FROM else 6.0 * number - 3.0


def zone_of(crs: pyproj.CRS) -> Zone | None:
    """Return the zone of a transverse Mercator CRS; None for any other.

    Examples
    --------
    >>> zone_of(pyproj.CRS.from_epsg(4527)), zone_of(pyproj.CRS.from_epsg(3857))
    (Zone(central=117.0, false_easting_m=39500000.0), None)
    """
    operation = crs.coordinate_operation
    if operation is None or "Transverse Mercator" not in operation.method_name:
        return None
    given = {item.name: float(item.value) for item in operation.params}
    return Zone(given.get("Longitude of natural origin", 0.0), given.get("False easting", 0.0))


def in_zone(crs: pyproj.CRS, zone: Zone) -> pyproj.CRS:
    """Return a transverse Mercator CRS moved to another zone: the same datum, scale and northings."""
    document = crs.to_json_dict()
    document["name"] = f"{crs.geodetic_crs.name if crs.geodetic_crs else crs.name} / CM {zone.central:g}"
    document.pop("id", None)
    for part in (document, document["conversion"]):
        for key in ("area", "bbox", "scope", "usages", "id"):
            part.pop(key, None)
    for item in document["conversion"]["parameters"]:
        if item["name"] == "Longitude of natural origin":
            item["value"] = zone.central
        elif item["name"] == "False easting":
            item["value"] = zone.false_easting_m
    return pyproj.CRS.from_json_dict(document)


def neighbours(crs: pyproj.CRS) -> list[Zone]:
    """Return the two zones beside a CRS's own: three degrees away, six in UTM and in the zones 13 to 23.

    Eastings keep their distance from the meridian, so a zone number goes along with it.

    Examples
    --------
    >>> [(zone.central, zone.number) for zone in neighbours(pyproj.CRS.from_epsg(4527))]
    [(114.0, 38), (120.0, 40)]
    """
    zone = zone_of(crs)
    if zone is None:
        return []
    is_wide = crs.utm_zone is not None or 0 < zone.number < THREE_DEGREES_FROM
    step_m = ZONE_M if zone.number else 0.0
    return [
        Zone(zone.central + side * (6.0 if is_wide else 3.0), zone.false_easting_m + side * step_m) for side in (-1, 1)
    ]


def guessed(xy: NDArray[np.float64]) -> Message | None:
    """Return what numbers without a CRS look like, by their size; None where they look like nothing known."""
    known = xy[np.isfinite(xy).all(axis=1)]
    if not len(known):
        return None
    x, y = np.median(known, axis=0).tolist()
    if max(abs(x), abs(y)) <= MOST_DEGREES:
        return Message("layers.looks_degrees")
    north, east = (x, y) if _is_between(x, NORTHINGS_M) else (y, x)
    if _is_between(north, NORTHINGS_M) and _is_between(east, EASTINGS_M):
        return Message("layers.looks_metres")
    number = int(east // ZONE_M)
    is_web = is_web_mercator(x, y)
    if _is_between(north, NORTHINGS_M) and number in _NUMBERS:
        key = "layers.looks_zoned_or_web" if is_web else "layers.looks_zoned"
        return Message(key, {"n": number, "crs": _code_of_zone(number)})
    return Message("layers.looks_web") if is_web else None


def _code_of_zone(number: int) -> str:
    first, start = _CGCS_THREE if number >= THREE_DEGREES_FROM else _CGCS_SIX
    return f"EPSG:{first + number - start}"


def is_web_mercator(x: float, y: float) -> bool:
    """Say whether a place in metres may be one of China in web Mercator.

    Examples
    --------
    >>> is_web_mercator(13_158_000.0, 2_911_000.0), is_web_mercator(39_632_659.0, 2_802_542.0)
    (True, False)
    """
    return _is_between(x, _WEB_EASTINGS_M) and _is_between(y, _WEB_NORTHINGS_M)


def possible(xy: NDArray[np.float64], centre: tuple[float, float]) -> list[pyproj.CRS]:
    """Return the transverse Mercator CRSs in which metres may be written, by their size: none for other numbers.

    Parameters
    ----------
    xy
        (n, 2) metres, in either order.
    centre
        Lon and lat of the study: eastings without a zone number may be of its zone, of those beside it, or of UTM.
    """
    x, y = np.median(xy, axis=0).tolist()
    north, east = (x, y) if northern(np.array([[x, y]]))[0] else (y, x)
    if not _is_between(north, NORTHINGS_M):
        return []
    if _is_between(east, EASTINGS_M):
        own = crs_room.choose_metric(*centre)
        utm = crs_room.utm(*centre)
        beside = [in_zone(own, zone) for zone in neighbours(own)]
        return [own, *beside, *([] if own.equals(utm) else [utm])]
    number = int(east // ZONE_M)
    return [pyproj.CRS.from_user_input(_code_of_zone(number))] if number in _NUMBERS else []


def _is_between(value_m: float, limits_m: tuple[float, float]) -> bool:
    return limits_m[0] <= value_m <= limits_m[1]


def _between(values_m: NDArray[np.float64], limits_m: tuple[float, float]) -> NDArray[np.bool_]:
    return np.asarray((values_m >= limits_m[0]) & (values_m <= limits_m[1]), dtype=np.bool_)


def northern(xy: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Return which places have X = north, known by the size of the numbers.

    Examples
    --------
    >>> northern(np.array([[2_800_000.0, 620_000.0], [620_000.0, 2_800_000.0], [2_800_000.0, 39_620_000.0]])).tolist()
    [True, False, True]
    """
    x, y = xy.T
    return _between(x, NORTHINGS_M) & (_between(y, EASTINGS_M) | _between(y, ZONED_M))


def in_own_zone(
    shapes: NDArray[np.object_],
    eastings_m: NDArray[np.float64],
    crs: pyproj.CRS,
    findings: Findings,
    *,
    rows: NDArray[np.int64],
    given: NDArray[np.object_],
) -> NDArray[np.object_]:
    """Return geometries whose eastings bear the CRS's own zone number or, like the CRS, none.

    A number that the CRS lacks, or has and the table lacks, is taken off or added where both mean the same meridian.
    Where some rows bear the number of another zone, they are read in that one: counties lie across zones. Where no
    row fits the CRS, the CRS is in doubt and the rows have no place.

    Parameters
    ----------
    eastings_m
        (n,) of the middles of the geometries.
    given
        (n,) the coordinates as messages quote them.
    """
    zone = zone_of(crs)
    if zone is None:
        return shapes
    is_zoned = _between(eastings_m, ZONED_M) & _between(eastings_m % ZONE_M, EASTINGS_M)
    numbers = np.where(is_zoned, eastings_m // ZONE_M, 0.0)
    means_same = np.isin(numbers, [number for number in range(13, 47) if central_of(number) == zone.central])
    lacking = (numbers == 0.0) & (zone.number > 0) & _between(eastings_m, EASTINGS_M)
    taken = means_same & (numbers != zone.number)
    shift_m = np.where(lacking, zone.number, np.where(taken, zone.number - numbers, 0.0)) * ZONE_M
    out = _moved(shapes, shift_m)
    for which, key in ((taken, "zone_number_taken"), (lacking, "zone_number_added")):
        findings.rows(rows[which], "repaired", key, given=given[which], n=f"{zone.central:g}")
    others = _others(numbers, ~means_same, zone, crs)
    if (means_same | lacking).any():
        for number, theirs in others.items():
            which = numbers == number
            name = crs_room.name_of(theirs)
            findings.rows(rows[which], "repaired", "zone_number_other", given=given[which], n=number, crs=name)
            out[which] = shapely.transform(
                shapes[which], crs_room.transformer(theirs, crs).transform, interleaved=False
            )
        return out
    wrong = np.isin(numbers, list(others))
    near = listed(crs_room.name_of(theirs) for theirs in others.values())
    name = crs_room.name_of(crs)
    findings.rows(rows[wrong], "kept", "zone_prefix", given=given[wrong], of=len(rows), crs=name, near=near)
    out[wrong] = None
    return out


def _others(
    numbers: NDArray[np.float64], which: NDArray[np.bool_], zone: Zone, crs: pyproj.CRS
) -> dict[int, pyproj.CRS]:
    """Return the CRS of each zone number among some rows."""
    found = np.unique(numbers[which & (numbers > 0.0)]).astype(int).tolist()
    offset_m = zone.false_easting_m % ZONE_M
    return {number: in_zone(crs, Zone(central_of(number), number * ZONE_M + offset_m)) for number in found}


def _moved(shapes: NDArray[np.object_], shifts_m: NDArray[np.float64]) -> NDArray[np.object_]:
    """Return geometries moved east, each by its own metres."""
    out = shapes.copy()
    which = shifts_m != 0.0
    xy = shapely.get_coordinates(shapes[which])
    xy[:, 0] += np.repeat(shifts_m[which], shapely.get_num_coordinates(shapes[which]))
    out[which] = shapely.set_coordinates(shapes[which], xy)
    return out
