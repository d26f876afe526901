"""Which services are there? The ledger of facilities: those that work, those that do not, those that move."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from geo import messages
from geo.layers import headers
from geo.reports import cells, layout, places, three_lists, wording
from geo.reports.layout import Column

if TYPE_CHECKING:
    from collections.abc import Iterator

    import geopandas as gpd

    from geo.reports.edition import Edition
    from geo.reports.layout import Book
    from geo.reports.lines import LineSheet

# Columns of the ledger that layers may bring under names of their own, in the offices' words.
_BROUGHT: dict[str, tuple[str, ...]] = {
    "address": ("地址", "详细地址", "address"),
    "floor_area": ("面积", "建筑面积", "场所面积", "floor_area"),
    "lead": ("牵头单位", "责任单位", "主管单位", "建设单位"),
    "source": ("数据来源", "来源", "source"),
    "updated": ("更新日期", "更新时间", "updated"),
    "remark": ("备注", "说明", "note", "remark"),
}
_HOSTED = 10  # the column of services in the list of venues
_UNIT_COLUMNS = ("unit_id", "unit_community", "unit_park")


def write_facilities(book: Book) -> None:
    """Write all service points, the counted ones first; persons and telephones have no column here."""
    columns = _columns(book)
    head = layout.FIRST_ROW
    points = _ordered(book.results.service_points)
    sheet = layout.open_sheet(book, "facilities", columns, notes=_counts(book, points), paper=layout.A3)
    end = layout.table(book, sheet, head, columns, _lines(book, points))
    _mark(book, sheet, points, columns=columns, first=head + 1)
    layout.head_of_table(sheet, head, last_row=end - 1, columns=len(columns), frozen_columns=3)
    layout.close_sheet(sheet, rows=end, columns=len(columns))


def write_venues(book: Book) -> None:
    """Write the venues with the services that each hosts: an inventory counts venues, coverage counts services."""
    columns = venue_columns(book)
    found = three_lists.venues(book)
    services = sum(len(venue.services) for venue in found)
    notes = book.say("note_venues", venues=len(found), services=services)
    sheet = layout.open_sheet(book, "venues", columns, notes=notes)
    head = layout.FIRST_ROW
    end = layout.table(book, sheet, head, columns, venue_lines(book, found))
    for position in range(len(columns)):
        if position == _HOSTED and found:
            layout.write_sum(book, sheet, end, position, first=head + 1, value=float(services))
        else:
            sheet.write_string(end, position, "" if position else book.say("total"), book.formats["total"])
    layout.head_of_table(sheet, head, last_row=end - 1, columns=len(columns), frozen_columns=3)
    layout.close_sheet(sheet, rows=end + 1, columns=len(columns))


def venue_columns(edition: Edition) -> list[Column]:
    """Return the columns of the venues."""
    return [
        Column(edition.say("number"), 6, "whole"),
        Column(edition.say("venue"), 9),
        Column(edition.say("venue_name"), 22),
        Column(edition.say("district"), 16),
        Column(edition.say("town"), 12),
        Column(edition.say("unit_of_point"), 14),
        Column(edition.say("lon"), 11, "degrees"),
        Column(edition.say("lat"), 10, "degrees"),
        Column(edition.say("capacity_of_venue"), 9, "people"),
        Column(edition.say("room"), 9, "people"),
        Column(edition.say("services_number"), 8, "whole"),
        Column(edition.say("services_hosted"), 30),
        Column(edition.say("services_not_working"), 20),
    ]


def venue_lines(edition: Edition, found: list[three_lists.Venue]) -> Iterator[list[object]]:
    """Give one line a venue."""
    for number, venue in enumerate(found, start=1):
        yield [
            number,
            venue.id,
            venue.name,
            places.district_names(edition, venue.place.districts),
            venue.place.town,
            venue.place.unit,
            venue.place.lon,
            venue.place.lat,
            venue.capacity,
            venue.room,
            len(venue.services),
            edition.listed(venue.services),
            edition.listed(venue.closed),
        ]


def _columns(book: Book) -> list[Column]:
    return [
        Column(book.say("number"), 6, "whole"),
        Column(book.say("facility_id"), 11),
        Column(book.say("facility_name"), 18),
        Column(book.say("service"), 12),
        Column(book.say("type_original"), 11),
        Column(book.say("county"), 10),
        Column(book.say("district"), 11),
        Column(book.say("town"), 9),
        Column(book.say("unit_of_point"), 13),
        Column(book.say("address"), 12),
        Column(book.say("lon"), 11, "degrees"),
        Column(book.say("lat"), 10, "degrees"),
        Column(book.say("crs"), 8),
        Column(book.say("venue"), 9),
        Column(book.say("served_groups"), 10),
        Column(book.say("floor_area"), 7),
        Column(book.say("capacity"), 7, "people"),
        Column(book.say("hours"), 10),
        Column(book.say("fixed_or_mobile"), 7),
        Column(book.say("lead"), 10),
        Column(book.say("state"), 11),
        Column(book.say("source"), 9),
        Column(book.say("updated"), 9),
        Column(book.say("note"), 12),
    ]


def _ordered(points: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
    """Return the points that are counted first, then working mobile ones, planned, closed, doubtful; within by type."""
    rank = points["state"].map({state: number for number, state in enumerate(wording.STATES)})
    rank = rank.fillna(len(wording.STATES)).astype(float)
    order = rank.where(points["counted"].astype(bool) | (rank > 0), 0.5)
    return points.assign(_order=order).sort_values(["_order", "type", "id"], kind="stable").drop(columns="_order")


def _counts(book: Book, points: gpd.GeoDataFrame) -> str:
    """Return counted and listed numbers side by side."""
    fixed = ~points["mobile"].fillna(value=False).astype(bool)
    numbers = {state: int(((points["state"] == state) & fixed).sum()) for state in wording.STATES[1:]}
    return book.say("note_points", counted=int(points["counted"].sum()), mobile=int((~fixed).sum()), **numbers)


def _lines(book: Book, points: gpd.GeoDataFrame) -> Iterator[list[object]]:
    results, lang = book.results, book.lang
    lon, lat = places.lon_lat(points)
    units = places.of_units(book)
    brought = {name: _brought(points, known) for name, known in _BROUGHT.items()}
    reasons = _reasons(book)
    rows = points.drop(columns=points.geometry.name).to_dict("records")
    for at, row in enumerate(rows):
        unit = _unit_of(row, units)
        kind = results.services.get(row["type"]) or results.study.services.get(row["type"])
        districts = cells.text_of(row.get("district"), lang) or unit.get("districts", "")
        yield [
            at + 1,
            row["id"],
            row["name"],
            wording.service(row["type"], results, lang),
            row.get("type_original"),
            results.study.head.name,
            places.district_names(book, districts),
            cells.text_of(row.get("town"), lang) or unit.get("town"),
            unit.get("name"),
            brought["address"][at],
            lon[at],
            lat[at],
            "WGS84" if math.isfinite(lon[at]) else None,
            row["venue"],
            messages.text("word.comma", lang).join(
                wording.group(group, lang) for group in (kind.demand if kind else ())
            ),
            brought["floor_area"][at],
            row["capacity"],
            row.get("hours"),
            book.say("mobile_point" if _is_mobile(row) else "fixed_point"),
            brought["lead"][at],
            _state(book, row),
            brought["source"][at],
            brought["updated"][at],
            _remark(book, row, brought["remark"][at], reasons),
        ]


def _unit_of(row: dict[str, Any], units: dict[str, dict[str, str]]) -> dict[str, str]:
    return next((units[row[name]] for name in _UNIT_COLUMNS if row.get(name) in units), {})


def _brought(points: gpd.GeoDataFrame, known: tuple[str, ...]) -> list[object]:
    """Return the column that a layer brought under one of some headers, empty where there is none."""
    by_header = {headers.plain(column): column for column in reversed(points.columns)}
    column = next((by_header[name] for name in map(headers.plain, known) if name in by_header), None)
    if column is None or headers.is_personal(str(column)):
        return [None] * len(points)
    values = points[column].tolist()
    return [None] * len(points) if headers.hold_phones(map(str, values), strictly=True) else values


def _is_mobile(row: dict[str, Any]) -> bool:
    return row["mobile"] is True or row["mobile"] == 1


def _state(book: Book, row: dict[str, Any]) -> str:
    """Return the state, and for one that cannot be told what the layer says."""
    state = wording.coded(cells.text_of(row["state"], book.lang), book.lang, of="state")
    given = cells.text_of(row["status"], book.lang)
    return book.say("state_given", state=state, given=given) if given and row["state"] != "working" else state


def _reasons(book: Book) -> dict[str, list[str]]:
    """Return id of a service point → what the reader said of its row, each once."""
    repairs, lang = book.results.repairs, book.lang
    mine = repairs[repairs["layer"] == "service_points"]
    found: dict[str, list[str]] = {}
    for code, message in zip(mine["id"].tolist(), mine["message"].tolist(), strict=True):
        said, key = cells.text_of(message, lang), cells.text_of(code, lang)
        if key and said and said not in found.setdefault(key, []):
            found[key].append(said)
    return found


def _remark(book: Book, row: dict[str, Any], given: object, reasons: dict[str, list[str]]) -> str:
    """Return the layer's own remark, that a point does not count, and why it is doubtful."""
    why = reasons.get(cells.text_of(row["id"], book.lang), []) if row["state"] == "doubtful" else []
    remarks = [cells.text_of(given, book.lang), "" if row["counted"] else book.say("remark_not_counted"), *why]
    return book.say("semicolon").join(remark for remark in remarks if remark)


def _mark(
    book: Book,
    sheet: LineSheet,
    points: gpd.GeoDataFrame,
    *,
    columns: list[Column],
    first: int,
) -> None:
    """Colour the state of points that do not count and the word of those that move."""
    state_at = next(at for at, column in enumerate(columns) if column.header == book.say("state"))
    mobile_at = next(at for at, column in enumerate(columns) if column.header == book.say("fixed_or_mobile"))
    for row, found in enumerate(points[["state", "status", "mobile"]].to_dict("records"), start=first):
        if found["state"] in wording.STATES[1:]:
            layout.write(book, sheet, row, state_at, _state(book, found), style=found["state"])
        if _is_mobile(found):
            layout.write(book, sheet, row, mobile_at, book.say("mobile_point"), style="mobile")
