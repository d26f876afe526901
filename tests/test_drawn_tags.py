"""What the columns of a drawn street layer say, in the words of those who draw them."""

from __future__ import annotations

import csv
from importlib import resources
from pathlib import Path

import geopandas as gpd
import pandas as pd
import pytest
import shapely

from geo import drawn, drawn_tags
from geo.layers import read_table
from geo.study_file import LayerSource

PAGE = Path(__file__).parent.parent / "docs" / "modes.md"


def said(**columns: list[str]) -> drawn_tags.Said:
    return drawn_tags.read(pd.DataFrame(columns))


def drawn_file(folder: Path, **columns: list[object]) -> Path:
    """Write lines side by side, 100 m apart, one a row."""
    n = len(next(iter(columns.values())))
    lines = [shapely.LineString([(500000, 2800000 + 100 * at), (500500, 2800000 + 100 * at)]) for at in range(n)]
    path = folder / "道路.gpkg"
    gpd.GeoDataFrame(columns, geometry=lines, crs=4548).to_file(path)
    return path


def read(path: Path) -> pd.DataFrame:
    return read_table(LayerSource(path=path.name, file=path), kind="street").table


@pytest.mark.parametrize("header", ["单向通行", "单行线", "行驶方向", "方向", "通行方向"])
def test_one_way_under_every_header(tmp_path: Path, header: str) -> None:
    words = ["顺向", "正向", "单向", "是", "1", "逆向", "反向", "双向", "否", "0", ""]
    table = read(drawn_file(tmp_path, **{header: words}))
    found = drawn_tags.read(table)
    assert found.tags["oneway"].tolist() == ["yes"] * 5 + ["-1"] * 2 + [""] * 4
    assert found.unknown == {}


def test_a_compass_is_no_one_way_and_a_layer_of_cad_no_level(tmp_path: Path) -> None:
    table = read(drawn_file(tmp_path, 方向=["东西", "南北"], Layer=["道路中心线", "1"], layer_2=["a", "b"]))
    assert table["oneway"].tolist() == ["", ""]
    found = drawn_tags.read(read(drawn_file(tmp_path, 方向=["东西", "南北"], layer=["道路中心线", "注记"])))
    assert (found.level.tolist(), found.unknown) == ([0, 0], {})


@pytest.mark.parametrize("header", ["立交层", "层次", "桥隧", "高程层"])
def test_levels_in_words_and_numbers(tmp_path: Path, header: str) -> None:
    table = read(drawn_file(tmp_path, **{header: ["高架", "桥梁", "隧道", "地面", "2", "-1", None]}))
    found = drawn_tags.read(table)
    assert found.level.tolist() == [1, 1, -1, 0, 2, -1, 0]
    assert found.tags["bridge"].tolist() == ["yes", "yes", "", "", "", "", ""]
    assert found.tags["tunnel"].tolist() == ["", "", "yes", "", "", "", ""]


def test_heights_are_no_levels(tmp_path: Path) -> None:
    table = read(drawn_file(tmp_path, z=[12.5, 30.0], 层级=["1", "117.5"]))
    found = drawn_tags.read(table)
    assert found.level.tolist() == [1, 0]
    assert found.unknown == {"layer": {"117.5": 1}}


def test_a_class_that_is_a_bridge_or_a_tunnel() -> None:
    found = said(highway=["高架桥", "隧道", "国道", "高架桥", "高架桥"], layer=["", "", "", "地面", "0"])
    assert found.level.tolist() == [1, -1, 0, 0, 1]
    assert found.tags["highway"].tolist() == ["trunk", "unclassified", "trunk", "trunk", "trunk"]


def test_streets_that_are_not_built_are_nobody_s_and_told() -> None:
    found = said(highway=["规划路", "支路", "支路", "国道", "支路"], status=["", "在建", "现状", "规划", "看情况"])
    assert found.tags["highway"].tolist() == ["proposed", "construction", "tertiary", "proposed", "tertiary"]
    assert found.shut == {"规划路": 1, "在建": 1, "规划": 1}
    assert found.unknown == {"status": {"看情况": 1}}


def test_what_is_not_understood_is_told_with_its_count(tmp_path: Path) -> None:
    table = read(
        drawn_file(tmp_path, 通行方向=["潮汐", "潮汐", "双向"], 层级=["一层", "1", "2"], 状态=["规划", "", ""])
    )
    told = {message.key: message for message in drawn.from_lines(table, where="x").attrs["told"]}
    assert "2 条线的单行方向看不懂，按双向通行处理：潮汐 (2)" in told["streets.unknown_oneway"].text("zh")
    assert "1 lines have a level that is not understood" in told["streets.unknown_level"].text("en")
    assert "1 条线未建成或已停用，不参与计算：规划 (1)" in told["streets.shut"].text("zh")


def test_the_page_has_every_word() -> None:
    lines = resources.files("geo.data").joinpath("street_words.csv").read_text(encoding="utf-8").splitlines()
    page = PAGE.read_text(encoding="utf-8")
    for row in csv.DictReader(lines):
        words = " ".join(f"`{word}`" for word in row["words"].split(";"))
        assert f"| `{row['column']}` | {words} | `{row['means']}` |" in page
