"""Tables of a web page, which office systems export under the name of a workbook → cells."""

from __future__ import annotations

import html
import re
from typing import TYPE_CHECKING

from geo.layers import bounds, delimited, sheets
from geo.layers.cells import Cells, Grid, Merged, bounded
from geo.layers.raw import UnreadableError

if TYPE_CHECKING:
    from geo.layers.findings import Findings
    from geo.layers.raw import Raw
    from geo.study_file import LayerSource

# Possessive, so that no text makes the search go back: a page is read once from its beginning to its end.
_TAG = re.compile(r"<(/?+)([a-zA-Z][\w:-]*+)([^<>]*+)>")
_SPAN = re.compile(r"\b(rowspan|colspan)\s*+=\s*+[\"']?+(\d{1,5})", re.IGNORECASE)
_CHARSET = re.compile(rb"charset\s*=\s*[\"']?([\w-]{2,20})", re.IGNORECASE)
_BEGINS = re.compile(rb"^(?:\xef\xbb\xbf)?\s*<(?:!doctype\s+html|html|head|meta|table|style|div|body)\b", re.IGNORECASE)
_GB = frozenset({"gb2312", "gbk", "gb18030"})
_CHARSET_WITHIN = 4096


def is_page(data: bytes) -> bool:
    """Say whether a file is a web page, whatever its suffix.

    Examples
    --------
    >>> is_page(b"<html><table>"), is_page(b"id,name")
    (True, False)
    """
    return _BEGINS.match(data[:512]) is not None


def read_page(source: LayerSource, findings: Findings, *, data: bytes, kind: str) -> Raw:
    """Return the table of a web page that has most known headers as columns of text; rows count from its first."""
    stated = _CHARSET.search(data[:_CHARSET_WITHIN])
    name = stated.group(1).decode("ascii").casefold() if stated else ""
    encoding = source.encoding or ("gb18030" if name in _GB else None)
    found = _tables(delimited.decode(data, findings, encoding=encoding), findings)
    if not found:
        findings.fault("empty_file")
        raise UnreadableError
    names = sheets.known(source, kind)

    def score(cells: Cells) -> int:
        return max((sheets.hits(row, names) for row in cells.lines[: sheets.HEADER_ROWS]), default=0)

    return sheets.table_of(max(found, key=score), source, findings, kind=kind)


def _tables(page: str, findings: Findings) -> list[Cells]:
    """Return the tables of a page; a table inside a cell is a table of its own."""
    found: list[Cells] = []
    builders: list[_Builder] = []
    end = 0
    for tag in _TAG.finditer(page):
        closing, name, about = bool(tag[1]), tag[2].casefold(), tag[3]
        if builders:
            builders[-1].text(page[end : tag.start()])
        end = tag.end()
        if name == "table" and not closing:
            builders.append(_Builder())
        elif name == "table" and builders:
            found.append(builders.pop().cells(findings))
        elif builders:
            builders[-1].tag(name, about, closing=closing)
    found += [builder.cells(findings) for builder in builders]
    return [cells for cells in found if cells.lines]


class _Builder:
    """Gathers the rows of one table while a page is read."""

    def __init__(self) -> None:
        self.rows: list[list[tuple[str, int, int]]] = []
        self._parts: list[str] | None = None
        self._span = (1, 1)

    def text(self, text: str) -> None:
        """Take text between tags."""
        if self._parts is not None:
            self._parts.append(text)

    def tag(self, name: str, about: str, *, closing: bool) -> None:
        """Take a tag."""
        if name == "tr":
            self._finish()
            if not closing:
                self.rows.append([])
        elif name in {"td", "th"}:
            self._finish()
            if not closing:
                spans = {key.casefold(): int(count) for key, count in _SPAN.findall(about)}
                self._span = (max(spans.get("rowspan", 1), 1), max(spans.get("colspan", 1), 1))
                self._parts = []
        elif name == "br" and self._parts is not None:
            self._parts.append("\n")

    def _finish(self) -> None:
        if self._parts is not None:
            if not self.rows:
                self.rows.append([])
            text = html.unescape("".join(self._parts)).replace("\xa0", " ")
            self.rows[-1].append((" ".join(text.split()), *self._span))
            self._parts = None

    def cells(self, findings: Findings) -> Cells:
        """Return the table as cells; a cell over several rows or columns is a merged one."""
        self._finish()
        grid: Grid = []
        merged: list[Merged] = []
        below: dict[int, int] = {}  # column → rows that a cell from above still covers
        n_cells = 0
        for top, row in enumerate(bounded(self.rows, findings), start=1):
            line: list[str] = []
            for text, down, across in row:
                while below.get(len(line), 0) > 0:
                    below[len(line)] -= 1
                    line.append("")
                if (down, across) != (1, 1):
                    merged.append(Merged(len(line) + 1, top, len(line) + across, top + down - 1))
                n_cells += across
                bounds.check(n_cells, bounds.MOST_CELLS, findings, what="cells")
                for part in range(across):
                    below[len(line)] = down - 1
                    line.append("" if part else text)
            while below.get(len(line), 0) > 0:
                below[len(line)] -= 1
                line.append("")
            n_cells += len(line)
            grid.append(line)
        return Cells(grid, merged)
