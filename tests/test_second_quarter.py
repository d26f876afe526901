"""A second quarter of the sample county: two services added, one closed, a street opened, a limit changed."""

from __future__ import annotations

import csv
import json
import shutil
from typing import TYPE_CHECKING, Any

import geopandas as gpd
import numpy as np
import osmium
import pytest
from small_county import ask

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.slow
CHANGED = "rest_station"
LIMIT = 15.0
SOLVED = {"gig_station-C06-1": "销号建议", "gig_station-C08-1": "销号建议", "neighborhood_center-C15-1": "改善"}


def open_street(path: Path, *ends: tuple[float, float]) -> None:
    """Add a footway between the nodes of streets that are nearest to two places."""
    nodes = [(item.id, item.lon, item.lat) for item in osmium.FileProcessor(str(path), osmium.osm.NODE)]
    used = {node.ref for way in osmium.FileProcessor(str(path), osmium.osm.WAY) for node in way.nodes}
    table = np.array([node for node in nodes if node[0] in used])
    near = [int(table[np.hypot(table[:, 1] - lon, table[:, 2] - lat).argmin(), 0]) for lon, lat in ends]
    fresh = path.with_name("fresh.osm.pbf")
    with osmium.SimpleWriter(str(fresh)) as writer:
        for item in osmium.FileProcessor(str(path)):
            writer.add(item)
        writer.add_way(osmium.osm.mutable.Way(id=9_000_000_001, version=1, nodes=near, tags={"highway": "footway"}))
    fresh.replace(path)


def second(study: Path, previous: Path) -> None:
    text = (study / "study.toml").read_text(encoding="utf-8").replace('"2026Q4"', '"2027Q1"')
    text = text.replace("[layers]", f"previous = '{previous.as_posix()}'\n\n[layers]", 1)
    (study / "study.toml").write_text(f"{text}\n[services.{CHANGED}]\nlimit = 10\n", encoding="utf-8")
    points = (study / "service_points.csv").read_text(encoding="utf-8-sig").splitlines()
    points = [line.replace("运行", "停用") if line.startswith("S015,") else line for line in points]
    points.append("S901,新邻里中心,党建+邻里中心,118.339565,25.351348,在用,,,,,")  # in the gap of C15
    points.append("S902,新零工驿站,零工驿站,118.244899,25.321492,在用,,,,,")  # in the gap of C06
    (study / "service_points.csv").write_text("\n".join([*points, ""]), encoding="utf-8")
    open_street(study / "streets.osm.pbf", (118.279444, 25.301339), (118.276220, 25.293573))  # C10 to its centre


def states(study: Path) -> dict[str, str]:
    with (study / "ledger.csv").open(encoding="utf-8-sig", newline="") as source:
        return {row["缺口编号"]: row["系统判断"] for row in csv.DictReader(source)}


@pytest.fixture(scope="module")
def quarters(tmp_path_factory: pytest.TempPathFactory, sample_layers: Path) -> dict[str, Any]:
    base = tmp_path_factory.mktemp("two")
    study = base / "study"
    shutil.copytree(sample_layers / "yongchun", study, ignore=shutil.ignore_patterns("ledger.csv*"))
    assert ask("run", study, "--out", base / "one").exit_code == 0
    first = states(study)
    second(study, base / "one" / "yongchun")
    assert ask("run", study, "--out", base / "two").exit_code == 0
    ledger = (study / "ledger.csv").read_bytes()
    assert ask("run", study, "--out", base / "two").exit_code == 0
    assert (study / "ledger.csv").read_bytes() == ledger
    return {"base": base, "first": first, "second": states(study)}


def people_of(quarters: dict[str, Any], name: str) -> tuple[gpd.GeoDataFrame, gpd.GeoDataFrame]:
    file = quarters["base"] / name / "yongchun" / "layers.gpkg"
    return gpd.read_file(file, layer="gaps"), gpd.read_file(file, layer="demand").set_index("id")


def expected_of(gap: Any, now: gpd.GeoDataFrame, gaps: gpd.GeoDataFrame) -> set[str]:
    """Return what a gap of the first quarter may be called, counted person by person (the raster's ids stay)."""
    ids = gap.demand_ids.split(";")
    minutes = now.loc[ids, f"minutes_{gap.service}"].fillna(np.inf)
    served = now.loc[ids, "people"][minutes <= LIMIT].sum()
    left = gaps.loc[gaps["gap_id"] == gap.gap_id, "people"]
    if left.empty:
        return {"销号建议"} if served >= 0.9 * gap.people else {"改善", "持续"}
    return {"改善"} if served >= 0.1 * gap.people and left.iloc[0] <= 0.9 * gap.people else {"持续"}


def test_every_state_of_the_ledger_is_the_one_counted_person_by_person(quarters: dict[str, Any]) -> None:
    before, _ = people_of(quarters, "one")
    gaps, now = people_of(quarters, "two")
    assert set(quarters["first"].values()) == {"新增"}
    assert set(quarters["first"]) == set(before["gap_id"])
    found = quarters["second"]
    for gap in before.itertuples():
        wanted = {"持续"} if gap.service == CHANGED else expected_of(gap, now, gaps)
        assert found[gap.gap_id] in wanted, gap.gap_id
    assert SOLVED.items() <= found.items()
    known = set(before["gap_id"])
    assert {gap: found[gap] for gap in gaps["gap_id"] if gap not in known} == {
        gap: "新增" for gap in gaps["gap_id"] if gap not in known
    }
    assert set(found) == known | set(gaps["gap_id"])


def test_the_opened_street_is_progress_and_the_changed_limit_none(quarters: dict[str, Any]) -> None:
    better = {gap for gap, state in quarters["second"].items() if state in {"改善", "销号建议"}}
    assert {gap.split("-")[0] for gap in better - set(SOLVED)}, "the street helps somebody whom no new service does"
    assert not [gap for gap in better if gap.startswith(CHANGED)]
    summary = json.loads((quarters["base"] / "two" / "yongchun" / "summary.json").read_text(encoding="utf-8"))
    assert summary["previous"]["period"] == "2026Q4"


def test_the_page_and_the_ids_of_all_outputs_agree(quarters: dict[str, Any]) -> None:
    place = quarters["base"] / "two" / "yongchun"
    gaps, _ = people_of(quarters, "two")
    table = (place / "gaps.csv").read_text(encoding="utf-8-sig").splitlines()
    assert [line.split(",")[0] for line in table[1:]] == gaps["gap_id"].tolist()
    assert set(gaps["gap_id"]) <= set(quarters["second"])
