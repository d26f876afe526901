"""Which rows of a sheet are no rows: sums, notes, headings, repeated headers, units under the header, emptiness."""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from geo.layers import counted_in, headers
from geo.layers.findings import shown

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from geo.layers.findings import Findings
    from geo.layers.raw import Raw

_SUMS = "|".join(sorted((re.escape(word) for word in headers.SUM_WORDS), key=len, reverse=True))
# 合计, 东片区小计, 合计(个), 总计:23处
_SUM = re.compile(rf"^(?:.{{0,12}}?(?:小计|合计|总计|共计)|(?:{_SUMS})|本页(?:小计|合计)|累计)(?:[(:].*|\d.*)?$")
_NOTE = re.compile(
    r"^(?:注|备注|说明|附注|附|填表说明|填表|制表|制图|审核|复核|校对|填报|报送|资料来源|数据来源|来源|截至|截止|日期|时间"
    r"|单位负责人|分管领导|负责人|联系人|联系电话|盖章|签字|经办|主要领导|note|notes|source|remark|remarks|preparedby)"
    r"(?:\d{0,2}|人|单位|日期|时间|电话|来源|者)?[:.、(].*$|^\*+.+$|^第\d+页.*$|^(?:以下空白|以上|---+|===+)$"
)
# Who signed and how to reach them: the name behind such a label, and numbers of telephones and identity cards.
_SIGNED = re.compile(
    r"((?:填表|制表|制图|审核|复核|校对|填报|经办|联系|联络|单位负责|分管领导|主要领导|负责|签字|电话|手机|身份证|姓名)"
    r"(?:人|者|号|电话|方式)?\s*[:：]\s*)[^\s,，;；、)）]+(?:[ -]\d+)*"
)
_NUMBERED = re.compile(r"(?<!\d)(?:\d{17}[\dXx]|1[3-9]\d{9}|0\d{2,3}[- ]?\d{7,8})(?!\d)")
_HEADING = re.compile(r"^(?:[一二三四五六七八九十]{1,3}[、.].*|\([一二三四五六七八九十\d]{1,3}\).*)$")
_UNIT = re.compile(
    r"^\(?(?:[万千]?人|万|个|处|座|户|家|位|名|张|度|°|米|千米|公里|亩|公顷|平方米|㎡|m2|m|km|元|万元|分钟|%|年|月|日|桩|床|辆)\)?$"
)
_NUMBERING = "甲乙丙丁戊己庚辛壬癸"
_LEAD_CELLS = 3
_SPREAD_FROM = 3
_NOTE_CELLS = 3
_NUMBERED_FROM = 3
_BELOW_HEADER = 2
_COMPARED = 200  # characters


def without(raw: Raw, findings: Findings) -> Raw:
    """Return a sheet without the rows that are none; each of them is listed with what it was taken for.

    A unit of 万 or 千 that stands below a header goes into the header.
    Anything but a sheet comes back as it is.
    """
    if not raw.is_sheet or raw.columns.empty:
        return raw
    header = [headers.plain(name) for name in raw.columns.columns]
    lines = raw.columns.to_numpy(dtype=object).tolist()
    reasons = [_reason(line, header) for line in lines]
    names = list(map(str, raw.columns.columns))
    for number, line in enumerate(lines[:_BELOW_HEADER]):
        reasons[number] = reasons[number] or _below_header([_folded(cell) for cell in line])
        if reasons[number] == "unit_row":
            names = [
                f"{name} ({cell.strip()})" if counted_in.below(cell) > 1 else name
                for name, cell in zip(names, line, strict=True)
            ]
        if not reasons[number]:
            break
    stray: NDArray[np.bool_] = np.array([bool(reason) for reason in reasons], dtype=np.bool_)
    for at in np.flatnonzero(stray):
        given = " ".join(dict.fromkeys(cell for cell in lines[at] if cell.strip()))
        findings.row(raw.rows[at], "dropped", reasons[at], given=shown(impersonal(given)))
    kept = raw.columns[~stray].reset_index(drop=True).set_axis(pd.Index(names, dtype="object"), axis=1)
    return raw._replace(columns=kept, rows=raw.rows[~stray])


def impersonal(text: str) -> str:
    """Return a note as the report quotes it: without the names and numbers of those who signed it.

    Examples
    --------
    >>> impersonal("制表人：张三 审核：李四 13800000000"), impersonal("注：截至2026年12月31日")
    ('制表人：… 审核：…', '注：截至2026年12月31日')
    """
    return _NUMBERED.sub("…", _SIGNED.sub(r"\1…", text))


@lru_cache(maxsize=1 << 14)
def _folded(cell: str) -> str:
    """Return a cell as it is compared: NFKC, without spaces and case."""
    return "".join(unicodedata.normalize("NFKC", cell[:_COMPARED]).split()).casefold()


def _reason(cells: Sequence[str], header: Sequence[str]) -> str:
    """Return the message for a row that is none; "" for a row that is one."""
    filled = [cell for cell in cells if cell and not cell.isspace()]
    if not filled:
        return "empty_row"
    lead = [_folded(cell) for cell in filled[:_LEAD_CELLS]]
    if any(cell.strip(":") in headers.SUM_WORDS for cell in lead) or _SUM.match(lead[0]):
        return "sum_row"
    distinct = set(filled)
    if len(distinct) <= _NOTE_CELLS and _NOTE.match(lead[0]):
        return "note_row"
    spread = _SPREAD_FROM <= len(filled) == len(cells) and not lead[0].replace(".", "").isdecimal()
    if len(distinct) == 1 and (spread or _HEADING.match(lead[0])):
        return "heading_row"
    if len(filled) > 1 and headers.plain(filled[0]) in header:
        named = [(cell, name) for cell, name in zip(cells, header, strict=True) if cell.strip()]
        if all(headers.plain(cell) == name for cell, name in named):
            return "header_again"
    return ""


def _below_header(cells: Sequence[str]) -> str:
    """Return the message for a row right below the header that says units or numbers the columns."""
    filled = [cell for cell in cells if cell]
    if all(_UNIT.match(cell) for cell in filled):
        return "unit_row"
    numbers = [cell.strip("()") for cell in filled]
    letters = [cell for cell in numbers if cell in _NUMBERING]
    wanted = [*_NUMBERING[: len(letters)], *map(str, range(1, len(numbers) - len(letters) + 1))]
    if len(filled) >= max(_NUMBERED_FROM, len(cells) - 1) and numbers == wanted:
        return "number_row"
    return ""
