"""Points far from every street, points too few to test, and streets that are shifted while the points are right."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pyproj
import pytest
from small_county import STUDY, ask, csv_text, features, place, stations, street_lines, write_county

from geo import crs as crs_room

if TYPE_CHECKING:
    from pathlib import Path


def moved(rows: list[list[Any]], lon: float, *, only: slice = slice(None)) -> list[list[Any]]:
    """Move stations east by degrees."""
    chosen = set(range(len(rows))[only])
    return [[*row[:3], round(row[3] + lon, 6), *row[4:]] if at in chosen else row for at, row in enumerate(rows)]


def test_a_layer_far_from_all_streets_is_doubted_as_a_whole(tmp_path: Path) -> None:
    """0.5 degrees of longitude at 25.3° are 50 km, to the grid's eastern side 48.7: all 24 lie beyond 300 m."""
    folder = write_county(tmp_path / "small", stations_csv=csv_text(moved(stations(), 0.5)))
    found = ask("check", folder)
    assert found.exit_code == 0
    assert "存疑  24 处位置中有 24 处离所有道路都超过 300 米（中位数 4" in found.stdout
    assert found.stdout.count("离最近的道路") == 0


@pytest.mark.slow
def test_such_a_layer_is_a_warning_of_the_run(tmp_path: Path) -> None:
    folder = write_county(tmp_path / "small", stations_csv=csv_text(moved(stations(), 0.5)))
    run = ask("run", folder, "--out", tmp_path / "out")
    assert "! stations.csv：24 处位置中有 24 处离所有道路都超过 300 米" in run.stdout


def test_single_points_far_from_all_streets_are_doubtful_rows(tmp_path: Path) -> None:
    folder = write_county(tmp_path / "small", stations_csv=csv_text(moved(stations(), 0.5, only=slice(1, 3))))
    found = ask("check", folder)
    assert "存疑  第 3 行：离最近的道路 4" in found.stdout
    assert "存疑  第 4 行：离最近的道路 4" in found.stdout
    assert "（118.710000, 25.302000），位置可疑；请核对坐标" in found.stdout
    assert "修复 0 行，存疑 2 行" in found.stdout
    assert "处离所有道路都超过" not in found.stdout


def test_few_places_are_told_and_where_they_would_lie(tmp_path: Path) -> None:
    rows = stations()[:8]
    right = write_county(tmp_path / "right", stations_csv=csv_text(rows))
    line = "只有 8 处不同位置（不到 20 处），不足以凭道路检验坐标系"
    assert f"说明  {line}是否为 EPSG:4326；现有 100% 在道路 50 米以内" in ask("check", right).stdout
    lonlat = np.column_stack(crs_room.to_gcj02(*np.array([row[3:5] for row in rows], dtype=float).T)).round(6).tolist()
    shifted = [[*row[:3], *at, *row[5:]] for row, at in zip(rows, lonlat, strict=True)]
    shown = ask("check", write_county(tmp_path / "shifted", stations_csv=csv_text(shifted)))
    assert f"{line}：按 EPSG:4326 读 0% 在道路 50 米以内，按 gcj02 读 100%" in shown.stdout


def test_few_places_of_one_folder_are_looked_at_together(tmp_path: Path) -> None:
    """Twelve places in each of two files of the same CRS: together enough to be tested, and both are found shifted."""
    rng = np.random.default_rng(5)
    spots = [place(*at) for at in zip(rng.integers(0, 9, 60), rng.uniform(0, 8, 60), strict=True)][:24]
    for name, move in (("right", lambda *xy: xy), ("shifted", crs_room.to_gcj02)):
        lonlat = np.column_stack(move(*np.array(spots).T)).round(6).tolist()
        rows = [[f"s{number}", f"站{number}", "零工驿站", *at, ""] for number, at in enumerate(lonlat)]
        study = STUDY.replace('{ path = "stations.csv", crs = "EPSG:4326" }', "SOURCES").replace(
            "SOURCES", '[{ path = "stations.csv", crs = "EPSG:4326" }, { path = "more.csv", crs = "EPSG:4326" }]'
        )
        folder = write_county(tmp_path / name, study_toml=study, stations_csv=csv_text(rows[:12]))
        (folder / "more.csv").write_text(csv_text(rows[12:]), encoding="utf-8")
        found = ask("check", folder)
        assert "不到 20 处" not in found.stdout
        assert found.stdout.count("按“gcj02”读则为 100%") == (2 if name == "shifted" else 0)


@pytest.mark.parametrize(("stated", "code"), [("", 1), (', crs = "EPSG:4326"', 0)])
def test_shifted_streets_are_named_where_the_points_are_right(tmp_path: Path, stated: str, code: int) -> None:
    """Stations anywhere along the streets are right, the line layer is in GCJ-02 and says WGS 84."""
    rng = np.random.default_rng(3)
    spots = [place(*at) for at in zip(rng.integers(0, 9, 40), rng.uniform(0, 8, 40), strict=True)]
    rows = [[f"s{number}", f"站{number}", "零工驿站", *at, ""] for number, at in enumerate(spots)]
    study = STUDY.replace('"streets.osm"', f'{{ path = "lines.geojson"{stated} }}')
    folder = write_county(tmp_path / "small", study_toml=study, stations_csv=csv_text(rows))
    (folder / "lines.geojson").write_text(street_lines(), encoding="utf-8")
    assert "gcj02" not in ask("check", folder).stdout
    (folder / "lines.geojson").write_text(shifted_lines(), encoding="utf-8")
    found = ask("check", folder)
    assert found.exit_code == code
    said = found.stderr if code else found.stdout
    assert "若道路是 gcj02 坐标则为 100%" in said
    assert ('请在研究文件中为道路图层写 crs = "gcj02"' in said) == bool(code)


def shifted_lines() -> str:
    ways = []
    for row in range(9):
        for turned in (False, True):
            line = [place(row, column) if turned else place(column, row) for column in range(9)]
            ways.append(np.column_stack(crs_room.to_gcj02(*np.array(line).T)).tolist())
    return features([({"highway": "residential"}, {"type": "LineString", "coordinates": way}) for way in ways])


def test_a_wrong_zone_is_doubted_once(tmp_path: Path) -> None:
    """All lie 300 km off; the doubt about the zone says why, and that they are far says no more."""
    rows = stations()
    lonlat = np.array([row[3:5] for row in rows], dtype=float)
    xy = np.column_stack(crs_room.transformer(crs_room.WGS84, pyproj.CRS.from_epsg(4548)).transform(*lonlat.T))
    text = csv_text([[*row[:3], *at, *row[5:]] for row, at in zip(rows, xy.round(2).tolist(), strict=True)])
    study = STUDY.replace('crs = "EPSG:4326"', 'crs = "EPSG:4547"')
    found = ask("check", write_county(tmp_path / "small", study_toml=study, stations_csv=text))
    assert "按“EPSG:4548”读则为 100%" in found.stdout
    assert "处离所有道路都超过" not in found.stdout
