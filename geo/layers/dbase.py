"""What a DBF table says, byte by byte: encodings, overflown numbers and deleted rows that GDAL passes over in silence."""

from __future__ import annotations

import codecs
import contextlib
import re
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import pandas as pd

from geo.layers.cells import EXACT_BELOW
from geo.layers.findings import listed, shown
from geo.layers.headers import plain
from geo.layers.raw import UnreadableError

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from geo.layers.findings import Findings

ENCODINGS = ("utf-8", "gb18030")
_HEAD = 32
_FIELD = 32
_END_OF_FIELDS = 0x0D
_DELETED = 0x2A
_LANGUAGE = 29  # of the header: the code page, as dBASE numbers them
_CHINESE = (0x4D, 0x7A)
_MOST_FIELDS = 2_000
_NUMBER = re.compile(r"^(?:[+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]{1,3})?)?$")
_WHOLE = re.compile(r"^[+-]?[0-9]+$")
_DATE = re.compile(r"^([0-9]{4})([0-9]{2})([0-9]{2})$")
_TEXTS, _NUMBERS = "C", "NF"
_BINARY: dict[str, np.dtype[Any]] = {"I": np.dtype("<i4"), "O": np.dtype("<f8"), "B": np.dtype("<f8")}


class _Field(NamedTuple):
    name: bytes
    kind: str
    start: int
    width: int


class Table(NamedTuple):
    """Columns of a DBF.

    Attributes
    ----------
    columns
        One a field; numbers where all are numbers, else texts. One row a record, deleted ones too.
    deleted
        Which records are deleted.
    """

    columns: pd.DataFrame
    deleted: NDArray[np.bool_]


def read(data: bytes, findings: Findings, *, encoding: str | None, stated: str | None) -> Table:
    """Return a DBF table.

    Parameters
    ----------
    data
        The file.
    encoding
        What the study says; nothing else is tried then.
    stated
        What a .cpg beside it says, by Python's name.

    Raises
    ------
    UnreadableError
        With the fault noted: no DBF, cut off, text in no known encoding.
    """
    n_rows, body, fields = _layout(data, findings)
    raw = [(field, _values(body, field)) for field in fields]
    texts = {name for field, _ in raw for name in (field.name,)}
    for field, values in raw:
        if field.kind not in _BINARY:
            texts.update(values)
    chosen = _encoding(texts, findings, encoding=encoding, stated=stated or _by_language(data))
    decoded = {text: _decode(text, chosen) for text in texts}
    columns: dict[int, Any] = {}
    for number, (field, values) in enumerate(raw):
        if field.kind in _BINARY:
            columns[number] = values
            continue
        written = [decoded[value].strip() for value in values]
        if field.kind == "D":
            written = [_DATE.sub(r"\1-\2-\3", text) for text in written]
        columns[number] = _as_numbers(written) if field.kind in _NUMBERS else np.array(written, dtype=object)
    table = pd.DataFrame(columns, index=range(n_rows))
    table.columns = pd.Index([decoded[field.name].strip() for field, _ in raw], dtype="object")
    return Table(table, body[:, 0] == _DELETED)


def _layout(data: bytes, findings: Findings) -> tuple[int, NDArray[np.uint8], list[_Field]]:
    """Return the number of records, their bytes as (records, width), and the fields that can be read."""
    n_rows = int.from_bytes(data[4:8], "little")
    start, width = int.from_bytes(data[8:10], "little"), int.from_bytes(data[10:12], "little")
    found: list[_Field] = []
    skipped: list[_Field] = []
    at = 1
    for offset in range(_HEAD, min(start, len(data)) - _FIELD + 1, _FIELD):
        if data[offset] == _END_OF_FIELDS or len(found) > _MOST_FIELDS:
            break
        name, kind, size = data[offset : offset + 11].split(b"\0")[0], chr(data[offset + 11]), data[offset + 16]
        if kind == _TEXTS:
            size += data[offset + 17] << 8  # long texts keep the high byte where numbers have decimals
        if at + size > width:
            break
        readable = kind in "CNFDL" or (kind in _BINARY and size == _BINARY[kind].itemsize)
        (found if readable else skipped).append(_Field(name, kind, at, size))
        at += size
    if at != width or not (found or skipped):
        findings.fault("not_a", format="dbf")
        raise UnreadableError
    if len(data) < start + n_rows * width:
        findings.fault("cut_off")
        raise UnreadableError
    if skipped:
        findings.tell("fields_skipped", columns=listed(field.name.decode("ascii", "replace") for field in skipped))
    body = np.frombuffer(data, dtype=np.uint8, count=n_rows * width, offset=start).reshape(n_rows, width)
    return n_rows, body, found


def _values(body: NDArray[np.uint8], field: _Field) -> Any:  # noqa: ANN401 - bytes of texts, or numbers
    """Return a field's bytes, a text each, or its binary numbers."""
    own = np.ascontiguousarray(body[:, field.start : field.start + field.width])
    if field.kind in _BINARY:
        return own.view(_BINARY[field.kind]).ravel()
    if not field.width:
        return [b""] * len(own)
    return [text.split(b"\0")[0].strip() for text in own.view(f"S{field.width}").ravel().tolist()]


def _by_language(data: bytes) -> str | None:
    return "gb18030" if data[_LANGUAGE] in _CHINESE else None


def _as_numbers(written: Sequence[str]) -> NDArray[Any]:
    """Return numbers where all are (missing is NaN), else the texts, which the columns' own reader tells of."""
    if not all(_NUMBER.match(text) for text in written):
        return np.array(written, dtype=object)
    values = np.array([float(text) if text else np.nan for text in written], dtype=np.float64)
    if all(_WHOLE.match(text) for text in written) and (np.abs(values) < EXACT_BELOW).all():
        return values.astype(np.int64)
    return values


def _encoding(texts: Iterable[bytes], findings: Findings, *, encoding: str | None, stated: str | None) -> str:
    """Return the encoding of a table's texts: the one asked for, the one stated, else utf-8, else gb18030."""
    every = [text for text in texts if not text.isascii()]
    choices = [encoding] if encoding else [*([stated] if stated else []), *ENCODINGS]
    chosen = next((choice for choice in choices if _fits(every, choice)), None)
    if chosen is None:
        key = "bad_encoding" if encoding else "no_encoding"
        findings.fault(key, encoding=shown(encoding or ""), accepted=", ".join(ENCODINGS))
        raise UnreadableError
    if chosen != encoding and every:
        findings.tell("encoding_of_cpg" if chosen == stated else "encoding", encoding=chosen)
    return chosen


def _fits(texts: list[bytes], encoding: str) -> bool:
    """Say whether an encoding reads all texts; a character cut at the end of a field is forgiven."""
    with contextlib.suppress(UnicodeError):
        try:
            b" ".decode(encoding)  # knows which codecs are for text
        except LookupError:
            return False
    try:
        for text in texts:
            codecs.getincrementaldecoder(encoding)("strict").decode(text, final=False)
    except (LookupError, ValueError, TypeError):
        return False
    return True


def _decode(text: bytes, encoding: str) -> str:
    """Return a text without the part of a character that its field has cut off."""
    if text.isascii():
        return text.decode("ascii")
    decoded: str = codecs.getincrementaldecoder(encoding)("strict").decode(text, final=False)
    return decoded


def stated_encoding(path: Path) -> str | None:
    """Return the encoding that the .cpg beside a file states, by Python's name; None where it states none it knows."""
    text = ""
    for beside in (path.with_suffix(".cpg"), path.with_suffix(".CPG")):
        if beside.is_file():
            with beside.open("rb") as source:
                text = source.read(100).decode("ascii", "replace")
            break
    name = plain(text).replace("ansi", "").strip()
    if name in {"gbk", "gb2312", "936", "cp936", "gb18030", "oem936"}:
        return "gb18030"
    name = {"65001": "utf-8"}.get(name, f"cp{name}" if name.isdigit() and not name.startswith("8859") else name)
    name = name.replace("88591", "iso8859-1")
    try:
        return codecs.lookup(name).name if name else None
    except (LookupError, ValueError):
        return None
