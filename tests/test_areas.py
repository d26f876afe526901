from __future__ import annotations

from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely
from worlds import METRIC, box, points_table, spots

from geo import areas, schema


def layer(*shapes: shapely.Geometry | None, **columns: list[Any]) -> gpd.GeoDataFrame:
    return gpd.GeoDataFrame(columns, geometry=list(shapes), crs=METRIC)


A, B, PARK = box(0, 0, 100, 100), box(100, 0, 200, 100), box(50, 0, 150, 50)


def county(**layers: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
    base = {"communities": layer(A, B, id=["A", "B"], name=["甲", ""], population=[10, 20])}
    return areas.build({**base, **layers}, METRIC)


def test_units_of_all_kinds_in_one_table() -> None:
    parks = layer(PARK, id=["P"], name=["园"], workers=[7])
    factories = layer(spots((10, 10))[0], id=["F"], name=["厂"], workers=[3])
    units = county(parks=parks, factories=factories)
    assert set(schema.UNITS) <= set(units.columns)
    assert units["unit_kind"].tolist() == ["community", "community", "park", "factory"]
    assert units["unit_name"].tolist() == ["甲", "B", "园", "厂"]
    assert units["population"].tolist() == pytest.approx([10, 20, np.nan, np.nan], nan_ok=True)
    assert units["workers"].tolist() == pytest.approx([np.nan, np.nan, 7, 3], nan_ok=True)
    assert units["own_outline"].tolist() == [True, True, True, False]
    assert units["districts"].tolist() == [""] * 4


def test_no_unit_at_all() -> None:
    units = areas.build({}, METRIC)
    assert len(units) == 0
    assert set(schema.UNITS) <= set(units.columns)
    assert areas.study_area(units, layer()) is None


def test_districts_by_name_by_id_and_by_outline() -> None:
    communities = layer(A, B, id=["A", "B"], name=["甲", "乙"], district=["北片区；D2", None])
    districts = layer(None, None, box(90, 0, 300, 100), id=["D1", "D2", "D3"], name=["北片区", "南片区", "东片区"])
    units = areas.build({"communities": communities, "districts": districts}, METRIC)
    assert units["districts"].tolist() == ["D1;D2", "D3", "", "", ""]


def test_a_district_named_and_drawn_is_listed_once() -> None:
    communities = layer(A, id=["A"], district=["D1"])
    districts = layer(box(-10, -10, 110, 110), id=["D1"], name=["片"])
    assert areas.build({"communities": communities, "districts": districts}, METRIC)["districts"].tolist() == ["D1", ""]


def test_more_than_half_of_a_unit_must_lie_inside() -> None:
    for share, listed in ((0.5, ""), (0.51, "D1")):
        districts = layer(box(0, 0, 100 * share, 100), id=["D1"], name=["片"])
        units = areas.build({"communities": layer(A, id=["A"]), "districts": districts}, METRIC)
        assert units["districts"].iloc[0] == listed


def test_a_district_without_outline_has_that_of_its_members() -> None:
    communities = layer(A, B, spots((500, 500))[0], id=["A", "B", "C"], district=["D1", "D1", "D1"])
    districts = layer(None, None, id=["D1", "D2"], name=["片", "空"])
    units = areas.build({"communities": communities, "districts": districts}, METRIC).set_index("unit_id")
    assert shapely.equals(units.geometry["D1"], box(0, 0, 200, 100))
    assert units.geometry["D2"] is None
    assert not units["own_outline"]["D1"]


def test_the_study_area_is_the_boundary_else_the_units() -> None:
    units = county()
    assert shapely.equals(areas.study_area(units, layer()), box(0, 0, 200, 100))
    wide = box(-10, -10, 300, 300)
    assert shapely.equals(areas.study_area(units, layer(wide)), wide)
    assert areas.study_area(areas.build({"communities": layer(spots((1, 1))[0], id=["A"])}, METRIC), layer()) is None


def test_points_are_located_in_the_first_unit_that_has_them() -> None:
    places = spots((50, 50), (100, 50), (150, 50), (300, 50), None)
    assert areas.locate(places, county(), "community").tolist() == ["A", "A", "B", "", ""]
    assert areas.locate(places, county(), "park").tolist() == [""] * 5


def test_locating_does_not_depend_on_the_order_of_points() -> None:
    units, order = county(parks=layer(PARK, id=["P"])), [3, 1, 0, 2]
    places = spots((50, 50), (100, 50), (150, 50), (300, 50))
    for kind in ("community", "park"):
        assert areas.locate(places[order], units, kind).tolist() == areas.locate(places, units, kind)[order].tolist()


def test_districts_of_people() -> None:
    """D1 lists community A; D2 is drawn over the east; D3 lists park P, wherever its people are."""
    districts = layer(None, box(150, 0, 400, 100), None, id=["D1", "D2", "D3"], name=["一", "二", "三"])
    communities = layer(A, B, id=["A", "B"], district=["D1", ""])
    parks = layer(PARK, id=["P"], district=["三"])
    units = areas.build({"communities": communities, "parks": parks, "districts": districts}, METRIC)
    people = points_table((50, 50), (160, 50), (120, 20), (390, 50), (500, 50))
    table = pd.DataFrame({"community": ["A", "B", "B", "", ""], "park": ["", "", "P", "", ""], "factory": [""] * 5})
    found = areas.districts_of(table, people.geometry.to_numpy(), units)
    assert found.tolist() == ["D1", "D2", "D3", "D2", ""]


def test_people_of_two_districts() -> None:
    districts = layer(box(0, 0, 100, 100), box(50, 0, 200, 100), id=["D1", "D2"], name=["一", "二"])
    units = areas.build({"communities": layer(A, id=["A"]), "districts": districts}, METRIC)
    table = pd.DataFrame({"community": ["A", "A"], "park": ["", ""], "factory": ["", ""]})
    assert areas.districts_of(table, spots((75, 50), (25, 50)), units).tolist() == ["D1;D2", "D1"]


def test_areal_is_what_encloses_something() -> None:
    shapes = np.array(
        [
            A,
            shapely.MultiPolygon([A]),
            shapely.Point(0, 0),
            shapely.Polygon(),
            None,
            shapely.LineString([(0, 0), (1, 1)]),
        ],
        dtype=object,
    )
    assert areas.is_areal(shapes).tolist() == [True, True, False, False, False, False]
