"""The suspicion test: the right reading is named where points were shifted on purpose, and nothing where not."""

from __future__ import annotations

import csv
import shutil
from pathlib import Path
from typing import TYPE_CHECKING, Any

import geopandas as gpd
import numpy as np
import pandas as pd
import pyproj
import pytest
import shapely

from geo import crs as crs_room, layers, schema, streets
from geo.errors import InputFaultsError
from geo.layers import astray, suspicion
from geo.study import read_study

if TYPE_CHECKING:
    from collections.abc import Callable

    from geo.crs import Shifted
    from geo.layers import LayerSet
    from geo.study import Study

WGS84 = crs_room.WGS84
METRIC = pyproj.CRS.from_epsg(4548)
EAST, NORTH = 630_000.0, 2_800_000.0
FURTHER = 4.0  # kilometres of the small town's side
SAMPLES = ("yongchun", "nanan", "quangang")

LonLat = np.ndarray[Any, Any]


def carried(xy: LonLat, source: pyproj.CRS, target: pyproj.CRS) -> LonLat:
    return np.column_stack(crs_room.transformer(source, target).transform(*np.asarray(xy).T))


def zoned(lonlat: LonLat, written: pyproj.CRS, read_as: pyproj.CRS) -> LonLat:
    """Where places are found when metres of one zone are read in another."""
    return carried(carried(lonlat, WGS84, written), read_as, WGS84)


def town(seed: int = 1) -> gpd.GeoDataFrame:
    """A crooked net of streets, 300 to 500 m apart, in 4 by 4 km."""
    rng = np.random.default_rng(seed)
    lines = []
    for turned in (False, True):
        at = 0.0
        while at < FURTHER * 1000:
            along = np.linspace(0, FURTHER * 1000, 30)
            across = at + np.cumsum(rng.normal(0, 25, 30))
            xy = np.column_stack([across, along] if turned else [along, across])
            lines.append(shapely.LineString(np.add(xy, (EAST, NORTH))))
            at += rng.uniform(300, 500)
    return gpd.GeoDataFrame(geometry=lines, crs=METRIC)


def places_by(lines: gpd.GeoDataFrame, count: int, *, off_m: float = 15.0, seed: int = 2) -> LonLat:
    """Lon and lat of places beside streets, as facilities stand: most within `off_m`."""
    rng = np.random.default_rng(seed)
    shapes = lines.geometry.to_numpy()
    length = shapely.length(shapes)
    chosen = rng.choice(len(shapes), count, p=length / length.sum())
    spots = shapely.get_coordinates(shapely.line_interpolate_point(shapes[chosen], rng.random(count), normalized=True))
    xy = spots + rng.normal(0, off_m, spots.shape)
    return carried(xy, pyproj.CRS(lines.crs), WGS84)


def middles_of_blocks(lines: gpd.GeoDataFrame, count: int, *, seed: int = 3) -> LonLat:
    """Lon and lat of places that stand away from every street, as factories and parks do."""
    rng = np.random.default_rng(seed)
    west, south, east, north = lines.total_bounds
    xy = rng.uniform((west, south), (east, north), (count * 50, 2))
    index = shapely.STRtree(lines.geometry.to_numpy())
    away = index.query_nearest(shapely.points(xy), return_distance=True, all_matches=False)[1]
    return carried(xy[(away > 80) & (away < 300)][:count], pyproj.CRS(lines.crs), WGS84)


def found(lonlat: LonLat, lines: gpd.GeoDataFrame, *, crs: pyproj.CRS | Shifted = WGS84) -> str | None:
    ground = suspicion.ground_of(lines)
    assert ground is not None
    named = suspicion.suspected(lonlat, ground, crs=crs)
    return named.reading if named else None


def shifts(lonlat: LonLat, metric: pyproj.CRS) -> dict[str, tuple[LonLat, pyproj.CRS]]:
    """What is read where coordinates are not what they are said to be: reading → places as read, CRS used."""
    code = metric.to_epsg() or 0
    beside = [pyproj.CRS.from_epsg(code + step) for step in (-1, 1)]
    return {
        "gcj02": (np.column_stack(crs_room.to_gcj02(*lonlat.T)), WGS84),
        "bd09": (np.column_stack(crs_room.to_bd09(*lonlat.T)), WGS84),
        "swapped": (lonlat[:, ::-1], WGS84),
        **{f"EPSG:{zone.to_epsg()}": (zoned(lonlat, zone, metric), metric) for zone in beside},
    }


@pytest.mark.parametrize("reading", ["gcj02", "bd09", "swapped", "EPSG:4547", "EPSG:4549"])
def test_each_reading_is_named_with_both_shares(reading: str) -> None:
    lines = town()
    right = places_by(lines, 40)
    lonlat, used = shifts(right, METRIC)[reading]
    ground = suspicion.ground_of(lines)
    assert ground is not None
    named = suspicion.suspected(lonlat, ground, crs=used)
    assert named is not None
    assert named.reading == reading
    assert named.places == 40
    xy = carried(right, WGS84, METRIC)
    near = shapely.STRtree(lines.geometry.to_numpy()).query(shapely.points(xy), predicate="dwithin", distance=50.0)[0]
    assert named.share_read == pytest.approx(len(np.unique(near)) / 40)
    assert named.share_given < 0.6


@pytest.mark.parametrize("seed", range(6))
def test_what_is_right_raises_no_suspicion(seed: int) -> None:
    lines = town(seed)
    for off_m in (5.0, 20.0, 40.0):
        lonlat = places_by(lines, 60, off_m=off_m, seed=seed)
        for used in (WGS84, METRIC, pyproj.CRS.from_epsg(4490), pyproj.CRS.from_epsg(3857)):
            assert found(lonlat, lines, crs=used) is None


@pytest.mark.parametrize("seed", range(6))
def test_places_away_from_streets_raise_none_though_any_shift_brings_them_nearer(seed: int) -> None:
    lines = town(seed)
    lonlat = middles_of_blocks(lines, 150, seed=seed)
    moved = np.column_stack(crs_room.from_gcj02(*lonlat.T))
    ground = suspicion.ground_of(lines)
    assert ground is not None
    shares = [suspicion.beside(suspicion.metres_of(at, ground), ground).mean() for at in (lonlat, moved)]
    assert shares[0] == 0.0
    assert shares[1] > 0.1
    assert found(lonlat, lines) is None


def test_few_places_are_not_judged_by_a_shift_but_where_they_are_lost() -> None:
    lines = town()
    right = places_by(lines, 4)
    shifted = shifts(right, METRIC)
    assert found(shifted["gcj02"][0], lines) is None
    assert found(shifted["swapped"][0], lines) == "swapped"
    assert found(*(shifted["EPSG:4549"][0], lines), crs=METRIC) == "EPSG:4549"


def test_a_layer_said_to_be_shifted_that_is_not() -> None:
    lines = town()
    right = places_by(lines, 40)
    assert found(np.column_stack(crs_room.from_gcj02(*right.T)), lines, crs="gcj02") == "EPSG:4326"
    bd09_as_gcj02 = crs_room.from_gcj02(*crs_room.to_bd09(*right.T))
    assert found(np.column_stack(bd09_as_gcj02), lines, crs="gcj02") == "bd09"


def test_shifted_before_it_was_projected() -> None:
    lines = town()
    lonlat = np.column_stack(crs_room.to_gcj02(*places_by(lines, 40).T))
    ground = suspicion.ground_of(lines)
    assert ground is not None
    named = suspicion.suspected(lonlat, ground, crs=METRIC)
    assert named is not None
    assert (named.reading, named.kind) == ("gcj02", "projected")


def test_one_venue_with_many_services_is_one_place() -> None:
    lines = town()
    lonlat = np.repeat(np.column_stack(crs_room.to_gcj02(*places_by(lines, 4).T)), 30, axis=0)
    assert found(lonlat, lines) is None


def test_many_places_are_looked_at_in_part_and_always_the_same() -> None:
    lines = town()
    lonlat = np.column_stack(crs_room.to_gcj02(*places_by(lines, 3_000).T))
    ground = suspicion.ground_of(lines)
    assert ground is not None
    named = suspicion.suspected(lonlat, ground)
    assert named is not None
    assert (named.reading, named.places) == ("gcj02", suspicion.MOST_PLACES)
    assert suspicion.suspected(lonlat[::-1], ground) == named


def test_nothing_to_judge() -> None:
    lines = town()
    assert found(np.empty((0, 2)), lines) is None
    assert found(np.full((3, 2), np.nan), lines) is None
    assert suspicion.ground_of(lines.iloc[:0]) is None


def layer_world(folder: Path, entries: dict[str, str]) -> tuple[Study, LayerSet]:
    """A study whose service points and gates lie on the small town's streets, and what was read of it."""
    box = gpd.GeoDataFrame(geometry=[shapely.box(EAST, NORTH, EAST + 4000, NORTH + 4000)], crs=METRIC).to_crs(4326)
    box.assign(id=["c1"], population=[100]).to_file(folder / "communities.geojson")
    (folder / "streets.osm").write_text("<osm/>")
    lines = {"communities": '"communities.geojson"', "streets": '"streets.osm"', **entries}
    body = "\n".join(f"{key} = {value}" for key, value in lines.items())
    head = '[study]\nid = "w"\nname = "示例"\nperiod = "2026Q4"\ncrs = "EPSG:4548"\n'
    (folder / "study.toml").write_text(f"{head}\n[layers]\n{body}\n", encoding="utf-8")
    study = read_study(folder)
    return study, layers.read_layers(study)


def points_of(path: Path, lonlat: LonLat, **columns: object) -> None:
    ids = [f"{path.stem}{number}" for number in range(len(lonlat))]
    table = gpd.GeoDataFrame({"id": ids, **columns}, geometry=gpd.points_from_xy(*lonlat.T), crs=4326)
    table.to_file(path)


def test_sources_of_a_layer_are_judged_each_for_itself(tmp_path: Path) -> None:
    lines = town()
    right, more = places_by(lines, 30), places_by(lines, 5, seed=9)
    gcj = np.column_stack(crs_room.to_gcj02(*right.T))
    points_of(tmp_path / "good.geojson", right, type="零工驿站")
    points_of(tmp_path / "amap.geojson", gcj, type="共享食堂")
    points_of(tmp_path / "gates.geojson", np.column_stack(crs_room.to_gcj02(*more.T)), unit_id="c1")
    sources = '["good.geojson", "amap.geojson"]'
    study, read = layer_world(tmp_path, {"service_points": sources, "gates": '"gates.geojson"'})
    verdicts = astray.verdicts(study.layers, read.tables, read.inputs, lines)
    assert [(item.layer, item.source, item.suspicion.reading) for item in verdicts] == [
        ("service_points", "amap.geojson", "gcj02"),
        ("gates", "gates.geojson", "gcj02"),  # five places tell nothing by themselves, but follow the others
    ]
    faults = astray.faults_of(verdicts)
    assert [fault.where for fault in faults] == ["amap.geojson (service_points)", "gates.geojson (gates)"]
    assert 'State crs = "gcj02" for it in the study file or, if it is right as it is, crs = "EPSG:4326"' in faults[
        0
    ].text("en")
    assert "100%" in faults[0].text("zh")
    assert not len(astray.repairs_of(verdicts))
    again, told = astray.judged(study.layers, read, lines)
    assert again is read
    assert told == faults


def test_a_stated_crs_is_doubted_and_used(tmp_path: Path) -> None:
    lines = town()
    points_of(tmp_path / "amap.geojson", np.column_stack(crs_room.to_gcj02(*places_by(lines, 30).T)), type="零工驿站")
    study, read = layer_world(tmp_path, {"service_points": '{path = "amap.geojson", crs = "EPSG:4326"}'})
    verdicts = astray.verdicts(study.layers, read.tables, read.inputs, lines)
    assert astray.faults_of(verdicts) == []
    table = astray.repairs_of(verdicts)
    assert list(table.columns) == list(schema.REPAIRS)
    assert table[["layer", "source", "action"]].to_numpy().tolist() == [["service_points", "amap.geojson", "doubtful"]]
    assert "gcj02" in table["message"].iloc[0].text("zh")
    again, told = astray.judged(study.layers, read, lines)
    assert told == []
    assert len(again.repairs) == len(read.repairs) + 1
    assert again.repairs.dtypes.equals(read.repairs.dtypes)
    assert again.tables is read.tables
    study, read = layer_world(tmp_path, {"service_points": '{path = "amap.geojson", crs = "gcj02"}'})
    assert astray.verdicts(study.layers, read.tables, read.inputs, lines) == []


def streets_of(sample: Path, crs: pyproj.CRS) -> gpd.GeoDataFrame:
    return streets.read_osm(sample / "streets.osm.pbf", crs=crs, where="streets")


def shifted_copy(sample: Path, folder: Path, *, reading: str) -> Study:
    """A sample whose service points are a drawing in other coordinates than it says; the study file is silent."""
    shutil.copytree(sample, folder)
    told = (folder / "study.toml").read_text(encoding="utf-8")
    kept = [line for line in told.splitlines() if not line.startswith("service_points")]
    text = "\n".join(kept).replace("[layers]", '[layers]\nservice_points = "points.gpkg"')
    (folder / "study.toml").write_text(text, encoding="utf-8")
    study = read_study(sample)
    with (sample / "service_points.csv").open(encoding="utf-8-sig" if sample.name != "nanan" else "gb18030") as file:
        rows = pd.DataFrame(list(csv.DictReader(file)))
    lonlat = rows[["经度", "纬度"]].to_numpy(dtype=float)
    if study.layers.service_points[0].crs == "gcj02":
        lonlat = np.column_stack(crs_room.from_gcj02(*lonlat.T))
    metric = pyproj.CRS.from_user_input(study.head.crs)
    if reading.startswith("EPSG"):
        xy, crs = carried(lonlat, WGS84, pyproj.CRS.from_user_input(reading)), metric
    else:
        move: dict[str, Callable[..., Any]] = {"gcj02": crs_room.to_gcj02, "bd09": crs_room.to_bd09}
        xy = (
            lonlat[:, ::-1]
            if reading == "swapped"
            else np.column_stack(move.get(reading, lambda x, y: (x, y))(*lonlat.T))
        )
        crs = WGS84
    columns = rows.drop(columns=["经度", "纬度"])
    gpd.GeoDataFrame(columns, geometry=gpd.points_from_xy(*xy.T), crs=crs).to_file(
        folder / "points.gpkg", layer="points"
    )
    return read_study(folder)


@pytest.mark.parametrize("name", SAMPLES)
def test_the_samples_raise_no_suspicion(sample_layers: Path, name: str) -> None:
    study = read_study(sample_layers / name)
    read = layers.read_layers(study)
    lines = streets_of(sample_layers / name, read.crs)
    assert astray.verdicts(study.layers, read.tables, read.inputs, lines) == []


@pytest.mark.slow
@pytest.mark.parametrize("name", SAMPLES)
@pytest.mark.parametrize("reading", ["gcj02", "bd09", "west", "east", "right"])
def test_the_samples_shifted_on_purpose(sample_layers: Path, tmp_path: Path, name: str, reading: str) -> None:
    metric = read_study(sample_layers / name).head.crs or ""
    code = int(metric.removeprefix("EPSG:"))
    wanted = {"west": f"EPSG:{code - 1}", "east": f"EPSG:{code + 1}"}.get(reading, reading)
    study = shifted_copy(sample_layers / name, tmp_path / name, reading=wanted)
    read = layers.read_layers(study)
    lines = streets_of(sample_layers / name, read.crs)
    verdicts = astray.verdicts(study.layers, read.tables, read.inputs, lines)
    named = [(item.layer, item.suspicion.reading, item.stated) for item in verdicts]
    assert named == ([] if reading == "right" else [("service_points", wanted, False)])


@pytest.mark.slow
@pytest.mark.parametrize("name", SAMPLES)
def test_the_samples_swapped_are_known_before_the_streets_are_read(
    sample_layers: Path, tmp_path: Path, name: str
) -> None:
    """In China lon and lat cannot be taken for each other: the reader itself refuses them."""
    with pytest.raises(InputFaultsError, match=r"points.gpkg \(service_points\).*lon and lat look swapped"):
        layers.read_layers(shifted_copy(sample_layers / name, tmp_path / name, reading="swapped"))


@pytest.mark.slow
@pytest.mark.parametrize("name", SAMPLES)
def test_every_point_layer_of_the_samples_shifted_on_purpose(sample_layers: Path, name: str) -> None:
    """Also lon and lat swapped, as the bare function sees them; five places and more tell a shift here."""
    study = read_study(sample_layers / name)
    read = layers.read_layers(study)
    lines = streets_of(sample_layers / name, read.crs)
    judged = 0
    for layer in ("service_points", "venues", "factories", "gates"):
        lonlat = astray.lonlat_of(read.tables[layer])
        for reading, (moved, used) in shifts(lonlat, read.crs).items():
            is_enough = len(lonlat) >= 5 or reading not in {"gcj02", "bd09"}
            assert found(moved, lines, crs=used) == (reading if is_enough else None), (layer, reading)
            judged += is_enough
    assert judged >= 18


@pytest.mark.slow
def test_futian(shared: Path) -> None:
    """A dense Chinese city: two thirds of any points lie within 50 m of a street."""
    metric = pyproj.CRS.from_epsg(4547)
    lines = streets.read_graphml(shared / "data/futian/futian_osmnx.graphml", crs=metric, where="streets")
    for seed in range(5):
        right = places_by(lines, 60, seed=seed)
        assert found(right, lines) is None
        assert found(right, lines, crs=metric) is None
        for reading, (moved, used) in shifts(right, metric).items():
            assert found(moved, lines, crs=used) == reading
    blocks = middles_of_blocks(lines, 100)
    assert found(blocks, lines) is None


@pytest.mark.slow
def test_porto_alegre(shared: Path) -> None:
    """Outside China GCJ-02 and BD-09 move nothing: what is said to be shifted lies right, and nothing is named."""
    metric = pyproj.CRS.from_epsg(32722)
    folder = shared / "data/portoalegre"
    lines = streets.read_osm(folder / "poa_osm.pbf", crs=metric, where="streets")
    interest = pd.read_csv(folder / "poa_points_of_interest.csv")[["lon", "lat"]].to_numpy()
    cells = pd.read_csv(folder / "poa_hexgrid.csv").query("healthcare > 0")[["lon", "lat"]].to_numpy()
    for right in (interest, cells):
        assert found(right, lines) is None
        assert found(right, lines, crs=metric) is None
        for reading, (moved, used) in shifts(right, metric).items():
            is_shift = reading in {"gcj02", "bd09"}
            assert np.array_equal(moved, right) == is_shift
            assert found(moved, lines, crs=used) == (None if is_shift else reading)
            if is_shift:
                assert found(right, lines, crs=reading) is None  # stated as shifted, read as it is


@pytest.mark.slow
def test_a_town_that_hardly_has_streets(shared: Path) -> None:
    metric = pyproj.CRS.from_epsg(4547)
    lines = streets.read_osm(shared / "data/ninghua/ninghua.osm", crs=metric, where="streets")
    stations = pd.read_csv(Path(__file__).parent / "studies/ninghua/stations.csv")[["经度", "纬度"]].to_numpy()
    assert found(stations, lines) is None
    for seed in range(6):
        assert found(middles_of_blocks(lines, 30, seed=seed), lines) is None
        right = places_by(lines, 30, seed=seed)
        assert found(right, lines) is None
        for reading, (moved, used) in shifts(right, metric).items():
            assert found(moved, lines, crs=used) == reading
