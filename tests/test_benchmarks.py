"""The benchmarks run and count rightly; no test asserts a number of seconds."""

from __future__ import annotations

import importlib.util
import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from benchmarks import cache, graphs, nearest, pairs, places, recipes, regimes, timing, valhalla
from benchmarks.setting import BANDS, LIMIT, City, Services, Setting
from benchmarks.table import Row, Target, markdown
from benchmarks.tiling import GAP_M, tiled
from benchmarks.timing import Timing, alternate
from benchmarks.towns import REGIMES, dense_core
from scipy.sparse import csgraph

import geo

ROOT = Path(__file__).resolve().parents[1]
OSM = """<osm version="0.6">
<node id="1" lat="25.0" lon="118.0"/><node id="2" lat="25.001" lon="118.0"/><node id="3" lat="25.001" lon="118.001"/>
<way id="9"><nd ref="1"/><nd ref="2"/><nd ref="3"/><tag k="highway" v="residential"/></way>
<way id="10"><nd ref="2"/><nd ref="1"/><tag k="highway" v="footway"/></way>
</osm>"""


def town(nodes: int = 100) -> City:
    return City("town", dense_core(nodes))


def components(net: geo.network.Network) -> int:
    return int(csgraph.connected_components(net.leaving, directed=False)[0])


@pytest.mark.parametrize(
    ("target", "ours", "theirs", "ratio", "met"),
    [
        (None, 2.0, 30.0, 30 / 2, None),
        (Target("faster", 15.0), 2.0, 30.0, 30 / 2, True),
        (Target("faster", 15.1), 2.0, 30.0, 30 / 2, False),
        (Target("within", 3.0), 6.0, 2.0, 6 / 2, True),
        (Target("within", 2.9), 6.0, 2.0, 6 / 2, False),
        (Target("within", 0.25), 100.0, 400.0, 100 / 400, True),
    ],
)
def test_a_ratio_is_how_often_faster_or_how_much_slower(target, ours, theirs, ratio, met) -> None:
    row = Row("work", "peer", ours, theirs, target)
    assert row.ratio == ratio
    assert row.met is met
    assert row.record()["met"] is met


def test_the_table_says_units_targets_and_each_note_once() -> None:
    rows = [
        Row("a", "x", 0.00123, 2.0, Target("faster", 100.0), notes=("same", "one")),
        Row("b", "y", 300.0, 1200.0, Target("within", 0.25), unit="MB", notes=("same",)),
        Row("c", "z", 4e-6, 2e-6),
    ]
    lines = markdown(rows).splitlines()
    assert lines[2] == "| a | x | 1.23 ms | 2.00 s | 1,626× | ≥ 100× | yes |"
    assert lines[3] == "| b | y | 300 MB | 1,200 MB | 0.25× | ≤ 0.25× | yes |"
    assert lines[4] == "| c | z | 4.00 µs | 2.00 µs | 0.5× |  |  |"
    assert lines[6:] == ["- same", "- one"]


def test_sides_take_turns_and_slow_ones_are_spared() -> None:
    calls: list[str] = []
    sides = {name: lambda name=name: calls.append(name) for name in "abc"}
    timed = alternate(sides, repeats=3, slow=["c"], slow_repeats=1)
    assert calls == ["a", "b", *"abc", *"ab", *"ab"]
    assert [len(timed[name].seconds) for name in "abc"] == [3, 3, 1]
    assert timed["a"].first is not None
    assert timed["c"].first is None


def test_the_median_of_repeats_and_what_one_of_many_takes() -> None:
    timed = Timing((8.0, 2.0, 6.0), first=20.0)
    assert timed.median == 6.0
    assert timed.per(4) == Timing((2.0, 0.5, 1.5), first=5.0)


@pytest.mark.parametrize("name", REGIMES)
def test_a_regime_has_the_nodes_asked_for_and_comes_from_its_seed(name) -> None:
    net, again = REGIMES[name](600), REGIMES[name](600)
    used = np.unique(np.concatenate([net.start, net.end]))
    assert 500 <= len(used) <= 700
    assert np.array_equal(net.length_m, again.length_m)


def test_one_bridge_alone_joins_the_banks_and_nothing_joins_islands() -> None:
    net = REGIMES["one bridge"](800)
    middle = (net.bounds[1] + net.bounds[3]) / 2
    crossing = (net.node_xy[net.start, 1] < middle) != (net.node_xy[net.end, 1] < middle)
    assert crossing.sum() == 1
    assert components(REGIMES["islands"](1300)) >= 9


def test_tiles_are_copies_joined_to_their_neighbours() -> None:
    small = dense_core(100)
    large = tiled(small, 3)
    links = 3 * 2 + 2 * 3
    assert large.node_count == 9 * small.node_count
    assert len(large.start) == 9 * len(small.start) + links
    west, south, east, north = small.bounds
    assert large.bounds == pytest.approx(
        (west, south, east + 2 * (east - west + GAP_M), north + 2 * (north - south + GAP_M))
    )
    assert components(large) == 9 * (components(small) - 1) + 1
    assert tiled(small, 1).length_m.sum() == pytest.approx(small.length_m.sum())


def test_the_first_tile_gives_the_same_minutes() -> None:
    small = dense_core(100)
    xy = small.node_xy[places.random_nodes(small, 12, seed=1)]
    found = [
        geo.minutes_matrix(net, places.table(net, xy[:6]), places.table(net, xy[6:]), limit=5.0)
        for net in (small, tiled(small, 2))
    ]
    assert len(found[0])
    assert found[0]["minutes"].to_numpy() == pytest.approx(found[1]["minutes"].to_numpy())


@pytest.mark.parametrize("peer", nearest.PEERS)
def test_peers_answer_the_same_question(peer) -> None:
    if "pandana" in peer and importlib.util.find_spec("pandana") is None:
        pytest.skip("pandana is not installed: it is only in the extra bench")
    city = town(150)
    services, one = city.services(5), nearest.PEERS[peer]
    mine = nearest.ours(services)
    assert np.isfinite(mine).any()
    assert nearest.difference(mine, one.search(city.graph(one.graph), services)) == ""
    origins, destinations = pairs.ends(city, 20)
    other = pairs.PEERS[peer]
    found = other.search(city.graph(other.graph), origins, destinations)
    assert found == len(pairs.ours(origins, destinations)) > 0


def test_answers_that_differ_are_told() -> None:
    mine = np.array([0.0, 1.0, np.inf])
    assert nearest.difference(mine, {0: 0.0, 1: 1.0}) == ""
    assert "1 nodes reached by one only" in nearest.difference(mine, {0: 0.0})
    assert "differ by 0.5" in nearest.difference(mine, np.array([0.0, 1.5, np.inf]))


def test_recipes_draw_a_polygon_a_band_that_grows() -> None:
    city = town(150)
    node, matrix = int(city.services(1).here[0]), city.graph(graphs.scipy_matrix)
    graph = graphs.osmnx_graph(city.arcs, city.net)
    drawn = {
        "buffers": recipes.osmnx_buffers(graph, node, BANDS),
        "hull": recipes.osmnx_hull(graph, node, BANDS),
        "united": recipes.shapely_buffers(matrix, city.arcs, city.net.lines, node, BANDS),
        "concave": recipes.concave_hulls(matrix, city.arcs, node, BANDS),
    }
    for name, shapes in drawn.items():
        areas = [shape.area for shape in shapes]
        assert areas == sorted(areas), name
        assert areas[0] > 0, name
    # Both recipes of osmnx and scipy reach the same nodes: the same hull.
    convex = recipes.convex_hulls(matrix, city.arcs, node, BANDS)
    assert [one.area for one in convex] == pytest.approx([one.area for one in drawn["hull"]])


@pytest.mark.slow
def test_all_regimes_run_on_a_tiny_town() -> None:
    setting = Setting(quick=True, repeats=1)
    rows = regimes.rows(setting, nodes=150)
    assert {row.work.split(":")[0] for row in rows} == set(REGIMES)
    assert {"networkx", "scipy plain"} <= {row.peer for row in rows}
    assert all(np.isfinite([row.ours, row.theirs]).all() and row.ours > 0 for row in rows)
    if importlib.util.find_spec("pandana") is None:
        assert any("pandana" in line and ".[bench]" in line for line in setting.skipped)


def test_a_fresh_process_tells_its_time_and_memory(tmp_path) -> None:
    file = tmp_path / "tiny.osm"
    file.write_text(OSM, encoding="utf-8")
    found = timing.fresh("reading", ["ours", str(file)])
    assert found.told["edges"] == 3
    assert found.peak_mb > 10
    assert found.seconds > found.told["call_s"] > 0
    with pytest.raises(RuntimeError, match="no_such"):
        timing.fresh("reading", ["ours", str(tmp_path / "no_such.osm")])


def test_valhalla_says_how_to_get_it_and_asks_what_is_meant(tmp_path, monkeypatch) -> None:
    monkeypatch.setenv("GEO_BENCH_CACHE", str(tmp_path / "cache"))
    if importlib.util.find_spec("valhalla") is None:
        with pytest.raises(cache.UnavailableError, match="--install-valhalla"):
            valhalla.programs()
    asked = json.loads(valhalla.isochrone(np.array([118.0, 25.0]), BANDS, 4.5))
    assert asked["locations"] == [{"lon": 118.0, "lat": 25.0}]
    assert [contour["time"] for contour in asked["contours"]] == [5, 10, 15]
    assert asked["costing_options"]["pedestrian"]["walking_speed"] == 4.5
    pair = json.loads(valhalla.matrix(np.zeros((2, 2)), np.ones((3, 2)), 4.5, shortest=True))
    assert (len(pair["sources"]), len(pair["targets"])) == (2, 3)
    assert pair["costing_options"]["pedestrian"]["shortest"] is True


def test_without_data_every_part_is_skipped_with_a_reason(tmp_path) -> None:
    told = tmp_path / "rows.json"
    environment = {**os.environ, "GEO_SHARED": str(tmp_path), "GEO_BENCH_CACHE": str(tmp_path / "cache")}
    parts = [flag for name in ("nearest", "pairs", "polygons", "agreement") for flag in ("--only", name)]
    done = subprocess.run(
        [sys.executable, "-m", "tests.benchmarks", "--quick", *parts, "--json", str(told)],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    found = json.loads(told.read_text(encoding="utf-8"))
    assert found["rows"] == []
    assert [line.split(":")[0] for line in found["skipped"]] == ["nearest", "pairs", "polygons", "agreement"]
    assert all("set GEO_SHARED" in line and line in done.stdout for line in found["skipped"])


def test_services_are_the_same_in_every_run_and_stand_at_nodes() -> None:
    first, second = town().services(10), town().services(10)
    assert np.array_equal(first.nodes, second.nodes)
    assert np.array_equal(first.city.arcs.xy[first.here], first.xy)
    again = Services(first.city, first.nodes)
    found = geo.nearest_minutes(first.city.net, again.table, first.table, limit=LIMIT)
    assert found["minutes"].to_numpy() == pytest.approx(0.0, abs=1e-9)
