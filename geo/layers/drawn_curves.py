"""Arcs, bulges and splines of a drawing → chords that stray little."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

SAGITTA = 0.05  # how far a chord may stray from its arc, in the drawing's units, which are metres
FULL_TURN = 2.0 * np.pi
_MOST_CHORDS = 720
_WIDEST = np.radians(15.0)
_PER_SPAN = 8
_MOST_CONTROL = 10_000
_MOST_DEGREE = 10


def bulged(xy: NDArray[np.float64], bulges: NDArray[np.float64], *, is_closed: bool) -> NDArray[np.float64]:
    """Return a polyline with its arcs as chords.

    Parameters
    ----------
    xy
        (n, 2) vertices.
    bulges
        (n,) of the piece behind each vertex: the tangent of a quarter of the arc's angle, 0 where it is straight.
    is_closed
        Whether the last vertex is joined to the first, which is then repeated.

    Examples
    --------
    >>> half = bulged(np.array([[0.0, 0.0], [2.0, 0.0]]), np.array([1.0, 0.0]), is_closed=False)
    >>> bool(np.allclose(np.hypot(half[:, 0] - 1.0, half[:, 1]), 1.0)), bool(half[:, 1].min() < -0.95)
    (True, True)
    """
    if is_closed and len(xy):
        xy = np.vstack([xy, xy[:1]])
    if not bulges.any():
        return xy
    parts = [xy[:1]]
    for start, end, bulge in zip(xy[:-1], xy[1:], bulges, strict=False):
        if bulge:
            angle = 4.0 * np.arctan(bulge)
            chord = end - start
            middle = (start + end) / 2.0 + np.array([-chord[1], chord[0]]) * (1.0 - bulge**2) / (4.0 * bulge)
            radius = float(np.hypot(*(start - middle)))
            first = np.arctan2(start[1] - middle[1], start[0] - middle[0])
            turns = first + angle * np.linspace(0.0, 1.0, chords(radius, angle) + 1)[1:-1]
            parts.append(middle + radius * np.column_stack([np.cos(turns), np.sin(turns)]))
        parts.append(end[None, :])
    return np.vstack(parts)


def chords(radius: float, angle: float) -> int:
    """Return how many chords an arc needs so that none strays farther than SAGITTA, at least one every 15 degrees.

    Examples
    --------
    >>> chords(100.0, np.pi / 2), chords(0.01, np.pi / 2)
    (25, 6)
    """
    least = max(int(np.ceil(abs(angle) / _WIDEST)), 2)
    if not np.isfinite(radius) or radius <= SAGITTA:
        return least
    step = 2.0 * np.arccos(1.0 - SAGITTA / radius)
    return int(min(max(np.ceil(abs(angle) / step), least), _MOST_CHORDS))


def turned(
    centre: NDArray[np.float64], major: NDArray[np.float64], minor: NDArray[np.float64], *, start: float, end: float
) -> tuple[NDArray[np.float64], bool]:
    """Return (n, 2) points of an arc of a circle or an ellipse, counter-clockwise, and whether it is whole.

    Parameters
    ----------
    centre, major, minor
        Its middle and half axes.
    start, end
        Angles from the major axis, radians.
    """
    turn = (end - start) % FULL_TURN or FULL_TURN
    angles = start + turn * np.linspace(0.0, 1.0, chords(float(np.hypot(*major)), turn) + 1)
    xy = centre + np.outer(np.cos(angles), major) + np.outer(np.sin(angles), minor)
    is_whole = turn == FULL_TURN
    return (np.vstack([xy[:-1], xy[:1]]) if is_whole else xy), bool(is_whole)


def spline(
    control: NDArray[np.float64], knots: NDArray[np.float64], weights: NDArray[np.float64], *, degree: int
) -> NDArray[np.float64]:
    """Return points of a B-spline, eight for every control point.

    Raises
    ------
    ValueError
        Where knots, degree and control points do not fit each other, or there are too many.
    """
    from scipy.interpolate import BSpline  # noqa: PLC0415 - few drawings have splines, and it takes long to import

    fits = 1 <= degree <= _MOST_DEGREE and len(knots) == len(control) + degree + 1
    if len(control) > _MOST_CONTROL or not fits:
        raise ValueError
    own = weights if len(weights) == len(control) else np.ones(len(control))
    curve = BSpline(knots, np.column_stack([control * own[:, None], own]), degree)
    points = curve(np.linspace(knots[degree], knots[-degree - 1], _PER_SPAN * len(control)))
    return np.asarray(points[:, :2] / points[:, 2:], dtype=np.float64)
