"""Scenes drawn by hand; every answer is the arithmetic of its picture, for the engine and for the slow twin.

On foot 100 m are a minute, by car 1,000 m; access legs are walked.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
import slow_twin
from worlds import BIKE, CAR, FOOT, HIKER, XY, box, spots, street, street_table

from geo import barriers, network, snapping
from geo.pairs import matrix
from geo.travel_times import minutes_at, reach

if TYPE_CHECKING:
    import shapely

    from geo.catalogue import Direction
    from geo.modes import Mode

Places = list[XY]
Streets = list[dict[str, Any]]
LIMIT = 60.0


def answer(
    streets: Streets,
    people: Places,
    facilities: Places,
    *,
    mode: Mode = FOOT,
    direction: Direction = "to_service",
    delay: list[float] | None = None,
    gradient: list[float] | None = None,
    fence: barriers.Fence | None = None,
) -> list[float]:
    """Minutes of people to the nearest facility; the engine is held to the twin on the way."""
    table = street_table(streets)
    slopes = None if gradient is None else np.array(gradient)
    net = network.build(table, mode, gradient=slopes, island_m=0.0)
    start, ends = (snapping.snap(net, spots(*places), barriers=fence) for places in (people, facilities))
    if delay is not None:
        ends["delay_minutes"] = delay
    facts = slow_twin.streets_of(table, mode, slopes)
    slow = slow_twin.hold(net, start, ends, direction=direction, limits=(LIMIT,), streets=facts)
    found, _ = minutes_at(reach(net, ends, limit=LIMIT, direction=direction), start)
    assert found == pytest.approx(slow.min(axis=1))
    return found.tolist()


def there_and_back(streets: Streets, people: Places, facilities: Places, **options: Any) -> tuple[list[float], ...]:
    return tuple(
        answer(streets, people, facilities, direction=way, **options) for way in ("to_service", "from_service")
    )


def water(*areas: shapely.Geometry) -> barriers.Fence | None:
    shapes, nothing = np.array(areas, dtype=object), np.array([], dtype=object)
    return barriers.fence(barriers.lines(shapes, nothing, nothing), shapes)


def outline(shape: shapely.Geometry, *gates: XY) -> barriers.Fence | None:
    nothing, shapes = np.array([], dtype=object), np.array([shape], dtype=object)
    return barriers.fence(barriers.lines(nothing, shapes, spots(*gates)))


BANKS = [street((0, 0), (1000, 0)), street((1000, 0), (1000, 300)), street((1000, 300), (0, 300))]


def test_one_bridge() -> None:
    """Over the water in sight of the service, and an hour's quarter and more away.

      a───────────────────────┐      y = 300
      p                       │
    ~~~~~~~~~~~~~~~~~~~~~~~~ the ~~  y = 80 … 120
                            bridge
      S───────────────────────┘      y = 0
      x = 0                   x = 1000
    """
    river = water(box(-500, 80, 995, 120), box(1005, 80, 2000, 120))
    found = answer(BANKS, [(0, 300), (0, 130), (0, 70), (0, 100)], [(0, 0)], fence=river)
    round_m = 1000 + 300 + 1000
    assert found == pytest.approx([round_m / 100, (170 + round_m) / 100, 70 / 100, np.inf])


def test_walled_park_with_a_gate() -> None:
    """Who stands in the park goes by its path to the gate, not over the wall to the nearer street.

    ┌──────────────────────┬───────┐  y = 400
    │                      │ path  │
    │         p            │       │  y = 60
    └──────────────────────┴ gate ─┘  y = 0
    S───────q──────────────┴────────  y = -50
    0      200            350     400
    """
    streets = [
        *(street((0, -50), (350, -50)), street((350, -50), (500, -50))),
        *(street((350, -50), (350, 0)), street((350, 0), (350, 400))),
    ]
    park = box(0, 0, 400, 400)
    found = answer(streets, [(200, 60), (200, -10)], [(0, -50)], fence=outline(park, (350, 0)))
    assert found == pytest.approx([(150 + 60 + 50 + 350) / 100, (40 + 200) / 100])
    unwalled = answer(streets, [(200, 60)], [(0, -50)])
    assert unwalled == pytest.approx([(110 + 200) / 100])


def test_dead_ends_that_nearly_meet() -> None:
    """Twenty metres through the fence, three kilometres by the streets.

    │ A           B │     y = 1000
    ├────────p S────┤     y = 600; p at x = 490, S at x = 510
    │               │
    └───────────────┘     y = 0
    0             1000
    """
    streets = [
        *(street((0, 1000), (0, 600)), street((0, 600), (0, 0)), street((0, 0), (1000, 0))),
        *(street((1000, 0), (1000, 600)), street((1000, 600), (1000, 1000))),
        *(street((0, 600), (490, 600)), street((510, 600), (1000, 600))),
    ]
    found = answer(streets, [(490, 600), (480, 650)], [(510, 600)])
    round_m = 490 + 600 + 1000 + 600 + 490
    assert found == pytest.approx([round_m / 100, (50 - 10 + round_m) / 100 + 2 * 10 / 100 - 20 / 100 + 0.0])


CORNERS = [(0, 0), (1000, 0), (1000, 1000), (0, 1000)]


def test_ring_road_one_way() -> None:
    """Just past the service a driver goes all the way round; a walker turns back.

    ┌───────<───────┐
    v               ^
    │               │
    └── p > S > q ──┘     p at 300, S at 400, q at 500
    """
    ring = [street(a, b, oneway="yes") for a, b in zip(CORNERS, [*CORNERS[1:], CORNERS[0]], strict=True)]
    people = [(300, 0), (500, 0), (1000, 500)]
    to, back = there_and_back(ring, people, [(400, 0)], mode=CAR)
    assert to == pytest.approx([100 / 1000, 3900 / 1000, 2900 / 1000])
    assert back == pytest.approx([3900 / 1000, 100 / 1000, 1100 / 1000])
    assert answer(ring, people, [(400, 0)]) == pytest.approx([100 / 100, 100 / 100, 1100 / 100])


def test_comb() -> None:
    """Neighbours on parallel lanes meet only on the one street below.

    a   b   c   d   e     y = 500
    │   │   │   │   │
    └───┴───┴───┴───┘     y = 0; 200 m apart
    """
    teeth = [street((200 * n, 0), (200 * n, 500)) for n in range(5)]
    spine = [street((200 * n, 0), (200 * n + 200, 0)) for n in range(4)]
    tops: Places = [(200 * n, 500) for n in range(5)]
    net = network.build(street_table([*teeth, *spine]), FOOT, island_m=0.0)
    linked = snapping.snap(net, spots(*tops))
    table = matrix(net, linked, linked, limit=LIMIT).pivot_table(
        index="origin", columns="destination", values="minutes"
    )
    apart = np.abs(np.subtract.outer(np.arange(5), np.arange(5)))
    assert table.to_numpy() == pytest.approx(np.where(apart > 0, (500 + 200 * apart + 500) / 100, 0.0))
    # Half way up, 99 m to the left and 101 m to the right: the left lane is taken.
    assert answer([*teeth, *spine], [(99, 250)], [(200, 500)]) == pytest.approx([(99 + 250 + 200 + 500) / 100])


ESTATE = [
    *(street((-500, 0), (0, 0)), street((1000, 0), (1500, 0))),
    *(street((0, 0), (0, 1000)), street((0, 1000), (1000, 1000)), street((1000, 1000), (1000, 0))),
    *(street((0, 0), (400, 0), access="private"), street((400, 0), (1000, 0), access="private")),
    street((400, 0), (400, -200), access="private"),
]


def test_private_estate_by_car() -> None:
    """Nobody drives through, who lives there drives out, whoever is expected drives in.

           ┌─────────────────┐      y = 1000
           │                 │
    W──────┴╌╌╌h╌╌┬╌╌╌╌╌╌╌╌╌╌┴──────E
    -500   0  300 ╎ 400     1000   1500
                  k (400, -200)
    """
    east, west, home, kin = (1500.0, 0.0), (-500.0, 0.0), (300.0, 0.0), (400.0, -200.0)
    round_m = 500 + 3 * 1000 + 500
    for found in there_and_back(ESTATE, [west, home, kin], [east], mode=CAR):
        assert found == pytest.approx([round_m / 1000, (700 + 500) / 1000, (200 + 600 + 500) / 1000])
    for found in there_and_back(ESTATE, [west, east, home], [kin], mode=CAR):
        assert found == pytest.approx([(500 + 400 + 200) / 1000, (500 + 600 + 200) / 1000, (100 + 200) / 1000])
    assert answer(ESTATE, [west], [east]) == pytest.approx([(500 + 1000 + 500) / 100])


def test_from_one_estate_to_another_by_car() -> None:
    """Private streets at both ends of a journey, a public one between.

    h╌╌╌╌╌╌┬───────┬╌╌╌╌╌S
           └╌╌╌╌╌╌╌┘            a private shortcut beside the bend
    0     500    1500   2000
    """
    streets = [
        street((0, 0), (500, 0), access="private"),
        street((500, 0), (500, 700), (1500, 700), (1500, 0)),
        street((500, 0), (1500, 0), access="destination"),
        street((1500, 0), (2000, 0), access="private"),
    ]
    through = [(500 + 1000 + 500) / 1000]  # all private, and so a journey that has no middle
    assert answer(streets, [(0, 0)], [(2000, 0)], mode=CAR) == pytest.approx(through)
    outside = [*streets, street((0, 0), (0, -300))]
    assert answer(outside, [(0, -300)], [(2000, 0)], mode=CAR) == pytest.approx([(300 + 500 + 1000 + 500) / 1000])
    beyond = [*outside, street((2000, 0), (2000, 400))]
    assert answer(beyond, [(0, -300)], [(2000, 400)], mode=CAR) == [np.inf]


def corner(**tags: str) -> Streets:
    return [
        *(street((0, -500), (0, 0), **tags), street((0, 0), (-300, 0)), street((0, 0), (0, 200))),
        *(street((-300, 0), (-500, 0)), street((0, 200), (-300, 0))),
    ]


def test_no_left_turn() -> None:
    """On to the next junction and back by the other street; the right turn on the way home is free.

               ┐ (0, 200)
            ╱  │
    S──────┴───┤ (0, 0)
    -500  -300 │
               p (0, -500)
    """
    straight, shortcut = 500 + 500, 500 + 200 + np.hypot(300, 200) + 200
    to, back = there_and_back(corner(no_turn_end="2"), [(0, -500)], [(-500, 0)], mode=CAR)
    assert to == pytest.approx([shortcut / 1000])
    assert back == pytest.approx([straight / 1000])
    assert answer(corner(), [(0, -500)], [(-500, 0)], mode=CAR) == pytest.approx([straight / 1000])
    assert answer(corner(no_turn_end="2"), [(0, -500)], [(-500, 0)]) == pytest.approx([straight / 100])
    assert answer(corner(no_turn_end="2"), [(0, -500)], [(-500, 0)], mode=BIKE) == pytest.approx([straight / 500])
    # Whoever starts at the junction itself has made no turn; whoever starts just before it has.
    assert answer(corner(no_turn_end="2"), [(0, 0), (0, -1)], [(-500, 0)], mode=CAR) == pytest.approx(
        [500 / 1000, (1 + shortcut - 500) / 1000]
    )


def test_no_left_turn_and_no_turning_back() -> None:
    """Only a dead end lies ahead: drivers turn at its end, unless that is forbidden too.

               │ (0, 200)
    S──────────┤ (0, 0)
    -500       │
               p (0, -500)
    """

    def streets(**tags: str) -> Streets:
        return [
            *(street((0, -500), (0, 0), no_turn_end="2"), street((0, 0), (-500, 0))),
            street((0, 0), (0, 200), **tags),
        ]

    turned = answer(streets(), [(0, -500)], [(-500, 0)], mode=CAR)
    assert turned == pytest.approx([(500 + 200 + 200 + 500) / 1000])
    assert answer(streets(no_turn_end="3"), [(0, -500)], [(-500, 0)], mode=CAR) == [np.inf]


def test_forbidden_turn_onto_a_private_street() -> None:
    """The estate's drive may not be entered from the south; from the west it may.

    W──────┬╌╌╌╌S          (0, 0) … (500, 0)
           p (0, -500)
    """
    streets = [
        street((0, -500), (0, 0), no_turn_end="3"),
        street((-500, 0), (0, 0)),
        street((0, 0), (500, 0), access="private"),
    ]
    to, back = there_and_back(streets, [(0, -500), (-500, 0)], [(500, 0)], mode=CAR)
    # From the south: past the junction to the end in the west, and back.
    assert to == pytest.approx([(500 + 500 + 500 + 500) / 1000, 1000 / 1000])
    assert back == pytest.approx([1000 / 1000, 1000 / 1000])


def test_bollards() -> None:
    """Walkers pass between them, cars go round; whoever stands at them is on the one side or the other.

    ┌─────────────┐   y = 300
    p─────o┃o─────S   y = 0; the bollards at x = 400
    0            1000
    """
    streets = [
        *(street((0, 0), (400, 0), shut_end="car"), street((400, 0), (1000, 0), shut_start="car")),
        street((0, 0), (0, 300), (1000, 300), (1000, 0)),
    ]
    for found in there_and_back(streets, [(0, 0), (399, 0), (401, 0)], [(1000, 0)], mode=CAR):
        assert found == pytest.approx([1600 / 1000, (399 + 1600) / 1000, 599 / 1000])
    assert answer(streets, [(0, 0)], [(1000, 0)]) == pytest.approx([1000 / 100])


def test_second_candidate_beside_a_one_way_street() -> None:
    """Who stands by the one-way carriageway may walk on to the street that is open both ways.

    ┌──S────────────────────────┐  y = 60, both ways
    │        p                  │  y = 20
    └────────>>>>───────────────┘  y = 0, one-way to the east
    0 500  1000                3000
    """
    streets = [
        street((0, 0), (3000, 0), oneway="yes"),
        *(street((3000, 0), (3000, 60)), street((3000, 60), (0, 60)), street((0, 60), (0, 0))),
    ]
    to, back = there_and_back(streets, [(1000, 20)], [(500, 60)], mode=CAR)
    assert to == pytest.approx([40 / 100 + 500 / 1000])
    # Coming from S: 500 m to the west, down, and along; against 500 m straight and 40 m on foot.
    assert back == pytest.approx([min(20 / 100 + (500 + 60 + 1000) / 1000, 40 / 100 + 500 / 1000)])
    east = answer(streets, [(1000, 20)], [(3000, 0)], mode=CAR)
    assert east == pytest.approx([20 / 100 + 2000 / 1000])


def test_service_with_a_delay() -> None:
    """The nearer service takes seven minutes to open the door; the farther one none.

    A──p─────q─────────r──B     p at 100, q at 400, r at 900
    0                    1000
    """
    people: Places = [(100, 0), (400, 0), (900, 0)]
    streets = [street((0, 0), (1000, 0))]
    for found in there_and_back(streets, people, [(0, 0), (1000, 0)], delay=[7.0, 0.0]):
        assert found == pytest.approx([100 / 100 + 7, 600 / 100, 100 / 100])
    leg = answer(streets, [(400, 30)], [(500, 20)], delay=[2.5])
    assert leg == pytest.approx([(30 + 100 + 20) / 100 + 2.5])


def test_a_bridge_over_a_street_is_no_junction() -> None:
    """Both cross at (500, 0); to get from one to the other one goes round by the east.

           a (500, 500)
           │
    S──────┼──────┐
           │      │
           └──────┘       (500, -500) … (1000, -500)
    """
    streets = [
        *(street((0, 0), (1000, 0)), street((1000, 0), (1000, -500))),
        *(street((1000, -500), (500, -500)), street((500, -500), (500, 500), bridge="yes")),
    ]
    assert answer(streets, [(500, 500)], [(0, 0)]) == pytest.approx([(1000 + 500 + 500 + 1000) / 100])


def test_over_the_hill() -> None:
    """Up one side and down the other; on foot by Tobler, 10 % either way.

        ╱╲
    p──╱  ╲──S      0 … 100 … 200
    """
    streets = [street((0, 0), (100, 0)), street((100, 0), (200, 0))]
    up, down = np.exp(3.5 * 0.1), np.exp(3.5 * (np.abs(-0.1 + 0.05) - 0.05))
    found = answer(streets, [(0, 0), (50, 0)], [(200, 0)], mode=HIKER, gradient=[0.1, -0.1])
    assert found == pytest.approx([up + down, up / 2 + down])
    back = answer(streets, [(50, 0)], [(200, 0)], mode=HIKER, gradient=[0.1, -0.1], direction="from_service")
    assert back == pytest.approx([up + down / 2])
