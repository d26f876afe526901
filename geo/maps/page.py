"""How the page is put together: a strict policy, styles, a frame, scripts, and the data packed in an inert block.

Nothing of the data is ever compiled: our own script reads the block. The page is written without folium, which
takes longer to import than the page to write; :mod:`geo.maps.notebook` shows the same page as a folium map.
"""

from __future__ import annotations

import base64
import hashlib
import json
import re
from html import escape
from typing import TYPE_CHECKING, Any

from geo import messages
from geo.maps import assets, payload

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from geo.maps.background import Tiles
    from geo.maps.notebook import CountyMap
    from geo.messages import Lang
    from geo.results import Results

MAP_NAME = "county_map"
BLOCK_NAME = "county"
_HTML_LANG = {"zh": "zh-CN", "en": "en"}
_VIEW = (
    "crs: L.CRS.EPSG3857, zoom: 12, zoomControl: false, preferCanvas: true, attributionControl: false, "
    "zoomSnap: 0.1, zoomDelta: 0.5, wheelPxPerZoomLevel: 90"
)


def map_page(results: Results, *, lang: Lang = "zh", tiles: Tiles | None = None) -> str:
    """Return the map of a study's results as one HTML page.

    The page asks for nothing outside itself, shows all text of the data as text, and is the same, byte
    for byte, for the same results.

    Parameters
    ----------
    results
        Results in the study's metric CRS; shown in WGS 84, drawn in Web Mercator.
    lang
        `zh` or `en`.
    tiles
        Tiles under the map from :func:`geo.maps.background.tiles`; without them the page asks for nothing.

    Returns
    -------
    The text of the page, to be stored as UTF-8.
    """
    return _page(payload.build(results, lang=lang, tiles=tiles), lang, tiles)


def page_sizes(page: str) -> dict[str, int]:
    """Return how many bytes each layer of a page takes as it stands there, the largest first.

    Parameters
    ----------
    page
        The text of a page from :func:`map_page`.

    Returns
    -------
    `first` (units, numbers, points, and the bands and gaps that the page opens with), `areas` (all other bands
    and gaps), `streets`, `graphs` (what the page searches), and `program` (scripts, styles, words).
    """
    found = re.findall(rf'id="{BLOCK_NAME}_(\w+)">([^<]*)<', page)
    sizes = {"first" if name == "data" else name: len(letters) for name, letters in found}
    sizes["program"] = len(page.encode("utf-8", errors="replace")) - sum(sizes.values())
    return dict(sorted(sizes.items(), key=lambda item: (-item[1], item[0])))


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
    from geo.maps.notebook import CountyMap  # noqa: PLC0415 - imports folium
    from geo.maps.still import still  # noqa: PLC0415 - only a notebook needs it

    content = payload.build(results, lang=lang)
    return CountyMap(_page(content, lang), centre=_centre(content), still=still(results, content))


def _centre(content: Mapping[str, Any]) -> tuple[float, float]:
    """Return latitude and longitude of the middle of the page's bounds."""
    west, south, east, north = content["bounds"]
    return (south + north) / 2, (west + east) / 2


def _page(content: dict[str, Any], lang: Lang, tiles: Tiles | None = None) -> str:
    scripts = [*assets.scripts(), *_calls(content)]
    label = escape(messages.text("map.map", lang))
    blocks = payload.blocks(content)
    lines = [
        "<!DOCTYPE html>",
        f'<html lang="{_HTML_LANG[lang]}">',
        "<head>",
        '<meta charset="utf-8">',
        f'<meta http-equiv="Content-Security-Policy" content="{_policy(scripts, [] if tiles is None else tiles.origins)}">',
        '<meta name="viewport" content="width=device-width, initial-scale=1">',
        '<meta name="referrer" content="no-referrer">',
        f"<title>{escape(messages.text('map.page_title', lang))}</title>",
        *(f"<style>{style}</style>" for style in assets.styles()),
        "</head>",
        "<body>",
        f'<div class="folium-map" id="{MAP_NAME}" role="region" aria-label="{label}"></div>',
        f"{_furniture(lang)}<noscript>{escape(messages.text('map.no_script', lang))}</noscript>",
        _block("data", blocks["data"]),
        *(f"<script>{script}</script>" for script in scripts),
        # the first view is drawn while the browser still reads these
        *(_block(name, blocks[name]) for name in payload.LATER),
        "</body>",
        "</html>",
    ]
    return "\n".join(lines) + "\n"


def _block(name: str, letters: str) -> str:
    return f'<script type="application/octet-stream" id="{BLOCK_NAME}_{name}">{letters}</script>'


def _furniture(lang: Lang) -> str:
    """Return the frame around the map, with the words that it holds before the scripts run."""
    texts = messages.subject("map", lang)
    return re.sub(r"@(\w+)@", lambda place: escape(texts[place[1]]), assets.furniture())


def _calls(content: Mapping[str, Any]) -> tuple[str, str]:
    """Return the scripts that make the map and show the data on it."""
    centre = json.dumps(_centre(content))
    return (
        f'var {MAP_NAME} = L.map("{MAP_NAME}", {{center: {centre}, {_VIEW}}});',
        f'geoMap.start({MAP_NAME}, "{BLOCK_NAME}");',
    )


def _policy(scripts: Sequence[str], pictures: Sequence[str] = ()) -> str:
    """Return the content security policy: these scripts, its own styles and pictures (and those of tiles), no connection."""
    sums = (base64.b64encode(hashlib.sha256(text.encode("utf-8")).digest()).decode("ascii") for text in scripts)
    hashes = " ".join(f"'sha256-{value}'" for value in sums)
    images = " ".join(["data:", "blob:", *pictures])
    return (
        f"default-src 'none'; script-src {hashes}; style-src 'unsafe-inline'; img-src {images}; "
        "font-src data:; connect-src 'none'; base-uri 'none'; form-action 'none'"
    )
