"""How a value of the data stands in a cell: numbers rounded for people, text that stays text."""

from __future__ import annotations

import math
import re
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from geo.messages import Message

if TYPE_CHECKING:
    from collections.abc import Callable

    from geo.messages import Lang

PEOPLE_DECIMALS = 3
SHARE_DECIMALS = 6
DEGREE_DECIMALS = 6
LIST_MARK = ";"

# What XML (xlsx) refuses and CSV readers stumble over; a lone surrogate cannot be written as UTF-8 at all.
_REFUSED = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ud800-\udfff\ufffe\uffff]")
# Spreadsheets compute a cell that begins so, some of them also with the full-width signs.
_FORMULA = re.compile(r"[=+\-@\t\r\n＝＋－＠]")
_NUMBER = re.compile(r"[+-]?\d+(?:\.\d+)?")
# Asked of every cell, and so four times as quick as `numbers.Real`.
_REAL = (float, int, np.floating, np.integer)


def text_of(value: object, lang: Lang) -> str:
    r"""Return a value as text: missing is empty, lists are joined, what no format takes is left out.

    Examples
    --------
    >>> text_of("a\x00b", "en"), text_of(None, "en"), text_of(float("nan"), "en"), text_of(["a", "b"], "en")
    ('ab', '', '', 'a;b')
    """
    if isinstance(value, str):
        return value if value.isprintable() else _REFUSED.sub("", value)  # nothing refused is printable
    if isinstance(value, Message):
        return _REFUSED.sub("", value.text(lang))
    if isinstance(value, (list, tuple, np.ndarray)):
        return LIST_MARK.join(text_of(item, lang) for item in value)
    if value is None or bool(pd.isna(value)):  # type: ignore[call-overload]
        return ""
    return _REFUSED.sub("", str(value))


def shown_of(values: pd.Series[Any], shown: Callable[[object], str]) -> list[str]:
    """Return what is shown of every value of a column: of a column of texts each different one is asked for once.

    Examples
    --------
    >>> shown_of(pd.Series(["a", "b", "a", None]), lambda value: text_of(value, "en").upper())
    ['A', 'B', 'A', '']
    """
    if not isinstance(values.dtype, pd.StringDtype):
        return [shown(value) for value in values.tolist()]
    number, different = pd.factorize(values)
    texts = np.array([*(shown(value) for value in different.tolist()), shown(None)], dtype=object)
    found: list[str] = texts[number].tolist()  # what is missing has number -1, the last
    return found


def number_of(value: object) -> float | None:
    """Return a finite number, or None for what is missing, unreachable or not computed.

    Examples
    --------
    >>> number_of(7), number_of(float("inf")), number_of("7")
    (7.0, None, None)
    """
    if isinstance(value, _REAL) and math.isfinite(value):
        return float(value) + 0.0  # no zero below zero
    return None


def rounded(value: object, *, decimals: int = PEOPLE_DECIMALS) -> str:
    """Return a number with at most so many decimals, whole ones without any; empty where there is none.

    Examples
    --------
    >>> rounded(15.0), rounded(7.5), rounded(1 / 3), rounded(float("inf")), rounded(-0.0001)
    ('15', '7.5', '0.333', '', '0')
    """
    number = number_of(value)
    if number is None:
        return ""
    shown = f"{number:.{decimals}f}"
    shown = shown.rstrip("0").rstrip(".") if "." in shown else shown
    return "0" if shown == "-0" else shown


def share_of(value: object) -> str:
    """Return a share with its six decimals, empty where there is none.

    Examples
    --------
    >>> share_of(0.85), share_of(float("nan"))
    ('0.850000', '')
    """
    number = number_of(value)
    return "" if number is None else f"{number:.{SHARE_DECIMALS}f}"


def inert(text: str) -> str:
    r"""Return text that no spreadsheet takes for a formula; numbers written as text stay as they are.

    Examples
    --------
    >>> inert('=HYPERLINK("x")'), inert("-12"), inert("C01")
    ('\'=HYPERLINK("x")', '-12', 'C01')
    """
    return f"'{text}" if _FORMULA.match(text) and not _NUMBER.fullmatch(text) else text
