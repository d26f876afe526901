"""What keeps a study file from being TOML, line by line, in the words of those who write it with an office's keyboard."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from geo.messages import Message

if TYPE_CHECKING:
    import tomllib
    from collections.abc import Sequence

_LINE_SHOWN = 80
_STRINGS = re.compile(r"\"(?:[^\"\\]|\\.)*\"|'[^']*'")
_COMMENT = re.compile(r"#.*$")
# Wide signs where TOML wants plain ones: which message says so.
_WIDE = (
    ("“”„‟＂‘’＇「」『』", "quotes"),
    ("＝", "equals"),
    ("，、", "comma"),
    ("［］【】｛｝（）", "brackets"),
    ("：", "colon"),
)
_IN_DOUBLE = re.compile(r"\"((?:[^\"\\]|\\.)*)\"")
_BAD_ESCAPE = re.compile(r"\\(?![btnfr\"\\]|u[0-9a-fA-F]{4}|U[0-9a-fA-F]{8})")
_AT = re.compile(r"\(at line (\d+), column \d+\)")
# What Python's reader says → what people are told.
_SAID = (
    ("Cannot overwrite", "twice"),
    ("Cannot declare", "twice"),
    ("Cannot mutate", "twice"),
    ("Duplicate", "twice"),
    ("Unescaped '\\'", "backslash"),
    ("Invalid hex", "backslash"),
    ("Illegal character '\\n'", "unclosed"),
    ("Unterminated", "unclosed"),
    ("Unclosed array", "unclosed_list"),
    ("Unclosed inline", "unclosed_list"),
    ("Expected '='", "no_equals"),
    ("Expected ']'", "table_name"),
    ("Expected newline", "rest_of_line"),
    ("Invalid value", "value"),
)
_ADDRESS = re.compile(r"(?i)\w*postgres.*|://[^@\s]*@")


def faults(text: str, error: tomllib.TOMLDecodeError) -> list[Message]:
    r"""Return what is wrong with a text that is no TOML, line by line; at least one thing.

    Wide signs and backslashes are found in every line, anything else where the reader stopped.

    Examples
    --------
    >>> import tomllib
    >>> try:
    ...     tomllib.loads('[study]\nid = “a”')
    ... except tomllib.TOMLDecodeError as error:
    ...     print(faults('[study]\nid = “a”', error)[0].text("en"))
    line 2 is not valid TOML (id = “a”): Chinese quotation marks stand here; write plain ones: "…"
    """
    lines = text.splitlines()
    found = {number: key for number, line in enumerate(lines, start=1) if (key := _sign(line))}
    stopped = _AT.search(str(error))
    number = int(stopped.group(1)) if stopped else max(len(lines), 1)
    if not found or number < min(found):
        said = str(error)
        found[number] = next((key for start, key in _SAID if said.startswith(start)), "other")
    why = str(error).partition(" (at ")[0]
    return [
        Message("toml.line", {"line": at, "given": _shown(lines, at), "what": Message(f"toml.{key}", {"why": why})})
        for at, key in sorted(found.items())
    ]


def _sign(line: str) -> str:
    """Return what a line has that no line of TOML has: a wide sign outside of strings, a backslash that means nothing."""
    if any(_BAD_ESCAPE.search(_without_pairs(inner)) for inner in _IN_DOUBLE.findall(line)):
        return "backslash"
    bare = _COMMENT.sub("", _STRINGS.sub("", line))
    return next((key for signs, key in _WIDE if any(sign in bare for sign in signs)), "")


def _without_pairs(inner: str) -> str:
    return inner.replace("\\\\", "")


def _shown(lines: Sequence[str], at: int) -> str:
    """Return a line as a message quotes it, without an address of a database, which may hold a password."""
    line = lines[at - 1] if at <= len(lines) else ""
    plain = " ".join(_ADDRESS.sub("…", line).split())
    return plain if len(plain) <= _LINE_SHOWN else plain[: _LINE_SHOWN - 1] + "…"
