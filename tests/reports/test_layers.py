from __future__ import annotations

import json
import math
from dataclasses import replace

import geopandas as gpd
import numpy as np
import openpyxl
import pyogrio
import pytest
import rasterio

from geo.errors import GeoCrsError
from geo.messages import Message
from geo.reports import geopackage, rasters, summary, write_results

LAYERS = ["communities", "parks", "districts", "service_points", "demand", "isochrones", "coverage", "gaps"]


def read(folder, layer):
    return gpd.read_file(folder / "layers.gpkg", layer=layer)


def test_layers_stand_in_order_with_the_studys_crs(written):
    assert [name for name, _ in pyogrio.list_layers(written / "layers.gpkg")] == LAYERS
    for layer in LAYERS:
        assert read(written, layer).crs.to_epsg() == 4548


def test_units_are_multipolygons_and_none_is_lost(written):
    communities, districts = read(written, "communities"), read(written, "districts")
    assert list(communities["unit_id"]) == ["C1", "C2"]
    assert set(communities.geom_type) == {"MultiPolygon"}
    assert list(districts["unit_name"]) == ["东片区"]
    assert districts.geometry.isna().all()


def test_minutes_that_are_not_finite_are_null(written):
    demand = read(written, "demand")
    assert demand["minutes_gig_station"].tolist()[0] == 5.0
    assert demand["minutes_gig_station"].isna().tolist() == [False, True, True]
    assert demand["nearest_gig_station"].isna().tolist() == [False, True, True]
    assert demand["snap_status_walk"].tolist() == ["ok", "ok", "no_geometry"]
    assert read(written, "gaps")["minutes_to_nearest"].isna().tolist() == [False, True]


def test_points_keep_their_rows_and_lose_what_is_personal(written):
    points = read(written, "service_points")
    assert points["id"].tolist() == ["S1", "S2", "S3", "S4", "S5"]
    assert points["fid_2"].tolist() == [9] * 5
    assert points["FID_2_2"].tolist() == list("abcde")
    assert not {"联系电话", "热线"} & set(points.columns)
    assert points["name"].tolist()[3] == "bell nul tab\t"


def test_empty_layers_keep_their_schema(results, tmp_path):
    empty = {name: getattr(results, name).iloc[:0] for name in ("gaps", "isochrones", "service_points")}
    geopackage.write_layers(replace(results, **empty), tmp_path / "layers.gpkg", lang="zh")
    for layer, kind in (("gaps", "MultiPolygon"), ("isochrones", "MultiPolygon"), ("service_points", "Point")):
        told = pyogrio.read_info(tmp_path / "layers.gpkg", layer=layer)
        assert (told["features"], told["geometry_type"]) == (0, kind)
    assert "gap_id" in pyogrio.read_info(tmp_path / "layers.gpkg", layer="gaps")["fields"]


def test_points_and_polygons_may_stand_in_one_layer(results, tmp_path):
    units = results.units.copy()
    units.loc[0, "geometry"] = units.geometry[0].centroid
    geopackage.write_layers(replace(results, units=units), tmp_path / "layers.gpkg", lang="zh")
    assert read(tmp_path, "communities").geom_type.tolist() == ["Point", "MultiPolygon"]


def test_the_clock_of_the_format_is_put_back(written):
    assert written.is_dir()
    assert pyogrio.get_gdal_config_option("OGR_CURRENT_DATE") is None


def test_another_crs_is_refused_and_not_joined(results, tmp_path):
    moved = results.demand.to_crs(4549)
    with pytest.raises(GeoCrsError):
        write_results(replace(results, demand=moved), tmp_path / "t")
    assert not (tmp_path / "t").exists()


def test_surfaces_are_tiled_float32_minutes(written, results):
    with rasterio.open(written / "surface_gig_station.tif") as source:
        values = source.read(1)
        told = source.profile
        assert source.crs.to_epsg() == 4548
        assert source.transform.to_gdal() == (500_000.0, 25.0, 0.0, 2_800_100.0, 0.0, -25.0)
        assert not any("date" in key.casefold() or "time" in key.casefold() for key in source.tags())
    assert (told["dtype"], told["tiled"], told["blockxsize"], told["blockysize"]) == ("float32", True, 256, 256)
    assert told["compress"] == "deflate"
    assert math.isnan(told["nodata"])
    expected = results.surfaces["gig_station", "walk"].minutes.astype(np.float32)
    np.testing.assert_array_equal(values, expected)
    assert np.isinf(values[0, 2])
    with rasterio.open(written / "surface_gig_station_ebike.tif") as source:
        np.testing.assert_array_equal(source.read(1), expected / 2)


def test_codes_of_the_study_file_never_lead_out_of_the_folder(results):
    surface = next(iter(results.surfaces.values()))
    keys = [("../../x", "walk"), ("a_b", "walk"), ("a", "b_walk"), ("A/b", "walk")]
    names = rasters.surface_files(replace(results, surfaces=dict.fromkeys(keys, surface)))
    assert sorted(names.values()) == sorted(keys)
    assert len({name.casefold() for name in names}) == len(keys)
    assert all("/" not in name and ".." not in name for name in names)


def test_summary_is_strict_json_in_its_own_order(written, results):
    def refuse(name):
        raise AssertionError(name)

    content = (written / "summary.json").read_bytes().decode("utf-8")
    told = json.loads(content, parse_constant=refuse)
    assert list(told) == list(results.summary)
    assert told["reach"] is None
    assert told["services"]["gig_station"]["misplaced_uniform_share"] is None
    assert told["inputs"][0]["rows_read"] == 2
    assert told["day"] == "2026-12-31"
    assert told["warnings"] == ["@SUM(1)", "示例数据"]
    assert "示例数据" in content


def test_values_of_every_kind_have_a_place_in_json():
    given = {
        1: np.array([1.5, np.nan]),
        "path": np.str_("x"),
        "set": {"b", "a"},
        "yes": np.True_,
        "empty": "",
        "nat": np.datetime64("NaT"),
    }
    assert summary.as_json(given, "en") == {
        "1": [1.5, None],
        "path": "x",
        "set": ["a", "b"],
        "yes": True,
        "empty": "",
        "nat": None,
    }


@pytest.mark.parametrize(("lang", "said"), [("zh", "超过 9 分钟"), ("en", "over 9 min")])
def test_messages_are_told_in_the_language_asked_for_in_every_file(results, tmp_path, lang, said):
    message = Message("word.beyond", {"n": 9})
    told = results.coverage.assign(note=[message, *results.coverage["note"].iloc[1:]])
    nested = {"groups": {"residents": {"note": message}}}
    summed = {**results.summary, "warnings": [message], "services": {"gig_station": nested}}
    write_results(replace(results, coverage=told, summary=summed), tmp_path / "t", lang=lang)
    folder = tmp_path / "t"
    assert said in (folder / "coverage.csv").read_text(encoding="utf-8-sig")
    assert gpd.read_file(folder / "layers.gpkg", layer="coverage")["note"].iloc[0] == said
    found = json.loads((folder / "summary.json").read_text(encoding="utf-8"))
    assert (found["warnings"], found["services"]["gig_station"]["groups"]["residents"]["note"]) == ([said], said)
    with (folder / "report.xlsx").open("rb") as source:
        book = openpyxl.load_workbook(source)
    assert said in {cell.value for row in book.worksheets[2].iter_rows(min_row=4, max_row=4) for cell in row}
    assert said in {cell.value for row in book.worksheets[-2].iter_rows() for cell in row}
