"""A dirty file and what the reader must say of it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

Line = tuple[int | None, str, str]
# What almost every file of its format brings about, so that the cases name only what is theirs.
CRS = "EPSG:4326"


@dataclass(frozen=True)
class Case:
    """One habit.

    Attributes
    ----------
    habit
        What people do, in a few words: the name of the test.
    write
        Writes the file into a folder and returns its path.
    kind, options
        As what it is read, and the keys of its source.
    read, kept
        Rows of the file, and rows of the table.
    report
        Every line of the repair report: (row, action, key of the message), in any order; a fault stands in `faults`.
    faults
        Every fault: (key, rows).
    cells
        Columns of the table that are looked at: what they must hold.
    says
        Parts of the English report or fault, each of which must be there.
    needs
        Extras without which the format is not read.
    """

    habit: str
    write: Callable[[Path], Path]
    kind: str = "service"
    options: dict[str, Any] = field(default_factory=dict)
    read: int = 0
    kept: int = 0
    report: tuple[Line, ...] = ()
    faults: tuple[tuple[str, tuple[int, ...]], ...] = ()
    cells: dict[str, list[Any]] = field(default_factory=dict)
    says: tuple[str, ...] = ()
    needs: tuple[str, ...] = ()


def dropped(**rows: str) -> tuple[Line, ...]:
    """Return lines for dropped rows, given as r7="empty_row"."""
    return tuple((int(name[1:]), "dropped", key) for name, key in rows.items())
