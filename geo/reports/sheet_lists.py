"""The three lists as sheets: needs, resources, and the services that join them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from geo import schema
from geo.reports import cells, layout, places, three_lists, wording
from geo.reports.layout import Column

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from geo.reports.edition import Edition
    from geo.reports.layout import Book

NEED_PEOPLE = 7
_OFFER_PEOPLE = 6


def write_lists(book: Book) -> None:
    """Write the sheets of needs, resources and services; every id of one is found in the others."""
    needs = list(need_lines(book))
    _write(book, "needs", need_columns(book), needs, note="note_needs", summed=NEED_PEOPLE)
    _write(book, "resources", resource_columns(book), list(resource_lines(book)), note="note_resources")
    _write(book, "offers", offer_columns(book), list(offer_lines(book)), note="note_offers", summed=_OFFER_PEOPLE)


def _write(
    book: Book,
    name: str,
    columns: Sequence[Column],
    lines: Sequence[Sequence[object]],
    *,
    note: str,
    summed: int | None = None,
) -> None:
    sheet = layout.open_sheet(book, name, columns)
    head = layout.line_across(book, sheet, layout.FIRST_ROW, columns, book.say(note))
    end = layout.table(book, sheet, head, columns, lines)
    for position in range(len(columns)):
        if position == summed and lines:
            people = sum(cells.number_of(line[position]) or 0.0 for line in lines)
            layout.write_sum(book, sheet, end, position, first=end - len(lines), value=people)
        else:
            sheet.write_string(end, position, "" if position else book.say("total"), book.formats["total"])
    layout.head_of_table(sheet, head, last_row=end - 1, columns=len(columns), frozen_columns=2)
    layout.close_sheet(sheet, rows=end + 1, columns=len(columns))


def need_columns(edition: Edition) -> list[Column]:
    """Return the columns of the needs."""
    return [
        Column(edition.say("number"), 6, "whole"),
        Column(edition.say("need_id"), 24),
        Column(edition.say("service"), 13),
        Column(edition.say("district"), 16),
        Column(edition.say("unit_name"), 15),
        Column(edition.say("lon"), 11, "degrees"),
        Column(edition.say("lat"), 10, "degrees"),
        Column(edition.say("need_people"), 9, "people"),
        Column(edition.say("need_groups"), 20),
        Column(edition.say("minutes"), 9, "minutes"),
        Column(edition.say("later_level"), 8),
        Column(edition.say("later_measure"), 26),
        Column(edition.say("matched_resources"), 18),
    ]


def need_lines(edition: Edition, needs: Iterable[three_lists.Need] | None = None) -> Iterator[list[object]]:
    """Give one line a gap; minutes are the median of its people."""
    lang, results = edition.lang, edition.results
    names = edition.unit_names
    for number, need in enumerate(three_lists.needs(edition) if needs is None else needs, start=1):
        gap = need.gap
        code = cells.text_of(gap.get("unit_id", gap["communities"]), lang)
        groups = [
            f"{wording.group(group, lang)} {cells.rounded(people)}"
            for group in schema.GROUPS
            if (people := cells.number_of(gap.get(f"people_{group}")))
        ]
        yield [
            number,
            gap["gap_id"],
            wording.service(gap["service"], results, lang),
            places.district_names(edition, cells.text_of(gap["districts"], lang)),
            names.get(("community", code), code) if code else wording.unit_kind("outside", lang),
            gap["lon"],
            gap["lat"],
            gap["people"],
            edition.listed(groups),
            wording.beyond(gap["minutes_to_nearest"], results.services.get(gap["service"]), lang),
            edition.say(f"level_{need.level}"),
            need.measure,
            edition.listed(match["venue_id"] for match in need.matches),
        ]


def resource_columns(edition: Edition) -> list[Column]:
    """Return the columns of the resources."""
    return [
        Column(edition.say("number"), 6, "whole"),
        Column(edition.say("resource_id"), 10),
        Column(edition.say("venue_name"), 24),
        Column(edition.say("district"), 16),
        Column(edition.say("unit_of_point"), 15),
        Column(edition.say("lon"), 11, "degrees"),
        Column(edition.say("lat"), 10, "degrees"),
        Column(edition.say("capacity_of_venue"), 9, "people"),
        Column(edition.say("room"), 9, "people"),
        Column(edition.say("services_hosted"), 26),
        Column(edition.say("matched_needs"), 50),
    ]


def resource_lines(edition: Edition, found: Iterable[three_lists.Venue] | None = None) -> Iterator[list[object]]:
    """Give one line a venue with room that reaches people of a gap."""
    venues = three_lists.venues(edition) if found is None else found
    for number, venue in enumerate((venue for venue in venues if venue.needs), start=1):
        yield [
            number,
            venue.id,
            venue.name,
            places.district_names(edition, venue.place.districts),
            venue.place.unit,
            venue.place.lon,
            venue.place.lat,
            venue.capacity,
            venue.room if venue.room is not None else edition.say("room_unknown"),
            edition.listed(venue.services),
            edition.listed(venue.needs),
        ]


def offer_columns(edition: Edition) -> list[Column]:
    """Return the columns of the services that join a need and a resource."""
    return [
        Column(edition.say("number"), 6, "whole"),
        Column(edition.say("offer_id"), 28),
        Column(edition.say("need_id"), 24),
        Column(edition.say("resource_id"), 10),
        Column(edition.say("venue_name"), 24),
        Column(edition.say("service"), 14),
        Column(edition.say("people_gained"), 10, "people"),
        Column(edition.say("minutes"), 9, "minutes"),
        Column(edition.say("straight_metres"), 9, "whole"),
        Column(edition.say("way"), 16),
    ]


def offer_lines(edition: Edition, gaps: set[str] | None = None) -> Iterator[list[object]]:
    """Give one line a match: the people of the gap who would reach the venue within the limit, and their median."""
    lang, results = edition.lang, edition.results
    rows = [row for matched in three_lists.matches_by_gap(edition).values() for row in matched]
    for number, row in enumerate((row for row in rows if gaps is None or row["gap_id"] in gaps), start=1):
        kind = results.services.get(row["service"])
        yield [
            number,
            three_lists.pair_id(row),
            row["gap_id"],
            row["venue_id"],
            row["venue_name"],
            wording.service(row["service"], results, lang),
            row["people"],
            row["minutes"],
            row["metres"],
            edition.say("way_of_ring", ring=wording.ring(kind.rings[0], lang)) if kind and kind.rings else None,
        ]
