from __future__ import annotations

from typing import TYPE_CHECKING, Any

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely
from worlds import METRIC, box, points_table, spots

from geo import areas, schema

if TYPE_CHECKING:
    from pathlib import Path


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


def told(*shapes: shapely.Geometry) -> list[tuple[str, str, dict[str, object]]]:
    ids = [f"c{number}" for number in range(len(shapes))]
    names = [f"社区{number}" for number in range(len(shapes))]
    units = areas.build({"communities": layer(*shapes, id=ids, name=names)}, METRIC)
    found = areas.untidy(units)
    for item in found:
        assert item.layer == "communities"
        assert item.message.text("zh") != item.message.text("en")
    return [(item.unit_id, item.message.key, dict(item.message.values)) for item in found]


def test_neighbours_that_meet_are_tidy() -> None:
    assert told(box(0, 0, 100, 100), box(100, 0, 200, 100), box(0, 100, 200, 200)) == []
    assert told() == []
    assert told(shapely.Point(0, 0), shapely.Point(0, 0)) == []


def test_an_overlap_is_told_with_its_area_and_share() -> None:
    """40 m by 100 m shared: 4,000 m², of the smaller 100 m by 100 m."""
    ((unit, key, values),) = told(box(0, 0, 200, 100), box(160, 0, 260, 100))
    assert (unit, key) == ("c0", "areas.overlap")
    assert values == {"name": "社区0 (c0)", "other": "社区1 (c1)", "area": "4,000", "share": "40.0%"}


def test_a_unit_drawn_twice_is_doubtful_and_its_overlaps_are_told_once() -> None:
    """95 of 100 m shared, and 95 of 100 m: nine tenths of both; the third overlaps both by 30 m, which is told of one."""
    shapes = [box(0, 0, 100, 100), box(5, 0, 105, 100), box(0, 70, 100, 300)]
    units = areas.build({"communities": layer(*shapes, id=["a", "b", "c"], name=["甲", "甲", ""])}, METRIC)
    found = areas.untidy(units)
    assert [(item.unit_id, item.message.key, item.action) for item in found] == [
        ("a", "areas.same_ground", "doubtful"),
        ("a", "areas.overlap", "told"),
    ]
    same, beside = (dict(item.message.values) for item in found)
    assert (same["name"], same["other"], same["share"]) == ("甲 (a)", "甲 (b)", "95.0%")
    assert beside == {"name": "甲 (a)", "other": "c", "area": "3,000", "share": "30.0%"}


def test_a_unit_inside_another_is_doubtful_and_keeps_its_own_overlaps() -> None:
    """50 m by 50 m inside the first; it overlaps a third by 30 m, which is its own affair."""
    inner, third = box(10, 10, 60, 60), box(-50, 10, 40, 60)
    found = told(box(0, 0, 100, 100), inner, third)
    assert [(unit, key) for unit, key, _ in found] == [
        ("c0", "areas.same_ground"),
        ("c0", "areas.overlap"),
        ("c1", "areas.overlap"),
    ]


def test_thin_overlaps_are_slivers() -> None:
    """2 m by 100 m twice, to the east and to the north."""
    ((unit, key, values),) = told(box(0, 0, 102, 102), box(100, 0, 200, 100), box(0, 100, 100, 200))
    assert (unit, key) == ("c0", "areas.slivers")
    assert values == {"name": "社区0", "others": "社区1, 社区2", "area": "400", "count": 2}


def test_gaps_between_neighbours_are_told_and_bays_of_one_are_not() -> None:
    """3 m by 100 m lie between the two; a notch of 3 m in one outline, and 30 m of open ground, are no gaps."""
    ((unit, key, values),) = told(box(0, 0, 100, 100), box(103, 0, 200, 100))
    assert (unit, key) == ("c0", "areas.gaps")
    assert values == {"name": "社区0", "others": "社区1", "area": "300", "count": 1}
    notched = shapely.difference(box(0, 0, 100, 100), box(40, 50, 43, 100))
    assert told(notched, box(130, 0, 200, 100)) == []


def test_outlines_are_left_as_they_are() -> None:
    units = areas.build({"communities": layer(A, A, id=["a", "b"])}, METRIC)
    before = units.geometry.to_wkb().tolist()
    assert [item.message.key for item in areas.untidy(units)] == ["areas.same_ground"]
    assert units.geometry.to_wkb().tolist() == before
    assert areas.untidy(units, layer="parks") == []


def test_the_counties_of_a_map_service_fit_together(shared: Path) -> None:
    path = shared / "data" / "quanzhou" / "counties_gcj02.geojson"
    counties = gpd.read_file(path).to_crs(4549)
    shapes = counties.geometry.make_valid(method="structure", keep_collapsed=False)
    units = areas.build({"communities": counties.set_geometry(shapes).assign(id=counties["name"])}, counties.crs)
    assert areas.untidy(units) == []
    moved = units.set_geometry(units.geometry.where(units["unit_id"] != "南安市", units.geometry.translate(500.0)))
    keys = [item.message.key for item in areas.untidy(moved)]
    assert keys.count("areas.overlap") >= 2
