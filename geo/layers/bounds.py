"""How large an input may be, and which XML is refused: bombs end here, before a parser meets them."""

from __future__ import annotations

import stat
from typing import TYPE_CHECKING
from xml.parsers import expat

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
MOST_DEPTH = 200
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
        findings.fault(f"much_{what}", n=amount, most=most)
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


def check_xml(data: bytes, findings: Findings) -> None:
    """Note a fault and raise UnreadableError where an XML text declares a document type."""
    if declares_type(data):
        findings.fault("xml_entities")
        raise UnreadableError
