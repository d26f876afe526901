"""How do the three ways of measuring compare: minutes on streets, the standard's distance, a circle? Side by side."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from geo import standards
from geo.reports import headline, wording

if TYPE_CHECKING:
    from collections.abc import Iterator

    from geo.catalogue import ServiceType
    from geo.reports.edition import Edition
    from geo.reports.headline import Covered, Unit
    from geo.standards import Threshold

STUDY: Unit = ("study", "")
KINDS = ("study", "district", "community", "outside", "park")


@dataclass(frozen=True)
class Measure:
    """One way of measuring one service, group and unit: the distance that counts, and who is served by it."""

    limit: Threshold
    covered: Covered


@dataclass(frozen=True)
class Compared:
    """One service, group and unit by all three ways; a way that does not apply is None."""

    unit: Unit
    name: str
    kind: ServiceType
    group: str
    minutes: Covered
    distance: Measure | None
    radius: Measure | None


def compare(edition: Edition, *, kinds: tuple[str, ...] = KINDS) -> Iterator[Compared]:
    """Give every unit, service and group at the service's own limit; the whole study first."""
    results = edition.results
    names = edition.unit_names
    tables = [
        (kind, group, headline.of_ring(edition, kind.code, kind.rings[0], group), _by_way(edition, kind, group))
        for kind in results.services.values()
        if kind.rings
        for group in kind.demand
    ]
    for wanted in kinds:
        for unit, name in names.items():
            if unit[0] != wanted:
                continue
            shown = name if unit[1] else wording.unit_kind(unit[0], edition.lang)
            for kind, group, by_minutes, (distance, radius) in tables:
                if unit in by_minutes:
                    yield Compared(unit, shown, kind, group, by_minutes[unit], distance.get(unit), radius.get(unit))


def _by_way(edition: Edition, kind: ServiceType, group: str) -> list[dict[Unit, Measure]]:
    """Return unit → measure, by the standard's distance and by the circle, at the limit of the service."""
    limits = {
        limit.way: limit
        for limit in standards.thresholds(kind, edition.results.study.modes)
        if limit.minutes == kind.limit
    }
    found = []
    for way in standards.WAYS:
        rows = edition.shares_by_standards.get((kind.code, way, kind.limit, group), {})
        found.append({unit: Measure(limits[way], covered) for unit, covered in rows.items()} if way in limits else {})
    return found


def verdict(edition: Edition, measure: Measure | None) -> str | None:
    """Return whether a share by a distance passes: said only where the distance was read in its source."""
    if measure is None:
        return None
    if measure.limit.status != wording.VERIFIED:
        return edition.say("not_judged", why=edition.word("default_value"))
    if measure.covered.share is None:
        return None
    line = headline.pass_line(edition.results)
    return edition.say("passes" if measure.covered.share >= line else "fails")


def points_apart(minutes: Covered, measure: Measure | None) -> float | None:
    """Return by how many percentage points a way differs from the minutes; None where either has no share."""
    if measure is None or measure.covered.share is None or minutes.share is None:
        return None
    return (measure.covered.share - minutes.share) * 100.0
