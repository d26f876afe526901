"""People on the wrong side of each tool's 15-minute polygon: `python -m tests.benchmarks.misplaced`.

The residents of Porto Alegre's hexagons stand at random places within them. Wrong is who is inside
and has more than 15 minutes, or outside and has not. A tool's polygon is judged by the minutes of the
same tool where it has any: Valhalla by its matrix (which counts no way from the door to the street),
all others by ours.
"""

from __future__ import annotations

import json
import sys
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from scipy.spatial import cKDTree

import geo

from . import cache, graphs, places, recipes, valhalla
from .cache import UnavailableError
from .graphs import METRES_A_MINUTE
from .setting import LIMIT, SPEED_KMH, City, Services

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

SERVICES = 20
PLACES_A_HEXAGON = 20
SEED = 11
_NEAR_M = 1800.0  # nobody farther off is reached within 15 minutes, or lies in any of the polygons


@dataclass
class Town:
    """Streets, services, and people at places."""

    pbf: Path
    hexagons: Path

    @cached_property
    def city(self) -> City:
        return City("Porto Alegre", geo.read_streets(self.pbf, mode="walk"), self.pbf)

    @cached_property
    def services(self) -> Services:
        """Return services at nodes where people live: drawn by the residents around."""
        rng = np.random.default_rng(SEED)
        nodes = places.main_nodes(self.city.net)
        people = self._people[rng.choice(len(self._people), SERVICES, replace=False, p=self.weight / self.weight.sum())]
        return Services(self.city, np.unique(nodes[cKDTree(self.city.net.node_xy[nodes]).query(people)[1]]))

    @cached_property
    def _table(self) -> gpd.GeoDataFrame:
        table = pd.read_csv(self.hexagons)
        spots = gpd.points_from_xy(table["lon"], table["lat"], crs=4326)
        found = gpd.GeoDataFrame(table, geometry=spots).to_crs(self.city.net.crs)
        return found[found["population"] > 0]

    @cached_property
    def _people(self) -> NDArray[np.float64]:
        """(people's places, 2) metres, evenly in a disc of each hexagon's area."""
        rng = np.random.default_rng(SEED)
        centre = np.repeat(shapely.get_coordinates(self._table.geometry.to_numpy()), PLACES_A_HEXAGON, axis=0)
        apart = np.median(cKDTree(centre[::PLACES_A_HEXAGON]).query(centre[::PLACES_A_HEXAGON], k=2)[0][:, 1])
        radius = apart * np.sqrt(np.sqrt(3.0) / 2.0 / np.pi) * np.sqrt(rng.random(len(centre)))
        angle = rng.uniform(0.0, 2.0 * np.pi, len(centre))
        return centre + np.column_stack([radius * np.cos(angle), radius * np.sin(angle)])

    @property
    def xy(self) -> NDArray[np.float64]:
        return self._people

    @cached_property
    def weight(self) -> NDArray[np.float64]:
        """(places,) people at each."""
        return np.repeat(self._table["population"].to_numpy(dtype=np.float64), PLACES_A_HEXAGON) / PLACES_A_HEXAGON

    def near(self, service: int) -> NDArray[np.int64]:
        """Return the places around a service that may matter."""
        return np.flatnonzero(np.hypot(*(self.xy - self.services.xy[service]).T) <= _NEAR_M)


def our_minutes(town: Town) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    """Return (places, services) minutes, `inf` beyond 15, and which places are linked to a street."""
    people = places.table(town.city.net, town.xy)
    pairs = geo.minutes_matrix(town.city.net, people, town.services.table, limit=LIMIT)
    found = np.full((len(people), len(town.services.nodes)), np.inf)
    found[pairs["origin"], pairs["destination"]] = pairs["minutes"]
    linked = geo.nearest_minutes(town.city.net, people, town.services.table, limit=LIMIT)["snap_status"] == "ok"
    return found, linked.to_numpy()


def their_minutes(town: Town, service: valhalla.Service) -> NDArray[np.float64]:
    """Return (places, services) of Valhalla's own minutes, `inf` of those that are far."""
    found = np.full((len(town.xy), len(town.services.nodes)), np.inf)
    lonlat = places.degrees(town.city.net, town.xy)
    for row, place in enumerate(town.services.lonlat):
        near = town.near(row)
        body = valhalla.matrix(lonlat[near], place[None, :], SPEED_KMH)
        seconds = json.loads(service.ask("sources_to_targets", body))["sources_to_targets"]["durations"]
        found[near, row] = np.array(seconds, dtype=np.float64)[:, 0] / 60.0
    return np.nan_to_num(found, nan=np.inf, posinf=np.inf)


def _valhalla_polygons(town: Town, service: valhalla.Service, **options: float) -> list[shapely.Geometry]:
    found = []
    for place in town.services.lonlat:
        answer = json.loads(service.ask("isochrone", valhalla.isochrone(place, [LIMIT], SPEED_KMH, **options)))
        parts = [shapely.geometry.shape(feature["geometry"]) for feature in answer["features"]]
        found.append(shapely.make_valid(shapely.union_all(parts)))
    return list(gpd.GeoSeries(found, crs=4326).to_crs(town.city.net.crs))


def _ours(town: Town) -> list[shapely.Geometry]:
    return list(geo.isochrones(town.city.net, town.services.table, minutes=[LIMIT], combine="each").geometry)


def _recipe(town: Town, draw: Callable[[int], list[shapely.Geometry]]) -> list[shapely.Geometry]:
    return [draw(node)[0] for node in town.services.here.tolist()]


def drawings(town: Town) -> dict[str, list[shapely.Geometry]]:
    """Return the polygons of the tools that have no minutes of their own, and ours."""
    arcs, matrix = town.city.arcs, town.city.graph(graphs.scipy_matrix)
    lines, graph = town.city.net.lines, graphs.osmnx_graph(town.city.arcs, town.city.net)
    band = [LIMIT]
    return {
        "ours, default cell": _ours(town),
        "osmnx recipe, buffered edges": _recipe(town, lambda node: recipes.osmnx_buffers(graph, node, band)),
        "edges buffered by 25 m": _recipe(town, lambda node: recipes.shapely_buffers(matrix, arcs, lines, node, band)),
        "concave hull of the nodes": _recipe(town, lambda node: recipes.concave_hulls(matrix, arcs, node, band)),
        "convex hull of the nodes": _recipe(town, lambda node: recipes.convex_hulls(matrix, arcs, node, band)),
        f"circle of {LIMIT * METRES_A_MINUTE:,.0f} m": [
            recipes.circles(at, band, speed_kmh=SPEED_KMH)[0] for at in town.services.xy
        ],
    }


@dataclass(frozen=True)
class Share:
    """Wrongly placed people of one tool.

    Attributes
    ----------
    covered
        Share of those who are covered by the minutes, every service by itself.
    together
        Share of all linked residents, all services' polygons and minutes taken together.
    """

    covered: float
    together: float


def share(
    town: Town, polygons: Sequence[shapely.Geometry], minutes: NDArray[np.float64], linked: NDArray[np.bool_]
) -> Share:
    """Return the share of the people on the wrong side."""
    inside = np.column_stack([shapely.contains_xy(shape, town.xy[:, 0], town.xy[:, 1]) for shape in polygons])
    within = minutes <= LIMIT
    people = np.where(linked, town.weight, 0.0)
    wrong = float(people @ (inside != within).sum(axis=1))
    together = float(people[inside.any(axis=1) != within.any(axis=1)].sum())
    return Share(wrong / float(people @ within.sum(axis=1)), together / float(people.sum()))


def page() -> str:
    """Return what is found, as Markdown."""
    town = Town(cache.shared("portoalegre/poa_osm.pbf"), cache.shared("portoalegre/poa_hexgrid.csv"))
    mine, linked = our_minutes(town)
    rows: list[tuple[str, str, Share]] = [
        (name, "ours", share(town, polygons, mine, linked)) for name, polygons in drawings(town).items()
    ]
    skipped = ""
    try:
        rows += _of_valhalla(town, mine, linked)
    except UnavailableError as error:
        skipped = f"\n- Valhalla: skipped: {error}"
    people = (
        f"- Porto Alegre, {len(town.services.nodes)} services at nodes where people live, {town.weight.sum():,.0f} "
        f"residents at {len(town.xy):,} random places in their hexagons; those that ours links to no street are left "
        f"out ({1.0 - town.weight[linked].sum() / town.weight.sum():.2%})"
    )
    lines = [
        "| 15-minute polygons | judged by the minutes of | wrong, of all residents | wrong, of those covered, singly |",
        "| --- | --- | ---: | ---: |",
    ]
    lines += [f"| {name} | {judge} | {one.together:.2%} | {one.covered:.2%} |" for name, judge, one in rows]
    return "\n".join([*lines, "", people]) + skipped


def _of_valhalla(town: Town, mine: NDArray[np.float64], linked: NDArray[np.bool_]) -> list[tuple[str, str, Share]]:
    rows: list[tuple[str, str, Share]] = []
    options: dict[str, dict[str, Any]] = {
        "Valhalla, as it comes": {},
        "Valhalla, every part kept, not simplified": {"denoise": 0.0, "generalize": 0.0},
    }
    with valhalla.Service(town.pbf, algorithm="timedistancematrix") as service:
        own = their_minutes(town, service)
        for name, some in options.items():
            polygons = _valhalla_polygons(town, service, **some)
            rows += [
                (name, "Valhalla", share(town, polygons, own, linked)),
                (name, "ours", share(town, polygons, mine, linked)),
            ]
    return rows


if __name__ == "__main__":
    sys.stdout.write(page() + "\n")
