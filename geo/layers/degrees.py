"""Which angle a text means: degrees, minutes and seconds as people write them, and two of them in one cell."""

from __future__ import annotations

import re
import unicodedata
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

import numpy as np
import pandas as pd

from geo.layers import values
from geo.layers.headers import EMPTY_WORDS, PAIRS, plain

if TYPE_CHECKING:
    from numpy.typing import NDArray

Axis = Literal["lon", "lat", ""]
MINUTES = SECONDS = 60.0
LONGEST = 80  # signs of a cell that may be a place; longer texts are none, and would take long to try
_MARKS = str.maketrans(
    {
        **dict.fromkeys("º˚∘⁰", "°"),
        **dict.fromkeys("′‘’´`＇ʹ", "'"),
        **dict.fromkeys("″“”〃＂ʺ", '"'),
        **dict.fromkeys("–—−‐﹣－", "-"),
        "。": ".",
    }
)
_SIDES: dict[str, tuple[Axis, float]] = {
    **dict.fromkeys(("东经", "东", "e", "经度", "longitude", "lon"), ("lon", 1.0)),
    **dict.fromkeys(("西经", "西", "w"), ("lon", -1.0)),
    **dict.fromkeys(("北纬", "北", "n", "纬度", "latitude", "lat"), ("lat", 1.0)),
    **dict.fromkeys(("南纬", "南", "s"), ("lat", -1.0)),
}
_SIDE = "|".join(sorted(_SIDES, key=len, reverse=True))
_SIDED = re.compile(rf"(?:({_SIDE})\s*[:=]?)?\s*(.*?)\s*({_SIDE})?", re.DOTALL)
_NUMBER = r"(\d+(?:\.\d*)?|\.\d+)"
_PLAIN = re.compile(r"[+-]?(?:\d+\.?\d*|\.\d+)(?:e[+-]?\d+)?")
_GROUPED = re.compile(r"([+-]?\d{1,3}(?:[, ]\d{3})+(?:\.\d*)?)")
_PARTS = (
    re.compile(rf"([+-]?){_NUMBER}\s*[°度]?()()"),
    re.compile(rf"([+-]?){_NUMBER}\s*[°度]\s*{_NUMBER}\s*['分]?()"),
    re.compile(rf"([+-]?){_NUMBER}\s*[°度]\s*{_NUMBER}\s*['分]\s*{_NUMBER}\s*(?:\"|''|秒)?"),
    re.compile(rf"([+-]?){_NUMBER}\s*d\s*(?:{_NUMBER}\s*m\s*(?:{_NUMBER}\s*s)?)?"),
    re.compile(r"([+-]?)(\d{1,3})[-: ]\s*(\d{1,2}(?:\.\d+)?)'?()"),
    re.compile(r"([+-]?)(\d{1,3})([-: ])\s*(\d{1,2})'?\3\s*(\d{1,2}(?:\.\d+)?)\"?"),
    re.compile(r"([+-]?)(\d{1,3})\.(\d{2})\.(\d{2}(?:\.\d+)?)"),
)
_UNIT = re.compile(r"\s*(?:m|米)$")
_WRAPPED = re.compile(r"^(?:point\s*z?)?\s*[(\[{]\s*(.*?)\s*[)\]}]$", re.DOTALL)
_TWO = (
    re.compile(r"([^,;、|/\t]+)[,;、|/\t]([^,;、|/\t]+)"),
    re.compile(rf"((?:{_SIDE}).+?)((?:{_SIDE}).+)", re.IGNORECASE),
    re.compile(rf"(.+?(?:{_SIDE}))(.+?(?:{_SIDE}))", re.IGNORECASE),
    re.compile(r"(\S+)\s+(\S+)"),
)


class Angle(NamedTuple):
    """An angle in degrees (NaN where a text is none), the axis that its letters name, and whether it was a number."""

    degrees: float
    axis: Axis
    is_plain: bool


class Angles(NamedTuple):
    """Angles of a column: the floats, which cells had to be mended or could not be read, which axis letters name."""

    floats: NDArray[np.float64]
    mended: NDArray[np.bool_]
    unreadable: NDArray[np.bool_]
    axis: NDArray[np.object_]


_NONE = Angle(np.nan, "", is_plain=False)


def _wide(text: str) -> str:
    """Return a text with one sign for each mark, half-width, without blanks around a decimal point."""
    half = unicodedata.normalize("NFKC", text.translate(_MARKS)).translate(_MARKS).strip().casefold()
    return re.sub(r"(?<=\d)\s*\.\s*(?=\d)", ".", half)


def angle(text: str) -> Angle:
    """Return the degrees (or metres) that a text means.

    A minute or second of 60 and more is none. What is written as packed digits (118.1234 for 118°12′34″)
    cannot be told from decimal degrees and is taken as these.

    Examples
    --------
    >>> [round(angle(text).degrees, 6) for text in ("118°12′36″E", "东经118度12分", "118-12-36", "西经51.5", "118 61 0")]
    [118.21, 118.2, 118.21, -51.5, nan]
    >>> angle("N25°18.6'").axis, angle("２８０１０００．５ 米").degrees
    ('lat', 2801000.5)
    """
    if len(text) > LONGEST:
        return _NONE
    given = text.strip().casefold()
    wide = given if _PLAIN.fullmatch(given) and given.isascii() else _wide(text)
    if _PLAIN.fullmatch(wide):
        value = float(wide)
        return Angle(value if np.isfinite(value) else np.nan, "", is_plain=wide == given)
    bare = _UNIT.sub("", wide)
    if _PLAIN.fullmatch(bare) or _GROUPED.fullmatch(bare):
        return Angle(float(re.sub(r"[, ]", "", bare)), "", is_plain=False)
    value, named = _of_parts(wide), []
    sides = _SIDED.fullmatch(wide) if np.isnan(value) else None
    if sides is not None:
        before, body, after = sides.groups()
        value, named = _of_parts(body), [_SIDES[side] for side in (before, after) if side]
    if len({axis for axis, _ in named}) > 1 or np.isnan(value):
        return _NONE
    if any(sign < 0 for _, sign in named):
        value = -abs(value)
    return Angle(value, named[0][0] if named else "", is_plain=False)


def _of_parts(body: str) -> float:
    """Return degrees of a text of degrees, minutes and seconds; only the last part may have decimals."""
    for pattern in _PARTS:
        found = pattern.fullmatch(body)
        if found is None:
            continue
        sign, *texts = found.groups()
        parts = [text for text in texts if text and text not in "-: "]
        whole = all(float(part).is_integer() for part in parts[:-1])
        degrees, minutes, seconds = (float(part) for part in (*parts, "0", "0")[:3])
        if whole and minutes < MINUTES and seconds < SECONDS:
            value = degrees + minutes / MINUTES + seconds / (MINUTES * SECONDS)
            return -value if sign == "-" else value
    return np.nan


def of_column(column: pd.Series[Any]) -> Angles:
    """Return the angles (or metres) of a column of numbers or texts; missing and "—" are NaN and not unreadable.

    Examples
    --------
    >>> found = of_column(pd.Series(["118.5", "118°30′E", "１１８．５", "—", "桥头"]))
    >>> found.floats.tolist(), found.mended.tolist(), found.unreadable.tolist()
    ([118.5, 118.5, 118.5, nan, nan], [False, True, True, False, False], [False, False, False, False, True])
    """
    if pd.api.types.is_numeric_dtype(column.dtype):
        numbers = values.numbers(column)
        return Angles(numbers.floats, numbers.mended, numbers.unreadable, np.full(len(column), "", dtype=object))
    texts = [values.text_of(value).strip() for value in column.tolist()]
    filled = np.array([text.casefold() not in EMPTY_WORDS for text in texts], dtype=bool)
    found = [angle(text) if full else _NONE for text, full in zip(texts, filled, strict=True)]
    floats = np.array([item.degrees for item in found], dtype=np.float64)
    is_plain = np.array([item.is_plain for item in found], dtype=bool)
    axis = np.array([item.axis for item in found], dtype=object)
    return Angles(floats, filled & ~np.isnan(floats) & ~is_plain, filled & np.isnan(floats), axis)


def split(text: str) -> tuple[str, str] | None:
    """Return the two texts of a cell that holds a whole place, longitude first where letters tell; None for no pair.

    Examples
    --------
    >>> split("118.2045，25.3123"), split("北纬25°18′, 东经118°12′"), split("POINT (118.2 25.3)"), split("桥头村")
    (('118.2045', '25.3123'), ('东经118°12′', '北纬25°18′'), ('118.2', '25.3'), None)
    """
    half = text.translate(str.maketrans("，；（）［］｛｝　", ",;()[]{} ")).strip()
    if len(half) > LONGEST:
        return None
    wrapped = _WRAPPED.match(half.casefold())
    inner = half[wrapped.start(1) : wrapped.end(1)] if wrapped else half
    for pattern in _TWO:
        found = pattern.fullmatch(inner)
        one, other = (part.strip() for part in found.groups()) if found else ("", "")
        angles = angle(one), angle(other)
        if found and not any(np.isnan(item.degrees) for item in angles):
            is_turned = angles[0].axis == "lat" or angles[1].axis == "lon"
            return (other, one) if is_turned else (one, other)
    return None


def pair_column(table: pd.DataFrame) -> pd.DataFrame | None:
    """Return columns `lon` and `lat` of a table whose places stand in one column, e.g. 经纬度; None where none does.

    A cell that holds no pair is in both columns, so that it is told as it stands.
    """
    for header in (name for name in table.columns if plain(name) in PAIRS):
        texts = [values.text_of(value).strip() for value in table[header].tolist()]
        pairs = [split(text) for text in texts]
        if any(pairs):
            cells = [pair or (text, text) for pair, text in zip(pairs, texts, strict=True)]
            return pd.DataFrame(cells, columns=["lon", "lat"], index=table.index, dtype="object")
    return None
