"""Which files a sample study consists of, and what stands in each."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import shapely

from geo import crs
from geo.sample import enclosed, files

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from pathlib import Path

    from geo.sample.land import Land
    from geo.sample.people import People
    from geo.sample.recipe import Community, Recipe
    from geo.sample.shapes import Array, Field, Frame
    from geo.sample.streets import Network
    from geo.sample.tables import Factory, ServicePoint, Venue

PEOPLE_NODATA = -1
HEIGHT_NODATA = -32768
SERVICE_HEADER = (
    "设施编码",
    "名称",
    "类型",
    "经度",
    "纬度",
    "状态",
    "容量",
    "开放时间",
    "场所编码",
    "是否流动",
    "备注",
)
VENUE_HEADER = ("场所编码", "场所名称", "经度", "纬度", "容量", "所属单元")
NOTE = "示例数据"


@dataclass(frozen=True)
class County:
    """Everything that is written of a synthetic county; geometry in the local frame."""

    recipe: Recipe
    frame: Frame
    land: Land
    network: Network
    outline: shapely.Geometry
    areas: Mapping[str, shapely.Geometry]
    districts: Sequence[shapely.Geometry | None]
    people: People
    residents: Mapping[str, tuple[int, int]]
    factories: Sequence[Factory]
    park_workers: Mapping[str, int]
    venues: Sequence[Venue]
    service_points: Sequence[ServicePoint]


def _community(county: County, community: Community) -> dict[str, object]:
    population, elders = county.residents[community.id]
    row: dict[str, object] = {
        "id": community.id,
        "name": community.name,
        "population": population,
        "elders": elders,
        "town": community.town,
        "area": community.area,
    }
    return {**row, "district": community.district} if community.district else row


def _write_units(county: County, folder: Path) -> None:
    recipe, frame = county.recipe, county.frame
    whole = [one for one in recipe.communities if not one.as_point]
    rows = [(_community(county, one), county.areas[one.id]) for one in whole]
    files.write_geojson(folder / "communities.geojson", frame, rows)
    points = [
        (_community(county, one), shapely.centroid(county.areas[one.id])) for one in recipe.communities if one.as_point
    ]
    if points:
        files.write_geojson(folder / "hamlets.geojson", frame, points)
    parks = []
    for one in county.network.enclosures:
        row: dict[str, object] = {"id": one.park.id, "name": one.park.name, "workers": county.park_workers[one.park.id]}
        parks.append(({**row, "district": one.park.district} if one.park.district else row, one.outline))
    files.write_geojson(folder / "parks.geojson", frame, parks)
    if all(area is None for area in county.districts):
        table = [(district.id, district.name) for district in recipe.districts]
        files.write_csv(folder / "districts.csv", ("片区编码", "片区名称"), table)
    else:
        drawn = [
            ({"id": district.id, "name": district.name}, area)
            for district, area in zip(recipe.districts, county.districts, strict=True)
        ]
        files.write_geojson(folder / "districts.geojson", frame, drawn)


def _write_ground(county: County, folder: Path) -> None:
    frame, land = county.frame, county.land
    gates = [
        (
            {"id": f"{one.park.id}-G{number + 1}", "name": f"{one.park.name}{number + 1}号门", "unit_id": one.park.id},
            shapely.Point(gate),
        )
        for one in county.network.enclosures
        for number, gate in enumerate(one.gates)
    ]
    files.write_geojson(folder / "gates.geojson", frame, gates)
    water: list[tuple[dict[str, object], shapely.Geometry]] = [
        ({"name": name}, area) for name, area in (("示例河", land.rivers), ("示例湾", land.sea)) if not area.is_empty
    ]
    if water:
        files.write_geojson(folder / "water.geojson", frame, water)
    barriers = [({"kind": "wall"}, wall) for wall in enclosed.walls(county.network.enclosures)]
    barriers += [({"kind": "water"}, area) for _, area in water]
    if not land.rail.is_empty:
        barriers.append(({"kind": "rail"}, land.rail))
    files.write_geojson(folder / "barriers.geojson", frame, barriers)
    files.write_geojson(folder / "boundary.geojson", frame, [({"name": county.recipe.name}, county.outline)])


def _degrees(county: County, places: Iterable[Array], *, system: str = "") -> list[tuple[str, str]]:
    """Return longitude and latitude as text with six decimals, in the system that the table is written in."""
    lonlat = county.frame.lonlat(np.array(list(places)))
    lon, lat = crs.to_gcj02(lonlat[:, 0], lonlat[:, 1]) if system == "gcj02" else lonlat.T
    return [(f"{x:.6f}", f"{y:.6f}") for x, y in zip(lon, lat, strict=True)]


def _write_tables(county: County, folder: Path) -> None:
    recipe = county.recipe
    rows = [
        ({"id": one.id, "name": one.name, "workers": one.workers}, shapely.Point(one.xy)) for one in county.factories
    ]
    files.write_geojson(folder / "factories.geojson", county.frame, rows)
    venues = [
        (one.id, one.name, lon, lat, one.capacity, one.unit)
        for one, (lon, lat) in zip(county.venues, _degrees(county, [one.xy for one in county.venues]), strict=True)
    ]
    files.write_csv(folder / "venues.csv", VENUE_HEADER, venues)
    places = _degrees(county, [one.xy for one in county.service_points], system=recipe.service_crs)
    services = [
        (one.id, one.name, one.type, lon, lat, one.status, one.capacity, one.hours, one.venue, one.mobile, NOTE)
        for one, (lon, lat) in zip(county.service_points, places, strict=True)
    ]
    files.write_csv(folder / "service_points.csv", SERVICE_HEADER, services, encoding=recipe.service_encoding)


def _write_rasters(county: County, folder: Path) -> None:
    frame, people, height = county.frame, county.people, county.land.height
    if county.recipe.raster:
        north = people.south_m + people.count.shape[0] * 100.0
        files.write_raster(
            folder / "population.tif",
            people.count[::-1],
            crs=frame.crs,
            cell=100.0,
            west=frame.east_m + people.west_m,
            north=frame.north_m + north,
            nodata=PEOPLE_NODATA,
        )
    values = _with_voids(height.values, county.land.slope.values)
    if county.recipe.dem_crs:
        _write_degrees(county, folder, height)
        return
    rows = values.shape[0]
    files.write_raster(
        folder / "dem.tif",
        values[::-1],
        crs=frame.crs,
        cell=height.cell_m,
        west=frame.east_m + height.x_m - height.cell_m / 2,
        north=frame.north_m + height.y_m + (rows - 0.5) * height.cell_m,
        nodata=HEIGHT_NODATA,
    )


def _with_voids(height: Array, slope: Array) -> np.ndarray[Any, np.dtype[np.int16]]:
    """Return whole metres; the steepest cells are empty, as radar leaves them."""
    empty = slope > np.quantile(slope, 0.9985)
    return np.where(empty, HEIGHT_NODATA, np.round(height)).astype(np.int16)


def _write_degrees(county: County, folder: Path, height: Field) -> None:
    """Write the heights on a grid of three seconds of arc, as satellite data come."""
    x, y = height.points
    inner = slice(3, -3)
    lonlat = county.frame.lonlat(np.column_stack([x[inner, inner].ravel(), y[inner, inner].ravel()]))
    cell = 1 / 1200
    west, south = np.ceil(lonlat.min(axis=0) / cell) * cell
    columns, rows = np.floor((lonlat.max(axis=0) - [west, south]) / cell).astype(int)
    lon, lat = np.meshgrid(west + (np.arange(columns) + 0.5) * cell, south + (np.arange(rows) + 0.5) * cell)
    local = county.frame.local(np.column_stack([lon.ravel(), lat.ravel()]))
    values, slope = (field.at(local[:, 0], local[:, 1]).reshape(rows, columns) for field in (height, county.land.slope))
    files.write_raster(
        folder / "dem.tif",
        _with_voids(values, slope)[::-1],
        crs=county.recipe.dem_crs,
        cell=cell,
        west=west,
        north=south + rows * cell,
        nodata=HEIGHT_NODATA,
    )


def write_study(county: County, folder: Path) -> None:
    """Write all files of a study into a folder that exists."""
    _write_units(county, folder)
    _write_ground(county, folder)
    _write_tables(county, folder)
    _write_rasters(county, folder)
    files.write_streets(folder / "streets.osm.pbf", county.frame, county.network.streets)
    (folder / "study.toml").write_bytes(_study_file(county).encode())


def _layer_lines(county: County) -> list[str]:
    recipe = county.recipe
    points = any(one.as_point for one in recipe.communities)
    has_water = not county.land.water.is_empty
    listed = all(area is None for area in county.districts)
    rows = [
        ("streets", '"streets.osm.pbf"', "道路（OpenStreetMap 格式）"),
        ("service_points", f'{{ path = "service_points.csv", crs = "{recipe.service_crs}" }}', "服务设施，一行一处"),
        (
            "communities",
            '["communities.geojson", "hamlets.geojson"]' if points else '"communities.geojson"',
            "社区（村）：常住人口、老年人",
        ),
        ("parks", '"parks.geojson"', "园区：围墙内的面、职工人数"),
        ("factories", '"factories.geojson"', "厂区：点、职工人数"),
        (
            "districts",
            '"districts.csv"' if listed else '"districts.geojson"',
            "片区；没有面的，按单元的 district 列归属",
        ),
        ("venues", '{ path = "venues.csv", crs = "EPSG:4326" }', "场所；设施以“场所编码”对应"),
        ("gates", '"gates.geojson"', "园区大门，在围墙上"),
        ("barriers", '"barriers.geojson"', "围墙、水面、铁路：步行不能穿过"),
        ("water", '"water.geojson"' if has_water else "", "水面，用于画图"),
        ("boundary", '"boundary.geojson"', "县界"),
        ("population", '"population.tif"' if recipe.raster else "", "人口栅格：每格人数"),
        ("terrain", '"dem.tif"', "高程（米）"),
    ]
    return [f"{key:<14} = {value}   # {note}" for key, value, note in rows if value]


def _study_file(county: County) -> str:
    recipe = county.recipe
    lines = [
        "# 示例研究：全部数据由 geo sample 按固定种子生成，不对应任何真实地物。",
        "[study]",
        f'id = "{recipe.id}"',
        f'name = "{recipe.name}"',
        f'code = "{recipe.code}"         # 县级行政区划代码',
        'period = "2026Q4"',
        f'crs = "{recipe.crs}"         # 以米为单位',
        "synthetic = true          # 所有成果注明“示例数据”",
        "",
        "[layers]",
        *_layer_lines(county),
        *(("", *recipe.toml_notes) if recipe.toml_notes else ()),
    ]
    return "\n".join(lines) + "\n"
