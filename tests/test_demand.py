from __future__ import annotations

from typing import TYPE_CHECKING, Any

import geopandas as gpd
import numpy as np
import pyproj
import pytest
import rasterio
import shapely
from affine import Affine
from hypothesis import given, strategies as st
from worlds import EAST, METRIC, NORTH, box, line, spots, street, street_table

from geo import areas, demand, population
from geo.errors import GeoCrsError, GeoValueError, InputFaultsError

if TYPE_CHECKING:
    from pathlib import Path

    from geo.demand import Starts
    from geo.population import Cells

NO_GATES = gpd.GeoDataFrame({"unit_id": []}, geometry=[], crs=METRIC)
BLOCK = box(0, -100, 1000, 100)
MAIN = street((-500, 0), (1500, 0))


def layer(*shapes: shapely.Geometry | None, **columns: list[Any]) -> gpd.GeoDataFrame:
    return gpd.GeoDataFrame(columns, geometry=list(shapes), crs=METRIC)


def starts(
    streets: tuple[dict[str, Any], ...] = (MAIN,),
    *,
    gates: gpd.GeoDataFrame = NO_GATES,
    cells: Cells | None = None,
    **layers: gpd.GeoDataFrame,
) -> Starts:
    return demand.starts(areas.build(layers, METRIC), street_table(streets), gates=gates, cells=cells)


def local(table: gpd.GeoDataFrame) -> list[tuple[float, float]]:
    xy = shapely.get_coordinates(table.geometry.to_numpy()) - (EAST, NORTH)
    return [(round(x, 6), round(y, 6)) for x, y in xy]


def notes(found: Starts) -> list[tuple[str, str, str]]:
    return [(note.layer, note.unit_id, note.message.key) for note in found.notes]


# -- sharing out -------------------------------------------------------------------------------------


@given(st.integers(0, 100_000), st.lists(st.floats(0, 1e6), min_size=1, max_size=50))
def test_whole_people_stay_whole_and_sum_exactly(total: int, weights: list[float]) -> None:
    plain = np.array(weights)
    shares = demand.apportion(total, plain)
    assert shares.sum() == total
    assert (shares == np.floor(shares)).all()
    assert (shares >= 0).all()
    if plain.sum() > 0:
        assert (np.abs(shares - total * plain / plain.sum()) <= 1 + 1e-6).all()


@given(st.floats(0.001, 1e6), st.lists(st.floats(0, 1e6), min_size=1, max_size=50))
def test_other_totals_sum_to_rounding(total: float, weights: list[float]) -> None:
    assert demand.apportion(total, np.array(weights)).sum() == pytest.approx(total, rel=1e-9)


def test_without_weights_all_have_the_same() -> None:
    assert demand.apportion(7, np.zeros(3)).tolist() == [3, 2, 2]
    with pytest.raises(GeoValueError):
        demand.apportion(7, np.array([]))


# -- residents ---------------------------------------------------------------------------------------


def test_along_the_streets_inside_every_50_m() -> None:
    """1000 m inside: 20 points, 25 m from each end and 50 m apart, with as many people each."""
    found = starts(communities=layer(BLOCK, id=["A"], population=[2000]))
    assert local(found.table) == [(25.0 + 50 * n, 0.0) for n in range(20)]
    assert found.table["people"].tolist() == [100.0] * 20
    assert found.table["id"].tolist() == [f"A-{n}" for n in range(1, 21)]
    assert set(found.table["group"]) == {"residents"}
    assert notes(found) == []


def test_people_live_along_residential_streets_if_there_are_any() -> None:
    streets = (
        street((0, 50), (1000, 50), highway="primary"),
        street((0, -50), (100, -50)),
        street((0, -80), (50, -80), highway="living_street"),
    )
    found = starts(streets, communities=layer(BLOCK, id=["A"], population=[30]))
    assert local(found.table) == [(25, -50), (75, -50), (25, -80)]
    assert found.table["people"].tolist() == [10, 10, 10]


def test_else_along_all_that_one_may_walk() -> None:
    streets = street((0, 50), (100, 50), highway="primary"), street((0, -50), (1000, -50), highway="motorway")
    found = starts(streets, communities=layer(BLOCK, id=["A"], population=[30]))
    assert local(found.table) == [(25, 50), (75, 50)]


def test_else_in_the_middle() -> None:
    far = street((5000, 0), (6000, 0))
    found = starts((far,), communities=layer(BLOCK, id=["A"], population=[30]))
    assert local(found.table) == [(500, 0)]
    assert found.table["people"].tolist() == [30]


def test_a_short_street_counts_for_its_length() -> None:
    streets = street((0, 0), (100, 0)), street((0, 50), (10, 50))
    found = starts(streets, communities=layer(BLOCK, id=["A"], population=[110]))
    assert found.table["people"].tolist() == [50, 50, 10]


def test_people_of_a_point_keep_its_id() -> None:
    found = starts(communities=layer(spots((10, 20))[0], id=["A"], population=[30], elders=[7]))
    assert found.table["id"].tolist() == ["A", "A:elders"]
    assert found.table["people"].tolist() == [30, 7]
    assert found.table["group"].tolist() == ["residents", "elders"]
    assert local(found.table) == [(10, 20), (10, 20)]


def test_people_without_a_place_stay() -> None:
    found = starts(communities=layer(None, id=["A"], population=[30]))
    assert found.table["people"].tolist() == [30]
    assert found.table.geometry.tolist() == [None]


def test_elders_live_where_residents_do() -> None:
    found = starts(communities=layer(BLOCK, id=["A"], population=[40], elders=[10]))
    residents, elders = (found.table[found.table["group"] == group] for group in ("residents", "elders"))
    assert residents["people"].sum() == 40
    assert elders["people"].sum() == 10
    assert (elders["people"] == np.floor(elders["people"])).all()
    assert set(elders["id"]) <= {f"{name}:elders" for name in residents["id"]}


def test_more_elders_than_people_is_told() -> None:
    found = starts(communities=layer(spots((0, 0))[0], id=["A"], population=[3], elders=[7]))
    assert notes(found) == [("communities", "A", "demand.elders_more")]


def test_a_community_without_a_number_is_told() -> None:
    found = starts(communities=layer(BLOCK, BLOCK, id=["A", "B"], population=[np.nan, 0]))
    assert len(found.table) == 0
    assert notes(found) == [("communities", "A", "demand.no_population")]


def test_streets_and_units_of_one_frame() -> None:
    units = areas.build({"communities": layer(BLOCK, id=["A"])}, METRIC)
    with pytest.raises(GeoCrsError):
        demand.starts(units, street_table([MAIN]).to_crs(4549), gates=NO_GATES)


# -- rasters -----------------------------------------------------------------------------------------


def raster(
    folder: Path,
    values: list[list[float]],
    *,
    cell_m: float = 100.0,
    crs: int | None = 4548,
    nodata: float | None = None,
) -> Path:
    """Write people per cell; the first cell's corner is 100 m north of the local origin."""
    file = folder / "people.tif"
    data = np.array(values, dtype=np.float32)
    profile = {
        "driver": "GTiff",
        "height": data.shape[0],
        "width": data.shape[1],
        "count": 1,
        "dtype": "float32",
        "nodata": nodata,
    }
    with rasterio.open(
        file, "w", crs=crs, transform=Affine(cell_m, 0, EAST, 0, -cell_m, NORTH + 100), **profile
    ) as target:
        target.write(data, 1)
    return file


def read(file: Path, area: shapely.Geometry | None = None, **options: Any) -> Cells:
    return population.read_cells(file, crs=METRIC, area=area, **options)


def test_a_cell_is_a_point_at_its_centre(tmp_path: Path) -> None:
    cells = read(raster(tmp_path, [[1, 0, 2.5], [-4, 3, -9999]], nodata=-9999))
    assert cells.ids.tolist() == ["r0c0", "r0c2", "r1c1"]
    assert cells.people.tolist() == [1, 2.5, 3]
    assert (shapely.get_coordinates(cells.points) - (EAST, NORTH)).tolist() == [[50, 50], [250, 50], [150, -50]]
    assert (cells.left_out, cells.negative) == (0.0, 1)


def test_a_cell_belongs_where_its_centre_lies(tmp_path: Path) -> None:
    cells = read(raster(tmp_path, [[1, 2, 4, 8]]), box(60, 0, 260, 100))
    assert cells.ids.tolist() == ["r0c1", "r0c2"]
    assert cells.left_out == 1 + 8


def test_the_stated_crs_overrules(tmp_path: Path) -> None:
    file = raster(tmp_path, [[1]], crs=4326)
    assert shapely.get_coordinates(read(file, given="EPSG:4548").points)[0].tolist() == [EAST + 50, NORTH + 50]


def test_another_crs_is_moved(tmp_path: Path) -> None:
    file = raster(tmp_path, [[1]], crs=4549)
    x, y = pyproj.Transformer.from_crs(4549, 4548, always_xy=True).transform(EAST + 50, NORTH + 50)
    assert shapely.get_coordinates(read(file).points)[0].tolist() == pytest.approx([x, y])


def test_rasters_that_cannot_be_used(tmp_path: Path) -> None:
    (tmp_path / "x.tif").write_bytes(b"no raster")
    with pytest.raises(InputFaultsError, match="people of the plan"):
        read(tmp_path / "x.tif", where="people of the plan")
    file = raster(tmp_path, [[1, 2]])
    with pytest.raises(InputFaultsError):
        read(file, box(5000, 5000, 6000, 6000))
    with pytest.raises(InputFaultsError):
        read(file, given="gcj02")
    with pytest.raises(InputFaultsError):
        read(raster(tmp_path, [[0, 0]]))


def test_a_raster_without_crs_is_a_fault(tmp_path: Path) -> None:
    file = raster(tmp_path, [[1]])
    with rasterio.open(file) as source:
        values = source.read(1)
    with rasterio.open(
        tmp_path / "bare.tif",
        "w",
        driver="GTiff",
        height=1,
        width=1,
        count=1,
        dtype="float32",
        transform=Affine(100, 0, EAST, 0, -100, NORTH + 100),
    ) as target:
        target.write(values, 1)
    with pytest.raises(InputFaultsError):
        read(tmp_path / "bare.tif")
    assert len(read(tmp_path / "bare.tif", given="EPSG:4548").ids) == 1


WEST_HALF, EAST_HALF = box(0, -100, 200, 100), box(200, -100, 400, 100)


def test_totals_rule_and_the_raster_distributes(tmp_path: Path) -> None:
    cells = read(raster(tmp_path, [[1, 3, 5, 5]]))
    found = starts(communities=layer(WEST_HALF, id=["A"], population=[400]), cells=cells)
    mine = found.table[found.table["unit_id"] == "A"]
    assert mine["id"].tolist() == ["r0c0", "r0c1"]
    assert mine["people"].tolist() == [100, 300]
    factor = [note for note in found.notes if note.message.key == "demand.factor"]
    assert [note.unit_id for note in factor] == ["A"]
    assert factor[0].message.values["factor"] == f"{400 / 4:.4f}"
    outside = found.table[found.table["unit_id"] == ""]
    assert outside["id"].tolist() == ["r0c2", "r0c3"]
    assert outside["people"].tolist() == [5, 5]


def test_without_a_total_the_raster_counts(tmp_path: Path) -> None:
    cells = read(raster(tmp_path, [[1.25, 3, 5, 5]]))
    found = starts(communities=layer(WEST_HALF, EAST_HALF, id=["A", "B"]), cells=cells)
    assert found.table.groupby("unit_id")["people"].sum().to_dict() == {"A": 4.25, "B": 10}
    assert notes(found) == []


def test_a_community_that_the_raster_does_not_know_goes_by_streets(tmp_path: Path) -> None:
    cells = read(raster(tmp_path, [[1, 3, 0, 0]]))
    found = starts(communities=layer(WEST_HALF, EAST_HALF, id=["A", "B"], population=[4, 8]), cells=cells)
    assert found.table.loc[found.table["unit_id"] == "B", "id"].tolist() == ["B-1", "B-2", "B-3", "B-4"]


def test_cells_of_overlapping_units_are_counted_once(tmp_path: Path) -> None:
    cells = read(raster(tmp_path, [[1, 3, 5, 5]]))
    both = layer(WEST_HALF, box(100, -100, 400, 100), id=["A", "B"])
    found = starts(communities=both, cells=cells)
    assert found.table.groupby("unit_id")["people"].sum().to_dict() == {"A": 4, "B": 10}


# -- workers -----------------------------------------------------------------------------------------

YARD = box(100, -50, 300, 50)


def gate_table(*xy: tuple[float, float] | None, unit: str = "F") -> gpd.GeoDataFrame:
    return layer(*spots(*xy), unit_id=[unit] * len(xy))


def test_workers_start_at_the_gates_that_are_given() -> None:
    found = starts(factories=layer(YARD, id=["F"], workers=[5]), gates=gate_table((100, 10), (300, 20), None))
    assert local(found.table) == [(100, 10), (300, 20)]
    assert found.table["people"].tolist() == [3, 2]
    assert found.table["id"].tolist() == ["F:workers-1", "F:workers-2"]
    assert found.gates_from == {("factory", "F"): "gates"}
    assert all(shapely.equals(home, shapely.point_on_surface(YARD)) for home in found.home)


def test_one_gate_has_them_all() -> None:
    found = starts(factories=layer(YARD, id=["F"], workers=[5]), gates=gate_table((100, 10)))
    assert found.table["id"].tolist() == ["F:workers"]


def test_gates_of_others_do_not_count() -> None:
    found = starts(factories=layer(YARD, id=["F"], workers=[4]), gates=gate_table((100, 10), unit="G"))
    assert found.gates_from == {("factory", "F"): "crossings"}


def test_else_where_streets_cross_the_outline() -> None:
    streets = MAIN, street((200, 0), (200, 500)), street((0, 30), (500, 30), highway="motorway")
    found = starts(streets, factories=layer(YARD, id=["F"], workers=[9]))
    assert sorted(local(found.table)) == [(100, 0), (200, 50), (300, 0)]
    assert found.table["people"].tolist() == [3, 3, 3]
    assert found.gates_from == {("factory", "F"): "crossings"}


def test_two_pieces_that_meet_on_the_outline_are_one_gate() -> None:
    streets = street((0, 0), (100, 0)), street((100, 0), (200, 0))
    assert local(starts(streets, factories=layer(YARD, id=["F"], workers=[9])).table) == [(100, 0)]


def test_else_nearest_to_a_street() -> None:
    found = starts((street((0, 200), (500, 200)),), factories=layer(YARD, id=["F"], workers=[9]))
    assert found.gates_from == {("factory", "F"): "nearest"}
    assert local(found.table)[0][1] == 50
    assert len(found.table) == 1


def test_a_factory_that_is_a_point_starts_there() -> None:
    found = starts(factories=layer(*spots((10, 20), None), id=["F", "G"], workers=[9, 1]))
    assert found.gates_from == {("factory", "F"): "point", ("factory", "G"): "point"}
    assert found.table["people"].tolist() == [9, 1]


PARK = box(0, -200, 1000, 200)


def test_a_park_adds_what_its_factories_do_not_have() -> None:
    factories = layer(YARD, box(400, -50, 500, 50), box(2000, 0, 2100, 100), id=["F", "G", "H"], workers=[30, 20, 500])
    found = starts(parks=layer(PARK, id=["P"], workers=[80]), factories=factories)
    assert found.table.groupby("unit_id")["people"].sum().to_dict() == {"F": 30, "G": 20, "H": 500, "P": 30}
    assert notes(found) == []


def test_a_park_is_never_below_nobody_and_that_is_told() -> None:
    found = starts(parks=layer(PARK, id=["P"], workers=[10]), factories=layer(YARD, id=["F"], workers=[30]))
    assert found.table.groupby("unit_id")["people"].sum().to_dict() == {"F": 30}
    assert notes(found) == [("parks", "P", "demand.park_less")]


def test_a_factory_in_two_parks_is_taken_off_the_first() -> None:
    parks = layer(PARK, box(-100, -300, 1100, 300), id=["P", "Q"], workers=[100, 100])
    found = starts(parks=parks, factories=layer(YARD, id=["F"], workers=[30]))
    assert found.table.groupby("unit_id")["people"].sum().to_dict() == {"F": 30, "P": 70, "Q": 100}


def test_units_without_a_number_of_workers_are_told() -> None:
    """A park whose factories are known lacks nothing."""
    parks = layer(PARK, box(5000, 0, 5100, 100), id=["P", "Q"])
    factories = layer(YARD, box(2000, 0, 2100, 100), id=["F", "G"], workers=[30, np.nan])
    found = starts(parks=parks, factories=factories)
    assert notes(found) == [("factories", "G", "demand.no_workers"), ("parks", "Q", "demand.no_workers")]


def test_nobody_anywhere() -> None:
    found = starts()
    assert len(found.table) == 0
    assert len(found.home) == 0


def test_ids_are_unique() -> None:
    found = starts(
        communities=layer(BLOCK, spots((5, 5))[0], id=["A", "B"], population=[40, 5], elders=[9, 1]),
        factories=layer(YARD, id=["F"], workers=[30]),
        parks=layer(PARK, id=["P"], workers=[80]),
    )
    assert found.table["id"].is_unique
    assert found.table["people"].sum() == 40 + 9 + 5 + 1 + 80


def test_a_line_is_no_area() -> None:
    found = starts(factories=layer(line((0, 0), (10, 0)), id=["F"], workers=[3]))
    assert found.gates_from == {("factory", "F"): "point"}


def test_a_raster_alone_says_where_people_are(tmp_path: Path) -> None:
    found = starts(cells=read(raster(tmp_path, [[1, 0, 2.5]])))
    assert found.table["id"].tolist() == ["r0c0", "r0c2"]
    assert found.table["people"].tolist() == [1, 2.5]
    assert set(found.table["unit_id"]) == {""}
