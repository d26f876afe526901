"""Where gaps arose, went and stayed between two periods: a page of still pictures that runs no script at all."""

from __future__ import annotations

import math
from html import escape
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import shapely

from geo import messages, schema

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    import geopandas as gpd
    import pandas as pd
    from numpy.typing import NDArray

    from geo.messages import Lang, Message
    from geo.past_results import PastResults

_POLICY = "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'"
_HTML_LANG = {"zh": "zh-CN", "en": "en"}
_WIDTH, _MARGIN, _MOST_HEIGHT = 960.0, 24.0, 960.0
_SIMPLE_M = 8.0
# Fill, line and hatch by state: told apart without colour, too.
_INKS = {
    "new": ("#d95f0e", "#7f2704", "cross"),
    "returned": ("#c51b8a", "#7a0177", "dots"),
    "lasting": ("#fdd0a2", "#a05a1c", "slant"),
    "better": ("#9ecae1", "#3182bd", "level"),
    "closing": ("#ffffff", "#08519c", ""),
}
_HATCHES = {
    "cross": '<path d="M0 4H8M4 0V8" stroke="{ink}" stroke-width="1"/>',
    "dots": '<circle cx="2" cy="2" r="1.3" fill="{ink}"/><circle cx="6" cy="6" r="1.3" fill="{ink}"/>',
    "slant": '<path d="M0 8L8 0" stroke="{ink}" stroke-width="1"/>',
    "level": '<path d="M0 4H8" stroke="{ink}" stroke-width="1"/>',
}
_STYLE = (
    "body{font:16px/1.6 'Noto Sans CJK SC','Microsoft YaHei','PingFang SC',sans-serif;max-width:64rem;"
    "margin:2rem auto;padding:0 1rem;color:#1f2933}h1{font-size:1.5rem}h2{font-size:1.2rem;margin-top:2rem}"
    "table{border-collapse:collapse;width:100%}th,td{text-align:left;padding:.3rem .6rem;"
    "border-bottom:1px solid #d9dee5;vertical-align:top}thead th{border-bottom:2px solid #7b8794}"
    ".n{text-align:right;font-variant-numeric:tabular-nums}.mark{color:#c00000;font-weight:bold}"
    ".first{border-left:4px solid #d95f0e;padding-left:1rem}.note{color:#52606d;font-size:.9rem}"
    "svg{width:100%;height:auto;border:1px solid #d9dee5;background:#fff}figure{margin:1rem 0;break-inside:avoid}"
    "svg text{font-size:14px;fill:#1f2933}@media print{body{max-width:none;margin:0}}"
)


class Frame(NamedTuple):
    """Metres of the study → the picture's own units, y downwards."""

    west: float
    north: float
    scale: float
    width: float
    height: float

    def xy(self, metres: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return places in the picture, to a tenth of a unit."""
        return np.round((metres - (self.west, self.north)) * (self.scale, -self.scale) + _MARGIN, 1)


def delta_page(
    before: PastResults,
    now: PastResults,
    table: pd.DataFrame,
    gaps: gpd.GeoDataFrame,
    *,
    changes: Sequence[Message],
    lang: Lang = "zh",
) -> str:
    """Return what became of the gaps of two periods as one HTML page with a picture a service.

    Parameters
    ----------
    before, now
        The two periods as read.
    table
        `schema.COMPARISON` with `comparable`.
    gaps
        The gaps of now under the ids of the table.
    changes
        What changed of inputs and parameters; told first.

    Returns
    -------
    The text of the page, to be stored as UTF-8. It holds no script, asks for nothing outside itself, and all
    text of the data is escaped; the same results give the same bytes.
    """
    old = before.gaps.to_crs(gaps.crs)
    units = now.units.to_crs(gaps.crs)
    frame = _frame(units.geometry, gaps.geometry, old.geometry)
    pictures = [
        _figure(code, table[table["service"] == code], frame, before=before, now=now, gaps=gaps, old=old, lang=lang)
        for code in dict.fromkeys(table["service"])
    ]
    study = now.summary["study"]
    title = _text("title", lang, study=study["name"], before=before.period, now=now.period)
    mark = f'<p class="mark">{_text("sample", lang)}</p>' if study.get("synthetic") else ""
    told = "".join(f"<li>{escape(change.text(lang))}</li>" for change in changes)
    told = f"<ul>{told}</ul>" if told else f"<p>{_text('no_changes', lang)}</p>"
    lines = [
        "<!DOCTYPE html>",
        f'<html lang="{_HTML_LANG[lang]}">',
        '<head><meta charset="utf-8">',
        f'<meta http-equiv="Content-Security-Policy" content="{_POLICY}">',
        '<meta name="viewport" content="width=device-width, initial-scale=1"><meta name="referrer" content="no-referrer">',
        f"<title>{title}</title><style>{_STYLE}</style></head>",
        f"<body><h1>{title}</h1>{mark}",
        f'<div class="first"><h2>{_text("changes_head", lang)}</h2>{told}</div>',
        f"<h2>{_text('counts_head', lang)}</h2>{_counts(table, now, before, lang)}",
        f'<p class="note">{_text("rule", lang)}</p>',
        f'<h2>{_text("map_head", lang)}</h2><p class="note">{_text("map_note", lang)}</p>',
        _base(units, frame),
        *pictures,
        "</body></html>",
    ]
    return "\n".join(lines) + "\n"


def _text(name: str, lang: Lang, **values: object) -> str:
    return escape(messages.text(f"compare.{name}", lang, **values))


def _state(name: str, lang: Lang) -> str:
    return escape(messages.text(f"ledger.state_{name}", lang))


def _service(code: str, *periods: PastResults, lang: Lang) -> str:
    for period in periods:
        found = (period.summary.get("services") or {}).get(code)
        if found:
            return str(found["label" if lang == "zh" else "label_en"])
    return code


def _frame(*layers: gpd.GeoSeries) -> Frame:
    bounds = np.vstack([layer.bounds.to_numpy(dtype=np.float64) for layer in layers])
    bounds = bounds[np.isfinite(bounds).all(axis=1)]
    if not len(bounds):
        bounds = np.array([[0.0, 0.0, 1.0, 1.0]])
    west, south = bounds[:, :2].min(axis=0)
    east, north = bounds[:, 2:].max(axis=0)
    wide, high = max(east - west, 1.0), max(north - south, 1.0)
    scale = min((_WIDTH - 2 * _MARGIN) / wide, (_MOST_HEIGHT - 2 * _MARGIN) / high)
    return Frame(float(west), float(north), scale, _WIDTH, high * scale + 2 * _MARGIN)


def _path(shapes: NDArray[np.object_], frame: Frame) -> str:
    """Return the rings of areas as the outline of one SVG path."""
    plain = shapely.simplify(shapes[~shapely.is_missing(shapes)], _SIMPLE_M)
    areas = shapely.get_parts(plain)
    rings = shapely.get_rings(areas[shapely.get_dimensions(areas) == 2])  # noqa: PLR2004 - areas alone
    parts = []
    for ring in rings:
        xy = frame.xy(shapely.get_coordinates(ring))[:-1]
        parts.append("M" + "L".join(f"{x:g} {y:g}" for x, y in xy.tolist()) + "Z")
    return "".join(parts)


def _base(units: gpd.GeoDataFrame, frame: Frame) -> str:
    """Return what all pictures share, once: hatches and the communities' outlines."""
    hatches = "".join(
        f'<pattern id="{state}" width="8" height="8" patternUnits="userSpaceOnUse">'
        f'<rect width="8" height="8" fill="{fill}"/>{_HATCHES[hatch].format(ink=ink)}</pattern>'
        for state, (fill, ink, hatch) in _INKS.items()
        if hatch
    )
    outline = _path(units.geometry.to_numpy(), frame)
    return (
        f'<svg style="position:absolute;width:0;height:0;border:0" aria-hidden="true"><defs>{hatches}'
        f'<path id="base" d="{outline}" fill="#f5f6f8" stroke="#9aa5b1" stroke-width="1"/></defs></svg>'
    )


def _figure(
    code: str,
    table: pd.DataFrame,
    frame: Frame,
    *,
    before: PastResults,
    now: PastResults,
    gaps: gpd.GeoDataFrame,
    old: gpd.GeoDataFrame,
    lang: Lang,
) -> str:
    """Return the picture and the table of one service."""
    shapes = {**_shapes(old), **_shapes(gaps)}
    drawn = []
    for state, (fill, ink, hatch) in reversed(_INKS.items()):
        ids = table.loc[table["state"] == state, "gap_id"]
        outline = _path(np.array([shapes.get(gap) for gap in ids], dtype=object), frame) if len(ids) else ""
        paint = f"url(#{state})" if hatch else fill
        dash = "" if hatch else ' stroke-dasharray="5 3" fill-opacity="0.6"'
        drawn += [f'<path d="{outline}" fill="{paint}" stroke="{ink}" stroke-width="1.5"{dash}/>'] if outline else []
    counts = {"before": int((old["service"] == code).sum()), "now": int((gaps["service"] == code).sum())}
    caption = _text("figure", lang, service=_service(code, now, before, lang=lang), **counts)
    ground = f'<use href="#base"/>{"".join(drawn)}{_points(code, frame, before, now, gaps)}'
    legend, depth = _legend(frame, lang)
    return (
        f'<figure><figcaption><h2>{caption}</h2></figcaption><svg viewBox="0 0 {frame.width:g} '
        f'{frame.height + depth:g}" role="img" aria-label="{caption}">{ground}{legend}</svg>'
        f"{_rows(table, lang)}</figure>"
    )


def _shapes(gaps: gpd.GeoDataFrame) -> dict[str, Any]:
    return dict(zip(gaps["gap_id"].astype(str), gaps.geometry.to_numpy(), strict=True))


def _points(code: str, frame: Frame, before: PastResults, now: PastResults, gaps: gpd.GeoDataFrame) -> str:
    """Return service points that count now, new ones ringed, and crosses where one counted before."""
    then, here = (_counted(period, code).to_crs(gaps.crs) for period in (before, now))
    known = here["id"].astype(str).isin(then["id"].astype(str)).to_numpy()
    left = then[~then["id"].astype(str).isin(here["id"].astype(str))]
    marks = []
    for (x, y), old in zip(_places(here, frame), known.tolist(), strict=True):
        marks.append(f'<circle cx="{x:g}" cy="{y:g}" r="4" fill="#1f2933" stroke="#fff" stroke-width="1"/>')
        if not old:
            marks.append(f'<circle cx="{x:g}" cy="{y:g}" r="8" fill="none" stroke="#1f2933" stroke-width="2"/>')
    marks += [
        f'<path d="M{x - 5:g} {y - 5:g}l10 10m0 -10l-10 10" stroke="#c00000" stroke-width="2.5" fill="none"/>'
        for x, y in _places(left, frame)
    ]
    return "".join(marks)


def _counted(period: PastResults, code: str) -> gpd.GeoDataFrame:
    points = period.points
    there = ~(points.geometry.isna() | points.geometry.is_empty)
    return points[there & (points["type"] == code) & points["counted"].astype(bool)]


def _places(points: gpd.GeoDataFrame, frame: Frame) -> list[list[float]]:
    placed: list[list[float]] = frame.xy(shapely.get_coordinates(points.geometry.to_numpy())).tolist()
    return placed


def _legend(frame: Frame, lang: Lang) -> tuple[str, float]:
    """Return the legend below the picture, its scale bar and north arrow, and how deep it is."""
    top = frame.height + 10
    parts = [f'<line x1="0" x2="{frame.width:g}" y1="{frame.height:g}" y2="{frame.height:g}" stroke="#d9dee5"/>']
    for place, (state, (fill, ink, hatch)) in enumerate(_INKS.items()):
        x = _MARGIN + 180 * place
        paint, dash = (f"url(#{state})", "") if hatch else (fill, ' stroke-dasharray="5 3"')
        parts.append(f'<rect x="{x:g}" y="{top:g}" width="28" height="16" fill="{paint}" stroke="{ink}"{dash}/>')
        parts.append(f'<text x="{x + 36:g}" y="{top + 13:g}">{_state(state, lang)}</text>')
    y = top + 38
    dot = f'<circle cx="{{x:g}}" cy="{y:g}" r="4" fill="#1f2933"/>'
    ring = f'<circle cx="{{x:g}}" cy="{y:g}" r="8" fill="none" stroke="#1f2933" stroke-width="2"/>'
    cross = f'<path d="M{{x:g}} {y:g}m-5 -5l10 10m0 -10l-10 10" stroke="#c00000" stroke-width="2.5" fill="none"/>'
    for place, (name, mark) in enumerate({"point_now": dot, "point_new": dot + ring, "point_gone": cross}.items()):
        x = _MARGIN + 14 + 180 * place
        parts.append(mark.format(x=x) + f'<text x="{x + 22:g}" y="{y + 5:g}">{_text(name, lang)}</text>')
    km = _round_km((frame.width - 2 * _MARGIN) / frame.scale / 1000 / 5)
    long, x = km * 1000 * frame.scale, _MARGIN + 560
    parts.append(f'<path d="M{x:g} {y - 5:g}v8h{long:.1f}v-8" fill="none" stroke="#1f2933" stroke-width="2"/>')
    parts.append(f'<text x="{x + long + 8:.1f}" y="{y + 5:g}">{_text("km", lang, n=f"{km:g}")}</text>')
    right = frame.width - _MARGIN - 10
    parts.append(f'<path d="M{right:g} 20l8 26l-8 -7l-8 7z" fill="#1f2933"/>')
    parts.append(f'<text x="{right:g}" y="64" text-anchor="middle">{_text("north", lang)}</text>')
    return "".join(parts), y + 20 - frame.height


def _round_km(wanted: float) -> float:
    """Return a round length for a scale bar, not above the one wanted.

    Examples
    --------
    >>> _round_km(3.7), _round_km(0.7), _round_km(12.0)
    (2.0, 0.5, 10.0)
    """
    power = 10.0 ** math.floor(math.log10(wanted))
    return max(step * power for step in (1.0, 2.0, 5.0) if step * power <= wanted)


def _counts(table: pd.DataFrame, now: PastResults, before: PastResults, lang: Lang) -> str:
    heads = "".join(f'<th class="n">{_state(state, lang)}</th>' for state in schema.COMPARISON_STATES)
    rows = [
        f"<tr><td>{escape(_service(code, now, before, lang=lang))}</td>{_by_state(table[table['service'] == code])}</tr>"
        for code in dict.fromkeys(table["service"])
    ]
    rows.append(f"<tr><th>{_text('head_total', lang)}</th>{_by_state(table)}</tr>")
    return (
        f"<table><thead><tr><th>{_text('head_service', lang)}</th>{heads}</tr></thead>"
        f"<tbody>{''.join(rows)}</tbody></table>"
    )


def _by_state(table: pd.DataFrame) -> str:
    return "".join(f'<td class="n">{int((table["state"] == state).sum()):,}</td>' for state in schema.COMPARISON_STATES)


def _rows(table: pd.DataFrame, lang: Lang) -> str:
    """Return every gap that is not merely lasting."""
    told = table[(table["state"] != "lasting") | table["grown"]]
    if not len(told):
        return ""
    marks = {name: " class='n'" if name in _NUMBERS else "" for name in ("gap", "state", *_NUMBERS, "note")}
    heads = "".join(f"<th{mark}>{_text(f'head_{name}', lang)}</th>" for name, mark in marks.items())
    return f"<table><thead><tr>{heads}</tr></thead><tbody>{''.join(_row_lines(told, lang))}</tbody></table>"


_NUMBERS: Mapping[str, tuple[str, str]] = {
    "before": ("people_before", "{:,.0f}"),
    "now": ("people_now", "{:,.0f}"),
    "minutes_before": ("minutes_before", "{:.1f}"),
    "minutes_now": ("minutes_now", "{:.1f}"),
}


def _row_lines(told: pd.DataFrame, lang: Lang) -> Iterator[str]:
    for row in told.to_dict("records"):
        numbers = "".join(
            f'<td class="n">{form.format(row[name]) if math.isfinite(row[name]) else "—"}</td>'
            for name, form in _NUMBERS.values()
        )
        note = _text("grown", lang) if row["grown"] else "" if row["comparable"] else _text("not_comparable", lang)
        state = _state(row["state"], lang)
        yield f"<tr><td>{escape(str(row['gap_id']))}</td><td>{state}</td>{numbers}<td>{note}</td></tr>"
