"""Where to build next: which candidates there are, and which of them serve most people by the study's own minutes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, NamedTuple, get_args

import geopandas as gpd
import numpy as np
import pandas as pd

from geo import siting, units
from geo.errors import GeoValueError
from geo.point_tree import point_tree
from geo.scenarios import Question, Scenario, placed, what_if
from geo.siting import Demand, Pairs
from geo.travel_times import minutes_of, reach_each, stands

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from geo.analysis import Analysis
    from geo.modes import Mode

Model = Literal["mclp", "lscp", "p_median", "p_centre"]
SPACING_M = 500.0
SITES = (
    "rank",
    "candidate_id",
    "candidate_name",
    "people_newly_served",
    "people_served_cumulative",
    "share_cumulative",
    "minutes_mean",
    "minutes_furthest",
    "service",
    "mode",
    "limit_minutes",
    "demand",
    "model",
)
CURVE = ("sites", "people_newly_served", "people_served", "share", "service", "mode", "limit_minutes", "demand")


class _Choice(NamedTuple):
    """People, candidates and what they are asked for."""

    scenario: Scenario
    group: str
    candidates: gpd.GeoDataFrame
    people: Demand
    pairs: Pairs
    total: float
    assessed: bool


def suggest_sites(
    analysis: Analysis,
    service: str,
    *,
    add: int = 3,
    candidates: gpd.GeoDataFrame | Literal["venues", "streets"] = "venues",
    model: Model = "mclp",
    mode: str | Mode | None = None,
    limit: float | None = None,
    speed_kmh: float | None = None,
    group: str | None = None,
    spacing_m: float = SPACING_M,
) -> gpd.GeoDataFrame:
    """Return which candidates to build, existing facilities kept, best first.

    Parameters
    ----------
    analysis
        From :func:`geo.analyse`.
    service
        Code, label or alias of a type measured in minutes.
    add
        How many sites may be added, 1 or more; `lscp` finds the number itself.
    candidates
        `venues`: the study's venues with room (capacity not 0) that do not hold the service yet; `streets`: places
        along the streets near people who are not served; or points in any CRS that they state.
    model
        `mclp`: most people newly served. `lscp`: fewest sites that serve all whom the candidates can serve.
        `p_median`: least people × minutes (beyond the horizon counts as the horizon). `p_centre`: fewest minutes of
        the furthest person who can be reached.
    mode, limit, speed_kmh
        As in :func:`geo.what_if`.
    group
        Whose coverage: residents, workers or elders; by default the first that the service is for.
    spacing_m
        For `streets`: about how far candidates lie apart, metres.

    Returns
    -------
    GeoDataFrame of points in the study's CRS, one row a site, in the order of most people newly served:
    `rank`, `candidate_id`, `candidate_name`, `people_newly_served` (by this site alone, after those above it),
    `people_served_cumulative` (with those whom existing facilities serve), `share_cumulative` (0–1 of all people of the
    group; NaN where the study cannot be assessed), `minutes_mean` and `minutes_furthest` with the sites so far (people
    beyond the horizon count as the horizon; the furthest of those who are reached), then the basis: `service`, `mode`,
    `limit_minutes`, `demand`, `model`. Fewer rows than `add` where more sites would serve nobody. `attrs["not_attached"]`
    lists candidates that no street is near enough to. Proven optimal; the same input gives the same rows.

    Raises
    ------
    GeoValueError
        When an argument cannot be used, or there is no candidate.

    Examples
    --------
    >>> sites = geo.suggest_sites(analysis, "长者食堂", add=2, candidates="streets")
    >>> sites[["rank", "people_newly_served", "people_served_cumulative"]]
       rank  people_newly_served  people_served_cumulative
    0     1                 30.0                     259.0
    1     2                 27.0                     286.0
    >>> geo.what_if(analysis, "长者食堂", sites=sites).served()["people_served"]
    286.0
    """
    _refuse(_count_fault("add", add), _model_fault(model), _spacing_fault(spacing_m))
    wide = model in {"p_median", "p_centre"}
    asked = _choice(
        analysis,
        service,
        candidates,
        wide=wide,
        spacing_m=spacing_m,
        group=group,
        mode=mode,
        limit=limit,
        speed_kmh=speed_kmh,
    )
    kind = asked.scenario.service
    if model == "lscp":
        found = siting.lscp(asked.people, asked.pairs, limit=kind.limit)
    elif model == "mclp":
        found = siting.mclp(asked.people, asked.pairs, limit=kind.limit, add=add)
    elif model == "p_median":
        found = siting.p_median(asked.people, asked.pairs, horizon=units.horizon(kind.limit), add=add)
    else:
        found = siting.p_centre(asked.people, asked.pairs, add=add)
    return _ranked(asked, found, model)


def coverage_by_sites(
    analysis: Analysis,
    service: str,
    *,
    most: int = 10,
    candidates: gpd.GeoDataFrame | Literal["venues", "streets"] = "venues",
    mode: str | Mode | None = None,
    limit: float | None = None,
    speed_kmh: float | None = None,
    group: str | None = None,
    spacing_m: float = SPACING_M,
) -> pd.DataFrame:
    """Return the most people that 0, 1, 2 … more sites can serve: the curve of coverage against sites.

    Each number of sites is optimal by itself (`mclp`), so the sites of one row need not be among those of the next.

    Parameters
    ----------
    analysis, service, candidates, mode, limit, speed_kmh, group, spacing_m
        As in :func:`suggest_sites`.
    most
        The largest number of further sites, 1 or more.

    Returns
    -------
    DataFrame with `most` + 1 rows: `sites`, `people_newly_served` (by all these sites together, not by the last as
    in :func:`suggest_sites`), `people_served`, `share` (0–1; NaN where the study
    cannot be assessed), and the basis `service`, `mode`, `limit_minutes`, `demand`.

    Raises
    ------
    GeoValueError
        As :func:`suggest_sites`.

    Examples
    --------
    >>> curve = geo.coverage_by_sites(analysis, "长者食堂", most=2, candidates="streets")
    >>> curve[["sites", "people_served", "share"]]
       sites  people_served     share
    0      0          229.0  0.763333
    1      1          259.0  0.863333
    2      2          286.0  0.953333
    """
    _refuse(_count_fault("most", most), _spacing_fault(spacing_m))
    asked = _choice(
        analysis,
        service,
        candidates,
        wide=False,
        spacing_m=spacing_m,
        group=group,
        mode=mode,
        limit=limit,
        speed_kmh=speed_kmh,
    )
    kind, people = asked.scenario.service, asked.people
    served = people.people[units.within(people.minutes, kind.limit)].sum()
    new = [0.0]
    whole = asked.people.people @ _within(asked, np.arange(len(asked.candidates)))
    while len(new) <= most:
        if served + new[-1] >= whole:
            new.append(new[-1])
            continue
        sites = siting.mclp(people, asked.pairs, limit=kind.limit, add=len(new))
        new.append(float(people.people @ _within(asked, sites) - served))
    rows = np.array(new)
    return pd.DataFrame(
        {
            "sites": np.arange(most + 1),
            "people_newly_served": rows,
            "people_served": served + rows,
            "share": (served + rows) / asked.total if asked.total and asked.assessed else np.nan,
            "service": kind.code,
            "mode": kind.mode,
            "limit_minutes": kind.limit,
            "demand": asked.group,
        }
    )[[*CURVE]]


def _within(asked: _Choice, sites: NDArray[np.int64]) -> NDArray[np.bool_]:
    return units.within(siting.minutes_with(asked.people, asked.pairs, sites), asked.scenario.service.limit)


def _refuse(*faults: str) -> None:
    if told := [fault for fault in faults if fault]:
        raise GeoValueError("\n".join(told))


def _count_fault(name: str, value: object) -> str:
    whole = isinstance(value, int | np.integer) and not isinstance(value, bool) and value >= 1
    return "" if whole else f"{name} is {value!r}; accepted is a whole number, 1 or more"


def _model_fault(model: object) -> str:
    accepted = get_args(Model)
    return "" if model in accepted else f"model is {model!r}; accepted are {', '.join(accepted)}"


def _spacing_fault(value: object) -> str:
    good = isinstance(value, int | float) and not isinstance(value, bool) and 0 < value < np.inf
    return "" if good else f"spacing_m is {value!r}; accepted is a finite number of metres above 0"


def _choice(
    analysis: Analysis,
    service: str,
    candidates: gpd.GeoDataFrame | str,
    *,
    wide: bool,
    spacing_m: float,
    group: str | None,
    mode: str | Mode | None,
    limit: float | None,
    speed_kmh: float | None,
) -> _Choice:
    """Return people and candidates of a question; pairs reach up to the limit, or where `wide` to the horizon."""
    scenario = what_if(analysis, service, mode=mode, limit=limit, speed_kmh=speed_kmh)
    kind = scenario.service
    group = kind.demand[0] if group is None else group
    if group not in kind.demand:
        msg = f"group is {group!r}; {kind.code} is for {', '.join(kind.demand)}"
        raise GeoValueError(msg)
    rows = np.flatnonzero((analysis.demand["group"] == group).to_numpy())
    people = analysis.demand["people"].to_numpy(dtype=np.float64)[rows]
    now = scenario.minutes.to_numpy()[rows]
    asked = Question(kind, scenario.mode, scenario.network)
    places = _candidates(scenario, candidates, rows[~units.within(now, kind.limit)], spacing_m=spacing_m)
    snapped = analysis.linked.link(scenario.network, places.geometry.to_numpy())
    attached = (snapped["snap_status"] == "ok").to_numpy()
    lost = places.loc[~attached, "id"].tolist()
    if not attached.any():
        msg = f"no candidate of {len(places)} has a street within {analysis.linked.zones.cap_m:g} m to link to"
        raise GeoValueError(msg)
    places, snapped = places[attached].reset_index(drop=True), snapped[attached].reset_index(drop=True)
    places.attrs["not_attached"] = lost
    snapped["delay_minutes"] = kind.delay_minutes
    starts = analysis.linked.people(scenario.network, analysis.demand).iloc[rows].reset_index(drop=True)
    pairs = _pairs(asked, snapped, starts, limit=units.horizon(kind.limit) if wide else kind.limit)
    whole = scenario.coverage
    whole = whole[(whole["unit_kind"] == "study") & (whole["demand"] == group)]
    assessed = not (whole["status"] == "not_assessed").any()
    minutes = np.where(np.isnan(now), np.inf, now)
    return _Choice(scenario, group, places, Demand(people, minutes), pairs, float(people.sum()), assessed)


def _pairs(asked: Question, candidates: pd.DataFrame, people: pd.DataFrame, *, limit: float) -> Pairs:
    """Return the minutes between candidates and people, as the analysis computes them."""
    standing = stands(people, access_kmh=asked.mode.access_kmh)
    parts = [(np.empty(0, dtype=np.int64), np.empty(0, dtype=np.int64), np.empty(0))]
    for found in reach_each(asked.network, candidates, limit=limit, direction=asked.service.direction):
        minutes = minutes_of(found, standing)[0]
        there = np.flatnonzero(np.isfinite(minutes))
        parts.append((np.full(len(there), found.facilities.row[0]), standing.row[there], minutes[there]))
    return Pairs(*(np.concatenate(column) for column in zip(*parts, strict=True)))


def _candidates(
    scenario: Scenario, given: gpd.GeoDataFrame | str, unserved: NDArray[np.intp], *, spacing_m: float
) -> gpd.GeoDataFrame:
    """Return `id`, `name` and place of the candidates, in the study's CRS."""
    analysis = scenario.analysis
    if isinstance(given, str) and given == "venues":
        found = _venues(analysis, scenario.service.code)
        if not len(found):
            msg = (
                "the study has no venue with room that lacks the service; add a layer `venues`, "
                'give points as candidates, or use candidates="streets"'
            )
            raise GeoValueError(msg)
        return found
    if isinstance(given, str) and given == "streets":
        found = _street_places(scenario, unserved, spacing_m=spacing_m)
        if not len(found):
            msg = "nobody is without the service near a street: there is no place to suggest"
            raise GeoValueError(msg)
        return found
    if not isinstance(given, gpd.GeoDataFrame):
        msg = f"candidates is {given!r:.60}; accepted are venues, streets or a GeoDataFrame of points"
        raise GeoValueError(msg)
    found = placed(given, analysis)
    if not len(found):
        msg = "candidates has no rows; give at least one point"
        raise GeoValueError(msg)
    return found


def _venues(analysis: Analysis, code: str) -> gpd.GeoDataFrame:
    """Return the venues that have room and do not hold a working service of the type."""
    venues = analysis.context.get("venues")
    if venues is None:
        return placed(None, analysis)
    points = analysis.service_points
    holding = points.loc[(points["type"] == code) & points["counted"], "venue"]
    room = (pd.to_numeric(venues["capacity"], errors="coerce").fillna(1.0) > 0) & ~venues["id"].isin(holding)
    there = ~(venues.geometry.isna() | venues.geometry.is_empty)
    return placed(venues[room & there], analysis)


def _street_places(scenario: Scenario, unserved: NDArray[np.intp], *, spacing_m: float) -> gpd.GeoDataFrame:
    """Return junctions near people who are not served, one a square of the given side, from the south-west on."""
    net = scenario.network
    shapes = scenario.analysis.demand.geometry.iloc[unserved]
    shapes = shapes[~(shapes.isna() | shapes.is_empty)]
    nodes = np.unique(np.concatenate([net.start[~net.island], net.end[~net.island]]))
    xy = net.node_xy[nodes]
    if len(shapes):
        furthest_m = scenario.service.limit * max(net.fastest_m, units.metres_in(1.0, net.mode.access_kmh))
        tree = point_tree(np.column_stack([shapes.x, shapes.y]))
        xy = xy[np.isfinite(tree.query(xy, distance_upper_bound=furthest_m)[0])]
    else:
        xy = xy[:0]
    square = np.floor(xy / spacing_m)
    off = np.hypot(*(xy - (square + 0.5) * spacing_m).T)
    order = np.lexsort((off, square[:, 0], square[:, 1]))
    square, xy = square[order], xy[order]
    first = np.ones(len(xy), dtype=bool)
    first[1:] = (np.diff(square, axis=0) != 0).any(axis=1)
    xy = xy[first]
    names = [f"street-{number}" for number in range(1, len(xy) + 1)]
    crs = scenario.analysis.demand.crs
    return gpd.GeoDataFrame({"id": names, "name": ""}, geometry=gpd.points_from_xy(*xy.T), crs=crs)


def _ranked(asked: _Choice, sites: NDArray[np.int64], model: str) -> gpd.GeoDataFrame:
    """Return the chosen candidates in the order in which to build them, with what each adds."""
    kind, people = asked.scenario.service, asked.people
    order = siting.in_order(people, asked.pairs, sites, limit=kind.limit)
    far = asked.scenario.analysis.linked.link(asked.scenario.network, asked.candidates.geometry.to_numpy()[order])
    far["delay_minutes"] = kind.delay_minutes
    starts = _starts(asked)
    question = Question(kind, asked.scenario.mode, asked.scenario.network)
    wide = _pairs(question, far, starts, limit=units.horizon(kind.limit))
    before = units.within(people.minutes, kind.limit)
    rows, served = [], float(people.people[before].sum())
    for count in range(1, len(order) + 1):
        minutes = siting.minutes_with(people, wide, np.arange(count))
        now = float(people.people[units.within(minutes, kind.limit)].sum())
        capped = np.minimum(minutes, units.horizon(kind.limit))
        reached = np.isfinite(minutes) & (people.people > 0)
        if now > served or model in {"p_median", "p_centre"}:
            rows.append(
                (count - 1, now - served, now, float(capped @ people.people / asked.total), minutes[reached].max())
            )
        served = now
    number = np.array([order[row[0]] for row in rows], dtype=np.int64)
    places = asked.candidates.iloc[number].reset_index(drop=True)
    table = pd.DataFrame(rows, columns=["at", "new", "served", "mean", "furthest"])
    found = gpd.GeoDataFrame(
        {
            "rank": np.arange(1, len(rows) + 1),
            "candidate_id": places["id"].to_numpy(dtype=object),
            "candidate_name": places["name"].to_numpy(dtype=object),
            "people_newly_served": table["new"].to_numpy(dtype=np.float64),
            "people_served_cumulative": table["served"].to_numpy(dtype=np.float64),
            "share_cumulative": table["served"].to_numpy(dtype=np.float64)
            / (asked.total if asked.assessed else np.nan),
            "minutes_mean": table["mean"].to_numpy(dtype=np.float64),
            "minutes_furthest": table["furthest"].to_numpy(dtype=np.float64),
            "service": kind.code,
            "mode": kind.mode,
            "limit_minutes": kind.limit,
            "demand": asked.group,
            "model": model,
        },
        geometry=places.geometry.to_numpy(),
        crs=asked.candidates.crs,
    )
    found.attrs["not_attached"] = asked.candidates.attrs["not_attached"]
    return found[[*SITES, "geometry"]]


def _starts(asked: _Choice) -> pd.DataFrame:
    analysis = asked.scenario.analysis
    rows = np.flatnonzero((analysis.demand["group"] == asked.group).to_numpy())
    return analysis.linked.people(asked.scenario.network, analysis.demand).iloc[rows].reset_index(drop=True)
