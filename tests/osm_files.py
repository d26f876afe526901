"""Small OpenStreetMap files, written by hand and read as streets."""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from worlds import METRIC

from geo import schema, streets

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    import geopandas as gpd

Ways = dict[int, tuple[list[int], dict[str, str]]]
Turn = tuple[dict[str, str], list[tuple[str, str, int]]]  # tags; members: type, role, id

# Nodes 1 to 6 lie on one parallel, a thousandth of a degree apart; 7 and 8 north of 2 and 3; 9 is 8 again.
PLACES = {n: (118.0 + n / 1000, 25.3) for n in range(1, 7)}
PLACES |= {7: (118.002, 25.301), 8: (118.003, 25.301), 9: (118.003, 25.301)}


def tagged(tags: dict[str, str]) -> str:
    return "".join(f'<tag k="{k}" v="{v}"/>' for k, v in tags.items())


def osm(
    ways: Ways,
    *turns: Turn,
    without: tuple[int, ...] = (),
    barriers: Mapping[int, dict[str, str]] = MappingProxyType({}),
) -> str:
    listed = [
        f'<node id="{n}" version="1" lon="{lon}" lat="{lat}">{tagged(barriers.get(n, {}))}</node>'
        for n, (lon, lat) in PLACES.items()
        if n not in without
    ]
    for way, (refs, tags) in ways.items():
        inside = "".join(f'<nd ref="{ref}"/>' for ref in refs) + tagged(tags)
        listed.append(f'<way id="{way}" version="1">{inside}</way>')
    for number, (tags, members) in enumerate(turns, start=1):
        inside = "".join(f'<member type="{kind}" ref="{ref}" role="{role}"/>' for kind, role, ref in members)
        listed.append(
            f'<relation id="{number}" version="1">{inside}{tagged({"type": "restriction", **tags})}</relation>'
        )
    return '<?xml version="1.0" encoding="UTF-8"?><osm version="0.6">' + "".join(listed) + "</osm>"


def read(folder: Path, ways: Ways, *turns: Turn, sphere_m: float | None = None, **options: Any) -> gpd.GeoDataFrame:
    file = folder / "streets.osm"
    file.write_text(osm(ways, *turns, **options), encoding="utf-8")
    return streets.read_osm(file, crs=METRIC, where="streets.osm", sphere_m=sphere_m)


# Four arms meet at node 2: from the west, to the east, from the north, and a footway.
CROSSING: Ways = {
    10: ([1, 2], {"highway": "primary"}),
    11: ([2, 3], {"highway": "primary"}),
    12: ([2, 7], {"highway": "residential"}),
    13: ([8, 2], {"highway": "footway"}),
}


def restriction(kind: str, start: int, via: int, end: int, **tags: str) -> Turn:
    return {"restriction": kind, **tags}, [("way", "from", start), ("node", "via", via), ("way", "to", end)]


def forbidden(pieces: gpd.GeoDataFrame) -> dict[tuple[int, str], str]:
    """Return what each piece's ends forbid: by row, and `start` or `end`."""
    return _by_end(pieces, schema.STREET_TURNS)


def shut(pieces: gpd.GeoDataFrame) -> dict[tuple[int, str], str]:
    """Return who cannot pass each piece's ends: by row, and `start` or `end`."""
    return _by_end(pieces, schema.STREET_SHUT)


def _by_end(pieces: gpd.GeoDataFrame, names: tuple[str, str]) -> dict[tuple[int, str], str]:
    return {
        (row, end): text
        for name, end in zip(names, ("start", "end"), strict=True)
        for row, text in enumerate(pieces[name])
        if text != ""
    }


def counted(pieces: gpd.GeoDataFrame) -> tuple[int, int]:
    return pieces.attrs["restrictions_read"], pieces.attrs["restrictions_skipped"]
