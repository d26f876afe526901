"""How the page is put together: a folium map that compiles no text of the data and links to nothing.

folium compiles what it is given as a template, twice, and writes it into HTML. Here every template is
static and rendered once, and the data lie packed in an inert block that our own script reads.
"""

from __future__ import annotations

import base64
import hashlib
from html import escape
from typing import TYPE_CHECKING, Any, ClassVar

import folium
from branca.element import Element, Figure, MacroElement
from folium.template import Template

from geo import messages
from geo.errors import GeoValueError
from geo.maps import assets, payload

if TYPE_CHECKING:
    from geo.messages import Lang
    from geo.results import Results

MAP_NAME = "county_map"
DATA_NAME = "county_data"
_HTML_LANG = {"zh": "zh-CN", "en": "en"}
_FRAME_HEIGHT = "720px"


class _Inert(Element):
    """Text that is written as it is: never parsed as a template."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.text = text

    def render(self, **_: object) -> str:
        return self.text


class _RenderedOnce(MacroElement):
    """An element of the map whose static template is rendered once, its result taken as text."""

    own_name: ClassVar[str]

    def get_name(self) -> str:
        """Return a name that is the same on every run."""
        return self.own_name

    def render(self, **kwargs: object) -> str:
        """Hand header, body and script of this element and its children to the page; nothing is left to return."""
        page = self.get_root()
        module = self._template.module
        for part in ("header", "html", "script"):
            macro = getattr(module, part, None)
            if macro is not None:
                getattr(page, part).add_child(_Inert(str(macro(self, kwargs))), name=self.get_name())
        for child in self._children.values():
            child.render(**kwargs)
        return ""


class _Page(Figure):
    """A whole page: strict policy, styles, map, data, scripts; nothing else gets in."""

    def __init__(self, lang: Lang) -> None:
        super().__init__(width="100%", height=_FRAME_HEIGHT)
        self.lang = lang

    def render(self, **kwargs: object) -> str:
        for child in self._children.values():
            child.render(**kwargs)
        scripts = [*assets.scripts(), *(child.render() for child in self.script._children.values())]  # noqa: SLF001 - our base
        body = [child.render() for child in self.html._children.values()]  # noqa: SLF001 - our base
        lines = [
            "<!DOCTYPE html>",
            f'<html lang="{_HTML_LANG[self.lang]}">',
            "<head>",
            '<meta charset="utf-8">',
            f'<meta http-equiv="Content-Security-Policy" content="{_policy(scripts)}">',
            '<meta name="viewport" content="width=device-width, initial-scale=1">',
            '<meta name="referrer" content="no-referrer">',
            f"<title>{escape(messages.text('map.page_title', self.lang))}</title>",
            *(f"<style>{style}</style>" for style in assets.styles()),
            "</head>",
            "<body>",
            *body,
            *(f"<script>{script}</script>" for script in scripts),
            "</body>",
            "</html>",
        ]
        return "\n".join(lines) + "\n"


def _policy(scripts: list[str]) -> str:
    """Return the content security policy: these scripts, the page's own styles and pictures, no connection."""
    sums = (base64.b64encode(hashlib.sha256(text.encode("utf-8")).digest()).decode("ascii") for text in scripts)
    hashes = " ".join(f"'sha256-{value}'" for value in sums)
    return (
        f"default-src 'none'; script-src {hashes}; style-src 'unsafe-inline'; img-src data: blob:; "
        "font-src data:; connect-src 'none'; base-uri 'none'; form-action 'none'"
    )


class ResultsLayer(_RenderedOnce):
    """The results on the map: an inert block of data, and the call of the script that shows it."""

    own_name = DATA_NAME
    _template = Template(
        """{% macro html(this, kwargs) -%}
{{ this.furniture }}<noscript>{{ this.no_script }}</noscript>
<script type="application/octet-stream" id="{{ this.get_name() }}">{{ this.packed }}</script>
{%- endmacro %}
{% macro script(this, kwargs) -%}
geoMap.start({{ this._parent.get_name() }}, {{ this.get_name()|tojson }});
{%- endmacro %}"""
    )

    def __init__(self, packed: str, *, lang: Lang) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.packed = packed
        self.furniture = assets.furniture().replace("@too_old@", escape(messages.text("map.too_old", lang)))
        self.no_script = escape(messages.text("map.no_script", lang))


class CountyMap(_RenderedOnce, folium.Map):
    """A folium map of results whose page is complete, offline and the same on every run.

    Made by :func:`folium_map`. It is a `folium.Map` in all that reads it (`save`, `get_root`, the
    notebook's display), but takes no layers other than its own: folium would compile their text.
    """

    own_name = MAP_NAME
    default_js = []  # noqa: RUF012 - declared by the base as it is
    default_css = []  # noqa: RUF012 - declared by the base as it is
    _template = Template(
        """{% macro html(this, kwargs) -%}
<div class="folium-map" id="{{ this.get_name() }}"></div>
{%- endmacro %}
{% macro script(this, kwargs) -%}
var {{ this.get_name() }} = L.map({{ this.get_name()|tojson }}, Object.assign(
  {center: {{ this.location|tojson }}, crs: L.CRS.{{ this.crs }}}, {{ this.options|tojavascript }}));
{%- endmacro %}"""
    )

    def __init__(self, layer: ResultsLayer, *, centre: tuple[float, float], lang: Lang) -> None:
        folium.Map.__init__(
            self,
            location=centre,
            tiles=None,
            zoom_start=12,
            prefer_canvas=True,
            zoom_control=False,
            attribution_control=False,
            max_zoom=19,
            zoom_snap=0.1,
            zoom_delta=0.5,
            wheel_px_per_zoom_level=90,
        )
        _Page(lang).add_child(self)
        self.add_child(layer)

    def add_child(self, child: Element, name: str | None = None, index: int | None = None) -> Element:
        """Add the layer of results; any other one is refused.

        Raises
        ------
        GeoValueError
            For a layer of folium's own.
        """
        if not isinstance(child, _RenderedOnce):
            msg = (
                f"this map takes no {type(child).__name__}: folium compiles the text of its layers as templates. "
                "Draw further layers on a folium.Map of your own, or add them to the study"
            )
            raise GeoValueError(msg)
        return super().add_child(child, name=name, index=index)


def folium_map(results: Results, *, lang: Lang = "zh") -> CountyMap:
    """Return the map of a study's results as a `folium.Map`.

    Parameters
    ----------
    results
        Results in the study's metric CRS; shown in WGS 84, drawn in Web Mercator.
    lang
        `zh` or `en`.

    Returns
    -------
    A map whose page is exactly :func:`map_page`; Jupyter shows it inline.
    """
    content = payload.build(results, lang=lang)
    west, south, east, north = content["bounds"]
    layer = ResultsLayer(payload.packed(content), lang=lang)
    return CountyMap(layer, centre=((south + north) / 2, (west + east) / 2), lang=lang)


def map_page(results: Results, *, lang: Lang = "zh") -> str:
    """Return the map of a study's results as one HTML page.

    The page asks for nothing outside itself, shows all text of the data as text, and is the same, byte
    for byte, for the same results.

    Parameters
    ----------
    results
        Results in the study's metric CRS; shown in WGS 84, drawn in Web Mercator.
    lang
        `zh` or `en`.

    Returns
    -------
    The text of the page, to be stored as UTF-8.
    """
    page: Any = folium_map(results, lang=lang).get_root()
    return str(page.render())
