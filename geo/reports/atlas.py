"""Which maps does a report hold: the county, its services, one district, one park; drawn from the same results."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
import shapely

from geo import messages
from geo.reports import cells, headline, static_maps, wording
from geo.reports.static_maps import Sheet, Streets, Words

if TYPE_CHECKING:
    import geopandas as gpd
    from numpy.typing import NDArray

    from geo.catalogue import ServiceType
    from geo.reports.edition import Edition
    from geo.reports.static_maps import Box, Frame

WIDTH_IN, PARK_WIDTH_IN = 6.14, 6.6  # the text of an A4 page, of a page of a park
DPI, PARK_DPI = 150, 300
PANELS = 4  # maps of services on one page
PARK_AROUND_M = 900.0
_SIGN_SHARE = 0.011  # of a map's width, about that of a sign
_WIDEST, _NARROWEST = 2.2, 1.4  # of a map's place, across to up
_MARKERS = ("o", "s", "^", "D", "v", "P", "*", "X", "p", "h", "<", ">")
_GATE, _FACTORY = static_maps.point_sign("s", "#ffd92f", "black"), static_maps.point_sign(".", "#7f7f7f")
_PARK = static_maps.area_sign("#fdd0a2", static_maps.FOCUS, width=1.6)
_GAP = static_maps.area_sign(None, static_maps.GAP, hatch="////")
_UNKNOWN = static_maps.area_sign("#d9d9d9", "#8c8c8c", width=0.5, hatch="...")
_FACILITY = static_maps.point_sign("o", static_maps.POINT)
_OUTLINES = {
    "community": static_maps.line_sign(static_maps.UNIT, 0.5, style="dotted"),
    "park": static_maps.line_sign(static_maps.UNIT, 0.9),
    "district": static_maps.line_sign(static_maps.UNIT, 1.1, style="dashdot"),
}
_COLOURS = ("#1b6ca8", "#8c2d04", "#41792e", "#6a51a3", "#b8860b", "#0b7a75", "#a50f64", "#4d4d4d")


@dataclass(frozen=True)
class Atlas:
    """The maps of one edition; what all of them need is prepared once."""

    edition: Edition

    @cached_property
    def streets(self) -> Streets:
        """The streets of the study."""
        table = self.edition.results.streets
        return Streets.of(table.geometry.to_numpy(), table["highway"].astype(str).tolist())

    @cached_property
    def units(self) -> dict[str, gpd.GeoDataFrame]:
        """Kind → its units."""
        units = self.edition.results.units
        return {kind: units[units["unit_kind"] == kind] for kind in ("community", "park", "factory", "district")}

    @cached_property
    def signs(self) -> dict[str, tuple[str, str]]:
        """Service → marker and colour."""
        return {
            code: (_MARKERS[number % len(_MARKERS)], _COLOURS[number % len(_COLOURS)])
            for number, code in enumerate(self.edition.results.services)
        }

    @cached_property
    def whole(self) -> Box:
        """The part of the plane that holds all units, else all services and people."""
        results = self.edition.results
        for table in (results.units, results.service_points, results.demand):
            bounds = np.asarray(table.total_bounds, dtype=np.float64)
            if np.isfinite(bounds).all():
                return static_maps.padded((bounds[0], bounds[1], bounds[2], bounds[3]))
        return (0.0, 0.0, 1000.0, 1000.0)

    def county(self) -> bytes:
        """Return the map of the county: its units and all services that are counted or planned."""
        edition = self.edition
        sheet = self._sheet(edition.say("map_county", study=self._study), height_in=4.9, dpi=DPI)
        frame = sheet.frame(self.whole)
        self._ground(sheet, frame, self.whole, names=("district",))
        self._points(sheet, frame, list(edition.results.services))
        return sheet.png()

    def services(self) -> list[bytes]:
        """Return sheets of small maps, one a service: rings dark to light, gaps hatched, its facilities."""
        kinds = [kind for kind in self.edition.results.services.values() if kind.rings]
        return [self._panels(kinds[begin : begin + PANELS]) for begin in range(0, len(kinds), PANELS)]

    def district(self, unit_id: str) -> bytes | None:
        """Return the map of one district: its gaps and facilities; None where it has no outline."""
        mine = self.units["district"][self.units["district"]["unit_id"] == unit_id]
        shape = mine.geometry.iloc[0] if len(mine) else None
        if shape is None or shape.is_empty:
            return None
        edition = self.edition
        box = static_maps.padded(shape.bounds)
        name = cells.text_of(mine["unit_name"].iloc[0], edition.lang)
        sheet = self._sheet(edition.say("map_district", district=name), height_in=5.2, dpi=DPI)
        frame = sheet.frame(box)
        self._ground(sheet, frame, box, names=("community", "park"))
        focus = static_maps.line_sign(static_maps.FOCUS, 2.0)
        static_maps.draw_areas(frame, [shape], focus, order=4)
        sheet.legend.add(edition.say("sign_district"), focus)
        gaps = edition.results.gaps
        near = gaps[gaps["districts"].str.split(cells.LIST_MARK).map(lambda listed: unit_id in listed).astype(bool)]
        self._gaps(sheet, frame, near)
        self._points(sheet, frame, list(edition.results.services), box=box)
        return sheet.png()

    def park(self, unit_id: str, gap_ids: set[str], *, height_in: float = 4.2) -> bytes | None:
        """Return the map of one park and its surroundings; None where it has no place."""
        mine = self.units["park"][self.units["park"]["unit_id"] == unit_id]
        shape = mine.geometry.iloc[0] if len(mine) else None
        if shape is None or shape.is_empty:
            return None
        edition, results = self.edition, self.edition.results
        west, south, east, north = shape.bounds
        around = PARK_AROUND_M
        box = static_maps.padded((west - around, south - around, east + around, north + around))
        name = cells.text_of(mine["unit_name"].iloc[0], edition.lang)
        sheet = self._sheet(
            edition.say("map_park", park=name), height_in=height_in, dpi=PARK_DPI, width_in=PARK_WIDTH_IN
        )
        frame = sheet.frame(box)
        self._ground(sheet, frame, box, names=())
        gates = results.context.get("gates")
        if gates is not None and len(gates):
            own = gates[gates["unit_id"] == unit_id]
            static_maps.draw_points(frame, own.geometry.to_numpy(), _GATE)
            if len(own):
                sheet.legend.add(edition.say("sign_gate"), _GATE)
        factories = self.units["factory"].geometry.to_numpy()
        static_maps.draw_points(frame, factories, _FACTORY, order=5)
        if len(factories):
            sheet.legend.add(edition.say("sign_factory"), _FACTORY)
        static_maps.draw_areas(frame, [shape], _PARK, alpha=0.6, order=3)
        sheet.legend.add(edition.say("sign_park_shown"), _PARK)
        self._gaps(sheet, frame, results.gaps[results.gaps["gap_id"].isin(gap_ids)])
        self._points(sheet, frame, list(results.services), box=box, size=5.0)
        static_maps.draw_name(frame, shape, name, size=8, bold=True)
        return sheet.png()

    @property
    def _study(self) -> str:
        return cells.text_of(self.edition.results.study.head.name, self.edition.lang)

    def _sheet(
        self, title: str, *, height_in: float, dpi: int, rows: int = 1, columns: int = 1, width_in: float = WIDTH_IN
    ) -> Sheet:
        edition, head = self.edition, self.edition.results.study.head
        crs = edition.results.units.crs
        foot = edition.say(
            "map_foot",
            period=head.period,
            day=edition.results.study.last_day.isoformat(),
            crs=f"{crs.to_string()} {crs.name}",
            source=cells.text_of(head.source, edition.lang) or edition.say("map_source"),
        )
        review = edition.say("map_review", number=head.review_no) if head.review_no else edition.say("map_internal")
        mark = edition.say("synthetic_mark") if head.synthetic else ""
        words = Words(
            title=f"{title}{'' if edition.lang == 'zh' else ' '}{mark}",
            foot=f"{foot}\n{review}",
            north=edition.say("north"),
            metre=edition.say("metre"),
            kilometre=edition.say("kilometre"),
        )
        return Sheet(words, width_in=width_in, height_in=height_in, dpi=dpi, rows=rows, columns=columns)

    def _ground(self, sheet: Sheet, frame: Frame, box: Box, *, names: tuple[str, ...], legend: bool = True) -> None:
        """Draw water, streets and the outlines of units, and name some kinds of them."""
        edition, context = self.edition, self.edition.results.context
        window = shapely.box(*box).buffer(max(box[2] - box[0], box[3] - box[1]) / 2.0)
        water = context.get("water")
        if water is not None and len(water):
            near = [shape for shape in water.geometry if shape is not None and shape.intersects(window)]
            static_maps.draw_areas(frame, near, static_maps.area_sign(static_maps.WATER), order=1)
        static_maps.draw_streets(frame, self.streets)
        for kind, sign in _OUTLINES.items():
            table = self.units[kind]
            static_maps.draw_areas(frame, table.geometry, sign, order=3)
            if len(table) and legend:
                sheet.legend.add(wording.unit_kind(kind, edition.lang), sign)
            if kind in names:
                self._names(frame, table, shapely.box(*box), size=7.5 if kind == "district" else 6.5)
        if legend:
            sheet.legend.add(edition.say("sign_street"), static_maps.line_sign(static_maps.STREET, 1.2))

    def _names(self, frame: Frame, table: gpd.GeoDataFrame, window: shapely.Geometry, *, size: float) -> None:
        for shape, name in zip(table.geometry, table["unit_name"].tolist(), strict=True):
            inside = shape.intersection(window) if shape is not None else None
            static_maps.draw_name(frame, inside, cells.text_of(name, self.edition.lang), size=size)

    def _points(
        self, sheet: Sheet, frame: Frame, services: list[str], *, box: Box | None = None, size: float = 4.0
    ) -> None:
        """Draw the facilities that count, by service, and hollow those that are planned."""
        edition, points = self.edition, self.edition.results.service_points
        shapes = _apart(points.geometry.to_numpy(), by_m=(box or self.whole)[2] - (box or self.whole)[0])
        seen = np.ones(len(points), dtype=bool) if box is None else _inside(shapes, box)
        state = points["state"].to_numpy(dtype=object)
        counted = points["counted"].to_numpy(dtype=bool) | (
            (state == "working") & ~points["mobile"].to_numpy(dtype=bool)
        )
        for code in services:
            marker, colour = self.signs[code]
            mine = seen & (points["type"] == code).to_numpy()
            here = shapes[mine & counted]
            if len(here):
                sign = static_maps.point_sign(marker, colour)
                static_maps.draw_points(frame, here, sign, size=size)
                sheet.legend.add(wording.service(code, edition.results, edition.lang), sign)
            planned = shapes[mine & (state == "planned")]
            if len(planned):
                static_maps.draw_points(frame, planned, static_maps.point_sign(marker, "white", colour), size=size)
                sheet.legend.add(edition.say("sign_planned"), static_maps.point_sign("o", "white", static_maps.POINT))

    def _gaps(self, sheet: Sheet, frame: Frame, gaps: gpd.GeoDataFrame) -> None:
        """Draw gaps hatched, so that they stand out in print and to colour-blind eyes."""
        whole = [shapely.union_all(gaps.geometry.to_numpy())] if len(gaps) else []
        static_maps.draw_areas(frame, whole, _GAP, order=4, alpha=0.75)
        if len(gaps):
            sheet.legend.add(self.edition.say("sign_gap"), _GAP)

    def _panels(self, kinds: list[ServiceType]) -> bytes:
        edition = self.edition
        rows = -(-len(kinds) // 2)
        title = edition.say("map_services", study=self._study)
        sheet = self._sheet(title, height_in=1.15 + 2.2 * rows, dpi=DPI, rows=rows, columns=2)
        for number, kind in enumerate(kinds):
            name = f"{kind.name(edition.lang)}　{wording.ring(kind.rings[0], edition.lang)}"
            frame = sheet.frame(self.whole, name=name)
            self._ground(sheet, frame, self.whole, names=(), legend=number == 0)
            self._rings(sheet, frame, kind)
            self._not_assessed(sheet, frame, kind)
            gaps = edition.results.gaps
            self._gaps(sheet, frame, gaps[gaps["service"] == kind.code])
            points = edition.results.service_points
            here = points.geometry.to_numpy()[((points["type"] == kind.code) & points["counted"]).to_numpy()]
            static_maps.draw_points(frame, here, _FACILITY, size=2.8)
            sheet.legend.add(edition.say("sign_facility"), _FACILITY)
        return sheet.png()

    def _not_assessed(self, sheet: Sheet, frame: Frame, kind: ServiceType) -> None:
        """Draw the communities of which nothing is known grey and dotted: neither served nor a gap."""
        found = headline.of_ring(self.edition, kind.code, kind.rings[0], headline.headline_group(kind))
        table = self.units["community"]
        ids = [code for (of, code), row in found.items() if of == "community" and row.status == "not_assessed"]
        shapes = table.geometry[table["unit_id"].isin(ids)].to_numpy()
        static_maps.draw_areas(frame, shapes, _UNKNOWN, order=3.5, alpha=0.75)
        if len(shapes):
            sheet.legend.add(messages.text("word.not_assessed", self.edition.lang), _UNKNOWN)

    def _rings(self, sheet: Sheet, frame: Frame, kind: ServiceType) -> None:
        """Draw the bands of a service, the widest first, dark to light of one hue."""
        drawing = self.edition.results.drawing
        mine = drawing[(drawing["service"] == kind.code) & (drawing["mode"] == kind.mode)]
        mine = mine[mine["combine"] == "dissolve"].sort_values("limit_minutes", ascending=False)
        bands = sorted(mine["limit_minutes"].tolist())
        last = len(static_maps.RINGS) - 1
        signs = {
            limit: static_maps.area_sign(static_maps.RINGS[min(at + max(0, last + 1 - len(bands)), last)])
            for at, limit in enumerate(bands)
        }
        for limit, shape in zip(mine["limit_minutes"].tolist(), mine.geometry, strict=True):
            static_maps.draw_areas(frame, [shape], signs[limit], alpha=0.55, order=1.5)
        for limit in bands:
            sheet.legend.add(self.edition.say("sign_ring", n=cells.rounded(limit)), signs[limit])


def _apart(shapes: NDArray[np.object_], *, by_m: float) -> NDArray[np.object_]:
    """Return points with those that would hide each other set in a small circle: a venue may have ten services."""
    placed = np.flatnonzero(~(shapely.is_missing(shapes) | shapely.is_empty(shapes)))
    xy = shapely.get_coordinates(shapely.centroid(shapes[placed]))
    cell = by_m * _SIGN_SHARE
    same = pd.DataFrame(np.floor(xy / cell)).groupby([0, 1], sort=False)
    number, count = same.cumcount().to_numpy(), same[0].transform("size").to_numpy()
    angle = 2.0 * np.pi * number / count
    radius = np.where(count > 1, cell * np.minimum(0.35 + 0.12 * count, 1.2), 0.0)
    found = np.full(len(shapes), None, dtype=object)
    found[placed] = shapely.points(xy + np.column_stack([np.cos(angle), np.sin(angle)]) * radius[:, None])
    return found


def _inside(shapes: NDArray[np.object_], box: Box) -> NDArray[np.bool_]:
    xy = np.column_stack([shapely.get_x(shapely.centroid(shapes)), shapely.get_y(shapely.centroid(shapes))])
    width, height = box[2] - box[0], box[3] - box[1]  # the map widens its part of the plane to the shape of its place
    aside, above = max(0.0, height * _WIDEST - width) / 2.0, max(0.0, width / _NARROWEST - height) / 2.0
    west, south, east, north = box[0] - aside, box[1] - above, box[2] + aside, box[3] + above
    with np.errstate(invalid="ignore"):
        found = (xy[:, 0] >= west) & (xy[:, 0] <= east) & (xy[:, 1] >= south) & (xy[:, 1] <= north)
    return np.asarray(found, dtype=bool)
