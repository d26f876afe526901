"""What is needed, what is there, what fits: the three lists (三张清单), joined by their ids.

需求 are the gaps, 资源 the venues with room that reach people of a gap, 服务 the pairs of both.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from geo import schema
from geo.reports import cells, places, wording
from geo.venues import room

if TYPE_CHECKING:
    import geopandas as gpd
    import pandas as pd

    from geo.reports.edition import Edition

# People of a gap from which it is of the first and of the second level; our own default.
LEVELS = (500.0, 100.0)
PAIR_MARK = "@"


@dataclass(frozen=True)
class Need:
    """A gap as a need: what it lacks, how many people, how urgent, and the venues that fit, the best first."""

    gap: dict[str, Any]
    level: int
    measure: str
    matches: list[dict[str, Any]]


def level_of(people: float) -> int:
    """Return the level of a gap by its people: 1 is the largest.

    Examples
    --------
    >>> level_of(500.0), level_of(499.9), level_of(3.0)
    (1, 2, 3)
    """
    return 1 + sum(people < least for least in LEVELS)


def matches_by_gap(edition: Edition) -> dict[str, list[dict[str, Any]]]:
    """Return gap id → the venues that fit, the best first."""
    return edition.once("matches_by_gap", lambda: _matches_by_gap(edition.results.matches))


def _matches_by_gap(table: pd.DataFrame | None) -> dict[str, list[dict[str, Any]]]:
    found: dict[str, list[dict[str, Any]]] = {}
    if table is not None:
        for row in zip(*(table[name].tolist() for name in schema.MATCHES), strict=True):
            match = dict(zip(schema.MATCHES, row, strict=True))
            found.setdefault(match["gap_id"], []).append(match)
    return found


def needs(edition: Edition) -> list[Need]:
    """Return all gaps as needs, in their order."""
    return edition.once("needs", lambda: _needs(edition))


def _needs(edition: Edition) -> list[Need]:
    gaps = edition.results.gaps
    matched = matches_by_gap(edition)
    planned = planned_in(edition)
    return [
        Need(
            gap,
            level_of(gap["people"]),
            measure_for(edition, gap, matched.get(gap["gap_id"], []), planned),
            matched.get(gap["gap_id"], []),
        )
        for gap in gaps.drop(columns=gaps.geometry.name).to_dict("records")
    ]


def planned_in(edition: Edition) -> dict[tuple[str, str], list[str]]:
    """Return (service, community) → the names of what is being built or planned there."""
    return edition.once("planned_in", lambda: _planned_in(edition))


def _planned_in(edition: Edition) -> dict[tuple[str, str], list[str]]:
    points = edition.results.service_points
    found: dict[tuple[str, str], list[str]] = {}
    if "unit_community" in points.columns:
        mine = points[points["state"] == "planned"]
        for kind, code, name in zip(mine["type"], mine["unit_community"], mine["name"], strict=True):
            found.setdefault((kind, code), []).append(cells.text_of(name, edition.lang))
    return found


def measure_for(
    edition: Edition, gap: dict[str, Any], matched: list[dict[str, Any]], planned: dict[tuple[str, str], list[str]]
) -> str:
    """Return what the tables propose for a gap: finish what is planned, use a venue, else build or come by."""
    code = cells.text_of(gap.get("unit_id", gap["communities"]), edition.lang)
    if code and (gap["service"], code) in planned:
        return edition.say("measure_planned", names=edition.listed(planned[gap["service"], code]))
    if matched:
        return edition.say("measure_venue", name=cells.text_of(matched[0]["venue_name"], edition.lang))
    return edition.say("measure_new")


def pair_id(match: dict[str, Any]) -> str:
    """Return the id of a match: that of the need, "@", that of the resource."""
    return f"{match['gap_id']}{PAIR_MARK}{match['venue_id']}"


@dataclass(frozen=True)
class Venue:
    """A venue: what it holds, what it hosts, how much is free (None where nobody says), and the needs it fits."""

    id: str
    name: str
    place: places.Place
    capacity: float | None
    room: float | None
    services: list[str]
    closed: list[str]
    needs: list[str]


def venues(edition: Edition) -> list[Venue]:
    """Return all venues in the order of their layer; working services and others hosted are told apart."""
    return edition.once("venues", lambda: _venues(edition))


def _venues(edition: Edition) -> list[Venue]:
    table: gpd.GeoDataFrame | None = edition.results.context.get("venues")
    if table is None or table.empty:
        return []
    lang, results = edition.lang, edition.results
    points = results.service_points[results.service_points["venue"] != ""]
    working: dict[str, list[str]] = {}
    others: dict[str, list[str]] = {}
    for venue, kind, state in zip(points["venue"], points["type"], points["state"], strict=True):
        hosted = working if state == "working" else others
        hosted.setdefault(venue, []).append(wording.service(kind, results, lang))
    fits: dict[str, list[str]] = {}
    for gap_id, matched in matches_by_gap(edition).items():
        for match in matched:
            fits.setdefault(match["venue_id"], []).append(gap_id)
    free = room(table, results.service_points).clip(lower=0.0).tolist()
    return [
        Venue(
            code,
            cells.text_of(name, lang),
            place,
            cells.number_of(capacity),
            cells.number_of(left),
            working.get(code, []),
            others.get(code, []),
            fits.get(code, []),
        )
        for code, name, capacity, left, place in zip(
            table["id"].tolist(),
            table["name"].tolist(),
            table["capacity"].tolist(),
            free,
            places.of_venues(edition, table),
            strict=True,
        )
    ]
