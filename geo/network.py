"""The streets that one way of moving may use, as frozen arrays: the thing that is searched.

Who may use what (tags as OpenStreetMap's routers read them):

=========  =====================================================================================
on foot    every street but motorways and their links, `motorroad=yes`, streets being built,
           `foot=no|private`, and `access=no` without a `foot` tag that allows; one-ways do not bind
bicycle    as on foot, without steps; foot ways only where `bicycle` allows; one-ways bind unless
           `oneway:bicycle=no`
car        the classes of `modes.CAR_KMH`; `motor_vehicle` or `access` = no or private forbid;
           one-ways, roundabouts and motorways bind
=========  =====================================================================================
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
import shapely
from scipy import sparse
from scipy.sparse import csgraph

from geo import modes, units
from geo.errors import GeoValueError
from geo.line_index import LineIndex

if TYPE_CHECKING:
    import geopandas as gpd
    import pyproj
    from numpy.typing import NDArray

    from geo.modes import Mode

BoolArray = "NDArray[np.bool_]"
FloatArray = "NDArray[np.float64]"

_NEVER = ("construction", "proposed", "planned", "razed", "abandoned", "disused", "raceway", "bus_guideway", "platform")
_MOTORWAY = ("motorway", "motorway_link")
_ALLOW = ("yes", "designated", "permissive", "official", "destination")
_FORBID = ("no", "private", "use_sidepath")
_FOOT_WAYS = ("footway", "pedestrian", "bridleway", "corridor")
_FORWARD = ("yes", "1", "true")
_REVERSE = ("-1", "reverse")
ISLAND_M = 1000.0


@dataclass(frozen=True, eq=False)
class Network:
    """The edges that a mode may use; build one with :func:`build`.

    Attributes
    ----------
    mode
        Whose network it is.
    crs
        Metric CRS of the lines.
    node_count
        Nodes are numbered from 0 to this.
    start, end
        (edges,) node numbers.
    length_m
        (edges,) ellipsoidal length.
    minutes_forward, minutes_backward
        (edges,) minutes from start to end and back; `inf` where that way is not allowed.
    lines
        (edges,) LineStrings, from start to end.
    piece
        (edges,) row of the street piece.
    island
        (edges,) whether the edge lies on a component too small to matter.
    """

    mode: Mode
    crs: pyproj.CRS
    node_count: int
    start: NDArray[np.int64]
    end: NDArray[np.int64]
    length_m: NDArray[np.float64]
    minutes_forward: NDArray[np.float64]
    minutes_backward: NDArray[np.float64]
    lines: NDArray[np.object_]
    piece: NDArray[np.int64]
    island: NDArray[np.bool_]

    def __post_init__(self) -> None:
        for name in ("start", "end", "length_m", "minutes_forward", "minutes_backward", "piece", "island"):
            getattr(self, name).flags.writeable = False

    def __repr__(self) -> str:
        km = self.length_m.sum() / units.METRES_PER_KM
        return f"<Network {self.mode.name}: {len(self.start)} edges, {km:.1f} km, {self.crs.to_string()}>"

    @cached_property
    def leaving(self) -> sparse.csr_array:
        """Minutes from node to node, in the direction of travel; parallel edges keep the fastest."""
        return _matrix(self.start, self.end, self.minutes_forward, self.minutes_backward, self.node_count)

    @cached_property
    def arriving(self) -> sparse.csr_array:
        """The same with every arc turned round: to search from where journeys end."""
        return _matrix(self.start, self.end, self.minutes_backward, self.minutes_forward, self.node_count)

    @cached_property
    def main_index(self) -> tuple[LineIndex, NDArray[np.intp]]:
        """Nearest-line index of the edges that matter, and their edge numbers."""
        edges = np.flatnonzero(~self.island)
        return LineIndex.of(self.lines[edges]), edges

    @cached_property
    def island_index(self) -> tuple[LineIndex, NDArray[np.intp]]:
        """Nearest-line index of the edges on islands, and their edge numbers."""
        edges = np.flatnonzero(self.island)
        return LineIndex.of(self.lines[edges]), edges

    @cached_property
    def tree(self) -> shapely.STRtree:
        """Spatial index of all edges."""
        return shapely.STRtree(self.lines)

    def warm(self) -> None:
        """Build all that is built on first use, before threads share it."""
        self.tree.query(shapely.Point(self.bounds[:2]))
        _ = self.leaving, self.arriving, self.main_index, self.island_index

    @cached_property
    def bounds(self) -> tuple[float, float, float, float]:
        """West, south, east, north of the edges, metres."""
        west, south, east, north = shapely.total_bounds(self.lines)
        return float(west), float(south), float(east), float(north)


def _matrix(
    start: NDArray[np.int64],
    end: NDArray[np.int64],
    forward: NDArray[np.float64],
    backward: NDArray[np.float64],
    node_count: int,
) -> sparse.csr_array:
    """Return the arcs as a matrix; of parallel arcs the fastest, since csr would add them up."""
    tail, head = np.concatenate([start, end]), np.concatenate([end, start])
    minutes = np.concatenate([forward, backward])
    keep = np.isfinite(minutes) & (tail != head)
    tail, head, minutes = tail[keep], head[keep], minutes[keep]
    order = np.lexsort((minutes, head, tail))
    tail, head, minutes = tail[order], head[order], minutes[order]
    first = np.ones(len(tail), dtype=bool)
    first[1:] = (np.diff(tail) != 0) | (np.diff(head) != 0)
    indptr = np.concatenate([[0], np.cumsum(np.bincount(tail[first], minlength=node_count))])
    return sparse.csr_array(
        (minutes[first], head[first].astype(np.int32), indptr.astype(np.int32)), shape=(node_count, node_count)
    )


def allowed(pieces: pd.DataFrame, mode: Mode) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """Say which pieces a mode may use along their direction, and which against it.

    Returns
    -------
    Two (pieces,) arrays: forward, backward.
    """
    tag = {name: pieces[name].to_numpy(dtype=object) for name in pieces.columns if pieces[name].dtype != float}
    rules = {"foot": _on_foot, "bicycle": _by_bicycle, "car": _by_car}
    usable = rules[mode.access](tag)
    forward, backward = _directions(tag, mode)
    return usable & forward, usable & backward


def _is(values: NDArray[np.object_], accepted: tuple[str, ...] | dict[str, float]) -> NDArray[np.bool_]:
    return np.asarray(pd.Series(values).isin(list(accepted)).to_numpy(), dtype=bool)


def _on_foot(tag: dict[str, NDArray[np.object_]]) -> NDArray[np.bool_]:
    open_to_all = ~_is(tag["highway"], (*_NEVER, *_MOTORWAY)) & (tag["motorroad"] != "yes")
    closed = _is(tag["foot"], _FORBID) | ((tag["access"] == "no") & ~_is(tag["foot"], _ALLOW))
    return np.asarray(open_to_all & ~closed, dtype=bool)


def _by_bicycle(tag: dict[str, NDArray[np.object_]]) -> NDArray[np.bool_]:
    stated = _is(tag["bicycle"], _ALLOW)
    street = ~_is(tag["highway"], (*_NEVER, *_MOTORWAY, "steps")) & (tag["motorroad"] != "yes")
    foot_way = _is(tag["highway"], _FOOT_WAYS)
    closed = _is(tag["bicycle"], _FORBID) | ((tag["access"] == "no") & ~stated)
    return np.asarray(street & ~closed & (~foot_way | stated), dtype=bool)


def _by_car(tag: dict[str, NDArray[np.object_]]) -> NDArray[np.bool_]:
    stated = _is(tag["motor_vehicle"], _ALLOW)
    closed = _is(tag["motor_vehicle"], _FORBID) | (_is(tag["access"], ("no", "private")) & ~stated)
    return _is(tag["highway"], modes.CAR_KMH) & ~closed


def _directions(tag: dict[str, NDArray[np.object_]], mode: Mode) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """Return whether one-way rules let a mode go along and against each piece."""
    both = np.ones(len(tag["highway"]), dtype=bool)
    if mode.access == "foot":
        return both, both
    ring = _is(tag["junction"], ("roundabout", "circular")) | _is(tag["highway"], _MOTORWAY)
    along_only = _is(tag["oneway"], _FORWARD) | (ring & (tag["oneway"] == ""))
    against_only = _is(tag["oneway"], _REVERSE)
    if mode.access == "bicycle":
        free = tag["oneway_bicycle"] == "no"
        along_only, against_only = along_only & ~free, against_only & ~free
    return np.asarray(~against_only, dtype=bool), np.asarray(~along_only, dtype=bool)


def _speeds_kmh(pieces: pd.DataFrame, mode: Mode) -> NDArray[np.float64]:
    if mode.speed_kmh is not None:
        return np.full(len(pieces), mode.speed_kmh)
    return np.asarray(pieces["highway"].map(modes.CAR_KMH).fillna(modes.CAR_KMH_OTHER), dtype=np.float64)


def tobler_factor(gradient: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return walking speed on a gradient as a share of the speed on the flat.

    Tobler (1993): 6 exp(-3.5 |s + 0.05|) km/h, divided by its value at s = 0.

    Parameters
    ----------
    gradient
        Rise over run in the direction of travel; positive is uphill; NaN (not known) counts as flat.

    Examples
    --------
    >>> tobler_factor(np.array([0.0, -0.05, 0.1])).round(3).tolist()
    [1.0, 1.191, 0.705]
    """
    slope = np.nan_to_num(np.asarray(gradient, dtype=np.float64), nan=0.0)
    return np.asarray(np.exp(-3.5 * (np.abs(slope + 0.05) - 0.05)), dtype=np.float64)


def build(
    pieces: gpd.GeoDataFrame,
    mode: Mode,
    *,
    gradient: NDArray[np.float64] | None = None,
    island_m: float = ISLAND_M,
) -> Network:
    """Return the network of one mode.

    Parameters
    ----------
    pieces
        `schema.STREETS` in a metric CRS.
    mode
        Way of moving.
    gradient
        (pieces,) rise over run from start to end; used on foot where the mode heeds slopes.
    island_m
        A component with less street than this, and not the largest, is an island.

    Raises
    ------
    GeoValueError
        When the mode may use none of the pieces.
    """
    forward, backward = allowed(pieces, mode)
    used = np.flatnonzero(forward | backward)
    if not len(used):
        msg = f"mode {mode.name} ({mode.access}) may use none of the {len(pieces)} street pieces"
        raise GeoValueError(msg)
    rows = pieces.iloc[used]
    length_m = rows["length_m"].to_numpy(dtype=np.float64).copy()
    flat = units.minutes_of(length_m, _speeds_kmh(rows, mode))
    up = down = np.ones(len(rows))
    if gradient is not None and mode.slope and mode.access == "foot":
        up, down = tobler_factor(gradient[used]), tobler_factor(-gradient[used])
    start, end = rows["start_node"].to_numpy(dtype=np.int64), rows["end_node"].to_numpy(dtype=np.int64)
    count = int(max(pieces["start_node"].max(), pieces["end_node"].max())) + 1
    return Network(
        mode=mode,
        crs=pieces.crs,
        node_count=count,
        start=start.copy(),
        end=end.copy(),
        length_m=length_m,
        minutes_forward=np.where(forward[used], flat / up, np.inf),
        minutes_backward=np.where(backward[used], flat / down, np.inf),
        lines=rows.geometry.to_numpy(),
        piece=used.astype(np.int64),
        island=_islands(start, end, length_m, count, island_m),
    )


def _islands(
    start: NDArray[np.int64],
    end: NDArray[np.int64],
    length_m: NDArray[np.float64],
    node_count: int,
    island_m: float,
) -> NDArray[np.bool_]:
    """Say which edges lie on a component with too little street to matter (never the largest)."""
    links = sparse.coo_array((np.ones(len(start)), (start, end)), shape=(node_count, node_count))
    label = csgraph.connected_components(links, directed=False)[1][start]
    street_m = np.bincount(label, weights=length_m)
    small = street_m < island_m
    small[np.argmax(street_m)] = False
    return np.asarray(small[label], dtype=bool)
