from __future__ import annotations

import numpy as np
import pytest
import shapely
from worlds import BIKE, CAR, FOOT, HIKER, build, street, street_table

from geo import network
from geo.errors import GeoValueError


def test_minutes_are_length_over_speed() -> None:
    net = build(street((0, 0), (300, 0), (300, 100)), street((0, 0), (0, 50), oneway="yes"))
    assert net.length_m.tolist() == [400, 50]
    assert net.minutes_forward.tolist() == [400 / 100, 50 / 100]
    assert net.minutes_backward.tolist() == [400 / 100, 50 / 100]


def test_a_way_that_is_not_allowed_is_infinite() -> None:
    net = build(street((0, 0), (300, 0), oneway="yes"), street((0, 0), (0, 50), oneway="-1"), mode=CAR)
    assert net.minutes_forward.tolist() == [300 / 1000, np.inf]
    assert net.minutes_backward.tolist() == [np.inf, 50 / 1000]


def test_parallel_arcs_keep_the_fastest() -> None:
    net = build(street((0, 0), (100, 0)), street((0, 0), (50, 50), (100, 0)), street((100, 0), (50, -200), (0, 0)))
    for matrix in (net.leaving, net.arriving):
        assert matrix.nnz == 2
        assert matrix[0, 1] == matrix[1, 0] == 100 / 100


def test_parallel_arcs_each_way_their_own_fastest() -> None:
    short, long = street((0, 0), (100, 0), oneway="yes"), street((0, 0), (50, 120), (100, 0))
    net = build(short, long, mode=CAR)
    detour = 2 * np.hypot(50, 120) / 1000
    assert net.leaving[0, 1] == 100 / 1000
    assert net.leaving[1, 0] == detour
    assert net.arriving[0, 1] == detour
    assert net.arriving[1, 0] == 100 / 1000


def test_arriving_is_leaving_turned_round() -> None:
    net = build(
        street((0, 0), (100, 0), oneway="yes"),
        street((100, 0), (100, 90)),
        street((100, 90), (0, 0), oneway="yes"),
        mode=CAR,
    )
    assert (net.arriving.toarray() == net.leaving.toarray().T).all()


def test_a_loop_is_no_arc_but_stays_an_edge() -> None:
    net = build(street((0, 0), (100, 0)), street((100, 0), (150, 50), (150, -50), (100, 0)))
    assert len(net.start) == 2
    assert net.leaving.nnz == 2


def test_islands_are_short_and_never_the_largest() -> None:
    main = [street((0, 0), (900, 0)), street((900, 0), (900, 300))]
    islands = [street((0, 500), (600, 500)), street((600, 500), (600, 899))]
    whole = [street((0, 2000), (1000, 2000))]
    net = build(*main, *islands, *whole, island_m=1000.0)
    assert net.island.tolist() == [False, False, True, True, False]


def test_the_largest_component_is_main_however_short() -> None:
    net = build(street((0, 0), (90, 0)), street((0, 50), (100, 50)), island_m=1000.0)
    assert net.island.tolist() == [True, False]


def test_components_are_of_the_streets_that_the_mode_may_use() -> None:
    streets = [street((0, 0), (100, 0)), street((100, 0), (200, 0), highway="footway"), street((200, 0), (500, 0))]
    assert build(*streets, mode=FOOT, island_m=1000.0).island.tolist() == [False] * 3
    by_car = build(*streets, mode=CAR, island_m=1000.0)
    assert by_car.piece.tolist() == [0, 2]
    assert by_car.island.tolist() == [True, False]


def test_a_mode_without_streets_raises() -> None:
    with pytest.raises(GeoValueError, match="none of the 1 street pieces"):
        build(street((0, 0), (100, 0), highway="footway"), mode=CAR)


def test_a_network_cannot_be_changed() -> None:
    net = build(street((0, 0), (100, 0)))
    with pytest.raises(ValueError, match="read-only"):
        net.minutes_forward[0] = 0.0
    with pytest.raises(AttributeError):
        net.mode = CAR


def test_building_leaves_the_table_alone() -> None:
    table = street_table([street((0, 0), (100, 0))])
    before = table.copy(deep=True)
    network.build(table, FOOT)
    assert table.equals(before)
    table.loc[0, "length_m"] = 7.0


def test_it_says_what_it_is() -> None:
    assert repr(build(street((0, 0), (1500, 0)))) == "<Network walk: 1 edges, 1.5 km, EPSG:4548>"


def test_slopes_slow_those_who_heed_them() -> None:
    streets = (street((0, 0), (100, 0)), street((100, 0), (200, 0)))
    gradient = np.array([0.1, np.nan])
    up, down = np.exp(3.5 * 0.1), np.exp(3.5 * 0.0)
    hiker = build(*streets, mode=HIKER, gradient=gradient)
    assert hiker.minutes_forward.tolist() == pytest.approx([up, 1.0])
    assert hiker.minutes_backward.tolist() == pytest.approx([down, 1.0])
    for mode in (FOOT, CAR, BIKE):
        net = build(*streets, mode=mode, gradient=gradient)
        assert net.minutes_forward.tolist() == build(*streets, mode=mode).minutes_forward.tolist()


def test_gradients_go_with_their_piece() -> None:
    """The first piece is closed to walkers, so that edge 0 is piece 1."""
    streets = (street((0, 0), (100, 0), foot="no"), street((100, 0), (200, 0)))
    net = build(*streets, mode=HIKER, gradient=np.array([0.3, 0.1]))
    assert net.minutes_forward.tolist() == pytest.approx([np.exp(3.5 * 0.1)])


def test_edges_keep_their_lines() -> None:
    net = build(street((0, 0), (100, 0)), street((100, 0), (200, 5)))
    assert shapely.length(net.lines).tolist() == net.length_m.tolist()
    assert net.bounds == (500_000.0, 2_800_000.0, 500_200.0, 2_800_005.0)
