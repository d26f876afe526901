"""Which services exist, what they are called, whom they serve and within how many minutes.

The table `data/service_types.csv` carries a basis and a status for every threshold: V was read in the
document, S is second-hand, M from memory, D our own default. Only V supports 符合/不符合.
"""

from __future__ import annotations

import csv
import difflib
import unicodedata
from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import TYPE_CHECKING, Literal, cast

from geo import messages

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from geo.messages import Lang

Test = Literal["minutes", "presence", "inventory"]
Direction = Literal["to_service", "from_service"]
BANDS = (5.0, 10.0, 15.0)
LIMIT = 15.0
OWN = "O"  # status of a limit that the study file sets
_QUOTES = dict.fromkeys(map(ord, "\"'“”‘’「」『』《》〈〉＂＇`´·"), None)


@dataclass(frozen=True)
class Ring:
    """One way of measuring a service: a mode and the limit in minutes."""

    mode: str
    limit: float


@dataclass(frozen=True)
class ServiceType:
    """A kind of service.

    Attributes
    ----------
    code
        Catalogue code, used in every output.
    label, label_en
        Names for people.
    aliases
        Other names that data use.
    test
        `minutes` (a ring on streets), `presence` (yes or no per unit) or `inventory` (a list).
    unit_kind
        For `presence`: the kind of unit that should have one.
    demand
        Groups served; the first is the headline.
    mode, limit
        The ring that decides coverage and gaps.
    minutes
        Bands, rising, drawn and tabulated; the limit is among them.
    also
        Further rings.
    direction
        `to_service`: the person goes to the service.
    delay_minutes
        Minutes that pass at the service before it serves: added to every way to it.
    radius_m
        Radius of the straight circle for screening, a default; None where the catalogue has none.
    basis, status
        Where the limit comes from, and how sure that is: V, S, M, D, or O where the study file sets it.
    """

    code: str
    label: str
    label_en: str
    aliases: tuple[str, ...] = ()
    category: str = ""
    test: Test = "minutes"
    unit_kind: str = ""
    demand: tuple[str, ...] = ("residents",)
    mode: str = "walk"
    limit: float = LIMIT
    minutes: tuple[float, ...] = BANDS
    also: tuple[Ring, ...] = ()
    direction: Direction = "to_service"
    delay_minutes: float = 0.0
    radius_m: float | None = None
    basis: str = ""
    status: str = "D"

    def name(self, lang: Lang) -> str:
        """Return the name for people in one language."""
        return self.label if lang == "zh" else self.label_en

    @property
    def rings(self) -> tuple[Ring, ...]:
        """All rings, the deciding one first."""
        return (Ring(self.mode, self.limit), *self.also) if self.test == "minutes" else ()

    def basis_in(self, lang: Lang) -> str:
        """Return where the limit comes from, for people; "" where the type has no limit of its own."""
        if self.status == OWN:
            return messages.text("word.own_value", lang)
        if self.test != "minutes":
            return ""
        return messages.subject("basis", lang).get(self.code, self.basis)

    def bands_of(self, number: int) -> tuple[float, ...]:
        """Return the bands of one of the rings, rising; its limit is the last."""
        ring = self.rings[number]
        return self.minutes if number == 0 else (*(band for band in self.minutes if band < ring.limit), ring.limit)


def fold(name: str) -> str:
    """Return a name as it is compared: NFKC, without quotes, spaces and case.

    Examples
    --------
    >>> fold('暖“新”驿站') == fold(' 暖"新"驿站')
    True
    """
    plain = unicodedata.normalize("NFKC", name).translate(_QUOTES)
    return "".join(plain.split()).casefold()


def _also(text: str) -> tuple[Ring, ...]:
    pairs = (part.split() for part in text.split(";") if part.strip())
    return tuple(Ring(mode, float(limit)) for mode, limit in pairs)


def bands(limit: float, extra: Iterable[float] = ()) -> tuple[float, ...]:
    """Return the bands up to and with the limit, rising.

    Examples
    --------
    >>> bands(15, [8]), bands(12)
    ((5.0, 8.0, 10.0, 15.0), (5.0, 10.0, 12.0))
    """
    wanted = {*BANDS, *map(float, extra), float(limit)}
    return tuple(sorted(minutes for minutes in wanted if minutes <= limit))


def _from_row(row: Mapping[str, str]) -> ServiceType:
    code = row["code"]
    limit = float(row["limit_minutes"] or LIMIT)
    advised = [float(row["advised_minutes"])] if row["advised_minutes"] else []
    return ServiceType(
        code=code,
        label="".join(row["name_cn"].translate(_QUOTES).split()),
        label_en=messages.text(f"service.{code}", "en"),
        aliases=tuple(alias.strip() for alias in row["aliases"].split(";") if alias.strip()),
        category=row["category"],
        test=cast("Test", row["test"]),
        unit_kind=row["unit_kind"],
        demand=tuple(group for group in row["demand"].split(";") if group),
        mode=row["mode"] or "walk",
        limit=limit,
        minutes=bands(limit, advised),
        also=_also(row["also"]),
        radius_m=float(row["fallback_radius_m"]) if row["fallback_radius_m"] else None,
        basis=row["basis"],
        status=row["status"],
    )


@cache
def service_types() -> dict[str, ServiceType]:
    """Return the catalogue, by code, in its own order.

    Examples
    --------
    >>> gig = service_types()["gig_station"]
    >>> gig.label, gig.rings
    ('零工驿站', (Ring(mode='walk', limit=15.0), Ring(mode='ebike', limit=15.0)))
    """
    table = resources.files("geo.data").joinpath("service_types.csv").read_text(encoding="utf-8")
    return {row["code"]: _from_row(row) for row in csv.DictReader(table.splitlines())}


def name_index(types: Iterable[ServiceType]) -> dict[str, str]:
    """Return folded code, label and alias → code; a label wins over another type's alias."""
    found: dict[str, str] = {}
    listed = list(types)
    for kind in listed:
        found.setdefault(fold(kind.code), kind.code)
        found.setdefault(fold(kind.label), kind.code)
    for kind in listed:
        for alias in kind.aliases:
            found.setdefault(fold(alias), kind.code)
    return found


def suggest(name: str, types: Iterable[ServiceType], *, most: int = 3) -> list[str]:
    """Return the labels that look most like a name that is not known, best first.

    Examples
    --------
    >>> suggest("零工站点", service_types().values(), most=1)
    ['零工驿站']
    """
    index = name_index(types)
    labels = {kind.code: kind.label for kind in types}
    near = difflib.get_close_matches(fold(name), list(index), n=most * 3, cutoff=0.4)
    return list(dict.fromkeys(labels[index[match]] for match in near))[:most]
