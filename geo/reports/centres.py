"""Which of the six functions (养 育 医 食 乐 事) does each neighbourhood centre have, and which does it lack? By what stands there."""

from __future__ import annotations

import csv
from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import TYPE_CHECKING

import shapely

from geo.layers import headers
from geo.reports import cells, places, wording

if TYPE_CHECKING:
    import geopandas as gpd

    from geo.reports.edition import Edition

CENTRE = "neighborhood_center"
FUNCTIONS = ("elders", "children", "health", "food", "leisure", "affairs")
SAME_PLACE_M = 50.0
# What a layer's own column may say of a centre, besides the names of services.
_SAID = {"elders": "养", "children": "育", "health": "医", "food": "食", "leisure": "乐", "affairs": "事"}
_BROUGHT = ("功能", "服务功能", "六大功能", "functions")


@dataclass(frozen=True)
class Centre:
    """A neighbourhood centre that works, and by which services it has each function ("" by its own word)."""

    id: str
    name: str
    unit: str
    districts: str
    has: dict[str, list[str]]

    @property
    def lacks(self) -> list[str]:
        """The functions that it has not."""
        return [function for function in FUNCTIONS if function not in self.has]


@cache
def services_of() -> dict[str, tuple[str, ...]]:
    """Return service → the functions that it gives to a centre (our own default; no text defines them by service).

    Examples
    --------
    >>> services_of()["canteen_elder"]
    ('elders', 'food')
    """
    text = resources.files("geo.data").joinpath("centre_functions.csv").read_text(encoding="utf-8")
    found: dict[str, tuple[str, ...]] = {}
    for row in csv.DictReader(text.splitlines()):
        found[row["service"]] = (*found.get(row["service"], ()), row["function"])
    return found


def centres(edition: Edition) -> list[Centre]:
    """Return the centres that count: a service in the same venue, or within 50 m, gives its function."""
    return edition.once("centres", lambda: _centres(edition))


def _centres(edition: Edition) -> list[Centre]:
    points = edition.results.service_points
    mine = points[(points["type"] == CENTRE) & points["counted"]]
    others = points[
        (points["state"] == "working") & points["type"].isin(services_of()) & ~points["mobile"].astype(bool)
    ]
    units = places.of_units(edition)
    said = _said(mine)
    found = []
    for at, (row, shape) in enumerate(zip(mine.to_dict("records"), mine.geometry, strict=True)):
        unit = next((units[code] for name in ("unit_community", "unit_park") if (code := row.get(name)) in units), {})
        found.append(
            Centre(
                cells.text_of(row["id"], edition.lang),
                cells.text_of(row["name"], edition.lang),
                unit.get("name", ""),
                unit.get("districts", ""),
                _functions(edition, row, shape, others, said[at]),
            )
        )
    return found


def _said(mine: gpd.GeoDataFrame) -> list[str]:
    """Return what the layer's own column says of each centre's functions."""
    by_header = {headers.plain(column): column for column in mine.columns}
    column = next((by_header[name] for name in map(headers.plain, _BROUGHT) if name in by_header), None)
    return [""] * len(mine) if column is None else mine[column].fillna("").astype(str).tolist()


def _functions(
    edition: Edition, row: dict[str, object], shape: shapely.Point | None, others: gpd.GeoDataFrame, said: str
) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {function: [] for function, word in _SAID.items() if word in said}
    near = (others["venue"] == row["venue"]) & (others["venue"] != "")
    if shape is not None:
        near |= shapely.dwithin(others.geometry.to_numpy(), shape, SAME_PLACE_M)
    for kind in dict.fromkeys(others.loc[near, "type"].tolist()):
        for function in services_of()[kind]:
            found.setdefault(function, []).append(wording.service(kind, edition.results, edition.lang))
    return {function: found[function] for function in FUNCTIONS if function in found}
