"""Tables go on into geopandas, folium, matplotlib and rasterio as they are; steps run by themselves."""

from __future__ import annotations

import io
import re
from typing import TYPE_CHECKING

import geopandas as gpd
import numpy as np
import pytest
import rasterio
from matplotlib.figure import Figure
from small_county import csv_text, stations, write_county

import geo
from geo import schema

if TYPE_CHECKING:
    from pathlib import Path

TABLES = {
    "demand": schema.DEMAND,
    "coverage": schema.COVERAGE,
    "gaps": schema.GAPS,
    "isochrones": schema.ISOCHRONES,
    "service_points": schema.SERVICE_POINTS,
    "units": schema.UNITS,
    "streets": schema.STREETS,
}


@pytest.fixture(scope="module")
def county(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_county(tmp_path_factory.mktemp("chain") / "county", stations_csv=csv_text(stations()[:8]))


@pytest.fixture(scope="module")
def analysis(county: Path) -> geo.Analysis:
    return geo.analyse(geo.read_study(county))


@pytest.mark.parametrize("name", TABLES)
def test_every_table_has_its_columns_and_a_metric_crs(analysis: geo.Analysis, name: str) -> None:
    table = getattr(analysis, name)
    assert isinstance(table, gpd.GeoDataFrame)
    assert set(TABLES[name]) <= set(table.columns)
    assert table.crs == analysis.demand.crs
    assert {axis.unit_name for axis in table.crs.axis_info} == {"metre"}


@pytest.mark.parametrize("name", TABLES)
def test_every_table_can_be_explored_plotted_and_filed(analysis: geo.Analysis, name: str, tmp_path: Path) -> None:
    table = getattr(analysis, name)
    page = table.explore(tiles=None).get_root().render()
    assert re.search(r'"type": "(Multi)?(Point|LineString|Polygon)"', page)
    figure = Figure()
    table.plot(ax=figure.subplots())
    file = io.BytesIO()
    figure.savefig(file, format="png", dpi=30)
    assert file.getvalue().startswith(b"\x89PNG")
    table.to_file(tmp_path / "table.gpkg", layer=name)
    back = gpd.read_file(tmp_path / "table.gpkg", layer=name)
    assert len(back) == len(table)
    assert back.crs == table.crs
    assert table.to_crs(4326).total_bounds == pytest.approx([118.2, 25.3, 118.216, 25.316], abs=0.01)


@pytest.mark.slow
def test_a_surface_is_what_rasterio_and_matplotlib_take(analysis: geo.Analysis, tmp_path: Path) -> None:
    surface = analysis.surfaces["gig_station", "walk"]
    figure = Figure()
    shown = figure.subplots().imshow(surface.minutes)
    assert shown.get_array().shape == surface.minutes.shape
    analysis.write(tmp_path / "out")
    with rasterio.open(tmp_path / "out" / "surface_gig_station.tif") as raster:
        filed = raster.read(1)
        assert raster.crs.to_epsg() == analysis.demand.crs.to_epsg()
        assert filed.dtype == np.float32
        # A person at home, read from the picture: within a cell's walk of the number in the table.
        homes = analysis.demand[analysis.demand["group"] == "residents"]
        seen = np.array([value[0] for value in raster.sample(zip(homes.geometry.x, homes.geometry.y, strict=True))])
    minutes = homes["minutes_gig_station"].to_numpy()
    assert np.nanmax(np.abs(seen - minutes)) < 1.0


def test_steps_by_themselves_say_what_the_pipeline_says(analysis: geo.Analysis, county: Path) -> None:
    streets = geo.read_streets(county / "streets.osm", mode="walk", crs=analysis.demand.crs)
    homes = analysis.demand[analysis.demand["group"] == "residents"]
    points = analysis.service_points
    stations_there = points[(points["type"] == "gig_station") & points["counted"]].set_index("id")
    found = geo.nearest_minutes(streets, homes, stations_there, limit=60)
    assert found["minutes"].to_numpy() == pytest.approx(homes["minutes_gig_station"].to_numpy(), abs=1e-9)
    within = found["minutes"] <= analysis.services["gig_station"].limit
    served = geo.what_if(analysis, "gig_station").served()["people_served"]
    assert homes.loc[within, "people"].sum() == pytest.approx(served)


def test_analysis_says_what_it_holds(analysis: geo.Analysis) -> None:
    assert repr(analysis) == f"<Analysis small 2026Q4: 2 services, 3 units, {len(analysis.gaps)} gaps>"
    shown = analysis._repr_html_()
    for name, table in ((name, getattr(analysis, name)) for name in TABLES):
        assert f"<code>.{name}</code> {len(table):,}" in shown
    whole = geo.what_if(analysis, "gig_station").served()
    assert f"<td>{whole['share']:.1%}</td>" in shown
