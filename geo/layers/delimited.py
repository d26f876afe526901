"""CSV and TSV → cells: which encoding, which delimiter."""

from __future__ import annotations

import csv
import io
from typing import TYPE_CHECKING

from geo.layers import bounds, sheets
from geo.layers.cells import Cells
from geo.layers.findings import shown
from geo.layers.raw import UnreadableError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from geo.layers.cells import Grid
    from geo.layers.findings import Findings
    from geo.layers.raw import Raw
    from geo.study_file import LayerSource

ENCODINGS = ("utf-8-sig", "utf-8", "gb18030")
DELIMITERS = (",", "\t", ";")
_BOMS = {b"\xff\xfe": "utf-16", b"\xfe\xff": "utf-16"}
_END = "\x00end of the file\x00"


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
    known = sheets.known(source, kind)
    best: tuple[int, int] = (-1, -1)
    chosen = DELIMITERS[0]
    for delimiter in DELIMITERS:
        grid = _cells(text, delimiter, findings=None, most=sheets.HEADER_ROWS)
        score = max(((sheets.hits(row, known), len(row)) for row in grid), default=(0, 0))
        if score > best:
            best, chosen = score, delimiter
    lines = _cells(text, chosen, findings=findings, most=None)
    return sheets.table_of(Cells(lines), source, findings, kind=kind)


def _cells(text: str, delimiter: str, *, findings: Findings | None, most: int | None) -> Grid:
    """Return the cells of a CSV; an open quotation mark is a fault, for it swallows the rows behind it."""
    end = "" if most is not None else f"\n{_END}\n"
    reader = csv.reader(io.StringIO(text + end, newline=""), delimiter=delimiter)
    rows: Grid = []
    n_cells = 0
    try:
        for row in reader:
            rows.append(row)
            n_cells += len(row)
            if most is not None and len(rows) >= most:
                return rows
            if findings is not None:
                bounds.check(n_cells, bounds.MOST_CELLS, findings, what="cells")
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
