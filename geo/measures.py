"""Who is served by the standards' own distances: the same people, walked on the flat and as the crow flies."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import shapely

from geo import coverage, network, standards, units as units_room
from geo.coverage import Measured
from geo.point_tree import metres_to_nearest
from geo.travel_times import minutes_at, reach
from geo.zones import working

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

    import geopandas as gpd
    import pandas as pd
    from numpy.typing import NDArray

    from geo.catalogue import ServiceType
    from geo.linked import Linked
    from geo.modes import Mode
    from geo.network import Network
    from geo.standards import Threshold
    from geo.study_file import Adequacy

WALK = "walk"


def metres_column(service: ServiceType) -> str:
    """Return the demand column that holds the metres on streets."""
    return f"metres_{service.code}"


def with_metres(
    people: gpd.GeoDataFrame,
    points: gpd.GeoDataFrame,
    services: Sequence[ServiceType],
    flat: Network,
    *,
    modes: Mapping[str, Mode],
    linked: pd.DataFrame,
    served: pd.DataFrame,
) -> gpd.GeoDataFrame:
    """Return demand with `metres_<service>`, on streets to the nearest facility that works, for what is walked to.

    Parameters
    ----------
    people, points
        `schema.DEMAND` and `schema.SERVICE_POINTS`.
    services
        Types measured in minutes.
    flat
        From :func:`walked_flat`.
    modes
        How people move.
    linked, served
        People and points, linked to the walking network.
    """
    walked = [service for service in services if standards.is_walked(service, modes)]
    if not walked:
        return people
    return people.assign(
        **{
            metres_column(service): np.where(
                people["group"].isin(service.demand),
                street_metres(flat, linked, served, points, service),
                np.nan,
            )
            for service in walked
        }
    )


def table(
    people: gpd.GeoDataFrame,
    points: gpd.GeoDataFrame,
    units: gpd.GeoDataFrame,
    services: Sequence[ServiceType],
    *,
    modes: Mapping[str, Mode],
    membership: coverage.Members,
    place: coverage.Ground,
    adequacy: Adequacy,
    unknown: Collection[tuple[str, str, str]],
    exits: Mapping[str, NDArray[np.float64]] | None = None,
) -> gpd.GeoDataFrame:
    """Return `schema.COVERAGE_STANDARDS`: coverage by `std_distance` and `std_radius`.

    Parameters
    ----------
    people, points, units
        `schema.DEMAND` with `snap_status_walk` and `metres_<service>` (:func:`with_metres`), `schema.SERVICE_POINTS`, `schema.UNITS`, in one metric CRS.
    services
        Types measured in minutes.
    modes
        How people move.
    membership, place, adequacy, unknown
        As :func:`geo.coverage.table` takes them.
    exits
        From :func:`exits`; None marks no unit as `edge`.
    """
    asked = [(service, limit) for service in services for limit in standards.thresholds(service, modes)]
    metres: dict[tuple[str, str], NDArray[np.float64]] = {
        (limit.way, service.code): people[metres_column(service)].to_numpy(dtype=np.float64)
        for service, limit in asked
        if limit.way == "std_distance"
    }
    straight = {service.code: service for service, limit in asked if limit.way == "std_radius"}
    metres |= {("std_radius", code): straight_metres(people, points, service) for code, service in straight.items()}
    measured = [
        Measured(service, limit, metres[limit.way, service.code], limit_metres(limit, people, units))
        for service, limit in asked
    ]
    return coverage.by_metres(
        people,
        units,
        measured,
        membership=membership,
        place=place,
        adequacy=adequacy,
        unknown=unknown,
        exits=exits or {},
    )


def exits(
    links: Linked, people: gpd.GeoDataFrame, services: Sequence[ServiceType], flat: Network, modes: Mapping[str, Mode]
) -> dict[str, NDArray[np.float64]]:
    """Return the metres of people to where the study's area ends, by way of measuring: on streets, and straight.

    Who has no service within the distance that counts, but the end of the area, may be served from beyond.
    """
    counted = [
        metres
        for service in services
        for limit in standards.thresholds(service, modes)
        for metres in limit.metres.values()
    ]
    if links.area is None or not counted:
        return {}
    minutes = links.exit_minutes(flat, links.zones.linked[WALK], limit=max(counted) / standards.METRES_PER_MINUTE)
    return {
        "std_distance": minutes * standards.METRES_PER_MINUTE,
        "std_radius": shapely.distance(people.geometry.to_numpy(), shapely.boundary(links.area)),
    }


def walked_flat(pieces: gpd.GeoDataFrame, walk: Mode, *, island_m: float) -> Network:
    """Return the walking network without gradients, at a speed that makes minutes metres: links to it stay the same.

    Parameters
    ----------
    pieces
        The street pieces that the walking network was built of.
    walk, island_m
        As the walking network took them.
    """
    kmh = standards.METRES_PER_MINUTE * 60.0 / 1000.0
    mode = replace(walk, name="std_distance", speed_kmh=kmh, access_kmh=kmh, slope=False)
    return network.build(pieces, mode, island_m=island_m)


def street_metres(
    flat: Network,
    linked: pd.DataFrame,
    served: pd.DataFrame,
    points: gpd.GeoDataFrame,
    service: ServiceType,
) -> NDArray[np.float64]:
    """Return metres on streets, legs included, to the nearest facility that works; `inf` above `most`."""
    facilities = working(served, points, service).drop(columns="delay_minutes")
    found = reach(flat, facilities, limit=units_room.HORIZON_MINUTES, direction=service.direction)
    return minutes_at(found, linked)[0] * standards.METRES_PER_MINUTE


def straight_metres(people: gpd.GeoDataFrame, points: gpd.GeoDataFrame, service: ServiceType) -> NDArray[np.float64]:
    """Return metres as the crow flies to the nearest facility that works; `inf` where none is, NaN without a place."""
    mine = points.geometry.to_numpy()[((points["type"] == service.code) & points["counted"]).to_numpy()]
    there = shapely.get_coordinates(mine)
    shapes = people.geometry.to_numpy()
    xy = np.column_stack([shapely.get_x(shapes), shapely.get_y(shapes)])
    placed = np.isfinite(xy).all(axis=1)
    found = np.full(len(people), np.nan)
    found[placed] = metres_to_nearest(xy[placed], there) if len(there) else np.inf
    return found


def limit_metres(limit: Threshold, people: pd.DataFrame, units: pd.DataFrame) -> NDArray[np.float64]:
    """Return (n,) the metres that count for each person: by the area of the own community where a text tells them apart.

    A person whose area nobody states is measured by the first, the strictest.
    """
    first = next(iter(limit.metres.values()))
    if len(limit.metres) == 1:
        return np.full(len(people), first)
    mine = units[units["unit_kind"] == "community"]
    area = dict(zip(mine["unit_id"], mine["area"], strict=True))
    by_person = people["community"].map(area).map(dict(limit.metres)).fillna(first)
    return np.asarray(by_person, dtype=np.float64)
