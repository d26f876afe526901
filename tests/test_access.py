"""Who may use which street piece, in which direction and how fast: every rule by hand."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from hypothesis import given, settings, strategies as st
from random_networks import World, worlds
from worlds import BIKE, CAR, FOOT, spots, street, street_table

from geo import access, network, pairs, schema, snapping, terrain
from geo.errors import GeoValueError
from geo.modes import BUILTIN, CAR_KMH, Mode

if TYPE_CHECKING:
    import pandas as pd

MODES = {"foot": FOOT, "bicycle": BIKE, "car": CAR}
# What a mode may do on a piece; "…ends": only among the first or last streets of a journey.
WORDS = {(False, False): "none", (True, True): "both", (True, False): "along", (False, True): "against"}

RULES = [
    # tags, foot, bicycle, car
    # --- classes
    ("highway=residential", "both", "both", "both"),
    ("highway=unclassified", "both", "both", "both"),
    ("highway=road", "both", "both", "both"),
    ("highway=living_street", "both", "both", "both"),
    ("highway=service", "both", "both", "both"),
    ("highway=trunk", "both", "both", "both"),
    ("highway=trunk_link", "both", "both", "both"),
    ("highway=motorway", "none", "none", "along"),
    ("highway=motorway_link", "none", "none", "along"),
    ("highway=motorway oneway=no", "none", "none", "both"),
    ("highway=motorway foot=yes bicycle=yes", "none", "none", "along"),
    ("highway=trunk motorroad=yes", "none", "none", "both"),
    ("highway=trunk motorroad=yes foot=yes bicycle=yes", "none", "none", "both"),
    ("highway=trunk motorroad=no", "both", "both", "both"),
    ("highway=footway", "both", "none", "none"),
    ("highway=footway bicycle=yes", "both", "both", "none"),
    ("highway=footway motor_vehicle=yes", "both", "none", "none"),
    ("highway=pedestrian", "both", "none", "none"),
    ("highway=pedestrian bicycle=designated", "both", "both", "none"),
    ("highway=pedestrian motor_vehicle=yes", "both", "none", "both"),
    ("highway=pedestrian motor_vehicle=destination", "both", "none", "both ends"),
    ("highway=pedestrian access=yes", "both", "none", "none"),
    ("highway=path", "both", "both", "none"),
    ("highway=path motor_vehicle=yes", "both", "both", "none"),
    ("highway=steps", "both", "none", "none"),
    ("highway=steps bicycle=yes", "both", "none", "none"),
    ("highway=steps bicycle=dismount", "both", "none", "none"),
    ("highway=cycleway", "both", "both", "none"),
    ("highway=bridleway", "both", "none", "none"),
    ("highway=corridor", "both", "none", "none"),
    ("highway=platform", "both", "none", "none"),
    ("highway=elevator", "both", "none", "none"),
    ("highway=track", "both", "both", "none"),
    ("highway=track motor_vehicle=yes", "both", "both", "both"),
    ("highway=track motorcar=permissive", "both", "both", "both"),
    ("highway=track motor_vehicle=agricultural", "both", "both", "none"),
    ("highway=track motor_vehicle=private", "both", "both", "both ends"),
    ("highway=track access=private", "both", "both ends", "none"),
    ("highway=track access=forestry", "both", "none", "none"),
    ("highway=busway", "none", "none", "none"),
    ("highway=busway foot=yes bicycle=yes", "both", "both", "none"),
    ("highway=bus_guideway", "none", "none", "none"),
    ("highway=construction", "none", "none", "none"),
    ("highway=construction foot=yes bicycle=yes motor_vehicle=yes", "none", "none", "none"),
    ("highway=proposed", "none", "none", "none"),
    ("highway=razed", "none", "none", "none"),
    ("highway=raceway", "none", "none", "none"),
    ("highway=service route=ferry", "none", "none", "none"),
    ("highway=footway route=ferry foot=yes", "none", "none", "none"),
    ("highway=residential route=bus", "both", "both", "both"),
    ("highway=nobody_knows", "both", "both", "none"),
    # --- on foot
    ("highway=residential foot=no", "none", "both", "both"),
    ("highway=residential foot=private", "none", "both", "both"),
    ("highway=primary foot=use_sidepath", "both", "both", "both"),
    ("highway=residential foot=destination", "both", "both", "both"),
    ("highway=service access=no", "none", "none", "none"),
    ("highway=service access=no foot=yes", "both", "none", "none"),
    ("highway=service access=no foot=designated", "both", "none", "none"),
    ("highway=service access=no foot=private", "none", "none", "none"),
    ("highway=service access=military", "none", "none", "none"),
    # --- private ways are walked; vehicles only begin or end there
    ("highway=service access=private", "both", "both ends", "both ends"),
    ("highway=service access=destination", "both", "both ends", "both ends"),
    ("highway=service access=customers", "both", "both ends", "both ends"),
    ("highway=service access=delivery", "both", "both ends", "both ends"),
    ("highway=service access=permit", "both", "both ends", "both ends"),
    ("highway=service access=residents", "both", "both ends", "both ends"),
    ("highway=service access=permissive", "both", "both", "both"),
    ("highway=service access=designated", "both", "both", "both"),
    ("highway=service access=unknown", "both", "both", "both"),
    ("highway=service access=psv", "both", "none", "none"),
    ("highway=service access=emergency", "both", "none", "none"),
    ("highway=residential oneway=yes access=private", "both", "along ends", "along ends"),
    # --- the most specific tag rules
    ("highway=service access=private motor_vehicle=yes", "both", "both ends", "both"),
    ("highway=service access=private bicycle=yes", "both", "both", "both ends"),
    ("highway=service access=private vehicle=yes", "both", "both", "both"),
    ("highway=service access=no vehicle=destination", "none", "both ends", "both ends"),
    ("highway=service access=no bicycle=yes", "none", "both", "none"),
    ("highway=service access=no motorcar=yes", "none", "none", "both"),
    ("highway=residential vehicle=no", "both", "none", "none"),
    ("highway=residential vehicle=no motor_vehicle=destination", "both", "none", "both ends"),
    ("highway=residential vehicle=no bicycle=yes", "both", "both", "none"),
    ("highway=cycleway vehicle=no", "both", "both", "none"),
    ("highway=cycleway access=no", "none", "none", "none"),
    ("highway=residential motor_vehicle=no", "both", "both", "none"),
    ("highway=residential motor_vehicle=no motorcar=yes", "both", "both", "both"),
    ("highway=residential motor_vehicle=yes motorcar=no", "both", "both", "none"),
    ("highway=living_street motor_vehicle=destination", "both", "both", "both ends"),
    ("highway=living_street motor_vehicle=destination;delivery", "both", "both", "both ends"),
    ("highway=unclassified motor_vehicle=agricultural;forestry", "both", "both", "none"),
    ("highway=residential motor_vehicle=forestry", "both", "both", "none"),
    ("highway=service service=emergency_access", "both", "both", "none"),
    ("highway=service service=driveway", "both", "both", "both"),
    ("highway=service service=parking_aisle", "both", "both", "both"),
    # --- bicycles
    ("highway=residential bicycle=no", "both", "none", "both"),
    ("highway=primary bicycle=use_sidepath", "both", "none", "both"),
    ("highway=residential bicycle=private", "both", "both ends", "both"),
    ("highway=footway bicycle=destination", "both", "both ends", "none"),
    ("highway=footway bicycle=dismount", "both", "both", "none"),
    ("highway=footway bicycle=dismount oneway=yes", "both", "both", "none"),
    ("highway=footway bicycle=designated;yes", "both", "both", "none"),
    # --- one-way
    ("highway=primary oneway=yes", "both", "along", "along"),
    ("highway=primary oneway=1", "both", "along", "along"),
    ("highway=primary oneway=true", "both", "along", "along"),
    ("highway=primary oneway=True", "both", "along", "along"),
    ("highway=primary oneway=-1", "both", "against", "against"),
    ("highway=primary oneway=reverse", "both", "against", "against"),
    ("highway=primary oneway=no", "both", "both", "both"),
    ("highway=primary oneway=alternating", "both", "both", "both"),
    ("highway=primary oneway=reversible", "both", "both", "none"),
    ("highway=footway oneway=yes bicycle=yes", "both", "along", "none"),
    ("highway=cycleway oneway=yes", "both", "along", "none"),
    ("highway=tertiary junction=roundabout", "both", "along", "along"),
    ("highway=tertiary junction=circular", "both", "along", "along"),
    ("highway=tertiary junction=jughandle", "both", "both", "both"),
    ("highway=tertiary junction=roundabout oneway=no", "both", "both", "both"),
    ("highway=tertiary junction=roundabout oneway=-1", "both", "against", "against"),
    ("highway=primary oneway=yes oneway_bicycle=no", "both", "both", "along"),
    ("highway=primary oneway=-1 oneway_bicycle=no", "both", "both", "against"),
    ("highway=primary oneway=yes oneway_bicycle=-1", "both", "against", "along"),
    ("highway=primary oneway_bicycle=yes", "both", "along", "both"),
    ("highway=primary oneway_bicycle=-1", "both", "against", "both"),
    ("highway=tertiary junction=roundabout oneway_bicycle=no", "both", "both", "along"),
    ("highway=primary oneway=yes cycleway=opposite", "both", "both", "along"),
    ("highway=primary oneway=yes cycleway=opposite_lane", "both", "both", "along"),
    ("highway=primary oneway=yes cycleway=lane", "both", "along", "along"),
    ("highway=primary oneway=yes cycleway_left=opposite_track", "both", "both", "along"),
    ("highway=primary oneway=-1 cycleway_right=opposite_lane", "both", "both", "against"),
    ("highway=primary oneway=yes cycleway_left=lane cycleway_left_oneway=-1", "both", "both", "along"),
    ("highway=primary oneway=yes cycleway_right=track cycleway_right_oneway=no", "both", "both", "along"),
    ("highway=primary oneway=yes cycleway_right=track cycleway_right_oneway=yes", "both", "along", "along"),
    ("highway=primary oneway=yes oneway_bicycle=yes cycleway=opposite", "both", "along", "along"),
    # --- how it is written
    ("highway=Residential foot=No", "none", "both", "both"),
]


def tagged(text: str) -> dict[str, str]:
    return dict(part.split("=", 1) for part in text.split())


def table_of(*texts: str) -> pd.DataFrame:
    return street_table([street((0, row), (100, row), **tagged(text)) for row, text in enumerate(texts)])


def said(rules: access.Rules, row: int = 0) -> str:
    word = WORDS[bool(rules.forward[row]), bool(rules.backward[row])]
    return f"{word} ends" if rules.ends_only[row] else word


@pytest.mark.parametrize(("tags", "foot", "bicycle", "car"), RULES, ids=[rule[0] for rule in RULES])
def test_who_may_use_what(tags: str, foot: str, bicycle: str, car: str) -> None:
    table = table_of(tags)
    found = {name: said(access.rules(table, mode)) for name, mode in MODES.items()}
    assert found == {"foot": foot, "bicycle": bicycle, "car": car}


@pytest.mark.parametrize("name", MODES)
def test_many_pieces_are_each_judged_by_their_own_tags(name: str) -> None:
    table = table_of(*(rule[0] for rule in RULES))
    wanted = [rule[1 + list(MODES).index(name)] for rule in RULES]
    rules = access.rules(table, MODES[name])
    assert [said(rules, row) for row in range(len(RULES))] == wanted
    for array, kind in zip(rules, (bool, bool, bool, float), strict=True):
        assert (array.shape, array.dtype) == ((len(RULES),), np.dtype(kind))


# --- speeds


def kmh(tags: str, mode: Mode = BUILTIN["drive"]) -> float:
    return float(access.rules(table_of(tags), mode).speed_kmh[0])


@pytest.mark.parametrize("street_class", CAR_KMH)
def test_a_car_without_a_limit_goes_by_class(street_class: str) -> None:
    assert kmh(f"highway={street_class}") == CAR_KMH[street_class]


@pytest.mark.parametrize(
    ("tags", "expected"),
    [
        ("highway=primary maxspeed=60", 0.8 * 60),
        ("highway=residential maxspeed=30", 0.8 * 30),
        ("highway=motorway maxspeed=100", 0.8 * 100),
        ("highway=motorway maxspeed=none", 0.8 * 120),
        ("highway=motorway maxspeed=130", 0.8 * 120),
        ("highway=motorway_link maxspeed=40", 0.8 * 40),
        ("highway=primary maxspeed=60;40", 0.8 * 40),
        ("highway=primary maxspeed=80|60", 0.8 * 60),
        ("highway=primary maxspeed=CN:urban", 0.8 * 50),
        ("highway=primary maxspeed=signals", 45.0),
        ("highway=primary maxspeed=0", 45.0),
        ("highway=residential maxspeed=walk", 0.8 * 5),
        # yards and slow classes: the lower of class and limit
        ("highway=service", 15.0),
        ("highway=service maxspeed=50", 15.0),
        ("highway=service maxspeed=10", 0.8 * 10),
        ("highway=living_street maxspeed=30", 10.0),
        ("highway=living_street maxspeed=5", 0.8 * 5),
        ("highway=service service=parking_aisle", 10.0),
        ("highway=service service=driveway maxspeed=40", 10.0),
        ("highway=residential service=alley", 10.0),
        ("highway=track motor_vehicle=yes", 10.0),
        ("highway=track motor_vehicle=yes maxspeed=60", 10.0),
        ("highway=pedestrian motor_vehicle=yes", 10.0),
    ],
)
def test_what_a_car_attains(tags: str, expected: float) -> None:
    assert kmh(tags) == pytest.approx(expected, rel=1e-12)


@given(st.sampled_from(sorted(CAR_KMH)), st.integers(1, 200), st.sampled_from(["", "driveway", "alley"]))
def test_nobody_drives_faster_than_the_limit(street_class: str, limit: int, service: str) -> None:
    table = street_table([street((0, 0), (9, 0), highway=street_class, maxspeed=str(limit), service=service)])
    assert 0 < access.rules(table, BUILTIN["drive"]).speed_kmh[0] <= limit


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("50", 50),
        ("50.0", 50),
        (" 50 ", 50),
        ("50 km/h", 50),
        ("50kmh", 50),
        ("30 mph", 30 * 1.609344),
        ("30mph", 30 * 1.609344),
        ("50; 40", 40),
        ("signals;40", 40),
        ("CN:urban", 50),
        ("CN:rural", 70),
        ("DE:motorway", 120),
        ("de:living_street", 10),
        ("FR:zone30", 30),
        ("DE:zone:30", 30),
        ("DE:30", 30),
        ("urban", 50),
        ("walk", 5),
        ("none", 120),
        *((text, np.nan) for text in ("", "0", "-30", "fast", "signals", "variable", "GB:nsl_single", "BE-VLG:rural")),
    ],
)
def test_speed_limits_as_people_write_them(text: str, expected: float) -> None:
    assert access.limit_kmh(text) == pytest.approx(expected, nan_ok=True)


@given(st.text(max_size=12))
def test_any_text_is_a_limit_or_none(text: str) -> None:
    found = access.limit_kmh(text)
    assert np.isnan(found) or found > 0


def test_a_stated_speed_holds_on_every_street() -> None:
    table = table_of("highway=motorway maxspeed=100", "highway=service service=driveway", "highway=steps")
    for mode in MODES.values():
        assert access.rules(table, mode).speed_kmh.tolist() == [mode.speed_kmh] * 3


def test_who_must_dismount_pushes_at_walking_speed() -> None:
    table = table_of("highway=footway bicycle=dismount", "highway=footway bicycle=yes")
    assert access.rules(table, BUILTIN["ebike"]).speed_kmh.tolist() == [4.5, 15.0]
    slow = replace(BUILTIN["ebike"], speed_kmh=3.0)
    assert access.rules(table, slow).speed_kmh.tolist() == [3.0, 3.0]


# --- modes of one's own


@pytest.mark.parametrize(
    ("like", "classes", "tags", "expected"),
    [
        ("foot", ("residential",), "highway=residential", "both"),
        ("foot", ("residential",), "highway=service", "none"),
        ("foot", ("motorway",), "highway=motorway", "both"),
        ("foot", ("trunk",), "highway=trunk motorroad=yes", "none"),
        ("foot", ("residential",), "highway=residential foot=no", "none"),
        ("bicycle", ("steps", "footway"), "highway=steps", "both"),
        ("bicycle", ("steps", "footway"), "highway=footway", "both"),
        ("bicycle", ("footway",), "highway=footway bicycle=no", "none"),
        ("bicycle", ("footway",), "highway=footway oneway=yes", "along"),
        ("car", ("track", "service"), "highway=track", "both"),
        ("car", ("track", "service"), "highway=track access=private", "both ends"),
        ("car", ("track", "service"), "highway=track motor_vehicle=agricultural", "none"),
        ("car", ("track", "service"), "highway=primary", "none"),
        ("car", ("primary",), "highway=primary route=ferry", "none"),
    ],
)
def test_own_classes_take_the_place_of_the_default_and_tags_still_bind(
    like: str, classes: tuple[str, ...], tags: str, expected: str
) -> None:
    assert said(access.rules(table_of(tags), replace(MODES[like], classes=classes))) == expected


def test_own_classes_of_a_car_that_goes_by_class() -> None:
    tractor = replace(BUILTIN["drive"], classes=("track", "footway", "tertiary"))
    assert [kmh(f"highway={name}", tractor) for name in tractor.classes] == [10.0, 10.0, 30.0]


def test_a_mode_that_cannot_be_is_refused() -> None:
    with pytest.raises(GeoValueError, match="mode x: no street class lane, 路; accepted are motorway, "):
        Mode("x", "foot", 4.0, 4.0, classes=("lane", "residential", "路"))
    with pytest.raises(GeoValueError, match="mode x: on foot speed_kmh is needed"):
        Mode("x", "foot", None, 4.0)
    for speed in (0.0, -1.0, np.inf, np.nan):
        with pytest.raises(GeoValueError, match=r"mode x: speed_kmh is .*above 0"):
            Mode("x", "car", speed, 4.0)
        with pytest.raises(GeoValueError, match=r"mode x: access_kmh is .*above 0"):
            Mode("x", "car", None, speed)


def test_classes_written_as_a_list_are_kept_as_they_should_be() -> None:
    mode = Mode("x", "foot", 4.0, 4.0, classes=["service"])
    assert mode.classes == ("service",)
    assert hash(mode) == hash(Mode("x", "foot", 4.0, 4.0, classes=("service",)))


def test_slope_is_heeded_by_all_but_cars() -> None:
    assert {name: mode.slope for name, mode in BUILTIN.items()} == {
        "walk": True,
        "elder": True,
        "ebike": True,
        "drive": False,
    }


# --- ends that are shut


def minutes(*streets: dict[str, Any], origin: tuple[float, float], end: tuple[float, float], mode: Mode) -> float:
    net = network.build(street_table(streets), mode, island_m=0.0)
    one, other = (snapping.snap(net, spots(at)) for at in (origin, end))
    found = pairs.matrix(net, one, other, limit=60.0)["minutes"]
    return float(found.iloc[0]) if len(found) else np.inf


def block(start: str, end: str, **tags: str) -> list[dict[str, Any]]:
    """200 m of street with a barrier in the middle, and 400 m round it."""
    return [
        street((0, 0), (100, 0), shut_end=end),
        street((100, 0), (200, 0), shut_start=start),
        street((0, 0), (0, 100), (200, 100), (200, 0), **tags),
    ]


@pytest.mark.parametrize(("who", "mode"), MODES.items())
@pytest.mark.parametrize(("start", "end"), [("{}", "{}"), ("{}", ""), ("", "{}"), ("x; {}", "{};x")])
def test_who_cannot_pass_goes_round(who: str, mode: Mode, start: str, end: str) -> None:
    """From the middle of one half to the middle of the other: 50 + 50 m, or 50 + 400 + 50 m."""
    assert mode.speed_kmh is not None
    minutes_a_metre = 60.0 / (mode.speed_kmh * 1000.0)
    for stopped in MODES:
        found = minutes(*block(start.format(stopped), end.format(stopped)), origin=(50, 0), end=(150, 0), mode=mode)
        metres = 50 + 400 + 50 if stopped == who else 50 + 50
        assert found == pytest.approx(metres * minutes_a_metre, rel=1e-12)


def test_a_bollard_stops_a_car_and_no_bicycle() -> None:
    bollard = {"origin": (50.0, 0.0), "end": (150.0, 0.0)}
    assert minutes(*block("car", "car"), **bollard, mode=CAR) == pytest.approx(500 / 1000)
    assert minutes(*block("car", "car"), **bollard, mode=BIKE) == pytest.approx(100 / 500)


def test_behind_a_barrier_without_another_way_nobody_is_reached() -> None:
    closed = block("foot", "foot")[:2]
    assert minutes(*closed, origin=(50, 0), end=(150, 0), mode=FOOT) == np.inf
    # One may stand there, and reach what is on the same side.
    assert minutes(*closed, origin=(99.9, 0), end=(0, 0), mode=FOOT) == pytest.approx(99.9 / 100)
    assert minutes(*closed, origin=(200, 0), end=(100.1, 0), mode=FOOT) == pytest.approx(99.9 / 100)


@pytest.mark.parametrize(
    ("shut_end", "no_turn_end", "metres"),
    [("car", "", 50 + 200 + 200 + 50), ("", "3", 50 + 400 + 400 + 50), ("car", "3", np.inf)],
)
def test_a_car_turns_back_at_a_barrier_unless_that_is_forbidden(shut_end: str, no_turn_end: str, metres: float) -> None:
    """It may not turn left at the junction, so it goes on to the right, to where it can turn back."""
    streets = [
        street((0, -100), (0, 0), no_turn_end="1;2"),
        street((0, 0), (-100, 0)),
        street((0, 0), (200, 0), shut_end=shut_end, no_turn_end=no_turn_end),
        street((200, 0), (400, 0), shut_start=shut_end),
    ]
    assert minutes(*streets, origin=(0, -50), end=(-50, 0), mode=CAR) == pytest.approx(metres / 1000)


SIDES = st.tuples(*[st.sets(st.sampled_from(sorted(MODES))).map(lambda who: ";".join(sorted(who)))] * 2)


@settings(max_examples=12)
@given(worlds(), st.sampled_from(sorted(MODES)), st.data())
def test_a_street_that_is_shut_is_one_that_is_drawn_apart(world: World, who: str, data: st.DataObject) -> None:
    table, mode = world.pieces, MODES[who]
    sides = data.draw(st.lists(SIDES, min_size=len(table), max_size=len(table)))
    table["shut_start"], table["shut_end"] = zip(*sides, strict=True)
    apart = table.assign(shut_start="", shut_end="")
    for row, texts in enumerate(sides):
        for column, text in zip(("start_node", "end_node"), texts, strict=True):
            if who in text:
                apart.loc[row, column] = int(apart[["start_node", "end_node"]].to_numpy().max()) + 1
    try:
        found = network.build(table, mode, gradient=world.gradient, island_m=world.island_m)
    except GeoValueError:  # it may use none of the streets
        return
    expected = network.build(apart, mode, gradient=world.gradient, island_m=world.island_m)
    assert (found.piece == expected.piece).all()
    assert (found.island == expected.island).all()
    ends = [
        pairs.matrix(net, *(snapping.snap(net, at) for at in (world.people, world.facilities)), limit=60.0)
        for net in (found, expected)
    ]
    assert ends[0].equals(ends[1])


def test_ends_are_told_by_piece_and_mode() -> None:
    table = street_table([street((0, 0), (9, 0), shut_start="bicycle;car"), street((9, 0), (18, 0), shut_end=" foot ")])
    found = {who: [array.tolist() for array in access.shut(table, mode)] for who, mode in MODES.items()}
    assert found == {
        "foot": [[False, False], [False, True]],
        "bicycle": [[True, False], [False, False]],
        "car": [[True, False], [False, False]],
    }
    for dtype in ("category", object):
        kept = table.astype(dict.fromkeys(schema.STREET_SHUT, dtype))
        assert [array.tolist() for array in access.shut(kept, CAR)] == found["car"]
    missing = table.assign(shut_start=None, shut_end=np.nan)
    assert not np.any(access.shut(missing, CAR))
    assert [array.shape for array in access.shut(table.iloc[:0], CAR)] == [(0,), (0,)]


def test_a_street_that_is_cut_stays_shut_at_its_ends() -> None:
    table = street_table([street((0, 0), (300, 0), shut_start="car", shut_end="foot;car"), street((300, 0), (350, 0))])
    cut = terrain.cut(table)
    assert cut["shut_start"].tolist() == ["car", "", "", ""]
    assert cut["shut_end"].tolist() == ["", "", "foot;car", ""]


# --- tables as they come

VALUES = {
    "highway": ["residential", "footway", "motorway", "service", "track", "steps"],
    "oneway": ["", "yes", "-1", "reversible"],
    "access": ["", "private", "no"],
    "foot": ["", "no", "yes"],
    "bicycle": ["", "no", "yes", "dismount"],
    "motor_vehicle": ["", "no", "destination"],
    "junction": ["", "roundabout"],
    "cycleway": ["", "opposite"],
    "maxspeed": ["", "50", "CN:urban"],
    "service": ["", "alley"],
}
ROW = st.fixed_dictionaries({name: st.sampled_from(values) for name, values in VALUES.items()})


def same(one: access.Rules, other: access.Rules) -> bool:
    return all(np.array_equal(a, b) for a, b in zip(one, other, strict=True))


@settings(max_examples=12)
@given(st.lists(ROW, min_size=1, max_size=12), st.sampled_from(sorted(MODES)), st.randoms())
def test_a_piece_is_judged_alone_whatever_stands_beside_it(
    rows: list[dict[str, str]], name: str, random: object
) -> None:
    mode = replace(MODES[name], speed_kmh=None) if name == "car" else MODES[name]
    table = street_table([street((0, row), (9, row), **tags) for row, tags in enumerate(rows)])
    whole = access.rules(table, mode)
    alone = [access.rules(table.iloc[[row]], mode) for row in range(len(rows))]
    assert same(whole, access.Rules(*(np.concatenate(parts) for parts in zip(*alone, strict=True))))
    order = list(range(len(rows)))
    random.shuffle(order)
    assert same(access.Rules(*(array[order] for array in whole)), access.rules(table.iloc[order], mode))


@pytest.mark.parametrize("name", MODES)
def test_however_the_tags_are_kept(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    table = table_of(*(rule[0] for rule in RULES))
    expected = access.rules(table, MODES[name])
    tags = list(schema.STREET_TAGS)
    assert same(expected, access.rules(table.astype(dict.fromkeys(tags, "category")), MODES[name]))
    missing = table.astype(dict.fromkeys(tags, object))
    missing[tags] = missing[tags].where(missing[tags] != "", None)
    assert same(expected, access.rules(missing, MODES[name]))
    monkeypatch.setattr(access, "_CODES_MAX", 50)  # as if there were more combinations than a number can hold
    assert same(expected, access.rules(table, MODES[name]))


def test_the_table_is_left_alone_and_may_be_empty() -> None:
    table = table_of("highway=residential")
    before = table.copy(deep=True)
    for mode in MODES.values():
        access.rules(table, mode)
        access.turns(table, mode)
        assert [len(array) for array in access.rules(table.iloc[:0], mode)] == [0, 0, 0, 0]
        assert [len(array) for array in access.turns(table.iloc[:0], mode)] == [0, 0, 0, 0]
    assert table.equals(before)


def test_every_tag_that_is_read_is_kept_by_the_readers() -> None:
    read = {name for names in access._READS.values() for name in names}
    assert read <= set(schema.STREET_TAGS)
    assert set(schema.STREET_TAG_KEYS) <= set(schema.STREET_TAGS)
    assert not set(schema.STREET_TURNS) & set(schema.STREET_TAGS)
    assert {*schema.STREET_TURNS, *schema.STREET_SHUT} <= set(schema.STREETS)
