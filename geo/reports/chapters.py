"""What do the seven chapters of a report say, of a study or of one district? The workbook's numbers, in words and tables."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from geo import schema
from geo.reports import (
    cells,
    centres,
    fonts,
    headline,
    places,
    sheet_centres,
    sheet_gaps,
    sheet_lists,
    three_ways,
    wording,
)
from geo.reports.layout import Column

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from geo.reports.atlas import Atlas
    from geo.reports.document import Report
    from geo.reports.edition import Edition
    from geo.reports.headline import Covered
    from geo.reports.scope import Scope

MOST_LINES = 25  # of a long list; all lines are in the workbook
MOST_SERVICES = 8  # beside each other in one table
WIDTH_IN = 6.14
_CHANGES = ("new", "lasting", "better", "returned", "closing")


def write_chapters(report: Report, scope: Scope, atlas: Atlas) -> None:
    """Write all seven chapters."""
    steps: tuple[Callable[[Report, Scope, Atlas], None], ...] = (
        basics,
        facilities,
        coverage,
        gaps,
        proposals,
        comparison,
        quality,
    )
    for number, step in enumerate(steps, start=1):
        report.heading(scope.edition.tell(f"chapter_{number}"), new_page=number == 1)
        step(report, scope, atlas)


def basics(report: Report, scope: Scope, atlas: Atlas) -> None:
    """1: what is studied, its units and people, its map."""
    edition, results = scope.edition, scope.edition.results
    people = scope.findings.people
    groups = [group for group in schema.GROUPS if group in people.get(scope.unit, {})]
    said = edition.listed(
        edition.tell("people_of", group=wording.group(group, edition.lang), n=f"{people[scope.unit][group]:,.0f}")
        for group in groups
    )
    day = results.study.last_day.isoformat()
    head = results.study.head
    text = edition.tell("basics", name=scope.name, period=head.period, day=day, units=_units(scope), people=said)
    report.text(text)
    if head.synthetic:
        report.text(edition.tell("synthetic"))
    if scope.is_study:  # before the table: under both there is no room for it on the page
        report.picture(atlas.county(), edition.say("map_county", study=scope.name), width_in=WIDTH_IN)
    names = scope.findings.names
    columns = [
        Column(edition.say("unit_kind"), 12),
        Column(edition.say("unit_name"), 30),
        *(Column(edition.say("people_of", group=wording.group(group, edition.lang)), 16, "people") for group in groups),
    ]
    lines = [
        [
            wording.unit_kind(unit[0], edition.lang),
            names.get(unit, unit[1]),
            *(people.get(unit, {}).get(group) for group in groups),
        ]
        for unit in scope.members
    ]
    total = [edition.say("total"), scope.name, *(people.get(scope.unit, {}).get(group) for group in groups)]
    report.table(edition.tell("table_people", name=scope.name), columns, lines, total=total)
    report.note(edition.tell("note_people_study" if scope.is_study else "note_people_district"))


def _units(scope: Scope) -> str:
    """Return how many units of each kind there are."""
    edition, results = scope.edition, scope.edition.results
    if scope.is_study:
        counted = {kind: int(n) for kind, n in results.summary.get("units", {}).items()}
    else:
        kinds = [unit[0] for unit in scope.members]
        counted = {kind: kinds.count(kind) for kind in places.KINDS} | {"venue": len(scope.venues)}
    order = ("district", "community", "park", "factory", "venue")
    return edition.listed(edition.tell(f"count_{kind}", n=counted[kind]) for kind in order if counted.get(kind))


def facilities(report: Report, scope: Scope, atlas: Atlas) -> None:
    """2: which services there are, counted apart by state; venues; what every unit and centre should have."""
    del atlas
    edition = scope.edition
    columns = [
        Column(edition.say("service"), 30),
        Column(edition.say("counted_points"), 16, "whole"),
        *(Column(edition.say(f"listed_{name}"), 16, "whole") for name in (*wording.STATES[1:], "mobile")),
    ]
    lines = scope.counts()
    total = [edition.say("total"), *(sum(int(str(line[at])) for line in lines) for at in range(1, len(columns)))]
    counted, mobile = total[1], total[-1]
    report.text(edition.tell("facilities", name=scope.name, counted=counted, planned=total[2], mobile=mobile))
    report.table(edition.tell("table_facilities", name=scope.name), columns, lines, total=total)
    report.note(edition.tell("note_facilities"))
    if scope.venues:
        hosted = sum(len(venue.services) for venue in scope.venues)
        report.text(edition.tell("venues", venues=len(scope.venues), services=hosted))
    _presence(report, scope)
    _centres(report, scope)


def _presence(report: Report, scope: Scope) -> None:
    edition, results = scope.edition, scope.edition.results
    for code, by_unit in scope.findings.headlines.items():
        kind = results.services[code]
        if kind.test != wording.PRESENCE:
            continue
        known = scope.findings.places
        mine = {
            unit: found for unit, found in by_unit.items() if scope.holds(known.get(unit[1], {}).get("districts", ""))
        }
        without = [known[unit[1]]["name"] for unit, found in mine.items() if not found.share and unit[1] in known]
        values = {
            "service": kind.name(edition.lang),
            "kind": wording.unit_kind(kind.unit_kind, edition.lang),
            "units": len(mine),
            "has": sum(bool(found.share) for found in mine.values()),
        }
        lacking = edition.tell("presence_without", names=edition.listed(without)) if without else ""
        report.text(edition.tell("presence", **values) + lacking)


def _centres(report: Report, scope: Scope) -> None:
    edition = scope.edition
    ids = set(scope.points["id"].tolist())
    kept = (1, 2, *range(5, 5 + len(centres.FUNCTIONS)))
    columns = sheet_centres.centre_columns(edition)
    lines = [line for line in scope.findings.centres if line[1] in ids]
    if not lines:
        return
    short = {5 + at: edition.say(f"short_{name}") for at, name in enumerate(centres.FUNCTIONS)}
    picked = [Column(short.get(at, columns[at].header), {1: 11, 2: 30}.get(at, 16)) for at in kept]
    yes = edition.say("has")
    total = [
        edition.say("total"),
        "",
        *(str(sum(str(line[at]).startswith(yes) for line in lines)) for at in kept[2:]),
    ]
    report.table(
        edition.tell("table_centres", name=scope.name),
        picked,
        [[line[at] for at in kept] for line in lines],
        total=total,
    )
    report.note(edition.say("note_centres"))


def coverage(report: Report, scope: Scope, atlas: Atlas) -> None:
    """3: who is served, by all three ways of measuring; units beside each other; maps of the services."""
    edition = scope.edition
    report.text(edition.tell("way", told=edition.say("way_explained")))
    report.heading(edition.tell("section_three_ways"), level=2)
    compared = scope.findings.compared.get(scope.unit, [])
    line = headline.pass_line(edition.results)
    columns = [
        Column(edition.say("service"), 24),
        Column(edition.say("served_groups"), 14),
        Column(edition.say("people"), 14, "people"),
        Column(edition.say("served"), 14, "people"),
        Column(edition.say("share_time"), 14, "share"),
        Column(edition.say("metres_distance"), 16),
        Column(edition.say("share_distance"), 14, "share"),
        Column(edition.say("metres_radius"), 16),
        Column(edition.say("share_radius"), 14, "share"),
        Column(edition.say("passes_time"), 19),
    ]
    lines = [
        [
            edition.tell(
                "service_ring", service=row.kind.name(edition.lang), ring=wording.ring(row.kind.rings[0], edition.lang)
            ),
            wording.group(row.group, edition.lang),
            row.minutes.people,
            row.minutes.served,
            row.minutes.share if row.minutes.share is not None else wording.status(row.minutes.status, edition.lang),
            *_way(edition, row.distance),
            *_way(edition, row.radius),
            wording.verdict(row.kind, row.minutes.share, line, edition.lang),
        ]
        for row in compared
    ]
    report.table(edition.tell("table_three_ways", name=scope.name), columns, lines)
    report.note(edition.tell("note_three_ways", line=wording.percent(line)))
    report.heading(edition.tell("section_matrix_study" if scope.is_study else "section_matrix_district"), level=2)
    _matrix(report, scope)
    if scope.is_study:
        for number, png in enumerate(atlas.services()):
            caption = edition.tell("map_services_part", name=scope.name, n=number + 1)
            report.picture(png, caption, width_in=WIDTH_IN)


def _way(edition: Edition, measure: three_ways.Measure | None) -> list[object]:
    if measure is None:
        return [None, None]
    share = measure.covered.share
    shown = measure.limit.shown_m.replace(";", edition.say("semicolon"))
    return [shown, share if share is not None else wording.status(measure.covered.status, edition.lang)]


def _matrix(report: Report, scope: Scope) -> None:
    """Write units × services, with the plain mean of the shares; districts of a study are ranked by it."""
    edition, results = scope.edition, scope.edition.results
    services = {code: by for code, by in scope.findings.headlines.items() if results.services[code].rings}
    names = scope.findings.names
    rows = [(names.get(unit, unit[1]), [by.get(unit) for by in services.values()]) for unit in scope.members]
    means = [_mean(found) for _, found in rows]
    ranks = {mean: 1 + sum(other is not None and other > mean for other in means) for mean in means if mean is not None}
    whole = [by.get(scope.unit) for by in services.values()]
    codes = list(services)
    for begin in range(0, len(codes), MOST_SERVICES):
        part = slice(begin, begin + MOST_SERVICES)
        last = begin + MOST_SERVICES >= len(codes)
        columns = [
            Column(edition.say("unit_name"), 26),
            *(Column(results.services[code].name(edition.lang), 14, "share") for code in codes[part]),
            *([Column(edition.tell("mean"), 14, "share"), Column(edition.tell("rank"), 10, "whole")] if last else []),
        ]
        lines = [
            [
                name,
                *(_cell(edition, each) for each in found[part]),
                *([mean, ranks[mean] if mean is not None else None] if last else []),
            ]
            for (name, found), mean in zip(rows, means, strict=True)
        ]
        total = [edition.say("total"), *(_cell(edition, each) for each in whole[part])]
        total += [_mean(whole), None] if last else []
        caption = edition.tell("table_matrix", name=scope.name)
        if len(codes) > MOST_SERVICES:
            caption = edition.tell("part", caption=caption, n=begin // MOST_SERVICES + 1)
        report.table(caption, columns, lines, total=total)
    report.note(edition.tell("note_matrix"))


def _mean(found: Sequence[Covered | None]) -> float | None:
    shares = [each.share for each in found if each is not None and each.share is not None]
    return sum(shares) / len(shares) if shares else None


def _cell(edition: Edition, found: Covered | None) -> object:
    if found is None:
        return None
    return wording.status(found.status, edition.lang) if found.status == "not_assessed" else found.share


def gaps(report: Report, scope: Scope, atlas: Atlas) -> None:
    """4: the list of gaps; of a study the largest lines alone."""
    edition, results = scope.edition, scope.edition.results
    by_service: dict[str, list[float]] = {}
    for need in scope.needs:
        by_service.setdefault(need.gap["service"], []).append(need.gap["people"])
    said = edition.listed(
        edition.tell(
            "gaps_of", service=wording.service(code, results, edition.lang), n=len(found), people=f"{sum(found):,.0f}"
        )
        for code, found in by_service.items()
    )
    report.text(
        edition.tell("gaps", name=scope.name, n=len(scope.needs), parts=said) if said else edition.tell("no_gaps")
    )
    if not scope.is_study:
        png = atlas.district(scope.unit[1])
        if png is not None:
            report.picture(png, edition.say("map_district", district=scope.name), width_in=WIDTH_IN)
    lacks = scope.lacks
    shown = lacks[:MOST_LINES] if scope.is_study else lacks
    header = sheet_gaps.gap_columns(edition)
    at = {column.header: place for place, column in enumerate(header)}
    wanted = {
        "gap_id": 30,
        "unit_name": 22,
        "service": 18,
        "served_groups": 14,
        "people_in_gaps": 14,
        "share_of_unit": 15,
        "minutes": 14,
        "nearest": 24,
        "later_level": 10,
        "later_measure": 32,
    }
    places_ = [at[edition.say(name)] for name in wanted]
    columns = [
        Column(header[place].header, width, header[place].kind)
        for place, width in zip(places_, wanted.values(), strict=True)
    ]
    lines = [[line[place] for place in places_] for _, line in shown]
    total: list[object] = [""] * len(columns)
    total[0], total[4] = edition.say("total"), sum(lack.people for lack, _ in shown)
    report.table(
        edition.tell("table_gaps", name=scope.name), columns, lines, total=total, empty=edition.tell("no_gaps")
    )
    if lines:
        report.note(edition.tell("note_gaps"))
    if len(shown) < len(lacks):
        rest = sum(lack.people for lack, _ in lacks[len(shown) :])
        report.note(edition.tell("more_gaps", n=len(lacks) - len(shown), people=f"{rest:,.0f}"))


def proposals(report: Report, scope: Scope, atlas: Atlas) -> None:
    """5: how urgent the gaps are, and the three lists: needs, resources, services."""
    del atlas
    edition = scope.edition
    levels = [need.level for need in scope.needs]
    values = {f"n{level}": levels.count(level) for level in (1, 2, 3)}
    matched = sum(bool(need.matches) for need in scope.needs)
    report.text(edition.tell("proposals", **values, matched=matched, all=len(levels)))
    needs = scope.needs[:MOST_LINES]
    report.heading(edition.tell("section_needs"), level=2)
    lines = list(sheet_lists.need_lines(edition, needs))
    _picked(
        report,
        edition,
        sheet_lists.need_columns(edition),
        lines,
        name="needs",
        kept={1: 32, 2: 20, 4: 20, 7: 14, 9: 14, 10: 10, 11: 36, 12: 28},
    )
    _more(report, edition, len(scope.needs) - len(needs))
    report.heading(edition.tell("section_resources"), level=2)
    fit = {match["venue_id"] for need in scope.needs for match in need.matches}
    own = {need.gap["gap_id"] for need in scope.needs}
    venues = [venue for venue in scope.findings.venues if venue.id in fit]
    resources = list(sheet_lists.resource_lines(edition, venues))
    for line, venue in zip(resources, venues, strict=True):
        line[-1] = sum(gap_id in own for gap_id in venue.needs)
    header = sheet_lists.resource_columns(edition)
    header[-1] = Column(edition.tell("needs_number"), 10, "whole")
    _picked(
        report, edition, header, resources, name="resources", kept={1: 14, 2: 40, 4: 26, 7: 14, 8: 16, 9: 40, 10: 14}
    )
    report.heading(edition.tell("section_offers"), level=2)
    offers = [line for line in scope.findings.offers if line[2] in own]
    offers.sort(key=lambda line: (-float(str(line[6])), str(line[1])))
    shown = offers[:MOST_LINES]
    _picked(
        report,
        edition,
        sheet_lists.offer_columns(edition),
        shown,
        name="offers",
        kept={2: 34, 3: 14, 4: 38, 5: 26, 6: 18, 7: 14, 8: 14},
    )
    _more(report, edition, len(offers) - len(shown))


def _picked(
    report: Report,
    edition: Edition,
    columns: Sequence[Column],
    lines: Sequence[Sequence[object]],
    *,
    name: str,
    kept: dict[int, int],
) -> None:
    """Write some columns of a sheet's lines as a table, and the sheet's note below."""
    picked = [Column(columns[at].header, width, columns[at].kind) for at, width in kept.items()]
    report.table(edition.tell(f"table_{name}"), picked, [[line[at] for at in kept] for line in lines])
    report.note(edition.say(f"note_{name}"))


def _more(report: Report, edition: Edition, number: int) -> None:
    if number > 0:
        report.note(edition.tell("more_lines", n=number))


def comparison(report: Report, scope: Scope, atlas: Atlas) -> None:
    """6: how the gaps stand beside last period's; what changed in inputs and parameters is told first."""
    del atlas
    edition, results = scope.edition, scope.edition.results
    table: Any = getattr(results, "comparison", None)
    if table is None:
        report.text(edition.tell("no_previous"))
        return
    changes = [cells.text_of(change, edition.lang) for change in getattr(results, "changes", ())]
    report.text(edition.tell("changes_first") if changes else edition.tell("no_changes"))
    for change in changes:
        report.text(change)
    names = ("gap_id", "service", "state", "people_before", "people_now", "minutes_before", "minutes_now", "districts")
    rows = [dict(zip(names, row, strict=True)) for row in zip(*(table[name].tolist() for name in names), strict=True)]
    rows = [row for row in rows if scope.holds(row["districts"])]
    counts = {state: sum(row["state"] == state for row in rows) for state in _CHANGES}
    report.text(edition.tell("compared", **counts))
    order = {state: at for at, state in enumerate(("new", "returned", "closing", "better", "lasting"))}
    rows.sort(
        key=lambda row: (
            order.get(row["state"], len(order)),
            -(cells.number_of(row["people_now"]) or 0.0),
            row["gap_id"],
        )
    )
    shown = rows[:MOST_LINES] if scope.is_study else rows
    columns = [
        Column(edition.say("gap_id"), 36),
        Column(edition.say("service"), 24),
        Column(edition.tell("compared_state"), 16),
        Column(edition.tell("people_before"), 16, "people"),
        Column(edition.tell("people_now"), 16, "people"),
        Column(edition.tell("minutes_before"), 16, "minutes"),
        Column(edition.tell("minutes_now"), 16, "minutes"),
    ]
    lines = [
        [
            row["gap_id"],
            wording.service(row["service"], results, edition.lang),
            wording.coded(str(row["state"]), edition.lang, of="compared"),
            *(row[name] for name in names[3:5]),
            *(wording.reached(row[name], results.services.get(row["service"]), edition.lang) for name in names[5:7]),
        ]
        for row in shown
    ]
    report.table(edition.tell("table_compared", name=scope.name), columns, lines)
    _more(report, edition, len(rows) - len(shown))


def quality(report: Report, scope: Scope, atlas: Atlas) -> None:
    """7: what was wrong with the data, how far drawings err, and what the numbers cannot say."""
    del atlas
    edition, results = scope.edition, scope.edition.results
    summary = results.summary
    for warning in summary.get("warnings", ()):
        report.text(edition.ended(warning))
    repairs = {str(name): int(number) for name, number in summary.get("repairs", {}).items()}
    if repairs:
        said = edition.listed(
            edition.tell("repairs_of", action=wording.coded(name, edition.lang, of="action"), n=number)
            for name, number in repairs.items()
        )
        report.text(edition.tell("repairs", parts=said))
    misplaced = cells.number_of(summary.get("misplaced_share"))
    if misplaced is not None:
        share = f"{cells.rounded(misplaced * 100.0, decimals=2)}%"
        report.text(edition.tell("misplaced", told=edition.say("misplaced_explained", share=share)))
    report.text(edition.tell("limits"))
    if fonts.chinese() is None:
        report.text(edition.tell("no_font"))
