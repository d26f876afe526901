"""How a gradient changes the speed of those who move on their own feet or on an e-bike.

**On foot**: Tobler's hiking function, 6 exp(-3.5 |s + 0.05|) km/h, as a share of its value on the flat (W. Tobler,
*Three presentations on geographical analysis and modeling*, NCGIA Technical Report 93-1, 1993). Fastest at 5 % down.

**By e-bike**: own derivation. The flat speed is held as long as the motor can; beyond, speed `v` is where its power
is used up, `MOTOR_W = v (m g sin a + m g c cos a + d A v² / 2)` with tan a = s. Nobody pedals. Downhill the flat speed,
which is the legal one, is never exceeded. Where the motor would be slower than someone who pushes, the bike is pushed.

=========================  ==========  ==========================================================================
motor power                320 W       mean of the limits of GB 17761-1999 (240 W) and GB 17761-2018 (400 W)
mass m                     122.5 kg    mean of their limits for the bike (40, 55 kg); rider with bag 75 kg (own)
rolling resistance c       0.0077      mean of 557 cyclists stopped on a street in Vancouver (S. Tengattini,
drag area A                0.559 m²    University of Bologna 2016), the same measurement
air density d              1.2 kg/m³   20 °C at sea level
pushing                    3 km/h      own default: uphill, with a loaded bike
=========================  ==========  ==========================================================================

What follows for the legal 15 km/h:

========  =====  =====  =====  =====  =====  =====  =====  =====  =====
gradient  down   0 %    5 %    6 %    8 %    10 %   15 %   20 %   33 %+
km/h      15     15     15     13.4   10.7   8.8    6.1    4.7    3.0
========  =====  =====  =====  =====  =====  =====  =====  =====  =====

**By car** gradients change nothing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from geo import modes, units

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

    from geo.modes import Access

_TOBLER_RATE = 3.5
_TOBLER_BEST = 0.05

MOTOR_W = (240.0 + 400.0) / 2
MASS_KG = (40.0 + 55.0) / 2 + 75.0
ROLLING = 0.0077
DRAG_AREA_M2 = 0.559
AIR_KG_M3 = 1.2
GRAVITY = 9.81
PUSHING_KMH = 3.0
_KMH = units.METRES_PER_KM / 3600.0


def factor(gradient: ArrayLike, access: Access, *, flat_kmh: ArrayLike = modes.EBIKE_KMH) -> NDArray[np.float64]:
    """Return speed on a gradient as a share of the speed on the flat.

    Parameters
    ----------
    gradient
        Rise over run in the direction of travel; positive is uphill; NaN (not known) counts as flat.
    access
        Who moves: `foot`, `bicycle` or `car`.
    flat_kmh
        Speed on the flat, of all or of each; only bicycles ask for it, whose motor has more to spare for a hill the
        slower they are. Above the 32 km/h that the motor attains the curve is that of 32 km/h.

    Returns
    -------
    As many shares as gradients. 1 on the flat; on foot at most exp(0.175) = 1.191, else at most 1; always above 0.

    Examples
    --------
    >>> factor([0.0, -0.05, 0.1, np.nan], "foot").round(3).tolist()
    [1.0, 1.191, 0.705, 1.0]
    >>> (factor([-0.1, 0.05, 0.1, 0.4], "bicycle") * 15).round(1).tolist()
    [15.0, 15.0, 8.8, 3.0]
    >>> factor([0.1], "car").tolist()
    [1.0]
    """
    slope = np.nan_to_num(np.asarray(gradient, dtype=np.float64), nan=0.0)
    if access == "foot":
        return np.asarray(np.exp(_TOBLER_RATE * (_TOBLER_BEST - np.abs(slope + _TOBLER_BEST))), dtype=np.float64)
    if access == "bicycle":
        flat = np.minimum(np.asarray(flat_kmh, dtype=np.float64), _motor_kmh(np.zeros(1)))
        ridden = np.minimum(_motor_kmh(slope), flat)
        return np.asarray(np.maximum(ridden, np.minimum(PUSHING_KMH, flat)) / flat, dtype=np.float64)
    return np.ones_like(slope)


def _motor_kmh(slope: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the speed at which gravity, tyres and air use up the motor's power; `inf` where the hill itself drives.

    k v³ + f v = P has one real root for f > 0, which is Cardano's in its form with hyperbolic functions.
    """
    air = AIR_KG_M3 * DRAG_AREA_M2 / 2.0
    force = MASS_KG * GRAVITY * (slope + ROLLING) / np.hypot(1.0, slope)
    climbs = force > 0.0
    force = np.where(climbs, force, 1.0)
    scale = 2.0 * np.sqrt(force / (3.0 * air))
    speed = scale * np.sinh(np.arcsinh(3.0 * MOTOR_W / (force * scale)) / 3.0)
    return np.asarray(np.where(climbs, speed / _KMH, np.inf), dtype=np.float64)
