"""The page that lists a batch: one file, no script, nothing from outside; every text of the data is escaped."""

from __future__ import annotations

import html
from typing import TYPE_CHECKING
from urllib.parse import quote

from geo.batch.listing import header_of, headlines
from geo.messages import subject, text

if TYPE_CHECKING:
    from collections.abc import Iterable

    from geo.batch.listing import Figure, Line, Listing
    from geo.batch.outcome import Outcome
    from geo.messages import Lang

_POLICY = "default-src 'none'; style-src 'unsafe-inline'"
_MIDDLE_SHARE = 0.6
_STYLE = (
    "body{font:15px/1.55 'Noto Sans CJK SC','Microsoft YaHei','PingFang SC',sans-serif;margin:2rem auto;"
    "max-width:96rem;padding:0 1.25rem;box-sizing:border-box;color:#1f2933}h1{font-size:1.5rem;margin-bottom:.25rem}"
    "h2{font-size:1.15rem;margin:2rem 0 .5rem}nav a{margin-right:1.25rem}.wide{overflow:auto;max-width:100%;max-height:80vh}"
    "table{border-collapse:separate;border-spacing:0}th,td{text-align:left;vertical-align:top;padding:.4rem .55rem;"
    "border-bottom:1px solid #d9dee5;background:#fff}thead th{position:sticky;top:0;z-index:2;"
    "border-bottom:2px solid #7b8794;min-width:4.5rem;vertical-align:bottom}thead th.n{white-space:normal}"
    ".fix{position:sticky;left:0;z-index:1;min-width:9rem;border-right:1px solid #d9dee5}thead .fix{z-index:3}"
    ".one{white-space:nowrap}.n{text-align:right;white-space:nowrap;font-variant-numeric:tabular-nums}"
    ".low{background:#fdae6b}.middle{background:#fee8a0}.high{background:#9ecae1}.none{color:#52606d}"
    ".bad{color:#9b1c1c}.mark{color:#8a5a00}.mark,td a{white-space:nowrap}ul{margin:0;padding-left:1.1rem}"
    ".basis{color:#52606d;font-size:.9rem;max-width:60rem}a{color:#14507a}"
    ".key span{padding:.1rem .6rem;margin-right:.6rem}"
    "@media print{.wide{overflow:visible;max-height:none}thead th,.fix{position:static}}"
)


def content(found: Listing, lang: Lang) -> str:
    """Return the page: ranking, matrix of studies and services, failures with their reasons."""
    words = {name: html.escape(value) for name, value in subject("batch", lang).items()}
    count = html.escape(text("batch.count", lang, done=len(found.lines), failed=len(found.failures)))
    jump = f"<a class='bad' href='#failures'>{words['failures']}</a>" if found.failures else ""
    parts = [
        f'<!doctype html>\n<html lang="{"zh-CN" if lang == "zh" else "en"}">\n<head>\n<meta charset="utf-8">',
        f'<meta http-equiv="Content-Security-Policy" content="{_POLICY}">',
        '<meta name="viewport" content="width=device-width, initial-scale=1">',
        f"<title>{words['title']}</title>\n<style>{_STYLE}</style>\n</head>\n<body>",
        f"<h1>{words['title']}</h1>\n<p>{count}</p>",
        f"<nav><a href='summary.xlsx'>{words['workbook']}</a><a href='batch.json'>{words['json']}</a>{jump}</nav>",
    ]
    if found.lines:
        parts += [f"<h2>{words['ranking']}</h2>", _ranking(found.lines, words, lang)]
        parts += [f"<h2>{words['matrix']}</h2>", _key(found, words, lang), _matrix(found, words, lang)]
    if found.failures:
        parts += [f"<h2 id='failures'>{words['failures']}</h2>", _failures(found.failures, words)]
    parts.append(f"<p class='basis'>{words['basis']}</p>\n</body>\n</html>\n")
    return "\n".join(parts)


def _table(head: Iterable[str], rows: Iterable[str]) -> str:
    body = "\n".join(f"<tr>{row}</tr>" for row in rows)
    header = "".join(head)
    return f"<div class='wide'><table>\n<thead><tr>{header}</tr></thead>\n<tbody>\n{body}\n</tbody>\n</table></div>"


def _failures(failures: Iterable[Outcome], words: dict[str, str]) -> str:
    rows = []
    for outcome in failures:
        reasons = "".join(f"<li>{html.escape(line)}</li>" for line in outcome.lines)
        rows.append(f"<td>{html.escape(outcome.label)}</td><td class='bad'><ul>{reasons}</ul></td>")
    return _table((f"<th>{words['study']}</th>", f"<th>{words['reasons']}</th>"), rows)


def _ranking(lines: Iterable[Line], words: dict[str, str], lang: Lang) -> str:
    heads = [f"<th class='n'>{words['rank']}</th>", f"<th class='fix'>{words['study']}</th>"]
    heads += [f"<th>{words[name]}</th>" for name in ("period", "people")]
    heads += [f"<th class='n'>{words[name]}</th>" for name in ("share_all", "below", "gaps")]
    rows = []
    for line in lines:
        people = " · ".join(
            f"{html.escape(text(f'word.{group}', lang))} {number:,.0f}" for group, number in line.people.items()
        )
        rows.append(
            f"<td class='n'>{_or_none(line.rank, words)}</td><td class='fix'>{_name(line, words)}</td>"
            f"<td>{html.escape(line.period)}</td><td class='one'>{people}</td>"
            f"<td class='n'>{words['not_assessed'] if line.share is None else f'{line.share:.1%}'}</td>"
            f"<td class='n'>{line.below} / {line.assessed}</td><td class='n'>{line.gaps}</td><td>{_links(line, words)}</td>"
        )
    return _table([*heads, f"<th>{words['files']}</th>"], rows)


def _matrix(found: Listing, words: dict[str, str], lang: Lang) -> str:
    heads = [f"<th class='fix'>{words['study']}</th>"]
    heads += [f"<th class='n'>{html.escape(header_of(ring, lang))}</th>" for ring in found.rings]
    rows = []
    for line in found.lines:
        cells = headlines(line)
        row = "".join(_cell(cells.get(ring), found.pass_line, words) for ring in found.rings)
        rows.append(f"<td class='fix'>{_name(line, words)}</td>{row}")
    return _table(heads, rows)


def _cell(figure: Figure | None, pass_line: float | None, words: dict[str, str]) -> str:
    if figure is None or (figure.share is None and figure.status != "not_assessed"):
        return "<td class='n none'>—</td>"
    if figure.share is None:
        return f"<td class='n none'>{words['not_assessed']}</td>"
    if figure.status == "presence":
        return f"<td class='n'>{figure.people_served:g} / {figure.people:g}</td>"
    mark = "*" if figure.status == "edge" else ""
    return f"<td class='n {band(figure.share, pass_line)}'>{figure.share:.1%}{mark}</td>"


def band(share: float, pass_line: float | None) -> str:
    """Return which light a share gets; none where the studies have different pass lines.

    Examples
    --------
    >>> band(0.9, 0.85), band(0.85, 0.85), band(0.7, 0.85), band(0.1, 0.85), band(0.1, None)
    ('high', 'high', 'middle', 'low', '')
    """
    if pass_line is None:
        return ""
    return "high" if share >= pass_line else "middle" if share >= min(_MIDDLE_SHARE, pass_line) else "low"


def _key(found: Listing, words: dict[str, str], lang: Lang) -> str:
    edge = f"<p class='basis'>{words['key_edge']}</p>"
    if found.pass_line is None:
        return edge
    limits = {"line": f"{found.pass_line:.0%}", "middle": f"{min(_MIDDLE_SHARE, found.pass_line):.0%}"}
    lights = "".join(
        f"<span class='{name}'>{html.escape(text(f'batch.key_{name}', lang, **limits))}</span>"
        for name in ("high", "middle", "low")
    )
    return f"<p class='key'>{lights}</p>{edge}"


def _name(line: Line, words: dict[str, str]) -> str:
    mark = f" <span class='mark'>{words['synthetic']}</span>" if line.synthetic else ""
    return f"{html.escape(line.name)}{mark}"


def _links(line: Line, words: dict[str, str]) -> str:
    place = html.escape(quote(line.study_id), quote=True)
    names = {"map.html": "map", "report.docx": "report", "report.xlsx": "tables"}
    return " · ".join(f"<a href='{place}/{file}'>{words[names[file]]}</a>" for file in line.files)


def _or_none(value: int | None, words: dict[str, str]) -> str:
    return words["unranked"] if value is None else str(value)
