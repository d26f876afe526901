"""What would the other ways of measuring say? Minutes on streets, the standard's distance and a circle, side by side."""

from __future__ import annotations

from typing import TYPE_CHECKING

from geo.reports import headline, layout, three_ways, wording
from geo.reports.layout import Column

if TYPE_CHECKING:
    from collections.abc import Iterator

    from geo.reports.edition import Edition
    from geo.reports.layout import Book
    from geo.reports.three_ways import Compared, Measure

_FROZEN = 3


def write_standards(book: Book) -> None:
    """Write every unit, service and group at the service's limit by all three ways, the whole study first."""
    columns = standard_columns(book)
    sheet = layout.open_sheet(book, "standards", columns, notes=book.say("note_overlap"), paper=layout.A3)
    head = layout.line_across(book, sheet, layout.FIRST_ROW, columns, book.say("note_standards"))
    end = layout.table(book, sheet, head, columns, (standard_line(book, row) for row in three_ways.compare(book)))
    layout.head_of_table(sheet, head, last_row=end - 1, columns=len(columns), frozen_columns=_FROZEN)
    layout.close_sheet(sheet, rows=end, columns=len(columns))


def standard_columns(edition: Edition) -> list[Column]:
    """Return the columns of the comparison."""
    columns = [
        Column(edition.say("unit_kind"), 8),
        Column(edition.say("unit_name"), 15),
        Column(edition.say("service"), 13),
        Column(edition.say("served_groups"), 9),
        Column(edition.say("people"), 9, "people"),
        Column(edition.say("way_time"), 14),
        Column(edition.say("served_time"), 9, "people"),
        Column(edition.say("share_time"), 9, "share"),
        Column(edition.say("passes_time"), 12),
    ]
    for way in ("distance", "radius"):
        columns += [
            Column(edition.say(f"metres_{way}"), 9),
            Column(edition.say(f"served_{way}"), 9, "people"),
            Column(edition.say(f"share_{way}"), 9, "share"),
            Column(edition.say(f"apart_{way}"), 9, "minutes"),
            Column(edition.say(f"passes_{way}"), 12),
            Column(edition.say(f"basis_{way}"), 20),
        ]
    return columns


def standard_line(edition: Edition, row: Compared) -> list[object]:
    """Return the cells of one comparison."""
    lang, line = edition.lang, headline.pass_line(edition.results)
    return [
        wording.unit_kind(row.unit[0], lang),
        row.name,
        row.kind.name(lang),
        wording.group(row.group, lang),
        row.minutes.people,
        wording.ring(row.kind.rings[0], lang),
        row.minutes.served,
        row.minutes.share if row.minutes.share is not None else wording.status(row.minutes.status, lang),
        wording.verdict(row.kind, row.minutes.share, line, lang),
        *_measure(edition, row, row.distance),
        *_measure(edition, row, row.radius),
    ]


def _measure(edition: Edition, row: Compared, measure: Measure | None) -> Iterator[object]:
    if measure is None:
        yield from [None] * 6
        return
    covered = measure.covered
    yield measure.limit.shown_m.replace(";", edition.say("semicolon"))
    yield covered.served
    yield covered.share if covered.share is not None else wording.status(covered.status, edition.lang)
    yield three_ways.points_apart(row.minutes, measure)
    yield three_ways.verdict(edition, measure)
    yield measure.limit.basis(edition.lang)
