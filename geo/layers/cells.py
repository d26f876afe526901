"""A sheet's cells as text, before anyone knows which row is the header."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING, Any, NamedTuple

from geo.layers import bounds
from geo.layers.values import text_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from geo.layers.findings import Findings

Grid = list[list[str]]
EXACT_BELOW = 1e15  # a spreadsheet keeps 15 digits of a number


class Merged(NamedTuple):
    """Cells that were merged: columns and rows from 1, both ends included."""

    left: int
    top: int
    right: int
    bottom: int


class Odd(NamedTuple):
    """A cell that does not hold what its author saw: source row, key of its message, its text."""

    row: int
    key: str
    given: str


class Cells(NamedTuple):
    """A sheet as its file has it.

    Attributes
    ----------
    lines
        Texts, row by row from the first line; rows may differ in length.
    merged
        Cells that were merged.
    odd
        Cells in doubt.
    """

    lines: Grid
    merged: Sequence[Merged] = ()
    odd: Sequence[Odd] = ()


def text_of_cell(value: object, number_format: str | None = None) -> str:
    """Return a cell as text: dates as ISO, whole numbers without `.0`, codes with the zeros that their format shows.

    Examples
    --------
    >>> text_of_cell(350583100201.0), text_of_cell(7, "0000"), text_of_cell(dt.datetime(2026, 3, 1))
    ('350583100201', '0007', '2026-03-01')
    """
    if isinstance(value, dt.datetime):
        return value.date().isoformat() if value.time() == dt.time() else value.isoformat(sep=" ", timespec="minutes")
    text = text_of(value)
    if number_format is not None and len(number_format) > 1 and not number_format.strip("0") and text.isdecimal():
        return text.zfill(len(number_format))
    return text


def bounded(rows: Iterable[Sequence[Any]], findings: Findings) -> Iterable[Sequence[Any]]:
    """Pass rows on, and stop with a fault where there are more than a spreadsheet can hold."""
    cells = 0
    for number, row in enumerate(rows, start=1):
        cells += len(row)
        bounds.check(number, bounds.MOST_ROWS, findings, what="rows")
        bounds.check(cells, bounds.MOST_CELLS, findings, what="cells")
        yield row
