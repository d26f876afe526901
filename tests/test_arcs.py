"""Search nodes and zero arcs, read off tiny junctions; what they amount to is held in test_scenes and test_exact."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING

import numpy as np
import pytest
from hypothesis import given, strategies as st
from scipy import sparse
from scipy.sparse import csgraph

from geo import arcs
from geo.access import Turns

if TYPE_CHECKING:
    from geo.arcs import Arcs

END, START = True, False
Turn = tuple[int, bool, int, bool]


def lay(
    *streets: tuple[int, int], backward: bool = True, private: tuple[int, ...] = (), banned: tuple[Turn, ...] = ()
) -> Arcs:
    """Streets of one minute each from junction to junction; numbers of private ones; forbidden turns."""
    start, end = np.array(streets, dtype=np.int64).T
    minutes = np.ones(len(start))
    columns = list(zip(*banned, strict=True)) if banned else [()] * 4
    turns = Turns(*(np.array(column, dtype=kind) for column, kind in zip(columns, (int, bool) * 2, strict=True)))
    return arcs.lay(
        start,
        end,
        minutes,
        minutes if backward else minutes * np.inf,
        node_count=int(max(start.max(), end.max())) + 1,
        ends_only=np.isin(np.arange(len(start)), private),
        turns=turns,
    )


def minutes(found: Arcs, tail: int, head: int) -> float:
    """Minutes from a search node to another; an explicit zero is an arc."""
    size = len(found.home)
    order = np.argsort(found.tail, kind="stable")
    keep = order[np.isfinite(found.minutes[order]) & (found.tail[order] != found.head[order])]
    indptr = np.concatenate([[0], np.cumsum(np.bincount(found.tail[keep], minlength=size))])
    graph = sparse.csr_array((found.minutes[keep], found.head[keep], indptr), shape=(size, size))
    return float(csgraph.dijkstra(graph, indices=tail)[head])


def turned(found: Arcs, left: tuple[int, bool], entered: tuple[int, bool]) -> bool:
    """Whether one may go straight on from the end (or start) of a street into the start (or end) of another."""
    arrive = (found.arrive_end if left[1] else found.arrive_start)[left[0]]
    leave = (found.leave_start if entered[1] else found.leave_end)[entered[0]]
    return minutes(found, arrive, leave) == 0.0


STAR = (0, 1), (1, 2), (3, 1)  # drawn towards, away from and towards the junction in the middle
# The sides of the star's streets that lie at its middle.
MIDDLE = (0, END), (1, START), (2, END)


def test_without_turns_and_private_streets_junctions_are_the_search_nodes() -> None:
    found = lay((0, 1), (2, 1), (1, 1))
    start, end = [0, 2, 1], [1, 1, 1]
    assert found.leave_start.tolist() == found.arrive_start.tolist() == start
    assert found.leave_end.tolist() == found.arrive_end.tolist() == end
    assert found.begin.tolist() == found.finish.tolist() == found.home.tolist() == [0, 1, 2]
    assert found.tail.tolist() == start + end
    assert found.head.tolist() == end + start
    assert found.minutes.tolist() == [1.0] * 6


def test_only_the_forbidden_turn_is_missing() -> None:
    """From street 0 into street 1 is forbidden; all others, also back into the same street, are not."""
    found = lay(*STAR, banned=((0, END, 1, True),))
    for left, entered in itertools.product(MIDDLE, repeat=2):
        allowed = (left[0], entered[0]) != (0, 1)
        assert turned(found, left, (entered[0], entered[1] == START)) == allowed


def test_a_forbidden_turn_binds_one_direction_only() -> None:
    found = lay(*STAR, banned=((0, END, 1, True),))
    assert minutes(found, found.begin[0], found.finish[2]) == 1 + 2 + 1  # to the end of street 2, back, and on
    assert minutes(found, found.begin[2], found.finish[0]) == 1 + 1
    assert minutes(found, found.begin[0], found.finish[3]) == 1 + 1


def test_turns_all_forbidden_but_one() -> None:
    """As an only-straight-on sign at the end of street 0 is written; back is forbidden too."""
    found = lay(*STAR, banned=((0, END, 1, True), (0, END, 0, False)))
    assert [turned(found, (0, END), (street, street == 1)) for street in range(3)] == [False, False, True]


def test_who_starts_or_ends_at_the_junction_has_made_no_turn() -> None:
    found = lay(*STAR, banned=((0, END, 1, True), (2, END, 1, True), (1, START, 1, True)))
    assert minutes(found, found.begin[0], found.finish[2]) == np.inf
    assert minutes(found, found.begin[1], found.finish[2]) == 1
    assert [minutes(found, found.begin[node], found.finish[1]) for node in (0, 2, 3)] == [1, 1, 1]
    assert minutes(found, found.begin[1], found.finish[1]) == 0


def test_junctions_away_from_the_turn_stay_single() -> None:
    found = lay((0, 1), (1, 2), (2, 3), banned=((0, END, 1, True),))
    assert np.bincount(found.home).tolist() == [1, 4, 1, 1]
    # Arrivals by street 0, and by others (here one also begins); departures into street 1, and into others (or none).
    plain = lay((0, 1), (1, 2), (2, 3))
    assert np.bincount(plain.home).tolist() == [1, 1, 1, 1]


def test_a_turn_out_of_a_loop() -> None:
    """A loop at the end of a street: whoever comes out of it at its end must turn back, and leave it at its start."""
    free, banned = lay((0, 1), (1, 1)), lay((0, 1), (1, 1), banned=((1, END, 0, False),))
    assert [minutes(free, side, free.finish[0]) for side in (free.arrive_end[1], free.arrive_start[1])] == [1, 1]
    assert minutes(banned, banned.arrive_end[1], banned.finish[0]) == 1 + 1
    assert minutes(banned, banned.arrive_start[1], banned.finish[0]) == 1


CHAIN = (0, 1), (1, 2), (2, 3)


def test_nobody_goes_through_a_private_street() -> None:
    found = lay(*CHAIN, private=(1,))
    assert minutes(found, found.begin[0], found.finish[3]) == np.inf
    assert minutes(found, found.begin[3], found.finish[0]) == np.inf
    assert minutes(found, found.leave_start[0], found.arrive_end[2]) == np.inf


def test_private_streets_begin_and_end_journeys() -> None:
    """From the junction between two public streets into the private one, and out of it."""
    found = lay(*CHAIN, private=(1,))
    assert minutes(found, found.begin[0], found.finish[2]) == 2
    assert minutes(found, found.begin[2], found.finish[0]) == 2
    # Whoever starts on it comes out at either end; whoever ends on it comes in at either.
    assert minutes(found, found.arrive_end[1], found.finish[3]) == 1
    assert minutes(found, found.arrive_start[1], found.finish[0]) == 1
    assert minutes(found, found.begin[0], found.leave_start[1]) == 1
    assert minutes(found, found.begin[3], found.leave_end[1]) == 1


def test_several_private_streets_in_a_row() -> None:
    """A journey may begin on many and end on many, but none is between two public ones."""
    row = (0, 1), (1, 2), (2, 3), (3, 4), (4, 5)
    found = lay(*row, private=(0, 1, 3, 4))
    assert minutes(found, found.begin[0], found.finish[5]) == 5
    through = lay(*row, private=(1, 2))
    assert minutes(through, through.begin[0], through.finish[3]) == 3
    assert minutes(through, through.begin[0], through.finish[4]) == np.inf
    assert minutes(through, through.begin[1], through.finish[5]) == 4
    alone = lay(*row, private=(0, 1, 2, 3, 4))
    assert minutes(alone, alone.begin[0], alone.finish[5]) == 5


def test_a_forbidden_turn_into_a_private_street() -> None:
    found = lay(*STAR, private=(1,), banned=((0, END, 1, True),))
    # To the end of street 2, back, and in; then it ends there.
    assert minutes(found, found.begin[0], found.finish[2]) == 4
    assert minutes(found, found.begin[3], found.finish[2]) == 2
    assert minutes(found, found.begin[2], found.finish[0]) == 2


def test_a_one_way_is_no_way_back() -> None:
    found = lay(*CHAIN, backward=False, banned=((0, END, 1, True),), private=(2,))
    assert minutes(found, found.begin[1], found.finish[3]) == 2
    assert minutes(found, found.begin[3], found.finish[1]) == np.inf
    assert minutes(found, found.begin[0], found.finish[2]) == np.inf


@given(
    st.lists(st.tuples(st.integers(0, 4), st.integers(0, 4)), min_size=1, max_size=7),
    st.sets(st.integers(0, 6)),
    st.lists(st.tuples(st.integers(0, 6), st.booleans(), st.integers(0, 6), st.booleans()), max_size=6),
)
def test_every_search_node_stands_where_its_streets_end(
    streets: list[tuple[int, int]], private: set[int], turns: list[Turn]
) -> None:
    banned = tuple(turn for turn in turns if turn[0] < len(streets) and turn[2] < len(streets))
    found = lay(*streets, private=tuple(private), banned=banned)
    start, end = np.array(streets).T
    assert found.home[found.leave_start].tolist() == found.home[found.arrive_start].tolist() == start.tolist()
    assert found.home[found.leave_end].tolist() == found.home[found.arrive_end].tolist() == end.tolist()
    count = len(found.begin)
    assert found.home[:count].tolist() == list(range(count))
    assert found.home[found.begin].tolist() == found.home[found.finish].tolist() == list(range(count))
    zero = found.minutes == 0.0
    assert np.array_equal(found.home[found.tail[zero]], found.home[found.head[zero]])
    # Every copy is of use.
    ends = (found.leave_start, found.leave_end, found.arrive_start, found.arrive_end, found.begin, found.finish)
    used = np.concatenate([*ends, found.tail, found.head])
    assert np.isin(np.arange(count, len(found.home)), used).all()


@pytest.mark.parametrize("private", [(), (0,)])
def test_nothing_but_minutes_is_lost_where_turns_are_free(private: tuple[int, ...]) -> None:
    """A turn that no junction makes possible forbids nothing."""
    free, bound = lay(*STAR, private=private), lay(*STAR, private=private, banned=((0, START, 2, True),))
    for one, other in itertools.product(range(4), repeat=2):
        assert minutes(free, free.begin[one], free.finish[other]) == minutes(
            bound, bound.begin[one], bound.finish[other]
        )
