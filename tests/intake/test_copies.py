"""The same layers in other formats give the same tables, and the same coverage byte for byte."""

from __future__ import annotations

import importlib.util
from typing import TYPE_CHECKING

import geopandas as gpd
import numpy as np
import pytest
import shapely
import small_county

import geo
from geo.errors import InputFaultsError
from geo.layers import columns, read_layers

from . import copies, postgres

if TYPE_CHECKING:
    from pathlib import Path

    from geo.layers import LayerSet
    from geo.study import Study

    from .postgres import Server

FORMATS = ("geopackage", "geoparquet", "gbk_shapefile", "xlsx", "postgis")


@pytest.fixture(scope="module")
def yongchun(sample_layers: Path) -> Study:
    return geo.read_study(sample_layers / "yongchun")


@pytest.fixture(scope="module")
def expected(yongchun: Study) -> LayerSet:
    return read_layers(yongchun)


@pytest.fixture
def copied(request: pytest.FixtureRequest, tmp_path: Path, yongchun: Study) -> Study:
    form = request.param
    if form == "geoparquet" and importlib.util.find_spec("pyarrow") is None:
        pytest.skip("pyarrow is not installed: pip install 'geo[parquet]'")
    if form == "postgis":
        return copies.copied(yongchun, copies.to_postgis(request.getfixturevalue("database")))
    copy = getattr(copies, f"to_{form}")(tmp_path)
    return copies.copied(yongchun, copy, points_only=form == "xlsx")


@pytest.mark.parametrize("copied", FORMATS, indirect=True)
def test_copies_give_the_same_canonical_tables(copied: Study, expected: LayerSet) -> None:
    found = read_layers(copied)
    changed = {name for name in expected.tables if getattr(copied.layers, name) and name not in copies.NOT_COPIED}
    assert {"service_points", "gates"} <= changed
    for name in expected.tables:
        own, other = expected.tables[name], found.tables[name]
        kind_columns = [column for column in own.columns if column in columns.CONTRACT[_kind(name)]]
        assert len(own) == len(other), name
        for column in kind_columns:
            left, right = own[column].to_numpy(), other[column].to_numpy()
            same = (left == right) | ((left != left) & (right != right))  # noqa: PLR0124 - NaN
            assert same.all(), (name, column)
        shapes, others = own.geometry.to_numpy(), other.geometry.to_numpy()
        assert (shapely.is_missing(shapes) == shapely.is_missing(others)).all()
        assert np.array_equal(shapely.get_coordinates(shapes), shapely.get_coordinates(others)), name
    assert [entry["rows_kept"] for entry in found.inputs if entry["rows_kept"] is not None] == [
        entry["rows_kept"] for entry in expected.inputs if entry["rows_kept"] is not None
    ]


def _kind(layer: str) -> str:
    from geo.layers import KINDS  # noqa: PLC0415 - beside its use

    return KINDS[layer]


@pytest.fixture(scope="module")
def coverage(yongchun: Study, tmp_path_factory: pytest.TempPathFactory) -> bytes:
    return _coverage(yongchun, tmp_path_factory.mktemp("as-it-is"))


def _coverage(study: Study, folder: Path) -> bytes:
    geo.analyse(study).write(folder)
    (found,) = folder.rglob("coverage.csv")
    return found.read_bytes()


@pytest.mark.slow
@pytest.mark.parametrize("copied", FORMATS, indirect=True)
def test_copies_give_the_same_coverage_byte_for_byte(copied: Study, coverage: bytes, tmp_path: Path) -> None:
    assert _coverage(copied, tmp_path / "out") == coverage


def test_a_study_file_may_name_tables_of_a_database(tmp_path: Path, database: Server) -> None:
    files = small_county.write_county(
        tmp_path / "files", **{small_county.STREETS: None, "streets.geojson": small_county.street_lines()}
    )
    plain = (files / "study.toml").read_text(encoding="utf-8").replace(small_county.STREETS, "streets.geojson")
    (files / "study.toml").write_text(plain, encoding="utf-8")
    copy, text = copies.to_postgis(database), plain
    for name in ("streets.geojson", "communities.geojson", "parks.geojson"):
        source = copy(name, gpd.read_file(files / name))
        text = text.replace(f'"{name}"', f'{{postgis = "{database.address}", table = "{source.table}"}}')
    assert text.count("postgis") == 3
    tables = tmp_path / "tables"
    tables.mkdir()
    (tables / "study.toml").write_text(text, encoding="utf-8")
    (tables / "stations.csv").write_bytes((files / "stations.csv").read_bytes())
    expected, found = (_coverage(geo.read_study(folder), tmp_path / f"out-{folder.name}") for folder in (files, tables))
    assert expected == found
    checked = small_county.ask("check", tables)
    assert checked.exit_code == 0, checked.output
    assert postgres.SECRET_IN_ADDRESS not in checked.output

    port = database.address.rpartition(":")[2].partition("/")[0]
    (tables / "study.toml").write_text(text.replace(f":{port}/", ":1/"), encoding="utf-8")
    refused = small_county.ask("check", tables)
    assert refused.exit_code == 1
    assert "127.0.0.1:1" in refused.output
    assert "SecretStr" not in refused.output
    assert postgres.SECRET_IN_ADDRESS not in refused.output


@pytest.mark.parametrize("layer", ["population", "terrain"])
def test_a_raster_is_no_table_of_a_database(tmp_path: Path, layer: str) -> None:
    folder = small_county.write_county(tmp_path / "town")
    text = (folder / "study.toml").read_text(encoding="utf-8")
    line = f'[layers]\n{layer} = {{postgis = "postgresql://u:w0rd@h/b", table = "t"}}'
    (folder / "study.toml").write_text(text.replace("[layers]", line), encoding="utf-8")
    with pytest.raises(InputFaultsError) as caught:
        geo.read_study(folder)
    assert [fault.where for fault in caught.value.faults] == [f"layers.{layer}"]
