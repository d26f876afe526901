"""How results and repairs read in a terminal: aligned lines of text, in either language."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from geo import catalogue
from geo.gathered import FIRST, about, gather
from geo.messages import Message, subject, text
from geo.modes import BUILTIN

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    import pandas as pd

    from geo.analysis import Analysis
    from geo.fetch import Fetched
    from geo.inputs import Inputs
    from geo.messages import Lang
    from geo.periods import TwoPeriods
    from geo.quality import Line


_MEGABYTE = 1e6


def _words(said: Message | str, lang: Lang) -> str:
    return said.text(lang) if isinstance(said, Message) else said


def _label(found: Mapping[str, Any], lang: Lang) -> str:
    return str(found["label"] if lang == "zh" else found["label_en"])


def closing_lines(analysis: Analysis, folder: Path, lang: Lang) -> list[str]:
    """Return what was found: warnings, each service's coverage, three numbers, and where to look."""
    summary, study = analysis.summary, analysis.study
    mark = text("cli.synthetic", lang) if study.head.synthetic else ""
    title = {"name": study.head.name, "period": study.head.period, "date": study.last_day.isoformat()}
    timed = {code: found for code, found in summary["services"].items() if found["test"] == "minutes"}
    counts = [_count(found, lang) for found in summary["services"].values() if found["test"] != "minutes"]
    people = text("word.comma", lang).join(
        f"{text(f'word.{group}', lang)} {summary['people'][group]:,.0f}"
        for group in ("residents", "workers", "elders")
        if group in summary["people"]
    )
    numbers = {
        "people": people,
        "gaps": f"{sum(found['gaps'] for found in timed.values()):,}",
        "misplaced": f"{summary['misplaced_share']:.2%}",
    }
    return [
        text("cli.title", lang, mark=mark, **title),
        *([text("cli.source", lang, source=study.head.source)] if study.head.source else []),
        *_speed_lines(analysis, lang),
        *(f"  ! {_words(warning, lang)}" for warning in (*summary["warnings"], *_unjudged(timed, lang))),
        *_coverage_lines(timed, lang),
        *counts,
        text("cli.numbers", lang, **numbers),
        map_line(folder / "map.html", lang),
        text("cli.look", lang, page=folder / "map.html", report=folder / "report.xlsx"),
    ]


def _speed_lines(analysis: Analysis, lang: Lang) -> list[str]:
    """Return the speeds of the modes in use that are not the built-in ones, in one line; none where all are."""
    used = analysis.coverage["mode"].unique()
    told = [
        text("cli.speed", lang, mode=_mode(name, lang), kmh=f"{way.speed_kmh:g}")
        for name, way in analysis.study.modes.items()
        if name in used
        and way.speed_kmh is not None
        and (name not in BUILTIN or way.speed_kmh != BUILTIN[name].speed_kmh)
    ]
    return [text("cli.speeds", lang, speeds=text("word.comma", lang).join(told))] if told else []


def map_line(page: Path, lang: Lang) -> str:
    """Return how large a map is, and its layers, the largest first, in megabytes."""
    from geo.maps import page_sizes  # noqa: PLC0415 - heavy libraries

    sizes = page_sizes(page.read_text(encoding="utf-8"))
    parts = [
        text("cli.map_size", lang, what=text(f"cli.map_{name}", lang), size=f"{size / _MEGABYTE:.2f}")
        for name, size in sizes.items()
    ]
    total = f"{sum(sizes.values()) / _MEGABYTE:.2f}"
    return text("cli.map_sizes", lang, total=total, parts=text("word.comma", lang).join(parts))


def fetched_lines(found: Fetched, margin_m: float, lang: Lang) -> list[str]:
    """Return what a place was found to have, what is missing, and what to do next."""
    types = catalogue.service_types()
    services = text("word.comma", lang).join(
        text("fetch.one", lang, name=types[code].name(lang), count=count) for code, count in found.types.items()
    )
    total = sum(found.types.values())
    files = [f"{name}.geojson" for name in ("communities", "parks") if getattr(found, name)]
    given = {"ways": found.ways, "turns": found.turns, "barriers": found.barriers, "margin": f"{margin_m:g}"}
    return [
        text("fetch.place", lang, name=found.name),
        text("fetch.streets", lang, **given),
        text("fetch.units", lang, communities=found.communities, parks=found.parks),
        *([text("fetch.whole", lang)] if found.whole else []),
        text("fetch.services", lang, count=total, types=services) if total else text("fetch.no_services", lang),
        text("fetch.no_people", lang, files=text("word.comma", lang).join(files)),
        text("fetch.attribution", lang, source=found.source),
        text("fetch.next", lang, folder=found.folder),
    ]


def _coverage_lines(timed: Mapping[str, Mapping[str, Any]], lang: Lang) -> list[str]:
    """Return one line a service and group, with its basis, in columns."""
    words = subject("cli", lang)
    rows = []
    for found in timed.values():
        ring = text("cli.ring", lang, mode=_mode(found["mode"], lang), limit=f"{found['limit']:g}")
        start = [_label(found, lang), ring]
        for group, numbers in found["groups"].items():
            missed = numbers["people_not_served"]
            rows.append(
                [
                    *start,
                    text(f"word.{group}", lang),
                    f"{numbers['people']:,.0f}",
                    _share(numbers, lang),
                    "—" if missed is None else f"{missed:,.0f}",
                    "—" if missed is None else f"{numbers['gaps']:,}",
                ]
            )
            start = ["", ""]
    if not rows:
        return []
    names = ("service", "ring", "group", "people", "share", "missed", "gaps")
    return _columns([[words[f"head_{name}"] for name in names], *rows], right=range(3, len(names)))


def _unjudged(timed: Mapping[str, Mapping[str, Any]], lang: Lang) -> list[str]:
    """Return how many units cannot be judged and why, once for all services it holds for."""
    said: dict[tuple[int, str], list[str]] = {}
    for found in timed.values():
        for numbers in found["groups"].values():
            if number := numbers["units_not_assessed"]:
                services = said.setdefault(
                    (number, _words(numbers["note"], lang) if numbers["share"] is None else ""), []
                )
                services += [] if _label(found, lang) in services else [_label(found, lang)]
    comma, see = text("word.comma", lang), text("cli.see_note", lang)
    return [
        text("cli.unjudged", lang, services=comma.join(services), count=number, why=why or see)
        for (number, why), services in said.items()
    ]


def _share(numbers: Mapping[str, Any], lang: Lang) -> str:
    share = numbers["share"]
    if share is None:
        return text("word.no_demand" if numbers["status"] == "no_demand" else "word.not_assessed", lang)
    shown = f"{share:.1%}"
    return "99.9%" if shown == "100.0%" and share < 1 else shown  # nobody who is left out is rounded away


def _count(found: Mapping[str, Any], lang: Lang) -> str:
    """Return the line of a service that is not measured in minutes."""
    if found["test"] == "presence":
        kind = text(f"word.{found['unit_kind']}", lang)
        counts = {"units": found["units"], "having": found["units_with"]}
        return text("cli.presence", lang, service=_label(found, lang), kind=kind, **counts)
    mobile = found["listed"]["mobile"]
    said = "cli.inventory_mobile" if mobile else "cli.inventory"
    return text(said, lang, service=_label(found, lang), count=found["counted"], mobile=mobile)


def _columns(rows: Sequence[Sequence[str]], *, right: Sequence[int] = ()) -> list[str]:
    """Return rows as lines whose columns stand below each other, also where signs are two columns wide.

    Examples
    --------
    >>> _columns([["服务", "人数"], ["ab", "7"]], right=[1])
    ['  服务  人数', '  ab       7']
    """
    from rich.cells import cell_len  # noqa: PLC0415 - keeps --help fast

    widths = [max(cell_len(cell) for cell in column) for column in zip(*rows, strict=True)]
    lines = []
    for row in rows:
        cells = []
        for number, (cell, width) in enumerate(zip(row, widths, strict=True)):
            blank = " " * (width - cell_len(cell))
            cells.append(blank + cell if number in right else cell + blank)
        lines.append(f"  {'  '.join(cells)}".rstrip())
    return lines


def _mode(name: str, lang: Lang) -> str:
    return subject("word", lang).get(name, name)


def input_lines(inputs: Inputs, lang: Lang, *, told: Sequence[Line] = ()) -> list[str]:
    """Return what was read, one line a file; `told` is the repair report, whose doubts are counted."""
    from geo import quality  # noqa: PLC0415 - keeps --help fast

    words = subject("cli", lang)
    crs = inputs.layers.crs
    length_km = float(inputs.streets["length_m"].sum()) / 1000
    streets = text("cli.streets", lang, count=f"{len(inputs.streets):,}", km=f"{length_km:,.1f}")
    rows = []
    for item in inputs.layers.inputs:
        name = item["layer"]
        counted = ""
        if item["rows_read"] is not None:
            counts = {name.removeprefix("rows_"): item[name] for name in quality.COUNTS}
            rows_in_doubt, whole = _doubts(told, name, str(item["path"]))
            counts["doubtful"] = rows_in_doubt
            counted = text("cli.rows", lang, **counts) + (text("cli.doubt_of_all", lang, count=whole) if whole else "")
        rows.append([words.get(f"layer_{name}", name), str(item["path"]), item["crs"] or "", counted])
    return [
        text("cli.crs", lang, crs=crs.to_string(), name=crs.name),
        words["read"],
        *_columns(rows),
        streets,
    ]


def _doubts(told: Sequence[Line], layer: str, source: str) -> tuple[int, int]:
    """Return how many rows of a source are in doubt, and how many doubts are about all of it."""
    own = [line for line in told if (line.layer, line.source) == (layer, source) and line.action in FIRST]
    return len({line.row for line in own if line.row is not None}), sum(line.row is None for line in own)


def repair_lines(told: Sequence[Line], lang: Lang) -> list[str]:
    """Return repairs and remarks, gathered by source, what is in doubt first; rows of which the same is said in one line."""
    words = subject("cli", lang)
    if not told:
        return [words["no_repairs"]]
    groups = gather(told)
    head = "cli.repairs" if len(groups) == len(told) else "cli.repairs_gathered"
    lines = [text(head, lang, count=len(told), lines=len(groups))]
    source = None
    for group in groups:
        one = group.lines[0]
        if (one.layer, one.source) != source:
            source = (one.layer, one.source)
            name = words.get(f"layer_{one.layer}", one.layer)
            lines.append(text("cli.of_source", lang, source=one.source, layer=name) if one.source else f"  {name}")
        what = _words(one.message, lang)
        if one.mend is not None:
            what = text("cli.and_mend", lang, what=what, mend=one.mend.text(lang))
        lines.append(text("cli.repair", lang, mark=words[f"action_{one.action}"], about=about(group, lang), what=what))
    return lines


def comparison_lines(found: TwoPeriods, lang: Lang) -> list[str]:
    """Return what changed of the measuring, the gaps by service and state, and each gap that is not merely lasting."""
    from geo.schema import COMPARISON_STATES  # noqa: PLC0415 - keeps --help fast

    words = subject("compare", lang)
    states = {state: text(f"ledger.state_{state}", lang) for state in COMPARISON_STATES}
    now = found.now.summary
    title = {"study": now["study"]["name"], "before": found.before.period, "now": found.now.period}
    lines = [
        text("compare.title", lang, **title),
        words["changes_head"],
        *(f"  ! {change.text(lang)}" for change in found.changes),
    ]
    lines += [] if found.changes else [f"  {words['no_changes']}"]
    table = found.table
    names = {code: _service_name(code, found, lang) for code in dict.fromkeys(table["service"])}
    head = [words["head_service"], *states.values()]
    rows = [
        [name, *(f"{((table['service'] == code) & (table['state'] == state)).sum():,}" for state in states)]
        for code, name in names.items()
    ]
    rows.append([words["head_total"], *(f"{(table['state'] == state).sum():,}" for state in states)])
    lines += [words["counts_head"], *_columns([head, *rows], right=range(1, len(head)))]
    told = table[(table["state"] != "lasting") | table["grown"]].sort_values(
        "comparable", ascending=False, kind="stable"
    )
    if len(told):
        lines += [words["list_head"], *_gap_lines(told, names, states, words)]
    if left := len(table) - len(told):
        lines.append(text("compare.only_lasting", lang, count=left))
    return [*lines, words["rule"]]


def _service_name(code: str, found: TwoPeriods, lang: Lang) -> str:
    for summary in (found.now.summary, found.before.summary):
        if code in (summary.get("services") or {}):
            return _label(summary["services"][code], lang)
    return code


def _gap_lines(
    told: pd.DataFrame, names: Mapping[str, str], states: Mapping[str, str], words: Mapping[str, str]
) -> list[str]:
    heads = ("service", "gap", "state", "before", "now", "minutes_before", "minutes_now", "note")
    rows = [
        [
            names[row["service"]],
            str(row["gap_id"]),
            states[row["state"]],
            *(_number(row[name], "{:,.0f}") for name in ("people_before", "people_now")),
            *(_number(row[name], "{:.1f}") for name in ("minutes_before", "minutes_now")),
            words["grown"] if row["grown"] else "" if row["comparable"] else words["not_comparable"],
        ]
        for row in told.to_dict("records")
    ]
    return _columns([[words[f"head_{name}"] for name in heads], *rows], right=range(3, 7))


def _number(value: float, form: str) -> str:
    return form.format(value) if math.isfinite(value) else "—"


def site_lines(analysis: Analysis, sites: pd.DataFrame, lang: Lang) -> list[str]:
    """Return suggested sites, best first, with what each adds and what it rests on."""
    if not len(sites):
        return [text("site.none", lang)]
    first, study = sites.iloc[0], analysis.study
    service, words = analysis.services[first["service"]], subject("word", lang)
    ring = text("cli.ring", lang, mode=words.get(first["mode"], first["mode"]), limit=f"{first['limit_minutes']:g}")
    group = words.get(first["demand"], first["demand"])
    mark = text("cli.synthetic", lang) if study.head.synthetic else ""
    basis = {"name": study.head.name, "mark": mark, "service": service.name(lang), "ring": ring, "group": group}
    places = sites.geometry.to_crs(4326)
    lines = [text("site.title", lang, date=study.last_day.isoformat(), **basis)]
    for (_, row), place in zip(sites.iterrows(), places, strict=True):
        unknown = math.isnan(row["share_cumulative"])
        share = words["not_assessed"] if unknown else f"{row['share_cumulative']:.1%}"
        values = {
            "rank": row["rank"],
            "id": row["candidate_id"],
            "name": row["candidate_name"],
            "new": f"{row['people_newly_served']:,.0f}",
            "served": f"{row['people_served_cumulative']:,.0f}",
            "share": share,
            "lon": f"{place.x:.6f}",
            "lat": f"{place.y:.6f}",
        }
        lines.append(text("site.line", lang, **values))
    return lines
