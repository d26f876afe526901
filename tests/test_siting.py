"""Siting against brute force on few sites, and against spopt; the objective is compared, never the chosen set."""

from __future__ import annotations

from itertools import combinations

import numpy as np
import pytest
from hypothesis import given, settings, strategies as st

from geo import siting
from geo.errors import GeoValueError
from geo.siting import Demand, Pairs

LIMIT, HORIZON = 15.0, 60.0


def world(seed: int, *, sites: int = 10, points: int = 40) -> tuple[Demand, Pairs, np.ndarray]:
    """Random people, what exists, and candidates; minutes beyond the horizon are out of reach."""
    rng = np.random.default_rng(seed)
    table = rng.uniform(1.0, 80.0, (sites, points)).round(1)
    table[table > HORIZON] = np.inf
    now = np.where(rng.random(points) < 0.3, rng.uniform(1.0, 50.0, points).round(1), np.inf)
    people = rng.integers(0, 30, points).astype(float)
    candidate, point = np.nonzero(np.isfinite(table))
    return Demand(people, now), Pairs(candidate, point, table[candidate, point]), table


def choices(sites: int, add: int) -> list[np.ndarray]:
    return [np.array(some, dtype=int) for size in range(add + 1) for some in combinations(range(sites), size)]


def best_minutes(demand: Demand, table: np.ndarray, sites: np.ndarray) -> np.ndarray:
    return np.min([demand.minutes, *table[sites]], axis=0)


def served(demand: Demand, table: np.ndarray, sites: np.ndarray) -> float:
    return float(demand.people[best_minutes(demand, table, sites) <= LIMIT].sum())


def people_minutes(demand: Demand, table: np.ndarray, sites: np.ndarray) -> float:
    return float((np.minimum(best_minutes(demand, table, sites), HORIZON) * demand.people).sum())


def furthest(demand: Demand, table: np.ndarray, sites: np.ndarray) -> float:
    reached = (demand.people > 0) & np.isfinite(np.min([demand.minutes, *table], axis=0))
    return float(best_minutes(demand, table, sites)[reached].max(initial=0.0))


@settings(max_examples=15)
@given(st.integers(0, 10_000), st.integers(1, 4))
def test_mclp_is_as_good_as_brute_force(seed: int, add: int) -> None:
    demand, pairs, table = world(seed)
    found = siting.mclp(demand, pairs, limit=LIMIT, add=add)
    assert len(found) <= add
    assert served(demand, table, found) == max(served(demand, table, some) for some in choices(10, add))


@settings(max_examples=15)
@given(st.integers(0, 10_000))
def test_lscp_is_as_good_as_brute_force(seed: int) -> None:
    demand, pairs, table = world(seed, sites=9, points=15)
    found = siting.lscp(demand, pairs, limit=LIMIT)
    most = served(demand, table, np.arange(9))
    assert served(demand, table, found) == most
    assert len(found) == min(len(some) for some in choices(9, 9) if served(demand, table, some) == most)


@settings(max_examples=10)
@given(st.integers(0, 10_000), st.integers(1, 3))
def test_p_median_is_as_good_as_brute_force(seed: int, add: int) -> None:
    demand, pairs, table = world(seed, points=20)
    found = siting.p_median(demand, pairs, horizon=HORIZON, add=add)
    assert len(found) <= add
    assert people_minutes(demand, table, found) == pytest.approx(
        min(people_minutes(demand, table, some) for some in choices(10, add))
    )


@settings(max_examples=10)
@given(st.integers(0, 10_000), st.integers(2, 4))
def test_p_centre_is_as_good_as_brute_force(seed: int, add: int) -> None:
    demand, pairs, table = world(seed, points=12)
    try:
        found = siting.p_centre(demand, pairs, add=add)
    except GeoValueError:
        assert min(furthest(demand, table, some) for some in choices(10, add)) == np.inf
        return
    assert len(found) <= add
    assert furthest(demand, table, found) == min(furthest(demand, table, some) for some in choices(10, add))


def test_a_limit_is_inclusive_and_what_exists_is_kept() -> None:
    demand = Demand(np.array([10.0, 10.0, 7.0]), np.array([15.0, 15.0000001, np.inf]))
    pairs = Pairs(np.array([0, 1, 2]), np.array([0, 1, 2]), np.array([1.0, 15.0, 15.0000001]))
    assert siting.mclp(demand, pairs, limit=15.0, add=3).tolist() == [1]
    assert siting.lscp(demand, pairs, limit=15.0).tolist() == [1]


def test_nothing_to_choose_from_and_nobody_to_serve() -> None:
    none = Pairs(np.empty(0, dtype=np.int64), np.empty(0, dtype=np.int64), np.empty(0))
    demand = Demand(np.array([3.0]), np.array([np.inf]))
    assert siting.mclp(demand, none, limit=LIMIT, add=2).size == 0
    assert siting.lscp(demand, none, limit=LIMIT).size == 0
    assert siting.p_median(demand, none, horizon=HORIZON, add=2).size == 0
    assert siting.p_centre(demand, none, add=2).size == 0


def test_the_order_is_by_people_newly_served() -> None:
    demand = Demand(np.array([5.0, 20.0, 9.0]), np.full(3, np.inf))
    pairs = Pairs(np.array([0, 1, 2, 2]), np.array([0, 1, 1, 2]), np.array([1.0, 1.0, 2.0, 3.0]))
    assert siting.in_order(demand, pairs, np.array([0, 1, 2]), limit=LIMIT).tolist() == [2, 0, 1]


def test_the_same_question_has_the_same_answer() -> None:
    demand, pairs, _ = world(7, sites=12, points=60)
    first = siting.mclp(demand, pairs, limit=LIMIT, add=4)
    assert all(np.array_equal(first, siting.mclp(demand, pairs, limit=LIMIT, add=4)) for _ in range(3))


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("seed", range(4))
def test_spopt_finds_the_same_objectives(seed: int) -> None:
    pytest.importorskip("spopt", reason="spopt is not installed")
    import pulp  # noqa: PLC0415
    from spopt.locate import LSCP, MCLP, PCenter, PMedian  # noqa: PLC0415

    demand, pairs, table = world(seed, sites=12, points=50)
    demand = Demand(demand.people + 1.0, np.full(50, np.inf))
    cost = np.where(np.isfinite(table), table, 1000.0).T
    reached = np.isfinite(table).any(axis=0)
    solver = pulp.PULP_CBC_CMD(msg=False)
    theirs = MCLP.from_cost_matrix(cost, demand.people, LIMIT, p_facilities=3).solve(solver)
    ours = siting.mclp(demand, pairs, limit=LIMIT, add=3)
    assert served(demand, table, ours) == pytest.approx(theirs.problem.objective.value())

    wide = Pairs(*np.nonzero(np.isfinite(table)), table[np.isfinite(table)])
    keep = reached & (np.where(np.isfinite(table), table, 1e9).min(axis=0) <= LIMIT)
    cover = LSCP.from_cost_matrix(cost[keep], LIMIT).solve(solver)
    assert len(siting.lscp(demand, wide, limit=LIMIT)) == round(cover.problem.objective.value())

    capped = np.minimum(cost, HORIZON)
    median = PMedian.from_cost_matrix(capped, demand.people, p_facilities=3).solve(solver)
    assert people_minutes(demand, table, siting.p_median(demand, wide, horizon=HORIZON, add=3)) == pytest.approx(
        median.problem.objective.value()
    )

    full = Pairs(*np.nonzero(np.inf > cost.T), cost.T.ravel())
    centre = PCenter.from_cost_matrix(cost, p_facilities=3).solve(solver)
    ours_furthest = cost[:, siting.p_centre(demand, full, add=3)].min(axis=1).max()
    assert ours_furthest == pytest.approx(centre.problem.objective.value())
