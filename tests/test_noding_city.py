"""Porto Alegre's streets as a careless draughtsman would have drawn them give the same minutes.

Half a metre also moves streets nearer to a point than others that lay as near before (one facility has two streets
4.32 and 4.39 m away): it may then be linked to the other one, whoever finds the junctions. So what is noded is held to
the file as it stands for people whom no such tie concerns, in every drawing, and for all people in most drawings; and
to the file's own junctions on the same careless drawing, which is noding alone.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import geopandas as gpd
import numpy as np
import pandas as pd
import pyproj
import pytest
import shapely

from geo import drawn, modes, network, osm, pieces, queries, schema, streets

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

METRIC = pyproj.CRS.from_epsg(31982)
JITTER_M = 0.5
HORIZON = 60  # minutes, as a study computes them for a limit of 15


def cut_at_random(xy: NDArray[np.float64], offsets: NDArray[np.int64], seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Return lines cut once each, somewhere: vertices, and the first vertex of each half."""
    dice = np.random.default_rng(seed)
    sizes = np.diff(offsets)
    at = offsets[:-1] + (dice.random(len(sizes)) * (sizes - 1)).astype(np.int64)
    along = dice.uniform(0.1, 0.9, len(sizes))[:, None]
    point = xy[at] + along * (xy[at + 1] - xy[at])
    cut = np.insert(xy, np.repeat(at + 1, 2), np.repeat(point, 2, axis=0), axis=0)
    firsts = offsets[:-1] + 2 * np.arange(len(sizes))
    second = at + 2 + 2 * np.arange(len(sizes))
    ends = np.append(np.sort(np.concatenate([firsts, second])), len(cut))
    return cut, ends


def drawn_carelessly(file: Path, *, each_vertex: bool = False, seed: int = 7) -> gpd.GeoDataFrame:
    """Return a city's ways as a line layer without shared vertices: cut at random, every half moved by up to 0.5 m."""
    ways = osm.read(file, where="x").ways
    move = pyproj.Transformer.from_crs(4326, METRIC, always_xy=True)
    xy, offsets = cut_at_random(np.column_stack(move.transform(*ways.lonlat.T)), ways.offsets, seed)
    dice = np.random.default_rng(seed + 1)
    count = len(xy) if each_vertex else len(offsets) - 1
    angle, far = dice.uniform(0, 2 * np.pi, count), JITTER_M * np.sqrt(dice.random(count))
    shift = far[:, None] * np.column_stack([np.cos(angle), np.sin(angle)])
    xy = xy + (shift if each_vertex else np.repeat(shift, np.diff(offsets), axis=0))
    lines = shapely.from_ragged_array(shapely.GeometryType.LINESTRING, xy, (offsets,))
    tags = {name: np.repeat(values, 2) for name, values in ways.tags.items()}
    return gpd.GeoDataFrame(tags, geometry=lines, crs=METRIC)


def with_the_files_junctions(file: Path, lines: gpd.GeoDataFrame, seed: int) -> gpd.GeoDataFrame:
    """Return pieces of the careless drawing that meet where the file says; barriers are in no line layer."""
    ways = osm.read(file, where="x").ways
    dice = np.random.default_rng(seed)
    sizes = np.diff(ways.offsets)
    at = ways.offsets[:-1] + (dice.random(len(sizes)) * (sizes - 1)).astype(np.int64)
    cut = np.repeat(ways.vertex.max() + 1 + np.arange(len(sizes)), 2)
    vertex = np.insert(ways.vertex, np.repeat(at + 1, 2), cut)
    xy, line_of = shapely.get_coordinates(lines.geometry.to_numpy(), return_index=True)
    offsets = np.searchsorted(line_of, np.arange(len(lines) + 1))
    lonlat = np.column_stack(pyproj.Transformer.from_crs(METRIC, 4326, always_xy=True).transform(*xy.T))
    tags = {name: np.repeat(values, 2) for name, values in ways.tags.items()}
    drawing = osm.Ways(vertex, lonlat, offsets, np.arange(len(lines)), tags)
    cuts = pieces.cut(drawing)
    silent = pieces.silent((*schema.STREET_TURNS, *schema.STREET_SHUT), len(cuts.way))
    table = pieces.table_of(drawing, cuts, pieces.lengths_m(drawing, cuts), silent)
    return gpd.GeoDataFrame(table, geometry=pieces.lines_of(xy, cuts), crs=METRIC)


def share_alike(found: NDArray[np.float64], true: NDArray[np.float64], people: NDArray[np.float64]) -> float:
    """Return the share of people whose minutes differ by less than 0.1."""
    both = np.isinf(found) & np.isinf(true)
    differs = np.abs(np.where(both, 0.0, found) - np.where(both, 0.0, true))
    return float(people[differs < 0.1].sum() / people.sum())


def people_of(folder: Path) -> gpd.GeoDataFrame:
    table = pd.read_csv(folder / "poa_hexgrid.csv")
    return gpd.GeoDataFrame(table, geometry=gpd.points_from_xy(table["lon"], table["lat"]), crs=4326).to_crs(METRIC)


def minutes(table: gpd.GeoDataFrame, people: gpd.GeoDataFrame) -> pd.DataFrame:
    net = network.build(table, modes.BUILTIN["walk"])
    return queries.nearest_minutes(net, people, people[people["healthcare"] > 0], limit=HORIZON)


def minutes_of(found: pd.DataFrame) -> NDArray[np.float64]:
    return found["minutes"].to_numpy(dtype=np.float64)


def tied(table: gpd.GeoDataFrame, places: gpd.GeoDataFrame) -> NDArray[np.bool_]:
    """Return which places have a second street elsewhere that is no more than two jitters farther than the nearest."""
    net = network.build(table, modes.BUILTIN["walk"])
    lines = shapely.from_ragged_array(shapely.GeometryType.LINESTRING, net.xy, (net.offset,))
    tree, points = shapely.STRtree(lines), places.geometry.to_numpy()
    place, nearest = tree.query_nearest(points, all_matches=False)
    feet, far = np.empty((len(points), 2)), np.full(len(points), -2 * JITTER_M)
    feet[place] = foot(points[place], lines[nearest])
    far[place] = shapely.distance(points[place], lines[nearest])
    place, other = tree.query(shapely.buffer(points, far + 2 * JITTER_M), predicate="intersects")
    elsewhere = np.hypot(*(foot(points[place], lines[other]) - feet[place]).T) > 4 * JITTER_M
    return np.bincount(place[elsewhere], minlength=len(points)) > 0


def foot(points: NDArray[np.object_], lines: NDArray[np.object_]) -> NDArray[np.float64]:
    """Return where points would step onto lines."""
    return shapely.get_coordinates(shapely.line_interpolate_point(lines, shapely.line_locate_point(lines, points)))


@pytest.mark.slow
def test_porto_alegre_drawn_carelessly_gives_the_same_minutes(shared: Path) -> None:
    folder = shared / "data" / "portoalegre"
    file = folder / "poa_osm.pbf"
    people = people_of(folder)
    weight = people["population"].to_numpy()
    table = streets.read_osm(file, crs=METRIC)
    true = minutes(table, people)
    assert np.isfinite(minutes_of(true)).sum() > 900
    ties = np.append(tied(table, people), False)  # the last answers for "no facility"
    assert weight[ties[:-1]].sum() < 0.1 * weight.sum()
    shares = []
    for seed in range(1, 11):
        found = minutes(drawn.from_lines(drawn_carelessly(file, seed=seed), crs=METRIC, where="x"), people)
        concerned = ties[:-1].copy()
        for nearest in (found["nearest"], true["nearest"]):
            concerned |= ties[people.index.get_indexer(nearest)]
        alone = ~concerned
        apart = share_alike(minutes_of(found)[alone], minutes_of(true)[alone], weight[alone])
        assert apart >= 0.995, (seed, apart)
        shares.append(share_alike(minutes_of(found), minutes_of(true), weight))
    assert np.median(shares) >= 0.99, shares
    assert min(shares) >= 0.98, shares


@pytest.mark.slow
@pytest.mark.parametrize("seed", [7, 3, 6])
def test_what_is_noded_meets_where_the_file_says(shared: Path, seed: int) -> None:
    folder = shared / "data" / "portoalegre"
    file = folder / "poa_osm.pbf"
    people = people_of(folder)
    lines = drawn_carelessly(file, seed=seed)
    found = minutes(drawn.from_lines(lines, crs=METRIC, where="x"), people)
    same_drawing = minutes(with_the_files_junctions(file, lines, seed), people)
    share = share_alike(minutes_of(found), minutes_of(same_drawing), people["population"].to_numpy())
    assert share >= 0.99
