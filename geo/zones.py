"""The drawing of a study's minutes: surfaces, isochrones, their simplified form, and how far they err.

The cell of a ring is halved until its drawn polygon misplaces fewer people than wished (0.5 %).
"""

from __future__ import annotations

import ctypes
import os
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, NamedTuple

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

from geo import catchments, prepared, schema, snapping, surfaces, units
from geo.cells import CellLinks
from geo.coverage import minutes_column
from geo.travel_times import minutes_at, reach

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from numpy.typing import NDArray

    from geo.barriers import Fence
    from geo.catalogue import Ring, ServiceType
    from geo.grid import Surface
    from geo.network import Network
    from geo.tiles import Box

    Key = tuple[str, str]

UNIFORM_POINTS = 20_000
MOST_CELLS = 8_000_000
COARSEST_M = 100.0
MARGIN_M = 1500.0
_SEED = 0


class Zones(NamedTuple):
    """What zones are drawn from: networks, links of services and people by mode, barriers, cap."""

    networks: Mapping[str, Network]
    served: Mapping[str, pd.DataFrame]
    linked: Mapping[str, pd.DataFrame]
    fence: Fence | None
    cap_m: float


@dataclass(frozen=True, eq=False)
class Drawn:
    """Surfaces and polygons of all services, with their error.

    Attributes
    ----------
    cell_m
        By (service, mode): side of the cells.
    surfaces
        By (service, mode).
    isochrones, drawing
        `schema.ISOCHRONES`, exact and as the map draws them.
    misplaced
        (service, mode) → share of attached people whose side of the drawn polygon is wrong.
    misplaced_uniform
        The same for uniform random points within the cap.
    """

    cell_m: Mapping[Key, float]
    surfaces: Mapping[Key, Surface]
    isochrones: gpd.GeoDataFrame
    drawing: gpd.GeoDataFrame
    misplaced: Mapping[Key, float]
    misplaced_uniform: Mapping[Key, float]


class _Ground(NamedTuple):
    """Cells and random points of one set of streets, linked."""

    links: CellLinks
    random: NDArray[np.object_]
    random_snapped: pd.DataFrame


class _Zone(NamedTuple):
    """Rows of isochrones, surface and errors of one ring."""

    rows: list[dict[str, object]]
    field: Surface
    misplaced: float
    misplaced_uniform: float


def draw(
    base: Zones,
    services: Sequence[ServiceType],
    people: gpd.GeoDataFrame,
    points: gpd.GeoDataFrame,
    *,
    combine: str = "dissolve",
    progress: Callable[[float], None] = lambda _: None,
) -> Drawn:
    """Return surfaces and polygons of every service and ring.

    Parameters
    ----------
    base
        What to draw from.
    services
        Types measured in minutes.
    people
        Demand with minutes.
    points
        Service points; only counted ones are drawn from.
    combine
        `each` or `split` adds the zones of single facilities to the dissolved ones.
    progress
        Told the share that is done.
    """
    rings = [(service, number) for service in services for number in range(len(service.rings))]
    bounds = extent(base, people, points)
    cell_m = first_cell_m(bounds)
    best: dict[Key, _Zone] = {}
    left = rings
    while left and cell_m >= surfaces.FINEST_M:
        found = _drawn_at(base, left, people, points, cell_m=cell_m, bounds=bounds, combine=combine)
        better = {key: zone for key, zone in found.items() if key not in best or zone.misplaced < best[key].misplaced}
        best.update(better)
        # Only what errs too much is drawn anew, with finer cells.
        left = [ring for ring in left if found[_key(ring)].misplaced >= surfaces.MISPLACED_WISHED]
        progress(1.0 - len(left) / max(len(rings), 1))
        cell_m /= 2.0
    return _together([best[_key(ring)] for ring in rings], rings, people)


def _key(ring: tuple[ServiceType, int]) -> Key:
    service, number = ring
    return service.code, service.rings[number].mode


def _together(zones: list[_Zone], rings: Sequence[tuple[ServiceType, int]], people: gpd.GeoDataFrame) -> Drawn:
    isochrones = _table([row for zone in zones for row in zone.rows], people)
    drawing = isochrones[isochrones["combine"] == "dissolve"].reset_index(drop=True)
    drawing = drawing.set_geometry(gpd.GeoSeries(surfaces.drawn(drawing.geometry.to_numpy()), crs=people.crs))
    keys = [_key(ring) for ring in rings]
    return Drawn(
        dict(zip(keys, (zone.field.grid.cell_m for zone in zones), strict=True)),
        dict(zip(keys, (zone.field for zone in zones), strict=True)),
        isochrones,
        drawing,
        dict(zip(keys, (zone.misplaced for zone in zones), strict=True)),
        dict(zip(keys, (zone.misplaced_uniform for zone in zones), strict=True)),
    )


def first_cell_m(bounds: Box) -> float:
    """Return the side of the cells that a drawing begins with: the usual one, coarser where that were too many."""
    cell_m = surfaces.CELL_M
    while (bounds[2] - bounds[0]) * (bounds[3] - bounds[1]) / cell_m**2 > MOST_CELLS and cell_m < COARSEST_M:
        cell_m *= 2.0
    return cell_m


def extent(base: Zones, people: gpd.GeoDataFrame, points: gpd.GeoDataFrame) -> Box:
    """Return what is drawn: around people and services, as far as there are streets."""
    west, south, east, north = shapely.total_bounds(
        np.concatenate([people.geometry.to_numpy(), points.geometry.to_numpy()])
    )
    edges = np.array([net.bounds for net in base.networks.values()])
    least, most = edges[:, :2].min(axis=0) - base.cap_m, edges[:, 2:].max(axis=0) + base.cap_m
    return (
        float(max(west - MARGIN_M, least[0])),
        float(max(south - MARGIN_M, least[1])),
        float(min(east + MARGIN_M, most[0])),
        float(min(north + MARGIN_M, most[1])),
    )


def _grounds(base: Zones, modes: Iterable[str], cell_m: float, bounds: Box) -> dict[str, _Ground]:
    """Return cells and random points of modes that use the same streets: they are linked once."""
    west, south, east, north = bounds
    draws = np.random.default_rng(_SEED).random((UNIFORM_POINTS, 2))
    random = shapely.points(west + draws[:, 0] * (east - west), south + draws[:, 1] * (north - south))
    found: dict[str, _Ground] = {}
    for mode in modes:
        net = base.networks[mode]
        if found:
            shared = next(iter(found.values()))
            found[mode] = shared._replace(links=shared.links.for_mode(net))
            continue
        links = CellLinks(net, cell_m, cap_m=base.cap_m, barriers=base.fence)
        link_cells(links, bounds)
        found[mode] = _Ground(links, random, snapping.snap(net, random, cap_m=base.cap_m, barriers=base.fence))
    return found


def link_cells(links: CellLinks, bounds: Box) -> None:
    """Link the cells of a box, or take them over from an earlier run on the same streets and barriers."""
    net = links.network
    streets = (net.xy, net.offset, net.island, net.both_ways, net.ground_scale)
    walls = () if links.barriers is None else links.barriers.arrays
    key = prepared.key_of("cells", (*streets, *walls, links.cell_m, links.cap_m, *bounds))
    kept = prepared.load(key)
    if kept is not None:
        links.take(kept)
        links.link([bounds])
        return
    links.link([bounds])
    prepared.save(key, links.to_arrays())


def _drawn_at(
    base: Zones,
    rings: Sequence[tuple[ServiceType, int]],
    people: gpd.GeoDataFrame,
    points: gpd.GeoDataFrame,
    *,
    cell_m: float,
    bounds: Box,
    combine: str,
) -> dict[Key, _Zone]:
    """Return the zones of some rings at one cell size; streets that differ are taken one after the other."""
    found: dict[Key, _Zone] = {}
    for modes in _by_streets(base, rings):
        mine = [ring for ring in rings if _key(ring)[1] in modes]
        of_ring = partial(_zone, base, _grounds(base, modes, cell_m, bounds), people, points, bounds, combine)
        # Rings do not depend on one another, and the work is in libraries that let other threads run.
        with ThreadPoolExecutor(max_workers=os.cpu_count()) as pool:
            found |= dict(zip(map(_key, mine), pool.map(of_ring, mine), strict=True))
        del of_ring
        _give_back()
    return found


def _by_streets(base: Zones, rings: Sequence[tuple[ServiceType, int]]) -> list[list[str]]:
    """Return the modes of rings, those together that use the same streets."""
    found: list[list[str]] = []
    for mode in dict.fromkeys(_key(ring)[1] for ring in rings):
        net = base.networks[mode]
        same = next((modes for modes in found if base.networks[modes[0]].same_streets(net)), None)
        if same is None:
            found.append([mode])
        else:
            same.append(mode)
    return found


def _give_back() -> None:
    """Let the system have the memory that tables of cells took: glibc would keep hundreds of megabytes of it."""
    with suppress(AttributeError, OSError, TypeError):
        ctypes.CDLL(None).malloc_trim(0)


def _zone(
    base: Zones,
    grounds: Mapping[str, _Ground],
    people: gpd.GeoDataFrame,
    points: gpd.GeoDataFrame,
    bounds: Box,
    combine: str,
    which: tuple[ServiceType, int],
) -> _Zone:
    """Return the surface and polygons of one ring, and how far the drawn one errs."""
    service, number = which
    ring = service.rings[number]
    ground = grounds[ring.mode]
    theirs = working(base.served[ring.mode], points, service)
    search = reach(ground.links.network, theirs, limit=units.horizon(ring.limit), direction=service.direction)
    field, bands = catchments.field_of(ground.links, search, box=bounds), service.bands_of(number)
    shapes = surfaces.isochrones([field], bands)[0]
    rows = [_row(service, ring, limit, None, "dissolve", shape) for limit, shape in zip(bands, shapes, strict=True)]
    if combine != "dissolve":
        single = catchments.shapes(ground.links, theirs, bands, combine=combine, direction=service.direction)
        rows += [
            _row(service, ring, limit, facility, combine, shape)
            for facility, zones in zip(theirs["id"], single, strict=True)
            for limit, shape in zip(bands, zones, strict=True)
        ]
    drawn = surfaces.drawn(np.array([shapes[-1]], dtype=object))[0]
    random_minutes = minutes_at(search, ground.random_snapped)[0]
    uniform = _uniform_share(drawn, ground, random_minutes, ring.limit)
    return _Zone(rows, surfaces.surface(field, bounds), _share(drawn, people, service, number, ring), uniform)


def working(served: pd.DataFrame, points: gpd.GeoDataFrame, service: ServiceType) -> pd.DataFrame:
    """Return the snapped rows of the working facilities of one type, with their `id` and `delay_minutes`."""
    mine = ((points["type"] == service.code) & points["counted"]).to_numpy()
    own = {"id": points["id"].to_numpy()[mine], "delay_minutes": service.delay_minutes}
    return pd.DataFrame(served[mine]).assign(**own).reset_index(drop=True)


def _row(
    service: ServiceType, ring: Ring, limit: float, facility: str | None, combine: str, shape: shapely.Geometry
) -> dict[str, object]:
    return {
        "service": service.code,
        "mode": ring.mode,
        "limit_minutes": float(limit),
        "facility_id": facility,
        "combine": combine,
        "geometry": shape,
    }


def _share(polygon: shapely.Geometry, people: gpd.GeoDataFrame, service: ServiceType, number: int, ring: Ring) -> float:
    """Return the share of attached people of the service's groups who are on the wrong side."""
    mine = people["group"].isin(service.demand) & (people[f"snap_status_{ring.mode}"] == "ok")
    table = people[mine.to_numpy()]
    weight = table["people"].to_numpy(dtype=np.float64)
    if not weight.sum():
        return 0.0
    minutes = table[minutes_column(service, number)].to_numpy(dtype=np.float64)
    wrong = surfaces.misplaced_people(polygon, table.geometry.to_numpy(), minutes, weight, ring.limit)
    return wrong / float(weight.sum())


def _uniform_share(polygon: shapely.Geometry, ground: _Ground, minutes: NDArray[np.float64], limit: float) -> float:
    attached = (ground.random_snapped["snap_status"] == "ok").to_numpy()
    if not attached.any():
        return 0.0
    ones = np.ones(int(attached.sum()))
    return surfaces.misplaced_people(polygon, ground.random[attached], minutes[attached], ones, limit) / len(ones)


def _table(rows: list[dict[str, object]], people: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
    if not rows:
        empty: dict[str, list[object]] = {column: [] for column in schema.ISOCHRONES}
        return gpd.GeoDataFrame(empty, geometry="geometry", crs=people.crs)
    return gpd.GeoDataFrame(pd.DataFrame(rows), geometry="geometry", crs=people.crs)
