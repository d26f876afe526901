"""Which rows do `coverage.csv`, `coverage_standards.csv`, `gaps.csv`, `comparison.csv` hold: the contract's columns as text."""

from __future__ import annotations

import csv
from functools import partial
from typing import TYPE_CHECKING, Any

import pandas as pd

from geo import schema
from geo.reports import cells

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from geo.messages import Lang
    from geo.results import Results

_DEGREES = partial(cells.rounded, decimals=cells.DEGREE_DECIMALS)
_NUMBERS: dict[str, Callable[[object], str]] = {
    "limit_minutes": cells.rounded,
    "people": cells.rounded,
    "people_served": cells.rounded,
    "people_not_attached": cells.rounded,
    "minutes_to_nearest": cells.rounded,
    **dict.fromkeys(("people_before", "people_now", "minutes_before", "minutes_now"), cells.rounded),
    "rank": cells.rounded,
    "share": cells.share_of,
    "lon": _DEGREES,
    "lat": _DEGREES,
}


def write_coverage(results: Results, path: Path, *, lang: Lang) -> None:
    """Write `coverage.csv`: `schema.COVERAGE`, UTF-8 with BOM, CRLF; shares 0 to 1, `inf` and NaN empty."""
    _write(results.coverage, schema.COVERAGE, path, lang=lang)


def write_standards(results: Results, path: Path, *, lang: Lang) -> None:
    """Write `coverage_standards.csv`: `schema.COVERAGE_STANDARDS`, otherwise as :func:`write_coverage`."""
    columns = schema.COVERAGE_STANDARDS
    _write(
        results.standards if results.standards is not None else pd.DataFrame(columns=columns), columns, path, lang=lang
    )


def write_gaps(results: Results, path: Path, *, lang: Lang) -> None:
    """Write `gaps.csv`: `schema.GAPS`, UTF-8 with BOM, CRLF; minutes empty where nothing is within the horizon."""
    _write(results.gaps, schema.GAPS, path, lang=lang)


def write_comparison(table: pd.DataFrame, path: Path, *, lang: Lang) -> None:
    """Write `comparison.csv`: `schema.COMPARISON`, `comparable` and `grown` (1 or 0); states as codes."""
    marks = ("comparable", "grown")
    plain = table.assign(**{name: table[name].astype(int) for name in marks})
    _write(plain, (*schema.COMPARISON, *marks), path, lang=lang)


def _write(table: pd.DataFrame, columns: Sequence[str], path: Path, *, lang: Lang) -> None:
    texts = [_column(table[name], name, lang) for name in columns]
    with path.open("w", encoding="utf-8-sig", newline="") as target:
        writer = csv.writer(target, lineterminator="\r\n")
        writer.writerow(columns)
        writer.writerows(zip(*texts, strict=True))


def _column(values: pd.Series[Any], name: str, lang: Lang) -> list[str]:
    return cells.shown_of(values, _NUMBERS.get(name, lambda value: cells.inert(cells.text_of(value, lang))))
