"""Is each unit complete? The six functions of neighbourhood centres, and what every park or community should have."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pandas as pd
from xlsxwriter.utility import xl_rowcol_to_cell

from geo.reports import cells, centres, layout, places, wording
from geo.reports.layout import Column

if TYPE_CHECKING:
    from collections.abc import Iterator

    from geo.reports.edition import Edition
    from geo.reports.layout import Book
    from geo.reports.lines import LineSheet

_PRESENCE_KINDS = ("park", "community")
_WITHIN = tuple(f"unit_{kind}" for kind in _PRESENCE_KINDS)


def write_centres(book: Book) -> None:
    """Write which of the six functions every working neighbourhood centre has, and which it lacks."""
    columns = centre_columns(book)
    sheet = layout.open_sheet(book, "centres", columns)
    head = layout.line_across(book, sheet, layout.FIRST_ROW, columns, book.say("note_centres"))
    lines = list(centre_lines(book))
    end = layout.table(book, sheet, head, columns, lines)
    _count(book, sheet, end, lines, {at: book.say("has") for at in range(5, 5 + len(centres.FUNCTIONS))}, columns)
    layout.head_of_table(sheet, head, last_row=end - 1, columns=len(columns), frozen_columns=3)
    layout.close_sheet(sheet, rows=end + 1, columns=len(columns))


def centre_columns(edition: Edition) -> list[Column]:
    """Return the columns of the centres."""
    return [
        Column(edition.say("number"), 6, "whole"),
        Column(edition.say("facility_id"), 10),
        Column(edition.say("facility_name"), 22),
        Column(edition.say("unit_of_point"), 14),
        Column(edition.say("district"), 14),
        *(Column(edition.say(f"function_{name}"), 15) for name in centres.FUNCTIONS),
        Column(edition.say("functions_had"), 9, "whole"),
        Column(edition.say("functions_lacking"), 18),
    ]


def centre_lines(edition: Edition) -> Iterator[list[object]]:
    """Give one line a centre: "yes" with the services that give the function, or "no"."""
    for number, centre in enumerate(centres.centres(edition), start=1):
        yield [
            number,
            centre.id,
            centre.name,
            centre.unit,
            places.district_names(edition, centre.districts),
            *(_had(edition, centre.has.get(name)) for name in centres.FUNCTIONS),
            len(centre.has),
            edition.listed(edition.say(f"short_{name}") for name in centre.lacks),
        ]


def _had(edition: Edition, services: list[str] | None) -> str:
    if services is None:
        return edition.say("lacks")
    return edition.say("has_by", services=edition.listed(services)) if services else edition.say("has")


def write_presence(book: Book) -> None:
    """Write for every unit whether it has what each of its kind should have: a tea room, a neighbour station."""
    columns = presence_columns(book)
    sheet = layout.open_sheet(book, "presence", columns)
    head = layout.FIRST_ROW
    lines = list(presence_lines(book))
    end = layout.table(book, sheet, head, columns, lines)
    _count(book, sheet, end, lines, {5: book.say("has")}, columns)
    layout.head_of_table(sheet, head, last_row=end - 1, columns=len(columns), frozen_columns=3)
    layout.close_sheet(sheet, rows=end + 1, columns=len(columns))


def presence_columns(edition: Edition) -> list[Column]:
    """Return the columns of what units should have."""
    return [
        Column(edition.say("unit_kind"), 9),
        Column(edition.say("unit_id"), 10),
        Column(edition.say("unit_name"), 20),
        Column(edition.say("district"), 20),
        Column(edition.say("service"), 14),
        Column(edition.say("has_or_lacks"), 9),
        Column(edition.say("facilities_there"), 30),
        Column(edition.say("facilities_planned"), 24),
    ]


def presence_lines(edition: Edition) -> Iterator[list[object]]:
    """Give one line a unit and service: whether it is there, which, and what is planned."""
    results, lang = edition.results, edition.lang
    table = results.coverage
    rows = table[(table["mode"] == wording.PRESENCE) & table["unit_kind"].isin(_PRESENCE_KINDS)]
    points, units = results.service_points, places.of_units(edition)
    columns = ("unit_kind", "unit_id", "unit_name", "service", "share")
    shown = points[[name for name in ("type", "name", "counted", "state", *_WITHIN) if name in points.columns]]
    of_type = {code: pd.DataFrame(mine) for code, mine in shown.groupby("type")}
    for kind, code, name, service, share in zip(*(rows[name].tolist() for name in columns), strict=True):
        column = f"unit_{kind}"
        mine = of_type.get(service, shown.iloc[:0])
        mine = mine[mine[column] == code] if column in mine.columns else mine.iloc[:0]
        yield [
            wording.unit_kind(kind, lang),
            code,
            name,
            places.district_names(edition, units.get(code, {}).get("districts", "")),
            wording.service(service, results, lang),
            edition.say("has" if cells.number_of(share) else "lacks"),
            edition.listed(mine.loc[mine["counted"].astype(bool), "name"]),
            edition.listed(mine.loc[mine["state"] == "planned", "name"]),
        ]


def _count(
    book: Book,
    sheet: LineSheet,
    row: int,
    lines: list[list[object]],
    counted: dict[int, str],
    columns: list[Column],
) -> None:
    """Write the total: a live count of the cells that begin with "yes"."""
    for position in range(len(columns)):
        label = book.say("total") if position == 0 else ""
        if position not in counted or not lines:
            sheet.write_string(row, position, label, book.formats["total"])
            continue
        word = counted[position]
        cells_above = f"{xl_rowcol_to_cell(row - len(lines), position)}:{xl_rowcol_to_cell(row - 1, position)}"
        number = sum(str(line[position]).startswith(word) for line in lines)
        sheet.write_formula(row, position, f'=COUNTIF({cells_above},"{word}*")', book.formats["total_whole"], number)
