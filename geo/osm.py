"""What an OpenStreetMap file says of streets, as flat arrays: ways, their tags, and forbidden turns."""

from __future__ import annotations

import bz2
import gzip
from array import array
from struct import pack
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from geo import schema
from geo.errors import Fault, InputFaultsError
from geo.messages import Message

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from numpy.typing import NDArray

_FORMATS = {".pbf": "pbf", ".osm": "osm", ".gz": "osm.gz", ".bz2": "osm.bz2"}
_UNPACK: dict[str, Any] = {".gz": gzip.open, ".bz2": bz2.open}
_MIB = 1 << 20
# A map shrinks to a tenth or so. What grows far beyond that was made to fill a memory.
_GROWTH, _GROWTH_FROM = 100, 64 * _MIB
_WKB_HEAD = 18  # hex digits before the coordinates of a line: byte order, kind, number of vertices

_CAR_NAMES = ("motorcar", "motor_vehicle", "vehicle")
_CAR_KEYS = (*(f"restriction:{name}" for name in _CAR_NAMES), "restriction")
# A turn that is forbidden at some hours only has no place in minutes that hold all day.
_TIMED_KEYS = (*(f"{key}:conditional" for key in _CAR_KEYS), "hour_on", "day_on")
_KINDS = ("no_", "only_")


class Ways(NamedTuple):
    """Lines as flat arrays: way `i` has the vertices `offsets[i]:offsets[i + 1]`.

    Attributes
    ----------
    vertex
        Number of the place of each vertex, from 0 without gaps; the same number is the same place.
    lonlat
        (n, 2) degrees, one a vertex.
    offsets
        (ways + 1,) into the vertices.
    way
        (ways,) ids.
    tags
        `schema.STREET_TAGS`, each (ways,) texts, "" where the source is silent.
    """

    vertex: NDArray[np.int64]
    lonlat: NDArray[np.float64]
    offsets: NDArray[np.int64]
    way: NDArray[np.int64]
    tags: dict[str, NDArray[np.object_]]


class Restriction(NamedTuple):
    """The turns at a node that a car may not make, or (`only`) the only ones that it may make."""

    only: bool
    from_ways: tuple[int, ...]
    via: int
    to_ways: tuple[int, ...]


class Highways(NamedTuple):
    """The streets of a file.

    Attributes
    ----------
    ways
        Those with the key `highway` and at least two vertices whose place is known, as the file orders them.
    node
        OpenStreetMap's id of each number in `ways.vertex`, rising.
    vertices_missing
        Vertices whose place the file does not hold (cut off at the extract's border).
    restrictions
        Those that bind cars at a node, as the file orders them.
    restrictions_skipped
        Those that bind cars, but by way of other ways, at some hours only, or whose members or kind are not as agreed.
    """

    ways: Ways
    node: NDArray[np.int64]
    vertices_missing: int
    restrictions: list[Restriction]
    restrictions_skipped: int


def read(file: Path, *, where: str) -> Highways:
    """Read the highways and the turn restrictions of a file, in one pass.

    Parameters
    ----------
    file
        `.osm.pbf`, `.osm`, `.osm.gz` or `.osm.bz2`; nodes stand before ways, as programs write them.
    where
        How the user wrote the file; for messages.

    Raises
    ------
    InputFaultsError
        When the file is truncated, not OpenStreetMap, or unpacks out of all proportion.
    """
    import osmium  # noqa: PLC0415 - only this reader needs it

    try:
        _refuse_bomb(file)
        return _gather(file)
    except (RuntimeError, ValueError, OSError, EOFError, osmium.InvalidLocationError) as error:
        raise InputFaultsError([Fault(where, Message("streets.unreadable", {"why": str(error)}))]) from error


def _refuse_bomb(file: Path) -> None:
    """Raise ValueError when a compressed file grows so much that parsing it would take hours, or all memory."""
    unpack = _UNPACK.get(file.suffix.lower())
    if unpack is None:
        return
    most = max(_GROWTH_FROM, _GROWTH * file.stat().st_size)
    size = 0
    with unpack(file, "rb") as stream:
        while size <= most and (block := stream.read(_MIB)):
            size += len(block)
    if size > most:
        msg = f"it unpacks to more than {_GROWTH} times its size"
        raise ValueError(msg)


def _entities(file: Path) -> Iterator[Any]:
    """Yield the highways, with places, and the turn restrictions."""
    import osmium  # noqa: PLC0415 - see read

    source = osmium.io.File(str(file), _FORMATS.get(file.suffix.lower(), ""))
    nodes, ways, relations = osmium.osm.NODE, osmium.osm.WAY, osmium.osm.RELATION
    streets, turns = osmium.filter.KeyFilter("highway"), osmium.filter.TagFilter(("type", "restriction"))
    streets.enable_for(ways)
    turns.enable_for(relations)
    found = osmium.FileProcessor(source, nodes | ways | relations).with_locations()
    yield from found.with_filter(osmium.filter.EntityFilter(ways | relations)).with_filter(streets).with_filter(turns)


def _gather(file: Path) -> Highways:
    """Return what the file holds. The loop is pyosmium's own; all that it does is append to flat arrays."""
    import osmium  # noqa: PLC0415 - see read

    as_hex, every = osmium.geom.WKBFactory().create_linestring, osmium.geom.ALL
    refs, lonlat, counts, ids = array("q"), bytearray(), array("q"), array("q")
    tags = _Tags()
    turns: list[Restriction | None] = []
    missing = 0
    for entity in _entities(file):
        if entity.is_relation():
            turns += _turns(entity)
            continue
        nodes = entity.nodes
        size = len(nodes)
        known = range(size)
        try:
            places = bytes.fromhex(as_hex(nodes, every)[_WKB_HEAD:]) if size > 1 else b""
        except osmium.InvalidLocationError:
            known, places = _known(nodes)
            missing += size - len(known)
        if len(known) < 2:  # noqa: PLR2004 - a line has two ends
            continue
        tags.add(len(ids), entity.tags.get)
        ids.append(entity.id)
        counts.append(len(known))
        refs.extend([nodes[at].ref for at in known])
        lonlat += places
    node, vertex = np.unique(np.frombuffer(refs, dtype=np.int64), return_inverse=True)
    offsets = np.concatenate([[0], np.cumsum(np.frombuffer(counts, dtype=np.int64))]).astype(np.int64)
    places = np.frombuffer(lonlat, dtype=np.float64).reshape(-1, 2)
