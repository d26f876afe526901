"""CSV and xlsx as offices write them, and what the columns and cells of any table mean."""

from __future__ import annotations

import csv
import io
import sys
from typing import TYPE_CHECKING, Any

import openpyxl
import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings, strategies as st

from geo.errors import InputFaultsError
from geo.layers import TableRead, read_table
from geo.layers.findings import too_many
from geo.layers.headers import hold_phones, is_personal, match
from geo.layers.values import numbers, text_of
from geo.study_file import LayerSource

if TYPE_CHECKING:
    from pathlib import Path

HEAD = "编号,名称,类型,经度,纬度"


def read(path: Path, *, kind: str = "service", **options: Any) -> TableRead:
    keep = {name: options.pop(name) for name in ("keep_personal", "crs_out") if name in options}
    options.setdefault("crs", "EPSG:4326")
    return read_table(LayerSource(path=path.name, file=path, **options), kind=kind, **keep)


def station(number: int, *, type_: str = "零工驿站", lon: str = "118.2", lat: str = "25.3") -> str:
    return f"{number},站{number},{type_},{lon},{lat}"


def csv_of(folder: Path, lines: list[str], *, name: str = "stations.csv", encoding: str = "utf-8-sig") -> Path:
    path = folder / name
    path.write_bytes("\r\n".join(lines).encode(encoding))
    return path


def faults_of(path: Path, **options: Any) -> str:
    with pytest.raises(InputFaultsError) as caught:
        read(path, **options)
    assert caught.value.text("zh") != caught.value.text("en")
    return caught.value.text("en")


def said(found: TableRead, action: str) -> list[tuple[int | None, str, str]]:
    rows = found.repairs[found.repairs["action"] == action]
    return [
        (None if pd.isna(row) else int(row), message.key, message.text("en"))
        for row, message in zip(rows["row"], rows["message"], strict=True)
    ]


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-8", "gb18030", "utf-16"])
@pytest.mark.parametrize("delimiter", [",", "\t", ";"])
def test_csv_of_every_encoding_and_delimiter(tmp_path: Path, encoding: str, delimiter: str) -> None:
    lines = [line.replace(",", delimiter) for line in (HEAD, station(1), station(2))]
    found = read(csv_of(tmp_path, lines, encoding=encoding))
    assert found.table["name"].tolist() == ["站1", "站2"]
    assert ("encoding", encoding) in [
        (key.removeprefix("layers."), text.split()[4].rstrip(",")) for _, key, text in said(found, "told")
    ]


def test_a_stated_encoding_is_taken_and_a_wrong_one_is_a_fault(tmp_path: Path) -> None:
    path = csv_of(tmp_path, [HEAD, station(1)], encoding="gb18030")
    assert "gb18030" in faults_of(path, encoding="utf-8")
    assert read(path, encoding="gbk").table["name"].tolist() == ["站1"]
    assert "not-a-codec" in faults_of(path, encoding="not-a-codec")


def test_rows_are_counted_as_in_the_spreadsheet(tmp_path: Path) -> None:
    lines = [
        "永春县设施表",
        "",
        HEAD,
        station(1),
        '2,"站\n二",零工驿站,x,25.3',
        "",
        "合计,,,,",
        "7,七,零工驿站,118.2,25.3",
    ]
    lines += [station(number) for number in range(8, 30)]
    found = read(csv_of(tmp_path, lines))
    assert [(row, key) for row, key, _ in said(found, "dropped")] == [(6, "layers.empty_row"), (7, "layers.sum_row")]
    assert [(row, key) for row, key, _ in said(found, "kept")] == [(5, "layers.bad_coordinates")]
    assert found.table["name"].tolist()[:3] == ["站1", "站\n二", "七"]
    entry = found.inputs[0]
    assert (entry["rows_read"], entry["rows_kept"]) == (27, 27 - 2)


def test_an_open_quotation_mark_is_a_fault_and_an_inner_one_is_not(tmp_path: Path) -> None:
    assert "quotation mark" in faults_of(csv_of(tmp_path, [HEAD, '1,"站,零工驿站,118.2,25.3', station(2)]))
    found = read(csv_of(tmp_path, [HEAD, '1,暖"新"驿站,零工驿站,118.2,25.3']))
    assert found.table["name"].tolist() == ['暖"新"驿站']


def test_rows_longer_than_the_header_are_told(tmp_path: Path) -> None:
    lines = [HEAD, *[station(number) for number in range(1, 20)], station(20) + ",234"]
    assert [(row, text) for row, _, text in said(read(csv_of(tmp_path, lines)), "doubtful")] == [
        (21, "has more cells than the header: 234")
    ]
    assert "columns are shifted" in faults_of(csv_of(tmp_path, [HEAD, station(1) + ",2", station(2)]))


def test_codes_stay_text_and_missing_ids_are_made_from_rows(tmp_path: Path) -> None:
    lines = [HEAD, "0012,甲,零工驿站,118.2,25.3", "350525100201,乙,零工驿站,118.2,25.3", ",丙,零工驿站,118.2,25.3"]
    found = read(csv_of(tmp_path, lines))
    assert found.table["id"].tolist() == ["0012", "350525100201", "service-4"]
    assert found.repairs["id"].tolist() == [""] * len(found.repairs)


def test_codes_spoilt_by_a_spreadsheet_are_told(tmp_path: Path) -> None:
    lines = [HEAD, *[station(number) for number in range(1, 20)], "3.50583E+11,甲,零工驿站,118.2,25.3"]
    assert [(row, key) for row, key, _ in said(read(csv_of(tmp_path, lines)), "doubtful")] == [
        (21, "layers.scientific")
    ]


def test_same_ids_are_a_fault_that_names_the_rows(tmp_path: Path) -> None:
    text = faults_of(csv_of(tmp_path, [HEAD, station(1), station(2), station(1), station(1)]))
    assert text == "stations.csv (service_points) (rows 2, 4, 5): share ids with other rows: 1; give each its own"


def test_headers_are_known_by_what_they_mean() -> None:
    headers = ["序号", "OBJECTID", "设施名称", "服务类型", "人口（人）", "ＬＯＮ", " 纬度 ", "乡镇（街道）", "60岁以上"]
    assert match(headers, "service", named={}) == {
        "设施名称": "name",
        "服务类型": "type",
        "人口（人）": "population",
        "ＬＯＮ": "lon",
        " 纬度 ": "lat",
        "乡镇（街道）": "town",
        "60岁以上": "elders",
    }
    assert match(["场所编码", "场所名称"], "venue", named={}) == {"场所编码": "id", "场所名称": "name"}
    assert match(["场所编码"], "service", named={}) == {"场所编码": "venue"}
    assert match(["fclass", "type", "单行"], "street", named={}) == {"fclass": "highway", "单行": "oneway"}
    assert match(["a", "名称"], "service", named={"name": "a"}) == {"a": "name"}


def test_named_columns_win_and_missing_ones_are_a_fault_with_near_names(tmp_path: Path) -> None:
    path = csv_of(tmp_path, ["设施号,名称,服务的类型,经度,纬度", "1,甲,零工驿站,118.2,25.3"])
    text = faults_of(path)
    assert "lacks the column type" in text
    assert "near ones: 服务的类型" in text
    assert read(path, columns={"type": "服务的类型", "id": "设施号"}).table["id"].tolist() == ["1"]
    assert "near ones: 服务的类型" in faults_of(path, columns={"type": "服务类型"})
    assert "not a canonical column" in faults_of(path, columns={"typo": "服务的类型"}, set={"type": "gig_station"})


def test_all_faults_of_a_file_come_together(tmp_path: Path) -> None:
    path = csv_of(tmp_path, ["编号,名称,东", "1,甲,118", "1,乙,118"])
    text = faults_of(path, columns={"name": "无此列"}, where={"也无": [1]})
    assert [part in text for part in ("无此列", "也无", "type", "lon, lat", "(rows 2, 3): share ids")] == [True] * 5


def test_where_filters_and_is_told_once(tmp_path: Path) -> None:
    lines = [HEAD + ",等级", *[station(number) + f",{number % 2}" for number in range(1, 7)]]
    path = csv_of(tmp_path, lines)
    found = read(path, where={"等级": [1]})
    assert found.table["id"].tolist() == ["1", "3", "5"]
    assert [text for _, key, text in said(found, "told") if key == "layers.filtered"] == [
        "3 of 6 rows were left out by where"
    ]
    entry = found.inputs[0]
    assert (entry["rows_read"], entry["rows_filtered"], entry["rows_kept"]) == (6, 3, 3)
    assert read(path, where={"name": ["站2"]}).table["id"].tolist() == ["2"]
    assert "no rows left after where" in faults_of(path, where={"等级": [7]})


def test_set_gives_constants(tmp_path: Path) -> None:
    path = csv_of(tmp_path, ["名称,经度,纬度,类型", "甲,118.2,25.3,什么"])
    found = read(path, set={"type": "充电桩", "capacity": 4})
    assert found.table[["type", "capacity"]].to_numpy().tolist() == [["ev_charging", 4.0]]


def test_personal_columns_stop_here(tmp_path: Path) -> None:
    lines = [HEAD + ",联系电话,负责人,mobile,联络,备注", station(1) + ",13800000000,张三,13800000000,13900000000,好"]
    path = csv_of(tmp_path, lines)
    found = read(path)
    assert [name for name in found.table.columns if name in {"联系电话", "负责人", "联络", "备注"}] == ["备注"]
    assert found.table["mobile"].tolist() == [False]
    told = next(text for _, key, text in said(found, "told") if key == "layers.personal_dropped")
    assert told.endswith("联系电话, 负责人, mobile, 联络")
    assert "13800000000" not in found.table.to_csv() + found.repairs.to_csv()
    assert read(path, keep_personal=True).table["负责人"].tolist() == ["张三"]


def test_what_is_personal() -> None:
    personal = ["电话", "手机号码", "联系人", "身份证号", "Contact Person", "phone", "TEL", "e-mail", "姓名"]
    harmless = ["名称", "mobile", "牵头单位", "telescope", "hotel", "备注", "cellar", "name"]
    assert [is_personal(name) for name in personal] == [True] * len(personal)
    assert [is_personal(name) for name in harmless] == [False] * len(harmless)
    assert hold_phones(["138 0000 0000", "", "+86-13800000000"], strictly=True)
    assert hold_phones(["350583199001011234"], strictly=True)
    assert not hold_phones(["350525100201", "1", "是"], strictly=True)
    assert not hold_phones(["是", "否", "1"])


def test_a_mobile_column_that_says_yes_or_no_stays(tmp_path: Path) -> None:
    words = ["是", "流动", "true", "1", "YES", "否", "固定", "", "0", "No"]
    lines = [HEAD + ",移动", *[station(number) + f",{word}" for number, word in enumerate(words)]]
    assert read(csv_of(tmp_path, lines)).table["mobile"].tolist() == [True] * 5 + [False] * 5


def test_a_column_that_asks_whether_a_service_is_fixed(tmp_path: Path) -> None:
    words = ["是", "固定", "", "否", "流动", "0"]
    lines = [HEAD + ",是否固定", *[station(number) + f",{word}" for number, word in enumerate(words)]]
    assert read(csv_of(tmp_path, lines)).table["mobile"].tolist() == [False] * 3 + [True] * 3


def test_numbers_as_people_write_them(tmp_path: Path) -> None:
    cells = ["１２", '"1,234"', "—", "", "5", "6.0", "约300人", "-3"]
    lines = ["编号,名称,常住人口（人）,lon,lat"]
    lines += [f"{number},x,{cell},118.2,25.3" for number, cell in enumerate(cells, start=1)]
    lines += [f"{number},x,7,118.2,25.3" for number in range(9, 21)]
    found = read(csv_of(tmp_path, lines), kind="community")
    values = found.table["population"]
    assert values.dtype == "float64"
    assert [None if pd.isna(value) else value for value in values[:8]] == [12, 1234, None, None, 5, 6, None, None]
    assert [row for row, _, _ in said(found, "repaired")] == [2, 3]
    assert [(row, key) for row, key, _ in said(found, "kept")] == [(8, "layers.not_a_number"), (9, "layers.negative")]
    assert found.inputs[0]["rows_repaired"] == 2
    text = faults_of(csv_of(tmp_path, [*lines[:3], lines[7], lines[8]]), kind="community")
    assert "(rows 4): population is not a number in 1 of 4 rows (e.g. 约300人)" in text
    assert "(rows 5): population is negative in 1 of 4 rows (e.g. -3)" in text


def test_numbers_that_are_none() -> None:
    found = numbers(pd.Series(["1e999", "inf", "nan", "0x10", "1_000", "1,23", "1e3", "+4", "1,234,567.5"]))
    assert [None if pd.isna(value) else value for value in found.floats] == [None] * 6 + [1000.0, 4.0, 1234567.5]
    assert found.unreadable.tolist() == [True, True, False, True, True, True, False, False, False]


def test_dirt_is_removed_and_everything_else_is_data(tmp_path: Path) -> None:
    long = "长" * 10_000
    names = ["a\x00b", "\x07", "=HYPERLINK(1)", "{{7*7}}", "<script>", long]
    lines = [HEAD, *[f"{number},{name},零工驿站,118.2,25.3" for number, name in enumerate(names)]]
    found = read(csv_of(tmp_path, lines))
    assert found.table["name"].tolist() == ["ab", "\x07", "=HYPERLINK(1)", "{{7*7}}", "<script>", long]
    assert [text for _, key, text in said(found, "told") if key == "layers.dirt_removed"] == [
        "1 texts held characters that cannot be stored; these were taken out"
    ]


def test_text_of_a_message_is_data_too(tmp_path: Path) -> None:
    lines = [HEAD, *[station(number) for number in range(1, 20)], station(20, type_="{0.__class__}{x}")]
    (doubt,) = said(read(csv_of(tmp_path, lines), unknown="report"), "doubtful")
    assert "“{0.__class__}{x}”" in doubt[2]


def test_extra_columns_travel_and_make_room_for_ours(tmp_path: Path) -> None:
    path = csv_of(tmp_path, [HEAD + ",面积,state,面积,geometry", station(1) + ",01,好,2,g"])
    found = read(path).table
    assert found[["面积", "state_2", "面积_2", "geometry_2", "state"]].to_numpy().tolist() == [
        ["01", "好", "2", "g", "working"]
    ]


def types_and_states() -> list[tuple[str, str, str, str, bool, bool]]:
    return [
        ("gig_station", "", "gig_station", "working", False, True),
        ("零工市场", "在用", "gig_station", "working", False, True),
        (" 暖“新”驿站", "OPEN", "rest_station", "working", False, True),
        ('"暖""新""驿站"', "正常", "rest_station", "working", False, True),
        ("共享食堂", "在建", "canteen_shared", "planned", False, False),
        ("共享食堂", "拆除", "canteen_shared", "closed", False, False),
        ("共享食堂", "也许", "canteen_shared", "doubtful", False, False),
        ("流动服务", "在用", "mobile_service", "working", True, False),
    ]


def test_types_states_and_what_is_counted(tmp_path: Path) -> None:
    cases = types_and_states()
    lines = [HEAD + ",状态", *[station(n, type_=case[0]) + f",{case[1]}" for n, case in enumerate(cases)]]
    table = read(csv_of(tmp_path, lines)).table
    assert table[["type", "state", "mobile", "counted"]].to_numpy().tolist() == [list(case[2:]) for case in cases]
    assert table["type_original"].tolist()[1] == "零工市场"
    assert table["status"].tolist() == [case[1] for case in cases]


def test_an_unknown_type_is_a_fault_and_an_empty_one_in_a_single_row_is_not(tmp_path: Path) -> None:
    good = [station(number) for number in range(1, 20)]
    text = faults_of(csv_of(tmp_path, [HEAD, *good, station(20, type_="零工站点")]))
    assert "(rows 21): 1 of 20 rows have unknown service types" in text
    assert "零工站点 → 零工驿站" in text
    empty = read(csv_of(tmp_path, [HEAD, *good, station(20, type_="")]))
    assert [row for row, _, _ in said(empty, "doubtful")] == [21]
    assert empty.table["counted"].tolist() == [True] * 19 + [False]


def test_unknown_types_may_be_reported_only(tmp_path: Path) -> None:
    rows = [HEAD, *(station(number) for number in range(1, 10)), station(10, type_="零工站点"), station(11, type_="")]
    told = read(csv_of(tmp_path, rows), unknown="report")
    assert [row for row, _, _ in said(told, "doubtful")] == [11, 12]
    assert told.table.iloc[-2][["type", "type_original", "state", "counted"]].tolist() == [
        "",
        "零工站点",
        "doubtful",
        False,
    ]


def workbook(folder: Path, rows: list[list[object]], *, merged: tuple[str, ...] = ()) -> Path:
    book = openpyxl.Workbook()
    sheet = book.active
    assert sheet is not None
    for row in rows:
        sheet.append(row)
    for cells in merged:
        sheet.merge_cells(cells)
    path = folder / "台账.xlsx"
    book.save(path)
    return path


def test_a_workbook_from_an_office(tmp_path: Path) -> None:
    rows = [
        ["永春县设施台账", None, None, None, None, None],
        ["填报单位：某局", None, "期次：2026Q4", None, None, None],
        ["设施编码", "设施名称", "服务类型", "片区", "坐标", None],
        [None, None, None, None, "经度", "纬度"],
        [350525100201, "甲", "零工驿站", "东片区", 118.2, 25.3],
        [350525100202.0, "乙", "零工驿站", None, "１１８.2", 25.3],
        [None] * 6,
        [350525100203, "丙", "零工驿站", "西片区", 118.2, 25.3],
        ["合 计", 3, None, None, None, None],
        [None] * 6,
    ]
    found = read(workbook(tmp_path, rows, merged=("A1:F1", "E3:F3", "D5:D6")))
    assert found.table["id"].tolist() == ["350525100201", "350525100202", "350525100203"]
    assert found.table["district"].tolist() == ["东片区", "东片区", "西片区"]
    assert [row for row, _, _ in said(found, "dropped")] == [7, 9]
    assert [row for row, _, _ in said(found, "repaired")] == [6]
    assert (found.inputs[0]["rows_read"], found.inputs[0]["rows_kept"]) == (5, 3)


def test_the_sheet_is_the_one_named_or_the_one_with_headers(tmp_path: Path) -> None:
    book = openpyxl.Workbook()
    assert book.active is not None
    book.active.append(["说明"])
    for title, name in (("一", "甲"), ("二", "乙")):
        sheet = book.create_sheet(title)
        for line in (HEAD.split(","), [1, name, "零工驿站", 118.2, 25.3]):
            sheet.append(line)
    path = tmp_path / "book.xlsx"
    book.save(path)
    assert read(path).table["name"].tolist() == ["甲"]
    assert read(path, layer="二").table["name"].tolist() == ["乙"]
    assert "has no layer or sheet 三; it has Sheet, 一, 二" in faults_of(path, layer="三")


@pytest.mark.parametrize("name", ["a.csv", "a.xlsx", "a.geojson", "a.gpkg", "a.shp", "a.zip", "a.doc"])
@pytest.mark.parametrize(
    "data", [b"", b"\x89PNG\r\n\x1a\n" + bytes(range(256)), b"PK\x03\x04 cut", b'{"type": "Fea', b"<html>"]
)
def test_nonsense_is_a_fault_and_never_a_traceback(tmp_path: Path, name: str, data: bytes) -> None:
    path = tmp_path / name
    path.write_bytes(data)
    assert faults_of(path).startswith(f"{name} (service_points):")


def test_an_old_workbook_is_told_apart(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "a.xlsx"
    path.write_bytes(b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(500))
    monkeypatch.setitem(sys.modules, "xlrd", None)  # as without the extra
    assert "old .xls or under a password" in faults_of(path)


def test_a_damaged_old_workbook_is_a_fault(tmp_path: Path) -> None:
    pytest.importorskip("xlrd", reason="old workbooks need the extra xls")
    path = tmp_path / "a.xls"
    path.write_bytes(b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(500))
    assert "damaged" in faults_of(path)


def test_a_cut_workbook_is_a_fault(tmp_path: Path) -> None:
    path = workbook(tmp_path, [HEAD.split(","), [1, "甲", "零工驿站", 118.2, 25.3]])
    data = path.read_bytes()
    for size in (len(data) // 4, len(data) // 2, len(data) - 30):
        path.write_bytes(data[:size])
        assert "台账.xlsx (service_points):" in faults_of(path)


def test_a_header_without_rows_is_a_fault(tmp_path: Path) -> None:
    assert "has no rows" in faults_of(csv_of(tmp_path, [HEAD]))


def test_districts_may_lie_nowhere(tmp_path: Path) -> None:
    found = read(csv_of(tmp_path, ["片区编码,片区名称", "d1,东片区"]), kind="district", crs=None)
    assert found.table[["id", "name"]].to_numpy().tolist() == [["d1", "东片区"]]
    assert found.table.geometry.isna().all()
    assert "id" in faults_of(csv_of(tmp_path, ["说明", "x"]), kind="district", crs=None)


def test_text_of_every_kind_of_cell() -> None:
    cells = [None, float("nan"), pd.NaT, 1.0, 3.5, True, 12, "x", ["a", 1.0]]
    assert [text_of(cell) for cell in cells] == ["", "", "", "1", "3.5", "true", "12", "x", "a;1"]


def test_more_than_a_tenth_is_too_many() -> None:
    assert [too_many(*pair) for pair in ((0, 5), (1, 10), (10, 100), (11, 100), (1, 9))] == [
        False,
        False,
        False,
        True,
        True,
    ]


CELL = st.text(st.characters(codec="utf-8", exclude_characters="\r\n"), max_size=6)
ROW = st.one_of(
    st.just(["", "", "", "", ""]),
    st.just(["合计", "", "", "", ""]),
    st.tuples(CELL, CELL, st.sampled_from(["零工驿站", "共享食堂", "什么"]), st.just("118.2"), st.just("25.3")).map(
        list
    ),
)


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(rows=st.lists(ROW, min_size=1, max_size=12))
def test_no_row_is_ever_lost(tmp_path: Path, rows: list[list[str]]) -> None:
    buffer = io.StringIO(newline="")
    csv.writer(buffer).writerows([HEAD.split(","), *rows, ["last", "x", "零工驿站", "118.2", "25.3"]])
    path = tmp_path / "rows.csv"
    path.write_bytes(buffer.getvalue().encode("utf-8"))
    try:
        found = read(path, unknown="report")
    except InputFaultsError as error:
        assert {fault.message.key for fault in error.faults} <= {"layers.same_id", "layers.scientific_many"}  # noqa: PT017
        return
    entry, dropped = found.inputs[0], said(found, "dropped")
    assert entry["rows_read"] == len(rows) + 1
    assert entry["rows_kept"] == len(found.table) == len(rows) + 1 - len(dropped)
    assert len({row for row, _, _ in dropped}) == len(dropped)
