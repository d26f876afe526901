from __future__ import annotations

import numpy as np
from hypothesis import given, strategies as st

from geo.grid import Grid

COORDINATE = st.floats(-1e6, 5e6, allow_nan=False)


def test_rows_run_south_and_columns_east() -> None:
    grid = Grid.over((100.0, 200.0, 130.0, 220.0), 10.0)
    assert grid.shape == (2, 3)
    assert grid.x.tolist() == [105.0, 115.0, 125.0]
    assert grid.y.tolist() == [215.0, 205.0]


def test_centres_by_flat_number() -> None:
    grid = Grid.over((100.0, 200.0, 130.0, 220.0), 10.0)
    assert grid.centres(np.array([0, 2, 3])).tolist() == [[105.0, 215.0], [125.0, 215.0], [105.0, 205.0]]


def test_bounds_on_the_lines_add_no_cell() -> None:
    assert Grid.over((-25.0, 0.0, 25.0, 50.0), 25.0) == Grid(-25.0, 50.0, 25.0, 2, 2)


def test_a_single_place_still_has_a_cell() -> None:
    assert Grid.over((10.0, 10.0, 10.0, 10.0), 10.0).shape == (1, 1)


@given(COORDINATE, COORDINATE, st.floats(0, 5000), st.floats(0, 5000), st.sampled_from([6.25, 12.5, 25.0, 100.0]))
def test_grids_of_one_cell_size_share_their_lines(
    west: float, south: float, wide: float, high: float, cell_m: float
) -> None:
    grid = Grid.over((west, south, west + wide, south + high), cell_m)
    assert grid.west % cell_m == 0
    assert grid.north % cell_m == 0
    assert grid.west <= west
    assert grid.west + grid.columns * cell_m >= west + wide
    assert grid.north >= south + high
    assert grid.north - grid.rows * cell_m <= south
    assert grid.columns <= wide / cell_m + 2
    assert grid.rows <= high / cell_m + 2
