"""How do thousands of lines come into a sheet? As cells that are written out when they are given, not one object each.

A workbook has a hundred thousand cells, nearly all in plain lines of texts and numbers; the library's own way takes
longer for them than everything else. What is written into a line by the library's own methods stands above it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from xlsxwriter.utility import xl_col_to_name
from xlsxwriter.worksheet import Worksheet

if TYPE_CHECKING:
    from collections.abc import Sequence

    from xlsxwriter.format import Format

_TEXT = ' t="s"'


class LineSheet(Worksheet):  # type: ignore[misc]  # the library has no types
    """A sheet that takes whole lines too; `workbook.add_worksheet(name, worksheet_class=LineSheet)`."""

    def __init__(self) -> None:
        super().__init__()
        self._lines: dict[int, list[str]] = {}
        self._letters: list[str] = []

    def written(self, value: str | float, look: Format) -> str:
        """Return a cell as it is written, but for its place: a text as it is, a number (finite) as a number."""
        style = look._get_xf_index()  # noqa: SLF001 - the library's own
        if not isinstance(value, str):
            return f's="{style}"><v>{value:.16G}</v></c>'
        number = self.str_table._get_shared_string_index(value)  # noqa: SLF001
        self.str_table.count -= 1  # of times that a text stands in a cell: these are counted when lines are written
        return f's="{style}"{_TEXT}><v>{number}</v></c>'

    def write_line(self, row: int, cells: Sequence[str]) -> None:
        """Write a line of cells (:meth:`written`) from the first column on."""
        self._check_dimensions(row, 0)
        self._check_dimensions(row, len(cells) - 1)
        while len(self._letters) < len(cells):
            self._letters.append(xl_col_to_name(len(self._letters)))
        line = row + 1
        self._lines[row] = [f'<c r="{letter}{line}" {cell}' for letter, cell in zip(self._letters, cells, strict=False)]
        self.str_table.count += sum(_TEXT in cell for cell in cells)

    def _write_rows(self) -> None:
        """Write out all rows: called by the library when the workbook is closed."""
        for row in range(self.dim_rowmin, self.dim_rowmax + 1):
            own: dict[int, Any] = self.table.get(row, {})
            line = self._lines.pop(row, [])
            height = self.row_info.get(row)
            if not own and not line:
                if height is not None:
                    self._write_empty_row(row, None, height)
                continue
            self._write_row(row, None, height)
            if not own:
                self.fh.write("".join(line))
            else:
                for column in sorted({*own, *range(len(line))}):
                    if column in own:
                        self._write_cell(row, column, own[column])
                    else:
                        self.fh.write(line[column])
            self._xml_end_tag("row")
