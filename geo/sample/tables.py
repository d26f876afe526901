"""The rows of a study: factories, venues and service points, with the words that offices use."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from geo.sample import details, sites

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import shapely

    from geo.sample.enclosed import Enclosure
    from geo.sample.recipe import Recipe, Service
    from geo.sample.shapes import Array
    from geo.sample.sites import Ground
    from geo.sample.streets import Network

FACTORY_KINDS = ("制香厂", "陶瓷厂", "纸品厂", "食品厂", "服饰厂", "五金厂", "包装厂", "机械厂", "木业厂", "电子厂")
MERCHANTS = ("餐饮", "超市", "理发", "药店", "维修", "文具", "洗衣", "果蔬", "眼镜", "家政")


@dataclass(frozen=True)
class Factory:
    """A factory with its workers."""

    id: str
    name: str
    xy: Array
    workers: int
    park: str


@dataclass(frozen=True)
class Venue:
    """A place that exists and can host services."""

    id: str
    name: str
    xy: Array
    capacity: int
    unit: str
    kind: str


@dataclass(frozen=True)
class ServicePoint:
    """A row of the service table, as an office writes it."""

    id: str
    name: str
    type: str
    xy: Array
    status: str
    capacity: str
    hours: str
    venue: str
    mobile: str


def factories(recipe: Recipe, network: Network, ground: Ground, rng: np.random.Generator) -> list[Factory]:
    """Return the factories: those planned in each park, and the rest beside streets."""
    names = details.street_names(rng, 300)
    places: list[tuple[Array, str]] = []
    for one in network.enclosures:
        own: list[Array] = []
        for _ in range(one.park.factories):
            own.append(sites.in_park(one, rng, taken=own, apart_m=45.0))
        places += [(xy, one.park.id) for xy in own]
    for _ in range(recipe.outside_factories):
        places.append((sites.near_people(ground.county, ground, rng, leaning=0.35), ""))
    workers = np.clip(np.round(np.exp(rng.normal(4.55, 0.75, len(places)))), 18, 900).astype(int)
    kinds = rng.integers(len(FACTORY_KINDS), size=len(places))
    return [
        Factory(f"F{number + 1:03d}", f"{names.pop()}{FACTORY_KINDS[kinds[number]]}", xy, int(workers[number]), park)
        for number, (xy, park) in enumerate(places)
    ]


def park_workers(recipe: Recipe, made: Sequence[Factory], rng: np.random.Generator) -> dict[str, int]:
    """Return what each park says of its workers: somewhat more than its factories say."""
    found = {}
    for park in recipe.parks:
        inside = sum(factory.workers for factory in made if factory.park == park.id)
        found[park.id] = int(np.ceil(inside * rng.uniform(1.03, 1.09)))
    return found


class Placer:
    """Puts things into units; the invariant is the order of draws from the one random source."""

    def __init__(
        self,
        recipe: Recipe,
        network: Network,
        ground: Ground,
        areas: Mapping[str, shapely.Geometry],
        rng: np.random.Generator,
    ) -> None:
        self._parks: dict[str, Enclosure] = {one.park.id: one for one in network.enclosures}
        self._network, self._ground, self._areas, self._rng = network, ground, areas, rng
        self._titles: dict[str, str] = {unit.id: unit.name for unit in recipe.communities}
        self._titles |= {park.id: park.name for park in recipe.parks}

    def place(self, where: str) -> Array:
        """Return a point in a unit, beside `road:<name>` or `road:<name>@<unit>`, or (empty) anywhere near people."""
        if where.startswith("road:"):
            name, _, unit = where.removeprefix("road:").partition("@")
            area = self._areas[unit] if unit else self._ground.county
            return sites.along_road(name, area, self._network.streets, self._ground, self._rng)
        if where in self._parks:
            return sites.in_park(self._parks[where], self._rng)
        area = self._areas[where] if where else self._ground.county
        return sites.near_people(area, self._ground, self._rng, leaning=1.4 if where else 1.1)

    def title(self, where: str) -> str:
        """Return the name that a thing there begins with."""
        road, _, unit = where.removeprefix("road:").partition("@")
        return self._titles.get(unit or where, road or "示例")

    def step_aside(self, xy: Array) -> Array:
        """Return a point some steps from another: two services in one house are not one point."""
        turn = self._rng.uniform(0, 2 * np.pi)
        aside: Array = xy + self._rng.uniform(1.5, 5.0) * np.array([np.cos(turn), np.sin(turn)])
        return aside


def venues(recipe: Recipe, placer: Placer, rng: np.random.Generator) -> list[Venue]:
    """Return the venues of a recipe."""
    return [
        Venue(
            f"V{number + 1:02d}",
            f"{placer.title(unit)}{kind}",
            placer.place(unit),
            int(rng.integers(4, 40)) * 10,
            unit,
            kind,
        )
        for number, (unit, kind) in enumerate(recipe.venues)
    ]


def _host(service: Service, where: str, made: Sequence[Venue], turn: int) -> Venue | None:
    """Return the venue of a service point, if it has one."""
    if not service.hosted:
        return None
    own = [venue for venue in made if venue.unit == where or not where]
    if not own:
        return None
    if service.hosted == "hall":
        return own[0]
    alike = [venue for venue in own if venue.kind.startswith(service.title[:2])]
    return alike[0] if alike else own[turn % len(own)]


def _capacity(service: Service, rng: np.random.Generator) -> str:
    return "" if service.capacity is None else str(int(rng.integers(service.capacity[0], service.capacity[1] + 1)))


def service_points(
    recipe: Recipe, placer: Placer, made: Sequence[Venue], rng: np.random.Generator
) -> list[ServicePoint]:
    """Return the rows of the service table, in the order of the recipe."""
    found: list[ServicePoint] = []
    for service in recipe.services:
        used: dict[str, int] = {}
        for turn, where in enumerate((*service.at, *[""] * service.spread)):
            host = _host(service, where, made, turn)
            xy = placer.step_aside(host.xy) if host else placer.place(where)
            used[where] = used.get(where, 0) + 1
            again = (*service.at, *[""] * service.spread).count(where) > 1
            name = f"{placer.title(where)}{service.title}{f'{used[where]:02d}号' if again else ''}"
            if "商家" in service.title and not where:
                name += f"（{MERCHANTS[turn % len(MERCHANTS)]}）"
            found.append(
                ServicePoint(
                    f"S{len(found) + 1:03d}",
                    name,
                    service.types[turn % len(service.types)],
                    xy,
                    service.status[turn % len(service.status)],
                    _capacity(service, rng),
                    service.hours,
                    host.id if host else "",
                    service.mobile,
                )
            )
    return found
