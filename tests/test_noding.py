"""What noding promises of any lines."""

from __future__ import annotations

from itertools import pairwise

import geopandas as gpd
import numpy as np
import pytest
import shapely
from hypothesis import given, settings, strategies as st
from worlds import METRIC, town

from geo import drawn
from geo.study_file import Noding

ORIGIN = (500_000.0, 2_800_000.0)
# On a raster of 20 m, so that lines meet, cross and miss each other often, and never by less than the tolerance.
SPOT = st.tuples(st.integers(0, 6), st.integers(0, 6))
LINE = st.lists(SPOT, min_size=2, max_size=4, unique=True)
LINES = st.lists(LINE, min_size=1, max_size=8)
QUICK = settings(max_examples=25, deadline=None)


def layer(lines: list[list[tuple[int, int]]], **columns: list[str]) -> gpd.GeoDataFrame:
    shapes = [shapely.LineString(20.0 * np.array(line) + ORIGIN) for line in lines]
    return gpd.GeoDataFrame(columns, geometry=shapes, crs=METRIC)


def noded(table: gpd.GeoDataFrame, rules: Noding | None = None) -> gpd.GeoDataFrame:
    return drawn.from_lines(table, crs=METRIC, where="x", rules=rules)


def shapes_of(table: gpd.GeoDataFrame) -> list[str]:
    return sorted(shapely.to_wkt(shapely.normalize(table.geometry.to_numpy()), rounding_precision=2))


@QUICK
@given(LINES)
def test_noding_keeps_the_length_and_every_line(lines: list[list[tuple[int, int]]]) -> None:
    table = layer(lines)
    found = noded(table)
    assert found.length.sum() == pytest.approx(table.length.sum(), abs=0.01)
    assert {*found["way"]} == {*range(1, len(lines) + 1)}
    assert shapely.hausdorff_distance(found.union_all(), table.union_all()) < 0.01


@QUICK
@given(LINES, st.randoms(use_true_random=False))
def test_the_order_of_lines_changes_nothing(lines: list[list[tuple[int, int]]], dice: object) -> None:
    mixed = list(lines)
    dice.shuffle(mixed)  # type: ignore[attr-defined]
    assert shapes_of(noded(layer(mixed))) == shapes_of(noded(layer(lines)))


@QUICK
@given(st.integers(-40, 40), st.floats(10, 170), st.sampled_from(["bridge", "tunnel"]))
def test_a_bridge_does_not_join_what_it_crosses(off_m: int, degrees: float, kind: str) -> None:
    way = np.array([np.cos(np.radians(degrees)), np.sin(np.radians(degrees))])
    crossing = shapely.LineString(np.array([[off_m, 0.0] - 80 * way, [off_m, 0.0] + 80 * way]) + ORIGIN)
    street = shapely.LineString(np.array([[-99.0, 0.0], [99.0, 0.0]]) + ORIGIN)
    table = gpd.GeoDataFrame({kind: ["", "yes"]}, geometry=[street, crossing], crs=METRIC)
    assert len(noded(table)) == 2
    assert len(noded(table.drop(columns=kind))) == 4


@QUICK
@given(st.lists(st.floats(0.01, 3.0), min_size=1, max_size=6), st.floats(0.2, 2.0))
def test_what_is_lost_is_told(sizes: list[float], join_m: float) -> None:
    """Lines end to end, some shorter than the tolerance: each is in the result, or counted as gone."""
    at = np.concatenate([[0.0, 50.0], 50.0 + np.cumsum(sizes), [50.0 + sum(sizes) + 50.0]])
    shapes = [shapely.LineString(np.array([[a, 0.0], [b, 0.0]]) + ORIGIN) for a, b in pairwise(at)]
    found = noded(gpd.GeoDataFrame(geometry=shapes, crs=METRIC), Noding(join_m=join_m, ask_m=0))
    gone = sum(int(message.values["count"]) for message in found.attrs["told"] if message.key == "streets.vanished")
    assert found["way"].nunique() + gone == len(shapes)
    assert len({*found["start_node"], *found["end_node"]}) == len(found) + 1  # still one chain


@pytest.mark.parametrize("seed", range(12))
def test_what_is_noded_is_left_as_it_is(seed: int) -> None:
    net = town(seed)
    once = drawn.from_lines(gpd.GeoDataFrame(geometry=net.lines, crs=net.crs), crs=net.crs, where="x")
    again = drawn.from_lines(once[["geometry"]], crs=net.crs, where="x")
    assert len(again) == len(once) > 10
    shapes = [sorted(shapely.to_wkb(shapely.normalize(some.geometry.to_numpy()))) for some in (once, again)]
    assert shapes[0] == shapes[1]


@pytest.mark.parametrize(("others", "key"), [(36, "open_ends"), (35, "open_ends_many")])
def test_more_than_one_end_in_twenty_open_is_doubtful(others: int, key: str) -> None:
    """Two pairs of lines with 3 m between them have 4 open ends: a twentieth of the 80 ends of 40 lines, more of 78."""
    xs = [(-99.0, 0.0), (3.0, 99.0)]
    lines = [[(west, north), (east, north)] for north in (0, 50) for west, east in xs]
    lines += [[(0, 1000 * n), (100, 1000 * n)] for n in range(1, others + 1)]
    shapes = [shapely.LineString(np.array(line) + ORIGIN) for line in lines]
    told = noded(gpd.GeoDataFrame(geometry=shapes, crs=METRIC)).attrs["told"]
    (found,) = [message for message in told if message.key.startswith("streets.open_ends")]
    assert (found.key, found.values["count"]) == (f"streets.{key}", 4)
