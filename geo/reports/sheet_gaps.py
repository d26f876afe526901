"""Who is not served, and where? The list of gaps as offices keep it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from geo import messages, schema
from geo.gaps import weighted_median
from geo.reports import cells, headline, layout, ledger, places, three_lists, wording
from geo.reports.layout import Column

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    import pandas as pd

    from geo.catalogue import ServiceType
    from geo.reports.edition import Edition
    from geo.reports.headline import Covered, Unit
    from geo.reports.layout import Book
    from geo.reports.lines import LineSheet

_LEFT_OVER = "-rest"  # ends the id of a row that lists what is below the least size of a gap
_PEOPLE_DECIMALS = 6  # a difference of sums is freed of their rounding
_SUMMED = ("unserved_of_unit", "people_in_gaps")
# The last columns of the offices' list with their widths; those that people fill in.
_BY_HAND = ("owner", "deadline", "state")
_LATER = {
    "level": 6,
    "measure": 18,
    "venue_near": 28,
    "site": 18,
    "owner": 10,
    "deadline": 13,
    "state": 8,
    "state_before": 8,
}
_ON_BOTH = 2  # columns, the id among them, that stand on both printed pages
_NOBODY = np.empty(0, dtype=np.int64)
_OF_LEDGER = ("owner", "deadline", "state", "state_before")
_OUTSIDE: Unit = ("outside", "")


@dataclass(frozen=True)
class Lack:
    """The people of one unit and group whom one service does not reach.

    Attributes
    ----------
    service, group
        Codes.
    unit
        A community, or outside.
    gaps
        Rows of the gaps that hold people of the group, most of them first.
    people
        People of the group in these gaps.
    """

    service: str
    group: str
    unit: Unit
    gaps: list[dict[str, Any]]
    people: float


def write_gaps(book: Book) -> None:
    """Write one line per unit, service and group that lacks cover; every number is of that group alone."""
    columns = gap_columns(book)
    second = next(at for at, column in enumerate(columns) if column.header == book.say("passes_column"))
    over = (_ON_BOTH, second)  # what stands over a column of both pages would be cut on the second
    sheet = layout.open_sheet(book, "gaps", columns, notes=book.say("note_gap_people"), paper=layout.A3, titled=over)
    layout.print_in_parts(sheet, repeated=_ON_BOTH, before=second)
    head = layout.FIRST_ROW
    unjudged = unjudged_text(book)
    if unjudged:
        head = layout.line_across(book, sheet, head, columns, unjudged, over=over)
    lines = [line for _, line in listed(book)]
    end = layout.table(book, sheet, head, columns, lines)
    _write_total(book, sheet, end, columns=columns, lines=lines)
    layout.fold_columns(sheet, columns, _unknown(book, columns, lines))
    layout.head_of_table(sheet, head, last_row=end - 1, columns=len(columns), frozen_columns=_ON_BOTH)
    layout.close_sheet(sheet, rows=end + 1, columns=len(columns))


def gap_columns(book: Edition) -> list[Column]:
    """Return the columns of the list."""
    return [
        Column(book.say("number"), 6, "whole"),
        Column(book.say("gap_id"), 22),
        Column(book.say("number_of_gaps"), 7, "whole"),
        Column(book.say("county"), 10),
        Column(book.say("district"), 11),
        Column(book.say("town"), 9),
        Column(book.say("unit_kind"), 8),
        Column(book.say("unit_name"), 13),
        Column(book.say("service"), 11),
        Column(book.say("way"), 12),
        Column(book.say("served_groups"), 9),
        *(Column(book.say(name), 10, "people") for name in ("people_of_unit", "served_of_unit", *_SUMMED)),
        Column(book.say("share_of_unit"), 8, "share"),
        Column(book.say("pass_line"), 7, "share"),
        Column(book.say("passes_column"), 12),
        Column(book.say("nearest"), 15),
        Column(book.say("distance"), 6, "whole"),
        Column(book.say("minutes"), 9, "minutes"),
        *(Column(book.say(f"later_{name}"), width) for name, width in _LATER.items()),
        Column(book.say("note"), 16),
    ]


def unjudged_text(book: Edition) -> str:
    """Return how many people are in no gap because their unit cannot be judged; "" where there are none."""
    told = book.results.summary.get("services", {})
    parts = [
        book.say(
            "unjudged_people",
            n=f"{people:,.0f}",
            service=kind.name(book.lang),
            group=wording.group(group, book.lang),
        )
        for code, kind in book.results.services.items()
        for group, given in told.get(code, {}).get("unjudged_not_served", {}).items()
        if (people := cells.number_of(given) or 0.0) > 0
    ]
    return book.say("semicolon").join(parts)


def listed(book: Edition) -> list[tuple[Lack, list[object]]]:
    """Return the list: what is lacking, and its cells."""

    def work() -> list[tuple[Lack, list[object]]]:
        lacks = lacks_of(book)
        return list(zip(lacks, gap_lines(book, lacks), strict=True))

    return book.once("gaps_listed", work)


def lacks_of(book: Edition) -> list[Lack]:
    """Return the lines of the list: services in their order, within one those with most people first."""
    gaps = book.results.gaps
    found: dict[tuple[str, str, Unit], list[dict[str, Any]]] = {}
    for gap in gaps.drop(columns=gaps.geometry.name).to_dict("records"):
        code = cells.text_of(gap.get("unit_id", gap["communities"]), book.lang)
        unit = ("community", code) if code else _OUTSIDE
        for group in schema.GROUPS:
            if (cells.number_of(gap.get(f"people_{group}")) or 0.0) > 0:
                found.setdefault((gap["service"], group, unit), []).append(gap)
    lacks = [
        Lack(
            service,
            group,
            unit,
            sorted(mine, key=lambda gap: -gap[f"people_{group}"]),
            sum(gap[f"people_{group}"] for gap in mine),
        )
        for (service, group, unit), mine in found.items()
    ]
    order = {code: at for at, code in enumerate(book.results.services)}
    return sorted(lacks, key=lambda lack: (order.get(lack.service, len(order)), -lack.people, lack.unit, lack.group))


def gap_lines(book: Edition, lacks: list[Lack]) -> Iterator[list[object]]:
    """Give the cells of every line."""
    results, lang = book.results, book.lang
    towns = _towns(book)
    names = book.unit_names
    matched, planned = three_lists.matches_by_gap(book), three_lists.planned_in(book)
    kept = _ledger(book)
    facilities = dict(zip(results.service_points["id"].tolist(), results.service_points["name"].tolist(), strict=True))
    covered = {
        (code, group): _covered(book, kind, group) for code, kind in results.services.items() for group in kind.demand
    }
    for number, lack in enumerate(lacks, start=1):
        kind = results.services.get(lack.service)
        found = covered.get((lack.service, lack.group), {}).get(lack.unit)
        minutes, nearest, metres = _nearest(book, lack, facilities)
        fit = matched.get(cells.text_of(lack.gaps[0]["gap_id"], lang), [])
        yield [
            number,
            _ids(lack, lang),
            len(lack.gaps),
            results.study.head.name,
            _districts(lack, names, lang),
            towns.get(lack.unit),
            wording.unit_kind(lack.unit[0], lang),
            names.get(lack.unit) if lack.unit[1] else wording.unit_kind(lack.unit[0], lang),
            wording.service(lack.service, results, lang),
            book.say("way_of_ring", ring=wording.ring(kind.rings[0], lang)) if kind and kind.rings else None,
            wording.group(lack.group, lang),
            *_people(found),
            lack.people,
            *_judged(book, found, kind),
            nearest,
            metres,
            wording.beyond(minutes, kind, lang),
            *_proposal(book, lack, fit, planned),
            *_of_ledger(book, lack, kept),
            _remark(book, lack, found),
        ]


def _covered(book: Edition, kind: ServiceType, group: str) -> Mapping[Unit, Covered]:
    return headline.of_ring(book, kind.code, kind.rings[0] if kind.rings else None, group)


def _towns(book: Edition) -> dict[Unit, str]:
    table: pd.DataFrame = book.results.units
    columns = (table[name].tolist() for name in ("unit_kind", "unit_id", "town"))
    return {(kind, code): cells.text_of(town, book.lang) for kind, code, town in zip(*columns, strict=True)}


def _ids(lack: Lack, lang: messages.Lang) -> str:
    """Return the ids of the gaps, the first in full and of the others what differs within the unit."""
    ids = [cells.text_of(gap["gap_id"], lang) for gap in lack.gaps]
    stem = f"{lack.service}-{lack.unit[1] or lack.unit[0]}"
    return messages.text("word.comma", lang).join([ids[0], *(code.removeprefix(stem) for code in ids[1:])])


def _districts(lack: Lack, names: dict[Unit, str], lang: messages.Lang) -> str:
    """Return the names of the districts that the gaps lie in; an id that no unit bears stays as it is."""
    parts = (part for gap in lack.gaps for part in cells.text_of(gap["districts"], lang).split(cells.LIST_MARK))
    listed = sorted({part for part in parts if part})
    return messages.text("word.comma", lang).join(
        cells.text_of(names.get(("district", part), part), lang) for part in listed
    )


def _people(found: Covered | None) -> list[object]:
    """Return people, served and not served of the group in the unit; none of these where it is not assessed."""
    if found is None or found.people is None:
        return [None, None, None]
    if found.served is None or found.status == "not_assessed":
        return [found.people, None, None]
    return [found.people, found.served, round(found.people - found.served, _PEOPLE_DECIMALS)]


def _judged(book: Edition, found: Covered | None, kind: ServiceType | None) -> list[object]:
    """Return the group's share, the pass line, and whether it passes: said only where the threshold was read."""
    share, line = found.share if found else None, headline.pass_line(book.results)
    return [share, line, wording.verdict(kind, share, line, book.lang) if kind else None]


def _nearest(book: Edition, lack: Lack, facilities: dict[str, object]) -> tuple[object, object, object]:
    """Return of the group's people in its largest gap the median minutes, the place nearest to most, the median metres."""
    gap, demand = lack.gaps[0], book.results.demand
    at = book.rows_of_gaps.get(gap["gap_id"], _NOBODY)
    at = at[book.groups[at] == lack.group]
    if not len(at):
        return gap["minutes_to_nearest"], gap["nearest_name"], None
    people = demand["people"].to_numpy(dtype=np.float64)[at]
    metres = None
    if f"metres_{lack.service}" in demand.columns:
        metres = weighted_median(demand[f"metres_{lack.service}"].to_numpy(dtype=np.float64)[at], people)
    if gap[f"people_{lack.group}"] == gap["people"]:
        return gap["minutes_to_nearest"], gap["nearest_name"], metres
    minutes = weighted_median(demand[f"minutes_{lack.service}"].to_numpy(dtype=np.float64)[at], people)
    nearest = demand[f"nearest_{lack.service}"].iloc[at].fillna("").to_numpy(dtype=object)
    return minutes, facilities.get(places.nearest_to_most(nearest, people), ""), metres


def _proposal(
    book: Edition, lack: Lack, fit: list[dict[str, Any]], planned: dict[tuple[str, str], list[str]]
) -> list[object]:
    """Return level, measure, the venues that fit (name, straight metres), and the place that is proposed."""
    best = fit[0] if fit else None
    near = _venues_near(book, fit)
    gap = lack.gaps[0]
    place = best["venue_name"] if best else book.say("at_lon_lat", lon=f"{gap['lon']:.6f}", lat=f"{gap['lat']:.6f}")
    return [
        book.say(f"level_{three_lists.level_of(lack.people)}"),
        three_lists.measure_for(book, gap, fit, planned),
        near,
        place if best or np.isfinite(gap["lon"]) else None,
    ]


def _venues_near(book: Edition, fit: list[dict[str, Any]]) -> str:
    """Return the venues that fit, each with its straight way."""
    return book.listed(
        book.say("venue_at", name=cells.text_of(row["venue_name"], book.lang), metres=f"{row['metres']:.0f}")
        for row in fit
    )


def _ledger(book: Edition) -> dict[str, dict[str, str]]:
    """Return gap id → what the ledger says of it: owner and deadline as people wrote them, its state now and before.

    Where no ledger can be read the state is what the comparison says.
    """
    results = book.results
    if results.ledger is not None:
        rows = zip(*(results.ledger[name].tolist() for name in ("gap_id", *_OF_LEDGER)), strict=True)
        return {
            str(code): {name: cells.text_of(value, book.lang) for name, value in zip(_OF_LEDGER, said, strict=True)}
            for code, *said in rows
        }
    table = results.comparison
    if table is None:
        return {}
    return {str(code): {"state": str(state)} for code, state in zip(table["gap_id"], table["state"], strict=True)}


def _of_ledger(book: Edition, lack: Lack, kept: dict[str, dict[str, str]]) -> list[object]:
    """Return owner, deadline, state now and state before; of several gaps each that differs, the largest gap's first."""
    entries = [entry for gap in lack.gaps if (entry := kept.get(str(gap["gap_id"]))) is not None]
    found: list[object] = []
    for name in _OF_LEDGER:
        said = (entry.get(name, "") for entry in entries)
        found.append(book.listed(dict.fromkeys(ledger.word_of(name, text, book.lang) for text in said)))
    return found


def _remark(book: Edition, lack: Lack, found: Covered | None) -> str:
    remarks = []
    if any(str(gap["gap_id"]).endswith(_LEFT_OVER) for gap in lack.gaps):
        remarks.append(book.say("remark_rest"))
    if found is not None and found.status == "edge":
        remarks.append(wording.status(found.status, book.lang))
    return book.say("semicolon").join(remarks)


def _unknown(book: Book, columns: list[Column], lines: list[list[object]]) -> list[int]:
    """Return the columns that nothing is known in and nobody fills in."""
    by_hand = {book.say(f"later_{name}") for name in _BY_HAND}
    hidden = (at for at, column in enumerate(columns) if column.header not in {*by_hand, book.say("note")})
    return [at for at in hidden if lines and all(not cells.text_of(line[at], book.lang).strip() for line in lines)]


def _write_total(book: Book, sheet: LineSheet, row: int, *, columns: list[Column], lines: list[list[object]]) -> None:
    """Write the sums of people, which follow the filter: set one service to count people once."""
    summed = {book.say(name) for name in _SUMMED}
    for position, column in enumerate(columns):
        if column.header not in summed:
            label = book.say("total") if position == 1 else ""
            sheet.write_string(row, position, label, book.formats["total"])
        elif lines:
            people = sum(cells.number_of(line[position]) or 0.0 for line in lines)
            layout.write_sum(book, sheet, row, position, first=row - len(lines), value=people)
        else:
            layout.write(book, sheet, row, position, 0, kind="people", style="total")
