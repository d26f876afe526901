"""Where the people start: residents, elders and workers as weighted points, each person counted once.

Residents by raster (the units' totals rule, the raster distributes them), else along residential
streets every 50 m, else along all streets. Workers come from factories; a park adds only its workers
beyond those of the factories inside it. Workers start at gates.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

from geo import crs as crs_room, population
from geo.errors import GeoValueError
from geo.messages import Message

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from geo.population import Cells

SPACING_M = 50.0
RESIDENTIAL = ("residential", "living_street")
NOT_WALKED = ("motorway", "motorway_link")


class Note(NamedTuple):
    """What was decided for one unit, for the repair report."""

    layer: str
    unit_id: str
    message: Message


class Starts(NamedTuple):
    """Weighted start points.

    Attributes
    ----------
    table
        Columns `id`, `people`, `group`, `unit_kind`, `unit_id` (the unit that the people are of, ""
        for cells outside all) and `geometry`, the place where they start.
    home
        (n,) Points that say in which units the people are counted: a worker starts at the gate but
        belongs where the factory stands.
    notes
        What was decided.
    unknown
        (kind, id, group) of units whose people of a group are not known: they cannot be judged.
    gates_from
        (kind, id) of a unit → `gates` | `crossings` | `nearest` | `point`, for units of workers.
    """

    table: gpd.GeoDataFrame
    home: NDArray[np.object_]
    notes: list[Note]
    gates_from: dict[tuple[str, str], str]
    unknown: frozenset[tuple[str, str, str]]


class _Part(NamedTuple):
    """Points of one unit and group."""

    ids: Sequence[str]
    people: NDArray[np.float64]
    group: str
    unit_kind: str
    unit_id: str
    points: NDArray[np.object_]
    home: NDArray[np.object_]


def apportion(total: float, weights: NDArray[np.float64]) -> NDArray[np.float64]:
    """Share out a total by weights; a whole total stays whole people (largest remainder).

    Parameters
    ----------
    total
        People.
    weights
        (n,) not negative; all zero counts as all equal.

    Returns
    -------
    (n,) shares that sum to the total: exactly if it is whole.

    Examples
    --------
    >>> apportion(10, np.array([1.0, 1.0, 1.0])).tolist()
    [4.0, 3.0, 3.0]
    """
    if not len(weights):
        msg = "people cannot be shared out over no place"
        raise GeoValueError(msg)
    plain = weights if weights.sum() > 0 else np.ones(len(weights))
    exact = total * (plain / plain.sum())
    if total != np.floor(total):
        return np.asarray(exact, dtype=np.float64)
    whole = np.floor(exact)
    left = round(total - whole.sum())
    order = np.argsort(-(exact - whole), kind="stable")
    whole[order[:left]] += 1.0
    return np.asarray(whole, dtype=np.float64)


def along_streets(
    polygon: shapely.Geometry, streets: gpd.GeoDataFrame, tree: shapely.STRtree
) -> tuple[NDArray[np.object_], NDArray[np.float64]]:
    """Return points every 50 m along the streets inside a polygon, with the metres each stands for.

    Residential streets if there are any inside, else all that one may walk, else the middle of the
    polygon.
    """
    near = np.sort(tree.query(polygon, predicate="intersects"))
    walked = near[~streets["highway"].iloc[near].isin(NOT_WALKED).to_numpy()]
    homes = walked[streets["highway"].iloc[walked].isin(RESIDENTIAL).to_numpy()]
    for chosen in (homes, walked):
        inside = shapely.intersection(streets.geometry.to_numpy()[chosen], polygon)
        parts = shapely.get_parts(inside)
        parts = parts[shapely.length(parts) > 0]
        if len(parts):
            length_m = shapely.length(parts)
            count = np.maximum(np.rint(length_m / SPACING_M), 1).astype(int)
            line = np.repeat(np.arange(len(parts)), count)
            place = np.arange(len(line)) - np.repeat(np.cumsum(count) - count, count) + 0.5
            step = (length_m / count)[line]
            return shapely.line_interpolate_point(parts[line], place * step), step
    return np.array([shapely.point_on_surface(polygon)], dtype=object), np.ones(1)


def starts(
    units: gpd.GeoDataFrame,
    streets: gpd.GeoDataFrame,
    *,
    gates: gpd.GeoDataFrame,
    cells: Cells | None = None,
) -> Starts:
    """Return where everybody starts.

    Parameters
    ----------
    units
        `schema.UNITS`, metric CRS.
    streets
        `schema.STREETS`, same CRS.
    gates
        Points with `unit_id`, same CRS.
    cells
        Raster people in the study area (:func:`geo.population.read_cells`), same CRS.
    """
    crs_room.require_same(units, streets)
    notes: list[Note] = []
    unknown: set[tuple[str, str, str]] = set()
    gates_from: dict[tuple[str, str], str] = {}
    tree = shapely.STRtree(streets.geometry.to_numpy())
    parts = _residents(units, streets, tree, cells, notes, unknown)
    parts += _workers(units, streets, tree, gates, notes, gates_from, unknown)
    return Starts(_table(parts, units), _homes(parts), notes, gates_from, frozenset(unknown))


def _homes(parts: list[_Part]) -> NDArray[np.object_]:
    empty = np.array([], dtype=object)
    return np.concatenate([empty, *(part.home for part in parts)])


def _table(parts: list[_Part], units: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
    empty = np.array([], dtype=object)
    size = [len(part.ids) for part in parts]
    data = {
        "id": np.array([name for part in parts for name in part.ids], dtype=object),
        "people": np.concatenate([np.array([]), *(part.people for part in parts)]),
        "group": np.repeat(np.array([part.group for part in parts], dtype=object), size),
        "unit_kind": np.repeat(np.array([part.unit_kind for part in parts], dtype=object), size),
        "unit_id": np.repeat(np.array([part.unit_id for part in parts], dtype=object), size),
    }
    points = np.concatenate([empty, *(part.points for part in parts)])
    return gpd.GeoDataFrame(data, geometry=points, crs=units.crs)


def _residents(
    units: gpd.GeoDataFrame,
    streets: gpd.GeoDataFrame,
    tree: shapely.STRtree,
    cells: Cells | None,
    notes: list[Note],
    unknown: set[tuple[str, str, str]],
) -> list[_Part]:
    """Return residents and elders, community by community, then the cells outside all."""
    communities = units[units["unit_kind"] == "community"]
    owner = population.owners(cells, communities) if cells is not None else np.array([], dtype=np.int64)
    parts: list[_Part] = []
    for number, unit in enumerate(communities.itertuples(index=False)):
        mine = np.flatnonzero(owner == number)
        if cells is not None and len(mine):
            ids, points, weights = cells.ids[mine], cells.points[mine], cells.people[mine]
        elif unit.geometry is not None and unit.own_outline:
            points, weights = along_streets(unit.geometry, streets, tree)
            ids = np.array([f"{unit.unit_id}-{n}" for n in range(1, len(points) + 1)], dtype=object)
        else:
            ids, points, weights = (
                np.array([unit.unit_id], dtype=object),
                np.array([unit.geometry], dtype=object),
                np.ones(1),
            )
        total = unit.population
        if np.isnan(total) and len(mine):
            total = float(weights.sum())
        elif len(mine):
            factor = total / weights.sum()
            notes.append(Note("communities", unit.unit_id, Message("demand.factor", {"factor": f"{factor:.4f}"})))
        if np.isnan(total) and cells is not None:
            continue  # the raster knows of nobody there
        if np.isnan(total):
            notes.append(Note("communities", unit.unit_id, Message("demand.no_population")))
            unknown.add(("community", unit.unit_id, "residents"))
            parts += _elders(unit, ids, weights, points)
            continue
        people = weights if np.isnan(unit.population) else apportion(total, weights)
        parts += _with_elders(unit, ids, people, points, notes)
    elders = communities["elders"].isna()
    if not elders.all():
        unknown |= {("community", unit_id, "elders") for unit_id in communities.loc[elders, "unit_id"]}
    if cells is not None:
        rest = np.flatnonzero(owner < 0)
        parts.append(
            _Part(
                list(cells.ids[rest]), cells.people[rest], "residents", "", "", cells.points[rest], cells.points[rest]
            )
        )
    return parts


def _with_elders(
    unit: tuple[object, ...],
    ids: NDArray[np.object_],
    people: NDArray[np.float64],
    points: NDArray[np.object_],
    notes: list[Note],
) -> list[_Part]:
    """Return the residents of one community and, where their number is known, its elders."""
    unit_id, elders = str(unit.unit_id), float(unit.elders)  # type: ignore[attr-defined]
    keep = people > 0
    if elders > people.sum():
        notes.append(Note("communities", unit_id, Message("demand.elders_more", {"elders": f"{elders:g}"})))
    residents = _Part(list(ids[keep]), people[keep], "residents", "community", unit_id, points[keep], points[keep])
    return [residents, *_elders(unit, ids, people, points)]


def _elders(
    unit: tuple[object, ...], ids: NDArray[np.object_], weights: NDArray[np.float64], points: NDArray[np.object_]
) -> list[_Part]:
    """Return the elders of one community where all its people live; nothing where their number is not known."""
    unit_id, elders = str(unit.unit_id), float(unit.elders)  # type: ignore[attr-defined]
    if np.isnan(elders):
        return []
    older = apportion(elders, weights)
    old = older > 0
    names = [f"{name}:elders" for name in ids[old]]
    return [_Part(names, older[old], "elders", "community", unit_id, points[old], points[old])]


def _workers(
    units: gpd.GeoDataFrame,
    streets: gpd.GeoDataFrame,
    tree: shapely.STRtree,
    gates: gpd.GeoDataFrame,
    notes: list[Note],
    gates_from: dict[tuple[str, str], str],
    unknown: set[tuple[str, str, str]],
) -> list[_Part]:
    """Return the workers of factories, and of parks those beyond their factories."""
    factories = units[units["unit_kind"] == "factory"]
    parks = units[units["unit_kind"] == "park"]
    inside = _factory_workers_inside(parks, factories)
    stated = _stated(gates)
    parts: list[_Part] = []
    for unit in pd.concat([factories, parks]).itertuples(index=False):
        people = unit.workers
        layer = "factories" if unit.unit_kind == "factory" else "parks"
        if np.isnan(people):
            if layer == "factories" or not inside.get(unit.unit_id):
                notes.append(Note(layer, unit.unit_id, Message("demand.no_workers")))
                unknown.add((unit.unit_kind, unit.unit_id, "workers"))
            continue
        if unit.unit_kind == "park":
            counted = inside.get(unit.unit_id, 0.0)
            if counted > people:
                notes.append(
                    Note(
                        layer,
                        unit.unit_id,
                        Message("demand.park_less", {"park": f"{people:g}", "factories": f"{counted:g}"}),
                    )
                )
            people = max(people - counted, 0.0)
        points, source = _gates(stated.get(unit.unit_id), unit.geometry, bool(unit.own_outline), streets, tree)
        gates_from[unit.unit_kind, unit.unit_id] = source
        shares = apportion(people, np.ones(len(points)))
        home = shapely.point_on_surface(unit.geometry) if unit.geometry is not None else None
        one = len(points) == 1
        names = [f"{unit.unit_id}:workers" if one else f"{unit.unit_id}:workers-{n}" for n in range(1, len(points) + 1)]
        some = shares > 0
        ids = [name for name, kept in zip(names, some, strict=True) if kept]
        homes = np.full(int(some.sum()), home, dtype=object)
        parts.append(_Part(ids, shares[some], "workers", unit.unit_kind, unit.unit_id, points[some], homes))
    return parts


def _factory_workers_inside(parks: gpd.GeoDataFrame, factories: gpd.GeoDataFrame) -> dict[str, float]:
    """Return park id → workers of the factories inside it (each factory in the first park that has it)."""
    places = shapely.point_on_surface(factories.geometry.to_numpy())
    row, park = shapely.STRtree(parks.geometry.to_numpy()[parks["own_outline"].to_numpy()]).query(
        places, predicate="intersects"
    )
    order = np.lexsort((park, row))
    first = order[np.unique(row[order], return_index=True)[1]]
    workers = factories["workers"].fillna(0.0).to_numpy()[row[first]]
    ids = parks["unit_id"].to_numpy()[parks["own_outline"].to_numpy()][park[first]]
    found = pd.Series(workers, index=ids).groupby(level=0).sum()
    return {str(unit_id): float(people) for unit_id, people in found.items()}


def _stated(gates: gpd.GeoDataFrame) -> dict[str, NDArray[np.object_]]:
    """Return unit → its gates that have a place."""
    if not len(gates) or "unit_id" not in gates.columns:
        return {}
    shapes = gates.geometry.to_numpy()
    placed = ~(shapely.is_missing(shapes) | shapely.is_empty(shapes))
    shapes = shapes[placed]
    number, ids = pd.factorize(gates["unit_id"][placed])
    return {unit_id: shapes[number == at] for at, unit_id in enumerate(ids.tolist())}


def _gates(
    stated: NDArray[np.object_] | None,
    shape: shapely.Geometry | None,
    areal: bool,  # noqa: FBT001 - belongs to the shape
    streets: gpd.GeoDataFrame,
    tree: shapely.STRtree,
) -> tuple[NDArray[np.object_], str]:
    """Return where the workers of a unit start, and how that was found."""
    if stated is not None:
        return stated, "gates"
    if shape is None or not areal:
        return np.array([shape], dtype=object), "point"
    near = np.sort(tree.query(shape, predicate="intersects"))
    walked = near[~streets["highway"].iloc[near].isin(NOT_WALKED).to_numpy()]
    crossing = shapely.intersection(streets.geometry.to_numpy()[walked], shapely.boundary(shape))
    points = shapely.get_parts(crossing)
    points = points[(shapely.get_type_id(points) == shapely.GeometryType.POINT) & ~shapely.is_empty(points)]
    if len(points):
        xy = np.unique(np.round(shapely.get_coordinates(points), 3), axis=0)
        return shapely.points(xy), "crossings"
    nearest = tree.query_nearest(shape, all_matches=False)
    if len(nearest):
        street = streets.geometry.to_numpy()[nearest[0]]
        return np.array([shapely.get_point(shapely.shortest_line(shape, street), 0)], dtype=object), "nearest"
    return np.array([shapely.point_on_surface(shape)], dtype=object), "point"
