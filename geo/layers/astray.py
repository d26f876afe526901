"""Which sources of a study seem to be in another CRS than they are read in: points, held against the streets, or streets.

A layer of fewer than twenty places may follow the other layers of its study that were read in the same CRS, and those
of one folder are looked at together; where they are fewer than twenty still, that is told.

Where no reading of any points is better, but the points would lie on the streets if *they* were shifted, the streets
are suspected: those of own line layers, for OpenStreetMap is WGS 84. Tried on the streets of yongchun and nanan with 20
to 150 places, 60 times each: of 720 layers that were right, one was suspected (its places all stood away from streets);
of 120 whose streets were shifted all were named.
"""

from __future__ import annotations

from pathlib import PurePath
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import pandas as pd
import pyproj
import shapely

from geo import crs as crs_room, schema
from geo.errors import Fault, GeoCrsError
from geo.layers import suspicion
from geo.layers.reading import is_graph
from geo.layers.suspicion import Suspicion
from geo.messages import Message

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    import geopandas as gpd
    from numpy.typing import NDArray

    from geo.crs import Shifted
    from geo.layers.reading import LayerSet
    from geo.layers.suspicion import Ground
    from geo.study_file import Layers

FEW_PLACES = 20


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
    ground = suspicion.ground_of(streets)
    return _verdicts(_tested(layers, tables, inputs, ground)) if ground is not None else []


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
    ground = suspicion.ground_of(streets)
    if ground is None:
        return read, []
    tested = _tested(layers, read.tables, read.inputs, ground)
    found = _verdicts(tested)
    faults, lines = faults_of(found), [repairs_of(found), *_few(tested, ground)]
    if not found and (streets_astray := _streets_astray(layers, read.inputs, tested, ground)) is not None:
        where, stated, message = streets_astray
        if stated:
            lines.append(_line("streets", where, "doubtful", message))
        else:
            faults.append(Fault(f"{where} (streets)", message))
    if not any(len(part) for part in lines):
        return read, faults
    repairs = pd.concat([read.repairs.astype(object), *lines], ignore_index=True)
    return read._replace(repairs=repairs.astype(read.repairs.dtypes.to_dict())), faults


class _Tested(NamedTuple):
    """A source of points, what is suspected of it, its places, and how many there are with the others of its folder."""

    source: _Source
    suspicion: Suspicion | None
    places: NDArray[np.float64]
    together: int


def _tested(
    layers: Layers,
    tables: Mapping[str, gpd.GeoDataFrame],
    inputs: Sequence[Mapping[str, object]],
    ground: Ground,
) -> list[_Tested]:
    """Return the point sources of a study, each judged for itself; few places follow others of the same CRS."""
    taken = [source for source in _sources(layers, tables, inputs) if len(source.lonlat)]
    found = [suspicion.suspected(source.lonlat, ground, crs=source.crs) for source in taken]
    named = {(source.used, item.reading) for source, item in zip(taken, found, strict=True) if item}
    places = [suspicion.different_places(source.lonlat) for source in taken]
    together = [0] * len(taken)
    for members in _folders(taken):
        pool = suspicion.different_places(np.concatenate([places[number] for number in members]))
        whole = suspicion.suspected(pool, ground, crs=taken[members[0]].crs) if len(members) > 1 else None
        for number in members:
            together[number] = len(pool)
            others = {reading for used, reading in named if used == taken[number].used}
            others |= {whole.reading} if whole else set()
            found[number] = found[number] or _of_few(taken[number], others, ground)
    return [_Tested(*item) for item in zip(taken, found, places, together, strict=True)]


def _folders(taken: Sequence[_Source]) -> list[list[int]]:
    """Return the numbers of the sources of each folder that were read in the same CRS, stated or not."""
    groups: dict[tuple[str, str, bool], list[int]] = {}
    for number, source in enumerate(taken):
        groups.setdefault((str(PurePath(source.label).parent), source.used, source.stated), []).append(number)
    return list(groups.values())


def _of_few(source: _Source, others: set[str], ground: Ground) -> Suspicion | None:
    """Return a reading for places too few to tell by themselves: that of the study's other layers, where it fits better."""
    places = suspicion.different_places(source.lonlat)
    if not others or len(places) >= FEW_PLACES:
        return None
    given = float(suspicion.beside(suspicion.metres_of(places, ground), ground).mean())
    for reading in suspicion.readings(places, source.crs):
        share = float(suspicion.beside(suspicion.metres_of(reading.lonlat, ground), ground).mean())
        if share >= suspicion.LEAST_SHARE and share - given >= suspicion.GAIN and reading.name in others:
            return Suspicion(reading.name, reading.kind, len(places), given, share)
    return None


def _verdicts(tested: Iterable[_Tested]) -> list[Verdict]:
    return [
        Verdict(item.source.layer, item.source.label, item.source.used, item.source.stated, item.suspicion)
        for item in tested
        if item.suspicion is not None
    ]


def _few(tested: Iterable[_Tested], ground: Ground) -> list[pd.DataFrame]:
    """Return a line for every source whose places are too few to tell in which CRS they are."""
    lines = []
    for source, found, places, together in tested:
        if found is not None or together >= FEW_PLACES:
            continue
        others = [
            way for way in suspicion.readings(places, source.crs) if way.kind != "swapped"
        ]  # seen without streets
        if all(np.allclose(way.lonlat, places) for way in others):  # outside China nothing is shifted
            continue
        given = float(suspicion.near_streets(places, ground).mean())
        shares = [float(suspicion.near_streets(way.lonlat, ground).mean()) for way in others]
        values = {"n": len(places), "of": FEW_PLACES, "given": f"{given:.0%}", "crs": source.used}
        best = int(np.argmax(shares))
        if shares[best] > given:
            values |= {"value": f"{shares[best]:.0%}", "near": others[best].name}
        key = "few_places_better" if shares[best] > given else "few_places"
        lines.append(_line(source.layer, source.label, "told", Message(f"layers.{key}", values)))
    return lines


def _streets_astray(
    layers: Layers, inputs: Sequence[Mapping[str, object]], tested: Sequence[_Tested], ground: Ground
) -> tuple[str, bool, Message] | None:
    """Return which line layers seem to be in GCJ-02 or BD-09, whether their CRS is stated, and what is said of it."""
    if not tested or not layers.streets or any(is_graph(source) for source in layers.streets):
        return None
    places = suspicion.at_most(suspicion.different_places(np.concatenate([item.places for item in tested])))
    if len(places) < FEW_PLACES:
        return None
    near_given = suspicion.near_streets(places, ground)
    best: tuple[float, str] | None = None
    for name, move in crs_room.FROM_WGS84.items():
        xy = suspicion.metres_of(np.column_stack(move(*places.T)), ground)
        near = suspicion.beside(xy, ground)
        share = float(near.mean())
        if (best is None or share > best[0]) and suspicion.is_clear(near_given, near, xy, ground):
            best = share, name
    if best is None:
        return None
    used = [str(entry["crs"]) for entry in inputs if entry["layer"] == "streets" and entry["crs"] is not None]
    stated = all(source.crs is not None for source in layers.streets)
    values = {
        "n": len(places),
        "given": f"{near_given.mean():.0%}",
        "value": f"{best[0]:.0%}",
        "near": best[1],
        "crs": ", ".join(dict.fromkeys(used)),
    }
    where = ", ".join(source.label for source in layers.streets)
    return where, stated, Message("layers.streets_astray_stated" if stated else "layers.streets_astray", values)


def faults_of(found: Iterable[Verdict]) -> list[Fault]:
    """Return the suspicions that stop a study: those about sources whose CRS it does not state."""
    return [Fault(f"{item.source} ({item.layer})", item.message) for item in found if not item.stated]


def repairs_of(found: Iterable[Verdict]) -> pd.DataFrame:
    """Return the suspicions that do not stop a study, as doubtful lines of the repair report (`schema.REPAIRS`)."""
    lines = [(item.layer, item.source, pd.NA, "", "doubtful", item.message) for item in found if item.stated]
    return pd.DataFrame(lines, columns=list(schema.REPAIRS), dtype="object")


def _line(layer: str, source: str, action: str, message: Message) -> pd.DataFrame:
    """Return a line of the repair report (`schema.REPAIRS`) about a whole source."""
    return pd.DataFrame([(layer, source, pd.NA, "", action, message)], columns=list(schema.REPAIRS), dtype="object")


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
            yield _Source(layer, source.label, used, _crs_of(used), source.crs is not None, lonlat_of(rows))


def lonlat_of(rows: gpd.GeoDataFrame) -> NDArray[np.float64]:
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
