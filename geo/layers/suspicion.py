"""Whether the points of a layer fit the streets better when their coordinates are read in another way.

A layer from a Chinese map service lies 300 to 1,200 m off (GCJ-02, BD-09), one with lon and lat swapped or read in
the neighbouring zone hundreds of kilometres. Each reading is judged by the share of places within 50 m of a street.

A shift is named only where three things hold, because each alone misleads:

- the share rises by a tenth at least and is then a half or more;
- more places come near a street than leave it, beyond chance (sign test, 5 %): five places at least must gain;
- no other shift of like size does as well: the reading beats each of 96 decoys, the same places moved 250 to 900 m in
  24 directions. Layers whose points stand in the middle of blocks come nearer to streets by any shift whatever.

Tried with 5 to 150 places on the streets of Futian, Porto Alegre, Ninghua and the three samples, 150 times each, as
they are and moved by 570 m: of 16,200 layers beside streets and right, none was suspected, of 16,200 away from streets
21. Of layers moved that are spread along the streets, 98 % of those with 50 places were named, 80 % of those with 20,
57 % of those with 12.

Where hardly a place lies in the streets' extent as given, and nearly all do in another reading, that is enough.
A layer of fewer than twenty places may follow the other layers of its study that were read in the same CRS.

Outside China GCJ-02 and BD-09 are WGS 84, so that nothing can be shifted and nothing is named.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Literal, NamedTuple

import numpy as np
import pandas as pd
import pyproj
import shapely

from geo import crs as crs_room, schema
from geo.errors import Fault, GeoCrsError
from geo.layers import survey
from geo.messages import Message

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    import geopandas as gpd
    from numpy.typing import NDArray

    from geo.crs import Shifted
    from geo.layers.reading import LayerSet
    from geo.study_file import Layers

NEAR_M = 50.0
GAIN = 0.1
LEAST_SHARE = 0.5
BY_CHANCE = 0.05
DECOYS_M = (250.0, 400.0, 600.0, 900.0)
DIRECTIONS = 24
EXTENT_M = 5_000.0
LOST_SHARE, FOUND_SHARE = 0.1, 0.9
MOST_PLACES = 1_000
FEW_PLACES = 20
_PLACE_DIGITS = 6  # of degrees: 0.1 m

Kind = Literal["shifted", "projected", "swapped", "zone"]


class Ground(NamedTuple):
    """Streets as the test needs them: an index of their lines, their extent and their metric CRS."""

    tree: shapely.STRtree
    bounds: NDArray[np.float64]
    crs: pyproj.CRS


class Reading(NamedTuple):
    """Another way to read coordinates: in which CRS (or "swapped"), which mistake it mends, and the lon and lat."""

    crs: pyproj.CRS | str
    kind: Kind
    lonlat: NDArray[np.float64]

    @property
    def name(self) -> str:
        """What a study file calls it; to find the code of a zone takes PROJ a fifth of a second."""
        return self.crs if isinstance(self.crs, str) else crs_room.name_of(self.crs)


class Suspicion(NamedTuple):
    """A reading that fits the streets clearly better than the one used.

    Attributes
    ----------
    reading
        gcj02 | bd09 | EPSG:4326 | swapped | EPSG code or meridian of another zone.
    kind
        shifted | projected (shifted before it was projected) | swapped | zone.
    places
        Places looked at: different ones, at most 1,000.
    share_given, share_read
        Of these, within 50 m of a street as read and in the other reading.
    """

    reading: str
    kind: Kind
    places: int
    share_given: float
    share_read: float


class _Source(NamedTuple):
    """The points of one source of a layer."""

    layer: str
    label: str
    used: str
    crs: pyproj.CRS | Shifted
    stated: bool
    lonlat: NDArray[np.float64]


class Verdict(NamedTuple):
    """A suspicion about one source of a layer; `stated` where the study file states its CRS."""

    layer: str
    source: str
    used: str
    stated: bool
    suspicion: Suspicion

    @property
    def message(self) -> Message:
        """What is said about the source, with both shares."""
        found = self.suspicion
        cure = Message(f"layers.read_{found.kind}", {"near": found.reading, "crs": self.used})
        values = {
            "n": found.places,
            "given": f"{found.share_given:.0%}",
            "value": f"{found.share_read:.0%}",
            "near": Message("layers.reading_swapped") if found.kind == "swapped" else found.reading,
            "crs": self.used,
            "cure": cure,
        }
        return Message("layers.suspicious_stated" if self.stated else "layers.suspicious", values)


def ground_of(streets: gpd.GeoDataFrame) -> Ground | None:
    """Return streets (lines in a metric CRS) as the test needs them; None where there are none."""
    lines = streets.geometry.to_numpy()
    lines = lines[~(shapely.is_missing(lines) | shapely.is_empty(lines))]
    if not len(lines):
        return None
    return Ground(shapely.STRtree(lines), shapely.total_bounds(lines), pyproj.CRS(streets.crs))


def suspected(
    lonlat: NDArray[np.float64], ground: Ground, *, crs: pyproj.CRS | Shifted = crs_room.WGS84
) -> Suspicion | None:
    """Return the reading that fits the streets clearly better than the one used; None where none does.

    Parameters
    ----------
    lonlat
        (n, 2) WGS 84 degrees of points, as they were read.
    ground
        :func:`ground_of`.
    crs
        The CRS in which they were read.
    """
    places = _different(lonlat)
    if not len(places):
        return None
    as_given = _metres(places, ground)
    near_given = _near(as_given, ground)
    inside_given = _inside(as_given, ground)
    best: tuple[float, Reading] | None = None
    for reading in readings(places, crs):
        xy = _metres(reading.lonlat, ground)
        near = _near(xy, ground)
        share = float(near.mean())
        is_lost = inside_given.mean() <= LOST_SHARE and _inside(xy, ground).mean() >= FOUND_SHARE
        if best is not None and share <= best[0]:
            continue
        if (is_lost and share > float(near_given.mean())) or _is_clear(near_given, near, xy, ground):
            best = share, reading
    if best is None:
        return None
    share, reading = best
    return Suspicion(reading.name, reading.kind, len(places), float(near_given.mean()), share)


def _different(lonlat: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the different places, in order, at most 1,000 of them evenly picked: a venue with ten services is one."""
    known = lonlat[np.isfinite(lonlat).all(axis=1)]
    return at_most(np.unique(known.round(_PLACE_DIGITS), axis=0))


def at_most(places: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return places, evenly picked where there are more than 1,000."""
    if len(places) <= MOST_PLACES:
        return places
    return places[np.linspace(0, len(places) - 1, MOST_PLACES).round().astype(np.int64)]


def readings(lonlat: NDArray[np.float64], crs: pyproj.CRS | Shifted) -> list[Reading]:
    """Return the other ways in which coordinates may be meant that were read in a CRS.

    Examples
    --------
    >>> [reading.name for reading in readings(np.array([[118.2, 25.3]]), pyproj.CRS.from_epsg(4548))]
    ['gcj02', 'bd09', 'EPSG:4547', 'EPSG:4549']
    >>> [reading.name for reading in readings(np.array([[118.2, 25.3]]), "gcj02")]
    ['EPSG:4326', 'bd09', 'swapped']
    """
    used = crs if isinstance(crs, str) else None
    raw = np.column_stack(crs_room.FROM_WGS84[used](*lonlat.T)) if used else lonlat
    found = [Reading("EPSG:4326", "shifted", raw)] if used else []
    kind: Kind = "projected" if isinstance(crs, pyproj.CRS) and crs.is_projected else "shifted"
    found += [
        Reading(name, kind, np.column_stack(move(*raw.T))) for name, move in crs_room.TO_WGS84.items() if name != used
    ]
    if isinstance(crs, pyproj.CRS) and crs.is_projected:
        return found + _zoned(lonlat, crs)
    turned = raw[:, ::-1]
    if used:
        turned = np.column_stack(crs_room.TO_WGS84[used](*turned.T))
    return [*found, Reading("swapped", "swapped", turned)]


def _zoned(lonlat: NDArray[np.float64], crs: pyproj.CRS) -> list[Reading]:
    """Return places read in the zones beside their own."""
    own = survey.zone_of(crs)
    if own is None:
        return []
    found = []
    east, north = crs_room.transformer(crs_room.WGS84, crs).transform(*lonlat.T)
    for zone in survey.neighbours(crs):
        theirs = survey.in_zone(crs, zone)
        shift_m = zone.false_easting_m - own.false_easting_m
        moved = np.column_stack(crs_room.transformer(theirs, crs_room.WGS84).transform(east + shift_m, north))
        found.append(Reading(theirs, "zone", moved))
    return found


def _metres(lonlat: NDArray[np.float64], ground: Ground) -> NDArray[np.float64]:
    return np.column_stack(crs_room.transformer(crs_room.WGS84, ground.crs).transform(*lonlat.T))


def near_streets(lonlat: NDArray[np.float64], ground: Ground) -> NDArray[np.bool_]:
    """Return which places, (n, 2) WGS 84 degrees, lie within 50 m of a street."""
    return _near(_metres(lonlat, ground), ground)


def middle_of(ground: Ground) -> tuple[float, float]:
    """Return lon and lat of the middle of the streets' extent."""
    x, y = (ground.bounds[:2] + ground.bounds[2:]) / 2.0
    lon, lat = crs_room.transformer(ground.crs, crs_room.WGS84).transform(x, y)
    return float(lon), float(lat)


def _near(xy: NDArray[np.float64], ground: Ground) -> NDArray[np.bool_]:
    """Return which places lie within 50 m of a street."""
    near = np.zeros(len(xy), dtype=np.bool_)
    known = np.flatnonzero(np.isfinite(xy).all(axis=1))
    hits = ground.tree.query(shapely.points(xy[known]), predicate="dwithin", distance=NEAR_M)[0]
    near[known[hits]] = True
    return near


def _inside(xy: NDArray[np.float64], ground: Ground) -> NDArray[np.bool_]:
    """Return which places lie in the extent of the streets or within 5 km of it."""
    low, high = ground.bounds[:2] - EXTENT_M, ground.bounds[2:] + EXTENT_M
    return np.asarray(((xy >= low) & (xy <= high)).all(axis=1), dtype=np.bool_)


def _is_clear(near_given: NDArray[np.bool_], near: NDArray[np.bool_], xy: NDArray[np.float64], ground: Ground) -> bool:
    """Say whether a reading is better than the one used, beyond chance, and better than every decoy."""
    share = float(near.mean())
    if share < LEAST_SHARE or share - float(near_given.mean()) < GAIN:
        return False
    if _chance(int((near & ~near_given).sum()), int((near_given & ~near).sum())) > BY_CHANCE:
        return False
    return all(share > decoy for decoy in _decoys(xy, ground))


def _chance(won: int, lost: int) -> float:
    """Return how likely it is that at least so many of all changes are for the better, where both are alike.

    Examples
    --------
    >>> _chance(5, 0), _chance(3, 1)
    (0.03125, 0.3125)
    """
    every = won + lost
    return float(sum(math.comb(every, number) for number in range(won, every + 1)) / 2**every)


def _decoys(xy: NDArray[np.float64], ground: Ground) -> Iterable[float]:
    """Yield the shares within 50 m of a street when places are moved hither and thither."""
    for number, distance_m in enumerate(DECOYS_M):
        turns = (np.arange(DIRECTIONS) + number / len(DECOYS_M)) * (2.0 * np.pi / DIRECTIONS)
        for step in np.column_stack([np.cos(turns), np.sin(turns)]) * distance_m:
            yield float(_near(xy + step, ground).mean())


def verdicts(
    layers: Layers,
    tables: Mapping[str, gpd.GeoDataFrame],
    inputs: Sequence[Mapping[str, object]],
    streets: gpd.GeoDataFrame,
) -> list[Verdict]:
    """Return the suspicions about every point source of a study, in the order of its layers.

    Parameters
    ----------
    layers
        The study's layers: which sources state their CRS.
    tables, inputs
        Of the layers as read (:class:`geo.layers.LayerSet`).
    streets
        Street lines in the study's metric CRS.
    """
    ground = ground_of(streets)
    if ground is None:
        return []
    taken = [source for source in _sources(layers, tables, inputs) if len(source.lonlat)]
    found = [suspected(source.lonlat, ground, crs=source.crs) for source in taken]
    for number, source in enumerate(taken):
        if found[number] is None:
            others = {
                item.reading for item, other in zip(found, taken, strict=True) if item and other.used == source.used
            }
            found[number] = _of_few(source, others, ground)
    return [
        Verdict(source.layer, source.label, source.used, source.stated, item)
        for source, item in zip(taken, found, strict=True)
        if item is not None
    ]


def _of_few(source: _Source, others: set[str], ground: Ground) -> Suspicion | None:
    """Return a reading for places too few to tell by themselves: that of the study's other layers, where it fits better."""
    places = _different(source.lonlat)
    if not others or len(places) >= FEW_PLACES:
        return None
    given = float(_near(_metres(places, ground), ground).mean())
    for reading in readings(places, source.crs):
        share = float(_near(_metres(reading.lonlat, ground), ground).mean())
        if share >= LEAST_SHARE and share - given >= GAIN and reading.name in others:
            return Suspicion(reading.name, reading.kind, len(places), given, share)
    return None


def _sources(
    layers: Layers, tables: Mapping[str, gpd.GeoDataFrame], inputs: Sequence[Mapping[str, object]]
) -> Iterable[_Source]:
    """Yield every source of every layer but the streets; a table has the rows of its sources one after the other."""
    for layer, table in tables.items():
        entries = [entry for entry in inputs if entry["layer"] == layer and entry["rows_kept"] is not None]
        sources = getattr(layers, layer)
        if layer == "streets" or len(entries) != len(sources):
            continue
        start = 0
        for source, entry in zip(sources, entries, strict=True):
            rows = table.iloc[start : start + int(str(entry["rows_kept"]))]
            start += len(rows)
            used = str(entry["crs"])
            yield _Source(layer, source.label, used, _crs_of(used), source.crs is not None, _lonlat_of(rows))


def _lonlat_of(rows: gpd.GeoDataFrame) -> NDArray[np.float64]:
    """Return (n, 2) WGS 84 degrees of the rows that are points."""
    shapes = rows.geometry.to_numpy()
    points = shapes[(shapely.get_type_id(shapes) == shapely.GeometryType.POINT) & ~shapely.is_empty(shapes)]
    transformer = crs_room.transformer(pyproj.CRS(rows.crs), crs_room.WGS84)
    return np.column_stack(transformer.transform(*shapely.get_coordinates(points).T))


def _crs_of(name: object) -> pyproj.CRS | Shifted:
    try:
        return crs_room.normalise(name)
    except GeoCrsError:  # a file's own, without a code: it is not a shifted one, and its zones have no names
        return crs_room.WGS84


def judged(layers: Layers, read: LayerSet, streets: gpd.GeoDataFrame) -> tuple[LayerSet, list[Fault]]:
    """Return layers with the doubts about stated coordinate systems among their repairs, and the faults of the others.

    Parameters
    ----------
    layers
        The study's layers as the study file has them.
    read
        The layers as read.
    streets
        Street lines in the study's metric CRS.
    """
    found = verdicts(layers, read.tables, read.inputs, streets)
    lines = repairs_of(found)
    if not len(lines):
        return read, faults_of(found)
    repairs = pd.concat([read.repairs.astype(object), lines], ignore_index=True).astype(read.repairs.dtypes.to_dict())
    return read._replace(repairs=repairs), faults_of(found)


def faults_of(found: Iterable[Verdict]) -> list[Fault]:
    """Return the suspicions that stop a study: those about sources whose CRS it does not state."""
    return [Fault(f"{item.source} ({item.layer})", item.message) for item in found if not item.stated]


def repairs_of(found: Iterable[Verdict]) -> pd.DataFrame:
    """Return the suspicions that do not stop a study, as doubtful lines of the repair report (`schema.REPAIRS`)."""
    lines = [(item.layer, item.source, pd.NA, "", "doubtful", item.message) for item in found if item.stated]
    return pd.DataFrame(lines, columns=list(schema.REPAIRS), dtype="object")
