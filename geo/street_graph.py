"""Which streets, links and starts a reader of the results needs to compute a way again without this program.

The minutes over them are those of :mod:`geo.travel_times`, where search nodes are junctions: no forbidden
turn and no private street. Modes that heed these are left out.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from geo.results import StreetGraph
from geo.travel_times import stands

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    import geopandas as gpd
    from numpy.typing import NDArray

    from geo.catalogue import ServiceType
    from geo.network import Network

_FIRST_GROUP = {"community": "residents", "park": "workers", "factory": "workers"}


def starts(people: gpd.GeoDataFrame, *, mode: str = "walk") -> pd.DataFrame:
    """Return the start that stands for each unit: the one nearest to the middle of the unit's people.

    Parameters
    ----------
    people
        `schema.DEMAND` with `snap_status_<mode>`.
    mode
        Starts that this mode attaches are taken first.

    Returns
    -------
    Columns `unit_kind`, `unit_id` and `row` (of `people`); residents for communities, workers for parks and
    factories, where they have any.
    """
    found = []
    x, y = people.geometry.x.to_numpy(), people.geometry.y.to_numpy()
    loose = (people[f"snap_status_{mode}"] != "ok").to_numpy()
    for kind, group in _FIRST_GROUP.items():
        rows = np.flatnonzero((people[kind] != "").to_numpy() & np.isfinite(x))
        table = pd.DataFrame({"unit_id": people[kind].to_numpy()[rows], "row": rows, "x": x[rows], "y": y[rows]})
        table["other"] = (people["group"] != group).to_numpy()[rows]
        table["loose"] = loose[rows]
        table["people"] = people["people"].to_numpy(dtype=np.float64)[rows] + 1e-9
        # what stands last in `other` and `loose` speaks only where there is nothing else
        best = table.groupby("unit_id")[["other"]].transform("min")["other"]
        table = table[table["other"] == best]
        weight = table.groupby("unit_id")["people"].transform("sum")
        middle = [
            (table[axis] * table["people"] / weight).groupby(table["unit_id"]).transform("sum") for axis in ("x", "y")
        ]
        table["away_m"] = np.hypot(table["x"] - middle[0], table["y"] - middle[1])
        table = table.sort_values(["unit_id", "loose", "away_m", "row"]).drop_duplicates("unit_id")
        found.append(table.assign(unit_kind=kind)[["unit_kind", "unit_id", "row"]])
    return pd.concat(found, ignore_index=True)


def graphs(
    networks: Mapping[str, Network],
    *,
    linked: Mapping[str, pd.DataFrame],
    served: Mapping[str, pd.DataFrame],
    people: gpd.GeoDataFrame,
    points: gpd.GeoDataFrame,
    services: Iterable[ServiceType],
    cut: frozenset[str] = frozenset(),
) -> dict[str, StreetGraph]:
    """Return the street graph of every mode whose search nodes are junctions.

    Parameters
    ----------
    networks
        By mode.
    linked, served
        `schema.SNAPPED` of the starts and of the service points, by mode.
    people, points
        Starts (`schema.DEMAND` with snap columns) and service points.
    services
        Types measured in minutes; what passes at a service before it serves is added to its leg.
    cut
        Modes whose networks are of streets cut short: their edges are not the pieces of the study.
    """
    units = starts(people)
    delay = {service.code: service.delay_minutes for service in services}
    counted = np.flatnonzero(points["counted"].to_numpy(dtype=bool))
    waiting = points["type"].map(delay).fillna(0.0).to_numpy(dtype=np.float64)
    found = {}
    for mode, network in networks.items():
        if not network.plain:
            continue
        kmh = network.mode.access_kmh
        theirs = stands(served[mode].iloc[counted].assign(delay_minutes=waiting[counted]), access_kmh=kmh)
        mine = stands(linked[mode].iloc[units["row"].to_numpy()], access_kmh=kmh)
        found[mode] = StreetGraph(
            piece=None if mode in cut else network.piece,
            start=network.start,
            end=network.end,
            minutes_forward=network.minutes_forward,
            minutes_backward=network.minutes_backward,
            island=network.island,
            xy=network.xy,
            offset=network.offset,
            facilities=_links(counted, *theirs),
            starts=_links(np.arange(len(units)), *mine),
            units=units,
        )
    return found


def _links(
    row: NDArray[np.int64],
    place: NDArray[np.int64],
    edge: NDArray[np.int64],
    at: NDArray[np.float64],
    leg: NDArray[np.float64],
) -> pd.DataFrame:
    return pd.DataFrame({"row": row[place], "edge": edge, "at": at, "leg": leg})
