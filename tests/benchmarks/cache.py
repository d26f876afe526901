"""What a benchmark prepares once and keeps: OpenStreetMap XML, Valhalla's programs and tiles.

The folder is $GEO_BENCH_CACHE, else `geo-benchmarks` in the user's cache folder.
"""

from __future__ import annotations

import hashlib
import os
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


class UnavailableError(Exception):
    """A peer or its data is not here; the text says why, and what would bring it."""


def folder() -> Path:
    """Return the cache folder, made if need be."""
    stated = os.environ.get("GEO_BENCH_CACHE")
    base = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    found = Path(stated) if stated else base / "geo-benchmarks"
    found.mkdir(parents=True, exist_ok=True)
    return found


def folder_of(file: Path) -> Path:
    """Return the folder of what is derived from a file: by its content, so that nothing goes stale."""
    digest = hashlib.sha256(file.read_bytes()).hexdigest()[:16]
    found = folder() / f"{file.name.split('.')[0]}-{digest}"
    found.mkdir(exist_ok=True)
    return found


def shared(name: str) -> Path:
    """Return a file of the real data beside the repository: $GEO_SHARED, else ../shared."""
    file = Path(os.environ.get("GEO_SHARED") or ROOT.parent / "shared") / "data" / name
    if not file.is_file():
        msg = f"no {name}: set GEO_SHARED to the folder of the real data"
        raise UnavailableError(msg)
    return file


def highways_xml(pbf: Path) -> Path:
    """Return the streets of a PBF as OpenStreetMap XML, which is all that osmnx reads from a file.

    Ways that are no `highway` are left out: osmnx would take them for streets.
    """
    import osmium  # noqa: PLC0415 - only this step needs it

    made = folder_of(pbf) / "highways.osm"
    if made.is_file():
        return made
    ways = [way.id for way in osmium.FileProcessor(str(pbf), osmium.osm.WAY) if "highway" in way.tags]
    wanted = osmium.IdTracker()
    for number in ways:
        wanted.add_way(number)
    wanted.complete_backward_references(str(pbf), relation_depth=0)
    part = made.with_name("part.osm")
    part.unlink(missing_ok=True)
    with osmium.SimpleWriter(str(part)) as writer:
        for thing in osmium.FileProcessor(str(pbf)).with_filter(wanted.id_filter()):
            writer.add(thing)
    return part.replace(made)
