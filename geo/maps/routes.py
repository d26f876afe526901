"""The streets as the page searches them: junctions, minutes, links; each list so that it packs well."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import geopandas as gpd
import numpy as np
import shapely

from geo.maps import cells, ground, shapes

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import pandas as pd
    from numpy.typing import NDArray

    from geo.maps.findings import UnitKey
    from geo.maps.shapes import Frame
    from geo.messages import Lang
    from geo.results import Results, StreetGraph

MINUTE_STEP = 1000  # whole thousandths of a minute: 0.06 s an edge, and they cancel out
_AT_DIGITS = 5
_LEG_DIGITS = 4
_RATIO_DIGITS = 9
_MOST_FACTORS = 16  # a speed for each class of street


def graphs(
    results: Results,
    frame: Frame,
    *,
    lines: Mapping[str, Any],
    keys: Sequence[UnitKey],
    modes: list[str],
    lang: Lang,
) -> list[Any]:
    """Return one entry per mode that the page can search, in the order of the modes; `lines` are the packed streets.

    Returns
    -------
    Each with `mode`, `links` of facilities and starts (`row`, `edge`, `at`, `leg`), `islands` (the edges on
    components too small to matter), its streets (or `like`, the place of an earlier entry with the same ones):
    see :func:`_streets`, and its minutes: see :func:`_minutes`.
    `row` of a start is the unit's place; `units` names the start that stands for each: its id in the demand and
    its place (x and y by turns).
    """
    place = _places(results.streets, lang)
    found: list[dict[str, Any]] = []
    own: list[tuple[int, StreetGraph]] = []
    for mode in (name for name in modes if name in results.graphs):
        graph = results.graphs[mode]
        order = np.arange(len(graph.start)) if graph.piece is None else np.argsort(place[graph.piece], kind="stable")
        entry: dict[str, Any] = {"mode": modes.index(mode), **_links(graph, order, results.demand, keys, frame)}
        entry["islands"] = np.flatnonzero(graph.island[order]).tolist()
        like = next(((i, other) for i, other in own if _same_streets(other, graph)), None)
        if like is None:
            own.append((len(found), graph))
            entry |= _streets(graph, order, place, frame, results.streets, lines)
        else:
            entry["like"] = like[0]
        entry |= (_factors(like[1], graph, order) if like is not None else None) or _minutes(graph, order)
        found.append(entry)
    return found


def _places(streets: gpd.GeoDataFrame, lang: Lang) -> NDArray[np.int64]:
    """Return where the page holds each street piece."""
    order = ground.drawn_order(ground.grouped(streets, lang)[0])
    place = np.empty(len(order), dtype=np.int64)
    place[order] = np.arange(len(order))
    return place


def _same_streets(one: StreetGraph, other: StreetGraph) -> bool:
    pairs = ((one.start, other.start), (one.end, other.end), (one.piece, other.piece))
    return all(
        (mine is None and theirs is None) or (mine is not None and theirs is not None and np.array_equal(mine, theirs))
        for mine, theirs in pairs
    )


def _factors(one: StreetGraph, other: StreetGraph, order: NDArray[np.int64]) -> dict[str, Any] | None:
    """Return how much slower another mode is on the same streets: few `factors`, and `factor_of` each edge.

    None where it is not a matter of few factors: where a street is closed to one of them, or slopes count.
    """
    mine = np.concatenate([one.minutes_forward[order], one.minutes_backward[order]])
    theirs = np.concatenate([other.minutes_forward[order], other.minutes_backward[order]])
    if not (np.isfinite(mine).all() and np.isfinite(theirs).all()) or np.any((mine == 0) != (theirs == 0)):
        return None
    ratio = np.round(np.divide(theirs, mine, out=np.ones_like(mine), where=mine > 0), _RATIO_DIGITS)
    forward, backward = np.split(ratio, 2)
    factors, of = np.unique(forward, return_inverse=True)
    if len(factors) > _MOST_FACTORS or not np.array_equal(forward, backward):
        return None
    return {"factors": factors.tolist(), "factor_of": of.tolist()}


def _minutes(graph: StreetGraph, order: NDArray[np.int64]) -> dict[str, Any]:
    """Return `forward` and `backward` thousandths of minutes (-1 closed; `backward` None where equal)."""
    forward, backward = (_thousandths(minutes[order]) for minutes in (graph.minutes_forward, graph.minutes_backward))
    return {
        "forward": forward.tolist(),
        "backward": None if np.array_equal(forward, backward) else backward.tolist(),
    }


def _streets(
    graph: StreetGraph,
    order: NDArray[np.int64],
    place: NDArray[np.int64],
    frame: Frame,
    streets: gpd.GeoDataFrame,
    lines: Mapping[str, Any],
) -> dict[str, Any]:
    """Return the edges, in the order of their lines.

    Returns
    -------
    `line` the steps between the places of the lines among the streets, or None where the edges have `shapes` of
    their own; `odd` and `odd_ends`, see :func:`_odd_ends`.
    """
    ends = np.column_stack([graph.start, graph.end])[order].ravel()
    if graph.piece is None:
        shown = _shapes(graph, order, frame, streets)
        line = np.arange(len(order))
    else:
        shown, line = {"lines": lines}, place[graph.piece][order]
    sizes = np.array(shown["lines"]["sizes"], dtype=np.int64)
    last = np.cumsum(sizes) - 1
    xy = np.cumsum(np.array(shown["lines"]["xy"], dtype=np.int64).reshape(-1, 2), axis=0)
    spots = xy[np.column_stack([last[line] - sizes[line] + 1, last[line]]).ravel()] if len(line) else xy
    return {
        **_odd_ends(ends, spots),
        "line": None if graph.piece is None else np.diff(line, prepend=0).tolist(),
        "shapes": None if graph.piece is not None else shown,
    }


def _odd_ends(ends: NDArray[np.int64], spots: NDArray[np.int64]) -> dict[str, list[int]]:
    """Return where the junctions of edges are not what the places of their lines' ends say.

    A line that ends where another did before ends at the same junction, else at a new one. `odd` are the ends
    (each as the step from the one before) for which that is wrong, as on bridges, and `odd_ends` their
    junctions, as steps back from the newest junction (0: a new one).

    Examples
    --------
    >>> spots = np.array([[0, 0], [5, 0], [5, 0], [9, 9]])
    >>> _odd_ends(np.array([7, 3, 3, 4]), spots), _odd_ends(np.array([7, 3, 8, 7]), spots)
    ({'odd': [], 'odd_ends': []}, {'odd': [2, 1], 'odd_ends': [0, 3]})
    """
    _, first, number = np.unique(ends, return_index=True, return_inverse=True)
    is_new = np.zeros(len(ends), dtype=bool)
    is_new[first] = True
    rank = np.cumsum(is_new)[first] - 1
    newest = np.cumsum(is_new) - is_new
    _, spot = np.unique(spots, axis=0, return_inverse=True)
    by_spot = np.argsort(spot, kind="stable")
    again = np.diff(spot[by_spot], prepend=-1) == 0
    before = np.full(len(ends), -1)
    before[by_spot[again]] = by_spot[np.flatnonzero(again) - 1]
    wrong = np.where(before >= 0, ends[before] != ends, ~is_new)
    odd = np.flatnonzero(wrong)
    return {
        "odd": np.diff(odd, prepend=0).tolist(),
        "odd_ends": (newest - rank[number])[odd].tolist(),
    }


def _thousandths(minutes: NDArray[np.float64]) -> NDArray[np.int64]:
    open_way = np.isfinite(minutes)
    return np.where(open_way, np.rint(np.where(open_way, minutes, 0.0) * MINUTE_STEP), -1).astype(np.int64)


def _shapes(graph: StreetGraph, order: NDArray[np.int64], frame: Frame, streets: gpd.GeoDataFrame) -> dict[str, Any]:
    lines = shapely.from_ragged_array(shapely.GeometryType.LINESTRING, graph.xy, (graph.offset,))
    series = gpd.GeoSeries(np.asarray(lines)[order], crs=streets.crs)
    return {"lines": shapes.pack(shapes.simple(shapes.lonlat(series)), frame)["lines"]}


def _links(
    graph: StreetGraph, order: NDArray[np.int64], demand: gpd.GeoDataFrame, keys: Sequence[UnitKey], frame: Frame
) -> dict[str, Any]:
    number = np.empty(len(order), dtype=np.int64)
    number[order] = np.arange(len(order))
    units = graph.units
    row = units["row"].to_numpy(dtype=np.int64)
    placed = gpd.GeoSeries(demand.geometry.iloc[row])
    spots = frame.whole(shapely.get_coordinates(shapes.lonlat(placed)))
    unit = np.array(cells.places(zip(units["unit_kind"], units["unit_id"], strict=True), keys), dtype=np.int64)
    return {
        "facilities": _columns(graph.facilities, number, graph.facilities["row"].to_numpy()),
        "starts": _columns(graph.starts, number, unit[graph.starts["row"].to_numpy(dtype=np.int64)]),
        "units": {
            "unit": unit.tolist(),
            "id": demand["id"].astype(str).to_numpy()[row].tolist(),
            "xy": spots.ravel().tolist(),
        },
    }


def _columns(links: pd.DataFrame, number: NDArray[np.int64], row: NDArray[np.int64]) -> Mapping[str, list[Any]]:
    return {
        "row": row.tolist(),
        "edge": number[links["edge"].to_numpy(dtype=np.int64)].tolist(),
        "at": cells.numbers(links, "at", _AT_DIGITS),
        "leg": cells.numbers(links, "leg", _LEG_DIGITS),
    }
