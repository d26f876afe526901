"""Whether the inner loops run compiled: `compiled` is the module of them, or `None`.

`pip install` compiles `kernels/_geo_kernels.pyx` where it finds a C compiler. Elsewhere each caller takes
its own way over whole arrays, which gives the same bits and takes two to five times as long.
`GEO_COMPILED=off` takes that way everywhere, `GEO_COMPILED=required` refuses to start without the compiled one.
"""

from __future__ import annotations

import os
from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from geo.tiles import Shelf

_WANTED = 1


def _found(wish: str) -> Any:  # noqa: ANN401 - a module that is there or not
    """Return the compiled module, if there is one of this version and nobody wishes otherwise."""
    if wish == "off":
        return None
    try:
        module = import_module("_geo_kernels")
    except ImportError:
        module = None
    if module is not None and module.VERSION == _WANTED:
        return module
    if wish == "required":
        msg = f"GEO_COMPILED=required, but there is no _geo_kernels of version {_WANTED}: install geo with a C compiler"
        raise ImportError(msg)
    return None


compiled: Any = _found(os.environ.get("GEO_COMPILED", ""))


def lines(shelf: Shelf, boxes: NDArray[Any], xy: NDArray[Any], offset: NDArray[Any]) -> Any:  # noqa: ANN401 - as above
    """Return lines by the tiles that their boxes touch, as the compiled loops take them."""
    tiles = shelf.tiling
    corner = tiles.west, tiles.south, tiles.side_m, tiles.rows, tiles.columns
    return compiled.Lines(*corner, shelf.first, shelf.thing, boxes, xy, offset)
