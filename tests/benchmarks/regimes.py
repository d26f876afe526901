"""The same three questions where streets are dense, few, cut by a river, or scattered over islands."""

from __future__ import annotations

from typing import TYPE_CHECKING

from . import nearest, pairs, polygons
from .setting import City
from .table import Row
from .timing import alternate
from .towns import REGIMES

if TYPE_CHECKING:
    from collections.abc import Callable

    from .setting import Setting

_PEERS = ("pandana", "networkx", "scipy plain")
_FEW = 5
_MANY = 20


def rows(setting: Setting, *, nodes: int | None = None) -> list[Row]:
    """Return the lines of each regime, on towns of about `nodes` nodes (10,000; 2,000 if quick)."""
    found = []
    for name, draw in REGIMES.items():
        city = City(name, draw(nodes or setting.some(10_000, 2_000)))
        setting.say(f"{name}: {city.size}")
        lines = [
            _polygons(setting, city),
            *nearest.beside(setting, city, _PEERS, (_MANY,))[_MANY],
            *pairs.beside(setting, city, _PEERS, count=_MANY),
        ]
        found += [row.at(name) for row in lines]
    return found


def _polygons(setting: Setting, city: City) -> Row:
    services = city.services(_MANY)
    draw, few = polygons.united(city), services.here[:_FEW].tolist()
    sides: dict[str, Callable[[], object]] = {
        "ours": polygons.ours(services),
        "theirs": lambda: [draw(node) for node in few],
    }
    timed = alternate(sides, repeats=setting.repeats)
    return Row(
        f"5/10/15-minute polygons, a service of {_MANY}, default cell, {city.size}",
        "scipy + shapely, edges buffered and united",
        timed["ours"].per(_MANY).median,
        timed["theirs"].per(_FEW).median,
    )
