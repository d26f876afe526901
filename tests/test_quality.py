"""The repair report as the workbook, summary.json and `geo check` give it: every row with value, deed and cure."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import geopandas as gpd
import openpyxl
import pandas as pd
import pyproj
import pytest
from small_county import STUDY, ask, csv_text, features, place, stations, write_county

from geo import crs as crs_room, messages, summary
from geo.messages import Message
from geo.pipeline import rehearse
from geo.study import read_study

if TYPE_CHECKING:
    from pathlib import Path

STATIONS = '{ path = "stations.csv", crs = "EPSG:4326" }'
HEADER = "编号,名称,类型,经度,纬度,状态,容量,联系电话"


def dirty_rows() -> list[list[Any]]:
    """24 stations; in line 3 a capacity in words of an office, in 4 an unknown status, in 5 lon and lat swapped."""
    rows = [[*row, "20", "13800000000"] for row in stations()]
    rows[1][6] = "1 000"
    rows[2][5] = "待定"
    rows[3][3:5] = rows[3][4], rows[3][3]
    return rows


@pytest.fixture(scope="module")
def county(tmp_path_factory: pytest.TempPathFactory) -> Path:
    text = csv_text(dirty_rows(), HEADER) + "合计,24,,,,,,\n制表人：张三,,,,,,,\n"
    return write_county(tmp_path_factory.mktemp("dirty") / "small", stations_csv=text)


@pytest.fixture(scope="module")
def written(county: Path) -> Path:
    found = ask("run", county, "--out", county.parent / "out")
    assert found.exit_code == 0
    assert "存疑的数据 1 行，逐行见 report.xlsx 的“数据质量”" in found.stdout
    return county.parent / "out" / "small"


# (line, action, field, value, what mends it)
EXPECTED = {
    (3, "repaired", "容量", "1 000", "请填成 1000"),
    (4, "doubtful", "状态", "待定", "可填 在用、在建、规划、停用、关闭"),
    (5, "repaired", "", "25.314 / 118.214", "请在源表中改正"),
    (26, "dropped", "", "合计 24", "若其实是数据，请改用不像汇总的名称"),
    (27, "dropped", "", "制表人：…", "若其实是数据，请改写首格"),
}
COUNTS = {"read": 26, "kept": 24, "filtered": 0, "dropped": 2, "repaired": 2, "doubtful": 1}


def test_summary_has_every_row_with_value_and_cure(written: Path) -> None:
    found = json.loads((written / "summary.json").read_text(encoding="utf-8"))["data_quality"]
    mine = [line for line in found["lines"] if line["source"] == "stations.csv" and line["row"] is not None]
    assert {(x["row"], x["action"], x["field"], x["value"], x["mend"]) for x in mine} == EXPECTED
    assert all(line["message"] for line in found["lines"])
    (source,) = [item for item in found["sources"] if item["source"] == "stations.csv"]
    assert {name: source[f"rows_{name}"] for name in COUNTS} == COUNTS


def test_the_sheet_has_them_too(written: Path) -> None:
    with (written / "report.xlsx").open("rb") as file:
        rows = [[cell.value for cell in row] for row in openpyxl.load_workbook(file)["数据质量"].iter_rows()]
    said = messages.subject("report", "zh")
    at = next(number for number, row in enumerate(rows) if "原值" in row)
    lines = [dict(zip(rows[at], row, strict=True)) for row in rows[at + 1 :]]
    mine = [line for line in lines if line[said["source_file"]] == "stations.csv" and isinstance(line["行号"], int)]
    names = ("行号", "处理", "字段", "原值", "源数据改正办法")
    found = {tuple("" if line[name] == "—" else line[name] for name in names) for line in mine}
    assert {line[0] for line in found} == {line[0] for line in EXPECTED}
    assert found == {(row, said[f"action_{action}"], *rest) for row, action, *rest in EXPECTED}
    (counts,) = [row for row in rows[:at] if row[2] == "stations.csv"]
    assert counts[3:8] == [26, 24, 2, 2, 1]


def test_check_prints_them_and_no_person(county: Path) -> None:
    found = ask("check", county)
    assert found.exit_code == 0
    assert "读 26 行，用 24 行，筛去 0 行，未用 2 行；修复 2 行，存疑 1 行" in found.stdout
    for row, _, _, value, mend in EXPECTED:
        (line,) = [text for text in found.stdout.splitlines() if f"第 {row} 行：" in text]
        assert value.split(" / ")[0] in line
        assert line.endswith(mend)
    assert "张三" not in found.stdout
    assert "13800000000" not in found.stdout


def test_no_person_comes_through_anywhere(written: Path) -> None:
    for name in ("summary.json", "map.html", "coverage.csv"):
        text = (written / name).read_text("utf-8-sig")
        assert [word for word in ("张三", "13800000000") if word in text] == []


@pytest.mark.parametrize("verb", ["check", "run"])
def test_what_is_read_in_a_wrong_zone_stops_check_and_run_with_both_shares(verb: str, tmp_path: Path) -> None:
    to_zone = crs_room.transformer(crs_room.WGS84, pyproj.CRS.from_epsg(4549))
    rows = [[*row[:3], *to_zone.transform(row[3], row[4]), row[5]] for row in stations()]
    table = pd.DataFrame(rows, columns=["id", "name", "type", "x", "y", "status"])
    folder = write_county(tmp_path / "small", study_toml=STUDY.replace(STATIONS, '"stations.gpkg"'))
    places = gpd.points_from_xy(table["x"], table["y"])
    gpd.GeoDataFrame(table[["id", "name", "type", "status"]], geometry=places, crs=4548).to_file(
        folder / "stations.gpkg"
    )
    out = ["--out", tmp_path / "out"] if verb == "run" else []
    found = ask(verb, folder, *out)
    assert found.exit_code == 1
    assert "按 EPSG:4548 读，0% 在道路 50 米以内；按“EPSG:4549”读则为 100%" in found.stderr
    assert not (tmp_path / "out").exists()
    stated = STUDY.replace(STATIONS, '{ path = "stations.gpkg", crs = "EPSG:4549" }')
    (folder / "study.toml").write_text(stated, encoding="utf-8")
    assert ask(verb, folder, *out).exit_code == 0


def test_every_cure_belongs_to_a_message_and_asks_for_nothing_it_lacks() -> None:
    every = set(messages.keys())
    cures = {key for key in every if key.startswith("mend.")}
    assert len(cures) > 40
    for key in cures:
        subject, name = key.removeprefix("mend.").split("_", 1)
        said = Message(f"{subject}.{name}")
        assert f"{subject}.{name}" in every
        assert messages.cure(said) == Message(key)


def torn_lines(gap: float) -> str:
    """The streets block by block, each block short of the crossings by `gap` of its length."""
    ways = []
    for row in range(9):
        for column in range(8):
            ways.append([place(column + gap, row), place(column + 1 - gap, row)])
            ways.append([place(row, column + gap), place(row, column + 1 - gap)])
    return features([({"highway": "residential"}, {"type": "LineString", "coordinates": way}) for way in ways])


@pytest.mark.parametrize(("noding", "torn"), [("", True), ("\n[noding]\nbridge_m = 5\n", False)])
def test_streets_that_were_never_joined_are_doubtful_with_the_cure(tmp_path: Path, noding: str, torn: bool) -> None:  # noqa: FBT001 - a case
    """Blocks of 200 m whose ends stop 1.6 m short: at most crossings an end looks at three others within 5 m."""
    study = STUDY.replace("streets.osm", "lines.geojson") + noding
    folder = write_county(tmp_path / "torn", study_toml=study)
    (folder / "lines.geojson").write_text(torn_lines(0.008), encoding="utf-8")
    found = ask("check", folder)
    assert ("存疑  所有线端中有 " in found.stdout) == torn
    assert ("请在 [noding] 中写 bridge_m = 5，或在原图上接好" in found.stdout) == torn
    whole = read_study(folder)
    inputs, repairs = rehearse(whole)
    told = summary._doubts(inputs.layers, repairs)
    assert [message.text("zh").startswith("道路：所有线端中有 ") for message in told] == [True] * torn
