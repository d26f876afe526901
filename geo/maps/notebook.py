"""How a notebook shows the page: as a folium map that compiles no text of the data.

folium compiles what it is given as a template, twice, and writes it into HTML. This map is given the finished
page, and takes no layer that folium would compile.
"""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING

import folium
from branca.element import Figure

from geo.errors import GeoValueError

if TYPE_CHECKING:
    from branca.element import Element

_FRAME_HEIGHT = "720px"
_TITLE = "map.html"
_ALOOF = "<noscript><style>body { display: none !important; }</style></noscript>"


class _Page(Figure):
    """A page that is already written."""

    def __init__(self, text: str, *, still: str) -> None:
        super().__init__(width="100%", height=_FRAME_HEIGHT)
        self.text = text
        self.still = still

    def render(self, **_: object) -> str:
        return self.text

    def _repr_html_(self, **_: object) -> str:
        """Return the page in a frame that lies upon the still.

        A notebook that is not trusted drops the frame; where only scripts are blocked, the page in it hides itself.
        """
        framed = self.text.replace("</head>", f"{_ALOOF}</head>", 1)
        return (
            f'<div style="position:relative;width:100%;height:{_FRAME_HEIGHT};overflow:auto">{self.still}'
            f'<iframe srcdoc="{escape(framed)}" style="position:absolute;inset:0;width:100%;height:100%;border:0" '
            f'title="{escape(_TITLE)}"></iframe></div>'
        )


class CountyMap(folium.Map):
    """A folium map of results whose page is complete, offline and the same on every run.

    Made by :func:`geo.maps.folium_map`. It is a `folium.Map` in all that reads it (`save`, `get_root`, the
    notebook's display), but takes no layers: folium would compile their text.
    """

    def __init__(self, page: str, *, centre: tuple[float, float], still: str = "") -> None:
        super().__init__(location=centre, tiles=None)
        _Page(page, still=still).add_child(self)

    def render(self, **_: object) -> str:
        """Return nothing: the page that holds this map says everything."""
        return ""

    def add_child(self, child: Element, name: str | None = None, index: int | None = None) -> Element:
        """Refuse every layer.

        Raises
        ------
        GeoValueError
            Always.
        """
        del name, index
        msg = (
            f"this map takes no {type(child).__name__}: folium compiles the text of its layers as templates. "
            "Draw further layers on a folium.Map of your own, or add them to the study"
        )
        raise GeoValueError(msg)
