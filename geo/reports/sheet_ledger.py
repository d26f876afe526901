"""Which gaps are worked off, by whom, until when? The ledger as people keep it, with what was computed beside."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from geo import ledger as ledger_room, messages
from geo.reports import cells, layout, ledger, wording
from geo.reports.layout import Column

if TYPE_CHECKING:
    from collections.abc import Iterator

    from geo.reports.layout import Book, Kind

# Column of the ledger, how wide, what it holds; in the order of the offices' form.
_COLUMNS: tuple[tuple[str, float, Kind], ...] = (
    ("gap_id", 20, "text"),
    ("districts", 11, "text"),
    ("unit_name", 13, "text"),
    ("service", 11, "text"),
    ("people", 9, "people"),
    ("nearest_name", 15, "text"),
    ("minutes", 8, "minutes"),
    ("raised", 11, "text"),
    ("source", 9, "text"),
    ("level", 7, "text"),
    ("received", 8, "text"),
    ("assigned", 8, "text"),
    ("owner", 11, "text"),
    ("deadline", 13, "text"),
    ("status", 8, "text"),
    ("done", 8, "text"),
    ("rating", 8, "text"),
    ("struck", 11, "text"),
    ("overdue", 8, "text"),
    ("state", 9, "text"),
    ("state_before", 9, "text"),
    ("note", 14, "text"),
)


def write_ledger(book: Book) -> None:
    """Write one line per entry; gaps that are back and those to be struck off are marked by colour."""
    table = book.results.ledger
    columns = [Column(book.say("number"), 6, "whole")]
    columns += [Column(messages.text(f"ledger.col_{name}", book.lang), width, kind) for name, width, kind in _COLUMNS]
    sheet = layout.open_sheet(book, "ledger", columns, notes=book.say("note_ledger"), paper=layout.A3)
    head = layout.FIRST_ROW
    if table is None:
        head = layout.line_across(book, sheet, head, columns, book.say("no_ledger"))
        rows: list[dict[str, Any]] = []
    else:
        rows = [{str(name): value for name, value in row.items()} for row in table.to_dict("records")]
    end = layout.table(book, sheet, head, columns, _lines(book, rows))
    state_at = 1 + [name for name, _, _ in _COLUMNS].index("state")
    for at, row in enumerate(rows, start=head + 1):
        style = {"returned": "doubtful", "closing": "mobile", "new": "planned"}.get(row["state"], "text")
        layout.write(book, sheet, at, state_at, ledger.state_name(row["state"], book.lang), style=style)
    layout.head_of_table(sheet, head, last_row=end - 1, columns=len(columns), frozen_columns=2)
    layout.close_sheet(sheet, rows=end, columns=len(columns))


def _lines(book: Book, rows: list[dict[str, Any]]) -> Iterator[list[object]]:
    for number, row in enumerate(rows, start=1):
        yield [number, *(_value(book, row, name) for name, _, _ in _COLUMNS)]


def _value(book: Book, row: dict[str, Any], name: str) -> object:
    """Return a cell: codes as words, everything that people wrote as they wrote it."""
    if name == "service":
        return wording.service(str(row[name]), book.results, book.lang)
    if name in ledger.STATES:
        return ledger.state_name(str(row[name]), book.lang)
    if name == "overdue":
        if ledger_room.date_of(str(row["deadline"])) is None:
            return None  # neither late nor in time
        return messages.text("ledger.late" if row[name] else "ledger.in_time", book.lang)
    if name == "districts":
        return str(row[name]).replace(cells.LIST_MARK, messages.text("word.comma", book.lang))
    return row[name]
