"""What became of each gap since the previous period? Changes of inputs and parameters first."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from geo import messages, schema
from geo.reports import cells, layout, ledger, wording
from geo.reports.layout import Column

if TYPE_CHECKING:
    from collections.abc import Collection, Hashable, Iterator, Mapping

    import pandas as pd

    from geo.reports.layout import Book

_STYLES = {"returned": "doubtful", "closing": "mobile", "new": "planned", "better": "mobile"}
_STATE_AT = 4
_MINUTES = ("minutes_before", "minutes_now")


def write_comparison(book: Book) -> None:
    """Write what changed of the measuring, the number of gaps by service and state, then one line a gap."""
    table = book.results.comparison
    columns = _columns(book)
    sheet = layout.open_sheet(book, "comparison", columns, notes=_against(book))
    row = layout.FIRST_ROW
    if table is None:
        row = layout.line_across(book, sheet, row, columns, book.say("no_comparison"))
        end = layout.table(book, sheet, row, columns, [])
        layout.head_of_table(sheet, row, last_row=end - 1, columns=len(columns))
        layout.close_sheet(sheet, rows=end, columns=len(columns))
        return
    row = layout.section(book, sheet, row, "part_changes")
    changes = [cells.text_of(change, book.lang) for change in book.results.changes]
    for line in changes or [_say(book, "no_changes")]:
        row = layout.line_across(book, sheet, row, columns, line)
    row = layout.section(book, sheet, row, "part_counts")
    row = layout.table(book, sheet, row, _count_columns(book), _counts(book, table))
    row = layout.section(book, sheet, row, "part_gap_by_gap")
    row = layout.line_across(book, sheet, row, columns, _say(book, "rule"))
    end = layout.table(book, sheet, row, columns, _lines(book, table))
    for at, state in enumerate(table["state"].tolist(), start=row + 1):
        style = _STYLES.get(state, "text")
        layout.write(book, sheet, at, _STATE_AT, ledger.state_name(state, book.lang), style=style)
    sheet.freeze_panes(layout.FIRST_ROW, 2)
    sheet.repeat_rows(row)
    sheet.autofilter(row, 0, max(end - 1, row), len(columns) - 1)
    layout.close_sheet(sheet, rows=end, columns=len(columns))


def _say(book: Book, name: str, **values: object) -> str:
    return messages.text(f"compare.{name}", book.lang, **values)


def _against(book: Book) -> str:
    previous = book.results.summary.get("previous")
    return book.say("against", period=previous["period"]) if previous else ""


def _columns(book: Book) -> list[Column]:
    return [
        Column(book.say("number"), 6, "whole"),
        Column(book.say("gap_id"), 24),
        Column(book.say("service"), 13),
        Column(_say(book, "head_units"), 14),
        Column(_say(book, "head_state"), 10),
        Column(_say(book, "head_districts"), 14),
        Column(book.say("people_before"), 10, "people"),
        Column(book.say("people_now"), 10, "people"),
        Column(book.say("minutes_before"), 10, "minutes"),
        Column(book.say("minutes_now"), 10, "minutes"),
        Column(book.say("note"), 22),
    ]


def _count_columns(book: Book) -> list[Column]:
    states = [Column(ledger.state_name(state, book.lang), 10, "whole") for state in schema.COMPARISON_STATES]
    return [
        Column(book.say("number"), 6, "whole"),
        Column(book.say("service"), 24),
        *states,
        Column(book.say("total"), 10, "whole"),
    ]


def _counts(book: Book, table: pd.DataFrame) -> Iterator[list[object]]:
    """Give the number of gaps by service and state, and the sum of all."""
    order = [code for code in book.results.services if code in set(table["service"])]
    order += [code for code in dict.fromkeys(table["service"]) if code not in book.results.services]
    for number, code in enumerate(order, start=1):
        name = wording.service(code, book.results, book.lang)
        yield [number, name, *_by_state(table[table["service"] == code])]
    yield [None, book.say("total"), *_by_state(table)]


def _by_state(table: pd.DataFrame) -> list[int]:
    return [*(int((table["state"] == state).sum()) for state in schema.COMPARISON_STATES), len(table)]


def notes_of(row: Mapping[Hashable, Any], there: Collection[str]) -> list[str]:
    """Return keys of what is to be said of a gap beside its state.

    A gap that is not among the gaps of now (`there`) may have people who are still not served: they stand in another
    gap, or among the scattered.

    Examples
    --------
    >>> row = {"gap_id": "hall-A-1", "state": "lasting", "comparable": True, "grown": False, "people_now": 20.0}
    >>> notes_of(row, {"hall-A-rest"}), notes_of(row, {"hall-A-1"})
    (['elsewhere'], [])
    """
    found = [] if row["comparable"] else ["not_comparable"]
    found += ["grown"] if row["grown"] else []
    left = row["gap_id"] not in there and row["people_now"] > 0
    return [*found, "elsewhere"] if left and row["state"] != "closing" else found


def _lines(book: Book, table: pd.DataFrame) -> Iterator[list[object]]:
    units: dict[str, Any] = {}
    for kind, code, name in zip(
        *(book.results.units[part] for part in ("unit_kind", "unit_id", "unit_name")), strict=True
    ):
        if kind in {"community", "district"}:
            units[str(code)] = cells.text_of(name, book.lang)
    comma = messages.text("word.comma", book.lang)
    there = set(book.results.gaps["gap_id"])
    for number, row in enumerate(table.to_dict("records"), start=1):
        districts = [units.get(code, code) for code in str(row["districts"]).split(cells.LIST_MARK) if code]
        community = str(row["communities"])
        yield [
            number,
            row["gap_id"],
            wording.service(row["service"], book.results, book.lang),
            units.get(community, community) or wording.unit_kind("outside", book.lang),
            ledger.state_name(row["state"], book.lang),
            comma.join(districts),
            *(row[name] for name in ("people_before", "people_now")),
            *(wording.reached(row[name], book.results.services.get(row["service"]), book.lang) for name in _MINUTES),
            comma.join(_say(book, key) for key in notes_of(row, there)),
        ]
