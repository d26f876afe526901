"""What OpenStreetMap's servers answer about a place, asked through osmnx; the only room that uses a network for it."""

from __future__ import annotations

import socket
import tempfile
import time
import warnings
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, NamedTuple

from geo import __version__, osm_files
from geo.errors import Fault, InputFaultsError
from geo.messages import Message

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    import geopandas as gpd
    import requests
    import shapely

OVERPASS, NOMINATIM = "https://overpass-api.de/api", "https://nominatim.openstreetmap.org/"
_REACH_S, _ANSWER_S, _ALL_S = 10.0, 180, 1800.0  # to connect at all; for one answer; for everything together
_BUSY = frozenset({429, 504})
_BUSY_MOST = 2  # osmnx asks a busy server again every minute, for ever
_STREETS = '["highway"]'
_CHANGED = (
    *("overpass_url", "nominatim_url", "overpass_rate_limit", "doh_url_template", "use_cache", "cache_only_mode"),
    *("cache_folder", "requests_timeout", "requests_kwargs", "http_user_agent", "http_referer"),
    *("http_accept_language", "log_file", "log_console"),
)


class Servers(NamedTuple):
    """Where to ask: addresses of an Overpass and of a Nominatim."""

    overpass: str = OVERPASS
    nominatim: str = NOMINATIM


class Outline(NamedTuple):
    """A place: its polygon in degrees, and its name in full."""

    polygon: shapely.Geometry
    name: str


class StreetsFound(NamedTuple):
    """Streets as OpenStreetMap has them, in the order of their ids."""

    nodes: list[osm_files.Node]
    ways: list[osm_files.Way]
    restrictions: list[osm_files.Relation]


class UnansweredError(Exception):
    """A server that answers, but not with what was asked for."""


class Session:
    """A conversation with both servers; make one with :func:`session`.

    Attributes
    ----------
    servers
        Who is asked.
    date
        The day up to which the data of all answers are complete, `YYYY-MM-DD`; "" where no server said so.
    """

    def __init__(self, servers: Servers) -> None:
        self.servers = servers
        self.date = ""
        self._until = time.monotonic() + _ALL_S
        self._busy = 0
        self._elements: dict[tuple[str, int], dict[str, Any]] = {}

    def listen(self, response: requests.Response, *_: object, **__: object) -> None:
        """Take note of an answer; raise UnansweredError where it is none, or the server stays busy."""
        if time.monotonic() > self._until:
            response.close()
            msg = f"it took more than {_ALL_S:.0f} s"
            raise UnansweredError(msg)
        if response.status_code in _BUSY and self._busy < _BUSY_MOST:
            self._busy += 1
            return
        if not response.ok:
            response.close()
            msg = f"HTTP {response.status_code} {response.reason}"
            raise UnansweredError(msg)
        if response.request.method != "POST":
            return
        answer = response.json()
        if "remark" in answer:  # the server gave up half-way: what it sends is a part
            raise UnansweredError(str(answer["remark"]))
        dates = [self.date, str(answer.get("osm3s", {}).get("timestamp_osm_base", ""))[: len("YYYY-MM-DD")]]
        self.date = min((date for date in dates if date), default="")
        self._elements.update({(item["type"], item["id"]): item for item in answer["elements"]})

    def outline(self, place: str) -> Outline:
        """Return the polygon of a named place."""
        import osmnx  # noqa: PLC0415 - takes seconds

        with _told(self.servers.nominatim, place):
            found = osmnx.geocode_to_gdf(place)
        row = found.iloc[0]
        return Outline(row.geometry, str(row.get("display_name") or place))

    def streets(self, around: shapely.Geometry) -> StreetsFound:
        """Return the streets of an area, ways whole, with barriers and turn restrictions."""
        import osmnx  # noqa: PLC0415 - takes seconds

        self._elements = {}
        osmnx.settings.cache_only_mode = True  # the answers themselves are wanted, not the graph made of them
        try:
            with _told(self.servers.overpass, "streets"):
                _interrupted(osmnx.graph_from_polygon, around, custom_filter=_STREETS)
                ways = {number for kind, number in self._elements if kind == "way"}
                _interrupted(osmnx.features_from_polygon, around, {"type": "restriction"})
                return _streets(self._elements, ways)
        finally:
            osmnx.settings.cache_only_mode = False

    def features(self, around: shapely.Geometry, tags: Mapping[str, list[str]]) -> gpd.GeoDataFrame:
        """Return features with any of some tags: one row a feature, indexed by element and id, a column a tag."""
        import geopandas as gpd  # noqa: PLC0415 - takes seconds
        import osmnx  # noqa: PLC0415 - takes seconds

        with _told(self.servers.overpass, "features"):
            try:
                found = osmnx.features_from_polygon(around, dict(tags))
            except osmnx._errors.InsufficientResponseError:  # noqa: SLF001 - it is osmnx's word for "none"
                found = gpd.GeoDataFrame(geometry=[], crs=osmnx.settings.default_crs)
        return found[~found.index.duplicated()]  # a wide area is asked for in parts, and what lies in two comes twice


@contextmanager
def session(servers: Servers) -> Iterator[Session]:
    """Open a conversation with both servers; osmnx's settings are as before when it ends, and no file is left.

    Raises
    ------
    InputFaultsError
        When one of them, or both, cannot be reached; all that cannot be are named.
    """
    import osmnx  # noqa: PLC0415 - takes seconds

    manages_slots = _reached(servers)
    talk = Session(servers)
    kept = {name: getattr(osmnx.settings, name) for name in _CHANGED}
    resolver = socket.getaddrinfo  # osmnx puts its own in place
    with tempfile.TemporaryDirectory(prefix="geo-osm-") as scratch, warnings.catch_warnings():
        warnings.filterwarnings("ignore", "This area is", UserWarning)  # a wide area is asked for in parts: meant so
        wanted = {
            "overpass_url": servers.overpass,
            "nominatim_url": servers.nominatim,
            "overpass_rate_limit": manages_slots,
            "doh_url_template": None,
            "use_cache": False,
            "cache_only_mode": False,
            "cache_folder": scratch,
            "requests_timeout": _ANSWER_S,
            "requests_kwargs": {"hooks": {"response": talk.listen}},
            "http_user_agent": f"geo/{__version__}",
            "http_referer": f"geo/{__version__}",
            "http_accept_language": "zh,en",
            "log_file": False,
            "log_console": False,
        }
        try:
            for name, value in wanted.items():
                setattr(osmnx.settings, name, value)
            yield talk
        finally:
            for name, value in kept.items():
                setattr(osmnx.settings, name, value)
            socket.getaddrinfo = resolver


def _reached(servers: Servers) -> bool:
    """Say whether the Overpass shares out slots, which one has to wait for; raise where a server is out of reach."""
    import requests  # noqa: PLC0415 - only those who ask need it

    lost, said = [], {}
    for url in servers:
        try:
            response = requests.get(f"{url.rstrip('/')}/status", timeout=_REACH_S)
            said[url] = response.text if response.ok else ""
        except (requests.RequestException, ValueError, UnicodeError):
            lost.append(url)
    if lost:
        listed = ", ".join(dict.fromkeys(lost))
        raise InputFaultsError([Fault(listed, Message("fetch.unreached"))])
    return "slot" in said[servers.overpass].lower()


@contextmanager
def _told(server: str, asked: str) -> Iterator[None]:
    """Turn whatever goes wrong in a conversation into a fault that names the server and what was asked."""
    import requests  # noqa: PLC0415 - see _reached
    from osmnx import _errors as said  # noqa: PLC0415 - osmnx states its errors nowhere else

    try:
        yield
    except (requests.ConnectionError, requests.Timeout) as error:
        raise InputFaultsError([Fault(server, Message("fetch.unreached"))]) from error
    except TypeError as error:
        raise InputFaultsError([Fault(asked, Message("fetch.no_outline"))]) from error
    except said.InsufficientResponseError as error:
        raise InputFaultsError([Fault(asked, Message("fetch.not_found", {"server": server}))]) from error
    except (requests.JSONDecodeError, KeyError, AttributeError, IndexError) as error:
        raise InputFaultsError([Fault(server, Message("fetch.not_osm", {"why": _line(error)}))]) from error
    except (said.ResponseStatusCodeError, UnansweredError, requests.RequestException) as error:
        raise InputFaultsError([Fault(server, Message("fetch.unanswered", {"why": _line(error)}))]) from error
    except ValueError as error:
        raise InputFaultsError([Fault(server, Message("fetch.not_osm", {"why": _line(error)}))]) from error


def _line(error: Exception) -> str:
    """Return the words of an error in one line that is not too long."""
    most = 200
    plain = " ".join(str(error).split())
    return plain if len(plain) <= most else plain[:most] + "…"


def _interrupted(ask: Any, *given: object, **options: object) -> None:  # noqa: ANN401 - osmnx's functions
    """Ask without letting osmnx make anything of the answer."""
    from osmnx import _errors as said  # noqa: PLC0415 - see _told

    try:
        ask(*given, **options)
    except said.CacheOnlyInterruptError:
        return


def _streets(elements: Mapping[tuple[str, int], Mapping[str, Any]], ways: set[int]) -> StreetsFound:
    """Return the ways asked for, their nodes, and the restrictions that name one of them."""
    of = {kind: sorted(number for name, number in elements if name == kind) for kind in ("node", "way", "relation")}
    kept = [
        elements["way", number]
        for number in of["way"]
        if number in ways and "highway" in _tags(elements["way", number])
    ]
    used = {ref for way in kept for ref in way["nodes"]}
    turns = [
        osm_files.Relation(
            number, [(item["type"][0], item["ref"], item["role"]) for item in relation["members"]], _tags(relation)
        )
        for number, relation in ((number, elements["relation", number]) for number in of["relation"])
        if _tags(relation).get("type") == "restriction"
    ]
    own = {way["id"] for way in kept}
    nodes = (elements["node", number] for number in of["node"] if number in used)
    return StreetsFound(
        [osm_files.Node(node["id"], node["lon"], node["lat"], _tags(node)) for node in nodes],
        [osm_files.Way(way["id"], way["nodes"], _tags(way)) for way in kept],
        [turn for turn in turns if any(kind == "w" and ref in own for kind, ref, _ in turn.members)],
    )


def _tags(element: Mapping[str, Any]) -> dict[str, str]:
    return {str(key): str(value) for key, value in element.get("tags", {}).items()}
