"""How people move: the ways of moving a study may name, their speeds and whose streets they use."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Access = Literal["foot", "bicycle", "car"]

WALK_KMH = 4.5
ELDER_KMH = 2.88  # 0.8 m/s, observed for ages 65 to 74 (geo/data/standards.csv)
EBIKE_KMH = 15.0  # legal speed in the non-motor lane (Road Traffic Safety Law, art. 58)

# km/h by OSM class on urban and county roads, used where the mode states no speed of its own.
CAR_KMH: dict[str, float] = {
    "motorway": 90.0,
    "motorway_link": 45.0,
    "trunk": 60.0,
    "trunk_link": 40.0,
    "primary": 45.0,
    "primary_link": 35.0,
    "secondary": 40.0,
    "secondary_link": 30.0,
    "tertiary": 30.0,
    "tertiary_link": 25.0,
    "unclassified": 25.0,
    "residential": 20.0,
    "living_street": 10.0,
    "service": 15.0,
}
CAR_KMH_OTHER = 20.0


@dataclass(frozen=True)
class Mode:
    """A way of moving.

    Attributes
    ----------
    name
        As the study file writes it.
    access
        Whose access rules decide which streets may be used and in which direction.
    speed_kmh
        Speed on the flat; `None` takes the car speeds by street class (:data:`CAR_KMH`).
    access_kmh
        Speed of the legs between a point and its street, always on foot.
    slope
        Whether gradients change the speed.
    """

    name: str
    access: Access
    speed_kmh: float | None
    access_kmh: float
    slope: bool = False


BUILTIN: dict[str, Mode] = {
    "walk": Mode("walk", "foot", WALK_KMH, WALK_KMH, slope=True),
    "elder": Mode("elder", "foot", ELDER_KMH, ELDER_KMH, slope=True),
    "ebike": Mode("ebike", "bicycle", EBIKE_KMH, WALK_KMH),
    "drive": Mode("drive", "car", None, WALK_KMH),
}
