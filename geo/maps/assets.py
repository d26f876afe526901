"""Which files the page is made of: vendored ones, unchanged and checked, and our own."""

from __future__ import annotations

import hashlib
import re
import tomllib
from functools import cache
from importlib import resources

from geo.errors import GeoValueError

_ROOM = "geo.maps"
_MANIFEST = "manifest.toml"
_CSS_URL = re.compile(r"url\([^)]*\)")
_CSS_COMMENT = re.compile(r"/\*.*?\*/", re.DOTALL)
_SOURCE_MAP = re.compile(r"^//# sourceMappingURL=.*$", re.MULTILINE)
_HOME_LINK = ' href="https://leafletjs.com"'

STYLE_FILES = ("page.css",)
SCRIPT_FILES = (
    "data.js",
    "words.js",
    "tables.js",
    "cards.js",
    "ways.js",
    "fence.js",
    "ink.js",
    "marks.js",
    "sheets.js",
    "streets.js",
    "areas.js",
    "layers.js",
    "legend.js",
    "asking.js",
    "matrix.js",
    "search.js",
    "measure.js",
    "keep.js",
    "fragment.js",
    "panel.js",
    "start.js",
)


@cache
def manifest() -> dict[str, dict[str, object]]:
    """Return name, version, licence and checksums of every vendored library, by its short name.

    Examples
    --------
    >>> manifest()["leaflet"]["licence"]
    'BSD-2-Clause'
    """
    return tomllib.loads(resources.files(_ROOM).joinpath("assets", _MANIFEST).read_text(encoding="utf-8"))


def checksums() -> dict[str, str]:
    """Return path → sha256 of every vendored file."""
    found: dict[str, str] = {}
    for library in manifest().values():
        sums = library["sha256"]
        if isinstance(sums, dict):
            found.update(sums)
    return found


def _vendored(path: str) -> str:
    """Return a vendored file as it was published.

    Raises
    ------
    GeoValueError
        When the file is not the one of the manifest.
    """
    content = resources.files(_ROOM).joinpath("assets", *path.split("/")).read_bytes()
    if hashlib.sha256(content).hexdigest() != checksums()[path]:
        msg = f"the bundled file {path} differs from its checksum in {_MANIFEST}; install geo again"
        raise GeoValueError(msg)
    return content.decode("utf-8").replace("\r\n", "\n")


def _own(name: str) -> str:
    return resources.files(_ROOM).joinpath("browser", name).read_text(encoding="utf-8")


@cache
def scripts() -> tuple[str, ...]:
    """Return the scripts of the page in their order, the vendored ones first, under their licence."""
    licence = _vendored("leaflet/LICENSE.txt")
    # A page that may not connect has no use for a source map or a link home.
    leaflet = _SOURCE_MAP.sub("", _vendored("leaflet/leaflet.js")).replace(_HOME_LINK, "")
    return tuple(_inline(text) for text in (f"/*! {licence}*/\n{leaflet}", *map(_own, SCRIPT_FILES)))


@cache
def styles() -> tuple[str, ...]:
    """Return the style sheets of the page; that of Leaflet loses its remarks and pictures, which the page does not use."""
    leaflet = _CSS_URL.sub("none", _CSS_COMMENT.sub("", _vendored("leaflet/leaflet.css")))
    return (leaflet, *map(_own, STYLE_FILES))


@cache
def furniture() -> str:
    """Return the static frame around the map: no text in it, only places for text."""
    return _own("furniture.html")


def _inline(script: str) -> str:
    """Return a script that may stand between script tags.

    Raises
    ------
    GeoValueError
        When it would end the tag before its end.
    """
    if re.search(r"</script|<!--|\r", script, re.IGNORECASE):
        msg = "a bundled script holds a closing script tag, a comment opener or a carriage return"
        raise GeoValueError(msg)
    return script
