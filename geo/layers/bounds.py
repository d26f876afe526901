"""How large an input may be, and which XML is refused: bombs end here, before a parser meets them."""

from __future__ import annotations

import stat
from typing import TYPE_CHECKING
from xml.parsers import expat

import numpy as np

from geo.layers.raw import UnreadableError

if TYPE_CHECKING:
    from pathlib import Path

    from geo.layers.findings import Findings

MIB = 1 << 20
# A file, or all that is read of an archive.
MOST_BYTES = 2048 * MIB
# Text and XML unfold to many times their size in memory.
MOST_TEXT_BYTES = 512 * MIB
MOST_CELLS = 20_000_000
MOST_ROWS = 1 << 20  # of a spreadsheet program
MOST_COLUMNS = 2_000
MOST_FEATURES = 20_000_000
MOST_TAGS = 12_000_000  # a parsed element takes some 100 bytes, and there are up to four tags a cell
MOST_DEPTH = 1_000
_PROLOG_BYTES = MIB  # a root element comes earlier, or it is no layer
_STEP = 1 << 16


class _RootMetError(Exception):
    """The root element has begun: a document type can no longer come."""


class _TypeMetError(Exception):
    """The document declares a type, the only place where entities are made."""


def check(amount: int, most: int, findings: Findings, *, what: str) -> None:
    """Note a fault and raise UnreadableError where an amount is beyond its limit.

    Parameters
    ----------
    amount, most
        How much there is, and how much there may be.
    what
        Name of a message `layers.much_<what>`: bytes | cells | rows | columns | features | depth.
    """
    if amount > most:
        findings.fault(f"much_{what}", n=amount, of=most)
        raise UnreadableError


def content(path: Path, findings: Findings, *, most: int) -> bytes:
    """Return a regular file's bytes, at most so many; a pipe, a device or a larger file is a fault."""
    with_size(path, findings, most=most)
    try:
        with path.open("rb") as source:
            data = source.read(most + 1)
    except OSError as error:
        findings.fault("cannot_open", why=error.strerror or type(error).__name__)
        raise UnreadableError from error
    check(len(data), most, findings, what="bytes")
    return data


def with_size(path: Path, findings: Findings, *, most: int) -> int:
    """Return the size of a regular file in bytes; whatever else stands there is a fault."""
    try:
        about = path.stat()
    except (OSError, ValueError) as error:  # a name with NUL is a ValueError
        findings.fault("cannot_open", why=getattr(error, "strerror", None) or type(error).__name__)
        raise UnreadableError from error
    if not stat.S_ISREG(about.st_mode):
        findings.fault("not_a_file")
        raise UnreadableError
    check(about.st_size, most, findings, what="bytes")
    return about.st_size


def head(path: Path, findings: Findings, *, n_bytes: int = 512) -> bytes:
    """Return the first bytes of a file."""
    try:
        with path.open("rb") as source:
            return source.read(n_bytes)
    except OSError as error:
        findings.fault("cannot_open", why=error.strerror or type(error).__name__)
        raise UnreadableError from error


def declares_type(data: bytes) -> bool:
    """Say whether an XML text declares a document type, so that it may hold entities that multiply.

    Examples
    --------
    >>> declares_type(b'<?xml version="1.0"?><!DOCTYPE a [<!ENTITY b "cc">]><a/>'), declares_type(b"<a/>")
    (True, False)
    """

    def root_met(_name: str, _attributes: dict[str, str]) -> None:
        raise _RootMetError

    def type_met(*_: object) -> None:
        raise _TypeMetError

    parser = expat.ParserCreate()
    parser.StartElementHandler = root_met
    parser.StartDoctypeDeclHandler = type_met
    try:
        for start in range(0, min(len(data), _PROLOG_BYTES), _STEP):
            parser.Parse(data[start : start + _STEP], False)  # noqa: FBT003 - expat takes no keyword
    except _TypeMetError:
        return True
    except (_RootMetError, expat.ExpatError, ValueError, LookupError):
        return False
    return len(data) > _PROLOG_BYTES  # so long a prolog is refused like a type


def depth_of(data: bytes) -> int:
    """Return how deep the elements of an XML text are nested, at most; it need not be well-formed.

    Examples
    --------
    >>> depth_of(b"<a><b/><c><d></d></c></a>")
    3
    """
    marks = np.frombuffer(data + b"\0", dtype=np.uint8)
    starts, ends = np.flatnonzero(marks == ord("<")), np.flatnonzero(marks == ord(">"))
    if not len(starts):
        return 0
    behind = marks[starts + 1]
    at = np.searchsorted(ends, starts)
    last = marks[ends[np.minimum(at, len(ends) - 1)] - 1] if len(ends) else np.zeros(len(starts), dtype=np.uint8)
    alone = (at < len(ends)) & (last == ord("/")) | np.isin(behind, np.frombuffer(b"!?", dtype=np.uint8))
    steps = np.where(behind == ord("/"), -1, np.where(alone, 0, 1))
    return int(np.cumsum(steps).max(initial=0))


def check_xml(data: bytes, findings: Findings, *, most_depth: int | None = None) -> None:
    """Note a fault and raise UnreadableError where an XML text declares a document type or is a bomb.

    Parameters
    ----------
    data
        The text, in any encoding.
    most_depth
        How deep elements may be nested; by default not looked at.
    """
    if declares_type(data):
        findings.fault("xml_entities")
        raise UnreadableError
    check(data.count(b"<"), MOST_TAGS, findings, what="tags")
    if most_depth is not None:
        check(depth_of(data), most_depth, findings, what="depth")
