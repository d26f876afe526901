"""Two periods of tiny worlds: which gap is which, and what became of it, counted by hand."""

from __future__ import annotations

from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings, strategies as st
from worlds import METRIC, spots

from geo import comparison, gaps, matching, past_results, schema
from geo.catalogue import ServiceType

HALL = ServiceType("hall", "厅", "Hall", demand=("residents",), limit=15.0)
LIMITS = {"hall": 15.0}
Row = tuple[float, float, float, str, float]  # x, y, people, community, minutes


def world(*rows: Row, first: int = 0) -> tuple[gpd.GeoDataFrame, gpd.GeoDataFrame]:
    """People and their gaps; ids of people are by row, from `first`."""
    table = pd.DataFrame(rows, columns=["x", "y", "people", "community", "minutes_hall"]).astype({"people": float})
    places = spots(*zip(table.pop("x"), table.pop("y"), strict=True))
    table["id"] = [f"d{first + number}" for number in range(len(rows))]
    table = table.assign(group="residents", nearest_hall="h1", districts="")
    people = gpd.GeoDataFrame(table, geometry=places, crs=METRIC)
    names = pd.Series({"h1": "一厅"})
    return people, gaps.find(people, HALL, names, judged=np.ones(len(people), dtype=bool))


def then(people: gpd.GeoDataFrame, found: gpd.GeoDataFrame, past: gpd.GeoDataFrame | None = None) -> comparison.Then:
    return comparison.Then("2026Q3", found, people, past_results.none_past(found) if past is None else past)


def compare(
    before: tuple[Row, ...], now: tuple[Row, ...], *, first: int = 0, **more: Any
) -> tuple[comparison.Compared, dict[str, tuple[str, float, float]]]:
    """Compare two worlds; also id → state, people before and now."""
    people, found = world(*now, first=first)
    done = comparison.compare(then(*world(*before)), found, people, LIMITS, **more)
    assert tuple(done.table.columns[: len(schema.COMPARISON)]) == schema.COMPARISON
    assert done.table["gap_id"].is_unique
    return done, told(done)


def told(done: comparison.Compared) -> dict[str, tuple[str, float, float]]:
    names = ("gap_id", "state", "people_before", "people_now")
    columns = zip(*(done.table[name] for name in names), strict=True)
    return {gap: (state, before, now) for gap, state, before, now in columns}


def test_nothing_changes_and_everything_lasts() -> None:
    rows = ((0, 0, 100, "A", 20), (2000, 0, 50, "A", 30), (4000, 0, 5, "A", 30))
    done, found = compare(rows, rows)
    assert found == {
        "hall-A-1": ("lasting", 100, 100),
        "hall-A-2": ("lasting", 50, 50),
        "hall-A-rest": ("lasting", 5, 5),
    }
    assert done.past.empty


def test_a_gap_whose_people_are_all_served_is_proposed_for_striking_off() -> None:
    done, found = compare(((0, 0, 100, "A", 20), (2000, 0, 50, "A", 30)), ((0, 0, 100, "A", 8), (2000, 0, 50, "A", 30)))
    # The smaller one is the largest now, but the older id lives on.
    assert found == {"hall-A-2": ("lasting", 50, 50), "hall-A-1": ("closing", 100, 0)}
    assert done.gaps["gap_id"].tolist() == ["hall-A-2"]
    assert done.past["gap_id"].tolist() == ["hall-A-1"]
    assert done.table.set_index("gap_id")["minutes_now"]["hall-A-1"] == 8


@pytest.mark.parametrize(("served", "state"), [(9, "lasting"), (10, "better"), (60, "better"), (80, "better")])
def test_a_tenth_of_the_people_makes_a_gap_better(served: float, state: str) -> None:
    before = ((0, 0, served, "A", 20), (100, 0, 100 - served, "A", 20))
    now = ((0, 0, served, "A", 15), (100, 0, 100 - served, "A", 20))
    assert compare(before, now)[1] == {"hall-A-1": (state, 100, 100 - served)}


def test_what_is_left_below_the_least_size_is_no_progress_until_nine_tenths_are_served() -> None:
    before = ((0, 0, 22, "A", 20), (100, 0, 100, "B", 20), (120, 0, 4, "B", 20))
    now = ((0, 0, 19, "A", 20), (100, 0, 100, "B", 9), (120, 0, 4, "B", 20))
    done, found = compare(before, now)
    assert found["hall-A-1"] == ("lasting", 22, 19), "fewer people, but nobody is served who was not"
    assert found["hall-B-1"] == ("closing", 104, 4)
    assert found["hall-A-rest"][0] == found["hall-B-rest"][0] == "lasting", "they were in a gap before"
    followed = dict(zip(done.past["gap_id"], done.past["demand_ids"], strict=True))
    assert followed == {"hall-A-1": "d0", "hall-B-1": ""}


def test_people_who_moved_away_are_no_progress() -> None:
    _, found = compare(((0, 0, 100, "A", 20), (3000, 0, 50, "A", 5)), ((3000, 0, 50, "A", 5),))
    assert found == {"hall-A-1": ("lasting", 100, 0)}


def test_a_unit_that_can_no_longer_be_judged_is_no_progress() -> None:
    before = world((0, 0, 100, "A", 20))
    people = world((0, 0, 100, "A", 20))[0]
    none = gaps.find(people, HALL, pd.Series({"h1": ""}), judged=np.array([False]))
    done = comparison.compare(then(*before), none, people, LIMITS)
    assert told(done) == {"hall-A-1": ("lasting", 100, 100)}


def test_new_gaps_get_a_number_that_no_gap_had() -> None:
    before = ((0, 0, 100, "A", 20), (2000, 0, 50, "A", 9))
    now = ((0, 0, 100, "A", 9), (2000, 0, 50, "A", 30))
    done, found = compare(before, now)
    assert found == {"hall-A-2": ("new", 0, 50), "hall-A-1": ("closing", 100, 0)}
    assert done.gaps["gap_id"].tolist() == ["hall-A-2"]


def test_rows_in_another_order_under_other_ids_are_the_same_places() -> None:
    before = ((0, 0, 100, "A", 20), (2000, 0, 90, "A", 30), (4000, 0, 80, "A", 30))
    done, found = compare(before, before[::-1], first=7)
    assert {gap: state for gap, (state, *_) in found.items()} == dict.fromkeys(
        ["hall-A-1", "hall-A-2", "hall-A-3"], "lasting"
    )
    assert done.gaps["gap_id"].tolist() == ["hall-A-1", "hall-A-2", "hall-A-3"]


@pytest.mark.parametrize(("shift", "state"), [(0, "lasting"), (125, "lasting"), (126, "new")])
def test_a_place_that_moved_a_little_is_the_same(shift: float, state: str) -> None:
    _, found = compare(((0, 0, 100, "A", 20),), ((0, shift, 100, "A", 20),))
    assert next(iter(found.values()))[0] == state


def test_served_elsewhere_is_not_served_here() -> None:
    _, found = compare(((0, 0, 100, "A", 20),), ((0, 60, 100, "A", 5),))
    assert found == {"hall-A-1": ("lasting", 100, 0)}, "60 m off is the same place, but not the same people"


def test_two_gaps_that_become_one_keep_the_id_of_most_people_and_none_is_closed() -> None:
    before = ((0, 0, 100, "A", 20), (400, 0, 60, "A", 20), (200, 0, 30, "A", 9))
    joined = ((0, 0, 100, "A", 20), (400, 0, 60, "A", 20), (200, 0, 30, "A", 20))
    done, found = compare(before, joined)
    assert found == {"hall-A-1": ("lasting", 100, 190), "hall-A-2": ("lasting", 60, 60)}
    assert done.table.set_index("gap_id")["grown"].to_dict() == {"hall-A-1": True, "hall-A-2": False}
    # It is followed on: a third period parts them again, and neither is called new or returned.
    people, own = world(*before)
    after = comparison.compare(then(*world(*joined)[:1], done.gaps, done.past), own, people, LIMITS)
    assert told(after)["hall-A-2"] == ("lasting", 60, 60)
    assert after.gaps["gap_id"].tolist() == ["hall-A-1", "hall-A-2"]
    # Or the joined one is solved: then both are to be struck off.
    people, own = world(*((*row[:4], 5) for row in before))
    after = comparison.compare(then(*world(*joined)[:1], done.gaps, done.past), own, people, LIMITS)
    assert {gap: state for gap, (state, *_) in told(after).items()} == {"hall-A-1": "closing", "hall-A-2": "closing"}
    assert after.past["demand_ids"].tolist() == ["", ""]


def test_a_gap_that_falls_apart_is_not_new() -> None:
    before = ((0, 0, 100, "A", 20), (400, 0, 60, "A", 20), (200, 0, 30, "A", 20))
    now = ((0, 0, 100, "A", 20), (400, 0, 60, "A", 20), (200, 0, 30, "A", 9))
    _, found = compare(before, now)
    assert found == {"hall-A-1": ("better", 190, 100), "hall-A-2": ("lasting", 60, 60)}


def test_a_changed_limit_is_never_progress() -> None:
    before = ((0, 0, 100, "A", 20), (2000, 0, 50, "A", 20), (2100, 0, 50, "A", 12))
    people, found = world(*((*row[:4], row[4]) for row in before))
    none = found.iloc[:0]
    done = comparison.compare(then(people, found), none, people, {"hall": 25.0}, changed={"hall"})
    assert {gap: state for gap, (state, *_) in told(done).items()} == {"hall-A-1": "lasting", "hall-A-2": "lasting"}
    assert not done.table["comparable"].any()
    same = comparison.compare(then(people, found), none, people, {"hall": 25.0})
    assert set(same.table["state"]) == {"closing"}, "the same numbers, measured as before"


def test_a_service_that_is_no_longer_evaluated_is_not_solved() -> None:
    people, found = world((0, 0, 100, "A", 20))
    bare = people.drop(columns=["minutes_hall", "nearest_hall"])
    done = comparison.compare(then(people, found), found.iloc[:0], bare, {}, changed={"hall"})
    assert done.table[["state", "comparable"]].to_numpy().tolist() == [["lasting", False]]
    assert np.isnan(done.table["people_now"][0])


def test_a_gap_that_was_gone_comes_back_under_its_old_id() -> None:
    bad, good = (0, 0, 100, "A", 20), (0, 0, 100, "A", 5)
    other = (3000, 0, 40, "A", 30)
    second, _ = compare((bad, other), (good, other))
    people, found = world(bad, other)
    then_people = world(good, other)[0]
    third = comparison.compare(then(then_people, second.gaps, second.past), found, people, LIMITS)
    assert told(third) == {"hall-A-1": ("returned", 0, 100), "hall-A-2": ("lasting", 40, 40)}
    assert third.past.empty


def entries(*rows: tuple[str, float | None, float | None, bool]) -> pd.DataFrame:
    table = pd.DataFrame(rows, columns=["gap_id", "lon", "lat", "struck"]).assign(fresh=False)
    return table.astype({"lon": float, "lat": float, "struck": bool})


def test_an_entry_made_in_this_period_is_new_and_an_older_one_returned() -> None:
    before, now = ((2000, 0, 50, "A", 30),), ((0, 0, 100, "A", 20), (2000, 0, 50, "A", 30))
    place = world(*now)[1].iloc[0]
    entry = entries(("hall-A-5", place["lon"], place["lat"], False))
    assert compare(before, now, entries=entry)[1]["hall-A-5"][0] == "returned"
    assert compare(before, now, entries=entry.assign(fresh=True))[1]["hall-A-5"][0] == "new"


def test_a_gap_that_was_struck_off_and_is_there_returned() -> None:
    rows = ((0, 0, 100, "A", 20), (2000, 0, 50, "A", 30))
    ledger = entries(("hall-A-1", None, None, True), ("hall-A-2", None, None, False))
    _, found = compare(rows, rows, entries=ledger)
    assert {gap: state for gap, (state, *_) in found.items()} == {"hall-A-1": "returned", "hall-A-2": "lasting"}


def test_the_ledger_knows_a_gap_by_its_place() -> None:
    """No results of before: the entry stands at 2 km, where the gap of 50 people is, which would be number 2."""
    _, found = world((0, 0, 100, "A", 20), (2000, 0, 50, "A", 30))
    second = found.iloc[1]
    named = matching.renamed(found, entries(("hall-A-1", second["lon"], second["lat"], False)))
    assert named["gap_id"].tolist() == ["hall-A-2", "hall-A-1"]
    assert matching.renamed(named, entries(("hall-A-7", second["lon"], second["lat"], False)))["gap_id"].tolist() == [
        "hall-A-2",
        "hall-A-7",
    ]


@pytest.mark.parametrize("name", ["centre-A-1", "人工-1", "hall"])
def test_an_entry_of_another_service_or_an_invented_one_gives_no_id(name: str) -> None:
    _, found = world((0, 0, 100, "A", 20))
    entry = entries((name, found["lon"][0], found["lat"][0], False))
    assert matching.renamed(found, entry)["gap_id"].tolist() == ["hall-A-1"]


def test_an_id_that_the_ledger_has_for_another_place_is_not_given_twice() -> None:
    _, found = world((0, 0, 100, "A", 20))
    named = matching.renamed(found, entries(("hall-A-1", 118.9, 25.9, True)))
    assert named["gap_id"].tolist() == ["hall-A-2"]


def test_the_same_minutes_counted_by_a_slow_twin() -> None:
    """Shares of people by plain loops over every pair of people, on a hundred scattered points."""
    rng = np.random.default_rng(7)
    before = [
        (float(x), float(y), float(p), "A", float(m))
        for x, y, p, m in rng.uniform((0, 0, 1, 5), (4000, 4000, 60, 30), (100, 4))
    ]
    now = [(x, y, p, c, m * float(rng.choice([0.5, 1.0, 1.6]))) for x, y, p, c, m in before]
    (people_old, old), (people_new, new) = world(*before), world(*now)
    done = comparison.compare(then(people_old, old), new, people_new, LIMITS)
    for gap, state in zip(done.table["gap_id"], done.table["state"], strict=True):
        mine = old.loc[old["gap_id"] == gap, "demand_ids"]
        if mine.empty:
            assert state in {"new", "lasting"}
            continue
        ids = set(mine.iloc[0].split(";"))
        whole = sum(row[2] for number, row in enumerate(before) if f"d{number}" in ids)
        served = sum(row[2] for number, row in enumerate(now) if f"d{number}" in ids and row[4] <= 15)
        own = done.gaps.loc[done.gaps["gap_id"] == gap, "people"]
        if own.empty:
            assert (state == "closing") == (served >= 0.9 * whole)
        else:
            assert (state == "better") == (served >= 0.1 * whole and own.iloc[0] <= 0.9 * whole)


@settings(max_examples=12)
@given(
    st.lists(st.tuples(st.integers(0, 12), st.integers(1, 90), st.booleans(), st.booleans()), min_size=1, max_size=14)
)
def test_nobody_is_forgotten_and_ids_are_unique(rows: list[tuple[int, int, bool, bool]]) -> None:
    unique = {place: rest for place, *rest in rows}
    before = tuple((place * 200.0, 0.0, float(p), "A", 20.0 if a else 5.0) for place, (p, a, _) in unique.items())
    now = tuple((place * 200.0, 0.0, float(p), "A", 20.0 if b else 5.0) for place, (p, _, b) in unique.items())
    old = world(*before)[1]
    done, found = compare(before, now)
    assert set(found) == {*old["gap_id"], *done.gaps["gap_id"]}
    assert done.gaps["people"].sum() == sum(row[2] for row in now if row[4] > 15)
    assert set(done.past["gap_id"]) == set(old["gap_id"]) - set(done.gaps["gap_id"])
    again = comparison.compare(then(*world(*before)), done.gaps, world(*now)[0], LIMITS)
    pd.testing.assert_frame_equal(again.table, done.table)
