from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, strategies as st

from geo.tiles import Shelf, Tiling, ranges

COORDINATE = st.floats(-3000.0, 9000.0, allow_nan=False)
THREE_BY_FOUR = Tiling(100.0, 200.0, 10.0, rows=3, columns=4)


def boxes_of(corners: list[tuple[float, float, float, float]]) -> np.ndarray:
    """West, south, east, north of boxes given by any two corners."""
    one, other = np.array(corners).reshape(-1, 2, 2).transpose(1, 0, 2)
    return np.column_stack([np.minimum(one, other), np.maximum(one, other)])


@given(st.lists(st.tuples(st.integers(0, 50), st.integers(0, 4)), max_size=12))
def test_ranges_are_runs_of_numbers_one_after_the_other(runs: list[tuple[int, int]]) -> None:
    first, count = np.array(runs, dtype=np.int64).reshape(-1, 2).T
    assert ranges(first, count).tolist() == [at + step for at, many in runs for step in range(many)]


def test_tiles_are_numbered_row_by_row_from_the_south_west() -> None:
    places = np.array([[100, 200], [109.9, 209.9], [110, 200], [139.9, 200], [100, 210], [139, 229]])
    assert THREE_BY_FOUR.of(places).tolist() == [0, 0, 1, 3, 4, 11]
    assert len(THREE_BY_FOUR) == 12


def test_who_stands_outside_belongs_to_the_nearest_tile() -> None:
    assert THREE_BY_FOUR.of(np.array([[0.0, 0.0], [1e6, 215], [125, 1e6], [-5, 1e6]])).tolist() == [0, 7, 10, 8]


@given(
    st.lists(st.tuples(COORDINATE, COORDINATE), min_size=1, max_size=30),
    st.sampled_from([1000.0, 60.0, 0.5]),
    st.integers(0, 3000),
)
def test_tiles_over_a_box_hold_it_and_are_not_too_many(
    places: list[tuple[float, float]], side_m: float, things: int
) -> None:
    xy = np.array(places)
    (west, south), (east, north) = xy.min(axis=0), xy.max(axis=0)
    tiling = Tiling.over((west, south, east, north), things=things, side_m=side_m)
    assert tiling.side_m >= side_m
    assert len(tiling) <= 3 * max(1024, 4 * things) + 1
    row, column = np.divmod(tiling.of(xy), tiling.columns)
    lower = np.column_stack([tiling.west + column * tiling.side_m, tiling.south + row * tiling.side_m])
    assert ((xy >= lower - 1e-6) & (xy <= lower + tiling.side_m + 1e-6)).all()


def test_a_box_touches_the_tiles_that_it_shares_a_place_with() -> None:
    boxes = np.array([[101, 201, 102, 202], [105, 205, 115, 225], [0, 0, 100, 200], [130, 220, 900, 900]], dtype=float)
    box, tile = THREE_BY_FOUR.touching(boxes)
    assert list(zip(box.tolist(), tile.tolist(), strict=True)) == [
        *[(0, 0)],
        *[(1, 0), (1, 1), (1, 4), (1, 5), (1, 8), (1, 9)],
        *[(2, 0)],
        *[(3, 11)],
    ]


@given(st.lists(st.tuples(COORDINATE, COORDINATE, COORDINATE, COORDINATE), min_size=1, max_size=6), st.data())
def test_no_tile_is_missed_and_none_is_touched_in_vain(
    corners: list[tuple[float, float, float, float]], data: st.DataObject
) -> None:
    """Any place of a box, also beyond the tiles, is in a tile that the box touches."""
    tiling = Tiling.over((0.0, 0.0, 5000.0, 4000.0), things=10, side_m=700.0)
    boxes = boxes_of(corners)
    box, tile = tiling.touching(boxes)
    assert (np.diff(box) >= 0).all()
    assert len(np.unique(np.column_stack([box, tile]), axis=0)) == len(box)
    share = np.array(data.draw(st.lists(st.tuples(st.floats(0, 1), st.floats(0, 1)), min_size=1, max_size=9)))
    for number, (west, south, east, north) in enumerate(boxes):
        inside = np.clip((west, south) + share * (east - west, north - south), (west, south), (east, north))
        mine = tile[box == number]
        assert np.isin(tiling.of(inside), mine).all()
        row, column = np.divmod(mine, tiling.columns)
        near = np.clip(boxes[number], 0.0, [5000.0, 4000.0, 5000.0, 4000.0])
        assert (column * 700.0 <= near[2]).all()
        assert ((column + 1) * 700.0 >= near[0]).all()
        assert (row * 700.0 <= near[3]).all()
        assert ((row + 1) * 700.0 >= near[1]).all()


@given(st.lists(st.tuples(st.integers(0, 11), st.integers(0, 5)), max_size=20), st.lists(st.integers(0, 11)))
def test_a_shelf_gives_back_what_lies_in_its_tiles(put: list[tuple[int, int]], asked: list[int]) -> None:
    tile, thing = np.array(put, dtype=np.int64).reshape(-1, 2).T
    shelf = Shelf.of(THREE_BY_FOUR, tile, thing)
    which, found = shelf.within(np.array(asked, dtype=np.int64))
    expected = [(number, one) for number, at in enumerate(asked) for where, one in put if where == at]
    assert list(zip(which.tolist(), found.tolist(), strict=True)) == expected


@pytest.mark.parametrize("count", [0, 3])
def test_nothing_on_the_shelf(count: int) -> None:
    none = np.empty(0, dtype=np.int64)
    which, found = Shelf.of(THREE_BY_FOUR, none, none).within(np.arange(count))
    assert len(which) == len(found) == 0
