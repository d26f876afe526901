"""What an analysis linked to its streets, kept so that a further question computes only what it changes."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import shapely

from geo import network, snapping
from geo.cells import CellLinks
from geo.travel_times import minutes_at, reach

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    import geopandas as gpd
    import pandas as pd
    from numpy.typing import NDArray

    from geo.catalogue import Ring
    from geo.modes import Mode
    from geo.network import Network
    from geo.zones import Zones


class Slopes(NamedTuple):
    """Streets cut into short pieces, and the rise over run of each."""

    pieces: gpd.GeoDataFrame
    gradient: NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Linked:
    """Streets, and how people and services are linked to them.

    Attributes
    ----------
    zones
        Networks by mode, links of services and of people by mode, barriers, and the cap of access legs.
    streets
        `schema.STREETS`.
    slopes
        Streets with gradients, for modes that heed them; `None` without a terrain model.
    area
        The study's area; `None` where it has no outline.
    unknown
        (kind, id, group) of units whose people are not known.
    """

    zones: Zones
    streets: gpd.GeoDataFrame
    slopes: Slopes | None
    area: shapely.Geometry | None
    unknown: tuple[tuple[str, str, str], ...]

    @cached_property
    def _known(self) -> dict[object, Any]:
        return {}

    def once(self, key: object, make: Callable[[], Any]) -> Any:  # noqa: ANN401 - whatever is made
        """Return what another room works out about this analysis, by a key of its own; made on first use."""
        if key not in self._known:
            self._known[key] = make()
        return self._known[key]

    def network(self, mode: Mode, *, island_m: float = network.ISLAND_M) -> Network:
        """Return the network of any mode: the one of the analysis, else one that is built once."""
        mine = self.zones.networks.get(mode.name)
        if mine is not None and mine.mode == mode:
            return mine
        found: Network = self.once(
            ("network", mode, island_m), lambda: build_network(self.streets, self.slopes, mode, island_m=island_m)
        )
        return found

    def people(self, net: Network, demand: gpd.GeoDataFrame) -> pd.DataFrame:
        """Return `schema.SNAPPED` of the people on a network; worked out once for the same streets."""
        return self._snapped("people", net, self.zones.linked, demand)

    def services(self, net: Network, points: gpd.GeoDataFrame) -> pd.DataFrame:
        """Return `schema.SNAPPED` of the service points on a network; worked out once for the same streets."""
        return self._snapped("services", net, self.zones.served, points)

    def _snapped(
        self, what: str, net: Network, mine: Mapping[str, pd.DataFrame], table: gpd.GeoDataFrame
    ) -> pd.DataFrame:
        for name, other in self.zones.networks.items():
            if other is net or other.same_streets(net):
                return mine[name]
        found: pd.DataFrame = self.once((what, net.mode), lambda: self.link(net, table.geometry.to_numpy()))
        return found

    def link(self, net: Network, points: NDArray[np.object_]) -> pd.DataFrame:
        """Return `schema.SNAPPED` of further points, by the study's own rules of access."""
        return snapping.snap(net, points, cap_m=self.zones.cap_m, barriers=self.zones.fence)

    def cells(self, net: Network, *, cell_m: float) -> CellLinks:
        """Return the cells of a surface, linked once for all networks of the same streets."""
        shelf: list[CellLinks] = self.once(("cells", cell_m), list)
        for links in shelf:
            if links.network is net:
                return links
            if links.network.same_streets(net):
                return links.for_mode(net)
        shelf.append(CellLinks(net, cell_m, cap_m=self.zones.cap_m, barriers=self.zones.fence))
        return shelf[-1]

    def exits(self, rings: Iterable[Ring]) -> dict[str, NDArray[np.float64]]:
        """Return the minutes of people to where streets leave the study's area, by mode of the rings."""
        furthest: dict[str, float] = {}
        for ring in rings:
            furthest[ring.mode] = max(furthest.get(ring.mode, 0.0), ring.limit)
        zones = self.zones
        return {
            mode: self.exit_minutes(zones.networks[mode], zones.linked[mode], limit=limit)
            for mode, limit in furthest.items()
            if self.area is not None
        }

    def exit_minutes(self, net: Network, people: pd.DataFrame, *, limit: float) -> NDArray[np.float64]:
        """Return the minutes of people to where the streets of a network leave the study's area; `inf` beyond."""
        if self.area is None:
            return np.full(len(people), np.inf)
        border = shapely.boundary(self.area)
        shapely.prepare(border)
        lines = net.lines
        crossing = shapely.get_parts(shapely.intersection(lines[shapely.intersects(border, lines)], border))
        places = crossing[shapely.get_type_id(crossing) == shapely.GeometryType.POINT]
        gates = snapping.snap(net, places, cap_m=self.zones.cap_m)
        return minutes_at(reach(net, gates, limit=limit), people)[0]


def build_network(streets: gpd.GeoDataFrame, slopes: Slopes | None, mode: Mode, *, island_m: float) -> Network:
    """Return the network of a mode; where it heeds slopes, of streets cut short enough to follow them.

    Raises
    ------
    GeoValueError
        When the mode may use none of the streets.
    """
    if slopes is None or not mode.slope:
        return network.build(streets, mode, island_m=island_m)
    return network.build(slopes.pieces, mode, gradient=slopes.gradient, island_m=island_m)
