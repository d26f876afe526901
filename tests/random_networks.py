"""Small street networks with everything that streets can do wrong, and places on and near them (hypothesis).

One-ways both ways, doubled streets, streets of no length, loops, dead ends, islands, bends, junctions at one
place that are not joined, private streets, forbidden turns, bollards, gradients; places at junctions, on streets, off
them, several on one, far away, and without geometry.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import shapely
from hypothesis import strategies as st
from worlds import line, street_table

if TYPE_CHECKING:
    import geopandas as gpd

PLAIN: dict[str, str] = {}
TAGS = [
    *[PLAIN] * 8,
    *({"oneway": "yes"}, {"oneway": "yes"}, {"oneway": "-1"}, {"oneway": "yes", "oneway_bicycle": "no"}),
    *({"access": "private"}, {"access": "private"}, {"access": "destination"}, {"access": "private", "oneway": "yes"}),
    *({"highway": "service"}, {"highway": "tertiary", "maxspeed": "30"}, {"junction": "roundabout"}),
    *({"highway": "footway"}, {"highway": "steps"}, {"highway": "cycleway"}, {"highway": "motorway"}),
]
MOST_JUNCTIONS = 12
SPACING = 100.0


class World(NamedTuple):
    """Street pieces, rise over run of each, places of people and facilities, minutes each facility takes to start,
    and how short a component must be to count as an island."""

    pieces: gpd.GeoDataFrame
    gradient: np.ndarray
    people: np.ndarray
    facilities: np.ndarray
    delay_minutes: np.ndarray
    island_m: float


def _row(draw: st.DrawFn, corners: list[tuple[float, float]], one: int, other: int) -> dict[str, Any]:
    bends = draw(st.lists(st.tuples(st.integers(-90, 90), st.integers(-90, 90)), max_size=2))
    middle = np.add(corners[one], corners[other]) / 2.0
    xy = [corners[one], *(tuple(middle + bend) for bend in bends), corners[other]]
    # Each junction has a level of its own: two at one place are not joined but by a street of no length.
    return {"highway": "residential", **draw(st.sampled_from(TAGS)), "geometry": line(*xy), "levels": (one, other)}


def _rows(draw: st.DrawFn, corners: list[tuple[float, float]]) -> list[dict[str, Any]]:
    """Streets from junction to junction in a row, now and then a gap, and some more between any two, or from one to itself."""
    number = st.integers(0, len(corners) - 1)
    joined = [(one, one + 1) for one in range(len(corners) - 1) if draw(st.integers(0, 11)) < 11]
    joined += draw(st.lists(st.tuples(number, number), min_size=1, max_size=8))
    return [_row(draw, corners, one, other) for one, other in joined]


def _forbid(draw: st.DrawFn, rows: list[dict[str, Any]]) -> None:
    """Forbid some turns, also turns back."""
    sides = st.tuples(st.integers(0, len(rows) - 1), st.integers(0, 1), st.integers(0, 5))
    for left, side, which in draw(st.lists(sides, min_size=2, max_size=12)):
        node = rows[left]["levels"][side]
        meet = [way for way, row in enumerate(rows, start=1) if node in row["levels"]]
        column = ("no_turn_start", "no_turn_end")[side]
        listed = rows[left].get(column, "")
        rows[left][column] = ";".join(filter(None, [listed, str(meet[which % len(meet)])]))


def _shut(draw: st.DrawFn, rows: list[dict[str, Any]]) -> None:
    """Put bollards at some ends."""
    ends = st.tuples(st.integers(0, len(rows) - 1), st.sampled_from(["shut_start", "shut_end"]))
    for row, column in draw(st.lists(ends, max_size=1)):
        rows[row][column] = draw(st.sampled_from(["car", "bicycle;car", "foot;bicycle;car"]))


def _place(draw: st.DrawFn, rows: list[dict[str, Any]], *, exact: bool) -> shapely.Point | None:
    kind = draw(st.sampled_from(["near", "near", "on", "on", "end", "none"] if exact else ["near"]))
    if kind == "none":
        return None
    shape = rows[draw(st.integers(0, len(rows) - 1))]["geometry"]
    share = draw(st.sampled_from([0.0, 1.0])) if kind == "end" else draw(st.integers(1, 99)) / 100.0
    at = shapely.get_coordinates(shapely.line_interpolate_point(shape, share, normalized=True))[0]
    off = (0.0, 0.0) if kind in {"on", "end"} else draw(st.tuples(st.integers(-70, 70), st.integers(-70, 70)))
    if not exact:
        off = np.add(off, draw(st.tuples(st.floats(0.001, 0.999), st.floats(0.001, 0.999))))
    return shapely.Point(*np.add(at, off))


@st.composite
def worlds(draw: st.DrawFn, *, exact: bool = True) -> World:
    """Draw a world; `exact` places may be at junctions, on streets or missing, others stand at odd places."""
    corner = st.tuples(st.integers(0, 6), st.integers(0, 6))
    corners = [(x * SPACING, y * SPACING) for x, y in draw(st.lists(corner, min_size=2, max_size=MOST_JUNCTIONS))]
    rows = _rows(draw, corners)
    _forbid(draw, rows)
    _shut(draw, rows)
    count = len(rows)
    # Percent, since hypothesis likes numbers so small that they are no slopes.
    gradient = np.array(draw(st.lists(st.integers(-35, 35), min_size=count, max_size=count))) / 100.0
    people = [_place(draw, rows, exact=exact) for _ in range(draw(st.integers(1, 12)))]
    facilities = [_place(draw, rows, exact=exact) for _ in range(draw(st.integers(1, 5)))]
    delay = draw(st.lists(st.sampled_from([0.0, 0.0, 1.5, 7.25]), min_size=len(facilities), max_size=len(facilities)))
    return World(
        street_table(rows),
        gradient,
        np.array(people, dtype=object),
        np.array(facilities, dtype=object),
        np.array(delay),
        draw(st.sampled_from([0.0, 0.0, 200.0])),
    )
