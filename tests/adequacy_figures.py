"""How well are the streets of a place known? The figures of docs/adequacy.md, for studies and for bare street files.

    python tests/adequacy_figures.py STUDY [--data DIR]
    python tests/adequacy_figures.py STREETS --cell 500 --spread 50

A study gives the figures of its own units. A street file is laid over with square cells of `--cell` metres inside the
hull of its streets, and with points every `--spread` metres: what share of even ground is far from any street, or on an
island, and with how many people a km² would a cell fall below the least metres of street a resident?
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

import geo
from geo import adequacy, areas, network, snapping, streets
from geo.modes import BUILTIN
from geo.study_file import Adequacy

if TYPE_CHECKING:
    from collections.abc import Sequence

CAP_M = 300.0
WALK = "walk"
EVEN = ((WALK, "residents"),)
SHARES = (0.0, 0.05, 0.5, 0.95, 1.0)
COLUMNS = (
    "people_per_km2",
    "street_km_per_km2",
    "street_m_per_resident",
    "far_share",
    "island_share",
    "detached_share",
)


def of_study(folder: Path, data: Sequence[Path] = ()) -> pd.DataFrame:
    """Return `schema.ADEQUACY` of a study."""
    return pd.DataFrame(geo.analyse(geo.read_study(folder, data=tuple(data))).summary["adequacy"])


def read_pieces(file: Path) -> gpd.GeoDataFrame:
    if file.name.endswith(streets.GRAPHML_ENDINGS):
        return streets.read_graphml(file)
    return streets.read_osm(file)


def of_streets(pieces: gpd.GeoDataFrame, *, cell_m: float, spread_m: float) -> pd.DataFrame:
    """Return `schema.ADEQUACY` of the square cells that hold streets; one point stands for one person, evenly spread."""
    xmin, ymin, xmax, ymax = pieces.total_bounds
    x, y = np.meshgrid(np.arange(xmin, xmax, cell_m), np.arange(ymin, ymax, cell_m))
    cells = shapely.box(x.ravel(), y.ravel(), x.ravel() + cell_m, y.ravel() + cell_m)
    cells = cells[shapely.within(cells, shapely.convex_hull(shapely.union_all(pieces.geometry.to_numpy())))]
    ids = [f"c{number}" for number in range(len(cells))]
    layer = gpd.GeoDataFrame({"id": ids, "name": ids}, geometry=cells, crs=pieces.crs)
    units = areas.build({"communities": layer}, pieces.crs)
    step = np.arange(spread_m / 2, cell_m, spread_m)
    across, up = (part.ravel() for part in np.meshgrid(step, step))
    west, south = shapely.get_coordinates(cells).reshape(-1, 5, 2).min(axis=1).T
    points = shapely.points((west[:, None] + across).ravel(), (south[:, None] + up).ravel())
    people = gpd.GeoDataFrame(
        {"people": 1.0, "group": "residents", "community": np.repeat(ids, len(across)), "park": "", "factory": ""},
        geometry=points,
        crs=pieces.crs,
    ).assign(districts="")
    net = network.build(pieces, BUILTIN[WALK], island_m=Adequacy().island_m)
    status = snapping.snap(net, points, cap_m=CAP_M)["snap_status"].to_numpy()
    people[f"snap_status_{WALK}"] = status
    figures = adequacy.known(people, units, pieces, EVEN, limits=Adequacy()).figures
    most_people = figures["street_km"] * 1000.0 / Adequacy().street_m_per_resident
    return figures.assign(people_per_km2=most_people / (cell_m / 1000.0) ** 2, street_m_per_resident=np.nan)


def table(figures: pd.DataFrame) -> str:
    """Return least, 5 %, median, 95 % and most of every figure, by kind of unit, as Markdown."""
    lines = ["| unit | units | not assessed | figure | least | 5 % | median | 95 % | most |", "|---|" + "--:|" * 8]
    for kind, rows in figures[figures["people"] > 0].groupby("unit_kind", sort=False):
        unjudged = int((rows["status"] == "not_assessed").sum())
        for column in COLUMNS:
            if column not in rows or rows[column].isna().all():
                continue
            shown = " | ".join(f"{value:.2f}" for value in rows[column].astype(float).quantile([*SHARES]))
            lines.append(f"| {kind} | {len(rows)} | {unjudged} | {column} | {shown} |")
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("place", type=Path)
    parser.add_argument("--data", type=Path, action="append", default=[])
    parser.add_argument("--cell", type=float, default=500.0)
    parser.add_argument("--spread", type=float, default=50.0)
    given = parser.parse_args()
    if given.place.is_dir():
        shown = table(of_study(given.place, given.data))
    else:
        figures = of_streets(read_pieces(given.place), cell_m=given.cell, spread_m=given.spread)
        shown = table(figures[figures["unit_kind"] == "community"])
    sys.stdout.write(f"{shown}\n")


if __name__ == "__main__":
    main()
