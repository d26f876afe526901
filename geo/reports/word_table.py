"""How is a table of a Word report written? As text of the format: cell by cell it takes a hundred times as long."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING
from xml.sax.saxutils import escape

from docx.oxml.ns import nsdecls

from geo.reports import cells, wording

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from geo.messages import Lang
    from geo.reports.layout import Column

_TOTAL = "F2F2F2"
_HEADER = "DCE6F1"
_WHOLE_SIGNS = 3  # of Chinese, that stay on one line
_MOST_GIVEN = 0.3  # of the width of a column
_SHORT_ROWS = 8  # of a table that is not torn
_DAY = re.compile(r"\b\d{4}-\d\d-\d\d\b")
_WORD = re.compile(f"{_DAY.pattern}|[^\\s\\-/\u2e80-\uffef]+")  # between what a line breaks at
_LETTER_EM, _POINT_MM, _CELL_MM = 0.5, 25.4 / 72.0, 1.8
_EDGES = "".join(
    f'<w:{side} w:val="single" w:sz="4" w:space="0" w:color="7F7F7F"/>'
    for side in ("top", "left", "bottom", "right", "insideH", "insideV")
)


def of(
    columns: Sequence[Column],
    lines: Sequence[Sequence[object]],
    *,
    total: Sequence[object] | None,
    lang: Lang,
    width_mm: float,
    points: float,
) -> str:
    """Return a table as the format's XML: header repeated on every page, no row torn, total last.

    Widths are shared out by those of the columns, as far as no word is broken.
    """
    texts = [[column.header] for column in columns]
    for line in lines:
        for listed, value, column in zip(texts, line, columns, strict=True):
            listed.append(shown(value, column.kind, lang)[0])
    widths = shared_widths(
        [column.width for column in columns],
        [word_mm(listed, points=points) for listed in texts],
        total=width_mm,
    )
    header = _row(
        [
            _cell(column.header, width, align="center", bold=True, shade=_HEADER, keep=True)
            for column, width in zip(columns, widths, strict=True)
        ],
        "<w:cantSplit/><w:tblHeader/>",
    )
    rows = len(lines) + (total is not None)
    together = kept_together(rows)
    # LibreOffice 7.4 loses rows where the first below a repeated header must not be torn, and tears it where nothing
    # holds it: staying with the next row it is neither lost nor torn.
    body = [
        _line(line, columns, widths, lang, keep=at in together or at == 0, whole=at > 0)
        for at, line in enumerate(lines)
    ]
    if total is not None:
        body.append(_line(total, columns, widths, lang, total=True, whole=bool(lines)))
    grid = "".join(f'<w:gridCol w:w="{twips(width)}"/>' for width in widths)
    return (
        f"<w:tbl {nsdecls('w')}>{_table_settings(width_mm)}<w:tblGrid>{grid}</w:tblGrid>{header}{''.join(body)}</w:tbl>"
    )


def _line(
    line: Sequence[object],
    columns: Sequence[Column],
    widths: Sequence[float],
    lang: Lang,
    *,
    total: bool = False,
    keep: bool = False,
    whole: bool,
) -> str:
    """Return a row of a table; the total is bold, and empty where there is nothing to sum."""
    parts = []
    for value, column, width in zip(line, columns, widths, strict=True):
        text, number = shown(value, column.kind, lang)
        nothing = text == wording.NOT_APPLICABLE
        align = "right" if number else "center" if nothing or column.kind != "text" else "left"
        text = "" if total and nothing else text
        parts.append(_cell(text, width, align=align, bold=total, shade=_TOTAL if total else None, keep=keep))
    return _row(parts, "<w:cantSplit/>" if whole else "")


def _row(parts: Iterable[str], rules: str) -> str:
    settings = f"<w:trPr>{rules}</w:trPr>" if rules else ""
    return f"<w:tr>{settings}{''.join(parts)}</w:tr>"


def _cell(
    text: str, width_mm: float, *, align: str, bold: bool = False, shade: str | None = None, keep: bool = False
) -> str:
    shading = f'<w:shd w:val="clear" w:color="auto" w:fill="{shade}"/>' if shade else ""
    together = f"{'<w:keepNext/>' if keep else ''}<w:keepLines/>"
    face = "<w:rPr><w:b/></w:rPr>" if bold else ""
    lines = "<w:br/>".join(
        f'<w:t xml:space="preserve">{_unbroken(escape(part))}</w:t>' for part in cells.text_of(text, "zh").split("\n")
    )
    return (
        f'<w:tc><w:tcPr><w:tcW w:w="{twips(width_mm)}" w:type="dxa"/>{shading}<w:vAlign w:val="center"/></w:tcPr>'
        f'<w:p><w:pPr><w:pStyle w:val="Cell"/>{together}<w:jc w:val="{align}"/></w:pPr><w:r>{face}{lines}</w:r></w:p></w:tc>'
    )


def _unbroken(escaped: str) -> str:
    """Return text of the format in which no line breaks inside a date.

    Examples
    --------
    >>> _unbroken("to 2026-12-31").count("<w:noBreakHyphen/>"), _unbroken("a-b")
    (2, 'a-b')
    """
    mark = '</w:t><w:noBreakHyphen/><w:t xml:space="preserve">'
    return _DAY.sub(lambda day: day.group().replace("-", mark), escaped)


def _table_settings(width_mm: float) -> str:
    return (
        f'<w:tblPr><w:tblW w:w="{twips(width_mm)}" w:type="dxa"/><w:jc w:val="center"/>'
        f'<w:tblBorders>{_EDGES}</w:tblBorders><w:tblLayout w:type="fixed"/><w:tblCellMar>'
        '<w:left w:w="40" w:type="dxa"/><w:right w:w="40" w:type="dxa"/></w:tblCellMar></w:tblPr>'
    )


def twips(millimetres: float) -> int:
    """Return millimetres in the unit of the format."""
    return round(millimetres * 1440 / 25.4)


def word_mm(texts: Iterable[str], *, points: float) -> float:
    """Return about how wide the longest word is that no line should break; Chinese of four signs or more breaks.

    Examples
    --------
    >>> round(word_mm(["residents", "over 60 min", "常住人口"], points=9.0), 1), round(word_mm(["一级"], points=9.0), 1)
    (16.1, 8.2)
    """
    listed = set(texts)
    letters = max((len(word) for text in listed for word in _WORD.findall(text)), default=0)
    signs = max((len(text) for text in listed if len(text) <= _WHOLE_SIGNS and not text.isascii()), default=0)
    return max(letters * _LETTER_EM, float(signs)) * points * _POINT_MM + _CELL_MM


def shared_widths(weights: Sequence[float], words: Sequence[float], *, total: float) -> list[float]:
    """Return the widths of columns by their weights; those with spare room give to those whose longest word needs it.

    No column gives more than three tenths of its own.

    Examples
    --------
    >>> shared_widths([1.0, 1.0, 2.0], [0.0, 30.0, 0.0], total=100.0)
    [23.333333333333332, 30.0, 46.666666666666664]
    >>> shared_widths([1.0, 1.0], [80.0, 80.0], total=100.0)
    [50.0, 50.0]
    """
    widths = [total * weight / sum(weights) for weight in weights]
    lacking = [max(0.0, word - width) for word, width in zip(words, widths, strict=True)]
    spare = [min(max(0.0, width - word), _MOST_GIVEN * width) for word, width in zip(words, widths, strict=True)]
    moved = min(sum(lacking), sum(spare))
    if not moved:
        return widths
    taken, given = moved / sum(lacking), moved / sum(spare)
    return [width + taken * lack - given * room for width, lack, room in zip(widths, lacking, spare, strict=True)]


def kept_together(rows: int) -> set[int]:
    """Return the rows that stay on the page of the next one: all of a short table, of others the last.

    So no total stands with one row alone.

    Examples
    --------
    >>> kept_together(3), sorted(kept_together(20))
    ({0, 1}, [17, 18])
    """
    if rows <= _SHORT_ROWS:
        return set(range(rows - 1))
    return {rows - 3, rows - 2}


def shown(value: object, kind: str, lang: Lang) -> tuple[str, bool]:
    """Return a value as a cell of a document shows it, and whether it is a number.

    Examples
    --------
    >>> shown(1234.0, "people", "zh"), shown(0.8898, "share", "zh"), shown(None, "share", "zh"), shown(12, "text", "en")
    (('1,234', True), ('89.0%', True), ('—', False), ('12', False))
    """
    number = cells.number_of(value) if kind != "text" and not isinstance(value, bool) else None
    if number is None:
        text = cells.text_of(value, lang) if not isinstance(value, float) or value == value else ""  # noqa: PLR0124
        return (text.strip() or wording.NOT_APPLICABLE), False
    if kind == "people":
        return cells.rounded(number) if number % 1 else f"{number:,.0f}", True
    if kind in {"share", "share_fine"}:
        return f"{number * 100.0:.{1 if kind == 'share' else 2}f}%", True
    return f"{number:.{ {'minutes': 1, 'degrees': 6}.get(kind, 0) }f}", True
