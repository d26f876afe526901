"""What the page says about the results: units, coverage, isochrones, gaps and service points, as plain lists."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import geopandas as gpd
import numpy as np
import shapely

from geo import schema
from geo.maps import cells, shapes

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import pandas as pd
    from numpy.typing import NDArray

    from geo.maps.shapes import Frame
    from geo.messages import Lang

POINT_STATES = ("working", "planned", "closed", "doubtful")
_PEOPLE_DIGITS = 3
_GAP_PLAIN_M = 8.0
_SHARE_DIGITS = 6

UnitKey = tuple[str, str]


def _keys(table: pd.DataFrame, lang: Lang) -> list[UnitKey]:
    kinds, ids = cells.texts(table, "unit_kind", lang), cells.texts(table, "unit_id", lang)
    return list(zip(kinds, ids, strict=True))


def unit_keys(units: gpd.GeoDataFrame, coverage: pd.DataFrame, lang: Lang) -> list[UnitKey]:
    """Return kind and id of every unit of the page: those of the study, then what only coverage knows."""
    return list(dict.fromkeys([*_keys(units, lang), *_keys(coverage, lang)]))


def units(units: gpd.GeoDataFrame, coverage: pd.DataFrame, frame: Frame, lang: Lang) -> dict[str, Any]:
    """Return the units: their words, shapes, and a place for the label of each (null without geometry)."""
    keys = unit_keys(units, coverage, lang)
    names = dict(zip(_keys(coverage, lang), cells.texts(coverage, "unit_name", lang), strict=True))
    names.update(zip(_keys(units, lang), cells.texts(units, "unit_name", lang), strict=True))
    district_names = {key[1]: name for key, name in names.items() if key[0] == "district"}
    spare = [""] * (len(keys) - len(units))
    geometries = shapes.lonlat(units)
    drawn = geometries.copy()
    for kind in units["unit_kind"].unique():  # of a kind, for parks lie in communities
        mine = (units["unit_kind"] == kind).to_numpy()
        drawn[mine] = shapes.neighbours(geometries[mine], frame.step)
    return {
        "kind": [kind for kind, _ in keys],
        "id": [unit_id for _, unit_id in keys],
        "name": [names[key] for key in keys],
        "town": [*cells.texts(units, "town", lang), *spare],
        "districts": [
            *_named(cells.texts(units, "districts", lang), district_names),
            *([[] for _ in spare]),
        ],
        **{
            column: [*cells.numbers(units, column, _PEOPLE_DIGITS), *([None] * len(spare))]
            for column in ("population", "workers", "elders")
        },
        "gated": [*(int(given == "layer") for given in cells.texts(units, "gates_from", lang)), *([0] * len(spare))],
        "anchor": [*anchors(geometries, frame), *([None] * len(spare))],
        "shapes": shapes.pack(drawn, frame),
    }


def anchors(geometries: NDArray[np.object_], frame: Frame) -> list[list[int] | None]:
    """Return a place inside each geometry (whole numbers of the frame), None where there is no geometry."""
    there = ~(shapely.is_missing(geometries) | shapely.is_empty(geometries))
    inside = shapely.get_coordinates(shapely.point_on_surface(geometries[there]))
    found = iter(frame.whole(inside).tolist())
    return [next(found) if shown else None for shown in there.tolist()]


def _named(lists: Sequence[str], names: dict[str, str]) -> list[list[str]]:
    """Return lists of ids, joined by semicolons, as lists of names; what is no id is taken as a name."""
    return [[names.get(part, part) for part in joined.split(";") if part] for joined in lists]


def coverage(
    table: pd.DataFrame, *, keys: list[UnitKey], services: list[str], modes: list[str], lang: Lang
) -> dict[str, Any]:
    """Return the coverage rows, column by column; words as places in the page's lists (-1: none)."""
    notes = cells.texts(table, "note", lang)
    note_list = list(dict.fromkeys(notes))
    return {
        "unit": cells.places(_keys(table, lang), keys),
        "service": cells.places(cells.texts(table, "service", lang), services),
        "mode": cells.places(cells.texts(table, "mode", lang), modes),
        "limit": cells.numbers(table, "limit_minutes", 1),
        "group": cells.places(cells.texts(table, "demand", lang), schema.GROUPS),
        "people": cells.numbers(table, "people", _PEOPLE_DIGITS),
        "served": cells.numbers(table, "people_served", _PEOPLE_DIGITS),
        "share": cells.shares(table, "share", _SHARE_DIGITS),
        "status": cells.places(cells.texts(table, "status", lang), schema.COVERAGE_STATUS),
        "unattached": cells.numbers(table, "people_not_attached", _PEOPLE_DIGITS),
        "note": cells.places(notes, note_list),
        "notes": note_list,
    }


def bands(
    drawing: gpd.GeoDataFrame, frame: Frame, *, services: list[str], modes: list[str], lang: Lang
) -> list[dict[str, Any]]:
    """Return one entry per ring of a service: its limits, falling, and their shapes (`of`: place among the limits)."""
    service = np.array(cells.places(cells.texts(drawing, "service", lang), services), dtype=np.int64)
    mode = np.array(cells.places(cells.texts(drawing, "mode", lang), modes), dtype=np.int64)
    limits = np.array(cells.numbers(drawing, "limit_minutes", 1), dtype=np.float64)
    geometries = shapes.lonlat(drawing)
    found = []
    for ring in sorted(set(zip(service.tolist(), mode.tolist(), strict=True))):
        rows = np.flatnonzero((service == ring[0]) & (mode == ring[1]))
        rows = rows[np.argsort(-limits[rows], kind="stable")]
        shape = shapes.pack(geometries[rows], frame)["polygons"]
        found.append(
            {
                "service": ring[0],
                "mode": ring[1],
                "limits": [cells.number_of(limit, 1) for limit in limits[rows].tolist()],
                "shapes": {"polygons": shape},
            }
        )
    return found


def _plain(gaps: gpd.GeoDataFrame) -> gpd.GeoSeries:
    """Return the discs around the people of gaps as plainer outlines: they have no finer truth than their radius."""
    plain = shapely.simplify(gaps.geometry.to_numpy(), _GAP_PLAIN_M, preserve_topology=True)
    return gpd.GeoSeries(plain, crs=gaps.crs)


def _by_service(plain: gpd.GeoSeries, service: list[int], count: int, frame: Frame) -> list[dict[str, Any]]:
    """Return the shapes of each service's gaps, `of` the rows of all gaps."""
    geometries, mine = shapes.lonlat(plain), np.array(service, dtype=np.int64)
    found = []
    for place in range(count):
        rows = np.flatnonzero(mine == place)
        packed = shapes.pack(geometries[rows], frame)["polygons"]
        found.append({"polygons": {**packed, "of": rows[np.array(packed["of"], dtype=np.int64)].tolist()}})
    return found


def gaps(
    table: gpd.GeoDataFrame,
    frame: Frame,
    *,
    services: list[str],
    limits: Mapping[str, float],
    units: dict[str, Any],
    lang: Lang,
) -> dict[str, Any]:
    """Return the gaps in their order: words, people by group, place and shape of each; `limits` are code → minutes."""
    names: dict[str, dict[str, str]] = {"community": {}, "district": {}}
    for kind, unit_id, name in zip(units["kind"], units["id"], units["name"], strict=True):
        if kind in names:
            names[kind][unit_id] = name
    lon, lat = (np.array([np.nan if v is None else v for v in cells.numbers(table, c, 7)]) for c in ("lon", "lat"))
    placed = np.isfinite(lon) & np.isfinite(lat)
    whole = frame.whole(np.column_stack([np.where(placed, lon, frame.lon), np.where(placed, lat, frame.lat)]))
    service = cells.places(cells.texts(table, "service", lang), services)
    bounds = [limits.get(str(code), np.inf) for code in table["service"]]
    return {
        "service": service,
        "id": cells.texts(table, "gap_id", lang),
        "rank": cells.numbers(table, "rank"),
        "people": cells.numbers(table, "people", _PEOPLE_DIGITS),
        "by_group": {
            group: cells.numbers(table, f"people_{group}", _PEOPLE_DIGITS)
            for group in schema.GROUPS
            if f"people_{group}" in table.columns
        },
        "minutes": cells.numbers_beyond(table, "minutes_to_nearest", 1, bounds),
        "nearest": cells.texts(table, "nearest_name", lang),
        "communities": _named(cells.texts(table, "communities", lang), names["community"]),
        "districts": _named(cells.texts(table, "districts", lang), names["district"]),
        "anchor": [xy if shown else None for xy, shown in zip(whole.tolist(), placed.tolist(), strict=True)],
        "shapes": _by_service(_plain(table), service, len(services), frame),
    }


def points(
    table: gpd.GeoDataFrame,
    frame: Frame,
    *,
    services: list[str],
    units: dict[str, Any],
    venues: dict[str, str],
    lang: Lang,
) -> dict[str, Any]:
    """Return the service points: words, state and place of each (null without geometry). Nothing personal."""
    kinds = ("factory", "park", "community")
    names = dict(zip(zip(units["kind"], units["id"], strict=True), units["name"], strict=True))
    ids = [cells.texts(table, f"unit_{kind}", lang) for kind in kinds]
    stood_in = [zip(kinds, row, strict=True) for row in zip(*ids, strict=True)]
    venue = cells.texts(table, "venue", lang)
    return {
        "service": cells.places(cells.texts(table, "type", lang), services),
        "name": cells.texts(table, "name", lang),
        "status": cells.texts(table, "status", lang),
        "state": cells.places(cells.texts(table, "state", lang), POINT_STATES),
        "mobile": cells.flags(table, "mobile"),
        "counted": cells.flags(table, "counted"),
        "venue": [venues.get(value, value) for value in venue],
        "capacity": cells.numbers(table, "capacity"),
        "hours": cells.texts(table, "hours", lang),
        "units": [[names[key] for key in keys if key in names] for keys in stood_in],
        "anchor": anchors(shapes.lonlat(table), frame),
    }
