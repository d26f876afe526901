"""Which sheets does `report.xlsx` hold, in which order: the workbook for offices."""

from __future__ import annotations

import datetime as dt
import io
from typing import TYPE_CHECKING, Any

import xlsxwriter

from geo.reports import (
    cells,
    layout,
    sheet_centres,
    sheet_comparison,
    sheet_cover,
    sheet_coverage,
    sheet_facilities,
    sheet_gaps,
    sheet_ledger,
    sheet_lists,
    sheet_quality,
    sheet_standards,
)
from geo.reports.layout import Book

if TYPE_CHECKING:
    from pathlib import Path

    from geo.messages import Lang
    from geo.results import Results

_TITLE_CHARACTERS = 255
# Text from data stays text: no formula, no link, no number out of it.
_OPTIONS = {
    "in_memory": True,
    "strings_to_formulas": False,
    "strings_to_urls": False,
    "strings_to_numbers": False,
    "nan_inf_to_errors": False,
}


def write_workbook(results: Results, path: Path, *, lang: Lang, kept: dict[str, Any] | None = None) -> None:
    """Write `report.xlsx`, dated on the last day of the study's period: the same bytes every time.

    `kept` is what editions of these results have worked out (:class:`geo.reports.edition.Edition`).
    """
    content = io.BytesIO()
    with xlsxwriter.Workbook(content, _OPTIONS) as workbook:
        created = dt.datetime.combine(results.study.last_day, dt.time(), tzinfo=dt.UTC)
        title = cells.text_of(results.study.head.name, lang)[:_TITLE_CHARACTERS]
        workbook.set_properties({"title": title, "created": created})
        book = Book(results, lang, workbook, layout.make_formats(workbook), kept={} if kept is None else kept)
        sheet_cover.write_cover(book)
        sheet_coverage.write_matrix(book)
        sheet_facilities.write_facilities(book)
        sheet_facilities.write_venues(book)
        sheet_centres.write_centres(book)
        sheet_centres.write_presence(book)
        sheet_gaps.write_gaps(book)
        sheet_lists.write_lists(book)
        sheet_ledger.write_ledger(book)
        sheet_comparison.write_comparison(book)
        sheet_standards.write_standards(book)
        sheet_quality.write_quality(book)
        sheet_quality.write_parameters(book)
        sheet_coverage.write_rows(book)  # the longest by far, and so the last to be printed
    path.write_bytes(content.getvalue())
