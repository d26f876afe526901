"""One park, one page (一园一图): its map, its services by minutes, its gaps."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from geo import units as units_room
from geo.gaps import counted_groups, weighted_median
from geo.reports import cells, headline, places, wording
from geo.reports.layout import Column

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from geo.catalogue import ServiceType
    from geo.reports.atlas import Atlas
    from geo.reports.document import Report
    from geo.reports.edition import Edition
    from geo.reports.headline import Covered, Unit

    ByGroup = Mapping[tuple[str, str], Mapping[Unit, Covered]]

# What a page holds: of a park with many services the map is lower, and fewer gaps are listed.
MANY_LINES, MOST_GAPS, FEW_GAPS = 14, 6, 4
HIGH_IN, LOW_IN = 4.2, 3.7
WIDTH_IN = 6.6


def write_parks(report: Report, edition: Edition, atlas: Atlas) -> None:
    """Write a page for every park."""
    results, lang = edition.results, edition.lang
    table = results.units[results.units["unit_kind"] == "park"]
    by_group = {
        (kind.code, group): headline.of_ring(edition, kind.code, kind.rings[0], group)
        for kind in results.services.values()
        for group in (kind.demand if kind.rings else ())
    }
    for number, (code, name) in enumerate(zip(table["unit_id"].tolist(), table["unit_name"].tolist(), strict=True)):
        shown = cells.text_of(name, lang)
        report.heading(edition.tell("park_heading", name=shown), new_page=number > 0)
        found = _gaps(edition, code)
        columns, lines = park_services(edition, code, by_group)
        many = len(lines) > MANY_LINES
        most = FEW_GAPS if many else MOST_GAPS
        png = atlas.park(code, {str(row[0]) for row in found}, height_in=LOW_IN if many else HIGH_IN)
        if png is not None:
            report.picture(png, edition.say("map_park", park=shown), width_in=WIDTH_IN)
        report.table(edition.tell("table_park_services", name=shown), columns, lines)
        gap_columns = [
            Column(edition.say("gap_id"), 36),
            Column(edition.say("service"), 24),
            Column(edition.tell("people_of_park"), 18, "people"),
            Column(edition.say("minutes"), 16, "minutes"),
        ]
        report.table(
            edition.tell("table_park_gaps", name=shown), gap_columns, found[:most], empty=edition.tell("no_gaps")
        )
        if len(found) > most:
            report.note(edition.tell("more_lines", n=len(found) - most))


def park_services(edition: Edition, code: str, by_group: ByGroup) -> tuple[list[Column], list[list[object]]]:
    """Return the services of one park by minutes: of every service and group with people there."""
    results, lang = edition.results, edition.lang
    columns = [
        Column(edition.say("service"), 26),
        Column(edition.say("way"), 24),
        Column(edition.say("served_groups"), 14),
        Column(edition.say("people"), 13, "people"),
        Column(edition.say("served"), 14, "people"),
        Column(edition.say("share_of_unit"), 13, "share"),
        Column(edition.tell("median_minutes"), 15, "minutes"),
        Column(edition.tell("nearest"), 34),
    ]
    lines: list[list[object]] = []
    for kind in results.services.values():
        for group in kind.demand if kind.rings else ():
            covered = by_group[kind.code, group].get(("park", code))
            if covered is None or not covered.people:
                continue
            minutes, nearest = _nearest(edition, kind, group, code)
            share = covered.share if covered.share is not None else wording.status(covered.status, lang)
            lines.append(
                [
                    kind.name(lang),
                    wording.ring(kind.rings[0], lang),
                    wording.group(group, lang),
                    covered.people,
                    covered.served,
                    share,
                    wording.beyond(minutes, kind, lang),
                    nearest,
                ]
            )
    return columns, lines


def _nearest(edition: Edition, kind: ServiceType, group: str, code: str) -> tuple[float, str]:
    """Return the median minutes of a park's people of one group, and the facility that most are nearest to."""
    demand, points = edition.results.demand, edition.results.service_points
    at = np.flatnonzero(_in_park(edition, code) & (edition.groups == group))
    people = demand["people"].to_numpy(dtype=np.float64)[at]
    if not people.sum():
        return np.inf, ""
    minutes = weighted_median(demand[f"minutes_{kind.code}"].to_numpy(dtype=np.float64)[at], people)
    nearest = demand[f"nearest_{kind.code}"].iloc[at].fillna("").to_numpy(dtype=object)
    names = edition.once("facilities", lambda: dict(zip(points["id"].tolist(), points["name"].tolist(), strict=True)))
    return minutes, cells.text_of(names.get(places.nearest_to_most(nearest, people)), edition.lang)


def _in_park(edition: Edition, code: str) -> NDArray[np.bool_]:
    """Say which rows of the demand stand in a park."""
    return edition.once(f"in park {code}", lambda: (edition.results.demand["park"] == code).to_numpy(dtype=bool))


def _gaps(edition: Edition, code: str) -> list[list[object]]:
    """Return the gaps that hold people of a park: id, service, how many of the park, their median minutes."""
    results, lang = edition.results, edition.lang
    demand = results.demand
    here = _in_park(edition, code) & (demand["people"] > 0).to_numpy()
    if not here.any():
        return []
    everyone = demand["people"].to_numpy(dtype=np.float64)
    lines: list[list[object]] = []
    services = dict(zip(results.gaps["gap_id"].tolist(), results.gaps["service"].tolist(), strict=True))
    for gap_id, rows in edition.rows_of_gaps.items():
        service = services[gap_id]
        kind = results.services.get(service)
        at = rows[here[rows]]
        if kind is None or not len(at):
            continue
        minutes = demand[f"minutes_{service}"].to_numpy(dtype=np.float64)[at]
        lacking = np.isin(edition.groups[at], counted_groups(kind)) & ~units_room.within(minutes, kind.limit)
        people = everyone[at][lacking]
        if people.sum() > 0:
            median = wording.beyond(weighted_median(minutes[lacking], people), kind, lang)
            lines.append([gap_id, wording.service(service, results, lang), float(people.sum()), median])
    return sorted(lines, key=lambda line: (-float(str(line[2])), str(line[0])))
