"""How many people are within reach, by unit and service? The matrix of shares and the sheet of all rows."""

from __future__ import annotations

from itertools import starmap
from typing import TYPE_CHECKING, Any

from xlsxwriter.utility import xl_range_abs, xl_rowcol_to_cell

from geo import messages, schema
from geo.reports import cells, headline, layout, wording
from geo.reports.layout import Column

if TYPE_CHECKING:
    from collections.abc import Iterator

    from geo.reports.headline import Covered, Unit
    from geo.reports.layout import Book

KINDS = ("community", "outside", "park", "district")
SUMMED = ("community", "outside")  # what adds to the study
STUDY: tuple[str, str] = ("study", "")
MIDDLE_LINE = 0.6
_NAMES = 3


def write_matrix(book: Book) -> None:
    """Write units × services: the headline group's share within the deciding limit, three classes of colour."""
    groups = _groups(book)
    services = headline.headlines(book.results)
    columns = _matrix_columns(book, groups, list(services))
    line = headline.pass_line(book.results)
    sheet = layout.open_sheet(book, "coverage", columns)
    head = layout.FIRST_ROW
    rows = layout.table(book, sheet, head, columns, [])
    units = _units(book)
    people = headline.people(book.results)
    for unit, name in units.items():
        labels = [wording.unit_kind(unit[0], book.lang), unit[1], name]
        for position, label in enumerate(labels):
            layout.write(book, sheet, rows, position, label)
        for position, group in enumerate(groups, start=_NAMES):
            layout.write(book, sheet, rows, position, people.get(unit, {}).get(group), kind="people")
        for position, found in enumerate(services.values(), start=_NAMES + len(groups)):
            _write_share(book, sheet, rows, position, found.get(unit), unit)
        rows += 1
    _write_total(book, sheet, rows, groups, services, first=head + 1)
    _colour(book, sheet, head + 1, rows, columns=(_NAMES + len(groups), len(columns) - 1), line=line)
    layout.head_of_table(sheet, head, last_row=rows - 1, columns=len(columns), frozen_columns=_NAMES)
    legend = book.say("note_colours", high=wording.percent(line), middle=wording.percent(_middle(line)))
    sheet.write_string(rows + 1, 0, legend, book.formats["origin"])
    layout.close_sheet(sheet, rows=rows + 2, columns=len(columns))


def _groups(book: Book) -> list[str]:
    used = {group for groups in headline.people(book.results).values() for group in groups}
    return [group for group in schema.GROUPS if group in used]


def _matrix_columns(book: Book, groups: list[str], services: list[str]) -> list[Column]:
    names = [Column(book.say("unit_kind"), 10), Column(book.say("unit_id"), 14), Column(book.say("unit_name"), 20)]
    people = [Column(book.say("people_of", group=wording.group(group, book.lang)), 12, "people") for group in groups]
    shares = []
    for code in services:
        kind = book.results.services[code]
        group = headline.headline_group(kind)
        if group is None:
            header = book.say("presence_indicator", service=kind.name(book.lang))
        else:
            header = book.say("share_unit", indicator=wording.indicator(kind, kind.rings[0], group, book.lang))
        shares.append(Column(header, 15, "share"))
    return [*names, *people, *shares]


def _units(book: Book) -> dict[Unit, str]:
    names = headline.unit_names(book.results)
    return {unit: name for kind in KINDS for unit, name in names.items() if unit[0] == kind}


def _write_share(
    book: Book,
    sheet: Any,  # noqa: ANN401 - xlsxwriter
    row: int,
    column: int,
    found: Covered | None,
    unit: Unit,
    *,
    style: str = "",
) -> None:
    """Write a share, why there is none, or for a yes-or-no service whether the unit has one."""
    code = list(headline.headlines.__annotations__)  # placeholder
