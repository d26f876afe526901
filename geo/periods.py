"""What a period takes over from the one before: ids that live on, what became of each gap, the ledger."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import pandas as pd

from geo import changes as changes_room, comparison, ledger, ledger_file, matching, past_results
from geo.errors import Fault, InputFaultsError
from geo.messages import DEFAULT_LANG, Message
from geo.study import last_day

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Mapping

    import geopandas as gpd

    from geo.messages import Lang
    from geo.study import Study


MOST_LINES = 5  # of the ledger that are told one by one where the same is wrong with them
MOST_SHOWN = 20


class Carried(NamedTuple):
    """What a period takes over from the one before and from the ledger.

    Attributes
    ----------
    gaps
        The gaps of now under the ids that live on.
    past
        Gaps of earlier periods that are there no more; None without a previous period.
    comparison
        `schema.COMPARISON`; None without a previous period.
    changes
        What changed of inputs and parameters.
    ledger
        See :func:`geo.ledger.carried_on`; None where it cannot be read.
    found
        `schema.LEDGER_FOUND`: what the ledger said before, so that a later comparison judges by the same; None where
        it cannot be read.
    told
        What is to be said of all this.
    previous
        What `summary.json` says of the period before; None without one.
    """

    gaps: gpd.GeoDataFrame
    past: gpd.GeoDataFrame | None
    comparison: pd.DataFrame | None
    changes: tuple[Message, ...]
    ledger: pd.DataFrame | None
    found: pd.DataFrame | None
    told: tuple[Message, ...]
    previous: dict[str, Any] | None


class Ledger(NamedTuple):
    """The ledger as found: its entries as a table, gaps whose entry is broken, whether it may be carried on."""

    table: pd.DataFrame | None
    broken: frozenset[str]
    told: tuple[Message, ...]


def previous_of(study: Study) -> past_results.PastResults | None:
    """Return the results of the period before that a study names; None where it names none.

    Raises
    ------
    InputFaultsError
        When they cannot be read, or are of a later period.
    """
    if study.previous is None:
        return None
    found = past_results.read(study.previous)
    if _is_later(found.period, study.last_day):
        raise InputFaultsError([_backwards(found, study.head.period)])
    return found


def _backwards(earlier: past_results.PastResults, period: str) -> Fault:
    return Fault(str(earlier.folder), Message("compare.backwards", {"before": earlier.period, "now": period}))


def read_ledger(study: Study) -> Ledger:
    """Return the ledger of a study's folder; one that cannot be read is told and left alone."""
    try:
        file = ledger_file.read(study.folder / ledger_file.NAME)
    except InputFaultsError as error:
        return Ledger(None, frozenset(), tuple(_as_told(fault) for fault in error.faults))
    entries = file.entries
    told = [*_lines_told(file.faults), *ledger.doubts(entries)]
    table = ledger.table(entries)
    later = [period for period in table["period"] if _is_later(str(period), study.last_day)]
    if later:
        told.append(Message("ledger.later", {"period": max(later), "own": study.head.period}))
        return Ledger(None, frozenset(), tuple(told))
    return Ledger(table, frozenset(file.broken_ids), tuple(told))


def _as_told(fault: Fault) -> Message:
    if fault.rows:
        return Message("ledger.line", {"number": fault.rows[0], "what": fault.message})
    return Message("ledger.whole", {"what": fault.message})


def _lines_told(faults: list[Fault]) -> list[Message]:
    """Return what is wrong with lines of the ledger: each with its number, the same of many lines once."""
    alike: dict[str, list[Fault]] = {}
    for fault in faults:
        alike.setdefault(fault.message.text(), []).append(fault)
    told = []
    for mine in alike.values():
        if len(mine) <= MOST_LINES:
            told += [_as_told(fault) for fault in mine]
            continue
        numbers = [str(row) for fault in mine for row in fault.rows]
        shown = ", ".join([*numbers[:MOST_SHOWN], *(["…"] if len(numbers) > MOST_SHOWN else [])])
        told.append(Message("ledger.lines", {"count": len(numbers), "numbers": shown, "what": mine[0].message}))
    return told


def _is_later(period: str, day: dt.date) -> bool:
    try:
        return last_day(period) > day
    except ValueError:
        return False


def carry(
    study: Study,
    gaps: gpd.GeoDataFrame,
    demand: gpd.GeoDataFrame,
    units: pd.DataFrame,
    points: pd.DataFrame,
    *,
    limits: Mapping[str, float],
    summary: Mapping[str, Any],
    previous: past_results.PastResults | None,
) -> Carried:
    """Return the gaps of now beside those of the period before, and the ledger carried on.

    Parameters
    ----------
    study, gaps, demand, units, points
        Of now; `schema.GAPS`, `schema.DEMAND`, `schema.UNITS` and service points.
    limits
        Service → minutes that decide, for the services evaluated now.
    summary
        `study`, `inputs`, `parameters`, `crs`, `versions` and `services` of now, as in `summary.json`.
    previous
        From :func:`geo.past_results.read`.

    Raises
    ------
    InputFaultsError
        When the results of before bear another id and less than half of their people are found now.
    """
    found = read_ledger(study)
    entries = None if found.table is None else _entries(found, study.head.period)
    told, past, table = [*found.told], None, None
    changed: tuple[Message, ...] = ()
    about = None
    if previous is None:
        gaps = matching.renamed(gaps, entries)
    else:
        if previous.summary["study"].get("id") != summary["study"]["id"]:
            _require_one_place(previous, study.head.id, demand)
        changes = changes_room.between(previous.summary, summary)
        then = comparison.Then(previous.period, previous.gaps, previous.demand, previous.past)
        compared = comparison.compare(then, gaps, demand, limits, changed=changes.services, entries=entries)
        gaps, past, table = compared.gaps, compared.past, compared.table
        changed = (*changes.told, *changes_room.of_points(previous.points, points, summary, previous.summary))
        told.insert(0, _counted(table, previous, len(changed)))
        about = {"period": previous.period, "id": previous.summary["study"].get("id"), "sha256": previous.sha256}
    kept = None
    if found.table is not None:
        named = units[units["unit_kind"].isin(("community", "district"))]
        kept = ledger.carried_on(
            found.table,
            gaps,
            table,
            period=study.head.period,
            day=study.last_day,
            names={str(code): str(name) for code, name in zip(named["unit_id"], named["unit_name"], strict=True)},
            broken=found.broken,
        )
        told += _unseen(found.table, gaps) if table is None else []
    lasting = None if entries is None else _as_found(entries, gaps)
    return Carried(gaps, past, table, changed, kept, lasting, tuple(told), about)


def _entries(found: Ledger, period: str) -> pd.DataFrame:
    """Return id, place and end of every entry, those of broken lines too: their ids are taken."""
    assert found.table is not None  # noqa: S101 - asked by the caller
    known = found.table[["gap_id", "lon", "lat", "struck_off"]].rename(columns={"struck_off": "struck"})
    known = known.assign(fresh=(found.table["first_period"] == period).to_numpy(dtype=bool))
    columns = {"lon": float("nan"), "lat": float("nan"), "struck": False, "fresh": False}
    broken = pd.DataFrame({"gap_id": sorted(found.broken), **columns})
    return pd.concat([part for part in (known, broken) if len(part)] or [known], ignore_index=True)


def _as_found(entries: pd.DataFrame, gaps: gpd.GeoDataFrame) -> pd.DataFrame:
    """Return what a later comparison needs of the ledger; a gap that is there says itself where it is."""
    found = entries[~entries["fresh"] | entries["struck"]].reset_index(drop=True)
    there = found["gap_id"].isin(gaps["gap_id"])
    return found.assign(**{name: found[name].mask(there) for name in ("lon", "lat")})


def _counted(table: pd.DataFrame, previous: past_results.PastResults, changes: int) -> Message:
    counts = table["state"].value_counts()
    values = {state: int(counts.get(state, 0)) for state in ("new", "lasting", "better", "returned", "closing")}
    key = "compare.told_changed" if changes else "compare.told"
    return Message(key, {**values, "period": previous.period, "changes": changes})


def _unseen(known: pd.DataFrame, gaps: gpd.GeoDataFrame) -> list[Message]:
    gone = known[~known["gap_id"].isin(gaps["gap_id"]) & ~known["struck_off"]]
    return [Message("ledger.unseen", {"count": len(gone)})] if len(gone) else []


class TwoPeriods(NamedTuple):
    """Two result folders side by side: what changed of the measuring, and what became of each gap."""

    before: past_results.PastResults
    now: past_results.PastResults
    changes: tuple[Message, ...]
    table: pd.DataFrame
    gaps: gpd.GeoDataFrame


def compare(old: str | Path, new: str | Path) -> TwoPeriods:
    """Compare two result folders, that of an earlier and that of a later period.

    Parameters
    ----------
    old, new
        Folders that :meth:`geo.Analysis.write` or `geo run` wrote; neither is changed.

    Returns
    -------
    `before`, `now` (what the folders hold), `changes` (messages about inputs and parameters that changed, to be said
    first), `table` (`schema.COMPARISON` plus `comparable` and `grown`, a row a gap of either period; minutes,
    people) and `gaps` (polygons of the gaps, study CRS).

    Raises
    ------
    InputFaultsError
        With the faults of both, where one is no result folder; when the first is of a later period than the second;
        when they bear two ids and less than half of the people of the first are found in the second.

    Examples
    --------
    >>> before, now = folder / "2026Q4", folder / "2027Q1"
    >>> for one in (before, now):
    ...     files = analysis.write(one)
    >>> geo.compare(before, now).table[["gap_id", "state"]]
                        gap_id    state
    0    gig_station-outside-1  lasting
    1       gig_station-east-1  lasting
    2     canteen_elder-east-1  lasting
    3     canteen_elder-west-1  lasting
    4  canteen_elder-west-rest  lasting
    """
    faults: list[Fault] = []
    read = []
    for folder in (Path(old), Path(new)):
        try:
            read.append(past_results.read(folder))
        except InputFaultsError as error:
            faults += error.faults
    if faults:
        raise InputFaultsError(faults)
    before, now = read
    if backwards := _are_backwards(before, now):
        raise InputFaultsError([backwards])
    changes = changes_room.between(before.summary, now.summary)
    services = now.summary["parameters"].get("services", {})
    limits = {code: float(found["limit"]) for code, found in services.items()}
    then = comparison.Then(before.period, before.gaps, before.demand, before.past)
    demand = now.demand.to_crs(now.gaps.crs)
    own = now.summary["study"].get("id")
    if before.summary["study"].get("id") != own:
        _require_one_place(before, own, demand)
    entries = None if now.ledger is None else _with_own(now.ledger, now.gaps)
    found = comparison.compare(then, now.gaps, demand, limits, changed=changes.services, entries=entries)
    told = (*changes.told, *changes_room.of_points(before.points, now.points, now.summary, before.summary))
    told += () if entries is not None else (Message("compare.no_ledger"),)
    return TwoPeriods(before, now, told, found.table, found.gaps)


def _are_backwards(before: past_results.PastResults, now: past_results.PastResults) -> Fault | None:
    try:
        return _backwards(before, now.period) if _is_later(before.period, last_day(now.period)) else None
    except ValueError:
        return None


def _require_one_place(before: past_results.PastResults, own: str, demand: gpd.GeoDataFrame) -> None:
    """Raise InputFaultsError where results under two ids are not about the same people either."""
    then = before.demand.to_crs(demand.crs)
    met = np.asarray(matching.counterparts(np.arange(len(then)), then, demand)["other"], dtype=np.int64) >= 0
    people = then["people"].to_numpy(dtype=np.float64)
    if people[met].sum() < matching.SAME_SHARE * people.sum():
        ids = {"before": before.summary["study"].get("id"), "now": own}
        raise InputFaultsError([Fault(str(before.folder), Message("compare.two_studies", ids))])


def _with_own(found: pd.DataFrame, gaps: gpd.GeoDataFrame) -> pd.DataFrame:
    """Return the entries that a run found, and those that it made itself: its gaps keep their ids."""
    own = gaps.loc[~gaps["gap_id"].isin(found["gap_id"]), ["gap_id"]]
    if own.empty:
        return found
    nan = float("nan")
    made = pd.DataFrame({"gap_id": own["gap_id"], "lon": nan, "lat": nan, "struck": False, "fresh": True})
    return made if found.empty else pd.concat([found, made], ignore_index=True)


def write_changes(found: TwoPeriods, folder: Path, *, lang: Lang = DEFAULT_LANG) -> list[Path]:
    """Write `comparison.csv` and `comparison.html`, a page with one figure a service, and return them.

    Raises
    ------
    InputFaultsError
        When the folder cannot be written, or is one of the two result folders.
    """
    from geo import maps, reports  # noqa: PLC0415 - heavy libraries

    if folder.resolve() in {found.before.folder.resolve(), found.now.folder.resolve()}:
        raise InputFaultsError([Fault(str(folder), Message("compare.into_results"))])
    page = maps.delta_page(found.before, found.now, found.table, found.gaps, changes=found.changes, lang=lang)
    return reports.write_comparison(found.table, folder, page=page, lang=lang)
