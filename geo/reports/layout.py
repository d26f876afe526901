"""How a sheet is laid out: title, line of origin, header with units, rows, print area; and what a cell may hold."""

from __future__ import annotations

import math
import unicodedata
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Literal

from xlsxwriter.utility import xl_rowcol_to_cell

from geo.reports import cells, wording
from geo.reports.edition import Edition
from geo.reports.lines import LineSheet

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from xlsxwriter import Workbook
    from xlsxwriter.format import Format

    Cell = tuple[str | float, Format]
    _Known = dict[str | float, tuple[str, int]]  # value → its cell, and the lines that it needs

Kind = Literal["text", "people", "share", "share_fine", "hundredths", "minutes", "degrees", "whole"]
CELL_UNITS = 32767  # of UTF-16, the most that a cell holds
CUT = "…"
_RICH = ("<r>", "</r>")
TITLE_ROW, ORIGIN_ROW, FIRST_ROW = 0, 1, 2
A4, A3 = 9, 8
MOST_LINES = 12
_CELL_PADDING = 0.6  # of a column's width that no text takes
LINE_POINTS = 13.0
_BOLD = 0.85  # of the signs that fit a width, where they may be bold
_TEXTS_KEPT = 4096  # names and notes come again in row after row
_CELLS_KEPT = 10_000  # of a column
_MARGINS = {"left": 0.4, "right": 0.4, "top": 0.6, "bottom": 0.6}
_FONT = {"font_name": "宋体", "font_size": 10, "valign": "vcenter"}
_BOX = {"border": 1, "border_color": "#A6A6A6"}
# `_ ` keeps a space behind a number, so that it does not touch the text beside it.
_NUMBERS: dict[str, str] = {
    "people": "#,##0.###_ ",
    "people_whole": "#,##0_ ",
    "share": "0.0%_ ",
    "share_edge": '0.0%"*"',
    "share_fine": "0.00%_ ",
    "minutes": "0.0_ ",
    "hundredths": "0.00_ ",
    "degrees": "0.000000_ ",
    "whole": "0_ ",
}
_STYLES: dict[str, dict[str, Any]] = {
    "title": {"bold": True, "font_size": 16, "align": "center", "font_name": "黑体"},
    "origin": {"align": "left", "text_wrap": True, "font_color": "#404040"},
    "note": {"align": "left", "text_wrap": True, "font_color": "#404040"},
    "mark": {"align": "left", "text_wrap": True, "bold": True, "font_color": "#C00000"},
    "section": {"bold": True, "font_size": 12, "font_name": "黑体"},
    "header": {"bold": True, "align": "center", "text_wrap": True, "bg_color": "#DCE6F1", **_BOX},
    "text": {"text_wrap": True, **_BOX},
    "none": {"align": "center", "font_color": "#7F7F7F", "text_wrap": True, **_BOX},
    "total": {"bold": True, "bg_color": "#F2F2F2", **_BOX},
    "total_none": {"bold": True, "align": "center", "bg_color": "#F2F2F2", **_BOX},
    "low": {"bg_color": "#FDAE6B"},
    "middle": {"bg_color": "#FEE8A0"},
    "high": {"bg_color": "#9ECAE1"},
    "planned": {"bg_color": "#FFF2CC", "text_wrap": True, **_BOX},
    "closed": {"bg_color": "#D9D9D9", "text_wrap": True, **_BOX},
    "doubtful": {"bg_color": "#F8CBAD", "text_wrap": True, **_BOX},
    "mobile": {"bg_color": "#DDEBF7", "text_wrap": True, **_BOX},
}


@dataclass(frozen=True)
class Column:
    """A column of a sheet: what its header says (with the unit), how wide it is, what it holds."""

    header: str
    width: float
    kind: Kind = "text"


@dataclass(frozen=True)
class Book(Edition):
    """An open workbook and what all of its sheets need."""

    workbook: Workbook
    formats: Mapping[str, Format]


def make_formats(workbook: Workbook) -> dict[str, Format]:
    """Return all cell formats of a workbook, by name; numbers also as `total_<name>`."""
    found = {name: workbook.add_format({**_FONT, **style}) for name, style in _STYLES.items() if "border" in style}
    for name in ("title", "origin", "note", "mark", "section"):
        found[name] = workbook.add_format({**_FONT, **_STYLES[name]})
    for name in ("low", "middle", "high"):
        found[name] = workbook.add_format(_STYLES[name])
    for name, number in _NUMBERS.items():
        found[name] = workbook.add_format({**_FONT, **_BOX, "num_format": number})
        found[f"total_{name}"] = workbook.add_format({**_FONT, **_STYLES["total"], "num_format": number})
    return found


def fitted(text: str) -> str:
    """Return text that fits a cell, cut with "…" where it is longer than a cell holds.

    Examples
    --------
    >>> len(fitted("a" * 40_000)), fitted("a" * 40_000)[-2:], fitted("<r>&</r>")
    (32767, 'a…', '<r>&</r> ')
    """
    if text.startswith(_RICH[0]) and text.endswith(_RICH[1]):
        text += " "  # else the library takes it for its own mark-up and writes it as it is
    if len(text) * 2 <= CELL_UNITS:
        return text
    encoded = text.encode("utf-16-le")
    if len(encoded) <= 2 * CELL_UNITS:
        return text
    return encoded[: 2 * (CELL_UNITS - 1)].decode("utf-16-le", errors="ignore") + CUT


def open_sheet(
    book: Book,
    name: str,
    columns: Sequence[Column],
    *,
    notes: str = "",
    paper: int = A4,
    titled: tuple[int, int] | None = None,
) -> LineSheet:
    """Add a sheet with its title and its line of origin, ready for print across on A4, or on A3 where it is wide.

    Title and origin stand over all columns, or over those from the first of `titled` up to its second.
    """
    head = book.results.study.head
    sheet: LineSheet = book.workbook.add_worksheet(book.say(f"sheet_{name}"), worksheet_class=LineSheet)
    begin, end = titled or (0, len(columns))
    over = (begin, end - 1)
    _across(
        sheet,
        TITLE_ROW,
        over,
        book.say(f"title_{name}", study=cells.text_of(head.name, book.lang)),
        book.formats["title"],
    )
    origin = book.say("origin", period=head.period, day=book.results.study.last_day.isoformat())
    mark = book.say("synthetic_mark") if head.synthetic else ""
    style = "mark" if head.synthetic else "origin"
    told = "　".join(part for part in (mark, origin, notes) if part)
    _across(sheet, ORIGIN_ROW, over, told, book.formats[style])
    set_height(sheet, ORIGIN_ROW, [told], [_BOLD * sum(column.width for column in columns[begin:end])])
    sheet.set_row(TITLE_ROW, 28)
    for position, column in enumerate(columns):
        sheet.set_column(position, position, column.width)
    sheet.set_landscape()
    sheet.set_paper(paper)
    sheet.fit_to_pages(1, 0)
    sheet.set_margins(**_MARGINS)
    sheet.set_footer(book.say("footer"))
    return sheet


def line_across(
    book: Book,
    sheet: LineSheet,
    row: int,
    columns: Sequence[Column],
    text: str,
    *,
    over: tuple[int, int] | None = None,
) -> int:
    """Write a line of text over all columns or some, as high as it needs; return the next row."""
    begin, end = over or (0, len(columns))
    _across(sheet, row, (begin, end - 1), text, book.formats["note"])
    set_height(sheet, row, [text], [sum(column.width for column in columns[begin:end])])
    return row + 1


def fold_columns(sheet: LineSheet, columns: Sequence[Column], empty: Iterable[int]) -> None:
    """Fold columns away from screen and print; the mark above them unfolds them again."""
    for position in empty:
        options = {"level": 1, "hidden": True}
        sheet.set_column(position, position, columns[position].width, None, options)


def _across(sheet: LineSheet, row: int, over: tuple[int, int], text: str, style: Format) -> None:
    first, last = over
    if last > first:
        sheet.merge_range(row, first, row, last, "", style)
    sheet.write_string(row, first, fitted(text), style)


def close_sheet(sheet: LineSheet, *, rows: int, columns: int) -> None:
    """Set the print area over everything written."""
    sheet.print_area(0, 0, max(rows - 1, 0), columns - 1)


def print_in_parts(sheet: LineSheet, *, repeated: int, before: int) -> None:
    """Print a wide table on two pages side by side, the first columns on both.

    No scale is set: how wide a column is depends on the fonts of the machine. Programs that break a page only where it
    is full, since the sheet is fitted, pass over the break.
    """
    sheet.fit_to_pages(2, 0)
    sheet.repeat_columns(0, repeated - 1)
    sheet.set_v_pagebreaks([before])
    sheet.print_across()


def section(book: Book, sheet: LineSheet, row: int, name: str) -> int:
    """Write the heading of a part of a sheet; return the next row."""
    sheet.write_string(row, 0, book.say(name), book.formats["section"])
    return row + 1


def table(book: Book, sheet: LineSheet, row: int, columns: Sequence[Column], lines: Iterable[Sequence[object]]) -> int:
    """Write a header and rows, each as high as its text; return the row after the last."""
    widths = [column.width for column in columns]
    for position, column in enumerate(columns):
        sheet.write_string(row, position, fitted(column.header), book.formats["header"])
    set_height(sheet, row, [column.header for column in columns], widths, least=2)
    known: list[_Known] = [{} for _ in columns]
    for line in lines:
        row += 1
        found = [
            _known_cell(book, sheet, value, column, seen)
            for value, column, seen in zip(line, columns, known, strict=True)
        ]
        sheet.write_line(row, [cell for cell, _ in found])
        _set_lines(sheet, row, max(needed for _, needed in found))
    return row + 1


def _known_cell(book: Book, sheet: LineSheet, value: object, column: Column, seen: _Known) -> tuple[str, int]:
    """Return a cell as it is written and the lines it needs: texts and numbers come again in line after line."""
    key = value if isinstance(value, str) or (isinstance(value, float) and column.kind != "text") else None
    found = seen.get(key) if key is not None else None
    if found is None:
        (shown, look), text = _cell(book, value, kind=column.kind)
        found = sheet.written(shown, look), lines_of(text, column.width) if text else 1
        if key is not None and len(seen) < _CELLS_KEPT:
            seen[key] = found
    return found


def set_height(sheet: LineSheet, row: int, texts: Sequence[str], widths: Sequence[float], *, least: int = 1) -> None:
    """Make a row as high as its longest text needs: a program that opens the file does not wrap by itself."""
    needed = max(lines_of(text, width) if text else 1 for text, width in zip(texts, widths, strict=True))
    _set_lines(sheet, row, max(needed, least))


def _set_lines(sheet: LineSheet, row: int, lines: int) -> None:
    if lines > 1:
        sheet.set_row(row, min(lines, MOST_LINES) * LINE_POINTS + 2)


@lru_cache(maxsize=_TEXTS_KEPT)
def lines_of(text: str, width: float) -> int:
    """Return how many lines a text takes in a column so many characters wide; a wide character takes two.

    Examples
    --------
    >>> lines_of("覆盖率", 4), lines_of("abc", 4), lines_of("anything", 0)
    (2, 1, 1)
    """
    if width <= 0:
        return 1
    start, width = text[: int(width * MOST_LINES)], max(width - _CELL_PADDING, 1.0)
    places = (
        sum(2 if unicodedata.east_asian_width(mark) in "WFA" else 1 for mark in part) for part in start.split("\n")
    )
    return sum(max(1, math.ceil(taken / width)) for taken in places)


def write(
    book: Book, sheet: LineSheet, row: int, column: int, value: object, *, kind: str = "text", style: str = ""
) -> str:
    """Write one value: a finite number in a column of numbers, else text; "—" where there is nothing to say.

    Returns
    -------
    The text, which may need more than one line; "" for a number and for "—".
    """
    (shown, look), text = _cell(book, value, kind=kind, style=style)
    if isinstance(shown, str):
        sheet.write_string(row, column, shown, look)
    else:
        sheet.write_number(row, column, shown, look)
    return text


def _cell(book: Book, value: object, *, kind: str, style: str = "") -> tuple[Cell, str]:
    """Return what a cell shows and how, and the text that may need more than one line."""
    total = "total_" if style == "total" else ""
    if kind != "text" and not isinstance(value, bool):
        number = cells.number_of(value)
        if number is not None:
            name = "people_whole" if kind == "people" and number.is_integer() else kind
            return (number, book.formats[total + name]), ""
    text = "" if isinstance(value, float) and not math.isfinite(value) else cells.text_of(value, book.lang)
    if not text.strip():
        return (wording.NOT_APPLICABLE, book.formats[f"{total}none"]), ""
    name = (style or "text") if kind == "text" else f"{total}none"
    return (fitted(text), book.formats[name]), text if kind == "text" else ""


def write_sum(book: Book, sheet: LineSheet, row: int, column: int, *, first: int, value: float) -> None:
    """Write a live sum of people over the rows above that the filter shows, with its value of now."""
    style = "total_people_whole" if value.is_integer() else "total_people"
    summed = f"{xl_rowcol_to_cell(first, column)}:{xl_rowcol_to_cell(row - 1, column)}"
    sheet.write_formula(row, column, f"=SUBTOTAL(9,{summed})", book.formats[style], value)


def head_of_table(sheet: LineSheet, row: int, *, last_row: int, columns: int, frozen_columns: int = 0) -> None:
    """Keep a header in sight, on screen and on every printed page, and let its columns be filtered."""
    sheet.freeze_panes(row + 1, frozen_columns)
    sheet.repeat_rows(0, row)
    sheet.autofilter(row, 0, max(last_row, row), columns - 1)
