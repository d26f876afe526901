"""What an OpenStreetMap file says: forbidden turns, barriers, and files that are damaged or made to do harm."""

from __future__ import annotations

import bz2
import gzip
import re
from typing import TYPE_CHECKING, Any

import geopandas as gpd
import pyproj
import pytest
from hypothesis import given, strategies as st
from osm_files import CROSSING, Turn, counted, forbidden, osm, read, restriction, shut
from worlds import FOOT, METRIC

from geo import access, modes, network, osm as osm_room, pairs, schema, snapping, streets
from geo.errors import InputFaultsError

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.parametrize(
    ("kind", "end", "expected"),
    [
        ("no_left_turn", 12, {(0, "end"): "12"}),
        ("only_straight_on", 11, {(0, "end"): "10;12;13"}),  # all other ways at the node, the turn back too
        ("no_u_turn", 10, {(0, "end"): "10"}),
    ],
)
def test_a_turn_restriction_stands_where_the_street_is_left(
    tmp_path: Path, kind: str, end: int, expected: dict[tuple[int, str], str]
) -> None:
    pieces = read(tmp_path, CROSSING, restriction(kind, 10, 2, end))
    assert forbidden(pieces) == expected
    assert counted(pieces) == (1, 0)
    assert all(type(count) is int for count in pieces.attrs.values())


def test_restrictions_of_one_street_add_up(tmp_path: Path) -> None:
    turns = [restriction("no_left_turn", 10, 2, end) for end in (12, 11, 12)]
    pieces = read(tmp_path, CROSSING, *turns, restriction("no_right_turn", 12, 2, 10))
    assert forbidden(pieces) == {(0, "end"): "11;12", (2, "start"): "10"}
    assert counted(pieces) == (4, 0)


def test_a_street_drawn_against_its_traffic_is_left_at_its_start(tmp_path: Path) -> None:
    ways = {**CROSSING, 10: ([2, 1], {"highway": "primary", "oneway": "-1"})}
    assert forbidden(read(tmp_path, ways, restriction("no_left_turn", 10, 2, 12))) == {(0, "start"): "12"}


def test_of_a_way_that_is_cut_the_piece_at_the_node_is_meant(tmp_path: Path) -> None:
    ways = {
        10: ([1, 2, 3], {"highway": "primary"}),
        12: ([2, 7], {"highway": "path"}),
        14: ([3, 8], {"highway": "path"}),
    }
    pieces = read(tmp_path, ways, restriction("no_left_turn", 10, 3, 14))
    assert forbidden(pieces) == {(1, "end"): "14"}
    # The way passes through node 2: on which side of it the turn begins, or ends, is not said.
    for start, end in ((10, 12), (12, 10)):
        through = read(tmp_path, ways, restriction("no_left_turn", start, 2, end))
        assert forbidden(through) == {}
        assert counted(through) == (0, 1)


def test_several_ways_in_or_out(tmp_path: Path) -> None:
    tags = {"restriction": "no_entry"}
    members = [("way", "from", 10), ("way", "from", 12), ("node", "via", 2), ("way", "to", 11)]
    assert forbidden(read(tmp_path, CROSSING, (tags, members))) == {(0, "end"): "11", (2, "start"): "11"}
    members = [("way", "from", 10), ("node", "via", 2), ("way", "to", 11), ("way", "to", 12)]
    only = ({"restriction": "only_straight_on"}, members)
    assert forbidden(read(tmp_path, CROSSING, only)) == {(0, "end"): "10;13"}


def test_a_member_that_does_not_meet_the_node_says_nothing(tmp_path: Path) -> None:
    ways = {**CROSSING, 9: ([6, 1], {"highway": "primary"})}
    members = [("way", "from", 9), ("way", "from", 10), ("node", "via", 2), ("way", "to", 12), ("way", "to", 99)]
    pieces = read(tmp_path, ways, ({"restriction": "no_left_turn"}, members))
    assert forbidden(pieces) == {(0, "end"): "12"}
    assert counted(pieces) == (1, 0)


@pytest.mark.parametrize(
    ("tags", "binds"),
    [
        ({"restriction": "no_left_turn", "except": "bus; motorcar"}, False),
        ({"restriction": "no_left_turn", "except": "psv;bicycle"}, True),
        ({"restriction:hgv": "no_left_turn"}, False),
        ({"restriction:motorcar": "no_left_turn"}, True),
        ({"restriction:motor_vehicle": "no_left_turn", "restriction:hgv": "no_u_turn"}, True),
        ({"restriction": "no_left_turn", "restriction:conditional": "no_right_turn @ (Mo-Fr)"}, True),
    ],
)
def test_only_restrictions_of_cars_are_read(tmp_path: Path, tags: dict[str, str], *, binds: bool) -> None:
    pieces = read(tmp_path, CROSSING, (tags, restriction("", 10, 2, 12)[1]))
    assert forbidden(pieces) == ({(0, "end"): "12"} if binds else {})
    assert counted(pieces) == (int(binds), 0)


@pytest.mark.parametrize(
    "turn",
    [
        ({"restriction": "no_u_turn"}, [("way", "from", 10), ("way", "via", 11), ("way", "to", 12)]),
        ({"restriction": "no_left_turn"}, [("way", "from", 10), ("node", "via", 2)]),
        ({"restriction": "no_left_turn"}, [("node", "via", 2), ("way", "to", 12)]),
        ({"restriction": "no_left_turn"}, [("way", "from", 10), ("way", "to", 12)]),
        restriction("no_left_turn", 10, 2, 99),
        restriction("no_left_turn", 99, 2, 12),
        restriction("no_left_turn", 10, 99, 12),
        restriction("no_left_turn", 10, 1, 12),
        restriction("give_way", 10, 2, 12),
        restriction("no_left_turn", 10, 2, 12, hour_on="07:00"),
        ({"restriction:conditional": "no_left_turn @ (Mo-Fr)"}, restriction("", 10, 2, 12)[1]),
    ],
    ids=lambda turn: str(turn[0]),
)
def test_a_restriction_that_cannot_be_kept_is_skipped_and_counted(tmp_path: Path, turn: Turn) -> None:
    pieces = read(tmp_path, CROSSING, turn, restriction("no_right_turn", 12, 2, 10))
    assert forbidden(pieces) == {(2, "start"): "10"}
    assert counted(pieces) == (1, 1)


def test_cars_may_not_make_the_turns_that_were_read(tmp_path: Path) -> None:
    pieces = read(tmp_path, CROSSING, restriction("only_straight_on", 10, 2, 11))
    turns = access.turns(pieces, modes.BUILTIN["drive"])
    # Leaving piece 0 at its end: not into itself, nor into 12 at its start, nor into 13 at its end.
    assert [array.tolist() for array in turns] == [[0, 0, 0], [True] * 3, [0, 2, 3], [False, True, False]]


# --- barriers

STOPPED = [
    # tags of the barrier, whom it stops
    ("barrier=gate", ""),
    ("barrier=lift_gate", ""),
    ("barrier=entrance", ""),
    ("barrier=toll_booth", ""),
    ("barrier=kerb", ""),
    ("barrier=yes", ""),
    ("barrier=nobody_knows", ""),
    ("barrier=bollard", "car"),
    ("barrier=Block", "car"),
    ("barrier=cycle_barrier", "car"),
    ("barrier=chain", "car"),
    ("barrier=turnstile", "bicycle;car"),
    ("barrier=kissing_gate bicycle=dismount", "car"),
    ("barrier=wall", "foot;bicycle;car"),
    # --- its own tags
    ("barrier=gate foot=no", "foot"),
    ("barrier=gate foot=no bicycle=no motorcar=yes", "foot;bicycle"),
    ("barrier=gate foot=private", "foot"),
    ("barrier=gate foot=permissive access=private", ""),
    ("barrier=gate access=no", "foot;bicycle;car"),
    ("barrier=gate access=no foot=yes", "bicycle;car"),
    ("barrier=gate access=no foot=yes bicycle=yes", "car"),
    ("barrier=gate access=no foot=unknown", "foot;bicycle;car"),
    ("barrier=gate access=military", "foot;bicycle;car"),
    ("barrier=gate access=forestry", "bicycle;car"),
    ("barrier=gate access=emergency;delivery", "bicycle;car"),
    ("barrier=lift_gate vehicle=no", "bicycle;car"),
    ("barrier=lift_gate vehicle=no bicycle=yes", "car"),
    ("barrier=lift_gate motor_vehicle=no", "car"),
    ("barrier=lift_gate motor_vehicle=no motorcar=yes", ""),
    ("barrier=gate bicycle=no", "bicycle"),
    # --- what is private lets pass those who live there
    ("barrier=gate access=private", ""),
    ("barrier=gate motor_vehicle=private", ""),
    ("barrier=gate access=customers", ""),
    ("barrier=bollard motor_vehicle=private", ""),
    # --- tags before kinds
    ("barrier=bollard motor_vehicle=yes", ""),
    ("barrier=bollard access=yes", ""),
    ("barrier=bollard access=unknown", "car"),
    ("barrier=bollard bicycle=yes foot=yes", "car"),
    ("barrier=bollard foot=no", "foot;car"),
    ("barrier=fence access=permissive", ""),
    ("barrier=fence foot=yes", "bicycle;car"),
    # --- locked, rising, crossings
    ("barrier=gate locked=no", ""),
    ("barrier=gate locked=yes", "foot;bicycle;car"),
    ("barrier=gate locked=yes foot=yes", "bicycle;car"),
    ("barrier=gate locked=yes access=private", ""),
    ("barrier=bollard bollard=rising", ""),
    ("barrier=bollard bollard=removable", "car"),
    ("barrier=kerb highway=crossing bicycle=no", ""),
]


@pytest.mark.parametrize(("tags", "expected"), STOPPED)
def test_whom_a_barrier_stops(tags: str, expected: str) -> None:
    assert osm_room.stops(dict(tag.split("=") for tag in tags.split()).get) == expected


WORDS = st.sampled_from(["", "unknown", "dismount", *schema.ACCESS_CLOSED, *schema.ACCESS_STATED])


@given(foot=WORDS, access_=WORDS)
def test_a_gate_is_shut_to_walkers_where_a_street_with_its_tags_would_be(foot: str, access_: str) -> None:
    tags = {"highway": "residential", "foot": foot, "access": access_}
    rules = access.rules(gpd.pd.DataFrame([dict.fromkeys(schema.STREET_TAGS, "") | tags]), FOOT)
    assert ("foot" in osm_room.stops({**tags, "barrier": "gate"}.get)) == (not rules.forward[0])


def test_the_page_states_the_barriers_of_the_code(request: pytest.FixtureRequest) -> None:
    page = (request.config.rootpath / "docs" / "modes.md").read_text(encoding="utf-8")
    part = page.split("## Which barriers\n", 1)[1].split("\n## ", 1)[0]
    rows = [[cell.strip() for cell in row.strip("|").split("|")] for row in part.splitlines() if row.startswith("| `")]
    assert len(rows) == 4
    for column, who in enumerate(("foot", "bicycle", "car"), start=1):
        stopped = [name for row in rows if row[column] == "stopped" for name in re.findall(r"`([^`]+)`", row[0])]
        assert sorted(stopped) == sorted(osm_room.STOPS[who])
        assert {row[column] for row in rows} <= {"stopped", "passes"}


BOLLARD = {"barrier": "bollard"}
# A street along nodes 1 to 3, and a way round from 1 to 3 by the north.
STREET = {10: ([1, 2, 3], {"highway": "residential"})}
ROUND = {**STREET, 11: ([1, 7, 8, 3], {"highway": "residential"})}


def test_a_street_is_cut_at_a_barrier(tmp_path: Path) -> None:
    pieces = read(tmp_path, ROUND, barriers={2: {"barrier": "gate", "foot": "no"}, 8: {"barrier": "gate"}})
    assert pieces["way"].tolist() == [10, 10, 11]
    assert shut(pieces) == {(0, "end"): "foot", (1, "start"): "foot"}
    assert pieces["end_node"].iloc[0] == pieces["start_node"].iloc[1]
    whole = read(tmp_path, ROUND)
    assert whole["length_m"].iloc[0] == pytest.approx(pieces["length_m"].iloc[:2].sum(), rel=1e-12)
    assert shut(whole) == {}


def test_a_barrier_between_two_ways_stands_at_the_ends_that_meet(tmp_path: Path) -> None:
    ways = {10: ([1, 2], {"highway": "residential"}), 11: ([3, 2], {"highway": "service"})}
    assert shut(read(tmp_path, ways, barriers={2: BOLLARD})) == {(0, "end"): "car", (1, "end"): "car"}


def test_a_barrier_where_a_ring_closes(tmp_path: Path) -> None:
    ring = {10: ([2, 3, 8, 2], {"highway": "residential"})}
    assert shut(read(tmp_path, ring, barriers={2: BOLLARD})) == {(0, "start"): "car", (0, "end"): "car"}


@pytest.mark.parametrize(
    "ways",
    [
        CROSSING,
        {**STREET, 12: ([2, 7], {"highway": "footway"})},
        {10: ([1, 2], {"highway": "residential"})},
        {10: ([1, 3], {"highway": "residential"})},
    ],
    ids=["a crossing", "a side street", "where a street ends", "beside the streets"],
)
def test_a_barrier_that_parts_no_street_stops_nobody(tmp_path: Path, ways: dict[int, Any]) -> None:
    pieces, plain = read(tmp_path, ways, barriers={2: BOLLARD}), read(tmp_path, ways)
    assert shut(pieces) == {}
    assert pieces[["way", "length_m"]].equals(plain[["way", "length_m"]])


def test_a_turn_at_a_barrier_is_read_as_before(tmp_path: Path) -> None:
    ways = {10: ([1, 2], {"highway": "primary"}), 11: ([2, 3], {"highway": "primary"})}
    pieces = read(tmp_path, ways, restriction("no_u_turn", 10, 2, 10), barriers={2: {"barrier": "gate", "foot": "no"}})
    assert forbidden(pieces) == {(0, "end"): "10"}
    assert shut(pieces) == {(0, "end"): "foot", (1, "start"): "foot"}


def metres_walked(pieces: gpd.GeoDataFrame, *lonlat: tuple[float, float], mode: modes.Mode = FOOT) -> float:
    """Return the metres from the first place to the second; at 100 m a minute, both on the street."""
    net = network.build(pieces, mode, island_m=0.0)
    places = gpd.GeoSeries(gpd.points_from_xy(*zip(*lonlat, strict=True)), crs=4326).to_crs(pieces.crs).to_numpy()
    one, other = (snapping.snap(net, places[[at]]) for at in (0, 1))
    return float(pairs.matrix(net, one, other, limit=60.0)["minutes"].iloc[0] * 100.0)


def test_a_walker_goes_round_a_gate_that_is_shut(tmp_path: Path) -> None:
    """From a quarter along the street to three quarters, the gate between: back to its start, round, and to its end."""
    before, after = (118.0015, 25.3), (118.0025, 25.3)
    opened = read(tmp_path, ROUND, barriers={2: {"barrier": "gate"}})
    street_m, round_m = opened["length_m"]
    assert metres_walked(opened, before, after) == pytest.approx(street_m / 2, abs=1e-3)
    closed = read(tmp_path, ROUND, barriers={2: {"barrier": "gate", "foot": "no"}})
    assert metres_walked(closed, before, after) == pytest.approx(street_m / 4 + round_m + street_m / 4, abs=1e-3)


def test_a_gate_of_porto_alegre_is_walked_round(shared: Path) -> None:
    """A campus gate (node 2438190565, access=no), from 7 m before it to 19 m behind it.

    Shut, the way leads along the street outside to the next entrance, and back inside: the metres of the steps from
    node to node, on the ellipsoid, of another program that searched the file without this node.
    """
    pieces = streets.read_osm(shared / "data" / "portoalegre" / "poa_osm.pbf", crs=pyproj.CRS.from_epsg(32722))
    before, after = (-51.220752, -30.0326751), (-51.2209912, -30.0325737)
    along_the_street = 6.325 + 17.798 + 9.241 + 31.396 + 16.628 + 8.247
    on_the_campus = (15.296 + 20.370 + 11.304 + 22.260) + 47.213 + (9.062 + 6.968 + 8.445 + 6.238 + 4.462 + 12.185)
    assert metres_walked(pieces, before, after) == pytest.approx(along_the_street + on_the_campus, abs=0.05)
    opened = pieces.assign(**dict.fromkeys(schema.STREET_SHUT, ""))
    assert metres_walked(opened, before, after) == pytest.approx(25.664, abs=0.05)


@pytest.mark.parametrize("name", ["bad.osm.pbf", "bad.osm", "bad.osm.gz"])
@pytest.mark.parametrize("content", [b"", b"not a map", b"<osm><node", bytes(range(256)) * 40])
def test_a_damaged_file_is_a_fault(tmp_path: Path, name: str, content: bytes) -> None:
    (tmp_path / name).write_bytes(content)
    with pytest.raises(InputFaultsError) as caught:
        streets.read_osm(tmp_path / name, crs=METRIC, where=name)
    assert [fault.where for fault in caught.value.faults] == [name]


ENTITIES = "".join(f'<!ENTITY a{n} "{f"&a{n - 1};" * 10}">' for n in range(1, 12))
HEAD = '<?xml version="1.0"?>'
NODE = '<osm version="0.6"><node id="{id}" version="1" lon="{lon}" lat="0"><tag k="k" v="{tag}"/></node></osm>'


@pytest.mark.parametrize(
    "content",
    [
        HEAD + f'<!DOCTYPE osm [<!ENTITY a0 "lol">{ENTITIES}]>' + NODE.format(id=1, lon=0, tag="&a11;"),
        HEAD + '<!DOCTYPE osm [<!ENTITY x SYSTEM "file:///etc/passwd">]>' + NODE.format(id=1, lon=0, tag="&x;"),
        HEAD + NODE.format(id=2**63 - 1, lon=0, tag="x"),
        HEAD + NODE.format(id=1, lon="east", tag="x"),
    ],
    ids=["a billion laughs", "another file", "no number", "no place"],
)
def test_what_is_written_to_do_harm_is_a_fault(tmp_path: Path, content: str) -> None:
    (tmp_path / "bad.osm").write_text(content, encoding="utf-8")
    with pytest.raises(InputFaultsError, match=r"bad\.osm: the street file cannot be read"):
        streets.read_osm(tmp_path / "bad.osm", crs=METRIC, where="bad.osm")


@pytest.mark.parametrize(("ending", "pack"), [("gz", gzip.compress), ("bz2", bz2.compress)])
def test_a_file_that_unpacks_out_of_all_proportion_is_a_fault(tmp_path: Path, ending: str, pack: Any) -> None:
    """One endless word, which an XML parser would gather in memory."""
    file = tmp_path / f"bomb.osm.{ending}"
    file.write_bytes(pack(b'<?xml version="1.0"?><osm generator="' + b"a" * (80 << 20)))
    with pytest.raises(InputFaultsError, match="unpacks to more than 100 times its size"):
        streets.read_osm(file, crs=METRIC)


@pytest.mark.parametrize(("ending", "pack"), [("gz", gzip.compress), ("bz2", bz2.compress)])
def test_a_truncated_compressed_file_is_a_fault(tmp_path: Path, ending: str, pack: Any) -> None:
    packed = pack(osm(CROSSING).encode())
    file = tmp_path / f"cut.osm.{ending}"
    for size in (1, len(packed) // 2, len(packed) - 1):
        file.write_bytes(packed[:size])
        with pytest.raises(InputFaultsError):
            streets.read_osm(file, crs=METRIC)
    file.write_bytes(packed)
    assert len(streets.read_osm(file, crs=METRIC)) == len(CROSSING)


def test_a_truncated_extract_is_a_fault(tmp_path: Path, shared: Path) -> None:
    whole = (shared / "data" / "portoalegre" / "poa_osm.pbf").read_bytes()
    (tmp_path / "cut.osm.pbf").write_bytes(whole[: len(whole) // 2])
    with pytest.raises(InputFaultsError, match=r"cut\.osm\.pbf"):
        streets.read_osm(tmp_path / "cut.osm.pbf", crs=METRIC, where="cut.osm.pbf")


def test_the_turns_of_porto(shared: Path) -> None:
    """Of 357 relations 15 lack a member or go by way of a way; of two more no way in, or no way out, meets the node."""
    pieces = streets.read_osm(shared / "data" / "porto" / "porto.osm.pbf")
    assert pieces.crs == pyproj.CRS.from_epsg(32629)
    assert counted(pieces) == (340, 17)
    ways = {str(way) for way in pieces["way"]}
    named = forbidden(pieces)
    assert 300 < len(named) <= 341
    assert all(way in ways for text in named.values() for way in text.split(";"))
