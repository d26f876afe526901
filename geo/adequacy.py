"""Whether the streets of a unit are known well enough to judge it, and by which figures.

Who lives beside no street that is drawn would count as not served: so a unit that has too little street for its
residents, or too many people far from any street or on an isolated piece, is not assessed.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import pandas as pd

from geo import coverage, schema
from geo.coverage import LIST_SEPARATOR
from geo.messages import Message

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Sequence

    import geopandas as gpd
    from numpy.typing import NDArray

    from geo.catalogue import ServiceType
    from geo.coverage import Ground, Members
    from geo.study_file import Adequacy

Asked = tuple[str, str]
LAYERS = {"community": "communities", "park": "parks", "factory": "factories", "district": "districts"}
WORK_KINDS = ("park", "factory")
WITHOUT_SERVICE = (("walk", "residents"),)  # what is measured where no service is asked in minutes


def asked_of(services: Iterable[ServiceType]) -> list[Asked]:
    """Return every (mode, group) that coverage is computed for, each once, in the order of the services."""
    pairs = ((ring.mode, group) for service in services for ring in service.rings for group in service.demand)
    return [*dict.fromkeys(pairs)] or [*WITHOUT_SERVICE]


class Known(NamedTuple):
    """What is known of the units: whose people are whose, on what ground, and the figures (`schema.ADEQUACY`)."""

    membership: Members
    place: Ground
    figures: pd.DataFrame


def known(
    people: gpd.GeoDataFrame,
    units: gpd.GeoDataFrame,
    streets: gpd.GeoDataFrame,
    asked: Sequence[Asked],
    *,
    limits: Adequacy,
    unknown: Collection[tuple[str, str, str]] = (),
) -> Known:
    """Return what is known of the streets of each unit, and whether it can be judged.

    Parameters
    ----------
    people
        `schema.DEMAND` with `snap_status_<mode>`.
    units, streets
        `schema.UNITS` and `schema.STREETS`, in the CRS of the people, metric.
    asked
        :func:`asked_of`.
    limits
        Thresholds of the study.
    unknown
        As in :func:`geo.coverage.table`.

    Returns
    -------
    `figures` has one row per reported unit. `mode`, `group`, `people`, the shares, `status` and `reason` (as in
    `schema.COVERAGE`) are of the asked pair with the largest share of people who are not attached; `not_assessed_for`
    lists the pairs that cannot be judged, `<mode>:<group>`, joined by ";". Shares are NaN where nobody is, and what
    is said of the ground is NaN where there is no outline.
    """
    membership = coverage.members(people, units)
    place = coverage.ground(membership, people, units, streets, around_m=limits.around_m)
    return Known(membership, place, _figures(people, asked, membership, place, limits, unknown))


def _figures(
    people: pd.DataFrame,
    asked: Sequence[Asked],
    membership: Members,
    place: Ground,
    limits: Adequacy,
    unknown: Collection[tuple[str, str, str]],
) -> pd.DataFrame:
    measured = [_people_of(people, pair, membership) for pair in asked]
    count, far, island, detached = (np.array(values) for values in zip(*measured, strict=True))
    reason = np.array(
        [
            _reasons(group, count[number], detached[number], membership, place, limits, unknown)
            for number, (_, group) in enumerate(asked)
        ],
        dtype=object,
    )
    unjudged = reason.astype(bool)
    with np.errstate(divide="ignore", invalid="ignore"):
        share = detached / count
        density = place.street_m / 1e3 / (place.ground_m2 / 1e6)
        per_head = np.where(place.residents > 0, place.street_m / place.residents, np.nan)
        # nobody < not known < some: ranks -1, -0.5 and from 0; among equals the people that the unit is about
        rank = np.nan_to_num(share, nan=-1.0) + np.where(unjudged, 0.5, 0.0)
        worst = np.argmax((rank == rank.max(axis=0)) * (1 + _are_own(asked, membership)), axis=0)
        at = worst, np.arange(len(worst))
        shares = {"far_share": (far / count)[at], "island_share": (island / count)[at], "detached_share": share[at]}
    codes = np.array([f"{mode}:{group}" for mode, group in asked], dtype=object)
    columns = {
        **dict(zip(("unit_kind", "unit_id", "unit_name"), zip(*membership.rows, strict=True), strict=True)),
        "ground_km2": place.ground_m2 / 1e6,
        "street_km": place.street_m / 1e3,
        "street_km_per_km2": density,
        "street_m_per_resident": per_head,
        "mode": [asked[number][0] for number in worst],
        "group": [asked[number][1] for number in worst],
        "people": count[at],
        **shares,
        "status": np.where(unjudged[at], "not_assessed", np.where(count[at] > 0, "ok", "no_demand")),
        "reason": reason[at],
        "not_assessed_for": [LIST_SEPARATOR.join(codes[column]) for column in unjudged.T],
    }
    return pd.DataFrame(columns)[[*schema.ADEQUACY]]


def _are_own(asked: Sequence[Asked], membership: Members) -> NDArray[np.bool_]:
    """Say of each asked pair and unit whether it is about the unit's own people: workers of parks and factories."""
    of_workers = np.array([row.kind in WORK_KINDS for row in membership.rows], dtype=bool)
    workers = np.array([group == "workers" for _, group in asked], dtype=bool)
    return np.asarray(workers[:, None] == of_workers, dtype=bool)


def _people_of(people: pd.DataFrame, pair: Asked, membership: Members) -> list[NDArray[np.float64]]:
    """Return people of a group by unit: all, those far from streets, those on islands, all who are not attached."""
    mode, group = pair
    weight = np.where(people["group"] == group, people["people"].to_numpy(), 0.0)
    status = people[f"snap_status_{mode}"].to_numpy()
    chosen = (np.full(len(status), fill_value=True), status == "far", status == "island", status != "ok")
    return [membership.totals(np.where(some, weight, 0.0)) for some in chosen]


def _reasons(
    group: str,
    count: NDArray[np.float64],
    detached: NDArray[np.float64],
    membership: Members,
    place: Ground,
    limits: Adequacy,
    unknown: Collection[tuple[str, str, str]],
) -> NDArray[np.object_]:
    """Return why each unit cannot be judged for a group, as its coverage says; "" where it can or nobody is there."""
    reason = coverage.cannot_judge(place, count, detached, limits)
    reason[count == 0] = ""
    hidden = np.array([(row.kind, row.unit_id, group) in unknown for row in membership.rows], dtype=bool)
    reason[hidden] = Message("coverage.unknown", {"group": Message(f"word.{group}")})
    return reason


def with_figures(units: gpd.GeoDataFrame, figures: pd.DataFrame) -> gpd.GeoDataFrame:
    """Return the units with the figures of :func:`known` as columns, `adequacy_…` where the name alone is not plain."""
    own = figures.iloc[: len(units)].drop(columns=["unit_kind", "unit_id", "unit_name", "people"])
    named = own.rename(columns={name: f"adequacy_{name}" for name in ("mode", "group", "status", "reason")})
    return units.assign(**{name: named[name].to_numpy() for name in named.columns})


class Told(NamedTuple):
    """Why one unit is not assessed, for the repair report: its layer, its id and the reason."""

    layer: str
    unit_id: str
    message: Message


def told(figures: pd.DataFrame) -> list[Told]:
    """Return one line a unit that is not assessed for its streets (:func:`known`); unknown people are told elsewhere."""
    own = figures[figures["unit_kind"].isin(LAYERS) & (figures["status"] == "not_assessed") & (figures["people"] > 0)]
    return [
        Told(LAYERS[kind], unit_id, Message("coverage.not_assessed", {"unit": name, "why": why}))
        for kind, unit_id, name, why in own[["unit_kind", "unit_id", "unit_name", "reason"]].itertuples(index=False)
    ]


def own_units(people: pd.DataFrame) -> pd.MultiIndex:
    """Return kind and id of the unit that each person is counted by, and the group; `outside` where in none.

    A person's own unit is the community; for workers it is the factory, else the park.
    """
    own_kind = np.full(len(people), "outside", dtype=object)
    own_id = np.full(len(people), "", dtype=object)
    workers = (people["group"] == "workers").to_numpy()
    for kind, where in (("community", ~workers), ("park", workers), ("factory", workers)):
        has = where & (people[kind] != "").to_numpy()
        own_kind[has], own_id[has] = kind, people[kind].to_numpy()[has]
    return pd.MultiIndex.from_arrays([own_kind, own_id, people["group"]])


def judged(own: pd.MultiIndex, service: ServiceType, table: pd.DataFrame) -> NDArray[np.bool_]:
    """Say whose own unit (:func:`own_units`) can be judged for a service; people outside all units go by the study."""
    mine = (table["service"] == service.code) & (table["mode"] == service.mode) & (table["status"] == "not_assessed")
    failed = set(zip(*(table[name][mine] for name in ("unit_kind", "unit_id", "demand")), strict=True))
    return ~np.asarray(own.isin(list(failed)), dtype=bool) if failed else np.ones(len(own), dtype=bool)
