"""Whether the inner loops run compiled: `compiled` is the module of them, or `None`.

`pip install` compiles `kernels/_geo_kernels.pyx` where it finds a C compiler. Elsewhere each caller takes
its own way over whole arrays, which gives the same bits and takes about twice as long.
`GEO_COMPILED=off` takes that way everywhere, `GEO_COMPILED=required` refuses to start without the compiled one.
"""

from __future__ import annotations

import os
from importlib import import_module
from typing import TYPE_CHECKING, Any

from geo.errors import GeoValueError

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from geo.tiles import Shelf

_WANTED = 1
_WISHES = ("", "off", "required")


def _found(wish: str) -> Any:  # noqa: ANN401 - a module that is there or not
    """Return the compiled module, if there is one of this version and nobody wishes otherwise."""
    if wish not in _WISHES:
        msg = f"GEO_COMPILED={wish}; accepted are off, required, or nothing at all"
        raise GeoValueError(msg)
    if wish == "off":
        return None
    try:
        module = import_module("_geo_kernels")
    except ImportError:
        module = None
    if module is not None and module.VERSION == _WANTED:
        return module
    if wish == "required":
        lacks = "is not there" if module is None else f"is of version {module.VERSION}, not {_WANTED}"
        msg = f"GEO_COMPILED=required, but _geo_kernels {lacks}: install geo again, where there is a C compiler"
        raise GeoValueError(msg)
    return None


compiled: Any = _found(os.environ.get("GEO_COMPILED", ""))


def lines(shelf: Shelf, boxes: NDArray[Any], xy: NDArray[Any], offset: NDArray[Any]) -> Any:  # noqa: ANN401 - as above
    """Return lines by the tiles that their boxes touch, as the compiled loops take them."""
    tiles = shelf.tiling
    corner = tiles.west, tiles.south, tiles.side_m, tiles.rows, tiles.columns
    return compiled.Lines(*corner, shelf.first, shelf.thing, boxes, xy, offset)
