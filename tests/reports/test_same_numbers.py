"""Every number that names the same thing is the same in docx, xlsx, html, csv and json: read back from the files."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path

import docx
import openpyxl
import pytest
from page_data import content_of
from small_county import csv_text, stations, write_county

import geo
from geo import catalogue, messages
from geo.reports import word_table

VENUES = "编号,名称,经度,纬度,容量\nv1,东馆,118.2121,25.3061,200\nv2,西馆,118.2021,25.3141,\n"
DISTRICTS = "编号,名称\nd1,东片区\nd2,西片区\n"


def write_small(folder: Path) -> Path:
    study = write_county(folder / "in", stations_csv=csv_text(stations()[:5]))
    text = (study / "study.toml").read_text(encoding="utf-8")
    text = text.replace(
        "[layers]", '[layers]\nvenues = { path = "venues.csv", crs = "EPSG:4326" }\ndistricts = "districts.csv"'
    )
    (study / "study.toml").write_text(text, encoding="utf-8")
    (study / "venues.csv").write_text(VENUES, encoding="utf-8")
    (study / "districts.csv").write_text(DISTRICTS, encoding="utf-8")
    layer = json.loads((study / "communities.geojson").read_text(encoding="utf-8"))
    for feature, district in zip(layer["features"], ("d2", "d1"), strict=True):
        feature["properties"]["district"] = district
    (study / "communities.geojson").write_text(json.dumps(layer, ensure_ascii=False), encoding="utf-8")
    return study


@pytest.fixture(scope="module")
def small(tmp_path_factory):
    base = tmp_path_factory.mktemp("same")
    analysis = geo.analyse(write_small(base))
    analysis.write(base / "out")
    return base / "out"


def rows_of(path):
    return list(csv.DictReader(io.StringIO(path.read_bytes().decode("utf-8-sig"), newline="")))


def number(text):
    return float(text) if text else None


class Truth:
    """The numbers of the CSV files, by what they name."""

    def __init__(self, folder):
        self.folder = folder
        self.rows = {
            (
                row["unit_kind"],
                row["unit_id"],
                row["service"],
                row["mode"],
                number(row["limit_minutes"]),
                row["demand"],
            ): row
            for row in rows_of(folder / "coverage.csv")
        }
        self.standards = {
            (
                row["unit_kind"],
                row["unit_id"],
                row["service"],
                row["mode"],
                number(row["limit_minutes"]),
                row["demand"],
            ): row
            for row in rows_of(folder / "coverage_standards.csv")
        }
        self.gaps = {row["gap_id"]: row for row in rows_of(folder / "gaps.csv")}
        self.summary = json.loads((folder / "summary.json").read_text(encoding="utf-8"))
        labels = messages.subject("word")
        self.groups = {labels[name]: name for name in ("residents", "workers", "elders")}
        self.services = {kind.label: code for code, kind in catalogue.service_types().items()}

    def whole(self, service, group, *, unit=("study", "")):
        told = self.summary["services"][service]
        return self.rows[*unit, service, told["mode"], told["limit"], group]


def sheet_rows(book, name, header):
    """Return the rows under the header that begins with a word, as dictionaries."""
    sheet = book[name]
    head = next(row[0].row for row in sheet.iter_rows(max_row=40) if row[0].value == header)
    names = [cell.value for cell in sheet[head]]
    return [dict(zip(names, (cell.value for cell in row), strict=True)) for row in sheet.iter_rows(min_row=head + 1)]


def equal(cell, text):
    """Compare a cell of the workbook, unrounded, with a cell of a CSV."""
    if text == "":
        return not isinstance(cell, (int, float))
    return float(cell) == pytest.approx(float(text), abs=5e-4)


def cover_says_the_same(truth, book):
    compared = 0
    for row in sheet_rows(book, "封面与口径", "服务类型"):
        service = truth.services.get(row["服务类型"])
        if service is None or row["服务对象(分母)"] not in truth.groups or row["出行方式"] == "—":
            continue
        told = truth.summary["services"][service]
        if row["时限(分钟)"] != told["limit"] or messages.text(f"word.{told['mode']}") != row["出行方式"]:
            continue
        mine = truth.whole(service, truth.groups[row["服务对象(分母)"]])
        assert equal(row["人数(人)"], mine["people"])
        assert equal(row["已覆盖(人)"], mine["people_served"])
        assert equal(row["该指标覆盖率(%)"], mine["share"])
        compared += 1
    return compared


def sheets_of_coverage_say_the_same(truth, book):
    compared = 0
    detail = [row for row in sheet_rows(book, "覆盖率明细", "单元类型") if row["服务类型"] in truth.services]
    assert len(detail) == len(truth.rows)
    for row, mine in zip(detail, truth.rows.values(), strict=True):
        assert equal(row["人数(人)"], mine["people"])
        assert equal(row["该行口径下覆盖率(%)"], mine["share"])
    for row in sheet_rows(book, "三种口径对照", "单元类型"):
        if row["单元类型"] != "全域":
            continue
        service, group = truth.services[row["服务类型"]], truth.groups[row["服务对象"]]
        assert equal(row["路网时间覆盖率(%)"], truth.whole(service, group)["share"])
        limit = truth.summary["services"][service]["limit"]
        for way, word in (("std_distance", "标准距离"), ("std_radius", "直线半径")):
            mine = truth.standards.get(("study", "", service, way, limit, group))
            if mine is not None:
                assert equal(row[f"{word}已覆盖(人)"], mine["people_served"])
                assert equal(row[f"{word}覆盖率(%)"], mine["share"])
                compared += 1
    return compared


def lists_say_the_same(truth, book):
    needs = [row for row in sheet_rows(book, "三张清单-需求", "序号") if row["需求编号"] in truth.gaps]
    assert {row["需求编号"] for row in needs} == set(truth.gaps)
    for row in needs:
        assert equal(row["未覆盖人数(人)"], truth.gaps[row["需求编号"]]["people"])
    resources = {row["资源编号"] for row in sheet_rows(book, "三张清单-资源", "序号") if isinstance(row["序号"], int)}
    for row in sheet_rows(book, "三张清单-服务", "序号"):
        if isinstance(row["序号"], int):
            assert row["服务编号"] == f"{row['需求编号']}@{row['资源编号']}"
            assert row["需求编号"] in truth.gaps
            assert row["资源编号"] in resources
    listed = [row for row in sheet_rows(book, "服务覆盖缺口清单", "序号") if isinstance(row["序号"], int)]
    total = sum(float(row["people"]) for row in truth.gaps.values())
    assert sum(row["其中列入缺口(人)"] for row in listed) == pytest.approx(total, abs=0.01 * (1 + len(listed)))
    return len(needs)


def summary_says_the_same(truth):
    compared = 0
    for code, told in truth.summary["services"].items():
        for group, found in told.get("groups", {}).items():
            mine = truth.whole(code, group)
            assert equal(found["people"], mine["people"])
            assert equal(found["people_served"], mine["people_served"])
            assert equal(found["share"], mine["share"])
            compared += 1
        for found in told.get("standards", ()):
            mine = truth.standards["study", "", code, found["way"], found["limit_minutes"], found["group"]]
            assert equal(found["people_served"], mine["people_served"])
            assert equal(found["share"], mine["share"])
            compared += 1
        if told["test"] == "minutes":
            theirs = [float(row["people"]) for row in truth.gaps.values() if row["service"] == code]
            assert (told["gaps"], told["gap_people"]) == (len(theirs), pytest.approx(sum(theirs), abs=0.01))
    return compared


def page_says_the_same(truth):
    page = (truth.folder / "map.html").read_text(encoding="utf-8")
    content = content_of(page)
    coverage, units = content["coverage"], content["units"]
    assert len(coverage["unit"]) == len(truth.rows)
    for at, row in enumerate(truth.rows.values()):
        place = coverage["unit"][at]
        assert (units["kind"][place], units["id"][place]) == (row["unit_kind"], row["unit_id"])
        assert coverage["people"][at] == number(row["people"])
        assert coverage["served"][at] == number(row["people_served"])
    assert dict(zip(content["gaps"]["id"], content["gaps"]["people"], strict=True)) == {
        gap_id: float(row["people"]) for gap_id, row in truth.gaps.items()
    }
    return len(coverage["unit"])


def word_tables(path):
    """Return caption → rows of a Word file, read in the order of the text."""
    found, caption = {}, ""
    opened = docx.Document(str(path))
    for part in opened.iter_inner_content():
        if hasattr(part, "rows"):
            found[caption] = [[cell.text for cell in row.cells] for row in part.rows]
        elif part.style.name == "Caption":
            caption = part.text.split("　", 1)[-1]
    return found


def per_cent(text):
    return word_table.shown(float(text), "share", "zh")[0] if text else None


def word_says_the_same(truth, path, unit, name):
    tables = word_tables(path)
    compared = 0
    for row in tables[f"{name}三种口径覆盖率"][1:]:
        service = truth.services[row[0].split("（")[0]]
        group = truth.groups[row[1]]
        mine = truth.whole(service, group, unit=unit)
        assert row[2] == word_table.shown(float(mine["people"]), "people", "zh")[0]
        assert row[4] in {per_cent(mine["share"]), "未评估", "无服务对象"}
        assert (row[4] == per_cent(mine["share"])) == bool(mine["share"])
        limit = truth.summary["services"][service]["limit"]
        for way, at in (("std_distance", 6), ("std_radius", 8)):
            other = truth.standards.get((*unit, service, way, limit, group))
            if other is not None and other["share"]:
                assert row[at] == per_cent(other["share"])
                compared += 1
    return compared


def people_say_the_same(truth, tables, unit, name):
    """Compare the people of a unit and of those below it."""
    header, *lines = tables[f"{name}单元与人口"]
    groups = [truth.groups[cell.split("(")[0]] for cell in header[2:]]
    names = {(row["unit_kind"], row["unit_name"]): key[:2] for key, row in truth.rows.items()}
    kinds = {messages.text(f"word.{kind}"): kind for kind in ("community", "park", "district")}
    compared = 0
    for line in lines:
        mine = unit if line[0] == "合计" else names.get((kinds[line[0]], line[1]))
        for group, cell in zip(groups, line[2:], strict=True):
            known = {row["people"] for key, row in truth.rows.items() if (key[:2], key[5]) == (mine, group)}
            if known:
                assert cell in {word_table.shown(float(each), "people", "zh")[0] for each in known if each}
                compared += 1
    return compared


def matrix_says_the_same(truth, tables, unit, name):
    """Compare the shares of the headline groups, units × services."""
    names = {row["unit_name"]: key[:2] for key, row in truth.rows.items() if key[0] != "factory"}
    compared = 0
    for caption, (header, *lines) in tables.items():
        if not caption.startswith(f"{name}各单元服务覆盖率"):
            continue
        for line in lines:
            mine = unit if line[0] == "合计" else names[line[0]]
            for label, cell in zip(header[1:], line[1:], strict=True):
                if label not in truth.services:
                    continue
                service = truth.services[label]
                row = truth.whole(service, catalogue.service_types()[service].demand[0], unit=mine)
                if row["share"]:
                    assert cell == per_cent(row["share"])
                    compared += 1
    return compared


def counts_say_the_same(truth, path, name, book):
    """Compare how many facilities count: sentence, table, workbook and summary."""
    (header, *lines) = word_tables(path)[f"{name}服务设施（处）"]
    told = truth.summary["services"]
    for line in lines[:-1]:
        found = told[truth.services[line[0]]]
        assert line[1] == str(found["counted"])
        assert line[2:] == [str(found["listed"][state]) for state in ("planned", "closed", "doubtful", "mobile")]
    total = sum(found["counted"] for found in told.values())
    assert lines[-1][1] == str(total)
    text = "\n".join(part.text for part in docx.Document(str(path)).paragraphs)
    assert f"计入覆盖的固定设施 {total} 处" in text
    assert f"计入覆盖 {total} 处" in book["设施台账"]["A2"].value
    cover = {row["服务类型"]: row["计入覆盖(处)"] for row in sheet_rows(book, "封面与口径", "服务类型")}
    assert {truth.services[label]: number for label, number in cover.items() if label in truth.services} == {
        code: found["counted"] for code, found in told.items()
    }
    return len(header) * len(lines)


def gap_tables_say_the_same(truth, tables, name, book):
    """Compare gaps, needs and offers of a report with the workbook's lists and with the CSV."""
    listed = {
        (row["缺口编号"], row["服务对象"]): row
        for row in sheet_rows(book, "服务覆盖缺口清单", "序号")
        if isinstance(row["序号"], int)
    }
    offers = {row["服务编号"]: row for row in sheet_rows(book, "三张清单-服务", "序号") if isinstance(row["序号"], int)}
    compared = 0
    for header, *lines in (
        tables.get(f"{name}服务覆盖缺口清单", [[]]),
        tables.get("需求清单", [[]]),
        tables.get("服务清单", [[]]),
    ):
        for line in lines:
            said = dict(zip(header, line, strict=True))
            if said.get("缺口编号") == "合计":
                continue
            if "缺口编号" in said:
                mine = listed[said["缺口编号"], said["服务对象"]]
                assert said["其中列入缺口(人)"] == word_table.shown(mine["其中列入缺口(人)"], "people", "zh")[0]
                assert said["覆盖率(%)"] == word_table.shown(mine["覆盖率(%)"], "share", "zh")[0]
            elif "未覆盖人数(人)" in said:
                people = float(truth.gaps[said["需求编号"]]["people"])
                assert said["未覆盖人数(人)"] == word_table.shown(people, "people", "zh")[0]
            else:
                mine = offers[f"{said['需求编号']}@{said['资源编号']}"]
                assert said["可新增覆盖(人)"] == word_table.shown(mine["可新增覆盖(人)"], "people", "zh")[0]
            compared += 1
    return compared


def parks_say_the_same(truth, path):
    """Compare every page of a park with the coverage of that park."""
    parks = {row["unit_name"]: key[:2] for key, row in truth.rows.items() if key[0] == "park"}
    compared = 0
    for caption, (_, *lines) in word_tables(path).items():
        name = caption.removesuffix("服务可达情况")
        if name not in parks or name == caption:
            continue
        for service, _, group, people, served, share, *_ in lines:
            mine = truth.whole(truth.services[service], truth.groups[group], unit=parks[name])
            assert people == word_table.shown(float(mine["people"]), "people", "zh")[0]
            assert not mine["share"] or share == per_cent(mine["share"])
            assert (
                not mine["people_served"] or served == word_table.shown(float(mine["people_served"]), "people", "zh")[0]
            )
            compared += 1
    return compared


def report_says_the_same(truth, path, unit, name, book):
    tables = word_tables(path)
    assert people_say_the_same(truth, tables, unit, name) > 0
    assert matrix_says_the_same(truth, tables, unit, name) > 0
    assert gap_tables_say_the_same(truth, tables, name, book) > 0


def everything_says_the_same(folder, name):
    truth = Truth(folder)
    with (folder / "report.xlsx").open("rb") as source:
        book = openpyxl.load_workbook(source, data_only=True)
    assert cover_says_the_same(truth, book) > 0
    assert sheets_of_coverage_say_the_same(truth, book) > 0
    assert lists_say_the_same(truth, book) > 0
    assert summary_says_the_same(truth) > 0
    assert page_says_the_same(truth) > 0
    assert word_says_the_same(truth, folder / "report.docx", ("study", ""), name) > 0
    assert counts_say_the_same(truth, folder / "report.docx", name, book) > 0
    assert parks_say_the_same(truth, folder / "parks.docx") > 0
    report_says_the_same(truth, folder / "report.docx", ("study", ""), name, book)
    for path in sorted((folder / "districts").iterdir()):
        code = path.stem.removeprefix("report_")
        district = next(row["unit_name"] for key, row in truth.rows.items() if key[:2] == ("district", code))
        assert word_says_the_same(truth, path, ("district", code), district) > 0
        report_says_the_same(truth, path, ("district", code), district, book)


def test_numbers_of_a_small_county(small):
    everything_says_the_same(small, "小县")


@pytest.mark.slow
@pytest.mark.parametrize("name", ["yongchun", "nanan", "quangang"])
def test_numbers_of_the_samples(name, tmp_path):
    study = geo.read_study(Path(geo.__file__).parents[1] / "layers" / name)
    geo.analyse(study).write(tmp_path / name)
    everything_says_the_same(tmp_path / name, study.head.name)


def test_gaps_of_the_report_add_up_to_those_of_the_list(small):
    truth = Truth(small)
    table = word_tables(small / "report.docx")["小县服务覆盖缺口清单"]
    at = table[0].index("其中列入缺口(人)")
    shown = [float(row[at].replace(",", "")) for row in table[1:]]
    assert table[-1][0] == "合计"
    assert shown[-1] == pytest.approx(sum(shown[:-1]))
    assert shown[-1] == pytest.approx(sum(float(row["people"]) for row in truth.gaps.values()))


def test_metres_are_minutes_at_walking_speed_where_there_is_no_slope(tmp_path):
    analysis = geo.analyse(write_small(tmp_path))
    mine = analysis.demand[analysis.demand["group"] == "residents"]
    minutes, metres = mine["minutes_gig_station"], mine["metres_gig_station"]
    near = metres.notna() & (metres < 4000)
    assert near.sum() > 50
    assert (metres[near] - minutes[near] * 75.0).abs().max() < 1e-6  # 4.5 km/h are 75 m a minute
    for _, row in analysis.standards.iterrows():
        if (row["unit_kind"], row["service"], row["demand"], row["mode"]) == (
            "study",
            "gig_station",
            "residents",
            "std_distance",
        ):
            served = mine.loc[metres <= float(row["limit_m"]), "people"].sum()
            assert row["people_served"] == pytest.approx(served)
