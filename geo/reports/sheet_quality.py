"""What was wrong with the input, and from what was computed? Repairs, snapping, inputs, parameters, versions."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from geo import quality, schema
from geo.coverage import LIST_SEPARATOR
from geo.reports import cells, layout, wording
from geo.reports.layout import Column

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from geo.reports.layout import Book


def write_quality(book: Book) -> None:
    """Write how demand was linked to the streets, the rows of each source, every line of the repair report, every warning."""
    columns = [
        Column(book.say("number"), 10, "whole"),
        Column(book.say("layer"), 16),
        Column(book.say("source_file"), 28),
        Column(book.say("row"), 10, "whole"),
        Column(book.say("id"), 16),
        Column(book.say("action"), 12),
        Column(book.say("field"), 14),
        Column(book.say("value_given"), 24),
        Column(book.say("message"), 64),
        Column(book.say("mend"), 44),
    ]
    sheet = layout.open_sheet(book, "quality", columns)
    row = layout.section(book, sheet, layout.FIRST_ROW, "part_snap")
    row = layout.table(book, sheet, row, _snap_columns(book), _snap_lines(book))
    row = layout.section(book, sheet, row + 1, "part_sources")
    row = layout.table(book, sheet, row, _source_columns(book), _source_lines(book))
    head = layout.section(book, sheet, row + 1, "part_repairs")
    end = layout.table(book, sheet, head, columns, _repair_lines(book))
    layout.head_of_table(sheet, head, last_row=end - 1, columns=len(columns))
    row = layout.section(book, sheet, end + 1, "part_adequacy")
    row = layout.line_across(book, sheet, row, columns, wording.adequacy_rule(book.results.study, book.lang))
    end = layout.table(book, sheet, row, _adequacy_columns(book), _adequacy_lines(book))
    layout.close_sheet(sheet, rows=end, columns=len(columns))


def _adequacy_columns(book: Book) -> list[Column]:
    """Return the columns of what is known of each unit's streets; they are as wide as those of the repairs above."""
    return [
        Column(book.say("number"), 10, "whole"),
        Column(book.say("unit_kind"), 16),
        Column(book.say("unit_name"), 28),
        Column(book.say("street_density"), 10, "minutes"),
        Column(book.say("unit_id"), 16),
        Column(book.say("street_per_head"), 12, "hundredths"),
        Column(book.say("far_share"), 14, "share"),
        Column(book.say("island_share"), 24, "share"),
        Column(book.say("adequacy_result"), 64),
        Column(book.say("not_assessed_for"), 44),
    ]


def _adequacy_lines(book: Book) -> Iterator[list[object]]:
    """Give the units whose people are somewhere or not known, those that are not assessed first."""
    lang = book.lang
    units = [item for item in book.results.summary.get("adequacy", ()) if item["status"] != "no_demand"]
    units = sorted(units, key=lambda item: item["status"] != "not_assessed")  # stable: else as they stand
    for number, item in enumerate(units, start=1):
        pairs = (pair.rsplit(":", 1) for pair in item["not_assessed_for"].split(LIST_SEPARATOR) if pair)
        shown = (f"{wording.mode(mode, lang)} · {wording.group(group, lang)}" for mode, group in pairs)
        result = wording.status(item["status"], lang) if item["reason"] else book.say("adequacy_ok")
        whom = book.say(
            "adequacy_whom", mode=wording.mode(item["mode"], lang), group=wording.group(item["group"], lang)
        )
        yield [
            number,
            wording.unit_kind(item["unit_kind"], lang),
            item["unit_name"],
            item["street_km_per_km2"],
            item["unit_id"],
            item["street_m_per_resident"],
            item["far_share"],
            item["island_share"],
            book.say("semicolon").join(
                [f"{result}{whom}", *([cells.text_of(item["reason"], lang)] if item["reason"] else [])]
            ),
            book.say("semicolon").join(shown) or None,
        ]


def _snap_columns(book: Book) -> list[Column]:
    """Return the columns of the upper table; they are as wide as those of the lower one, which stand first."""
    names = [Column(book.say(f"snap_{status}"), 16, "whole") for status in schema.SNAP_STATUS]
    return [Column(book.say("mode"), 10), *names]


def _snap_lines(book: Book) -> Iterator[list[object]]:
    for mode, counts in book.results.summary.get("snap", {}).items():
        yield [wording.mode(mode, book.lang), *(counts.get(status, 0) for status in schema.SNAP_STATUS)]


def _repair_lines(book: Book) -> Iterator[list[object]]:
    lang, repairs = book.lang, book.results.repairs
    said: set[str] = set()
    number = 0
    for line in quality.lines(repairs):
        number += 1
        text = cells.text_of(line.message, lang)
        said.add(text)
        layer = wording.coded(cells.text_of(line.layer, lang), lang, of="layer")
        action = wording.coded(str(line.action), lang, of="action")
        mend = None if line.mend is None else line.mend.text(lang)
        yield [
            number,
            layer,
            line.source,
            line.row,
            line.id,
            action,
            cells.text_of(line.field, lang) or None,
            line.value or None,
            text,
            mend,
        ]
    for warning in book.results.summary.get("warnings", ()):
        text = cells.text_of(warning, lang)
        if text not in said:
            number += 1
            yield [number, None, None, None, None, book.say("action_told"), None, None, text, None]


def _source_columns(book: Book) -> list[Column]:
    """Return the columns of the counts of rows; they are as wide as those of the repairs, which stand below."""
    names = ("rows_read", "rows_kept", "rows_unused", "rows_repaired", "rows_doubtful")
    counts = [Column(book.say(name), 12, "whole") for name in names]
    return [
        Column(book.say("number"), 10, "whole"),
        Column(book.say("layer"), 16),
        Column(book.say("source_file"), 28),
        *counts,
    ]


def _source_lines(book: Book) -> Iterator[list[object]]:
    sources = quality.counted(book.results.summary.get("inputs", ()))
    for number, item in enumerate(sources, start=1):
        layer = wording.coded(cells.text_of(item["layer"], book.lang), book.lang, of="layer")
        unused = (item["rows_filtered"] or 0) + (item["rows_dropped"] or 0)
        counts = (item["rows_read"], item["rows_kept"], unused, item["rows_repaired"], item["rows_doubtful"])
        yield [number, layer, item["source"], *counts]


def write_parameters(book: Book) -> None:
    """Write the inputs with their checksums, every parameter and the versions of what computed."""
    columns = [
        Column(book.say("layer"), 22),
        Column(book.say("path"), 34),
        Column("SHA-256", 68),
        Column(book.say("crs"), 20),
        Column(book.say("rows_read"), 10, "whole"),
        Column(book.say("rows_kept"), 10, "whole"),
        Column(book.say("rows_repaired"), 10, "whole"),
    ]
    sheet = layout.open_sheet(book, "parameters", columns)
    summary = book.results.summary
    head = layout.FIRST_ROW
    end = layout.table(book, sheet, head, columns, _input_lines(book, summary.get("inputs", ())))
    layout.head_of_table(sheet, head, last_row=end - 1, columns=len(columns))
    pair = [Column(book.say("parameter"), 22), Column(book.say("value"), 34)]
    row = layout.section(book, sheet, end + 1, "part_parameters")
    row = layout.table(book, sheet, row, pair, _flat(book, _parameters(book)))
    row = layout.section(book, sheet, row + 1, "part_versions")
    pair[0] = Column(book.say("program"), 22)
    row = layout.table(book, sheet, row, pair, _flat(book, summary.get("versions", {})))
    layout.close_sheet(sheet, rows=row, columns=len(columns))


def _input_lines(book: Book, inputs: Sequence[Mapping[str, Any]]) -> Iterator[list[object]]:
    names = ("path", "sha256", "crs", "rows_read", "rows_kept", "rows_repaired")
    for item in inputs:
        layer = wording.coded(cells.text_of(item.get("layer"), book.lang), book.lang, of="layer")
        yield [layer, *(item.get(name) for name in names)]


def _parameters(book: Book) -> dict[str, Any]:
    """Return the parameters, the bases of limits as people read them in the workbook's language."""
    given: Mapping[str, Any] = book.results.summary.get("parameters", {})
    services = {
        code: {**values, "basis": wording.basis(book.results.services[code], book.lang)}
        if "basis" in values and code in book.results.services
        else values
        for code, values in given.get("services", {}).items()
    }
    return {**given, "services": services} if services else dict(given)


def _flat(book: Book, values: Mapping[str, Any], *, before: str = "") -> Iterator[list[object]]:
    """Give name and value of everything in nested tables, with the words of the catalogue where it has them."""
    for key, value in values.items():
        name = f"{before}{_parameter(book, str(key), within=before)}"
        if isinstance(value, Mapping):
            yield from _flat(book, value, before=f"{name} · ")
        else:
            number = cells.number_of(value)
            missing = number is None and not isinstance(value, (str, bool))
            yield [name, None if missing and value is None else _shown(book, value, number)]


def _parameter(book: Book, key: str, *, within: str) -> str:
    """Return what a key is called: a mode, a service, else what the catalogue says, else itself."""
    if within and key in wording.MODES:
        return wording.mode(key, book.lang)
    known = key in book.results.services and bool(within)
    return wording.service(key, book.results, book.lang) if known else wording.coded(key, book.lang, of="parameter")


def _shown(book: Book, value: object, number: float | None) -> str:
    if isinstance(value, bool):
        return book.say("has" if value else "lacks")
    if isinstance(value, (list, tuple)):
        return book.say("semicolon").join(_shown(book, item, cells.number_of(item)) for item in value)
    if isinstance(value, Mapping):
        return " ".join(_shown(book, item, cells.number_of(item)) for item in value.values())
    return cells.text_of(value, book.lang) if number is None else cells.rounded(number, decimals=6)
