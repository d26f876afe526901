"""What a cell says: text without dirt, numbers as people write them, yes and no."""

from __future__ import annotations

import re
import unicodedata
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import pandas as pd

from geo.layers.headers import EMPTY_WORDS

if TYPE_CHECKING:
    from numpy.typing import NDArray

# NUL ends a string in half of the formats that are written later, a lone surrogate cannot be encoded.
_DIRT = re.compile("[\x00\ud800-\udfff]")
_NUMBER = re.compile(r"^[+-]?(?:\d+\.?\d*|\.\d+)(?:e[+-]?\d+)?$")
_THOUSANDS = re.compile(r"^[+-]?\d{1,3}(?:,\d{3})+(?:\.\d*)?$")
_UNITS = re.compile(r"(?:人|个|座|位|名|户|桩|°)$")
_SCALES = {"万": 10_000, "千": 1_000}
_DECIMALS = 6  # 1.1412 times 10,000 is 11412, not 11411.999999999998
_WHOLE_BELOW = 1e18
PLAIN_YES = frozenset({"是", "true", "t", "1", "yes", "y", "有", "√"})
PLAIN_NO = frozenset({"否", "false", "f", "0", "no", "n", "非", "×"})
_MOBILE = frozenset({"流动", "移动", "mobile", "流动服务"})
_FIXED = frozenset({"固定", "固定点位", "fixed"})


class Numbers(NamedTuple):
    """Numbers of a column: the floats, and which cells had to be mended, could not be read, or say 万 or 千 themselves."""

    floats: NDArray[np.float64]
    mended: NDArray[np.bool_]
    unreadable: NDArray[np.bool_]
    scaled: NDArray[np.bool_]


def text_of(value: object) -> str:
    """Return a cell as text; a whole number keeps no `.0`, missing is "".

    Examples
    --------
    >>> text_of(350583100201.0), text_of(None), text_of(0.5), text_of(True)
    ('350583100201', '', '0.5', 'true')
    """
    if isinstance(value, str):
        return value
    if isinstance(value, (bool, np.bool_)):
        return "true" if value else "false"
    if isinstance(value, (list, tuple, np.ndarray)):
        return ";".join(text_of(item) for item in value)
    if value is None or value is pd.NaT or value != value:  # noqa: PLR0124 - NaN alone differs from itself
        return ""
    if isinstance(value, (float, np.floating)):
        number = float(value)
        return str(int(number)) if number.is_integer() and abs(number) < _WHOLE_BELOW else repr(number)
    return str(value)


def clean_text(column: pd.Series[Any]) -> tuple[pd.Series[Any], NDArray[np.bool_]]:
    """Return a column as stripped text, missing as "", and which cells lost NUL or lone surrogates."""
    texts = [text_of(value) for value in column.tolist()]
    dirty = np.array([_DIRT.search(text) is not None for text in texts], dtype=bool)
    clean = [_DIRT.sub("", text).strip() if bad else text.strip() for text, bad in zip(texts, dirty, strict=True)]
    return pd.Series(clean, index=column.index, dtype="str", name=column.name), dirty


def times(numbers: NDArray[np.float64], factor: int) -> NDArray[np.float64]:
    """Return numbers of 万 or 千 as what they count."""
    return np.asarray(np.round(numbers * factor, _DECIMALS), dtype=np.float64)


def _number(text: str) -> tuple[float, bool, bool]:
    """Return a number (NaN where there is none), whether the text had to be mended, and whether it says 万 or 千."""
    wide = unicodedata.normalize("NFKC", text)
    plain = _UNITS.sub("", "".join(wide.split()).casefold()).replace("−", "-")
    scale = _SCALES.get(plain[-1:], 1)
    if scale > 1:
        plain = plain[:-1]
    if _THOUSANDS.match(plain):
        plain = plain.replace(",", "")
    if not _NUMBER.match(plain):
        return np.nan, False, False
    value = float(plain)
    if scale > 1:
        value = round(value * scale, _DECIMALS)
    return (value, plain != text.casefold(), scale > 1) if np.isfinite(value) else (np.nan, False, False)


def numbers(column: pd.Series[Any]) -> Numbers:
    """Return a column's numbers: full-width digits, thousands separators and a unit behind (人, 万) are mended.

    Missing and "—" are NaN and neither mended nor unreadable.

    Examples
    --------
    >>> found = numbers(pd.Series(["１２", "1,234", "约300人", "—", "1.2万"]))
    >>> found.floats.tolist(), found.mended.tolist(), found.unreadable.tolist()
    ([12.0, 1234.0, nan, nan, 12000.0], [True, True, False, False, True], [False, False, True, False, False])
    """
    if pd.api.types.is_numeric_dtype(column.dtype):
        values = column.to_numpy(dtype=np.float64, na_value=np.nan)
        nowhere = np.zeros(len(values), dtype=bool)
        return Numbers(np.where(np.isinf(values), np.nan, values), nowhere, np.isinf(values), nowhere)
    texts = [text_of(value).strip() for value in column.tolist()]
    found = [_number(text) for text in texts]
    values = np.array([value for value, _, _ in found], dtype=np.float64)
    filled = np.array([text.casefold() not in EMPTY_WORDS for text in texts], dtype=bool)
    mended, scaled = (np.array([item[at] for item in found], dtype=bool) for at in (1, 2))
    return Numbers(values, mended, filled & np.isnan(values), scaled)


def yes_no(texts: pd.Series[Any]) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """Return which cells say yes (or 流动), and which say neither yes nor no (or 固定).

    Examples
    --------
    >>> yes, unclear = yes_no(pd.Series(["是", "固定", "", "也许"]))
    >>> yes.tolist(), unclear.tolist()
    ([True, False, False, False], [False, False, False, True])
    """
    words = [unicodedata.normalize("NFKC", text_of(text)).strip().casefold() for text in texts.tolist()]
    yes = np.array([word in PLAIN_YES or word in _MOBILE for word in words], dtype=bool)
    known = PLAIN_YES | _MOBILE | PLAIN_NO | _FIXED | EMPTY_WORDS
    unclear = np.array([word not in known for word in words], dtype=bool)
    return yes, unclear
