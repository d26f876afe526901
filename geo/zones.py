"""The drawing of a study's minutes: surfaces, isochrones, their simplified form, and how far they err.

The cell of a ring is halved until its drawn polygon misplaces fewer people than wished (0.5 %).
"""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, NamedTuple

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

from geo import catchments, heap, prepared, schema, snapping, surfaces, units, zone_store
from geo.cells import CellLinks
from geo.coverage import minutes_column
from geo.grid import Grid, Surface
from geo.travel_times import minutes_at, reach
from geo.zone_store import Zone

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from numpy.typing import NDArray

    from geo.barriers import Fence
    from geo.catalogue import Ring, ServiceType
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


class _Job(NamedTuple):
    """One ring to draw, and all that its zone depends on.

    Attributes
    ----------
    service, number
        The type, and which of its rings.
    theirs
        Snapped rows of its working facilities.
    places, minutes, people
        (n,) attached demand points of its groups.
    """

    service: ServiceType
    number: int
    theirs: pd.DataFrame
    places: NDArray[np.object_]
    minutes: NDArray[np.float64]
    people: NDArray[np.float64]

    @property
    def ring(self) -> Ring:
        return self.service.rings[self.number]

    @property
    def key(self) -> Key:
        return self.service.code, self.ring.mode

    @property
    def bands(self) -> tuple[float, ...]:
        return self.service.bands_of(self.number)


class _Sheet(NamedTuple):
    """Where to draw, how finely, and what besides the zones of all facilities together."""

    cell_m: float
    bounds: Box
    combine: str


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
    jobs = [_job(base, service, number, people, points) for service in services for number in range(len(service.rings))]
    bounds = extent(base, people, points)
    cell_m = first_cell_m(bounds)
    best: dict[Key, tuple[float, Zone]] = {}
    left = jobs
    while left and cell_m >= surfaces.FINEST_M:
        found = _drawn_at(base, left, _Sheet(cell_m, bounds, combine))
        for key, zone in found.items():
            if key not in best or zone.misplaced < best[key][1].misplaced:
                best[key] = cell_m, zone
        # Only what errs too much is drawn anew, with finer cells.
        left = [job for job in left if found[job.key].misplaced >= surfaces.MISPLACED_WISHED]
        progress(1.0 - len(left) / max(len(jobs), 1))
        cell_m /= 2.0
    return _together(jobs, best, bounds, combine, people)


def _job(base: Zones, service: ServiceType, number: int, people: gpd.GeoDataFrame, points: gpd.GeoDataFrame) -> _Job:
    mode = service.rings[number].mode
    mine = (people["group"].isin(service.demand) & (people[f"snap_status_{mode}"] == "ok")).to_numpy()
    columns = (people[name].to_numpy(dtype=np.float64)[mine] for name in (minutes_column(service, number), "people"))
    theirs = working(base.served[mode], points, service)
    return _Job(service, number, theirs, people.geometry.to_numpy()[mine], *columns)


def _together(
    jobs: Sequence[_Job], best: Mapping[Key, tuple[float, Zone]], bounds: Box, combine: str, people: gpd.GeoDataFrame
) -> Drawn:
    isochrones = _table([row for job in jobs for row in _rows(job, best[job.key][1], combine)], people)
    drawing = isochrones[isochrones["combine"] == "dissolve"].reset_index(drop=True)
    drawing = drawing.set_geometry(gpd.GeoSeries(surfaces.drawn(drawing.geometry.to_numpy()), crs=people.crs))
    zones = {job.key: best[job.key] for job in jobs}
    return Drawn(
        {key: cell_m for key, (cell_m, _) in zones.items()},
        {key: Surface(Grid.over(bounds, cell_m), zone.minutes) for key, (cell_m, zone) in zones.items()},
        isochrones,
        drawing,
        {key: zone.misplaced for key, (_, zone) in zones.items()},
        {key: zone.misplaced_uniform for key, (_, zone) in zones.items()},
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
        heap.give_back()
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


def _drawn_at(base: Zones, jobs: Sequence[_Job], sheet: _Sheet) -> dict[Key, Zone]:
    """Return the zones of some rings at one cell size; what was drawn before from the same numbers is taken over."""
    names = _names(base, jobs, sheet)
    found = {key: zone for key, name in names.items() if (zone := zone_store.load(name)) is not None}
    left = [job for job in jobs if job.key not in found]
    # Streets that differ are taken one after the other.
    for modes in _by_streets(base, left):
        mine = [job for job in left if job.ring.mode in modes]
        of_job = partial(_zone, _grounds(base, modes, sheet.cell_m, sheet.bounds), sheet)
        # Rings do not depend on one another, and the work is in libraries that let other threads run.
        with ThreadPoolExecutor(max_workers=os.cpu_count()) as pool:
            found |= dict(zip((job.key for job in mine), pool.map(of_job, mine), strict=True))
        del of_job
        heap.give_back()
    for job in left:
        zone_store.save(names[job.key], found[job.key])
    return found


def _names(base: Zones, jobs: Sequence[_Job], sheet: _Sheet) -> dict[Key, str]:
    """Return under which name the zone of each ring is kept: by all that it is drawn from."""
    nets = {mode: base.networks[mode] for mode in dict.fromkeys(job.ring.mode for job in jobs)}
    streets = {mode: zone_store.streets_key(net, base.fence) for mode, net in nets.items()}
    found = {}
    for job in jobs:
        facilities = [
            column.to_numpy(dtype=None if column.dtype.kind in "fib" else np.str_) for _, column in job.theirs.items()
        ]
        people = shapely.get_coordinates(job.places), job.minutes, job.people
        asked = repr((base.cap_m, job.service.direction, job.ring.limit, job.bands, sheet))
        found[job.key] = zone_store.key_of((streets[job.ring.mode], asked, *facilities, *people))
    return found


def _by_streets(base: Zones, jobs: Sequence[_Job]) -> list[list[str]]:
    """Return the modes of rings, those together that use the same streets."""
    found: list[list[str]] = []
    for mode in dict.fromkeys(job.ring.mode for job in jobs):
        net = base.networks[mode]
        same = next((modes for modes in found if base.networks[modes[0]].same_streets(net)), None)
        if same is None:
            found.append([mode])
        else:
            same.append(mode)
    return found


def _zone(grounds: Mapping[str, _Ground], sheet: _Sheet, job: _Job) -> Zone:
    """Return the surface and polygons of one ring, and how far the drawn one errs."""
    ground, ring, direction = grounds[job.ring.mode], job.ring, job.service.direction
    search = reach(ground.links.network, job.theirs, limit=units.horizon(ring.limit), direction=direction)
    field = catchments.field_of(ground.links, search, box=sheet.bounds)
    shapes = surfaces.isochrones([field], job.bands)
    drawn = surfaces.drawn(shapes[0, -1:])[0]
    if sheet.combine != "dissolve":
        single = catchments.shapes(ground.links, job.theirs, job.bands, combine=sheet.combine, direction=direction)
        shapes = np.concatenate([shapes, single])
    random_minutes = minutes_at(search, ground.random_snapped)[0]
    return Zone(
        shapes.ravel(),
        surfaces.surface(field, sheet.bounds).minutes.astype(np.float32, copy=False),
        _share(drawn, job),
        _uniform_share(drawn, ground, random_minutes, ring.limit),
    )


def working(served: pd.DataFrame, points: gpd.GeoDataFrame, service: ServiceType) -> pd.DataFrame:
    """Return the snapped rows of the working facilities of one type, with their `id` and `delay_minutes`."""
    mine = ((points["type"] == service.code) & points["counted"]).to_numpy()
    own = {"id": points["id"].to_numpy()[mine], "delay_minutes": service.delay_minutes}
    return pd.DataFrame(served[mine]).assign(**own).reset_index(drop=True)


def _rows(job: _Job, zone: Zone, combine: str) -> list[dict[str, object]]:
    """Return the rows of isochrones of one ring: of all facilities together, then of single ones."""
    whose: list[tuple[str | None, str]] = [(None, "dissolve")]
    if combine != "dissolve":
        whose += [(facility, combine) for facility in job.theirs["id"]]
    asked = ((facility, how, limit) for facility, how in whose for limit in job.bands)
    return [
        {
            "service": job.service.code,
            "mode": job.ring.mode,
            "limit_minutes": float(limit),
            "facility_id": facility,
            "combine": how,
            "geometry": shape,
        }
        for (facility, how, limit), shape in zip(asked, zone.shapes, strict=True)
    ]


def _share(polygon: shapely.Geometry, job: _Job) -> float:
    """Return the share of attached people of the service's groups who are on the wrong side."""
    everyone = float(job.people.sum())
    if not everyone:
        return 0.0
    return surfaces.misplaced_people(polygon, job.places, job.minutes, job.people, job.ring.limit) / everyone


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
