"""Points without a usable CRS: the share beside streets in each reading is said, best first, and the best is proposed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import geopandas as gpd
import numpy as np
import pyproj
import pytest
import shapely
from small_county import STUDY, ask, csv_text, osm, place, stations, street_lines, write_county

from geo import crs as crs_room
from geo.layers import suspicion, unplaced

if TYPE_CHECKING:
    from pathlib import Path

METRIC = pyproj.CRS.from_epsg(4548)
SILENT = STUDY.replace('{ path = "stations.csv", crs = "EPSG:4326" }', '"stations.csv"')

XY = np.ndarray[Any, Any]


def on_street(count: int = 12) -> tuple[suspicion.Ground, XY]:
    """One slanting street of 2 km, and lon and lat of places on it."""
    line = shapely.LineString([(630_000, 2_800_000), (631_600, 2_801_200)])
    ground = suspicion.ground_of(gpd.GeoDataFrame(geometry=[line], crs=METRIC))
    assert ground is not None
    xy = shapely.get_coordinates(shapely.line_interpolate_point(line, np.linspace(100, 1900, count)))
    return ground, np.column_stack(crs_room.transformer(METRIC, crs_room.WGS84).transform(*xy.T))


def metres(lonlat: XY, code: int) -> XY:
    return np.column_stack(crs_room.transformer(crs_room.WGS84, pyproj.CRS.from_epsg(code)).transform(*lonlat.T))


WRITTEN = {
    'crs = "EPSG:4326"': lambda at: at,
    'crs = "gcj02"': lambda at: np.column_stack(crs_room.to_gcj02(*at.T)),
    'crs = "bd09"': lambda at: np.column_stack(crs_room.to_bd09(*at.T)),
    '请对调两列，并写 crs = "EPSG:4326"': lambda at: at[:, ::-1],
    '请对调两列，并写 crs = "gcj02"': lambda at: np.column_stack(crs_room.to_gcj02(*at.T))[:, ::-1],
    'crs = "EPSG:4548"': lambda at: metres(at, 4548),
    'crs = "EPSG:4549"': lambda at: metres(at, 4549)[:, ::-1],
    'crs = "EPSG:4527"': lambda at: metres(at, 4527)[:, ::-1],
    'crs = "EPSG:32650"': lambda at: metres(at, 32650),
    'crs = "EPSG:3857"': lambda at: metres(at, 3857),
}


@pytest.mark.parametrize("proposed", WRITTEN)
def test_the_right_reading_is_proposed_with_its_share(proposed: str) -> None:
    ground, lonlat = on_street()
    said = unplaced.advice(WRITTEN[proposed](lonlat), ground)
    assert said is not None
    text = said.text("zh")
    assert text.startswith("12 处不同位置在道路 50 米以内的：按 ")
    assert "读 100%" in text.split("，")[0]
    assert proposed in text.split("。")[1]
    assert "100% when read as" in said.text("en")


def test_what_does_not_tell_is_not_proposed() -> None:
    ground, lonlat = on_street(4)
    few = unplaced.advice(lonlat, ground)
    assert few is not None
    assert "不足以断定" in few.text("zh")
    away = unplaced.advice(lonlat + 1.0, ground)
    assert away is not None
    assert "怎样读都不在道路旁" in away.text("zh")
    assert unplaced.advice(np.full((3, 2), np.nan), ground) is None
    assert unplaced.advice(np.full((3, 2), 5e8), ground) is None


def test_outside_china_shifts_are_no_readings() -> None:
    assert [way.crs for way in unplaced.readings(np.array([[-51.2, -30.0]]), (-51.2, -30.0))] == ["EPSG:4326"] * 2


def shifted(rows: list[list[Any]], move: Any) -> list[list[Any]]:
    lonlat = np.array([row[3:5] for row in rows], dtype=float)
    moved = np.column_stack(move(*lonlat.T)).round(6).tolist()
    return [[*row[:3], *at, *row[5:]] for row, at in zip(rows, moved, strict=True)]


@pytest.mark.parametrize("drawn", [False, True])
def test_a_silent_table_is_refused_with_its_shares(tmp_path: Path, drawn: bool) -> None:  # noqa: FBT001 - a case
    study = SILENT.replace("streets.osm", "lines.geojson") if drawn else SILENT
    rows = csv_text(shifted(stations(), crs_room.to_gcj02))
    folder = write_county(tmp_path / "small", study_toml=study, stations_csv=rows)  # 24 stations on 20 crossings
    (folder / "lines.geojson").write_text(street_lines(), encoding="utf-8")
    found = ask("check", folder)
    assert found.exit_code == 1
    assert "没有坐标系；20 处不同位置在道路 50 米以内的：按 gcj02 读 100%，按 " in found.stderr
    assert '看来应写 crs = "gcj02"' in found.stderr


def test_only_the_streets_tell_where_a_study_lies(tmp_path: Path) -> None:
    """No other layer has a place, and the study states no CRS."""
    silent = "\n".join(line for line in SILENT.splitlines() if not line.startswith("parks"))
    silent = silent.replace('"communities.geojson"', '{ path = "c.csv" }')
    homes = [[f"h{n}", f"村{n}", *place(n, 2), 100] for n in range(6)]
    text = csv_text(homes, "编号,名称,经度,纬度,常住人口")
    folder = write_county(tmp_path / "small", study_toml=silent, streets_osm=osm())
    (folder / "c.csv").write_text(text, encoding="utf-8")
    found = ask("check", folder)
    assert found.exit_code == 1
    assert found.stderr.count("没有坐标系") == 2
    assert found.stderr.count('看来应写 crs = "EPSG:4326"') == 2


def test_what_was_written_is_quoted(tmp_path: Path) -> None:
    """Metres under a name that is read as degrees: the user's own word, and the CRS that fits."""
    rows = stations()
    xy = metres(np.array([row[3:5] for row in rows], dtype=float), 4548).round(2).tolist()
    text = csv_text([[*row[:3], *at, *row[5:]] for row, at in zip(rows, xy, strict=True)])
    study = STUDY.replace('crs = "EPSG:4326"', 'crs = "国家2000"')
    found = ask("check", write_county(tmp_path / "small", study_toml=study, stations_csv=text))
    assert found.exit_code == 1
    assert "所写的坐标系“国家2000”以度为单位" in found.stderr
    assert '看来应写 crs = "EPSG:4548"' in found.stderr
    assert "EPSG:4326" not in found.stderr


def test_an_unknown_crs_is_answered_with_the_one_that_fits(tmp_path: Path) -> None:
    study = STUDY.replace('crs = "EPSG:4326"', 'crs = "EPSG:99999"')
    found = ask("check", write_county(tmp_path / "small", study_toml=study))
    assert found.exit_code == 1
    assert "不认识坐标系 EPSG:99999" in found.stderr
    assert '看来应写 crs = "EPSG:4326"，请核对' in found.stderr


def test_web_mercator_is_named_also_where_no_street_can_be_read(tmp_path: Path) -> None:
    rows = stations()
    xy = metres(np.array([row[3:5] for row in rows], dtype=float), 3857).round(2).tolist()
    text = csv_text([[*row[:3], *at, *row[5:]] for row, at in zip(rows, xy, strict=True)])
    folder = write_county(tmp_path / "small", study_toml=SILENT, stations_csv=text, streets_osm="<osm/>")
    found = ask("check", folder)
    assert found.exit_code == 1
    assert '网络墨卡托坐标（米），请写明 crs = "EPSG:3857"' in found.stderr
    assert "EPSG:4491" in found.stderr
