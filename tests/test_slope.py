from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, strategies as st

from geo import modes, slope

RISES = st.floats(-0.5, 0.5)
ACCESS = ("foot", "bicycle", "car")
# The power balance by hand: 122.5 kg, rolling 0.0077, 0.559 m² of drag, air of 1.2 kg/m³, 320 W.
WEIGHT_N = 122.5 * 9.81


def watts(rise: float, kmh: float) -> float:
    """What riding takes, in the words of a textbook rather than of the room."""
    angle, speed = np.arctan(rise), kmh / 3.6
    gravity, tyres = WEIGHT_N * np.sin(angle), 0.0077 * WEIGHT_N * np.cos(angle)
    return float(speed * (gravity + tyres + 1.2 * 0.559 * speed**2 / 2))


@pytest.mark.parametrize(
    ("rise", "kmh"),
    [
        (0.0, 6 * np.exp(-3.5 * 0.05)),
        (0.1, 6 * np.exp(-3.5 * 0.15)),
        (-0.05, 6.0),
        (-0.1, 6 * np.exp(-3.5 * 0.05)),
        (-0.3, 6 * np.exp(-3.5 * 0.25)),
    ],
)
def test_walkers_go_at_toblers_speed_as_a_share_of_the_flat(rise: float, kmh: float) -> None:
    assert slope.factor([rise], "foot").tolist() == pytest.approx([kmh / (6 * np.exp(-3.5 * 0.05))], rel=1e-12)


@pytest.mark.parametrize("rise", [0.055, 0.06, 0.08, 0.1, 0.15, 0.2, 0.3, 0.32])
def test_on_a_hill_the_motor_gives_all_it_has(rise: float) -> None:
    kmh = 15 * float(slope.factor([rise], "bicycle")[0])
    assert 3 < kmh < 15
    assert watts(rise, kmh) == pytest.approx((240 + 400) / 2, rel=1e-9)


@pytest.mark.parametrize("rise", [-0.5, -0.1, -0.0077, -0.001, 0.0, 0.02, 0.04, 0.05])
def test_a_gentle_hill_costs_an_ebike_nothing_and_a_descent_gives_nothing(rise: float) -> None:
    assert watts(rise, 15) < 320
    assert slope.factor([rise], "bicycle").tolist() == [1.0]


@pytest.mark.parametrize("rise", [0.34, 0.5, 2.0])
def test_where_the_motor_is_slower_than_pushing_the_bike_is_pushed(rise: float) -> None:
    assert watts(rise, 3) > 320
    assert slope.factor([rise], "bicycle").tolist() == [3 / 15]


def test_a_slower_bike_has_more_to_spare_for_a_hill() -> None:
    flat = np.array([8.0, 15.0, 25.0])
    kmh = flat * slope.factor([0.1, 0.1, 0.1], "bicycle", flat_kmh=flat)
    assert watts(0.1, 8) < 320
    assert kmh.tolist() == pytest.approx([8.0, 8.808, 8.808], abs=1e-3)
    assert slope.factor([0.5], "bicycle", flat_kmh=2.0).tolist() == [1.0]


def test_beyond_what_the_motor_attains_the_flat_is_still_the_flat() -> None:
    top = 32.088
    assert watts(0.0, top) == pytest.approx(320, abs=0.02)
    shares = slope.factor([0.0, -0.1, 0.1], "bicycle", flat_kmh=45.0)
    assert shares.tolist() == pytest.approx([1.0, 1.0, 8.808 / top], abs=1e-4)


@pytest.mark.parametrize("access", ACCESS)
def test_what_is_not_known_counts_as_flat(access: modes.Access) -> None:
    assert slope.factor([np.nan, 0.0], access).tolist() == pytest.approx([1.0, 1.0], rel=1e-15)


def test_cars_do_not_notice() -> None:
    assert slope.factor([-0.3, 0.0, 0.3, np.nan], "car").tolist() == [1.0] * 4


@pytest.mark.parametrize("access", ACCESS)
def test_as_many_shares_as_gradients(access: modes.Access) -> None:
    assert slope.factor(np.zeros((0,)), access).shape == (0,)
    assert slope.factor(np.zeros((7,)), access).shape == (7,)


@given(RISES, RISES)
def test_steeper_up_is_never_faster(one: float, other: float) -> None:
    low, high = sorted([one, other])
    gentle, steep = slope.factor([low, high], "bicycle")
    assert steep <= gentle
    for_walkers = slope.factor(np.array([low, high]).clip(min=-0.05), "foot")
    assert for_walkers[1] <= for_walkers[0]


@given(RISES)
def test_shares_are_above_nothing_and_on_wheels_never_above_the_flat(rise: float) -> None:
    foot, bicycle = (float(slope.factor([rise], access)[0]) for access in ("foot", "bicycle"))
    assert 0 < foot <= np.exp(3.5 * 0.05)
    assert 3 / 15 <= bicycle <= 1


@given(st.floats(0.001, 0.5))
def test_down_is_faster_than_up(rise: float) -> None:
    for access in ("foot", "bicycle"):
        up, down = slope.factor([rise, -rise], access)
        assert up < down if access == "foot" or rise > 0.052 else up <= down


@given(st.floats(0.0, 0.5), st.floats(4.0, 32.0))
def test_the_curve_has_no_step(rise: float, flat_kmh: float) -> None:
    for access in ("foot", "bicycle"):
        here, beside = slope.factor([rise, rise + 1e-6], access, flat_kmh=flat_kmh)
        assert abs(here - beside) < 1e-4
