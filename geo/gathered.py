"""Which lines of a repair report say the same: one line for all of them, so that what is in doubt is not drowned."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from geo.messages import Message, text

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from geo.messages import Lang
    from geo.quality import Line

FIRST = ("doubtful", "kept")  # what somebody must look at; a row is kept without its place or a number of its
ALIKE_FROM = 4  # repairs of one kind whose values differ: the first of so many stands for all
_PARTS_SHOWN = 8


class Gathered(NamedTuple):
    """Lines of one source that say the same; `alike` where only the kind of repair is the same, and values differ."""

    lines: tuple[Line, ...]
    alike: bool


def gather(lines: Iterable[Line]) -> list[Gathered]:
    """Return the lines of a repair report, source by source, those in doubt first, the same ones as one.

    Doubtful rows are gathered only where they read the same to the letter.
    """
    sources: dict[tuple[str, str], list[Line]] = {}
    for line in lines:
        sources.setdefault((line.layer, line.source), []).append(line)
    found: list[Gathered] = []
    for own in sources.values():
        found += sorted(_same(own), key=lambda group: group.lines[0].action not in FIRST)
    return found


def _same(lines: Sequence[Line]) -> list[Gathered]:
    """Return groups of lines in the order of the first of each."""
    kinds: dict[tuple[str, str], list[Line]] = {}
    for line in lines:
        if line.action == "repaired" and line.row is not None and isinstance(line.message, Message):
            kinds.setdefault((line.message.key, str(line.field)), []).append(line)
    many = {kind: own for kind, own in kinds.items() if len(own) >= ALIKE_FROM}
    groups: dict[tuple[str, ...], list[Line]] = {}
    for line in lines:
        kind = (line.message.key, str(line.field)) if isinstance(line.message, Message) else ("", "")
        of_kind = line.action == "repaired" and line.row is not None and kind in many
        own_text = "" if line.row is not None or line.id else str(len(groups))  # what is about the source stays alone
        what = kind if of_kind else (str(line.message), str(line.mend), own_text)
        groups.setdefault((line.action, "alike" if of_kind else "same", *what), []).append(line)
    return [
        Gathered(tuple(own), key[1] == "alike" and len({str(line.message) for line in own}) > 1)
        for key, own in groups.items()
    ]


def about(group: Gathered, lang: Lang) -> str:
    """Return which rows or units a group is about; "" where it is about its source."""
    rows = sorted({line.row for line in group.lines if line.row is not None})
    if rows:
        if len(rows) == 1:
            return text("cli.at_row", lang, row=rows[0])
        shown = _shortened(ranges(rows), lang)
        key = "cli.at_rows_alike" if group.alike else "cli.at_rows"
        return text(key, lang, rows=shown, count=len(rows), row=group.lines[0].row)
    ids = [*dict.fromkeys(line.id for line in group.lines if line.id)]
    return text("cli.at_id", lang, id=_shortened(ids, lang)) if ids else ""


def ranges(rows: Sequence[int]) -> list[str]:
    """Return sorted row numbers as ranges.

    Examples
    --------
    >>> ranges([2, 3, 4, 7, 9, 10])
    ['2–4', '7', '9–10']
    """
    parts: list[tuple[int, int]] = []
    for row in rows:
        if parts and row == parts[-1][1] + 1:
            parts[-1] = (parts[-1][0], row)
        else:
            parts.append((row, row))
    return [str(first) if first == last else f"{first}–{last}" for first, last in parts]


def _shortened(parts: Sequence[str], lang: Lang) -> str:
    more = " …" if len(parts) > _PARTS_SHOWN else ""
    return text("word.comma", lang).join(parts[:_PARTS_SHOWN]) + more
