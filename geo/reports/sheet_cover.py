"""What do the numbers stand on? The first sheet: study, period, ways of measuring, speeds, errors."""

from __future__ import annotations

from pathlib import PureWindowsPath
from typing import TYPE_CHECKING, Any

from geo import messages
from geo.reports import cells, headline, layout, wording
from geo.reports.layout import Column

if TYPE_CHECKING:
    from collections.abc import Iterator

    from geo.catalogue import Ring, ServiceType
    from geo.reports.layout import Book


_ONE_PAGE = 45  # lines that can still be read when they are printed on one page


def write_cover(book: Book) -> None:
    """Write the cover: what was studied and how, then one line of basis per service, ring and group."""
    columns = _columns(book)
    sheet = layout.open_sheet(book, "cover", columns)
    row = layout.section(book, sheet, layout.FIRST_ROW, "part_study")
    for name, value in _facts(book):
        sheet.write_string(row, 0, name, book.formats["header"])
        text = layout.fitted(cells.text_of(value, book.lang) or wording.NOT_APPLICABLE)
        sheet.merge_range(row, 1, row, len(columns) - 1, "", book.formats["text"])
        sheet.write_string(row, 1, text, book.formats["text"])
        layout.set_height(sheet, row, [text], [sum(column.width for column in columns[1:])])
        row += 1
    head = layout.section(book, sheet, row + 1, "part_services")
    end = layout.table(book, sheet, head, columns, _lines(book))
    sheet.freeze_panes(layout.FIRST_ROW, 0)
    sheet.autofilter(head, 0, max(end - 1, head), len(columns) - 1)
    sheet.write_string(end, 0, book.say("note_basis"), book.formats["origin"])
    layout.close_sheet(sheet, rows=end + 1, columns=len(columns))
    if end < _ONE_PAGE:
        sheet.fit_to_pages(1, 1)


def _columns(book: Book) -> list[Column]:
    return [
        Column(book.say("service"), 15),
        Column(book.say("indicator_name"), 27),
        Column(book.say("way"), 9),
        Column(book.say("mode"), 10),
        Column(book.say("limit"), 7, "minutes"),
        Column(book.say("denominator"), 11),
        Column(book.say("people"), 10, "people"),
        Column(book.say("served"), 10, "people"),
        Column(book.say("share_indicator"), 10, "share"),
        Column(book.say("status_column"), 9),
        Column(book.say("data_day"), 11),
        Column(book.say("basis"), 22),
        Column(book.say("counted_points"), 7, "whole"),
        *(Column(book.say(f"listed_{state}"), 7, "whole") for state in (*wording.STATES[1:], "mobile")),
        Column(book.say("misplaced"), 9, "share_fine"),
        Column(book.say("misplaced_uniform"), 9, "share_fine"),
    ]


def _facts(book: Book) -> Iterator[tuple[str, str]]:
    results, lang = book.results, book.lang
    head, parameters = results.study.head, results.summary.get("parameters", {})
    yield book.say("fact_study"), head.name
    yield book.say("fact_code"), head.code or ""
    yield book.say("fact_period"), book.say("period_day", period=head.period, day=results.study.last_day.isoformat())
    yield book.say("fact_nature"), messages.text("word.synthetic", lang) if head.synthetic else book.say("real_data")
    yield book.say("fact_source"), head.source or _files(book)
    yield book.say("fact_way"), book.say("way_explained")
    yield book.say("fact_crs"), f"{results.units.crs.to_string()} {results.units.crs.name}"
    yield book.say("fact_speeds"), _speeds(book, parameters.get("modes", {}))
    yield book.say("fact_cap"), _metres(book, parameters.get("cap_m", head.cap_m))
    yield book.say("fact_cell"), _metres(book, parameters.get("cell_m"))
    misplaced = cells.number_of(results.summary.get("misplaced_share"))
    shown = "" if misplaced is None else f"{cells.rounded(misplaced * 100.0, decimals=2)}%"
    yield book.say("fact_misplaced"), book.say("misplaced_explained", share=shown) if shown else ""
    yield book.say("fact_pass"), f"{wording.percent(headline.pass_line(results))}%"
    yield book.say("fact_adequacy"), wording.adequacy_rule(results.study, lang)


def _files(book: Book) -> str:
    """Return the names of the files that layers were read from, each once; never their folders."""
    paths = (cells.text_of(item.get("path"), book.lang) for item in book.results.summary.get("inputs", ()))
    names = dict.fromkeys(PureWindowsPath(path).name for path in paths)
    return messages.text("word.comma", book.lang).join(name for name in names if name)


def _metres(book: Book, value: object) -> str:
    shown = cells.rounded(value)
    return book.say("metres", n=shown) if shown else ""


def _speeds(book: Book, modes: dict[str, dict[str, Any]]) -> str:
    parts = []
    for name, speeds in modes.items():
        speed = cells.rounded(speeds.get("speed_kmh"))
        access = cells.rounded(speeds.get("access_kmh"))
        shown = book.say("speed", n=speed) if speed else book.say("speed_by_class")
        parts.append(book.say("speed_of", mode=wording.mode(name, book.lang), speed=shown, access=access))
    return book.say("semicolon").join(parts)


def _lines(book: Book) -> Iterator[list[object]]:
    for kind in book.results.services.values():
        if kind.rings:
            for ring in kind.rings:
                for group in kind.demand:
                    yield _line(book, kind, ring, group)
        else:
            yield _line_without_minutes(book, kind)


def _line(book: Book, kind: ServiceType, ring: Ring, group: str) -> list[object]:
    lang = book.lang
    found = headline.of_ring(book, kind.code, ring, group).get(("study", ""))
    return [
        kind.name(lang),
        wording.indicator(kind, ring, group, lang),
        messages.text("word.time_network", lang),
        wording.mode(ring.mode, lang),
        ring.limit,
        wording.group(group, lang),
        *((found.people, found.served, found.share, wording.status(found.status, lang)) if found else [None] * 4),
        book.results.study.last_day.isoformat(),
        wording.basis(kind, lang),
        *_tail(book, kind, ring.mode == kind.mode),
    ]


def _line_without_minutes(book: Book, kind: ServiceType) -> list[object]:
    lang = book.lang
    name = book.say(
        "presence_indicator" if kind.test == wording.PRESENCE else "inventory_indicator", service=kind.name(lang)
    )
    day = book.results.study.last_day.isoformat()
    empty: list[object] = [None] * 8
    return [kind.name(lang), name, *empty, day, wording.basis(kind, lang), *_tail(book, kind, decides=False)]


def _tail(book: Book, kind: ServiceType, decides: bool) -> list[object]:  # noqa: FBT001 - one of two lines
    """Return the counted and listed points of a service and, for its deciding ring, the polygons' error."""
    told = book.results.summary.get("services", {}).get(kind.code, {})
    listed = told.get("listed", {})
    states = [listed.get(state) for state in (*wording.STATES[1:], "mobile")]
    errors = [told.get("misplaced_share"), told.get("misplaced_uniform_share")] if decides else [None, None]
    return [told.get("counted"), *states, *errors]
