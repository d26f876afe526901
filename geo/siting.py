"""Where a next site serves most: the four classical location models, existing sites kept.

People and candidates meet in pairs (candidate, point, minutes). A point whose minutes to what exists are
good enough needs no new site; what exists is never moved. Each model is a mixed integer programme solved to
proven optimality by HiGHS; points that the same candidates serve are one row of it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from scipy import optimize, sparse

from geo import units
from geo.errors import GeoValueError

if TYPE_CHECKING:
    from numpy.typing import NDArray

MOST_PAIRS = 400_000
_HALF = 0.5


class Pairs(NamedTuple):
    """Which candidate is how many minutes from which point; pairs that are not listed are out of reach.

    Attributes
    ----------
    candidate, point
        (pairs,) numbers from 0.
    minutes
        (pairs,) finite.
    """

    candidate: NDArray[np.int64]
    point: NDArray[np.int64]
    minutes: NDArray[np.float64]

    def only(self, keep: NDArray[np.bool_]) -> Pairs:
        """Return some of the pairs."""
        return Pairs(self.candidate[keep], self.point[keep], self.minutes[keep])


@dataclass(frozen=True, eq=False)
class Demand:
    """Whom sites are for.

    Attributes
    ----------
    people
        (points,) people, 0 or more.
    minutes
        (points,) minutes to the nearest existing facility; `inf` where there is none.
    """

    people: NDArray[np.float64]
    minutes: NDArray[np.float64]


def lscp(demand: Demand, pairs: Pairs, *, limit: float) -> NDArray[np.int64]:
    """Return the fewest candidates that serve everybody whom any candidate can serve (set covering).

    Parameters
    ----------
    demand
        People and their minutes to what exists; those within the limit are served already.
    pairs
        Minutes to candidates.
    limit
        Minutes, inclusive.

    Examples
    --------
    Two candidates serve one point each, a third serves both:

    >>> demand = Demand(np.array([10.0, 5.0]), np.array([np.inf, 40.0]))
    >>> pairs = Pairs(np.array([0, 1, 2, 2]), np.array([0, 1, 0, 1]), np.array([5.0, 5.0, 14.0, 15.0]))
    >>> lscp(demand, pairs, limit=15).tolist()
    [2]
    """
    cover, _ = _cover(demand, pairs, limit=limit)
    if not cover.shape[0]:
        return np.empty(0, dtype=np.int64)
    count = cover.shape[1]
    everyone = optimize.LinearConstraint(cover, lb=1.0)
    return _chosen(_solved(np.ones(count), np.ones(count), [everyone]), count)


def mclp(demand: Demand, pairs: Pairs, *, limit: float, add: int) -> NDArray[np.int64]:
    """Return at most `add` candidates that serve the most people who are not served yet (maximal covering).

    Parameters
    ----------
    demand, pairs, limit
        As :func:`lscp`.
    add
        How many sites may be added.

    Examples
    --------
    >>> demand = Demand(np.array([10.0, 5.0, 8.0]), np.array([np.inf, 40.0, 3.0]))
    >>> pairs = Pairs(np.array([0, 1, 1]), np.array([0, 1, 2]), np.array([5.0, 5.0, 1.0]))
    >>> mclp(demand, pairs, limit=15, add=1).tolist()
    [0]
    """
    cover, people = _cover(demand, pairs, limit=limit)
    rows, count = cover.shape
    if not rows:
        return np.empty(0, dtype=np.int64)
    # A row counts at most once, and only if one of its candidates is taken: served - candidates taken <= 0.
    linked = sparse.hstack([-cover, sparse.eye_array(rows)], format="csr")
    number = np.concatenate([np.ones(count), np.zeros(rows)])
    rules = [
        optimize.LinearConstraint(linked, ub=0.0),
        optimize.LinearConstraint(sparse.csr_array(number[None, :]), ub=float(add)),
    ]
    return _chosen(_solved(-np.concatenate([np.zeros(count), people]), number, rules), count)


def p_median(demand: Demand, pairs: Pairs, *, horizon: float, add: int) -> NDArray[np.int64]:
    """Return at most `add` candidates with which people × minutes to the nearest site are least.

    Parameters
    ----------
    demand, pairs
        As :func:`lscp`.
    horizon
        Minutes that count for those who reach nothing within them.
    add
        How many sites may be added.

    Raises
    ------
    GeoValueError
        When there are too many pairs to solve; fewer candidates are needed.

    Examples
    --------
    >>> demand = Demand(np.array([10.0, 4.0]), np.array([20.0, np.inf]))
    >>> pairs = Pairs(np.array([0, 1]), np.array([0, 1]), np.array([10.0, 10.0]))
    >>> p_median(demand, pairs, horizon=60, add=1).tolist()
    [1]
    """
    now = np.minimum(demand.minutes, horizon)
    saved = now[pairs.point] - pairs.minutes
    keep = (saved > 0) & (demand.people[pairs.point] > 0)
    pairs, saved = pairs.only(keep), saved[keep]
    if not len(saved):
        return np.empty(0, dtype=np.int64)
    if len(saved) > MOST_PAIRS:
        msg = f"{len(saved)} pairs of people and candidates are too many for p_median (at most {MOST_PAIRS}); give fewer candidates"
        raise GeoValueError(msg)
    candidates, candidate = np.unique(pairs.candidate, return_inverse=True)
    points, point = np.unique(pairs.point, return_inverse=True)
    count, size = len(candidates), len(saved)
    each, ones = np.arange(size), np.ones(size)
    # Each point goes to one site at most, and only to one that is taken.
    taken = sparse.csr_array((-ones, (each, candidate)), shape=(size, count))
    once = sparse.csr_array((ones, (point, each)), shape=(len(points), size))
    number = np.concatenate([np.ones(count), np.zeros(size)])
    rules = [
        optimize.LinearConstraint(sparse.hstack([taken, sparse.eye_array(size)], format="csr"), ub=0.0),
        optimize.LinearConstraint(
            sparse.hstack([sparse.csr_array((len(points), count)), once], format="csr"), ub=np.ones(len(points))
        ),
        optimize.LinearConstraint(sparse.csr_array(number[None, :]), ub=float(add)),
    ]
    gain = saved * demand.people[pairs.point]
    return candidates[_chosen(_solved(-np.concatenate([np.zeros(count), gain]), number, rules), count)]


def p_centre(demand: Demand, pairs: Pairs, *, add: int) -> NDArray[np.int64]:
    """Return at most `add` candidates with which the furthest person has the fewest minutes.

    People whom neither a candidate nor an existing facility reaches are left out: nothing here helps them.

    Parameters
    ----------
    demand, pairs
        As :func:`lscp`.
    add
        How many sites may be added.

    Examples
    --------
    >>> demand = Demand(np.array([1.0, 1.0]), np.array([30.0, 50.0]))
    >>> pairs = Pairs(np.array([0, 1, 1]), np.array([0, 0, 1]), np.array([1.0, 20.0, 25.0]))
    >>> p_centre(demand, pairs, add=1).tolist()
    [1]
    """
    best = demand.minutes.copy()
    np.minimum.at(best, pairs.point, pairs.minutes)
    asked = (demand.people > 0) & np.isfinite(best)
    some = Demand(np.where(asked, demand.people, 0.0), demand.minutes)
    if not asked.any():
        return np.empty(0, dtype=np.int64)
    least = float(best[asked].max())
    steps = np.unique(np.concatenate([pairs.minutes, demand.minutes[asked & np.isfinite(demand.minutes)]]))
    steps = steps[steps >= least]
    low, high = 0, len(steps) - 1
    found: NDArray[np.int64] | None = None
    while low <= high:
        middle = (low + high) // 2
        sites = lscp(some, pairs, limit=float(steps[middle]))
        if len(sites) <= add:
            found, high = sites, middle - 1
        else:
            low = middle + 1
    if found is None:
        msg = f"{add} sites cannot reach everybody whom the candidates can reach; add more"
        raise GeoValueError(msg)
    return found


def minutes_with(demand: Demand, pairs: Pairs, sites: NDArray[np.int64]) -> NDArray[np.float64]:
    """Return the minutes of everybody to the nearest of what exists and some chosen candidates.

    Examples
    --------
    >>> demand = Demand(np.array([1.0, 1.0]), np.array([30.0, np.inf]))
    >>> pairs = Pairs(np.array([0, 1]), np.array([0, 1]), np.array([5.0, 7.0]))
    >>> minutes_with(demand, pairs, np.array([0])).tolist()
    [5.0, inf]
    """
    minutes = demand.minutes.copy()
    mine = pairs.only(np.isin(pairs.candidate, sites))
    np.minimum.at(minutes, mine.point, mine.minutes)
    return minutes


def in_order(demand: Demand, pairs: Pairs, sites: NDArray[np.int64], *, limit: float) -> NDArray[np.int64]:
    """Return chosen candidates in the order in which to build them: each the one that then serves most.

    Equal ones stand by the people × minutes that they save, then by number.
    """
    left, now, order = sites.tolist(), demand.minutes, []
    while left:
        worth = []
        for site in left:
            then = minutes_with(Demand(demand.people, now), pairs, np.array([site]))
            new = demand.people[units.within(then, limit) & ~units.within(now, limit)].sum()
            capped = np.minimum(now, units.horizon(limit)) - np.minimum(then, units.horizon(limit))
            worth.append((float(new), float(capped @ demand.people), -site))
        best = left[worth.index(max(worth))]
        now = minutes_with(Demand(demand.people, now), pairs, np.array([best]))
        left.remove(best)
        order.append(best)
    return np.array(order, dtype=np.int64)


def _cover(demand: Demand, pairs: Pairs, *, limit: float) -> tuple[sparse.csr_array, NDArray[np.float64]]:
    """Return who can newly be served by whom: (patterns, candidates) of 0 and 1, and the people of each pattern."""
    count = int(pairs.candidate.max()) + 1 if len(pairs.candidate) else 0
    wanted = (demand.people > 0) & ~units.within(demand.minutes, limit)
    mine = pairs.only(wanted[pairs.point] & units.within(pairs.minutes, limit))
    points, row = np.unique(mine.point, return_inverse=True)
    if not len(points):
        return sparse.csr_array((0, count)), np.empty(0)
    table = np.zeros((len(points), count), dtype=bool)
    table[row, mine.candidate] = True
    _, first, number = np.unique(np.packbits(table, axis=1), axis=0, return_index=True, return_inverse=True)
    people = np.bincount(number.ravel(), weights=demand.people[points]).astype(np.float64)
    return sparse.csr_array(table[first].astype(np.float64)), people


def _solved(
    cost: NDArray[np.float64], whole: NDArray[np.float64], rules: list[optimize.LinearConstraint]
) -> NDArray[np.float64]:
    """Return the values, 0 to 1, with the least cost; those marked in `whole` are 0 or 1."""
    found = optimize.milp(
        cost, integrality=whole, bounds=optimize.Bounds(0.0, 1.0), constraints=rules, options={"mip_rel_gap": 0.0}
    )
    if found.x is None:
        msg = f"the location model has no solution: {found.message}"
        raise GeoValueError(msg)
    return np.asarray(found.x, dtype=np.float64)


def _chosen(values: NDArray[np.float64], count: int) -> NDArray[np.int64]:
    return np.flatnonzero(values[:count] > _HALF)
