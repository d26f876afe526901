"""What stands for the page where scripts are blocked: a picture without any text of the data, and a table."""

from __future__ import annotations

import base64
import io
from html import escape
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Mapping

    from matplotlib.axes import Axes

    from geo.results import Results

_SIZE_INCHES = (9.0, 6.0)
_DPI = 100
_BANDS = ("#9ecae1", "#5b9bc9", "#084081")
_STREET = "#d2ccc0"
_GAP = "#c2410c"
_UNIT = "#55606e"
_INK = "#16243a"
_EVERYONE = 1.0


def still(results: Results, content: Mapping[str, Any]) -> str:
    """Return a picture of the first service's rings and gaps and the table of all headline shares, as HTML.

    Parameters
    ----------
    results
        Results in the study's metric CRS.
    content
        What the page carries: :func:`geo.maps.payload.build`.

    Returns
    -------
    HTML without scripts; every text of the data is escaped.
    """
    texts, head = content["texts"], content["head"]
    title = texts["title"].replace("{name}", head["name"])
    marks = [head["period"], texts["synthetic"] if head["synthetic"] else "", texts["internal"]]
    if head["review_no"]:
        marks[-1] = texts["review_no"].replace("{number}", head["review_no"])
    picture = base64.b64encode(_picture(results)).decode("ascii")
    first = next((service["label"] for service in content["services"] if service["test"] == "minutes"), "")
    return (
        f"<h3>{_plain(title)}</h3><p>{_plain(' · '.join(mark for mark in marks if mark))}</p>"
        f'<img alt="{_plain(first)}" width="100%" src="data:image/png;base64,{picture}">'
        f"<p>{_plain(texts['still_picture'].replace('{service}', first))}</p>{_table(content)}"
    )


def _plain(text: str) -> str:
    """Return text that may stand in HTML and in UTF-8."""
    return escape(text.encode("utf-8", "replace").decode("utf-8").replace("\x00", "�"))


def _table(content: Mapping[str, Any]) -> str:
    texts, coverage = content["texts"], content["coverage"]
    study = content["units"]["kind"].index("study") if "study" in content["units"]["kind"] else None
    names = ("service", "notes_measure", "group", "people_all", "people_reached", "share")
    head = "".join(f"<th>{_plain(texts[name])}</th>" for name in names)
    lines = []
    for place, service in enumerate(content["services"]):
        rings = service["rings"][:1]
        for row in np.flatnonzero(np.array(coverage["service"]) == place).tolist():
            ring = (coverage["mode"][row], coverage["limit"][row])
            if coverage["unit"][row] == study and ring in [(own["mode"], own["limit"]) for own in rings]:
                lines.append(_line(content, place, row))
    return f'<table border="1"><thead><tr>{head}</tr></thead><tbody>{"".join(lines)}</tbody></table>'


def _line(content: Mapping[str, Any], place: int, row: int) -> str:
    texts, coverage = content["texts"], content["coverage"]
    share = coverage["share"][row]
    mode = content["modes"][coverage["mode"][row]]["label"]
    minutes = texts["minutes"].replace("{n}", f"{coverage['limit'][row]:g}")
    cells = (
        content["services"][place]["label"],
        f"{mode} {minutes}",
        texts[content["groups"][coverage["group"][row]]],
        f"{coverage['people'][row] or 0:,.0f}",
        f"{coverage['served'][row] or 0:,.0f}",
        texts[content["statuses"][coverage["status"][row]]] if share is None else percent(share),
    )
    return f"<tr>{''.join(f'<td>{_plain(cell)}</td>' for cell in cells)}</tr>"


def percent(share: float) -> str:
    """Return a share with one decimal, never rounded up to everyone or down to no one.

    Examples
    --------
    >>> percent(0.89), percent(0.9999), percent(1.0), percent(0.0001)
    ('89.0%', '99.9%', '100.0%', '0.1%')
    """
    shown = 100.0 * share
    if share < _EVERYONE:
        shown = min(shown, 99.9)
    if share > 0:
        shown = max(shown, 0.1)
    return f"{shown:.1f}%"


def _picture(results: Results) -> bytes:
    """Return a PNG of streets, rings of the first service, gaps, unit outlines and working points."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg  # noqa: PLC0415 - only where a notebook shows it
    from matplotlib.figure import Figure  # noqa: PLC0415

    figure = Figure(figsize=_SIZE_INCHES, dpi=_DPI, layout="tight")
    FigureCanvasAgg(figure)
    axes = figure.add_subplot()
    axes.set_axis_off()
    _drawn(results, axes)
    held = io.BytesIO()
    figure.savefig(held, format="png", metadata={"Software": None})
    return held.getvalue()


def _drawn(results: Results, axes: Axes) -> None:
    code = next((code for code, service in results.services.items() if service.test == "minutes"), "")
    mode = results.services[code].mode if code else ""
    rings = results.drawing[(results.drawing["service"] == code) & (results.drawing["mode"] == mode)]
    rings = rings.sort_values("limit_minutes", ascending=False)
    if len(results.streets):
        results.streets.geometry.plot(ax=axes, color=_STREET, linewidth=0.5)
    for colour, place in zip(_BANDS[-len(rings) :] if len(rings) else (), range(len(rings)), strict=False):
        rings.iloc[[place]].geometry.plot(ax=axes, color=colour, alpha=0.62)
    gaps = results.gaps[(results.gaps["service"] == code) & ~results.gaps.geometry.is_empty]
    if len(gaps):
        gaps.geometry.plot(ax=axes, facecolor="none", edgecolor=_GAP, hatch="////", linewidth=0.8)
    units = results.units[results.units["unit_kind"].isin(["community", "park"]) & results.units.geometry.notna()]
    outlined = units[units.geometry.geom_type.isin(["Polygon", "MultiPolygon"])]
    if len(outlined):
        outlined.geometry.boundary.plot(ax=axes, color=_UNIT, linewidth=0.7)
    points = results.service_points
    points = points[(points["type"] == code) & points["counted"].astype(bool) & points.geometry.notna()]
    if len(points):
        points.geometry.plot(ax=axes, color=_INK, markersize=14, edgecolor="white", zorder=5)
