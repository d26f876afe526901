"""The ways that the page computes are those of the analysis: a small county with a wall, a one-way lane, an island."""

from dataclasses import replace

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
from browsing import assert_quiet, open_page, text, wait
from shapely.geometry import LineString, Point, box

import geo
from geo import street_graph
from geo.maps import map_page, payload, routes

CRS = "EPSG:4548"
EAST, NORTH = 629_000.0, 2_801_000.0
STEP_M, ROWS, COLUMNS = 400.0, 6, 8
STUDY = """
[study]
id = "grid"
name = "方格县"
period = "2026Q4"
crs = "EPSG:4548"
synthetic = true

[layers]
communities = "communities.geojson"
parks = "parks.geojson"
service_points = "points.geojson"
streets = "streets.geojson"
barriers = "barriers.geojson"

[services.gig_station]
demand = ["residents", "workers"]
also = [{mode = "ebike", limit = 15}]

[services.canteen_elder]
demand = ["elders"]
"""
ANSWERS = """
const page = geoMap.page, found = [];
page.data.units.kind.forEach((kind, unit) => {
  if (!["community", "park"].includes(kind)) return;
  page.asking.ask({ unit });
  page.asking.answers.forEach((answer) => {
    if (!answer.found) return;
    const metres = answer.goal ? page.asking.ways.distance(page.asking._line(answer)) : -1;
    found.push([kind, page.data.services[answer.service].code, answer.found.start.id, answer.minutes, metres, answer.reason]);
  });
});
return found.map((row) => row.map((value) => (value === Infinity ? "inf" : value)));
"""


def at(column, row):
    return EAST + column * STEP_M, NORTH + row * STEP_M


def write(folder, name, columns, shapes):
    gpd.GeoDataFrame(columns, geometry=shapes, crs=CRS).to_crs(4326).to_file(folder / f"{name}.geojson")


@pytest.fixture(scope="module")
def analysis(tmp_path_factory):
    folder = tmp_path_factory.mktemp("grid")
    (folder / "study.toml").write_text(STUDY, encoding="utf-8")
    lines = [LineString([at(c, r), at(c + 1, r)]) for r in range(ROWS) for c in range(COLUMNS - 1)]
    lines += [LineString([at(c, r), at(c, r + 1)]) for r in range(ROWS - 1) for c in range(COLUMNS) if c != 4]
    bend = [at(2, 2), at(2.3, 2.6), at(2.7, 2.2), at(3, 3)]
    write(folder, "streets", {"highway": ["residential"] * len(lines) + ["footway"]}, [*lines, LineString(bend)])
    corners = [(c, r) for r in (0, 2, 4) for c in (0, 2, 4, 6)]
    areas = [box(*at(c - 0.5, r - 0.5), *at(c + 1.5, r + 1.5)) for c, r in corners]
    names = [f"社区{i}" for i in range(len(areas))]
    write(folder, "communities", {"id": names, "name": names, "population": [3000] * 12, "elders": [600] * 12}, areas)
    write(folder, "parks", {"id": ["p"], "name": ["园区"], "workers": [900]}, [box(*at(5.2, 3.2), *at(6.8, 4.8))])
    spots = [Point(at(0.3, 0.05)), Point(at(6.4, 4.1)), Point(at(3.1, 2.02))]
    kinds = ["零工驿站", "零工驿站", "长者食堂"]
    write(folder, "points", {"id": ["a", "b", "c"], "name": ["甲", "乙", "丙"], "type": kinds}, spots)
    write(folder, "barriers", {"name": ["墙"]}, [LineString([at(1.5, 0.1), at(1.5, 0.9)])])
    return geo.analyse(folder)


@pytest.fixture(scope="module")
def asked(browser, tmp_path_factory, analysis):
    open_page(browser, tmp_path_factory.mktemp("page"), map_page(analysis))
    return browser


def minutes_of(analysis, start, service):
    """Return the minutes that the analysis gives to people who start where a start does."""
    demand = analysis.demand
    here = demand.geometry.iloc[int(np.flatnonzero(demand["id"].astype(str) == start)[0])]
    same = (demand.geometry.distance(here) < 1e-6).to_numpy()
    return pd.Series(demand.loc[same, f"minutes_{service}"]).dropna()


def test_the_way_of_every_unit_takes_the_minutes_of_the_analysis(asked, analysis):
    rows = asked.execute_script(ANSWERS)
    compared = 0
    for _, service, start, minutes, metres, reason in rows:
        expected = minutes_of(analysis, start, service)
        if not len(expected):
            continue
        compared += 1
        assert float(minutes) == pytest.approx(expected.iloc[0], abs=0.05)
        assert (reason != "") == (float(minutes) > 15)
        if metres >= 0:
            kmh = analysis.study.modes["elder" if service == "canteen_elder" else "walk"].speed_kmh
            assert metres / kmh * 0.06 == pytest.approx(float(minutes), abs=0.3), "the drawn line is the way"
    assert compared >= 24
    assert_quiet(asked)


def test_any_place_is_linked_as_people_are(asked):
    """The starts of the units, asked for as places of the map, have the same minutes."""
    found = asked.execute_script(
        """
        const page = geoMap.page, service = page.data.services.findIndex((item) => item.code === "gig_station"), found = [];
        page.data.units.kind.forEach((kind, unit) => {
          if (kind !== "community") return;
          const value = (subject) => {
            page.asking.ask(subject);
            return page.asking.answers.find((answer) => answer.service === service);
          };
          const own = value({ unit });
          const place = value({ at: geoMap.latLng(page.data.frame, own.found.start.spot) });
          found.push([own.minutes, place.minutes]);
        });
        return found;
        """
    )
    assert len(found) == 12
    for own, place in found:
        assert place == pytest.approx(own, abs=0.05)


def test_a_click_answers_in_the_panel_and_says_why(asked):
    asked.execute_script(
        "geoMap.page.map.fire('click', {latlng: geoMap.page.map.getCenter(), containerPoint: L.point(5, 5)})"
    )
    wait(asked, "document.querySelectorAll('#sheet .answer').length === 2")
    assert asked.execute_script("return geoMap.page.asking.line.length") > 2
    asked.execute_script(
        "geoMap.page.askPlace(L.latLng(geoMap.page.map.getCenter().lat + 0.2, geoMap.page.map.getCenter().lng))"
    )
    assert "接入距离过长" in text(asked, "#sheet .answer .why")
    assert asked.get_log("browser") == []


def test_walls_bar_the_leg_of_a_clicked_place(asked):
    shut = "return geoMap.page.asking.fence(arguments[0], arguments[1])"
    asked.execute_script("geoMap.page.asking.fence = geoMap.fence(geoMap.page.data, geoMap.page.asking.ways)")
    places = gpd.GeoSeries(
        [Point(at(1.4, 0.5)), Point(at(1.6, 0.5)), Point(at(1.4, 0.95)), Point(at(1.6, 0.95))], crs=CRS
    )
    whole = asked.execute_script("return geoMap.page.data.frame")
    spots = [((p.x - whole["lon"]) / whole["step"], (p.y - whole["lat"]) / whole["step"]) for p in places.to_crs(4326)]
    assert asked.execute_script(shut, spots[0], spots[1]) is True
    assert asked.execute_script(shut, spots[2], spots[3]) is False


def test_the_fragment_restores_the_view(browser, tmp_path, analysis):
    page = map_page(analysis)
    open_page(browser, tmp_path, page)
    browser.execute_script("geoMap.page.chooseService(1); geoMap.page.askUnit(2); geoMap.page.chooseView('matrix')")
    browser.execute_script(
        "geoMap.page.map.setView(geoMap.page.map.getCenter(), 15.3, {animate: false}); geoMap.page.remember()"
    )
    left = browser.execute_script("return location.hash")
    browser.get("about:blank")
    browser.get((tmp_path / "map.html").as_uri() + left)
    wait(browser, "document.documentElement.dataset.ready === 'yes'")
    state = "return [geoMap.page.service, geoMap.page.view, geoMap.page.asking.subject.unit, geoMap.page.map.getZoom(), location.hash]"
    assert browser.execute_script(state) == [1, "matrix", 2, 15.3, left]


def test_the_table_shows_what_coverage_says(asked, analysis):
    asked.execute_script("geoMap.page.chooseView('matrix')")
    cells = asked.execute_script(
        "return [...document.querySelectorAll('#matrix td')].map((td) => [geoMap.page.data.units.id[td.dataset.unit],"
        " geoMap.page.data.services[td.dataset.service].code, td.querySelector('span').textContent])"
    )
    assert len(cells) == 24
    table = analysis.coverage
    for unit, service, shown in cells:
        own = analysis.services[service]
        row = table[
            (table["unit_id"] == unit) & (table["service"] == service) & (table["mode"] == own.mode)
            & (table["limit_minutes"] == own.limit) & (table["demand"] == own.demand[0])
        ]  # fmt: skip
        share = row["share"].iloc[0]
        assert shown == f"{min(share * 100, 99.9) if share < 1 else 100:.1f}%"
    order = "return [...document.querySelectorAll('#matrix tbody tr')].map((tr) => parseFloat(tr.cells[1].textContent.slice(1)))"
    asked.execute_script("document.querySelectorAll('#matrix .sort')[1].click()")
    assert asked.execute_script(order) == sorted(asked.execute_script(order))
    assert asked.execute_script("return document.activeElement.closest('th').getAttribute('aria-sort')") == "ascending"
    asked.execute_script("geoMap.page.chooseView('rings')")


def test_starts_are_near_the_middle_of_the_people(analysis):
    found = street_graph.starts(analysis.demand)
    assert set(found["unit_kind"]) == {"community", "park"}
    assert found["unit_id"].is_unique
    groups = analysis.demand["group"].to_numpy()[found["row"]]
    assert set(zip(found["unit_kind"], groups, strict=True)) == {("community", "residents"), ("park", "workers")}


def test_elders_walk_the_same_streets_slower(analysis):
    content = payload.build(analysis, lang="zh")
    modes = [content["modes"][entry["mode"]]["label"] for entry in content["graphs"]]
    assert modes[:2] == ["步行", "老年人步行"]
    walk, elder = content["graphs"][:2]
    assert elder["like"] == 0
    assert elder["factors"] == [pytest.approx(4.5 / (0.8 * 3.6))]
    assert set(elder["factor_of"]) == {0}
    assert len(walk["forward"]) == len(walk["line"])
    assert walk["odd"] == [], "every junction is where its lines end"


def test_streets_that_cross_without_meeting_keep_their_own_junctions(browser, tmp_path, analysis):
    """Ends that lie in one place and are two junctions, and one junction with ends apart, come back as they are."""
    graph = analysis.graphs["walk"]
    start = graph.start.copy()
    start[3], start[20] = start.max() + 1, start[5]
    bent = {mode: replace(analysis.graphs[mode], start=start) for mode in ("walk", "elder")}
    content = payload.build(replace(analysis, graphs=bent), lang="zh")
    assert len(content["graphs"][0]["odd"]) > 0
    open_page(browser, tmp_path, map_page(replace(analysis, graphs=bent)))
    ends = browser.execute_script(
        "return Array.from(geoMap.page.asking.ways.net(geoMap.page.data.modes.findIndex((mode) => mode.label === '步行')).ends)"
    )
    edges = np.argsort(routes._places(analysis.streets, "zh")[graph.piece], kind="stable")
    expected = np.column_stack([start, graph.end])[edges].ravel()
    pairs = set(zip(ends, expected.tolist(), strict=True))
    assert len(pairs) == len(set(ends)) == len(set(expected.tolist())), "the same junctions under other numbers"
