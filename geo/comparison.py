"""What became of every gap since the period before; `matching` says which gap is which.

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

from geo import crs as crs_room, matching, schema, units

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from numpy.typing import NDArray

BETTER_SHARE = 0.1
GONE_SHARE = 0.9
_FIRST = ("returned", "new", "closing", "better", "lasting")
SAME_M = 25.0  # only there can people be said to be served now who were not


class Compared(NamedTuple):
    """Outcome of :func:`compare`.

    Attributes
    ----------
    gaps
        The gaps of now under the ids that live on; row order and all other columns as given.
    table
        `schema.COMPARISON` plus `comparable` and `grown`: service by service, what calls for attention first, within
        a state the gaps of now in their order, then those that are gone.
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
        The ledger: `gap_id`, `lon`, `lat` (NaN where not known), `struck` (True where struck off) and `fresh` (True
        where the entry was made in this very period: such a gap is new, however often it is computed).
    """
    crs_room.require_same(gaps, demand)
    then = _followed(then, demand)
    gaps, demand = gaps.reset_index(drop=True), demand.reset_index(drop=True)
    before, now = matching.members(then.gaps, then.demand), matching.members(gaps, demand)
    before = before.assign(**matching.counterparts(before["at"].to_numpy(), then.demand, demand))
    now = now.assign(**matching.counterparts(now["at"].to_numpy(), demand, then.demand))
    shared = matching.shared_people(before, now, then.gaps, gaps)
    partner = matching.partners(shared, then.gaps, gaps)
    known = [*then.gaps["gap_id"], *then.past["gap_id"]]
    ids = matching.of_partners(then.gaps["gap_id"].astype(str).to_numpy(dtype=object), partner, "")
    back = matching.returned(ids, gaps, now, demand, then.past)
    ids = np.where(back != "", back, ids)
    remembered = matching.remember(ids, gaps, entries, known=known)
    older = set(entries.loc[~entries["fresh"], "gap_id"]) if entries is not None else set()
    back = np.where((remembered != ids) & pd.Series(remembered, dtype=object).isin(older), remembered, back)
    named = gaps.assign(gap_id=matching.free_ids(remembered, gaps, taken=matching.taken_ids(known, entries)))
    facts = _facts(before, then.gaps, demand, limits)
    held = _held(now, before, gaps)
    present = _present(named, gaps, partner, back != "", held, facts, then=then, changed=changed, entries=entries)
    gone = _gone(then.gaps, partner, facts, limits, changed=changed)
    table = _ordered(pd.concat([part for part in (present, gone) if len(part)] or [present], ignore_index=True))
    return Compared(named, table, _past(then, gone, back, _left_ids(before, then.gaps, demand, limits)))


def _ordered(table: pd.DataFrame) -> pd.DataFrame:
    services = {code: number for number, code in enumerate(dict.fromkeys(table["service"]))}
    ranks = {state: number for number, state in enumerate(_FIRST)}
    keys = table.assign(service=table["service"].map(services), state=table["state"].map(ranks))
    return table.loc[keys.sort_values(["service", "state"], kind="stable").index].reset_index(drop=True)


def _followed(then: Then, like: gpd.GeoDataFrame) -> Then:
    """Return the period before in the CRS of now; gaps that went up in others but were never solved are followed on."""
    gaps, demand, past = (
        table.to_crs(like.crs).reset_index(drop=True) for table in (then.gaps, then.demand, then.past)
    )
    open_ = (past["demand_ids"] != "").to_numpy()
    parts = [part for part in (gaps.assign(period=then.period), past[open_]) if len(part)]
    if parts:
        gaps = gpd.GeoDataFrame(pd.concat(parts, ignore_index=True), geometry="geometry", crs=like.crs)
    else:
        gaps = gaps.assign(period="")
    return Then(then.period, gaps, demand, past[~open_].reset_index(drop=True))


def _held(now: pd.DataFrame, before: pd.DataFrame, gaps: gpd.GeoDataFrame) -> NDArray[np.float64]:
    """Return how many people of each gap of now stand where there was a gap of the same service before."""
    then = pd.MultiIndex.from_frame(before[["service", "at"]])
    there = (
        pd.MultiIndex.from_frame(now[["service", "other"]]).isin(then) if len(then) else np.zeros(len(now), dtype=bool)
    )
    sums = now[there].groupby("gap")["people"].sum().reindex(range(len(gaps)), fill_value=0.0)
    return np.asarray(sums.to_numpy(dtype=np.float64))


def _reached(
    before: pd.DataFrame, demand: gpd.GeoDataFrame, limits: Mapping[str, float]
) -> tuple[NDArray[np.float64], NDArray[np.bool_], NDArray[np.bool_]]:
    """Return minutes now where people of gaps of before start, whether they were computed, whether they suffice."""
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
    return minutes, evaluated, reached


def _facts(
    before: pd.DataFrame, old: gpd.GeoDataFrame, demand: gpd.GeoDataFrame, limits: Mapping[str, float]
) -> pd.DataFrame:
    """Return what became of the people of each gap of before: `people`, `served`, `left`, `minutes_now`."""
    minutes, evaluated, reached = _reached(before, demand, limits)
    here = np.append(demand["people"].to_numpy(dtype=np.float64), 0.0)[before["other"].to_numpy()]
    table = before.assign(
        served=np.where(reached & (before["metres"] <= SAME_M), before["people"], 0.0),
        left=np.where(evaluated & ~reached, np.minimum(here, before["people"]), 0.0),
        minutes=minutes,
    )
    sums = table.groupby("gap")[["people", "served", "left"]].sum()
    return sums.assign(minutes_now=_medians(table)).reindex(range(len(old)), fill_value=np.nan)


def _left_ids(
    before: pd.DataFrame, old: gpd.GeoDataFrame, demand: gpd.GeoDataFrame, limits: Mapping[str, float]
) -> list[str]:
    """Return, by gap of before, the demand points of now where its people are still not served, joined by ";"."""
    reached = _reached(before, demand, limits)[2]
    other = before["other"].to_numpy()
    left = before[~reached & (other >= 0)]
    ids = demand["id"].astype(str).to_numpy(dtype=object)[left["other"].to_numpy()]
    joined = (
        pd.Series(ids, index=left["gap"].to_numpy())
        .groupby(level=0)
        .agg(lambda part: matching.LIST_MARK.join(sorted({*part})))
    )
    return [str(text) for text in joined.reindex(range(len(old)), fill_value="")]


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
    held: NDArray[np.float64],
    facts: pd.DataFrame,
    *,
    then: Then,
    changed: Collection[str],
    entries: pd.DataFrame | None,
) -> pd.DataFrame:
    """Return the rows of the gaps of now."""
    people = gaps["people"].to_numpy(dtype=np.float64)
    carried = partner >= 0
    before = np.where(carried, matching.of_partners(_column(then.gaps, "people"), partner, np.nan), held)
    served = matching.of_partners(facts["served"].to_numpy(dtype=np.float64), partner, 0.0)
    comparable = ~gaps["service"].isin([*changed]).to_numpy()
    better = comparable & _is_better(before, served, people)
    old_minutes = matching.of_partners(_column(then.gaps, "minutes_to_nearest"), partner, np.nan)
    struck = set(entries.loc[entries["struck"], "gap_id"]) if entries is not None else set()
    state = np.select(
        [
            back | named["gap_id"].isin(struck).to_numpy(),
            carried & better,
            carried,
            held >= matching.SAME_SHARE * people,
        ],
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


def _rows(table: pd.DataFrame, state: NDArray[np.str_], **columns: NDArray[Any]) -> pd.DataFrame:
    texts = {name: table[name].fillna("").astype(str).tolist() for name in ("communities", "districts")}
    more = columns["people_now"] >= (1.0 + BETTER_SHARE) * columns["people_before"]
    grown = (state == "lasting") & columns["comparable"] & more
    keys = {"gap_id": table["gap_id"].tolist(), "service": table["service"].tolist(), "state": state.tolist()}
    found = pd.DataFrame({**keys, **columns, **texts, "grown": grown})
    return found[[*schema.COMPARISON, "comparable", "grown"]]


def _past(then: Then, gone: pd.DataFrame, back: NDArray[np.object_], left: list[str]) -> gpd.GeoDataFrame:
    """Return the gaps that are there no more: those gone since the period before, and of all before what is not back.

    What is proposed for striking off is done with; the rest is followed on where its people are.
    """
    states = then.gaps["gap_id"].map(dict(zip(gone["gap_id"], gone["state"], strict=True)))
    followed = then.gaps.assign(demand_ids=np.where((states == "closing").to_numpy(), "", np.array(left, dtype=object)))
    newly = followed[states.notna().to_numpy()]
    kept = then.past[~then.past["gap_id"].isin([*back])]
    columns = [*schema.GAPS_PAST, "geometry"]
    parts = [part[columns] for part in (newly, kept) if len(part)]
    if not parts:
        return kept
    found = gpd.GeoDataFrame(pd.concat(parts, ignore_index=True), geometry="geometry", crs=then.gaps.crs)
    return found.sort_values("gap_id", kind="stable").reset_index(drop=True)
