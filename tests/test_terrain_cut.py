from __future__ import annotations

import itertools
import math
from typing import TYPE_CHECKING, Any

import numpy as np
import pyproj
import pytest
import shapely
from hypothesis import given, strategies as st
from worlds import EAST, HIKER, NORTH, street, street_table

from geo import network, schema, streets, terrain
from geo.errors import GeoValueError

if TYPE_CHECKING:
    from pathlib import Path

    import geopandas as gpd


def ends(table: gpd.GeoDataFrame) -> list[tuple[int, int]]:
    return list(zip(table["start_node"], table["end_node"], strict=True))


def drawn(table: gpd.GeoDataFrame) -> list[list[tuple[float, float]]]:
    """Local coordinates."""
    return [np.round(shapely.get_coordinates(line) - (EAST, NORTH), 6).tolist() for line in table.geometry]


def test_parts_are_equal_and_nodes_follow_the_old() -> None:
    table = street_table(
        [street((0, 0), (250, 0), name="a"), street((250, 0), (250, 100)), street((250, 0), (500, 0), way=77)]
    )
    cut = terrain.cut(table)
    assert ends(table) == [(0, 1), (1, 2), (1, 3)]
    assert ends(cut) == [(0, 4), (4, 5), (5, 1), (1, 2), (1, 6), (6, 7), (7, 3)]
    assert cut["length_m"].tolist() == pytest.approx([250 / 3] * 3 + [100] + [250 / 3] * 3)
    assert cut["way"].tolist() == [1, 1, 1, 2, 77, 77, 77]
    assert cut["name"].tolist() == ["a", "a", "a", "", "", "", ""]
    third = round(250 / 3, 6), round(500 / 3, 6)
    assert drawn(cut)[:3] == [[[0, 0], [third[0], 0]], [[third[0], 0], [third[1], 0]], [[third[1], 0], [250, 0]]]
    assert list(cut.columns) == list(table.columns)
    assert cut.crs == table.crs
    assert cut.index.tolist() == list(range(7))


def test_a_curved_street_keeps_its_corners() -> None:
    """300 m around two corners; the second cut falls on a corner."""
    table = street_table([street((0, 0), (60, 0), (60, 140), (0, 140), (0, 180))])
    cut = terrain.cut(table)
    assert drawn(cut) == [
        [[0, 0], [60, 0], [60, 40]],
        [[60, 40], [60, 140]],
        [[60, 140], [0, 140], [0, 180]],
    ]
    assert cut["length_m"].tolist() == [100, 100, 100]


def test_a_loop_is_cut_like_any_street() -> None:
    table = street_table([street((0, 0), (100, 0), (100, 100), (0, 100), (0, 0))])
    cut = terrain.cut(table, every_m=150.0)
    assert ends(cut) == [(0, 1), (1, 2), (2, 0)]
    assert sum(cut["length_m"]) == 400


def test_bridges_and_tunnels_stay_whole() -> None:
    tags = [{"bridge": "yes"}, {"tunnel": "yes"}, {"bridge": "no"}, {"tunnel": "building_passage"}]
    table = street_table([street((0, row), (200, row), **tag) for row, tag in enumerate(tags)])
    assert terrain.cut(table)["way"].tolist() == [1, 2, 3, 3, 4, 4]


def test_what_is_told_of_an_end_stays_at_that_end() -> None:
    table = street_table(
        [
            street((0, 0), (300, 0), no_turn_start="7", no_turn_end="8;9", oneway="-1"),
            street((300, 0), (300, 50), no_turn_start="5", no_turn_end="6"),
        ]
    )
    cut = terrain.cut(table)
    assert cut["no_turn_start"].tolist() == ["7", "", "", "5"]
    assert cut["no_turn_end"].tolist() == ["", "", "8;9", "6"]
    assert cut["oneway"].tolist() == ["-1", "-1", "-1", ""]
    bare = table.drop(columns=list(schema.STREET_TURNS))
    assert list(terrain.cut(bare).columns) == list(bare.columns)


def test_it_is_the_ground_that_is_cut_not_the_drawing() -> None:
    """A street drawn 500 m long that is 250 m on the ground has 3 parts."""
    table = street_table([street((0, 0), (500, 0))]).assign(length_m=250.0)
    cut = terrain.cut(table)
    assert cut["length_m"].tolist() == pytest.approx([250 / 3] * 3)
    assert shapely.length(cut.geometry.to_numpy()).tolist() == pytest.approx([500 / 3] * 3)


@pytest.mark.parametrize("length", [0.0, 99.9, 100.0, 100.00000001])
def test_short_streets_stay_as_they_are(length: float) -> None:
    table = street_table([street((0, 0), (length, 0))])
    assert len(terrain.cut(table)) == 1


def test_a_street_that_is_drawn_as_a_point_cannot_be_cut() -> None:
    table = street_table([street((5, 5), (5, 5)), street((0, 0), (150, 0))]).assign(length_m=[900.0, 150.0])
    assert terrain.cut(table)["length_m"].tolist() == [900, 75, 75]


@pytest.mark.parametrize("every_m", [0.0, -5.0, math.nan])
def test_parts_need_a_length(every_m: float) -> None:
    with pytest.raises(GeoValueError, match="every_m"):
        terrain.cut(street_table([street((0, 0), (200, 0))]), every_m=every_m)


XY = st.tuples(st.integers(-400, 400), st.integers(-400, 400))


@given(
    lines=st.lists(st.lists(XY, min_size=2, max_size=6), min_size=1, max_size=6),
    every_m=st.floats(5.0, 500.0),
    stretch=st.floats(0.5, 2.0),
)
def test_cut_streets_are_the_streets(lines: list[list[tuple[int, int]]], every_m: float, stretch: float) -> None:
    """Also loops, vertices that repeat, streets that cross or retrace themselves."""
    rows: list[dict[str, Any]] = [street(*line, bridge="yes" if len(line) == 5 else "") for line in lines]
    table = street_table(rows)
    table["length_m"] *= stretch
    cut = terrain.cut(table, every_m=every_m)
    source = cut["way"].to_numpy() - 1
    assert (np.diff(source) >= 0).all()
    count = 0
    for row in range(len(table)):
        parts = cut[source == row]
        whole = table.iloc[row]
        assert math.fsum(parts["length_m"]) == whole["length_m"]
        assert parts["start_node"].iloc[0] == whole["start_node"]
        assert parts["end_node"].iloc[-1] == whole["end_node"]
        assert parts["end_node"].tolist()[:-1] == parts["start_node"].tolist()[1:]
        if whole["bridge"] == "" and shapely.length(whole.geometry) > 0:
            assert parts["length_m"].max() <= every_m * (1 + 1e-9)
        pieces = [shapely.get_coordinates(line) for line in parts.geometry]
        assert all((one[-1] == other[0]).all() for one, other in itertools.pairwise(pieces))
        joined = np.concatenate([pieces[0], *(piece[1:] for piece in pieces[1:])])
        assert vertices(whole.geometry) <= set(map(tuple, joined.tolist()))
        along = shapely.line_interpolate_point(
            [[shapely.linestrings(joined)], [whole.geometry]], np.linspace(0, 1, 60), normalized=True
        )
        assert shapely.distance(*along).max() < 1e-6
        count += len(parts) - 1
    new = np.setdiff1d(cut[["start_node", "end_node"]].to_numpy(), table[["start_node", "end_node"]].to_numpy())
    top = table[["start_node", "end_node"]].to_numpy().max()
    assert new.tolist() == list(range(top + 1, top + 1 + count))


def vertices(line: shapely.LineString) -> set[tuple[float, ...]]:
    return set(map(tuple, shapely.get_coordinates(line).tolist()))


@given(lines=st.lists(st.lists(XY, min_size=2, max_size=4, unique=True), min_size=1, max_size=5))
def test_without_hills_a_cut_network_takes_the_same_minutes(lines: list[list[tuple[int, int]]]) -> None:
    table = street_table([street(*line) for line in lines])
    whole, cut = (network.build(pieces, HIKER, island_m=0.0) for pieces in (table, terrain.cut(table, every_m=40.0)))
    assert cut.minutes_forward.sum() == pytest.approx(whole.minutes_forward.sum())


def test_cutting_porto_alegre_keeps_every_metre(shared: Path) -> None:
    pieces = streets.read_osm(shared / "data" / "portoalegre" / "poa_osm.pbf", crs=pyproj.CRS.from_epsg(32722))
    cut = terrain.cut(pieces)
    assert math.fsum(cut["length_m"]) == math.fsum(pieces["length_m"])
    assert shapely.length(cut.geometry.to_numpy()).sum() == pytest.approx(
        shapely.length(pieces.geometry.to_numpy()).sum()
    )
    nodes = cut[["start_node", "end_node"]].to_numpy()
    assert len(np.unique(nodes)) == nodes.max() + 1
    assert shapely.is_valid(cut.geometry.to_numpy()).all()
    assert cut.attrs == pieces.attrs
