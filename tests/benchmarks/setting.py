"""What one run measures on: the benchmark city, its services, how often, against whom."""

from __future__ import annotations

import sys
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any

import geopandas as gpd
import shapely

import geo

from . import cache, places
from .graphs import Arcs, arcs_of
from .timing import clock

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    import numpy as np
    from numpy.typing import NDArray

    from geo.network import Network

SPEED_KMH = 4.5
LIMIT = 15.0
BANDS = (5.0, 10.0, 15.0)
SEED = 20
_TOLD_S = 0.5
CENTRE_LONLAT = (-8.6109, 41.1496)


@dataclass
class City:
    """A network and what is asked of it.

    Attributes
    ----------
    name
        For the table.
    net
        Walking streets.
    pbf
        Where they come from; None where they were drawn.
    centre
        Metres of the place around which central services stand.
    """

    name: str
    net: Network
    pbf: Path | None = None
    centre: tuple[float, float] | None = None

    @cached_property
    def arcs(self) -> Arcs:
        return arcs_of(self.net)

    @cached_property
    def _built(self) -> dict[str, tuple[Any, float]]:
        return {}

    def built(self, make: Callable[[Arcs], Any]) -> tuple[Any, float]:
        """Return a peer's graph of the city, made once, and the seconds that took."""
        name = make.__name__
        if name not in self._built:
            made: list[Any] = []
            seconds = clock(lambda: made.append(make(self.arcs)))
            self._built[name] = made[0], seconds
        return self._built[name]

    def built_note(self, name: str, make: Callable[[Arcs], Any]) -> list[str]:
        """Say how long a peer's graph took, where that is worth telling."""
        seconds = self.built(make)[1]
        return [f"{name}: its graph of {self.size} is built before, in {seconds:.1f} s"] if seconds >= _TOLD_S else []

    def graph(self, make: Callable[[Arcs], Any]) -> Any:
        """Return a peer's graph of the city."""
        return self.built(make)[0]

    @property
    def size(self) -> str:
        return f"{len(self.arcs.xy):,} nodes"

    def services(self, count: int, *, central: bool = False) -> Services:
        """Return services at nodes, at random or in the centre; the same in every run."""
        if central:
            if self.centre is None:
                msg = f"{self.name} has no centre"
                raise cache.UnavailableError(msg)
            nodes = places.central_nodes(self.net, self.centre, count, seed=SEED + 1)
        else:
            nodes = places.random_nodes(self.net, count, seed=SEED)
        return Services(self, nodes)


@dataclass
class Services:
    """Services of a city, as each side wants them."""

    city: City
    nodes: NDArray[np.int64]

    @cached_property
    def xy(self) -> NDArray[np.float64]:
        return self.city.net.node_xy[self.nodes]

    @cached_property
    def table(self) -> gpd.GeoDataFrame:
        return places.table(self.city.net, self.xy)

    @cached_property
    def lonlat(self) -> NDArray[np.float64]:
        return places.degrees(self.city.net, self.xy)

    @cached_property
    def here(self) -> NDArray[np.int64]:
        """Their numbers in the peers' graphs."""
        return self.city.arcs.here(self.nodes)


@dataclass
class Setting:
    """How often and against whom; the city is read once."""

    quick: bool = False
    repeats: int = 5
    pbf: Path | None = None
    skipped: list[str] = field(default_factory=list)

    @cached_property
    def city(self) -> City:
        pbf = self.pbf or cache.shared("porto/porto.osm.pbf")
        net = geo.read_streets(pbf, mode="walk")
        centre = gpd.GeoSeries([shapely.Point(CENTRE_LONLAT)], crs=4326).to_crs(net.crs).iloc[0]
        return City("Porto", net, pbf, (centre.x, centre.y))

    def some(self, full: int, quick: int) -> int:
        """Return how many, by whether the run is a quick one."""
        return quick if self.quick else full

    def skip(self, what: str, why: object) -> None:
        """Keep a line for a peer that is not here."""
        line = f"{what}: skipped: {why}"
        self.skipped.append(line)
        self.say(line)

    def say(self, line: str) -> None:
        """Tell on stderr what goes on; stdout is the table's."""
        sys.stderr.write(line + "\n")
        sys.stderr.flush()
