"""The page of two periods: no script, nothing outside itself, text of the data stays text."""

from __future__ import annotations

import html
import re
from pathlib import Path
from typing import Any

import geopandas as gpd
import pandas as pd
import pyproj
import pytest
import shapely

from geo.maps import delta_page
from geo.messages import Message
from geo.past_results import PastResults, none_past

CRS = pyproj.CRS.from_epsg(4548)
HOSTILE = "</title><script>alert(1)</script>{{ 7*7 }} ${1}\"'"
STATES = ("new", "lasting", "better", "returned", "closing")


def table_of(rows: list[dict[str, Any]]) -> gpd.GeoDataFrame:
    return gpd.GeoDataFrame(rows, geometry="geometry", crs=CRS)


def square(number: int) -> shapely.Polygon:
    return shapely.box(500_000 + 900 * number, 2_800_000, 500_400 + 900 * number, 2_800_400)


def period(name: str, points: list[str]) -> PastResults:
    gaps = table_of(
        [{"gap_id": f"{HOSTILE}-{n}", "service": "hall", "geometry": square(n)} for n in range(len(STATES))]
    )
    places = [
        {"id": code, "name": HOSTILE, "type": "hall", "counted": True, "geometry": square(n).centroid}
        for n, code in enumerate(points)
    ]
    said = {"label": HOSTILE, "label_en": HOSTILE, "test": "minutes"}
    summary = {"study": {"id": "x", "name": HOSTILE, "period": name, "synthetic": True}, "services": {"hall": said}}
    units = table_of([{"unit_id": HOSTILE, "unit_name": HOSTILE, "geometry": square(0).buffer(5000)}])
    return PastResults(Path("x"), summary, gaps, none_past(gaps), gaps, units, table_of(places), None, "")


def page(lang: str = "zh") -> str:
    before, now = period("2026Q3", ["a", "b"]), period("2026Q4", ["a", "c"])
    table = pd.DataFrame(
        {"gap_id": now.gaps["gap_id"], "service": "hall", "state": STATES, "comparable": [True] * 4 + [False]}
    ).assign(people_before=100.0, people_now=50.0, minutes_before=20.0, minutes_now=float("inf"), grown=False)
    changes = [Message("changes.input", {"layer": HOSTILE, "before": HOSTILE, "now": HOSTILE})]
    return delta_page(before, now, table, now.gaps, changes=changes, lang=lang)


@pytest.mark.parametrize("lang", ["zh", "en"])
def test_it_runs_nothing_and_asks_for_nothing(lang: str) -> None:
    text = page(lang)
    assert "<script" not in text
    assert "default-src 'none'; style-src 'unsafe-inline'" in text
    assert not re.search(r"(?:src|href)\s*=\s*[\"'](?!#)", text)
    assert "url(#" in text
    assert not re.search(r"url\((?!#)", text)
    assert " on" not in re.sub(r">[^<]*<", "><", text).lower().replace(' content="', "")
    assert html.escape(HOSTILE) in text
    assert text == page(lang)


def test_changes_stand_before_numbers_and_every_state_is_in_the_legend() -> None:
    text = page()
    assert text.index("先看输入与口径的变化") < text.index("各类服务的缺口") < text.index("<figure>")
    for word in ("新增", "持续", "改善", "反弹", "销号建议", "示例数据", "北", "公里"):
        assert word in text
    assert text.count('stroke="#c00000"') == 2, "one point is gone, and the legend says what a cross is"


def test_a_county_without_gaps_or_outlines_still_makes_a_page() -> None:
    one = period("2026Q3", ["a"])
    bare = one._replace(gaps=one.gaps.iloc[:0], units=one.units.iloc[:0], points=one.points.iloc[:0])
    empty = pd.DataFrame({name: [] for name in ("gap_id", "service", "state", "comparable", "grown")})
    assert "</html>" in delta_page(bare, bare, empty, bare.gaps, changes=[])
