"""What an OpenStreetMap file says of streets, as flat arrays: ways, their tags, barriers and forbidden turns."""

from __future__ import annotations

import bz2
import gzip
import zlib
from array import array
from struct import pack
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from geo import schema
from geo.errors import Fault, InputFaultsError
from geo.messages import Message

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
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
# What binds at some hours only has no place in minutes that hold all day.
_CONDITIONAL_KEYS = tuple(f"{key}:conditional" for key in _CAR_KEYS)
_HOUR_KEYS = ("hour_on", "day_on")

# The keys that say who may pass a barrier, the most specific first.
_BARRIER_KEYS = {
    "foot": ("foot", "access"),
    "bicycle": ("bicycle", "vehicle", "access"),
    "car": (*_CAR_NAMES, "access"),
}
# What stops them where no such tag is. Any other kind (gate, lift_gate, toll_booth, kerb …) stops nobody.
_WALLS = ("wall", "fence", "hedge", "city_wall", "retaining_wall")
_NARROW = ("stile", "horse_stile", "turnstile", "full-height_turnstile", "kissing_gate")
_WIDE = (
    *("bollard", "block", "jersey_barrier", "planter", "log", "debris", "chain", "rope", "bar", "barrier_board"),
    *("cycle_barrier", "motorcycle_barrier", "bus_trap", "sump_buster", "guard_rail", "cable_barrier", "ditch"),
)
STOPS = {"foot": _WALLS, "bicycle": (*_WALLS, *_NARROW), "car": (*_WALLS, *_NARROW, *_WIDE)}


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
    barriers
        Whom the barrier at a node stops, as `schema.STREET_SHUT` write it, by OpenStreetMap's ids; also nodes of no
        street.
    restrictions
        Those that bind cars at a node, as the file orders them.
    restrictions_skipped
        Those that bind cars, but by way of other ways, at some hours only, or whose members or kind are not as agreed.
    """

    ways: Ways
    node: NDArray[np.int64]
    vertices_missing: int
    barriers: dict[int, str]
    restrictions: list[Restriction]
    restrictions_skipped: int


class _Gathered(NamedTuple):
    """What the loop over a file appends to; `said` are the rows and texts of each tag, by number."""

    refs: array[int]
    lonlat: bytearray
    counts: array[int]
    ids: array[int]
    texts: list[str]
    said: list[tuple[array[int], array[int]]]
    barriers: dict[int, str]
    turns: list[Restriction | None]
    missing: int


def read(file: Path, *, where: str) -> Highways:
    """Read the highways, barriers and turn restrictions of a file, in one pass.

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
        refuse_bomb(file)
        gathered = _gather(file)
    except (RuntimeError, ValueError, OSError, EOFError, zlib.error, osmium.InvalidLocationError) as error:
        raise InputFaultsError([Fault(where, Message("streets.unreadable", {"why": str(error)}))]) from error
    return _highways(gathered)


def refuse_bomb(file: Path) -> None:
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


def opened(file: Path) -> Any:  # noqa: ANN401 - pyosmium states no types
    """Return a file as pyosmium opens it, its format by its ending."""
    import osmium  # noqa: PLC0415 - see read

    return osmium.io.File(str(file), _FORMATS.get(file.suffix.lower(), ""))


def _entities(file: Path) -> Iterator[Any]:
    """Yield the barriers, the highways, with places, and the turn restrictions."""
    import osmium  # noqa: PLC0415 - see read

    source = opened(file)
    kept = {
        osmium.osm.NODE: osmium.filter.KeyFilter("barrier"),
        osmium.osm.WAY: osmium.filter.KeyFilter("highway"),
        osmium.osm.RELATION: osmium.filter.TagFilter(("type", "restriction")),
    }
    found = osmium.FileProcessor(source).with_locations()
    for kind, only in kept.items():
        only.enable_for(kind)
        found = found.with_filter(only)
    yield from found


def _gather(file: Path) -> _Gathered:
    """Return what the file holds. The loop is pyosmium's own; all that it does is append to flat arrays."""
    refs, lonlat, counts, ids = array("q"), bytearray(), array("q"), array("q")
    codes: dict[str, int] = {}
    said = [(schema.STREET_TAG_KEYS.get(name, name), array("q"), array("q")) for name in schema.STREET_TAGS]
    barriers: dict[int, str] = {}
    turns: list[Restriction | None] = []
    missing = 0
    placed = reader_of_places()
    for entity in _entities(file):
        tag = entity.tags.get
        if entity.is_node():
            if stopped := stops(tag):
                barriers[entity.id] = stopped
            continue
        if entity.is_relation():
            if _binds_cars(tag):
                turns.append(_restriction(entity))
            continue
        nodes = entity.nodes
        known, places = placed(nodes)
        missing += len(nodes) - len(known)
        if len(known) < 2:  # noqa: PLR2004 - a line has two ends
            continue
        for key, rows, values in said:
            if text := tag(key):
                rows.append(len(ids))
                values.append(codes.setdefault(text, len(codes)))
        ids.append(entity.id)
        counts.append(len(known))
        refs.extend([nodes[at].ref for at in known])
        lonlat += places
    return _Gathered(
        refs, lonlat, counts, ids, list(codes), [(rows, values) for _, rows, values in said], barriers, turns, missing
    )


def _highways(found: _Gathered) -> Highways:
    """Return what has been gathered, with vertices numbered by place."""
    node, vertex = np.unique(np.frombuffer(found.refs, dtype=np.int64), return_inverse=True)
    offsets = np.concatenate([[0], np.cumsum(np.frombuffer(found.counts, dtype=np.int64))])
    lonlat = np.frombuffer(found.lonlat, dtype=np.float64).reshape(-1, 2)
    texts = np.array(found.texts, dtype=object)
    tags = {}
    for name, (rows, values) in zip(schema.STREET_TAGS, found.said, strict=True):
        tags[name] = np.full(len(found.ids), "", dtype=object)
        tags[name][np.frombuffer(rows, dtype=np.int64)] = texts[np.frombuffer(values, dtype=np.int64)]
    ids = np.frombuffer(found.ids, dtype=np.int64)
    ways = Ways(vertex.astype(np.int64), lonlat, offsets.astype(np.int64), ids, tags)
    restrictions = [turn for turn in found.turns if turn is not None]
    return Highways(ways, node, found.missing, found.barriers, restrictions, len(found.turns) - len(restrictions))


def reader_of_places() -> Callable[[Any], tuple[Sequence[int], bytes]]:
    """Return a function of a way's nodes: which have a known place, and these places (lon, lat as float64).

    A line as well-known binary takes one call a way, where asking each vertex takes five calls a vertex.
    """
    import osmium  # noqa: PLC0415 - see read

    as_hex, every = osmium.geom.WKBFactory().create_linestring, osmium.geom.ALL

    def placed(nodes: Any) -> tuple[Sequence[int], bytes]:  # noqa: ANN401 - pyosmium states no types
        try:
            return range(len(nodes)), bytes.fromhex(as_hex(nodes, every)[_WKB_HEAD:])
        except (RuntimeError, osmium.InvalidLocationError):  # a vertex alone, or one without a place
            known = [at for at, node in enumerate(nodes) if node.location.valid()]
            return known, b"".join(pack("=2d", nodes[at].lon, nodes[at].lat) for at in known)

    return placed


def stops(tag: Callable[[str], str | None]) -> str:
    """Return whom a barrier stops: foot, bicycle, car, ";" between; "" where everyone passes.

    Parameters
    ----------
    tag
        What the barrier says for a key; None or "" is silence. Of a list the first word counts.

    Notes
    -----
    What is private lets those pass who live there, and no tag says who they are: it stops nobody. Strangers do not
    drive through where the ways behind are private too (`access.Rules.ends_only`).

    Examples
    --------
    >>> stops({"barrier": "bollard"}.get)
    'car'
    >>> stops({"barrier": "gate", "access": "no", "motor_vehicle": "private"}.get)
    'foot;bicycle'
    """

    def word(key: str) -> str:
        return (tag(key) or "").split(";", 1)[0].strip().lower()

    kind, locked = word("barrier"), word("locked") == "yes"
    if word("highway") == "crossing":  # its tags are about those who cross the street
        return ""
    if word("bollard") == "rising":
        kind = "gate"
    found = []
    for who, keys in _BARRIER_KEYS.items():
        said = [word(key) for key in keys]
        closed, opened = _on_foot(*said) if who == "foot" else _on_wheels(next(filter(None, said), ""))
        if closed or ((locked or kind in STOPS[who]) and not opened):
            found.append(who)
    return ";".join(found)


def _on_foot(foot: str, access: str) -> tuple[bool, bool]:
    """Say whether tags shut walkers out, and whether they let them in: what they do to a street (`access`)."""
    stated = foot in schema.ACCESS_STATED and foot != "private"
    closed = foot in {"no", "none", "private"} or (access in {"no", "none", "military"} and not stated)
    return closed, stated or (not foot and access in schema.ACCESS_STATED)


def _on_wheels(said: str) -> tuple[bool, bool]:
    return said in schema.ACCESS_CLOSED, said in schema.ACCESS_STATED or said == "dismount"


def _binds_cars(tag: Callable[[str], str | None]) -> bool:
    """Say whether a restriction is one of cars: not of lorries or bicycles alone, and cars are not excepted."""
    excepted = {name.strip() for name in (tag("except") or "").split(";")}
    return any(map(tag, (*_CAR_KEYS, *_CONDITIONAL_KEYS))) and excepted.isdisjoint(_CAR_NAMES)


def _restriction(relation: Any) -> Restriction | None:  # noqa: ANN401 - pyosmium states no types
    """Return the turns that a relation restricts at a node; None where it is none of this kind."""
    tag = relation.tags.get
    kind = next((text for text in map(tag, _CAR_KEYS) if text), "")
    members: dict[tuple[str, str], list[int]] = {}
    for member in relation.members:
        members.setdefault((member.role, member.type), []).append(member.ref)
    from_ways, to_ways = (tuple(members.get((role, "w"), ())) for role in ("from", "to"))
    via, via_ways = (members.get(("via", of), []) for of in "nw")
    always = kind.startswith(("no_", "only_")) and not any(map(tag, _HOUR_KEYS))
    if not (always and from_ways and to_ways and len(via) == 1 and not via_ways):
        return None
    return Restriction(kind.startswith("only_"), from_ways, via[0], to_ways)
