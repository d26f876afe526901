"""A study of two communities, a park and a district with two services, made by hand, with hostile names."""

from __future__ import annotations

import datetime as dt
from dataclasses import replace
from typing import TYPE_CHECKING

import geopandas as gpd
import numpy as np
import pandas as pd
import pyproj
import pytest
from shapely.geometry import MultiPolygon, Point, box

from geo import catalogue, modes, schema
from geo.grid import Grid, Surface
from geo.messages import Message
from geo.results import Results
from geo.study import Study
from geo.study_file import Adequacy, Head, Layers, Noding

if TYPE_CHECKING:
    from pathlib import Path

CRS = pyproj.CRS.from_epsg(4548)
FORMULA = '=HYPERLINK("http://x.example","x")'
SUM = "@SUM(1)"
SCRIPT = "</script><b>{{ 7*7 }} ${1}"
CONTROL = "bell\x07 nul\x00 tab\t"
EAST, NORTH = 500_000.0, 2_800_000.0


def at(x: float, y: float) -> Point:
    return Point(EAST + x, NORTH + y)


def square(x: float, y: float, side: float = 500.0):
    return box(EAST + x, NORTH + y, EAST + x + side, NORTH + y + side)


UNIT_SHAPES = {
    ("community", "C1"): square(0, 0),
    ("community", "C2"): MultiPolygon([square(1000, 0), square(2000, 0)]),
    ("park", "P1"): square(0, 1000),
    ("district", "D1"): None,
}
UNIT_NAMES = {
    ("community", "C1"): FORMULA,
    ("community", "C2"): SCRIPT,
    ("park", "P1"): CONTROL,
    ("district", "D1"): "东片区",
}


def make_study(folder: Path) -> Study:
    own = {
        "gig_station": replace(catalogue.service_types()["gig_station"], demand=("residents", "workers")),
        "canteen_elder": catalogue.service_types()["canteen_elder"],
    }
    return Study(
        file=folder / "study.toml",
        head=Head(id="t", name="试验县", code="350500", period="2026Q4", synthetic=True),
        layers=Layers(service_points="points.csv", streets="streets.geojson", communities="c.geojson"),
        services={**catalogue.service_types(), **own},
        asked=("gig_station",),
        modes=dict(modes.BUILTIN),
        adequacy=Adequacy(),
        noding=Noding(),
    )


def coverage_row(
    kind: str, code: str, service: str, mode: str, limit: float, group: str, people: float, served: float, **more
):
    row = {
        "unit_kind": kind,
        "unit_id": code,
        "unit_name": UNIT_NAMES.get((kind, code), ""),
        "service": service,
        "mode": mode,
        "limit_minutes": limit,
        "demand": group,
        "people": people,
        "people_served": served,
        "share": served / people if people else np.nan,
        "status": "ok" if people else "no_demand",
        "people_not_attached": 0.0,
        "note": "",
        "geometry": UNIT_SHAPES.get((kind, code)),
    }
    return {**row, **more}


def make_coverage() -> gpd.GeoDataFrame:
    unjudged = {
        "share": np.nan,
        "people_served": np.nan,
        "status": "not_assessed",
        "note": Message("word.not_assessed"),
    }
    edge = {"status": "edge", "note": "-edge"}
    rows = []
    for limit, ones, twos in ((7.5, 100.0, 0.0), (15.0, 900.0, 100.125)):
        rows += [
            coverage_row("community", "C1", "gig_station", "walk", limit, "residents", 1000.0, ones),
            coverage_row("community", "C2", "gig_station", "walk", limit, "residents", 500.5, twos, **edge),
            coverage_row("park", "P1", "gig_station", "walk", limit, "residents", 0.0, 0.0),
            coverage_row("district", "D1", "gig_station", "walk", limit, "residents", 1500.5, ones + twos),
            coverage_row("study", "", "gig_station", "walk", limit, "residents", 1600.5, ones + twos),
            coverage_row("outside", "", "gig_station", "walk", limit, "residents", 100.0, 0.0),
            coverage_row("park", "P1", "gig_station", "walk", limit, "workers", 300.0, 200.0),
            coverage_row("study", "", "gig_station", "walk", limit, "workers", 300.0, 200.0),
        ]
    rows += [
        coverage_row("community", "C1", "canteen_elder", "elder", 15.0, "elders", 120.0, 102.0),
        coverage_row("community", "C2", "canteen_elder", "elder", 15.0, "elders", 60.0, 0.0, **unjudged),
        coverage_row("study", "", "canteen_elder", "elder", 15.0, "elders", 180.0, 102.0),
        coverage_row("park", "P1", "tea_room", "presence", np.nan, "", np.nan, np.nan, share=1.0, status="ok"),
    ]
    return gpd.GeoDataFrame(rows, geometry="geometry", crs=CRS)[[*schema.COVERAGE, "geometry"]]


def make_points() -> gpd.GeoDataFrame:
    states = ["working", "planned", "closed", "doubtful", "working"]
    return gpd.GeoDataFrame(
        {
            "id": ["S1", "S2", "S3", "S4", "S5"],
            "name": [FORMULA, SUM, SCRIPT, CONTROL, "流动车"],
            "type": ["gig_station"] * 3 + ["canteen_elder", "gig_station"],
            "status": ["", "在建", "停用", "不详", "在用"],
            "state": states,
            "mobile": [False] * 4 + [True],
            "counted": [True, False, False, False, False],
            "venue": ["", "", "", "", ""],
            "capacity": [12.0, np.nan, np.nan, np.nan, np.nan],
            "type_original": ["零工市场"] * 5,
            "fid": [9, 9, 9, 9, 9],
            "FID_2": list("abcde"),
            "联系电话": ["13800138000"] * 5,
            "热线": ["13800138000"] * 5,
            "unit_id": ["C1", "C2", "P1", "", ""],
        },
        geometry=[at(100, 100), at(1100, 100), at(100, 1100), None, at(50, 50)],
        crs=CRS,
    )


def make_gaps() -> gpd.GeoDataFrame:
    return gpd.GeoDataFrame(
        {
            "gap_id": ["gig_station-C2-1", "gig_station-outside-rest"],
            "service": ["gig_station"] * 2,
            "rank": [1, 2],
            "people": [400.375, 10.0],
            "minutes_to_nearest": [22.123456, np.inf],
            "nearest_name": [FORMULA, ""],
            "communities": ["C2", ""],
            "districts": ["D1", ""],
            "lon": [118.1234567, 118.2],
            "lat": [25.3, 25.4],
            "unit_id": ["C2", ""],
            "people_residents": [400.375, 10.0],
            "people_workers": [0.0, 0.0],
            "people_elders": [0.0, 0.0],
        },
        geometry=[square(1000, 0), square(5000, 0)],
        crs=CRS,
    )


def make_adequacy() -> list[dict[str, object]]:
    row = {
        "unit_kind": "community",
        "unit_id": "C1",
        "unit_name": FORMULA,
        "ground_km2": 1.25,
        "street_km": 5.0,
        "street_km_per_km2": 4.0,
        "street_m_per_resident": 5.0,
        "mode": "walk",
        "group": "residents",
        "people": 1000.0,
        "far_share": 0.125,
        "island_share": 0.0,
        "detached_share": 0.125,
        "status": "ok",
        "reason": "",
        "not_assessed_for": "",
    }
    thin = {
        "unit_id": "C2",
        "unit_name": SCRIPT,
        "street_m_per_resident": 0.5,
        "status": "not_assessed",
        "reason": Message("coverage.thin", {"per_head": "0.50", "least": "1.5"}),
        "not_assessed_for": "walk:residents;elder:elders",
    }
    nobody = {"unit_kind": "park", "unit_id": "P1", "people": 0.0, "far_share": np.nan, "status": "no_demand"}
    return [row, {**row, **thin}, {**row, **nobody}]


def make_summary() -> dict[str, object]:
    return {
        "study": "t",
        "crs": "EPSG:4548",
        "inputs": [
            {"layer": "communities", "path": FORMULA, "sha256": "ab" * 32, "crs": "EPSG:4490"}
            | {"rows_read": np.int64(2), "rows_kept": 2, "rows_repaired": 1}
        ],
        "parameters": {
            "modes": {
                "walk": {"speed_kmh": 4.5, "access_kmh": 4.5},
                "drive": {"speed_kmh": None, "access_kmh": np.float64(4.5)},
            },
            "cap_m": 300.0,
            "cell_m": 12.5,
            "adequacy": {"detached_share": 0.2},
            "pass_line": 0.85,
        },
        "versions": {"geo": "0.1.0"},
        "services": {
            "gig_station": {
                "counted": 1,
                "listed": {"working": 1, "planned": 1, "closed": 1, "doubtful": 0, "mobile": 1},
                "misplaced_share": 0.0012,
                "misplaced_uniform_share": float("nan"),
            }
        },
        "snap": {"walk": {"ok": 3, "far": 1, "island": 0, "no_geometry": 0}},
        "misplaced_share": np.float64(0.0012),
        "reach": float("inf"),
        "day": dt.date(2026, 12, 31),
        "adequacy": make_adequacy(),
        "warnings": [SUM, Message("word.synthetic")],
    }


def make_results(folder: Path) -> Results:
    study = make_study(folder)
    units = gpd.GeoDataFrame(
        [
            {"unit_kind": kind, "unit_id": code, "unit_name": UNIT_NAMES[kind, code], "population": 1.0, "elders": 0.0}
            | {"workers": 0.0, "town": "桃城镇", "area": "", "districts": "D1", "gates_from": "", "geometry": shape}
            for (kind, code), shape in UNIT_SHAPES.items()
        ],
        geometry="geometry",
        crs=CRS,
    )
    demand = gpd.GeoDataFrame(
        {
            "id": ["C1", "C2", "P1:workers"],
            "people": [1000.0, 500.5, 300.0],
            "group": ["residents", "residents", "workers"],
            "community": ["C1", "C2", ""],
            "park": ["", "", "P1"],
            "factory": ["", "", ""],
            "districts": ["D1", "D1", ""],
            "snap_m_walk": [1.0, 2.0, np.nan],
            "snap_status_walk": ["ok", "ok", "no_geometry"],
            "minutes_gig_station": [5.0, np.inf, np.nan],
            "nearest_gig_station": ["S1", None, None],
        },
        geometry=[at(100, 100), at(1100, 100), None],
        crs=CRS,
    )
    isochrones = gpd.GeoDataFrame(
        {
            "service": ["gig_station"],
            "mode": ["walk"],
            "limit_minutes": [15.0],
            "facility_id": [None],
            "combine": ["dissolve"],
        },
        geometry=[square(0, 0)],
        crs=CRS,
    )
    grid = Grid(EAST, NORTH + 100.0, 25.0, 2, 3)
    minutes = np.array([[0.1, 15.0, np.inf], [np.nan, 7.25, 60.0]])
    services = {code: study.services[code] for code in ("gig_station", "canteen_elder", "tea_room", "shared_venue")}
    return Results(
        study=study,
        services=services,
        units=units,
        service_points=make_points(),
        demand=demand,
        coverage=make_coverage(),
        gaps=make_gaps(),
        isochrones=isochrones,
        drawing=isochrones,
        surfaces={
            ("gig_station", "ebike"): Surface(grid, minutes / 2),
            ("gig_station", "walk"): Surface(grid, minutes),
            ("canteen_elder", "elder"): Surface(grid, minutes),
        },
        streets=gpd.GeoDataFrame({name: [] for name in schema.STREETS[:-1]}, geometry=[], crs=CRS),
        context={},
        repairs=pd.DataFrame(
            {
                "layer": ["communities", "service_points"],
                "source": ["c.geojson", SUM],
                "row": [3, None],
                "id": ["C1", None],
                "action": ["repaired", "told"],
                "message": [Message("word.minutes", {"n": FORMULA}), Message("word.synthetic")],
            }
        ),
        summary=make_summary(),
    )


@pytest.fixture
def results(tmp_path: Path) -> Results:
    return make_results(tmp_path)


@pytest.fixture
def results_with_workers(results: Results) -> Results:
    """Give the gap of C2 workers too, and C2 a second gap of residents alone."""
    row = coverage_row("community", "C2", "gig_station", "walk", 15.0, "workers", 37.0, 36.0)
    more = gpd.GeoDataFrame([row], geometry="geometry", crs=CRS)
    coverage = pd.concat([results.coverage, more[results.coverage.columns]], ignore_index=True)
    worker = results.demand.iloc[1:2].assign(
        id="C2:workers", group="workers", people=1.0, minutes_gig_station=17.0, nearest_gig_station="S2"
    )
    both = results.gaps.assign(
        people=[351.375, 10.0],
        people_residents=[350.375, 10.0],
        people_workers=[1.0, 0.0],
        demand_ids=["C2;C2:workers", ""],
    )
    second = both.iloc[:1].assign(
        gap_id="gig_station-C2-2", people=50.0, people_residents=50.0, people_workers=0.0, demand_ids=""
    )
    return replace(
        results,
        coverage=coverage,
        gaps=pd.concat([both, second], ignore_index=True),
        demand=pd.concat([results.demand, worker], ignore_index=True),
    )


@pytest.fixture(scope="session")
def written(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give the folder of the study's outputs, written once; no test changes it."""
    from geo.reports import write_results  # noqa: PLC0415 - a fault of one room should not hide the others' tests

    base = tmp_path_factory.mktemp("written")
    folder = base / "maps" / "t"
    write_results(make_results(base), folder, map_html="<p>图</p>")
    return folder
