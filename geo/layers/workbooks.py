"""xlsx, xls and the web pages that offices save as xls → cells of the sheet that holds the table."""

from __future__ import annotations

import contextlib
import io
import struct
import warnings
import zipfile
import zlib
from typing import TYPE_CHECKING, Any, NamedTuple
from xml.etree import ElementTree as ET

from geo.layers import archives, bounds, sheets
from geo.layers.cells import EXACT_BELOW, Cells, Grid, Merged, Odd, bounded, text_of_cell
from geo.layers.findings import listed, shown
from geo.layers.raw import UnreadableError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from geo.layers.findings import Findings
    from geo.layers.raw import Raw
    from geo.study_file import LayerSource

OLE = b"\xd0\xcf\x11\xe0"  # what old workbooks and those under a password begin with
ZIP = b"PK\x03\x04"
_MAIN = "{http://schemas.openxmlformats.org/spreadsheetml/2006/main}"
_REL = "{http://schemas.openxmlformats.org/officeDocument/2006/relationships}"
_XML_SUFFIXES = (".xml", ".rels", ".vml")
# What openpyxl and xlrd let through from a damaged workbook. SyntaxError is that of any XML parser: openpyxl takes lxml
# where another package has brought it, and lxml's is no ElementTree.ParseError.
BOOK_ERRORS = (
    zipfile.BadZipFile,
    zlib.error,
    SyntaxError,
    struct.error,
    ArithmeticError,
    AssertionError,
    AttributeError,
    EOFError,
    LookupError,
    MemoryError,
    NotImplementedError,
    OSError,
    RuntimeError,
    TypeError,
    ValueError,
)


class Sheet(NamedTuple):
    """A sheet of a workbook: its title, whether it is hidden, its first lines, and all of it on demand."""

    title: str
    is_hidden: bool
    lines: Callable[[int | None], Grid]
    cells: Callable[[], Cells]


def read_xlsx(source: LayerSource, findings: Findings, *, data: bytes, kind: str) -> Raw:
    """Return a sheet of an xlsx workbook as columns of text: the one named `layer`, else the first with known headers."""
    import openpyxl  # noqa: PLC0415 - few studies have workbooks, and it takes long to import

    _check_parts(data, source, findings)
    try:
        # openpyxl warns of styles and extensions that hold no data, and prints what it thinks of some.
        with warnings.catch_warnings(), contextlib.redirect_stdout(io.StringIO()):
            warnings.simplefilter("ignore")
            book = openpyxl.load_workbook(io.BytesIO(data), read_only=True, data_only=True)
            found = [_xlsx_sheet(sheet, data, findings) for sheet in book.worksheets]
            cells = _chosen(found, source, findings, kind=kind).cells()
    except BOOK_ERRORS as error:
        findings.fault("broken_file", why=reason(error))
        raise UnreadableError from error
    return sheets.table_of(cells, source, findings, kind=kind)


def reason(error: BaseException) -> str:
    """Return an error of a library as a message quotes it."""
    return f"{type(error).__name__}: {shown(error)}"


def _check_parts(data: bytes, source: LayerSource, findings: Findings) -> None:
    """Unpack every part of a workbook once, within bounds, and refuse entities: openpyxl checks neither."""
    left = bounds.MOST_TEXT_BYTES
    try:
        with archives.opened(data, source, findings) as archive:
            for info in archive.infolist():
                if info.filename.lower().endswith(_XML_SUFFIXES):
                    part = archives.member(archive, info, findings, most=left)
                    left -= len(part)
                    bounds.check_xml(part, findings, most_depth=bounds.MOST_DEPTH)
    except archives.ERRORS as error:
        findings.fault("broken_file", why=reason(error))
        raise UnreadableError from error


def _xlsx_sheet(sheet: Any, data: bytes, findings: Findings) -> Sheet:  # noqa: ANN401 - openpyxl has no types
    title = str(sheet.title)

    def lines(most: int | None) -> Grid:
        return _xlsx_lines(sheet, findings, most=most)[0]

    def cells() -> Cells:
        grid, odd = _xlsx_lines(sheet, findings, most=None)
        merged, empty_formulas = _from_xml(data, title, findings)
        return Cells(grid, merged, [*odd, *empty_formulas])

    return Sheet(title, sheet.sheet_state != "visible", lines, cells)


def _xlsx_lines(sheet: Any, findings: Findings, *, most: int | None) -> tuple[Grid, list[Odd]]:  # noqa: ANN401
    """Return a sheet's texts, and the cells that hold an error or a number too long for a spreadsheet."""
    if hasattr(sheet, "reset_dimensions"):
        sheet.reset_dimensions()  # programs write wrong ones, and openpyxl believes them
    grid: Grid = []
    odd: list[Odd] = []
    for number, row in enumerate(bounded(sheet.iter_rows(max_row=most), findings), start=1):
        texts: list[str] = []
        for cell in row:
            value = cell.value
            if value is None or isinstance(value, str):
                text = value or ""
                if cell.data_type == "e" and text:
                    odd.append(Odd(number, "cell_error", text))
                    text = ""
            else:
                text = text_of_cell(value, cell.number_format)
                odd.extend(_too_long(value, number))
            texts.append(text)
        grid.append(texts)
    return grid, odd


def _too_long(value: object, row: int) -> Iterable[Odd]:
    """Return a whole number of more digits than a spreadsheet keeps: the last ones have become zeros."""
    if isinstance(value, (int, float)) and not isinstance(value, bool) and abs(value) >= EXACT_BELOW:
        yield Odd(row, "digits_lost", text_of_cell(value))


def _chosen(found: Sequence[Sheet], source: LayerSource, findings: Findings, *, kind: str) -> Sheet:
    """Return the sheet to read; others that look like tables of the kind are named with their rows."""
    titles = [sheet.title for sheet in found]
    if source.layer is not None:
        named = next((sheet for sheet in found if sheet.title == source.layer), None)
        if named is None:
            findings.fault("no_such_layer", given=shown(source.layer), found=listed(titles))
            raise UnreadableError
        return named
    if not found:
        findings.fault("empty_file")
        raise UnreadableError
    names = sheets.known(source, kind)
    visible = [sheet for sheet in found if not sheet.is_hidden] or list(found)
    best = {
        sheet.title: max((sheets.hits(row, names) for row in sheet.lines(sheets.HEADER_ROWS)), default=0)
        for sheet in visible
    }
    sure = [sheet for sheet in visible if best[sheet.title] >= sheets.HEADERS_SURE]
    chosen = sure[0] if sure else max(visible, key=lambda sheet: best[sheet.title])
    if len(found) > 1:
        findings.tell("sheet", sheet=shown(chosen.title), found=listed(titles))
    for sheet in sure[1:]:
        lines = sheet.lines(None)
        at = sheets.header_row(lines, names) or 0
        n_rows = sum(any(cell.strip() for cell in row) for row in lines[at + 1 :])
        if n_rows:
            findings.tell("sheet_not_read", action="doubtful", sheet=shown(sheet.title), n=n_rows)
    return chosen


def _from_xml(data: bytes, title: str, findings: Findings) -> tuple[list[Merged], list[Odd]]:
    """Return a sheet's merged cells, and its formulas without a stored result; openpyxl's fast reader drops both."""
    from openpyxl.utils.cell import range_boundaries  # noqa: PLC0415 - see read_xlsx

    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        name = _part_of(archive, title)
        if name is None:
            return [], []
        merged: list[Merged] = []
        odd: list[Odd] = []
        row = 0
        with archive.open(name) as part:
            for event, item in ET.iterparse(part, events=("start", "end")):  # noqa: S314 - no document type: checked
                if event == "start":
                    row = int(item.get("r") or row + 1) if item.tag == f"{_MAIN}row" else row
                elif item.tag == f"{_MAIN}c":
                    formula = item.find(f"{_MAIN}f")
                    if formula is not None and not item.findtext(f"{_MAIN}v") and item.get("t") != "str":
                        odd.append(Odd(row, "formula_empty", f"{item.get('r', '')} ={formula.text or ''}"))
                elif item.tag == f"{_MAIN}mergeCell":
                    left, top, right, bottom = range_boundaries(item.get("ref", ""))
                    merged.append(Merged(left or 1, top or 1, right or 1, bottom or 1))
                    bounds.check(len(merged), bounds.MOST_CELLS, findings, what="cells")
                elif item.tag == f"{_MAIN}row":
                    item.clear()
        return merged, odd


def _part_of(archive: zipfile.ZipFile, title: str) -> str | None:
    """Return the part of a workbook that holds a sheet."""
    book = ET.fromstring(archive.read("xl/workbook.xml"))  # noqa: S314 - no document type: checked
    links = ET.fromstring(archive.read("xl/_rels/workbook.xml.rels"))  # noqa: S314
    wanted = [item.get(f"{_REL}id") for item in book.iter(f"{_MAIN}sheet") if item.get("name") == title]
    targets = [item.get("Target", "") for item in links if wanted and item.get("Id") == wanted[0]]
    if not targets:
        return None
    return targets[0].lstrip("/") if targets[0].startswith("/") else f"xl/{targets[0]}"


def read_xls(source: LayerSource, findings: Findings, *, data: bytes, kind: str) -> Raw:
    """Return a sheet of an old xls workbook as columns of text, like :func:`read_xlsx`; needs the extra `xls`."""
    try:
        import xlrd  # noqa: PLC0415 - an extra
    except ImportError as error:
        findings.fault("old_excel")
        raise UnreadableError from error
    errors = (*BOOK_ERRORS, xlrd.XLRDError, xlrd.compdoc.CompDocError)
    silent = io.StringIO()  # xlrd prints what it thinks of a file
    try:
        try:
            book = xlrd.open_workbook(file_contents=data, formatting_info=True, ragged_rows=True, logfile=silent)
        except errors:  # its formats are damaged: the cells may still be there, but merged ones are not known
            book = xlrd.open_workbook(file_contents=data, ragged_rows=True, logfile=silent)
            findings.tell("formats_lost", action="doubtful")
        found = [_xls_sheet(book, sheet, findings, errors=xlrd.error_text_from_code) for sheet in book.sheets()]
        cells = _chosen(found, source, findings, kind=kind).cells()
    except errors as error:
        locked = "encrypted" in str(error) or "Can't find workbook" in str(error)
        findings.fault("old_excel" if locked else "broken_file", why=reason(error))
        raise UnreadableError from error
    return sheets.table_of(cells, source, findings, kind=kind)


def _xls_sheet(book: Any, sheet: Any, findings: Findings, *, errors: dict[int, str]) -> Sheet:  # noqa: ANN401
    def cells(most: int | None = None) -> Cells:
        grid: Grid = []
        odd: list[Odd] = []
        n_rows = sheet.nrows if most is None else min(most, sheet.nrows)
        for number, row in enumerate(bounded(map(sheet.row, range(n_rows)), findings), start=1):
            grid.append([_xls_text(book, cell, number, odd, errors=errors) for cell in row])
        merged = [Merged(left + 1, top + 1, right, bottom) for top, bottom, left, right in sheet.merged_cells]
        return Cells(grid, merged, odd)

    return Sheet(str(sheet.name), sheet.visibility != 0, lambda most: cells(most).lines, cells)


def _xls_text(book: Any, cell: Any, row: int, odd: list[Odd], *, errors: dict[int, str]) -> str:  # noqa: ANN401
    """Return a cell of an old workbook as text; what is odd about it is added."""
    import xlrd  # noqa: PLC0415 - an extra

    if cell.ctype == xlrd.XL_CELL_ERROR:
        odd.append(Odd(row, "cell_error", errors.get(cell.value, "#?")))
        return ""
    if cell.ctype == xlrd.XL_CELL_BOOLEAN:
        return text_of_cell(bool(cell.value))
    if cell.ctype == xlrd.XL_CELL_DATE:
        try:
            return text_of_cell(xlrd.xldate_as_datetime(cell.value, book.datemode))
        except (ValueError, OverflowError):
            return text_of_cell(cell.value)
    if cell.ctype == xlrd.XL_CELL_NUMBER:
        odd.extend(_too_long(cell.value, row))
        return text_of_cell(cell.value, _xls_format(book, cell))
    return str(cell.value)


def _xls_format(book: Any, cell: Any) -> str | None:  # noqa: ANN401
    if cell.xf_index is None or not 0 <= cell.xf_index < len(book.xf_list):
        return None
    found = book.format_map.get(book.xf_list[cell.xf_index].format_key)
    return found.format_str if found is not None else None
