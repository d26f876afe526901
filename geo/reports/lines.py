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

    Cell = tuple[str | float, Format]


class LineSheet(Worksheet):  # type: ignore[misc]  # the library has no types
    """A sheet that takes whole lines too; `workbook.add_worksheet(name, worksheet_class=LineSheet)`."""

    def __init__(self) -> None:
        super().__init__()
        self._lines: dict[int, list[str]] = {}
        self._letters: list[str] = []

    def write_line(self, row: int, cells: Sequence[Cell]) -> None:
        """Write a line from the first column on: texts as they are, numbers (finite) as numbers."""
        self._check_dimensions(row, 0)
        self._check_dimensions(row, len(cells) - 1)
        while len(self._letters) < len(cells):
            self._letters.append(xl_col_to_name(len(self._letters)))
        shared, line = self.str_table._get_shared_string_index, row + 1  # noqa: SLF001 - the library's own, of this sheet
        self._lines[row] = [
            f'<c r="{letter}{line}" s="{style._get_xf_index()}" t="s"><v>{shared(value)}</v></c>'  # noqa: SLF001
            if isinstance(value, str)
            else f'<c r="{letter}{line}" s="{style._get_xf_index()}"><v>{value:.16G}</v></c>'  # noqa: SLF001
            for letter, (value, style) in zip(self._letters, cells, strict=False)
        ]

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
