from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, strategies as st

from geo import units

WHOLE = st.floats(0.01, 1e5)


def test_the_limit_itself_is_served() -> None:
    assert units.within([14.999, 15.0, np.nextafter(15.0, 16.0)], 15).tolist() == [True, True, False]


def test_unreachable_and_not_computed_are_not_served() -> None:
    assert units.within([np.inf, np.nan], 1e9).tolist() == [False, False]


def test_nothing_is_rounded() -> None:
    assert not units.within(15.0 + 1e-12, 15)


def test_minutes_of_a_length() -> None:
    assert units.minutes_of([0.0, 75.0, 4500.0], 4.5).tolist() == [0.0, 1.0, 60.0]
    assert units.minutes_of(500.0, [6.0, 30.0]).tolist() == [500 / 100, 500 / 500]


@given(WHOLE, st.floats(1.0, 130.0))
def test_metres_and_minutes_are_inverse(metres: float, kmh: float) -> None:
    assert units.metres_in(float(units.minutes_of(metres, kmh)), kmh) == pytest.approx(metres, rel=1e-12)


@pytest.mark.parametrize(("limit", "horizon"), [(5, 60), (15, 60), (15.25, 61), (30, 120)])
def test_minutes_are_true_up_to_an_hour_or_four_limits(limit: float, horizon: float) -> None:
    assert units.horizon(limit) == horizon
