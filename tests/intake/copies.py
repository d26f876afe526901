"""The layers of a study in other formats: every vector layer copied, the study pointed at the copies."""

from __future__ import annotations

from typing import TYPE_CHECKING

import geopandas as gpd
import openpyxl
import pandas as pd
import shapely

from geo.study_file import LayerSource

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from geo.study import Study

    from .postgres import Server

NOT_COPIED = ("streets", "population", "terrain")
Copy = "Callable[[str, gpd.GeoDataFrame], LayerSource]"


def copied(study: Study, copy: Callable[[str, gpd.GeoDataFrame], LayerSource], *, points_only: bool = False) -> Study:
    """Return a study whose vector layers are copies; `points_only` leaves areas and lines as they are."""
    layers = {}
    for name in type(study.layers).model_fields:
        sources = getattr(study.layers, name)
        if name in NOT_COPIED or not sources:
            continue
        tables = [_table(source) for source in sources]
        if points_only and not all((table.geometry.geom_type == "Point").all() for table in tables):
            continue
        layers[name] = tuple(
            copy(f"{name}{number}", table).model_copy(
                update={"crs": "EPSG:4326", "where": source.where, "set": source.set}
            )
            for number, (source, table) in enumerate(zip(sources, tables, strict=True))
        )
    return study.model_copy(update={"layers": study.layers.model_copy(update=layers)})


def _table(source: LayerSource) -> gpd.GeoDataFrame:
    """Return a source as a table of points, lines or areas in degrees, its texts untouched."""
    assert source.file is not None
    if source.file.suffix != ".csv":
        return gpd.read_file(source.file)
    table = pd.read_csv(source.file, dtype=str, keep_default_na=False, encoding="utf-8-sig")
    if "经度" not in table.columns:
        return gpd.GeoDataFrame(table, geometry=[None] * len(table), crs=4326)
    places = gpd.points_from_xy(table["经度"].astype(float), table["纬度"].astype(float))
    return gpd.GeoDataFrame(table.drop(columns=["经度", "纬度"]), geometry=places, crs=4326)


def to_geopackage(folder: Path) -> Callable[[str, gpd.GeoDataFrame], LayerSource]:
    def copy(name: str, table: gpd.GeoDataFrame) -> LayerSource:
        table.to_file(folder / "all.gpkg", layer=name)
        return LayerSource(path="all.gpkg", file=folder / "all.gpkg", layer=name)

    return copy


def to_geoparquet(folder: Path) -> Callable[[str, gpd.GeoDataFrame], LayerSource]:
    def copy(name: str, table: gpd.GeoDataFrame) -> LayerSource:
        table.to_parquet(folder / f"{name}.parquet")
        return LayerSource(path=f"{name}.parquet", file=folder / f"{name}.parquet")

    return copy


def to_gbk_shapefile(folder: Path) -> Callable[[str, gpd.GeoDataFrame], LayerSource]:
    def copy(name: str, table: gpd.GeoDataFrame) -> LayerSource:
        path = folder / f"{name}.shp"
        table.to_file(path, encoding="GBK")
        path.with_suffix(".cpg").unlink()
        return LayerSource(path=path.name, file=path)

    return copy


def to_xlsx(folder: Path) -> Callable[[str, gpd.GeoDataFrame], LayerSource]:
    """Return what writes a table of points as an office does: a title in merged cells, the header in line 3."""

    def copy(name: str, table: gpd.GeoDataFrame) -> LayerSource:
        book = openpyxl.Workbook()
        sheet = book.worksheets[0]
        columns = [str(column) for column in table.columns if column != "geometry"]
        header = [*columns, "经度", "纬度"]
        sheet.append([f"{name}一览表", *[None] * (len(header) - 1)])
        sheet.append(["填报单位：某局"])
        sheet.append(header)
        for row, place in zip(table[columns].itertuples(index=False), table.geometry, strict=True):
            sheet.append([*(None if pd.isna(cell) else cell for cell in row), place.x, place.y])
        sheet.append(["合计", len(table)])
        sheet.merge_cells(start_row=1, end_row=1, start_column=1, end_column=len(header))
        path = folder / f"{name}.xlsx"
        book.save(path)
        return LayerSource(path=path.name, file=path)

    return copy


def to_postgis(server: Server) -> Callable[[str, gpd.GeoDataFrame], LayerSource]:
    """Return what writes a table into the database, its columns as they are called, by bound parameters."""
    import psycopg  # noqa: PLC0415 - an extra
    from psycopg import sql  # noqa: PLC0415

    kinds = {"i": "int8", "f": "float8", "b": "bool"}

    def copy(name: str, table: gpd.GeoDataFrame) -> LayerSource:
        columns = [str(column) for column in table.columns if column != "geometry"]
        typed = [(sql.Identifier(column), sql.SQL(kinds.get(table[column].dtype.kind, "text"))) for column in columns]
        own = sql.Identifier(f"copy of {name}")
        with psycopg.connect(server.address) as connection:
            connection.execute(sql.SQL("DROP TABLE IF EXISTS {}").format(own))
            fields = sql.SQL(", ").join([sql.SQL("{} {}").format(*pair) for pair in typed])
            connection.execute(
                sql.SQL("CREATE TABLE {} ({}, geom geometry(Geometry, 4326), fid serial PRIMARY KEY)").format(
                    own, fields
                )
            )
            marks = sql.SQL(", ").join([*[sql.Placeholder()] * len(columns), sql.SQL("ST_GeomFromWKB(%s, 4326)")])
            rows = [
                [*(None if pd.isna(cell) else cell for cell in row), None if place is None else shapely.to_wkb(place)]
                for row, place in zip(
                    table[columns].astype(object).itertuples(index=False), table.geometry, strict=True
                )
            ]
            connection.cursor().executemany(sql.SQL("INSERT INTO {} VALUES ({})").format(own, marks), rows)
        return LayerSource(postgis=server.address, table=f"copy of {name}")

    return copy
