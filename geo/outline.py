"""What an analysis holds, said in one small table of HTML for a notebook."""

from __future__ import annotations

import html
from typing import TYPE_CHECKING

from geo.messages import DEFAULT_LANG, subject, text

if TYPE_CHECKING:
    from geo.messages import Lang
    from geo.results import Results

TABLES = ("coverage", "gaps", "demand", "service_points", "units", "isochrones", "streets", "repairs")


def html_of(results: Results, lang: Lang = DEFAULT_LANG) -> str:
    """Return name, period and headline of every service, and the tables with their rows and CRS; all text escaped."""
    study = results.study
    mark = text("cli.synthetic", lang) if study.head.synthetic else ""
    title = text("cli.title", lang, name=study.head.name, mark=mark, period=study.head.period, date=study.last_day)
    words = subject("word", lang)
    rows = []
    for found in results.summary["services"].values():
        if found["test"] != "minutes":
            continue
        ring = text("cli.ring", lang, mode=words.get(found["mode"], found["mode"]), limit=f"{found['limit']:g}")
        for group, counts in found["groups"].items():
            share = words["not_assessed"] if counts["share"] is None else f"{counts['share']:.1%}"
            label = found["label"] if lang == "zh" else found["label_en"]
            rows.append((label, ring, words.get(group, group), f"{counts['people']:,.0f}", share, counts["gaps"]))
    names = ("service", "ring", "group", "people", "share", "gaps")
    heads = "".join(f"<th>{html.escape(text(f'cli.head_{name}', lang))}</th>" for name in names)
    cells = "".join("<tr>" + "".join(f"<td>{html.escape(str(cell))}</td>" for cell in row) + "</tr>" for row in rows)
    listed = ", ".join(f"<code>.{name}</code> {len(getattr(results, name)):,}" for name in TABLES)
    crs = html.escape(str(results.summary["crs"]))
    return (
        f"<p><b>{html.escape(title)}</b></p><table><thead><tr>{heads}</tr></thead><tbody>{cells}</tbody></table>"
        f"<p>{listed} · {crs}</p><p><code>.map() .plot() .write(folder)</code></p>"
    )
