"""The drawing of a study's minutes: surfaces, isochrones, their simplified form, and how far they err.

The cell is halved until the drawn polygons misplace fewer people than wished (0.5 %).
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

from geo import schema, snapping, surfaces, units
from geo.coverage import minutes_column
from geo.travel_times import Reach, minutes_at, reach

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from numpy.typing import NDArray

    from geo.catalogue import Ring, ServiceType
    from geo.grid import Surface
    from geo.network import Network

UNIFORM_POINTS = 20_000
MOST_CELLS = 4_000_000
MARGIN_M = 1500.0
_SEED = 0


class Zones(NamedTuple):
    """What zones are drawn from: networks, links of services and people by mode, barriers, cap."""

    networks: Mapping[str, Network]
    served: Mapping[str, pd.DataFrame]
    linked: Mapping[str, pd.DataFrame]
    fence: snapping.Fence | None
    cap_m: float


@dataclass(frozen=True, eq=False)
class Drawn:
    """Surfaces and polygons of all services, with their error.

    Attributes
    ----------
    cell_m
        Side of the cells.
    surfaces
        By (service, mode).
    isochrones, drawing
        `schema.ISOCHRONES`, exact and as the map draws them.
    misplaced
        (service, mode) → share of attached people whose side of the drawn polygon is wrong.
    misplaced_uniform
        The same for uniform random points within the cap.
    """

    cell_m: float
    surfaces: Mapping[tuple[str, str], Surface]
    isochrones: gpd.GeoDataFrame
    drawing: gpd.GeoDataFrame
    misplaced: Mapping[tuple[str, str], float]
    misplaced_uniform: Mapping[tuple[str, str], float]


class _Ground(NamedTuple):
    """Cells and random points of one set of streets, linked."""

    cells: surfaces.Cells
    snapped: pd.DataFrame
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
    bounds = _bounds(people, points)
    cell_m = surfaces.CELL_M / 2.0
    while (
        cell_m < surfaces.CELL_M * 8 and (bounds[2] - bounds[0]) * (bounds[3] - bounds[1]) / cell_m**2 > MOST_CELLS * 2
    ):
        cell_m *= 2.0
    best = None
    while best is None or (_worst(best) >= surfaces.MISPLACED_WISHED and cell_m >= surfaces.FINEST_M):
        found = _drawn_at(
            base, services, people, points, cell_m=cell_m, bounds=bounds, combine=combine, progress=progress
        )
        best = found if best is None or _worst(found) < _worst(best) else best
        cell_m /= 2.0
    return best


def _worst(found: Drawn) -> float:
    return max(found.misplaced.values(), default=0.0)


def _bounds(people: gpd.GeoDataFrame, points: gpd.GeoDataFrame) -> tuple[float, float, float, float]:
    west, south, east, north = shapely.total_bounds(
        np.concatenate([people.geometry.to_numpy(), points.geometry.to_numpy()])
    )
    return west - MARGIN_M, south - MARGIN_M, east + MARGIN_M, north + MARGIN_M


def _ground(base: Zones, net: Network, cell_m: float, bounds: tuple[float, float, float, float]) -> _Ground:
    cells = surfaces.near_streets(net, cell_m, cap_m=base.cap_m, within_m=bounds)
    west, south, east, north = bounds
    draws = np.random.default_rng(_SEED).random((UNIFORM_POINTS, 2))
    random = shapely.points(west + draws[:, 0] * (east - west), south + draws[:, 1] * (north - south))
    return _Ground(
        cells,
        snapping.snap_xy(net, cells.xy, cap_m=base.cap_m, barriers=base.fence),
        random,
        snapping.snap(net, random, cap_m=base.cap_m, barriers=base.fence),
    )


def _drawn_at(
    base: Zones,
    services: Sequence[ServiceType],
    people: gpd.GeoDataFrame,
    points: gpd.GeoDataFrame,
    *,
    cell_m: float,
    bounds: tuple[float, float, float, float],
    combine: str,
    progress: Callable[[float], None],
) -> Drawn:
    rings = [(service, number) for service in services for number in range(len(service.rings))]
    modes = dict.fromkeys(service.rings[number].mode for service, number in rings)
    # Modes with the same access use the same streets: their cells are linked once.
    by_access: dict[str, Network] = {base.networks[mode].mode.access: base.networks[mode] for mode in modes}
    grounds = {access: _ground(base, net, cell_m, bounds) for access, net in by_access.items()}
    for mode in modes:
        base.networks[mode].warm()

    def of_ring(ring: tuple[ServiceType, int]) -> _Zone:
        return _zone(base, grounds, people, points, *ring, combine=combine)

    zones: dict[tuple[str, str], _Zone] = {}
    # Rings do not depend on one another, and the work is in libraries that let other threads run.
    with ThreadPoolExecutor() as pool:
        for (service, number), zone in zip(rings, pool.map(of_ring, rings), strict=True):
            zones[service.code, service.rings[number].mode] = zone
            progress(len(zones) / len(rings))
    isochrones = _table([row for zone in zones.values() for row in zone.rows], people)
    drawing = isochrones[isochrones["combine"] == "dissolve"].reset_index(drop=True)
    drawing = drawing.set_geometry(gpd.GeoSeries(surfaces.drawn(drawing.geometry.to_numpy()), crs=people.crs))
    return Drawn(
        cell_m,
        {key: zone.field for key, zone in zones.items()},
        isochrones,
        drawing,
        {key: zone.misplaced for key, zone in zones.items()},
        {key: zone.misplaced_uniform for key, zone in zones.items()},
    )


def _zone(
    base: Zones,
    grounds: Mapping[str, _Ground],
    people: gpd.GeoDataFrame,
    points: gpd.GeoDataFrame,
    service: ServiceType,
    number: int,
    *,
    combine: str,
) -> _Zone:
    """Return the surface and polygons of one ring, and how far the drawn one errs."""
    ring = service.rings[number]
    net = base.networks[ring.mode]
    ground = grounds[net.mode.access]
    mine = ((points["type"] == service.code) & points["counted"]).to_numpy()
    theirs = base.served[ring.mode][mine].reset_index(drop=True)
    search = reach(net, theirs, limit=units.horizon(ring.limit), direction=service.direction)
    minutes, nearest = minutes_at(search, ground.snapped)
    field = surfaces.surface(ground.cells, minutes, ground.snapped["snap_status"].to_numpy())
    bands, kmh = service.bands_of(number), net.mode.access_kmh
    ask = _asker(base, search)
    shapes = [surfaces.isochrone(field, limit, access_kmh=kmh, minutes_at=ask) for limit in bands]
    rows = [_row(service, ring, limit, None, "dissolve", shape) for limit, shape in zip(bands, shapes, strict=True)]
    if combine != "dissolve":
        ids = points["id"].to_numpy()[mine]
        rows += _single(base, service, ring, bands, ids, ground, search, field, nearest, combine=combine)
    drawn = surfaces.drawn(np.array([shapes[-1]], dtype=object))[0]
    random_minutes = minutes_at(search, ground.random_snapped)[0]
    uniform = _uniform_share(drawn, ground, random_minutes, ring.limit)
    return _Zone(rows, field, _share(drawn, people, service, number, ring), uniform)


def _asker(
    base: Zones, search: Reach, *, facility: int | None = None
) -> Callable[[NDArray[np.float64]], NDArray[np.float64]]:
    """Return what gives the minutes of any places, by the same rule as those of people.

    With a facility: only where that one is the nearest, else `inf`.
    """

    def ask(xy: NDArray[np.float64]) -> NDArray[np.float64]:
        snapped = snapping.snap_xy(search.network, xy, cap_m=base.cap_m, barriers=base.fence)
        minutes, nearest = minutes_at(search, snapped)
        return minutes if facility is None else np.where(nearest == facility, minutes, np.inf)

    return ask


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


def _single(
    base: Zones,
    service: ServiceType,
    ring: Ring,
    bands: Sequence[float],
    ids: NDArray[np.object_],
    ground: _Ground,
    search: Reach,
    field: Surface,
    nearest: NDArray[np.int64],
    *,
    combine: str,
) -> list[dict[str, object]]:
    """Return the zones of single facilities: each by itself, or each where it is the nearest."""
    rows = []
    owner = np.full(field.grid.shape, -1, dtype=np.int64)
    owner.ravel()[ground.cells.number] = nearest
    kmh, status = search.network.mode.access_kmh, ground.snapped["snap_status"].to_numpy()
    for number, facility in enumerate(ids):
        if combine == "split":
            own, ask = surfaces.split(field, owner, number), _asker(base, search, facility=number)
        else:
            theirs = search.facilities.iloc[[number]].reset_index(drop=True)
            alone = reach(search.network, theirs, limit=search.horizon, direction=service.direction)
            own, ask = surfaces.surface(ground.cells, minutes_at(alone, ground.snapped)[0], status), _asker(base, alone)
        rows += [
            _row(
                service, ring, limit, facility, combine, surfaces.isochrone(own, limit, access_kmh=kmh, minutes_at=ask)
            )
            for limit in bands
        ]
    return rows


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
