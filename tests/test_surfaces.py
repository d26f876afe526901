from __future__ import annotations

import itertools

import numpy as np
import pytest
import shapely
from hypothesis import given, settings, strategies as st
from worlds import EAST, FOOT, NORTH, build, link, scattered, spots, street, town

from geo import snapping, surfaces
from geo.grid import Grid, Surface
from geo.travel_times import minutes_at, reach

KMH = FOOT.access_kmh
STREET = street((0, 0), (2000, 0))


def surface_of(
    net: object, facilities: object, *, cell_m: float = 12.5, cap_m: float = 300.0, limit: float = 60.0
) -> tuple[Surface, np.ndarray]:
    """Return the surface and the nearest facility of each cell of its grid."""
    cells = surfaces.near_streets(net, cell_m, cap_m=cap_m)
    linked = snapping.snap_xy(net, cells.xy, cap_m=cap_m)
    minutes, nearest = minutes_at(reach(net, facilities, limit=limit), linked)
    owner = np.full(cells.grid.shape, -1, dtype=np.int64)
    owner.ravel()[cells.number] = nearest
    return surfaces.surface(cells, minutes, linked["snap_status"].to_numpy()), owner


def local(shape: shapely.Geometry) -> shapely.Geometry:
    return shapely.transform(shape, lambda xy: xy - (EAST, NORTH))


def test_around_one_facility_on_one_street_lies_a_diamond() -> None:
    """3 min = 300 m: so far along the street and off it that |x - 1000| + |y| = 300."""
    net = build(STREET)
    found, _ = surface_of(net, link(net, (1000, 0)))
    shape = local(surfaces.isochrone(found, 3, access_kmh=KMH))
    diamond = shapely.Polygon([(700, 0), (1000, 300), (1300, 0), (1000, -300)])
    assert shapely.hausdorff_distance(shape, diamond) < 12.5
    assert shape.area == pytest.approx(2 * 300**2, rel=0.002)


def test_cells_hold_the_minutes_of_their_centre() -> None:
    net = build(STREET)
    found, _ = surface_of(net, link(net, (1000, 0)), cell_m=25.0)
    x, y = np.meshgrid(found.grid.x - EAST, found.grid.y - NORTH)
    aside = np.hypot(np.clip(-x, 0, None) + np.clip(x - 2000, 0, None), y)
    expected = np.where(aside <= 300, (np.abs(np.clip(x, 0, 2000) - 1000) + aside) / 100, np.nan)
    assert np.allclose(found.minutes, expected, equal_nan=True)
    assert np.isnan(found.minutes).any()


def test_beyond_the_cap_nobody_is_served_whatever_the_limit() -> None:
    """60 min reach everywhere along the street, and 100 m off it."""
    net = build(STREET)
    found, _ = surface_of(net, link(net, (1000, 0)), cap_m=100.0)
    shape = local(surfaces.isochrone(found, 60, access_kmh=KMH))
    strip = shapely.LineString([(0, 0), (2000, 0)]).buffer(100, quad_segs=32)
    assert shapely.hausdorff_distance(shape, strip) < 12.5
    assert shape.area == pytest.approx(strip.area, rel=0.02)


def test_on_islands_nothing_is_reached() -> None:
    net = build(STREET, street((0, 1000), (100, 1000)), island_m=500.0)
    found, _ = surface_of(net, link(net, (1000, 0)), cell_m=25.0)
    row = int(np.argmin(np.abs(found.grid.y - NORTH - 1000)))
    column = int(np.argmin(np.abs(found.grid.x - EAST - 50)))
    assert found.minutes[row, column] == np.inf


def test_a_courtyard_that_is_not_reached_is_a_hole() -> None:
    """A square of streets, 800 m a side, caps of 100 m: the middle is beyond every cap."""
    corners = [(0, 0), (800, 0), (800, 800), (0, 800)]
    net = build(*(street(a, b) for a, b in zip(corners, [*corners[1:], corners[0]], strict=True)))
    found, _ = surface_of(net, link(net, (0, 0)), cap_m=100.0)
    shape = surfaces.isochrone(found, 60, access_kmh=KMH)
    assert [len(part.interiors) for part in shape.geoms] == [1]
    assert shapely.Polygon(shape.geoms[0].interiors[0]).area == pytest.approx(600**2, rel=0.03)


def test_two_places_apart_are_two_parts() -> None:
    net = build(STREET)
    found, _ = surface_of(net, link(net, (300, 0), (1700, 0)))
    shape = surfaces.isochrone(found, 2, access_kmh=KMH)
    assert len(shape.geoms) == 2
    assert shape.area == pytest.approx(2 * 2 * 200**2, rel=0.005)


@pytest.mark.parametrize("minutes", [np.full((3, 4), np.inf), np.full((3, 4), np.nan), np.full((3, 4), 15.1)])
def test_nothing_within_the_limit_is_empty(minutes: np.ndarray) -> None:
    shape = surfaces.isochrone(Surface(Grid(0.0, 75.0, 25.0, 3, 4), minutes), 15, access_kmh=KMH)
    assert isinstance(shape, shapely.MultiPolygon)
    assert shape.is_empty


@given(st.integers(0, 10_000))
def test_served_cells_are_inside_and_others_outside(seed: int) -> None:
    rng = np.random.default_rng(seed)
    grid = Grid(500_000.0, 2_800_000.0, 25.0, 9, 11)
    minutes = rng.choice([0.0, 3.0, 14.9, 15.0, 15.1, 40.0, np.inf, np.nan], grid.shape)
    shape = surfaces.isochrone(Surface(grid, minutes), 15, access_kmh=KMH)
    centres = shapely.points(grid.centres(np.arange(minutes.size)))
    assert shapely.is_valid(shape)
    strictly = minutes.ravel() < 15
    assert shapely.contains(shape, centres[strictly]).all()
    assert not shapely.intersects(shape, centres[~(minutes.ravel() <= 15)]).any()


@given(
    st.integers(0, 10_000),
    st.lists(st.floats(0.3, 12.0), min_size=2, max_size=4, unique=True),
    st.sampled_from([12.5, 25.0, 7.3]),
)
def test_bands_nest_and_are_valid(seed: int, limits: list[float], cell_m: float) -> None:
    net = town(seed)
    found, _ = surface_of(net, snapping.snap(net, scattered(seed, 2)), cell_m=cell_m, cap_m=120.0)
    shapes = [surfaces.isochrone(found, limit, access_kmh=KMH) for limit in sorted(limits)]
    for shape in shapes:
        assert shapely.is_valid(shape)
        assert isinstance(shape, shapely.MultiPolygon)
    for inner, outer in itertools.pairwise(shapes):
        assert inner.is_empty or shapely.covers(outer, inner)
        assert shapely.difference(inner, outer).area == 0.0


@given(st.integers(0, 10_000))
def test_rough_fields_nest_too(seed: int) -> None:
    rng = np.random.default_rng(seed)
    grid = Grid.over((EAST, NORTH, EAST + 200.0, NORTH + 200.0), 12.7)
    minutes = rng.uniform(0, 16, grid.shape)
    minutes[rng.random(grid.shape) < 0.2] = np.inf
    minutes[rng.random(grid.shape) < 0.2] = np.nan
    shapes = [surfaces.isochrone(Surface(grid, minutes), limit, access_kmh=4.5) for limit in (5, 5.1, 10, 15)]
    for inner, outer in itertools.pairwise(shapes):
        assert shapely.is_valid(inner)
        assert shapely.covers(outer, inner)
        assert shapely.difference(inner, outer).area == 0.0


@given(st.integers(0, 10_000))
def test_parts_by_the_nearest_are_disjoint_and_unite(seed: int) -> None:
    net = town(seed)
    cell_m = 12.5
    found, owner = surface_of(net, snapping.snap(net, scattered(seed, 3)), cell_m=cell_m, cap_m=120.0)
    whole = surfaces.isochrone(found, 6, access_kmh=KMH)
    parts = [surfaces.isochrone(surfaces.split(found, owner, number), 6, access_kmh=KMH) for number in range(3)]
    for one in range(3):
        for other in range(one):
            assert shapely.intersection(parts[one], parts[other]).area < 1e-6
    together = shapely.union_all(parts)
    assert shapely.difference(together, whole).area < 1e-6
    missing = shapely.difference(whole, together)
    assert shapely.buffer(missing, -cell_m).is_empty


def test_split_keeps_what_is_beyond_the_cap_apart() -> None:
    minutes, owner = np.array([[1.0, 2.0, np.nan, np.inf]]), np.array([[0, 1, -1, -1]])
    found = surfaces.split(Surface(Grid(0.0, 10.0, 10.0, 1, 4), minutes), owner, 1)
    assert np.array_equal(found.minutes, [[np.inf, 2.0, np.nan, np.inf]], equal_nan=True)


@given(st.integers(0, 10_000), st.sampled_from([10.0, 60.0, 300.0]), st.sampled_from([12.5, 50.0]))
def test_every_cell_within_the_cap_is_found(seed: int, cap_m: float, cell_m: float) -> None:
    net = town(seed)
    cells = surfaces.near_streets(net, cell_m, cap_m=cap_m)
    everyone = shapely.points(cells.grid.centres(np.arange(cells.grid.rows * cells.grid.columns)))
    near = np.unique(net.tree.query(everyone, predicate="dwithin", distance=cap_m)[0])
    assert np.isin(near, cells.number).all()
    assert np.array_equal(cells.xy, cells.grid.centres(cells.number))


def test_cells_within_bounds_only() -> None:
    cells = surfaces.near_streets(
        build(STREET), 25.0, cap_m=300.0, within_m=(EAST + 500, NORTH - 100, EAST + 700, NORTH + 100)
    )
    assert cells.grid == Grid(EAST + 500, NORTH + 100, 25.0, 8, 8)


def test_misplaced_people_are_those_on_the_wrong_side() -> None:
    square = shapely.box(EAST, NORTH, EAST + 100, NORTH + 100)
    places = spots((50, 50), (60, 60), (200, 50), (300, 50), (100, 100), None)
    minutes = np.array([15.0, 15.1, 14.0, np.inf, 3.0, 2.0])
    people = np.array([1.0, 2.0, 4.0, 8.0, 16.0, 32.0])
    assert surfaces.misplaced_people(square, places, minutes, people, 15) == 2 + 4 + 32


@given(st.integers(0, 10_000))
def test_what_is_drawn_is_valid_and_near_to_exact(seed: int) -> None:
    net = town(seed)
    found, _ = surface_of(net, snapping.snap(net, scattered(seed, 2)), cap_m=120.0)
    exact = surfaces.isochrone(found, 6, access_kmh=KMH)
    plain = surfaces.drawn(np.array([exact], dtype=object), tolerance_m=2.0)[0]
    assert shapely.is_valid(plain)
    assert shapely.get_num_coordinates(plain) <= shapely.get_num_coordinates(exact)
    difference = shapely.symmetric_difference(plain, exact)
    assert shapely.buffer(difference, -2.01).is_empty


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
    found, _ = surface_of(net, facilities, cell_m=6.25)
    shape = surfaces.isochrone(found, 4, access_kmh=KMH)
    minutes = minutes_at(reach(net, facilities, limit=60), snapping.snap(net, people))[0]
    wrong = surfaces.misplaced_people(shape, people, minutes, np.ones(1500), 4)
    assert wrong / 1500 < 0.02


@settings(max_examples=10)
@given(st.integers(0, 10_000))
def test_crossings_that_are_looked_up_nest_and_misplace_fewer(seed: int) -> None:
    net = town(seed)
    facilities = snapping.snap(net, scattered(seed, 2))
    found, _ = surface_of(net, facilities, cell_m=25.0, cap_m=120.0)
    search = reach(net, facilities, limit=60)

    def ask(xy: np.ndarray) -> np.ndarray:
        return minutes_at(search, snapping.snap_xy(net, xy, cap_m=120.0))[0]

    shapes = [surfaces.isochrone(found, limit, access_kmh=KMH, minutes_at=ask) for limit in (2, 3, 5)]
    for inner, outer in itertools.pairwise(shapes):
        assert shapely.is_valid(outer)
        assert inner.is_empty or shapely.covers(outer, inner)
        assert shapely.difference(inner, outer).area == 0.0
    places = scattered(seed + 1, 2000)
    minutes = minutes_at(search, snapping.snap(net, places, cap_m=120.0))[0]
    rough = surfaces.isochrone(found, 5, access_kmh=KMH)
    wrong = [surfaces.misplaced_people(shape, places, minutes, np.ones(2000), 5) for shape in (shapes[-1], rough)]
    assert wrong[0] <= wrong[1] + 5
    assert wrong[0] / 2000 < 0.02
