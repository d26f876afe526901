from __future__ import annotations

import tracemalloc
from typing import TYPE_CHECKING, Any

import numpy as np
import pyproj
import pytest
import rasterio
from affine import Affine
from hypothesis import given, strategies as st
from hypothesis.extra import numpy as arrays
from scipy import ndimage
from worlds import EAST, METRIC, NORTH

from geo import elevation
from geo.elevation import Heights, read_heights
from geo.errors import InputFaultsError

if TYPE_CHECKING:
    from pathlib import Path

SIDE = 40
NORTH_UP = Affine(30.0, 0, EAST, 0, -30.0, NORTH + SIDE * 30.0)


def write(file: Path, heights: np.ndarray, *, transform: Affine = NORTH_UP, crs: Any = 4548, **options: Any) -> Path:
    """Write a raster; `options` are the profile's, or set on the open file: scales, offsets, units."""
    late = {name: options.pop(name) for name in ("scales", "offsets", "units") if name in options}
    rows, columns = heights.shape
    shape = {"height": rows, "width": columns, "count": 1, "dtype": heights.dtype}
    with rasterio.open(file, "w", driver="GTiff", crs=crs, transform=transform, **shape, **options) as target:
        target.write(heights, 1)
        for name, value in late.items():
            setattr(target, name, value)
    return file


def centres(transform: Affine, rows: int, columns: int) -> tuple[np.ndarray, np.ndarray]:
    column, row = np.meshgrid(np.arange(columns) + 0.5, np.arange(rows) + 0.5)
    return transform @ (column, row)


def plane(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """10 % up to the east, 4 % down to the north."""
    return 100 + 0.10 * (x - EAST) - 0.04 * (y - NORTH)


def tilted(transform: Affine = NORTH_UP, rows: int = SIDE, columns: int = SIDE) -> np.ndarray:
    return plane(*centres(transform, rows, columns))


def at(file: Path, *places: tuple[float, float], **options: Any) -> Heights:
    return read_heights(file, np.add(np.reshape(places, (-1, 2)), (EAST, NORTH)), crs=METRIC, **options)


def random_places(count: int, west: float, south: float, east: float, north: float) -> np.ndarray:
    return np.random.default_rng(1).uniform((west, south), (east, north), (count, 2))


@pytest.mark.parametrize("cell_m", [5.0, 10.0, 12.5, 30.0, 45.0, 80.0])
def test_a_tilted_plane_stays_as_it_is_to_its_very_edge(tmp_path: Path, cell_m: float) -> None:
    """5 m cells are averaged by 6 x 6 and leave 37 = 6 * 6 + 1: the last one is not lost."""
    transform, rows, columns = Affine(cell_m, 0, EAST, 0, -cell_m, NORTH + 37 * cell_m), 37, 50
    file = write(tmp_path / "x.tif", tilted(transform, rows, columns), transform=transform)
    xy = random_places(300, 0, 0, 50 * cell_m, 37 * cell_m)
    xy[:4] = [(0, 0), (0, 37 * cell_m), (50 * cell_m, 0), (50 * cell_m, 37 * cell_m)]
    found = at(file, *xy)
    assert found.metres == pytest.approx(plane(*np.add(xy, (EAST, NORTH)).T), abs=1e-9)
    assert not found.outside.any()
    assert not found.filled.any()
    assert found.cell_m == pytest.approx({5.0: 30.0, 10.0: 30.0, 12.5: 25.0}.get(cell_m, cell_m), rel=1e-6)


@pytest.mark.parametrize(
    "transform",
    [
        Affine(30, 0, EAST, 0, 30, NORTH),
        Affine(-30, 0, EAST + 1200, 0, -30, NORTH + 1200),
        Affine(0, 30, EAST, 30, 0, NORTH),
        Affine.translation(EAST, NORTH) @ Affine.rotation(25) @ Affine.scale(30, 20),
        Affine.translation(EAST, NORTH) @ Affine.rotation(-70) @ Affine.shear(10) @ Affine.scale(9, -13),
    ],
    ids=["south up", "east left", "turned", "rotated", "rotated and sheared"],
)
def test_rasters_may_lie_any_way_round(tmp_path: Path, transform: Affine) -> None:
    file = write(tmp_path / "x.tif", tilted(transform), transform=transform)
    x, y = transform @ tuple(np.random.default_rng(2).uniform(0.1, SIDE - 0.1, (2, 100)))
    found = read_heights(file, np.column_stack([x, y]), crs=METRIC)
    assert found.metres == pytest.approx(plane(x, y), abs=1e-9)


def test_rasters_in_degrees(tmp_path: Path) -> None:
    """Heights that rise evenly by longitude and latitude, in cells of an arc second: 28 m by 31 m here."""
    lon, lat = pyproj.Transformer.from_crs(METRIC, 4326, always_xy=True).transform(EAST, NORTH)
    step = 1 / 3600
    transform = Affine(step, 0, lon, 0, -step, lat + SIDE * step)
    x, y = centres(transform, SIDE, SIDE)
    file = write(tmp_path / "x.tif", 50 + 1e4 * (x - lon) + 2e4 * (y - lat), transform=transform, crs=4326)
    xy = np.add(random_places(100, 10, 10, 1000, 1000), (EAST, NORTH))
    there = pyproj.Transformer.from_crs(METRIC, 4326, always_xy=True).transform(*xy.T)
    found = read_heights(file, xy, crs=METRIC)
    assert found.metres == pytest.approx(50 + 1e4 * (there[0] - lon) + 2e4 * (there[1] - lat), abs=1e-6)
    assert found.cell_m == pytest.approx(30.77, abs=0.05)


def test_a_whole_metre_is_no_wall(tmp_path: Path) -> None:
    """Rounding puts a step of 1 m between two cells; with its neighbours mixed in it is at most 0.5 m in 30 m."""
    heights = np.zeros((SIDE, SIDE), dtype=np.uint8)
    heights[:, 20:] = 1
    file = write(tmp_path / "x.tif", heights)
    x = np.arange(17.5, 23.0) * 30
    assert at(file, *[(there, 600) for there in x]).metres.tolist() == [0, 0, 0.25, 0.75, 1, 1]
    steps = at(file, *[(there, 600) for there in np.arange(450, 751, 10)]).metres
    assert np.diff(steps).max() / 10 == pytest.approx(0.5 / 30)


def test_speckle_is_not_taken_for_slopes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Hills of up to 15 %, 1 m of radar speckle, whole metres: streets of 10 m are right to 1 %, unsmoothed to 4 %."""

    def hills(xy: np.ndarray) -> np.ndarray:
        return 100 + 20 * np.sin(xy[..., 0] / 180) + 15 * np.cos(xy[..., 1] / 140)

    side = 200
    transform = Affine(30.0, 0, EAST, 0, -30.0, NORTH + side * 30.0)
    local = np.stack(centres(transform, side, side), axis=-1) - np.array((EAST, NORTH))
    speckle = np.random.default_rng(5).standard_normal((side, side))
    file = write(tmp_path / "x.tif", np.rint(hills(local) + speckle).astype(np.int16), transform=transform)
    one = random_places(5000, 100, 100, 5900, 5900)
    other = np.add(one, (6.0, 8.0))
    true = (hills(other) - hills(one)) / 10
    assert np.abs(true).max() > 0.14

    def error() -> float:
        found = (at(file, *other).metres - at(file, *one).metres) / 10
        return float(np.sqrt(np.mean((found - true) ** 2)))

    smoothed = error()
    monkeypatch.setattr(elevation, "BASELINE_M", 30.0)
    assert smoothed < 0.012
    assert error() > 0.03


def test_the_coarser_the_cell_the_less_it_is_mixed(tmp_path: Path) -> None:
    """A neighbour weighs (60 / cell - 1) / 4, on each axis."""
    for cell_m, neighbour in ((30.0, 1 / 4), (40.0, 1 / 8), (60.0, 0.0), (80.0, 0.0)):
        heights = np.zeros((9, 9))
        heights[4, 4] = 64.0
        file = write(tmp_path / "x.tif", heights, transform=Affine(cell_m, 0, EAST, 0, -cell_m, NORTH + 9 * cell_m))
        own = 1 - 2 * neighbour
        found = at(file, (4.5 * cell_m, 4.5 * cell_m), (5.5 * cell_m, 4.5 * cell_m), (3.5 * cell_m, 5.5 * cell_m))
        assert found.metres.tolist() == pytest.approx(
            [64 * own * own, 64 * own * neighbour, 64 * neighbour**2], abs=1e-6
        )


def test_fine_cells_are_averaged(tmp_path: Path) -> None:
    """One cell of 10 m that is 72 m high among nine: 8 m over 30 m, of which the smoothing leaves a quarter."""
    heights = np.zeros((45, 45), dtype=np.float32)
    heights[22, 22] = 72.0
    file = write(tmp_path / "x.tif", heights, transform=Affine(10, 0, EAST, 0, -10, NORTH + 450))
    assert at(file, (225, 225)).metres.tolist() == [72 / 9 / 4]


VOIDS = [
    ("float64", -1.0, {"nodata": -1.0}),
    ("float64", np.nan, {}),
    ("float32", np.nan, {"nodata": np.nan}),
    ("float32", 1e30, {}),
    ("float32", -3.4e38, {}),
    ("float32", np.inf, {}),
    ("int16", -32768, {}),
    ("int16", 32767, {}),
    ("int16", -9999, {}),
    ("int16", -501, {}),
    ("int16", 9001, {}),
    ("uint16", 65535, {}),
    ("int32", -(2**31), {}),
    ("uint8", 255, {"nodata": 255}),
    ("uint8", 0, {"nodata": 0}),
]


@pytest.mark.parametrize(("kind", "value", "options"), VOIDS)
@pytest.mark.parametrize("cell_m", [10.0, 30.0, 80.0])
def test_a_small_void_is_filled_from_around(
    tmp_path: Path, kind: str, value: float, options: dict[str, Any], cell_m: float
) -> None:
    """Heights that rise by whole metres from column to column, so that every kind of number holds them."""
    heights = np.tile(np.arange(10, 10 + SIDE), (SIDE, 1)).astype(kind)
    heights[18:21, 17:23] = value
    heights[30, 5] = value
    transform = Affine(cell_m, 0, EAST, 0, -cell_m, NORTH + SIDE * cell_m)
    file = write(tmp_path / "x.tif", heights, transform=transform, **options)
    found = at(file, *[(c * cell_m, (SIDE - r) * cell_m) for r, c in ((19.5, 20.5), (19.5, 12.0), (30.5, 5.5))])
    assert found.metres.tolist() == pytest.approx([10 + 20, 10 + 11.5, 10 + 5], abs=1e-9 if cell_m > 10 else 1.0)
    if cell_m > 10:  # averaging nine cells, of which one is void, needs no filling
        assert found.filled.tolist() == [True, False, True]


@pytest.mark.parametrize(("kind", "value", "options"), VOIDS)
def test_a_large_void_stays_void(tmp_path: Path, kind: str, value: float, options: dict[str, Any]) -> None:
    """A square of 10 cells is void to its corners; nobody guesses what lies in it."""
    heights = np.full((SIDE, SIDE), 10).astype(kind)
    heights[10:20, 10:20] = value
    file = write(tmp_path / "x.tif", heights, **options)
    inside = [(c * 30, (SIDE - r) * 30) for r in (10.5, 15.0, 19.5) for c in (10.5, 15.0, 19.5)]
    found = at(file, *inside, (30 * 8, 30 * 8), (30 * 9.5, (SIDE - 15) * 30))
    assert np.isnan(found.metres).tolist() == [True] * 9 + [False] * 2
    assert found.metres[9:].tolist() == [10, 10]
    assert not found.filled.any()
    assert not found.outside.any()


def test_the_sea_is_no_void_and_a_byte_holds_no_more_than_255(tmp_path: Path) -> None:
    heights = np.zeros((SIDE, SIDE), dtype=np.uint8)
    heights[:, 20:] = 255
    assert at(write(tmp_path / "x.tif", heights), (100, 100), (1000, 100)).metres.tolist() == [0, 255]


def test_a_mask_is_heeded(tmp_path: Path) -> None:
    file = write(tmp_path / "x.tif", tilted())
    mask = np.full((SIDE, SIDE), 255, dtype=np.uint8)
    mask[10:25, 10:25] = 0
    with rasterio.open(file, "r+") as target:
        target.write_mask(mask)
    assert np.isnan(at(file, (17 * 30, (SIDE - 17) * 30), (900, 900)).metres).tolist() == [True, False]


def test_a_void_at_the_edge_is_filled_from_the_sides_that_are_known(tmp_path: Path) -> None:
    heights = np.full((SIDE, SIDE), 7.0)
    heights[:2, 5:20] = np.nan
    found = at(write(tmp_path / "x.tif", heights), (300, SIDE * 30 - 1))
    assert found.metres.tolist() == pytest.approx([7.0])
    assert found.filled.tolist() == [True]


def test_a_model_of_nothing_knows_nothing(tmp_path: Path) -> None:
    found = at(write(tmp_path / "x.tif", np.full((SIDE, SIDE), np.nan)), (300, 300))
    assert np.isnan(found.metres).tolist() == [True]
    assert not found.filled.any()
    assert not found.outside.any()


def test_a_cell_of_no_weight_need_not_be_known(tmp_path: Path) -> None:
    heights = np.full((SIDE, SIDE), 5.0)
    heights[:, 20:] = np.nan
    found = at(write(tmp_path / "x.tif", heights), (19.5 * 30, 600), (19.6 * 30, 600))
    assert np.isnan(found.metres).tolist() == [False, True]


def test_places_beyond_the_model(tmp_path: Path) -> None:
    file = write(tmp_path / "x.tif", tilted())
    found = at(file, (-0.01, 600), (1200.01, 600), (600, -0.01), (600, 1200.01), (1e7, 1e7), (600, 600))
    assert found.outside.tolist() == [True] * 5 + [False]
    assert np.isnan(found.metres).tolist() == [True] * 5 + [False]


def test_a_model_of_one_cell_and_a_question_about_no_place(tmp_path: Path) -> None:
    transform = Affine(100, 0, EAST, 0, -100, NORTH + 100)
    file = write(tmp_path / "x.tif", np.array([[42.0]]), transform=transform)
    assert at(file, (50, 50), (1, 99)).metres.tolist() == [42, 42]
    assert at(file).metres.shape == (0,)


def test_scale_offset_and_feet_are_heeded(tmp_path: Path) -> None:
    heights = np.full((SIDE, SIDE), 250, dtype=np.int16)
    assert at(write(tmp_path / "a.tif", heights, scales=[0.1], offsets=[7.0]), (600, 600)).metres.tolist() == [32.0]
    feet = at(write(tmp_path / "b.tif", heights, units=["ft"]), (600, 600)).metres
    assert feet.tolist() == pytest.approx([250 * 0.3048])


@given(seed=st.integers(0, 10_000), side=st.sampled_from([1, 3, 64]))
def test_tiles_leave_no_trace(tmp_path_factory: pytest.TempPathFactory, seed: int, side: int) -> None:
    """The same bits whatever the size of tiles; voids, which are stretched over what a tile sees, to a micrometre."""
    rng = np.random.default_rng(seed)
    heights = rng.uniform(0, 300, (60, 70))
    folder = tmp_path_factory.mktemp("tiles")
    xy = random_places(50, 0, -600, 2100, 1200)
    for holes, tolerance in ((0, 0.0), (40, 1e-6)):
        heights.ravel()[rng.choice(heights.size, holes, replace=False)] = np.nan
        file = write(folder / f"{holes}.tif", heights)
        whole = at(file, *xy)
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(elevation, "_TILE_CELLS", side)
            patch.setattr(elevation, "_TILE_LEAST", side)
            parts = at(file, *xy)
        assert parts.metres == pytest.approx(whole.metres, abs=tolerance, rel=0.0, nan_ok=True)
        assert parts.filled.tolist() == whole.filled.tolist()


def test_of_a_huge_model_only_what_is_asked_for_is_read(tmp_path: Path) -> None:
    """10 gigacells; at eight bytes the whole is 80 GB."""
    side = 100_000
    file = tmp_path / "x.tif"
    shape = {"height": side, "width": side, "count": 1, "dtype": "int16", "crs": 4548}
    layout = {"tiled": True, "blockxsize": 512, "blockysize": 512, "compress": "deflate", "SPARSE_OK": True}
    with rasterio.open(
        file, "w", driver="GTiff", transform=Affine(30, 0, EAST, 0, -30, NORTH), BIGTIFF="YES", **shape, **layout
    ) as target:
        target.write(
            np.full((100, 100), 9, dtype=np.int16), 1, window=rasterio.windows.Window(70_000, 60_000, 100, 100)
        )
    tracemalloc.start()
    found = at(file, (70_050 * 30, -60_050 * 30), (1000, -1000), (99_999 * 30, -99_999 * 30))
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert found.metres.tolist() == [9, 0, 0]
    assert peak < 150e6


def test_the_stated_crs_overrules(tmp_path: Path) -> None:
    file = write(tmp_path / "x.tif", tilted(), crs=4549)
    assert at(file, (300, 300)).outside.tolist() == [True]
    assert at(file, (300, 300), given="EPSG:4548").metres.tolist() == pytest.approx([100 + 30 - 12])


def test_models_that_cannot_be_used(tmp_path: Path) -> None:
    (tmp_path / "x.tif").write_bytes(b"no raster")
    plain = write(tmp_path / "plain.tif", tilted(), crs=None)
    for file, options, key in (
        (tmp_path / "x.tif", {}, "terrain.unreadable"),
        (tmp_path / "none.tif", {}, "terrain.unreadable"),
        (plain, {}, "terrain.no_crs"),
        (plain, {"given": "gcj02"}, "terrain.shifted"),
    ):
        with pytest.raises(InputFaultsError) as caught:
            at(file, (300, 300), where="hills", **options)
        assert [(fault.where, fault.message.key) for fault in caught.value.faults] == [("hills", key)]


def test_a_damaged_model_is_a_fault(tmp_path: Path) -> None:
    """The head of the file is whole, its cells are cut off."""
    file = write(tmp_path / "x.tif", tilted())
    file.write_bytes(file.read_bytes()[: file.stat().st_size // 2])
    with pytest.raises(InputFaultsError) as caught:
        at(file, (300, 1190), (300, 10))
    assert caught.value.faults[0].message.key == "terrain.unreadable"


def test_an_ungeoreferenced_picture_is_told_as_such(tmp_path: Path) -> None:
    file = tmp_path / "x.tif"
    shape = {"height": 4, "width": 4, "count": 1, "dtype": "uint8"}
    with pytest.warns(rasterio.errors.NotGeoreferencedWarning), rasterio.open(file, "w", driver="GTiff", **shape) as to:
        to.write(np.zeros((4, 4), dtype=np.uint8), 1)
    with pytest.raises(InputFaultsError, match="coordinate system"):
        at(file, (1, 1))
    assert at(file, (1, 1), given="EPSG:4548").outside.tolist() == [True]


@given(
    arrays.arrays(
        bool, st.tuples(st.integers(1, 24), st.integers(1, 24)), elements=st.sampled_from([True, True, False])
    ),
    st.lists(st.tuples(*[st.integers(0, 24)] * 4), max_size=3),
)
def test_small_voids_are_those_that_distances_tell(void: np.ndarray, holes: list[tuple[int, ...]]) -> None:
    """The same cells as by the distance of every cell from what is known, and from the deep of a void."""
    for top, left, down, right in holes:
        void[top : top + down, left : left + right] = True
    small = void & False
    if not void.all():
        deep = ndimage.distance_transform_edt(void) > elevation.FILL_CELLS
        small = void & (ndimage.distance_transform_edt(~deep) > 1.5 * elevation.FILL_CELLS) if deep.any() else void
    assert elevation._small_voids(void).tolist() == small.tolist()
