"""Whole lines of a sheet say what the library's own cells say, one by one."""

from __future__ import annotations

import io
import re
import zipfile
from dataclasses import replace

import openpyxl
import pytest
import xlsxwriter

from geo.reports import workbook
from geo.reports.lines import LineSheet

LINES = [["甲", 1.0, "a<b&c"], [" 空格 ", 0.1 + 0.2, "=1+1"], ["x\ty", -1e-9, "<r"], ["甲", 123456789.0, "—"]]


def opened(sheet_class, *, whole: bool):
    """Return a book of a header, lines and a total, its lines written whole or cell by cell."""
    content = io.BytesIO()
    options = {"in_memory": True, "strings_to_formulas": False}
    with xlsxwriter.Workbook(content, options) as book:
        text, number = book.add_format({"bold": True}), book.add_format({"num_format": "0.00"})
        sheet = book.add_worksheet("s", worksheet_class=sheet_class)
        sheet.write_string(1, 0, "名", text)
        sheet.set_row(7, 30)  # nothing but its height
        for row, line in enumerate(LINES, start=2):
            styles = [number if isinstance(value, float) else text for value in line]
            if whole:
                sheet.write_line(row, [sheet.written(value, style) for value, style in zip(line, styles, strict=True)])
            else:
                for column, (value, style) in enumerate(zip(line, styles, strict=True)):
                    sheet.write(row, column, value, style)
        sheet.set_row(3, 40)
        sheet.write_string(4, 1, "above", text)  # written over a line, and beside it
        sheet.write_number(4, 5, 7.0, number)
        sheet.write_formula(6, 1, "=SUM(B3:B6)", number, 1.0)
    with zipfile.ZipFile(content) as parts:
        texts = re.search(rb'<sst [^>]* count="(\d+)" uniqueCount="(\d+)"', parts.read("xl/sharedStrings.xml"))
    return openpyxl.load_workbook(io.BytesIO(content.getvalue()))["s"], [int(number) for number in texts.groups()]


def said(opened_sheet):
    sheet, texts = opened_sheet
    cells = {
        cell.coordinate: (cell.value, cell.data_type, cell.number_format, cell.font.bold)
        for row in sheet.iter_rows()
        for cell in row
        if cell.value is not None
    }
    return sheet.dimensions, cells, texts, {row: of.height for row, of in sheet.row_dimensions.items() if of.height}


def test_whole_lines_are_what_cells_are():
    quick, slow = said(opened(LineSheet, whole=True)), said(opened(None, whole=False))
    assert quick == slow
    assert quick[1]["B5"][0] == "above"
    assert quick[1]["C4"][:2] == ("=1+1", "s")


@pytest.mark.parametrize("name", ["<r>&</r>", "<r><t>x</t></r>"])
def test_a_text_that_looks_like_mark_up_is_text(results, tmp_path, name):
    points = results.service_points.copy()
    points["name"] = name
    workbook.write_workbook(replace(results, service_points=points), tmp_path / "report.xlsx", lang="zh")
    with (tmp_path / "report.xlsx").open("rb") as source:
        sheet = openpyxl.load_workbook(source)["设施台账"]
    assert name in {cell.value.strip() for row in sheet.iter_rows() for cell in row if isinstance(cell.value, str)}
