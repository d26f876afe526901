"""Streets → an OpenStreetMap file: nodes, ways, turn restrictions, the same bytes for the same streets."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path


class Node(NamedTuple):
    """A vertex: its id, its place in degrees and its tags."""

    id: int
    lon: float
    lat: float
    tags: Mapping[str, str]


class Way(NamedTuple):
    """A line: its id, the ids of its nodes, and its tags."""

    id: int
    nodes: list[int]
    tags: Mapping[str, str]


class Relation(NamedTuple):
    """A relation: its id, its members (type `n`, `w` or `r`, id, role), and its tags."""

    id: int
    members: list[tuple[str, int, str]]
    tags: Mapping[str, str]


def write(file: Path, nodes: Iterable[Node], ways: Iterable[Way], relations: Iterable[Relation]) -> None:
    """Write an OpenStreetMap file; its ending (`.osm.pbf`, `.osm`) says how.

    Entities are written as they come: readers want nodes, then ways, then relations, each with rising ids.
    """
    import osmium  # noqa: PLC0415 - only those who write need it
    from osmium.osm import mutable  # noqa: PLC0415 - see above

    with osmium.SimpleWriter(str(file), overwrite=True) as writer:
        for node in nodes:
            place = (node.lon, node.lat)
            writer.add_node(mutable.Node(id=node.id, version=1, location=place, tags=dict(node.tags)))
        for way in ways:
            writer.add_way(mutable.Way(id=way.id, version=1, nodes=way.nodes, tags=dict(way.tags)))
        for relation in relations:
            members = list(relation.members)
            writer.add_relation(mutable.Relation(id=relation.id, version=1, members=members, tags=dict(relation.tags)))
