"""Where the minutes pass a limit: by hand, and against walking the way from cell to cell step by step."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import pytest
from hypothesis import given, settings, strategies as st
from worlds import CAR, EAST, FOOT, NORTH, build, line, link, scattered, spots, street, town

from geo import barriers, catchments, fields, snapping, surfaces
from geo.cells import CellLinks
from geo.crossings import EXACT_M, Crossings, where_passed
from geo.fields import Field
from geo.travel_times import minutes_at, reach

if TYPE_CHECKING:
    from collections.abc import Sequence

    import shapely

    from geo.modes import Mode
    from geo.network import Network

CELL_M = 12.5
STEPS = 50
HERE = np.array([EAST, NORTH])


def field_in(net: Network, facilities: Any, *, limit: float, cell_m: float = CELL_M, **options: Any) -> Field:
    """A search a little beyond the limit, and its cells."""
    links = CellLinks(net, cell_m, **options)
    further = limit + fields.cell_minutes(cell_m, net.mode.access_kmh)
    return catchments.field_of(links, reach(net, facilities, limit=further))


def pairs_of(field: Field, limit: float) -> Crossings:
    """All pairs of neighbours of which the first is within the limit and the second is not."""
    table, found = field.table, field.reached
    known = {
        (int(table.column[cell]), int(table.row[cell])): (float(minutes), bool(start))
        for cell, minutes, start in zip(found.cell, found.minutes, found.over_start, strict=True)
    }
    rows = [
        ((x, y), (x + right, y + down), minutes, *known.get((x + right, y + down), (np.inf, not start)), start)
        for (x, y), (minutes, start) in known.items()
        if minutes <= limit
        for right, down in ((0, 1), (1, 0), (0, -1), (-1, 0))
        if known.get((x + right, y + down), (np.inf,))[0] > limit
    ]
    inner, outer = (np.array([row[side] for row in rows], dtype=np.int64).reshape(-1, 2) for side in (0, 1))
    before, after, theirs, mine = np.array([row[2:] for row in rows], dtype=float).reshape(-1, 4).T
    number = np.zeros(len(rows), dtype=np.int64)
    cells = field.table.at(inner[:, 1], inner[:, 0]), field.table.at(outer[:, 1], outer[:, 0])
    return Crossings(number, np.full(len(rows), limit), inner, outer, before, after, mine == theirs, *cells)


def places(field: Field, pairs: Crossings, share: np.ndarray) -> np.ndarray:
    """Places on the ways, local metres."""
    at = pairs.inner + share[:, None] * (pairs.outer - pairs.inner)
    return (at + 0.5) * field.links.cell_m * (1.0, -1.0) - HERE


class Walk(NamedTuple):
    """What somebody finds who walks from the inner to the outer cell, and asks at every step.

    `turns` is how often served and not served follow one another, `last` the share at which one was last served,
    `two` whether no third straight piece of street was nearest on the way.
    """

    turns: np.ndarray
    last: np.ndarray
    two: np.ndarray


def walked(field: Field, pairs: Crossings) -> Walk:
    steps = np.linspace(0.0, 1.0, STEPS + 1)
    way = np.concatenate([places(field, pairs, np.full(len(pairs.limit), step)) for step in steps])
    net, options = field.links.network, {"cap_m": field.links.cap_m, "barriers": field.links.barriers}
    minutes, nearest = minutes_at(field.found, snapping.snap_xy(net, way + HERE, **options))
    _, first, second = snapping.link(net, way + HERE, **options)
    served = (minutes <= np.tile(pairs.limit, len(steps))) & ((nearest == field.owner) | (field.owner == fields.ANY))
    served, segment, other = (each.reshape(len(steps), -1) for each in (served, first.vertex, second.line))
    two = ((segment == segment[0]) | (segment == segment[-1]) | (segment < 0)).all(axis=0)
    # Who may choose between two streets on the way, but not at its ends, has a third one.
    two &= (other[[0, -1]] >= 0).any(axis=0) | (other < 0).all(axis=0)
    return Walk(np.abs(np.diff(served.astype(int), axis=0)).sum(axis=0), steps[served.argmin(axis=0) - 1], two)


def hold(field: Field, limit: float) -> None:
    """Hold crossings to those found step by step, where only two streets matter."""
    pairs = pairs_of(field, limit)
    share = where_passed([field], pairs)
    assert ((share >= 0.0) & (share <= 1.0)).all()
    walk = walked(field, pairs)
    sure = walk.two & (walk.turns == 1)
    off = np.maximum(walk.last - share, share - walk.last - 1.0 / STEPS)[sure] * field.links.cell_m
    assert off.max(initial=0.0) <= EXACT_M


# -- by hand -----------------------------------------------------------------------------------------

ROW = street((-1000, 0), (0, 0)), street((0, 0), (1000, 0))


@pytest.mark.parametrize("limit", [2.5, 2.55, 3.0, 2.5 - 1e-12, 2.5 + 1e-12])
def test_on_one_side_of_one_street_exactly_on_the_diamond(limit: float) -> None:
    """Facility on one street, cells beside the other: |x + 106.25| + |y| = 100 m a minute, to the millimetre.

    Some cells lie on the limit itself, or a hair beside it.
    """
    net = build(*ROW)
    field = field_in(net, link(net, (-106.25, 0)), limit=limit)
    pairs = pairs_of(field, limit)
    x, y = places(field, pairs, where_passed([field], pairs)).T
    beside = (x > 0) & (pairs.inner[:, 1] != pairs.outer[:, 1]) & (np.abs(y) > CELL_M)
    assert beside.sum() > 10
    metres = np.abs(x + 106.25) + np.abs(y)
    assert metres == pytest.approx(limit * 100, abs=EXACT_M)
    assert metres[beside] == pytest.approx(limit * 100, abs=1e-6)


@pytest.mark.parametrize("limit", [4.0, 4.5])
def test_a_cell_on_the_limit_itself_is_where_the_minutes_pass(limit: float) -> None:
    """As the contour gives it: the cell is both the inner and the outer one."""
    net = build(*ROW)
    field = field_in(net, link(net, (-306.25, 6.25)), limit=limit)
    on = np.flatnonzero(field.reached.minutes == limit)
    assert len(on)
    cell = field.reached.cell[on]
    at = np.column_stack([field.table.column[cell], field.table.row[cell]])
    minutes, many = field.reached.minutes[on], len(on)
    cell = field.table.at(at[:, 1], at[:, 0])
    number, one_way = np.zeros(many, dtype=np.int64), np.ones(many, dtype=bool)
    pairs = Crossings(number, minutes, at, at, minutes, minutes, one_way, cell, cell)
    share = where_passed([field], pairs)
    assert np.isfinite(share).all()
    assert np.array_equal(places(field, pairs, share), places(field, pairs, np.zeros(many)))


def test_across_the_street_the_minutes_fall_and_rise_again() -> None:
    """The street lies between two rows of cells, at y = -6.25 and 6.25."""
    net = build(street((-1000, 4), (0, 4)), street((0, 4), (1000, 4)))
    field = field_in(net, link(net, (-300, 4)), limit=6.1)
    pairs = pairs_of(field, 6.1)
    x, y = places(field, pairs, where_passed([field], pairs)).T
    under = np.abs(y - 4) < field.links.cap_m - 1
    assert (np.abs(x + 300) + np.abs(y - 4))[under] == pytest.approx(610, abs=EXACT_M)
    assert ((x > 0) & (np.abs(y - 4) < CELL_M)).sum() > 3


def test_at_the_cap_the_zone_ends() -> None:
    net = build(*ROW)
    field = field_in(net, link(net, (0, 0)), limit=30.0, cap_m=100.0)
    pairs = pairs_of(field, 30.0)
    x, y = places(field, pairs, where_passed([field], pairs)).T
    along = np.abs(x) <= 1000
    assert np.abs(y[along]) == pytest.approx(100.0, abs=EXACT_M)
    assert np.hypot(np.abs(x[~along]) - 1000, y[~along]) == pytest.approx(100.0, abs=EXACT_M)


def test_a_wall_is_where_the_zone_ends() -> None:
    """Behind it one would have to walk round by the other street, which is too far."""
    net = build(street((0, 0), (1000, 0)), street((1000, 0), (1000, 100)), street((1000, 100), (0, 100)))
    none = np.array([], dtype=object)
    wall = barriers.fence(barriers.lines(np.array([line((-500, 33), (995, 33))]), none, none))
    field = field_in(net, link(net, (100, 0)), limit=5.0, barriers=wall)
    pairs = pairs_of(field, 5.0)
    x, y = places(field, pairs, where_passed([field], pairs)).T
    north = (y > 0) & (pairs.inner[:, 1] != pairs.outer[:, 1]) & (np.abs(x - 100) < 400)
    assert north.sum() > 50
    assert y[north] == pytest.approx(33.0, abs=EXACT_M)


def test_half_way_between_two_facilities_the_one_gives_way_to_the_other() -> None:
    net = build(*ROW)
    whole = field_in(net, link(net, (-203, 0), (197, 0)), limit=4.0)
    for owner in (0, 1):
        field = whole.of(owner)
        pairs = pairs_of(field, 4.0)
        x, y = places(field, pairs, where_passed([field], pairs)).T
        inside = (np.abs(x + 203 - 400 * owner) + np.abs(y) < 390) & (np.abs(y) < 150)
        assert inside.sum() > 10
        assert x[inside] == pytest.approx(-3.0, abs=EXACT_M)


@pytest.mark.parametrize("many", [1, 2, 3])
def test_past_facilities_on_one_street(many: int) -> None:
    """One goes straight to each, whatever the ends of the street."""
    net = build(street((0, 0), (1000, 0)))
    at = np.array([200.0, 530.0, 760.0][:many])
    field = field_in(net, link(net, *((x, 40) for x in at)), limit=1.7)
    pairs = pairs_of(field, 1.7)
    x, y = places(field, pairs, where_passed([field], pairs)).T
    metres = 40 + np.abs(x[:, None] - at).min(axis=1) + np.abs(y)
    assert metres == pytest.approx(170, abs=EXACT_M)


# -- slow twin ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(("mode", "limit"), [(FOOT, 3.0), (FOOT, 1.1), (CAR, 1.2)], ids=["walk", "walk near", "drive"])
@settings(max_examples=15)
@given(seed=st.integers(0, 10_000), count=st.integers(1, 3), cap_m=st.sampled_from([60.0, 300.0]))
def test_crossings_of_towns_are_true_to_half_a_metre(
    mode: Mode, limit: float, seed: int, count: int, cap_m: float
) -> None:
    net = town(seed, mode=mode)
    facilities = snapping.snap(net, scattered(seed, count), cap_m=cap_m)
    if (facilities["snap_status"] == "ok").any():
        whole = field_in(net, facilities, limit=limit, cap_m=cap_m)
        hold(whole, limit)
        for owner in np.unique(whole.reached.nearest[whole.reached.minutes <= limit]):
            hold(whole.of(int(owner)), limit)


@given(st.integers(0, 10_000))
def test_many_fields_at_once_are_each_as_if_alone(seed: int) -> None:
    """In every bit; the fields share their cells."""
    net = town(seed)
    links = CellLinks(net, CELL_M, cap_m=100.0)
    links.link([(EAST - 400, NORTH - 400, EAST + 1100, NORTH + 1100)])
    facilities = snapping.snap(net, scattered(seed, 5), cap_m=300.0)
    fields = [
        catchments.field_of(links, reach(net, facilities.iloc[[row]].reset_index(drop=True), limit=3.0))
        for row in np.flatnonzero(facilities["snap_status"] == "ok")
    ]
    pairs = [
        pairs_of(field, 2.0)._replace(field=np.full(len(pairs_of(field, 2.0).limit), number))
        for number, field in enumerate(fields)
    ]
    together = Crossings(*(np.concatenate(column) for column in zip(*pairs, strict=True)))
    alone = [where_passed([field], pairs_of(field, 2.0)) for field in fields]
    assert np.array_equal(where_passed(fields, together), np.concatenate(alone))


def linked_anew(fields: Sequence[Field], pairs: Crossings) -> np.ndarray:
    """The slow twin of all tricks: bisect, and link every place as a person is linked."""
    low, high = np.zeros(len(pairs.limit)), np.ones(len(pairs.limit))
    for _ in range(6):
        middle = (low + high) / 2.0
        served = np.empty(len(middle), dtype=bool)
        for number, field in enumerate(fields):
            mine = np.flatnonzero(pairs.field == number)
            some = pairs.take(mine)
            xy = places(field, some, middle[mine]) + HERE
            links = field.links
            snapped = snapping.snap_xy(links.network, xy, cap_m=links.cap_m, barriers=links.barriers)
            served[mine] = minutes_at(field.found, snapped)[0] <= some.limit
        low, high = np.where(served, middle, low), np.where(served, high, middle)
    return (low + high) / 2.0


def misplaced(shape: shapely.Geometry, field: Field, people: np.ndarray, limit: float) -> float:
    snapped = snapping.snap(field.links.network, people, cap_m=field.links.cap_m)
    minutes = minutes_at(field.found, snapped)[0]
    return surfaces.misplaced_people(shape, people, minutes, np.ones(len(people)), limit)


@pytest.mark.parametrize(("mode", "limit"), [(FOOT, 5.0), (CAR, 1.5)], ids=["walk", "drive"])
def test_polygons_misplace_no_more_than_if_every_place_were_linked(
    mode: Mode, limit: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of 20,000 random places in each of eight towns, all together."""
    wrong = []
    for seed in range(8):
        net, people = town(seed, mode=mode), scattered(seed + 1, 20_000)
        facilities = snapping.snap(net, scattered(seed, 2))
        for how in (where_passed, linked_anew):
            monkeypatch.setattr(surfaces, "where_passed", how)
            field = field_in(net, facilities, limit=limit)
            shape = surfaces.isochrones([field], [limit])[0, 0]
            wrong.append(misplaced(shape, field, people, limit))
    fast, slow = np.array(wrong).reshape(-1, 2).sum(axis=0)
    assert fast <= 1.05 * slow
    assert fast / 160_000 < 0.003


@given(st.integers(0, 10_000))
def test_the_last_bit_depends_on_no_order(seed: int) -> None:
    net = town(seed)
    field = field_in(net, link(net, (300, 300)), limit=3.0)
    pairs = pairs_of(field, 3.0)
    order = np.random.default_rng(seed).permutation(len(pairs.limit))
    assert np.array_equal(where_passed([field], pairs.take(order)), where_passed([field], pairs)[order])


def test_nothing_to_ask() -> None:
    net = build(*ROW)
    field = field_in(net, snapping.snap(net, spots((0, 9000))), limit=3.0)
    none, number, way = np.empty(0), np.empty(0, dtype=np.int64), np.empty((0, 2), dtype=np.int64)
    pairs = Crossings(number, none, way, way, none, none, none.astype(bool), number, number)
    assert len(where_passed([field], pairs)) == 0
