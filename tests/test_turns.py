"""Which turns are forbidden to cars."""

from __future__ import annotations

import itertools

import numpy as np
import pandas as pd
from hypothesis import given, strategies as st
from worlds import BIKE, CAR, FOOT, street, street_table

from geo import access, schema


def crossing(**names: tuple[str, str]) -> pd.DataFrame:
    """Four arms that meet at (100, 100), drawn towards it (west, south) and away from it (east, north)."""
    arms = {
        "west": ((0, 100), (100, 100), 10),
        "east": ((100, 100), (200, 100), 20),
        "south": ((100, 0), (100, 100), 30),
        "north": ((100, 100), (100, 200), 40),
    }
    return street_table(
        street(a, b, way=way, no_turn_start=names.get(name, ("", ""))[0], no_turn_end=names.get(name, ("", ""))[1])
        for name, (a, b, way) in arms.items()
    )


def listed(turns: access.Turns) -> list[tuple[int, bool, int, bool]]:
    return list(zip(*(array.tolist() for array in turns), strict=True))


def test_a_turn_is_forbidden_from_the_end_that_is_left() -> None:
    table = crossing(west=("", "40"), east=("30", ""))
    assert listed(access.turns(table, CAR)) == [(0, True, 3, True), (1, False, 2, False)]


def test_several_ways_may_be_named() -> None:
    table = crossing(west=("", " 40; 20 ;;x;"))
    assert listed(access.turns(table, CAR)) == [(0, True, 1, True), (0, True, 3, True)]


def test_a_way_that_does_not_meet_the_node_forbids_nothing() -> None:
    assert listed(access.turns(crossing(west=("20", "99")), CAR)) == []


def test_the_own_way_is_the_turn_back() -> None:
    table = crossing(west=("10", "10"))
    assert listed(access.turns(table, CAR)) == [(0, False, 0, True), (0, True, 0, False)]


def test_a_way_that_passes_through_is_entered_both_ways() -> None:
    table = crossing(west=("", "30"))
    table["way"] = [10, 20, 30, 30]
    assert listed(access.turns(table, CAR)) == [(0, True, 2, False), (0, True, 3, True)]
    # Of the own way only the turn back is meant, not the way on.
    table["way"] = [30, 20, 30, 40]
    assert listed(access.turns(table, CAR)) == [(0, True, 0, False)]


def test_a_loop_is_entered_at_both_ends() -> None:
    table = street_table(
        [
            street((0, 0), (100, 0), way=1, no_turn_end="2"),
            street((100, 0), (150, 50), (150, -50), (100, 0), way=2),
        ]
    )
    assert listed(access.turns(table, CAR)) == [(0, True, 1, False), (0, True, 1, True)]


def test_the_turn_back_out_of_a_loop_is_into_the_end_that_was_left() -> None:
    table = street_table([street((100, 0), (150, 50), (150, -50), (100, 0), way=2, no_turn_end="2")])
    assert listed(access.turns(table, CAR)) == [(0, True, 0, False)]


def test_ways_may_be_numbered_by_texts() -> None:
    table = crossing(west=("", "w4;w1;"))
    table["way"] = ["w1", "w2", "", "w4"]
    assert listed(access.turns(table, CAR)) == [(0, True, 0, False), (0, True, 3, True)]


def test_only_cars_are_bound() -> None:
    table = crossing(west=("", "40"))
    for mode in (FOOT, BIKE):
        assert listed(access.turns(table, mode)) == []
        assert [array.dtype for array in access.turns(table, mode)] == [np.int64, bool, np.int64, bool]


def turns_slowly(table: pd.DataFrame) -> list[tuple[int, bool, int, bool]]:
    found = []
    rows = list(table.itertuples())
    for (one, left), end in itertools.product(enumerate(rows), (False, True)):
        names = (left.no_turn_end if end else left.no_turn_start).split(";")
        node = left.end_node if end else left.start_node
        for (other, entered), start in itertools.product(enumerate(rows), (False, True)):
            meets = (entered.start_node if start else entered.end_node) == node
            back = one == other and end != start
            if meets and str(entered.way) in names and (entered.way != left.way or back):
                found.append((one, end, other, start))
    return found


PIECE = st.tuples(
    st.integers(1, 4),
    st.integers(0, 3),
    st.integers(0, 3),
    *[st.lists(st.sampled_from(["1", "2", "3", "4", "5"]), max_size=3).map(";".join)] * 2,
)


@given(st.lists(PIECE, min_size=1, max_size=7))
def test_turns_equal_their_slow_twin(pieces: list[tuple[int, int, int, str, str]]) -> None:
    table = pd.DataFrame(pieces, columns=["way", "start_node", "end_node", *schema.STREET_TURNS])
    assert sorted(listed(access.turns(table, CAR))) == turns_slowly(table)
