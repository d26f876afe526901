"""What does a report speak of: the whole study, or one district with the units, facilities and gaps that are its own."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from geo.reports import (
    cells,
    headline,
    places,
    sheet_centres,
    sheet_gaps,
    sheet_lists,
    three_lists,
    three_ways,
    wording,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

    import geopandas as gpd

    from geo.reports.edition import Edition
    from geo.reports.headline import Unit

STUDY: Unit = ("study", "")


@dataclass(frozen=True)
class Findings:
    """What all reports of a study draw on, worked out once."""

    edition: Edition

    @cached_property
    def names(self) -> dict[Unit, str]:
        """Unit → name."""
        return self.edition.unit_names

    @cached_property
    def people(self) -> headline.People:
        """Unit → group → people."""
        return headline.people(self.edition.results)

    @cached_property
    def headlines(self) -> dict[str, Mapping[Unit, headline.Covered]]:
        """Service → unit → the row that decides."""
        return headline.headlines(self.edition)

    @cached_property
    def compared(self) -> dict[Unit, list[three_ways.Compared]]:
        """Study or district → its services and groups by all three ways."""
        found: dict[Unit, list[three_ways.Compared]] = {}
        for row in three_ways.compare(self.edition, kinds=("study", "district")):
            found.setdefault(row.unit, []).append(row)
        return found

    @cached_property
    def lacks(self) -> list[tuple[sheet_gaps.Lack, list[object]]]:
        """The gap list: what is lacking, and its cells."""
        return sheet_gaps.listed(self.edition)

    @cached_property
    def needs(self) -> list[three_lists.Need]:
        """All gaps as needs."""
        return three_lists.needs(self.edition)

    @cached_property
    def venues(self) -> list[three_lists.Venue]:
        """All venues."""
        return three_lists.venues(self.edition)

    @cached_property
    def offers(self) -> list[list[object]]:
        """All lines of the services that fit."""
        return list(sheet_lists.offer_lines(self.edition))

    @cached_property
    def centres(self) -> list[list[object]]:
        """All lines of the centres."""
        return list(sheet_centres.centre_lines(self.edition))

    @cached_property
    def point_districts(self) -> list[str]:
        """The districts of every facility, joined by ";": those that its layer names, else those of its unit."""
        points, units = self.edition.results.service_points, self.places
        own = points["district"].tolist() if "district" in points.columns else [""] * len(points)
        columns = [f"unit_{kind}" for kind in places.KINDS if f"unit_{kind}" in points.columns]
        within = list(zip(*(points[name].tolist() for name in columns), strict=True)) or [()] * len(points)
        return [
            cells.text_of(said, self.edition.lang)
            or next((units[code]["districts"] for code in codes if code in units), "")
            for said, codes in zip(own, within, strict=True)
        ]

    @cached_property
    def places(self) -> dict[str, dict[str, str]]:
        """Community or park → name, town, districts."""
        return places.of_units(self.edition)


@dataclass(frozen=True)
class Scope:
    """A part of the study, with the results that belong to it; `unit` is the study or a district."""

    findings: Findings
    unit: Unit
    name: str

    @property
    def edition(self) -> Edition:
        """What is reported, and in which language."""
        return self.findings.edition

    @property
    def is_study(self) -> bool:
        """Whether it is the whole study."""
        return self.unit == STUDY

    def holds(self, joined: object) -> bool:
        """Say whether a list of district ids, joined by ";", names this one; the study holds everything."""
        return self.is_study or self.unit[1] in cells.text_of(joined, self.edition.lang).split(cells.LIST_MARK)

    @cached_property
    def members(self) -> list[Unit]:
        """Units to report on: the districts of the study (its communities where there are none), or a district's own."""
        units = self.edition.results.units
        rows = list(zip(*(units[name].tolist() for name in ("unit_kind", "unit_id", "districts")), strict=True))
        if not self.is_study:
            return [(kind, code) for kind, code, part in rows if kind in places.KINDS and self.holds(part)]
        districts = [(kind, code) for kind, code, _ in rows if kind == "district"]
        return districts or [(kind, code) for kind, code, _ in rows if kind == "community"]

    @cached_property
    def points(self) -> gpd.GeoDataFrame:
        """The facilities that stand in it."""
        points = self.edition.results.service_points
        if self.is_study:
            return points
        return points[np.array([self.holds(part) for part in self.findings.point_districts], dtype=bool)]

    @cached_property
    def lacks(self) -> list[tuple[sheet_gaps.Lack, list[object]]]:
        """The lines of the gap list that lie in it, those with most people first."""
        mine = [pair for pair in self.findings.lacks if any(self.holds(gap["districts"]) for gap in pair[0].gaps)]
        return sorted(mine, key=lambda pair: (-pair[0].people, pair[0].service, pair[0].unit, pair[0].group))

    @cached_property
    def needs(self) -> list[three_lists.Need]:
        """Its gaps as needs, those with most people first."""
        mine = [need for need in self.findings.needs if self.holds(need.gap["districts"])]
        return sorted(mine, key=lambda need: (-need.gap["people"], need.gap["gap_id"]))

    @cached_property
    def venues(self) -> list[three_lists.Venue]:
        """Its venues."""
        return [venue for venue in self.findings.venues if self.holds(venue.place.districts)]

    def counts(self) -> list[list[object]]:
        """Return for every service its name and how many count, are planned, closed, doubtful, mobile."""
        points, results = self.points, self.edition.results
        mobile = points["mobile"].to_numpy(dtype=bool)
        state = points["state"].to_numpy(dtype=object)
        counted = points["counted"].to_numpy(dtype=bool)
        lines: list[list[object]] = []
        for code, kind in results.services.items():
            mine = (points["type"] == code).to_numpy()
            working = mine & ~mobile & (state == "working") if kind.test == "inventory" else mine & counted
            others = [int((mine & ~mobile & (state == name)).sum()) for name in wording.STATES[1:]]
            lines.append([kind.name(self.edition.lang), int(working.sum()), *others, int((mine & mobile).sum())])
        return lines


def whole(findings: Findings) -> Scope:
    """Return the whole study."""
    edition = findings.edition
    return Scope(findings, STUDY, cells.text_of(edition.results.study.head.name, edition.lang))


def districts(findings: Findings) -> list[Scope]:
    """Return the districts of a study, in their order."""
    edition = findings.edition
    units: Any = edition.results.units
    mine = units[units["unit_kind"] == "district"]
    return [
        Scope(findings, ("district", code), cells.text_of(name, edition.lang))
        for code, name in zip(mine["unit_id"].tolist(), mine["unit_name"].tolist(), strict=True)
    ]
