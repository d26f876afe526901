from __future__ import annotations

from dataclasses import replace

import geopandas as gpd
import openpyxl
import pandas as pd
import pytest
from shapely.geometry import Point

from geo.messages import Message, subject
from geo.reports import layout, workbook

REPAIRS_FROM = 12  # line of the header
SHEETS = [
    *("封面与口径", "覆盖率", "设施台账", "场所台账", "邻里中心六功能", "一园一室一社一站", "服务覆盖缺口清单"),
    *("三张清单-需求", "三张清单-资源", "三张清单-服务", "问题销号台账", "与上期对比", "三种口径对照", "数据质量"),
    *("参数与版本", "覆盖率明细"),
]


def write_book(results, folder, *, lang="zh"):
    folder.mkdir(parents=True)
    workbook.write_workbook(results, folder / "report.xlsx", lang=lang)


@pytest.fixture
def book(written):
    with (written / "report.xlsx").open("rb") as source:
        yield openpyxl.load_workbook(source)


def table(sheet, head):
    header = [cell.value for cell in sheet[head]]
    return [dict(zip(header, (cell.value for cell in row), strict=True)) for row in sheet.iter_rows(min_row=head + 1)]


def texts(book):
    return [cell for sheet in book for row in sheet.iter_rows() for cell in row if isinstance(cell.value, str)]


def test_sheets_are_named_and_headed(book):
    assert book.sheetnames == SHEETS
    assert book["覆盖率"]["A1"].value == "试验县服务覆盖率表"
    for sheet in book:
        origin = sheet["C2" if sheet.title == "服务覆盖缺口清单" else "A2"].value  # beside what every page repeats
        assert "示例数据" in origin
        assert "期次：2026Q4（数据截至 2026-12-31）" in origin
        assert sheet.freeze_panes is not None
        assert sheet.auto_filter.ref is not None
        assert sheet.print_area
        assert (sheet.page_setup.orientation, sheet.page_setup.paperSize, sheet.page_setup.fitToHeight) == (
            "landscape",
            8 if sheet.title in {"服务覆盖缺口清单", "三种口径对照", "设施台账", "问题销号台账"} else 9,
            None if sheet.title == "封面与口径" else 0,  # one page is what a sheet has when nothing is said
        )


def test_only_our_own_sums_are_formulas(book):
    formulas = {(cell.parent.title, cell.coordinate): cell.value for cell in texts(book) if cell.data_type == "f"}
    assert {value.split("(")[0] for value in formulas.values()} == {"=SUMIF", "=SUBTOTAL", "=COUNTIF"}
    summed = {
        "覆盖率",
        "服务覆盖缺口清单",
        "一园一室一社一站",
        "邻里中心六功能",
        "三张清单-需求",
        "三张清单-服务",
        "场所台账",
    }
    assert {"覆盖率", "服务覆盖缺口清单"} <= {title for title, _ in formulas} <= summed
    assert not any("HYPERLINK" in value or "@SUM" in value for value in formulas.values())
    assert any(cell.value.startswith("=HYPERLINK") and cell.data_type == "s" for cell in texts(book))
    assert not any(cell.hyperlink for cell in texts(book))


def test_matrix_shows_headline_shares_words_and_the_sum(book):
    rows = {row["单元编码"] or row["单元类型"]: row for row in table(book["覆盖率"], 3) if row["单元类型"]}
    gig = "零工驿站步行15分钟覆盖率（常住人口）（%）"
    elder = "长者食堂老年人步行15分钟覆盖率（老年人）（%）"
    assert rows["C1"][gig] == 900 / 1000
    assert rows["P1"][gig] == "—"
    assert (rows["C1"][elder], rows["C2"][elder]) == (102 / 120, "未评估")
    assert rows["P1"]["亲清茶室（每单元一处，有/无）"] == "有"
    assert rows["合计"][gig] == pytest.approx((900 + 100.125) / 1600.5)
    assert rows["合计"]["常住人口(人)"].count("SUMIF") == 2
    assert [row["单元名称"] for row in rows.values()][1:3] == ["</script><b>{{ 7*7 }} ${1}", "社区以外"]


def test_the_sum_carries_its_value_for_readers_that_do_not_compute(written):
    with (written / "report.xlsx").open("rb") as source:
        rows = table(openpyxl.load_workbook(source, data_only=True)["覆盖率"], 3)
    total = next(row for row in rows if row["单元类型"] == "合计")
    assert total["常住人口(人)"] == 1000 + 500.5 + 100


def test_people_that_do_not_add_up_are_written_and_not_summed(results, tmp_path):
    table_ = results.coverage[results.coverage["unit_kind"] != "outside"]
    write_book(replace(results, coverage=table_), tmp_path / "t")
    with (tmp_path / "t" / "report.xlsx").open("rb") as source:
        rows = table(openpyxl.load_workbook(source)["覆盖率"], 3)
    assert next(row for row in rows if row["单元类型"] == "合计")["常住人口(人)"] == 1600.5


def test_three_classes_of_colour_leave_words_plain(book):
    rules = [rule for found in book["覆盖率"].conditional_formatting for rule in found.rules]
    assert len(rules) == 3
    assert all("ISNUMBER" in rule.formula[0] for rule in rules)


def test_detail_holds_every_row_of_the_coverage(book, results):
    rows = table(book["覆盖率明细"], 3)
    assert len(rows) == len(results.coverage)
    assert [row["服务类型"] for row in rows][-2:] == ["长者食堂", "亲清茶室"]


GAPS = "服务覆盖缺口清单"


def load(folder):
    with (folder / "report.xlsx").open("rb") as source:
        return openpyxl.load_workbook(source)


def test_gap_list_holds_one_group_of_one_unit_a_row(book):
    rows = table(book[GAPS], 3)
    first = rows[0]
    assert (first["缺口编号"], first["单元类型"], first["片区"], first["乡镇(街道)"]) == (
        "gig_station-C2-1",
        "社区",
        "东片区",
        "桃城镇",
    )
    assert (first["需求人数(人)"], first["已覆盖人数(人)"]) == (500.5, 100.125)
    assert (first["未覆盖人数(人)"], first["其中列入缺口(人)"]) == (500.5 - 100.125, 400.375)
    assert first["口径"] == "路网时间 步行15分钟"
    assert first["服务对象"] == "常住人口"
    assert first["备注"] == "边界待核"
    assert (rows[1]["建议措施"], rows[1]["单元名称"]) == ("选址新建或流动服务", "社区以外")
    assert [row["缺口等级"] for row in rows[:2]] == ["二级", "三级"]  # 400.375 and 10 people
    assert "零散" in rows[1]["备注"]
    assert rows[2]["缺口编号"] == "合计"
    assert rows[2]["未覆盖人数(人)"] == "=SUBTOTAL(9,N4:N5)"
    assert rows[2]["其中列入缺口(人)"] == "=SUBTOTAL(9,O4:O5)"


def test_gap_list_agrees_with_the_sheets_of_coverage_to_the_last_digit(results_with_workers, tmp_path):
    write_book(results_with_workers, tmp_path / "t")
    book = load(tmp_path / "t")
    gaps = [row for row in table(book[GAPS], 3) if isinstance(row["序号"], int)]
    assert [(row["单元名称"], row["服务对象"], row["缺口编号"]) for row in gaps] == [
        ("</script><b>{{ 7*7 }} ${1}", "常住人口", "gig_station-C2-1、-2"),
        ("社区以外", "常住人口", "gig_station-outside-rest"),
        ("</script><b>{{ 7*7 }} ${1}", "企业职工", "gig_station-C2-1"),
    ]
    matrix = {row["单元名称"]: row for row in table(book["覆盖率"], 3) if row["单元名称"]}
    detail = {
        (row["单元名称"] if row["单元编码"] != "—" else row["单元类型"], row["服务类型"], row["服务对象(分母)"]): row
        for row in table(book["覆盖率明细"], 3)
        if row["出行方式"] == "步行" and row["时限(分钟)"] == 15
    }
    compared = 0
    for row in gaps:
        theirs = detail[row["单元名称"], row["服务类型"], row["服务对象"]]
        assert (row["需求人数(人)"], row["已覆盖人数(人)"]) == (theirs["人数(人)"], theirs["已覆盖(人)"])
        assert row["未覆盖人数(人)"] == theirs["人数(人)"] - theirs["已覆盖(人)"]
        assert row["覆盖率(%)"] == theirs["该行口径下覆盖率(%)"]
        header = f"{row['服务类型']}步行15分钟覆盖率（{row['服务对象']}）（%）"
        if header in matrix[row["单元名称"]]:
            assert row["覆盖率(%)"] == matrix[row["单元名称"]][header]
            assert row["需求人数(人)"] == matrix[row["单元名称"]][f"{row['服务对象']}(人)"]
            compared += 1
    assert compared == 2
    assert gaps[0]["其中列入缺口(人)"] == 350.375 + 50.0
    assert (gaps[2]["覆盖率(%)"], gaps[2]["其中列入缺口(人)"]) == (36 / 37, 1.0)
    # The gap of both groups has a median of 22.1; its workers alone walk 17 to another place.
    assert (gaps[2]["时间(min)"], gaps[2]["最近设施(最大缺口)"]) == (17.0, "@SUM(1)")
    assert (gaps[0]["时间(min)"], gaps[0]["最近设施(最大缺口)"]) == ("超过 60 分钟", "—")


def test_people_of_units_not_assessed_are_told_above_the_list(results, tmp_path):
    services = {"gig_station": {"unjudged_not_served": {"residents": 1234.0, "workers": 0.0}}}
    write_book(replace(results, summary={**results.summary, "services": services}), tmp_path / "t")
    sheet = load(tmp_path / "t")[GAPS]
    assert sheet["C3"].value == "另有 1,234 人在未评估单元，不列缺口（零工驿站，常住人口）"
    assert table(sheet, 4)[2]["未覆盖人数(人)"] == "=SUBTOTAL(9,N5:N6)"
    assert sheet.auto_filter.ref.startswith("A4:")


@pytest.mark.parametrize(("limit", "said"), [(15.0, "超过 60 分钟"), (20.0, "超过 80 分钟")])
def test_beyond_the_horizon_is_said_as_minutes(results, tmp_path, limit, said):
    kind = replace(results.services["gig_station"], limit=limit)
    write_book(replace(results, services={**results.services, "gig_station": kind}), tmp_path / "t")
    book = load(tmp_path / "t")
    times = {row["缺口编号"]: row["时间(min)"] for row in table(book[GAPS], 3)}
    assert times["gig_station-outside-rest"] == said
    assert times["gig_station-C2-1"] == pytest.approx(22.123456)
    assert not any("无可达" in cell.value or "到不了" in cell.value for cell in texts(book))


def test_columns_that_nobody_knows_are_folded_and_those_filled_by_hand_stay(book):
    sheet = book[GAPS]
    shown = {
        cell.value: not sheet.column_dimensions[cell.column_letter].hidden
        for cell in sheet[3]
        if cell.column_letter in sheet.column_dimensions
    }
    assert {header for header, visible in shown.items() if not visible} >= {
        "距离(m，沿路)",
        "可盘活资源(名称，直线距离)",
        "上期状态",
    }
    assert all(shown.get(header, True) for header in ("建议措施", "建议点位", "责任单位", "完成时限", "状态", "备注"))


def test_districts_are_said_to_overlap(book):
    assert "片区可重叠，各片区人数不可相加" in book["覆盖率"]["A2"].value


@pytest.mark.parametrize(
    ("status", "said", "basis"),
    [
        ("V", "不符合", "15分钟就业服务圈"),
        ("S", "不判断（默认值）", "默认值（15分钟就业服务圈"),
        ("D", "不判断（默认值）", "默认值（15分钟就业服务圈"),
        ("O", "不判断（研究文件自定）", "研究文件自定"),
    ],
)
def test_passing_is_said_only_of_thresholds_that_were_read(results, tmp_path, status, said, basis):
    kind = replace(results.services["gig_station"], status=status)
    other = replace(results.services["canteen_elder"], status="D")
    services = {**results.services, "gig_station": kind, "canteen_elder": other}
    write_book(replace(results, services=services), tmp_path / "t")
    loaded = load(tmp_path / "t")
    assert table(loaded[GAPS], 3)[0]["是否达标"] == said
    verdicts = {cell.value for cell in texts(loaded)} & {"符合", "不符合"}
    assert verdicts == ({"符合", "不符合"} if status == "V" else set())  # C1 has 900 of 1,000, C2 less than a quarter
    assert basis_of(loaded)["零工驿站步行15分钟覆盖率（常住人口）"].startswith(basis)


def basis_of(book):
    sheet = book["封面与口径"]
    head = next(row[0].row for row in sheet.iter_rows() if row[0].value == "服务类型")
    return {row["指标（服务×方式×时限×分母）"]: row["时限依据"] for row in table(sheet, head)}


@pytest.mark.parametrize(("source", "said"), [("统计年鉴", "统计年鉴"), ("", "a.geojson、b.csv")])
def test_cover_names_the_source_or_the_files_that_were_read(results, tmp_path, source, said):
    head = results.study.head.model_copy(update={"source": source})
    inputs = [{"path": path} for path in ("deep/a.geojson", "C:\\data\\b.csv", "a.geojson", None)]
    study = results.study.model_copy(update={"head": head})
    write_book(replace(results, study=study, summary={**results.summary, "inputs": inputs}), tmp_path / "t")
    facts = {row[0].value: row[1].value for row in load(tmp_path / "t")["封面与口径"].iter_rows(max_row=12)}
    assert facts["数据来源"] == said


def test_a_doubtful_point_says_why(results, tmp_path):
    reason = {"layer": "service_points", "source": "p.csv", "row": 4, "action": "doubtful"}
    repairs = pd.DataFrame(
        [
            {**reason, "id": "S4", "message": Message("word.beyond", {"n": 7})},
            {**reason, "id": "S1", "message": "of a point that works"},
        ]
    )
    write_book(replace(results, repairs=repairs), tmp_path / "t")
    notes = {row["设施编码"]: row["备注"] for row in table(load(tmp_path / "t")["设施台账"], 3)}
    assert (notes["S1"], notes["S2"], notes["S4"]) == ("—", "不计入覆盖", "不计入覆盖；超过 7 分钟")


def test_ledger_lists_counted_first_and_nothing_personal(book):
    rows = table(book["设施台账"], 3)
    assert [row["设施编码"] for row in rows] == ["S1", "S5", "S2", "S3", "S4"]
    assert [row["固定/流动"] for row in rows] == ["固定", "流动", "固定", "固定", "固定"]
    assert [row["状态"] for row in rows] == [
        "在用",
        "在用",
        "在建/规划（原文：在建）",
        "停用/关闭（原文：停用）",
        "待核实（原文：不详）",
    ]
    assert [row["备注"] for row in rows] == ["—", *["不计入覆盖"] * 4]
    assert rows[0]["社区(村)/园区"].startswith("=HYPERLINK")
    assert 117.0009 < rows[0]["经度(°)"] < 117.0011  # 100 m east of the meridian of the zone
    assert rows[4]["经度(°)"] == "—"
    assert not any("13800138000" in cell.value for cell in texts(book))
    assert "计入覆盖 1 处；另列：在建/规划 1、停用/关闭 1、待核实 1、流动 1" in book["设施台账"]["A2"].value


def test_cover_gives_every_service_its_basis(book):
    sheet = book["封面与口径"]
    head = next(row[0].row for row in sheet.iter_rows() if row[0].value == "服务类型")
    rows = table(sheet, head)
    basis = {row["指标（服务×方式×时限×分母）"]: row["时限依据"] for row in rows}
    assert basis["零工驿站步行15分钟覆盖率（常住人口）"].startswith("默认值（15分钟就业服务圈")
    assert basis["零工驿站电动自行车15分钟覆盖率（企业职工）"].startswith("默认值（")
    assert basis["亲清茶室（每单元一处，有/无）"] == "—"
    assert basis["长者食堂老年人步行15分钟覆盖率（老年人）"].startswith("民发")
    facts = {row[0].value: row[1].value for row in sheet.iter_rows(max_row=head)}
    assert facts["数据性质"] == "示例数据"
    assert facts["等时圈栅格边长"] == "12.5 米"
    assert facts["出行速度"] == "步行 4.5 km/h（接入段 4.5 km/h）；驾车 按道路等级（接入段 4.5 km/h）"
    assert "0.12%" in facts["等时圈图形误差"]


def test_quality_and_parameters_say_what_was_read(book):
    quality = book["数据质量"]
    assert [cell.value for cell in quality[5]][:5] == ["步行", 3, 1, 0, 0]
    counts = table(quality, 8)
    assert [(row["图层"], row["读入(行)"], row["采用(行)"], row["修复(行)"]) for row in counts[:1]] == [
        ("社区", 2, 2, 1)
    ]
    repairs = table(quality, REPAIRS_FROM)
    assert [(row["图层"], row["行号"], row["处理"]) for row in repairs[:3]] == [
        ("社区", 3, "已修复"),
        ("服务点", "—", "提示"),
        ("—", "—", "提示"),
    ]
    assert repairs[0]["说明"] == '=HYPERLINK("http://x.example","x")分钟'
    inputs = table(book["参数与版本"], 3)[0]
    assert (inputs["SHA-256"], inputs["读入(行)"]) == ("ab" * 32, 2)
    pairs = {row[0].value: row[1].value for row in book["参数与版本"].iter_rows(min_row=5)}
    assert pairs["出行方式 · 步行 · 速度(km/h)"] == "4.5"
    assert pairs["geo"] == "0.1.0"


def test_quality_says_of_each_unit_whether_its_streets_are_known(book):
    sheet = book["数据质量"]
    rows = [[cell.value for cell in row] for row in sheet.iter_rows()]
    start = next(n for n, row in enumerate(rows) if str(row[0]).startswith("四、"))
    assert "超过 20% 的人未接入路网（离街道超过 300 米" in rows[start + 1][0]
    assert "人均 1.5 米" in rows[start + 1][0]
    found = [dict(zip(rows[start + 2], row, strict=True)) for row in rows[start + 3 :]]
    assert [row["单元编码"] for row in found] == ["C2", "C1"]  # not assessed first; nobody is in P1
    thin, known = found
    assert (thin["人均街道(米)"], thin["未评估的方式与人群"]) == (0.5, "步行 · 常住人口；老年人步行 · 老年人")
    assert thin["判断与原因"] == (
        "未评估（步行，常住人口）；范围内及周边道路仅 0.50 米/人（低于 1.5 米/人），路网过稀，不足以判断"
    )
    assert (known["街道密度(km/km²)"], known["离街道过远(%)"], known["只连孤立路段(%)"]) == (4, 0.125, 0)
    assert (known["判断与原因"], known["未评估的方式与人群"]) == ("可评估（步行，常住人口）", "—")


def test_english_on_demand(results, tmp_path):
    write_book(results, tmp_path / "t", lang="en")
    with (tmp_path / "t" / "report.xlsx").open("rb") as source:
        book = openpyxl.load_workbook(source)
    assert book.sheetnames[:2] == ["Cover and basis", "Coverage"]
    assert book["Coverage"]["A1"].value == "试验县: coverage by unit and service"


def test_a_long_text_is_cut_to_what_a_cell_holds(results, tmp_path):
    repairs = results.repairs.assign(id=["𠀀" * 20_000, "b" * 40_000])
    path = tmp_path / "report.xlsx"
    workbook.write_workbook(replace(results, repairs=repairs), path, lang="zh")
    with path.open("rb") as source:
        rows = table(openpyxl.load_workbook(source)["数据质量"], REPAIRS_FROM)
    assert rows[0]["编码"] == "𠀀" * 16_383 + "…"
    assert rows[1]["编码"] == "b" * 32_766 + "…"
    assert layout.fitted("b" * 32_767) == "b" * 32_767


def test_empty_tables_still_make_a_workbook(results, tmp_path):
    empty = {name: getattr(results, name).iloc[:0] for name in ("coverage", "gaps", "service_points", "repairs")}
    bare = replace(results, **empty, summary={}, services={}, surfaces={})
    write_book(bare, tmp_path / "t")
    with (tmp_path / "t" / "report.xlsx").open("rb") as source:
        assert openpyxl.load_workbook(source).sheetnames == SHEETS


def test_sheet_names_fit_excel():
    for lang in ("zh", "en"):
        names = [text for key, text in subject("report", lang).items() if key.startswith("sheet_")]
        assert len({name.casefold() for name in names}) == len(SHEETS)
        assert all(len(name) <= 31 and not set(name) & set("[]:*?/\\") for name in names)


@pytest.mark.parametrize(
    ("lang", "parameter", "said"),
    [
        ("zh", "服务 · 零工驿站 · 依据", "默认值（15分钟就业"),
        ("en", "Service · Gig-work station · basis", "default value (15-min"),
    ],
)
def test_parameters_name_the_basis_in_the_language_of_the_workbook(results, tmp_path, lang, parameter, said):
    given = {"services": {"gig_station": {"mode": "walk", "basis": "混 mixed"}}}
    write_book(replace(results, summary={**results.summary, "parameters": given}), tmp_path / "t", lang=lang)
    sheet = load(tmp_path / "t").worksheets[SHEETS.index("参数与版本")]
    assert {row[0].value: row[1].value for row in sheet.iter_rows(min_row=5)}[parameter].startswith(said)


def test_a_centre_has_what_stands_in_its_venue_or_beside_it(results, tmp_path):
    points = results.service_points.copy()
    points["id"] = ["N1", "E1", "K1", "G1", "N2"]
    points["type"] = ["neighborhood_center", "canteen_elder", "child_care", "gig_station", "neighborhood_center"]
    points["state"] = ["working", "working", "working", "planned", "closed"]
    points["counted"] = [True, True, True, False, False]
    points["mobile"] = False
    points["venue"] = ["V1", "V1", "", "V1", "V1"]
    east, north = points.geometry.iloc[0].x, points.geometry.iloc[0].y
    away = [(0, 0), (900, 0), (0, 49), (0, 0), (0, 0)]
    points.geometry = [Point(east + x, north + y) for x, y in away]
    write_book(replace(results, service_points=points), tmp_path / "t")
    sheet = load(tmp_path / "t")["邻里中心六功能"]
    rows = table(sheet, 4)
    assert [row["设施编码"] for row in rows[:-1]] == ["N1"]  # one that is closed is no centre
    said = {name: rows[0][name] for name in ("养(老有所养)", "育(幼有所育)", "食(食有所安)", "事(事有所办)")}
    assert said == {
        "养(老有所养)": "有：长者食堂",  # in the same venue, 900 m away on the map
        "育(幼有所育)": "有：共享托管服务中心",  # 49 m beside it
        "食(食有所安)": "有：长者食堂",
        "事(事有所办)": "无",  # what is planned gives nothing yet
    }
    assert (rows[0]["具备(项)"], rows[0]["缺少功能"]) == (3, "医、乐、事")
    assert rows[1]["养(老有所养)"] == '=COUNTIF(F5:F5,"有*")'


def test_presence_says_which_and_what_is_planned(results, tmp_path):
    points = results.service_points.copy()
    points["type"] = ["tea_room", "tea_room", "gig_station", "gig_station", "gig_station"]
    points["unit_park"] = ["P1", "P1", "", "", ""]
    write_book(replace(results, service_points=points), tmp_path / "t")
    row = table(load(tmp_path / "t")["一园一室一社一站"], 3)[0]
    assert (row["服务类型"], row["有/无"], row["在建/规划"]) == ("亲清茶室", "有", "@SUM(1)")
    assert row["在用设施"].startswith("=HYPERLINK")


def test_three_lists_share_their_ids(results, tmp_path):
    venues = gpd.GeoDataFrame(
        {"id": ["V1", "V2"], "name": ["馆", "满"], "capacity": [50.0, 5.0], "status": ["", ""]},
        geometry=[results.service_points.geometry.iloc[0]] * 2,
        crs=results.units.crs,
    )
    match = {"gap_id": "gig_station-C2-1", "service": "gig_station", "venue_id": "V1", "venue_name": "馆"}
    matches = pd.DataFrame([{**match, "people": 300.0, "minutes": 9.0, "metres": 456.0, "room": 50.0}])
    write_book(replace(results, context={"venues": venues}, matches=matches), tmp_path / "t")
    book = load(tmp_path / "t")
    need = table(book["三张清单-需求"], 4)[0]
    assert (need["需求编号"], need["匹配资源编号"]) == ("gig_station-C2-1", "V1")
    assert need["建议措施"] == "利用既有场所增设：馆"
    resources = table(book["三张清单-资源"], 4)
    assert [row["资源编号"] for row in resources[:-1]] == ["V1"]
    offer = table(book["三张清单-服务"], 4)[0]
    assert (offer["服务编号"], offer["可新增覆盖(人)"], offer["直线距离(m)"]) == ("gig_station-C2-1@V1", 300, 456)
    gap = table(book[GAPS], 3)[0]
    assert (gap["可盘活资源(名称，直线距离)"], gap["建议点位"]) == ("馆（456 米）", "馆")
