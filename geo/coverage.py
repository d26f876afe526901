"""Who is served: people within each band, by unit, service, ring and group.

Numbers come from the minutes of demand points, never from a polygon.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any, NamedTuple

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

from geo import schema, units as units_room
from geo.messages import Message

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping, Sequence

    from numpy.typing import NDArray

    from geo.catalogue import ServiceType
    from geo.standards import Threshold
    from geo.study_file import Adequacy

    # The rows of one band as plain columns: many of them make one table at once.
    Band = dict[str, NDArray[Any]]

LIST_SEPARATOR = ";"
_NAMES = ("unit_kind", "unit_id", "unit_name")


class UnitRow(NamedTuple):
    """A unit that is reported on."""

    kind: str
    unit_id: str
    name: str


@dataclass(frozen=True, eq=False)
class Members:
    """Which demand points belong to which reported unit.

    Attributes
    ----------
    rows
        Reported units: communities, parks, factories, districts, the study, outside.
    point, unit
        (pairs,) demand row and unit row; a point is in one community, and in as many districts as
        hold it.
    """

    rows: tuple[UnitRow, ...]
    point: NDArray[np.intp]
    unit: NDArray[np.intp]

    @cached_property
    def named(self) -> dict[str, NDArray[np.object_]]:
        """`unit_kind`, `unit_id` and `unit_name` of the rows, (units,) each."""
        columns = zip(*self.rows, strict=True)
        return {name: np.array(column, dtype=object) for name, column in zip(_NAMES, columns, strict=True)}

    def totals(self, values: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the sum of a value per demand point, by unit row."""
        return np.bincount(self.unit, weights=values[self.point], minlength=len(self.rows)).astype(np.float64)


@dataclass(frozen=True)
class Ground:
    """What decides whether a unit can be judged, per unit row of :class:`Members`.

    Attributes
    ----------
    street_m
        Metres of street within the unit and the stated distance around; NaN where it has no outline.
    residents
        People who live there.
    ground_m2
        Area of the unit and the stated distance around; NaN where it has no outline.
    is_point
        Whether the unit is a mere point, so that only the distance around it is looked at.
    """

    street_m: NDArray[np.float64]
    residents: NDArray[np.float64]
    ground_m2: NDArray[np.float64]
    is_point: NDArray[np.bool_]


def members(demand: pd.DataFrame, units: pd.DataFrame) -> Members:
    """Return which demand points belong to which unit.

    Parameters
    ----------
    demand
        `schema.DEMAND`.
    units
        `schema.UNITS`.
    """
    listed = (units[column].astype(str) for column in ("unit_kind", "unit_id", "unit_name"))
    rows = [UnitRow(*unit) for unit in zip(*listed, strict=True)]
    number = {(row.kind, row.unit_id): place for place, row in enumerate(rows)}
    rows += [UnitRow("study", "", ""), UnitRow("outside", "", "")]
    everyone = np.arange(len(demand))
    point, unit = [everyone], [np.full(len(demand), len(rows) - 2)]
    outside = (demand["community"] == "").to_numpy()
    point.append(np.flatnonzero(outside))
    unit.append(np.full(int(outside.sum()), len(rows) - 1))
    lists = {kind: demand[kind] for kind in ("community", "park", "factory")}
    lists["district"] = demand["districts"].str.split(LIST_SEPARATOR).explode()
    for kind, ids in lists.items():
        named = ids.reset_index(drop=True) if kind != "district" else ids
        place = np.array([number.get((kind, unit_id), -1) for unit_id in named.tolist()], dtype=np.int64)
        known = place >= 0
        at = everyone if kind != "district" else _row_numbers(demand, ids)
        point.append(at[known])
        unit.append(place[known])
    return Members(tuple(rows), np.concatenate(point).astype(np.intp), np.concatenate(unit).astype(np.intp))


def _row_numbers(demand: pd.DataFrame, exploded: pd.Series[str]) -> NDArray[np.intp]:
    return demand.index.get_indexer(exploded.index)


def street_metres(units: gpd.GeoDataFrame, streets: gpd.GeoDataFrame, *, around_m: float) -> NDArray[np.float64]:
    """Return the metres of street within each unit and a distance around it; NaN without geometry."""
    shapes = shapely.buffer(units.geometry.to_numpy(), around_m)
    lines = streets.geometry.to_numpy()
    found = np.where(shapely.is_missing(shapes), np.nan, 0.0)
    shapely.prepare(shapes)
    row, line = shapely.STRtree(lines).query(shapes, predicate="intersects")
    whole = shapely.contains_properly(shapes[row], lines[line])
    length_m = shapely.length(lines)[line]
    length_m[~whole] = shapely.length(shapely.intersection(lines[line[~whole]], shapes[row[~whole]]))
    np.add.at(found, row, length_m)
    return found


def ground(
    membership: Members, demand: pd.DataFrame, units: gpd.GeoDataFrame, streets: gpd.GeoDataFrame, *, around_m: float
) -> Ground:
    """Return streets and residents per unit, for :func:`cannot_judge`.

    The study as a whole, and the people outside all communities, have all the streets.
    """
    own = street_metres(units, streets, around_m=around_m)
    whole = float(shapely.length(streets.geometry.to_numpy()).sum())
    residents = membership.totals(np.where(demand["group"] == "residents", demand["people"], 0.0))
    area_m2 = shapely.area(shapely.buffer(units.geometry.to_numpy(), around_m))
    area_m2[shapely.is_missing(units.geometry.to_numpy())] = np.nan
    kinds = shapely.get_type_id(units.geometry.to_numpy())
    is_point = np.isin(kinds, [shapely.GeometryType.POINT, shapely.GeometryType.MULTIPOINT])
    return Ground(
        np.concatenate([own, [whole, np.nan]]),
        residents,
        np.concatenate([area_m2, [np.nan, np.nan]]),
        np.concatenate([is_point, [False, False]]),
    )


def cannot_judge(
    place: Ground, people: NDArray[np.float64], detached: NDArray[np.float64], adequacy: Adequacy
) -> NDArray[np.object_]:
    """Return why each unit cannot be judged, as a message; "" where it can.

    Parameters
    ----------
    place
        Streets and residents.
    people, detached
        (units,) people of the group, and those of them not attached to a street.
    adequacy
        Thresholds of the study.
    """
    reason = np.full(len(people), "", dtype=object)
    with np.errstate(divide="ignore", invalid="ignore"):
        share = np.where(people > 0, detached / people, 0.0)
        per_head = np.where(place.residents > 0, place.street_m / place.residents, np.inf)
    for number in np.flatnonzero(per_head < adequacy.street_m_per_resident):
        values = {"per_head": f"{per_head[number]:.2f}", "least": f"{adequacy.street_m_per_resident:g}"}
        if place.is_point[number]:
            values |= {"around_m": f"{adequacy.around_m:g}"}
        reason[number] = Message("coverage.thin_point" if place.is_point[number] else "coverage.thin", values)
    for number in np.flatnonzero(share > adequacy.detached_share):
        values = {"share": f"{share[number]:.0%}", "most": f"{adequacy.detached_share:.0%}"}
        detail = Message("coverage.detached", values)
        first = reason[number]
        reason[number] = Message("coverage.both", {"first": first, "second": detail}) if first else detail
    return reason


def table(
    demand: gpd.GeoDataFrame,
    units: gpd.GeoDataFrame,
    services: Sequence[ServiceType],
    *,
    membership: Members,
    place: Ground,
    adequacy: Adequacy,
    exits: Mapping[str, NDArray[np.float64]] | None = None,
    unknown: Collection[tuple[str, str, str]] = (),
) -> gpd.GeoDataFrame:
    """Return `schema.COVERAGE` for services measured in minutes.

    Parameters
    ----------
    demand
        `schema.DEMAND` with `minutes_<service>` (deciding ring), `minutes_<service>_<mode>` (further
        rings) and `snap_status_<mode>`.
    units
        `schema.UNITS`; their geometry goes with the rows.
    services
        Types to report, in order.
    membership, place
        :func:`members` and :func:`ground`.
    adequacy
        Thresholds of rule 13.
    exits
        Mode → (points,) minutes to where the streets leave the study's area. A unit with unserved
        people who reach such a place within the band is `edge`: they may be served from beyond.
    unknown
        (kind, id, group) of units whose people are not known; they are not assessed.

    Returns
    -------
    One row per unit, service, ring, group and band; `note` is "" or a message. The geometry is the
    unit's.
    """
    bands = [
        band
        for service in services
        for ring_number in range(len(service.rings))
        for group in service.demand
        for band in _bands(
            demand,
            service,
            ring_number,
            group,
            membership=membership,
            place=place,
            adequacy=adequacy,
            exits=exits or {},
            unknown=unknown,
        )
    ]
    return _stacked(bands, units, schema.COVERAGE)


def _stacked(bands: Sequence[Band], units: gpd.GeoDataFrame, columns: Sequence[str]) -> gpd.GeoDataFrame:
    """Return all bands as one table, with the geometry of the unit in every row."""
    shapes = np.concatenate([units.geometry.to_numpy(), [None, None]])
    if not bands:
        return gpd.GeoDataFrame(pd.DataFrame(columns=[*columns]), geometry=shapes[:0], crs=units.crs)
    rows = pd.DataFrame({name: np.concatenate([band[name] for band in bands]) for name in columns})
    return gpd.GeoDataFrame(rows, geometry=np.tile(shapes, len(bands)), crs=units.crs)


def minutes_column(service: ServiceType, ring_number: int) -> str:
    """Return the demand column that holds the minutes of one ring."""
    ring = service.rings[ring_number]
    return f"minutes_{service.code}" if ring_number == 0 else f"minutes_{service.code}_{ring.mode}"


def _bands(
    demand: pd.DataFrame,
    service: ServiceType,
    ring_number: int,
    group: str,
    *,
    membership: Members,
    place: Ground,
    adequacy: Adequacy,
    exits: Mapping[str, NDArray[np.float64]],
    unknown: Collection[tuple[str, str, str]],
) -> Iterator[Band]:
    """Give the rows of one service, ring and group, band by band: every unit."""
    ring = service.rings[ring_number]
    mine = (demand["group"] == group).to_numpy()
    weight = np.where(mine, demand["people"].to_numpy(), 0.0)
    minutes = demand[minutes_column(service, ring_number)].to_numpy(dtype=np.float64)
    attached = (demand[f"snap_status_{ring.mode}"] == "ok").to_numpy()
    people = membership.totals(weight)
    detached = membership.totals(np.where(attached, 0.0, weight))
    reason = cannot_judge(place, people, detached, adequacy)
    not_known = np.array([(row.kind, row.unit_id, group) in unknown for row in membership.rows], dtype=bool)
    reason[not_known] = Message("coverage.unknown", {"group": Message(f"word.{group}")})
    people = np.where(not_known & (people == 0), np.nan, people)
    for limit in service.bands_of(ring_number):
        within = units_room.within(minutes, limit)
        served = membership.totals(np.where(within, weight, 0.0))
        leaving = (
            units_room.within(exits[ring.mode], limit) if ring.mode in exits else np.zeros(len(weight), dtype=bool)
        )
        beyond = membership.totals(np.where(leaving & ~within, weight, 0.0))
        words = {"service": service.code, "mode": ring.mode, "demand": group}
        yield _band(membership, people, served, detached, reason, beyond, limit=limit, words=words)


def _band(
    membership: Members,
    people: NDArray[np.float64],
    served: NDArray[np.float64],
    detached: NDArray[np.float64],
    reason: NDArray[np.object_],
    beyond: NDArray[np.float64],
    *,
    limit: float,
    words: Mapping[str, str],
) -> Band:
    nobody, unjudged, edge = people == 0, np.array([bool(why) for why in reason], dtype=bool), beyond > 0
    note = reason.copy()
    note[edge & ~unjudged] = [Message("coverage.edge", {"people": f"{n:.0f}"}) for n in beyond[edge & ~unjudged]]
    with np.errstate(divide="ignore", invalid="ignore"):
        share = np.where(nobody | unjudged, np.nan, served / people)
    status = np.where(nobody, "no_demand", np.where(unjudged, "not_assessed", np.where(edge, "edge", "ok")))
    return {
        **membership.named,
        "limit_minutes": np.full(len(people), limit),
        "people": people,
        "people_served": np.where(unjudged & ~nobody, np.nan, served),
        "share": share,
        "status": status,
        "people_not_attached": detached,
        "note": np.where(nobody, "", note),
        **{name: np.full(len(people), word, dtype=object) for name, word in words.items()},
    }


class Measured(NamedTuple):
    """One service by one distance: (n,) metres of every person, and (n,) those that count as served."""

    service: ServiceType
    limit: Threshold
    metres: NDArray[np.float64]
    limit_m: NDArray[np.float64]


def by_metres(
    demand: gpd.GeoDataFrame,
    units: gpd.GeoDataFrame,
    measured: Sequence[Measured],
    *,
    membership: Members,
    place: Ground,
    adequacy: Adequacy,
    unknown: Collection[tuple[str, str, str]] = (),
    exits: Mapping[str, NDArray[np.float64]] | None = None,
) -> gpd.GeoDataFrame:
    """Return `schema.COVERAGE_STANDARDS` for services measured in metres; parameters as :func:`table` takes them.

    On streets a unit that cannot be judged is not assessed, as in :func:`table`; a straight circle needs no street,
    so that only people without a place are detached. `exits`: way of measuring → (points,) metres to where the
    study's area ends; a unit with unserved people who are nearer to it than the distance that counts is `edge`.
    """
    bands = [
        _metres_band(
            demand,
            each,
            group,
            membership=membership,
            place=place,
            adequacy=adequacy,
            unknown=unknown,
            leaving_m=(exits or {}).get(each.limit.way),
        )
        for each in measured
        for group in each.service.demand
    ]
    return _stacked(bands, units, schema.COVERAGE_STANDARDS)


def _metres_band(
    demand: pd.DataFrame,
    each: Measured,
    group: str,
    *,
    membership: Members,
    place: Ground,
    adequacy: Adequacy,
    unknown: Collection[tuple[str, str, str]],
    leaving_m: NDArray[np.float64] | None,
) -> Band:
    """Return the rows of one service, distance and group: every unit."""
    on_streets = each.limit.way == "std_distance"
    weight = np.where((demand["group"] == group).to_numpy(), demand["people"].to_numpy(), 0.0)
    attached = (demand["snap_status_walk"] == "ok").to_numpy() if on_streets else ~np.isnan(each.metres)
    people = membership.totals(weight)
    detached = membership.totals(np.where(attached, 0.0, weight))
    reason = np.full(len(people), "", dtype=object)
    if on_streets:
        reason = cannot_judge(place, people, detached, adequacy)
    not_known = np.array([(row.kind, row.unit_id, group) in unknown for row in membership.rows], dtype=bool)
    reason[not_known] = Message("coverage.unknown", {"group": Message(f"word.{group}")})
    people = np.where(not_known & (people == 0), np.nan, people)
    within = each.metres <= each.limit_m
    served = membership.totals(np.where(within, weight, 0.0))
    leaving = np.zeros(len(weight), dtype=bool) if leaving_m is None else leaving_m <= each.limit_m
    beyond = membership.totals(np.where(leaving & ~within, weight, 0.0))
    words = {
        "service": each.service.code,
        "mode": each.limit.way,
        "demand": group,
        "limit_m": each.limit.shown_m,
        "limit_status": each.limit.status,
    }
    return _band(membership, people, served, detached, reason, beyond, limit=each.limit.minutes, words=words)


def presence(units: gpd.GeoDataFrame, points: gpd.GeoDataFrame, services: Sequence[ServiceType]) -> gpd.GeoDataFrame:
    """Return `schema.COVERAGE` for services that a unit has or lacks: share 1 or 0.

    Parameters
    ----------
    units
        `schema.UNITS`.
    points
        `schema.SERVICE_POINTS` with `unit_<kind>`, the id of the unit that each stands in.
    services
        Types whose test is `presence`.
    """
    parts = []
    for service in services:
        rows = units[units["unit_kind"] == service.unit_kind]
        here = points[(points["type"] == service.code) & points["counted"]]
        has = rows["unit_id"].isin(here[f"unit_{service.unit_kind}"])
        block = rows[["unit_kind", "unit_id", "unit_name", "geometry"]].assign(
            service=service.code,
            mode="presence",
            limit_minutes=np.nan,
            demand="",
            people=np.nan,
            people_served=np.nan,
            share=has.astype(float),
            status="ok",
            people_not_attached=np.nan,
            note="",
        )
        parts.append(block)
    if not parts:
        return gpd.GeoDataFrame({column: [] for column in schema.COVERAGE}, geometry=[], crs=units.crs)
    rows = pd.concat(parts, ignore_index=True)
    return gpd.GeoDataFrame(rows[[*schema.COVERAGE]], geometry=rows["geometry"].to_numpy(), crs=units.crs)
