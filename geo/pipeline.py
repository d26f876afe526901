"""A study → its analysis: the order of the rooms and nothing else."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple, Protocol

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

from geo import (
    adequacy,
    areas,
    barriers,
    coverage,
    demand as demand_room,
    gaps,
    layers,
    network,
    population,
    snapping,
    terrain,
)
from geo.coverage import minutes_column
from geo.errors import Fault, GeoValueError, InputFaultsError
from geo.layers import suspicion
from geo.messages import DEFAULT_LANG, Message
from geo.results import Results
from geo.street_sources import read_all
from geo.study import Study, read_study
from geo.summary import summarise
from geo.travel_times import minutes_at, reach
from geo.units import horizon
from geo.zones import Zones, draw, working

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

    import folium
    from numpy.typing import NDArray

    from geo.catalogue import ServiceType
    from geo.messages import Lang
    from geo.modes import Mode
    from geo.network import Network

COMBINE = ("dissolve", "each", "split")
CONTEXT = ("boundary", "water", "barriers", "gates", "venues")


class Progress(Protocol):
    """Told what is being done and how far it is, 0 to 1."""

    def __call__(self, step: Message, done: float) -> None:
        """Take note of one step."""


def _silent(step: Message, done: float) -> None:
    del step, done


@dataclass(frozen=True)
class Analysis(Results):
    """Results of a study that can show and write themselves; see :class:`geo.results.Results`."""

    def map(self, *, lang: Lang = DEFAULT_LANG) -> folium.Map:
        """Return the offline map; the last line of a notebook cell shows it."""
        from geo import maps  # noqa: PLC0415 - folium takes seconds to import

        return maps.folium_map(self, lang=lang)

    def write(self, folder: str | Path, *, lang: Lang = DEFAULT_LANG) -> list[Path]:
        """Write every output into a folder, whole or not at all, and return the files.

        Raises
        ------
        InputFaultsError
            When the folder cannot be written; nothing is left half-written.
        """
        from pathlib import Path  # noqa: PLC0415

        from geo import maps, reports  # noqa: PLC0415 - heavy libraries

        page = maps.map_page(self, lang=lang)
        return reports.write_results(self, Path(folder), lang=lang, map_html=page)

    def __repr__(self) -> str:
        counts = f"{len(self.services)} services, {len(self.units)} units, {len(self.gaps)} gaps"
        return f"<Analysis {self.study.head.id} {self.study.head.period}: {counts}>"


class Slopes(NamedTuple):
    """Streets cut into short pieces, and the rise over run of each."""

    pieces: gpd.GeoDataFrame
    gradient: NDArray[np.float64]


class Inputs(NamedTuple):
    """What was read."""

    layers: layers.LayerSet
    streets: gpd.GeoDataFrame
    units: gpd.GeoDataFrame
    area: shapely.Geometry | None
    cells: population.Cells | None
    slopes: Slopes | None
    notes: list[tuple[str, Message]]


def read_inputs(study: Study, *, progress: Progress = _silent) -> Inputs:
    """Read every layer of a study.

    Raises
    ------
    InputFaultsError
        With every fault of every layer.
    """
    faults: list[Fault] = []
    progress(Message("run.layers"), 0.0)
    try:
        read = layers.read_layers(study)
    except InputFaultsError as error:
        faults += error.faults
        faults += read_all(study, None, None, [])[1]
        raise InputFaultsError(faults) from error
    progress(Message("run.streets"), 0.08)
    notes: list[tuple[str, Message]] = []
    streets, faults = read_all(study, read.crs, read.tables["streets"], notes)
    if streets is not None:
        read, doubts = suspicion.judged(study.layers, read, streets)
        faults += doubts
    units = areas.build(read.tables, read.crs)
    area = areas.study_area(units, read.tables["boundary"])
    cells, slopes = None, None
    faults += _double_counts(study, units)
    for source in study.layers.population[:1]:
        try:
            cells = population.read_cells(
                _file(source.file), crs=read.crs, area=area, where=source.label, given=source.crs
            )
        except InputFaultsError as error:
            faults += error.faults
    for source in study.layers.terrain[:1] if streets is not None else ():
        try:
            pieces = terrain.cut(streets)
            found = terrain.gradients(pieces, _file(source.file), where=source.label, given=source.crs)
            slopes = Slopes(pieces, found.rise_over_run)
            notes += [("terrain", message) for message in terrain.told(found, pieces)]
        except InputFaultsError as error:
            faults += error.faults
    if faults or streets is None:
        raise InputFaultsError(faults)
    if cells is not None and cells.left_out:
        notes.append(("population", Message("demand.left_out", {"people": f"{cells.left_out:.0f}"})))
    if cells is not None and cells.negative:
        notes.append(("population", Message("demand.negative", {"count": cells.negative})))
    return Inputs(read, streets, units, area, cells, slopes, notes)


def rehearse(study: Study, *, progress: Progress = _silent) -> tuple[Inputs, pd.DataFrame]:
    """Read a study and prove that it can be computed; return the inputs and the whole repair report.

    Raises
    ------
    InputFaultsError
        With every fault that would keep :func:`analyse` from computing the study.
    """
    inputs = read_inputs(study, progress=progress)
    services = evaluated(study, inputs.layers.tables["service_points"])
    progress(Message("run.network"), 0.5)
    timed = [service for service in services.values() if service.test == "minutes"]
    networks = _networks(study, inputs, timed)
    begun = _starts(inputs)
    people = _members(begun, inputs.units)
    people = _with_snap(people, _linked(people, networks, _fence(inputs), cap_m=study.head.cap_m))
    return inputs, _repairs(inputs, begun, _known(study, inputs, begun, people, timed).figures)


def _known(
    study: Study, inputs: Inputs, begun: demand_room.Starts, people: gpd.GeoDataFrame, services: Iterable[ServiceType]
) -> adequacy.Known:
    asked = adequacy.asked_of(services)
    tables = people, inputs.units, inputs.streets
    return adequacy.known(*tables, asked, limits=study.adequacy, unknown=begun.unknown)


def _linked(
    places: gpd.GeoDataFrame, networks: Mapping[str, Network], fence: barriers.Fence | None, *, cap_m: float
) -> dict[str, pd.DataFrame]:
    shapes = places.geometry.to_numpy()
    return {mode: snapping.snap(net, shapes, cap_m=cap_m, barriers=fence) for mode, net in networks.items()}


def _starts(inputs: Inputs) -> demand_room.Starts:
    gates = inputs.layers.tables["gates"]
    return demand_room.starts(inputs.units, inputs.streets, gates=gates, cells=inputs.cells)


def _double_counts(study: Study, units: gpd.GeoDataFrame) -> list[Fault]:
    """Return the fault of communities without outline beside a raster: their people would be counted twice."""
    points = (units["unit_kind"] == "community") & ~units["own_outline"] & units["population"].notna()
    if not study.layers.population or not points.any():
        return []
    names = ", ".join(units.loc[points, "unit_name"].head(5))
    return [
        Fault("layers.population", Message("demand.points_and_raster", {"count": int(points.sum()), "names": names}))
    ]


def _file(path: Path | None) -> Path:
    if path is None:
        msg = "a raster layer needs a path"
        raise GeoValueError(msg)
    return path


def evaluated(study: Study, points: gpd.GeoDataFrame) -> dict[str, ServiceType]:
    """Return the types to evaluate: those with a row, and those that the study file names."""
    present = {*points["type"], *study.asked}
    return {code: service for code, service in study.services.items() if code in present}


def analyse(study: Study | str | Path, *, combine: str = "dissolve", progress: Progress = _silent) -> Analysis:
    """Compute coverage, gaps and isochrones of a study.

    Parameters
    ----------
    study
        From :func:`geo.read_study`, or the path that it takes.
    combine
        Isochrones to add to the dissolved ones: `dissolve` (none), `each` (one a facility) or
        `split` (divided by the nearest facility).
    progress
        Told each step.

    Returns
    -------
    Analysis
        All tables are in the study's metric CRS; see :class:`geo.results.Results`.

    Raises
    ------
    InputFaultsError
        With every fault that keeps the study from being computed.
    """
    if combine not in COMBINE:
        msg = f"combine={combine!r}; accepted are {', '.join(COMBINE)}"
        raise GeoValueError(msg)
    study = study if isinstance(study, Study) else read_study(study)
    inputs = read_inputs(study, progress=progress)
    points = inputs.layers.tables["service_points"]
    services = evaluated(study, points)
    timed = [service for service in services.values() if service.test == "minutes"]
    progress(Message("run.network"), 0.2)
    networks = _networks(study, inputs, timed)
    fence = _fence(inputs)
    progress(Message("run.minutes"), 0.3)
    begun = _starts(inputs)
    people = _members(begun, inputs.units)
    points = _placed(points, inputs.units)
    cap_m = study.head.cap_m
    linked = _linked(people, networks, fence, cap_m=cap_m)
    served = _linked(points, networks, fence, cap_m=cap_m)
    people, points = _with_snap(people, linked), _with_snap(points, served)
    people = _with_minutes(people, points, timed, networks=networks, linked=linked, served=served)
    progress(Message("run.surfaces"), 0.4)
    zones = draw(
        Zones(networks, served, linked, fence, cap_m),
        timed,
        people,
        points,
        combine=combine,
        progress=lambda done: progress(Message("run.surfaces"), 0.4 + 0.4 * done),
    )
    progress(Message("run.coverage"), 0.8)
    known = _known(study, inputs, begun, people, timed)
    exits = _exits(inputs, networks, linked, timed, cap_m=cap_m)
    table = coverage.table(
        people,
        inputs.units,
        timed,
        membership=known.membership,
        place=known.place,
        adequacy=study.adequacy,
        exits=exits,
        unknown=begun.unknown,
    )
    asked = [service for service in services.values() if service.test == "presence"]
    table = _stacked([table, coverage.presence(inputs.units, points, asked)])
    found = _gaps(people, points, timed, table)
    progress(Message("run.summary"), 0.95)
    keys = zip(inputs.units["unit_kind"], inputs.units["unit_id"], strict=True)
    units = inputs.units.assign(gates_from=[begun.gates_from.get(key, "") for key in keys])
    units = adequacy.with_figures(units, known.figures)
    repairs = _repairs(inputs, begun, known.figures)
    summary = summarise(
        study,
        inputs.layers,
        services=services,
        points=points,
        people=people,
        table=table,
        gaps=found,
        zones=zones,
        networks=networks,
        repairs=repairs,
        unknown=begun.unknown,
        figures=known.figures,
    )
    return Analysis(
        study=study,
        services=services,
        units=units,
        service_points=points,
        demand=people,
        coverage=table,
        gaps=found,
        isochrones=zones.isochrones,
        drawing=zones.drawing,
        surfaces=zones.surfaces,
        streets=inputs.streets,
        context={name: inputs.layers.tables[name] for name in CONTEXT if name in inputs.layers.tables},
        repairs=repairs,
        summary=summary,
    )


def _stacked(tables: list[gpd.GeoDataFrame]) -> gpd.GeoDataFrame:
    filled = [table for table in tables if len(table)]
    return gpd.GeoDataFrame(pd.concat(filled, ignore_index=True), crs=tables[0].crs) if filled else tables[0]


def _networks(study: Study, inputs: Inputs, services: Iterable[ServiceType]) -> dict[str, Network]:
    """Return the network of every mode that a ring uses; walking is always among them."""
    wanted = dict.fromkeys(["walk", *(ring.mode for service in services for ring in service.rings)])
    found, lacking = {}, []
    for name in wanted:
        try:
            found[name] = _network(inputs, study.modes[name], island_m=study.adequacy.island_m)
        except GeoValueError:
            lacking.append(name)
    if lacking:
        where = ", ".join(source.label for source in study.layers.streets)
        why = Message("run.no_street_for", {"modes": ", ".join(lacking)})
        raise InputFaultsError([Fault(f"{where} (streets)", why)])
    return found


def _network(inputs: Inputs, mode: Mode, *, island_m: float) -> Network:
    """Return the network of a mode; where it heeds slopes, of streets cut short enough to follow them."""
    if inputs.slopes is None or not mode.slope:
        return network.build(inputs.streets, mode, island_m=island_m)
    return network.build(inputs.slopes.pieces, mode, gradient=inputs.slopes.gradient, island_m=island_m)


def _fence(inputs: Inputs) -> barriers.Fence | None:
    """Return what access legs must not cross: barriers, and outlines of units that have gates."""
    gates = inputs.layers.tables["gates"]
    gated = inputs.units[inputs.units["unit_id"].isin(gates["unit_id"]) & inputs.units["own_outline"]]
    opened = gates.geometry.to_numpy()
    opened = opened[~(shapely.is_missing(opened) | shapely.is_empty(opened))]
    shapes = inputs.layers.tables["barriers"].geometry.to_numpy()
    water = shapes[areas.is_areal(shapes)]
    return barriers.fence(barriers.lines(shapes, gated.geometry.to_numpy(), opened), water)


def _members(begun: demand_room.Starts, units: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
    """Return the start points with the units that their people are counted in."""
    table = begun.table.copy()
    for kind in ("community", "park", "factory"):
        inside = areas.locate(begun.home, units, kind)
        own = (table["unit_kind"] == kind).to_numpy()
        table[kind] = np.where(own, table["unit_id"], inside)
    table["districts"] = areas.districts_of(table, begun.home, units)
    return table.drop(columns=["unit_kind", "unit_id"])


def _placed(points: gpd.GeoDataFrame, units: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
    """Return service points with the community, park and factory that each stands in."""
    shapes = points.geometry.to_numpy()
    return points.assign(
        **{f"unit_{kind}": areas.locate(shapes, units, kind) for kind in ("community", "park", "factory")}
    )


def _with_snap(table: gpd.GeoDataFrame, linked: Mapping[str, pd.DataFrame]) -> gpd.GeoDataFrame:
    columns = {}
    for mode, rows in linked.items():
        columns[f"snap_m_{mode}"] = rows["snap_m"].to_numpy()
        columns[f"snap_status_{mode}"] = rows["snap_status"].to_numpy()
    return table.assign(**columns)


def _with_minutes(
    people: gpd.GeoDataFrame,
    points: gpd.GeoDataFrame,
    services: Iterable[ServiceType],
    *,
    networks: Mapping[str, Network],
    linked: Mapping[str, pd.DataFrame],
    served: Mapping[str, pd.DataFrame],
) -> gpd.GeoDataFrame:
    """Return demand with minutes to, and id of, the nearest facility of every service and ring."""
    columns: dict[str, object] = {}
    for service in services:
        mine = people["group"].isin(service.demand).to_numpy()
        for number, ring in enumerate(service.rings):
            theirs = working(served[ring.mode], points, service)
            found = reach(networks[ring.mode], theirs, limit=horizon(ring.limit), direction=service.direction)
            minutes, nearest = minutes_at(found, linked[ring.mode])
            columns[minutes_column(service, number)] = np.where(mine, minutes, np.nan)
            if number == 0:
                ids = np.append(theirs["id"].to_numpy(dtype=object), [None])
                named = ids[nearest]
                named[~mine] = None
                columns[f"nearest_{service.code}"] = named
    return people.assign(**columns)


def _exits(
    inputs: Inputs,
    networks: Mapping[str, Network],
    linked: Mapping[str, pd.DataFrame],
    services: Iterable[ServiceType],
    *,
    cap_m: float,
) -> dict[str, NDArray[np.float64]]:
    """Return the minutes of people to where streets leave the study's area, by mode."""
    if inputs.area is None:
        return {}
    furthest: dict[str, float] = {}
    for service in services:
        for ring in service.rings:
            furthest[ring.mode] = max(furthest.get(ring.mode, 0.0), ring.limit)
    border = shapely.boundary(inputs.area)
    shapely.prepare(border)
    found = {}
    for mode, limit in furthest.items():
        lines = networks[mode].lines
        crossing = shapely.get_parts(shapely.intersection(lines[shapely.intersects(border, lines)], border))
        places = crossing[shapely.get_type_id(crossing) == shapely.GeometryType.POINT]
        gates = snapping.snap(networks[mode], places, cap_m=cap_m)
        found[mode] = minutes_at(reach(networks[mode], gates, limit=limit), linked[mode])[0]
    return found


def _gaps(
    people: gpd.GeoDataFrame, points: gpd.GeoDataFrame, services: Iterable[ServiceType], table: gpd.GeoDataFrame
) -> gpd.GeoDataFrame:
    """Return the gaps of all services; people of units that cannot be judged are in none."""
    names = points.drop_duplicates("id").set_index("id")["name"]
    parts = [gaps.find(people, service, names, judged=adequacy.judged(people, service, table)) for service in services]
    filled = [part for part in parts if len(part)]
    if filled:
        return gpd.GeoDataFrame(pd.concat(filled, ignore_index=True), crs=people.crs)
    return parts[0] if parts else gaps.none(people)


def _repairs(inputs: Inputs, begun: demand_room.Starts, figures: pd.DataFrame) -> pd.DataFrame:
    """Return what the readers did, and what was decided about units."""
    told = [
        {"layer": layer, "source": "", "row": pd.NA, "id": "", "action": "told", "message": message}
        for layer, message in inputs.notes
    ]
    said: list[demand_room.Note | areas.Untidy | adequacy.Told] = [*begun.notes, *areas.untidy(inputs.units)]
    said += adequacy.told(figures)
    told += [
        {"layer": note.layer, "source": "", "row": pd.NA, "id": note.unit_id, "action": "told", "message": note.message}
        for note in said
    ]
    told += [
        {
            "layer": "parks" if kind == "park" else "factories",
            "source": "",
            "row": pd.NA,
            "id": unit_id,
            "action": "told",
            "message": Message(f"demand.gates_{source}"),
        }
        for (kind, unit_id), source in begun.gates_from.items()
        if source in {"crossings", "nearest"}
    ]
    if not told:
        return inputs.layers.repairs
    extra = pd.DataFrame(told)
    return pd.concat([inputs.layers.repairs.astype(object), extra.astype(object)], ignore_index=True)
