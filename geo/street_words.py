"""What the words in the columns of a street table mean: directions, levels, whether a street is built."""

from __future__ import annotations

import csv
import unicodedata
from functools import cache
from importlib import resources
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

MOST_LEVELS = 9  # larger numbers are heights, not levels
_MOST_OF = 0.5


def fold(text: str) -> str:
    """Return a word as it is compared: NFKC, without spaces and case.

    Examples
    --------
    >>> fold("Ｆ "), fold("under Construction")
    ('f', 'underconstruction')
    """
    return "".join(unicodedata.normalize("NFKC", text).split()).casefold()


@cache
def meaning(column: str) -> Mapping[str, str]:
    """Return word → what it means in a column: oneway, level or status; the table gives the reasons.

    Examples
    --------
    >>> meaning("oneway")["逆向"], meaning("level")["下穿"], meaning("status")["施工中"]
    ('-1', 'tunnel', 'construction')
    """
    lines = resources.files("geo.data").joinpath("street_words.csv").read_text(encoding="utf-8").splitlines()
    rows = [row for row in csv.DictReader(lines) if row["column"] == column]
    return {fold(word): row["means"] for row in rows for word in row["words"].split(";")}


def fits(column: str, texts: Iterable[str]) -> bool:
    """Say whether at least half of the texts that are filled mean something in a column: oneway or level.

    A column of CAD layers or of compass directions bears the same header.

    Examples
    --------
    >>> fits("oneway", ["双向", "", "顺向"]), fits("oneway", ["东西", "南北"]), fits("level", ["1", "道路中心线", "注记"])
    (True, False, False)
    """
    known = meaning(column)
    words = [word for text in texts if (word := fold(text))]
    good = sum(word in known or (column == "level" and _is_level(word)) for word in words)
    return not words or good >= _MOST_OF * len(words)


def _is_level(word: str) -> bool:
    try:
        return abs(float(word)) <= MOST_LEVELS
    except ValueError:
        return False
