"""Tiles of somebody else's map under the page, only where the user asks: whose, and what the page must allow.

A page with tiles asks for pictures at the host of their address, and at no other. A key, where an address needs one,
comes from the environment and stands in the page: such a page goes to nobody who may not have the key.
"""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from urllib.parse import quote, urlsplit

from geo.errors import Fault, InputFaultsError
from geo.messages import Message

KEY_VARIABLE = "GEO_TILES_KEY"
_TIANDITU = (
    "https://t{s}.tianditu.gov.cn/%(layer)s_w/wmts?SERVICE=WMTS&REQUEST=GetTile&VERSION=1.0.0&LAYER=%(layer)s"
    "&STYLE=default&TILEMATRIXSET=w&FORMAT=tiles&TILEMATRIX={z}&TILEROW={y}&TILECOL={x}&tk={key}"
)
KNOWN = {"tianditu": (("vec", "cva"), "01234567", "天地图")}  # streets and, above them, names
_PLACES = re.compile(r"\{(\w+)\}")
_ALLOWED = {"s", "x", "y", "z", "key"}
_HOST = re.compile(r"[A-Za-z0-9.-]+(:\d{1,5})?")
_CUSTOM_HOSTS = "abc"


@dataclass(frozen=True)
class Tiles:
    """Tiles that lie under the page.

    Attributes
    ----------
    urls
        Addresses with `{x}`, `{y}`, `{z}` and maybe `{s}` open, the lowest layer first.
    subdomains
        What `{s}` stands for by turns.
    gcj02
        Whether they are drawn in GCJ-02: the page's own layers are then moved there.
    credit
        Whose they are, as the page says.
    """

    urls: tuple[str, ...]
    subdomains: str
    gcj02: bool
    credit: str

    @property
    def origins(self) -> list[str]:
        """Scheme and host of everything that may be asked for."""
        found = []
        for url in self.urls:
            for letter in self.subdomains if "{s}" in url else " ":
                parts = urlsplit(url.replace("{s}", letter))
                found.append(f"{parts.scheme}://{parts.netloc}")
        return list(dict.fromkeys(found))


def tiles(source: str, *, gcj02: bool = False) -> Tiles:
    """Return tiles by a name of KNOWN or an address with `{x}`, `{y}`, `{z}`, maybe `{s}` and `{key}`.

    Parameters
    ----------
    source
        `tianditu`, or an address of XYZ tiles in Web Mercator.
    gcj02
        Whether they are drawn in GCJ-02, as those of Chinese companies are.

    Raises
    ------
    InputFaultsError
        When the address is none, or the key that it needs is not in the environment (GEO_TILES_KEY).

    Examples
    --------
    >>> tiles("https://tiles.example.org/{z}/{x}/{y}.png").origins
    ['https://tiles.example.org']
    """
    if source in KNOWN:
        layers, subdomains, credit = KNOWN[source]
        found = Tiles(tuple(_TIANDITU % {"layer": layer} for layer in layers), subdomains, gcj02, credit)
    else:
        found = Tiles((source,), _CUSTOM_HOSTS, gcj02, urlsplit(source).netloc)
    key = os.environ.get(KEY_VARIABLE, "")
    faults = next((faults for url in found.urls if (faults := _faults(url, source, key))), [])
    if faults:
        raise InputFaultsError(faults)
    urls = tuple(url.replace("{key}", quote(key, safe="")) for url in found.urls)
    return Tiles(urls, found.subdomains, gcj02, found.credit)


def _faults(url: str, source: str, key: str) -> list[Fault]:
    parts = urlsplit(url)
    places = set(_PLACES.findall(url))
    plain_host = _HOST.fullmatch(parts.netloc.replace("{s}", "a"))
    if parts.scheme not in {"http", "https"} or not plain_host or not {"x", "y", "z"} <= places <= _ALLOWED:
        return [Fault(source, Message("map.tiles_no_address", {"known": ", ".join(KNOWN)}))]
    if "{key}" in url and not key:
        return [Fault(source, Message("map.tiles_no_key", {"variable": KEY_VARIABLE}))]
    return []
