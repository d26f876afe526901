"""What holds whatever the streets: on random networks, by every way of moving, in both directions."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING

import geopandas as gpd
import numpy as np
import pytest
import shapely
from hypothesis import assume, event, given, settings, strategies as st
from random_networks import World, worlds
from test_exact import DIRECTIONS, HIKER, MODES, RIDER, built
from worlds import EAST, FOOT, METRIC, NORTH, build, link, spots, street, street_table

from geo import queries, schema, snapping, surfaces
from geo.pairs import matrix
from geo.travel_times import minutes_at, reach

if TYPE_CHECKING:
    from pathlib import Path

    import pandas as pd

    from geo.catalogue import Direction
    from geo.modes import Mode
    from geo.network import Network

FINE = 1e-6
ANY_MODE = st.sampled_from(list(MODES.values()))
ANY_DIRECTION = st.sampled_from(DIRECTIONS)
FORMS = ("each", "dissolve", "split")


def network_of(world: World, mode: Mode) -> Network:
    net = built(world, mode)
    assume(net is not None)
    return net


def links(net: Network, world: World) -> tuple[pd.DataFrame, pd.DataFrame]:
    people, facilities = snapping.snap(net, world.people), snapping.snap(net, world.facilities)
    return people, facilities.assign(delay_minutes=world.delay_minutes)


def to_nearest(
    net: Network, people: pd.DataFrame, facilities: pd.DataFrame, direction: Direction, *, limit: float = 60.0
) -> np.ndarray:
    return minutes_at(reach(net, facilities, limit=limit, direction=direction), people)[0]


def pairs(net: Network, origins: pd.DataFrame, destinations: pd.DataFrame, *, limit: float = 60.0) -> np.ndarray:
    listed = matrix(net, origins, destinations, limit=limit)
    dense = np.full((len(origins), len(destinations)), np.inf)
    dense[listed["origin"], listed["destination"]] = listed["minutes"]
    return dense


def same(one: np.ndarray, other: np.ndarray, *, within: float = FINE) -> bool:
    finite = np.isfinite(one)
    return bool((np.isfinite(other) == finite).all() and np.abs(one[finite] - other[finite]).max(initial=0.0) <= within)


def table(places: np.ndarray) -> gpd.GeoDataFrame:
    return gpd.GeoDataFrame(geometry=places, crs=METRIC)


# -- more is never less ------------------------------------------------------------------------------


@given(worlds(), ANY_MODE, ANY_DIRECTION, st.integers(1, 80), st.integers(0, 80))
def test_a_longer_limit_never_serves_fewer(
    world: World, mode: Mode, direction: Direction, tenths: int, more: int
) -> None:
    """And who was served before keeps the same minutes, to the last bit."""
    net = network_of(world, mode)
    people, facilities = links(net, world)
    limit, longer = tenths / 10, (tenths + more) / 10
    less = to_nearest(net, people, facilities, direction, limit=limit)
    greater = to_nearest(net, people, facilities, direction, limit=longer)
    served = less <= limit
    assert (greater[served] == less[served]).all()
    assert not (greater[~served] <= limit).any()
    near = pairs(net, people, facilities, limit=limit)
    far = pairs(net, people, facilities, limit=longer)
    assert (near == np.where(far <= limit, far, np.inf)).all()


@given(worlds(), ANY_MODE, ANY_DIRECTION)
def test_an_added_service_never_hurts(world: World, mode: Mode, direction: Direction) -> None:
    net = network_of(world, mode)
    people, facilities = links(net, world)
    before = to_nearest(net, people, facilities.iloc[:-1], direction)
    after = to_nearest(net, people, facilities, direction)
    placed = ~np.isnan(before)
    assert (after[placed] <= before[placed]).all()


@given(worlds(), ANY_MODE, ANY_DIRECTION, st.integers(0, 30), st.integers(0, 30))
def test_an_added_street_never_hurts(world: World, mode: Mode, direction: Direction, one: int, other: int) -> None:
    """A street that is not nearer to anybody: it joins two junctions by a way far round, but it is no longer for that."""
    net = network_of(world, mode)
    people, facilities = links(net, world)
    wider = network_of(
        with_street(world, one, other, over=(9000.0, 9000.0), length_m=50.0)._replace(island_m=0.0), mode
    )
    # The same links: edges are numbered as the pieces, and the added one is the last.
    assert (wider.piece[:-1] == net.piece).all()
    before = to_nearest(net, people, facilities, direction)
    after = to_nearest(wider, people, facilities, direction)
    placed = ~np.isnan(before)
    assert (after[placed] <= before[placed] + 1e-9).all()


def with_street(
    world: World, one: int, other: int, *, over: tuple[float, float], length_m: float | None = None
) -> World:
    """Return a world with one street more, the last: from junction to junction over a place."""
    pieces = world.pieces
    ends = np.unique(pieces[["start_node", "end_node"]])
    start, end = ends[one % len(ends)], ends[other % len(ends)]
    place = {}
    for node, at in (("start_node", 0), ("end_node", -1)):
        place |= dict(zip(pieces[node], shapely.get_coordinates(shapely.get_point(pieces.geometry, at)), strict=True))
    tags = dict.fromkeys((*schema.STREET_TAGS, *schema.STREET_TURNS, *schema.STREET_SHUT), "")
    added = pieces.iloc[[0]].assign(**{**tags, "highway": "residential"}, way=999, start_node=start, end_node=end)
    added.geometry = [shapely.LineString([place[start], np.add((EAST, NORTH), over), place[end]])]
    added["length_m"] = shapely.length(added.geometry) if length_m is None else length_m
    return world._replace(
        pieces=gpd.pd.concat([pieces, added], ignore_index=True), gradient=np.append(world.gradient, 0.0)
    )


@given(
    worlds(), ANY_MODE, st.integers(0, 30), st.integers(0, 30), st.tuples(*[st.floats(-200.0, 1200.0, width=16)] * 2)
)
def test_a_street_added_anywhere_hurts_nobody_who_starts_and_ends_where_before(
    world: World, mode: Mode, one: int, other: int, over: tuple[float, float]
) -> None:
    """Wherever it runs: of each pair that it takes to no other street, the way does not become longer."""
    net, wider = network_of(world, mode), network_of(with_street(world, one, other, over=over), mode)
    assert (wider.piece[:-1] == net.piece).all()
    (people, facilities), (people_now, facilities_now) = links(net, world), links(wider, world)
    stayed = [
        (one.eq(other) | (one.isna() & other.isna())).all(axis=1).to_numpy()
        for one, other in ((people, people_now), (facilities, facilities_now))
    ]
    before, after = pairs(net, people, facilities), pairs(wider, people_now, facilities_now)
    both = stayed[0][:, None] & stayed[1]
    event(f"{both.sum()} of {both.size} pairs stayed")
    assert (after[both] <= before[both] + 1e-9).all()


def test_a_street_nearer_than_ones_own_takes_people_over_and_may_cost() -> None:
    """Everybody starts at the nearest street, and so does a door 40 m from the main street and 10 m from a blind lane.

    The lane leaves the main street 300 m further back, runs beside it at 50 m, and ends at the door.
    """
    first, second = street((0, 0), (200, 0)), street((200, 0), (1000, 0))
    lane = street((200, 0), (200, 50), (500, 50))
    metres_a_minute = FOOT.speed_kmh * 1000.0 / 60.0
    for streets, metres in (([first, second], 40 + 400), ([first, second, lane], 10 + 300 + 50 + 700)):
        net = build(*streets)
        door, canteen = link(net, (500, 40)), link(net, (900, 0)).assign(delay_minutes=0.0)
        found = to_nearest(net, door, canteen, "to_service")
        assert found == pytest.approx([metres / metres_a_minute], abs=FINE)


# -- there and back ----------------------------------------------------------------------------------

TURNED_ONEWAY = {"yes": "-1", "-1": "yes"}


def turned(world: World) -> World:
    """Every street the other way: one-ways, gradients; what was a ring is a one-way drawn the other way."""
    pieces = world.pieces.copy()
    ring = (pieces["junction"] == "roundabout") | (pieces["highway"] == "motorway")
    said = pieces["oneway"].where(~(ring & (pieces["oneway"] == "")), "yes")
    pieces["oneway"] = said.map(lambda value: TURNED_ONEWAY.get(value, value))
    start, end = [""] * len(pieces), [""] * len(pieces)
    for row, (one, other, at_start, at_end) in enumerate(
        zip(pieces["start_node"], pieces["end_node"], pieces["no_turn_start"], pieces["no_turn_end"], strict=True)
    ):
        # Who might not go from here into that street may now not come from that street into here.
        for node, listed in ((one, at_start), (other, at_end)):
            for way in filter(None, listed.split(";")):
                that = int(way) - 1
                into = start if pieces["start_node"].iloc[that] == node else end
                into[that] = ";".join(filter(None, [into[that], str(row + 1)]))
    pieces["no_turn_start"], pieces["no_turn_end"] = start, end
    return world._replace(pieces=pieces, gradient=-world.gradient)


@given(worlds(), ANY_MODE)
def test_reverse_on_the_reversed_graph_equals_forward(world: World, mode: Mode) -> None:
    loops = world.pieces["start_node"] == world.pieces["end_node"]
    # A turn out of a loop has a side that its reverse cannot name.
    ways = set(itertools.chain(*(";".join(world.pieces[name]).split(";") for name in schema.STREET_TURNS)))
    assume(not (set(world.pieces.loc[loops, "way"].astype(str)) & ways))
    assume((world.pieces.loc[loops, [*schema.STREET_TURNS]] == "").all(axis=None))
    net, back = network_of(world, mode), network_of(turned(world), mode)
    people, facilities = links(net, world)
    assert links(back, world)[0].equals(people)
    for direction, other in (DIRECTIONS, DIRECTIONS[::-1]):
        there = to_nearest(net, people, facilities, direction)
        assert same(there, to_nearest(back, people, facilities, other))
    assert same(pairs(net, people, facilities), pairs(back, facilities, people).T)


@given(worlds(), ANY_MODE, ANY_DIRECTION)
def test_which_way_a_street_is_drawn_changes_nothing(world: World, mode: Mode, direction: Direction) -> None:
    pieces = world.pieces.copy()
    ring = (pieces["junction"] == "roundabout") | (pieces["highway"] == "motorway")
    said = pieces["oneway"].where(~(ring & (pieces["oneway"] == "")), "yes")
    pieces["oneway"] = said.map(lambda value: TURNED_ONEWAY.get(value, value))
    pieces["start_node"], pieces["end_node"] = world.pieces["end_node"], world.pieces["start_node"]
    for one, other in (schema.STREET_TURNS, schema.STREET_SHUT):
        pieces[one], pieces[other] = world.pieces[other], world.pieces[one]
    pieces = pieces.set_geometry(shapely.reverse(pieces.geometry.to_numpy()), crs=METRIC)
    drawn = world._replace(pieces=pieces, gradient=-world.gradient)
    net, other = network_of(world, mode), network_of(drawn, mode)
    before, after = links(net, world), links(net, world)
    for snapped in after:
        snapped["fraction"], snapped["fraction2"] = 1.0 - snapped["fraction"], 1.0 - snapped["fraction2"]
    assert same(to_nearest(net, *before, direction), to_nearest(other, *after, direction))


@given(st.integers(1, 350), st.sampled_from([HIKER, RIDER]))
def test_uphill_is_slower_than_downhill(tenths: int, mode: Mode) -> None:
    """A street of 100 m that rises by so many tenths of a percent; by bicycle only once the motor cannot hold it."""
    net = build(street((0, 0), (100, 0)), mode=mode, gradient=np.array([tenths / 1000]))
    foot, top = snapping.snap(net, spots((0, 0))), snapping.snap(net, spots((100, 0)))
    up, down = to_nearest(net, foot, top, "to_service")[0], to_nearest(net, top, foot, "to_service")[0]
    assert up == to_nearest(net, top, foot, "from_service")[0]
    flat = 100 / (mode.speed_kmh * 1000 / 60)
    assert up >= flat - 1e-12
    assert up > down or (mode is RIDER and up == pytest.approx(flat) == down)


# -- what must not matter ----------------------------------------------------------------------------


@given(worlds(), ANY_MODE, ANY_DIRECTION, st.randoms(use_true_random=False))
def test_the_order_of_places_changes_no_bit(world: World, mode: Mode, direction: Direction, random: object) -> None:
    net = network_of(world, mode)
    people, facilities = links(net, world)
    mine, theirs = list(range(len(people))), list(range(len(facilities)))
    random.shuffle(mine)
    random.shuffle(theirs)
    shuffled = people.iloc[mine].reset_index(drop=True), facilities.iloc[theirs].reset_index(drop=True)
    assert snapping.snap(net, world.people[mine]).equals(shuffled[0])
    found, again = to_nearest(net, people, facilities, direction), to_nearest(net, *shuffled, direction)
    assert np.array_equal(again, found[mine], equal_nan=True)
    assert (pairs(net, *shuffled) == pairs(net, people, facilities)[np.ix_(mine, theirs)]).all()


def spots_nearest_to(net: Network, place: shapely.Point) -> set[object]:
    """Where the nearest streets are nearest: junctions, or edge and metres along it."""
    found: list[tuple[float, object]] = []
    for edge, shape in enumerate(net.lines):
        run, whole = 0.0, shapely.length(shape)
        for ends in itertools.pairwise(shapely.get_coordinates(shape)):
            part = shapely.LineString(ends)
            along = run + shapely.line_locate_point(part, place)
            junction = int((net.start if along < whole / 2 else net.end)[edge])
            inside = FINE < along < whole - FINE
            found.append((shapely.distance(part, place), (edge, round(along, 4)) if inside else junction))
            run += shapely.length(part)
    least = min(metres for metres, _ in found)
    return {spot for metres, spot in found if metres < least + FINE}


@given(worlds(exact=False), ANY_MODE, ANY_DIRECTION, st.randoms(use_true_random=False))
def test_the_order_of_streets_and_the_numbers_of_junctions_change_nothing(
    world: World, mode: Mode, direction: Direction, random: object
) -> None:
    order = list(range(len(world.pieces)))
    random.shuffle(order)
    nodes = list(range(0, 7 * int(world.pieces[["start_node", "end_node"]].to_numpy().max() + 1), 7))
    random.shuffle(nodes)
    pieces = world.pieces.iloc[order].reset_index(drop=True)
    for name in ("start_node", "end_node"):
        pieces[name] = np.array(nodes)[pieces[name]]
    net = network_of(world, mode)
    # Where two streets lie on one another, which of them is nearest is chance.
    assume(all(len(spots_nearest_to(net, at)) == 1 for at in (*world.people, *world.facilities)))
    other = network_of(world._replace(pieces=pieces, gradient=world.gradient[order]), mode)
    found, again = (to_nearest(each, *links(each, world), direction) for each in (net, other))
    # Legs to a corner are measured to one of its streets: the last bits may differ.
    assert same(found, again, within=1e-9)


@given(worlds(), ANY_MODE, ANY_DIRECTION)
def test_one_by_one_or_all_at_once_changes_no_bit(world: World, mode: Mode, direction: Direction) -> None:
    net = network_of(world, mode)
    people, facilities = links(net, world)
    assert gpd.pd.concat([snapping.snap(net, world.people[[row]]) for row in range(len(people))]).equals(
        people.set_axis([0] * len(people))
    )
    found = to_nearest(net, people, facilities, direction)
    alone = [to_nearest(net, people.iloc[[row]], facilities, direction)[0] for row in range(len(people))]
    assert np.array_equal(alone, found, equal_nan=True)
    whole = pairs(net, people, facilities)
    for row in range(len(people)):
        assert (pairs(net, people.iloc[[row]], facilities)[0] == whole[row]).all()
    for column in range(len(facilities)):
        assert (pairs(net, people, facilities.iloc[[column]])[:, 0] == whole[:, column]).all()


@given(worlds(), ANY_MODE, st.sampled_from([4326, 4549, 3857, 32650]))
def test_the_crs_of_the_points_changes_nothing(world: World, mode: Mode, code: int) -> None:
    net = network_of(world, mode)
    people, facilities = table(world.people), table(world.facilities)
    assume(people.geometry.notna().any() and facilities.geometry.notna().any())
    found = queries.nearest_minutes(net, people, facilities, limit=60)
    again = queries.nearest_minutes(net, people.to_crs(code), facilities.to_crs(code), limit=60)
    ties = np.abs(found["snap_m"] - again["snap_m"]) > FINE
    assert not ties.any()
    assert same(found["minutes"].to_numpy(), again["minutes"].to_numpy())


@pytest.mark.parametrize("mode", ["walk", "drive"])
def test_the_crs_of_the_network_changes_nothing(shared: Path, mode: str) -> None:
    """In one zone, whatever it is called and wherever its origin lies: nothing. In the zones beside it, where a
    straight line between two vertices is another one by a millimetre: hardly anything, and nobody by a hundredth of a second."""
    file = shared / "data" / "futian" / "futian_osmnx.graphml"
    nets = {code: queries.read_streets(file, mode=mode, crs=f"EPSG:{code}") for code in (4547, 4526, 4548, 4546, 32650)}
    rng = np.random.default_rng(8)
    streets = nets[4547].lines[rng.integers(0, len(nets[4547].lines), 3020)]
    xy = shapely.get_coordinates(shapely.line_interpolate_point(streets, rng.random(3020), normalized=True))
    places = gpd.GeoSeries(shapely.points(xy + rng.normal(0.0, 50.0, (3020, 2))), crs=nets[4547].crs)

    def found(code: int) -> np.ndarray:
        nearest = queries.nearest_minutes(nets[code], places.iloc[20:], places.iloc[:20], limit=60)
        return nearest["minutes"].to_numpy()

    own = found(4547)
    assert np.isfinite(own).mean() > 0.9
    assert same(own, found(4526))  # 4547 with the zone's number before the easting
    for beside in (4548, 4546, 32650):
        other = found(beside)
        assert same(own, other, within=1e-4)
        reached = np.isfinite(own)
        assert np.median(np.abs(own[reached] - other[reached])) < FINE


@pytest.mark.parametrize("mode", ["walk", "ebike", "drive"])
def test_the_cache_changes_no_bit(shared: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, mode: str) -> None:
    """Worked out, worked out and kept, from disk, and after the disk has lost a bit."""
    file = shared / "data" / "monaco" / "monaco.osm.gz"

    def answers() -> list[bytes]:
        net = queries.read_streets(file, mode=mode)
        rng = np.random.default_rng(2)
        west, south, east, north = net.bounds
        places = gpd.GeoSeries(shapely.points(rng.uniform((west, south), (east, north), (220, 2))), crs=net.crs)
        people, facilities = places.iloc[20:], places.iloc[:20]
        near = queries.nearest_minutes(net, people, facilities, limit=20)
        listed = queries.minutes_matrix(net, people, facilities, limit=20)
        rings = queries.isochrones(net, facilities, minutes=[4.0, 9.0], combine="split")
        numbers = [array.tobytes() for array in (near["minutes"].to_numpy(), listed["minutes"].to_numpy())]
        return [*numbers, *shapely.to_wkb(rings.geometry.to_numpy())]

    plain = answers()
    monkeypatch.setenv("GEO_CACHE", str(tmp_path))
    assert answers() == plain
    kept = sorted(tmp_path.iterdir())
    assert kept
    assert answers() == plain
    for entry in kept:
        content = bytearray(entry.read_bytes())
        content[len(content) // 2] ^= 1
        entry.write_bytes(content)
    assert answers() == plain


# -- polygons ----------------------------------------------------------------------------------------


def zones(world: World, mode: Mode, bands: list[float], form: str, direction: Direction) -> gpd.GeoDataFrame:
    net = network_of(world, mode)
    facilities = table(world.facilities)
    assume(facilities.geometry.notna().any())
    return queries.isochrones(net, facilities, minutes=bands, combine=form, direction=direction, cap_m=90.0)


@settings(max_examples=15)
@given(worlds(), ANY_MODE, ANY_DIRECTION, st.sampled_from(FORMS), st.sets(st.integers(2, 60), min_size=3, max_size=3))
def test_bands_nest_and_do_not_depend_on_each_other(
    world: World, mode: Mode, direction: Direction, form: str, tenths: set[int]
) -> None:
    bands = sorted(tenth / 10 for tenth in tenths)
    together = zones(world, mode, bands, form, direction)
    assert shapely.is_valid(together.geometry.to_numpy()).all()
    for _, some in together.groupby("facility_id", dropna=False):
        for inner, outer in itertools.pairwise(some.sort_values("limit_minutes").geometry):
            assert inner.is_empty or shapely.covers(outer, inner)
    for band in bands:
        alone = zones(world, mode, [band], form, direction)
        among = together[together["limit_minutes"] == band]
        assert shapely.to_wkb(alone.geometry.to_numpy()).tolist() == shapely.to_wkb(among.geometry.to_numpy()).tolist()


@pytest.mark.parametrize("direction", ["to_service", "from_service"])
@pytest.mark.parametrize("mode", ["walk", "drive"])
def test_split_parts_sum_to_the_dissolved(shared: Path, mode: str, direction: Direction) -> None:
    """As drawn: nobody in two parts, one in two hundred at most in none, beside a border; people are counted below."""
    net = queries.read_streets(shared / "data" / "monaco" / "monaco.osm.gz", mode=mode)
    rng = np.random.default_rng(12)
    streets = net.lines[rng.integers(0, len(net.lines), 12)]
    places = gpd.GeoDataFrame(geometry=shapely.line_interpolate_point(streets, 0.4, normalized=True), crs=net.crs)
    limit = 8.0 if mode == "walk" else 3.0

    def drawn(combine: queries.Combine) -> np.ndarray:
        found = queries.isochrones(net, places, minutes=[limit], combine=combine, direction=direction)
        return found.geometry.to_numpy()

    whole, parts, each = drawn("dissolve")[0], drawn("split"), drawn("each")
    assert shapely.area(parts).sum() == pytest.approx(whole.area, rel=0.005)
    assert shapely.area(shapely.union_all(parts)) == pytest.approx(shapely.area(parts).sum(), rel=1e-3)
    west, south, east, north = whole.bounds
    people = shapely.points(rng.uniform((west, south), (east, north), (20_000, 2)))
    inside = shapely.contains(whole, people)
    within = shapely.contains(parts[:, None], people).sum(axis=0)
    left = inside & (within == 0)
    assert (within > 1).sum() <= 0.001 * inside.sum()
    assert left.sum() <= 0.005 * inside.sum()
    assert (np.sort(shapely.distance(parts[:, None], people[left]), axis=0)[0] < surfaces.CELL_M).all()
    # What is drawn by itself overlaps, and covers what is drawn together but for what a cell cannot show.
    missed = shapely.difference(whole, shapely.union_all(each))
    assert shapely.buffer(missed, -surfaces.CELL_M).is_empty


@given(worlds(exact=False), ANY_MODE, ANY_DIRECTION, st.integers(3, 60))
def test_people_are_counted_once_in_each_form(world: World, mode: Mode, direction: Direction, tenths: int) -> None:
    """By minutes: who is served by any is served by the nearest, and by nobody else when divided."""
    net = network_of(world, mode)
    people, facilities = links(net, world)
    limit = tenths / 10
    minutes, nearest = minutes_at(reach(net, facilities, limit=limit, direction=direction), people)
    alone = np.array(
        [
            to_nearest(net, people, facilities.iloc[[row]].reset_index(drop=True), direction, limit=limit)
            for row in range(len(facilities))
        ]
    )
    served = minutes <= limit
    assert ((alone <= limit).any(axis=0) == served).all()
    assert (alone.min(axis=0)[served] == minutes[served]).all()
    assert np.bincount(nearest[served], minlength=len(facilities)).sum() == served.sum()
    assert (alone[nearest[served], np.flatnonzero(served)] == minutes[served]).all()


# -- what must never be covered ----------------------------------------------------------------------


@given(worlds(), ANY_MODE, ANY_DIRECTION, st.integers(700, 5000), st.integers(20, 190))
def test_islands_are_never_covered_from_outside(
    world: World, mode: Mode, direction: Direction, away: int, length: int
) -> None:
    """A short street that nothing joins, beyond the cap of all others: nobody there is served, nor does its service serve."""
    pieces = world.pieces
    x, y = pieces.total_bounds[2] - EAST + away, pieces.total_bounds[3] - NORTH + away
    alone = street_table([street((x, y), (x + length, y))])
    nodes = int(pieces[["start_node", "end_node"]].to_numpy().max()) + 1
    alone = alone.assign(start_node=nodes, end_node=nodes + 1, way=999)
    more = world._replace(
        pieces=gpd.pd.concat([pieces, alone], ignore_index=True),
        gradient=np.append(world.gradient, 0.0),
        island_m=200.0,
    )
    net = network_of(more, mode)
    assume(net.island[-1])
    there = spots((x, y), (x + length / 2, y + 10), (x + length, y - 200))
    assert snapping.snap(net, there)["snap_status"].tolist() == ["island"] * 3
    places = table(np.concatenate([world.facilities, there]))
    found = queries.nearest_minutes(net, table(there), places, limit=60, direction=direction)
    assert np.isinf(found["minutes"]).all()
    zone = queries.isochrones(net, places, minutes=[60], combine="dissolve", direction=direction, cell_m=50.0)
    assert not shapely.intersects(zone.geometry.iloc[0], there).any()
    assert not shapely.intersects(zone.geometry.iloc[0], net.lines[-1])


def test_nobody_across_the_river_is_covered() -> None:
    """Two banks 700 m apart, a bridge 2 km to the east: 47 minutes from S to the place across, in its circle of 15.

    a──────────────────────┐  y = 700
    ~~~~~~~~~~~~~~~~~~~~~~ │ ~
    S──────────────────────┘  y = 0
    """
    banks = [street((-1500, 0), (2000, 0)), street((2000, 0), (2000, 700)), street((2000, 700), (-1500, 700))]
    net = build(*banks)
    rng = np.random.default_rng(4)
    across = spots(*zip(rng.uniform(-1300, 1300, 400), rng.uniform(400, 980, 400), strict=True))
    service = table(spots((0, 0)))
    in_circle = shapely.distance(across, service.geometry.iloc[0]) <= 1500
    found = queries.nearest_minutes(net, table(across), service, limit=60)["minutes"].to_numpy()
    assert in_circle.sum() > 300
    assert (found > 15).all()
    assert found[np.argmin(shapely.distance(across, spots((0, 700))[0]))] == pytest.approx(47, abs=1.5)
    for form in FORMS:
        zone = queries.isochrones(net, service, minutes=[15], combine=form).geometry.iloc[0]
        assert not shapely.intersects(zone, across).any()
        assert shapely.contains(zone, spots((-1490, 5), (1490, 5), (0, 290))).all()
