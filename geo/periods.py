"""What a period takes over from the one before: ids that live on, what became of each gap, the ledger."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import pandas as pd

from geo import changes as changes_room, comparison, ledger, ledger_file, matching, past_results
from geo.errors import Fault, InputFaultsError
from geo.messages import DEFAULT_LANG, Message
from geo.study import last_day

if TYPE_CHECKING:
    from collections.abc import Mapping

    import geopandas as gpd

    from geo.messages import Lang
    from geo.study import Study


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
    told: tuple[Message, ...]
    previous: dict[str, Any] | None


class Ledger(NamedTuple):
    """The ledger as found: its entries as a table, gaps whose entry is broken, whether it may be carried on."""

    table: pd.DataFrame | None
    broken: frozenset[str]
    told: tuple[Message, ...]


def read_ledger(study: Study) -> Ledger:
    """Return the ledger of a study's folder; one that cannot be read is told and left alone."""
    try:
        file = ledger_file.read(study.folder / ledger_file.NAME)
    except InputFaultsError as error:
        return Ledger(None, frozenset(), tuple(_as_told(fault) for fault in error.faults))
    entries = file.entries
    told = [*(_as_told(fault) for fault in file.faults), *ledger.doubts(entries)]
    table = ledger.table(entries)
    later = [period for period in table["period"] if _is_later(str(period), study)]
    if later:
        told.append(Message("ledger.later", {"period": max(later), "own": study.head.period}))
        return Ledger(None, frozenset(), tuple(told))
    return Ledger(table, frozenset(file.broken_ids), tuple(told))


def _as_told(fault: Fault) -> Message:
    if fault.rows:
        return Message("ledger.line", {"number": fault.rows[0], "what": fault.message})
    return Message("ledger.whole", {"what": fault.message})


def _is_later(period: str, study: Study) -> bool:
    try:
        return last_day(period) > study.last_day
    except ValueError:
        return False


def carry(
    study: Study,
    gaps: gpd.GeoDataFrame,
    demand: gpd.GeoDataFrame,
    units: pd.DataFrame,
    *,
    limits: Mapping[str, float],
    summary: Mapping[str, Any],
    previous: past_results.PastResults | None,
) -> Carried:
    """Return the gaps of now beside those of the period before, and the ledger carried on.

    Parameters
    ----------
    study, gaps, demand, units
        Of now; `schema.GAPS`, `schema.DEMAND` and `schema.UNITS`.
    limits
        Service → minutes that decide, for the services evaluated now.
    summary
        `study`, `inputs`, `parameters`, `crs`, `versions` and `services` of now, as in `summary.json`.
    previous
        From :func:`geo.past_results.read`.
    """
    found = read_ledger(study)
    entries = None if found.table is None else _entries(found, study.head.period)
    told, past, table = [*found.told], None, None
    changed: tuple[Message, ...] = ()
    about = None
    if previous is None:
        gaps = matching.renamed(gaps, entries)
    else:
        changes = changes_room.between(previous.summary, summary)
        then = comparison.Then(previous.period, previous.gaps, previous.demand, previous.past)
        compared = comparison.compare(then, gaps, demand, limits, changed=changes.services, entries=entries)
        gaps, past, table, changed = compared.gaps, compared.past, compared.table, changes.told
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
    return Carried(gaps, past, table, changed, kept, tuple(told), about)


def _entries(found: Ledger, period: str) -> pd.DataFrame:
    """Return id, place and end of every entry, those of broken lines too: their ids are taken."""
    assert found.table is not None  # noqa: S101 - asked by the caller
    known = found.table[["gap_id", "lon", "lat", "struck_off"]].rename(columns={"struck_off": "struck"})
    known = known.assign(fresh=(found.table["first_period"] == period).to_numpy(dtype=bool))
    columns = {"lon": float("nan"), "lat": float("nan"), "struck": False, "fresh": False}
    broken = pd.DataFrame({"gap_id": sorted(found.broken), **columns})
    return pd.concat([part for part in (known, broken) if len(part)] or [known], ignore_index=True)


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
        With the faults of both, where one is no result folder.

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
    changes = changes_room.between(before.summary, now.summary)
    services = now.summary["parameters"].get("services", {})
    limits = {code: float(found["limit"]) for code, found in services.items()}
    then = comparison.Then(before.period, before.gaps, before.demand, before.past)
    demand = now.demand.to_crs(now.gaps.crs)
    found = comparison.compare(then, now.gaps, demand, limits, changed=changes.services)
    return TwoPeriods(before, now, changes.told, found.table, found.gaps)


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
