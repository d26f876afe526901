"""Names: townships against the official list, rows that repeat each other, headers that are nearly ours."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import geopandas as gpd
import numpy as np
import pandas as pd
import pyproj
import pytest
import shapely
from hypothesis import given, strategies as st

from geo.layers import duplicates, headers, read_table, towns
from geo.layers.findings import Findings
from geo.study_file import LayerSource

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

METRIC = pyproj.CRS.from_epsg(4548)
EAST, NORTH = 630_000.0, 2_800_000.0


def checked(names: Sequence[str], code: str | None) -> list[tuple[int | None, str, str]]:
    findings = Findings("communities", "a.csv")
    towns.check(pd.Series(names, dtype="str"), findings, rows=np.arange(2, 2 + len(names)), code=code)
    assert all(action == "doubtful" for _, action, _ in findings.repairs)
    return [(row, message.key, message.text("en")) for row, _, message in findings.repairs]


def test_the_official_names_are_those_of_the_list(shared: Path) -> None:
    table = pd.read_csv(shared / "data" / "quanzhou" / "towns.csv", dtype="str")
    assert [town.name for town in towns.official()] == table["name"].tolist()
    assert [town.county_code for town in towns.official()] == table["county_code"].tolist()
    counts = {code: len(towns.of_county(code)) for code in ("350505", "350525", "350583", "350500", "999999", "", None)}
    assert counts == {"350505": 8, "350525": 22, "350583": 27, "350500": 57, "999999": 0, "": 0, None: 0}


def test_official_names_raise_no_doubt() -> None:
    for code in ("350505", "350525", "350583"):
        names = [town.name for town in towns.of_county(code)]
        assert checked([*names, "", f" {names[0]} "], code) == []
    assert checked(["不存在镇"], None) == []


def test_a_county_whose_names_are_not_known_is_told() -> None:
    findings = Findings("communities", "a.csv")
    towns.check(pd.Series(["甲镇", "", "乙镇"], dtype="str"), findings, rows=np.arange(2, 5), code="110101")
    ((row, action, message),) = findings.repairs
    assert (row, action) == (None, "told")
    assert message.text("zh") == "没有 110101 的官方乡镇名单，2 行的乡镇名没有核对；请核对研究文件的 code"
    nameless = Findings("communities", "a.csv")
    towns.check(pd.Series(["", ""], dtype="str"), nameless, rows=np.arange(2, 4), code="110101")
    assert nameless.repairs == []


def test_misprints_of_published_reports_are_told_row_by_row_and_left() -> None:
    """仓桥镇 for 仑苍镇 and 英林街道 for 美林街道 stood in print."""
    found = checked(["仓桥镇", "水头镇", "英林街道", "仓桥镇"], "350583")
    assert [(row, key) for row, key, _ in found] == [
        (2, "layers.unknown_town"),
        (4, "layers.unknown_town"),
        (5, "layers.unknown_town"),
    ]
    assert "仑苍镇" in found[0][2]
    assert "near ones: 美林街道" in found[1][2]


def test_a_town_of_another_county() -> None:
    ((row, key, text),) = checked(["蓬壶镇"], "350583")
    assert (row, key) == (2, "layers.town_elsewhere")
    assert "belongs to 永春县" in text


@pytest.mark.parametrize(
    ("wrong", "code", "right"),
    [
        ("桃城", "350525", "桃城镇"),
        ("蓬湖镇", "350525", "蓬壶镇"),
        ("达铺镇", "350525", "达埔镇"),
        ("坑子口镇", "350525", "坑仔口镇"),
        ("前黄乡", "350505", "前黄镇"),
        ("雪峰开发区", "350583", "雪峰华侨经济开发区"),
    ],
)
def test_the_nearest_name_comes_first(wrong: str, code: str, right: str) -> None:
    assert towns.nearest(wrong, towns.of_county(code))[0] == right


@given(st.text(max_size=30))
def test_any_name_has_at_most_three_near_ones(name: str) -> None:
    near = towns.nearest(name, towns.official())
    assert len(near) <= 3
    assert set(near) <= {town.name for town in towns.official()}


def table(*rows: tuple[str, str, float, float]) -> gpd.GeoDataFrame:
    """Service points of (name, type, metres east, metres north)."""
    names, types, east, north = zip(*rows, strict=True) if rows else ((), (), (), ())
    shapes = gpd.points_from_xy(np.add(east, EAST), np.add(north, NORTH))
    return gpd.GeoDataFrame({"name": [*names], "type": [*types]}, geometry=shapes, crs=METRIC).astype({"name": "str"})


def repeated(*rows: tuple[str, str, float, float]) -> list[tuple[int, int]]:
    found = duplicates.pairs(table(*rows))
    return list(zip(found["first"], found["second"], strict=True))


def test_the_same_thing_twice_is_of_one_type_near_and_of_like_name() -> None:
    station = ("桃城镇零工驿站", "gig_station", 0.0, 0.0)
    assert repeated(station, ("桃城零工驿站", "gig_station", 20.0, 20.0)) == [(0, 1)]  # 28.3 m
    assert repeated(station, ("桃城零工驿站", "gig_station", 25.0, 25.0)) == []  # 35.4 m
    assert repeated(station, ("桃城镇零工驿站", "canteen_shared", 0.0, 0.0)) == []
    assert repeated(station, ("五里街零工之家", "gig_station", 0.0, 0.0)) == []
    assert repeated(station, ("“桃城镇” 零工驿站", "gig_station", 0.0, 30.0)) == [(0, 1)]


def test_neighbours_whose_numbers_differ_are_two() -> None:
    for one, other in (
        ("1号充电桩", "2号充电桩"),
        ("示例一社区食堂", "示例二社区食堂"),
        ("东门驿站", "西门驿站"),
        ("A区食堂", "B区食堂"),
    ):
        assert repeated((one, "t", 0.0, 0.0), (other, "t", 5.0, 0.0)) == []
        assert repeated((one, "t", 0.0, 0.0), (one, "t", 5.0, 0.0)) == [(0, 1)]


def test_a_remark_in_brackets_does_not_make_another_of_it() -> None:
    station = ("示例一社区零工驿站", "t", 0.0, 0.0)
    assert repeated(station, ("示例一社区零工驿站（一楼）", "t", 5.0, 0.0)) == [(0, 1)]
    assert repeated(station, ("示例一社区零工驿站（旧）", "t", 20.0, 0.0)) == [(0, 1)]
    assert repeated(("充电桩（1号）", "t", 0.0, 0.0), ("充电桩（2号）", "t", 5.0, 0.0)) == []


def test_what_tells_names_apart_weighs_more_than_what_all_share() -> None:
    at = ("t", 0.0, 0.0)
    assert repeated(("示例桥头社区零工驿站", *at), ("示例文庙社区零工驿站", *at)) == []
    assert repeated(("永春县人民医院驿站", *at), ("永春县中医医院驿站", *at)) == []
    assert repeated(("桃城社区零工驿站", *at), ("桃诚社区零工驿站", *at)) == [(0, 1)]
    assert repeated(("示例三零工驿站", *at), ("示例三社区零工驿站", *at)) == [(0, 1)]


def test_rows_without_name_or_type() -> None:
    assert repeated(("", "t", 0.0, 0.0), ("", "t", 3.0, 0.0), ("", "t", 3.5, 0.0)) == [(1, 2)]
    assert repeated(("甲", "", 0.0, 0.0), ("甲", "", 0.0, 0.0)) == []
    assert repeated() == []


def test_each_row_repeats_the_first() -> None:
    rows = [("甲站", "t", step * 10.0, 0.0) for step in range(4)]
    assert repeated(*rows) == [(0, 1), (0, 2), (0, 3)]


def test_rows_without_a_place_and_areas_repeat_nothing() -> None:
    points = table(("甲", "t", 0, 0), ("甲", "t", 0, 0), ("甲", "t", 0, 0))
    points.loc[0, "geometry"] = None
    points.loc[1, "geometry"] = shapely.box(EAST, NORTH, EAST + 1, NORTH + 1)
    assert duplicates.pairs(points).empty


def test_thousands_of_rows_in_one_place() -> None:
    rows = [(f"站{number}", "t", 0.0, 0.0) for number in range(1500)]
    assert repeated(*rows, ("站7", "t", 0.0, 0.0)) == [(7, 1500)]


@given(
    st.lists(
        st.tuples(st.sampled_from(["甲站", "乙站", ""]), st.sampled_from("ab"), st.integers(0, 60), st.just(0)),
        max_size=12,
    )
)
def test_pairs_are_those_of_the_slow_way(rows: list[tuple[str, str, int, int]]) -> None:
    wanted = [
        (first, second)
        for second, (name, kind, east, _) in enumerate(rows)
        for first in [
            n
            for n, (other, theirs, at, _) in enumerate(rows[:second])
            if theirs == kind and other == name and abs(at - east) <= (30 if name else 1)
        ][:1]
    ]
    assert repeated(*rows) == wanted


def parts(*, drops: tuple[bool, bool] = (False, False)) -> list[duplicates.Part]:
    """Two sources: the second repeats row 3 of the first in its row 2, and has one of its own."""
    one = table(("乙", "t", 500.0, 0.0), ("桃城驿站", "t", 0.0, 0.0))
    two = table(("桃城镇驿站", "t", 10.0, 0.0), ("丙", "t", 900.0, 0.0))
    return [
        duplicates.Part(Findings("service_points", name), np.array([2, 3]), frame, drop)
        for name, frame, drop in zip(("a.csv", "b.csv"), (one, two), drops, strict=True)
    ]


def test_repeated_rows_are_told_and_kept() -> None:
    given_parts = parts()
    stay = duplicates.tell(given_parts, kind="service")
    assert [mask.tolist() for mask in stay] == [[True, True], [True, True]]
    assert given_parts[0].findings.repairs == []
    ((row, action, message),) = given_parts[1].findings.repairs
    assert (row, action, message.key) == (2, "doubtful", "layers.duplicate")
    assert "“桃城驿站” in a.csv, row 3, a similar name, and lies 10 m from it" in message.text("en")


def test_repeated_rows_are_left_out_where_the_study_asks() -> None:
    given_parts = parts(drops=(False, True))
    assert [mask.tolist() for mask in duplicates.tell(given_parts, kind="service")] == [[True, True], [False, True]]
    ((row, action, message),) = given_parts[1].findings.repairs
    assert (row, action, message.key) == (2, "dropped", "layers.duplicate_dropped")


def test_layers_that_may_repeat() -> None:
    assert all(mask.all() for mask in duplicates.tell(parts(drops=(True, True)), kind="gate"))
    assert duplicates.tell([], kind="service") == []


def told(folder: Path, header: str, row: str, **options: Any) -> list[str]:
    path = folder / "points.csv"
    path.write_text(f"{header}\n{row}\n", encoding="utf-8")
    source = LayerSource(path=path.name, file=path, crs="EPSG:4326", **options)
    found = read_table(source, kind="service")
    return [message.text("en") for message in found.repairs["message"] if message.key == "layers.near_column"]


def test_headers_nearly_ours_are_told_not_taken(tmp_path: Path) -> None:
    header, row = "编号,类型,经度,纬度,运营状况,所属社区,备注", "1,零工驿站,118.2,25.3,停用,甲,好"
    assert told(tmp_path, header, row) == [
        'the column 运营状况 is not understood; if it is status, say so with columns = {status = "运营状况"}'
    ]
    assert told(tmp_path, header, row, columns={"status": "运营状况"}) == []
    assert told(tmp_path, header.replace("备注", "状态"), row.replace("好", "在用")) == []


def test_quotes_and_width_of_headers_do_not_matter() -> None:
    found = headers.match(["“名称”", "＂类型＂", "「经度」", "《纬度》"], "service", named={})
    assert list(found.values()) == ["name", "type", "lon", "lat"]
