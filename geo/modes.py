"""How people move: the ways of moving a study may name, their speeds and whose streets they use."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

from geo.errors import GeoValueError

Access = Literal["foot", "bicycle", "car"]

WALK_KMH = 4.5
ELDER_KMH = 2.88  # 0.8 m/s, observed for ages 65 to 74 (geo/data/standards.csv)
EBIKE_KMH = 15.0  # legal speed in the non-motor lane (Road Traffic Safety Law, art. 58)

# km/h by OpenStreetMap class where no speed limit is known: journeys with their stops, on urban and county roads. Own
# default. The classes are those that a car may use without a tag that says so.
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
    "road": 20.0,
    "service": 15.0,
    "living_street": 10.0,
}
CAR_KMH_OTHER = 10.0  # every other class, where a tag or the study lets cars in
CAR_KMH_YARD = 10.0  # at most, on the service roads of CAR_YARDS
CAR_YARDS = ("alley", "driveway", "parking_aisle", "parking", "drive-through")
# Share of a speed limit that a journey attains; 0.8 is the `speed_reduction` of OSRM's car profile.
CAR_ATTAINED = 0.8
CAR_LIMIT_KMH = 120.0  # no limit counts as higher; also what "none" means

FOOT_CLASSES = ("footway", "pedestrian", "steps", "bridleway", "corridor", "platform", "elevator")
STREET_CLASSES = (*CAR_KMH, "track", "path", "cycleway", *FOOT_CLASSES, "busway")


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
        Speed on the flat, the same on every street; `None` takes a car's speed from the limit or the street class.
    access_kmh
        Speed of the legs between a point and its street, always on foot.
    slope
        Whether gradients change the speed.
    classes
        The street classes it may use, of :data:`STREET_CLASSES`; empty leaves that to `access`. What is closed to
        `access` by other tags stays closed.

    Raises
    ------
    GeoValueError
        When a speed is not positive, is missing where no class gives one, or a class is not known.
    """

    name: str
    access: Access
    speed_kmh: float | None
    access_kmh: float
    slope: bool = False
    classes: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        object.__setattr__(self, "classes", tuple(self.classes))
        if self.speed_kmh is None and self.access != "car":
            msg = f"mode {self.name}: on {self.access} speed_kmh is needed; only cars go by limit and class"
            raise GeoValueError(msg)
        for name, kmh in (("speed_kmh", self.speed_kmh), ("access_kmh", self.access_kmh)):
            if kmh is not None and not (kmh > 0 and math.isfinite(kmh)):
                msg = f"mode {self.name}: {name} is {kmh}; it must be above 0"
                raise GeoValueError(msg)
        if unknown := unknown_classes(self.classes):
            msg = f"mode {self.name}: no street class {', '.join(unknown)}; accepted are {', '.join(STREET_CLASSES)}"
            raise GeoValueError(msg)


def unknown_classes(classes: tuple[str, ...]) -> list[str]:
    """Return the names that are no street class.

    Examples
    --------
    >>> unknown_classes(("residential", "路"))
    ['路']
    """
    return [name for name in classes if name not in STREET_CLASSES]


BUILTIN: dict[str, Mode] = {
    "walk": Mode("walk", "foot", WALK_KMH, WALK_KMH, slope=True),
    "elder": Mode("elder", "foot", ELDER_KMH, ELDER_KMH, slope=True),
    "ebike": Mode("ebike", "bicycle", EBIKE_KMH, WALK_KMH, slope=True),
    "drive": Mode("drive", "car", None, WALK_KMH),
}
