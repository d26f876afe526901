"""What is known of the streets of each unit, by hand on a tiny world, on the samples and on Ninghua."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
from adequacy_figures import of_streets, read_pieces
from hypothesis import given, strategies as st
from small_county import ask, write_county
from worlds import METRIC, box, spots, street, street_table

import geo
from geo import adequacy, areas, schema
from geo.catalogue import Ring, ServiceType
from geo.messages import Message
from geo.study_file import Adequacy

STUDIES = Path(__file__).parent / "studies"
WALK = ("walk", "residents")
BIKE = ("ebike", "residents")
WORK = ("walk", "workers")
# Two units of 100 m × 100 m, 1 km apart; a street of 200 m through A and on, one of 30 m in B; C has no outline.
STREETS = street_table([street((0, 50), (200, 50)), street((1000, 50), (1030, 50))])
LIMITS = Adequacy(detached_share=0.2, street_m_per_resident=1.5, around_m=10.0)


def layer(*shapes: Any, **columns: list[Any]) -> gpd.GeoDataFrame:
    return gpd.GeoDataFrame(columns, geometry=list(shapes), crs=METRIC)


UNITS = areas.build(
    {
        "communities": layer(box(0, 0, 100, 100), box(1000, 0, 1100, 100), id=["A", "B"], name=["甲", "乙"]),
        "parks": layer(None, id=["P"], name=["园"]),
    },
    METRIC,
)


def people_table(*rows: tuple[float, str, str, str, str, str]) -> gpd.GeoDataFrame:
    """Rows of people, group, community, park, and how they are linked on foot and by e-bike."""
    names = ["people", "group", "community", "park", "snap_status_walk", "snap_status_ebike"]
    table = pd.DataFrame(rows, columns=names).astype({"people": float}).assign(factory="", districts="")
    return gpd.GeoDataFrame(table, geometry=spots(*((float(n), 0.0) for n in range(len(rows)))), crs=METRIC)


PEOPLE = people_table(
    (30, "residents", "A", "", "ok", "ok"),
    (10, "residents", "A", "", "far", "far"),
    (5, "residents", "A", "", "ok", "island"),
    (15, "residents", "B", "", "ok", "ok"),
    (1, "residents", "B", "", "island", "ok"),
    (4, "workers", "", "P", "no_geometry", "no_geometry"),
    (6, "workers", "", "P", "ok", "ok"),
)


def figures(*asked: adequacy.Asked, people: gpd.GeoDataFrame = PEOPLE, **options: Any) -> pd.DataFrame:
    found = adequacy.known(people, UNITS, STREETS, asked or (WALK,), **{"limits": LIMITS, **options}).figures
    assert list(found.columns) == list(schema.ADEQUACY)
    return found.set_index(["unit_kind", "unit_id"])


def test_streets_by_ground_and_by_resident() -> None:
    """The ground of a square of 100 m with 10 m around: the square, four strips, and a circle in four quarters."""
    found = figures()
    ground_km2 = (100 * 100 + 4 * 100 * 10 + math.pi * 10**2) / 1e6
    a, b = found.loc["community", "A"], found.loc["community", "B"]
    assert a["ground_km2"] == pytest.approx(ground_km2, rel=1e-3)
    assert (a["street_km"], b["street_km"]) == (pytest.approx((100 + 10) / 1000), pytest.approx(30 / 1000))
    assert a["street_km_per_km2"] == pytest.approx(0.110 / a["ground_km2"])
    assert a["street_m_per_resident"] == pytest.approx(110 / (30 + 10 + 5))
    assert b["street_m_per_resident"] == pytest.approx(30 / (15 + 1))
    study = found.loc["study", ""]
    assert study["street_m_per_resident"] == pytest.approx((200 + 30) / (45 + 16))
    for kind, unit in (("park", "P"), ("study", ""), ("outside", "")):
        assert np.isnan(found.loc[(kind, unit), "street_km_per_km2"])


def test_shares_of_people_far_and_on_islands() -> None:
    found = figures()
    a, b, study = found.loc["community", "A"], found.loc["community", "B"], found.loc["study", ""]
    assert (a["people"], a["far_share"], a["island_share"], a["detached_share"]) == (45, 10 / 45, 0, 10 / 45)
    assert (b["far_share"], b["island_share"], b["detached_share"]) == (0, 1 / 16, 1 / 16)
    assert (study["far_share"], study["island_share"]) == (10 / 61, 1 / 61)


def test_who_has_no_place_is_not_attached_either() -> None:
    park = figures(WORK).loc["park", "P"]
    assert (park["far_share"], park["island_share"], park["detached_share"]) == (0, 0, 4 / 10)
    assert park["status"] == "not_assessed"


def test_the_reasons_name_figure_and_threshold() -> None:
    """A has 10 of 45 far, and 110 m for 45 residents; B has 30 m for 16."""
    found = figures(limits=LIMITS.model_copy(update={"street_m_per_resident": 2.0}))
    a, b = found.loc["community", "A"], found.loc["community", "B"]
    assert a["reason"] == Message("coverage.detached", {"share": "22%", "most": "20%"})
    assert b["reason"] == Message("coverage.thin", {"per_head": f"{30 / 16:.2f}", "least": "2"})
    assert (a["status"], b["status"]) == ("not_assessed", "not_assessed")
    known = figures().loc["community", "B"]
    assert (known["status"], known["reason"], known["not_assessed_for"]) == ("ok", "", "")


def test_a_point_has_no_ground_of_its_own_and_the_reason_says_so() -> None:
    """A as its middle alone: a street of 200 m passes through it, 20 m of it within 10 m, for 45 residents."""
    points = {"communities": layer(spots((50, 50))[0], box(1000, 0, 1100, 100), id=["A", "B"], name=["甲", "乙"])}
    limits = LIMITS.model_copy(update={"detached_share": 1.0, "street_m_per_resident": 2.0})
    known = adequacy.known(PEOPLE, areas.build(points, METRIC), STREETS, [WALK], limits=limits).figures
    a, b = known.set_index(["unit_kind", "unit_id"]).loc["community"].loc[["A", "B"]].to_dict("records")
    assert a["reason"] == Message("coverage.thin_point", {"per_head": f"{20 / 45:.2f}", "least": "2", "around_m": "10"})
    assert "请给出边界" in a["reason"].text("zh")
    assert b["reason"].key == "coverage.thin"


@pytest.mark.parametrize(
    ("limits", "status"),
    [
        ({"detached_share": 10 / 45, "street_m_per_resident": 110 / 45}, "ok"),
        ({"detached_share": 10 / 45 - 1e-9, "street_m_per_resident": 0.0}, "not_assessed"),
        ({"detached_share": 1.0, "street_m_per_resident": 110 / 45 + 1e-9}, "not_assessed"),
        ({"detached_share": 1.0, "street_m_per_resident": 2.0, "around_m": 0.0}, "ok"),
        ({"detached_share": 1.0, "street_m_per_resident": 2.3, "around_m": 0.0}, "not_assessed"),
    ],
)
def test_thresholds_are_the_study_s_own(limits: dict[str, float], status: str) -> None:
    """A has 110 m within 10 m of it, and 100 m inside, for 45 people of whom 10 are far."""
    found = figures(limits=LIMITS.model_copy(update=limits))
    assert found.loc[("community", "A"), "status"] == status


def test_the_way_and_group_with_most_people_off_the_streets_stand_for_the_unit() -> None:
    """By e-bike 5 more of A are on an island; the park has workers only."""
    found = figures(WALK, BIKE, WORK)
    a = found.loc["community", "A"]
    assert (a["mode"], a["far_share"], a["island_share"]) == ("ebike", 10 / 45, 5 / 45)
    assert a["not_assessed_for"] == "walk:residents;ebike:residents"
    assert found.loc["park", "P"][["mode", "group", "people"]].tolist() == ["walk", "workers", 10]
    both = people_table((3, "residents", "", "P", "ok", "ok"), (6, "workers", "", "P", "ok", "ok"))
    assert figures(WALK, WORK, people=both).loc["park", "P"][["group", "people"]].tolist() == ["workers", 6]
    only_bike = figures(WALK, BIKE, limits=LIMITS.model_copy(update={"detached_share": 0.25})).loc["community", "A"]
    assert (only_bike["not_assessed_for"], only_bike["mode"]) == ("ebike:residents", "ebike")


def test_nobody_is_no_demand_and_unknown_people_are_not_assessed() -> None:
    found = figures(WORK, unknown={("community", "B", "workers")})
    nobody, hidden = found.loc["community", "A"], found.loc["community", "B"]
    assert (nobody["status"], nobody["people"], nobody["reason"]) == ("no_demand", 0, "")
    assert np.isnan(nobody["far_share"])
    assert (hidden["status"], str(hidden["reason"])) == ("not_assessed", "没有企业职工人数")
    assert [each.unit_id for each in adequacy.told(found.reset_index())] == ["P"]


def test_what_is_asked_is_what_coverage_has() -> None:
    services = [
        ServiceType("a", "一", "A", demand=("residents", "workers"), also=(Ring("ebike", 15.0),)),
        ServiceType("b", "二", "B", demand=("residents",)),
    ]
    assert adequacy.asked_of(services) == [WALK, WORK, BIKE, ("ebike", "workers")]
    assert adequacy.asked_of([]) == [WALK]


@given(
    st.lists(
        st.tuples(
            st.integers(0, 50).map(float),
            st.just("residents"),
            st.sampled_from(["A", "B", ""]),
            st.just(""),
            st.sampled_from(schema.SNAP_STATUS),
            st.sampled_from(schema.SNAP_STATUS),
        ),
        min_size=1,
        max_size=30,
    )
)
def test_shares_against_sums_by_hand(rows: list[tuple[float, str, str, str, str, str]]) -> None:
    found = figures(people=people_table(*rows))
    for unit in ("A", "B"):
        mine = [(row[0], row[4]) for row in rows if row[2] == unit]
        whole, one = sum(n for n, _ in mine), found.loc["community", unit]
        assert one["people"] == whole
        if whole:
            off = sum(n for n, status in mine if status != "ok")
            assert one["far_share"] == sum(n for n, status in mine if status == "far") / whole
            assert one["detached_share"] == off / whole
            thin = found.loc[("community", unit), "street_m_per_resident"] < 1.5
            assert (one["status"] == "not_assessed") == bool(thin or off / whole > 0.2)


def test_even_ground_around_one_street() -> None:
    """Points 250 m and 750 m off a street of 3 km: half of the ground lies farther than 300 m."""
    pieces = street_table([street((0, 0), (3000, 0)), street((0, 0), (0, 1000)), street((3000, 0), (3000, 1000))])
    found = of_streets(pieces, cell_m=1000.0, spread_m=500.0)
    middle = found[found["unit_id"] == "c1"].iloc[0]
    assert (middle["people"], middle["far_share"], middle["status"]) == (2 * 2, 1 / 2, "not_assessed")
    assert middle["people_per_km2"] == pytest.approx((1000 + 2 * 300) / 1.5)


# -- in a study --------------------------------------------------------------------------------------


def test_every_output_says_what_is_known(tmp_path: Path) -> None:
    folder = write_county(tmp_path / "small")
    found = ask("run", folder, "--out", tmp_path / "out")
    assert found.exit_code == 0
    summary = json.loads((tmp_path / "out" / "small" / "summary.json").read_text(encoding="utf-8"))
    rows = {(row["unit_kind"], row["unit_id"]): row for row in summary["adequacy"]}
    written = gpd.read_file(tmp_path / "out" / "small" / "layers.gpkg", layer="communities").set_index("unit_id")
    assert len(written) == sum(kind == "community" for kind, _ in rows) > 0
    for unit_id, unit in written.iterrows():
        row = rows["community", str(unit_id)]
        assert unit["street_km_per_km2"] == pytest.approx(row["street_km_per_km2"], abs=1e-6)
        assert unit["adequacy_status"] == row["status"] == "ok"
        assert row["street_m_per_resident"] > 0
        assert row["far_share"] == unit["far_share"] == 0
    assert summary["parameters"]["adequacy"] == Adequacy().model_dump()


def test_check_and_run_name_the_units_and_the_reason(shared: Path) -> None:
    found = ask("check", STUDIES / "ninghua", "--data", shared / "data" / "ninghua")
    assert found.exit_code == 0
    lines = [line for line in found.stdout.splitlines() if "未评估" in line]
    assert len(lines) == 6
    assert any("城北一社区" in line and "0.53 米/人（低于 1.5 米/人）" in line for line in lines)


def test_thresholds_come_from_the_study_file(tmp_path: Path, shared: Path) -> None:
    folder = tmp_path / "ninghua"
    folder.mkdir()
    for file in sorted((STUDIES / "ninghua").iterdir()):
        text = file.read_text(encoding="utf-8")
        own = "\n[adequacy]\nstreet_m_per_resident = 0.5\n" if file.name == "study.toml" else ""
        (folder / file.name).write_text(text + own, encoding="utf-8")
    found = ask("check", folder, "--data", shared / "data" / "ninghua")
    assert sum("未评估" in line for line in found.stdout.splitlines()) == 3  # n2, n5, n6 lie below 0.5


# -- where the thresholds lie ------------------------------------------------------------------------


def residents(study: Path, *data: Path) -> pd.DataFrame:
    rows = pd.DataFrame(geo.analyse(geo.read_study(study, data=data)).summary["adequacy"])
    return rows[(rows["unit_kind"] == "community") & (rows["people"] > 0)]


def test_ninghua_lies_below_and_is_not_assessed(shared: Path) -> None:
    found = residents(STUDIES / "ninghua", shared / "data" / "ninghua")
    assert set(found["status"]) == {"not_assessed"}
    assert found["street_m_per_resident"].max() < 0.6


@pytest.mark.slow
@pytest.mark.parametrize("name", ["yongchun", "nanan", "quangang"])
def test_the_samples_lie_above(sample_layers: Path, name: str) -> None:
    found = residents(sample_layers / name)
    assert found["street_m_per_resident"].min() > 3.0
    assert set(found.loc[found["status"] == "not_assessed", "unit_id"]) == ({"C17"} if name == "yongchun" else set())


@pytest.mark.slow
def test_porto_alegre_lies_above_but_for_one_hexagon(shared: Path) -> None:
    found = residents(STUDIES / "portoalegre", shared / "data" / "portoalegre")
    assert (found["status"] == "not_assessed").sum() == 1
    assert found["street_m_per_resident"].nsmallest(2).iloc[1] > 1.5
    assert found["detached_share"].max() == 0


def test_even_ground_in_futian_is_known(shared: Path) -> None:
    found = of_streets(read_pieces(shared / "data" / "futian" / "futian_osmnx.graphml"), cell_m=500.0, spread_m=50.0)
    cells = found[found["unit_kind"] == "community"]
    assert len(cells) > 30
    assert set(cells["status"]) == {"ok"}
    assert cells["people_per_km2"].median() > 50_000
