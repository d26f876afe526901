"""A text that begins as a formula is text in every cell, whatever column it came in."""

from __future__ import annotations

import csv
import io
from dataclasses import replace

import geopandas as gpd
import openpyxl
import pandas as pd
import pytest

from geo.reports import tables, workbook

OURS = ("=SUBTOTAL(9,", "=SUMIF(", "=COUNTIF(")
BEGINNINGS = ["=", "+", "-", "@", "\t", "\r"]
CODES = {"service", "type", "state", "unit_kind", "mode", "demand", "group", "status", "action", "layer"}


def poisoned(table: pd.DataFrame, begin: str) -> pd.DataFrame:
    """Return a table in which every text of the data begins as a formula; codes stay, or nothing would be found."""
    table = table.copy()
    for name in table.columns:
        if name in CODES or name == "geometry":
            continue
        values = table[name].tolist()
        if any(isinstance(value, str) for value in values):
            table[name] = pd.Series(
                [f"{begin}1+{value}" if isinstance(value, str) else value for value in values],
                index=table.index,
                dtype=object,
            )
    return table


@pytest.fixture
def hostile(results, request):
    begin = request.param
    venues = gpd.GeoDataFrame(
        {"id": ["V1"], "name": ["馆"], "capacity": [9.0], "status": [""], "town": ["镇"]},
        geometry=[results.service_points.geometry.iloc[0]],
        crs=results.units.crs,
    )
    match = {"gap_id": "gig_station-C2-1", "service": "gig_station", "venue_id": "V1", "venue_name": "馆"}
    matches = pd.DataFrame([{**match, "people": 5.0, "minutes": 1.0, "metres": 2.0, "room": 9.0}])
    head = results.study.head.model_copy(update={"name": f"{begin}1+县", "source": f"{begin}1+源"})
    names = ("units", "service_points", "coverage", "gaps", "repairs")
    changed = {name: poisoned(getattr(results, name), begin) for name in names}
    for name in ("units", "service_points", "coverage", "gaps"):
        changed[name] = gpd.GeoDataFrame(changed[name], geometry="geometry", crs=results.units.crs)
    return replace(
        results,
        study=results.study.model_copy(update={"head": head}),
        **changed,
        context={"venues": gpd.GeoDataFrame(poisoned(venues, begin), geometry="geometry", crs=results.units.crs)},
        matches=poisoned(matches, begin),
        summary={**results.summary, "warnings": [f"{begin}1+1"]},
    )


@pytest.mark.parametrize("hostile", BEGINNINGS, indirect=True, ids=repr)
def test_no_cell_of_the_workbook_is_a_formula_of_the_data(hostile, tmp_path):
    path = tmp_path / "report.xlsx"
    workbook.write_workbook(hostile, path, lang="zh")
    with path.open("rb") as source:
        book = openpyxl.load_workbook(source)
    cells = [cell for sheet in book for row in sheet.iter_rows() for cell in row if isinstance(cell.value, str)]
    formulas = [cell.value for cell in cells if cell.data_type == "f"]
    assert formulas
    assert all(value.startswith(OURS) for value in formulas)
    assert not any("1+" in value for value in formulas)
    assert sum("1+" in cell.value for cell in cells) > 40
    assert not any(cell.hyperlink for cell in cells)


@pytest.mark.parametrize("hostile", BEGINNINGS, indirect=True, ids=repr)
def test_no_cell_of_a_table_begins_as_a_formula(hostile, tmp_path):
    path = tmp_path / "table.csv"
    met = 0
    for write in (tables.write_coverage, tables.write_gaps, tables.write_standards):
        write(hostile, path, lang="zh")
        for row in csv.reader(io.StringIO(path.read_bytes().decode("utf-8-sig"), newline="")):
            for cell in row:
                assert cell[:1] not in {"=", "+", "@", "\t", "\r"}
                assert cell[:1] != "-" or float(cell) < 0
                met += cell.startswith("'")
    assert met > 10
