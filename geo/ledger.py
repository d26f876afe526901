"""What the ledger says of every gap after a run: what was computed, beside what people wrote."""

from __future__ import annotations

import datetime as dt
import re
import unicodedata
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from geo import schema
from geo.messages import Message, subject

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

# What people write in the column of states for an item that is done with.
STRUCK_WORDS = frozenset({"销号", "已销号", "同意销号", "完成销号", "已完成销号", "struck off", "closed"})
_NOT_YET = re.compile(r"不|未|待|拟|申请|建议|报送|审核|not|to be|propose")
_NOTHING = frozenset({"", "-", "—", "/", "无", "否", "none", "no"})
_DATE = re.compile(r"(\d{4})\s*[-/.年]\s*(\d{1,2})\s*(?:[-/.月]\s*(\d{1,2})\s*日?)?月?")
_COMPACT = re.compile(r"(\d{4})(\d{2})(\d{2})")
_NUMBERS = ("people", "minutes", "lon", "lat")


def date_of(text: str) -> dt.date | None:
    """Return the day that people wrote, the last of the month where they name none; None where it is no date.

    Examples
    --------
    >>> date_of("2027-3-31"), date_of("2027年2月"), date_of("20270105"), date_of("下周")
    (datetime.date(2027, 3, 31), datetime.date(2027, 2, 28), datetime.date(2027, 1, 5), None)
    """
    plain = unicodedata.normalize("NFKC", text).strip()
    found = _DATE.match(plain) or _COMPACT.fullmatch(plain)
    if found is None:
        return None
    year, month, day = (int(part) if part else 0 for part in found.groups())
    try:
        if day:
            return dt.date(year, month, day)
        first_of_next = dt.date(year + month // 12, month % 12 + 1, 1)
    except ValueError:
        return None
    return first_of_next - dt.timedelta(days=1)


def is_struck(status: str, struck: str) -> bool:
    """Say whether an item was struck off: its state says so, or it bears the day.

    Examples
    --------
    >>> is_struck("已销号", ""), is_struck("办理中", "2027-01-05"), is_struck("不予销号", "—")
    (True, True, False)
    """
    state = unicodedata.normalize("NFKC", status).strip().casefold()
    return state in STRUCK_WORDS or (date_of(struck) is not None and names_day(struck))


def _is_odd(status: str) -> bool:
    """Say whether a state speaks of striking off in words that are neither for it nor for what is still to come."""
    plain = unicodedata.normalize("NFKC", status).strip().casefold()
    return (
        ("销号" in plain or "消号" in plain or "struck" in plain)
        and plain not in STRUCK_WORDS
        and not _NOT_YET.search(plain)
    )


def names_day(text: str) -> bool:
    """Say whether a date bears its day: a month alone does not say that an item was struck off.

    Examples
    --------
    >>> names_day("2027-03-31"), names_day("2027年3月"), names_day("20270331")
    (True, False, True)
    """
    plain = unicodedata.normalize("NFKC", text).strip()
    found = _DATE.match(plain) or _COMPACT.fullmatch(plain)
    return found is not None and found[3] is not None


def doubts(entries: Sequence[Mapping[str, str]]) -> list[Message]:
    """Return which dates of the ledger cannot be read as one, and states that may be meant otherwise; all are kept."""
    told = [
        Message("ledger.odd_status", {"gap_id": row["gap_id"], "given": row["status"].strip()})
        for row in entries
        if _is_odd(row["status"]) and not is_struck(row["status"], row["struck"])
    ]
    for name in ("deadline", "struck"):
        odd = [
            row
            for row in entries
            if row[name].strip().casefold() not in _NOTHING
            and (date_of(row[name]) is None or (name == "struck" and not names_day(row[name])))
        ]
        told += [
            Message(
                "ledger.no_date",
                {"gap_id": row["gap_id"], "given": row[name].strip(), "column": Message(f"ledger.col_{name}")},
            )
            for row in odd
        ]
    return told


def table(entries: Sequence[Mapping[str, str]]) -> pd.DataFrame:
    """Return entries as a table: `schema.LEDGER`, numbers as numbers, states as codes, `struck_off` as a yes or no."""
    found = pd.DataFrame([{name: row[name] for name in schema.LEDGER} for row in entries], columns=[*schema.LEDGER])
    found = found.astype(object)
    for name in _NUMBERS:
        plain = found[name].astype(str).str.replace(",", "", regex=False)
        found[name] = pd.to_numeric(plain, errors="coerce").astype(np.float64)
    found["gap_id"] = found["gap_id"].astype(str).str.strip()
    codes = _codes()
    for name in ("state", "state_before"):
        found[name] = [codes.get(text.strip().casefold(), "") for text in found[name]]
    marks = zip(found["status"], found["struck"], strict=True)
    found["struck_off"] = np.array([is_struck(status, struck) for status, struck in marks], dtype=bool)
    return found


def _codes() -> dict[str, str]:
    """Return what states are called in either language → their code."""
    return {
        subject("ledger", lang)[f"state_{state}"].casefold(): state
        for lang in ("zh", "en")
        for state in schema.COMPARISON_STATES
    } | {state: state for state in schema.COMPARISON_STATES}


def carried_on(
    known: pd.DataFrame,
    gaps: pd.DataFrame,
    comparison: pd.DataFrame | None,
    *,
    period: str,
    day: dt.date,
    names: Mapping[str, str],
    broken: frozenset[str] = frozenset(),
) -> pd.DataFrame:
    """Return the ledger after a run: every entry, and one more for each gap that has none.

    Parameters
    ----------
    known
        From :func:`table`.
    gaps
        `schema.GAPS` under the ids that live on, with `unit_id`.
    comparison
        `schema.COMPARISON`; None without a previous period. Then a gap is new in the period in which its entry
        was made, and entries whose gap is not there stay as they are: nothing proposes to close them.
    period, day
        Of the study; the day is its last.
    names
        Unit id → name, for communities and districts.
    broken
        Gaps whose entry cannot be read: no second one is made.

    Returns
    -------
    `schema.LEDGER` plus `overdue`: whether the deadline passed before the item was struck off.
    """
    rows = _by_id(known)
    states = _states(rows, gaps, comparison, period=period)
    facts = _by_id(gaps.drop(columns="geometry", errors="ignore"))
    then = _by_id(comparison) if comparison is not None else {}
    for code, state in states.items():
        if code in broken:
            continue
        row = rows.setdefault(code, _begun(code, period=period, day=day))
        if row["period"] != period:
            row["state_before"] = row["state"]
        row |= {"state": state, "period": period, "first_period": row["first_period"] or period}
        row |= _of_gap(facts[code], names) if code in facts else _of_gone(then[code], names)
    found = pd.DataFrame([*rows.values()], columns=[*schema.LEDGER]).astype(object)
    late = [_is_late(row, day) for row in rows.values()]
    return found.assign(overdue=np.array(late, dtype=bool)).astype(dict.fromkeys(_NUMBERS, np.float64))


def _by_id(table: pd.DataFrame) -> dict[str, dict[str, Any]]:
    return {str(row["gap_id"]): {str(k): v for k, v in row.items()} for row in table.to_dict("records")}


def _states(
    rows: Mapping[str, Mapping[str, Any]], gaps: pd.DataFrame, comparison: pd.DataFrame | None, *, period: str
) -> dict[str, str]:
    """Return what is judged of each gap in this period."""
    if comparison is not None:
        return dict(zip(comparison["gap_id"].astype(str), comparison["state"], strict=True))
    found = {}
    for code in gaps["gap_id"].astype(str):
        row = rows.get(code)
        if row is not None and row["struck_off"]:
            found[code] = "returned"
        else:
            found[code] = "new" if row is None or row["first_period"] in {"", period} else "lasting"
    return found


def _begun(code: str, *, period: str, day: dt.date) -> dict[str, Any]:
    """Return a new entry."""
    empty: dict[str, Any] = {**dict.fromkeys(schema.LEDGER, ""), **dict.fromkeys(_NUMBERS, np.nan)}
    said = {"raised": day.isoformat(), "source": Message("ledger.source"), "status": Message("ledger.open")}
    return {**empty, "gap_id": code, "first_period": period, "period": period, **said}


def _of_gap(gap: Mapping[str, Any], names: Mapping[str, str]) -> dict[str, Any]:
    unit = str(gap.get("unit_id", gap["communities"]) or "")
    return {
        "service": gap["service"],
        "unit_name": names.get(unit, unit) if unit else Message("word.outside"),
        "districts": _listed(str(gap["districts"] or ""), names),
        "people": float(gap["people"]),
        "nearest_name": gap["nearest_name"],
        "minutes": float(gap["minutes_to_nearest"]),
        "lon": float(gap["lon"]),
        "lat": float(gap["lat"]),
    }


def _of_gone(row: Mapping[str, Any], names: Mapping[str, str]) -> dict[str, Any]:
    """Return what is said of a gap that is there no more; its place stays, for the case that it returns."""
    unit = str(row["communities"] or "")
    return {
        "service": row["service"],
        "unit_name": names.get(unit, unit) if unit else Message("word.outside"),
        "districts": _listed(str(row["districts"] or ""), names),
        "people": float(row["people_now"]),
        "nearest_name": "",  # the minutes of now are not those to the facility of before
        "minutes": float(row["minutes_now"]),
    }


def _listed(codes: str, names: Mapping[str, str]) -> str:
    return ";".join(names.get(code, code) for code in codes.split(";") if code)


def _is_late(row: Mapping[str, Any], day: dt.date) -> bool:
    """Say whether an item was, or is by the last day of the period, struck off later than its deadline."""
    deadline = date_of(str(row["deadline"]))
    if deadline is None:
        return False
    struck = date_of(str(row["struck"]))
    if struck is None and is_struck(str(row["status"]), ""):
        return False
    return (struck or day) > deadline
