"""What `geo` says to planners, in Chinese and in English: one catalogue, one file a subject.

A message is a key of the catalogue and the values that fill it; it becomes text only where it is
shown, so that every output can be had in either language.
"""

from __future__ import annotations

import tomllib
from dataclasses import dataclass, field
from functools import cache
from importlib import resources
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

Lang = Literal["zh", "en"]
DEFAULT_LANG: Lang = "zh"
ROWS_SHOWN = 8


@cache
def _catalogue(subject: str) -> dict[str, dict[str, str]]:
    """Return the messages of one subject by their names; a file is read when somebody asks for one of its own."""
    entry = resources.files(__name__).joinpath(f"{subject}.toml")
    found: dict[str, dict[str, str]] = tomllib.loads(entry.read_text(encoding="utf-8")) if entry.is_file() else {}
    return found


@dataclass(frozen=True)
class Message:
    """A key of the catalogue with the values that fill it.

    Examples
    --------
    >>> Message("word.minutes", {"n": 15}).text("en")
    '15 min'
    """

    key: str
    values: Mapping[str, Any] = field(default_factory=dict)

    def text(self, lang: Lang = DEFAULT_LANG) -> str:
        """Return the message in one language; raise KeyError for an unknown key."""
        shown = {name: value.text(lang) if isinstance(value, Message) else value for name, value in self.values.items()}
        subject, _, name = self.key.partition(".")
        return _catalogue(subject)[name][lang].format_map(shown)

    def __str__(self) -> str:
        return self.text()


def text(key: str, lang: Lang = DEFAULT_LANG, **values: object) -> str:
    """Return one message of the catalogue, filled.

    Examples
    --------
    >>> text("word.minutes", "zh", n=15)
    '15分钟'
    """
    return Message(key, values).text(lang)


def cure(message: Message) -> Message | None:
    """Return what would mend at the source what a message says; None where there is nothing to mend.

    Examples
    --------
    >>> cure(Message("layers.no_coordinates")).text("en"), cure(Message("layers.empty_row"))
    ('Add them', None)
    """
    name = message.key.replace(".", "_")
    return Message(f"mend.{name}", message.values) if name in _catalogue("mend") else None


def subject(name: str, lang: Lang = DEFAULT_LANG) -> dict[str, str]:
    """Return all messages of one file of the catalogue, unfilled, by name."""
    return {key: texts[lang] for key, texts in _catalogue(name).items()}


def keys() -> list[str]:
    """Return every key of the catalogue, `<file>.<name>`."""
    files = sorted(entry.name for entry in resources.files(__name__).iterdir() if entry.name.endswith(".toml"))
    subjects = [name.removesuffix(".toml") for name in files]
    return [f"{subject}.{name}" for subject in subjects for name in _catalogue(subject)]


def row_list(rows: Sequence[int], lang: Lang = DEFAULT_LANG) -> str:
    """Return row numbers for people: the first few, then how many more.

    Examples
    --------
    >>> row_list([3, 5], "en")
    'rows 3, 5'
    """
    shown = text("word.comma", lang).join(str(row) for row in rows[:ROWS_SHOWN])
    if len(rows) > ROWS_SHOWN:
        return text("word.rows_more", lang, rows=shown, total=len(rows))
    return text("word.rows", lang, rows=shown)
