"""Headers, units and remarks as planners write them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .case import CRS, Case, dropped
from .files import points, text, vector, xlsx

if TYPE_CHECKING:
    import geopandas as gpd

AT = {"crs": CRS}
UTF8 = (None, "told", "encoding")
TITLES = (None, "told", "title_rows")
PLACES = ("118.20,25.3", "118.21,25.3", "118.22,25.3")


def communities(header: str, *cells: str) -> list[str]:
    rows = enumerate(zip(cells, PLACES, strict=False), start=1)
    return [f"编号,名称,{header},经度,纬度", *(f"C{n},社区{n},{cell},{place}" for n, (cell, place) in rows)]


def repaired(key: str, *rows: int) -> tuple[tuple[int, str, str], ...]:
    return tuple((row, "repaired", key) for row in rows)


def cut_table() -> gpd.GeoDataFrame:
    """Return points whose headers were cut at ten bytes of UTF-8."""
    own = {"设施编": ["a", "b"], "服务类": ["零工驿站", "共享食堂"], "联系电": ["13800000000", ""]}
    return points(["甲", "乙"], **own, 开放时=["早", "晚"])


SIDE = [
    ["名称", "类型", "经度", "纬度", None, "名称", "类型", "经度", "纬度"],
    ["甲", "零工驿站", 118.2, 25.3, None, "丙", "共享食堂", 118.3, 25.3],
    ["乙", "零工驿站", 118.21, 25.3, None, None, None, None, None],
]
RENAMED = ((None, "told", "same_header"),) * 4

CASES = [
    Case(
        "people counted in 万 by the header",
        text(communities("常住人口（万人）", "0.8764", "1.1412", "8200")),
        kind="community",
        options=AT,
        read=3,
        kept=3,
        report=(UTF8, *repaired("counted_in", 2, 3), (4, "doubtful", "not_counted_in")),
        cells={"population": [8764.0, 11412.0, 8200.0]},
        says=("population is headed 常住人口（万人）: 0.8764 was read as 8,764",),
    ),
    Case(
        "people counted in thousands behind a stroke, one cell in 万 of its own",
        text(communities("老年人口/千人", "1.9", "0.2万", "—")),
        kind="community",
        options=AT,
        read=3,
        kept=3,
        report=(
            UTF8,
            (None, "told", "no_people_column"),
            *repaired("counted_in", 2),
            *repaired("number_mended", 3),
        ),
        cells={"elders": [1900.0, 2000.0, None]},
    ),
    Case(
        "people counted in 万 by a row of units",
        xlsx({"s": [["编号", "名称", "人口"], ["", "", "万人"], ["C1", "东社区", 0.5]]}),
        kind="district",
        read=2,
        kept=1,
        report=(*dropped(r2="unit_row"), *repaired("counted_in", 3)),
        cells={"population": [5000.0]},
    ),
    Case(
        "people counted in 万 by the title",
        xlsx({"s": [["各片区人口", None, "单位：万人"], ["编号", "名称", "人口"], ["D1", "东片区", "1.25"]]}),
        kind="district",
        read=1,
        kept=1,
        report=(TITLES, *repaired("counted_in", 3)),
        cells={"population": [12500.0]},
    ),
    Case(
        "persons who run a place, by office",
        text(
            ["编号,名称,类型,法人,站长,网格员,管理员,法人单位,经度,纬度", f"1,甲,零工驿站,张,王,李,孙,某局,{PLACES[0]}"]
        ),
        options=AT,
        read=1,
        kept=1,
        report=(UTF8, (None, "told", "personal_dropped")),
        cells={"法人单位": ["某局"]},
        says=("法人, 站长, 网格员, 管理员",),
    ),
    Case(
        "a telephone among remarks, and numbers that are none",
        text(
            [
                "编号,名称,类型,备注,经度,纬度",
                f"1,甲,零工驿站,王师傅13812345678晚上在,{PLACES[0]}",
                f"2,乙,零工驿站,证件350583199001011234 电138-1234-5678,{PLACES[1]}",
                f"3,丙,零工驿站,流水号113812345678,{PLACES[2]}",
            ]
        ),
        options=AT,
        read=3,
        kept=3,
        report=(UTF8, *repaired("phone_removed", 2, 3)),
        cells={"备注": ["王师傅［电话略］晚上在", "证件［证件号略］ 电［电话略］", "流水号113812345678"]},
    ),
    Case(
        "shapefile whose headers are cut at ten bytes",
        vector(cut_table(), "站点.shp", encoding="utf-8"),
        options=AT,
        read=2,
        kept=2,
        report=(
            (None, "told", "encoding_of_cpg"),
            *((None, "told", "cut_header"),) * 4,
            (None, "told", "personal_dropped"),
        ),
        cells={"id": ["a", "b"], "type": ["gig_station", "canteen_shared"], "hours": ["早", "晚"]},
        says=("personal columns were left out: 联系电话",),
    ),
    Case(
        "xlsx with two tables side by side",
        xlsx({"s": SIDE}),
        options=AT,
        read=2,
        kept=2,
        report=(*RENAMED, (None, "told", "ids_given"), (None, "doubtful", "table_beside")),
        cells={"name": ["甲", "乙"]},
        says=("(F 名称, G 类型, H 经度, I 纬度), 1 rows of it filled",),
    ),
    Case(
        "states in the words of the offices",
        text(
            [
                "编号,名称,类型,状态,经度,纬度",
                *(
                    f"{n},站{n},零工驿站,{word},118.{200 + n},25.3"
                    for n, word in enumerate(
                        ["启用", "已建成", "投用", "建设中", "施工中", "已关停", "撤销", "闲置", "是", "1"], start=1
                    )
                ),
            ]
        ),
        options=AT,
        read=10,
        kept=10,
        report=(UTF8, (10, "doubtful", "unknown_status"), (11, "doubtful", "unknown_status")),
        cells={"state": ["working"] * 3 + ["planned"] * 2 + ["closed"] * 3 + ["doubtful"] * 2},
    ),
    Case(
        "a table without places, whose cure is TOML",
        text(["编号,名称,类型", "1,甲,零工驿站"]),
        options=AT,
        report=(UTF8,),
        faults=(("missing_column", ()),),
        says=(
            'lacks the column lon, lat; it has 编号, 名称, 类型. Name it with columns = {lon = "its header", lat = "its',
        ),
    ),
]
