"""CSV and TSV as people save them."""

from __future__ import annotations

from .case import CRS, Case, dropped
from .files import raw, text

HEAD = "编号,名称,类型,经度,纬度"
AT = {"crs": CRS}


def station(number: int, *, name: str = "", type_: str = "零工驿站", lon: str = "118.2", lat: str = "25.3") -> str:
    return f"{number},{name or f'站{number}'},{type_},{lon},{lat}"


def many(first: int, last: int) -> list[str]:
    return [station(number) for number in range(first, last + 1)]


UTF8 = ((None, "told", "encoding"),)
NAMES = {"name": ["站1", "站2"]}
TWO = [HEAD, station(1), station(2)]

CASES = [
    Case(
        "csv saved by Excel as UTF-8",
        text(TWO),
        options=AT,
        read=2,
        kept=2,
        report=UTF8,
        cells=NAMES,
        says=("utf-8-sig",),
    ),
    Case("csv in plain UTF-8", text(TWO, encoding="utf-8"), options=AT, read=2, kept=2, report=UTF8, cells=NAMES),
    Case(
        "csv saved by Excel as ANSI, that is GBK",
        text(TWO, encoding="gbk"),
        options=AT,
        read=2,
        kept=2,
        report=UTF8,
        cells=NAMES,
        says=("gb18030",),
    ),
    Case(
        "csv with a character that only GB 18030 has",
        text([HEAD, station(1, name="𠮷站")], encoding="gb18030"),
        options=AT,
        read=1,
        kept=1,
        report=UTF8,
        cells={"name": ["𠮷站"]},
    ),
    Case(
        "csv saved as Unicode text, that is UTF-16 with tabs",
        text([line.replace(",", "\t") for line in TWO], encoding="utf-16"),
        options=AT,
        read=2,
        kept=2,
        report=UTF8,
        cells=NAMES,
        says=("utf-16",),
    ),
    Case(
        "csv with semicolons",
        text([line.replace(",", ";") for line in TWO]),
        options=AT,
        read=2,
        kept=2,
        report=UTF8,
        cells=NAMES,
    ),
    Case(
        "tsv",
        text([line.replace(",", "\t") for line in TWO], name="stations.tsv"),
        options=AT,
        read=2,
        kept=2,
        report=UTF8,
        cells=NAMES,
    ),
    Case("csv with line ends of an old Mac", text(TWO, end="\r"), options=AT, read=2, kept=2, report=UTF8, cells=NAMES),
    Case(
        "csv with a title, a department and an empty line above the header",
        text(["永春县零工驿站一览表,,,,", "填报单位：县人社局,,,,2026年12月", ",,,,", *TWO]),
        options=AT,
        read=2,
        kept=2,
        report=(*UTF8, (None, "told", "title_rows")),
        cells=NAMES,
        says=("3 title rows", "line 4"),
    ),
    Case(
        "csv with sums, empty lines and signatures",
        text([*TWO, ",,,,", "合计,2,,,", "说明：坐标取自手机,,,,", "填表人：某,审核人：某,,,"]),
        options=AT,
        read=6,
        kept=2,
        cells=NAMES,
        report=(*UTF8, *dropped(r4="empty_row", r5="sum_row", r6="note_row", r7="note_row")),
    ),
    Case(
        "csv with a cell that holds a line break",
        text([HEAD, '1,"站\n一",零工驿站,118.2,25.3', station(2)], end="\n"),
        options=AT,
        read=2,
        kept=2,
        report=UTF8,
        cells={"name": ["站\n一", "站2"]},
    ),
    Case(
        "csv with a quotation mark that is never closed",
        text([HEAD, '1,"站,零工驿站,118.2,25.3', station(2)]),
        options=AT,
        report=UTF8,
        faults=(("open_quote", (2,)),),
    ),
    Case(
        "csv with a comma in one cell, so that its row is shifted",
        text([HEAD, *many(1, 19), "20,站,二十,零工驿站,118.2,25.3"]),
        options={**AT, "unknown": "report"},
        read=20,
        kept=20,
        report=(*UTF8, (21, "doubtful", "long_row"), (21, "doubtful", "unknown_type"), (21, "kept", "bad_coordinates")),
    ),
    Case(
        "csv with every row shifted",
        text([HEAD, "1,站,一,零工驿站,118.2,25.3"]),
        options=AT,
        report=UTF8,
        faults=(("long_row_many", (2,)), ("unknown_type_many", (2,)), ("bad_coordinates_many", (2,))),
    ),
    Case(
        "csv opened and saved by Excel, so that codes became 3.50583E+11",
        text([HEAD, *many(1, 18), "3.50583E+11,站19,零工驿站,118.2,25.3", "350583100201,站20,零工驿站,118.2,25.3"]),
        options=AT,
        read=20,
        kept=20,
        report=(*UTF8, (20, "doubtful", "scientific")),
        cells={"id": [*map(str, range(1, 19)), "3.50583E+11", "350583100201"]},
    ),
    Case(
        "csv in which every code became 3.50583E+11",
        text([HEAD, *(f"3.50583E+11,站{n},零工驿站,118.2,25.3" for n in range(3))]),
        options=AT,
        report=UTF8,
        faults=(("scientific_many", (2, 3, 4)), ("same_id", (2, 3, 4))),
    ),
    Case(
        "csv with codes that begin with zero",
        text([HEAD, "0012,甲,零工驿站,118.2,25.3"]),
        options=AT,
        read=1,
        kept=1,
        report=UTF8,
        cells={"id": ["0012"]},
    ),
    Case(
        "csv with two columns of the same name",
        text([HEAD + ",备注,备注", station(1) + ",a,b"]),
        options=AT,
        read=1,
        kept=1,
        report=(*UTF8, (None, "told", "same_header")),
        cells={"备注": ["a"], "备注_2": ["b"]},
    ),
    Case(
        "csv with numbers as people write them",
        text(
            [
                "编号,名称,常住人口（人）,lon,lat",
                "1,a,１２００,118.2,25.3",
                '2,b,"1,234",118.2,25.3',
                "3,c,300人,118.2,25.3",
                "4,d,—,118.2,25.3",
                *(f"{n},x,7,118.2,25.3" for n in range(5, 16)),
                "16,y,约300,118.2,25.3",
            ]
        ),
        kind="community",
        options=AT,
        read=16,
        kept=16,
        report=(
            *UTF8,
            (2, "repaired", "number_mended"),
            (3, "repaired", "number_mended"),
            (4, "repaired", "number_mended"),
            (17, "kept", "not_a_number"),
        ),
        cells={"population": [1200.0, 1234.0, 300.0, None, *[7.0] * 11, None]},
    ),
    Case(
        "csv that is empty", raw("空.csv", b"\xef\xbb\xbf \r\n"), options=AT, faults=(("empty_file", ()),), report=UTF8
    ),
    Case("csv with a header and nothing below", text([HEAD]), options=AT, report=UTF8, faults=(("no_rows", ()),)),
    Case(
        "csv that is a workbook under another name",
        raw("名单.csv", b"PK\x03\x04 damaged"),
        options=AT,
        report=((None, "told", "read_as"),),
        faults=(("broken_file", ()),),
    ),
    Case(
        "csv with NUL characters from a database export",
        text([HEAD, "1,站\0一,零工驿站,118.2,25.3"]),
        options=AT,
        read=1,
        kept=1,
        report=(*UTF8, (None, "told", "dirt_removed")),
        cells={"name": ["站一"]},
    ),
    Case(
        "csv with telephone numbers and names of people",
        text([HEAD + ",联系人,联系电话,备用", station(1) + ",张三,13800000000,13900000000"]),
        options=AT,
        read=1,
        kept=1,
        report=(*UTF8, (None, "told", "personal_dropped")),
        says=("联系人, 联系电话, 备用",),
    ),
    Case(
        "picture under the name of a csv",
        raw("图.csv", b"\x89PNG\r\n\x1a\n" + bytes(range(128, 256)) * 4),
        options=AT,
        faults=(("no_encoding", ()),),
    ),
]
