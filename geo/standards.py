"""Within how many metres do the standards count a service as reached: on streets, and as the crow flies.

Beside the minutes that decide (`time_network`) stand two further ways of measuring. `std_distance` is the walking
distance that GB 50180-2018 states for the circle of so many minutes; `std_radius` is a straight circle, for screening
only. No binding radius exists for most services: what the catalogue has is a default.
"""

from __future__ import annotations

import csv
from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import TYPE_CHECKING, Literal

from geo import messages

if TYPE_CHECKING:
    from collections.abc import Mapping

    from geo.catalogue import ServiceType
    from geo.messages import Lang
    from geo.modes import Mode

Way = Literal["std_distance", "std_radius"]
WAYS: tuple[Way, ...] = ("std_distance", "std_radius")
CORE, ELSEWHERE = "core", "elsewhere"
# A hundred metres a minute on the flat: minutes times this are metres on streets.
METRES_PER_MINUTE = 100.0
DEFAULT = "D"


@dataclass(frozen=True)
class Threshold:
    """One distance that a service is measured by.

    Attributes
    ----------
    way
        `std_distance` or `std_radius`.
    minutes
        The limit or band in minutes beside which it stands.
    metres
        Area (`core`, `elsewhere`, or "" for everywhere) → metres.
    status
        How sure the number is: V, S, M or D; the least sure of its parts. Only V allows 符合/不符合.
    source
        Where the number stands; "" for a default of the catalogue.
    """

    way: Way
    minutes: float
    metres: Mapping[str, float]
    status: str
    source: str

    @property
    def most_m(self) -> float:
        """The largest of the metres."""
        return max(self.metres.values())

    @property
    def shown_m(self) -> str:
        """The metres as one cell, joined by ";" where areas differ."""
        return ";".join(f"{metres:g}" for metres in self.metres.values())

    def basis(self, lang: Lang) -> str:
        """Return where the number stands, for people."""
        return self.source or messages.text("word.default_radius", lang)


@cache
def _table() -> tuple[dict[str, str], ...]:
    text = resources.files("geo.data").joinpath("standard_limits.csv").read_text(encoding="utf-8")
    return tuple(csv.DictReader(text.splitlines()))


def is_walked(service: ServiceType, ways_to_move: Mapping[str, Mode]) -> bool:
    """Say whether a service is measured in minutes on foot, so that the standard's walking distances fit it."""
    mode = ways_to_move.get(service.mode)
    return service.test == "minutes" and mode is not None and mode.access == "foot"


def thresholds(service: ServiceType, ways_to_move: Mapping[str, Mode]) -> list[Threshold]:
    """Return the distances that a service is measured by, bands rising, distances on streets first.

    The standard's distances are walked: a service that is driven or ridden to has none. A limit or band beside which
    the standard states nothing (8 or 12 minutes) has none either.

    Examples
    --------
    >>> from geo.catalogue import service_types
    >>> from geo.modes import BUILTIN
    >>> for each in thresholds(service_types()["gig_station"], BUILTIN):
    ...     print(each.way, each.minutes, each.shown_m, each.status)
    std_distance 5.0 300 S
    std_distance 10.0 500 V
    std_distance 15.0 1000 S
    std_radius 15.0 1000 D
    >>> thresholds(service_types()["ev_charging"], BUILTIN)[-1].shown_m
    '900;2000'
    """
    if service.test != "minutes":
        return []
    stated = {float(row["minutes"]): row for row in _table() if row["way"] == "std_distance"}
    found = [
        Threshold(
            "std_distance", band, {"": float(stated[band]["metres"])}, stated[band]["status"], stated[band]["source"]
        )
        for band in service.minutes
        if is_walked(service, ways_to_move) and band in stated and band <= service.limit
    ]
    return [*found, *_radius(service)]


def _radius(service: ServiceType) -> list[Threshold]:
    """Return the circle of a service: by area where a text says so, else the catalogue's default."""
    mine = [row for row in _table() if row["way"] == "std_radius" and row["service"] == service.code]
    if mine:
        metres = {row["area"]: float(row["metres"]) for row in mine}
        least_sure = max((row["status"] for row in mine), key="VSMD".index)
        source = "；".join(row["source"] for row in mine)
        return [Threshold("std_radius", service.limit, metres, least_sure, source)]
    if service.radius_m is None:
        return []
    return [Threshold("std_radius", service.limit, {"": service.radius_m}, DEFAULT, "")]
