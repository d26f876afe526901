"""Walking minutes of Porto Alegre, ours and Valhalla's, and why pairs differ: `python -m tests.benchmarks.agreement`.

Both walk at 4.5 km/h, without hills, and Valhalla by the shortest way (`shortest`), without its
preferences. Its seconds hold what no option takes away: up to 15 s for each street crossed. So its
metres at 4.5 km/h are compared first, its seconds beside them. Every pair that differs by more than 5 % is put
into a class by looking at both routes.
"""

from __future__ import annotations

import json
import sys
from collections import Counter
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import geopandas as gpd
import numpy as np
import shapely
from scipy.sparse import csgraph

import geo
from geo import crs, modes, network, schema, streets

from . import cache, graphs, places, valhalla
from .graphs import METRES_A_MINUTE
from .setting import SPEED_KMH, City, Services

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    from geo.network import Network

SIDE = 60
SEED = 5
APART = 0.05
_ALGORITHM = "timedistancematrix"  # the other one, costmatrix, misses the shortest way of some pairs
_NEVER = 100_000.0  # minutes: no limit
_LONLAT = (-51.2, -30.05)
_ITS_SPHERE_M = 6_378_160.187
_MOVED_M = 1.0
_AT_GATE_M = 0.5
_ITS_REACH = 50
_SHUT = ("no", "private")
_OFF_M = 5.0
_STEP_M = 5.0
_LEAST_M = 15.0
PLAIN = {"shortest": True}  # by metres alone: at one speed the shortest way is the quickest


@dataclass
class Town:
    """The town, its street pieces with their tags, and the places asked about."""

    pbf: Path
    sphere_m: float | None = None

    @cached_property
    def pieces(self) -> gpd.GeoDataFrame:
        return streets.read_osm(self.pbf, crs=crs.choose_metric(*_LONLAT), sphere_m=self.sphere_m)

    @cached_property
    def net(self) -> Network:
        return network.build(self.pieces, modes.BUILTIN["walk"])

    @cached_property
    def city(self) -> City:
        return City("Porto Alegre", self.net, self.pbf)

    @cached_property
    def ends(self) -> tuple[Services, Services]:
        nodes = places.random_nodes(self.net, 2 * SIDE, seed=SEED)
        return Services(self.city, nodes[:SIDE]), Services(self.city, nodes[SIDE:])

    def minutes(self) -> NDArray[np.float64]:
        """Return (60, 60) minutes by the public call."""
        origins, destinations = self.ends
        table = geo.minutes_matrix(self.net, origins.table, destinations.table, limit=_NEVER)
        found = np.full((SIDE, SIDE), np.inf)
        found[table["origin"], table["destination"]] = table["minutes"]
        return found


@dataclass(frozen=True)
class Theirs:
    """Valhalla's (60, 60) answers, minutes: its metres at 4.5 km/h, and its seconds."""

    by_metres: NDArray[np.float64]
    by_seconds: NDArray[np.float64]


def ask(service: valhalla.Service, origins: Services, destinations: Services) -> Theirs:
    """Return Valhalla's matrix; NaN where it finds none."""
    body = valhalla.matrix(origins.lonlat, destinations.lonlat, SPEED_KMH, **PLAIN)
    found = json.loads(service.ask("sources_to_targets", body))["sources_to_targets"]
    metres = np.array(found["distances"], dtype=np.float64) * 1000.0
    return Theirs(metres / METRES_A_MINUTE, np.array(found["durations"], dtype=np.float64) / 60.0)


def gates(town: Town) -> tuple[NDArray[np.object_], list[str]]:
    """Return the barriers on streets that let no walker pass, and their tags."""
    import osmium  # noqa: PLC0415 - only this step needs it

    spots, said = [], []
    nodes = osmium.FileProcessor(str(town.pbf), osmium.osm.NODE).with_filter(osmium.filter.KeyFilter("barrier"))
    for node in nodes:
        tags = {name: node.tags.get(name, "") for name in ("barrier", "access", "foot")}
        if tags["foot"] in _SHUT or (tags["access"] in _SHUT and not tags["foot"]):
            spots.append(shapely.Point(node.lon, node.lat))
            said.append(" ".join(f"{name}={value}" for name, value in tags.items() if value))
    return gpd.GeoSeries(spots, crs=4326).to_crs(town.net.crs).to_numpy(), said


class Routes:
    """Both routes of a pair, and what they go along."""

    def __init__(self, town: Town, service: valhalla.Service) -> None:
        self.town, self.service = town, service
        arcs = town.city.arcs
        self.before = csgraph.dijkstra(
            town.city.graph(graphs.scipy_matrix), indices=town.ends[0].here, return_predecessors=True
        )[1]
        self.edge_of = dict(zip(zip(arcs.tail.tolist(), arcs.head.tolist(), strict=True), arcs.edge, strict=True))
        self.usable = shapely.STRtree(town.net.lines)
        shut, self.gate_tags = gates(town)
        self.gates = shapely.STRtree(shut)
        self.all = shapely.STRtree(town.pieces.geometry.to_numpy())

    def ours(self, origin: int, destination: int) -> NDArray[np.int64]:
        """Return the edges of our route."""
        start, at = (int(some.here[row]) for some, row in zip(self.town.ends, (origin, destination), strict=True))
        found = []
        while at != start:
            previous = int(self.before[origin, at])
            found.append(self.edge_of[previous, at])
            at = previous
        return np.array(found[::-1], dtype=np.int64)

    def theirs(self, origin: int, destination: int) -> NDArray[np.float64]:
        """Return the vertices of Valhalla's route, metres."""
        ends = [some.lonlat[row] for some, row in zip(self.town.ends, (origin, destination), strict=True)]
        asked = {
            "locations": [{"lon": float(at[0]), "lat": float(at[1])} for at in ends],
            "directions_type": "none",
            **valhalla.walking(SPEED_KMH, **PLAIN),
        }
        shape = json.loads(self.service.ask("route", json.dumps(asked).encode()))["trip"]["legs"][0]["shape"]
        line = gpd.GeoSeries([shapely.LineString(valhalla.vertices(shape))], crs=4326).to_crs(self.town.net.crs)
        return shapely.get_coordinates(shapely.segmentize(line.iloc[0], _STEP_M))

    def linked(self, xy: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return where Valhalla links places (n, 2) to a walkable street; NaN where it does not."""
        lonlat = places.degrees(self.town.net, xy)
        asked = {
            "locations": [{"lon": float(at[0]), "lat": float(at[1])} for at in lonlat],
            **valhalla.walking(SPEED_KMH, **PLAIN),
        }
        found = json.loads(self.service.ask("locate", json.dumps(asked).encode()))
        spots = [
            (one["edges"][0]["correlated_lon"], one["edges"][0]["correlated_lat"]) if one["edges"] else (np.nan, np.nan)
            for one in found
        ]
        moved = gpd.GeoSeries(shapely.points(np.array(spots)), crs=4326).to_crs(self.town.net.crs)
        return shapely.get_coordinates(moved.to_numpy())

    def there(self, place: NDArray[np.float64]) -> str:
        """Say what keeps Valhalla from the street at a place (2,)."""
        lonlat = places.degrees(self.town.net, place[None])[0]
        at = {"lon": float(lonlat[0]), "lat": float(lonlat[1])}
        asked = {"locations": [at], "verbose": True, **valhalla.walking(SPEED_KMH, **PLAIN)}
        edges = json.loads(self.service.ask("locate", json.dumps(asked).encode()))[0]["edges"] or []
        reach = [min(one["outbound_reach"], one["inbound_reach"]) for one in edges if one["distance"] <= _MOVED_M]
        if not reach:
            return "it may use no street there"
        return f"from the one there it reaches {max(reach)} edges, and wants {_ITS_REACH}"

    def tags(self, pieces: NDArray[np.int64]) -> str:
        """Say what streets these are."""
        table = self.town.pieces.iloc[np.unique(pieces)]
        said = Counter(
            " ".join(f"{name}={value}" for name in schema.STREET_TAGS if name != "name" and (value := row[name]))
            for row in table.to_dict("records")
        )
        return "; ".join(text for text, _ in said.most_common(2))


def why(routes: Routes, origin: int, destination: int) -> tuple[str, str]:
    """Return the class of a pair that differs, and what was seen."""
    town = routes.town
    shape, edges = routes.theirs(origin, destination), routes.ours(origin, destination)
    ends = np.array([some.xy[row] for some, row in zip(town.ends, (origin, destination), strict=True)])
    moved = np.hypot(*(shape[[0, -1]] - ends).T)
    if moved.max() > _MOVED_M:
        which = ("origin", "destination")[int(moved.argmax())]
        place = ends[int(moved.argmax())]
        return "Valhalla links the place to another street", f"{which}, {moved.max():.0f} m away: {routes.there(place)}"
    spots = shapely.points(shape)
    off = routes.usable.query_nearest(spots, return_distance=True, all_matches=False)[1] > _OFF_M
    if off.sum() * _STEP_M >= _LEAST_M:
        pieces = routes.all.query_nearest(spots[off], all_matches=False)[1]
        return "a street that ours may not use", f"{off.sum() * _STEP_M:.0f} m: {routes.tags(pieces)}"
    middle = shapely.get_coordinates(shapely.line_interpolate_point(town.net.lines[edges], 0.5, normalized=True))
    gone = ~(np.hypot(*(routes.linked(middle) - middle).T) <= _OFF_M)
    metres = float(town.net.length_m[edges[gone]].sum())
    if metres >= _LEAST_M:
        return "a street that Valhalla may not use", f"{metres:.0f} m: {routes.tags(town.net.piece[edges[gone]])}"
    shut = routes.gates.query(town.net.lines[edges], predicate="dwithin", distance=_AT_GATE_M)[1]
    if len(shut):
        return "a gate shut to walkers, through which ours goes", "; ".join(
            routes.gate_tags[at] for at in np.unique(shut)
        )
    return "another way along streets that both may use", ""


@dataclass(frozen=True)
class Differing:
    """One pair that differs by more than 5 %, by metres or by seconds; minutes."""

    reason: str
    seen: str
    origin: int
    destination: int
    ours: float
    by_metres: float
    by_seconds: float

    def line(self) -> str:
        return (
            f"pair {self.origin}–{self.destination}: ours {self.ours:.2f} minutes, Valhalla's metres "
            f"{self.by_metres:.2f}, its seconds {self.by_seconds:.2f}{'; ' if self.seen else ''}{self.seen}"
        )


def differing(routes: Routes, mine: NDArray[np.float64], theirs: Theirs) -> list[Differing]:
    """Return the pairs that differ by more than 5 %, each with its reason."""
    by_metres = np.abs(mine / theirs.by_metres - 1.0) > APART
    by_seconds = np.abs(mine / theirs.by_seconds - 1.0) > APART
    alone = np.isfinite(mine) != np.isfinite(theirs.by_metres)
    found = []
    for origin, destination in np.argwhere(by_metres | by_seconds | alone).tolist():
        at = origin, destination
        if alone[at]:
            reason, seen = "only one of the two finds a way", ""
        elif by_metres[at]:
            reason, seen = why(routes, origin, destination)
        else:
            reason, seen = "streets crossed, which its seconds count and its metres do not", ""
        figures = (float(table[at]) for table in (mine, theirs.by_metres, theirs.by_seconds))
        found.append(Differing(reason, seen, origin, destination, *figures))
    return found


def page() -> str:
    """Return what is found, as Markdown."""
    pbf = cache.shared("portoalegre/poa_osm.pbf")
    town, on_sphere = Town(pbf), Town(pbf, _ITS_SPHERE_M)
    mine = town.minutes()
    with valhalla.Service(pbf, algorithm=_ALGORITHM) as service:
        theirs = ask(service, *town.ends)
        found = differing(Routes(town, service), mine, theirs)
    head = (
        f"Porto Alegre, {SIDE} × {SIDE} places at random nodes, {SPEED_KMH:g} km/h; Valhalla {valhalla.VERSION}, "
        f"{_ALGORITHM}, shortest ways. Ours less Valhalla's, relative, in the median (and of its size):"
    )
    lines = [
        head,
        "",
        f"- its metres at the same speed: {_middle(mine, theirs.by_metres)}",
        f"- the same, our streets measured on its sphere: {_middle(on_sphere.minutes(), theirs.by_metres)}",
        f"- its seconds, which hold up to 15 s for each street crossed: {_middle(mine, theirs.by_seconds)}",
        "",
        f"{len(found)} pairs differ by more than {APART:.0%}, by metres or by seconds:",
        "",
    ]
    for reason, count in Counter(one.reason for one in found).most_common():
        lines.append(f"- {count} × {reason}")
        lines += [f"    - {one.line()}" for one in found if one.reason == reason]
    return "\n".join(lines)


def _middle(mine: NDArray[np.float64], theirs: NDArray[np.float64]) -> str:
    both = np.isfinite(mine) & np.isfinite(theirs)
    apart = mine[both] / theirs[both] - 1.0
    many = int((np.abs(apart) > APART).sum())
    return (
        f"{np.median(apart):+.2%} ({np.median(np.abs(apart)):.2%}); {many} of {both.sum():,} pairs beyond {APART:.0%}"
    )


if __name__ == "__main__":
    sys.stdout.write(page() + "\n")
