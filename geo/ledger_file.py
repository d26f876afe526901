"""The ledger of gaps as people keep it: `ledger.csv`, read line by line and written back without losing one.

A line that cannot be read is kept as it stands. Columns that nobody knows stay. What people wrote is never changed.
"""

from __future__ import annotations

import csv
import io
import os
import re
import shutil
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from geo import schema
from geo.errors import Fault, InputFaultsError
from geo.messages import DEFAULT_LANG, Message, subject

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from geo.messages import Lang

NAME = "ledger.csv"
_ENCODINGS = ("utf-8-sig", "gb18030")
_DELIMITERS = (",", "\t", ";")
_BREAK = re.compile(r"(?<=\n)|(?<=\r)(?!\n)")
_LEAST_SHOWN = 40
# Names that offices use beside ours.
_ALSO = {"完成时限": "deadline", "办结时限": "deadline", "缺口编码": "gap_id", "未覆盖人数": "people"}


class Line(NamedTuple):
    """One entry or one piece that cannot be read.

    Attributes
    ----------
    number
        Where it begins, counted as a text editor counts.
    raw
        As it stands in the file, without its end of line.
    cells
        What it says, as many as the header; None where it cannot be read.
    gap_id
        The gap it is about, also where the rest cannot be read; may be "".
    why
        What is wrong with it, or None.
    """

    number: int
    raw: str
    cells: tuple[str, ...] | None
    gap_id: str
    why: Message | None = None


@dataclass(frozen=True)
class LedgerFile:
    """A ledger as read; `header` holds the columns as people named them.

    Attributes
    ----------
    path
        The file; need not exist yet.
    content
        Its bytes; empty where there is no file.
    header
        Names of columns as written.
    columns
        Canonical column (`schema.LEDGER`) → place in the header.
    lines
        Entries and broken lines, in their order; blank lines are left out.
    delimiter
        Between cells.
    lang
        Language of the header; the words that `geo` writes follow it.
    """

    path: Path
    content: bytes
    header: tuple[str, ...]
    columns: Mapping[str, int]
    lines: tuple[Line, ...]
    delimiter: str = ","
    lang: Lang = DEFAULT_LANG

    @property
    def faults(self) -> list[Fault]:
        """Every line that cannot be read, with its number and what is wrong."""
        return [Fault(self.path.name, line.why, (line.number,)) for line in self.lines if line.why is not None]

    @property
    def entries(self) -> list[dict[str, str]]:
        """Entries by canonical column; what the file has no column for is ""."""
        return [
            {name: line.cells[self.columns[name]] if name in self.columns else "" for name in schema.LEDGER}
            for line in self.lines
            if line.cells is not None
        ]

    @property
    def broken_ids(self) -> set[str]:
        """Gaps whose line cannot be read: they have an entry, which is not to be made again."""
        return {line.gap_id for line in self.lines if line.cells is None and line.gap_id} - {
            line.gap_id for line in self.lines if line.cells is not None
        }


def headers(lang: Lang) -> dict[str, str]:
    """Return canonical column → what it is called in a new ledger."""
    words = subject("ledger", lang)
    return {name: words[f"col_{name}"] for name in schema.LEDGER}


def read(path: Path, *, lang: Lang = DEFAULT_LANG) -> LedgerFile:
    """Read a ledger; where there is none, return an empty one.

    UTF-8 with or without BOM and GB18030 are read; cells parted by commas, tabs or semicolons.

    Raises
    ------
    InputFaultsError
        When the file cannot be opened, or has no column of gap ids. It is left as it is.
    """
    try:
        content = path.read_bytes()
    except FileNotFoundError:
        names = headers(lang)
        columns = {name: at for at, name in enumerate(names)}
        return LedgerFile(path, b"", tuple(names.values()), columns, (), lang=lang)
    except OSError as error:
        why = Message("ledger.unreadable", {"why": error.strerror or str(error)})
        raise InputFaultsError([Fault(str(path), why)]) from error
    text = _decoded(content, path)
    pieces = [piece for piece in _BREAK.split(text) if piece]
    first = next((at for at, piece in enumerate(pieces) if piece.strip()), len(pieces))
    head = pieces[first] if first < len(pieces) else ""
    delimiter = max(_DELIMITERS, key=head.count)
    header = tuple(_parsed(head, delimiter) or ())
    columns, language = _columns(header)
    if "gap_id" not in columns:
        why = Message("ledger.no_id", {"accepted": headers("zh")["gap_id"], "given": head.strip()[:_LEAST_SHOWN]})
        raise InputFaultsError([Fault(str(path), why)])
    lines = _lines(pieces, first + 1, width=len(header), at=columns["gap_id"], delimiter=delimiter)
    return LedgerFile(path, content, header, columns, tuple(lines), delimiter, language)


def _decoded(content: bytes, path: Path) -> str:
    for encoding in _ENCODINGS:
        with suppress(UnicodeDecodeError):
            return content.decode(encoding)
    raise InputFaultsError([Fault(str(path), Message("ledger.no_text"))])


def _columns(header: Sequence[str]) -> tuple[dict[str, int], Lang]:
    """Return where each canonical column stands, and the language that most of the header is in."""
    known: dict[str, tuple[str, Lang | None]] = {name: (column, None) for name, column in _ALSO.items()}
    languages: tuple[Lang, ...] = ("en", "zh")
    for language in languages:
        known |= {name.casefold(): (column, language) for column, name in headers(language).items()}
    known |= {name: known.get(name, (name, "en")) for name in schema.LEDGER}
    columns: dict[str, int] = {}
    spoken: list[str] = []
    for at, name in enumerate(header):
        column, spoke = known.get(name.strip().casefold(), ("", None))
        if column and column not in columns:
            columns[column] = at
            spoken += [spoke] if spoke else []
    return columns, "en" if spoken.count("en") > spoken.count("zh") else "zh"


def _parsed(raw: str, delimiter: str) -> list[str] | None:
    """Return the cells of one record; None where it is none, or more than one."""
    try:
        rows = list(csv.reader(io.StringIO(raw, newline=""), delimiter=delimiter, strict=True))
    except csv.Error:
        return None
    return rows[0] if len(rows) == 1 else None


def _lines(pieces: Sequence[str], start: int, *, width: int, at: int, delimiter: str) -> list[Line]:
    """Return entries and broken lines; a record may go over several lines inside quotes."""
    found: list[Line] = []
    seen: set[str] = set()
    number = start
    while number < len(pieces):
        stop = _end_of_record(pieces, number)
        raw = "".join(pieces[number:stop])
        cells = _fitting(_parsed(raw, delimiter), width)
        if cells is None and stop > number + 1:  # a quote that was never closed spoils its own line only
            stop, raw = number + 1, pieces[number]
            cells = _fitting(_parsed(raw, delimiter), width)
        bare = raw.rstrip("\r\n")
        if bare.strip(f" {delimiter}\ufeff"):
            line = _line(number + 1, bare, cells, at=at, delimiter=delimiter, seen=seen, width=width)
            seen.add(line.gap_id)
            found.append(line)
        number = stop
    return found


def _end_of_record(pieces: Sequence[str], start: int) -> int:
    """Return the piece after a record: quotes come in pairs."""
    quotes = 0
    for at in range(start, len(pieces)):
        quotes += pieces[at].count('"')
        if quotes % 2 == 0:
            return at + 1
    return start + 1


def _fitting(cells: list[str] | None, width: int) -> tuple[str, ...] | None:
    """Return cells that fit the header; empty ones too many do no harm."""
    if cells is None or len(cells) < width or any(cell.strip() for cell in cells[width:]):
        return None
    return tuple(cells[:width])


def _line(
    number: int, raw: str, cells: tuple[str, ...] | None, *, at: int, delimiter: str, seen: set[str], width: int
) -> Line:
    if cells is None:
        loose = raw.split(delimiter)
        own = loose[at].strip().strip('"').strip() if at < len(loose) else ""
        key = "ledger.quotes" if len(loose) == width else "ledger.cells"
        return Line(number, raw, None, own, Message(key, {"count": len(loose), "wanted": width}))
    own = cells[at].strip()
    if not own:
        return Line(number, raw, None, "", Message("ledger.no_gap"))
    if own in seen:
        return Line(number, raw, None, own, Message("ledger.twice", {"gap_id": own}))
    return Line(number, raw, cells, own)


def carried_on(file: LedgerFile, rows: Sequence[Mapping[str, str]]) -> bytes:
    """Return the content of a ledger with what `geo` says of its gaps.

    Parameters
    ----------
    file
        The ledger as it stands.
    rows
        By canonical column, as text; each with its `gap_id`. Computed columns (`schema.LEDGER_COMPUTED`) are set,
        where a row names them; those of `schema.LEDGER_ONCE` only in entries that are new. Gaps without an
        entry get one at the end.

    Returns
    -------
    UTF-8 with BOM, CRLF. A line in which nothing changes stays as it is.
    """
    names = headers(file.lang)
    lacking = [name for name in schema.LEDGER if name not in file.columns]
    header = [*file.header, *(names[name] for name in lacking)]
    columns = {**file.columns, **{name: len(file.header) + at for at, name in enumerate(lacking)}}
    said = {row["gap_id"]: row for row in rows}
    out = [_written(header, file.delimiter)]
    for line in file.lines:
        if line.cells is None:
            out.append(line.raw)
            continue
        cells = [*line.cells, *([""] * len(lacking))]
        for name in schema.LEDGER_COMPUTED:
            cells[columns[name]] = said.get(line.gap_id, {}).get(name, cells[columns[name]])
        out.append(line.raw if tuple(cells) == line.cells else _written(cells, file.delimiter))
    known = {line.gap_id for line in file.lines}
    for row in rows:
        if row["gap_id"] not in known:
            cells = [""] * len(header)
            for name in schema.LEDGER:
                cells[columns[name]] = row.get(name, "")
            out.append(_written(cells, file.delimiter))
    return "".join(f"{line}\r\n" for line in out).encode("utf-8-sig")


def _written(cells: Sequence[str], delimiter: str) -> str:
    target = io.StringIO(newline="")
    csv.writer(target, delimiter=delimiter, lineterminator="\r\n").writerow(cells)  # quotes only what could end a line
    return target.getvalue().removesuffix("\r\n")


def keep(file: LedgerFile, content: bytes) -> bool:
    """Put new content in the place of a ledger, whole or not at all; what was there becomes `ledger.csv.bak`.

    Returns
    -------
    Whether anything was written: nothing is where the content is the same.

    Raises
    ------
    InputFaultsError
        When the file cannot be written, or was changed since it was read; it is left as it is.
    """
    if content == file.content:
        return False
    place = Path(os.path.realpath(file.path))
    fresh = place.with_name(f".{place.name}.{os.getpid()}.part")
    try:
        _put(fresh, content)
        now = place.read_bytes() if place.exists() else b""
        if now != file.content:
            raise InputFaultsError([Fault(str(file.path), Message("ledger.changed_meanwhile"))])
        if now:
            shutil.copymode(place, fresh)
            spare = place.with_name(f".{place.name}.{os.getpid()}.bak.part")
            try:
                _put(spare, now)
                spare.replace(place.with_name(f"{place.name}.bak"))
            finally:
                spare.unlink(missing_ok=True)
        fresh.replace(place)
    except OSError as error:
        why = Message("ledger.unwritable", {"why": error.strerror or str(error)})
        raise InputFaultsError([Fault(str(file.path), why)]) from error
    finally:
        with suppress(OSError):
            fresh.unlink(missing_ok=True)
    return True


def _put(path: Path, content: bytes) -> None:
    with path.open("wb") as target:
        target.write(content)
        target.flush()
        os.fsync(target.fileno())
