"""What changes under another mode, limit or speed, or with more sites: one service, computed anew.

Networks, links of people, cells and searches are kept with the analysis, so that a question costs what it
changes: another limit costs a count and a contour, another speed a search, other streets a link.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from numbers import Real
from typing import TYPE_CHECKING, Any, NamedTuple

import geopandas as gpd
import numpy as np
import pandas as pd

from geo import catalogue, catchments, coverage, crs as crs_room, gaps, schema, surfaces, zones
from geo.adequacy import judged, own_units
from geo.analysis import Analysis
from geo.catalogue import OWN, ServiceType
from geo.errors import Fault, GeoCrsError, GeoValueError
from geo.messages import DEFAULT_LANG, Message, subject, text
from geo.modes import Mode
from geo.travel_times import Reach, minutes_at, reach
from geo.units import horizon

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from geo.messages import Lang
    from geo.network import Network


class Question(NamedTuple):
    """A service with the mode and the limit that are asked about, and the network of the mode."""

    service: ServiceType
    mode: Mode
    network: Network


@dataclass(frozen=True, eq=False)
class Scenario:
    """One service of an analysis under other conditions; made by :func:`what_if`.

    Attributes
    ----------
    analysis
        What it departs from.
    service
        The service with the mode, limit and bands that were asked.
    mode
        The mode with its speeds.
    sites
        Further sites, in the study's CRS; maybe none.
    minutes
        Minutes of every row of `analysis.demand` to the nearest facility: `inf` where none is reached within
        the horizon, NaN where the group is not served by the type.
    nearest
        Id of that facility; missing where `minutes` is not finite.
    network
        The streets of the mode.

    Examples
    --------
    >>> geo.what_if(analysis, "零工驿站", limit=10)
    <Scenario gig_station: walk 10 min (4.5 km/h), minutes on the streets, as of 2026-12-31, 0 more sites>
    """

    analysis: Analysis
    service: ServiceType
    mode: Mode
    sites: gpd.GeoDataFrame
    minutes: pd.Series[float]
    nearest: pd.Series[Any]
    network: Network
    _search: Reach

    def __repr__(self) -> str:
        return f"<Scenario {self.service.code}: {self.basis('en')}, {len(self.sites)} more sites>"

    def basis(self, lang: Lang = DEFAULT_LANG) -> str:
        """Return mode, limit, speed and date, which every number of the scenario carries.

        Examples
        --------
        >>> geo.what_if(analysis, "零工驿站", limit=10).basis("en")
        'walk 10 min (4.5 km/h), minutes on the streets, as of 2026-12-31'
        """
        speed = "" if self.mode.speed_kmh is None else text("scenario.speed", lang, kmh=f"{self.mode.speed_kmh:g}")
        names = subject("word", lang)
        return text(
            "scenario.basis",
            lang,
            mode=names.get(self.mode.name, self.mode.name),
            limit=f"{self.service.limit:g}",
            speed=speed,
            date=self.analysis.study.last_day.isoformat(),
        )

    @cached_property
    def demand(self) -> gpd.GeoDataFrame:
        """The analysis' demand with the minutes, nearest facility and snap status of the scenario.

        Examples
        --------
        >>> found = geo.what_if(analysis, "零工驿站", limit=10).demand
        >>> float(found["minutes_gig_station"].median().round(1)), found.crs.name
        (6.7, 'CGCS2000 / 3-degree Gauss-Kruger CM 117E')
        """
        code, mode = self.service.code, self.service.mode
        rows = self.analysis.linked.people(self.network, self.analysis.demand)
        return self.analysis.demand.assign(
            **{
                f"minutes_{code}": self.minutes,
                f"nearest_{code}": self.nearest,
                f"snap_status_{mode}": rows["snap_status"].to_numpy(),
            }
        )

    @cached_property
    def coverage(self) -> gpd.GeoDataFrame:
        """`schema.COVERAGE` of the service: one row per unit, group and band.

        Examples
        --------
        >>> table = geo.what_if(analysis, "零工驿站", limit=5).coverage
        >>> residents = table[(table["unit_kind"] == "community") & (table["demand"] == "residents")]
        >>> residents[["unit_id", "people", "people_served", "share", "status"]].round(3)
          unit_id  people  people_served  share status
        0    west  1200.0          449.0  0.374   edge
        1    east   800.0          200.0  0.250   edge
        """
        analysis, linked = self.analysis, self.analysis.linked
        membership = linked.once("members", lambda: coverage.members(analysis.demand, analysis.units))
        around_m = analysis.study.adequacy.around_m
        place = linked.once(
            "ground",
            lambda: coverage.ground(membership, analysis.demand, analysis.units, analysis.streets, around_m=around_m),
        )
        people = linked.people(self.network, analysis.demand)
        end = horizon(self.service.limit)
        exits = linked.once(("exits", self.mode, end), lambda: linked.exit_minutes(self.network, people, limit=end))
        return coverage.table(
            self.demand,
            analysis.units,
            [self.service],
            membership=membership,
            place=place,
            adequacy=analysis.study.adequacy,
            exits={self.service.mode: exits},
            unknown=linked.unknown,
        )

    @cached_property
    def gaps(self) -> gpd.GeoDataFrame:
        """`schema.GAPS` of the service.

        Examples
        --------
        >>> geo.what_if(analysis, "零工驿站", limit=5).gaps[["gap_id", "people"]]
                          gap_id  people
        0     gig_station-west-1   746.0
        1     gig_station-east-1   595.0
        2  gig_station-outside-1   500.0
        3  gig_station-east-rest     5.0
        4  gig_station-west-rest     5.0
        """
        points = self.analysis.service_points.drop_duplicates("id").set_index("id")["name"]
        new = pd.Series(self.sites["name"].to_numpy(dtype=object), index=self.sites["id"].to_numpy(dtype=object))
        names = pd.concat([points.astype(object), new])
        fit = judged(own_units(self.demand), self.service, self.coverage)
        return gaps.find(self.demand, self.service, names[~names.index.duplicated()], judged=fit)

    @cached_property
    def isochrones(self) -> gpd.GeoDataFrame:
        """`schema.ISOCHRONES`, dissolved, one row per band; drawn from the same minutes.

        Examples
        --------
        >>> rings = geo.what_if(analysis, "零工驿站", limit=10).isochrones
        >>> rings["limit_minutes"].tolist(), bool(rings.is_valid.all())
        ([5.0, 10.0], True)
        """
        analysis, service = self.analysis, self.service
        linked, net = analysis.linked, self.network
        box = zones.extent(linked.zones, analysis.demand, analysis.service_points)
        links = linked.cells(net, cell_m=zones.first_cell_m(box))
        if not links.tiles:
            zones.link_cells(links, box)
        field = catchments.field_of(links, self._search, box=box)
        shapes = surfaces.isochrones([field], service.minutes)[0]
        rows = {
            "service": service.code,
            "mode": service.mode,
            "limit_minutes": list(service.minutes),
            "facility_id": None,
            "combine": "dissolve",
        }
        return gpd.GeoDataFrame(rows, geometry=surfaces.drawn(shapes), crs=net.crs)[[*schema.ISOCHRONES]]

    def plot(self, *, lang: Lang = DEFAULT_LANG) -> Figure:
        """Return the map of the scenario as a matplotlib figure, captioned with its basis.

        Examples
        --------
        >>> figure = geo.what_if(analysis, "零工驿站", limit=10).plot(lang="en")
        >>> figure.savefig(folder / "gig-stations.png")
        """
        from geo import plots  # noqa: PLC0415 - matplotlib takes long to import

        return plots.service_map(
            self.analysis,
            self.service,
            rings=self.isochrones,
            gaps=self.gaps,
            coverage=self.coverage,
            sites=self.sites,
            lang=lang,
        )

    def served(self, group: str | None = None) -> dict[str, float]:
        """Return `people`, `people_served` and `share` of the whole study, for the headline group or another.

        The share is NaN where the study cannot be assessed or nobody is there.

        Examples
        --------
        >>> geo.what_if(analysis, "零工驿站", mode="ebike", limit=5).served()
        {'people': 2000.0, 'people_served': 1975.0, 'share': 0.9875}
        """
        rows = self.coverage
        mine = rows[
            (rows["unit_kind"] == "study")
            & (rows["demand"] == (group or self.service.demand[0]))
            & (rows["limit_minutes"] == self.service.limit)
        ]
        return {name: float(mine[name].iloc[0]) for name in ("people", "people_served", "share")}


def what_if(
    analysis: Analysis,
    service: str,
    *,
    mode: str | Mode | None = None,
    limit: float | None = None,
    speed_kmh: float | None = None,
    sites: gpd.GeoDataFrame | None = None,
) -> Scenario:
    """Compute one service anew under another mode, limit or speed, or with more sites.

    Parameters
    ----------
    analysis
        From :func:`geo.analyse`. It is not changed; what was worked out is kept with it for the next question.
    service
        Code, label or alias of a type measured in minutes, e.g. `gig_station` or 零工驿站.
    mode
        A mode of the study (walk, elder, ebike, drive or its own), or a :class:`geo.modes.Mode`; by default the
        service's own.
    limit
        Minutes above 0, inclusive; by default the service's own.
    speed_kmh
        Speed on the flat, km/h; on foot also that of the access legs. By default the mode's own.
    sites
        Points in any CRS that they state, e.g. from :func:`geo.suggest_sites`; they count as working. `id` and
        `name` (or `candidate_id`, `candidate_name`) are used where they exist.

    Returns
    -------
    Scenario
        Its `minutes`, `demand`, `coverage`, `gaps` and `isochrones` are worked out when they are asked for.
        With no other argument they are those of the analysis.

    Raises
    ------
    GeoValueError
        When the service is none of the analysis or not measured in minutes, the mode is not known, a number is not
        above 0, or the sites state no CRS (GeoCrsError).

    Examples
    --------
    >>> slow = geo.what_if(analysis, "零工驿站", speed_kmh=3.0)
    >>> slow.served()["share"]
    0.809
    """
    asked = question(analysis, service, mode=mode, limit=limit, speed_kmh=speed_kmh)
    more = placed(sites, analysis)
    linked, kind, net = analysis.linked, asked.service, asked.network
    end = horizon(kind.limit)

    def search() -> Reach:
        theirs = zones.working(linked.services(net, analysis.service_points), analysis.service_points, kind)
        if len(more):
            new = linked.link(net, more.geometry.to_numpy()).assign(
                id=more["id"].to_numpy(dtype=object), delay_minutes=kind.delay_minutes
            )
            theirs = pd.concat([theirs, new], ignore_index=True) if len(theirs) else new
        ids[:] = [*theirs["id"], None]
        return reach(net, theirs, limit=end, direction=kind.direction)

    ids: list[object] = []
    if len(more):
        found = search()
    else:
        found, ids = linked.once(("search", kind.code, asked.mode, end), lambda: (search(), ids))
    minutes, nearest = minutes_at(found, linked.people(net, analysis.demand))
    mine = analysis.demand["group"].isin(kind.demand).to_numpy()
    named = np.array(ids, dtype=object)[nearest]
    named[~mine] = None
    index = analysis.demand.index
    return Scenario(
        analysis,
        kind,
        asked.mode,
        more,
        pd.Series(np.where(mine, minutes, np.nan), index=index, name="minutes"),
        pd.Series(named, index=index, name="nearest", dtype=object),
        net,
        found,
    )


def question(
    analysis: Analysis,
    service: str,
    *,
    mode: str | Mode | None = None,
    limit: float | None = None,
    speed_kmh: float | None = None,
) -> Question:
    """Return the service as it is asked about; see :func:`what_if`.

    Raises
    ------
    GeoValueError
        With every argument that cannot be used.
    """
    given: object = analysis
    if not isinstance(given, Analysis):
        msg = f"analysis is of type {type(given).__name__}; give what geo.analyse(study) returns"
        raise GeoValueError(msg)
    kind, faults = _service(analysis, service)
    for name, value, unit in (("limit", limit, "minutes"), ("speed_kmh", speed_kmh, "km/h")):
        if value is not None and not _positive(value):
            faults.append(f"{name} is {value!r}; accepted is a finite number above 0 ({unit})")
    modes = analysis.study.modes
    if mode is not None and not isinstance(mode, Mode) and mode not in modes:
        faults.append(f"mode is {mode!r}; accepted are {', '.join(modes)} or a geo.modes.Mode")
    if faults or kind is None:
        raise GeoValueError("\n".join(faults))
    way = modes[mode or kind.mode] if not isinstance(mode, Mode) else mode
    if speed_kmh is not None:
        access_kmh = float(speed_kmh) if way.access == "foot" else way.access_kmh
        way = replace(way, speed_kmh=float(speed_kmh), access_kmh=access_kmh)
    if limit is not None and float(limit) != kind.limit:
        bands = catalogue.bands(float(limit), kind.minutes)
        kind = replace(kind, limit=float(limit), minutes=bands, basis="", status=OWN)
    kind = replace(kind, mode=way.name, also=())
    net = analysis.linked.network(way, island_m=analysis.study.adequacy.island_m)
    return Question(kind, way, net)


def _positive(value: object) -> bool:
    number = isinstance(value, Real) and not isinstance(value, bool)
    return number and 0 < float(value) < np.inf  # type: ignore[arg-type]


def _service(analysis: Analysis, given: object) -> tuple[ServiceType | None, list[str]]:
    """Return the evaluated type that a code, label or alias means, or what is wrong with it."""
    timed = {code: service for code, service in analysis.services.items() if service.test == "minutes"}
    listed = ", ".join(f"{code} ({service.label})" for code, service in timed.items())
    code = (
        catalogue.name_index(analysis.services.values()).get(catalogue.fold(given)) if isinstance(given, str) else None
    )
    if code in timed:
        return timed[code], []
    if code is not None:
        return None, [f"service {given!r} is not measured in minutes; those of this analysis are {listed}"]
    return None, [f"service is {given!r}; accepted are those of the analysis: {listed}"]


def unknown_service(analysis: Analysis, given: str) -> Fault | None:
    """Return what is wrong with a service that a person typed, with the names near it; None for one that can be asked.

    Examples
    --------
    >>> unknown_service(analysis, "长着食堂").text("zh")
    '长着食堂：没有这个服务类型；相近的：长者食堂。可用的：...'
    """
    if _service(analysis, given)[0] is not None:
        return None
    timed = [kind for kind in analysis.services.values() if kind.test == "minutes"]
    known = catalogue.fold(given) in catalogue.name_index(analysis.services.values())
    near = catalogue.suggest(given, timed)
    what = "not_timed" if known else "no_service_near" if near else "no_service"
    listed = ", ".join(f"{kind.label} ({kind.code})" for kind in timed)
    values = {"near": ", ".join(near), "accepted": listed}
    return Fault(given, Message(f"scenario.{what}", values))


def placed(sites: gpd.GeoDataFrame | None, analysis: Analysis) -> gpd.GeoDataFrame:
    """Return sites in the study's CRS with `id` and `name`; those without an id are `site-<row>`.

    Raises
    ------
    GeoValueError
        When they are no table of points; GeoCrsError when they state no CRS.
    """
    crs = analysis.demand.crs
    given: object = sites
    if given is not None and not isinstance(given, gpd.GeoDataFrame):
        msg = f"sites is of type {type(given).__name__}; accepted is a GeoDataFrame of points"
        raise GeoValueError(msg)
    if sites is None or not len(sites):
        return gpd.GeoDataFrame({"id": [], "name": []}, geometry=[], crs=crs)
    if sites.crs is None:
        msg = "sites states no coordinate system; state the one it is in, e.g. sites.set_crs(4326)"
        raise GeoCrsError(msg)
    moved = crs_room.convert(sites, crs)
    shapes = moved.geometry.representative_point().to_numpy()
    ids, names = (
        next((moved[name] for name in (f"candidate_{what}", what) if name in moved.columns), None)
        for what in ("id", "name")
    )
    own = [f"site-{number}" for number in range(1, len(moved) + 1)]
    return gpd.GeoDataFrame(
        {"id": own if ids is None else ids.astype(str).to_numpy(), "name": "" if names is None else names.to_numpy()},
        geometry=shapes,
        crs=crs,
    )
