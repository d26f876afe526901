"""What coordinates without a usable CRS may be: the share of places beside a street in each reading, best first.

Numbers alone do not tell GPS from a map service, nor one zone from the next; the study's streets do.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import pyproj

from geo import crs as crs_room
from geo.errors import Fault
from geo.layers import survey, suspicion
from geo.layers.findings import OF_CRS
from geo.messages import Message

if TYPE_CHECKING:
    from collections.abc import Iterable

    from numpy.typing import NDArray

    from geo.layers.findings import Unplaced
    from geo.layers.suspicion import Ground

LEAST_PLACES = 5
CLEAR_SHARE, CLEAR_LEAD = 0.5, 0.1
READINGS_SHOWN = 4
MOST_LAT = 90.0
_ROUNDED = 6  # digits behind the point: 0.1 m in degrees


class Reading(NamedTuple):
    """A way to read numbers: in which CRS, whether lon and lat change places, and where the places are then."""

    crs: str
    swapped: bool
    lonlat: NDArray[np.float64]


def readings(xy: NDArray[np.float64], centre: tuple[float, float]) -> list[Reading]:
    """Return the ways to read (n, 2) numbers, by their size, in a study whose middle is `centre` (lon, lat).

    Examples
    --------
    >>> [(way.crs, way.swapped) for way in readings(np.array([[118.2, 25.3]]), (118.2, 25.3))]
    [('EPSG:4326', False), ('gcj02', False), ('bd09', False)]
    >>> [(way.crs, way.swapped) for way in readings(np.array([[25.3, 118.2]]), (118.2, 25.3))]
    [('EPSG:4326', True), ('gcj02', True), ('bd09', True)]
    >>> [way.crs for way in readings(np.array([[2_802_542.0, 632_659.0]]), (118.2, 25.3))]
    ['EPSG:4548', 'EPSG:4547', 'EPSG:4549', 'EPSG:32650']
    >>> [way.crs for way in readings(np.array([[13_158_000.0, 2_911_000.0]]), (118.2, 25.3))]
    ['EPSG:3857', 'EPSG:4491']
    """
    x, y = np.median(xy, axis=0).tolist()
    found = []
    if max(abs(x), abs(y)) <= survey.MOST_DEGREES:
        for swapped in (False, True):
            turned = xy[:, ::-1] if swapped else xy
            if np.abs(turned[:, 1]).max() <= MOST_LAT:
                ways = {"EPSG:4326": turned} | {
                    name: np.column_stack(move(*turned.T)) for name, move in crs_room.TO_WGS84.items()
                }
                found += [Reading(name, swapped, lonlat) for name, lonlat in ways.items()]
        return _without_same(found)
    if survey.is_web_mercator(x, y):
        found.append(_projected(xy, pyproj.CRS.from_epsg(survey.WEB_MERCATOR)))
    east_north = np.where(survey.northern(xy)[:, None], xy[:, ::-1], xy)
    return found + [_projected(east_north, crs) for crs in survey.possible(xy, centre)]


def _projected(xy: NDArray[np.float64], crs: pyproj.CRS) -> Reading:
    moved = crs_room.transformer(crs, crs_room.WGS84).transform(*xy.T)
    return Reading(crs_room.name_of(crs), swapped=False, lonlat=np.column_stack(moved))


def _without_same(found: list[Reading]) -> list[Reading]:
    """Return readings without those that lead where an earlier one does: outside China nothing is shifted."""
    return [
        way
        for number, way in enumerate(found)
        if not any(np.array_equal(way.lonlat, other.lonlat) for other in found[:number])
    ]


def advised(faults: Iterable[Fault], unplaced: Iterable[Unplaced], ground: Ground) -> list[Fault]:
    """Return the faults, those about the CRS of points with the share beside streets in each reading and the best.

    Parameters
    ----------
    faults
        All of them, in order.
    unplaced
        The points that some are about.
    ground
        The study's streets.
    """
    said = {item.where: advice(item.xy, ground) for item in unplaced}
    found = []
    for fault in faults:
        told = said.get(fault.where) if fault.message.key in OF_CRS else None
        if told is None:
            found.append(fault)
        elif fault.message.key == "layers.no_crs":
            found.append(Fault(fault.where, Message("layers.no_crs", {"near": told}), fault.rows))
        else:
            found.append(
                Fault(fault.where, Message("layers.and_readings", {"what": fault.message, "near": told}), fault.rows)
            )
    return found


def advice(xy: NDArray[np.float64], ground: Ground) -> Message | None:
    """Return what is said of numbers without a CRS: the shares, best first, and what to write; None where nothing is known."""
    places = np.unique(xy[np.isfinite(xy).all(axis=1)].round(_ROUNDED), axis=0)
    if not len(places):
        return None
    places = suspicion.at_most(places)
    ways = readings(places, suspicion.middle_of(ground))
    if not ways:
        return None
    shares = np.array([suspicion.near_streets(way.lonlat, ground).mean() for way in ways])
    order = np.argsort(-shares, kind="stable")[:READINGS_SHOWN]
    told = _one(ways[order[-1]], shares[order[-1]])
    for number in order[-2::-1]:
        told = Message("layers.reading_then", {"first": _one(ways[number], shares[number]), "then": told})
    lead = shares[order[0]] - (shares[order[1]] if len(order) > 1 else 0.0)
    best = ways[order[0]]
    key = "reading_clear_swapped" if best.swapped else "reading_clear"
    if shares[order[0]] == 0.0:
        key = "reading_none"
    elif shares[order[0]] < CLEAR_SHARE or lead < CLEAR_LEAD or len(places) < LEAST_PLACES:
        key = "reading_unclear"
    cure = Message(f"layers.{key}", {"near": _called(best), "crs": best.crs})
    return Message("layers.reading_shares", {"n": len(places), "found": told, "cure": cure})


def _one(way: Reading, share: float) -> Message:
    return Message("layers.reading_share", {"near": _called(way), "value": f"{share:.0%}"})


def _called(way: Reading) -> Message | str:
    return Message("layers.reading_turned", {"crs": way.crs}) if way.swapped else way.crs
