"""Which travel-time surfaces are written, under which names: GeoTIFFs of minutes."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import numpy as np
import rasterio
from rasterio import Affine

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from geo.grid import Surface
    from geo.results import Results

TILE = 256
# Minutes rise evenly from cell to cell: differences of their bits pack smaller than parts of floats do, in half the time.
_DIFFERENCES = 2
_LEVEL = 3
_NOT_IN_A_NAME = re.compile(r"[^\w-]")


def surface_files(results: Results) -> dict[str, tuple[str, str]]:
    """Return file name → (service, mode), sorted: the deciding ring bears the service's name alone.

    Codes of new types come from the study file, so what cannot stand in a file name becomes `_`, and
    names that would fall together get a number.
    """
    found: dict[str, tuple[str, str]] = {}
    folded: set[str] = set()
    for service, mode in sorted(results.surfaces, key=lambda key: (key[0], not _decides(results, *key), key[1])):
        parts = [service] if _decides(results, service, mode) else [service, mode]
        stem = "_".join(["surface", *(_NOT_IN_A_NAME.sub("_", part) for part in parts)])
        name, again = stem, 1
        while name.casefold() in folded:
            again += 1
            name = f"{stem}~{again}"
        folded.add(name.casefold())
        found[f"{name}.tif"] = (service, mode)
    return found


def _decides(results: Results, service: str, mode: str) -> bool:
    kind = results.services.get(service)
    return kind is not None and kind.mode == mode


def write_surfaces(results: Results, folder: Path, files: Mapping[str, tuple[str, str]]) -> None:
    """Write every surface: float32 minutes, `inf` unreachable, nodata NaN beyond the cap, CRS of the units."""
    crs = rasterio.crs.CRS.from_user_input(results.units.crs)
    for name, key in files.items():
        _write_surface(results.surfaces[key], folder / name, crs)


def _write_surface(surface: Surface, path: Path, crs: rasterio.crs.CRS) -> None:
    grid = surface.grid
    with rasterio.open(
        path,
        "w",
        driver="GTiff",
        height=grid.rows,
        width=grid.columns,
        count=1,
        dtype="float32",
        nodata=np.nan,
        crs=crs,
        transform=Affine(grid.cell_m, 0.0, grid.west, 0.0, -grid.cell_m, grid.north),
        tiled=True,
        blockxsize=TILE,
        blockysize=TILE,
        compress="deflate",
        predictor=_DIFFERENCES,
        zlevel=_LEVEL,
        bigtiff="if_safer",
    ) as target:
        target.write(surface.minutes.astype(np.float32, copy=False), 1)
