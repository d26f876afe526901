"""What a county's files can have wrong: status 1 with every fault and its cure, or a line of the repair report."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING, Any

import pytest
from small_county import (
    LAT,
    LON,
    STUDY,
    ask,
    ask_shell,
    box,
    communities,
    csv_text,
    everything_below,
    features,
    osm,
    place,
    stations,
    street_lines,
    write_county,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

STATION_HEADER = "编号,名称,类型,经度,纬度,状态"


def rows_with(change: Callable[[list[Any]], list[Any]], numbers: Sequence[int]) -> str:
    """Return the stations' sheet with some rows changed; row 2 is the first below the header."""
    return csv_text([change(row) if number in numbers else row for number, row in enumerate(stations(), start=2)])


def swapped(row: list[Any]) -> list[Any]:
    return [*row[:3], row[4], row[3], row[5]]


def with_type(name: str) -> Callable[[list[Any]], list[Any]]:
    return lambda row: [*row[:2], name, *row[3:]]


def with_lon(lon: object) -> Callable[[list[Any]], list[Any]]:
    return lambda row: [*row[:3], lon, *row[4:]]


def villages(people: Sequence[object]) -> str:
    rows = [[f"c{n}", f"村{n}", *place(n % 6 + 0.5, n // 6 + 0.5), number] for n, number in enumerate(people)]
    return csv_text(rows, "编号,名称,经度,纬度,常住人口")


VILLAGE_STUDY = STUDY.replace('"communities.geojson"', '{ path = "villages.csv", crs = "EPSG:4326" }')
NO_CRS = STUDY.replace('{ path = "stations.csv", crs = "EPSG:4326" }', '"stations.csv"')

# name: (files of the study, words that the Chinese and the English message must hold)
FAULTS: dict[str, tuple[dict[str, Any], list[str], list[str]]] = {
    "no such file": (
        {"stations_csv": None},
        ["layers.service_points", "找不到文件 stations.csv", "--data"],
        ["layers.service_points", "no file stations.csv", "--data"],
    ),
    "nothing readable in a layer": (
        {"communities_geojson": b"\x00\x01\x02 no map at all"},
        ["communities.geojson", "重新导出"],
        ["communities.geojson", "export it again"],
    ),
    "nothing readable in a sheet": (
        {"stations_csv": b"\x00\xff\xfe\x01" * 30},
        ["stations.csv"],
        ["stations.csv"],
    ),
    "a layer of another format": (
        {"study_toml": STUDY.replace("communities.geojson", "communities.docx"), "communities.docx": "text"},
        ["communities.docx", ".docx", "另存为"],
        ["communities.docx", ".docx", "save it as one of"],
    ),
    "an empty layer": ({"communities_geojson": b""}, ["communities.geojson", "没有内容"], ["holds nothing"]),
    "an empty sheet": ({"stations_csv": b" \n"}, ["stations.csv", "没有内容"], ["stations.csv", "holds nothing"]),
    "a sheet of headers only": (
        {"stations_csv": csv_text([])},
        ["stations.csv", "请补上数据"],
        ["has no rows; add some"],
    ),
    "a layer without features": ({"parks_geojson": features([])}, ["parks.geojson", "请补上数据"], ["add some"]),
    "empty streets": ({"streets_osm": b""}, ["streets.osm", "重新取得"], ["streets.osm", "Get the file again"]),
    "streets that are text": ({"streets_osm": "not streets"}, ["streets.osm"], ["streets.osm"]),
    "streets without a street": (
        {"streets_osm": osm().replace("highway", "power")},
        ["streets.osm", "没有道路", "请检查文件"],
        ["streets.osm", "holds no street", "Check the file"],
    ),
    "streets that nobody may walk": (
        {"streets_osm": osm("motorway")},
        ["streets.osm", "walk, ebike, elder", "请检查", "highway"],
        ["streets.osm", "walk, ebike, elder", "Check the classes"],
    ),
    "no CRS": (
        {"study_toml": NO_CRS},
        ["stations.csv", "没有坐标系", 'crs = "EPSG:4326"', "gcj02"],
        ["stations.csv", "states no CRS", "gcj02"],
    ),
    "an unknown CRS": (
        {"study_toml": STUDY.replace("EPSG:4326", "WGS85")},
        ["stations.csv", "WGS85", "EPSG:4326"],
        ["stations.csv", "unknown CRS WGS85", "EPSG:4326"],
    ),
    "a missing column": (
        {"stations_csv": csv_text(stations()).replace("类型", "备注一")},
        ["stations.csv", "缺少列 type", "columns"],
        ["stations.csv", "lacks the column type", "columns"],
    ),
    "no coordinates at all": (
        {"stations_csv": csv_text([row[:3] for row in stations()], "编号,名称,类型")},
        ["stations.csv"],
        ["stations.csv"],
    ),
    "lon and lat swapped in more than a tenth of the rows": (
        {"stations_csv": rows_with(swapped, [4, 5, 6])},
        ["stations.csv", "第 4、5、6 行", "经纬度", "颠倒", "对调"],
        ["stations.csv", "rows 4, 5, 6", "swap the columns"],
    ),
    "coordinates that are no numbers in more than a tenth of the rows": (
        {"stations_csv": rows_with(with_lon("村口"), [2, 9, 20])},
        ["stations.csv", "第 2、9、20 行", "坐标看不懂", "村口", "请改为"],
        ["stations.csv", "rows 2, 9, 20", "cannot be read", "decimal degrees"],
    ),
    "metres that are called degrees": (
        {"stations_csv": csv_text([[*row[:3], 520_000, 2_800_000, ""] for row in stations()])},
        ["stations.csv", "不是度数", "EPSG:4548"],
        ["stations.csv", "no degrees", "EPSG:4548"],
    ),
    "shapes that cannot be read in more than a tenth of the rows": (
        {"communities_geojson": features([({"id": "a", "population": 5}, box(0, 0, 4, 8)), ({"id": "b"}, None)])},
        ["communities.geojson", "第 2 行", "图形", "重新导出"],
        ["communities.geojson", "rows 2", "no geometry"],
    ),
    "people that are no numbers in more than a tenth of the rows": (
        {"communities_geojson": communities(people=("约一千", 800))},
        ["communities.geojson", "第 1 行", "常住人口 不是数字", "约一千", "请只填数字"],
        ["communities.geojson", "rows 1", "enter digits only"],
    ),
    "an unknown service type in a single row": (
        {"stations_csv": rows_with(with_type("零工站点"), [7])},
        ["stations.csv", "第 7 行", "零工站点", "零工驿站", 'unknown = "report"', "aliases"],
        ["stations.csv", "rows 7", "零工站点", "零工驿站", 'unknown = "report"', "aliases"],
    ),
    "unknown service types": (
        {"stations_csv": rows_with(with_type("零工站点"), [7, 8, 9])},
        ["stations.csv", "第 7、8、9 行", "零工站点", "零工驿站", 'unknown = "report"', "aliases"],
        ["stations.csv", "rows 7, 8, 9", "零工站点", "零工驿站", 'unknown = "report"', "aliases"],
    ),
    "the same id twice": (
        {"stations_csv": csv_text([*stations(), stations()[0]])},
        ["stations.csv", "第 2、26 行", "编号重复", "g1", "请改"],
        ["stations.csv", "rows 2, 26", "g1", "give each its own"],
    ),
    "a raster that is none": (
        {"study_toml": f'{STUDY}population = "people.tif"\n', "people.tif": b"no raster"},
        ["people.tif", "请检查文件"],
        ["people.tif", "Check the file"],
    ),
    "heights that are none": (
        {"study_toml": f'{STUDY}terrain = "dem.tif"\n', "dem.tif": b"no raster"},
        ["dem.tif"],
        ["dem.tif"],
    ),
    "a study file that is no TOML": (
        {"study_toml": STUDY.replace("=", ":")},
        ["study.toml", "TOML"],
        ["not valid TOML"],
    ),
    "a study file in GBK": ({"study_toml": STUDY.encode("gbk")}, ["study.toml", "另存为 UTF-8"], ["save it as UTF-8"]),
    "a misspelt key": (
        {"study_toml": STUDY.replace("parks =", "parcs =")},
        ["layers.parcs", "是否想写 parks"],
        ["layers.parcs", "did you mean parks"],
    ),
    "a wrong period": (
        {"study_toml": STUDY.replace("2026Q4", "2026年")},
        ["study.period", "2026年", "2026Q4"],
        ["study.period", "2026Q4"],
    ),
    "a path that leaves the folder": (
        {"study_toml": STUDY.replace('"parks.geojson"', '"../parks.geojson"')},
        ["layers.parks", "不能含 ..", "--data"],
        ["layers.parks", "must not contain ..", "--data"],
    ),
}


@pytest.mark.parametrize("name", list(FAULTS))
def test_a_fault_of_a_layer_or_of_the_study(tmp_path: Path, name: str) -> None:
    files, *words = FAULTS[name]
    folder = write_county(tmp_path / "small", **files)
    before = everything_below(folder)
    asked = (["run", "--out", tmp_path / "out", "--lang", "zh"], ["check", "--lang", "en"])
    for verb, wanted in zip(asked, words, strict=True):
        found = ask(*verb, folder)
        assert found.exit_code == 1, found.output
        told = [line for line in found.stderr.splitlines() if line.startswith("  ✗ ")]
        assert len(told) == 1, found.stderr
        assert [word for word in wanted if word not in told[0]] == [], told[0]
        assert "Traceback" not in found.output
        assert found.stdout == ""
    assert not (tmp_path / "out").exists()
    assert everything_below(folder) == before


def test_truncated_pbf(tmp_path: Path, shared: Path) -> None:
    whole = (shared / "data" / "portoalegre" / "poa_osm.pbf").read_bytes()
    study = STUDY.replace("streets.osm", "cut.osm.pbf")
    for part in (0.5, 0.9):
        folder = write_county(tmp_path / "small", study_toml=study, **{"cut.osm.pbf": whole[: int(len(whole) * part)]})
        found = ask_shell("run", folder, "--out", tmp_path / "out", cwd=tmp_path)
        assert found.returncode == 1
        assert "cut.osm.pbf" in found.stderr
        assert "重新取得该文件" in found.stderr
        assert "Traceback" not in found.stderr
        assert not (tmp_path / "out").exists()


def test_three_faults_of_a_study_file_are_told_together(tmp_path: Path) -> None:
    text = STUDY.replace("2026Q4", "soon").replace('name = "小县"\n', "").replace("stations.csv", "no_such.csv")
    found = ask("run", write_county(tmp_path / "small", study_toml=text), "--out", tmp_path / "out")
    assert found.exit_code == 1
    told = [line for line in found.stderr.splitlines() if line.startswith("  ✗ ")]
    assert len(told) == 3
    for where in ("study.name", "study.period", "layers.service_points"):
        assert sum(where in line for line in told) == 1
    assert "3" in found.stderr.splitlines()[0]
    assert str(tmp_path / "small") in found.stderr.splitlines()[0]


def test_faults_of_all_layers_are_told_together(tmp_path: Path) -> None:
    folder = write_county(
        tmp_path / "small",
        stations_csv=rows_with(swapped, range(2, 26)),
        communities_geojson=communities(people=("many", "few")),
        parks_geojson=b"",
        streets_osm=b"broken",
    )
    found = ask("run", folder, "--out", tmp_path / "out")
    assert found.exit_code == 1
    for file in ("stations.csv", "communities.geojson", "parks.geojson", "streets.osm"):
        assert file in found.stderr
    assert not (tmp_path / "out").exists()


def test_long_lists_of_rows_are_cut_short(tmp_path: Path) -> None:
    found = ask("check", write_county(tmp_path / "small", stations_csv=rows_with(swapped, range(2, 26))))
    assert "第 2、3、4、5、6、7、8、9 等共 24 行" in found.stderr


@pytest.mark.parametrize("out", ["file", "file/below", "file/below/deeper"])
def test_output_folder_that_cannot_be_written(tmp_path: Path, out: str) -> None:
    folder = write_county(tmp_path / "small")
    (tmp_path / "file").write_text("kept", encoding="utf-8")
    found = ask("run", folder, "--out", tmp_path / out)
    assert found.exit_code == 1
    assert str(tmp_path / "file") in found.stderr
    assert "--out" in found.stderr
    assert (tmp_path / "file").read_text(encoding="utf-8") == "kept"
    assert everything_below(tmp_path) == ["file", "small", *(f"small/{name}" for name in everything_below(folder))]


def test_output_folder_and_study_are_told_together(tmp_path: Path) -> None:
    folder = write_county(tmp_path / "small", stations_csv=None)
    (tmp_path / "file").touch()
    found = ask("run", folder, "--out", tmp_path / "file")
    assert found.exit_code == 1
    assert "stations.csv" in found.stderr
    assert "--out" in found.stderr


def test_results_folder_that_is_a_file(tmp_path: Path) -> None:
    folder = write_county(tmp_path / "county")
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "small").touch()
    found = ask("run", folder, "--out", tmp_path / "out")
    assert found.exit_code == 1
    assert everything_below(tmp_path / "out") == ["small"]


def test_a_failed_run_leaves_earlier_results_as_they_were(tmp_path: Path) -> None:
    folder = write_county(tmp_path / "small")
    out = tmp_path / "out"
    assert ask("run", folder, "--out", out).exit_code == 0
    before = {name: (out / name).read_bytes() for name in everything_below(out) if (out / name).is_file()}
    write_county(folder, stations_csv=b"")
    assert ask("run", folder, "--out", out).exit_code == 1
    assert {name: (out / name).read_bytes() for name in everything_below(out) if (out / name).is_file()} == before


# One row of 24 is a row, not the layer: name, files, row, what the report says of it.
SINGLE_ROWS: dict[str, tuple[dict[str, Any], str, str]] = {
    "swapped": ({"stations_csv": rows_with(swapped, [5])}, "第 5 行", "已对调"),
    "two of 24 are still rows": ({"stations_csv": rows_with(swapped, [5, 6])}, "第 6 行", "已对调"),
    "no number": ({"stations_csv": rows_with(with_lon("村口"), [25])}, "第 25 行", "坐标看不懂"),
    "no place": ({"stations_csv": rows_with(with_lon(""), [12])}, "第 12 行", "没有坐标"),
    "in the ocean": ({"stations_csv": rows_with(with_lon(123.4), [6])}, "第 6 行", "位置可疑"),
    "at null island": (
        {"stations_csv": rows_with(lambda row: [*row[:3], 0, 0, ""], [6])},
        "第 6 行",
        "",
    ),
    "no type": ({"stations_csv": rows_with(with_type(""), [7])}, "第 7 行", "没有填服务类型"),
    "unknown status": ({"stations_csv": rows_with(lambda row: [*row[:5], "也许"], [3])}, "第 3 行", "不认识的状态"),
    "people in words": (
        {"study_toml": VILLAGE_STUDY, "villages.csv": villages([*range(100, 122), "约三百", 300])},
        "第 24 行",
        "不是数字",
    ),
    "people with a unit": (
        {"study_toml": VILLAGE_STUDY, "villages.csv": villages([*range(100, 123), "１２０"])},
        "第 25 行",
        "",
    ),
    "a broken outline": (
        {
            "communities_geojson": features(
                [
                    (
                        {"id": "bow", "population": 300},
                        {
                            "type": "Polygon",
                            "coordinates": [[place(0, 0), place(3, 3), place(3, 0), place(0, 3), place(0, 0)]],
                        },
                    ),
                    *(({"id": f"c{n}", "population": 10}, box(n % 5, 4, n % 5 + 0.5, 4.5)) for n in range(12)),
                ]
            )
        },
        "第 1 行",
        "相差过半",
    ),
}


RUN_TOO = {"swapped", "no place", "in the ocean", "at null island", "people in words"}


@pytest.mark.parametrize("name", list(SINGLE_ROWS))
def test_the_same_in_single_rows_is_reported_and_the_run_goes_on(tmp_path: Path, name: str) -> None:
    files, row, what = SINGLE_ROWS[name]
    folder = write_county(tmp_path / "small", **files)
    found = ask("check", folder)
    assert found.exit_code == 0, found.output
    lines = [line for line in found.stdout.splitlines() if row in line and what in line]
    assert len(lines) == 1, found.stdout
    if name in RUN_TOO:
        ran = ask("run", folder, "--out", tmp_path / "out")
        assert ran.exit_code == 0, ran.output
        assert (tmp_path / "out" / "small" / "report.xlsx").is_file()


def test_unknown_types_may_be_reported_instead(tmp_path: Path) -> None:
    study = STUDY.replace('crs = "EPSG:4326" }', 'crs = "EPSG:4326", unknown = "report" }')
    folder = write_county(
        tmp_path / "small", study_toml=study, stations_csv=rows_with(with_type("零工站点"), [7, 8, 9])
    )
    found = ask("check", folder)
    assert found.exit_code == 0
    (line,) = [line for line in found.stdout.splitlines() if "零工站点" in line]
    assert "不计入" in line
    assert "零工驿站" in line
    assert "（共 3 行）" in line


def test_a_study_of_lines_without_any_fault(tmp_path: Path) -> None:
    study = STUDY.replace("streets.osm", "streets.geojson")
    folder = write_county(tmp_path / "small", study_toml=study, **{"streets.geojson": street_lines()})
    found = ask("check", folder)
    assert found.exit_code == 0
    assert "道路线已打断连通" in found.stdout


def test_a_disk_that_is_full_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from geo.reports import workbook  # noqa: PLC0415 - the last part that is written

    def full(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(workbook, "write_workbook", full)
    found = ask("run", write_county(tmp_path / "small"), "--out", tmp_path / "out")
    assert found.exit_code == 1
    assert "No space left on device" in found.stderr
    assert not (tmp_path / "out").exists()


def test_far_from_its_streets_nobody_is_lost(tmp_path: Path) -> None:
    away = features([({"id": "sea", "population": 90}, {"type": "Point", "coordinates": [LON + 0.2, LAT]})])
    folder = write_county(tmp_path / "small", communities_geojson=away)
    found = ask("run", folder, "--out", tmp_path / "out")
    assert found.exit_code == 0
    assert "90 人步行连不到道路" in found.stdout
    shutil.rmtree(tmp_path / "out")
