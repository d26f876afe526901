"""`summary.xlsx` of a batch: ranking, matrix of studies and services, every figure, failures with their reasons."""

from __future__ import annotations

import datetime as dt
import io
from typing import TYPE_CHECKING, NamedTuple

import xlsxwriter

from geo.batch.listing import header_of, headlines
from geo.batch.page import band
from geo.messages import subject, text
from geo.reports import cells, layout
from geo.schema import GROUPS
from geo.study import last_day

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from xlsxwriter.format import Format
    from xlsxwriter.worksheet import Worksheet

    from geo.batch.listing import Figure, Line, Listing
    from geo.messages import Lang

# Text from data stays text: no formula, no link, no number out of it.
_OPTIONS = {
    "in_memory": True,
    "strings_to_formulas": False,
    "strings_to_urls": False,
    "strings_to_numbers": False,
    "nan_inf_to_errors": False,
}
_A4 = 9
_HEADER_ROW = 2
_HEADER_POINTS, _LINE_POINTS = 44.0, 14.0
_BOX = {"font_name": "宋体", "font_size": 10, "valign": "vcenter", "border": 1, "border_color": "#A6A6A6"}
_STYLES: dict[str, dict[str, object]] = {
    "title": {"font_name": "黑体", "font_size": 16, "bold": True},
    "origin": {"font_name": "宋体", "font_size": 10, "font_color": "#404040"},
    "header": {**_BOX, "bold": True, "align": "center", "text_wrap": True, "bg_color": "#DCE6F1"},
    "text": {**_BOX, "text_wrap": True},
    "none": {**_BOX, "align": "center", "font_color": "#7F7F7F"},
    "people": {**_BOX, "num_format": "#,##0.###_ "},
    "whole": {**_BOX, "num_format": "#,##0_ "},
    "share": {**_BOX, "num_format": "0.0%_ "},
    "share_low": {**_BOX, "num_format": "0.0%_ ", "bg_color": "#FDAE6B"},
    "share_middle": {**_BOX, "num_format": "0.0%_ ", "bg_color": "#FEE8A0"},
    "share_high": {**_BOX, "num_format": "0.0%_ ", "bg_color": "#9ECAE1"},
}


class _Cell(NamedTuple):
    value: object
    style: str = "text"


class _Book(NamedTuple):
    workbook: xlsxwriter.Workbook
    formats: dict[str, Format]
    words: dict[str, str]
    lang: Lang


def content(found: Listing, lang: Lang) -> bytes:
    """Return the workbook, dated on the last day of the latest period: the same bytes every time."""
    target = io.BytesIO()
    with xlsxwriter.Workbook(target, _OPTIONS) as workbook:
        days = [last_day(line.period) for line in found.lines]
        created = dt.datetime.combine(max(days, default=dt.date(2000, 1, 1)), dt.time(), tzinfo=dt.UTC)
        words = subject("batch", lang)
        workbook.set_properties({"title": words["title"], "created": created})
        formats = {name: workbook.add_format(style) for name, style in _STYLES.items()}
        book = _Book(workbook, formats, words, lang)
        _ranking(book, found.lines)
        _matrix(book, found)
        _figures(book, found.lines)
        _failures(book, found)
    return target.getvalue()


def _ranking(book: _Book, lines: Iterable[Line]) -> None:
    say = book.words
    groups = [text(f"word.{group}", book.lang) for group in GROUPS]
    heads = [say["rank"], say["study"], say["label"], say["code"], say["period"]]
    heads += [text("batch.head_people", book.lang, group=group) for group in groups]
    heads += [say["share_all"], say["below"], say["assessed"], say["gaps"], say["note"]]
    rows = [
        [
            _Cell(line.rank, "whole"),
            *(_Cell(value) for value in (line.name, line.label, line.code, line.period)),
            *(_Cell(line.people.get(group), "people") for group in GROUPS),
            _Cell(line.share, "share"),
            *(_Cell(number, "whole") for number in (line.below, line.assessed, line.gaps)),
            _Cell(say["synthetic"] if line.synthetic else ""),
        ]
        for line in lines
    ]
    widths = [7, 22, 26, 10, 10, *(12 for _ in groups), 14, 12, 12, 10, 12]
    _sheet(book, "ranking", heads, rows, widths=widths, frozen=2)


def _matrix(book: _Book, found: Listing) -> None:
    heads = [book.words["study"], *(header_of(ring, book.lang) for ring in found.rings)]
    rows = [
        [_Cell(line.name), *(_matrix_cell(headlines(line).get(ring), found, book) for ring in found.rings)]
        for line in found.lines
    ]
    _sheet(book, "matrix", heads, rows, widths=[22, *(16 for _ in found.rings)], frozen=1)


def _matrix_cell(figure: Figure | None, found: Listing, book: _Book) -> _Cell:
    if figure is None:
        return _Cell(None, "none")
    if figure.share is None:
        return _Cell(book.words["not_assessed"] if figure.status == "not_assessed" else None, "none")
    light = "" if figure.status == "presence" else band(figure.share, found.pass_line)
    return _Cell(figure.share, f"share_{light}" if light else "share")


def _figures(book: _Book, lines: Iterable[Line]) -> None:
    names = ("study", "label", "service", "mode", "limit", "group", "number", "served", "share", "status", "gaps")
    rows = [
        [
            *(_Cell(value) for value in (line.name, line.label, figure.ring.label)),
            _Cell(_word(figure.ring.mode, book)),
            _Cell(figure.ring.limit, "whole"),
            _Cell(_word(figure.ring.group, book)),
            _Cell(figure.people, "people"),
            _Cell(figure.people_served, "people"),
            _Cell(figure.share, "share"),
            _Cell(book.words[f"status_{figure.status}"]),
            _Cell(figure.gaps if figure.ring.limit else None, "whole"),
        ]
        for line in lines
        for figure in line.figures
    ]
    _sheet(
        book,
        "figures",
        [book.words[name] for name in names],
        rows,
        widths=[22, 26, 20, 14, 9, 14, 12, 12, 10, 16, 10],
        frozen=1,
    )


def _word(name: str, book: _Book) -> str:
    return book.words["presence"] if name == "presence" else subject("word", book.lang).get(name, name)


def _failures(book: _Book, found: Listing) -> None:
    rows = [[_Cell(outcome.label), _Cell("\n".join(outcome.lines))] for outcome in found.failures]
    _sheet(book, "failures", [book.words["label"], book.words["reasons"]], rows, widths=[30, 100], frozen=1)


def _sheet(
    book: _Book, name: str, heads: Sequence[str], rows: Sequence[Sequence[_Cell]], *, widths: Sequence[int], frozen: int
) -> None:
    """Write a sheet: title, basis, header that stays in sight and can be filtered, rows, print area."""
    sheet = book.workbook.add_worksheet(book.words[f"sheet_{name}"])
    sheet.write_string(0, 0, book.words[name], book.formats["title"])
    sheet.write_string(1, 0, book.words["basis"], book.formats["origin"])
    for position, (head, width) in enumerate(zip(heads, widths, strict=True)):
        sheet.set_column(position, position, width)
        sheet.write_string(_HEADER_ROW, position, layout.fitted(head), book.formats["header"])
    sheet.set_row(0, 26)
    sheet.set_row(_HEADER_ROW, _HEADER_POINTS)
    for number, row in enumerate(rows, start=_HEADER_ROW + 1):
        lines = max(_write(book, sheet, number, column, cell) for column, cell in enumerate(row))
        if lines > 1:
            sheet.set_row(number, min(lines, 12) * _LINE_POINTS)
    last = _HEADER_ROW + len(rows)
    sheet.freeze_panes(_HEADER_ROW + 1, frozen)
    sheet.repeat_rows(0, _HEADER_ROW)
    sheet.autofilter(_HEADER_ROW, 0, max(last, _HEADER_ROW + 1), len(heads) - 1)
    sheet.set_landscape()
    sheet.set_paper(_A4)
    sheet.fit_to_pages(1, 0)
    sheet.print_area(0, 0, last, len(heads) - 1)


def _write(book: _Book, sheet: Worksheet, row: int, column: int, cell: _Cell) -> int:
    """Write a cell and return how many lines of text it has; "—" where there is nothing to say."""
    number = cells.number_of(cell.value)
    if number is not None:
        sheet.write_number(row, column, number, book.formats[cell.style])
        return 1
    shown = layout.fitted(cells.text_of(cell.value, book.lang))
    if not shown.strip():
        sheet.write_string(row, column, "—", book.formats["none"])
        return 1
    sheet.write_string(row, column, shown, book.formats["text" if cell.style != "none" else "none"])
    return shown.count("\n") + 1
