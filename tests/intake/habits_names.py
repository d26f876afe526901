"""Columns, types and states as people call them."""

from __future__ import annotations

from .case import CRS, Case
from .files import text

AT = {"crs": CRS}
UTF8 = (None, "told", "encoding")
IDS = (None, "told", "ids_given")
PLACE = "118.2,25.3"


def stations(*words: str, head: str = "编号,名称,类型,状态") -> list[str]:
    return [f"{head},经度,纬度", *(f"{n},站{n},{word},118.{200 + n},25.3" for n, word in enumerate(words, start=1))]


CASES = [
    Case(
        "headers in full-width signs with units and blanks",
        text(["编　号,设施名称 ,服务类型：,ＬＯＮ,纬度（度）", f"1,甲,零工驿站,{PLACE}"]),
        options=AT,
        read=1,
        kept=1,
        report=(UTF8,),
        cells={"id": ["1"], "name": ["甲"]},
    ),
    Case(
        "types by aliases, with quotation marks of every kind",
        text(stations("零工市场,", "暖“新”驿站,", "暖新驿站,")),
        options=AT,
        read=3,
        kept=3,
        report=(UTF8,),
        cells={"type": ["gig_station", "rest_station", "rest_station"]},
    ),
    Case(
        "a type that nobody knows",
        text(stations("零工驿站,", "零工站点,")),
        options=AT,
        report=(UTF8,),
        faults=(("unknown_type_many", (3,)),),
        says=("零工驿站",),
    ),
    Case(
        "states of every kind",
        text(stations("零工驿站,在用", "零工驿站,在建", "零工驿站,停用", "零工驿站,也许")),
        options=AT,
        read=4,
        kept=4,
        report=(UTF8, (5, "doubtful", "unknown_status")),
        cells={"state": ["working", "planned", "closed", "doubtful"], "counted": [True, False, False, False]},
    ),
    Case(
        "a column of types under a name that is only like it",
        text(["编号,名称,服务的类型,经度,纬度", f"1,甲,零工驿站,{PLACE}"]),
        options=AT,
        report=(UTF8,),
        faults=(("missing_column", ()),),
        says=("near ones: 服务的类型",),
    ),
    Case(
        "a column that the study names",
        text(["编号,名称,服务的类型,经度,纬度", f"1,甲,零工驿站,{PLACE}"]),
        options={**AT, "columns": {"type": "服务的类型"}},
        read=1,
        kept=1,
        report=(UTF8,),
    ),
    Case(
        "a column that the study names and the file has not",
        text(["编号,名称,服务的类型,经度,纬度", f"1,甲,零工驿站,{PLACE}"]),
        options={**AT, "columns": {"type": "服务类型"}},
        report=(UTF8,),
        faults=(("no_such_column", ()), ("missing_column", ())),
    ),
    Case(
        "rows without ids",
        text(["名称,类型,经度,纬度", f"甲,零工驿站,{PLACE}", "乙,零工驿站,118.3,25.3"]),
        options=AT,
        read=2,
        kept=2,
        report=(UTF8, IDS),
        cells={"id": ["service-2", "service-3"]},
    ),
    Case(
        "the same id twice",
        text(["编号,名称,类型,经度,纬度", f"1,甲,零工驿站,{PLACE}", "1,乙,零工驿站,118.3,25.3"]),
        options=AT,
        report=(UTF8,),
        faults=(("same_id", (2, 3)),),
    ),
    Case(
        "a table of the whole city, of which the county's rows are wanted",
        text(["编号,名称,类型,县,经度,纬度", f"1,甲,零工驿站,永春县,{PLACE}", "2,乙,零工驿站,南安市,118.3,25.3"]),
        options={**AT, "where": {"县": ["永春县"]}},
        read=2,
        kept=1,
        report=(UTF8, (None, "told", "filtered")),
        cells={"name": ["甲"]},
    ),
    Case(
        "whether fixed or mobile, in words",
        text(
            [
                "编号,名称,类型,固定/流动,经度,纬度",
                f"1,甲,零工驿站,固定,{PLACE}",
                "2,乙,零工驿站,流动,118.3,25.3",
                "3,丙,零工驿站,看情况,118.4,25.3",
            ]
        ),
        options=AT,
        read=3,
        kept=3,
        report=(UTF8, (4, "doubtful", "unclear_mobile")),
        cells={"mobile": [False, True, False]},
    ),
]
