"""Points that lie close together are linked block by block: to the last bit as one by one."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

import numpy as np
import pytest
import shapely
from hypothesis import given, strategies as st
from worlds import scattered, town

from geo import line_blocks, line_index
from geo.line_blocks import Pairs, blocks, sides
from geo.line_index import LineIndex

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from geo.line_index import Nearest


@contextmanager
def always(*, chunk: int = 10_000) -> Iterator[None]:
    """Blocks are taken however few the points are."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(line_blocks, "_FEWEST", 0)
        patch.setattr(line_blocks, "_A_BLOCK", 0.0)
        patch.setattr(line_index, "_MANY", 0)
        patch.setattr(line_index, "_CHUNK", chunk)
        yield


def same(one: Nearest, other: Nearest) -> bool:
    return all(np.array_equal(mine, theirs, equal_nan=True) for mine, theirs in zip(one, other, strict=True))


@given(st.integers(0, 10_000), st.sampled_from([np.inf, 300.0, 45.0, 3.0]), st.integers(7, 90))
def test_the_nearest_line_is_the_same_to_the_last_bit(seed: int, within_m: float, chunk: int) -> None:
    lines = town(seed).lines
    at_nodes, middles = (
        shapely.get_point(lines[:10], 0),
        shapely.line_interpolate_point(lines[:10], 0.5, normalized=True),
    )
    xy = shapely.get_coordinates(np.concatenate([scattered(seed, 60), at_nodes, middles]))
    index = LineIndex.of(lines)
    plain = index.nearest(xy, within_m=within_m)
    with always(chunk=chunk):
        assert sides(xy) == list(line_blocks.SIDES_M)
        assert same(index.nearest(xy, within_m=within_m), plain)


@given(st.integers(0, 10_000), st.floats(0.0, 400.0))
def test_whoever_may_have_a_line_near_is_told_so(seed: int, most_m: float) -> None:
    lines = town(seed).lines[:5]
    rng = np.random.default_rng(seed)
    xy, metres = shapely.get_coordinates(scattered(seed, 80)), rng.uniform(0.0, most_m, 80)
    apart = shapely.distance(shapely.points(xy), shapely.union_all(lines))
    with always():
        found = LineIndex.of(lines).may_be_within(xy, metres=metres)
    assert found[apart <= metres].all()
    assert not found[apart > metres + line_index.STEP_M / 2.0 + 1e-6].any()
    assert np.array_equal(LineIndex.of(lines).may_be_within(xy, metres=metres), found)


def test_nothing_to_link_to_and_nobody_to_link() -> None:
    xy = shapely.get_coordinates(scattered(1, 10))
    with always():
        assert (LineIndex.of(np.array([], dtype=object)).nearest(xy).line == -1).all()
        assert len(LineIndex.of(town(1).lines).nearest(xy[:0]).line) == 0
        assert not LineIndex.of(np.array([], dtype=object)).may_be_within(xy, metres=np.full(10, 1e9)).any()


def test_points_far_apart_are_asked_one_by_one() -> None:
    rng = np.random.default_rng(4)
    assert sides(rng.uniform(0.0, 1e6, (30_000, 2))) == []
    assert sides(rng.uniform(0.0, 300.0, (19_999, 2))) == []
    assert sides(rng.uniform(0.0, 2000.0, (30_000, 2))) == [200.0, 100.0, 50.0, 25.0]


def test_blocks_and_their_middles() -> None:
    """Two points in one square of 100 m, one two squares to the east, one a square to the south."""
    xy = np.array([[510.0, 20.0], [590.0, 99.0], [701.0, 50.0], [550.0, -1.0]])
    mine, middle = blocks(xy, 100.0)
    assert middle[mine].tolist() == [[550.0, 50.0], [550.0, 50.0], [750.0, 50.0], [550.0, -50.0]]
    assert len(middle) == 3
    apart = np.append(xy, [[9e6, 9e6]], axis=0)  # so far that squares are not counted one by one
    mine, middle = blocks(apart, 100.0)
    assert middle[mine].tolist() == [*([550.0, 50.0],) * 2, [750.0, 50.0], [550.0, -50.0], [9000050.0, 9000050.0]]


def test_children_take_over_the_pairs_of_their_parents() -> None:
    pairs = Pairs(np.array([0, 2, 2, 5]), np.array([7, 8, 1, 2, 3]))
    whose, found = pairs.of(np.array([2, 1, 0, 2]))
    assert (whose.tolist(), found.first.tolist()) == ([0, 0, 0, 2, 2, 3, 3, 3], [0, 3, 3, 5, 8])
    assert found.segment.tolist() == [1, 2, 3, 7, 8, 1, 2, 3]
    kept = found.only(whose, found.segment < 3)
    assert (kept.first.tolist(), kept.segment.tolist()) == ([0, 2, 2, 2, 4], [1, 2, 1, 2])


def test_the_cells_of_a_city(shared: Path) -> None:
    from geo import queries  # noqa: PLC0415 - reads a file

    lines = queries.read_streets(shared / "data" / "monaco" / "monaco.osm.gz").lines
    west, south, east, north = shapely.total_bounds(lines)
    xy = np.stack(np.meshgrid(np.arange(west, east, 12.5), np.arange(south, north, 12.5)), axis=-1).reshape(-1, 2)
    assert sides(xy)
    index = LineIndex.of(lines)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(line_blocks, "_FEWEST", len(xy) + 1)
        plain = index.nearest(xy, within_m=300.0)
    assert same(index.nearest(xy, within_m=300.0), plain)
