"""Who is not served, and where? The list of gaps as offices keep it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from geo import messages, schema
from geo.reports import cells, headline, layout, wording
from geo.reports.layout import Column

if TYPE_CHECKING:
    from collections.abc import Iterator

    import pandas as pd
    from xlsxwriter.worksheet import Worksheet

    from geo.catalogue import ServiceType
    from geo.reports.headline import Covered, Unit
    from geo.reports.layout import Book

_LEFT_OVER = "-rest"  # ends the id of a row that lists what is below the least size of a gap
_UNSERVED = 12  # position of the column that is added up
# Columns of the offices' list that no room computes yet; people fill them in.
_LATER = ("level", "measure", "venue_near", "site", "owner", "deadline", "state", "state_before")


def write_gaps(book: Book) -> None:
    """Write one line per gap; the people of the unit stand beside the people of the gap."""
    columns = _columns(book)
    head = layout.FIRST_ROW
    sheet = layout.open_sheet(book, "gaps", columns, notes=book.say("note_gap_people"))
    end = layout.table(book, sheet, head, columns, _lines(book))
    _write_total(book, sheet, end, first=head + 1, columns=len(columns))
    layout.head_of_table(sheet, head, last_row=end - 1, columns=len(columns), frozen_columns=2)
    layout.close_sheet(sheet, rows=end + 1, columns=len(columns))


def _columns(book: Book) -> list[Column]:
    return [
        Column(book.say("number"), 6, "whole"),
        Column(book.say("gap_id"), 20),
        Column(book.say("county"), 10),
        Column(book.say("district"), 11),
        Column(book.say("town"), 9),
        Column(book.say("unit_kind"), 8),
        Column(book.say("unit_name"), 13),
        Column(book.say("service"), 11),
        Column(book.say("way"), 12),
        Column(book.say("served_groups"), 9),
        Column(book.say("people_of_unit"), 9, "people"),
        Column(book.say("served_of_unit"), 9, "people"),
        Column(book.say("unserved_of_gap"), 9, "people"),
        Column(book.say("share_of_unit"), 9, "share"),
        Column(book.say("pass_line"), 7, "share"),
        Column(book.say("passes_column"), 7),
        Column(book.say("nearest"), 15),
        Column(book.say("distance"), 6, "whole"),
        Column(book.say("minutes"), 7, "minutes"),
        *(Column(book.say(f"later_{name}"), 8) for name in _LATER),
        Column(book.say("note"), 16),
    ]


def _lines(book: Book) -> Iterator[list[object]]:
    results, lang = book.results, book.lang
    units = _unit_facts(book)
    names = headline.unit_names(results)
    covered = {code: _by_group(book, kind) for code, kind in results.services.items()}
    gaps = results.gaps
    for number, gap in enumerate(gaps.drop(columns=gaps.geometry.name).to_dict("records"), start=1):
        kind = results.services.get(gap["service"])
        code = cells.text_of(gap.get("unit_id", gap["communities"]), lang)
        unit = ("community", code) if code else ("outside", "")
        facts = units.get(unit, {})
        in_unit = [found[unit] for found in covered.get(gap["service"], {}).values() if unit in found]
        yield [
            number,
            gap["gap_id"],
            results.study.head.name,
            _named(gap["districts"], "district", names, lang),
            facts.get("town"),
            wording.unit_kind(unit[0], lang),
            names.get(unit) if code else wording.unit_kind(unit[0], lang),
            wording.service(gap["service"], results, lang),
            book.say("way_of_ring", ring=wording.ring(kind.rings[0], lang)) if kind and kind.rings else None,
            _groups(book, gap, kind),
            *_of_unit(in_unit, cells.number_of(gap["people"])),
            *_judged(book, in_unit, kind),
            gap["nearest_name"],
            None,
            gap["minutes_to_nearest"],
            *([None] * len(_LATER)),
            _remark(book, gap),
        ]


def _by_group(book: Book, kind: ServiceType) -> dict[str, dict[Unit, Covered]]:
    ring = kind.rings[0] if kind.rings else None
    return {group: headline.of_ring(book.results, kind.code, ring, group) for group in kind.demand}


def _unit_facts(book: Book) -> dict[Unit, dict[str, str]]:
    units: pd.DataFrame = book.results.units
    columns = (units[name].tolist() for name in ("unit_kind", "unit_id", "town"))
    return {(kind, code): {"town": cells.text_of(town, book.lang)} for kind, code, town in zip(*columns, strict=True)}


def _named(joined: object, kind: str, names: dict[Unit, str], lang: messages.Lang) -> str:
    """Return names for ids joined by the list mark; an id that no unit bears stays as it is."""
    parts = [part for part in cells.text_of(joined, lang).split(cells.LIST_MARK) if part]
    shown = [cells.text_of(names.get((kind, part), part), lang) for part in parts]
    return messages.text("word.comma", lang).join(shown)


def _groups(book: Book, gap: dict[str, Any], kind: ServiceType | None) -> str:
    """Return the groups whose people are in the gap, else those that the service serves."""
    met = [group for group in schema.GROUPS if (cells.number_of(gap.get(f"people_{group}")) or 0.0) > 0]
    listed = met or list(kind.demand if kind else ())
    return messages.text("word.comma", book.lang).join(wording.group(group, book.lang) for group in listed)


def _of_unit(in_unit: list[Covered], unserved: float | None) -> list[object]:
    """Return people and served of the unit over the service's groups, and the people of the gap."""
    people = [found.people for found in in_unit if found.people is not None]
    served = [found.served for found in in_unit if found.served is not None]
    judged = all(found.status != "not_assessed" for found in in_unit)
    return [sum(people) if people else None, sum(served) if served and judged else None, unserved]


def _share(in_unit: list[Covered]) -> float | None:
    people = sum(found.people or 0.0 for found in in_unit)
    if not people or any(found.status == "not_assessed" for found in in_unit):
        return None
    return sum(found.served or 0.0 for found in in_unit) / people


def _judged(book: Book, in_unit: list[Covered], kind: ServiceType | None) -> list[object]:
    """Return the unit's share, the pass line, and whether it passes: said only where the threshold was read."""
    share, line = _share(in_unit), headline.pass_line(book.results)
    return [share, line, wording.verdict(kind, share, line, book.lang) if kind else None]


def _remark(book: Book, gap: dict[str, Any]) -> str:
    remarks = []
    if str(gap["gap_id"]).endswith(_LEFT_OVER):
        remarks.append(book.say("remark_rest"))
    if cells.number_of(gap["minutes_to_nearest"]) is None:
        remarks.append(book.say("remark_unreachable"))
    return book.say("semicolon").join(remarks)


def _write_total(book: Book, sheet: Worksheet, row: int, *, first: int, columns: int) -> None:
    """Write the sum of the people in gaps, which follows the filter: set one service to count people once."""
    for column in range(columns):
        sheet.write_string(row, column, book.say("total") if column == 1 else "", book.formats["total"])
    people = book.results.gaps["people"].sum()
    if row > first:
        layout.write_sum(book, sheet, row, _UNSERVED, first=first, value=float(people))
    else:
        layout.write(book, sheet, row, _UNSERVED, 0, kind="people", style="total")
