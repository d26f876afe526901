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

    from geo.messages import Lang
    from geo.pipeline import Analysis

_MOST_MINUTES, _MOST_KMH = 60.0, 120.0


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
        Shown by a notebook. Its `children` are the row of controls, the headline, the map and the table.

    Raises
    ------
    GeoValueError
        When `ipywidgets` is not installed (extra `notebook`), or no service is measured in minutes.

    Examples
    --------
    >>> geo.panel(analysis)     # doctest: +SKIP
    """
    try:
        import ipywidgets as widgets  # noqa: PLC0415 - an extra
    except ImportError as error:
        msg = 'geo.panel needs ipywidgets; install it with pip install "geo[notebook]"'
        raise GeoValueError(msg) from error
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
        self.headline, self.map, self.table = widgets.HTML(), widgets.HTML(), widgets.HTML()
        controls = widgets.HBox([self.service, self.mode, self.limit, self.speed])
        self.box = widgets.VBox([controls, self.headline, widgets.HBox([self.map, self.table])])
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
        speed = None if self.speed.value in {0.0, self._own_speed()} else self.speed.value
        try:
            found = what_if(
                self.analysis, self.service.value, mode=self.mode.value, limit=self.limit.value, speed_kmh=speed
            )
        except GeoValueError as error:
            self.headline.value = html.escape(str(error))
            return
        said = headline(found, self.lang)
        self.headline.value = f'<b class="geo-headline">{html.escape(said)}</b>'
        self.map.value = _picture(found, said, self.lang)
        self.table.value = _table(found, self.lang)


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
    found.plot(lang=lang).savefig(file, format="png", dpi=80)
    data = base64.b64encode(file.getvalue()).decode("ascii")
    return f'<img class="geo-map" style="max-width:640px" alt="{html.escape(said)}" src="data:image/png;base64,{data}">'


def _table(found: Scenario, lang: Lang) -> str:
    """Return coverage by community, the least covered first."""
    rows, service = found.coverage, found.service
    rows = rows[(rows["unit_kind"] == "community") & (rows["demand"] == service.demand[0])]
    rows = rows[rows["limit_minutes"] == service.limit].sort_values(["share", "unit_id"])
    not_assessed = text("word.not_assessed", lang)
    lines = []
    for row in rows[["unit_name", "people", "share"]].itertuples(index=False):
        share = not_assessed if row.share != row.share else f"{row.share:.1%}"
        cells = (str(row.unit_name), f"{row.people:,.0f}", share)
        lines.append("<tr>" + "".join(f"<td>{html.escape(cell)}</td>" for cell in cells) + "</tr>")
    heads = (text("word.community", lang), text("cli.head_people", lang), text("cli.head_share", lang))
    top = "".join(f"<th>{html.escape(head)}</th>" for head in heads)
    return f'<div style="max-height:600px;overflow:auto"><table class="geo-table"><thead><tr>{top}</tr></thead><tbody>{"".join(lines)}</tbody></table></div>'
