"""CSV and xlsx as offices write them: encodings, delimiters, title rows, merged cells → columns of text."""

from __future__ import annotations

import csv
import datetime as dt
import io
import warnings
import zipfile
import zlib
from typing import TYPE_CHECKING, Any
from xml.etree import ElementTree as ET

import numpy as np
import openpyxl
import pandas as pd
from openpyxl.utils.cell import range_boundaries
from openpyxl.utils.exceptions import InvalidFileException

from geo.layers import headers
from geo.layers.findings import listed, shown
from geo.layers.raw import Raw, UnreadableError
from geo.layers.values import text_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from openpyxl import Workbook

    from geo.layers.findings import Findings
    from geo.study_file import LayerSource

Grid = list[list[str]]
ENCODINGS = ("utf-8-sig", "utf-8", "gb18030")
HEADER_ROWS = 40
_BOMS = {b"\xff\xfe": "utf-16", b"\xfe\xff": "utf-16"}
_END = "\x00end of the file\x00"
_MAIN = "{http://schemas.openxmlformats.org/spreadsheetml/2006/main}"
_REL = "{http://schemas.openxmlformats.org/officeDocument/2006/relationships}"
_HEADERS_SURE = 2
_OLE = b"\xd0\xcf\x11\xe0"  # what old workbooks and those under a password begin with
# What openpyxl lets through from a damaged workbook.
_BOOK_ERRORS = (
    InvalidFileException,
    zipfile.BadZipFile,
    zlib.error,
    ET.ParseError,
    ArithmeticError,
    AttributeError,
    EOFError,
    LookupError,
    NotImplementedError,
    OSError,
    RuntimeError,
    TypeError,
    ValueError,
)
_MERGED_CELLS = 10_000


def decode(data: bytes, findings: Findings, *, encoding: str | None) -> str:
    """Return the text of a file: by the encoding stated, else the first of utf-8-sig, utf-8 and gb18030 that fits.

    The choice is told. Raises UnreadableError when none fits or the one stated does not.
    """
    if encoding:
        try:
            return data.decode(encoding).removeprefix("\ufeff")
        except (LookupError, ValueError) as error:
            findings.fault("bad_encoding", encoding=shown(encoding), accepted=", ".join(ENCODINGS))
            raise UnreadableError from error
    choices: Sequence[str] = ENCODINGS if data.startswith(b"\xef\xbb\xbf") else ENCODINGS[1:]
    if data[:2] in _BOMS:
        choices = (_BOMS[data[:2]],)
    for choice in choices:
        try:
            text = data.decode(choice)
        except UnicodeError:
            continue
        findings.tell("encoding", encoding=choice)
        return text
    findings.fault("no_encoding", accepted=", ".join(ENCODINGS))
    raise UnreadableError


def read_csv(source: LayerSource, findings: Findings, *, data: bytes, kind: str) -> Raw:
    """Return a CSV or TSV as columns of text, each row with its line in a spreadsheet program."""
    text = decode(data, findings, encoding=source.encoding)
    known = _known(source, kind)
    best: tuple[int, int] = (-1, -1)
    chosen = ","
    for delimiter in (",", "\t", ";"):
        grid = _cells(text, delimiter, findings=None, most=HEADER_ROWS)
        score = max(((_hits(row, known), len(row)) for row in grid), default=(0, 0))
        if score > best:
            best, chosen = score, delimiter
    lines = _cells(text, chosen, findings=findings, most=None)
    return _raw(lines, findings, known=known, merged=[])


def _known(source: LayerSource, kind: str) -> frozenset[str]:
    """Return the headers, plain, by which a header row is found."""
    return headers.known_headers(kind) | {headers.plain(name) for name in source.columns.values()}


def _cells(text: str, delimiter: str, *, findings: Findings | None, most: int | None) -> Grid:
    """Return the cells of a CSV; an open quotation mark is a fault, for it swallows the rows behind it."""
    end = "" if most is not None else f"\n{_END}\n"
    reader = csv.reader(io.StringIO(text + end, newline=""), delimiter=delimiter)
    rows: Grid = []
    try:
        for row in reader:
            rows.append(row)
            if most is not None and len(rows) >= most:
                return rows
    except csv.Error as error:
        if findings is None:
            return rows
        findings.fault("bad_csv", rows=[len(rows) + 1], why=str(error))
        raise UnreadableError from error
    if findings is not None:
        if rows[-1] != [_END]:
            findings.fault("open_quote", rows=[len(rows)])
            raise UnreadableError
        del rows[-1]
    return rows


def _hits(row: Sequence[str], known: frozenset[str]) -> int:
    return len({headers.plain(cell) for cell in row if cell.strip()} & known)


def _header_row(lines: Grid, known: frozenset[str]) -> int | None:
    """Return the first row that holds known headers: two of them, else one, else anything at all."""
    first = lines[:HEADER_ROWS]
    for least in (_HEADERS_SURE, 1):
        found = next((number for number, row in enumerate(first) if _hits(row, known) >= least), None)
        if found is not None:
            return found
    return next((number for number, row in enumerate(lines) if any(cell.strip() for cell in row)), None)


def _raw(lines: Grid, findings: Findings, *, known: frozenset[str], merged: list[tuple[int, int, int, int]]) -> Raw:
    """Return columns from cells: header row found, merged cells filled, empty tail cut."""
    at = _header_row(lines, known)
    if at is None:
        findings.fault("empty_file")
        raise UnreadableError
    if any(any(cell.strip() for cell in row) for row in lines[:at]):
        findings.tell("title_rows", n=at, line=at + 1)
    _fill_merged(lines, merged, below=at)
    header, start = _header(lines, at, known)
    body = lines[start:]
    while body and not any(cell.strip() for cell in body[-1]):
        body.pop()
    names = _unique_names(header, findings)
    _tell_long_rows(body, len(names), findings, first=start + 1)
    padded = [[*row[: len(names)], *[""] * (len(names) - len(row))] for row in body]
    columns = pd.DataFrame(padded, columns=pd.Index(names, dtype="object"), dtype="object")
    rows = np.arange(start + 1, start + 1 + len(body), dtype=np.int64)
    return Raw(columns, rows, None, None, is_sheet=True)


def _header(lines: Grid, at: int, known: frozenset[str]) -> tuple[list[str], int]:
    """Return the header and where the body starts; a second row of headers (坐标 over 经度, 纬度) is taken in."""
    header = list(lines[at])
    if at + 1 < len(lines):
        below = lines[at + 1]
        filled = [cell for cell in below if cell.strip()]
        new = {headers.plain(cell) for cell in filled} - {headers.plain(cell) for cell in header}
        if new and all(headers.plain(cell) in known for cell in filled):
            width = max(len(header), len(below))
            upper, lower = (row + [""] * (width - len(row)) for row in (header, list(below)))
            return [low if low.strip() else up for up, low in zip(upper, lower, strict=True)], at + 2
    return header, at + 1


def _unique_names(header: Sequence[str], findings: Findings) -> list[str]:
    """Return headers that are all there and all different; what had to be renamed is told."""
    last = max((number for number, cell in enumerate(header) if cell.strip()), default=-1)
    names: list[str] = []
    for number, cell in enumerate(header[: last + 1]):
        name = " ".join(cell.split()) or f"column_{number + 1}"
        if name in names:
            twice = name
            name = next(f"{twice}_{n}" for n in range(2, len(header) + 3) if f"{twice}_{n}" not in {*names, *header})
            findings.tell("same_header", header=shown(twice), renamed=shown(name))
        names.append(name)
    return names


def _tell_long_rows(body: Grid, width: int, findings: Findings, *, first: int) -> None:
    """Note rows with more cells than headers: a comma inside a cell has moved the rest."""
    long = [number for number, row in enumerate(body) if any(cell.strip() for cell in row[width:])]
    given = [listed(cell for cell in body[number][width:] if cell.strip()) for number in long]
    findings.rows([first + number for number in long], "doubtful", "long_row", given=given, of=len(body))


def _fill_merged(lines: Grid, merged: list[tuple[int, int, int, int]], *, below: int) -> None:
    """Write a merged cell's text into all cells that it covers, from the header row downwards; titles stay alone."""
    for left, top, right, bottom in merged:
        if top - 1 < below or top > len(lines) or (right - left + 1) * (bottom - top + 1) > _MERGED_CELLS:
            continue
        text = lines[top - 1][left - 1] if left <= len(lines[top - 1]) else ""
        if top - 1 == below:  # a header: only its first column bears the text, a second header row names the rest
            continue
        for row in lines[top - 1 : bottom]:
            row.extend([""] * (right - len(row)))
            row[left - 1 : right] = [text] * (right - left + 1)


def _cell(value: object) -> str:
    """Return an xlsx cell as text: dates as ISO, whole numbers without `.0`."""
    if isinstance(value, dt.datetime):
        return value.date().isoformat() if value.time() == dt.time() else value.isoformat(sep=" ", timespec="minutes")
    return text_of(value)


def read_xlsx(source: LayerSource, findings: Findings, *, data: bytes, kind: str) -> Raw:
    """Return a sheet of a workbook as columns of text: the one named `layer`, else the first with known headers."""
    known = _known(source, kind)
    if data.startswith(_OLE):
        findings.fault("old_excel")
        raise UnreadableError
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # openpyxl warns of styles and extensions that hold no data
            book = openpyxl.load_workbook(io.BytesIO(data), read_only=True, data_only=True)
            title = _sheet_title(source, findings, book=book, known=known)
            lines = _sheet_lines(book[title], most=None)
            merged = _merged_ranges(data, title)
    except _BOOK_ERRORS as error:
        findings.fault("broken_file", why=_reason(error))
        raise UnreadableError from error
    return _raw(lines, findings, known=known, merged=merged)


def _reason(error: Exception) -> str:
    return f"{type(error).__name__}: {shown(error)}"


def _sheet_lines(sheet: Any, *, most: int | None) -> Grid:  # noqa: ANN401 - openpyxl has no types
    if hasattr(sheet, "reset_dimensions"):
        sheet.reset_dimensions()  # programs write wrong ones, and openpyxl believes them
    return [[_cell(value) for value in row] for row in sheet.iter_rows(values_only=True, max_row=most)]


def _sheet_title(source: LayerSource, findings: Findings, *, book: Workbook, known: frozenset[str]) -> str:
    """Return the title of the sheet to read."""
    titles = [sheet.title for sheet in book.worksheets]
    if source.layer is not None:
        if source.layer in titles:
            return source.layer
        findings.fault("no_such_layer", given=shown(source.layer), found=listed(titles))
        raise UnreadableError
    hits = {}
    for title in titles:
        lines = _sheet_lines(book[title], most=HEADER_ROWS)
        hits[title] = max((_hits(row, known) for row in lines), default=0)
    chosen = next(
        (title for title in titles if hits[title] >= _HEADERS_SURE), max(titles, key=lambda title: hits[title])
    )
    if len(titles) > 1:
        findings.tell("sheet", sheet=shown(chosen), found=listed(titles))
    return chosen


def _merged_ranges(data: bytes, title: str) -> list[tuple[int, int, int, int]]:
    """Return the merged cells of a sheet as (left, top, right, bottom), from 1; openpyxl's fast reader drops them."""
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        book = ET.fromstring(archive.read("xl/workbook.xml"))  # noqa: S314 - expat limits expansion
        links = ET.fromstring(archive.read("xl/_rels/workbook.xml.rels"))  # noqa: S314
        wanted = [item.get(f"{_REL}id") for item in book.iter(f"{_MAIN}sheet") if item.get("name") == title]
        targets = [item.get("Target", "") for item in links if wanted and item.get("Id") == wanted[0]]
        if not targets:
            return []
        name = targets[0].lstrip("/") if targets[0].startswith("/") else f"xl/{targets[0]}"
        with archive.open(name) as part:
            found = []
            for _, item in ET.iterparse(part):  # noqa: S314
                if item.tag == f"{_MAIN}mergeCell":
                    left, top, right, bottom = range_boundaries(item.get("ref", ""))
                    found.append((left or 1, top or 1, right or 1, bottom or 1))
                if item.tag == f"{_MAIN}row":
                    item.clear()
            return found
