"""A county on one road, quarter after quarter: every state of the ledger worked out by hand beforehand.

Communities A to F are points every 0.02° (2.01 km, 26.8 minutes on foot) along a road; G lies 1.11 km (14.8
minutes) north of C, but its street leads to A. H is an outline over 2.01 km of the road, 1000 people along it.
"""

from __future__ import annotations

import csv
import json
import shutil
import sqlite3
from typing import TYPE_CHECKING, Any

import geopandas as gpd
import openpyxl
import pandas as pd
import pytest
from small_county import ask, features

import geo

if TYPE_CHECKING:
    from pathlib import Path

LON, LAT, STEP = 118.2, 25.3, 0.02
PEOPLE = {"A": 100, "B": 200, "C": 300, "D": 400, "E": 500, "F": 600}
STUDY = """
[study]
id = "road"
name = "一路县"
period = "{period}"
{more}
[layers]
streets = "streets.osm"
communities = "communities.geojson"
service_points = {{ path = "points.csv", crs = "EPSG:4326" }}

[adequacy]
street_m_per_resident = 0

[services.canteen_elder]
limit = {limit}
"""
GIG_C, GIG_E, MEAL_D = ("g1", "零工驿站", 2), ("g2", "零工驿站", 4), ("m1", "长者食堂", 3)
NEW_B, NEW_H = ("g3", "零工驿站", 1), ("g4", "零工驿站", 7)
FIRST = (GIG_C, GIG_E, MEAL_D)


def streets(*, opened: bool) -> str:
    """The road, the way from A round to G, and the street from C to G once it is open."""
    nodes = [(LON + STEP * place, LAT) for place in range(10)] + [(LON, LAT + 0.01), (LON + STEP * 2, LAT + 0.01)]
    ways = [[*range(1, 11)], [1, 11, 12], *([[3, 12]] if opened else [])]
    lines = ['<osm version="0.6">']
    lines += [f'<node id="{at}" version="1" lon="{x:.6f}" lat="{y:.6f}"/>' for at, (x, y) in enumerate(nodes, start=1)]
    for number, refs in enumerate(ways, start=1):
        inner = "".join(f'<nd ref="{at}"/>' for at in refs)
        lines.append(f'<way id="{number}" version="1">{inner}<tag k="highway" v="residential"/></way>')
    return "\n".join([*lines, "</osm>"])


def communities() -> str:
    rows: list[tuple[dict[str, Any], Any]] = [
        ({"id": name, "name": f"{name}社区", "population": people, "elders": 30}, spot(place))
        for place, (name, people) in enumerate(PEOPLE.items())
    ]
    rows.append(({"id": "G", "name": "G社区", "population": 700, "elders": 30}, spot(2, LAT + 0.01)))
    west, east, half = LON + STEP * 7, LON + STEP * 8, 0.002
    ring = [[west, LAT - half], [east, LAT - half], [east, LAT + half], [west, LAT + half], [west, LAT - half]]
    rows.append(({"id": "H", "name": "H社区", "population": 1000}, {"type": "Polygon", "coordinates": [ring]}))
    return features(rows)


def spot(place: float, lat: float = LAT) -> dict[str, Any]:
    return {"type": "Point", "coordinates": [round(LON + STEP * place, 6), lat]}


def quarter(
    folder: Path, period: str, *points: tuple[str, str, float], opened: bool = False, limit: int = 15, more: str = ""
) -> Path:
    """Write one quarter into the study's folder; its ledger stays."""
    folder.mkdir(exist_ok=True)
    (folder / "study.toml").write_text(STUDY.format(period=period, limit=limit, more=more), encoding="utf-8")
    (folder / "streets.osm").write_text(streets(opened=opened), encoding="utf-8")
    (folder / "communities.geojson").write_text(communities(), encoding="utf-8")
    rows = [f"{code},{code}站,{kind},{LON + STEP * place:.6f},{LAT},在用" for code, kind, place in points]
    (folder / "points.csv").write_text("\n".join(["编号,名称,类型,经度,纬度,状态", *rows, ""]), encoding="utf-8")
    return folder


def lines_of(folder: Path) -> dict[str, dict[str, str]]:
    with (folder / "ledger.csv").open(encoding="utf-8-sig", newline="") as source:
        return {row["缺口编号"]: row for row in csv.DictReader(source)}


def states(folder: Path) -> dict[str, str]:
    return {gap: row["系统判断"] for gap, row in lines_of(folder).items()}


def edit(folder: Path, said: dict[str, dict[str, str]]) -> None:
    rows = lines_of(folder)
    for gap, words in said.items():
        rows[gap] |= words
    with (folder / "ledger.csv").open("w", encoding="gb18030", newline="") as target:  # as Excel saves it there
        writer = csv.DictWriter(target, list(next(iter(rows.values()))))
        writer.writeheader()
        writer.writerows(rows.values())


def run(study: Path, out: Path, *options: object) -> str:
    found = ask("run", study, "--out", out, *options)
    assert found.exit_code == 0, found.output
    return found.output


GIG = {gap: f"gig_station-{gap}" for gap in ("A-1", "B-1", "D-1", "E-1", "F-1", "G-1", "H-1")}
MEAL = {gap: f"canteen_elder-{gap}" for gap in ("A-1", "B-1", "C-1", "E-1", "F-1", "G-1")}
# Stations at C and E serve only these; the canteen at D only D.
ONE = dict.fromkeys([GIG[gap] for gap in ("A-1", "B-1", "D-1", "F-1", "G-1", "H-1")], "新增")
ONE |= dict.fromkeys(MEAL.values(), "新增")
# Added: a station at B and one at the west end of H; closed: the one at E; opened: the street from C to G;
# changed: the canteen's limit from 15 to 60 minutes, within which C and E (2.01 km, 41.9 minutes at 2.88 km/h) are.
TWO = {
    GIG["A-1"]: "反弹",  # struck off by hand, but nothing was built: B is 26.8 minutes off
    GIG["B-1"]: "销号建议",
    GIG["D-1"]: "持续",
    GIG["E-1"]: "新增",
    GIG["F-1"]: "持续",
    GIG["G-1"]: "销号建议",  # 14.8 minutes by the new street
    GIG["H-1"]: "改善",  # 15 minutes are 1125 m of its 2013 m
    **dict.fromkeys(MEAL.values(), "持续"),  # measured otherwise: no progress, whoever is within the new limit
}
EDITS = {"责任单位": "人社局", "时限": "2026-12-20", "状态": "已销号", "销号日期": "2027-01-05", "备注": '=一,"二"\n三'}


@pytest.fixture(scope="module")
def quarters(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """Run three quarters, the second three times with hand edits in between."""
    base = tmp_path_factory.mktemp("road")
    study = quarter(base / "study", "2026Q4", *FIRST)
    said = {"one": run(study, base / "q4")}
    found: dict[str, Any] = {"base": base, "study": study, "one": states(study)}
    edit(study, {GIG["A-1"]: EDITS, GIG["D-1"]: {"时限": "三月底"}})
    quarter(study, "2027Q1", GIG_C, MEAL_D, NEW_B, NEW_H, opened=True, limit=60)
    with (study / "ledger.csv").open("a", encoding="gb18030", newline="") as target:
        target.write("人工补记,太短\r\n")
    for number in range(3):
        said[f"two{number}"] = run(study, base / "q1", "--previous", base / "q4" / "road")
        found[f"bytes{number}"] = {path.name: path.read_bytes() for path in sorted((base / "q1" / "road").iterdir())}
        found[f"ledger{number}"] = (study / "ledger.csv").read_bytes()
    found["two"], found["rows"] = states(study), lines_of(study)
    quarter(study, "2027Q2", GIG_C, MEAL_D, NEW_H, opened=True, limit=60, more='previous = "../../../etc"')
    found["refused"] = ask("run", study, "--out", base / "q2")
    more = f"previous = '{(base / 'q1' / 'road').as_posix()}'"
    quarter(study, "2027Q2", GIG_C, MEAL_D, NEW_H, opened=True, limit=60, more=more)
    said["three"] = run(study, base / "q2")
    return found | {"three": states(study), "said": said}


def test_the_first_quarter_finds_what_was_counted_by_hand(quarters: dict[str, Any]) -> None:
    assert quarters["one"] == ONE


def test_the_second_quarter_gives_exactly_the_expected_states(quarters: dict[str, Any]) -> None:
    found = {gap: state for gap, state in quarters["two"].items() if gap != "人工补记"}
    assert found == TWO
    comparison = pd.read_csv(quarters["base"] / "q1" / "road" / "comparison.csv").set_index("gap_id")
    assert comparison.loc[GIG["H-1"], "people_before"] == 1000
    assert comparison.loc[GIG["H-1"], "people_now"] == pytest.approx(1000 * (1 - 1125 / 2013), abs=26)  # a point is 25
    assert comparison.loc[GIG["B-1"], ["people_before", "people_now", "minutes_now"]].tolist() == [200, 0, 0]
    assert comparison.loc[GIG["G-1"], "minutes_now"] == pytest.approx(1108 / 75, abs=0.05)
    not_judged = comparison["service"] == "canteen_elder"
    assert (comparison["comparable"] == ~not_judged).all()


def test_changes_are_said_first(quarters: dict[str, Any]) -> None:
    summary = json.loads((quarters["base"] / "q1" / "road" / "summary.json").read_text(encoding="utf-8"))
    assert summary["previous"]["period"] == "2026Q4"
    (told,) = [line for line in summary["warnings"] if "与上期（2026Q4）对比" in line]
    assert "新增 1、反弹 1、持续 8、改善 1、销号建议 2 处" in told
    compared = ask("compare", *(quarters["base"] / name / "road" for name in ("q4", "q1"))).output
    lines = compared.splitlines()
    assert [line for line in lines if line.startswith("  ! ")] == [
        "  ! 长者食堂：时限（分钟）由 15 改为 60",
        "  ! 输入数据“服务设施”已变：上期 points.csv（3 行），本期 points.csv（4 行）",
        "  ! 输入数据“道路”已变：上期 streets.osm，本期 streets.osm",
        "  ! 零工驿站：新计入 2 处（g3站, g4站），不再计入 1 处（g2站）",
    ]
    assert lines.index("  ! 长者食堂：时限（分钟）由 15 改为 60") < lines.index("逐处对比")


def test_hand_edits_survive_three_runs_and_the_broken_line_is_told_and_kept(quarters: dict[str, Any]) -> None:
    row = quarters["rows"][GIG["A-1"]]
    assert {name: row[name] for name in EDITS} == EDITS
    assert (row["上期判断"], row["首次期次"], row["期次"]) == ("新增", "2026Q4", "2027Q1")
    for number in range(3):
        content = quarters[f"ledger{number}"].decode("utf-8-sig")
        assert "\r\n人工补记,太短\r\n" in content
        # 13 records, of which one goes over two lines, and the header stand before it
        assert "台账 ledger.csv 第 15 行：有 2 格" in quarters["said"][f"two{number}"]
    assert (quarters["study"] / "ledger.csv.bak").exists()


def test_running_again_changes_nothing(quarters: dict[str, Any]) -> None:
    assert quarters["ledger0"] == quarters["ledger1"] == quarters["ledger2"]
    assert quarters["bytes0"] == quarters["bytes1"] == quarters["bytes2"]


def test_the_third_quarter_follows_on(quarters: dict[str, Any]) -> None:
    """The station at B is given up again: its gap is back under its old id. All else is as it was."""
    assert quarters["refused"].exit_code == 1
    found = {gap: state for gap, state in quarters["three"].items() if gap != "人工补记"}
    assert found == {
        **TWO,
        GIG["B-1"]: "反弹",
        GIG["E-1"]: "持续",
        GIG["H-1"]: "持续",
        GIG["G-1"]: "销号建议",  # still to be confirmed
    }
    gaps = pd.read_csv(quarters["base"] / "q2" / "road" / "gaps.csv")
    assert GIG["B-1"] in set(gaps["gap_id"])


def test_comparing_twice_changes_nothing_and_gives_the_same_bytes(quarters: dict[str, Any], tmp_path: Path) -> None:
    places = [quarters["base"] / name / "road" for name in ("q4", "q1")]
    before = {path: path.read_bytes() for place in places for path in place.iterdir()}
    ledger = (quarters["study"] / "ledger.csv").read_bytes()
    outputs = []
    for _ in range(2):
        found = ask("compare", *places, "--out", tmp_path / "out")
        assert found.exit_code == 0
        outputs.append((found.output, {path.name: path.read_bytes() for path in (tmp_path / "out").iterdir()}))
    assert outputs[0] == outputs[1]
    assert sorted(outputs[0][1]) == ["comparison.csv", "comparison.html"]
    assert {path: path.read_bytes() for place in places for path in place.iterdir()} == before
    assert (quarters["study"] / "ledger.csv").read_bytes() == ledger
    written = pd.read_csv(tmp_path / "out" / "comparison.csv").set_index("gap_id")["state"]
    known = pd.read_csv(places[1] / "comparison.csv").set_index("gap_id")["state"]
    assert written.to_dict() == known.to_dict()
    assert written[GIG["A-1"]] == "returned"  # a person struck it off: the later folder remembers
    assert "当时的台账" not in outputs[0][0]


def test_results_that_do_not_know_the_ledger_say_so(quarters: dict[str, Any], tmp_path: Path) -> None:
    old, new = (quarters["base"] / name / "road" for name in ("q4", "q1"))
    bare = tmp_path / "bare"
    shutil.copytree(new, bare)
    with sqlite3.connect(bare / "layers.gpkg") as layers:
        for table in ("gpkg_contents", "gpkg_geometry_columns", "gpkg_extensions"):
            layers.execute(f"DELETE FROM {table} WHERE table_name = 'ledger_found'")  # noqa: S608 - three known tables
        layers.execute("DROP TABLE ledger_found")
    layers.close()
    said = ask("compare", old, bare).output
    assert sum("本期成果没有记下当时的台账" in line for line in said.splitlines()) == 1
    assert geo.compare(old, bare).table.set_index("gap_id")["state"][GIG["A-1"]] == "lasting"


def test_the_third_quarter_compares_as_its_run_did(quarters: dict[str, Any]) -> None:
    old, new = (quarters["base"] / name / "road" for name in ("q1", "q2"))
    found = geo.compare(old, new).table.set_index("gap_id")
    known = pd.read_csv(new / "comparison.csv").set_index("gap_id")
    assert found["state"].to_dict() == known["state"].to_dict()


@pytest.mark.parametrize(("lang", "words"), [("zh", "调换两个文件夹的次序"), ("en", "swap the two folders")])
def test_time_does_not_run_backwards(quarters: dict[str, Any], tmp_path: Path, lang: str, words: str) -> None:
    old, new = (quarters["base"] / name / "road" for name in ("q4", "q1"))
    found = ask("compare", new, old, "--lang", lang)
    assert found.exit_code == 1
    assert words in found.stderr.replace("\n", " ")
    study = quarter(tmp_path / "study", "2026Q4", *FIRST)
    assert ask("run", study, "--out", tmp_path / "out", "--previous", new, "--lang", lang).exit_code == 1
    assert not (tmp_path / "out").exists()


def test_two_counties_are_not_compared_but_a_county_renamed_is(quarters: dict[str, Any], tmp_path: Path) -> None:
    """Moved north by 700 m, nobody of before has anybody of now within 125 m."""
    old, new = (quarters["base"] / name / "road" for name in ("q4", "q1"))
    renamed = tmp_path / "renamed"
    shutil.copytree(new, renamed)
    summary = json.loads((renamed / "summary.json").read_text(encoding="utf-8"))
    summary["study"]["id"] = "street"
    (renamed / "summary.json").write_text(json.dumps(summary), encoding="utf-8")
    found = ask("compare", old, renamed)
    assert found.exit_code == 0
    assert "两期不是同一个研究" in found.output
    elsewhere = tmp_path / "elsewhere"
    shutil.copytree(renamed, elsewhere)
    layer = gpd.read_file(elsewhere / "layers.gpkg", layer="demand")
    layer.assign(geometry=layer.translate(0.0, 700.0)).to_file(elsewhere / "layers.gpkg", layer="demand")
    found = ask("compare", old, elsewhere)
    assert found.exit_code == 1
    assert "不能对比" in found.stderr.replace("\n", "")
    study = quarter(tmp_path / "study", "2027Q2", *FIRST)
    (study / "ledger.csv").write_bytes(ledger := (quarters["study"] / "ledger.csv").read_bytes())
    found = ask("run", study, "--out", tmp_path / "out", "--previous", elsewhere)
    assert found.exit_code == 1
    assert "不能对比" in found.stderr.replace("\n", "")
    assert (study / "ledger.csv").read_bytes() == ledger
    assert not (tmp_path / "out").exists()


def test_many_lines_with_one_fault_are_one_line(tmp_path: Path) -> None:
    study = quarter(tmp_path / "study", "2026Q4", *FIRST)
    run(study, tmp_path / "out")
    with (study / "ledger.csv").open("a", encoding="utf-8", newline="") as target:
        target.write("补记,太短\r\n" * 25)
    said = run(study, tmp_path / "out")
    (line,) = [line for line in said.splitlines() if "补齐该行" in line]
    first = len(ONE) + 2
    assert f"有 25 行（第 {', '.join(str(first + at) for at in range(20))}, … 行）" in line


def test_the_workbook_shows_ledger_and_comparison(quarters: dict[str, Any]) -> None:
    with (quarters["base"] / "q1" / "road" / "report.xlsx").open("rb") as source:
        book = openpyxl.load_workbook(source)
    sheet = book["问题销号台账"]
    header = [cell.value for cell in sheet[3]]
    rows = [dict(zip(header, (cell.value for cell in row), strict=True)) for row in sheet.iter_rows(min_row=4)]
    (mine,) = [row for row in rows if row["缺口编号"] == GIG["A-1"]]
    assert (mine["责任单位"], mine["系统判断"], mine["是否超期"]) == ("人社局", "反弹", "超期")
    assert mine["备注"] == EDITS["备注"]
    by_id = {row["缺口编号"]: row for row in rows}
    assert (by_id[GIG["D-1"]]["时限"], by_id[GIG["D-1"]]["是否超期"]) == ("三月底", "—")  # nothing is judged by it
    assert by_id[GIG["B-1"]]["最近设施"] in {None, "—"}  # it is 0.0 minutes from the new one, not from g1
    assert len(rows) == len(TWO)
    gaps = book["服务覆盖缺口清单"]
    header = [cell.value for cell in gaps[3]]
    (mine,) = (
        row
        for line in gaps.iter_rows(min_row=4, values_only=True)
        if (row := dict(zip(header, line, strict=True)))["缺口编号"] == GIG["A-1"]
    )
    assert (mine["责任单位"], mine["完成时限"], mine["状态"], mine["上期状态"]) == (
        "人社局",
        "2026-12-20",
        "反弹",
        "新增",
    )
    header = next(row for row in book["与上期对比"].iter_rows(values_only=True) if "上期时间(min)" in row)
    at = {name: number for number, name in enumerate(header)}
    (gone,) = (row for row in book["与上期对比"].iter_rows(values_only=True) if row[at["缺口编号"]] == GIG["G-1"])
    assert gone[at["上期时间(min)"]] == "超过 60 分钟"  # nobody of G reached a station then: that is not unknown
    texts = [cell.value for row in book["与上期对比"].iter_rows() for cell in row if cell.value]
    assert texts.index("长者食堂：时限（分钟）由 15 改为 60") < texts.index("三、逐处对比")
    assert not [cell for row in sheet.iter_rows() for cell in row if cell.data_type == "f"]


@pytest.mark.parametrize("lang", ["zh", "en"])
def test_folders_that_cannot_be_compared_are_told_together(tmp_path: Path, lang: str) -> None:
    (tmp_path / "new").mkdir()
    (tmp_path / "new" / "summary.json").write_text("{}", encoding="utf-8")
    found = ask("compare", tmp_path / "old", tmp_path / "new", "--lang", lang)
    assert found.exit_code == 1
    assert found.stderr.count("✗") == 2
    assert "layers.gpkg" in found.stderr
    assert "Traceback" not in found.output


def test_results_of_before_are_not_overwritten(quarters: dict[str, Any]) -> None:
    place = quarters["base"] / "q1" / "road"
    before = {path.name: path.read_bytes() for path in place.iterdir()}
    found = ask("run", quarters["study"], "--out", quarters["base"] / "q1", "--previous", place)
    assert found.exit_code == 1
    assert "覆盖" in found.stderr
    assert {path.name: path.read_bytes() for path in place.iterdir()} == before
    assert ask("compare", quarters["base"] / "q4" / "road", place, "--out", place).exit_code == 1


def test_a_ledger_that_cannot_be_read_stops_no_run_and_is_left_alone(tmp_path: Path) -> None:
    study = quarter(tmp_path / "study", "2026Q4", *FIRST)
    (study / "ledger.csv").write_text("名称,人数\n甲,3\n", encoding="utf-8")
    said = run(study, tmp_path / "out")
    assert "首行没有“缺口编号”一列" in said
    assert "台账本次未续写" in said
    assert (study / "ledger.csv").read_text(encoding="utf-8") == "名称,人数\n甲,3\n"
    assert (tmp_path / "out" / "road" / "report.xlsx").exists()


def test_a_ledger_of_a_later_period_is_left_alone(quarters: dict[str, Any], tmp_path: Path) -> None:
    study = quarter(tmp_path / "study", "2026Q4", *FIRST)
    content = (quarters["study"] / "ledger.csv").read_bytes()
    (study / "ledger.csv").write_bytes(content)
    said = run(study, tmp_path / "out")
    assert "晚于本研究的期次 2026Q4" in said
    assert (study / "ledger.csv").read_bytes() == content
