"""Where a sheet's header is, and what its body says: title rows, merged cells, headers of two rows → columns of text."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from geo.layers import bounds, counted_in, headers, stray_rows
from geo.layers.different_names import different
from geo.layers.findings import called, listed, shown
from geo.layers.raw import Raw, UnreadableError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from geo.layers.cells import Cells, Grid, Merged, Odd
    from geo.layers.findings import Findings
    from geo.study_file import LayerSource

HEADER_ROWS = 40
HEADERS_SURE = 2
# Of these a merged cell holds one number for all its rows: written into each it would count people twice.
PEOPLE = frozenset({"population", "elders", "workers"})
COUNTED_ONCE = PEOPLE | {"capacity"}
_HEADER_SHOWN = 200
_ALPHABET = 26


def known(source: LayerSource, kind: str) -> frozenset[str]:
    """Return the headers, plain, by which a header row is found."""
    return headers.known_headers(kind) | {headers.plain(name) for name in source.columns.values()}


def hits(row: Sequence[str], names: frozenset[str]) -> int:
    """Return how many different known headers a row holds."""
    return len({headers.plain(cell) for cell in row if cell.strip()} & names)


def header_row(lines: Grid, names: frozenset[str]) -> int | None:
    """Return the first row that holds known headers: two of them, else one, else anything at all."""
    first = lines[:HEADER_ROWS]
    for least in (HEADERS_SURE, 1):
        found = next((number for number, row in enumerate(first) if hits(row, names) >= least), None)
        if found is not None:
            return found
    return next((number for number, row in enumerate(lines) if any(cell.strip() for cell in row)), None)


def table_of(cells: Cells, source: LayerSource, findings: Findings, *, kind: str) -> Raw:
    """Return columns from cells: header row found, merged cells filled, empty tail cut.

    Parameters
    ----------
    cells
        The sheet; its lines are changed where merged cells are filled.
    source, kind
        How the source is read and as what, by which headers are known.
    """
    names_known, lines = known(source, kind), cells.lines
    at = header_row(lines, names_known)
    if at is None:
        findings.fault("empty_file")
        raise UnreadableError
    if any(any(cell.strip() for cell in row) for row in lines[:at]):
        findings.tell("title_rows", n=at, line=at + 1)
    width = max((number for number, cell in enumerate(lines[at], start=1) if cell.strip()), default=0)
    bounds.check(width, bounds.MOST_COLUMNS, findings, what="columns")
    header, start = _header(lines, at, names_known)
    names = different(_names(header), findings)
    meanings = headers.match(names, kind, named=_named(source, names))
    _fill_merged(lines, cells.merged, findings, below=at, meanings=[meanings.get(name, "") for name in names])
    names = _in_unit(names, meanings, counted_in.title([cell for row in lines[:at] for cell in row]))
    body = lines[start:]
    while body and not any(cell.strip() for cell in body[-1]):
        body.pop()
    bounds.check(len(body) * len(names), bounds.MOST_CELLS, findings, what="cells")
    _tell_beside(header[: len(names)], body, names_known, findings)
    _tell_long_rows(body, len(names), findings, first=start + 1)
    _tell_odd(cells.odd, findings, first=start + 1, last=start + len(body))
    padded = [[*row[: len(names)], *[""] * (len(names) - len(row))] for row in body]
    columns = pd.DataFrame(padded, columns=pd.Index(names, dtype="object"), dtype="object")
    rows = np.arange(start + 1, start + 1 + len(body), dtype=np.int64)
    return Raw(columns, rows, None, None, is_sheet=True)


def _named(source: LayerSource, names: Sequence[str]) -> dict[str, str]:
    return {name: header for name, header in source.columns.items() if headers.resolve(header, names) is not None}


def _header(lines: Grid, at: int, names: frozenset[str]) -> tuple[list[str], int]:
    """Return the header and where the body starts; a second row of headers (坐标 over 经度, 纬度) is taken in."""
    header = list(lines[at])
    if at + 1 < len(lines):
        below = lines[at + 1]
        filled = [cell for cell in below if cell.strip()]
        new = {headers.plain(cell) for cell in filled} - {headers.plain(cell) for cell in header}
        if new and all(headers.plain(cell) in names for cell in filled):
            width = max(len(header), len(below))
            upper, lower = (row + [""] * (width - len(row)) for row in (header, list(below)))
            return [low if low.strip() else up for up, low in zip(upper, lower, strict=True)], at + 2
    return header, at + 1


def _names(header: Sequence[str]) -> list[str]:
    """Return a name for every column up to the last header."""
    last = max((number for number, cell in enumerate(header) if cell.strip()), default=-1)
    return [" ".join(cell.split())[:_HEADER_SHOWN] or f"column_{n}" for n, cell in enumerate(header[: last + 1], 1)]


def _in_unit(names: Sequence[str], meanings: Mapping[str, str], factor: int) -> list[str]:
    """Return headers with the unit of people that a title above them states (单位：万人), where they state none."""
    if factor == 1:
        return list(names)
    unit = "万人" if factor == counted_in.TEN_THOUSAND else "千人"
    people = {header for header, name in meanings.items() if name in PEOPLE and counted_in.header(header) == 1}
    return [f"{name}（{unit}）" if name in people else name for name in names]


def _tell_beside(header: Sequence[str], body: Grid, known: frozenset[str], findings: Findings) -> None:
    """Note a second table beside the first: headers that mean something and have stood in the row before."""
    plain = [headers.plain(cell) if cell.strip() else "" for cell in header]
    again = [at for at, name in enumerate(plain) if name in known and name in plain[:at]]
    if len(again) < HEADERS_SURE:
        return
    n_rows = sum(any(at < len(row) and row[at].strip() for at in again) for row in body)
    columns = listed(f"{_letters(at)} {header[at]}" for at in again)
    findings.tell("table_beside", action="doubtful", columns=columns, n=n_rows)


def _letters(at: int) -> str:
    """Return a column as a spreadsheet calls it.

    Examples
    --------
    >>> _letters(0), _letters(25), _letters(26), _letters(702)
    ('A', 'Z', 'AA', 'AAA')
    """
    first = _letters(at // _ALPHABET - 1) if at >= _ALPHABET else ""
    return first + chr(ord("A") + at % _ALPHABET)


def _tell_long_rows(body: Grid, width: int, findings: Findings, *, first: int) -> None:
    """Note rows with more cells than headers: a comma inside a cell has moved the rest."""
    long = [number for number, row in enumerate(body) if any(cell.strip() for cell in row[width:])]
    given = [listed(stray_rows.impersonal(cell) for cell in body[number][width:] if cell.strip()) for number in long]
    findings.rows([first + number for number in long], "doubtful", "long_row", given=given, of=len(body))


def _tell_odd(odd: Sequence[Odd], findings: Findings, *, first: int, last: int) -> None:
    """Note the cells of the body that do not hold what their author saw."""
    for cell in odd:
        if first <= cell.row <= last:
            findings.row(cell.row, "doubtful", cell.key, given=shown(cell.given))


def _fill_merged(
    lines: Grid, merged: Sequence[Merged], findings: Findings, *, below: int, meanings: Sequence[str]
) -> None:
    """Write a merged cell's text into all cells that it covers, below the header; titles and headers stay alone.

    A merged number of people or seats stands in its first row alone, and the others are noted.
    """
    filled: list[int] = []
    n_cells = 0
    for left, top, right, bottom in sorted(merged, key=lambda item: (item.top, item.left)):
        # The header's own merged cells bear their text in the first column; a second header row names the rest.
        if top - 1 <= below or top > len(lines):
            continue
        text = lines[top - 1][left - 1] if left <= len(lines[top - 1]) else ""
        last = min(bottom, len(lines))
        wide = min(right, max(len(meanings), left))
        n_cells += (last - top + 1) * (wide - left + 1)
        bounds.check(n_cells, bounds.MOST_CELLS, findings, what="cells")
        if not text.strip():
            continue
        once = left <= len(meanings) and meanings[left - 1] in COUNTED_ONCE and last > top
        for row in lines[top - 1 : top] if once else lines[top - 1 : last]:
            row.extend([""] * (wide - len(row)))
            row[left - 1 : wide] = [text] * (wide - left + 1)
        if once:
            findings.rows(
                range(top + 1, last + 1), "doubtful", "merged_number", column=called(meanings[left - 1]), line=top
            )
        elif (last, wide) != (top, left):
            filled.append(top)
    if filled:
        findings.tell("merged_filled", n=len(filled), line=filled[0])
