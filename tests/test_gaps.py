from __future__ import annotations

from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely
from hypothesis import given, strategies as st
from worlds import METRIC, spots

from geo import gaps, schema, units
from geo.catalogue import ServiceType

INF = np.inf
HALL = ServiceType("hall", "厅", "Hall", demand=("residents", "workers"), limit=15.0)
NAMES = pd.Series({"h1": "一厅", "h2": "二厅"})


def demand(*rows: tuple[Any, ...]) -> gpd.GeoDataFrame:
    """Rows of x, y, people, community, minutes, and if need be group, nearest and districts."""
    full = [(*row, *("residents", "h1", "")[len(row) - 5 :]) for row in rows]
    table = pd.DataFrame(
        full, columns=["x", "y", "people", "community", "minutes_hall", "group", "nearest_hall", "districts"]
    )
    table["id"] = [f"d{n}" for n in range(len(rows))]
    table = table.astype({"people": float, "minutes_hall": float})
    places = spots(*(None if pd.isna(x) else (x, y) for x, y in zip(table.pop("x"), table.pop("y"), strict=True)))
    return gpd.GeoDataFrame(table, geometry=places, crs=METRIC)


def find(people: gpd.GeoDataFrame, *, judged: list[bool] | None = None) -> gpd.GeoDataFrame:
    return gaps.find(
        people, HALL, NAMES, judged=np.ones(len(people), dtype=bool) if judged is None else np.array(judged)
    )


def test_points_nearer_than_250_m_are_one_gap() -> None:
    people = demand((0, 0, 30, "A", 20), (249.9, 0, 30, "A", 20), (499.7, 0, 30, "A", 20), (749.7, 0, 30, "A", 20))
    found = find(people)
    assert found["demand_ids"].tolist() == ["d0;d1;d2", "d3"]
    assert found["people"].tolist() == [90, 30]
    assert found["gap_id"].tolist() == ["hall-A-1", "hall-A-2"]
    assert found["rank"].tolist() == [1, 2]


def test_exactly_250_m_are_two() -> None:
    assert len(find(demand((0, 0, 30, "A", 20), (250, 0, 30, "A", 20)))) == 2
    assert len(find(demand((0, 0, 30, "A", 20), (np.nextafter(250, 0) - 1e-6, 0, 30, "A", 20)))) == 1


def test_neighbours_in_two_communities_are_two_gaps() -> None:
    found = find(demand((0, 0, 30, "A", 20), (10, 0, 40, "B", 20), (20, 0, 50, "", 20), (30, 0, 60, "", 20)))
    assert found["gap_id"].tolist() == ["hall-outside-1", "hall-B-1", "hall-A-1"]
    assert found["people"].tolist() == [110, 40, 30]
    assert found["unit_id"].tolist() == found["communities"].tolist() == ["", "B", "A"]


def test_below_20_people_all_of_a_community_are_listed_together() -> None:
    people = demand((0, 0, 19.9, "A", 20), (1000, 0, 10, "A", 20), (2000, 0, 20, "A", 20), (0, 0, 5, "B", 20))
    found = find(people)
    assert found["gap_id"].tolist() == ["hall-A-1", "hall-A-rest", "hall-B-rest"]
    assert found["people"].tolist() == [20, 29.9, 5]
    assert found["rank"].tolist() == [1, 2, 3]


def test_numbers_go_by_people_then_from_the_north() -> None:
    people = demand((0, 0, 30, "A", 20), (0, 1000, 30, "A", 20), (0, 2000, 50, "A", 20), (0, -1000, 30, "A", 20))
    found = find(people).set_index("gap_id")["demand_ids"].to_dict()
    assert found == {"hall-A-1": "d2", "hall-A-2": "d1", "hall-A-3": "d0", "hall-A-4": "d3"}


def test_the_limit_itself_is_no_gap() -> None:
    found = find(demand((0, 0, 30, "A", 15), (1000, 0, 40, "A", np.nextafter(15, 16))))
    assert found["demand_ids"].tolist() == ["d1"]


def test_who_is_not_attached_is_in_a_gap() -> None:
    found = find(demand((0, 0, 30, "A", INF, "residents", None), (None, None, 40, "A", np.nan, "residents", None)))
    assert found["people"].tolist() == [40, 30]
    assert found["minutes_to_nearest"].tolist() == [INF, INF]
    assert found["nearest_name"].tolist() == ["", ""]
    assert found["lon"].isna().tolist() == [True, False]
    assert found.geometry.isna().tolist() == [True, False]


def test_only_groups_that_are_served_and_units_that_are_judged() -> None:
    people = demand((0, 0, 30, "A", 20, "elders"), (0, 0, 40, "A", 20, "workers"), (0, 0, 50, "A", 20))
    assert find(people)["people"].tolist() == [90]
    assert find(people, judged=[True, True, False])["people"].tolist() == [40]


def test_people_by_group() -> None:
    row = find(demand((0, 0, 40, "A", 20, "workers"), (0, 0, 50, "A", 20))).iloc[0]
    assert (row["people_residents"], row["people_workers"], row["people_elders"]) == (50, 40, 0)


def test_how_far_the_nearest_is_and_which() -> None:
    """60 people at 20 and 25 minutes have h2, 50 at 40 have h1: the median person is at 25."""
    people = demand(
        (0, 0, 40, "A", 20, "residents", "h2"), (10, 0, 20, "A", 25, "residents", "h2"), (20, 0, 50, "A", 40)
    )
    row = find(people).iloc[0]
    assert row["minutes_to_nearest"] == 25
    assert row["nearest_name"] == "二厅"


@pytest.mark.parametrize(
    ("values", "weights", "median"),
    [
        ([20, 30, 40], [1, 1, 1], 30),
        ([40, 20, 30], [1, 1, 1], 30),
        ([20, 30], [1, 1], 20),
        ([20, 30], [1, 1.1], 30),
        ([20, INF], [3, 2], 20),
        ([20, np.nan], [2, 3], INF),
        ([20, 30], [0, 5], 30),
        ([17], [4], 17),
    ],
)
def test_weighted_median(values: list[float], weights: list[float], median: float) -> None:
    assert gaps.weighted_median(np.array(values, dtype=float), np.array(weights, dtype=float)) == median


def test_districts_of_all_its_people() -> None:
    people = demand(
        (0, 0, 30, "A", 20, "residents", "h1", "D2;D1"),
        (1, 0, 30, "A", 20, "residents", "h1", "D3"),
        (2, 0, 30, "A", 20),
    )
    assert find(people)["districts"].tolist() == ["D1;D2;D3"]


def test_a_gap_lies_at_one_of_its_people_and_is_drawn_around_them() -> None:
    """The middle of the people is (45, 0): the nearest of them is (50, 0)."""
    people = demand((0, 0, 10, "A", 20), (50, 0, 80, "A", 20), (50, 0, 1, "B", 3))
    found = find(people)
    place = gpd.GeoSeries(gpd.points_from_xy(found["lon"], found["lat"]), crs=4326).to_crs(METRIC).iloc[0]
    assert place.distance(people.geometry.iloc[1]) < 1e-3
    assert shapely.covers(found.geometry.iloc[0], people.geometry.iloc[0].buffer(100))
    assert found.geometry.iloc[0].area < (250 + 50) * 250
    assert found.crs == METRIC


def test_no_gap_has_all_columns() -> None:
    found = find(demand((0, 0, 30, "A", 3)))
    assert len(found) == 0
    assert list(found.columns) == list(find(demand((0, 0, 30, "A", 20))).columns)
    assert list(found.columns[: len(schema.GAPS)]) == list(schema.GAPS)
    assert len(find(demand((0, 0, 0, "A", 20)))) == 0


def test_text_in_names_is_only_text() -> None:
    found = gaps.find(
        demand((0, 0, 30, "A;{x}", 20, "residents", "=1+1")),
        HALL,
        pd.Series({"=1+1": "{{7*7}}"}),
        judged=np.array([True]),
    )
    assert found["gap_id"].tolist() == ["hall-A;{x}-1"]
    assert found["nearest_name"].tolist() == ["{{7*7}}"]


ROWS = st.tuples(
    st.integers(-800, 800),
    st.integers(-800, 800),
    st.integers(0, 60),
    st.sampled_from(["A", "B", ""]),
    st.sampled_from([3.0, 15.0, 15.5, 40.0, INF]),
    st.sampled_from(["residents", "workers", "elders"]),
)


@given(st.lists(ROWS, min_size=1, max_size=40), st.integers(0, 2**40 - 1))
def test_gaps_and_served_and_not_judged_are_everybody(rows: list[tuple[Any, ...]], mask: int) -> None:
    people = demand(*rows)
    judged = np.array([bool(mask >> n & 1) for n in range(len(rows))])
    found = find(people, judged=judged.tolist())
    mine = people["group"].isin(HALL.demand).to_numpy()
    served = units.within(people["minutes_hall"], 15)
    weight = np.where(mine, people["people"], 0.0)
    assert found["people"].sum() + weight[served & judged].sum() + weight[~judged].sum() == weight.sum()
    listed = [name for ids in found["demand_ids"] for name in ids.split(";")]
    assert sorted(listed) == sorted(people.loc[(weight > 0) & judged & ~served, "id"])
    assert found["gap_id"].is_unique
    assert found["rank"].tolist() == list(range(1, len(found) + 1))


@given(st.lists(ROWS, min_size=1, max_size=25, unique_by=lambda row: row[1]), st.randoms(use_true_random=False))
def test_the_order_of_rows_changes_nothing(rows: list[tuple[Any, ...]], random: Any) -> None:
    people = demand(*rows)
    order = list(range(len(rows)))
    random.shuffle(order)
    plain, turned = find(people), find(people.iloc[order].reset_index(drop=True))
    assert turned.drop(columns="geometry").equals(plain.drop(columns="geometry"))
    assert shapely.equals(plain.geometry.to_numpy(), turned.geometry.to_numpy()).all()
