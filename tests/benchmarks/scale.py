"""The same questions on ever larger networks: the city tiled up to 4·10⁶ nodes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from . import nearest, polygons
from .setting import City, Services
from .table import Row, Target
from .tiling import tiled
from .timing import alternate, clock

if TYPE_CHECKING:
    from .setting import Setting

_SIZES = (2, 4, 8)


def rows(setting: Setting) -> list[Row]:
    """Return one isochrone and the nearest of 1,000 services on 2×2, 4×4 and 8×8 tiles."""
    small, found = setting.city, []
    sizes = _SIZES[: setting.some(len(_SIZES), 1)]
    for times in sizes:
        made: list[City] = []
        seconds = clock(lambda times=times, made=made: made.append(_tiled(small, times)))  # type: ignore[misc]
        large, last = made[0], times == _SIZES[-1]
        setting.say(f"{large.name}: {large.size}, made in {seconds:.0f} s")
        found.append(_isochrone(setting, small, large).wants(Target("within", 1.5) if last else None))
        beside = nearest.beside(setting, large, ("pandana", "scipy plain"), (1000,))[1000]
        found += [row.wants(Target("faster", 20.0) if last and row.peer == "pandana" else None) for row in beside]
    return found


def _tiled(small: City, times: int) -> City:
    return City(f"{small.name} {times} × {times}", tiled(small.net, times))


def _isochrone(setting: Setting, small: City, large: City) -> Row:
    """One service at the same place, the first tile of the large network being the small one."""
    service = small.services(1)
    sides = {name: polygons.ours(Services(city, service.nodes)) for name, city in (("small", small), ("large", large))}
    timed = alternate(sides, repeats=setting.repeats)
    note = (
        f"{large.name}: copies side by side, one street from each tile to each neighbour; the first call, with what is "
        f"done once a network, took {timed['large'].first:.2f} s on {large.size}, {timed['small'].first:.2f} s on "
        f"{small.size}"
    )
    work = f"one service's 5/10/15-minute polygons, {large.size}"
    return Row(work, f"ours, {small.size}", timed["large"].median, timed["small"].median, notes=(note,))
