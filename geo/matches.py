"""Which venue that exists could serve the people of a gap: whom it would reach within the limit of the service."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
import shapely

from geo import schema, snapping, units, venues as venues_room
from geo.travel_times import minutes_at, reach_each

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import geopandas as gpd
    from numpy.typing import NDArray

    from geo.barriers import Fence
    from geo.catalogue import Direction, ServiceType
    from geo.network import Network

MOST_VENUES = 3  # told of a gap, the best ones
_JOINED = ";"
_Key = tuple[str, float, "Direction"]


def table(
    gaps: gpd.GeoDataFrame,
    people: gpd.GeoDataFrame,
    points: pd.DataFrame,
    venues: gpd.GeoDataFrame,
    services: Sequence[ServiceType],
    *,
    networks: Mapping[str, Network],
    linked: Mapping[str, pd.DataFrame],
    fence: Fence | None,
    cap_m: float,
) -> pd.DataFrame:
    """Return `schema.MATCHES`: for every gap the venues with room that would serve most of its people.

    Parameters
    ----------
    gaps
        From :func:`geo.gaps.find`, with `demand_ids`.
    people, linked
        `schema.DEMAND`, and its links to the streets of every mode.
    points, venues
        `schema.SERVICE_POINTS`, and the layer of venues.
    services
        Types measured in minutes.
    networks, fence, cap_m
        What venues are linked by.

    Returns
    -------
    At most three venues a gap, the one that serves most people first; `minutes` is the median of those it serves,
    `metres` the straight way from the gap's place. A venue where the service works already is no answer.
    """
    able = venues_room.usable(venues, points)
    wanted = [service for service in services if (gaps["service"] == service.code).any()]
    if able.empty or not wanted:
        return pd.DataFrame({name: [] for name in schema.MATCHES})
    by_key: dict[_Key, list[ServiceType]] = {}
    for service in wanted:
        by_key.setdefault((service.mode, service.limit, service.direction), []).append(service)
    of_point = {service.code: _gap_of(gaps, people, service) for service in wanted}
    weight = people["people"].to_numpy(dtype=np.float64)
    parts = []
    for (mode, limit, direction), mine in by_key.items():
        net = networks[mode]
        lacking = np.flatnonzero(np.any([of_point[service.code] >= 0 for service in mine], axis=0))
        where = linked[mode].iloc[lacking]
        stood = snapping.snap(net, able.geometry.to_numpy(), cap_m=cap_m, barriers=fence)
        for found in reach_each(net, stood, limit=limit, direction=direction):
            minutes = minutes_at(found, where)[0]
            near = units.within(minutes, limit)
            for service in mine:
                gap = of_point[service.code][lacking]
                some = near & (gap >= 0)
                venue = np.full(int(some.sum()), found.facilities.row[0])
                parts.append((gap[some], venue, weight[lacking[some]], minutes[some]))
    if not parts:
        return pd.DataFrame({name: [] for name in schema.MATCHES})
    columns = [np.concatenate(column) for column in zip(*parts, strict=True)]
    rows = pd.DataFrame(dict(zip(("gap", "venue", "people", "minutes"), columns, strict=True)))
    return _best(_named(_served(rows), gaps, able), points)


def _gap_of(gaps: gpd.GeoDataFrame, people: pd.DataFrame, service: ServiceType) -> NDArray[np.int64]:
    """Return (n,) the row of the gap that each demand point is part of; -1 for none."""
    mine = gaps.loc[gaps["service"] == service.code, "demand_ids"].str.split(_JOINED).explode()
    row = pd.Series(mine.index.to_numpy(), index=mine.to_numpy())
    return people["id"].map(row[~row.index.duplicated()]).fillna(-1).to_numpy(dtype=np.int64)


def _served(rows: pd.DataFrame) -> pd.DataFrame:
    """Return the people of each gap whom each venue reaches, and the minutes that half of them do not exceed."""
    pair = ["gap", "venue"]
    rows = rows.sort_values([*pair, "minutes"], kind="stable")
    by_pair = rows.groupby(pair, sort=False)["people"]
    half = rows[by_pair.cumsum() >= by_pair.transform("sum") / 2.0].drop_duplicates(pair)
    return by_pair.sum().reset_index().assign(minutes=half["minutes"].to_numpy())


def _named(pairs: pd.DataFrame, gaps: gpd.GeoDataFrame, able: gpd.GeoDataFrame) -> pd.DataFrame:
    """Return the pairs with ids, names and the straight way between them."""
    gap, venue = pairs["gap"].to_numpy(dtype=np.int64), pairs["venue"].to_numpy(dtype=np.int64)
    place = gaps.geometry.representative_point().to_numpy()[gap]
    return pd.DataFrame(
        {
            "gap_id": gaps["gap_id"].to_numpy()[gap],
            "service": gaps["service"].to_numpy()[gap],
            "venue_id": able["id"].to_numpy()[venue],
            "venue_name": able["name"].to_numpy()[venue],
            "people": pairs["people"].to_numpy(),
            "minutes": pairs["minutes"].to_numpy(),
            "metres": shapely.distance(place, able.geometry.to_numpy()[venue]),
            "room": able["room"].to_numpy()[venue],
            "rank": gaps["rank"].to_numpy()[gap],
        }
    )


def _best(pairs: pd.DataFrame, points: pd.DataFrame) -> pd.DataFrame:
    """Return the best venues of every gap, gaps by service and rank; not those where the service works already."""
    working = points[(points["state"] == "working") & (points["venue"] != "")]
    there = pd.MultiIndex.from_arrays([working["venue"], working["type"]])
    new = ~pd.MultiIndex.from_arrays([pairs["venue_id"], pairs["service"]]).isin(there)
    order = ["service", "rank", "gap_id", "people", "minutes", "venue_id"]
    pairs = pairs[new].sort_values(order, ascending=[True, True, True, False, True, True], kind="stable")
    return pairs[pairs.groupby("gap_id").cumcount() < MOST_VENUES].reset_index(drop=True)[[*schema.MATCHES]]
