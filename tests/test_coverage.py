from __future__ import annotations

from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
from hypothesis import given, strategies as st
from worlds import METRIC, box, points_table, spots, street, street_table

from geo import areas, coverage, schema
from geo.catalogue import Ring, ServiceType
from geo.study_file import Adequacy

INF = np.inf
SERVICE = ServiceType("hall", "厅", "Hall", demand=("residents", "workers"), limit=15.0, minutes=(5.0, 15.0))
RINGED = ServiceType("hall", "厅", "Hall", limit=15.0, minutes=(5.0, 10.0, 15.0), also=(Ring("ebike", 8.0),))
LENIENT = Adequacy(detached_share=1.0, street_m_per_resident=0.0)
STREETS = street_table([street((0, 50), (200, 50)), street((1000, 50), (1010, 50))])


def layer(*shapes: Any, **columns: list[Any]) -> gpd.GeoDataFrame:
    return gpd.GeoDataFrame(columns, geometry=list(shapes), crs=METRIC)


UNITS = areas.build(
    {
        "communities": layer(
            box(0, 0, 100, 100),
            box(100, 0, 200, 100),
            box(1000, 0, 1100, 100),
            id=["A", "B", "C"],
            name=["甲", "乙", "丙"],
        ),
        "parks": layer(box(50, 0, 150, 50), id=["P"], name=["园"]),
        "districts": layer(None, None, id=["D1", "D2"], name=["一", "二"]),
    },
    METRIC,
)


def people_table(*rows: tuple[Any, ...]) -> gpd.GeoDataFrame:
    """Rows of people, group, community, park, districts, minutes and snap status."""
    names = ("people", "group", "community", "park", "districts", "minutes_hall", "snap_status_walk")
    table = pd.DataFrame(rows, columns=list(names)).astype({"people": float, "minutes_hall": float})
    table["id"] = [f"d{n}" for n in range(len(rows))]
    table["factory"] = ""
    return gpd.GeoDataFrame(table, geometry=spots(*((10.0 * n, 0.0) for n in range(len(rows)))), crs=METRIC)


PEOPLE = people_table(
    (10, "residents", "A", "", "D1", 3.0, "ok"),
    (20, "residents", "A", "", "D1;D2", 5.0, "ok"),
    (40, "residents", "A", "", "D1", 15.0, "ok"),
    (80, "residents", "B", "", "D2", 15.0001, "ok"),
    (160, "residents", "B", "", "", INF, "far"),
    (320, "residents", "", "", "", 4.0, "ok"),
    (7, "workers", "A", "P", "D1", 4.0, "ok"),
    (5, "workers", "", "P", "", INF, "island"),
)


def table(
    people: gpd.GeoDataFrame = PEOPLE,
    *services: ServiceType,
    adequacy: Adequacy = LENIENT,
    streets: gpd.GeoDataFrame = STREETS,
    **options: Any,
) -> gpd.GeoDataFrame:
    membership = coverage.members(people, UNITS)
    place = coverage.ground(membership, people, UNITS, streets, around_m=adequacy.around_m)
    return coverage.table(
        people, UNITS, services or (SERVICE,), membership=membership, place=place, adequacy=adequacy, **options
    )


def cell(found: pd.DataFrame, kind: str, unit_id: str, group: str, limit: float, *, mode: str = "walk") -> pd.Series:
    keys = (found["unit_kind"] == kind) & (found["unit_id"] == unit_id) & (found["demand"] == group)
    rows = found[keys & (found["limit_minutes"] == limit) & (found["mode"] == mode)]
    assert len(rows) == 1
    return rows.iloc[0]


def test_one_row_a_unit_service_group_and_band() -> None:
    found = table()
    assert list(found.columns) == [*schema.COVERAGE, "geometry"]
    units = len(UNITS) + len(["study", "outside"])
    assert len(found) == units * len(SERVICE.minutes) * len(SERVICE.demand)
    assert not found.duplicated(["unit_kind", "unit_id", "service", "mode", "limit_minutes", "demand"]).any()
    assert found.crs == METRIC


@pytest.mark.parametrize(
    ("kind", "unit", "group", "limit", "expected"),
    [
        ("community", "A", "residents", 5, (10 + 20 + 40, 10 + 20)),
        ("community", "A", "residents", 15, (10 + 20 + 40, 10 + 20 + 40)),
        ("community", "B", "residents", 15, (80 + 160, 0)),
        ("district", "D1", "residents", 15, (10 + 20 + 40, 10 + 20 + 40)),
        ("district", "D2", "residents", 5, (20 + 80, 20)),
        ("outside", "", "residents", 5, (320, 320)),
        ("study", "", "residents", 15, (630, 390)),
        ("park", "P", "workers", 5, (7 + 5, 7)),
        ("community", "A", "workers", 5, (7, 7)),
        ("outside", "", "workers", 15, (5, 0)),
        ("study", "", "workers", 15, (12, 7)),
    ],
)
def test_who_is_served(kind: str, unit: str, group: str, limit: float, expected: tuple[float, float]) -> None:
    row = cell(table(), kind, unit, group, limit)
    people, served = expected
    assert (row["people"], row["people_served"], row["share"], row["status"]) == (people, served, served / people, "ok")


def test_who_is_not_attached_counts_as_not_served() -> None:
    row = cell(table(), "community", "B", "residents", 15)
    assert row["people_not_attached"] == 160
    assert cell(table(), "park", "P", "workers", 15)["people_not_attached"] == 5


def test_a_unit_without_people_has_no_demand() -> None:
    row = cell(table(), "community", "C", "residents", 15)
    assert (row["people"], row["status"], row["note"]) == (0, "no_demand", "")
    assert np.isnan(row["share"])


def test_communities_and_outside_make_the_study() -> None:
    found = table()
    for group in SERVICE.demand:
        for limit in SERVICE.minutes:
            rows = found[(found["demand"] == group) & (found["limit_minutes"] == limit)].set_index("unit_kind")
            for column in ("people", "people_served", "people_not_attached"):
                assert rows.loc[["community", "outside"], column].sum() == rows.loc["study", column]


@given(
    st.lists(
        st.tuples(
            st.integers(0, 500), st.sampled_from(["A", "B", "C", ""]), st.sampled_from([0.0, 5.0, 15.0, 15.1, INF])
        ),
        min_size=1,
        max_size=40,
    )
)
def test_parts_sum_to_the_whole(rows: list[tuple[int, str, float]]) -> None:
    people = people_table(*((n, "residents", unit, "", "", minutes, "ok") for n, unit, minutes in rows))
    found = table(people)
    found = found[(found["demand"] == "residents") & (found["limit_minutes"] == 15)].set_index("unit_kind")
    whole = sum(n for n, _, _ in rows)
    served = sum(n for n, _, minutes in rows if minutes <= 15)
    assert found.loc[["community", "outside"], "people"].sum() == found.loc["study", "people"] == whole
    assert found.loc[["community", "outside"], "people_served"].sum() == found.loc["study", "people_served"] == served


@given(st.permutations(range(len(PEOPLE))))
def test_the_order_of_people_changes_nothing(order: list[int]) -> None:
    plain = pd.DataFrame(table().drop(columns="geometry"))
    for turned in (PEOPLE.iloc[order], PEOPLE.iloc[order].reset_index(drop=True)):
        pd.testing.assert_frame_equal(pd.DataFrame(table(turned).drop(columns="geometry")), plain)


def test_longer_bands_never_serve_fewer() -> None:
    found = table(PEOPLE, ServiceType("hall", "厅", "Hall", minutes=(3.0, 5.0, 15.0)))
    rising = found.groupby(["unit_kind", "unit_id", "demand"])["people_served"].diff().dropna()
    assert (rising >= 0).all()


def test_further_rings_have_their_own_minutes_and_bands() -> None:
    people = PEOPLE.assign(minutes_hall_ebike=PEOPLE["minutes_hall"] / 3, snap_status_ebike="ok")
    found = table(people, RINGED)
    assert sorted(set(zip(found["mode"], found["limit_minutes"], strict=True))) == [
        ("ebike", 5),
        ("ebike", 8),
        ("walk", 5),
        ("walk", 10),
        ("walk", 15),
    ]
    assert cell(found, "community", "B", "residents", 8, mode="ebike")["people_served"] == 80
    assert cell(found, "community", "B", "residents", 5, mode="ebike")["people_served"] == 0
    assert cell(found, "community", "B", "residents", 15)["people_not_attached"] == 160
    assert cell(found, "community", "B", "residents", 8, mode="ebike")["people_not_attached"] == 0


# -- what cannot be judged ---------------------------------------------------------------------------


def test_too_many_who_are_not_attached() -> None:
    """B: 160 of 240 are far; the study: 160 of 630."""
    found = table(adequacy=Adequacy(detached_share=0.3, street_m_per_resident=0.0))
    row = cell(found, "community", "B", "residents", 15)
    assert row["status"] == "not_assessed"
    assert np.isnan(row["people_served"])
    assert np.isnan(row["share"])
    assert row["people"] == 240
    assert "67%" in str(row["note"])
    assert "30%" in str(row["note"])
    assert cell(found, "study", "", "residents", 15)["status"] == "ok"


def test_exactly_as_many_as_allowed_may_be_judged() -> None:
    found = table(adequacy=Adequacy(detached_share=160 / 240, street_m_per_resident=0.0))
    assert cell(found, "community", "B", "residents", 15)["status"] == "ok"


def test_too_little_street_for_its_residents() -> None:
    """Within 10 m of A lie 110 m of street for 70 residents; of B 110 m for 240."""
    found = table(adequacy=Adequacy(detached_share=1.0, street_m_per_resident=1.5, around_m=10.0))
    assert cell(found, "community", "A", "residents", 15)["status"] == "ok"
    row = cell(found, "community", "B", "residents", 15)
    assert row["status"] == "not_assessed"
    assert f"{110 / 240:.2f}" in str(row["note"])


def test_streets_are_measured_inside_and_around() -> None:
    found = coverage.street_metres(UNITS, STREETS, around_m=10.0)
    # The street ends with A and with B, and runs along P's edge; C has 10 m of its own.
    assert found[:3].tolist() == pytest.approx([110, 110, 10])
    assert found[3] == pytest.approx(10 + 100 + 10)
    assert np.isnan(found[4:]).all()
    far = coverage.street_metres(UNITS, STREETS, around_m=300.0)
    assert far[0] == pytest.approx(200)


def test_the_outside_is_never_too_thin() -> None:
    found = table(adequacy=Adequacy(detached_share=1.0, street_m_per_resident=1000.0))
    assert cell(found, "outside", "", "residents", 15)["status"] == "ok"
    assert cell(found, "study", "", "residents", 15)["status"] == "not_assessed"


# -- the edge ----------------------------------------------------------------------------------------


def test_who_may_be_served_from_beyond_makes_an_edge() -> None:
    """Of B, 80 leave the study within 12 minutes: an edge at 15 minutes, not at 5."""
    exits = {"walk": np.array([1.0, INF, INF, 12.0, INF, INF, INF, INF])}
    found = table(exits=exits)
    row = cell(found, "community", "B", "residents", 15)
    assert (row["status"], row["people_served"], row["share"]) == ("edge", 0, 0)
    assert "80" in str(row["note"])
    assert cell(found, "community", "B", "residents", 5)["status"] == "ok"
    # A's people who could leave are served already.
    assert cell(found, "community", "A", "residents", 15)["status"] == "ok"
    assert cell(found, "study", "", "residents", 15)["status"] == "edge"


# -- presence ----------------------------------------------------------------------------------------


def test_a_unit_has_one_or_lacks_it() -> None:
    kind = ServiceType("tea", "茶", "Tea", test="presence", unit_kind="community")
    points = points_table(
        (1, 1),
        (2, 2),
        (3, 3),
        type=["tea", "tea", "other"],
        counted=[True, False, True],
        unit_community=["A", "B", "C"],
    )
    found = coverage.presence(UNITS, points, [kind])
    assert list(found.columns) == [*schema.COVERAGE, "geometry"]
    assert found["unit_id"].tolist() == ["A", "B", "C"]
    assert found["share"].tolist() == [1.0, 0.0, 0.0]
    assert set(found["mode"]) == {"presence"}
    assert found["limit_minutes"].isna().all()


def test_presence_of_nothing() -> None:
    points = points_table((1, 1), type=["tea"], counted=[True], unit_factory=["F"])
    assert len(coverage.presence(UNITS, points, [])) == 0
    factory_wise = ServiceType("tea", "茶", "Tea", test="presence", unit_kind="factory")
    assert len(coverage.presence(UNITS, points, [factory_wise])) == 0


def test_no_service_at_all() -> None:
    membership = coverage.members(PEOPLE, UNITS)
    place = coverage.ground(membership, PEOPLE, UNITS, STREETS, around_m=300.0)
    assert len(coverage.table(PEOPLE, UNITS, [], membership=membership, place=place, adequacy=LENIENT)) == 0


def test_minutes_columns_by_ring() -> None:
    assert [coverage.minutes_column(RINGED, number) for number in (0, 1)] == ["minutes_hall", "minutes_hall_ebike"]
