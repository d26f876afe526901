"""5/10/15-minute polygons of services: finished geometries."""

from __future__ import annotations

from contextlib import ExitStack
from typing import TYPE_CHECKING, Any

import geo

from . import graphs, recipes, valhalla
from .cache import UnavailableError
from .setting import BANDS, SPEED_KMH
from .table import Row, Target
from .timing import alternate

if TYPE_CHECKING:
    from collections.abc import Callable

    from .setting import City, Services, Setting

FINE_M = 12.5
FINE, DEFAULT = "12.5 m cells", "default cell"
_FEW = 8
_TARGETS = {
    (FINE, "Valhalla"): Target("within", 1.0),
    (DEFAULT, "Valhalla"): Target("within", 3.0),
    (FINE, "osmnx recipe, buffered edges"): Target("faster", 100.0),
    (FINE, "scipy + shapely, edges buffered and united"): Target("faster", 15.0),
}


def ours(services: Services, cell_m: float | None = None) -> Callable[[], object]:
    """Return the public call for all services at once; None takes its own cell."""
    options: dict[str, Any] = {} if cell_m is None else {"cell_m": cell_m}
    return lambda: geo.isochrones(services.city.net, services.table, minutes=BANDS, combine="each", **options)


def rows(setting: Setting) -> list[Row]:
    """Return the lines of all peers, at random places and in the centre."""
    found = []
    for where, central in (("random places", False), ("centre", True)):
        services = setting.city.services(setting.some(100, 20), central=central)
        found += _beside(setting, services, where)
    return found


def _beside(setting: Setting, services: Services, where: str) -> list[Row]:
    """Return the lines of one set of services: all sides in one run, each figure one service's."""
    few, count = services.here[:_FEW].tolist(), len(services.nodes)
    sides: dict[str, Callable[[], object]] = {FINE: ours(services, FINE_M), DEFAULT: ours(services)}
    many = dict.fromkeys(sides, count)
    notes: dict[str, str] = {}
    with ExitStack() as stack:
        try:
            for name, call, note in _valhalla(services, stack):
                sides[name], many[name], notes[name] = call, count, note
        except UnavailableError as error:
            setting.skip(f"Valhalla, polygons, {where}", error)
        for name, make in RECIPES.items():
            try:
                recipe = make(services.city)
            except UnavailableError as error:
                setting.skip(f"{name}, polygons, {where}", error)
                continue
            sides[name] = lambda recipe=recipe: [recipe(node) for node in few]  # type: ignore[misc]
            many[name] = len(few)
            notes[name] = (
                f"the recipes draw {len(few)} of the services, on the same streets, given as a graph in memory"
            )
        timed = {
            name: timing.per(many[name])
            for name, timing in alternate(
                sides, repeats=setting.repeats, slow=[*RECIPES], slow_repeats=setting.some(3, 1)
            ).items()
        }
    first = (
        f"first call of the process for {count} services, {where}, with what is done once a network: "
        f"{(timed[FINE].first or 0.0) * count:.2f} s"
    )
    found = []
    for peer, note in notes.items():
        for cell in (FINE, DEFAULT):
            target = _TARGETS.get((cell, peer.split(" ")[0])) or _TARGETS.get((cell, peer))
            if target is None and (cell, peer) != (FINE, peer):
                continue
            work = f"5/10/15-minute polygons, a service of {count}, {where}, {cell}"
            said = (note, first)
            found.append(Row(work, peer, timed[cell].median, timed[peer].median, target, notes=said))
    return found


def _valhalla(services: Services, stack: ExitStack) -> list[tuple[str, Callable[[], object], str]]:
    """Return both ways of asking Valhalla: one connection, and one for each of two workers."""
    pbf, found = services.city.pbf, []
    if pbf is None:
        msg = "its tiles need a PBF"
        raise UnavailableError(msg)
    asked = [valhalla.isochrone(at, BANDS, SPEED_KMH) for at in services.lonlat]
    for workers in (1, 2):
        service = stack.enter_context(valhalla.Service(pbf, workers=workers))
        note = (
            "Valhalla over HTTP on 127.0.0.1, connections kept alive, its own cells (about 111 m); its tiles are "
            "built before, its answers are not parsed, nothing is subtracted (an empty request takes "
            f"{service.roundtrip() * 1e3:.1f} ms at best)"
        )
        found.append(
            (
                f"Valhalla {valhalla.VERSION}, {workers} connection{'s' * (workers > 1)}",
                lambda service=service: service.ask_all("isochrone", asked),
                note if workers == 1 else found[0][2],
            )
        )
    return found


def _buffers(city: City) -> Callable[[int], object]:
    graph = graphs.osmnx_graph(city.arcs, city.net)
    return lambda node: recipes.osmnx_buffers(graph, node, BANDS)


def _hulls(city: City) -> Callable[[int], object]:
    graph = graphs.osmnx_graph(city.arcs, city.net)
    return lambda node: recipes.osmnx_hull(graph, node, BANDS)


def united(city: City) -> Callable[[int], object]:
    """Return the quick way to buffered edges."""
    matrix, lines = city.graph(graphs.scipy_matrix), city.net.lines
    return lambda node: recipes.shapely_buffers(matrix, city.arcs, lines, node, BANDS)


def _concave(city: City) -> Callable[[int], object]:
    matrix = city.graph(graphs.scipy_matrix)
    return lambda node: recipes.concave_hulls(matrix, city.arcs, node, BANDS)


RECIPES: dict[str, Callable[[City], Callable[[int], object]]] = {
    "osmnx recipe, buffered edges": _buffers,
    "osmnx recipe, convex hull": _hulls,
    "scipy + shapely, edges buffered and united": united,
    "scipy + shapely, concave hull": _concave,
}
