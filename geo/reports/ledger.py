"""How the ledger of an analysis stands in `ledger.csv`: words and numbers as people read them."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from geo import ledger_file, messages, schema
from geo.reports import cells, wording

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    import pandas as pd

    from geo.messages import Lang
    from geo.results import Results

_DEGREES = partial(cells.rounded, decimals=cells.DEGREE_DECIMALS)
_NUMBERS: dict[str, Callable[[object], str]] = {
    "people": cells.rounded,
    "minutes": cells.rounded,
    "lon": _DEGREES,
    "lat": _DEGREES,
}
STATES = ("state", "state_before")


def keep_ledger(results: Results, path: Path, *, lang: Lang) -> bool:
    """Carry `ledger.csv` on: entries of people as they are now, with what this analysis says of each gap.

    Returns
    -------
    Whether the file changed; it does not where nothing new is said.

    Raises
    ------
    InputFaultsError
        When the file cannot be read or written; it is left as it is.
    """
    if results.ledger is None:
        return False
    file = ledger_file.read(path, lang=lang)
    table = results.ledger[results.ledger["period"] == results.study.head.period]
    table = table[~table["gap_id"].isin(file.broken_ids)]
    return ledger_file.keep(file, ledger_file.carried_on(file, _rows(table, results, file.lang)))


def _rows(table: pd.DataFrame, results: Results, lang: Lang) -> list[dict[str, str]]:
    """Return the rows of this period as text, in the language of the file."""
    columns = {name: _texts(table[name].tolist(), name, results, lang) for name in schema.LEDGER}
    return [dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True)]


def _texts(values: list[object], name: str, results: Results, lang: Lang) -> list[str]:
    if name in _NUMBERS:
        return [_NUMBERS[name](value) for value in values]
    if name == "service":
        values = [wording.service(str(code), results, lang) for code in values]
    if name in STATES:
        values = [state_name(str(code), lang) for code in values]
    return [cells.inert(cells.text_of(value, lang)) for value in values]


def word_of(name: str, text: str, lang: Lang) -> str:
    """Return an entry of the ledger as people read it: states by their words, all else as it was written."""
    return state_name(text, lang) if name in STATES else text


def state_name(code: str, lang: Lang) -> str:
    """Return what a state of a gap is called.

    Examples
    --------
    >>> state_name("closing", "zh"), state_name("", "zh")
    ('销号建议', '')
    """
    return messages.text(f"ledger.state_{code}", lang) if code in schema.COMPARISON_STATES else ""
