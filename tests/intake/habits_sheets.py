"""Workbooks as offices keep them."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING

from .case import CRS, Case, dropped
from .files import page, raw, text, xls, xlsx

if TYPE_CHECKING:
    from pathlib import Path

HEAD = ["设施编码", "设施名称", "服务类型", "片区", "经度", "纬度"]
AT = {"crs": CRS}
TITLES = (None, "told", "title_rows")
FILLED = (None, "told", "merged_filled")


def station(number: int, *, area: str | None = "东片区", lon: object = 118.2, lat: object = 25.3) -> list[object]:
    return [f"S{number}", f"站{number}", "零工驿站", area, lon, lat]


PLAIN = [HEAD, station(1), station(2)]
NAMES = {"name": ["站1", "站2"]}
LETTER = [
    ["永春县零工驿站台账", None, None, None, None, None],
    ["填报单位：某局", None, None, "期次：2026Q4", None, None],
    HEAD,
    ["甲", "乙", "丙", "1", "2", "3"],
    station(1),
    station(2, area=None),
    ["小计", 2, None, None, None, None],
    HEAD,
    station(3, area="西片区"),
    ["二、在建", None, None, None, None, None],
    station(4, area="西片区"),
    ["总计", 4, None, None, None, None],
    ["注：坐标取自天地图", None, None, None, None, None],
    ["填表人：某某", None, "审核人：某某", None, "填报日期：2026-12-31", None],
]
LETTER_REPORT = (
    TITLES,
    FILLED,
    *dropped(
        r4="number_row",
        r7="sum_row",
        r8="header_again",
        r10="heading_row",
        r12="sum_row",
        r13="note_row",
        r14="note_row",
    ),
)
LETTER_CELLS = {"id": ["S1", "S2", "S3", "S4"], "district": ["东片区", "东片区", "西片区", "西片区"]}
TOWNS = [["编号", "名称", "常住人口", "经度", "纬度"], ["", "", "（人）", "（度）", "（度）"]]
WEB = [
    "<th>编号</th><th>名称</th><th>类型</th><th>片区</th><th>经度</th><th>纬度</th>",
    "<td>0001</td><td>站1</td><td>零工驿站</td><td rowspan=2>东片区</td><td>118.2</td><td>25.3</td>",
    "<td>0002</td><td>站&amp;2</td><td>零工驿站</td><td>118.2</td><td>25.3</td>",
    "<td colspan=6>合计：2</td>",
]


def _spreadsheet_of_formulas() -> list[list[object]]:
    rows = [[*HEAD, "容量"], *[[*station(number), 5] for number in range(1, 3)]]
    rows[2][6] = "=G2*2"
    return rows


def locked(folder: Path) -> Path:
    """Write what Excel writes under a password: an old container without a workbook in it."""
    path = xls(PLAIN, name="台账.xlsx")(folder)
    path.write_bytes(path.read_bytes().replace("Workbook".encode("utf-16-le"), "Encrypte".encode("utf-16-le")))
    return path


CASES = [
    Case(
        "xlsx with titles, column numbers, subtotals, a repeated header, a heading, notes and signatures",
        xlsx({"台账": LETTER}, merged={"台账": ["A1:F1", "D5:D6", "A13:F13"]}),
        options=AT,
        read=11,
        kept=4,
        report=LETTER_REPORT,
        cells=LETTER_CELLS,
    ),
    Case(
        "xls with the same",
        xls(LETTER, merged=[(0, 0, 0, 5), (4, 5, 3, 3), (12, 12, 0, 5)]),
        options=AT,
        read=11,
        kept=4,
        report=LETTER_REPORT,
        cells=LETTER_CELLS,
        needs=("xlrd", "xlwt"),
    ),
    Case(
        "xlsx with a header of two rows, 坐标 over 经度 and 纬度",
        xlsx(
            {
                "s": [
                    ["编码", "设施名称", "服务类型", "坐标", None],
                    [None, None, None, "经度", "纬度"],
                    ["S1", "站1", "零工驿站", 118.2, 25.3],
                ]
            },
            merged={"s": ["D1:E1", "A1:A2"]},
        ),
        options=AT,
        read=1,
        kept=1,
        cells={"id": ["S1"]},
    ),
    Case(
        "xlsx with units in a row below the header",
        xlsx({"s": [*TOWNS, ["C1", "东社区", "1200", 118.2, 25.3]]}),
        kind="community",
        options=AT,
        read=2,
        kept=1,
        report=dropped(r2="unit_row"),
        cells={"population": [1200.0]},
    ),
    Case(
        "xlsx with one number of people for two communities, in a merged cell",
        xlsx(
            {"s": [TOWNS[0], ["C1", "东社区", 1200, 118.2, 25.3], ["C2", "西社区", None, 118.3, 25.3]]},
            merged={"s": ["C2:C3"]},
        ),
        kind="community",
        options=AT,
        read=2,
        kept=2,
        report=((3, "doubtful", "merged_number"),),
        cells={"population": [1200.0, None]},
    ),
    Case(
        "xlsx with whole numbers as codes",
        xlsx({"s": [HEAD, [350525100201, *station(1)[1:]], [350525100202.0, *station(2)[1:]]]}),
        options=AT,
        read=2,
        kept=2,
        cells={"id": ["350525100201", "350525100202"]},
    ),
    Case(
        "xlsx with codes shown with zeros by their format",
        xlsx({"s": [HEAD, [7, *station(1)[1:]]]}, formats={"A2": "0000"}),
        options=AT,
        read=1,
        kept=1,
        cells={"id": ["0007"]},
    ),
    Case(
        "xlsx with an 18-digit code typed as a number",
        xlsx({"s": [HEAD, [350525100201123456, *station(1)[1:]], station(2)]}),
        options=AT,
        read=2,
        kept=2,
        report=((2, "doubtful", "digits_lost"),),
    ),
    Case(
        "xlsx with codes typed as text in scientific notation",
        xlsx({"s": [HEAD, *map(station, range(1, 20)), ["3.50583E+11", *station(20)[1:]]]}),
        options=AT,
        read=20,
        kept=20,
        report=((21, "doubtful", "scientific"),),
    ),
    Case(
        "xlsx with coordinates as text, in full-width digits",
        xlsx({"s": [HEAD, station(1, lon="１１８．２", lat="２５．３"), station(2, lon="118.2", lat=" 25.3 ")]}),
        options=AT,
        read=2,
        kept=2,
        report=((2, "repaired", "coordinates_mended"),),
        cells=NAMES,
    ),
    Case(
        "xlsx with several sheets, of which one holds the table",
        xlsx({"说明": [["本表由各乡镇填报"]], "台账": PLAIN, "空": []}),
        options=AT,
        read=2,
        kept=2,
        report=((None, "told", "sheet"),),
        cells=NAMES,
    ),
    Case(
        "xlsx with a sheet for every town",
        xlsx({"桃城镇": PLAIN, "五里街镇": [HEAD, station(3)]}),
        options=AT,
        read=2,
        kept=2,
        report=((None, "told", "sheet"), (None, "doubtful", "sheet_not_read")),
        says=("五里街镇", "about 1 rows"),
    ),
    Case(
        "xlsx with a hidden sheet of last year",
        xlsx({"2025": [HEAD, station(9)], "2026": PLAIN}, hidden=["2025"]),
        options=AT,
        read=2,
        kept=2,
        report=((None, "told", "sheet"),),
        cells=NAMES,
    ),
    Case(
        "xlsx in which the sheet that is named is not there",
        xlsx({"台账": PLAIN}),
        options={**AT, "layer": "台帐"},
        faults=(("no_such_layer", ()),),
        says=("it has 台账",),
    ),
    Case(
        "xlsx with formulas that no program has reckoned",
        xlsx({"s": _spreadsheet_of_formulas()}),
        options=AT,
        read=2,
        kept=2,
        report=((3, "doubtful", "formula_empty"),),
        cells={"capacity": [5.0, None]},
    ),
    Case(
        "xlsx with #N/A from a look-up",
        xlsx({"s": [[*HEAD, "容量"], [*station(1), 5], [*station(2), "#N/A"]]}),
        options=AT,
        read=2,
        kept=2,
        report=((3, "doubtful", "cell_error"),),
        cells={"capacity": [5.0, None]},
    ),
    Case(
        "xlsx with dates",
        xlsx({"s": [[*HEAD, "更新日期"], [*station(1), dt.date(2026, 3, 1)]]}),
        options=AT,
        read=1,
        kept=1,
        cells={"更新日期": ["2026-03-01"]},
    ),
    Case(
        "xls with dates",
        xls([[*HEAD, "更新日期"], [*station(1), dt.date(2026, 3, 1)]]),
        options=AT,
        read=1,
        kept=1,
        cells={"更新日期": ["2026-03-01"]},
        needs=("xlrd", "xlwt"),
    ),
    Case(
        "xlsx under the name xls",
        xlsx({"s": PLAIN}, name="台账.xls"),
        options=AT,
        read=2,
        kept=2,
        report=((None, "told", "read_as"),),
        cells=NAMES,
    ),
    Case(
        "xls under the name xlsx",
        xls(PLAIN, name="台账.xlsx"),
        options=AT,
        read=2,
        kept=2,
        report=((None, "told", "read_as"),),
        cells=NAMES,
        needs=("xlrd", "xlwt"),
    ),
    Case(
        "workbook of WPS, et",
        xls(PLAIN, name="台账.et"),
        options=AT,
        read=2,
        kept=2,
        cells=NAMES,
        needs=("xlrd", "xlwt"),
    ),
    Case(
        "web page that an office system exports as xls",
        page(WEB),
        options=AT,
        read=3,
        kept=2,
        report=((None, "told", "read_as"), FILLED, *dropped(r4="sum_row")),
        cells={"id": ["0001", "0002"], "name": ["站1", "站&2"], "district": ["东片区", "东片区"]},
    ),
    Case(
        "web page in UTF-8 that is exported as xls",
        page(WEB[:2], charset="utf-8"),
        options=AT,
        read=1,
        kept=1,
        report=((None, "told", "read_as"), (None, "told", "encoding")),
        cells={"name": ["站1"]},
    ),
    Case(
        "text with tabs that is exported as xls",
        text(["编号\t名称\t类型\t经度\t纬度", "1\t站1\t零工驿站\t118.2\t25.3"], name="导出.xls", encoding="gbk"),
        options=AT,
        read=1,
        kept=1,
        report=((None, "told", "read_as"), (None, "told", "encoding")),
        cells={"name": ["站1"]},
    ),
    Case("workbook under a password", locked, options=AT, faults=(("old_excel", ()),), needs=("xlwt",)),
    Case(
        "workbook cut off while it was copied",
        raw("台账.xlsx", b"PK\x03\x04" + bytes(300)),
        options=AT,
        faults=(("broken_file", ()),),
    ),
    Case(
        "xlsx with thousands of formatted empty rows",
        xlsx({"s": [*PLAIN, *[[None] * 6] * 3000]}),
        options=AT,
        read=2,
        kept=2,
        cells=NAMES,
    ),
    Case(
        "xlsx with a column of telephones without a telling name",
        xlsx({"s": [[*HEAD, "备用"], [*station(1), "13800000000"], [*station(2), "139 0000 0000"]]}),
        options=AT,
        read=2,
        kept=2,
        report=((None, "told", "personal_dropped"),),
    ),
]
