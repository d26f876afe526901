"""Whole studies: what must hold in any result, and what is known of real and of synthetic counties."""

from __future__ import annotations

import csv
import json
import math
import re
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import geopandas as gpd
import numpy as np
import pyogrio
import pytest
import shapely
from small_county import (
    STUDY,
    ask,
    ask_shell,
    box,
    communities,
    csv_text,
    everything_below,
    features,
    osm,
    stations,
    write_county,
)

import geo
from geo import units
from geo.adequacy import judged, own_units
from geo.coverage import minutes_column
from geo.errors import Fault, GeoValueError, InputFaultsError
from geo.messages import Message
from geo.pipeline import rehearse

if TYPE_CHECKING:
    import pandas as pd

    from geo.analysis import Analysis

STUDIES = Path(__file__).parent / "studies"
TOLERANCE = 1e-9
SAMPLES = ("yongchun", "nanan", "quangang")


def total(table: pd.DataFrame, column: str = "people") -> float:
    return math.fsum(table[column].to_numpy(dtype=np.float64))


def near(value: float, wanted: float) -> bool:
    return math.isclose(value, wanted, rel_tol=TOLERANCE, abs_tol=1e-6)


def people_in(people: pd.DataFrame, kind: str, unit_id: str) -> np.ndarray:
    """Say who is counted in a unit."""
    if kind in {"community", "park", "factory"}:
        return (people[kind] == unit_id).to_numpy()
    if kind == "district":
        return people["districts"].str.split(";").map(lambda ids: unit_id in ids).to_numpy(dtype=bool)
    return (people["community"] == "").to_numpy() if kind == "outside" else np.ones(len(people), dtype=bool)


def is_plain_sum(row: NamedTuple, people: pd.DataFrame, minutes: np.ndarray) -> bool:
    """Say whether a row of the coverage table sums its people, or bears a reason why it does not."""
    inside = (people["group"] == row.demand).to_numpy() & people_in(people, row.unit_kind, row.unit_id)
    served = inside & units.within(minutes, row.limit_minutes)
    if math.isnan(row.people):  # nobody says how many they are
        return row.status == "not_assessed" and row.note.key == "coverage.unknown" and not inside.any()
    if not near(row.people, total(people[inside])):
        return False
    if row.status == "not_assessed":
        return math.isnan(row.share) and math.isnan(row.people_served) and bool(row.note)
    if not near(row.people_served, total(people[served])):
        return False
    return math.isnan(row.share) if row.people == 0 else near(row.share, row.people_served / row.people)


def coverage_faults(analysis: Analysis) -> list[NamedTuple]:
    """Return every row of the coverage table that is not the plain sum of its people."""
    wrong = []
    for service in analysis.services.values():
        for number, ring in enumerate(service.rings):
            minutes = analysis.demand[minutes_column(service, number)].to_numpy(dtype=np.float64)
            table = analysis.coverage
            rows = table[(table["service"] == service.code) & (table["mode"] == ring.mode)]
            assert set(rows["demand"]) == set(service.demand)
            wrong += [row for row in rows.itertuples() if not is_plain_sum(row, analysis.demand, minutes)]
    return wrong


def assert_communities_and_outside_are_the_study(analysis: Analysis) -> None:
    table = analysis.coverage
    keys = ["service", "mode", "demand", "limit_minutes"]
    timed = table[table["mode"] != "presence"]
    assert len(timed)
    for _, rows in timed.groupby(keys):
        whole = rows[rows["unit_kind"] == "study"]
        parts = rows[rows["unit_kind"].isin(["community", "outside"])]
        assert len(whole) == 1
        assert (parts["unit_kind"] == "outside").sum() <= 1
        assert near(total(parts), total(whole))
        if not set(rows["status"]) & {"not_assessed"}:
            assert near(total(parts, "people_served"), total(whole, "people_served"))


def assert_gaps_are_those_not_served(analysis: Analysis) -> None:
    people = analysis.demand
    for service in analysis.services.values():
        if service.test != "minutes":
            continue
        mine = people["group"].isin(service.demand).to_numpy()
        known = judged(own_units(people), service, analysis.coverage) & mine
        served = units.within(people[f"minutes_{service.code}"].to_numpy(dtype=np.float64), service.limit) & known
        gaps = analysis.gaps[analysis.gaps["service"] == service.code]
        assert near(total(gaps) + total(people[served]) + total(people[mine & ~known]), total(people[mine]))
        assert gaps["gap_id"].is_unique
        assert (gaps["people"] > 0).all()
        assert gaps["rank"].tolist() == sorted(gaps["rank"])


def assert_bands_nest(isochrones: gpd.GeoDataFrame) -> None:
    assert isochrones.geometry.is_valid.all()
    assert set(isochrones.geom_type) <= {"Polygon", "MultiPolygon"}
    for _, rows in isochrones[isochrones["combine"] == "dissolve"].groupby(["service", "mode"]):
        shapes = rows.sort_values("limit_minutes").geometry.to_numpy()
        assert len(shapes) == rows["limit_minutes"].nunique()
        beyond = shapely.area(shapely.difference(shapes[:-1], shapes[1:]))
        assert (beyond < 1e-3).all(), f"{beyond.max()} m² of a band lie outside the next"
        assert (np.diff(shapely.area(shapes)) >= 0).all()


def assert_summary_adds_up(analysis: Analysis) -> None:
    for found in analysis.summary["services"].values():
        for group, numbers in found.get("groups", {}).items():
            assert near(numbers["people"], analysis.summary["people"].get(group, 0.0))
            if numbers["people_served"] is not None:
                assert near(numbers["people_served"] + numbers["people_not_served"], numbers["people"])


def assert_files_say_the_same(analysis: Analysis, folder: Path) -> None:
    """Compare what was written with what was computed."""
    summary = json.loads((folder / "summary.json").read_text(encoding="utf-8"))
    assert summary["misplaced_share"] == pytest.approx(analysis.summary["misplaced_share"])
    with (folder / "coverage.csv").open(encoding="utf-8-sig", newline="") as source:
        rows = list(csv.DictReader(source))
    assert len(rows) == len(analysis.coverage)
    assert math.fsum(float(row["people"] or 0) for row in rows) == pytest.approx(
        math.fsum(analysis.coverage["people"].fillna(0)), abs=0.001 * len(rows)
    )
    names = {name for name, _ in pyogrio.list_layers(folder / "layers.gpkg")}
    wanted = ("communities", "parks", "districts", "service_points", "demand", "isochrones", "coverage", "gaps")
    assert set(wanted) <= names
    for name in wanted:
        layer = gpd.read_file(folder / "layers.gpkg", layer=name)
        assert layer.geometry.dropna().is_valid.all(), name
        if len(layer):
            assert layer.crs == analysis.units.crs, name
    assert len(gpd.read_file(folder / "layers.gpkg", layer="demand")) == len(analysis.demand)


def assert_holds(analysis: Analysis, folder: Path, *, misplaced: float = 0.005) -> None:
    """Assert what must hold in every result."""
    analysis.write(folder)
    assert coverage_faults(analysis) == []
    assert_communities_and_outside_are_the_study(analysis)
    assert_gaps_are_those_not_served(analysis)
    assert_bands_nest(analysis.isochrones)
    assert analysis.drawing.geometry.is_valid.all()
    assert_summary_adds_up(analysis)
    assert_files_say_the_same(analysis, folder)
    assert analysis.summary["misplaced_share"] < misplaced
    assert (analysis.demand["people"] >= 0).all()
    assert analysis.demand["id"].is_unique


def bytes_below(folder: Path) -> dict[str, bytes]:
    return {name: (folder / name).read_bytes() for name in everything_below(folder) if (folder / name).is_file()}


def test_a_small_county_holds(tmp_path: Path, small: Analysis) -> None:
    analysis = small
    assert analysis.summary["people"] == {"elders": 200 + 100, "residents": 1200 + 800, "workers": 500}
    for unit, people in (("west", 1200), ("east", 800)):
        here = (analysis.demand["community"] == unit) & (analysis.demand["group"] == "residents")
        assert near(total(analysis.demand[here]), people)
    assert analysis.summary["services"]["gig_station"]["listed"] == {
        "working": 3,
        "planned": 1,
        "closed": 0,
        "doubtful": 0,
        "mobile": 0,
    }
    assert_holds(analysis, tmp_path / "out")


def test_a_county_with_every_kind_of_unit_holds(tmp_path: Path) -> None:
    """Overlapping districts, a factory within the park, people outside communities, gates, a wall, closer zones."""
    layers = """
districts = "districts.geojson"
factories = "factories.geojson"
gates = "gates.geojson"
barriers = "walls.geojson"
"""
    wall = {"type": "LineString", "coordinates": [[118.2031, 25.2990], [118.2031, 25.3110]]}
    folder = write_county(
        tmp_path / "small",
        study_toml=STUDY + layers,
        **{
            "districts.geojson": features(
                [({"id": "d1", "name": "甲"}, box(0, 0, 6, 8)), ({"id": "d2", "name": "乙"}, box(2, 0, 8, 8))]
            ),
            "factories.geojson": features(
                [
                    ({"id": "f1", "name": "厂一", "workers": 120}, box(4.5, 5.5, 5.5, 6.5)),
                    ({"id": "f2", "name": "厂二", "workers": 80}, box(0.2, 8.2, 1.8, 9)),
                ]
            ),
            "gates.geojson": features([({"unit_id": "park"}, {"type": "Point", "coordinates": [118.2084, 25.312]})]),
            "walls.geojson": features([({}, wall)]),
        },
    )
    analysis = geo.analyse(geo.read_study(folder), combine="each")
    assert near(analysis.summary["people"]["workers"], 500 + 80)  # f1 is counted within the park's 500
    assert_holds(analysis, tmp_path / "out")
    assert set(analysis.isochrones["combine"]) == {"dissolve", "each"}


def test_nothing_built_is_a_share_of_zero_and_a_gap(tmp_path: Path) -> None:
    folder = write_county(tmp_path / "small", study_toml=f"{STUDY}\n[services.health]\n")
    analysis = geo.analyse(geo.read_study(folder))
    found = analysis.summary["services"]["health"]
    assert found["groups"]["residents"]["share"] == 0.0
    assert near(found["gap_people"], 2000)
    assert_holds(analysis, tmp_path / "out")


def test_streets_of_another_county_leave_every_unit_unjudged(tmp_path: Path) -> None:
    elsewhere = re.sub(r'lon="([\d.]+)"', lambda found: f'lon="{float(found[1]) + 1.0}"', osm())
    analysis = geo.analyse(write_county(tmp_path / "town", streets_osm=elsewhere))
    minutes = analysis.coverage[analysis.coverage["mode"] != "presence"]
    assert set(minutes["status"]) <= {"not_assessed", "no_demand"}
    assert minutes["share"].isna().all()
    assert analysis.isochrones.geometry.is_empty.all()
    assert analysis.gaps.empty
    assert analysis.write(tmp_path / "out")


@pytest.mark.slow
def test_the_same_study_gives_the_same_bytes(tmp_path: Path) -> None:
    write_county(tmp_path / "small")
    for out, seed in (("one", "1"), ("two", "2")):
        found = ask_shell("run", "small", "--out", out, cwd=tmp_path, PYTHONHASHSEED=seed, TZ=f"Etc/GMT+{seed}")
        assert found.returncode == 0, found.stderr
    first, second = bytes_below(tmp_path / "one"), bytes_below(tmp_path / "two")
    assert len(first) == 12
    assert first.keys() == second.keys()
    assert [name for name in first if first[name] != second[name]] == []


def test_an_inherited_proj_does_no_harm(tmp_path: Path) -> None:
    write_county(tmp_path / "small")
    found = ask_shell("run", "small", cwd=tmp_path, PROJ_DATA="/nowhere", PROJ_LIB="/nowhere", GDAL_DATA="/nowhere")
    assert found.returncode == 0, found.stderr


PARTS = [
    "tables.write_coverage",
    "tables.write_gaps",
    "geopackage.write_layers",
    "rasters.write_surfaces",
    "summary.write_summary",
    "workbook.write_workbook",
]


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> Analysis:
    return geo.analyse(geo.read_study(write_county(tmp_path_factory.mktemp("world") / "small")))


@pytest.mark.parametrize("part", PARTS)
def test_whichever_file_cannot_be_written_none_is_left(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, small: Analysis, part: str
) -> None:
    def full(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    folder = write_county(tmp_path / "small")
    monkeypatch.setattr("geo.pipeline.analyse", lambda *_, **__: small)
    monkeypatch.setattr(f"geo.reports.folder.{part}", full)
    found = ask("run", folder, "--out", tmp_path / "deep" / "out")
    assert found.exit_code == 1
    assert "No space left on device" in found.stderr
    assert everything_below(tmp_path) == ["small", *(f"small/{name}" for name in everything_below(folder))]


@pytest.mark.parametrize("step", ["read_inputs", "_networks", "_with_minutes", "draw", "_gaps", "summarise"])
def test_whichever_step_fails_nothing_is_left(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, step: str) -> None:
    def failing(*_: object, **__: object) -> None:
        raise InputFaultsError([Fault("stations.csv", Message("layers.no_rows"))])

    folder = write_county(tmp_path / "small")
    monkeypatch.setattr(f"geo.pipeline.{step}", failing)
    found = ask("run", folder, "--out", tmp_path / "out")
    assert found.exit_code == 1
    assert not (tmp_path / "out").exists()


def test_a_rehearsal_finds_what_a_run_would(tmp_path: Path, small: Analysis) -> None:
    inputs, repairs = rehearse(geo.read_study(write_county(tmp_path / "small")))
    assert len(inputs.streets) == len(small.streets)
    assert [message.text() for message in repairs["message"]] == [m.text() for m in small.repairs["message"]]


def test_ninghua_is_not_assessed_and_never_a_share(tmp_path: Path, shared: Path) -> None:
    found = ask("run", STUDIES / "ninghua", "--data", shared / "data" / "ninghua", "--out", tmp_path)
    assert found.exit_code == 0
    assert "未评估" in found.stdout
    assert "米/人" in found.stdout
    with (tmp_path / "ninghua" / "coverage.csv").open(encoding="utf-8-sig", newline="") as source:
        rows = [row for row in csv.DictReader(source) if row["demand"] == "residents" and float(row["people"])]
    assert {row["unit_id"] for row in rows if row["unit_kind"] == "community"} == {f"n{n}" for n in range(1, 7)}
    assert {row["status"] for row in rows} == {"not_assessed"}
    assert {row["share"] + row["people_served"] for row in rows} == {""}
    assert all("米/人" in row["note"] or "连不到" in row["note"] or "%" in row["note"] for row in rows)
    summary = json.loads((tmp_path / "ninghua" / "summary.json").read_text(encoding="utf-8"))
    for service in summary["services"].values():
        assert service["groups"]["residents"]["share"] is None
        assert service["groups"]["residents"]["note"]
        assert service["gaps"] == 0


@pytest.mark.slow
def test_porto_alegre(tmp_path: Path, shared: Path) -> None:
    analysis = geo.analyse(geo.read_study(STUDIES / "portoalegre", data=(shared / "data" / "portoalegre",)))
    assert total(analysis.demand.query("group == 'residents'")) == 812_935
    assert total(analysis.demand.query("group == 'workers'")) == 337_921
    for service in analysis.summary["services"].values():
        for group, numbers in service["groups"].items():
            assert numbers["people_served"] + numbers["people_not_served"] == numbers["people"]
            assert numbers["people"] == {"residents": 812_935, "workers": 337_921}[group]
    assert_holds(analysis, tmp_path / "out")


@pytest.mark.slow
def test_porto_alegre_by_command(tmp_path: Path, shared: Path) -> None:
    folder = STUDIES / "portoalegre"
    found = ask_shell("run", folder, "--data", shared / "data" / "portoalegre", "--lang", "en", cwd=tmp_path)
    assert found.returncode == 0, found.stderr
    assert "residents 812,935, workers 337,921" in found.stdout
    summary = json.loads((tmp_path / "maps" / "portoalegre" / "summary.json").read_text(encoding="utf-8"))
    assert summary["misplaced_share"] < 0.005


def sample_study(sample_layers: Path, name: str) -> Path:
    if not (sample_layers / name / "study.toml").is_file():
        pytest.skip(f"layers/{name} is not there")
    return sample_layers / name


@pytest.mark.slow
@pytest.mark.parametrize("name", SAMPLES)
def test_sample_counties_hold(tmp_path: Path, sample_layers: Path, name: str) -> None:
    analysis = geo.analyse(geo.read_study(sample_study(sample_layers, name)))
    assert_holds(analysis, tmp_path / "out")
    assert any("示例数据" in str(warning) for warning in analysis.summary["warnings"])


@pytest.mark.slow
def test_yongchun_gives_the_same_bytes(tmp_path: Path, sample_layers: Path) -> None:
    folder = sample_study(sample_layers, "yongchun")
    for out, seed in (("one", "1"), ("two", "2")):
        found = ask_shell("run", folder, "--out", out, cwd=tmp_path, PYTHONHASHSEED=seed)
        assert found.returncode == 0, found.stderr
    first, second = bytes_below(tmp_path / "one"), bytes_below(tmp_path / "two")
    assert first.keys() == second.keys()
    assert [name for name in first if first[name] != second[name]] == []


def test_people_that_nobody_knows_are_not_assessed_and_their_elders_stay(tmp_path: Path) -> None:
    folder = write_county(tmp_path / "small", communities_geojson=communities(people=(None, 800)))
    analysis = geo.analyse(folder)
    table = analysis.coverage[analysis.coverage["limit_minutes"] == 15]
    row = table[(table["unit_id"] == "west") & (table["service"] == "gig_station") & (table["demand"] == "residents")]
    assert row["status"].tolist() == ["not_assessed"] * len(row)
    assert row["people"].isna().all()
    assert row["note"].map(lambda note: note.text("zh")).unique().tolist() == ["没有常住人口人数"]
    assert analysis.summary["people"] == {"elders": 200.0 + 100.0, "residents": 800.0, "workers": 500.0}
    assert [said.key for said in analysis.summary["warnings"]] == ["run.unknown_people"]
    assert "西社区" in analysis.summary["warnings"][0].text("zh")


def test_a_point_in_the_ocean_is_listed_and_not_counted(tmp_path: Path) -> None:
    rows = stations()
    rows[0][3] = 124.0
    analysis = geo.analyse(write_county(tmp_path / "small", stations_csv=csv_text(rows)))
    found = analysis.summary["services"]["gig_station"]
    assert found["counted"] == 2
    assert found["listed"] == {"working": 2, "planned": 1, "closed": 0, "doubtful": 1, "mobile": 0}


def test_not_served_people_are_in_a_gap_or_in_a_unit_that_cannot_be_judged(tmp_path: Path) -> None:
    analysis = geo.analyse(write_county(tmp_path / "small", communities_geojson=communities(people=(60_000, 800))))
    for found in analysis.summary["services"].values():
        for group, left in found.get("unjudged_not_served", {}).items():
            people = analysis.demand[analysis.demand["group"] == group]
            minutes = people[f"minutes_{'gig_station' if group != 'elders' else 'canteen_elder'}"]
            not_served = people.loc[~units.within(minutes, 15), "people"].sum()
            assert not_served == found["groups"][group]["gap_people"] + left
    west = analysis.coverage[(analysis.coverage["unit_id"] == "west") & (analysis.coverage["demand"] == "residents")]
    assert set(west["status"]) == {"not_assessed"}


def test_a_path_will_do_and_a_wrong_combine_is_told(tmp_path: Path) -> None:
    folder = write_county(tmp_path / "small")
    with pytest.raises(GeoValueError, match="accepted are dissolve, each, split"):
        geo.analyse(folder, combine="apart")
