"""Spatial files, their coordinate systems, and rows that lie where they should not."""

from __future__ import annotations

import json
import zipfile
from typing import TYPE_CHECKING, Any

import geopandas as gpd
import numpy as np
import pandas as pd
import pyproj
import pytest
import shapely

from geo import crs as crs_room
from geo.errors import InputFaultsError
from geo.layers import TableRead, read_table
from geo.study_file import LayerSource

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

METRIC = pyproj.CRS.from_epsg(4548)
HERE = (118.2, 25.3)
LATIN_NAME = "caf\u00e9"


def read(path: Path, *, kind: str = "venue", crs_out: pyproj.CRS | None = METRIC, **options: Any) -> TableRead:
    return read_table(LayerSource(path=path.name, file=path, **options), kind=kind, crs=crs_out)


def faults_of(path: Path, **options: Any) -> str:
    with pytest.raises(InputFaultsError) as caught:
        read(path, **options)
    return caught.value.text("en")


def said(found: TableRead, action: str) -> list[tuple[int | None, str]]:
    rows = found.repairs[found.repairs["action"] == action]
    return [(None if pd.isna(row) else int(row), m.key) for row, m in zip(rows["row"], rows["message"], strict=True)]


def points(count: int, *, at: tuple[float, float] = HERE) -> gpd.GeoDataFrame:
    """Points 0.001 degrees apart on a line to the east."""
    lon = at[0] + 0.001 * np.arange(count)
    ids = [f"v{number}" for number in range(count)]
    return gpd.GeoDataFrame({"id": ids, "名称": ids}, geometry=gpd.points_from_xy(lon, np.full(count, at[1])), crs=4326)


def geojson_of(folder: Path, table: gpd.GeoDataFrame, *, name: str = "venues.geojson") -> Path:
    path = folder / name
    path.write_text(table.to_json(drop_id=True, ensure_ascii=False), encoding="utf-8")
    return path


def csv_of(folder: Path, rows: Sequence[tuple[object, object]], *, header: str = "id,lon,lat") -> Path:
    path = folder / "venues.csv"
    lines = [header, *(f"v{number},{x},{y}" for number, (x, y) in enumerate(rows))]
    path.write_text("\n".join(lines), encoding="utf-8")
    return path


def xy_of(found: TableRead) -> np.ndarray[Any, Any]:
    return shapely.get_coordinates(found.table.geometry.to_numpy())


def expected_xy(table: gpd.GeoDataFrame) -> np.ndarray[Any, Any]:
    return shapely.get_coordinates(table.to_crs(METRIC).geometry.to_numpy())


@pytest.mark.parametrize("suffix", ["geojson", "json", "gpkg", "shp"])
def test_every_format_gives_the_same_table(tmp_path: Path, suffix: str) -> None:
    table, path = points(3), tmp_path / f"venues.{suffix}"
    if suffix in {"gpkg", "shp"}:
        table.to_file(path)
    else:
        path = geojson_of(tmp_path, table, name=path.name)
    found = read(path)
    assert found.table["name"].tolist() == ["v0", "v1", "v2"]
    assert found.table.crs == METRIC
    assert np.abs(xy_of(found) - expected_xy(table)).max() < 1e-6
    first = found.inputs[0]
    assert (first["crs"], first["rows_read"], first["rows_kept"], first["rows_repaired"]) == ("EPSG:4326", 3, 3, 0)


@pytest.mark.parametrize(("written", "cpg"), [("utf-8", True), ("utf-8", False), ("GB18030", True), ("GB18030", False)])
def test_shapefile_text_with_and_without_cpg(tmp_path: Path, written: str, cpg: bool) -> None:  # noqa: FBT001
    path = tmp_path / "venues.shp"
    points(2).assign(名称=["零工驿站", "共享食堂"]).to_file(path, encoding=written)
    if not cpg:
        path.with_suffix(".cpg").unlink()
    found = read(path)
    assert found.table["name"].tolist() == ["零工驿站", "共享食堂"]
    assert [key for _, key in said(found, "told")] == ["layers.encoding_of_cpg" if cpg else "layers.encoding"]
    parts = [entry["path"] for entry in found.inputs]
    assert parts == [f"venues.{part}" for part in ("shp", "dbf", "prj", *(["cpg"] if cpg else []), "shx")]
    assert len({entry["sha256"] for entry in found.inputs}) == len(parts)


def test_shapefile_encoding_stated_and_cpg_lying(tmp_path: Path) -> None:
    path = tmp_path / "venues.shp"
    points(1).assign(名称=[LATIN_NAME]).rename(columns={"名称": "name"}).to_file(path, encoding="ISO-8859-1")
    assert read(path, encoding="latin-1").table["name"].tolist() == [LATIN_NAME]
    points(1).assign(名称=["零工驿站"]).to_file(path, encoding="GB18030")
    path.with_suffix(".cpg").write_text("UTF-8")
    assert read(path).table["name"].tolist() == ["零工驿站"]


def test_damaged_parts_of_a_shapefile(tmp_path: Path) -> None:
    path = tmp_path / "venues.shp"
    points(1).assign(名称=["零工驿站"]).to_file(path, encoding="utf-8")
    path.with_suffix(".cpg").write_bytes(b"\x00UTF")
    assert read(path).table["name"].tolist() == ["零工驿站"]
    prj = path.with_suffix(".prj").read_bytes()
    path.with_suffix(".prj").write_bytes(prj.replace(b"0.017", b"-.\x8f17"))
    assert "venues.shp (venues)" in faults_of(path)
    path.with_suffix(".prj").write_bytes(prj.replace(b"0.0174532925199433", b"0"))
    assert "venues.shp (venues)" in faults_of(path)


def test_a_character_cut_by_a_dbf_field_is_forgiven(tmp_path: Path) -> None:
    path = tmp_path / "venues.shp"
    points(1).assign(名称=["站" * 84]).to_file(path, encoding="utf-8")
    dbf = path.with_suffix(".dbf")
    whole = dbf.read_bytes()
    dbf.write_bytes(whole.replace("站".encode() * 84, "站".encode() * 83 + b"\xe7\xab ", 1))
    assert dbf.read_bytes() != whole
    assert read(path).table["name"].tolist() == ["站" * 83]


def test_a_shapefile_in_a_zip(tmp_path: Path) -> None:
    points(2).assign(名称=["零工", "食堂"]).to_file(tmp_path / "a.shp", encoding="GB18030")
    archive = tmp_path / "venues.zip"
    with zipfile.ZipFile(archive, "w") as out:
        for part in sorted(tmp_path.glob("a.*")):
            out.write(part, part.name)
    assert read(archive).table["name"].tolist() == ["零工", "食堂"]
    with zipfile.ZipFile(archive, "a") as out:
        out.write(tmp_path / "a.shp", "b.shp")
    assert "several layers: a.shp, b.shp" in faults_of(archive)
    assert read(archive, layer="a").table["name"].tolist() == ["零工", "食堂"]
    archive.write_bytes(archive.read_bytes()[:-80])
    assert "venues.zip (venues)" in faults_of(archive)


def test_a_geopackage_with_several_layers_asks_which(tmp_path: Path) -> None:
    path = tmp_path / "all.gpkg"
    points(1).to_file(path, layer="one")
    points(2).to_file(path, layer="two")
    assert "several layers: one, two" in faults_of(path)
    assert len(read(path, layer="two").table) == 2
    assert "has no layer or sheet three" in faults_of(path, layer="three")


@pytest.mark.parametrize("suffix", ["geojson", "gpkg", "shp", "dbf", "shx"])
def test_a_cut_file_is_a_fault_or_all_there(tmp_path: Path, suffix: str) -> None:
    """A cut tail may hold nothing: then every row is still there."""
    path = tmp_path / "venues.shp" if suffix in {"dbf", "shx"} else tmp_path / f"venues.{suffix}"
    points(5).to_file(path)
    cut = path.with_suffix(f".{suffix}")
    whole = cut.read_bytes()
    for size in (len(whole) - 8, len(whole) * 2 // 3, 101, 30):
        cut.write_bytes(whole[:size])
        try:
            found = read(path)
        except InputFaultsError as error:
            assert str(tmp_path) not in error.text("en")  # noqa: PT017
        else:
            assert (len(found.table), found.table.geometry.notna().sum()) == (5, 5)


def test_a_file_that_names_other_files_is_not_opened(tmp_path: Path) -> None:
    geojson_of(tmp_path, points(1), name="secret.geojson")
    path = tmp_path / "venues.geojson"
    path.write_text(
        f'<OGRVRTDataSource><OGRVRTLayer name="secret"><SrcDataSource>{tmp_path}/secret.geojson'
        "</SrcDataSource></OGRVRTLayer></OGRVRTDataSource>"
    )
    assert "is not a geojson file" in faults_of(path)


def test_geojson_in_gb18030_with_bom_and_with_nul(tmp_path: Path) -> None:
    text = points(1).assign(名称=["零工驿站"]).to_json(drop_id=True, ensure_ascii=False)
    path = tmp_path / "venues.geojson"
    path.write_bytes(text.encode("gb18030"))
    assert read(path).table["name"].tolist() == ["零工驿站"]
    path.write_bytes(text.encode("utf-8-sig"))
    assert read(path).table["name"].tolist() == ["零工驿站"]
    path.write_text(text.replace("零工驿站", r"零\u0000工\\u0000"), encoding="utf-8")
    found = read(path)
    assert found.table["name"].tolist() == [r"零工\u0000"]
    assert (None, "layers.dirt_removed") in said(found, "told")


def test_codes_of_a_geojson_stay_text(tmp_path: Path) -> None:
    table = points(3).assign(id=[350525100201, 2, None], code2=[1.0, None, 2.5])
    path = geojson_of(tmp_path, table)
    found = read(path)
    assert found.table["id"].tolist() == ["350525100201", "2", "venue-3"]
    assert found.table["code2"].dtype == "float64"


def test_a_stated_crs_wins_and_is_told(tmp_path: Path) -> None:
    table = points(2)
    lon, lat = crs_room.to_gcj02(table.geometry.x, table.geometry.y)
    shifted = table.set_geometry(gpd.points_from_xy(lon, lat), crs=4326)
    path = geojson_of(tmp_path, shifted)
    found = read(path, crs="GCJ-02")
    assert np.abs(xy_of(found) - expected_xy(table)).max() < 1e-3
    assert found.inputs[0]["crs"] == "gcj02"
    assert said(found, "told") == [(None, "layers.crs_override")]
    assert said(read(path, crs="EPSG:4326"), "told") == []
    assert "unknown CRS EPSG:99999999" in faults_of(path, crs="EPSG:99999999")


def test_bd09_of_a_csv(tmp_path: Path) -> None:
    lon, lat = crs_room.to_bd09([HERE[0]], [HERE[1]])
    found = read(csv_of(tmp_path, [(float(lon[0]), float(lat[0]))]), crs="bd09")
    assert np.abs(xy_of(found) - expected_xy(points(1))).max() < 1e-3


def test_no_crs_is_a_fault_with_its_cure(tmp_path: Path) -> None:
    assert 'look like degrees; write crs = "EPSG:4326"' in faults_of(csv_of(tmp_path, [HERE]))
    path = tmp_path / "venues.shp"
    points(1).to_file(path)
    path.with_suffix(".prj").unlink()
    assert "states no CRS" in faults_of(path)
    assert len(read(path, crs="EPSG:4326").table) == 1


def test_projected_columns_and_survey_order(tmp_path: Path) -> None:
    wanted = expected_xy(points(3))
    plain = read(csv_of(tmp_path, [tuple(pair) for pair in wanted], header="id,x,y"), crs="EPSG:4548")
    assert np.abs(xy_of(plain) - wanted).max() < 1e-6
    survey = csv_of(tmp_path, [tuple(pair[::-1]) for pair in wanted], header="id,X坐标,Y坐标")
    turned = read(survey, crs="EPSG:4548")
    assert np.abs(xy_of(turned) - wanted).max() < 1e-6
    assert said(turned, "repaired") == [(row, "layers.survey_order") for row in (2, 3, 4)]
    zoned = [(39_000_000 + east, north) for east, north in wanted]
    found = read(csv_of(tmp_path, [(north, east) for east, north in zoned]), crs="EPSG:4527")
    assert np.abs(xy_of(found) - wanted).max() < 1e-3


def test_degrees_and_metres_that_say_to_be_the_other(tmp_path: Path) -> None:
    assert "look like degrees" in faults_of(csv_of(tmp_path, [HERE] * 2), crs="EPSG:4548")
    assert "are no degrees" in faults_of(csv_of(tmp_path, [(620000, 2800000)] * 2), crs="EPSG:4326")


def test_a_swapped_row_is_put_right(tmp_path: Path) -> None:
    rows = [HERE] * 19 + [HERE[::-1]]
    found = read(csv_of(tmp_path, rows), crs="EPSG:4326")
    assert np.abs(xy_of(found) - expected_xy(points(1))).max() < 1e-6
    assert said(found, "repaired") == [(21, "layers.swapped")]
    west = (-8.6, 41.1)  # both orders are possible degrees: only the others tell
    found = read(csv_of(tmp_path, [west] * 19 + [west[::-1]]), crs="EPSG:4326", crs_out=None)
    assert said(found, "repaired") == [(21, "layers.swapped")]


def test_swapped_columns_are_a_fault_that_names_them(tmp_path: Path) -> None:
    path = csv_of(tmp_path, [HERE[::-1]] * 3, header="id,经度,纬度")
    assert 'columns = {lon = "纬度", lat = "经度"}' in faults_of(path, crs="EPSG:4326")
    mended = read(path, crs="EPSG:4326", columns={"lon": "纬度", "lat": "经度"})
    assert np.abs(xy_of(mended) - expected_xy(points(1))).max() < 1e-6
    swapped = points(3).set_geometry(gpd.points_from_xy([HERE[1]] * 3, [HERE[0]] * 3), crs=4326)
    assert "longitude first" in faults_of(geojson_of(tmp_path, swapped))


def test_a_far_point_is_doubtful_and_stays(tmp_path: Path) -> None:
    rows = [HERE] * 19 + [(0, 0), (130.0, 10.0), (118.2, 26.5)]  # 26.5 is 133 km north: a large county
    found = read(csv_of(tmp_path, rows), crs="EPSG:4326")
    assert len(found.table) == 22
    assert said(found, "doubtful") == [(21, "layers.far_away"), (22, "layers.far_away")]
    assert said(found, "kept") == []


def test_rows_without_a_place_stay_and_many_are_a_fault(tmp_path: Path) -> None:
    lines = [HERE] * 18 + [("", ""), ("x", "25")]
    found = read(csv_of(tmp_path, lines), crs="EPSG:4326", kind="gate", set={"unit_id": "u"})
    assert len(found.table) == 20
    assert said(found, "kept") == [(21, "layers.bad_coordinates"), (20, "layers.no_coordinates")]
    assert found.table.geometry.isna().tolist() == [False] * 18 + [True, True]
    path = csv_of(tmp_path, [HERE] * 8 + [("", "")])
    assert "(rows 10): 1 of 9 rows have no coordinates" in faults_of(
        path, crs="EPSG:4326", kind="gate", set={"unit_id": "u"}
    )


def test_features_without_geometry_stay(tmp_path: Path) -> None:
    table = points(12)
    table.loc[3, "geometry"] = None
    found = read(geojson_of(tmp_path, table), kind="community")
    assert (4, "layers.no_geometry") in said(found, "kept")
    table.loc[4, "geometry"] = None
    assert "(rows 4, 5): 2 of 12 rows have no geometry" in faults_of(geojson_of(tmp_path, table), kind="community")


def test_invalid_polygons_are_mended_and_told(tmp_path: Path) -> None:
    bow = shapely.Polygon([(620000, 2800000), (620200, 2800200), (620200, 2800000), (620000, 2800200)])
    path = tmp_path / "parks.gpkg"
    gpd.GeoDataFrame({"id": ["a", "b"], "workers": [1, 2]}, geometry=[bow, bow.convex_hull], crs=4548).to_file(path)
    found = read(path, kind="park")
    assert found.table.geometry.is_valid.all()
    assert found.table.geometry.area.round(3).tolist() == [200 * 200 / 2, 200 * 200]
    (message,) = found.repairs.loc[found.repairs["action"] == "doubtful", "message"]
    assert "area went from 0 to 20,000 m², which is another by more than half" in message.text("en")


def test_a_repair_that_hardly_changes_the_area_is_no_doubt(tmp_path: Path) -> None:
    loop = [(620000, 2800000), (620200, 2800000), (620200, 2800200), (620100, 2800200), (620101, 2800201)]
    park = shapely.Polygon([*loop, (620100, 2800201), (620101, 2800200), (620000, 2800200)])
    path = tmp_path / "parks.gpkg"
    gpd.GeoDataFrame({"id": ["a"], "name": ["甲"], "workers": [1]}, geometry=[park], crs=4548).to_file(path)
    (message,) = read(path, kind="park").repairs.query("action == 'repaired'")["message"]
    assert "its area went from 40,000 to 40,000 m²" in message.text("en")


def test_wrong_kinds_of_geometry(tmp_path: Path) -> None:
    line = shapely.LineString([HERE, (118.21, 25.31)])
    lines = gpd.GeoDataFrame({"id": ["a"]}, geometry=[line], crs=4326)
    assert "LineString" in faults_of(geojson_of(tmp_path, lines), kind="community")
    assert read(geojson_of(tmp_path, lines), kind="barrier").table.geometry.length.gt(0).all()
    assert "Point" in faults_of(csv_of(tmp_path, [HERE]), kind="barrier", crs="EPSG:4326")
    area = gpd.GeoDataFrame({"id": ["a"]}, geometry=[shapely.box(118.2, 25.3, 118.3, 25.4)], crs=4326)
    found = read(geojson_of(tmp_path, area))
    assert found.table.geometry.geom_type.tolist() == ["Point"]
    assert said(found, "told") == [(None, "layers.no_names"), (None, "layers.made_points")]


def test_heights_are_left_out(tmp_path: Path) -> None:
    table = points(1).set_geometry([shapely.Point(*HERE, 55.0)], crs=4326)
    assert not read(geojson_of(tmp_path, table)).table.geometry.has_z.any()


def test_hostile_geojson_is_a_fault(tmp_path: Path) -> None:
    path = tmp_path / "venues.geojson"
    for value in ({}, {"type": "FeatureCollection", "features": []}, {"type": "Topology"}, {"features": 1}):
        path.write_text(json.dumps(value))
        assert "venues.geojson (venues)" in faults_of(path)
    coordinates = [[[HERE, HERE, HERE]], [[1e400, 2]], "x", None, [None, 1]]
    for kind, value in zip(("Polygon", "LineString", "Point", "Point", "Point"), coordinates, strict=True):
        feature = {"type": "Feature", "properties": {"id": "a"}, "geometry": {"type": kind, "coordinates": value}}
        path.write_text(json.dumps({"type": "FeatureCollection", "features": [feature]}))
        try:
            found = read(path, kind="community")
        except InputFaultsError as error:
            assert "venues.geojson" in error.text("zh")  # noqa: PT017
        else:
            assert len(found.table) == 1
