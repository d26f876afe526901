"""Which gap is which of last period's: by service and place, never by row order; the older id lives on.

Two gaps of one service are the same where at least half of the people of one of them are in the other; the older
id lives on, with the gap that most of its people are in now. People are compared at their places: a demand point
of before and the nearest one of its group now.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import shapely

from geo import crs as crs_room, schema
from geo.point_tree import point_tree

if TYPE_CHECKING:
    from collections.abc import Collection

    import geopandas as gpd
    from numpy.typing import NDArray

SAME_SHARE = 0.5
NEAR_M = 125.0  # a point of people that moved no further is the same place
REST = "-rest"
LIST_MARK = ";"


def members(gaps: gpd.GeoDataFrame, demand: gpd.GeoDataFrame) -> pd.DataFrame:
    """Return one row per gap and demand point in it: `gap` and `at` (row numbers), `service`, `people`."""
    listed = gaps["demand_ids"].fillna("").astype(str).str.split(LIST_MARK).explode()
    ids = pd.Series(np.arange(len(demand)), index=demand["id"].astype(str).to_numpy())
    at = listed.map(ids[~ids.index.duplicated()])
    there = at.notna().to_numpy()
    gap, at = listed.index.to_numpy()[there], at.to_numpy()[there].astype(np.int64)
    return pd.DataFrame(
        {
            "gap": gap,
            "at": at,
            "service": gaps["service"].to_numpy(dtype=object)[gap],
            "people": demand["people"].to_numpy(dtype=np.float64)[at],
        }
    )


def counterparts(
    at: NDArray[np.int64], own: gpd.GeoDataFrame, other: gpd.GeoDataFrame
) -> dict[str, NDArray[np.generic]]:
    """Return the nearest place of the same group in another table (-1: none within 125 m), and its metres."""
    places, inverse = np.unique(at, return_inverse=True)
    found, metres = np.full(len(places), -1), np.full(len(places), np.inf)
    own_xy, other_xy = _xy(own.geometry), _xy(other.geometry)
    own_group, other_group = (table["group"].to_numpy(dtype=object) for table in (own, other))
    for group in schema.GROUPS:
        mine = np.flatnonzero((own_group[places] == group) & np.isfinite(own_xy[places]).all(axis=1))
        theirs = np.flatnonzero((other_group == group) & np.isfinite(other_xy).all(axis=1))
        if len(mine) and len(theirs):
            distance, nearest = point_tree(other_xy[theirs]).query(
                own_xy[places[mine]], distance_upper_bound=np.nextafter(NEAR_M, np.inf)
            )
            near = np.isfinite(distance)
            found[mine[near]], metres[mine[near]] = theirs[nearest[near]], distance[near]
    placeless = ~np.isfinite(own_xy[places]).all(axis=1)
    index = pd.Index(other["id"].astype(str))
    if placeless.any() and index.is_unique:
        same = index.get_indexer(own["id"].astype(str).to_numpy()[places[placeless]])
        found[placeless], metres[placeless] = same, np.where(same >= 0, 0.0, np.inf)
    return {"other": found[inverse], "metres": metres[inverse]}


def _xy(shapes: gpd.GeoSeries) -> NDArray[np.float64]:
    points = shapes.to_numpy()
    there = ~(shapely.is_missing(points) | shapely.is_empty(points))
    xy = np.full((len(points), 2), np.nan)
    xy[there] = shapely.get_coordinates(shapely.point_on_surface(points[there]))
    return xy


def shared_people(
    before: pd.DataFrame, now: pd.DataFrame, old: gpd.GeoDataFrame, new: gpd.GeoDataFrame
) -> pd.DataFrame:
    """Return the pairs of gaps with common people: `old`, `new`, `of_old`, `of_new` (people), `share`."""
    keys = ["service", "place"]
    theirs = now.rename(columns={"gap": "new", "at": "place"})[[*keys, "new"]]
    ones = before.rename(columns={"gap": "old", "other": "place"}).merge(theirs, on=keys)
    mine = before.rename(columns={"gap": "old", "at": "place"})[[*keys, "old"]]
    twos = now.rename(columns={"gap": "new", "other": "place"}).merge(mine, on=keys)
    pair = ["old", "new"]
    found = pd.concat(
        [ones.groupby(pair)["people"].sum().rename("of_old"), twos.groupby(pair)["people"].sum().rename("of_new")],
        axis=1,
    )
    found = found.fillna(0.0).reset_index().astype({"old": np.int64, "new": np.int64})
    whole_old = before.groupby("gap")["people"].sum().reindex(range(len(old))).to_numpy()
    whole_new = now.groupby("gap")["people"].sum().reindex(range(len(new))).to_numpy()
    found["share"] = np.fmax(
        found["of_old"].to_numpy() / whole_old[found["old"].to_numpy()],
        found["of_new"].to_numpy() / whole_new[found["new"].to_numpy()],
    )
    return found


def partners(shared: pd.DataFrame, old: gpd.GeoDataFrame, new: gpd.GeoDataFrame) -> NDArray[np.int64]:
    """Return the gap of before that each gap of now carries on; -1 where it carries on none."""
    partner = np.full(len(new), -1, dtype=np.int64)
    old_rest, new_rest = _is_rest(old), _is_rest(new)
    numbers = pd.Series(np.arange(len(old)), index=old["gap_id"].to_numpy())
    named = new["gap_id"].map(numbers).fillna(-1).to_numpy(dtype=np.int64)
    partner[new_rest] = named[new_rest]
    pairs = shared[shared["share"] >= SAME_SHARE]
    pairs = pairs[~old_rest[pairs["old"].to_numpy()] & ~new_rest[pairs["new"].to_numpy()]]
    pairs = pairs.sort_values(["of_old", "of_new", "old", "new"], ascending=[False, False, True, True], kind="stable")
    given: set[int] = set()
    for one, two in zip(pairs["old"].tolist(), pairs["new"].tolist(), strict=True):
        if one not in given and partner[two] < 0:
            partner[two] = one
            given.add(one)
    return partner


def of_partners(values: NDArray[Any], partner: NDArray[np.int64], other: object) -> NDArray[Any]:
    """Return the value of each gap's partner, and another where it has none."""
    return np.append(values, np.array([other], dtype=values.dtype))[partner]


def _is_rest(gaps: gpd.GeoDataFrame) -> NDArray[np.bool_]:
    return np.asarray(gaps["gap_id"].astype(str).str.endswith(REST).to_numpy(), dtype=bool)


def returned(
    ids: NDArray[np.object_],
    gaps: gpd.GeoDataFrame,
    now: pd.DataFrame,
    demand: gpd.GeoDataFrame,
    past: gpd.GeoDataFrame,
) -> NDArray[np.object_]:
    """Return the id of the gap of earlier periods that an unmatched gap of now brings back; "" for none."""
    back = np.full(len(gaps), "", dtype=object)
    rest = _is_rest(gaps)
    if past.empty:
        return back
    gone = pd.Index(past["gap_id"].astype(str))
    own = gaps["gap_id"].astype(str)
    same = rest & (ids == "") & own.isin(gone).to_numpy()
    back[same] = own.to_numpy(dtype=object)[same]
    open_ = now[(ids[now["gap"].to_numpy()] == "") & ~rest[now["gap"].to_numpy()]]
    shapes = past.geometry.to_numpy()
    place, area = shapely.STRtree(shapes).query(demand.geometry.to_numpy()[open_["at"].to_numpy()], "intersects")
    hits = open_.iloc[place].assign(past=area)
    hits = hits[past["service"].to_numpy(dtype=object)[hits["past"].to_numpy()] == hits["service"].to_numpy()]
    hits = hits[~_is_rest(past)[hits["past"].to_numpy()]]
    sums = hits.groupby(["gap", "past"], as_index=False)["people"].sum()
    whole = now.groupby("gap")["people"].sum().reindex(sums["gap"]).to_numpy()
    then = past["people"].to_numpy(dtype=np.float64)[sums["past"].to_numpy()]
    sums = sums[sums["people"].to_numpy() >= SAME_SHARE * np.minimum(whole, then)]
    given: set[int] = set()
    for row in sums.sort_values(["people", "gap", "past"], ascending=[False, True, True], kind="stable").itertuples():
        number, gap = int(row.past), int(row.gap)
        if number not in given and back[gap] == "":
            back[gap] = gone[number]
            given.add(number)
    return back


def remember(
    ids: NDArray[np.object_], gaps: gpd.GeoDataFrame, entries: pd.DataFrame | None, *, known: Collection[str] = ()
) -> NDArray[np.object_]:
    """Return the ids with those filled in that the ledger knows: an entry of the service whose place lies in the gap.

    Parameters
    ----------
    ids
        (n,) id that each gap carries on, "" where it carries on none.
    gaps
        `schema.GAPS` with areas, in a metric CRS.
    entries
        `gap_id`, `lon`, `lat` of the ledger; an entry without a place counts for a gap of its own id.
    known
        Ids that are not looked for here.
    """
    if entries is None or entries.empty or not len(gaps):
        return ids
    found = ids.copy()
    loose = entries[~entries["gap_id"].isin([*known, *ids])].reset_index(drop=True)
    placed = (loose["lon"].notna() & loose["lat"].notna()).to_numpy()
    own = gaps["gap_id"].astype(str).to_numpy(dtype=object)
    open_ = ids == ""
    entry, gap = [], []
    if placed.any():
        at = np.flatnonzero(placed)
        lon, lat = (loose[name].to_numpy(dtype=np.float64)[at] for name in ("lon", "lat"))
        spots = shapely.points(*crs_room.transformer(crs_room.WGS84, gaps.crs).transform(lon, lat))
        one, two = shapely.STRtree(gaps.geometry.to_numpy()).query(spots, "intersects")
        entry, gap = at[one].tolist(), two.tolist()
    unplaced = pd.Index(loose["gap_id"].where(~placed | loose["gap_id"].str.endswith(REST)).fillna(""))
    same = {code: number for number, code in enumerate(unplaced) if code}
    pairs = [*zip(entry, gap, strict=True), *((same[code], row) for row, code in enumerate(own) if code in same)]
    service = gaps["service"].astype(str).to_numpy(dtype=object)
    codes = loose["gap_id"].astype(str).tolist()
    ranked = sorted((codes[one] != own[two], one, two) for one, two in pairs)
    given: set[int] = set()
    for differs, one, two in ranked:
        code = codes[one]
        rest = code.endswith(REST) or str(own[two]).endswith(REST)
        mine = code.startswith(f"{service[two]}-") and not (rest and differs)
        if mine and open_[two] and found[two] == "" and one not in given:
            found[two] = code
            given.add(one)
    return found


def taken_ids(known: Collection[str], entries: pd.DataFrame | None) -> set[str]:
    """Return the ids that no new gap may bear: those of earlier periods and of the ledger."""
    return {*map(str, known), *(entries["gap_id"].astype(str) if entries is not None else ())}


def free_ids(ids: NDArray[np.object_], gaps: gpd.GeoDataFrame, *, taken: set[str]) -> list[str]:
    """Return the ids of now: those carried on, else the gap's own, under the next free number where that is taken."""
    used = {*taken, *(code for code in ids if code)}
    found = []
    for code, own in zip(ids.tolist(), gaps["gap_id"].astype(str).tolist(), strict=True):
        name = code or own
        if not code and own in used and not own.endswith(REST):
            stem = own.rpartition("-")[0]
            number = 1
            while f"{stem}-{number}" in used:
                number += 1
            name = f"{stem}-{number}"
        used.add(name)
        found.append(name)
    return found


def renamed(gaps: gpd.GeoDataFrame, entries: pd.DataFrame | None) -> gpd.GeoDataFrame:
    """Return gaps under the ids that the ledger knows them by; for a first period, or one without results before it."""
    ids = remember(np.full(len(gaps), "", dtype=object), gaps, entries)
    return gaps.assign(gap_id=free_ids(ids, gaps, taken=taken_ids((), entries)))
