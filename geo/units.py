"""Minutes, metres and speeds, and the one rule for "served".

Unreachable is `inf`, not computed is `NaN`; no other sentinel is used anywhere.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

METRES_PER_KM = 1000.0
MINUTES_PER_HOUR = 60.0
HORIZON_MINUTES = 60.0
HORIZON_LIMITS = 4.0


def within(minutes: ArrayLike, limit: float) -> NDArray[np.bool_]:
    """Say who is served: `minutes <= limit`, inclusive, on unrounded values.

    `inf` (unreachable) and `NaN` (not computed) are not served.

    Examples
    --------
    >>> within([15.0, 15.0000001, float("inf"), float("nan")], 15)
    array([ True, False, False, False])
    """
    return np.asarray(minutes, dtype=np.float64) <= limit


def minutes_of(length_m: ArrayLike, speed_kmh: ArrayLike) -> NDArray[np.float64]:
    """Return the minutes that a length takes at a speed.

    Examples
    --------
    >>> float(minutes_of(750.0, 4.5))
    10.0
    """
    length = np.asarray(length_m, dtype=np.float64)
    return length * MINUTES_PER_HOUR / (np.asarray(speed_kmh, dtype=np.float64) * METRES_PER_KM)


def metres_in(minutes: float, speed_kmh: float) -> float:
    """Return how far a speed carries in some minutes.

    Examples
    --------
    >>> metres_in(10, 4.5)
    750.0
    """
    return minutes * speed_kmh * METRES_PER_KM / MINUTES_PER_HOUR


def horizon(limit: float) -> float:
    """Return up to how many minutes results are true; beyond they are `inf`.

    Examples
    --------
    >>> horizon(15), horizon(20)
    (60.0, 80.0)
    """
    return max(HORIZON_MINUTES, HORIZON_LIMITS * limit)
