"""Which gap is which of last period's, and what became of each: by service and place, never by row order.

Two gaps of one service are the same where at least half of the people of one of them are in the other; the older
id lives on, with the gap that most of its people are in now. People are compared at their places: a demand point
of before and the nearest one of its group now.

- `returned`: a gap that is back, or that the ledger says was struck off;
- `closing`: no such gap is left, and at least nine tenths of its people are served now where they start;
- `better`: at least a tenth of its people are served now, and the people without service are a tenth fewer;
- `new`: less than half of its people were in a gap before;
- `lasting`: everything else, and everything measured otherwise than before.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from scipy.spatial import cKDTree

from geo import crs as crs_room, schema, units

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from numpy.typing import NDArray

SAME_SHARE = 0.5
BETTER_SHARE = 0.1
GONE_SHARE = 0.9
NEAR_M = 125.0  # a point of people that moved no further is the same place
SAME_M = 25.0  # only there can people be said to be served now who were not
REST = "-rest"
_LIST_MARK = ";"


class Compared(NamedTuple):
    """Outcome of :func:`compare`.

    Attributes
    ----------
    gaps
        The gaps of now under the ids that live on; row order and all other columns as given.
    table
        `schema.COMPARISON` plus `comparable`: the gaps of now in their order, then those that are gone.
    past
        `schema.GAPS_PAST`: gaps that are gone, of this period and of all before.
    """

    gaps: gpd.GeoDataFrame
    table: pd.DataFrame
    past: gpd.GeoDataFrame


class Then(NamedTuple):
    """The gaps of the period before; see :class:`geo.past_results.PastResults`."""

    period: str
    gaps: gpd.GeoDataFrame
    demand: gpd.GeoDataFrame
    past: gpd.GeoDataFrame


def compare(
    then: Then,
    gaps: gpd.GeoDataFrame,
    demand: gpd.GeoDataFrame,
    limits: Mapping[str, float],
    *,
    changed: Collection[str] = (),
    entries: pd.DataFrame | None = None,
) -> Compared:
    """Match the gaps of two periods and say what became of each.

    Parameters
    ----------
    then
        The period before, in any CRS.
    gaps, demand
        `schema.GAPS` with `unit_id` and `demand_ids`, and `schema.DEMAND` with `minutes_<service>`, of
        now, in one metric CRS.
    limits
        Service → minutes within which its people are served now, for all services evaluated now.
    changed
        Services that are measured otherwise than before: of these nothing is told as progress.
    entries
        The ledger: `gap_id`, `lon`, `lat` (NaN where not known) and `struck` (True where struck off).
    """
    crs_room.require_same(gaps, demand)
    then = Then(
        then.period, *(table.to_crs(demand.crs).reset_index(drop=True) for table in (then.gaps, then.demand, then.past))
    )
    gaps, demand = gaps.reset_index(drop=True), demand.reset_index(drop=True)
    before, now = members(then.gaps, then.demand), members(gaps, demand)
    before = before.assign(**_counterparts(before["at"].to_numpy(), then.demand, demand))
    now = now.assign(**_counterparts(now["at"].to_numpy(), demand, then.demand))
    shared = _shared(before, now, then.gaps, gaps)
    partner = _partners(shared, then.gaps, gaps)
    known = [*then.gaps["gap_id"], *then.past["gap_id"]]
    ids = _of_partners(then.gaps["gap_id"].astype(str).to_numpy(dtype=object), partner, "")
    back = _returned(ids, gaps, now, demand, then.past)
    ids = np.where(back != "", back, ids)
    remembered = remember(ids, gaps, entries, known=known)
    back = np.where(remembered != ids, remembered, back)
    named = gaps.assign(gap_id=_free_ids(remembered, gaps, taken=_taken(known, entries)))
    facts = _facts(before, then.gaps, demand, limits)
    present = _present(named, gaps, partner, back != "", shared, facts, then=then, changed=changed, entries=entries)
    gone = _gone(then.gaps, partner, facts, limits, changed=changed)
    table = pd.concat([part for part in (present, gone) if len(part)] or [present], ignore_index=True)
    return Compared(named, table, _past(then, gone, back))


def members(gaps: gpd.GeoDataFrame, demand: gpd.GeoDataFrame) -> pd.DataFrame:
    """Return one row per gap and demand point in it: `gap` and `at` (row numbers), `service`, `people`."""
    listed = gaps["demand_ids"].fillna("").astype(str).str.split(_LIST_MARK).explode()
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


def _counterparts(
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
            distance, nearest = cKDTree(other_xy[theirs]).query(own_xy[places[mine]], distance_upper_bound=NEAR_M)
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


def _shared(before: pd.DataFrame, now: pd.DataFrame, old: gpd.GeoDataFrame, new: gpd.GeoDataFrame) -> pd.DataFrame:
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


def _partners(shared: pd.DataFrame, old: gpd.GeoDataFrame, new: gpd.GeoDataFrame) -> NDArray[np.int64]:
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


def _of_partners(values: NDArray[Any], partner: NDArray[np.int64], other: object) -> NDArray[Any]:
    """Return the value of each gap's partner, and another where it has none."""
    return np.append(values, np.array([other], dtype=values.dtype))[partner]


def _is_rest(gaps: gpd.GeoDataFrame) -> NDArray[np.bool_]:
    return np.asarray(gaps["gap_id"].astype(str).str.endswith(REST).to_numpy(), dtype=bool)


def _returned(
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
    spots = gpd.GeoSeries(gpd.points_from_xy(loose["lon"], loose["lat"]), crs=crs_room.WGS84).to_crs(gaps.crs)
    placed = (loose["lon"].notna() & loose["lat"].notna()).to_numpy()
    own = gaps["gap_id"].astype(str).to_numpy(dtype=object)
    open_ = ids == ""
    entry, gap = [], []
    if placed.any():
        at = np.flatnonzero(placed)
        one, two = shapely.STRtree(gaps.geometry.to_numpy()).query(spots.to_numpy()[at], "intersects")
        entry, gap = at[one].tolist(), two.tolist()
    unplaced = pd.Index(loose["gap_id"].where(~placed | loose["gap_id"].str.endswith(REST)).fillna(""))
    same = {code: number for number, code in enumerate(unplaced) if code}
    pairs = [*zip(entry, gap, strict=True), *((same[code], row) for row, code in enumerate(own) if code in same)]
    service = gaps["service"].astype(str).to_numpy(dtype=object)
    ranked = sorted((loose["gap_id"][one] != own[two], one, two) for one, two in pairs)
    given: set[int] = set()
    for differs, one, two in ranked:
        code = str(loose["gap_id"][one])
        rest = code.endswith(REST) or str(own[two]).endswith(REST)
        mine = code.split("-", 1)[0] == service[two] and not (rest and differs)
        if mine and open_[two] and found[two] == "" and one not in given:
            found[two] = code
            given.add(one)
    return found


def _taken(known: Collection[str], entries: pd.DataFrame | None) -> set[str]:
    return {*map(str, known), *(entries["gap_id"].astype(str) if entries is not None else ())}


def _free_ids(ids: NDArray[np.object_], gaps: gpd.GeoDataFrame, *, taken: set[str]) -> list[str]:
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
    return gaps.assign(gap_id=_free_ids(ids, gaps, taken=_taken((), entries)))


def _facts(
    before: pd.DataFrame, old: gpd.GeoDataFrame, demand: gpd.GeoDataFrame, limits: Mapping[str, float]
) -> pd.DataFrame:
    """Return what became of the people of each gap of before: `people`, `served`, `left`, `minutes_now`."""
    other = before["other"].to_numpy()
    minutes = np.full(len(before), np.nan)
    evaluated, reached = np.zeros(len(before), dtype=bool), np.zeros(len(before), dtype=bool)
    for service in dict.fromkeys(before["service"]):
        column = f"minutes_{service}"
        if column in demand.columns and service in limits:
            mine = (before["service"] == service).to_numpy() & (other >= 0)
            found = demand[column].to_numpy(dtype=np.float64, na_value=np.nan)[other[mine]]
            minutes[mine] = np.where(np.isnan(found), np.inf, found)
            evaluated |= mine
            reached[mine] = units.within(minutes[mine], limits[service])
    here = demand["people"].to_numpy(dtype=np.float64)[np.where(other >= 0, other, 0)] if len(demand) else 0.0
    table = before.assign(
        served=np.where(reached & (before["metres"] <= SAME_M), before["people"], 0.0),
        left=np.where(evaluated & ~reached, np.minimum(here, before["people"]), 0.0),
        minutes=minutes,
    )
    sums = table.groupby("gap")[["people", "served", "left"]].sum()
    return sums.assign(minutes_now=_medians(table)).reindex(range(len(old)), fill_value=np.nan)


def _medians(table: pd.DataFrame) -> pd.Series[float]:
    """Return the minutes that half of the people of each gap do not exceed."""
    ordered = table[table["minutes"].notna()].sort_values(["gap", "minutes"], kind="stable")
    run = ordered.groupby("gap")["people"].cumsum()
    whole = ordered.groupby("gap")["people"].transform("sum")
    return ordered[run >= whole / 2.0].groupby("gap")["minutes"].first()


def _present(
    named: gpd.GeoDataFrame,
    gaps: gpd.GeoDataFrame,
    partner: NDArray[np.int64],
    back: NDArray[np.bool_],
    shared: pd.DataFrame,
    facts: pd.DataFrame,
    *,
    then: Then,
    changed: Collection[str],
    entries: pd.DataFrame | None,
) -> pd.DataFrame:
    """Return the rows of the gaps of now."""
    people = gaps["people"].to_numpy(dtype=np.float64)
    inherited = shared.groupby("new")["of_new"].sum().reindex(range(len(gaps)), fill_value=0.0).to_numpy()
    carried = partner >= 0
    before = np.where(carried, _of_partners(_column(then.gaps, "people"), partner, np.nan), inherited)
    served = _of_partners(facts["served"].to_numpy(dtype=np.float64), partner, 0.0)
    comparable = ~gaps["service"].isin([*changed]).to_numpy()
    better = comparable & _is_better(before, served, people)
    old_minutes = _of_partners(_column(then.gaps, "minutes_to_nearest"), partner, np.nan)
    struck = set(entries.loc[entries["struck"], "gap_id"]) if entries is not None else set()
    state = np.select(
        [back | named["gap_id"].isin(struck).to_numpy(), carried & better, carried, inherited >= SAME_SHARE * people],
        ["returned", "better", "lasting", "lasting"],
        default="new",
    )
    return _rows(
        named,
        state,
        people_before=before,
        people_now=people,
        minutes_before=old_minutes,
        minutes_now=_column(gaps, "minutes_to_nearest"),
        comparable=comparable,
    )


def _column(table: pd.DataFrame, name: str) -> NDArray[np.float64]:
    return table[name].to_numpy(dtype=np.float64, na_value=np.nan)


def _is_better(
    before: NDArray[np.float64], served: NDArray[np.float64], people: NDArray[np.float64]
) -> NDArray[np.bool_]:
    fewer = people <= (1.0 - BETTER_SHARE) * before
    return np.asarray((served >= BETTER_SHARE * before) & fewer & (before > 0), dtype=bool)


def _gone(
    old: gpd.GeoDataFrame,
    partner: NDArray[np.int64],
    facts: pd.DataFrame,
    limits: Mapping[str, float],
    *,
    changed: Collection[str],
) -> pd.DataFrame:
    """Return the rows of the gaps of before that no gap of now carries on."""
    gone = np.setdiff1d(np.arange(len(old)), partner)
    table, known = old.iloc[gone].reset_index(drop=True), facts.iloc[gone]
    before, served = (known[name].to_numpy(dtype=np.float64) for name in ("people", "served"))
    comparable = ~table["service"].isin([*changed]).to_numpy() & table["service"].isin([*limits]).to_numpy()
    left = np.where(table["service"].isin([*limits]).to_numpy(), known["left"].to_numpy(dtype=np.float64), np.nan)
    closing = comparable & (served >= GONE_SHARE * before)
    state = np.select(
        [closing, comparable & _is_better(before, served, left)], ["closing", "better"], default="lasting"
    )
    return _rows(
        table,
        state,
        people_before=_column(table, "people"),
        people_now=left,
        minutes_before=_column(table, "minutes_to_nearest"),
        minutes_now=known["minutes_now"].to_numpy(),
        comparable=comparable,
    )


def _rows(table: pd.DataFrame, state: NDArray[np.str_], **columns: object) -> pd.DataFrame:
    texts = {name: table[name].fillna("").astype(str).tolist() for name in ("communities", "districts")}
    found = pd.DataFrame(
        {
            "gap_id": table["gap_id"].tolist(),
            "service": table["service"].tolist(),
            "state": state.tolist(),
            **columns,
            **texts,
        }
    )
    return found[[*schema.COMPARISON, "comparable"]]


def _past(then: Then, gone: pd.DataFrame, back: NDArray[np.object_]) -> gpd.GeoDataFrame:
    """Return the gaps that are there no more: those gone since the period before, and of all before what is not back."""
    newly = then.gaps[then.gaps["gap_id"].isin(gone["gap_id"])].assign(period=then.period)
    kept = then.past[~then.past["gap_id"].isin([*back])]
    columns = [*schema.GAPS_PAST, "geometry"]
    parts = [part[columns] for part in (newly, kept) if len(part)]
    if not parts:
        return kept
    found = gpd.GeoDataFrame(pd.concat(parts, ignore_index=True), geometry="geometry", crs=then.gaps.crs)
    return found.sort_values("gap_id", kind="stable").reset_index(drop=True)
