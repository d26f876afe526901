"""A study → its analysis: the order of the rooms and nothing else."""

from __future__ import annotations

from typing import TYPE_CHECKING

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

from geo import (
    adequacy,
    areas,
    barriers,
    bars,
    coverage,
    demand as demand_room,
    gaps,
    linked as linked_room,
    matches,
    measures,
    periods,
    quality,
    snapping,
    street_graph,
)
from geo.analysis import Analysis
from geo.coverage import minutes_column
from geo.errors import Fault, GeoValueError, InputFaultsError
from geo.inputs import Inputs, read_inputs
from geo.linked import Linked
from geo.messages import Message
from geo.study import Study, read_study
from geo.summary import summarise
from geo.travel_times import minutes_at, reach
from geo.units import horizon
from geo.zones import Zones, draw, working

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

    from geo.bars import Progress
    from geo.catalogue import ServiceType
    from geo.modes import Mode
    from geo.network import Network

COMBINE = ("dissolve", "each", "split")
CONTEXT = ("boundary", "water", "barriers", "gates", "venues")


def rehearse(study: Study, *, progress: Progress = bars.silent) -> tuple[Inputs, pd.DataFrame]:
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
    """Return how places are linked to the streets of each mode; modes on the same streets share one linking."""
    shapes = places.geometry.to_numpy()
    found: dict[str, pd.DataFrame] = {}
    for mode, net in networks.items():
        same = next((other for other in found if networks[other].same_streets(net)), None)
        found[mode] = found[same] if same else snapping.snap(net, shapes, cap_m=cap_m, barriers=fence)
    return found


def _starts(inputs: Inputs) -> demand_room.Starts:
    gates = inputs.layers.tables["gates"]
    return demand_room.starts(inputs.units, inputs.streets, gates=gates, cells=inputs.cells)


def evaluated(study: Study, points: gpd.GeoDataFrame) -> dict[str, ServiceType]:
    """Return the types to evaluate: those with a row, and those that the study file names."""
    present = {*points["type"], *study.asked}
    return {code: service for code, service in study.services.items() if code in present}


def analyse(study: Study | str | Path, *, combine: str = "dissolve", progress: Progress | None = None) -> Analysis:
    """Compute coverage, gaps and isochrones of a study.

    Parameters
    ----------
    study
        From :func:`geo.read_study`, or the path that it takes.
    combine
        Isochrones to add to the dissolved ones: `dissolve` (none), `each` (one a facility) or
        `split` (divided by the nearest facility).
    progress
        Told each step; by default a bar shows it in a terminal and in a notebook, and nothing elsewhere.

    Returns
    -------
    Analysis
        All tables are in the study's metric CRS; see :class:`geo.results.Results`.

    Raises
    ------
    InputFaultsError
        With every fault that keeps the study from being computed.

    Examples
    --------
    >>> analysis = geo.analyse(geo.read_study(county))
    >>> whole = analysis.coverage.query("unit_kind == 'study' and limit_minutes == 15")
    >>> whole[["service", "mode", "demand", "people", "people_served"]]
              service   mode     demand  people  people_served
    13    gig_station   walk  residents  2000.0         1940.0
    28    gig_station   walk    workers   500.0          250.0
    43    gig_station  ebike  residents  2000.0         2000.0
    58    gig_station  ebike    workers   500.0          500.0
    73  canteen_elder  elder     elders   300.0          229.0
    """
    if combine not in COMBINE:
        msg = f"combine={combine!r}; accepted are {', '.join(COMBINE)}"
        raise GeoValueError(msg)
    study = study if isinstance(study, Study) else read_study(study)
    if progress is None:
        with bars.bar() as shown:
            return _analysed(study, combine, shown)
    return _analysed(study, combine, progress)


def _analysed(study: Study, combine: str, progress: Progress) -> Analysis:
    """Return the analysis of a study: the order of the rooms."""
    previous = periods.previous_of(study)
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
    walk = study.modes["walk"]
    flat = measures.walked_flat(_pieces(inputs, walk), walk, island_m=study.adequacy.island_m)
    people = measures.with_metres(
        people, points, timed, flat, modes=study.modes, linked=linked["walk"], served=served["walk"]
    )
    progress(Message("run.surfaces"), 0.4)
    links = Linked(
        Zones(networks, served, linked, fence, cap_m),
        inputs.streets,
        inputs.slopes,
        inputs.area,
        tuple(sorted(begun.unknown)),
    )
    zones = draw(
        links.zones,
        timed,
        people,
        points,
        combine=combine,
        progress=lambda done: progress(Message("run.surfaces"), 0.4 + 0.4 * done),
    )
    progress(Message("run.coverage"), 0.8)
    known = _known(study, inputs, begun, people, timed)
    exits = links.exits([ring for service in timed for ring in service.rings])
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
    by_standards = measures.table(
        people,
        points,
        inputs.units,
        timed,
        modes=study.modes,
        membership=known.membership,
        place=known.place,
        adequacy=study.adequacy,
        unknown=begun.unknown,
        exits=measures.exits(links, people, timed, flat, study.modes),
    )
    asked = [service for service in services.values() if service.test == "presence"]
    table = _stacked([table, coverage.presence(inputs.units, points, asked)])
    found = _gaps(people, points, timed, table)
    usable = matches.table(
        found,
        people,
        points,
        inputs.layers.tables["venues"],
        timed,
        networks=networks,
        linked=linked,
        fence=fence,
        cap_m=cap_m,
    )
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
        standards=by_standards,
        gaps=found,
        zones=zones,
        networks=networks,
        repairs=repairs,
        unknown=begun.unknown,
        figures=known.figures,
    )
    limits = {service.code: service.limit for service in timed}
    since = periods.carry(study, found, people, units, points, limits=limits, summary=summary, previous=previous)
    summary |= {"previous": since.previous, "warnings": [*summary["warnings"], *since.told]}
    return Analysis(
        study=study,
        services=services,
        units=units,
        service_points=points,
        demand=people,
        coverage=table,
        gaps=since.gaps,
        isochrones=zones.isochrones,
        drawing=zones.drawing,
        surfaces=zones.surfaces,
        streets=inputs.streets,
        context={name: inputs.layers.tables[name] for name in CONTEXT if name in inputs.layers.tables},
        repairs=repairs,
        summary=summary,
        standards=by_standards,
        matches=usable,
        comparison=since.comparison,
        changes=since.changes,
        ledger=since.ledger,
        gaps_past=since.past,
        ledger_found=since.found,
        linked=links,
        graphs=street_graph.graphs(
            networks,
            linked=linked,
            served=served,
            people=people,
            points=points,
            services=timed,
            cut=frozenset(mode for mode in networks if inputs.slopes is not None and study.modes[mode].slope),
        ),
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
            found[name] = linked_room.build_network(
                inputs.streets, inputs.slopes, study.modes[name], island_m=study.adequacy.island_m
            )
        except GeoValueError:
            lacking.append(name)
    if lacking:
        where = ", ".join(source.label for source in study.layers.streets)
        why = Message("run.no_street_for", {"modes": ", ".join(lacking)})
        raise InputFaultsError([Fault(f"{where} (streets)", why)])
    return found


def _pieces(inputs: Inputs, mode: Mode) -> gpd.GeoDataFrame:
    """Return the street pieces that the network of a mode is built of."""
    return inputs.streets if inputs.slopes is None or not mode.slope else inputs.slopes.pieces


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


def _gaps(
    people: gpd.GeoDataFrame, points: gpd.GeoDataFrame, services: Iterable[ServiceType], table: gpd.GeoDataFrame
) -> gpd.GeoDataFrame:
    """Return the gaps of all services; people of units that cannot be judged are in none."""
    names = points.drop_duplicates("id").set_index("id")["name"]
    own = adequacy.own_units(people)
    parts = [gaps.find(people, service, names, judged=adequacy.judged(own, service, table)) for service in services]
    filled = [part for part in parts if len(part)]
    if filled:
        return gpd.GeoDataFrame(pd.concat(filled, ignore_index=True), crs=people.crs)
    return parts[0] if parts else gaps.none(people)


def _repairs(inputs: Inputs, begun: demand_room.Starts, figures: pd.DataFrame) -> pd.DataFrame:
    """Return what the readers did, and what was decided about units."""
    told = [
        {"layer": layer, "source": "", "row": pd.NA, "id": "", "action": action, "message": message}
        for layer, message in inputs.notes
        for action in ["doubtful" if message.key in quality.DOUBTED else "told"]
    ]
    said: list[tuple[demand_room.Note | areas.Untidy | adequacy.Told, str]] = [
        *((note, "told") for note in begun.notes),
        *((note, note.action) for note in areas.untidy(inputs.units)),
        *((note, "told") for note in adequacy.told(figures)),
    ]
    told += [
        {"layer": note.layer, "source": "", "row": pd.NA, "id": note.unit_id, "action": action, "message": note.message}
        for note, action in said
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
