"""Numbers in free text that reach a person: mobile telephones and identity cards are blanked out, and that is told."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from geo.layers import headers
from geo.layers.findings import listed, shown
from geo.messages import text

if TYPE_CHECKING:
    from collections.abc import Iterable

    from numpy.typing import NDArray

    from geo.layers.findings import Findings

# Digits that are part of a longer number, or stand behind a point, are none: codes, coordinates.
_MOBILE = re.compile(r"(?<![\d.])1[3-9]\d(?:\d{8}|[- ]\d{4}[- ]\d{4})(?!\d)")
_CITIZEN = re.compile(r"(?<![\d.])[1-9]\d{5}(?:19|20)\d{2}(?:0[1-9]|1[0-2])(?:0[1-9]|[12]\d|3[01])\d{3}[\dXx](?!\d)")
_SHORTEST = 11
_CODES = frozenset({"id", "venue", "unit_id", "lon", "lat"})


def blanked(cell: str) -> str:
    """Return a text without the telephones and identity cards in it; one that is nothing but digits stays.

    Examples
    --------
    >>> blanked("王师傅13812345678，晚上在"), blanked("13812345678"), blanked("编码A113812345678")
    ('王师傅［电话略］，晚上在', '13812345678', '编码A113812345678')
    """
    if len(cell) < _SHORTEST or cell.strip().isdecimal():
        return cell
    return _CITIZEN.sub(text("layers.citizen_gone"), _MOBILE.sub(text("layers.phone_gone"), cell))


def columns_with(table: pd.DataFrame) -> list[str]:
    """Return the columns of free text that hold such numbers; codes and coordinates are none."""
    meanings = headers.match([str(header) for header in table.columns], "", named={})
    places = {header for header in map(str, table.columns) if headers.plain(header) in headers.PAIRS}
    own = [header for header in map(str, table.columns) if meanings.get(header) not in _CODES and header not in places]
    return [header for header in own if any(cell != blanked(cell) for cell in _texts(table[header]))]


def _texts(column: pd.Series[Any]) -> Iterable[str]:
    return dict.fromkeys(cell for cell in column.tolist() if isinstance(cell, str))


def without(table: pd.DataFrame, findings: Findings, *, columns: list[str], rows: NDArray[np.int64]) -> pd.DataFrame:
    """Return the table with such numbers blanked out in some columns; each row is told, once."""
    if not columns:
        return table
    new = {
        header: pd.Series(
            [blanked(cell) if isinstance(cell, str) else cell for cell in table[header]],
            index=table.index,
            dtype=table[header].dtype,
        )
        for header in columns
    }
    changed = {
        header: np.array(
            [isinstance(one, str) and one != other for one, other in zip(table[header], column, strict=True)],
            dtype=bool,
        )
        for header, column in new.items()
    }
    for at in np.flatnonzero(np.any(list(changed.values()), axis=0)):
        where = [shown(header) for header, which in changed.items() if which[at]]
        findings.row(rows[at], "repaired", "phone_removed", columns=listed(where))
    return table.assign(**new)
