"""What a planner's typed script looks like; mypy --strict accepts it (checked in test_public_names)."""

from __future__ import annotations

from pathlib import Path

import geopandas as gpd
import pandas as pd

import geo


def report(folder: Path) -> pd.DataFrame:
    """Return the curve of coverage, after trying what the API offers."""
    study: geo.Study = geo.read_study(folder)
    analysis: geo.Analysis = geo.analyse(study)
    sites: gpd.GeoDataFrame = geo.suggest_sites(analysis, "gig_station", add=2, model="mclp")
    scenario: geo.Scenario = geo.what_if(analysis, "gig_station", limit=10, speed_kmh=4.0, sites=sites)
    people: float = scenario.served("residents")["people_served"]
    files: list[Path] = analysis.write(folder / f"out-{people:.0f}")
    analysis.plot("matrix").savefig(files[0].with_suffix(".png"))
    geo.panel(analysis, lang="en")
    streets = geo.read_streets(folder / "streets.osm.pbf", mode="walk")
    minutes: pd.DataFrame = geo.nearest_minutes(streets, sites, sites, limit=15)
    pairs: pd.DataFrame = geo.minutes_matrix(streets, sites, sites, limit=minutes["minutes"].max())
    rings: gpd.GeoDataFrame = geo.isochrones(streets, sites, minutes=[5, 10, 15], combine="dissolve")
    rings.to_crs(4326)
    pairs.groupby("origin").size()
    return geo.coverage_by_sites(analysis, "gig_station", most=5)


def quarters(before: Path, now: Path) -> list[str]:
    """Return what became of each gap, or what keeps the two from being compared."""
    try:
        states: list[str] = geo.compare(before, now).table["state"].tolist()
    except geo.InputFaultsError as error:
        return [fault.text("zh") for fault in error.faults]
    except geo.GeoCrsError as error:
        return [f"CRS: {error}"]
    except (geo.GeoValueError, geo.GeoError) as error:
        return [str(error)]
    return states


def counties(province: Path, polygons: Path, out: Path) -> list[Path]:
    """Return the street files of the counties of a province, and fetch one more from the web."""
    files = [extract.file for extract in geo.split_streets(province, polygons, out) if extract.file is not None]
    geo.fetch_study("Porto Alegre", out / f"poa-{geo.__version__}")
    return files
