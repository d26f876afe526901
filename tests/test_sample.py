"""The sample studies: the published counts, plausible ground, and the same files from the same seed."""

from __future__ import annotations

import tomllib
from itertools import pairwise
from pathlib import Path

import geopandas as gpd
import numpy as np
import osmium
import pandas as pd
import pytest
import rasterio
import shapely

from geo.errors import GeoValueError
from geo.sample import write_sample

LAYERS = Path(__file__).parents[1] / "layers"
NAMES = ("yongchun", "nanan", "quangang")
METRIC = {"yongchun": "EPSG:4548", "nanan": "EPSG:4548", "quangang": "EPSG:4549"}
WORKING = {"", "在用", "运行"}
TYPES = {
    "gig": {"零工驿站", "零工市场", "gig_station", "零工服务站点", "零工站"},
    "canteen": {"中央食堂", "共享职工食堂", "共享食堂"},
    "child": {"共享托管服务中心", "儿童托管", "“四点半”课堂"},
    "center": {"邻里中心", "“党建+”邻里中心", "neighborhood_center"},
    "merchant": {"联盟商家", "友好商家"},
    "tea": {"亲清茶室", "企业茶室"},
    "neighbor": {"睦邻驿站", "邻里驿站"},
    "charging": {"充电桩", "公共充电桩", "新能源充电站", "充电站", "ev_charging"},
    "rights": {"维权联系点", "新就业形态劳动者维权服务站", "邻里会客厅"},
    "mobile": {"流动服务", "大篷车", "维权下乡"},
}
PERSONAL = ("电话", "手机", "联系", "身份证", "姓名", "phone", "contact")


def layer(name: str, file: str, folder: Path = LAYERS) -> gpd.GeoDataFrame:
    return gpd.read_file(folder / name / file).to_crs(METRIC[name])


def services(name: str) -> pd.DataFrame:
    encoding = "gb18030" if name == "nanan" else "utf-8-sig"
    return pd.read_csv(LAYERS / name / "service_points.csv", encoding=encoding, dtype=str, keep_default_na=False)


def counted(name: str) -> pd.DataFrame:
    table = services(name)
    return table[table["状态"].isin(WORKING) & (table["是否流动"] != "是") & ~table["类型"].isin(TYPES["mobile"])]


def number(table: pd.DataFrame, kind: str) -> int:
    return int(table["类型"].isin(TYPES[kind]).sum())


def points_of(table: pd.DataFrame, name: str) -> gpd.GeoDataFrame:
    at = gpd.points_from_xy(table["经度"].astype(float), table["纬度"].astype(float), crs="EPSG:4326")
    return gpd.GeoDataFrame(table, geometry=at).to_crs(METRIC[name])


def read_streets(path: Path) -> tuple[dict[int, tuple[float, float]], list[tuple[int, list[int], dict[str, str]]]]:
    nodes: dict[int, tuple[float, float]] = {}
    ways: list[tuple[int, list[int], dict[str, str]]] = []
    for item in osmium.FileProcessor(str(path)):
        if item.is_node():
            nodes[item.id] = (item.location.lon, item.location.lat)
        elif item.is_way():
            ways.append((item.id, [node.ref for node in item.nodes], {tag.k: tag.v for tag in item.tags}))
    return nodes, ways


def street_lines(name: str) -> gpd.GeoDataFrame:
    nodes, ways = read_streets(LAYERS / name / "streets.osm.pbf")
    rows = [{"way": way, "refs": refs, **tags} for way, refs, tags in ways]
    lines = [shapely.LineString([nodes[ref] for ref in refs]) for _, refs, _ in ways]
    return gpd.GeoDataFrame(rows, geometry=lines, crs="EPSG:4326").to_crs(METRIC[name])


def pieces(streets: gpd.GeoDataFrame) -> pd.Series:
    """Number the connected pieces of the streets, by shared nodes."""
    parent: dict[int, int] = {}

    def root(node: int) -> int:
        while parent.setdefault(node, node) != node:
            node = parent[node]
        return node

    for refs in streets["refs"]:
        for ref in refs[1:]:
            parent[root(ref)] = root(refs[0])
    return streets["refs"].map(lambda refs: root(refs[0]))


@pytest.fixture(scope="module")
def streets() -> dict[str, gpd.GeoDataFrame]:
    return {name: street_lines(name) for name in NAMES}


def test_unknown_name_is_refused_with_the_accepted_ones(tmp_path: Path) -> None:
    with pytest.raises(GeoValueError, match="yongchun, nanan, quangang"):
        write_sample("atlantis", tmp_path / "atlantis")
    assert not (tmp_path / "atlantis").exists()


def committed(name: str) -> list[Path]:
    """Return the files of a sample, without the ledger that a run leaves there."""
    return [path for path in (LAYERS / name).iterdir() if not path.name.startswith("ledger.csv")]


@pytest.mark.parametrize("name", [NAMES[0], *(pytest.param(name, marks=pytest.mark.slow) for name in NAMES[1:])])
def test_the_same_seed_gives_the_committed_files(name: str, tmp_path: Path) -> None:
    made = write_sample(name, tmp_path / name)
    files = sorted(path.name for path in made.iterdir())
    assert files == sorted(path.name for path in committed(name))
    for file in files:
        new, old = made / file, LAYERS / name / file
        if file.endswith(".pbf"):
            assert read_streets(new) == read_streets(old)
        elif file.endswith(".tif"):
            with rasterio.open(new) as one, rasterio.open(old) as other:
                assert one.profile == other.profile
                np.testing.assert_array_equal(one.read(1), other.read(1))
        else:
            assert new.read_bytes() == old.read_bytes(), file


@pytest.mark.parametrize("name", NAMES)
def test_a_study_stays_small(name: str) -> None:
    assert sum(path.stat().st_size for path in (LAYERS / name).iterdir()) < 1_000_000


@pytest.mark.parametrize("name", NAMES)
def test_the_study_file_names_every_file_and_says_synthetic(name: str) -> None:
    text = (LAYERS / name / "study.toml").read_text(encoding="utf-8")
    study = tomllib.loads(text)
    assert study["study"]["id"] == name
    assert study["study"]["synthetic"] is True
    assert "示例" in study["study"]["name"]
    assert study["study"]["crs"] == METRIC[name]
    for path in committed(name):
        assert path.name == "study.toml" or f'"{path.name}"' in text


def test_yongchun_holds_the_published_counts() -> None:
    table = counted("yongchun")
    counts = {kind: number(table, kind) for kind in TYPES}
    expected = {
        "gig": 23,
        "canteen": 6,
        "child": 8,
        "center": 12,
        "merchant": 63,
        "tea": 6,
        "neighbor": 17,
        "charging": 20,
    }
    assert {kind: counts[kind] for kind in expected} == expected
    lengths = {
        file: len(layer("yongchun", file)) for file in ("communities.geojson", "parks.geojson", "factories.geojson")
    }
    assert lengths == {"communities.geojson": 17, "parks.geojson": 6, "factories.geojson": 153}
    assert len(pd.read_csv(LAYERS / "yongchun/venues.csv")) == 51
    assert len(gpd.read_file(LAYERS / "yongchun/districts.geojson")) == 6


def test_yongchun_has_one_gig_station_in_every_unit() -> None:
    table = points_of(counted("yongchun"), "yongchun")
    communities, parks = layer("yongchun", "communities.geojson"), layer("yongchun", "parks.geojson")
    gig = table[table["类型"].isin(TYPES["gig"])].geometry
    in_park = gig.within(parks.union_all())
    assert sorted(parks.contains(point).argmax() for point in gig[in_park]) == list(range(6))
    assert sorted(communities.contains(point).argmax() for point in gig[~in_park]) == list(range(17))
    centers = table[table["类型"].isin(TYPES["center"])].geometry
    assert sum(not centers.within(area).any() for area in communities.geometry) >= 5
    tea = table[table["类型"].isin(TYPES["tea"])].geometry
    assert all(tea.within(park).sum() == 1 for park in parks.geometry)


def test_yongchun_districts_overlap_and_two_have_no_shape() -> None:
    districts = layer("yongchun", "districts.geojson")
    assert districts.geometry.isna().sum() == 2
    drawn = list(districts.geometry.dropna())
    assert any(one.intersection(other).area > 1e5 for i, one in enumerate(drawn) for other in drawn[:i])
    members = layer("yongchun", "communities.geojson")["district"].dropna()
    assert {part for cell in members for part in cell.split(";")} == set(districts["id"][districts.geometry.isna()])


def test_nanan_has_28_venues_with_154_services() -> None:
    table = counted("nanan")
    venues = pd.read_csv(LAYERS / "nanan/venues.csv", dtype=str)
    assert len(venues) == 28
    assert len(table) == 154
    assert set(table["场所编码"]) == set(venues["场所编码"])
    assert len(gpd.read_file(LAYERS / "nanan/districts.geojson")) == 8
    wanted = {
        ("露江示例工业区", "共享食堂"),
        ("鼎诚示例工业园", "充电站"),
        ("鼎诚示例工业园", "共享仓"),
        ("水头示例滨海片区", "充电桩"),
        ("水头示例滨海片区", "共享堆场"),
    }
    assert {park + title for park, title in wanted} <= set(table["名称"])


def test_nanan_services_are_written_in_gb18030() -> None:
    raw = (LAYERS / "nanan/service_points.csv").read_bytes()
    assert "“" in raw.decode("gb18030")
    with pytest.raises(UnicodeDecodeError):
        raw.decode("utf-8")


def test_quangang_has_36_villages_in_ten_districts_and_23_rights_points() -> None:
    villages = pd.concat([layer("quangang", "communities.geojson"), layer("quangang", "hamlets.geojson")])
    districts = pd.read_csv(LAYERS / "quangang/districts.csv", dtype=str)
    assert len(villages) == 36
    assert villages["id"].is_unique
    assert set(villages.geom_type) == {"Polygon", "Point"}
    assert len(districts) == 10
    assert {part for cell in villages["district"] for part in cell.split(";")} == set(districts["片区编码"])
    assert number(counted("quangang"), "rights") == 23
    assert not (LAYERS / "quangang/population.tif").exists()


def test_quangang_services_fit_the_streets_only_once_unshifted(streets: dict[str, gpd.GeoDataFrame]) -> None:
    at = points_of(services("quangang"), "quangang")
    communities = layer("quangang", "communities.geojson").union_all()
    tree = shapely.STRtree(streets["quangang"].geometry.to_numpy())
    _, shifted = tree.query_nearest(at.geometry.to_numpy(), return_distance=True, all_matches=False)
    moved = at.geometry.translate(-440, 290)
    _, back = tree.query_nearest(moved.to_numpy(), return_distance=True, all_matches=False)
    assert np.median(shifted) > 60
    assert np.median(back) < 60
    assert at.within(communities.buffer(2000)).all()


@pytest.mark.parametrize("name", NAMES)
def test_every_name_says_that_it_is_an_example(name: str, streets: dict[str, gpd.GeoDataFrame]) -> None:
    for file in ("communities.geojson", "parks.geojson", "factories.geojson", "gates.geojson", "water.geojson"):
        assert layer(name, file)["name"].str.contains("示例").all(), file
    assert services(name)["名称"].str.contains("示例").all()
    assert streets[name]["name"].dropna().str.contains("示例").all()
    assert layer(name, "communities.geojson")["town"].str.contains("示例").all()


@pytest.mark.parametrize("name", NAMES)
def test_there_is_no_column_for_personal_data(name: str) -> None:
    headers = [*services(name).columns, *pd.read_csv(LAYERS / name / "venues.csv").columns]
    headers += [column for path in (LAYERS / name).glob("*.geojson") for column in gpd.read_file(path).columns]
    assert not [header for header in headers if any(word in header.lower() for word in PERSONAL)]


@pytest.mark.parametrize("name", NAMES)
def test_communities_share_borders_and_have_people(name: str) -> None:
    communities = layer(name, "communities.geojson")
    assert communities.is_valid.all()
    assert communities.area.sum() == pytest.approx(communities.union_all().area, rel=1e-6)
    assert (communities["population"] > 400).all()
    assert (communities["elders"] / communities["population"]).between(0.17, 0.25).all()
    boundary = layer(name, "boundary.geojson").union_all()
    assert communities.union_all().difference(boundary.buffer(0.1)).area < 1.0
    if name != "quangang":
        assert communities.union_all().area < 0.9 * boundary.area


@pytest.mark.parametrize("name", ["yongchun", "nanan"])
def test_population_lies_on_dry_ground_and_near_the_totals(name: str) -> None:
    communities, water = layer(name, "communities.geojson"), layer(name, "water.geojson").union_all()
    with rasterio.open(LAYERS / name / "population.tif") as source:
        people, transform = np.maximum(source.read(1), 0), source.transform
        assert source.crs.to_string() == METRIC[name]
        assert source.res == (100.0, 100.0)
        assert transform.c % 100 == 0
        assert transform.f % 100 == 0
    row, column = np.nonzero(people)
    x, y = transform.c + (column + 0.5) * 100, transform.f - (row + 0.5) * 100
    assert not shapely.contains_xy(water, x, y).any()
    inside = [people[row, column][shapely.contains_xy(area, x, y)].sum() for area in communities.geometry]
    assert (communities["population"] / inside).between(0.9, 1.12).all()
    assert 0 < people.sum() - sum(inside) < 0.1 * people.sum()
    assert 60_000 < people.sum() < 120_000


@pytest.mark.parametrize("name", NAMES)
def test_gates_lie_on_walls_where_a_street_passes(name: str, streets: dict[str, gpd.GeoDataFrame]) -> None:
    parks = layer(name, "parks.geojson").set_index("id")
    gates, barriers = layer(name, "gates.geojson"), layer(name, "barriers.geojson")
    walls = barriers[barriers["kind"] == "wall"]
    assert gates["unit_id"].value_counts().between(2, 4).all()
    assert set(gates["unit_id"]) == set(parks.index)
    tree = shapely.STRtree(streets[name].geometry.to_numpy())
    for gate in gates.itertuples():
        assert parks.geometry[gate.unit_id].exterior.distance(gate.geometry) < 0.1
        assert walls.distance(gate.geometry).min() < 0.1
        assert len(tree.query(gate.geometry, predicate="dwithin", distance=0.1)) == 2


@pytest.mark.parametrize("name", NAMES)
def test_streets_pass_walls_only_at_gates_and_water_only_on_bridges(
    name: str, streets: dict[str, gpd.GeoDataFrame]
) -> None:
    lines = streets[name][streets[name]["highway"].notna() & (streets[name]["highway"] != "motorway")]
    barriers = layer(name, "barriers.geojson")
    gates = layer(name, "gates.geojson").union_all().buffer(0.5)
    walls = barriers[barriers["kind"] == "wall"].union_all()
    assert lines.intersection(walls).difference(gates).is_empty.all()
    crossing = lines[lines.intersects(barriers[barriers["kind"] != "wall"].union_all())]
    assert (crossing["bridge"] == "yes").all()


@pytest.mark.parametrize("name", NAMES)
def test_streets_hang_together_apart_from_a_few_broken_bits(name: str, streets: dict[str, gpd.GeoDataFrame]) -> None:
    lines = streets[name][streets[name]["highway"].notna() & (streets[name]["highway"] != "motorway")]
    length = lines.length.groupby(pieces(lines)).sum().sort_values()
    assert 3 <= len(length) - 1 <= 6
    assert length.iloc[:-1].between(60, 300).all()
    assert length.iloc[-1] > 150_000


@pytest.mark.parametrize("name", NAMES)
def test_street_ids_rise_and_junctions_share_nodes(name: str) -> None:
    nodes, ways = read_streets(LAYERS / name / "streets.osm.pbf")
    assert list(nodes) == list(range(1, len(nodes) + 1))
    assert [way for way, _, _ in ways] == list(range(1, len(ways) + 1))
    ends = pd.Series([ref for _, refs, _ in ways for ref in refs]).value_counts()
    assert (ends > 1).sum() > 500
    assert all(first != second for _, refs, _ in ways for first, second in pairwise(refs))


def test_yongchun_streets_have_every_kind(streets: dict[str, gpd.GeoDataFrame]) -> None:
    lines = streets["yongchun"]
    kinds = {
        "motorway",
        "trunk",
        "secondary",
        "tertiary",
        "residential",
        "living_street",
        "service",
        "footway",
        "path",
        "steps",
    }
    assert kinds <= set(lines["highway"].dropna())
    assert (lines["junction"] == "roundabout").sum() == 1
    assert (lines["access"] == "private").sum() == 1
    assert ((lines["highway"] == "footway") & (lines["bridge"] == "yes")).sum() == 1
    assert (lines["oneway"] == "yes").sum() > 5
    outline = layer("yongchun", "boundary.geojson").union_all()
    assert lines.difference(outline).length.sum() > 5_000


@pytest.mark.parametrize("name", NAMES)
def test_heights_fit_the_ground(name: str) -> None:
    water = layer(name, "water.geojson")
    with rasterio.open(LAYERS / name / "dem.tif") as source:
        heights = source.read(1, masked=True)
        assert source.dtypes == ("int16",)
        assert source.nodata is not None
        assert heights.mask.any()
        river = water[water["name"] == "示例河"].to_crs(source.crs).union_all()
        at = shapely.get_coordinates(river)
        low = np.array([value[0] for value in source.sample(at)])
    assert heights.max() > 300
    assert np.median(low[low != -32768]) < np.ma.median(heights)
