"""Which zones were drawn before from the very same numbers: kept on disk by the hash of all that they depend on."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING, NamedTuple

import contourpy
import numpy as np
import scipy
import shapely

from geo import network as network_room, prepared

if TYPE_CHECKING:
    from collections.abc import Iterable

    from numpy.typing import NDArray

    from geo.barriers import Fence
    from geo.network import Network
    from geo.prepared import Part

# What another version of a library draws is not taken over.
_LIBRARIES = f"shapely {shapely.__version__} {shapely.geos_version_string} {contourpy.__version__} {scipy.__version__}"


class Zone(NamedTuple):
    """What was drawn of one ring.

    Attributes
    ----------
    shapes
        (n,) polygons: those of all facilities together, a band each, then those of single ones.
    minutes
        (rows, columns) single precision, as :class:`geo.grid.Surface` holds them.
    misplaced, misplaced_uniform
        Shares of people and of random points on the wrong side.
    """

    shapes: NDArray[np.object_]
    minutes: NDArray[np.float32]
    misplaced: float
    misplaced_uniform: float


def streets_key(net: Network, fence: Fence | None) -> str:
    """Return a hash of the streets of a mode, and of what access legs must not cross."""
    walls = () if fence is None else fence.arrays
    return prepared.key_of("streets", (repr(net.mode), *network_room.to_arrays(net).values(), *walls))


def key_of(parts: Iterable[Part]) -> str:
    """Return the name of a zone: a hash of all that it is drawn from, and of the libraries that draw."""
    return prepared.key_of("zone", (_LIBRARIES, *parts))


def load(key: str) -> Zone | None:
    """Return a zone drawn before; `None` where there is none, or none that is whole."""
    kept = prepared.load(key)
    if kept is None:
        return None
    content = kept["wkb"].tobytes()
    ends = np.concatenate([[0], np.cumsum(kept["sizes"])]).tolist()
    shapes = np.array(shapely.from_wkb([content[begin:end] for begin, end in pairwise(ends)]), dtype=object)
    misplaced, uniform = kept["errors"].tolist()
    return Zone(shapes, kept["minutes"].astype(np.float32, copy=False), misplaced, uniform)


def save(key: str, zone: Zone) -> None:
    """Keep a zone, whole or not at all."""
    packed = [bytes(shape) for shape in shapely.to_wkb(zone.shapes)]
    prepared.save(
        key,
        {
            "wkb": np.frombuffer(b"".join(packed), dtype=np.uint8),
            "sizes": np.array([len(each) for each in packed], dtype=np.int64),
            "minutes": zone.minutes,
            "errors": np.array([zone.misplaced, zone.misplaced_uniform]),
        },
    )
