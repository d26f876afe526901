"""A county of two communities and one park, three streets by three: all tables written by hand."""

from __future__ import annotations

import dataclasses

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
from browsing import _browser  # noqa: F401 - a fixture
from shapely.geometry import LineString, MultiPolygon, Point, Polygon, box

from geo import read_study, schema
from geo.results import Results

CRS = "EPSG:4548"
EAST, NORTH = 629_000.0, 2_801_000.0
STUDY = """
[study]
id = "tiny"
name = "小县（示例）"
period = "2026Q4"
crs = "EPSG:4548"
synthetic = true
source = "手写"

[layers]
communities = "communities.geojson"
service_points = "points.csv"
streets = "streets.geojson"

[services.gig_station]
demand = ["residents", "workers"]
"""


HOSTILE = [
    "</script><script>document.title='x'</script>{{7*7}}${1}",
    "{% for %}",
    "{{ cycler.__init__.__globals__.os.popen('id').read() }}",
    "`${alert(1)}` \"'&<b>粗</b><img src=x onerror=alert(1)>",
    "\u202eتخطيط\u202c \u200f",
    "🏭🚲👨‍👩‍👧",
    "孤\ud800单",
    "长" * 10_000,
    "<script>window.hit=1</script>",
    "<SCRIPT SRC=//example.invalid/x.js></SCRIPT>",
    "<svg/onload=window.hit=2>",
    "<img src=x onerror=window.hit=3>",
    "<iframe srcdoc='<script>parent.hit=4</script>'></iframe>",
    '<a href="javascript:window.hit=5">x</a>',
    "<body onload=window.hit=6>",
    "<details open ontoggle=window.hit=7>",
    "<style>body{display:none}</style>",
    "<link rel=stylesheet href=//example.invalid/x.css>",
    "<meta http-equiv=refresh content=0;url=//example.invalid>",
    "<base href=//example.invalid/>",
    "<form action=//example.invalid><button>go</button></form>",
    "<!-- unfinished",
    "--><script>window.hit=8</script>",
    "]]><script>window.hit=9</script>",
    "<![CDATA[<script>window.hit=10</script>",
    "</textarea></title></style></noscript><script>window.hit=11</script>",
    "&lt;script&gt;window.hit=12&lt;/script&gt;",
    "&#60;img src=x onerror=window.hit=13&#62;",
    "{{7*7}}",
    "{{ ''.__class__.__mro__[1].__subclasses__() }}",
    "{% import os %}{{ os.system('id') }}",
    "{# remark #}",
    "{",
    "{name}{0}{words}",
    "%s%(name)s%n",
    "${window.hit=14}",
    "`+(window.hit=15)+`",
    "');window.hit=16;('",
    '";window.hit=17;"',
    "\\u003cscript\\u003ewindow.hit=18\\u003c/script\\u003e",
    '=HYPERLINK("//example.invalid";"x")',
    "+1+cmd|' /C calc'!A0",
    "-2+3",
    "@SUM(1)",
    "\t=1+1",
    "a\x00b\x01c\x08d\x0be\x1bf\x7f",
    "zeile\r\nzwei\u2028drei\u2029vier",
    "\udc00\ud800",
    "../../../../etc/passwd",
    "__proto__",
    "constructor",
    "a,b;c\"d'e",
]


def at(x, y):
    return Point(EAST + x, NORTH + y)


def area(west, south, east, north):
    return box(EAST + west, NORTH + south, EAST + east, NORTH + north)


def diamond(x, y, r):
    return Polygon(
        [(EAST + x + r, NORTH + y), (EAST + x, NORTH + y + r), (EAST + x - r, NORTH + y), (EAST + x, NORTH + y - r)]
    )


def table(columns, geometry=None, rows=()):
    frame = pd.DataFrame({name: pd.Series(list(values), dtype=object) for name, values in columns.items()})
    for name in rows:
        if name not in frame:
            frame[name] = pd.Series([None] * len(frame), dtype=object)
    return gpd.GeoDataFrame(frame, geometry=geometry, crs=CRS)


def street_table(name):
    lines, classes, names = [], [], []
    for place, kind in enumerate(("residential", "primary", "residential", "tertiary", "footway")):
        along = place * 500.0
        lines.append(LineString([(EAST, NORTH + along), (EAST + 3000, NORTH + along)]))
        lines.append(LineString([(EAST + along * 1.5, NORTH), (EAST + along * 1.5, NORTH + 2000)]))
        classes += [kind, kind]
        names += [name(f"街{place}"), ""]
    return table(
        {
            "way": range(10),
            "start_node": range(10),
            "end_node": range(10),
            "length_m": [1.0] * 10,
            "highway": classes,
            "name": names,
        },
        lines,
        schema.STREETS[:-1],
    )


def unit_table(name):
    return table(
        {
            "unit_kind": ["community", "community", "park", "district", "community"],
            "unit_id": ["c1", "c2", "p1", "d1", "c3"],
            "unit_name": [name(text) for text in ("东关社区", "西安社区", "探花山园区", "中心片区", "无图社区")],
            "population": [6000.0, 4000.0, np.nan, np.nan, 500.0],
            "elders": [900.0, 700.0, np.nan, np.nan, 40.0],
            "workers": [0.0, 0.0, 2500.0, np.nan, 0.0],
            "town": [name("桃城镇")] * 5,
            "area": ["core"] * 5,
            "districts": ["d1", "d1", "d1", "", ""],
            "gates_from": [""] * 5,
        },
        [
            area(0, 0, 1500, 2000),
            MultiPolygon([area(1500, 0, 2400, 2000), area(2700, 0, 3000, 300)]),
            area(2400, 800, 3000, 2000),
            area(0, 0, 3000, 2000),
            None,
        ],
    )


def point_table(name):
    states = ["working", "working", "planned", "closed", "doubtful", "working", "working", "working"]
    return table(
        {
            "id": [f"s{i}" for i in range(8)],
            "name": [name(f"{kind}驿站") for kind in ("东", "西", "新", "旧", "疑", "流动", "远", "充电")],
            "type": ["gig_station"] * 7 + ["ev_charging"],
            "type_original": [name("零工驿站")] * 7 + [name("充电桩")],
            "status": ["在用", "运行", "规划", "停用", name("什么"), "在用", "在用", "在用"],
            "state": states,
            "mobile": [False] * 5 + [True, False, False],
            "counted": [True, True, False, False, False, False, False, True],
            "venue": ["v1", "", "", "", "", "", "", ""],
            "capacity": [20.0] + [np.nan] * 7,
            "hours": [name("8:00-17:00")] + [""] * 7,
            "unit_community": ["c1", "c2", "", "c1", "c1", "", "", "c2"],
            "unit_park": ["", "", "p1", "", "", "", "", ""],
            "unit_factory": [""] * 8,
        },
        [
            at(700, 900),
            at(2000, 1000),
            at(2700, 1500),
            at(300, 300),
            at(1100, 1600),
            at(1300, 400),
            None,
            at(1700, 500),
        ],
    )


SHARES = [
    # kind, id, people by group, share in 5, 10, 15 minutes, status
    ("community", "c1", "residents", 6000.0, (0.2, 0.6, 0.9), "ok"),
    ("community", "c2", "residents", 4000.0, (0.1, 0.3, 0.55), "ok"),
    ("community", "c3", "residents", 500.0, (None, None, None), "not_assessed"),
    ("park", "p1", "residents", 0.0, (None, None, None), "no_demand"),
    ("park", "p1", "workers", 2500.0, (0.0, 0.1, 0.4), "ok"),
    ("district", "d1", "residents", 10000.0, (0.16, 0.48, 0.76), "edge"),
    ("study", "", "residents", 10500.0, (0.152, 0.457, 0.724), "ok"),
    ("study", "", "workers", 2500.0, (0.0, 0.1, 0.4), "ok"),
    ("outside", "", "residents", 0.0, (None, None, None), "no_demand"),
]


def coverage_table(name, units):
    names = dict(zip(units["unit_id"], units["unit_name"], strict=True))
    rows = []
    for mode, limits in (("walk", (5.0, 10.0, 15.0)), ("ebike", (15.0,))):
        for kind, unit_id, group, people, shares, status in SHARES:
            for limit, share in zip(limits, shares[-len(limits) :], strict=True):
                served = people * (share or 0.0)
                note = name("路网太稀") if status == "not_assessed" else ""
                rows.append(
                    (
                        kind,
                        unit_id,
                        names.get(unit_id, ""),
                        "gig_station",
                        mode,
                        limit,
                        group,
                        people,
                        served,
                        share,
                        status,
                        12.0,
                        note,
                    )
                )
    rows += [
        ("park", "p1", names["p1"], "tea_room", "presence", np.nan, "", 1.0, 1.0, 1.0, "ok", 0.0, ""),
    ]
    columns = {column: [row[place] for row in rows] for place, column in enumerate(schema.COVERAGE)}
    return table(columns, [None] * len(rows))


def gap_table(name):
    places = gpd.GeoSeries([at(2150, 1700), at(250, 250), at(200, 1800)], crs=CRS).to_crs(4326)
    return table(
        {
            "gap_id": ["gig_station-c2-1", "gig_station-c1-1", "gig_station-c1-rest"],
            "service": ["gig_station"] * 3,
            "rank": [1, 2, 3],
            "people": [1800.0, 590.5, 9.5],
            "minutes_to_nearest": [21.3, np.inf, 17.0],
            "nearest_name": [name("西驿站"), "", name("东驿站")],
            "communities": ["c2", "c1", "c1"],
            "districts": ["d1", "d1", "d1"],
            "lon": places.x.tolist(),
            "lat": places.y.tolist(),
            "unit_id": ["c2", "c1", "c1"],
            "people_residents": [1700.0, 590.5, 9.5],
            "people_workers": [100.0, 0.0, 0.0],
        },
        [
            diamond(2150, 1700, 260),
            diamond(250, 250, 220),
            MultiPolygon([diamond(200, 1800, 60), diamond(1300, 1900, 50)]),
        ],
    )


def drawing_table():
    rings = [("walk", 5.0, 300), ("walk", 10.0, 620), ("walk", 15.0, 930), ("ebike", 15.0, 1500)]
    hole = diamond(850, 1300, 90)
    return table(
        {
            "service": ["gig_station"] * 4,
            "mode": [mode for mode, _, _ in rings],
            "limit_minutes": [limit for _, limit, _ in rings],
            "facility_id": [None] * 4,
            "combine": ["dissolve"] * 4,
        },
        [diamond(700, 900, r).union(diamond(2000, 1000, r)).difference(hole) for _, _, r in rings],
    )


def context_layers(name):
    def layer(label, shapes):
        return table({"id": [f"{label}{i}" for i in range(len(shapes))], "name": [name(label)] * len(shapes)}, shapes)

    river = LineString([(EAST - 200, NORTH + 700), (EAST + 1400, NORTH + 1150), (EAST + 3200, NORTH + 600)]).buffer(40)
    venues = layer("礼堂", [at(900, 1700)])
    venues["id"] = ["v1"]
    return {
        "boundary": layer("界", [area(-200, -150, 3200, 2150)]),
        "water": layer("溪", [river]),
        "barriers": layer("墙", [LineString([(EAST + 2400, NORTH + 800), (EAST + 2400, NORTH + 2000)])]),
        "gates": layer("门", [at(2400, 1500)]),
        "venues": venues,
    }


SUMMARY = {
    "services": {"gig_station": {"misplaced_share": 0.0021, "misplaced_uniform_share": 0.0113}},
    "parameters": {"modes": {"walk": {"speed_kmh": 4.5}}, "cell_m": 12.5},
    "warnings": ["一条提示"],
}


@pytest.fixture(scope="session")
def make_results(tmp_path_factory):
    """Build the county; `name` turns each text of the data into the one wanted."""
    folder = tmp_path_factory.mktemp("study")
    (folder / "study.toml").write_text(STUDY, encoding="utf-8")
    for layer in ("communities.geojson", "points.csv", "streets.geojson"):
        (folder / layer).write_text("", encoding="utf-8")
    study = read_study(folder)

    def build(name=str, **changes):
        units = unit_table(name)
        services = {code: study.services[code] for code in ("gig_station", "ev_charging", "tea_room")}
        services["gig_station"] = dataclasses.replace(
            services["gig_station"], label=name("零工驿站"), label_en=name("Gig-work station")
        )
        head = study.head.model_copy(update={"name": name("小县（示例）"), "source": name("手写")})
        parts = {
            "study": study.model_copy(update={"head": head}),
            "services": services,
            "units": units,
            "service_points": point_table(name),
            "demand": table({column: [] for column in schema.DEMAND if column != "geometry"}, []),
            "coverage": coverage_table(name, units),
            "gaps": gap_table(name),
            "isochrones": drawing_table(),
            "drawing": drawing_table(),
            "surfaces": {},
            "streets": street_table(name),
            "context": context_layers(name),
            "repairs": pd.DataFrame(columns=list(schema.REPAIRS)),
            "summary": {**SUMMARY, "warnings": [name("一条提示")]},
        }
        return Results(**{**parts, **changes})

    return build


@pytest.fixture(scope="session")
def results(make_results):
    return make_results()


@pytest.fixture(params=HOSTILE, ids=range(len(HOSTILE)))
def hostile(request):
    """Text that would run, break out or break down if it were taken for anything but text."""
    return request.param


@pytest.fixture(scope="session")
def hostile_strings():
    return HOSTILE


@pytest.fixture(scope="session")
def all_hostile():
    return "".join(HOSTILE)


@pytest.fixture(scope="session")
def place():
    """Latitude and longitude of a place of the county, given in metres from its corner."""

    def degrees(x, y):
        point = gpd.GeoSeries([at(x, y)], crs=CRS).to_crs(4326).iloc[0]
        return point.y, point.x

    return degrees
