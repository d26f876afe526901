"""How values of a table become values that JSON can carry: text, numbers, places in a list."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import pandas as pd

from geo.messages import Message

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from geo.messages import Lang

_WHOLE = 0
_EXACT = 15


def _missing(value: Any) -> bool:  # noqa: ANN401 - any cell of a table
    return value is None or bool(pd.isna(value))


def text_of(value: object, lang: Lang) -> str:
    """Return any value as text; a missing one as the empty text.

    Examples
    --------
    >>> text_of(float("nan"), "zh"), text_of(Message("word.minutes", {"n": 5}), "zh"), text_of(7, "zh")
    ('', '5分钟', '7')
    """
    if isinstance(value, str):
        return value
    if isinstance(value, Message):
        return value.text(lang)
    return "" if _missing(value) else str(value)


def texts(table: pd.DataFrame, column: str, lang: Lang) -> list[str]:
    """Return a column as texts, empty where missing; all empty where there is no such column."""
    if column not in table.columns:
        return [""] * len(table)
    return [text_of(value, lang) for value in table[column].tolist()]


def number_of(value: object, digits: int) -> float | int | None:
    """Return a finite number rounded, whole ones as int; None for anything else.

    Examples
    --------
    >>> number_of(12.0, 3), number_of(0.12345678, 6), number_of(float("inf"), 1), number_of("12", 0)
    (12, 0.123457, None, None)
    """
    if not isinstance(value, float):  # a float's own NaN is found below, at a tenth of the cost
        if isinstance(value, (str, bytes)) or _missing(value):
            return None
        value = float(value)  # type: ignore[arg-type]
    if not math.isfinite(value):
        return None
    rounded = round(value, digits)
    return int(rounded) if rounded == int(rounded) else rounded


def numbers(table: pd.DataFrame, column: str, digits: int = _WHOLE) -> list[float | int | None]:
    """Return a column as rounded numbers, None where missing or infinite or where there is no such column."""
    if column not in table.columns:
        return [None] * len(table)
    return [number_of(value, digits) for value in table[column].tolist()]


def shares(table: pd.DataFrame, column: str, digits: int) -> list[float | int | None]:
    """Return a column of shares rounded, but none up to everyone and none down to no one.

    Examples
    --------
    >>> shares(pd.DataFrame({"share": [0.9999, 1.0, 0.0001, 0.0]}), "share", 2)
    [0.99, 1, 0.01, 0]
    """
    least = 10.0**-digits
    found: list[float | int | None] = []
    for exact, rounded in zip(numbers(table, column, _EXACT), numbers(table, column, digits), strict=True):
        if exact is None or rounded is None or exact in {0, 1}:
            found.append(rounded)
        else:
            found.append(round(min(max(rounded, least), 1.0 - least), digits) if 0 < exact < 1 else rounded)
    return found


def numbers_beyond(table: pd.DataFrame, column: str, digits: int, limits: Sequence[float]) -> list[float | int | None]:
    """Return a column of rounded numbers; those above a limit (one a row) stay so, if need be by rounding up.

    Examples
    --------
    >>> numbers_beyond(pd.DataFrame({"minutes": [15.04, 15.24, float("inf")]}), "minutes", 1, [15.0, 15.0, 15.0])
    [15.1, 15.2, None]
    """
    step = 10.0**-digits
    return [
        number_of(value + step, digits) if value is not None and exact is not None and value <= limit < exact else value
        for value, exact, limit in zip(
            numbers(table, column, digits), numbers(table, column, _EXACT), limits, strict=True
        )
    ]


def flags(table: pd.DataFrame, column: str) -> list[int]:
    """Return a column of yes and no as 1 and 0; missing is 0."""
    if column not in table.columns:
        return [0] * len(table)
    return [int(not _missing(value) and bool(value)) for value in table[column].tolist()]


def places(values: Iterable[Any], among: Sequence[Any]) -> list[int]:
    """Return where each value stands in a list, -1 where it does not.

    Examples
    --------
    >>> places(["b", "x"], ["a", "b"])
    [1, -1]
    """
    where = {value: place for place, value in enumerate(among)}
    return [where.get(value, -1) for value in values]
