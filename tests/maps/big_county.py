"""A generated county of 100,000 street edges, 500 communities and 1,000 service points."""

from __future__ import annotations

from typing import TYPE_CHECKING

import geopandas as gpd
import numpy as np
import shapely

if TYPE_CHECKING:
    from pathlib import Path

CRS = "EPSG:4548"
EAST, NORTH = 600_000.0, 2_780_000.0
SIDE = 225  # junctions a side: 2 × 225 × 224 = 100,800 edges
STEP_M = 180.0
BENDS = 3
KINDS = ("零工驿站", "共享食堂", "长者食堂", "充电桩", "暖新驿站", "邻里中心", "共享托管服务中心", "联盟商家")
STUDY = """
[study]
id = "big"
name = "大县"
period = "2026Q4"
crs = "EPSG:4548"
synthetic = true

[layers]
communities = "communities.gpkg"
service_points = "points.gpkg"
streets = "streets.gpkg"
"""


def write(folder: Path, *, seed: int = 1) -> Path:
    """Write the study and return its folder."""
    chance = np.random.default_rng(seed)
    (folder / "study.toml").write_text(STUDY, encoding="utf-8")
    row, column = np.divmod(np.arange(SIDE * SIDE), SIDE)
    node = np.column_stack([EAST + column * STEP_M, NORTH + row * STEP_M]) + chance.uniform(-50, 50, (SIDE * SIDE, 2))
    begin = np.concatenate([np.flatnonzero(column < SIDE - 1), np.flatnonzero(row < SIDE - 1)])
    end = begin + np.where(np.arange(len(begin)) < len(begin) // 2, 1, SIDE)
    share = np.linspace(0, 1, BENDS + 2)[:, None, None]
    lines = node[begin] * (1 - share) + node[end] * share
    lines[1:-1] += chance.uniform(-8, 8, (BENDS, len(begin), 2))
    classes = chance.choice(["residential", "tertiary", "secondary", "primary"], len(begin), p=[0.8, 0.1, 0.06, 0.04])
    names = np.where(classes == "residential", "", [f"第{i % 700}路" for i in range(len(begin))])
    _write(folder, "streets", {"highway": classes, "name": names}, shapely.linestrings(np.moveaxis(lines, 0, 1)))
    width, height = (SIDE - 1) * STEP_M / 25, (SIDE - 1) * STEP_M / 20
    corner = [(EAST + i * width, NORTH + j * height) for j in range(20) for i in range(25)]
    areas = np.array([shapely.segmentize(shapely.box(x, y, x + width, y + height), 60) for x, y in corner])
    ids = [f"c{i}" for i in range(500)]
    people = {"id": ids, "name": [f"第{i}社区" for i in range(500)], "population": chance.integers(500, 3000, 500)}
    _write(folder, "communities", people, areas)
    places = np.column_stack(
        [
            chance.uniform(EAST, EAST + (SIDE - 1) * STEP_M, 1000),
            chance.uniform(NORTH, NORTH + (SIDE - 1) * STEP_M, 1000),
        ]
    )
    points = {
        "id": [f"s{i}" for i in range(1000)],
        "name": [f"第{i}处" for i in range(1000)],
        "type": [KINDS[i % 8] for i in range(1000)],
    }
    _write(folder, "points", points, shapely.points(places))
    return folder


def _write(folder: Path, name: str, columns: dict[str, object], shapes: np.ndarray) -> None:
    gpd.GeoDataFrame(columns, geometry=shapes, crs=CRS).to_file(folder / f"{name}.gpkg", layer=name)
