"""Polygons of minutes: where they run on tiny worlds, that they are valid, and that they nest to the last bit."""

from __future__ import annotations

import itertools
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
import shapely
from hypothesis import given, settings, strategies as st
from worlds import CAR, EAST, FOOT, NORTH, build, link, scattered, spots, street, town

from geo import catchments, fields, snapping, surfaces
from geo.cells import CellLinks
from geo.grid import Grid
from geo.reached import Reached
from geo.travel_times import minutes_at, reach

if TYPE_CHECKING:
    from geo.fields import Field
    from geo.modes import Mode
    from geo.network import Network

STREET = street((0, 0), (2000, 0))
BOX = (EAST - 400.0, NORTH - 400.0, EAST + 1100.0, NORTH + 1100.0)


def field_in(net: Network, facilities: Any, *, limit: float, cell_m: float = 12.5, **options: Any) -> Field:
    """A search a little beyond the limit, and its cells."""
    links = CellLinks(net, cell_m, **options)
    further = limit + fields.cell_minutes(cell_m, net.mode.access_kmh)
    return catchments.field_of(links, reach(net, facilities, limit=further))


def zone(net: Network, facilities: Any, limit: float, **options: Any) -> shapely.MultiPolygon:
    return surfaces.isochrones([field_in(net, facilities, limit=limit, **options)], [limit])[0, 0]


def local(shape: shapely.Geometry) -> shapely.Geometry:
    return shapely.transform(shape, lambda xy: xy - (EAST, NORTH))


def centres(field: Field) -> np.ndarray:
    """Centres of all linked cells."""
    table = field.table
    return np.column_stack([(table.column + 0.5), -(table.row + 0.5)]) * field.links.cell_m


def dense(field: Field) -> np.ndarray:
    """Minutes of all linked cells."""
    minutes = np.full(len(field.table.row), np.inf)
    minutes[field.reached.cell] = field.reached.minutes
    return minutes


def assert_nested(shapes: np.ndarray) -> None:
    """Polygons of rising limits: valid, and each within the next to the last bit."""
    for shape in shapes:
        assert shapely.is_valid(shape)
        assert isinstance(shape, shapely.MultiPolygon)
    for inner, outer in itertools.pairwise(shapes):
        assert inner.is_empty or shapely.covers(outer, inner)
        assert shapely.difference(inner, outer).area == 0.0


# -- by hand -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("cell_m", [6.25, 12.5, 25.0, 50.0])
@pytest.mark.parametrize("at", [(1000, 0), (1003.3, 0)])
def test_around_one_facility_on_one_street_lies_a_diamond(cell_m: float, at: tuple[float, float]) -> None:
    """3 min = 300 m: so far along the street and off it that |x - 1000| + |y| = 300; its four tips are cut off in a cell."""
    net = build(STREET)
    shape = local(zone(net, link(net, at), 3, cell_m=cell_m))
    diamond = shapely.Polygon([(at[0] - 300, 0), (at[0], 300), (at[0] + 300, 0), (at[0], -300)])
    assert shapely.hausdorff_distance(shape, diamond) < cell_m
    assert 2 * 300**2 - 4 * cell_m**2 / 2 <= shape.area <= 2 * 300**2


def test_a_diamond_beside_two_streets() -> None:
    """The same where the facility is on one street and its neighbours on others: arithmetic instead of bisection."""
    net = build(street((0, 0), (900, 0)), street((900, 0), (1100, 0)), street((1100, 0), (2000, 0)))
    shape = local(zone(net, link(net, (1000, 0)), 3))
    diamond = shapely.Polygon([(700, 0), (1000, 300), (1300, 0), (1000, -300)])
    assert shapely.hausdorff_distance(shape, diamond) < 12.5
    assert shape.area == pytest.approx(2 * 300**2, rel=0.001)


def test_beyond_the_cap_nobody_is_served_whatever_the_limit() -> None:
    """60 min reach everywhere along the street, and 100 m off it."""
    net = build(STREET)
    shape = local(zone(net, link(net, (1000, 0)), 60, cap_m=100.0))
    strip = shapely.LineString([(0, 0), (2000, 0)]).buffer(100, quad_segs=32)
    assert shapely.hausdorff_distance(shape, strip) < 12.5
    assert shape.area == pytest.approx(strip.area, rel=0.002)


def test_a_courtyard_that_is_not_reached_is_a_hole() -> None:
    """A square of streets, 800 m a side, caps of 100 m: the middle is beyond every cap."""
    corners = [(0, 0), (800, 0), (800, 800), (0, 800)]
    net = build(*(street(a, b) for a, b in zip(corners, [*corners[1:], corners[0]], strict=True)))
    shape = zone(net, link(net, (0, 0)), 60, cap_m=100.0)
    assert [len(part.interiors) for part in shape.geoms] == [1]
    assert shapely.Polygon(shape.geoms[0].interiors[0]).area == pytest.approx(600**2, rel=0.002)


def test_a_part_may_lie_in_the_hole_of_another() -> None:
    """A ring of streets, and a street in its middle that is joined by a long way round outside."""
    corners = [(0, 0), (1000, 0), (1000, 1000), (0, 1000)]
    ring = [street(a, b) for a, b in zip(corners, [*corners[1:], corners[0]], strict=True)]
    net = build(*ring, street((450, 500), (550, 500)), island_m=0.0)
    facilities = link(net, (0, 0), (500, 500))
    shape = local(zone(net, facilities, 60, cap_m=100.0))
    assert sorted(len(part.interiors) for part in shape.geoms) == [0, 1]
    inner = min(shape.geoms, key=lambda part: part.area)
    assert inner.area == pytest.approx(200 * 100 + np.pi * 100**2, rel=0.005)
    assert shapely.contains(inner, shapely.Point(500, 500))


def test_two_places_apart_are_two_parts() -> None:
    net = build(STREET)
    shape = zone(net, link(net, (300, 0), (1700, 0)), 2)
    assert len(shape.geoms) == 2
    assert shape.area == pytest.approx(2 * 2 * 200**2, rel=0.002)


@pytest.mark.parametrize("cell_m", [12.5, 100.0])
@pytest.mark.parametrize("facilities", [[(1000, 5000)], [None], [], [(1000, 250)]])
def test_nothing_within_the_limit_is_empty(facilities: list[tuple[float, float] | None], cell_m: float) -> None:
    """Nobody attached, nobody there, or so far off the street that the leg takes longer."""
    net = build(STREET)
    shapes = surfaces.isochrones([field_in(net, link(net, *facilities), limit=2.0, cell_m=cell_m)], [1.0, 2.0])
    assert shapes.shape == (1, 2)
    for shape in shapes.ravel():
        assert isinstance(shape, shapely.MultiPolygon)
        assert shape.is_empty


def test_no_field_no_zone() -> None:
    assert surfaces.isochrones([], [5.0, 10.0]).shape == (0, 2)


def test_cells_on_the_limit_itself_do_not_break_the_polygon() -> None:
    """At 4 min the contour runs through centres of cells; one ulp less, and one more, it is the same."""
    net = build(street((0, 6.25), (1000, 6.25)), street((1000, 6.25), (2000, 6.25)))
    limits = [np.nextafter(4.0, 0.0), 4.0, np.nextafter(4.0, 5.0)]
    field = field_in(net, link(net, (906.25, 6.25)), limit=4.0)
    assert (field.reached.minutes == 4.0).any()
    shapes = surfaces.isochrones([field], limits)[0]
    assert_nested(shapes)
    # The cap cuts off the two tips of the diamond.
    assert shapely.area(shapes) == pytest.approx(2 * 400**2 - 2 * 100**2, rel=0.001)


# -- properties --------------------------------------------------------------------------------------


@pytest.mark.parametrize("mode", [FOOT, CAR], ids=lambda mode: mode.name)
@settings(max_examples=15)
@given(
    seed=st.integers(0, 10_000),
    limits=st.lists(st.floats(0.3, 12.0), min_size=2, max_size=4, unique=True),
    cell_m=st.sampled_from([12.5, 25.0, 7.3]),
)
def test_bands_nest_and_are_valid(mode: Mode, seed: int, limits: list[float], cell_m: float) -> None:
    net = town(seed, mode=mode)
    field = field_in(net, snapping.snap(net, scattered(seed, 2)), limit=max(limits), cell_m=cell_m, cap_m=120.0)
    assert_nested(surfaces.isochrones([field], sorted(limits))[0])


def rough(seed: int, limit: float) -> Field:
    """A field whose minutes are dice: no worse one will ever be met."""
    net, rng = town(seed), np.random.default_rng(seed)
    field = field_in(net, link(net, (300, 300)), limit=limit, cell_m=12.7, cap_m=150.0)
    cell = np.flatnonzero(rng.random(len(field.table.row)) < 0.8)
    minutes = rng.choice([0.0, 3.0, 4.9, 5.0, 5.1, 9.9, 40.0], len(cell))
    smooth = rng.random(len(cell)) < 0.5
    minutes[smooth] = rng.uniform(0, 16, smooth.sum())
    reached = Reached(cell, minutes, rng.random(len(cell)) < 0.5, np.zeros(len(cell), dtype=np.int64))
    return replace(field, reached=reached)


@settings(max_examples=12)
@given(st.integers(0, 10_000))
def test_rough_fields_nest_too(seed: int) -> None:
    assert_nested(surfaces.isochrones([rough(seed, 15.0)], [0.0, 5.0, 5.1, 10.0, 15.0])[0])


@settings(max_examples=12)
@given(seed=st.integers(0, 10_000), share=st.sampled_from([1.01e-6, 0.5, 1.0 - 1.01e-6, None]))
def test_rings_whose_vertices_lie_strictly_between_cells_are_valid_unrepaired(seed: int, share: float | None) -> None:
    """Wherever the crossings are between their cells: such rings are not looked at again."""
    field, rng = rough(seed, 5.0), np.random.default_rng(seed)
    # No cell on the limit itself: there, rings may touch, and are looked at.
    reached = field.reached._replace(minutes=field.reached.minutes + 0.01)
    draft = surfaces._draft(next(surfaces._sheets([replace(field, reached=reached)], [5.0])), 5.0, field.width)
    many = len(draft.pairs.field)
    assert len(draft.rings) > 50
    shares = rng.choice([1.01e-6, 1.0 - 1.01e-6], many) if share is None else np.full(many, share)
    assert shapely.is_valid(draft.shapes(shares, field.links.cell_m, 1)).all()


@settings(max_examples=12)
@given(st.integers(0, 10_000))
def test_served_cells_are_inside_and_others_outside(seed: int) -> None:
    field = rough(seed, 5.0)
    shape, minutes, at = surfaces.isochrones([field], [5.0])[0, 0], dense(field), shapely.points(centres(field))
    shapely.prepare(shape)
    assert shapely.is_valid(shape)
    assert shapely.intersects(shape, at[minutes < 5.0]).all()
    assert not shapely.contains_properly(shape, at[minutes > 5.0]).any()


@settings(max_examples=12)
@given(st.integers(0, 10_000), st.integers(1, 30))
def test_many_zones_in_one_sheet_are_each_as_if_drawn_alone(seed: int, together: int) -> None:
    """In every bit, in whatever company; some facilities are attached to nothing."""
    net, limits = town(seed), [3.0, 0.8, 1.7]
    facilities = snapping.snap(net, np.concatenate([scattered(seed, 7), spots((9000, 0), None)]))
    links = CellLinks(net, 12.5)
    links.link([BOX])
    searches = [reach(net, facilities.iloc[[row]].reset_index(drop=True), limit=3.5) for row in range(9)]
    fields = [catchments.field_of(links, found) for found in searches]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(surfaces, "FIELDS_AT_ONCE", together)
        shapes = surfaces.isochrones(fields, limits)
    assert shapes.shape == (9, 3)
    for row, field in enumerate(fields):
        for column, limit in enumerate(limits):
            alone = surfaces.isochrones([field], [limit])[0, 0]
            assert shapely.equals_exact(shapely.normalize(shapes[row, column]), shapely.normalize(alone), tolerance=0.0)


@settings(max_examples=8)
@given(st.integers(0, 10_000))
def test_polygons_misplace_few_of_those_who_live_near_streets(seed: int) -> None:
    """Everyone within 30 m of a street; cells of 6.25 m."""
    net = town(seed)
    rng = np.random.default_rng(seed)
    lines = net.lines[rng.integers(0, len(net.lines), 1500)]
    at = shapely.get_coordinates(shapely.line_interpolate_point(lines, rng.random(1500), normalized=True))
    people = shapely.points(at + rng.uniform(-21, 21, at.shape))
    facilities = snapping.snap(net, scattered(seed, 2))
    shape = zone(net, facilities, 4, cell_m=6.25)
    minutes = minutes_at(reach(net, facilities, limit=60), snapping.snap(net, people))[0]
    wrong = surfaces.misplaced_people(shape, people, minutes, np.ones(1500), 4)
    assert wrong / 1500 < 0.005


@given(st.integers(0, 10_000), st.sampled_from([0.5, 2.0]))
def test_what_is_drawn_is_valid_and_near_to_exact(seed: int, tolerance_m: float) -> None:
    net = town(seed)
    exact = zone(net, snapping.snap(net, scattered(seed, 2)), 6, cap_m=120.0)
    plain = surfaces.drawn(np.array([exact], dtype=object), tolerance_m=tolerance_m)[0]
    assert shapely.is_valid(plain)
    assert isinstance(plain, shapely.MultiPolygon)
    assert shapely.get_num_coordinates(plain) <= shapely.get_num_coordinates(exact)
    difference = shapely.symmetric_difference(plain, exact)
    assert shapely.buffer(difference, -tolerance_m * 1.01).is_empty


# -- what is no polygon ------------------------------------------------------------------------------


def test_a_surface_holds_the_minutes_of_the_centres_of_its_cells() -> None:
    net = build(STREET)
    field = field_in(net, link(net, (1000, 0)), limit=60.0, cell_m=25.0)
    found = surfaces.surface(field, (EAST - 500, NORTH - 450, EAST + 2500, NORTH + 450))
    assert found.grid == Grid(EAST - 500, NORTH + 450, 25.0, 36, 120)
    x, y = np.meshgrid(found.grid.x - EAST, found.grid.y - NORTH)
    aside = np.hypot(np.clip(-x, 0, None) + np.clip(x - 2000, 0, None), y)
    expected = np.where(aside <= 300, (np.abs(np.clip(x, 0, 2000) - 1000) + aside) / 100, np.nan)
    assert found.minutes.dtype == np.float32
    assert np.allclose(found.minutes, expected, rtol=1e-6, equal_nan=True)


def test_a_surface_tells_not_reached_from_beyond_the_cap() -> None:
    """An island, the far end of the street, and the open country."""
    net = build(STREET, street((0, 1000), (100, 1000)), island_m=500.0)
    field = field_in(net, link(net, (0, 0)), limit=10.0, cell_m=25.0)
    box = EAST - 400, NORTH - 400, EAST + 2400, NORTH + 1400
    found = surfaces.surface(catchments.field_of(field.links, field.found, box=box), box)

    def at(x: float, y: float) -> float:
        row, column = int(np.argmin(np.abs(found.grid.y - NORTH - y))), int(np.argmin(np.abs(found.grid.x - EAST - x)))
        return float(found.minutes[row, column])

    assert [at(50, 1000), at(1990, 10)] == [np.inf, np.inf]
    assert at(512, 12) == pytest.approx((512.5 + 12.5) / 100, rel=1e-6)
    assert np.isnan(at(1000, 700))


def test_a_surface_of_a_part_is_a_part_of_the_surface() -> None:
    net = town(4)
    field = field_in(net, link(net, (300, 300)), limit=3.0)
    whole = surfaces.surface(field, BOX)
    west, south, east, north = (EAST + 100, NORTH + 50, EAST + 350, NORTH + 500)
    part = surfaces.surface(field, (west, south, east, north))
    right, down = (part.grid.first - whole.grid.first).tolist()
    rows, columns = part.grid.shape
    assert np.array_equal(whole.minutes[down : down + rows, right : right + columns], part.minutes, equal_nan=True)


def test_misplaced_people_are_those_on_the_wrong_side() -> None:
    square = shapely.box(EAST, NORTH, EAST + 100, NORTH + 100)
    places = spots((50, 50), (60, 60), (200, 50), (300, 50), (100, 100), None)
    minutes = np.array([15.0, 15.1, 14.0, np.inf, 3.0, 2.0])
    people = np.array([1.0, 2.0, 4.0, 8.0, 16.0, 32.0])
    assert surfaces.misplaced_people(square, places, minutes, people, 15) == 2 + 4 + 32


def test_only_areas_of_what_is_invalid_are_kept() -> None:
    bow_tie = shapely.MultiPolygon([shapely.Polygon([(0, 0), (2, 2), (2, 0), (0, 2)])])
    spike = shapely.MultiPolygon([shapely.Polygon([(0, 0), (4, 0), (4, 4), (4, 0), (4, 4), (0, 4)])])
    assert shapely.area([surfaces.valid(bow_tie), surfaces.valid(spike)]).tolist() == [2.0, 16.0]
    assert surfaces.valid(shapely.LineString([(0, 0), (1, 1)])).is_empty
    square = shapely.MultiPolygon([shapely.box(0, 0, 1, 1)])
    assert surfaces.valid(square).equals(square)
