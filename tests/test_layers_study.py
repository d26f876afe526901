"""All layers of a study together: one CRS, one repair report, all faults at once."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely

from geo import crs as crs_room, layers, messages, schema
from geo.errors import InputFaultsError
from geo.layers import columns
from geo.layers.findings import Findings
from geo.study import Study, read_study
from geo.study_file import LayerSource

SHARED = Path(os.environ.get("GEO_SHARED", Path(__file__).parents[2] / "shared"))
HEAD = '[study]\nid = "w"\nname = "示例"\nperiod = "2026Q4"\n'
STATIONS = "编号,名称,类型,经度,纬度\ns1,甲,零工驿站,118.205,25.305\ns2,乙,共享食堂,118.215,25.305\n"


def boxes(**more: Any) -> gpd.GeoDataFrame:
    shapes = [shapely.box(118.2, 25.3, 118.21, 25.31), shapely.box(118.21, 25.3, 118.22, 25.31)]
    return gpd.GeoDataFrame({"id": ["c1", "c2"], "名称": ["甲社区", "乙社区"], **more}, geometry=shapes, crs=4326)


def world(folder: Path, entries: dict[str, str] | None = None, *, head: str = "", **files: str) -> Study:
    """Return a study with two communities, two stations and an OSM file, and whatever is put over them."""
    boxes(常住人口=[100, 200]).to_file(folder / "communities.geojson")
    (folder / "streets.osm").write_text("<osm/>")
    (folder / "stations.csv").write_text(STATIONS, encoding="utf-8-sig")
    for name, text in files.items():
        (folder / name.replace("__", ".")).write_text(text, encoding="utf-8")
    lines = {
        "communities": '"communities.geojson"',
        "streets": '"streets.osm"',
        "service_points": '{path = "stations.csv", crs = "EPSG:4326"}',
        **(entries or {}),
    }
    body = "\n".join(f"{key} = {value}" for key, value in lines.items())
    (folder / "study.toml").write_text(f"{HEAD}{head}\n[layers]\n{body}\n", encoding="utf-8")
    return read_study(folder)


def faults_of(study: Study) -> list[str]:
    with pytest.raises(InputFaultsError) as caught:
        layers.read_layers(study)
    return [fault.text("en") for fault in caught.value.faults]


def test_a_small_study(tmp_path: Path) -> None:
    found = layers.read_layers(world(tmp_path))
    assert list(found.tables) == list(layers.KINDS)
    assert found.crs.to_epsg() == 4548
    assert {name: len(table) for name, table in found.tables.items() if len(table)} == {
        "communities": 2,
        "service_points": 2,
    }
    assert all(table.crs == found.crs for table in found.tables.values())
    assert found.tables["communities"]["population"].tolist() == [100.0, 200.0]
    assert found.tables["communities"].geometry.area.sum() == pytest.approx(
        boxes().to_crs(4548).geometry.area.sum(), rel=1e-9
    )
    assert list(found.repairs.columns) == list(schema.REPAIRS)
    assert found.personal == {}


def test_inputs_name_every_file_and_its_checksum(tmp_path: Path) -> None:
    (tmp_path / "people.tif").write_bytes(b"raster")
    found = layers.read_layers(world(tmp_path, {"population": '"people.tif"'}))
    assert [(entry["layer"], entry["path"], entry["crs"], entry["rows_kept"]) for entry in found.inputs] == [
        ("communities", "communities.geojson", "EPSG:4326", 2),
        ("service_points", "stations.csv", "EPSG:4326", 2),
        ("streets", "streets.osm", None, None),
        ("population", "people.tif", None, None),
    ]
    sums = [hashlib.sha256((tmp_path / entry["path"]).read_bytes()).hexdigest() for entry in found.inputs]
    assert [entry["sha256"] for entry in found.inputs] == sums


def test_a_place_has_no_checksum(tmp_path: Path) -> None:
    found = layers.read_layers(world(tmp_path, {"streets": '{place = "永春县"}'}))
    assert [(entry["path"], entry["sha256"]) for entry in found.inputs if entry["layer"] == "streets"] == [
        ("永春县", None)
    ]


def test_missing_layers_have_the_columns_of_their_kind(tmp_path: Path) -> None:
    found = layers.read_layers(world(tmp_path))
    for name, kind in layers.KINDS.items():
        wanted = [*columns.CONTRACT[kind], "geometry"]
        assert found.tables[name].columns.tolist()[: len(wanted) - 1] == wanted[:-1]
        assert found.tables[name].columns[-1] == "geometry"
    full = found.tables["service_points"]
    schema.require_columns(full, schema.SERVICE_POINTS, what="service points")
    assert columns.empty("service").dtypes.to_dict() == full.drop(columns="geometry").dtypes.to_dict()


def test_the_crs_of_the_study_file_is_used(tmp_path: Path) -> None:
    found = layers.read_layers(world(tmp_path, head='crs = "EPSG:4549"'))
    assert found.crs.to_epsg() == 4549
    assert np.allclose(found.tables["communities"].total_bounds, boxes().to_crs(4549).total_bounds, atol=1e-6)


def test_sources_of_a_layer_are_joined(tmp_path: Path) -> None:
    lon, lat = crs_room.to_gcj02([118.205], [25.305])
    entries = {
        "service_points": '[{path = "stations.csv", crs = "EPSG:4326"}, {path = "b.csv", crs = "gcj02", '
        'set = {type = "ev_charging"}}]'
    }
    study = world(tmp_path, entries, b__csv=f"名称,lon,lat,容量,桩型\n丙,{lon[0]:.9f},{lat[0]:.9f},4,快\n")
    table = layers.read_layers(study).tables["service_points"]
    assert table["id"].tolist() == ["s1", "s2", "service-2-2"]
    assert table["type"].tolist() == ["gig_station", "canteen_shared", "ev_charging"]
    assert table.geometry.iloc[0].distance(table.geometry.iloc[2]) < 1e-3
    assert table["capacity"].isna().tolist() == [True, True, False]


def test_same_ids_across_sources_are_a_fault_of_each(tmp_path: Path) -> None:
    entries = {"service_points": '[{path = "stations.csv", crs = "EPSG:4326"}, {path = "b.csv", crs = "EPSG:4326"}]'}
    study = world(tmp_path, entries, b__csv="编号,类型,lon,lat\nx,充电桩,118.2,25.3\ns2,充电桩,118.2,25.3\n")
    assert faults_of(study) == [
        "stations.csv (service_points) (rows 3): share ids with other rows: s2; give each its own",
        "b.csv (service_points) (rows 3): share ids with other rows: s2; give each its own",
    ]


def test_all_faults_of_all_layers_are_raised_together(tmp_path: Path) -> None:
    entries = {
        "service_points": '"stations.csv"',
        "venues": '{path = "venues.csv", columns = {name = "场所名"}}',
        "gates": '{path = "gates.csv", crs = "EPSG:4326"}',
        "parks": '"parks.geojson"',
        "districts": '"districts.csv"',
    }
    study = world(
        tmp_path,
        entries,
        venues__csv="id,场所\nv1,甲\n",
        gates__csv="编号,经度,纬度\ng1,118.2,25.3\n",
        parks__geojson='{"type": "FeatureCol',
        districts__csv="id,name\n",
    )
    assert [text.split(":")[0] for text in faults_of(study)] == [
        "parks.geojson (parks)",
        "stations.csv (service_points)",
        "districts.csv (districts)",
        "venues.csv (venues)",
        "gates.csv (gates)",
    ]


def test_swapped_points_are_known_by_where_the_communities_lie(tmp_path: Path) -> None:
    """In Porto both orders are possible degrees."""
    study = world(
        tmp_path,
        stations__csv="编号,类型,经度,纬度\na,零工驿站,41.15,-8.61\nb,零工驿站,41.16,-8.62\n",
    )
    porto = boxes().set_geometry([shapely.box(-8.7, 41.1, -8.6, 41.2), shapely.box(-8.6, 41.1, -8.5, 41.2)])
    porto.to_file(tmp_path / "communities.geojson")
    (text,) = faults_of(study)
    assert "lon and lat look swapped in 2 of 2 rows" in text


def test_communities_without_population(tmp_path: Path) -> None:
    study = world(tmp_path)
    boxes().to_file(tmp_path / "communities.geojson")
    told = [message.key for message in layers.read_layers(study).repairs["message"]]
    assert "layers.no_people_column" in told
    (tmp_path / "people.tif").write_bytes(b"raster")
    study = world(tmp_path, {"population": '"people.tif"'})
    boxes().to_file(tmp_path / "communities.geojson")
    told = [message.key for message in layers.read_layers(study).repairs["message"]]
    assert "layers.no_people_column" not in told


def test_streets_as_a_line_layer(tmp_path: Path) -> None:
    line = shapely.LineString([(118.2, 25.3), (118.21, 25.31)])
    roads = {
        "osm_id": ["1", "1"],
        "fclass": ["primary", None],
        "单行": ["F", "B"],
        "maxspeed": [50, 0],
        "type": ["a", "b"],
    }
    gpd.GeoDataFrame(roads, geometry=[line, line.reverse()], crs=4326).to_file(tmp_path / "roads.shp", encoding="utf-8")
    table = layers.read_layers(world(tmp_path, {"streets": '"roads.shp"'})).tables["streets"]
    assert table[["highway", "oneway", "name", "maxspeed", "osm_id"]].to_numpy().tolist() == [
        ["primary", "F", "", 50, "1"],
        ["", "B", "", 0, "1"],
    ]
    assert table.geometry.geom_type.tolist() == ["LineString"] * 2


def test_personal_columns_that_are_let_in_are_named(tmp_path: Path) -> None:
    study = world(tmp_path, head="keep_personal = true")
    (tmp_path / "stations.csv").write_text(
        "编号,类型,经度,纬度,联系人\na,零工驿站,118.205,25.305,张三\n", encoding="utf-8"
    )
    assert layers.read_layers(study).personal == {"service_points": ("联系人",)}


def test_two_readings_are_equal(tmp_path: Path) -> None:
    study = world(tmp_path)
    one, two = layers.read_layers(study), layers.read_layers(study)
    for name, table in one.tables.items():
        assert table.to_wkb().equals(two.tables[name].to_wkb())
    assert one.inputs == two.inputs
    assert one.repairs.equals(two.repairs)


def test_every_message_is_filled_in_both_languages() -> None:
    values = dict.fromkeys(
        [
            "why",
            "suffix",
            "accepted",
            "format",
            "encoding",
            "given",
            "found",
            "sheet",
            "n",
            "line",
            "of",
            "header",
            "renamed",
            "columns",
            "column",
            "near",
            "value",
            "start",
            "stated",
            "filed",
            "crs",
            "cure",
            "lon",
            "lat",
            "km",
            "before",
            "what",
            "first",
            "then",
            "away",
            "cap",
            "after",
            "one",
            "two",
        ],
        "·",
    )
    for key in messages.keys():  # noqa: SIM118 - a function, not a mapping
        if key.startswith("layers."):
            assert messages.text(key, "zh", **values) != messages.text(key, "en", **values)


def test_rows_listed_of_a_fault_are_numbers_from_the_source() -> None:
    findings = Findings("venues", "a.csv")
    assert findings.rows(np.array([3, 9]), "kept", "negative", given=["-1", "-2"], of=10, column="workers")
    assert findings.faults[0].rows == (3, 9)
    assert not findings.rows(np.array([3]), "kept", "negative", given=["-1"], of=10, column="workers")
    assert findings.repairs[0][:2] == (3, "kept")


@pytest.mark.parametrize("name", ["yongchun", "nanan", "quangang"])
def test_the_sample_studies_can_be_read(name: str) -> None:
    folder = Path(__file__).parents[1] / "layers" / name
    if not (folder / "study.toml").is_file():
        pytest.skip(f"layers/{name} is not there")
    found = layers.read_layers(read_study(folder))
    for entry in found.inputs:
        if entry["rows_read"] is not None:
            lines = found.repairs[
                (found.repairs["source"] == entry["path"]) & (found.repairs["layer"] == entry["layer"])
            ]
            dropped = int((lines["action"] == "dropped").sum())
            assert entry["rows_read"] == entry["rows_kept"] + entry["rows_filtered"] + dropped
    assert len(found.tables["communities"]) + len(found.tables["parks"]) > 0


def test_real_files_of_other_people() -> None:
    path = SHARED / "data" / "quanzhou" / "counties_gcj02.geojson"
    if not path.is_file():
        pytest.skip("the shared data are not there")
    found = layers.read_table(LayerSource(path=path.name, file=path, crs="gcj02"), kind="boundary")
    assert len(found.table) == found.inputs[0]["rows_read"]
    assert found.table.geometry.is_valid.all()
    assert pd.notna(found.table.geometry.area).all()
