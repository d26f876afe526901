"""Controls for a notebook: service, mode, limit and speed; map and table follow, and nothing else is computed."""

from __future__ import annotations

import base64
import html
import io
from typing import TYPE_CHECKING, Any

from geo.errors import GeoValueError
from geo.messages import DEFAULT_LANG, subject, text
from geo.scenarios import Scenario, what_if

if TYPE_CHECKING:
    import ipywidgets

    from geo.analysis import Analysis
    from geo.messages import Lang

_MOST_MINUTES, _MOST_KMH = 60.0, 120.0
_DPI = 160  # twice what is shown, for screens with small pixels
_MAP = "width:640px;max-width:100%;background:white"
_TABLE = "border-collapse:collapse;font-size:13px;line-height:1.5;font-variant-numeric:tabular-nums"
_CELL = "text-align:right;padding:1px 10px;white-space:nowrap"
_HEAD = f"{_CELL};font-weight:600;border-bottom:1px solid currentColor"
_BAR = "rgba(107,174,214,.45)"


def panel(analysis: Analysis, *, lang: Lang = DEFAULT_LANG) -> ipywidgets.VBox:
    """Return controls for service, mode, limit and speed with a map and a table that follow.

    Parameters
    ----------
    analysis
        From :func:`geo.analyse`. Networks, links and searches that a control does not touch are used again.
    lang
        zh or en.

    Returns
    -------
    ipywidgets.VBox
        Shown by a notebook. Its `children` are the row of controls, the headline, the map beside the table, and a note.

    Raises
    ------
    GeoValueError
        When `ipywidgets` is not installed (extra `notebook`), no service is measured in minutes, or what is given is
        no analysis.

    Examples
    --------
    >>> box = geo.panel(analysis, lang="en")
    >>> [control.description for control in box.children[0].children]
    ['service', 'mode', 'limit, min', 'km/h']
    """
    try:
        import ipywidgets as widgets  # noqa: PLC0415 - an extra
    except ImportError as error:
        msg = 'geo.panel needs ipywidgets; install it with pip install "geo[notebook]"'
        raise GeoValueError(msg) from error
    if not hasattr(analysis, "coverage"):
        msg = f"geo.panel takes an analysis, not {type(analysis).__name__}; make one with geo.analyse(study)"
        raise GeoValueError(msg)
    timed = {code: service for code, service in analysis.services.items() if service.test == "minutes"}
    if not timed:
        msg = "no service of the analysis is measured in minutes: there is nothing to control"
        raise GeoValueError(msg)
    return _Controls(analysis, timed, widgets, lang).box


class _Controls:
    """The widgets of one panel; a change of one control is one question."""

    def __init__(self, analysis: Analysis, timed: dict[str, Any], widgets: Any, lang: Lang) -> None:  # noqa: ANN401
        self.analysis, self.lang, self.quiet = analysis, lang, False
        first, words = next(iter(timed.values())), subject("word", lang)
        names = [(service.name(lang), code) for code, service in timed.items()]
        modes = [(words.get(name, name), name) for name in analysis.study.modes]
        self.service = widgets.Dropdown(options=names, description=text("panel.service", lang))
        self.mode = widgets.Dropdown(options=modes, value=first.mode, description=text("panel.mode", lang))
        number = {"step": 1.0, "continuous_update": False}
        self.limit = widgets.BoundedFloatText(
            value=first.limit, min=1.0, max=_MOST_MINUTES, description=text("panel.limit", lang), **number
        )
        self.speed = widgets.BoundedFloatText(
            value=self._own_speed(), min=0.0, max=_MOST_KMH, description=text("panel.speed", lang), step=0.5
        )
        self.headline, self.note, self.map, self.table = (widgets.HTML() for _ in range(4))
        for control in (self.service, self.mode, self.limit, self.speed):
            control.layout = widgets.Layout(width="225px")
            control.style.description_width = "4.5em"
        wide, apart = {"width": "auto", "flex_flow": "row wrap"}, {"margin": "0 0 0 16px"}
        controls = widgets.HBox([self.service, self.mode, self.limit, self.speed], layout=wide)
        self.table.layout = widgets.Layout(**apart)
        shown = widgets.HBox([self.map, self.table], layout=wide)
        self.box = widgets.VBox([controls, self.headline, shown, self.note])
        self.service.observe(self._other_service, "value")
        self.mode.observe(self._other_mode, "value")
        for control in (self.limit, self.speed):
            control.observe(self._shown, "value")
        self._shown()

    def _own_speed(self) -> float:
        """Return the speed of the chosen mode; 0 where streets have speeds of their own."""
        return float(self.analysis.study.modes[self.mode.value].speed_kmh or 0.0)

    def _set(self, control: Any, value: object) -> None:  # noqa: ANN401
        """Set a control as the consequence of another: one question, not two."""
        self.quiet = True
        control.value = value
        self.quiet = False

    def _other_service(self, _: object) -> None:
        service = self.analysis.services[self.service.value]
        for control, value in ((self.mode, service.mode), (self.limit, service.limit)):
            self._set(control, value)
        self._set(self.speed, self._own_speed())
        self._shown()

    def _other_mode(self, _: object) -> None:
        if not self.quiet:
            self._set(self.speed, self._own_speed())
            self._shown()

    def _shown(self, _: object = None) -> None:
        if self.quiet:
            return
        self.headline.value = _said(text("panel.working", self.lang), "geo-working")
        speed = None if self.speed.value in {0.0, self._own_speed()} else self.speed.value
        try:
            found = what_if(
                self.analysis, self.service.value, mode=self.mode.value, limit=self.limit.value, speed_kmh=speed
            )
        except GeoValueError as error:
            # What was shown before answers another question.
            self.map.value = self.table.value = ""
            self.headline.value = _said(str(error), "geo-fault")
            return
        said = headline(found, self.lang)
        self.map.value = _picture(found, said, self.lang)
        self.table.value = _table(found, self.lang)
        self.note.value = _note(self._own_speed(), self.lang)
        self.headline.value = _said(said, "geo-headline")


def _said(words: str, kind: str) -> str:
    """Return one line of words as HTML."""
    style = "font-size:1.15em;line-height:1.8;font-weight:600"
    return f'<div class="{kind}" style="{style}">{html.escape(words)}</div>'


def _note(own_kmh: float, lang: Lang) -> str:
    """Say what the columns count, and what a speed of 0 means where streets have speeds of their own."""
    words = text("panel.note", lang) + (text("panel.own_speed", lang) if own_kmh == 0 else "")
    return f'<div style="opacity:.7;line-height:1.5">{html.escape(words)}</div>'


def headline(found: Scenario, lang: Lang = DEFAULT_LANG) -> str:
    """Return whom a scenario serves, with its basis, in one line."""
    counts, words = found.served(), subject("word", lang)
    share = words["not_assessed"] if counts["share"] != counts["share"] else f"{counts['share']:.1%}"
    group = words.get(found.service.demand[0], found.service.demand[0])
    values = {"service": found.service.name(lang), "group": group, "basis": found.basis(lang), "share": share}
    people = {"people": f"{counts['people']:,.0f}", "served": f"{counts['people_served']:,.0f}"}
    return text("panel.headline", lang, **values, **people)


def _picture(found: Scenario, said: str, lang: Lang) -> str:
    """Return the map as an image inside HTML; what it shows is also its alternative text."""
    file = io.BytesIO()
    found.plot(lang=lang).savefig(file, format="png", dpi=_DPI)
    data = base64.b64encode(file.getvalue()).decode("ascii")
    return f'<img class="geo-map" style="{_MAP}" alt="{html.escape(said)}" src="data:image/png;base64,{data}">'


def _table(found: Scenario, lang: Lang) -> str:
    """Return coverage by community, the least covered first; with those outside all add up to the last row."""
    rows, service = found.coverage, found.service
    rows = rows[(rows["demand"] == service.demand[0]) & (rows["limit_minutes"] == service.limit)]
    rows = rows[rows["mode"] == service.mode]
    parts = rows[rows["unit_kind"] == "community"].sort_values(["share", "unit_id"], na_position="last")
    beyond, whole = (rows[rows["unit_kind"] == kind] for kind in ("outside", "study"))
    beyond = beyond[beyond["people"] > 0].assign(unit_name=text("word.outside", lang))
    lines = [_line(row, lang) for row in (*parts.itertuples(), *beyond.itertuples())]
    total = "".join(_line(row, lang) for row in whole.assign(unit_name=text("panel.total", lang)).itertuples())
    words = ("word.community", "cli.head_people", "panel.served", "cli.head_share")
    heads = "".join(f'<th style="{_HEAD}">{html.escape(text(word, lang))}</th>' for word in words)
    return (
        f'<div style="max-height:640px;overflow:auto"><table class="geo-table" style="{_TABLE}">'
        f"<thead><tr>{heads}</tr></thead><tbody>{''.join(lines)}</tbody>"
        f'<tfoot style="font-weight:600;border-top:1px solid currentColor">{total}</tfoot></table></div>'
    )


def _line(row: Any, lang: Lang) -> str:  # noqa: ANN401 - a row of coverage as a named tuple
    """Return one row: name, people, of these served, share with a bar behind it."""
    unknown = row.share != row.share
    share = text("word.not_assessed", lang) if row.status == "not_assessed" else "—"
    share = share if unknown else f"{row.share:.1%}"
    # Nobody is told to be served or not where the streets are too thin to judge.
    served = "—" if unknown else f"{row.people_served:,.0f}"
    part = 0.0 if unknown else 100.0 * row.share
    bar = f"background:linear-gradient(to right,{_BAR} {part:.1f}%,transparent {part:.1f}%)"
    return (
        f'<tr><td style="{_CELL};text-align:left">{html.escape(str(row.unit_name))}</td>'
        f'<td style="{_CELL}">{row.people:,.0f}</td><td style="{_CELL}">{served}</td>'
        f'<td style="{_CELL};min-width:6em;{bar}">{html.escape(share)}</td></tr>'
    )
