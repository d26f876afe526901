"""Which venue would serve whom, on a straight street of which every number is known."""

from __future__ import annotations

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
from shapely.geometry import LineString, Point, box

from geo import (
    adequacy,
    catalogue,
    gaps as gaps_room,
    matches,
    measures,
    modes,
    network,
    schema,
    snapping,
    standards,
    venues,
)
from geo.linked import Linked
from geo.study_file import Adequacy
from geo.zones import Zones

CRS = "EPSG:4548"
EAST, NORTH = 500_000.0, 2_800_000.0
STEP_M = 100.0
WALK_M = 75.0  # a minute at 4.5 km/h


def at(x):
    return Point(EAST + x, NORTH)


@pytest.fixture(scope="module")
def street():
    """Return a street of 4 km in pieces of 100 m, with lengths that are those of the plane."""
    count = 40
    pieces = gpd.GeoDataFrame(
        {name: [""] * count for name in schema.STREETS[4:-1]}
        | {"way": np.arange(count), "start_node": np.arange(count), "end_node": np.arange(1, count + 1)}
        | {"length_m": STEP_M, "highway": "residential"},
        geometry=[LineString([at(n * STEP_M), at((n + 1) * STEP_M)]) for n in range(count)],
        crs=CRS,
    )
    return pieces, network.build(pieces, modes.BUILTIN["walk"])


def linked(net, shapes):
    return snapping.snap(net, np.array(shapes, dtype=object), cap_m=300.0)


def points_of(rows):
    frame = pd.DataFrame(rows, columns=["id", "name", "type", "state", "venue", "capacity", "x"])
    shapes = [at(x) for x in frame.pop("x")]
    return gpd.GeoDataFrame(frame.assign(counted=frame["state"] == "working", mobile=False), geometry=shapes, crs=CRS)


def people_of(rows):
    frame = pd.DataFrame(rows, columns=["id", "people", "x"])
    shapes = [at(x) for x in frame.pop("x")]
    frame = frame.assign(group="residents", community="C", park="", factory="", districts="", snap_status_walk="ok")
    return gpd.GeoDataFrame(frame, geometry=shapes, crs=CRS)


VENUES = pd.DataFrame(
    {
        "id": ["V1", "V2", "V3", "V4", "V5"],
        "name": ["甲", "乙", "丙", "丁", "戊"],
        "capacity": [100.0, 30.0, np.nan, 500.0, 500.0],
        "status": ["", "在用", "", "停用", ""],
    }
)
PLACES = [at(2600), at(2600), at(3600), at(2600), None]


def venue_table():
    return gpd.GeoDataFrame(VENUES.copy(), geometry=PLACES, crs=CRS)


def test_room_is_what_working_services_leave():
    points = points_of(
        [
            ("S1", "", "gig_station", "working", "V1", 60.0, 0),
            ("S2", "", "child_care", "planned", "V1", 60.0, 0),
            ("S3", "", "child_care", "working", "V2", 30.0, 0),
        ]
    )
    assert venues.room(venue_table(), points).tolist()[:2] == [100.0 - 60.0, 30.0 - 30.0]
    # V2 is full, V4 closed, V5 nowhere; V3 does not say how much it holds.
    assert venues.usable(venue_table(), points)["id"].tolist() == ["V1", "V3"]


def found(street, people, points):
    net = street[1]
    service = catalogue.service_types()["neighborhood_center"]
    minutes = np.array([abs(shape.x - EAST) for shape in people.geometry]) / WALK_M
    people = people.assign(minutes_neighborhood_center=minutes, nearest_neighborhood_center="S1")
    gaps = gaps_room.find(people, service, pd.Series({"S1": "老"}), judged=np.ones(len(people), dtype=bool))
    table = matches.table(
        gaps,
        people,
        points,
        venue_table(),
        [service],
        networks={"walk": net},
        linked={"walk": linked(net, people.geometry)},
        fence=None,
        cap_m=300.0,
    )
    return gaps, table


def test_a_venue_serves_the_people_of_the_gap_within_the_limit(street):
    points = points_of([("S1", "老", "neighborhood_center", "working", "", np.nan, 0)])
    people = people_of([("near", 50.0, 1000), ("a", 30.0, 2400), ("b", 40.0, 2600), ("c", 10.0, 2800)])
    gaps, table = found(street, people, points)
    assert gaps["people"].tolist() == [80.0]  # a, b and c; 1,000 m are 13 minutes and no gap
    # V1 and V2 stand at 2,600: 200 m, 0 and 200 m away. V3 at 3,600 is 1,200, 1,000 and 800 m away: 16, 13.3, 10.7 min.
    assert table["venue_id"].tolist() == ["V1", "V2", "V3"]
    assert table["people"].tolist() == [80.0, 80.0, 50.0]
    assert table["minutes"].tolist() == pytest.approx([0.0, 0.0, 1000 / WALK_M], abs=1e-9)
    assert table["room"].tolist()[:2] == [100.0, 30.0]


def test_a_venue_that_has_the_service_is_no_answer(street):
    points = points_of(
        [
            ("S1", "老", "neighborhood_center", "working", "", np.nan, 0),
            ("S2", "新", "neighborhood_center", "working", "V1", 5.0, 0),
        ]
    )
    _, table = found(street, people_of([("b", 40.0, 2600)]), points)
    assert table["venue_id"].tolist() == ["V2", "V3"]


def test_without_venues_or_gaps_there_is_nothing(street):
    points = points_of([("S1", "老", "neighborhood_center", "working", "", np.nan, 0)])
    gaps, table = found(street, people_of([("near", 50.0, 500)]), points)
    assert (len(gaps), len(table), list(table.columns)) == (0, 0, list(schema.MATCHES))


def test_metres_on_streets_and_as_the_crow_flies(street):
    pieces, net = street
    service = catalogue.service_types()["gig_station"]
    points = points_of(
        [("S1", "", "gig_station", "working", "", 0.0, 0), ("S2", "", "gig_station", "planned", "", 0.0, 4000)]
    )
    people = people_of([("a", 1.0, 0), ("b", 2.0, 300), ("c", 4.0, 500), ("d", 8.0, 1000), ("e", 16.0, 1100)])
    people.geometry = [Point(shape.x, shape.y + 40.0) for shape in people.geometry]
    mine, theirs = linked(net, people.geometry), linked(net, points.geometry)
    flat = measures.walked_flat(pieces, modes.BUILTIN["walk"], island_m=0.0)
    walked = measures.with_metres(people, points, [service], flat, modes=modes.BUILTIN, linked=mine, served=theirs)
    assert walked["metres_gig_station"].tolist() == pytest.approx([40.0, 340.0, 540.0, 1040.0, 1140.0], abs=0.05)
    straight = measures.straight_metres(people, points, service)
    assert straight.tolist() == pytest.approx(np.hypot([0, 300, 500, 1000, 1100], 40.0).tolist(), abs=1e-6)


def test_who_may_be_served_from_beyond_makes_an_edge_in_metres_too(street):
    """The station at 0 serves A (500 m); B (1.4 km from the end of the area) is lacking, C (600 m from it) is edge."""
    pieces, net = street
    service = catalogue.service_types()["gig_station"]  # 1000 m on streets and straight
    points = points_of([("S1", "", "gig_station", "working", "", 0.0, 0)])
    people = people_of([("a", 10.0, 500), ("b", 20.0, 1200), ("c", 40.0, 2000)])
    people["community"] = ["A", "B", "C"]
    people["snap_status_ebike"] = "ok"
    units = gpd.GeoDataFrame(
        {"unit_kind": "community", "unit_id": ["A", "B", "C"], "unit_name": ["A", "B", "C"], "area": ""},
        geometry=[shape.buffer(100.0) for shape in people.geometry],
        crs=CRS,
    )
    mine, theirs = linked(net, people.geometry), linked(net, points.geometry)
    area = box(EAST - 9000.0, NORTH - 9000.0, EAST + 2600.0, NORTH + 9000.0)
    links = Linked(Zones({"walk": net}, {"walk": theirs}, {"walk": mine}, None, 300.0), pieces, None, area, ())
    flat = measures.walked_flat(pieces, modes.BUILTIN["walk"], island_m=0.0)
    people = measures.with_metres(people, points, [service], flat, modes=modes.BUILTIN, linked=mine, served=theirs)
    exits = measures.exits(links, people, [service], flat, modes.BUILTIN)
    assert exits["std_radius"].tolist() == pytest.approx([2100.0, 1400.0, 600.0])
    assert exits["std_distance"].tolist() == pytest.approx([np.inf, np.inf, 600.0], abs=0.05)  # beyond 1000 m unasked
    limits = Adequacy()
    asked = adequacy.asked_of([service])
    known = adequacy.known(people, units, pieces, asked, limits=limits, unknown=frozenset())
    told = {"membership": known.membership, "place": known.place, "adequacy": limits, "unknown": ()}
    for given, states in ((exits, ["ok", "ok", "edge"]), (None, ["ok", "ok", "ok"])):
        table = measures.table(people, points, units, [service], modes=modes.BUILTIN, **told, exits=given)
        rows = table[(table["unit_kind"] == "community") & (table["demand"] == "residents")]
        for way in standards.WAYS:
            found = rows[(rows["mode"] == way) & (rows["limit_minutes"] == service.limit)]
            assert found["status"].tolist() == states
            assert found["people_served"].tolist() == [10.0, 0.0, 0.0]


def test_the_radius_of_charging_is_that_of_the_area():
    limit = standards.thresholds(catalogue.service_types()["ev_charging"], modes.BUILTIN)[-1]
    units = pd.DataFrame({"unit_kind": "community", "unit_id": ["C", "D"], "area": ["core", "elsewhere"]})
    people = pd.DataFrame({"community": ["C", "D", ""]})
    assert measures.limit_metres(limit, people, units).tolist() == [900.0, 2000.0, 900.0]


def test_the_distances_are_those_of_the_table_of_standards():
    import csv  # noqa: PLC0415
    from importlib import resources  # noqa: PLC0415

    text = resources.files("geo.data").joinpath("standards.csv").read_text(encoding="utf-8")
    rows = {row["item"]: row for row in csv.DictReader(text.splitlines()) if row["standard"] == "GB 50180-2018"}
    status = "status(V=verified text,S=secondary,M=memory)"
    told = {item: (row["value"], row[status]) for item, row in rows.items() if "circle" in item}
    limits = {
        each.minutes: each for each in standards.thresholds(catalogue.service_types()["gig_station"], modes.BUILTIN)[:3]
    }
    assert (limits[5.0].shown_m, limits[5.0].status) == ("300", "S")
    assert told["5-min circle"][0].startswith("300 m")
    assert told["5-min circle"][1].startswith("S(300 m)")
    assert (limits[10.0].shown_m, limits[10.0].status) == ("500", "V")
    assert told["10-min circle"][0].startswith("500 m")
    assert told["10-min circle"][1] == "V"
    assert (limits[15.0].shown_m, limits[15.0].status) == ("1000", "S")
    assert told["15-min circle 步行距离"] == ("800-1000", "S")


@pytest.mark.parametrize("code", ["shared_warehouse", "repair"])
def test_what_is_driven_or_ridden_to_has_no_walking_distance(code):
    found_ = standards.thresholds(catalogue.service_types()[code], modes.BUILTIN)
    assert [limit.way for limit in found_] == ["std_radius"]
