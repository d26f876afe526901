"""Splitting: each polygon's file holds what an extract of its own would hold, and a study on it comes to the same."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import geopandas as gpd
import numpy as np
import osmium
import pandas as pd
import pytest
import shapely
from osm_files import CROSSING, PLACES, osm, restriction
from small_county import ask, everything_below

import geo
from geo import cli_osm, split, streets
from geo.errors import InputFaultsError
from geo.reports import tables

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

POA = (-51.27, -30.12, -51.13, -29.98)  # west, south, east, north of the streets of Porto Alegre
QUARTERS = ("nw", "ne", "sw", "se")


def quarter_boxes() -> dict[str, shapely.Geometry]:
    west, south, east, north = POA
    x, y = (west + east) / 2, (south + north) / 2
    return {
        "nw": shapely.box(west, y, x, north),
        "ne": shapely.box(x, y, east, north),
        "sw": shapely.box(west, south, x, y),
        "se": shapely.box(x, south, east, y),
    }


def write_polygons(file: Path, shapes: dict[str, shapely.Geometry]) -> Path:
    named = {"id": list(shapes), "name": list(shapes)}
    file.write_text(
        gpd.GeoDataFrame(named, geometry=list(shapes.values()), crs="EPSG:4326").to_json(), encoding="utf-8"
    )
    return file


def written_separately(source: Path, around: shapely.Geometry, file: Path) -> Path:
    """Extract the highways that touch a shape, one file at a time, by pyosmium's own means: the slow twin."""
    outline = osmium.geom.WKBFactory()
    ways: set[int] = set()
    shapely.prepare(around)
    for way in osmium.FileProcessor(str(source)).with_locations().with_filter(osmium.filter.KeyFilter("highway")):
        if way.is_way() and shapely.intersects(around, shapely.from_wkb(bytes.fromhex(outline.create_linestring(way)))):
            ways.add(way.id)
    with osmium.BackReferenceWriter(str(file), ref_src=str(source), overwrite=True, remove_tags=False) as writer:
        for entity in osmium.FileProcessor(str(source), osmium.osm.WAY):
            if entity.id in ways:
                writer.add(entity)
    return file


def margin_around(shape: shapely.Geometry, margin_m: float, *, crs: str) -> shapely.Geometry:
    return gpd.GeoSeries([shape], crs="EPSG:4326").to_crs(crs).buffer(margin_m).to_crs("EPSG:4326").iloc[0]


@pytest.fixture(scope="module")
def city(shared: Path) -> Path:
    return shared / "data" / "portoalegre" / "poa_osm.pbf"


@pytest.fixture(scope="module")
def quarters(city: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, split.Extract]:
    folder = tmp_path_factory.mktemp("quarters")
    polygons = write_polygons(folder / "quarters.geojson", quarter_boxes())
    found = geo.split_streets(city, polygons, folder / "out", margin_m=1500)
    return {extract.id: extract for extract in found}


def ways_of(file: Path) -> Iterator[Any]:
    yield from osmium.FileProcessor(str(file), osmium.osm.WAY)


def test_each_extract_holds_the_streets_that_one_of_its_own_would(
    city: Path, quarters: dict[str, split.Extract], tmp_path: Path
) -> None:
    assert list(quarters) == list(QUARTERS)
    for name in ("nw", "se"):  # the slow test looks at all four
        shape = quarter_boxes()[name]
        alone = written_separately(city, margin_around(shape, 1500, crs="EPSG:32722"), tmp_path / f"{name}.osm.pbf")
        ours, theirs = (streets.read_osm(file, crs=None) for file in (quarters[name].file, alone))
        pd.testing.assert_frame_equal(ours, theirs)
        assert ours.attrs == theirs.attrs
        assert len(ours) > 4000
    total = sum(1 for way in ways_of(city) if "highway" in way.tags)
    shares = [extract.ways / total for extract in quarters.values()]
    assert max(shares) < 0.6
    assert sum(shares) > 1.0, "what lies near two quarters is in both"


def test_the_same_call_gives_the_same_bytes(city: Path, quarters: dict[str, split.Extract], tmp_path: Path) -> None:
    polygons = write_polygons(tmp_path / "q.geojson", {"se": quarter_boxes()["se"]})
    alone = geo.split_streets(city, polygons, tmp_path / "out", margin_m=1500)[0]
    assert alone.file.read_bytes() == quarters["se"].file.read_bytes(), "also when the others are not asked for"
    assert everything_below(tmp_path) == ["out", "out/se.osm.pbf", "q.geojson"]


def quarter_study(folder: Path, name: str, file: Path, data: Path) -> Path:
    """Write the study of one quarter: its own people, and every service of the city."""
    folder.mkdir()
    hexes = pd.read_csv(data / "poa_hexgrid.csv")
    inside = shapely.contains_xy(quarter_boxes()[name], hexes["lon"], hexes["lat"])
    hexes[inside].to_csv(folder / "people.csv", index=False)
    (folder / "study.toml").write_text(
        f"""
[study]
id = "{name}"
name = "{name}"
period = "2020"
crs = "EPSG:32722"
[layers]
streets = {json.dumps(str(file))}
communities = {{ path = "people.csv", crs = "EPSG:4326" }}
service_points = [
    {{ path = {json.dumps(str(data / "poa_points_of_interest.csv"))}, crs = "EPSG:4326", columns = {{ name = "id" }}, set = {{ type = "gov_service" }} }},
    {{ path = {json.dumps(str(data / "poa_hexgrid.csv"))}, crs = "EPSG:4326", columns = {{ name = "id" }}, where = {{ healthcare = [1, 2, 3, 4, 5, 6, 7, 8, 9] }}, set = {{ type = "health" }} }},
]
[services.gov_service]
demand = ["residents"]
""",
        encoding="utf-8",
    )
    return folder


def coverage_of(study: Path) -> bytes:
    analysis = geo.analyse(study)
    tables.write_coverage(analysis, study / "coverage.csv", lang="en")
    return (study / "coverage.csv").read_bytes()


def compared(name: str, city: Path, extract: split.Extract, folder: Path) -> tuple[bytes, bytes, bytes]:
    """Return the coverage of one quarter on the extract, on one made alone, and on the whole city's streets."""
    alone = written_separately(
        city, margin_around(quarter_boxes()[name], 1500, crs="EPSG:32722"), folder / f"{name}.osm.pbf"
    )
    files = {"split": extract.file, "alone": alone, "city": city}
    studies = {key: quarter_study(folder / f"{name}_{key}", name, file, city.parent) for key, file in files.items()}
    found = {key: coverage_of(study) for key, study in studies.items()}
    return found["split"], found["alone"], found["city"]


@pytest.mark.slow
@pytest.mark.parametrize("name", QUARTERS)
def test_a_quarters_coverage_is_that_of_an_extract_of_its_own_and_of_the_whole_city(
    name: str, city: Path, quarters: dict[str, split.Extract], tmp_path: Path
) -> None:
    ours, alone, whole = compared(name, city, quarters[name], tmp_path)
    assert ours == alone
    assert ours == whole, "1,500 m around are enough for 15 minutes on foot"
    shares = pd.read_csv(tmp_path / f"{name}_split" / "coverage.csv")
    study = shares[shares["unit_kind"] == "study"]
    assert (study["people"] > 10_000).all()
    assert study["share"].between(0.01, 0.99).any()


def test_turns_and_barriers_come_along_with_their_streets(tmp_path: Path) -> None:
    text = osm(
        CROSSING,
        restriction("no_left_turn", 10, 2, 12),
        restriction("no_u_turn", 98, 99, 97),
        barriers={3: {"barrier": "bollard"}, 6: {"barrier": "gate"}},
    )
    (tmp_path / "all.osm").write_text(text, encoding="utf-8")
    lon, lat = PLACES[7]
    polygons = write_polygons(
        tmp_path / "p.geojson", {"north": shapely.Point(lon, lat).buffer(1e-4), "far": shapely.box(0, 0, 1, 1)}
    )
    near, far = geo.split_streets(tmp_path / "all.osm", polygons, tmp_path / "out", margin_m=0)
    # Only way 12 comes near node 7; it is whole (nodes 2 and 7), with the restriction that names it.
    assert near[3:] == (1, 2, 0, 1)
    assert near.file == tmp_path / "out" / "north.osm.pbf"
    assert far == split.Extract("far", "far", None, 0, 0, 0, 0)
    assert everything_below(tmp_path / "out") == ["north.osm.pbf"]
    # With 150 m around, the crossing at node 2 is near: all four arms, and the bollard at the end of the eastern one.
    wide = geo.split_streets(tmp_path / "all.osm", polygons, tmp_path / "wide", margin_m=150)[0]
    assert wide[3:] == (4, 5, 1, 1)
    whole, part = (streets.read_osm(file) for file in (tmp_path / "all.osm", wide.file))
    pd.testing.assert_frame_equal(whole, part)
    assert whole.attrs["restrictions_read"] == part.attrs["restrictions_read"] == 1


def test_shifted_polygons_are_moved_when_told(tmp_path: Path) -> None:
    (tmp_path / "all.osm").write_text(osm({10: ([1, 2], {"highway": "primary"})}), encoding="utf-8")
    lon, lat = geo.crs.to_gcj02(np.array([118.0015]), np.array([25.3]))
    here = {"here": shapely.Point(lon[0], lat[0]).buffer(3e-4)}
    polygons = write_polygons(tmp_path / "p.geojson", here)
    with pytest.raises(InputFaultsError, match="--crs gcj02"):
        geo.split_streets(tmp_path / "all.osm", polygons, tmp_path / "out", margin_m=0)
    assert not (tmp_path / "out").exists()
    found = geo.split_streets(tmp_path / "all.osm", polygons, tmp_path / "out", margin_m=0, crs="gcj02")
    assert [extract.ways for extract in found] == [1]


def test_faults_are_told_together_and_nothing_is_written(tmp_path: Path) -> None:
    shapes = {"../up": shapely.box(0, 0, 1, 1), "a": shapely.box(1, 0, 2, 1), "A": shapely.Point(0, 0)}
    polygons = write_polygons(tmp_path / "p.geojson", shapes)
    found = ask(
        "split", tmp_path / "none.pbf", "--by", polygons, "--out", tmp_path / "out", "--margin=-5", "--lang", "en"
    )
    assert found.exit_code == 1
    told = [line for line in found.stderr.splitlines() if line.startswith("  ✗ ")]
    for word in ("there is no such file", "the margin -5", "../up", "no polygon", "differ in case alone"):
        assert sum(word in line for line in told) == 1, (word, told)
    (tmp_path / "broken.osm.pbf").write_bytes(b"\0\0\0\x0dno streets at all")
    good = write_polygons(tmp_path / "q.geojson", {"a": shapely.box(118, 25, 119, 26)})
    for name, word in (("broken.osm.pbf", "道路文件读不出来"), ("p.geojson", "不是 OpenStreetMap 文件")):
        found = ask("split", tmp_path / name, "--by", good, "--out", tmp_path / "out")
        assert found.exit_code == 1
        assert word in found.stderr
    assert everything_below(tmp_path) == ["broken.osm.pbf", "p.geojson", "q.geojson"]


def test_extracts_are_replaced_only_when_told(tmp_path: Path) -> None:
    (tmp_path / "all.osm").write_text(osm(CROSSING), encoding="utf-8")
    polygons = write_polygons(tmp_path / "p.geojson", {"a": shapely.box(118, 25, 119, 26)})
    given = ("split", tmp_path / "all.osm", "--by", polygons, "--out", tmp_path / "out")
    found = ask(*given)
    assert found.exit_code == 0, found.output
    assert "4 条道路" in found.stdout
    assert 'streets = "a.osm.pbf"' in found.stdout
    (tmp_path / "out" / "mine.txt").write_text("mine", encoding="utf-8")
    before = (tmp_path / "out" / "a.osm.pbf").read_bytes()
    (tmp_path / "out" / "a.osm.pbf").write_bytes(b"older")
    again = ask(*given)
    assert again.exit_code == 1
    assert "不会覆盖" in again.stderr
    assert (tmp_path / "out" / "a.osm.pbf").read_bytes() == b"older"
    assert ask(*given, "--force").exit_code == 0
    assert (tmp_path / "out" / "a.osm.pbf").read_bytes() == before
    assert everything_below(tmp_path / "out") == ["a.osm.pbf", "mine.txt"]


def test_the_margin_of_the_command_is_that_of_the_function() -> None:
    defaults = cli_osm.split.__defaults__
    assert split.MARGIN_M in defaults
