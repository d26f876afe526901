"""A small study written by hand into a folder: streets every 200 m, two communities, a park, 24 stations.

Every part can be replaced by a faulty one, and the command can be asked about it.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from typer.testing import CliRunner

import geo
from geo.cli import app

if TYPE_CHECKING:
    from collections.abc import Sequence

    from click.testing import Result

LON, LAT = 118.2, 25.3
STEP = 0.002  # about 200 m
SIDE = 9
STREETS = "streets.osm"
STUDY = """
[study]
id = "small"
name = "小县"
period = "2026Q4"

[layers]
streets = "streets.osm"
communities = "communities.geojson"
parks = "parks.geojson"
service_points = { path = "stations.csv", crs = "EPSG:4326" }
"""


def place(column: float, row: float) -> tuple[float, float]:
    """Return lon and lat of a crossing of the street grid."""
    return round(LON + column * STEP, 6), round(LAT + row * STEP, 6)


def box(west: float, south: float, east: float, north: float) -> dict[str, Any]:
    ring = [place(*corner) for corner in ((west, south), (east, south), (east, north), (west, north), (west, south))]
    return {"type": "Polygon", "coordinates": [ring]}


def features(rows: Sequence[tuple[dict[str, Any], Any]]) -> str:
    listed = [{"type": "Feature", "properties": values, "geometry": shape} for values, shape in rows]
    return json.dumps({"type": "FeatureCollection", "features": listed}, ensure_ascii=False)


def osm(highway: str = "residential") -> str:
    """Return the street grid as OpenStreetMap XML."""
    lines = ["<?xml version='1.0' encoding='UTF-8'?>", '<osm version="0.6">']
    for row in range(SIDE):
        for column in range(SIDE):
            lon, lat = place(column, row)
            lines.append(f'<node id="{1 + row * SIDE + column}" version="1" lon="{lon}" lat="{lat}"/>')
    rows = [[1 + row * SIDE + column for column in range(SIDE)] for row in range(SIDE)]
    columns = [list(column) for column in zip(*rows, strict=True)]
    for number, nodes in enumerate([*rows, *columns], start=1):
        inner = "".join(f'<nd ref="{node}"/>' for node in nodes)
        lines.append(f'<way id="{number}" version="1">{inner}<tag k="highway" v="{highway}"/></way>')
    return "\n".join([*lines, "</osm>"])


def street_lines() -> str:
    """Return the same streets as GeoJSON lines."""
    ways = [[place(column, row) for column in range(SIDE)] for row in range(SIDE)]
    ways += [[place(column, row) for row in range(SIDE)] for column in range(SIDE)]
    return features(
        [({"highway": "residential"}, {"type": "LineString", "coordinates": way}) for way in ways],
    )


def communities(*, people: Sequence[Any] = (1200, 800)) -> str:
    return features(
        [
            ({"id": "west", "name": "西社区", "population": people[0], "elders": 200}, box(0, 0, 4, 8)),
            ({"id": "east", "name": "东社区", "population": people[1], "elders": 100}, box(4, 0, 8, 5)),
        ]
    )


def parks() -> str:
    return features([({"id": "park", "name": "东园区", "workers": 500}, box(4.2, 5.2, 7.8, 7.8))])


def stations() -> list[list[Any]]:
    """Return 24 rows: 4 gig stations (one planned), 4 elder canteens, 1 tea room, 15 merchants."""
    rows: list[list[Any]] = [
        ["g1", "西站", "零工驿站", *place(1, 1), ""],
        ["g2", "南站", "零工市场", *place(5, 1), "在用"],
        ["g3", "北站", "零工驿站", *place(2, 6), "运行"],
        ["g4", "新站", "零工驿站", *place(7, 7), "在建"],
        *([f"e{n}", f"食堂{n}", "长者食堂", *place(n, 3), ""] for n in range(1, 5)),
        ["t1", "茶室", "亲清茶室", *place(5, 6), ""],
    ]
    return rows + [[f"v{n}", f"场所{n}", "开放共享场所", *place(n % 8, n // 8 + 2), ""] for n in range(15)]


def csv_text(rows: Sequence[Sequence[Any]], header: str = "编号,名称,类型,经度,纬度,状态") -> str:
    return "\n".join([header, *(",".join(map(str, row)) for row in rows)]) + "\n"


def write_county(folder: Path, **other: str | bytes | None) -> Path:
    """Write the study, each file as given in `other` (`name_ending=text`; None: not at all); return its folder."""
    files: dict[str, str | bytes | None] = {
        "study.toml": STUDY,
        STREETS: osm(),
        "communities.geojson": communities(),
        "parks.geojson": parks(),
        "stations.csv": csv_text(stations()),
    }
    names = {name.replace(".", "_"): name for name in files}
    files |= {names.get(key, key): value for key, value in other.items()}
    folder.mkdir(parents=True, exist_ok=True)
    for name, content in files.items():
        if isinstance(content, str):
            (folder / name).write_text(content, encoding="utf-8")
        elif content is not None:
            (folder / name).write_bytes(content)
    return folder


def ask(*arguments: object) -> Result:
    """Run the command in this process; stdout, stderr and exit_code are in the result."""
    result = CliRunner().invoke(app, [str(argument) for argument in arguments])
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    return result


def ask_shell(*arguments: object, cwd: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run the command as its own process, as people do."""
    found = {**os.environ, "PYTHONPATH": str(Path(geo.__file__).parents[1]), "PYTHONIOENCODING": "utf-8", **environment}
    words = [sys.executable, "-m", "geo.cli", *map(str, arguments)]
    return subprocess.run(words, cwd=cwd, capture_output=True, text=True, encoding="utf-8", env=found, check=False)


def everything_below(folder: Path) -> list[str]:
    return sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*")) if folder.exists() else []
