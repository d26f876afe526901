"""How many people are within reach, by unit and service? The matrix of shares and the sheet of all rows."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from xlsxwriter.utility import xl_range_abs, xl_rowcol_to_cell

from geo import messages, schema
from geo.reports import cells, headline, layout, wording
from geo.reports.layout import Column

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from geo.reports.headline import Covered, People, Unit
    from geo.reports.layout import Book
    from geo.reports.lines import LineSheet

KINDS = ("community", "outside", "park", "district")
SUMMED = ("community", "outside")  # the kinds that add to the study
STUDY: tuple[str, str] = ("study", "")
_OF_PASS_LINE = 0.7  # where the lower two of the three colours part
_NAMES = 3


def write_matrix(book: Book) -> None:
    """Write units × services: the headline group's share within the deciding limit, three classes of colour."""
    people, services = headline.people(book.results), headline.headlines(book)
    used = {group for by_group in people.values() for group in by_group}
    groups = [group for group in schema.GROUPS if group in used]
    names = _units(book)
    columns = _matrix_columns(book, groups, list(services))
    head = layout.FIRST_ROW
    sheet = layout.open_sheet(book, "coverage", columns, notes=book.say("note_districts"))
    total = layout.table(book, sheet, head, columns, _unit_lines(book, names, people, groups, shares=len(services)))
    shares_from = _NAMES + len(groups)
    units = [*names, STUDY]
    for column, (code, by_unit) in enumerate(services.items(), start=shares_from):
        presence = book.results.services[code].test == wording.PRESENCE
        for row, unit in enumerate(units, start=head + 1):
            _write_share(book, sheet, row, column, by_unit.get(unit), yes_no=presence and unit != STUDY)
    _write_total(book, sheet, total, people, groups, first=head + 1)
    _colour(book, sheet, rows=(head + 1, total), columns=(shares_from, len(columns) - 1))
    layout.head_of_table(sheet, head, last_row=total - 1, columns=len(columns), frozen_columns=_NAMES)
    line = headline.pass_line(book.results)
    legend = book.say("note_colours", high=wording.percent(line), middle=wording.percent(line * _OF_PASS_LINE))
    sheet.write_string(total + 1, 0, legend, book.formats["origin"])
    layout.close_sheet(sheet, rows=total + 2, columns=len(columns))


def _units(book: Book) -> dict[Unit, str]:
    names = book.unit_names
    return {unit: name for kind in KINDS for unit, name in names.items() if unit[0] == kind}


def _matrix_columns(book: Book, groups: list[str], services: list[str]) -> list[Column]:
    names = [Column(book.say("unit_kind"), 10), Column(book.say("unit_id"), 13), Column(book.say("unit_name"), 18)]
    people = [Column(book.say("people_of", group=wording.group(group, book.lang)), 11, "people") for group in groups]
    shares = []
    for code in services:
        kind = book.results.services[code]
        group = headline.headline_group(kind)
        if group is None:
            header = book.say("presence_indicator", service=kind.name(book.lang))
        else:
            header = book.say("share_unit", indicator=wording.indicator(kind, kind.rings[0], group, book.lang))
        shares.append(Column(header, 14, "share"))
    return [*names, *people, *shares]


def _unit_lines(
    book: Book, names: Mapping[Unit, str], people: People, groups: list[str], *, shares: int
) -> Iterator[list[object]]:
    """Give the names and people of every unit; the shares are written after."""
    for unit, name in names.items():
        kind, counted = wording.unit_kind(unit[0], book.lang), people.get(unit, {})
        yield [kind, unit[1], name if unit[1] else kind, *(counted.get(group) for group in groups), *([None] * shares)]


def _write_share(
    book: Book,
    sheet: LineSheet,
    row: int,
    column: int,
    found: Covered | None,
    *,
    yes_no: bool,
) -> None:
    """Write a share, or why there is none, or whether the unit has the service."""
    if found is None or (found.share is None and found.status != "not_assessed"):
        layout.write(book, sheet, row, column, None, kind="share")
    elif found.share is None:
        sheet.write_string(row, column, messages.text("word.not_assessed", book.lang), book.formats["none"])
    elif yes_no:
        sheet.write_string(row, column, book.say("has" if found.share else "lacks"), book.formats["none"])
    else:
        style = "share_edge" if found.status == "edge" else "share"
        sheet.write_number(row, column, found.share, book.formats[style])


def _write_total(book: Book, sheet: LineSheet, row: int, people: People, groups: list[str], *, first: int) -> None:
    """Write the row of the study: people as a live sum of the kinds that add to it, shares of the study itself."""
    for column, label in enumerate((book.say("total"), "", messages.text("word.study", book.lang))):
        sheet.write_string(row, column, label, book.formats["total"])
    for column, group in enumerate(groups, start=_NAMES):
        whole = people.get(STUDY, {}).get(group)
        parts = [by_group.get(group, 0.0) for unit, by_group in people.items() if unit[0] in SUMMED]
        if whole is None or not math.isclose(sum(parts), whole, rel_tol=1e-9, abs_tol=1e-6):
            layout.write(book, sheet, row, column, whole, kind="people", style="total")
            continue
        kinds = xl_range_abs(first, 0, row - 1, 0)
        summed = f"{xl_rowcol_to_cell(first, column)}:{xl_rowcol_to_cell(row - 1, column)}"
        terms = (f'SUMIF({kinds},"{wording.unit_kind(kind, book.lang)}",{summed})' for kind in SUMMED)
        style = "total_people_whole" if whole.is_integer() else "total_people"
        sheet.write_formula(row, column, "=" + "+".join(terms), book.formats[style], whole)


def _colour(
    book: Book,
    sheet: LineSheet,
    *,
    rows: tuple[int, int],
    columns: tuple[int, int],
) -> None:
    """Colour shares in three classes; words are left plain, which a bare comparison would not do."""
    if columns[1] < columns[0]:
        return
    line = headline.pass_line(book.results)
    cell = xl_rowcol_to_cell(rows[0], columns[0])
    for style, least in (("high", line), ("middle", line * _OF_PASS_LINE), ("low", 0.0)):
        criteria = f"=AND(ISNUMBER({cell}),{cell}>={least:.6f})"
        rule = {"type": "formula", "criteria": criteria, "format": book.formats[style], "stop_if_true": True}
        sheet.conditional_format(rows[0], columns[0], rows[1], columns[1], rule)


def write_rows(book: Book) -> None:
    """Write every row of the coverage, with words for codes."""
    columns = [
        Column(book.say("unit_kind"), 11),
        Column(book.say("unit_id"), 14),
        Column(book.say("unit_name"), 20),
        Column(book.say("service"), 18),
        Column(book.say("way"), 10),
        Column(book.say("mode"), 12),
        Column(book.say("limit"), 8, "minutes"),
        Column(book.say("denominator"), 11),
        Column(book.say("people"), 11, "people"),
        Column(book.say("served"), 11, "people"),
        Column(book.say("share_within"), 11, "share_fine"),
        Column(book.say("status_column"), 11),
        Column(book.say("not_attached"), 12, "people"),
        Column(book.say("note"), 36),
    ]
    head = layout.FIRST_ROW
    sheet = layout.open_sheet(book, "rows", columns, notes=book.say("note_overlap"))
    end = layout.table(book, sheet, head, columns, _detail_lines(book))
    layout.head_of_table(sheet, head, last_row=end - 1, columns=len(columns), frozen_columns=_NAMES)
    layout.close_sheet(sheet, rows=end, columns=len(columns))


def _detail_lines(book: Book) -> Iterator[list[object]]:
    lang, table = book.lang, book.results.coverage
    network = messages.text("word.time_network", lang)
    for row in zip(*(table[name].tolist() for name in schema.COVERAGE), strict=True):
        found = dict(zip(schema.COVERAGE, row, strict=True))
        yes_no = found["mode"] == wording.PRESENCE
        yield [
            wording.unit_kind(found["unit_kind"], lang),
            cells.text_of(found["unit_id"], lang),
            cells.text_of(found["unit_name"], lang),
            wording.service(found["service"], book.results, lang),
            None if yes_no else network,
            wording.mode(found["mode"], lang),
            found["limit_minutes"],
            wording.group(cells.text_of(found["demand"], lang), lang),
            found["people"],
            found["people_served"],
            found["share"],
            wording.status(found["status"], lang),
            found["people_not_attached"],
            found["note"],
        ]
