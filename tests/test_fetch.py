"""Fetching a place, from a double on loopback that answers from an extract; without a network; from unhelpful servers."""

from __future__ import annotations

import io
import json
import socket
import tomllib
from typing import TYPE_CHECKING

import geopandas as gpd
import osmnx
import pandas as pd
import pytest
import requests
import shapely
from osm_double import Extract, serving
from osm_files import CROSSING, osm, restriction
from small_county import ask, ask_shell, everything_below

import geo
from geo import cli_osm, fetch, osm_features, osm_servers, streets
from geo.errors import InputFaultsError
from geo.osm_servers import Servers

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from click.testing import Result
    from osm_double import Double

FILES = [
    "boundary.geojson",
    "communities.geojson",
    "parks.geojson",
    "service_points.geojson",
    "streets.osm.pbf",
    "study.toml",
]
HERE = shapely.box(117.99, 25.29, 118.02, 25.31)  # around the places of tests/osm_files.py


def fetched(server: Double, place: str, out: Path, *more: object) -> Result:
    return ask("fetch", place, "--out", out, "--overpass", server.overpass, "--nominatim", server.nominatim, *more)


def servers(server: Double) -> Servers:
    return Servers(server.overpass, server.nominatim)


def closed_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return int(free.getsockname()[1])


@pytest.fixture(scope="module")
def monaco_file(shared: Path) -> Path:
    return shared / "data" / "monaco" / "monaco.osm.gz"


@pytest.fixture(scope="module")
def monaco(monaco_file: Path) -> Iterator[Double]:
    with serving(Extract(monaco_file)) as server:
        yield server


@pytest.fixture
def tiny(tmp_path: Path) -> Iterator[Double]:
    """Serve a crossing with a forbidden turn and a bollard, and three names: a place, a dot, and a hostile one."""
    text = osm(CROSSING, restriction("no_left_turn", 10, 2, 12), barriers={3: {"barrier": "bollard"}})
    (tmp_path / "tiny.osm").write_text(text, encoding="utf-8")
    extract = Extract(tmp_path / "tiny.osm")
    extract.areas += [("Tiny", HERE), ("Dot", shapely.Point(118, 25.3)), (HOSTILE, HERE)]
    with serving(extract) as server:
        yield server


HOSTILE = '"]\n@ID@ {0} ${x} {{y}} \x7f\\'


def test_a_fetched_place_is_checked_and_run(
    monaco: Double, monaco_file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    found = fetched(monaco, "Monaco", tmp_path / "layers" / "mc", "--lang", "en")
    assert found.exit_code == 0, found.output + found.stderr
    assert "knows no people" in found.stdout
    assert "ODbL" in found.stdout
    assert "data of 2012-07-06" in found.stdout
    assert everything_below(tmp_path) == ["layers", "layers/mc", *(f"layers/mc/{name}" for name in FILES)]

    study = tomllib.loads((tmp_path / "layers/mc/study.toml").read_text(encoding="utf-8"))
    assert study["study"]["period"] == "2012-07"
    assert study["study"]["source"].startswith("© OpenStreetMap contributors, ODbL 1.0")
    ours, theirs = streets.read_osm(tmp_path / "layers/mc/streets.osm.pbf"), streets.read_osm(monaco_file)
    pd.testing.assert_frame_equal(ours, theirs)
    assert ours["way"].nunique() == 866

    checked = ask("check", tmp_path / "layers/mc")
    assert checked.exit_code == 0, checked.stderr
    (line,) = [line for line in checked.stdout.splitlines() if "不计居民" in line]
    assert line.partition("：")[0].count("、") == 3  # four communities in one line
    run = ask("run", tmp_path / "layers/mc", "--out", tmp_path / "maps", "--lang", "en")
    assert run.exit_code == 0, run.stderr
    assert "source: © OpenStreetMap contributors" in run.stdout
    coverage = pd.read_csv(tmp_path / "maps/mc/coverage.csv")
    own = coverage[coverage["unit_kind"] == "community"]
    assert set(own["unit_name"]) == {"Monte-Carlo", "Monaco-Ville", "Fontvieille", "La Condamine"}
    assert set(own["status"]) == {"not_assessed"}
    assert coverage["share"].isna().all(), "nobody is known, so nobody is covered or not"
    assert (
        "OpenStreetMap"
        in json.loads((tmp_path / "maps/mc/summary.json").read_text(encoding="utf-8"))["study"]["source"]
    )


def test_people_filled_in_by_hand_are_judged(monaco: Double, tmp_path: Path) -> None:
    assert fetched(monaco, "Monaco", tmp_path / "mc").exit_code == 0
    file = tmp_path / "mc" / "communities.geojson"
    text = file.read_text(encoding="utf-8")
    assert text.count('"population": null') == 4
    file.write_text(text.replace('"population": null', '"population": 1000'), encoding="utf-8")
    coverage = geo.analyse(tmp_path / "mc").coverage
    whole = coverage[(coverage["unit_kind"] == "study") & (coverage["limit_minutes"] == 15)]
    assert (whole["people"] == 4000).all()
    assert len(whole) == 2
    assert set(whole["service"]) == {"health", "school"}
    assert whole["share"].notna().all()


def test_the_same_place_gives_the_same_bytes_and_osmnx_is_left_as_it_was(monaco: Double, tmp_path: Path) -> None:
    before = {name: getattr(osmnx.settings, name) for name in osm_servers._CHANGED}
    resolver = socket.getaddrinfo
    for name in ("one", "two"):
        geo.fetch_study("Monaco", tmp_path / name / "mc", servers=servers(monaco), lang="en")
    assert {name: getattr(osmnx.settings, name) for name in before} == before
    assert socket.getaddrinfo is resolver
    for name in FILES:
        assert (tmp_path / "one/mc" / name).read_bytes() == (tmp_path / "two/mc" / name).read_bytes()


def test_a_wide_area_is_asked_for_in_parts_and_comes_to_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    school = {20: ([1, 3, 8, 7, 1], {"amenity": "school"})}  # 200 m long: in several parts
    (tmp_path / "school.osm").write_text(osm(CROSSING | school), encoding="utf-8")
    extract = Extract(tmp_path / "school.osm")
    extract.areas.append(("School", HERE))
    files = ("streets.osm.pbf", "service_points.geojson")
    with serving(extract) as server:
        geo.fetch_study("School", tmp_path / "one/s", servers=servers(server), margin_m=0)
        assert len(server.asked) == 3
        monkeypatch.setattr(osmnx.settings, "max_query_area_size", 500.0**2)
        found = geo.fetch_study("School", tmp_path / "parts/s", servers=servers(server), margin_m=0)
        wanted = [query for query in server.asked[3:] if "'school'" in query]
    holding = [query for query in wanted if any(item["id"] == 20 for item in extract.answer(query)["elements"])]
    assert len(wanted) > 10
    assert len(holding) > 1
    assert found.types == {"school": 1}
    for name in files:
        assert (tmp_path / "one/s" / name).read_bytes() == (tmp_path / "parts/s" / name).read_bytes()


def test_turns_and_barriers_are_kept(tiny: Double, tmp_path: Path) -> None:
    found = geo.fetch_study("Tiny", tmp_path / "tiny", servers=servers(tiny))
    assert (found.ways, found.turns, found.barriers) == (4, 1, 1)
    ours, theirs = streets.read_osm(tmp_path / "tiny/streets.osm.pbf"), streets.read_osm(tmp_path / "tiny.osm")
    pd.testing.assert_frame_equal(ours, theirs)
    assert ours.attrs["restrictions_read"] == 1
    # Neither places nor industry nor services: the place is the only community, and it is said what is missing.
    assert (found.communities, found.parks, found.whole, found.types) == (1, 0, True, {})
    told = ask("fetch", "Tiny", "--out", tmp_path / "b", "--overpass", tiny.overpass, "--nominatim", tiny.nominatim)
    assert "整个范围作为一个社区" in told.stdout
    assert "请在 service_points.geojson 中加上" in told.stdout
    only = gpd.read_file(tmp_path / "b" / "communities.geojson").geometry.iloc[0]
    assert only.equals(HERE)


def test_names_are_data(tiny: Double, tmp_path: Path) -> None:
    geo.fetch_study(HOSTILE, tmp_path / "x", servers=servers(tiny))
    study = geo.read_study(tmp_path / "x")
    assert study.head.name == HOSTILE.strip()
    assert study.head.id == "x"


def test_without_a_network_one_line_says_so(tmp_path: Path) -> None:
    dead = f"http://127.0.0.1:{closed_port()}"
    found = ask_shell(
        "fetch", "永春县", "--out", "layers/y", cwd=tmp_path, GEO_OVERPASS=f"{dead}/api", GEO_NOMINATIM=dead
    )
    assert found.returncode == 1
    assert found.stdout == ""
    (line,) = found.stderr.splitlines()
    for word in (f"{dead}/api", "连接不上", ".osm.pbf", "geo new"):
        assert word in line
    assert everything_below(tmp_path) == []


@pytest.mark.parametrize("lost", ["overpass", "nominatim"])
def test_the_server_out_of_reach_is_named(tiny: Double, tmp_path: Path, lost: str) -> None:
    dead = f"http://127.0.0.1:{closed_port()}/api"
    given = servers(tiny)._replace(**{lost: dead})
    with pytest.raises(InputFaultsError) as error:
        geo.fetch_study("Tiny", tmp_path / "t", servers=given)
    assert [fault.where for fault in error.value.faults] == [dead]
    assert not (tmp_path / "t").exists()


@pytest.mark.parametrize("address", ["nonsense", "ftp://127.0.0.1/", "http://", "http://[", "file:///etc/passwd"])
def test_an_address_that_is_none_is_named(tmp_path: Path, address: str) -> None:
    found = ask("fetch", "Tiny", "--out", tmp_path / "t", "--overpass", address, "--nominatim", address)
    assert found.exit_code == 1
    assert address in found.stderr
    assert everything_below(tmp_path) == []


@pytest.mark.parametrize(
    ("status", "answer", "word"),
    [
        (500, "{}", "HTTP 500"),
        (400, "{}", "HTTP 400"),
        (200, '{"elements": [], "remark": "runtime error: Query timed out"}', "Query timed out"),
        (200, "<html>please log in</html>", "ODbL|OpenStreetMap"),
        (200, '{"other": 1}', "elements"),
        (200, '{"elements": [{"type": "way", "id": 1, "tags": {"highway": "path"}}]}', "nodes"),
    ],
)
def test_a_server_that_does_not_answer_is_told(
    tiny: Double, tmp_path: Path, status: int, answer: str, word: str
) -> None:
    tiny.spoil = (status, answer)
    found = fetched(tiny, "Tiny", tmp_path / "out" / "t", "--lang", "en")
    assert found.exit_code == 1
    (line,) = found.stderr.splitlines()
    assert any(part in line for part in word.split("|")), line
    assert everything_below(tmp_path) == ["tiny.osm"]


def test_a_busy_server_is_asked_three_times_and_no_more() -> None:
    talk = osm_servers.Session(Servers())
    busy = requests.Response()
    busy.raw = io.BytesIO()
    busy.status_code, busy.reason = 504, "Gateway Timeout"
    talk.listen(busy)
    talk.listen(busy)
    with pytest.raises(osm_servers.UnansweredError, match="504"):
        talk.listen(busy)


def test_whoever_talks_of_slots_is_waited_for(tiny: Double, monkeypatch: pytest.MonkeyPatch) -> None:
    assert osm_servers._reached(servers(tiny)) is False
    seen = []
    with osm_servers.session(servers(tiny)):
        seen += [osmnx.settings.overpass_rate_limit, osmnx.settings.doh_url_template, osmnx.settings.use_cache]
    assert seen == [False, None, False]

    class Slots:
        ok, text = True, "Connected as: 1\nRate limit: 2\n2 slots available now."

    monkeypatch.setattr(requests, "get", lambda *_, **__: Slots)
    assert osm_servers._reached(servers(tiny)) is True


@pytest.mark.parametrize(("place", "word"), [("Atlantis", "没有找到"), ("Dot", "没有边界")])
def test_a_place_that_cannot_be_used_is_told(tiny: Double, tmp_path: Path, place: str, word: str) -> None:
    found = fetched(tiny, place, tmp_path / "t")
    assert found.exit_code == 1
    assert place in found.stderr
    assert word in found.stderr
    assert not (tmp_path / "t").exists()


def test_nothing_is_overwritten_unless_told(tiny: Double, tmp_path: Path) -> None:
    folder = tmp_path / "t"
    assert fetched(tiny, "Tiny", folder).exit_code == 0
    (folder / "study.toml").write_text("mine", encoding="utf-8")
    (folder / "people.tif").write_bytes(b"mine")
    asked = len(tiny.asked)
    again = fetched(tiny, "Tiny", folder)
    assert again.exit_code == 1
    assert "--force" in again.stderr
    assert len(tiny.asked) == asked, "no server is bothered for nothing"
    assert (folder / "study.toml").read_text(encoding="utf-8") == "mine"
    assert fetched(tiny, "Tiny", folder, "--force").exit_code == 0
    assert (folder / "study.toml.bak").read_text(encoding="utf-8") == "mine"
    assert (folder / "people.tif").read_bytes() == b"mine"
    assert geo.read_study(folder).head.name == "Tiny"
    assert [name for name in everything_below(tmp_path) if name.startswith(".")] == []


def test_options_out_of_range_are_told_before_anybody_is_asked(tmp_path: Path) -> None:
    dead = f"http://127.0.0.1:{closed_port()}"
    given = ("--overpass", dead, "--nominatim", dead, "--margin", "60000", "--period", "soon", "--lang", "en")
    found = ask("fetch", "Tiny", "--out", tmp_path / "t", *given)
    assert found.exit_code == 1
    assert "the margin 60000" in found.stderr
    assert "2026Q4" in found.stderr
    assert dead not in found.stderr


def feature(element: str, number: int, shape: shapely.Geometry, **tags: str) -> dict[str, object]:
    return {"element": element, "id": number, "geometry": shape, **tags}


def test_features_become_rows_of_the_layer_that_they_belong_to() -> None:
    square = shapely.box(0, 0, 1, 1)
    rows = [
        feature("node", 1, shapely.Point(0.5, 0.5), place="village", name="仑苍"),
        feature("node", 2, shapely.Point(0.5, 0.5), place="village", name="别村", population="1200"),
        feature("relation", 3, square, place="suburb", name="仑苍"),
        feature("way", 4, shapely.LineString([(0, 0), (1, 1)]), place="hamlet", name="线"),
        feature("way", 5, square, landuse="industrial", name="露江"),
        feature("node", 6, shapely.Point(0, 0), landuse="industrial"),
        feature("way", 7, square, amenity="restaurant", name="柳城“社区食堂”", capacity="40"),
        feature("node", 8, shapely.Point(2, 2), amenity="restaurant", name="大酒楼"),
        feature("node", 9, shapely.Point(2, 2), amenity="canteen", name="银河长者食堂"),
        feature("node", 10, shapely.Point(2, 2), amenity="canteen"),
        feature(
            "node", 11, shapely.Point(2, 2), office="employment_agency", name="零工市场", opening_hours="08:00-18:00"
        ),
        feature("node", 12, shapely.Point(2, 2), amenity="charging_station"),
        feature("node", 13, shapely.Point(2, 2), amenity="fuel", name="加油站"),
        feature("node", 14, shapely.Point(2, 2), amenity="townhall", name="镇政府"),
        feature("node", 15, shapely.Point(2, 2), amenity="townhall", name="政务服务中心"),
    ]
    table = gpd.GeoDataFrame(rows, crs="EPSG:4326").set_index(["element", "id"])
    communities, parks, services = (osm_features.layer_of(table, name) for name in osm_features.LAYERS)
    assert communities["id"].tolist() == ["n2", "r3"], "drawn as a point and as an outline, it is one place"
    assert communities["osm_population"].tolist() == ["1200", ""]
    assert parks[["id", "name"]].to_numpy().tolist() == [["w5", "露江"]]
    assert dict(zip(services["id"], services["type"], strict=True)) == {
        "w7": "canteen_shared",
        "n9": "canteen_elder",
        "n10": "canteen_shared",
        "n11": "gig_station",
        "n12": "ev_charging",
        "n15": "gov_service",
    }
    assert (services.geom_type == "Point").all()
    assert services.loc[services["id"] == "w7", "capacity"].item() == "40"
    assert services.loc[services["id"] == "n11", "hours"].item() == "08:00-18:00"


def test_an_empty_answer_gives_empty_layers() -> None:
    nothing = gpd.GeoDataFrame(geometry=[], crs="EPSG:4326")
    assert [len(osm_features.layer_of(nothing, name)) for name in osm_features.LAYERS] == [0, 0, 0]


def test_every_rule_names_a_service_of_the_catalogue() -> None:
    known = {*geo.catalogue.service_types()}
    assert {rule.type for rule in osm_features.rules() if rule.layer == "service_points"} <= known
    assert {rule.type for rule in osm_features.rules() if rule.layer != "service_points"} == {""}


def test_the_margin_of_the_command_is_that_of_the_function() -> None:
    assert fetch.MARGIN_M in cli_osm.fetch.__defaults__
