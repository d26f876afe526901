"""Which names of townships are official in a county, and which official name a wrong one is nearest to.

Names are told, never corrected: a near name may be a misprint or a place in another county. The table
`data/towns.csv` holds the 57 townships of the counties 350505, 350525 and 350583 after the National Bureau of
Statistics' list of division codes of 2023; other counties are not checked.
"""

from __future__ import annotations

import csv
import difflib
from functools import cache
from importlib import resources
from typing import TYPE_CHECKING, Any, NamedTuple

from geo.catalogue import fold
from geo.layers.findings import called, near_ones, shown

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd
    from numpy.typing import NDArray

    from geo.layers.findings import Findings

COUNTY_DIGITS = 6
MOST_SHOWN = 3
ALIKE = 0.3
_SOUNDS_ALIKE = 0.7
_SAME_SOUND = 6  # steps in the order of GB 2312, whose first level is sorted by sound
_LEVEL_ONE = range(0xB0A1, 0xD7FA)


class Town(NamedTuple):
    """A township: its official name and its county."""

    name: str
    county_code: str
    county: str


@cache
def official() -> tuple[Town, ...]:
    """Return the official townships.

    Examples
    --------
    >>> len(official()), official()[0]
    (57, Town(name='山腰街道', county_code='350505', county='泉港区'))
    """
    table = resources.files("geo.data").joinpath("towns.csv").read_text(encoding="utf-8")
    rows = csv.DictReader(table.splitlines())
    return tuple(Town(row["name"], row["county_code"], row["county"]) for row in rows)


def of_county(code: str | None) -> tuple[Town, ...]:
    """Return the townships of a county, or of those of a city or province (00 at the end); none where they are not known.

    Examples
    --------
    >>> len(of_county("350525")), len(of_county("350525100")), len(of_county("350500")), of_county("110101"), of_county(None)
    (22, 22, 57, (), ())
    """
    start = (code or "").strip()[:COUNTY_DIGITS]
    while start.endswith("00"):
        start = start[:-2]
    return tuple(town for town in official() if start and town.county_code.startswith(start))


def nearest(name: str, towns: tuple[Town, ...]) -> list[str]:
    """Return the official names that look or sound most like a wrong one, best first; at most three.

    Examples
    --------
    >>> nearest("英林街道", of_county("350583"))[0], nearest("桃城", of_county("350525"))[0]
    ('美林街道', '桃城镇')
    >>> "仑苍镇" in nearest("仓桥镇", of_county("350583"))
    True
    """
    wanted = fold(name)
    scored = [(_likeness(wanted, fold(town.name)), -number, town.name) for number, town in enumerate(towns)]
    return [found for score, _, found in sorted(scored, reverse=True) if score >= ALIKE][:MOST_SHOWN]


def _likeness(one: str, other: str) -> float:
    """Return the share of signs that two names have in common in the same order; like-sounding ones count for less.

    What names of townships end with (镇, 乡, 街道) says little and counts only where the rest agrees somewhere.
    """
    stems = [_stem(name) for name in (one, other)]
    common = _common(*stems)
    if common == 0.0:
        return 0.0
    ends = difflib.SequenceMatcher(None, one[len(stems[0]) :], other[len(stems[1]) :]).ratio()
    return (2.0 * common / (len(stems[0]) + len(stems[1])) * 3.0 + ends) / 4.0


def _stem(name: str) -> str:
    for end in ("街道办事处", "街道", "镇", "乡"):
        if name.endswith(end) and len(name) > len(end):
            return name.removesuffix(end)
    return name


def _common(one: str, other: str) -> float:
    """Return the weight of the longest common subsequence of signs."""
    row = [0.0] * (len(other) + 1)
    for sign in one:
        before = row
        row = [0.0]
        for place, against in enumerate(other):
            weight = before[place] + _alike(sign, against)
            row.append(max(weight, before[place + 1], row[place]))
    return row[-1]


def _alike(one: str, other: str) -> float:
    """Return how much two signs are alike: 1 for the same, less for those that sound nearly the same, else 0."""
    if one == other:
        return 1.0
    places = [_place_by_sound(sign) for sign in (one, other)]
    known = [place for place in places if place is not None]
    return _SOUNDS_ALIKE if len(known) == len(places) and abs(known[0] - known[1]) <= _SAME_SOUND else 0.0


def _place_by_sound(sign: str) -> int | None:
    """Return where a common sign stands in GB 2312, whose first level is in the order of sounds."""
    try:
        high, low = sign.encode("gb2312")
    except (UnicodeEncodeError, ValueError):
        return None
    return (high - 0xB0) * 94 + low - 0xA1 if (high << 8) + low in _LEVEL_ONE else None


def check(names: pd.Series[Any], findings: Findings, *, rows: NDArray[np.int64], code: str | None) -> None:
    """Note the rows whose township is not one of the county's official ones.

    Parameters
    ----------
    names
        Column `town`; empty cells are not looked at.
    findings
        Takes a doubtful line a row, with the nearest official names.
    rows
        Source row of each.
    code
        The study's county code; without one nothing is checked. That names of a county are not known is told.
    """
    towns = of_county(code)
    if not towns:
        named = [name for name in map(str, names.tolist()) if fold(name)]
        if code and named:
            findings.tell("towns_unknown", given=shown(code), n=len(named))
        return
    good = {fold(town.name) for town in towns}
    elsewhere = {fold(town.name): town.county for town in official()}
    near = cache(lambda name: near_ones(nearest(name, towns)))
    for row, name in zip(rows.tolist(), map(str, names.tolist()), strict=True):
        plain = fold(name)
        if not plain or plain in good:
            continue
        if plain in elsewhere:
            findings.row(
                row,
                "doubtful",
                "town_elsewhere",
                given=shown(name),
                found=elsewhere[plain],
                near=near(name),
                column=called("town"),
            )
        else:
            findings.row(row, "doubtful", "unknown_town", given=shown(name), near=near(name), column=called("town"))
