"""How near are points to others? Trees that tell it, and which of two is asked."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import shapely

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from scipy.spatial import cKDTree

_MANY = 100_000  # from so many on scipy's tree has answered sooner, though it takes a tenth of a second to import


def point_tree(xy: NDArray[np.float64]) -> cKDTree:
    """Return a k-d tree of points (n, 2).

    Examples
    --------
    >>> point_tree(np.array([[0.0, 0.0], [3.0, 4.0]])).query([[0.0, 1.0]])[0].tolist()
    [1.0]
    """
    from scipy.spatial import cKDTree  # noqa: PLC0415 - most runs need none

    return cKDTree(xy)


def metres_to_nearest(places: NDArray[np.float64], xy: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return (n,) metres from places (n, 2) to the nearest of some points (m, 2), of which there is one at least.

    Examples
    --------
    >>> metres_to_nearest(np.array([[0.0, 1.0], [3.0, 0.0]]), np.array([[0.0, 0.0], [3.0, 4.0]])).tolist()
    [1.0, 3.0]
    """
    if len(places) >= _MANY:
        found = point_tree(xy).query(places)[0]
    else:
        tree = shapely.STRtree(shapely.points(xy))
        found = tree.query_nearest(shapely.points(places), all_matches=False, return_distance=True)[1]
    return np.asarray(found, dtype=np.float64)
