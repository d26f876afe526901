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
_SAME = 1e-9


def graphs(results: Results, frame: Frame, *, keys: Sequence[UnitKey], modes: list[str], lang: Lang) -> list[Any]:
    """Return one entry per mode that the page can search, in the order of the modes.

    Returns
    -------
    Each with `mode`, `links` of facilities and starts (`row`, `edge`, `at`, `leg`), and either `like` (the
    place of an earlier entry with the same streets) and `factor`, or its own arrays: see :func:`_arrays`.
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
        like = next(((i, factor) for i, other in own if (factor := _factor(other, graph)) is not None), None)
        if like is not None:
            entry |= {"like": like[0], "factor": like[1]}
        else:
            own.append((len(found), graph))
            entry |= _arrays(graph, order, place, frame, results.streets)
        found.append(entry)
    return found


def _places(streets: gpd.GeoDataFrame, lang: Lang) -> NDArray[np.int64]:
    """Return where the page holds each street piece."""
    order = ground.drawn_order(ground.grouped(streets, lang)[0])
    place = np.empty(len(order), dtype=np.int64)
    place[order] = np.arange(len(order))
    return place


def _factor(one: StreetGraph, other: StreetGraph) -> float | None:
    """Return by how much slower another mode uses the same streets everywhere, None where it does not."""
    if (one.piece is None) != (other.piece is None) or not (
        np.array_equal(one.start, other.start) and np.array_equal(one.end, other.end)
    ):
        return None
    if one.piece is not None and not np.array_equal(one.piece, other.piece):  # type: ignore[arg-type]
        return None
    total = float(other.minutes_forward[np.isfinite(other.minutes_forward)].sum())
    base = float(one.minutes_forward[np.isfinite(one.minutes_forward)].sum())
    factor = total / base if base else 1.0
    pairs = ((one.minutes_forward, other.minutes_forward), (one.minutes_backward, other.minutes_backward))
    same = all(np.allclose(mine * factor, theirs, rtol=_SAME, atol=0) for mine, theirs in pairs)
    return round(factor, 9) if same else None


def _arrays(
    graph: StreetGraph,
    order: NDArray[np.int64],
    place: NDArray[np.int64],
    frame: Frame,
    streets: gpd.GeoDataFrame,
) -> dict[str, Any]:
    """Return the edges, in the order of their lines.

    Returns
    -------
    `ends`: both junctions of each edge by turns, as steps back from the newest junction (0: a new one);
    `forward` and `backward` thousandths of minutes (-1 closed; `backward` None where equal); `line` the steps
    between the places of the lines among the streets, or None where the edges have `shapes` of their own;
    `islands` the edges on components too small to matter.
    """
    ends = np.column_stack([graph.start, graph.end])[order].ravel()
    _, first, number = np.unique(ends, return_index=True, return_inverse=True)
    is_new = np.zeros(len(ends), dtype=np.int64)
    is_new[first] = 1
    rank = np.cumsum(is_new)[first] - 1
    newest = np.cumsum(is_new) - is_new
    forward, backward = (_thousandths(minutes[order]) for minutes in (graph.minutes_forward, graph.minutes_backward))
    lines = None if graph.piece is None else np.diff(place[graph.piece][order], prepend=0).tolist()
    return {
        "ends": (newest - rank[number]).tolist(),
        "forward": forward.tolist(),
        "backward": None if np.array_equal(forward, backward) else backward.tolist(),
        "islands": np.flatnonzero(graph.island[order]).tolist(),
        "line": lines,
        "shapes": None if graph.piece is not None else _shapes(graph, order, frame, streets),
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
