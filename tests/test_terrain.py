from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pyproj
import pytest
import rasterio
from affine import Affine
from worlds import EAST, HIKER, NORTH, street, street_table

from geo import network, streets, terrain
from geo.errors import InputFaultsError

if TYPE_CHECKING:
    from pathlib import Path

CELL_M = 30.0
SIDE = 40


def dem(
    folder: Path,
    rise_east: float,
    rise_north: float,
    *,
    void: tuple[int, int] | None = None,
    crs: int | None = 4548,
    step_m: float = CELL_M,
) -> Path:
    """Write a tilted plane whose south-west corner is the local origin."""
    file = folder / "dem.tif"
    x = (np.arange(SIDE) + 0.5) * step_m
    y = (SIDE - np.arange(SIDE) - 0.5) * step_m
    heights = (100 + rise_east * x[None, :] + rise_north * y[:, None]).astype(np.float64)
    if void is not None:
        heights[void] = -32768
    with rasterio.open(
        file,
        "w",
        driver="GTiff",
        height=SIDE,
        width=SIDE,
        count=1,
        dtype="float64",
        nodata=-32768,
        crs=crs,
        transform=Affine(step_m, 0, EAST, 0, -step_m, NORTH + SIDE * step_m),
    ) as target:
        target.write(heights, 1)
    return file


def test_on_a_tilted_plane_the_gradient_is_its_tilt(tmp_path: Path) -> None:
    """10 % up to the east, 4 % down to the north."""
    table = street_table(
        [
            street((100, 100), (700, 100)),
            street((700, 100), (100, 100)),
            street((300, 200), (300, 900)),
            street((100, 100), (400, 500)),
            street((200, 300), (200, 300.5)),
        ]
    )
    found = terrain.gradients(table, dem(tmp_path, 0.10, -0.04))
    diagonal = (0.10 * 300 - 0.04 * 400) / 500
    assert found.tolist() == pytest.approx([0.10, -0.10, -0.04, diagonal, -0.04], abs=1e-7)


def test_the_gradient_is_rise_over_the_way_not_over_the_crow(tmp_path: Path) -> None:
    table = street_table([street((100, 100), (100, 400), (400, 400), (400, 100))])
    assert terrain.gradients(table, dem(tmp_path, 0.10, 0.0)).tolist() == pytest.approx([0.10 * 300 / 900])


def test_walkers_on_the_plane_go_at_toblers_pace(tmp_path: Path) -> None:
    table = street_table([street((100, 100), (700, 100))])
    net = network.build(table, HIKER, gradient=terrain.gradients(table, dem(tmp_path, 0.10, 0.0)))
    flat = 600 / 100
    assert net.minutes_forward.tolist() == pytest.approx([flat * np.exp(3.5 * (0.15 - 0.05))])
    assert net.minutes_backward.tolist() == pytest.approx([flat * np.exp(3.5 * (0.05 - 0.05))])


def test_bridges_and_tunnels_are_flat(tmp_path: Path) -> None:
    ends = (100, 100), (700, 100)
    table = street_table(
        [street(*ends, bridge="yes"), street(*ends, tunnel="culvert"), street(*ends, bridge="no", tunnel="no")]
    )
    assert terrain.gradients(table, dem(tmp_path, 0.10, 0.0)).tolist() == pytest.approx([0.0, 0.0, 0.10])


def test_cliffs_are_limited(tmp_path: Path) -> None:
    table = street_table([street((100, 100), (700, 100)), street((700, 100), (100, 100))])
    assert terrain.gradients(table, dem(tmp_path, 0.80, 0.0)).tolist() == [terrain.STEEPEST, -terrain.STEEPEST]


def test_what_the_model_does_not_know_is_missing(tmp_path: Path) -> None:
    void = (SIDE - 1 - 10, 10)
    table = street_table(
        [
            street((10.5 * CELL_M, 10.5 * CELL_M), (700, 600)),
            street((100, 100), (-500, 100)),
            street((100, 100), (200, 100)),
        ]
    )
    found = terrain.gradients(table, dem(tmp_path, 0.10, 0.0, void=void))
    assert np.isnan(found).tolist() == [True, True, False]


def test_a_street_of_no_length_has_no_gradient(tmp_path: Path) -> None:
    found = terrain.gradients(street_table([street((100, 100), (100, 100))]), dem(tmp_path, 0.1, 0.0))
    assert np.isnan(found).tolist() == [True]


def test_the_stated_crs_overrules(tmp_path: Path) -> None:
    table = street_table([street((100, 100), (700, 100))])
    assert terrain.gradients(table, dem(tmp_path, 0.10, 0.0, crs=4549), given="EPSG:4548").tolist() == pytest.approx(
        [0.10]
    )
    assert np.isnan(terrain.gradients(table, dem(tmp_path, 0.10, 0.0, crs=4549))).all()


def test_models_that_cannot_be_used(tmp_path: Path) -> None:
    table = street_table([street((100, 100), (700, 100))])
    (tmp_path / "x.tif").write_bytes(b"no raster")
    with pytest.raises(InputFaultsError, match="hills"):
        terrain.gradients(table, tmp_path / "x.tif", where="hills")
    with pytest.raises(InputFaultsError):
        terrain.gradients(table, dem(tmp_path, 0.1, 0.0, crs=None))


def test_porto_alegre_has_hills(shared: Path) -> None:
    folder = shared / "data" / "portoalegre"
    pieces = streets.read_osm(folder / "poa_osm.pbf", crs=pyproj.CRS.from_epsg(32722))
    found = terrain.gradients(pieces, folder / "poa_elevation.tif")
    assert np.isfinite(found).mean() > 0.95
    # Half of the streets rise or fall by less than this, yet none is steeper than allowed.
    assert 0.005 < np.nanmedian(np.abs(found)) < 0.06
    assert np.nanmax(np.abs(found)) <= terrain.STEEPEST
