"""Who is not served, gathered into ranked areas that keep their names.

A gap is the demand of one service with minutes beyond the limit: points nearer than 250 m to one
another and in the same community (or all outside) are one gap. What is left below 20 people is listed
together per community.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, NamedTuple

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from scipy import sparse
from scipy.sparse import csgraph

from geo import crs as crs_room, schema, units

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from geo.catalogue import ServiceType

JOIN_M = 250.0
LEAST_PEOPLE = 20.0
DRAWN_M = 125.0
_JOINED = ";"


def find(
    demand: gpd.GeoDataFrame, service: ServiceType, facility_names: pd.Series[str], *, judged: NDArray[np.bool_]
) -> gpd.GeoDataFrame:
    """Return the gaps of one service.

    Parameters
    ----------
    demand
        `schema.DEMAND` with `minutes_<service>` and `nearest_<service>`, in a metric CRS.
    service
        A type measured in minutes.
    facility_names
        Facility id → name.
    judged
        (n,) False for people of units that cannot be judged; they are in no gap.

    Returns
    -------
    `schema.GAPS`, ranked by people, plus `unit_id`, `people_<group>`, `demand_ids` (joined by ";")
    and the area drawn: 125 m around the points. `minutes_to_nearest` is the median of the people
    (`inf` where half of them reach none within the horizon; then no name is given), lon and lat (WGS 84) the demand point nearest to their
    middle.
    """
    minutes = demand[f"minutes_{service.code}"].to_numpy(dtype=np.float64)
    wanted = demand["group"].isin(counted_groups(service)).to_numpy() & judged & ~units.within(minutes, service.limit)
    names = ["id", "people", "group", "community", "districts", f"minutes_{service.code}", f"nearest_{service.code}"]
    unserved = demand.loc[wanted & (demand["people"] > 0).to_numpy(), [*names, demand.geometry.name]]
    if unserved.empty:
        return none(demand)
    area, rest = _areas(unserved)
    nearest = _nearest_of_most(unserved, area, service)
    parts = list(_parts(unserved, area, rest, service))
    with ThreadPoolExecutor(1) as pool:  # shapes are united by a library, without Python's lock
        drawn = pool.map(_drawn, [points.shape for _, points in parts])
        rows = [_gap(points, service, nearest.get(number, ""), facility_names) for number, points in parts]
        found = gpd.GeoDataFrame(pd.DataFrame(rows), geometry=list(drawn), crs=demand.crs)
    found = _named(found, service.code)
    return _with_places(found)


def counted_groups(service: ServiceType) -> tuple[str, ...]:
    """Return the groups whose people make gaps: elders are residents, and nobody is counted twice.

    Examples
    --------
    >>> from geo.catalogue import ServiceType
    >>> counted_groups(ServiceType("x", "x", "x", demand=("residents", "elders", "workers")))
    ('residents', 'workers')
    """
    both = "residents" in service.demand
    return tuple(group for group in service.demand if not (both and group == "elders"))


def none(demand: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
    """Return the table of gaps without a row."""
    extra = ["unit_id", *(f"people_{group}" for group in schema.GROUPS), "demand_ids"]
    numeric = {"rank", "people", "minutes_to_nearest", "lon", "lat", *extra[1:-1]}
    columns = {name: pd.Series(dtype=float if name in numeric else object) for name in (*schema.GAPS, *extra)}
    return gpd.GeoDataFrame(columns, geometry=gpd.GeoSeries([], crs=demand.crs), crs=demand.crs)


def _areas(points: gpd.GeoDataFrame) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
    """Return the area that each point is part of, and whether it is what is left over in its community."""
    shapes = points.geometry.to_numpy()
    there = np.flatnonzero(~(shapely.is_missing(shapes) | shapely.is_empty(shapes)))
    tree = shapely.STRtree(shapes[there])
    left, right = tree.query(shapes[there], predicate="dwithin", distance=np.nextafter(JOIN_M, 0.0))
    left, right = there[left], there[right]
    community = pd.factorize(points["community"])[0]
    same = community[left] == community[right]
    links = sparse.coo_array((np.ones(int(same.sum())), (left[same], right[same])), shape=(len(points), len(points)))
    area = csgraph.connected_components(links, directed=False)[1].astype(np.int64)
    people = np.bincount(area, weights=points["people"].to_numpy())
    rest = people[area] < LEAST_PEOPLE
    return np.where(rest, area.max() + 1 + community, area), rest


class _Points(NamedTuple):
    """The people of one area, in plain arrays: one area after another is quicker so than in tables."""

    id: NDArray[np.object_]
    people: NDArray[np.float64]
    group: NDArray[np.object_]
    community: NDArray[np.object_]
    districts: NDArray[np.object_]
    minutes: NDArray[np.float64]
    rest: NDArray[np.bool_]
    shape: NDArray[np.object_]


def _parts(
    points: gpd.GeoDataFrame, area: NDArray[np.int64], rest: NDArray[np.bool_], service: ServiceType
) -> Iterator[tuple[int, _Points]]:
    """Give number and people of every area, by rising number; within one by id, so that the order of rows is nothing."""
    order = np.lexsort((points["id"].to_numpy(dtype=np.str_), area))
    texts = (points[name].to_numpy(dtype=object) for name in ("group", "community", "districts"))
    minutes = points[f"minutes_{service.code}"].to_numpy(dtype=np.float64)
    columns = (points["id"].to_numpy(dtype=object), points["people"].to_numpy(), *texts, minutes, rest)
    ordered = [column[order] for column in (*columns, points.geometry.to_numpy())]
    numbers, begins = np.unique(area[order], return_index=True)
    for number, begin, stop in zip(numbers.tolist(), begins, [*begins[1:], len(area)], strict=True):
        yield number, _Points(*(column[begin:stop] for column in ordered))


def _nearest_of_most(points: gpd.GeoDataFrame, area: NDArray[np.int64], service: ServiceType) -> dict[int, str]:
    """Return area → the facility that most of its people are nearest to, for areas where anybody has one."""
    nearest = points[f"nearest_{service.code}"].fillna("").to_numpy(dtype=object)
    named = nearest != ""
    people = points["people"][named].groupby([area[named], nearest[named]]).sum()
    return dict(people.groupby(level=0).idxmax().tolist())


def _gap(points: _Points, service: ServiceType, nearest: str, facility_names: pd.Series[str]) -> dict[str, object]:
    """Return one row: the people of one area."""
    people = points.people
    there = ~(shapely.is_missing(points.shape) | shapely.is_empty(points.shape))
    xy = shapely.get_coordinates(points.shape[there])
    middle = np.average(xy, axis=0, weights=people[there]) if len(xy) else np.full(2, np.nan)
    place = xy[np.argmin(np.hypot(*(xy - middle).T))] if len(xy) else middle
    minutes = weighted_median(points.minutes, people)
    districts = sorted({part for listed in set(points.districts) for part in listed.split(_JOINED) if part})
    return {
        "service": service.code,
        "people": float(people.sum()),
        "minutes_to_nearest": minutes,
        "nearest_name": facility_names.get(nearest, "") if np.isfinite(minutes) else "",
        "communities": points.community[0],
        "districts": _JOINED.join(districts),
        "unit_id": points.community[0],
        "rest": bool(points.rest[0]),
        **{f"people_{group}": float(people[points.group == group].sum()) for group in schema.GROUPS},
        "demand_ids": _JOINED.join(sorted(points.id)),
        "x": place[0],
        "y": place[1],
    }


def _drawn(shapes: NDArray[np.object_]) -> shapely.Geometry | None:
    """Return the area drawn of the people of a gap; None where nobody has a place."""
    there = shapes[~(shapely.is_missing(shapes) | shapely.is_empty(shapes))]
    return shapely.union_all(shapely.buffer(there, DRAWN_M, quad_segs=4)) if len(there) else None


def weighted_median(values: NDArray[np.float64], weights: NDArray[np.float64]) -> float:
    """Return the value that half of the people do not exceed; NaN counts as unreachable.

    Examples
    --------
    >>> weighted_median(np.array([20.0, 30.0, np.inf]), np.array([1.0, 1.0, 5.0]))
    inf
    """
    plain = np.where(np.isnan(values), np.inf, values)
    order = np.argsort(plain, kind="stable")
    run = np.cumsum(weights[order])
    return float(plain[order][np.searchsorted(run, run[-1] / 2.0)])


def _named(found: gpd.GeoDataFrame, code: str) -> gpd.GeoDataFrame:
    """Give ids by community, people and northing, and ranks by people."""
    found = found.sort_values(["unit_id", "rest", "people", "y"], ascending=[True, True, False, False], kind="stable")
    number = found.groupby(["unit_id", "rest"]).cumcount() + 1
    where = found["unit_id"].where(found["unit_id"] != "", "outside")
    suffix = number.astype(str).where(~found["rest"], "rest")
    found["gap_id"] = f"{code}-" + where + "-" + suffix
    found = found.sort_values(["rest", "people", "gap_id"], ascending=[True, False, True], kind="stable")
    found["rank"] = np.arange(1, len(found) + 1)
    return found.reset_index(drop=True)


def _with_places(found: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
    """Add lon and lat of each gap's place and put the columns in order."""
    to_lonlat = crs_room.transformer(crs_room.require_same(found), crs_room.WGS84)
    found["lon"], found["lat"] = to_lonlat.transform(found["x"].to_numpy(), found["y"].to_numpy())
    extra = ["unit_id", *(f"people_{group}" for group in schema.GROUPS), "demand_ids"]
    return found[[*schema.GAPS, *extra, "geometry"]]
