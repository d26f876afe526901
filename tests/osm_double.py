"""An Overpass and a Nominatim on loopback that answer from an extract: as much of both as osmnx asks for.

Overpass: unions of `node|way|relation[filters](poly:'lat lon …')`, each with `>` or `(._;>;)`, out as JSON. Nominatim:
`/search` by the name of an area with a boundary. Anything else is answered with 400, so that a test sees it.
"""

from __future__ import annotations

import json
import re
import threading
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, urlsplit

import numpy as np
import osmium
import shapely

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

STATEMENT = re.compile(r"(node|way|relation)((?:\[[^\[\]]*\])+)\(poly:'([^']+)'\);")
FILTER = re.compile(r"""\[(['"])([^'"]+)\1(?:(=|!~|~)(['"])(.*?)\4)?\]""")
# What is left of a query once its statements are marked Q: one union of ways and their nodes, or one of such unions.
SHAPES = (
    re.compile(r"\[out:json\]\[timeout:\d+\];\(Q>;\);out;"),
    re.compile(r"\[out:json\]\[timeout:\d+\];\((?:\(Q\(\._;>;\);\);)+\);out;"),
)

Key = tuple[str, int]


class Extract:
    """Everything of an OpenStreetMap file, to be asked by tag and polygon."""

    def __init__(self, file: Path) -> None:
        self.elements: dict[Key, dict[str, Any]] = {}
        self.shapes: dict[Key, shapely.Geometry] = {}
        self.areas: list[tuple[str, shapely.Geometry]] = []
        self.newest = ""
        outline = osmium.geom.WKBFactory()
        for entity in osmium.FileProcessor(str(file)).with_areas():
            if entity.is_area():
                if entity.tags.get("boundary") and entity.tags.get("name"):
                    try:
                        drawn = bytes.fromhex(outline.create_multipolygon(entity))
                    except RuntimeError:  # cut off at the extract's border
                        continue
                    self.areas.append((entity.tags["name"], shapely.from_wkb(drawn)))
                continue
            self.newest = max(self.newest, f"{entity.timestamp:%Y-%m-%dT%H:%M:%SZ}")
            self._keep(entity)

    def _keep(self, entity: Any) -> None:
        kind = {"n": "node", "w": "way", "r": "relation"}[entity.type_str()]
        found: dict[str, Any] = {"type": kind, "id": entity.id}
        if kind == "node":
            found |= {"lat": round(entity.lat, 7), "lon": round(entity.lon, 7)}
            self.shapes[kind, entity.id] = shapely.Point(entity.lon, entity.lat)
        elif kind == "way":
            found["nodes"] = [node.ref for node in entity.nodes]
            places = [(node.lon, node.lat) for node in entity.nodes if node.location.valid()]
            if len(places) > 1:
                self.shapes[kind, entity.id] = shapely.LineString(places)
        else:
            kinds = {"n": "node", "w": "way", "r": "relation"}
            found["members"] = [
                {"type": kinds[member.type], "ref": member.ref, "role": member.role} for member in entity.members
            ]
        if len(entity.tags):
            found["tags"] = dict(entity.tags)
        self.elements[kind, entity.id] = found

    def matching(self, kind: str, filters: str, polygon: shapely.Geometry) -> list[Key]:
        shapely.prepare(polygon)
        asked = FILTER.findall(filters)
        assert "".join(f"[{q}{k}{q}{op}{r}{v}{r}]" for q, k, op, r, v in asked) == filters, filters
        tagged = [key for key, element in self.elements.items() if key[0] == kind and fits(element, asked)]
        return [key for key in tagged if self._touches(key, polygon)]

    def _touches(self, key: Key, polygon: shapely.Geometry) -> bool:
        if key in self.shapes:
            return bool(shapely.intersects(polygon, self.shapes[key]))
        members = self.elements[key].get("members", [])
        return any(
            shapely.intersects(polygon, self.shapes[member["type"], member["ref"]])
            for member in members
            if (member["type"], member["ref"]) in self.shapes
        )

    def below(self, keys: list[Key]) -> list[Key]:
        """Return what `>` adds: members of relations, and nodes of ways."""
        found: list[Key] = []
        for key in keys:
            element = self.elements[key]
            members = [(item["type"], item["ref"]) for item in element.get("members", []) if item["type"] != "relation"]
            here = [member for member in members if member in self.elements]
            found += here + [("node", ref) for way in (key, *here) for ref in self.elements[way].get("nodes", [])]
        return [key for key in found if key in self.elements]

    def answer(self, query: str) -> dict[str, Any] | None:
        """Return what Overpass would; None for a query that this double does not know."""
        if not any(shape.fullmatch(STATEMENT.sub("Q", query)) for shape in SHAPES):
            return None
        found: dict[Key, None] = {}
        for kind, filters, places in STATEMENT.findall(query):
            numbers = np.array(places.split(), dtype=float).reshape(-1, 2)
            keys = self.matching(kind, filters, shapely.Polygon(numbers[:, ::-1]))
            found |= dict.fromkeys([*keys, *self.below(keys)])
        order = {"node": 0, "way": 1, "relation": 2}
        listed = sorted(found, key=lambda key: (order[key[0]], key[1]))
        return {
            "version": 0.6,
            "osm3s": {"timestamp_osm_base": self.newest, "copyright": "OpenStreetMap, ODbL"},
            "elements": [self.elements[key] for key in listed],
        }

    def search(self, name: str) -> list[dict[str, Any]]:
        """Return what Nominatim would."""
        found = []
        for number, (called, shape) in enumerate(self.areas):
            if called != name:
                continue
            west, south, east, north = shape.bounds
            found.append(
                {
                    "place_id": number,
                    "lat": str(shape.centroid.y),
                    "lon": str(shape.centroid.x),
                    "importance": 1.0 / (number + 1),
                    "display_name": f"{name}, from a file",
                    "boundingbox": [str(south), str(north), str(west), str(east)],
                    "geojson": json.loads(shapely.to_geojson(shape)),
                }
            )
        return found


def fits(element: dict[str, Any], asked: list[tuple[str, ...]]) -> bool:
    tags = element.get("tags", {})
    for _, key, sign, _, value in asked:
        said = tags.get(key)
        if sign == "!~":
            good = said is None or re.search(value, said) is None
        elif sign == "~":
            good = said is not None and re.search(value, said) is not None
        else:
            good = said is not None and (not sign or said == value)
        if not good:
            return False
    return True


class Double(ThreadingHTTPServer):
    """Both servers on one port. `spoil` turns every answer of Overpass into another one, status and text."""

    daemon_threads = True
    spoil: tuple[int, str] | None = None

    def __init__(self, extract: Extract) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.extract = extract
        self.asked: list[str] = []

    @property
    def overpass(self) -> str:
        return f"http://127.0.0.1:{self.server_port}/api"

    @property
    def nominatim(self) -> str:
        return f"http://127.0.0.1:{self.server_port}/"


class _Handler(BaseHTTPRequestHandler):
    server: Double

    def _say(self, status: int, text: str) -> None:
        body = text.encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def do_GET(self) -> None:
        url = urlsplit(self.path)
        given = {name: values[0] for name, values in parse_qs(url.query).items()}
        if url.path == "/search" and given.get("format") == "json" and given.get("polygon_geojson") == "1":
            self._say(200, json.dumps(self.server.extract.search(given["q"])))
        else:
            self._say(200 if url.path in {"/status", "/api/status"} else 404, "OK")

    def do_POST(self) -> None:
        query = parse_qs(self.rfile.read(int(self.headers["Content-Length"])).decode())["data"][0]
        self.server.asked.append(query)
        if self.server.spoil is not None:
            self._say(*self.server.spoil)
            return
        found = self.server.extract.answer(query) if self.path == "/api/interpreter" else None
        self._say(*((400, "{}") if found is None else (200, json.dumps(found))))

    def log_message(self, *_: object) -> None:
        """Say nothing of each request."""


@contextmanager
def serving(extract: Extract) -> Iterator[Double]:
    """Answer from an extract until the block ends."""
    with Double(extract) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
        thread.start()
        try:
            yield server
        finally:
            server.shutdown()
            thread.join()
