"""Rows of the table: ours, a peer's, their ratio, what it should be; as Markdown and as JSON."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field, replace
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    from collections.abc import Sequence

_UNITS = ((1.0, "s", 1.0), (1e-3, "ms", 1e3), (0.0, "µs", 1e6))
_HEAD = ("work", "peer", "ours", "peer's", "ratio", "target", "met")


@dataclass(frozen=True)
class Target:
    """What a ratio should be: `faster` is peer / ours at least, `within` is ours / peer at most."""

    kind: Literal["faster", "within"]
    value: float

    def __str__(self) -> str:
        return f"{'≥' if self.kind == 'faster' else '≤'} {_ratio(self.value)}"


@dataclass(frozen=True)
class Row:
    """One line of the table.

    Attributes
    ----------
    work, peer
        What was done, and beside whom.
    ours, theirs
        Medians, seconds or MB.
    target
        None where nothing was promised.
    unit
        Of both.
    notes
        What a reader must know to judge the line.
    """

    work: str
    peer: str
    ours: float
    theirs: float
    target: Target | None = None
    unit: Literal["s", "MB"] = "s"
    notes: tuple[str, ...] = field(default=())

    def wants(self, target: Target | None) -> Row:
        """Return the same line with what was promised."""
        return replace(self, target=target)

    def at(self, place: str) -> Row:
        """Return the same line with the name of the place before its work."""
        return replace(self, work=f"{place}: {self.work}")

    @property
    def ratio(self) -> float:
        """Peer / ours, or ours / peer where the target says how much slower ours may be."""
        ratio = self.theirs / self.ours
        return 1.0 / ratio if self.target is not None and self.target.kind == "within" else ratio

    @property
    def met(self) -> bool | None:
        if self.target is None:
            return None
        return self.ratio >= self.target.value if self.target.kind == "faster" else self.ratio <= self.target.value

    def cells(self) -> tuple[str, ...]:
        met = "" if self.met is None else "yes" if self.met else "no"
        ours, theirs = (_amount(value, self.unit) for value in (self.ours, self.theirs))
        return self.work, self.peer, ours, theirs, _ratio(self.ratio), str(self.target or ""), met

    def record(self) -> dict[str, Any]:
        return {
            **asdict(self),
            "target": None if self.target is None else str(self.target),
            "ratio": self.ratio,
            "met": self.met,
        }


def _amount(value: float, unit: str) -> str:
    if unit == "MB":
        return f"{value:,.0f} MB"
    for least, name, factor in _UNITS:
        if value >= least:
            return f"{_three(value * factor)} {name}"
    return f"{value} s"


def _three(value: float) -> str:
    """Three figures, never more than the timing knows."""
    digits = 0 if value >= 100 else 1 if value >= 10 else 2
    return f"{value:,.{digits}f}"


def _ratio(value: float) -> str:
    return f"{value:,.0f}×" if value >= 10 else f"{value:.2g}×" if value < 1 else f"{value:.1f}×"


def markdown(rows: Sequence[Row]) -> str:
    """Return the rows as a Markdown table, and below it each note once."""
    lines = [_HEAD, tuple("---" if name in {"work", "peer", "met"} else "---:" for name in _HEAD)]
    lines += [row.cells() for row in rows]
    table = "\n".join(f"| {' | '.join(cells)} |" for cells in lines)
    notes = dict.fromkeys(note for row in rows for note in row.notes)
    return table + ("\n\n" + "\n".join(f"- {note}" for note in notes) if notes else "")
